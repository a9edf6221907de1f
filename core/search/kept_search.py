"""Encoded terms of a search, kept so that a later start repeats it without encoding them again."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.search.queries import EncodedTerm, Floats
from core.search.terms import BY_KIND

LENGTH = 1e-3  # by which a kept vector may differ from unit length


@dataclass(frozen=True, eq=False)
class KeptSearch:
    """Terms of a search with their vectors.

    `model` is a digest of all that decides the vectors (`ModelRegistry.query_digest`), `revision` the gallery's
    revision that was searched (`Gallery.revision`).
    """

    terms: tuple[EncodedTerm, ...]
    model: str
    revision: str

    def fits(self, kinds_and_weights: Sequence[tuple[str, float]]) -> bool:
        """Whether the terms of a query, as kinds and weights in their order, are these."""
        return [(term.kind, term.weight) for term in self.terms] == list(kinds_and_weights)

    def to_json(self) -> dict[str, Any]:
        """A plain dict for `from_json`; vectors as base64 of little-endian float32."""
        return {"model": self.model, "revision": self.revision,
                "terms": [{"kind": term.kind, "label": term.label, "weight": term.weight,
                           "vector": _packed(term.vector), "voice": _packed(term.voice)} for term in self.terms]}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "KeptSearch":
        """The search of `to_json`. KeyError, TypeError, ValueError if damaged."""
        terms = tuple(_term(facts) for facts in values["terms"])
        if not terms or len({term.vector.shape for term in terms}) > 1:
            raise ValueError("no terms, or vectors of several sizes")
        return cls(terms, str(values["model"]), str(values["revision"]))


def _packed(vector: Floats | None) -> str:
    return "" if vector is None else base64.b64encode(np.asarray(vector, "<f4").tobytes()).decode()


def _term(facts: Mapping[str, Any]) -> EncodedTerm:
    vector, voice = _unpacked(facts["vector"]), _unpacked(facts["voice"]) if facts["voice"] else None
    weight = float(facts["weight"])
    whole = abs(float(np.linalg.norm(vector)) - 1) < LENGTH and np.isfinite(weight) and facts["kind"] in BY_KIND
    if not whole or (voice is not None and (voice.shape != vector.shape or not np.isfinite(voice).all())):
        raise ValueError("a vector is damaged")
    return EncodedTerm(facts["kind"], str(facts["label"]), vector, weight, voice)


def _unpacked(text: str) -> Floats:
    return np.frombuffer(base64.b64decode(text, validate=True), "<f4").astype(np.float32)
