"""The dialog that compares two ticked evaluations: differences, intervals and p-values, in words."""

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QGridLayout, QWidget

from brewclip_app.localisation import _
from brewclip_app.panels.evaluate.cells import FIGURES
from brewclip_app.plain_text import plain_tip
from brewclip_app.widgets.common import ElidedLabel, WholeLabel, button, clear, column, label, row
from core.evaluation.records import DIRECTION_TITLES

if TYPE_CHECKING:
    from brewclip_app.panels.evaluate.controller import EvaluateState
    from core.evaluation.paired import Comparison, PairedDifference

HEADS = (_("2 minus 1"), "95 % interval", "p", "better")


class ComparisonDialog(QDialog):
    """Comparison of the two ticked evaluations, or why there is none; it follows the ticks and closes without two."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle(_("Comparison of two evaluations"))
        self.titles = [ElidedLabel(name="quiet") for _unused in range(2)]
        self.grid = QGridLayout()
        self.grid.setHorizontalSpacing(16)
        self.grid.setVerticalSpacing(6)
        self.table = QWidget()
        self.table.setLayout(self.grid)
        self.note = WholeLabel("quiet")
        self.grid.setContentsMargins(0, 0, 0, 0)
        page = column(label(_("Paired comparison"), "title"), *self.titles, self.table, self.note,
                      row(None, button(_("Close"), self.reject, "main")), space=10)
        page.setContentsMargins(20, 18, 20, 16)
        self.setLayout(page)
        self._comparison: Comparison | None = None

    def render_state(self, state: "EvaluateState") -> None:
        """Show the comparison of the state, or why there is none."""
        comparison, error = state.comparison, state.comparison_error
        if comparison is None and not error:
            self.hide()
        for part in (*self.titles, self.table):
            part.setVisible(comparison is not None)
        if comparison is None:
            self.note.setText(error)
        elif comparison is not self._comparison:
            self._fill(comparison)
        self._comparison = comparison

    def _fill(self, comparison: "Comparison") -> None:
        from core.evaluation.metrics import NO_INTERVAL
        from core.evaluation.paired import NOT_CORRECTED

        clear(self.grid)
        records = comparison.first, comparison.second
        for number, (heading, record) in enumerate(zip(self.titles, records, strict=True), 1):
            heading.setText(_("{number}: {title} (evaluation {id})").format(number=number, title=record.setup.title,
                                                                            id=record.id))
        for place, (direction, title) in enumerate(DIRECTION_TITLES.items()):
            at = 1 + place * len(HEADS)
            self.grid.addWidget(label(title, "heading"), 0, at, 1, len(HEADS))
            for offset, head in enumerate(HEADS):
                self.grid.addWidget(label(head, "quiet"), 1, at + offset)
            by_name = {difference.name: difference for difference in comparison.differences[direction]}
            for line, name in enumerate(FIGURES, 2):
                self._add_line(line, at, by_name[name], comparison.sentence(direction, by_name[name]))
        for line, name in enumerate(FIGURES, 2):
            self.grid.addWidget(label(name), line, 0)
        self.grid.setColumnStretch(2 * len(HEADS) + 1, 1)
        whole = comparison.differences["speech_to_image"][0].difference.has_interval
        self.note.setText(NOT_CORRECTED if whole else NO_INTERVAL)

    def _add_line(self, line: int, at: int, difference: "PairedDifference", sentence: str) -> None:
        outcome = str(difference.better) if difference.better else _("none shown")
        texts = (f"{difference.difference.value:+.1f}", difference.interval_text, difference.p_text, outcome)
        for offset, text in enumerate(texts):
            words = label(text, "quiet-body")
            words.setToolTip(plain_tip(sentence))
            words.setAccessibleName(sentence if offset == len(texts) - 1 else "")
            if offset < len(texts) - 1:
                words.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            self.grid.addWidget(words, line, at + offset)
