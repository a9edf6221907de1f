"""Qt model of pictures: hits of a search with the weak ones folded, or the listing of a gallery."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QAbstractListModel, QMimeData, QModelIndex, QObject, QPersistentModelIndex, Qt, QUrl

from brewclip_app.localisation import _, ngettext
from brewclip_app.plain_text import plain_tip
from brewclip_app.widgets.picture_facts import date_words
from core.remote import is_remote, shown

if TYPE_CHECKING:
    import numpy as np

    from core.galleries.listing import Arrangement, ImageListing
    from core.search.queries import Hit
    from core.store.records import ImageRecord

HIT_ROLE = Qt.ItemDataRole.UserRole + 1
IMAGE_ROLE = Qt.ItemDataRole.UserRole + 2
COPIES_ROLE = Qt.ItemDataRole.UserRole + 3
MOVE_ROLE = Qt.ItemDataRole.UserRole + 4  # `Move` of a hit; None where it did not move, or follows no others
FEWEST = 10  # the first ranks are shown even when they are weak: an empty screen tells nothing
Index = QModelIndex | QPersistentModelIndex


def copies_words(hit: "Hit", before: str = "") -> str:
    """ "15 copies" after `before`; "" for a picture that is there once."""
    copies = hit.copies
    return before + ngettext("{copies} copy", "{copies} copies", copies).format(copies=copies) if copies > 1 else ""


@dataclass(frozen=True)
class Move:
    """Rise of a hit since the hits that it follows: by `ranks`; 0 when it was not shown among them."""

    ranks: int

    @property
    def badge(self) -> str:
        """ "▲ 3" or "new"."""
        return f"\N{BLACK UP-POINTING TRIANGLE} {self.ranks}" if self.ranks else _("new")

    @property
    def words(self) -> str:
        """ "up 3 ranks" or "new"."""
        if not self.ranks:
            return _("new")
        return ngettext("up {ranks} rank", "up {ranks} ranks", self.ranks).format(ranks=self.ranks)


def moves(before: "Sequence[Hit]", now: "Sequence[Hit]") -> dict[int, Move]:
    """Moves of hits that rose since those before, by the id of the picture."""
    ranks = {hit.image.id: hit.rank for hit in before if hit.rank <= FEWEST or hit.strength.level != "weak"}
    return {hit.image.id: Move(ranks.get(hit.image.id, hit.rank) - hit.rank) for hit in now
            if ranks.get(hit.image.id, hit.rank + 1) > hit.rank}


def rating_words(stars: int, before: str = "") -> str:
    """ "4 stars" after `before`; "" without a rating."""
    return before + ngettext("{stars} star", "{stars} stars", stars).format(stars=stars) if stars else ""


ORDERS: dict[str, "tuple[str, Callable[[Hit], Any]]"] = {  # key: (words, how to sort)
    "relevance": (_("Relevance"), lambda hit: hit.rank),
    "name": (_("Name"), lambda hit: (hit.image.path.name.casefold(), hit.rank)),
    "date": (_("Newest"), lambda hit: (-hit.image.dated[0].timestamp(), hit.rank)),
}


class PictureModel(QAbstractListModel):
    """Pictures in an order: frozen hits, the weak ones beyond the first ranks folded away until asked for; or a
    listing, of whose images records are made when they are needed.
    """

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._all: tuple[Hit, ...] = ()
        self._shown: list[Hit] = []
        self._order = "relevance"
        self._with_weak = False
        self._at_least = FEWEST
        self.listing: ImageListing | None = None  # None while hits are shown
        self._rows: Any = ()  # int64 (n,), of the listing, in the order shown
        self._records: dict[int, ImageRecord] = {}  # of the listing, by place
        self.ids: Any = ()  # int64 (n,), of all pictures in the order shown
        self._stacks: Mapping[int, int] = {}
        self._moves: Mapping[int, Move] = {}

    @property
    def order(self) -> str:
        """The key of the order of hits, one of `ORDERS`."""
        return self._order

    @property
    def folded(self) -> int:
        """Number of weak hits that are not shown."""
        return len(self._all) - len(self._shown)

    @property
    def with_weak(self) -> bool:
        """Whether weak hits were unfolded."""
        return self._with_weak

    def hits(self) -> "Sequence[Hit]":
        """The hits that are shown, in their order."""
        return self._shown

    def hit(self, index: Index) -> "Hit | None":
        """The hit of an index; None for an invalid one, and in a listing."""
        return self._shown[index.row()] if index.isValid() and self.listing is None else None

    def image(self, row: int) -> "ImageRecord":
        """The picture of a row."""
        if self.listing is None:
            return self._shown[row].image
        if row not in self._records:
            if len(self._records) > 20_000:  # of all that was scrolled past
                self._records.clear()
            self._records[row] = self.listing.record(int(self._rows[row]))
        return self._records[row]

    def copies(self, row: int) -> int:
        """Number of files that the picture of a row stands for: identical ones of a hit, or a stack."""
        hit = self._shown[row].copies if self.listing is None else 1
        return max(hit, self._stacks.get(int(self.ids[row]), 1))

    def nbytes(self, rows: "np.ndarray") -> int:
        """Size of the files of these rows together."""
        if self.listing is None:
            return sum(self._shown[row].image.size for row in rows)
        return int(self.listing.sizes[self._rows[rows]].sum())

    def row_of(self, image_id: int) -> int:
        """The row of a picture; -1 when it is not shown."""
        if not len(self.ids):
            return -1
        rows = (self.ids == image_id).nonzero()[0]
        return int(rows[0]) if len(rows) else -1

    def set_hits(self, hits: "tuple[Hit, ...]") -> None:
        """Show hits, weak ones folded."""
        self._all, self._with_weak, self._moves = hits, False, {}
        self._arrange()

    def follow_hits(self, hits: "tuple[Hit, ...]", moves: "Mapping[int, Move]") -> None:
        """Show the hits of a query that follows the one shown: pictures that stay move, without a reset."""
        self._all, self._with_weak, self._moves = hits, False, moves
        shown = self._arranged()
        now = {hit.image.id: hit for hit in shown}
        for row in reversed(range(len(self._shown))):
            if self._shown[row].image.id not in now:
                self.beginRemoveRows(QModelIndex(), row, row)
                del self._shown[row]
                self._take_ids()
                self.endRemoveRows()
        there = {hit.image.id for hit in self._shown}
        self._reorder([hit for hit in shown if hit.image.id in there])
        for row, hit in enumerate(shown):
            if hit.image.id not in there:
                self.beginInsertRows(QModelIndex(), row, row)
                self._shown.insert(row, hit)
                self._take_ids()
                self.endInsertRows()
        self._changed()

    def _reorder(self, hits: "list[Hit]") -> None:
        """Bring the pictures that are shown into another order; nothing is told where that is the same."""
        before = [hit.image.id for hit in self._shown]
        rows = {hit.image.id: row for row, hit in enumerate(hits)}
        if before == list(rows):
            self._shown = hits
            return
        self.layoutAboutToBeChanged.emit()
        indexes = self.persistentIndexList()
        self._shown = hits
        self._take_ids()
        self.changePersistentIndexList(indexes, [self.index(rows[before[index.row()]]) for index in indexes])
        self.layoutChanged.emit()

    def set_listing(self, listing: "ImageListing", arrangement: "Arrangement") -> None:
        """Show the images of a listing in an order."""
        self.beginResetModel()
        self._all, self._shown = (), []
        self.listing, self._rows, self._records = listing, arrangement.rows, {}
        self.ids = listing.ids[arrangement.rows]
        self.endResetModel()

    def set_stacks(self, copies: "Mapping[int, int]") -> None:
        """Numbers of copies by the id of the picture that stands for them."""
        self._stacks = copies
        self._changed()

    def replace_images(self, images: "Iterable[ImageRecord]") -> None:
        """Take over changed records (tags) without touching ranks or the selection."""
        fresh = {image.id: image for image in images}
        swap = {hit.image.id: replace(hit, image=fresh[hit.image.id])
                for hit in self._all if hit.image.id in fresh}
        self._all = tuple(swap.get(hit.image.id, hit) for hit in self._all)
        self._shown = [swap.get(hit.image.id, hit) for hit in self._shown]
        if self.listing is not None:
            self._records |= {row: fresh[image_id] for image_id in fresh if (row := self.row_of(image_id)) >= 0}
        self._changed()

    def leave_out(self, ids: Collection[int]) -> None:
        """Take pictures out."""
        self._all = tuple(hit for hit in self._all if hit.image.id not in ids)
        self._arrange()

    def set_order(self, order: str) -> None:
        """Sort hits by one of `ORDERS`."""
        if order in ORDERS and order != self._order:
            self._order = order
            if self.listing is None:
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
        self._shown = self._arranged()
        self.listing, self._rows, self._records = None, self._rows[:0], {}
        self._take_ids()
        self.endResetModel()

    def _arranged(self) -> "list[Hit]":
        """The hits to show, in their order."""
        shown = self._all if self._with_weak else (
            hit for hit in self._all if hit.rank <= self._at_least or hit.strength.level != "weak")
        return sorted(shown, key=ORDERS[self._order][1])

    def _take_ids(self) -> None:
        self.ids = _array([hit.image.id for hit in self._shown])

    def _changed(self) -> None:
        if self.rowCount():
            self.dataChanged.emit(self.index(0), self.index(self.rowCount() - 1))

    def rowCount(self, parent: Index = QModelIndex()) -> int:
        return 0 if parent.isValid() else len(self.ids)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not self.checkIndex(index, QAbstractListModel.CheckIndexOption.IndexIsValid):
            return None
        if role == HIT_ROLE:
            return self.hit(index)
        if role == IMAGE_ROLE:
            return self.image(index.row())
        if role == COPIES_ROLE:
            return self.copies(index.row())
        if role == MOVE_ROLE:
            return self._moves.get(self.image(index.row()).id) if self.listing is None else None
        if role == Qt.ItemDataRole.DisplayRole:
            return self.image(index.row()).path.name
        if role == Qt.ItemDataRole.ToolTipRole:
            return plain_tip("\n".join(self._facts(index)))
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return self._spoken(index)
        return None

    def _facts(self, index: Index) -> list[str]:
        image, hit = self.image(index.row()), self.hit(index)
        if hit is None:
            return [shown(image.path), f"{date_words(image.dated[0])} · {image.width} × {image.height}"
                                       f"{rating_words(image.rating, ' · ')}"]
        return [shown(image.path),
                _("Rank {rank} · score {score:.2f} · {level}{copies_words}{rating_words}{by_branch}").format(
                    rank=hit.rank, score=hit.score, level=hit.strength.level,
                    copies_words=copies_words(hit, " · "), rating_words=rating_words(image.rating, " · "),
                    by_branch=_by_branch(hit))]

    def _spoken(self, index: Index) -> str:
        """Text of a picture for a screen reader."""
        image, hit, copies = self.image(index.row()), self.hit(index), self.copies(index.row())
        more = (_(", {copies} copies").format(copies=copies) if copies > 1 else "") + rating_words(image.rating, ", ")
        if hit is None:
            return f"{image.path.name}, {date_words(image.dated[0])}{more}"
        move = self._moves.get(image.id)
        more += f", {move.words}" if move is not None else ""
        return _("Rank {rank}, {name}, {level} match{more}").format(rank=hit.rank, name=image.path.name,
                                                                    level=hit.strength.level, more=more)

    def flags(self, index: Index) -> Qt.ItemFlag:
        flags = super().flags(index)
        return flags | Qt.ItemFlag.ItemIsDragEnabled if index.isValid() else flags

    def mimeData(self, indexes: Sequence[QModelIndex]) -> QMimeData:
        """The files, so that pictures can be dragged into other programs."""
        data = QMimeData()
        paths = [self.image(index.row()).path for index in indexes]
        data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths if not is_remote(path)])
        return data

    def mimeTypes(self) -> list[str]:
        return ["text/uri-list"]


def _array(ids: Sequence[int]) -> Any:
    """Ids as an array, int64 (n,); numpy is not imported for none, before the first paint."""
    if not ids:
        return ()
    import numpy as np

    return np.array(ids, np.int64)


def _by_branch(hit: "Hit") -> str:
    """Score shares of transcript and speech where the model uses speech: "\nWords 0.31 · voice 0.12"."""
    voice = sum(share.value for share in hit.shares if share.branch == "acoustic")
    words = sum(share.value for share in hit.shares if share.branch == "text")
    listened = any(share.branch == "acoustic" for share in hit.shares)
    return _("\nWords {words:.2f} · voice {voice:.2f}").format(words=words, voice=voice) if listened else ""
