"""Table maintenance: compaction, indices of columns, and the index of vectors of very large galleries."""

import math
from collections.abc import Callable
from functools import partial
from typing import Any

from core.galleries.lance.connection import LanceTable, as_store_errors
from core.galleries.lance.vector_table import COLUMN, INDEX
from core.progress import Progress, Report, WorkStep, silent

SMALL = 20_000  # rows up to which a column is read faster than its index
VECTORS_FROM = 200_000  # vectors from which an index of them is made; up to it they are brought to whoever searches
GROWN = 4  # times its vectors when it was made, at which the index is made anew: its parts have grown as much
SAMPLED = 64  # vectors for each part that the parts are found by
PICTURES, VECTORS = ("id", "path", "content"), ("id", "path", "content", "taken")  # columns that are looked up


def optimize(tables: tuple[LanceTable, LanceTable, list[LanceTable], LanceTable], report: Report = silent,
             vectors_from: int = VECTORS_FROM) -> None:
    """Maintain a gallery's tables (`LanceGallery.tables`); cheap when nothing has changed.

    Others may read and write meanwhile. JobCancelled between two steps leaves the gallery as good as it was.
    """
    pictures, failures, vectors, row = tables
    steps: list[tuple[str, Callable[[], None]]] = [
        ("the pictures", partial(_maintain, pictures, PICTURES)), ("the failures", failures.compact),
        ("the turns", row.compact)]
    for table in vectors:
        steps += [("the vectors", partial(_maintain, table, VECTORS)),
                  ("the index of vectors", partial(_index, table, vectors_from))]
    for number, (what, step) in enumerate(steps):
        report(Progress(WorkStep.OPTIMIZING, number, len(steps), what))
        step()
    report(Progress(WorkStep.OPTIMIZED, len(steps), len(steps)))


def _maintain(table: LanceTable, columns: tuple[str, ...]) -> None:
    """Compact a table, and index columns where there are many rows."""
    from lancedb.index import BTree, LabelList

    table.compact()
    if table.count() <= SMALL:
        return
    with as_store_errors(table.place):
        indexed = {column for index in table.raw.list_indices() for column in index.columns}
        for column in (*columns, "tag_keys"):
            if column not in indexed:
                config: Any = LabelList() if column == "tag_keys" else BTree()
                table.raw.create_index(column, config=config)


def _index(table: LanceTable, vectors_from: int) -> None:
    """Create the vector index when it is first needed, and again when it has grown; `compact` adds new rows."""
    from lancedb.index import IvfSq

    rows = table.count()
    with as_store_errors(table.place):
        facts = table.raw.schema.field(COLUMN).metadata or {}
        made_for = int(facts.get(b"made_for", 0)) if table.raw.index_stats(INDEX) is not None else 0
        if rows <= vectors_from or rows < GROWN * made_for:
            return
        table.raw.create_index(COLUMN, config=IvfSq(distance_type="cosine", num_partitions=round(math.sqrt(rows)),
                                                    sample_rate=SAMPLED), replace=True, name=INDEX)
        table.raw.update_field_metadata({"path": COLUMN, "metadata": {"made_for": str(rows)}})
