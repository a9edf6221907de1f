"""Qt model of hits: which are shown, in which order."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QAbstractListModel, QMimeData, QModelIndex, QObject, QPersistentModelIndex, Qt, QUrl

from brewclip_app.plain_text import plain_tip
from core.remote import is_remote, shown

if TYPE_CHECKING:
    from core.search.queries import Hit
    from core.store.records import ImageRecord

HIT_ROLE = Qt.ItemDataRole.UserRole + 1
FEWEST = 10  # the first ranks are shown even when they are weak: an empty screen tells nothing
Index = QModelIndex | QPersistentModelIndex


def copies_words(hit: "Hit", before: str = "") -> str:
    """ "15 copies" after `before`; "" for a picture that is there once."""
    return f"{before}{hit.copies} copies" if hit.copies > 1 else ""


ORDERS: dict[str, "tuple[str, Callable[[Hit], Any]]"] = {  # key: (words, how to sort)
    "relevance": ("Relevance", lambda hit: hit.rank),
    "name": ("Name", lambda hit: (hit.image.path.name.casefold(), hit.rank)),
    "date": ("Newest", lambda hit: (-hit.image.dated[0].timestamp(), hit.rank)),
}


class PictureModel(QAbstractListModel):
    """Frozen hits in an order; weak ones beyond the first ranks are folded away until asked for."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._all: tuple[Hit, ...] = ()
        self._shown: list[Hit] = []
        self._order = "relevance"
        self._with_weak = False
        self._at_least = FEWEST

    @property
    def order(self) -> str:
        """The key of the order, one of `ORDERS`."""
        return self._order

    @property
    def folded(self) -> int:
        """Number of weak hits that are not shown."""
        return len(self._all) - len(self._shown)

    def hits(self) -> "Sequence[Hit]":
        """The hits that are shown, in their order."""
        return self._shown

    def hit(self, index: Index) -> "Hit | None":
        """The hit of an index; None for an invalid one."""
        return self._shown[index.row()] if index.isValid() else None

    def row_of(self, image_id: int) -> int:
        """The row of a picture; -1 when it is not shown."""
        return next((row for row, hit in enumerate(self._shown) if hit.image.id == image_id), -1)

    def set_hits(self, hits: "tuple[Hit, ...]") -> None:
        """Show other hits, weak ones folded."""
        self._all, self._with_weak = hits, False
        self._arrange()

    def replace_images(self, images: "Iterable[ImageRecord]") -> None:
        """Take over changed records (tags) without touching ranks or the selection."""
        fresh = {image.id: image for image in images}
        swap = {hit.image.id: replace(hit, image=fresh[hit.image.id])
                for hit in self._all if hit.image.id in fresh}
        self._all = tuple(swap.get(hit.image.id, hit) for hit in self._all)
        self._shown = [swap.get(hit.image.id, hit) for hit in self._shown]
        if self._shown:
            self.dataChanged.emit(self.index(0), self.index(len(self._shown) - 1))

    def set_order(self, order: str) -> None:
        """Sort by one of `ORDERS`."""
        if order in ORDERS and order != self._order:
            self._order = order
            self._arrange()

    def set_room(self, cards: int) -> bool:
        """So many cards are seen at once, and weak hits may fill them; whether other hits are shown now."""
        before, self._at_least = self._at_least, max(FEWEST, cards)
        changes = not self._with_weak and any(
            min(before, self._at_least) < hit.rank <= max(before, self._at_least) and hit.strength.level == "weak"
            for hit in self._all)
        if changes:
            self._arrange()
        return changes

    def show_weak(self) -> None:
        """Unfold the weak hits."""
        self._with_weak = True
        self._arrange()

    def _arrange(self) -> None:
        self.beginResetModel()
        shown = self._all if self._with_weak else (
            hit for hit in self._all if hit.rank <= self._at_least or hit.strength.level != "weak")
        self._shown = sorted(shown, key=ORDERS[self._order][1])
        self.endResetModel()

    def rowCount(self, parent: Index = QModelIndex()) -> int:
        return 0 if parent.isValid() else len(self._shown)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not self.checkIndex(index, QAbstractListModel.CheckIndexOption.IndexIsValid):
            return None
        hit = self._shown[index.row()]
        if role == HIT_ROLE:
            return hit
        if role == Qt.ItemDataRole.DisplayRole:
            return hit.image.path.name
        if role == Qt.ItemDataRole.ToolTipRole:
            return plain_tip(f"{shown(hit.image.path)}\nRank {hit.rank} · score {hit.score:.2f} · {hit.strength.level}"
                             f"{copies_words(hit, ' · ')}{_by_branch(hit)}")
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return f"Rank {hit.rank}, {hit.image.path.name}, {hit.strength.level} match{copies_words(hit, ', ')}"
        return None

    def flags(self, index: Index) -> Qt.ItemFlag:
        flags = super().flags(index)
        return flags | Qt.ItemFlag.ItemIsDragEnabled if index.isValid() else flags

    def mimeData(self, indexes: Sequence[QModelIndex]) -> QMimeData:
        """The files, so that hits can be dragged into other programs."""
        data = QMimeData()
        paths = [self._shown[index.row()].image.path for index in indexes]
        data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths if not is_remote(path)])
        return data

    def mimeTypes(self) -> list[str]:
        return ["text/uri-list"]


def _by_branch(hit: "Hit") -> str:
    """Score shares of transcript and speech where the model uses speech: "\nWords 0.31 · voice 0.12"."""
    voice = sum(share.value for share in hit.shares if share.branch == "acoustic")
    words = sum(share.value for share in hit.shares if share.branch == "text")
    listened = any(share.branch == "acoustic" for share in hit.shares)
    return f"\nWords {words:.2f} · voice {voice:.2f}" if listened else ""
