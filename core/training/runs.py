"""Runs of a folder as frozen records: progress, end, best score, curves.

All of it is read from the run's log. No torch here: the window shows runs at once.
"""

import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from core import private_files
from core.errors import BrewclipError
from core.localisation import _
from core.training.recipe import Recipe
from core.training.run_folder import LOG, RECIPE, UNREADABLE, RunFolder, read_events

State = Literal["preparing", "training", "paused", "finished", "stopped", "failed"]
ENDS: Mapping[str, State] = {"finished": "finished", "patience": "finished", "stopped": "paused",
                             "cancelled": "stopped", "error": "failed"}
LIVE: tuple[State, ...] = ("preparing", "training")
LOST = ("Its process ended without a word: it was killed, or the computer went off. What was saved before is kept, and "
        "the run can go on from there.")
NEVER_BEGUN = "It was not begun yet."
NOT_READ = "The run's folder could not be read and was left as it is: {reason}."
LARGEST_VALUE = 1e300  # of a curve; NaN is not below it
PACE_OVER = 30  # "step" events that the time left is reckoned from
Event = Mapping[str, Any]


@dataclass(frozen=True)
class CurveKind:
    """Kind of curve: `path` leads to its value in events of one kind; `unit` of its values."""

    key: str
    title: str
    event: str
    path: tuple[str, ...]
    unit: str = ""
    scale: float = 1.0

    def value(self, event: Event) -> float | None:
        """The event's value; None where it has none."""
        value: Any = event
        for name in self.path:
            value = value.get(name) if isinstance(value, Mapping) else None
        number = isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < LARGEST_VALUE
        return value * self.scale if number else None


_RECALL = tuple(CurveKind(f"{direction}.{at}",
                          _("Dev recall, {replace}, {at}").format(replace=direction.replace("_", " "), at=at), "dev",
                          (direction, at), "%")
                for direction in ("speech_to_image", "image_to_speech") for at in ("R@1", "R@5", "R@10"))
CURVES: tuple[CurveKind, ...] = (
    CurveKind("loss", _("Loss"), "step", ("loss",)),
    CurveKind("outer", _("Outer loss, pictures and speech"), "step", ("outer",)),
    CurveKind("inner", _("Inner loss, voice and words"), "step", ("inner",)),
    CurveKind("rate", _("Learning rate"), "step", ("rate",)),
    CurveKind("temperature", _("Temperature"), "step", ("temperature",)),
    CurveKind("pace", _("Pairs a second"), "step", ("pairs_per_second",)),
    CurveKind("memory", _("GPU memory"), "step", ("memory",), "GB", 1e-9),
    *_RECALL,
    CurveKind("score", _("Dev recall, mean of all six"), "dev", ("score",), "%"),
    CurveKind("weight", _("Acoustic weight, chosen on dev"), "dev", ("acoustic_weight",)),
)


@dataclass(frozen=True)
class TrainingCurve:
    """Values at steps, in the order of steps."""

    steps: tuple[int, ...] = ()
    values: tuple[float, ...] = ()

    @property
    def last(self) -> float | None:
        """The newest value; None when there is none."""
        return self.values[-1] if self.values else None


@dataclass(frozen=True)
class RunRecord:
    """One run, as its folder has it.

    `recipe` is None when its file is damaged; `message` says why the run is not going on, "" when there is nothing to
    say; `best` is the best mean recall on dev in percent so far, with its step; `prepared` is (done, total, text) while
    the dataset is heard and seen, `hearing` how many of how many recordings while they are heard; `seconds_left`
    is None while unknown; `usable` when there is a model to search with. `failure` is the kind of the error that ended
    the run, such as "memory" or "killed", "" where none is known.
    """

    path: Path
    state: State
    recipe: Recipe | None = None
    message: str = ""
    step: int = 0
    best: float | None = None
    best_step: int = 0
    prepared: tuple[int, int, str] = (0, 0, "")
    hearing: tuple[int, int] = (0, 0)
    device: str = ""
    fallback: str = ""
    pairs: int = 0
    parameters: int = 0
    seconds_left: float | None = None
    usable: bool = False
    notes: tuple[str, ...] = ()
    curves: Mapping[str, TrainingCurve] = field(default_factory=dict)
    failure: str = ""

    @property
    def name(self) -> str:
        """Name of the run: "run 7" when its folder has a number, else the folder's name."""
        return f"run {self.path.name}" if self.path.name.isdecimal() else self.path.name

    @property
    def live(self) -> bool:
        """Whether a process works on it."""
        return self.state in LIVE

    @property
    def steps(self) -> int:
        """Steps of the recipe."""
        return self.recipe.training.steps if self.recipe else 0

    def curve(self, key: str) -> TrainingCurve:
        """One curve; empty when the log has none."""
        return self.curves.get(key, TrainingCurve())


class RunReader:
    """Reads one run again and again; only what its log has more is parsed. One thread at a time."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._recipe: Recipe | None = None
        self._problem = ""
        self._log: tuple[int, int] = (0, 0)  # the log's file number, and how far it was read
        self._events: list[Event] = []
        self._last: tuple[Any, RunRecord] | None = None

    def read(self, alive: bool | None = None) -> RunRecord:
        """The run as it is now, whatever its files hold. `alive`: whether a process works on it; None: see its lock."""
        try:
            return self._read(alive)
        except UNREADABLE as error:
            reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
            return RunRecord(self.path, "failed", message=NOT_READ.format(reason=reason))

    def _read(self, alive: bool | None) -> RunRecord:
        if self._recipe is None:
            self._read_recipe()
        self._read_log()
        busy = RunFolder(self.path).busy if alive is None else alive
        usable = RunFolder(self.path).best.is_dir()
        state = (len(self._events), self._log, busy, usable, self._recipe is None)
        if self._last is None or self._last[0] != state:
            self._last = state, record_of(self.path, self._recipe, self._events, busy, usable, self._problem)
        return self._last[1]

    def _read_recipe(self) -> None:
        try:
            self._recipe, self._problem = RunFolder(self.path).recipe(), ""
        except BrewclipError as error:
            self._problem = str(error)

    def _read_log(self) -> None:
        """A resumed run puts a shorter log in the place of its old one: that is read from its beginning."""
        try:
            status = (self.path / LOG).stat()
        except OSError:
            self._log, self._events = (0, 0), []
            return
        number, offset = self._log
        if number != status.st_ino or offset > status.st_size:
            offset, self._events = 0, []
        added, offset = read_events(self.path / LOG, offset)
        self._events.extend(added)
        self._log = status.st_ino, offset


class RunShelf:
    """Runs of a folder. Thread-safe."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._readers: dict[Path, RunReader] = {}
        self._lock = threading.Lock()

    def read(self, alive: Collection[Path] = ()) -> tuple[RunRecord, ...]:
        """All runs, newest first (by number, then by name). `alive`: those that a process is known to work on."""
        with self._lock:
            paths = sorted(_runs_in(self.folder), key=_order, reverse=True)
            self._readers = {path: self._readers.get(path) or RunReader(path) for path in paths}
            return tuple(reader.read(True if path in alive else None) for path, reader in self._readers.items())


def new_folder(folder: Path) -> Path:
    """Make the empty folder of the next run, named by the number after the highest. OSError."""
    private_files.make_folder(folder, private=False)
    number = max((int(path.name) for path in folder.iterdir() if path.name.isdecimal()), default=0)
    while True:
        number += 1
        try:
            (folder / str(number)).mkdir()
            private_files.inherit(folder / str(number))
        except FileExistsError:  # another window took it
            continue
        return folder / str(number)


def record_of(path: Path, recipe: Recipe | None, events: Sequence[Event], busy: bool, usable: bool,
              problem: str = "") -> RunRecord:
    """The record of a run with these events; `problem` is why there is no recipe."""
    state, message = _state(events, busy)
    if recipe is None and not busy:
        state, message = "failed", problem
    begun = _last_place(events, "begin")
    begin = events[begun] if begun >= 0 else {}
    steps = [event for event in events if event["event"] == "step"]
    best = max((event for event in events if event["event"] == "dev" and event.get("best")),
               key=lambda event: event.get("score", 0.0), default=None)
    step = max((int(event.get("step", 0)) for event in events if event["event"] != "note"), default=0)
    total = recipe.training.steps if recipe else 0
    return RunRecord(
        path, state, recipe, message, step, best["score"] if best else None, best["step"] if best else 0,
        _prepared(events) if state == "preparing" else (0, 0, ""),
        _hearing(events) if state == "preparing" else (0, 0), begin.get("device", ""), begin.get("fallback", ""),
        begin.get("pairs", 0), begin.get("parameters", 0),
        _seconds_left([event for event in events[begun + 1:] if event["event"] == "step"], total) if busy else None,
        usable, tuple(str(event.get("text", "")) for event in events if event["event"] == "note"),
        {kind.key: curve for kind in CURVES if (curve := _curve(kind, steps, events)).steps},
        str(events[-1].get("kind", "")) if state == "failed" and events and events[-1]["event"] == "end" else "")


def _state(events: Sequence[Event], busy: bool) -> tuple[State, str]:
    ended, begun = _last_place(events, "end"), _last_place(events, "begin")
    if busy:
        return ("training" if begun > ended else "preparing"), ""
    if not events:
        return "paused", NEVER_BEGUN
    if ended < len(events) - 1:
        return "failed", LOST
    end = events[ended]
    return ENDS.get(end.get("why", ""), "failed"), str(end.get("message", ""))


def _last_place(events: Sequence[Event], name: str) -> int:
    return next((place for place in range(len(events) - 1, -1, -1) if events[place]["event"] == name), -1)


def _prepared(events: Sequence[Event]) -> tuple[int, int, str]:
    last = events[-1] if events else {}
    if last.get("event") != "prepare":
        return 0, 0, ""
    return int(last.get("done", 0)), int(last.get("total", 0)), str(last.get("text", ""))


def _hearing(events: Sequence[Event]) -> tuple[int, int]:
    done, total = events[-1].get("hearing", (0, 0)) if events else (0, 0)
    return int(done), int(total)


def _seconds_left(steps: Sequence[Event], total: int) -> float | None:
    """Estimated from the last steps of the present process, validations included."""
    timed = [event for event in steps if "time" in event][-PACE_OVER:]
    if len(timed) < 2:
        return None
    done = timed[-1]["step"] - timed[0]["step"]
    taken = float(timed[-1]["time"] - timed[0]["time"])
    return taken / done * max(0, total - timed[-1]["step"]) if done > 0 else None


def _curve(kind: CurveKind, steps: Sequence[Event], events: Sequence[Event]) -> TrainingCurve:
    source = steps if kind.event == "step" else [event for event in events if event["event"] == kind.event]
    points = [(int(event["step"]), value) for event in source if "step" in event
              and (value := kind.value(event)) is not None]
    return TrainingCurve(tuple(step for step, _unused in points), tuple(value for _unused, value in points))


def pace_of(records: Sequence[RunRecord], like: Callable[[RunRecord], bool]) -> float | None:
    """Pairs a second that earlier runs reached on this computer, the newest first; None when there is none like it."""
    for record in records:
        values = record.curve("pace").values
        if values and like(record):
            return sorted(values)[len(values) // 2]
    return None


def _runs_in(folder: Path) -> list[Path]:
    try:
        return [path for path in folder.iterdir() if _may_be_run(path)]
    except OSError:
        return []


def _may_be_run(path: Path) -> bool:
    try:
        return (path / RECIPE).is_file()
    except OSError:  # a folder that may not be looked into: it is listed with the reason
        return True


def _order(path: Path) -> tuple[int, str]:
    return (int(path.name), "") if path.name.isdecimal() else (-1, path.name)
