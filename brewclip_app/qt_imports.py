"""Qt's modules that panels need later, imported before any thread runs.

Measured with PySide6 6.11: importing one of its modules on the window's thread while another thread imports anything
can stop both for ever (shiboken's import hook and the interpreter's lock wait for each other). So QtDBus is imported
with the window, and its classes are touched here, as they too are made at first use. The rest is loaded by `start`,
until when jobs are held (`JobRunner.hold`).
"""

import contextlib
from typing import Any

dbus: Any = None
try:
    import PySide6.QtDBus

    dbus = PySide6.QtDBus
    for _name in ("QDBusConnection", "QDBusInterface", "QDBusMessage"):
        getattr(dbus, _name)
except ImportError:  # not on every system; the folder is opened then
    pass


def start() -> None:
    """Import what pyqtgraph takes of Qt when a panel that draws curves is first shown."""
    with contextlib.suppress(ImportError):
        import PySide6.QtOpenGL
        import PySide6.QtOpenGLWidgets
        import PySide6.QtTest  # noqa: F401
