"""Card of a hit in the grid: picture, rank, name, strength, and score share of each branch."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetrics, QPainter, QPainterPath, QPen
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from brewclip_app import theme
from brewclip_app.plain_text import elided_name
from brewclip_app.thumbnails import Thumbnails, draw_fitted
from brewclip_app.widgets.branch_bar import THICKNESS, draw_branch_bar
from brewclip_app.widgets.picture_grid.model import HIT_ROLE, Index, copies_words

if TYPE_CHECKING:
    from core.search.queries import Hit

GAP = 12  # px between cards
PADDING = 9
RADIUS = 10
PICTURE_SHAPE = 0.8  # height of the picture's place to its width
FADED = 0.4  # opacity
STRENGTH_INKS = {"strong": "words", "fair": "words", "weak": "quiet"}


class PictureDelegate(QStyledItemDelegate):
    """Paints cards in cells of one size; the gap between cards belongs to the cells, half on each side."""

    def __init__(self, thumbnails: Thumbnails, parent: QWidget) -> None:
        super().__init__(parent)
        self._thumbnails = thumbnails
        self.cell = QSize(176, 188)
        self.full_score = 1.0  # the score that fills a bar
        self.faded = False  # drawn pale: what is shown answers an earlier query

    def cell_height(self, cell_width: int) -> int:
        """The height of a cell of a width, for the fonts there are."""
        text = theme.line_height(theme.font("quiet"))
        return GAP + round((cell_width - GAP) * PICTURE_SHAPE) + PADDING + text + 6 + THICKNESS + PADDING

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return self.cell

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        hit: Hit = index.data(HIT_ROLE)
        card = QRect(option.rect.topLeft() + QPoint(GAP // 2, GAP // 2), self.cell - QSize(GAP, GAP))
        painter.save()
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        state = option.state
        if self.faded:
            painter.setOpacity(FADED)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.colour("hover" if state & QStyle.StateFlag.State_MouseOver else "card"))
        painter.drawRoundedRect(card, RADIUS, RADIUS)
        place = QRect(card.left(), card.top(), card.width(), round(card.width() * PICTURE_SHAPE))
        self._draw_picture(painter, card, place, hit)
        _draw_rank(painter, place, f"{hit.rank}{copies_words(hit, ' · ')}")
        self._draw_words(painter, card, place.bottom() + 1 + PADDING, hit)
        _draw_frame(painter, card, bool(state & QStyle.StateFlag.State_Selected))
        if state & QStyle.StateFlag.State_HasFocus:
            _draw_focus(painter, card)
        painter.restore()

    def _draw_picture(self, painter: QPainter, card: QRect, place: QRect, hit: "Hit") -> None:
        path = QPainterPath()
        path.addRoundedRect(QRectF(card), RADIUS, RADIUS)
        painter.save()
        painter.setClipPath(path, Qt.ClipOperation.IntersectClip)
        painter.fillRect(place, theme.colour("track"))
        small = self._thumbnails.get(hit.image, round(place.width() * painter.device().devicePixelRatioF()))
        draw_fitted(painter, place, small)
        painter.restore()

    def _draw_words(self, painter: QPainter, card: QRect, top: int, hit: "Hit") -> None:
        left, width = card.left() + PADDING, card.width() - 2 * PADDING
        font, bold = theme.font("quiet"), theme.font("quiet", bold=True)
        height = theme.line_height(font)
        level = hit.strength.level
        taken = QFontMetrics(bold).horizontalAdvance(level) + 8
        painter.setFont(bold)
        painter.setPen(theme.colour(STRENGTH_INKS[level]))
        painter.drawText(QRect(left, top, width, height), Qt.AlignmentFlag.AlignRight, level)
        painter.setFont(font)
        painter.setPen(theme.colour("quiet"))
        name = elided_name(QFontMetrics(font), hit.image.path.name, width - taken)
        painter.drawText(QRect(left, top, width - taken, height), Qt.AlignmentFlag.AlignLeft, name)
        draw_branch_bar(painter, QRectF(left, top + height + 6, width, THICKNESS), hit.shares, self.full_score)


def _draw_focus(painter: QPainter, card: QRect) -> None:
    """A dashed line around the card that the keyboard is on; selected ones have a frame of their own."""
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(theme.colour("words"), 1, Qt.PenStyle.DashLine))
    painter.drawRoundedRect(QRectF(card).adjusted(-2.5, -2.5, 2.5, 2.5), RADIUS + 2, RADIUS + 2)


def _draw_rank(painter: QPainter, place: QRect, rank: str) -> None:
    font = theme.font("quiet", bold=True)
    metrics = QFontMetrics(font)
    badge = QRect(place.left() + 6, place.top() + 6, metrics.horizontalAdvance(rank) + 11, metrics.height() + 1)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(20, 20, 24, 190))  # on pictures: the same in both themes
    painter.drawRoundedRect(badge, 5, 5)
    painter.setFont(font)
    painter.setPen(QColor(255, 255, 255))
    painter.drawText(badge, Qt.AlignmentFlag.AlignCenter, rank)


def _draw_frame(painter: QPainter, card: QRect, selected: bool) -> None:
    painter.setBrush(Qt.BrushStyle.NoBrush)
    if selected:
        painter.setPen(QPen(theme.colour("main"), 2))
        painter.drawRoundedRect(QRectF(card).adjusted(-2, -2, 2, 2), RADIUS + 2, RADIUS + 2)
    else:
        painter.setPen(QPen(theme.colour("line"), 1))
        painter.drawRoundedRect(QRectF(card).adjusted(0.5, 0.5, -0.5, -0.5), RADIUS, RADIUS)
