"""Card of a picture in the grid: of a hit with rank, name, strength and score shares, or the picture alone."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetrics, QPainter, QPainterPath, QPen
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from brewclip_app import theme
from brewclip_app.plain_text import elided_name
from brewclip_app.thumbnails import Key, Thumbnail, Thumbnails, draw_fitted, key_of
from brewclip_app.widgets.branch_bar import THICKNESS, draw_branch_bar
from brewclip_app.widgets.mosaic import covering
from brewclip_app.widgets.picture_grid.model import COPIES_ROLE, HIT_ROLE, IMAGE_ROLE, MOVE_ROLE, Index, copies_words

if TYPE_CHECKING:
    from core.search.queries import Hit
    from core.store.records import ImageRecord

GAP = 12  # px between cards
PADDING = 9
RADIUS = 10
PICTURE_SHAPE = 0.8  # height of the picture's place to its width, on a hit
LONGEST = 3.0  # length of a picture's sides to each other up to which it is read large enough to fill a square
FADED = 0.4  # opacity
STAR = "\N{BLACK STAR}"
CHECK = 20  # px
ON_PICTURE = QColor(20, 20, 24, 190)  # ground of badges: the same in both themes
WHITE = QColor(255, 255, 255)
STRENGTH_INKS = {"strong": "words", "fair": "words", "weak": "quiet"}


class PictureDelegate(QStyledItemDelegate):
    """Paints cards in cells of one size; the gap between cards belongs to the cells, half on each side.

    A picture without a hit fills a square card.
    """

    def __init__(self, thumbnails: Thumbnails, parent: QWidget) -> None:
        super().__init__(parent)
        self._thumbnails = thumbnails
        self.cell = QSize(176, 188)
        self.full_score = 1.0  # the score that fills a bar
        self.faded = False  # drawn pale: what is shown answers an earlier query
        self.asked: dict[Key, int] = {}  # thumbnails that were not there yet, and the rows they are for

    def cell_height(self, cell_width: int, hits: bool) -> int:
        """The height of a cell of a width, for the fonts there are."""
        if not hits:
            return cell_width
        text = theme.line_height(theme.font("quiet"))
        return GAP + round((cell_width - GAP) * PICTURE_SHAPE) + PADDING + text + 6 + THICKNESS + PADDING

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return self.cell

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        hit: Hit | None = index.data(HIT_ROLE)
        image: ImageRecord = index.data(IMAGE_ROLE)
        card = QRect(option.rect.topLeft() + QPoint(GAP // 2, GAP // 2), self.cell - QSize(GAP, GAP))
        painter.save()
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        state = option.state
        if self.faded:
            painter.setOpacity(FADED)
        place = card
        if hit is not None:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme.colour("hover" if state & QStyle.StateFlag.State_MouseOver else "card"))
            painter.drawRoundedRect(card, RADIUS, RADIUS)
            place = QRect(card.left(), card.top(), card.width(), round(card.width() * PICTURE_SHAPE))
        small = self._thumbnail(painter, place.width(), image, index.row(), hit is None)
        self._draw_picture(painter, card, place, small, hit is None)
        if hit is not None:
            _draw_badge(painter, place, f"{hit.rank}{copies_words(hit, ' · ')}", at_top=True)
            self._draw_words(painter, card, place.bottom() + 1 + PADDING, hit)
        copies = index.data(COPIES_ROLE) if hit is None else 1
        below = (STAR * image.rating, f"\N{WHITE SQUARE CONTAINING BLACK SMALL SQUARE} {copies}" if copies > 1 else "")
        if any(below):
            _draw_badge(painter, place, " · ".join(filter(None, below)), at_top=False)
        selected = bool(state & QStyle.StateFlag.State_Selected)
        if selected or hit is not None:
            _draw_frame(painter, card, selected)
        if selected:
            _draw_check(painter, place)
        move = index.data(MOVE_ROLE)
        if move is not None:
            _draw_move(painter, place, move.badge, (CHECK + 6) * selected)
        if state & QStyle.StateFlag.State_HasFocus:
            _draw_focus(painter, card)
        painter.restore()

    def _thumbnail(self, painter: QPainter, width: int, image: "ImageRecord", row: int, fill: bool) -> Thumbnail | None:
        """The thumbnail of a picture, of another size while that is made, if there is any."""
        pixels = width * painter.device().devicePixelRatioF()
        sides = sorted((image.width, image.height))
        if fill and sides[0] > 0:  # the shorter side has to fill the card
            pixels *= min(LONGEST, sides[1] / sides[0])
        small = self._thumbnails.get(image, round(pixels))
        if small is None:
            self.asked[key_of(image, round(pixels))] = row
            small = self._thumbnails.best_now(image)
        return small

    def _draw_picture(self, painter: QPainter, card: QRect, place: QRect, small: Thumbnail | None, fill: bool) -> None:
        path = QPainterPath()
        path.addRoundedRect(QRectF(card), RADIUS, RADIUS)
        painter.save()
        painter.setClipPath(path, Qt.ClipOperation.IntersectClip)
        painter.fillRect(place, theme.colour("track"))
        if fill and small is not None and small.pixmap is not None:
            painter.drawPixmap(QRectF(place), small.pixmap, covering(small.pixmap, place))
        else:
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


def _draw_badge(painter: QPainter, place: QRect, words: str, at_top: bool) -> None:
    """Words in the left corner of a picture: its rank at the top, its rating and number of copies at the bottom."""
    badge = _badge_rect(place, words)
    if not at_top:
        badge.moveBottom(place.bottom() - 6)
    _draw_on_ground(painter, badge, words, ON_PICTURE, WHITE)


def _draw_move(painter: QPainter, place: QRect, words: str, beside: int) -> None:
    """Words in the right upper corner of a picture, `beside` px away from it."""
    badge = _badge_rect(place, words)
    badge.moveRight(place.right() - 6 - beside)
    _draw_on_ground(painter, badge, words, theme.colour("main"), theme.colour("on_main"))


def _badge_rect(place: QRect, words: str) -> QRect:
    metrics = QFontMetrics(theme.font("quiet", bold=True))
    return QRect(place.left() + 6, place.top() + 6, metrics.horizontalAdvance(words) + 11, metrics.height() + 1)


def _draw_on_ground(painter: QPainter, badge: QRect, words: str, ground: QColor, ink: QColor) -> None:
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(ground)
    painter.drawRoundedRect(badge, 5, 5)
    painter.setFont(theme.font("quiet", bold=True))
    painter.setPen(ink)
    painter.drawText(badge, Qt.AlignmentFlag.AlignCenter, words)


def _draw_check(painter: QPainter, place: QRect) -> None:
    """The mark of a selected picture, in its right upper corner."""
    disc = QRect(place.right() - CHECK - 5, place.top() + 6, CHECK, CHECK)
    painter.setPen(QPen(theme.colour("card"), 1.5))
    painter.setBrush(theme.colour("main"))
    painter.drawEllipse(disc)
    theme.icon("check", "on_main").paint(painter, disc.adjusted(4, 4, -4, -4))


def _draw_frame(painter: QPainter, card: QRect, selected: bool) -> None:
    painter.setBrush(Qt.BrushStyle.NoBrush)
    if selected:
        painter.setPen(QPen(theme.colour("main"), 2))
        painter.drawRoundedRect(QRectF(card).adjusted(-2, -2, 2, 2), RADIUS + 2, RADIUS + 2)
    else:
        painter.setPen(QPen(theme.colour("line"), 1))
        painter.drawRoundedRect(QRectF(card).adjusted(0.5, 0.5, -0.5, -0.5), RADIUS, RADIUS)
