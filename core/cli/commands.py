"""The commands of `brewclip`, declared in one table. Heavy imports are inside: `brewclip --help` is there at once."""

import argparse
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core import settings
from core.cli import cluster, terms
from core.cli.annotation import EXPORT, IMPORT
from core.cli.emotion import EMOTION
from core.cli.evaluation import DIAGNOSE, EVALUATE
from core.cli.explain import EXPLAIN
from core.cli.history import CACHES, HISTORY
from core.cli.manage import GALLERY, SETTINGS, WEIGHTS
from core.cli.output import as_json, duration, table
from core.cli.parts import (
    FAILED,
    OK,
    WARNED,
    Arguments,
    Command,
    count,
    day,
    explorer,
    given_path,
    json_argument,
    links_argument,
    note,
    progress,
)
from core.cli.training import TRAIN
from core.errors import BrewclipError, QueryError
from core.home import find_home
from core.indexing.left_out import words_left_out
from core.remote import shown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from core.demo import DemoAnswer
    from core.explorer import SearchResult
    from core.indexing.local import IndexResult
    from core.search.queries import Hit
    from core.store.records import ImageRecord

TOP = 20


def _search_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--gallery", required=True, metavar="NAME", help="where to search; a name or an address")
    terms.add_terms(parser)
    parser.add_argument("--top", type=count, default=TOP, metavar="K", help=f"how many hits ({TOP} unless told)")
    parser.add_argument("--tag", default="", metavar="T", help="only pictures with this tag")
    parser.add_argument("--folder", type=Path, metavar="DIR", help="only pictures in this folder, at any depth")
    parser.add_argument("--since", type=day, metavar="DAY",
                        help="only pictures dated from this day, month or year on (2024-05-01, 2024-05, 2024); "
                        "a picture's date is when it was taken, else its file's")
    parser.add_argument("--until", type=day, metavar="DAY", help="only pictures dated before it began")
    parser.add_argument("--exact", action="store_true",
                        help="compare every picture even where an index answers for very many")
    parser.add_argument("--all-copies", action="store_true",
                        help="each of several identical files, which are one hit otherwise")
    json_argument(parser)


def _search(arguments: Arguments) -> int:
    with explorer() as opened, progress() as report:
        from core.explorer import Filter

        if not arguments.terms:
            raise QueryError("There is nothing to search for: give --speech, --text or --image.", "empty")
        chosen = Filter(arguments.tag, arguments.folder, since=arguments.since, until=arguments.until)
        result = opened.search(arguments.gallery, arguments.terms, arguments.top, chosen, report,
                               word_times=False, exact=arguments.exact, all_copies=arguments.all_copies)
    print(as_json(_search_json(result)) if arguments.json else _search_text(result))
    for sentence in result.transcript.notes if result.transcript else ():
        note(sentence)
    if result.hidden_unindexed:
        note(f"{result.hidden_unindexed} pictures of {result.gallery} are not indexed with the present model and were "
             "not looked at; index the gallery again.")
    if result.approximate:
        note("The index of the gallery was asked, which may miss a picture; --exact compares them all.")
    if result.cut:
        note(f"The description is too long for the model: its last {result.cut} tokens were left out.")
    return OK


def _search_json(result: "SearchResult") -> dict[str, Any]:
    heard = result.transcript
    return {"transcript": heard.text if heard else None, "language": heard.language if heard else None,
            "doubtful": heard.doubtful if heard else None, "notes": list(heard.notes) if heard else [],
            "hits": [{"rank": hit.rank, "path": shown(hit.image.path), "score": hit.score, "copies": hit.copies,
                      **_date_json(hit.image)} for hit in result.hits],
            "approximate": result.approximate,
            "timings_ms": {step: round(spent, 1) for step, spent in result.timings_ms.items()}}


def _search_text(result: "SearchResult") -> str:
    heard = result.transcript
    lines = []
    if heard:
        language = f" ({heard.language}: {heard.original!r})" if heard.original else ""
        doubt = "; doubtful, the words may be others" if heard.doubtful else ""
        lines.append(f"Heard: {heard.text!r}{language}{doubt}")
    listened = any(share.branch == "acoustic" for hit in result.hits for share in hit.shares)
    branches = (("text", "words"), ("acoustic", "voice")) if listened else ()
    rows = [(str(hit.rank), f"{hit.score:.3f}", *(f"{_share(hit, branch):.3f}" for branch, _ in branches),
             hit.strength.level, f"{shown(hit.image.path)}{_copies(hit)}") for hit in result.hits]
    heads = ("rank", "score", *(name for _, name in branches), "match", "picture")
    lines.append(table(rows, heads, right=tuple(range(len(heads) - 2))) if rows else "No picture fits the filter.")
    steps = ", ".join(f"{step} {spent:.0f} ms" for step, spent in result.timings_ms.items() if spent >= 0.5)
    lines.append(f"{result.total} pictures compared; {steps}")
    return "\n".join(lines)


def _copies(hit: "Hit") -> str:
    return f"  ({hit.copies} copies)" if hit.copies > 1 else ""


def _date_json(image: "ImageRecord") -> dict[str, str]:
    date, source = image.dated
    return {"date": date.isoformat(timespec="seconds"), "date_source": source}


def _share(hit: "Hit", branch: str) -> float:
    return sum(share.value for share in hit.shares if share.branch == branch)


def _index_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("sources", nargs="+", type=given_path, metavar="SOURCE", help="a folder, indexed with all "
                        "folders below it; pictures; an address (s3://bucket/folder); or a CSV or Parquet file that "
                        "lists pictures")
    parser.add_argument("--gallery", required=True, metavar="NAME", help="made if there is none of that name")
    parser.add_argument("--column", default="", metavar="C", help="of a list: the one with the paths, if not told by "
                        "its name")
    parser.add_argument("--exclude", action="append", default=[], metavar="PATTERN", help="leave out folders and "
                        "pictures of this name, * for anything (@eaDir, *_small.jpg, raw/*); beside those of the "
                        "setting images.exclude")
    cluster.add_engine(parser)
    json_argument(parser)


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
        found = indexing.index(opened, [str(source) for source in arguments.sources], arguments.gallery, options,
                               arguments.column, report, arguments.exclude)
    if arguments.json:
        print(as_json({**_index_json(found.index), "workers": cluster.shares_json(found.workers)}))
    else:
        print("\n".join(filter(None, (_index_text(found.index), cluster.shares_text(found.workers, "pictures")))))
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
    lines = [f"{result.gallery}: {result.images} pictures ({parts}) in {duration(result.seconds)}"]
    lines += words_left_out(result.passed, result.excluded)
    if result.failed:
        lines.append(table([(str(failure.path), failure.reason) for failure in result.failed]))
    return "\n".join(lines)


def _transcribe_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="recordings")
    json_argument(parser)


def _transcribe(arguments: Arguments) -> int:
    """Each file by itself: one that cannot be heard is told, and the rest goes on."""
    from core import audio

    found: list[dict[str, Any]] = []
    with explorer() as opened, progress() as report:
        for path in arguments.files:
            try:
                found.append({"path": str(path), **opened.transcribe_query(audio.read(path), report).to_json()})
            except BrewclipError as error:
                if error.kind == "missing" and path.exists():  # the weights: nothing can be heard
                    raise
                found.append({"path": str(path), "error": str(error)})
    if arguments.json:
        print(as_json(found))
    for entry in found:
        if "error" in entry:
            note(f"brewclip: {entry['error']}")
        elif not arguments.json:
            print(_transcript_text(entry, len(found) > 1))
            for sentence in entry["notes"]:
                note(f"{shown(Path(entry['path']))}: {sentence}")
    return FAILED if any("error" in entry for entry in found) else OK


def _transcript_text(entry: dict[str, Any], named: bool) -> str:
    name = f"{entry['path']}: " if named else ""
    original = f"  ({entry['language']}: {entry['original']})" if entry["original"] else ""
    doubt = "  [doubtful]" if entry["doubtful"] else ""
    return f"{name}{entry['text'] or '[' + entry['reason'] + ']'}{original}{doubt}"


def _doctor(arguments: Arguments) -> int:
    from core import doctor

    home = find_home()
    findings = doctor.examine(home, settings.load(home.settings))
    if arguments.json:
        print(as_json([asdict(finding) for finding in findings]))
    else:
        print(table([(finding.name, finding.state, finding.text) for finding in findings]))
    return WARNED if any(finding.state == "bad" for finding in findings) else OK


def _demo_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--build", action="store_true", help="build the gallery, and ask nothing")
    json_argument(parser)


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
    print(as_json([_answer_json(answer) for answer in answers]) if arguments.json else _answers_text(answers))
    return OK if all(answer.rank == 1 for answer in answers) else WARNED


def _answer_json(answer: "DemoAnswer") -> dict[str, Any]:
    return {"recording": str(answer.query.path), "said": answer.query.label, "expected": answer.query.expected,
            "rank": answer.rank, **_search_json(answer.result)}


def _answers_text(answers: "Sequence[DemoAnswer]") -> str:
    """Of each query what was heard, and its hits with scores, the expected one marked."""
    rows = []
    for answer in answers:
        heard, right = answer.result.transcript, answer.query.expected
        hits = [f"{hit.image.path.name}{'*' if hit.image.path.name == right else ''} {hit.score:.2f}"
                for hit in answer.result.hits[:3]]
        rows.append((heard.original or heard.text if heard else "", *hits, *[""] * (3 - len(hits)),
                     f"{answer.result.timings_ms['total'] / 1e3:.2f} s"))
    first = sum(answer.rank == 1 for answer in answers)
    return "\n".join([table(rows, ("heard", "first", "second", "third", "took"), right=(4,)),
                      f"* the picture that was described: first for {first} of {len(answers)} queries"])


def _dataset_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", type=Path, metavar="DIR", help="the dataset's folder")
    parser.add_argument("--kind", default="", help="where the folder could be of several kinds")
    links_argument(parser)
    json_argument(parser)


def _dataset(arguments: Arguments) -> int:
    from core import datasets

    with progress() as report:
        found = datasets.inspect(arguments.folder, arguments.kind, report, arguments.follow_links)
    print(as_json(datasets.to_json(found)) if arguments.json else "\n".join(datasets.describe(found)))
    return OK


COMMANDS: tuple[Command, ...] = (
    Command("search", "find pictures by a spoken description, words or another picture", _search_arguments, _search),
    Command("index", "make the pictures of a folder searchable", _index_arguments, _index),
    Command("transcribe", "write down what is said in recordings", _transcribe_arguments, _transcribe),
    WEIGHTS,
    GALLERY,
    HISTORY,
    CACHES,
    Command("doctor", "what works on this computer", json_argument, _doctor),
    Command("dataset", "what is in a dataset's folder, and what is wrong with it", _dataset_arguments, _dataset),
    IMPORT,
    EXPORT,
    cluster.PREPARE,
    TRAIN,
    EVALUATE,
    DIAGNOSE,
    EXPLAIN,
    EMOTION,
    Command("demo", "build the demo gallery and put its spoken queries to it", _demo_arguments, _demo),
    SETTINGS,
)
