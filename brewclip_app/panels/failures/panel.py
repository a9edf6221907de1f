"""Failures: the queries that an evaluation missed, what would have helped, and labels for them."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QLineEdit

from brewclip_app import tasks
from brewclip_app.capture.playback import Player, PlayerState
from brewclip_app.localisation import _, as_shown, localised
from brewclip_app.panels.base import Panel
from brewclip_app.panels.failures.confusion import ConfusionDialog
from brewclip_app.panels.failures.controller import DIAGNOSE, FailuresController, FailuresState
from brewclip_app.panels.failures.filter import FailureFilter
from brewclip_app.panels.failures.header import FailuresHeader
from brewclip_app.panels.failures.label_bar import LabelBar
from brewclip_app.panels.failures.misses import inspection
from brewclip_app.panels.failures.misses_model import FailureLimits
from brewclip_app.panels.failures.page import FailuresPage
from brewclip_app.shortcuts import add_shortcut
from brewclip_app.thumbnails import Thumbnails
from brewclip_app.widgets.banner import Banner
from brewclip_app.widgets.common import column
from brewclip_app.widgets.dialogs import ask_to_stop, stop_job
from brewclip_app.widgets.figure_export import FigureExporter
from brewclip_app.widgets.file_dialogs import ask_folder
from brewclip_app.widgets.preview.overlay import open_preview
from brewclip_app.widgets.preview.sequence import sequence_of_files
from brewclip_app.widgets.splitters import restore_sizes

if TYPE_CHECKING:
    from brewclip_app.context import Context

KEYS = [("\N{LEFTWARDS ARROW}", _("The previous failure")), ("\N{RIGHTWARDS ARROW}", _("The next failure")),
        ("Home End", _("The first failure, the last")), ("Space", _("Play the utterance, or stop"))]
MORE_KEYS = [("0", _("Remove the label")), ("N", _("Write a note")), ("Ctrl+Z", _("Undo the last label or note")),
             (_("Ctrl+Shift+Z Ctrl+Y"), _("Redo")), ("I", _("Inspect")),
             ("V", _("Preview the pictures; also with a double click")),
             ("A", _("Record new captions for these pictures")),
             ("Ctrl+F", _("Filter")), ("Ctrl+E", _("Export")),
             ("Esc", _("Stop playing; stop the diagnosis, after a question"))]


class FailuresPanel(Panel):
    """Renders the state of its controller; the failure in front is the table's current row."""

    key: ClassVar[str] = "failures"
    title: ClassVar[str] = _("Failures")
    icon: ClassVar[str] = "failures"
    own_jobs = (DIAGNOSE,)

    def __init__(self, context: "Context") -> None:
        super().__init__(context)
        from core.evaluation.failures import LABELS

        self._labels = LABELS
        self._shown = FailuresState()
        self.controller = FailuresController(context, self)
        self.player = Player(self)
        self._plays_front = False  # whether what plays is the utterance in front
        self.thumbnails = Thumbnails(context.home.caches / "thumbnails", self)
        self.header = FailuresHeader()
        self.banner = Banner()
        self.filter = FailureFilter([(label.title, label.key) for label in LABELS])
        self.exporter = FigureExporter(context, self, lambda text: self.banner.show_message(text, "good"))
        self.page = FailuresPage(self.thumbnails, LabelBar([(label.key, label.title) for label in LABELS],
                                                           lambda: self.table.setFocus()),
                                 self.controller.read_evaluations, self.exporter)
        self.kinds, self.table, self.case = self.page.kinds, self.page.table, self.page.case
        self.case.figures.setMenu(self.exporter.paper_menu(
            self.case.figures, lambda: (self.controller.state.evaluation,), self._front_query))
        self.filter.hide()
        box = column(self.header, self.banner, self.filter, self.page, space=12)
        box.setContentsMargins(20, 16, 20, 12)
        box.setStretch(3, 1)
        self.setLayout(box)
        self._connect()
        self._render(self.controller.state)

    # ---- life cycle

    def activated(self) -> None:
        self.controller.read_evaluations()

    def deactivated(self) -> None:
        self.case.labels.keep()
        self.player.stop()

    def closing(self) -> None:
        self.deactivated()
        self.thumbnails.close()

    def receive(self, payload: object) -> None:
        """Take an evaluation's id, or (id, direction)."""
        evaluation, direction = payload if isinstance(payload, tuple) else (payload, "")
        if isinstance(evaluation, int):
            self.controller.choose(evaluation, direction)
            self.controller.read_evaluations()

    def save_state(self) -> dict[str, Any]:
        state, header = self.controller.state, self.table.horizontalHeader()
        return {"evaluation": state.evaluation, "way": state.direction, "at": state.at, "query": state.front,
                "split": self.page.split.sizes(),
                "sort": [header.sortIndicatorSection(), header.sortIndicatorOrder() is Qt.SortOrder.DescendingOrder]}

    def restore_state(self, state: dict[str, Any]) -> None:
        chosen = self.controller.state.evaluation or int(state.get("evaluation") or 0)
        self.controller.choose(chosen, str(state.get("way", "speech_to_image")), int(state.get("at", 10)))
        query, sort = state.get("query"), state.get("sort")
        if isinstance(query, int):
            self.controller.show(query)
        restore_sizes(self.page.split, state.get("split"))
        if isinstance(sort, list) and len(sort) == 2:
            self.table.sortByColumn(int(sort[0]), Qt.SortOrder.DescendingOrder if sort[1]
                                    else Qt.SortOrder.AscendingOrder)

    def shortcuts(self) -> list[tuple[str, str]]:
        return [*KEYS, *((str(label.number), _("Label: {title}").format(title=label.title)) for label in self._labels),
                *MORE_KEYS]

    # ---- wiring

    def _connect(self) -> None:
        controller, header, kinds, case = self.controller, self.header, self.kinds, self.case
        controller.changed.connect(self._render)
        controller.failed.connect(self.failed)
        controller.failed.connect(lambda error, _unused: self.page.reading.show_problem(localised(error)))
        controller.notified.connect(self.banner.show_message)
        for combo in (header.evaluations, header.directions, header.levels):
            combo.activated.connect(self._choose)
        header.filter.toggled.connect(self._show_filter)
        header.export.clicked.connect(self._ask_folder)
        header.annotate.clicked.connect(lambda: tasks.start(self._annotate()))
        self.filter.changed.connect(self._limit)
        self.filter.closed.connect(lambda: header.filter.setChecked(False))
        for start in (kinds.start, kinds.again):
            start.clicked.connect(controller.diagnose)
        kinds.progress.cancelled.connect(lambda: stop_job(self, controller.job, controller.stop_diagnosis))
        kinds.chart.chosen.connect(self.filter.choose_kind)
        kinds.compare.clicked.connect(self._compare)
        self.page.evaluate.clicked.connect(lambda: self.go_to.emit("evaluate", None))
        self.page.clear_filter.clicked.connect(self.filter.reset)
        self.table.activated.connect(lambda: tasks.start(self._inspect()))
        self.table.selectionModel().currentRowChanged.connect(self._follow_row)
        case.before.clicked.connect(lambda: self.table.step(-1))
        case.next.clicked.connect(lambda: self.table.step(1))
        case.play.clicked.connect(self._toggle_playing)
        case.play_best.clicked.connect(lambda: tasks.start(self._play_best()))
        case.inspect.clicked.connect(lambda: tasks.start(self._inspect()))
        for picture in (case.picture, case.best):
            picture.activated.connect(self._preview)
        case.labels.labelled.connect(controller.label)
        case.labels.noted.connect(controller.set_note)
        case.waveform.sought.connect(self._play)
        self.player.changed.connect(self._show_playing)
        for keys, do in (("Ctrl+F", lambda: header.filter.setChecked(True)), ("Ctrl+E", self._ask_folder),
                         ("Ctrl+Z", lambda: self._undo(redo=False)), ("Ctrl+Shift+Z", lambda: self._undo(redo=True)),
                         ("Ctrl+Y", lambda: self._undo(redo=True))):
            add_shortcut(self, keys, do)

    # ---- rendering

    def _render(self, state: FailuresState) -> None:
        before, self._shown = self._shown, state
        self.header.render_state(state)
        self.kinds.show_progress(state.progress)
        if state.misses is not before.misses or state.evaluations is not before.evaluations:
            changed = self.page.render_list(state.misses, state.evaluations is None or bool(state.evaluations))
            if changed and state.misses is not None:
                self.filter.offer([(bar.title, bar.key) for bar in self.kinds.chart.bars()], self.page.model.records)
                self.page.proxy.sort(self.page.proxy.sortColumn(), self.page.proxy.sortOrder())
                self.page.bring_to_front(state.front)
                self._follow_row()  # the row may be the same as before
            setup = (f"{as_shown(state.misses.record.setup.title)} · {as_shown(state.misses.summary)}" if state.misses
                     else "")
            self.status_changed.emit(setup)
        if state.case is not before.case and (not state.case or not before.case or state.case.key != before.case.key):
            self.player.stop()
        if any(getattr(state, name) is not getattr(before, name) for name in ("misses", "case", "waveform",
                                                                              "unreadable")):
            self.page.render_case(self.controller.state)  # newer than `state` where the current row changed meanwhile

    def _front_query(self) -> tuple[str, ...]:
        """The utterance of the failure in front, as the paper's figures take it."""
        misses, case = self._shown.misses, self._shown.case
        facts = misses.utterance(case.query.utterance) if misses is not None and case is not None else None
        return (facts.utterance_id,) if facts is not None else ()

    def _follow_row(self) -> None:
        """Bring the current row of the table to the front; a note that is being written belongs to the one before."""
        row = self.table.row()
        if row is not None:
            self.case.labels.keep()
            self.controller.show(row.number)

    def _choose(self) -> None:
        self.case.labels.keep()
        header = self.header
        self.controller.choose(header.evaluations.currentData(), header.directions.currentData(),
                               header.levels.currentData())
        self.controller.read()

    def _limit(self, limits: FailureLimits) -> None:
        self.case.labels.keep()
        self.page.limit(limits)
        self.page.render_case(self.controller.state)
        self.header.filter.setText(_("Filter") if limits == FailureLimits()
                                   else _("Filter · {rowcount}").format(rowcount=self.page.proxy.rowCount()))

    def _show_filter(self, shown: bool) -> None:
        self.filter.setVisible(shown)
        if shown:
            self.filter.words.setFocus()
        else:
            self.filter.reset()
            self.table.setFocus()

    # ---- labels

    def _undo(self, redo: bool) -> None:
        focus = self.focusWidget()
        if isinstance(focus, QLineEdit) and (focus.isRedoAvailable() if redo else focus.isUndoAvailable()):
            (focus.redo if redo else focus.undo)()
        elif self._shown.misses is not None:
            self.case.labels.keep()
            tasks.start(self._undo_label(redo))

    async def _undo_label(self, redo: bool) -> None:
        """Undo or redo a label and bring its failure to the front."""
        label = await (self.controller.redo() if redo else self.controller.undo())
        misses = self.controller.state.misses
        if label is None or misses is None:
            self.banner.show_message(_("Nothing to {text}.").format(text="redo" if redo else "undo"), "good")
            return
        number = next((query.number for query in misses.queries
                       if (query.direction, query.query_id) == (label.direction, label.query_id)), None)
        if number is None or self.page.proxy.line_of(number) < 0:
            done = _("Redone") if redo else _("Undone")
            self.banner.show_message(_("{done}, for a failure that is not in this list.").format(done=done), "good")
        else:
            self.page.bring_to_front(number)

    def _compare(self) -> None:
        from core.evaluation.failures import confusion

        misses = self._shown.misses
        if misses is not None:
            ConfusionDialog(self, confusion(misses.diagnoses.values(), misses.labels), len(misses.queries)).open()

    # ---- export and other panels

    def _ask_folder(self) -> None:
        if self._shown.misses is None or not self._shown.misses.queries:
            return
        ask_folder(self, "export", _("Folder for failures.csv, failures.json and pictures"), self.export_to)

    def export_to(self, folder: Path) -> None:
        """Write the evaluation's failures, both directions, into a folder."""
        self.case.labels.keep()
        tasks.start(self.controller.export(folder))

    async def _inspect(self) -> None:
        """Open the query and its right picture in Inspect, once the recording is read."""
        case, misses = self._shown.case, self._shown.misses
        if misses is not None and misses.record.setup.is_imported:
            self.banner.show_message(_("These vectors were imported: their model is not here to look into."), "care")
        elif case is not None and misses is not None and case.picture is not None:
            self.go_to.emit("inspect", inspection(misses, case, await self.controller.waveform()))

    def _preview(self, front: Path | None = None) -> None:
        """Show the pictures of the failure over the window, that of the path first."""
        case = self._shown.case
        paths = [path for path in (case.picture, case.best) if path is not None] if case is not None else []
        if paths:
            open_preview(self.context, self, sequence_of_files(paths), paths.index(front) if front in paths else 0)

    async def _annotate(self) -> None:
        """Open the pictures of these failures in Annotate, in a gallery that has them."""
        misses = self._shown.misses
        if misses is not None and await self.controller.choose_gallery():
            self.go_to.emit("annotate", f"failures:{misses.record.id}/{misses.at}")

    # ---- playback

    def _play(self, seconds: float) -> None:
        if self._shown.waveform is not None:
            self._plays_front = True
            self.player.play(self._shown.waveform, seconds)

    async def _play_best(self) -> None:
        """Play the utterance that ranks first."""
        self.player.stop()
        case = self._shown.case
        if case is not None and case.best_recording is not None:
            waveform = await self.controller.read_recording(case.best_recording)
            if waveform is not None:
                self._plays_front = False
                self.player.play(waveform)

    def _toggle_playing(self) -> None:
        if self.player.playing:
            self.player.stop()
        else:
            self._play(0.0)

    def _show_playing(self, player: PlayerState) -> None:
        self.case.show_playing(player.seconds if self._plays_front else None)
        if player.problem:
            self.banner.show_message(player.problem, "care")

    # ---- keys

    def keyPressEvent(self, event: QKeyEvent) -> None:
        plain = not event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
        if not plain or not self.page.ready or not self._handle_key(event):
            super().keyPressEvent(event)

    def _handle_key(self, event: QKeyEvent) -> bool:
        if event.text().isdigit() and event.text().isascii():
            self._press_number(int(event.text()))
            return True
        acts = {Qt.Key.Key_Left: lambda: self.table.step(-1), Qt.Key.Key_Right: lambda: self.table.step(1),
                Qt.Key.Key_Space: self._toggle_playing, Qt.Key.Key_P: self._toggle_playing,
                Qt.Key.Key_I: lambda: tasks.start(self._inspect()),
                Qt.Key.Key_A: lambda: tasks.start(self._annotate()), Qt.Key.Key_V: self._preview,
                Qt.Key.Key_N: self.case.labels.note.setFocus, Qt.Key.Key_Escape: self._escape}
        act = acts.get(Qt.Key(event.key()))
        if act is not None:
            act()
        return act is not None

    def _press_number(self, number: int) -> None:
        if number == 0:
            self.controller.label("")
        label = next((label for label in self._labels if label.number == number), None)
        if label is not None:
            self.controller.label(label.key)
            self.table.step(1)

    def _escape(self) -> None:
        if self.player.playing:
            self.player.stop()
        else:
            ask_to_stop(self, self.controller.job, self.controller.stop_diagnosis)
