"""From what is asked to what is said: recordings are read and heard, and their voices kept at hand for a while."""

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from core import audio
from core.asr.transcript import EncodedUtterance, Transcript, TranscriptionOptions
from core.audio import Waveform
from core.errors import QueryError, StoreError
from core.models import checkpoints
from core.progress import Report
from core.search.queries import Kind
from core.settings import Settings
from core.store.database import NOT_WRITABLE
from core.store.store import Store
from core.system_language import likely_languages

if TYPE_CHECKING:  # torch takes seconds to import
    from core.asr.recogniser import Recogniser
    from core.models.trained import TrainedModel

log = logging.getLogger(__name__)

KEPT = 16  # utterances whose encoder states stay in memory: to ask again with them costs no second pass
LAST_QUERIES = 20  # of the history, in which the last language used is looked for
ENOUGH_WORDS = 4  # of a query that tell its language by themselves
WRITTEN = Transcript("", "", (), 0.0, 0.0, 1.0)  # of words that the user wrote, who is sure of them


@dataclass(frozen=True, eq=False)
class Ask:
    """One term of a query as the user gave it; a negative `weight` takes it away.

    speech: `waveform` or `path`; with `text` too, that is its transcript and no words are heard again, while the voice
    still counts where the model listens to it. text: `text`. image: `image_id` of an indexed picture, or `path` of any.
    """

    kind: Kind
    text: str = ""
    path: Path | None = None
    waveform: Waveform | None = None
    image_id: int | None = None
    weight: float = 1.0


@dataclass(frozen=True, eq=False)
class ResolvedTerm:
    """An ask with what is needed of it before embedding: its words, or "" for a picture.

    `transcript` is what was heard, None when the words came with the ask; `heard` is for models that listen.
    """

    ask: Ask
    words: str = ""
    waveform: Waveform | None = None
    transcript: Transcript | None = None
    heard: EncodedUtterance | None = None


class StepTimer:
    """Adds up the milliseconds of named steps."""

    def __init__(self) -> None:
        self._start = time.perf_counter()
        self._steps = dict.fromkeys(("load", "hear", "recognise", "embed", "search"), 0.0)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Count the time in the block."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self._steps[name] += (time.perf_counter() - start) * 1e3

    def read(self) -> Mapping[str, float]:
        """The steps so far, and `total` since the clock was made."""
        return MappingProxyType({**self._steps, "total": (time.perf_counter() - self._start) * 1e3})


@dataclass(frozen=True)
class SearchContext:
    """What one search or transcription works with, as it was when it began; `store` None: there is none to write to.
    """

    settings: Settings
    store: Store | None
    recogniser: "Callable[[], Recogniser]"
    clock: StepTimer
    report: Report


class QueryTranscriber:
    """Hears utterances. Any thread may call any method."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._voices: OrderedDict[tuple[str, str], EncodedUtterance] = OrderedDict()  # by digest and padding

    def said(self, ask: Ask, means: SearchContext, word_times: bool) -> ResolvedTerm:
        """What an ask says. QueryError ("nothing_heard", "empty")."""
        if ask.kind == "image":
            return ResolvedTerm(ask)
        if ask.kind == "text" or (ask.text.strip() and ask.waveform is None and ask.path is None):
            return ResolvedTerm(ask, _checked_words(ask.text))
        with means.clock.step("hear"):
            waveform = ask.waveform if ask.waveform is not None else audio.read(given(ask.path))
        if ask.text.strip():
            return ResolvedTerm(ask, _checked_words(ask.text), waveform)
        transcript = self.transcribed(waveform, means, word_times)
        if not transcript.text.strip():
            raise QueryError(transcript.reason or "Nothing was heard in the recording.", "nothing_heard")
        return ResolvedTerm(ask, transcript.text.strip(), waveform, transcript)

    def transcribed(self, waveform: Waveform, means: SearchContext, word_times: bool = True) -> Transcript:
        """The transcript of an utterance; from the store where it was heard before, if the history is kept."""
        found = self._transcribed(waveform, means, word_times)
        return replace(found, notes=(waveform.note, *found.notes)) if waveform.note else found

    def _transcribed(self, waveform: Waveform, means: SearchContext, word_times: bool) -> Transcript:
        """The same without the note of the file: another file may hold the same samples."""
        with means.clock.step("load"):
            recogniser = means.recogniser()
        options = query_options(means.settings, means.store, word_times)
        key = recogniser.fingerprint_of(options).hash
        keep = bool(means.settings["search.keep_history"])
        with means.clock.step("recognise"):
            digest = waveform.digest
            kept = _remembered(means.store, digest, key) if keep else None
            if kept is not None:
                return kept
            means.report(0, 0, "Hearing")
            heard = recogniser.transcribe([waveform], options, means.report)[0]
            self._keep(digest, options.padding, heard)
            if keep and means.store is not None:
                with telling("What was heard could not be kept"):
                    means.store.keep_transcript(digest, key, heard.transcript.to_json())
        return heard.transcript

    def voiced(self, said: ResolvedTerm, model: "TrainedModel", means: SearchContext) -> ResolvedTerm:
        """The same with the voice, if it was spoken. ModelError ("wrong_speech").

        Words that the user corrected stand beside the voice; a model that does not use words takes them as typed.
        """
        if said.waveform is None:
            return said
        with means.clock.step("load"):
            recogniser = means.recogniser()
        options = query_options(means.settings, means.store)
        checkpoints.check_recogniser(model.run, recogniser.name, options.padding)
        with means.clock.step("recognise"):
            voice = self._voice(said.waveform, options.padding, recogniser, means)
        transcript = said.transcript or voice.transcript
        corrected = transcript.text.strip() != said.words
        if corrected and not model.uses_text:
            return said
        return replace(said, heard=EncodedUtterance(replace(WRITTEN, text=said.words) if corrected else transcript,
                                                    voice.states))

    def _voice(self, waveform: Waveform, padding: str, recogniser: "Recogniser",
               means: SearchContext) -> EncodedUtterance:
        """States of an utterance, and its transcript as far as one is known; encoded again when it is long ago."""
        with self._lock:
            kept = self._voices.get((waveform.digest, padding))
        if kept is None:
            states = recogniser.layers(waveform, padding)[-1].astype(np.float16)
            kept = EncodedUtterance(_known(waveform, recogniser, means), (states,))
            self._keep(waveform.digest, padding, kept)
        return kept

    def _keep(self, digest: str, padding: str, heard: EncodedUtterance) -> None:
        with self._lock:
            self._voices[digest, padding] = heard
            self._voices.move_to_end((digest, padding))
            while len(self._voices) > KEPT:
                self._voices.popitem(last=False)


def transcription_options(settings: Settings, word_times: bool = True) -> TranscriptionOptions:
    """How the settings want utterances heard."""
    return TranscriptionOptions(padding=settings["speech.padding"], language=settings["speech.language"],
                          translate=settings["speech.translate"], word_times=word_times)


def query_options(settings: Settings, store: Store | None, word_times: bool = True) -> TranscriptionOptions:
    """Hearing options of a query: the system's language and the last one used weigh more in a word or two, and the
    words of a clear voice are kept though they are doubtful.
    """
    used = last_language(store) if settings["speech.language"] == "auto" else ""
    likely = likely_languages()
    return replace(transcription_options(settings, word_times), keep_doubtful=True, several_languages=True,
                   likely=likely if used in ("", *likely) else (used, *likely))


def last_language(store: Store | None) -> str:
    """Language of the latest spoken query that was long enough to tell it and was searched with as it was recognised;
    "" when there is none.
    """
    for query, transcript in store.spoken_queries(LAST_QUERIES) if store is not None else ():
        found = Transcript.kept(transcript)
        if (found is not None and found.language and not found.doubtful and found.text.strip() in query
                and len((found.original or found.text).split()) >= ENOUGH_WORDS):
            return found.language
    return ""


def given(path: Path | None) -> Path:
    """The path. QueryError ("empty") when there is none."""
    if path is None:
        raise QueryError("This part of the query names no file.", "empty")
    return path


def _known(waveform: Waveform, recogniser: "Recogniser", means: SearchContext) -> Transcript:
    """The transcript that the store has of an utterance, else none."""
    for word_times in (True, False):
        key = recogniser.fingerprint_of(query_options(means.settings, means.store, word_times)).hash
        found = _remembered(means.store, waveform.digest, key)
        if found is not None:
            return found
    return WRITTEN


def _remembered(store: Store | None, digest: str, key: str) -> Transcript | None:
    return None if store is None else Transcript.kept(store.transcript(digest, key))


@contextmanager
def telling(what: str) -> Iterator[None]:
    """A block that keeps something: where the store takes nothing, that is told as a warning and no error."""
    try:
        yield
    except StoreError as error:
        if error.kind not in NOT_WRITABLE:
            raise
        log.warning("%s: %s", what, error)


def _checked_words(text: str) -> str:
    words = " ".join(text.split())
    if not words:
        raise QueryError("There is nothing to search for: say, type or show something.", "empty")
    return words
