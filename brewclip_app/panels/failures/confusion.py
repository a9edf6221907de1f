"""Confusion matrix of labels and diagnosis."""

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractItemView, QDialog, QHeaderView, QTableWidget, QTableWidgetItem, QWidget

from brewclip_app import theme
from brewclip_app.localisation import _
from brewclip_app.widgets.common import button, column, label, row

if TYPE_CHECKING:
    from core.evaluation.failures import Confusion

SAME = _("the same kind")


class ConfusionDialog(QDialog):
    """Rows: your labels, columns: diagnosed kinds; those without any failure are left out."""

    def __init__(self, parent: QWidget, confusion: "Confusion", failures: int) -> None:
        super().__init__(parent)
        self.setWindowTitle(_("Diagnosis against your labels"))
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        labelled = sum(map(sum, confusion.cells))
        self.summary = label(_summary(confusion, labelled, failures), "quiet-body", wrap=True)
        self.table = _table(confusion)
        box = column(label(_("Diagnosis against your labels"), "title"), self.summary, self.table,
                     row(None, button(_("Close"), self.accept, "main")), space=12)
        box.setContentsMargins(20, 18, 20, 16)
        self.setLayout(box)
        self.table.setVisible(labelled > 0)
        self.resize(min(900, 260 + 112 * self.table.columnCount()), 170 + 38 * self.table.rowCount())


def _summary(confusion: "Confusion", labelled: int, failures: int) -> str:
    if not labelled:
        return _("No failure has both a label and a diagnosis yet. Label some with the number keys.")
    return (_("{labelled} of {failures} failures are labelled; the diagnosis agrees on {agreed}. Rows: your label, "
              "columns: diagnosis.").format(labelled=labelled, failures=failures, agreed=confusion.agreed))


def _table(confusion: "Confusion") -> QTableWidget:
    from core.evaluation.failures import KIND_TITLES, LABEL_TITLES

    rows = [number for number, cells in enumerate(confusion.cells) if any(cells)]
    columns = [number for number in range(len(confusion.columns)) if any(cells[number] for cells in confusion.cells)]
    table = QTableWidget(len(rows), len(columns))
    table.setAccessibleName(_("Labels in rows, diagnosed kinds in columns"))
    table.setVerticalHeaderLabels([LABEL_TITLES[confusion.rows[number]] for number in rows])
    table.setHorizontalHeaderLabels([KIND_TITLES[confusion.columns[number]] for number in columns])
    table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
    table.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
    table.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
    table.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    for line, number in enumerate(rows):
        for place, kind in enumerate(columns):
            same = confusion.rows[number] == confusion.columns[kind]
            table.setItem(line, place, _cell(confusion.cells[number][kind], same))
    table.setMaximumHeight(table.horizontalHeader().sizeHint().height() + table.verticalHeader().length()
                          + 2 * table.frameWidth())
    return table


def _cell(count: int, same: bool) -> QTableWidgetItem:
    item = QTableWidgetItem(f"{count} \N{CHECK MARK}" if same and count else str(count) if count else "\N{MIDDLE DOT}")
    item.setTextAlignment(Qt.AlignmentFlag.AlignCenter)
    item.setToolTip(SAME if same else "")
    item.setForeground(theme.colour("quiet" if not count else "good_words" if same else "words"))
    return item
