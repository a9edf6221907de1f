"""Projections of embeddings onto a plane: PCA at once, UMAP in a process of its own; and where a query lies on one."""

import hashlib
import importlib.util
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core import caches, child_python, private_files
from core.errors import MapError
from core.localisation import _
from core.mapping.points import Bools, Floats, MapPoints
from core.mapping.umap_process import PARAMETERS
from core.progress import Progress, Report, WorkStep, silent

METHODS: Mapping[str, str] = {"umap": "UMAP", "pca": "PCA"}
INSTALL = _("pip install umap-learn")
FOLDER = "maps"  # of the caches
NEAREST = 10  # points that place a query
LOOK_EVERY = 0.2  # seconds
SAMPLE = 20_000  # evenly spaced points that PCA's axes are computed of; all are projected
KEPT = _("The first view (PCA) stays as it is.")


@dataclass(frozen=True, eq=False)
class Projection:
    """Positions (n, 2) float32 of a map's points, centred on 0 with the farthest coordinate at 1.

    `centred`: each modality's mean was subtracted first. `share` of the variance that PCA's axes keep, NaN for UMAP;
    `seconds` of computing, 0 where it was cached.
    """

    method: str
    centred: bool
    positions: Floats
    seconds: float
    share: float = float("nan")


@dataclass(frozen=True, eq=False)
class _Axes:
    """PCA: x of a vector v is (v - mean) @ axes, axes (dim, 2)."""

    mean: NDArray[np.float64]
    axes: NDArray[np.float64]
    share: float

    def place(self, vectors: Floats) -> Floats:
        """Positions (n, 2) before scaling."""
        placed: Floats = vectors @ self.axes.astype(np.float32) - (self.mean @ self.axes).astype(np.float32)
        return placed


def has_umap() -> bool:
    """Whether UMAP can be computed here: it is installed, and there is a Python to run it in."""
    return not getattr(sys, "frozen", False) and importlib.util.find_spec("umap") is not None


def pca(points: MapPoints, centred: bool) -> Projection:
    """The plane of the largest variance. The largest weight of each axis is positive, so that it is stable."""
    start = time.perf_counter()
    vectors = prepared(points, centred)
    axes = _axes(vectors)
    return Projection("pca", centred, _scaled(axes.place(vectors)), time.perf_counter() - start, axes.share)


def umap(points: MapPoints, centred: bool, folder: Path, report: Report = silent) -> Projection:
    """UMAP's layout under the cosine, begun at PCA's; `folder` are the caches.

    JobCancelled by `report` ends its process. MapError: no_umap, failed. A map that cannot be cached is no error.
    """
    start = time.perf_counter()
    vectors = prepared(points, centred)
    path = folder / FOLDER / f"{_key(vectors)}.npy"
    with suppress(OSError, ValueError):
        positions = np.load(path)
        if positions.shape == (len(points), 2):
            caches.touch(path)
            return Projection("umap", centred, positions, 0.0)
    positions = _scaled(_computed(vectors, report))
    with suppress(OSError):
        private_files.make_folder(path.parent)
        with private_files.replacing(path, durable=False) as file:
            np.save(file, positions)
    return Projection("umap", centred, positions, time.perf_counter() - start)


def place_query(points: MapPoints, projection: Projection, vector: Floats) -> Floats:
    """Position (2,) of a query's vector: exact in PCA; in UMAP the mean of its nearest points, near ones weighing more.

    On a centred map the utterances' mean is subtracted from it, or the pictures' where there are no utterances.
    """
    vectors = prepared(points, projection.centred)
    query = np.asarray(vector, np.float32)
    if projection.centred:
        query = query - points.vectors[points.spoken if points.spoken.any() else ~points.spoken].mean(axis=0)
    if projection.method == "pca":
        axes = _axes(vectors)
        places = axes.place(np.concatenate([vectors, query[None]]))
        scaled: Floats = _scaled(places, places[:-1])[-1]
        return scaled
    cosines = (vectors @ query) / np.maximum(np.linalg.norm(vectors, axis=1) * np.linalg.norm(query), 1e-12)
    nearest = np.argsort(-cosines, kind="stable")[:NEAREST]
    distances = 1 - cosines[nearest]
    weights = np.exp(-(distances - distances[0]) / max(float((distances - distances[0]).mean()), 1e-6))
    return np.average(projection.positions[nearest], axis=0, weights=weights).astype(np.float32)


def hits_of(points: MapPoints, vector: Floats, top: int) -> NDArray[np.int64]:
    """Rows of the pictures that are most like a query, best first, as in a search; utterances where there are none."""
    rows = np.flatnonzero(~points.spoken) if not points.spoken.all() else np.arange(len(points))
    return rows[np.argsort(-(points.vectors[rows] @ np.asarray(vector, np.float32)), kind="stable")[:top]]


def prepared(points: MapPoints, centred: bool) -> Floats:
    """The vectors (n, dim) as projected: `centred`, less the mean of their modality."""
    if not centred:
        return points.vectors
    vectors = points.vectors.copy()
    for part in (points.spoken, ~points.spoken):
        if part.any():
            vectors[part] -= vectors[part].mean(axis=0)
    return vectors


def inside(positions: Floats, outline: NDArray[np.floating]) -> Bools:
    """Which positions (n, 2) lie within a closed outline (m, 2), by the even-odd rule."""
    x, y = positions[:, 0], positions[:, 1]
    low, high = outline.min(axis=0), outline.max(axis=0)
    near = np.flatnonzero((x >= low[0]) & (x <= high[0]) & (y >= low[1]) & (y <= high[1]))
    x, y = x[near], y[near]
    odd = np.zeros(len(near), bool)
    for (x0, y0), (x1, y1) in zip(outline, np.roll(outline, -1, axis=0), strict=True):
        if y0 != y1:
            odd ^= ((y0 > y) != (y1 > y)) & (x < (x1 - x0) * (y - y0) / (y1 - y0) + x0)
    within = np.zeros(len(positions), bool)
    within[near[odd]] = True
    return within


def _axes(vectors: Floats) -> _Axes:
    sample = vectors[::-(-len(vectors) // SAMPLE)]
    mean = sample.mean(axis=0, dtype=np.float64)
    shifted = sample - mean.astype(np.float32)
    covariance = (shifted.T @ shifted).astype(np.float64) / len(sample)
    _unused, variances, rows = np.linalg.svd(covariance)
    axes = rows[:2].T
    axes = axes * np.where(axes[np.abs(axes).argmax(axis=0), [0, 1]] < 0, -1.0, 1.0)
    return _Axes(mean, axes, float(variances[:2].sum() / max(variances.sum(), 1e-30)))


def _scaled(places: Floats, frame: Floats | None = None) -> Floats:
    """Positions with the middle of `frame` (their own without one) at 0 and its farthest coordinate at 1."""
    frame = places if frame is None else frame
    low, high = frame.min(axis=0), frame.max(axis=0)
    scaled: Floats = (places - (low + high) / 2) / np.float32(max(float((high - low).max()) / 2, 1e-12))
    return scaled


def _key(vectors: Floats) -> str:
    digest = hashlib.sha256(f"{PARAMETERS} {vectors.shape}".encode())
    digest.update(np.ascontiguousarray(vectors).data)
    return digest.hexdigest()


def _computed(vectors: Floats, report: Report) -> Floats:
    if not has_umap():
        raise MapError(_("UMAP is not installed here. {kept} `{install}` brings it.").format(kept=KEPT,
                                                                                             install=INSTALL),
                       "no_umap")
    with tempfile.TemporaryDirectory(prefix="brewclip-") as name:
        place = Path(name)
        np.save(place / "vectors.npy", vectors)
        np.save(place / "start.npy", 10 * _scaled(_axes(vectors).place(vectors)))
        with (place / "errors").open("wb") as errors:
            child = subprocess.Popen(child_python.command("-m", "core.mapping.umap_process", name),  # noqa: S603
                                     stdin=subprocess.DEVNULL, stdout=errors, stderr=errors,
                                     env=child_python.environment(), cwd=place)
        try:
            while child.poll() is None:
                report(_progress(place))
                time.sleep(LOOK_EVERY)
        finally:
            child.kill()
            child.wait()
        if child.returncode or not (place / "positions.npy").is_file():
            said = (place / "errors").read_text("utf-8", "replace").strip().splitlines()
            raise MapError(_("UMAP could not be computed: {said}. {kept} Close other programs, or choose fewer "
                             "pictures, and try again.").format(said=said[-1] if said else _("its process was ended"),
                                                                kept=KEPT), "failed")
        positions: Floats = np.load(place / "positions.npy")
        return positions


def _progress(place: Path) -> Progress:
    try:
        done, total = (place / "progress").read_text().split()
        return Progress(WorkStep.ARRANGING_POINTS, int(done), int(total))
    except (OSError, ValueError):
        return Progress(WorkStep.FINDING_NEIGHBOURS)
