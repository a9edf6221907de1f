"""The register of indexing runs that have not ended."""

import os
import subprocess
import sys
from datetime import UTC, datetime

import pytest

from core.errors import StoreError
from core.indexing.unfinished import UnfinishedRun, UnfinishedRuns
from core.progress import JobCancelled
from core.store.records import GalleryRecord

GALLERY = GalleryRecord(1, "Holiday", datetime(2026, 1, 2, 3, 4, 5, 6, UTC), ())


@pytest.fixture
def runs(tmp_path):
    return UnfinishedRuns(tmp_path / "unfinished.json")


def raising(error, number=720):
    def work(found):
        if number:
            found(number)
        raise error

    return work


def test_a_run_that_ends_leaves_no_note(runs):
    seen = []
    assert runs.run(GALLERY, lambda found: (found(720), seen.append(runs.of(GALLERY)), "done")[-1]) == "done"
    assert seen == [UnfinishedRun(720, False, os.getpid())] and runs.of(GALLERY) is None


@pytest.mark.parametrize("error", [JobCancelled(), KeyboardInterrupt(), StoreError("The disk is full.", "full")])
def test_a_run_that_is_stopped_is_known_after_a_restart(runs, tmp_path, error):
    with pytest.raises(type(error)):
        runs.run(GALLERY, raising(error))
    again = UnfinishedRuns(tmp_path / "unfinished.json").of(GALLERY)
    assert again is not None and again.found == 720 and again.stopped and not again.is_abandoned


def test_a_run_that_fails_before_it_found_anything_leaves_what_was_noted(runs):
    with pytest.raises(StoreError):
        runs.run(GALLERY, raising(StoreError("There is no folder.", "no_folder"), 0))
    assert runs.of(GALLERY) is None
    with pytest.raises(JobCancelled):
        runs.run(GALLERY, raising(JobCancelled()))
    with pytest.raises(StoreError):
        runs.run(GALLERY, raising(StoreError("There is no folder.", "no_folder"), 0))
    assert runs.of(GALLERY).found == 720 and runs.of(GALLERY).stopped


@pytest.mark.slow
def test_a_process_that_was_killed_leaves_an_abandoned_run(tmp_path):
    code = ("import os, signal; from pathlib import Path; from tests.core.indexing.test_unfinished import GALLERY\n"
            "from core.indexing.unfinished import UnfinishedRuns\n"
            f"UnfinishedRuns(Path({str(tmp_path / 'unfinished.json')!r})).run(GALLERY, lambda found: (found(720), "
            "os.kill(os.getpid(), signal.SIGKILL)))")
    subprocess.run([sys.executable, "-c", code], check=False)
    run = UnfinishedRuns(tmp_path / "unfinished.json").of(GALLERY)
    assert run is not None and run.found == 720 and run.is_abandoned


def test_a_run_that_closing_cut_short_is_abandoned(runs):
    with pytest.raises(JobCancelled):
        runs.run(GALLERY, raising(JobCancelled()))
    runs.resume_later(GALLERY)
    assert runs.of(GALLERY).is_abandoned


@pytest.mark.parametrize("text", ["", "[]", "{\"a\": 1}", "{\"a\": {\"found\": 3}}"])
def test_a_damaged_register_counts_as_empty(runs, tmp_path, text):
    (tmp_path / "unfinished.json").write_text(text)
    assert runs.of(GALLERY) is None
    with pytest.raises(JobCancelled):
        runs.run(GALLERY, raising(JobCancelled()))
    assert runs.of(GALLERY).found == 720
