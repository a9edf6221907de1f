"""Transcripts and queries: kept, listed, and forgotten together with their recordings."""

import os
import sqlite3
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from core.fingerprint import Fingerprint
from core.galleries.gallery import Gallery
from core.store.records import HistoryContent, IndexedFile, NewTake
from core.store.store import Store

YEAR = timedelta(days=365)


@pytest.fixture
def recording(store: Store) -> Path:
    path = store.database.path.parent / "recordings" / "abc123.flac"
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


def test_the_transcripts_of_a_recording_are_those_of_all_recognisers(store: Store) -> None:
    store.keep_transcript("one", "base", {"text": "first"})
    store.keep_transcript("one", "small", {"text": "second"})
    store.keep_transcript("other", "base", {"text": "third"})
    assert [each["text"] for each in store.transcripts_of("one")] == ["second", "first"]
    assert store.transcripts_of("none") == []


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
        with store.database.writing() as connection:
            connection.exec_driver_sql("UPDATE transcript SET body = ? WHERE digest = 'a'", (text,))
        assert store.transcripts(["a", "b"], "base") == {"b": {"text": "y"}}
        assert store.transcript("a", "base") is None


def aged(store: Store, table: str, key: str, value: object, age: timedelta | None) -> None:
    """Have a row of the store be older than it is; None: without a date, as rows of earlier releases."""
    created = None if age is None else (datetime.now(UTC) - age).replace(tzinfo=None)
    with store.database.writing() as connection:
        connection.exec_driver_sql(f"UPDATE {table} SET created = ? WHERE {key} = ?",
                                   (None if created is None else str(created), value))


def test_clearing_the_history_says_before_what_goes_and_deletes_just_that(store: Store, recording: Path) -> None:
    store.create_gallery("Holidays")
    store.add_query("Holidays", "a", "speech", recording)
    store.add_query("Holidays", "b", "text")
    store.keep_transcript("abc123", "base", {"text": "a"})
    store.keep_transcript("of a file", "base", {"text": "x"})
    content = store.history_content()
    assert (content.queries, content.recordings, content.transcripts) == (2, (recording,), 2)
    assert content.recording_bytes == 4 and content.transcript_bytes == 2 * len('{"text": "a"}')
    assert store.clear_history() == content
    assert (store.queries(), recording.exists()) == ([], False)
    assert store.transcript("of a file", "base") is None
    assert not store.history_content() and not store.clear_history()
    assert [gallery.name for gallery in store.galleries()] == ["Holidays"]


def test_takes_keep_their_recordings_and_transcripts(store: Store, gallery: Gallery, fingerprint: Fingerprint,
                                                     entry: Callable[..., IndexedFile], tmp_path: Path) -> None:
    gallery.record(fingerprint, [entry("a.jpg", 1)])
    [image] = gallery.images()
    spoken = tmp_path / "home" / "takes" / "fed.flac"
    spoken.parent.mkdir()
    spoken.write_bytes(b"fLaC")
    speaker = store.add_speaker("M.K.")
    takes = store.add_takes([NewTake(image.id, speaker.id, spoken, "fed", 2.5)])
    store.keep_transcript("fed", "base", {"text": "a description"})
    store.add_query("Holidays", "a", "text")
    store.clear_history()
    assert spoken.exists() and store.takes(gallery.id) == takes
    assert store.transcript("fed", "base") == {"text": "a description"}


def test_only_what_is_older_goes_and_what_a_younger_query_needs_stays(store: Store, recording: Path) -> None:
    old = store.add_query("Holidays", "a", "speech", recording)
    lone = recording.with_name("dead.flac")
    lone.write_bytes(b"fLaC")
    alone = store.add_query("Holidays", "b", "speech", lone)
    store.add_query("Holidays", "a again", "speech", recording)
    for digest in ("abc123", "dead", "old file", "new file", "of no date"):
        store.keep_transcript(digest, "base", {"text": digest})
    for query in (old, alone):
        aged(store, "query", "id", query.id, YEAR)
    for digest, age in (("abc123", YEAR), ("old file", YEAR), ("of no date", None)):
        aged(store, "transcript", "digest", digest, age)
    before = datetime.now(UTC) - timedelta(days=30)
    assert store.clear_history(before) == store_content(2, (lone,), ("dead", "old file"))
    assert [query.text for query in store.queries()] == ["a again"]
    assert (recording.exists(), lone.exists()) == (True, False)
    left = [digest for digest in ("abc123", "dead", "old file", "new file", "of no date")
            if store.transcript(digest, "base")]
    assert left == ["abc123", "new file", "of no date"]


def store_content(queries: int, recordings: tuple[Path, ...], digests: tuple[str, ...]) -> HistoryContent:
    nbytes = sum(len(f'{{"text": "{digest}"}}') for digest in digests)
    return HistoryContent(queries, recordings, 4 * len(recordings), len(digests), nbytes)


def test_a_transcript_that_is_made_again_is_new(store: Store) -> None:
    store.keep_transcript("abc", "base", {"text": "a"})
    aged(store, "transcript", "digest", "abc", YEAR)
    store.keep_transcript("abc", "base", {"text": "b"})
    assert not store.history_content(datetime.now(UTC) - timedelta(days=30))


@pytest.mark.parametrize("clear", ["clear_history", "clear_queries", "one by one"])
def test_nothing_that_was_said_is_left_in_the_files_of_the_store(store: Store, clear: str) -> None:
    words = "a sentence that nobody should ever read again"
    added = [store.add_query("Holidays", f"{words} {number}", "text", terms=words * 400) for number in range(30)]
    store.create_gallery("after it")
    files = store.database.path.parent.glob("store.sqlite*")
    assert any(words.encode() in path.read_bytes() for path in files)
    if clear == "one by one":
        for query in added:
            store.delete_query(query.id)
    else:
        getattr(store, clear)()
    for path in store.database.path.parent.glob("store.sqlite*"):
        assert words.encode() not in path.read_bytes(), path.name
    with sqlite3.connect(store.database.path) as connection:
        assert connection.execute("SELECT name FROM gallery").fetchall() == [("after it",)]


def test_a_reader_elsewhere_delays_no_clearing(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.store.database.WAL_PATIENCE_MS", 20)
    store.add_query("Holidays", "a", "text")
    other = sqlite3.connect(store.database.path, isolation_level=None)
    other.execute("BEGIN")
    assert other.execute("SELECT text FROM query").fetchall() == [("a",)]
    store.add_query("Holidays", "b", "text")
    assert store.clear_history().queries == 2 and not store.database.empty_wal()
    other.close()
    assert store.database.empty_wal()


def test_recordings_that_no_query_names_are_deleted_once_they_are_old(store: Store, recording: Path) -> None:
    store.add_query("Holidays", "a", "speech", recording)
    left = "ab" * 32
    stray, fresh, others, older, song = (recording.with_name(name) for name in (
        f"{left}.flac", f"{'cd' * 32}.flac", "notes.txt", f"{'ef' * 32}.flac", "song.flac"))
    for path in (stray, fresh, others, older, song):
        path.write_bytes(b"fLaC")
    with store.database.writing() as connection:
        connection.exec_driver_sql("PRAGMA user_version=1000")
    for path, when in ((recording, 2000), (stray, 2000), (others, 2000), (song, 2000), (older, 500)):
        os.utime(path, (when, when))
    store.keep_transcript(left, "base", {"text": "said before the kill"})
    assert store.delete_stray_recordings(recording.parent, time.time() - 3600) == (stray,)
    kept = (recording, fresh, others, older, song)
    assert all(path.exists() for path in kept) and not stray.exists(), "of before this store, and no recording of ours"
    assert store.transcript(left, "base") is None
    assert store.delete_stray_recordings(recording.parent / "none", time.time()) == ()


def test_recordings_that_a_killed_clearing_left_are_swept(store: Store, recording: Path,
                                                          monkeypatch: pytest.MonkeyPatch) -> None:
    recording = recording.rename(recording.with_name(f"{'ab' * 32}.flac"))
    store.add_query("Holidays", "a dog", "speech", recording)

    def killed(recordings: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(store, "_erase", killed)
        store.clear_history()
    assert store.queries() == [] and recording.exists()
    assert store.delete_stray_recordings(recording.parent, time.time() + 1) == (recording,)
