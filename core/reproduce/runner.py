"""Does the steps of a plan: what is missing, in order, training runs on several GPUs at once; continues after any stop.

A step that fails ends those that need it, and no other. The record of every step is on disk before the next begins.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from queue import SimpleQueue

from filelock import FileLock, Timeout

from core import private_files
from core.errors import BrewclipError, FigureError, ReproductionError
from core.localisation import _
from core.progress import JobCancelled, Progress, Report, silent
from core.reproduce import records, reuse, work
from core.reproduce.environment import environment
from core.reproduce.graph import PlanTask, StepGraph, under_preset
from core.reproduce.records import Kind, Reproduction, StepRecord
from core.reproduce.report import write_report
from core.workspace import Workspace

log = logging.getLogger(__name__)
LOCK = "lock"
WEIGHTS: Mapping[Kind, float] = {"prepare": 200, "train": 120, "evaluate": 20, "emotion": 120, "figure": 10, "table": 1}
ENDED: Mapping[str, str] = {"failed": "failed", "skipped": "was skipped"}
Tell = Callable[[Reproduction], object]


class Runner:
    """One reproduction in its folder. Its `workspace` has the recogniser of the preset.

    `devices` are values of CUDA_VISIBLE_DEVICES, one training run each; `tell` gets every new state. `train_command` as
    in `work.Bench`.
    """

    def __init__(self, workspace: Workspace, graph: StepGraph, folder: Path, devices: Sequence[str] = ("",),
                 tell: Tell = lambda state: None, train_command: Sequence[str] = ()) -> None:
        self.workspace = workspace = under_preset(workspace, graph.preset)
        self._graph, self._folder, self._tell = graph, folder, tell
        self._devices: SimpleQueue[str] = SimpleQueue()
        for device in devices:
            self._devices.put(device)
        self._parallel, self._train_command = len(devices), train_command
        self._lock, self._stopping = threading.Lock(), threading.Event()
        self._shares = {task.step.key: 0.0 for task in graph.tasks}
        self.state = begun(workspace, graph, folder)

    def run(self, report: Report = silent) -> Reproduction:
        """Do all that is missing, then write the report.

        ReproductionError: busy, not_written; JobCancelled by `report` keeps what is done.
        """
        with _held(self._folder):
            self.state = begun(self.workspace, self._graph, self._folder)  # another process may have gone on with it
            self._shares |= {record.step.key: 1.0 for record in self.state.records if record.state == "done"}
            self._save()
            while ready := self._ready():
                training = [task for task in ready if task.step.kind == "train"]
                if training and self._parallel > 1:
                    self._together(training, report)
                else:
                    self._do(ready[0], report)
            self.state = replace(self.state, ended=_now())
            self._save()
            write_report(self._folder, self.state, self.workspace.store)
        return self.state

    def _ready(self) -> list[PlanTask]:
        """Waiting steps whose needs are done; those that wait for a failed one are skipped."""
        states = {record.step.key: record for record in self.state.records}
        for record in self.state.records:
            missing = [states[key] for key in record.step.needs if states[key].state in ENDED]
            if record.state == "waiting" and missing:
                why = f"It needs “{missing[0].step.title}”, which {ENDED[missing[0].state]}."
                states[record.step.key] = replace(record, state="skipped", message=why)
                self._set(states[record.step.key])
        return [task for task in self._graph.tasks if states[task.step.key].state == "waiting"
                and all(states[key].state == "done" for key in task.step.needs)]

    def _together(self, tasks: Sequence[PlanTask], report: Report) -> None:
        """Training runs, as many at once as there are devices. The first stop stops all."""
        with ThreadPoolExecutor(self._parallel) as pool:
            runs = [pool.submit(self._do, task, report) for task in tasks]
        for run in runs:
            run.result()

    def _do(self, task: PlanTask, report: Report) -> None:
        """One step, with its record before and after."""
        record = replace(self.state.record(task.step.key), state="running", began=_now(), message="")
        self._set(record)
        began, device = time.monotonic(), self._devices.get()
        try:
            bench = work.Bench(self.workspace, self._folder, {done.step.key: done for done in self.state.records},
                               device, self._train_command)
            record = replace(work.do(bench, task, record, self._part(task, report)), state="done")
        except JobCancelled:
            self._stopping.set()
            record = replace(record, state="waiting")
            raise
        except Exception as error:  # a step of many: it is reported, and the others go on
            if not isinstance(error, BrewclipError):
                log.warning("%s failed", task.step.title, exc_info=True)
            text = str(error) if isinstance(error, BrewclipError) else f"{type(error).__name__}: {error}"
            nothing = isinstance(error, FigureError) and error.kind == "nothing"  # such as no miss of the centre crop
            record = replace(record, state="skipped" if nothing else "failed", message=text)
        finally:
            self._devices.put(device)
            self._shares[task.step.key] = 1.0
            self._set(replace(record, seconds=round(record.seconds + time.monotonic() - began, 2)))

    def _part(self, task: PlanTask, report: Report) -> Report:
        """The report of one step as a part of the whole; it stops when another step was stopped."""
        weights = {part.step.key: part.step.seconds or WEIGHTS[part.step.kind] for part in self._graph.tasks}
        number = next(place for place, part in enumerate(self._graph.tasks, 1) if part is task)

        def report_part(progress: Progress) -> None:
            if self._stopping.is_set():
                raise JobCancelled
            done, total = progress.bar
            with self._lock:
                own = max(self._shares[task.step.key], min(1.0, done / total) if total else 0.0)
                self._shares[task.step.key] = own
                share = sum(weights[key] * part for key, part in self._shares.items()) / sum(weights.values())
            report(Progress(None, progress.done, progress.total, " \N{MIDDLE DOT} ".join(filter(None, (
                task.step.title, progress.title))), progress.detail, number, len(self._graph.tasks), share))

        report_part(Progress())
        return report_part

    def _set(self, record: StepRecord) -> None:
        with self._lock:
            self.state = self.state.with_record(record)
            self._save()

    def _save(self) -> None:
        self.state.save(self._folder)
        self._tell(self.state)


def begun(workspace: Workspace, graph: StepGraph, folder: Path) -> Reproduction:
    """The reproduction as it stands in a folder: finished steps of an earlier one count where all is still there.

    ReproductionError: damaged, newer.
    """
    try:
        before: Mapping[str, StepRecord] = {record.step.key: record for record in records.load(folder).records}
        same_home, started = records.load(folder).home == str(workspace.home.root), records.load(folder).began
    except ReproductionError as error:
        if error.kind != "none":
            raise
        before, same_home, started = {}, True, _now()
    return Reproduction(
        graph.plan.name, graph.plan.title,
        tuple(_record(workspace, folder, task, before.get(task.step.key), same_home) for task in graph.tasks),
        {kind: str(path) for kind, path in graph.datasets.items()}, graph.backbone, graph.preset, graph.seeds,
        str(workspace.home.root), started, environment(), graph.deviations, follow_links=graph.follow_links)


def _record(workspace: Workspace, folder: Path, task: PlanTask, old: StepRecord | None, same_home: bool) -> StepRecord:
    if old is None:
        return StepRecord(task.step)
    stays = old.state == "done" and (same_home or task.step.kind == "train") and reuse.is_there(workspace, folder, old)
    if not stays:
        return StepRecord(task.step, seconds=old.seconds)
    return replace(old, step=replace(task.step, command=old.step.command))


@contextmanager
def _held(folder: Path) -> Iterator[None]:
    """A context in which no other process works in the folder. ReproductionError: busy, not_written."""
    lock = FileLock(folder / LOCK, mode=private_files.FILE)
    try:
        private_files.make_folder(folder)
        lock.acquire(timeout=1.0)
    except Timeout as error:
        raise ReproductionError(_(
            "Another process reproduces in {folder}. Stop it there, or choose another folder.").format(folder=folder),
                                "busy") from error
    except OSError as error:
        raise ReproductionError(_("{folder} cannot be written to: {strerror}. Choose another folder.").format(
            folder=folder, strerror=error.strerror or error),
                                "not_written") from error
    try:
        yield
    finally:
        lock.release()


def _now() -> str:
    return datetime.now().astimezone().isoformat(timespec="seconds")
