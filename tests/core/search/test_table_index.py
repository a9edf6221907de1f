"""Search where the vectors lie: the engine's index against exact search, filters, and what came after the index."""

from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from core.errors import QueryError
from core.fingerprint import Fingerprint
from core.galleries.lance import maintenance as tending
from core.galleries.lance.gallery import LanceGallery
from core.search import table_index
from core.search.index_cache import IndexCache
from core.search.queries import EncodedTerm, QueryScorer
from core.search.table_index import TableIndex
from core.search.vector_index import ExactIndex, open_index
from core.store.records import DecodedImageFacts, FileStamp, Filter, IndexedFile

pytest.importorskip("lancedb", reason="addresses need the extra: pip install .[scale]")

PRINT = Fingerprint.of({"backbone": "made"})
COUNT, DIM, FIRST = 1500, 16, datetime(2024, 1, 1)


def units(count: int, seed: int) -> np.ndarray:
    """Vectors around twenty centres."""
    random = np.random.default_rng(seed)
    centres = np.random.default_rng(99).standard_normal((20, DIM)) * 1.5
    rows = centres[random.integers(0, 20, count)] + random.standard_normal((count, DIM))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def entries(start: int, vectors: np.ndarray) -> list[IndexedFile]:
    return [IndexedFile(f"/p/{number % 10}/{number}.jpg", FileStamp(1, 1), number.to_bytes(32, "big"),
                  DecodedImageFacts(4, 3, FIRST + timedelta(days=number)), vector) for number, vector in
            enumerate(vectors, start)]


@pytest.fixture(scope="module")
def indexed(tmp_path_factory: pytest.TempPathFactory) -> LanceGallery:
    """A gallery with an index of its vectors; two of one vector, some tagged, one missing, some came later."""
    place = LanceGallery.open(str(tmp_path_factory.mktemp("made") / "g.lance"), create=True)
    place.add_folder(Path("/p"))
    vectors = units(COUNT, 1)
    vectors[1000] = vectors[7]
    place.record(PRINT, entries(0, vectors))
    ids = [one.id for one in place.images()]
    place.add_tag(ids[::5], "It's Fifth")
    tending.optimize(place.tables(), vectors_from=100)
    place.record(PRINT, entries(COUNT, units(30, 2)))
    place.mark(ids[:1], missing=True)
    return place


@pytest.fixture
def index(indexed: LanceGallery) -> TableIndex:
    table = indexed.vector_table(PRINT.hash)
    assert table is not None
    return TableIndex(table)


@pytest.fixture
def exact(indexed: LanceGallery, tmp_path: Path) -> ExactIndex:
    return open_index(indexed, PRINT.hash, DIM, tmp_path)


FILTERS = [Filter(), Filter(tag="it's fifth"), Filter(folder=Path("/p/3")), Filter(name="99"),
           Filter(since=FIRST + timedelta(days=900), until=FIRST + timedelta(days=1200)),
           Filter("it's fifth", Path("/p/5"), "1", FIRST, FIRST + timedelta(days=5000)), Filter(tag="nothing")]


@pytest.mark.slow
@pytest.mark.parametrize("chosen", FILTERS)
def test_exact_where_they_lie_is_exact(indexed: LanceGallery, index: TableIndex, exact: ExactIndex,
                                       chosen: Filter) -> None:
    allowed = indexed.filter_ids(chosen)
    assert index.table.count(chosen) == len(allowed)
    for query in (units(3, 5) if chosen != Filter() else [*units(3, 5), exact.vectors_of([8])[0]]):
        ids, scores = index.search(query, 25, chosen, exact=True)
        right, right_scores = exact.search(query, 25, allowed)
        assert ids.tolist() == right.tolist()  # ties by id, as of the two of one vector
        assert scores.tobytes() == right_scores.tobytes()


@pytest.mark.slow
def test_the_index_finds_nearly_all_and_its_scores_are_exact(indexed: LanceGallery, index: TableIndex,
                                                             exact: ExactIndex, monkeypatch: pytest.MonkeyPatch
                                                             ) -> None:
    assert index.approximate
    assert 0 < index.table.indexed < COUNT + 30
    monkeypatch.setattr(table_index, "PROBES", 20)  # of some 39 parts, which are drawn anew each time: 0.97 to 0.98
    shares = []
    for chosen in FILTERS:
        allowed = indexed.filter_ids(chosen)
        for query in units(10, 6):
            ids, scores = index.search(query, 10, chosen)
            assert set(ids.tolist()) <= set(allowed.tolist())
            np.testing.assert_array_equal(scores, exact.scores_of(query, ids))
            assert (np.diff(scores) <= 0).all()
            right = exact.search(query, 10, allowed)[0]
            shares.append(len(set(ids.tolist()) & set(right.tolist())) / max(1, len(right)))
    assert np.mean([share for share in shares if share]) > 0.9


def test_what_came_after_the_index_is_found(index: TableIndex, exact: ExactIndex) -> None:
    late = exact.ids[exact.ids > COUNT]
    assert len(late) == 30
    for image_id in late[:5].tolist():
        assert index.search(exact.vectors_of([image_id])[0], 1)[0].tolist() == [image_id]


def test_vectors_and_scores_by_id(index: TableIndex, exact: ExactIndex) -> None:
    ids = [5, 900, 17]
    np.testing.assert_array_equal(index.vectors_of(ids), exact.vectors_of(ids))
    query = units(1, 8)[0]
    np.testing.assert_array_equal(index.scores_of(query, [5, 10**6, 17]), exact.scores_of(query, [5, 10**6, 17]))
    assert 5 in index and 1 not in index and 10**6 not in index  # 1 is missing
    assert len(index) == len(exact) == COUNT + 29
    with pytest.raises(QueryError) as raised:
        index.vectors_of([1])
    assert raised.value.kind == "not_indexed"
    for query, kind in ((np.ones(3, np.float32), "wrong_size"), (np.full(DIM, np.nan, np.float32), "not_finite")):
        with pytest.raises(QueryError) as raised:
            index.search(query, 5)
        assert raised.value.kind == kind
    vectors, sampled = index.sample(50)
    assert len(set(sampled.tolist())) >= 49  # a missing one may have been drawn
    np.testing.assert_array_equal(vectors, exact.vectors_of(sampled))


def test_the_shelf_leaves_very_many_where_they_lie(indexed: LanceGallery, exact: ExactIndex, tmp_path: Path,
                                                   monkeypatch: pytest.MonkeyPatch) -> None:
    term = EncodedTerm("text", "a dog", units(1, 9)[0])
    few = IndexCache(tmp_path / "a").open(indexed, PRINT, DIM)
    monkeypatch.setattr(table_index, "EXACT_UP_TO", 1000)
    many = IndexCache(tmp_path / "b").open(indexed, PRINT, DIM)
    assert isinstance(few.index, ExactIndex) and isinstance(many.index, TableIndex)
    assert not (tmp_path / "b").exists()  # nothing was brought here
    chosen, described = Filter(folder=Path("/p/2")), units(60, 10)
    right = few.find([term], 20, chosen, described)
    found = many.find([term], 20, chosen, described, exact=True)
    assert [hit.image for hit in found.hits] == [hit.image for hit in right.hits]
    assert [(hit.score, hit.shares) for hit in found.hits] == [(hit.score, hit.shares) for hit in right.hits]
    assert (found.compared, found.approximate) == (right.compared, False) == (153, False)
    strengths = {hit.image.id: hit.strength for hit in few.find([term], 400, Filter(), described).hits}
    assert [strengths[hit.image.id] for hit in right.hits] == [hit.strength for hit in right.hits]
    assert many.find([term], 20, chosen, described).approximate


def test_minus_terms_lower_alike_wherever_the_vectors_lie(indexed: LanceGallery, exact: ExactIndex, tmp_path: Path,
                                                          monkeypatch: pytest.MonkeyPatch) -> None:
    plus, minus = units(2, 9)
    terms = [EncodedTerm("text", "a dog", plus), EncodedTerm("text", "people", minus, -2.0)]
    few = IndexCache(tmp_path / "a").open(indexed, PRINT, DIM)
    monkeypatch.setattr(table_index, "EXACT_UP_TO", 1000)
    many = IndexCache(tmp_path / "b").open(indexed, PRINT, DIM)
    right = few.find(terms, 20, Filter(), units(60, 10))
    scores = QueryScorer(terms, few.pictures[0]).scores(exact.matrix)
    best = exact.ids[np.lexsort((exact.ids, -scores))].tolist()
    assert [hit.image.id for hit in right.hits][:5] == best[:5]  # among them no copies
    assert [hit.score for hit in right.hits] == sorted((hit.score for hit in right.hits), reverse=True)
    for hit in right.hits:
        assert sum(share.value for share in hit.shares) == pytest.approx(hit.score, abs=1e-6)
    scorer = QueryScorer(terms, many.pictures[0])
    found = many.find(terms, 20, Filter(), units(60, 10), exact=True)
    expected = scorer.scores(exact.vectors_of([hit.image.id for hit in found.hits]))
    assert [hit.score for hit in found.hits] == pytest.approx(expected.tolist(), abs=1e-6)
    assert min(expected) >= np.sort(scorer.scores(exact.matrix))[-30] and not found.approximate


def test_putting_in_order_again_costs_no_new_index(indexed: LanceGallery, index: TableIndex) -> None:
    before = index.table.table.raw.list_indices()
    tending.optimize(indexed.tables(), vectors_from=100)
    made = [one for one in index.table.table.raw.list_indices() if one.columns == ["vector"]]
    assert [one.name for one in made] == [one.name for one in before if one.columns == ["vector"]]
    assert index.table.indexed == COUNT + 30  # what came later is in it now
