"""The table of failures: sortable, one row current; a kind is a dot and a word."""

from PySide6.QtCore import QRect, QRectF, Qt
from PySide6.QtGui import QKeyEvent, QPainter, QResizeEvent
from PySide6.QtWidgets import (
    QHeaderView,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QWidget,
)

from brewclip_app import theme
from brewclip_app.localisation import _
from brewclip_app.panels.failures.misses_model import (
    KIND,
    LABEL,
    RANK,
    THEN,
    WER,
    WORDS,
    MissesProxy,
    MissRow,
)
from brewclip_app.widgets.common import look, width_of
from brewclip_app.widgets.record_table import RECORD_ROLE, Index
from brewclip_app.widgets.tables import go_to, of_lines

DOT = 9  # px
LEAST_WORDS = 90  # px of the utterance
FAINT = "line"  # a colour that needs an edge to be seen
WALK = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}


class MissesTable(QTableView):
    """Table over a proxy; the current row is the failure in front."""

    def __init__(self, proxy: MissesProxy) -> None:
        super().__init__()
        self.proxy = proxy
        self._has_kinds = True
        self._widths: dict[int, int] = {}
        look(self, "bare")
        self.setModel(proxy)
        self.setItemDelegateForColumn(KIND, KindDelegate(self))
        of_lines(self, _("Failures"))
        self.setSortingEnabled(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.verticalHeader().setDefaultSectionSize(theme.line_height(self.font()) + 10)
        self.setMinimumHeight(120)
        header = self.horizontalHeader()
        look(header, "figures")
        header.setMinimumSectionSize(30)
        header.setSectionResizeMode(WORDS, QHeaderView.ResizeMode.Stretch)
        self._measure()

    def row(self) -> MissRow | None:
        """The failure in front."""
        return self.proxy.row_at(self.currentIndex().row())

    def line(self) -> int:
        """Line of the failure in front, from 0; -1 when there is none."""
        return self.currentIndex().row()

    def go(self, line: int) -> None:
        """Make a line current."""
        if 0 <= line < self.proxy.rowCount():
            go_to(self, self.proxy.index(line, WORDS))

    def step(self, by: int) -> None:
        """Go to the next line (1) or the previous (-1)."""
        self.go(min(self.proxy.rowCount() - 1, max(0, self.line() + by)))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        by = WALK.get(Qt.Key(event.key()))
        if by is not None:
            self.step(by)
        elif event.text() and event.text().isprintable():
            event.ignore()  # the panel's keys: letters do not jump in the list
        else:
            super().keyPressEvent(event)

    def show_kinds(self, shown: bool) -> None:
        """Show the columns of the diagnosis, or hide them."""
        self._has_kinds = shown
        self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        """Hide columns that there is no room for, so that the utterance can be read."""
        room = self.viewport().width() - LEAST_WORDS
        for column in (RANK, KIND, WER, LABEL, THEN):  # by importance
            visible = self._has_kinds or column not in (KIND, THEN)
            room -= self._widths[column] if visible else 0
            self.setColumnHidden(column, not visible or (room < 0 and column != RANK))

    def _measure(self) -> None:
        """Set the widths: numbers get what they need, the utterance the rest."""
        header = self.horizontalHeader()
        for column, widest, more in ((RANK, _("Rank"), 38), (WER, "100 %", 34), (KIND, _("Heard wrongly"), DOT + 30),
                                     (THEN, _("Then"), 24), (LABEL, _("Wrong caption"), 30)):
            self._widths[column] = width_of(widest, self) + more
            header.resizeSection(column, self._widths[column])


class KindDelegate(QStyledItemDelegate):
    """A dot in the kind's colour before its word."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        row = index.data(RECORD_ROLE)
        room = QStyleOptionViewItem(option)
        self.initStyleOption(room, index)
        text, room.text = room.text, ""
        widget = option.widget
        widget.style().drawControl(widget.style().ControlElement.CE_ItemViewItem, room, painter, widget)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        place = QRect(option.rect).adjusted(11, 0, -4, 0)
        if isinstance(row, MissRow) and row.kind:
            painter.setPen(theme.colour("quiet") if row.kind_colour == FAINT else Qt.PenStyle.NoPen)
            painter.setBrush(theme.colour(row.kind_colour))
            painter.drawEllipse(QRectF(place.left(), place.center().y() - DOT / 2 + 0.5, DOT, DOT))
            place.adjust(DOT + 5, 0, 0, 0)
        painter.setPen(theme.colour("words"))
        shown = room.fontMetrics.elidedText(text, Qt.TextElideMode.ElideRight, place.width())
        painter.drawText(place, int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft), shown)
        painter.restore()
