"""Exact search over a large gallery, against plain numpy and against reading the same memory once.

python -m tests.benchmarks.exact_search [--pictures 1000000] [--dim 512] [--top 250]
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from core.cli.output import table
from core.search.vector_index import ExactIndex, open_index

BATCH = 20_000
REPEATS = 15


class Drawn:
    """A store of random unit vectors, drawn as they are asked for, so that they need no memory of their own."""

    def __init__(self, pictures: int, dim: int) -> None:
        self.id, self.pictures, self.dim = 1, pictures, dim

    def revision(self, fingerprint_hash: str) -> str:
        return f"{self.pictures} {self.dim}"

    def vectors(self, fingerprint_hash: str) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        for start in range(0, self.pictures, BATCH):
            count = min(BATCH, self.pictures - start)
            rows = np.random.default_rng(start).standard_normal((count, self.dim), np.float32)
            rows /= np.linalg.norm(rows, axis=1, keepdims=True)
            yield np.arange(start, start + count, dtype=np.int64), rows


def plain(index: ExactIndex, query: np.ndarray, top: int) -> np.ndarray:
    return np.argsort(-(index.matrix @ query), kind="stable")[:top]


def median_of(works: list[Callable[[], object]]) -> list[float]:
    """Median seconds of each, taken in turns so that what else the machine does meets all alike."""
    spent: list[list[float]] = [[] for _ in works]
    for _ in range(REPEATS + 1):
        for work, times in zip(works, spent, strict=True):
            start = time.perf_counter()
            work()
            times.append(time.perf_counter() - start)
    return [statistics.median(times[1:]) for times in spent]  # the first brings the file into memory


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--pictures", type=int, default=1_000_000)
    parser.add_argument("--dim", type=int, default=512)
    parser.add_argument("--top", type=int, default=250)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        source = Drawn(chosen.pictures, chosen.dim)
        start = time.perf_counter()
        index = open_index(source, "drawn", chosen.dim, Path(folder))
        built = time.perf_counter() - start
        start = time.perf_counter()
        index = open_index(source, "drawn", chosen.dim, Path(folder))
        opened = time.perf_counter() - start
        query = next(source.vectors(""))[1][7]
        tenth = np.arange(0, chosen.pictures, 10)
        agree = index.search(query, chosen.top)[0].tolist() == plain(index, query, chosen.top).tolist()
        measured = median_of([lambda: index.matrix.max(), lambda: index.matrix.sum(),
                              lambda: plain(index, query, chosen.top), lambda: index.search(query, chosen.top),
                              lambda: index.search(query, chosen.top, tenth)])
    size = chosen.pictures * chosen.dim * 4
    names = ("reading the matrix once: numpy's max", "reading the matrix once: numpy's sum",
             "plain: matrix @ query, argsort", "ours: ExactIndex.search", "ours, among a tenth of the pictures")
    rows = [(name, f"{seconds * 1e3:.1f}", f"{size / seconds / 1e9:.1f}", f"{seconds / measured[0]:.2f}",
             f"{seconds / measured[2]:.2f}") for name, seconds in zip(names, measured, strict=True)]
    print(f"{chosen.pictures} x {chosen.dim} float32 = {size / 1e9:.2f} GB, best {chosen.top}, median of {REPEATS}; "
          f"same hits as plain: {agree}; built in {built:.1f} s, opened in {opened * 1e3:.0f} ms")
    print(table(rows, ("", "ms", "GB/s", "x reading", "x plain"), right=(1, 2, 3, 4)))


if __name__ == "__main__":
    main()
