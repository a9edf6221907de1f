"""`brewclip import` and `brewclip export`: spoken captions of a dataset into a gallery, and back."""

from typing import TYPE_CHECKING, Any

from core.annotation.layout_names import LAYOUT_TITLES
from core.cli import options
from core.cli.options import option, output_folder
from core.cli.output import as_json, duration, number, table
from core.cli.parts import OK, WARNED, Arguments, Command, explorer, note, progress

if TYPE_CHECKING:
    from core.annotation.exports import ExportResult
    from core.annotation.imports import ImportResult

EXPORT_OPTIONS = (
    option("gallery", metavar="GALLERY", help="gallery with spoken captions"),
    option("folder", type=output_folder, metavar="DIR", help="new or empty folder"),
    option("--layout", choices=tuple(LAYOUT_TITLES), default=next(iter(LAYOUT_TITLES)), help="layout of the dataset"),
    option("--by-speaker", action="store_true", help="split by speaker too"),
    option("--reviewed", action="store_true", help="only captions accepted in the review"),
    option("--seed", type=int, default=0, metavar="N", help="seed of the splits"),
    options.JSON)


def _export(arguments: Arguments) -> int:
    with explorer() as opened, progress() as report:
        from core.annotation.exports import ExportOptions, export

        options = ExportOptions(arguments.layout, arguments.by_speaker, arguments.reviewed, arguments.seed)
        gallery = opened.gallery(opened.store.gallery(arguments.gallery))
        result = export(opened.store, gallery, arguments.folder, options, report)
    print(as_json(_export_json(result)) if arguments.json else _export_text(result))
    for problem in result.problems:
        note(f"{problem.count} {problem.what}: {', '.join(problem.examples)}")
    return WARNED if result.problems else OK


def _export_json(result: "ExportResult") -> dict[str, Any]:
    return {"gallery": result.gallery, "folder": str(result.folder), "layout": result.layout,
            "splits": {split.name: {"images": split.images, "utterances": split.utterances} for split in result.splits},
            "left_out": [{"reason": group.reason, "count": group.count, "examples": list(group.examples)}
                         for group in result.left_out],
            "problems": [{"what": problem.what, "count": problem.count, "examples": list(problem.examples)}
                         for problem in result.problems],
            "seconds": round(result.seconds, 3)}


def _export_text(result: "ExportResult") -> str:
    rows = [(split.name, str(split.images), str(split.utterances)) for split in result.splits]
    lines = [f"{result.gallery} exported to {result.folder} in {duration(result.seconds)}",
             table(rows, ("split", "pictures", "utterances"), right=(1, 2))]
    lines += [f"left out, {group.count}: {group.what} ({', '.join(group.examples)})" for group in result.left_out]
    return "\n".join(lines)


def _import(arguments: Arguments) -> int:
    with explorer() as opened, progress() as report:
        from core.annotation.imports import import_dataset

        result = import_dataset(opened.store, arguments.folder, arguments.gallery, opened.index, arguments.kind, report,
                                arguments.follow_links)
    print(as_json(_import_json(result)) if arguments.json else _import_text(result))
    return OK


def _import_json(result: "ImportResult") -> dict[str, Any]:
    return {"gallery": result.gallery, "kind": result.kind, "pictures": result.pictures, "added": result.added,
            "known": result.known, "no_picture": result.no_picture, "no_recording": result.no_recording,
            "unspoken": result.unspoken, "links": result.links, "speakers": result.speakers,
            "failed": [{"path": str(path), "reason": reason} for path, reason in result.failed]}


def _import_text(result: "ImportResult") -> str:
    counts = [(result.known, "known before"), (result.no_picture, "without their picture"),
              (result.no_recording, "without their recording"),
              (result.links, "behind links out of the folder (--follow-links follows them)"),
              (result.unspoken, "captions without a recording"),
              (len(result.failed), "could not be read")]
    parts = "".join(f", {count} {what}" for count, what in counts if count)
    imported = f"{number(result.added, 'spoken caption')} by {number(result.speakers, 'speaker')} imported"
    lines = [f"{result.gallery}: {imported}, for {number(result.pictures, 'picture')}{parts}"]
    if result.failed:
        lines.append(table([(str(path), reason) for path, reason in result.failed]))
    return "\n".join(lines)


EXPORT = Command("export", "export a gallery's spoken captions as a dataset", EXPORT_OPTIONS, _export)
IMPORT = Command("import", "import a dataset's pictures and spoken captions into a gallery",
                 (options.DATASET, options.NEW_GALLERY, options.KIND, options.FOLLOW_LINKS, options.JSON), _import)
