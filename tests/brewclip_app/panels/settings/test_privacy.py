"""The space of history and caches, clearing them, and tidying up at the start."""

import os
import sqlite3
from contextlib import closing

import pytest
from PySide6.QtWidgets import QMessageBox

from core.store.store import Store


def spoken(home, text="a dog", nbytes=2000):
    """A query with its recording, in the store of the home, and a cached thumbnail."""
    recording = home.recordings / f"{text[-3:]}.flac"
    cached = home.caches / "thumbnails" / "ab" / "a.jpg"
    store = Store.open(home.store)
    for path in (recording, cached):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(bytes(nbytes))
    store.add_query("Holidays", text, "speech", recording)
    store.close()
    return recording, cached


def measured(panel, qtbot):
    panel.activated()
    qtbot.waitUntil(lambda: "Measuring" not in panel.privacy.history.text(), timeout=20_000)
    return panel.privacy


def answered(box, text):
    next(button for button in box.buttons() if button.text() == text).click()


@pytest.mark.slow
def test_the_space_that_is_taken_is_shown(panel, home, qtbot):
    privacy = measured(panel, qtbot)
    assert not (privacy.clear_history.isEnabled() or privacy.clear_caches.isEnabled())
    spoken(home)
    privacy.controller.refresh()
    qtbot.waitUntil(privacy.clear_history.isEnabled, timeout=20_000)
    assert privacy.history.text() == "History: 1 query, 1 recording (2 kB) and 0 transcripts (0 bytes)"
    assert privacy.caches.text() == "Caches: 2 kB"


@pytest.mark.slow
def test_the_history_is_cleared_after_a_question_that_says_what_goes(panel, home, qtbot):
    recording, cached = spoken(home)
    privacy = measured(panel, qtbot)
    for answer, left in (("Cancel", True), ("Clear history", False)):
        privacy.clear_history.click()
        [box] = privacy.findChildren(QMessageBox)
        assert "1 query, 1 recording (2 kB)" in box.informativeText() and "Annotations" in box.informativeText()
        answered(box, answer)
        qtbot.waitUntil(lambda: not privacy.findChildren(QMessageBox))
        if not left:
            qtbot.waitUntil(lambda: privacy.history.text() == "History: empty", timeout=20_000)
        assert recording.exists() == left
    assert cached.exists() and not privacy.clear_history.isEnabled() and privacy.clear_caches.isEnabled()


@pytest.mark.slow
def test_the_caches_are_cleared_after_a_question(panel, home, qtbot):
    recording, cached = spoken(home)
    privacy = measured(panel, qtbot)
    privacy.clear_caches.click()
    [box] = privacy.findChildren(QMessageBox)
    assert "2 kB" in box.informativeText()
    answered(box, "Clear caches")
    qtbot.waitUntil(lambda: privacy.caches.text() == "Caches: 0 bytes", timeout=20_000)
    assert recording.exists() and not cached.exists()


@pytest.mark.slow
def test_a_store_that_cannot_be_read_is_said_in_place_of_the_space(panel, home, qtbot):
    home.root.mkdir(exist_ok=True)
    home.store.write_bytes(b"no store at all" * 100)
    privacy = measured(panel, qtbot)
    assert "not a store" in privacy.history.text() and not privacy.clear_history.isEnabled()


@pytest.mark.slow
def test_a_search_finds_the_rows_of_privacy(panel):
    panel.search.setText("clear caches")
    assert panel.privacy.isVisibleTo(panel)
    assert [name for name, card in panel.groups.items() if card.isVisibleTo(panel)] == ["Privacy"]
    panel.search.setText("translate")
    assert not panel.privacy.isVisibleTo(panel)


@pytest.mark.slow
def test_0_days_reads_as_never(panel, context):
    line = panel.rows["search.history_days"]
    assert line.control.text() == "Never"
    line.control.setValue(30)
    assert line.control.text() == "30 days" and context.settings["search.history_days"] == 30
    assert "Never" in line.reset.toolTip()


def test_a_start_tidies_up(context, home, qtbot):
    recording, _ = spoken(home)
    stray = recording.with_name(f"{'ab' * 32}.flac")
    stray.write_bytes(b"fLaC")
    os.utime(stray, (2000, 2000))
    with closing(sqlite3.connect(home.store)) as connection:
        connection.execute("PRAGMA user_version=1000")  # as if the store had been there long before
    context.tidy_up()
    qtbot.waitUntil(lambda: not stray.exists(), timeout=20_000)
    assert recording.exists()
    qtbot.waitUntil(context.jobs.is_idle)


def test_a_home_that_cannot_be_tidied_is_only_logged(context, home, qtbot, caplog):
    home.root.mkdir(exist_ok=True)
    home.store.write_bytes(b"no store at all" * 100)
    with qtbot.assertNotEmitted(context.failed), qtbot.assertNotEmitted(context.jobs.job_failed):
        context.tidy_up()
        qtbot.waitUntil(context.jobs.is_idle, timeout=20_000)
    assert "could not be tidied up" in caplog.text
