"""History of queries: read, opened again, played, deleted."""

from typing import TYPE_CHECKING

from brewclip_app.panels.search.controller import SearchController
from brewclip_app.panels.search.search_job import MOST_QUERIES, recording_of, restored
from core.progress import JobCancelled

if TYPE_CHECKING:
    from brewclip_app.context import Context
    from core.store.records import QueryRecord


class QueryHistory:
    """Coroutines over the history in the store."""

    def __init__(self, context: "Context", controller: SearchController) -> None:
        self._context, self._controller = context, controller

    async def records(self) -> "list[QueryRecord]":
        """Queries, newest first."""
        return await self._context.jobs.run(
            "Reading the history", lambda report: list(self._context.explorer.store.queries(MOST_QUERIES)),
            key="history", quiet=True)

    async def open(self, record: "QueryRecord") -> None:
        """Search again with a query, in its gallery."""
        try:
            query = await self._context.jobs.run("Reading the query",
                                                 lambda report: restored(self._context.explorer, record),
                                                 key="history-query", quiet=True)
        except JobCancelled:
            return
        except Exception:
            self._controller.show_message("This query was kept by another release and cannot be opened.", "care")
            return
        status = self._controller.state.gallery
        if status is not None and record.gallery in status.names:
            self._context.set_gallery(record.gallery)
        self._controller.open(query)

    async def play(self, record: "QueryRecord") -> None:
        """Play the recording of a query."""
        waveform = await self._context.jobs.run("Reading the recording", lambda report: recording_of(record),
                                                key="history-voice", quiet=True)
        if waveform is None:
            self._controller.show_message("The recording of this query is gone.", "care")
        else:
            self._controller.play(waveform)

    async def delete(self, record: "QueryRecord") -> None:
        """Delete a query with its recording."""
        await self._context.jobs.run("Deleting a query",
                                     lambda report: self._context.explorer.store.delete_query(record.id), quiet=True)

    async def clear(self) -> None:
        """Delete all queries with their recordings."""
        await self._context.jobs.run("Deleting all queries",
                                     lambda report: self._context.explorer.store.clear_queries(), quiet=True)
