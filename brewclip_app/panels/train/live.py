"""The current run: state, progress and messages, with the buttons to pause, continue or stop it."""

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QDialog,
    QPlainTextEdit,
    QProgressBar,
    QPushButton,
    QSizePolicy,
    QStackedLayout,
    QVBoxLayout,
    QWidget,
)

from brewclip_app.localisation import _, as_shown, ngettext
from brewclip_app.panels.train import words as training_words
from brewclip_app.panels.train.controller import can_continue
from brewclip_app.widgets.common import Card, ElidedLabel, button, label, look, row

if TYPE_CHECKING:
    from core.training.runs import RunRecord

OUTPUT = "output.log"


class LiveCard(Card):
    """Shows one run; its buttons are connected by the panel."""

    def __init__(self) -> None:
        super().__init__(margin=14, space=6)
        self._record: RunRecord | None = None
        self.name = label("", "strong")
        self.words = ElidedLabel("", "quiet-body", Qt.TextElideMode.ElideRight)
        self.notes = button("", self._show_notes, "quiet-link")
        self.output = button(_("Show output"), self._show_output, "quiet-link")
        self.pause_button = button(_("Pause"), tip=_("Save at the next step and interrupt the run (Ctrl+P)"))
        self.continue_button = button(_("Continue"), tip=_("Continue from the last save (Ctrl+P)"))
        self.stop_button = button(_("Stop…"), tip=_("End the run for good; its best model is kept"))
        self.end_button = button(_("End now"), name="danger",
                                 tip=_("End its process at once; what it did since its last save is done again"))
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.message = label("", "care", wrap=True)
        self.message.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._turns = QWidget()  # Pause and Continue share one place, where no other button comes
        self._turns.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self._turn = QStackedLayout(self._turns)
        for turn in (self.pause_button, self.continue_button):
            self._turn.addWidget(turn)
        head = row(self.name, self.words, self.end_button, 12, self.notes, self.output, self._turns, self.stop_button)
        head.setStretch(1, 1)
        self.pause_button.ensurePolished()
        head.addStrut(self.pause_button.sizeHint().height())  # the card keeps its height, whatever buttons it shows
        self.body.addLayout(head)
        self.body.addWidget(self.bar)
        self.body.addWidget(self.message)
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        for part in (self.notes, self.output, self._turns, self.stop_button, self.end_button, self.message):
            part.hide()

    def show_run(self, record: "RunRecord", request: str = "", preparing_left: float | None = None) -> None:
        """Show a run. `asked`: "pause" or "stop" while it has not followed yet."""
        self._record = record
        variant = f" · {record.recipe.variant}" if record.recipe else ""
        self.name.setText(f"{record.name}{variant}")
        self.words.setText(training_words.line(record, request, preparing_left))
        self._show_bar(record)
        words = [] if record.live or record.state == "finished" else [record.message]
        self.message.setText(" ".join(filter(None, [*words, record.fallback])))
        self.message.setVisible(bool(self.message.text()))
        look(self.message, "care" if record.state == "failed" or record.fallback else "quiet-body")
        self._show_buttons(record, request)
        self.notes.setVisible(bool(record.notes))
        self.notes.setText(ngettext("{notes} note", "{notes} notes", len(record.notes)).format(notes=len(record.notes)))
        self.output.setVisible(record.state == "failed" and (record.path / OUTPUT).exists())

    def _show_bar(self, record: "RunRecord") -> None:
        from core.training.process import progress_of

        done, total = progress_of(record).bar
        self.bar.setRange(0, 1000 if total > 0 else 0)
        if total > 0:
            self.bar.setValue(round(1000 * min(done, total) / total))
        self.bar.setAccessibleName(_("{done} percent").format(done=100 * done // max(1, total)))
        self.bar.setVisible(record.live or record.state in ("paused", "failed"))
        if record.state in ("paused", "failed") and total <= 0:
            self.bar.hide()

    def _show_buttons(self, record: "RunRecord", request: str) -> None:
        """Show the buttons that apply; each keeps its place, and a hidden one its room while another is beside it."""
        can = {self.pause_button: record.live and not request, self.continue_button: can_continue(record),
               self.stop_button: (record.live and request != "stop") or record.state == "paused",
               self.end_button: record.live and bool(request)}
        focus = self.window().focusWidget()
        lost = isinstance(focus, QPushButton) and not can.get(focus, True)
        if lost:
            self.setFocus()  # before the button goes: Qt would give the focus to whatever comes next
        any_turn = record.live or can[self.continue_button]
        self._turn.setCurrentWidget(self.continue_button if can[self.continue_button] else self.pause_button)
        self._turns.setVisible(any_turn)
        self.pause_button.setEnabled(can[self.pause_button])
        keep_room(self.stop_button, any_turn)
        self.stop_button.setVisible(record.live or can[self.stop_button])
        self.stop_button.setEnabled(can[self.stop_button])
        self.end_button.setVisible(can[self.end_button])
        if lost or focus is self:  # until Pause or Continue is there the card holds the focus, never Stop or End now
            (next((turn for turn in (self.pause_button, self.continue_button) if can[turn]), None) or self).setFocus()

    def _show_notes(self) -> None:
        if self._record is not None:
            TextDialog(self, _("Notes of {name}").format(name=self._record.name), "\n".join(self._record.notes)).open()

    def _show_output(self) -> None:
        if self._record is not None:
            from core.training.process import output_of

            TextDialog(self, _("Output of {name}").format(name=self._record.name), output_of(self._record.path)
                       or _("No output.")).open()


def keep_room(part: QWidget, keep: bool) -> None:
    """Set whether a widget keeps its room while it is hidden."""
    policy = part.sizePolicy()
    if policy.retainSizeWhenHidden() != keep:
        policy.setRetainSizeWhenHidden(keep)
        part.setSizePolicy(policy)


class TextDialog(QDialog):
    """Dialog with a text to read and copy."""

    def __init__(self, parent: QWidget, title: str, text: str) -> None:
        super().__init__(parent)
        self.setWindowTitle(as_shown(title))
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.resize(640, 380)
        self.text = look(QPlainTextEdit(text), "details")
        self.text.setReadOnly(True)
        self.text.setAccessibleName(as_shown(title))
        close = button(_("Close"), self.accept, "main")
        close.setDefault(True)
        box = QVBoxLayout(self)
        box.setContentsMargins(20, 18, 20, 16)
        box.setSpacing(10)
        box.addWidget(label(title, "title"))
        box.addWidget(self.text)
        box.addLayout(row(None, close))
