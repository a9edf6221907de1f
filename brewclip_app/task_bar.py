"""Progress of the longest running job on the program's entry in the task bar, where the desktop shows it.

Linux: the signal `com.canonical.Unity.LauncherEntry.Update` on the session bus, which KDE Plasma and the docks of GNOME
understand. On Windows and macOS nothing is shown.
"""

from collections.abc import Callable

from PySide6.QtCore import QObject, QTimer

from brewclip_app.jobs import Job, JobRunner
from brewclip_app.qt_imports import dbus

LONG = 2.0  # seconds a job must have run
AFTER_MS = 500  # between two signals at least
INTERFACE, PLACE = "com.canonical.Unity.LauncherEntry", "/org/brewclip/Explorer"


class TaskBarProgress(QObject):
    """Publishes the share, 0 to 1, of the job that has run longest and says how far it is; None when there is none."""

    def __init__(self, jobs: JobRunner, publish: Callable[[float | None], object], parent: QObject | None = None
                 ) -> None:
        super().__init__(parent)
        self._jobs, self._publish = jobs, publish
        self._shown: float | None = None
        self._later = QTimer(self, singleShot=True, interval=AFTER_MS)
        self._later.timeout.connect(self._show)
        for signal in (jobs.job_progress, jobs.job_finished):
            signal.connect(lambda _: self._later.isActive() or self._later.start())

    def close(self) -> None:
        """Take the progress away: the program ends."""
        self._later.stop()
        self._tell(None)

    def _show(self) -> None:
        shares = [share for job in self._jobs.running() if job.seconds > LONG
                  if (share := _share(job)) is not None]
        self._tell(shares[0] if shares else None)

    def _tell(self, share: float | None) -> None:
        if share != self._shown:
            self._shown = share
            self._publish(share)


def _share(job: Job) -> float | None:
    done, total = job.progress.bar
    return round(min(done / total, 1.0), 2) if total > 0 and not job.cancelled else None


def publish(desktop_id: str) -> Callable[[float | None], object]:
    """A function that shows a share on the entry of the desktop file of that id, or takes it away."""
    def send(share: float | None) -> None:
        bus = dbus.QDBusConnection.sessionBus() if dbus is not None else None
        if bus is not None and bus.isConnected():
            message = dbus.QDBusMessage.createSignal(PLACE, INTERFACE, "Update")
            message.setArguments([f"application://{desktop_id}.desktop",
                                  {"progress": share or 0.0, "progress-visible": share is not None}])
            bus.send(message)

    return send
