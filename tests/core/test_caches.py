"""Caches: measured, bounded, cleared, and never deleted under whoever uses them."""

import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from core import caches
from core.features.array_store import ArrayStore
from core.progress import JobCancelled

DAY = caches.DAY


def put(path: Path, nbytes: int, age: float = 0.0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(bytes(nbytes))
    os.utime(path, (time.time() - age,) * 2)
    return path


def arrays(folder: Path, age: float = 0.0) -> ArrayStore:
    """A folder of arrays with one entry, last used so long ago."""
    store = ArrayStore(folder)
    with store.writer() as writer:
        writer.add("a", [np.arange(1000)])
    for path in folder.iterdir():
        os.utime(path, (time.time() - age,) * 2)
    return store


def test_usage_is_by_kind_and_counts_no_locks(tmp_path: Path) -> None:
    put(tmp_path / "thumbnails" / "ab" / "a.jpg", 10)
    put(tmp_path / "thumbnails" / "cd" / "b.jpg", 20)
    put(tmp_path / "cluster" / "key.lock", 5)
    arrays(tmp_path / "states" / "base")
    assert caches.usage(tmp_path) == {"states": pytest.approx(8000, abs=300), "thumbnails": 30}
    assert caches.usage(tmp_path / "none") == {}


def test_what_was_used_longest_ago_goes_first_and_what_was_used_today_stays(tmp_path: Path) -> None:
    old, older, today = (put(tmp_path / "thumbnails" / f"{age}.jpg", 100, age * DAY) for age in (2, 3, 0))
    assert caches.trim(tmp_path, 250) == caches.Freed(100, 200)
    assert [path.exists() for path in (old, older, today)] == [True, False, True]
    assert caches.trim(tmp_path, 0) == caches.Freed(100, 100)
    assert today.exists()
    assert caches.trim(tmp_path, 100) == caches.Freed(0, 100)


def test_a_thing_that_is_read_again_is_no_longer_old(tmp_path: Path) -> None:
    read, unread = (put(tmp_path / "vectors" / name, 100, 3 * DAY) for name in ("read", "unread"))
    caches.touch(read)
    caches.trim(tmp_path, 0)
    assert read.exists() and not unread.exists()


def test_arrays_that_are_open_stay_until_they_are_closed(tmp_path: Path) -> None:
    store = arrays(tmp_path / "states" / "base", 9 * DAY)
    before = caches.usage(tmp_path)["states"]
    assert caches.trim(tmp_path, 0) == caches.clear(tmp_path) == caches.Freed(0, before)
    assert np.array_equal(store.get("a")[0], np.arange(1000))
    del store
    assert caches.clear(tmp_path) == caches.Freed(before, 0)
    assert len(ArrayStore(tmp_path / "states" / "base")) == 0


READER = """
import sys
from pathlib import Path
from core.features.array_store import ArrayStore
store = ArrayStore(Path(sys.argv[1]))
print("open", flush=True)
sys.stdin.readline()
assert store.get("a")[0].sum() == 499500
print("read", flush=True)
"""


@pytest.mark.slow
def test_arrays_that_another_process_has_open_stay(tmp_path: Path) -> None:
    folder = tmp_path / "states" / "base"
    arrays(folder, 9 * DAY)
    other = subprocess.Popen([sys.executable, "-c", READER, str(folder)], stdin=subprocess.PIPE,
                             stdout=subprocess.PIPE, text=True)
    assert other.stdout is not None and other.stdout.readline() == "open\n"
    assert caches.clear(tmp_path).nbytes == 0
    assert other.communicate("go on\n", timeout=60)[0] == "read\n" and other.returncode == 0
    assert caches.clear(tmp_path).kept == 0


def test_a_shard_that_is_being_written_stays(tmp_path: Path) -> None:
    folder = tmp_path / "states" / "base"
    with ArrayStore(folder).writer() as writer:
        writer.add("a", [np.arange(1000)])
        writer.flush()
        assert caches.clear(tmp_path).nbytes == 0
    assert "a" in ArrayStore(folder)


def test_arrays_can_be_written_again_after_they_were_deleted(tmp_path: Path) -> None:
    arrays(tmp_path / "states" / "base")
    caches.clear(tmp_path)
    assert "a" in arrays(tmp_path / "states" / "base")


@pytest.mark.parametrize("kind", ["opened", "emotion-folds", "cluster"])
def test_what_another_program_may_be_showing_rests_for_a_while(tmp_path: Path, kind: str) -> None:
    fresh, old = put(tmp_path / kind / "x" / "fresh.jpg", 10), put(tmp_path / kind / "x" / "old.jpg", 10, 2 * DAY)
    assert caches.clear(tmp_path) == caches.Freed(10, 10)
    assert fresh.exists() and not old.exists()


def test_a_file_that_is_being_written_stays(tmp_path: Path) -> None:
    staged = put(tmp_path / "vectors" / "1-ab.vectors.0f.new", 10)
    caches.clear(tmp_path)
    assert staged.exists()


def test_a_file_that_cannot_be_deleted_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path / "vectors" / "mapped", 10)

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "in use")

    monkeypatch.setattr(Path, "unlink", refuse)
    assert caches.clear(tmp_path) == caches.Freed(0, 10)


def test_it_can_be_stopped(tmp_path: Path) -> None:
    put(tmp_path / "vectors" / "a", 10)

    def stop(*_: object) -> None:
        raise JobCancelled

    with pytest.raises(JobCancelled):
        caches.clear(tmp_path, stop)
