"""History of queries and saved searches: read, opened again, played, saved, renamed, deleted."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QWidget

from brewclip_app.localisation import _
from brewclip_app.panels.search.controller import SearchController
from brewclip_app.panels.search.query import to_history
from brewclip_app.panels.search.search_job import MOST_QUERIES, read_recordings, restored
from brewclip_app.widgets.name_dialogs import NameDialog
from core.progress import JobCancelled, Report
from core.store.addresses import LONGEST_NAME

if TYPE_CHECKING:
    from brewclip_app.context import Context
    from core.store.records import QueryRecord, SavedSearch


class QueryHistory:
    """Coroutines over the queries in the store, and dialogs that name one."""

    def __init__(self, context: "Context", controller: SearchController, parent: QWidget) -> None:
        self._context, self._controller, self._parent = context, controller, parent

    async def records(self) -> "list[QueryRecord]":
        """Queries, newest first."""
        return await self._context.jobs.run(
            _("Reading the history"), lambda report: list(self._context.explorer.store.queries(MOST_QUERIES)),
            key="history", quiet=True)

    async def saved(self) -> "list[SavedSearch]":
        """Saved searches by name."""
        return await self._context.jobs.run(
            _("Reading saved searches"), lambda report: self._context.explorer.store.saved_searches(),
            key="saved-searches", quiet=True)

    async def open(self, record: "QueryRecord | SavedSearch") -> None:
        """Search again with a query, in its gallery."""
        try:
            query = await self._context.jobs.run(_("Reading the query"),
                                                 lambda report: restored(self._context.explorer, record),
                                                 key="history-query", quiet=True)
        except JobCancelled:
            return
        except Exception:
            self._controller.show_message(_("This query was kept by another release and cannot be opened."), "care")
            return
        status = self._controller.state.gallery
        if status is not None and record.gallery in status.names:
            self._context.set_gallery(record.gallery)
        self._controller.open(query)

    async def play(self, record: "QueryRecord | SavedSearch") -> None:
        """Play the recording of a query."""
        recordings = await self._context.jobs.run(_("Reading the recording"), lambda report: read_recordings(record),
                                                  key="history-voice", quiet=True)
        if not recordings:
            self._controller.show_message(_("The recording of this query is gone."), "care")
        else:
            self._controller.play(next(iter(recordings.values())))

    async def delete(self, record: "QueryRecord | SavedSearch", saved: bool = False) -> None:
        """Delete a query of the history, or a saved one, with its recordings."""
        def work(report: Report) -> None:
            store = self._context.explorer.store
            (store.delete_search if saved else store.delete_query)(record.id)

        await self._context.jobs.run(_("Deleting a query"), work, quiet=True)

    async def clear(self) -> None:
        """Delete all queries with their recordings; saved searches stay."""
        await self._context.jobs.run(_("Deleting all queries"),
                                     lambda report: self._context.explorer.store.clear_queries(), quiet=True)

    def ask_name(self, record: "QueryRecord | SavedSearch | None" = None) -> NameDialog | None:
        """Ask for a name, and save a query of the history, or the present one; None when there is none to save."""
        context, query, gallery = self._context, self._controller.state.query, self._context.gallery
        if record is None and not (query.terms() and all(term.ready for term in query.terms())):
            self._controller.show_message(_("There is no query to save yet: speak, type or show something first."))
            return None

        def save(name: str, asked: NameDialog) -> None:
            def work(report: Report) -> "SavedSearch":
                saved, place = (query, gallery) if record is None else (restored(context.explorer, record),
                                                                        record.gallery)
                return context.explorer.save_search(name, place, saved.terms(), to_history(saved))

            asked.save(context.jobs, _("Saving the search"), work, self._say_saved)

        text = query.text if record is None else record.text
        return self._ask(_("Save this search"), _("Save"), save, text)

    def ask_new_name(self, record: "SavedSearch") -> NameDialog:
        """Ask for another name of a saved search."""
        return self._ask(_("Rename the saved search"), _("Rename"), lambda name, asked: asked.save(
            self._context.jobs, _("Renaming the search"),
            lambda report: self._context.explorer.store.rename_search(record.id, name), lambda _unused: None),
                         record.name)

    def _ask(self, title: str, action: str, on_name: Callable[[str, NameDialog], object], text: str) -> NameDialog:
        dialog = NameDialog(self._parent, title, action, on_name, text[:LONGEST_NAME], holder="search")
        dialog.open()
        return dialog

    def _say_saved(self, saved: "SavedSearch") -> None:
        self._controller.show_message(_("Saved as {name}. Saved searches are beside the history.").format(
            name=saved.name))
