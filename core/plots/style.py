"""Style of printed plots and the files they are saved to.

`new_figure` gives a matplotlib figure of a column's or a page's width, `save` writes one as PNG, SVG or PDF. Matplotlib
is used without pyplot, so that no state of a screen is made, and is imported on first use.
"""

import functools
import io
import logging
import threading
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

from core import private_files
from core.errors import FigureError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Width = Literal["column", "page"]
WIDTHS: Mapping[Width, float] = MappingProxyType({"column": 3.35, "page": 6.9})  # inches
COLOURS: Mapping[str, str] = MappingProxyType({  # by role, on a light ground; the window's theme takes them from here
    "transcript": "#1668b8",  # the transcript and its branch
    "voice": "#c8501e",       # the voice and the acoustic branch
    "main": "#5a4fcf",        # both branches together
    "record": "#d92d20",
    "good": "#2e8b57",
    "care": "#b7791f",
    "ground": "#f5f5f7",
    "card": "#ffffff",
    "line": "#dcdce1",
    "words": "#1b1b1f",
    "quiet": "#6a6a73",
})
FORMATS = (".png", ".svg", ".pdf")
DPI = 300  # of PNG, and of pictures inside the others
POINTS, SMALL = 7.5, 6.5  # of text, and of quiet text
FONTS = (  # the first holds Latin, Greek, Cyrillic, Arabic and Hebrew letters; those installed of the rest stand in
    "DejaVu Sans", "Noto Sans CJK SC", "Noto Sans CJK JP", "Microsoft YaHei", "PingFang SC", "Hiragino Sans GB",
    "WenQuanYi Zen Hei", "Droid Sans Fallback", "Noto Sans Devanagari", "Noto Sans Thai", "Nirmala UI",
    "Arial Unicode MS")
_METADATA: Mapping[str, Mapping[str, str | None]] = {  # no dates and versions: equal figures give equal files
    ".png": {"Software": None}, ".svg": {"Date": None, "Creator": None},
    ".pdf": {"CreationDate": None, "Creator": None, "Producer": None}}
_rendering = threading.Lock()  # matplotlib draws text in one thread at a time


@dataclass(frozen=True, eq=False)
class DrawnFigure:
    """A figure with its `caption`: what it shows and from what it was drawn; "" for none."""

    figure: "Figure"
    caption: str = ""


def new_figure(width: Width = "column", height: float = 2.2) -> "Figure":
    """An empty white figure of a column's or a page's width and `height` inches, in the style of this module.

    FigureError ("missing") where matplotlib is not installed.
    """
    _set_style()
    from matplotlib.figure import Figure

    return Figure(figsize=(WIDTHS[width], height), dpi=DPI)


def check_target(path: Path) -> None:
    """FigureError: "suffix" where the name has none of `FORMATS`, "no_folder" where its folder is missing."""
    if path.suffix.lower() not in FORMATS:
        raise FigureError(f"{path.name} names no format for figures. Give it the ending .png, .svg or .pdf.", "suffix")
    if not path.absolute().parent.is_dir():
        raise FigureError(f"The figure was not saved: there is no folder {path.absolute().parent}. Make it, or choose "
                          "another.", "no_folder")


def save(figure: "Figure", path: Path, description: str = "") -> None:
    """Write a figure as its name's ending says, whole or not at all. Text stays text in SVG and PDF.

    `description` is kept in the file: PNG's and SVG's Description, PDF's Subject.

    Equal figures give equal files. FigureError: those of `check_target`, "not_written".
    """
    check_target(path)
    content = rendered(figure, path.suffix.lower(), description)
    try:
        private_files.write_atomically(path, content, private=False)
    except OSError as error:
        raise FigureError(f"{path} could not be written: {error.strerror or error}. What was there is unchanged; make "
                          "room, or choose another folder.", "not_written") from error


def rendered(figure: "Figure", suffix: str, description: str = "") -> bytes:
    """The bytes of a figure in one of `FORMATS`."""
    out, metadata = io.BytesIO(), dict(_METADATA[suffix])
    if description:
        metadata["Subject" if suffix == ".pdf" else "Description"] = description
    with _rendering:
        figure.savefig(out, format=suffix[1:], dpi=DPI, metadata=metadata)
    return out.getvalue()


def clean(text: str) -> str:
    """A text on one line, without control characters and bytes that are no text."""
    return "".join(character if character.isprintable() else "?" for character in " ".join(text.split()))


@functools.cache
def _set_style() -> None:
    """Set matplotlib's defaults, once in a process: nothing else here uses it. FigureError ("missing")."""
    try:
        import matplotlib
    except ImportError as error:
        raise FigureError("Figures need matplotlib, which is not installed here. Nothing was drawn; install the "
                          "program in full to save figures.", "missing") from error
    from matplotlib import font_manager

    logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)  # fonts that stand in have no bold letters
    warnings.filterwarnings("ignore", "Glyph .* missing from")  # a box stands for it
    installed = set(font_manager.fontManager.get_font_names())
    quiet, line, words = COLOURS["quiet"], COLOURS["line"], COLOURS["words"]
    matplotlib.rcParams.update({
        "font.family": [name for name in FONTS if name in installed], "font.size": POINTS, "text.parse_math": False,
        "axes.titlesize": POINTS, "axes.titleweight": "bold", "axes.labelsize": SMALL, "xtick.labelsize": SMALL,
        "ytick.labelsize": SMALL, "legend.fontsize": SMALL, "legend.frameon": False,
        "text.color": words, "axes.titlecolor": words, "axes.labelcolor": quiet, "axes.edgecolor": line,
        "xtick.color": line, "ytick.color": line, "xtick.labelcolor": quiet, "ytick.labelcolor": quiet,
        "xtick.major.size": 0, "ytick.major.size": 0, "xtick.minor.size": 0, "ytick.minor.size": 0,
        "axes.spines.top": False, "axes.spines.right": False, "axes.linewidth": 0.6, "grid.color": line,
        "grid.linewidth": 0.5, "lines.linewidth": 1.2, "lines.markersize": 3.5, "axes.unicode_minus": True,
        "figure.facecolor": "white", "savefig.facecolor": "white", "svg.fonttype": "none", "svg.hashsalt": "brewclip",
        "pdf.fonttype": 42, "image.interpolation": "antialiased"})
