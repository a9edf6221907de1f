"""Cards of a gallery's detail: its folders, the model of its embeddings, and an offer to index again."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from PySide6.QtCore import QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QVBoxLayout

from brewclip_app import wording
from brewclip_app.localisation import _
from brewclip_app.panels.library import facts as gallery_facts
from brewclip_app.panels.library.facts import Overview
from brewclip_app.plain_text import plain_tip
from brewclip_app.widgets.common import Card, ElidedLabel, WholeLabel, button, clear, icon_button, label, look, row
from core.remote import is_remote, shown
from core.store.records import GalleryState


class FoldersCard(Card):
    """The folders of a gallery; `remove` is called with one of them."""

    def __init__(self, add: Callable[[], object], remove: Callable[[Path], object]) -> None:
        super().__init__()
        self._remove = remove
        self._folders: tuple[Path, ...] | None = None
        self.add_button = button(_("Add a folder…"), add, tip=_("Add a folder to this gallery"))
        self.body.addLayout(row(label(_("Folders"), "heading"), None, self.add_button))
        self.rows = QVBoxLayout()
        self.rows.setSpacing(2)
        self.body.addLayout(self.rows)
        self.body.addStretch(1)

    def show_folders(self, folders: tuple[Path, ...]) -> None:
        """Show folders; the rows stay when they are the same."""
        if folders == self._folders:
            return
        self._folders = folders
        clear(self.rows)
        for folder in folders:
            self.rows.addLayout(self._row(folder))
        if not folders:
            self.rows.addWidget(label(_("No folders yet"), "quiet-body"))

    def _row(self, folder: Path) -> Any:
        path = ElidedLabel(shown(folder))
        path.setToolTip(plain_tip(shown(folder)))
        open_button = () if is_remote(folder) else (
            icon_button("open", _("Open {name}").format(name=folder.name),
                        lambda: QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder))), 16),)
        layout = row(path, *open_button,
                   icon_button("close", _("Remove {name} from the gallery").format(name=folder.name),
                               lambda: self._remove(folder), 14),
                   space=2)
        layout.setStretch(0, 1)
        return layout


class ModelCard(Card):
    """The model of the embeddings, and the cost of another one."""

    def __init__(self) -> None:
        super().__init__(_("Model"))
        self.facts = label("", "strong", wrap=True)
        self.price = WholeLabel("quiet")
        for part in (self.facts, self.price):
            self.body.addWidget(part)
        self.body.addStretch(1)

    def show_facts(self, state: GalleryState, overview: Overview, titles: dict[str, str], rate: float) -> None:
        """Show a gallery's fingerprints in words."""
        lines = [gallery_facts.facts_in_words(fingerprint, titles) for fingerprint, _unused in state.fingerprints]
        if len(lines) > 1:
            lines = [f"{line}: {wording.count(number)}" for line, (_unused, number) in zip(lines, state.fingerprints,
                                                                                     strict=True)]
        self.facts.setText("\n".join(lines) or _("Not indexed yet"))
        tip = "\n".join(_("fingerprint {hash}\n{description}").format(hash=fingerprint.hash,
                                                                      description=fingerprint.description)
                        for fingerprint, _unused in state.fingerprints)
        self.facts.setToolTip(plain_tip(tip))
        self.price.setVisible(state.images > 0)
        self.price.setText(overview.problem
                           or _("With another model or crop, all pictures are indexed again: {cost}.").format(
                               cost=gallery_facts.cost(state.images, rate)))


class OutdatedCard(Card):
    """Offers to index again when the settings ask for another model or crop than the gallery has."""

    def __init__(self, embed: Callable[[], object]) -> None:
        super().__init__()
        look(self, "banner")
        self.setProperty("kind", "care")
        self.words = label("", wrap=True)
        self.action = button(_("Index again"), embed, "main")
        layout = row(self.words, self.action, space=12)
        layout.setStretch(0, 1)
        self.body.addLayout(layout)

    def show_for(self, state: GalleryState, overview: Overview, titles: dict[str, str], rate: float) -> None:
        """Show or hide, by what the gallery has and what the settings ask for."""
        old, new = gallery_facts.outdated(state, overview.fingerprint), overview.fingerprint
        self.setVisible(old is not None)
        if old is None or new is None:
            return
        missing = state.images - state.indexed
        time = (_(" (about {missing} on this computer)").format(missing=wording.duration(missing / rate)) if rate > 0
                else "")
        self.words.setText(
            _("Indexed with {facts_in_words}, but the settings ask for {facts_in_words_2}. Searches do not find "
              "{pictures} until they are indexed again{time}. The present index is kept.").format(
                  facts_in_words=gallery_facts.facts_in_words(old,
                                                              titles), facts_in_words_2=gallery_facts.facts_in_words(
                                                                  new, titles), pictures=wording.pictures(missing),
                                                                                                  time=time))
