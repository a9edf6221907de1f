"""Start of the application: window first, heavy imports after the first paint, uncaught errors reported."""

import argparse
import contextlib
import logging
import logging.handlers
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Sequence
from importlib.resources import files
from io import TextIOWrapper
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QSize, QSocketNotifier, QTimer, QtMsgType, Signal, qInstallMessageHandler
from PySide6.QtGui import QIcon, QImage
from PySide6.QtWidgets import QApplication

from brewclip_app import (  # qt_imports before any thread runs; its docstring says why
    localisation,
    opening,
    qt_imports,
    tasks,
    theme,
)
from brewclip_app.context import Context
from brewclip_app.garbage import GarbageCollector
from brewclip_app.localisation import _
from brewclip_app.main_window import PANELS, MainWindow
from brewclip_app.task_bar import TaskBarProgress, publish
from core import __version__, private_files
from core.errors import SettingsError
from core.home import Home, find_home

if TYPE_CHECKING:
    import asyncio

log = logging.getLogger("brewclip_app")
DESKTOP_ID = "org.brewclip.Explorer"
ICON = Path(str(files("resources"))) / "desktop" / f"{DESKTOP_ID}.svg"
SHUTDOWN_S = 10
SHOT_SETTLED_S = 0.6  # the same for so long: the panel has all it shows
SHOT_PATIENCE_S = 120.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `brewclip-app` and return its exit code."""
    options = _parser().parse_args(arguments)
    try:
        home = find_home()
    except SettingsError as error:
        print(f"brewclip-app: {error}", file=sys.stderr)
        return 2
    home.protect()
    if options.paths and not options.screenshot and opening.hand_over(home, options.paths):
        return 0
    _log_to(home)
    app = QApplication.instance() or QApplication(sys.argv[:1])
    assert isinstance(app, QApplication)
    app.setApplicationName("brewclip-explorer")
    app.setApplicationDisplayName("BrewCLIP Explorer")
    app.setDesktopFileName(DESKTOP_ID)
    localisation.install_qt_texts(app)
    GarbageCollector(app)
    context = Context(home)
    if options.screenshot:  # a picture for somebody else: the user's window stays as it was
        context.state.freeze()
    theme.apply(app, options.theme or str(context.settings["appearance.theme"]))
    app.setWindowIcon(QIcon(str(ICON)))
    window = MainWindow(context)
    bar = TaskBarProgress(context.jobs, publish(DESKTOP_ID), window)
    window.closed.connect(bar.close)
    uncaught = Uncaught()
    uncaught.happened.connect(window.banner.show_error)
    interrupts = _close_on_signals(window.close_unasked)
    _open(window, options)
    code = _run(app, window, context, uncaught)
    del interrupts
    return code


class Uncaught(QObject):
    """Handler of uncaught exceptions of all threads: they go to the log and the banner and never end the program."""

    happened = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        sys.excepthook = self._take
        threading.excepthook = lambda args: self._take(args.exc_type, args.exc_value, args.exc_traceback)

    def log_loop_error(self, loop: "asyncio.AbstractEventLoop", facts: dict[str, object]) -> None:
        """Handle the exception of a task that nobody awaited."""
        error = facts.get("exception")
        if isinstance(error, BaseException):
            self._take(type(error), error, error.__traceback__)
        else:
            log.error("asyncio: %s", facts.get("message"))

    def _take(self, kind: type[BaseException], error: BaseException | None, trace: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            return
        log.error("uncaught", exc_info=(kind, error or kind(), trace))
        self.happened.emit(error or kind())


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("brewclip-app", description="Speak a description and see the matching pictures.")
    parser.add_argument("paths", nargs="*", type=_path, metavar="PATH",
                        help="a folder to add, pictures or a recording to search with; an open window takes them")
    parser.add_argument("--version", action="version", version=f"BrewCLIP Explorer {__version__}")
    parser.add_argument("--gallery", default="", help="open this gallery")
    parser.add_argument("--panel", choices=[entry.key for entry in PANELS], help="show this panel first")
    parser.add_argument("--theme", choices=["system", "light", "dark"], help="for this start only")
    parser.add_argument("--speech", type=Path, help="search with this recording, or take it apart: --panel inspect")
    parser.add_argument("--text", default="", help="search with these words at once")
    parser.add_argument("--screenshot", type=Path, metavar="FILE", help="save a picture of the window and quit")
    parser.add_argument("--size", type=_size, metavar="WxH", help="size of the window, such as 1280x800")
    return parser


def _path(text: str) -> Path:
    path = Path(text).absolute()
    if not path.exists():
        raise argparse.ArgumentTypeError(f"there is no {text}")
    return path


def _size(text: str) -> QSize:
    try:
        width, height = (int(part) for part in text.lower().split("x"))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a size such as 1280x800") from None
    return QSize(width, height)


def _open(window: MainWindow, options: argparse.Namespace) -> None:
    if options.size:
        window.resize(options.size)
    if options.gallery:
        window.context.set_gallery(options.gallery)
    window.first_panel = options.panel or ("search" if options.gallery else "")
    window.context.jobs.hold()
    window.first_painted.connect(lambda: _after_first_paint(window, options))
    window.show()


def _after_first_paint(window: MainWindow, options: argparse.Namespace) -> None:
    if os.environ.get("BREWCLIP_TRACE_START"):
        print(f"first paint after {since_start_ms():.0f} ms ({time.process_time() * 1000:.0f} ms of CPU time)",
              file=sys.stderr, flush=True)
    qt_imports.start()
    window.context.jobs.release()
    unread = window.context.settings.unread
    if unread is not None:
        window.banner.show_message(_("The settings could not be read, so the defaults are used. The file is kept as "
                                     "{unread}.").format(unread=unread), "care")
    if not options.screenshot:
        window.other_window.look()
    window.context.downloads.refresh()
    window.context.indexing.resume()
    window.context.watching.start()
    window.context.tidy_up()
    window.context.training.reload()  # what trained on while the window was closed is followed again
    window.refresh_engine()
    if options.speech or options.text:
        from brewclip_app.panels.base import Inspection, Question
        payload = Inspection if options.panel == "inspect" else Question
        window.show_panel("inspect" if payload is Inspection else "search",
                          payload(text=options.text, speech=options.speech))
    if options.paths:
        opening.show(window, options.paths)
    requests = opening.OpenRequests(window.context.home, window)
    requests.received.connect(lambda paths: _open_requested(window, paths))
    requests.start()
    if options.screenshot:
        Photographer(window, options.screenshot).start()


def _open_requested(window: MainWindow, paths: Sequence[Path]) -> None:
    opening.raise_window(window)
    opening.show(window, paths)


class Photographer(QObject):
    """Saves a screenshot once no job runs and the window has not changed for a while, then closes the window."""

    def __init__(self, window: MainWindow, path: Path) -> None:
        super().__init__(window)
        self._window, self._path = window, path
        self._began = self._same_since = time.monotonic()
        self._last = QImage()
        QApplication.setCursorFlashTime(0)
        self._timer = QTimer(self, interval=100)
        self._timer.timeout.connect(self._look)

    def start(self) -> None:
        """Start waiting."""
        self._timer.start()

    def _look(self) -> None:
        now = time.monotonic()
        picture = self._window.grab().toImage()
        if picture != self._last or not self._window.context.jobs.is_idle():
            self._last, self._same_since = picture, now
        if now - self._same_since > SHOT_SETTLED_S or now - self._began > SHOT_PATIENCE_S:
            self._timer.stop()
            self._path.parent.mkdir(parents=True, exist_ok=True)
            if not picture.save(str(self._path)):
                print(f"The picture could not be written to {self._path}.", file=sys.stderr)
            self._window.close_unasked()


def _run(app: QApplication, window: MainWindow, context: Context, uncaught: Uncaught) -> int:
    app.processEvents()  # paint before asyncio is imported
    tasks.loop().set_exception_handler(uncaught.log_loop_error)
    app.setQuitOnLastWindowClosed(False)  # the window says when it is over
    window.closed.connect(app.quit)
    if not window.is_over:  # it may have been closed before there was a loop to stop
        app.exec()
    tasks.abandon()
    ended = context.jobs.shutdown(SHUTDOWN_S if window.waits_for_jobs() else 0)
    context.close()
    if not ended:  # a thread that does not look at its report: the store is safe, its transactions are short
        log.warning("left without waiting for %s", [job.name for job in context.jobs.running(quiet=True)])
        os._exit(0)
    return 0


def _close_on_signals(close: Callable[[], object]) -> list[object]:
    """Close the window on SIGINT and SIGTERM. Python's handlers run only when Qt's loop wakes: a socket wakes it."""
    reader, writer = socket.socketpair()
    for end in (reader, writer):
        end.setblocking(False)
    signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_unused: None)
    notifier = QSocketNotifier(reader.fileno(), QSocketNotifier.Type.Read)

    def woken() -> None:
        with contextlib.suppress(BlockingIOError):
            if set(reader.recv(64)) & {signal.SIGINT, signal.SIGTERM}:
                close()

    notifier.activated.connect(woken)
    return [notifier, reader, writer]


class PrivateLog(logging.handlers.RotatingFileHandler):
    """Log handler whose files are as private as their folder."""

    def _open(self) -> TextIOWrapper:
        stream = super()._open()
        private_files.inherit(Path(self.baseFilename))
        return stream


def _log_to(home: Home) -> None:
    """Log warnings and errors to a file in the home; without one where the home cannot be written."""
    logging.getLogger().setLevel(logging.INFO)
    with contextlib.suppress(OSError):
        private_files.make_folder(home.log.parent)
        handler = PrivateLog(home.log, maxBytes=1_000_000, backupCount=2, encoding="utf-8",
                             delay=True)
        handler.setLevel(logging.WARNING)
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
        logging.getLogger().addHandler(handler)
    qInstallMessageHandler(_log_qt_message)


def _log_qt_message(kind: QtMsgType, context: object, text: str) -> None:
    levels = {QtMsgType.QtWarningMsg: logging.INFO, QtMsgType.QtCriticalMsg: logging.ERROR,
              QtMsgType.QtFatalMsg: logging.CRITICAL}
    logging.getLogger("qt").log(levels.get(kind, logging.DEBUG), "%s", text)


def since_start_ms() -> float:
    """Milliseconds since this process began (Linux: since the kernel made it; elsewhere since this module's import)."""
    with contextlib.suppress(OSError, ValueError, IndexError, AttributeError):
        ticks = int(Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19])
        began = ticks / os.sysconf("SC_CLK_TCK")
        return (time.clock_gettime(time.CLOCK_BOOTTIME) - began) * 1000
    return (time.monotonic() - _IMPORTED) * 1000


_IMPORTED = time.monotonic()
