"""Vectors of one fingerprint at an address, searched in their table: approximately, or exhaustively."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from core.galleries.lance.connection import LanceTable, as_store_errors
from core.galleries.lance.schema import PRESENT, RATING, condition, conditions_in, matrix
from core.store.records import Filter

if TYPE_CHECKING:
    import pyarrow as pa

COLUMN, INDEX = "vector", "vector_idx"


class LanceVectorTable:
    """Vectors of a gallery's images; filters are applied by the engine."""

    def __init__(self, table: LanceTable) -> None:
        self.table = table

    @property
    def indexed(self) -> int:
        """Number of rows in the vector index; 0 without one."""
        with as_store_errors(self.table.place):
            stats = self.table.raw.index_stats(INDEX)
        return 0 if stats is None else int(stats.num_indexed_rows)

    def count(self, chosen: Filter = Filter()) -> int:
        """Number of present images of the filter with a vector."""
        return self.table.count(self._condition(chosen))

    def vectors_of(self, ids: Iterable[int]) -> tuple[np.ndarray, np.ndarray]:
        """Ids (n,) and vectors (n, dim) of those of these pictures that are there, in no order."""
        parts = [self.table.rows(["id", COLUMN], f"{where} AND {PRESENT}") for where in conditions_in("id", ids)]
        return _ids_and_vectors(parts, self.dim)

    @property
    def dim(self) -> int:
        """Length of a vector."""
        return int(self.table.raw.schema.field(COLUMN).type.list_size)

    def sample(self, count: int) -> tuple[np.ndarray, np.ndarray]:
        """Ids (n,) and vectors (n, dim) of up to `count` of its pictures, spread over the table and drawn alike."""
        with as_store_errors(self.table.place):
            rows = self.table.raw.count_rows()
            drawn = np.sort(np.random.default_rng(0).permutation(rows)[:count])
            taken = self.table.raw.take_offsets(drawn.tolist()).select(["id", COLUMN, "missing"]).to_arrow()
        return _ids_and_vectors([taken.filter(np.logical_not(taken["missing"].to_numpy()))], self.dim)

    def nearest(self, query: np.ndarray, count: int, chosen: Filter, probes: int) -> tuple[np.ndarray, np.ndarray]:
        """Ids (n,) and vectors (n, dim) of about the `count` nearest; all are compared with `probes` 0.

        With an index the candidates are first ranked by what it keeps of the vectors; rows that it does not know yet
        are compared one by one.
        """
        with as_store_errors(self.table.place):
            asked = self.table.raw.search(query, COLUMN).distance_type("cosine")
            asked = asked.nprobes(probes) if probes else asked.bypass_vector_index()
            asked = asked.where(self._condition(chosen), prefilter=True).limit(count)
            rows = asked.select(["id", COLUMN, "_distance"]).to_arrow()
        return _ids_and_vectors([rows], self.dim)

    def _condition(self, chosen: Filter) -> str:
        return condition(chosen, rated=not chosen.min_rating or self.table.has(RATING))


def _ids_and_vectors(parts: "list[pa.Table]", dim: int) -> tuple[np.ndarray, np.ndarray]:
    if not parts:
        return np.empty(0, np.int64), np.empty((0, dim), np.float32)
    return (np.concatenate([np.asarray(part["id"].to_numpy(), np.int64) for part in parts]),
            np.concatenate([matrix(part[COLUMN]) for part in parts]))
