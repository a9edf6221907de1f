"""The body of the Failures panel: the chart and the table at the left, the card of one failure at the right."""

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLineEdit, QSplitter, QStackedWidget, QWidget

from brewclip_app import wording
from brewclip_app.localisation import _
from brewclip_app.panels.failures.case import CaseCard
from brewclip_app.panels.failures.controller import FailuresState
from brewclip_app.panels.failures.kinds import KindsCard
from brewclip_app.panels.failures.label_bar import LabelBar
from brewclip_app.panels.failures.misses import Misses, rows_of
from brewclip_app.panels.failures.misses_model import RANK, FailureLimits, MissesModel, MissesProxy
from brewclip_app.panels.failures.misses_table import MissesTable
from brewclip_app.thumbnails import Thumbnails
from brewclip_app.widgets.common import Card, EmptyState, button, column
from brewclip_app.widgets.figure_export import FigureExporter
from brewclip_app.widgets.reading_page import ReadingPage
from brewclip_app.widgets.splitters import splitter


class FailuresPage(QStackedWidget):
    """The list and the card, or an empty state in their place; `again` reads the failures once more."""

    def __init__(self, thumbnails: Thumbnails, labels: LabelBar, again: Callable[[], object],
                 exporter: FigureExporter) -> None:
        super().__init__()
        self._misses: Misses | None = None
        self.kinds = KindsCard(exporter)
        self.model = MissesModel(self)
        self.proxy = MissesProxy(self.model, self)
        self.table = MissesTable(self.proxy)
        self.case = CaseCard(thumbnails, labels)
        self.clear_filter = button(_("Clear the filter"))
        self.evaluate = button(_("Evaluate a model…"), name="main")
        self.none_shown = EmptyState("filter", _("No matching failures"), _("The filter lets none of them through."),
                                     self.clear_filter)
        self.no_evaluation = EmptyState(
            "failures", _("No evaluation yet"),
            _("An evaluation measures which pictures a model finds for spoken descriptions. The queries that it "
              "misses are listed here, with what would have helped."), self.evaluate)
        self.no_misses = EmptyState("check", _("No misses"), " ")
        self.reading = ReadingPage("failures", _("the failures"), again)
        self.split = self._make_split()
        for page in (self.reading, self.no_evaluation, self.no_misses, self.split):
            self.addWidget(page)

    def _make_split(self) -> QSplitter:
        place = Card(margin=1)
        place.body.setContentsMargins(1, 1, 1, 1)
        place.body.addWidget(self.table, 1)
        place.body.addWidget(self.none_shown, 1)
        self.table.sortByColumn(RANK, Qt.SortOrder.AscendingOrder)
        left = QWidget()
        left.setLayout(column(self.kinds, place, space=12))
        return splitter(left, self.case, (530, 610), (2, 3), handle=16)

    @property
    def ready(self) -> bool:
        """Whether a failure is in front."""
        return self.currentWidget() is self.split and self.case.isEnabled()

    @property
    def listed(self) -> bool:
        """Whether there is a list, whatever the filter hides."""
        return self.currentWidget() is self.split

    def render_list(self, misses: Misses | None, has_evaluations: bool) -> bool:
        """Show the misses; whether they are others, or were diagnosed, rather than labelled."""
        before, self._misses = self._misses, misses
        if misses is None:
            self.setCurrentWidget(self.reading if has_evaluations else self.no_evaluation)
            return before is not None
        self.reading.show_problem("")
        if misses is before:
            return False
        self.model.name_queries(_("Utterance") if misses.direction == "speech_to_image" else _("Picture"))
        self.model.show(rows_of(misses))
        self.kinds.show_misses(misses)
        self.table.show_kinds(misses.diagnosis is not None)
        self.no_misses.title.setText(_("No query misses the top {at}").format(at=misses.at))
        self.no_misses.sentence.setText(
            _("All {total} queries find the right result.").format(total=wording.count(misses.total))
                                        if misses.total > 1 else
            _("The only query finds the right result.") if misses.total else _("No query counts in this direction."))
        self.setCurrentWidget(self.split if misses.queries else self.no_misses)
        return before is None or before.evaluation is not misses.evaluation

    def render_case(self, state: FailuresState) -> None:
        """Show the failure in front on the card."""
        misses, case = state.misses, state.case
        if misses is None or case is None or case.key[:2] != misses.key[:2]:
            return
        self.case.show_case(case, state.waveform, state.unreadable)
        self.case.show_place(self.table.line(), self.proxy.rowCount())
        label = misses.label(case.query)
        self.case.labels.show_label(case.key, label.label if label else "", label.note if label else "")

    def limit(self, limits: FailureLimits) -> None:
        """Set the filter; the failure in front stays there while it is among them."""
        row = self.table.row()
        self.proxy.limit(limits)
        self.kinds.chart.choose(limits.kind)
        self.bring_to_front(row.number if row else None)

    def bring_to_front(self, number: int | None) -> None:
        """Make a query's failure current, else the first."""
        has_rows = self.proxy.rowCount() > 0
        self.table.setVisible(has_rows)
        self.none_shown.setVisible(not has_rows)
        self.case.setEnabled(has_rows)
        self.table.go(max(0, self.proxy.line_of(number) if number is not None else 0))
        if self.isVisible() and not isinstance(self.window().focusWidget(), QLineEdit):
            self.table.setFocus()
