"""UMAP in a process of its own, which can be ended at any time: its compiled loops would hold the window's thread.

python -m core.mapping.umap_process FOLDER: reads vectors.npy and start.npy there, writes `progress` and positions.npy.
"""

import sys
from pathlib import Path

import numpy as np

NEIGHBOURS, MIN_DISTANCE, SEED = 15, 0.1, 17
PARAMETERS = f"umap 1 {NEIGHBOURS} {MIN_DISTANCE} {SEED} cosine"  # part of the key of a cached map


class ProgressFile:
    """Text file for tqdm: the latest "done total" replaces the one before."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def write(self, text: str) -> None:
        """Replace the content."""
        if text.strip():
            self._path.write_text(text.strip())

    def flush(self) -> None:
        """Nothing: each write is whole."""


def main(folder: Path) -> None:
    """Compute and write the positions."""
    from umap import UMAP

    vectors, start = np.load(folder / "vectors.npy"), np.load(folder / "start.npy")
    bar = {"disable": False, "file": ProgressFile(folder / "progress"), "bar_format": "{n_fmt} {total_fmt}",
           "mininterval": 0.2}
    layout = UMAP(n_neighbors=min(NEIGHBOURS, len(vectors) - 1), min_dist=MIN_DISTANCE, metric="cosine", init=start,
                  random_state=SEED, n_jobs=1, tqdm_kwds=bar)
    np.save(folder / "positions.npy", layout.fit_transform(vectors))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
