"""Dialog with the report on a dataset: splits, notes and problems."""

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QDialog, QFrame, QGridLayout, QScrollArea, QVBoxLayout, QWidget

from brewclip_app import wording
from brewclip_app.localisation import _
from brewclip_app.panels.train import words as training_words
from brewclip_app.widgets.common import Card, ElidedLabel, button, column, label, row

if TYPE_CHECKING:
    from core.datasets.problems import Problem
    from core.datasets.reports import DatasetReport

SPLIT_HEADS = (_("Split"), _("Pictures"), _("Utterances"), _("Usable"))


class ReportDialog(QDialog):
    """Splits, notes and problems of a dataset; opens without blocking."""

    def __init__(self, parent: QWidget, report: "DatasetReport") -> None:
        super().__init__(parent)
        self._report = report
        self.setWindowTitle(_("Report on {name}").format(name=report.folder.name))
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.resize(620, 560)
        self.problems = [_problem(problem) for problem in report.problems]
        inner = QWidget()
        inner.setLayout(column(_splits(report), *self.problems, None, space=12))
        scroll = QScrollArea()
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setWidgetResizable(True)
        scroll.setWidget(inner)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.copy = button(_("Copy"), self._copy)
        close = button(_("Close"), self.accept, "main")
        close.setDefault(True)
        box = QVBoxLayout(self)
        box.setContentsMargins(20, 18, 20, 16)
        box.setSpacing(10)
        box.addLayout(row(label(report.title, "title"), label(training_words.problems(report), "quiet-body"), None))
        box.addWidget(ElidedLabel(str(report.folder), "quiet"))
        box.addWidget(scroll, 1)
        box.addLayout(row(self.copy, None, close))

    def _copy(self) -> None:
        from core.datasets.reports import describe

        QGuiApplication.clipboard().setText("\n".join(describe(self._report)))
        self.copy.setText(_("Copied"))


def _splits(report: "DatasetReport") -> Card:
    card = Card(_("Contents"))
    grid = QGridLayout()
    grid.setHorizontalSpacing(20)
    grid.setVerticalSpacing(4)
    for place, head in enumerate(SPLIT_HEADS):
        grid.addWidget(_cell(head, place, "quiet"), 0, place)
    for line, split in enumerate(report.splits, 1):
        figures = (wording.count(figure) for figure in (split.images, split.utterances, split.usable))
        for place, text in enumerate((split.name, *figures)):
            grid.addWidget(_cell(text, place), line, place)
    grid.setColumnStretch(len(SPLIT_HEADS), 1)
    card.body.addLayout(grid)
    for note in report.notes:
        card.body.addWidget(label(note, "quiet", wrap=True))
    return card


def _cell(text: str, place: int, name: str = "") -> QWidget:
    words = label(text, name)
    words.setAlignment(Qt.AlignmentFlag.AlignRight if place else Qt.AlignmentFlag.AlignLeft)
    return words


def _problem(problem: "Problem") -> Card:
    card = Card(space=4)
    card.body.addLayout(row(label(f"{wording.count(problem.count)} {problem.what}", "strong"), None))
    card.body.addWidget(label(f"{problem.outcome[:1].upper()}{problem.outcome[1:]}.", "quiet-body", wrap=True))
    for example in problem.examples:
        card.body.addWidget(ElidedLabel(example, "quiet"))
    left = problem.count - len(problem.examples)
    if left > 0:
        card.body.addWidget(label(_("and {left} more").format(left=wording.count(left)), "quiet"))
    return card
