"""Resolves query terms: transcribes recordings, and caches their encoder states for a while."""

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from core import audio
from core.asr.recogniser import stacked_states
from core.asr.transcript import EncodedUtterance, Transcript, TranscriptionOptions
from core.audio import Waveform
from core.errors import QueryError, StoreError
from core.localisation import _
from core.progress import Progress, Report, WorkStep
from core.search.terms import QueryTerm
from core.settings import Settings
from core.store.database import NOT_WRITABLE
from core.store.store import Store
from core.system_language import likely_languages

if TYPE_CHECKING:  # torch takes seconds to import
    from core.asr.recogniser import Recogniser
    from core.models.retrieval import RetrievalModel

log = logging.getLogger(__name__)

CACHED_UTTERANCES = 16  # whose encoder states stay in memory: another search with them costs no second pass
LAST_QUERIES = 20  # of the history, in which the last language used is looked for
ENOUGH_WORDS = 4  # of a query that tell its language by themselves
TYPED = Transcript("", "", (), 0.0, 0.0, 1.0)  # of words that the user wrote, which are certain
EMPTY = _("There is nothing to search for: say, type or show something.")


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
    """Context of a search or transcription, as of its start; `store` None: there is none to write to."""

    settings: Settings
    store: Store | None
    recogniser: "Callable[[], Recogniser]"
    timer: StepTimer
    report: Report


class QueryTranscriber:
    """Transcribes query terms. Any thread may call any method."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._utterances: OrderedDict[tuple[str, str, str], EncodedUtterance] = OrderedDict()  # by `_key`
        self._ahead: tuple[tuple[str, str], Future[EncodedUtterance]] | None = None  # by digest and fingerprint

    def resolve(self, term: QueryTerm, context: SearchContext, word_times: bool) -> QueryTerm:
        """The term with its words, and an utterance with its waveform and transcript.

        QueryError ("nothing_heard", "empty").
        """
        if term.kind == "image":
            return term
        words = " ".join(term.text.split())
        spoken = term.kind == "speech" and (term.waveform is not None or term.path is not None)
        if not words and not spoken:
            raise QueryError(EMPTY, "empty")
        if not spoken:
            return replace(term, text=words)
        with context.timer.step("hear"):
            waveform = term.waveform if term.waveform is not None else audio.read(required(term.path))
        if words:
            return replace(term, text=words, waveform=waveform)
        transcript = self.transcribe(waveform, context, word_times)
        if not transcript.text.strip():
            raise QueryError(transcript.reason or _("Nothing was heard in the recording."), "nothing_heard")
        return replace(term, text=transcript.text.strip(), waveform=waveform, transcript=transcript)

    def transcribe(self, waveform: Waveform, context: SearchContext, word_times: bool = True) -> Transcript:
        """The transcript of an utterance; a stored one where it was transcribed before, if the history is kept."""
        transcript = self._transcribe(waveform, context, word_times)
        return replace(transcript, notes=(waveform.note, *transcript.notes)) if waveform.note else transcript

    def transcribe_ahead(self, waveform: Waveform, context: SearchContext) -> Transcript:
        """The transcript that `transcribe` will give for these samples, which may be a recording's last.

        Nothing is stored; the latest one is kept in memory, and `transcribe` waits for it while it is computed.
        """
        recogniser = context.recogniser()
        options = query_options(context.settings, context.store)
        future = Future[EncodedUtterance]()
        with self._lock:
            self._ahead = (waveform.digest, recogniser.fingerprint_of(options).hash), future
        try:
            utterance = recogniser.transcribe([waveform], options, context.report)[0]
        except BaseException as error:
            future.set_exception(error)
            raise
        future.set_result(utterance)
        return utterance.transcript

    def _taken_ahead(self, digest: str, key: str) -> EncodedUtterance | None:
        """The utterance of `transcribe_ahead`; None where it was of other samples or options, or failed."""
        with self._lock:
            ahead = self._ahead
        if ahead is None or ahead[0] != (digest, key) or ahead[1].exception() is not None:
            return None
        return ahead[1].result()

    def _transcribe(self, waveform: Waveform, context: SearchContext, word_times: bool) -> Transcript:
        """The same without the note of the file: another file may hold the same samples."""
        with context.timer.step("load"):
            recogniser = context.recogniser()
        options = query_options(context.settings, context.store, word_times)
        key = recogniser.fingerprint_of(options).hash
        store = context.store if context.settings["search.keep_history"] else None
        with context.timer.step("recognise"):
            digest = waveform.digest
            stored = _stored_transcript(store, digest, key)
            if stored is not None:
                return stored
            context.report(Progress(WorkStep.TRANSCRIBING))
            utterance = (self._taken_ahead(digest, key)
                         or recogniser.transcribe([waveform], options, context.report)[0])
            self._cache(_key(recogniser, digest, options.padding), utterance)
            if store is not None:
                with warn_if_read_only(_("The transcript could not be kept")):
                    store.keep_transcript(digest, key, utterance.transcript.to_json())
        return utterance.transcript

    def encode(self, term: QueryTerm, model: "RetrievalModel", context: SearchContext) -> EncodedUtterance | None:
        """The encoded utterance of a resolved term; None where the model is to read its words alone.

        Words that the user corrected stand beside the voice; a model that does not use words takes them as typed.
        ModelError ("wrong_speech").
        """
        if term.waveform is None or not model.uses_speech:
            return None
        with context.timer.step("load"):
            recogniser = context.recogniser()
        options = query_options(context.settings, context.store)
        model.check_recogniser(recogniser.name, options.padding)
        with context.timer.step("recognise"):
            utterance = self._encoded(term.waveform, options.padding, recogniser, context, model.layers)
        transcript = term.transcript or utterance.transcript
        if transcript.text.strip() == term.text:
            return EncodedUtterance(transcript, utterance.states)
        return EncodedUtterance(replace(TYPED, text=term.text), utterance.states) if model.uses_text else None

    def _encoded(self, waveform: Waveform, padding: str, recogniser: "Recogniser", context: SearchContext,
                 layers: int) -> EncodedUtterance:
        """Encoder states of an utterance, from the cache or computed, and its transcript where one is known."""
        key = _key(recogniser, waveform.digest, _kept_as(padding, layers))
        with self._lock:
            cached = self._utterances.get(key)
        if cached is None:
            states = stacked_states(recogniser, waveform, padding, layers).astype(np.float16)
            options = (query_options(context.settings, context.store, word_times) for word_times in (True, False))
            stored = (_stored_transcript(context.store, waveform.digest, recogniser.fingerprint_of(option).hash)
                      for option in options)
            cached = EncodedUtterance(next(filter(None, stored), TYPED), (states,))
            self._cache(key, cached)
        return cached

    def _cache(self, key: tuple[str, str, str], utterance: EncodedUtterance) -> None:
        with self._lock:
            self._utterances[key] = utterance
            self._utterances.move_to_end(key)
            while len(self._utterances) > CACHED_UTTERANCES:
                self._utterances.popitem(last=False)


def _key(recogniser: "Recogniser", digest: str, padding: str) -> tuple[str, str, str]:
    """Key of cached encoder states: the recogniser that made them, the recording and its padding."""
    return recogniser.fingerprint.hash, digest, padding


def transcription_options(settings: Settings, word_times: bool = True) -> TranscriptionOptions:
    """Transcription options of the settings."""
    return TranscriptionOptions(padding=settings["speech.padding"], language=settings["speech.language"],
                          translate=settings["speech.translate"], word_times=word_times,
                          beam=settings["speech.beam"], prompt=vocabulary(settings))


def vocabulary(settings: Settings) -> str:
    """The vocabulary prompt of the settings, ended by a full stop: after one without, Whisper takes the recording for
    the rest of its sentence and leaves words out (docs/transcription.md).
    """
    words = " ".join(str(settings["speech.prompt"]).split())
    return f"{words}." if words and words[-1].isalnum() else words


def query_options(settings: Settings, store: Store | None, word_times: bool = True) -> TranscriptionOptions:
    """Transcription options of a query: the system's language and the last one used weigh more in a word or two, and
    the words of a clear voice are kept though they are doubtful.
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
        spoken = Transcript.kept(transcript)
        if (spoken is not None and spoken.language and not spoken.doubtful and spoken.text.strip() in query
                and len((spoken.original or spoken.text).split()) >= ENOUGH_WORDS):
            return spoken.language
    return ""


def required(path: Path | None) -> Path:
    """The path. QueryError ("empty") when there is none."""
    if path is None:
        raise QueryError(_("This part of the query names no file."), "empty")
    return path


def _kept_as(padding: str, layers: int) -> str:
    """Second part of a kept utterance's key: padding, and the number of layers where there are several."""
    return f"{padding}-{layers}" if layers > 1 else padding


def _stored_transcript(store: Store | None, digest: str, key: str) -> Transcript | None:
    return None if store is None else Transcript.kept(store.transcript(digest, key))


@contextmanager
def warn_if_read_only(message: str) -> Iterator[None]:
    """Log a warning where a block writes into a store that cannot be written; other StoreErrors pass."""
    try:
        yield
    except StoreError as error:
        if error.kind not in NOT_WRITABLE:
            raise
        log.warning("%s: %s", message, error)
