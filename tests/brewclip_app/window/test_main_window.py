"""The main window: rail, panels, banner, status bar, help."""

import platform
import subprocess
import sys
import threading
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version
from types import SimpleNamespace

import pytest
from PySide6.QtCore import QLockFile, QSize, Qt
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QApplication, QLabel, QMenu

import core
from brewclip_app import help_menu
from brewclip_app.context import Context
from brewclip_app.help_menu import AboutDialog
from brewclip_app.main_window import PANELS, SMALLEST, MainWindow, PanelEntry
from brewclip_app.other_window import OtherWindow
from brewclip_app.widgets.common import KeyCap
from brewclip_app.widgets.preview.overlay import open_preview
from brewclip_app.widgets.preview.sequence import sequence_of_files
from core.errors import StoreError
from core.home import Home
from core.progress import Progress
from tests.brewclip_app.window.panels import TWO, Explorer, OnePanel, TwoPanel


def test_the_table_names_panels_that_are_what_it_says():
    for entry in PANELS:
        panel = getattr(__import__(entry.module, fromlist=[entry.name]), entry.name)
        assert (panel.key, panel.title, panel.icon) == (entry.key, entry.title, entry.icon)


def test_panels_are_made_when_first_shown(window, qtbot):
    assert list(window.panels) == ["one"]
    qtbot.keyClick(window, Qt.Key.Key_2, Qt.KeyboardModifier.ControlModifier)
    assert list(window.panels) == ["one", "two"] and window.current() is window.panels["two"]
    assert window.panels["one"].calls == ["activated", "deactivated"]
    assert window.rail.buttons["two"].isChecked()


def test_the_rail_and_going_to_hand_over(window):
    window.rail.buttons["two"].click()
    window.panels["two"].go_to.emit("one", "a gallery")
    assert window.current() is window.panels["one"]
    assert window.panels["one"].calls[-1] == "a gallery"


def test_the_strip_says_what_the_front_panel_says(window):
    assert window.strip.words.text() == "one is here"
    window.show_panel("two")
    window.panels["one"].status_changed.emit("later")
    assert window.strip.words.text() == ""
    window.show_panel("one")
    assert window.strip.words.text() == "one is here"


def test_the_strip_names_models_device_and_a_failed_gpu(window, qtbot):
    window.refresh_engine()
    qtbot.waitUntil(lambda: "BrewCLIP mini" in window.strip.models.text())
    assert window.strip.device.text() == "CPU, the GPU failed" and window.strip.device.toolTip() == "The GPU failed."
    assert window.strip.device.property("look") == "care"


def test_the_strips_link_leads_to_the_panel_that_has_more(window, context, qtbot):
    context.set_gallery("Holiday")
    window.panels["one"].status_link.emit("3 could not be read", "two")
    assert window.strip.link.text() == "3 could not be read"
    qtbot.mouseClick(window.strip.link, Qt.MouseButton.LeftButton)
    assert window.current() is window.panels["two"] and window.panels["two"].calls[-1] == "Holiday"
    assert window.strip.link.isHidden(), "it is the other panel's"


def test_no_panel_squeezes_the_rail(window, qtbot):
    before = window.rail.width()
    assert before >= max(button.sizeHint().width() for button in window.rail.buttons.values())
    window.current().field.setMinimumWidth(5000)
    qtbot.waitUntil(lambda: window.current().minimumSizeHint().width() >= 5000)
    window.centralWidget().layout().activate()
    assert window.rail.width() == before


def test_a_running_job_is_seen_and_stopped_from_every_panel(window, context, qtbot):
    def work(report):
        while True:
            report(Progress(done=3, total=10, subject="turning"))

    context.jobs.submit("Turning round", work)
    qtbot.waitUntil(lambda: window.strip.stop.isVisibleTo(window))
    assert window.strip.running.text() == "Turning round" and window.strip.bar.value() == 300
    window.strip.running.click()
    assert window.strip.list.isVisible()
    window.strip.list.hide()
    window.strip.stop.click()
    qtbot.waitUntil(lambda: not window.strip.stop.isVisibleTo(window))


def test_question_mark_lists_the_keys_but_types_into_a_field(window, qtbot):
    panel = window.panels["one"]
    panel.setFocus()
    qtbot.keyClick(panel, Qt.Key.Key_Question)
    qtbot.waitUntil(window.keys.isVisible)
    qtbot.keyClick(window.keys, Qt.Key.Key_Escape)
    assert not window.keys.isVisible()
    panel.field.setFocus()
    window._ask_for_keys()
    assert panel.field.text() == "?" and not window.keys.isVisible()


def test_a_preview_has_its_own_list_of_keys_and_closes_with_its_panel(window, context, pictures, qtbot):
    preview = open_preview(context, window.panels["one"], sequence_of_files(pictures), 0)
    assert preview.size() == window.size()
    qtbot.keyClick(preview.canvas, Qt.Key.Key_Question)
    qtbot.waitUntil(window.keys.isVisible)
    assert "Slide show" in {words.text() for words in window.keys.findChildren(QLabel)}
    qtbot.keyClick(window.keys, Qt.Key.Key_Escape)
    assert preview.canvas.hasFocus() and preview.isVisible()
    qtbot.keyClick(preview.canvas, Qt.Key.Key_2, Qt.KeyboardModifier.ControlModifier)
    assert preview.isHidden() and window.current() is window.panels["two"]
    assert window.panels["two"].isAncestorOf(QApplication.focusWidget()) or window.panels["two"].hasFocus()


def test_errors_stand_in_the_banner_with_details_behind_a_fold(window):
    window.panels["one"].failed.emit(StoreError("The disk is full.", "disk_full"), "Nothing was lost.")
    assert window.banner.isVisibleTo(window)
    assert window.banner.message.text() == "The disk is full. Nothing was lost."
    assert not window.banner.details.isVisibleTo(window)
    window.banner.fold.click()
    assert "StoreError" in window.banner.details.toPlainText()
    window.banner.close_button.click()
    assert not window.banner.isVisibleTo(window)


def test_an_error_that_no_panel_took_is_said_too(window, context, qtbot):
    context.jobs.submit("divide", lambda report: 1 / 0)
    qtbot.waitUntil(lambda: window.banner.isVisibleTo(window))
    assert "safe" in window.banner.message.text() and "ZeroDivisionError" in window.banner.details.toPlainText()


def test_place_panel_gallery_and_panel_states_come_back(window, context, qtbot, home):
    window.resize(1111, 700)
    window.show_panel("two")
    window.panels["two"].field.setText("kept")
    context.set_gallery("Holiday")
    assert window.close()
    again = MainWindow(Context(home, Explorer()), TWO)
    qtbot.addWidget(again)
    again.show()
    assert again.current().key == "two" and again.panels["two"].field.text() == "kept"
    assert again.height() == 700 and again.context.gallery == "Holiday"
    assert again.context.jobs.shutdown(10)


def test_a_damaged_state_is_forgotten(home, qtbot):
    home.root.mkdir(parents=True)
    (home.root / "window.ini").write_text('[General]\ngeometry="%%%"\npanel={broken\n[panels]\none="[1, 2]"\n')
    window = MainWindow(Context(home, Explorer()), TWO)
    qtbot.addWidget(window)
    window.show()
    assert window.current().key == "one"
    assert window.context.jobs.shutdown(10)


def test_it_gets_no_smaller_than_it_works(window):
    """The offscreen screen is 800 px wide: less than the smallest window that needs no scroll bars."""
    room = window.screen().availableSize()
    assert window.minimumWidth() <= room.width() and window.minimumHeight() == SMALLEST.height()


@pytest.mark.parametrize("size", [QSize(768, 480), QSize(480, 300)])
def test_a_window_too_small_for_its_panel_scrolls_it_and_keeps_every_panel_within_reach(window, qtbot, size):
    """Large fonts: 1280 x 800 at 167 % are 768 x 480."""
    window.setMinimumSize(QSize(0, 0))
    panel = window.current()
    panel.field.setMinimumSize(1000, 600)
    window.resize(size)
    qtbot.waitUntil(lambda: window.size() == size and panel.width() >= 1000 and panel.height() >= 600)
    assert window.rail.is_compact and window.rail.width() < 60
    bars = window.stack.horizontalScrollBar(), window.stack.verticalScrollBar()
    assert all(bar.maximum() > 0 for bar in bars)
    window.show_panel("two")
    qtbot.waitUntil(lambda: all(bar.maximum() == 0 for bar in bars))
    assert not window.rail.buttons["two"].visibleRegion().isEmpty(), "the chosen button can be seen"
    window.resize(1280, 800)
    qtbot.waitUntil(lambda: not window.rail.is_compact)


def test_a_rail_with_no_room_for_its_icons_scrolls_to_the_chosen_one(context, qtbot):
    entries = tuple(PanelEntry(f"two{number}", f"Two {number}", "search", __name__, "TwoPanel") for number in range(12))
    window = MainWindow(context, entries)
    qtbot.addWidget(window)
    window.setMinimumSize(QSize(0, 0))
    window.resize(500, 240)
    window.show()
    qtbot.waitUntil(lambda: window.rail.is_compact)
    window.show_panel("two11")
    qtbot.waitUntil(lambda: not window.rail.buttons["two11"].visibleRegion().isEmpty())
    assert window.rail.buttons["two0"].visibleRegion().isEmpty()


def test_the_strip_leaves_out_what_the_panel_shows_itself(window, context, qtbot, monkeypatch):
    monkeypatch.setattr(OnePanel, "own_jobs", ("look",))
    monkeypatch.setattr(TwoPanel, "own_jobs", ())  # which is a OnePanel
    window.show_panel("two")
    window.show_panel("one")
    gate = threading.Event()
    context.jobs.submit("Looking", lambda report: (report(Progress(done=1, total=2)), gate.wait(10)), key="look")
    context.jobs.submit("Reading", lambda report: (report(Progress(done=1, total=2)), gate.wait(10)))
    qtbot.waitUntil(lambda: len([job for job in context.jobs.running() if job.progress.total]) == 2)
    qtbot.waitUntil(window.strip.bar.isVisible)
    assert window.strip.running.text() == "Reading"
    window.show_panel("two")
    assert window.strip.running.text() == "Looking and 1 more"
    gate.set()


def test_another_window_of_this_home_is_said_until_it_is_closed(window, context, qtbot, home):
    home.root.mkdir(parents=True, exist_ok=True)
    other = QLockFile(str(home.root / "window.lock"))
    assert other.tryLock(0)
    window.other_window.look()
    assert window.strip.other.isVisible() and window.strip.other.text() == "Another window is open"
    other.unlock()
    window.other_window.look()
    assert not window.strip.other.isVisible()
    assert not other.tryLock(0), "this one holds it now"
    window.other_window.close()
    assert other.tryLock(0)


def test_a_home_that_cannot_be_written_says_nothing_of_another_window(window, home, tmp_path):
    (tmp_path / "file").touch()
    alone = OtherWindow(Home(tmp_path / "file"))  # no folder: no lock can lie in it
    alone.look()
    assert not alone.is_open


def test_f1_opens_help_with_keys_log_and_version(window, context, qtbot):
    window.activateWindow()
    qtbot.keyClick(window, Qt.Key.Key_F1)
    qtbot.waitUntil(window.help.isVisible)
    assert not window.help.log.isEnabled(), "nothing was logged"
    (context.home.root / "brewclip-app.log").parent.mkdir(parents=True, exist_ok=True)
    (context.home.root / "brewclip-app.log").write_text("a warning")
    window.help.aboutToShow.emit()
    assert window.help.log.isEnabled()
    window.help.hide()
    window.help.keys.trigger()
    assert window.keys.isVisible()
    window.keys.hide()
    window.help.about.trigger()
    about = window.findChild(AboutDialog)
    texts = [each.text() for each in about.findChildren(QLabel)]
    assert about.isVisible() and {core.__version__, version("torch"), platform.python_version()} <= set(texts)
    about.copy.click()
    copied = QApplication.clipboard().text()
    assert f"Program: {core.__version__}\nModels: " in copied and f"PyTorch: {version('torch')}" in copied
    assert str(context.home.root) not in copied, "a report is shown to others"
    about.accept()


def test_about_names_versions_without_importing_torch_and_where_there_is_none(monkeypatch):
    def missing(package):
        raise PackageNotFoundError(package)

    monkeypatch.setattr(help_menu, "version", missing)
    assert help_menu.versions("")["PyTorch"] == "not installed"
    code = ("import sys; from brewclip_app import help_menu; help_menu.versions('mini'); "
            "print({'torch', 'onnxruntime'} & set(sys.modules))")
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True,
                          check=True).stdout.strip() == "set()"


def test_the_models_in_use_are_named_with_a_warning_and_a_way_back(window, context, qtbot, monkeypatch):
    monkeypatch.setattr(Explorer, "status", lambda self: SimpleNamespace(
        backbone="run 1: BrewCLIP mini, words and voice", note="", speech="Whisper base", device="", fallback="",
        warning="On its dev split this model scored below the backbone alone."))
    context.change("vision.model", "/runs/run 1/best")
    qtbot.waitUntil(lambda: "run 1" in window.strip.models.text())
    assert "below the backbone" in window.strip.models.toolTip()
    window.strip.models.click()
    menu = next(each for each in window.findChildren(QMenu) if each is not window.help)
    next(each for each in menu.actions() if "own model" in each.text()).trigger()
    assert context.settings["vision.model"] == "auto"
    menu.close()


def test_simple_mode_shows_few_screens_and_the_one_in_front(context, qtbot):
    window = MainWindow(context)
    qtbot.addWidget(window)
    window.first_panel = "settings"
    window.show()
    context.change("appearance.panels", "simple")
    shown = {key for key, each in window.rail.buttons.items() if not each.isHidden()}
    assert shown == {"search", "library", "settings"}
    window.rail.show_button("train", True)
    context.change("appearance.panels", "all")
    hidden = {key for key, each in window.rail.buttons.items() if each.isHidden()}
    assert hidden == {key for key, entry in window.entries.items() if entry.on_demand} == {"duplicates"}


def test_a_panel_on_demand_is_in_the_rail_while_it_is_in_front(context, qtbot):
    demanded = replace(TWO[1], on_demand=True)
    window = MainWindow(context, (TWO[0], demanded))
    qtbot.addWidget(window, before_close_func=lambda widget: context.jobs.shutdown(10))
    window.show()
    assert window.rail.buttons[demanded.key].isHidden()
    window.show_panel(demanded.key)
    assert not window.rail.buttons[demanded.key].isHidden()
    window.show_panel(TWO[0].key)
    assert window.rail.buttons[demanded.key].isHidden()


@pytest.fixture
def simple(context, qtbot):
    """A window with two panels, of which the simple interface has the first."""
    context.change("appearance.panels", "simple")
    one, two = TWO
    made = MainWindow(context, (replace(one, simple=True), two))
    qtbot.addWidget(made, before_close_func=lambda widget: context.jobs.shutdown(10))
    made.show()
    return made


def test_help_switches_between_the_simple_interface_and_all_panels_at_once(simple, context):
    button = simple.rail.buttons["two"]
    assert button.isHidden() and not simple.rail.buttons["one"].isHidden()
    simple.help.aboutToShow.emit()
    assert not simple.help.all_panels.isChecked()
    simple.help.all_panels.trigger()
    assert context.settings["appearance.panels"] == "all" and not button.isHidden()
    simple.help.all_panels.trigger()
    assert context.settings["appearance.panels"] == "simple" and button.isHidden()


def test_a_link_to_a_hidden_panel_opens_it_and_offers_all_panels(simple, context):
    simple.panels["one"].go_to.emit("two", "a picture")
    assert simple.current() is simple.panels["two"] and simple.panels["two"].calls[-1] == "a picture"
    assert not simple.rail.buttons["two"].isHidden() and simple.banner.action.text() == "Show all panels"
    simple.show_panel("one")
    assert simple.rail.buttons["two"].isHidden() and not simple.banner.isVisible(), "the offer goes with the panel"
    simple.show_panel("two")
    simple.banner.action.click()
    assert context.settings["appearance.panels"] == "all" and not simple.banner.isVisible()
    simple.show_panel("one")
    assert not simple.rail.buttons["two"].isHidden()


def test_the_keys_of_the_simple_interface_are_those_of_its_panels(simple):
    simple.open_keys()
    texts = {each.text() for each in simple.keys.findChildren(QLabel) if each.isVisibleTo(simple.keys)}
    assert "One" in texts and "Two" not in texts


def test_the_simple_interface_starts_in_one_of_its_panels(simple, context, qtbot):
    simple.show_panel("two")
    again = MainWindow(context, tuple(simple.entries.values()))
    qtbot.addWidget(again)
    again.show()
    assert again.current().key == "one"


@pytest.mark.parametrize("key", [Qt.Key.Key_Escape, Qt.Key.Key_Tab, Qt.Key.Key_Space, Qt.Key.Key_Question])
def test_any_key_closes_the_list_alone_and_gives_the_focus_back(window, qtbot, key):
    """A panel's own Escape, which cancels jobs, is not asked."""
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    pressed = []
    shortcut = QShortcut(QKeySequence("Escape"), window, lambda: pressed.append("panel"))
    field = window.current().field
    field.setFocus()
    qtbot.waitUntil(field.hasFocus)
    window.open_keys()
    qtbot.waitUntil(window.keys.hasFocus)
    qtbot.keyClick(window.keys, key)
    assert not window.keys.isVisible() and pressed == []
    qtbot.waitUntil(field.hasFocus)
    qtbot.keyClick(field, Qt.Key.Key_Escape)
    assert pressed == ["panel"], "with the list closed the shortcut works again"
    shortcut.deleteLater()


def test_the_panel_takes_the_keyboard_of_a_part_that_is_hidden(window, qtbot):
    """Not the rail, or another control that the next Space would press."""
    window.activateWindow()
    qtbot.waitActive(window)
    panel = window.current()
    panel.field.setFocus()
    qtbot.waitUntil(panel.field.hasFocus)
    panel.field.hide()
    assert window.focusWidget() is panel
    panel.field.show()
    panel.field.setFocus()
    window.rail.buttons["two"].setFocus()
    assert window.focusWidget() is window.rail.buttons["two"], "where the user goes is nobody else's"


def test_two_ways_to_do_one_thing_are_told_apart(window):
    window.keys.open([("Annotate", [("Ctrl+Shift+Z Ctrl+Y", "Redo"), ("Home End", "First, last")])])
    assert [part.text() for part in window.keys.findChildren(KeyCap) if part.isVisibleTo(window.keys)] == [
        "Ctrl", "Shift", "Z", "Ctrl", "Y", "Home End"]
