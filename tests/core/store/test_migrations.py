"""Stores of earlier releases are brought up to date with all that is in them."""

import sqlite3
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine

from core.galleries.backends import open_gallery
from core.store.database import MIGRATIONS
from core.store.records import NewTake
from core.store.schema import APPLICATION_ID, SCHEMA_REVISION
from core.store.store import Store


def store_of(revision: str, path: Path) -> None:
    """A store as the release with that revision made it: a gallery, a tagged picture, a query, a transcript."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    engine = create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
        for statement in (
                f"PRAGMA application_id={APPLICATION_ID}",
                "INSERT INTO gallery VALUES (1, 'Holidays', 'holidays', '2026-11-01', 'abc')",
                "INSERT INTO folder VALUES (1, X'2F7069')",
                f"INSERT INTO content VALUES (1, X'{'07' * 32}', 40, 30, NULL)",
                "INSERT INTO image VALUES (5, 1, X'2F70692F612E6A7067', 'a.jpg', 1, 10, 1, 0)",
                "INSERT INTO tag VALUES (5, 'beach')",
                "INSERT INTO transcript (digest, fingerprint, body) VALUES ('abc', 'base', '{\"text\": \"a dog\"}')",
                "INSERT INTO query VALUES (1, '2026-11-01', 'Holidays', 'a dog', 'text', NULL, '[]')"):
            connection.exec_driver_sql(statement)
    engine.dispose()


@pytest.mark.parametrize("revision", ["0001", "0002", "0003", "0004", "0005"])
def test_a_store_of_an_earlier_release_keeps_everything_and_takes_new_things(tmp_path: Path, revision: str) -> None:
    path = tmp_path / "store.sqlite"
    store_of(revision, path)
    store = Store.open(path)
    gallery = open_gallery(store, "Holidays")
    [image] = gallery.images()
    assert (image.id, image.path, image.tags) == (5, Path("/pi/a.jpg"), ("beach",))
    gallery.rate([5], 4)
    assert gallery.images()[0].rating == 4
    assert [query.text for query in store.queries()] == ["a dog"]
    assert store.transcript("abc", "base") == {"text": "a dog"}
    speaker = store.add_speaker("M.K.")
    [take] = store.add_takes([NewTake(5, speaker.id, path.parent / "takes" / "a.flac", "a", 2.5)])
    store.close()
    assert Store.open(path).takes(gallery.id) == [take]
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchall() == [(SCHEMA_REVISION,)]


def test_takes_of_an_old_store_need_no_gallery_to_stay(tmp_path: Path) -> None:
    """The foreign keys of a migrated store let go of a picture, and do not take its takes along."""
    path = tmp_path / "store.sqlite"
    store_of("0001", path)
    store = Store.open(path)
    speaker = store.add_speaker("M.K.")
    [take] = store.add_takes([NewTake(5, speaker.id, tmp_path / "a.flac", "a", 2.5)])
    open_gallery(store, store.galleries()[0]).delete()
    [left] = store.takes_by_id([take.id])
    assert (left.image_id, left.text, left.recording) == (None, take.text, take.recording)
