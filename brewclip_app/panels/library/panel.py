"""Library: the list of galleries, and one of them in detail."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QDragEnterEvent, QDragLeaveEvent, QDragMoveEvent, QDropEvent
from PySide6.QtWidgets import QListWidget, QListWidgetItem, QMenu, QStackedWidget, QWidget

from brewclip_app import wording
from brewclip_app.capture.file_intake import folders_of
from brewclip_app.localisation import _, localised, ngettext
from brewclip_app.panels.base import GalleryPicture, Panel
from brewclip_app.panels.library import facts as gallery_facts
from brewclip_app.panels.library.add_folder_dialog import AddFolderDialog, Destination
from brewclip_app.panels.library.controller import LibraryController, LibraryState
from brewclip_app.panels.library.detail import GalleryDetail
from brewclip_app.panels.library.facts import Overview
from brewclip_app.panels.library.gallery_row import GalleryListRow
from brewclip_app.services.indexing import IndexingState
from brewclip_app.shortcuts import add_shortcut
from brewclip_app.thumbnails import Thumbnails
from brewclip_app.widgets.common import (
    Card,
    ElidedLabel,
    EmptyState,
    button,
    column,
    icon_button,
    label,
    look,
    panel_title,
    row,
)
from brewclip_app.widgets.dialogs import confirm
from brewclip_app.widgets.file_dialogs import ask_picture_folder
from brewclip_app.widgets.name_dialogs import NameDialog, PlaceDialog
from brewclip_app.widgets.reading_page import ReadingPage
from brewclip_app.widgets.splitters import restore_sizes, splitter
from core.errors import StoreError

if TYPE_CHECKING:
    from brewclip_app.context import Context

NAME = Qt.ItemDataRole.UserRole
AT_ADDRESS = _("Open or create a gallery at an address")


class LibraryPanel(Panel):
    """View of the controller's state."""

    key: ClassVar[str] = "library"
    title: ClassVar[str] = _("Library")
    icon: ClassVar[str] = "library"

    def __init__(self, context: "Context") -> None:
        super().__init__(context)
        self.thumbnails = Thumbnails(context.home.caches / "thumbnails", self)
        self.controller = LibraryController(context, self)
        self._overview: Overview | None = None  # the one that the list shows
        self.setAcceptDrops(True)
        self.summary = label("", "quiet-body")
        self.list = QListWidget()
        self.detail = GalleryDetail(self.controller, self.thumbnails)
        self._lay_out()
        self._connect()
        self.controller.reload()

    def activated(self) -> None:
        self.controller.reload()

    def receive(self, payload: object) -> None:
        """Show the gallery of a name."""
        self.controller.wanted = str(payload)
        self.controller.choose(str(payload))

    def save_state(self) -> dict[str, Any]:
        return {"gallery": self.controller.state.chosen, "split": self.split.sizes()}

    def restore_state(self, state: dict[str, Any]) -> None:
        self.controller.wanted = self.context.gallery or str(state.get("gallery", ""))
        restore_sizes(self.split, state.get("split"))

    def shortcuts(self) -> list[tuple[str, str]]:
        return [("Ctrl+N", _("New gallery")), ("Ctrl+O", _("Add a folder")), ("F5", _("Look for new pictures")),
                ("Enter", _("Search the selected gallery")), ("F2", _("Rename it")),
                ("Esc", _("Stop indexing, after a question"))]

    def closing(self) -> None:
        self.thumbnails.close()

    def _lay_out(self) -> None:
        more = icon_button("more", AT_ADDRESS)
        menu = QMenu(more)
        menu.addAction(f"{AT_ADDRESS}…", self._ask_address)
        more.setMenu(menu)
        more.setPopupMode(more.ToolButtonPopupMode.InstantPopup)
        head = row(panel_title(_("Library")), 4, self.summary, None,
                   button(_("New gallery"), self._ask_new, icon="plus"),
                   button(_("Add a folder…"), self._add_folder, icon="folder"), more)
        self.list.setAccessibleName(_("Galleries"))
        self.list.setSpacing(1)
        self.list.setVerticalScrollMode(QListWidget.ScrollMode.ScrollPerPixel)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setMinimumWidth(230)
        look(self.list, "rows")
        left = Card(margin=7)
        left.body.addWidget(self.list)
        self.split = splitter(left, self.detail, (310, 820))
        self.empty = EmptyState(
            "library", _("No galleries yet"),
            _("A gallery is a set of folders whose pictures you search by speaking. Drop a folder here, or choose "
              "one. The pictures stay where they are."),
            button(_("Choose a folder…"), self._add_folder, "main"),
            button(_("Open the demo"), self.context.indexing.make_demo))
        self.pages = QStackedWidget()
        self.reading = ReadingPage("library", _("the galleries"), self.controller.reload)
        for page in (self.reading, self.empty, self.split):
            self.pages.addWidget(page)
        box = column(head, self.pages, space=12)
        box.setContentsMargins(20, 16, 20, 12)
        box.setStretch(1, 1)
        self.setLayout(box)
        self.veil = DropVeil(self)

    def _connect(self) -> None:
        self.controller.changed.connect(self._show_state)
        self.controller.failed.connect(self.failed)
        self.controller.failed.connect(lambda error, _unused: self.reading.show_problem(localised(error)))
        self.list.currentItemChanged.connect(
            lambda item, _unused: self.controller.choose(item.data(NAME)) if item is not None else None)
        self.list.itemActivated.connect(lambda _unused: self._search_here())
        self.detail.search.clicked.connect(self._search_here)
        self.detail.duplicates_wanted.connect(lambda: self._go("duplicates"))
        for pictures in (self.detail.mosaic, self.detail.wall):
            pictures.setCursor(Qt.CursorShape.PointingHandCursor)
            pictures.setToolTip(_("Show this picture among the others of the gallery"))
            pictures.clicked.connect(lambda image_id: self.go_to.emit(
                "search", GalleryPicture(self.controller.state.chosen, image_id)))
        self.context.indexing.changed.connect(self._follow_indexing)
        for keys, action in (("Ctrl+N", self._ask_new), ("Ctrl+O", self._add_folder),
                             ("F5", self.controller.index_again), ("F2", self.detail.ask_name),
                             ("Escape", self.detail.escape)):
            add_shortcut(self, keys, action)

    # ---- rendering

    def _show_state(self, state: LibraryState) -> None:
        focused = self.window().focusWidget()
        self.list.blockSignals(True)
        if state.overview is not None and state.overview is not self._overview:
            self._overview = state.overview
            self._fill_list(state.overview)
            number, images = len(state.galleries), sum(gallery.images for gallery in state.galleries)
            self.summary.setText(ngettext("{number} gallery · {pictures}", "{number} galleries · {pictures}",
                                          number).format(number=number, pictures=wording.pictures(images))
                                 if number else "")
            self.pages.setCurrentWidget(self.split if number else self.empty)
        for line in range(self.list.count()):
            if self.list.item(line).data(NAME) == state.chosen:
                self.list.setCurrentRow(line)
        self.list.blockSignals(False)
        self._show_status(state)
        if focused is not None and self.isAncestorOf(focused) and not focused.isVisible():
            self.list.setFocus()  # its row or page is gone, and the focus went to the rail

    def _fill_list(self, overview: Overview) -> None:
        self.list.clear()
        for state in overview.states:
            item = QListWidgetItem()
            item.setData(NAME, state.gallery.name)
            unfinished = overview.unfinished.get(state.gallery.id)
            progress = self.context.indexing.state.running.get(state.gallery.name)
            item.setData(Qt.ItemDataRole.AccessibleTextRole,
                         f"{state.gallery.name}, {gallery_facts.how_far(state, progress, unfinished)}")
            line = GalleryListRow(self.thumbnails, state, overview.mosaics.get(state.gallery.id, ()), unfinished)
            item.setSizeHint(QSize(0, line.sizeHint().height()))
            self.list.addItem(item)
            self.list.setItemWidget(item, line)
            line.show_progress(progress)
            if state.gallery.name in overview.refused:
                line.words.setText(_("cannot be opened now"))

    def _show_status(self, state: LibraryState) -> None:
        if state.gallery is not None:
            facts = (state.chosen, gallery_facts.how_far(state.gallery, self.controller.progress, state.unfinished),
                     _("{failed} could not be read").format(failed=wording.count(state.gallery.failed))
                     if state.gallery.failed else "")
            self.status_changed.emit(" · ".join(filter(None, facts)))

    def _follow_indexing(self, indexing: IndexingState) -> None:
        for line in range(self.list.count()):
            item = self.list.item(line)
            widget = self.list.itemWidget(item)
            if isinstance(widget, GalleryListRow):
                widget.show_progress(indexing.running.get(item.data(NAME)))
        if not indexing.running.keys() <= self.controller.state.names:
            self.controller.reload()
        elif self.isVisible():
            self.controller.reload_soon()

    # ---- actions

    def _search_here(self) -> None:
        self._go("search")

    def _go(self, panel: str) -> None:
        """Go to another panel with the chosen gallery as the current one."""
        if self.controller.state.chosen:
            self.context.set_gallery(self.controller.state.chosen)
            self.go_to.emit(panel, None)

    def _add_folder(self) -> None:
        ask_picture_folder(self, lambda folder: self.offer_folders([folder]))

    def offer_folders(self, folders: list[Path]) -> None:
        """Ask for the gallery of folders; the first folder of the first gallery needs no question."""
        state = self.controller.state
        galleries = [shown.gallery for shown in state.galleries]
        holder = next((gallery.name for gallery in galleries if set(folders) <= set(gallery.folders)), "")
        if state.galleries or len(folders) > 1:
            AddFolderDialog(self, folders, holder or state.chosen, state.names,
                            lambda to, dialog: self._add_to(folders, to, dialog), held=bool(holder)).open()
        else:
            self.add_folders(folders, "")

    def _add_to(self, folders: list[Path], to: Destination, dialog: AddFolderDialog) -> None:
        if not to.new:
            dialog.accept()
            self.add_folders(folders, to.gallery)
            return

        def begin(_unused: object) -> None:
            self.context.set_gallery(to.gallery)
            self.controller.show_when_read(to.gallery)
            self.add_folders(folders, to.gallery)

        dialog.save(self.context.jobs, _("Creating {gallery}").format(gallery=to.gallery),
                    lambda report: self.context.explorer.store.create_gallery(to.gallery), begin)

    def _ask_new(self) -> None:
        NameDialog(self, _("New gallery"), _("Create"), self._create, taken=self.controller.state.names).open()

    def _create(self, name: str, dialog: NameDialog) -> None:
        dialog.save(self.context.jobs, _("Creating {name}").format(name=name),
                    lambda report: self.context.explorer.store.create_gallery(name),
                    lambda _unused: self.controller.show_when_read(name))

    def _ask_address(self) -> None:
        PlaceDialog(self, AT_ADDRESS, _("Open"), self._open_address).open()

    def _open_address(self, address: str, dialog: PlaceDialog) -> None:
        dialog.save(self.context.jobs, _("Opening {address}").format(address=address),
                    lambda report: self.context.explorer.open_address(address, False),
                    lambda record: self.controller.show_when_read(record.name),
                    lambda error: self._ask_to_create(address, error))

    def _ask_to_create(self, address: str, error: BaseException) -> bool:
        """Ask whether to create a gallery where there is none; whether that was the error."""
        if not isinstance(error, StoreError) or error.kind != "no_gallery":
            return False
        confirm(self, _("Create a gallery at {address}?").format(address=address),
                _("There is none yet. It starts empty; add folders to fill it. Its index and tags are stored at that "
                  "address, the pictures stay where they are."),
                _("Create"), lambda: self.controller.create_at(address), danger=False)
        return True

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if folders_of(event.mimeData()):
            event.acceptProposedAction()
            self.veil.open()

    def dragMoveEvent(self, event: QDragMoveEvent) -> None:
        event.acceptProposedAction()

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        self.veil.hide()

    def dropEvent(self, event: QDropEvent) -> None:
        self.veil.hide()
        self.offer_folders(folders_of(event.mimeData()))
        event.acceptProposedAction()

    def add_folders(self, folders: list[Path], gallery: str) -> None:
        """Index folders into a gallery; "" creates one for each."""
        for folder in folders:
            self.context.indexing.add_folder(folder, gallery)


class DropVeil(Card):
    """Covers the panel while a folder is dragged over it."""

    def __init__(self, panel: QWidget) -> None:
        super().__init__()
        self.setParent(panel)
        self._panel = panel
        look(self, "drop")
        self.words = ElidedLabel(_("Add the folder to a gallery"), "title")
        self.words.setAlignment(Qt.AlignmentFlag.AlignCenter)
        place = Card(margin=22)
        place.body.addWidget(self.words)
        place.setMinimumWidth(360)
        self.body.addLayout(column(None, row(None, place, None), None))
        self.hide()

    def open(self) -> None:
        """Cover the panel."""
        self.setGeometry(self._panel.rect().adjusted(8, 8, -8, -8))
        self.raise_()
        self.show()
