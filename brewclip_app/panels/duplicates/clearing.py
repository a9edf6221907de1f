"""Spare files of duplicates to the bin: the job, and what is said of it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import shiboken6
from PySide6.QtCore import Signal

from brewclip_app import taking_away, tasks, wording
from brewclip_app.localisation import _
from brewclip_app.taking_away import AFTER_CLOSING, TakeAway
from core.progress import Report

if TYPE_CHECKING:
    from core.duplicates.clearing import Cleared, GroupChoice


class ClearGroups(TakeAway):
    """Actions on pictures, and on groups of duplicates."""

    ended = Signal(object)  # list[GroupChoice]: the job of these is over, however it ended

    def clear(self, choices: "Sequence[GroupChoice]") -> None:
        """Move the spare files of groups to the bin, without asking; what changed since it was indexed is left."""
        if choices:
            tasks.start(self._clear(choices, self._gallery()))

    async def _clear(self, choices: "Sequence[GroupChoice]", name: str) -> None:
        def work(report: Report) -> "tuple[Cleared, int]":
            from core.duplicates import clearing
            gallery = self._context.explorer.gallery(name)
            return clearing.clear(gallery, choices, taking_away.to_bin, report), gallery.id

        count = sum(len(choice.spare) for choice in choices)
        try:
            outcome = await self.run(_("Moving {pictures} to the bin").format(pictures=wording.pictures(count)), work)
            if outcome is not None:
                self._tell_cleared(*outcome, name)
        finally:
            if shiboken6.isValid(self):
                self.ended.emit(choices)

    def _tell_cleared(self, cleared: "Cleared", gallery_id: int, name: str) -> None:
        result = cleared.result
        binned = result.binned
        words = _("{text}{pictures} moved to the bin.").format(text=_("Stopped. ") if result.stopped else "",
                                                               pictures=wording.pictures(len(binned)))
        words += f" {AFTER_CLOSING}" if binned else ""
        if cleared.left:
            one = cleared.left == 1
            words += (_(" {text} changed since {text_2} indexed, or the one to keep did, and {text_3} left: update "
                        "the gallery.").format(text=_("1 file") if one
                                               else _("{left} files").format(left=wording.count(cleared.left)),
                                               text_2=_("it was") if one else _("they were"), text_3="was" if one
                                               else "were"))
        if binned:
            self._tell_left([one.image for one in binned])
            self.done.emit(words, lambda: tasks.start(self._put_back(binned, name, gallery_id)))
        else:
            self.said.emit(words, "", None)
        if result.failed:
            self._list_failed(result.failed)
