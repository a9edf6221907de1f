"""What the Evaluate panel shows, as plain records: read from the core in jobs, turned into cells and curves."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from brewclip_app import wording
from brewclip_app.panels.evaluate.evaluations_model import Cell, Column, TableLine

if TYPE_CHECKING:
    from core.evaluation.metrics import Figure
    from core.evaluation.records import EvaluationRecord, Way
    from core.evaluation.tables import ResultTable, TableRow
    from core.explorer import Explorer
    from core.home import Home

WAYS: "tuple[tuple[Way, str], ...]" = (("speech_to_image", "Speech to image"),
                                       ("image_to_speech", "Image to speech"))
LEVELS = (1, 5, 10)
NONE = "\N{EN DASH}"
DASH = "\N{EN DASH}"
CROP_TITLES = {"centre": "centre crop", "letterbox": "whole, with bars", "squash": "squashed",
               "multi-crop": "several crops"}


@dataclass(frozen=True)
class ModelOption:
    """A model that can be evaluated: a checkpoint's folder, or "" and a backbone for zero-shot."""

    title: str
    about: str
    checkpoint: str = ""
    backbone: str = "auto"
    problem: str = ""

    @property
    def key(self) -> str:
        """What it is remembered by."""
        return self.checkpoint or f"zero-shot:{self.backbone}"


@dataclass(frozen=True)
class DataOption:
    """A dataset's folder with the splits that can be evaluated: (name, pictures, utterances)."""

    folder: Path
    kind: str
    title: str
    splits: tuple[tuple[str, int, int], ...]
    problem: str = ""
    has_links: bool = False  # out of the folder; followed or not


def read_evaluations(explorer: "Explorer") -> "list[EvaluationRecord]":
    """All stored evaluations, the newest first."""
    from core.evaluation import archive

    return archive.evaluations(explorer.store)


def read_models(home: "Home", others: Sequence[str]) -> list[ModelOption]:
    """Zero-shot, the model that comes with the program, the runs of Train, and folders that the user added."""
    from core.models.checkpoints import RUN
    from core.models.registry import SHIPPED
    from core.training.runs import RunShelf

    found = [ModelOption("Zero-shot", "the words alone, nothing trained")]
    if (SHIPPED / RUN).is_file():
        found.append(_of_folder(SHIPPED, "comes with the program"))
    for run in RunShelf(home.runs).read():
        if run.usable:
            found.append(_of_folder(run.path, run.name))
    known = {each.checkpoint for each in found}
    return [*found, *(_of_folder(Path(each), Path(each).name) for each in others if each not in known)]


def read_dataset(folder: Path, kind: str = "", follow_links: bool = False) -> DataOption:
    """A folder as a dataset; what is wrong with it is its `problem`."""
    from core import datasets
    from core.datasets.kinds import kind_of
    from core.errors import BrewclipError

    try:
        found = datasets.load(folder, kind, follow_links=follow_links)
    except BrewclipError as error:
        return DataOption(folder, kind, "", (), str(error), follow_links or error.kind == "links")
    parts = ((split, found.of(split)) for split in found.splits)
    splits = tuple((split, len(part.images), len(part.utterances)) for split, part in parts
                   if part.images and part.utterances)
    problem = "" if splits else f"{folder.name} has no split with pictures and recordings."
    links = follow_links or any(each.key == "links_out" for each in found.problems)
    return DataOption(folder, found.kind, kind_of(found.kind).title, splits, problem, links)


def _of_folder(folder: Path, called: str) -> ModelOption:
    from core.errors import BrewclipError
    from core.models import checkpoints
    from core.models.variants import BY_NAME

    try:
        run = checkpoints.read_run(checkpoints.find(folder))
    except BrewclipError as error:
        return ModelOption(called, "", str(folder), problem=str(error))
    return ModelOption(BY_NAME[run.variant].title, f"{called} · {run.backbone}", str(folder))


# ---- cells

def columns() -> tuple[Column, ...]:
    """The headings of the table of evaluations."""
    recalls = [Column(f"R@{at}", title, tip=f"{title}: in percent, the right one is among the first {at}")
               for _, title in WAYS for at in LEVELS]
    return (Column("Evaluation", figures=False), *recalls,
            Column("WER", tip="Word error rate of what was heard, in percent"))


def lines_of(records: "Sequence[EvaluationRecord]") -> list[TableLine]:
    """The rows of the table of evaluations."""
    return [TableLine(each.id,
                      (_called(each), *(_figure(each.metrics(way)[f"R@{at}"]) for way, _ in WAYS for at in LEVELS),
                           _wer(each))) for each in records]


def data_in_words(record: "EvaluationRecord") -> str:
    """ "flickr8k test · captions · babble 5 dB · whole, with bars"."""
    setup = record.setup
    parts = [f"{setup.folder.name} {setup.split}"]
    parts += ["captions"] if setup.captions else []
    parts += [str(setup.condition)] if setup.condition.snr is not None else []
    parts += [CROP_TITLES.get(setup.crop, setup.crop)] if setup.crop != "centre" else []
    return " · ".join(parts)


def facts_of(record: "EvaluationRecord") -> str:
    """All that the table has no column for."""
    setup = record.setup
    parts = [f"{wording.count(record.n_utterances)} utterances of {wording.pictures(record.n_images)}",
             f"{CROP_TITLES.get(setup.crop, setup.crop)}", f"{setup.backbone}, {setup.whisper}",
             f"median rank {record.speech_to_image['median_rank'].value:g} and "
             f"{record.image_to_speech['median_rank'].value:g}",
             f"mean rank {record.speech_to_image['mean_rank'].value:.1f} and "
             f"{record.image_to_speech['mean_rank'].value:.1f}"]
    dropped = "left out" if setup.drop_unreadable else "counted as missed"
    parts += [f"{record.unreadable} could not be read ({dropped})"] if record.unreadable else []
    parts += [f"nothing was heard in {record.nothing_heard}"] if record.nothing_heard else []
    parts += [_unseen(record)] if record.unseen or record.unseen_note else []
    parts += [f"{record.created.astimezone():%d %b %Y %H:%M}, took {wording.duration(record.seconds)}"]
    return " · ".join(parts)


def _unseen(record: "EvaluationRecord") -> str:
    if record.unseen is None:
        return record.unseen_note
    recalls = " / ".join(f"{record.unseen.speech_to_image[f'R@{at}'].value:.1f}" for at in LEVELS)
    return (f"on {wording.pictures(record.unseen.images)} not learnt from: speech to image {recalls}"
            + (f" ({record.unseen_note})" if record.unseen_note else ""))


def _called(record: "EvaluationRecord") -> Cell:
    day = f"{record.created.astimezone():%d %b}"
    return Cell(record.setup.model, f"{data_in_words(record)} · {day}", record.setup.title,
                f"{record.setup.title}\n{facts_of(record)}")


def _figure(figure: "Figure") -> Cell:
    from core.evaluation.metrics import NO_INTERVAL

    if not figure.has_interval:
        return Cell(f"{figure.value:.1f}", "", figure.value, NO_INTERVAL)
    return Cell(f"{figure.value:.1f}", f"{figure.low:.0f}{DASH}{figure.high:.0f}", figure.value,
                f"{figure.value:.1f} %, 95 % interval {figure.low:.1f} to {figure.high:.1f}, over pictures")


def _wer(record: "EvaluationRecord") -> Cell:
    words = record.words
    if words is None:
        return Cell(NONE, tip="No caption to compare what was heard with")
    return Cell(f"{100 * words.rate:.1f}", "", words.rate,
                f"{wording.count(words.errors)} wrong of {wording.count(words.words)} words")


# ---- the paper's tables

def paper_columns(table: "ResultTable") -> tuple[Column, ...]:
    """Headings: labels, ours, then the paper's, marked."""
    figures = [*(_column(name, False) for name in table.ours), *(_column(name, True) for name in table.published)]
    if all(one.group != other.group for one, other in pairwise(figures)):  # each over a single column
        figures = [_narrow(each) for each in figures]
    return (*(Column(name, figures=False) for name in table.labels), *figures)


def paper_lines(table: "ResultTable") -> list[TableLine]:
    """Rows; those without an evaluation of ours have only the paper's figures."""
    return [TableLine(row.evaluation_id or 0, (*(Cell(text, tip=_row_tip(row)) for text in row.labels),
                                          *(_ours(value, row) for value in row.ours),
                                          *(_published(value) for value in row.published))) for row in table.rows]


def _column(name: str, published: bool) -> Column:
    way = next((title for _, title in WAYS if name.startswith(title)), "")
    owner = "paper" if published else "ours"
    return Column(name.removeprefix(way).strip(), f"{way}\n{owner}" if way else owner, published=published,
                  tip=f"{name}, {'as the paper published it' if published else 'measured here'}")


def _narrow(column: Column) -> Column:
    """The column with its group's name on more lines, as one column is not wide enough for it."""
    level, _, which = column.title.partition(", ")
    which = f", {which.removesuffix(' pictures')}" if which else ""
    return replace(column, title=level, group=column.group.replace(" ", "\n", 1) + which)


def _row_tip(row: "TableRow") -> str:
    ours = f"Ours: {row.model}, {wording.pictures(row.images)}" if row.evaluation_id else "Not evaluated here yet"
    return "\n".join(part for part in (ours, row.note) if part)


def _ours(value: float | None, row: "TableRow") -> Cell:
    return Cell(NONE, tip=_row_tip(row)) if value is None or math.isnan(value) else Cell(f"{value:.1f}", "", value,
                                                                                      _row_tip(row))


def _published(value: float | None) -> Cell:
    if value is None:
        return Cell(NONE, published=True, tip="The paper has no figure here")
    return Cell(f"{value:.1f}", "", value, "As the paper published it, on its full dataset with CLIP ViT-L/14", True)
