"""Rows of the group Privacy: space of the history and the caches, and buttons to clear them."""

from typing import TYPE_CHECKING

from PySide6.QtWidgets import QWidget

from brewclip_app import wording
from brewclip_app.panels.settings.controller import StorageController, StorageState
from brewclip_app.widgets.common import button, column, label, row
from brewclip_app.widgets.dialogs import confirm

if TYPE_CHECKING:
    from brewclip_app.context import Context
    from core.store.records import HistoryContent

KEYWORDS = "privacy history recordings transcripts caches space clear delete"


class PrivacyRows(QWidget):
    """Shows the controller's state, and asks before anything is deleted."""

    def __init__(self, context: "Context") -> None:
        super().__init__()
        self.controller = StorageController(context, self)
        self.history, self.caches = label("", wrap=True), label("", wrap=True)
        self.clear_history = button("Clear history…", self._ask_history, "danger")
        self.clear_caches = button("Clear caches…", self._ask_caches, "danger")
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
            self.history.setText(state.problem or "Measuring the history…")
            self.caches.setText("" if state.problem else "Measuring the caches…")
        else:
            self.history.setText(f"History: {contents(usage.history) if usage.history else 'empty'}")
            self.caches.setText(f"Caches: {wording.size(sum(usage.caches.values()))}")
        ready = usage is not None and not state.clearing
        self.clear_history.setEnabled(ready and usage is not None and bool(usage.history))
        self.clear_caches.setEnabled(ready and usage is not None and any(usage.caches.values()))

    def _ask_history(self) -> None:
        usage = self.controller.state.usage
        if usage is not None:
            confirm(self, "Clear the history?", f"This deletes {contents(usage.history)}. Annotations and galleries "
                    "stay. This cannot be undone.", "Clear history", self.controller.clear_history)

    def _ask_caches(self) -> None:
        usage = self.controller.state.usage
        if usage is not None:
            size = wording.size(sum(usage.caches.values()))
            confirm(self, "Clear the caches?", f"This deletes thumbnails, search indexes and features of datasets: "
                    f"{size}. They are computed again when needed, which takes time. Caches in use stay.",
                    "Clear caches", self.controller.clear_caches)


def contents(history: "HistoryContent") -> str:
    """ "12 queries, 10 recordings (1 MB) and 14 transcripts (8 kB)"."""
    def counted(number: int, singular: str, plural: str) -> str:
        return f"{wording.count(number)} {singular if number == 1 else plural}"

    return (f"{counted(history.queries, 'query', 'queries')}, "
            f"{counted(len(history.recordings), 'recording', 'recordings')} ({wording.size(history.recording_bytes)}) "
            f"and {counted(history.transcripts, 'transcript', 'transcripts')} "
            f"({wording.size(history.transcript_bytes)})")
