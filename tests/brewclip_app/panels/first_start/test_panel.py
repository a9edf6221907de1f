"""The first page of the Search screen."""

import pytest
from PySide6.QtWidgets import QWidget

from brewclip_app.context import Context
from brewclip_app.panels.first_start import panel as first_start
from brewclip_app.panels.first_start.panel import FirstStart


@pytest.fixture
def context(home, qtbot, monkeypatch):
    monkeypatch.delenv("BREWCLIP_MODELS", raising=False)
    made = Context(home)
    yield made
    assert made.jobs.shutdown(20)
    made.close()


def test_the_first_start_offers_a_folder_the_demo_and_the_weights(context, qtbot, monkeypatch):
    steps = []
    monkeypatch.setattr(first_start, "ask_picture_folder", lambda parent, take: steps.append("folder"))
    monkeypatch.setattr(context.indexing, "make_demo", lambda: steps.append("demo"))
    start = FirstStart(context)
    qtbot.addWidget(start)
    start.choose.click()
    start.demo.click()
    assert steps == ["folder", "demo"]
    assert list(start.weights.rows) == ["whisper-base", "ViT-L-14/openai"]
    assert isinstance(start.words, QWidget) and "search it by speaking" in start.words.title.text()


def test_the_first_start_offers_the_simple_interface_to_people_with_photographs(context, qtbot):
    start = FirstStart(context)
    qtbot.addWidget(start)
    assert start.uses.checkedButton() is None and context.settings["appearance.panels"] == "all"
    start.photographs.click()
    assert context.settings["appearance.panels"] == "simple" and "Search, Library and Settings" in start.shown.text()
    start.research.click()
    assert context.settings["appearance.panels"] == "all" and "all panels" in start.shown.text()
    context.change("appearance.panels", "simple")
    assert start.photographs.isChecked(), "Help or Settings changed it"
    context.change("appearance.panels", "all")
    assert start.research.isChecked()
