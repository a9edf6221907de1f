"""`brewclip transcribe`: recordings, folders, patterns and standard input, as text, subtitles or tables."""

import sys
from collections.abc import Iterator
from glob import glob
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from core.cli import options
from core.cli.options import option, output_folder
from core.cli.output import as_json
from core.cli.parts import FAILED, OK, Arguments, Command, explorer, note, progress
from core.errors import AudioError, BrewclipError
from core.remote import shown

if TYPE_CHECKING:
    from core.asr.transcript import Transcript

INPUT = "-"  # standard input
FORMATS = ("txt", "srt", "vtt", "tsv", "textgrid", "json")  # of core.asr.transcript_formats, and the program's own
SUFFIXES = {"textgrid": "TextGrid"}
OPTIONS = (
    option("files", nargs="+", metavar="FILE", help="recording, folder (with its subfolders), pattern such as "
           "'*.wav', or - for a recording on standard input"),
    option("--format", choices=FORMATS, default="", help="format to write (default: a line for each recording)"),
    option("--out", type=output_folder, metavar="DIR",
           help="folder for a file of each recording, named as it is (default: standard output)"),
    *options.SPEECH, options.JSON)


def _transcribe(arguments: Arguments) -> int:
    """Transcribe each file by itself: an error in one is reported, and the rest goes on."""
    form = "json" if arguments.json and not arguments.format else arguments.format
    if arguments.out and not form:
        raise AudioError("--out needs --format: the kind of files to write.", "no_format")
    with TemporaryDirectory(prefix="brewclip-") as folder:
        paths = [path for name in arguments.files for path in _recordings(name, Path(folder))]
        if len(paths) > 1 and form not in ("", "txt", "json") and not arguments.out:
            raise AudioError(f"{len(paths)} recordings cannot share one {form} on standard output: name a folder with "
                             "--out.", "several")
        if arguments.out:
            _check_names(paths)
        return _write_each(arguments, paths, form)


def _write_each(arguments: Arguments, paths: list[Path], form: str) -> int:
    from core import audio

    entries: list[dict[str, Any]] = []
    with explorer(options.speech_settings(arguments)) as opened, progress() as report:
        for path in paths:
            name = INPUT if path.name == INPUT else str(path)
            try:
                waveform = audio.read(path)
                transcript = opened.transcribe_query(waveform, report)
            except BrewclipError as error:
                if error.kind == "missing" and path.exists():  # the recogniser's weights
                    raise
                entries.append({"path": name, "error": str(error)})
                note(f"brewclip: {error}")
                continue
            entries.append({"path": name, **transcript.to_json()})
            for sentence in transcript.notes:
                note(f"{shown(Path(name))}: {sentence}")
            if form != "json":
                _write(arguments.out, path, form, transcript, waveform.seconds, len(paths) > 1)
            elif arguments.out:
                _write_file(arguments.out / f"{path.stem}.json", as_json(entries[-1]) + "\n")
    if form == "json" and not arguments.out:
        print(as_json(entries))
    return FAILED if any("error" in entry for entry in entries) else OK


def _write(out: Path | None, path: Path, form: str, transcript: "Transcript", seconds: float, named: bool) -> None:
    from core.asr import transcript_formats

    if not form:
        print(_line(f"{path}: " if named else "", transcript))
        return
    text = transcript_formats.FORMATS[form](transcript, seconds)
    if out is None:
        print(text, end="")
    else:
        _write_file(out / f"{path.stem}.{SUFFIXES.get(form, form)}", text)


def _write_file(path: Path, text: str) -> None:
    from core import private_files

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        private_files.write_atomically(path, text.encode("utf-8", "surrogateescape"), private=False, durable=False)
    except OSError as error:
        raise AudioError(f"{path} could not be written: {error.strerror or error}. The files before it are whole.",
                         "not_written") from error
    note(f"Written: {shown(path)}")


def _recordings(name: str, folder: Path) -> Iterator[Path]:
    """Recordings that an argument names; standard input is kept in `folder`. AudioError ("empty")."""
    from core.datasets.draft import RECORDING_SUFFIXES

    path = Path(name)
    if name == INPUT:
        data = sys.stdin.buffer.read()
        if not data:
            raise AudioError("There is no recording on standard input.", "empty")
        (folder / INPUT).write_bytes(data)
        yield folder / INPUT
    elif path.is_dir() or (not path.exists() and any(letter in name for letter in "*?[")):
        found = path.rglob("*") if path.is_dir() else map(Path, glob(name, recursive=True))  # noqa: PTH207  (may be absolute)
        yield from sorted(each for each in found if each.suffix.lower() in RECORDING_SUFFIXES and each.is_file()) or [
            path]  # which is told as it is read
    else:
        yield path


def _check_names(paths: list[Path]) -> None:
    """AudioError ("same_names") where files of two recordings would have one name."""
    by_stem: dict[str, Path] = {}
    for path in paths:
        other = by_stem.setdefault(path.stem.casefold(), path)
        if other != path:
            raise AudioError(f"{other} and {path} would write files of one name into --out. Transcribe them apart. "
                             "Nothing was written.", "same_names")


def _line(name: str, transcript: "Transcript") -> str:
    original = f"  ({transcript.language}: {transcript.original})" if transcript.original else ""
    doubt = "  [doubtful]" if transcript.doubtful else ""
    return f"{name}{transcript.text or '[' + transcript.reason + ']'}{original}{doubt}"


TRANSCRIBE = Command("transcribe", "transcribe recordings", OPTIONS, _transcribe,
                     details="Subtitles and TextGrid have the words that were spoken, with their times.")
