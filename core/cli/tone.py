"""`brewclip tone`: the tone set, in which the tone of voice decides the match."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.cli import options
from core.cli.options import option
from core.cli.output import as_json, table
from core.cli.parts import OK, Arguments, Command, explorer, note, progress

if TYPE_CHECKING:
    from core.tone.build import BuiltSet
    from core.tone.measure import ToneFigure, ToneResult


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


EVALUATE_OPTIONS = (
    option("folder", type=Path, metavar="DIR", help="folder of a tone set"),
    option("--checkpoint", type=Path, action="append", default=[], metavar="RUN",
           help="folder of a run; repeatable (default: the backbone alone)"),
    option("--split", action="append", default=[], metavar="SPLIT",
           help="split to evaluate on; repeatable (default: both tests)"),
    *options.SPEECH, options.JSON)


def _evaluate(arguments: Arguments) -> int:
    with explorer(options.speech_settings(arguments)) as opened, progress() as report:
        from core.datasets.tone import SEEN, UNSEEN
        from core.models.spec import ModelSpec
        from core.tone import measure

        asked = [ModelSpec(checkpoint=run) for run in arguments.checkpoint] or [ModelSpec()]
        results = measure.measure(opened.workspace, arguments.folder, asked, arguments.split or (SEEN, UNSEEN), report)
    print(as_json([result.to_json() for result in results]) if arguments.json else
          "\n\n".join(_evaluation_text(result) for result in results))
    return OK


def _evaluation_text(result: "ToneResult") -> str:
    from core.datasets.tone import MOODS
    from core.tone.measure import CHANCE, WORDS_ALONE

    parts = [("whole", result.whole), ("with the statement", result.statement), ("words alone", result.words),
             ("voice alone", result.voice)]
    rows = [(name, *(_figure_text(figures.figures[key]) for key in CHANCE)) for name, figures in parts if figures]
    rows += [("chance", *(f"{value:.1f}" for value in CHANCE.values())),
             ("most with words", *(f"{value:.1f}" for value in WORDS_ALONE.values()))]
    lines = [f"{result.model}, {result.split}: {result.pictures} pictures, {result.utterances} utterances, "
             f"{len(result.actors)} actors", "",
             table(rows, ("R@1 in %, mean over moods", *CHANCE), right=(1, 2, 3)), "",
             "by actor: " + ", ".join(f"{actor} {value:.1f}" for actor, value in result.whole.by_actor.items()), "",
             "rows: true mood, columns: mood of the best picture",
             table([(mood, *map(str, row)) for mood, row in zip(MOODS, result.whole.confusion, strict=True)],
                   ("", *MOODS), right=range(1, len(MOODS) + 1))]
    if result.swap:
        lines += ["", f"same words, voice of another mood ({result.swap.pairs} pairs): the mood follows the voice in "
                  f"{result.swap.follows:.1f} %, stays in {result.swap.stays:.1f} %"]
    return "\n".join(lines)


def _figure_text(figure: "ToneFigure") -> str:
    interval = "" if figure.low is None else f" ({figure.low:.1f} to {figure.high:.1f})"
    return f"{figure.value:.1f}{interval}"


TONE = Command("tone", "build and evaluate the set in which the tone of voice decides the match", commands=(
    Command("build", "draw the pictures and pair them with RAVDESS' recordings", BUILD_OPTIONS, _build),
    Command("evaluate", "whether models find the right mood and subject", EVALUATE_OPTIONS, _evaluate)))
