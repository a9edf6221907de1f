"""Rows and search of the Settings screen."""

import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QApplication, QCheckBox, QComboBox, QDoubleSpinBox, QLineEdit

from brewclip_app.panels.settings.panel import SettingsPanel
from core import settings as core_settings
from core.settings import SETTINGS


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
        line.control.setCurrentIndex(2)
    assert told.args[0]["vision.crop"] == "letterbox"
    assert line.reset.isVisibleTo(panel) and line.name.property("look") == "changed"
    line.reset.click()
    assert context.settings["vision.crop"] == "auto" and line.control.currentIndex() == 0
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


@pytest.mark.slow
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
    wide = panel.groups["Privacy"].mapTo(panel, panel.groups["Privacy"].rect().topLeft()).x()
    panel.resize(900, 700)
    qtbot.waitUntil(lambda: panel.groups["Privacy"].mapTo(panel, panel.groups["Privacy"].rect().topLeft()).x() < wide)


@pytest.mark.slow
def test_every_control_can_be_reached_with_tab(panel, qtbot):
    seen, widget = set(), panel.search
    for _ in range(300):
        widget = widget.nextInFocusChain()
        seen.add(widget)
    wanted = [line.control.focusProxy() or line.control for line in panel.rows.values()]
    assert all(control in seen and control.focusPolicy() & Qt.FocusPolicy.TabFocus for control in wanted)


def test_a_column_without_a_match_leaves_its_room(panel):
    panel.resize(1200, 700)
    panel.search.setText("cach")
    assert [panel._both.stretch(place) for place in (0, 1)] == [0, 1]
    panel.search.clear()
    assert [panel._both.stretch(place) for place in (0, 1)] == [1, 1]


def test_esc_empties_the_search_and_leaves_it(panel, qtbot):
    panel.show()
    panel.search.setFocus()
    qtbot.keyClicks(panel.search, "theme")
    qtbot.waitUntil(lambda: not panel.groups["Privacy"].isVisible())
    qtbot.keyClick(panel.search, Qt.Key.Key_Escape)
    assert not panel.search.text() and panel.groups["Privacy"].isVisible() and panel.search.hasFocus()
    qtbot.keyClick(panel.search, Qt.Key.Key_Escape)
    assert not panel.search.hasFocus()
