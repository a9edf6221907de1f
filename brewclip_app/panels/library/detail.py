"""One gallery: how far it is indexed, its folders, what its embeddings were made with, what could not be read."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QSize, Qt, QUrl, Signal
from PySide6.QtGui import QDesktopServices, QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QMenu, QSizePolicy, QVBoxLayout, QWidget

from brewclip_app import wording
from brewclip_app.panels.library import facts as gallery_facts
from brewclip_app.panels.library.facts import Overview
from brewclip_app.panels.library.failures_card import FailuresCard
from brewclip_app.plain_text import plain_tip
from brewclip_app.thumbnails import Thumbnails
from brewclip_app.widgets.common import (
    Card,
    ElidedLabel,
    EmptyState,
    ProgressRow,
    button,
    clear,
    column,
    icon_button,
    label,
    look,
    row,
    scrolling,
)
from brewclip_app.widgets.dialogs import ask_to_stop, confirm, leave_field
from brewclip_app.widgets.flow_layout import FlowLayout
from brewclip_app.widgets.mosaic import Mosaic, PictureWall
from brewclip_app.widgets.name_dialogs import NameDialog, PlaceDialog
from core.progress import Report
from core.remote import is_remote, shown
from core.store.addresses import is_address

if TYPE_CHECKING:
    from brewclip_app.context import Context
    from core.fingerprint import Fingerprint
    from core.galleries.copy import Copied
    from core.indexing.unfinished import UnfinishedRun
    from core.store.records import FailureRecord, GalleryState

AGAIN_TIP = "Goes through the folders again; unchanged pictures are not read again (F5)"
CONTINUE_TIP = "Indexing was stopped; it goes on where it stood (F5)"
NARROW = 75  # characters; in less the folders stand above the model
LEAST = 45  # characters that the detail is wide; the list gives way to it
MOSAIC_FROM = 640  # px; a narrower detail has no room for it


class GalleryDetail(QWidget):
    """Shows one gallery and changes it, in jobs."""

    search_here = Signal()
    renamed = Signal(str, str)  # old name, new name
    copied = Signal(str, str)  # name or address of the copy, what was done
    failed = Signal(object, str)

    def __init__(self, context: "Context", thumbnails: Thumbnails) -> None:
        super().__init__()
        self._context = context
        self._state: GalleryState | None = None
        self._fingerprint: Fingerprint | None = None
        self._taken: frozenset[str] = frozenset()
        self._unfinished: UnfinishedRun | None = None  # its last indexing run, if that did not end
        self._refused = ""  # why it cannot be opened
        self._results: dict[str, str] = {}  # gallery: what its last run did, in words
        self.head = self._make_head(thumbnails)
        self.outdated = OutdatedCard(self.index_again)
        self.folders = FoldersCard()
        self.model = ModelCard()
        self.failures = FailuresCard()
        self.wall = PictureWall(thumbnails)
        self.empty = EmptyState("folder", "No pictures yet",
                                "Add a folder, or drop it here. The pictures stay where they are.",
                                button("Add a folder…", self._choose_folder, "main"))
        self._lay_out()
        self.folders.add.connect(self._choose_folder)
        self.folders.remove.connect(self._ask_remove_folder)
        context.indexing.changed.connect(self._follow_indexing)

    def show_gallery(self, state: "GalleryState", overview: Overview, taken: frozenset[str]) -> None:
        """Show a gallery's present state."""
        other = self._state is None or self._state.gallery.id != state.gallery.id
        self._state, self._fingerprint, self._taken = state, overview.fingerprint, taken
        self._unfinished = overview.unfinished.get(state.gallery.id)
        refusal = overview.refused.get(state.gallery.name)
        self._refused = refusal.reason if refusal is not None else ""
        self._show_kind()
        self.name.setText(state.gallery.name)
        for pictures in (self.mosaic, self.wall):
            pictures.set_images(overview.mosaics.get(state.gallery.id, ()))
        self.folders.show_folders(state.gallery.folders)
        titles = {each.name: each.title for each in self._context.downloads.table()}
        rate = self._rate(overview.fingerprint)
        self.model.show_facts(state, overview, titles, rate)
        self.outdated.show_for(state, overview, titles, rate)
        self._show_progress()
        if other or state.failed != self.failures.model.rowCount():
            self._read_failures(state)

    def _show_kind(self) -> None:
        """A gallery at an address has no other name, and is not deleted from here: others may use it."""
        here = not is_address(self._name())
        self.rename_action.setVisible(here)
        self.delete_action.setText("Delete…" if here else "Take off the list")

    def say(self, gallery: str, words: str) -> None:
        """What the last indexing run of a gallery did."""
        self._results[gallery] = words
        self._show_progress()

    def index_again(self) -> None:
        """Go through all folders of the gallery again."""
        if self._state is not None:
            self._context.indexing.start(self._name())

    def cancel(self) -> None:
        """Stop the gallery's job."""
        self._context.indexing.cancel(self._name())

    def escape(self) -> None:
        """Esc leaves a field, or asks whether indexing shall stop."""
        if not leave_field(self):
            ask_to_stop(self, self._context.indexing.job(self._name()), self.cancel,
                        "What was indexed is kept; Continue goes on from there.")

    def ask_name(self) -> None:
        """Let the user give the gallery another name."""
        if self._state is not None and not is_address(self._name()):
            NameDialog(self, "Rename gallery", "Rename", self._rename, self._name(), self._taken).open()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        width = min(420, round(self.width() * 0.28))
        self._settle()
        narrow = self.width() < NARROW * self.fontMetrics().averageCharWidth()
        self._pair.setDirection(QBoxLayout.Direction.TopToBottom if narrow else QBoxLayout.Direction.LeftToRight)
        self.mosaic.set_size(QSize(width, round(width * 0.4)))

    def _choose_folder(self) -> None:
        self._context.indexing.choose_folder(self, self._name())

    def _name(self) -> str:
        return self._state.gallery.name if self._state else ""

    def _rate(self, fingerprint: "Fingerprint | None") -> float:
        backbone = str(fingerprint.facts().get("backbone", "")) if fingerprint else ""
        return self._context.indexing.rate(backbone)

    def _make_head(self, thumbnails: Thumbnails) -> Card:
        card = Card(margin=16, space=10)
        self.mosaic = Mosaic(thumbnails, 6, 2, QSize(226, 92))
        self.name = ElidedLabel("", "title", Qt.TextElideMode.ElideRight)
        self.state_words = label("", "quiet-body", wrap=True)
        self.search = button("Search here", self.search_here.emit, "main")
        self.again = button("Look for new pictures", self.index_again, tip=AGAIN_TIP)
        more = icon_button("more", "Rename, copy or delete the gallery")
        menu = QMenu(more)
        self.rename_action = menu.addAction("Rename…", self.ask_name)
        self.copy_action = menu.addAction("Copy…", self._ask_copy)
        self.delete_action = menu.addAction("Delete…", self._ask_delete)
        more.setMenu(menu)
        more.setPopupMode(more.ToolButtonPopupMode.InstantPopup)
        title = row(self.name, more, space=6)
        title.setStretch(0, 1)
        ways = QWidget()
        flow = FlowLayout(ways)
        for each in (self.search, self.again):
            flow.addWidget(each)
        words = column(title, self.state_words, None, ways, space=6)
        whole = row(words, self.mosaic, space=16)
        whole.setStretch(0, 1)
        self.progress = ProgressRow("Indexing")
        self.progress.cancelled.connect(self.cancel)
        card.body.addLayout(whole)
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

    def _follow_indexing(self, gallery: str) -> None:
        if gallery == self._name():
            self._show_progress()

    def _show_progress(self) -> None:
        if self._state is None:
            return
        job = self._context.indexing.job(self._name())
        self.progress.setVisible(job is not None)
        self._settle()
        self.again.setText("Look for new pictures" if self._unfinished is None else "Continue")
        self.again.setToolTip(AGAIN_TIP if self._unfinished is None else CONTINUE_TIP)
        self.again.setEnabled(job is None and bool(self._state.gallery.folders))
        self.delete_action.setEnabled(job is None)
        self.copy_action.setEnabled(job is None and not self._refused)
        self.outdated.action.setEnabled(job is None)
        self.search.setEnabled(self._state.indexed > 0)
        words = [gallery_facts.how_far(self._state, job, self._unfinished)]
        words += [f"{wording.count(self._state.missing)} no longer there"] if self._state.missing else []
        result = self._results.get(self._name(), "") if job is None else ""
        self.state_words.setText(self._refused or " · ".join(words) + (f"\n{result}" if result else ""))
        if job is not None:
            progress = gallery_facts.in_gallery(job, self._unfinished)
            self.progress.set_progress(*progress.bar, gallery_facts.progress_in_words(progress))

    def _read_failures(self, state: "GalleryState") -> None:
        if self._refused:
            self._show_failures([])
            return
        self._context.jobs.submit(
            "Reading the list", lambda report: gallery_facts.read_failures(self._context.explorer, state.gallery),
            key="library:failures", on_done=self._show_failures,
            on_failed=lambda error: self.failed.emit(error, ""), quiet=True)

    def _show_failures(self, failures: "list[FailureRecord]") -> None:
        self.failures.show_failures(failures)
        self._settle()

    def _settle(self) -> None:
        """What could not be read comes before a wall of pictures; with the wall the small mosaic says nothing new."""
        bad = self.failures.model.rowCount() > 0
        some = self._state is not None and self._state.images > 0
        self.wall.setVisible(some and not bad)
        running = self._context.indexing.job(self._name()) is not None
        self.empty.setVisible(not some and not bad and not running)
        self.mosaic.setVisible(bad and self.width() >= MOSAIC_FROM)

    def _rename(self, name: str, dialog: NameDialog) -> None:
        assert self._state is not None
        gallery = self._state.gallery
        dialog.save(self._context.jobs, "Renaming the gallery",
                    lambda report: self._context.explorer.store.rename_gallery(gallery.id, name),
                    lambda _: self.renamed.emit(gallery.name, name))

    def _ask_copy(self) -> None:
        PlaceDialog(self, f"Copy the gallery {self._name()} to", "Copy", self._copy, named=True).open()

    def _copy(self, to: str, dialog: PlaceDialog | None = None) -> None:
        """With all it holds: pictures stay where they are, embeddings, tags and failures are copied."""
        if to.casefold() == self._name().casefold() and dialog is not None:
            dialog.refuse("A gallery cannot be copied into itself.")
            return
        if dialog is not None:
            dialog.accept()
        gallery, explorer = self._name(), self._context.explorer

        def work(report: Report) -> "Copied":
            done = explorer.copy_gallery(gallery, to, report)
            if is_address(to):
                explorer.open_address(to)
            return done

        self._context.jobs.submit(
            f"Copying {gallery}", work, on_done=self._say_copied, on_failed=lambda error: self.failed.emit(
                error, "What was copied is kept; copying to the same place again goes on from there."))

    def _say_copied(self, done: "Copied") -> None:
        there = f", {wording.count(done.already)} of them were there" if done.already else ""
        self.copied.emit(done.gallery, f"Copied: {wording.pictures(done.pictures)}{there}.")

    def _ask_delete(self) -> None:
        if self._state is None:
            return
        gallery = self._state.gallery
        if is_address(gallery.name):
            self._change(lambda explorer: explorer.close_address(gallery.name),
                         lambda: self._after_delete(gallery.name))
            return
        confirm(self, f"Delete the gallery {gallery.name}?",
                f"The {wording.pictures(self._state.images)} stay on disk. Their embeddings and tags are deleted; "
                "to search them again they must be embedded again.", "Delete gallery",
                lambda: self._change(lambda explorer: explorer.gallery(gallery).delete(),
                                     lambda: self._after_delete(gallery.name)))

    def _after_delete(self, name: str) -> None:
        if self._context.gallery == name:
            self._context.set_gallery("")
        self._context.galleries_changed.emit()

    def _ask_remove_folder(self, folder: Path) -> None:
        if self._state is None:
            return
        gallery = self._state.gallery
        confirm(self, f"Take {folder.name or folder} out of {gallery.name}?",
                "Its pictures stay on disk. They are no longer found in this gallery.", "Take out",
                lambda: self._change(lambda explorer: explorer.gallery(gallery).remove_folder(folder),
                                     lambda: self._after_remove(gallery.name)))

    def _after_remove(self, gallery: str) -> None:
        """What the last run said of the folder is so no more."""
        self._results.pop(gallery, None)
        self._show_progress()
        self._context.galleries_changed.emit()

    def _change(self, change: Callable[[Any], object], then: Callable[[], object]) -> None:
        self._context.jobs.submit("Changing the gallery", lambda report: change(self._context.explorer),
                                  on_done=lambda _: then(), on_failed=lambda error: self.failed.emit(error, ""),
                                  quiet=True)


class FoldersCard(Card):
    """The folders of a gallery."""

    add = Signal()
    remove = Signal(object)  # Path

    def __init__(self) -> None:
        super().__init__()
        self.add_button = button("Add to this gallery…", self.add.emit, tip="Its pictures come into this very gallery")
        self.body.addLayout(row(label("Folders", "heading"), None, self.add_button))
        self.rows = QVBoxLayout()
        self.rows.setSpacing(2)
        self.body.addLayout(self.rows)
        self.body.addStretch(1)

    def show_folders(self, folders: tuple[Path, ...]) -> None:
        """Show other folders."""
        clear(self.rows)
        for folder in folders:
            self.rows.addLayout(self._row(folder))
        if not folders:
            self.rows.addWidget(label("No folder yet.", "quiet-body"))

    def _row(self, folder: Path) -> Any:
        path = ElidedLabel(shown(folder))
        path.setToolTip(plain_tip(shown(folder)))
        look_in = () if is_remote(folder) else (
            icon_button("open", f"Open {folder.name}", lambda: _open(folder), 16),)
        made = row(path, *look_in,
                   icon_button("close", f"Take {folder.name} out of the gallery", lambda: self.remove.emit(folder), 14),
                   space=2)
        made.setStretch(0, 1)
        return made


class ModelCard(Card):
    """What the embeddings were made with, and what another model would cost."""

    def __init__(self) -> None:
        super().__init__("How its pictures are seen")
        self.facts = label("", "strong", wrap=True)
        self.price = label("", "quiet", wrap=True)
        for part in (self.facts, self.price):
            self.body.addWidget(part)
        self.body.addStretch(1)

    def show_facts(self, state: "GalleryState", overview: Overview, titles: dict[str, str], rate: float) -> None:
        """Show a gallery's fingerprints in words."""
        lines = [gallery_facts.facts_in_words(each, titles) for each, _ in state.fingerprints]
        if len(lines) > 1:
            lines = [f"{line}: {wording.count(number)}" for line, (_, number) in zip(lines, state.fingerprints,
                                                                                     strict=True)]
        self.facts.setText("\n".join(lines) or "Nothing embedded yet")
        tip = "\n".join(f"fingerprint {each.hash}\n{each.description}" for each, _ in state.fingerprints)
        self.facts.setToolTip(plain_tip(tip))
        self.price.setVisible(state.images > 0)
        self.price.setText(overview.problem or "Another model or crop would embed them again: "
                           f"{gallery_facts.cost(state.images, rate)}.")


class OutdatedCard(Card):
    """Offers to embed again when the settings ask for another model or crop than the gallery has."""

    def __init__(self, embed: Callable[[], object]) -> None:
        super().__init__()
        look(self, "banner")
        self.setProperty("kind", "care")
        self.words = label("", wrap=True)
        self.action = button("Embed them again", embed, "main")
        whole = row(self.words, self.action, space=12)
        whole.setStretch(0, 1)
        self.body.addLayout(whole)

    def show_for(self, state: "GalleryState", overview: Overview, titles: dict[str, str], rate: float) -> None:
        """Show or hide, by what the gallery has and what is asked for."""
        old, new = gallery_facts.outdated(state, overview.fingerprint), overview.fingerprint
        self.setVisible(old is not None)
        if old is None or new is None:
            return
        missing = state.images - state.indexed
        took = f", which takes about {wording.duration(missing / rate)} on this computer" if rate > 0 else ""
        self.words.setText(
            f"Embedded with {gallery_facts.facts_in_words(old, titles)}; the settings say "
            f"{gallery_facts.facts_in_words(new, titles)}. A search does not find {wording.pictures(missing)} until "
            f"they are embedded again{took}. The old embeddings are kept.")


def _open(folder: Path) -> None:
    QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder)))
