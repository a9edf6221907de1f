"""The program's data folder: `BREWCLIP_HOME`, or the user's data folder."""

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from core import private_files
from core.errors import SettingsError

# Beginnings of the names in a home: `Home`'s own, and those of the window, the log and the probes.
OWN = ("store.sqlite", "weights", "caches", "recordings", "takes", "runs", "demo", "addresses.json", "unfinished.json",
       "settings.json", "settings.damaged", "probes", "window", "brewclip-app", "exports", "opening")


@dataclass(frozen=True)
class Home:
    """The data folder and the paths in it. Nothing is created until something is written."""

    root: Path

    def protect(self) -> None:
        """Make the folder readable by its owner alone: it holds voices. A home that cannot be changed is no error."""
        with suppress(OSError):
            private_files.make_folder(self.root)
        private_files.tighten(self.root, is_own)

    @property
    def store(self) -> Path:
        """The SQLite file with galleries, embeddings, transcripts, queries and tags."""
        return self.root / "store.sqlite"

    @property
    def weights(self) -> Path:
        """Fetched pretrained weights."""
        return self.root / "weights"

    @property
    def caches(self) -> Path:
        """Caches such as vector matrices and thumbnails. Safe to delete."""
        return self.root / "caches"

    @property
    def recordings(self) -> Path:
        """Recordings of spoken queries in the history (FLAC, named by content)."""
        return self.root / "recordings"

    @property
    def takes(self) -> Path:
        """Recorded descriptions of pictures (FLAC, named by content)."""
        return self.root / "takes"

    @property
    def runs(self) -> Path:
        """Training runs that the window started, one folder each."""
        return self.root / "runs"

    @property
    def demo(self) -> Path:
        """The demo gallery's pictures, written out where a file manager can show them."""
        return self.root / "demo"

    @property
    def addresses(self) -> Path:
        """The addresses of galleries that the window lists, JSON."""
        return self.root / "addresses.json"

    @property
    def unfinished(self) -> Path:
        """The indexing runs that have not ended, JSON."""
        return self.root / "unfinished.json"

    @property
    def opening(self) -> Path:
        """Requests to an open window to open files, JSON."""
        return self.root / "opening"

    @property
    def settings(self) -> Path:
        """The settings, JSON."""
        return self.root / "settings.json"


def is_own(name: str) -> bool:
    """Whether a name in a home is one of the program's."""
    return name.startswith(OWN) or name.endswith((".new", ".partial", ".lock"))


def find_home() -> Home:
    """The home of this process: `BREWCLIP_HOME` when set and not empty, else the platform's user data folder.

    SettingsError ("home") when that is in the home of a user that does not exist.
    """
    chosen = os.environ.get("BREWCLIP_HOME", "").strip()
    if not chosen:
        return Home(platformdirs.user_data_path("brewclip", appauthor=False).absolute())
    try:
        return Home(Path(chosen).expanduser().absolute())
    except RuntimeError as error:
        raise SettingsError(f"BREWCLIP_HOME is {chosen}, but there is no such user. Set it to a folder's whole path, "
                            "or leave it out for the usual one.", "home") from error


def expanded(path: Path) -> Path:
    """The path with "~" expanded; unchanged if there is no such user, as in shells."""
    try:
        return path.expanduser()
    except RuntimeError:
        return path
