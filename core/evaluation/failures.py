"""Declared tables of failure kinds, of the changes that distinguish them, and of labels. No torch here.

A failure is a query whose right item is not among the first K. It is ranked again with one thing changed; the change
that brings the item back names the kind. What a change re-embeds stands in `Change.about`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from core.evaluation.records import Direction
from core.store.records import FailureLabel


@dataclass(frozen=True)
class FailureKind:
    """Why a query failed, or that it is not known."""

    key: str
    title: str
    about: str


KINDS: tuple[FailureKind, ...] = (
    FailureKind("crop", "Centre crop", "What was described was cut off by the centre crop."),
    FailureKind("heard", "Heard wrongly",
                "The transcript differs from the caption, with which the right one is found."),
    FailureKind("cut", "Cut at 77",
                "The words did not fit into the model's 77 tokens; taken sentence by sentence they find "
                             "the right one."),
    FailureKind("voice", "Voice hurt", "The words alone find the right one; the voice led away from it."),
    FailureKind("words", "Words hurt", "The voice alone finds the right one; the words led away from it."),
    FailureKind("ambiguous", "Ambiguous",
                "Pictures much like the best hit stand before the right one; as one, they let it "
                                   "in."),
    FailureKind("several", "Several", "More than one of these changes brings the right one back."),
    FailureKind("none", "Not explained", "None of these changes brings the right one back."),
    FailureKind("unreadable", "Not read", "The recording or picture could not be read, or nothing was heard."),
)
KIND_TITLES: Mapping[str, str] = {kind.key: kind.title for kind in KINDS}


@dataclass(frozen=True)
class Change:
    """One thing changed before ranking again; `kind` is the failure that it fixes, `about` what is embedded anew."""

    key: str
    kind: str
    title: str
    about: str


CHANGES: tuple[Change, ...] = (
    Change("caption", "heard", "Caption instead of transcript",
           "The words of this utterance; in image to speech of this picture's own utterances."),
    Change("letterbox", "crop", "Whole picture instead of centre crop",
           "All pictures, with bars; in image to speech this picture."),
    Change("squash", "crop", "Squashed picture instead of centre crop",
           "All pictures, distorted; in image to speech this picture."),
    Change("multi-crop", "crop", "Several crops instead of the centre's",
           "All pictures, as the mean of their crops; in image to speech this picture."),
    Change("sentences", "cut", "Sentences pooled instead of cut",
           "The words of this utterance, sentence by sentence; in image to speech those of this picture's own."),
    Change("text", "voice", "Transcript alone", "Nothing: the text branch's part of all utterances."),
    Change("acoustic", "words", "Voice alone", "Nothing: the acoustic branch's part of all utterances."),
    Change("excused", "ambiguous", "Look-alikes of the best hit as one",
           "Nothing: pictures much like the best hit's count as one, and as none if the right one is among them."),
)
CHANGE_TITLES: Mapping[str, str] = {change.key: change.title for change in CHANGES}


@dataclass(frozen=True)
class Label:
    """Labels that a person may give a miss; `number` is the key to press."""

    key: str
    title: str
    number: int


LABELS: tuple[Label, ...] = (
    Label("crop", "Centre crop", 1),
    Label("heard", "Heard wrongly", 2),
    Label("ambiguous", "Ambiguous", 3),
    Label("caption", "Wrong caption", 4),
    Label("other", "Other", 5),
    Label("cut", "Cut at 77", 6),
    Label("voice", "Voice hurt", 7),
    Label("words", "Words hurt", 8),
)
LABEL_TITLES: Mapping[str, str] = {label.key: label.title for label in LABELS}


@dataclass(frozen=True)
class Reranking:
    """The rank under one change; None where the change does not apply, for the reason `why`."""

    change: str
    rank: int | None
    why: str = ""


@dataclass(frozen=True)
class Diagnosis:
    """Ranks of one miss under every change.

    `kind` is a key of `KINDS`; `kinds` are all that a change spoke for, in their order; `then` is the best rank that
    those changes reached, None when none brought the right item back.
    """

    direction: Direction
    number: int
    query_id: str
    rank: int
    again: tuple[Reranking, ...]
    kinds: tuple[str, ...]
    kind: str
    then: int | None

    @property
    def gain(self) -> int:
        """Ranks that were won; 0 when the right item did not come back."""
        return 0 if self.then is None else self.rank - self.then


@dataclass(frozen=True)
class DiagnosisRecord:
    """The diagnoses of all failures of an evaluation beyond the first `at`, both ways; `note` names what was left out.
    """

    evaluation_id: int
    at: int
    created: datetime
    diagnoses: tuple[Diagnosis, ...]
    note: str = ""

    def of(self, direction: Direction, number: int) -> Diagnosis | None:
        """The diagnosis of a query; None when it is no failure."""
        return next((diagnosis for diagnosis in self.diagnoses
                     if diagnosis.direction == direction and diagnosis.number == number), None)


def conclude(direction: Direction, number: int, query_id: str, rank: int, at: int, again: Sequence[Reranking],
             unreadable: bool = False) -> Diagnosis:
    """The diagnosis that ranks under changes come to."""
    kind_of = {change.key: change.kind for change in CHANGES}
    back = [retry for retry in again if retry.rank is not None and retry.rank <= at]
    named = {kind_of[retry.change] for retry in back}
    kinds = tuple(kind.key for kind in KINDS if kind.key in named)
    kind = "unreadable" if unreadable else "none" if not kinds else kinds[0] if len(kinds) == 1 else "several"
    then = min((retry.rank for retry in back if retry.rank is not None), default=None)
    return Diagnosis(direction, number, query_id, rank, tuple(again), kinds, kind, then)


def counts(diagnoses: Iterable[Diagnosis]) -> dict[str, int]:
    """Number of misses of each kind, in the order of `KINDS`."""
    numbers = dict.fromkeys(KIND_TITLES, 0)
    for diagnosis in diagnoses:
        numbers[diagnosis.kind] += 1
    return numbers


@dataclass(frozen=True)
class Confusion:
    """Labels of people (rows) against kinds of the diagnosis (columns): keys, and how many failures have both."""

    rows: tuple[str, ...]
    columns: tuple[str, ...]
    cells: tuple[tuple[int, ...], ...]

    @property
    def agreed(self) -> int:
        """Failures whose label is the diagnosis' kind."""
        return sum(cell for row, cells in zip(self.rows, self.cells, strict=True)
                   for column, cell in zip(self.columns, cells, strict=True) if row == column)


def confusion(diagnoses: Iterable[Diagnosis], labels: Mapping[tuple[Direction, str], FailureLabel]) -> Confusion:
    """The table of labelled failures; one whose label or diagnosis is missing is left out."""
    rows, columns = tuple(LABEL_TITLES), tuple(KIND_TITLES)
    cells = [[0] * len(columns) for _ in rows]
    for diagnosis in diagnoses:
        given = labels.get((diagnosis.direction, diagnosis.query_id))
        if given is not None and given.label in rows:
            cells[rows.index(given.label)][columns.index(diagnosis.kind)] += 1
    return Confusion(rows, columns, tuple(map(tuple, cells)))


def to_json(diagnosis: Diagnosis) -> dict[str, Any]:
    """A plain dict for `from_json`."""
    facts = asdict(diagnosis)
    return {"way": facts.pop("direction"), **facts, "again": [asdict(retry) for retry in diagnosis.again]}


def from_json(values: Mapping[str, Any]) -> Diagnosis:
    """The diagnosis of `to_json`. KeyError, TypeError when damaged."""
    facts = dict(values)
    return Diagnosis(facts.pop("way"), **{**facts, "again": tuple(Reranking(**retry) for retry in values["again"]),
                                          "kinds": tuple(values["kinds"])})
