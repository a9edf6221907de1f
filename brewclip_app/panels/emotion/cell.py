"""The confusion matrix of a feature, and the recordings of one of its cells with predictions over time."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QListWidget, QListWidgetItem

from brewclip_app import tasks, theme
from brewclip_app.capture.playback import Player, PlayerState
from brewclip_app.localisation import _, as_shown, localised, ngettext
from brewclip_app.panels.emotion.emotion_curves import NAMES, EmotionCurves
from brewclip_app.panels.emotion.emotion_matrix import EmotionMatrix
from brewclip_app.plain_text import plain_tip
from brewclip_app.widgets.common import Card, ElidedLabel, icon_button, label, look, row
from brewclip_app.widgets.waveform import WaveformView
from core.emotion.features import feature
from core.progress import JobCancelled

if TYPE_CHECKING:
    from brewclip_app.context import Context
    from core.audio import Waveform
    from core.emotion.results import Acting, Result
    from core.progress import Report

PLACE = Qt.ItemDataRole.UserRole
ABOUT_FROM = 440  # px


@dataclass(frozen=True)
class CellRecording:
    """One recording of a cell: its place in the run, and how many of the seeds predicted the cell's class."""

    place: int
    acting: "Acting"
    share: float
    seeds: int
    of: int


def entries(result: "Result", key: str, acted: int, predicted: int) -> list[CellRecording]:
    """The recordings of a cell, most probable first."""
    answers = result.answers[key]
    recordings = []
    for place, acting in enumerate(result.recordings):
        seeds = int((answers.predicted[:, place] == predicted).sum())
        if acting.label == acted and seeds:
            recordings.append(CellRecording(place, acting, float(answers.probabilities[place, predicted]), seeds,
                                            len(answers.predicted)))
    return sorted(recordings, key=lambda recording: -recording.share)


class MatrixCard(Card):
    """The matrix with its title, and in a wide card the meaning of rows and columns."""

    def __init__(self) -> None:
        super().__init__(space=6)
        self.title = ElidedLabel("", "heading", Qt.TextElideMode.ElideRight)
        self.about = ElidedLabel(_("rows: true, columns: predicted"), "quiet", Qt.TextElideMode.ElideRight)
        self.about.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.matrix = EmotionMatrix()
        head = row(self.title, self.about)
        head.setStretch(0, 3)
        head.setStretch(1, 2)
        self.body.addLayout(head)
        self.body.addWidget(self.matrix, 1)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.about.setVisible(self.width() >= ABOUT_FROM)

    def show_feature(self, result: "Result", key: str) -> None:
        """Show the matrix of a feature."""
        score = next(score for score in result.scores if score.feature == key)
        self.title.setText(_("Confusion · {title}").format(title=feature(key).title))
        seeds = _("; sum over {seeds} seeds").format(seeds=score.seeds) if score.seeds > 1 else ""
        self.about.setText(_("rows: true, columns: predicted{seeds}").format(seeds=seeds))
        self.title.setToolTip(plain_tip(f"{self.title.text()}; {self.about.text()}"))
        self.matrix.show_counts(result.classes, score.confusion, feature(key).tone)


class RecordingList(QListWidget):
    """A list in which Space plays; elsewhere in the panel it records."""

    def __init__(self, play: Callable[[], object]) -> None:
        super().__init__()
        self._play = play

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Space:
            self._play()
            return
        super().keyPressEvent(event)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        if event.key() != Qt.Key.Key_Space:
            super().keyReleaseEvent(event)


class CellCard(Card):
    """The recordings of a cell. What cannot be read or played is reported in its place."""

    def __init__(self, context: "Context") -> None:
        super().__init__(space=6)
        self._context = context
        self._result: Result | None = None
        self._key, self._cell = "", (0, 0)
        self._entries: list[CellRecording] = []
        self._waveform: Waveform | None = None
        self.title = ElidedLabel("", "heading", Qt.TextElideMode.ElideRight)
        self.list = RecordingList(self.toggle)
        self.play = icon_button("play", _("Play (Space)"), self.toggle)
        self.waveform = WaveformView()
        self.waveform.setAccessibleName(_("Waveform of the recording"))
        self.curves = EmotionCurves()
        self.nothing = label("", "quiet", wrap=True)
        self.problem = label("", "care", wrap=True)
        self.player = Player(self)
        self._set_up()

    def show_cell(self, result: "Result", key: str, acted: int, predicted: int) -> None:
        """Show the recordings of a true and a predicted class."""
        self.player.stop()
        self._result, self._key, self._cell = result, key, (acted, predicted)
        self._entries = entries(result, key, acted, predicted)
        first, second = result.classes[acted], result.classes[predicted]
        number = len(self._entries)
        title = (_("{first} predicted as {second}").format(first=first, second=second) if acted != predicted
                 else _("{first}, predicted correctly").format(first=first))
        self.title.setText(ngettext("{title} · {number} recording", "{title} · {number} recordings",
                                    number).format(title=title, number=number))
        self.list.clear()
        for entry in self._entries:
            self.list.addItem(self._item(entry, second))
        wrong = _("as {second}").format(second=second) if acted != predicted else "correctly"
        self.nothing.setText(_("No {first} recording was predicted {wrong}.").format(first=first, wrong=wrong))
        self._show_parts(bool(self._entries))
        if self._entries:
            self.list.setCurrentRow(0)

    def toggle(self) -> None:
        """Play or stop."""
        self.player.toggle(self._waveform)

    def _set_up(self) -> None:
        self.list.setAccessibleName(_("Recordings of the selected cell"))
        self.list.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.list.setVerticalScrollMode(QListWidget.ScrollMode.ScrollPerPixel)
        self.list.setTextElideMode(Qt.TextElideMode.ElideRight)
        self.list.setMinimumHeight(92)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        look(self.list, "rows")
        self.curves.setToolTip(_("Probabilities in the second around each moment"))
        self.body.addWidget(self.title)
        self.body.addWidget(self.nothing, 1, Qt.AlignmentFlag.AlignTop)
        self.body.addWidget(self.list, 1)
        side = self.play.sizeHint().width()  # both are over the same time: they begin and end below each other
        wave, over_time = row(self.play, self.waveform, NAMES - 8), row(side, self.curves)
        wave.setStretch(1, 1)
        over_time.setStretch(1, 1)
        self.body.addLayout(wave)
        self.body.addLayout(over_time)
        self.body.addWidget(self.problem)
        self.problem.hide()
        self.list.currentRowChanged.connect(self._choose)
        self.list.itemActivated.connect(lambda _unused: self.toggle())
        self.waveform.sought.connect(self._play)
        self.player.changed.connect(self._show_playing)

    def _item(self, entry: CellRecording, predicted: str) -> QListWidgetItem:
        acting = entry.acting
        often = (_(" · {seeds} of {of} seeds").format(seeds=entry.seeds, of=entry.of) if entry.of > 1
                 and entry.seeds < entry.of else "")
        item = QListWidgetItem(_("{predicted} {share:.0f} %{often} · actor {actor:02d} · {emotion}, {intensity} · "
                                 "“{split} …”").format(predicted=predicted, share=100 * entry.share, often=often,
                                                       actor=acting.actor, emotion=acting.emotion,
                                                       intensity=acting.intensity, split=acting.words.split()[0]))
        item.setData(PLACE, entry.place)
        item.setToolTip(plain_tip(f"{acting.path.name}: “{as_shown(acting.words)}”, {acting.sex}"))
        return item

    def _choose(self, number: int) -> None:
        self.player.stop()
        self._waveform = None
        self.waveform.clear()
        self.curves.clear()
        self._show_problem("")
        if not 0 <= number < len(self._entries):
            return
        path = self._entries[number].acting.path

        def read(report: "Report") -> "Waveform":
            from core import audio

            return audio.read(path)

        async def show() -> None:
            try:
                self._show_recording(await self._context.jobs.run(_("Reading the recording"), read,
                                                                  key="emotion-recording", quiet=True))
            except JobCancelled:
                raise
            except Exception as error:
                self._show_problem(localised(error))

        tasks.start(show())

    def _show_recording(self, waveform: "Waveform") -> None:
        self._waveform = waveform
        self.waveform.show_waveform(waveform)
        number = self.list.currentRow()
        if self._result is None or not 0 <= number < len(self._entries):
            return
        curve = self._result.answers[self._key].curves[self._entries[number].place]
        if curve is not None:
            strong = (self._cell[1], self._cell[0])
            self.curves.show_curves(curve[0].tolist(), curve[1], self._result.classes, strong, waveform.seconds)

    def _play(self, start: float) -> None:
        if self._waveform is not None:
            self.player.play(self._waveform, start)

    def _show_playing(self, player: PlayerState) -> None:
        self.waveform.set_cursor(player.seconds)
        self.curves.set_cursor(player.seconds)
        theme.set_icon(self.play, "stop" if self.player.playing else "play")
        self.play.setToolTip(_("Stop (Space)") if self.player.playing else _("Play (Space)"))
        if player.problem:
            self._show_problem(player.problem)

    def _show_parts(self, visible: bool) -> None:
        for part in (self.list, self.play, self.waveform, self.curves):
            part.setVisible(visible)
        self.nothing.setVisible(not visible)

    def _show_problem(self, text: str) -> None:
        self.problem.setText(text)
        self.problem.setVisible(bool(text))


def cell_to_show(result: "Result", key: str, before: tuple[int, int] | None) -> tuple[int, int]:
    """The cell that was selected before if it has recordings, else the most frequent error, else the first one."""
    counts = next(score for score in result.scores if score.feature == key).confusion
    if before is not None and max(before) < len(counts) and counts[before[0]][before[1]]:
        return before
    wrong = [(count, row_, column) for row_, line in enumerate(counts) for column, count in enumerate(line)
             if row_ != column and count]
    largest = max(wrong, default=(0, 0, 0))
    return largest[1], largest[2]


