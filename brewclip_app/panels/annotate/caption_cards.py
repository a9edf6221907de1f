"""Cards with the captions of a picture: the current take's to edit, and those of other takes."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QSizePolicy, QWidget

from brewclip_app import wording
from brewclip_app.localisation import _
from brewclip_app.widgets.common import Card, button, clear, column, label, look, row, scrolling
from brewclip_app.widgets.difference_line import DifferenceLine
from brewclip_app.widgets.transcript_view import TranscriptView

if TYPE_CHECKING:
    from core.asr.transcript import Transcript
    from core.store.records import TakeRecord

LEAST_OTHERS = 72  # px: two lines of another take
STAGES = {"draft": "draft", "awaited": _("waiting for the transcript"), "late": _("transcript to confirm"), "done": "",
          "accepted": "accepted", "rejected": "rejected"}
AWAITED = _("Transcribing… Press Enter to continue without waiting; the recording is saved.")
LATE = _("This transcript arrived after Enter: press Enter to confirm it.")


class CaptionCard(Card):
    """The caption of the current take, to be edited and confirmed with Enter."""

    def __init__(self) -> None:
        super().__init__(_("Transcript"), space=4)
        self.text = TranscriptView()
        self.text.setPlaceholderText(_("The transcript appears here"))
        self.text.accepts_nothing = True  # Enter before the transcript
        self.text.setAccessibleName(_("Caption"))
        self.text.setAccessibleDescription(_("The transcript. Edit it, and press Enter to confirm it and continue."))
        self.changes = DifferenceLine()
        self.note = label("", "quiet", wrap=True)
        self.body.addWidget(self.text)
        self.body.addWidget(self.changes)
        self.body.addWidget(self.note)
        self.text.textChanged.connect(self._show_changes)
        self._take: TakeRecord | None = None
        self._transcript = ""
        self.show_take(None, awaited=False)

    def show_take(self, take: "TakeRecord | None", awaited: bool) -> None:
        """Show a take; a caption that is being edited stays, and one typed while a take was saved becomes its own."""
        before, transcript = self._take, transcript_of_take(take)
        self._take, self._transcript = take, transcript.text if transcript else ""
        caption, stage = _caption_and_stage(take)
        if before is None:
            stays = self.text.edited
        elif take is None or before.id != take.id:
            stays = False
        else:
            stays = self.text.edited or (before.text, before.heard) == (take.text, take.heard)
        if not stays:
            words = transcript.words if transcript and caption == " ".join(transcript.text.split()) else ()
            self.text.show_words(caption, words)
        self.heading.setText(_("Caption") if stage in ("done", "accepted", "rejected") else _("Transcript"))
        self._show_changes()
        self._show_note(stage, awaited, transcript, caption)

    def clear(self) -> None:
        """Forget the take and what was typed: another picture or speaker follows."""
        self._take = None
        self.text.show_words("")

    def _show_note(self, stage: str, awaited: bool, transcript: "Transcript | None", caption: str) -> None:
        doubtful = stage in ("draft", "late") and transcript is not None and transcript.doubtful
        if awaited:
            note = AWAITED
        elif not caption:
            note = transcript.reason if transcript else ""
        else:
            note = " ".join(filter(None, (LATE if stage == "late" else "", wording.DOUBTFUL if doubtful else "")))
            note = note or ("" if stage == "draft" else STAGES[stage])
        look(self.note, "care" if doubtful or stage == "late" else "quiet")
        self.note.setText(note)
        self.note.setVisible(bool(note))

    def _show_changes(self) -> None:
        from core.annotation.differences import differences

        text = self.text.text()
        self.changes.show_changes(differences(self._transcript, text) if self._transcript and text else ())


class OtherTakesCard(Card):
    """Other takes of the picture, each with the share of words it has in common with the caption."""

    def __init__(self, play: "Callable[[TakeRecord], object]") -> None:
        super().__init__(_("Other descriptions of this picture"), space=6)
        self._play = play
        inner = QWidget()
        self.lines = column(space=8)
        inner.setLayout(column(self.lines, None))
        scroll = scrolling(inner)
        scroll.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        scroll.setMinimumHeight(LEAST_OTHERS)
        self.body.addWidget(scroll)

    def show_takes(self, takes: "list[TakeRecord]", current: "TakeRecord | None") -> None:
        """Show takes beside the current one; hide the card when there are none."""
        caption, _unused = _caption_and_stage(current)
        clear(self.lines)
        for take in reversed(takes):
            self.lines.addWidget(self._line(take, caption))
        self.setVisible(bool(takes))

    def _line(self, take: "TakeRecord", caption: str) -> QWidget:
        from core.annotation.agreement import overlap

        own, stage = _caption_and_stage(take)
        shared = round(100 * overlap(own, caption)) if caption and own else 0
        facts = " · ".join(filter(None,
                                  (take.speaker.name, STAGES[stage],
                                   _("{shared} % of words shared").format(shared=shared) if shared
                                         else "")))
        play = button(_("Play"), lambda: self._play(take), "quiet-link")
        play.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        foot = row(label(facts, "quiet", wrap=True), play)
        foot.setStretch(0, 1)
        line = QWidget()
        line.setLayout(column(label(f"“{own}”" if own else _("No transcript yet"), wrap=True), foot, space=1))
        return line


def transcript_of_take(take: "TakeRecord | None") -> "Transcript | None":
    """The transcript of a take; None without one. Imports NumPy only when there is a take."""
    if take is None:
        return None
    from core.annotation.captions import transcript_of

    return transcript_of(take)


def _caption_and_stage(take: "TakeRecord | None") -> tuple[str, str]:
    if take is None:
        return "", ""
    from core.annotation.captions import caption_of, stage_of

    return caption_of(take), stage_of(take)
