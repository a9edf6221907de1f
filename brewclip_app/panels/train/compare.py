"""Dialog that compares runs: differing options, results, curves; export as CSV."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import (
    QAbstractItemView,
    QDialog,
    QHeaderView,
    QMenu,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from brewclip_app.localisation import _, localised
from brewclip_app.panels.train import comparison as training_comparison
from brewclip_app.panels.train import words as training_words
from brewclip_app.panels.train.curves import CurveCard, choices
from brewclip_app.plain_text import plain_tip
from brewclip_app.widgets.common import Card, button, label, row
from brewclip_app.widgets.figure_export import FigureExporter
from brewclip_app.widgets.file_dialogs import ask_target
from brewclip_app.widgets.splitters import splitter
from core.errors import TrainingError

if TYPE_CHECKING:
    from brewclip_app.base_context import BaseContext
    from core.training.runs import RunRecord

NAME_COLUMN, RUN_COLUMN = 180, 104  # px
SMALLEST = QSize(900, 560)


class CompareDialog(QDialog):
    """Compares the runs as they were when it opened."""

    def __init__(self, parent: QWidget | None, records: "Sequence[RunRecord]", context: "BaseContext | None" = None
                 ) -> None:
        super().__init__(parent)
        self._records = tuple(records)
        self.setWindowTitle(_("Compare {records} runs").format(records=len(self._records)))
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowFlag(Qt.WindowType.WindowMaximizeButtonHint)
        self.resize((parent.window().size() - QSize(80, 90)).expandedTo(SMALLEST) if parent else SMALLEST)
        self.table = self._make_table()
        offered = (*choices("dev"), *choices("step"))
        exporter = FigureExporter(context, self, lambda text: self.outcome.setText(text)) if context else None
        self.curves = CurveCard(offered, "score", exporter)
        self.curves.show_runs(self._records)
        self.export = button(_("Export…"))
        menu = QMenu(self.export)
        menu.addAction(_("Options and results (CSV)…"), lambda: self._ask(
            "comparison.csv", training_comparison.write_options))
        menu.addAction(_("Curves (CSV)…"), lambda: self._ask("curves.csv", training_comparison.write_curves))
        self.export.setMenu(menu)
        self.outcome = label("", "quiet-body")
        left = Card(margin=8)
        left.body.addWidget(self.table)
        sizes = (540, 360) if len(self._records) > 2 else (450, 450)
        split = splitter(left, self.curves, sizes, (1, 1))
        close = button(_("Close"), self.accept, "main")
        close.setDefault(True)
        box = QVBoxLayout(self)
        box.setContentsMargins(20, 16, 20, 14)
        box.setSpacing(12)
        box.addLayout(row(label(_("Compare"), "title"),
                          label(_("differing options, and results on dev"), "quiet-body"), None))
        box.addWidget(split, 1)
        box.addLayout(row(self.export, self.outcome, None, close))

    def write(self, path: Path, export: "Callable[[Path, Sequence[RunRecord]], None]") -> None:
        """Write the comparison; the dialog says how that ended."""
        try:
            export(path, self._records)
        except TrainingError as error:
            self.outcome.setText(localised(error))
            return
        self.outcome.setText(_("Saved as {name}").format(name=path.name))

    def _ask(self, name: str, export: "Callable[[Path, Sequence[RunRecord]], None]") -> None:
        ask_target(self, "export", _("Export"), name, lambda path: self.write(path, export))

    def _make_table(self) -> QTableWidget:
        rows = training_comparison.rows(self._records)
        names = training_words.names(self._records)
        table = QTableWidget(len(rows), 1 + len(self._records))
        table.setHorizontalHeaderLabels(["", *(names[record.path] for record in self._records)])
        for line, (title, values) in enumerate(rows):
            table.setItem(line, 0, QTableWidgetItem(title))
            for place, value in enumerate(values, 1):
                item = QTableWidgetItem(value)
                item.setToolTip(plain_tip(value))
                item.setTextAlignment(int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter))
                table.setItem(line, place, item)
        table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        table.setShowGrid(False)
        table.setWordWrap(False)
        table.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        table.setTabKeyNavigation(False)
        table.verticalHeader().hide()
        table.setAccessibleName(_("Runs side by side"))
        header = table.horizontalHeader()
        header.setHighlightSections(False)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        header.setDefaultSectionSize(RUN_COLUMN)
        header.resizeSection(0, NAME_COLUMN)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch if len(self._records) < 3
                                    else QHeaderView.ResizeMode.Interactive)
        return table
