"""Arrays on disk by key: what was flushed survives, what was not is left out, and nobody is in anybody's way."""

import json
import os
import signal
from pathlib import Path

import numpy as np
import pytest

from core.errors import StoreError
from core.features import array_store as arrays
from core.features.array_store import ArrayStore

STATES = np.arange(60, dtype=np.float16).reshape(5, 12)
PIXELS = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)


def filled(folder: Path, *keys: str) -> ArrayStore:
    store = ArrayStore(folder)
    with store.writer() as writer:
        for number, key in enumerate(keys):
            writer.add(key, [STATES + number])
    return store


def in_a_child(work) -> int:
    child = os.fork()
    if child == 0:
        try:
            work()
        finally:
            os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_arrays_come_back_as_they_were(tmp_path: Path) -> None:
    store = ArrayStore(tmp_path / "store")
    with store.writer() as writer:
        writer.add("two windows", [STATES, STATES[:2] * 3])
        writer.add("picture", [PIXELS])
        writer.add("nothing", [])
        writer.add("picture", [PIXELS + 1])  # one that is there is not added again
    for found in (store, ArrayStore(tmp_path / "store")):
        assert len(found) == 3
        assert [each.tolist() for each in found.get("two windows")] == [STATES.tolist(), (STATES[:2] * 3).tolist()]
        picture, = found.get("picture")
        assert picture.dtype == np.uint8 and np.array_equal(picture, PIXELS)
        assert found.get("nothing") == ()
        assert found.shape("two windows") == ((5, 12), (2, 12))
        assert not picture.flags.writeable
        assert "other" not in found
    with pytest.raises(KeyError):
        store.get("other")


def test_entries_begin_at_whole_lines_of_memory_and_their_size_is_told(tmp_path: Path) -> None:
    store = filled(tmp_path, "a", "b")
    assert store.get("b")[0].ctypes.data % arrays.ALIGNED == 0
    assert store.nbytes == 2 * 128  # 120 bytes each, aligned


def test_an_empty_or_missing_folder_is_an_empty_store(tmp_path: Path) -> None:
    store = ArrayStore(tmp_path / "none")
    assert len(store) == 0 and store.nbytes == 0
    with store.writer():
        pass
    assert not (tmp_path / "none").exists()


@pytest.mark.slow
def test_a_killed_writer_loses_only_what_it_had_not_flushed(tmp_path: Path) -> None:
    def work() -> None:
        with ArrayStore(tmp_path).writer() as writer:
            for number in range(arrays.FLUSHED_EVERY + 3):
                writer.add(str(number), [STATES + number])
            os.kill(os.getpid(), signal.SIGKILL)

    assert in_a_child(work) == -signal.SIGKILL
    store = ArrayStore(tmp_path)
    assert len(store) == arrays.FLUSHED_EVERY
    assert np.array_equal(store.get("15")[0], STATES + 15)


@pytest.mark.parametrize("torn", [b'{"key": "c", "start": 0, "en', b"\xff\xfe\n", b'{"key": "c"}\n', b"[1]\n", b"7\n"])
def test_a_torn_or_foreign_line_is_left_out(tmp_path: Path, torn: bytes) -> None:
    filled(tmp_path, "a", "b")
    lines, = tmp_path.glob("*.jsonl")
    with lines.open("ab") as file:
        file.write(torn)
    store = ArrayStore(tmp_path)
    assert len(store) == 2
    assert np.array_equal(store.get("b")[0], STATES + 1)


def test_a_line_whose_numbers_are_missing_is_left_out(tmp_path: Path) -> None:
    filled(tmp_path, "a", "b")
    numbers, = tmp_path.glob("*.bin")
    os.truncate(numbers, numbers.stat().st_size - 1)
    store = ArrayStore(tmp_path)
    assert "a" in store and "b" not in store
    numbers.unlink()
    assert len(ArrayStore(tmp_path)) == 0


def test_half_a_line_counts_when_its_other_half_is_there(tmp_path: Path) -> None:
    filled(tmp_path, "a")
    lines, = tmp_path.glob("*.jsonl")
    whole = lines.read_bytes()
    lines.write_bytes(whole[:20])
    store = ArrayStore(tmp_path)
    assert "a" not in store
    lines.write_bytes(whole)
    store.refresh()
    assert "a" in store


@pytest.mark.slow
def test_two_processes_write_at_once_and_each_sees_the_other(tmp_path: Path) -> None:
    def work(name: str) -> None:
        store = ArrayStore(tmp_path)
        with store.writer() as writer:
            for number in range(40):
                writer.add(f"{name}{number}", [STATES + number])
            writer.add("both", [STATES])

    reader = ArrayStore(tmp_path)
    children = []
    for name in "ab":
        child = os.fork()
        if child == 0:
            try:
                work(name)
            finally:
                os._exit(0)
        children.append(child)
    assert [os.waitpid(child, 0)[1] for child in children] == [0, 0]
    assert len(reader) == 0
    reader.refresh()
    assert len(reader) == 81
    assert all(np.array_equal(reader.get(f"{name}{number}")[0], STATES + number)
               for name in "ab" for number in range(40))
    assert np.array_equal(reader.get("both")[0], STATES)


def test_what_is_read_stays_when_the_shard_grows(tmp_path: Path) -> None:
    store, other = ArrayStore(tmp_path), ArrayStore(tmp_path)
    with store.writer() as writer:
        writer.add("a", [STATES])
        writer.flush()
        other.refresh()
        first, = other.get("a")
        writer.add("b", [STATES + 1])
        writer.flush()
        other.refresh()
        assert np.array_equal(other.get("b")[0], STATES + 1)  # beyond what was mapped before
        assert np.array_equal(first, STATES)


def test_a_full_disk_is_told_and_what_was_flushed_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = ArrayStore(tmp_path)

    def full(number: int) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(StoreError, match="No space left") as caught, store.writer() as writer:
        writer.add("a", [STATES])
        writer.flush()
        monkeypatch.setattr(os, "fsync", full)
        writer.add("b", [STATES])
        writer.flush()
    assert caught.value.kind == "full"
    assert "a" in store and "b" not in store
    monkeypatch.undo()
    with store.writer() as writer:
        writer.add("b", [STATES])
    assert "b" in store


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a disk that is always full")
def test_numbers_that_do_not_fit_are_told(tmp_path: Path) -> None:
    store = ArrayStore(tmp_path)
    with pytest.raises(StoreError) as caught, store.writer() as writer:
        writer.add("a", [STATES])
        writer.flush()
        writer._numbers.close()
        writer._numbers = Path("/dev/full").open("wb")  # noqa: SIM115  (the writer closes it)
        writer.add("b", [np.zeros(1_000_000)])
    assert caught.value.kind == "full"
    assert len(ArrayStore(tmp_path)) == 1


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    store = ArrayStore(tmp_path / "file" / "store")
    with pytest.raises(StoreError) as caught, store.writer() as writer:
        writer.add("a", [STATES])
    assert caught.value.kind == "not_written"


def test_a_line_names_its_numbers(tmp_path: Path) -> None:
    filled(tmp_path, "a")
    lines, = tmp_path.glob("*.jsonl")
    assert json.loads(lines.read_text()) == {"key": "a", "start": 0, "end": 128, "arrays": [["<f2", [5, 12]]]}
