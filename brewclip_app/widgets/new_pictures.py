"""Button that tells of pending changes in a gallery's folders and indexes them."""

from typing import TYPE_CHECKING

from PySide6.QtWidgets import QSizePolicy

from brewclip_app.localisation import _
from brewclip_app.widgets.common import PlainButton, look

if TYPE_CHECKING:
    from brewclip_app.context import Context


class NewPicturesButton(PlainButton):
    """ "12 new pictures · Add" of a gallery, first of the current one; hidden while nothing is pending."""

    def __init__(self, context: "Context") -> None:
        super().__init__("")
        self._context, self._gallery = context, context.gallery
        look(self, "news")
        self.setAutoDefault(False)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setToolTip(_("The folders of this gallery have changed since it was indexed."))
        self.clicked.connect(lambda: context.watching.add(self._gallery))
        for signal in (context.watching.changed, context.indexing.changed):
            signal.connect(lambda _unused: self._refresh())
        self._refresh()

    def set_gallery(self, gallery: str) -> None:
        """Tell of another gallery."""
        self._gallery = gallery
        self._refresh()

    def _refresh(self) -> None:
        words = self._context.watching.state.words(self._gallery)
        pending = bool(words) and self._gallery not in self._context.indexing.state.running
        if pending:
            changes = self._context.watching.state.changes[self._gallery]
            self.setText(f"{words} · {'Add' if changes.new and not (changes.changed or changes.gone) else 'Update'}")
        self.setVisible(pending)
