"""Search in a gallery whose vectors are too many to be brought here: where they lie, by the engine's own index.

The engine's index finds candidates; they are ranked again by their full vectors, with the same look in float64 as in
exact search. So a score is always exact, and what an approximate search may lack is a hit, never its score.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from core.errors import QueryError
from core.galleries.vector_store import VectorTable
from core.localisation import _
from core.search.vector_file import Floats, Ids
from core.search.vector_index import checked, fine
from core.store.records import Filter

EXACT_UP_TO = 200_000  # vectors; so many are brought here within seconds and searched exactly
PROBES = 96  # partitions of the index that a query looks into (docs/scale.md)
REFINED = 4  # candidates for each hit
SPARE = 64  # candidates beyond the hits, at least: whatever rounding could have put behind them


@dataclass(frozen=True, eq=False)
class TableIndex:
    """A `VectorIndex` over a table, and the searches that only a table can do."""

    table: VectorTable

    def __len__(self) -> int:
        return self._count

    def __contains__(self, image_id: int) -> bool:
        return len(self.table.vectors_of([image_id])[0]) > 0

    @cached_property
    def _count(self) -> int:
        return self.table.count()

    @property
    def dim(self) -> int:
        """Numbers in a vector."""
        return self.table.dim

    @property
    def approximate(self) -> bool:
        """Whether `search` may miss a hit unless it is exact; without an index all vectors are compared."""
        return self.table.indexed > 0

    def sample(self, count: int) -> tuple[Floats, Ids]:
        """Vectors (m, dim) and ids (m,) of up to `count` pictures."""
        ids, vectors = self.table.sample(count)
        return vectors, ids

    def search(self, query: Floats, k: int, chosen: Filter = Filter(), exact: bool = False) -> tuple[Ids, Floats]:
        """The ids (k,) and scores (k,) of the best of the filter, best first, ties by id; errors as in `ExactIndex`."""
        query = checked(query, self.dim)
        if k <= 0:
            return np.empty(0, np.int64), np.empty(0, np.float32)
        rough = not exact and self.approximate
        count = max(REFINED * k, k + SPARE) if rough else k + SPARE
        ids, vectors = self.table.nearest(query, count, chosen, PROBES if rough else 0)
        scores = fine(vectors, query)
        best = np.lexsort((ids, -scores))[:k]
        return ids[best], scores[best]

    def scores_of(self, query: Floats, ids: Sequence[int] | Ids) -> Floats:
        """The scores (n,) of these pictures, NaN for one that is not in the table."""
        query = checked(query, self.dim)
        known, vectors = self.table.vectors_of(ids)
        by_id = dict(zip(known.tolist(), fine(vectors, query).tolist(), strict=True))
        return np.array([by_id.get(int(one), np.nan) for one in ids], np.float32)

    def vectors_of(self, ids: Sequence[int] | Ids) -> Floats:
        """The unit vectors (n, dim) of these pictures; QueryError (kind "not_indexed") when one is not in the table."""
        known, vectors = self.table.vectors_of(ids)
        rows = {image_id: row for row, image_id in enumerate(known.tolist())}
        try:
            return vectors[[rows[int(one)] for one in ids]]
        except KeyError as error:
            raise QueryError(_("That picture is not indexed with this model yet. Index its gallery again."),
                             "not_indexed") from error
