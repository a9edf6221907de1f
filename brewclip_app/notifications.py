"""Desktop notifications at the end of long jobs while the window is inactive."""

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QApplication, QSystemTrayIcon, QWidget

from brewclip_app.jobs import Job, JobRunner

LONG = 30.0  # seconds a job must have run
NO_MARKUP = str.maketrans("<>", "‹›")  # desktops may render a message as markup


class Notifier(QObject):
    """Notifies through the system tray where there is one, else by marking the task bar's entry."""

    def __init__(self, window: QWidget, jobs: JobRunner) -> None:
        super().__init__(window)
        self._window, self._jobs = window, jobs
        self._tray: QSystemTrayIcon | None = None
        jobs.job_finished.connect(self._tell)

    def tell(self, words: str) -> None:
        """Notify now."""
        if not (QSystemTrayIcon.isSystemTrayAvailable() and QSystemTrayIcon.supportsMessages()):
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
