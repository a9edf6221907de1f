"""The waveform and the record button: what they draw and tell."""

import pytest
from PySide6.QtCore import QPoint, Qt

from brewclip_app import theme
from brewclip_app.widgets.record_button import SEARCHING, RecordButton
from brewclip_app.widgets.waveform import STEP, WaveformView


@pytest.fixture
def view(qtbot):
    made = WaveformView()
    qtbot.addWidget(made)
    made.resize(400, 40)
    made.show()
    return made


def test_live_levels_scroll(view):
    view.add_level(0.9)
    assert view.bars() == [], "not recording"
    view.start_live()
    for level in (0.1, 0.5, 0.2):
        view.add_level(level)
    assert view.bars() == pytest.approx([0.1, 0.5, 0.2])
    assert not view.grab().isNull()


def test_a_whole_utterance_fills_the_width(view, tone):
    view.show_waveform(tone)
    assert len(view.bars()) == 400 // STEP and max(view.bars()) == pytest.approx(1)
    view.resize(200, 40)
    assert len(view.bars()) == 200 // STEP


def test_a_click_seeks(view, tone, qtbot):
    view.show_waveform(tone)
    with qtbot.waitSignal(view.sought) as sought:
        qtbot.mouseClick(view, Qt.MouseButton.LeftButton, pos=QPoint(100, 20))
    assert sought.args[0] == pytest.approx(0.5, abs=0.02)


def test_arrows_seek_and_stay_inside(view, tone, qtbot):
    view.show_waveform(tone)
    view.set_cursor(1.9)
    with qtbot.waitSignal(view.sought, check_params_cb=lambda at: at == pytest.approx(2.0)):
        qtbot.keyClick(view, Qt.Key.Key_Right)


def test_an_empty_one_takes_no_clicks_or_focus(view, tone, qtbot):
    view.show_waveform(tone)
    view.clear()
    with qtbot.assertNotEmitted(view.sought):
        qtbot.mouseClick(view, Qt.MouseButton.LeftButton, pos=QPoint(100, 20))
    assert view.focusPolicy() == Qt.FocusPolicy.NoFocus and view.cursor_seconds is None


def test_the_cursor_parts_played_from_unplayed(view, tone):
    view.show_waveform(tone)
    before = view.grab().toImage()
    view.set_cursor(1.0)
    assert view.grab().toImage() != before


def test_the_sign_on_red_has_the_colour_for_it(qtbot, qapp, monkeypatch):
    monkeypatch.setattr(theme.theme, "side", 1)  # dark: there the sign on violet is dark
    button = RecordButton()
    qtbot.addWidget(button)
    button.show_state("recording")
    assert button.grab().toImage().pixelColor(button.rect().center()).name() == theme.COLOURS["on_record"][1]


@pytest.mark.parametrize("state", list(SEARCHING))
def test_every_state_of_the_record_button_looks_and_reads_its_own(qtbot, state):
    button = RecordButton()
    qtbot.addWidget(button)
    idle = button.grab().toImage()
    button.show_state(state)
    assert button.accessibleDescription() == SEARCHING[state]
    if state not in ("off", "ready"):
        assert button.grab().toImage() != idle


def test_the_ring_follows_the_level_only_while_recording(qtbot):
    button = RecordButton()
    qtbot.addWidget(button)
    button.show_level(1.0)
    still = button.grab().toImage()
    button.show_state("recording")
    silent = button.grab().toImage()
    button.show_level(1.0)
    assert button.grab().toImage() != silent
    button.show_state("ready")
    assert button.grab().toImage() == still


def test_mouse_and_enter_press_and_let_go(qtbot):
    button = RecordButton()
    qtbot.addWidget(button)
    told = []
    button.pressed_down.connect(lambda: told.append("down"))
    button.let_go.connect(lambda: told.append("up"))
    qtbot.mousePress(button, Qt.MouseButton.LeftButton)
    qtbot.mouseRelease(button, Qt.MouseButton.LeftButton)
    qtbot.keyClick(button, Qt.Key.Key_Return)
    assert told == ["down", "up"] * 2
    button.setEnabled(False)
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    assert len(told) == 4
