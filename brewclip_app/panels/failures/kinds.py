"""The card of the diagnosis: an offer to run it, its progress, and the chart of kinds."""

from PySide6.QtWidgets import QSizePolicy

from brewclip_app import wording
from brewclip_app.jobs import JobProgress
from brewclip_app.localisation import _, ngettext
from brewclip_app.panels.failures.kind_chart import KindChart
from brewclip_app.panels.failures.misses import Misses, bars_of
from brewclip_app.widgets.common import Card, ProgressRow, button, label, row
from brewclip_app.widgets.figure_export import FigureExporter

OFFER = (_("Each failure is ranked again with one change: caption instead of transcript, whole picture instead of "
           "centre crop, one branch alone and so on. The change that helps names its kind."))


class KindsCard(Card):
    """An offer to diagnose, its progress, or the chart of kinds."""

    def __init__(self, exporter: FigureExporter) -> None:
        super().__init__(_("What would have helped"), space=6)
        self.chart = KindChart()
        self.export = exporter.button(_("failures"), self.chart.drawing)
        self.offer = label(OFFER, "quiet", wrap=True)
        self.start = button(_("Diagnose"), name="main")
        self.again = button(_("Diagnose again"), name="quiet-link")
        self.compare = button(_("Compare with your labels"), name="quiet-link")
        self.note = label("", "quiet", wrap=True)
        self.progress = ProgressRow(_("Diagnosing"))
        self.body.addWidget(self.chart)
        self.body.addWidget(self.note)
        self.body.addWidget(self.offer)
        self.body.addLayout(row(self.start, self.again, None, self.compare, self.export))
        self.body.addWidget(self.progress)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        self._misses: Misses | None = None
        self._running = False
        self._settle()

    def show_misses(self, misses: Misses) -> None:
        """Show the kinds of a list."""
        self._misses = misses
        self.chart.show_bars(bars_of(misses))
        self.note.setText(misses.diagnosis.note if misses.diagnosis else "")
        number = len(misses.queries)
        self.start.setText(ngettext("Diagnose {number} failure", "Diagnose {number} failures",
                                    number).format(number=wording.count(number)))
        labelled = any(direction == misses.direction and label.label for (direction, _unused),
                       label in misses.labels.items())
        self.compare.setEnabled(labelled)
        self.compare.setToolTip("" if labelled else _("Label some failures first"))
        self._settle()

    def show_progress(self, progress: JobProgress | None) -> None:
        """Show the progress of the diagnosis; None when none runs."""
        self._running = progress is not None
        if progress is not None:
            self.progress.set_progress(progress.done, progress.total, progress.detail)
            self.progress.cancel.setEnabled(not progress.stopping)
        self._settle()

    def _settle(self) -> None:
        diagnosed = self._misses is not None and self._misses.diagnosis is not None
        has_queries = self._misses is not None and bool(self._misses.queries)
        self.chart.setVisible(diagnosed)
        self.note.setVisible(diagnosed and bool(self.note.text()))
        self.compare.setVisible(diagnosed and not self._running)
        self.export.setVisible(diagnosed and not self._running)
        self.again.setVisible(diagnosed and has_queries and not self._running)
        for part in (self.offer, self.start):
            part.setVisible(not diagnosed and has_queries and not self._running)
        self.progress.setVisible(self._running)
        self.setVisible(has_queries)
