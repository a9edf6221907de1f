"""The stored evaluations and the paper's tables with ours beside them; what can be done with them."""

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QButtonGroup, QMenu, QPushButton, QStackedWidget, QWidget

from brewclip_app.panels.evaluate import view as evaluate_view
from brewclip_app.panels.evaluate.cells_table import CellsTable
from brewclip_app.panels.evaluate.evaluations_model import CellsModel
from brewclip_app.widgets.common import Card, EmptyState, button, column, label, look, row

if TYPE_CHECKING:
    from core.evaluation.records import EvaluationRecord

OURS = 0
FORMATS = (("csv", "CSV"), ("markdown", "Markdown"), ("latex", "LaTeX"))
SUFFIXES = {"csv": "csv", "markdown": "md", "latex": "tex"}


class EvaluationsCard(Card):
    """`chosen` comes when another evaluation is in front, `ticked` when others are to be compared."""

    chosen = Signal(int)
    ticked = Signal()
    failures = Signal(int)
    delete = Signal(object)       # ids
    export = Signal(str, bool)    # format, whether to copy it
    turned = Signal(int)          # number of the table in front, 0 for our own

    def __init__(self) -> None:
        super().__init__(margin=10, space=8)
        self._records: tuple[EvaluationRecord, ...] = ()
        self.model, self.paper_model = CellsModel(tickable=True), CellsModel()
        self.table = CellsTable(self.model, "Evaluations")
        self.paper = CellsTable(self.paper_model, "A table of the paper, with ours beside it")
        self.table.setSortingEnabled(True)
        self.table.sortByColumn(-1, Qt.SortOrder.AscendingOrder)  # as they come: the newest first
        self.tabs = QButtonGroup(self)
        self.about = label("", "quiet", wrap=True)
        self.facts = label("", "quiet", wrap=True)
        self.empty = EmptyState("evaluate", "No evaluation yet",
                                "Choose a dataset and a model at the left. Every evaluation is kept with the rank of "
                                "each query, so that it opens again at once.")
        self.open_failures = button("Open failures", lambda: self.failures.emit(self.table.evaluation()), "main",
                                    tip="Go through what it missed (Enter)")
        self.erase = button("Delete…", self._ask_delete, tip="Delete the ticked evaluations, or the one in front (Del)")
        self.save = button("Export", tip="The ticked evaluations or all, or the paper's table")
        self._make_export_menu()
        self._lay_out()
        self.table.current.connect(self._follow)
        self.table.activated.connect(lambda _: self.open_failures.click())
        self.model.ticked.connect(self._take_ticks)
        QShortcut(QKeySequence("Delete"), self.table, self._ask_delete, context=Qt.ShortcutContext.WidgetShortcut)

    def _lay_out(self) -> None:
        tabs = row(space=4)
        for number in (OURS, 1, 2, 4, 5):
            tab = look(QPushButton(f"Table {number}" if number else "Evaluations"), "tick")
            tab.setCheckable(True)
            tab.setToolTip("A table of the paper, with ours beside its figures" if number else "")
            self.tabs.addButton(tab, number)
            tabs.addWidget(tab)
        self.tabs.button(OURS).setChecked(True)
        self.tabs.idClicked.connect(self.turn_to)
        self.pages = QStackedWidget()
        ours, paper = QWidget(), QWidget()
        ours.setLayout(column(self.table, self.facts, space=6))
        paper.setLayout(column(self.about, self.paper, space=6))
        for page in (self.empty, ours, paper):
            self.pages.addWidget(page)
        self.body.addLayout(row(tabs, None, self.save))
        self.body.addWidget(self.pages, 1)
        self.below = QWidget()
        self.below.setLayout(row(self.open_failures, self.erase, None))
        self.body.addWidget(self.below)

    # ---- what is shown

    def show_records(self, records: "Sequence[EvaluationRecord]", front: int) -> None:
        """Show these evaluations; `front` is in front when it is among them."""
        self._records = tuple(records)
        self.model.show(evaluate_view.columns(), evaluate_view.lines_of(records))
        self.table.go_to(front)
        self._fill_paper()
        self._show_page()
        self._take_ticks()
        self._follow()

    def records(self) -> "tuple[EvaluationRecord, ...]":
        """What is shown."""
        return self._records

    def record(self) -> "EvaluationRecord | None":
        """The evaluation in front."""
        return next((each for each in self._records if each.id == self.table.evaluation()), None)

    def compared(self) -> list[int]:
        """The ticked evaluations, else the one in front."""
        front = self.table.evaluation()
        return self.model.ticks() or ([front] if front else [])

    def number(self) -> int:
        """The table of the paper in front; 0 for our own."""
        return self.tabs.checkedId()

    def turn_to(self, number: int) -> None:
        """Show a table of the paper, or our own."""
        self.tabs.button(number).setChecked(True)
        self._fill_paper()
        self._show_page()
        self.turned.emit(number)

    def _fill_paper(self) -> None:
        if self.number() == OURS:
            return
        from core.evaluation.tables import fill

        table = fill(self.number(), self._records)
        self.about.setText(f"{table.title}. {table.about} Slanted on grey: as the paper published it, on full datasets "
                           "with CLIP ViT-L/14. Ours beside it: the newest evaluation here by the same protocol. "
                           "Evaluations that differ stand in rows of their own; point at one to see how.")
        self.paper_model.show(evaluate_view.paper_columns(table), evaluate_view.paper_lines(table))

    def _show_page(self) -> None:
        ours = self.number() == OURS
        self.pages.setCurrentIndex(2 if not ours else 1 if self._records else 0)
        self.below.setVisible(ours and bool(self._records))
        self.save.setEnabled(bool(self._records) or not ours)

    def _follow(self) -> None:
        record = self.record()
        self.facts.setText(evaluate_view.facts_of(record) if record else "")
        self.open_failures.setEnabled(record is not None)
        self.chosen.emit(record.id if record else 0)

    def _take_ticks(self) -> None:
        number = len(self.model.ticks())
        self.erase.setText(f"Delete {number}…" if number > 1 else "Delete…")
        self.ticked.emit()

    # ---- what is done

    def _ask_delete(self) -> None:
        ids = self.compared()
        if ids:
            self.delete.emit(ids)

    def _make_export_menu(self) -> None:
        menu = QMenu(self.save)
        for form, title in FORMATS:
            menu.addAction(f"Save as {title}…", partial(self.export.emit, form, False))
        menu.addSeparator()
        for form, title in FORMATS:
            menu.addAction(f"Copy as {title}", partial(self.export.emit, form, True))
        self.save.setMenu(menu)

    def text(self, form: str) -> str:
        """The table in front in a format: of our own the ticked evaluations, or all."""
        from core.evaluation import tables

        ticked = self.model.ticks()
        records = [each for each in self._records if each.id in ticked] if ticked else list(self._records)
        table = tables.fill(self.number(), self._records) if self.number() else tables.metrics_table(records)
        return tables.export(table, form)
