"""The Map panel: drawing, mouse and keys, the selection beside it, what is under the pointer, other panels."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QAbstractItemModelTester, QTest
from PySide6.QtWidgets import QMenu

from brewclip_app import theme
from brewclip_app.capture.playback import Player
from brewclip_app.panels.base import MapQuery
from brewclip_app.panels.map import controller as map_controller
from brewclip_app.panels.map import raster
from brewclip_app.panels.map.camera import Camera
from brewclip_app.panels.map.colours import group_colour
from brewclip_app.panels.map.panel import MapPanel, about_words
from brewclip_app.panels.map.side import ROW_ROLE, selection_words
from brewclip_app.panels.map.state import MapSource, MapState
from brewclip_app.widgets.preview.overlay import PreviewOverlay
from core.plots import style
from tests.brewclip_app.panels.map.made import PICTURES, made_points


class SilentPlayer(Player):
    """Notes what is played."""

    def __init__(self):
        super().__init__()
        self.played = []

    def play(self, waveform, start=0.0):
        self.played.append(waveform)


@pytest.fixture
def panel(context, qtbot, settle):
    made = MapPanel(context, SilentPlayer())
    qtbot.addWidget(made)
    made.resize(1100, 700)
    made.show()
    made.activated()
    settle()
    yield made
    made.closing()


def place(panel, row):
    return panel.view._point(panel.controller.state.projection.positions[row]).toPoint()


def drag(view, points, modifier=Qt.KeyboardModifier.NoModifier):
    QTest.mousePress(view, Qt.MouseButton.LeftButton, modifier, points[0])
    for point in points[1:]:
        QTest.mouseMove(view, point)
    QTest.mouseRelease(view, Qt.MouseButton.LeftButton, modifier, points[-1])


def inside(panel, low, high):
    places = panel.view.camera.places(panel.controller.state.projection.positions)
    return {row for row, (x, y) in enumerate(places.tolist()) if low.x() < x < high.x() and low.y() < y < high.y()}


def test_a_lasso_and_a_rectangle_select_what_lies_inside(panel):
    middle = place(panel, 0)
    low, high = middle - QPoint(60, 60), middle + QPoint(60, 60)
    expected = inside(panel, low, high)
    assert expected and len(expected) < len(panel.controller.state.points)
    drag(panel.view, [low, QPoint(high.x(), low.y()), high, QPoint(low.x(), high.y())])
    assert set(panel.controller.state.selected) == expected
    spoken = sum(row >= PICTURES for row in expected)
    assert panel.side.count.text() == selection_words(len(expected) - spoken, spoken)
    assert panel.side.grid.rows.rowCount() == len(expected)
    QAbstractItemModelTester(panel.side.grid.rows, QAbstractItemModelTester.FailureReportingMode.Fatal)
    QTest.keyClick(panel, Qt.Key.Key_R)
    assert panel.view.tool == "rectangle"
    other = place(panel, 20)
    low, high = other - QPoint(15, 15), other + QPoint(15, 15)
    drag(panel.view, [low, high], Qt.KeyboardModifier.ShiftModifier)
    assert set(panel.controller.state.selected) == expected | inside(panel, low, high)
    QTest.keyClick(panel, Qt.Key.Key_Escape)
    assert panel.controller.state.selected == () and not panel.side.selection_actions.isVisible()


def test_dragging_moves_the_map_and_it_zooms_about_a_place(panel):
    QTest.keyClick(panel, Qt.Key.Key_M)
    before = place(panel, 3)
    drag(panel.view, [QPoint(200, 200), QPoint(240, 190)])
    assert (place(panel, 3) - before - QPoint(40, -10)).manhattanLength() <= 1
    assert panel.controller.state.selected == ()
    panel.view.zoom(2.0, (before.x() + 40, before.y() - 10))
    assert (place(panel, 3) - before - QPoint(40, -10)).manhattanLength() <= 2
    QTest.keyClick(panel.view, Qt.Key.Key_Home)
    assert panel.view.camera.zoom == 1 and place(panel, 3) == before


def test_a_moved_map_is_drawn_from_the_picture_that_is_there(panel, monkeypatch):
    before = panel.view.grab().toImage()
    drawn, make = [], panel.view._made_picture
    monkeypatch.setattr(panel.view, "_made_picture", lambda margin: drawn.append(1) or make(margin))
    panel.view._look(panel.view.camera.moved(30, 10))
    after = panel.view.grab().toImage()
    assert not drawn and after != before
    panel.view._drawn = None
    fresh = panel.view.grab().toImage()
    assert drawn
    pixels = [(x, y) for x in range(0, after.width(), 7) for y in range(0, after.height(), 7)]
    assert sum(after.pixel(*pixel) == fresh.pixel(*pixel) for pixel in pixels) > 0.98 * len(pixels)


def test_points_have_the_colours_of_their_groups_in_both_themes(panel, qapp):
    panel.controller.group_by("folder")
    for choice in ("dark", "light"):
        theme.apply(qapp, choice)
        inks = panel.view._colours()
        for number in range(3):
            row = int(np.flatnonzero(panel.controller.state.groups.group_of == number)[0])
            assert inks[row] == group_colour(number).rgba()
    panel.controller._set(selected=(0,))
    pale = panel.view._colours()
    assert pale[0] == group_colour(0).rgba() and pale[1] != pale[0]


def test_the_legend_hides_a_group_and_says_how_many_are_in_it(panel):
    panel.controller.group_by("folder")
    assert [entry.text() for entry in panel.legend.buttons] == [f"cluster {number} · 12" for number in range(3)]
    panel.legend.buttons[1].click()
    assert panel.controller.state.visible.sum() == 24 and not panel.legend.buttons[1].isChecked()
    assert "cluster 1" in panel.legend.buttons[1].accessibleName()
    panel.legend.buttons[1].click()
    assert panel.controller.state.visible.all()


def test_arrows_walk_to_the_nearest_point_and_enter_opens_it_in_inspect(panel, qtbot):
    panel.view.setFocus()
    QTest.keyClick(panel.view, Qt.Key.Key_Right)
    first = panel.view.current
    QTest.keyClick(panel.view, Qt.Key.Key_Left)
    second = panel.view.current
    assert first >= 0 and second not in (-1, first) and place(panel, second).x() <= place(panel, first).x()
    assert panel.view.accessibleDescription()
    panel.view.go_to(2)
    with qtbot.waitSignal(panel.go_to) as went:
        QTest.keyClick(panel.view, Qt.Key.Key_Return)
    key, inspection = went.args
    assert key == "inspect" and inspection.path.name == "picture 2.jpg" and inspection.image_id == 2
    assert inspection.caption == "caption 4" and inspection.gallery == "Holiday"
    panel.view.go_to(PICTURES + 5)
    with qtbot.waitSignal(panel.go_to) as went:
        panel.side.inspect.click()
    assert went.args[1].speech.name == "5.wav" and went.args[1].path.name == "picture 2.jpg"


def test_resting_on_an_utterance_plays_it_and_shows_its_picture_and_words(panel, qtbot, settle, tmp_path):
    row, recording = PICTURES + 6, tmp_path / "spoken.wav"
    soundfile.write(recording, 0.1 * np.sin(np.arange(4000) * 0.1), 16_000)
    items = list(panel.controller.state.points.items)
    items[row] = replace(items[row], recording=recording)
    panel.controller._set(points=replace(panel.controller.state.points, items=tuple(items)))
    panel.view._set_current(row)
    panel.view.rested.emit(row)
    qtbot.waitUntil(lambda: panel.player.played != [], timeout=10_000)
    assert panel.side.words.text() == "“caption 6”" and panel.side.picture.accessibleName() == "picture 3.jpg"
    assert panel.side.waveform.bars()
    panel.header.hover.setChecked(False)
    panel.view.rested.emit(row)
    settle()
    assert len(panel.player.played) == 1


def test_an_utterance_under_a_trembling_pointer_plays_once(panel, qtbot):
    rested = []
    at, view = place(panel, PICTURES + 6), panel.view
    view.rested.connect(rested.append)
    QTest.mouseMove(view, at)
    qtbot.waitUntil(lambda: view._rest.isActive())
    row = view.current  # the nearest one, if several lie there
    qtbot.waitUntil(lambda: rested == [row])
    QTest.mouseMove(view, at + QPoint(1, 0))
    QTest.mouseMove(view, at)
    assert view.current == row and not view._rest.isActive(), "it would begin again and again"
    QTest.mouseMove(view, QPoint(2, 2))
    qtbot.waitUntil(lambda: view.current != row)
    QTest.mouseMove(view, at)
    qtbot.waitUntil(lambda: rested == [row, row])


def test_thumbnails_lie_over_none_and_more_are_shown_when_zoomed_in(panel):
    def shown():
        places = panel.view.camera.places(panel.controller.state.projection.positions)
        rows = panel.view.thumbnail_rows(places)
        assert all(np.abs(places[one] - places[other]).max() > 52 for one in rows for other in rows if one < other)
        assert all(row < PICTURES for row in rows)
        return rows

    few = shown()
    position = panel.controller.state.projection.positions[:4].mean(axis=0)
    panel.view._look(Camera(float(position[0]), float(position[1]), 7.0, panel.view.width(), panel.view.height()))
    near = shown()
    assert few and len(set(near) & {0, 1, 2, 3}) > len(set(few) & {0, 1, 2, 3})
    panel.controller.show_modality("utterances")
    assert shown() == []


def test_a_query_of_search_is_drawn_with_lines_to_its_pictures(panel, settle):
    before = panel.view.grab().toImage()
    panel.receive(MapQuery("Holiday", "two dogs", made_points().vectors[4]))
    settle()
    at = panel.view._point(panel.controller.state.query.position)
    image = panel.view.grab().toImage()
    assert image.pixelColor(at.toPoint()) == theme.colour("main") and image != before
    QTest.keyClick(panel, Qt.Key.Key_Escape)
    assert panel.controller.state.query is None


def test_the_selected_pictures_are_tagged_and_that_is_undone(panel, monkeypatch, settle):
    tagged = []
    monkeypatch.setattr(panel.context.explorer, "gallery", lambda name: SimpleNamespace(
        add_tag=lambda ids, tag: tagged.append((name, ids, tag)), images=lambda ids: [],
        remove_tag=lambda ids, tag: tagged.append((name, ids, f"not {tag}"))), raising=False)
    panel.controller._set(selected=(1, 3, PICTURES))
    assert panel.side.pictures.isVisible() and panel.side.count.text() == "2 pictures, 1 utterance selected"
    panel.side.pictures.click()
    menu = panel.findChild(QMenu)
    assert "Move to the bin…" in [action.text() for action in menu.actions()]
    menu.close()
    panel.away.tag(panel.controller.selected_images(), "beach", True)
    settle()
    assert tagged == [("Holiday", [1, 3], "beach")] and "Ctrl+Z undoes it" in panel.notice.text()
    panel._undo_latest()
    settle()
    assert tagged[1:] == [("Holiday", [1, 3], "not beach")]
    panel.controller._set(selected=(PICTURES,))
    assert not panel.side.pictures.isVisible(), "an utterance alone"


def test_the_selected_pictures_are_previewed_and_utterances_are_not(panel, qtbot):
    panel.controller.select_all()
    grid, points = panel.side.grid, panel._shown.points
    rows = [grid.rows.index(row) for row in range(grid.rows.rowCount())]
    spoken = next(index for index in rows if points.spoken[index.data(ROW_ROLE)])
    pictured = [index for index in rows if not points.spoken[index.data(ROW_ROLE)]]
    grid.doubleClicked.emit(spoken)
    assert panel.window().findChild(PreviewOverlay) is None
    grid.setCurrentIndex(pictured[1])
    grid.setFocus()
    qtbot.keyClick(grid, Qt.Key.Key_V)
    preview = panel.window().findChild(PreviewOverlay)
    assert preview.isVisible()
    wanted = [points.items[index.data(ROW_ROLE)].image.path for index in pictured]
    qtbot.waitUntil(lambda: preview.controller.state.image is not None)
    assert preview.controller.state.image.path == wanted[1]
    qtbot.keyClick(preview, Qt.Key.Key_Escape)
    qtbot.waitUntil(preview.isHidden)
    assert panel.view.current == pictured[1].data(ROW_ROLE)


def test_the_menu_of_the_selection_opens_on_its_tiles_as_well(panel):
    panel.controller.select_all()
    panel.side.grid.customContextMenuRequested.emit(QPoint(5, 5))
    menu = panel.findChild(QMenu)
    assert "Copy files to a folder…" in [action.text() for action in menu.actions()]
    menu.close()


def test_empty_states_say_what_to_do(context, qtbot, settle, monkeypatch):
    monkeypatch.setattr(map_controller, "read_sources", lambda explorer: ())
    panel = MapPanel(context, SilentPlayer())
    qtbot.addWidget(panel)
    panel.show()
    assert panel.pages.currentWidget() is panel.reading
    panel.activated()
    settle()
    assert panel.pages.currentWidget() is panel.empty and not panel.header.words.isEnabled()
    panel.controller._set(sources=(MapSource("A", "A"),), problem="Not indexed.", kind="not_indexed")
    assert panel.pages.currentWidget() is panel.no_map and panel.no_map.sentence.text() == "Not indexed."
    panel.closing()


def test_the_figure_and_the_saved_state(panel, tmp_path):
    drawn = panel._drawing()("page", lambda progress: None)
    assert "PCA of made: 36 points" in drawn.caption
    for suffix in style.FORMATS:
        style.save(drawn.figure, tmp_path / f"map{suffix}", drawn.caption)
        assert (tmp_path / f"map{suffix}").stat().st_size > 2000
    state = panel.save_state()
    assert state["source"] == "gallery Holiday" and state["method"] == "umap" and state["hover"] is True
    panel.restore_state({"source": 3, "method": "nonsense", "split": "x", "centred": 1, "hover": None})
    assert panel.controller.state.method == "umap" and not panel.controller.state.centred


def test_words_about_a_map(panel):
    assert about_words(MapState()) == ""
    words = about_words(panel.controller.state)
    assert words.startswith("PCA of 12 pictures and 24 utterances · ") and "% of the variance" in words


def test_signs_are_drawn_where_the_points_are_and_are_cut_off_at_the_edge():
    places = np.array([[10.2, 5.9], [30.0, 20.0], [0.0, 0.0], [500.0, 5.0]])
    inks = np.array([0xFFFF0000, 0xFF00FF00, 0xFF0000FF, 0xFFFFFFFF], np.uint32)
    drawn = raster.draw_points((60, 40), places, inks, np.array([False, True, False, False]), 3.0, 0xFF202020)
    assert drawn.shape == (40, 60)
    assert (drawn[6, 10], drawn[20, 30], drawn[0, 0]) == (0xFFFF0000, 0xFF00FF00, 0xFF0000FF)
    assert not (drawn == 0xFFFFFFFF).any()
    assert 15 < (drawn == 0xFFFF0000).sum() < 40 and 5 < (drawn == 0xFF00FF00).sum() < 40
    assert raster.mixed(inks[:1], np.uint32(0xFF202020))[0] in drawn
    assert (drawn == 0xFF202020).mean() > 0.9


def test_a_camera_gives_back_the_positions_of_its_places():
    camera = Camera(0.3, -0.2, 2.5, 640, 480)
    positions = np.array([[0.0, 0.0], [0.5, -0.7]], np.float32)
    assert np.allclose(camera.positions(camera.places(positions)), positions, atol=1e-5)
    zoomed = camera.zoomed(3.0, (100, 50))
    assert np.allclose(zoomed.positions(np.array([[100, 50]])), camera.positions(np.array([[100, 50]])))
    assert camera.places(np.array([[0.3, -0.2]], np.float32))[0].tolist() == [320, 240]
