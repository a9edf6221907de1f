"""What the Annotate panel shows when there is no picture to describe: no gallery yet, or nothing left."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QLabel, QWidget

from brewclip_app import wording
from brewclip_app.panels.annotate.session import AnnotateSession
from brewclip_app.widgets.common import EmptyState, button, column, label, look

LOOKS = {"quiet": "quiet-body", "care": "care", "good": "good"}


def show_message(place: QLabel, text: str, kind: str) -> None:
    """A sentence where the user looks; "" takes it away."""
    look(place, LOOKS[kind])
    place.setText(text)
    place.setVisible(bool(text))


class NoGallery(EmptyState):
    """Says what goes here, and offers the first step."""

    folder_wanted = Signal()
    demo_wanted = Signal()

    def __init__(self) -> None:
        super().__init__("annotate", "No pictures to describe yet",
                         "Choose a folder of pictures. Then describe them one by one by voice: what is heard becomes "
                         "their caption, and the recordings a dataset that can be trained on.",
                         button("Choose a folder…", lambda: self.folder_wanted.emit(), "main"),
                         button("Look around in the demo", lambda: self.demo_wanted.emit()))


class Done(QWidget):
    """The queue is at its end."""

    all_wanted = Signal()
    first_wanted = Signal()
    review_wanted = Signal()
    export_wanted = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.first = button("Go to the first that was skipped", self.first_wanted.emit, "main")
        self.all = button("Walk through all pictures", self.all_wanted.emit)
        self.review = button("Review them", self.review_wanted.emit, "main")
        self.export = button("Export…", self.export_wanted.emit)
        self.words = EmptyState("check", "", " ", self.first, self.review, self.export, self.all)
        self.message = label("", "quiet-body", wrap=True)
        self.message.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        self.say("")
        self.setLayout(column(self.words, self.message))

    def say(self, text: str, kind: str = "quiet") -> None:
        """A sentence below; "" takes it away."""
        show_message(self.message, text, kind)

    def show_session(self, session: AnnotateSession) -> None:
        """How it ended."""
        queue, left = session.view.queue, session.left()
        images = len(session.view.images) + (queue.before if queue else 0)
        if not images:
            title, sentence = "No picture here", "Choose other pictures at the top, or index a folder in the Library."
        elif left:
            title = "The last picture was reached"
            sentence = f"{wording.pictures(left)} of {wording.count(images)} have no caption yet."
        else:
            title = "All described"
            sentence = f"{wording.pictures(images)}: {_what_they_have(session)} Every recording is kept."
        self.words.title.setText(title)
        self.words.sentence.setText(sentence)
        self.first.setVisible(bool(left))
        self.all.setVisible(not left and queue is not None and queue.spec != "all:")
        for part in (self.review, self.export):
            part.setVisible(bool(session.takes()) and not left)


def _what_they_have(session: AnnotateSession) -> str:
    """Captions, as far as they were confirmed."""
    from core.annotation.captions import stage_of

    open_ones = sum(stage_of(take) in ("awaited", "late") for take in session.takes())
    if not open_ones:
        return "each has a confirmed caption."
    whose = "one recording was" if open_ones == 1 else f"{wording.count(open_ones)} recordings were"
    return f"each is described. The words of {whose} not there at Enter: confirm them in Review."
