"""`brewclip history` and `brewclip caches`: list and delete past queries and caches."""

import sys
from typing import TYPE_CHECKING

from core.cli import options
from core.cli.options import count, option
from core.cli.output import as_json, number, printable, size, table
from core.cli.parts import OK, Arguments, Command, explorer, note, progress
from core.errors import BrewclipError

if TYPE_CHECKING:
    from core.explorer import Explorer
    from core.store.records import HistoryContent


def _list(arguments: Arguments) -> int:
    from core import upkeep

    with explorer() as opened:
        _tidy(opened)
        queries, content = opened.store.queries(None), opened.store.history_content()
        limit = opened.settings["search.history_days"]
        days = f"deleted after {limit} days" if limit else "kept until it is deleted"
        old = opened.store.history_content(upkeep.moment(limit)).queries if limit else 0  # of a home not writable
    if arguments.json:
        print(as_json({
            "queries": [{"id": query.id, "created": query.created.isoformat(), "gallery": query.gallery,
                         "source": query.source, "text": query.text,
                         "recording": None if query.recording is None else str(query.recording)} for query in queries],
            "recordings": len(content.recordings), "recording_bytes": content.recording_bytes,
            "transcripts": content.transcripts, "transcript_bytes": content.transcript_bytes,
            "days": limit, "beyond_limit": old}))
    else:
        rows = [(f"{query.created.astimezone():%Y-%m-%d %H:%M}", query.gallery, query.source,
                 "yes" if query.recording is not None else "", query.text) for query in queries]
        if rows:
            print(table(rows, ("time", "gallery", "source", "recording", "query")))
        print(f"{_content_text(content)}; {days}.")
    return OK


def _clear(arguments: Arguments) -> int:
    from core import upkeep

    with explorer() as opened:
        before = None if arguments.older is None else upkeep.moment(arguments.older)
        content = opened.store.history_content(before)
        if not content:
            print("There is nothing to delete.")
            return OK
        older = "" if arguments.older is None else f", all older than {arguments.older} days"
        _confirm(f"This deletes {_content_text(content)}{older}. Annotations and galleries stay.", arguments.yes)
        gone = upkeep.clear_history(opened.home, opened.store, arguments.older)
    print(f"Deleted: {_content_text(gone)}.")
    return OK


def _caches_list(arguments: Arguments) -> int:
    from core import caches

    with explorer() as opened, progress() as report:
        sizes = caches.usage(opened.home.caches, report)
        limit = opened.settings["caches.limit_gb"]
    if arguments.json:
        print(as_json({"bytes": sizes, "limit_gb": limit}))
    else:
        rows = [(kind, caches.TITLES.get(kind, ""), size(nbytes)) for kind, nbytes in sizes.items()]
        if rows:
            print(table(rows, ("cache", "content", "size"), right=(2,)))
        print(f"{size(sum(sizes.values()))} in all; " + (f"limit: {limit} GB." if limit else "no limit."))
    return OK


def _caches_clear(arguments: Arguments) -> int:
    from core import caches

    with explorer() as opened, progress() as report:
        total = sum(caches.usage(opened.home.caches, report).values())
        report.finish()
        if not total:
            print("There is nothing to delete.")
            return OK
        _confirm(f"This deletes caches of {size(total)}, except those in use. They are computed again when they are "
                 "needed, which takes time.", arguments.yes)
        freed = caches.clear(opened.home.caches, report)
    rest = f"; {size(freed.kept)} are in use or were a moment ago" if freed.kept else ""
    print(f"Deleted: {size(freed.nbytes)}{rest}.")
    return OK


def _tidy(opened: "Explorer") -> None:
    """Delete what exceeds the limits of the settings; a home that cannot be written is reported."""
    from core import upkeep
    from core.errors import StoreError
    from core.store.database import NOT_WRITABLE

    try:
        with progress() as report:
            upkeep.tidy(opened.home, opened.store, opened.settings, report)
    except StoreError as error:
        if error.kind not in NOT_WRITABLE:
            raise
        note(str(error))


def _confirm(sentence: str, yes: bool) -> None:
    """Say what is deleted, and ask; BrewclipError ("unconfirmed"): the answer is no, or there is no terminal."""
    if yes:
        note(sentence)
        return
    if not sys.stdin.isatty():
        raise BrewclipError(f"{sentence} Nothing was deleted; add --yes to confirm.", "unconfirmed")
    print(printable(f"{sentence} Delete? [y/N] "), end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise BrewclipError("Nothing was deleted.", "unconfirmed")


def _content_text(content: "HistoryContent") -> str:
    """ "12 queries, 10 recordings (1 MB) and 14 transcripts (8 kB)"."""
    return (f"{number(content.queries, 'query', 'queries')}, "
            f"{number(len(content.recordings), 'recording', 'recordings')} ({size(content.recording_bytes)}) and "
            f"{number(content.transcripts, 'transcript', 'transcripts')} ({size(content.transcript_bytes)})")


HISTORY = Command("history", "list and delete past queries", commands=(
    Command("list", "list queries, newest first, and the size of recordings and transcripts", (options.JSON,), _list),
    Command("clear", "delete queries, their recordings and all transcripts", (
        option("--older", type=count, metavar="DAYS",
               help="only what is older; transcripts without a date stay (default: all)"), options.YES), _clear,
        details="Annotations and galleries stay.")))
CACHES = Command("caches", "list and delete caches", commands=(
    Command("list", "list caches and their sizes", (options.JSON,), _caches_list),
    Command("clear", "delete caches that are not in use", (options.YES,), _caches_clear)))
