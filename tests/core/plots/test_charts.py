"""Charts drawn from records: what stands in the figure, and that nothing leaves it or overlaps."""

from itertools import pairwise

import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from core.plots.charts import Axis, Bar, Chart, Series, draw_bars, draw_chart
from core.plots.style import COLOURS

LONG = "a folder with a long name " * 8
LINE = Series("both", "main", (0.0, 1.0, 2.0), (90.0, 70.0, 50.0), (80.0, 60.0, 40.0), (95.0, 80.0, 60.0))
DOTS = Series(LONG, "voice", (0.0, 1.0), (60.0, 50.0), (50.0, 40.0), (70.0, 60.0), (), "dots", (6.0, 12.0))
OTHER = Series("\N{ARABIC LETTER MEEM}" * 90, "transcript", (0.0, 2.0), (30.0, 20.0), style="both", dash="dot")


def boxes(figure):
    """Extents of all texts that are drawn, in pixels, beside those of the whole figure."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    from matplotlib.text import Text

    ticks = {label for axes in figure.axes for axis in (axes.xaxis, axes.yaxis) for tick in axis.get_major_ticks()
             for label in (tick.label1, tick.label2)}  # some lie outside the range and are not drawn
    texts = [text for text in figure.findobj(Text) if text.get_text() and text.get_visible() and text not in ticks]
    return [text.get_window_extent(canvas.get_renderer()) for text in texts], figure.bbox


@pytest.mark.parametrize("width", ["column", "page"])
def test_long_names_stay_inside_the_figure_and_the_legend_below_the_plot(width):
    chart = Chart((LINE, DOTS, OTHER), Axis("error rate, %", (0, 2)), Axis("hits, %", (0, 100)), "Hits",
                  "Dots: bins", (("zero-shot 55.0", 55.0),))
    figure = draw_chart(chart, width)
    inner, whole = boxes(figure)
    assert all(box.x0 >= whole.x0 - 1 and box.x1 <= whole.x1 + 1 and box.y0 >= whole.y0 - 1 for box in inner)
    axes, (legend,) = figure.axes[0], figure.legends
    assert legend.get_window_extent().y1 < axes.xaxis.label.get_window_extent().y0
    assert legend.get_texts()[0].get_text() == "both"
    places = [text.get_window_extent() for text in legend.get_texts()]
    assert all(low.y1 <= high.y0 + 1 for high, low in pairwise(places))


def test_a_chart_has_the_points_intervals_and_levels_of_its_records():
    chart = Chart((LINE, DOTS), Axis("x", (0, 2)), Axis("y", (0, 100)), levels=(("level", 55.0),))
    axes = draw_chart(chart).axes[0]
    curve, level = axes.lines[0], next(line for line in axes.lines if line.get_linestyle() == "--")
    assert curve.get_ydata().tolist() == [90.0, 70.0, 50.0]
    assert curve.get_color() == COLOURS["main"]
    assert set(level.get_ydata()) == {55.0}
    segments = next(part for part in axes.collections if len(part.get_paths()) == 2
                    and len(part.get_paths()[0].vertices) == 2).get_paths()
    assert [path.vertices[:, 1].tolist() for path in segments] == [[50.0, 70.0], [40.0, 60.0]]


def test_one_curve_needs_no_legend():
    assert not draw_chart(Chart((LINE,), Axis("x"), Axis("y"))).legends


def test_ranks_have_1_at_the_top_on_a_logarithmic_scale():
    series = Series("mix", "main", (0.0, 0.5, 1.0), (1.0, 10.0, 400.0))
    axes = draw_chart(Chart((series,), Axis("", ticks=((0.0, "words"), (1.0, "voice"))),
                            Axis("rank", (1, 500), ranks=True))).axes[0]
    assert axes.get_yscale() == "log"
    assert axes.get_ylim() == (500, 1)
    assert [label.get_text() for label in axes.get_xticklabels()] == ["words", "voice"]


def test_bars_stand_in_their_order_with_their_counts():
    figure = draw_bars([Bar("a", "Heard wrongly", "transcript", 12), Bar("b", "Crop", "good", 0)], "Kinds")
    axes = figure.axes[0]
    assert [patch.get_width() for patch in axes.patches] == [12, 0]
    assert axes.yaxis.get_inverted()
    assert [text.get_text() for text in axes.texts] == ["12", "0"]
    inner, whole = boxes(figure)
    assert all(box.x0 >= 0 and box.x1 <= whole.x1 for box in inner)
