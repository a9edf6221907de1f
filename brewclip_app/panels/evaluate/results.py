"""The stored evaluations, and the tables of the paper with ours beside them."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QButtonGroup, QCheckBox, QMenu, QPushButton, QSizePolicy, QStackedWidget, QWidget

from brewclip_app.localisation import _, as_shown
from brewclip_app.panels.evaluate import cells
from brewclip_app.panels.evaluate.cells_table import CellsTable
from brewclip_app.panels.evaluate.comparison import ComparisonDialog
from brewclip_app.panels.evaluate.evaluations_model import CellsModel
from brewclip_app.shortcuts import add_shortcut
from brewclip_app.widgets.common import Card, EmptyState, WholeLabel, button, column, label, look, row
from brewclip_app.widgets.flow_layout import FlowLayout

if TYPE_CHECKING:
    from brewclip_app.panels.evaluate.controller import EvaluateState
    from core.evaluation.records import EvaluationRecord

OURS = 0
TABLES = (OURS, 1, 2, 4, 5)
FORMATS = (("csv", "CSV"), ("markdown", "Markdown"), ("latex", "LaTeX"))
LEGEND = (_("Italics on grey: published in the paper, on full datasets with CLIP ViT-L/14. Beside it: the newest "
            "evaluation here by the same protocol. Evaluations that differ have rows of their own; point at one to "
            "see how."))
QUERY_FORMS = (("csv", _("Queries as CSV")), ("parquet", _("Queries as Parquet")), ("trec", _("TREC run and qrels")),
               ("embeddings", _("Embeddings")))  # of the current evaluation
SUFFIXES = {"csv": "csv", "markdown": "md", "latex": "tex"}


class EvaluationsCard(Card):
    """Renders the evaluations. `choose(front=..., ticked=..., table=...)` is called for every choice."""

    def __init__(self, choose: Callable[..., object], delete: Callable[[], object],
                 export: Callable[[str, bool], object], export_queries: Callable[[str], object]) -> None:
        super().__init__(margin=10, space=8)
        self._records: tuple[EvaluationRecord, ...] | None = None
        self._table: tuple[object, ...] = (OURS,)
        self.model, self.paper_model = CellsModel(tickable=True), CellsModel()
        self.table = CellsTable(self.model, _("Evaluations"))
        self.paper = CellsTable(self.paper_model, _("Table of the paper with our values"))
        self.table.setSortingEnabled(True)
        self.table.sortByColumn(-1, Qt.SortOrder.AscendingOrder)  # unsorted: the newest first
        self.tabs = QButtonGroup(self)
        self.about = label("", "quiet", wrap=True)
        self.facts = WholeLabel("quiet")
        self.empty = EmptyState("evaluate", _("No evaluation yet"),
                                _("Choose a dataset and a model on the left. Every evaluation is stored with the rank "
                                  "of each query."))
        self.open_failures = button(_("Open failures"), name="main", tip=_("Browse its misses (Enter)"))
        self.erase = button(_("Delete…"), delete, tip=_("Delete the ticked evaluations, or the current one (Del)"))
        self.figures = button(_("Figure"),
                              tip=_("Figures of the paper from the ticked evaluations, or the current one"))
        self.save = button(_("Export"), tip=_("The ticked evaluations or all, or the table of the paper"))
        menu = QMenu(self.save)
        for verb, copy, dots in ((_("Save as"), False, "…"), (_("Copy as"), True, "")):
            for form, title in FORMATS:
                menu.addAction(f"{verb} {title}{dots}", partial(export, form, copy))
            menu.addSeparator()
        self.queries = [menu.addAction(f"{title}…", partial(export_queries, form)) for form, title in QUERY_FORMS]
        self.save.setMenu(menu)
        self.as_one = QCheckBox(_("Seeds as one"))
        self.as_one.setToolTip(_("In the tables of the paper and in exports: runs that differ only in their seed are "
                                 "one row, mean ± standard deviation"))
        self.as_one.toggled.connect(lambda on: choose(as_one=on))
        self.comparison = ComparisonDialog(self)
        self.compare = button(_("Compare…"), self.comparison.open,
                              tip=_("Differences of the two ticked evaluations, with intervals and p-values"))
        self._lay_out(choose)
        self.table.selectionModel().currentRowChanged.connect(lambda: choose(front=self.table.evaluation()))
        self.table.activated.connect(lambda: self.open_failures.click())
        self.model.dataChanged.connect(lambda: choose(ticked=self.model.ticks()))
        add_shortcut(self.table, "Delete", delete, alone=True)

    def _lay_out(self, choose: Callable[..., object]) -> None:
        tabs = QWidget()
        tabs.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        flow = FlowLayout(tabs)
        for number in TABLES:
            tab = look(QPushButton(_("Table {number}").format(number=number) if number else _("Evaluations")), "tick")
            tab.setCheckable(True)
            tab.setToolTip(_("A table of the paper, with our values beside it") if number else "")
            self.tabs.addButton(tab, number)
            flow.addWidget(tab)
        self.tabs.idClicked.connect(lambda number: choose(table=number))
        self.pages = QStackedWidget()
        ours, paper = QWidget(), QWidget()
        ours.setLayout(column(self.table, self.facts, space=6))
        paper.setLayout(column(self.about, self.paper, space=6))
        for page in (self.empty, ours, paper):
            self.pages.addWidget(page)
        head = row(tabs, self.as_one, self.save)
        head.setAlignment(tabs, Qt.AlignmentFlag.AlignVCenter)
        self.body.addLayout(head)
        self.body.addWidget(self.pages, 1)
        self.below = QWidget()
        self.below.setLayout(row(self.open_failures, self.figures, self.compare, self.erase, None))
        self.body.addWidget(self.below)

    def render_state(self, state: "EvaluateState") -> None:
        """Show the evaluations or the table in front."""
        if state.records is not self._records:
            self._records = state.records
            self.model.show(cells.columns(), cells.lines_of(state.records))
        if self.model.ticks() != [line.evaluation for line in self.model.lines() if line.evaluation in state.ticked]:
            self.model.tick(state.ticked)
        if state.front != self.table.evaluation():
            self.table.go_to(state.front)
        self.tabs.button(state.table).setChecked(True)
        self.as_one.setChecked(state.as_one)
        self.comparison.render_state(state)
        self.compare.setEnabled(state.comparison is not None or bool(state.comparison_error))
        if state.table != OURS and self._table != (state.table, state.records, state.as_one):
            self._table = state.table, state.records, state.as_one
            table = state.result_table()
            self.about.setText(f"{as_shown(table.title)}. {as_shown(table.about)} {LEGEND}")
            self.paper_model.show(cells.paper_columns(table), cells.paper_lines(table))
        ours, record, number = state.table == OURS, state.record, len(state.ticked)
        self.pages.setCurrentIndex(2 if not ours else 1 if state.records else 0)
        self.below.setVisible(ours and bool(state.records))
        self.save.setEnabled(bool(state.records) or not ours)
        self.facts.setText(cells.facts_of(record) if record else "")
        self.open_failures.setEnabled(record is not None)
        for action in self.queries:
            action.setEnabled(record is not None)
        self.erase.setText(_("Delete {number}…").format(number=number) if number > 1 else _("Delete…"))
