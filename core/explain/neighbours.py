"""Pictures around one in a ranking: the best of the gallery, and those just before and after it."""

from dataclasses import dataclass
from pathlib import Path

from core.asr.transcript import EncodedUtterance
from core.errors import QueryError
from core.explain.inspection import ExplainModel, GalleryRanking, open_index
from core.explain.observation import branches_of
from core.explain.shares import mix
from core.galleries.gallery import Gallery
from core.localisation import _
from core.store.records import ImageRecord

BEST = 12  # always shown, from rank 1 on
BESIDE = 5  # before and after the picture


@dataclass(frozen=True)
class Neighbour:
    """A picture of the gallery with its rank from 1 and its score under one mix."""

    rank: int
    score: float
    image: ImageRecord


def neighbours(ranking: GalleryRanking, gallery: Gallery, t: float = 0.5, best: int = BEST, beside: int = BESIDE
               ) -> tuple[Neighbour, ...]:
    """The best pictures at a mix t and those beside the explained one, by rank; without a picture that was added."""
    mixed, scores = ranking.mix, ranking.mix.scores(t)
    own = mixed.rank(ranking.row, t)
    rows = mixed.best(t, max(best, own + beside))
    shown = [(rank, row) for rank, row in enumerate(rows, 1)
             if (rank <= best or abs(rank - own) <= beside) and (ranking.in_gallery or row != ranking.row)]
    images = {image.id: image for image in gallery.images([int(mixed.ids[row]) for _unused, row in shown])}
    return tuple(Neighbour(rank, float(scores[row]), images[mixed.ids[row]])
                 for rank, row in shown if mixed.ids[row] in images)


def best_match(model: ExplainModel, gallery: Gallery, caches: Path, utterance: EncodedUtterance) -> ImageRecord:
    """The gallery's best picture for a query. StoreError, QueryError as `inspection.open_index` and `observe`."""
    index = open_index(model, gallery, caches)
    best, = mix(branches_of(model.network, utterance), index.matrix, index.ids).best(0.5, 1)
    images = gallery.images([int(index.ids[best])])
    if not images:
        raise QueryError(_("The best picture of {name} is gone. Index the gallery again.").format(name=gallery.name),
                         "not_indexed")
    return images[0]
