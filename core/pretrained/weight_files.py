"""Facts of a weights file: measured once, stored in a stamp, trusted while size and time are the same.

Files of the program's own folder have their stamp beside them (`NAME.stamp`); the stamps of files elsewhere lie in
`stamps/` of that folder, since a folder of weights may be read-only. A stamp holds what was measured, never a verdict:
whether a file is good is decided from it each time.
"""

import contextlib
import hashlib
import json
import os
import sys
import time
import zipfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import IO

from core import plain_json, private_files
from core.errors import WeightsError
from core.home import Home, find_home
from core.localisation import _
from core.pretrained.downloads import TICK_S, file_sha256
from core.pretrained.torchscript import is_program
from core.progress import Progress, Report, silent

HEADER_LIMIT = 100 << 20  # bytes; safetensors allows no longer header


@dataclass(frozen=True)
class Facts:
    """Measured facts of a file. `whole`: its inner structure ends where the file ends, or its sender's SHA-256 fits.
    `tensors`: the digest of a Whisper checkpoint's tensors, "" when not asked for or not readable.
    """

    name: str  # of the weights
    size: int
    mtime_ns: int
    sha256: str
    whole: bool
    tensors: str = ""


def examine(path: Path, name: str, tensors: bool = False) -> Facts:
    """Read the whole file and measure it; OSError when it cannot be read. About a second for 2 GB."""
    before = path.stat()
    sha256 = file_sha256(path)
    return Facts(name, before.st_size, before.st_mtime_ns, sha256, is_whole(path), _tensors(path) if tensors else "")


def _tensors(path: Path) -> str:
    from core.pretrained.ctranslate import checkpoint_digest

    try:
        return checkpoint_digest(path)
    except WeightsError:
        return ""


def is_whole(path: Path) -> bool:
    """Whether a safetensors file, or a PyTorch file (a zip), ends where its own table says. Any other kind: False.

    A program (TorchScript) is no file of weights, whole or not: it could only be loaded by running it.
    """
    if path.suffix != ".safetensors":
        return zipfile.is_zipfile(path) and not is_program(path)
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if length > HEADER_LIMIT:
                return False
            header = plain_json.loads(file.read(length))
        ends = [entry["data_offsets"][1] for key, entry in header.items() if key != "__metadata__"]
        return path.stat().st_size == 8 + length + max(ends, default=0)
    except (OSError, *plain_json.DAMAGE):
        return False


def facts(path: Path, name: str, home: Home, tensors: bool = False) -> Facts | None:
    """Facts of a file, measured only when no stamp fits; None when the file is missing or unreadable.

    A file in the program's own folder whose bytes are others than its stamp says is not `whole`, whatever it looks
    like: nobody but `fetch` writes there.
    """
    try:
        status = path.stat()
        stamp = read_stamp(path, home)
        if stamp and (stamp.name, stamp.size, stamp.mtime_ns) == (name, status.st_size, status.st_mtime_ns):
            return stamp
        examined = examine(path, name, tensors)
    except OSError:
        return None
    if stamp and stamp.name == name and path.parent == home.weights:
        if stamp.sha256 != examined.sha256:
            return replace(examined, whole=False)
        examined = replace(examined, whole=stamp.whole)
    write_stamp(path, examined, home)
    return examined


def stamp_path(path: Path, home: Home) -> Path:
    """Path of a file's stamp."""
    if path.parent == home.weights:
        return path.with_name(path.name + ".stamp")
    return home.weights / "stamps" / f"{hashlib.sha256(os.fsencode(path.absolute())).hexdigest()[:32]}.stamp"


def read_stamp(path: Path, home: Home) -> Facts | None:
    """The stamp of a file, whether or not it still fits; None when there is none that can be read."""
    try:
        return plain_json.checked(Facts(**plain_json.read_object(stamp_path(path, home))))
    except (OSError, *plain_json.DAMAGE):
        return None


def write_stamp(path: Path, examined: Facts, home: Home) -> None:
    """Keep the facts of a file. Where nothing can be written they are measured again each time: no error."""
    stamp = stamp_path(path, home)
    with contextlib.suppress(OSError):
        private_files.make_folder(stamp.parent, private=False)
        private_files.write_atomically(stamp, json.dumps(asdict(examined), indent=1).encode(), private=False,
                                       durable=False)


def install(staged: Path, target: Path, examined: Facts, home: Home) -> None:
    """Put a checked file where it belongs, then its stamp. Killed in between, `facts` measures the file again."""
    with staged.open("rb") as file:
        os.fsync(file.fileno())
    stamp_path(target, home).unlink(missing_ok=True)
    staged.replace(target)
    private_files.inherit(target)
    write_stamp(target, examined, home)


def sha256_of(path: Path, home: Home | None = None) -> str:
    """SHA-256 of a file of weights, for fingerprints: from its stamp where that fits, else read from its bytes."""
    stamp, status = read_stamp(path, home or find_home()), path.stat()
    if stamp and (stamp.size, stamp.mtime_ns) == (status.st_size, status.st_mtime_ns):
        return stamp.sha256
    return file_sha256(path)


@contextlib.contextmanager
def unchanged(path: Path) -> Iterator[None]:
    """A block that checks and loads a file: WeightsError ("changed") when it was written or replaced meanwhile.

    So what is used is what was checked, though it is read more than once.
    """
    before = _identity(path)
    yield
    if _identity(path) != before:
        raise WeightsError(_("{name} was changed while it was loaded. It is not used; try again when no program "
                             "writes to it.").format(name=path.name), "changed")


def _identity(path: Path) -> tuple[int, ...]:
    """Differs after each change of a file, even where its time of change was set back (not on Windows); () without one.
    """
    try:
        status = path.stat()
    except OSError:
        return ()
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


@contextlib.contextmanager
def alone(path: Path, report: Report = silent, waiting: Progress = Progress()) -> Iterator[None]:
    """Hold a lock file; `report(waiting)` while another process holds it. It is freed when a process dies."""
    private_files.make_folder(path.parent, private=False)
    with path.open("ab") as file:
        private_files.inherit(path)
        while not _locked(file):
            report(waiting)
            time.sleep(TICK_S)
        yield


if sys.platform == "win32":
    import msvcrt

    def _locked(file: IO[bytes]) -> bool:
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True
else:
    import fcntl

    def _locked(file: IO[bytes]) -> bool:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
