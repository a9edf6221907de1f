"""Export of plots: the menu, the file, what is said; the paper's figures from the window."""

from types import SimpleNamespace

import pytest
from PySide6.QtWidgets import QWidget

from brewclip_app import tasks
from brewclip_app.jobs import JobRunner
from brewclip_app.panels.evaluate.interval_plot import IntervalPlot
from brewclip_app.panels.failures.kind_chart import KindChart
from brewclip_app.panels.train.curve_plot import CurveLine, CurvePlot, Reference
from brewclip_app.widgets import figure_export
from brewclip_app.widgets.figure_export import FigureExporter
from core.paper_figures import figures
from core.plots.charts import Axis, Bar, Chart, Series, draw_chart
from core.plots.style import DrawnFigure, new_figure

WAIT = 20_000
CHART = Chart((Series("ours", "main", (0.0, 50.0), (90.0, 10.0)),), Axis("WER"), Axis("hits", (0, 100)))


class Failures(list):
    def emit(self, error, advice):
        self.append(error)


@pytest.fixture
def made(qtbot, tmp_path, monkeypatch):
    """An exporter whose file dialog answers at once; all that it said and that failed."""
    parent, said = QWidget(), []
    qtbot.addWidget(parent)
    context = SimpleNamespace(jobs=JobRunner(parent), failed=Failures(),
                              explorer=SimpleNamespace(workspace="the workspace"))
    monkeypatch.setattr(figure_export, "ask_target",
                        lambda parent, kind, title, name, take: take(tmp_path / name))
    return SimpleNamespace(exporter=FigureExporter(context, parent, said.append), context=context, said=said,
                           parent=parent, folder=tmp_path)


def action(menu, words):
    menu.aboutToShow.emit()
    return next(one for one in menu.actions() if words in one.text())


@pytest.mark.parametrize(("words", "name"), [("PNG, column", "hits.png"), ("SVG, page", "hits.svg"),
                                             ("PDF, page", "hits.pdf")])
def test_a_plot_is_saved_in_the_chosen_format(made, qtbot, words, name):
    button = made.exporter.button("hits", lambda: lambda width, report: DrawnFigure(draw_chart(CHART, width), width))
    action(button.menu(), words).trigger()
    qtbot.waitUntil(lambda: bool(made.said), timeout=WAIT)
    assert made.said == [f"Saved as {made.folder / name}."]
    content = (made.folder / name).read_bytes()
    assert content.startswith({"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF"}[name[-3:]])
    assert (b"page" if "page" in words else b"column") in content
    assert not made.context.failed


def test_nothing_is_offered_while_there_is_no_plot(made, qtbot):
    plot = IntervalPlot("Hits")
    qtbot.addWidget(plot)
    menu = made.exporter.menu("hits", plot.drawing, made.parent)
    menu.aboutToShow.emit()
    assert menu.isEnabled() and not any(action.isEnabled() for action in menu.actions()), "Esc closes it"
    plot.show_chart(CHART)
    menu.aboutToShow.emit()
    assert all(action.isEnabled() for action in menu.actions())


def test_a_folder_that_is_gone_is_a_failure_for_the_window(made, qtbot):
    tasks.start(made.exporter.save(made.folder / "none" / "a.png", lambda width, report: DrawnFigure(new_figure()),
                                   "page"))
    qtbot.waitUntil(lambda: bool(made.context.failed), timeout=WAIT)
    assert made.context.failed[0].kind == "no_folder"
    assert not made.said


def test_the_plots_draw_what_they_show(qtbot):
    plot, chart, bars = IntervalPlot("Hits"), CurvePlot(), KindChart()
    for widget in (plot, chart, bars):
        qtbot.addWidget(widget)
    assert plot.drawing() is None
    assert bars.drawing() is None
    plot.show_chart(CHART)
    axes = plot.drawing()("column", None).figure.axes[0]
    assert axes.get_title(loc="left") == "Hits"
    assert axes.lines[0].get_ydata().tolist() == [90.0, 10.0]
    bars.show_bars([Bar("a", "Heard wrongly", "transcript", 3)])
    assert [patch.get_width() for patch in bars.drawing()("column", None).figure.axes[0].patches] == [3]
    chart.show_lines([CurveLine("R@1", (0, 10), (20.0, 30.0), "voice", "dash")], "%", Reference("zero-shot", 25.0))
    drawn = chart.chart("Dev R@1")
    assert (drawn.series[0].x, drawn.series[0].y, drawn.series[0].dash) == ((0.0, 10.0), (20.0, 30.0), "dash")
    assert (drawn.levels, drawn.up.ends, drawn.title) == ((("zero-shot", 25.0),), (0.0, 100.0), "Dev R@1")
    chart.zoom(True)
    assert chart.chart("").up.ends is None


def test_a_figure_of_the_paper_is_drawn_from_the_chosen_evaluations(made, qtbot, monkeypatch):
    asked = []

    def draw(workspace, number, ids, choice, width, report):
        asked.append((workspace, number, ids, choice.ids, width))
        return DrawnFigure(new_figure(width), "its caption")

    monkeypatch.setattr(figures, "draw", draw)
    menu = made.exporter.paper_menu(made.parent, lambda: (4, 7), lambda: ("u1",))
    menu.aboutToShow.emit()
    enabled = [one.text() for one in menu.actions() if one.isEnabled()]
    assert [text.partition(":")[0] for text in enabled] == ["Figure 3", "Figure 4", "Figure 6", "Figure 7",
                                                            "Recall over word error rate…"]
    action(menu, "Figure 4").trigger()
    qtbot.waitUntil(lambda: bool(made.said), timeout=WAIT)
    assert asked == [("the workspace", "4", (4, 7), ("u1",), "page")]
    assert b"its caption" in (made.folder / "figure-4.pdf").read_bytes()
