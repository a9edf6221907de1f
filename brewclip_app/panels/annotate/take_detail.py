"""One take of the review: picture, recording, caption and transcript, other takes, figures by speaker."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, QSize, Qt
from PySide6.QtWidgets import QFrame, QGridLayout, QScrollArea, QWidget

from brewclip_app import theme, wording
from brewclip_app.localisation import _
from brewclip_app.panels.annotate.caption_cards import transcript_of_take
from brewclip_app.panels.annotate.picture_view import PictureView
from brewclip_app.thumbnails import Thumbnails
from brewclip_app.widgets.common import Card, button, clear, column, label, row, show_play_button
from brewclip_app.widgets.difference_line import DifferenceLine
from brewclip_app.widgets.transcript_view import TranscriptView
from brewclip_app.widgets.waveform import WaveformView

if TYPE_CHECKING:
    from core.annotation.agreement import Agreement
    from core.annotation.progress import SpeakerProgress
    from core.audio import Waveform
    from core.store.records import ImageRecord, TakeRecord

PICTURE = QSize(200, 130)
NARROWEST = 330
SCROLL_BAR = 14  # px
NOTES = {"awaited": _("Transcribing. You can also type the caption."),
         "late": _("This transcript arrived after Enter. Confirm it with Enter, accept it with A or edit it with E.")}
MEASURES = (_("Words shared: of all words that either used, those that both used. Similarity: cosine of the captions' "
              "embeddings in the text model."))


class TakeDetail(QScrollArea):
    """Shows plain records; the review connects its buttons and its text field."""

    def __init__(self, thumbnails: Thumbnails) -> None:
        super().__init__()
        self._inner = QWidget()
        self._agreement: Agreement | str = ""
        self._take: TakeRecord | None = None
        self._waveform: Waveform | None = None
        self._others: list[TakeRecord] = []
        self.picture = PictureView(thumbnails, PICTURE)
        self.picture.setMaximumHeight(220)
        self.waveform = WaveformView()
        self.waveform.setAccessibleName(_("Waveform of the take"))
        self.play = button(_("Play"), icon="play")
        self.text = TranscriptView()
        self.text.setPlaceholderText(_("No transcript yet"))
        self.text.setAccessibleName(_("Caption"))
        self.transcript = DifferenceLine("")
        self.transcript_title = label(_("Transcript with corrections"), "heading")
        self.note = label("", "care", wrap=True)
        self.facts = label("", "quiet", wrap=True)
        self.accept = button(_("Accept"), name="main")
        self.reject = button(_("Reject"))
        self.bin = button(_("Move to bin"), icon="trash")
        self.other_card = Card(_("Other descriptions of this picture"), space=6)
        self.progress = Card(_("Speakers"), space=6)
        self._lines = column(space=6)
        self.other_card.body.addLayout(self._lines)
        self.agreement = label("", "quiet", wrap=True)
        self._grid = QGridLayout()
        self._grid.setHorizontalSpacing(12)
        self.progress.body.addLayout(self._grid)
        self.progress.body.addWidget(self.agreement)
        self._lay_out()

    def _lay_out(self) -> None:
        wave = row(self.waveform, self.play)
        wave.setStretch(0, 1)
        self.card = Card(space=8)
        self.card.body.addLayout(column(self.picture, wave, label(_("Caption"), "heading"), self.text, self.note,
                                        self.transcript_title, self.transcript, self.facts,
                                        row(self.accept, self.reject, self.bin, None)))
        self._inner.setLayout(column(self.card, self.other_card, self.progress, None, space=12))
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setWidget(self._inner)

    def minimumSizeHint(self) -> QSize:
        """Width of the content: the area scrolls vertically only."""
        return QSize(max(NARROWEST, self._inner.minimumSizeHint().width() + SCROLL_BAR), 200)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.LayoutRequest:
            self.updateGeometry()
        return super().eventFilter(watched, event)

    def show_take(self, take: "TakeRecord | None", image: "ImageRecord | None", others: "list[TakeRecord]") -> bool:
        """Show a take, its image, and other takes of the image; whether it is another take than before."""
        another = take is None or self._take is None or take.id != self._take.id
        self._take = take
        self.card.setVisible(take is not None)
        self.picture.show_image(image)
        if take is None:
            self.other_card.hide()
            return another
        from core.annotation.captions import caption_of, stage_of

        if another:
            self._waveform = None
            self.waveform.clear()
        caption, stage = caption_of(take), stage_of(take)
        if another or not self.text.edited:  # a caption that is being edited stays
            self.text.show_words(caption)
        self._show_transcript(take, stage, caption)
        binned = take.binned is not None
        for part in (self.accept, self.reject):
            part.setVisible(not binned)
        self.accept.setEnabled(bool(caption) and take.state != "accepted")
        self.reject.setEnabled(take.state != "rejected")
        self.bin.setText(_("Restore") if binned else _("Move to bin"))
        theme.set_icon(self.bin, "history" if binned else "trash")
        self._show_others(take, others)
        return another

    def _show_transcript(self, take: "TakeRecord", stage: str, caption: str) -> None:
        from core.annotation.differences import corrected_words, differences

        transcript = transcript_of_take(take)
        doubtful = stage in ("draft", "late") and transcript is not None and transcript.doubtful
        note = " ".join(filter(None, (NOTES.get(stage, ""), wording.DOUBTFUL if doubtful else "")))
        self.note.setText(note)
        self.note.setVisible(bool(note))
        pieces = differences(transcript.text, caption) if transcript else ()
        wrong = corrected_words(pieces)
        self.transcript.show_whole(pieces)
        for part in (self.transcript, self.transcript_title):
            part.setVisible(bool(wrong))
        agreed = _("transcript unchanged") if transcript and not wrong else ""
        corrected = (_("{wrong} of {max} words corrected").format(wrong=wrong,
                                                                  max=wording.count(max(1, len(caption.split()))))
                     if wrong else "")
        source = _("imported from {source}").format(source=take.source) if take.source else agreed or corrected
        self.facts.setText(" · ".join(filter(None, (take.speaker.name, wording.duration(take.seconds), source,
                                                    take.warning))))

    def _show_others(self, take: "TakeRecord", others: "list[TakeRecord]") -> None:
        from core.annotation.captions import caption_of

        self._others = others
        clear(self._lines)
        for other in others:
            own = caption_of(other)
            text = label(f"{other.speaker.name} · “{own}”" if own else other.speaker.name, wrap=True)
            self._lines.addLayout(column(text, label(self._compared(take, other), "quiet", wrap=True), space=1))
        self.other_card.setVisible(bool(others))

    def _compared(self, take: "TakeRecord", other: "TakeRecord") -> str:
        if isinstance(self._agreement, str):
            return ""
        pair = next((pair for pair in self._agreement.pairs
                     if {pair.first.id, pair.second.id} == {take.id, other.id}), None)
        if pair is None:
            return _("same speaker") if take.speaker.id == other.speaker.id else _("not compared: not confirmed")
        nearer = "" if pair.nearer is None else (
            _(", more similar than {nearer} % of captions of other pictures").format(nearer=round(100 * pair.nearer)))
        return _("{overlap} % of words shared · similarity {cosine:.2f}{nearer}").format(
            overlap=round(100 * pair.overlap), cosine=pair.cosine, nearer=nearer)

    def show_agreement(self, agreement: "Agreement | str") -> None:
        """Show how much speakers agree over the whole gallery, or why that could not be measured."""
        self._agreement = agreement
        if isinstance(agreement, str):
            self.agreement.setText(agreement)
        elif agreement.overlap is None or agreement.cosine is None:
            self.agreement.setText(_("No picture was described by two speakers yet."))
        else:
            elsewhere = ("" if agreement.elsewhere is None else
                         _(" (captions of different pictures: {elsewhere:.2f})").format(elsewhere=agreement.elsewhere))
            self.agreement.setText(
                _("{pictures} described by more than one speaker: {overlap} % of words shared, similarity "
                  "{cosine:.2f}{elsewhere}. {measures}").format(pictures=wording.pictures(agreement.pictures),
                                                                overlap=round(100 * agreement.overlap),
                                                                cosine=agreement.cosine, elsewhere=elsewhere,
                                                                measures=MEASURES))

    def show_progress(self, progress: "tuple[SpeakerProgress, ...]") -> None:
        """Show a line for each speaker."""
        clear(self._grid)
        self.progress.setVisible(bool(progress))
        for at, title in enumerate(("", "pictures", "accepted", "rejected", _("to review"), "speech")):
            self._grid.addWidget(label(title, "quiet"), 0, at, Qt.AlignmentFlag.AlignRight)
        for line, own in enumerate(progress, 1):
            self._grid.addWidget(label(own.speaker.name), line, 0)
            counts = map(wording.count, (own.pictures, own.accepted, own.rejected, own.done))
            for at, text in enumerate((*counts, wording.duration(own.seconds)), 1):
                self._grid.addWidget(label(text), line, at, Qt.AlignmentFlag.AlignRight)
        self._grid.setColumnStretch(0, 1)

    def show_waveform(self, waveform: "Waveform") -> None:
        """Show the recording, once."""
        if waveform is not self._waveform:
            self._waveform = waveform
            self.waveform.show_waveform(waveform)

    def show_playing(self, playing: bool, seconds: float | None) -> None:
        """Turn the button into Stop and move the cursor while the take plays."""
        show_play_button(self.play, playing)
        self.waveform.set_cursor(seconds if playing else None)

    @property
    def edited(self) -> int:
        """Id of the take whose caption is being edited; 0 when none is."""
        return self._take.id if self._take is not None and self.text.edited else 0

    def edit(self) -> None:
        """Move the focus to the caption and select it."""
        self.text.setFocus()
        self.text.selectAll()
