"""Progress of long work, and its cancellation.

Long work is a plain function with a `report` argument. It calls `report(Progress(...))` often; to stop it, `report`
raises `JobCancelled`. So the work knows nothing of threads, and "cancelled" is never an error. Code compares
`Progress.step`; text is made only where it is shown (`Progress.text`).
"""

import itertools
import math
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum

from core.localisation import _, joined


class WorkStep(Enum):
    """Step of a piece of work. The value is its title; {} stands for the subject of the progress."""

    LOADING = _("Loading {}")
    LOADING_TRAINED = _("Loading the trained model")
    EXPORTING_MODEL = _("Preparing {} for this processor")
    SEARCHING = _("Searching")
    CALIBRATING = _("Calibrating match significance")
    TRANSCRIBING = _("Transcribing")
    TRANSCRIBING_RECORDINGS = _("Transcribing recordings ({})")
    PREPARING_PICTURES = _("Preparing pictures")
    EMBEDDING_PICTURES = _("Embedding pictures")
    EMBEDDING_CROPS = _("Embedding several crops of pictures")
    EMBEDDING_UTTERANCES = _("Embedding utterances")
    EMBEDDING_TEXTS = _("Embedding texts")
    SCANNING = _("Looking for pictures")
    READING_LIST = _("Reading the list")
    SCANNING_LIST = _("Looking for the pictures of the list")
    INDEXING = _("Indexing pictures")
    COPYING = _("Copying pictures")
    BINNING = _("Moving pictures to the bin")
    PUTTING_BACK = _("Putting pictures back")
    COMPARING_GALLERIES = _("Comparing the galleries")
    COPYING_TAGS = _("Copying tags and failures")
    OPTIMIZING = _("Optimizing {}")
    OPTIMIZED = _("The tables are optimized")
    CONNECTING = _("Connecting to the cluster")
    STARTING_WORKERS = _("Starting workers on this computer")
    WRITING_DEMO = _("Writing the demo's pictures")
    DRAWING_DEMO = _("Drawing the demo's pictures")
    DRAWING_TONE = _("Drawing the tone set")
    COPYING_RECORDINGS = _("Copying recordings")
    READING_DATASET = _("Reading {}")
    UNPACKING_DATASET = _("Unpacking {}")
    CHECKING_DATASET = _("Checking pictures and recordings")
    READING_RECORDINGS = _("Reading recordings")
    COMPARING_CAPTIONS = _("Comparing captions")
    EXPORTING = _("Exporting")
    EXPORTING_FAILURES = _("Exporting failures")
    FINDING_NEAR_DUPLICATES = _("Finding near-duplicates")
    FINDING_DUPLICATES = _("Finding duplicates")
    RANKING = _("Ranking")
    COMPARING_EVALUATIONS = _("Comparing the evaluations")
    RANKING_AGAIN = _("Ranking {} misses again")
    BEGINNING = _("Beginning")
    TRAINING = _("Training")
    VALIDATING = _("Validating")
    MEASURING_STEPS = _("Measuring steps")
    PROBING = "{}"
    READING_VOICES = _("Reading the voices")
    READING_CHANGED_VOICES = _("Reading the voices ({})")
    EMBEDDING_VOICES = _("Embedding the voices")
    EMBEDDING_WINDOWS = _("Embedding the voices over time")
    TRAINING_PROBE = _("Training the paper's probe")
    TRAINING_ATTENTION = _("Training attention")
    TRAINING_MIXTURE = _("Training the mix of layers")
    CHOOSING_LAYERS = _("Choosing layers and regularisation")
    FINE_TUNING = _("Fine-tuning")
    EXPLAINING = _("Computing the maps")
    OCCLUDING = _("Covering parts")
    TESTING_MAPS = _("Testing the maps")
    MEASURING_CACHES = _("Measuring caches")
    DELETING_CACHES = _("Deleting caches")
    WAITING_FOR_DOWNLOAD = _("Another window is getting {}")
    DOWNLOADING = _("Downloading {}")
    CONVERTING = _("Converting {}")
    CHECKING = _("Checking {}")
    BACKING_UP = _("Backing up {}")
    RESTORING = _("Restoring {}")
    READING_EMBEDDINGS = _("Reading embeddings")
    FINDING_NEIGHBOURS = _("Finding nearest neighbours")
    ARRANGING_POINTS = _("Arranging points")


@dataclass(frozen=True)
class Progress:
    """Progress of a job: `done` of `total` in its present step; `total` 0 means unknown.

    `subject` completes the step's title, `detail` is shown after the counts (a rate, say). A job of several steps
    (`steps`) also has the number of its step, from 1, and the share of the whole that is done, 0 to 1.
    """

    step: WorkStep | None = None
    done: int = 0
    total: int = 0
    subject: str = ""
    detail: str = ""
    number: int = 1
    steps: int = 1
    share: float | None = None

    @property
    def bar(self) -> tuple[int, int]:
        """Value and maximum of a progress bar; (_, 0) while nobody knows."""
        return (self.done, self.total) if self.share is None else (math.floor(SCALE * self.share + 1e-6), SCALE)

    @property
    def title(self) -> str:
        """The step in words; "" without one."""
        return self.step.value.format(self.subject) if self.step is not None else self.subject

    def counts(self, count: Callable[[int], str] = str) -> str:
        """ "128 of 720", "128 so far", or "" while there is nothing to count."""
        if self.total > 0:
            return _("{done} of {total}").format(done=count(self.done), total=count(self.total))
        return _("{done} so far").format(done=count(self.done)) if self.done > 0 else ""

    def text(self, count: Callable[[int], str] = str) -> str:
        """ "Step 2 of 5: Transcribing recordings (clean) · 128 of 720"; `count` writes a number."""
        words = joined(" \N{MIDDLE DOT} ", filter(None, (self.title, self.counts(count), self.detail)))
        if self.steps == 1:
            return words
        step = _("Step {number} of {steps}").format(number=self.number, steps=self.steps)
        return step + ": " + words if words else step


Report = Callable[[Progress], None]


class JobCancelled(Exception):  # noqa: N818  (not an error: the user asked for it)
    """Raised by `report` inside the work that is to stop."""


def silent(progress: Progress) -> None:
    """A report that nobody reads."""


SCALE = 10_000  # maximum of the progress bar of a job of several steps
MEANS_SOMETHING = 5.0  # seconds of work before a time left is shown
LEAST_SHARE = 0.005  # of a job that is done, in steps that tell its rate, before a time left is shown
OVER = 60.0  # seconds of work that the rate is measured over, at least
PAST = 0.5  # of the time a job has taken: the rate is measured over that much of a long one, whose steps differ in rate
SAMPLES = 600  # kept of that time, about
AT_ONCE = 0.05  # share of a job which, done in one report, says nothing about its rate: it was done before


def steps(report: Report, *weights: float) -> list[Report]:
    """A report for each step of a job; together they report one share of the whole, which never falls.

    `weights` are about how long each step takes, in any unit. A step that is not reported counts as done as soon as a
    later one is. A step may itself be divided by `steps`.
    """
    positive = [max(weight, 1e-9) for weight in weights]
    starts = [start / sum(positive) for start in itertools.accumulate(positive, initial=0.0)]
    furthest, latest = 0.0, 0

    def report_of(number: int) -> Report:
        def report_step(progress: Progress) -> None:
            nonlocal furthest, latest
            share = progress.share
            if share is None:
                share = min(max(progress.done / progress.total, 0.0), 1.0) if progress.total > 0 else 0.0
            furthest = max(furthest, starts[number] + (starts[number + 1] - starts[number]) * share)
            latest = max(latest, number)
            report(replace(progress, number=latest + 1, steps=len(positive), share=furthest))

        return report_step

    return [report_of(number) for number in range(len(positive))]


def finishing(report: Report) -> tuple[Report, Report]:
    """Reports for a job and for its tidying up: the bar stays where the job left it, the step changes."""
    last = Progress()

    def working(progress: Progress) -> None:
        nonlocal last
        last = progress
        report(progress)

    def tidying(progress: Progress) -> None:
        report(replace(last, step=progress.step, subject=progress.subject, detail=""))

    return working, tidying


def rate(per_second: float, noun: str) -> str:
    """A speed in words: "12 pictures/s", "0.4 recordings/s"; `noun` is a plural."""
    return f"{per_second:.{0 if per_second >= 10 else 1}f} {noun}/s"


def time_left(seconds: float) -> str:
    """Seconds to go in words: "about 12 s left", "about 3 min left", "about 1 h 5 min left"; below one "almost done".
    """
    if seconds < 1:
        return _("almost done")
    if seconds < 89.5:
        return _("about {seconds} s left").format(seconds=round(seconds))
    minutes = round(seconds / 60)
    return (_("about {minutes} min left").format(minutes=minutes) if minutes < 60
            else _("about {minutes} h {minutes_2} min left").format(minutes=minutes // 60, minutes_2=minutes % 60))


class Estimate:
    """Seconds left of a job, from its progress: smoothed, and None while it would mean nothing."""

    def __init__(self) -> None:
        self._samples: deque[tuple[float, float]] = deque()
        self._began = 0.0
        self._moved = 0.0  # share done in steps that tell the rate
        self._left: float | None = None

    def add(self, done: int, total: int, now: float | None = None) -> None:
        """Add a sample of the progress; `now` in seconds, for tests."""
        now = time.monotonic() if now is None else now
        share = min(done / total, 1.0) if total > 0 else 0.0
        step = share - self._samples[-1][1] if self._samples else 0.0
        if step < 0 or step > AT_ONCE:
            self._samples = deque((when, where + step) for when, where in self._samples)
        elif step > 0:
            self._moved += step
        if not self._moved:  # loading comes first and says nothing about the rate
            self._samples.clear()
            self._began = now
        over = max(OVER, PAST * (now - self._began))
        if len(self._samples) > 1 and now - self._samples[-2][0] < over / SAMPLES:
            self._samples[-1] = now, share
        else:
            self._samples.append((now, share))
        while len(self._samples) > 2 and now - self._samples[1][0] > over:
            self._samples.popleft()
        self._left = self._smoothed(now)

    def left(self) -> float | None:
        """Seconds to go; None while unknown."""
        return self._left

    def _smoothed(self, now: float) -> float | None:
        (start, first), (end, last) = self._samples[0], self._samples[-1]
        if now - self._began < MEANS_SOMETHING or self._moved < LEAST_SHARE or last - first <= 0 or last >= 1:
            return None
        fresh = (1 - last) * (end - start) / (last - first)
        return fresh if self._left is None else 0.7 * self._left + 0.3 * fresh
