"""Exports: a model's graphs in ONNX with what describes them, made once and checked against PyTorch.

An export is a folder with `NAME.onnx` for each graph and `export.json`: its key, checksums of the files, the facts that
running it needs, and the verdict, which is the least cosine between its outputs and PyTorch's on reference inputs. A
folder is written beside its place and then renamed. Exports that ship with the program lie beside the weights.

No torch here: whoever makes an export imports it then.
"""

import hashlib
import json
import logging
import math
import shutil
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Any
from uuid import uuid4

from core import caches, plain_json, private_files
from core.home import Home
from core.inference.sessions import Session

log = logging.getLogger(__name__)

EXPORTER = 1  # of the code that makes exports; another number makes all of them anew
LEAST_COSINE = 0.99999  # between outputs of an export and PyTorch's, or the export is not used
DESCRIPTION = "export.json"
SHIPPED = Path(str(files("resources"))) / "models"
CACHE = "inference"  # folder below the caches
PATIENCE_S = 600.0  # while another process makes the same export


@dataclass(frozen=True)
class Export:
    """A model's exported graphs. `cosine` is the verdict, `facts` is what its maker noted, JSON."""

    folder: Path
    cosine: float
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def usable(self) -> bool:
        """Whether its outputs are PyTorch's within the bound."""
        return self.cosine >= LEAST_COSINE

    def session(self, name: str, threads: int = 0, spin: bool = True, quick: bool = False) -> Session:
        """The graph of that name, opened. OSError or RuntimeError when it cannot be loaded."""
        return Session(self.folder / f"{name}.onnx", threads, spin, quick)


Write = Callable[[Path], Mapping[str, Any]]  # writes the graphs into a folder -> facts
Check = Callable[[Export], float]  # -> the least cosine to PyTorch on reference inputs


class ExportCache:
    """The exports of a home, and those that ship with the program."""

    def __init__(self, home: Home, shipped: Path = SHIPPED) -> None:
        self._folder, self._shipped = home.caches / CACHE, shipped

    def find(self, key: str) -> Export | None:
        """The export of a key (`export_key`), usable or not; None when there is none, or only a damaged one."""
        return next(filter(None, (_read(folder, key) for folder in self._places(key))), None)

    def has(self, key: str) -> bool:
        """Whether an export of the key was made, usable or not; unlike `find` it reads no graphs."""
        return any(_key_in(folder) == key for folder in self._places(key))

    def make(self, key: str, write: Write, check: Check) -> Export:
        """Make and check the export of a key, or take what another process made meanwhile.

        An export that fails its check is noted in the log, and its verdict is kept in place of its graphs. So is one
        that could not be made: the error of the exporter is no error here. OSError when nothing can be written.
        """
        private_files.make_folder(self._folder, private=False)
        with private_files.alone(self._folder / f"{key}.lock", PATIENCE_S):
            found = self.find(key)
            if found is not None:
                return found
            staged = self._folder / f".{key}.{uuid4().hex}.new"
            try:
                private_files.make_folder(staged, private=False)
                facts, cosine = _made(staged, write, check)
                describe(staged, key, facts, cosine, [path.name for path in sorted(staged.iterdir())])
                shutil.rmtree(self._folder / key, ignore_errors=True)
                staged.replace(self._folder / key)
            finally:
                shutil.rmtree(staged, ignore_errors=True)
        return Export(self._folder / key, cosine, facts)

    def _places(self, key: str) -> Iterator[Path]:
        yield from (path.parent for path in sorted(self._shipped.glob(f"*/{DESCRIPTION}")))
        yield self._folder / key


def export_key(kind: str, facts: Mapping[str, str | int | float | bool]) -> str:
    """Key of an export: a digest of the kind of model, of all that decides its outputs, and of the exporter."""
    text = json.dumps({**facts, "kind": kind, "exporter": EXPORTER}, sort_keys=True)
    return f"{kind}-{hashlib.sha256(text.encode()).hexdigest()[:16]}"


def _made(staged: Path, write: Write, check: Check) -> tuple[Mapping[str, Any], float]:
    """Facts and verdict of the export in a folder; without graphs where it cannot be used."""
    try:
        facts = write(staged)
        cosine = check(Export(staged, 1.0, facts))
    except OSError:
        raise
    except Exception as error:  # what exporters raise on models they do not know is written down nowhere
        reason = next(iter(str(error).splitlines()), "") or type(error).__name__
        log.warning("The model runs in PyTorch, since it cannot be exported: %s", reason[:200])
        facts, cosine = {}, 0.0
    else:
        if not cosine >= LEAST_COSINE:  # nor NaN
            log.warning("The model runs in PyTorch: its export gives other results (cosine %.6f).", cosine)
    if not cosine >= LEAST_COSINE:
        for path in staged.iterdir():
            path.unlink()
    return facts, 0.0 if math.isnan(cosine) else cosine


def describe(folder: Path, key: str, facts: Mapping[str, Any], cosine: float, names: Sequence[str]) -> None:
    """Write the description of the export in a folder, whose files have those names. OSError."""
    values = {"key": key, "cosine": cosine, "facts": dict(facts), "onnxruntime": version("onnxruntime"),
              "files": {name: _checksum(folder / name) for name in names}}
    private_files.write_atomically(folder / DESCRIPTION, json.dumps(values, indent=1).encode(), private=False)


def _read(folder: Path, key: str) -> Export | None:
    """The export in a folder, if it is that of the key and whole."""
    try:
        values = plain_json.read_object(folder / DESCRIPTION)
        if values["key"] != key:
            return None
        for name, checksum in values["files"].items():
            if _checksum(folder / Path(name).name) != checksum:
                return None
            caches.touch(folder / name)
        return Export(folder, float(values["cosine"]), dict(values["facts"]))
    except (OSError, *plain_json.DAMAGE):
        return None


def is_damaged(folder: Path) -> bool:
    """Whether a folder of exports holds a description without its files, or files of other checksums."""
    key = _key_in(folder)
    return (folder / DESCRIPTION).exists() and (key is None or _read(folder, key) is None)


def _key_in(folder: Path) -> str | None:
    """The key in the description of an export; None without a sound one."""
    try:
        return str(plain_json.read_object(folder / DESCRIPTION)["key"])
    except (OSError, *plain_json.DAMAGE):
        return None


def _checksum(path: Path) -> int:
    """CRC-32 of a file: against damage, not against malice."""
    checksum = 0
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            checksum = zlib.crc32(block, checksum)
    return checksum
