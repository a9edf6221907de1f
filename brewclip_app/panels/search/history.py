"""The history of queries as the Search panel uses it: listed, asked again, played, forgotten."""

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QPoint, Signal
from PySide6.QtWidgets import QWidget

from brewclip_app.panels.search.history_menu import HistoryMenu
from brewclip_app.panels.search.query import Query, from_history
from core.errors import AudioError
from core.progress import Report

if TYPE_CHECKING:
    from brewclip_app.context import Context
    from core.audio import Waveform
    from core.store.records import QueryRecord

MOST = 1000


class PastQueries(QObject):
    """Reads and writes the history in jobs; the popup only shows it."""

    chosen = Signal(str, object)  # gallery, Query
    play = Signal(object)  # Waveform
    said = Signal(str)

    def __init__(self, context: "Context", owner: QWidget) -> None:
        super().__init__(owner)
        self._context = context
        self.menu = HistoryMenu(owner)
        self.menu.chosen.connect(self._ask_again)
        self.menu.play_wanted.connect(self._play)
        self.menu.forgotten.connect(self._forget)
        self.menu.cleared.connect(self._clear)

    def open_under(self, button: QWidget) -> None:
        """Read the history and open the popup under a button."""
        corner = button.mapToGlobal(QPoint(button.width(), button.height() + 4))
        self._read(partial(self.menu.open_at, corner))

    def find_voice(self, terms: str, gallery: str, then: "Callable[[Waveform | None], object]") -> None:
        """Read the recording of a query that was asked before; None when none was kept or it is gone."""
        def read(report: Report) -> "Waveform | None":
            records = self._context.explorer.store.queries(MOST)
            return next((_voice(each) for each in records if (each.terms, each.gallery) == (terms, gallery)), None)

        self._context.jobs.submit("Reading the recording", read, key="restored-voice", quiet=True, on_done=then,
                                  on_failed=lambda error: then(None))

    def _read(self, then: object = None) -> None:
        def read(report: Report) -> "list[QueryRecord]":
            return list(self._context.explorer.store.queries(MOST))

        def show(records: "list[QueryRecord]") -> None:
            self.menu.show_records(records, datetime.now().astimezone())
            if callable(then):
                then()

        self._context.jobs.submit("Reading the history", read, key="history", on_done=show, quiet=True)

    def _ask_again(self, record: "QueryRecord") -> None:
        def read(report: Report) -> Query:
            return from_history(record.terms, _voice(record))

        self._context.jobs.submit("Reading the query", read, key="history-query", quiet=True,
                                  on_done=lambda query: self.chosen.emit(record.gallery, query),
                                  on_failed=lambda error: self.said.emit("This query was kept by another release and "
                                                                         "cannot be asked again."))

    def _play(self, record: "QueryRecord") -> None:
        def tell(waveform: "Waveform | None") -> None:
            if waveform is None:
                self.said.emit("The recording of this query is gone.")
            else:
                self.play.emit(waveform)

        self._context.jobs.submit("Reading the recording", lambda report: _voice(record), key="history-voice",
                                  quiet=True, on_done=tell)

    def _forget(self, record: "QueryRecord") -> None:
        self._context.jobs.submit("Forgetting a query",
                                  lambda report: self._context.explorer.store.delete_query(record.id), quiet=True,
                                  on_done=lambda _: self._read())

    def _clear(self) -> None:
        self._context.jobs.submit("Forgetting all queries",
                                  lambda report: self._context.explorer.store.clear_queries(), quiet=True,
                                  on_done=lambda _: self._read())


def _voice(record: "QueryRecord") -> "Waveform | None":
    """The recording of a query; None when none was kept or it is gone."""
    from core import audio

    if record.recording is None:
        return None
    try:
        return audio.read(record.recording)
    except AudioError:
        return None
