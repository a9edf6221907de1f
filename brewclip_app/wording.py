"""Sizes, durations and counts as text, and a meter of speed."""

import time
from collections import deque
from datetime import datetime

from PySide6.QtCore import QLocale

THIN = "\u2009"  # between groups of three digits
DOUBTFUL = "Doubtful: other words may have been said. Correct them, or say it again."


def count(number: int) -> str:
    """8094 -> "8 094" with a thin space."""
    return f"{number:,}".replace(",", THIN)


def size(number: float) -> str:
    """Bytes as "12 kB", "145 MB", "1.7 GB"."""
    for unit, step in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if number >= step:
            value = number / step
            return f"{value:.1f} {unit}" if unit == "GB" else f"{value:.0f} {unit}"
    return f"{number:.0f} bytes"


def size_of(done: float, total: float) -> str:
    """ "90 of 145 MB": both in the unit of the whole."""
    total_size = size(total)
    unit = total_size.split()[1]
    if unit == "bytes":
        return f"{done:.0f} of {total_size}"
    step = {"GB": 1e9, "MB": 1e6, "kB": 1e3}[unit]
    return f"{done / step:.{1 if unit == 'GB' else 0}f} of {total_size}"


def duration(seconds: float) -> str:
    """Seconds as "2.4 s", "13 s", "4 min", "1 h 27 min"."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def pictures(number: int) -> str:
    """ "1 picture", "8 094 pictures"."""
    return "1 picture" if number == 1 else f"{count(number)} pictures"


def month(moment: datetime) -> str:
    """A month in the system's language: "May 2024"."""
    return f"{QLocale().standaloneMonthName(moment.month)} {moment.year}"


class SpeedMeter:
    """Speed over the last seconds, from (done, total) as they are reported."""

    def __init__(self, window: float = 8.0) -> None:
        self._window = window
        self._seen: deque[tuple[float, int]] = deque()

    def add(self, done: int, now: float | None = None) -> None:
        """Record progress; `now` in s, for tests."""
        now = time.monotonic() if now is None else now
        if self._seen and done < self._seen[-1][1]:  # another step began
            self._seen.clear()
        self._seen.append((now, done))
        while len(self._seen) > 2 and now - self._seen[0][0] > self._window:
            self._seen.popleft()

    @property
    def a_second(self) -> float:
        """Units a second; 0 while unknown."""
        if len(self._seen) < 2:
            return 0.0
        (start, first), (end, last) = self._seen[0], self._seen[-1]
        return (last - first) / (end - start) if end - start > 0.3 else 0.0

    def left(self, total: int) -> float | None:
        """Seconds to go; None while unknown."""
        return (total - self._seen[-1][1]) / self.a_second if self._seen and self.a_second > 0 and total > 0 else None
