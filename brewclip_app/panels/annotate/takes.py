"""The kept takes of the opened gallery, with the words that were recognised here."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from core.store.records import TakeRecord


class KeptTakes:
    """Takes by picture. A list that was read before a take was recognised does not take its words away."""

    def __init__(self) -> None:
        self._by_picture: dict[int, list[TakeRecord]] = {}
        self._heard: dict[int, TakeRecord] = {}

    def all(self) -> "list[TakeRecord]":
        """Those of all pictures."""
        return [take for takes in self._by_picture.values() for take in takes]

    def of(self, image_id: int | None) -> "list[TakeRecord]":
        """Those of a picture."""
        return list(self._by_picture.get(image_id or 0, []))

    def one(self, take_id: int) -> "TakeRecord | None":
        """The take of an id; None when it is not kept."""
        return next((take for take in self.all() if take.id == take_id), None)

    def show(self, takes: "Iterable[TakeRecord]") -> None:
        """Another list, read from the store."""
        from core.annotation.captions import heard_words

        self._by_picture = {}
        for take in takes:
            words = self._heard.get(take.id)
            if words is not None and words.heard is not None and take.heard is None:
                take = take.with_heard(words.heard, heard_words(words))
            self._by_picture.setdefault(take.image_id or 0, []).append(take)

    def add(self, take: "TakeRecord", replaces: "TakeRecord | None") -> None:
        """A new take; the one that it replaces is gone."""
        kept = [each for each in self.of(take.image_id) if replaces is None or each.id != replaces.id]
        self._by_picture[take.image_id or 0] = [*kept, take]

    def take_words(self, take: "TakeRecord") -> None:
        """A take was recognised."""
        self._heard[take.id] = take
        self.show(self.all())
