"""Recordings, images, folders and text that are dropped on a panel or chosen in a dialog."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QMimeData
from PySide6.QtWidgets import QWidget

from brewclip_app import tasks
from brewclip_app.localisation import _, localised
from brewclip_app.widgets.file_dialogs import ask_file
from core.errors import BrewclipError
from core.progress import Report

if TYPE_CHECKING:
    from brewclip_app.context import Context
    from brewclip_app.jobs import JobRunner
    from core.audio import Waveform

RECORDINGS = (_("Recordings (*.wav *.flac *.mp3 *.ogg *.opus *.m4a *.aac *.wma *.aiff *.webm *.mp4)"),
              _("All files (*)"))


class Intake:
    """Drops and file dialogs of a panel, given to functions; recordings are read in jobs.

    A sign of 0 is a query's main term, +1 includes a term, -1 excludes it. `problem` takes a sentence.
    """

    def __init__(self, context: "Context", owner: QWidget, *, recording: "Callable[[Waveform, int], object]",
                 problem: Callable[[str], object], image: Callable[[Path, int], object] = lambda path, sign: None,
                 text: Callable[[str], object] = lambda text: None,
                 folder: Callable[[Path], object] = lambda folder: None) -> None:
        self._context, self._owner = context, owner
        self._recording, self._problem, self._image, self._text, self._folder = recording, problem, image, text, folder

    def wants(self, data: QMimeData) -> bool:
        """Whether something dragged over the panel can be taken."""
        return any(url.isLocalFile() for url in data.urls()) or data.hasText()

    def take(self, data: QMimeData) -> None:
        """Take what was dropped: the first folder, else the pictures, else the first recording, else the text."""
        from core.images import IMAGE_SUFFIXES

        paths = [Path(url.toLocalFile()) for url in data.urls() if url.isLocalFile()]
        folders = folders_of(data)
        pictures = [path for path in paths if path.suffix.lower() in IMAGE_SUFFIXES]
        if folders:
            self._folder(folders[0])
        elif pictures:
            for path in pictures:
                self._image(path, 1)
        elif paths:
            self.read_recording(paths[0])
        elif data.text().strip():
            self._text(" ".join(data.text().split()))

    def choose_recording(self, sign: int = 0) -> None:
        """Let the user choose a recording."""
        ask_file(self._owner, "recording", _("A recording"), RECORDINGS, partial(self.read_recording, sign=sign))

    def choose_picture(self, sign: int = 1) -> None:
        """Let the user choose a picture."""
        from core.images import IMAGE_SUFFIXES

        names = " ".join(sorted(f"*{suffix}" for suffix in IMAGE_SUFFIXES))
        ask_file(self._owner, "picture", _("A picture"),
                 (_("Pictures ({names})").format(names=names), _("All files (*)")),
                 lambda path: self._image(path, sign))

    def read_recording(self, path: Path, sign: int = 0) -> None:
        """Read a recording."""
        tasks.start(self._read(path, sign))

    async def _read(self, path: Path, sign: int) -> None:
        try:
            waveform = await read_recording(self._context.jobs, path)
        except BrewclipError as error:
            self._problem(localised(error))
        else:
            self._recording(waveform, sign)


async def read_recording(jobs: "JobRunner", path: Path) -> "Waveform":
    """Recording from a file, read in a job. AudioError if it is none."""
    def read(report: Report) -> "Waveform":
        from core import audio
        return audio.read(path)

    return await jobs.run(_("Reading {name}").format(name=path.name), read, key="recording")


def folders_of(data: QMimeData) -> list[Path]:
    """Local folders among the dragged items; files are ignored."""
    paths = [Path(url.toLocalFile()) for url in data.urls() if url.isLocalFile()]
    return [path for path in paths if path.is_dir()]
