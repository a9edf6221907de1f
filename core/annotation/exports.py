"""Exporting a gallery's spoken captions as a dataset that loads again: pictures, recordings, lists, splits."""

import errno
import io
import json
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import numpy as np
import soundfile
from filelock import FileLock, Timeout

from core import audio, datasets
from core.annotation.export_items import Item
from core.annotation.layouts import LAYOUTS, Layout
from core.annotation.selection import LeftOut, Leftovers, arrange, choose
from core.datasets.headers import picture_faults
from core.datasets.shards import arrow
from core.errors import AnnotationError, AudioError
from core.home import expanded
from core.localisation import _
from core.progress import Progress, Report, WorkStep, silent, steps

if TYPE_CHECKING:
    from core.galleries.gallery import Gallery
    from core.store.store import Store

PREFIX, LOCK = ".brewclip-export-", ".lock"
FRESH = 60.0  # seconds
FULL = (errno.ENOSPC, errno.EDQUOT)
PARTIAL = ".partial"  # after the name of a folder that is being written


@dataclass(frozen=True)
class ExportOptions:
    """`by_speaker`: no speaker in two splits either; `reviewed`: only what the review has accepted."""

    layout: str = "spokencoco"
    by_speaker: bool = False
    reviewed: bool = False
    seed: int = 0


@dataclass(frozen=True)
class ExportResult:
    """Result of an export. `problems` were found when it was read again: none, unless the disk fails."""

    gallery: str
    folder: Path
    layout: str
    splits: tuple[datasets.SplitCount, ...]
    left_out: tuple[LeftOut, ...]
    problems: tuple[datasets.Problem, ...]
    seconds: float


def export(store: "Store", gallery: "Gallery", folder: Path, options: ExportOptions = ExportOptions(),
           report: Report = silent) -> ExportResult:
    """Write the gallery's confirmed takes into a new or empty folder, which is whole or not there at all.

    AnnotationError: unknown_layout, not_empty, not_a_folder, nothing, one_speaker, full, not_written.
    DatasetError: no_arrow. StoreError.
    """
    started = time.monotonic()
    layout = _layout(options.layout)
    if layout.needs_arrow:
        arrow()
    folder = expanded(folder).absolute()
    _check_folder(folder)
    left = Leftovers()
    items = _items(store, gallery, options, left)
    with _staging(folder) as staged:
        writing, checking = steps(report, 3, 1)
        written = _write_files(staged, layout, items, left, writing)
        if not written:
            raise _nothing(gallery.name, left)
        layout.write_lists(staged, written)
        _write_about(staged, gallery.name, layout, options, written)
        inspected = datasets.inspect(staged, layout.kind, checking)
        _put(staged, folder)
    return ExportResult(gallery.name, folder, layout.kind, inspected.splits, left.all(), inspected.problems,
                        time.monotonic() - started)


def _layout(name: str) -> Layout:
    for layout in LAYOUTS:
        if layout.kind == name:
            return layout
    raise AnnotationError(_("There is no layout {name}. There are: {value}.").format(
        name=name, value=", ".join(one.kind for one in LAYOUTS)),
                          "unknown_layout")


def _check_folder(folder: Path) -> None:
    if folder.exists() and not folder.is_dir():
        raise AnnotationError(_("{folder} is a file. Choose a folder for the export.").format(folder=folder),
                              "not_a_folder")
    if folder.is_dir() and any(folder.iterdir()):
        raise AnnotationError(_(
            "The folder {folder} is not empty. Nothing was written; choose a new or an empty one.").format(
                folder=folder),
                              "not_empty")


def _items(store: "Store", gallery: "Gallery", options: ExportOptions, left: Leftovers) -> list[Item]:
    store.adopt_takes(gallery.id)
    images = {image.id: image for image in gallery.images()}
    takes = choose(store.takes(gallery.id), images, options.reviewed, left)
    return arrange(takes, images, options.by_speaker, options.seed, left) if takes else []


def _nothing(gallery: str, left: Leftovers) -> AnnotationError:
    why = "; ".join(f"{problem.count} {problem.what}" for problem in left.all())
    return AnnotationError(_("There is nothing to export from {gallery}{value}. Describe pictures first, and confirm "
                             "each with Enter.").format(gallery=gallery, value=f' ({why})' if why else ""), "nothing")


@contextmanager
def _staging(folder: Path) -> Iterator[Path]:
    """A folder beside the wanted one, gone at the end; errors of writing become sentences."""
    staged = None
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        _sweep(folder.parent)
        staged = folder.parent / f"{PREFIX}{uuid4().hex[:8]}{PARTIAL}"
        staged.mkdir()
        with FileLock(staged.with_suffix(LOCK)):
            yield staged
    except OSError as error:
        full = error.errno in FULL
        reason = "the disk is full" if full else f"it could not be written ({error.strerror or error})"
        raise AnnotationError(_("The export stopped: {reason}. Nothing is left of it in {parent}, and all takes are "
                                "safe.").format(reason=reason, parent=folder.parent), "full" if full
                              else "not_written") from error
    finally:
        if staged is not None:
            shutil.rmtree(staged, ignore_errors=True)
            staged.with_suffix(LOCK).unlink(missing_ok=True)


def _sweep(folder: Path) -> None:
    """Delete what killed exports left in a folder: nobody holds their locks any more."""
    for left in folder.glob(f"{PREFIX}*{PARTIAL}"):
        lock = left.with_suffix(LOCK)
        age = time.time() - left.stat().st_mtime
        if not lock.exists() and age < FRESH:  # an export that begins just now
            continue
        try:
            with FileLock(lock, timeout=0):
                shutil.rmtree(left, ignore_errors=True)
        except Timeout:
            continue
        lock.unlink(missing_ok=True)


def _write_files(staged: Path, layout: Layout, items: Sequence[Item], left: Leftovers, report: Report) -> list[Item]:
    """Copy each picture once and write each recording as WAV; the items for which both could be done."""
    for place in (layout.pictures, layout.recordings):
        (staged / place).mkdir(parents=True)
    pictures: dict[str, bool] = {}
    written = []
    for done, item in enumerate(items):
        report(Progress(WorkStep.EXPORTING, done, len(items)))
        if item.picture not in pictures:
            pictures[item.picture] = _copy_picture(item.image.path, staged / layout.pictures / item.picture)
        if not pictures[item.picture]:
            left.add("no_picture", item.image.path.name)
        elif not _write_recording(item.take.recording, staged / layout.recordings / f"{item.name}.wav"):
            left.add("no_recording", item.take.recording.name)
        else:
            written.append(item)
    _drop_unused(staged / layout.pictures, written)
    return written


def _copy_picture(source: Path, target: Path) -> bool:
    """Copy a file; False where it cannot be read or is no picture. An error of writing is not caught."""
    if picture_faults(source):
        return False
    try:
        data = source.read_bytes()
    except OSError:
        return False
    target.write_bytes(data)
    return True


def _write_recording(source: Path, target: Path) -> bool:
    """Write a recording as WAV, 16 kHz, 16 bit, mono: the samples of a take's FLAC. False where it cannot be read."""
    try:
        samples = audio.read(source).samples
    except AudioError:
        return False
    exact = np.clip(np.rint(samples * 32768.0), -32768, 32767).astype(np.int16)
    file = io.BytesIO()  # libsndfile does not say that a disk is full
    soundfile.write(file, exact, audio.RATE, format="WAV", subtype="PCM_16")
    target.write_bytes(file.getvalue())
    return True


def _drop_unused(folder: Path, written: Sequence[Item]) -> None:
    """Take away pictures none of whose recordings could be read."""
    used = {item.picture for item in written}
    for path in folder.iterdir():
        if path.name not in used:
            path.unlink()


def _write_about(staged: Path, gallery: str, layout: Layout, options: ExportOptions, items: Sequence[Item]) -> None:
    """Write a description of the export, without notes on consent: they may name people."""
    languages = {item.speaker: item.take.speaker.language for item in items}
    about = {"gallery": gallery, "layout": layout.kind, "created": datetime.now(UTC).isoformat(timespec="seconds"),
             "splits": "by picture and speaker" if options.by_speaker else "by picture", "seed": options.seed,
             "only_reviewed": options.reviewed, "speakers": languages}
    (staged / "about.json").write_text(json.dumps(about, indent=1), encoding="utf-8")


def _put(staged: Path, folder: Path) -> None:
    """The staged folder takes the place of the wanted one; of one that has been filled meanwhile it does not."""
    if folder.is_dir():
        folder.rmdir()  # OSError when it is not empty any more
    staged.rename(folder)
