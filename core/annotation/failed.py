"""Queues from evaluations: the pictures of failed queries, and of failures with a label.

Pictures of an evaluation are known by their files: those that the gallery has are the queue's.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from core.errors import EvaluationError
from core.galleries.backends import open_gallery

if TYPE_CHECKING:
    from core.evaluation.archive import Evaluation
    from core.evaluation.records import EvaluatedQuery, EvaluationRecord
    from core.galleries.gallery import Gallery
    from core.store.store import Store

BEYOND = 10  # the rank of the right item behind which a query failed


def failures(store: "Store", gallery: "Gallery") -> Sequence[tuple[str, str]]:
    """The evaluations of pictures that lie in the gallery's folders, newest first."""
    return [(str(record.id), f"Failures of {record.setup.title}") for record in _evaluations(store, gallery)]


def beyond(store: "Store", gallery: "Gallery", argument: str) -> str:
    """The words for "7/5": the failures of evaluation 7 that are not among the first five; "" where there is none."""
    number, _, at = argument.partition("/")
    titles = dict(failures(store, gallery))
    return f"{titles[number]}, beyond the top {at}" if number in titles and at.isdecimal() and int(at) else ""


def failed(store: "Store", gallery: "Gallery", argument: str) -> Sequence[int]:
    """The pictures of the queries, either way, whose right item was not among the first ten, or how many "7/5" says."""
    number, _, at = argument.partition("/")
    with suppress(EvaluationError, ValueError):
        evaluation = _open(store, number)
        missed = _failures(evaluation, int(at or BEYOND))
        return _ids(gallery, evaluation, (query.picture for query in missed))
    return []


def home_of(store: "Store", argument: str, first: str) -> str | None:
    """The name of a gallery that has pictures of these failures, `first` before all others; None: no gallery."""
    galleries = sorted(store.galleries(), key=lambda gallery: gallery.name != first)
    return next((each.name for each in galleries if failed(store, open_gallery(store, each), argument)), None)


def labels(store: "Store", gallery: "Gallery") -> Sequence[tuple[str, str]]:
    """Labels that people gave to failures of those evaluations: "7/heard"."""
    from core.evaluation.failures import LABELS
    from core.evaluation.labelling import labels as labels_of

    choices = []
    for record in _evaluations(store, gallery):
        used = {each.label for each in labels_of(store, record.id).values()}
        choices += [(f"{record.id}/{label.key}", f"Called “{label.title}”, {record.setup.title}")
                  for label in LABELS if label.key in used]
    return choices


def labelled(store: "Store", gallery: "Gallery", argument: str) -> Sequence[int]:
    """The pictures of the failures that were called so."""
    from core.evaluation.labelling import labels as labels_of

    number, _, label = argument.partition("/")
    with suppress(EvaluationError, ValueError):
        evaluation, called = _open(store, number), labels_of(store, int(number))
        keys = {key for key, record_label in called.items() if record_label.label == label}
        return _ids(gallery, evaluation, (query.picture for query in _failures(evaluation)
                                          if (query.direction, query.query_id) in keys))
    return []


def _evaluations(store: "Store", gallery: "Gallery") -> "Iterator[EvaluationRecord]":
    from core.evaluation.archive import evaluations

    for record in evaluations(store):
        place = record.setup.folder.absolute()
        if any(folder.is_relative_to(place) or place.is_relative_to(folder) for folder in gallery.folders):
            yield record


def _open(store: "Store", number: str) -> "Evaluation":
    from core.evaluation.archive import open_evaluation

    return open_evaluation(store, int(number))


def _failures(evaluation: "Evaluation", at: int = BEYOND) -> "Iterator[EvaluatedQuery]":
    from core.evaluation.records import DIRECTIONS

    for way in DIRECTIONS:
        yield from evaluation.failures(way, at)


def _ids(gallery: "Gallery", evaluation: "Evaluation", places: Iterable[int]) -> list[int]:
    here = {str(image.path): image.id for image in gallery.images()}
    paths = (evaluation.pictures[place].path for place in set(places))
    return sorted(here[str(path.absolute())] for path in paths if path and str(path.absolute()) in here)
