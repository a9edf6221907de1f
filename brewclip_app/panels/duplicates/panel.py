"""Duplicates: groups of files that hold one picture, side by side, and which of them to keep."""

from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox, QStackedWidget, QWidget

from brewclip_app import wording
from brewclip_app.localisation import _, as_shown, localised, ngettext
from brewclip_app.panels.base import Panel
from brewclip_app.panels.duplicates.clearing import ClearGroups
from brewclip_app.panels.duplicates.compared import STEP, ComparedCard, SharedView
from brewclip_app.panels.duplicates.controller import KINDS, DuplicatesController, ReviewState
from brewclip_app.shortcuts import add_shortcut
from brewclip_app.thumbnails import Thumbnails
from brewclip_app.widgets.common import (
    ElidedLabel,
    EmptyState,
    ProgressRow,
    button,
    column,
    icon_button,
    label,
    panel_title,
    row,
    scrolling,
)
from brewclip_app.widgets.dialogs import confirm
from brewclip_app.widgets.preview.overlay import PreviewActions, open_preview
from brewclip_app.widgets.preview.sequence import PictureSequence
from brewclip_app.widgets.reading_page import ReadingPage

if TYPE_CHECKING:
    from collections.abc import Callable

    from brewclip_app.context import Context
    from core.duplicates.clearing import GroupChoice
    from core.duplicates.groups import DuplicateGroup

INCOMPLETE = _("Only identical files were looked for so far.")


class DuplicatesPanel(Panel):
    """View of the controller's state. Files leave through the bin alone."""

    key: ClassVar[str] = "duplicates"
    title: ClassVar[str] = _("Duplicates")
    icon: ClassVar[str] = "copy"

    def __init__(self, context: "Context") -> None:
        super().__init__(context)
        self.thumbnails = Thumbnails(context.home.caches / "thumbnails", self)
        self.controller = DuplicatesController(context, self)
        self.away = ClearGroups(context, self)
        self.view = SharedView()
        self.cards: list[ComparedCard] = []
        self._undos: list[Callable[[], object]] = []
        self._shown: DuplicateGroup | None = None
        self._make_parts()
        self._lay_out()
        self._connect()
        self._show_state(self.controller.state)

    def activated(self) -> None:
        self.controller.show_gallery(self.context.gallery)

    def receive(self, payload: object) -> None:
        """Show the group of a picture of the current gallery, by its id."""
        if isinstance(payload, int):
            self.controller.show_group_of(payload)

    def save_state(self) -> dict[str, Any]:
        return {"kind": self.controller.state.kind}

    def restore_state(self, state: dict[str, Any]) -> None:
        kind = str(state.get("kind", "all"))
        self.controller.choose_kind(kind if kind in KINDS else "all")

    def shortcuts(self) -> list[tuple[str, str]]:
        return [("1 … 9", _("Keep that picture")), ("Enter", _("Keep it and move the others to the bin")),
                ("V", _("Preview; also with a double click")),
                ("→, ←", _("Next or previous group")), ("+, −, 0", _("Zoom in, out, fit")),
                ("Ctrl+Z", _("Put the last files back")), ("F5", _("Find duplicates"))]

    def closing(self) -> None:
        self.thumbnails.close()

    def _make_parts(self) -> None:
        self.summary = ElidedLabel("", "quiet-body", Qt.TextElideMode.ElideRight)
        self.kind = QComboBox()
        self.kind.setAccessibleName(_("Kind of duplicates"))
        for key, (words, _unused) in KINDS.items():
            self.kind.addItem(as_shown(words), key)
        self.compare = button(_("Find duplicates"), self.controller.find)
        self.all_exact = button("", self._ask_for_all, "danger")
        self.progress = ProgressRow(_("Finding duplicates"))
        self.message = ElidedLabel("", "quiet-body", Qt.TextElideMode.ElideRight)
        self.undo = button(_("Undo"), self._undo, "link", tip=_("Put the last files back (Ctrl+Z)"))
        self.undo.hide()
        self.before = icon_button("chevron-left", _("Previous group (←)"), lambda: self.controller.go(-1))
        self.next = icon_button("chevron-right", _("Next group (→)"), lambda: self.controller.go(1))
        self.place = label("")
        self.sort = label("", "pill")
        self.keep = button("", self._bin_group, "main")
        self.reading = ReadingPage("copy", _("the duplicates"), self.activated)
        self.first = button(_("Find duplicates"), self.controller.find, "main")
        self.none = EmptyState("copy", _("No duplicates"), " ", self.first)
        self.pages = QStackedWidget()

    def _lay_out(self) -> None:
        head = row(panel_title(_("Duplicates")), 4, self.summary, self.kind, self.compare, self.all_exact)
        head.setStretch(2, 1)
        self._row = row(space=12)
        inside = QWidget()
        inside.setLayout(self._row)
        self.area = scrolling(inside)
        self.area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAsNeeded)
        foot = row(self.before, self.place, self.next, 8, self.sort, None, self.keep)
        review = column(self.area, foot, space=12)
        review.setStretch(0, 1)
        self.review = QWidget()
        self.review.setLayout(review)
        for page in (self.reading, self.none, self.review):
            self.pages.addWidget(page)
        told = row(self.message, self.undo)
        told.setStretch(0, 1)
        box = column(head, self.progress, told, self.pages, space=8)
        box.setContentsMargins(20, 16, 20, 12)
        box.setStretch(3, 1)
        self.setLayout(box)

    def _connect(self) -> None:
        self.controller.changed.connect(self._show_state)
        self.controller.failed.connect(self.failed)
        self.controller.failed.connect(lambda error, _unused: self.reading.show_problem(localised(error)))
        self.kind.activated.connect(lambda at: self.controller.choose_kind(self.kind.itemData(at)))
        self.progress.cancelled.connect(self.controller.stop)
        self.away.left.connect(self.controller.leave_out)
        self.away.returned.connect(self.controller.take_back)
        self.away.said.connect(lambda words, action, act: self.message.setText(words))
        self.away.done.connect(self._remember)
        self.away.ended.connect(self.controller.end_clearing)
        keys = [("Left", lambda: self.controller.go(-1)), ("Right", lambda: self.controller.go(1)),
                ("Return", self._bin_group), ("Enter", self._bin_group), ("Ctrl+Z", self._undo),
                ("V", self._preview), ("F5", self.controller.find), ("+", lambda: self.view.zoom_by(STEP)),
                ("-", lambda: self.view.zoom_by(1 / STEP)), ("0", self.view.fit)]
        keys += [(str(number), partial(self.controller.keep, number - 1)) for number in range(1, 10)]
        for key, act in keys:
            add_shortcut(self, key, act)

    # ---- rendering

    def _show_state(self, state: ReviewState) -> None:
        known = state.duplicates
        self.kind.setCurrentIndex(self.kind.findData(state.kind))
        self.compare.setEnabled(state.progress is None and bool(state.gallery))
        self.first.setVisible(bool(state.gallery) and not state.complete)
        self.first.setEnabled(state.progress is None)
        self.progress.setVisible(state.progress is not None)
        if state.progress is not None:
            self.progress.set_progress(*state.progress.bar, state.progress.counts(wording.count))
        self.summary.setText(self._summary(state))
        exact = [group for group in state.groups if group.exact and not state.is_clearing(group)]
        self.all_exact.setVisible(bool(exact))
        self.all_exact.setText(_("Clear {exact} identical…").format(exact=wording.count(len(exact))))
        self.all_exact.setToolTip(_("Keep the best of every group of identical files, and move the others to the bin"))
        self._show_group(state)
        if not state.groups:
            complete = state.complete and known is not None
            self.none.sentence.setText(
                _("{pictures} were compared; each is there once.").format(
                    pictures=wording.pictures(known.images if known else 0)) if complete else
                _("No identical files. Resized, cropped and edited pictures are found by comparing all of them.")
                if state.gallery else _("Choose a gallery in Library first."))
        self.pages.setCurrentWidget(self.reading if known is None and state.gallery else
                                    self.review if state.groups else self.none)
        self.status_changed.emit(f"{state.gallery} · {self.summary.text()}" if state.gallery else "")

    def _summary(self, state: ReviewState) -> str:
        known = state.duplicates
        if known is None or not known.groups:
            return ""
        groups = ngettext("{groups} group", "{groups} groups",
                          len(known.groups)).format(groups=wording.count(len(known.groups)))
        more = "" if state.complete or state.progress is not None else f" · {INCOMPLETE}"
        return _("{groups} · {pictures} to spare, {spare_bytes}{more}").format(groups=groups,
                                                                               pictures=wording.pictures(known.spare),
                                                                               spare_bytes=wording.size(
                                                                                   known.spare_bytes), more=more)

    def _show_group(self, state: ReviewState) -> None:
        group = state.group
        if group is None:
            self._shown = None
            self._clear()
            return
        if group != self._shown:
            self._shown = group
            self._clear()
            for number, image in enumerate(group.images):
                card = ComparedCard(self.thumbnails, image, self.view, number + 1, image is group.best)
                card.kept.connect(partial(self.controller.keep, number))
                card.picture.previewed.connect(partial(self._preview, number))
                self.cards.append(card)
                self._row.addWidget(card, 1)
            self.view.fit()
        kept = state.keeps(group)
        free = not state.is_clearing(group)
        self.keep.setEnabled(free)
        for card in self.cards:
            card.show_kept(card.image is kept)
            card.choice.setEnabled(free)
        others = len(group.images) - 1
        self.place.setText(_("{place} of {groups}").format(place=wording.count(state.place + 1),
                                                           groups=wording.count(len(state.groups))))
        self.before.setEnabled(state.place > 0)
        self.next.setEnabled(state.place + 1 < len(state.groups))
        self.sort.setText(_("identical files") if group.exact else _("resized or edited"))
        self.keep.setText(ngettext("Keep {index}, move the other to the bin",
                                   "Keep {index}, move the other {others} to the bin",
                                   others).format(index=group.images.index(kept) + 1, others=others))

    def _clear(self) -> None:
        """Take the cards of the last group away."""
        for card in self.cards:
            self._row.removeWidget(card)
            card.hide()
            card.deleteLater()
        self.cards = []

    def _preview(self, number: int = -1) -> None:
        """Show the files of the group over the window, the one that is kept first."""
        group = self.controller.state.group
        if group is None:
            return
        images = group.images
        first = number if number >= 0 else images.index(self.controller.state.keeps(group))
        open_preview(self.context, self, PictureSequence(range(len(images)), lambda at: images[at]), first,
                     PreviewActions(keys={"Ctrl+C": (_("Copy the picture"), lambda image: self.away.copy([image]))}))

    # ---- the bin

    def _bin_group(self) -> None:
        """Ask, and move the files of the group in front that are not kept to the bin."""
        group = self.controller.state.group
        choices = self.controller.state.choices([group]) if group is not None else []
        if not choices:
            return
        spare = choices[0].spare
        confirm(self, _("Move {pictures} to the bin?").format(pictures=wording.pictures(len(spare))),
                _("{name} is kept. {sum} go to the bin; while they are there, this can be undone.").format(
                    name=choices[0].kept.path.name, sum=wording.size(sum(image.size for image in spare))),
                _("Move to the bin"), lambda: self._bin(choices),
                danger=False)

    def _bin(self, choices: "list[GroupChoice]") -> None:
        self.away.clear(self.controller.begin_clearing(choices))

    def _ask_for_all(self) -> None:
        state = self.controller.state
        exact = [group for group in state.groups if group.exact]
        choices = state.choices(exact)
        spare = [image for choice in choices for image in choice.spare]
        confirm(self, _("Move {pictures} to the bin?").format(pictures=wording.pictures(len(spare))),
                _("The best of each of {choices} groups of identical files is kept, or the one you chose. {sum} go to "
                  "the bin; this can be undone.").format(choices=wording.count(len(choices)),
                                                         sum=wording.size(sum(image.size for image in spare))),
                _("Move to the bin"), lambda: self._bin(choices), danger=False)

    def _remember(self, words: str, undo: "Callable[[], object]") -> None:
        self._undos.append(undo)
        self.message.setText(words)
        self.undo.show()

    def _undo(self) -> None:
        if self._undos:
            self._undos.pop()()
            self.undo.setVisible(bool(self._undos))
