"""The Evaluate panel on the real store with small stored evaluations; models take no part."""

import threading
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent, QFontMetrics, QGuiApplication
from PySide6.QtTest import QAbstractItemModelTester
from PySide6.QtWidgets import QCheckBox, QMessageBox

from brewclip_app import tasks, theme
from brewclip_app.panels.evaluate.cells_table import groups
from brewclip_app.panels.evaluate.choices import read_dataset
from brewclip_app.panels.evaluate.controller import EvaluateState
from brewclip_app.panels.evaluate.evaluations_model import CELL_ROLE, Cell, CellsModel, Column, TableLine
from brewclip_app.panels.evaluate.interval_plot import FAR, IntervalPlot
from brewclip_app.panels.evaluate.panel import EvaluatePanel
from brewclip_app.panels.evaluate.results import EvaluationsCard
from brewclip_app.shell.panel_stack import PanelStack
from core.errors import EvaluationError
from core.evaluation import archive, curves, evaluate
from core.evaluation.curves import LARGEST
from core.evaluation.records import DataChoice
from core.features.noise import CLEAN, Condition
from core.models.spec import ModelSpec
from core.plots.charts import Axis, Chart, Series
from core.progress import Progress

from .conftest import WAIT, settle


@pytest.fixture
def dataset(tmp_path):
    """A folder with a list, as `core.datasets` reads it."""
    folder = tmp_path / "my & pictures"
    folder.mkdir()
    (folder / "a.png").write_bytes(b"not looked at")
    (folder / "a.wav").write_bytes(b"not looked at")
    (folder / "captions.csv").write_text("image,recording,caption,split\na.png,a.wav,a dog,test\n")
    return folder


def save(panel, path, form):
    tasks.start(panel.controller.save_table(path, form))


def boxes(panel):
    return {box.text(): box for box in panel.options.findChildren(QCheckBox)}


def choose(panel, context, qtbot, dataset):
    panel.controller.add_folder(dataset)
    settle(context, qtbot)


def test_without_an_evaluation_it_says_what_goes_there(panel):
    results = panel.results
    assert results.pages.currentWidget() is results.empty
    assert not results.below.isVisibleTo(panel) and not results.save.isEnabled()
    assert panel.options.plan.text() == "Add a dataset to begin."
    assert not panel.options.start.isEnabled()
    assert panel.plots.quality.nothing.isVisibleTo(panel)


def test_a_folder_that_is_dropped_is_read_and_its_test_split_ticked(panel, context, qtbot, dataset):
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(dataset))])
    panel.dropEvent(QDropEvent(QPointF(10, 10), Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton,
                               Qt.KeyboardModifier.NoModifier))
    settle(context, qtbot)
    assert boxes(panel)["test · 1 utterance"].isChecked()
    request = panel.controller.state.options.request()
    assert request.data == (DataChoice(dataset, "test", "folder"),) and request.models == (ModelSpec(),)
    assert request.conditions == (CLEAN,) and request.crops == ("",) and request.captions == (False,)


@pytest.mark.slow
def test_the_plan_says_what_it_comes_to(panel, context, qtbot, dataset):
    choose(panel, context, qtbot, dataset)
    text = "1 evaluation; 20 recordings to transcribe first, 3 MB of cache"
    qtbot.waitUntil(lambda: panel.options.plan.text() == text, timeout=WAIT)
    panel.options.ratios[5].setChecked(True)
    panel.options.words.setCurrentIndex(2)
    qtbot.waitUntil(lambda: panel.options.plan.text().startswith("4 evaluations"), timeout=WAIT)
    assert panel.controller.state.options.request().conditions == (CLEAN, Condition("white", 5.0))
    assert panel.options.start.isEnabled()


@pytest.mark.slow
def test_a_plan_that_cannot_be_is_said_and_not_started(panel, context, qtbot, dataset, monkeypatch):
    def plan(workspace, request, report):
        raise EvaluationError("It needs weights that are not here.", "weights")

    monkeypatch.setattr(evaluate, "plan", plan)
    choose(panel, context, qtbot, dataset)
    qtbot.waitUntil(lambda: panel.options.plan.text() == "It needs weights that are not here.", timeout=WAIT)
    assert not panel.options.start.isEnabled()


def test_nothing_ticked_says_what_to_tick(panel, context, qtbot, dataset):
    choose(panel, context, qtbot, dataset)
    panel.options.clean.setChecked(False)
    assert panel.options.plan.text() == "Tick at least one noise level and one crop."
    boxes(panel)["Zero-shot"].click()
    assert panel.options.plan.text() == "Tick a model." and not panel.options.start.isEnabled()


def test_a_folder_that_is_no_dataset_says_so_and_is_taken_out(panel, context, qtbot, tmp_path):
    folder = tmp_path / "empty"
    folder.mkdir()
    choose(panel, context, qtbot, folder)
    options = panel.controller.state.options
    assert options.chosen_splits == [] and not panel.options.start.isEnabled() and options.datasets[folder].problem
    panel.controller.remove_folder(folder)
    assert not panel.controller.state.options.datasets


def test_evaluating_shows_how_far_it_is_and_then_the_result(panel, context, qtbot, dataset, monkeypatch,
                                                             make_evaluation):
    gate = threading.Event()

    def run(explorer, request, report):
        report(Progress(done=3, total=20, subject="Hearing recordings"))
        assert gate.wait(20)
        return [make_evaluation(explorer.store)]

    monkeypatch.setattr(evaluate, "evaluate", run)
    choose(panel, context, qtbot, dataset)
    panel.controller.start()
    qtbot.waitUntil(lambda: panel.options.plan.text() == "Hearing recordings · 3 of 20", timeout=WAIT)
    assert not panel.options.start.isVisibleTo(panel)
    gate.set()
    qtbot.waitUntil(lambda: panel.results.model.rowCount() == 1, timeout=WAIT)
    settle(context, qtbot)
    assert panel.options.start.isVisibleTo(panel) and panel.controller.state.record is not None
    assert panel.banner.message.text() == "1 evaluation is done."


def test_stopping_keeps_what_was_finished(panel, context, qtbot, dataset, monkeypatch, make_evaluation):
    def run(explorer, request, report):
        make_evaluation(explorer.store)
        while True:
            report(Progress(subject="Ranking"))

    monkeypatch.setattr(evaluate, "evaluate", run)
    choose(panel, context, qtbot, dataset)
    panel.controller.start()
    qtbot.waitUntil(lambda: panel.options.plan.text() == "Ranking", timeout=WAIT)
    panel.controller.stop()
    assert panel.options.plan.text().startswith("Stopping") and not panel.options.progress.cancel.isEnabled()
    qtbot.waitUntil(lambda: panel.results.model.rowCount() == 1, timeout=WAIT)
    qtbot.waitUntil(panel.banner.isVisible, timeout=WAIT)
    assert panel.banner.message.text().startswith("Stopped.")
    settle(context, qtbot)
    panel.controller.start()
    assert not panel.banner.isVisible()  # it says nothing of this one
    panel.controller.stop()


def test_a_failure_is_reported_with_what_is_safe(panel, context, qtbot, dataset, monkeypatch):
    def run(explorer, request, report):
        raise EvaluationError("There is nothing to evaluate.", "nothing")

    monkeypatch.setattr(evaluate, "evaluate", run)
    choose(panel, context, qtbot, dataset)
    with qtbot.waitSignal(panel.failed, timeout=WAIT) as failed:
        panel.controller.start()
    assert "finished before are kept" in failed.args[1]
    settle(context, qtbot)
    assert panel.options.start.isVisibleTo(panel)


def test_stored_evaluations_are_listed_with_their_intervals(filled, three):
    model = filled.results.model
    assert [line.evaluation for line in model.lines()] == [each.id for each in three[::-1]]
    cell = model.index(0, 1).data(CELL_ROLE)
    figure = three[2].speech_to_image["R@1"]
    assert cell.text == f"{figure.value:.1f}" and cell.below == f"{figure.low:.0f}–{figure.high:.0f}"
    assert "white 5 dB" in model.index(1, 0).data(CELL_ROLE).below
    assert model.index(0, model.columnCount() - 1).data() == "9.0"
    assert "20 utterances of 10 pictures" in filled.results.facts.text()
    assert filled.summary.text() == "3 stored evaluations"


def test_the_table_sorts_by_figures_not_by_words(filled):
    table = filled.results.table
    table.sortByColumn(3, Qt.SortOrder.DescendingOrder)
    shown = [table.shown.index(line, 3).data(CELL_ROLE).value for line in range(3)]
    assert shown == sorted(shown, reverse=True)


def test_open_failures_goes_there_with_the_evaluation_in_front(filled, three, qtbot):
    filled.results.table.go_to(three[0].id)
    with qtbot.waitSignal(filled.go_to) as sent:
        filled.results.open_failures.click()
    assert sent.args == ["failures", three[0].id]


def test_deleting_asks_and_deletes_the_ticked_ones(filled, three, context, qtbot):
    filled.results.model.tick([three[0].id, three[2].id])
    assert filled.results.erase.text() == "Delete 2…"
    filled.results.erase.click()
    box = filled.findChild(QMessageBox)
    box.reject()
    settle(context, qtbot)
    assert len(archive.evaluations(context.explorer.store)) == 3
    filled.results.erase.click()
    box = filled.findChildren(QMessageBox)[-1]
    next(each for each in box.buttons() if each.text() == "Delete").click()
    qtbot.waitUntil(lambda: filled.results.model.rowCount() == 1, timeout=WAIT)
    assert [each.id for each in archive.evaluations(context.explorer.store)] == [three[1].id]


def test_ticked_evaluations_are_compared_in_one_plot(filled, three, context, qtbot):
    assert len({each.name for each in filled.plots.quality.chart.series}) == 1
    filled.results.model.tick([three[0].id, three[2].id])
    settle(context, qtbot)
    assert {each.name for each in filled.plots.quality.chart.series} == {three[0].setup.title, three[2].setup.title}
    assert len({each.colour for each in filled.plots.quality.chart.series}) == 2


def test_space_ticks_the_row_in_front(filled, three, qtbot):
    filled.results.table.go_to(three[1].id)
    for expected in ([three[1].id], []):
        qtbot.keyClick(filled.results.table, Qt.Key.Key_Space)
        assert filled.results.model.ticks() == expected


@pytest.mark.slow
def test_the_noise_curve_has_both_branches_and_each_alone(filled, three, context, qtbot):
    filled.results.table.go_to(three[1].id)
    filled.plots.noise_level.setCurrentIndex(0)  # among the first 10 of 10 everything is
    filled.plots.noise_level.activated.emit(0)
    settle(context, qtbot)
    series = {each.name: each for each in filled.plots.noise.chart.series}
    assert set(series) == {"both", "transcript alone", "voice alone"}
    assert series["both"].y == tuple(each.speech_to_image["R@1"].value for each in three[:2])
    opened = archive.open_evaluation(context.explorer.store, three[1].id)
    reached = [query.text_rank == 1 for query in opened.queries("speech_to_image")]
    assert series["transcript alone"].y[1] == pytest.approx(100 * sum(reached) / 20) != 100
    assert series["voice alone"].y[1] != series["transcript alone"].y[1]
    filled.results.table.go_to(three[2].id)
    settle(context, qtbot)
    assert filled.plots.noise.chart.series == () and "without noise" in filled.plots.noise.nothing.text()


def test_groups_by_speaker_and_length_say_their_figures(filled, three, context):
    for view, names in (("speaker", ["s0", "s1", "s2"]), ("length", None)):
        found = curves.quality(context.explorer.store, [three[0].id], view, 5)
        assert all("R@5" in tip and "WER" in tip for one in found.series for tip in one.tips)
        if names:
            assert [name for _, name in found.across.ticks] == names
    fit = curves.quality(context.explorer.store, [three[0].id], "wer", 1)
    dots = next(one for one in fit.series if one.style == "dots")
    assert dots.tips[0].startswith("WER 0 %: ") and len(dots.x) == 2


def test_the_values_of_the_paper_have_marked_columns(filled, three, qtbot):
    filled.results.tabs.button(1).click()
    model = filled.results.paper_model
    published = [place for place, column in enumerate(model.columns()) if column.published]
    assert len(published) == 6
    ours = {line.cells[0].text: line for line in model.lines() if line.evaluation}
    assert len(ours) == 1  # zero-shot on Flickr8k: the full one was trained on nobody knows what
    line = next(iter(ours.values()))
    assert line.evaluation == three[2].id
    for place, cell in enumerate(line.cells):
        assert cell.published == (place in published)
    assert line.cells[2].text == f"{three[2].speech_to_image['R@1'].value:.1f}"
    assert "published in the paper" in filled.results.about.text()
    assert not filled.results.below.isVisibleTo(filled)


def test_tables_are_copied_and_saved(filled, context, qtbot, tmp_path):
    filled._export("markdown", True)
    assert QGuiApplication.clipboard().text().count("zero-shot") >= 1
    save(filled, tmp_path / "table.csv", "csv")
    settle(context, qtbot)
    assert (tmp_path / "table.csv").read_text().count("\n") == 4
    filled.controller.choose(table=5)
    save(filled, tmp_path / "table.tex", "latex")
    settle(context, qtbot)
    assert "(paper)" in (tmp_path / "table.tex").read_text()
    save(filled, tmp_path / "nowhere" / "table.csv", "csv")
    settle(context, qtbot)
    assert "could not be written" in filled.banner.message.text()


def test_train_sends_a_checkpoint_here(panel, context, qtbot, tmp_path):
    panel.receive(tmp_path / "best")
    settle(context, qtbot)
    option = panel.controller.state.options.models[-1]
    assert option.checkpoint == str(tmp_path / "best") and option.problem  # nothing is there
    assert panel.controller.state.options.chosen_models == [] and panel.options.plan.text() == "Add a dataset to begin."


def test_all_choices_come_back(panel, context, qtbot, dataset):
    choose(panel, context, qtbot, dataset)
    panel.options.ratios[0].setChecked(True)
    panel.options.noise.setCurrentIndex(2)
    panel.options.crops["letterbox"].setChecked(True)
    panel.options.drop.setChecked(True)
    panel.controller.choose(table=4)
    state = panel.save_state()
    again = EvaluatePanel(context)
    qtbot.addWidget(again)
    again.restore_state(state)
    again.activated()
    settle(context, qtbot)
    assert again.controller.state.options.request() == panel.controller.state.options.request()
    assert again.controller.state.options.request().conditions[1] == Condition("babble", 0.0)
    assert again.controller.state.table == again.results.tabs.checkedId() == 4
    again.closing()


def test_a_damaged_evaluation_does_not_stop_the_panel(filled, context, qtbot, monkeypatch, three):
    def broken(store, evaluation_id):
        raise EvaluationError("What was stored is damaged.", "damaged")

    monkeypatch.setattr(archive, "open_evaluation", broken)
    with qtbot.waitSignal(filled.failed, timeout=WAIT) as failed:
        filled.plots.level.activated.emit(0)
    assert failed.args[0].kind == "damaged"
    assert filled.results.model.rowCount() == 3


def test_the_plot_says_what_is_near_and_nothing_from_afar(qtbot):
    plot = IntervalPlot("Found")
    qtbot.addWidget(plot)
    plot.resize(400, 300)
    plot.show()
    points = Series("ours", "main", (0.0, 50.0), (90.0, 10.0), (80.0, 5.0), (95.0, 20.0), ("few", "many"), "dots")
    plot.show_chart(Chart((points,), Axis("WER", (0, 100)), Axis("found", (0, 100)), note="at rest"))
    qtbot.waitUntil(lambda: plot.windowHandle().isExposed())
    there = plot.plot.getViewBox().mapViewToScene(QPointF(50, 10))
    assert plot.show_near(there) == "many" == plot.words.text()
    assert plot.show_near(FAR) == "at rest"
    plot.show_chart(Chart(nothing="no curve"))
    assert plot.nothing.isVisibleTo(plot) and not plot.plot.isVisibleTo(plot)


@pytest.mark.parametrize("height", [150, 300])
def test_whole_dots_are_seen_at_both_ends(qtbot, height):
    plot = IntervalPlot("Found")
    qtbot.addWidget(plot)
    plot.show_chart(Chart((Series("ours", "main", (0.0, 50.0), (100.0, 0.0), (), (), ("all", "none"), "dots",
                                  (LARGEST, LARGEST)),), Axis("WER", (0, 100)), Axis("found", (0, 100))))
    plot.resize(400, height)
    plot.show()
    box = plot.plot.getViewBox()
    qtbot.waitUntil(lambda: all(
        box.sceneBoundingRect().top() + LARGEST / 2 <= box.mapViewToScene(QPointF(0, y)).y()
        <= box.sceneBoundingRect().bottom() - LARGEST / 2 for y in (0, 100)))


@pytest.mark.parametrize("number", [1, 2, 4, 5])
def test_a_paper_table_fits_the_smallest_usual_window(qtbot, number):
    card = EvaluationsCard(lambda **choice: None, lambda: None, lambda form, copy: None, lambda form: None)
    qtbot.addWidget(card)
    card.resize(843, 400)  # what 1280 x 800 leaves
    card.show()
    card.render_state(EvaluateState(table=number))
    table = card.paper
    assert table.horizontalScrollBar().maximum() == 0
    width = QFontMetrics(theme.font("quiet", bold=True)).horizontalAdvance
    for group, first, last in groups(table.cells.columns()):
        room = sum(table.columnWidth(place) for place in range(first, last + 1))
        assert max(map(width, group.split("\n"))) <= room, group


def test_the_model_of_cells_keeps_qts_rules(qtbot):
    model = CellsModel(tickable=True)
    tester = QAbstractItemModelTester(model, QAbstractItemModelTester.FailureReportingMode.Fatal)
    columns = [Column("Name", figures=False), Column("R@1", "Speech to image\nours"),
               Column("R@5", "Speech to image\nours"), Column("R@1", "Speech to image\npaper", published=True)]
    line = TableLine(7, (Cell("a"), Cell("1.0", "0–2", 1.0), Cell("2.0"), Cell("3.0", published=True)))
    model.show(columns, [line, TableLine(0, line.cells)])
    assert groups(model.columns()) == [("Speech to image\nours", 1, 2), ("Speech to image\npaper", 3, 3)]
    assert model.headerData(1, Qt.Orientation.Horizontal) == "\n\nR@1"
    assert model.setData(model.index(0, 0), Qt.CheckState.Checked, Qt.ItemDataRole.CheckStateRole)
    assert model.ticks() == [7] and not model.setData(model.index(0, 1), Qt.CheckState.Checked,
                                                      Qt.ItemDataRole.CheckStateRole)
    assert model.index(0, 3).data(Qt.ItemDataRole.AccessibleTextRole) == "3.0 (paper)"
    model.show(columns, [])
    assert model.ticks() == [] and tester.model() is model


def test_plots_are_stacked_where_both_do_not_fit(filled, qtbot):
    plots = filled.plots
    filled.resize(1150, 720)
    qtbot.waitUntil(lambda: plots.noise.x() > plots.quality.x())
    filled.split.setSizes([700, 200])
    filled.resize(900, 720)
    qtbot.waitUntil(lambda: plots.noise.y() > plots.quality.y() and plots.noise.x() == plots.quality.x())


def test_in_the_smallest_window_nothing_lies_over_anything_else(filled, qtbot):
    """The panel of a window of 1000 x 640."""
    stack = PanelStack()
    qtbot.addWidget(stack)
    stack.add(filled)
    stack.show_panel(filled)
    stack.resize(912, 590)
    stack.show()
    plot, results = filled.plots.quality, filled.results
    qtbot.waitUntil(lambda: filled.plots.noise.y() > plot.y() and plot.words.y() > plot.plot.geometry().bottom())
    assert results.facts.height() >= results.facts.heightForWidth(results.facts.width())
    assert results.facts.y() > results.table.geometry().bottom()


def test_a_dataset_without_a_split_to_evaluate_says_so(tmp_path):
    found = read_dataset(Path(tmp_path / "nothing"))
    assert found.problem and found.splits == ()
