"""The page for describing pictures: a large picture, recording and caption beside it, the queue below."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, QTimer
from PySide6.QtWidgets import QWidget

from brewclip_app.capture.recording import Microphone
from brewclip_app.localisation import _
from brewclip_app.panels.annotate.caption_cards import CaptionCard, OtherTakesCard
from brewclip_app.panels.annotate.empty_pages import MessageLabel
from brewclip_app.panels.annotate.film_strip import FilmStrip
from brewclip_app.panels.annotate.picture_view import PictureView
from brewclip_app.panels.annotate.recording_card import RecordingCard
from brewclip_app.thumbnails import Thumbnails
from brewclip_app.widgets.common import KeyCap, column, label, row, scrolling
from brewclip_app.widgets.flow_layout import FlowLayout
from brewclip_app.widgets.splitters import splitter

if TYPE_CHECKING:
    from brewclip_app.panels.annotate.state import AnnotateState
    from core.store.records import TakeRecord

SMALLEST_PICTURE = QSize(320, 220)
SIDE = 400  # px of the column beside the picture
NARROWEST_SIDE, WIDEST_SIDE = 330, 520
MAIN_KEYS = (("Enter", "accept"), ("R", "retake"), ("S", "skip"), ("Ctrl Z", "undo"), ("?", _("all keys")))


class DescribePage(QWidget):
    """Shows the picture in front and its takes; the panel connects its parts."""

    def __init__(self, microphone: Microphone, thumbnails: Thumbnails, play: "Callable[[TakeRecord], object]") -> None:
        super().__init__()
        self.picture = PictureView(thumbnails, SMALLEST_PICTURE)
        self.recording, self.caption, self.others = RecordingCard(microphone), CaptionCard(), OtherTakesCard(play)
        self.strip = FilmStrip(thumbnails)
        self._scrolled_to: tuple[int, str | None] | None = None  # id and transcript of a take
        self._place: tuple[int | None, int | None] = None, None  # ids of the image in front and of the speaker
        self.message = MessageLabel()
        self._lay_out()

    def _lay_out(self) -> None:
        inner, beside, keys = QWidget(), QWidget(), QWidget()
        cards = column(self.recording, self.caption, self.others, None, space=12)
        cards.setStretch(2, 1000)  # other takes get all the room that is left
        inner.setLayout(cards)
        self.cards = scrolling(inner)  # for a small window or a large font
        flow = FlowLayout(keys)
        for key, action in MAIN_KEYS:
            hint = QWidget()
            hint.setLayout(row(KeyCap(key), label(action, "quiet"), space=4))
            flow.addWidget(hint)
        side = column(self.cards, self.message, keys, space=10)
        side.setStretch(0, 1)
        beside.setLayout(side)
        beside.setMinimumWidth(NARROWEST_SIDE)
        beside.setMaximumWidth(WIDEST_SIDE)
        self.split = splitter(self.picture, beside, (1000 - SIDE, SIDE), (1, 0), handle=16)
        box = column(self.split, self.strip, space=8)
        box.setStretch(0, 1)
        self.setLayout(box)

    def show_state(self, state: "AnnotateState") -> None:
        """Show a state. While a recording is saved, the transcript of the take that it replaces is not shown."""
        place = state.image.id if state.image else None, state.speaker.id if state.speaker else None
        if place != self._place:
            self._place = place
            self.caption.clear()
        self.picture.show_image(state.image)
        self.strip.show_state(state)
        take = None if state.saving else state.current_take
        self.caption.show_take(take, awaited=take is not None and take.id in state.awaited)
        self.others.show_takes(state.other_takes, take)
        self.recording.setEnabled(state.image is not None)
        self._scroll_to((take.id, take.heard) if take is not None else None)

    def _scroll_to(self, shown: tuple[int, str | None] | None) -> None:
        """Scroll to the caption after a recording and to the recording card before it."""
        if shown != self._scrolled_to:
            self._scrolled_to = shown
            card = self.caption if shown is not None else self.recording
            QTimer.singleShot(0, self, lambda: self.cards.ensureWidgetVisible(card, 0, 0))  # when it has its height
