"""Index on this computer: find the images of a gallery's folders, read and embed those that are new.

`core.indexing.reconcile` compares and stores; this module reads and embeds. A cluster's workers use the same parts.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np

from core.errors import StoreError
from core.fingerprint import Fingerprint
from core.galleries.gallery import Gallery
from core.images import MAX_MEGAPIXELS, SEVERAL
from core.indexing.exclusions import Exclusions
from core.indexing.reader import Reader, ReadFile
from core.indexing.reconcile import BATCH, READY, Done, GalleryReconciler, IndexResult
from core.indexing.scan import Scan
from core.indexing.sources import scan_folder, scan_source
from core.localisation import _
from core.models.multicrop import encode_views
from core.progress import Report, silent
from core.store.records import FailedEntry, IndexedFile

__all__ = ["Backbone", "IndexResult", "embedding", "index_folder", "index_gallery", "index_scans"]


class Backbone(Protocol):
    """The part of a model that indexing uses."""

    @property
    def dim(self) -> int:
        """Length of a vector."""

    @property
    def image_size(self) -> int:
        """Side of the square that the model sees, in pixels."""

    def encode_images(self, pixels: np.ndarray) -> np.ndarray:
        """(n, size, size, 3) uint8 to (n, dim) float32, of any length."""

    def fingerprint(self, crop: str) -> Fingerprint:
        """The fingerprint of its embeddings under that crop policy."""


def index_folder(gallery: Gallery, folder: Path, backbone: Backbone, crop: str,
                 max_megapixels: float = MAX_MEGAPIXELS, report: Report = silent, column: str = "",
                 count: Callable[[int], object] = lambda number: None) -> IndexResult:
    """Add the folder to the gallery and index what is in it, at any depth. It may be an address, or a list of pictures
    whose paths are in that `column` (`core.indexing.sources`).

    `report` counts the files to read and its text the pace; `count` is as in `GalleryReconciler`. StoreError:
    `no_folder`, `no_gallery`, and what every method of the store may raise; DatasetError (manifest). JobCancelled and
    errors of the model pass through; what was stored stays.
    """
    return index_scans(gallery, scan_source(folder, column, report), backbone, crop, max_megapixels, report, count)


def index_scans(gallery: Gallery, scans: Sequence[Scan], backbone: Backbone, crop: str,
                max_megapixels: float = MAX_MEGAPIXELS, report: Report = silent,
                count: Callable[[int], object] = lambda number: None) -> IndexResult:
    """Index scanned files; otherwise as `index_folder`."""
    for scan in scans:
        gallery.add_folder(Path(scan.folder))
    return _index(gallery, scans, backbone, crop, max_megapixels, report, count)


def index_gallery(gallery: Gallery, backbone: Backbone, crop: str,
                  max_megapixels: float = MAX_MEGAPIXELS, report: Report = silent,
                  exclude: Exclusions = Exclusions(),
                  count: Callable[[int], object] = lambda number: None) -> IndexResult:
    """Index all folders of the gallery again; otherwise as `index_folder`.

    A folder that cannot be reached is listed among the failures and its pictures stay as they are; StoreError
    (no_folder) when none can be reached, or there is none.
    """
    folders = gallery.state().gallery.folders
    if not folders:
        raise StoreError(_("This gallery has no folder yet; add one first."), "no_folder")
    scans = [scan_folder(folder, report, exclude) for folder in folders]
    return _index(gallery, scans, backbone, crop, max_megapixels, report, count)


def _index(gallery: Gallery, scans: Sequence[Scan], backbone: Backbone, crop: str,
           max_megapixels: float, report: Report, count: Callable[[int], object]) -> IndexResult:
    fingerprint = backbone.fingerprint(crop)

    def known(hashes: Collection[bytes]) -> set[bytes]:
        return gallery.embedded_contents(hashes, fingerprint.hash)

    reader = Reader(crop, backbone.image_size, max_megapixels, known)
    return GalleryReconciler(gallery, fingerprint, max_megapixels, report, count=count).run(
        scans, lambda paths: embedding(reader, backbone, paths))


def embedding(reader: Reader, backbone: Backbone, paths: Sequence[str]) -> Iterator[list[Done]]:
    """Results of these files, read ahead of the model, which embeds a batch at a time.

    Contents that two of the files share are embedded once; a copy comes after its original.
    """
    waiting: list[ReadFile] = []
    contents: set[bytes] = set()
    unseen = 0  # of those that wait
    for outcomes in reader.read_ahead(paths):
        done: list[Done] = []
        for outcome in outcomes:
            if not isinstance(outcome, ReadFile):
                done.append(outcome)
            elif outcome.pixels is None or outcome.content_hash in contents:
                waiting.append(ReadFile(outcome.path, outcome.stamp, outcome.content_hash, outcome.facts))
            else:
                contents.add(outcome.content_hash)
                waiting.append(outcome)
                unseen += 1
        if not unseen or len(waiting) >= READY:  # what needs no model does not wait long for it
            done += _embedded(reader, backbone, waiting)
            waiting, unseen = [], 0
        yield done
        while unseen >= BATCH:
            cut = _end_of_batch(waiting)
            yield _embedded(reader, backbone, waiting[:cut])
            waiting, unseen = waiting[cut:], unseen - BATCH
    yield _embedded(reader, backbone, waiting)


def _end_of_batch(waiting: Sequence[ReadFile]) -> int:
    """End of the first BATCH files that the model has to embed."""
    places = [place for place, outcome in enumerate(waiting) if outcome.pixels is not None]
    return places[BATCH - 1] + 1


def _embedded(reader: Reader, backbone: Backbone, files: Sequence[ReadFile]) -> list[Done]:
    """Embed the files, in order; those without a usable vector become failures."""
    pixels = [file.pixels for file in files if file.pixels is not None]
    if not pixels:
        return [_entry(file) for file in files]
    vectors = (encode_views(backbone.encode_images, pixels) if reader.crop == SEVERAL else
               np.asarray(backbone.encode_images(np.concatenate(pixels)), dtype=np.float32))
    lengths = np.linalg.norm(vectors, axis=1)
    made = iter(zip(vectors, lengths, strict=True))
    results: list[Done] = []
    for file in files:
        if file.pixels is None:
            results.append(_entry(file))
            continue
        vector, length = next(made)
        if np.isfinite(length) and length > 0:
            results.append(_entry(file, vector / length))
        else:
            reason = f"The model gave no usable embedding for {Path(file.path).name}."
            results.append(FailedEntry(file.path, file.stamp, "no_embedding", reason, reader.max_megapixels))
    return results


def _entry(file: ReadFile, vector: np.ndarray | None = None) -> IndexedFile:
    return IndexedFile(file.path, file.stamp, file.content_hash, file.facts, vector)
