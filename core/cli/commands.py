"""The table of `brewclip`'s commands. Heavy imports are inside functions, so that `brewclip --help` is quick."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from core.cli import cluster, options
from core.cli.annotation import EXPORT, IMPORT
from core.cli.completion import COMPLETION
from core.cli.duplicates import DUPLICATES
from core.cli.emotion import EMOTION
from core.cli.evaluation import DIAGNOSE, EVALUATE
from core.cli.explain import EXPLAIN
from core.cli.figures import FIGURE
from core.cli.history import CACHES, HISTORY
from core.cli.maintenance import BACKUP, CHECK, RESTORE
from core.cli.manage import GALLERY, SETTINGS, WEIGHTS
from core.cli.mteb import MTEB
from core.cli.options import given_path, option
from core.cli.output import as_json, duration, table
from core.cli.parts import OK, WARNED, Arguments, Command, explorer, load_settings, progress
from core.cli.reproduce import REPRODUCE
from core.cli.search import SEARCH, search_json
from core.cli.tone import TONE
from core.cli.training import TRAIN
from core.cli.transcription import TRANSCRIBE
from core.home import find_home
from core.indexing.left_out import describe_left_out
from core.remote import shown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from core.demo import DemoAnswer
    from core.indexing.local import IndexResult

INDEX_OPTIONS = (
    option("sources", nargs="+", type=given_path, metavar="SOURCE",
           help="folder (with its subfolders), picture, address (s3://bucket/folder), or CSV or Parquet list of "
           "pictures"),
    options.NEW_GALLERY,
    option("--column", default="", metavar="COLUMN", help="column with the paths in a list (default: by its name)"),
    option("--exclude", action="append", default=[], metavar="PATTERN",
           help="skip folders and pictures of this name, * for anything (@eaDir, *_small.jpg, raw/*), in addition to "
           "the setting images.exclude; repeatable"),
    *cluster.ENGINE, options.JSON)


def _index(arguments: Arguments) -> int:
    if cluster.by_cluster(arguments):
        return _index_by_cluster(arguments)
    with explorer() as opened, progress() as report:
        result = opened.index(arguments.sources, arguments.gallery, report, arguments.column, arguments.exclude)
    print(as_json(_index_json(result)) if arguments.json else _index_text(result))
    return OK


def _index_by_cluster(arguments: Arguments) -> int:
    from core.cluster import indexing

    options = cluster.options_of(arguments)
    with explorer() as opened, progress() as report:
        result = indexing.index(opened.filled(arguments.gallery), [str(source) for source in arguments.sources],
                                opened.models, opened.settings, opened.unfinished, options, arguments.column, report,
                                arguments.exclude)
    if arguments.json:
        print(as_json({**_index_json(result.index), "workers": cluster.shares_json(result.workers)}))
    else:
        print("\n".join(filter(None, (_index_text(result.index), cluster.shares_text(result.workers, "pictures")))))
    return OK


def _index_json(result: "IndexResult") -> dict[str, Any]:
    return {"gallery": result.gallery, "images": result.images, "indexed": result.indexed,
            "unchanged": result.unchanged,
            "failed": [{"path": str(failure.path), "reason": failure.reason} for failure in result.failed],
            "passed_over": dict(result.passed), "excluded": dict(result.excluded),
            "seconds": round(result.seconds, 3)}


def _index_text(result: "IndexResult") -> str:
    counts = [(result.indexed, "indexed"), (result.unchanged, "unchanged"), (result.moved, "moved"),
              (result.missing, "no longer there"), (len(result.failed), "could not be read")]
    parts = ", ".join(f"{number} {what}" for number, what in counts if number) or "nothing to do"
    pictures = "1 picture" if result.images == 1 else f"{result.images} pictures"
    lines = [f"{result.gallery}: {pictures} ({parts}) in {duration(result.seconds)}"]
    lines += describe_left_out(result.passed, result.excluded)
    if result.failed:
        lines.append(table([(shown(failure.path), failure.reason) for failure in result.failed]))
    return "\n".join(lines)


def _doctor(arguments: Arguments) -> int:
    from core import doctor

    home = find_home()
    findings = doctor.examine(home, load_settings())
    if arguments.json:
        print(as_json([asdict(finding) for finding in findings]))
    else:
        print(table([(finding.name, finding.state, finding.text) for finding in findings]))
    return WARNED if any(finding.state == "bad" for finding in findings) else OK


def _demo(arguments: Arguments) -> int:
    from core import demo

    with explorer() as opened, progress() as report:
        if arguments.build and not arguments.json and demo.is_ready(opened):
            print("The demo gallery is ready.")
            return OK
        built = demo.build(opened, report)
        if arguments.build:
            print(as_json(_index_json(built)) if arguments.json else _index_text(built))
            return OK
        opened.warm_up(report)
        answers = [demo.ask(opened, query) for query in demo.queries()]
    print(as_json([{"recording": str(answer.query.path), "said": answer.query.label, "expected": answer.query.expected,
                    "rank": answer.rank, **search_json(answer.result)} for answer in answers])
          if arguments.json else _answers_text(answers))
    return OK if all(answer.rank == 1 for answer in answers) else WARNED


def _answers_text(answers: "Sequence[DemoAnswer]") -> str:
    """A table of the queries: transcript, hits with scores, the expected one marked."""
    rows = []
    for answer in answers:
        transcript, right = answer.result.transcript, answer.query.expected
        hits = [f"{hit.image.path.name}{'*' if hit.image.path.name == right else ''} {hit.score:.2f}"
                for hit in answer.result.hits[:3]]
        rows.append((transcript.original or transcript.text if transcript else "", *hits, *[""] * (3 - len(hits)),
                     f"{answer.result.timings_ms['total'] / 1e3:.2f} s"))
    first = sum(answer.rank == 1 for answer in answers)
    return "\n".join([table(rows, ("transcript", "first", "second", "third", "time"), right=(4,)),
                      f"* the described picture: first for {first} of {len(answers)} queries"])


def _dataset(arguments: Arguments) -> int:
    from core import datasets

    with progress() as report:
        inspected = datasets.inspect(arguments.folder, arguments.kind, report, arguments.follow_links)
    print(as_json(datasets.to_json(inspected)) if arguments.json else "\n".join(datasets.describe(inspected)))
    return OK


COMMANDS: tuple[Command, ...] = (
    SEARCH,
    Command("index", "index pictures into a gallery", INDEX_OPTIONS, _index,
            details="Embeddings that exist are kept; a stopped run goes on."),
    TRANSCRIBE,
    WEIGHTS,
    GALLERY,
    DUPLICATES,
    HISTORY,
    CACHES,
    CHECK,
    BACKUP,
    RESTORE,
    Command("doctor", "check what works on this computer", (options.JSON,), _doctor),
    Command("dataset", "check a dataset folder", (options.DATASET, options.KIND, options.FOLLOW_LINKS, options.JSON),
            _dataset, details="Prints its kind, its splits and its problems."),
    IMPORT,
    EXPORT,
    cluster.PREPARE,
    TRAIN,
    EVALUATE,
    MTEB,
    DIAGNOSE,
    EXPLAIN,
    FIGURE,
    EMOTION,
    TONE,
    REPRODUCE,
    Command("demo", "build the demo gallery and run its spoken queries", (
        option("--build", action="store_true", help="build the gallery only"), options.JSON), _demo),
    SETTINGS,
    COMPLETION,
)
