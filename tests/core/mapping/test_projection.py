"""Projections: stable, centred, cached, stopped; and where a query lies."""

import sys

import numpy as np
import pytest

from core.errors import MapError
from core.mapping import projection
from core.mapping.points import MapItem, MapPoints
from core.progress import JobCancelled


def made_points(count=60, dim=16, seed=0, gap=0.0):
    """Three clusters; every third point is an utterance, apart by `gap` along the first axis."""
    draw = np.random.default_rng(seed)
    vectors = draw.standard_normal((3, dim))[np.arange(count) % 3 * 0 + np.arange(count) // 2 % 3]
    vectors = vectors + 0.2 * draw.standard_normal((count, dim))
    spoken = np.arange(count) % 3 == 0
    vectors[spoken, 0] += gap
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    return MapPoints("made", vectors, spoken, np.full(count, -1, np.int64),
                     tuple(MapItem(str(number)) for number in range(count)), (), count)


def test_pca_is_that_of_numpy_with_a_stable_sign():
    points = made_points()
    found = projection.pca(points, False)
    shifted = points.vectors - points.vectors.mean(axis=0)
    u, sizes, _ = np.linalg.svd(shifted, full_matrices=False)
    for axis in range(2):
        expected = u[:, axis] * sizes[axis]
        assert abs(np.corrcoef(expected, found.positions[:, axis])[0, 1]) == pytest.approx(1, abs=1e-5)
    assert found.share == pytest.approx(float((sizes[:2] ** 2).sum() / (sizes ** 2).sum()), rel=1e-3)
    assert np.abs(found.positions).max() == pytest.approx(1)
    turned = MapPoints(**{**vars(points), "vectors": np.ascontiguousarray(points.vectors[::-1])})
    assert np.allclose(projection.pca(turned, False).positions[::-1], found.positions, atol=1e-4)


def test_centring_takes_the_gap_between_modalities_away():
    points = made_points(gap=6.0)
    apart = {}
    for centred in (False, True):
        positions = projection.pca(points, centred).positions
        apart[centred] = np.linalg.norm(positions[points.spoken].mean(axis=0) - positions[~points.spoken].mean(axis=0))
    assert apart[False] > 0.5 and apart[True] < 1e-3
    means = [projection.prepared(points, True)[part].mean(axis=0) for part in (points.spoken, ~points.spoken)]
    assert np.allclose(means, 0, atol=1e-6)
    assert projection.prepared(points, False) is points.vectors


def test_a_query_of_pca_lies_where_a_point_of_its_vector_does():
    points = made_points()
    for centred in (False, True):
        found = projection.pca(points, centred)
        row = int(np.flatnonzero(points.spoken)[1])
        assert np.allclose(projection.place_query(points, found, points.vectors[row]), found.positions[row], atol=1e-4)


def test_a_query_of_umap_lies_among_its_nearest_points():
    points = made_points()
    positions = np.random.default_rng(1).uniform(-1, 1, (60, 2)).astype(np.float32)
    found = projection.Projection("umap", False, positions, 1.0)
    place = projection.place_query(points, found, points.vectors[7])
    nearest = np.argsort(-points.vectors @ points.vectors[7])[:projection.NEAREST]
    assert 7 in nearest
    low, high = positions[nearest].min(axis=0), positions[nearest].max(axis=0)
    assert (low <= place).all() and (place <= high).all()
    weights_fall = np.linalg.norm(place - positions[7]) < np.linalg.norm(positions[nearest].mean(axis=0) - positions[7])
    assert weights_fall


def test_hits_are_the_pictures_most_like_the_query_best_first():
    points = made_points()
    rows = projection.hits_of(points, points.vectors[4], 5)
    scores = points.vectors @ points.vectors[4]
    scores[points.spoken] = -9
    assert rows.tolist() == np.argsort(-scores, kind="stable")[:5].tolist() and rows[0] == 4


def test_what_lies_inside_an_outline():
    positions = np.array([[0, 0], [2, 0], [0.9, 0.9], [-0.5, 0.2], [0, 3]], np.float32)
    square = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]], float)
    assert projection.inside(positions, square).tolist() == [True, False, True, True, False]
    bay = np.array([[-1, -1], [1, -1], [1, 1], [0, -0.5], [-1, 1]], float)  # a wedge is cut out from above
    assert projection.inside(positions, bay).tolist() == [False, False, False, True, False]


def test_umap_is_cached_by_content_and_its_process_is_ended(tmp_path, monkeypatch):
    """A process that says how far it is and then waits stands in for UMAP, which takes seconds to import."""
    program = ("import sys, time, numpy as np; from pathlib import Path; place = Path(sys.argv[1]); "
               "(place / 'progress').write_text('3 200'); "
               "time.sleep({}); np.save(place / 'positions.npy', np.load(place / 'start.npy'))")
    started = []

    def command(*arguments):
        started.append(arguments)
        return [sys.executable, "-c", program.format(wait), arguments[-1]]

    monkeypatch.setattr(projection.child_python, "command", command)
    monkeypatch.setattr(projection, "has_umap", lambda: True)
    points, wait = made_points(), 60

    def report(progress):
        if progress.done == 3:
            raise JobCancelled

    with pytest.raises(JobCancelled):
        projection.umap(points, False, tmp_path, report)
    wait = 0
    first = projection.umap(points, False, tmp_path)
    again = projection.umap(points, False, tmp_path)
    assert len(started) == 2 and np.array_equal(first.positions, again.positions) and again.seconds == 0
    assert np.allclose(first.positions, projection.pca(points, False).positions, atol=1e-5)
    projection.umap(points, True, tmp_path)
    projection.umap(made_points(seed=1), False, tmp_path)
    assert len(started) == 4 and len(list((tmp_path / "maps").glob("*.npy"))) == 3


def test_a_process_that_fails_says_why_and_a_missing_library_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setattr(projection, "has_umap", lambda: True)
    monkeypatch.setattr(projection.child_python, "command",
                        lambda *arguments: [sys.executable, "-c", "raise SystemExit('no memory')"])
    with pytest.raises(MapError, match=r"no memory.*PCA") as failed:
        projection.umap(made_points(), False, tmp_path)
    monkeypatch.setattr(projection, "has_umap", lambda: False)
    with pytest.raises(MapError, match="pip install umap-learn") as missing:
        projection.umap(made_points(), False, tmp_path)
    assert (failed.value.kind, missing.value.kind) == ("failed", "no_umap")


@pytest.mark.slow
def test_umap_keeps_clusters_apart_gives_the_same_map_again_and_takes_few_points(tmp_path):
    points = made_points()
    seen = set()
    found = projection.umap(points, False, tmp_path, lambda progress: seen.add(progress.step))
    again = projection.umap(points, False, tmp_path / "other")
    assert np.array_equal(found.positions, again.positions) and seen
    cluster = np.arange(60) // 2 % 3
    centres = np.array([found.positions[cluster == number].mean(axis=0) for number in range(3)])
    nearest = np.linalg.norm(found.positions[:, None] - centres, axis=2).argmin(axis=1)
    assert (nearest == cluster).mean() > 0.95
    few = made_points(count=3)
    assert projection.umap(few, False, tmp_path).positions.shape == (3, 2)
