"""The words of a picture: the transcript to correct, and what others said."""

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QSizePolicy, QWidget

from brewclip_app import wording
from brewclip_app.widgets.common import Card, button, clear, column, label, look, row, scrolling
from brewclip_app.widgets.difference_line import DifferenceLine
from brewclip_app.widgets.transcript_view import TranscriptView

if TYPE_CHECKING:
    from core.asr.transcript import Transcript
    from core.store.records import TakeRecord

LEAST_SAID = 72  # px: two lines of somebody else's words
STATES = {"draft": "not confirmed yet", "awaited": "words awaited", "late": "words to confirm", "done": "",
          "accepted": "accepted", "rejected": "rejected"}
AWAITED = "Recognising the words… Enter goes on without them; the recording is kept."
LATE = "These words arrived after Enter: press Enter to confirm them."


class HeardCard(Card):
    """The caption of the present take; Enter in it confirms."""

    confirmed = Signal(str)
    left = Signal()

    def __init__(self) -> None:
        super().__init__("Heard", space=4)
        self.text = TranscriptView()
        self.text.setPlaceholderText("Your words appear here")
        self.text.accepts_nothing = True  # Enter before the words
        self.text.setAccessibleName("Caption")
        self.text.setAccessibleDescription("What was heard. Edit it, and press Enter to confirm it and go on.")
        self.changes = DifferenceLine()
        self.note = label("", "quiet", wrap=True)
        self.body.addWidget(self.text)
        self.body.addWidget(self.changes)
        self.body.addWidget(self.note)
        self.text.accepted.connect(self.confirmed)
        self.text.left.connect(self.left)
        self.text.textChanged.connect(self._show_changes)
        self._take: TakeRecord | None = None
        self._heard = ""
        self.show_take(None, False)

    def show_take(self, take: "TakeRecord | None", hearing: bool) -> None:
        """A take's words; while the user edits them they stay."""
        before, transcript = self._take, transcript_of_take(take)
        self._take, self._heard = take, transcript.text if transcript else ""
        caption, stage = _shown(take)
        if not self._stays(before, take):
            words = transcript.words if transcript and caption == " ".join(transcript.text.split()) else ()
            self.text.show_words(caption, words)
        self.heading.setText("Caption" if stage in ("done", "accepted", "rejected") else "Heard")
        self._show_changes()
        self._say(stage, hearing, transcript, caption)

    def show_another_picture(self) -> None:
        """What was typed belongs to the picture before."""
        self._take = None
        self.text.show_words("")

    def _stays(self, before: "TakeRecord | None", take: "TakeRecord | None") -> bool:
        """Whether the words in the field are not to be touched: they are edited, or the same as before.

        What was typed before the recording was kept belongs to it.
        """
        if before is None:
            return self.text.edited
        if take is None or before.id != take.id:
            return False
        return self.text.edited or (before.text, before.heard) == (take.text, take.heard)

    def _say(self, stage: str, hearing: bool, transcript: "Transcript | None", caption: str) -> None:
        if hearing:
            words = AWAITED
        elif not caption:
            words = transcript.reason if transcript else ""
        else:
            unsure = stage in ("draft", "late") and transcript is not None and transcript.doubtful
            words = " ".join(filter(None, (LATE if stage == "late" else "", wording.DOUBTFUL if unsure else "")))
            words = words or ("" if stage == "draft" else STATES[stage])
        look(self.note, "care" if wording.DOUBTFUL in words or stage == "late" else "quiet")
        self.note.setText(words)
        self.note.setVisible(bool(words))

    def _show_changes(self) -> None:
        from core.annotation.differences import differences

        text = self.text.text()
        self.changes.show_changes(differences(self._heard, text) if self._heard and text else ())


class SaidCard(Card):
    """What else was said of the picture, each with how many words it shares with the caption."""

    play_wanted = Signal(object)  # TakeRecord

    def __init__(self) -> None:
        super().__init__("Also said of this picture", space=6)
        inner = QWidget()
        self.lines = column(space=8)
        inner.setLayout(column(self.lines, None))
        scroll = scrolling(inner)
        scroll.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        scroll.setMinimumHeight(LEAST_SAID)
        self.body.addWidget(scroll)

    def show_takes(self, takes: "list[TakeRecord]", caption: str) -> None:
        """Other takes of the picture; hidden when there are none."""
        clear(self.lines)
        for take in reversed(takes):
            self.lines.addWidget(self._line(take, caption))
        self.setVisible(bool(takes))

    def _line(self, take: "TakeRecord", caption: str) -> QWidget:
        from core.annotation.agreement import overlap

        own, stage = _shown(take)
        shared = round(100 * overlap(own, caption)) if caption and own else 0
        facts = " · ".join(filter(None, (take.speaker.name, STATES[stage],
                                         f"shares {shared} % of all words with the caption" if shared else "")))
        play = button("Play", lambda: self.play_wanted.emit(take), "quiet-link")
        play.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        foot = row(label(facts, "quiet", wrap=True), play)
        foot.setStretch(0, 1)
        line = QWidget()
        line.setLayout(column(label(f"“{own}”" if own else "no words yet", wrap=True), foot, space=1))
        return line


def transcript_of_take(take: "TakeRecord | None") -> "Transcript | None":
    """What was heard in a take; None when there is none."""
    if take is None:  # numpy is imported below: not before the first paint
        return None
    from core.annotation.captions import transcript_of

    return transcript_of(take)


def _shown(take: "TakeRecord | None") -> tuple[str, str]:
    """The words to show of a take, and how far it is."""
    if take is None:
        return "", ""
    from core.annotation.captions import caption_of, stage_of

    return caption_of(take), stage_of(take)
