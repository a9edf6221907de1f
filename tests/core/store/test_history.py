"""Transcripts and queries: kept, listed, and forgotten together with their recordings."""

from pathlib import Path

import pytest

from core.store.store import Store


@pytest.fixture
def recording(store: Store) -> Path:
    path = store._database.path.parent / "recordings" / "abc123.flac"
    path.parent.mkdir()
    path.write_bytes(b"fLaC")
    return path


def test_a_transcript_belongs_to_a_waveform_and_a_recogniser(store: Store) -> None:
    store.keep_transcript("abc", "base", {"text": "Schönes Wetter", "words": [[0.5, "lone \udcff"]]})
    assert store.transcript("abc", "base") == {"text": "Schönes Wetter", "words": [[0.5, "lone ?"]]}
    assert store.transcript("abc", "large") is None
    assert store.transcript("xyz", "base") is None
    store.keep_transcript("abc", "base", {"text": "again"})
    assert store.transcript("abc", "base") == {"text": "again"}


def test_queries_are_listed_newest_first(store: Store) -> None:
    added = [store.add_query("Holidays", f"query {n}", "text", terms=f"[{n}]") for n in range(5)]
    assert store.queries() == added[::-1]
    assert store.queries(limit=2) == added[:2:-1]
    store.delete_query(added[4].id)
    assert store.queries() == added[3::-1]
    assert store.add_query("Holidays", "lone \udcff", "mixed").text == "lone ?"


def test_recordings_move_with_the_stores_folder(store: Store, recording: Path, tmp_path: Path) -> None:
    store.add_query("Holidays", "inside", "speech", recording)
    store.add_query("Holidays", "outside", "speech", Path("/music/caf\udce9.wav"))
    store.close()
    moved = tmp_path / "moved"
    recording.parents[1].rename(moved)
    outside, inside = Store.open(moved / "store.sqlite").queries()
    assert inside.recording == moved / "recordings" / "abc123.flac"
    assert outside.recording == Path("/music/caf\udce9.wav")


def test_a_recording_goes_with_the_last_query_that_has_it(store: Store, recording: Path) -> None:
    first = store.add_query("Holidays", "a", "speech", recording)
    second = store.add_query("Holidays", "b", "speech", recording)
    store.keep_transcript("abc123", "base", {"text": "a"})
    store.delete_query(first.id)
    assert recording.exists()
    assert store.transcript("abc123", "base") is not None
    store.delete_query(second.id)
    assert not recording.exists()
    assert store.transcript("abc123", "base") is None


def test_clearing_forgets_everything_said_and_nothing_of_the_users_own(store: Store, recording: Path,
                                                                       tmp_path: Path) -> None:
    own = tmp_path / "own.wav"
    own.touch()
    store.add_query("Holidays", "a", "speech", recording)
    store.add_query("Holidays", "b", "speech", own)
    store.add_query("Holidays", "c", "text")
    store.keep_transcript("abc123", "base", {"text": "a"})
    store.keep_transcript("of a data set", "base", {"text": "x"})
    store.clear_queries()
    assert store.queries() == []
    assert (recording.exists(), own.exists()) == (False, True)
    assert store.transcript("abc123", "base") is None
    assert store.transcript("of a data set", "base") is not None
    store.clear_queries()


def test_a_damaged_transcript_is_as_good_as_none(store: Store) -> None:
    store.keep_transcripts({"a": {"text": "x"}, "b": {"text": "y"}}, "base")
    for text in ("{", "[]", "null", "3"):
        with store._database.writing() as connection:
            connection.exec_driver_sql("UPDATE transcript SET body = ? WHERE digest = 'a'", (text,))
        assert store.transcripts(["a", "b"], "base") == {"b": {"text": "y"}}
        assert store.transcript("a", "base") is None
