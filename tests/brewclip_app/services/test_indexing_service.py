"""Indexing jobs without widgets."""

import threading
from types import SimpleNamespace

import pytest

from brewclip_app import tasks
from brewclip_app.base_context import BaseContext
from brewclip_app.services.indexing import RESUMABLE, Indexing
from core.errors import StoreError
from core.fingerprint import Fingerprint
from core.progress import Progress, WorkStep

WAIT = 20_000


class Explorer:
    """What indexing uses of the explorer. Each run reports once and waits until `gate` is open."""

    def __init__(self):
        self.gate = threading.Event()
        self.gate.set()
        self.calls, self.error = [], None
        self.embedded, self.seconds = 40, 2.0

    def index(self, folder, gallery, report):
        self.calls.append((gallery, folder))
        report(Progress(WorkStep.INDEXING, 3, 40))
        while not self.gate.wait(0.01):
            report(Progress(WorkStep.INDEXING, 3, 40))
        if self.error is not None:
            raise self.error
        return SimpleNamespace(embedded=self.embedded, seconds=self.seconds)

    def fingerprint(self):
        return Fingerprint.of({"backbone": "ViT-L-14/openai"})

    def close(self):
        """Nothing is open."""


@pytest.fixture
def explorer():
    return Explorer()


@pytest.fixture
def context(home, qtbot, explorer):
    made = BaseContext(home, explorer)
    yield made
    explorer.gate.set()
    assert made.jobs.shutdown(20)
    made.close()


@pytest.fixture
def indexing(context):
    return Indexing(context)


def settle(context, qtbot):
    qtbot.waitUntil(lambda: context.jobs.is_idle() and tasks.is_idle(), timeout=WAIT)


def test_a_run_shows_progress_and_its_gallery_becomes_the_current_one(indexing, context, explorer, qtbot, tmp_path):
    explorer.gate.clear()
    indexing.start("Holiday", tmp_path)
    assert "Holiday" in indexing.state.running
    qtbot.waitUntil(lambda: indexing.state.running["Holiday"].total == 40, timeout=WAIT)
    with qtbot.waitSignal(context.galleries_changed, timeout=WAIT):
        explorer.gate.set()
    settle(context, qtbot)
    assert indexing.state.running == {} and indexing.state.results["Holiday"].embedded == 40
    assert context.gallery == "Holiday" and explorer.calls == [("Holiday", tmp_path)]
    assert indexing.rate("ViT-L-14/openai") == 20.0


def test_further_folders_of_a_gallery_wait_for_the_run(indexing, context, explorer, qtbot, tmp_path):
    explorer.gate.clear()
    for name in ("a", "b", "c"):
        indexing.start("Holiday", tmp_path / name)
    assert indexing.state.waiting == {"Holiday": (tmp_path / "b", tmp_path / "c")}
    explorer.gate.set()
    settle(context, qtbot)
    assert [folder.name for _, folder in explorer.calls] == ["a", "b", "c"]
    assert indexing.state.waiting == {} and indexing.state.running == {}


def test_stopping_drops_the_waiting_folders_and_is_no_error(indexing, context, explorer, qtbot, tmp_path):
    explorer.gate.clear()
    indexing.start("Holiday", tmp_path / "a")
    indexing.start("Holiday", tmp_path / "b")
    qtbot.waitUntil(lambda: indexing.state.running["Holiday"].total == 40, timeout=WAIT)
    with qtbot.assertNotEmitted(indexing.failed):
        indexing.cancel("Holiday")
        settle(context, qtbot)
    assert len(explorer.calls) == 1 and indexing.state.running == {} and indexing.state.results == {}


def test_a_failed_run_says_what_is_kept_and_the_next_folder_follows(indexing, context, explorer, qtbot, tmp_path):
    explorer.gate.clear()
    explorer.error = StoreError("The disk is full.", "disk_full")
    indexing.start("Holiday", tmp_path / "a")
    indexing.start("Holiday", tmp_path / "b")
    with qtbot.waitSignal(indexing.failed, timeout=WAIT) as failed:
        explorer.gate.set()
    assert failed.args == [explorer.error, RESUMABLE]
    settle(context, qtbot)
    assert len(explorer.calls) == 2 and indexing.state.running == {}


def test_the_speed_of_a_few_pictures_is_not_stored(indexing, context, explorer, qtbot, tmp_path):
    explorer.embedded = 3
    indexing.start("Holiday", tmp_path)
    settle(context, qtbot)
    assert indexing.rate("ViT-L-14/openai") == 0.0
