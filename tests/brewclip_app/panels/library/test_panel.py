"""The Library panel on the real core."""

from pathlib import Path
from types import SimpleNamespace

import pytest
from PIL import Image
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent, QGuiApplication
from PySide6.QtTest import QAbstractItemModelTester
from PySide6.QtWidgets import QAbstractButton, QMessageBox, QScrollArea

from brewclip_app.context import Context
from brewclip_app.panels.base import GalleryPicture
from brewclip_app.panels.library.add_folder_dialog import AddFolderDialog
from brewclip_app.panels.library.failures_card import FailuresModel
from brewclip_app.panels.library.panel import LibraryPanel
from brewclip_app.shell.panel_stack import PanelStack
from brewclip_app.widgets.name_dialogs import NameDialog, PlaceDialog
from core.indexing.local import index_folder
from tests.brewclip_app.panels.library.fakes import Backbone
from tests.brewclip_app.panels.library.steps import WAIT, index, indexed, settle


def test_without_a_gallery_it_says_what_goes_there(panel):
    assert panel.pages.currentWidget() is panel.empty
    assert panel.empty.title.text() == "No galleries yet"


def test_an_indexed_folder_shows_with_its_numbers_and_failures(panel, context, qtbot, pictures):
    index(context, qtbot, pictures)
    assert panel.pages.currentWidget() is panel.split
    assert panel.list.count() == 1
    assert panel.detail.name.text() == "Holiday"
    assert panel.detail.state_words.text().startswith("5 pictures, all indexed")
    assert panel.detail.failures.isVisibleTo(panel) and panel.detail.failures.model.rowCount() == 1
    assert "1 could not be read" in panel.detail.failures.count.text()
    assert context.gallery == "Holiday"


def test_a_gallery_without_failures_shows_no_card_for_them(panel, context, qtbot, pictures):
    (pictures / "broken.jpg").unlink()
    index(context, qtbot, pictures)
    qtbot.waitUntil(lambda: panel.detail.state_words.text().startswith("5 pictures, all indexed"))
    assert not panel.detail.failures.isVisibleTo(panel)


def test_with_a_large_font_nothing_is_beside_the_window(panel, context, qtbot, pictures):
    index(context, qtbot, pictures)
    stack = PanelStack()
    qtbot.addWidget(stack)
    stack.add(panel)
    stack.show_panel(panel)
    stack.resize(711, 408)  # what 1280 x 800 leave where everything is 1.67 times as large
    stack.show()
    area = panel.detail.findChild(QScrollArea)
    qtbot.waitUntil(lambda: panel.width() <= 711)
    qtbot.waitUntil(lambda: area.horizontalScrollBar().maximum() == 0)
    assert stack.horizontalScrollBar().maximum() == 0
    panel.setParent(None)


def test_a_dropped_folder_becomes_a_gallery_named_like_it(panel, context, qtbot, pictures):
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(pictures)), QUrl.fromLocalFile(str(pictures / "0.png"))])
    with indexed(context, qtbot):
        panel.dropEvent(QDropEvent(QPointF(60, 200), Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton,
                                   Qt.KeyboardModifier.NoModifier))
    settle(context, qtbot)
    assert list(context.indexing.state.results) == [pictures.name]
    assert panel.detail.name.text() == pictures.name and panel.detail.name.textFormat() == Qt.TextFormat.PlainText
    context.indexing.add_folder(pictures)  # once more: the gallery that has it, not a second one
    settle(context, qtbot)
    assert [each.name for each in context.explorer.store.galleries()] == [pictures.name]


def drop(panel, *folders):
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(folder)) for folder in folders])
    panel.dropEvent(QDropEvent(QPointF(900, 500), Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton,
                               Qt.KeyboardModifier.NoModifier))


def other_folder(tmp_path, name="Sketches"):
    folder = tmp_path / name
    folder.mkdir()
    Image.new("RGB", (20, 20), "red").save(folder / "red.png")
    return folder


def names_and_folders(context):
    return {each.name: each.folders for each in context.explorer.store.galleries()}


def test_a_second_folder_gets_a_gallery_of_its_own_unless_the_selected_one_is_chosen(panel, context, qtbot, pictures,
                                                                                   tmp_path):
    index(context, qtbot, pictures)
    sketches, letters = other_folder(tmp_path), other_folder(tmp_path, "Letters")
    drop(panel, sketches)  # over the detail of the selected gallery
    dialog = panel.findChild(AddFolderDialog)
    assert dialog.new.isChecked() and dialog.field.text() == "Sketches"
    assert dialog.existing.text() == "Add to Holiday" and dialog.each.isHidden()
    with indexed(context, qtbot):
        dialog.accept_button.click()
    settle(context, qtbot)
    assert names_and_folders(context) == {"Holiday": (pictures,), "Sketches": (sketches,)}
    assert panel.detail.name.text() == "Sketches" and context.gallery == "Sketches"
    panel.controller.choose("Holiday")
    panel.offer_folders([letters])
    dialog = panel.findChildren(AddFolderDialog)[-1]
    dialog.existing.setChecked(True)
    assert not dialog.field.isEnabled()
    with indexed(context, qtbot):
        dialog.accept_button.click()
    settle(context, qtbot)
    assert set(names_and_folders(context)["Holiday"]) == {pictures, letters}


def test_a_folder_that_a_gallery_has_already_is_looked_through_again_there(panel, context, qtbot, pictures):
    index(context, qtbot, pictures)
    panel.offer_folders([pictures])
    dialog = panel.findChild(AddFolderDialog)
    assert dialog.existing.isChecked() and dialog.existing.text() == "Look for new pictures in Holiday"
    with indexed(context, qtbot):
        dialog.accept_button.click()
    settle(context, qtbot)
    assert list(names_and_folders(context)) == ["Holiday"]


def test_several_folders_become_one_gallery_or_one_each(panel, context, qtbot, tmp_path):
    folders = [other_folder(tmp_path), other_folder(tmp_path, "Letters")]
    drop(panel, *folders)
    dialog = panel.findChild(AddFolderDialog)
    assert dialog.existing.isHidden() and dialog.field.text() == tmp_path.name
    dialog.each.setChecked(True)
    dialog.accept_button.click()
    qtbot.waitUntil(lambda: len(names_and_folders(context)) == 2, timeout=WAIT)
    settle(context, qtbot)
    assert set(names_and_folders(context)) == {"Sketches", "Letters"}
    panel.offer_folders(folders)
    dialog = panel.findChildren(AddFolderDialog)[-1]
    dialog.field.setText("Both")
    dialog.accept_button.click()
    qtbot.waitUntil(lambda: len(names_and_folders(context).get("Both", ())) == 2, timeout=WAIT)
    settle(context, qtbot)


def test_a_gallery_made_meanwhile_keeps_the_dialog_open_with_the_reason(panel, context, qtbot, pictures, tmp_path):
    index(context, qtbot, pictures)
    panel.offer_folders([other_folder(tmp_path)])
    dialog = panel.findChild(AddFolderDialog)
    context.explorer.store.create_gallery("Sketches")
    dialog.accept_button.click()
    settle(context, qtbot)
    assert dialog.isVisible() and "There is a gallery 'Sketches' already" in dialog.problem.text()
    assert dialog.field.text() == "Sketches" and names_and_folders(context)["Sketches"] == ()
    dialog.reject()


def test_a_name_that_is_too_long_is_refused_under_the_field_and_kept(panel, context, qtbot):
    panel._ask_new()
    dialog = panel.findChild(NameDialog)
    dialog.field.setText("n" * 131)
    qtbot.keyClick(dialog.field, Qt.Key.Key_Return)
    assert dialog.isVisible() and not dialog.accept_button.isEnabled() and len(dialog.field.text()) == 131
    assert dialog.problem.text() == "A name has at most 100 characters; this one has 131."
    dialog.field.setText("n" * 100)
    dialog.accept_button.click()
    qtbot.waitUntil(lambda: list(names_and_folders(context)) == ["n" * 100], timeout=WAIT)
    settle(context, qtbot)


def test_a_name_that_the_store_refuses_keeps_the_dialog(panel, context, qtbot):
    panel._ask_new()
    dialog = panel.findChild(NameDialog)
    dialog.field.setText("Holiday")
    context.explorer.store.create_gallery("Holiday")
    dialog.accept_button.click()
    settle(context, qtbot)
    assert dialog.isVisible() and dialog.field.text() == "Holiday" and "already" in dialog.problem.text()
    dialog.reject()


def test_cancelling_keeps_the_gallery_and_the_next_run_goes_on(panel, context, qtbot, pictures):
    context.explorer.model.gate.clear()
    context.indexing.start("Holiday", pictures)
    qtbot.waitUntil(lambda: panel.detail.progress.isVisibleTo(panel) and bool(panel.detail.name.text()), timeout=WAIT)
    assert not panel.detail.again.isEnabled()
    panel.detail.progress.cancel.click()
    context.explorer.model.gate.set()
    settle(context, qtbot)
    assert not panel.detail.progress.isVisibleTo(panel)
    assert context.explorer.store.gallery("Holiday").folders == (pictures,)
    assert panel.detail.again.text() == "Continue" and panel.detail.again.isEnabled()
    panel.detail.again.click()
    qtbot.waitUntil(lambda: context.indexing.job("Holiday") is not None, timeout=WAIT)
    settle(context, qtbot)
    assert panel.detail.again.text() == "Look for new pictures"
    assert panel.detail.state_words.text().startswith("5 pictures, all indexed")


def test_a_second_folder_waits_for_the_running_job(panel, context, qtbot, pictures, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    Image.new("RGB", (20, 20), "red").save(other / "red.png")
    context.explorer.model.gate.clear()
    context.indexing.start("Holiday", pictures)
    context.indexing.start("Holiday", other)
    assert context.indexing.state.waiting == {"Holiday": (other,)}
    context.explorer.model.gate.set()
    qtbot.waitUntil(lambda: panel.detail.state_words.text().startswith("6 pictures, all indexed"), timeout=WAIT)


def test_another_crop_offers_to_embed_again(panel, context, qtbot, pictures):
    index(context, qtbot, pictures)
    assert not panel.detail.outdated.isVisibleTo(panel)
    context.change("vision.crop", "letterbox")
    qtbot.waitUntil(lambda: panel.detail.outdated.isVisibleTo(panel), timeout=WAIT)
    assert "letterbox" in panel.detail.outdated.words.text()
    assert "centre crop" in panel.detail.outdated.words.text()
    with indexed(context, qtbot):
        panel.detail.outdated.action.click()
    qtbot.waitUntil(lambda: not panel.detail.outdated.isVisibleTo(panel), timeout=WAIT)


def test_deleting_asks_and_never_touches_the_pictures(panel, context, qtbot, pictures):
    index(context, qtbot, pictures)
    panel.detail.delete_action.trigger()
    box = panel.findChild(QMessageBox)
    assert "stay on disk" in box.informativeText()
    next(button for button in box.buttons() if button.text() == "Delete gallery").click()
    qtbot.waitUntil(lambda: panel.pages.currentWidget() is panel.empty, timeout=WAIT)
    assert context.explorer.store.galleries() == [] and context.gallery == ""
    assert len(list(pictures.iterdir())) == 6


def test_saying_no_to_deleting_deletes_nothing(panel, context, qtbot, pictures):
    index(context, qtbot, pictures)
    panel.detail.delete_action.trigger()
    panel.findChild(QMessageBox).reject()
    settle(context, qtbot)
    assert len(context.explorer.store.galleries()) == 1


def test_renaming_keeps_the_current_gallery(panel, context, qtbot, pictures):
    index(context, qtbot, pictures)
    panel.detail.ask_name()
    dialog = panel.findChild(NameDialog)
    dialog.field.setText("Summer")
    dialog.accept_button.click()
    qtbot.waitUntil(lambda: panel.detail.name.text() == "Summer", timeout=WAIT)
    assert context.gallery == "Summer"


@pytest.fixture
def far(tmp_path, pictures):
    """The address of a gallery that somebody else has filled."""
    pytest.importorskip("lancedb", reason="addresses need the extra: pip install .[scale]")
    from core.galleries.lance.gallery import LanceGallery

    address = str(tmp_path / "far away" / "museum.lance")
    place = LanceGallery.open(address, create=True)
    index_folder(place, pictures, Backbone(), "centre")
    return address


def open_by_address(panel, context, qtbot, address):
    panel._ask_address()
    dialog = panel.findChildren(PlaceDialog)[-1]
    assert not dialog.accept_button.isEnabled()
    dialog.field.setText("Holiday")
    assert not dialog.accept_button.isEnabled()  # a name, not an address
    dialog.field.setText(address)
    dialog.accept_button.click()
    settle(context, qtbot)


def test_a_gallery_at_an_address_is_listed_indexed_and_taken_off_the_list(panel, context, qtbot, pictures, far, home):
    open_by_address(panel, context, qtbot, far)
    assert panel.detail.name.text() == far
    assert panel.detail.state_words.text().startswith("5 pictures, all indexed")
    assert panel.detail.failures.model.rowCount() == 1
    assert context.explorer.addresses() == (far,)
    assert not panel.detail.rename_action.isVisible()  # its address is its name
    (pictures / "0.png").unlink()
    with indexed(context, qtbot):
        panel.controller.index_again()
    settle(context, qtbot)
    assert "4 pictures, all indexed · 1 missing" in panel.detail.state_words.text()
    panel.detail.delete_action.trigger()  # asks nothing: nothing is deleted
    settle(context, qtbot)
    assert context.explorer.addresses() == () and panel.list.count() == 0
    assert len(context.explorer.gallery(far).images()) == 4


def test_an_address_that_cannot_be_opened_is_said(panel, context, qtbot, far, tmp_path):
    said = []
    panel.failed.connect(lambda error, safe: said.append(str(error)))
    (tmp_path / "other.lance").mkdir()
    (tmp_path / "other.lance" / "letter.txt").write_text("Not ours.")
    open_by_address(panel, context, qtbot, str(tmp_path / "other.lance"))
    [dialog] = panel.findChildren(PlaceDialog)
    assert not said and context.explorer.addresses() == () and panel.findChild(QMessageBox) is None
    assert dialog.isVisible() and dialog.problem.text() and dialog.field.text() == str(tmp_path / "other.lance")
    dialog.reject()
    open_by_address(panel, context, qtbot, far)
    context.explorer.store.opened.clear()
    Path(far).rename(tmp_path / "moved.lance")
    panel.activated()
    settle(context, qtbot)
    assert panel.list.count() == 1
    assert panel.detail.state_words.text().startswith("There is no gallery at")
    assert not panel.detail.search.isEnabled()


@pytest.mark.parametrize(("answer", "listed"), [("Create", 1), ("Cancel", 0)])
def test_a_gallery_is_made_at_an_address_once_it_was_asked(panel, context, qtbot, pictures, tmp_path, answer, listed):
    pytest.importorskip("lancedb", reason="addresses need the extra: pip install .[scale]")
    address = str(tmp_path / "new.lance")
    open_by_address(panel, context, qtbot, address)
    box = panel.findChild(QMessageBox)
    assert address in box.text() and not Path(address).exists()
    next(button for button in box.buttons() if button.text() == answer).click()
    settle(context, qtbot)
    assert (panel.list.count(), len(context.explorer.addresses()), Path(address).exists()) == (
        listed, listed, bool(listed))
    if listed:
        with indexed(context, qtbot):
            panel.add_folders([pictures], panel.detail.name.text())
        settle(context, qtbot)
        assert panel.detail.state_words.text().startswith("5 pictures, all indexed")


@pytest.mark.slow
def test_a_gallery_is_copied_to_a_name_and_to_an_address(panel, context, qtbot, pictures, tmp_path):
    pytest.importorskip("lancedb", reason="addresses need the extra: pip install .[scale]")
    index(context, qtbot, pictures)
    address = str(tmp_path / "copy.lance")
    for number, to in enumerate(("Second", address, address)):
        panel.controller.choose("Second" if number else panel.controller.state.chosen)
        panel.detail.copy_action.trigger()
        dialog = panel.findChildren(PlaceDialog)[-1]
        assert not dialog.accept_button.isEnabled()
        dialog.field.setText(to)
        dialog.accept_button.click()
        settle(context, qtbot)
        assert panel.detail.name.text() == to
        assert panel.detail.state_words.text().startswith("5 pictures, all indexed")
        told = "Copied: 5 pictures, 5 of them were there." if number == 2 else "Copied: 5 pictures."
        assert panel.detail.state_words.text().endswith(told)
    assert panel.list.count() == 3 and context.explorer.addresses() == (address,)


def test_a_copy_that_cannot_be_made_says_why(panel, context, qtbot, pictures):
    said = []
    panel.failed.connect(lambda error, safe: said.append(str(error)))
    index(context, qtbot, pictures)
    panel.detail.copy_action.trigger()
    dialog = panel.findChild(PlaceDialog)
    dialog.field.setText("holiday")
    dialog.accept_button.click()
    assert dialog.isVisible() and dialog.problem.text() == "A gallery cannot be copied into itself."
    dialog.field.setText("x" * 101)
    assert not dialog.accept_button.isEnabled() and "at most 100" in dialog.problem.text()
    dialog.reject()
    panel.controller.copy("a\x00c")  # where the store alone refuses
    settle(context, qtbot)
    assert len(said) == 1 and panel.list.count() == 1


@pytest.mark.parametrize("kind", [NameDialog, PlaceDialog])
def test_a_dialog_begins_in_its_field_and_ends_at_its_buttons(qtbot, panel, kind):
    dialog = kind(panel, "Rename gallery", "Rename", lambda name, dialog: None)
    dialog.open()
    qtbot.waitUntil(dialog.isVisible)
    assert dialog.focusWidget() is dialog.field
    for _ in range(2):
        qtbot.keyClick(dialog, Qt.Key.Key_Tab)
        assert dialog.focusWidget().text() in ("Cancel", "Rename")
        dialog.accept_button.setEnabled(True)
    assert dialog.focusWidget() is dialog.accept_button
    dialog.reject()


def test_a_name_that_is_taken_or_empty_is_not_accepted(qtbot, panel):
    dialog = NameDialog(panel, "New gallery", "Create", lambda name, dialog: None, taken=frozenset({"Holiday"}))
    for text, fine in (("", False), ("  ", False), ("Holiday", False), (" holiday ", False), ("Holiday 2", True),
                       ("s3://bucket/name", False), ("a\x07b", False)):
        dialog.field.setText(text)
        assert dialog.accept_button.isEnabled() is fine
    dialog.reject()


def test_taking_a_folder_out_asks_and_keeps_it_on_disk(panel, context, qtbot, pictures):
    index(context, qtbot, pictures)
    said = []
    panel.status_changed.connect(said.append)
    assert panel.list.itemWidget(panel.list.item(0)).failed.text() == "1 could not be read"
    panel.detail.ask_remove_folder(pictures)
    box = panel.findChild(QMessageBox)
    buttons = panel.detail.folders.findChildren(QAbstractButton)
    next(button for button in buttons if "Remove" in button.toolTip()).setFocus()
    next(button for button in box.buttons() if button.text() == "Remove").click()
    qtbot.waitUntil(lambda: panel.detail.state_words.text().startswith("no pictures yet"), timeout=WAIT)
    assert panel.focusWidget() is panel.list, "the button that had the keyboard is gone"
    qtbot.waitUntil(lambda: panel.detail.empty.isVisibleTo(panel), timeout=WAIT)  # the list of failures is read apart
    assert not panel.list.itemWidget(panel.list.item(0)).failed.isVisibleTo(panel.list)
    assert "could not be read" not in panel.detail.state_words.text() + said[-1]
    assert pictures.is_dir()


def test_the_failures_can_be_searched_and_copied(panel, context, qtbot, pictures):
    (pictures / "empty.png").write_bytes(b"")
    index(context, qtbot, pictures)
    card = panel.detail.failures
    qtbot.waitUntil(lambda: card.model.rowCount() == 2, timeout=WAIT)
    card.search.setText("EMPTY.png")
    assert card.shown.rowCount() == 1
    card.copy.click()
    assert QGuiApplication.clipboard().text().startswith(str(pictures / "empty.png") + "\t")


def test_the_model_of_failures_keeps_qts_rules(qtbot):
    model = FailuresModel()
    tester = QAbstractItemModelTester(model, QAbstractItemModelTester.FailureReportingMode.Fatal)
    model.show([SimpleNamespace(path=Path("/somewhere/x.png"), kind="empty", reason="x.png is empty (0 bytes).")])
    assert model.index(0, 1).data() == "Empty (0 bytes)."
    assert tester.model() is model


def test_the_state_comes_back(panel, context, qtbot, pictures):
    index(context, qtbot, pictures, "One")
    index(context, qtbot, pictures, "Two")
    panel.controller.choose("Two")
    state = panel.save_state()
    context.set_gallery("")
    again = LibraryPanel(context)
    qtbot.addWidget(again)
    again.restore_state(state)
    settle(context, qtbot)
    assert again.detail.name.text() == "Two"
    again.closing()


def test_a_store_that_cannot_be_opened_is_said(home, qtbot):
    home.root.mkdir(parents=True)
    home.store.write_text("this is no database, but it is long enough to be taken for one " * 20)
    context = Context(home)
    panel = LibraryPanel(context)
    qtbot.addWidget(panel)
    with qtbot.waitSignal(panel.failed, timeout=WAIT) as failed:
        pass
    assert getattr(failed.args[0], "kind", "") == "not_a_store"
    assert panel.pages.currentWidget() is panel.reading and not panel.reading.again.isHidden()
    assert panel.reading.title.text() == "The galleries could not be read"
    assert panel.reading.sentence.text() == str(failed.args[0])
    with qtbot.waitSignal(panel.failed, timeout=WAIT):
        panel.reading.again.click()
        assert panel.reading.title.text() == "Reading the galleries…" and panel.reading.again.isHidden()
    panel.closing()
    assert context.jobs.shutdown(10)


def test_a_click_on_the_wall_shows_the_picture_in_search(panel, context, qtbot, pictures):
    with indexed(context, qtbot):
        panel.add_folders([pictures], "")
    settle(context, qtbot)
    panel.controller.choose(pictures.name)
    wall = panel.detail.wall
    qtbot.waitUntil(lambda: wall.image_at(wall.tiles()[0].center()) is not None)
    image = wall.image_at(wall.tiles()[0].center())
    with qtbot.waitSignal(panel.go_to, check_params_cb=lambda key, payload: (key, payload) == (
            "search", GalleryPicture(pictures.name, image.id))):
        qtbot.mouseClick(wall, Qt.MouseButton.LeftButton, pos=wall.tiles()[0].center())
