"""Background of the significance: everyday descriptions, embedded once per fingerprint, and other pictures."""

import hashlib
from contextlib import suppress
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import numpy as np

from core import caches, private_files
from core.models.retrieval import RetrievalModel
from core.progress import Progress, Report, WorkStep, silent
from core.search.queries import Floats, units
from core.search.vector_file import Ids
from core.search.vector_index import VectorIndex

PICTURES = 500  # of the gallery, at most
BATCH = 32  # descriptions embedded at once


@dataclass(frozen=True, eq=False)
class Background:
    """Terms of unrelated queries: unit vectors of descriptions (n, dim) and pictures (m, dim), ids (m,)."""

    descriptions: Floats
    pictures: Floats
    picture_ids: Ids


def sentences() -> tuple[str, ...]:
    """The descriptions."""
    text = (files("resources") / "background_sentences.txt").read_text(encoding="utf-8")
    return tuple(line for line in text.splitlines() if line)


def descriptions(model: RetrievalModel, dim: int, fingerprint_hash: str, folder: Path,
                 report: Report = silent) -> Floats:
    """Unit vectors (n, dim) of the descriptions, embedded once per fingerprint and kept in `folder`.

    A cache that is damaged or cannot be written is no error.
    """
    stored = kept_descriptions(dim, fingerprint_hash, folder)
    if stored is not None:
        return stored
    texts = sentences()
    parts = []
    for start in range(0, len(texts), BATCH):
        report(Progress(WorkStep.CALIBRATING, start, len(texts)))
        parts.append(model.encode_texts(texts[start:start + BATCH]).vectors)
    report(Progress(WorkStep.CALIBRATING, len(texts), len(texts)))
    vectors = units(np.concatenate(parts))
    with suppress(OSError):
        _keep(_path(texts, fingerprint_hash, folder), vectors)
    return vectors


def kept_descriptions(dim: int, fingerprint_hash: str, folder: Path) -> Floats | None:
    """The vectors (n, dim) of `descriptions` where they were embedded before; None where a model is needed."""
    texts = sentences()
    return _kept(_path(texts, fingerprint_hash, folder), (len(texts), dim))


def _path(texts: tuple[str, ...], fingerprint_hash: str, folder: Path) -> Path:
    digest = hashlib.sha256("\n".join(texts).encode()).hexdigest()[:8]
    return folder / f"{fingerprint_hash}-{digest}.npy"


def pictures(index: VectorIndex) -> tuple[Floats, Ids]:
    """Vectors (m, dim) and ids (m,) of up to PICTURES pictures of the index, always the same ones."""
    return index.sample(PICTURES)


def _kept(path: Path, shape: tuple[int, int]) -> Floats | None:
    try:
        vectors: Floats = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    caches.touch(path)
    return vectors if vectors.shape == shape and vectors.dtype == np.float32 and np.isfinite(vectors).all() else None


def _keep(path: Path, vectors: Floats) -> None:
    private_files.make_folder(path.parent, private=False)
    with private_files.replacing(path, private=False, durable=False) as file:
        np.save(file, vectors)
