"""The body of the Failures panel: the chart and the table at the left, the card of one failure at the right."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QLineEdit, QSplitter, QStackedWidget, QWidget

from brewclip_app import wording
from brewclip_app.panels.failures import view as failures_view
from brewclip_app.panels.failures.case import CaseCard
from brewclip_app.panels.failures.kinds import KindsCard
from brewclip_app.panels.failures.missed_model import RANK, FailureLimits, MissedModel, MissedProxy, MissedRow
from brewclip_app.panels.failures.missed_table import MissedTable
from brewclip_app.panels.failures.view import FailureCase, Missed
from brewclip_app.thumbnails import Thumbnails
from brewclip_app.widgets.common import Card, EmptyState, button, column


class FailuresPage(QStackedWidget):
    """The list and the card, or what is to be said in their place. The card follows the table's current row."""

    evaluate = Signal()           # there is no evaluation yet
    clear_filter = Signal()
    came_to_front = Signal(object)  # Case: another failure than before

    def __init__(self, thumbnails: Thumbnails, labels: list[tuple[str, str, str]]) -> None:
        super().__init__()
        self._missed: Missed | None = None
        self.kinds = KindsCard()
        self.model = MissedModel(self)
        self.proxy = MissedProxy(self.model, self)
        self.table = MissedTable(self.proxy)
        self.case = CaseCard(thumbnails, labels)
        self.none_shown = EmptyState("filter", "None is let through", "Let others through the filter.",
                                     button("Clear the filter", self.clear_filter.emit))
        self.no_evaluation = EmptyState(
            "failures", "No evaluation yet",
            "An evaluation says which pictures a model finds for spoken descriptions. What it missed is gone through "
            "here, one by one, with what would have helped.",
            button("Evaluate a model…", self.evaluate.emit, "main"))
        self.none_missed = EmptyState("check", "Nothing was missed", " ")
        self.waiting = QWidget()
        self.split = self._make_split()
        for page in (self.waiting, self.no_evaluation, self.none_missed, self.split):
            self.addWidget(page)
        self.table.current.connect(self._show_row)
        self.case.stepped.connect(self.table.step)
        self.case.labels.left.connect(self.table.setFocus)

    def _make_split(self) -> QSplitter:
        place = Card(margin=1)
        place.body.setContentsMargins(1, 1, 1, 1)
        place.body.addWidget(self.table, 1)
        place.body.addWidget(self.none_shown, 1)
        self.table.sortByColumn(RANK, Qt.SortOrder.AscendingOrder)
        left = QWidget()
        left.setLayout(column(self.kinds, place, space=12))
        made = QSplitter()
        made.setChildrenCollapsible(False)
        made.setHandleWidth(16)
        for stretch, part in ((2, left), (3, self.case)):
            made.addWidget(part)
            made.setStretchFactor(made.count() - 1, stretch)
        made.setSizes([530, 610])
        return made

    @property
    def ready(self) -> bool:
        """Whether a failure is in front."""
        return self.currentWidget() is self.split and self.case.isEnabled()

    @property
    def listed(self) -> bool:
        """Whether there is a list, all of it filtered away or not."""
        return self.currentWidget() is self.split

    def number(self) -> int | None:
        """The query of the failure in front."""
        row = self.table.row()
        return row.place if row else None

    def front(self) -> FailureCase | None:
        """The failure that the card shows."""
        return self.case.case

    def row_of_card(self) -> MissedRow | None:
        """The row of the failure that the card shows; the table may be at another by now."""
        case = self.case.case
        return next((each for each in self.model.rows() if case is not None and each.place == case.query.number), None)

    def show_missed(self, missed: Missed, same: bool) -> list[MissedRow]:
        """Show a list; `same` when it is the one that is shown, with other facts. The rows."""
        self._missed = missed
        rows = failures_view.rows_of(missed)
        if same:
            self.model.update(rows)
        else:
            self.model.show(rows, "Utterance" if missed.way == "speech_to_image" else "Picture")
        self.kinds.show_missed(missed)
        self.table.show_kinds(missed.diagnosis is not None)
        return rows

    def show_labels(self, missed: Missed) -> None:
        """Show the same list under other labels."""
        self._missed = missed
        self.model.update(failures_view.rows_of(missed))
        self.kinds.show_missed(missed)
        row = self.table.row()
        if row is not None:
            self._show_label(row)

    def show_nothing(self, some: bool) -> None:
        """No list: `some` when there are evaluations."""
        self._missed = None
        self.setCurrentWidget(self.waiting if some else self.no_evaluation)

    def show_list(self) -> None:
        """The list, or that nothing was missed."""
        missed = self._missed
        if missed is None:
            return
        self.none_missed.title.setText(f"Nothing missed the top {missed.at}")
        self.none_missed.sentence.setText(f"All {wording.count(missed.total)} found what they describe."
                                          if missed.total else "No query counts in this direction.")
        self.setCurrentWidget(self.split if missed.queries else self.none_missed)

    def limit(self, limits: FailureLimits) -> None:
        """Let other failures through; the one in front stays there while it is among them."""
        number = self.number()
        self.case.labels.keep()
        self.proxy.limit(limits)
        self.kinds.chart.choose(limits.kind)
        self.bring_to_front(number)

    def sort_again(self) -> None:
        """Sort and filter again, after facts changed."""
        self.proxy.sort(self.proxy.sortColumn(), self.proxy.sortOrder())

    def bring_to_front(self, number: int | None) -> None:
        """A query's failure, else the first."""
        line = self.proxy.line_of(number) if number is not None else 0
        there = self.proxy.rowCount() > 0
        self.table.setVisible(there)
        self.none_shown.setVisible(not there)
        self.case.setEnabled(there)
        self.table.go(max(0, line))
        self._show_row(self.table.row())
        if self.isVisible() and not isinstance(self.window().focusWidget(), QLineEdit):
            self.table.setFocus()

    def _show_row(self, row: MissedRow | None) -> None:
        missed = self._missed
        query = missed.query(row.place) if missed is not None and row is not None else None
        if missed is None or row is None or query is None:
            return
        self.case.labels.keep()
        other = self.case.case is None or self.case.case.query is not query
        case = failures_view.case_of(missed, query)
        self.case.show_case(case)
        self._show_label(row)
        self.case.show_place(self.table.line(), self.proxy.rowCount())
        if other:
            self.came_to_front.emit(case)

    def _show_label(self, row: MissedRow) -> None:
        missed = self._missed
        query = missed.query(row.place) if missed is not None else None
        if missed is not None and query is not None:
            self.case.labels.show_label((missed.record.id, query.way, query.query_id), row.label, row.note)
