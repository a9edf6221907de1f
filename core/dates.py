"""Days, months and years as people type them: 2024, 2024-05, 2024-05-17, and spans of them."""

import re
from datetime import MAXYEAR, datetime, timedelta

FORM = re.compile(r"(\d{4})(?:-(\d{1,2})(?:-(\d{1,2}))?)?")
SPAN = re.compile(r"\s*(?:\.\.|–|—|\bto\b)\s*")
OPEN = re.compile(r"(?i)(since|from|before|until)\s+(.*)")

Span = tuple[datetime | None, datetime | None]  # taken from the one on and before the other


def beginning(text: str) -> datetime:
    """The moment at which that year, month or day begins. ValueError when it is none."""
    return _bounds(text)[0]


def span(text: str) -> Span:
    """What a text spans: "" all, "2024" a year, "2024-05 to 2024-07" both and what lies between, "since 2024-05-17",
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
    found = FORM.fullmatch(text.strip())
    if found is None:
        raise ValueError(text)
    year, month, day = int(found[1]), found[2], found[3]
    start = datetime(year, int(month or 1), int(day or 1))
    if year == MAXYEAR:  # the next one cannot be told
        raise ValueError(text)
    if day:
        return start, start + timedelta(days=1)
    return start, datetime(year + 1, 1, 1) if not month or start.month == 12 else datetime(year, start.month + 1, 1)
