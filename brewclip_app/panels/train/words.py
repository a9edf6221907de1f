"""Display texts of runs, their cost and their datasets."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from brewclip_app import wording
from brewclip_app.localisation import _, ngettext
from core.figures import plain
from core.progress import rate as rate_in_words
from core.progress import time_left

if TYPE_CHECKING:
    from core.datasets.reports import DatasetReport
    from core.training.estimate import RunEstimate
    from core.training.recipe import Recipe
    from core.training.run import Preview
    from core.training.runs import RunRecord

STATES = {"preparing": "preparing", "training": "running", "paused": "paused", "finished": "done",
          "stopped": "stopped", "failed": "failed"}
FAILURES = {"memory": _("out of memory"), "killed": "killed"}  # by kind of the error that ended a run
BACKBONES = {"auto": _("best available")}


def state(record: "RunRecord", request: str = "") -> str:
    """State of a run; `asked`: "pause" or "stop" while it has not followed yet."""
    if record.live and request:
        return "stopping" if request == "stop" else "pausing"
    if record.state == "failed":
        return FAILURES.get(record.failure, STATES["failed"])
    return STATES[record.state]


def backbone(name: str) -> str:
    """Title of a backbone."""
    from core.models.backbones import title

    return BACKBONES.get(name) or title(name)


def line(record: "RunRecord", request: str = "", preparing_left: float | None = None) -> str:
    """Progress of a run: step, throughput, memory, learning rate, time left."""
    parts: list[str] = []
    if record.state == "preparing" and not record.prepared[1] and (request or record.step >= record.steps > 0):
        return _("Ending")  # all is written; its process is about to go
    if record.state == "preparing":
        done, total, text = record.prepared
        parts.append(text or _("Beginning"))
        parts += [time_left(preparing_left)] if preparing_left is not None and total > done else []
    else:
        parts.append(_("step {step} of {steps}").format(step=wording.count(record.step),
                                                        steps=wording.count(record.steps)))
        parts += _figures(record) if record.state == "training" else _outcome(record)
    if request and record.live:
        parts.append(_("saving and stopping") if record.state == "training" else
                     _("stopping after this part"))
    return " · ".join(parts)


def _figures(record: "RunRecord") -> list[str]:
    parts, pace, memory = [], record.curve("pace").last, record.curve("memory").last
    if pace and record.recipe:
        parts.append(_pace(pace / record.recipe.training.batch))
    if memory:
        parts.append(f"{memory:.1f} GB")
    if (rate := record.curve("rate").last) is not None:
        parts.append(_("learning rate {rate}").format(rate=plain(rate, 2)))
    if record.seconds_left is not None:
        parts.append(time_left(record.seconds_left))
    return parts


def _outcome(record: "RunRecord") -> list[str]:
    if record.best is None:
        return [_("no model yet")] if record.state != "finished" else []
    return [_("best at step {best_step}: mean recall on {dev} {best:.1f} %").format(
        best_step=wording.count(record.best_step), dev=dev(record), best=record.best)]


def dev(record: "RunRecord") -> str:
    """Pictures that the run's dev scores were measured on: "dev", or "dev (at most 500 pictures)"."""
    return record.recipe.training.dev_in_words if record.recipe else "dev"


def _pace(steps: float) -> str:
    """Steps a second; seconds a step where it is slow."""
    if steps < 0.5:
        return _("{steps} a step").format(steps=wording.duration(1 / steps))
    return rate_in_words(steps, "steps")


def cost(preview: "Preview", recipe: "Recipe", pace: float | None, speed: float,
         measured: "RunEstimate | None" = None) -> str:
    """Estimated cost of a run: pairs, recordings to transcribe, disk space, time, and memory where it was `measured`.

    `pace`: pairs a second of similar runs, or None; `speed`: recordings transcribed a second, 0 while unknown.
    """
    recordings, adds = preview.cost.recordings, preview.cost.nbytes
    first = _("{pairs} pairs. ").format(pairs=wording.count(preview.pairs))
    if recordings:
        first += _("First {recordings} recordings are transcribed").format(recordings=wording.count(recordings))
        first += _(", about {recordings}").format(recordings=wording.duration(recordings / speed)) if speed > 0 else ""
        first += _("; {adds} on disk. ").format(adds=wording.size(adds))
    elif adds:
        first += _("All are transcribed already; {adds} more on disk. ").format(adds=wording.size(adds))
    else:
        first += _("All features are cached already. ")
    if measured:
        options = recipe.training
        whole = replace(measured, steps=options.steps, validations=-(-options.steps // options.evaluate_every))
        memory = _("; {memory} of memory").format(memory=wording.size(measured.memory)) if measured.memory else ""
        return (_("{first}Measured: {step_seconds} a step, {validation_seconds} a validation, {seconds} in "
                  "all{memory}.").format(first=first, step_seconds=wording.duration(measured.step_seconds),
                                         validation_seconds=wording.duration(measured.validation_seconds),
                                         seconds=wording.duration(whole.seconds), memory=memory))
    if pace:
        seconds = recipe.training.steps * recipe.training.batch / pace
        return _("{first}{text} {seconds}, as similar runs before.").format(first=first, text=_("Then about")
                                                                            if recordings else _("About"),
                                                                            seconds=wording.duration(seconds))
    return first + _("No similar run yet: the training time is known once it runs.")


def dataset(report: "DatasetReport", split: str) -> str:
    """Size of the training split, or of all: "920 utterances of 460 pictures"."""
    splits = [part for part in report.splits if part.name == split] or list(report.splits)
    utterances, images = sum(part.utterances for part in splits), sum(part.images for part in splits)
    number = ngettext("{utterances} utterance", "{utterances} utterances",
                      utterances).format(utterances=wording.count(utterances))
    return _("{number} of {pictures}").format(number=number, pictures=wording.pictures(images))


def problems(report: "DatasetReport") -> str:
    """ "2 problems", "no problems"."""
    number = len(report.problems)
    return (_("no problems") if not number
            else ngettext("{number} problem", "{number} problems", number).format(number=number))


def names(records: "Sequence[RunRecord]") -> dict[Path, str]:
    """Names of runs, with the parent folder where two are the same."""
    plain = [record.name for record in records]
    return {record.path: record.name if plain.count(record.name) == 1 else f"{record.name} ({record.path.parent.name})"
            for record in records}
