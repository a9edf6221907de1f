"""Sizes, durations and counts as text, and a meter of speed."""

import time
from collections import deque
from datetime import datetime

from PySide6.QtCore import QLocale

from brewclip_app.localisation import _, ngettext
from brewclip_app.localisation import number as number_text

DOUBTFUL = _("Doubtful: other words may have been said. Correct them, or say it again.")
STEPS = {"GB": 1e9, "MB": 1e6, "kB": 1e3}


def count(number: int) -> str:
    """8094 -> "8 094": grouped as the system has it, with a thin space where it says nothing."""
    return number_text(number, ",")


def size(number: float) -> str:
    """Bytes as "12 kB", "145 MB", "1.7 GB"."""
    for unit, step in STEPS.items():
        if number >= step:
            return f"{number_text(number / step, _precision(unit))} {_unit(unit)}"
    return ngettext("{number:.0f} bytes", "{number:.0f} bytes", round(number)).format(number=number)


def size_of(done: float, total: float) -> str:
    """ "90 of 145 MB": both in the unit of the whole."""
    unit, step = next(((unit, step) for unit, step in STEPS.items() if total >= step), ("", 1.0))
    return _("{done} of {total}").format(done=number_text(done / step, _precision(unit)), total=size(total))


def _precision(unit: str) -> str:
    return ".1f" if unit == "GB" else ".0f"


def _unit(unit: str) -> str:
    return {"GB": _("GB"), "MB": _("MB"), "kB": _("kB")}[unit]


def duration(seconds: float) -> str:
    """Seconds as "2.4 s", "13 s", "4 min", "1 h 27 min"."""
    if seconds < 10:
        return _("{seconds:.1f} s").format(seconds=seconds)
    if seconds < 90:
        return _("{seconds:.0f} s").format(seconds=seconds)
    minutes = round(seconds / 60)
    if minutes < 60:
        return _("{minutes} min").format(minutes=minutes)
    return _("{hours} h {minutes} min").format(hours=minutes // 60, minutes=minutes % 60)


def pictures(number: int) -> str:
    """ "1 picture", "8 094 pictures"."""
    return ngettext("{number} picture", "{number} pictures", number).format(number=count(number))


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
