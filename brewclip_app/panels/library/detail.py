"""One gallery in detail: its state, folders, model, failures and pictures."""

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QMenu, QSizePolicy, QWidget

from brewclip_app import wording
from brewclip_app.localisation import _, ngettext
from brewclip_app.panels.library import facts as gallery_facts
from brewclip_app.panels.library.cards import FoldersCard, ModelCard, OutdatedCard
from brewclip_app.panels.library.controller import LibraryController, LibraryState
from brewclip_app.panels.library.facts import Overview
from brewclip_app.panels.library.failures_card import FailuresCard
from brewclip_app.thumbnails import Thumbnails
from brewclip_app.widgets.common import (
    Card,
    ElidedLabel,
    EmptyState,
    ProgressRow,
    button,
    column,
    icon_button,
    label,
    row,
    scrolling,
)
from brewclip_app.widgets.dialogs import ask_to_stop, confirm, leave_field
from brewclip_app.widgets.file_dialogs import ask_picture_folder
from brewclip_app.widgets.flow_layout import FlowLayout
from brewclip_app.widgets.mosaic import Mosaic, PictureWall
from brewclip_app.widgets.name_dialogs import NameDialog, PlaceDialog
from brewclip_app.widgets.new_pictures import NewPicturesButton
from core.store.addresses import is_address

if TYPE_CHECKING:
    from core.store.records import FailureRecord, GalleryState

AGAIN_TIP = _("Scan the folders again; unchanged pictures are not read again (F5)")
CONTINUE_TIP = _("Continue the run that was stopped (F5)")
NARROW = 75  # characters; in less the folders stand above the model
LEAST = 45  # characters that the detail is wide; the list gives way to it
MOSAIC_FROM = 640  # px; a narrower detail has no room for it


class GalleryDetail(QWidget):
    """Shows the chosen gallery of the controller's state, and asks before it is changed."""

    duplicates_wanted = Signal()

    def __init__(self, controller: LibraryController, thumbnails: Thumbnails) -> None:
        super().__init__()
        self._controller, self._context = controller, controller.context
        self._failures: tuple[FailureRecord, ...] | None = None  # nothing shown yet, not even that there are none
        self._shown: tuple[Overview | None, str] = None, ""
        self.head = self._make_head(thumbnails)
        self.outdated = OutdatedCard(controller.index_again)
        self.folders = FoldersCard(self._choose_folder, self.ask_remove_folder)
        self.model = ModelCard()
        self.failures = FailuresCard()
        self.wall = PictureWall(thumbnails)
        self.empty = EmptyState("folder", _("No pictures yet"),
                                _("Add a folder, or drop it here. The pictures stay where they are."),
                                button(_("Add a folder…"), self._choose_folder, "main"))
        self._lay_out()
        controller.changed.connect(self.show_state)
        self._context.indexing.changed.connect(self._show_progress)

    def show_state(self, state: LibraryState) -> None:
        """Show the chosen gallery of a state."""
        gallery, overview = state.gallery, state.overview
        if gallery is None or overview is None:
            return
        self.new_pictures.set_gallery(state.chosen)
        if (overview, state.chosen) != self._shown:
            self._shown = overview, state.chosen
            self._show_gallery(state.chosen, gallery, overview)
        if state.failures is not self._failures:
            self._failures = state.failures
            self.failures.show_failures(state.failures)
        self._show_progress()

    def _show_gallery(self, name: str, gallery: "GalleryState", overview: Overview) -> None:
        is_local = not is_address(name)
        self.rename_action.setVisible(is_local)  # an address has no other name
        self.delete_action.setText(_("Delete…") if is_local else _("Remove from the list"))  # others may use it
        self.restore_action.setText(ngettext("Take back {removed} removed picture",
                                             "Take back {removed} removed pictures",
                                             gallery.removed).format(removed=wording.count(gallery.removed)))
        self.restore_action.setVisible(gallery.removed > 0)
        self.name.setText(name)
        for pictures in (self.mosaic, self.wall):
            pictures.set_images(overview.mosaics.get(gallery.gallery.id, ()))
        self.folders.show_folders(gallery.gallery.folders)
        titles = {weights.name: weights.title for weights in self._context.downloads.table()}
        fingerprint = overview.fingerprint
        rate = self._context.indexing.rate(str(fingerprint.facts().get("backbone", "")) if fingerprint else "")
        self.model.show_facts(gallery, overview, titles, rate)
        self.outdated.show_for(gallery, overview, titles, rate)

    def escape(self) -> None:
        """Leave a field with Esc, or ask whether to stop indexing."""
        if not leave_field(self):
            ask_to_stop(self, self._context.indexing.job(self._controller.state.chosen), self._controller.stop,
                        _("The pictures indexed so far are kept; Continue goes on from there."))

    def ask_name(self) -> None:
        """Ask for another name of the gallery."""
        state = self._controller.state
        if state.gallery is not None and not is_address(state.chosen):
            NameDialog(self, _("Rename gallery"), _("Rename"), self._rename, state.chosen, state.names).open()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        width = min(420, round(self.width() * 0.28))
        self._show_parts()
        narrow = self.width() < NARROW * self.fontMetrics().averageCharWidth()
        self._pair.setDirection(QBoxLayout.Direction.TopToBottom if narrow else QBoxLayout.Direction.LeftToRight)
        self.mosaic.set_size(QSize(width, round(width * 0.4)))

    def _choose_folder(self) -> None:
        ask_picture_folder(self, lambda folder: self._context.indexing.add_folder(
            folder, self._controller.state.chosen))

    def _make_head(self, thumbnails: Thumbnails) -> Card:
        card = Card(margin=16, space=10)
        self.mosaic = Mosaic(thumbnails, 6, 2, QSize(226, 92))
        self.name = ElidedLabel("", "title", Qt.TextElideMode.ElideRight)
        self.state_words = label("", "quiet-body", wrap=True)
        self.search = button(_("Search this gallery"), name="main")
        self.again = button(_("Look for new pictures"), self._controller.index_again, tip=AGAIN_TIP)
        more = icon_button("more", _("Rename, copy or delete the gallery"))
        menu = QMenu(more)
        self.rename_action = menu.addAction(_("Rename…"), self.ask_name)
        self.copy_action = menu.addAction(_("Copy…"), self._ask_copy)
        self.restore_action = menu.addAction("", self._controller.restore_removed)
        menu.addAction(_("Duplicates…"), self.duplicates_wanted.emit)
        self.delete_action = menu.addAction(_("Delete…"), self._ask_delete)
        more.setMenu(menu)
        more.setPopupMode(more.ToolButtonPopupMode.InstantPopup)
        title = row(self.name, more, space=6)
        title.setStretch(0, 1)
        buttons = QWidget()
        flow = FlowLayout(buttons)
        self.new_pictures = NewPicturesButton(self._context)
        for control in (self.search, self.again, self.new_pictures):
            flow.addWidget(control)
        words = column(title, self.state_words, None, buttons, space=6)
        layout = row(words, self.mosaic, space=16)
        layout.setStretch(0, 1)
        self.progress = ProgressRow(_("Indexing"))
        self.progress.cancelled.connect(self._controller.stop)
        card.body.addLayout(layout)
        card.body.addWidget(self.progress)
        return card

    def _lay_out(self) -> None:
        self._pair = row(self.folders, self.model, space=12)
        self._pair.setStretch(0, 3)
        self._pair.setStretch(1, 2)
        both = QWidget()
        both.setLayout(self._pair)
        inner = QWidget()
        box = column(self.head, self.outdated, both, self.failures, self.wall, self.empty, space=12)
        for filling in (3, 4, 5):
            box.setStretch(filling, 1)
        box.addStretch(0)
        for part in (self.head, self.outdated, both):
            part.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        inner.setLayout(box)
        scroll = scrolling(inner)
        scroll.setMinimumWidth(LEAST * self.fontMetrics().averageCharWidth())
        self.setLayout(column(scroll))

    def _show_progress(self) -> None:
        state, progress = self._controller.state, self._controller.progress
        gallery, unfinished = state.gallery, state.unfinished
        if gallery is None:
            return
        self.progress.setVisible(progress is not None)
        self._show_parts()
        self.again.setText(_("Look for new pictures") if unfinished is None else _("Continue"))
        self.again.setToolTip(AGAIN_TIP if unfinished is None else CONTINUE_TIP)
        self.again.setEnabled(progress is None and bool(gallery.gallery.folders))
        self.delete_action.setEnabled(progress is None)
        self.copy_action.setEnabled(progress is None and not state.refusal)
        self.outdated.action.setEnabled(progress is None)
        self.search.setEnabled(gallery.indexed > 0)
        facts = [gallery_facts.how_far(gallery, progress, unfinished)]
        facts += [_("{missing} missing").format(missing=wording.count(gallery.missing))] if gallery.missing else []
        facts += [_("{removed} removed").format(removed=wording.count(gallery.removed))] if gallery.removed else []
        summary = state.summaries.get(state.chosen, "") if progress is None else ""
        self.state_words.setText(state.refusal or " · ".join(facts) + (f"\n{summary}" if summary else ""))
        if progress is not None:
            progress = gallery_facts.in_gallery(progress, unfinished)
            self.progress.set_progress(*progress.bar, gallery_facts.progress_in_words(progress))

    def _show_parts(self) -> None:
        """Show failures in place of the wall of pictures; beside the wall the mosaic would show nothing new."""
        gallery = self._controller.state.gallery
        bad = bool(self._failures)
        some = gallery is not None and gallery.images > 0
        self.wall.setVisible(some and not bad)
        self.empty.setVisible(not some and not bad and self._controller.progress is None)
        self.mosaic.setVisible(bad and self.width() >= MOSAIC_FROM)

    def _rename(self, name: str, dialog: NameDialog) -> None:
        gallery = self._controller.state.gallery
        assert gallery is not None
        record = gallery.gallery
        dialog.save(self._context.jobs, _("Renaming the gallery"),
                    lambda report: self._context.explorer.store.rename_gallery(record.id, name),
                    lambda _unused: self._controller.rename(record.name, name))

    def _ask_copy(self) -> None:
        PlaceDialog(self, _("Copy the gallery {chosen} to").format(chosen=self._controller.state.chosen), _("Copy"),
                    self._copy, named=True).open()

    def _copy(self, to: str, dialog: PlaceDialog) -> None:
        if to.casefold() == self._controller.state.chosen.casefold():
            dialog.refuse(_("A gallery cannot be copied into itself."))
        else:
            dialog.accept()
            self._controller.copy(to)

    def _ask_delete(self) -> None:
        gallery = self._controller.state.gallery
        if gallery is None:
            return
        name = gallery.gallery.name
        if is_address(name):
            self._controller.delete()
            return
        confirm(self, _("Delete the gallery {name}?").format(name=name),
                _("The {pictures} stay on disk. Their index and tags are deleted; to search them again they must be "
                  "embedded again.").format(pictures=wording.pictures(gallery.images)), _("Delete gallery"),
                self._controller.delete)

    def ask_remove_folder(self, folder: Path) -> None:
        """Ask whether to remove a folder from the gallery."""
        confirm(self,
                _("Remove {name} from {chosen}?").format(name=folder.name or folder,
                                                         chosen=self._controller.state.chosen),
                _("Its pictures stay on disk but are no longer found in this gallery."), _("Remove"),
                lambda: self._controller.remove_folder(folder))
