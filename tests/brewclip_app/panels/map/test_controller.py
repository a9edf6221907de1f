"""The map's controller: first PCA, then UMAP; selection, groups and queries, without widgets."""

import numpy as np
import pytest

from brewclip_app.panels.base import MapQuery
from brewclip_app.panels.map import controller as map_controller
from brewclip_app.panels.map.controller import MapController, read_sources
from brewclip_app.panels.map.state import MapSource
from core.errors import MapError
from core.mapping import projection
from core.progress import Progress, WorkStep
from tests.brewclip_app.panels.map.made import PICTURES, made_points

GALLERY = MapSource("Holiday", "Holiday")


@pytest.fixture
def controller(context):
    return MapController(context)


@pytest.fixture
def mapped(controller, settle):
    controller.choose(GALLERY)
    settle()
    return controller


def test_pca_is_shown_first_and_umap_after_it(controller, settle, monkeypatch):
    monkeypatch.setattr(projection, "has_umap", lambda: True)
    monkeypatch.setattr(projection, "umap", lambda points, centred, folder, report: projection.Projection(
        "umap", centred, np.zeros((len(points), 2), np.float32), 1.0))
    seen = []
    controller.changed.connect(lambda state: seen.append(state.projection.method if state.projection else ""))
    controller.choose(GALLERY)
    settle()
    assert list(dict.fromkeys(seen)) == ["", "pca", "umap"]
    assert controller.state.grouping == "modality" and controller.state.progress is None


def test_without_umap_the_first_view_stays_and_a_sentence_says_how_to_get_it(mapped):
    assert mapped.state.projection.method == "pca" and "pip install umap-learn" in mapped.state.notice


def test_what_cannot_be_mapped_is_said_and_the_next_source_is_mapped(controller, settle, monkeypatch):
    good = map_controller.read_points

    def refused(explorer, source, report):
        raise MapError("There are 2 points.", "few")

    monkeypatch.setattr(map_controller, "read_points", refused)
    controller.choose(GALLERY)
    settle()
    assert (controller.state.problem, controller.state.kind) == ("There are 2 points.", "few")
    monkeypatch.setattr(map_controller, "read_points", good)
    controller.choose(MapSource("Other", "Other"))
    settle()
    assert not controller.state.problem and controller.state.points.gallery == "Other"


def test_an_outline_selects_the_shown_points_in_it_and_adds_where_asked(mapped):
    positions = mapped.state.projection.positions

    def around(row):
        return positions[row] + np.array([[-0.02, -0.02], [0.02, -0.02], [0.02, 0.02], [-0.02, 0.02]])

    mapped.select(around(0))
    first = set(mapped.state.selected)
    assert 0 in first
    assert first == {row for row in range(len(positions)) if (np.abs(positions[row] - positions[0]) < 0.02).all()}
    mapped.select(around(20), add=True)
    assert first | {20} <= set(mapped.state.selected)
    mapped.show_modality("utterances")
    mapped.select(around(0))
    assert not set(mapped.state.selected) & set(range(PICTURES))
    mapped.select(None)
    assert mapped.state.selected == ()


def test_groups_are_shown_and_hidden_and_a_grouping_begins_whole(mapped):
    mapped.group_by("folder")
    mapped.show_group(1, False)
    hidden = mapped.state.groups.group_of == 1
    assert (mapped.state.visible == ~hidden).all() and hidden.sum() == 12
    mapped.select_all()
    assert len(mapped.state.selected) == 24
    mapped.show_group(1, True)
    assert mapped.state.visible.all()
    mapped.show_group(2, False)
    mapped.group_by("modality")
    assert mapped.state.hidden == frozenset()


def test_a_typed_query_is_placed_with_its_best_pictures_and_moves_with_the_map(mapped, settle):
    mapped.ask("  a dog  ")
    settle()
    query = mapped.state.query
    assert query.label == "a dog" and query.hits[0] == 1
    assert np.allclose(query.position, mapped.state.projection.positions[1], atol=1e-4)
    mapped.set_centred(True)
    settle()
    assert mapped.state.projection.centred and mapped.state.query.label == "a dog"
    assert not np.allclose(mapped.state.query.position, query.position, atol=1e-3)
    mapped.ask("")
    assert mapped.state.query is None


def test_a_query_of_search_waits_for_the_map_of_its_gallery(controller, settle):
    vector = made_points().vectors[4]
    controller.show_query(MapQuery("Holiday", "two dogs", vector))
    settle()
    assert controller.state.source.gallery == "Holiday"
    assert controller.state.query.label == "two dogs" and controller.state.query.hits[0] == 4
    controller.show_query(MapQuery("Holiday", "a cat", vector))
    settle()
    assert controller.state.query.label == "a cat"


def test_sources_are_galleries_and_evaluated_splits_that_are_there(context, make_evaluation, tmp_path):
    make_evaluation(context.explorer.store)
    assert [source.title for source in read_sources(context.explorer)] == ["Holiday"]
    (tmp_path / "flickr8k").mkdir()
    found = read_sources(context.explorer)
    assert [source.title for source in found] == ["Holiday", "flickr8k test"]
    assert found[1].folder == tmp_path / "flickr8k" and found[1].kind == "flickr8k"


def test_the_saved_source_is_chosen_once_the_sources_are_read(controller, context, settle):
    for name in ("A", "B"):
        context.explorer.store.create_gallery(name)
    controller.want("gallery B", "pca", grouping="folder")
    controller.read_sources()
    settle()
    assert controller.state.source.gallery == "B" and controller.state.grouping == "folder"
    assert controller.to_json()["source"] == "gallery B" and not controller.state.notice


def test_a_stopped_layout_leaves_the_first_view(controller, settle, qtbot, monkeypatch):
    def endless(points, centred, folder, report):
        while True:
            report(Progress(WorkStep.ARRANGING_POINTS, 1, 200))

    monkeypatch.setattr(projection, "has_umap", lambda: True)
    monkeypatch.setattr(projection, "umap", endless)
    controller.choose(GALLERY)
    qtbot.waitUntil(lambda: controller.state.projection is not None and controller.state.progress is not None
                    and "Arranging" in controller.state.progress.detail, timeout=20_000)
    controller.stop()
    settle()
    assert controller.state.projection.method == "pca" and controller.state.progress is None
