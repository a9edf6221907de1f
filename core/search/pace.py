"""How fast work goes and how long it will take, in words."""

import time
from collections import deque
from collections.abc import Callable

WINDOW_SECONDS = 20.0  # the pace is that of the last so many seconds: cold caches and pauses are soon forgotten


class Pace:
    """Keeps the pace of work that counts things; `noun` is their plural, `clock` gives seconds."""

    def __init__(self, noun: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._noun = noun
        self._clock = clock
        self._seen = deque([(clock(), 0)])

    def text(self, done: int, total: int) -> str:
        """The pace now that so many are done: "41 images a second, 2 min left"; "" before anything is done."""
        now = self._clock()
        self._seen.append((now, done))
        while len(self._seen) > 2 and now - self._seen[1][0] > WINDOW_SECONDS:
            self._seen.popleft()
        then, before = self._seen[0]
        if done <= before or now <= then:
            return ""
        rate = (done - before) / (now - then)
        left = f", {time_left((total - done) / rate)}" if done < total else ""
        return f"{rate:.0f} {self._noun} a second{left}" if rate >= 10 else f"{rate:.1f} {self._noun} a second{left}"


def time_left(seconds: float) -> str:
    """Seconds as a person says them: "12 s left", "2 min left", "1 h 5 min left"."""
    if seconds < 59.5:
        return f"{max(1, round(seconds))} s left"
    minutes = round(seconds / 60)
    return f"{minutes} min left" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min left"
