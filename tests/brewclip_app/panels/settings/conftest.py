"""Fixtures of the Settings screen."""

import pytest

from brewclip_app.context import Context
from brewclip_app.panels.settings.panel import SettingsPanel


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
