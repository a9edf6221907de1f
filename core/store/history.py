"""What was heard and asked: transcripts by recording and recogniser, and the history of queries."""

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

from sqlalchemy import ColumnElement, bindparam, delete, insert, select
from sqlalchemy.dialects.sqlite import insert as upsert

from core import plain_json
from core.store.records import QueryRecord, QuerySource
from core.store.room import Room, plain
from core.store.schema import QueryRow, TranscriptRow

AT_ONCE = 500  # values in one statement; SQLite takes 32 766


class History(Room):
    """The store's methods for transcripts and queries."""

    def transcript(self, digest: str, fingerprint_hash: str) -> dict[str, Any] | None:
        """What that recogniser heard in the waveform of that digest, as it was kept; None when nothing was, or it is
        damaged.
        """
        with self._database.reading() as connection:
            body = connection.scalar(select(TranscriptRow.body).where(
                TranscriptRow.digest == digest, TranscriptRow.fingerprint == fingerprint_hash))
        return None if body is None else _heard(body)

    def keep_transcript(self, digest: str, fingerprint_hash: str, transcript: dict[str, Any]) -> None:
        """Keep a transcript, in place of an earlier one of the same waveform and recogniser."""
        self.keep_transcripts({digest: transcript}, fingerprint_hash)

    def keep_transcripts(self, transcripts: Mapping[str, dict[str, Any]], fingerprint_hash: str) -> None:
        """Keep transcripts by digest, all or none, in place of earlier ones."""
        kept = upsert(TranscriptRow)
        kept = kept.on_conflict_do_update(set_={"body": kept.excluded.body})
        rows = [{"digest": digest, "fingerprint": fingerprint_hash, "body": plain(json.dumps(one, ensure_ascii=False))}
                for digest, one in transcripts.items()]
        if rows:
            with self._database.writing() as connection:
                connection.execute(kept, rows)

    def transcripts(self, digests: Sequence[str], fingerprint_hash: str) -> dict[str, dict[str, Any]]:
        """Those of `transcript` that are kept, by digest."""
        found: dict[str, dict[str, Any]] = {}
        with self._database.reading() as connection:
            for start in range(0, len(digests), AT_ONCE):
                rows = connection.execute(select(TranscriptRow.digest, TranscriptRow.body).where(
                    TranscriptRow.digest.in_(digests[start:start + AT_ONCE]),
                    TranscriptRow.fingerprint == fingerprint_hash))
                found.update((row.digest, heard) for row in rows if (heard := _heard(row.body)) is not None)
        return found

    def add_query(self, gallery: str, text: str, source: QuerySource, recording: Path | None = None,
                  terms: str = "[]") -> QueryRecord:
        """Add a query to the history, as of now. `terms` is JSON that the caller reads again; not looked into here."""
        created = datetime.now(UTC)
        kept = None if recording is None else self._relative(recording)
        with self._database.writing() as connection:
            added = connection.execute(insert(QueryRow).values(
                created=created, gallery=gallery, text=plain(text), source=source, recording=kept, terms=plain(terms),
            ).returning(QueryRow.id)).scalar_one()
        return QueryRecord(added, created, gallery, plain(text), source, recording, plain(terms))

    def queries(self, limit: int = 200) -> list[QueryRecord]:
        """The latest queries, newest first."""
        with self._database.reading() as connection:
            rows = connection.execute(select(
                QueryRow.id, QueryRow.created, QueryRow.gallery, QueryRow.text, QueryRow.source, QueryRow.recording,
                QueryRow.terms).order_by(QueryRow.id.desc()).limit(limit)).all()
        return [QueryRecord(row.id, row.created, row.gallery, row.text, cast(QuerySource, row.source),
                            None if row.recording is None else self._folder / row.recording, row.terms)
                for row in rows]

    def delete_query(self, query_id: int) -> None:
        """Forget a query, with its kept recording and what was heard in it, unless another query has the same."""
        self._forget(QueryRow.id == query_id)

    def clear_queries(self) -> None:
        """Forget all queries, their kept recordings and what was heard in them."""
        self._forget(QueryRow.id.is_not(None))

    def _forget(self, which: ColumnElement[bool]) -> None:
        with self._database.writing() as connection:
            gone = _recordings(connection.scalars(delete(QueryRow).where(which).returning(QueryRow.recording)))
            gone -= _recordings(connection.scalars(select(QueryRow.recording)))
            if gone:  # recordings are named by the digest of their waveform
                connection.execute(delete(TranscriptRow).where(TranscriptRow.digest == bindparam("recorded")),
                                   [{"recorded": Path(one).stem} for one in gone])
        self._erase(gone)

    def _erase(self, recordings: Iterable[str]) -> None:
        """Delete recordings that the program keeps; a relative path says so. The user's own files stay."""
        for one in recordings:
            if not os.path.isabs(one):  # noqa: PTH117  (may hold surrogates, as os has them)
                (self._folder / one).unlink(missing_ok=True)

    @property
    def _folder(self) -> Path:
        return self._database.path.parent

    def _relative(self, recording: Path) -> str:
        """Relative to the store's folder when it lies in it, so that the folder may be moved."""
        path = recording.absolute()
        return str(path.relative_to(self._folder) if path.is_relative_to(self._folder) else path)


def _heard(body: str) -> dict[str, Any] | None:
    try:
        return plain_json.loads_object(body)
    except ValueError:
        return None


def _recordings(column: Iterable[str | None]) -> set[str]:
    return {one for one in column if one is not None}
