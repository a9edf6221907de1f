"""Comparison of runs as a table: differing options and results; exported as CSV."""

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from brewclip_app import wording
from brewclip_app.localisation import _, group_separator
from brewclip_app.panels.train import words as training_words
from core.errors import TrainingError
from core.spreadsheet import plain_cells
from core.training.options import differences

if TYPE_CHECKING:
    from core.training.runs import RunRecord

Row = tuple[str, tuple[str, ...]]
RECALLS = tuple((f"{direction}.R@{at}", f"{words}, R@{at}") for direction, words in (
    ("speech_to_image", _("Speech to picture")), ("image_to_speech", _("Picture to speech"))) for at in (1, 5, 10))


def rows(records: "Sequence[RunRecord]") -> list[Row]:
    """Title and value of each run: first the options that differ, then the results."""
    recipes = [record.recipe for record in records]
    readable = [recipe for recipe in recipes if recipe is not None]
    return [*(differences(readable) if len(readable) == len(recipes) else []), *results(records)]


def results(records: "Sequence[RunRecord]") -> list[Row]:
    """Results of the runs; recall on dev is that of the best step."""
    table: list[Row] = [
        (_("State"), tuple(training_words.state(record) for record in records)),
        (_("Steps done"), tuple(wording.count(record.step) for record in records)),
        (_("Trained parameters"), tuple(
            wording.count(record.parameters) if record.parameters else "–" for record in records)),
        (_("Mean recall on dev, %"), tuple(_figure(record.best) for record in records)),
        (_("Measured on"), tuple(training_words.dev(record) for record in records)),
        (_("at step"),
         tuple(wording.count(record.best_step) if record.best is not None else "–" for record in records))]
    table += [(_("{title} on dev, %").format(title=title), tuple(_figure(at_best(record, key)) for record in records))
              for key, title in RECALLS]
    return table


def at_best(record: "RunRecord", key: str) -> float | None:
    """Value of a curve at the best step."""
    curve = record.curve(key)
    return next((value for step, value in zip(curve.steps, curve.values, strict=True) if step == record.best_step
                 and record.best is not None), None)


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{value:.1f}"


def write_options(path: Path, records: "Sequence[RunRecord]") -> None:
    """Write the comparison as CSV: a row for each title, a column for each run. TrainingError ("not_written")."""
    names = training_words.names(records)
    separator = group_separator()
    plain = [(title, [value.replace(separator, "") for value in values]) for title, values in rows(records)]
    _write(path, [["", *(names[record.path] for record in records)], *([title, *values] for title, values in plain)])


def write_curves(path: Path, records: "Sequence[RunRecord]") -> None:
    """Write all curves as CSV, a row for each value: run, curve, step, value. TrainingError ("not_written")."""
    names = training_words.names(records)
    lines = [[names[record.path], key, str(step), repr(value)] for record in records
             for key, curve in record.curves.items()
             for step, value in zip(curve.steps, curve.values, strict=True)]
    _write(path, [["run", "curve", "step", "value"], *lines])


def _write(path: Path, lines: Sequence[Sequence[str]]) -> None:
    staged = path.with_name(f".{path.name}.new")
    try:
        with staged.open("w", encoding="utf-8-sig", newline="") as file:  # the mark tells spreadsheets that it is UTF-8
            csv.writer(file).writerows(plain_cells(line) for line in lines)
        staged.replace(path)
    except OSError as error:
        staged.unlink(missing_ok=True)
        raise TrainingError(_("{name} could not be written: {strerror}.").format(name=path.name, strerror=error.strerror
                                                                                 or error), "not_written") from error
