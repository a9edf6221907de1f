"""The dataset to learn from: chosen, looked at, and what was found said in a line that opens the whole report."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QSignalBlocker, Signal
from PySide6.QtWidgets import QCheckBox, QFileDialog, QHBoxLayout, QMenu, QWidget

from brewclip_app import wording
from brewclip_app.panels.train import words as training_words
from brewclip_app.panels.train.dataset_report import ReportDialog
from brewclip_app.plain_text import plain_tip
from brewclip_app.widgets.common import ElidedLabel, button, label, look
from core.errors import DatasetError
from core.progress import Progress, Report

if TYPE_CHECKING:
    from brewclip_app.context import Context
    from core.datasets.reports import DatasetReport

RECENT = "training/datasets"  # state: folders, the last one first
KEPT = 8
JOB = "train-dataset"
LINKS_TIP = "Open symbolic links that lead out of the dataset's folder. Tick it only if you trust where they lead"


class DatasetChoice(QWidget):
    """Looks at a folder in a job; `changed` says when there is another dataset, or none."""

    changed = Signal()

    def __init__(self, context: "Context") -> None:
        super().__init__()
        self._context = context
        self.folder: Path | None = None
        self.kind = ""  # as it was read; "" while nothing is known
        self.follow_links = self._has_links = False
        self.report: DatasetReport | None = None
        self.links = QCheckBox("Follow links")
        self.links.setToolTip(LINKS_TIP)
        self.links.toggled.connect(self._follow)
        self.choose_button = button("Choose a dataset…", icon="folder", tip="Choose the dataset to learn from (Ctrl+O)")
        self.choose_button.setAccessibleName("Dataset")
        self.menu = QMenu(self.choose_button)
        self.menu.aboutToShow.connect(self._fill_menu)
        self.choose_button.setMenu(self.menu)
        self.pill = label("", "pill")
        self.pill.setMinimumHeight(22)  # lower, its round ends would be drawn square
        self.words = ElidedLabel("", "quiet-body")
        self.link = button("", self.open_report, "quiet-link")
        self.kinds = button("Choose the kind", tip="The folder could be of several kinds")
        self.kinds_menu = QMenu(self.kinds)
        self.kinds.setMenu(self.kinds_menu)
        box = QHBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(8)
        for part in (self.choose_button, self.pill, self.words, self.kinds, self.link, self.links):
            box.addWidget(part)
        box.addStretch(1)
        self._show()

    @property
    def recent(self) -> tuple[Path, ...]:
        """Folders that were chosen before, the last one first."""
        found = self._context.state.get(RECENT, [])
        return tuple(Path(str(each)) for each in found) if isinstance(found, list) else ()

    def choose(self, folder: Path, kind: str = "", follow_links: bool = False) -> None:
        """Look at a folder; `kind` where it could be of several, `follow_links` where links may lead out of it."""
        self.folder, self.kind, self.report = folder, "", None
        self.follow_links, self._has_links = follow_links, follow_links
        self._say("Looking at it")
        self.changed.emit()

        def work(report: Report) -> "DatasetReport":
            from core.datasets.reports import inspect
            return inspect(folder, kind, report, follow_links)

        self._context.jobs.submit(f"Looking at {folder.name}", work, key=JOB, on_done=self._take,
                                  on_failed=self._failed, on_progress=self._progress, on_cancelled=self._cancelled)

    def ask(self) -> None:
        """Let the user choose a folder."""
        dialog = QFileDialog(self, "A dataset's folder")
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.setOption(QFileDialog.Option.ShowDirsOnly, True)
        recent = self.recent
        if recent:
            dialog.setDirectory(str(recent[0].parent))
        dialog.fileSelected.connect(lambda chosen: self.choose(Path(chosen)))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def open_report(self) -> None:
        """Show all that was found."""
        if self.report is not None:
            ReportDialog(self, self.report).open()

    def _take(self, report: "DatasetReport") -> None:
        self.report, self.kind = report, report.kind
        self._has_links |= any(problem.key == "links_out" for problem in report.problems)
        others = [str(each) for each in self.recent if each != report.folder and each != self.folder]
        self._context.state.keep(RECENT, [str(self.folder), *others][:KEPT])
        self._show()
        self.changed.emit()

    def _failed(self, error: BaseException) -> None:
        self._has_links |= isinstance(error, DatasetError) and error.kind == "links"
        self._say(str(error), wrong=True)
        if isinstance(error, DatasetError) and error.kind == "several_kinds":
            self._offer_kinds()
            self.kinds.show()
        if not isinstance(error, DatasetError):
            self._context.failed.emit(error, "The dataset is as it was.")
        self.changed.emit()

    def _cancelled(self) -> None:
        self._say("Not looked at")
        self.changed.emit()

    def _progress(self, progress: Progress) -> None:
        self._say(progress.text(wording.count) or "Looking at it")

    def _read_as(self, kind: str) -> None:
        if self.folder is not None:
            self.choose(self.folder, kind, self.follow_links)

    def _follow(self, on: bool) -> None:
        if self.folder is not None:
            self.choose(self.folder, self.kind, on)

    def _offer_kinds(self) -> None:
        from core.datasets.kinds import KINDS

        self.kinds_menu.clear()
        for each in KINDS:
            self.kinds_menu.addAction(each.title, partial(self._read_as, each.name))

    def _say(self, words: str, wrong: bool = False) -> None:
        self._show()
        look(self.words, "problem" if wrong else "quiet-body")
        self.words.setText(words)
        self.words.show()
        self.link.hide()

    def _show(self) -> None:
        self.choose_button.setText(self.folder.name or str(self.folder) if self.folder else "Choose a dataset…")
        self.choose_button.setToolTip(plain_tip(str(self.folder) if self.folder else ""))
        report = self.report
        self.kinds.hide()
        blocker = QSignalBlocker(self.links)
        self.links.setChecked(self.follow_links)
        blocker.unblock()
        self.links.setVisible(self._has_links)
        self.pill.setVisible(report is not None)
        self.words.setVisible(report is not None)
        self.link.setVisible(report is not None)
        if report is None:
            return
        look(self.words, "quiet-body")
        self.pill.setText(report.title)
        self.words.setText(f"{training_words.dataset(report, 'train')} ·")
        self.link.setText(training_words.problems(report))
        look(self.link, "care-link" if report.problems else "quiet-link")
        self.link.setToolTip("Everything that was found in the folder (Ctrl+I)")

    def _fill_menu(self) -> None:
        self.menu.clear()
        self.menu.addAction("Choose a folder…", self.ask)
        recent = [each for each in self.recent if each != self.folder]
        if recent:
            self.menu.addSeparator()
        for each in recent:
            action = self.menu.addAction(each.name or str(each), partial(self.choose, each))
            action.setToolTip(plain_tip(str(each)))
        self.menu.setToolTipsVisible(True)
        if self.folder is not None:
            self.menu.addSeparator()
            self.menu.addAction("Look at it again", lambda: self._read_as(self.kind))
