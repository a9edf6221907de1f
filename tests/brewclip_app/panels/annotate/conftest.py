"""Fixtures of the Annotate screen: the real core with models of a few lines, and a microphone that the test plays."""

import threading

import pytest
from PIL import Image

from brewclip_app import tasks
from brewclip_app.capture import push_to_talk, recording
from brewclip_app.capture.push_to_talk import PushToTalk
from brewclip_app.capture.recording import Microphone
from brewclip_app.context import Context
from brewclip_app.panels.annotate.panel import AnnotatePanel
from core.annotation import takes
from core.explorer import Explorer
from core.settings import Settings
from tests.brewclip_app.panels.annotate.steps import PICTURES, WAIT, settle
from tests.core.annotation.models import TwoModels


@pytest.fixture
def folder(tmp_path):
    place = tmp_path / "pictures"
    place.mkdir()
    for number in range(PICTURES):
        Image.new("RGB", (60, 40), (60 * number, 90, 120)).save(place / f"{chr(97 + number)}.png")
    return place


@pytest.fixture
def make_context(home):
    """Makes contexts on one home, as two windows would have."""
    made = []

    def make():
        made.append(Context(home, Explorer(home, Settings(), TwoModels(home))))
        return made[-1]

    yield make
    for context in made:
        context.explorer.models.parrot.gate.set()
        assert context.jobs.shutdown(20)
        context.close()


@pytest.fixture
def context(make_context):
    return make_context()


@pytest.fixture
def gallery(context, folder):
    """A gallery of four pictures, and someone who speaks."""
    context.explorer.index(folder, "Holiday")
    context.explorer.store.add_speaker("M.K.", "en", "agreed")
    context.set_gallery("Holiday")
    return context.explorer.store.gallery("Holiday")


@pytest.fixture
def make_panel(sound, direct_thread, qtbot, monkeypatch):
    """Makes panels whose microphone is the test's; a tap of any length is a held key."""
    monkeypatch.setattr(push_to_talk, "TAP", -1.0)  # the timer of a held key may fire some ms early
    monkeypatch.setattr(recording, "SHORTEST", 0.0)
    made = []

    def close(panel):
        panel.closing()
        panel.context.explorer.models.parrot.gate.set()
        panel.context.jobs.cancel_all()
        qtbot.waitUntil(tasks.is_idle, timeout=WAIT)

    def make(context):
        own = sound if not made else type(sound)()
        panel = AnnotatePanel(context, PushToTalk(context, None, Microphone(sound=own, thread=direct_thread)))
        panel.sound = own
        panel.voice.setParent(panel)
        made.append(panel)
        qtbot.addWidget(panel, before_close_func=close)
        panel.failures = []
        panel.failed.connect(lambda error, safe: panel.failures.append((error, safe)))
        panel.resize(1150, 720)
        panel.show()
        panel.voice.microphone.refresh()
        panel.setFocus()  # as the window does
        panel.activated()
        settle(panel, qtbot)
        return panel

    yield make


@pytest.fixture
def panel(make_panel, context, gallery):
    return make_panel(context)


@pytest.fixture
def slow_disk(monkeypatch):
    """Recordings are not written until this event is set."""
    gate, write = threading.Event(), takes.write
    monkeypatch.setattr(takes, "write", lambda *recording: (gate.wait(60), write(*recording))[1])
    yield gate
    gate.set()
