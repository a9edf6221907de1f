"""Branch vectors of recordings, computed once and kept by model and content."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

from core.asr.transcript import EncodedUtterance
from core.emotion.branches import KINDS, BranchEncoder, Vectors
from core.emotion.layer_cache import Floats
from core.features.array_store import ArrayStore
from core.features.content_hashes import Digests
from core.features.feature_cache import Computed, FeatureCache, Missing
from core.progress import Report, WorkStep, silent
from core.workspace import Workspace

AT_ONCE = 16  # recordings between two times that vectors are on disk, and progress is reported
Windows = tuple[Floats, Vectors]  # times (k,) in s, and vectors of the second around each


class BranchCache:
    """Vectors of n recordings, `paths` and `spoken`, under `branches`. Stopping costs `AT_ONCE` recordings at most.

    `name` stands for a change of the recordings, and `words` (n) for texts in place of the transcripts; `spoken` is
    read where a vector is missing.
    """

    def __init__(self, workspace: Workspace, branches: BranchEncoder, paths: Sequence[Path],
                 spoken: Sequence[EncodedUtterance], name: str = "", words: Sequence[str] = ()) -> None:
        self.branches, self._spoken, self._name = branches, spoken, name
        self._store = ArrayStore(workspace.home.caches / "emotion-branches")
        digests = Digests(workspace.home.caches / "recordings")
        self._digests = [digests.known(path) or _digest(spoken[row]) for row, path in enumerate(paths)]
        if words:
            self._digests = [hashlib.sha256(f"{digest} {text}".encode()).hexdigest()
                             for digest, text in zip(self._digests, words, strict=True)]
        self._by_seed: dict[int, Vectors] = {}

    def vectors(self, seed: int, report: Report = silent) -> Vectors:
        """The vectors of all recordings. StoreError."""
        if seed not in self._by_seed:
            def compute(rows: Sequence[int]) -> list[list[Floats]]:
                vectors = self.branches.vectors([self._spoken[row] for row in rows], seed)
                return [_arrays(vectors, number) for number in range(len(rows))]

            kept = self._filled(range(len(self._spoken)), seed, "", compute, WorkStep.EMBEDDING_VOICES, report)
            self._by_seed[seed] = _vectors([np.concatenate(arrays) for arrays in zip(*kept, strict=True)])
        return self._by_seed[seed]

    def windows(self, rows: Sequence[int], seed: int, report: Report = silent) -> list[Windows]:
        """Vectors over the time of recordings. StoreError."""
        def compute(rows: Sequence[int]) -> list[list[Floats]]:
            windows = [self.branches.windows(self._spoken[row], seed) for row in rows]
            return [[times, *_arrays(vectors)] for times, vectors in windows]

        kept = self._filled(rows, seed, "windows", compute, WorkStep.EMBEDDING_WINDOWS, report)
        return [(times, _vectors(arrays)) for times, *arrays in kept]

    def _filled(self, rows: Sequence[int], seed: int, what: str,
                compute: Callable[[Sequence[int]], list[list[Floats]]], step: WorkStep, report: Report
                ) -> list[tuple[Floats, ...]]:
        """The arrays of recordings, computed where they are not kept."""
        fingerprint = self.branches.fingerprint(seed)

        def key(row: int) -> str:
            return f"{self._digests[row][:32]}+{self._name}{what}+{fingerprint}"

        def in_groups(missing: Missing[int]) -> Iterator[list[Computed[int]]]:
            for _, part in missing.groups(AT_ONCE):
                yield [Computed(row, key(row), arrays) for row, arrays in zip(part, compute(part), strict=True)]

        FeatureCache(self._store, key).fill(rows, in_groups, step, report=report)
        return [self._store.get(key(row)) for row in rows]


def _digest(utterance: EncodedUtterance) -> str:
    """Digest of what was transcribed, for a recording whose file is not known any more."""
    digest = hashlib.sha256(utterance.transcript.text.encode())
    for states in utterance.states:
        digest.update(states.tobytes())
    return digest.hexdigest()


def _arrays(vectors: Vectors, row: int | None = None) -> list[Floats]:
    """One array a kind, of all rows or of one; an empty one for a kind that the model lacks."""
    rows = slice(None) if row is None else slice(row, row + 1)
    return [vectors.by_kind[kind][rows] if kind in vectors.by_kind else np.zeros(0, np.float32) for kind in KINDS]


def _vectors(arrays: Sequence[Floats]) -> Vectors:
    return Vectors({kind: array for kind, array in zip(KINDS, arrays, strict=True) if array.size})
