"""A spoken refinement applied to a query: its words become terms, and places in the results become pictures."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from brewclip_app import wording
from brewclip_app.localisation import _
from brewclip_app.panels.search.query import Query
from core.search.refinement import refinements
from core.search.terms import QueryTerm

if TYPE_CHECKING:
    from core.search.queries import Hit
    from core.store.records import ImageRecord


def example(image: "ImageRecord", sign: int = 1) -> QueryTerm:
    """A picture of the gallery as a term."""
    return QueryTerm("image", path=image.path, image_id=image.id, weight=float(sign))


def refined(query: Query, words: str, hits: "Sequence[Hit]", chosen: "ImageRecord | None" = None) -> tuple[Query, str]:
    """The query with what was said added (`core.search.refinement`), and what could not be, in a sentence.

    `hits` are those that "the second one" counts, best first; `chosen` is "this".
    """
    problem = ""
    for refinement in refinements(words):
        sign = -1 if refinement.minus else 1
        if refinement.rank is None:
            query = query.plus(QueryTerm("text", refinement.text, weight=float(sign)))
            continue
        image = chosen if not refinement.rank else hits[refinement.rank - 1].image if refinement.rank <= len(
            hits) else None
        if image is not None:
            query = query.plus(example(image, sign))
        else:
            problem = (_("There is no result {rank}: there are {pictures}.").format(rank=refinement.rank,
                                                                                    pictures=wording.pictures(len(
                                                                                        hits)))
                       if refinement.rank else _("No picture is selected: say its number, or select it first."))
    return query, problem
