"""Runs, their cost and their datasets in words."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from brewclip_app import wording
from core.figures import plain
from core.progress import rate as rate_in_words
from core.progress import time_left

if TYPE_CHECKING:
    from core.datasets.reports import DatasetReport
    from core.training.recipe import Recipe
    from core.training.run import Preview
    from core.training.runs import RunRecord

STATES = {"preparing": "preparing", "training": "running", "paused": "paused", "finished": "done",
          "stopped": "stopped", "failed": "failed"}
FAILURES = (("The memory ran out", "out of memory"), ("There was not enough memory", "out of memory"),
            ("The system ended", "killed"))  # how a message begins, and what it comes to
BACKBONES = {"auto": "the best here"}


@dataclass(frozen=True)
class CostFacts:
    """What the time of a run is reckoned from: pairs and recordings a second as measured here; None, 0: never."""

    pace: float | None = None
    hearing: float = 0.0


def state(record: "RunRecord", asked: str = "") -> str:
    """Where a run stands, in a word or two."""
    if record.live and asked:
        return "stopping" if asked == "stop" else "pausing"
    if record.state == "failed":
        return next((words for begins, words in FAILURES if record.message.startswith(begins)), STATES["failed"])
    return STATES[record.state]


def backbone(name: str) -> str:
    """A backbone as people call it."""
    from core.models.backbones import title

    return BACKBONES.get(name) or title(name)


def line(record: "RunRecord", asked: str = "", preparing_left: float | None = None) -> str:
    """What a run is doing, with its figures: step, throughput, memory, rate, time left."""
    parts: list[str] = []
    if record.state == "preparing" and not record.prepared[1] and (asked or record.step >= record.steps > 0):
        return "Ending"  # all is written; its process is about to go
    if record.state == "preparing":
        done, total, text = record.prepared
        parts.append(text or "Beginning")
        parts += [time_left(preparing_left)] if preparing_left is not None and total > done else []
    else:
        parts.append(f"step {wording.count(record.step)} of {wording.count(record.steps)}")
        parts += _figures(record) if record.state == "training" else _outcome(record)
    if asked and record.live:
        parts.append("saves and stops" if record.state == "training" else
                     "stops when this part is done")
    return " · ".join(parts)


def _figures(record: "RunRecord") -> list[str]:
    found, pace, memory = [], record.curve("pace").last, record.curve("memory").last
    if pace and record.recipe:
        found.append(_pace(pace / record.recipe.training.batch))
    if memory:
        found.append(f"{memory:.1f} GB")
    if (rate := record.curve("rate").last) is not None:
        found.append(f"learning rate {plain(rate, 2)}")
    if record.seconds_left is not None:
        found.append(time_left(record.seconds_left))
    return found


def _outcome(record: "RunRecord") -> list[str]:
    if record.best is None:
        return ["no model yet"] if record.state != "finished" else []
    return [f"best at step {wording.count(record.best_step)}: mean recall on dev {record.best:.1f} %"]


def _pace(steps: float) -> str:
    """Steps a second; slow ones the other way round."""
    if steps < 0.5:
        return f"{wording.duration(1 / steps)} a step"
    return rate_in_words(steps, "steps")


def cost(preview: "Preview", recipe: "Recipe", facts: CostFacts) -> str:
    """What a run will take before it begins."""
    hearing, adds = preview.cost.recordings, preview.cost.nbytes
    first = f"{wording.count(preview.pairs)} pairs. "
    if hearing:
        first += f"First {wording.count(hearing)} recordings are heard"
        first += f", about {wording.duration(hearing / facts.hearing)}" if facts.hearing > 0 else ""
        first += f"; {wording.size(adds)} on disk. "
    elif adds:
        first += f"All heard already; {wording.size(adds)} more on disk. "
    else:
        first += "All heard and seen already. "
    if facts.pace:
        seconds = recipe.training.steps * recipe.training.batch / facts.pace
        return f"{first}{'Then about' if hearing else 'About'} {wording.duration(seconds)}, as earlier runs like it."
    return first + "How long it trains is known once it runs: none like it was made here."


def dataset(report: "DatasetReport", split: str) -> str:
    """A dataset in a line, by the split that is learnt from where there is one: 920 utterances of 460 pictures."""
    found = [each for each in report.splits if each.name == split] or list(report.splits)
    utterances, images = sum(each.utterances for each in found), sum(each.images for each in found)
    spoken = "1 utterance" if utterances == 1 else f"{wording.count(utterances)} utterances"
    return f"{spoken} of {wording.pictures(images)}"


def problems(report: "DatasetReport") -> str:
    """ "2 problems", "nothing wrong"."""
    number = len(report.problems)
    return "nothing wrong" if not number else "1 problem" if number == 1 else f"{number} problems"


def names(records: "Sequence[RunRecord]") -> dict[Path, str]:
    """What runs are called beside each other: those of the same name get their folder's name as well."""
    plain = [each.name for each in records]
    return {each.path: each.name if plain.count(each.name) == 1 else f"{each.name} ({each.path.parent.name})"
            for each in records}
