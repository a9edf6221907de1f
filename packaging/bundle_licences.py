"""Licence texts of what a bundle contains: Python distributions and libraries of the system. For bundle.spec."""

import os
import subprocess
import sysconfig
from collections.abc import Iterable
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import NamedTuple

FOLDER = "licences"
NAMES = ("licen", "copying", "notice", "copyright", "thirdparty")  # what the files begin with
COMMON = Path("/usr/share/common-licenses")  # Debian's, which its packages' copyright files refer to
TEXTS = ("Apache-2.0", "GPL-2", "GPL-3", "LGPL-2", "LGPL-2.1", "LGPL-3", "MPL-2.0")
ABOUT = """What this folder contains of others, and under which licences
=============================================================

BrewCLIP Explorer's own code is under the MIT licence. What it takes from others for its models and pictures is in
resources/NOTICE. Below are the Python packages and the libraries of the system in this folder; their licence texts lie
in the folders of their names here.

The folder as a whole may be passed on under the GNU General Public License, version 3 (GPL-3 here): the FFmpeg that the
package av brings is built with libx264 and libx265, which are under the GPL. Qt, PySide6 and Shiboken are used under
the GNU Lesser General Public License, version 3 (LGPL-3 here), as shared libraries that others of the
same version can replace. Their source code, and that of FFmpeg, x264 and x265, is published by their projects.

"""


class Entry(NamedTuple):
    """One package or library: its name with the version, what it says of its licence, and its licence files."""

    name: str
    licence: str
    files: tuple[Path, ...]


def entries(modules: Iterable[str], files: Iterable[Path]) -> list[Entry]:
    """The distributions that the files of a bundle come from, and the Debian packages of its system libraries.

    `modules`: files of its Python modules; `files`: of its libraries and data.
    """
    inside = {Path(file).resolve() for file in (*modules, *files) if file}
    found = [entry for each in distributions() if (entry := _distribution(each, inside)) is not None]
    found.append(Entry("Python", "Python Software Foundation License",
                       tuple(Path(sysconfig.get_path("stdlib")).glob("LICENSE*"))))
    return sorted({*found, *_packages(inside)}, key=lambda entry: entry.name.lower())


def _distribution(each: Distribution, inside: set[Path]) -> Entry | None:
    """The entry of a distribution that has a file among those; None for another."""
    own = list(each.files or ())
    if not any(Path(str(each.locate_file(file))).resolve() in inside for file in own):
        return None
    texts = [Path(str(each.locate_file(file))) for file in own if file.name.lower().startswith(NAMES)]
    facts = each.metadata
    licence = facts.get("License-Expression") or next(
        (line.rpartition("::")[2].strip() for line in facts.get_all("Classifier") or () if line.startswith("License")),
        (facts.get("License") or "see its files").splitlines()[0])
    return Entry(f"{facts['Name']} {each.version}", licence, tuple(path for path in texts if path.suffix != ".py"))


def _packages(inside: Iterable[Path]) -> list[Entry]:
    """Debian's packages of the system libraries among those files."""
    system = sorted(str(path) for path in inside if path.is_relative_to("/usr") and ".so" in path.name)
    if not system:
        return []
    try:
        found = subprocess.run(["dpkg-query", "--search", *system], capture_output=True, text=True)  # noqa: S603, S607
    except OSError:  # not Debian: their licences are those of the system
        return []
    names = sorted({line.partition(":")[0] for line in found.stdout.splitlines()})
    return [Entry(name, "see its copyright file", (copyright_file,)) for name in names
            if (copyright_file := Path("/usr/share/doc") / name / "copyright").exists()]


def collect(found: Iterable[Entry], work: Path) -> list[tuple[str, str]]:
    """(file, folder in the bundle) of all licence texts, and of a list that is written to the folder `work`."""
    work.mkdir(parents=True, exist_ok=True)
    lines, copies = [], []
    for entry in found:
        lines.append(f"{entry.name}: {entry.licence}")
        top = os.path.commonpath([path.parent for path in entry.files]) if entry.files else ""
        copies += [(str(path), f"{FOLDER}/{entry.name}/{path.parent.relative_to(top)}") for path in entry.files]
    (work / "README.txt").write_text(ABOUT + "\n".join(lines) + "\n", encoding="utf-8")
    copies += [(str(COMMON / name), FOLDER) for name in TEXTS if (COMMON / name).exists()]
    return [*copies, (str(work / "README.txt"), FOLDER)]
