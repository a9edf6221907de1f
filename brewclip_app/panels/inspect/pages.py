"""The three pages of the Inspect panel: nothing yet, one case, two cases side by side."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QLineEdit, QSizePolicy, QSplitter, QVBoxLayout, QWidget

from brewclip_app.panels.inspect.branch_table import BranchTable
from brewclip_app.panels.inspect.case import InspectCase
from brewclip_app.panels.inspect.parts import BranchCard, PictureCard, VoiceHeatCard, WordsCard, branch_rows
from brewclip_app.panels.inspect.trust_card import TrustCard
from brewclip_app.widgets.common import Card, ElidedLabel, EmptyState, button, column, label, row, scrolling

if TYPE_CHECKING:
    from core.explain.maps import Maps
    from core.explain.observation import Target

TALLEST = 0.42  # of the page, a picture of two: their figures are to be seen together
EMPTY = ("Search, choose a picture and press I. Or bring a query and a picture here: drop a recording and a picture, "
         "or type what the picture shows. Without a picture, the best one of the gallery is taken.")


class EmptyPage(QWidget):
    """How to begin, and what is here already."""

    typed = Signal(str)
    recording_wanted = Signal()
    picture_wanted = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.words = QLineEdit()
        self.words.setPlaceholderText("Type a description, then Enter")
        self.words.setMinimumWidth(360)
        self.words.setAccessibleName("Description")
        self.words.returnPressed.connect(lambda: self.typed.emit(self.words.text()))
        self.state = EmptyState("inspect", "Nothing is taken apart yet", EMPTY, self.words,
                                button("Choose a recording…", self.recording_wanted.emit),
                                button("Choose a picture…", self.picture_wanted.emit))
        self.setLayout(column(self.state))

    def show_parts(self, query: str, picture: str, gallery: str) -> None:
        """Say what is there and what is missing; "" for what is missing."""
        if query and not picture:
            missing = "Now choose or drop a picture." if not gallery else ""
            self.state.sentence.setText(f"The query is “{query}”. {missing}")
        elif picture:
            self.state.sentence.setText(f"The picture is {picture}. Now say what to look for in it: type a "
                                        "description, or choose or drop a recording.")
        else:
            self.state.sentence.setText(EMPTY)


class SinglePage(QSplitter):
    """One case: the picture and how far to trust its map on the left, the rest on the right."""

    def __init__(self) -> None:
        super().__init__()
        self.picture, self.trust = PictureCard(), TrustCard()
        self.words, self.voice, self.branches = WordsCard(), VoiceHeatCard(), BranchCard()
        left = QWidget()
        left.setLayout(column(self.picture, self.trust, None, space=12))
        right = QWidget()
        self._right = column(self.words, self.voice, self.branches, None, space=12)
        right.setLayout(self._right)
        self.setChildrenCollapsible(False)
        self.setHandleWidth(14)
        self.addWidget(left)
        self.addWidget(scrolling(right))
        self.setStretchFactor(0, 4)
        self.setStretchFactor(1, 6)
        self.setSizes([430, 720])

    def add_below(self, strip: QWidget) -> None:
        """Put the strip under the branches."""
        self._right.insertWidget(self._right.count() - 1, strip)

    def show_case(self, case: InspectCase, maps: "Maps") -> None:
        """Show a case."""
        self.branches.show_case(case)
        self.show_maps(case, maps)

    def show_maps(self, case: InspectCase, maps: "Maps") -> None:
        """Show other maps of the same case."""
        self.picture.show_case(case, maps)
        self.words.show_case(case, maps)
        self.voice.show_case(case, maps)


class _Side(QWidget):
    """One of two cases, from top to bottom."""

    def __init__(self) -> None:
        super().__init__()
        self.name = ElidedLabel("", "strong")
        self.picture = PictureCard(QSize(160, 150))
        self.words, self.voice = WordsCard(editable=False), VoiceHeatCard(playable=False)
        self.table = BranchTable()
        self._shares = Card(space=6)
        self._shares.body.addWidget(self.table)
        self._shares.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        self.note = label("Choose a second picture in the strip below.", "quiet-body", wrap=True)
        self._parts = (self.name, self.picture, self._shares, self.words, self.voice)
        whole = column(self.note, *self._parts, None, space=10)
        self.setLayout(whole)
        self.clear()

    def clear(self) -> None:
        """Nothing chosen."""
        self.note.show()
        for part in self._parts:
            part.hide()

    def show_case(self, case: InspectCase, maps: "Maps") -> None:
        """Show a case."""
        self.note.hide()
        for part in self._parts:
            part.show()
        rank = f"Rank {case.rank} · " if case.rank else ""
        self.name.setText(f"{rank}{case.path.name}")
        self.picture.show_case(case, maps)
        self.table.show_rows(branch_rows(case))
        self.words.show_case(case, maps)
        self.voice.show_case(case, maps)


class ComparePage(QWidget):
    """Two cases of one query side by side, and the strip to choose the second from."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = _Side(), _Side()
        self.trouble = label("", "care", wrap=True)
        self.trouble.hide()
        sides = QWidget()
        both = row(self.first, self.second, space=14)
        both.setStretch(0, 1)
        both.setStretch(1, 1)
        sides.setLayout(both)
        self._box: QVBoxLayout = column(self.trouble, scrolling(sides), space=8)
        self._box.setStretch(1, 1)
        self.setLayout(self._box)
        self.cases: tuple[InspectCase | None, InspectCase | None] = (None, None)

    def add_below(self, strip: QWidget) -> None:
        """Put the strip under both."""
        self._box.addWidget(strip)

    def show_cases(self, first: InspectCase, second: InspectCase | None, target: "Target", method: str) -> None:
        """Show two cases, or one and how to choose the other."""
        self.cases = first, second
        self.first.show_case(first, first.maps(target, method))
        if second is None:
            self.second.clear()
        else:
            self.second.show_case(second, second.maps(target, method))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        for side in (self.first, self.second):
            side.picture.picture.set_tallest(round(TALLEST * self.height()))

    def set_opacity(self, percent: int) -> None:
        """The opacity of both maps."""
        for side in (self.first, self.second):
            side.picture.opacity.setValue(percent)
