"""Facts of a picture in words: date, folder, size."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QDate, QLocale

from brewclip_app.localisation import _

if TYPE_CHECKING:
    from core.store.records import ImageRecord

NO_BREAK = "\N{NO-BREAK SPACE}"
DATE_SOURCES = {"taken": "taken", "file": _("file date")}


def date_words(moment: datetime) -> str:
    """A date as the system's language writes it: "12 Jan 2024"."""
    return QLocale().toString(QDate(moment.year, moment.month, moment.day), "d MMM yyyy")


def facts_words(image: "ImageRecord") -> str:
    """ "winter / january · taken 12 Jan 2024 · 500 × 375"; lines break between the facts, not within one."""
    folders = " / ".join(image.path.parent.parts[-2:]).lstrip("/ ")
    date, source = image.dated
    facts = (f"{DATE_SOURCES[source]} {date_words(date)}", f"{image.width} × {image.height}")
    return f"{NO_BREAK}· ".join(filter(None, (folders, *(fact.replace(" ", NO_BREAK) for fact in facts))))


def breakable(path: Path) -> str:
    """A file name that a label may break after each part of it: long names have no blanks."""
    name = path.name
    for mark in "_-.":
        name = name.replace(mark, f"{mark}\N{ZERO WIDTH SPACE}")
    return name
