"""Adapter between long plain functions (`core.progress`) and the window.

Work runs on a thread of a small pool; every callback runs on the GUI thread. Workers only leave their latest progress
behind; a timer of the GUI thread picks it up, so a function that reports a million times cannot flood the window.
"""

import itertools
import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Any, TypeVar

from PySide6.QtCore import QObject, Qt, QTimer, Signal

from brewclip_app import tasks, wording
from brewclip_app.localisation import _, as_shown
from core.errors import BrewclipError
from core.progress import Estimate, JobCancelled, Progress, Report, time_left

T = TypeVar("T")
STOPPING = _("Stopping after the current step")
THREADS = 6
PROGRESS_EVERY_MS = 60
log = logging.getLogger(__name__)


class JobReplaced(JobCancelled):
    """Raised when a newer job of the same key replaced this one."""


@dataclass(frozen=True)
class JobProgress:
    """Progress of a running job as a screen shows it; total 0: unknown; `stopping` once it was asked to stop."""

    done: int
    total: int
    detail: str
    stopping: bool


class JobCrashError(Exception):
    """The work of a job raised what is no Exception, such as the panic of a library; that is the cause of this."""


class Job:
    """A job. `cancel` is a request: the work stops at its next report."""

    def __init__(self, number: int, name: str, key: str, quiet: bool, loss: str = "") -> None:
        self.number, self.name, self.key, self.quiet, self.loss = number, name, key, quiet, loss
        self.started = time.monotonic()
        self.progress = Progress()
        self._estimate = Estimate()
        self.error: BaseException | None = None  # why it failed, once it has
        self.current = True  # False once a newer job of the same key was submitted: nobody wants the result
        self._cancelled = threading.Event()

    @property
    def cancelled(self) -> bool:
        """Whether the job was asked to stop."""
        return self._cancelled.is_set()

    @property
    def seconds(self) -> float:
        """Seconds since the job was submitted."""
        return time.monotonic() - self.started

    @property
    def seconds_left(self) -> float | None:
        """Seconds until a job of several steps is done; None while unknown."""
        return self._estimate.left()

    def words(self) -> str:
        """Progress in words: "Step 2 of 5: Transcribing recordings · 128 of 720 · about 4 min left"."""
        left, words = self.seconds_left, as_shown(self.progress.text(wording.count))
        return f"{words} \N{MIDDLE DOT} {time_left(left)}" if left is not None else words

    def snapshot(self) -> JobProgress:
        """The progress now, in words; before the first report a model is being loaded."""
        done, total = self.progress.bar
        return JobProgress(done, total, STOPPING if self.cancelled else self.words() or _("Loading the model"),
                           self.cancelled)

    def cancel(self) -> None:
        """Ask the work to stop at its next report."""
        self._cancelled.set()

    def report(self, progress: Progress) -> None:
        """Record progress; called by the work. JobCancelled once the job was cancelled."""
        self.progress = progress
        if progress.share is not None:
            self._estimate.add(*progress.bar)
        if self._cancelled.is_set():
            raise JobCancelled


class _Callbacks:
    """Callbacks of a job."""

    def __init__(self, done: Any, failed: Any, progress: Any, cancelled: Any, replaced: Any) -> None:
        self.done, self.failed, self.progress = done, failed, progress
        self.cancelled, self.replaced = cancelled, replaced
        self.last_progress = Progress()


class JobRunner(QObject):
    """Runs work on threads; callbacks run on the GUI thread.

    A job with a key replaces the running one of the same key: that one is cancelled and none of its callbacks is
    called any more ("latest wins"). `quiet` jobs are not shown in the status bar and not asked about on closing.
    """

    job_started = Signal(object)   # Job
    job_progress = Signal(object)  # Job, its `progress` is new
    job_finished = Signal(object)  # Job; also when it failed or was cancelled
    job_failed = Signal(object, object)  # Job, BaseException: only where the submitter gave no on_failed
    idle = Signal()
    _ended = Signal(object, object)  # Job, Future; crosses from the worker's thread

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="brewclip-job")
        self._numbers = itertools.count(1)
        self._running: dict[Job, tuple[Future[Any], _Callbacks]] = {}
        self._closed = False
        self._open = threading.Event()
        self._open.set()
        # queued, so that no callback is called from inside `submit`, not even of work that is over at once
        self._ended.connect(self._finish, Qt.ConnectionType.QueuedConnection)
        self._clock = QTimer(self)
        self._clock.setInterval(PROGRESS_EVERY_MS)
        self._clock.timeout.connect(self._report_running)

    def submit(self, name: str, work: Callable[[Report], T], *, key: str = "",
               on_done: Callable[[T], object] | None = None, on_failed: Callable[[BaseException], object] | None = None,
               on_progress: Callable[[Progress], object] | None = None,
               on_cancelled: Callable[[], object] | None = None, on_replaced: Callable[[], object] | None = None,
               quiet: bool = False, loss: str = "") -> Job:
        """Run `work(report)` on a thread. Call from the GUI thread; `name` is what the status bar says.

        `loss` is a sentence on what stopping it loses; "" when what is done is kept.
        """
        if key:
            self._replace(key)
        job = Job(next(self._numbers), name, key, quiet, loss)
        if self._closed:  # the window is going: accepted, never run
            job.cancel()
            return job
        future = self._pool.submit(_run, job, work, self._open)
        self._running[job] = (future, _Callbacks(on_done, on_failed, on_progress, on_cancelled, on_replaced))
        self.job_started.emit(job)
        self._clock.start()
        future.add_done_callback(lambda ended: self._ended.emit(job, ended))
        return job

    async def run(self, name: str, work: Callable[[Report], T], *, key: str = "",
                  on_progress: Callable[[Progress], object] | None = None, quiet: bool = False,
                  loss: str = "") -> T:
        """Await `work(report)`, which runs on a thread as with `submit`; its result, or the error that it raised.

        JobCrashError: that error is no Exception. JobCancelled: the job was stopped, or no jobs are taken any more;
        JobReplaced: a newer job of the key began.
        Cancelling the awaiting task stops the job.
        """
        outcome = tasks.loop().create_future()

        def settle(error: BaseException | None, result: Any = None) -> None:
            if outcome.done():  # the awaiting task was cancelled meanwhile
                return
            if isinstance(error, Exception):
                outcome.set_exception(error)
            elif error is not None:  # asyncio would let it through Qt's event loop
                crash = JobCrashError(f"{type(error).__name__}: {error}")
                crash.__cause__ = error
                outcome.set_exception(crash)
            else:
                outcome.set_result(result)

        job = self.submit(name, work, key=key, quiet=quiet, loss=loss, on_done=lambda result: settle(None, result),
                          on_failed=settle, on_progress=on_progress, on_cancelled=lambda: settle(JobCancelled()),
                          on_replaced=lambda: settle(JobReplaced()))
        if job.cancelled:
            raise JobCancelled
        try:
            result: T = await outcome
        except BaseException:
            job.cancel()  # of use when the task was cancelled; else the job is over
            raise
        return result

    def hold(self) -> None:
        """Let no job begin until `release`; jobs can be submitted."""
        self._open.clear()

    def release(self) -> None:
        """Let the jobs begin."""
        self._open.set()

    def running(self, quiet: bool = False) -> list[Job]:
        """Running jobs that were not replaced, oldest first; `quiet` includes the quiet ones."""
        return [job for job in self._running if job.current and (quiet or not job.quiet)]

    def of_key(self, key: str) -> Job | None:
        """The running job of a key."""
        return next((job for job in self.running(quiet=True) if job.key == key), None)

    def cancel_all(self) -> None:
        """Ask every job to stop."""
        for job in self._running:
            job.cancel()
        self._open.set()

    @property
    def is_closing(self) -> bool:
        """Whether the window is closing and no job is accepted any more."""
        return self._closed

    def close_door(self) -> None:
        """Ask every job to stop and accept no new ones; `idle` is emitted when the last has ended."""
        self._closed = True
        self.cancel_all()

    def is_idle(self) -> bool:
        """Whether no thread works any more, replaced and cancelled jobs included."""
        return not self._running

    def shutdown(self, timeout: float = 30) -> bool:
        """Cancel everything and wait, at most `timeout` s; no callback is called after it. True when all ended."""
        self.close_door()
        futures = [future for future, _unused in self._running.values()]
        for job in self._running:
            job.current = False
        left = wait(futures, timeout).not_done
        self._pool.shutdown(wait=not left, cancel_futures=True)
        self._clock.stop()
        return not left

    def _replace(self, key: str) -> None:
        for job in [job for job in self._running if job.key == key and job.current]:
            job.current = False
            job.cancel()
            self.job_finished.emit(job)
            replaced = self._running[job][1].replaced
            if replaced is not None:
                replaced()

    def _report_running(self) -> None:
        for job, (_unused, callbacks) in list(self._running.items()):
            self._tell(job, callbacks)

    def _tell(self, job: Job, callbacks: _Callbacks) -> None:
        progress = job.progress
        if not job.current or job.cancelled or progress is callbacks.last_progress:
            return
        callbacks.last_progress = progress
        if callbacks.progress is not None:
            callbacks.progress(progress)
        self.job_progress.emit(job)

    def _finish(self, job: Job, future: "Future[Any]") -> None:
        _unused, callbacks = self._running[job]
        try:
            self._tell(job, callbacks)
        finally:
            self._running.pop(job, None)
            if not self._running:
                self._clock.stop()
        error = None if future.cancelled() else future.exception()
        job.error = None if isinstance(error, JobCancelled) else error
        try:
            if job.current:
                self.job_finished.emit(job)
                self._call_back(job, future, callbacks)
        finally:
            if not self._running:
                self.idle.emit()

    def _call_back(self, job: Job, future: "Future[Any]", callbacks: _Callbacks) -> None:
        error = None if future.cancelled() else future.exception()
        if future.cancelled() or isinstance(error, JobCancelled):
            if callbacks.cancelled is not None:
                callbacks.cancelled()
        elif error is None:
            if callbacks.done is not None:
                callbacks.done(future.result())
        elif callbacks.failed is not None:
            callbacks.failed(error)
        else:
            self.job_failed.emit(job, error)


def _run(job: Job, work: Callable[[Report], T], may_begin: threading.Event) -> T:
    may_begin.wait()
    if job.cancelled:
        raise JobCancelled
    try:
        return work(job.report)
    except JobCancelled:
        raise
    except BrewclipError as error:  # foreseen, and said to the user
        log.info("%s failed: %s", job.name, error)
        raise
    except BaseException:
        log.exception("%s failed", job.name)
        raise
