"""Output of the command line: tables, JSON, and progress on one line that is redrawn."""

import json
import math
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, TextIO

from core.progress import Estimate, Progress, WorkStep, time_left

REDRAWN_EVERY = 0.1  # seconds, on a terminal
LOGGED_EVERY = 10.0  # seconds, in a log
BYTES = "".join(map(chr, range(0xDCA0, 0xDD00)))  # of names that are no text, but for 8-bit control characters
UNITS = ((1e9, "GB", 1), (1e6, "MB", 0), (1e3, "kB", 0))


def table(rows: Sequence[Sequence[str]], headings: Sequence[str] = (), right: Sequence[int] = ()) -> str:
    """The rows as aligned columns; those of `right` are aligned on the right. The last column is not padded."""
    lines = [[printable(cell, "") for cell in row] for row in ([headings, *rows] if headings else rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))] if lines else []
    aligned = ([cell.rjust(width) if column in right else cell.ljust(width)
                for column, (cell, width) in enumerate(zip(line, widths, strict=True))] for line in lines)
    return "\n".join("  ".join(cells).rstrip() for cells in aligned)


def printable(text: str, allowed: str = BYTES) -> str:
    """Replace line breaks and control characters, which file names may have and a terminal would obey.

    Characters in `allowed` stay: by default the bytes of names that are not text.
    """
    return "".join(character if character.isprintable() or character in allowed else "?" for character in text)


def shortened(text: str, widest: int) -> str:
    """The text, cut to `widest` characters with an ellipsis."""
    return text if len(text) <= widest else f"{text[:widest - 1]}\N{HORIZONTAL ELLIPSIS}"


def as_json(value: Any) -> str:
    """One JSON value. Other than ASCII is escaped: names of files may hold bytes that are no text."""
    return json.dumps(value, indent=1)


def size(number: float) -> str:
    """Bytes as "145 MB", "1.7 GB"."""
    for step, unit, digits in UNITS:
        if number >= step:
            return f"{number / step:.{digits}f} {unit}"
    return f"{number:.0f} bytes"


def duration(seconds: float) -> str:
    """Seconds as "2.4 s", "13 s", "4 min", "1 h 27 min"."""
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def number(count: int, singular: str, many: str = "") -> str:
    """A count with its noun: "1 query", "3 queries"."""
    return f"{count} {singular if count == 1 else many or singular + 's'}"


@dataclass
class ProgressPrinter:
    """A `report` that writes to stderr: one line redrawn on a terminal, else a line now and then.

    `in_bytes`: counts are bytes. The time left is shown as soon as it is known.
    """

    in_bytes: bool = False
    stream: TextIO = field(default_factory=lambda: sys.stderr)
    _shown: str = ""
    _step: tuple[int, WorkStep | None] | None = None  # before the first report
    _last: float = -math.inf
    _began: tuple[float, int] = (0.0, 0)
    _estimate: Estimate = field(default_factory=Estimate)

    def __call__(self, progress: Progress) -> None:
        """The report."""
        now = time.monotonic()
        done, total = progress.bar
        if progress.share is not None:
            self._estimate.add(done, total, now)
        step, terminal = (progress.number, progress.step), self.stream.isatty()
        changed = step != self._step or (progress.share is None and done < self._began[1])
        if changed:
            self._step, self._began = step, (now, done)
        if not changed and now - self._last < (REDRAWN_EVERY if terminal else LOGGED_EVERY) and done < total:
            return
        line = self._line(progress, now)
        if line != self._shown:
            self._write(line, terminal)
            self._last = now

    def finish(self) -> None:
        """Erase the line on a terminal."""
        if self._shown and self.stream.isatty():
            self.stream.write(f"\r{' ' * len(self._shown)}\r")
            self.stream.flush()
        self._shown = ""

    def _line(self, progress: Progress, now: float) -> str:
        """The step with its counts and the time left; of several steps also the percentage of the whole."""
        done, total = progress.bar
        words = progress.text()
        if self.in_bytes and total > 0:
            words = f"{progress.title}  {size(done)} of {size(total)}"
        if progress.share is not None:
            left = self._estimate.left()
            words += f", {100 * done // total} %"
        else:
            seconds, got = now - self._began[0], done - self._began[1]
            paced = got > 0 and seconds > (1 if self.in_bytes else 5) and done < total and not progress.detail
            left = (total - done) * seconds / got if paced else None
        return printable(words + (f", {time_left(left)}" if left is not None else ""))

    def _write(self, line: str, terminal: bool) -> None:
        self.stream.write(f"\r{line.ljust(len(self._shown))}" if terminal else f"{line}\n")
        self.stream.flush()
        self._shown = line
