"""Transcripts and encoder states of a dataset's recordings, computed once in batches and kept.

Transcripts go into the store (SQLite), states into an `ArrayStore` in float16 at their true length. Both are known by
what is in the recording, so that moved files and datasets that share recordings are not transcribed again.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

from core import audio, priority
from core.asr.transcript import EncodedUtterance, Transcript
from core.audio import Waveform
from core.datasets.headers import seconds
from core.errors import AudioError
from core.features.array_store import ArrayStore
from core.features.array_store import Writer as ArrayWriter
from core.features.content_hashes import Digests
from core.features.feature_cache import Compute, Computed, FeatureCache, Filled, Missing
from core.features.noise import CLEAN, Condition, noisy
from core.progress import Progress, Report, WorkStep, silent
from core.search.transcription import transcription_options
from core.store.store import Store
from core.workspace import Workspace

AT_ONCE = 8  # recordings between two times that results are kept
OTHERS = 24  # recordings that babble is drawn from
FRAMES = 50  # of states a second
WINDOW_SECONDS = 30  # of states under padding "window"


@dataclass(frozen=True)
class Size:
    """Disk space that transcribing recordings adds: `new` of `total` recordings, and `nbytes` of states for those."""

    total: int
    new: int
    nbytes: int


class UtteranceStore:
    """Transcripts in the database under a fingerprint, and encoder states in arrays; `states` None: none are wanted."""

    def __init__(self, store: Store, fingerprint: str, states: ArrayStore | None) -> None:
        self._store, self._fingerprint, self._states = store, fingerprint, states

    def get(self, keys: Iterable[str]) -> dict[str, EncodedUtterance]:
        """Utterances by key; one whose transcript is damaged counts as missing."""
        rows = self._store.transcripts(sorted(set(keys)), self._fingerprint)
        by_key = {key: transcript for key, row in rows.items() if (transcript := Transcript.kept(row)) is not None}
        states = self._states
        return {key: EncodedUtterance(transcript, () if states is None else states.get(key))
                for key, transcript in by_key.items() if states is None or key in states}

    def present(self, keys: Iterable[str]) -> set[str]:
        """Those of the keys whose transcript is kept, and whose states are if these are wanted."""
        return set(self.get(keys))

    @contextmanager
    def writer(self) -> Iterator["UtteranceWriter"]:
        """A writer; what it added is kept when the block ends. StoreError."""
        with self._states.writer() if self._states is not None else nullcontext() as states:
            writer = UtteranceWriter(self._store, self._fingerprint, states)
            try:
                yield writer
            finally:
                writer.flush()


class UtteranceWriter:
    """Adds utterances; states are written first, so that a kept transcript has states."""

    def __init__(self, store: Store, fingerprint: str, states: ArrayWriter | None) -> None:
        self._store, self._fingerprint, self._states = store, fingerprint, states
        self._transcripts: dict[str, Transcript] = {}

    def add(self, key: str, value: EncodedUtterance) -> None:
        """Add an utterance. StoreError: full, not_written."""
        if self._states is not None:
            self._states.add(key, value.states)
        self._transcripts[key] = value.transcript

    def flush(self) -> None:
        """Have on disk what was added. StoreError as `add`."""
        if self._states is not None:
            self._states.flush()
        if self._transcripts:
            self._store.keep_transcripts({key: transcript.to_json() for key, transcript in self._transcripts.items()},
                                         self._fingerprint)
            self._transcripts.clear()


class SpeechFeatureCache:
    """Utterances of recordings under a workspace's recogniser and settings.

    `language` is a code where it is known what is spoken, else "": then it is as the settings say. `layers`: of the
    encoder that the states have, as in `TranscriptionOptions`; each number of layers is kept in a folder of its own.
    """

    def __init__(self, workspace: Workspace, language: str = "", layers: int = 0) -> None:
        self._workspace = workspace
        self._digests = Digests(workspace.home.caches / "recordings")
        options = transcription_options(workspace.settings, word_times=False)
        self.options = replace(options, language=language or options.language, layers=layers)

    @property
    def fingerprint(self) -> str:
        """Hash of recogniser, its weights and precision, and the options. Loads the recogniser."""
        return self._workspace.recogniser().fingerprint_of(self.options).hash

    def size(self, recordings: Sequence[Path], width: int, condition: Condition = CLEAN, states: bool = True) -> Size:
        """Disk space that `load` would add with states of that width; no known recording is read."""
        cache, _ = self._cache(condition, babble(recordings, condition), states)
        new = cache.missing(recordings)
        lengths = [WINDOW_SECONDS if self.options.padding == "window" else seconds(path) for path in new]
        nbytes = sum(lengths) * FRAMES * width * max(1, self.options.layers) * 2 if states else 0
        return Size(len(recordings), len(new), int(nbytes))

    def load(self, recordings: Sequence[Path], states: bool = True, condition: Condition = CLEAN,
             report: Report = silent) -> list[EncodedUtterance]:
        """Utterances of recordings, in order. One that cannot be read has its reason; the rest goes on.

        WeightsError, ModelError, StoreError ("full": what was transcribed is kept).
        """
        others = babble(recordings, condition)
        cache, store = self._cache(condition, others, states)
        filled = cache.fill(recordings, lambda missing: self._compute(missing, condition, others),
                            WorkStep.TRANSCRIBING_RECORDINGS, str(condition), report)
        utterances = store.get(filled.keys.values())
        return [utterances[filled.keys[path]] if path in filled.keys else
                EncodedUtterance.unreadable(filled.reasons[path]) for path in recordings]

    def fill(self, recordings: Sequence[Path], others: Sequence[Waveform], states: bool, condition: Condition,
             compute: Compute[Path], report: Report = silent) -> Filled[Path]:
        """Have `compute` transcribe the recordings that are not kept; babble is made of `others`. Errors as `load`."""
        return self._cache(condition, others, states)[0].fill(
            recordings, compute, WorkStep.TRANSCRIBING_RECORDINGS, str(condition), report)

    def _cache(self, condition: Condition, others: Sequence[Waveform], states: bool
               ) -> tuple[FeatureCache[Path], UtteranceStore]:
        fingerprint = self.fingerprint
        folder = f"{fingerprint}-{self.options.layers}-layers" if self.options.layers > 1 else fingerprint
        arrays = ArrayStore(self._workspace.home.caches / "states" / folder) if states else None
        store = UtteranceStore(self._workspace.store, fingerprint, arrays)

        def key(path: Path) -> str | None:
            digest = self._digests.known(path)
            return None if digest is None else key_of(digest, condition, others)

        return FeatureCache(store, key, self._digests), store

    def _compute(self, missing: Missing[Path], condition: Condition, others: Sequence[Waveform]
                 ) -> Iterator[list[Computed[Path]]]:
        """Transcribe in groups of recordings of about one length, the longest first.

        Equal lengths share a batch, so that small groups, of which a stop loses one, take no longer than large ones.
        """
        by_length = replace(missing, items=sorted(missing.items, key=seconds, reverse=True))
        for start, paths in by_length.groups(AT_ONCE):
            read = {path: waveform_of(path) for path in paths}
            keys = {path: key_of(wave.digest, condition, others) for path, wave in read.items()
                    if isinstance(wave, Waveform)}
            present = missing.present(keys.values())  # moved files
            new = {key: wave for path, key in keys.items() if key not in present
                   and isinstance(wave := read[path], Waveform)}

            def within(windows: Progress, start: int = start, size: int = len(paths)) -> None:
                done = size * min(windows.done, windows.total) // windows.total if windows.total > 0 else 0
                missing.progress(start + done, "")

            encoded = self._encoded(new, condition, others, within)
            yield [Computed(path, reason=wave) if isinstance(wave, str) else
                   Computed(path, keys[path], encoded.get(keys[path]), wave.digest) for path, wave in read.items()]

    def _encoded(self, waves: Mapping[str, Waveform], condition: Condition, others: Sequence[Waveform],
                 report: Report) -> dict[str, EncodedUtterance]:
        if not waves:
            return {}
        with priority.background():
            utterances = self._workspace.recogniser().transcribe(
                [under(wave, condition, others) for wave in waves.values()], self.options, report)
        return dict(zip(waves, utterances, strict=True))


def read_under(path: Path, condition: Condition, recordings: Sequence[Path]) -> Waveform:
    """A recording as it sounds under a condition; babble is made of `recordings`, all of its split. AudioError."""
    return under(audio.read(path), condition, babble(recordings, condition))


def under(wave: Waveform, condition: Condition, others: Sequence[Waveform]) -> Waveform:
    """An utterance under a condition; its own voice is left out of the babble."""
    return noisy(wave, condition, [other for other in others if other.digest != wave.digest])


def babble(recordings: Sequence[Path], condition: Condition) -> list[Waveform]:
    """Recordings for a condition's babble, [] without; unreadable ones are left out."""
    if condition.noise != "babble":
        return []
    waves = [waveform_of(path) for path in babble_paths(recordings)]
    return [wave for wave in waves if isinstance(wave, Waveform)]


def babble_paths(recordings: Sequence[Path]) -> list[Path]:
    """The recordings that babble is made of: some from all over the list."""
    step = max(1, len(recordings) // OTHERS)
    return sorted(recordings)[::step][:OTHERS]


def waveform_of(path: Path) -> Waveform | str:
    """The waveform of a recording, or the reason why there is none."""
    try:
        return audio.read(path)
    except (AudioError, OSError) as error:
        return str(error)


def key_of(digest: str, condition: Condition, others: Sequence[Waveform]) -> str:
    """The key of a recording under a condition; a clean one goes by its digest, as in the history of queries."""
    if condition.snr is None:
        return digest
    made_of = hashlib.sha256("".join(waveform.digest for waveform in others).encode()).hexdigest()[:8] if others else ""
    return f"{digest}+{condition}{made_of}"
