"""The pictures around one in a ranking: the best of the gallery, and those just before and after it."""

from dataclasses import dataclass

from core.asr.transcript import EncodedUtterance
from core.errors import QueryError
from core.explain.inspection import ExplainModel, GalleryRanking, open_index
from core.explain.observation import branches_of
from core.explain.shares import mix
from core.explorer import Explorer
from core.galleries.backends import open_gallery
from core.store.records import ImageRecord

BEST = 12  # always shown, from rank 1 on
BESIDE = 5  # before and after the picture


@dataclass(frozen=True)
class Neighbour:
    """A picture of the gallery with its rank from 1 and its score under one mix."""

    rank: int
    score: float
    image: ImageRecord


def neighbours(explorer: Explorer, standing: GalleryRanking, t: float = 0.5, best: int = BEST, beside: int = BESIDE
               ) -> tuple[Neighbour, ...]:
    """The best pictures at a mix t and those beside the explained one, by rank; without a picture that was added."""
    found, scores = standing.mix, standing.mix.scores(t)
    own = found.rank(standing.row, t)
    rows = found.best(t, max(best, own + beside))
    places = [place for place in range(len(rows)) if place < best or abs(place + 1 - own) <= beside]
    kept = [place for place in places if standing.known or rows[place] != standing.row]
    ids = [int(found.ids[rows[place]]) for place in kept]
    images = {each.id: each for each in open_gallery(explorer.store, standing.gallery).images(ids)}
    return tuple(Neighbour(place + 1, float(scores[rows[place]]), images[image_id])
                 for place, image_id in zip(kept, ids, strict=True) if image_id in images)


def best_match(explorer: Explorer, lens: ExplainModel, gallery: str, heard: EncodedUtterance) -> ImageRecord:
    """The gallery's best picture for a query. StoreError, QueryError as `inspection.stand` and `observe`."""
    opened, index = open_index(explorer, lens, gallery)
    found = mix(branches_of(lens.model, heard), index.matrix, index.ids)
    images = opened.images([int(index.ids[row]) for row in found.best(0.5, 1)])
    if not images:
        raise QueryError(f"The best picture of {opened.name} is gone. Index the gallery again.", "not_indexed")
    return images[0]

