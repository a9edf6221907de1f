"""The Train panel as its user meets it; a small script trains in the place of torch."""

import json
import os
import signal
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import soundfile
from PIL import Image
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel, QMessageBox

from brewclip_app.context import Context
from brewclip_app.panels.train import runs_model as columns
from brewclip_app.panels.train.compare import CompareDialog
from brewclip_app.panels.train.dataset_report import ReportDialog
from brewclip_app.panels.train.panel import TrainPanel
from brewclip_app.services import run_library as training_shelves
from brewclip_app.services import runs as training
from core.errors import WeightsError
from core.features.prepared_split import Cost
from core.models import checkpoints
from core.training import process as training_process
from core.training import run as job
from core.training.estimate import RunEstimate
from core.training.options import values_of
from core.training.run_folder import RunFolder
from tests.brewclip_app.training_runs import little_trainer, make_run, order, trainer

pytestmark = pytest.mark.slow

WAIT = 60_000


@pytest.fixture
def dataset(tmp_path):
    """Three pictures with a recording each; a fourth is missing."""
    folder = tmp_path / "my data"
    folder.mkdir()
    lines = ["image,recording,caption,split"]
    for number in range(4):
        soundfile.write(folder / f"{number}.wav", np.zeros(1600, np.float32), 16_000)
        lines.append(f"{number}.png,{number}.wav,a thing,{'train' if number < 3 else 'dev'}")
        if number != 2:
            Image.new("RGB", (40, 40), (60 * number, 9, 9)).save(folder / f"{number}.png")
    (folder / "pairs.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


@pytest.fixture
def previews(monkeypatch):
    """What stands in for core's preview, which would load models; the recipes it was asked for. An error is raised."""
    asked, answer = [], [job.Preview(3, (), "dev", Cost(4, 2_000_000, 1_000_000))]

    def preview(explorer, recipe, report):
        asked.append(recipe)
        if isinstance(answer[0], Exception):
            raise answer[0]
        return answer[0]

    monkeypatch.setattr(job, "preview", preview)
    preview.asked, preview.answer = asked, answer
    return preview


@pytest.fixture
def windows(home, qtbot, tmp_path, monkeypatch, previews):
    """Opens the panel as a window would; all of them, and all processes, are gone after the test."""
    monkeypatch.setattr(training_process, "COMMAND", trainer(tmp_path))
    monkeypatch.setattr(training_shelves, "send2trash", lambda path: Path(path).rename(tmp_path / "bin"))
    contexts = []

    def open_window(state=None):
        context = Context(home)
        contexts.append(context)
        panel = TrainPanel(context)
        qtbot.addWidget(panel)
        panel.resize(1190, 730)
        panel.restore_state(state or {})
        panel.show()
        panel.activated()
        qtbot.waitUntil(lambda: panel.training.state.is_read, timeout=WAIT)
        settle(panel, qtbot)
        return panel

    yield open_window
    for context in contexts:
        close(context)
    for path in home.runs.glob("*"):
        training_process.kill(path)


@pytest.fixture
def panel(windows):
    return windows()


def close(context):
    assert context.jobs.shutdown(20)
    context.close()


def settle(panel, qtbot):
    """All jobs are over but those that follow runs."""
    jobs = panel.context.jobs
    qtbot.waitUntil(lambda: all(each.key.startswith(training.KEY) for each in jobs.running(quiet=True)), timeout=WAIT)


def choose(panel, qtbot, folder):
    panel.controller.choose_folder(folder)
    qtbot.waitUntil(lambda: panel.controller.state.recipe is not None, timeout=WAIT)
    qtbot.waitUntil(lambda: "Estimating" not in panel.form.cost.text(), timeout=WAIT)


def begin(panel, qtbot, folder):
    """Start a run in the panel; it waits at step 20 of 40. Its folder."""
    choose(panel, qtbot, folder)
    panel.form.set_values({"training.steps": 40, "training.batch": 2})  # there are no more pairs
    panel.form.start_button.click()
    until_state(panel, qtbot, "training", 20)
    return panel.controller.state.run.path


def until_state(panel, qtbot, state, step=0):
    qtbot.waitUntil(lambda: panel.controller.state.run is not None and panel.controller.state.run.state == state
                    and panel.controller.state.run.step >= step, timeout=WAIT)


def answer(qtbot, panel, text):
    """Press the button of the question that is open."""
    qtbot.waitUntil(lambda: panel.findChild(QMessageBox) is not None, timeout=WAIT)
    box = panel.findChild(QMessageBox)
    next(each for each in box.buttons() if each.text() == text).click()


# --- the dataset ---

def test_without_a_dataset_and_runs_it_says_the_first_step(panel):
    assert panel.pages.currentWidget() is panel.empty
    assert not panel.form.start_button.isEnabled()


def test_a_chosen_folder_is_reported_and_its_problems_open(panel, qtbot, dataset):
    choose(panel, qtbot, dataset)
    assert panel.pages.currentWidget() is panel.split and panel.right.currentWidget() is panel.no_runs
    assert panel.dataset.words.text() == "3 utterances of 3 pictures ·"
    assert panel.dataset.link.text() == "1 problem"
    panel.dataset.link.click()
    dialog = panel.findChild(ReportDialog)
    texts = [each.text() for each in dialog.findChildren(QLabel)]
    assert "1 missing pictures" in texts and "2.png" in texts


def test_a_dropped_folder_is_chosen_and_remembered(panel, windows, qtbot, dataset):
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(dataset))])
    panel.dropEvent(QDropEvent(QPointF(9, 9), Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton,
                               Qt.KeyboardModifier.NoModifier))
    qtbot.waitUntil(lambda: panel.controller.state.report is not None, timeout=WAIT)
    panel.context.state.save()
    assert windows().controller.state.recent == (dataset,)


def test_a_folder_without_a_dataset_is_refused_in_words(panel, qtbot, tmp_path):
    (tmp_path / "nothing").mkdir()
    panel.controller.choose_folder(tmp_path / "nothing")
    qtbot.waitUntil(lambda: "No dataset is known" in panel.dataset.words.text(), timeout=WAIT)
    assert not panel.form.start_button.isEnabled() and panel.controller.state.recent == ()


def test_a_folder_of_two_kinds_asks_which_one(panel, qtbot, dataset):
    text = dataset / "Flickr8k_text"
    text.mkdir()
    (text / "Flickr8k.token.txt").write_text("0.jpg#0\tA thing .\n", encoding="utf-8")
    (dataset / "SpokenCOCO_val.json").write_text('{"data": []}', encoding="utf-8")
    panel.controller.choose_folder(dataset)
    qtbot.waitUntil(lambda: panel.dataset.kinds.isVisibleTo(panel), timeout=WAIT)
    assert panel.controller.state.report is None and not panel.form.start_button.isEnabled()
    next(each for each in panel.dataset.kinds_menu.actions() if each.text() == "Flickr8k").trigger()
    qtbot.waitUntil(lambda: panel.controller.state.kind == "flickr8k", timeout=WAIT)


# --- the cost ---

def test_the_cost_of_a_run_is_shown_before_it_begins(panel, qtbot, dataset):
    choose(panel, qtbot, dataset)
    assert "4 recordings are transcribed; 3 MB on disk" in panel.form.cost.text()
    assert "No similar run yet" in panel.form.cost.text()


def test_the_training_time_is_estimated_from_similar_runs(windows, home, qtbot, dataset):
    make_run(home.runs, "1", backbone="brewclip-mini")
    panel = windows()
    panel.context.state.set(training.HEARING, 2.0)
    qtbot.waitUntil(lambda: panel.form.rows["backbone"].value == "brewclip-mini", timeout=WAIT)
    choose(panel, qtbot, dataset)
    assert "about 2.0 s" in panel.form.cost.text()  # 4 recordings, 2 a second
    assert "13 h 53 min" in panel.form.cost.text()  # 100 000 steps of 32 pairs, 64 pairs a second


def test_options_that_change_no_cost_ask_for_none(panel, qtbot, dataset, previews):
    choose(panel, qtbot, dataset)
    asked = len(previews.asked)
    panel.form.choose_preset("small-data")
    assert panel.controller.state.recipe is not None and len(previews.asked) == asked
    panel.form.set_values({"crop": "letterbox"})
    qtbot.waitUntil(lambda: len(previews.asked) == asked + 1, timeout=WAIT)
    assert previews.asked[-1].crop == "letterbox"


def test_a_run_that_cannot_begin_says_why(panel, qtbot, dataset, previews):
    previews.answer[0] = WeightsError("Whisper base is not here.", "not_here")
    panel.controller.choose_folder(dataset)
    qtbot.waitUntil(lambda: panel.form.cost.text() == "Whisper base is not here.", timeout=WAIT)
    assert not panel.form.start_button.isEnabled()


def test_caches_that_would_grow_too_much_are_refused(panel, qtbot, dataset, previews):
    previews.answer[0] = job.Preview(3, (), "dev", Cost(4, 150_000_000_000, 0))
    panel.controller.choose_folder(dataset)
    qtbot.waitUntil(lambda: "exceeds the maximum cache size" in panel.form.cost.text(), timeout=WAIT)
    assert not panel.form.start_button.isEnabled()


ESTIMATE = RunEstimate(0.5, 7, 20.0, 1, 60.0, 3_000_000_000, 0, 0, 3, "cpu", "float32", 1)


def test_steps_are_measured_and_shown_for_the_same_options(panel, qtbot, dataset, tmp_path):
    choose(panel, qtbot, dataset)
    panel.form.estimate_button.click()
    qtbot.waitUntil(lambda: panel.form.estimate_button.text() == "Cancel", timeout=WAIT)
    assert panel.form.start_button.isEnabled()
    (tmp_path / "new").write_text(json.dumps(asdict(ESTIMATE)))
    (tmp_path / "new").rename(tmp_path / "estimate")
    expected = "Measured: 0.5 s a step, 20 s a validation, 15 h 1 min in all; 3.0 GB of memory."  # 100 000 steps
    qtbot.waitUntil(lambda: expected in panel.form.cost.text(), timeout=WAIT)
    assert panel.form.estimate_button.text() == "Estimate…"
    panel.form.set_values({"training.steps": 10_000, "training.rate": 1e-3})
    qtbot.waitUntil(lambda: "1 h 31 min in all" in panel.form.cost.text(), timeout=WAIT)
    panel.form.set_values({"training.micro_batch": 8})
    qtbot.waitUntil(lambda: "No similar run yet" in panel.form.cost.text(), timeout=WAIT)


def test_a_measurement_can_be_cancelled_and_may_run_out_of_memory(panel, qtbot, dataset, tmp_path, monkeypatch):
    choose(panel, qtbot, dataset)
    panel.form.estimate_button.click()
    qtbot.waitUntil(lambda: panel.form.estimate_button.text() == "Cancel", timeout=WAIT)
    panel.form.estimate_button.click()
    qtbot.waitUntil(lambda: panel.form.estimate_button.text() == "Estimate…", timeout=WAIT)
    assert "Measured" not in panel.form.cost.text()
    failures = []
    panel.controller.failed.connect(lambda error, safe: failures.append((str(error), safe)))
    (tmp_path / "estimate").write_text("RuntimeError: CUDA out of memory")
    panel.form.estimate_button.click()
    qtbot.waitUntil(lambda: bool(failures), timeout=WAIT)
    assert "does not fit into the memory" in failures[0][0] and failures[0][1] == "No run was begun."
    qtbot.waitUntil(lambda: panel.form.estimate_button.isEnabled(), timeout=WAIT)


# --- a run ---

def test_a_run_is_started_watched_and_finished(panel, qtbot, dataset, home):
    choose(panel, qtbot, dataset)
    panel.form.choose_preset("small-data")
    path = begin(panel, qtbot, dataset)
    assert path == home.runs / "1"
    recipe = RunFolder(path).recipe()
    assert recipe.dataset == dataset and recipe.preset == "small-data" and values_of(recipe)["model.dropout"] == 0.2
    assert panel.live.words.text().startswith("step 20 of 40 · 32 steps/s")
    assert {line.name for line in panel.loss.lines()} == {"Outer loss", "Inner loss"}
    assert [each.name for each in panel.context.jobs.running()] == ["Training run 1"]
    order(path, "run")
    until_state(panel, qtbot, "finished")
    assert not panel.live.pause_button.isVisibleTo(panel) and not panel.live.continue_button.isVisibleTo(panel)


def test_pause_and_go_on(panel, qtbot, dataset):
    path = begin(panel, qtbot, dataset)
    panel.activateWindow()
    panel.live.pause_button.setFocus()
    panel.live.pause_button.click()
    qtbot.waitUntil(lambda: not panel.live.pause_button.isEnabled(), timeout=WAIT)
    assert not panel.live.stop_button.hasFocus() and not panel.live.end_button.hasFocus()
    until_state(panel, qtbot, "paused")
    assert panel.live.continue_button.hasFocus()  # never Stop: the next Space would end the run for good
    assert panel.live.message.text() == "It was stopped and can go on."
    order(path, "run")
    panel.live.continue_button.click()
    until_state(panel, qtbot, "finished", 40)


def test_a_run_that_does_not_listen_can_be_ended_now(panel, qtbot, dataset):
    choose(panel, qtbot, dataset)
    path = begin(panel, qtbot, dataset)
    process = panel.training._processes[path]
    os.kill(process.pid, signal.SIGSTOP)  # it hears nothing
    live = panel.live
    panel.activateWindow()
    places = [(each.mapTo(live, each.rect().topLeft()), each.size()) for each in (live.pause_button, live.stop_button)]
    live.pause_button.setFocus()
    live.pause_button.click()
    qtbot.waitUntil(lambda: live.end_button.isVisibleTo(panel), timeout=WAIT)
    qtbot.waitUntil(lambda: live.end_button.width() > 0 and live.end_button.geometry().right() < places[0][0].x(),
                    timeout=WAIT)  # apart from the others
    assert [(each.mapTo(live, each.rect().topLeft()), each.size())
            for each in (live.pause_button, live.stop_button)] == places
    assert live.hasFocus()
    live.end_button.setFocus()
    live.end_button.click()
    answer(qtbot, panel, "Cancel")
    assert process.poll() is None
    qtbot.waitUntil(lambda: panel.findChild(QMessageBox) is None, timeout=WAIT)
    live.end_button.click()
    answer(qtbot, panel, "End now")
    until_state(panel, qtbot, "paused")
    assert live.message.text() == training_process.ENDED
    assert live.continue_button.isVisibleTo(panel) and panel.window().focusWidget() is live.continue_button
    assert live.stop_button.mapTo(live, live.stop_button.rect().topLeft()) == places[1][0]


def test_stopping_asks_first_and_is_for_good(panel, qtbot, dataset):
    path = begin(panel, qtbot, dataset)
    panel.live.stop_button.click()
    answer(qtbot, panel, "Stop")
    until_state(panel, qtbot, "stopped")
    assert RunFolder(path).events()[-1]["why"] == "cancelled"


def test_a_killed_run_is_explained_and_the_window_goes_on(panel, qtbot, dataset):
    path = begin(panel, qtbot, dataset)
    os.kill(panel.training._processes[path].pid, signal.SIGKILL)
    until_state(panel, qtbot, "failed")
    assert panel.live.message.text() == training_process.KILLED
    place = panel.runs.shown.index(0, columns.STATE)
    assert place.data() == "killed" and place.data(Qt.ItemDataRole.ToolTipRole) == training_process.KILLED
    order(path, "run")
    panel.live.continue_button.click()
    until_state(panel, qtbot, "finished")


def test_memory_that_ran_out_costs_the_run_alone(panel, qtbot, dataset):
    path = begin(panel, qtbot, dataset)
    order(path, "memory")
    until_state(panel, qtbot, "failed")
    assert panel.live.message.text() == training_process.OUT_OF_MEMORY
    assert panel.runs.shown.index(0, columns.STATE).data() == "out of memory"
    assert panel.live.output.isVisibleTo(panel) and panel.form.start_button.isEnabled()


def test_a_window_that_closes_leaves_the_run_and_the_next_one_follows_it(windows, qtbot, dataset):
    first = windows()
    path = begin(first, qtbot, dataset)
    state = first.save_state()
    close(first.context)
    assert RunFolder(path).busy
    second = windows(state)
    until_state(second, qtbot, "training", 20)
    assert second.controller.state.folder == dataset and second.form.rows["training.steps"].value == 40
    order(path, "run")
    until_state(second, qtbot, "finished")


def test_the_strips_stop_pauses_the_run(panel, qtbot, dataset):
    begin(panel, qtbot, dataset)
    panel.context.jobs.running()[0].cancel()
    until_state(panel, qtbot, "paused")


def test_no_more_runs_at_once_than_are_followed(panel, qtbot, dataset, monkeypatch):
    monkeypatch.setattr(training, "MOST_FOLLOWED", 1)
    begin(panel, qtbot, dataset)
    with qtbot.waitSignal(panel.context.failed, timeout=WAIT) as failed:
        panel.form.start_button.click()
    assert failed.args[0].kind == "too_many"


def test_a_run_that_cannot_be_written_down_leaves_nothing(panel, qtbot, dataset, home):
    choose(panel, qtbot, dataset)
    home.runs.parent.mkdir(exist_ok=True)
    home.runs.write_text("a file where the folder would be")
    with qtbot.waitSignal(panel.failed, timeout=WAIT) as failed:
        panel.form.start_button.click()
    assert failed.args[0].kind == "not_written"
    home.runs.unlink()


def test_a_real_run_from_the_form_to_a_model(windows, qtbot, dataset, home, tmp_path, monkeypatch):
    monkeypatch.setattr(training_process, "COMMAND", little_trainer(tmp_path))
    panel = windows()
    panel.form.set_values({"training.steps": 20, "training.batch": 2, "training.evaluate_every": 10,
                           "model.feed_forward": 32, "model.gate": True})
    Image.new("RGB", (40, 40), "blue").save(dataset / "2.png")
    for number in range(4):  # a tone each, which the little recogniser takes for a colour
        wave = np.sin(np.arange(6400) * (0.1 + 0.05 * number)).astype(np.float32)
        soundfile.write(dataset / f"{number}.wav", wave / 2, 16_000)
    choose(panel, qtbot, dataset)
    panel.form.start_button.click()
    qtbot.waitUntil(lambda: panel.controller.state.run is not None and not panel.controller.state.run.live,
                    timeout=10 * WAIT)
    record = panel.controller.state.run
    assert (record.state, record.step, record.message) == ("finished", 20, "")
    assert record.curve("loss").steps == (10, 20) and record.curve("score").steps == (10, 20)
    assert panel.runs.use_button.isEnabled()
    read = checkpoints.read(home.runs / "1" / "best")
    assert read.run.options.gate and read.run.variant == "full"


# --- the table ---

def test_runs_of_others_are_found_and_shown(windows, home, qtbot, tmp_path):
    make_run(home.runs, "3", "error", "The loss is no longer a number.", usable=False)
    make_run(home.runs, "by hand", crop="letterbox")
    make_run(tmp_path / "elsewhere", "3")
    (home.runs / "damaged").mkdir()
    (home.runs / "damaged" / "recipe.json").write_text("{")
    panel = windows()
    panel.training.add_folder(tmp_path / "elsewhere")
    qtbot.waitUntil(lambda: panel.runs.model.rowCount() == 4, timeout=WAIT)
    states = {panel.runs.model.records[row].path.name: panel.runs.model.records[row].state for row in range(4)}
    assert states == {"3": "finished", "by hand": "finished", "damaged": "failed"}
    row = panel.runs.model.row_of(home.runs / "by hand")
    assert panel.runs.model.index(row, columns.CHANGED).data() == "letterbox, steps 40"


def test_a_run_that_appears_later_is_found(panel, home, qtbot):
    make_run(home.runs, "1")
    panel.training.reload()
    qtbot.waitUntil(lambda: panel.runs.model.rowCount() == 1, timeout=WAIT)
    assert panel.controller.state.run.path == home.runs / "1"


def test_ticked_runs_lie_over_each_other_and_are_compared(windows, home, qtbot):
    for name in ("1", "2"):
        make_run(home.runs, name, variant="prompted" if name == "2" else "full", top=40.0 + int(name))
    panel = windows()
    assert not panel.runs.compare_button.isEnabled()
    panel.runs.table.setFocus()
    for row in (0, 1):
        panel.runs.table.selectRow(row)
        QTest.keyClick(panel.runs.table, Qt.Key.Key_Space)
    assert [line.name for line in panel.dev.lines()] == ["run 2", "run 1"]
    assert len({(line.role, line.dash) for line in panel.dev.lines()}) == 2
    panel.runs.compare_button.click()
    dialog = panel.findChild(CompareDialog)
    assert [dialog.table.item(0, place).text() for place in range(3)] == ["Variant", "prompted", "full"]


def test_a_runs_model_is_used_in_search(windows, home, qtbot):
    path = make_run(home.runs, "1")
    panel = windows()
    panel.runs.use_button.click()
    assert panel.context.settings["vision.model"] == str(path / "best")
    assert panel.runs.used.isVisibleTo(panel) and not panel.runs.use_button.isVisibleTo(panel)


def test_a_run_without_a_model_offers_none(windows, home):
    make_run(home.runs, "1", usable=False)
    panel = windows()
    assert not panel.runs.use_button.isEnabled() and not panel.runs.evaluate_button.isEnabled()


def test_deleting_asks_first_and_gives_up_its_model(windows, home, qtbot, tmp_path):
    path = make_run(home.runs, "1")
    panel = windows()
    panel.runs.use_button.click()
    panel.runs.delete_action.trigger()
    answer(qtbot, panel, "Delete")
    qtbot.waitUntil(lambda: not panel.training.state.records, timeout=WAIT)
    assert not path.exists() and (tmp_path / "bin" / "best").is_dir()
    assert panel.context.settings["vision.model"] == "auto"


def test_a_run_that_cannot_be_deleted_is_still_there(windows, home, qtbot, monkeypatch):
    def refuse(path):
        raise OSError("no bin here")

    monkeypatch.setattr(training_shelves, "send2trash", refuse)
    path = make_run(home.runs, "1")
    panel = windows()
    monkeypatch.setattr(training_shelves, "send2trash", refuse)
    with qtbot.waitSignal(panel.context.failed, timeout=WAIT) as failed:
        panel.training.delete(path)
    assert "no bin here" in str(failed.args[0]) and path.exists()


def test_the_state_is_there_again(windows, home, qtbot, dataset):
    for name in ("1", "2"):
        make_run(home.runs, name)
    first = windows()
    choose(first, qtbot, dataset)
    first.form.rows["training.batch"].set_value(64)
    first.form.open_fold(True)
    first.loss.choose("rate")
    first.controller.choose_run(home.runs / "1")
    first.controller.tick(frozenset({home.runs / "2"}))
    second = windows(first.save_state())
    qtbot.waitUntil(lambda: second.controller.state.report is not None, timeout=WAIT)
    assert second.form.rows["training.batch"].value == 64 and second.form.is_open
    assert second.loss.key == "rate" and second.controller.state.run.path == home.runs / "1"
    assert [run.path for run in second.controller.state.ticked_runs] == [home.runs / "2"]


def test_a_state_of_another_release_is_taken_as_far_as_it_goes(windows):
    panel = windows({"values": {"training.steps": -3, "model.dropout": 0.3, "gone": 1, "variant": 7}, "split": ["x"],
                     "curves": ["nothing", "score"], "folder": "/nowhere", "device": "abacus", "ticked": ["/nowhere"]})
    assert panel.form.rows["training.steps"].value == 100_000 and panel.form.rows["model.dropout"].value == 0.3
    assert panel.dev.key == "score" and panel.controller.state.folder is None


def test_the_keys_are_listed(panel):
    assert {"Ctrl+O", "Ctrl+Return", "Ctrl+P", "Space"} <= {keys for keys, _ in panel.shortcuts()}
