"""Vectors of the branches of recordings, computed once and kept: by what made them and what is in a recording."""

import contextlib
import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from core.emotion.branches import KINDS, BranchEncoder, Vectors
from core.emotion.layer_cache import Floats
from core.features.array_store import ArrayStore
from core.features.content_hashes import Digests
from core.features.speech_cache import CachedUtterance
from core.progress import Progress, Report, WorkStep, silent

if TYPE_CHECKING:
    from core.explorer import Explorer

AT_ONCE = 64  # recordings between two times that vectors are on disk
Windows = tuple[Floats, Vectors]  # times (k,) in s, and vectors of the second around each


class KeptBranches:
    """What `BranchEncoder` says of n recordings, `paths` and `spoken`. Stopping costs `AT_ONCE` recordings at most."""

    def __init__(self, explorer: "Explorer", branches: BranchEncoder, paths: Sequence[Path],
                 spoken: Sequence[CachedUtterance]
                 ) -> None:
        self.branches, self._spoken = branches, tuple(spoken)
        self._store = ArrayStore(explorer.home.caches / "emotion-branches")
        digests = Digests(explorer.home.caches / "recordings")
        self._digests = [_digest(digests, path, one) for path, one in zip(paths, spoken, strict=True)]
        self._whole: dict[int, Vectors] = {}  # by seed

    def vectors(self, seed: int, report: Report = silent) -> Vectors:
        """The vectors of all recordings. StoreError."""
        if seed not in self._whole:
            everyone = range(len(self._spoken))
            for part in self._missing(everyone, seed, ""):
                report(Progress(WorkStep.EMBEDDING_VOICES, part[0], len(self._spoken)))
                found = self.branches.vectors([self._spoken[place] for place in part], seed)
                self._keep({self._key(place, seed, ""): _arrays(_row(found, number))
                            for number, place in enumerate(part)})
            self._whole[seed] = _stacked([_vectors(self._store.get(self._key(place, seed, ""))) for place in everyone])
        return self._whole[seed]

    def windows(self, places: Sequence[int], seed: int, report: Report = silent) -> list[Windows]:
        """What is said over the time of recordings. StoreError."""
        for part in self._missing(places, seed, "windows"):
            report(Progress(WorkStep.EMBEDDING_WINDOWS, part[0], len(self._spoken)))
            found = {place: self.branches.windows(self._spoken[place], seed) for place in part}
            self._keep({self._key(place, seed, "windows"): [times, *_arrays(vectors)]
                        for place, (times, vectors) in found.items()})
        kept = (self._store.get(self._key(place, seed, "windows")) for place in places)
        return [(times, _vectors(arrays)) for times, *arrays in kept]

    def _missing(self, places: Sequence[int], seed: int, what: str) -> list[list[int]]:
        new = [place for place in places if self._key(place, seed, what) not in self._store]
        return [new[start:start + AT_ONCE] for start in range(0, len(new), AT_ONCE)]

    def _keep(self, found: dict[str, list[Floats]]) -> None:
        with self._store.writer() as writer:
            for key, arrays in found.items():
                writer.add(key, arrays)

    def _key(self, place: int, seed: int, what: str) -> str:
        return f"{self._digests[place][:32]}+{what}+{self.branches.fingerprint(seed)}"


def _digest(digests: Digests, path: Path, one: CachedUtterance) -> str:
    """Of a recording; where its file is not known any more, of what was heard in it."""
    with contextlib.suppress(OSError):
        known = digests.of(path)
        if known is not None:
            return known
    heard = hashlib.sha256(one.transcript.text.encode())
    for states in one.states:
        heard.update(states.tobytes())
    return heard.hexdigest()


def _arrays(vectors: Vectors) -> list[Floats]:
    """One array a kind, an empty one for a kind that the model lacks."""
    return [vectors.by_kind.get(kind, np.zeros(0, np.float32)) for kind in KINDS]


def _vectors(arrays: Sequence[Floats]) -> Vectors:
    return Vectors({kind: array for kind, array in zip(KINDS, arrays, strict=True) if array.size})


def _row(vectors: Vectors, number: int) -> Vectors:
    return Vectors({kind: array[number:number + 1] for kind, array in vectors.by_kind.items()})


def _stacked(found: Sequence[Vectors]) -> Vectors:
    return Vectors({kind: np.concatenate([one.by_kind[kind] for one in found]) for kind in found[0].by_kind})
