"""Upkeep at a start: the history's limit, leftovers of kills, the caches' limit; what is in use stays."""

import os
import time
from pathlib import Path

import pytest
from filelock import FileLock

from core import upkeep
from core.caches import DAY, HOUR
from core.explorer import Explorer
from core.home import Home
from core.pretrained.weight_files import alone
from core.settings import Settings
from core.store.store import Store


@pytest.fixture
def store(home: Home):
    made = Store.open(home.store)
    yield made
    made.close()


def put(path: Path, age: float, nbytes: int = 4) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(bytes(nbytes))
    then = time.time() - age
    for one in (path, path.parent):
        os.utime(one, (then, then))
    return path


def backdate(store: Store, days: int) -> None:
    with store.database.writing() as connection:
        connection.exec_driver_sql(f"UPDATE query SET created = datetime('now', '-{days} days')")


def test_by_default_the_history_is_kept(home: Home, store: Store) -> None:
    store.add_query("Holidays", "a", "text")
    backdate(store, 4000)
    assert upkeep.tidy(home, store, Settings()).history is None
    assert len(store.queries()) == 1


def test_the_history_is_kept_as_long_as_the_settings_say(home: Home, store: Store) -> None:
    store.add_query("Holidays", "old", "text")
    backdate(store, 8)
    store.add_query("Holidays", "new", "text")
    tidied = upkeep.tidy(home, store, Settings().with_value("search.history_days", 7))
    assert tidied.history is not None and tidied.history.queries == 1
    assert [query.text for query in store.queries()] == ["new"]


def test_caches_are_brought_within_their_limit(home: Home, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upkeep, "GB", 10)
    old = put(home.caches / "thumbnails" / "ab" / "a.jpg", 3 * DAY, 15)
    assert upkeep.tidy(home, store, Settings().with_value("caches.limit_gb", 0)).caches is None
    assert upkeep.tidy(home, store, Settings().with_value("caches.limit_gb", 2)).caches == upkeep.Freed(0, 15)
    assert upkeep.tidy(home, store, Settings().with_value("caches.limit_gb", 1)).caches == upkeep.Freed(15, 0)
    assert not old.exists()


def make_old(store: Store) -> None:
    """As if the store had been there for a month."""
    with store.database.writing() as connection:
        connection.exec_driver_sql(f"PRAGMA user_version={int(time.time() - 30 * DAY)}")


def test_what_killed_programs_left_is_deleted_and_nothing_else(home: Home, store: Store) -> None:
    make_old(store)
    left = {put(home.recordings / f"{'ab' * 32}.flac", 2 * HOUR),
            put(home.recordings / ".ab.flac.0f.new", 2 * DAY), put(home.takes / ".0f.flac", 2 * DAY),
            put(home.root / ".settings.json.0f.new", 2 * DAY), put(home.takes / ".cd.flac.0f.new", 2 * DAY)}
    kept = {put(home.recordings / "cd.flac", 0), put(home.recordings / ".cd.flac.1f.new", 0),
            put(home.takes / "take.flac", 9 * DAY), put(home.root / "settings.json", 9 * DAY),
            put(home.runs / "a" / ".state.new", 9 * DAY)}
    assert set(upkeep.sweep(home, store)) == left
    assert all(path.exists() for path in kept) and not any(path.exists() for path in left)
    assert upkeep.sweep(home, store) == ()


def test_recordings_of_an_earlier_store_stay_beside_a_new_one(home: Home, store: Store) -> None:
    """A damaged store is moved away, as its error says; what it names must be there when it comes back."""
    kept = put(home.recordings / f"{'ab' * 32}.flac", 2 * HOUR)
    assert upkeep.sweep(home, store) == () and kept.exists()


def test_a_staged_file_that_is_brought_to_its_end_meanwhile_is_no_error(home: Home, store: Store, monkeypatch) -> None:
    put(home.root / ".settings.json.0f.new", 2 * DAY)

    def gone(path: Path) -> float:
        raise FileNotFoundError(path)

    monkeypatch.setattr(upkeep, "_newest", gone)
    assert upkeep.sweep(home, store) == ()


def test_a_download_that_is_going_on_or_may_go_on_stays(home: Home, store: Store) -> None:
    fetching = home.weights / "fetching"
    running, given_up, young = (put(fetching / name / "a.part", age).parent for name, age in
                                (("running", 99 * DAY), ("given-up", 99 * DAY), ("young", 9 * DAY)))
    with alone(fetching / "running.lock"):
        assert upkeep.sweep(home, store) == (given_up,)
    assert running.exists() and young.exists() and not given_up.exists()
    assert upkeep.sweep(home, store) == (running,)


def test_an_export_that_is_being_written_stays(home: Home, store: Store) -> None:
    folder = put(home.root / ".brewclip-export-0f.partial" / "a.wav", 2 * DAY).parent
    with FileLock(folder.with_suffix(".lock")):
        assert upkeep.sweep(home, store) == ()
    assert upkeep.sweep(home, store) == (folder,)
    assert not folder.exists() and not folder.with_suffix(".lock").exists()


def test_usage_names_all_that_clearing_deletes(home: Home, store: Store) -> None:
    explorer = Explorer(home, Settings())
    store.add_query("Holidays", "a", "speech", put(home.recordings / "ab.flac", 0, 7))
    store.keep_transcript("ab", "base", {"text": "a"})
    put(home.caches / "vectors" / "a", 0, 9)
    make_old(store)
    stray = put(home.recordings / f"{'ab' * 32}.flac", 2 * HOUR)
    found = upkeep.usage(home, store)
    assert (found.history.queries, found.history.recording_bytes, dict(found.caches)) == (1, 7, {"vectors": 9})
    assert upkeep.clear_history(home, explorer.store) == found.history
    assert not stray.exists() and not upkeep.usage(home, store).history
    explorer.close()
