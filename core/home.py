"""The program's folders: one, `BREWCLIP_HOME`, or the platform's for data, settings, caches and state (XDG)."""

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from core import private_files
from core.errors import SettingsError
from core.localisation import _

# Beginnings of the names in a home: `Home`'s own, and those of the window, the log and the probes.
OWN = ("store.sqlite", "weights", "caches", "recordings", "takes", "runs", "demo", "addresses.json", "unfinished.json",
       "settings.json", "settings.damaged", "probes", "window", "brewclip-app", "exports", "opening",
       "replaced-", "restore-")


# Names in the data folder of a release that had no other.
ELSEWHERE = {"config": ("settings.json",), "cache": ("caches",), "state": ("window.ini", "brewclip-app.log")}


@dataclass(frozen=True)
class Home:
    """The program's folders and the paths in them. Nothing is created until something is written.

    `root` holds the user's data, and settings, caches and state too where those have no folder of their own.
    """

    root: Path
    config: Path | None = None
    cache: Path | None = None
    state: Path | None = None

    def protect(self) -> None:
        """Make the folders readable by their owner alone: they hold voices. One that cannot be changed is no error."""
        for folder in dict.fromkeys((self.root, self.settings.parent, self.caches, self.log.parent)):
            if folder == self.root or not folder.is_relative_to(self.root):
                with suppress(OSError):
                    private_files.make_folder(folder)
                private_files.tighten(folder, is_own if folder == self.root else lambda name: True)

    @property
    def environment(self) -> dict[str, str]:
        """Variables that give a child process the same home."""
        return {} if self.config else {"BREWCLIP_HOME": str(self.root)}

    @property
    def places(self) -> dict[str, Path]:
        """What lies where, for people: one entry where all is in one folder."""
        if not self.config:
            return {_("Data folder"): self.root}
        return {_("Data folder"): self.root, _("Settings"): self.settings.parent, _("Caches"): self.caches,
                _("Log and window state"): self.log.parent}

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
        return self.cache or self.root / "caches"

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
    def log(self) -> Path:
        """Warnings and errors of the window."""
        return (self.state or self.root) / "brewclip-app.log"

    @property
    def window_state(self) -> Path:
        """The window's own state, INI."""
        return (self.state or self.root) / "window.ini"

    @property
    def window_lock(self) -> Path:
        """Lock that an open window holds."""
        return (self.state or self.root) / "window.lock"

    @property
    def opening(self) -> Path:
        """Requests to an open window to open files, JSON."""
        return (self.state or self.root) / "opening"

    @property
    def settings(self) -> Path:
        """The settings, JSON."""
        return (self.config or self.root) / "settings.json"


def is_own(name: str) -> bool:
    """Whether a name in a home is one of the program's."""
    return name.startswith(OWN) or name.endswith((".new", ".partial", ".lock"))


def find_home() -> Home:
    """The home of this process: `BREWCLIP_HOME` when set and not empty, else the platform's folders.

    A home of a release that kept everything in the data folder stays as it is.
    SettingsError ("home") when that is in the home of a user that does not exist.
    """
    chosen = os.environ.get("BREWCLIP_HOME", "").strip()
    if not chosen:
        return _users_home()
    try:
        return Home(Path(chosen).expanduser().absolute())
    except RuntimeError as error:
        raise SettingsError(_("BREWCLIP_HOME is {chosen}, but there is no such user. Set it to a folder's whole path, "
                              "or leave it out for the usual one.").format(chosen=chosen), "home") from error


def _users_home() -> Home:
    folders = platformdirs.PlatformDirs("brewclip", appauthor=False)
    root = folders.user_data_path.absolute()
    own = {"config": folders.user_config_path.absolute(), "cache": folders.user_cache_path.absolute(),
           "state": folders.user_state_path.absolute()}
    earlier = any((root / name).exists() for kind, names in ELSEWHERE.items() if own[kind] != root for name in names)
    return Home(root) if earlier else Home(root, **own)


def expanded(path: Path) -> Path:
    """The path with "~" expanded; unchanged if there is no such user, as in shells."""
    try:
        return path.expanduser()
    except RuntimeError:
        return path
