"""Declared tables of failure kinds, of the changes that distinguish them, and of labels. No torch here.

A failure is a query whose right item is not among the first K. It is ranked again with one thing changed; the change
that brings the item back names the kind. What a change re-embeds stands in `Change.about`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from core.evaluation.records import Direction
from core.localisation import _
from core.store.records import FailureLabel


@dataclass(frozen=True)
class FailureKind:
    """Why a query failed, or that it is not known."""

    key: str
    title: str
    about: str


KINDS: tuple[FailureKind, ...] = (
    FailureKind("crop", _("Centre crop"), _("What was described was cut off by the centre crop.")),
    FailureKind("heard", _("Heard wrongly"),
                _("The transcript differs from the caption, with which the right one is found.")),
    FailureKind("cut", _("Cut at 77"),
                _("The words did not fit into the model's 77 tokens; taken sentence by sentence they find the right "
                  "one.")),
    FailureKind("voice", _("Voice hurt"), _("The words alone find the right one; the voice led away from it.")),
    FailureKind("words", _("Words hurt"), _("The voice alone finds the right one; the words led away from it.")),
    FailureKind("ambiguous", _("Ambiguous"),
                _("Pictures much like the best hit stand before the right one; as one, they let it in.")),
    FailureKind("several", _("Several"), _("More than one of these changes brings the right one back.")),
    FailureKind("none", _("Not explained"), _("None of these changes brings the right one back.")),
    FailureKind("unreadable", _("Not read"), _("The recording or picture could not be read, or nothing was heard.")),
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
    Change("caption", "heard", _("Caption instead of transcript"),
           _("The words of this utterance; in image to speech of this picture's own utterances.")),
    Change("letterbox", "crop", _("Whole picture instead of centre crop"),
           _("All pictures, with bars; in image to speech this picture.")),
    Change("squash", "crop", _("Squashed picture instead of centre crop"),
           _("All pictures, distorted; in image to speech this picture.")),
    Change("multi-crop", "crop", _("Several crops instead of the centre's"),
           _("All pictures, as the mean of their crops; in image to speech this picture.")),
    Change("sentences", "cut", _("Sentences pooled instead of cut"),
           _("The words of this utterance, sentence by sentence; in image to speech those of this picture's own.")),
    Change("text", "voice", _("Transcript alone"), _("Nothing: the text branch's part of all utterances.")),
    Change("acoustic", "words", _("Voice alone"), _("Nothing: the acoustic branch's part of all utterances.")),
    Change("excused", "ambiguous", _("Look-alikes of the best hit as one"),
           _("Nothing: pictures much like the best hit's count as one, and as none if the right one is among them.")),
)
CHANGE_TITLES: Mapping[str, str] = {change.key: change.title for change in CHANGES}


@dataclass(frozen=True)
class Label:
    """Labels that a person may give a miss; `number` is the key to press."""

    key: str
    title: str
    number: int


LABELS: tuple[Label, ...] = (
    Label("crop", _("Centre crop"), 1),
    Label("heard", _("Heard wrongly"), 2),
    Label("ambiguous", _("Ambiguous"), 3),
    Label("caption", _("Wrong caption"), 4),
    Label("other", _("Other"), 5),
    Label("cut", _("Cut at 77"), 6),
    Label("voice", _("Voice hurt"), 7),
    Label("words", _("Words hurt"), 8),
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
    cells = [[0] * len(columns) for _unused in rows]
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
