"""Saved searches: kept by name, with recordings that clearing the history leaves."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from core.errors import StoreError
from core.store.store import Store

DIGEST = "ab" * 32


@pytest.fixture
def recording(store: Store) -> Path:
    path = store.database.path.parent / "recordings" / f"{DIGEST}.flac"
    path.parent.mkdir()
    path.write_bytes(b"fLaC")
    store.keep_transcript(DIGEST, "base", {"text": "a dog"})
    return path


def test_searches_are_listed_by_name_and_survive_a_restart(store: Store, recording: Path) -> None:
    store.save_search("winter  trips ", "Holidays", "snow", "text", "[2]")
    spoken = store.save_search("Dogs", "Holidays", "a dog", "speech", "[1]", {0: recording})
    assert [each.name for each in store.saved_searches()] == ["Dogs", "winter trips"]
    path = store.database.path
    store.close()
    again = Store.open(path)
    assert again.saved_searches()[0] == spoken and spoken.recordings == {0: recording}
    again.close()


@pytest.mark.parametrize("name", ["DOGS", " dogs "])
def test_a_name_is_given_once(store: Store, name: str) -> None:
    store.save_search("Dogs", "Holidays", "a dog", "text")
    other = store.save_search("Cats", "Holidays", "a dog", "text")
    for take in (lambda: store.save_search(name, "Holidays", "a dog", "text"),
                 lambda: store.rename_search(other.id, name)):
        with pytest.raises(StoreError, match="There is a saved search named") as refused:
            take()
        assert refused.value.kind == "exists"
    assert len(store.saved_searches()) == 2


def test_a_search_is_renamed_and_needs_a_name(store: Store) -> None:
    saved = store.save_search("Dogs", "Holidays", "a dog", "text")
    store.rename_search(saved.id, "dogs")
    store.rename_search(saved.id, "Brown dogs")
    assert [each.name for each in store.saved_searches()] == ["Brown dogs"]
    with pytest.raises(StoreError, match="A name is needed"):
        store.rename_search(saved.id, " ")


def test_clearing_the_history_leaves_what_a_saved_search_needs(store: Store, recording: Path) -> None:
    query = store.add_query("Holidays", "a dog", "speech", recording)
    store.save_search("Dogs", "Holidays", "a dog", "speech", "[]", {0: recording})
    store.delete_query(query.id)
    assert recording.exists() and store.transcripts_of(DIGEST)
    store.add_query("Holidays", "a dog", "speech", recording)
    store.clear_history(datetime.now(UTC) + timedelta(days=1))
    assert recording.exists() and store.transcripts_of(DIGEST)
    store.add_query("Holidays", "a dog", "speech", recording)
    assert store.history_content().recordings == () and store.history_content().transcripts == 0
    store.clear_history()
    os.utime(recording, (store.database.created_at + 1,) * 2)
    assert store.delete_stray_recordings(recording.parent, store.database.created_at + 10) == ()
    assert recording.exists() and store.transcripts_of(DIGEST) and store.queries() == []


def test_a_deleted_search_takes_its_recording_unless_something_else_has_it(store: Store, recording: Path) -> None:
    first = store.save_search("Dogs", "Holidays", "a dog", "speech", "[]", {0: recording})
    second = store.save_search("Dogs again", "Holidays", "a dog", "speech", "[]", {1: recording})
    store.delete_search(first.id)
    assert recording.exists() and [each.id for each in store.saved_searches()] == [second.id]
    query = store.add_query("Holidays", "a dog", "speech", recording)
    store.delete_search(second.id)
    assert recording.exists() and store.transcripts_of(DIGEST), "the history has it"
    store.delete_query(query.id)
    assert not recording.exists() and not store.transcripts_of(DIGEST)
