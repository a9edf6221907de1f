"""Days, months and years as people type them: 2024, 2024-05, 2024-05-17, and spans of them."""

import re
from datetime import MAXYEAR, UTC, datetime, timedelta

from core.localisation import _

FORM = re.compile(r"(\d{4})(?:-(\d{1,2})(?:-(\d{1,2}))?)?")
SPAN = re.compile(r"\s*(?:\.\.|–|—|\bto\b)\s*")
ACCEPTED = _("2024, 2024-05, 2024-05-17, 2023 to 2024-06, since 2024, before 2024")  # for people
OPEN = re.compile(r"(?i)(since|from|before|until)\s+(.*)")

CAMERA = re.compile(r"(\d{4})\D{0,2}(\d{1,2})\D{0,2}(\d{1,2})(?:\D{1,2}(\d{1,2})\D{0,2}(\d{2})(?:\D{0,2}(\d{2}))?)?")
COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})?")
UNSET = frozenset((datetime(1904, 1, 1), datetime(1970, 1, 1)))  # what clocks begin with
OLDEST = 1800  # the year from which there can be photographs

Span = tuple[datetime | None, datetime | None]  # taken from the one on and before the other


def beginning(text: str) -> datetime:
    """The moment at which that year, month or day begins. ValueError when it is none."""
    return _bounds(text)[0]


def span(text: str) -> Span:
    """Time span of a text: "" all, "2024" a year, "2024-05 to 2024-07" both and what lies between, "since 2024-05-17",
    "before 2024", "until 2024" with that year. `to`, `..` and a dash say the same, as do `since` and `from`. An end
    that is left away is open: "2024 to". ValueError when it says nothing of the kind, or ends before it begins.
    """
    text = text.strip()
    if not text:
        return None, None
    word = OPEN.fullmatch(text)
    if word is not None:
        start, end = _bounds(word[2])
        return {"before": (None, start), "until": (None, end)}.get(word[1].lower(), (start, None))
    ends = SPAN.split(text)
    if len(ends) == 1:
        return _bounds(text)
    first, last = ends
    since, until = (beginning(first) if first else None), (_bounds(last)[1] if last else None)
    if not (first or last) or (since is not None and until is not None and since >= until):
        raise ValueError(text)
    return since, until


def _bounds(text: str) -> tuple[datetime, datetime]:
    """The moments at which a year, month or day begins, and the next one."""
    match = FORM.fullmatch(text.strip())
    if match is None:
        raise ValueError(text)
    year, month, day = int(match[1]), match[2], match[3]
    start = datetime(year, int(month or 1), int(day or 1))
    if year == MAXYEAR:  # the next one cannot be told
        raise ValueError(text)
    if day:
        return start, start + timedelta(days=1)
    return start, datetime(year + 1, 1, 1) if not month or start.month == 12 else datetime(year, start.month + 1, 1)


def camera_date(written: object) -> datetime | None:
    """A date as EXIF data hold it ("2024:05:01 12:30:00"), in any of the spellings that cameras and programs use.

    Without a time of day it is midnight. None for blanks, zeros, clocks that were never set and what is no date.
    """
    if isinstance(written, bytes):
        written = written.decode("ascii", "replace")
    if not isinstance(written, str):
        return None
    text = written.strip(" \0\t\r\n")
    match = COMPACT.match(text) or CAMERA.match(text)
    if match is None:
        return None
    year, month, day, hour, minute, second = (int(part or 0) for part in match.groups())
    try:
        moment = datetime(year, month, day, hour % 24, minute, min(second, 59)) + timedelta(days=hour // 24)
    except (ValueError, OverflowError):
        return None
    return moment if moment.year >= OLDEST and hour <= 24 and moment not in UNSET else None


def epoch_ns(moment: datetime) -> int:
    """A moment of local time in nanoseconds since 1970, as files' times are, within what 64 bits hold."""
    try:
        seconds = int(moment.timestamp())
    except (ValueError, OverflowError, OSError):
        seconds = 2**62 if moment.year > 1970 else -(2**62)
    return max(-(2**63) + 1, min(seconds * 10**9 + moment.microsecond * 1000, 2**63 - 1))


def file_date(mtime_ns: int) -> datetime:
    """The local time, without a zone, of a file's time of change."""
    return datetime.fromtimestamp(mtime_ns / 1e9, UTC).astimezone().replace(tzinfo=None)
