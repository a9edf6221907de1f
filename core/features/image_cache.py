"""Output of the image tower before the prompts enter, of a dataset's images, computed once and kept to the last bit.

Where that is a whole convolutional trunk (the bundled backbone), the trunk's output is kept in float32; where it is one
convolution (CLIP's own vision transformers), the cropped pixels are, which are smaller and cost no more.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from core import images
from core.errors import ImageError
from core.features.array_store import ArrayStore
from core.features.content_hashes import Digests, content_digest
from core.features.feature_cache import Compute, Computed, FeatureCache, Filled, Missing
from core.progress import Report, WorkStep, silent
from core.workspace import Workspace

if TYPE_CHECKING:
    import torch

    from core.models.vision_language import VisionLanguage

AT_ONCE = 32
READERS = 2  # threads that decode while the model computes


@dataclass(frozen=True, eq=False)
class ImageFeature:
    """Feature of one image: stem tokens (1 + patches, vision width) float32, or pixels (size, size, 3) uint8.

    `reason` says why the image could not be read, and is "" for all others; `array` is then empty.
    """

    array: NDArray[Any]
    reason: str = ""

    @classmethod
    def unreadable(cls, reason: str) -> "ImageFeature":
        """An image that could not be read."""
        return cls(np.empty(0), reason)


class ImageFeatureCache:
    """Features of images under a backbone and a crop policy."""

    def __init__(self, workspace: Workspace, backbone: "VisionLanguage", crop: str) -> None:
        self._backbone, self._crop = backbone, crop
        self._max_megapixels: float = workspace.settings["images.max_megapixels"]
        self._keeps_pixels = keeps_pixels(backbone)
        name = "pixels" if self._keeps_pixels else "stems"
        facts = f"{crop}-{backbone.image_size}" if self._keeps_pixels else backbone.fingerprint(crop).hash
        self._store = ArrayStore(workspace.home.caches / name / facts)
        digests = Digests(workspace.home.caches / "pictures")
        self._cache = FeatureCache(self._store, digests.known, digests)

    def missing(self, paths: Sequence[Path]) -> list[Path]:
        """The images of which nothing is kept, as far as it is known without reading them."""
        return self._cache.missing(paths)

    def nbytes(self, paths: Sequence[Path]) -> int:
        """Bytes that `load` would add; no known image is read."""
        visual, side = self._backbone.built.model.visual, self._backbone.image_size
        shape = (side, side, 3) if self._keeps_pixels else tuple(visual.positional_embedding.shape)
        return len(self.missing(paths)) * int(np.prod(shape)) * (1 if self._keeps_pixels else 4)

    def load(self, paths: Sequence[Path], report: Report = silent) -> list[ImageFeature]:
        """Features of images, in order. One that cannot be read has its reason; the rest goes on. StoreError ("full").
        """
        filled = self.fill(paths, self._compute, report)
        return [ImageFeature(self._store.get(filled.keys[path])[0]) if path in filled.keys else
                ImageFeature.unreadable(filled.reasons[path]) for path in paths]

    def fill(self, paths: Sequence[Path], compute: Compute[Path], report: Report = silent) -> Filled[Path]:
        """Have `compute` make the features that are not kept. StoreError ("full")."""
        return self._cache.fill(paths, compute, WorkStep.PREPARING_PICTURES, report=report)

    def stems(self, model: Any, arrays: Sequence[NDArray[Any]] | NDArray[Any], device: "torch.device | str" = "cpu"
              ) -> "torch.Tensor":
        """Input of `BrewCLIP.encode_stem`, of arrays that are kept: (n, 1 + patches, vision width) on a device."""
        import torch

        stacked = arrays if isinstance(arrays, np.ndarray) else np.stack(arrays)
        if self._keeps_pixels:
            return model.image_stem(stacked)  # type: ignore[no-any-return]
        return torch.from_numpy(stacked).to(device, non_blocking=True)

    def _compute(self, missing: Missing[Path]) -> Iterator[list[Computed[Path]]]:
        def read(path: Path) -> tuple[str, NDArray[np.uint8] | None] | str:
            return read_pixels(path, self._crop, self._backbone.image_size, self._max_megapixels, self._store)

        with ThreadPoolExecutor(READERS) as pool:
            for _, paths in missing.groups(AT_ONCE):
                yield encoded_images(self._backbone, dict(zip(paths, pool.map(read, paths), strict=True)))


def keeps_pixels(backbone: "VisionLanguage") -> bool:
    """Whether pixels are kept of an image: the tower begins with one convolution, or has no place for prompts."""
    from torch import nn

    from core.models import prompts

    return not prompts.takes(backbone.built.model) or isinstance(backbone.built.model.visual.conv1, nn.Conv2d)


def read_pixels(path: Path, crop: str, side: int, max_megapixels: float,
                known_digests: ArrayStore | frozenset[str] = frozenset()) -> tuple[str, NDArray[np.uint8] | None] | str:
    """An image's digest and its cropped pixels (None when the digest is known), or the reason why it is not read."""
    try:
        digest = content_digest(path)
        if digest in known_digests:
            return digest, None
        return digest, images.pixels(images.read(path, max_megapixels).rgb, crop, side)
    except (ImageError, OSError) as error:
        return str(error)


def encoded_images(backbone: "VisionLanguage", read: dict[Path, tuple[str, NDArray[np.uint8] | None] | str]
                   ) -> list[Computed[Path]]:
    """Features of images as `read_pixels` gave them; those of one content are computed once."""
    pixels = {result[0]: result[1] for result in read.values()
              if not isinstance(result, str) and result[1] is not None}
    features = dict(zip(pixels, kept_of(backbone, np.stack(list(pixels.values()))), strict=True)) if pixels else {}
    return [Computed(path, reason=result) if isinstance(result, str) else
            Computed(path, result[0], [features[result[0]]] if result[0] in features else None, result[0])
            for path, result in read.items()]


def kept_of(backbone: "VisionLanguage", pixels: NDArray[np.uint8]) -> NDArray[Any]:
    """Cached arrays of images (n, size, size, 3): their pixels, or the trunk's output, float32."""
    if keeps_pixels(backbone):
        return pixels
    import torch

    from core.models import prompts
    from core.models.open_clip_models import prepare

    with torch.inference_mode():
        model = backbone.built.model
        stems = prompts.image_stem(model, prepare(backbone.built, pixels, model.logit_scale.device))
    rows: NDArray[np.float32] = stems.float().cpu().numpy()
    return rows
