"""Card with the files that could not be read: filter them, copy the list, show a file in its folder."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QSortFilterProxyModel, Qt, QUrl
from PySide6.QtGui import QDesktopServices, QGuiApplication, QKeySequence
from PySide6.QtWidgets import QHeaderView, QLineEdit, QTableView, QWidget

from brewclip_app import theme, wording
from brewclip_app.localisation import _, as_shown
from brewclip_app.shortcuts import add_shortcut
from brewclip_app.widgets.common import Card, button, label
from brewclip_app.widgets.flow_layout import FlowLayout
from brewclip_app.widgets.record_table import RecordTable, TableColumn
from brewclip_app.widgets.tables import NameDelegate, of_lines

if TYPE_CHECKING:
    from core.store.records import FailureRecord

COLUMN_WIDTH = 150  # px of names and of folders; the user may drag


class FailuresCard(Card):
    """A table with a filter; hidden while everything could be read."""

    def __init__(self) -> None:
        super().__init__()
        self.model = FailuresModel()
        self.shown = QSortFilterProxyModel()
        self.shown.setSourceModel(self.model)
        self.shown.setFilterKeyColumn(-1)
        self.shown.setFilterCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        self.count = label("", "heading")
        self.search = QLineEdit()
        self.search.setPlaceholderText(_("Search names and reasons"))
        self.search.setAccessibleName(_("Search failures"))
        self.search.setClearButtonEnabled(True)
        self.search.setMinimumWidth(100)
        self.search.setMaximumWidth(220)
        self.search.textChanged.connect(self.shown.setFilterFixedString)
        self.copy = button(_("Copy list"), self._copy, tip=_("Copy paths and reasons of the selected rows, or of all"))
        self.folder = button(_("Show in folder"), self._show_folder)
        self.table = self._make_table()
        tools = QWidget()
        flow = FlowLayout(tools)
        for control in (self.search, self.folder, self.copy):
            flow.addWidget(control)
        self.body.addWidget(self.count)
        self.body.addWidget(tools)
        self.body.addWidget(self.table, 1)
        self.table.selectionModel().selectionChanged.connect(lambda *_unused: self._follow_selection())
        add_shortcut(self.table, QKeySequence.StandardKey.Copy, self._copy, alone=True)
        self._follow_selection()

    def show_failures(self, failures: "Sequence[FailureRecord]") -> None:
        """Show failures; without any the card is hidden."""
        self.model.show(failures)
        self.count.setText(_("{failures} could not be read").format(failures=wording.count(len(failures))))
        self.setVisible(bool(failures))

    def selected(self) -> "list[FailureRecord]":
        """The failures of the selected rows."""
        rows = self.table.selectionModel().selectedRows()
        return [self.model.records[self.shown.mapToSource(index).row()] for index in rows]

    def _make_table(self) -> QTableView:
        table = QTableView()
        table.setModel(self.shown)
        table.setSortingEnabled(True)
        table.sortByColumn(0, Qt.SortOrder.AscendingOrder)
        table.setAlternatingRowColors(False)
        table.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        table.setItemDelegateForColumn(0, NameDelegate(table))
        table.setMinimumHeight(120)
        table.verticalHeader().setDefaultSectionSize(theme.line_height(table.font()) + 10)
        header = of_lines(table, _("Files that could not be read"), several=True).horizontalHeader()
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft)
        header.setSectionResizeMode(1, QHeaderView.ResizeMode.Stretch)  # the reason matters most
        for at in (0, 2):
            header.resizeSection(at, COLUMN_WIDTH)
        return table

    def _follow_selection(self) -> None:
        self.folder.setEnabled(len(self.selected()) == 1)

    def _copy(self) -> None:
        lines = range(self.shown.rowCount())
        records = self.selected() or [self.model.records[self.shown.mapToSource(self.shown.index(line, 0)).row()]
                                      for line in lines]
        QGuiApplication.clipboard().setText(
            "\n".join(f"{record.path}\t{as_shown(record.reason)}" for record in records))

    def _show_folder(self) -> None:
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(self.selected()[0].path.parent)))


class FailuresModel(RecordTable["FailureRecord"]):
    """Table of files that could not be read."""

    def __init__(self) -> None:
        super().__init__((TableColumn(_("File"), lambda record: record.path.name, tip=_tip),
                          TableColumn(_("Reason"), reason_of, tip=_tip),
                          TableColumn(_("Folder"), lambda record: str(record.path.parent), tip=_tip)),
                         lambda record: record.path)


def _tip(record: "FailureRecord") -> str:
    return f"{record.path}\n{as_shown(record.reason)}"


def reason_of(record: "FailureRecord") -> str:
    """The reason without the file's name, which stands beside it: "x.jpg is empty." as "Empty."."""
    rest = record.reason.removeprefix(record.path.name).strip()
    rest = rest.removeprefix("is ")
    return rest[:1].upper() + rest[1:]
