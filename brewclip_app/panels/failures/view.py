"""What the Failures panel shows, as plain records: read from the core in jobs, turned into rows, bars and cases."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from brewclip_app.panels.base import Inspection
from brewclip_app.panels.failures.kind_chart import Bar
from brewclip_app.panels.failures.missed_model import MissedRow

if TYPE_CHECKING:
    from core.annotation.differences import Piece
    from core.audio import Waveform
    from core.evaluation.archive import Evaluation
    from core.evaluation.failures import Again, Diagnosis, DiagnosisRecord
    from core.evaluation.records import EvaluatedQuery, EvaluationRecord, UtteranceFacts, Way
    from core.explorer import Explorer
    from core.store.records import FailureLabel

INKS: Mapping[str, str] = {"crop": "main", "heard": "voice", "cut": "transcript", "voice": "care", "words": "care",
                           "ambiguous": "quiet", "several": "good", "none": "line", "unreadable": "line"}
ARROW = "\N{RIGHTWARDS ARROW}"
LEVELS = (1, 5, 10)
UNHEARD = "No words were heard"


@dataclass(frozen=True, eq=False)
class Missed:
    """The failures of an evaluation in one direction, what is known of each, and what was said of them."""

    evaluation: "Evaluation"
    way: "Way"
    at: int
    queries: "tuple[EvaluatedQuery, ...]"
    total: int  # queries that count
    diagnosis: "DiagnosisRecord | None"
    found: "Mapping[int, Diagnosis]"
    labels: "Mapping[tuple[Way, str], FailureLabel]"

    @property
    def record(self) -> "EvaluationRecord":
        """The evaluation as lists show it."""
        return self.evaluation.record

    def with_labels(self, labels: "Mapping[tuple[Way, str], FailureLabel]") -> "Missed":
        """The same under other labels."""
        return replace(self, labels=labels)

    def query(self, number: int) -> "EvaluatedQuery | None":
        """One of the failures."""
        return next((each for each in self.queries if each.number == number), None)

    def utterance(self, number: int) -> "UtteranceFacts | None":
        """An utterance by its place; None for -1."""
        return self.evaluation.utterances[number] if number >= 0 else None


@dataclass(frozen=True)
class AgainLine:
    """One thing changed: what became of the rank. `back` when it brought the right one in."""

    title: str
    ink: str
    about: str
    ranks: str
    verdict: str
    back: bool


@dataclass(frozen=True, eq=False)
class FailureCase:
    """One failure as its card shows it. `found` is the best hit; its words only where utterances are looked for."""

    query: "EvaluatedQuery"
    recording: Path | None
    about: str
    pieces: "tuple[Piece, ...]"
    heard: bool
    picture: Path | None
    picture_title: str
    found: Path | None
    found_title: str
    found_words: str
    found_recording: Path | None
    again: tuple[AgainLine, ...]
    not_tried: str
    reason: str
    crop: str


def read_evaluations(explorer: "Explorer") -> "list[EvaluationRecord]":
    """All stored evaluations, the newest first."""
    from core.evaluation import archive

    return archive.evaluations(explorer.store)


def read_missed(explorer: "Explorer", evaluation_id: int, way: "Way", at: int) -> Missed:
    """The failures of an evaluation. EvaluationError ("gone")."""
    from core.evaluation import archive, labelling

    evaluation = archive.open_evaluation(explorer.store, evaluation_id)
    diagnosis = archive.diagnosis(explorer.store, evaluation_id, at)
    found = {each.number: each for each in diagnosis.found if each.way == way} if diagnosis else {}
    return Missed(evaluation, way, at, evaluation.failures(way, at), evaluation.record.metrics(way).queries, diagnosis,
                  found, labelling.labels(explorer.store, evaluation_id))


def rows_of(missed: Missed) -> list[MissedRow]:
    """What the table says."""
    from core.evaluation.failures import KIND_TITLES, LABELS

    labels = {each.key: each for each in LABELS}
    return [_row(missed, query, KIND_TITLES, labels) for query in missed.queries]


def bars_of(missed: Missed) -> list[Bar]:
    """The kinds that there are, as bars."""
    from core.evaluation.failures import KINDS, counts

    found = counts(missed.found.values())
    return [Bar(each.key, each.title, INKS.get(each.key, "line"), found[each.key], each.about)
            for each in KINDS if found[each.key]]


def case_of(missed: Missed, query: "EvaluatedQuery") -> FailureCase:
    """One failure as its card shows it."""
    spoken = missed.way == "speech_to_image"
    utterance = missed.utterance(query.utterance)
    hits = missed.evaluation.hits(missed.way, query.number)
    best = hits[0] if hits else None
    other = missed.utterance(best.utterance) if best else None
    again, not_tried = _again(missed, query)
    return FailureCase(
        query, utterance.recording if utterance else None, _about(utterance), *_words(utterance),
        missed.evaluation.pictures[query.picture].path,
        f"The described picture · rank {query.rank}" if spoken else "The picture asked with",
        missed.evaluation.pictures[best.picture].path if best else None,
        "Found instead · rank 1" if best else "Nothing was found",
        "" if spoken or other is None else other.transcript or other.caption,
        other.recording if other and not spoken else None,
        again, not_tried, query.reason or _reason(utterance), missed.record.setup.crop)


def inspection(missed: Missed, case: FailureCase, heard: "Waveform | None") -> Inspection:
    """What Inspect is to take apart: the query as it was heard and the right picture, under the evaluated model."""
    said, setup = missed.utterance(case.query.utterance), missed.record.setup
    return Inspection(said.transcript if said else "", case.recording, heard, case.picture,
                      caption=plain(said.caption) if said else "", model=setup.choice, crop=setup.crop)


def summary(missed: Missed) -> str:
    """ "100 of 400 utterances miss the top 10"."""
    what = ("utterance", "utterances") if missed.way == "speech_to_image" else ("picture", "pictures")
    return (f"{len(missed.queries)} of {missed.total} {what[missed.total != 1]} "
            f"{'misses' if len(missed.queries) == 1 else 'miss'} the top {missed.at}")


def _row(missed: Missed, query: "EvaluatedQuery", kinds: "Mapping[str, str]",
         labels: Mapping[str, object]) -> MissedRow:
    utterance = missed.utterance(query.utterance)
    diagnosis = missed.found.get(query.number)
    given = missed.labels.get((missed.way, query.query_id))
    label = labels.get(given.label) if given else None
    kind = diagnosis.kind if diagnosis else ""
    path = missed.evaluation.pictures[query.picture].path
    spoken = missed.way == "speech_to_image"
    return MissedRow(
        query.number, query.rank, _said(utterance) if spoken else path.name if path else query.query_id,
        utterance.wer if utterance else None, kind, kinds.get(kind, ""), INKS.get(kind, "line"),
        diagnosis.then if diagnosis else None, given.label if given else "", getattr(label, "title", ""),
        str(getattr(label, "number", "")), given.note if given else "", utterance.speaker if utterance else "",
        len(utterance.caption.split()) if utterance else 0)


def _said(utterance: "UtteranceFacts | None") -> str:
    if utterance is None:
        return ""
    return utterance.transcript or utterance.reason or UNHEARD


def plain(caption: str) -> str:
    """A caption as people write it: SpokenCOCO has capitals only."""
    return caption.lower() if caption.isupper() else caption


def _about(utterance: "UtteranceFacts | None") -> str:
    if utterance is None:
        return "no utterance of it"
    speaker = f"speaker {utterance.speaker}" if utterance.speaker else ""
    wer = "" if utterance.wer is None else f"WER {100 * utterance.wer:.0f} %"
    return " · ".join(part for part in (f"{utterance.seconds:.1f} s", speaker, wer) if part)


def _reason(utterance: "UtteranceFacts | None") -> str:
    if utterance is None or utterance.reason or utterance.transcript.strip():
        return utterance.reason if utterance else ""
    return f"{UNHEARD}. The words above are the caption's." if utterance.caption.strip() else f"{UNHEARD}."


def _words(utterance: "UtteranceFacts | None") -> "tuple[tuple[Piece, ...], bool]":
    """The transcript with its differences from the caption; and whether there is a caption to differ from."""
    from core.annotation.differences import Piece, differences

    if utterance is None:
        return (), False
    heard, caption = utterance.transcript.strip(), plain(utterance.caption.strip())
    if not heard:
        return (Piece("added", "", caption),), False
    if not caption:
        return (Piece("same", heard, heard),), False
    found = differences(heard, caption)
    return tuple(Piece("same", each.heard, each.heard) if each.change == "same" else each for each in found), True


def _again(missed: Missed, query: "EvaluatedQuery") -> tuple[tuple[AgainLine, ...], str]:
    diagnosis = missed.found.get(query.number)
    if diagnosis is None:
        return (), ""
    from core.evaluation.failures import CHANGES

    changes = {each.key: each for each in CHANGES}
    lines = tuple(AgainLine(changes[each.change].title, INKS[changes[each.change].kind], changes[each.change].about,
                            f"{query.rank} {ARROW} {each.rank}", *_verdict(each, query.rank, missed.at))
                  for each in diagnosis.again if each.rank is not None and each.change in changes)
    left = [f"{changes[each.change].title} ({each.why})" if each.why else changes[each.change].title
            for each in diagnosis.again if each.rank is None and each.change in changes]
    return lines, "; ".join(left)


def _verdict(again: "Again", rank: int, at: int) -> tuple[str, bool]:
    assert again.rank is not None
    if again.rank <= at:
        return f"back in the top {at}", True
    if again.rank == rank:
        return "no change", False
    return ("better" if again.rank < rank else "worse"), False
