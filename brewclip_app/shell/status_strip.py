"""Status bar at the bottom: text of the panel, running jobs, models and their device."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, QSize, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QProgressBar, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from brewclip_app.jobs import Job, JobRunner
from brewclip_app.localisation import _, as_shown
from brewclip_app.plain_text import plain_caption, plain_tip
from brewclip_app.widgets.common import (
    ElidedLabel,
    ProgressRow,
    button,
    clear,
    icon_button,
    label,
    look,
)
from brewclip_app.widgets.dialogs import stop_job

if TYPE_CHECKING:
    from core.explorer import ModelStatus

WARNING = "\N{WARNING SIGN}"
OTHER_TIP = (_("Another window of BrewCLIP Explorer uses the same data. Both can be used; what one changes, the other "
               "shows after it looked again. The window that is closed last is restored at the next start."))
SHORTEST = 14  # characters that a shortened link shows at least
SHOW_AFTER = 0.4  # s; what is over sooner never flickers in the strip


class ElidedLink(QPushButton):
    """A quiet link that is shortened where there is no room; `text` has it all."""

    def __init__(self, on: Callable[[], object]) -> None:
        super().__init__()
        self._words = ""
        look(self, "quiet-link")
        self.setAutoDefault(False)
        self.setFlat(True)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self.clicked.connect(lambda: on())
        self.hide()

    def text(self) -> str:
        return self._words

    def setText(self, text: str) -> None:
        self._words = text
        self.setAccessibleName(as_shown(text))  # all of it, whatever there is room for
        self.setHidden(not text)
        self.updateGeometry()
        self._elide()

    def sizeHint(self) -> QSize:
        return self._size(self._words)

    def minimumSizeHint(self) -> QSize:
        return self._size(self._words[:SHORTEST])

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._elide()

    def _size(self, words: str) -> QSize:
        hint = super().sizeHint()
        shown = self.fontMetrics().horizontalAdvance(super().text())
        return QSize(hint.width() - shown + self.fontMetrics().horizontalAdvance(plain_caption(words)), hint.height())

    def _elide(self) -> None:
        frame = self.sizeHint().width() - self.fontMetrics().horizontalAdvance(plain_caption(self._words))
        super().setText(plain_caption(self.fontMetrics().elidedText(
            self._words, Qt.TextElideMode.ElideRight, self.width() - frame)))


class StatusStrip(QWidget):
    """Status bar: text and link of the panel, running jobs, models. `on_link` takes the key of the link's panel."""

    def __init__(self, jobs: JobRunner, on_models: Callable[[], object], on_link: Callable[[str], object]) -> None:
        super().__init__()
        look(self, "strip")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._jobs = jobs
        self.words = ElidedLabel("", "quiet", Qt.TextElideMode.ElideRight)
        self.link = button("", lambda: on_link(self._link_key), "quiet-link")
        self._link_key = ""
        self._elsewhere: tuple[str, ...] = ()
        self.running = button("", self._open_list, "quiet-link")
        self.running.setToolTip(_("Show everything that runs"))
        self.bar = QProgressBar()
        self.bar.setFixedWidth(110)
        self.bar.setTextVisible(False)
        self.bar.setAccessibleName(_("Progress of what runs"))
        self.stop = icon_button("close", _("Stop it"), self._stop_first, side=12)
        self.other = label(_("Another window is open"), "care")
        self.other.setToolTip(OTHER_TIP)
        self.other.hide()
        self.models = ElidedLink(on_models)
        self.device = label("", "quiet")
        box = QHBoxLayout(self)
        box.setContentsMargins(20, 3, 20, 3)
        box.setSpacing(8)
        box.addWidget(self.words)
        box.addWidget(self.link)
        box.addStretch(1)
        for part in (self.running, self.bar, self.stop):
            box.addWidget(part)
        box.addSpacing(12)
        box.addWidget(self.other)
        box.addSpacing(4)
        box.addWidget(self.models)
        box.addSpacing(8)
        box.addWidget(self.device)
        self.setMinimumHeight(32)  # that of its tallest part: nothing jumps when a job begins
        self.list = JobList(jobs, self)
        for signal in (jobs.job_started, jobs.job_progress, jobs.job_finished):
            signal.connect(lambda job: self._show_jobs())
        self.show_words("")
        self._show_jobs()

    def show_words(self, text: str, link: str = "", key: str = "") -> None:
        """Show the text of the panel in front, and a link to the panel `key`."""
        self.words.setText(text)
        self.link.setText(link)
        self.link.setVisible(bool(link))
        self._link_key = key

    def leave_out(self, keys: tuple[str, ...]) -> None:
        """Hide the jobs of these keys: the panel in front shows them."""
        self._elsewhere = keys
        self._show_jobs()

    def show_other_window(self, there: bool) -> None:
        """Show whether another window uses the same data."""
        self.other.setVisible(there)

    def show_engine(self, status: "ModelStatus") -> None:
        """Show the models and the device; a failed GPU with its reason."""
        sign = f"{WARNING} " if status.warning else ""
        self.models.setText(f"{sign}{status.backbone} · {status.speech or 'Whisper base is not here yet'}")
        self.models.setToolTip(plain_tip(" ".join(filter(None, (_("Models in use."), status.warning, status.note)))))
        self.models.setAccessibleName(_("Models in use: {text}").format(text=self.models.text()))
        name = status.device.upper() if len(status.device) < 5 else status.device
        self.device.setText(_("{name}, the GPU failed").format(name=name) if status.fallback else name)
        self.device.setVisible(bool(status.device))
        look(self.device, "care" if status.fallback else "quiet")
        self.device.setToolTip(plain_tip(status.fallback))

    def _show_jobs(self) -> None:
        jobs = [job for job in self._listed() if job.seconds >= SHOW_AFTER or job.progress.bar[1] > 0]
        for part in (self.running, self.bar, self.stop):
            part.setVisible(bool(jobs))
        if not jobs:
            return
        first, others = jobs[0], len(jobs) - 1
        self.running.setText(first.name + (_(" and {others} more").format(others=others) if others else ""))
        self.stop.setToolTip(plain_tip(_("Stop: {name}").format(name=first.name)))
        self.stop.setAccessibleName(_("Stop: {name}").format(name=first.name))
        done, total = first.progress.bar
        self.bar.setRange(0, 1000 if total > 0 else 0)
        self.bar.setValue(round(1000 * min(done, total) / total) if total > 0 else 0)

    def _listed(self) -> list[Job]:
        return [job for job in self._jobs.running() if job.key not in self._elsewhere]

    def _stop_first(self) -> None:
        jobs = self._listed()
        if jobs:
            stop_job(self, jobs[0], jobs[0].cancel)

    def _open_list(self) -> None:
        self.list.open_over(self.running)


class JobList(QFrame):
    """List of all running jobs with progress and Cancel; closes by a click outside."""

    WIDTH = 420

    def __init__(self, jobs: JobRunner, parent: QWidget) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        look(self, "overlay")
        self._jobs = jobs
        self._strip = parent  # questions are asked over it: this list may close
        self._rows: dict[Job, ProgressRow] = {}
        self._box = QVBoxLayout(self)
        self._box.setContentsMargins(14, 12, 14, 12)
        self._box.setSpacing(12)
        self.setFixedWidth(self.WIDTH)
        jobs.job_progress.connect(self._show_progress)
        jobs.job_finished.connect(self._leave_out)

    def open_over(self, place: QWidget) -> None:
        """Show the list above a widget."""
        clear(self._box)
        self._rows = {job: self._row(job) for job in self._jobs.running()}
        self.adjustSize()
        corner = place.mapToGlobal(QPoint(0, 0))
        self.move(corner.x(), corner.y() - self.height() - 6)
        self.show()

    def _row(self, job: Job) -> ProgressRow:
        row = ProgressRow(job.name)
        row.cancelled.connect(lambda: stop_job(self._strip, job, job.cancel))
        row.set_progress(*job.progress.bar, job.words())
        self._box.addWidget(row)
        return row

    def _show_progress(self, job: Job) -> None:
        if self.isVisible() and job in self._rows:
            self._rows[job].set_progress(*job.progress.bar, job.words())

    def _leave_out(self, job: Job) -> None:
        row = self._rows.pop(job, None)
        if row is not None:
            row.hide()
            row.deleteLater()
            self.adjustSize()
        if not self._rows:
            self.hide()
