"""The table of failures: sortable, one row current; a kind is a dot and a word."""

from PySide6.QtCore import QRect, QRectF, Qt, Signal
from PySide6.QtGui import QKeyEvent, QPainter, QResizeEvent
from PySide6.QtWidgets import (
    QHeaderView,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QWidget,
)

from brewclip_app import theme
from brewclip_app.panels.failures.missed_model import (
    KIND,
    LABEL,
    RANK,
    ROW_ROLE,
    THEN,
    WER,
    WORDS,
    Index,
    MissedProxy,
    MissedRow,
)
from brewclip_app.widgets.common import look, width_of
from brewclip_app.widgets.tables import go_to, of_lines

DOT = 9  # px
LEAST_WORDS = 90  # px of the utterance
FAINT = "line"  # a colour that needs an edge to be seen
WALK = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}


class MissedTable(QTableView):
    """Shows a proxy's rows; `current` tells the place of the failure in front."""

    current = Signal(object)  # MissedRow, None

    def __init__(self, proxy: MissedProxy) -> None:
        super().__init__()
        self.proxy = proxy
        self._known = True
        self._widths: dict[int, int] = {}
        look(self, "bare")
        self.setModel(proxy)
        self.setItemDelegateForColumn(KIND, KindDelegate(self))
        of_lines(self, "Failures")
        self.setSortingEnabled(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.verticalHeader().setDefaultSectionSize(theme.line_height(self.font()) + 10)
        self.setMinimumHeight(120)
        header = self.horizontalHeader()
        look(header, "figures")
        header.setMinimumSectionSize(30)
        header.setSectionResizeMode(WORDS, QHeaderView.ResizeMode.Stretch)
        self.selectionModel().currentRowChanged.connect(lambda now, _: self.current.emit(now.data(ROW_ROLE)))
        self._settle()

    def row(self) -> MissedRow | None:
        """The failure in front."""
        return self.proxy.row_at(self.currentIndex().row())

    def line(self) -> int:
        """Its line, from 0; -1 when none is in front."""
        return self.currentIndex().row()

    def go(self, line: int) -> None:
        """Bring another line to the front."""
        if 0 <= line < self.proxy.rowCount():
            go_to(self, self.proxy.index(line, WORDS))

    def step(self, by: int) -> None:
        """To the next (1) or the one before (-1)."""
        self.go(min(self.proxy.rowCount() - 1, max(0, self.line() + by)))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        by = WALK.get(Qt.Key(event.key()))
        if by is not None:
            self.step(by)
        elif event.text() and event.text().isprintable():
            event.ignore()  # the panel's keys: letters do not jump in the list
        else:
            super().keyPressEvent(event)

    def show_kinds(self, known: bool) -> None:
        """Whether there is a diagnosis to speak of."""
        self._known = known
        self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        """Columns that there is no room for are left out, so that the utterance can be read."""
        room = self.viewport().width() - LEAST_WORDS
        for column in (RANK, KIND, WER, LABEL, THEN):  # what matters most first
            wanted = self._known or column not in (KIND, THEN)
            room -= self._widths[column] if wanted else 0
            self.setColumnHidden(column, not wanted or (room < 0 and column != RANK))

    def _settle(self) -> None:
        """Figures get what they need, the utterance the rest."""
        header = self.horizontalHeader()
        for column, widest, more in ((RANK, "Rank", 38), (WER, "100 %", 34), (KIND, "Heard wrongly", DOT + 30),
                                     (THEN, "Then", 24), (LABEL, "Wrong caption", 30)):
            self._widths[column] = width_of(widest, self) + more
            header.resizeSection(column, self._widths[column])


class KindDelegate(QStyledItemDelegate):
    """A dot in the kind's colour before its word."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        row = index.data(ROW_ROLE)
        room = QStyleOptionViewItem(option)
        self.initStyleOption(room, index)
        text, room.text = room.text, ""
        widget = option.widget
        widget.style().drawControl(widget.style().ControlElement.CE_ItemViewItem, room, painter, widget)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        place = QRect(option.rect).adjusted(11, 0, -4, 0)
        if isinstance(row, MissedRow) and row.kind:
            painter.setPen(theme.colour("quiet") if row.kind_ink == FAINT else Qt.PenStyle.NoPen)
            painter.setBrush(theme.colour(row.kind_ink))
            painter.drawEllipse(QRectF(place.left(), place.center().y() - DOT / 2 + 0.5, DOT, DOT))
            place.adjust(DOT + 5, 0, 0, 0)
        painter.setPen(theme.colour("words"))
        shown = room.fontMetrics.elidedText(text, Qt.TextElideMode.ElideRight, place.width())
        painter.drawText(place, int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft), shown)
        painter.restore()
