"""Lists of pictures for other programs, as CSV or JSON: hits with scores and shares, or any pictures of a gallery.

A CSV list can be indexed as a list of pictures: its paths are in the column `path` (`core.indexing.lists`).
"""

import csv
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from core import private_files
from core.errors import ImageError
from core.localisation import _
from core.remote import shown
from core.search.queries import Hit
from core.spreadsheet import plain_cells
from core.store.records import ImageRecord

COLUMNS = ("path", "rank", "score", "strength", "expected_by_chance", "words", "voice", "date", "date_source", "tags",
           "rating", "size", "width", "height")


def entry_of(image: ImageRecord, hit: Hit | None = None) -> dict[str, Any]:
    """A picture as plain values by `COLUMNS`; None where there is no hit, `voice` None without an acoustic branch.

    `words` and `voice` are the score shares of all terms through the text and the acoustic branch, `size` is in bytes.
    """
    date, source = image.dated
    shares = hit.shares if hit is not None else ()
    voices = [share.value for share in shares if share.branch == "acoustic"]
    words = sum(share.value for share in shares if share.branch == "text")
    values = (shown(image.path), hit and hit.rank, hit and hit.score, hit and hit.strength.level,
              hit and hit.strength.expected, hit and words, sum(voices) if voices else None,
              date.isoformat(timespec="seconds"), source, list(image.tags), image.rating, image.size, image.width,
              image.height)
    return dict(zip(COLUMNS, values, strict=True))


def write_list(path: Path, pictures: Sequence[tuple[ImageRecord, Hit | None]]) -> None:
    """Write pictures in this order into a file: as JSON where it ends in .json, else as CSV.

    ImageError ("not_written"); a file that was there is then as it was.
    """
    entries = [entry_of(image, hit) for image, hit in pictures]
    text = _as_json(entries) if path.suffix.lower() == ".json" else as_csv(entries)
    try:
        private_files.write_atomically(path, text.encode("utf-8", "surrogateescape"), private=False)
    except OSError as error:
        raise ImageError(_("The list could not be written to {path}: {strerror}. Choose another place.").format(
            path=path, strerror=error.strerror or error),
                         "not_written") from error


def _as_json(entries: list[dict[str, Any]]) -> str:
    """Names that are no UTF-8 are escaped, as everything beyond ASCII."""
    return json.dumps(entries, indent=1) + "\n"


def as_csv(entries: list[dict[str, Any]]) -> str:
    """Entries of `entry_of` as CSV; tags are separated by semicolons, what looks like a formula is marked as text."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(plain_cells({**entry, "tags": "; ".join(entry["tags"])}.values()) for entry in entries)
    return out.getvalue()
