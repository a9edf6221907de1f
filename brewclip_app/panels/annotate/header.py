"""The top of the Annotate panel: where, which pictures, who speaks; review, import, export; how far it is."""

from collections.abc import Sequence

from PySide6.QtCore import QSignalBlocker, QSize, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QComboBox, QProgressBar, QWidget

from brewclip_app import wording
from brewclip_app.panels.annotate.session import AnnotateSession
from brewclip_app.panels.search.header import language_name
from brewclip_app.plain_text import plain_tip
from brewclip_app.widgets.common import button, column, panel_title, repolish, row
from brewclip_app.widgets.elided_combo import ElidedCombo

NEW, EDIT = -1, -2  # the last entries of the list of speakers
LEAST_WIDTH = 7  # characters
ROOM_FOR_TITLE = 900  # px; below, who speaks is worth more than the name of the screen, which the rail has


class AnnotateHeader(QWidget):
    """Shows the session; tells what the user chooses."""

    gallery_chosen = Signal(str)
    queue_chosen = Signal(str)
    speaker_chosen = Signal(int)  # an id
    speaker_wanted = Signal(bool)  # a new one, or (True) the present one's profile
    review_turned = Signal(bool)
    import_wanted = Signal()
    export_wanted = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.galleries, self.queues, self.speakers = _combo("Gallery"), _combo("Pictures"), _combo("Speaker")
        self.review = button("Review")
        self.review.setCheckable(True)
        self.bring_in = button("Import…", self.import_wanted.emit, tip="Bring a dataset's recordings and captions in")
        self.export = button("Export…", self.export_wanted.emit, tip="Write the spoken captions as a dataset")
        for each in (self.review, self.bring_in, self.export):
            each.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            each.setEnabled(False)
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setProperty("kind", "good")
        self.bar.setAccessibleName("Described pictures")
        repolish(self.bar)
        self.speakers.setToolTip("Who speaks")
        self.title = panel_title("Annotate")
        line = row(self.title, 2, self.galleries, self.queues, None, self.speakers, self.review,
                   self.bring_in, self.export)
        self.setLayout(column(line, self.bar, space=12))
        self.galleries.activated.connect(lambda at: self.gallery_chosen.emit(self.galleries.itemText(at)))
        self.queues.activated.connect(lambda at: self.queue_chosen.emit(self.queues.itemData(at)))
        self.speakers.activated.connect(lambda at: self._choose(self.speakers.itemData(at)))
        self.review.toggled.connect(self.review_turned)

    def show_session(self, session: AnnotateSession) -> None:
        """Everything anew."""
        view = session.view
        _fill(self.galleries, [(name, name) for name in view.names], view.gallery.name if view.gallery else "")
        _fill(self.queues, [(title, spec) for spec, title in view.offers], view.queue.spec if view.queue else "")
        self._fill_speakers(session)
        for part in (self.galleries, self.queues, self.speakers, self.review, self.bring_in, self.export):
            part.setEnabled(view.gallery is not None)
        self.show_progress(session)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.title.setVisible(self.width() >= ROOM_FOR_TITLE)

    def show_progress(self, session: AnnotateSession) -> None:
        """How many pictures are described, and how many of the queue are left."""
        view = session.view
        if view.queue is None:
            return
        done = session.done()
        here = sum(image.id in done for image in view.images)
        left = len(view.images) - here
        self.bar.setRange(0, max(1, view.queue.before + len(view.images)))
        self.bar.setValue(view.queue.before + here)
        self.bar.setToolTip(plain_tip(f"{wording.count(view.queue.before + here)} of "
                            f"{wording.pictures(view.queue.before + len(view.images))} described"))
        at = self.queues.findData(view.queue.spec)
        if at >= 0:
            self.queues.setItemText(at, f"{view.queue.title} · {wording.count(left)} left")

    def _fill_speakers(self, session: AnnotateSession) -> None:
        here = [each for each in session.view.speakers if not each.source or each == session.speaker]
        entries = [(_profile(each.name, each.language), each.id) for each in here]
        if session.speaker is None:
            entries.insert(0, ("Who speaks?", 0))
        entries.append(("New speaker…", NEW))
        if session.speaker is not None:
            entries.append((f"Profile of {session.speaker.name}…", EDIT))
        _fill(self.speakers, entries, session.speaker.id if session.speaker else 0)

    def _choose(self, which: int) -> None:
        if which > 0:
            self.speaker_chosen.emit(which)
        elif which != 0:
            self.speaker_wanted.emit(which == EDIT)


def _profile(name: str, language: str) -> str:
    return f"{name}, {language_name(language)}" if language else name


def _combo(name: str) -> QComboBox:
    made = ElidedCombo()
    made.setAccessibleName(name)
    made.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    made.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
    made.setMinimumContentsLength(LEAST_WIDTH)
    made.setMinimumSize(QSize(90, 0))
    made.setMaximumWidth(250)
    return made


def _fill(combo: QComboBox, entries: Sequence[tuple[str, object]], current: object) -> None:
    with QSignalBlocker(combo):
        combo.clear()
        for words, value in entries:
            combo.addItem(words, value)
        combo.setCurrentIndex(max(0, combo.findData(current)))
