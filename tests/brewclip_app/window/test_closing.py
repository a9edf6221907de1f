"""Closing the window during jobs and training."""

import threading

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel

from brewclip_app import closing
from core.progress import Progress


def test_closing_waits_for_a_job_without_blocking(window, context, qtbot, monkeypatch):
    monkeypatch.setattr("brewclip_app.main_window.WORTH_SAYING", 0.0)
    steps = []
    started, gate = threading.Event(), threading.Event()

    def work(report):
        started.set()
        try:
            while True:
                report(Progress())
        finally:
            gate.wait(10)
            steps.append("stopped")

    context.jobs.submit("Indexing Holiday", work, key="index:Holiday")
    assert started.wait(10)
    window.closed.connect(lambda: steps.append("closed"))
    assert not window.close() and window.isVisible()
    assert "goes on next time where it stood" in window.banner.message.text()
    with qtbot.waitSignal(window.closed, timeout=10_000):
        gate.set()
    assert steps == ["stopped", "closed"] and window.waits_for_jobs()
    assert "closing" in window.panels["one"].calls


def test_closing_during_a_search_does_not_say_that_it_goes_on(window, context, qtbot, monkeypatch):
    monkeypatch.setattr("brewclip_app.main_window.WORTH_SAYING", 0.0)
    started, gate = threading.Event(), threading.Event()

    def work(report):
        started.set()
        assert gate.wait(10)

    context.jobs.submit("Searching", work, key="search")
    assert started.wait(10)
    assert not window.close()
    said = window.banner.message.text()
    assert said == "Stopping: Searching. Close again to leave without waiting."
    with qtbot.waitSignal(window.closed, timeout=10_000):
        gate.set()


def test_closing_says_that_it_waits_for_a_quiet_job(window, context, qtbot, monkeypatch):
    monkeypatch.setattr("brewclip_app.main_window.WAITING_MS", 0)
    started, gate = threading.Event(), threading.Event()
    context.jobs.submit("Loading models", lambda report: started.set() or gate.wait(20), quiet=True)
    assert started.wait(10)
    assert not window.close()
    qtbot.waitUntil(lambda: "closes when the current step has ended" in window.banner.message.text())
    with qtbot.waitSignal(window.closed, timeout=10_000):
        gate.set()


def test_a_second_close_does_not_wait(window, context, qtbot):
    started, gate = threading.Event(), threading.Event()
    context.jobs.submit("Deaf", lambda report: started.set() or gate.wait(20))
    assert started.wait(10)
    assert not window.close()
    with qtbot.waitSignal(window.closed):
        assert window.close()
    assert not window.waits_for_jobs()
    gate.set()


@pytest.fixture
def training(window, context, monkeypatch):
    """A job that follows a run; it ends when the run is paused."""
    gate, paused, started = threading.Event(), [], threading.Event()

    def follow(report):
        started.set()
        while not gate.wait(0.01):
            report(Progress(done=1, total=2))

    def pause(path):
        paused.append(path.name)
        gate.set()

    monkeypatch.setattr(context.training, "pause", pause)
    context.jobs.submit("Training run <b>7</b>", follow, key="train:/runs/<b>7<b>")
    assert started.wait(10)
    yield paused
    gate.set()


def question(window):
    [found] = window.findChildren(closing.TrainingQuestion)
    assert found.isVisible()
    return found


def test_closing_during_training_asks_and_esc_stays(window, context, training, qtbot):
    assert not window.close()
    asked = question(window)
    assert not window.close() and question(window) is asked, "one question"
    assert all(each.textFormat() == Qt.TextFormat.PlainText for each in asked.findChildren(QLabel))
    qtbot.keyClick(asked, Qt.Key.Key_Escape)
    assert window.isVisible() and not training and context.jobs.running(), "it stays, and training goes on"


def test_closing_and_letting_training_go_on(window, context, training, qtbot):
    window.close()
    with qtbot.waitSignal(window.closed):
        question(window).goes_on.click()
    assert not training


def test_stopping_training_closes_once_it_has_ended(window, context, training, qtbot):
    window.close()
    with qtbot.waitSignal(window.closed):
        question(window).stops.click()
        assert "saves and stops" in window.banner.message.text()
    assert training == ["<b>7<b>"]


def test_a_signal_closes_without_a_question(window, training, qtbot):
    with qtbot.waitSignal(window.closed):
        window.close_unasked()
    assert not window.findChildren(closing.TrainingQuestion) and not training
