"""Failures: the queries of an evaluation that missed, why, and what a person says of each."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, cast

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent, QKeySequence, QShortcut
from PySide6.QtWidgets import QFileDialog, QLineEdit

from brewclip_app.panels.base import Panel
from brewclip_app.panels.failures import view as failures_view
from brewclip_app.panels.failures.confusion import ConfusionDialog
from brewclip_app.panels.failures.desk import FailuresPage
from brewclip_app.panels.failures.filter import FailureFilter
from brewclip_app.panels.failures.header import FailuresHeader
from brewclip_app.panels.failures.jobs import FailureJobs
from brewclip_app.panels.failures.labels import Labeller
from brewclip_app.panels.failures.missed_model import FailureLimits, MissedRow
from brewclip_app.panels.failures.view import Missed
from brewclip_app.panels.failures.voice import FailureVoice
from brewclip_app.plain_text import plain_tip
from brewclip_app.thumbnails import Thumbnails
from brewclip_app.widgets.banner import Banner
from brewclip_app.widgets.common import column
from brewclip_app.widgets.dialogs import ask_to_stop, stop_job

if TYPE_CHECKING:
    from brewclip_app.context import Context
    from core.evaluation.records import EvaluationRecord, Way
    from core.store.records import FailureLabel


class FailuresPanel(Panel):
    """Everything is read and written in jobs; what is in front follows the table's current row."""

    key: ClassVar[str] = "failures"
    title: ClassVar[str] = "Failures"
    icon: ClassVar[str] = "failures"

    def __init__(self, context: "Context") -> None:
        super().__init__(context)
        from core.evaluation.failures import LABELS

        self._labels = LABELS
        self._missed: Missed | None = None
        self._wanted = 0        # id of the evaluation to show once the list is read
        self._front: int | None = None  # number of the query to bring to the front once the list is there
        self.thumbnails = Thumbnails(context.home.caches / "thumbnails", self)
        self.voice = FailureVoice(context)
        self.jobs = FailureJobs(context)
        self.labeller = Labeller(context)
        self.header = FailuresHeader()
        self.banner = Banner()
        self.filter = FailureFilter([(each.title, each.key) for each in LABELS])
        self.desk = FailuresPage(self.thumbnails, [(each.key, each.title, "") for each in LABELS])
        self.kinds, self.table, self.case = self.desk.kinds, self.desk.table, self.desk.case
        self._lay_out()
        self._connect()
        self._make_keys()

    # ---- what the window asks

    def activated(self) -> None:
        self._read_evaluations()

    def deactivated(self) -> None:
        self.case.labels.keep()
        self.voice.stop()

    def receive(self, payload: object) -> None:
        """An evaluation's id, or (id, direction)."""
        evaluation, way = payload if isinstance(payload, tuple) else (payload, self.header.way())
        if isinstance(evaluation, int):
            self._wanted = evaluation
            self.header.choose(str(way), self.header.at())
            self._read_evaluations()

    def save_state(self) -> dict[str, Any]:
        row = self.table.row()
        return {"evaluation": self._missed.record.id if self._missed else self._wanted, "way": self.header.way(),
                "at": self.header.at(), "query": row.place if row else None, "split": self.desk.split.sizes(),
                "sort": [self.table.horizontalHeader().sortIndicatorSection(),
                         self.table.horizontalHeader().sortIndicatorOrder() is Qt.SortOrder.DescendingOrder]}

    def restore_state(self, state: dict[str, Any]) -> None:
        self._wanted = self._wanted or int(state.get("evaluation") or 0)
        self.header.choose(str(state.get("way", "speech_to_image")), int(state.get("at", 10)))
        query, sizes, sort = state.get("query"), state.get("split"), state.get("sort")
        self._front = query if isinstance(query, int) else None
        if isinstance(sizes, list) and len(sizes) == 2:
            self.desk.split.setSizes([int(size) for size in sizes])
        if isinstance(sort, list) and len(sort) == 2:
            self.table.sortByColumn(int(sort[0]), Qt.SortOrder.DescendingOrder if sort[1]
                                    else Qt.SortOrder.AscendingOrder)

    def shortcuts(self) -> list[tuple[str, str]]:
        numbers = [(str(each.number), f"Label: {each.title}") for each in self._labels]
        return [("\N{LEFTWARDS ARROW}", "The failure before"), ("\N{RIGHTWARDS ARROW}", "The next failure"),
                ("Home End", "The first failure, the last"),
                ("Space", "Play the utterance, or stop"), *numbers, ("0", "Take the label away"), ("N", "Write a note"),
                ("Ctrl+Z", "Undo the last label or note"), ("Ctrl+Shift+Z Ctrl+Y", "Redo it"), ("I", "Inspect"),
                ("A", "Describe these pictures anew, in Annotate"), ("Ctrl+F", "Filter"),
                ("Ctrl+E", "Export"), ("Esc", "Stop playing; stop diagnosing, after a question")]

    def closing(self) -> None:
        self.case.labels.keep()
        self.voice.stop()
        self.thumbnails.close()

    # ---- made once

    def _lay_out(self) -> None:
        self.filter.hide()
        box = column(self.header, self.banner, self.filter, self.desk, space=12)
        box.setContentsMargins(20, 16, 20, 12)
        box.setStretch(3, 1)
        self.setLayout(box)

    def _connect(self) -> None:
        self.header.asked.connect(self._ask)
        self.header.filter_toggled.connect(self._show_filter)
        self.header.export.connect(self._ask_folder)
        self.header.annotate.connect(self._annotate)
        self.filter.changed.connect(self._limit)
        self.filter.closed.connect(lambda: self.header.filter.setChecked(False))
        self.kinds.diagnose.connect(self._diagnose)
        self.kinds.cancelled.connect(lambda: stop_job(self, self.jobs.job(), self.jobs.cancel))
        self.kinds.chosen.connect(self.filter.choose_kind)
        self.kinds.compared.connect(self._compare)
        self.desk.evaluate.connect(lambda: self.go_to.emit("evaluate", None))
        self.desk.clear_filter.connect(self.filter.reset)
        self.desk.came_to_front.connect(lambda case: self.voice.show(case.recording))
        self.table.activated.connect(lambda _: self._inspect())
        case = self.case
        case.played.connect(self.voice.turn)
        case.found_played.connect(self.voice.play_other)
        case.inspected.connect(self._inspect)
        case.labels.labelled.connect(self._label)
        case.labels.noted.connect(self._note)
        case.waveform.sought.connect(self.voice.play)
        self.voice.moved.connect(case.waveform.set_cursor)
        self.voice.read.connect(case.show_voice)
        self.voice.playing.connect(case.show_playing)
        self.voice.unreadable.connect(case.say_no_voice)
        self.voice.failed.connect(lambda words: self.banner.say(words, "care"))
        self.labeller.changed.connect(self._take_labels)
        self.labeller.moved.connect(self._go_to_change)
        self.labeller.failed.connect(lambda error: self.failed.emit(error, "The label was not kept."))
        self.jobs.moved.connect(self._follow_diagnosis)
        self.jobs.diagnosed.connect(self._ask)
        self.jobs.said.connect(lambda words: self.banner.say(words, "good"))
        self.jobs.failed.connect(self.failed)

    def _make_keys(self) -> None:
        for keys, do in (("Ctrl+F", lambda: self.header.filter.setChecked(True)), ("Ctrl+E", self._ask_folder),
                         ("Ctrl+Z", self._undo), ("Ctrl+Shift+Z", self._redo), ("Ctrl+Y", self._redo)):
            QShortcut(QKeySequence(keys), self, do, context=Qt.ShortcutContext.WidgetWithChildrenShortcut)

    # ---- reading

    def _read_evaluations(self) -> None:
        self.context.jobs.submit("Reading the evaluations",
                                 lambda report: failures_view.read_evaluations(self.context.explorer),
                                 key="failures:list", on_done=self._take_evaluations, quiet=True,
                                 on_failed=lambda error: self.failed.emit(error, ""))

    def _take_evaluations(self, records: "list[EvaluationRecord]") -> None:
        chosen = self._wanted or self.header.evaluation()
        self._wanted = 0
        self.header.show_evaluations(records, chosen)
        if records:
            self._ask()
            return
        self.header.summary.setText("")
        self.status_changed.emit("")
        self._show_nothing()

    def _ask(self) -> None:
        """Read what the header asks for."""
        self.case.labels.keep()
        evaluation, way, at = self.header.evaluation(), cast("Way", self.header.way()), self.header.at()
        self.header.evaluations.setToolTip(plain_tip(self.header.evaluations.currentText()))
        if evaluation:
            self.context.jobs.submit(
                "Reading the failures",
                lambda report: failures_view.read_missed(self.context.explorer, evaluation, way, at),
                key="failures:read", on_done=self._take_missed, quiet=True, on_failed=self._not_read)

    def _not_read(self, error: BaseException) -> None:
        self._show_nothing()
        self.failed.emit(error, "")
        if getattr(error, "kind", "") == "gone":  # deleted in Evaluate, or by another process
            self._read_evaluations()

    def _show_nothing(self) -> None:
        self._missed = None
        self.desk.show_nothing(some=self.header.evaluations.count() > 0)
        self._follow_page()

    def _take_missed(self, missed: Missed) -> None:
        before, self._missed = self._missed, missed
        self.voice.under(missed.record.setup.condition,
                         [each.recording for each in missed.evaluation.utterances if each.recording])
        same = before is not None and (before.record.id, before.way, before.at) == (missed.record.id, missed.way,
                                                                                   missed.at)
        front = self._front if self._front is not None else self.desk.number() if same else None
        self._front = None
        rows = self.desk.show_missed(missed, same)
        self._follow_diagnosis()
        self.filter.offer([(bar.title, bar.key) for bar in self.kinds.chart.bars()], rows)
        self.desk.sort_again()
        self.header.summary.setText(failures_view.summary(missed))
        self.status_changed.emit(f"{missed.record.setup.title} · {failures_view.summary(missed)}")
        self.desk.show_list()
        self._follow_page()
        self.desk.bring_to_front(front)

    def _follow_page(self) -> None:
        for part in (self.header.filter, self.header.describe, self.header.save):
            part.setEnabled(self.desk.listed)
        for combo in (self.header.evaluations, self.header.ways, self.header.levels):
            combo.setVisible(self.header.evaluations.count() > 0)

    def _limit(self, limits: FailureLimits) -> None:
        self.desk.limit(limits)
        self.header.filter.setText("Filter" if limits == FailureLimits() else f"Filter · {self.desk.proxy.rowCount()}")

    def _show_filter(self, shown: bool) -> None:
        self.filter.setVisible(shown)
        if shown:
            self.filter.words.setFocus()
        else:
            self.filter.reset()
            self.table.setFocus()

    # ---- labels

    def _label(self, key: str) -> None:
        row = self.table.row()
        if row is not None:
            self._keep(row, key, row.note)

    def _note(self, note: str) -> None:
        row = self.desk.row_of_card()
        if row is not None:
            self._keep(row, row.label, note)

    def _keep(self, row: MissedRow, key: str, note: str) -> None:
        """Shown at once; the store's word comes later."""
        missed = self._missed
        query = missed.query(row.place) if missed else None
        if missed is None or query is None:
            return
        from datetime import UTC, datetime

        from core.store.records import FailureLabel

        given: FailureLabel = FailureLabel(missed.record.id, query.way, query.query_id, key, note, datetime.now(UTC))
        self._show_labels({**missed.labels, (query.way, query.query_id): given})
        self.labeller.label(missed.record.id, query.way, query.query_id, key, note)

    def _undo(self) -> None:
        focus = self.focusWidget()
        if isinstance(focus, QLineEdit) and focus.isUndoAvailable():
            focus.undo()
        elif self._missed is not None:
            self.case.labels.keep()
            self.labeller.undo(self._missed.record.id)

    def _redo(self) -> None:
        focus = self.focusWidget()
        if isinstance(focus, QLineEdit) and focus.isRedoAvailable():
            focus.redo()
        elif self._missed is not None:
            self.case.labels.keep()
            self.labeller.redo(self._missed.record.id)

    def _take_labels(self, evaluation: int, labels: "dict[tuple[Way, str], FailureLabel]") -> None:
        if self._missed is not None and self._missed.record.id == evaluation:
            self._show_labels(labels)

    def _show_labels(self, labels: "dict[tuple[Way, str], FailureLabel]") -> None:
        assert self._missed is not None
        self._missed = self._missed.with_labels(labels)
        self.desk.show_labels(self._missed)

    def _go_to_change(self, evaluation: int, step: str, about: "FailureLabel | None") -> None:
        """Bring the failure to the front that an undo or redo was about."""
        missed = self._missed
        if about is None or missed is None or missed.record.id != evaluation:
            self.banner.say(f"Nothing to {step}.", "good")
            return
        number = next((each.number for each in missed.queries if each.query_id == about.query_id), None)
        if about.way != missed.way or number is None or self.desk.proxy.line_of(number) < 0:
            what = "Taken back" if step == "undo" else "Kept again"
            self.banner.say(f"{what}, of a failure that is not in this list.", "good")
            return
        self.desk.bring_to_front(number)

    # ---- diagnosis, export, the next panel

    def _diagnose(self) -> None:
        if self._missed is not None:
            self.jobs.diagnose(self._missed.record.id, self._missed.at)

    def _follow_diagnosis(self) -> None:
        missed = self._missed
        self.kinds.show_job(self.jobs.diagnosis(missed.record.id, missed.at) if missed else None)

    def _compare(self) -> None:
        from core.evaluation.failures import confusion

        if self._missed is not None:
            found = confusion(self._missed.found.values(), self._missed.labels)
            ConfusionDialog(self, found, len(self._missed.queries)).open()

    def _ask_folder(self) -> None:
        if self._missed is None or not self._missed.queries:
            return
        dialog = QFileDialog(self, "Where failures.csv, failures.json and pictures go")
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.setOption(QFileDialog.Option.ShowDirsOnly, True)
        dialog.fileSelected.connect(lambda chosen: self.export_to(Path(chosen)))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def export_to(self, folder: Path) -> None:
        """Write the evaluation's failures, both ways, into a folder."""
        if self._missed is not None:
            self.case.labels.keep()
            self.jobs.export(self._missed.record.id, self._missed.at, folder)

    def _inspect(self) -> None:
        """To the Inspect panel, with this query and its right picture, under the model that was evaluated."""
        case, missed = self.case.case, self._missed
        if case is not None and missed is not None and case.picture is not None:
            self.voice.ask(lambda heard: self.go_to.emit("inspect", failures_view.inspection(missed, case, heard)))

    def _annotate(self) -> None:
        """To the Annotate panel, with the pictures of these failures, in a gallery that has them."""
        missed, store, first = self._missed, self.context.explorer.store, self.context.gallery
        if missed is not None and missed.queries:
            from core.annotation.failed import home_of

            argument = f"{missed.record.id}/{missed.at}"
            self.context.jobs.submit("Looking for the pictures", lambda report: home_of(store, argument, first),
                                     key="failures:annotate", quiet=True,
                                     on_done=lambda gallery: self._go_annotate(missed, gallery))

    def _go_annotate(self, missed: Missed, gallery: str | None) -> None:
        if gallery is None:
            self.banner.say("No gallery has these pictures, so they cannot be described anew. Index "
                            f"{missed.record.setup.folder} in Library first.", "care")
            return
        self.context.set_gallery(gallery)
        self.go_to.emit("annotate", f"failures:{missed.record.id}/{missed.at}")

    # ---- keys

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier or not self._take_key(event):
            super().keyPressEvent(event)

    def _take_key(self, event: QKeyEvent) -> bool:
        key = Qt.Key(event.key())
        number = int(event.text()) if event.text().isdigit() and event.text().isascii() else -1
        if not self.desk.ready:
            return False
        if number >= 0:
            self._press_number(number)
            return True
        acts = {Qt.Key.Key_Left: lambda: self.table.step(-1), Qt.Key.Key_Right: lambda: self.table.step(1),
                Qt.Key.Key_Space: self.voice.turn, Qt.Key.Key_P: self.voice.turn, Qt.Key.Key_I: self._inspect,
                Qt.Key.Key_A: self._annotate,
                Qt.Key.Key_N: self.case.labels.note.setFocus, Qt.Key.Key_Escape: self._escape}
        act = acts.get(key)
        if act is not None:
            act()
        return act is not None

    def _press_number(self, number: int) -> None:
        if number == 0:
            self._label("")
        label = next((each for each in self._labels if each.number == number), None)
        if label is not None:
            self._label(label.key)
            self.table.step(1)

    def _escape(self) -> None:
        if self.voice.player.playing:
            self.voice.stop()
        else:
            ask_to_stop(self, self.jobs.job(), self.jobs.cancel)
