"""The card of one failure: voice and words, the right picture and what was found instead, what would have helped."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QWidget

from brewclip_app import theme
from brewclip_app.panels.failures.again_lines import AgainLines
from brewclip_app.panels.failures.cropped_picture import CroppedPicture
from brewclip_app.panels.failures.label_bar import LabelBar
from brewclip_app.panels.failures.view import FailureCase
from brewclip_app.thumbnails import Thumbnails, record_of
from brewclip_app.widgets.common import Card, ElidedLabel, button, column, icon_button, label, row, scrolling
from brewclip_app.widgets.difference_line import DifferenceLine
from brewclip_app.widgets.waveform import WaveformView

if TYPE_CHECKING:
    from pathlib import Path

    from core.audio import Waveform

PICTURE = QSize(120, 120)
LOWEST = 64  # px, height of the pictures in a low window
ROOMY = 200  # px, from which on they take all the room there is
LOW = 26  # lines of text; in a lower card the labels scroll with the rest
OTHER_LINES = 34  # lines of text that the rest of the card is high
QWIDGETSIZE_MAX = (1 << 24) - 1  # what Qt has for "no limit"
EXPLAIN = "struck through: heard · underlined: the caption"


class CaseCard(Card):
    """Plain records in, signals out."""

    stepped = Signal(int)
    played = Signal()
    found_played = Signal(object)  # Path of a recording
    inspected = Signal()

    def __init__(self, thumbnails: Thumbnails, labels: "list[tuple[str, str, str]]") -> None:
        super().__init__(margin=16, space=10)
        self._case: FailureCase | None = None
        self.play = icon_button("play", "Play the utterance (Space)", self.played.emit, 16)
        self.waveform = WaveformView()
        self.waveform.setAccessibleName("Waveform of the utterance")
        self.about = ElidedLabel("", "quiet-body", Qt.TextElideMode.ElideRight)
        self.count = label("", "quiet-body")
        self.before = icon_button("chevron-left", "The one before (\N{LEFTWARDS ARROW})",
                                  lambda: self.stepped.emit(-1))
        self.next = icon_button("chevron-right", "The next (\N{RIGHTWARDS ARROW})", lambda: self.stepped.emit(1))
        for each in (self.play, self.before, self.next):  # a click leaves the keyboard with the list
            each.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.words = DifferenceLine("transcript")
        self.explained = label(EXPLAIN, "quiet")
        self.picture, self.found = CroppedPicture(thumbnails, PICTURE), CroppedPicture(thumbnails, PICTURE)
        self.picture_title, self.found_title = ElidedLabel("", "heading"), ElidedLabel("", "heading")
        self.play_found = icon_button("play", "Play what was found", self._play_found, 14)
        for title in (self.picture_title, self.found_title):  # with and without a button behind it
            title.setMinimumHeight(self.play_found.sizeHint().height())
        self.found_words = ElidedLabel("", "quiet", Qt.TextElideMode.ElideRight)
        self.again = AgainLines()
        self.again_title = label("Ranked again with one thing changed", "heading", wrap=True)
        self.not_tried = ElidedLabel("", "quiet", Qt.TextElideMode.ElideRight)
        self.reason = label("", "care", wrap=True)
        self.inspect = button("Inspect", self.inspected.emit, icon="inspect",
                              tip="See why, under the model that was evaluated, in the Inspect panel (I)")
        self.labels = LabelBar(labels)
        self._lay_out()

    def _lay_out(self) -> None:
        head = row(self.play, self.waveform, self.about, 8, self.count, self.before, self.next, space=8)
        head.setStretch(1, 1)
        left = column(self.picture_title, self.picture, space=6)
        right_title = row(self.found_title, self.play_found, None, space=4)
        right = column(right_title, self.found, self.found_words, space=6)
        pictures = row(left, right, space=14)
        for side, box in enumerate((left, right)):
            box.setStretch(1, 1)
            pictures.setStretch(side, 1)
        inner = QWidget()
        actions = row(self.again_title, self.inspect)
        actions.setStretch(0, 1)
        box = column(self.words, self.explained, self.reason, pictures, actions, self.again, self.not_tried, space=8)
        box.setStretch(3, 1)
        inner.setLayout(box)
        self._inner = box
        scroll = scrolling(inner)
        self.body.addLayout(head)
        self.body.addWidget(scroll, 1)
        self.body.addWidget(self.labels)

    @property
    def case(self) -> FailureCase | None:
        """The failure that is shown."""
        return self._case

    def show_case(self, case: FailureCase) -> None:
        """Show a failure; its voice comes by `show_voice`."""
        other = self._case is None or self._case.query is not case.query
        self._case = case
        self.about.setText(case.about)
        self.words.show_whole(case.pieces)
        self.explained.setVisible(any(piece.change != "same" for piece in case.pieces))
        self.reason.setText(case.reason)
        self.reason.setVisible(bool(case.reason))
        self._show_picture(self.picture, case.picture, case.crop)
        self._show_picture(self.found, case.found, "")
        self.picture_title.setText(case.picture_title)
        self.found_title.setText(case.found_title)
        self.found_words.setText(case.found_words)
        self.found_words.setVisible(bool(case.found_words))
        self.play_found.setVisible(case.found_recording is not None)
        self._show_again(case)
        if other:
            self.waveform.clear()
        self.play.setEnabled(case.recording is not None)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """In a low window the pictures give way to the verdict below them."""
        super().resizeEvent(event)
        self._place_labels(self._inner if self.height() < LOW * self.fontMetrics().height() else self.body)
        room = max(LOWEST, self.height() - OTHER_LINES * self.fontMetrics().height())
        for view in (self.picture, self.found):
            view.setMinimumHeight(min(PICTURE.height(), room))
            view.setMaximumHeight(room if room < ROOMY else QWIDGETSIZE_MAX)

    def _place_labels(self, box: QBoxLayout) -> None:
        if box.indexOf(self.labels) < 0:
            box.addWidget(self.labels)
            self.labels.show()

    def show_voice(self, waveform: "Waveform") -> None:
        """The utterance, read."""
        self.waveform.show_waveform(waveform)

    def say_no_voice(self, why: str) -> None:
        """The utterance cannot be read."""
        self.play.setEnabled(False)
        self.reason.setText(why)
        self.reason.show()

    def show_playing(self, playing: bool) -> None:
        """Whether the utterance is heard now."""
        theme.set_icon(self.play, "stop" if playing else "play")

    def show_place(self, line: int, lines: int) -> None:
        """Which of how many it is."""
        self.count.setText(f"{line + 1} of {lines}")
        self.before.setEnabled(line > 0)
        self.next.setEnabled(line < lines - 1)

    def _play_found(self) -> None:
        if self._case is not None and self._case.found_recording is not None:
            self.found_played.emit(self._case.found_recording)

    def _show_picture(self, view: CroppedPicture, path: "Path | None", crop: str) -> None:
        view.show_image(record_of(path) if path is not None else None, crop)

    def _show_again(self, case: FailureCase) -> None:
        self.again.show_lines(case.again)
        self.again_title.setText("Ranked again with one thing changed" if case.again or case.not_tried else
                                 "Not diagnosed yet: what would have brought it back is not known")
        self.not_tried.setText(f"Not tried: {case.not_tried}." if case.not_tried else "")
        self.not_tried.setVisible(bool(case.not_tried))
