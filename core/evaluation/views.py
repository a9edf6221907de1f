"""Vectors of a split's images under a crop policy, or as the mean over several crops."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core import images
from core.errors import ImageError
from core.evaluation.models import EvaluatedModel
from core.evaluation.ranks import Floats
from core.features import encode
from core.features.array_store import ArrayStore
from core.features.content_hashes import Digests
from core.features.feature_cache import Computed, FeatureCache, Missing
from core.features.image_cache import ImageFeatureCache
from core.features.prepared_split import Split
from core.images import SEVERAL
from core.progress import Report, WorkStep, silent, steps
from core.workspace import Workspace

AT_ONCE = 16  # images of up to four views each
Views = NDArray[np.uint8]


def picture_vectors(workspace: Workspace, model: EvaluatedModel, split: Split, crop: str, report: Report = silent
                    ) -> Floats:
    """Unit vectors (n, dim) of the split's images; NaN where one cannot be read. What is computed is kept."""
    if crop == SEVERAL:
        return _mean_vectors(workspace, model, split.paths, report)
    cache = ImageFeatureCache(workspace, model.backbone, crop)
    reading, embedding = steps(report, 1, 1)
    features = iter(cache.load([path for path in split.paths if path], reading))
    pictures = tuple(next(features) if path else feature
                     for path, feature in zip(split.paths, split.pictures, strict=True))
    return encode.encode_pictures(model.network, cache, replace(split, pictures=pictures), embedding)


def _mean_vectors(workspace: Workspace, model: EvaluatedModel, paths: Sequence[Path | None], report: Report) -> Floats:
    """Mean vectors over several crops, kept by content under the model's fingerprint."""
    digests = Digests(workspace.home.caches / "pictures")
    store = ArrayStore(workspace.home.caches / "views" / model.fingerprint(SEVERAL).hash)
    max_megapixels: float = workspace.settings["images.max_megapixels"]

    def compute(missing: Missing[Path]) -> Iterator[list[Computed[Path]]]:
        for _, part in missing.groups(AT_ONCE):
            keys = {path: digests.read(path) for path in part}
            present = missing.present(keys.values())
            views = {path: _views(path, max_megapixels, model.backbone.image_size) for path in part
                     if keys[path] and keys[path] not in present}
            read = {path: view for path, view in views.items() if isinstance(view, np.ndarray)}
            vectors = dict(zip(read, _encoded(model, list(read.values())), strict=True)) if read else {}
            yield [Computed(path, key, [vectors[path]] if path in vectors else None,
                            reason="" if path in vectors or key in present else "It could not be read.")
                   for path, key in keys.items()]

    filled = FeatureCache(store, digests.known).fill(
        [path for path in paths if path], compute, WorkStep.EMBEDDING_CROPS, report=report)
    vectors = np.full((len(paths), model.network.built.dim), np.nan, np.float32)
    for row, path in enumerate(paths):
        if path is not None and path in filled.keys:
            vectors[row] = store.get(filled.keys[path])[0]
    return vectors


def _encoded(model: EvaluatedModel, views: list[Views]) -> Floats:
    import torch

    from core.models.multicrop import encode_views

    def vectors(pixels: Views) -> Floats:
        encoded: Floats = model.network.encode_stem(model.network.image_stem(pixels)).float().cpu().numpy()
        return encoded

    with torch.inference_mode():
        return encode_views(vectors, views)


def _views(path: Path, max_megapixels: float, size: int) -> Views | None:
    try:
        return images.views(images.read(path, max_megapixels).rgb, size)
    except ImageError:
        return None
