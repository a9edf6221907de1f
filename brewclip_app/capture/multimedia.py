"""QtMultimedia and QtDBus, imported before any thread runs.

Measured with PySide6 6.11: importing one of its modules on the window's thread while another thread imports anything
can stop both for ever (shiboken's import hook and the interpreter's lock wait for each other). So they are imported
with the window, 11 ms, and their classes are touched here, as they too are made at first use.

The back end is loaded by `start`, for the same reason before a thread imports anything: seen in a debugger, a job's
import held the interpreter's lock and waited for the dynamic loader's, while Qt, loading its plugin on the window's
thread, held the loader's and waited for the interpreter's. So jobs are held (`JobRunner.hold`) until it is loaded.
"""

import contextlib
from typing import Any

multimedia: Any = None
dbus: Any = None
problem = ""  # why there is no QtMultimedia: a system library is missing
try:
    import PySide6.QtMultimedia

    multimedia = PySide6.QtMultimedia
    for _name in ("QAudioFormat", "QAudioSink", "QMediaDevices", "QtAudio"):
        getattr(multimedia, _name)
except ImportError as error:
    problem = str(error)
try:
    import PySide6.QtDBus

    dbus = PySide6.QtDBus
    for _name in ("QDBusConnection", "QDBusInterface", "QDBusMessage"):
        getattr(dbus, _name)
except ImportError:  # not on every system; the folder is opened then
    pass


def start() -> None:
    """Load Qt's audio back end, on the window's thread, while no other thread imports."""
    if multimedia is not None:
        multimedia.QMediaDevices.audioInputs()
    with contextlib.suppress(ImportError):  # what pyqtgraph takes of Qt, when a panel that draws curves is first shown
        import PySide6.QtOpenGL
        import PySide6.QtOpenGLWidgets
        import PySide6.QtTest  # noqa: F401
