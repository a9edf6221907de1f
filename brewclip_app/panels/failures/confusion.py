"""What the diagnosis found against what people said, as a table."""

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractItemView, QDialog, QHeaderView, QTableWidget, QTableWidgetItem, QWidget

from brewclip_app import theme
from brewclip_app.widgets.common import button, column, label, row

if TYPE_CHECKING:
    from core.evaluation.failures import Confusion

SAME = "the same kind"


class ConfusionDialog(QDialog):
    """Rows are labels, columns kinds; those without any failure are left out."""

    def __init__(self, parent: QWidget, found: "Confusion", failures: int) -> None:
        super().__init__(parent)
        self.setWindowTitle("Diagnosis against your labels")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        labelled = sum(map(sum, found.cells))
        self.summary = label(_summary(found, labelled, failures), "quiet-body", wrap=True)
        self.table = _table(found)
        box = column(label("Diagnosis against your labels", "title"), self.summary, self.table,
                     row(None, button("Close", self.accept, "main")), space=12)
        box.setContentsMargins(20, 18, 20, 16)
        self.setLayout(box)
        self.table.setVisible(labelled > 0)
        self.resize(min(900, 260 + 112 * self.table.columnCount()), 170 + 38 * self.table.rowCount())


def _summary(found: "Confusion", labelled: int, failures: int) -> str:
    if not labelled:
        return "No failure has both a label and a diagnosis yet. Label some with the number keys."
    return (f"{labelled} of {failures} failures are labelled. Of these the diagnosis says the same of {found.agreed}. "
            "Rows: what you said. Columns: what the diagnosis found.")


def _table(found: "Confusion") -> QTableWidget:
    from core.evaluation.failures import KIND_TITLES, LABEL_TITLES

    rows = [number for number, cells in enumerate(found.cells) if any(cells)]
    columns = [number for number in range(len(found.columns)) if any(cells[number] for cells in found.cells)]
    made = QTableWidget(len(rows), len(columns))
    made.setAccessibleName("Labels in rows, diagnosed kinds in columns")
    made.setVerticalHeaderLabels([LABEL_TITLES[found.rows[number]] for number in rows])
    made.setHorizontalHeaderLabels([KIND_TITLES[found.columns[number]] for number in columns])
    made.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
    made.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
    made.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
    made.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    for line, number in enumerate(rows):
        for place, kind in enumerate(columns):
            made.setItem(line, place, _cell(found.cells[number][kind], found.rows[number] == found.columns[kind]))
    made.setMaximumHeight(made.horizontalHeader().sizeHint().height() + made.verticalHeader().length()
                          + 2 * made.frameWidth())
    return made


def _cell(count: int, same: bool) -> QTableWidgetItem:
    made = QTableWidgetItem(f"{count} \N{CHECK MARK}" if same and count else str(count) if count else "\N{MIDDLE DOT}")
    made.setTextAlignment(Qt.AlignmentFlag.AlignCenter)
    made.setToolTip(SAME if same else "")
    made.setForeground(theme.colour("quiet" if not count else "good_words" if same else "words"))
    return made
