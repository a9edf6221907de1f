"""BEIR's layout in Parquet, as MTEB's datasets have it: `corpus`, `queries` and `qrels`, in folders or files.

Queries may be recordings and the corpus pictures, or the other way round: both are read as utterances of pictures.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping

from core.datasets.draft import Draft
from core.datasets.folder import PICTURE_FOLDERS, RECORDING_FOLDERS
from core.datasets.pairs import COLUMNS, purposes
from core.datasets.records import Dataset, Utterance
from core.datasets.shards import PARQUET, parquet_shard, split_of
from core.datasets.tree import Tree
from core.datasets.unpacking import UnpackedRow, media, unpack
from core.progress import Report, silent

KIND = "beir"
ROLES: Mapping[str, tuple[str, ...]] = {
    "corpus": ("corpus", "images"), "queries": ("queries", "query", "audio"), "qrels": ("qrels", "default")}
IDS = ("id", "_id", "image_id", "audio_id")
QUERY_IDS, CORPUS_IDS = ("query-id", "query_id", "audio_id"), ("corpus-id", "corpus_id", "image_id")
Judgements = dict[str, dict[str, list[str]]]  # by split, then by id of the query: ids that fit, in the files' order


def signs(tree: Tree) -> tuple[str, ...]:
    """Evidence that a folder is in BEIR's layout, in sentences; () without any."""
    files = _files(tree)
    if not all(files[role] for role in ROLES):
        return ()
    return tuple(f"{files[role][0]} holds the {role} of a retrieval task." for role in ROLES)


def load(tree: Tree, report: Report = silent) -> Dataset:
    """Pictures and utterances of a retrieval task. DatasetError: no_arrow, space, not_unpacked, nothing_read."""
    draft = Draft(tree, PICTURE_FOLDERS, RECORDING_FOLDERS)
    files = _files(tree)

    def rows(role: str) -> Iterator[tuple[str, UnpackedRow]]:
        for name in files[role]:
            for row in unpack(parquet_shard(tree.root / name), draft.problems, report):
                yield split_of(name), row

    fitting = _judgements(draft, rows("qrels"))
    queries, corpus = (_Table(draft, rows(role)) for role in ("queries", "corpus"))
    reverse = queries.holds("image")
    draft.notes.append("Queries are pictures and the corpus recordings." if reverse
                       else "Queries are recordings and the corpus pictures.")
    for split, judged in fitting.items():
        pictures, sounds = (queries, corpus) if reverse else (corpus, queries)
        _add_split(draft, _pictures_of(draft, judged, reverse), pictures.of(split), sounds.of(split), split)
    return draft.finish(KIND)


class _Table:
    """The rows of a role by split and id."""

    def __init__(self, draft: Draft, rows: Iterator[tuple[str, UnpackedRow]]) -> None:
        self._rows: dict[str, dict[str, UnpackedRow]] = defaultdict(dict)
        for split, row in rows:
            own = _first(row.values, IDS)
            if not own:
                draft.problems.add("malformed", f"{row.where}: no id")
            elif own in self._rows[split]:
                draft.problems.add("duplicate_id", f"{row.where}: {own}")
            else:
                self._rows[split][own] = row

    def of(self, split: str) -> Mapping[str, UnpackedRow]:
        """The rows of a split; where the files name one split alone, those, as in MTEB."""
        if split not in self._rows and len(self._rows) == 1:
            return next(iter(self._rows.values()))
        return self._rows.get(split, {})

    def holds(self, purpose: str) -> bool:
        """Whether a row has a file for that purpose."""
        return any(purpose in media(row.files, COLUMNS) for rows in self._rows.values() for row in rows.values())


def _files(tree: Tree) -> dict[str, list[str]]:
    """The Parquet files of each role, by the name of their folder or their own."""
    names = tree.shallow(PARQUET)
    chosen = {}
    for role, aliases in ROLES.items():
        by_alias = {alias: [name for name in names if _is_of(name, alias)] for alias in aliases}
        chosen[role] = next((found for found in by_alias.values() if found), [])
    return chosen


def _is_of(name: str, alias: str) -> bool:
    return any(re.fullmatch(rf"(?:.+-)?{alias}(?:[-.].*)?", part) for part in name.split("/"))


def _judgements(draft: Draft, rows: Iterator[tuple[str, UnpackedRow]]) -> Judgements:
    fitting: Judgements = defaultdict(lambda: defaultdict(list))
    for split, row in rows:
        query, document = (_first(row.values, names) for names in (QUERY_IDS, CORPUS_IDS))
        if not query or not document:
            draft.problems.add("malformed", f"{row.where}: no query-id and corpus-id")
        elif _score(row.values.get("score", "1")) > 0:
            fitting[split][query].append(document)
    return fitting


def _score(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0


def _first(values: Mapping[str, str], names: tuple[str, ...]) -> str:
    return next((values[name] for name in names if values.get(name)), "")


def _pictures_of(draft: Draft, judged: Mapping[str, list[str]], reverse: bool) -> dict[str, str]:
    """The picture of each recording, by ids; of several the first, and the others are noted."""
    pairs = [(query, document) for query, documents in judged.items() for document in documents]
    chosen: dict[str, str] = {}
    for sound, picture in ((document, query) if reverse else (query, document) for query, document in pairs):
        if chosen.setdefault(sound, picture) != picture:
            draft.problems.add("several_pictures", f"{sound}: {chosen[sound]} and {picture}")
    return chosen


def _add_split(draft: Draft, picture_of: Mapping[str, str], pictures: Mapping[str, UnpackedRow],
               sounds: Mapping[str, UnpackedRow], split: str) -> None:
    """Add a split: all of its pictures, those that no recording is of included, and its recordings."""
    for own, row in pictures.items():
        if file := media(row.files, COLUMNS).get("image"):
            draft.image(own, (file.path.name,), split, file.path)
        else:
            draft.problems.add("missing_picture", f"{row.where}: {own}")
    for own, picture in picture_of.items():
        if own not in sounds or picture not in pictures:
            absent = own if own not in sounds else picture
            draft.problems.add("malformed", f"qrels: {absent} is judged and has no row")
            continue
        row = sounds[own]
        columns = purposes(row.values)
        text = row.values[columns["caption"]] if "caption" in columns else None
        speaker = row.values[columns["speaker"]] if "speaker" in columns else ""
        record = Utterance(own, picture, speaker, draft.caption(text, own), None, split)
        if file := media(row.files, COLUMNS).get("recording"):
            draft.utterance(record, file.path.name, file.path)
        else:
            draft.unspoken(record)
