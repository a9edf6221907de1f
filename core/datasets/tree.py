"""A dataset's folder as a cage: names from its lists find files inside it, and never outside."""

import os
import re
import unicodedata
from collections.abc import Iterator, Sequence
from pathlib import Path

from core.errors import DatasetError
from core.localisation import _

JUNK = ("._", ".DS_Store", "__MACOSX", "Thumbs.db")  # what macOS and Windows leave in archives


class LeavesFolder(Exception):  # noqa: N818  (a finding that becomes a listed problem)
    """A name that leads out of the dataset's folder."""


class LinkLeavesFolder(LeavesFolder):
    """A symbolic link that leads out of the dataset's folder, and may not be followed."""


class Tree:
    """Finds files below `root`; each folder is listed once, so that a hundred thousand look-ups stay cheap.

    `follow_links`: symbolic links may lead out of the folder. Absolute names and ".." still may not. `refused` has the
    links to folders that were not listed because they lead out.
    """

    def __init__(self, root: Path, follow_links: bool = False) -> None:
        self.root, self.follow_links = root, follow_links
        self.refused: dict[str, None] = {}
        self._folded: dict[str, dict[str, str]] = {}
        self._real = str(root.resolve())
        self._listings: dict[str, frozenset[str]] = {}
        self._special: set[str] = set()  # links, folders, pipes: looked at before they are believed

    def find(self, name: str, folders: Sequence[str] = ("",)) -> Path | None:
        """The file called `name` below the first of `folders` that has it (all relative to the root); None if none has.

        LeavesFolder when the name is absolute, climbs out, or a link leads out. Backslashes separate folders too.
        """
        for parts in self._places(name, folders):
            if self._is_inside("/".join(parts[:-1]), parts[-1]):
                return self.root.joinpath(*parts)
        return None

    def find_alike(self, name: str, folders: Sequence[str] = ("",)) -> Path | None:
        """As `find`, for a file whose name differs in upper and lower case (.JPG for .jpg), or that lies one folder
        deeper, in a folder of the same name (val2017/val2017/); None when no file, or more than one, could be meant.
        """
        for parts in self._places(name, folders):
            doubled = [[*parts[:at], parts[at - 1], *parts[at:]] for at in range(1, len(parts))]
            for variant in (parts, *doubled):
                spelled = self._spelled(variant)
                if spelled and self._is_inside("/".join(spelled[:-1]), spelled[-1]):
                    return self.root.joinpath(*spelled)
        return None

    def folder(self, names: Sequence[str]) -> str:
        """The first of these folders that is there, or ""."""
        return next((name for name in names if name and self.root.joinpath(name).is_dir()), "")

    def names(self, folder: str = "") -> list[str]:
        """Entries of a folder, sorted; none when it is missing or lies outside."""
        try:
            return sorted(name for name in self._listing(folder) if not name.startswith(JUNK))
        except LeavesFolder:
            self.refused[folder] = None
            return []

    def walk(self, folder: str, suffixes: frozenset[str]) -> Iterator[str]:
        """Paths of the files below a folder with one of these lower-case suffixes; linked folders are left out."""
        if folder and not self.names(folder):
            return
        for place, folders, files in os.walk(self.root / folder):
            folders[:] = sorted(name for name in folders if not name.startswith(JUNK))
            below = Path(place).relative_to(self.root)
            for name in sorted(files):
                if os.path.splitext(name)[1].lower() in suffixes and not name.startswith(JUNK):  # noqa: PTH122 (speed)
                    yield (below / name).as_posix()

    def shallow(self, pattern: re.Pattern[str], below: Sequence[str] = ("data",)) -> list[str]:
        """Paths of files whose names match, at the top, in its folders, and in the folders of those called `below`.

        Files that lie behind links out of the folder are left out.
        """
        folders = ["", *self._folders("")]
        folders += [f"{name}/{inner}" for name in below if name in folders for inner in self._folders(name)]
        names = [f"{folder}/{name}" if folder else name for folder in folders for name in self.names(folder)
                 if pattern.fullmatch(name)]
        return [name for name in names if self._is_reachable(name)]

    def _folders(self, folder: str) -> list[str]:
        """Names of the folders in a folder that do not begin with a dot."""
        return [name for name in self.names(folder) if not name.startswith(".")
                and (f"{folder}/{name}" if folder else name) in self._special and (self.root / folder / name).is_dir()]

    def _is_reachable(self, name: str) -> bool:
        try:
            return self.find(name) is not None
        except LeavesFolder:
            self.refused[name] = None
            return False

    def _places(self, name: str, folders: Sequence[str]) -> Iterator[list[str]]:
        """The parts of each path that a name may stand for; LeavesFolder when it is absolute or climbs out."""
        name = name.strip().replace("\\", "/")
        if not name or "\0" in name:
            return
        if name.startswith("/") or name[1:2] == ":":
            raise LeavesFolder(name)
        for folder in folders:
            if parts := self._collapse(f"{folder}/{name}"):
                yield parts

    def _spelled(self, parts: Sequence[str]) -> list[str]:
        """The parts as the disk spells them, without regard to case; [] when one is not there, or is ambiguous."""
        names: list[str] = []
        for part in parts:
            folder = "/".join(names)
            if part not in self._listing(folder):
                part = self._folded_listing(folder).get(_folded(part), "")
            if not part:
                return []
            names.append(part)
        return names

    def _folded_listing(self, folder: str) -> dict[str, str]:
        """The names in a folder by their spelling without case; "" for one that several share."""
        if folder not in self._folded:
            names: dict[str, str] = {}
            for name in self._listing(folder):
                names[_folded(name)] = "" if _folded(name) in names else name
            self._folded[folder] = names
        return self._folded[folder]

    @staticmethod
    def _collapse(name: str) -> list[str]:
        """The parts of a relative path without "." and ".."; LeavesFolder when it climbs out."""
        parts: list[str] = []
        for part in name.split("/"):
            if part == ".." and not parts:
                raise LeavesFolder(name)
            if part == "..":
                parts.pop()
            elif part not in ("", "."):
                parts.append(part)
        return parts

    def _is_inside(self, folder: str, name: str) -> bool:
        """Whether the file is there; LeavesFolder when it is a link that leads out."""
        path = f"{folder}/{name}" if folder else name
        whole = os.path.join(self.root, path)  # noqa: PTH118 (speed)
        if name not in self._listing(folder):  # a file system may also answer to other spellings of a name
            return self._is_file_inside(whole)
        return path not in self._special or self._is_file_inside(whole)

    def _listing(self, folder: str) -> frozenset[str]:
        """Names in a folder. LeavesFolder when the folder itself is reached through a link that leads out."""
        if folder not in self._listings:
            place = os.path.join(self.root, folder)  # noqa: PTH118 (speed)
            try:
                if os.path.isdir(place):  # noqa: PTH112 (speed)
                    self._check_inside(place)
                self._listings[folder] = self._scan(place, folder)
            except (OSError, ValueError):
                self._listings[folder] = frozenset()
        return self._listings[folder]

    def _scan(self, place: str, folder: str) -> frozenset[str]:
        names = []
        with os.scandir(place) as entries:
            for entry in entries:
                names.append(entry.name)
                if entry.is_symlink() or not entry.is_file():
                    self._special.add(f"{folder}/{entry.name}" if folder else entry.name)
        return frozenset(names)

    def _is_file_inside(self, whole: str) -> bool:
        try:
            self._check_inside(whole)
            return os.path.isfile(whole)  # noqa: PTH113 (speed)
        except ValueError:  # a name that no file system can have
            return False

    def _check_inside(self, whole: str) -> None:
        """LinkLeavesFolder when the path's real place is not inside the root, unless links are followed."""
        if self.follow_links:
            return
        real = os.path.realpath(whole)
        if real != self._real and not real.startswith(self._real.rstrip(os.sep) + os.sep):
            raise LinkLeavesFolder(os.path.relpath(whole, self.root))


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()


def open_tree(folder: Path, follow_links: bool = False) -> Tree:
    """The tree of a dataset's folder; DatasetError (missing, not_a_folder, unreadable) when it is none."""
    try:
        if not folder.exists():
            raise DatasetError(_("The folder {folder} is not there. Was it moved or renamed?").format(folder=folder),
                               "missing")
        if not folder.is_dir():
            raise DatasetError(_("{name} is a file. Choose the folder that the dataset lies in.").format(
                name=folder.name), "not_a_folder")
        next(folder.iterdir(), None)
    except OSError as error:
        raise DatasetError(_("The folder {folder} cannot be opened: {strerror}.").format(folder=folder,
                                                                                         strerror=error.strerror
                                                                                         or error),
                           "unreadable") from error
    return Tree(folder, follow_links)
