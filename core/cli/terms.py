"""The terms of `brewclip search`, in the order of the command line."""

import argparse
import math
from typing import Any

from core.cli.options import CommandOption, input_file, option
from core.search.terms import MODALITIES, Modality, QueryTerm


class _AddTerm(argparse.Action):
    """Appends a term; `const` is its kind and sign."""

    def __call__(self, parser: argparse.ArgumentParser, namespace: argparse.Namespace, values: Any,
                 option_string: str | None = None) -> None:
        kind, sign = self.const
        term = (QueryTerm("text", str(values), weight=sign) if kind == "text"
                else QueryTerm(kind, path=values, weight=sign))
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


def _term(modality: Modality, minus: bool) -> CommandOption:
    return option(f"--minus-{modality.kind}" if minus else f"--{modality.kind}", action=_AddTerm,
                  const=(modality.kind, -1.0 if minus else 1.0), metavar=modality.argument, dest="terms", default=(),
                  type=str if modality.kind == "text" else input_file, help=modality.minus if minus else modality.plus)


OPTIONS = (
    *(_term(modality, minus) for minus in (False, True) for modality in MODALITIES),
    option("--weight", action=_SetWeight, type=weight, metavar="W", dest="terms", default=(),
           help="weight of the term before it (default: 1)"))
