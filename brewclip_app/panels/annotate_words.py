"""The words of a picture: the transcript to correct, and what others said."""

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QSizePolicy, QWidget

from brewclip_app.widgets.common import Card, button, clear, column, label, row, scrolling
from brewclip_app.widgets.difference_line import DifferenceLine
from brewclip_app.widgets.transcript_view import TranscriptView

if TYPE_CHECKING:
    from core.models.transcripts import Transcript
    from core.store.records import TakeRecord

LEAST_SAID = 72  # px: two lines of somebody else's words
STATES = {"draft": "not confirmed yet", "done": "", "accepted": "accepted", "rejected": "rejected"}


class HeardCard(Card):
    """The caption of the present take; Enter in it confirms."""

    confirmed = Signal(str)
    left = Signal()

    def __init__(self) -> None:
        super().__init__("Heard", space=4)
        self.text = TranscriptView()
        self.text.setPlaceholderText("Your words appear here")
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
        if not self._stays(before, take):
            words = transcript.words if take and transcript and take.text == " ".join(transcript.text.split()) else ()
            self.text.show_words(take.text if take else "", words)
        self.heading.setText("Heard" if take is None or take.state == "draft" else "Caption")
        self._show_changes()
        self._say(take, hearing, transcript.reason if transcript else "")

    def _stays(self, before: "TakeRecord | None", take: "TakeRecord | None") -> bool:
        """Whether the words in the field are not to be touched: they are edited, or the same as before."""
        if before is None or take is None or before.id != take.id:
            return False
        return self.text.edited or (before.text, before.heard) == (take.text, take.heard)

    def _say(self, take: "TakeRecord | None", hearing: bool, reason: str) -> None:
        if take is None:
            words = ""
        elif hearing:
            words = "Recognising the words… the recording is kept already."
        else:
            words = reason if not take.text else STATES[take.state] if take.state != "draft" else ""
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

        shared = round(100 * overlap(take.text, caption)) if caption and take.text else 0
        facts = " · ".join(filter(None, (take.speaker.name, STATES[take.state],
                                         f"shares {shared} % of all words with the caption" if shared else "")))
        play = button("Play", lambda: self.play_wanted.emit(take), "quiet-link")
        play.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        foot = row(label(facts, "quiet", wrap=True), play)
        foot.setStretch(0, 1)
        line = QWidget()
        line.setLayout(column(label(f"“{take.text}”" if take.text else "no words yet", wrap=True), foot, space=1))
        return line


def transcript_of_take(take: "TakeRecord | None") -> "Transcript | None":
    """What was heard in a take; None when there is none."""
    if take is None:  # numpy is imported below: not before the first paint
        return None
    from core.annotation.takes import transcript_of

    return transcript_of(take)
