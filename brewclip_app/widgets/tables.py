"""Set-up of tables (rows are selected as a whole, Home and End go to the first and the last) and of rows of cards."""

from functools import partial
from typing import TypeVar

from PySide6.QtCore import QItemSelectionModel, QModelIndex, QPersistentModelIndex, Qt
from PySide6.QtWidgets import QAbstractItemView, QListView, QStyledItemDelegate, QStyleOptionViewItem, QTableView

from brewclip_app.localisation import as_shown
from brewclip_app.plain_text import elided_name
from brewclip_app.shortcuts import add_shortcut

T = TypeVar("T", bound=QTableView)
NAME_PAD = 10  # px that the style takes of a cell


class NameDelegate(QStyledItemDelegate):
    """A column of file names, each shortened where it does not differ from the others."""

    def initStyleOption(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> None:
        super().initStyleOption(option, index)
        option.text = elided_name(option.fontMetrics, option.text, option.rect.width() - NAME_PAD)


def of_lines(table: T, name: str, several: bool = False) -> T:
    """Have a table (with its model) show lines to choose from, one or `several`; `name` is for screen readers."""
    modes = QAbstractItemView.SelectionMode
    table.setAccessibleName(as_shown(name))
    table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
    table.setSelectionMode(modes.ExtendedSelection if several else modes.SingleSelection)
    table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
    table.setShowGrid(False)
    table.setWordWrap(False)
    table.setTabKeyNavigation(False)
    table.verticalHeader().hide()
    table.horizontalHeader().setHighlightSections(False)
    for key, last in (("Home", False), ("End", True)):
        add_shortcut(table, key, partial(_to_an_end, table, last), alone=True)
    return table


def of_cards_in_a_row(view: QListView) -> None:
    """Have a list view show its items side by side, without a frame or a background of its own."""
    view.setViewMode(QListView.ViewMode.IconMode)
    view.setFlow(QListView.Flow.LeftToRight)
    view.setWrapping(False)
    view.setMovement(QListView.Movement.Static)
    view.setUniformItemSizes(True)  # together with setGridSize: else every card is asked for its size
    view.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
    view.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    view.setFrameShape(QListView.Shape.NoFrame)
    view.viewport().setAutoFillBackground(False)


def go_to(table: QTableView, index: QModelIndex) -> None:
    """Bring the line of a cell to the front."""
    flags = QItemSelectionModel.SelectionFlag
    table.selectionModel().setCurrentIndex(index, flags.ClearAndSelect | flags.Rows)
    table.scrollTo(index)


def _to_an_end(table: QTableView, last: bool) -> None:
    model = table.model()
    columns = (column for column in range(model.columnCount()) if not table.isColumnHidden(column))
    if model.rowCount():
        go_to(table, model.index(model.rowCount() - 1 if last else 0, next(columns)))
