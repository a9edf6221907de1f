"""The top line of the Inspect panel: the subject, the choice of score and map, compare and export."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QComboBox, QWidget

from brewclip_app.localisation import _, as_shown
from brewclip_app.panels.inspect.state import InspectState
from brewclip_app.plain_text import plain_tip
from brewclip_app.widgets.common import ElidedLabel, button, column, panel_title, row
from brewclip_app.widgets.elided_combo import ElidedCombo
from core.explain.methods import METHODS

if TYPE_CHECKING:
    from core.explain.observation import Target

TARGETS: "tuple[tuple[Target, str], ...]" = (
    ("fused", _("Total score")), ("text", _("Score of the transcript")), ("acoustic", _("Score of the voice")))
BESIDE = 3  # place of the boxes in the line
NARROW = 150  # px: in a narrow window the boxes give way to the names


class InspectHead(QWidget):
    """Boxes and buttons. The boxes go below the line where they do not fit into it."""

    def __init__(self) -> None:
        super().__init__()
        self._title = panel_title(_("Inspect"))
        self.about = ElidedLabel("", "quiet-body", Qt.TextElideMode.ElideMiddle)
        self.about.setMinimumWidth(190)
        self.terms = _box(_("Query term to explain"))
        self.targets, self.methods = _box(_("Score that the map explains")), _box(_("Method of the map"))
        for target, words in TARGETS:
            self.targets.addItem(as_shown(words), target)
        for method in METHODS:
            self.methods.addItem(_("Map: {title}").format(title=method.title), method.name)
            self.methods.setItemData(self.methods.count() - 1, plain_tip(method.about), Qt.ItemDataRole.ToolTipRole)
        self.compare = button(_("Compare two pictures"))
        self.compare.setCheckable(True)
        self.export = button(_("Export"), tip=_("Explanation (Ctrl+S), ranks along the mix, pictures by rank"))
        self._line = row(self._title, 4, self.about, self.compare, self.export)
        self._line.setStretch(2, 1)
        self._boxes = QWidget()
        self._boxes.setLayout(row(self.terms, self.targets, self.methods))
        self._below = row(self._boxes, None)
        self._line.insertWidget(BESIDE, self._boxes)
        self.setLayout(column(self._line, self._below, space=6))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._settle()

    def minimumSizeHint(self) -> QSize:
        """Narrow: the boxes go below the line where they do not fit into it."""
        hint = super().minimumSizeHint()
        return QSize(min(hint.width(), self._width_beside() - self._boxes.minimumSizeHint().width()), hint.height())

    def _width_beside(self) -> int:
        """The width that everything needs in one line."""
        always = (self._title, self._boxes, self.compare, self.export)
        shown = [part for part in always if not part.isHidden()]
        return (sum(part.minimumSizeHint().width() for part in shown) + self.about.minimumWidth()
                + self._line.spacing() * len(shown) + 4)

    def _settle(self) -> None:
        """The boxes beside the name where there is room, else below it."""
        below = self._width_beside() > self.width()
        if below == (self._below.indexOf(self._boxes) >= 0):
            return
        (self._line if below else self._below).removeWidget(self._boxes)
        if below:
            self._below.insertWidget(0, self._boxes)
        else:
            self._line.insertWidget(BESIDE, self._boxes)

    @property
    def target(self) -> "Target":
        """The chosen score."""
        return TARGETS[self.targets.currentIndex()][0]

    @property
    def method(self) -> str:
        """The chosen method's name."""
        return str(self.methods.currentData())

    def render_state(self, state: InspectState) -> None:
        """Show the subject and its terms, and offer what the case has."""
        case = state.case
        self.about.setText(f"“{case.text or 'spoken query'}” → {case.path.name}" if case else "")
        for part in (self.methods, self.compare, self.export):
            part.setVisible(case is not None)
        self.targets.setVisible(case is not None and case.has_both)
        self.targets.setCurrentIndex([target for target, _unused in TARGETS].index(state.target))
        self.methods.setCurrentIndex(self.methods.findData(state.method))
        self.compare.setEnabled(case is not None and case.ranking is not None)
        self.compare.setChecked(state.comparing)
        terms = [_("Term: {label}").format(label=term.label) for term in state.subject.terms] if case else []
        if [self.terms.itemText(at) for at in range(self.terms.count())] != terms:
            self.terms.clear()
            self.terms.addItems(terms)
        self.terms.setCurrentIndex(state.subject.term if terms else -1)
        self.terms.setVisible(len(terms) > 1)
        self._settle()


def _box(name: str) -> QComboBox:
    combo = ElidedCombo(name)
    combo.setMinimumWidth(NARROW)
    return combo
