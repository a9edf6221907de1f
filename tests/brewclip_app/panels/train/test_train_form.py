"""The form of a recipe, the runs as rows, curves and comparison: each on its own."""

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QFontMetrics
from PySide6.QtTest import QAbstractItemModelTester
from PySide6.QtWidgets import QApplication, QCheckBox, QComboBox, QLineEdit

from brewclip_app import theme
from brewclip_app.panels.train import comparison as training_comparison
from brewclip_app.panels.train import runs_model as columns
from brewclip_app.panels.train import words as training_words
from brewclip_app.panels.train.compare import CompareDialog
from brewclip_app.panels.train.controller import make_recipe
from brewclip_app.panels.train.curve_plot import CurveLine, CurvePlot, Reference, thinned
from brewclip_app.panels.train.curves import CurveCard, choices, zero_shot_of
from brewclip_app.panels.train.form import TrainForm
from brewclip_app.panels.train.runs_model import RunsModel
from core.datasets.reports import DatasetReport, SplitCount
from core.errors import TrainingError
from core.models.variants import BrewClipOptions
from core.training import presets
from core.training.options import APART, OPTIONS, changed
from core.training.recipe import TrainingOptions
from core.training.runs import CURVES, RunReader, TrainingCurve
from tests.brewclip_app.training_runs import make_run

SET = Path("/data/set")


def report(*splits):
    return DatasetReport("flickr8k", "Flickr8k", SET, (), tuple(SplitCount(name, count, count, count)
                                                               for name, count in splits), ())


@pytest.fixture
def form(qtbot):
    made = TrainForm(lambda *changed: None)
    qtbot.addWidget(made)
    made.resize(330, 700)
    made.show()
    made.show_dataset(report(("train", 900), ("dev", 60)))
    return made


def recipe_of(form, kind=""):
    return make_recipe(form.values(), str(form.device.currentData()), SET, kind)


def write(form, key, text):
    """Write into a field as a user does."""
    field = form.rows[key].control
    assert isinstance(field, QLineEdit)
    field.setText(text)
    field.textEdited.emit(text)
    field.editingFinished.emit()


def test_every_option_of_the_table_is_in_the_form(form):
    assert {each.key for each in OPTIONS} - set(APART) <= set(form.rows)


def test_untouched_it_has_the_defaults(form):
    recipe = recipe_of(form, "flickr8k")
    assert changed(recipe) == {} and (recipe.dataset, recipe.kind, recipe.variant) == (SET, "flickr8k", "full")
    assert not form.all_back.isVisibleTo(form)


def test_a_changed_option_is_marked_with_the_default_and_goes_back(form):
    line = form.rows["training.steps"]
    write(form, "training.steps", "60 000")
    assert recipe_of(form).training.steps == 60_000
    assert line.name.property("look") == "changed" and line.below.text() == "paper: 100\u2009000"
    line.reset.click()
    assert not line.is_changed and not line.below.isVisibleTo(form)
    assert recipe_of(form).training.steps == 100_000


def test_the_default_that_an_option_differs_from_has_its_source(form):
    form.open_fold(True)
    box = form.rows["model.gate"].control
    assert isinstance(box, QCheckBox)
    box.click()
    assert recipe_of(form).model.gate is True
    assert form.rows["model.gate"].below.text() == "ours: off"
    write(form, "model.heads", "4")
    assert form.rows["model.heads"].below.text() == "authors' code: 8"


def test_a_preset_sets_the_options_and_what_differs_from_it_is_marked(form):
    box = form.rows["preset"].control
    assert isinstance(box, QComboBox) and not form.preset_about.isVisibleTo(form)
    box.setCurrentIndex(box.findData("authors"))
    recipe = recipe_of(form)
    assert recipe.preset == "authors" and changed(recipe) == dict(presets.preset("authors").values)
    assert not form.all_back.isVisibleTo(form) and "test split" in form.preset_about.toolTip()
    write(form, "model.inner_weight", "0.1")
    write(form, "training.seed", "3")
    assert form.fold.text().endswith(", 1 changed")  # those behind the fold are not forgotten
    assert form.rows["model.inner_weight"].below.text() == "authors' code: 0"
    stored = form.values()
    box.setCurrentIndex(box.findData(""))
    assert changed(recipe_of(form)) == {} and recipe_of(form).preset == ""
    form.set_values(stored)  # as after a restart
    assert recipe_of(form).preset == "authors" and form.rows["model.inner_weight"].is_changed


@pytest.mark.parametrize(("key", "text"), [
    ("training.steps", "many"), ("training.steps", "0"), ("training.batch", ""), ("model.temperature", "7"),
    ("training.rate", "nan")])
def test_a_value_that_cannot_be_is_said_beside_the_field_and_the_last_one_stays(form, key, text):
    before = form.values()[key]
    write(form, key, text)
    line = form.rows[key]
    assert form.problems() == [line.problem] and line.below.text() == line.problem != ""
    assert form.values()[key] == before
    line.back()
    assert form.problems() == []


def test_the_small_recipe_is_offered_for_few_utterances_and_is_one_click(form):
    assert form.small_box.isVisibleTo(form) and "900 utterances" in form.small_about.text()
    form.small.click()
    assert changed(recipe_of(form)) == dict(presets.preset("small-data").values)
    assert not form.small_box.isVisibleTo(form)
    assert recipe_of(form).preset == "small-data"
    form.choose_preset("")
    assert changed(recipe_of(form)) == {}
    form.show_dataset(report(("train", 30_000), ("dev", 60)))
    assert not form.small_box.isVisibleTo(form)


def test_a_dataset_without_a_training_split_needs_a_choice(form):
    form.show_dataset(report(("val", 110)))
    assert form.problems() and form.is_open
    split = form.rows["train"].control
    assert isinstance(split, QComboBox) and [split.itemText(row) for row in range(split.count())] == ["val"]
    split.setCurrentIndex(0)
    assert form.problems() == [] and recipe_of(form).train == "val"


def test_backbones_on_disk_are_offered_and_the_best_is_the_choice(form):
    form.show_backbones(("ViT-L-14/openai", "brewclip-mini"))
    assert recipe_of(form).backbone == "ViT-L-14/openai"
    form.rows["backbone"].set_value("brewclip-mini")
    form.show_backbones(("ViT-L-14/openai", "brewclip-mini"))
    assert recipe_of(form).backbone == "brewclip-mini"


def test_the_device_is_part_of_the_recipe_and_of_no_comparison(form):
    form.show_devices((("auto", "The fastest"), ("cpu", "CPU")))
    form.choose_device("cpu")
    recipe = recipe_of(form)
    assert recipe.training.device == "cpu" and changed(recipe) == {}


# --- rows ---

def test_the_model_of_runs_keeps_qts_rules(home, qtbot):
    ticks = []
    model = RunsModel(ticks.append)
    QAbstractItemModelTester(model, QAbstractItemModelTester.FailureReportingMode.Fatal)
    first, second = make_run(home.runs, "1"), make_run(home.runs, "2", "error", "It broke.", usable=False)
    model.show([RunReader(first).read()])
    model.setData(model.index(0, columns.RUN), Qt.CheckState.Checked, Qt.ItemDataRole.CheckStateRole)
    assert ticks == [frozenset({first})]
    model.show([RunReader(second).read(), RunReader(first).read()], {}, ticks[0])
    assert [model.index(row, columns.RUN).data(Qt.ItemDataRole.CheckStateRole) for row in range(2)] == [
        Qt.CheckState.Unchecked, Qt.CheckState.Checked]
    assert [model.index(0, place).data() for place in range(model.columnCount())] == [
        "2", "full", "best available", "steps 40", "50.0", "40", "failed"]
    model.show([])


def test_what_a_run_does_is_said_in_words(home):
    record = RunReader(make_run(home.runs, "1", "stopped", "It was stopped and can go on.", done=20)).read()
    assert training_words.line(record) == "step 20 of 40 · best at step 20: mean recall on dev 25.0 %"
    running = RunReader(make_run(home.runs, "2", "", done=20)).read(True)
    assert training_words.line(running).startswith("step 20 of 40 · 2.0 steps/s · learning rate 0.0001 · ")
    assert training_words.line(running, "pause").endswith("saving and stopping")
    assert training_words.state(running, "stop") == "stopping"
    ending = RunReader(make_run(home.runs, "3")).read(True)  # its end is written, its process not gone yet
    assert training_words.line(ending) == "Ending"


@pytest.mark.parametrize(("pairs", "words"), [(6400.0, "200 steps/s"), (64.0, "2.0 steps/s"), (2.56, "12 s a step")])
def test_a_pace_is_said_as_people_count(home, pairs, words):
    record = RunReader(make_run(home.runs, "1", "", done=20)).read(True)
    curves = {**record.curves, "pace": TrainingCurve((10,), (pairs,))}
    assert f" · {words} · " in training_words.line(replace(record, curves=curves))


# --- curves ---

def test_every_curve_of_a_log_can_be_chosen(qtbot):
    offered = {kind.key for event in ("step", "dev") for choice in choices(event) for kind in choice.curves}
    assert offered == {each.key for each in CURVES}


def test_one_run_has_its_losses_in_the_colours_of_their_branches(home, qtbot):
    card = CurveCard(choices("step"), "parts")
    qtbot.addWidget(card)
    card.show_runs([RunReader(make_run(home.runs, "1")).read()])
    assert [(line.name, line.role) for line in card.lines()] == [("Outer loss", "main"), ("Inner loss", "voice")]
    assert card.lines()[0].steps == (10, 20, 30, 40)


def test_zero_shot_is_a_dashed_level_where_the_model_notes_it(home, qtbot):
    path = make_run(home.runs, "1")
    card = CurveCard(choices("dev"), "speech_to_image.R@10")
    qtbot.addWidget(card)
    record = RunReader(path).read()
    card.show_runs([record])
    assert card.plot.reference is None
    (path / "best" / "run.json").write_text('{"metrics": {"zero_shot": {"speech_to_image": {"R@10": 44.8}}}}')
    card.show_runs([record])
    assert card.plot.reference == Reference("zero-shot 44.8", 44.8)
    card.choose("weight")
    assert card.plot.reference is None
    (make_run(home.runs, "2") / "best" / "run.json").write_text("{")
    assert zero_shot_of(home.runs / "2") == {}


def test_many_runs_never_look_the_same(home, qtbot):
    card = CurveCard(choices("dev"), "score")
    qtbot.addWidget(card)
    card.show_runs([RunReader(make_run(home.runs, str(number))).read() for number in range(1, 13)])
    assert len({(line.role, line.dash) for line in card.lines()}) == 12


@pytest.mark.slow
def test_values_under_the_mouse_are_read_and_colours_follow_the_theme(qtbot):
    plot = CurvePlot()
    qtbot.addWidget(plot)
    plot.resize(400, 240)
    plot.show()
    plot.show_lines([CurveLine("run 1", (0, 10), (20.0, 40.0))], "%", Reference("zero-shot 30.0", 30.0))
    assert plot.read_at(9) == "run 1: 40.0 % at step 10"
    view = plot.plot.getPlotItem().getViewBox()
    plot.plot.scene().sigMouseMoved.emit(view.sceneBoundingRect().center())
    assert plot.readout.isVisible() and plot.readout.text().startswith("run 1: ")
    app = QApplication.instance()
    before = plot.plot.backgroundBrush().color()
    theme.apply(app, "light" if theme.is_dark() else "dark")
    try:
        assert plot.plot.backgroundBrush().color() == theme.colour("card") != before
    finally:
        theme.apply(app, "light" if theme.is_dark() else "dark")


def test_an_axis_in_percent_begins_at_0_until_zoomed(qtbot, home):
    card = CurveCard(choices("dev"), "score")
    qtbot.addWidget(card)
    card.plot.show_lines([CurveLine("run 1", (0, 10), (93.6, 95.2))], "%")
    axis = card.plot.plot.getPlotItem().getViewBox()
    assert axis.viewRange()[1] == [0, 101]
    card.zoom.setChecked(True)
    low, high = axis.viewRange()[1]
    assert 90 < low < 93.6 and 95.2 < high < 101
    card.zoom.setChecked(False)
    assert axis.viewRange()[1] == [0, 101]


@pytest.mark.parametrize("values", [(1.39, 1.31), (1e-4, 3e-5), (2.39411, 2.39409)])
def test_the_left_axis_has_room_for_its_numbers_without_exponents(qtbot, values):
    plot = CurvePlot()
    qtbot.addWidget(plot)
    plot.resize(300, 200)
    plot.show()
    plot.show_lines([CurveLine("learning rate", (1, 2), values)])
    axis = plot.plot.getPlotItem().getAxis("left")
    low, high = plot.plot.getPlotItem().getViewBox().viewRange()[1]
    [(spacing, ticks), *_] = axis.tickValues(low, high, 180)
    texts = axis.tickStrings(ticks, 1.0, spacing)
    assert len(set(texts)) == len(texts) > 1 and not any("e" in text for text in texts)
    widest = max(map(QFontMetrics(theme.font("quiet")).horizontalAdvance, texts))
    qtbot.waitUntil(lambda: axis.width() >= widest)


def test_only_whole_steps_are_named(qtbot):
    plot = CurvePlot()
    qtbot.addWidget(plot)
    plot.show_lines([CurveLine("run 1", (1, 2), (1.39, 1.31))])
    axis = plot.plot.getPlotItem().getAxis("bottom")
    assert axis.tickStrings([0.0, 0.5, 1.0, 1.5, 2.0], 1.0, 0.5) == ["0", "", "1", "", "2"]


def test_zoom_is_offered_for_curves_in_percent_alone(qtbot):
    looks, steps = CurveCard(choices("dev"), "score"), CurveCard(choices("step"), "parts")
    for card in (looks, steps):
        qtbot.addWidget(card)
        card.show_runs([])
    assert looks.zoom.isVisibleTo(looks) and not steps.zoom.isVisibleTo(steps)


def test_a_long_line_keeps_its_ends_and_peaks():
    steps = np.arange(100_000.0)
    values = np.where(steps == 77_777, 50.0, np.sin(steps))
    kept, thin = thinned(steps, values)
    assert len(kept) < 400 and thin.max() == 50.0 and kept[-1] == 99_999 and (np.diff(kept) > 0).all()
    assert len(thinned(steps[:300], values[:300])[0]) == 300


def test_without_points_the_plot_says_what_will_be_there(qtbot):
    plot = CurvePlot()
    qtbot.addWidget(plot)
    plot.show_lines([CurveLine("run 1", (), ())], nothing="Nothing yet")
    assert plot.nothing.text() == "Nothing yet" and plot.accessibleDescription() == "Nothing yet"


# --- comparison ---

@pytest.fixture
def two(home):
    """Two runs that differ in variant and batch; the second has no model."""
    return [RunReader(make_run(home.runs, "1")).read(),
            RunReader(make_run(home.runs, "=2", "error", "It broke.", done=0, variant="e2e",
                               model=BrewClipOptions(gate=True), training=TrainingOptions(batch=64))).read()]


def test_only_what_differs_is_compared_and_results_are_of_the_best_step(two):
    rows = dict(training_comparison.rows(two))
    assert rows["Variant"] == ("full", "e2e") and rows["Batch"] == ("32", "64") and rows["Gate"] == ("off", "on")
    assert "Learning rate" not in rows
    assert rows["Mean recall on dev, %"] == ("50.0", "–") and rows["Speech to picture, R@10 on dev, %"] == ("50.0", "–")


def test_the_comparison_is_written_as_csv_for_any_spreadsheet(two, tmp_path):
    training_comparison.write_options(tmp_path / "a.csv", two)
    with (tmp_path / "a.csv").open(encoding="utf-8-sig", newline="") as file:
        lines = list(csv.reader(file))
    assert lines[0] == ["", "run 1", "'=2"]  # no formula
    assert ["Batch", "32", "64"] in lines
    training_comparison.write_curves(tmp_path / "b.csv", two)
    with (tmp_path / "b.csv").open(encoding="utf-8-sig", newline="") as file:
        assert ["run 1", "score", "40", "50.0"] in list(csv.reader(file))


def test_a_file_that_cannot_be_written_is_said_in_the_dialog(two, tmp_path, qtbot):
    with pytest.raises(TrainingError):
        training_comparison.write_options(tmp_path / "no folder" / "a.csv", two)
    dialog = CompareDialog(None, two)
    qtbot.addWidget(dialog)
    dialog.write(tmp_path / "no folder" / "a.csv", training_comparison.write_options)
    assert "could not be written" in dialog.outcome.text()


def test_runs_of_one_name_are_told_apart(home, tmp_path):
    runs = [RunReader(make_run(folder, "1")).read() for folder in (home.runs, tmp_path / "other")]
    assert list(training_words.names(runs).values()) == ["run 1 (runs)", "run 1 (other)"]
