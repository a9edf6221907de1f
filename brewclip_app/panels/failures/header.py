"""The top line of the Failures panel: evaluation, direction, K, and the buttons."""

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QPushButton, QWidget

from brewclip_app.localisation import _, as_shown
from brewclip_app.panels.failures.controller import FailuresState
from brewclip_app.panels.failures.misses import LEVELS
from brewclip_app.plain_text import plain_tip
from brewclip_app.widgets.common import ElidedLabel, button, column, panel_title, row
from brewclip_app.widgets.elided_combo import ElidedCombo
from core.evaluation.records import DIRECTION_TITLES

SUMMARY_FROM = 940  # px; in a narrower panel the boxes need the summary's room


class FailuresHeader(QWidget):
    """Boxes, the summary and buttons. In a narrow panel the buttons move to a second line."""

    def __init__(self) -> None:
        super().__init__()
        self.evaluations = ElidedCombo(_("Evaluation"))
        self.directions = ElidedCombo(_("Direction"), [(title, key) for key, title in DIRECTION_TITLES.items()])
        self.levels = ElidedCombo(_("Top K"), [(_("top {at}").format(at=at), at) for at in LEVELS])
        self.evaluations.setMinimumContentsLength(12)
        self.evaluations.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.summary = ElidedLabel("", "quiet-body", Qt.TextElideMode.ElideRight)
        self.filter = QPushButton(_("Filter"))
        self.filter.setCheckable(True)
        self.filter.setAutoDefault(False)
        self.filter.setToolTip(_("By rank, WER, length, speaker, kind, label (Ctrl+F)"))
        self.annotate = button(_("Annotate"), tip=_("Record new captions for the pictures of these failures (A)"))
        self.export = button(_("Export…"), tip=_("CSV and JSON with pictures (Ctrl+E)"))
        self._first = row(panel_title(_("Failures")), 4, self.evaluations, self.directions, self.levels, self.summary)
        self._first.setStretch(2, 2)
        self._first.setStretch(5, 3)
        self._second = row(None)
        self._lines = column(self._first, self._second, space=0)
        self.setLayout(self._lines)
        self._place_buttons(self._first)

    def render_state(self, state: FailuresState) -> None:
        """Show what can be chosen and what is."""
        records = state.evaluations or ()
        listed = [self.evaluations.itemData(at) for at in range(self.evaluations.count())]
        if listed != [record.id for record in records]:
            self.evaluations.clear()
            for record in records:
                title = f"{as_shown(record.setup.title)} · {record.created.astimezone():%d %b %H:%M}"
                self.evaluations.addItem(as_shown(title), record.id)
                self.evaluations.setItemData(self.evaluations.count() - 1, plain_tip(title),
                                             Qt.ItemDataRole.ToolTipRole)
            view = self.evaluations.view()
            view.setMinimumWidth(min(640, view.sizeHintForColumn(0) + 40))
        for combo, value in ((self.evaluations, state.evaluation), (self.directions, state.direction),
                             (self.levels, state.at)):
            combo.setCurrentIndex(max(0, combo.findData(value)))
            combo.setVisible(bool(records))
        self.evaluations.setToolTip(plain_tip(self.evaluations.currentText()))
        self.summary.setText(state.misses.summary if state.misses else "")
        for part in (self.filter, self.annotate, self.export):
            part.setEnabled(bool(state.misses and state.misses.queries))
            part.setVisible(bool(records))

    def minimumSizeHint(self) -> QSize:
        """The width without the buttons, which can move to the second line."""
        hint = super().minimumSizeHint()
        return hint if self._second.count() > 1 else QSize(hint.width() - self._width_of_buttons(), hint.height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        self.summary.setVisible(self.width() >= SUMMARY_FROM)  # the status bar shows it too
        narrow = self._second.count() > 1
        width = super().minimumSizeHint().width() + (self._width_of_buttons() if narrow else 0)
        self._place_buttons(self._second if self.width() < width else self._first)
        super().resizeEvent(event)

    def _place_buttons(self, line: QHBoxLayout) -> None:
        if line.indexOf(self.export) < 0:
            for part in (self.filter, self.annotate, self.export):
                line.addWidget(part)
            self._lines.setSpacing(8 if line is self._second else 0)

    def _width_of_buttons(self) -> int:
        return sum(part.minimumSizeHint().width() + self._first.spacing()
                   for part in (self.filter, self.annotate, self.export))
