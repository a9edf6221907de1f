"""Steps of tests of the Annotate screen: speak, press keys, wait."""

import wave

import numpy as np
from PySide6.QtCore import Qt

from brewclip_app import tasks

WAIT = 60_000
PICTURES = 4
CTRL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier


def settle(panel, qtbot):
    qtbot.waitUntil(lambda: panel.context.jobs.is_idle() and tasks.is_idle(), timeout=WAIT)


def press(panel, qtbot, key, modifier=Qt.KeyboardModifier.NoModifier):
    qtbot.keyClick(panel.focusWidget() or panel, key, modifier)
    settle(panel, qtbot)


def send_tail(panel, peak=0.2):
    while panel.voice.microphone.state == "stopping":
        panel.sound.streams[-1].send(peak, 0.05)
        panel.voice.microphone.drain()


def speak(panel, qtbot, says="a dog", peak=0.3, seconds=1.5):
    """Space is held while something is said; until its words are there."""
    panel.context.explorer.models.parrot.says.append(says)
    qtbot.keyPress(panel, Qt.Key.Key_Space)
    panel.sound.streams[-1].send(peak, seconds)
    panel.voice.microphone.drain()
    assert panel.voice.microphone.state == "recording"
    qtbot.keyRelease(panel, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: panel.voice.microphone.state != "recording", timeout=WAIT)
    send_tail(panel, peak)
    settle(panel, qtbot)


def speak_ahead(panel, qtbot, says="a dog", peak=0.3):
    """As `speak`, while the recogniser is busy: until the recording is on the disk."""
    parrot, awaited = panel.context.explorer.models.parrot, len(panel.controller.state.awaited)
    parrot.gate.clear()
    parrot.says.append(says)
    qtbot.keyPress(panel, Qt.Key.Key_Space)
    panel.sound.streams[-1].send(peak, 1.5)
    panel.voice.microphone.drain()
    qtbot.keyRelease(panel, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: panel.voice.microphone.state != "recording", timeout=WAIT)
    send_tail(panel, peak)
    qtbot.waitUntil(lambda: len(panel.controller.state.awaited) > awaited, timeout=WAIT)
    settle_changes(panel, qtbot)


def settle_changes(panel, qtbot):
    """Until the line is empty; the recogniser may be busy."""
    qtbot.waitUntil(lambda: not panel.controller.serial.busy and not panel.controller.state.saving, timeout=WAIT)


def press_ahead(panel, qtbot, key, modifier=Qt.KeyboardModifier.NoModifier):
    """As `press`, while the recogniser is busy."""
    qtbot.keyClick(panel.focusWidget() or panel, key, modifier)
    settle_changes(panel, qtbot)


def finish_transcribing(panel, qtbot):
    panel.context.explorer.models.parrot.gate.set()
    settle(panel, qtbot)


def tone(path):
    """A second of a sine as a WAV file."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes((8000 * np.sin(np.arange(16_000) * 0.05)).astype(np.int16).tobytes())


def stored_takes(panel, **which):
    controller = panel.controller
    return panel.context.explorer.store.takes(controller.state.gallery.id, **which)


def image_name(panel):
    return panel.controller.state.image.path.name if panel.controller.state.image else None
