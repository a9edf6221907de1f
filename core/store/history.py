"""Transcripts by recording and recogniser, and the history of queries."""

import json
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path, PurePath
from typing import Any, cast

from sqlalchemy import ColumnElement, Connection, delete, func, insert, or_, select, tuple_
from sqlalchemy.dialects.sqlite import insert as upsert

from core import plain_json
from core.store.records import HistoryContent, QueryRecord, QuerySource
from core.store.repository import Repository, select_texts, storable
from core.store.schema import QueryRow, SavedRecordingRow, TakeRow, TranscriptRow

DIGEST = re.compile("[0-9a-f]{64}")  # what kept recordings are named by
AT_ONCE = 500  # values in one statement; SQLite takes 32 766
# Takes and saved searches are deleted where they are listed.
OF_HISTORY = ~(TranscriptRow.digest.in_(select(TakeRow.digest))
               | TranscriptRow.digest.in_(select(SavedRecordingRow.digest)))


class History(Repository):
    """The store's methods for transcripts and queries."""

    def transcript(self, digest: str, fingerprint_hash: str) -> dict[str, Any] | None:
        """Stored transcript of the waveform of that digest by that recogniser; None when there is none, or it is
        damaged.
        """
        with self.database.reading() as connection:
            body = connection.scalar(select(TranscriptRow.body).where(
                TranscriptRow.digest == digest, TranscriptRow.fingerprint == fingerprint_hash))
        return None if body is None else _transcript_json(body)

    def keep_transcript(self, digest: str, fingerprint_hash: str, transcript: dict[str, Any]) -> None:
        """Keep a transcript, in place of an earlier one of the same waveform and recogniser."""
        self.keep_transcripts({digest: transcript}, fingerprint_hash)

    def keep_transcripts(self, transcripts: Mapping[str, dict[str, Any]], fingerprint_hash: str) -> None:
        """Keep transcripts by digest, all or none, in place of earlier ones."""
        statement = upsert(TranscriptRow)
        statement = statement.on_conflict_do_update(set_={
            "body": statement.excluded.body, "created": statement.excluded.created})
        now = datetime.now(UTC)
        rows = [{"digest": digest, "fingerprint": fingerprint_hash, "created": now,
                 "body": storable(json.dumps(body, ensure_ascii=False))} for digest, body in transcripts.items()]
        if rows:
            with self.database.writing() as connection:
                connection.execute(statement, rows)

    def transcripts(self, digests: Sequence[str], fingerprint_hash: str) -> dict[str, dict[str, Any]]:
        """Those of `transcript` that are kept, by digest."""
        by_digest: dict[str, dict[str, Any]] = {}
        with self.database.reading() as connection:
            for start in range(0, len(digests), AT_ONCE):
                rows = connection.execute(select(TranscriptRow.digest, TranscriptRow.body).where(
                    TranscriptRow.digest.in_(digests[start:start + AT_ONCE]),
                    TranscriptRow.fingerprint == fingerprint_hash))
                by_digest.update((row.digest, transcript) for row in rows
                                 if (transcript := _transcript_json(row.body)) is not None)
        return by_digest

    def transcripts_of(self, digest: str) -> list[dict[str, Any]]:
        """The stored transcripts of the waveform of that digest by any recogniser, the latest first."""
        with self.database.reading() as connection:
            bodies = connection.scalars(select(TranscriptRow.body).where(TranscriptRow.digest == digest)
                                        .order_by(TranscriptRow.created.desc())).all()
        return [transcript for body in bodies if (transcript := _transcript_json(body)) is not None]

    def add_query(self, gallery: str, text: str, source: QuerySource, recording: Path | None = None,
                  terms: str = "[]") -> QueryRecord:
        """Add a query to the history, as of now. `terms` is JSON that the caller reads again; not looked into here."""
        created = datetime.now(UTC)
        path = None if recording is None else self.relative(recording)
        with self.database.writing() as connection:
            added = connection.execute(insert(QueryRow).values(
                created=created, gallery=gallery, text=storable(text), source=source, recording=path,
                terms=storable(terms),
            ).returning(QueryRow.id)).scalar_one()
        return QueryRecord(added, created, gallery, storable(text), source, recording, storable(terms))

    def queries(self, limit: int | None = 200) -> list[QueryRecord]:
        """The latest queries, newest first; None: all of them."""
        with self.database.reading() as connection:
            rows = connection.execute(select(
                QueryRow.id, QueryRow.created, QueryRow.gallery, QueryRow.text, QueryRow.source, QueryRow.recording,
                QueryRow.terms).order_by(QueryRow.id.desc()).limit(limit)).all()
        return [QueryRecord(row.id, row.created, row.gallery, row.text, cast(QuerySource, row.source),
                            None if row.recording is None else self.folder / row.recording, row.terms)
                for row in rows]

    def spoken_queries(self, limit: int) -> list[tuple[str, dict[str, Any]]]:
        """Text and transcript of the latest spoken queries, newest first; a recording may have several transcripts."""
        with self.database.reading() as connection:
            rows = connection.execute(select(QueryRow.text, QueryRow.recording).where(QueryRow.recording.is_not(None))
                                      .order_by(QueryRow.id.desc()).limit(limit)).all()
            digests = [Path(row.recording).stem for row in rows]  # recordings are named by their waveform's digest
            transcripts = connection.execute(select(TranscriptRow.digest, TranscriptRow.body)
                                             .where(TranscriptRow.digest.in_(digests))).all()
        return [(row.text, body) for row, digest in zip(rows, digests, strict=True) for transcript in transcripts
                if transcript.digest == digest and (body := _transcript_json(transcript.body)) is not None]

    def delete_query(self, query_id: int) -> None:
        """Delete a query with its recording and transcript, unless another query has the same recording."""
        self._forget(QueryRow.id == query_id)

    def clear_queries(self) -> None:
        """Delete all queries with their recordings and transcripts; `clear_history` deletes more."""
        self._forget(QueryRow.id.is_not(None))

    def history_content(self, before: datetime | None = None) -> HistoryContent:
        """Content that `clear_history` with the same `before` would delete now."""
        with self.database.reading() as connection:
            gone, transcripts = self._clearable(connection, before)
            queries = connection.scalar(select(func.count()).select_from(QueryRow).where(_asked(before)))
            count, nbytes = connection.execute(select(
                func.count(), func.coalesce(func.sum(func.length(TranscriptRow.body)), 0)).where(transcripts)).one()
        sizes = {path: size for path in self._own(gone) if (size := _size(path)) is not None}
        return HistoryContent(queries or 0, tuple(sorted(sizes)), sum(sizes.values()), count, nbytes)

    def clear_history(self, before: datetime | None = None) -> HistoryContent:
        """Delete queries, their kept recordings and all transcripts, or those from before a moment; what was deleted.

        Transcripts without a date go only with all. Takes, their recordings and their transcripts stay, and so does
        what a query that stays needs. Nothing of it is left in the file of the store.
        """
        content = self.history_content(before)
        while self._clear_transcripts(before):
            self.database.empty_wal()  # in portions: overwriting all at once would need as much room again
        with self.database.deleting() as connection:
            gone, _ = self._clearable(connection, before)
            connection.execute(delete(QueryRow).where(_asked(before)))
        self._erase(gone)  # what a killed process does not come to is deleted by `delete_stray_recordings`
        if content:
            self.database.empty_wal()
            self.database.shrink()
        return content

    def _clear_transcripts(self, before: datetime | None) -> int:
        """Delete up to `AT_ONCE` of the transcripts that `clear_history` deletes; how many."""
        with self.database.deleting() as connection:
            _, transcripts = self._clearable(connection, before)
            keys = select(TranscriptRow.digest, TranscriptRow.fingerprint).where(transcripts).limit(AT_ONCE)
            return connection.execute(delete(TranscriptRow).where(
                tuple_(TranscriptRow.digest, TranscriptRow.fingerprint).in_(keys))).rowcount

    def delete_stray_recordings(self, folder: Path, until: float) -> tuple[Path, ...]:
        """Delete recordings (FLAC) in a folder of the program's own that no query or saved search names; which.

        `until`, seconds since 1970: younger files stay, since their query may be about to be stored. Files from before
        this store stay too: another store, which somebody may put back, may name them.
        """
        gone: list[Path] = []
        if folder.is_symlink():
            return ()
        created = self.database.created_at
        with self.database.deleting() as connection:  # no query comes in between
            named = {PurePath(path.replace("\\", "/")).name for path in _named(connection)}
            for path in folder.glob("*.flac"):
                with suppress(OSError):
                    ours = DIGEST.fullmatch(path.stem) and path.name not in named
                    if ours and created <= path.lstat().st_mtime < until:
                        path.unlink()
                        gone.append(path)
            if gone:
                connection.execute(delete(TranscriptRow).where(
                    TranscriptRow.digest.in_(select_texts(path.stem for path in gone)), OF_HISTORY))
        return tuple(gone)

    def _clearable(self, connection: Connection, before: datetime | None) -> tuple[set[str], ColumnElement[bool]]:
        """The recordings that go with the queries from before a moment, and which transcripts go."""
        gone = _recordings(connection.scalars(select(QueryRow.recording).where(_asked(before))))
        staying = _recordings(connection.scalars(select(SavedRecordingRow.recording)))
        if before is not None:
            staying |= _recordings(connection.scalars(select(QueryRow.recording).where(QueryRow.created >= before)))
        gone -= staying
        if before is None:
            return gone, OF_HISTORY
        old = (TranscriptRow.created < before) & ~TranscriptRow.digest.in_(select_texts(_digests(staying)))
        return gone, OF_HISTORY & or_(old, TranscriptRow.digest.in_(select_texts(_digests(gone))))

    def _own(self, recordings: Iterable[str]) -> list[Path]:
        """Recordings that the program keeps; a relative path says so."""
        return [self.folder / path for path in recordings
                if not os.path.isabs(path)]  # noqa: PTH117  (may hold surrogates, as os has them)

    def _forget(self, which: ColumnElement[bool]) -> None:
        with self.database.deleting() as connection:
            gone = _recordings(connection.scalars(delete(QueryRow).where(which).returning(QueryRow.recording)))
            gone = self._drop_transcripts(connection, gone)
        self._erase(gone)
        self.database.empty_wal()

    def _drop_transcripts(self, connection: Connection, recordings: set[str]) -> set[str]:
        """Delete the transcripts of those recordings that nothing names any more; these recordings."""
        gone = recordings - _named(connection)
        if gone:
            connection.execute(delete(TranscriptRow).where(
                TranscriptRow.digest.in_(select_texts(_digests(gone))), OF_HISTORY))
        return gone

    def _erase(self, recordings: Iterable[str]) -> None:
        """Delete recordings that the program keeps. The user's own files stay."""
        for path in self._own(recordings):
            with suppress(OSError):  # in use, or no file: the others go
                path.unlink(missing_ok=True)



def _transcript_json(body: str) -> dict[str, Any] | None:
    try:
        return plain_json.loads_object(body)
    except ValueError:
        return None


def _asked(before: datetime | None) -> ColumnElement[bool]:
    """Condition that a query is from before a moment; None: any query."""
    return QueryRow.id.is_not(None) if before is None else QueryRow.created < before


def _digests(recordings: Iterable[str]) -> set[str]:
    """Digests of waveforms, by which kept recordings are named."""
    return {Path(path).stem for path in recordings}


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except OSError:
        return None


def _named(connection: Connection) -> set[str]:
    """Recordings that a query or a saved search names."""
    return _recordings(connection.scalars(select(QueryRow.recording))) | _recordings(
        connection.scalars(select(SavedRecordingRow.recording)))


def _recordings(column: Iterable[str | None]) -> set[str]:
    return {path for path in column if path is not None}
