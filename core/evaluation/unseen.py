"""Pictures of an evaluated split that a model was trained or selected on, by what is in the files.

A checkpoint keeps digests of the pictures of its training and dev splits. Names of folders and ids say nothing: copies
have other names, and datasets share pictures (SpokenCOCO and Localized Narratives).
"""

import base64
import binascii
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.features.content_hashes import Digests
from core.models.checkpoints import Run

DIGESTS = "image_digests"  # in a run's facts of its data
WIDTH = 8  # bytes of each SHA-256 that are kept: two of a million pictures share them once in 40 million checkpoints
UNKNOWN = ("It is not known which of these pictures the model was trained on: its checkpoint keeps no digests of them "
           "(made by an earlier version).")


def packed(digests: Iterable[str]) -> str:
    """Digests (hex) as a checkpoint keeps them: the first 8 bytes of each, sorted, in base64."""
    heads = sorted({bytes.fromhex(digest)[:WIDTH] for digest in digests})
    return base64.b64encode(b"".join(heads)).decode()


def learnt(run: Run, pictures: Sequence[Path | None], digests: Digests) -> tuple[NDArray[np.bool_] | None, str]:
    """Which pictures (n,) the model was trained or selected on; None and the reason where that is not known.

    `digests` are those of files that were read before; others are read now. A picture that is gone was not seen.
    """
    try:
        digest_bytes = base64.b64decode(str(run.dataset.get(DIGESTS) or ""), validate=True)
    except binascii.Error:
        digest_bytes = b""
    if not digest_bytes or len(digest_bytes) % WIDTH:
        return None, UNKNOWN
    heads = {digest_bytes[start:start + WIDTH] for start in range(0, len(digest_bytes), WIDTH)}
    return np.array([bytes.fromhex(digests.read(path))[:WIDTH] in heads for path in pictures], bool), ""


def digests_of(pictures: Iterable[Path | None], digests: Digests) -> list[str]:
    """Digests (hex) of the images that can be read."""
    return [digest for path in pictures if (digest := digests.read(path))]
