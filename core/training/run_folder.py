"""Folder of a run: recipe, log, state and best model.

    recipe.json         everything that decides the run
    log.jsonl           events, one JSON object a line (`EVENTS`)
    state.safetensors   parameters and optimiser as of the last save, to resume from
    best/               the checkpoint with the best recall on dev so far (core.models.checkpoints)
    lock                held by the process that trains
    process.json        that process' number and the computer it is on; of the last one, once the lock is free
    output.log          what the process printed, when the window began it

Every file is written whole and then put in place, but for the log, to which lines are added; a line that a crash tore
is left out.
"""

import json
import os
import platform
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout

from core import plain_json, private_files
from core.errors import BrewclipError, TrainingError
from core.localisation import _
from core.training.recipe import Recipe

if TYPE_CHECKING:
    from torch import Tensor

RECIPE, LOG, STATE, BEST, LOCK = "recipe.json", "log.jsonl", "state.safetensors", "best", "lock"
PROCESS, OUTPUT = "process.json", "output.log"
NOT_BEGUN = {RECIPE, LOG, LOCK, PROCESS, OUTPUT}  # what a run leaves that ended before its first save
PATIENCE = 1.0  # seconds: whoever looks whether a process trains holds the lock for a moment
EVENTS = {
    "begin": "a process began: device, pairs, parameters, from which step",
    "note": "a sentence about the data or the machine",
    "prepare": "a part of hearing and seeing the dataset: done, total, text",
    "step": "means over the last steps: loss, inner, outer, rate, pairs_per_second, temperature, outside, memory",
    "dev": "recall on dev at a step, in percent: speech_to_image, image_to_speech, score; best: whether it is the best",
    "kill": "the user has its process ended at once",
    "end": "the run is over: why (finished, patience, stopped, cancelled, error), kind of the error, message",
}
WHOLE, NUMBERS = ("step", "pairs", "parameters", "done", "total"), ("time", "score")
TEXTS = ("device", "fallback", "text", "why", "kind", "message")
LARGEST_STEP = 2**53
UNREADABLE = (*plain_json.DAMAGE, OSError)


@dataclass(frozen=True)
class RunState:
    """State of a run: `step` steps done; `tensors` by name; `facts` of the trainer as plain JSON."""

    step: int
    tensors: Mapping[str, "Tensor"] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)


class RunFolder:
    """Reads and writes one run. TrainingError kinds: exists, no_run, damaged, busy, not_written, full."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = FileLock(path / LOCK, mode=private_files.lock_mode(path))

    @property
    def best(self) -> Path:
        """The folder of the best checkpoint; not there before the first look at dev."""
        return self.path / BEST

    def create(self, recipe: Recipe) -> None:
        """Begin a run here, also in place of one that never saved anything.

        "exists" when the folder has a run that did, or anything else in it; "busy".
        """
        try:
            names = {path.name for path in self.path.iterdir()} if self.path.exists() else set()
        except NotADirectoryError as error:
            raise TrainingError(_("{path} is a file. Choose a folder for the run.").format(path=self.path),
                                "exists") from error
        except OSError as error:
            raise not_written(error) from error
        if self.busy:
            raise TrainingError(_("Another process is training in {path}.").format(path=self.path), "busy")
        if names - NOT_BEGUN:
            raise TrainingError(_("{path} is not empty. Go on with the run in it (--resume), or choose another "
                                  "folder.").format(path=self.path), "exists")
        self._write(RECIPE, json.dumps(recipe.to_json(), indent=1).encode())
        if LOG in names:
            self._write(LOG, b"")

    def recipe(self) -> Recipe:
        """The recipe. "no_run", "damaged"."""
        try:
            return Recipe.from_json(plain_json.read(self.path / RECIPE))
        except FileNotFoundError as error:
            raise TrainingError(_("There is no run in {path}.").format(path=self.path), "no_run") from error
        except UNREADABLE as error:
            raise TrainingError(_("{path} is damaged; the run cannot go on.").format(path=self.path / RECIPE),
                                "damaged") from error

    @contextmanager
    def hold(self) -> Iterator[None]:
        """A context in which no other process trains here. "busy" when one does."""
        try:
            private_files.make_folder(self.path, private=False)
            self._lock.acquire(timeout=PATIENCE)
        except Timeout as error:
            raise TrainingError(_("Another process is training in {path}.").format(path=self.path), "busy") from error
        except OSError as error:
            raise not_written(error) from error
        try:
            self._write(PROCESS, json.dumps({"process": os.getpid(), "computer": platform.node()}).encode())
            yield
        finally:
            self._lock.release()

    @property
    def process(self) -> int | None:
        """The number of the process that trains here now; None when there is none, or it is on another computer."""
        if not self.busy:
            return None
        try:
            stored = plain_json.read(self.path / PROCESS)
            return int(stored["process"]) if stored["computer"] == platform.node() else None
        except UNREADABLE:
            return None

    @property
    def busy(self) -> bool:
        """Whether a process trains here now."""
        if self._lock.is_locked:
            return True
        if not (self.path / LOCK).exists():
            return False
        try:
            with FileLock(self.path / LOCK, 0, private_files.lock_mode(self.path)):
                return False
        except Timeout:
            return True
        except OSError:
            return False

    def save(self, state: RunState) -> None:
        """Replace the state. "full", "not_written": the old one stays."""
        from safetensors.torch import save

        facts = {"step": str(state.step), "facts": json.dumps(state.facts)}
        self._write(STATE, save({name: tensor.detach().cpu().contiguous() for name, tensor in state.tensors.items()},
                                metadata=facts))

    def state(self) -> RunState:
        """The saved state; step 0 when nothing was saved yet. "damaged"."""
        from safetensors import SafetensorError, safe_open

        path = self.path / STATE
        if not path.exists():
            return RunState(0)
        try:
            with safe_open(path, "pt") as file:
                facts = file.metadata()
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  (no mapping)
            return RunState(int(facts["step"]), tensors, plain_json.loads(facts["facts"]))
        except (SafetensorError, *UNREADABLE) as error:
            raise TrainingError(_("{path} is damaged; the run cannot go on from it.").format(path=path),
                                "damaged") from error

    def log(self, event: str, **facts: Any) -> None:
        """Add a line. OSError is TrainingError ("full", "not_written")."""
        assert event in EVENTS
        line = json.dumps({"event": event, "time": round(time.time(), 3), **facts}).encode() + b"\n"
        try:
            with (self.path / LOG).open("ab+") as file:
                private_files.inherit(self.path / LOG)
                if file.tell() and (file.seek(-1, os.SEEK_END), file.read(1))[1] != b"\n":
                    line = b"\n" + line  # a crash tore the line before
                file.write(line)
        except OSError as error:
            raise not_written(error) from error

    def events(self) -> list[dict[str, Any]]:
        """The events so far; torn lines are left out."""
        return read_events(self.path / LOG, 0)[0]

    def rewind(self, step: int, look: bool = False) -> None:
        """Remove from the log what will happen again: everything after a step, with `look` also its validation."""
        events = [event for event in self.events() if event.get("step", 0) < step
                  or (event.get("step", 0) == step and not (look and event["event"] == "dev"))]
        self._write(LOG, "".join(json.dumps(event) + "\n" for event in events).encode())

    def _write(self, name: str, content: bytes) -> None:
        try:
            private_files.make_folder(self.path, private=False)
            for left in self.path.glob(f".{name}.*.new"):  # by a process that was killed while it wrote
                left.unlink(missing_ok=True)
            private_files.write_atomically(self.path / name, content, private=False)
        except OSError as error:
            raise not_written(error) from error


def read_events(path: Path, offset: int) -> tuple[list[dict[str, Any]], int]:
    """The events of whole lines after a byte offset of a log, and the offset to go on from; none if there is no log."""
    try:
        with path.open("rb") as file:
            file.seek(offset)
            added = file.read()
    except OSError:
        return [], offset
    whole = added[:added.rfind(b"\n") + 1]
    events = []
    for line in whole.splitlines():
        try:
            event = _sound(plain_json.loads(line))
        except ValueError:
            continue
        if event is not None:
            events.append(event)
    return events, offset + len(whole)


def _sound(stored: Any) -> dict[str, Any] | None:
    """The event of a line without what no run writes; None when that leaves no event, or a step without its number."""
    if not isinstance(stored, dict) or not isinstance(stored.get("event"), str) or stored["event"] not in EVENTS:
        return None
    numbers = {name: int(value) if name in WHOLE else value for name, value in stored.items() if _is_sound(name, value)}
    if numbers["event"] in ("step", "dev") and "step" not in numbers:
        return None
    if "score" not in numbers:
        numbers.pop("best", None)
    return numbers


def _is_sound(name: str, value: Any) -> bool:
    if name in TEXTS:
        return isinstance(value, str)
    if name in WHOLE or name in NUMBERS:
        number = isinstance(value, int | float) and not isinstance(value, bool)
        return number and (0 if name in WHOLE else -LARGEST_STEP) <= value <= LARGEST_STEP
    return True


def not_written(error: OSError) -> BrewclipError:
    """The TrainingError ("full", "not_written") of a file of a run that could not be written."""
    kind = "full" if error.errno == 28 else "not_written"
    return TrainingError(_("The run's folder could not be written: {strerror}. What was saved before is kept, and the "
                           "run can go on from there.").format(strerror=error.strerror or error), kind)
