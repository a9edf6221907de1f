"""Downloads of weights without widgets."""

import threading
from pathlib import Path

import pytest

from brewclip_app import tasks
from brewclip_app.base_context import BaseContext
from brewclip_app.services.downloads import Downloads
from core import weights
from core.errors import WeightsError
from core.progress import Progress

NAME = "whisper-base"
WAIT = 20_000


@pytest.fixture
def context(home, qtbot, monkeypatch):
    monkeypatch.delenv("BREWCLIP_MODELS", raising=False)
    made = BaseContext(home)
    yield made
    assert made.jobs.shutdown(20)
    made.close()


@pytest.fixture
def downloads(context):
    return Downloads(context)


def settle(downloads, qtbot):
    qtbot.waitUntil(lambda: downloads.parent().jobs.is_idle() and tasks.is_idle(), timeout=WAIT)


def test_before_the_disk_was_read_nothing_is_called_missing(downloads, qtbot, monkeypatch):
    monkeypatch.setattr(weights, "find", lambda name, home, folder: Path("/whisper") if name == NAME else None)
    assert downloads.state.files is None and downloads.state.path(NAME) is None
    downloads.refresh()
    settle(downloads, qtbot)
    assert downloads.state.path(NAME) == Path("/whisper")
    assert set(downloads.state.files) == {row.name for row in downloads.table()}


def test_the_disk_is_read_again_when_the_folder_of_weights_changes(downloads, context, qtbot, monkeypatch, tmp_path):
    monkeypatch.setattr(weights, "find", lambda name, home, folder: Path(folder) / name if folder else None)
    downloads.refresh()
    settle(downloads, qtbot)
    assert downloads.state.path(NAME) is None
    context.change("weights.folder", str(tmp_path))
    settle(downloads, qtbot)
    assert downloads.state.path(NAME) == tmp_path / NAME


def test_a_download_reports_its_progress_and_ends_with_the_file(downloads, qtbot, monkeypatch):
    gate, fetched = threading.Event(), []

    def fetch(name, home, folder, report):
        fetched.append(name)
        while not gate.is_set():
            report(Progress(done=90_000_000, total=145_000_000))
        return Path("/whisper")

    monkeypatch.setattr(weights, "fetch", fetch)
    downloads.start(NAME)
    downloads.start(NAME)  # it is being downloaded: ignored
    assert NAME in downloads.state.running and downloads.amount(NAME) == ""
    qtbot.waitUntil(lambda: downloads.amount(NAME).startswith("90 of 145"), timeout=WAIT)
    gate.set()
    settle(downloads, qtbot)
    assert downloads.state.running == {} and downloads.state.path(NAME) == Path("/whisper") and fetched == [NAME]


def test_a_stopped_download_is_no_error(downloads, qtbot, monkeypatch):
    def fetch(name, home, folder, report):
        while True:
            report(Progress(done=1, total=145_000_000))

    monkeypatch.setattr(weights, "fetch", fetch)
    downloads.start(NAME)
    qtbot.waitUntil(lambda: downloads.amount(NAME) != "", timeout=WAIT)
    downloads.cancel(NAME)
    settle(downloads, qtbot)
    assert downloads.state.running == {} and downloads.state.errors == {} and downloads.state.path(NAME) is None


def test_an_error_stays_until_the_next_try(downloads, qtbot, monkeypatch):
    error = WeightsError("The host does not answer.")

    def fetch(name, home, folder, report):
        raise error

    monkeypatch.setattr(weights, "fetch", fetch)
    with qtbot.assertNotEmitted(downloads.failed):  # its row shows the error
        downloads.start(NAME)
        settle(downloads, qtbot)
    assert downloads.state.errors == {NAME: error}
    monkeypatch.setattr(weights, "fetch", lambda name, home, folder, report: Path("/whisper"))
    downloads.start(NAME)
    assert downloads.state.errors == {}
    settle(downloads, qtbot)
    assert downloads.state.path(NAME) == Path("/whisper")
