"""A Search panel over an explorer that answers at once."""

import pytest

from brewclip_app.capture.push_to_talk import PushToTalk
from brewclip_app.capture.recording import Microphone
from brewclip_app.context import Context
from brewclip_app.panels.search.panel import SearchPanel
from tests.brewclip_app.panels.search.helpers import FakeExplorer


@pytest.fixture
def explorer(make_hit):
    made = FakeExplorer(make_hit)
    yield made
    made.gate.set()


@pytest.fixture
def context(qapp, home, explorer):
    made = Context(home, explorer)
    made.set_gallery("Flickr")
    yield made
    explorer.gate.set()
    made.jobs.shutdown()


@pytest.fixture
def panel(qtbot, context, sound, direct_thread, monkeypatch):
    microphone = Microphone(sound=sound, thread=direct_thread)
    monkeypatch.setattr(PushToTalk, "watch", lambda self: self.microphone.refresh())
    made = SearchPanel(context, PushToTalk(context, microphone=microphone))
    qtbot.addWidget(made)
    made.resize(1180, 740)
    made.said = []
    made.status_changed.connect(made.said.append)
    made.show()
    made.activateWindow()
    qtbot.waitUntil(made.isActiveWindow)
    made.activated()
    qtbot.waitUntil(lambda: made.controller.state.gallery is not None)
    microphone.refresh()
    yield made
    made.closing()
