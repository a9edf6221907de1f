"""Download one file over HTTP, with progress, prompt cancellation and verification.

The bytes go to `NAME.part`, which nothing trusts. A broken transfer goes on from where it stopped when a SHA-256 is
known that the whole must have in the end, else it starts anew. The network is read by a thread that may hang in a name
look-up or a dead connection; the caller's own thread never waits for it longer than `TICK_S`, so cancelling is prompt.

Kinds of WeightsError: unreachable (no connection), refused (an HTTP status), broken_off, stalled, wrong_bytes,
disk_full, not_writable, disk.
"""

import errno
import hashlib
import http.client
import os
import queue
import shutil
import socket
import ssl
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import Message
from pathlib import Path
from typing import BinaryIO
from urllib.parse import urlsplit

from core import private_files
from core.errors import WeightsError
from core.localisation import _
from core.progress import Progress, Report, WorkStep, silent

TICK_S = 0.1
BLOCK = 1 << 17
SPARE = 16 << 20  # bytes left free on the disk: a full one breaks other programs too


@dataclass(frozen=True)
class Patience:
    """Timeouts of a download. A window of `stall_s` with less than `slowest` bytes a second counts as stalled."""

    connect_s: float = 6.0
    stall_s: float = 30.0
    slowest: float = 500.0
    tries: int = 3


PATIENCE = Patience()


def download(url: str, target: Path, sha256: str = "", report: Report = silent, text: str = "",
             patience: Patience = PATIENCE) -> None:
    """Write the file at `url` to `target`, whole and checked, or raise WeightsError and leave `target` as it was.

    `sha256` is the hash, or its first eight or more digits, or "" when none is known (then only the length is checked).
    `report` counts bytes; its total is 0 while the length is unknown. OSError of the disk comes as WeightsError.
    """
    part = target.with_name(target.name + ".part")
    try:
        private_files.make_folder(target.parent, private=False)
        _fill(url, part, sha256, report, text, patience)
        part.replace(target)
    except OSError as error:
        raise disk_error(error, target.parent) from error


def _fill(url: str, part: Path, sha256: str, report: Report, text: str, patience: Patience) -> None:
    for attempt in range(1, patience.tries + 1):
        start = part.stat().st_size if sha256 and part.exists() else 0
        try:
            _Receiver(url, part, start, report, text, patience).receive()
            _check(url, part, sha256)
        except _InterruptedError as error:
            if sha256 and part.exists() and file_sha256(part).startswith(sha256):
                return  # whole, though the host promised more
            if attempt == patience.tries:
                raise WeightsError(f"{error} {_kept(part, sha256)}".strip(), error.kind) from error
        except WeightsError as error:
            if error.kind != "wrong_bytes" or start == 0 or attempt == patience.tries:
                raise  # only a file that was pieced together may be right at the second try
        else:
            return


def _check(url: str, part: Path, sha256: str) -> None:
    digest = file_sha256(part)
    if digest.startswith(sha256):
        return
    size = part.stat().st_size
    part.unlink()
    raise WeightsError(_("{host} sent other bytes than expected ({size} bytes, SHA-256 {digest}..., expected "
                         "{sha256}...); they were thrown away.").format(host=host(url), size=size, digest=digest[:12],
                                                                        sha256=sha256[:12]), "wrong_bytes")


def _kept(part: Path, sha256: str) -> str:
    if not sha256 or not part.exists() or not part.stat().st_size:
        return ""
    return f"The {part.stat().st_size / 1e6:.1f} MB that came are kept; trying again goes on from there."


class _InterruptedError(WeightsError):
    """A transfer that began and did not end; it can be retried."""


@dataclass(frozen=True)
class _Answer:
    status: int
    headers: Mapping[str, str]


class _Transfer(threading.Thread):
    """Thread that reads the network into `events`: an _Answer, blocks, None; or the error that ended it."""

    def __init__(self, request: urllib.request.Request, patience: Patience) -> None:
        super().__init__(name="download", daemon=True)
        self.request = request
        self.timeout = patience.connect_s + patience.stall_s  # the caller gives up sooner; this only ends the thread
        self.events: queue.Queue[_Answer | bytes | Exception | None] = queue.Queue(maxsize=64)
        self.stopped = threading.Event()

    def run(self) -> None:
        """The thread's work."""
        try:
            with urllib.request.urlopen(self.request, timeout=self.timeout) as response:  # noqa: S310  (_request checks)
                self.put(_Answer(response.status, _lower(response.headers)))
                while (block := response.read1(BLOCK)) and self.put(block):
                    pass
            self.put(None)
        except urllib.error.HTTPError as error:
            self.put(_Answer(error.code, _lower(error.headers)))
            error.close()
        except Exception as error:  # whatever it is, the caller words it
            self.put(error)

    def put(self, event: _Answer | bytes | Exception | None) -> bool:
        """Hand over one event; False when nobody waits for it any more."""
        while not self.stopped.is_set():
            try:
                self.events.put(event, timeout=TICK_S)
            except queue.Full:
                continue
            return True
        return False


def _lower(headers: Message) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


class _Receiver:
    """One attempt: from byte `start` of the part file to the end."""

    def __init__(self, url: str, part: Path, start: int, report: Report, text: str, patience: Patience) -> None:
        self.part, self.report, self.text, self.patience = part, report, text, patience
        self.host = host(url)
        self.done = start
        self.total = 0
        self.transfer = _Transfer(_request(url, start), patience)

    def answers(self) -> None:
        """Wait for the first answer, whatever it is."""
        self.transfer.start()
        try:
            self.next(self.patience.connect_s, before_answer=True)
        finally:
            self.transfer.stopped.set()

    def receive(self) -> None:
        """Fill the part file up to its end."""
        self.transfer.start()
        try:
            answer = self.next(self.patience.connect_s, before_answer=True)
            assert isinstance(answer, _Answer)
            if self.complete_already(answer):
                return
            self.begin(answer)
            with self.part.open("ab" if self.done else "wb") as file:
                private_files.inherit(self.part)
                self.copy(file)
                file.flush()
                os.fsync(file.fileno())
        finally:
            self.transfer.stopped.set()

    def complete_already(self, answer: _Answer) -> bool:
        """Whether the part file is whole: a host then answers a request for the rest with 416 and the length."""
        if answer.status != 416:
            return False
        if answer.headers.get("content-range", "") == f"bytes */{self.done}":
            return True
        self.part.unlink(missing_ok=True)
        raise _InterruptedError(_("{host} has no rest of this file.").format(host=self.host), "broken_off")

    def begin(self, answer: _Answer) -> None:
        if answer.status not in (200, 206):
            phrase = http.client.responses.get(answer.status, "unknown")
            raise WeightsError(_("{host} answered {status} ({phrase}).").format(host=self.host, status=answer.status,
                                                                                phrase=phrase), "refused")
        if answer.status == 200:
            self.done = 0  # the host knows no parts: anew
        elif not answer.headers.get("content-range", "").startswith(f"bytes {self.done}-"):
            self.part.unlink(missing_ok=True)
            raise _InterruptedError(_("{host} sent another part than requested.").format(host=self.host), "broken_off")
        length = answer.headers.get("content-length", "")
        self.total = self.done + int(length) if length.isdecimal() else 0
        room(self.part.parent, self.total - self.done)

    def copy(self, file: BinaryIO) -> None:
        window, arrived = time.monotonic(), 0
        while (block := self.next(self.patience.stall_s)) is not None:
            assert isinstance(block, bytes)
            file.write(block)
            self.done += len(block)
            arrived += len(block)
            self.report_progress()
            if (passed := time.monotonic() - window) > self.patience.stall_s:
                if arrived < self.patience.slowest * passed:
                    raise self.stalled()
                window, arrived = time.monotonic(), 0
        if self.done < self.total:
            raise _InterruptedError(_("{host} broke off after {done} of {total} bytes.").format(host=self.host,
                                                                                                done=self.done,
                                                                                                total=self.total),
                                    "broken_off")

    def next(self, patience_s: float, before_answer: bool = False) -> _Answer | bytes | None:
        """The next event of the thread; `report` is called while waiting, and may cancel."""
        deadline = time.monotonic() + patience_s
        while True:
            try:
                event = self.transfer.events.get(timeout=TICK_S)
                break
            except queue.Empty:
                self.report_progress()
            if time.monotonic() > deadline:
                raise unreachable(self.host, TimeoutError()) if before_answer else self.stalled()
        if isinstance(event, Exception):
            raise unreachable(self.host, event) if before_answer else self.broken(event)
        return event

    def report_progress(self) -> None:
        total = max(self.total, self.done) if self.total else 0
        self.report(Progress(WorkStep.DOWNLOADING, self.done, total, self.text))

    def stalled(self) -> WeightsError:
        return _InterruptedError(_("{host} sent next to nothing for {stall_s:.0f} seconds.").format(
            host=self.host, stall_s=self.patience.stall_s),
                                 "stalled")

    def broken(self, error: Exception) -> WeightsError:
        if isinstance(error, TimeoutError):
            return self.stalled()
        return _InterruptedError(_("{host} broke off after {done} bytes ({name}).").format(host=self.host,
                                                                                           done=self.done,
                                                                                           name=type(error).__name__),
                                 "broken_off")


def _request(url: str, start: int) -> urllib.request.Request:
    if urlsplit(url).scheme not in ("http", "https"):
        raise WeightsError(_("{url} is no web address.").format(url=url), "refused")
    headers = {"User-Agent": "brewclip", "Accept-Encoding": "identity"}
    if start:
        headers["Range"] = f"bytes={start}-"
    return urllib.request.Request(url, headers=headers)  # noqa: S310  (checked above)


def reach(url: str, report: Report = silent, text: str = "", patience: Patience = PATIENCE) -> None:
    """Return when the host of `url` answers anything at all; WeightsError "unreachable" when it does not in time."""
    _Receiver(url, Path(), 0, report, text, patience).answers()


def host(url: str) -> str:
    """Host name of a web address, for messages."""
    return urlsplit(url).hostname or url


def unreachable(name: str, error: Exception) -> WeightsError:
    """The reason why a host could not be spoken to, in words."""
    reason = error.reason if isinstance(error, urllib.error.URLError) else error
    match reason:
        case socket.gaierror():
            words = "its name could not be looked up: no network, or a name server that does not know it"
        case ConnectionRefusedError():
            words = "it refused the connection"
        case ssl.SSLError():
            words = f"no safe connection ({reason.reason or reason})"
        case TimeoutError():
            words = "no answer in time"
        case _:
            words = str(reason) or type(reason).__name__
    return WeightsError(_("{name} could not be reached: {words}.").format(name=name, words=words), "unreachable")


def room(folder: Path, needed: int) -> None:
    """WeightsError "disk_full" unless `needed` bytes and some to spare fit on the disk with `folder`."""
    free = shutil.disk_usage(folder).free
    if needed > 0 and free < needed + SPARE:
        raise full(folder, f"{(needed + SPARE) / 1e6:.0f} MB are needed, {free / 1e6:.0f} MB are free")


def full(folder: Path, detail: str = "no space is left") -> WeightsError:
    """The error for a full disk."""
    return WeightsError(_("The disk with {folder} is full: {detail}. Nothing was damaged; make room and "
                          "try again.").format(folder=folder, detail=detail),
                        "disk_full")


def disk_error(error: OSError, folder: Path) -> WeightsError:
    """The error for what the disk refused."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return full(folder)
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return WeightsError(_("{folder} cannot be written: {strerror}. Give yourself the right to write there, or "
                              "name another folder with BREWCLIP_HOME.").format(folder=folder, strerror=error.strerror),
                            "not_writable")
    return WeightsError(_("The disk with {folder} failed: {strerror}.").format(folder=folder, strerror=error.strerror
                                                                               or error), "disk")


def file_sha256(path: Path) -> str:
    """SHA-256 of a file's bytes, hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
