"""How the Emotion panel says things: rows of its table, sentences about a run. No Qt here."""

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
             ("random", "Random split (speakers leak)"))
MODES = (("linear", "Linear probe"), ("fine-tuned", "Fine-tuned"))
CLASSES = ((4, "4 classes"), (8, "8 classes"))
DASH = "–"


@dataclass(frozen=True)
class ResultLine:
    """One row of the table. `key` is a feature's, "" for what guessing reaches; `tone` the colour of its dot or ""."""

    key: str
    tone: str
    title: str
    figures: tuple[str, ...]  # accuracy, recall, F1, tells the speaker, tells the sex
    paper: str


def lines(result: "Result") -> list[ResultLine]:
    """The table: features without the single layers, then guessing."""
    found = [_line(result, one) for one in result.scores if one.feature not in LAYERS]
    found += [_line(result, one) for one in result.scores if one.feature in LAYERS and not has_bars(result)]
    guess = f"{100 / len(result.classes):.1f}"
    found.append(ResultLine("", "", "Most frequent class", (f"{result.majority:.1f}", guess, DASH, DASH, DASH), DASH))
    found.append(ResultLine("", "", "Chance", (f"{result.chance:.1f}", guess, DASH, DASH, DASH), DASH))
    return found


def has_bars(result: "Result") -> bool:
    """Whether enough single layers were probed to stand in a row of their own."""
    return sum(one.feature in LAYERS for one in result.scores) > 1


def bars(result: "Result") -> list[tuple[str, float]]:
    """Accuracy layer by layer, and of the acoustic branch where it was probed."""
    by_key = {one.feature: one.score.accuracy for one in result.scores}
    found = [(str(number), by_key[key]) for number, key in enumerate(LAYERS) if key in by_key]
    return [*found, *([("F_A", by_key["acoustic"])] if found and "acoustic" in by_key else [])]


def _line(result: "Result", one: "FeatureScore") -> ResultLine:
    several = len(one.folds) > 1
    accuracy, uar = (f"{value:.1f} ± {spread:.1f}" if several else f"{value:.1f}"
                     for value, spread in ((one.score.accuracy, one.spread[0]), (one.score.uar, one.spread[1])))
    told = [f"{one.leaks[name].accuracy:.0f}" if name in one.leaks else DASH for name in ("speaker", "sex")]
    about = feature(one.feature)
    paper = DASH if about.paper is None else f"{about.paper[result.options.mode != 'linear']:.0f}"
    return ResultLine(one.feature, about.tone, about.title, (accuracy, uar, f"{one.score.macro_f1:.1f}", *told), paper)


def title_of(run: "KeptRun") -> str:
    """A run in one line."""
    options = run.result.options
    protocol = dict(PROTOCOLS).get(options.protocol, options.protocol).split(":")[0]
    mode = dict(MODES).get(options.mode, options.mode)
    own = ", speakers standardised" if options.speaker_statistics else ""
    return f"{when(run.when)} · {protocol} · {mode} · {len(run.result.classes)} classes{own}"


def short_of(run: "KeptRun") -> str:
    """A run in half a line, what tells runs apart first."""
    options = run.result.options
    own = " · standardised" if options.speaker_statistics else ""
    return f"{options.protocol} · {options.mode} · {len(run.result.classes)}{own}"


def about_run(run: "KeptRun") -> str:
    """All that a run is compared by, in lines."""
    result = run.result
    return "\n".join([title_of(run), f"{result.train_files} recordings learned from, {result.test_files} tested; the "
                      f"most frequent class has {result.majority:.1f} %.", *result.notes])


def when(stamp: str) -> str:
    """ "25 Nov 14:03" of ISO 8601."""
    try:
        return f"{datetime.fromisoformat(stamp):%d %b %H:%M}".lstrip("0")
    except ValueError:
        return stamp


def sentences(result: "Result") -> str:
    """What stands under the table."""
    parts = [f"{result.train_files} recordings learned from, {result.test_files} tested."]
    if result.leaking:
        parts.append(f"Take care: {result.leaking}.")
    if result.options.speaker_statistics:
        parts.append("Each speaker was standardised by their own recordings, without labels.")
    if result.model:
        parts.append(f"Branches: {result.model}.")
    parts += _of_words(result)
    return " ".join([*parts, *result.notes, "The paper's figures are of all 24 actors and of its own model."])


def _of_words(result: "Result") -> list[str]:
    """Why a transcript may tell more than nothing, though all emotions say the same two sentences."""
    told = {one.feature: one.score.accuracy for one in result.scores}
    if told.get("text", 0.0) <= result.majority:
        return []
    written = f" (caption alone: {told[REFERENCE]:.1f} %)" if REFERENCE in told else ""
    return [f"All emotions say the same two sentences{written}; what the transcript tells beyond that, the recogniser "
            "heard in the voice: exclamation marks, wrong words."]


def learned_from(result: "Result") -> str:
    """Whom the probe for other voices has heard."""
    number = len(result.learned_from)
    sentences_there = len({one.words for one in result.recordings})
    spoken = "one sentence" if sentences_there == 1 else "two sentences"
    return f"By the probe above; it learned from {number} {'actor' if number == 1 else 'actors'} saying {spoken}."


def in_folder(path: Path) -> str:
    """A folder's name, or all of its path where it has none."""
    return path.name or str(path)
