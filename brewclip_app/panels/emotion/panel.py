"""Emotion: what a voice tells beside the words, probed on RAVDESS and tried with one's own."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from PySide6.QtCore import Qt
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QKeyEvent, QKeySequence, QShortcut
from PySide6.QtWidgets import QLayout, QMenu, QScrollArea, QStackedWidget, QWidget

from brewclip_app.capture.held_key import GRACE, HeldKey
from brewclip_app.panels.base import Panel
from brewclip_app.panels.emotion import export as emotion_export
from brewclip_app.panels.emotion import words
from brewclip_app.panels.emotion.cell import CellCard, MatrixCard, cell_to_show
from brewclip_app.panels.emotion.options import OptionsBar
from brewclip_app.panels.emotion.own_voice import TryCard
from brewclip_app.panels.emotion.results import LayersCard, ProbeResultsCard
from brewclip_app.panels.emotion.runs import ProbeRunsCard
from brewclip_app.widgets.common import Card, EmptyState, ProgressRow, button, column, row, scrolling
from brewclip_app.widgets.dialogs import ask_to_stop, leave_field
from brewclip_app.widgets.drops import folders_of
from brewclip_app.widgets.file_dialogs import ask_target

if TYPE_CHECKING:
    from brewclip_app.capture.push_to_talk import PushToTalk
    from brewclip_app.context import Context
    from core.emotion.run_store import KeptRun
    from core.progress import Progress, Report

JOB = "emotion"
LEFT_SHARE, RIGHT_SHARE = 42, 58
INTRODUCTION = ("What does a voice tell beside the words?",
                "RAVDESS has the same two sentences, spoken by actors in eight emotions. Choose its folder, or drop it "
                "here, and see how much of the emotion each part of the model hears. Then try your own voice.")


class EmotionPanel(Panel):
    """Experiments run in jobs; each is kept as a run and shown from there."""

    key: ClassVar[str] = "emotion"
    title: ClassVar[str] = "Emotion"
    icon: ClassVar[str] = "emotion"

    def __init__(self, context: "Context", voice: "PushToTalk | None" = None) -> None:
        super().__init__(context)
        self.run: KeptRun | None = None
        self._wanted = ""  # name of the run to show when the list is read
        self._runs: list[KeptRun] | None = None  # not read yet
        self.options = OptionsBar()
        self.progress = ProgressRow("Probing the voices")
        self.results, self.layers = ProbeResultsCard(), LayersCard()
        self.matrix, self.cell = MatrixCard(), CellCard(context)
        self.trying = TryCard(context, voice)
        self.runs = ProbeRunsCard()
        self.pages = QStackedWidget()
        self.space = HeldKey(self)
        self.space.pressed.connect(self._talk)
        self.space.let_go.connect(lambda: self.trying.voice.release(GRACE))
        self.setAcceptDrops(True)
        self._lay_out()
        self._connect()
        self._reload()

    def activated(self) -> None:
        self.trying.voice.watch()

    def deactivated(self) -> None:
        self.trying.cancel()
        self.cell.stop()

    def save_state(self) -> dict[str, Any]:
        return {**self.options.save(), "run": self.run.name if self.run else ""}

    def restore_state(self, state: dict[str, Any]) -> None:
        self.options.restore(state)
        self._wanted = str(state.get("run", ""))
        self._reload()

    def shortcuts(self) -> list[tuple[str, str]]:
        return [("Ctrl+O", "Choose the folder with RAVDESS"), ("Ctrl+Return", "Start"),
                ("Space (held)", "Try it: say a sentence"), ("Arrows", "Walk through the matrix"),
                ("Space", "Play the chosen recording (in the list)"), ("Ctrl+E", "Export"),
                ("Esc", "Forget a recording, stop playing; stop probing, after a question")]

    def closing(self) -> None:
        self.cell.stop()
        self.trying.voice.close()

    def start(self) -> None:
        """Run the experiment that is asked for, and keep it."""
        options = self.options.options()
        if options is None or self.context.jobs.of_key(JOB) is not None:
            return

        def work(report: "Report") -> "KeptRun":
            from core.emotion import experiment
            from core.emotion.run_store import Runs

            return Runs(self.context.home).keep(experiment.run(self.context.explorer, options, report))

        if self.options.start.hasFocus():  # it is switched off, and the focus would fall to the next control
            self.setFocus()
        self.options.set_busy(True)
        self.progress.set_progress(0, 0, "Looking into the folder")
        self._progress_card.show()
        self.context.jobs.submit("Probing the voices", work, key=JOB, on_done=self._finished, on_failed=self._failed,
                                 on_progress=self._show_progress, on_cancelled=self._stopped)
        self._show_page()

    # ---- built once

    def _lay_out(self) -> None:
        self._progress_card = Card(margin=12)
        self._progress_card.body.addWidget(self.progress)
        self._progress_card.hide()
        left = column(self.matrix, self.cell, space=12)
        left.setStretch(0, 3)
        left.setStretch(1, 2)
        right = column(self.results, self.trying, self.layers, space=12)
        right.addStretch(1)
        self._right = _scrolling(right)
        both = row(_scrolling(left), self._right, space=8)
        both.setStretch(0, LEFT_SHARE)
        both.setStretch(1, RIGHT_SHARE)
        self.shown = QWidget()
        self.shown.setLayout(both)
        self._choose = button("Choose the folder…", self.options.choose_folder, "main")
        self.empty = EmptyState("emotion", *INTRODUCTION, self._choose)
        self.waiting = QWidget()
        for page in (self.waiting, self.empty, self.shown, self.runs):
            self.pages.addWidget(page)
        box = column(self.options, self._progress_card, self.pages, space=12)
        box.setContentsMargins(20, 16, 20, 12)
        box.setStretch(2, 1)
        self.setLayout(box)
        menu = QMenu(self.options.export)
        for kind, title in emotion_export.KINDS:
            menu.addAction(f"{title}…", self._exporter(kind))
        self.options.export.setMenu(menu)

    def _connect(self) -> None:
        self.options.start_wanted.connect(self.start)
        self.options.changed.connect(self._show_page)
        self.options.runs_toggled.connect(lambda _: self._show_page())
        self.progress.cancelled.connect(self._cancel)
        self.results.chosen.connect(self._show_feature)
        self.matrix.matrix.chosen.connect(self._show_cell)
        self.trying.voice.started.connect(lambda: self._right.ensureWidgetVisible(self.trying, 0, 0))
        self.runs.chosen.connect(self._open)
        self.runs.delete.connect(self._delete)
        for keys, do in (("Ctrl+Return", self.options.start.click), ("Ctrl+O", self.options.choose_folder),
                         ("Ctrl+E", self.options.export.showMenu)):
            QShortcut(QKeySequence(keys), self, do, context=Qt.ShortcutContext.WidgetWithChildrenShortcut)

    # ---- runs

    def _reload(self) -> None:
        def read(report: "Report") -> "list[KeptRun]":
            from core.emotion.run_store import Runs

            return Runs(self.context.home).all()

        self.context.jobs.submit("Reading the runs", read, key="emotion-runs", quiet=True, on_done=self._take_runs,
                                 on_failed=lambda error: self.failed.emit(error, ""))

    def _take_runs(self, runs: "list[KeptRun]") -> None:
        self._runs = runs
        self.runs.show_runs(runs, self.run.name if self.run else self._wanted)
        self.options.runs.setEnabled(bool(runs))
        names = [run.name for run in runs]
        if self.run is None and runs:
            self._open(self._wanted if self._wanted in names else names[0])
        self._show_page()

    def _open(self, name: str) -> None:
        def read(report: "Report") -> "KeptRun":
            from core.emotion.run_store import Runs

            return Runs(self.context.home).read(name)

        self.context.jobs.submit("Reading the run", read, key="emotion-run", quiet=True, on_done=self._show_run,
                                 on_failed=lambda error: self.failed.emit(error, "The other runs are untouched."))

    def _delete(self, name: str) -> None:
        def work(report: "Report") -> None:
            from core.emotion.run_store import Runs

            Runs(self.context.home).delete(name)

        def gone(_: None) -> None:
            if self.run is not None and self.run.name == name:
                self.run = None
            self._wanted = ""
            self._reload()

        self.context.jobs.submit("Deleting the run", work, quiet=True, on_done=gone,
                                 on_failed=lambda error: self.failed.emit(error, ""))

    def _show_run(self, run: "KeptRun") -> None:
        self.run = run
        self._wanted = run.name
        if self.options.folder is None:
            self.options.show_folder(run.result.options.folder)
        self.options.runs.setChecked(False)
        self.layers.show_result(run.result)
        self.results.show_result(run.result)
        self.options.export.setEnabled(True)
        self.runs.show_runs(self._runs or [], run.name)
        self.status_changed.emit(words.title_of(run))
        self._show_page()

    def _show_feature(self, key: str) -> None:
        if self.run is None or key not in self.run.result.answers:
            return
        self.matrix.show_feature(self.run.result, key)
        self.matrix.matrix.choose(cell_to_show(self.run.result, key, self.matrix.matrix.cell))
        self.trying.show_run(self.run, key)

    def _show_cell(self, acted: int, heard: int) -> None:
        key = self.results.feature()
        if self.run is not None and key in self.run.result.answers:
            self.cell.show_cell(self.run.result, key, acted, heard)

    def _show_page(self) -> None:
        page: QWidget = self.waiting if self._runs or self._runs is None else self.empty
        if self.options.runs.isChecked() and self._runs:
            page = self.runs
        elif self.run is not None:
            page = self.shown
        self.pages.setCurrentWidget(page)
        probing = self.context.jobs.of_key(JOB) is not None
        title, sentence = INTRODUCTION
        if probing:
            title, sentence = "Probing the voices", ("The results appear here: a table of what each feature tells, and "
                                                     "which emotions are taken for which.")
        elif self.options.folder is not None:
            title, sentence = "Ready to probe", (f"{words.in_folder(self.options.folder)}: press Start. The voices are "
                                                 "encoded once, which takes a while; after that a linear probe takes "
                                                 "seconds.")
        self.empty.title.setText(title)
        self.empty.sentence.setText(sentence)
        self._choose.setVisible(not probing and self.options.folder is None)

    # ---- while it runs

    def _show_progress(self, progress: "Progress") -> None:
        job = self.context.jobs.of_key(JOB)
        self.progress.set_progress(*progress.bar, job.words() if job is not None else progress.text())

    def _finished(self, run: "KeptRun") -> None:
        self._over()
        self._runs = [run, *(self._runs or [])]
        self._show_run(run)
        self.options.runs.setEnabled(True)

    def _failed(self, error: BaseException) -> None:
        self._over()
        self.failed.emit(error, "What was heard is kept.")

    def _stopped(self) -> None:
        self._over()
        self.status_changed.emit("Stopped; what was heard is kept.")

    def _over(self) -> None:
        self.options.set_busy(False)
        self._progress_card.hide()
        self._show_page()

    def _cancel(self) -> None:
        job = self.context.jobs.of_key(JOB)
        if job is not None:
            job.cancel()
            self.progress.set_progress(0, 0, "Stopping")

    # ---- export, keys, drops

    def _exporter(self, kind: str) -> Callable[[], None]:
        return lambda: self._export(kind)

    def _export(self, kind: str) -> None:
        if self.run is None:
            return
        title = dict(emotion_export.KINDS)[kind]
        ask_target(self, "export", title, f"emotion-{self.run.result.options.protocol}.{kind}", self._save)

    def _save(self, path: Path) -> None:
        if self.run is None:
            return
        try:
            emotion_export.save(self.run.result, self.results.feature() or self.run.result.scores[0].feature, path)
        except Exception as error:
            self.failed.emit(error, "The run is kept as it is.")
            return
        self.status_changed.emit(f"{path.name} is written.")

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if self.space.is_it(event) and self.pages.currentWidget() is self.shown:
            self.space.down(event)
        elif event.key() == Qt.Key.Key_Escape:
            self._escape()
        else:
            super().keyPressEvent(event)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        if not self.space.up(event):
            super().keyReleaseEvent(event)

    def _talk(self) -> None:
        self.cell.stop()
        self.trying.voice.press()

    def _escape(self) -> None:
        if self.trying.cancel():
            return
        if self.cell.player.playing:
            self.cell.stop()
        elif self.options.runs.isChecked():
            self.options.runs.setChecked(False)
        elif not leave_field(self):
            ask_to_stop(self, self.context.jobs.of_key(JOB), self._cancel,
                        "What was heard is kept, and is not heard again.")

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if folders_of(event.mimeData()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        folders = folders_of(event.mimeData())
        if folders:
            self.options.show_folder(folders[0])
            self._show_page()
            event.acceptProposedAction()


def _scrolling(layout: QLayout) -> QScrollArea:
    """A column that scrolls where the window is too low for it."""
    inside = QWidget()
    layout.setContentsMargins(0, 0, 4, 0)
    inside.setLayout(layout)
    return scrolling(inside)
