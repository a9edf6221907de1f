"""Indexing as the Library shows it: stopped, continued, counted."""

import os
from types import SimpleNamespace

import pytest
from PIL import Image
from PySide6.QtWidgets import QMessageBox

from brewclip_app.context import Context
from brewclip_app.panels.library import facts as gallery_facts
from core.indexing.unfinished import UnfinishedRun
from core.progress import Progress, WorkStep, silent
from tests.brewclip_app.panels.library.fakes import Explorer
from tests.brewclip_app.panels.library.steps import WAIT, indexed, settle


@pytest.fixture
def many(tmp_path):
    folder = tmp_path / "Many"
    folder.mkdir()
    for number in range(160):
        Image.new("RGB", (8, 8), (number, 7, 9)).save(folder / f"{number:03}.png")
    return folder


def stop_half_way(context, qtbot, folder, stop):
    # hold the model at its third batch, so that something is stored and something is left
    model, seen = context.explorer.model, model_calls(context)
    context.indexing.start("Many", folder)
    qtbot.waitUntil(lambda: len(seen) >= 3, timeout=WAIT)
    stop()
    model.gate.set()
    qtbot.waitUntil(context.jobs.is_idle, timeout=WAIT)


def model_calls(context):
    seen, model = [], context.explorer.model
    encode = model.encode_images

    def counted(pixels):
        seen.append(len(pixels))
        if len(seen) == 3:
            model.gate.clear()
        return encode(pixels)

    model.encode_images = counted
    return seen


def test_a_stopped_run_says_what_is_left_and_continues(panel, context, qtbot, many):
    panel.show()
    stop_half_way(context, qtbot, many, lambda: context.indexing.cancel("Many"))
    settle(context, qtbot)
    words = panel.detail.state_words.text()
    assert words.endswith("of 160, stopped") and 0 < int(words.split()[0]) < 160
    assert panel.list.itemWidget(panel.list.item(0)).words.text() == words
    assert panel.detail.again.text() == "Continue"
    context.indexing.resume()  # the user stopped it: it waits for the user
    settle(context, qtbot)
    assert context.indexing.job("Many") is None and "stopped" in panel.detail.state_words.text()
    panel.detail.again.click()
    qtbot.waitUntil(lambda: panel.detail.state_words.text().startswith("160 pictures, all indexed"), timeout=WAIT)
    settle(context, qtbot)
    assert panel.detail.again.text() == "Look for new pictures"


def test_esc_asks_before_it_stops_indexing(panel, context, qtbot, many):
    panel.show()
    model, seen = context.explorer.model, model_calls(context)
    context.indexing.start("Many", many)
    qtbot.waitUntil(lambda: len(seen) >= 3 and panel.controller.state.chosen == "Many", timeout=WAIT)
    panel.detail.escape()
    panel.detail.escape()  # one question is enough
    box, = panel.findChildren(QMessageBox)
    assert box.text() == "Stop indexing Many?" and not context.indexing.job("Many").cancelled
    next(button for button in box.buttons() if button.text() == "Stop").click()
    assert context.indexing.job("Many").cancelled
    model.gate.set()
    qtbot.waitUntil(context.jobs.is_idle, timeout=WAIT)


def test_a_run_that_closing_cut_short_goes_on_at_the_next_start(context, home, qtbot, many):
    stop_half_way(context, qtbot, many, context.jobs.close_door)
    record = context.explorer.gallery("Many")
    assert 0 < record.state(context.explorer.fingerprint().hash).indexed < 160
    context.close()
    again = Context(home, Explorer(home))
    with indexed(again, qtbot):
        again.indexing.resume()
    assert again.indexing.state.results["Many"].images == 160
    qtbot.waitUntil(again.jobs.is_idle, timeout=WAIT)
    assert again.explorer.unfinished.of(record.info) is None
    assert again.jobs.shutdown(20)
    again.close()


def indexing(done, total, detail=""):
    return Progress(WorkStep.INDEXING, done, total, detail=detail)


def test_while_indexing_nothing_is_called_all():
    state = SimpleNamespace(images=160, indexed=160, failed=0)
    assert gallery_facts.how_far(state) == "160 pictures, all indexed"
    assert gallery_facts.how_far(state, indexing(0, 0)) == "160 pictures so far"


def test_a_run_that_goes_on_is_counted_in_the_whole_gallery_and_not_called_stopped():
    state = SimpleNamespace(images=384, indexed=384, failed=0)
    stopped = UnfinishedRun(720, stopped=True)
    assert gallery_facts.how_far(state, unfinished=stopped) == "384 of 720, stopped"
    assert gallery_facts.how_far(state, indexing(0, 0), stopped) == "384 of 720"
    runs = UnfinishedRun(720, process=os.getpid())
    assert gallery_facts.how_far(state, indexing(0, 336), runs) == "384 of 720"
    assert gallery_facts.how_far(state, indexing(32, 336), runs) == "416 of 720"
    assert gallery_facts.in_gallery(indexing(32, 336, "8.0 pictures/s"), runs).text() == (
        "Indexing pictures · 416 of 720 · 8.0 pictures/s")
    assert gallery_facts.how_far(state, unfinished=runs) == "384 of 720", "another window or command works on it"
    assert gallery_facts.how_far(state, unfinished=UnfinishedRun(720)) == "384 of 720, stopped", "nobody does"


def test_a_new_gallery_is_not_called_stopped_while_it_is_indexed():
    state = SimpleNamespace(images=0, indexed=0, failed=0)
    runs = UnfinishedRun(720, process=os.getpid())
    assert gallery_facts.how_far(state, indexing(0, 720), runs) == "0 of 720"
    assert gallery_facts.how_far(state, indexing(32, 720), runs) == "32 of 720"


@pytest.mark.slow
def test_row_and_detail_agree_while_a_stopped_run_goes_on(panel, context, qtbot, many):
    panel.show()
    stop_half_way(context, qtbot, many, lambda: context.indexing.cancel("Many"))
    settle(context, qtbot)
    before = int(panel.detail.state_words.text().split()[0])
    model, seen = context.explorer.model, model_calls(context)
    model.gate.clear()
    panel.detail.again.click()
    qtbot.waitUntil(lambda: bool(seen) and context.indexing.job("Many").progress.total > 0, timeout=WAIT)
    expected = f"{before} of 160"
    qtbot.waitUntil(lambda: panel.detail.state_words.text() == expected, timeout=WAIT)
    qtbot.waitUntil(lambda: panel.list.itemWidget(panel.list.item(0)).words.text() == expected, timeout=WAIT)
    assert panel.detail.progress.detail.text().startswith(expected)
    model.gate.set()
    settle(context, qtbot)


def test_what_a_change_costs_is_said_with_the_measured_speed():
    assert gallery_facts.cost(600, 10.0) == "600 pictures, about 60 s on this computer"
    assert "known once" in gallery_facts.cost(600, 0.0)


def test_the_pictures_at_a_glance_stay_the_same_while_a_gallery_grows(context, many):
    context.explorer.index(many, "Many", silent)
    gallery = context.explorer.gallery("Many")
    shown = gallery_facts.some_images(gallery, growing=True)
    assert [image.id for image in shown] == gallery.filter_ids()[:len(shown)].tolist()
    assert gallery_facts.some_images(gallery)[-1].id == gallery.filter_ids()[-1]
