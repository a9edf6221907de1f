"""The card of one failure: voice and words, the right picture and the top result, counterfactuals, label."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QLabel, QWidget

from brewclip_app import theme
from brewclip_app.localisation import _, as_shown
from brewclip_app.panels.failures.cropped_picture import CroppedPicture
from brewclip_app.panels.failures.label_bar import LabelBar
from brewclip_app.panels.failures.misses import FailureCase
from brewclip_app.plain_text import plain_tip
from brewclip_app.thumbnails import Thumbnails, record_of
from brewclip_app.widgets.common import (
    Card,
    ElidedLabel,
    button,
    clear,
    column,
    icon_button,
    label,
    look,
    row,
    rule,
    scrolling,
    width_of,
)
from brewclip_app.widgets.difference_line import DifferenceLine
from brewclip_app.widgets.waveform import WaveformView

if TYPE_CHECKING:
    from pathlib import Path

    from brewclip_app.panels.failures.misses import CounterfactualLine
    from core.audio import Waveform

PICTURE = QSize(120, 120)
LOWEST = 64  # px, height of the pictures in a low window
ROOMY = 200  # px, from which on they take all the room there is
LOW = 26  # lines of text; in a lower card the labels scroll with the rest
OTHER_LINES = 34  # lines of text that the rest of the card is high
QWIDGETSIZE_MAX = (1 << 24) - 1  # Qt's "no limit"
LEGEND = _("struck through: transcript · underlined: caption")
DOT = 9


class CaseCard(Card):
    """Shows a `FailureCase`; its buttons are connected by the panel."""

    def __init__(self, thumbnails: Thumbnails, labels: LabelBar) -> None:
        super().__init__(margin=16, space=10)
        self.case: FailureCase | None = None
        self.play = icon_button("play", _("Play the utterance (Space)"), side=16)
        self.waveform = WaveformView()
        self.waveform.setAccessibleName(_("Waveform of the utterance"))
        self.about = ElidedLabel("", "quiet-body", Qt.TextElideMode.ElideRight)
        self.count = label("", "quiet-body")
        self.before = icon_button("chevron-left", _("Previous (\N{LEFTWARDS ARROW})"))
        self.next = icon_button("chevron-right", _("Next (\N{RIGHTWARDS ARROW})"))
        for part in (self.play, self.before, self.next):  # a click leaves the keyboard with the list
            part.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.words = DifferenceLine("transcript")
        self.words.setMinimumHeight(1)  # else the height of its narrowest form is kept free
        self.legend = label(LEGEND, "quiet")
        self.picture, self.best = CroppedPicture(thumbnails, PICTURE), CroppedPicture(thumbnails, PICTURE)
        self.picture_title, self.best_title = ElidedLabel("", "heading"), ElidedLabel("", "heading")
        self.play_best = icon_button("play", _("Play the top result"), side=14)
        for title in (self.picture_title, self.best_title):  # with and without a button behind it
            title.setMinimumHeight(self.play_best.sizeHint().height())
        self.best_words = ElidedLabel("", "quiet", Qt.TextElideMode.ElideRight)
        self.counterfactuals = CounterfactualLines()
        self.counterfactuals_title = label(_("Rank with one change"), "heading", wrap=True)
        self.not_tried = ElidedLabel("", "quiet", Qt.TextElideMode.ElideRight)
        self.reason = label("", "care", wrap=True)
        self.inspect = button(_("Inspect"), icon="inspect",
                              tip=_("Explain the score in Inspect, under the evaluated model (I)"))
        self.figures = button(_("Figure"), tip=_("The paper's figures of this failure, for print"))
        self.labels = labels
        self._lay_out()

    def _lay_out(self) -> None:
        head = row(self.play, self.waveform, self.about, 8, self.count, self.before, self.next, space=8)
        head.setStretch(1, 1)
        left = column(self.picture_title, self.picture, space=6)
        right = column(row(self.best_title, self.play_best, None, space=4), self.best, self.best_words, space=6)
        pictures = row(left, right, space=14)
        for side, box in enumerate((left, right)):
            box.setStretch(1, 1)
            pictures.setStretch(side, 1)
        actions = row(self.counterfactuals_title, self.figures, self.inspect)
        actions.setStretch(0, 1)
        self._scrolled = column(self.words, self.legend, self.reason, pictures, actions, self.counterfactuals,
                                self.not_tried, space=8)
        self._scrolled.setStretch(3, 1)
        inner = QWidget()
        inner.setLayout(self._scrolled)
        self.body.addLayout(head)
        self.body.addWidget(scrolling(inner), 1)
        self.body.addWidget(self.labels)

    def show_case(self, case: FailureCase, waveform: "Waveform | None", unreadable: str) -> None:
        """Show a failure; its waveform, once it is read, or why it cannot be."""
        if self.case is None or self.case.key != case.key:
            self.waveform.clear()
        self.case = case
        if waveform is not None and not self.waveform.bars():
            self.waveform.show_waveform(waveform)
        self.play.setEnabled(case.recording is not None and not unreadable)
        self.about.setText(case.about)
        self.words.show_whole(case.pieces)
        self.legend.setVisible(any(piece.change != "same" for piece in case.pieces))
        self.reason.setText(unreadable or case.reason)
        self.reason.setVisible(bool(self.reason.text()))
        _show_picture(self.picture, case.picture, case.crop)
        _show_picture(self.best, case.best, "")
        self.picture_title.setText(case.picture_title)
        self.best_title.setText(case.best_title)
        self.best_words.setText(case.best_words)
        self.best_words.setVisible(bool(case.best_words))
        self.play_best.setVisible(case.best_recording is not None)
        self.counterfactuals.show_lines(case.counterfactuals)
        diagnosed = bool(case.counterfactuals or case.not_tried)
        self.counterfactuals_title.setText(_("Rank with one change") if diagnosed else _("Not diagnosed yet"))
        self.not_tried.setText(_("Not tried: {not_tried}.").format(not_tried=case.not_tried) if case.not_tried else "")
        self.not_tried.setVisible(bool(case.not_tried))

    def show_playing(self, seconds: float | None) -> None:
        """Show the place of playback; None when the utterance does not play."""
        self.waveform.set_cursor(seconds)
        theme.set_icon(self.play, "stop" if seconds is not None else "play")

    def show_place(self, line: int, lines: int) -> None:
        """Show the line of the failure, from 0, and their number."""
        self.count.setText(_("{line} of {lines}").format(line=line + 1, lines=lines))
        self.before.setEnabled(line > 0)
        self.next.setEnabled(line < lines - 1)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """In a low window the pictures give way to the counterfactuals below them."""
        super().resizeEvent(event)
        box = self._scrolled if self.height() < LOW * self.fontMetrics().height() else self.body
        if box.indexOf(self.labels) < 0:
            box.addWidget(self.labels)
            self.labels.show()
        room = max(LOWEST, self.height() - OTHER_LINES * self.fontMetrics().height())
        for view in (self.picture, self.best):
            view.setMinimumHeight(min(PICTURE.height(), room))
            view.setMaximumHeight(room if room < ROOMY else QWIDGETSIZE_MAX)


def _show_picture(view: CroppedPicture, path: "Path | None", crop: str) -> None:
    view.show_image(record_of(path) if path is not None else None, crop)


class CounterfactualLines(QWidget):
    """One line per change: title, ranks before and after, verdict."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: tuple[CounterfactualLine, ...] = ()
        self._box = column(space=0)
        self.setLayout(self._box)
        theme.changed.connect(self._fill)

    def show_lines(self, lines: "tuple[CounterfactualLine, ...]") -> None:
        """Replace the lines."""
        if lines != self.lines:
            self.lines = lines
            self._fill()

    def _fill(self) -> None:
        clear(self._box)
        for line in self.lines:
            self._box.addWidget(self._line(line))
            self._box.addWidget(rule())

    def _line(self, line: "CounterfactualLine") -> QFrame:
        frame = look(QFrame(), "chosen" if line.helped else "plain")
        dot = QLabel()
        dot.setFixedSize(DOT, DOT)
        dot.setStyleSheet(f"background: {theme.colour(line.colour).name()}; border-radius: {DOT // 2}px;")
        title = ElidedLabel(line.title, "", Qt.TextElideMode.ElideRight)
        ranks = label(line.ranks, "strong" if line.helped else "")
        ranks.setMinimumWidth(width_of("0000 → 0000", self))
        ranks.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        verdict = label(line.verdict, "good" if line.helped else "quiet-body")
        verdict.setMinimumWidth(width_of(_("now in the top 10"), self))
        verdict.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        box = row(dot, title, ranks, verdict, space=8)
        box.setStretch(1, 1)
        box.setContentsMargins(8, 4, 8, 4)
        frame.setLayout(box)
        frame.setToolTip(plain_tip(line.about))
        frame.setAccessibleName(f"{as_shown(line.title)}: {line.ranks}, {as_shown(line.verdict)}")
        return frame
