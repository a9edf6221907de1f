"""Fingerprint of an embedding: a hash of everything that decides it.

Embeddings are compared only when their fingerprints are equal (docs/architecture.md, "Rules").
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Fingerprint:
    """`hash` is 16 hex digits of the SHA-256 of `description`, JSON with sorted keys."""

    hash: str
    description: str

    @classmethod
    def of(cls, facts: Mapping[str, str | int | float]) -> "Fingerprint":
        """The fingerprint of the facts: backbone, sha256 of its weights, checkpoint, crop policy, precision."""
        description = json.dumps(dict(facts), sort_keys=True, ensure_ascii=False)
        return cls(hashlib.sha256(description.encode()).hexdigest()[:16], description)

    def facts(self) -> dict[str, str | int | float]:
        """The facts that were hashed."""
        facts: dict[str, str | int | float] = json.loads(self.description)
        return facts
