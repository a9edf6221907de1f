"""Refinements of a query in words: "only the ones at night", "without people", "more like the second one".

A small declared grammar over the English words of a transcript; what none of its rules takes is added text. No torch
and no numpy here: the window imports this when it starts.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

ORDINALS = {word: number for number, words in enumerate((
    ("first", "1st", "one"), ("second", "2nd", "two"), ("third", "3rd", "three"), ("fourth", "4th", "four"),
    ("fifth", "5th", "five"), ("sixth", "6th", "six"), ("seventh", "7th", "seven"), ("eighth", "8th", "eight"),
    ("ninth", "9th", "nine"), ("tenth", "10th", "ten")), 1) for word in words}
CHOSEN = ("this", "that")  # the picture that is selected
NOUN = r"(?:ones?|pictures?|images?|photos?|photographs?|results?|hits?)"


@dataclass(frozen=True)
class Refinement:
    """One term to add: `text`, or the picture at `rank` of the results (from 1; 0: the selected one; None: no
    picture). `minus` takes it away.
    """

    text: str = ""
    rank: int | None = None
    minus: bool = False


@dataclass(frozen=True)
class GrammarRule:
    """One rule: `pattern` finds its beginning, `minus` is the sign of what follows; `example` is for people.

    `picture`: a place in the results follows, such as "the second one", in place of a description.
    """

    pattern: str
    example: str
    minus: bool = False
    picture: bool = False


RULES = (
    GrammarRule(r"(?:less|not|nothing|un)\s*like", "less like the third one", minus=True, picture=True),
    GrammarRule(r"(?:more|just|only|similar|something)?\s*(?:like|to)", "more like the second one", picture=True),
    GrammarRule(rf"(?:without|except(?:\s+for)?|exclude|excluding|remove|hide|minus|no(?:t|ne)?(?:\s+of)?"
                rf"|(?:but|and)\s+(?:no|not|without))(?:\s+(?:any|the)(?:\s+{NOUN})?)?(?:\s+(?:with|showing))?",
                "without people", minus=True),
    GrammarRule(rf"(?:(?:show|keep|give)(?:\s+me)?\s+)?(?:only|just)(?:\s+(?:the|those|that))?(?:\s+{NOUN})?"
                r"(?:\s+(?:that|which|who)\s+(?:are|is|were|was))?(?:\s+(?:with|showing))?", "only the ones at night"),
    GrammarRule(r"(?:and\s+)?(?:also|plus|with|add)(?:\s+(?:the|some))?", "with a dog"),
)
EXACT_PLACE = re.compile(  # of a picture, where a description may stand as well: "without the second one"
    rf"^(?:the\s+)?(?:(?P<place>first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth|\d+(?:st|nd|rd|th))"
    rf"\s+{NOUN}|(?:{NOUN}\s+)?number\s+(?P<number>\w+))$")
PLACE = re.compile(rf"^(?:the\s+)?(?:{NOUN}\s+)?(?:number\s+)?(?P<place>\w+)(?:\s+{NOUN})?$")
PAUSED = re.compile(r"\b(more|less|only|just|without|with|like|not|except)\s*[,.]\s+")  # in the middle of a rule
ANSWERS = ("no", "yes", "well", "so", "hmm")  # by themselves they ask for nothing
FILLING = re.compile(r"^(?:(?:um+|uh+|er+|okay|ok|now|please|and|but)\b\s*)+|\s*\bplease$")
BREAK = re.compile(r"\s*[,;.]\s*|\s+(?=(?:but|and)\s+(?:no|not|without|only|also)\b)"
                   r"|(?<!\band)(?<!\bbut)\s+(?=without\b)")


def refinements(transcript: str) -> tuple[Refinement, ...]:
    """Terms that a transcript adds to a query, in the order spoken; () without words."""
    words = PAUSED.sub(r"\1 ", transcript.lower().strip(" .!?,;"))
    return tuple(refinement for part in BREAK.split(words) for refinement in _of(part))


def _of(part: str) -> Iterator[Refinement]:
    words = FILLING.sub("", part.strip())
    if not words or words in ANSWERS:
        return
    for rule in RULES:
        begun = re.match(rf"(?:{rule.pattern})\b\s*", words)
        rest = words[begun.end():].strip() if begun else ""
        if not rest:
            continue
        exact = EXACT_PLACE.match(rest)
        if not rule.picture and exact is not None and (named := _rank(exact["place"] or exact["number"])) is not None:
            yield Refinement(rank=named, minus=rule.minus)
            return
        if not rule.picture:
            yield Refinement(rest, minus=rule.minus)
            return
        place = PLACE.match(rest)
        rank = _rank(place["place"]) if place else None
        if rank is not None:
            yield Refinement(rank=rank, minus=rule.minus)
            return
    yield Refinement(words)


def _rank(word: str) -> int | None:
    """The place in the results that a word names: 0 for the selected picture, None if it names none."""
    if word in CHOSEN:
        return 0
    return ORDINALS.get(word) or (int(word) if word.isdecimal() and 0 < int(word) < 1000 else None)
