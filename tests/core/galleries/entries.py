"""Indexed files that need no images on disk."""

import numpy as np

from core.fingerprint import Fingerprint
from core.store.records import DecodedImageFacts, FileStamp, IndexedFile

FINGERPRINT = Fingerprint.of({"backbone": "fake", "crop": "centre"})


def make_entry(name: str, content: int, embedded: bool = True, mtime_ns: int = 1) -> IndexedFile:
    """An entry: a path below /pictures, a content named by a number, and by default a vector of its own."""
    vector = np.zeros(4, np.float32)
    vector[content % 4] = 1
    return IndexedFile(f"/pictures/{name}", FileStamp(10, mtime_ns), content.to_bytes(32, "big"),
                       DecodedImageFacts(40, 30, None), vector if embedded else None)
