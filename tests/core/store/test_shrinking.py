"""Disk space of the store: what deleting returns, and when it does not."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from core.galleries.backends import open_gallery
from core.store import database as databases
from core.store.records import DecodedImageFacts, FileStamp, IndexedFile
from core.store.store import Store
from tests.core.galleries.entries import FINGERPRINT

COUNT = 600


@pytest.fixture(autouse=True)
def little_is_much(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(databases, "FREE_BYTES", 1 << 18)
    monkeypatch.setattr(databases, "SHRINK_PAGES", 16)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A store with a small gallery "Kept" and one of some 2 MB, "Large"."""
    path = tmp_path / "store.sqlite"
    store = Store.open(path)
    for name, count in (("Kept", 5), ("Large", COUNT)):
        gallery = open_gallery(store, name, create=True)
        gallery.add_folder(Path("/pictures"))
        gallery.record(FINGERPRINT, [IndexedFile(
            f"/pictures/{number}.jpg", FileStamp(1, 1), number.to_bytes(32, "big"), DecodedImageFacts(4, 3, None),
            np.full(1024, number, np.float32)) for number in range(count)])
    store.close()
    return path


def of_an_earlier_release(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA auto_vacuum=NONE")
        connection.execute("VACUUM")
        assert connection.execute("PRAGMA auto_vacuum").fetchone() == (0,)


@pytest.mark.parametrize("earlier", [False, True])
def test_deleting_a_gallery_returns_its_room(path: Path, earlier: bool) -> None:
    if earlier:
        of_an_earlier_release(path)
    before = path.stat().st_size
    store = Store.open(path)
    open_gallery(store, "Large").delete()
    assert path.stat().st_size < before / 3
    kept = open_gallery(store, "Kept")
    [(_, vectors)] = kept.vectors(FINGERPRINT.hash)
    assert (len(kept.images()), vectors[:, 0].tolist()) == (5, [0, 1, 2, 3, 4])
    store.close()
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA auto_vacuum").fetchone() == (2,)


@pytest.mark.parametrize("earlier", [False, True])
def test_on_a_full_disk_the_file_is_not_touched(path: Path, earlier: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if earlier:
        of_an_earlier_release(path)
    before = path.stat().st_size
    store = Store.open(path)
    usage = shutil.disk_usage(path.parent)
    monkeypatch.setattr(databases.shutil, "disk_usage", lambda folder: usage._replace(free=databases.ROOM_LEFT - 1))
    open_gallery(store, "Large").delete()
    assert path.stat().st_size >= before
    assert [gallery.name for gallery in store.galleries()] == ["Kept"]
    monkeypatch.undo()
    monkeypatch.setattr(databases, "FREE_BYTES", 1 << 18)
    assert store.database.shrink() > before / 2, "when there is room again"
    store.close()


def test_while_another_process_reads_nothing_fails(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(databases, "WAL_PATIENCE_MS", 50)
    store = Store.open(path)
    with closing(sqlite3.connect(path)) as reader:
        reader.execute("BEGIN")
        assert reader.execute("SELECT count(*) FROM image").fetchone() == (COUNT + 5,)
        open_gallery(store, "Large").delete()
        assert reader.execute("SELECT count(*) FROM image").fetchone() == (COUNT + 5,)
    assert store.database.shrink() >= 0
    assert path.stat().st_size < COUNT * 4096 / 2
    store.close()


def test_little_that_is_free_stays_for_what_comes(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store.open(path)
    before = path.stat().st_size
    open_gallery(store, "Kept").delete()
    assert path.stat().st_size == before
    store.close()


def test_clearing_the_history_returns_its_room(path: Path) -> None:
    store = Store.open(path)
    open_gallery(store, "Large").delete()
    store.keep_transcripts({f"{number:064x}": {"text": "word " * 2000} for number in range(200)}, "base")
    store.database.empty_wal()
    before = path.stat().st_size
    store.clear_history()
    assert path.stat().st_size < before / 2
    store.close()
