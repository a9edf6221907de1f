"""`brewclip emotion`: probe features for emotion on RAVDESS."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from core.cli import options
from core.cli.options import count, option, output_file
from core.cli.output import as_json, table
from core.cli.parts import OK, Arguments, Command, explorer, note, progress
from core.emotion.features import (
    AS_AUTHORS,
    AUTHORS_STEPS,
    CLASS_COUNTS,
    FEATURES,
    MODES,
    PROTOCOL_KEYS,
    SEEDS,
    TABLE_SUFFIXES,
)

if TYPE_CHECKING:
    from core.emotion.results import Options, Result


def _table_file(text: str) -> Path:
    """An argument that is a table to write."""
    if Path(text).suffix.lower() not in TABLE_SUFFIXES:
        raise argparse.ArgumentTypeError(f"{text}: a table is written as {' or '.join(TABLE_SUFFIXES)}")
    return output_file(text)


OPTIONS = (
    option("folder", type=Path, metavar="DIR", help="RAVDESS folder"),
    option("--as", dest="preset", choices=("authors",), default="",
           help="probe as the authors' code does, beside our probes: the statement in place of the transcript, Adam "
           "with warm-up, augmentation, and the test actors as validation"),
    option("--steps", type=count, default=AUTHORS_STEPS, metavar="N",
           help=f"training steps of the authors' probe (default: {AUTHORS_STEPS})"),
    option("--protocol", choices=PROTOCOL_KEYS, default="paper", help="how recordings are split for training and test"),
    option("--mode", choices=MODES, default="linear", help="frozen features, or fine-tuned ones"),
    option("--classes", type=int, choices=CLASS_COUNTS, default=4, help="4 as in the paper, or 8"),
    option("--feature", action="append", default=[], metavar="KEY",
           help="feature to probe; repeatable (default: the usual ones): "
           f"{', '.join(feature.key for feature in FEATURES)}"),
    option("--checkpoint", type=Path, metavar="RUN",
           help="folder of a run whose branches are probed (default: the untrained model)"),
    option("--speaker-statistics", action="store_true", help="standardise each speaker by itself"),
    option("--seeds", type=count, default=SEEDS, metavar="N", help="repetitions of what depends on chance"),
    option("--table", type=_table_file, metavar="FILE", help="write the table to this file as well (.csv or .md)"),
    option("--no-keep", action="store_true", help="do not keep the run for the window"),
    options.FOLLOW_LINKS, *options.SPEECH, options.JSON)


def _options(arguments: Arguments) -> "Options":
    from core.emotion.results import Options

    features = tuple(arguments.feature) or (AS_AUTHORS if arguments.preset else ())
    return Options(arguments.folder.resolve(), arguments.protocol, arguments.mode, arguments.classes, features,
                   arguments.checkpoint, arguments.speaker_statistics, arguments.seeds, arguments.follow_links,
                   arguments.steps)


def _emotion(arguments: Arguments) -> int:
    with explorer(options.speech_settings(arguments)) as opened, progress() as report:
        from core.emotion import experiment, results, tables
        from core.emotion.run_store import Runs
        from core.models import checkpoints

        if arguments.checkpoint:
            checkpoints.read_run(checkpoints.find(arguments.checkpoint))
        result = experiment.run(opened.workspace, _options(arguments), report)
        if not arguments.no_keep:
            Runs(opened.home).keep(result)
        if arguments.table:
            tables.save(result, arguments.table)
    print(as_json(results.to_json(result)) if arguments.json else _text(result))
    for sentence in result.notes:
        note(sentence)
    return OK


def _text(result: "Result") -> str:
    from core.emotion import tables

    lines = [table(tables.rows(result), tables.HEAD, right=range(1, len(tables.HEAD))), ""]
    for score in result.scores:
        lines += [f"{score.title}, rows: true, columns: predicted",
                  table([(name, *map(str, row)) for name, row in zip(result.classes, score.confusion, strict=True)],
                        ("", *result.classes), right=range(1, len(result.classes) + 1)), ""]
    return "\n".join([*lines, *tables.about(result)[:-len(result.notes) or None]])


EMOTION = Command("emotion", "probe features for emotion on RAVDESS", OPTIONS, _emotion)
