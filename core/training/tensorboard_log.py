"""Event files for TensorBoard beside `log.jsonl`: the curves of a run as scalars.

They are made from the log, which stays the record of the run; the extra `tensorboard` brings the library.
"""

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from core.errors import TrainingError
from core.localisation import _
from core.progress import Progress, Report
from core.training.run_folder import LOG, read_events

FOLDER = "tensorboard"  # in the folder of a run
PARTS = ("step", "dev")  # events with curves


def check_installed() -> None:
    """TrainingError ("no_tensorboard") where the library is missing."""
    if find_spec("tensorboard") is None:
        raise TrainingError(_("TensorBoard is not installed: `pip install tensorboard` brings it. No run was begun."),
                            "no_tensorboard")


def scalars(event: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    """Tags and values of an event of the log: "step/loss", "dev/speech_to_image/R@1"; none of other events."""
    if event.get("event") in PARTS:
        facts = {key: value for key, value in event.items() if key not in ("event", "time", "step", "best")}
        yield from _numbers(str(event["event"]), facts)


def _numbers(prefix: str, value: Any) -> Iterator[tuple[str, float]]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _numbers(f"{prefix}/{key}", inner)
    elif isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
        yield prefix, float(value)


class CurveWriter:
    """Writes the curves of a run into `tensorboard/` below its folder, and goes on as the log grows.

    Curves that are there are replaced: a run that continues may repeat steps. TrainingError ("no_tensorboard").
    """

    def __init__(self, run: Path) -> None:
        check_installed()
        self._log, self._folder = run / LOG, run / FOLDER
        self._read_to = 0
        self._writer: Any = None

    def update(self) -> None:
        """Add the events that are new in the log; all anew where the log was cut. OSError."""
        try:
            size = self._log.stat().st_size
        except FileNotFoundError:
            return
        if size == self._read_to and self._writer is not None:
            return
        if self._writer is None or size < self._read_to:
            self._begin()
        events, self._read_to = read_events(self._log, self._read_to)
        for event in events:
            self._add(event)
        self._writer.flush()

    def close(self) -> None:
        """Add what is left and close the files."""
        self.update()
        if self._writer is not None:
            self._writer.close()

    def _begin(self) -> None:
        from tensorboard.summary.writer.event_file_writer import EventFileWriter

        if self._writer is not None:
            self._writer.close()
        for path in self._folder.glob("events.out.tfevents.*"):
            path.unlink()
        self._writer, self._read_to = EventFileWriter(str(self._folder)), 0

    def _add(self, event: Mapping[str, Any]) -> None:
        from tensorboard.compat.proto.event_pb2 import Event
        from tensorboard.compat.proto.summary_pb2 import Summary

        values = [Summary.Value(tag=tag, simple_value=value) for tag, value in scalars(event)]
        if values:
            self._writer.add_event(Event(wall_time=float(event["time"]), step=int(event["step"]),
                                         summary=Summary(value=values)))


@contextmanager
def curves(run: Path, report: Report) -> Iterator[Report]:
    """A report that also writes the curves of a run. TrainingError ("no_tensorboard")."""
    writer = CurveWriter(run)

    def updating(progress: Progress) -> None:
        report(progress)
        writer.update()

    try:
        yield updating
    finally:
        writer.close()
