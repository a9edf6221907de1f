"""The preview over a window: keys, mouse, what is read out, full screen, and the way back."""

from dataclasses import replace
from unittest.mock import Mock

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QPoint, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QWheelEvent
from PySide6.QtWidgets import QApplication, QMenu, QPushButton, QWidget

from brewclip_app.widgets.common import column
from brewclip_app.widgets.preview.controller import INTERVALS
from brewclip_app.widgets.preview.overlay import KEYS, PreviewActions, open_preview
from brewclip_app.widgets.preview.sequence import PictureSequence, sequence_of_files
from core.search.queries import ScoreShare

Key, Modifier = Qt.Key, Qt.KeyboardModifier


@pytest.fixture
def window(qtbot):
    """A window with a panel that has a button."""
    made, panel = QWidget(), QWidget()
    made.button = QPushButton("Behind")
    panel.setLayout(column(made.button))
    made.setLayout(column(panel))
    made.panel = panel
    qtbot.addWidget(made)
    made.resize(1000, 640)
    made.show()
    made.activateWindow()
    qtbot.waitUntil(made.isActiveWindow)
    made.button.setFocus()
    return made


@pytest.fixture
def files(tmp_path):
    """Five pictures of 300 x 200 pixels, the left half in a colour of their own."""
    paths = []
    for number in range(5):
        path, picture = tmp_path / f"{number}.png", Image.new("RGB", (300, 200), "white")
        picture.paste((50 * number, 0, 200), (0, 0, 150, 200))
        picture.save(path)
        paths.append(path)
    return paths


@pytest.fixture
def preview(window, store_context, files, qtbot):
    made = open_preview(store_context, window.panel, sequence_of_files(files), 2, PreviewActions(leave=Mock()))
    wait(qtbot, made, 2)
    yield made
    made.controller.close()


def wait(qtbot, preview, position):
    qtbot.waitUntil(lambda: preview.controller.state.position == position
                    and preview.controller.state.picture is not None)


def press(qtbot, preview, key, modifier=Modifier.NoModifier):
    qtbot.keyClick(QApplication.focusWidget(), key, modifier)


@pytest.mark.parametrize(("keys", "position"), [
    ((Key.Key_Right,), 3), ((Key.Key_Left,), 1), ((Key.Key_PageDown, Key.Key_PageDown, Key.Key_PageDown), 4),
    ((Key.Key_PageUp,), 1), ((Key.Key_Home, Key.Key_Left), 0), ((Key.Key_End,), 4)])
def test_keys_walk_the_sequence(preview, qtbot, keys, position):
    for key in keys:
        press(qtbot, preview, key)
    wait(qtbot, preview, position)
    assert preview.bar.count.text() == f"{position + 1} of 5" and preview.bar.name.text() == f"{position}.png"
    assert preview.before.isEnabled() == (position > 0) and preview.next.isEnabled() == (position < 4)
    assert preview.canvas.accessibleName() == f"{position}.png, picture {position + 1} of 5"


@pytest.mark.parametrize(("key", "modifier", "zoom"), [
    (Key.Key_1, Modifier.NoModifier, 1.0), (Key.Key_Minus, Modifier.NoModifier, None),
    (Key.Key_Plus, Modifier.ShiftModifier, None), (Key.Key_Equal, Modifier.NoModifier, None),
    (Key.Key_Plus, Modifier.KeypadModifier, None)])
def test_keys_zoom_and_0_shows_the_whole(preview, qtbot, key, modifier, zoom):
    fitted = preview.controller.state.view.scale
    press(qtbot, preview, key, modifier)
    state = preview.controller.state
    assert state.view.zoom is not None and state.view.scale != fitted
    assert zoom is None or state.view.scale == zoom
    assert preview.bar.zoom.text() == state.zoom_words == f"{round(100 * state.view.scale)} %"
    press(qtbot, preview, Key.Key_0)
    assert preview.controller.state.view.scale == fitted and preview.bar.zoom.text().startswith("Fit")


def test_keys_turn_the_view_and_leave_the_file(preview, qtbot, files):
    before = files[2].read_bytes()
    left = QPoint(preview.canvas.width() // 2 - 40, preview.canvas.height() // 2)

    def colour():
        return preview.canvas.grab().toImage().pixelColor(left)

    assert colour() == QColor(100, 0, 200)
    press(qtbot, preview, Key.Key_R)
    press(qtbot, preview, Key.Key_R)
    assert preview.controller.state.view.rotation == 180 and colour() == QColor("white")
    press(qtbot, preview, Key.Key_R, Modifier.ShiftModifier)
    assert preview.controller.state.view.rotation == 90
    assert files[2].read_bytes() == before


def test_an_enlarged_picture_is_moved_by_keys_and_mouse(preview, qtbot):
    for _ in range(6):
        press(qtbot, preview, Key.Key_Plus)
    canvas, middle = preview.canvas, QPoint(400, 300)

    def place():
        return preview.controller.state.view.place[:2]

    for key, modifier, moved in ((Key.Key_Up, Modifier.NoModifier, (0, 1)),
                                 (Key.Key_Down, Modifier.NoModifier, (0, -1)),
                                 (Key.Key_Left, Modifier.ShiftModifier, (1, 0)),
                                 (Key.Key_Right, Modifier.ShiftModifier, (-1, 0))):
        before = place()
        press(qtbot, preview, key, modifier)
        signs = tuple((now > then) - (now < then) for now, then in zip(place(), before, strict=True))
        assert signs == moved
    before = place()
    qtbot.mousePress(canvas, Qt.MouseButton.LeftButton, pos=middle)
    qtbot.mouseMove(canvas, middle + QPoint(30, -20))
    qtbot.mouseRelease(canvas, Qt.MouseButton.LeftButton, pos=middle + QPoint(30, -20))
    assert place() == pytest.approx((before[0] + 30, before[1] - 20))
    qtbot.mouseMove(canvas, middle)
    assert place() == pytest.approx((before[0] + 30, before[1] - 20)), "it was let go"


def test_the_wheel_and_a_double_click_zoom_at_the_mouse(preview, qtbot):
    at = QPointF(300, 250)

    def under():
        left, top, width, height = preview.controller.state.view.place
        return (at.x() - left) / width, (at.y() - top) / height

    for _ in range(3):  # larger than the view: what is smaller is centred
        press(qtbot, preview, Key.Key_Plus)
    before, scale = under(), preview.controller.state.view.scale
    QApplication.sendEvent(preview.canvas, QWheelEvent(
        at, preview.canvas.mapToGlobal(at), QPoint(), QPoint(0, 120), Qt.MouseButton.NoButton, Modifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase, False))
    assert preview.controller.state.view.scale > scale and under() == pytest.approx(before)
    qtbot.mouseDClick(preview.canvas, Qt.MouseButton.LeftButton, pos=at.toPoint())
    assert preview.controller.state.view.zoom is None
    qtbot.mouseDClick(preview.canvas, Qt.MouseButton.LeftButton, pos=at.toPoint())
    assert preview.controller.state.view.scale == 1


@pytest.mark.parametrize("key", [Key.Key_Escape, Key.Key_Space])
def test_esc_and_space_go_back_to_where_the_focus_was(preview, window, qtbot, key):
    press(qtbot, preview, Key.Key_Right)
    press(qtbot, preview, key)
    qtbot.waitUntil(preview.isHidden)
    preview._actions.leave.assert_called_once_with(3)
    assert window.button.hasFocus()


def test_releases_between_the_repeats_of_a_held_space_do_not_close_it(preview, qtbot):
    qtbot.keyPress(preview.canvas, Key.Key_Space)
    qtbot.keyRelease(preview.canvas, Key.Key_Space)
    qtbot.keyPress(preview.canvas, Key.Key_Space)
    assert preview.controller.state.opened and not preview.space.waits
    qtbot.keyRelease(preview.canvas, Key.Key_Space)
    qtbot.waitUntil(preview.isHidden)


def test_tab_stays_within_the_preview_and_every_stop_has_a_name(preview, window, qtbot):
    press(qtbot, preview, Key.Key_I)
    names, first = [], QApplication.focusWidget()
    for _ in range(30):
        press(qtbot, preview, Key.Key_Tab)
        stop = QApplication.focusWidget()
        assert preview.isAncestorOf(stop) and stop.accessibleName()
        if stop is first:
            break
        names.append(stop.accessibleName())
    assert len(names) == len(set(names)) == 11 and "Information about the picture" in names
    press(qtbot, preview, Key.Key_Backtab)
    assert QApplication.focusWidget().accessibleName() == names[-1]


def test_the_picture_with_the_focus_has_a_frame(preview, qtbot):
    def corner():
        return preview.canvas.grab().toImage().pixelColor(1, 1)

    focused = corner()
    press(qtbot, preview, Key.Key_Tab)
    assert corner() != focused


def test_the_information_of_a_hit_says_why_it_matched(window, store_context, make_hit, files, qtbot):
    explain = Mock()
    hit = replace(make_hit(1, files[0], tags=("holiday", "dog")), score=0.42, shares=(
        ScoreShare("a dog", "text", 0.3), ScoreShare("a dog", "acoustic", 0.12)))
    hits = {hit.image.id: hit, 9: make_hit(9, files[1])}
    sequence = PictureSequence((hit.image.id, 9), lambda at: hits[at].image, hits.get)
    preview = open_preview(store_context, window.panel, sequence, 0,
                           PreviewActions(explain=explain, share_names={"a dog": "Transcript"}))
    wait(qtbot, preview, 0)
    assert preview.information.isHidden()
    press(qtbot, preview, Key.Key_I)
    pane = preview.information
    assert pane.isVisible() and preview.bar.inform.isChecked()
    assert [pane.shares.itemAt(at).widget().accessibleName() for at in (0, 1)] == ["Transcript: 0.30", "Voice: 0.12"]
    assert pane.rank.text().endswith("rank 1") and pane.strength.text().startswith("Strong match.")
    assert "400" in pane.pixels.text() and "300" in pane.pixels.text() and pane.tags.text() == "holiday, dog"
    assert pane.file.text() == "PNG · 1 kB" and "file date" in pane.date.text()
    assert pane.folder.text().replace("\N{ZERO WIDTH SPACE}", "") == str(files[0].parent)
    qtbot.mouseClick(pane.why, Qt.MouseButton.LeftButton)
    explain.assert_called_once_with(hit.image)
    press(qtbot, preview, Key.Key_Right)
    assert pane.rank.text().endswith("rank 9")
    qtbot.mouseClick(preview.bar.inform, Qt.MouseButton.LeftButton)
    assert pane.isHidden()
    preview.controller.close()


def test_files_that_were_not_searched_for_have_no_score(preview, qtbot):
    press(qtbot, preview, Key.Key_I)
    pane = preview.information
    assert pane.match.isHidden() and pane.why.isHidden() and not pane.name.isHidden()
    assert pane._facts[3].isHidden(), "there are no tags"


@pytest.mark.parametrize("turns", [0, 1])
def test_actual_size_shows_each_pixel_as_it_is(window, store_context, tmp_path, qtbot, turns):
    path = tmp_path / "noise.png"
    noise = np.random.default_rng(0).integers(0, 256, (201, 302, 3), np.uint8)
    Image.fromarray(noise).save(path)
    window.resize(1001, 640)
    preview = open_preview(store_context, window.panel, sequence_of_files([path]), 0)
    wait(qtbot, preview, 0)
    for _ in range(turns):
        press(qtbot, preview, Key.Key_R)
    press(qtbot, preview, Key.Key_1)
    shown = preview.canvas.grab().toImage()
    place = preview.canvas.transform().mapRect(QRectF(0, 0, 302, 201))
    left, top = round(place.left()), round(place.top())
    assert (place.left(), place.top()) == (left, top)
    for x, y in ((0, 0), (150, 77), (200, 150)):
        row, column_ = (200 - x, y) if turns else (y, x)  # turned clockwise: the left edge was at the bottom
        assert shown.pixelColor(left + x, top + y).getRgb()[:3] == tuple(noise[row, column_])
    preview.controller.close()


def test_a_picture_that_is_gone_is_said_in_its_place(preview, files, store_context, qtbot):
    qtbot.waitUntil(store_context.jobs.is_idle)  # those near it are read ahead
    files[4].unlink()
    preview.controller._pictures.pop(4, None)
    press(qtbot, preview, Key.Key_End)
    wait(qtbot, preview, 4)
    assert "is not there any more" in preview.canvas.accessibleDescription()
    shown = preview.canvas.grab().toImage()
    middle = shown.height() // 2  # the text has as many lines as the path of the file needs
    assert len({shown.pixelColor(x, y).name() for y in range(middle - 60, middle + 100, 2) for x in range(200, 800)}
               ) > 2, "a text is drawn"
    press(qtbot, preview, Key.Key_Left)
    wait(qtbot, preview, 3)
    assert preview.canvas.accessibleDescription() == ""


@pytest.mark.parametrize("key", [Key.Key_F, Key.Key_F11])
def test_full_screen_hides_the_bar_until_the_mouse_moves(preview, window, qtbot, key):
    press(qtbot, preview, key)
    qtbot.waitUntil(lambda: window.isFullScreen() and preview.canvas.height() == preview.height())
    preview._sleep.timeout.emit()
    assert preview.bar.isHidden() and preview.next.isHidden()
    assert preview.canvas.cursor().shape() is Qt.CursorShape.BlankCursor
    qtbot.mouseMove(preview.canvas, QPoint(200, 200))
    qtbot.mouseMove(preview.canvas, QPoint(210, 210))
    assert preview.bar.isVisible() and preview.next.isVisible()
    press(qtbot, preview, Key.Key_Escape)
    qtbot.waitUntil(lambda: not window.isFullScreen())
    assert preview.controller.state.opened, "Esc leaves what is in front"
    press(qtbot, preview, Key.Key_F)
    press(qtbot, preview, Key.Key_Space)
    qtbot.waitUntil(lambda: preview.isHidden() and not window.isFullScreen())


def test_a_slide_show_fills_the_screen_and_keys_pause_it(preview, window, qtbot):
    press(qtbot, preview, Key.Key_F5)
    assert preview.controller.state.slide_show == "running" and window.isFullScreen()
    assert preview.bar.isHidden() and preview.information.isHidden()
    press(qtbot, preview, Key.Key_Space)
    qtbot.waitUntil(lambda: preview.controller.state.slide_show == "paused")
    assert preview.bar.isVisible()
    press(qtbot, preview, Key.Key_Space)
    qtbot.waitUntil(lambda: preview.controller.state.slide_show == "running")
    press(qtbot, preview, Key.Key_Right)
    assert preview.controller.state.slide_show == "paused" and preview.controller.state.position == 3
    press(qtbot, preview, Key.Key_F5)
    preview.controller._go_on()
    assert preview.controller.state.position == 4
    preview.controller._go_on()
    assert preview.controller.state.slide_show == "off" and not window.isFullScreen()
    press(qtbot, preview, Key.Key_F5)
    press(qtbot, preview, Key.Key_Escape)
    assert preview.controller.state.slide_show == "off" and preview.isVisible() and not window.isFullScreen()


def test_the_menu_has_the_previews_actions_and_those_of_the_panel(window, store_context, files, qtbot):
    elsewhere = Mock()

    def menu(image):
        made = QMenu(window)
        made.addAction("Why this picture?\tI")
        return made

    preview = open_preview(store_context, window.panel, sequence_of_files(files), 0,
                           PreviewActions(menu=menu, keys={"Ctrl+Enter": ("Open elsewhere", elsewhere)}))
    wait(qtbot, preview, 0)
    made = preview.menu()
    texts = [action.text() for action in made.actions()]
    assert texts[0] == "Slide show\tF5" and texts[-1] == "Why this picture?", "I means something else here"
    intervals = made.actions()[1].menu()
    intervals.actions()[0].trigger()
    assert preview.controller.state.interval == INTERVALS[0]
    next(action for action in made.actions() if action.text().startswith("Rotate left")).trigger()
    assert preview.controller.state.view.rotation == 270
    press(qtbot, preview, Key.Key_Return, Modifier.ControlModifier)
    assert elsewhere.call_args.args[0].path == files[0]
    preview.controller.close()


def test_it_closes_when_its_panel_is_hidden_and_another_panel_opens_the_same(preview, window, store_context, files):
    window.panel.hide()
    assert preview.isHidden() and not preview.controller.state.opened
    window.panel.show()
    assert open_preview(store_context, window.panel, sequence_of_files(files), 0) is preview
    window.close()
    assert not preview.controller.state.opened


def test_it_covers_the_window_whatever_its_size(preview, window, qtbot):
    window.resize(700, 500)
    qtbot.waitUntil(lambda: preview.size() == window.size())
    assert preview.controller.state.view.view == (preview.canvas.width(), preview.canvas.height())
    assert preview.bar.geometry().bottom() < preview.canvas.geometry().top()


def test_messages_are_shown_above_the_picture(preview):
    preview.show_message("Path copied.")
    assert preview.message.isVisible() and preview.canvas.geometry().contains(preview.message.geometry())
    preview.show_message("")
    assert preview.message.isHidden()


def test_a_key_of_the_panel_acts_on_the_picture_in_front_and_pauses(window, store_context, files, qtbot):
    binned = Mock()
    preview = open_preview(store_context, window.panel, sequence_of_files(files), 1,
                           PreviewActions(keys={"Del": ("Move to the bin", binned)}))
    wait(qtbot, preview, 1)
    assert all(cap for names, words in KEYS for cap in (*names.split("+"), words)), "each is drawn as a key"
    assert preview.key_list()[-1] == ("Del", "Move to the bin") and preview.key_list()[:-1] == KEYS
    preview.controller.start_slide_show()
    press(qtbot, preview, Key.Key_Delete)
    assert binned.call_args.args[0].path == files[1] and preview.controller.state.slide_show == "paused"
    preview.controller.close()
