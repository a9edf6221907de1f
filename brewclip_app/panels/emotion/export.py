"""Export of a run: its table as CSV or Markdown, its figure as PNG or SVG."""

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QImage, QPainter
from PySide6.QtSvg import QSvgGenerator

from brewclip_app import theme
from brewclip_app.localisation import _, as_shown
from brewclip_app.panels.emotion import words
from brewclip_app.panels.emotion.emotion_bars import draw_columns
from brewclip_app.panels.emotion.emotion_matrix import draw_matrix
from core.emotion.features import feature
from core.errors import StoreError

if TYPE_CHECKING:
    from core.emotion.results import Result

KINDS = (("csv", _("Table (CSV)")), ("md", _("Table (Markdown)")), ("png", _("Figure (PNG)")),
         ("svg", _("Figure (SVG)")))
SIDE = 460  # px of the matrix
MARGIN = 20
SHARP = 2  # pixels of a PNG in one of the figure


def save(result: "Result", key: str, path: Path) -> None:
    """Write a run in the format of the file's suffix, on the GUI thread. StoreError ("not_written", "kind")."""
    kind = path.suffix.lower().lstrip(".")
    if kind in ("csv", "md"):
        from core.emotion import tables

        tables.save(result, path)
    elif kind in ("png", "svg"):
        _save_figure(result, key, path)
    else:
        raise StoreError(_("{name}: choose .csv, .md, .png or .svg.").format(name=path.name), "kind")


def draw_figure(painter: QPainter, result: "Result", key: str) -> None:
    """Draw the matrix of a feature and beside it the probed layers, in the colours of the theme."""
    score = next(score for score in result.scores if score.feature == key)
    painter.fillRect(QRectF(0, 0, size(result).width(), size(result).height()), theme.colour("card"))
    painter.setFont(theme.font("heading"))
    painter.setPen(theme.colour("words"))
    painter.drawText(QRectF(MARGIN, MARGIN, SIDE, 24), Qt.AlignmentFlag.AlignVCenter,
                     f"{as_shown(score.title)}: {score.score.accuracy:.1f} %")
    draw_matrix(painter, QRectF(MARGIN, MARGIN + 32, SIDE, SIDE), result.classes, score.confusion, feature(key).tone)
    if words.has_bars(result):
        left = 2 * MARGIN + SIDE
        painter.setFont(theme.font("heading"))
        painter.setPen(theme.colour("words"))
        painter.drawText(QRectF(left, MARGIN, SIDE, 24), Qt.AlignmentFlag.AlignVCenter,
                         _("Accuracy by Whisper layer, %"))
        draw_columns(painter, QRectF(left, MARGIN + 32, SIDE, SIDE), words.bars(result), result.majority)


def size(result: "Result") -> QSize:
    """Size of the figure, px."""
    return QSize(2 * MARGIN + SIDE + (MARGIN + SIDE if words.has_bars(result) else 0), 2 * MARGIN + 32 + SIDE)


def _save_figure(result: "Result", key: str, path: Path) -> None:
    if path.suffix.lower() == ".svg":
        generator = QSvgGenerator()
        generator.setFileName(str(path))
        generator.setSize(size(result))
        generator.setViewBox(QRectF(0, 0, size(result).width(), size(result).height()))
        painter = QPainter()
        written = painter.begin(generator)
        if written:
            draw_figure(painter, result, key)
            painter.end()
    else:
        image = QImage(size(result) * SHARP, QImage.Format.Format_RGB32)
        image.setDevicePixelRatio(SHARP)
        painter = QPainter(image)
        draw_figure(painter, result, key)
        painter.end()
        written = image.save(str(path))
    if not written:
        raise StoreError(_("{path} could not be written. Choose another folder.").format(path=path), "not_written")
