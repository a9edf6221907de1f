"""The Inspect panel's top line: what is taken apart, which of its scores and by which map, and what to do with it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox, QWidget

from brewclip_app.plain_text import plain_tip
from brewclip_app.widgets.common import ElidedLabel, button, label, row
from brewclip_app.widgets.elided_combo import ElidedCombo
from core.explain.methods import METHODS

if TYPE_CHECKING:
    from core.explain.observation import Target

TARGETS: "tuple[tuple[Target, str], ...]" = (
    ("fused", "Score of both"), ("text", "Score of the transcript"), ("acoustic", "Score of the voice"))
NARROW = 150  # px: in a narrow window the boxes give way to the names


class InspectHead(QWidget):
    """Boxes and buttons; what they mean is the panel's."""

    def __init__(self) -> None:
        super().__init__()
        self.about = ElidedLabel("", "quiet-body", Qt.TextElideMode.ElideMiddle)
        self.about.setMinimumWidth(190)
        self.terms = _box("Which term of the query is taken apart")
        self.targets, self.methods = _box("Which score the map explains"), _box("Method of the map")
        for target, words in TARGETS:
            self.targets.addItem(words, target)
        for method in METHODS:
            self.methods.addItem(f"Map: {method.title}", method.name)
            self.methods.setItemData(self.methods.count() - 1, plain_tip(method.about), Qt.ItemDataRole.ToolTipRole)
        self.compare = button("Compare two hits")
        self.compare.setCheckable(True)
        self.save = button("Save picture")
        line = row(label("Inspect", "title"), 4, self.about, self.terms, self.targets, self.methods, self.compare,
                   self.save)
        line.setStretch(2, 1)
        self.setLayout(line)

    @property
    def target(self) -> "Target":
        """The chosen score."""
        return TARGETS[self.targets.currentIndex()][0]

    @property
    def method(self) -> str:
        """The chosen method's name."""
        return str(self.methods.currentData())

    def enable(self, there: bool, both: bool, ranked: bool) -> None:
        """Offer what a case has: `there` is one, with `both` branches, `ranked` in a gallery."""
        for part in (self.methods, self.compare, self.save):
            part.setVisible(there)
        self.targets.setVisible(both)
        self.compare.setEnabled(ranked)

    def offer_terms(self, terms: Sequence[str], chosen: int) -> None:
        """Of a query of several terms, which one."""
        offered = [f"Term: {each}" for each in terms]
        if [self.terms.itemText(at) for at in range(self.terms.count())] != offered:
            self.terms.clear()
            self.terms.addItems(offered)
        self.terms.setCurrentIndex(chosen if offered else -1)
        self.terms.setVisible(len(offered) > 1)


def _box(name: str) -> QComboBox:
    made = ElidedCombo()
    made.setAccessibleName(name)
    made.setMinimumWidth(NARROW)
    return made
