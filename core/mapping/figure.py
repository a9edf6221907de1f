"""A map for print."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from core.mapping.groups import NOTHING, Grouping
from core.mapping.points import Bools, Floats, MapPoints
from core.mapping.projection import METHODS, Projection
from core.plots.style import COLOURS, SMALL, WIDTHS, DrawnFigure, Width, clean, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

GROUP_COLOURS = ("#1668b8", "#c8501e", "#2e8b57", "#5a4fcf", "#b7791f", "#0c7f8d", "#ad2f74", "#66761a", "#8a5a3c",
                 "#6a6a73")  # on a light ground; as many as `groups.MOST_GROUPS`
LEGEND_LINE = 0.16  # inches
Query = tuple[str, Floats, NDArray[np.int64]]  # words, position (2,), rows of its hits


def draw_map(points: MapPoints, projection: Projection, grouping: Grouping | None, visible: Bools,
             width: Width = "page", query: Query | None = None) -> DrawnFigure:
    """The shown points: discs are pictures, triangles utterances, in the colours of the groups; a query with lines to
    its hits.
    """
    names = grouping.names if grouping is not None else ()
    lines = -(-(len(names) + 2) // 3)
    figure = new_figure(width, WIDTHS[width] * 0.8 + lines * LEGEND_LINE)
    axes = figure.add_axes((0.01, lines * LEGEND_LINE / figure.get_figheight(), 0.98,
                            1 - lines * LEGEND_LINE / figure.get_figheight() - 0.01))
    axes.set_aspect("equal")
    axes.set_xticks([])
    axes.set_yticks([])
    group_of = grouping.group_of if grouping is not None else np.zeros(len(points), np.int16)
    size = float(np.clip(4000 / max(1, visible.sum()), 0.4, 9))
    for number in (NOTHING, *range(max(1, len(names)))):
        for spoken, marker in ((False, "o"), (True, "^")):
            rows = visible & (group_of == number) & (points.spoken == spoken)
            if rows.any():
                colour = COLOURS["quiet"] if number == NOTHING else GROUP_COLOURS[number % len(GROUP_COLOURS)]
                x, y = projection.positions[rows].T
                axes.scatter(x, y, s=size, c=colour, marker=marker, linewidths=0,
                             rasterized=len(points) > 20_000)
    _draw_query(axes, projection, query)
    entries = [(name, GROUP_COLOURS[number % len(GROUP_COLOURS)], "o") for number, name in enumerate(names)]
    if points.spoken.any():
        entries += [("picture", COLOURS["quiet"], "o"), ("utterance", COLOURS["quiet"], "^")]
    handles = [axes.scatter([], [], s=12, c=colour, marker=marker, label=clean(name))
               for name, colour, marker in entries]
    if handles:
        figure.legend(handles=handles, loc="lower center", ncols=3, fontsize=SMALL, frameon=False)
    centred = ", each modality centred" if projection.centred else ""
    return DrawnFigure(figure, f"{METHODS[projection.method]} of {points.title}{centred}: {int(visible.sum())} points. "
                               "The axes have no unit.")


def _draw_query(axes: "Axes", projection: Projection, query: Query | None) -> None:
    if query is not None:
        words, position, hits = query
        for row in hits.tolist():
            axes.plot(*zip(position, projection.positions[row], strict=True), color=COLOURS["words"], linewidth=0.4)
        x, y = position.tolist()
        axes.scatter([x], [y], s=24, c=COLOURS["main"], zorder=5)
        axes.annotate(clean(f"“{words}”"), (x, y), (4, 4), textcoords="offset points", fontsize=SMALL)
