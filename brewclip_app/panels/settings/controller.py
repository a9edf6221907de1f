"""Controller of the rows under Privacy: measures the space of history and caches, and clears them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from brewclip_app import tasks
from brewclip_app.controller import Controller
from brewclip_app.localisation import _, localised
from core.progress import JobCancelled, Report

if TYPE_CHECKING:
    from brewclip_app.context import Context
    from core.upkeep import Usage


@dataclass(frozen=True, eq=False)
class StorageState:
    """Space that is used; `usage` is None while it is measured, and where that failed for `problem`."""

    usage: "Usage | None" = None
    problem: str = ""
    clearing: bool = False


class StorageController(Controller[StorageState]):
    """Measures again after each clearing."""

    def __init__(self, context: "Context", parent: QObject | None = None) -> None:
        super().__init__(StorageState(), parent)
        self._context = context

    def refresh(self) -> None:
        """Measure again."""
        tasks.start(self._measure())

    def clear_history(self) -> None:
        """Delete all queries with their recordings, and all transcripts."""
        def work(report: Report) -> object:
            from core import upkeep
            return upkeep.clear_history(self._context.home, self._context.explorer.store)

        tasks.start(self._clear(_("Clearing the history"), work))

    def clear_caches(self) -> None:
        """Delete everything that can be computed again."""
        def work(report: Report) -> object:
            from core import caches
            return caches.clear(self._context.home.caches, report)

        tasks.start(self._clear(_("Clearing the caches"), work))

    async def _measure(self) -> None:
        def work(report: Report) -> "Usage":
            from core import upkeep
            return upkeep.usage(self._context.home, self._context.explorer.store, report)

        try:
            usage = await self._context.jobs.run(_("Measuring used space"), work, key="privacy-usage", quiet=True)
        except JobCancelled:
            raise
        except Exception as error:
            self._set(usage=None, problem=localised(error), clearing=False)
        else:
            self._set(usage=usage, problem="", clearing=False)

    async def _clear(self, name: str, work: Callable[[Report], object]) -> None:
        self._set(clearing=True)
        try:
            await self._context.jobs.run(name, work)
        except JobCancelled:
            if self._context.jobs.is_closing:
                raise
        except Exception as error:
            self._context.failed.emit(error, _("What was not deleted yet is still there."))
        await self._measure()
