"""`brewclip tone`: the tone set, in which the tone of voice decides the match."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.cli import options
from core.cli.options import option
from core.cli.output import as_json, table
from core.cli.parts import OK, Arguments, Command, note, progress

if TYPE_CHECKING:
    from core.tone.build import BuiltSet


def _actors(text: str) -> tuple[int, ...]:
    """An argument that lists actors: "19,20"."""
    try:
        return tuple(int(part) for part in text.split(",") if part.strip())
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text}: actors are numbers with commas between them, as 19,20") from None


BUILD_OPTIONS = (
    option("folder", type=Path, metavar="DIR", help="folder for the set; that of an earlier set is built again"),
    option("--ravdess", type=Path, metavar="RAVDESS",
           help="RAVDESS folder; its recordings are copied (default: pictures alone)"),
    option("--emoji", type=Path, action="append", default=[], metavar="FOLDER",
           help="folder of a further emoji set in Iconify's form, as an unseen style; repeatable"),
    option("--dev-actors", type=_actors, metavar="LIST", help="actors of dev (default: 6,11,17)"),
    option("--test-actors", type=_actors, metavar="LIST", help="actors of the tests (default: 19 to 24)"),
    options.JSON)


def _build(arguments: Arguments) -> int:
    from core.tone import build

    chosen = build.BuildOptions(
        arguments.ravdess, tuple(arguments.emoji),
        build.DEV_ACTORS if arguments.dev_actors is None else arguments.dev_actors,
        build.TEST_ACTORS if arguments.test_actors is None else arguments.test_actors)
    with progress() as report:
        built = build.build(arguments.folder, chosen, report)
    print(as_json(_built_json(built)) if arguments.json else _built_text(built))
    for sentence in built.notes:
        note(sentence)
    return OK


def _built_json(built: "BuiltSet") -> dict[str, Any]:
    return {"folder": str(built.folder), "pictures": built.pictures, "utterances": built.utterances,
            "notes": list(built.notes)}


def _built_text(built: "BuiltSet") -> str:
    return table([(split, str(built.pictures[split]), str(built.utterances[split])) for split in built.pictures],
                 ("split", "pictures", "utterances"), right=(1, 2))


TONE = Command("tone", "build the set in which the tone of voice decides the match", commands=(
    Command("build", "draw the pictures and pair them with RAVDESS' recordings", BUILD_OPTIONS, _build),))
