"""Records of the Failures screen: the misses of an evaluation, and the rows, bars and cases made of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from brewclip_app.localisation import _, as_shown, ngettext
from brewclip_app.panels.base import Inspection
from brewclip_app.panels.failures.misses_model import MissRow
from core.plots.charts import Bar

if TYPE_CHECKING:
    from core.annotation.differences import Piece
    from core.audio import Waveform
    from core.evaluation.archive import Evaluation
    from core.evaluation.failures import Diagnosis, DiagnosisRecord
    from core.evaluation.records import Direction, EvaluatedQuery, EvaluationRecord, UtteranceFacts
    from core.explorer import Explorer
    from core.store.records import FailureLabel

COLOURS: Mapping[str, str] = {"crop": "main", "heard": "voice", "cut": "transcript", "voice": "care", "words": "care",
                              "ambiguous": "quiet", "several": "good", "none": "line", "unreadable": "line"}
ARROW = "\N{RIGHTWARDS ARROW}"
LEVELS = (1, 5, 10)
NO_WORDS = _("No words recognised")


@dataclass(frozen=True, eq=False)
class Misses:
    """The misses of an evaluation in one direction at one K, with their diagnoses and labels."""

    evaluation: "Evaluation"
    direction: "Direction"
    at: int
    queries: "tuple[EvaluatedQuery, ...]"
    total: int  # queries that count
    diagnosis: "DiagnosisRecord | None"
    diagnoses: "Mapping[int, Diagnosis]"  # by the query's number
    labels: "Mapping[tuple[Direction, str], FailureLabel]"

    @property
    def record(self) -> "EvaluationRecord":
        """The evaluation as lists show it."""
        return self.evaluation.record

    @property
    def key(self) -> "tuple[int, Direction, int]":
        """Evaluation, direction and K."""
        return self.record.id, self.direction, self.at

    @property
    def summary(self) -> str:
        """ "100 of 400 utterances miss the top 10"."""
        names = ("utterance", "utterances") if self.direction == "speech_to_image" else ("picture", "pictures")
        return (ngettext("{queries} of {total} {names} misses the top {at}",
                         "{queries} of {total} {names} miss the top {at}",
                         len(self.queries)).format(queries=len(self.queries), total=self.total,
                                                   names=names[self.total != 1], at=self.at))

    def query(self, number: int) -> "EvaluatedQuery | None":
        """A missed query by its number."""
        return next((query for query in self.queries if query.number == number), None)

    def label(self, query: "EvaluatedQuery") -> "FailureLabel | None":
        """Label and note of a query."""
        return self.labels.get((query.direction, query.query_id))

    def utterance(self, number: int) -> "UtteranceFacts | None":
        """An utterance by its number; None for -1."""
        return self.evaluation.utterances[number] if number >= 0 else None


@dataclass(frozen=True)
class CounterfactualLine:
    """The rank with one thing changed; `helped` when it is among the first K."""

    title: str
    colour: str
    about: str
    ranks: str
    verdict: str
    helped: bool


@dataclass(frozen=True, eq=False)
class FailureCase:
    """One failure as its card shows it. `best` is the top hit; its words only where utterances are retrieved."""

    key: tuple[int, str, str]  # evaluation, direction, query
    query: "EvaluatedQuery"
    recording: Path | None
    about: str
    pieces: "tuple[Piece, ...]"
    picture: Path | None
    picture_title: str
    best: Path | None
    best_title: str
    best_words: str
    best_recording: Path | None
    counterfactuals: tuple[CounterfactualLine, ...]
    not_tried: str
    reason: str
    crop: str


def read_misses(explorer: "Explorer", evaluation_id: int, direction: "Direction", at: int) -> Misses:
    """Read the misses of an evaluation. EvaluationError ("gone")."""
    from core.evaluation import archive, labelling

    evaluation = archive.open_evaluation(explorer.store, evaluation_id)
    diagnosis = archive.diagnosis(explorer.store, evaluation_id, at)
    diagnoses = {row.number: row for row in diagnosis.diagnoses if row.direction == direction} if diagnosis else {}
    return Misses(evaluation, direction, at, evaluation.failures(direction, at),
                  evaluation.record.metrics(direction).queries, diagnosis, diagnoses,
                  labelling.labels(explorer.store, evaluation_id))


def rows_of(misses: Misses) -> list[MissRow]:
    """Rows of the table."""
    from core.evaluation.failures import KIND_TITLES, LABELS

    by_key = {label.key: label for label in LABELS}
    rows = []
    for query in misses.queries:
        utterance, diagnosis, given = (misses.utterance(query.utterance), misses.diagnoses.get(query.number),
                                       misses.label(query))
        label, kind = by_key.get(given.label) if given else None, diagnosis.kind if diagnosis else ""
        path = misses.evaluation.pictures[query.picture].path
        title = (_title(utterance) if misses.direction == "speech_to_image"
                 else path.name if path else query.query_id)
        rows.append(MissRow(
            query.number, query.rank, title, utterance.wer if utterance else None, kind, KIND_TITLES.get(kind, ""),
            COLOURS.get(kind, "line"), diagnosis.then if diagnosis else None, given.label if given else "",
            label.title if label else "", str(label.number) if label else "", given.note if given else "",
            utterance.speaker if utterance else "", len(utterance.caption.split()) if utterance else 0))
    return rows


def bars_of(misses: Misses) -> list[Bar]:
    """Bars of the kinds that occur."""
    from core.evaluation.failures import KINDS, counts

    numbers = counts(misses.diagnoses.values())
    return [Bar(kind.key, kind.title, COLOURS.get(kind.key, "line"), numbers[kind.key], kind.about)
            for kind in KINDS if numbers[kind.key]]


def case_of(misses: Misses, query: "EvaluatedQuery") -> FailureCase:
    """One failure as its card shows it."""
    spoken = misses.direction == "speech_to_image"
    utterance = misses.utterance(query.utterance)
    hits = misses.evaluation.hits(misses.direction, query.number)
    best = hits[0] if hits else None
    other = misses.utterance(best.utterance) if best and not spoken else None
    return FailureCase(
        (misses.record.id, misses.direction, query.query_id), query, utterance.recording if utterance else None,
        _about(utterance), _pieces(utterance),
        misses.evaluation.pictures[query.picture].path,
        _("Right picture · rank {rank}").format(rank=query.rank) if spoken else _("Query picture"),
        misses.evaluation.pictures[best.picture].path if best else None,
        _("Top result · rank 1") if best else _("No result"),
        other.transcript or other.caption if other else "", other.recording if other else None,
        *_counterfactuals(misses, query), query.reason or _reason(utterance), misses.record.setup.crop)


def inspection(misses: Misses, case: FailureCase, waveform: "Waveform | None") -> Inspection:
    """The query and its right picture for the Inspect panel, under the evaluated model."""
    utterance, setup = misses.utterance(case.query.utterance), misses.record.setup
    return Inspection(utterance.transcript if utterance else "", case.recording, waveform, case.picture,
                      caption=plain(utterance.caption) if utterance else "", model=setup.spec, crop=setup.crop)


def plain(caption: str) -> str:
    """A caption in normal case: SpokenCOCO has capitals only."""
    return caption.lower() if caption.isupper() else caption


def _title(utterance: "UtteranceFacts | None") -> str:
    return (utterance.transcript or utterance.reason or NO_WORDS) if utterance else ""


def _about(utterance: "UtteranceFacts | None") -> str:
    if utterance is None:
        return _("no utterance")
    speaker = _("speaker {speaker}").format(speaker=utterance.speaker) if utterance.speaker else ""
    wer = "" if utterance.wer is None else f"WER {100 * utterance.wer:.0f} %"
    return " · ".join(part for part in (f"{utterance.seconds:.1f} s", speaker, wer) if part)


def _reason(utterance: "UtteranceFacts | None") -> str:
    if utterance is None or utterance.reason or utterance.transcript.strip():
        return utterance.reason if utterance else ""
    return (_("{no_words}. The caption is shown instead.").format(no_words=NO_WORDS) if utterance.caption.strip()
            else f"{NO_WORDS}.")


def _pieces(utterance: "UtteranceFacts | None") -> "tuple[Piece, ...]":
    """The transcript with its differences from the caption; the caption alone where there is no transcript."""
    from core.annotation.differences import Piece, differences

    if utterance is None:
        return ()
    transcript, caption = utterance.transcript.strip(), plain(utterance.caption.strip())
    if not transcript:
        return (Piece("added", "", caption),)
    if not caption:
        return (Piece("same", transcript, transcript),)
    return tuple(Piece("same", piece.heard, piece.heard) if piece.change == "same" else piece
                 for piece in differences(transcript, caption))


def _counterfactuals(misses: Misses, query: "EvaluatedQuery") -> tuple[tuple[CounterfactualLine, ...], str]:
    """The changes that were tried, those that helped first, and the names of those that do not apply."""
    from core.evaluation.failures import CHANGES

    diagnosis = misses.diagnoses.get(query.number)
    if diagnosis is None:
        return (), ""
    by_key = {change.key: change for change in CHANGES}
    lines, left = [], []
    for result in diagnosis.again:
        change = by_key.get(result.change)
        if change is None:
            continue
        if result.rank is None:
            left.append(f"{as_shown(change.title)} ({as_shown(result.why)})" if result.why else change.title)
            continue
        helped = result.rank <= misses.at
        verdict = (_("now in the top {at}").format(at=misses.at) if helped else _("no change")
                   if result.rank == query.rank
                   else "better" if result.rank < query.rank else "worse")
        lines.append(CounterfactualLine(change.title, COLOURS[change.kind], change.about,
                                        f"{query.rank} {ARROW} {result.rank}", verdict, helped))
    return tuple(sorted(lines, key=lambda line: not line.helped)), "; ".join(left)
