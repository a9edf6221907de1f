"""The page on which pictures are described: one of them large, the voice and the words beside it, the queue below."""

from PySide6.QtCore import QSize, QTimer, Signal
from PySide6.QtWidgets import QScrollArea, QSplitter, QWidget

from brewclip_app.capture.recording import Microphone
from brewclip_app.panels.annotate.film_strip import FilmStrip
from brewclip_app.panels.annotate.pages import show_message
from brewclip_app.panels.annotate.picture_view import PictureView
from brewclip_app.panels.annotate.session import AnnotateSession
from brewclip_app.panels.annotate.voice import RecordingCard
from brewclip_app.panels.annotate.words import HeardCard, SaidCard
from brewclip_app.thumbnails import Thumbnails
from brewclip_app.widgets.common import KeyCap, column, label, row, scrolling
from brewclip_app.widgets.flow_layout import FlowLayout

SMALLEST_PICTURE = QSize(320, 220)
SIDE = 400  # px of the column beside the picture
NARROWEST_SIDE, WIDEST_SIDE = 330, 520
FOOT = (("Enter", "accept"), ("R", "again"), ("S", "skip"), ("Ctrl Z", "undo"), ("?", "all keys"))


class AnnotatePage(QWidget):
    """Shows the session; what it tells of are its parts' own signals."""

    chosen = Signal(int)  # a picture of the strip

    def __init__(self, microphone: Microphone, thumbnails: Thumbnails) -> None:
        super().__init__()
        self.picture = PictureView(thumbnails, SMALLEST_PICTURE)
        self.voice, self.heard, self.said = RecordingCard(microphone), HeardCard(), SaidCard()
        self.strip = FilmStrip(thumbnails)
        self._shown: tuple[int, str | None] | None = None  # id and words of the take that was brought into view
        self._place: tuple[int | None, int | None] = None, None  # ids of the picture in front and of who speaks
        self.message = label("", "quiet-body", wrap=True)
        self.split = QSplitter()
        self._lay_out()
        self.strip.chosen.connect(self.chosen)
        self.say("")

    def _lay_out(self) -> None:
        beside = QWidget()
        self.cards = self._cards()
        whole = column(self.cards, self.message, _foot(), space=10)
        whole.setStretch(0, 1)
        beside.setLayout(whole)
        beside.setMinimumWidth(NARROWEST_SIDE)
        beside.setMaximumWidth(WIDEST_SIDE)
        self.split.setChildrenCollapsible(False)
        self.split.setHandleWidth(16)
        self.split.addWidget(self.picture)
        self.split.addWidget(beside)
        self.split.setStretchFactor(0, 1)
        self.split.setStretchFactor(1, 0)
        self.split.setSizes([1000 - SIDE, SIDE])
        box = column(self.split, self.strip, space=8)
        box.setStretch(0, 1)
        self.setLayout(box)

    def _cards(self) -> QScrollArea:
        """Voice and words; they scroll where a small window or a large font leaves too little room."""
        inner = QWidget()
        cards = column(self.voice, self.heard, self.said, None, space=12)
        cards.setStretch(2, 1000)  # what others said has all the room that is left
        inner.setLayout(cards)
        return scrolling(inner)

    def show_queue(self, session: AnnotateSession) -> None:
        """Another queue."""
        self.strip.walk.show_images(session.view.images, session.done())

    def show_place(self, session: AnnotateSession) -> None:
        """Another picture is in front."""
        image, speaker = session.image, session.speaker
        place = image.id if image else None, speaker.id if speaker else None
        if place != self._place:
            self._place = place
            self.heard.show_another_picture()
        self.picture.show_image(session.image)
        if session.image is not None:
            self.strip.show_row(session.row)

    def show_takes(self, session: AnnotateSession) -> None:
        """What was said of the picture."""
        from core.annotation.captions import caption_of

        take = None if session.saving else session.current()  # the words of what is said again are no longer its own
        self.strip.walk.show_done(session.done())
        self.heard.show_take(take, take is not None and take.id in session.hearing)
        self.said.show_takes(session.others(), caption_of(take) if take else "")
        self.voice.setEnabled(session.image is not None)
        self._bring_into_view((take.id, take.heard) if take is not None else None)

    def _bring_into_view(self, shown: tuple[int, str | None] | None) -> None:
        """The words after a recording, the voice before it; both are seen where there is room for both."""
        if shown != self._shown:
            self._shown = shown
            card = self.heard if shown is not None else self.voice
            QTimer.singleShot(0, self, lambda: self.cards.ensureWidgetVisible(card, 0, 0))  # when it has its height

    def say(self, text: str, kind: str = "quiet") -> None:
        """A sentence under the cards; "" takes it away."""
        show_message(self.message, text, kind)


def _foot() -> QWidget:
    """The keys that are needed most."""
    made = QWidget()
    flow = FlowLayout(made)
    for keys, words in FOOT:
        one = QWidget()
        one.setLayout(row(KeyCap(keys), label(words, "quiet"), space=4))
        flow.addWidget(one)
    return made
