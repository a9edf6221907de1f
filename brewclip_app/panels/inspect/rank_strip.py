"""A ranking as a strip of thumbnails with rank and score; a dotted line marks ranks that are left out."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFontMetrics, QPainter, QPainterPath, QPen
from PySide6.QtWidgets import (
    QAbstractItemView,
    QListView,
    QListWidget,
    QListWidgetItem,
    QSizePolicy,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from brewclip_app import theme
from brewclip_app.localisation import _
from brewclip_app.plain_text import plain_tip
from brewclip_app.thumbnails import Thumbnails, draw_fitted
from brewclip_app.widgets.tables import of_cards_in_a_row

if TYPE_CHECKING:
    from collections.abc import Sequence

    from core.explain.neighbours import Neighbour

CARD = QSize(84, 60)
GAP = 10
RADIUS = 7
NEIGHBOUR_ROLE = Qt.ItemDataRole.UserRole
Index = QModelIndex | QPersistentModelIndex


class RankStrip(QListWidget):
    """Thumbnails by rank; a click chooses one."""

    chosen = Signal(object)  # ImageRecord

    def __init__(self, thumbnails: Thumbnails) -> None:
        super().__init__()
        self.rows: Sequence[Neighbour] = ()
        self._own = -1
        self.setItemDelegate(_Cards(thumbnails, self))
        of_cards_in_a_row(self)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setStyleSheet("RankStrip { background: transparent; border: none; }")
        self.setAccessibleName(_("Pictures by rank"))
        self.itemClicked.connect(lambda item: self.chosen.emit(item.data(NEIGHBOUR_ROLE).image))
        thumbnails.ready.connect(lambda image_id: self.viewport().update())
        theme.changed.connect(self._fit)
        self._fit()

    def show_rows(self, rows: "Sequence[Neighbour]", own: int) -> None:
        """Show a ranking; `own` is the id of the picture that is explained."""
        self._own, self.rows = own, rows
        self.clear()
        for row in rows:
            item = QListWidgetItem(f"{row.rank} · {row.score:.2f}", self)
            item.setData(NEIGHBOUR_ROLE, row)
            item.setToolTip(plain_tip(_("Rank {rank}, score {score:.3f}: {name}").format(rank=row.rank, score=row.score,
                                                                                         name=row.image.path.name)))
        if self._place() >= 0:
            self.setCurrentRow(self._place())
            self.scrollToItem(self.item(self._place()), QAbstractItemView.ScrollHint.EnsureVisible)

    def step(self, by: int) -> None:
        """Choose the picture before (-1) or after (1) the explained one."""
        place = self._place() + by
        if 0 <= place < len(self.rows):
            self.chosen.emit(self.rows[place].image)

    def _place(self) -> int:
        return next((place for place, row in enumerate(self.rows) if row.image.id == self._own), -1)

    def _fit(self) -> None:
        height = CARD.height() + 6 + QFontMetrics(theme.font("quiet")).height()
        self.setGridSize(QSize(CARD.width() + GAP, height + 6))
        self.setFixedHeight(height + 6 + 14)


class _Cards(QStyledItemDelegate):
    def __init__(self, thumbnails: Thumbnails, parent: RankStrip) -> None:
        super().__init__(parent)
        self._thumbnails = thumbnails

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        view = self.parent()
        return view.gridSize() if isinstance(view, QListView) else CARD

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        neighbour: Neighbour = index.data(NEIGHBOUR_ROLE)
        card = QRect(option.rect.x() + GAP // 2, option.rect.y() + 4, CARD.width(), CARD.height())
        painter.save()
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        shape = QPainterPath()
        shape.addRoundedRect(QRectF(card), RADIUS, RADIUS)
        painter.save()
        painter.setClipPath(shape, Qt.ClipOperation.IntersectClip)
        painter.fillRect(card, theme.colour("track"))
        draw_fitted(painter, card, self._thumbnails.get(neighbour.image, round(CARD.width() * _ratio(painter))))
        painter.restore()
        if option.state & QStyle.StateFlag.State_Selected:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(theme.colour("main"), 2.5))
            painter.drawRoundedRect(QRectF(card).adjusted(-2, -2, 2, 2), RADIUS + 2, RADIUS + 2)
        before = index.model().index(index.row() - 1, 0).data(NEIGHBOUR_ROLE) if index.row() else None
        if before is not None and neighbour.rank > before.rank + 1:
            painter.setPen(QPen(theme.colour("quiet"), 1.5, Qt.PenStyle.DotLine))  # ranks are left out here
            painter.drawLine(option.rect.x(), card.top() + 6, option.rect.x(), card.bottom() - 6)
        painter.setFont(theme.font("quiet"))
        painter.setPen(theme.colour("quiet"))
        words = QRect(card.left(), card.bottom() + 4, card.width(), QFontMetrics(painter.font()).height())
        painter.drawText(words, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop,
                         str(index.data(Qt.ItemDataRole.DisplayRole)))
        painter.restore()


def _ratio(painter: QPainter) -> float:
    device = painter.device()
    return device.devicePixelRatioF() if isinstance(device, QWidget) else 1.0
