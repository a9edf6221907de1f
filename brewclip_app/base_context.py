"""State shared by panels and services: the explorer, the jobs, the settings, the current gallery."""

import logging
import threading
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal

from brewclip_app.jobs import JobRunner
from brewclip_app.localisation import _
from brewclip_app.state import WindowState
from core import settings as core_settings
from core.errors import SettingsError
from core.home import Home
from core.priority import background
from core.progress import Report
from core.settings import Settings, Value

if TYPE_CHECKING:
    from core.explorer import Explorer

SAVE_AFTER_MS = 400
log = logging.getLogger(__name__)


class BaseContext(QObject):
    """State shared by panels and services, on the GUI thread. `explorer` is for jobs: its first use imports much."""

    settings_changed = Signal(object)   # Settings
    galleries_changed = Signal()        # one was made, renamed, deleted, or its pictures changed
    gallery_changed = Signal(str)       # another gallery is the current one; "" when there is none
    failed = Signal(object, str)        # an exception for the window's banner, and what is safe or to do

    def __init__(self, home: Home, explorer: "Explorer | None" = None, jobs: JobRunner | None = None) -> None:
        super().__init__()
        self.home = home
        self.jobs = jobs or JobRunner(self)
        self.settings: Settings = core_settings.load(home.settings)
        self.state = WindowState(home)
        self._gallery = ""
        self._explorer = explorer
        self._lock = threading.Lock()
        self._save_later = QTimer(self, singleShot=True, interval=SAVE_AFTER_MS)
        self._save_later.timeout.connect(self.save_settings)

    @property
    def explorer(self) -> "Explorer":
        """Facade over the core, created at first use. For jobs only."""
        with self._lock:
            if self._explorer is None:
                from core.explorer import Explorer
                self._explorer = Explorer(self.home, self.settings)
            return self._explorer

    @property
    def gallery(self) -> str:
        """Name of the current gallery, "" when there is none."""
        return self._gallery

    def set_gallery(self, name: str) -> None:
        """Make another gallery the current one, in every panel."""
        if name != self._gallery:
            self._gallery = name
            self.gallery_changed.emit(name)

    def change(self, key: str, value: Value) -> None:
        """Change a setting, applied at once and saved a moment later. SettingsError if the value is invalid."""
        changed = self.settings.with_value(key, value)
        if changed == self.settings:
            return
        self.settings = changed
        self._save_later.start()
        self.jobs.submit(_("Using the new settings"), self._use_settings, key="use-settings", quiet=True)
        self.settings_changed.emit(changed)

    def save_settings(self) -> None:
        """Write the settings now; a failure is shown, the old file stays."""
        self._save_later.stop()
        try:
            self.settings = core_settings.save(self.settings, self.home.settings)
        except SettingsError as error:
            self.failed.emit(error, "")

    def tidy_up(self) -> None:
        """Start a job that trims history and caches and deletes leftovers of killed processes."""
        def work(report: Report) -> None:
            from core import upkeep
            with background():
                upkeep.tidy(self.home, self.explorer.store, self.settings, report)

        self.jobs.submit(_("Tidying up"), work, key="tidy-up", quiet=True,
                         on_failed=lambda error: log.warning("the home could not be tidied up: %s", error))

    def close(self) -> None:
        """Save pending settings and close the explorer; no job may run any more."""
        if self._save_later.isActive():
            self.save_settings()
        if self._explorer is not None:
            self._explorer.close()

    def _use_settings(self, report: Report) -> None:
        """Give the settings to the explorer, in a job: that may unload models, which takes a moment."""
        with self._lock:
            explorer = self._explorer
        if explorer is not None:
            explorer.use_settings(self.settings)
