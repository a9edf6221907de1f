"""The card of model weights: rows, downloads, errors."""

import threading
from pathlib import Path

import pytest

from brewclip_app.context import Context
from brewclip_app.widgets.weights_row import WeightsCard
from core import weights
from core.errors import WeightsError
from core.pretrained.weight_table import WEIGHTS
from core.progress import Progress


@pytest.fixture
def context(home, qtbot, monkeypatch):
    monkeypatch.delenv("BREWCLIP_MODELS", raising=False)
    made = Context(home)
    yield made
    assert made.jobs.shutdown(20)
    made.close()


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
    qtbot.waitUntil(lambda: line.state.text() == "on this computer", timeout=5000)
    assert context.downloads.state.path("whisper-base") == Path("/whisper")


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
