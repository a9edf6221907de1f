"""Rows of the group Privacy: space of the history and the caches, and buttons to clear them."""

from typing import TYPE_CHECKING

from PySide6.QtWidgets import QWidget

from brewclip_app import wording
from brewclip_app.localisation import _, ngettext
from brewclip_app.panels.settings.controller import StorageController, StorageState
from brewclip_app.widgets.common import button, column, label, row
from brewclip_app.widgets.dialogs import confirm

if TYPE_CHECKING:
    from brewclip_app.context import Context
    from core.store.records import HistoryContent

KEYWORDS = _("privacy history recordings transcripts caches space clear delete")


class PrivacyRows(QWidget):
    """Shows the controller's state, and asks before anything is deleted."""

    def __init__(self, context: "Context") -> None:
        super().__init__()
        self.controller = StorageController(context, self)
        self.history, self.caches = label("", wrap=True), label("", wrap=True)
        self.clear_history = button(_("Clear history…"), self._ask_history, "danger")
        self.clear_caches = button(_("Clear caches…"), self._ask_caches, "danger")
        lines = []
        for words, clear in ((self.history, self.clear_history), (self.caches, self.clear_caches)):
            line = row(words, clear, space=12)
            line.setStretch(0, 1)
            lines.append(line)
        self.setLayout(column(*lines, space=8))
        self.controller.changed.connect(self._show_state)
        self._show_state(self.controller.state)

    def matches(self, words: str) -> bool:
        """Whether a search in the settings is about these rows."""
        return all(word in KEYWORDS for word in words.split())

    def _show_state(self, state: StorageState) -> None:
        usage = state.usage
        if usage is None:
            self.history.setText(state.problem or _("Measuring the history…"))
            self.caches.setText("" if state.problem else _("Measuring the caches…"))
        else:
            self.history.setText(_("History: {contents}").format(contents=contents(usage.history) if usage.history
                                                                 else "empty"))
            self.caches.setText(_("Caches: {sum}").format(sum=wording.size(sum(usage.caches.values()))))
        ready = usage is not None and not state.clearing
        self.clear_history.setEnabled(ready and usage is not None and bool(usage.history))
        self.clear_caches.setEnabled(ready and usage is not None and any(usage.caches.values()))

    def _ask_history(self) -> None:
        usage = self.controller.state.usage
        if usage is not None:
            confirm(self, _("Clear the history?"),
                    _("This deletes {contents}. Annotations and galleries stay. This cannot be undone.").format(
                        contents=contents(usage.history)), _("Clear history"), self.controller.clear_history)

    def _ask_caches(self) -> None:
        usage = self.controller.state.usage
        if usage is not None:
            size = wording.size(sum(usage.caches.values()))
            confirm(self, _("Clear the caches?"),
                    _("This deletes thumbnails, search indexes and features of datasets: {size}. They are computed "
                      "again when needed, which takes time. Caches in use stay.").format(size=size),
                    _("Clear caches"), self.controller.clear_caches)


def contents(history: "HistoryContent") -> str:
    """ "12 queries, 10 recordings (1 MB) and 14 transcripts (8 kB)"."""
    recordings = len(history.recordings)
    return _("{queries}, {recordings} ({recording_bytes}) and {transcripts} ({transcript_bytes})").format(
        queries=ngettext("{number} query", "{number} queries", history.queries).format(
            number=wording.count(history.queries)),
        recordings=ngettext("{number} recording", "{number} recordings", recordings).format(
            number=wording.count(recordings)),
        recording_bytes=wording.size(history.recording_bytes),
        transcripts=ngettext("{number} transcript", "{number} transcripts", history.transcripts).format(
            number=wording.count(history.transcripts)),
        transcript_bytes=wording.size(history.transcript_bytes))
