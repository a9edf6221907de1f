"""Desktop notifications at the end of long jobs while the window is inactive."""

import os

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QApplication, QSystemTrayIcon, QWidget

from brewclip_app.jobs import Job, JobRunner
from brewclip_app.qt_imports import dbus

LONG = 30.0  # seconds a job must have run
PORTAL = "org.freedesktop.portal.Desktop"
NO_MARKUP = str.maketrans("<>", "‹›")  # desktops may render a message as markup


class Notifier(QObject):
    """Notifies through the system tray, the desktop portal where there is no tray (GNOME), or else by marking the task
    bar's entry.
    """

    def __init__(self, window: QWidget, jobs: JobRunner) -> None:
        super().__init__(window)
        self._window, self._jobs = window, jobs
        self._tray: QSystemTrayIcon | None = None
        jobs.job_finished.connect(self._tell)

    def tell(self, words: str) -> None:
        """Notify now."""
        if not (QSystemTrayIcon.isSystemTrayAvailable() and QSystemTrayIcon.supportsMessages()):
            if not _notify_by_portal(words.translate(NO_MARKUP)):
                QApplication.alert(self._window)
            return
        if self._tray is None:
            self._tray = QSystemTrayIcon(self._window.windowIcon(), self)
            self._tray.messageClicked.connect(self._raise)
            self._tray.activated.connect(lambda _: self._raise())
        self._tray.show()  # without an icon there is no message
        self._tray.showMessage(QApplication.applicationDisplayName(), words.translate(NO_MARKUP))

    def window_active(self) -> None:
        """Remove the tray icon: the window is active again."""
        if self._tray is not None:
            self._tray.hide()

    def _tell(self, job: Job) -> None:
        worth_saying = job.current and not job.quiet and not job.cancelled and job.seconds > LONG
        if worth_saying and not self._window.isActiveWindow() and not self._jobs.is_closing:
            self.tell(f"{job.name}: {'failed' if job.error is not None else 'finished'}")

    def _raise(self) -> None:
        self._window.setWindowState(self._window.windowState() & ~self._window.windowState().WindowMinimized)
        self._window.show()
        self._window.raise_()
        self._window.activateWindow()


def _notify_by_portal(words: str) -> bool:
    """Notify through xdg-desktop-portal; False where none runs."""
    bus = dbus.QDBusConnection.sessionBus() if dbus is not None else None
    if bus is None or not bus.isConnected():
        return False
    asked = dbus.QDBusMessage.createMethodCall("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus",
                                               "NameHasOwner")
    asked.setArguments([PORTAL])
    if bus.call(asked).arguments() != [True]:
        return False
    message = dbus.QDBusMessage.createMethodCall(PORTAL, "/org/freedesktop/portal/desktop",
                                                 "org.freedesktop.portal.Notification", "AddNotification")
    message.setArguments([f"job-{os.getpid()}", {"title": QApplication.applicationDisplayName(), "body": words}])
    return bool(bus.send(message))
