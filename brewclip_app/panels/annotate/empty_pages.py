"""Pages of the Annotate screen without a picture: no gallery yet, or the end of the queue."""

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QSizePolicy, QWidget

from brewclip_app import wording
from brewclip_app.localisation import _, ngettext
from brewclip_app.widgets.common import EmptyState, button, column, look

if TYPE_CHECKING:
    from brewclip_app.panels.annotate.state import AnnotateState

LOOKS = {"quiet": "quiet-body", "care": "care", "good": "good"}


class MessageLabel(QLabel):
    """A sentence for the user; hidden while there is none."""

    def __init__(self) -> None:
        super().__init__()
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setWordWrap(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Minimum)
        self.show_text("")

    def show_text(self, text: str, kind: str = "quiet") -> None:
        """Show a sentence; "" hides it."""
        look(self, LOOKS[kind])
        self.setText(text)
        self.setVisible(bool(text))


class NoGalleryPage(EmptyState):
    """First steps while there is no gallery."""

    def __init__(self) -> None:
        self.folder = button(_("Choose a folder…"), name="main")
        self.demo = button(_("Open the demo"))
        super().__init__("annotate", _("No pictures to describe yet"),
                         _("Choose a folder of pictures and describe them one by one by voice. The transcripts become "
                           "captions, and the recordings a dataset for training."), self.folder, self.demo)


class QueueEndPage(QWidget):
    """Summary at the end of the queue, and what can be done next."""

    def __init__(self) -> None:
        super().__init__()
        self.first = button(_("Go to the first skipped picture"), name="main")
        self.all = button(_("Show all pictures"))
        self.review = button(_("Review"), name="main")
        self.export = button(_("Export…"))
        self.words = EmptyState("check", "", " ", self.first, self.review, self.export, self.all)
        self.message = MessageLabel()
        self.message.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        self.setLayout(column(self.words, self.message))

    def show_state(self, state: "AnnotateState") -> None:
        """Show what the queue came to."""
        queue, left = state.queue, state.left
        images = len(state.images) + (queue.before if queue else 0)
        if not images:
            title, sentence = _("No pictures here"), _("Choose another queue at the top, or index a folder in the "
                                                       "Library.")
        elif left:
            title = _("End of the queue")
            sentence = _("{pictures} of {images} without a caption.").format(pictures=wording.pictures(left),
                                                                             images=wording.count(images))
        else:
            title = _("All pictures described")
            sentence = _("{pictures}. {captions} All recordings are saved.").format(pictures=wording.pictures(images),
                                                                                    captions=self._captions(state))
        self.words.title.setText(title)
        self.words.sentence.setText(sentence)
        self.first.setVisible(bool(left))
        self.all.setVisible(not left and queue is not None and queue.spec != "all:")
        for part in (self.review, self.export):
            part.setVisible(bool(state.takes) and not left)

    @staticmethod
    def _captions(state: "AnnotateState") -> str:
        from core.annotation.captions import stage_of

        late = sum(stage_of(take) in ("awaited", "late") for take in state.takes)
        if not late:
            return _("All captions are confirmed.")
        return (ngettext("{late} recording was accepted without a transcript: confirm them in Review.",
                         "{late} recordings were accepted without a transcript: confirm them in Review.",
                         late).format(late=wording.count(late)))
