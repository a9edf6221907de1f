"""Stored evaluations: kept whole, listed without their queries, opened with ranks and hits, nothing computed again."""

import io
import json
import zipfile
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core import plain_json
from core.errors import EvaluationError, StoreError
from core.evaluation import failures
from core.evaluation.failures import Diagnosis, DiagnosisRecord
from core.evaluation.gains import gains_of
from core.evaluation.hits import NOTHING, DirectionResult, Hits
from core.evaluation.metrics import Gains, Metrics, metrics
from core.evaluation.ranks import Ints
from core.evaluation.records import (
    DIRECTIONS,
    Direction,
    EvaluatedQuery,
    EvaluationHit,
    EvaluationRecord,
    Setup,
    SplitImage,
    Summary,
    Unseen,
    UtteranceFacts,
    WordErrors,
)
from core.localisation import _
from core.store.records import KeptEvaluation
from core.store.store import Store


class Evaluation:
    """A stored evaluation, opened. `pictures` and `utterances` are all of the split, in its order."""

    def __init__(self, record: EvaluationRecord, pictures: tuple[SplitImage, ...],
                 utterances: tuple[UtteranceFacts, ...], outcomes: Mapping[Direction, DirectionResult]) -> None:
        self.record, self.pictures, self.utterances = record, pictures, utterances
        self._outcomes = outcomes
        self._queries: dict[Direction, tuple[EvaluatedQuery, ...]] = {}

    @cached_property
    def unreadable(self) -> tuple[tuple[str, str], ...]:
        """Ids of pictures and utterances that could not be read, with the reason."""
        return (*((picture.image_id, picture.reason) for picture in self.pictures if picture.reason),
                *((utterance.utterance_id, utterance.reason) for utterance in self.utterances if utterance.reason))

    def queries(self, direction: Direction) -> tuple[EvaluatedQuery, ...]:
        """All queries of a direction, in the order of `utterances` or `pictures`."""
        if direction not in self._queries:
            self._queries[direction] = tuple(self._query(direction, number)
                                             for number in range(len(self._outcomes[direction].ranks)))
        return self._queries[direction]

    def hits(self, direction: Direction, number: int) -> tuple[EvaluationHit, ...]:
        """The best items of a query, best first; () when it has no vector."""
        hits = self._outcomes[direction].hits
        rows, scores = hits.rows[number].tolist(), hits.scores[number].tolist()
        to_image = direction == "speech_to_image"
        own = self.utterances[number].picture if to_image else number
        place = [row if to_image else self.utterances[row].picture for row in rows if row != NOTHING]
        return tuple(EvaluationHit(rank, score, picture, NOTHING if to_image else row, picture == own)
                     for rank, (row, score, picture) in enumerate(zip(rows, scores, place, strict=False), 1))

    def failures(self, direction: Direction, at: int = 10) -> tuple[EvaluatedQuery, ...]:
        """The queries whose right item is not among the first `at`, in their order."""
        queries = self.queries(direction)
        return tuple(queries[number] for number in np.flatnonzero(self._outcomes[direction].ranks > at).tolist())

    def ranks(self, direction: Direction) -> Ints:
        """Ranks (q,) of all queries, as in `EvaluatedQuery.rank`."""
        return self._outcomes[direction].ranks

    @cached_property
    def gains(self) -> dict[Direction, Gains]:
        """nDCG@10 and reciprocal ranks of all queries."""
        return gains_of(self._outcomes, self.image_of)

    @cached_property
    def image_of(self) -> Ints:
        """The picture's row of each utterance, (m,)."""
        return np.array([utterance.picture for utterance in self.utterances], np.int64)

    def groups(self, direction: Direction) -> Ints:
        """The picture's row of each query, (q,): its unit in bootstrap and permutation."""
        return self.image_of if direction == "speech_to_image" else np.arange(len(self.pictures))

    def complete(self) -> None:
        """Compute figures that the release lacked which stored the evaluation; those of unseen pictures stay out."""
        if not all(self.record.metrics(direction).is_complete for direction in DIRECTIONS):
            to_image, to_speech = (self.record.metrics(direction).completed(
                metrics(self.ranks(direction), self.groups(direction), self.gains[direction]))
                for direction in DIRECTIONS)
            self.record = replace(self.record, speech_to_image=to_image, image_to_speech=to_speech)

    def _query(self, direction: Direction, number: int) -> EvaluatedQuery:
        outcome = self._outcomes[direction]
        to_image = direction == "speech_to_image"
        best, score = int(outcome.best[number]), float(outcome.scores[number])
        picture = self.utterances[number].picture if to_image else number
        name = self.utterances[number].utterance_id if to_image else self.pictures[number].image_id
        return EvaluatedQuery(
            direction, number, name, picture, number if to_image else best, int(outcome.ranks[number]),
            _at(outcome.text, number), _at(outcome.acoustic, number), score if np.isfinite(score) else None,
            self._reason(direction, number, picture))

    def _reason(self, direction: Direction, number: int, picture: int) -> str:
        if self.pictures[picture].reason or direction == "image_to_speech":
            return self.pictures[picture].reason
        return self.utterances[number].reason


def _at(ranks: Ints | None, number: int) -> int | None:
    return None if ranks is None else int(ranks[number])


# ---- keeping and opening

def keep(store: Store, summary: Summary, pictures: Sequence[SplitImage], utterances: Sequence[UtteranceFacts],
         outcomes: Mapping[Direction, DirectionResult]) -> EvaluationRecord:
    """Store an evaluation, whole or not at all. StoreError."""
    return _record(store.add_evaluation(_to_json(summary), _packed(pictures, utterances, outcomes)))


def evaluations(store: Store) -> list[EvaluationRecord]:
    """All stored evaluations, newest first; damaged ones are passed over (`damaged`).

    Figures that an earlier release did not know are computed from the stored ranks once, and stored.
    """
    return [record if record.speech_to_image.is_complete else _completed(store, stored, record)
            for stored in store.evaluations() if (record := _readable(stored)) is not None]


def _completed(store: Store, stored: KeptEvaluation, record: EvaluationRecord) -> EvaluationRecord:
    """The record with all figures, which are stored; as it is where its ranks are damaged."""
    try:
        record = open_evaluation(store, record.id).record
        store.replace_summary(record.id, {**stored.summary, **_figures(record)})
    except (EvaluationError, StoreError):
        pass
    return record


def damaged(store: Store) -> list[int]:
    """The ids of stored evaluations that cannot be read; they can only be deleted."""
    return [evaluation.id for evaluation in store.evaluations() if _readable(evaluation) is None]


def open_evaluation(store: Store, evaluation_id: int) -> Evaluation:
    """A stored evaluation with its queries. EvaluationError: gone, damaged."""
    try:
        stored, packed = store.evaluation(evaluation_id)
    except StoreError as error:
        if error.kind != "no_evaluation":
            raise
        raise EvaluationError(str(error), "gone") from error
    record = _readable(stored)
    try:
        if record is not None:
            evaluation = Evaluation(record, *_unpacked(packed))
            evaluation.complete()
            return evaluation
    except (OSError, EOFError, zipfile.BadZipFile, zlib.error, *plain_json.DAMAGE):
        pass
    name = record.setup.title if record else evaluation_id
    raise EvaluationError(_("What was stored of the evaluation {name} is damaged. Delete it, and "
                            "evaluate again.").format(name=name),
                          "damaged")


def delete(store: Store, ids: Iterable[int]) -> None:
    """Delete evaluations, with their diagnoses and labels."""
    store.delete_evaluations(ids)


def keep_diagnosis(store: Store, evaluation_id: int, at: int, diagnoses: Sequence[Diagnosis], note: str
                   ) -> DiagnosisRecord:
    """Store the diagnoses of all failures beyond `at`, in place of earlier ones. EvaluationError ("gone")."""
    content = {"note": note, "found": [failures.to_json(diagnosis) for diagnosis in diagnoses]}
    body = zlib.compress(json.dumps(content).encode())
    try:
        created = store.keep_diagnosis(evaluation_id, at, body)
    except StoreError as error:
        if error.kind != "no_evaluation":
            raise
        raise EvaluationError(str(error), "gone") from error
    return DiagnosisRecord(evaluation_id, at, created, tuple(diagnoses), note)


def diagnosis(store: Store, evaluation_id: int, at: int = 10) -> DiagnosisRecord | None:
    """The diagnoses that are stored; None when there are none, or they cannot be read."""
    stored = store.diagnosis(evaluation_id, at)
    if stored is None:
        return None
    try:
        body = plain_json.loads(zlib.decompress(stored.body))
        diagnoses = tuple(failures.from_json(entry) for entry in body["found"])
        return plain_json.checked(DiagnosisRecord(evaluation_id, at, stored.created, diagnoses, body["note"]))
    except (zlib.error, *plain_json.DAMAGE):
        return None


# ---- as JSON and bytes

def _to_json(summary: Summary) -> dict[str, Any]:
    unseen = summary.unseen
    return {
        "setup": summary.setup.to_json(), **_figures(summary),
        "words": None if summary.words is None else asdict(summary.words), "n_images": summary.n_images,
        "n_utterances": summary.n_utterances, "unreadable": summary.unreadable,
        "nothing_heard": summary.nothing_heard, "unseen_note": summary.unseen_note, "seconds": summary.seconds,
        "unseen": None if unseen is None else {**_figures(unseen), "images": unseen.images}}


def _figures(summary: Summary | Unseen) -> dict[str, Any]:
    """Metrics of both directions."""
    return {direction: getattr(summary, direction).to_json() for direction in DIRECTIONS}


def _readable(stored: KeptEvaluation) -> EvaluationRecord | None:
    """The record; None when it is damaged."""
    try:
        return plain_json.checked(_record(stored))
    except plain_json.DAMAGE:
        return None


def _record(stored: KeptEvaluation) -> EvaluationRecord:
    summary = stored.summary
    unseen = summary["unseen"]
    return EvaluationRecord(
        Setup.from_json(summary["setup"]), Metrics.from_json(summary["speech_to_image"]),
        Metrics.from_json(summary["image_to_speech"]),
        None if summary["words"] is None else WordErrors(**summary["words"]), summary["n_images"],
        summary["n_utterances"], summary["unreadable"], summary["nothing_heard"],
        None if unseen is None else Unseen(Metrics.from_json(unseen["speech_to_image"]),
                                           Metrics.from_json(unseen["image_to_speech"]), unseen["images"]),
        summary["unseen_note"], summary["seconds"], id=stored.id, created=stored.created)


def _packed(pictures: Sequence[SplitImage], utterances: Sequence[UtteranceFacts],
            outcomes: Mapping[Direction, DirectionResult]
            ) -> bytes:
    lists = {"pictures": [[picture.image_id, _text(picture.path), picture.reason] for picture in pictures],
             "utterances": [[facts.utterance_id, facts.picture, facts.speaker, facts.caption, facts.transcript,
                             _text(facts.recording), facts.seconds, facts.wer, facts.cut, facts.reason]
                            for facts in utterances]}
    arrays: dict[str, NDArray[Any]] = {"lists": np.frombuffer(json.dumps(lists).encode(), np.uint8)}
    for direction, outcome in outcomes.items():
        parts: dict[str, NDArray[Any] | None] = {
            "ranks": outcome.ranks, "rows": outcome.hits.rows, "hits": outcome.hits.scores, "scores": outcome.scores,
            "best": outcome.best, "text": outcome.text, "acoustic": outcome.acoustic}
        arrays.update({f"{direction}.{name}": array for name, array in parts.items() if array is not None})
    packed = io.BytesIO()
    np.savez_compressed(packed, **arrays)  # type: ignore[arg-type]
    return packed.getvalue()


def _unpacked(packed: bytes
              ) -> tuple[tuple[SplitImage, ...], tuple[UtteranceFacts, ...], dict[Direction, DirectionResult]]:
    with np.load(io.BytesIO(packed), allow_pickle=False) as arrays:
        lists = plain_json.loads(arrays["lists"].tobytes())
        outcomes = {}
        for direction in DIRECTIONS:
            part = {name: arrays.get(f"{direction}.{name}") for name in ("text", "acoustic")}
            ranks, rows, scores, own, best = (arrays[f"{direction}.{name}"]
                                              for name in ("ranks", "rows", "hits", "scores", "best"))
            outcomes[direction] = DirectionResult(ranks, Hits(rows, scores), own, best, **part)
    pictures = tuple(SplitImage(name, _path(path), reason) for name, path, reason in lists["pictures"])
    utterances = tuple(UtteranceFacts(name, picture, speaker, caption, transcript, _path(path), *rest)
                       for name, picture, speaker, caption, transcript, path, *rest in lists["utterances"])
    return pictures, utterances, outcomes


def _text(path: Path | None) -> str | None:
    return None if path is None else str(path)


def _path(text: str | None) -> Path | None:
    return None if text is None else Path(text)
