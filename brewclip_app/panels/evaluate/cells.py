"""Cells of the Evaluate screen's tables: stored evaluations, and the tables of the paper beside them."""

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

from brewclip_app import wording
from brewclip_app.localisation import _, as_shown, ngettext
from brewclip_app.panels.evaluate.evaluations_model import Cell, Column, TableLine
from core.evaluation.records import DIRECTION_TITLES

if TYPE_CHECKING:
    from core.evaluation.metrics import Figure
    from core.evaluation.records import EvaluationRecord
    from core.evaluation.tables import ResultTable, TableRow

LEVELS = (1, 5, 10)
FIGURES = {**{f"R@{at}": _("percent of queries whose right result is among the first {at}").format(at=at)
              for at in LEVELS},
           "nDCG@10": _("normalised discounted cumulative gain of the first 10 results, percent"),
           "MRR": _("mean reciprocal rank of the first right result, percent")}
SPARE = ("nDCG@10", "MRR")
DASH = "\N{EN DASH}"
CROP_TITLES = {"centre": _("centre crop"), "letterbox": _("whole, with bars"), "squash": "squashed",
               "multi-crop": _("several crops")}


def columns() -> tuple[Column, ...]:
    """Columns of the table of evaluations."""
    figures = [Column(name.removesuffix("@10") if name == "nDCG@10" else name, title, tip=f"{title}: {about}",
                      spare=name in SPARE)
               for title in DIRECTION_TITLES.values() for name, about in FIGURES.items()]
    return (Column(_("Evaluation"), figures=False), *figures,
            Column("WER", tip=_("Word error rate of the transcripts, percent")))


def lines_of(records: "Sequence[EvaluationRecord]") -> list[TableLine]:
    """Rows of the table of evaluations."""
    return [TableLine(record.id, (
        _name(record), *(_metric(record.metrics(direction)[name]) for direction in DIRECTION_TITLES
                         for name in FIGURES), _wer(record))) for record in records]


def data_title(record: "EvaluationRecord") -> str:
    """ "flickr8k test · captions · babble 5 dB · whole, with bars"."""
    setup = record.setup
    parts = [f"{setup.folder.name} {setup.split}"]
    parts += ["captions"] if setup.captions else []
    parts += [str(setup.condition)] if setup.condition.snr is not None else []
    parts += [CROP_TITLES.get(setup.crop, setup.crop)] if setup.crop not in ("centre", "") else []
    return " · ".join(parts)


def facts_of(record: "EvaluationRecord") -> str:
    """The facts that the table has no column for."""
    setup = record.setup
    utterances = ngettext("{n_utterances} utterance", "{n_utterances} utterances",
                          record.n_utterances).format(n_utterances=wording.count(record.n_utterances))
    model = [_("imported vectors")] if setup.is_imported else [CROP_TITLES.get(setup.crop, setup.crop),
                                                           f"{setup.backbone}, {setup.whisper}"]
    parts = [_("{utterances} of {pictures}").format(utterances=utterances, pictures=wording.pictures(record.n_images)),
             *model,
             _("median rank {value:g} and {value_2:g}").format(value=record.speech_to_image["median_rank"].value,
                                                               value_2=record.image_to_speech["median_rank"].value),
             _("mean rank {value:.1f} and {value_2:.1f}").format(value=record.speech_to_image["mean_rank"].value,
                                                                 value_2=record.image_to_speech["mean_rank"].value)]
    dropped = _("left out") if setup.drop_unreadable else _("counted as misses")
    parts += ([_("{unreadable} could not be read ({dropped})").format(unreadable=record.unreadable, dropped=dropped)]
              if record.unreadable else [])
    parts += ([_("no words recognised in {nothing_heard}").format(nothing_heard=record.nothing_heard)]
              if record.nothing_heard else [])
    parts += [_unseen(record)] if record.unseen or record.unseen_note else []
    parts += [_("{astimezone:%d %b %Y %H:%M}, took {seconds}").format(astimezone=record.created.astimezone(),
                                                                      seconds=wording.duration(record.seconds))]
    return " · ".join(parts)


def _unseen(record: "EvaluationRecord") -> str:
    if record.unseen is None:
        return record.unseen_note
    recalls = " / ".join(f"{record.unseen.speech_to_image[f'R@{at}'].value:.1f}" for at in LEVELS)
    return (_("on {pictures} not trained on: speech to image {recalls}").format(
        pictures=wording.pictures(record.unseen.images), recalls=recalls)
            + (f" ({record.unseen_note})" if record.unseen_note else ""))


def _name(record: "EvaluationRecord") -> Cell:
    day = f"{record.created.astimezone():%d %b}"
    return Cell(record.setup.model, f"{data_title(record)} · {day}", record.setup.title,
                f"{as_shown(record.setup.title)}\n{facts_of(record)}")


def _metric(figure: "Figure") -> Cell:
    from core.evaluation.metrics import NO_INTERVAL

    if math.isnan(figure.value):
        return Cell(DASH, tip=_("Its stored ranks cannot be read."))
    if not figure.has_interval:
        return Cell(f"{figure.value:.1f}", "", figure.value, NO_INTERVAL)
    return Cell(f"{figure.value:.1f}", f"{figure.low:.0f}{DASH}{figure.high:.0f}", figure.value,
                _("{value:.1f} %, 95 % interval {low:.1f} to {high:.1f}, over pictures").format(value=figure.value,
                                                                                                low=figure.low,
                                                                                                high=figure.high))


def _wer(record: "EvaluationRecord") -> Cell:
    words = record.words
    if words is None:
        return Cell(DASH, tip=_("No captions to compare the transcripts with"))
    return Cell(f"{100 * words.rate:.1f}", "", words.rate,
                _("{errors} wrong of {words} words").format(errors=wording.count(words.errors),
                                                            words=wording.count(words.words)))


# ---- the paper's tables

def paper_columns(table: "ResultTable") -> tuple[Column, ...]:
    """Columns of a table of the paper: labels, ours, then the published ones, marked."""
    figures = [*(_column(name, False) for name in table.ours), *(_column(name, True) for name in table.published)]
    if all(left.group != right.group for left, right in pairwise(figures)):  # each over a single column
        figures = [_narrow(figure) for figure in figures]
    return (*(Column(name, figures=False) for name in table.labels), *figures)


def paper_lines(table: "ResultTable") -> list[TableLine]:
    """Rows of a table of the paper; those without an evaluation here have only the published values."""
    return [TableLine(row.evaluation_id or 0, (*(Cell(text, tip=_row_tip(row)) for text in row.labels),
                                          *(_ours(row, place) for place in range(len(row.ours))),
                                          *(_published(value) for value in row.published))) for row in table.rows]


def _column(name: str, published: bool) -> Column:
    direction = next((title for title in DIRECTION_TITLES.values() if name.startswith(title)), "")
    owner = "paper" if published else "ours"
    return Column(name.removeprefix(direction).strip(), f"{direction}\n{owner}" if direction else owner,
                  published=published, tip=f"{name}, {'published in the paper' if published else 'measured here'}")


def _narrow(column: Column) -> Column:
    """The column with its group's name on more lines, as one column is too narrow for it."""
    level, _unused, subject = column.title.partition(", ")
    subject = f", {subject.removesuffix(' pictures')}" if subject else ""
    return replace(column, title=level, group=column.group.replace(" ", "\n", 1) + subject)


def _row_tip(row: "TableRow") -> str:
    ours = (_("Ours: {model}, {pictures}").format(model=row.model, pictures=wording.pictures(row.images))
            if row.evaluation_id else _("Not evaluated here yet"))
    return "\n".join(part for part in (ours, row.note) if part)


def _ours(row: "TableRow", place: int) -> Cell:
    value, spread = row.ours[place], row.spreads[place] if row.spreads else None
    if value is None or math.isnan(value):
        return Cell(DASH, tip=_row_tip(row))
    return Cell(f"{value:.1f}", "" if spread is None else f"± {spread:.1f}", value, _row_tip(row))


def _published(value: float | None) -> Cell:
    if value is None:
        return Cell(DASH, published=True, tip=_("Not in the paper"))
    return Cell(f"{value:.1f}", "", value, _("Published in the paper, on the full dataset with CLIP ViT-L/14"), True)
