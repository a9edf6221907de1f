"""The space that the history and the caches take, and clearing them: rows of the settings' group Privacy."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QWidget

from brewclip_app import wording
from brewclip_app.widgets.common import button, column, label, row
from brewclip_app.widgets.dialogs import confirm
from core.progress import Report

if TYPE_CHECKING:
    from brewclip_app.context import Context
    from core.caches import Freed
    from core.store.records import HistoryContent
    from core.upkeep import Usage

STAYS = "Annotations and galleries stay. This cannot be undone."
MADE_AGAIN = "They are made again when they are needed, which takes time. What is in use now stays."


class PrivacyRows(QWidget):
    """Measures in a job whenever the panel is shown, and after each clearing."""

    def __init__(self, context: "Context") -> None:
        super().__init__()
        self._context = context
        self._usage: Usage | None = None
        self.history, self.caches = label("", wrap=True), label("", wrap=True)
        self.clear_history = button("Clear history…", self._ask_history, "danger")
        self.clear_caches = button("Clear caches…", self._ask_caches, "danger")
        lines = []
        for words, clear in ((self.history, self.clear_history), (self.caches, self.clear_caches)):
            line = row(words, clear, space=12)
            line.setStretch(0, 1)
            lines.append(line)
        box = column(*lines, space=8)
        box.setContentsMargins(0, 0, 0, 0)
        self.setLayout(box)
        self._show(None)

    def refresh(self) -> None:
        """Measure again."""
        def work(report: Report) -> "Usage":
            from core import upkeep
            return upkeep.usage(self._context.home, self._context.explorer.store, report)

        self._context.jobs.submit("Measuring what is kept", work, key="privacy-usage", quiet=True, on_done=self._show,
                                  on_failed=lambda error: self._fail(str(error)))

    def matches(self, words: str) -> bool:
        """Whether a search among the settings is about these rows."""
        return all(word in "privacy history recordings transcripts caches space clear delete" for word in words.split())

    def _show(self, usage: "Usage | None") -> None:
        self._usage = usage
        if usage is None:
            self.history.setText("Measuring what the history takes…")
            self.caches.setText("Measuring what the caches take…")
        else:
            self.history.setText(f"History: {contents(usage.history)}")
            self.caches.setText(f"Caches: {wording.size(sum(usage.caches.values()))}")
        self.clear_history.setEnabled(usage is not None and bool(usage.history))
        self.clear_caches.setEnabled(usage is not None and any(usage.caches.values()))

    def _fail(self, reason: str) -> None:
        self._show(None)
        self.history.setText(reason)
        self.caches.setText("")

    def _ask_history(self) -> None:
        if self._usage is not None:
            confirm(self, "Clear the history?", f"Deleted are {contents(self._usage.history)}. {STAYS}",
                    "Clear history", self._clear_history)

    def _clear_history(self) -> None:
        def work(report: Report) -> "HistoryContent":
            from core import upkeep
            return upkeep.clear_history(self._context.home, self._context.explorer.store)

        self._submit("Clearing the history", work)

    def _ask_caches(self) -> None:
        if self._usage is not None:
            size = wording.size(sum(self._usage.caches.values()))
            words = f"Deleted are thumbnails, vectors for searching and features of datasets: {size}. {MADE_AGAIN}"
            confirm(self, "Clear the caches?", words, "Clear caches", self._clear_caches)

    def _clear_caches(self) -> None:
        def work(report: Report) -> "Freed":
            from core import caches
            return caches.clear(self._context.home.caches, report)

        self._submit("Clearing the caches", work)

    def _submit(self, name: str, work: Callable[[Report], object]) -> None:
        for each in (self.clear_history, self.clear_caches):
            each.setEnabled(False)
        self._context.jobs.submit(name, work, on_done=lambda _: self.refresh(), on_cancelled=self.refresh,
                                  on_failed=self._tell)

    def _tell(self, error: BaseException) -> None:
        self._context.failed.emit(error, "What was not deleted yet is still there.")
        self.refresh()


def contents(history: "HistoryContent") -> str:
    """ "12 queries, 10 recordings (1 MB) and 14 transcripts (8 kB)"."""
    return (f"{_number(history.queries, 'query', 'queries')}, "
            f"{_number(len(history.recordings), 'recording', 'recordings')} ({wording.size(history.recording_bytes)}) "
            f"and {_number(history.transcripts, 'transcript', 'transcripts')} "
            f"({wording.size(history.transcript_bytes)})")


def _number(number: int, one: str, many: str) -> str:
    return f"{wording.count(number)} {one if number == 1 else many}"
