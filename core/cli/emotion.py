"""`brewclip emotion`: what a voice tells of emotion, probed on RAVDESS."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from core.cli.output import as_json, table
from core.cli.parts import OK, Arguments, Command, count, explorer, json_argument, links_argument, note, progress
from core.emotion.features import CLASS_COUNTS, FEATURES, MODES, PROTOCOL_KEYS, SEEDS

if TYPE_CHECKING:
    from core.emotion.results import Options, Result


def _arguments(parser: argparse.ArgumentParser) -> None:
    keys = ", ".join(each.key for each in FEATURES)
    parser.add_argument("folder", type=Path, metavar="DIR", help="the folder with RAVDESS")
    parser.add_argument("--protocol", choices=PROTOCOL_KEYS, default="paper",
                        help="who is learned from and who is tested (paper)")
    parser.add_argument("--mode", choices=MODES, default="linear", help="features as they are, or fine-tuned (linear)")
    parser.add_argument("--classes", type=int, choices=CLASS_COUNTS, default=4, help="4 as in the paper, or 8 (4)")
    parser.add_argument("--feature", action="append", default=[], metavar="KEY",
                        help=f"what to probe, once or more (the usual ones): {keys}")
    parser.add_argument("--checkpoint", type=Path, metavar="RUN",
                        help="the folder of a run whose branches are probed (else the untrained model)")
    parser.add_argument("--speaker-statistics", action="store_true",
                        help="standardise each speaker's recordings by themselves")
    parser.add_argument("--seeds", type=count, default=SEEDS, metavar="N",
                        help=f"how often what depends on chance is done again ({SEEDS})")
    parser.add_argument("--table", type=Path, metavar="FILE", help="write the table there too (.csv or .md)")
    parser.add_argument("--no-keep", action="store_true", help="do not keep the run for the window")
    links_argument(parser)
    json_argument(parser)


def _options(arguments: Arguments) -> "Options":
    from core.emotion.results import Options

    return Options(arguments.folder.resolve(), arguments.protocol, arguments.mode, arguments.classes,
                   tuple(arguments.feature), arguments.checkpoint, arguments.speaker_statistics, arguments.seeds,
                   arguments.follow_links)


def _emotion(arguments: Arguments) -> int:
    with explorer() as opened, progress() as report:
        from core.emotion import experiment, results, tables
        from core.emotion.run_store import Runs

        result = experiment.run(opened, _options(arguments), report)
        if not arguments.no_keep:
            Runs(opened.home).keep(result)
        if arguments.table:
            tables.save(result, arguments.table)
    print(as_json(results.to_json(result)) if arguments.json else _text(result))
    for each in result.notes:
        note(each)
    return OK


def _text(result: "Result") -> str:
    from core.emotion import tables

    lines = [table(tables.rows(result), tables.HEAD, right=range(1, len(tables.HEAD))), ""]
    for one in result.scores:
        lines += [f"{one.title}: rows acted, columns heard",
                  table([(name, *map(str, row)) for name, row in zip(result.classes, one.confusion, strict=True)],
                        ("", *result.classes), right=range(1, len(result.classes) + 1)), ""]
    return "\n".join([*lines, *tables.about(result)[:-len(result.notes) or None]])


EMOTION = Command("emotion", "what a voice tells of emotion, probed on RAVDESS", _arguments, _emotion)
