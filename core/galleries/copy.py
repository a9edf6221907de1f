"""Copy a gallery between stores: from SQLite to an address, back, or between addresses.

Everything goes along: pictures that are there and that are missing, vectors of every fingerprint bit for bit, tags,
ratings, failures, folders. A copy that was stopped goes on: what the target has already is left as it is. Tags and
marks come last, since a picture that is marked missing would be taken for the earlier place of a copy that comes later.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from core.errors import StoreError
from core.fingerprint import Fingerprint
from core.galleries.gallery import Gallery
from core.localisation import _
from core.progress import Progress, Report, WorkStep, finishing, silent
from core.store.records import FailedEntry, IndexedFile, KnownImage, StoredImage

BATCH = 2000  # pictures that one write stores


@dataclass(frozen=True)
class CopyResult:
    """Result of a copy: `pictures` of the source, `already` of them in the target before, `vectors` written."""

    gallery: str
    pictures: int
    already: int
    vectors: int
    failures: int


@dataclass
class _Later:
    """Tags, ratings and missing marks to write at the end, by path."""

    tags: defaultdict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    ratings: defaultdict[int, list[str]] = field(default_factory=lambda: defaultdict(list))
    missing: list[str] = field(default_factory=list)


def copy_gallery(source: Gallery, target: Gallery,
                 report: Report = silent) -> CopyResult:
    """Copy a gallery into another that is empty, or that an earlier copy of it was stopped in.

    StoreError: `not_empty` (the target holds pictures that the source does not; nothing was changed), and what both
    places may raise. JobCancelled leaves what was copied.
    """
    report, after = finishing(report)
    total = _check(source, target, report)
    folders = source.state().gallery.folders
    for folder in folders:
        target.add_folder(folder)
    fingerprints = source.fingerprints() or [Fingerprint("", "")]
    there = _there(target, fingerprints, folders)
    later, done, already, vectors = _Later(), 0, 0, 0
    for batch in _batches(source.stored_images()):
        for image in batch:
            _remember(image, later)
        new = [image for image in batch if not _is_there(image, there)]
        vectors += _write(target, new, fingerprints)
        done, already = done + len(batch), already + len(batch) - len(new)
        report(Progress(WorkStep.COPYING, done, total))
    failures = _finish(source, target, folders, later, after)
    target.optimize(after)
    return CopyResult(target.name, done, already, vectors, failures)


def _check(source: Gallery, target: Gallery, report: Report) -> int:
    """Count the images of the source. StoreError ("not_empty") when the target has others."""
    others = {image.path: image.content_hash for batch in target.stored_images(vectors=False) for image in batch}
    total = 0
    for batch in source.stored_images(vectors=False):
        total += len(batch)
        for image in batch:
            if others.get(image.path) == image.content_hash:
                del others[image.path]
        report(Progress(WorkStep.COMPARING_GALLERIES, total))
    if others:
        raise StoreError(_("{name} holds {others} pictures that {name_2} does not, such as {name_3}. Nothing was "
                           "changed; copy into a new gallery.").format(name=target.name, others=len(others),
                                                                       name_2=source.name,
                                                                       name_3=Path(next(iter(others))).name),
                         "not_empty")
    return total


def _there(target: Gallery, fingerprints: Sequence[Fingerprint], folders: Sequence[Path]
           ) -> dict[str, dict[str, KnownImage]]:
    """Images of the target by fingerprint hash and path."""
    return {fingerprint.hash: {path: state for folder in folders
                               for path, state in target.known_images(fingerprint.hash, folder).items()}
            for fingerprint in fingerprints}


def _is_there(image: StoredImage, there: dict[str, dict[str, KnownImage]]) -> bool:
    """Whether the target has the image with all its vectors."""
    states = {name: images.get(image.path) for name, images in there.items()}
    return all(state is not None and state.stamp == image.stamp and (state.embedded or name not in image.vectors)
               for name, state in states.items())


def _batches(batches: Iterator[list[StoredImage]]) -> Iterator[list[StoredImage]]:
    """The same images in batches of at least BATCH."""
    waiting: list[StoredImage] = []
    for batch in batches:
        waiting += batch
        if len(waiting) >= BATCH:
            yield waiting
            waiting = []
    yield waiting


def _remember(image: StoredImage, later: _Later) -> None:
    for tag in image.tags:
        later.tags[tag].append(image.path)
    if image.rating:
        later.ratings[image.rating].append(image.path)
    if image.missing:
        later.missing.append(image.path)


def _write(target: Gallery, new: Sequence[StoredImage], fingerprints: Sequence[Fingerprint]) -> int:
    """Store images with their vectors, one fingerprint after the other; returns the number of vectors."""
    if not new:
        return 0
    bare = [image for image in new if not image.vectors]
    written = 0
    for fingerprint in fingerprints:
        entries = [IndexedFile(image.path, image.stamp, image.content_hash, image.facts,
                               image.vectors[fingerprint.hash])
                   for image in new if fingerprint.hash in image.vectors]
        plain = [IndexedFile(image.path, image.stamp, image.content_hash, image.facts) for image in bare]
        bare = []
        if entries or plain:
            target.record(fingerprint, entries + plain)
        written += len(entries)
    return written


def _finish(source: Gallery, target: Gallery, folders: Sequence[Path], later: _Later,
            report: Report) -> int:
    """Copy tags, ratings, missing marks and failures; returns the number of failures."""
    report(Progress(WorkStep.COPYING_TAGS))
    ids = {path: state.id for folder in folders
           for path, state in target.known_images("", folder).items()}
    for tag, paths in later.tags.items():
        target.add_tag([ids[path] for path in paths if path in ids], tag)
    for stars, paths in later.ratings.items():
        target.rate([ids[path] for path in paths if path in ids], stars)
    target.mark([ids[path] for path in later.missing if path in ids], missing=True)
    reasons = {str(failure.path): failure.reason for failure in source.failures()}
    failed = [FailedEntry(path, failure.stamp, failure.kind, reasons.get(path, ""), failure.max_megapixels)
              for folder in folders for path, failure in source.known_failures(folder).items()]
    if failed:
        target.record(Fingerprint("", ""), [], failed)
    return len(failed)
