"""Files that come into the Search panel: dropped, or chosen in a dialog. Recordings, pictures, folders, words."""

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QMimeData, QObject, Signal
from PySide6.QtWidgets import QWidget

from brewclip_app.widgets.drops import folders_of
from brewclip_app.widgets.file_dialogs import ask_file
from core.progress import Report

if TYPE_CHECKING:
    from brewclip_app.context import Context
    from core.audio import Waveform

RECORDINGS = ("Recordings (*.wav *.flac *.mp3 *.ogg *.opus *.m4a *.aac *.wma *.aiff *.webm *.mp4)", "All files (*)")


class Intake(QObject):
    """Tells what came in; reading happens in jobs. A sign of 0 is the main term, +1 adds, -1 takes away."""

    voice = Signal(object, int)  # Waveform, sign
    picture = Signal(object, int)  # Path, sign
    words = Signal(str)
    folder = Signal(object)  # Path
    problem = Signal(str)

    def __init__(self, context: "Context", owner: QWidget) -> None:
        super().__init__(owner)
        self._context, self._owner = context, owner

    def wants(self, data: QMimeData) -> bool:
        """Whether something dragged over the panel can be taken."""
        return any(url.isLocalFile() for url in data.urls()) or data.hasText()

    def take(self, data: QMimeData) -> None:
        """Take what was dropped: the first folder, else the pictures, else the first recording, else the words."""
        from core.images import IMAGE_SUFFIXES

        paths = [Path(url.toLocalFile()) for url in data.urls() if url.isLocalFile()]
        folders = folders_of(data)
        pictures = [path for path in paths if path.suffix.lower() in IMAGE_SUFFIXES]
        if folders:
            self.folder.emit(folders[0])
        elif pictures:
            for path in pictures:
                self.picture.emit(path, 1)
        elif paths:
            self.read_voice(paths[0])
        elif data.text().strip():
            self.words.emit(" ".join(data.text().split()))

    def choose_recording(self, sign: int = 0) -> None:
        """Let the user choose a recording."""
        ask_file(self._owner, "recording", "A recording", RECORDINGS, lambda path: self.read_voice(path, sign))

    def choose_picture(self, sign: int = 1) -> None:
        """Let the user choose a picture."""
        from core.images import IMAGE_SUFFIXES

        names = " ".join(sorted(f"*{suffix}" for suffix in IMAGE_SUFFIXES))
        ask_file(self._owner, "picture", "A picture", (f"Pictures ({names})", "All files (*)"),
                 lambda path: self.picture.emit(path, sign))

    def read_voice(self, path: Path, sign: int = 0) -> None:
        """Read a recording."""
        def read(report: Report) -> "Waveform":
            from core import audio

            return audio.read(path)

        self._context.jobs.submit(f"Reading {path.name}", read, key="recording",
                                  on_done=lambda waveform: self.voice.emit(waveform, sign),
                                  on_failed=lambda error: self.problem.emit(str(error)))
