"""Base class of controllers, of screens and of services: a frozen state and coroutines that replace it."""

from collections.abc import Coroutine
from dataclasses import replace
from typing import Any, Generic, TypeVar

import shiboken6
from PySide6.QtCore import QObject, Signal

from brewclip_app import tasks
from core.progress import JobCancelled

S = TypeVar("S")


class Controller(QObject, Generic[S]):
    """Holds a frozen state and knows no widget. Views render `state` when `changed` is emitted."""

    changed = Signal(object)  # the new state
    failed = Signal(object, str)  # an exception, and what is safe or to do

    def __init__(self, state: S, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.state = state

    def _set(self, **changes: Any) -> None:
        """Replace fields of the state."""
        self.state = replace(self.state, **changes)  # type: ignore[type-var]  # a frozen dataclass
        if shiboken6.isValid(self):  # the window may have closed while a coroutine waited for its job
            self.changed.emit(self.state)

    def _start(self, coroutine: Coroutine[Any, Any, object], safe: str = "") -> None:
        """Start a coroutine; an error that it does not handle is emitted as `failed`."""
        async def run() -> None:
            try:
                await coroutine
            except JobCancelled:
                raise
            except Exception as error:
                if shiboken6.isValid(self):
                    self.failed.emit(error, safe)

        tasks.start(run())
