"""The terms of `brewclip search`, in the order in which they stand on the command line."""

import argparse
import math
from pathlib import Path
from typing import Any

from core.search.terms import MODALITIES, QueryTerm


class _AddTerm(argparse.Action):
    """Appends a term; `const` is its kind and sign."""

    def __call__(self, parser: argparse.ArgumentParser, namespace: argparse.Namespace, values: Any,
                 option_string: str | None = None) -> None:
        kind, sign = self.const
        term = (QueryTerm("text", str(values), weight=sign) if kind == "text"
                else QueryTerm(kind, path=Path(values), weight=sign))
        namespace.terms = [*namespace.terms, term]


class _SetWeight(argparse.Action):
    """Sets the weight of the term before it."""

    def __call__(self, parser: argparse.ArgumentParser, namespace: argparse.Namespace, values: Any,
                 option_string: str | None = None) -> None:
        if not namespace.terms:
            parser.error("--weight belongs to the term before it, and there is none")
        namespace.terms = [*namespace.terms[:-1], namespace.terms[-1].weighing(values)]


def weight(text: str) -> float:
    """A weight above 0; argparse turns the ValueError into a message."""
    value = float(text)
    if not 0 < value < math.inf:
        raise ValueError(text)
    return value


def add_terms(parser: argparse.ArgumentParser) -> None:
    """Have the parser take terms, minus terms and weights; they end up in `terms` as `QueryTerm`s."""
    parser.set_defaults(terms=[])
    options = [(f"--{each.kind}", 1.0, each, each.plus) for each in MODALITIES]
    options += [(f"--minus-{each.kind}", -1.0, each, each.minus) for each in MODALITIES]
    for option, sign, modality, about in options:
        parser.add_argument(option, action=_AddTerm, const=(modality.kind, sign), metavar=modality.argument,
                            dest="terms", default=argparse.SUPPRESS, help=about)
    parser.add_argument("--weight", action=_SetWeight, type=weight, metavar="W", dest="terms",
                        default=argparse.SUPPRESS, help="weight of the term before it (default: 1)")
