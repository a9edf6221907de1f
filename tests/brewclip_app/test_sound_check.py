"""A sound system that crashes or hangs ends a child process, never the program."""

import os
import subprocess
import sys

import pytest

from brewclip_app.capture import sound, sound_check
from brewclip_app.capture.file_intake import Intake
from brewclip_app.capture.push_to_talk import PushToTalk
from brewclip_app.capture.recording import Microphone
from brewclip_app.capture.sound_check import SoundSystemError
from brewclip_app.context import Context
from brewclip_app.panels.search.controller import SearchController
from brewclip_app.panels.search.header import HINT, QueryHeader

ABORTS = """
import os, pathlib, sys
with pathlib.Path({mark!r}).open("a") as mark:
    mark.write("loaded\\n")
print("Assertion 'card >= 0' failed", file=sys.stderr, flush=True)
os.abort()
"""
WORKS = "query_devices = query_hostapis = lambda: []; _terminate = _initialize = lambda: None"


@pytest.fixture
def fake(tmp_path, monkeypatch):
    """Writes a module `sounddevice` that child processes, and this process, load in place of the real one."""
    folder = tmp_path / "fake"
    folder.mkdir()
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(folder), *sys.path]))
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.delitem(sys.modules, "sounddevice", raising=False)
    yield lambda code: (folder / "sounddevice.py").write_text(code)
    sys.modules.pop("sounddevice", None)


@pytest.fixture
def broken(fake, tmp_path):
    """A sound system that aborts; how often it was loaded stands in the file."""
    mark = tmp_path / "mark"
    fake(ABORTS.format(mark=str(mark)))
    return mark


@pytest.mark.slow
def test_a_working_sound_system_passes(fake):
    fake(WORKS)
    sound_check.check()
    assert sound.portaudio().query_devices() == []


def test_a_crash_ends_the_child_and_is_explained(broken):
    with pytest.raises(SoundSystemError, match=r"crashes when it is loaded.*card >= 0.*try again"):
        sound.portaudio()
    assert broken.read_text() == "loaded\n", "and this process never loaded it"


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_the_signal_is_named(broken):
    with pytest.raises(SoundSystemError, match="SIGABRT"):
        sound_check.check()


def test_a_hang_is_ended_and_explained(fake):
    with pytest.raises(SoundSystemError, match="did not answer"):
        sound_check.check([sys.executable, "-c", "import time; time.sleep(600)"], patience=0.2)


def test_a_missing_library_is_left_to_the_program(fake):
    fake("raise OSError('PortAudio library not found')")
    sound_check.check()
    with pytest.raises(OSError, match="PortAudio library"):
        sound.portaudio()


def test_a_child_that_cannot_be_started_is_explained():
    with pytest.raises(SoundSystemError, match="could not be checked"):
        sound_check.check(["/nowhere/python"])


def test_it_is_checked_before_each_start_of_portaudio_and_not_at_each_use(fake, monkeypatch):
    fake(WORKS)
    checks = []
    monkeypatch.setattr(sound_check, "check", lambda: checks.append(1))
    sound.portaudio()
    sound.portaudio()
    assert len(checks) == 1
    sound.portaudio(True)
    assert len(checks) == 2


@pytest.mark.slow
def test_the_window_says_why_and_offers_to_look_again(broken, fake, direct_thread, qtbot, home):
    microphone, context = Microphone(thread=direct_thread), Context(home)
    controller = SearchController(context, PushToTalk(context, microphone=microphone))
    intake = Intake(context, None, recording=controller.add_recording, problem=controller.show_message)
    header = QueryHeader(controller, intake)
    qtbot.addWidget(header)
    header.show()
    assert header.hint.text() == HINT and not header.look_again.isVisible()
    troubles = []
    microphone.failed.connect(lambda kind, sentence: troubles.append(sentence))
    microphone.refresh()
    assert "crashes when it is loaded" in header.hint.text() and header.look_again.isVisible()
    microphone.start()
    assert "crashes when it is loaded" in troubles[0] and microphone.state == "off"
    fake(WORKS)
    header.look_again.click()
    assert "No microphone found" in header.hint.text()
    microphone.close()


@pytest.mark.slow
def test_the_program_opens_with_a_broken_sound_system(broken, tmp_path):
    environment = {**os.environ, "BREWCLIP_HOME": str(tmp_path / "home"), "QT_QPA_PLATFORM": "offscreen"}
    app = subprocess.run([sys.executable, "-m", "brewclip_app", "--panel", "search", "--gallery", "x", "--screenshot",
                          str(tmp_path / "shot.png")], env=environment, capture_output=True, text=True, timeout=120)
    assert app.returncode == 0, app.stderr
    assert broken.exists() and (tmp_path / "shot.png").exists()
