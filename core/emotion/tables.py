"""A run as a table for other programs and papers: CSV or Markdown, the paper's figures in a column of their own."""

import csv
import io
from pathlib import Path

from core.emotion import confounds as leaks
from core.emotion import protocols
from core.emotion.features import TABLE_SUFFIXES, feature
from core.emotion.results import FeatureScore, Result
from core.errors import StoreError
from core.localisation import _
from core.spreadsheet import plain_cells

HEAD = ("Feature", "Accuracy", "+-", "Recall (UAR)", "Macro F1", *leaks.TITLES.values(), "Paper (all 24 actors)")


def rows(result: Result) -> list[tuple[str, ...]]:
    """One line a feature, figures in percent, then what guessing reaches."""
    table = [_row(result, score) for score in result.scores]
    guess = f"{100 / len(result.classes):.1f}"
    return [*table, ("Most frequent class", f"{result.majority:.1f}", "", guess, "", "", "", ""),
            ("Chance", f"{result.chance:.1f}", "", guess, "", "", "", "")]


def published(key: str, mode: str) -> float | None:
    """The paper's figure for a feature and a mode; None where it has none."""
    paper = feature(key).paper
    return None if paper is None else paper[mode != "linear"]


def markdown(result: Result) -> str:
    """A table, and under it what it was measured on."""
    lines = [f"| {' | '.join(row)} |" for row in (HEAD, ("---", *["---:"] * (len(HEAD) - 1)), *rows(result))]
    return "\n".join([*lines, "", *(f"{line}  " for line in about(result)), ""])


def about(result: Result) -> list[str]:
    """Conditions of the measurement, in sentences."""
    options, protocol = result.options, protocols.protocol(result.options.protocol)
    folder = options.folder.name
    lines = [f"{protocol.title}; {'linear probe' if options.mode == 'linear' else 'fine-tuned'}; "
             f"{len(result.classes)} classes; {result.train_files} recordings of {folder} learned from and "
             f"{result.test_files} tested."]
    if result.model:
        lines.append(f"Branches: {result.model}.")
    if options.speaker_statistics:
        lines.append("Each speaker's recordings were standardised by themselves: no label is used, but several "
                     "recordings of the speaker are needed.")
    if result.leaking:
        lines.append(f"Leaking: {result.leaking}.")
    return [*lines, *result.notes]


def save(result: Result, path: Path) -> None:
    """Write the table to a .csv or .md file. StoreError ("not_written", "kind")."""
    if path.suffix.lower() not in TABLE_SUFFIXES:
        raise StoreError(_("{name}: a table is written as .csv or .md.").format(name=path.name), "kind")
    text = markdown(result)
    if path.suffix.lower() == ".csv":
        written = io.StringIO()
        csv.writer(written).writerows(plain_cells(line) for line in (HEAD, *rows(result)))
        text = written.getvalue()
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise StoreError(_("{path} could not be written: {strerror}.").format(path=path, strerror=error.strerror
                                                                              or error), "not_written") from error


def _row(result: Result, score: FeatureScore) -> tuple[str, ...]:
    confounds = [f"{score.leaks[name].accuracy:.1f}" if name in score.leaks else "" for name in leaks.TITLES]
    paper = published(score.feature, result.options.mode)
    return (score.title, f"{score.score.accuracy:.1f}", f"{score.spread[0]:.1f}" if len(score.folds) > 1 else "",
            f"{score.score.uar:.1f}", f"{score.score.macro_f1:.1f}", *confounds,
            "" if paper is None else f"{paper:.0f}")
