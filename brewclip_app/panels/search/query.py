"""What is asked, as the window holds it: frozen terms, their signs and weights, and how they go into the history."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from difflib import SequenceMatcher
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from core import plain_json

if TYPE_CHECKING:
    from core.asr.transcript import Transcript
    from core.audio import Waveform
    from core.explorer import Ask

Kind = Literal["speech", "text", "image"]
WEIGHTS = (0.25, 0.5, 0.75, 1.0, 1.5, 2.0)
MINUS = "\N{MINUS SIGN}"
LEADING_MINUS = ("-", MINUS, "\N{EN DASH}")
SPOKEN = "spoken query"
SAME_LETTERS = 0.7  # of two texts, from which on one corrects the other


@dataclass(frozen=True, eq=False)
class QueryTerm:
    """One term. `text` of a spoken one is its transcript, or what the user made of it (`edited`)."""

    kind: Kind
    text: str = ""
    path: Path | None = None  # of a picture
    image_id: int | None = None
    waveform: "Waveform | None" = None
    transcript: "Transcript | None" = None
    edited: bool = False
    weight: float = 1.0  # negative takes away

    @property
    def label(self) -> str:
        """What the chip says."""
        if self.kind == "image":
            return self.path.name if self.path else "picture"
        return self.text or SPOKEN

    @property
    def ready(self) -> bool:
        """Whether it says anything yet: an utterance that was not recognised does not."""
        return self.kind != "speech" or bool(self.text)

    def flipped(self) -> "QueryTerm":
        """The same with the other sign."""
        return replace(self, weight=-self.weight)

    def weighing(self, size: float) -> "QueryTerm":
        """The same with another weight, 0.25 to 2, its sign kept."""
        return replace(self, weight=size if self.weight > 0 else -size)

    def stepped(self, steps: int) -> "QueryTerm":
        """The same, some steps of `WEIGHTS` heavier or lighter."""
        nearest = min(range(len(WEIGHTS)), key=lambda at: abs(WEIGHTS[at] - abs(self.weight)))
        return self.weighing(WEIGHTS[min(len(WEIGHTS) - 1, max(0, nearest + steps))])

    def ask(self) -> "Ask":
        """The explorer's form of it; imports the core, so call it inside a job."""
        from core.explorer import Ask
        if self.kind == "speech":
            return Ask("speech", text=self.text, waveform=self.waveform, weight=self.weight)
        if self.kind == "image":
            return Ask("image", path=self.path, image_id=self.image_id, weight=self.weight)
        return Ask("text", text=self.text, weight=self.weight)


@dataclass(frozen=True, eq=False)
class Query:
    """The main term, said or typed in the transcript's line, and what is added or taken away."""

    main: QueryTerm | None = None
    extras: tuple[QueryTerm, ...] = ()

    def terms(self) -> tuple[QueryTerm, ...]:
        """All terms, the main one first."""
        return ((self.main,) if self.main else ()) + self.extras

    def with_text(self, text: str) -> "Query":
        """With the main term's words corrected, or typed where there was none.

        A recording that was not transcribed has no words to correct: what is typed takes its place.
        """
        if self.main is None or self.main.kind == "image" or not self.main.ready:
            return replace(self, main=QueryTerm("text", text))
        if text == self.main.text:
            return self
        return replace(self, main=replace(self.main, text=text, edited=True))

    def is_corrected_by(self, text: str) -> bool:
        """Whether a text corrects the main term's words, rather than asking for something else."""
        main = self.main
        return main is None or not main.text or _alike(main.text, text)

    def without_voice(self) -> "Query":
        """With the words of the main term alone, without its recording."""
        if self.main is None or self.main.kind != "speech":
            return self
        words = QueryTerm("text", self.main.text, weight=self.main.weight) if self.main.text else None
        return replace(self, main=words)

    def with_term(self, index: int, term: QueryTerm | None) -> "Query":
        """With the term at an index of `terms()` replaced; None takes it out."""
        if self.main is not None and index == 0:
            return replace(self, main=term)
        at = index - (self.main is not None)
        put = () if term is None else (term,)
        return replace(self, extras=self.extras[:at] + put + self.extras[at + 1:])

    def plus(self, term: QueryTerm) -> "Query":
        """With one more term."""
        return replace(self, extras=(*self.extras, term))

    @property
    def text(self) -> str:
        """The whole query as people write it: "beach + IMG_1.jpg − people"."""
        return words_of(self.terms())

    @property
    def source(self) -> Literal["speech", "text", "image", "mixed"]:
        """What it is made of, for the history."""
        kinds = {term.kind for term in self.terms()}
        return kinds.pop() if len(kinds) == 1 else "mixed"


def _alike(one: str, other: str) -> bool:
    """Similarity of two texts: half of the words stay, or most of the letters."""
    words, others = one.lower().split(), other.lower().split()
    shared = sum(block.size for block in SequenceMatcher(None, words, others, autojunk=False).get_matching_blocks())
    if 2 * shared >= max(len(words), len(others)):
        return True
    return SequenceMatcher(None, one.lower(), other.lower(), autojunk=False).ratio() >= SAME_LETTERS


def words_of(terms: Sequence[QueryTerm]) -> str:
    """Terms as people write them."""
    parts = [f"{'+' if term.weight > 0 else MINUS} {term.label}" for term in terms]
    return " ".join(parts).removeprefix("+ ")


def typed(text: str) -> QueryTerm | None:
    """The term of typed words; a leading minus takes away. None when nothing was typed."""
    text = text.strip()
    minus = text.startswith(LEADING_MINUS)
    words = " ".join(text.lstrip("+" + "".join(LEADING_MINUS)).split())
    return QueryTerm("text", words, weight=-1.0 if minus else 1.0) if words else None


@dataclass(frozen=True)
class KeptTerm:
    """A term as the history keeps it, JSON; the voice itself is the history's recording."""

    kind: Kind
    text: str
    path: str
    image_id: int | None
    edited: bool
    weight: float
    main: bool


def to_history(query: Query) -> str:
    """The query as JSON."""
    return json.dumps([asdict(KeptTerm(term.kind, term.text, str(term.path or ""), term.image_id, term.edited,
                                       term.weight, term is query.main)) for term in query.terms()],
                      ensure_ascii=False)


def is_spoken(terms: str) -> bool:
    """Whether the main term of a query of the history was said."""
    return any(facts["kind"] == "speech" and facts["main"] for facts in plain_json.loads(terms))


def from_history(terms: str, waveform: "Waveform | None", again: bool = True) -> Query:
    """The query of the history; a voice that was not kept comes back as its words. `again` has the voice recognised
    once more, for the words with their doubts.
    """
    query = Query()
    for facts in plain_json.loads(terms):
        kept = KeptTerm(**facts)
        voice = waveform if kept.kind == "speech" and kept.main else None
        kind: Kind = "text" if kept.kind == "speech" and voice is None else kept.kind
        text = "" if again and voice is not None and not kept.edited else kept.text
        term = QueryTerm(kind, text, Path(kept.path) if kept.path else None, kept.image_id, voice,
                         edited=kept.edited, weight=kept.weight)
        query = replace(query, main=term) if kept.main else query.plus(term)
    return query
