"""Find the duplicates of a gallery: one pass over its embeddings, resumed and extended by content.

Identical files are known by their hash. For the rest, embeddings propose and pixels decide
(`core.duplicates.pixels`). What was compared is kept in the caches by content, so after new pictures only those are
compared with the rest, and a stopped run goes on where it stood.
"""

import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from core import caches, private_files
from core.duplicates.candidates import near_pairs
from core.duplicates.files import one_per_file
from core.duplicates.groups import Duplicates, Union, exact_groups, groups_of
from core.duplicates.pixels import Outline, agreement, outline
from core.errors import ImageError
from core.galleries.gallery import Gallery
from core.images import MAX_MEGAPIXELS
from core.progress import Progress, Report, WorkStep, silent
from core.search import vector_index
from core.store.records import ImageRecord

VERSION = 1  # of the comparison: others' results are not used
LEAST_COSINE = 0.75  # of two embeddings whose pixels are compared
BLOCK = 1024  # images compared with all before them, and kept together
AT_ONCE = 64  # pairs of which those that are one by now are left out
OUTLINES = 12_000  # kept in memory, 7 kB each
THREADS = min(4, os.cpu_count() or 1)


@dataclass
class _Comparison:
    """Outcome of comparing, by content (SHA-256 in hex): every two of `known`, of which `pairs` show one image."""

    known: list[str] = field(default_factory=list)
    pairs: list[tuple[str, str]] = field(default_factory=list)


def find_duplicates(gallery: Gallery, cache_folder: Path, report: Report = silent, near: bool = True,
                    max_megapixels: float = MAX_MEGAPIXELS) -> Duplicates:
    """The duplicates of a gallery, identical files alone unless `near`.

    Near ones need embeddings: those of the fingerprint that most images have. StoreError; JobCancelled, after which the
    next call goes on.
    """
    report(Progress(WorkStep.FINDING_DUPLICATES))
    records = gallery.images()
    fingerprint = _fingerprint(gallery) if near else ""
    if not fingerprint:
        return Duplicates(one_per_file(exact_groups(records)), len(records))
    path = _cached(gallery, cache_folder, fingerprint)
    comparison = _read(path)
    comparer = _Comparer({record.content_hash: record for record in reversed(records)}, max_megapixels, report)
    compared = _compare(gallery, fingerprint, cache_folder, comparison, comparer, path)
    contents = Counter(record.content_hash for record in records)
    return Duplicates(one_per_file(groups_of(records, Union(comparison.pairs))), len(records),
                      sum(contents[content] for content in compared), len(comparer.unread))


def known_duplicates(gallery: Gallery, cache_folder: Path) -> Duplicates:
    """The duplicates that are known without a comparison: identical files, and near ones found before. StoreError."""
    listing = gallery.listing()  # records of all would take seconds in a large gallery
    union = Union(_read(_cached(gallery, cache_folder, _fingerprint(gallery))).pairs)
    roots = [union.root(content.hex()) for content in listing.contents]
    counts = Counter(roots)
    records = [listing.record(row) for row, root in enumerate(roots) if counts[root] > 1]
    return Duplicates(one_per_file(groups_of(records, union)), len(listing))


def _fingerprint(gallery: Gallery) -> str:
    """Hash of the fingerprint that most images have an embedding of; "" without any."""
    fingerprints = gallery.state().fingerprints
    return fingerprints[0][0].hash if fingerprints else ""


def _cached(gallery: Gallery, cache_folder: Path, fingerprint: str) -> Path:
    return cache_folder / "duplicates" / f"{gallery.id}-{fingerprint}.npz"


def _compare(gallery: Gallery, fingerprint: str, cache_folder: Path, comparison: _Comparison, comparer: "_Comparer",
             path: Path) -> list[str]:
    """Compare what was not; returns the contents that have an embedding."""
    first = next(gallery.vectors(fingerprint), None)
    if first is None:
        return []
    index = vector_index.open_index(gallery, fingerprint, first[1].shape[1], cache_folder / "vectors")
    names = {record.id: content for content, record in comparer.records.items()}
    rows = {names[image_id]: row for row, image_id in enumerate(index.ids.tolist()) if image_id in names}
    known = [content for content in comparison.known if content in rows]
    new = sorted(rows.keys() - set(known), key=rows.__getitem__)
    contents, done = known + new, len(known)
    comparison.known = known
    order = np.array([rows[content] for content in contents], np.int64)
    union = Union(comparison.pairs)
    try:
        for start in range(done, len(contents), BLOCK):
            stop = min(start + BLOCK, len(contents))
            places = near_pairs(index.matrix, order, start, stop, LEAST_COSINE)
            comparer.count(start - done, len(new))
            comparison.pairs += comparer.same([(contents[one], contents[other]) for one, other in places.tolist()],
                                              union)
            comparison.known += contents[start:stop]
    finally:
        if new:
            comparison.known = [content for content in comparison.known if content not in comparer.unread]
            _write(path, comparison)
    return contents


class _Comparer:
    """Compares the pixels of pairs of contents; `records` has a file of each, `unread` those that cannot be read."""

    def __init__(self, records: Mapping[str, ImageRecord], max_megapixels: float, report: Report) -> None:
        self.records = records
        self.unread: set[str] = set()
        self._max_megapixels, self._report = max_megapixels, report
        self._outline: Callable[[str], Outline | None] = lru_cache(OUTLINES)(self._read)
        self._progress = Progress(WorkStep.FINDING_DUPLICATES)

    def count(self, done: int, total: int) -> None:
        """Report how many images are compared."""
        self._progress = Progress(WorkStep.FINDING_DUPLICATES, done, total)
        self._report(self._progress)

    def same(self, pairs: Sequence[tuple[str, str]], union: Union) -> list[tuple[str, str]]:
        """Those of the pairs that show one image, but for those that follow from others; they are joined."""
        same: list[tuple[str, str]] = []
        with ThreadPoolExecutor(THREADS, "duplicates") as pool:
            for start in range(0, len(pairs), AT_ONCE):
                self._report(self._progress)
                open_pairs = [pair for pair in pairs[start:start + AT_ONCE]
                              if union.root(pair[0]) != union.root(pair[1])]
                for pair, agreed in zip(open_pairs, pool.map(self._agree, open_pairs), strict=True):
                    if agreed and union.join(*pair):
                        same.append(pair)
        return same

    def _agree(self, pair: tuple[str, str]) -> bool:
        first, second = map(self._outline, pair)
        return first is not None and second is not None and agreement(first, second).same

    def _read(self, content: str) -> Outline | None:
        try:
            return outline(self.records[content].path, self._max_megapixels)
        except ImageError:
            self.unread.add(content)
            return None


def _read(path: Path) -> _Comparison:
    """Results kept of earlier calls; nothing when it is damaged or of another comparison."""
    with suppress(OSError, EOFError, ValueError, KeyError, IndexError, BadZipFile), np.load(path) as kept:
        if kept["version"] == VERSION:
            contents = [bytes(row).hex() for row in kept["contents"]]
            pairs = [(contents[one], contents[other]) for one, other in kept["pairs"].tolist()]
            caches.touch(path)
            return _Comparison([contents[place] for place in kept["known"].tolist()], pairs)
    return _Comparison()


def _write(path: Path, comparison: _Comparison) -> None:
    """Keep the comparison; where that is impossible it is made again."""
    places = {content: place for place, content in enumerate(dict.fromkeys(_contents(comparison)))}
    contents = np.frombuffer(bytes.fromhex("".join(places)), np.uint8).reshape(len(places), -1)
    with suppress(OSError):
        private_files.make_folder(path.parent, private=False)
        with private_files.replacing(path, private=False) as file:
            np.savez(file, version=VERSION, contents=contents,
                     known=np.array([places[content] for content in comparison.known], np.int32),
                     pairs=np.array([(places[one], places[other]) for one, other in comparison.pairs],
                                    np.int32).reshape(-1, 2))


def _contents(comparison: _Comparison) -> Iterator[str]:
    yield from comparison.known
    for pair in comparison.pairs:
        yield from pair
