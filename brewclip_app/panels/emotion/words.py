"""Texts of the Emotion screen: rows of the table, sentences about a run. No Qt here."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from brewclip_app.localisation import _, ngettext
from core.emotion.features import LAYERS, REFERENCE, feature

if TYPE_CHECKING:
    from core.emotion.results import FeatureScore, Result
    from core.emotion.run_store import KeptRun

PROTOCOLS = (("paper", _("Paper's protocol: actors 1–18 / 19–24")), ("folds", _("Five folds by speaker")),
             ("speakers", _("One speaker left out")), ("statement", _("One statement left out")),
             ("random", _("Random split (same speakers in both)")))
PRESETS = (("", _("Our probes")), ("authors", _("As the authors' code")))
MODES = (("linear", _("Linear probe")), ("fine-tuned", _("Fine-tuned")))
CLASSES = ((4, _("4 classes")), (8, _("8 classes")))
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
    for title, accuracy in ((_("Most frequent class"), result.majority), (_("Chance"), result.chance)):
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
    own = _(", speakers standardised") if options.speaker_statistics else ""
    return _("{when} · {protocol} · {mode} · {classes} classes{own}").format(when=when(run.when), protocol=protocol,
                                                                             mode=mode, classes=len(run.result.classes),
                                                                             own=own)


def short_of(run: "KeptRun") -> str:
    """A run in half a line, what distinguishes runs first."""
    options = run.result.options
    own = " · standardised" if options.speaker_statistics else ""
    return f"{options.protocol} · {options.mode} · {len(run.result.classes)}{own}"


def about_run(run: "KeptRun") -> str:
    """Everything that a run is compared by, in lines."""
    result = run.result
    return "\n".join([title_of(run),
                      _("{train_files} recordings for training, {test_files} for testing; the most frequent class has "
                        "{majority:.1f} %.").format(train_files=result.train_files, test_files=result.test_files,
                                                    majority=result.majority), *result.notes])


def when(stamp: str) -> str:
    """ "25 Nov 14:03" of ISO 8601."""
    try:
        return f"{datetime.fromisoformat(stamp):%d %b %H:%M}".lstrip("0")
    except ValueError:
        return stamp


def sentences(result: "Result") -> str:
    """Notes under the table."""
    parts = [_("{train_files} recordings for training, {test_files} for testing.").format(
        train_files=result.train_files, test_files=result.test_files)]
    if result.leaking:
        parts.append(_("Caution: {leaking}.").format(leaking=result.leaking))
    if result.options.speaker_statistics:
        parts.append(_("Features were standardised by speaker, without labels."))
    if result.model:
        parts.append(_("Branches: {model}.").format(model=result.model))
    parts += _about_transcripts(result)
    return " ".join([*parts, *result.notes, _("The paper's figures are for all 24 actors and its own model.")])


def _about_transcripts(result: "Result") -> list[str]:
    """Why transcripts may do better than the baseline, though all emotions have the same two sentences."""
    accuracy = {score.feature: score.score.accuracy for score in result.scores}
    if accuracy.get("text", 0.0) <= result.majority:
        return []
    caption = (_(" (caption alone: {accuracy:.1f} %)").format(accuracy=accuracy[REFERENCE]) if REFERENCE in accuracy
               else "")
    return [_("All emotions have the same two sentences{caption}; the transcript does better because the recogniser "
              "writes traces of the voice: exclamation marks, wrong words.").format(caption=caption)]


def learned_from(result: "Result") -> str:
    """The training data of the probe for other voices."""
    number = len(result.learned_from)
    sentences_there = len({recording.words for recording in result.recordings})
    spoken = ngettext("one sentence", "two sentences", sentences_there)
    return ngettext("Uses the probe above, trained on {number} actor saying {spoken}.",
                    "Uses the probe above, trained on {number} actors saying {spoken}.", number).format(number=number,
                                                                                                        spoken=spoken)


def in_folder(path: Path) -> str:
    """A folder's name, or its path where it has none."""
    return path.name or str(path)
