"""Full disks, missing models and microphones, crashes and closing."""

import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt

from brewclip_app.panels.annotate.controller import NOT_SAVED
from brewclip_app.panels.annotate.level_meter import LevelMeter
from brewclip_app.panels.annotate.panel import AnnotatePanel
from brewclip_app.panels.annotate.take_player import Playback
from core.audio import from_samples
from core.errors import WeightsError
from tests.brewclip_app.panels.annotate.steps import (
    image_name,
    press,
    settle,
    speak,
    stored_takes,
    tone,
)

pytestmark = pytest.mark.slow

REPOSITORY = Path(__file__).resolve().parents[4]


def test_the_first_screen_says_that_it_reads_and_why_that_failed(make_panel, context, gallery, qtbot, monkeypatch):
    context.jobs.hold()
    panel = AnnotatePanel(context)
    qtbot.addWidget(panel, before_close_func=lambda made: made.closing())
    panel.activated()
    assert panel.pages.currentWidget() is panel.reading and panel.reading.title.text() == "Reading the gallery…"
    with monkeypatch.context() as broken:
        broken.setattr("brewclip_app.panels.annotate.controller.read_gallery", lambda *arguments: 1 / 0)
        with qtbot.waitSignal(panel.failed):
            context.jobs.release()
    assert panel.reading.title.text() == "The gallery could not be read"
    panel.reading.again.click()
    settle(panel, qtbot)
    assert panel.pages.currentWidget() is panel.page


def test_a_full_disk_keeps_the_recording_in_memory_until_there_is_room(panel, qtbot, monkeypatch):
    def full(handle):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as no_room:
        no_room.setattr("core.private_files.os.fsync", full)
        speak(panel, qtbot, "a dog")
        [(error, safe)] = panel.failures
        assert "No space left" in str(error) and "Enter" in safe and stored_takes(panel) == []
        assert panel.page.recording.hint.text() == NOT_SAVED
        press(panel, qtbot, Qt.Key.Key_Right)
        assert image_name(panel) == "a.png", "it stays until the recording is kept or forgotten"
        press(panel, qtbot, Qt.Key.Key_Return)
        assert stored_takes(panel) == [] and panel.controller.state.unsaved is not None
    press(panel, qtbot, Qt.Key.Key_Return)
    assert len(stored_takes(panel)) == 1 and panel.controller.state.unsaved is None
    press(panel, qtbot, Qt.Key.Key_Return)
    assert stored_takes(panel)[0].state == "done" and image_name(panel) == "b.png"


def test_closing_tries_once_more_to_write_what_could_not_be_written(make_panel, context, gallery, qtbot, home):
    panel = make_panel(context)
    home.takes.write_text("in the way")
    speak(panel, qtbot)
    assert panel.controller.state.unsaved is not None
    home.takes.unlink()
    panel.closing()
    assert len(stored_takes(panel)) == 1


def test_a_recording_that_cannot_be_kept_may_be_forgotten(panel, qtbot, monkeypatch, home):
    home.takes.write_text("in the way")
    speak(panel, qtbot)
    assert panel.controller.state.unsaved is not None
    press(panel, qtbot, Qt.Key.Key_Delete)
    press(panel, qtbot, Qt.Key.Key_Right)
    assert image_name(panel) == "b.png" and stored_takes(panel) == []


def test_without_a_microphone_it_says_so(make_panel, context, gallery, sound, qtbot):
    sound.names.clear()
    panel = make_panel(context)
    assert "No microphone found" in panel.page.recording.hint.text()
    qtbot.keyClick(panel, Qt.Key.Key_Space)
    settle(panel, qtbot)
    assert "No microphone found" in panel.page.message.text() and stored_takes(panel) == []


def test_a_recording_may_come_from_a_file_and_a_broken_one_is_said(panel, qtbot, tmp_path):
    (tmp_path / "broken.wav").write_bytes(b"no sound at all")
    panel.intake.read_recording(tmp_path / "broken.wav")
    settle(panel, qtbot)
    assert panel.page.message.text() and stored_takes(panel) == []
    tone(tmp_path / "said.wav")
    panel.intake.read_recording(tmp_path / "said.wav")
    settle(panel, qtbot)
    assert [take.text for take in stored_takes(panel)] == ["a dog"] and panel.page.caption.text.text() == "a dog"


def test_without_the_model_that_hears_words_are_typed(panel, qtbot, monkeypatch):
    def missing(*_):
        raise WeightsError("Whisper base is not on this computer.", "missing")

    monkeypatch.setattr(panel.context.explorer.models, "recogniser", missing)
    speak(panel, qtbot)
    assert "type the caption" in panel.page.message.text() and len(stored_takes(panel)) == 1
    press(panel, qtbot, Qt.Key.Key_E)
    qtbot.keyClicks(panel.page.caption.text, "a dog")
    press(panel, qtbot, Qt.Key.Key_Return)
    assert [(take.text, take.state) for take in stored_takes(panel)] == [("a dog", "done")]


def test_only_noise_gives_a_reason_and_no_caption(panel, qtbot):
    speak(panel, qtbot, "")
    assert panel.page.caption.note.text() == "Only noise was heard."
    press(panel, qtbot, Qt.Key.Key_Return)
    assert image_name(panel) == "a.png" and "needs words" in panel.page.message.text()


def test_a_recording_that_is_gone_is_said(panel, qtbot, home):
    speak(panel, qtbot)
    press(panel, qtbot, Qt.Key.Key_Return)
    for path in home.takes.iterdir():
        path.unlink()
    panel.player.state = Playback()  # as after a restart
    press(panel, qtbot, Qt.Key.Key_Left)
    assert panel.page.message.text() and stored_takes(panel)[0].text == "a dog"


@pytest.mark.parametrize(("peak", "words"), [(1.0, "clipped"), (0.03, "Quiet")])
def test_level_is_warned_of_and_kept_with_the_take(panel, qtbot, peak, words):
    speak(panel, qtbot, peak=peak)
    assert words in stored_takes(panel)[0].warning or "loud" in stored_takes(panel)[0].warning
    assert panel.page.recording.hint.text() == stored_takes(panel)[0].warning


def test_the_level_meter_tells_quiet_good_and_loud(qtbot):
    meter = LevelMeter()
    qtbot.addWidget(meter)
    assert meter.verdict == ""
    for peak, verdict in ((0.01, "quiet"), (0.3, "good"), (0.99, "loud")):
        meter.clear()
        meter.add_level(peak)
        assert meter.verdict == verdict


def test_closing_at_once_keeps_the_take(make_panel, context, gallery):
    panel = make_panel(context)
    context.jobs.hold()  # every thread is busy: nothing is written yet
    panel.controller.record(from_samples(np.full(16_000, 0.2, np.float32), 16_000))
    assert panel.controller.state.saving == 1 and stored_takes(panel) == []
    panel.closing()
    assert len(stored_takes(panel)) == 1 and stored_takes(panel)[0].recording.exists()


CHILD = """
import os, signal, sys
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
import numpy as np
app = QApplication([])
from tests.core.annotation.models import TwoModels
from brewclip_app import qt_imports
from brewclip_app.context import Context
from brewclip_app.panels.annotate.panel import AnnotatePanel
from core.audio import from_samples
from core.explorer import Explorer
from core.home import find_home
from core.settings import Settings
home = find_home()
qt_imports.start()
context = Context(home, Explorer(home, Settings(), TwoModels(home)))
context.set_gallery("Holiday")
panel = AnnotatePanel(context)
panel.controller.open()
def until(true):
    while not true():
        QTest.qWait(5)
until(lambda: panel.controller.state.image is not None)
voice = from_samples(0.3 * np.sin(np.arange(16_000) * 0.05).astype(np.float32), 16_000)
panel.controller.record(voice, "")
until(lambda: panel.controller.state.current_take and panel.controller.state.current_take.heard)
panel.controller.confirm("a dog")
until(lambda: panel.controller.state.image.path.name == "b.png" and not panel.controller.serial.busy)
panel.controller.record(from_samples(voice.samples * 0.5, 16_000), "")
until(lambda: panel.controller.state.current_take is not None)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_killed_window_goes_on_at_the_same_picture_with_every_take(make_panel, context, gallery, qtbot, home):
    child = subprocess.run([sys.executable, "-c", CHILD], cwd=REPOSITORY, timeout=120, check=False,
                           capture_output=True, text=True)
    assert child.returncode == -signal.SIGKILL, child.stderr
    panel = make_panel(context)
    assert image_name(panel) == "b.png" and panel.controller.state.speaker.name == "M.K."
    assert [take.state for take in stored_takes(panel)] == ["done", "draft"]
    assert all(take.recording.exists() for take in stored_takes(panel))
    assert panel.controller.state.current_take.heard, "what the kill left unheard is heard now"
    press(panel, qtbot, Qt.Key.Key_Return)
    assert image_name(panel) == "c.png"


def test_two_windows_on_one_store_lose_nothing(make_panel, make_context, context, gallery, qtbot):
    first, second = make_panel(context), make_context()
    second.set_gallery("Holiday")
    other = make_panel(second)
    for number, panel in enumerate((first, other)):
        speak(panel, qtbot, f"a dog {number}", peak=0.3 + 0.1 * number)
    for panel in (first, other):
        press(panel, qtbot, Qt.Key.Key_Return)
    assert [take.text for take in stored_takes(first)] == ["a dog 0", "a dog 1"]
    first.activated()
    settle(first, qtbot)
    assert len(first.controller.state.takes) == 2 and first.failures == other.failures == []
