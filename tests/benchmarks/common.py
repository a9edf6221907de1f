"""What the benchmarks share: the data they speak from, a home of their own, and timing in turns."""

import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from core import datasets, demo, weights
from core.datasets import Dataset
from core.home import Home, find_home

DATA = Path(os.environ.get("BREWCLIP_TEST_DATA") or Path(__file__).resolve().parents[3] / "shared" / "data")


def test_split(folder: Path = DATA / "flickr8k") -> Dataset:
    """Flickr8k's test split; unless told, cut down as it lies in the development data."""
    return datasets.load(folder).of("test")


def recordings(limit: int) -> list[Path]:
    """Recordings to speak from: the development data's where it is, else the demo's."""
    if (DATA / "flickr8k").is_dir():
        return [spoken.recording for spoken in test_split().utterances if spoken.recording][:limit]
    return [query.path for query in demo.queries()][:limit]


@contextmanager
def own_home() -> Iterator[Home]:
    """An empty home that uses the weights which the user's home has."""
    users = find_home().weights
    with tempfile.TemporaryDirectory() as folder:
        os.environ.setdefault(weights.MODELS_VARIABLE, str(users))
        yield Home(Path(folder))


def in_turns(works: Sequence[Callable[[], object]], rounds: int) -> list[list[float]]:
    """Seconds of each work, round by round in turns, so that what else the machine does meets all alike; the first
    round, which warms caches, is not counted."""
    spent: list[list[float]] = [[] for _ in works]
    for _ in range(rounds + 1):
        for work, times in zip(works, spent, strict=True):
            start = time.perf_counter()
            work()
            times.append(time.perf_counter() - start)
    return [times[1:] for times in spent]


def medians(spent: Sequence[Sequence[float]]) -> list[float]:
    """The median of each row."""
    return [statistics.median(times) for times in spent]
