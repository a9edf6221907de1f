"""Charts as plain records, drawn by matplotlib: curves with intervals, and bars. The window plots the same records."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from core.plots.style import COLOURS, SMALL, WIDTHS, Width, clean, new_figure
from core.plots.text import shortened

if TYPE_CHECKING:
    from matplotlib.figure import Figure

HEIGHTS = {"column": 2.3, "page": 3.2}  # inches, without the legend
LEGEND_LINE, BAR_LINE = 0.14, 0.19  # inches
POINTS_A_PIXEL = 0.45  # a dot's size on the screen, px, in print
ASIDE = 4.0  # points between dots of the same place
BAND, FAINT = 0.16, 0.85  # opacity of an interval, width of its lines
DASHES = {"solid": "-", "dash": "--", "dot": ":", "dash-dot": "-."}
HANDLE = 0.45  # inches beside a name in the legend
DOTS_UP_TO = 30  # points of a line that are marked one by one


@dataclass(frozen=True)
class Series:
    """One curve: `colour` is a role of `style.COLOURS`, `low` and `high` its intervals, with a tip for each point.

    `style`: line, dots (of `sizes` in px on the screen), both. `named`: whether the legend has it. `dash`: of `DASHES`.
    """

    name: str
    colour: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()
    tips: tuple[str, ...] = ()
    style: Literal["line", "dots", "both"] = "line"
    sizes: tuple[float, ...] = ()
    named: bool = True
    dash: str = "solid"


@dataclass(frozen=True)
class Axis:
    """Title and range of an axis; `ticks` in place of numbers. `ranks`: logarithmic, with 1 at the top."""

    title: str
    ends: tuple[float, float] | None = None
    ticks: tuple[tuple[float, str], ...] = ()
    ranks: bool = False


NO_AXIS = Axis("")


@dataclass(frozen=True)
class Chart:
    """Curves over two axes; `note` stands below them, `levels` are named values, drawn dashed.

    `nothing` says why there are no curves.
    """

    series: tuple[Series, ...] = ()
    across: Axis = NO_AXIS
    up: Axis = NO_AXIS
    title: str = ""
    note: str = ""
    levels: tuple[tuple[str, float], ...] = ()
    nothing: str = ""


@dataclass(frozen=True)
class Bar:
    """One horizontal bar: `colour` is a role of `style.COLOURS`; `key` and `tip` are the window's."""

    key: str
    title: str
    colour: str
    count: int
    tip: str = ""


def draw_chart(chart: Chart, width: Width = "column", height: float | None = None) -> "Figure":
    """A chart as a figure; the legend of several named curves takes lines of its own below. FigureError ("missing")."""
    named = [series for series in chart.series if series.named]
    lines = len(named) if len(named) > 1 else 0
    figure = new_figure(width, (height or HEIGHTS[width]) + LEGEND_LINE * lines)
    figure.set_layout_engine("constrained")
    axes = figure.add_subplot()
    draw_axes(axes, chart)
    if lines:
        handles = [axes.plot([], [], color=COLOURS[series.colour], linestyle=_line(series), marker=_marker(series))[0]
                   for series in named]
        names = [shortened(series.name, WIDTHS[width] - HANDLE, SMALL) for series in named]
        figure.legend(handles, names, loc="outside lower left", handlelength=1.8, labelspacing=0.25)
    return figure


def draw_axes(axes: Any, chart: Chart) -> None:
    """Draw a chart into matplotlib axes, without a legend."""
    dotted = [series for series in chart.series if series.style == "dots"]
    for series in chart.series:
        aside = dotted.index(series) - (len(dotted) - 1) / 2 if series.style == "dots" else 0.0
        _draw_series(axes, series, ASIDE * aside)
    axes.set_axisbelow(True)
    axes.yaxis.grid(True)
    if chart.title:
        axes.set_title(clean(chart.title), loc="left")
    _set_axis(axes, "x", chart.across, chart.note)
    _set_axis(axes, "y", chart.up)
    for name, value in chart.levels:
        axes.axhline(value, color=COLOURS["quiet"], linestyle="--", linewidth=0.7)
        axes.annotate(clean(name), (1, value), xycoords=("axes fraction", "data"), xytext=(-2, 2),
                      textcoords="offset points", ha="right", va="bottom", fontsize=SMALL, color=COLOURS["quiet"],
                      bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.75, "pad": 0.5})


def draw_bars(bars: Sequence[Bar], title: str = "", width: Width = "column") -> "Figure":
    """Horizontal bars in their order, each with its name at the left and its count at the end."""
    figure = new_figure(width, 0.35 + BAR_LINE * max(2, len(bars)))
    figure.set_layout_engine("constrained")
    axes = figure.add_subplot()
    places = range(len(bars))
    axes.barh(places, [bar.count for bar in bars], 0.62, color=[COLOURS[bar.colour] for bar in bars])
    axes.set_yticks(places, [clean(bar.title) for bar in bars])
    axes.invert_yaxis()
    axes.xaxis.set_visible(False)
    axes.spines["bottom"].set_visible(False)
    axes.set_xlim(0, 1.12 * max([1, *(bar.count for bar in bars)]))
    for place, bar in zip(places, bars, strict=True):
        axes.annotate(str(bar.count), (bar.count, place), xytext=(3, 0), textcoords="offset points", va="center",
                      fontsize=SMALL, color=COLOURS["quiet"])
    if title:
        axes.set_title(clean(title), loc="left")
    return figure


def _draw_series(axes: Any, series: Series, aside: float) -> None:
    """Draw a curve, its dots so many points aside: those of several evaluations have the same place."""
    from matplotlib.transforms import ScaledTranslation

    ink, dots = COLOURS[series.colour], series.style == "dots"
    moved = axes.transData + ScaledTranslation(aside / 72, 0, axes.figure.dpi_scale_trans)
    if series.low and dots:
        axes.vlines(series.x, series.low, series.high, color=ink, linewidth=FAINT, transform=moved)
    elif series.low:
        axes.fill_between(series.x, series.low, series.high, color=ink, alpha=BAND, linewidth=0)
    if not dots:
        axes.plot(series.x, series.y, color=ink, linestyle=_line(series), marker=_marker(series))
    elif series.sizes:
        axes.scatter(series.x, series.y, [(POINTS_A_PIXEL * size) ** 2 for size in series.sizes], color=ink, zorder=3,
                     edgecolors="white", linewidths=0.4, transform=moved, clip_on=False)
    else:
        axes.plot(series.x, series.y, color=ink, linestyle="", marker="o", transform=moved)


def _line(series: Series) -> str:
    return "" if series.style == "dots" else DASHES[series.dash]


def _marker(series: Series) -> str:
    return "o" if series.style != "line" and len(series.x) <= DOTS_UP_TO else ""


def _set_axis(axes: Any, name: str, axis: Axis, note: str = "") -> None:
    from matplotlib.ticker import FuncFormatter

    title = "\n".join(filter(None, (clean(axis.title), clean(note))))
    axes.set(**{f"{name}label": title})
    one = axes.xaxis if name == "x" else axes.yaxis
    if axis.ranks:
        axes.set(**{f"{name}scale": "log"})
        one.set_inverted(True)
        one.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        one.set_minor_formatter(FuncFormatter(lambda value, _: ""))
    if axis.ends:
        low, high = axis.ends
        room = 0 if axis.ranks else 0.03 * (high - low)
        axes.set(**{f"{name}lim": (high, low) if axis.ranks else (low - room, high + room)})
    if axis.ticks:
        places, names = zip(*axis.ticks, strict=True)
        one.set_ticks(places, [clean(tick) for tick in names])
