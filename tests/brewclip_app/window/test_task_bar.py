"""Progress in the task bar."""

import shutil
import subprocess
import sys
import threading

import pytest

from brewclip_app import task_bar
from brewclip_app.jobs import JobRunner
from brewclip_app.task_bar import TaskBarProgress
from core.progress import Progress

PROGRAM = """
import sys
from PySide6.QtCore import QCoreApplication
app = QCoreApplication([])
from brewclip_app.notifications import _notify_by_portal
from brewclip_app.task_bar import publish
print(_notify_by_portal("Indexing: finished"))
show = publish("org.brewclip.Explorer")
show(0.25)
show(None)
from PySide6.QtDBus import QDBusConnection, QDBusMessage
asked = QDBusMessage.createMethodCall("org.freedesktop.DBus", "/", "org.freedesktop.DBus", "GetId")
QDBusConnection.sessionBus().call(asked)  # the signals have left when it is answered
"""


@pytest.fixture
def jobs(qapp):
    made = JobRunner()
    yield made
    assert made.shutdown(20)


def test_the_share_of_a_long_job_is_shown_and_goes_with_it(jobs, qtbot, monkeypatch):
    monkeypatch.setattr(task_bar, "LONG", -1.0)
    monkeypatch.setattr(task_bar, "AFTER_MS", 1)
    shown, gate = [], threading.Event()
    bar = TaskBarProgress(jobs, shown.append)

    def work(report):
        report(Progress(done=1, total=4))
        assert gate.wait(20)

    jobs.submit("Long", work)
    quiet = jobs.submit("Quiet", lambda report: (report(Progress(done=3, total=4)), gate.wait(20)), quiet=True)
    qtbot.waitUntil(lambda: shown == [0.25])
    assert quiet in jobs.running(quiet=True)
    gate.set()
    qtbot.waitUntil(lambda: shown == [0.25, None])
    bar.close()
    assert shown == [0.25, None]


def test_jobs_that_are_short_or_do_not_say_how_far_they_are_are_not_shown(jobs, qtbot, monkeypatch):
    monkeypatch.setattr(task_bar, "AFTER_MS", 1)
    shown, gate = [], threading.Event()
    bar = TaskBarProgress(jobs, shown.append)
    jobs.submit("Short", lambda report: (report(Progress(done=1, total=4)), gate.wait(20)))
    with qtbot.waitSignal(bar._later.timeout):
        pass
    monkeypatch.setattr(task_bar, "LONG", -1.0)
    gate.set()
    gate = threading.Event()
    jobs.submit("Endless", lambda report: (report(Progress(done=5, total=0)), gate.wait(20)))
    with qtbot.waitSignal(bar._later.timeout):
        pass
    gate.set()
    assert shown == []


@pytest.mark.skipif(not shutil.which("dbus-run-session") or not shutil.which("dbus-monitor"), reason="needs D-Bus")
def test_the_bus_carries_the_signal_that_desktops_know(tmp_path):
    script = ('dbus-monitor --session "interface=com.canonical.Unity.LauncherEntry" > "$1" & '
              'until grep -q NameLost "$1"; do sleep 0.05; done; "$2" -c "$3"; '
              'until [ "$(grep -c progress-visible "$1")" = 2 ]; do sleep 0.05; done')
    seen = tmp_path / "seen"
    done = subprocess.run(["dbus-run-session", "--", "bash", "-c", script, "bash", seen, sys.executable, PROGRAM],
                          capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "False"  # no portal runs there
    text = seen.read_text()
    assert "application://org.brewclip.Explorer.desktop" in text
    assert "double 0.25" in text
    assert text.count("boolean true") == text.count("boolean false") == 1
