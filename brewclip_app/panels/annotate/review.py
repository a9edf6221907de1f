"""The review: all takes in a table; one of them to listen to, to compare, to accept or reject; figures below."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QComboBox, QHeaderView, QSplitter, QTableView, QWidget

from brewclip_app.panels.annotate.pages import show_message
from brewclip_app.panels.annotate.review_detail import TakeDetail
from brewclip_app.panels.annotate.session import AnnotateSession
from brewclip_app.panels.annotate.takes_model import COLUMNS, LENGTH, TakesModel
from brewclip_app.thumbnails import Thumbnails
from brewclip_app.widgets.common import ElidedLabel, EmptyState, button, column, label, row
from brewclip_app.widgets.tables import NameDelegate, go_to, of_lines
from core.progress import Report

if TYPE_CHECKING:
    from brewclip_app.context import Context
    from core.annotation.agreement import Agreement
    from core.store.records import ImageRecord, SpeakerRecord, TakeRecord, TakeState

WORDS_COLUMN = 2
BIN = "bin"
FILTERS = (("", "All takes"), ("late", "Words arrived after Enter"), ("awaited", "Words awaited"),
           ("done", "To review"), ("accepted", "Accepted"), ("rejected", "Rejected"), ("draft", "Not confirmed yet"),
           (BIN, "Bin"))
KEYS = ((Qt.Key.Key_A, "accepted"), (Qt.Key.Key_X, "rejected"))


class Review(QWidget):
    """Reads takes from the session; decisions go through it, so that they can be undone."""

    play_wanted = Signal(object)  # TakeRecord
    shown = Signal(object)  # TakeRecord: another one is in the detail
    left = Signal()

    def __init__(self, context: "Context", session: AnnotateSession, thumbnails: Thumbnails) -> None:
        super().__init__()
        self._context, self._session = context, session
        self._images: dict[int, ImageRecord] = {}
        self._binned: list[TakeRecord] = []
        self.model = TakesModel(self)
        self.table = self._make_table()
        self.states, self.speakers = _filter("State"), _filter("Speaker")
        for key, words in FILTERS:
            self.states.addItem(words, key)
        self.count = ElidedLabel("", "quiet-body", Qt.TextElideMode.ElideRight)
        self.message = label("", "quiet-body", wrap=True)
        self.detail = TakeDetail(thumbnails)
        self.empty = EmptyState("microphone", "Nothing to review here",
                                "Takes appear here as soon as they are recorded or brought in.")
        self._lay_out()
        self._connect()

    def _make_table(self) -> QTableView:
        table = QTableView()
        table.setModel(self.model)
        table.setItemDelegateForColumn(0, NameDelegate(table))
        header = of_lines(table, "Takes", several=True).horizontalHeader()
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        for column_at, width in enumerate((100, 84, 0, 124, 64)):
            header.resizeSection(column_at, width)
        header.setSectionResizeMode(WORDS_COLUMN, QHeaderView.ResizeMode.Stretch)
        assert COLUMNS[LENGTH] == "Length"
        return table

    def _lay_out(self) -> None:
        self.erase = button("Delete for good…", name="danger")
        self.erase.hide()
        head = row(self.states, self.speakers, self.count, self.erase)
        head.setStretch(2, 1)
        left = QWidget()
        left.setLayout(column(head, self.table, self.empty, self.message, space=10))
        self.split = QSplitter()
        self.split.setChildrenCollapsible(False)
        self.split.setHandleWidth(12)
        self.split.addWidget(left)
        self.split.addWidget(self.detail)
        self.split.setStretchFactor(0, 1)
        self.split.setSizes([700, 380])
        self.setLayout(column(self.split))
        self.say("")

    def _connect(self) -> None:
        self.states.activated.connect(lambda _: self._filter_changed())
        self.speakers.activated.connect(lambda _: self._fill())
        self.table.installEventFilter(self)  # a table searches its rows by the letters that are typed
        self.table.selectionModel().currentChanged.connect(lambda *_: self._show_current())
        self._session.changed.connect(self._take_changes)
        detail = self.detail
        detail.judged.connect(self.judge)
        detail.thrown_away.connect(self.throw_away)
        detail.confirmed.connect(self._correct)
        detail.left.connect(self.table.setFocus)
        detail.play_wanted.connect(lambda: self.play_wanted.emit(self.current()))

    # ---- what is shown

    def open(self) -> None:
        """Show the gallery's takes; the keyboard goes to the table."""
        self.say("")
        self._read()
        self.table.setFocus()

    def say(self, text: str, kind: str = "quiet") -> None:
        """A sentence under the table; "" takes it away."""
        show_message(self.message, text, kind)

    def current(self) -> "TakeRecord | None":
        """The take in the detail."""
        return self.model.take(self.table.currentIndex())

    def selected(self) -> "list[TakeRecord]":
        """The selected takes."""
        rows = sorted(index.row() for index in self.table.selectionModel().selectedRows())
        return [self.model.takes()[at] for at in rows]

    def _read(self) -> None:
        """The pictures of all takes, the bin, and how much speakers agree."""
        gallery = self._session.view.gallery
        if gallery is None:
            return
        takes = self._session.takes()

        def read(report: Report) -> "tuple[list[ImageRecord], list[TakeRecord]]":
            explorer = self._context.explorer
            binned = explorer.store.takes(gallery.id, binned=True)
            ids = {take.image_id for take in (*takes, *binned) if take.image_id is not None}
            return explorer.gallery(gallery).images(sorted(ids)), binned

        self._context.jobs.submit("Reading the takes", read, key="annotate-review", quiet=True,
                                  on_done=lambda both: self._take(*both))
        self._measure()

    def _measure(self) -> None:
        takes = self._session.takes()

        def work(report: Report) -> "Agreement":
            from core.annotation.agreement import measure

            return measure(takes, partial(self._context.explorer.backbone, report), report)

        self._context.jobs.submit("Comparing captions", work, key="annotate-agreement", quiet=True,
                                  on_done=self.detail.take_agreement,
                                  on_failed=lambda error: self.detail.say_no_agreement(str(error)))

    def _take(self, images: "list[ImageRecord]", binned: "list[TakeRecord]") -> None:
        self._images, self._binned = {image.id: image for image in images}, binned
        self._fill()

    def _take_changes(self) -> None:
        if self.isVisible():
            self._read()

    def _filter_changed(self) -> None:
        self.erase.setVisible(self._in_bin())
        self._fill()

    def _in_bin(self) -> bool:
        return bool(self.states.currentData() == BIN)

    def _fill(self) -> None:
        from core.annotation.captions import stage_of
        from core.annotation.progress import by_speaker

        every = self._session.takes()
        self.detail.show_progress(by_speaker(every))
        self._fill_speakers([*every, *self._binned])
        chosen, at = self.current(), self.table.currentIndex().row()
        state, speaker = self.states.currentData(), self.speakers.currentData()
        shown = [take for take in (self._binned if state == BIN else every)
                 if take.id == self.detail.edited
                 or (state in ("", BIN, stage_of(take)) and speaker in (0, take.speaker.id))]
        self.model.show_takes(sorted(shown, key=lambda take: take.id), self._images)
        late = sum(stage_of(take) == "late" for take in every)
        self.count.setText(f"{len(shown)} {'take' if len(shown) == 1 else 'takes'}"
                           + (f" · {late} with words to confirm" if late else ""))
        keyboard = self.table.hasFocus() or self.hasFocus()
        self.empty.setVisible(not shown)
        self.table.setVisible(bool(shown))
        if keyboard:  # a table that is hidden would give it away
            (self.table if shown else self).setFocus()
        self.erase.setEnabled(bool(shown))
        kept = self.model.row_of(chosen.id) if chosen is not None else 0
        self._select(kept if kept >= 0 else min(at, len(shown) - 1))
        self._show_current()

    def _fill_speakers(self, takes: "list[TakeRecord]") -> None:
        found: dict[int, SpeakerRecord] = {take.speaker.id: take.speaker for take in takes}
        chosen = self.speakers.currentData() or 0
        self.speakers.clear()
        self.speakers.addItem("All speakers", 0)
        for one in sorted(found.values(), key=lambda speaker: speaker.name):
            self.speakers.addItem(one.name, one.id)
        self.speakers.setCurrentIndex(max(0, self.speakers.findData(chosen)))

    def _select(self, at: int) -> None:
        stays = at == self.table.currentIndex().row() and self.table.selectionModel().hasSelection()
        if 0 <= at < self.model.rowCount() and not stays:  # else several stay selected
            go_to(self.table, self.model.index(at, 0))

    def _show_current(self) -> None:
        take = self.current()
        same = [each for each in self._session.here_of(take.image_id) if each.id != take.id] if take else []
        another = self.detail.show_take(take, self._images.get(take.image_id or 0) if take else None, same)
        if another and take is not None:
            self.shown.emit(take)

    # ---- decisions

    def judge(self, state: "TakeState") -> None:
        """Accept or reject the selected takes, and go on to the next."""
        takes, annotator = [take for take in self.selected() if take.binned is None], self._session.view.annotator
        if not takes or annotator is None:
            return
        typed = self.detail.text.text() if [take.id for take in takes] == [self.detail.edited] else ""
        self._then_next(takes)
        if typed and state == "accepted":
            self._session.change("Keeping the caption", lambda: annotator.confirm(takes[0], typed, state))
        else:
            self._session.change("Keeping the decision", lambda: annotator.judge(takes, state))

    def confirm(self) -> None:
        """Confirm words as they stand that arrived after Enter, of the selected takes, and go on to the next."""
        from core.annotation.captions import stage_of

        annotator = self._session.view.annotator
        takes = [take for take in self.selected() if take.binned is None and stage_of(take) == "late"]
        if takes and annotator is not None:
            self._then_next(takes)
            self._session.change("Keeping the captions", lambda: annotator.judge(takes, "done"))

    def throw_away(self) -> None:
        """Into the bin; out of it where the bin is shown."""
        takes, annotator = self.selected(), self._session.view.annotator
        if not takes or annotator is None:
            return
        if self._in_bin():
            self._session.change("Bringing back", lambda: annotator.bring_back(takes))
        else:
            self._session.throw_away(takes)

    def erase_all(self, done: Callable[[int], object]) -> None:
        """Delete what the bin shows, for good."""
        ids = [take.id for take in self.model.takes() if take.binned is not None]
        self._session.change("Deleting", lambda: self._context.explorer.store.erase_takes(ids),
                             lambda _: done(len(ids)))

    def _then_next(self, takes: "list[TakeRecord]") -> None:
        """One decided take leads to the next; the filter may take it away by itself."""
        if len(takes) == 1 and self.states.currentData() == "":
            self._select(self.table.currentIndex().row() + 1)

    def _correct(self, text: str) -> None:
        take, annotator = self.current(), self._session.view.annotator
        if take is not None and annotator is not None and take.binned is None:
            state: TakeState = take.state if take.state == "accepted" else "done"
            self._session.change("Keeping the caption", lambda: annotator.confirm(take, text, state))
        self.table.setFocus()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            return not event.modifiers() and self.take_key(Qt.Key(event.key()))
        return False

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.modifiers() or not self.take_key(Qt.Key(event.key())):
            super().keyPressEvent(event)

    def take_key(self, key: Qt.Key) -> bool:
        """A, X, Enter, P, E, Delete, Esc: whether it was one of them."""
        decisions = dict(KEYS)
        self.say("")
        if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.confirm()
        elif key in decisions:
            self.judge(decisions[key])  # type: ignore[arg-type]
        elif key == Qt.Key.Key_P:
            self.play_wanted.emit(self.current())
        elif key == Qt.Key.Key_E:
            self.detail.edit()
        elif key == Qt.Key.Key_Delete:
            self.throw_away()
        elif key == Qt.Key.Key_Escape:
            self.left.emit()
        else:
            return False
        return True

    def sizeHint(self) -> QSize:
        return QSize(1000, 560)


def _filter(name: str) -> QComboBox:
    made = QComboBox()
    made.setAccessibleName(name)
    made.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    made.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
    made.setMinimumWidth(110)
    return made
