"""Cycles are collected on the GUI thread: never by a job, and in time."""

import gc
import subprocess
import sys
import threading

import pytest

from brewclip_app import garbage
from brewclip_app.garbage import GarbageCollector

PROGRAM = """
import gc, sys, threading
from PySide6.QtCore import QCoreApplication, QObject, Qt
from brewclip_app.garbage import GarbageCollector
app = QCoreApplication(sys.argv)
collector = GarbageCollector(app) if sys.argv[1] == "with" else None
main, threads = threading.get_ident(), set()
def make():
    for _ in range(50):
        thing = QObject()
        thing.itself = thing
        thing.destroyed.connect(lambda: threads.add(threading.get_ident()), Qt.ConnectionType.DirectConnection)
kept = []
def work():
    for _ in range(200_000):  # what makes Python collect
        kept.append([])
        if len(kept) > 5000:
            kept.clear()
make()
thread = threading.Thread(target=work)
thread.start()
thread.join()
if collector:
    collector.collect()
print("other" if threads - {main} else "main" if threads else "none")
"""


@pytest.fixture
def collector(qapp):
    enabled = gc.isenabled()
    made = GarbageCollector(qapp)
    yield made
    made.deleteLater()
    if enabled:
        gc.enable()


@pytest.mark.parametrize(("how", "where"), [("without", "other"), ("with", "main")])
def test_widgets_end_on_the_thread_of_the_window(how, where):
    done = subprocess.run([sys.executable, "-c", PROGRAM, how], capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == where or (how == "without" and done.returncode < 0), done.stderr  # or it crashed


def test_garbage_goes_while_the_window_runs(collector, qtbot):
    class Thing:
        pass

    gone = threading.Event()
    for _ in range(1000):
        thing = Thing()
        thing.itself = thing
    thing.__class__.__del__ = lambda self: gone.set()
    del thing
    qtbot.waitUntil(gone.is_set, timeout=5000)
    assert not gc.isenabled()


def test_the_oldest_generation_waits_for_its_turn(collector, monkeypatch):
    collected, counts = [], (701, 11, 11)
    monkeypatch.setattr(garbage.gc, "get_count", lambda: counts)
    monkeypatch.setattr(garbage.gc, "collect", lambda generation: collected.append(generation))
    monkeypatch.setattr(collector, "_thresholds", (700, 10, 10))
    monkeypatch.setattr(collector, "_next_full", 0.0)
    now = iter((5.0, 5.1, 5.2, 5.3, 30.0, 30.1, 30.2))
    monkeypatch.setattr(garbage, "perf_counter", lambda: next(now))
    collector.collect()  # takes 0.1 s: the next one no sooner than 10 s later
    collector.collect()
    collector.collect()
    assert collected == [2, 1, 2]
    counts = (701, 3, 11)
    monkeypatch.setattr(garbage, "perf_counter", lambda: 99.0)
    collector.collect()
    counts = (5, 30, 30)
    collector.collect()
    assert collected == [2, 1, 2, 0], "an older generation is due with the younger ones only"
