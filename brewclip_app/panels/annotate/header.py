"""Head of the Annotate screen: gallery, queue, speaker, review, import, export, and the progress of the queue."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QSignalBlocker, QSize, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QComboBox, QProgressBar, QWidget

from brewclip_app import wording
from brewclip_app.localisation import _, as_shown
from brewclip_app.panels.search.header import language_name
from brewclip_app.plain_text import plain_tip
from brewclip_app.widgets.common import button, column, panel_title, repolish, row
from brewclip_app.widgets.elided_combo import ElidedCombo

if TYPE_CHECKING:
    from brewclip_app.panels.annotate.state import AnnotateState

NEW, EDIT = -1, -2  # the last entries of the list of speakers
LEAST_WIDTH = 7  # characters
ROOM_FOR_TITLE = 900  # px; below, the speaker is worth more than the name of the screen, which the rail has


class AnnotateHeader(QWidget):
    """Shows the state; the panel connects its controls."""

    def __init__(self) -> None:
        super().__init__()
        self.galleries, self.queues, self.speakers = _combo(_("Gallery")), _combo(_("Pictures")), _combo(_("Speaker"))
        self.review = button(_("Review"))
        self.review.setCheckable(True)
        self.bring_in = button(_("Import…"), tip=_("Import recordings and captions of a dataset"))
        self.export = button(_("Export…"), tip=_("Export the spoken captions as a dataset"))
        for control in (self.review, self.bring_in, self.export):
            control.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            control.setEnabled(False)
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setProperty("kind", "good")
        self.bar.setAccessibleName(_("Described pictures"))
        repolish(self.bar)
        self.speakers.setToolTip(_("Speaker"))
        self.title = panel_title(_("Annotate"))
        line = row(self.title, 2, self.galleries, self.queues, None, self.speakers, self.review,
                   self.bring_in, self.export)
        self.setLayout(column(line, self.bar, space=12))
        self._shown: tuple[object, ...] = ()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.title.setVisible(self.width() >= ROOM_FOR_TITLE)

    def show_state(self, state: "AnnotateState") -> None:
        """Show a state; lists are filled again only when their content changed, so that an open one stays."""
        shown = state.gallery, state.gallery_names, state.queues, state.queue, state.speakers, state.speaker
        if shown != self._shown:
            self._shown = shown
            _fill(self.galleries, [(name, name) for name in state.gallery_names],
                  state.gallery.name if state.gallery else "")
            _fill(self.queues, [(title, spec) for spec, title in state.queues], state.queue.spec if state.queue else "")
            self.show_speakers(state)
            for part in (self.galleries, self.queues, self.speakers, self.review, self.bring_in, self.export):
                part.setEnabled(state.gallery is not None)
        self.review.setChecked(state.reviewing)
        self._show_progress(state)

    def _show_progress(self, state: "AnnotateState") -> None:
        queue = state.queue
        if queue is None:
            return
        total = queue.before + len(state.images)
        described = total - state.left
        self.bar.setRange(0, max(1, total))
        self.bar.setValue(described)
        self.bar.setToolTip(plain_tip(_("{described} of {pictures} described").format(
            described=wording.count(described), pictures=wording.pictures(total))))
        at = self.queues.findData(queue.spec)
        if at >= 0:
            self.queues.setItemText(at,
                                    _("{title} · {left} left").format(title=queue.title,
                                                                      left=wording.count(state.left)))

    def show_speakers(self, state: "AnnotateState") -> None:
        """Fill the list of speakers and select the current one."""
        speakers = [speaker for speaker in state.speakers if not speaker.source or speaker == state.speaker]
        entries = [(", ".join(filter(None, (speaker.name, speaker.language and language_name(speaker.language)))),
                    speaker.id) for speaker in speakers]
        if state.speaker is None:
            entries.insert(0, (_("Choose a speaker"), 0))
        entries.append((_("New speaker…"), NEW))
        if state.speaker is not None:
            entries.append((_("Edit {name}…").format(name=state.speaker.name), EDIT))
        _fill(self.speakers, entries, state.speaker.id if state.speaker else 0)


def _combo(name: str) -> QComboBox:
    combo = ElidedCombo(name)
    combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
    combo.setMinimumContentsLength(LEAST_WIDTH)
    combo.setMinimumSize(QSize(90, 0))
    combo.setMaximumWidth(250)
    return combo


def _fill(combo: QComboBox, entries: Sequence[tuple[str, object]], current: object) -> None:
    with QSignalBlocker(combo):
        combo.clear()
        for words, value in entries:
            combo.addItem(as_shown(words), value)
        combo.setCurrentIndex(max(0, combo.findData(current)))
