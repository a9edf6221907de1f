"""Model files of workers: taken from the worker's machine where they are the same, else sent by the driver.

The driver names files by SHA-256. A node that lacks one gets its bytes through Ray's object store, once a node, and
keeps them among its caches; a file is used only if its SHA-256 is the one that was named.
"""

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from core import caches, private_files, weights
from core.errors import ClusterError
from core.features.content_hashes import content_digest
from core.home import Home, find_home
from core.pretrained.weight_files import alone


@dataclass(frozen=True)
class FileSet:
    """A set of files in one folder. `folder` is the driver's; `digests` are file name and SHA-256 of each.

    `weights` is the name under which `core.weights` may know the file on another machine, "" for none.
    """

    folder: Path
    digests: tuple[tuple[str, str], ...]
    weights: str = ""

    @staticmethod
    def of(folder: Path, names: tuple[str, ...], weights: str = "") -> "FileSet":
        """Those files of a folder of the driver's."""
        return FileSet(folder, tuple((name, content_digest(folder / name)) for name in names), weights)

    @property
    def key(self) -> str:
        """Name of the set, made from its content."""
        return hashlib.sha256(repr(self.digests).encode()).hexdigest()[:32]

    def contents(self) -> dict[str, bytes]:
        """The bytes of each file, on the driver."""
        return {name: (self.folder / name).read_bytes() for name, _ in self.digests}


def located(files: FileSet, home: Home | None = None) -> Path | None:
    """Folder on this machine with these files; None when there is none."""
    home = home or find_home()
    folder = next((place for place in (files.folder, _kept(files, home)) if _same(files, place)), None)
    if folder == _kept(files, home):
        for name, _ in files.digests:
            caches.touch(folder / name)
    return folder or _known(files, home)


def keep(files: FileSet, contents: Mapping[str, bytes], home: Home | None = None) -> Path:
    """Write the files to this machine's caches; returns their folder. ClusterError ("damaged", "node_disk")."""
    home = home or find_home()
    for name, digest in files.digests:
        if hashlib.sha256(contents[name]).hexdigest() != digest:
            raise ClusterError(f"{name} came damaged over the cluster's network; do the same again.", "damaged")
    target = _kept(files, home)
    home.protect()
    try:
        with alone(home.caches / "cluster" / f"{files.key}.lock"):
            if not _same(files, target):
                private_files.make_folder(target)
                for name, content in contents.items():
                    private_files.write_atomically(target / name, content)
    except OSError as error:
        raise ClusterError(f"The node {os.uname().nodename} cannot keep the model in {target}: "
                           f"{error.strerror or error}.", "node_disk") from error
    return target


def _kept(files: FileSet, home: Home) -> Path:
    return home.caches / "cluster" / files.key


def _known(files: FileSet, home: Home) -> Path | None:
    """Folder where `core.weights` has the file on this machine."""
    path = weights.find(files.weights, home) if files.weights else None
    ((name, digest), *others) = files.digests
    if path is None or others or path.name != name or weights.sha256_of(path, home) != digest:
        return None
    return path.parent


def _same(files: FileSet, folder: Path) -> bool:
    try:
        return all(content_digest(folder / name) == digest for name, digest in files.digests)
    except OSError:
        return False
