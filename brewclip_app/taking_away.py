"""Actions on selected pictures of any grid: copy, export, tag, rate, remove, move to the bin; and how each is undone.

Each works on records of pictures of the current gallery, in a job, and says what came of it; `core` has the logic.
"""

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from PySide6.QtCore import QFile, QMimeData, QObject, QStandardPaths, QUrl, Signal
from PySide6.QtGui import QGuiApplication, QImage
from PySide6.QtWidgets import QMenu, QWidget

from brewclip_app import tasks, wording
from brewclip_app.localisation import _, localised, ngettext
from brewclip_app.plain_text import plain_caption
from brewclip_app.thumbnails import to_qimage
from brewclip_app.widgets.dialogs import ask_choice, confirm, show_lines
from brewclip_app.widgets.file_dialogs import ask_folder, ask_target
from brewclip_app.widgets.name_dialogs import NameDialog
from brewclip_app.widgets.picture_grid.cards import STAR
from core.errors import BrewclipError
from core.progress import JobCancelled, Report
from core.remote import is_remote, shown

if TYPE_CHECKING:
    from brewclip_app.base_context import BaseContext
    from core.galleries.gallery import Gallery
    from core.galleries.removal import BinnedPicture, BinResult, PutBackResult, RestoreResult
    from core.picture_files import Clash, CopiedFiles, CopyPlan
    from core.search.queries import Hit
    from core.store.records import ImageRecord

T = TypeVar("T")
Images = Sequence["ImageRecord"]
Undo = Callable[[], object]
MOST_TAGS = 20  # in the menu
STARS = 5
CLASHES: "Mapping[str, Clash]" = {_("Keep both"): "keep", _("Replace"): "replace", _("Skip"): "skip"}
TRIES = 3  # of putting back files none of which can be
AFTER_CLOSING = _("After closing: restore them from the bin, then update the gallery.")  # undo ends with the program
NO_UTF8 = _("its name is no valid text, so that the bin might take another file; rename it first")
NO_BIN = _("there is no bin for its drive, or its folder may not be written to")


class TakeAway(QObject):
    """Actions on pictures of a gallery: the current one, or that which `gallery` names. `tags` are those of the gallery
    with their counts.
    """

    said = Signal(str, str, object)  # what happened, and an action: its words ("" for none) and a function
    changed = Signal(object)  # list[ImageRecord]: their tags or ratings
    left = Signal(object)  # frozenset[int]: ids of pictures that left the gallery
    returned = Signal()  # pictures are in the gallery again
    done = Signal(str, object)  # a change of pictures that can be undone: words ("" for none), and an Undo

    def __init__(self, context: "BaseContext", owner: QWidget, gallery: Callable[[], str] | None = None) -> None:
        super().__init__(owner)
        self._context, self._owner = context, owner
        self._gallery = gallery or (lambda: context.gallery)
        self.tags: tuple[tuple[str, int], ...] = ()

    # ---- the clipboard and other files

    def copy(self, images: Images) -> None:
        """Copy pictures: their files and paths, and of a single one the picture itself in full size."""
        QGuiApplication.clipboard().setMimeData(_mime(images))
        if len(images) == 1:
            tasks.start(self._copy_picture(images))
        else:
            self.said.emit(_("{pictures} copied.").format(pictures=wording.pictures(len(images))), "", None)

    async def _copy_picture(self, images: Images) -> None:
        limit = float(self._context.settings["images.max_megapixels"])

        def read(report: Report) -> QImage:
            from core import images as files
            return to_qimage(files.read(images[0].path, limit).rgb)

        picture = await self.run(_("Copying the picture"), read, "copy-picture")
        if picture is not None:
            data = _mime(images)
            data.setImageData(picture)
            QGuiApplication.clipboard().setMimeData(data)
            self.said.emit(_("Picture copied."), "", None)

    def copy_paths(self, images: Images) -> None:
        """The paths, one on each line."""
        QGuiApplication.clipboard().setText(_paths(images))
        self.said.emit(ngettext("Path copied.", "{images} paths copied.", len(images)).format(images=len(images)), "",
                       None)

    def choose_target(self, images: Images) -> None:
        """Let the user choose a folder and copy the files into it."""
        ask_folder(self._owner, "copies",
                   _("Copy {pictures} to a folder").format(pictures=wording.pictures(len(images))),
                   lambda folder: self.copy_files(images, folder))

    def copy_files(self, images: Images, folder: Path) -> None:
        """Copy the files of pictures into a folder; asks once what to do with names that are taken there."""
        tasks.start(self._plan_copy(images, folder))

    async def _plan_copy(self, images: Images, folder: Path) -> None:
        def work(report: Report) -> "CopyPlan":
            from core.picture_files import plan_copy
            return plan_copy(images, folder)

        plan = await self.run(_("Looking into {name}").format(name=folder.name), work)
        if plan is not None and plan.clashes:
            names = ngettext("{clashes} name is", "{clashes} names are",
                             plan.clashes).format(clashes=wording.count(plan.clashes))
            ask_choice(self._owner, _("{names} taken in {name}").format(names=names, name=folder.name),
                       _("Keep both gives the new ones a number. This holds for all of them."), CLASHES,
                       lambda clash: tasks.start(self._copy_files(plan, clash)))
        elif plan is not None:
            await self._copy_files(plan, "keep")

    async def _copy_files(self, plan: "CopyPlan", clash: "Clash") -> None:
        def work(report: Report) -> "CopiedFiles":
            from core.picture_files import copy_files
            return copy_files(plan, clash, report)

        copied = await self.run(_("Copying {pictures}").format(pictures=wording.pictures(len(plan.images))), work)
        if copied is not None:
            renamed = (_(" {renamed} got a name that other programs can read.").format(
                renamed=wording.count(copied.renamed))
                       if copied.renamed else "")
            skipped = (_(" {pictures} skipped, there already.").format(pictures=wording.pictures(copied.skipped))
                       if copied.skipped else "")
            stopped = _("Stopped. ") if copied.stopped else ""
            self._tell(_("{stopped}{pictures} copied to {folder}.{skipped}{renamed}").format(stopped=stopped,
                                                                                             pictures=wording.pictures(
                                                                                                 copied.copied),
                                                                                             folder=copied.folder,
                                                                                             skipped=skipped,
                                                                                             renamed=renamed),
                       copied.failed)

    def export(self, images: Images, hits: "Mapping[int, Hit]") -> None:
        """Let the user choose a file, and write the list of pictures into it; `hits` by id, where there are any."""
        ask_target(self._owner, "lists",
                   _("Export the list of {pictures}").format(pictures=wording.pictures(len(images))), "pictures.csv",
                   lambda path: tasks.start(self._export(images, hits, path)), ".json")

    async def _export(self, images: Images, hits: "Mapping[int, Hit]", path: Path) -> None:
        def work(report: Report) -> Path:
            from core.search.picture_lists import write_list
            write_list(path, [(image, hits.get(image.id)) for image in images])
            return path

        if await self.run(_("Exporting the list"), work) is not None:
            self.said.emit(_("The list of {pictures} is in {path}.").format(pictures=wording.pictures(len(images)),
                                                                            path=path), "", None)

    # ---- tags and ratings

    def tag(self, images: Images, name: str, put: bool, dialog: NameDialog | None = None, undo: bool = True) -> None:
        """Give a tag to pictures, or take it from them; a dialog that asked for it closes when that is done.

        `undo`: it can be undone.
        """
        key = name.casefold()
        others = [image for image in images if put != any(tag.casefold() == key for tag in image.tags)]
        words = f"{wording.pictures(len(images))} {'tagged' if put else 'no longer tagged'} “{name}”."
        self._change(images, lambda gallery, ids: (gallery.add_tag if put else gallery.remove_tag)(ids, name), words,
                     partial(self.tag, others, name, not put, undo=False) if undo and others else None, dialog)

    def ask_tag(self, images: Images) -> None:
        """Let the user type a tag; those of the gallery are offered."""
        NameDialog(self._owner, _("Tag {pictures}").format(pictures=wording.pictures(len(images))), _("Tag"),
                   lambda name, dialog: self.tag(images, name, True, dialog), holder="tag",
                   known=[name for name, _unused in self.tags]).open()

    def rate(self, images: Images, stars: int, undo: bool = True) -> None:
        """Rate pictures with stars; 0 for no rating. `undo`: it can be undone."""
        if images:
            given = _("rated {star}").format(star=STAR * stars) if stars else _("no longer rated")
            self._change(images, lambda gallery, ids: gallery.rate(ids, stars),
                         f"{wording.pictures(len(images))} {given}.",
                         partial(self._rate_back, images) if undo else None)

    def _rate_back(self, images: Images) -> None:
        for stars in sorted({image.rating for image in images}):
            self.rate([image for image in images if image.rating == stars], stars, undo=False)

    def _change(self, images: Images, change: "Callable[[Gallery, list[int]], object]", words: str, undo: Undo | None,
                dialog: NameDialog | None = None) -> None:
        """Change tags or ratings in the gallery; `words` say that it was done, and it can be undone."""
        ids, name = [image.id for image in images], self._gallery()

        def work(report: Report) -> "list[ImageRecord]":
            gallery = self._context.explorer.gallery(name)
            change(gallery, ids)
            return list(gallery.images(ids))

        def then(records: "list[ImageRecord]") -> None:
            self.changed.emit(records)
            if undo is not None:
                self.done.emit(words, undo)

        if dialog is not None:
            dialog.save(self._context.jobs, _("Tagging"), work, then)
        else:
            self._context.jobs.submit(_("Changing pictures"), work, on_done=then, quiet=True)

    # ---- out of the gallery

    def remove(self, images: Images) -> None:
        """Remove pictures from the gallery; their files stay."""
        tasks.start(self._remove(images, self._gallery()))

    async def _remove(self, images: Images, name: str) -> None:
        def work(report: Report) -> int:
            from core.galleries import removal
            gallery = self._context.explorer.gallery(name)
            removal.remove(gallery, images)
            return gallery.id

        gallery_id = await self.run(_("Removing pictures"), work)
        if gallery_id is not None:
            self._tell_left(images)
            self.done.emit(_("{pictures} removed from {name}; the files stay.").format(
                pictures=wording.pictures(len(images)), name=name),
                           lambda: tasks.start(self._restore([str(image.path) for image in images], name, gallery_id)))

    async def _restore(self, paths: list[str], name: str, gallery_id: int) -> None:
        def work(report: Report) -> "RestoreResult":
            from core.galleries import removal
            return removal.restore(self._reopened(name, gallery_id), paths)

        result = await self.run(_("Taking pictures back"), work)
        if result is not None:
            self._tell_returned(f"{wording.pictures(result.restored)} in {name} again. {result.words}".rstrip())

    def ask_bin(self, images: Images) -> None:
        """Ask, and move the files of pictures to the bin."""
        if images:
            confirm(self._owner, _("Move {pictures} to the bin?").format(pictures=wording.pictures(len(images))),
                    _("{sum} in all. While the files are in the bin, this can be undone.").format(
                        sum=wording.size(sum(image.size for image in images))), _("Move to the bin"),
                    lambda: self.move_to_bin(images))

    def move_to_bin(self, images: Images) -> None:
        """Move the files of pictures to the bin, without asking."""
        tasks.start(self._move_to_bin(images, self._gallery()))

    async def _move_to_bin(self, images: Images, name: str) -> None:
        def work(report: Report) -> "tuple[BinResult, int]":
            from core.galleries import removal
            gallery = self._context.explorer.gallery(name)
            return removal.move_to_bin(gallery, images, to_bin, report), gallery.id

        outcome = await self.run(_("Moving {pictures} to the bin").format(pictures=wording.pictures(len(images))), work)
        if outcome is None:
            return
        result, gallery_id = outcome
        binned = result.binned
        words = (_("{text}{pictures} moved to the bin.{value}").format(text=_("Stopped. ") if result.stopped else "",
                                                                       pictures=wording.pictures(len(binned)),
                                                                       value=f' {AFTER_CLOSING}' if binned else ""))
        if binned:
            self._tell_left([one.image for one in binned])
            self.done.emit(words, lambda: tasks.start(self._put_back(binned, name, gallery_id)))
            if result.failed:
                self._list_failed(result.failed)
        else:
            self._tell(words, result.failed)

    async def _put_back(self, binned: "Sequence[BinnedPicture]", name: str, gallery_id: int, tries: int = TRIES
                        ) -> None:
        def work(report: Report) -> "PutBackResult":
            from core.galleries import removal
            return removal.put_back(self._reopened(name, gallery_id), binned, report)

        result = await self.run(_("Putting pictures back"), work)
        left = binned if result is None else result.left
        progressed = result is not None and bool(result.image_ids)
        if left and (progressed or tries > 1):  # what can never be put back must not hide the steps before it
            self.done.emit("", lambda: tasks.start(self._put_back(left, name, gallery_id,
                                                                  TRIES if progressed else tries - 1)))
        if result is not None:
            self._tell_returned(_("{pictures} put back.").format(pictures=wording.pictures(len(result.image_ids))),
                                result.failed)

    def _reopened(self, name: str, gallery_id: int) -> "Gallery":
        """The gallery of an id, which may have another name by now; one at an address has its address as the name."""
        explorer = self._context.explorer
        return explorer.gallery(next((each.name for each in explorer.store.galleries() if each.id == gallery_id), name))

    # ---- menus

    def add_to_menu(self, menu: QMenu, images: Images, hits: "Mapping[int, Hit]", keys: bool = True) -> None:
        """Add these actions to a menu, with their `keys` where the panel has them."""
        one = len(images) == 1
        for words, act in ((_("Copy\tCtrl+C"), self.copy),
                           (_("Copy path") if one else _("Copy paths"), self.copy_paths),
                           (_("Copy file to a folder…") if one else _("Copy files to a folder…"), self.choose_target),
                           (_("Export list…"), lambda images: self.export(images, hits))):
            menu.addAction(words if keys else words.partition("\t")[0], partial(act, images))
        menu.addSeparator()
        self.add_tags(menu.addMenu(_("Tag")), images)
        self.add_ratings(menu.addMenu(_("Rate")), images, keys)
        menu.addSeparator()
        menu.addAction(_("Remove from the gallery"), partial(self.remove, images))
        menu.addAction(_("Move to the bin…\tDel") if keys else _("Move to the bin…"), partial(self.ask_bin, images))

    def add_tags(self, menu: QMenu, images: Images) -> None:
        """Add the tags of these pictures and of the gallery to a menu, and a new one."""
        menu.addAction(_("New tag…"), partial(self.ask_tag, images))
        own = sorted({tag for image in images for tag in image.tags})
        names = list(dict.fromkeys([*own, *(name for name, _unused in self.tags)]))[:MOST_TAGS]
        if names:
            menu.addSeparator()
        for name in names:
            action = menu.addAction(plain_caption(name))
            action.setCheckable(True)
            action.setChecked(all(name in image.tags for image in images))
            action.triggered.connect(lambda put, name=name: self.tag(images, name, put))

    def add_ratings(self, menu: QMenu, images: Images, keys: bool = True) -> None:
        """Add the ratings to a menu."""
        for stars in range(STARS, -1, -1):
            words = STAR * stars or _("No rating")
            action = menu.addAction(f"{words}\t{stars}" if keys else words, partial(self.rate, images, stars))
            action.setCheckable(True)
            action.setChecked(all(image.rating == stars for image in images))

    # ---- what came of it

    async def run(self, name: str, work: Callable[[Report], T], key: str = "") -> T | None:
        """Run a job; None when it was stopped, or failed, which is said."""
        try:
            return await self._context.jobs.run(name, work, key=key)
        except JobCancelled:
            return None
        except BrewclipError as error:
            self.said.emit(localised(error), "", None)
            return None

    def _tell(self, words: str, failed: Sequence[str] = ()) -> None:
        """Say what was done; what failed is listed on demand."""
        if failed:
            self.said.emit(f"{words} {_failed_words(failed)}", _("Show why"), partial(self._list_failed, failed))
        else:
            self.said.emit(words, "", None)

    def _list_failed(self, failed: Sequence[str]) -> None:
        show_lines(self._owner, _failed_words(failed), failed)

    def _tell_left(self, images: Iterable["ImageRecord"]) -> None:
        self.left.emit(frozenset(image.id for image in images))
        self._context.galleries_changed.emit()

    def _tell_returned(self, words: str, failed: Sequence[str] = ()) -> None:
        self.returned.emit()
        self._context.galleries_changed.emit()
        self._tell(words, failed)


def to_bin(path: Path) -> Path | None:
    """Move a file to the system's bin, and return its path there; None where the system does not tell.

    Qt tells it on every system, send2trash on none. OSError with a sentence.
    """
    try:
        str(path).encode()
    except UnicodeEncodeError:
        raise OSError(NO_UTF8) from None
    with suppress(OSError):  # Qt makes no bin where this folder is missing
        Path(QStandardPaths.writableLocation(QStandardPaths.StandardLocation.GenericDataLocation)).mkdir(
            parents=True, exist_ok=True)
    file = QFile(str(path))
    if not file.moveToTrash():
        raise OSError(NO_BIN)
    place = Path(file.fileName())
    return place if place.is_absolute() else None


def _failed_words(failed: Sequence[str]) -> str:
    return _("{pictures} failed.").format(pictures=wording.pictures(len(failed)))


def _paths(images: Images) -> str:
    return "\n".join(shown(image.path) for image in images)


def _mime(images: Images) -> QMimeData:
    data = QMimeData()
    data.setText(_paths(images))
    data.setUrls([QUrl.fromLocalFile(os.fspath(image.path)) for image in images if not is_remote(image.path)])
    return data
