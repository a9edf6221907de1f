"""Rate of work and time left, in words."""

import time
from collections import deque
from collections.abc import Callable

from core.progress import rate, time_left

WINDOW_SECONDS = 20.0  # the pace is that of the last so many seconds: cold caches and pauses are soon forgotten


class RateMeter:
    """Measures the rate of work over the last seconds; `noun` is their plural, `clock` gives seconds."""

    def __init__(self, noun: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._noun = noun
        self._clock = clock
        self._seen = deque([(clock(), 0)])

    def text(self, done: int, total: int) -> str:
        """The pace now that so many are done: "41 pictures/s, about 2 min left"; "" before anything is done."""
        now = self._clock()
        self._seen.append((now, done))
        while len(self._seen) > 2 and now - self._seen[1][0] > WINDOW_SECONDS:
            self._seen.popleft()
        then, before = self._seen[0]
        if done <= before or now <= then:
            return ""
        speed = (done - before) / (now - then)
        return rate(speed, self._noun) + (f", {time_left((total - done) / speed)}" if done < total else "")
