"""The query as the window holds it: its main term and the others, and how it goes into the history."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

from brewclip_app.localisation import as_shown
from core import plain_json
from core.dates import Span
from core.search.terms import MINUS, QueryTerm, source_of, text_of

if TYPE_CHECKING:
    from core.asr.transcript import Transcript
    from core.audio import Waveform

LEADING_MINUS = ("-", MINUS, "\N{EN DASH}")
SAME_LETTERS = 0.7  # of two texts, from which on one corrects the other


@dataclass(frozen=True, eq=False)
class Query:
    """The main term, spoken or typed in the transcript's line, and further included or excluded terms."""

    main: QueryTerm | None = None
    extras: tuple[QueryTerm, ...] = ()

    def terms(self) -> tuple[QueryTerm, ...]:
        """All terms, the main one first."""
        return ((self.main,) if self.main else ()) + self.extras

    def with_text(self, text: str) -> "Query":
        """Query with the main term's words corrected, or typed where there was none.

        A recording that was not transcribed has no words to correct: what is typed takes its place.
        """
        if self.main is None or self.main.kind == "image" or not self.main.ready:
            return replace(self, main=QueryTerm("text", text))
        if text == self.main.text:
            return self
        return replace(self, main=replace(self.main, text=text, edited=True))

    def is_corrected_by(self, text: str) -> bool:
        """Whether a text corrects the main term's, rather than being another query."""
        main = self.main
        return main is None or not main.text or _alike(main.text, text)

    def without_voice(self) -> "Query":
        """Query with the words of the main term alone, without its recording."""
        if self.main is None or self.main.kind != "speech":
            return self
        words = QueryTerm("text", self.main.text, weight=self.main.weight) if self.main.text else None
        return replace(self, main=words)

    def with_term(self, index: int, term: QueryTerm | None) -> "Query":
        """Query with the term at an index of `terms()` replaced; None removes it."""
        if self.main is not None and index == 0:
            return replace(self, main=term)
        at = index - (self.main is not None)
        put = () if term is None else (term,)
        return replace(self, extras=self.extras[:at] + put + self.extras[at + 1:])

    def plus(self, term: QueryTerm) -> "Query":
        """Query with one more term."""
        return replace(self, extras=(*self.extras, term))

    @property
    def text(self) -> str:
        """The whole query as people write it: "beach + IMG_1.jpg − people"."""
        return text_of(self.terms())

    @property
    def least_like(self) -> str:
        """The terms of a query that only excludes, for people; "" for any other."""
        terms = self.terms()
        only_minus = all(term.weight < 0 for term in terms)
        return " and ".join(f"“{as_shown(term.label)}”" for term in terms) if only_minus else ""

    @property
    def source(self) -> Literal["speech", "text", "image", "mixed"]:
        """Modality of the terms, for the history."""
        return source_of(term.kind for term in self.terms())


@dataclass(frozen=True)
class HitLimits:
    """Limits on the images that are searched; empty for none."""

    name: str = ""
    tag: str = ""
    folder: str = ""
    taken: Span = (None, None)
    min_rating: int = 0

    @property
    def any(self) -> bool:
        """Whether any image is left out."""
        return self != HitLimits()


def _alike(left: str, right: str) -> bool:
    """Similarity of two texts: half of the words stay, or most of the letters."""
    words, others = left.lower().split(), right.lower().split()
    shared = sum(block.size for block in SequenceMatcher(None, words, others, autojunk=False).get_matching_blocks())
    if 2 * shared >= max(len(words), len(others)):
        return True
    return SequenceMatcher(None, left.lower(), right.lower(), autojunk=False).ratio() >= SAME_LETTERS


def typed(text: str) -> QueryTerm | None:
    """Term of a typed text; a leading minus excludes it. None for an empty text."""
    text = text.strip()
    minus = text.startswith(LEADING_MINUS)
    words = " ".join(text.lstrip("+" + "".join(LEADING_MINUS)).split())
    return QueryTerm("text", words, weight=-1.0 if minus else 1.0) if words else None


def to_history(query: Query) -> str:
    """The query as JSON; the recording itself is the history's."""
    return json.dumps([{**term.to_json(), "main": term is query.main} for term in query.terms()], ensure_ascii=False)


def is_spoken(terms: str) -> bool:
    """Whether the main term of a query of the history was spoken."""
    return any(facts["kind"] == "speech" and facts["main"] for facts in plain_json.loads(terms))


def from_history(terms: str, recordings: "Mapping[int, Waveform]" = MappingProxyType({}),
                 transcripts: "Sequence[Transcript]" = ()) -> Query:
    """The query of `to_history`. A spoken term whose recording, by its index, was not kept comes back as its words.

    Of the `transcripts` of the recordings, the one with a term's words tells its language and its doubtful words.
    """
    query = Query()
    for at, facts in enumerate(plain_json.loads(terms)):
        term = QueryTerm.from_json(facts)
        if term.kind == "speech" and at in recordings:
            transcript = next((each for each in transcripts if each.text.strip() == term.text.strip()), None)
            term = replace(term, waveform=recordings[at], transcript=None if term.edited else transcript)
        elif term.kind == "speech":
            term = replace(term, kind="text")
        query = replace(query, main=term) if facts["main"] else query.plus(term)
    return query
