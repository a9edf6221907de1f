"""Watched folders: new, changed and removed pictures of the galleries on this computer."""

import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout
from PySide6.QtCore import QTimer, Signal

from brewclip_app import wording
from brewclip_app.controller import Controller
from brewclip_app.localisation import _, ngettext
from core.errors import BrewclipError, StoreError
from core.priority import background
from core.private_files import FILE
from core.progress import Report

if TYPE_CHECKING:
    from brewclip_app.base_context import BaseContext
    from brewclip_app.services.indexing import Indexing
    from core.explorer import Explorer
    from core.indexing.changes import FolderChanges
    from core.indexing.watch import FolderWatcher

QUIET_S = 2.0  # without an event before folders are compared: a copy of many files is one change
OTHERS_MS = 15_000  # interval of asking whether another window has added what is pending here
SETTINGS = ("watch.mode", "watch.minutes", "images.exclude")


@dataclass(frozen=True, eq=False)
class WatchingState:
    """Pending changes by the names of galleries, and folders that cannot be watched with the reason."""

    changes: "Mapping[str, FolderChanges]" = field(default_factory=dict)
    unwatched: Mapping[Path, str] = field(default_factory=dict)

    def words(self, gallery: str) -> str:
        """ "12 new pictures", "3 pictures are gone", "2 new, 1 changed, 3 gone"; "" when nothing is pending."""
        changes = self.changes.get(gallery)
        if not changes:
            return ""
        counts = [(changes.new, "new"), (changes.changed, "changed"), (changes.gone, "gone")]
        parts = [(number, word) for number, word in counts if number]
        if len(parts) > 1:
            return ", ".join(f"{wording.count(number)} {word}" for number, word in parts)
        number, word = parts[0]
        noun = ngettext("picture", "pictures", number)
        if word == "gone":
            return ngettext("{number} {noun} is gone", "{number} {noun} are gone",
                            number).format(number=wording.count(number), noun=noun)
        return f"{wording.count(number)} {word} {noun}"


class Watching(Controller[WatchingState]):
    """Watches while the window is open. On the GUI thread; comparisons are quiet jobs in the background."""

    _event = Signal(object)  # a folder, from the watcher's thread

    def __init__(self, context: "BaseContext", indexing: "Indexing") -> None:
        super().__init__(WatchingState(), context)
        self._context, self._indexing = context, indexing
        self._watcher: FolderWatcher | None = None
        self._folders: dict[str, tuple[Path, ...]] = {}  # by gallery, those on this computer
        self._due: set[str] = set()  # galleries to compare
        self._added: dict[str, str] = {}  # digests of what was added automatically, by gallery: once each
        self._left: set[str] = set()  # galleries whose changes are left to another window
        self._running = self._busy = False
        self._chosen: tuple[object, ...] = ()
        self._lock = FileLock(context.home.window_lock.with_name("watching.lock"), 0, FILE)
        self._later = self._timer(round(QUIET_S * 1000), self._look, once=True)
        self._others = self._timer(OTHERS_MS, self._look_at_others)
        self._every = self._timer(60_000, self._look_at_unwatched)
        self._event.connect(self._follow_event)
        context.settings_changed.connect(lambda _unused: self._use_settings())
        context.galleries_changed.connect(self._arm)
        indexing.changed.connect(lambda _unused: self._later.start() if self._due else None)

    # ---- start and end

    def start(self) -> None:
        """Watch from now on, as the settings say; all folders are compared once."""
        self._running = True
        self._use_settings()

    def close(self) -> None:
        """Stop watching; no thread is left."""
        self._running = False
        for timer in (self._later, self._others, self._every):
            timer.stop()
        if self._watcher is not None:
            self._watcher.close()
            self._watcher = None
        self._lock.release(force=True)

    def add(self, gallery: str) -> None:
        """Index what is pending in a gallery."""
        self._indexing.start(gallery)

    def _timer(self, interval: int, act: object, once: bool = False) -> QTimer:
        timer = QTimer(self, singleShot=once, interval=interval)
        timer.timeout.connect(act)
        return timer

    def _use_settings(self) -> None:
        """Start anew where a setting of watching is another."""
        chosen = tuple(self._context.settings[key] for key in SETTINGS)
        if not self._running or chosen == self._chosen:
            return
        self._chosen = chosen
        self._every.stop()
        if self._watcher is not None:  # which may be busy with many folders
            old, self._watcher = self._watcher, None
            self._context.jobs.submit(_("Watching folders"), lambda report: old.close(), quiet=True)
        self._folders = {}
        self._set(changes={}, unwatched={})
        if self._mode != "off":
            if self._context.settings["watch.minutes"]:
                self._every.start(int(self._context.settings["watch.minutes"]) * 60_000)
            self._arm()

    @property
    def _mode(self) -> str:
        return str(self._context.settings["watch.mode"])

    # ---- the folders

    def _arm(self) -> None:
        """Watch the folders that the galleries have now, and compare those of galleries with other folders."""
        if self._running and self._mode != "off" and not self._context.jobs.is_closing:
            self._start(self._follow_galleries())

    async def _follow_galleries(self) -> None:
        from core.indexing.exclusions import Exclusions
        from core.indexing.watch import FolderWatcher

        if self._watcher is None:
            self._watcher = FolderWatcher(self._event.emit, Exclusions.of(self._context.settings["images.exclude"]))
        watcher = self._watcher
        folders, unwatched = await self._context.jobs.run(
            _("Watching folders"), lambda report: watched_folders(self._context.explorer, watcher), key="watch:folders",
            quiet=True)
        if watcher is not self._watcher:  # closed, or other settings meanwhile
            watcher.close()
            return
        other = {name for name, own in folders.items() if own != self._folders.get(name)}
        self._folders = folders
        self._set(unwatched=unwatched, changes={name: changes for name, changes in self.state.changes.items()
                                                if name in folders})
        self._look_soon(other | {name for name in self.state.changes if self.state.changes[name]})

    def _follow_event(self, folder: Path) -> None:
        if self._running:
            self._look_soon(name for name, own in self._folders.items() if folder in own)

    def _look_soon(self, galleries: Iterable[str]) -> None:
        """Compare these galleries once their folders are quiet."""
        self._due |= set(galleries)
        if self._due and self._running and not self._later.isActive():
            self._later.start()

    def _look_at_unwatched(self) -> None:
        """Compare galleries with folders that cannot be watched, which are tried again."""
        if self.state.unwatched:
            self._look_soon(name for name, own in self._folders.items() if self.state.unwatched.keys() & set(own))
            self._arm()

    def _look_at_others(self) -> None:
        """Compare galleries that another process has changed since, or has left to this one by ending."""
        self._look_soon(self._left)
        pending = {name: changes.revision for name, changes in self.state.changes.items() if changes}
        self._left &= pending.keys()
        if not pending:
            self._others.stop()
            return

        async def ask() -> None:
            self._look_soon(await self._context.jobs.run(
                _("Looking for other windows' work"), lambda report: outdated(self._context.explorer, pending),
                key="watch:others", quiet=True))

        self._start(ask())

    def _look(self) -> None:
        """Compare the galleries that are due, unless their folders are still changing or they are being indexed."""
        if not self._running or self._watcher is None or self._busy:
            return
        if time.monotonic() - self._watcher.last_event < QUIET_S:
            self._later.start()
            return
        ready = [name for name in self._due if name not in self._indexing.state.running and name in self._folders]
        self._due -= {*ready, *(self._due - self._folders.keys())}
        if ready:
            self._busy = True
            self._start(self._compare(ready))

    async def _compare(self, galleries: list[str]) -> None:
        exclude = str(self._context.settings["images.exclude"])
        try:
            compared = await self._context.jobs.run(
                _("Looking for new pictures"),
                lambda report: compare(self._context.explorer, galleries, exclude, report), key="watch", quiet=True)
        finally:
            self._busy = False
        if not self._running or self._mode == "off":
            return
        changes = {name: found for name, (found, _unused) in compared.items()}
        self._set(changes={**self.state.changes, **changes})
        if any(changes.values()) and not self._others.isActive():
            self._others.start()
        for name, (found, current) in compared.items():
            if found and current and self._mode == "auto" and not found.many_gone:
                self._add_automatically(name, found)
        self._look_soon(name for name, found in changes.items() if found.settling)
        if self._due:
            self._later.start()

    def _add_automatically(self, gallery: str, changes: "FolderChanges") -> None:
        """Index the changes if this is the window of the home that does so, and they are others than last time."""
        if self._added.get(gallery) == changes.digest:
            return
        try:
            if not self._lock.is_locked:
                self._lock.acquire()
        except Timeout:
            self._left.add(gallery)
            return
        except (OSError, NotImplementedError):
            pass  # a home without locks
        self._left.discard(gallery)
        self._added[gallery] = changes.digest
        self._indexing.start(gallery, unasked=True)


def watched_folders(explorer: "Explorer", watcher: "FolderWatcher"
                    ) -> tuple[dict[str, tuple[Path, ...]], dict[Path, str]]:
    """Folders on this computer by gallery of the store, now watched; and those that cannot be, with the reason."""
    from core.indexing.changes import local_folders

    folders = {gallery.name: tuple(local_folders(gallery.folders)) for gallery in explorer.store.galleries()}
    folders = {name: own for name, own in folders.items() if own}
    return folders, watcher.watch(folder for own in folders.values() for folder in own)


def compare(explorer: "Explorer", galleries: Iterable[str], exclude: str, report: Report
            ) -> "dict[str, tuple[FolderChanges, bool]]":
    """Pending changes of galleries, and whether they may be indexed unasked: all that is there is indexed under the
    present model, and no run was stopped. A gallery that is gone is left out.
    """
    from core.indexing.changes import pending_changes
    from core.indexing.exclusions import Exclusions

    fingerprint = ""
    with suppress(BrewclipError):  # its weights are missing
        fingerprint = explorer.fingerprint().hash
    compared = {}
    with background():
        for name in galleries:
            with suppress(StoreError):
                gallery = explorer.gallery(name)
                changes = pending_changes(gallery, Exclusions.of(exclude), report)
                state = gallery.state(fingerprint)
                current = bool(fingerprint) and state.indexed == state.images
                compared[name] = changes, current and explorer.unfinished.of(gallery.info) is None
    return compared


def outdated(explorer: "Explorer", revisions: Mapping[str, str]) -> list[str]:
    """Those of the galleries whose revision is another by now."""
    changed = []
    for name, revision in revisions.items():
        with suppress(StoreError):
            if explorer.gallery(name).revision("") != revision:
                changed.append(name)
    return changed
