"""`brewclip duplicates`: files of a gallery that hold one picture."""

import csv
import io
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from core.cli import options
from core.cli.options import option
from core.cli.output import as_json, number, size, table
from core.cli.parts import OK, Arguments, Command, explorer, note, progress
from core.remote import shown

if TYPE_CHECKING:
    from core.duplicates.groups import DuplicateGroup, Duplicates

COLUMNS = ("gallery", "group", "identical", "best", "path", "width", "height", "bytes", "date", "sha256")

OPTIONS = (
    option("gallery", nargs="?", default="", metavar="GALLERY", help="name or address (default: every gallery)"),
    option("--exact", action="store_true", help="identical files only; needs no comparison of pictures"),
    option("--near", action="store_true", help="only groups with files that differ"),
    option("--csv", action="store_true", help="print CSV, one line a file"),
    options.JSON)


def _duplicates(arguments: Arguments) -> int:
    """Print the groups of each gallery."""
    from core.duplicates.find import find_duplicates

    results: dict[str, Duplicates] = {}
    with explorer() as opened, progress() as report:
        names = [arguments.gallery] if arguments.gallery else [gallery.name for gallery in opened.store.galleries()]
        for name in names:
            gallery = opened.gallery(name)
            result = find_duplicates(gallery, opened.home.caches, report, not arguments.exact or arguments.near,
                                     opened.settings["images.max_megapixels"])
            results[gallery.name] = result.near if arguments.near and not arguments.exact else result
    if arguments.json:
        print(as_json([_json(name, result) for name, result in results.items()]))
    elif arguments.csv:
        print(_csv(results), end="")
    else:
        print("\n\n".join(_text(name, result) for name, result in results.items()) or "There is no gallery yet.")
    for name, result in results.items():
        if result.unread:
            note(f"{name}: {number(result.unread, 'picture')} with a near duplicate could not be read and "
                 f"{'was' if result.unread == 1 else 'were'} not compared.")
    return OK


def _json(name: str, result: "Duplicates") -> dict[str, Any]:
    return {"gallery": name, "images": result.images, "compared": result.compared, "unread": result.unread,
            "groups": [{"identical": group.exact, "spare_bytes": group.spare_bytes, "files": list(_files(group))}
                       for group in result.groups]}


def _files(group: "DuplicateGroup") -> Iterator[dict[str, Any]]:
    """Facts of a group's files by column, the best first."""
    for image in group.images:
        yield {"best": image is group.best, "path": shown(image.path), "width": image.width, "height": image.height,
               "bytes": image.size, "date": image.dated[0].isoformat(timespec="seconds"),
               "sha256": image.content_hash}


def _csv(results: "dict[str, Duplicates]") -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for name, result in results.items():
        for place, group in enumerate(result.groups, 1):
            writer.writerows({"gallery": name, "group": place, "identical": group.exact, **file}
                             for file in _files(group))
    return text.getvalue()


def _text(name: str, result: "Duplicates") -> str:
    if not result.groups:
        return f"{name}: no duplicates among {number(result.images, 'picture')}."
    rows = [(str(place) if image is group.best else "", "keep" if image is group.best else "",
             f"{image.width} x {image.height}", size(image.size), f"{image.dated[0]:%Y-%m-%d}", shown(image.path))
            for place, group in enumerate(result.groups, 1) for image in group.images]
    identical = sum(group.exact for group in result.groups)
    return "\n".join([
        table(rows, ("group", "best", "pixels", "size", "date", "picture"), right=(0, 2, 3)),
        f"{name}: {number(len(result.groups), 'group')}, {identical} of identical files; "
        f"{number(result.spare, 'file')} beyond the best of each, {size(result.spare_bytes)}"])


DUPLICATES = Command("duplicates", "find pictures that a gallery has several times", OPTIONS, _duplicates,
                     details="Identical files, and those resized, cropped, compressed or converted. Deletes nothing.")
