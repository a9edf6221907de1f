"""The query that is being built, and the ones before it for undo."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from brewclip_app.panels.search.query import Query, typed
from core.search.terms import QueryTerm

if TYPE_CHECKING:
    from core.audio import Waveform
    from core.search.queries import Hit

MOST_UNDO = 50


class SearchSession(QObject):
    """Every change that asks something new emits `asked`."""

    asked = Signal(object)  # Query
    emptied = Signal()
    replaced = Signal(object)  # the Query as it would be with the terms that new words left behind

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.query = Query()
        self._before: list[Query] = []

    def say(self, waveform: "Waveform", sign: int = 0) -> None:
        """A recording: the main term (sign 0), or one more that adds (+1) or takes away (-1)."""
        if sign:
            self._ask(self.query.plus(QueryTerm("speech", waveform=waveform, weight=float(sign))))
        else:
            self._ask(replace(self.query, main=QueryTerm("speech", waveform=waveform)))

    def type_main(self, text: str) -> None:
        """Words in the transcript's line: a correction keeps the recording and the other terms, another text does not.
        """
        main = self.query.main
        left_behind = bool(self.query.extras) or (main is not None and main.kind == "speech")
        if left_behind and not self.query.is_corrected_by(text):
            kept = self.query.with_text(text)
            self._ask(Query(QueryTerm("text", text)))
            self.replaced.emit(kept)
            return
        changed = self.query.with_text(text)
        if changed is not self.query:
            self._ask(changed)
        else:
            self.asked.emit(self.query)  # Enter without a change: search again

    def type_extra(self, text: str) -> None:
        """Words typed into the chips, a leading minus takes away."""
        term = typed(text)
        if term is not None:
            self._ask(self.query.plus(term))

    def add_picture(self, path: Path, image_id: int | None = None, sign: int = 1) -> None:
        """A picture, of the gallery or any file."""
        self._ask(self.query.plus(QueryTerm("image", path=path, image_id=image_id, weight=float(sign))))

    def add_hits(self, hits: "Sequence[Hit]") -> None:
        """Pictures of the gallery as more terms."""
        self._ask(replace(self.query, extras=(*self.query.extras, *map(_example, hits))))

    def more_like(self, *hits: "Hit") -> None:
        """A new query: these pictures alone."""
        self._ask(Query(None, tuple(map(_example, hits))))

    def drop_voice(self) -> None:
        """The words of the recording alone."""
        query = self.query.without_voice()
        if query is self.query:
            return
        if query.terms():
            self._ask(query)
        else:
            self.clear()

    def change(self, index: int, term: QueryTerm | None) -> None:
        """Put another term in the place of one; None takes it out."""
        changed = self.query.with_term(index, term)
        if changed.terms():
            self._ask(changed)
        else:
            self.clear()

    def open(self, query: Query) -> None:
        """Another query as a whole, from the history."""
        self._ask(query)

    def clear(self) -> None:
        """Nothing is asked."""
        self._keep()
        self.query = Query()
        self.emptied.emit()

    def undo(self) -> bool:
        """The query before; False when there is none."""
        if not self._before:
            return False
        self.query = self._before.pop()
        if self.query.terms():
            self.asked.emit(self.query)
        else:
            self.emptied.emit()
        return True

    def take(self, query: Query) -> None:
        """The same query with its transcripts filled in."""
        self.query = query

    def give_up(self) -> None:
        """Back to the query before, without asking it: the last one said nothing."""
        self.query = self._before.pop() if self._before else Query()

    def _ask(self, query: Query) -> None:
        self._keep()
        self.query = query
        self.asked.emit(query)

    def _keep(self) -> None:
        self._before = [*self._before, self.query][-MOST_UNDO:]


def _example(hit: "Hit") -> QueryTerm:
    return QueryTerm("image", path=hit.image.path, image_id=hit.image.id)
