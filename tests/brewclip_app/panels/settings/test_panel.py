import os
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QApplication, QCheckBox, QComboBox, QDoubleSpinBox, QLineEdit, QMessageBox, QWidget

from brewclip_app.context import Context
from brewclip_app.panels.first_start.panel import FirstStart
from brewclip_app.panels.settings.panel import SettingsPanel
from brewclip_app.widgets.weights_row import WeightsCard
from core import settings as core_settings
from core import weights
from core.errors import WeightsError
from core.pretrained.weight_table import WEIGHTS
from core.progress import Progress
from core.settings import SETTINGS
from core.store.store import Store


@pytest.fixture
def context(home, qtbot, monkeypatch):
    monkeypatch.delenv("BREWCLIP_MODELS", raising=False)
    made = Context(home)
    yield made
    assert made.jobs.shutdown(20)
    made.close()


@pytest.fixture
def panel(context, qtbot):
    made = SettingsPanel(context)
    qtbot.addWidget(made)
    made.resize(1200, 760)
    made.show()
    return made


def test_every_declared_setting_has_a_control_with_a_name(panel):
    assert set(panel.rows) == {setting.key for setting in SETTINGS}
    for line in panel.rows.values():
        target = line.control.focusProxy() or line.control
        assert target.accessibleName() == line.setting.label
        assert line.help.text() == line.setting.help


@pytest.mark.parametrize(("key", "kind"), [("appearance.theme", QComboBox), ("search.keep_history", QCheckBox),
                                           ("search.top", QDoubleSpinBox)])
def test_the_kind_decides_the_control(panel, key, kind):
    assert isinstance(panel.rows[key].control, kind)


def test_a_change_applies_at_once_is_marked_and_goes_back(panel, context, qtbot):
    line = panel.rows["vision.crop"]
    assert not line.reset.isVisibleTo(panel)
    with qtbot.waitSignal(context.settings_changed) as told:
        line.control.setCurrentIndex(1)
    assert told.args[0]["vision.crop"] == "letterbox"
    assert line.reset.isVisibleTo(panel) and line.name.property("look") == "changed"
    line.reset.click()
    assert context.settings["vision.crop"] == "centre" and line.control.currentIndex() == 0
    assert line.name.property("look") == ""


def test_a_number_keeps_its_type_and_bounds(panel, context):
    control = panel.rows["search.top"].control
    control.setValue(99_999)
    assert context.settings["search.top"] == 5000 and isinstance(context.settings["search.top"], int)


def test_a_folder_can_be_typed(panel, context, qtbot):
    field = panel.rows["weights.folder"].control.findChild(QLineEdit)
    field.setText("/somewhere/weights ")
    qtbot.keyClick(field, Qt.Key.Key_Return)
    assert context.settings["weights.folder"] == "/somewhere/weights"


def test_the_trained_model_is_chosen_among_what_ships_and_ones_own_runs(context, home, qtbot, tmp_path):
    (home.runs / "mine" / "best").mkdir(parents=True)
    (home.runs / "mine" / "best" / "run.json").write_text("{}")
    (home.runs / "begun").mkdir()
    made = SettingsPanel(context)
    qtbot.addWidget(made)
    line = made.rows["vision.model"]
    combo = line.control.findChild(QComboBox)
    assert [combo.itemText(row) for row in range(combo.count())] == [
        "Included model", "None (zero-shot)", "Run mine"]
    combo.setCurrentIndex(2)
    assert context.settings["vision.model"] == str(home.runs / "mine")
    line.change(str(tmp_path / "elsewhere"))
    assert combo.currentText() == "elsewhere" and combo.toolTip() == str(tmp_path / "elsewhere")
    line.reset.click()
    assert context.settings["vision.model"] == "auto" and combo.currentIndex() == 0


def test_changes_are_on_disk_after_a_moment(panel, context, qtbot, home):
    panel.rows["search.keep_history"].control.setChecked(False)
    qtbot.waitUntil(home.settings.exists, timeout=5000)
    assert core_settings.load(home.settings)["search.keep_history"] is False


def test_settings_that_cannot_be_saved_are_said(context, qtbot, home):
    home.settings.mkdir(parents=True)  # a folder where the file should be
    with qtbot.waitSignal(context.failed, timeout=5000) as failed:
        context.change("search.top", 100)
    assert "could not be saved" in str(failed.args[0])
    home.settings.rmdir()


def test_settings_that_embed_again_say_so(panel):
    assert {key for key, line in panel.rows.items() if line.warning.isVisibleTo(panel)} == {
        setting.key for setting in SETTINGS if setting.reembeds}


def test_the_search_shows_only_what_fits(panel):
    panel.search.setText("translate")
    assert [key for key, line in panel.rows.items() if line.isVisibleTo(panel)] == ["speech.translate"]
    assert [name for name, card in panel.groups.items() if card.isVisibleTo(panel)] == ["Speech"]
    panel.search.clear()
    assert all(card.isVisibleTo(panel) for card in panel.groups.values())


def test_the_wheel_over_a_control_changes_nothing(panel, context):
    control = panel.rows["search.top"].control
    panel.search.setFocus()
    place = QPointF(5, 5)
    event = QWheelEvent(place, place, place.toPoint(), QPointF(0, 120).toPoint(), Qt.MouseButton.NoButton,
                        Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False)
    QApplication.sendEvent(control, event)
    assert context.settings["search.top"] == 250


def test_one_column_when_it_is_narrow(panel, qtbot):
    wide = panel.groups["Images"].mapTo(panel, panel.groups["Images"].rect().topLeft()).x()
    panel.resize(900, 700)
    qtbot.waitUntil(lambda: panel.groups["Images"].mapTo(panel, panel.groups["Images"].rect().topLeft()).x() < wide)


def test_every_control_can_be_reached_with_tab(panel, qtbot):
    seen, widget = set(), panel.search
    for _ in range(300):
        widget = widget.nextInFocusChain()
        seen.add(widget)
    wanted = [line.control.focusProxy() or line.control for line in panel.rows.values()]
    assert all(control in seen and control.focusPolicy() & Qt.FocusPolicy.TabFocus for control in wanted)


# ---- weights


@pytest.fixture
def card(context, qtbot):
    made = WeightsCard(context)
    qtbot.addWidget(made)
    made.show()
    with qtbot.waitSignal(context.downloads.changed, timeout=20_000):
        context.downloads.refresh()
    return made


def test_each_of_the_weights_has_a_row_with_what_it_is(card):
    assert list(card.rows) == [each.name for each in WEIGHTS]
    mini = next(each for each in WEIGHTS if each.bundled)
    assert card.rows[mini.name].state.text() == "comes with the program"
    assert not card.rows[mini.name].get.isVisibleTo(card)
    assert card.rows["whisper-base"].get.isVisibleTo(card)


def test_a_download_shows_bytes_can_be_stopped_and_begun_again(card, context, qtbot, monkeypatch):
    line, gate = card.rows["whisper-base"], threading.Event()

    def fetch(name, home, folder, report):
        while not gate.is_set():
            report(Progress(done=90_000_000, total=145_000_000, subject="Whisper base from somewhere"))
        return Path("/whisper")

    monkeypatch.setattr(weights, "fetch", fetch)
    line.get.click()
    qtbot.waitUntil(lambda: line.progress.detail.text().startswith("90 of 145 MB"), timeout=5000)
    assert line.progress.cancel.isVisibleTo(card) and not line.get.isVisibleTo(card)
    line.progress.cancel.click()
    qtbot.waitUntil(lambda: line.get.isVisibleTo(card), timeout=5000)
    assert not line.error.isVisibleTo(card)
    line.get.click()
    gate.set()
    with qtbot.waitSignal(context.downloads.fetched, timeout=5000):
        pass
    assert line.state.text() == "on this computer"


def test_a_failed_download_says_why_and_offers_another_try(card, context, qtbot, monkeypatch):
    def fetch(name, home, folder, report):
        raise WeightsError("The host does not answer. Nothing was changed; try again.\nhost: a.b\nreason: timed out")

    monkeypatch.setattr(weights, "fetch", fetch)
    line = card.rows["whisper-base"]
    line.get.click()
    qtbot.waitUntil(lambda: line.error.isVisibleTo(card), timeout=5000)
    assert line.error.text() == "The host does not answer. Nothing was changed; try again."
    assert line.get.text() == "Try again"
    line.fold.click()
    assert line.details.isVisibleTo(card) and "timed out" in line.details.text()


def test_the_first_start_offers_a_folder_the_demo_and_the_weights(context, qtbot):
    start = FirstStart(context)
    qtbot.addWidget(start)
    with qtbot.waitSignal(start.choose_folder):
        start.choose.click()
    with qtbot.waitSignal(start.open_demo):
        start.demo.click()
    assert list(start.weights.rows) == ["whisper-base", "ViT-L-14/openai"]
    assert isinstance(start.words, QWidget) and "say what you look for" in start.words.title.text()


# ---- privacy

def spoken(home, text="a dog", nbytes=2000):
    """A query with its recording, in the store of the home, and a cached thumbnail."""
    recording = home.recordings / f"{text[-3:]}.flac"
    cached = home.caches / "thumbnails" / "ab" / "a.jpg"
    store = Store.open(home.store)
    for path in (recording, cached):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(bytes(nbytes))
    store.add_query("Holidays", text, "speech", recording)
    store.close()
    return recording, cached


def measured(panel, qtbot):
    panel.activated()
    qtbot.waitUntil(lambda: "Measuring" not in panel.privacy.history.text(), timeout=20_000)
    return panel.privacy


def answered(box, text):
    next(button for button in box.buttons() if button.text() == text).click()


def test_the_space_that_is_taken_is_shown(panel, home, qtbot):
    privacy = measured(panel, qtbot)
    assert not (privacy.clear_history.isEnabled() or privacy.clear_caches.isEnabled())
    spoken(home)
    privacy.refresh()
    qtbot.waitUntil(privacy.clear_history.isEnabled, timeout=20_000)
    assert privacy.history.text() == "History: 1 query, 1 recording (2 kB) and 0 transcripts (0 bytes)"
    assert privacy.caches.text() == "Caches: 2 kB"


def test_the_history_is_cleared_after_a_question_that_says_what_goes(panel, home, qtbot):
    recording, cached = spoken(home)
    privacy = measured(panel, qtbot)
    for answer, left in (("Cancel", True), ("Clear history", False)):
        privacy.clear_history.click()
        [box] = privacy.findChildren(QMessageBox)
        assert "1 query, 1 recording (2 kB)" in box.informativeText() and "Annotations" in box.informativeText()
        answered(box, answer)
        qtbot.waitUntil(lambda: not privacy.findChildren(QMessageBox))
        if not left:
            qtbot.waitUntil(lambda: "0 queries" in privacy.history.text(), timeout=20_000)
        assert recording.exists() == left
    assert cached.exists() and not privacy.clear_history.isEnabled() and privacy.clear_caches.isEnabled()


def test_the_caches_are_cleared_after_a_question(panel, home, qtbot):
    recording, cached = spoken(home)
    privacy = measured(panel, qtbot)
    privacy.clear_caches.click()
    [box] = privacy.findChildren(QMessageBox)
    assert "2 kB" in box.informativeText()
    answered(box, "Clear caches")
    qtbot.waitUntil(lambda: privacy.caches.text() == "Caches: 0 bytes", timeout=20_000)
    assert recording.exists() and not cached.exists()


def test_a_store_that_cannot_be_read_is_said_in_place_of_the_space(panel, home, qtbot):
    home.root.mkdir(exist_ok=True)
    home.store.write_bytes(b"no store at all" * 100)
    privacy = measured(panel, qtbot)
    assert "not a store" in privacy.history.text() and not privacy.clear_history.isEnabled()


def test_esc_empties_the_search_and_leaves_it(panel, qtbot):
    panel.show()
    panel.search.setFocus()
    qtbot.keyClicks(panel.search, "theme")
    qtbot.waitUntil(lambda: not panel.groups["Privacy"].isVisible())
    qtbot.keyClick(panel.search, Qt.Key.Key_Escape)
    assert not panel.search.text() and panel.groups["Privacy"].isVisible() and panel.search.hasFocus()
    qtbot.keyClick(panel.search, Qt.Key.Key_Escape)
    assert not panel.search.hasFocus()


def test_a_search_finds_the_rows_of_privacy(panel):
    panel.search.setText("clear caches")
    assert panel.privacy.isVisibleTo(panel)
    assert [name for name, card in panel.groups.items() if card.isVisibleTo(panel)] == ["Privacy"]
    panel.search.setText("translate")
    assert not panel.privacy.isVisibleTo(panel)


def test_0_days_reads_as_never(panel, context):
    line = panel.rows["search.history_days"]
    assert line.control.text() == "Never"
    line.control.setValue(30)
    assert line.control.text() == "30 days" and context.settings["search.history_days"] == 30
    assert "Never" in line.reset.toolTip()


def test_a_start_tidies_up(context, home, qtbot):
    recording, _ = spoken(home)
    stray = recording.with_name(f"{'ab' * 32}.flac")
    stray.write_bytes(b"fLaC")
    os.utime(stray, (2000, 2000))
    with closing(sqlite3.connect(home.store)) as connection:
        connection.execute("PRAGMA user_version=1000")  # as if the store had been there long before
    context.tidy_up()
    qtbot.waitUntil(lambda: not stray.exists(), timeout=20_000)
    assert recording.exists()
    qtbot.waitUntil(context.jobs.is_idle)


def test_a_home_that_cannot_be_tidied_is_only_logged(context, home, qtbot, caplog):
    home.root.mkdir(exist_ok=True)
    home.store.write_bytes(b"no store at all" * 100)
    with qtbot.assertNotEmitted(context.failed), qtbot.assertNotEmitted(context.jobs.job_failed):
        context.tidy_up()
        qtbot.waitUntil(context.jobs.is_idle, timeout=20_000)
    assert "could not be tidied up" in caplog.text
