"""The Duplicates screen: real pictures, the real core with a backbone of the tests' own, a bin of the tests' own."""

from pathlib import Path
from threading import Event

import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtWidgets import QMessageBox

from brewclip_app import taking_away, tasks
from brewclip_app.context import Context
from brewclip_app.panels.duplicates.panel import DuplicatesPanel
from brewclip_app.widgets.preview.overlay import PreviewOverlay
from core.duplicates.clearing import GroupChoice
from tests.brewclip_app.panels.library.fakes import Explorer
from tests.core.duplicates.test_pixels import scene

WAIT = 30_000


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "pictures"
    made.mkdir()
    for number in (1, 2, 3):
        scene(number).save(made / f"{number}.png")
    (made / "a copy of 1.png").write_bytes((made / "1.png").read_bytes())
    scene(2).resize((240, 160)).save(made / "2 small.png")
    return made


@pytest.fixture
def bin_folder(tmp_path, monkeypatch):
    made = tmp_path / "bin"
    made.mkdir()
    monkeypatch.setattr(taking_away, "to_bin", lambda path: Path(path).rename(made / path.name))
    return made


@pytest.fixture
def context(home, qtbot, folder):
    made = Context(home, Explorer(home))
    made.explorer.index(folder, "Holiday", lambda progress: None)
    made.set_gallery("Holiday")
    yield made
    assert made.jobs.shutdown(20)
    made.close()


@pytest.fixture
def panel(context, qtbot, bin_folder):
    made = DuplicatesPanel(context)
    qtbot.addWidget(made, before_close_func=lambda panel: panel.closing())
    made.resize(1180, 720)
    made.show()
    made.activated()
    settle(context, qtbot)
    return made


def move(panel, qtbot, agreed=True):
    """Press Enter, and answer the question."""
    qtbot.keyClick(panel, Qt.Key.Key_Return)
    box = panel.findChildren(QMessageBox)[-1]
    next(button for button in box.buttons() if ("bin" in button.text()) == agreed).click()
    box.deleteLater()
    panel.activateWindow()  # the offscreen platform gives the focus to no window
    panel.setFocus()
    return box.text(), box.informativeText()


def settle(context, qtbot):
    qtbot.waitUntil(lambda: context.jobs.is_idle() and tasks.is_idle(), timeout=WAIT)


def names(panel):
    return [card.image.path.name for card in panel.cards]


def kept(panel):
    return [card.image.path.name for card in panel.cards if card.choice.isChecked()]


def find(panel, qtbot):
    panel.compare.click()
    settle(panel.context, qtbot)


def test_identical_files_are_there_at_once_and_near_ones_after_a_search(panel, qtbot):
    assert names(panel) == ["1.png", "a copy of 1.png"]
    assert panel.place.text() == "1 of 1"
    assert "Only identical files" in panel.summary.text()
    find(panel, qtbot)
    assert panel.place.text() == "1 of 2"
    assert panel.summary.text().startswith("2 groups · 2 pictures to spare")
    assert "Only identical" not in panel.summary.text()
    assert panel.context.duplicates.state.stacks("Holiday")


def test_keys_walk_the_groups_and_choose(panel, qtbot):
    find(panel, qtbot)
    shown = names(panel)
    qtbot.keyClick(panel, Qt.Key.Key_Right)
    assert names(panel) != shown
    qtbot.keyClick(panel, Qt.Key.Key_Left)
    assert names(panel) == shown
    assert kept(panel) == shown[:1]
    qtbot.keyClick(panel, Qt.Key.Key_2)
    assert kept(panel) == shown[1:]
    qtbot.keyClick(panel, Qt.Key.Key_Right)
    qtbot.keyClick(panel, Qt.Key.Key_Left)
    assert kept(panel) == shown[1:]  # the choice stays


def test_the_kinds(panel, qtbot):
    find(panel, qtbot)
    panel.controller.choose_kind("near")
    assert names(panel) == ["2.png", "2 small.png"]
    assert panel.all_exact.isHidden()
    panel.controller.choose_kind("exact")
    assert names(panel) == ["1.png", "a copy of 1.png"]
    assert panel.save_state() == {"kind": "exact"}


def test_the_group_of_a_picture_is_shown_on_request(panel, qtbot):
    find(panel, qtbot)
    small, = (image for image in panel.context.explorer.gallery("Holiday").images() if image.path.name == "2 small.png")
    panel.controller.choose_kind("exact")
    panel.receive(small.id)
    assert names(panel) == ["2.png", "2 small.png"]


def test_the_others_go_to_the_bin_and_come_back(panel, qtbot, folder, bin_folder):
    find(panel, qtbot)
    panel.controller.choose_kind("near")
    move(panel, qtbot)
    qtbot.waitUntil(lambda: not panel.undo.isHidden(), timeout=WAIT)
    settle(panel.context, qtbot)
    assert [path.name for path in bin_folder.iterdir()] == ["2 small.png"]
    assert (folder / "2.png").exists()
    assert panel.controller.state.groups == ()
    qtbot.keyClick(panel, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: names(panel) == ["2.png", "2 small.png"], timeout=WAIT)
    assert (folder / "2 small.png").exists()
    assert not list(bin_folder.iterdir())


def test_enter_asks_first_and_says_how_to_get_the_files_back(panel, qtbot, folder, bin_folder):
    title, text = move(panel, qtbot, agreed=False)
    best = panel.controller.state.group.best.path.name
    assert title == "Move 1 picture to the bin?" and text.startswith(f"{best} is kept.")
    settle(panel.context, qtbot)
    assert not list(bin_folder.iterdir()) and panel.undo.isHidden()
    move(panel, qtbot)
    qtbot.waitUntil(lambda: not panel.undo.isHidden(), timeout=WAIT)
    assert panel.message.text() == f"1 picture moved to the bin. {taking_away.AFTER_CLOSING}"


def test_all_identical_files_at_once_after_a_question(panel, qtbot, folder, bin_folder, monkeypatch):
    asked = []
    monkeypatch.setattr("brewclip_app.panels.duplicates.panel.confirm",
                        lambda parent, title, text, action, yes, danger: asked.append((title, yes)))
    find(panel, qtbot)
    qtbot.keyClick(panel, Qt.Key.Key_2) if names(panel)[0] == "1.png" else None
    panel.all_exact.click()
    (title, yes), = asked
    assert title == "Move 1 picture to the bin?"
    assert not list(bin_folder.iterdir())  # nothing without an answer
    yes()
    qtbot.waitUntil(lambda: len(list(bin_folder.iterdir())) == 1, timeout=WAIT)
    settle(panel.context, qtbot)
    assert (folder / "2 small.png").exists()
    assert [group.exact for group in panel.controller.state.groups] == [False]


def test_a_double_click_or_v_previews_the_files_of_the_group(panel, qtbot):
    group = panel.controller.state.group
    qtbot.mouseDClick(panel.cards[1].picture, Qt.MouseButton.LeftButton)
    preview = panel.window().findChild(PreviewOverlay)
    qtbot.waitUntil(lambda: preview.controller.state.image is not None, timeout=WAIT)
    assert preview.controller.state.image == group.images[1]
    kept_before = kept(panel)
    qtbot.keyClick(preview, Qt.Key.Key_Escape)
    qtbot.waitUntil(preview.isHidden)
    assert kept(panel) == kept_before, "the second click chose another"
    qtbot.keyClick(panel, Qt.Key.Key_V)
    assert preview.isVisible()
    qtbot.keyClick(preview, Qt.Key.Key_Escape)


def test_all_pictures_share_zoom_and_place(panel, qtbot):
    first, second = (card.picture for card in panel.cards)
    assert first._view is second._view
    panel.view.zoom_by(4)
    panel.view.move(QPointF(9, 9))
    assert panel.view.centre == QPointF(0.875, 0.875)
    panel.view.fit()
    assert (panel.view.zoom, panel.view.centre) == (1.0, QPointF(0.5, 0.5))


def test_a_gallery_without_duplicates_says_so(panel, qtbot, tmp_path):
    lonely = tmp_path / "lonely"
    lonely.mkdir()
    scene(4).save(lonely / "4.png")
    panel.context.explorer.index(lonely, "Lonely", lambda progress: None)
    panel.context.set_gallery("Lonely")
    settle(panel.context, qtbot)
    assert panel.pages.currentWidget() is panel.none
    find(panel, qtbot)
    assert "each is there once" in panel.none.sentence.text()
    panel.context.set_gallery("")
    assert "Choose a gallery" in panel.none.sentence.text()
    panel.context.set_gallery("Holiday")
    settle(panel.context, qtbot)
    assert names(panel) == ["1.png", "a copy of 1.png"]


def test_a_group_that_is_on_its_way_to_the_bin_is_not_decided_again(panel, qtbot, folder, bin_folder, monkeypatch):
    waiting, moved = Event(), []

    def slow(path):
        assert waiting.wait(20)
        moved.append(path.name)
        return Path(path).rename(bin_folder / path.name)

    monkeypatch.setattr(taking_away, "to_bin", slow)
    group = panel.controller.state.group
    move(panel, qtbot)
    assert panel.controller.state.is_clearing(group)
    assert not panel.keep.isEnabled()
    assert not any(card.choice.isEnabled() for card in panel.cards)
    assert panel.all_exact.isHidden()
    qtbot.keyClick(panel, Qt.Key.Key_2)
    assert kept(panel) == names(panel)[:1]
    qtbot.keyClick(panel, Qt.Key.Key_Return)
    assert panel.controller.begin_clearing([GroupChoice(group.images[1], group.images[:1])]) == []
    waiting.set()
    settle(panel.context, qtbot)
    assert moved == [group.images[1].path.name]
    assert group.best.path.exists()
    assert not panel.controller.state.clearing


def test_changed_files_are_left_and_can_be_decided_on_again(panel, qtbot, folder, bin_folder, monkeypatch):
    monkeypatch.setattr(taking_away, "show_lines", lambda parent, title, lines: None)
    (folder / "1.png").unlink()
    move(panel, qtbot)
    settle(panel.context, qtbot)
    assert panel.message.text() == ("0 pictures moved to the bin. 1 file changed since it was indexed, or the one to "
                                    "keep did, and was left: update the gallery.")
    assert (folder / "a copy of 1.png").exists()
    assert panel.keep.isEnabled()
    assert not panel.controller.state.clearing
