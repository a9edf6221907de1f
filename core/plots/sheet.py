"""Sheets of pictures and texts: laid out in inches from the top left, as high as what is on them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PIL import Image

from core.plots import text as texts
from core.plots.style import COLOURS, DPI, POINTS, SMALL, WIDTHS, Width, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LEADING = 1.3  # from line to line, of the letters' size
POINT = 1 / 72  # inches
MARGIN = 0.05  # inches around everything


@dataclass(frozen=True)
class Box:
    """A place on a sheet, in inches from its top left corner."""

    left: float
    top: float
    width: float
    height: float

    @property
    def bottom(self) -> float:
        """Its lower edge."""
        return self.top + self.height


@dataclass(frozen=True)
class _Text:
    left: float
    top: float
    text: str
    points: float
    colour: str
    bold: bool


@dataclass(frozen=True, eq=False)
class _Picture:
    box: Box
    image: Image.Image


@dataclass(frozen=True)
class _Frame:
    box: Box
    edge: str  # a role of `style.COLOURS`; "" for none
    fill: str  # a role or "#rrggbb"; "" for none
    line: float  # points


class Sheet:
    """Collects pictures, texts and frames; `figure` draws them. `width` is what lies between its margins, in inches.

    FigureError ("missing") without matplotlib.
    """

    def __init__(self, width: Width) -> None:
        new_figure(width)  # sets the fonts that texts are measured in
        self.name = width
        self.width = WIDTHS[width] - 2 * MARGIN
        self._texts: list[_Text] = []
        self._pictures: list[_Picture] = []
        self._frames: list[_Frame] = []
        self._bottom = 0.0

    def text(self, left: float, top: float, text: str, wide: float, most: int = 1, points: float = POINTS,
             colour: str = "words", bold: bool = False) -> float:
        """Write a text in up to `most` lines, the last cut where it does not fit; the place below it."""
        return self.lines(left, top, texts.lines(text, wide, most, points, bold), points, colour, bold)

    def lines(self, left: float, top: float, lines: Sequence[str], points: float = POINTS, colour: str = "words",
              bold: bool = False) -> float:
        """Write lines that are broken already; the place below them."""
        for line in lines:
            self._texts.append(_Text(left, top, line, points, colour, bold))
            top += points * POINT * LEADING
        self._reach(top)
        return top

    def picture(self, box: Box, image: Image.Image | None, missing: str = "not read", edge: str = "line",
                line: float = 0.6) -> Box:
        """Put a picture into a box, whole, at its left, with a frame; grey with a sentence where it is missing.

        Returns its place.
        """
        if image is None:
            self._frames.append(_Frame(box, edge, "ground", line))
            self.text(box.left + 0.04, box.top + 0.04, missing, box.width - 0.08, 4, SMALL, "quiet")
            self._reach(box.bottom)
            return box
        scale = min(box.width / image.width, box.height / image.height)
        width, height = image.width * scale, image.height * scale
        place = Box(box.left, box.top, width, height)
        pixels = max(1, round(width * DPI)), max(1, round(height * DPI))
        shown = image if image.width <= pixels[0] else image.resize(pixels, Image.Resampling.LANCZOS)
        self._pictures.append(_Picture(place, shown))
        self._frames.append(_Frame(place, edge, "", line))
        self._reach(box.bottom)
        return place

    def tile(self, box: Box, colour: str) -> None:
        """Fill a box with a colour: a role of `style.COLOURS`, or "#rrggbb"."""
        self._frames.append(_Frame(box, "", colour, 0.0))
        self._reach(box.bottom)

    def rule(self, top: float, left: float = 0.0, wide: float | None = None) -> None:
        """Draw a thin line across."""
        self._frames.append(_Frame(Box(left, top, self.width - left if wide is None else wide, 0.0), "line", "", 0.6))
        self._reach(top)

    def figure(self) -> "Figure":
        """All of it as a figure, as high as it needs."""
        from matplotlib.patches import Rectangle

        whole, height = WIDTHS[self.name], self._bottom + 2 * MARGIN
        figure = new_figure(self.name, height)

        def placed(box: Box) -> tuple[float, float, float, float]:
            """Left, bottom, width and height as shares of the figure."""
            return ((MARGIN + box.left) / whole, 1 - (MARGIN + box.bottom) / height, box.width / whole,
                    box.height / height)

        for picture in self._pictures:
            axes = figure.add_axes(placed(picture.box))
            axes.imshow(picture.image, aspect="auto")
            axes.set_axis_off()
        for frame in self._frames:
            left, bottom, wide, high = placed(frame.box)
            figure.add_artist(Rectangle(
                (left, bottom), wide, high, transform=figure.transFigure, linewidth=frame.line if frame.edge else 0,
                edgecolor=COLOURS[frame.edge] if frame.edge else "none",
                facecolor=COLOURS.get(frame.fill, frame.fill) or "none", zorder=0.5 if frame.fill else 3))
        for text in self._texts:
            left, bottom, _, _ = placed(Box(text.left, text.top, 0, 0))
            figure.text(left, bottom, text.text, fontsize=text.points, va="top", color=COLOURS[text.colour],
                        fontweight="bold" if text.bold else "normal")
        return figure

    def _reach(self, bottom: float) -> None:
        self._bottom = max(self._bottom, bottom)
