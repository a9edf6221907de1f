"""Spoken captions: speakers, takes, and the position of annotation in each gallery."""

import os
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, bindparam, delete, func, insert, select, update
from sqlalchemy.dialects.sqlite import insert as upsert
from sqlalchemy.exc import IntegrityError

from core.errors import StoreError
from core.localisation import _
from core.store.addresses import LONGEST_NAME, name_fault
from core.store.records import AnnotatingRecord, NewTake, SpeakerRecord, TakeRecord
from core.store.repository import Repository, comparison_key, select_ids, select_texts, storable
from core.store.schema import AnnotatingRow, ContentRow, ImageRow, SpeakerRow, TakeRow, TranscriptRow

SPEAKER = (SpeakerRow.id.label("speaker_id"), SpeakerRow.name, SpeakerRow.language, SpeakerRow.consent,
           SpeakerRow.source.label("came_with"), SpeakerRow.created.label("known_since"))
TAKE = (TakeRow.id, TakeRow.image_id, TakeRow.created, TakeRow.recording, TakeRow.digest, TakeRow.seconds,
        TakeRow.warning, TakeRow.heard, TakeRow.text, TakeRow.state, TakeRow.source, TakeRow.binned)


class Annotations(Repository):
    """The store's methods for speakers and takes. Takes in the bin are left out unless asked for."""

    # ---- speakers

    def speakers(self) -> list[SpeakerRecord]:
        """All speakers, by name."""
        with self.database.reading() as connection:
            return [_speaker(row) for row in connection.execute(select(*SPEAKER).order_by(SpeakerRow.key))]

    def add_speaker(self, name: str, language: str = "", consent: str = "") -> SpeakerRecord:
        """A new speaker. StoreError: `exists`, `bad_name` (empty, over 100 characters, control characters)."""
        values = _speaker_values(name, language, consent)
        created = datetime.now(UTC)
        with self.database.writing() as connection:
            try:
                added = connection.execute(insert(SpeakerRow).values(created=created, source="", **values)
                                           .returning(SpeakerRow.id))
            except IntegrityError as error:
                raise _exists(values["name"]) from error
            return SpeakerRecord(added.scalar_one(), values["name"], values["language"], values["consent"], "", created)

    def ensure_speakers(self, names: Iterable[str], source: str = "", consent: str = "") -> dict[str, SpeakerRecord]:
        """The speakers of these names, made where there is none. StoreError: `bad_name`."""
        rows = {name: _speaker_values(name, "", consent) for name in names}
        with self.database.writing() as connection:
            if rows:
                new = {"created": datetime.now(UTC), "source": source}
                connection.execute(insert(SpeakerRow).prefix_with("OR IGNORE"),
                                   [{**new, **values} for values in rows.values()])
            speakers_by_key = {row.key: _speaker(row) for row in connection.execute(select(SpeakerRow.key, *SPEAKER))}
        return {name: speakers_by_key[values["key"]] for name, values in rows.items()}

    def change_speaker(self, speaker_id: int, name: str, language: str, consent: str) -> None:
        """Write a speaker's profile anew. StoreError: `exists`, `bad_name`."""
        values = _speaker_values(name, language, consent)
        with self.database.writing() as connection:
            try:
                connection.execute(update(SpeakerRow).where(SpeakerRow.id == speaker_id).values(**values))
            except IntegrityError as error:
                raise _exists(values["name"]) from error

    # ---- takes

    def takes(self, gallery_id: int, image_ids: Sequence[int] | None = None, binned: bool = False) -> list[TakeRecord]:
        """The takes of the gallery's pictures, or of these, oldest first; `binned`: those in the bin instead."""
        which = [ImageRow.gallery_id == gallery_id, TakeRow.binned.is_not(None) if binned else TakeRow.binned.is_(None)]
        if image_ids is not None:
            which.append(TakeRow.image_id.in_(select_ids(image_ids)))
        with self.database.reading() as connection:
            return self._takes(connection, *which)

    def takes_by_id(self, ids: Iterable[int]) -> list[TakeRecord]:
        """These takes, oldest first, binned or not; deleted ones are left out."""
        with self.database.reading() as connection:
            return self._takes(connection, TakeRow.id.in_(select_ids(ids)))

    def add_takes(self, takes: Sequence[NewTake], once: bool = False) -> list[TakeRecord]:
        """Store takes as of now, all or none, in this order, and have them on the disk when this returns.

        `once`: those whose picture has a take of the same recording already, binned or not, are left out; looked for
        in the same transaction, so that imports at the same time store each once.
        StoreError: `no_picture` when a picture was taken out of its gallery meanwhile.
        """
        now, added = datetime.now(UTC), []
        with self.database.writing() as connection:
            pictures = _pictures(connection, {take.image_id for take in takes})
            there = _recorded(connection, pictures) if once else set()
            for take in takes:
                path = self.relative(take.recording)
                if (take.image_id, path) in there:
                    continue
                if once:
                    there.add((take.image_id, path))
                if take.image_id not in pictures:
                    raise StoreError(_("The picture was taken out of its gallery meanwhile. The recording is kept in "
                                       "{parent}.").format(parent=take.recording.parent), "no_picture")
                added.append(connection.execute(insert(TakeRow).values(
                    image_id=take.image_id, picture=pictures[take.image_id], speaker_id=take.speaker_id, created=now,
                    recording=path, digest=take.digest, seconds=take.seconds,
                    warning=take.warning, text=storable(take.text), state=take.state, source=take.source,
                ).returning(TakeRow.id)).scalar_one())
            stored = self._takes(connection, TakeRow.id.in_(select_ids(added)))
        self._sync()
        return stored

    def keep_takes(self, takes: Sequence[TakeRecord]) -> None:
        """Write speaker, text, state and bin of these takes as the records have them, all or none."""
        rows = [{"row": take.id, "speaker_id": take.speaker.id, "text": storable(take.text), "state": take.state,
                 "binned": take.binned} for take in takes]
        if rows:
            with self.database.writing() as connection:
                connection.execute(update(TakeRow).where(TakeRow.id == bindparam("row")).values(
                    speaker_id=bindparam("speaker_id"), text=bindparam("text"), state=bindparam("state"),
                    binned=bindparam("binned")), rows)

    def keep_heard(self, take_id: int, transcript: str, text: str) -> None:
        """Store the transcript of a take (JSON) and what follows from its words: `TakeRecord.with_heard`."""
        transcript, text = storable(transcript), storable(text)
        with self.database.writing() as connection:
            for take in self._takes(connection, TakeRow.id == take_id):
                new = take.with_heard(transcript, text)
                connection.execute(update(TakeRow).where(TakeRow.id == take_id)
                                   .values(heard=new.heard, text=new.text, state=new.state))

    def confirm_unheard(self, take_id: int) -> bool:
        """Confirm a take without a transcript; False, and no change, when it was transcribed meanwhile."""
        with self.database.writing() as connection:
            return connection.execute(update(TakeRow).where(TakeRow.id == take_id, TakeRow.heard.is_(None))
                                      .values(state="done", text="")).rowcount > 0

    def return_unheard(self, take_id: int) -> bool:
        """Make a take that was confirmed without a transcript, and has none yet, a draft again; whether it was one."""
        unheard = TakeRow.state == "done", TakeRow.text == "", TakeRow.heard.is_(None)
        with self.database.writing() as connection:
            return connection.execute(update(TakeRow).where(TakeRow.id == take_id, *unheard)
                                      .values(state="draft")).rowcount > 0

    def erase_takes(self, ids: Iterable[int]) -> int:
        """Delete takes that are in the bin for good, with the recordings that were made here and no other take has.

        How many were deleted. Recordings of datasets stay where they are. Nothing of the deleted captions and
        transcripts is left in the files of the store.
        """
        with self.database.deleting() as connection:
            gone = connection.execute(
                delete(TakeRow).where(TakeRow.id.in_(select_ids(ids)), TakeRow.binned.is_not(None))
                .returning(TakeRow.digest, TakeRow.recording)).all()
            digests = {row.digest for row in gone}
            digests -= set(connection.scalars(select(TakeRow.digest).where(TakeRow.digest.in_(select_texts(digests)))))
            if digests:
                connection.execute(delete(TranscriptRow).where(TranscriptRow.digest == bindparam("said")),
                                   [{"said": digest} for digest in digests])
        for row in gone:
            if row.digest in digests and not os.path.isabs(row.recording):  # noqa: PTH117  (may hold surrogates)
                (self.folder / row.recording).unlink(missing_ok=True)
        if gone:
            self.database.empty_wal()
        return len(gone)

    def adopt_takes(self, gallery_id: int) -> int:
        """Assign takes of deleted galleries to the same pictures of this one; returns how many."""
        here = (select(ContentRow.hash, func.min(ImageRow.id).label("image_id"))
                .join(ImageRow, ImageRow.content_id == ContentRow.id)
                .where(ImageRow.gallery_id == gallery_id, ImageRow.missing.is_(False))
                .group_by(ContentRow.hash).subquery())
        lost = select(TakeRow.id, here.c.image_id).join(here, here.c.hash == TakeRow.picture).where(
            TakeRow.image_id.is_(None))
        with self.database.reading() as connection:
            if connection.execute(lost.limit(1)).first() is None:
                return 0
        with self.database.writing() as connection:
            rows = [{"row": row.id, "found": row.image_id} for row in connection.execute(lost)]
            if rows:
                connection.execute(update(TakeRow).where(TakeRow.id == bindparam("row"))
                                   .values(image_id=bindparam("found")), rows)
            return len(rows)

    # ---- where it stands

    def annotating(self, gallery_id: int) -> AnnotatingRecord:
        """Position in the annotation of a gallery; the beginning when none is stored."""
        with self.database.reading() as connection:
            row = connection.execute(select(AnnotatingRow.queue, AnnotatingRow.image_id, AnnotatingRow.speaker_id)
                                     .where(AnnotatingRow.gallery_id == gallery_id)).first()
        return AnnotatingRecord() if row is None else AnnotatingRecord(row.queue, row.image_id, row.speaker_id)

    def keep_annotating(self, gallery_id: int, place: AnnotatingRecord) -> None:
        """Store the position in the annotation. StoreError: `no_picture` when the gallery or the picture is gone."""
        statement = upsert(AnnotatingRow).values(gallery_id=gallery_id, queue=storable(place.queue),
                                                 image_id=place.image_id, speaker_id=place.speaker_id)
        columns = ("queue", "image_id", "speaker_id")
        statement = statement.on_conflict_do_update(set_={name: statement.excluded[name] for name in columns})
        try:
            with self.database.writing() as connection:
                connection.execute(statement)
        except IntegrityError as error:
            raise StoreError(_("The picture was taken out of its gallery meanwhile. All takes are kept."),
                             "no_picture") from error

    # ---- inside

    def _takes(self, connection: Connection, *which: ColumnElement[bool]) -> list[TakeRecord]:
        rows = connection.execute(
            select(*TAKE, *SPEAKER).join(SpeakerRow, SpeakerRow.id == TakeRow.speaker_id)
            .join(ImageRow, ImageRow.id == TakeRow.image_id, isouter=True).where(*which).order_by(TakeRow.id))
        return [TakeRecord(row.id, row.image_id, _speaker(row), row.created, self.folder / row.recording, row.digest,
                           row.seconds, row.warning, row.heard, row.text, row.state, row.source, row.binned)
                for row in rows]

    def _sync(self) -> None:
        """Flush all commits to the disk by a checkpoint: a commit alone does not survive a power cut."""
        with self.database.reading() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(PASSIVE)")


def _recorded(connection: Connection, image_ids: Iterable[int]) -> set[tuple[int | None, str]]:
    """(picture, recording) of all takes of these pictures, as they are stored."""
    rows = connection.execute(select(TakeRow.image_id, TakeRow.recording)
                              .where(TakeRow.image_id.in_(select_ids(image_ids))))
    return {(row.image_id, row.recording) for row in rows}


def _speaker(row: Any) -> SpeakerRecord:
    return SpeakerRecord(row.speaker_id, row.name, row.language, row.consent, row.came_with, row.known_since)


def _speaker_values(name: str, language: str, consent: str) -> dict[str, str]:
    name = " ".join(name.split())
    if name_fault(name):
        raise StoreError(_("A speaker's name or code has 1 to {longest_name} characters that can be seen.").format(
            longest_name=LONGEST_NAME),
                         "bad_name")
    return {"name": storable(name), "key": comparison_key(name), "language": language.strip(),
            "consent": storable(consent.strip())}


def _exists(name: str) -> StoreError:
    return StoreError(_("There is a speaker {name!r} already.").format(name=name), "exists")


def _pictures(connection: Connection, image_ids: Iterable[int]) -> dict[int, bytes]:
    """The SHA-256 of each picture's file."""
    rows = connection.execute(
        select(ImageRow.id, ContentRow.hash).join(ContentRow, ContentRow.id == ImageRow.content_id)
        .where(ImageRow.id.in_(select_ids(image_ids))))
    return {row.id: row.hash for row in rows}
