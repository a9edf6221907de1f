"""Library: the galleries with a glimpse of each, and one of them in detail."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from PySide6.QtCore import QSize, Qt, QTimer
from PySide6.QtGui import QDragEnterEvent, QDragLeaveEvent, QDragMoveEvent, QDropEvent, QKeySequence, QShortcut
from PySide6.QtWidgets import QListWidget, QListWidgetItem, QMenu, QSplitter, QStackedWidget, QWidget

from brewclip_app import wording
from brewclip_app.panels.base import Panel
from brewclip_app.panels.library import facts as gallery_facts
from brewclip_app.panels.library.add_folder_dialog import AddFolderDialog, Destination
from brewclip_app.panels.library.detail import GalleryDetail
from brewclip_app.panels.library.facts import Overview
from brewclip_app.panels.library.gallery_row import GalleryListRow
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
from brewclip_app.widgets.drops import folders_of
from brewclip_app.widgets.name_dialogs import NameDialog, PlaceDialog
from core.errors import StoreError

if TYPE_CHECKING:
    from brewclip_app.context import Context
    from core.indexing.local import IndexResult
    from core.store.records import GalleryRecord, GalleryState

NAME = Qt.ItemDataRole.UserRole
RELOAD_MS = 2500  # so often what indexing has stored by now is shown


class LibraryPanel(Panel):
    """Reads the galleries in jobs; every change goes through the store and comes back as `galleries_changed`."""

    key: ClassVar[str] = "library"
    title: ClassVar[str] = "Library"
    icon: ClassVar[str] = "library"

    def __init__(self, context: "Context") -> None:
        super().__init__(context)
        self.thumbnails = Thumbnails(context.home.caches / "thumbnails", self)
        self._overview: Overview | None = None
        self._wanted = ""  # name of the gallery to show once the list is read
        self._later = QTimer(self, singleShot=True, interval=RELOAD_MS)
        self._later.timeout.connect(self._reload)
        self.setAcceptDrops(True)
        self.summary = label("", "quiet-body")
        self.list = self._make_list()
        self.detail = GalleryDetail(context, self.thumbnails)
        self.drop_words = look(label("", "title"), "title")
        self._lay_out()
        self._connect()
        self._reload()

    def activated(self) -> None:
        self._reload()

    def receive(self, payload: object) -> None:
        """A gallery's name: show that gallery."""
        self._wanted = str(payload)
        self._choose(self._wanted)

    def save_state(self) -> dict[str, Any]:
        return {"gallery": self._chosen_name(), "split": self.split.sizes()}

    def restore_state(self, state: dict[str, Any]) -> None:
        self._wanted = self.context.gallery or str(state.get("gallery", ""))
        sizes = state.get("split")
        if isinstance(sizes, list) and len(sizes) == 2:
            self.split.setSizes([int(size) for size in sizes])

    def shortcuts(self) -> list[tuple[str, str]]:
        return [("Ctrl+N", "New gallery"), ("Ctrl+O", "Add a folder"), ("F5", "Look for new pictures"),
                ("Enter", "Search in the chosen gallery"), ("F2", "Rename it"),
                ("Esc", "Stop indexing, after a question")]

    def closing(self) -> None:
        self.thumbnails.close()

    def _lay_out(self) -> None:
        more = icon_button("more", "Open or make a gallery at an address")
        menu = QMenu(more)
        menu.addAction("Open or make a gallery at an address…", self._ask_address)
        more.setMenu(menu)
        more.setPopupMode(more.ToolButtonPopupMode.InstantPopup)
        head = row(panel_title("Library"), 4, self.summary, None, button("New gallery", self._ask_new, icon="plus"),
                   button("Add a folder…", self._add_folder, icon="folder"), more)
        left = Card(margin=7)
        left.body.addWidget(self.list)
        self.split = QSplitter()
        self.split.setChildrenCollapsible(False)
        self.split.setHandleWidth(12)
        self.split.addWidget(left)
        self.split.addWidget(self.detail)
        self.split.setStretchFactor(1, 1)
        self.split.setSizes([310, 820])
        self.empty = EmptyState(
            "library", "No gallery yet",
            "A gallery is a set of folders whose pictures can be found by speaking. Drop a folder here, or choose one. "
            "The pictures stay where they are.",
            button("Choose a folder…", self._add_folder, "main"),
            button("Look around in the demo", self.context.indexing.make_demo))
        self.waiting = QWidget()
        self.pages = QStackedWidget()
        for page in (self.waiting, self.empty, self.split):
            self.pages.addWidget(page)
        box = column(head, self.pages, space=12)
        box.setContentsMargins(20, 16, 20, 12)
        box.setStretch(1, 1)
        self.setLayout(box)
        self.veil = DropVeil(self)

    def _make_list(self) -> QListWidget:
        made = QListWidget()
        made.setAccessibleName("Galleries")
        made.setSpacing(1)
        made.setVerticalScrollMode(QListWidget.ScrollMode.ScrollPerPixel)
        made.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        made.setMinimumWidth(230)
        look(made, "rows")
        return made

    def _connect(self) -> None:
        self.list.currentItemChanged.connect(lambda *_: self._show_chosen())
        self.list.itemActivated.connect(lambda _: self._search_here())
        self.context.galleries_changed.connect(self._reload)
        self.context.gallery_changed.connect(self._choose)
        self.context.settings_changed.connect(lambda _: self._reload())
        self.context.downloads.changed.connect(lambda name: self._reload() if name == "" else None)
        self.context.indexing.changed.connect(self._follow_indexing)
        self.context.indexing.finished.connect(self._say_result)
        self.context.indexing.failed.connect(lambda gallery, error: self.failed.emit(
            error, "What was embedded before is kept, and indexing goes on from there."))
        self.detail.search_here.connect(self._search_here)
        self.detail.failed.connect(self.failed)
        self.detail.renamed.connect(self._take_new_name)
        self.detail.copied.connect(self._take_copy)
        for keys, do in (("Ctrl+N", self._ask_new), ("Ctrl+O", self._add_folder), ("F5", self.detail.index_again),
                         ("F2", self.detail.ask_name), ("Escape", self.detail.escape)):
            QShortcut(QKeySequence(keys), self, do, context=Qt.ShortcutContext.WidgetWithChildrenShortcut)

    def _reload(self) -> None:
        self.context.jobs.submit("Reading the galleries",
                                 lambda report: gallery_facts.read_overview(self.context.explorer, self._overview),
                                 key="library", on_done=self._take, quiet=True,
                                 on_failed=lambda error: self.failed.emit(error, ""))

    def _take(self, overview: Overview) -> None:
        wanted = self._wanted or self._chosen_name() or self.context.gallery
        focused = self.window().focusWidget()
        self._overview = overview
        self.list.blockSignals(True)
        self._fill_list(overview)
        self.list.blockSignals(False)
        self.pages.setCurrentWidget(self.split if overview.states else self.empty)
        images = sum(state.images for state in overview.states)
        number = len(overview.states)
        self.summary.setText(f"{number} {'gallery' if number == 1 else 'galleries'} · {wording.pictures(images)}"
                             if number else "")
        if not self._choose(wanted) and number:
            self.list.setCurrentRow(0)
        self._show_chosen()
        if focused is not None and self.isAncestorOf(focused) and not focused.isVisible():
            self.list.setFocus()  # its row or page is gone, and the focus went to the rail

    def _fill_list(self, overview: Overview) -> None:
        self.list.clear()
        for state in overview.states:
            item = QListWidgetItem()
            item.setData(NAME, state.gallery.name)
            unfinished = overview.unfinished.get(state.gallery.id)
            words = gallery_facts.how_far(state, self.context.indexing.job(state.gallery.name), unfinished)
            item.setData(Qt.ItemDataRole.AccessibleTextRole, f"{state.gallery.name}, {words}")
            line = GalleryListRow(self.thumbnails, state, overview.mosaics.get(state.gallery.id, ()), unfinished)
            item.setSizeHint(QSize(0, line.sizeHint().height()))
            self.list.addItem(item)
            self.list.setItemWidget(item, line)
            line.show_progress(self.context.indexing.job(state.gallery.name))
            if state.gallery.name in overview.refused:
                line.words.setText("cannot be opened now")

    def _choose(self, name: str) -> bool:
        for line in range(self.list.count()):
            if self.list.item(line).data(NAME) == name:
                self._wanted = ""
                self.list.setCurrentRow(line)
                return True
        return False

    def _chosen_name(self) -> str:
        item = self.list.currentItem()
        return str(item.data(NAME)) if item is not None else ""

    def _state(self, name: str) -> "GalleryState | None":
        states = self._overview.states if self._overview else ()
        return next((state for state in states if state.gallery.name == name), None)

    def _show_chosen(self) -> None:
        state = self._state(self._chosen_name())
        if state is None or self._overview is None:
            return
        self.detail.show_gallery(state, self._overview, self._taken())
        job = self.context.indexing.job(state.gallery.name)
        how_far = gallery_facts.how_far(state, job, self._overview.unfinished.get(state.gallery.id))
        text = f"{state.gallery.name} · {how_far}"
        self.status_changed.emit(text + (f" · {wording.count(state.failed)} could not be read" if state.failed else ""))

    def _follow_indexing(self, gallery: str) -> None:
        for line in range(self.list.count()):
            item = self.list.item(line)
            widget = self.list.itemWidget(item)
            if item.data(NAME) == gallery and isinstance(widget, GalleryListRow):
                widget.show_progress(self.context.indexing.job(gallery))
        if self._state(gallery) is None:
            self._reload()
        elif self.isVisible() and not self._later.isActive():
            self._later.start()

    def _say_result(self, gallery: str, result: "IndexResult") -> None:
        self.detail.say(gallery, gallery_facts.result_in_words(
            result.indexed, result.unchanged, result.moved, result.missing, result.failed, result.passed,
            result.excluded))

    def _search_here(self) -> None:
        name = self._chosen_name()
        if name:
            self.context.set_gallery(name)
            self.go_to.emit("search", None)

    def _add_folder(self) -> None:
        self.context.indexing.choose_folder(self, then=lambda folder: self.offer_folders([folder]))

    def offer_folders(self, folders: list[Path]) -> None:
        """Ask which gallery folders are to go into; without any gallery the first one needs no question."""
        states = self._overview.states if self._overview else ()
        holder = next((state.gallery.name for state in states if set(folders) <= set(state.gallery.folders)), "")
        if states or len(folders) > 1:
            AddFolderDialog(self, folders, holder or self._chosen_name(), self._taken(),
                            lambda to, dialog: self._add_to(folders, to, dialog), held=bool(holder)).open()
        else:
            self.add_folders(folders, "")

    def _add_to(self, folders: list[Path], to: Destination, dialog: AddFolderDialog) -> None:
        if not to.new:
            dialog.accept()
            self.add_folders(folders, to.gallery)
            return

        def begin(_: object) -> None:
            self._wanted = to.gallery
            self.context.set_gallery(to.gallery)
            self.context.galleries_changed.emit()
            self.add_folders(folders, to.gallery)

        dialog.save(self.context.jobs, f"Creating {to.gallery}",
                    lambda report: self.context.explorer.store.create_gallery(to.gallery), begin)

    def _taken(self) -> frozenset[str]:
        return frozenset(state.gallery.name for state in self._overview.states) if self._overview else frozenset()

    def _ask_new(self) -> None:
        NameDialog(self, "New gallery", "Create", self._create, taken=self._taken()).open()

    def _create(self, name: str, dialog: NameDialog) -> None:
        def show(_: object) -> None:
            self._wanted = name
            self.context.galleries_changed.emit()

        dialog.save(self.context.jobs, f"Creating {name}",
                    lambda report: self.context.explorer.store.create_gallery(name), show)

    def _ask_address(self) -> None:
        PlaceDialog(self, "Open or make a gallery at an address", "Open", self._open_address).open()

    def _open_address(self, address: str, dialog: PlaceDialog) -> None:
        dialog.save(self.context.jobs, f"Opening {address}",
                    lambda report: self.context.explorer.open_address(address, False), self._opened,
                    lambda error: self._ask_to_make(address, error))

    def _ask_to_make(self, address: str, error: BaseException) -> bool:
        """Nothing there is no mistake of somebody who wants a gallery there. Whether that was asked."""
        if not isinstance(error, StoreError) or error.kind != "no_gallery":
            return False
        confirm(self, f"Make a gallery at {address}?", "There is none yet. It begins empty; add folders to "
                "fill it. Its embeddings and tags will lie at that address, the pictures stay where they are.",
                "Make it", lambda: self._make_at(address), danger=False)
        return True

    def _make_at(self, address: str) -> None:
        self.context.jobs.submit(
            f"Opening {address}", lambda report: self.context.explorer.open_address(address, True),
            on_done=self._opened, on_failed=lambda error: self.failed.emit(error, ""))

    def _opened(self, record: "GalleryRecord") -> None:
        self._wanted = record.name
        self.context.galleries_changed.emit()

    def _take_copy(self, gallery: str, words: str) -> None:
        self._wanted = gallery
        self.detail.say(gallery, words)
        self.context.galleries_changed.emit()

    def _take_new_name(self, old: str, new: str) -> None:
        self._wanted = new
        if self.context.gallery == old:
            self.context.set_gallery(new)
        self.context.galleries_changed.emit()

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
        """Index folders into a gallery; "" makes a new one of each."""
        for folder in folders:
            self.context.indexing.add_folder(folder, gallery)


class DropVeil(Card):
    """Says over the panel what dropping does; which gallery is asked then."""

    def __init__(self, panel: QWidget) -> None:
        super().__init__()
        self.setParent(panel)
        self._panel = panel
        look(self, "drop")
        self.words = ElidedLabel("Add the folder to a gallery", "title")
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
