"""How long work tells of itself and is stopped.

Long work is a plain function with a `report` argument. It calls `report(done, total, text)` often; whoever wants it
stopped has `report` raise `JobCancelled`. So work needs to know nothing of threads, and "cancelled" is never an error.
"""

import math
import time
from collections import deque
from collections.abc import Callable, Sequence

Report = Callable[[int, int, str], None]


class JobCancelled(Exception):  # noqa: N818  (not an error: the user asked for it)
    """Raised by `report` inside the work that is to stop."""


def silent(done: int, total: int, text: str) -> None:
    """A report that nobody reads."""


SCALE = 10_000  # the total that a job of several steps reports
MEANS_SOMETHING = 5.0  # seconds of work, before which no time left is told
OVER = 60.0  # seconds of work that the pace is taken from
AT_ONCE = 0.05  # share of a job which, done in one report, tells nothing of the pace: it was done before


class StepText(str):
    """The text of a job of several steps: which of `steps` it is (from 1), and the step's own text and counts.

    As a string it is whole: "Step 2 of 5: Hearing recordings · 128 of 720".
    """

    step: int
    steps: int
    own: str
    done: int
    total: int

    def __new__(cls, step: int, steps: int, own: str, done: int, total: int) -> "StepText":
        """The text, put together."""
        counts = f"{done} of {total}" if total > 0 else ""
        words = " \N{MIDDLE DOT} ".join(filter(None, (own, counts)))
        made = super().__new__(cls, f"Step {step} of {steps}{': ' if words else ''}{words}" if steps > 1 else words)
        made.step, made.steps, made.own, made.done, made.total = step, steps, own, done, total
        return made


class _Steps:
    """What the reports of one job's steps share."""

    def __init__(self, report: Report, weights: Sequence[float]) -> None:
        whole = sum(weights)
        self._report, self._count = report, len(weights)
        self._starts = [sum(weights[:number]) / whole for number in range(len(weights) + 1)]
        self._furthest = 0
        self._step = 0

    def report_of(self, number: int) -> Report:
        def tell(done: int, total: int, text: str) -> None:
            self._tell(number, done, total, text)

        return tell

    def _tell(self, number: int, done: int, total: int, text: str) -> None:
        start, end = self._starts[number:number + 2]
        share = min(max(done / total, 0.0), 1.0) if total > 0 else 0.0
        self._furthest = max(self._furthest, math.floor(SCALE * (start + (end - start) * share) + 1e-6))
        self._step = max(self._step, number)
        inner = text if isinstance(text, StepText) else StepText(1, 1, text, done, total)
        self._report(self._furthest, SCALE, StepText(self._step + 1, self._count, inner.own, inner.done, inner.total))


def steps(report: Report, *weights: float) -> list[Report]:
    """A report for each step of a job: together they tell `report` of one whole, which never goes back.

    `weights` are about how long each step takes, in any unit. A step that is not reported counts as done as soon as a
    later one is. A step may itself be divided by `steps`.
    """
    shared = _Steps(report, [max(weight, 1e-9) for weight in weights])
    return [shared.report_of(number) for number in range(len(weights))]


def finishing(report: Report) -> tuple[Report, Report]:
    """Reports for a job and for what tidies up after it: the bar stays where the job left it, with other texts."""
    last = [0, 0]

    def working(done: int, total: int, text: str) -> None:
        last[:] = done, total
        report(done, total, text)

    return working, lambda done, total, text: report(last[0], last[1], text)


def rate(per_second: float, noun: str) -> str:
    """A speed in words: "12 pictures/s", "0.4 recordings/s"; `noun` is a plural."""
    return f"{per_second:.{0 if per_second >= 10 else 1}f} {noun}/s"


def time_left(seconds: float) -> str:
    """Seconds to go in words: "about 12 s left", "about 3 min left", "about 1 h 5 min left"; below one "almost done".
    """
    if seconds < 1:
        return "almost done"
    if seconds < 89.5:
        return f"about {round(seconds)} s left"
    minutes = round(seconds / 60)
    return f"about {minutes} min left" if minutes < 60 else f"about {minutes // 60} h {minutes % 60} min left"


class Estimate:
    """Seconds that are left of a job, from how far it is: smoothed, and None while it would mean nothing."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, float]] = deque()
        self._began = 0.0
        self._moves = False
        self._left: float | None = None

    def add(self, done: int, total: int, now: float | None = None) -> None:
        """Note how far it is; `now` in seconds, for tests."""
        now = time.monotonic() if now is None else now
        share = min(done / total, 1.0) if total > 0 else 0.0
        step = share - self._seen[-1][1] if self._seen else 0.0
        if step < 0 or step > AT_ONCE:
            self._seen = deque((when, where + step) for when, where in self._seen)
        elif step > 0:
            self._moves = True
        if not self._moves:  # what is loaded first tells nothing of the pace
            self._seen.clear()
            self._began = now
        self._seen.append((now, share))
        while len(self._seen) > 2 and now - self._seen[1][0] > OVER:
            self._seen.popleft()
        self._left = self._smoothed(now)

    def left(self) -> float | None:
        """Seconds to go; None while unknown."""
        return self._left

    def _smoothed(self, now: float) -> float | None:
        (start, first), (end, last) = self._seen[0], self._seen[-1]
        if now - self._began < MEANS_SOMETHING or last - first <= 0 or last >= 1:
            return None
        fresh = (1 - last) * (end - start) / (last - first)
        return fresh if self._left is None else 0.7 * self._left + 0.3 * fresh
