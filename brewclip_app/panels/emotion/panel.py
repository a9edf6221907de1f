"""Emotion: what a voice tells beyond the words, probed on RAVDESS and tried with the user's own."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from PySide6.QtCore import Qt
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QKeyEvent
from PySide6.QtWidgets import QLayout, QMenu, QScrollArea, QStackedWidget, QWidget

from brewclip_app.capture.file_intake import folders_of
from brewclip_app.capture.held_key import HeldKey
from brewclip_app.localisation import _, localised
from brewclip_app.panels.base import Panel
from brewclip_app.panels.emotion import export as emotion_export
from brewclip_app.panels.emotion import words
from brewclip_app.panels.emotion.cell import CellCard, MatrixCard, cell_to_show
from brewclip_app.panels.emotion.controller import FEATURES_KEPT, JOB, EmotionController, EmotionState
from brewclip_app.panels.emotion.options import OptionsBar
from brewclip_app.panels.emotion.own_voice import OwnVoiceCard
from brewclip_app.panels.emotion.results import LayersCard, ProbeResultsCard
from brewclip_app.panels.emotion.runs import ProbeRunsCard
from brewclip_app.shortcuts import add_shortcut
from brewclip_app.widgets.common import Card, EmptyState, ProgressRow, button, column, row, scrolling
from brewclip_app.widgets.dialogs import ask_to_stop, leave_field
from brewclip_app.widgets.file_dialogs import ask_target
from brewclip_app.widgets.reading_page import ReadingPage

if TYPE_CHECKING:
    from brewclip_app.capture.push_to_talk import PushToTalk
    from brewclip_app.context import Context
    from core.emotion.run_store import KeptRun

LEFT_SHARE, RIGHT_SHARE = 42, 58
PROBING = _("Probing the recordings")
INTRODUCTION = (_("What does a voice tell beyond the words?"),
                _("RAVDESS has the same two sentences, spoken by actors in eight emotions. Choose its folder, or drop "
                  "it here, to measure how much of the emotion each part of the model captures. Then try your own "
                  "voice."))


class EmotionPanel(Panel):
    """View of the controller's state."""

    key: ClassVar[str] = "emotion"
    title: ClassVar[str] = _("Emotion")
    icon: ClassVar[str] = "emotion"
    own_jobs = (JOB,)

    def __init__(self, context: "Context", voice: "PushToTalk | None" = None) -> None:
        super().__init__(context)
        self.controller = EmotionController(context, self)
        self._shown: KeptRun | None = None
        self.options = OptionsBar()
        self.progress = ProgressRow(PROBING)
        self.results, self.layers = ProbeResultsCard(), LayersCard()
        self.matrix, self.cell = MatrixCard(), CellCard(context)
        self.own_voice = OwnVoiceCard(context, voice)
        self.runs = ProbeRunsCard(self.controller.open, self.controller.delete)
        self.pages = QStackedWidget()
        self.space = HeldKey(self, self._talk, self.own_voice.voice.release)
        self.setAcceptDrops(True)
        self._lay_out()
        self._connect()
        self.controller.reload()

    def activated(self) -> None:
        self.own_voice.voice.watch()

    def deactivated(self) -> None:
        self.own_voice.voice.cancel()
        self.cell.player.stop()

    def save_state(self) -> dict[str, Any]:
        run = self.controller.state.run
        return {**self.options.save(), "run": run.name if run else ""}

    def restore_state(self, state: dict[str, Any]) -> None:
        self.options.restore(state)
        self.controller.wanted = str(state.get("run", ""))
        self.controller.reload()

    def shortcuts(self) -> list[tuple[str, str]]:
        return [("Ctrl+O", _("Choose the RAVDESS folder")), ("Ctrl+Return", _("Start")),
                (_("Space (held)"), _("Record a sentence of your own")), (_("Arrows"), _("Move in the matrix")),
                ("Space", _("Play the selected recording (in the list)")), ("Ctrl+E", _("Export")),
                ("Esc", _("Cancel recording, stop playing; stop probing, after a question"))]

    def closing(self) -> None:
        self.cell.player.stop()
        self.own_voice.voice.close()

    # ---- built once

    def _lay_out(self) -> None:
        self._progress_card = Card(margin=12)
        self._progress_card.body.addWidget(self.progress)
        self._progress_card.hide()
        left = column(self.matrix, self.cell, space=12)
        left.setStretch(0, 3)
        left.setStretch(1, 2)
        right = column(self.results, self.own_voice, self.layers, space=12)
        right.addStretch(1)
        self._right = _scrolling(right)
        both = row(_scrolling(left), self._right, space=8)
        both.setStretch(0, LEFT_SHARE)
        both.setStretch(1, RIGHT_SHARE)
        self.shown = QWidget()
        self.shown.setLayout(both)
        self._choose = button(_("Choose a folder…"), self.options.choose_folder, "main")
        self.empty = EmptyState("emotion", *INTRODUCTION, self._choose)
        self.reading = ReadingPage("emotion", _("the stored runs"), self.controller.reload)
        for page in (self.reading, self.empty, self.shown, self.runs):
            self.pages.addWidget(page)
        box = column(self.options, self._progress_card, self.pages, space=12)
        box.setContentsMargins(20, 16, 20, 12)
        box.setStretch(2, 1)
        self.setLayout(box)
        menu = QMenu(self.options.export)
        for kind, title in emotion_export.KINDS:
            menu.addAction(f"{title}…", partial(self._export, kind))
        self.options.export.setMenu(menu)

    def _connect(self) -> None:
        controller, options = self.controller, self.options
        controller.changed.connect(self._show_state)
        controller.failed.connect(self.failed)
        controller.failed.connect(lambda error, _unused: self.reading.show_problem(localised(error)))
        options.start.clicked.connect(lambda: controller.start(options.options()))
        options.changed.connect(lambda: self._show_state(controller.state))
        options.runs.toggled.connect(lambda _unused: self._show_state(controller.state))
        self.progress.cancelled.connect(controller.cancel)
        self.results.table.itemSelectionChanged.connect(self._show_feature)
        self.matrix.matrix.chosen.connect(self._show_cell)
        self.own_voice.voice.started.connect(lambda: self._right.ensureWidgetVisible(self.own_voice, 0, 0))
        for keys, action in (("Ctrl+Return", options.start.click), ("Ctrl+O", options.choose_folder),
                             ("Ctrl+E", options.export.showMenu)):
            add_shortcut(self, keys, action)

    # ---- rendering

    def _show_state(self, state: EmotionState) -> None:
        if state.probing and self.options.start.hasFocus():  # else the focus goes to the control after it
            self.setFocus()
        self.options.set_busy(state.probing)
        self._progress_card.setVisible(state.probing)
        self.progress.set_progress(state.progress.done, state.progress.total, state.progress.detail)
        if state.run is not None and state.run is not self._shown:
            self._show_run(state.run)
        if state.runs is not None:
            self.runs.show_runs(state.runs, state.run.name if state.run else self.controller.wanted)
        self.options.runs.setEnabled(bool(state.runs))
        if state.status:
            self.status_changed.emit(state.status)
        page: QWidget = self.reading if state.runs or state.runs is None else self.empty
        if self.options.runs.isChecked() and state.runs:
            page = self.runs
        elif state.run is not None:
            page = self.shown
        self.pages.setCurrentWidget(page)
        folder = self.options.folder
        title, sentence = INTRODUCTION
        if state.probing:
            title, sentence = PROBING, (_("The results appear here: a table of the features, and which emotions are "
                                          "confused with which."))
        elif folder is not None:
            title, sentence = _("Ready to probe"), (_("{in_folder}: press Start. The recordings are encoded once, "
                                                      "which takes a while; a linear probe then takes seconds.").format(
                                                          in_folder=words.in_folder(folder)))
        self.empty.title.setText(title)
        self.empty.sentence.setText(sentence)
        self._choose.setVisible(not state.probing and folder is None)

    def _show_run(self, run: "KeptRun") -> None:
        self._shown = run
        if self.options.folder is None:
            self.options.show_folder(run.result.options.folder)
        self.options.runs.setChecked(False)
        self.layers.show_result(run.result)
        self.results.show_result(run.result)
        self.options.export.setEnabled(True)
        self.status_changed.emit(words.title_of(run))
        self._show_feature()

    def _show_feature(self) -> None:
        run, key = self._shown, self.results.feature()
        if run is not None and key in run.result.answers:
            self.matrix.show_feature(run.result, key)
            self.matrix.matrix.choose(cell_to_show(run.result, key, self.matrix.matrix.cell))
            self.own_voice.controller.use(run, key)

    def _show_cell(self, acted: int, predicted: int) -> None:
        key = self.results.feature()
        if self._shown is not None and key in self._shown.result.answers:
            self.cell.show_cell(self._shown.result, key, acted, predicted)

    # ---- export, keys, drops

    def _export(self, kind: str) -> None:
        if self._shown is None:
            return
        name = f"emotion-{self._shown.result.options.protocol}.{kind}"
        ask_target(self, "export", dict(emotion_export.KINDS)[kind], name, self._save)

    def _save(self, path: Path) -> None:
        if self._shown is None:
            return
        result = self._shown.result
        try:
            emotion_export.save(result, self.results.feature() or result.scores[0].feature, path)
        except Exception as error:
            self.failed.emit(error, _("The run is unchanged."))
            return
        self.status_changed.emit(_("Saved {name}").format(name=path.name))

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
        self.cell.player.stop()
        self.own_voice.voice.press()

    def _escape(self) -> None:
        if self.own_voice.voice.cancel():
            return
        if self.cell.player.playing:
            self.cell.player.stop()
        elif self.options.runs.isChecked():
            self.options.runs.setChecked(False)
        elif not leave_field(self):
            ask_to_stop(self, self.context.jobs.of_key(JOB), self.controller.cancel, FEATURES_KEPT)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if folders_of(event.mimeData()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        folders = folders_of(event.mimeData())
        if folders:
            self.options.show_folder(folders[0])
            self._show_state(self.controller.state)
            event.acceptProposedAction()


def _scrolling(layout: QLayout) -> QScrollArea:
    """A scroll area over a column."""
    inside = QWidget()
    layout.setContentsMargins(0, 0, 4, 0)
    inside.setLayout(layout)
    return scrolling(inside)
