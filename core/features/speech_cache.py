"""Transcripts and encoder states of a dataset's recordings: heard once, in batches, and kept.

Transcripts go into the store (SQLite), states into an `ArrayStore` in float16 at their true length. Both are known by
what is in the recording, so that moved files and datasets that share recordings are not heard again.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core import audio, priority
from core.asr.transcript import EncodedUtterance, Transcript
from core.audio import Waveform
from core.datasets.headers import seconds
from core.errors import AudioError
from core.explorer import Explorer, transcription_options
from core.features.array_store import ArrayStore, Writer
from core.features.content_hashes import Digests
from core.features.noise import CLEAN, Condition, noisy
from core.progress import Progress, Report, WorkStep, silent

AT_ONCE = 64  # recordings between two times that results are kept
OTHERS = 24  # recordings that babble is drawn from
FRAMES = 50  # of states a second
_Remember = Callable[[Path, str], object]  # a file and the digest of what is in it
EMPTY = Transcript("", "", (), 0.0, 1.0, 0.0)


@dataclass(frozen=True, eq=False)
class CachedUtterance:
    """One recording, heard. `states` (frames, width) float16 of each window, mapped from disk; () when not wanted.

    `reason` says why a recording could not be read, and is "" for all others: it then has neither words nor states.
    """

    transcript: Transcript
    states: tuple[NDArray[np.float16], ...] = ()
    reason: str = ""


@dataclass(frozen=True)
class Size:
    """What hearing recordings adds to the disk: `new` of `total` are not heard yet; `nbytes` of states for those."""

    total: int
    new: int
    nbytes: int


class SpeechFeatureCache:
    """Hears recordings through an Explorer's recogniser and settings, and remembers.

    `language` is a code where it is known what is spoken, else "": then it is as the settings say.
    """

    def __init__(self, explorer: Explorer, language: str = "") -> None:
        self._explorer = explorer
        self._files = Digests(explorer.home.caches / "recordings")
        options = transcription_options(explorer.settings, word_times=False)
        self._options = replace(options, language=language) if language else options

    @property
    def fingerprint(self) -> str:
        """Names what is heard: recogniser, its weights and precision, and the options. Loads the recogniser."""
        return self._explorer.recogniser().fingerprint_of(self._options).hash

    def size(self, recordings: Sequence[Path], width: int, condition: Condition = CLEAN, states: bool = True) -> Size:
        """What `hear` would add with states of that width; no known recording is read."""
        keys = self._known(recordings, condition, self._others(recordings, condition))
        fingerprint = self.fingerprint
        done = self._done(keys, fingerprint, self._states(fingerprint), states)
        new = [path for path, key in zip(recordings, keys, strict=True) if key not in done]
        nbytes = sum(seconds(path) for path in new) * FRAMES * width * 2 if states else 0
        return Size(len(recordings), len(new), int(nbytes))

    def hear(self, recordings: Sequence[Path], states: bool = True, condition: Condition = CLEAN,
             report: Report = silent) -> list[CachedUtterance]:
        """Every recording, in order. One that cannot be read has its reason; the rest goes on.

        WeightsError, ModelError, StoreError ("full": what was heard is kept, and is not heard again).
        """
        fingerprint = self.fingerprint
        store, others = self._states(fingerprint), self._others(recordings, condition)
        keys = self._known(recordings, condition, others)
        done = self._done(keys, fingerprint, store, states)
        missing = [number for number, key in enumerate(keys) if key not in done]
        reasons: dict[int, str] = {}
        before = len(recordings) - len(missing)
        progress = Progress(WorkStep.TRANSCRIBING_RECORDINGS, total=len(recordings), subject=str(condition))
        with store.writer() as writer, self._files.writer() as remember:
            for start in range(0, len(missing), AT_ONCE):
                report(replace(progress, done=before + start))
                part = {number: _read(recordings[number], remember) for number in missing[start:start + AT_ONCE]}
                reasons.update((number, found) for number, found in part.items() if isinstance(found, str))
                read = {number: found for number, found in part.items() if isinstance(found, Waveform)}
                of = {number: key_of(wave.digest, condition, others) for number, wave in read.items()}
                for number, key in of.items():
                    keys[number] = key
                done |= self._done(list(of.values()), fingerprint, store, states)  # moved files
                new = {key: read[number] for number, key in of.items() if key not in done}
                told = _within(report, replace(progress, done=before + start), len(part))
                self._listen(new, fingerprint, writer if states else None, condition, others, told)
                remember.flush()
                done |= new.keys()
        report(replace(progress, done=len(recordings)))
        return list(self._given(store, fingerprint, keys, reasons, states))

    def _done(self, keys: Sequence[str | None], fingerprint: str, store: ArrayStore, states: bool) -> set[str]:
        """Those of the keys that need not be heard: their transcript is kept, and their states if these are wanted."""
        return {key for key in self._kept(keys, fingerprint) if not states or key in store}

    def _kept(self, keys: Sequence[str | None], fingerprint: str) -> dict[str, Transcript]:
        """The transcripts of the store by key; a damaged one counts as none, and is heard again."""
        found = self._explorer.store.transcripts(sorted(set(filter(None, keys))), fingerprint)
        return {key: known for key, one in found.items() if (known := Transcript.kept(one)) is not None}

    def _listen(self, waves: Mapping[str, Waveform], fingerprint: str, writer: Writer | None, condition: Condition,
                others: Sequence[Waveform], report: Report) -> None:
        """Hear recordings under their keys; states first, so that a kept transcript has states."""
        if not waves:
            return
        with priority.background():
            heard = self._explorer.transcribe([sounding(wave, condition, others) for wave in waves.values()], report,
                                        self._options)
        if writer is not None:
            for key, one in zip(waves, heard, strict=True):
                writer.add(key, one.states)
            writer.flush()
        self._explorer.store.keep_transcripts(
            {key: one.transcript.to_json() for key, one in zip(waves, heard, strict=True)}, fingerprint)

    def _given(self, store: ArrayStore, fingerprint: str, keys: Sequence[str | None], reasons: dict[int, str],
               states: bool) -> Iterator[CachedUtterance]:
        kept = self._kept(keys, fingerprint)
        for number, key in enumerate(keys):
            if number in reasons or key is None:
                yield CachedUtterance(EMPTY, reason=reasons.get(number, "It could not be read."))
            else:
                yield CachedUtterance(kept[key], store.get(key) if states else ())

    def _known(self, recordings: Sequence[Path], condition: Condition, others: Sequence[Waveform]
               ) -> list[str | None]:
        """The keys of recordings whose content is known, without reading one."""
        digests = (self._digest(path) for path in recordings)
        return [None if digest is None else key_of(digest, condition, others) for digest in digests]

    def _digest(self, path: Path) -> str | None:
        try:
            return self._files.of(path)
        except OSError:
            return None

    def _others(self, recordings: Sequence[Path], condition: Condition) -> list[Waveform]:
        if condition.noise != "babble":
            return []
        with self._files.writer() as remember:
            return _others(recordings, condition, remember)

    def _states(self, fingerprint: str) -> ArrayStore:
        return ArrayStore(self._explorer.home.caches / "states" / fingerprint)


def _within(report: Report, before: Progress, new: int) -> Report:
    """A report for transcribing `new` recordings after those that `before` counts."""
    def report_windows(windows: Progress) -> None:
        done = new * min(windows.done, windows.total) // windows.total if windows.total > 0 else 0
        report(replace(before, done=before.done + done))

    return report_windows


def read_under(path: Path, condition: Condition, recordings: Sequence[Path]) -> Waveform:
    """A recording as it sounds under a condition; babble is made of `recordings`, all of its split. AudioError."""
    return sounding(audio.read(path), condition, _others(recordings, condition, lambda path, digest: None))


def sounding(wave: Waveform, condition: Condition, others: Sequence[Waveform]) -> Waveform:
    """An utterance under a condition: nobody babbles over himself."""
    return noisy(wave, condition, [each for each in others if each.digest != wave.digest])


def _others(recordings: Sequence[Path], condition: Condition, remember: _Remember) -> list[Waveform]:
    """What babble is made of; recordings that cannot be read are left out."""
    if condition.noise != "babble":
        return []
    found = [_read(path, remember) for path in babbling(recordings)]
    return [each for each in found if isinstance(each, Waveform)]


def babbling(recordings: Sequence[Path]) -> list[Path]:
    """The recordings that babble is made of: some from all over the list."""
    step = max(1, len(recordings) // OTHERS)
    return sorted(recordings)[::step][:OTHERS]


def _read(path: Path, remember: _Remember) -> Waveform | str:
    """The waveform, or the reason why there is none; what is in the file is known from now on."""
    try:
        wave = audio.read(path)
        remember(path, wave.digest)
    except AudioError as error:
        return str(error)
    return wave


def key_of(digest: str, condition: Condition, others: Sequence[Waveform]) -> str:
    """The name of a recording under a condition; a clean one goes by its digest, as in the history of queries."""
    if condition.snr is None:
        return digest
    made_of = hashlib.sha256("".join(each.digest for each in others).encode()).hexdigest()[:8] if others else ""
    return f"{digest}+{condition}{made_of}"


def as_heard(one: CachedUtterance) -> EncodedUtterance:
    """The recording as the models take it."""
    return EncodedUtterance(one.transcript, one.states)
