"""Takes as a table: picture, speaker, caption, state, length."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from brewclip_app import wording
from brewclip_app.localisation import _
from brewclip_app.widgets.record_table import Index, RecordTable, TableColumn

if TYPE_CHECKING:
    from core.store.records import ImageRecord, TakeRecord

STAGES = {"draft": "draft", "awaited": "transcribing", "late": _("to confirm"), "done": _("to review"),
          "accepted": "accepted", "rejected": "rejected"}


class TakesModel(RecordTable["TakeRecord"]):
    """Takes in the order given."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__((_column(_("Picture"), self._picture), _column(_("Speaker"), lambda take: take.speaker.name),
                          _column(_("Caption"), _caption), _column(_("State"), _state),
                          _column(_("Length"), lambda take: wording.duration(take.seconds), number=True)),
                         lambda take: take.id, parent)
        self._images: Mapping[int, ImageRecord] = {}

    def show_takes(self, takes: "Sequence[TakeRecord]", images: "Mapping[int, ImageRecord]") -> None:
        """Show takes, with the images by id; the selection stays when the takes are the same."""
        changed, self._images = images != self._images, images
        self.show(takes)
        if changed and takes:
            self.dataChanged.emit(self.index(0, 0), self.index(len(takes) - 1, 0))

    def take(self, index: Index) -> "TakeRecord | None":
        """The take of a row; None for an invalid index."""
        return self.records[index.row()] if index.isValid() else None

    def _picture(self, take: "TakeRecord") -> str:
        image = self._images.get(take.image_id or 0)
        return image.path.name if image else _("picture missing")


def _column(title: str, text: "Callable[[TakeRecord], str]", number: bool = False) -> "TableColumn[TakeRecord]":
    """A column whose cells have their text as a tip too."""
    return TableColumn(title, text, number=number, tip=text)


def _caption(take: "TakeRecord") -> str:
    from core.annotation.captions import caption_of

    return caption_of(take) or _("no transcript yet")


def _state(take: "TakeRecord") -> str:
    from core.annotation.captions import stage_of

    return STAGES[stage_of(take)] + (_(", in the bin") if take.binned else "")
