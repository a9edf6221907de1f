"""The three pages of the Inspect panel: empty, one case, two cases side by side."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QSize
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QLineEdit, QSizePolicy, QSplitter, QVBoxLayout, QWidget

from brewclip_app.localisation import _
from brewclip_app.panels.base import Inspection
from brewclip_app.panels.inspect.branch_table import BranchTable
from brewclip_app.panels.inspect.case import InspectCase
from brewclip_app.panels.inspect.parts import BranchCard, PictureCard, VoiceHeatCard, WordsCard, branch_rows
from brewclip_app.panels.inspect.trust_card import TrustCard
from brewclip_app.widgets.common import Card, ElidedLabel, EmptyState, column, label, row, scrolling

if TYPE_CHECKING:
    from core.explain.maps import Maps

MAX_HEIGHT = 0.42  # of the page, a picture of two: their numbers are to be seen together
EMPTY = (_("Search, choose a picture and press I. Or drop a recording and a picture here, or type a description. "
           "Without a picture, the best match of the gallery is used."))


class EmptyPage(QWidget):
    """Empty state: how to begin, with the part of a subject that is known already."""

    def __init__(self, set_text: Callable[[str], object], *steps: QWidget) -> None:
        super().__init__()
        self.words = QLineEdit()
        self.words.setPlaceholderText(_("Type a description and press Enter"))
        self.words.setMinimumWidth(360)
        self.words.setAccessibleName(_("Description"))
        self.words.returnPressed.connect(lambda: set_text(self.words.text()))
        self.state = EmptyState("inspect", _("No result to explain yet"), EMPTY, self.words, *steps)
        self.setLayout(column(self.state))

    def show_subject(self, subject: Inspection) -> None:
        """Name what is there and what is missing."""
        query = subject.text or ("spoken" if subject.waveform or subject.speech else "")
        sentence = EMPTY
        if subject.path is not None:
            sentence = _("The picture is {name}. Now type a description, or choose or drop a recording.").format(
                name=subject.path.name)
        elif query:
            sentence = (_("The query is “{query}”.").format(query=query)
                        + ("" if subject.gallery else _(" Now choose or drop a picture.")))
        self.state.sentence.setText(sentence)


class SinglePage(QSplitter):
    """One case: the picture and the faithfulness of its map on the left, the rest on the right."""

    def __init__(self, trust: TrustCard) -> None:
        super().__init__()
        self.picture, self.trust = PictureCard(), trust
        self.words, self.voice, self.branches = WordsCard(), VoiceHeatCard(), BranchCard()
        left, right = QWidget(), QWidget()
        left.setLayout(column(self.picture, self.trust, None, space=12))
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

    def show_maps(self, case: InspectCase, maps: "Maps") -> None:
        """Show the maps of a case."""
        for card in (self.picture, self.words, self.voice):
            card.show_case(case, maps)


class ComparedCase(QWidget):
    """One of two cases, from top to bottom."""

    def __init__(self) -> None:
        super().__init__()
        self.name = ElidedLabel("", "strong")
        self.picture = PictureCard(QSize(160, 150))
        self.words, self.voice = WordsCard(editable=False), VoiceHeatCard(playable=False)
        self.table = BranchTable()
        shares = Card(space=6)
        shares.body.addWidget(self.table)
        shares.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        self.note = label(_("Choose a second picture in the strip below."), "quiet-body", wrap=True)
        self._parts = (self.name, self.picture, shares, self.words, self.voice)
        self.setLayout(column(self.note, *self._parts, None, space=10))

    def show_case(self, case: InspectCase | None, maps: "Maps | None", mix: float) -> None:
        """Show a case with its rank at a mix, or the note where there is none."""
        self.note.setVisible(case is None)
        for part in self._parts:
            part.setVisible(case is not None)
        if case is None or maps is None:
            return
        rank = case.rank_at(mix)
        self.name.setText((_("Rank {rank} · ").format(rank=rank) if rank else "") + case.path.name)
        self.table.show_rows(branch_rows(case))
        for card in (self.picture, self.words, self.voice):
            card.show_case(case, maps)


class ComparePage(QWidget):
    """Two cases of one query side by side, and the strip to choose the second from."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = ComparedCase(), ComparedCase()
        sides = QWidget()
        both = row(self.first, self.second, space=14)
        both.setStretch(0, 1)
        both.setStretch(1, 1)
        sides.setLayout(both)
        self._box: QVBoxLayout = column(scrolling(sides), space=8)
        self._box.setStretch(0, 1)
        self.setLayout(self._box)

    def add_below(self, strip: QWidget) -> None:
        """Put the strip under both."""
        self._box.addWidget(strip)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        for side in (self.first, self.second):
            side.picture.picture.set_tallest(round(MAX_HEIGHT * self.height()))

    def set_opacity(self, percent: int) -> None:
        """Set the opacity of both maps."""
        for side in (self.first, self.second):
            side.picture.opacity.setValue(percent)
