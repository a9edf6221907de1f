"""Vectors of a split's pictures under a crop, one of the program's policies or several crops at once."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core import images
from core.errors import ImageError
from core.evaluation.models import LoadedModel
from core.evaluation.ranks import Floats
from core.explorer import Explorer
from core.features import encode
from core.features.array_store import ArrayStore
from core.features.content_hashes import Digests, content_digest
from core.features.image_cache import ImageFeatureCache
from core.features.prepared_split import Split
from core.images import SEVERAL
from core.progress import Progress, Report, WorkStep, silent, steps

AT_ONCE = 16  # pictures of up to four views each
Views = NDArray[np.uint8]


def picture_vectors(explorer: Explorer, subject: LoadedModel, split: Split, crop: str, report: Report = silent
                    ) -> Floats:
    """Unit vectors (n, dim) of the split's pictures; NaN where one cannot be read. What was seen before is kept."""
    if crop == SEVERAL:
        return _several(explorer, subject, split.paths, report)
    seeing = ImageFeatureCache(explorer, subject.backbone, crop)
    paths = [path for path in split.paths if path]
    looking, embedding = steps(report, 1, 1)
    seen = iter(seeing.see(paths, looking))
    found = tuple(next(seen) if path else each for path, each in zip(split.paths, split.pictures, strict=True))
    return encode.encode_pictures(subject.model, seeing, replace(split, pictures=found), embedding)


def _several(explorer: Explorer, subject: LoadedModel, paths: Sequence[Path | None], report: Report) -> Floats:
    """Mean vectors over several crops, kept by what is in the file under the model's fingerprint."""
    files = Digests(explorer.home.caches / "pictures")
    store = ArrayStore(explorer.home.caches / "views" / subject.fingerprint(SEVERAL).hash)
    limit: float = explorer.settings["images.max_megapixels"]
    found = np.full((len(paths), subject.model.built.dim), np.nan, np.float32)
    for start in range(0, len(paths), AT_ONCE):
        report(Progress(WorkStep.EMBEDDING_CROPS, start, len(paths)))
        part = [(number, path) for number, path in enumerate(paths[start:start + AT_ONCE], start) if path]
        keys = {number: _digest(files, path) for number, path in part}
        views = {number: _views(path, limit, subject.backbone.image_size) for number, path in part
                 if keys[number] and keys[number] not in store}
        read = {number: each for number, each in views.items() if each is not None}
        if read:
            with store.writer() as writer:
                for number, vector in zip(read, _encoded(subject, list(read.values())), strict=True):
                    writer.add(keys[number], [vector])
        for number, _ in part:
            if keys[number] in store:
                found[number] = store.get(keys[number])[0]
    report(Progress(WorkStep.EMBEDDING_CROPS, len(paths), len(paths)))
    return found


def _encoded(subject: LoadedModel, views: list[Views]) -> Floats:
    import torch

    from core.models.multicrop import encode_views

    def vectors(pixels: Views) -> Floats:
        found: Floats = subject.model.encode_stem(subject.model.image_stem(pixels)).float().cpu().numpy()
        return found

    with torch.inference_mode():
        return encode_views(vectors, views)


def _digest(files: Digests, path: Path) -> str:
    """What is in the file, "" when it cannot be read."""
    try:
        return files.of(path) or content_digest(path)
    except OSError:
        return ""


def _views(path: Path, limit: float, size: int) -> Views | None:
    try:
        return images.views(images.read(path, limit).rgb, size)
    except ImageError:
        return None
