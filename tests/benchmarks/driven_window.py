"""The real window, driven by key events and by recordings played into the system's microphone (PulseAudio)."""

import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from brewclip_app import qt_imports, tasks, theme
from brewclip_app.capture.recording import Recording
from brewclip_app.context import Context
from brewclip_app.garbage import GarbageCollector
from brewclip_app.main_window import MainWindow
from brewclip_app.panels.search.panel import SearchPanel
from core.explorer import Explorer

PATIENCE_S = 60.0


class Paints(QObject):
    """Monotonic time of the latest paint of a widget."""

    def __init__(self) -> None:
        super().__init__()
        self.latest = 0.0

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Paint:
            self.latest = time.monotonic()
        return False


class DrivenWindow:
    """A window over an explorer with loaded models, its Search panel in front and the microphone open."""

    def __init__(self, explorer: Explorer, gallery: str, scheme: str = "light", width: int = 1280, height: int = 800
                 ) -> None:
        app = QApplication.instance() or QApplication([])
        assert isinstance(app, QApplication)
        self.app = app
        GarbageCollector(app)
        theme.apply(app, scheme)
        self.context = Context(explorer.home, explorer)
        self.window = MainWindow(self.context)
        self.window.resize(width, height)
        self.context.set_gallery(gallery)
        self.window.show()
        app.processEvents()
        qt_imports.start()
        tasks.loop()
        self.window.show_panel("search")
        self.panel = next(iter(self.window.findChildren(SearchPanel)))
        self.recordings: list[Recording] = []
        self.paints = Paints()
        self.panel.results.grid.viewport().installEventFilter(self.paints)
        self.panel.voice.microphone.finished.connect(self.recordings.append)
        self.until(lambda: self.panel.voice.microphone.state == "ready")
        self.until(lambda: self.panel.controller.state.gallery is not None and not self.panel.controller.state.loading)

    def __enter__(self) -> "DrivenWindow":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
                 ) -> None:
        self.window.close_unasked()
        tasks.abandon()
        self.context.jobs.shutdown(10)
        self.context.close()

    def until(self, condition: Callable[[], object]) -> None:
        """Run the window until a condition holds. TimeoutError after `PATIENCE_S`."""
        late = time.monotonic() + PATIENCE_S
        while not condition():
            QTest.qWait(2)
            if time.monotonic() > late:
                raise TimeoutError(f"The window is {self.panel.controller.state}.")

    def run_for(self, seconds: float) -> None:
        """Run the window for a while."""
        QTest.qWait(round(seconds * 1000))

    def press(self, refine: bool = False) -> None:
        """Hold Space, with Shift to refine; returns when the microphone records."""
        shift = Qt.KeyboardModifier.ShiftModifier if refine else Qt.KeyboardModifier.NoModifier
        QTest.keyPress(self.panel, Qt.Key.Key_Space, shift)
        self.until(lambda: self.panel.voice.microphone.state == "recording")

    def release(self) -> float:
        """Let Space go; the monotonic time of that."""
        when = time.monotonic()
        QTest.keyRelease(self.panel, Qt.Key.Key_Space)
        return when

    def play(self, sound: Path) -> None:
        """Play a recording into the microphone to its end, while the window runs."""
        player = subprocess.Popen(["paplay", str(sound)])
        self.until(lambda: player.poll() is not None)

    def until_answered(self) -> float:
        """Wait for the end's own results on the screen; the monotonic time of their paint."""
        state = self.panel.controller
        self.until(lambda: self.panel.voice.microphone.state == "ready" and not state.state.recording)
        self.until(lambda: state.state.searching or state.state.answer is None or not state.state.partial)
        self.until(lambda: not state.state.searching and not state.state.partial)
        answered = time.monotonic()
        self.panel.results.grid.viewport().update()
        self.until(lambda: self.paints.latest >= answered)
        return self.paints.latest
