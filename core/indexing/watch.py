"""Watching of folder trees through the system: inotify, FSEvents, ReadDirectoryChangesW (watchdog).

An event only says that something has changed; `core.indexing.changes` finds out what. A folder that the system cannot
watch is named with the reason, and has to be looked at from time to time: network drives report no changes of other
computers, and Linux watches a limited number of folders (`fs.inotify.max_user_watches`).
"""

import errno
import os
import sys
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

from core.images import IMAGE_SUFFIXES
from core.indexing.exclusions import Exclusions

if TYPE_CHECKING:
    from watchdog.events import FileSystemEvent
    from watchdog.observers.api import BaseObserver

NETWORK = frozenset(("9p", "afs", "ceph", "cifs", "coda", "drvfs", "fuse.rclone", "fuse.sshfs", "fuse.gvfsd-fuse",
                     "fuse.s3fs", "glusterfs", "ncpfs", "nfs", "nfs4", "smb3", "smbfs", "vboxsf", "virtiofs", "vmhgfs"))
FULL = {errno.ENOSPC: "the system's limit of watched folders is reached (fs.inotify.max_user_watches)",
        errno.EMFILE: "the system's limit of watchers is reached (fs.inotify.max_user_instances)"}
REMOVABLE_OR_NETWORK = (2, 4)  # what Windows calls a drive: a watched one could not be ejected


class FolderWatcher:
    """Watches folders at any depth. `changed` is called from another thread when a picture or a folder below one of
    them may have changed; hidden and excluded ones are passed over.
    """

    def __init__(self, changed: Callable[[Path], object], exclude: Exclusions = Exclusions()) -> None:
        self._changed, self._exclude = changed, exclude
        self._lock = threading.Lock()
        self._observers: dict[Path, BaseObserver] = {}
        self.last_event = 0.0  # of time.monotonic

    def watch(self, folders: Iterable[Path]) -> dict[Path, str]:
        """Watch exactly these folders from now on; returns those that cannot be, each with the reason.

        May take long for many folders. One whose watch has ended since, as on a drive that went away, is tried again.
        """
        wanted = set(folders)
        with self._lock:
            for folder in list(self._observers):
                if folder not in wanted or not self._works(folder):
                    _stop(self._observers.pop(folder))
            refused = {}
            for folder in sorted(wanted - self._observers.keys()):
                reason = _unwatchable(folder) or self._observe(folder)
                if reason:
                    refused[folder] = reason
            return refused

    def close(self) -> None:
        """Stop watching and wait for the threads to end."""
        self.watch(())

    def _works(self, folder: Path) -> bool:
        return folder.is_dir() and all(emitter.is_alive() for emitter in self._observers[folder].emitters)

    def _observe(self, folder: Path) -> str:
        """Watch a folder; the reason where that fails."""
        from watchdog import events
        from watchdog.observers import Observer

        class Handler(events.FileSystemEventHandler):
            def on_any_event(_, event: "FileSystemEvent") -> None:  # noqa: N805  (self is the watcher)
                if self._concerns(folder, event):
                    self.last_event = time.monotonic()
                    self._changed(folder)

        observer = Observer()
        kinds: list[type[Any]] = [  # not that a file was opened: indexing itself does that
            events.FileCreatedEvent, events.FileModifiedEvent, events.FileMovedEvent, events.FileDeletedEvent,
            events.FileClosedEvent, events.DirCreatedEvent, events.DirMovedEvent, events.DirDeletedEvent]
        try:
            observer.schedule(Handler(), str(folder), recursive=True, event_filter=kinds)
            observer.start()
        except OSError as error:
            _stop(observer)
            return FULL.get(error.errno or 0) or error.strerror or str(error)
        self._observers[folder] = observer
        return ""

    def _concerns(self, folder: Path, event: "FileSystemEvent") -> bool:
        paths = [PurePath(os.fsdecode(path)) for path in (event.src_path, event.dest_path) if path]
        return any(self._is_ours(folder, path, event.is_directory) for path in paths)

    def _is_ours(self, folder: Path, path: PurePath, is_folder: bool) -> bool:
        if not is_folder and path.suffix.lower() not in IMAGE_SUFFIXES:
            return False
        if path == folder or not path.is_relative_to(folder):
            return path == folder
        inside = path.relative_to(folder)
        hidden = any(part.startswith(".") for part in inside.parts)
        return not hidden and not self._exclude.match_any(inside.as_posix())


def _stop(observer: "BaseObserver") -> None:
    with suppress(OSError):
        observer.stop()
    if observer.is_alive():
        observer.join()


def _unwatchable(folder: Path) -> str:
    """Why a folder cannot be watched; "" when it can."""
    if not folder.is_dir():
        return "it cannot be reached"
    if sys.platform == "win32":
        import ctypes

        drive = folder.drive + "\\"
        network = drive.startswith("\\\\") or ctypes.windll.kernel32.GetDriveTypeW(drive) in REMOVABLE_OR_NETWORK
        return "it is on a network or a removable drive" if network else ""
    return "it is on a network drive" if file_system_of(folder) in NETWORK else ""


def file_system_of(folder: Path, mounts: Path = Path("/proc/self/mountinfo")) -> str:
    """Type of the file system that a folder is on, such as "ext4"; "" where Linux does not tell."""
    best, kind = -1, ""
    with suppress(OSError):
        place = os.path.realpath(folder)
        for line in mounts.read_text(errors="surrogateescape").splitlines():
            before, _, after = line.partition(" - ")
            point = before.split(" ")[4].encode("latin-1", "backslashreplace").decode("unicode_escape")
            if len(point) >= best and (place == point or place.startswith(point.rstrip("/") + "/")):
                best, kind = len(point), after.split(" ")[0]
    return kind
