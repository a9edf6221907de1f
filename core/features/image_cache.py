"""What the image tower makes of a dataset's pictures before the prompts enter, computed once and kept, to the last bit.

Where that is a whole convolutional trunk (the bundled backbone), the trunk's output is kept in float32; where it is one
convolution (CLIP's own vision transformers), the cropped picture is, which is smaller and costs no more.
"""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from core import images
from core.errors import ImageError
from core.explorer import Explorer
from core.features.array_store import ArrayStore, Writer
from core.features.content_hashes import Digests, content_digest
from core.progress import Progress, Report, WorkStep, silent

if TYPE_CHECKING:
    import torch

    from core.models.vision_language import VisionLanguage

AT_ONCE = 32
READERS = 2  # threads that decode while the model computes


@dataclass(frozen=True, eq=False)
class ImageFeature:
    """One picture. `kept` is stem tokens (1 + patches, vision width) float32 or pixels (size, size, 3) uint8.

    `reason` says why it could not be read, and is "" for all others; `kept` is then empty.
    """

    kept: NDArray[Any]
    reason: str = ""


class ImageFeatureCache:
    """Sees pictures through a backbone and a crop policy, and remembers."""

    def __init__(self, explorer: Explorer, backbone: "VisionLanguage", crop: str) -> None:
        self._backbone, self._crop = backbone, crop
        self._limit: float = explorer.settings["images.max_megapixels"]
        self._files = Digests(explorer.home.caches / "pictures")
        self._whole = keeps_pixels(backbone)
        name = "pixels" if self._whole else "stems"
        facts = f"{crop}-{backbone.image_size}" if self._whole else backbone.fingerprint(crop).hash
        self._store = ArrayStore(explorer.home.caches / name / facts)

    def nbytes(self, pictures: Sequence[Path]) -> int:
        """Bytes that `see` would add; no known picture is read."""
        new = sum((key := self._known(path)) is None or key not in self._store for path in pictures)
        return new * int(np.prod(self._shape())) * (1 if self._whole else 4)

    def see(self, pictures: Sequence[Path], report: Report = silent) -> list[ImageFeature]:
        """Every picture, in order. One that cannot be read has its reason; the rest goes on. StoreError ("full")."""
        keys = [self._known(path) for path in pictures]
        missing = [number for number, key in enumerate(keys) if key is None or key not in self._store]
        reasons: dict[int, str] = {}
        before = len(pictures) - len(missing)
        with self._store.writer() as writer, self._files.writer() as remember, ThreadPoolExecutor(READERS) as pool:
            for start in range(0, len(missing), AT_ONCE):
                report(Progress(WorkStep.PREPARING_PICTURES, before + start, len(pictures)))
                part = missing[start:start + AT_ONCE]
                new: dict[str, NDArray[np.uint8]] = {}
                for number, found in zip(part, pool.map(self._read, [pictures[each] for each in part]), strict=True):
                    if isinstance(found, str):
                        reasons[number] = found
                        continue
                    keys[number], pixels = found
                    remember(pictures[number], found[0])
                    if pixels is not None:
                        new[found[0]] = pixels
                self._keep(new, writer)
                remember.flush()
        report(Progress(WorkStep.PREPARING_PICTURES, len(pictures), len(pictures)))
        return [ImageFeature(np.empty(0),
                             reasons.get(number, "It could not be read.")) if key is None or number in reasons
                else ImageFeature(self._store.get(key)[0]) for number, key in enumerate(keys)]

    def stems(self, model: Any, seen: Sequence[NDArray[Any]] | NDArray[Any], device: "torch.device | str" = "cpu"
              ) -> "torch.Tensor":
        """What `BrewCLIP.encode_stem` takes, of what is kept: (n, 1 + patches, vision width) on a device."""
        import torch

        stacked = seen if isinstance(seen, np.ndarray) else np.stack(seen)
        return model.image_stem(stacked) if self._whole else torch.from_numpy(stacked).to(device)

    def _keep(self, pictures: Mapping[str, NDArray[np.uint8]], writer: Writer) -> None:
        """Keep pictures by key."""
        if not pictures:
            return
        for key, one in zip(pictures, kept_of(self._backbone, np.stack(list(pictures.values()))), strict=True):
            writer.add(key, [one])
        writer.flush()

    def _read(self, path: Path) -> tuple[str, NDArray[np.uint8] | None] | str:
        """A picture's key and pixels (None: it is known by its content), or the reason why there are none."""
        return read_pixels(path, self._crop, self._backbone.image_size, self._limit, self._store)

    def _known(self, path: Path) -> str | None:
        try:
            return self._files.of(path)
        except OSError:
            return None

    def _shape(self) -> tuple[int, ...]:
        """Of what is kept of one picture."""
        visual, side = self._backbone.built.model.visual, self._backbone.image_size
        return (side, side, 3) if self._whole else tuple(visual.positional_embedding.shape)


def keeps_pixels(backbone: "VisionLanguage") -> bool:
    """Whether pixels are kept of a picture: the image tower begins with one convolution."""
    from torch import nn

    return isinstance(backbone.built.model.visual.conv1, nn.Conv2d)


def read_pixels(path: Path, crop: str, side: int, max_megapixels: float,
                known: ArrayStore | frozenset[str] = frozenset()) -> tuple[str, NDArray[np.uint8] | None] | str:
    """A picture's digest and what the backbone sees of it (None when the digest is known), or why it is not read."""
    try:
        digest = content_digest(path)
        if digest in known:
            return digest, None
        return digest, images.pixels(images.read(path, max_megapixels).rgb, crop, side)
    except (ImageError, OSError) as error:
        return str(error)


def kept_of(backbone: "VisionLanguage", pixels: NDArray[np.uint8]) -> NDArray[Any]:
    """What is kept of pictures (n, size, size, 3): themselves, or what the trunk makes of them, float32."""
    if keeps_pixels(backbone):
        return pixels
    import torch

    from core.models import prompts
    from core.models.open_clip_models import prepare

    with torch.inference_mode():
        model = backbone.built.model
        stems = prompts.image_stem(model, prepare(backbone.built, pixels, model.logit_scale.device))
    found: NDArray[np.float32] = stems.float().cpu().numpy()
    return found
