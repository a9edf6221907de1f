"""Whisper as a recogniser: utterances to transcripts with word times, and the encoder states behind them.

Most utterances are decoded at their own length with an int8 decoder, several times faster than padded to 30 s. A
doubtful result (a loop, an unlikely text) is decoded again as openai-whisper would.
"""

import zlib
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from core.asr import exported
from core.asr.alignment import align, words_of
from core.asr.decoding import without_loop
from core.asr.engine import GPU_FAILURES, DecodedWindow, Runtime, WhisperModel
from core.asr.hallucination_guards import SILENT, Evidence, Sound, is_worth_showing, sound_of, why_empty
from core.asr.languages import COMMON, SHORT, joined, pieces_of, prior
from core.asr.recogniser import stacked_states
from core.asr.transcript import EncodedUtterance, PartialTranscript, Transcript, TranscriptionOptions, Word
from core.asr.windows import LONGEST, SILENCE_AFTER_PART, STEP, Window, batches, padded_length, windows_of
from core.audio import RATE, Samples, Waveform
from core.errors import ModelError
from core.fingerprint import Fingerprint
from core.inference.exports import ExportCache
from core.localisation import _
from core.priority import PriorityLock
from core.progress import Progress, Report, WorkStep, silent
from core.spoken_languages import name_of

if TYPE_CHECKING:
    from core.asr.torch_runtime import TorchWhisper

REPETITIVE = 2.4  # compression ratio, as in openai-whisper
UNLIKELY = -1.0  # mean log probability, as in openai-whisper
FEW_WORDS = 1.2  # seconds of sound; see `WhisperRecogniser._of_few_words`
SURE_OF_WORDS = -0.35  # mean log probability of a query of few words in a known language that needs no second decoding
SURE_OF_LANGUAGE = 0.7  # under it the text is decoded in the other likely languages too, and the likeliest text wins
Result = TypeVar("Result")
SPACELESS = {"zh", "ja", "th", "lo", "my", "yue"}
BATCH = {"cpu": 16 * 8 * RATE, "cuda": 32 * 30 * RATE, "mps": 8 * 30 * RATE}  # padded samples at once


@dataclass(frozen=True, eq=False)
class TranscribedWindow:
    """A window with its transcript. `reading` is None where nothing is audible; `states` (frames, width), padded."""

    window: Window
    sound: Sound
    states: NDArray[Any]  # that the reading was decoded from
    encoded: np.ndarray  # (frames, width) float16 at true length
    reading: DecodedWindow | None = None
    text: str = ""
    translation: str = ""
    reason: str = ""  # why the text is not believed, else ""
    redone: bool = False
    doubtful: bool = False

    @property
    def stuck(self) -> bool:
        """The decoder did not end by itself."""
        return self.reading is not None and not self.reading.decoded.finished


@dataclass(frozen=True)
class WhisperIdentity:
    """What tells one checkpoint from another. `name` as openai-whisper calls it, or ""; `width` of the states."""

    name: str
    sha256: str
    width: int


class WhisperRecogniser:
    """Whisper, loaded: a `Recogniser`. Calls from several threads wait for each other."""

    def __init__(self, path: Path, identity: WhisperIdentity, runtime: Runtime, note: str = "") -> None:
        self.name = f"Whisper {identity.name or 'of your own'}"
        self.fallback = note
        self.width = identity.width
        self._path, self._identity = path, identity
        self._lock = PriorityLock()
        self._engine = WhisperModel(runtime)
        self._torch: TorchWhisper | None = None

    @property
    def runtime(self) -> Runtime:
        """What encodes and decodes: PyTorch or an export."""
        return self._engine.runtime

    @property
    def device(self) -> str:
        """Device in use: "cpu", "cuda" or "mps"."""
        return self.runtime.device

    @property
    def precision(self) -> str:
        """The precision of the states: "float32" or "float16"."""
        return self.runtime.precision

    @property
    def fingerprint(self) -> Fingerprint:
        """All that decides a transcript under the default options."""
        return self.fingerprint_of(TranscriptionOptions())

    def fingerprint_of(self, options: TranscriptionOptions) -> Fingerprint:
        """All that decides a transcript: weights, precision and options."""
        runtime, options = self.runtime, self._possible(options)
        exact = options.padding != "own" or options.beam > 1 or runtime.fast is runtime.exact
        parts: dict[str, Any] = {
            "recogniser": self.name, "weights": self._identity.sha256, "precision": self.precision,
            "decoding": self.precision if exact else "int8", "padding": options.padding, "language": options.language,
            "translate": options.translate, "words": options.word_times}
        if options.likely and options.language == "auto":
            parts["likely"] = sorted(options.likely)
        if options.keep_doubtful:  # left out where it is not set: fingerprints of datasets stay as they were
            parts["doubtful"] = 2
        if options.several_languages and options.language == "auto":
            parts["several_languages"] = True
        if options.beam > 1:
            parts["beam"] = options.beam
        if options.prompt.strip():
            parts["prompt"] = options.prompt.strip()
        return Fingerprint.of(parts)

    def _possible(self, options: TranscriptionOptions) -> TranscriptionOptions:
        """The options as far as the model has a choice: an English-only one detects and translates nothing."""
        if self._engine.multilingual:
            return options
        return replace(options, language="en", translate=False, likely=(), several_languages=False)

    def warm_up(self) -> None:
        """Decode a second of silence: tables and kernels that are made once are then there."""
        with self._lock:
            states = self._engine.encode([np.zeros(RATE, np.float32)], 5 * RATE, raise_quiet=False)
            self._engine.read(states, [0.0], ["auto"], watch=True)

    def transcribe(self, waveforms: Sequence[Waveform], options: TranscriptionOptions = TranscriptionOptions(),
             report: Report = silent) -> list[EncodedUtterance]:
        """Transcripts and encoder states of recordings. `report` counts windows of at most 30 s.

        A recording without words gives an empty text with a reason, never an error. When a GPU fails, the CPU is used,
        and `fallback` says so. ModelError ("language") on a language that Whisper does not know.
        """
        with self._lock:  # from the background it gives way to others between two recordings
            options = self._checked(options)
            utterances = self._with_fallback(lambda: self._transcribe(waveforms, options, report))
        if options.layers <= 1:
            return utterances
        return [replace(utterance, states=(stacked_states(self, waveform, options.padding, options.layers)
                                           .astype(np.float16),))
                for utterance, waveform in zip(utterances, waveforms, strict=True)]

    def _checked(self, options: TranscriptionOptions) -> TranscriptionOptions:
        """The options as far as the model has a choice. ModelError ("language")."""
        codes = self._engine.tokenizer.all_language_codes if self._engine.multilingual else ("en",)
        if options.language not in ("auto", *codes):
            raise ModelError(_("{name} does not know the language {language!r}.").format(name=self.name,
                                                                                         language=options.language),
                             "language")
        options = self._possible(options)
        return replace(options, likely=tuple(code for code in options.likely if code in codes))

    def transcribe_partial(self, samples: Samples, options: TranscriptionOptions = TranscriptionOptions(),
                           previous: PartialTranscript | None = None) -> PartialTranscript:
        """See `Recogniser`. ModelError ("language")."""
        with self._lock:
            options = self._checked(options)
            return self._with_fallback(lambda: self._transcribe_partial(samples[-LONGEST:], options, previous))

    def _transcribe_partial(self, samples: Samples, options: TranscriptionOptions,
                            previous: PartialTranscript | None) -> PartialTranscript:
        sound = sound_of(samples)
        if sound.silent:
            return PartialTranscript("")
        length = min(LONGEST, -(-(len(samples) + SILENCE_AFTER_PART) // STEP) * STEP)
        states = self._engine.encode([samples], length, raise_quiet=True)
        language, decoded = self._engine.read_partial(states, len(samples) / RATE, options.language,
                                                      prior(options.likely, sound.seconds),
                                                      previous.tokens if previous else (), options.prompt)
        if not decoded.finished:
            decoded = without_loop(decoded)
        tokens = [token for token in decoded.tokens if token < self._engine.tokenizer.eot]
        return PartialTranscript(self._engine.tokenizer.decode(tokens).strip(), language, tuple(tokens))

    def states(self, waveform: Waveform, padding: str = "own") -> NDArray[np.float32]:
        """Encoder states of a recording, (frames, width); those of `transcribe` under the same padding."""
        with self._lock:
            return self._with_fallback(lambda: self._engine.states(waveform, padding))

    def layers(self, waveform: Waveform, padding: str = "own") -> NDArray[np.float32]:
        """Encoder states of a recording by layer, (layers, frames, width), from PyTorch; see `TorchWhisper.layers`."""
        with self._lock:
            return self._with_fallback(lambda: self._in_torch().layers(waveform, padding))

    def _in_torch(self) -> "TorchWhisper":
        """The model in PyTorch, which has the states of every layer."""
        from core import devices
        from core.asr import checkpoint, torch_runtime

        runtime = self._engine.runtime
        if isinstance(runtime, torch_runtime.TorchWhisper):
            return runtime
        if self._torch is None:
            self._torch = torch_runtime.TorchWhisper(checkpoint.read(self._path), devices.CPU)
        return self._torch

    def _with_fallback(self, work: Callable[[], Result]) -> Result:
        """The result of work; when a GPU fails in it, that of doing it on the CPU."""
        engine = self._engine
        try:
            return work()
        except GPU_FAILURES as error:
            if engine.runtime.device == "cpu":
                raise
            if self._engine is engine:  # else another thread has left the GPU meanwhile
                runtime, self.fallback = self._in_torch().fall_back(error)
                self._engine = WhisperModel(runtime)
            return work()

    def _transcribe(self, waveforms: Sequence[Waveform], options: TranscriptionOptions,
                    report: Report) -> list[EncodedUtterance]:
        by_recording: dict[int, list[TranscribedWindow]] = defaultdict(list)
        for result in self._transcribe_windows(self._by_language(windows_of(waveforms), options), options, report):
            by_recording[result.window.recording].append(result)
        utterances = [self._join(by_recording[index], options) for index in range(len(waveforms))]
        if options.padding == "window":  # of a recording of several windows the first 30 s, whatever was cut there
            for index, waveform in enumerate(waveforms):
                if len(by_recording[index]) > 1:
                    states = self._engine.states(waveform, options.padding).astype(np.float16)
                    utterances[index] = replace(utterances[index], states=(states,))
        return utterances

    def _by_language(self, windows: list[Window], options: TranscriptionOptions) -> list[Window]:
        """The windows, cut at pauses where the language changes."""
        if not options.several_languages or options.language != "auto":
            return windows
        return [part for window in windows for part in self._split_by_language(window, options)]

    def _split_by_language(self, window: Window, options: TranscriptionOptions) -> list[Window]:
        pieces = pieces_of(window)
        if len(pieces) == 1 or sound_of(window.samples).silent:
            return [window]
        length = padded_length(max(len(piece.samples) for piece in pieces), "own")
        states = self._engine.encode([piece.samples for piece in pieces], length, raise_quiet=True)
        parts = joined(pieces, self._engine.languages(states, {*COMMON, *options.likely}))
        return parts if len(parts) > 1 else [window]

    def _transcribe_windows(self, windows: list[Window], options: TranscriptionOptions,
                            report: Report) -> list[TranscribedWindow]:
        """Results in the order of `windows`; one in which the decoder is stuck becomes two."""
        done: dict[int, list[TranscribedWindow]] = {}
        report(Progress(WorkStep.TRANSCRIBING, 0, len(windows)))
        for length, indices in batches(windows, options.padding, BATCH[self.device]):
            results = self._batch([windows[index] for index in indices], length, options)
            self._lock.give_way()
            for index, result in zip(indices, results, strict=True):
                stuck = result.stuck and result.window.can_be_halved and options.padding == "own"
                done[index] = (self._transcribe_windows(result.window.halves(), options, silent) if stuck
                               else [result])
            report(Progress(WorkStep.TRANSCRIBING, len(done), len(windows)))
        return [result for index in range(len(windows)) for result in done[index]]

    def _batch(self, windows: list[Window], length: int, options: TranscriptionOptions) -> list[TranscribedWindow]:
        """Results of windows of one padded length: encoded and decoded together, doubtful ones decoded again."""
        exact = options.padding != "own"
        states = self._engine.encode([window.samples for window in windows], length, raise_quiet=not exact)
        results = [TranscribedWindow(window, sound_of(window.samples), row,
                                     (row if options.padding == "window" else row[: window.frames]).astype(np.float16),
                                     reason=SILENT)
                 for window, row in zip(windows, states, strict=True)]
        self._lock.give_way()
        audible = [index for index, result in enumerate(results) if not result.sound.silent]
        if not audible:
            return results
        readings = self._engine.read(states[audible], [windows[index].seconds for index in audible],
                                     [options.language] * len(audible), exact=exact, patient=exact,
                                     watch=options.word_times,
                                     prior=[prior(options.likely, results[index].sound.seconds) for index in audible],
                                     beam=options.beam, prompt=options.prompt)
        for index, reading in zip(audible, readings, strict=True):
            self._lock.give_way()
            result = self._with(results[index], reading, options)
            results[index] = result if exact else self._reconsider(result, options)
        return self._translated(results, options) if options.translate else results

    def _with(self, result: TranscribedWindow, reading: DecodedWindow,
              options: TranscriptionOptions) -> TranscribedWindow:
        """The result with a reading, its text, and the reason if the text is not believed."""
        tokenizer = self._engine.tokenizer
        looped = not reading.decoded.finished
        reading = replace(reading, decoded=without_loop(reading.decoded) if looped else reading.decoded)
        text = tokenizer.decode([token for token in reading.decoded.tokens if token < tokenizer.eot]).strip()
        evidence = Evidence(text, reading.decoded.avg_logprob, reading.no_speech, looped)
        reason = why_empty(result.sound, evidence)
        doubtful = bool(reason) and options.keep_doubtful and is_worth_showing(result.sound, evidence)
        return replace(result, reading=reading, text=text, reason="" if doubtful else reason, doubtful=doubtful)

    def _reconsider(self, result: TranscribedWindow, options: TranscriptionOptions) -> TranscribedWindow:
        """The result, decoded in other languages where the language is in doubt, and again in full where the text is.
        """
        if options.keep_doubtful and result.sound.seconds < FEW_WORDS:
            return self._of_few_words(result, options)
        assert result.reading is not None
        detected = result.reading.likely
        if options.language == "auto" and detected[0][1] < SURE_OF_LANGUAGE:
            likely = options.likely if result.sound.seconds < SHORT else ()
            others = {"en", *likely} if detected[0][0] in likely else {code for code, _unused in detected} | {"en"}
            for language in sorted(others - {result.reading.language}):
                result = _likelier(result, self._again(result, result.states, language, options, exact=False))
        assert result.reading is not None
        decoded = result.reading.decoded
        doubtful = (result.stuck or compression_ratio(result.text) > REPETITIVE
                    or (decoded.avg_logprob < UNLIKELY and not result.reason))
        if not doubtful:
            return result
        return replace(_likelier(result, self._padded(result, options)), redone=True)

    def _of_few_words(self, result: TranscribedWindow, options: TranscriptionOptions) -> TranscribedWindow:
        """The result of a query of a word or two: its language is found from 30 s, and the likelier of two texts wins.
        """
        assert result.reading is not None
        sure = (result.reading.decoded.avg_logprob >= SURE_OF_WORDS
                and not (result.stuck or result.reason or result.doubtful))
        if sure and options.language != "auto":
            return result
        padded = self._padded(result, options)
        assert padded.reading is not None
        result = self._again(result, result.states, padded.reading.language, options, exact=True)  # compared as equals
        if bool(result.reason) != bool(padded.reason):
            chosen = padded if result.reason else result
        else:
            chosen = _likelier(result, padded)
        assert chosen.reading is not None
        return replace(chosen, reading=replace(chosen.reading, alone=padded.reading.alone), redone=True)

    def _padded(self, result: TranscribedWindow, options: TranscriptionOptions) -> TranscribedWindow:
        """The result as openai-whisper would decode it: padded to 30 s, in float32."""
        states = self._engine.encode([result.window.samples], LONGEST, raise_quiet=True)[0]
        return self._again(result, states, options.language, options, exact=True)

    def _again(self, result: TranscribedWindow, states: NDArray[Any], language: str, options: TranscriptionOptions,
               exact: bool) -> TranscribedWindow:
        """The result of other states or another language. A loop is cut off where the window cannot be halved."""
        reading, = self._engine.read(states[None], [result.window.seconds], [language], exact=exact,
                                     patient=exact and not result.window.can_be_halved, watch=options.word_times,
                                     prior=[prior(options.likely, result.sound.seconds)], beam=options.beam,
                                     prompt=options.prompt)
        return self._with(replace(result, states=states), reading, options)

    def _translated(self, results: list[TranscribedWindow], options: TranscriptionOptions) -> list[TranscribedWindow]:
        """The results, those in other languages with their English, decoded from the same states."""
        groups: dict[int, list[int]] = defaultdict(list)
        for index, result in enumerate(results):
            if result.reading and not result.reason and result.reading.language != "en":
                groups[len(result.states)].append(index)
        translated = list(results)
        for indices in groups.values():
            group = [results[index] for index in indices]
            languages = [result.reading.language for result in group if result.reading]
            readings = self._engine.read(np.stack([result.states for result in group]),
                                         [result.window.seconds for result in group], languages, "translate",
                                         beam=options.beam, prompt=options.prompt)
            for index, reading in zip(indices, readings, strict=True):
                text = self._with(results[index], reading, TranscriptionOptions()).text
                translated[index] = replace(results[index], translation=text)
        return translated

    def _join(self, results: list[TranscribedWindow], options: TranscriptionOptions) -> EncodedUtterance:
        """The utterance of one recording's windows."""
        believed = [result for result in results if not result.reason and result.reading]
        decoded = [result.reading for result in results if result.reading]
        language = _main_language(believed)
        gap = "" if language in SPACELESS else " "
        original = gap.join(result.text for result in believed)
        foreign = options.translate and any(result.translation for result in believed)
        text = " ".join(result.translation or result.text for result in believed) if foreign else original
        tokens = [len(reading.decoded.tokens) + 1 for reading in decoded]
        transcript = Transcript(
            text=text, language=language,
            words=tuple(word for result in believed for word in self._words(result)) if options.word_times else (),
            avg_logprob=float(np.average([reading.decoded.avg_logprob for reading in decoded], weights=tokens))
            if decoded else 0.0,
            no_speech_probability=min((reading.no_speech for reading in decoded), default=1.0),
            compression_ratio=compression_ratio(original) if original else 0.0,
            original=original if foreign else "", reason="" if text else results[0].reason,
            redone=any(result.redone for result in results), doubtful=any(result.doubtful for result in believed),
            notes=_notes(believed, options))
        return EncodedUtterance(transcript, tuple(result.encoded for result in results))

    def _words(self, result: TranscribedWindow) -> list[Word]:
        """The words of a believed window, with times in the recording."""
        assert result.reading is not None
        tokenizer = self._engine.tokenizer_for(result.reading.language)
        decoded = result.reading.decoded
        decoded = decoded.keep([place for place, token in enumerate(decoded.tokens) if token < tokenizer.eot])
        if decoded.attention is None or not decoded.tokens:
            return []
        starts = align(decoded.attention, result.window.frames)
        if len(starts) == len(decoded.tokens):  # the end was never decoded
            starts = np.append(starts, result.window.seconds)
        pieces, tokens = tokenizer.split_to_word_tokens([*decoded.tokens, tokenizer.eot])
        offset = result.window.start / RATE
        timed = words_of(pieces[:-1], [len(each) for each in tokens[:-1]], starts, decoded.logprobs,
                         result.reading.language not in SPACELESS)
        return [Word(text, round(offset + start, 2), round(offset + end, 2), round(probability, 4))
                for text, start, end, probability in timed]


def load(path: Path, device: str = "auto", exports: ExportCache | None = None, sha256: str = "") -> WhisperRecogniser:
    """The recogniser of a Whisper checkpoint (openai-whisper's format), on one of `devices.NAMES`.

    With `exports` and the file's SHA-256 its export runs in ONNX Runtime; where there is none, PyTorch. ModelError:
    missing, damaged, device.
    """
    if exports is not None:
        runtime = exported.find(sha256, exports)
        if runtime is not None:
            return WhisperRecogniser(path, WhisperIdentity(runtime.name, sha256, runtime.shape.width), runtime)
    from core import devices
    from core.asr import checkpoint, torch_runtime

    chosen = devices.choose(device)
    loaded = checkpoint.read(path)
    started, note = torch_runtime.start(loaded, chosen)
    identity = WhisperIdentity(loaded.name, loaded.sha256, int(loaded.model.dims.n_audio_state))
    return WhisperRecogniser(path, identity, started, note)


def is_exported(sha256: str, exports: ExportCache) -> bool:
    """Whether the export of a checkpoint was made, be it that it cannot be used."""
    return exported.is_made(sha256, exports)


def export(path: Path, exports: ExportCache, sha256: str) -> None:
    """Make the export of a checkpoint, unless there is one. OSError: it cannot be written."""
    exported.make(path, sha256, exports)


def compression_ratio(text: str) -> float:
    """Bytes of a text over those of its compression, as in openai-whisper: high where it repeats itself."""
    data = text.encode()
    return len(data) / len(zlib.compress(data))


def _likelier(first: TranscribedWindow, second: TranscribedWindow) -> TranscribedWindow:
    """The result with the likelier text; one that ended goes before one that is stuck, a repetitive one comes last."""
    def rank(result: TranscribedWindow) -> tuple[bool, bool, float]:
        assert result.reading is not None
        return not result.stuck, compression_ratio(result.text) <= REPETITIVE, result.reading.decoded.avg_logprob
    return max(first, second, key=rank)


def _notes(believed: Sequence[TranscribedWindow], options: TranscriptionOptions) -> tuple[str, ...]:
    """Notes that the language changes, or that it is a guess; for queries under language "auto"."""
    readings = [result.reading for result in believed if result.reading]
    if not readings or not options.likely or options.language != "auto":
        return ()
    spoken = [code for code, _unused in groupby(reading.language for reading in readings)]
    if len(spoken) > 1:
        return (f"The language changes: {', then '.join(map(name_of, spoken))}. Each part was transcribed in its own.",)
    first = readings[0]
    if first.alone in (spoken[0], "") or first.alone not in COMMON:
        return ()
    return (f"The language is a guess: transcribed as {name_of(spoken[0])}, though it may be {name_of(first.alone)}. "
            "It can be set under Settings, Speech.",)


def _main_language(results: Sequence[TranscribedWindow]) -> str:
    """The language that is spoken longest; "" without words."""
    seconds: dict[str, float] = defaultdict(float)
    for result in results:
        if result.reading:
            seconds[result.reading.language] += result.window.seconds
    return max(seconds, key=lambda code: seconds[code]) if seconds else ""
