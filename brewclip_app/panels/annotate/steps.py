"""Undo and redo: the change in the store, the picture it was about, and a sentence."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

if TYPE_CHECKING:
    from brewclip_app.panels.annotate.session import AnnotateSession
    from core.annotation.takes import Step

BINNED = "Recording moved to the Bin; Ctrl+Shift+Z brings it back."


class Steps(QObject):
    """The steps of the session's annotator, newest first."""

    def __init__(self, session: "AnnotateSession") -> None:
        super().__init__(session)
        self._session = session

    def undo(self) -> None:
        """Take back the last change, and go to its picture."""
        annotator = self._session.view.annotator
        if annotator is not None:
            self._session.change("Undoing", annotator.undo, self._tell_undone)

    def redo(self) -> None:
        """Do again what was undone last, and go to its picture."""
        annotator = self._session.view.annotator
        if annotator is not None:
            self._session.change("Redoing", annotator.redo, self._tell_redone)

    def _tell_undone(self, step: "Step | None") -> None:
        if step is not None:
            self._session.bring(step.image_id)
        binned = step is not None and step.made
        words = "Nothing to undo." if step is None else BINNED if binned else f"Undone: {step.what}."
        self._session.said.emit(words, "quiet")

    def _tell_redone(self, step: "Step | None") -> None:
        if step is not None:
            self._session.bring(step.image_id)
            image = self._session.image
            if step.skips and image is not None and image.id == step.image_id:
                self._session.go_next()
        self._session.said.emit("Nothing to redo." if step is None else f"Redone: {step.what}.", "quiet")
