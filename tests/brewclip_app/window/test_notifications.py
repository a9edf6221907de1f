"""Notifications of finished jobs while the window is inactive."""

import threading
from types import SimpleNamespace

import pytest

from brewclip_app import notifications
from brewclip_app.main_window import MainWindow
from core.errors import StoreError
from core.progress import Progress


class Tray:
    """What the notifier takes of a system tray."""

    there, told = True, []

    def __init__(self, icon, parent):
        self.messageClicked = self.activated = SimpleNamespace(connect=lambda do: None)

    isSystemTrayAvailable = supportsMessages = staticmethod(lambda: Tray.there)

    def show(self):
        self.told.append("shown")

    def hide(self):
        self.told.append("hidden")

    def showMessage(self, title, words):
        self.told.append(words)


@pytest.fixture
def notified(window, monkeypatch):
    """What the user is told while the window is not active: jobs are long at once."""
    told = []
    monkeypatch.setattr(notifications, "LONG", -1.0)
    monkeypatch.setattr(notifications, "QSystemTrayIcon", Tray)
    monkeypatch.setattr(notifications.QApplication, "alert", lambda widget, ms=0: told.append("alert"))
    monkeypatch.setattr(MainWindow, "isActiveWindow", lambda self: False)
    monkeypatch.setattr(notifications, "dbus", None)  # that of the desktop that the tests run on
    monkeypatch.setattr(Tray, "told", told)
    return told


def run_job(context, qtbot, work=lambda report: None, **kind):
    job = context.jobs.submit("Indexing Holiday", work, on_failed=lambda error: None, **kind)
    qtbot.waitUntil(lambda: job not in context.jobs._running)
    return job


def test_the_end_of_a_long_job_is_told(window, context, qtbot, notified, monkeypatch):
    def fail(report):
        raise StoreError("no")

    run_job(context, qtbot)
    run_job(context, qtbot, fail)
    assert notified == ["shown", "Indexing Holiday: finished", "shown", "Indexing Holiday: failed"]
    window.notifier.window_active()
    assert notified.pop() == "hidden"
    notified.clear()
    monkeypatch.setattr(Tray, "there", False)
    run_job(context, qtbot)
    assert notified == ["alert"]


def test_nothing_is_told_of_quiet_short_and_cancelled_jobs_nor_to_who_is_there(window, context, qtbot, notified,
                                                                              monkeypatch):
    run_job(context, qtbot, quiet=True)
    gate = threading.Event()
    job = context.jobs.submit("Long", lambda report: (gate.wait(10), report(Progress(done=1, total=2))))
    job.cancel()
    gate.set()
    qtbot.waitUntil(lambda: job not in context.jobs._running)
    monkeypatch.setattr(MainWindow, "isActiveWindow", lambda self: True)
    run_job(context, qtbot)
    monkeypatch.setattr(MainWindow, "isActiveWindow", lambda self: False)
    monkeypatch.setattr(notifications, "LONG", 1000.0)
    run_job(context, qtbot)
    assert notified == []
