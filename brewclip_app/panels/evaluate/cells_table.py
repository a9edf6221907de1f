"""Table view of cells with two lines; the columns of the paper have a grey ground."""

from collections.abc import Iterable, Sequence

from PySide6.QtCore import QRect, QSize, QSortFilterProxyModel, Qt
from PySide6.QtGui import QFontMetrics, QKeyEvent, QPainter, QPaintEvent, QPalette, QResizeEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
)

from brewclip_app import theme
from brewclip_app.panels.evaluate.evaluations_model import CELL_ROLE, SORT_ROLE, Cell, CellsModel, Column, Index
from brewclip_app.widgets.common import look, width_of
from brewclip_app.widgets.tables import go_to, of_lines

PAD, TIGHT = 9, 3  # px at both sides of a cell; where the columns would not fit else
LEAST, READABLE, MOST = 150, 230, 460  # px of the first column; below READABLE names are cut


class CellsTable(QTableView):
    """Table view of a `CellsModel`; the first column takes the room that is left."""

    def __init__(self, model: CellsModel, name: str) -> None:
        super().__init__()
        self.cells = model
        self.shown = QSortFilterProxyModel(self)
        self.shown.setSourceModel(model)
        self.shown.setSortRole(SORT_ROLE)
        self.pad = PAD
        self._wanted: list[int] = []  # px of each column without pads
        self.setModel(self.shown)
        self.setItemDelegate(CellDelegate(self))
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setMinimumHeight(90)
        header = GroupHeader(self)
        self.setHorizontalHeader(header)
        header.setSectionsClickable(True)
        of_lines(self, name)
        look(header, "figures")
        header.setMinimumSectionSize(24)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        model.modelReset.connect(self._measure)

    def evaluation(self) -> int:
        """The evaluation of the current row; 0 when there is none."""
        index = self.shown.mapToSource(self.currentIndex())
        return self.cells.lines()[index.row()].evaluation if index.isValid() else 0

    def go_to(self, evaluation: int) -> None:
        """Make an evaluation's row current, else the first."""
        place = self.cells.row_of(evaluation)
        index = self.shown.mapFromSource(self.cells.index(place, 0)) if place >= 0 else self.shown.index(0, 0)
        if index.isValid():
            go_to(self, index)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Space:
            self._toggle_tick()
        elif event.text() and event.text().isprintable():
            event.ignore()  # the panel's keys: letters do not jump in the list
        else:
            super().keyPressEvent(event)

    def _toggle_tick(self) -> None:
        index = self.shown.mapToSource(self.currentIndex()).siblingAtColumn(0)
        now = index.data(Qt.ItemDataRole.CheckStateRole)
        if now is not None:
            other = Qt.CheckState.Unchecked if Qt.CheckState(now) == Qt.CheckState.Checked else Qt.CheckState.Checked
            self.cells.setData(index, other, Qt.ItemDataRole.CheckStateRole)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._share_room()

    def _measure(self) -> None:
        """Measure the columns: as wide as their texts and their group's title."""
        columns, lines = self.cells.columns(), self.cells.lines()
        self._wanted = [max([_quiet_width(column.title, bold=True)]
                            + [max(width_of(line.cells[place].text, self), _quiet_width(line.cells[place].below))
                               for line in lines], default=0) for place, column in enumerate(columns)]
        for group, first, last in groups(columns):
            widest = max(_quiet_width(line, bold=True) for line in group.split("\n"))
            lacking = widest - sum(self._wanted[first:last + 1])
            for place in range(first, last + 1):
                self._wanted[place] += max(0, -(-lacking // (last + 1 - first)))
        two = any(cell.below for line in lines for cell in line.cells)
        height = self.fontMetrics().height() + (QFontMetrics(theme.font("quiet")).height() if two else 0)
        self.verticalHeader().setDefaultSectionSize(height + 13)
        self._share_room()

    def _share_room(self) -> None:
        header, room = self.horizontalHeader(), self.viewport().width()
        if header.count() != len(self._wanted) or header.count() < 2:
            return
        columns, everything = self.cells.columns(), range(1, len(self._wanted))
        narrow = self._width(everything, TIGHT) + READABLE - LEAST > room
        for place, column in enumerate(columns):
            self.setColumnHidden(place, narrow and column.spare)
        shown = [place for place in everything if not self.isColumnHidden(place)]
        self.pad = PAD if self._width(shown, PAD) + READABLE - LEAST <= room else TIGHT
        look(header, "figures" if self.pad == PAD else "tight-figures")
        for place in shown:
            header.resizeSection(place, min(MOST, self._wanted[place] + 2 * self.pad + 1))
        header.resizeSection(0, max(LEAST, room - sum(header.sectionSize(place) for place in shown)))

    def _width(self, shown: Iterable[int], pad: int) -> int:
        """Width of the first column at its minimum and of those columns with such pads, px."""
        return LEAST + sum(min(MOST, self._wanted[place] + 2 * pad + 1) for place in shown)


class GroupHeader(QHeaderView):
    """Header with group titles above the columns."""

    def __init__(self, parent: QTableView) -> None:
        super().__init__(Qt.Orientation.Horizontal, parent)

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        table = self.parent()
        if not isinstance(table, CellsTable):
            return
        painter = QPainter(self.viewport())
        painter.setFont(theme.font("quiet", bold=True))
        for group, first, last in groups(table.cells.columns()):
            last = max((place for place in range(first, last + 1) if not self.isSectionHidden(place)), default=first)
            left, end = self.sectionViewportPosition(first), self.sectionViewportPosition(last) + self.sectionSize(last)
            height = QFontMetrics(painter.font()).height() * table.cells.group_lines()
            place = QRect(left, 4, end - left, height)
            painter.setPen(theme.colour("quiet"))
            painter.drawText(place, int(Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignBottom), group)
            painter.setPen(theme.colour("line"))
            painter.drawLine(left + table.pad, place.bottom() + 1, end - table.pad, place.bottom() + 1)
        painter.end()


def groups(columns: Sequence[Column]) -> list[tuple[str, int, int]]:
    """Group titles with their first and last columns."""
    spans: list[tuple[str, int, int]] = []
    for place, column in enumerate(columns):
        if spans and column.group == spans[-1][0] and spans[-1][2] == place - 1:
            spans[-1] = (column.group, spans[-1][1], place)
        elif column.group:
            spans.append((column.group, place, place))
    return spans


class CellDelegate(QStyledItemDelegate):
    """Two lines a cell; values of the paper in italics on grey."""

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(super().sizeHint(option, index).width(), option.fontMetrics.height() + 13)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        cell: Cell = index.data(CELL_ROLE)
        room = QStyleOptionViewItem(option)
        self.initStyleOption(room, index)
        room.text = ""
        style, widget = option.widget.style(), option.widget
        if cell.published:
            painter.fillRect(option.rect.adjusted(0, 0, 0, -1), theme.colour("track"))
        style.drawControl(QStyle.ControlElement.CE_ItemViewItem, room, painter, widget)
        pad = widget.pad if isinstance(widget, CellsTable) else PAD
        place = QRect(option.rect).adjusted(pad, 0, -pad, 0)
        if room.features & QStyleOptionViewItem.ViewItemFeature.HasCheckIndicator:
            place.setLeft(style.subElementRect(QStyle.SubElement.SE_ItemViewItemCheckIndicator, room, widget).right()
                          + 8)
        painter.save()
        self._draw_words(painter, place, room, cell)
        painter.restore()

    def _draw_words(self, painter: QPainter, place: QRect, room: QStyleOptionViewItem, cell: Cell) -> None:
        side = room.displayAlignment & Qt.AlignmentFlag.AlignHorizontal_Mask
        small = theme.font("quiet")
        below = QFontMetrics(small).height() if cell.below else 0
        above = room.fontMetrics.height()
        top = place.top() + (place.height() - above - below) // 2
        font = room.font
        font.setItalic(cell.published)
        painter.setFont(font)
        painter.setPen(theme.colour("quiet") if cell.published else room.palette.color(QPalette.ColorRole.Text))
        text = room.fontMetrics.elidedText(cell.text, Qt.TextElideMode.ElideRight, place.width())
        painter.drawText(QRect(place.left(), top, place.width(), above), int(side), text)
        if cell.below:
            painter.setFont(small)
            painter.setPen(theme.colour("quiet"))
            text = QFontMetrics(small).elidedText(cell.below, Qt.TextElideMode.ElideRight, place.width())
            painter.drawText(QRect(place.left(), top + above, place.width(), below), int(side), text)


def _quiet_width(text: str, bold: bool = False) -> int:
    return QFontMetrics(theme.font("quiet", bold=bold)).horizontalAdvance(text)
