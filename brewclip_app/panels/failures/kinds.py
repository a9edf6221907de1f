"""What would have brought them back: the chart of kinds, and the diagnosis that makes it."""

from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QSizePolicy

from brewclip_app import wording
from brewclip_app.panels.failures.kind_chart import KindChart
from brewclip_app.panels.failures.view import Missed, bars_of
from brewclip_app.widgets.common import Card, ProgressRow, button, label, row

if TYPE_CHECKING:
    from brewclip_app.jobs import Job

OFFER = ("Each failure is ranked again with one thing changed: the caption for the transcript, the whole picture for "
         "the centre crop, one branch alone and so on. What brings it back names its kind.")

STOPPING = "Stopping as soon as the present step is done."


class KindsCard(Card):
    """Offers to diagnose, shows how far that is, then the chart."""

    diagnose = Signal()
    cancelled = Signal()
    chosen = Signal(str)
    compared = Signal()

    def __init__(self) -> None:
        super().__init__("What would have brought it back", space=6)
        self.chart = KindChart()
        self.offer = label(OFFER, "quiet", wrap=True)
        self.start = button("Diagnose", self.diagnose.emit, "main")
        self.again = button("Diagnose again", self.diagnose.emit, "quiet-link")
        self.compare = button("Compare with your labels", self.compared.emit, "quiet-link")
        self.note = label("", "quiet", wrap=True)
        self.progress = ProgressRow("Diagnosing")
        self.progress.cancelled.connect(self.cancelled)
        self.chart.chosen.connect(self.chosen)
        self.body.addWidget(self.chart)
        self.body.addWidget(self.note)
        self.body.addWidget(self.offer)
        self.body.addLayout(row(self.start, self.again, None, self.compare))
        self.body.addWidget(self.progress)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        self._missed: Missed | None = None
        self._running = False
        self._settle()

    def show_missed(self, missed: Missed | None) -> None:
        """Show another list's kinds."""
        self._missed = missed
        self.chart.show_bars(bars_of(missed) if missed else ())
        note = missed.diagnosis.note if missed and missed.diagnosis else ""
        self.note.setText(note)
        number = len(missed.queries) if missed else 0
        self.start.setText(f"Diagnose {wording.count(number)} {'failure' if number == 1 else 'failures'}")
        labelled = bool(missed and any(way == missed.way and each.label for (way, _), each in missed.labels.items()))
        self.compare.setEnabled(labelled)
        self.compare.setToolTip("" if labelled else "Label some failures first")
        self._settle()

    def show_job(self, job: "Job | None") -> None:
        """How far the diagnosis is; None when none runs."""
        self._running = job is not None
        if job is not None:
            done, total, _ = job.progress
            self.progress.set_progress(done, total, STOPPING if job.cancelled else job.words() or "Loading the model")
            self.progress.cancel.setEnabled(not job.cancelled)
        self._settle()

    def _settle(self) -> None:
        known = self._missed is not None and self._missed.diagnosis is not None
        some = self._missed is not None and bool(self._missed.queries)
        self.chart.setVisible(known)
        self.note.setVisible(known and bool(self.note.text()))
        self.compare.setVisible(known and not self._running)
        self.again.setVisible(known and some and not self._running)
        for part in (self.offer, self.start):
            part.setVisible(not known and some and not self._running)
        self.progress.setVisible(self._running)
        self.setVisible(some)
