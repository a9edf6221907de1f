"""The review: all takes in a table, one of them in detail to play, compare, accept or reject."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, QSize, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QComboBox, QHeaderView, QTableView, QWidget

from brewclip_app import wording
from brewclip_app.localisation import _, as_shown, ngettext
from brewclip_app.panels.annotate.controller import AnnotateController
from brewclip_app.panels.annotate.empty_pages import MessageLabel
from brewclip_app.panels.annotate.take_detail import TakeDetail
from brewclip_app.panels.annotate.take_player import Playback, TakePlayer
from brewclip_app.panels.annotate.takes_model import TakesModel
from brewclip_app.thumbnails import Thumbnails
from brewclip_app.widgets.common import ElidedLabel, EmptyState, button, column, row
from brewclip_app.widgets.dialogs import confirm
from brewclip_app.widgets.elided_combo import ElidedCombo
from brewclip_app.widgets.splitters import splitter
from brewclip_app.widgets.tables import NameDelegate, go_to, of_lines

if TYPE_CHECKING:
    from brewclip_app.panels.annotate.state import AnnotateState
    from core.store.records import TakeRecord, TakeState

WIDTHS = (100, 84, 0, 124, 64)  # px of the columns; the caption stretches
CAPTION_COLUMN = 2
BIN = "bin"
FILTERS = (("", _("All takes")), ("late", _("Transcript to confirm")), ("awaited", _("Waiting for the transcript")),
           ("done", _("To review")), ("accepted", _("Accepted")), ("rejected", _("Rejected")), ("draft", _("Drafts")),
           (BIN, _("Bin")))


class ReviewPage(QWidget):
    """Shows the takes of the state; decisions go through the controller, so that they can be undone."""

    def __init__(self, controller: AnnotateController, player: TakePlayer, thumbnails: Thumbnails) -> None:
        super().__init__()
        self._controller, self._player = controller, player
        self.model = TakesModel(self)
        self.table = QTableView()
        self.states, self.speakers = _filter(_("State")), _filter(_("Speaker"))
        for key, title in FILTERS:
            self.states.addItem(as_shown(title), key)
        self.count = ElidedLabel("", "quiet-body", Qt.TextElideMode.ElideRight)
        self.erase = button(_("Delete permanently…"), self._ask_erase, "danger")
        self.message = MessageLabel()
        self.detail = TakeDetail(thumbnails)
        self.empty = EmptyState("microphone", _("No takes"), _("Recorded and imported takes appear here."))
        self._lay_out()
        self._connect()

    def _lay_out(self) -> None:
        self.table.setModel(self.model)
        self.table.setItemDelegateForColumn(0, NameDelegate(self.table))
        header = of_lines(self.table, _("Takes"), several=True).horizontalHeader()
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        for section, width in enumerate(WIDTHS):
            header.resizeSection(section, width)
        header.setSectionResizeMode(CAPTION_COLUMN, QHeaderView.ResizeMode.Stretch)
        head = row(self.states, self.speakers, self.count, self.erase)
        head.setStretch(2, 1)
        left = QWidget()
        left.setLayout(column(head, self.table, self.empty, self.message, space=10))
        self.split = splitter(left, self.detail, (700, 380), (1, 0))
        self.setLayout(column(self.split))

    def _connect(self) -> None:
        for combo in (self.states, self.speakers):
            combo.activated.connect(lambda _unused: self.show_state(self._controller.state))
        self.table.installEventFilter(self)  # a table searches its rows by the letters that are typed
        self.table.selectionModel().currentChanged.connect(lambda *_unused: self._show_current())
        detail = self.detail
        detail.accept.clicked.connect(lambda: self.judge("accepted"))
        detail.reject.clicked.connect(lambda: self.judge("rejected"))
        detail.bin.clicked.connect(self.move_to_bin)
        detail.play.clicked.connect(lambda: self._player.toggle(self.current()))
        detail.text.accepted.connect(self._correct)
        detail.text.left.connect(self.table.setFocus)

    # ---- what is shown

    def current(self) -> "TakeRecord | None":
        """The take in the detail."""
        return self.model.take(self.table.currentIndex())

    def selected(self) -> "list[TakeRecord]":
        """The selected takes, in the order of the table."""
        rows = sorted(index.row() for index in self.table.selectionModel().selectedRows())
        return [self.model.records[at] for at in rows]

    def show_state(self, state: "AnnotateState") -> None:
        """Show the takes of a state that pass the filters; a take whose caption is being edited stays."""
        from core.annotation.captions import stage_of
        from core.annotation.progress import by_speaker

        self.detail.show_progress(by_speaker(state.takes))
        self.detail.show_agreement(state.agreement)
        self._fill_speakers(state)
        chosen, at = self.current(), self.table.currentIndex().row()
        stage, speaker = self.states.currentData(), self.speakers.currentData()
        shown = [take for take in (state.binned if stage == BIN else state.takes)
                 if take.id == self.detail.edited
                 or (stage in ("", BIN, stage_of(take)) and speaker in (0, take.speaker.id))]
        self.model.show_takes(sorted(shown, key=lambda take: take.id), state.take_images)
        late = sum(stage_of(take) == "late" for take in state.takes)
        self.count.setText(ngettext("{shown} take", "{shown} takes", len(shown)).format(shown=len(shown))
                           + (_(" · {late} to confirm").format(late=late) if late else ""))
        keyboard = self.table.hasFocus() or self.hasFocus()
        self.empty.setVisible(not shown)
        self.table.setVisible(bool(shown))
        if keyboard:  # a table that is hidden would give it away
            (self.table if shown else self).setFocus()
        self.erase.setVisible(stage == BIN)
        self.erase.setEnabled(bool(shown))
        line = self.model.row_of(chosen.id) if chosen is not None else 0
        self._select(line if line >= 0 else min(at, len(shown) - 1))
        self._show_current()

    def show_playback(self, playback: Playback) -> None:
        """Show the recording of the current take, and where it plays."""
        take = self.current()
        if take is None:
            return
        if playback.waveform is not None and playback.take is not None and playback.take.id == take.id:
            self.detail.show_waveform(playback.waveform)
        self.detail.show_playing(playback.playing == take.id, playback.seconds)

    def _fill_speakers(self, state: "AnnotateState") -> None:
        speakers = {take.speaker.id: take.speaker.name for take in (*state.takes, *state.binned)}
        chosen = self.speakers.currentData() or 0
        self.speakers.clear()
        self.speakers.addItem(_("All speakers"), 0)
        for speaker_id, name in sorted(speakers.items(), key=lambda item: item[1]):
            self.speakers.addItem(as_shown(name), speaker_id)
        self.speakers.setCurrentIndex(max(0, self.speakers.findData(chosen)))

    def _select(self, at: int) -> None:
        stays = at == self.table.currentIndex().row() and self.table.selectionModel().hasSelection()
        if 0 <= at < self.model.rowCount() and not stays:  # else several stay selected
            go_to(self.table, self.model.index(at, 0))

    def _show_current(self) -> None:
        take, state = self.current(), self._controller.state
        others = [other for other in state.takes_of(take.image_id) if other.id != take.id] if take else []
        image = state.take_images.get(take.image_id or 0) if take else None
        if self.detail.show_take(take, image, others) and take is not None and self.isVisible():
            self._player.stop()
            self._player.show(take)

    # ---- decisions

    def judge(self, state: "TakeState") -> None:
        """Accept or reject the selected takes, and go on to the next."""
        takes = [take for take in self.selected() if take.binned is None]
        if takes:
            typed = self.detail.text.text() if [take.id for take in takes] == [self.detail.edited] else ""
            self._go_on(takes)
            self._controller.judge(takes, state, typed if state == "accepted" else "")

    def confirm_late(self) -> None:
        """Confirm the selected takes whose transcripts arrived after Enter, and go on to the next."""
        from core.annotation.captions import stage_of

        takes = [take for take in self.selected() if take.binned is None and stage_of(take) == "late"]
        if takes:
            self._go_on(takes)
            self._controller.judge(takes, "done")

    def move_to_bin(self) -> None:
        """Move the selected takes to the bin, or restore them when the bin is shown."""
        if self.states.currentData() == BIN:
            self._controller.restore(self.selected())
        else:
            self._controller.move_to_bin(self.selected())

    def _ask_erase(self) -> None:
        takes = self.model.records
        confirm(self, _("Delete permanently?"),
                _("{takes} recordings in the bin and their captions are deleted from this computer. Recordings of "
                  "imported datasets stay where they are.").format(takes=wording.count(len(takes))), "Delete",
                lambda: self._controller.erase_bin(takes))

    def _go_on(self, takes: "list[TakeRecord]") -> None:
        """Select the next take after a decision on one; a filter takes the decided one away by itself."""
        if len(takes) == 1 and self.states.currentData() == "":
            self._select(self.table.currentIndex().row() + 1)

    def _correct(self, text: str) -> None:
        take = self.current()
        if take is not None and take.binned is None:
            self._controller.judge([take], take.state if take.state == "accepted" else "done", text)
        self.table.setFocus()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            return not event.modifiers() and self._handle_key(Qt.Key(event.key()))
        return False

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.modifiers() or not self._handle_key(Qt.Key(event.key())):
            super().keyPressEvent(event)

    def _handle_key(self, key: Qt.Key) -> bool:
        keys = {Qt.Key.Key_Return: self.confirm_late, Qt.Key.Key_Enter: self.confirm_late,
                Qt.Key.Key_A: lambda: self.judge("accepted"), Qt.Key.Key_X: lambda: self.judge("rejected"),
                Qt.Key.Key_P: lambda: self._player.toggle(self.current()), Qt.Key.Key_E: self.detail.edit,
                Qt.Key.Key_Delete: self.move_to_bin, Qt.Key.Key_Escape: lambda: self._controller.show_review(False)}
        self.message.show_text("")
        if key in keys:
            keys[key]()
        return key in keys

    def sizeHint(self) -> QSize:
        return QSize(1000, 560)


def _filter(name: str) -> QComboBox:
    combo = ElidedCombo(name)
    combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
    combo.setMinimumWidth(110)
    return combo
