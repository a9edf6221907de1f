import os
import signal
import subprocess
import sys
import threading
import time
from types import SimpleNamespace

import pytest
from PySide6.QtCore import QLockFile, QSize, Qt
from PySide6.QtGui import QImage, QKeySequence, QShortcut
from PySide6.QtWidgets import QLabel, QLineEdit, QMenu

import core
from brewclip_app import closing, notifications, theme
from brewclip_app.context import Context
from brewclip_app.help_menu import AboutDialog
from brewclip_app.main_window import PANELS, SMALLEST, MainWindow, PanelEntry
from brewclip_app.other_window import OtherWindow
from brewclip_app.panels.base import Panel
from brewclip_app.widgets.common import KeyCap, column
from core.errors import StoreError
from core.progress import Progress

pytestmark = pytest.mark.slow


class OnePanel(Panel):
    key, title, icon = "one", "One", "search"

    def __init__(self, context):
        super().__init__(context)
        self.calls = []
        self.field = QLineEdit()
        self.setLayout(column(self.field))

    def activated(self):
        self.calls.append("activated")
        self.status_changed.emit("one is here")

    def deactivated(self):
        self.calls.append("deactivated")

    def receive(self, payload):
        self.calls.append(payload)

    def save_state(self):
        return {"text": self.field.text()}

    def restore_state(self, state):
        self.field.setText(state.get("text", ""))

    def shortcuts(self):
        return [("Space", "Record")]

    def closing(self):
        self.calls.append("closing")


class TwoPanel(OnePanel):
    key, title, icon = "two", "Two", "settings"

    def activated(self):
        self.calls.append("activated")
        self.status_changed.emit("")


TWO = tuple(PanelEntry(panel.key, panel.title, panel.icon, __name__, panel.__name__, panel is TwoPanel)
            for panel in (OnePanel, TwoPanel))


class Explorer:
    def status(self):
        return SimpleNamespace(backbone="BrewCLIP mini", note="small", speech="", device="cpu", warning="",
                               fallback="The GPU failed.", backbone_loaded=True, speech_loaded=False)

    def close(self):
        pass


@pytest.fixture
def context(home, qtbot):
    made = Context(home, Explorer())
    yield made
    assert made.jobs.shutdown(20)


@pytest.fixture
def window(context, qtbot, monkeypatch):
    monkeypatch.setitem(sys.modules, __name__, sys.modules.get(__name__) or SimpleNamespace(OnePanel=OnePanel,
                                                                                           TwoPanel=TwoPanel))
    made = MainWindow(context, TWO)
    qtbot.addWidget(made, before_close_func=lambda widget: context.jobs.shutdown(10))
    made.show()
    return made


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


def test_closing_waits_for_a_job_without_blocking(window, context, qtbot, monkeypatch):
    monkeypatch.setattr("brewclip_app.main_window.WORTH_SAYING", 0.0)
    steps = []
    started, gate = threading.Event(), threading.Event()

    def work(report):
        started.set()
        try:
            while True:
                report(Progress())
        finally:
            gate.wait(10)
            steps.append("stopped")

    context.jobs.submit("Indexing Holiday", work, key="index:Holiday")
    assert started.wait(10)
    window.closed.connect(lambda: steps.append("closed"))
    assert not window.close() and window.isVisible()
    assert "goes on next time where it stood" in window.banner.message.text()
    with qtbot.waitSignal(window.closed, timeout=10_000):
        gate.set()
    assert steps == ["stopped", "closed"] and window.waits_for_jobs()
    assert "closing" in window.panels["one"].calls


def test_closing_during_a_search_does_not_say_that_it_goes_on(window, context, qtbot, monkeypatch):
    monkeypatch.setattr("brewclip_app.main_window.WORTH_SAYING", 0.0)
    started, gate = threading.Event(), threading.Event()

    def work(report):
        started.set()
        assert gate.wait(10)

    context.jobs.submit("Searching", work, key="search")
    assert started.wait(10)
    assert not window.close()
    said = window.banner.message.text()
    assert said == "Stopping: Searching. Close again to leave without waiting."
    with qtbot.waitSignal(window.closed, timeout=10_000):
        gate.set()


def test_a_second_close_does_not_wait(window, context, qtbot):
    started, gate = threading.Event(), threading.Event()
    context.jobs.submit("Deaf", lambda report: started.set() or gate.wait(20))
    assert started.wait(10)
    assert not window.close()
    with qtbot.waitSignal(window.closed):
        assert window.close()
    assert not window.waits_for_jobs()
    gate.set()


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
    alone = OtherWindow(SimpleNamespace(root=tmp_path / "file"))  # no folder: no lock can lie in it
    alone.look()
    assert not alone.is_open


# ---- the real program


def run_app(home, *arguments, **options):
    environment = {**os.environ, "BREWCLIP_HOME": str(home.root), "QT_QPA_PLATFORM": "offscreen"}
    return subprocess.Popen([sys.executable, "-m", "brewclip_app", *arguments], env=environment,
                            stderr=subprocess.PIPE, text=True, **options)


@pytest.mark.parametrize("entry", PANELS, ids=[entry.key for entry in PANELS])
def test_every_panel_opens_on_a_fresh_home(home, tmp_path, entry):
    shot = tmp_path / "shot.png"
    app = run_app(home, "--panel", entry.key, "--screenshot", str(shot), "--size", "1000x640", "--theme", "dark")
    _, errors = app.communicate(timeout=120)
    assert app.returncode == 0, errors
    assert QImage(str(shot)).size() == QSize(1000, 640)
    assert not (home.root / "brewclip-app.log").exists(), (home.root / "brewclip-app.log").read_text()


def in_another_python(code):
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return found.stdout.strip()


def test_nothing_heavy_is_imported_before_the_first_paint():
    heavy = {"torch", "whisper", "open_clip", "timm", "sqlalchemy", "av", "numba", "numpy", "PIL", "soundfile",
             "asyncio"}
    code = ("import sys; import brewclip_app.application, brewclip_app.panels.search; "
            f"print(sorted({heavy!r} & set(sys.modules)))")
    assert in_another_python(code) == "[]"


def test_qts_modules_are_imported_before_any_thread_runs():
    """Afterwards it can deadlock: see brewclip_app.qt_imports, whose `start` is called while jobs are held."""
    code = ("import sys; import brewclip_app.application as application; application.qt_imports.start(); "
            "qt = lambda: {name for name in sys.modules if name.startswith('PySide6.Qt')}; before = qt(); "
            "[__import__(entry.module) for entry in application.PANELS]; "
            "print(sorted(qt() - before), 'PySide6.QtDBus' in before)")
    assert in_another_python(code) == "[] True"


def test_a_gallery_on_the_command_line_opens_search_and_a_picture_changes_nothing(home, tmp_path):
    home.root.mkdir(parents=True, exist_ok=True)
    kept = '[General]\npanel=\\"settings\\"\ngallery=\\"Holiday\\"\n'
    (home.root / "window.ini").write_text(kept)
    shots = []
    for arguments in (["--gallery", "Winter"], []):
        shots.append(tmp_path / f"{len(shots)}.png")
        app = run_app(home, *arguments, "--screenshot", str(shots[-1]), "--size", "1000x640", "--theme", "light")
        _, errors = app.communicate(timeout=120)
        assert app.returncode == 0, errors
    assert (home.root / "window.ini").read_text() == kept
    found, last = (QImage(str(shot)) for shot in shots)
    chosen = theme.COLOURS["main"][0]
    assert found.pixelColor(1, 30).name() == chosen, "the mark at Search, the first button of the rail"
    assert last.pixelColor(1, 30).name() != chosen, "without a gallery the last panel, Settings, opens"


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_an_interrupt_closes_it(home):
    app = run_app(home, "--panel", "settings")
    deadline = time.monotonic() + 60
    while not (home.root / "window.ini").exists() and time.monotonic() < deadline and app.poll() is None:
        app.send_signal(0)  # the loop runs once something was kept
        time.sleep(0.05)
    app.send_signal(signal.SIGINT)
    _, errors = app.communicate(timeout=60)
    assert app.returncode == 0 and "Traceback" not in errors


# ---- help, models, simple mode


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
    assert about.isVisible() and any(core.__version__ in each.text() for each in about.findChildren(QLabel))
    about.accept()


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
    assert all(not each.isHidden() for each in window.rail.buttons.values())


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


# ---- closing during training, notifications


@pytest.fixture
def training(window, context, monkeypatch):
    """A job that follows a run; it ends when the run is paused."""
    gate, paused, started = threading.Event(), [], threading.Event()

    def follow(report):
        started.set()
        while not gate.wait(0.01):
            report(Progress(done=1, total=2))

    def pause(path):
        paused.append(path.name)
        gate.set()

    monkeypatch.setattr(context.training, "pause", pause)
    context.jobs.submit("Training run <b>7</b>", follow, key="train:/runs/<b>7<b>")
    assert started.wait(10)
    yield paused
    gate.set()


def question(window):
    [found] = window.findChildren(closing.TrainingQuestion)
    assert found.isVisible()
    return found


def test_closing_during_training_asks_and_esc_stays(window, context, training, qtbot):
    assert not window.close()
    asked = question(window)
    assert not window.close() and question(window) is asked, "one question"
    assert all(each.textFormat() == Qt.TextFormat.PlainText for each in asked.findChildren(QLabel))
    qtbot.keyClick(asked, Qt.Key.Key_Escape)
    assert window.isVisible() and not training and context.jobs.running(), "it stays, and training goes on"


def test_closing_and_letting_training_go_on(window, context, training, qtbot):
    window.close()
    with qtbot.waitSignal(window.closed):
        question(window).goes_on.click()
    assert not training


def test_stopping_training_closes_once_it_has_ended(window, context, training, qtbot):
    window.close()
    with qtbot.waitSignal(window.closed):
        question(window).stops.click()
    assert training == ["<b>7<b>"]


def test_a_signal_closes_without_a_question(window, training, qtbot):
    with qtbot.waitSignal(window.closed):
        window.close_unasked()
    assert not window.findChildren(closing.TrainingQuestion) and not training


class Tray:
    """What the notifier takes of a system tray."""

    there, told = True, []

    def __init__(self, icon, parent):
        self.messageClicked = self.activated = SimpleNamespace(connect=lambda do: None)

    isSystemTrayAvailable = supportsMessages = staticmethod(lambda: Tray.there)

    def show(self):
        self.told.append("shown")

    def hide(self):
        self.told.append("hidden")

    def showMessage(self, title, words):
        self.told.append(words)


@pytest.fixture
def notified(window, monkeypatch):
    """What the user is told while the window is not active: jobs are long at once."""
    told = []
    monkeypatch.setattr(notifications, "LONG", -1.0)
    monkeypatch.setattr(notifications, "QSystemTrayIcon", Tray)
    monkeypatch.setattr(notifications.QApplication, "alert", lambda widget, ms=0: told.append("alert"))
    monkeypatch.setattr(MainWindow, "isActiveWindow", lambda self: False)
    monkeypatch.setattr(Tray, "told", told)
    return told


def run_job(context, qtbot, work=lambda report: None, **kind):
    job = context.jobs.submit("Indexing Holiday", work, on_failed=lambda error: None, **kind)
    qtbot.waitUntil(lambda: job not in context.jobs._running)
    return job


def test_the_end_of_a_long_job_is_told(window, context, qtbot, notified, monkeypatch):
    def fail(report):
        raise StoreError("no")

    run_job(context, qtbot)
    run_job(context, qtbot, fail)
    assert notified == ["shown", "Indexing Holiday: finished", "shown", "Indexing Holiday: failed"]
    window.notifier.window_active()
    assert notified.pop() == "hidden"
    notified.clear()
    monkeypatch.setattr(Tray, "there", False)
    run_job(context, qtbot)
    assert notified == ["alert"]


def test_nothing_is_told_of_quiet_short_and_cancelled_jobs_nor_to_who_is_there(window, context, qtbot, notified,
                                                                              monkeypatch):
    run_job(context, qtbot, quiet=True)
    gate = threading.Event()
    job = context.jobs.submit("Long", lambda report: (gate.wait(10), report(Progress(done=1, total=2))))
    job.cancel()
    gate.set()
    qtbot.waitUntil(lambda: job not in context.jobs._running)
    monkeypatch.setattr(MainWindow, "isActiveWindow", lambda self: True)
    run_job(context, qtbot)
    monkeypatch.setattr(MainWindow, "isActiveWindow", lambda self: False)
    monkeypatch.setattr(notifications, "LONG", 1000.0)
    run_job(context, qtbot)
    assert notified == []
