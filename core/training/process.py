"""Process of a run: start, follow, pause and kill it, and explain its end. No Qt here.

The process has a session of its own, so that it outlives the window. It writes events to the run's log, and its output
to `output.log`. Two windows never train one run: its folder's lock is held.
"""

import os
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import fields
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from core import child_python, plain_json, private_files
from core.errors import BrewclipError, TrainingError
from core.home import Home
from core.localisation import _
from core.progress import Progress, Report, WorkStep
from core.training.run_folder import OUTPUT, RunFolder
from core.training.runs import RunReader, RunRecord

if TYPE_CHECKING:
    from core.training.estimate import RunEstimate
    from core.training.recipe import Recipe

COMMAND = tuple(child_python.command("-m", "core.cli"))
PREPARING_SHARE = 0.2  # of the bar of a run
LOOK_EVERY = 0.25  # seconds
TAIL = 4000  # bytes of the output that its end is explained by
KEPT = "What was saved before is kept, and the run can go on from there."
OUT_OF_MEMORY = ("The memory ran out. " + KEPT + " Begin another one with micro-batches, in float16 or bfloat16, or "
                 "on the CPU.")
KILLED = ("The system ended the process at once (signal 9), most often because the memory ran out. " + KEPT
          + " Close other programs, or begin another one with micro-batches.")
ENDED = "You ended it; what was saved can be continued."
MEMORY_SIGNS = ("out of memory", "MemoryError", "DefaultCPUAllocator", "Cannot allocate memory")
SIGKILL = getattr(signal, "SIGKILL", signal.SIGTERM)  # Windows has no SIGKILL; its SIGTERM ends a process as quickly
Process = subprocess.Popen[bytes]


def start(path: Path, home: Home, command: Sequence[str] = (), more: Sequence[str] = (),
          variables: Mapping[str, str] = MappingProxyType({})) -> Process:
    """Begin, or go on with, the run of a folder; `command` in place of COMMAND, `more` arguments, `variables` of its
    environment.

    TrainingError ("not_started").
    """
    environment = child_python.environment({**home.environment, **variables})
    arguments = [*(command or COMMAND), "train", "--resume", "--out", str(path), *more]
    try:
        with (path / OUTPUT).open("wb") as output:
            private_files.inherit(path / OUTPUT)
            return subprocess.Popen(arguments, stdin=subprocess.DEVNULL, stdout=output,  # noqa: S603  (our own command)
                                    stderr=subprocess.STDOUT, env=environment, cwd=path, start_new_session=True)
    except OSError as error:
        raise TrainingError(_("The run could not be started: {strerror}. Nothing was lost; try again.").format(
            strerror=error.strerror or error),
                            "not_started") from error


def measure(recipe: "Recipe", home: Home, report: Report, command: Sequence[str] = ()) -> "RunEstimate":
    """The estimate of a run (`core.training.estimate`), measured in a process of its own, whose peak memory is its own.

    JobCancelled by `report` ends it. TrainingError: not_started, memory, or as the process said.
    """
    from core.training.estimate import NO_MEMORY, RunEstimate

    with tempfile.TemporaryDirectory(prefix="brewclip-") as place:
        path = Path(place) / "run"
        RunFolder(path).create(recipe)
        process = start(path, home, command, ("--estimate", "--json"))
        try:
            while process.poll() is None:
                report(Progress(WorkStep.MEASURING_STEPS))
                time.sleep(LOOK_EVERY)
        finally:
            if process.poll() is None:
                process.kill()
            process.wait()
        output = output_of(path)
        if process.returncode == -SIGKILL or _lacked_memory(output):
            raise TrainingError(NO_MEMORY, "memory")
        if process.returncode != 0:
            raise TrainingError(_("The run could not be measured: {explain}").format(
                explain=explain(process.returncode, output)[1]), "crash")
        printed = plain_json.loads(output[output.rfind("{"):output.rfind("}") + 1])
        return RunEstimate(**{each.name: printed[each.name] for each in fields(RunEstimate)})


def watch(path: Path, process: Process | None, tell: Callable[[RunRecord], object], report: Report,
          cancelled: Callable[[], bool] = lambda: False) -> RunRecord:
    """Follow a run until no process works on it; the record it ends with, its end explained in the log.

    `process` None: another window or a command line began it. `tell` gets each new record. `cancelled`: whether the
    user wanted it to end for good. JobCancelled by `report` leaves the run as it is, going on.
    """
    reader, pause = RunReader(path), threading.Event()
    last: RunRecord | None = None
    while True:
        alive = process.poll() is None if process else RunFolder(path).busy
        record = reader.read(alive)
        if alive and record is not last:  # its end is told once it is explained: that is what this function gives
            tell(record)
            last = record
        report(progress_of(record))
        if not alive:
            if process is None or not RunFolder(path).busy:
                break
            process = None  # ours ended because another one holds the run: that one is followed
        pause.wait(LOOK_EVERY)
    _write_end(path, process.returncode if process else None, record, cancelled())
    return reader.read(False)


def progress_of(record: RunRecord) -> Progress:
    """Progress of a run: preparing and training share one bar."""
    preparing, training = (PREPARING_SHARE, 1 - PREPARING_SHARE)
    trained = training * record.step / record.steps if record.steps else 0.0
    if record.state == "preparing":
        done, total, text = record.prepared
        share = preparing if trained else preparing * min(1.0, done / total) if total else 0.0
        return Progress(None if text else WorkStep.BEGINNING, subject=text,
                        share=share + trained if total or trained else None)
    prepared = preparing if record.live or record.step else 0.0  # one that ended before its first step shows none
    return Progress(WorkStep.TRAINING, record.step, record.steps, share=prepared + trained if record.steps else None)


def ask_to_pause(path: Path, process: Process | None = None) -> None:
    """Have the run's process save and end, at its next step. TrainingError ("elsewhere"): it is on another computer."""
    _signal(path, process, signal.SIGTERM)


def kill(path: Path, process: Process | None = None) -> None:
    """End the run's process now, as the user wants it; it goes on from its last save. TrainingError ("elsewhere")."""
    if (process is not None and process.poll() is None) or RunFolder(path).process is not None:
        with suppress(BrewclipError):  # a full disk must not keep it going
            RunFolder(path).log("kill")
    _signal(path, process, SIGKILL)


def _signal(path: Path, process: Process | None, number: signal.Signals) -> None:
    if process is not None and process.poll() is None:
        process.send_signal(number)
        return
    folder = RunFolder(path)
    found = folder.process
    if found is not None:
        try:
            os.kill(found, number)
        except ProcessLookupError:
            return
    elif folder.busy:
        raise TrainingError(_("The run is trained by another computer. End it there (Ctrl-C)."), "elsewhere")


def close_run(path: Path) -> None:
    """Note that a paused run is not to go on. TrainingError: busy, full, not_written."""
    _log_end(path, "cancelled", "", "It was stopped for good; its best model is kept.")


def _write_end(path: Path, code: int | None, record: RunRecord, cancelled: bool) -> None:
    """Add to the log what its process could not say. `code` None: it was none of ours, and nobody knows."""
    try:
        if cancelled and record.state != "finished":
            close_run(path)
        elif _said_itself(path):
            return
        elif _was_ended(path):
            _log_end(path, "stopped", "", ENDED)
        elif code == -signal.SIGTERM:  # asked to pause before it had begun to listen
            _log_end(path, "stopped", "", "It was stopped and can go on.")
        elif code is not None or _lacked_memory(output_of(path)):
            _log_end(path, "error", *explain(code or 0, output_of(path)))
    except BrewclipError:  # another process took the run up meanwhile, or the disk is full: its record says so
        return


def _said_itself(path: Path) -> bool:
    events = RunFolder(path).events()
    return bool(events) and events[-1]["event"] == "end"


def _was_ended(path: Path) -> bool:
    """Whether the user ended the process that worked on it last."""
    marks = [event["event"] for event in RunFolder(path).events() if event["event"] in ("begin", "kill", "end")]
    return marks[-1:] == ["kill"]


def _log_end(path: Path, why: str, kind: str, message: str) -> None:
    folder = RunFolder(path)
    with folder.hold():
        folder.log("end", why=why, **({"kind": kind} if kind else {}), message=message)


def explain(code: int, output: str) -> tuple[str, str]:
    """Kind ("memory", "killed", "crash") and message of the end of a process that did not log it itself, by its exit
    code (negative: the signal) and what it printed last.
    """
    lines = [line.strip() for line in output.replace("\r", "\n").splitlines() if line.strip()]
    if _lacked_memory(output):
        return "memory", OUT_OF_MEMORY
    if code == -SIGKILL:
        return "killed", KILLED
    if code < 0:
        return "crash", f"The process broke down (signal {-code}, {_signal_name(-code)}). {KEPT}"
    printed = next((line for line in reversed(lines) if line.startswith("brewclip: ")), "")
    if printed:
        return "crash", printed.removeprefix("brewclip: ")
    if code == 0 or not lines:
        return "crash", f"The process ended (code {code}) and did not say why. {KEPT}"
    return "crash", f"The process ended (code {code}): {lines[-1][:200]}. {KEPT}"


def _lacked_memory(output: str) -> bool:
    return any(sign in output for sign in MEMORY_SIGNS)


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return "unknown"


def output_of(path: Path) -> str:
    """The last that the run's process printed; "" when there is nothing."""
    try:
        with (path / OUTPUT).open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - TAIL))
            return file.read().decode("utf-8", "replace")
    except OSError:
        return ""
