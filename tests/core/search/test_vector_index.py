"""Exact search against a plain sort, and its cache against damage, change, two windows and a full disk."""

import errno
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core import private_files
from core.errors import QueryError
from core.search import vector_index
from core.search.vector_index import ExactIndex, open_index


def units(count, dim, seed=0):
    rows = np.random.default_rng(seed).standard_normal((count, dim)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


class Source:
    """A store of one gallery that counts how often its vectors were read."""

    def __init__(self, ids, vectors, revision="r1", number=1):
        self.id, self.ids, self.rows, self.now, self.reads = number, np.asarray(ids, np.int64), vectors, revision, 0

    def revision(self, fingerprint_hash):
        return self.now

    def vectors(self, fingerprint_hash):
        self.reads += 1
        for start in range(0, len(self.ids), 7):
            yield self.ids[start:start + 7], self.rows[start:start + 7]


def plain(ids, matrix, query, k):
    scores = (matrix.astype(np.float64) @ query.astype(np.float64)).astype(np.float32)
    order = sorted(range(len(ids)), key=lambda row: (-scores[row], ids[row]))[:k]
    return [int(ids[row]) for row in order], scores[order]


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(count=st.integers(1, 90), dim=st.integers(1, 40), k=st.integers(1, 120), seed=st.integers(0, 9),
       twins=st.booleans())
def test_the_best_are_those_of_a_plain_sort(count, dim, k, seed, twins):
    matrix = units(count, dim, seed)
    if twins:
        matrix[count // 2:] = matrix[0]
    ids = np.random.default_rng(seed).permutation(1000)[:count].astype(np.int64)
    found, scores = ExactIndex(matrix, ids).search(matrix[0], k)
    expected, expected_scores = plain(ids, matrix, matrix[0], k)
    assert found.tolist() == expected
    assert np.allclose(scores, expected_scores, atol=1e-6)


def test_equal_pictures_score_equally_wherever_their_rows_lie_and_come_by_id(monkeypatch):
    monkeypatch.setattr(vector_index, "CHUNK", 13)  # rows then fall into different kernels of the matrix product
    matrix = units(101, 37)
    matrix[[3, 12, 50, 97, 100]] = matrix[3]
    ids = np.arange(101, dtype=np.int64)[::-1].copy()
    found, scores = ExactIndex(matrix, ids).search(units(1, 37, 5)[0], 101)
    places = [found.tolist().index(100 - row) for row in (100, 97, 50, 12, 3)]
    assert places == list(range(places[0], places[0] + 5))
    assert len({scores[place] for place in places}) == 1


def test_only_allowed_pictures_are_found_and_strange_ids_are_passed_over():
    matrix, ids = units(200, 16), np.arange(200, dtype=np.int64) * 3
    index = ExactIndex(matrix, ids)
    for allowed in ([9, 3, 300, 4, -1, 9], list(range(0, 600, 3))[:150]):  # the gathered and the masked way
        kept = sorted(set(allowed) & set(ids.tolist()))
        found, _ = index.search(matrix[5], 1000, allowed)
        assert found.tolist() == plain(np.array(kept), matrix[[i // 3 for i in kept]], matrix[5], 1000)[0]
    assert index.search(matrix[5], 10, [])[0].tolist() == []


def test_ranks_agree_with_the_order_of_the_hits_also_among_twins():
    matrix, ids = units(60, 8), np.arange(60, dtype=np.int64)
    matrix[20:40] = matrix[7]
    index, query = ExactIndex(matrix, ids), units(1, 8, 3)[0]
    found, _ = index.search(query, 60)
    assert [index.rank_of(query, int(image)) for image in found] == list(range(1, 61))


def test_scores_and_vectors_of_chosen_pictures():
    matrix, ids = units(10, 4), np.array([5, 3, 8, 1, 9, 7, 2, 4, 6, 0], np.int64)
    index = ExactIndex(matrix, ids)
    scores = index.scores_of(matrix[2], [8, 77, 0])
    assert scores[0] == pytest.approx(1, abs=1e-6)
    assert np.isnan(scores[1])
    assert np.array_equal(index.vectors_of([0, 5]), matrix[[9, 0]])
    for ask in (lambda: index.vectors_of([77]), lambda: index.rank_of(matrix[2], 77)):
        with pytest.raises(QueryError) as caught:
            ask()
        assert caught.value.kind == "not_indexed"


@pytest.mark.parametrize(("query", "kind"), [(np.array([np.nan, 0, 0], np.float32), "not_finite"),
                                             (np.array([np.inf, 0, 0], np.float32), "not_finite"),
                                             (np.ones(4, np.float32), "wrong_size")])
def test_a_query_that_is_none_is_refused(query, kind):
    with pytest.raises(QueryError) as caught:
        ExactIndex(units(5, 3), np.arange(5)).search(query, 2)
    assert caught.value.kind == kind


def test_an_empty_gallery_has_no_hits(tmp_path):
    index = open_index(Source([], np.empty((0, 6), np.float32)), "f", 6, tmp_path)
    assert (len(index), index.dim, index.note) == (0, 6, "")
    assert index.search(np.ones(6, np.float32), 5)[0].tolist() == []
    assert np.isnan(index.scores_of(np.ones(6, np.float32), [1])).all()


def test_the_cache_is_used_until_the_revision_changes(tmp_path):
    source = Source(range(20), units(20, 5))
    first = open_index(source, "f", 5, tmp_path)
    assert isinstance(first.matrix.base, np.ndarray)  # mapped, not copied
    open_index(source, "f", 5, tmp_path)
    assert source.reads == 1
    source.now, source.rows = "r2", units(20, 5, 9)
    again = open_index(source, "f", 5, tmp_path)
    assert source.reads == 2
    assert np.array_equal(again.vectors_of([4])[0], source.rows[4])
    assert len(list(tmp_path.iterdir())) == 1
    assert np.isfinite(first.matrix).all()  # another window still reads the file that is gone by now


def test_galleries_and_fingerprints_keep_apart(tmp_path):
    sources = [Source(range(4), units(4, 3, seed), number=number) for seed, number in enumerate((1, 11, 1))]
    asked = [(sources[0], "f"), (sources[1], "f"), (sources[2], "ff")]
    for _ in range(2):
        for source, fingerprint in asked:
            found = open_index(source, fingerprint, 3, tmp_path)
            assert np.array_equal(found.matrix, source.rows)
    assert [source.reads for source in sources] == [1, 1, 1]


@pytest.mark.parametrize("damage", ["cut", "empty", "bits", "header", "other size"])
def test_a_damaged_cache_is_built_again(tmp_path, damage):
    source = Source(range(30), units(30, 4))
    open_index(source, "f", 4, tmp_path)
    path = next(tmp_path.iterdir())
    whole = path.read_bytes()
    path.write_bytes({"cut": whole[:-9], "empty": b"", "bits": whole[:5000] + b"\xff\xff" + whole[5002:],
                      "header": b"\x00" * 4096 + whole[4096:], "other size": whole + b"1"}[damage])
    index = open_index(source, "f", 4, tmp_path)
    assert source.reads == 2
    assert np.array_equal(index.matrix, source.rows)
    assert path.read_bytes() == whole


def test_on_a_full_disk_the_index_is_in_memory_and_says_so(tmp_path, monkeypatch):
    def full(descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(private_files.os, "fsync", full)
    source = Source(range(30), units(30, 4))
    index = open_index(source, "f", 4, tmp_path)
    assert "No space left" in index.note
    assert index.search(source.rows[8], 1)[0].tolist() == [8]
    assert list(tmp_path.iterdir()) == []


def test_a_cache_folder_that_cannot_be_made_is_no_error(tmp_path):
    (tmp_path / "file").write_text("")
    index = open_index(Source(range(3), units(3, 4)), "f", 4, tmp_path / "file" / "vectors")
    assert len(index) == 3
    assert index.note


def test_a_store_that_fails_in_the_middle_leaves_nothing_behind(tmp_path):
    class Failing(Source):
        def vectors(self, fingerprint_hash):
            yield self.ids[:2], self.rows[:2]
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        open_index(Failing(range(30), units(30, 4)), "f", 4, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_what_a_crash_left_is_cleared_away_but_not_the_work_of_another_window(tmp_path):
    old, young = Path(tmp_path / ".1-f-old.vectors.1.new"), Path(tmp_path / ".1-f-young.vectors.2.new")
    old.write_text("")
    young.write_text("")
    os.utime(old, (0, 0))
    open_index(Source(range(3), units(3, 4)), "f", 4, tmp_path)
    assert not old.exists()
    assert young.exists()


def test_a_stored_vector_that_is_not_finite_is_like_nothing(tmp_path):
    rows = units(5, 4)
    rows[2] = np.nan
    index = open_index(Source(range(5), rows), "f", 4, tmp_path)
    found, scores = index.search(rows[0], 5)
    assert sorted(found.tolist()) == [0, 1, 2, 3, 4]
    assert scores[found.tolist().index(2)] == 0
