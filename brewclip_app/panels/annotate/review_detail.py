"""One take of the review: its picture and voice, what was heard beside the caption, what others said, figures."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, QSize, Qt, Signal
from PySide6.QtWidgets import QFrame, QGridLayout, QScrollArea, QWidget

from brewclip_app import theme, wording
from brewclip_app.panels.annotate.picture_view import PictureView
from brewclip_app.panels.annotate.words import transcript_of_take
from brewclip_app.thumbnails import Thumbnails
from brewclip_app.widgets.common import Card, button, clear, column, label, row
from brewclip_app.widgets.difference_line import DifferenceLine
from brewclip_app.widgets.transcript_view import TranscriptView
from brewclip_app.widgets.waveform import WaveformView

if TYPE_CHECKING:
    from core.annotation.agreement import Agreement, Pair
    from core.annotation.progress import SpeakerProgress
    from core.audio import Waveform
    from core.store.records import ImageRecord, TakeRecord

PICTURE = QSize(200, 130)
NARROWEST = 330
SCROLL_BAR = 14  # px
NOTES = {"awaited": "The words are still being recognised; they can be typed, too.",
         "late": "Words arrived after Enter; confirm. Enter confirms them, A accepts them, E corrects them."}
EXPLAINED = ("Words shared: of all words either used, those both used. Likeness: cosine of the captions' vectors in "
             "the text model.")


class TakeDetail(QScrollArea):
    """Plain records in, signals out."""

    judged = Signal(str)  # accepted, rejected
    thrown_away = Signal()
    confirmed = Signal(str)
    left = Signal()
    play_wanted = Signal()

    def __init__(self, thumbnails: Thumbnails) -> None:
        super().__init__()
        self._inner = QWidget()
        self._agreement: Agreement | None = None
        self._take: TakeRecord | None = None
        self._others: list[TakeRecord] = []
        self.picture = PictureView(thumbnails, PICTURE)
        self.picture.setMaximumHeight(220)
        self.waveform = WaveformView()
        self.waveform.setAccessibleName("Waveform of the take")
        self.play = button("Play", self.play_wanted.emit, icon="play")
        self.text = TranscriptView()
        self.text.setPlaceholderText("No words yet")
        self.text.setAccessibleName("Caption")
        self.heard = DifferenceLine("")
        self.heard_title = label("Heard, with what was corrected", "heading")
        self.note = label("", "care", wrap=True)
        self.facts = label("", "quiet", wrap=True)
        self.accept = button("Accept", lambda: self.judged.emit("accepted"), "main")
        self.reject = button("Reject", lambda: self.judged.emit("rejected"))
        self.throw = button("Throw away", self.thrown_away.emit, icon="trash")
        self.said, self.progress = Card("Also said of this picture", space=6), Card("Speakers", space=6)
        self._lines = column(space=6)
        self.said.body.addLayout(self._lines)
        self.agreement = label("", "quiet", wrap=True)
        self._grid = QGridLayout()
        self._grid.setHorizontalSpacing(12)
        self.progress.body.addLayout(self._grid)
        self.progress.body.addWidget(self.agreement)
        self._lay_out()
        self.text.accepted.connect(self.confirmed)
        self.text.left.connect(self.left)

    def _lay_out(self) -> None:
        wave = row(self.waveform, self.play)
        wave.setStretch(0, 1)
        self.card = Card(space=8)
        self.card.body.addLayout(column(self.picture, wave, label("Caption", "heading"), self.text, self.note,
                                        self.heard_title, self.heard, self.facts,
                                        row(self.accept, self.reject, self.throw, None)))
        self._inner.setLayout(column(self.card, self.said, self.progress, None, space=12))
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setWidget(self._inner)

    def minimumSizeHint(self) -> QSize:
        """Nothing is cut off at the right; at the bottom it scrolls."""
        return QSize(max(NARROWEST, self._inner.minimumSizeHint().width() + SCROLL_BAR), 200)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.LayoutRequest:
            self.updateGeometry()
        return super().eventFilter(watched, event)

    def show_take(self, take: "TakeRecord | None", image: "ImageRecord | None", others: "list[TakeRecord]") -> bool:
        """A take, its picture, and the other takes of that picture; whether it is another than before."""
        another = take is None or self._take is None or take.id != self._take.id
        self._take = take
        self.card.setVisible(take is not None)
        self.picture.show_image(image)
        if take is None:
            self.said.hide()
            return another
        from core.annotation.captions import caption_of, stage_of

        if another:
            self.waveform.clear()
        caption, stage = caption_of(take), stage_of(take)
        if another or not self.text.edited:  # what is typed stays, whatever arrives meanwhile
            self.text.show_words(caption)
        self._show_words(take, stage, caption)
        binned = take.binned is not None
        for part in (self.accept, self.reject):
            part.setVisible(not binned)
        self.accept.setEnabled(bool(caption) and take.state != "accepted")
        self.reject.setEnabled(take.state != "rejected")
        self.throw.setText("Bring back" if binned else "Throw away")
        theme.set_icon(self.throw, "history" if binned else "trash")
        self._show_others(take, others)
        return another

    def _show_words(self, take: "TakeRecord", stage: str, caption: str) -> None:
        from core.annotation.differences import corrected_words, differences

        transcript = transcript_of_take(take)
        unsure = stage in ("draft", "late") and transcript is not None and transcript.doubtful
        note = " ".join(filter(None, (NOTES.get(stage, ""), wording.DOUBTFUL if unsure else "")))
        self.note.setText(note)
        self.note.setVisible(bool(note))
        pieces = differences(transcript.text, caption) if transcript else ()
        wrong = corrected_words(pieces)
        self.heard.show_whole(pieces)
        for part in (self.heard, self.heard_title):
            part.setVisible(bool(wrong))
        agreed = "heard as it stands here" if transcript and not wrong else ""
        corrected = f"{wrong} of {wording.count(max(1, len(caption.split())))} words corrected" if wrong else ""
        source = f"brought in from {take.source}" if take.source else agreed or corrected
        self.facts.setText(" · ".join(filter(None, (take.speaker.name, wording.duration(take.seconds), source,
                                                    take.warning))))

    def _show_others(self, take: "TakeRecord", others: "list[TakeRecord]") -> None:
        from core.annotation.captions import caption_of

        self._others = others
        clear(self._lines)
        for other in others:
            own = caption_of(other)
            words = label(f"{other.speaker.name} · “{own}”" if own else other.speaker.name, wrap=True)
            self._lines.addLayout(column(words, label(self._compared(take, other), "quiet", wrap=True), space=1))
        self.said.setVisible(bool(others))

    def _compared(self, take: "TakeRecord", other: "TakeRecord") -> str:
        pair = self._pair(take, other)
        if self._agreement is None:
            return ""
        if pair is None:
            return "the same speaker" if take.speaker.id == other.speaker.id else "not compared: not confirmed"
        nearer = "" if pair.nearer is None else (
            f", nearer than {round(100 * pair.nearer)} % of captions of other pictures")
        return f"{round(100 * pair.overlap)} % of words shared · likeness {pair.cosine:.2f}{nearer}"

    def _pair(self, take: "TakeRecord", other: "TakeRecord") -> "Pair | None":
        wanted = {take.id, other.id}
        pairs = self._agreement.pairs if self._agreement else ()
        return next((pair for pair in pairs if {pair.first.id, pair.second.id} == wanted), None)

    def take_agreement(self, found: "Agreement") -> None:
        """How much speakers agree, over the whole gallery."""
        self._agreement = found
        if self._take is not None:
            self._show_others(self._take, self._others)
        if found.overlap is None or found.cosine is None:
            self.agreement.setText("No picture was described by two people yet.")
            return
        elsewhere = f" (captions of different pictures: {found.elsewhere:.2f})" if found.elsewhere is not None else ""
        shared = f"{round(100 * found.overlap)} % of words shared"
        self.agreement.setText(f"{wording.pictures(found.pictures)} described by more than one person: {shared}, "
                               f"likeness {found.cosine:.2f}{elsewhere}. {EXPLAINED}")

    def say_no_agreement(self, why: str) -> None:
        """Why captions could not be compared."""
        self._agreement = None
        self.agreement.setText(why)

    def show_progress(self, found: "tuple[SpeakerProgress, ...]") -> None:
        """A line for each speaker."""
        clear(self._grid)
        self.progress.setVisible(bool(found))
        for at, words in enumerate(("", "pictures", "accepted", "rejected", "to review", "speech")):
            self._grid.addWidget(label(words, "quiet"), 0, at, Qt.AlignmentFlag.AlignRight)
        for line, one in enumerate(found, 1):
            self._grid.addWidget(label(one.speaker.name), line, 0)
            values = (one.pictures, one.accepted, one.rejected, one.done)
            for at, value in enumerate((*map(wording.count, values), wording.duration(one.seconds)), 1):
                self._grid.addWidget(label(value), line, at, Qt.AlignmentFlag.AlignRight)
        self._grid.setColumnStretch(0, 1)

    def show_waveform(self, waveform: "Waveform") -> None:
        """The voice, when it is played."""
        self.waveform.show_waveform(waveform)

    def show_playing(self, playing: bool) -> None:
        """The button stops what plays."""
        self.play.setText("Stop" if playing else "Play")
        theme.set_icon(self.play, "stop" if playing else "play")
        if not playing:
            self.waveform.set_cursor(None)

    @property
    def edited(self) -> int:
        """The take (id) whose words are being corrected; 0 when none are."""
        return self._take.id if self._take is not None and self.text.edited else 0

    def edit(self) -> None:
        """The keyboard goes to the caption."""
        self.text.setFocus()
        self.text.selectAll()
