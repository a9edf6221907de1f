"""The search of the last start: kept with its encoded terms, and repeated without a model while nothing has changed."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from brewclip_app.localisation import _
from brewclip_app.panels.search import search_job
from brewclip_app.panels.search.query import HitLimits, Query, to_history
from brewclip_app.panels.search.state import SearchAnswer, SearchState

if TYPE_CHECKING:
    from core.explorer import Explorer
    from core.search.kept_search import KeptSearch

OTHER_MODEL = _("Searched again: the model or its settings have changed since the last start.")
OTHER_GALLERY = _("The gallery has changed since the last start: these are its results now.")
NO_RECORDING = _("Searched again with the words alone: the recording was not kept.")


@dataclass(frozen=True, eq=False)
class LastSearch:
    """`terms` are the query as JSON (`to_history`); `kept` its encoded terms, None where they were not known."""

    terms: str
    gallery: str
    kept: "KeptSearch | None" = None
    all_copies: bool = False

    @classmethod
    def of(cls, state: SearchState, gallery: str) -> "LastSearch":
        """The search that a state shows."""
        from core.search.kept_search import KeptSearch

        answer, kept = state.answer, None
        if answer is not None and answer.query is state.query and answer.result.gallery == gallery:
            kept = KeptSearch(answer.result.terms, answer.result.model, answer.result.revision)
        return cls(to_history(state.query), gallery, kept, state.all_copies)

    def to_json(self) -> dict[str, Any]:
        """A plain dict for `from_json`."""
        return {"query": self.terms, "gallery": self.gallery, "all_copies": self.all_copies,
                "encoded": self.kept.to_json() if self.kept is not None else None}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "LastSearch":
        """The search of `to_json`; encoded terms that are damaged, or of another version, are left out."""
        from core.search.kept_search import KeptSearch

        kept = None
        if isinstance(values.get("encoded"), dict):
            try:
                kept = KeptSearch.from_json(values["encoded"])
            except (KeyError, TypeError, ValueError):
                kept = None
        return cls(str(values["query"]), str(values["gallery"]), kept, bool(values.get("all_copies")))


def repeated(explorer: "Explorer", last: LastSearch, query: Query, top: int, limits: HitLimits, all_copies: bool
             ) -> tuple[SearchAnswer | None, str]:
    """The answer of the search of the last start, and a sentence on what has changed since; in a job.

    None where the query must be encoded again. Errors as in `Explorer.repeat`.
    """
    kept = last.kept
    if kept is None:
        return None, ""
    if not kept.fits([(term.kind, term.weight) for term in query.terms()]):
        return None, NO_RECORDING
    result = explorer.repeat(kept, last.gallery, top, search_job.filter_of(limits), all_copies=all_copies)
    if result is None:
        return None, "" if explorer.query_digest() == kept.model else OTHER_MODEL
    note = "" if result.revision == kept.revision else OTHER_GALLERY
    return SearchAnswer(query, result, searching=result.timings_ms.get("search", 0.0) / 1000, note=note,
                        restored=True), note
