"""The terms of `brewclip search`, in the order in which they stand on the command line."""

import argparse
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from core.explorer import Ask
    from core.search.queries import Kind

TERMS: "tuple[tuple[Kind, str, str, str], ...]" = (
    ("speech", "FILE", "a recording of a spoken description", "a spoken description to take away"),
    ("text", "TEXT", "a typed description", "a typed description to take away"),
    ("image", "FILE", "a picture to be like", "a picture to be unlike"),
)


class _AddTerm(argparse.Action):
    """Appends a term; `const` is its kind and sign."""

    def __call__(self, parser: argparse.ArgumentParser, namespace: argparse.Namespace, values: Any,
                 option_string: str | None = None) -> None:
        kind, sign = self.const
        namespace.terms = [*namespace.terms, (kind, str(values), sign)]


class _Weigh(argparse.Action):
    """Weighs the term before it."""

    def __call__(self, parser: argparse.ArgumentParser, namespace: argparse.Namespace, values: Any,
                 option_string: str | None = None) -> None:
        if not namespace.terms:
            parser.error("--weight belongs to the term before it, and there is none")
        kind, given, sign = namespace.terms[-1]
        namespace.terms = [*namespace.terms[:-1], (kind, given, math.copysign(values, sign))]


def weight(text: str) -> float:
    """A weight above 0; argparse turns the ValueError into a message."""
    value = float(text)
    if not 0 < value < math.inf:
        raise ValueError(text)
    return value


def add_terms(parser: argparse.ArgumentParser) -> None:
    """Have the parser take terms, minus terms and weights; they end up in `terms`."""
    parser.set_defaults(terms=[])
    for kind, metavar, plus, _ in TERMS:
        _add_term(parser, f"--{kind}", (kind, 1.0), metavar, plus)
    for kind, metavar, _, minus in TERMS:
        _add_term(parser, f"--minus-{kind}", (kind, -1.0), metavar, minus)
    parser.add_argument("--weight", action=_Weigh, type=weight, metavar="W", dest="terms", default=argparse.SUPPRESS,
                        help="how much the term before it counts (1 unless told)")


def _add_term(parser: argparse.ArgumentParser, option: str, const: object, metavar: str, about: str) -> None:
    parser.add_argument(option, action=_AddTerm, const=const, metavar=metavar, dest="terms", default=argparse.SUPPRESS,
                        help=about)


def asks(terms: "Sequence[tuple[Kind, str, float]]") -> "list[Ask]":
    """The terms as the explorer takes them."""
    from core.explorer import Ask

    return [Ask(kind, text=given, weight=value) if kind == "text" else Ask(kind, path=Path(given), weight=value)
            for kind, given, value in terms]
