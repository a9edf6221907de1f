"""The Failures panel's top line: which evaluation, which direction, how many may be in front, and what to do."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QSignalBlocker, QSize, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QPushButton, QWidget

from brewclip_app.panels.failures.view import LEVELS
from brewclip_app.plain_text import plain_tip
from brewclip_app.widgets.common import ElidedLabel, button, column, label, row
from brewclip_app.widgets.elided_combo import ElidedCombo

if TYPE_CHECKING:
    from core.evaluation.records import EvaluationRecord

ROOM = 940  # px: in less, the boxes need what the summary would take
TITLES = {"speech_to_image": "Speech to image", "image_to_speech": "Image to speech"}


class FailuresHeader(QWidget):
    """Combos in, signals out."""

    asked = Signal()  # another evaluation, direction or K
    filter_toggled = Signal(bool)
    export = Signal()
    annotate = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.evaluations, self.ways, self.levels = _combo("Evaluation"), _combo("Direction"), _combo("Misses the top")
        self.evaluations.setMinimumContentsLength(12)
        self.evaluations.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        for key, words in TITLES.items():
            self.ways.addItem(words, key)
        for at in LEVELS:
            self.levels.addItem(f"top {at}", at)
        self.levels.setCurrentIndex(len(LEVELS) - 1)
        self.summary = ElidedLabel("", "quiet-body", Qt.TextElideMode.ElideRight)
        self.filter = QPushButton("Filter")
        self.filter.setCheckable(True)
        self.filter.setAutoDefault(False)
        self.filter.setToolTip("By rank, WER, length, speaker, kind, label (Ctrl+F)")
        self.filter.toggled.connect(self.filter_toggled)
        self.describe = button("Annotate", self.annotate.emit,
                               tip="Describe the pictures of these failures anew, in Annotate (A)")
        self.save = button("Export…", self.export.emit,
                           tip="CSV and JSON with pictures (Ctrl+E)")
        for combo in (self.evaluations, self.ways, self.levels):
            combo.activated.connect(lambda _: self.asked.emit())
        self._first = row(label("Failures", "title"), 4, self.evaluations, self.ways, self.levels, self.summary)
        self._first.setStretch(2, 2)
        self._first.setStretch(5, 3)
        self._second = row(None)
        self._lines = column(self._first, self._second, space=0)
        self.setLayout(self._lines)
        self._place_buttons(self._first)

    def minimumSizeHint(self) -> QSize:
        """In less room than one line needs, the buttons stand in a second one."""
        least = super().minimumSizeHint()
        return least if self._second.count() > 1 else QSize(least.width() - self._width_of_buttons(), least.height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        self.summary.setVisible(self.width() >= ROOM)  # the status bar says it too
        narrow = self._second.count() > 1
        whole = super().minimumSizeHint().width() + (self._width_of_buttons() if narrow else 0)
        self._place_buttons(self._second if self.width() < whole else self._first)
        super().resizeEvent(event)

    def _place_buttons(self, line: QHBoxLayout) -> None:
        if line.indexOf(self.save) < 0:
            for each in (self.filter, self.describe, self.save):
                line.addWidget(each)
            self._lines.setSpacing(8 if line is self._second else 0)

    def _width_of_buttons(self) -> int:
        return sum(each.minimumSizeHint().width() + self._first.spacing()
                   for each in (self.filter, self.describe, self.save))

    def show_evaluations(self, records: "Sequence[EvaluationRecord]", chosen: int) -> None:
        """The stored evaluations; `chosen` stays chosen when it is among them, else the newest is."""
        blocker = QSignalBlocker(self.evaluations)
        self.evaluations.clear()
        for record in records:
            title = f"{record.setup.title} · {record.created.astimezone():%d %b %H:%M}"
            self.evaluations.addItem(title, record.id)
            self.evaluations.setItemData(self.evaluations.count() - 1, plain_tip(title), Qt.ItemDataRole.ToolTipRole)
        self.evaluations.setCurrentIndex(max(0, self.evaluations.findData(chosen)))
        view = self.evaluations.view()
        view.setMinimumWidth(min(640, view.sizeHintForColumn(0) + 40))
        blocker.unblock()
        self.evaluations.setToolTip(plain_tip(self.evaluations.currentText()))

    def evaluation(self) -> int:
        """The chosen evaluation; 0 when there is none."""
        return int(self.evaluations.currentData() or 0)

    def way(self) -> str:
        """The chosen direction."""
        return str(self.ways.currentData())

    def at(self) -> int:
        """How many are in front."""
        return int(self.levels.currentData())

    def choose(self, way: str, at: int) -> None:
        """Choose a direction and a level, without telling anybody."""
        for combo, value in ((self.ways, way), (self.levels, at)):
            blocker = QSignalBlocker(combo)
            combo.setCurrentIndex(max(0, combo.findData(value)))
            blocker.unblock()


def _combo(name: str) -> QComboBox:
    made = ElidedCombo()
    made.setAccessibleName(name)
    made.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    return made
