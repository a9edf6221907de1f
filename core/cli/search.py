"""`brewclip search`: terms, filters, and the result as a table, JSON, CSV or paths."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.cli import options, terms
from core.cli.options import count, day, option
from core.cli.output import as_json, printable, table
from core.cli.parts import OK, Arguments, Command, explorer, note, progress
from core.errors import QueryError
from core.remote import shown
from core.search.terms import QueryTerm

if TYPE_CHECKING:
    from core.explorer import Explorer, SearchResult
    from core.search.queries import Hit

LEVELS = ("weak", "fair", "strong")  # of `MatchSignificance`, upwards
OPTIONS = (
    option("words", nargs="*", metavar="WORDS", help="a typed description, as --text"),
    option("--gallery", default="", metavar="NAME",
           help="gallery to search, by name or address (default: the only one, or that of the latest query)"),
    *terms.OPTIONS, *options.SPEECH,
    option("--top", type=count, default=20, metavar="K", help="number of hits"),
    option("--min-strength", choices=LEVELS, default="weak", help="only hits that are as strong or stronger"),
    option("--tag", default="", metavar="TAG", help="only pictures with this tag"),
    option("--min-rating", type=int, choices=range(1, 6), default=0, metavar="STARS",
           help="only pictures rated with 1 to 5 stars or more (default: all)"),
    option("--folder", type=Path, metavar="DIR", help="only pictures below this folder"),
    option("--since", type=day, metavar="DATE",
           help="only pictures dated from this day, month or year on (2024-05-01, 2024-05, 2024); the date is when the "
           "picture was taken, or that of its file"),
    option("--until", type=day, metavar="DATE", help="only pictures dated before this day, month or year"),
    option("--exact", action="store_true", help="compare every picture, without the approximate index"),
    option("--all-copies", action="store_true", help="list identical files as separate hits"),
    option("--paths", action="store_true", help="print the paths alone, one in a line"),
    option("-0", "--print0", action="store_true", dest="zeros", help="paths ended by NUL instead, for xargs -0"),
    option("--csv", action="store_true", help="print a table as CSV, which `brewclip index` reads as a list"),
    options.JSON)


def _search(arguments: Arguments) -> int:
    if sum((arguments.paths or arguments.zeros, arguments.csv, arguments.json)) > 1:
        raise QueryError("Choose one of --paths, --csv and --json.", "formats")
    asked = [*([QueryTerm("text", " ".join(arguments.words))] if arguments.words else []), *arguments.terms]
    if not asked:
        raise QueryError("There is nothing to search for: give words, --speech, --text or --image.", "empty")
    with explorer(options.speech_settings(arguments)) as opened, progress() as report:
        from core.explorer import Filter

        chosen = Filter(arguments.tag, arguments.folder, since=arguments.since, until=arguments.until,
                        min_rating=arguments.min_rating)
        result = opened.search(arguments.gallery or _usual_gallery(opened), asked, arguments.top, chosen, report,
                               word_times=False, exact=arguments.exact, all_copies=arguments.all_copies)
    hits = [hit for hit in result.hits
            if LEVELS.index(hit.strength.level) >= LEVELS.index(arguments.min_strength)]
    _print(arguments, result, hits)
    for sentence in result.transcript.notes if result.transcript else ():
        note(sentence)
    if result.hidden_unindexed:
        note(f"{result.hidden_unindexed} pictures of {result.gallery} are not indexed with the current model and "
             "were skipped; index the gallery again.")
    if result.approximate:
        note("Approximate search was used; some results may be missing. --exact compares all pictures.")
    if result.unread:
        note(result.unread)
    if result.cut:
        note(f"The description is too long for the model: its last {result.cut} tokens were cut off.")
    return OK


def _usual_gallery(opened: "Explorer") -> str:
    """The only gallery of the store, or that of the latest query. QueryError ("no_gallery")."""
    names = [gallery.name for gallery in opened.store.galleries()]
    if len(names) == 1:
        return names[0]
    latest = [query.gallery for query in opened.store.queries(1) if query.gallery in names]
    if latest:
        note(f"Searching {latest[0]}, as the latest query did; --gallery NAME searches another.")
        return latest[0]
    raise QueryError("Name the gallery with --gallery NAME: there " + (
        f"are {', '.join(names)}." if names else "is none yet; `brewclip index` makes one."), "no_gallery")


def _print(arguments: Arguments, result: "SearchResult", hits: "list[Hit]") -> None:
    if arguments.zeros:
        print("".join(f"{hit.image.path}\0" for hit in hits), end="")
    elif arguments.paths:
        print("".join(f"{printable(shown(hit.image.path))}\n" for hit in hits), end="")
    elif arguments.csv:
        from core.search.picture_lists import as_csv, entry_of

        print(as_csv([entry_of(hit.image, hit) for hit in hits]), end="")
    else:
        print(as_json(search_json(result, hits)) if arguments.json else _text(result, hits))


def search_json(result: "SearchResult", hits: "list[Hit] | None" = None) -> dict[str, Any]:
    """A result as plain values, with all its hits or these."""
    transcript = result.transcript
    return {"transcript": transcript.text if transcript else None,
            "language": transcript.language if transcript else None,
            "doubtful": transcript.doubtful if transcript else None,
            "notes": list(transcript.notes) if transcript else [],
            "hits": [_hit_json(hit) for hit in (result.hits if hits is None else hits)],
            "approximate": result.approximate,
            "timings_ms": {step: round(spent, 1) for step, spent in result.timings_ms.items()}}


def _hit_json(hit: "Hit") -> dict[str, Any]:
    image, (date, source) = hit.image, hit.image.dated
    return {"rank": hit.rank, "path": shown(image.path), "score": hit.score, "strength": hit.strength.level,
            "expected_by_chance": hit.strength.expected, "copies": hit.copies,
            "shares": [{"term": share.label, "branch": share.branch, "value": share.value} for share in hit.shares],
            "date": date.isoformat(timespec="seconds"), "date_source": source, "tags": list(image.tags),
            "rating": image.rating, "size": image.size, "width": image.width, "height": image.height}


def _text(result: "SearchResult", hits: "list[Hit]") -> str:
    lines, transcript = [], result.transcript
    if transcript:
        language = f" ({transcript.language}: {transcript.original!r})" if transcript.original else ""
        doubt = "; doubtful, the words may be wrong" if transcript.doubtful else ""
        lines.append(f"Transcript: {transcript.text!r}{language}{doubt}")
    acoustic = any(share.branch == "acoustic" for hit in hits for share in hit.shares)
    branches = {"text": "words", "acoustic": "voice"} if acoustic else {}
    rows = []
    for hit in hits:
        shares = [sum(share.value for share in hit.shares if share.branch == branch) for branch in branches]
        copies = f"  ({hit.copies} copies)" if hit.copies > 1 else ""
        rows.append((str(hit.rank), *(f"{value:.3f}" for value in (hit.score, *shares)), hit.strength.level,
                     f"{shown(hit.image.path)}{copies}"))
    heads = ("rank", "score", *branches.values(), "match", "picture")
    if rows:
        lines.append(table(rows, heads, right=tuple(range(len(heads) - 2))))
    else:
        lines.append("No picture is as strong a match." if result.hits else "No picture matches the filter.")
    steps = ", ".join(f"{step} {spent:.0f} ms" for step, spent in result.timings_ms.items() if spent >= 0.5)
    lines.append(f"{result.total} pictures compared; {steps}")
    return "\n".join(lines)


SEARCH = Command("search", "find pictures by speech, text or another picture", OPTIONS, _search,
                 details="Give words, or one or more of --speech, --text and --image; each may have a --weight after "
                 "it.")
