"""Garbage collection on the GUI thread alone.

Python collects cycles on whichever thread allocates. Widgets that are part of one were destroyed on a job's thread
then, while Qt still sent them events: a crash. So automatic collection is off, and a timer does its work.
"""

import gc
from time import perf_counter

from PySide6.QtCore import QObject, QTimer

EVERY_MS = 500
OLDEST = 2  # generation that holds all that was loaded: collecting it takes longest
SHARE = 0.01  # of the time, at most, for collecting it


class GarbageCollector(QObject):
    """Collects as Python would, by generation and its thresholds, but from a timer. One per process."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._thresholds = gc.get_threshold()
        self._next_full = 0.0
        gc.disable()
        self._timer = QTimer(self, interval=EVERY_MS)
        self._timer.timeout.connect(self.collect)
        self._timer.start()

    def collect(self) -> None:
        """Collect the oldest generation that is due with all younger ones."""
        began = perf_counter()
        generation = -1
        for count, most in zip(gc.get_count(), self._thresholds, strict=True):
            if count <= most or (generation + 1 == OLDEST and began < self._next_full):
                break
            generation += 1
        if generation >= 0:
            gc.collect(generation)
        if generation == OLDEST:
            self._next_full = perf_counter() + (perf_counter() - began) / SHARE
