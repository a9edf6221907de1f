"""Texts of the Emotion screen: rows of the table, sentences about a run. No Qt here."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from core.emotion.features import LAYERS, REFERENCE, feature

if TYPE_CHECKING:
    from core.emotion.results import FeatureScore, Result
    from core.emotion.run_store import KeptRun

PROTOCOLS = (("paper", "Paper's protocol: actors 1–18 / 19–24"), ("folds", "Five folds by speaker"),
             ("speakers", "One speaker left out"), ("statement", "One statement left out"),
             ("random", "Random split (same speakers in both)"))
PRESETS = (("", "Our probes"), ("authors", "As the authors' code"))
MODES = (("linear", "Linear probe"), ("fine-tuned", "Fine-tuned"))
CLASSES = ((4, "4 classes"), (8, "8 classes"))
DASH = "–"


@dataclass(frozen=True)
class ResultLine:
    """One row of the table: a feature, or with key "" a baseline; `tone` is the colour of its dot or ""."""

    key: str
    tone: str
    title: str
    figures: tuple[str, ...]  # accuracy, recall, F1, speaker, sex
    paper: str


def lines(result: "Result") -> list[ResultLine]:
    """Rows of the table: features without the single layers, then baselines."""
    lines = [_line(result, score) for score in result.scores if score.feature not in LAYERS]
    if not has_bars(result):
        lines += [_line(result, score) for score in result.scores if score.feature in LAYERS]
    recall = f"{100 / len(result.classes):.1f}"
    for title, accuracy in (("Most frequent class", result.majority), ("Chance", result.chance)):
        lines.append(ResultLine("", "", title, (f"{accuracy:.1f}", recall, DASH, DASH, DASH), DASH))
    return lines


def has_bars(result: "Result") -> bool:
    """Whether enough single layers were probed for a chart."""
    return sum(score.feature in LAYERS for score in result.scores) > 1


def bars(result: "Result") -> list[tuple[str, float]]:
    """Accuracy of each layer, and of the acoustic branch where it was probed."""
    by_key = {score.feature: score.score.accuracy for score in result.scores}
    layers = [(str(number), by_key[key]) for number, key in enumerate(LAYERS) if key in by_key]
    return [*layers, *([("F_A", by_key["acoustic"])] if layers and "acoustic" in by_key else [])]


def _line(result: "Result", score: "FeatureScore") -> ResultLine:
    several = len(score.folds) > 1
    accuracy, uar = (f"{value:.1f} ± {spread:.1f}" if several else f"{value:.1f}"
                     for value, spread in zip((score.score.accuracy, score.score.uar), score.spread, strict=True))
    confounds = [f"{score.leaks[name].accuracy:.0f}" if name in score.leaks else DASH for name in ("speaker", "sex")]
    about = feature(score.feature)
    paper = DASH if about.paper is None else f"{about.paper[result.options.mode != 'linear']:.0f}"
    return ResultLine(score.feature, about.tone, about.title,
                      (accuracy, uar, f"{score.score.macro_f1:.1f}", *confounds), paper)


def title_of(run: "KeptRun") -> str:
    """A run in one line."""
    options = run.result.options
    protocol = dict(PROTOCOLS).get(options.protocol, options.protocol).split(":")[0]
    mode = dict(MODES).get(options.mode, options.mode)
    own = ", speakers standardised" if options.speaker_statistics else ""
    return f"{when(run.when)} · {protocol} · {mode} · {len(run.result.classes)} classes{own}"


def short_of(run: "KeptRun") -> str:
    """A run in half a line, what distinguishes runs first."""
    options = run.result.options
    own = " · standardised" if options.speaker_statistics else ""
    return f"{options.protocol} · {options.mode} · {len(run.result.classes)}{own}"


def about_run(run: "KeptRun") -> str:
    """Everything that a run is compared by, in lines."""
    result = run.result
    return "\n".join([title_of(run), f"{result.train_files} recordings for training, {result.test_files} for testing; "
                      f"the most frequent class has {result.majority:.1f} %.", *result.notes])


def when(stamp: str) -> str:
    """ "25 Nov 14:03" of ISO 8601."""
    try:
        return f"{datetime.fromisoformat(stamp):%d %b %H:%M}".lstrip("0")
    except ValueError:
        return stamp


def sentences(result: "Result") -> str:
    """Notes under the table."""
    parts = [f"{result.train_files} recordings for training, {result.test_files} for testing."]
    if result.leaking:
        parts.append(f"Caution: {result.leaking}.")
    if result.options.speaker_statistics:
        parts.append("Features were standardised by speaker, without labels.")
    if result.model:
        parts.append(f"Branches: {result.model}.")
    parts += _about_transcripts(result)
    return " ".join([*parts, *result.notes, "The paper's figures are for all 24 actors and its own model."])


def _about_transcripts(result: "Result") -> list[str]:
    """Why transcripts may do better than the baseline, though all emotions have the same two sentences."""
    accuracy = {score.feature: score.score.accuracy for score in result.scores}
    if accuracy.get("text", 0.0) <= result.majority:
        return []
    caption = f" (caption alone: {accuracy[REFERENCE]:.1f} %)" if REFERENCE in accuracy else ""
    return [f"All emotions have the same two sentences{caption}; the transcript does better because the recogniser "
            "writes traces of the voice: exclamation marks, wrong words."]


def learned_from(result: "Result") -> str:
    """The training data of the probe for other voices."""
    number = len(result.learned_from)
    sentences_there = len({recording.words for recording in result.recordings})
    spoken = "one sentence" if sentences_there == 1 else "two sentences"
    return f"Uses the probe above, trained on {number} {'actor' if number == 1 else 'actors'} saying {spoken}."


def in_folder(path: Path) -> str:
    """A folder's name, or its path where it has none."""
    return path.name or str(path)
