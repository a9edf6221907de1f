"""Colours of groups in both themes; numbers in the legend and on the map tell them apart as well."""

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QIcon, QPainter, QPixmap

from brewclip_app import theme
from core.mapping.figure import GROUP_COLOURS
from core.mapping.groups import NOTHING

DARK = ("#5aa9f0", "#f08a55", "#5fc58b", "#a79bff", "#e0a94a", "#4fd0d8", "#f08cc0", "#c3d05a", "#c9a18a", "#b4b4bf")
GROUPS = tuple(zip(GROUP_COLOURS, DARK, strict=True))  # (light, dark)
SIDE = 16  # px of a sign in the legend


def group_colour(number: int) -> QColor:
    """Colour of a group in the present theme; quiet for points in none."""
    return theme.colour("quiet") if number == NOTHING else QColor(GROUPS[number % len(GROUPS)][theme.is_dark()])


def draw_number(painter: QPainter, centre: QPointF, number: int) -> None:
    """A group's number on a disc of its colour."""
    place = QRectF(centre.x() - SIDE / 2, centre.y() - SIDE / 2, SIDE, SIDE)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(theme.colour("card"))
    painter.setBrush(group_colour(number))
    painter.drawEllipse(place)
    painter.setFont(theme.font("quiet", bold=True))
    painter.setPen(QColor("#ffffff" if not theme.is_dark() else "#1b1b1f"))
    painter.drawText(place, Qt.AlignmentFlag.AlignCenter, str(number + 1))


def number_icon(number: int, ratio: float) -> QIcon:
    """The sign of a group in the legend."""
    picture = QPixmap(round((SIDE + 2) * ratio), round((SIDE + 2) * ratio))
    picture.setDevicePixelRatio(ratio)
    picture.fill(Qt.GlobalColor.transparent)
    painter = QPainter(picture)
    draw_number(painter, QPointF(SIDE / 2 + 1, SIDE / 2 + 1), number)
    painter.end()
    return QIcon(picture)
