"""Filling a cache: each item is computed once, and what is computed is kept however it ends."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from core.features import feature_cache
from core.features.array_store import ArrayStore
from core.features.content_hashes import Digests, content_digest
from core.features.feature_cache import Computed, FeatureCache, Missing
from core.progress import JobCancelled, Progress, Report, silent


def length(path: Path) -> np.ndarray:
    return np.array([len(path.read_text())])


class Lengths:
    """Computes the length of files, and counts how often."""

    def __init__(self, folder: Path) -> None:
        self.store, self.digests, self.computed = ArrayStore(folder / "arrays"), Digests(folder / "digests"), 0

    def fill(self, paths: list[Path], report: Report = silent) -> feature_cache.Filled[Path]:
        return FeatureCache(self.store, self.digests.known, self.digests).fill(paths, self._compute, report=report)

    def _compute(self, missing: Missing[Path]) -> Iterator[list[Computed[Path]]]:
        for _, paths in missing.groups(2):
            yield [self._one(path, missing) for path in paths]

    def _one(self, path: Path, missing: Missing[Path]) -> Computed[Path]:
        if not path.exists():
            return Computed(path, reason=f"{path.name} is gone.")
        digest = content_digest(path)
        if missing.present([digest]):
            return Computed(path, digest, digest=digest)
        self.computed += 1
        return Computed(path, digest, [length(path)], digest)


@pytest.fixture
def paths(tmp_path: Path) -> list[Path]:
    made = [tmp_path / f"{number}.txt" for number in range(5)]
    for number, path in enumerate(made):
        path.write_text("x" * number)
    return made


def test_each_item_is_computed_once(tmp_path: Path, paths: list[Path]) -> None:
    cache = Lengths(tmp_path)
    filled = cache.fill(paths)
    assert [int(cache.store.get(filled.keys[path])[0][0]) for path in paths] == [0, 1, 2, 3, 4]
    assert (filled.added, cache.fill(paths).added, cache.computed) == (5, 0, 5)
    again = Lengths(tmp_path)
    assert again.fill(paths).keys == filled.keys and again.computed == 0


def test_equal_content_is_computed_once_also_where_files_were_moved(tmp_path: Path, paths: list[Path]) -> None:
    copy, moved = tmp_path / "copy.txt", tmp_path / "moved.txt"
    copy.write_text("xxx")
    cache = Lengths(tmp_path)
    filled = cache.fill([*paths, copy])
    assert filled.keys[copy] == filled.keys[paths[3]] and cache.computed == 5
    paths[2].rename(moved)
    assert cache.fill([moved]).keys[moved] == filled.keys[paths[2]] and cache.computed == 5


def test_an_item_that_cannot_be_read_has_its_reason(tmp_path: Path, paths: list[Path]) -> None:
    gone = tmp_path / "gone.txt"
    filled = Lengths(tmp_path).fill([gone, *paths])
    assert filled.reasons == {gone: "gone.txt is gone."} and gone not in filled.keys and len(filled.keys) == 5


def test_a_stop_keeps_what_was_computed(tmp_path: Path, paths: list[Path]) -> None:
    reported: list[tuple[int, int]] = []

    def stop(progress: Progress) -> None:
        reported.append((progress.done, progress.total))
        if progress.done == 4:
            raise JobCancelled

    with pytest.raises(JobCancelled):
        Lengths(tmp_path).fill(paths, stop)
    again = Lengths(tmp_path)
    assert again.fill(paths, lambda progress: reported.append((progress.done, progress.total))).added == 1
    assert again.computed == 1 and reported == [(0, 5), (2, 5), (4, 5), (4, 5), (5, 5)]


def test_what_was_computed_is_on_disk_before_the_end(tmp_path: Path, paths: list[Path],
                                                     monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feature_cache, "FLUSH_EVERY", 2)
    seen: list[int] = []
    Lengths(tmp_path).fill(paths, lambda progress: seen.append(len(ArrayStore(tmp_path / "arrays"))))
    assert seen == [0, 2, 4, 5]
