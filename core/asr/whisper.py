"""The recogniser: utterances to transcripts with word times, and the encoder states behind them.

Most utterances are heard at their own length with an int8 decoder, several times sooner than padded to 30 s.
Whatever comes out of that in doubt (a loop, an unlikely text) is decoded again as openai-whisper would.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from whisper.utils import compression_ratio

from core import devices
from core.asr import checkpoint as speech_checkpoint
from core.asr.alignment import align, words_of
from core.asr.decoding import without_loop
from core.asr.engine import DecodedWindow, WhisperModel
from core.asr.hallucination_guards import SILENT, Evidence, Sound, is_worth_showing, sound_of, why_empty
from core.asr.languages import COMMON, SHORT, joined, name_of, pieces_of, prior
from core.asr.layers import layers_of
from core.asr.transcript import EncodedUtterance, Transcript, TranscriptionOptions, Word
from core.asr.windows import LONGEST, Window, batches, padded_length, windows_of
from core.audio import RATE, Waveform
from core.errors import ModelError
from core.fingerprint import Fingerprint
from core.priority import PriorityLock
from core.progress import Report, silent

REPETITIVE = 2.4  # compression ratio, as in openai-whisper
UNLIKELY = -1.0  # mean log probability, as in openai-whisper
FEW_WORDS = 1.2  # seconds of sound; see `WhisperRecogniser._of_few_words`
SURE_OF_WORDS = -0.35  # mean log probability of a query of few words in a known language that needs no second decoding
SURE_OF_LANGUAGE = 0.7  # under it the text is decoded in the other likely languages too, and the likeliest text wins
GPU_FAILURES = (RuntimeError, AssertionError)  # the second: a PyTorch that was built without the GPU's library
SPACELESS = {"zh", "ja", "th", "lo", "my", "yue"}
BATCH = {"cpu": 16 * 8 * RATE, "cuda": 32 * 30 * RATE, "mps": 8 * 30 * RATE}  # padded samples at once


@dataclass(frozen=True, eq=False)
class TranscribedWindow:
    """One window, heard. `reading` is None when there was nothing to decode; `states` (frames, width), padded."""

    window: Window
    sound: Sound
    states: Tensor  # what the reading was decoded from
    kept: np.ndarray  # (frames, width) float16 at true length
    reading: DecodedWindow | None = None
    text: str = ""
    translation: str = ""
    reason: str = ""
    redone: bool = False
    doubtful: bool = False

    @property
    def stuck(self) -> bool:
        """Whether the decoder did not come to an end by itself."""
        return self.reading is not None and not self.reading.decoded.finished


class WhisperRecogniser:
    """Whisper, loaded: a `Recogniser`. Calls from several threads wait for each other."""

    def __init__(self, checkpoint: speech_checkpoint.WhisperCheckpoint, device: devices.Device) -> None:
        self.name = f"Whisper {checkpoint.name or 'of your own'}"
        self.fallback = device.note
        self._checkpoint = checkpoint
        self._lock = PriorityLock()
        try:
            self._engine = WhisperModel(checkpoint, device)
        except GPU_FAILURES as error:
            if device.name == "cpu":
                raise
            self._engine = self._on_cpu(device, error)

    @property
    def device(self) -> str:
        """Where it computes now: "cpu", "cuda" or "mps"."""
        return self._engine.device.name

    @property
    def precision(self) -> str:
        """The precision of the states: "float32" or "float16"."""
        return self._engine.device.precision_name

    @property
    def width(self) -> int:
        """Of the encoder's states: 512 for base."""
        return int(self._checkpoint.model.dims.n_audio_state)

    @property
    def fingerprint(self) -> Fingerprint:
        """All that decides a transcript under the default options."""
        return self.fingerprint_of(TranscriptionOptions())

    def fingerprint_of(self, options: TranscriptionOptions) -> Fingerprint:
        """All that decides a transcript: weights, precision and options."""
        decoding = self.precision if options.padding == "full" or self._engine.fast is self._engine.exact else "int8"
        parts: dict[str, Any] = {
            "recogniser": self.name, "weights": self._checkpoint.sha256, "precision": self.precision,
            "decoding": decoding, "padding": options.padding, "language": options.language,
            "translate": options.translate, "words": options.word_times}
        if options.likely and options.language == "auto":
            parts["likely"] = sorted(options.likely)
        if options.keep_doubtful:  # left out where it is not set: what datasets were heard under stays as it was
            parts["doubtful"] = 2
        if options.several_languages and options.language == "auto":
            parts["several_languages"] = True
        return Fingerprint.of(parts)

    def warm_up(self) -> None:
        """Hear a second of nothing, so that the first query does not pay for tables and kernels that are made once."""
        with self._lock:
            states = self._engine.encode([np.zeros(RATE, np.float32)], 5 * RATE, raise_quiet=False)
            self._engine.read(states, [0.0], ["auto"], watch=True)

    def transcribe(self, waveforms: Sequence[Waveform], options: TranscriptionOptions = TranscriptionOptions(),
             report: Report = silent) -> list[EncodedUtterance]:
        """What is said in each recording. `report` counts windows of at most 30 s.

        A recording without words gives an empty text with a reason, never an error. A GPU that fails is left for the
        CPU, with a sentence in `fallback`. ModelError ("language") on a language that Whisper does not know.
        """
        windows = windows_of(waveforms)
        with self._lock:  # from the background it gives way to others between two recordings
            if options.language not in ("auto", *self._engine.tokenizer.all_language_codes):
                raise ModelError(f"Whisper does not know the language {options.language!r}.", "language")
            engine = self._engine
            codes = self._engine.tokenizer.all_language_codes
            options = replace(options, likely=tuple(code for code in options.likely if code in codes))
            try:
                takes = self._takes(self._by_language(windows, options), options, report)
            except GPU_FAILURES as error:
                if engine.device.name == "cpu":
                    raise
                if self._engine is engine:  # else another thread has left the GPU meanwhile
                    self._engine = self._on_cpu(engine.device, error)
                takes = self._takes(self._by_language(windows, options), options, report)
            by_recording: dict[int, list[TranscribedWindow]] = defaultdict(list)
            for take in takes:
                by_recording[take.window.recording].append(take)
            return [self._heard(by_recording[index], options) for index in range(len(waveforms))]

    def layers(self, waveform: Waveform, padding: str = "own") -> NDArray[np.float32]:
        """The encoder's states of a recording by layer, (layers, frames, width); see `speech_layers.layers_of`."""
        with self._lock:
            try:
                return layers_of(self._engine, waveform, padding)
            except GPU_FAILURES as error:
                if self.device == "cpu":
                    raise
                self._engine = self._on_cpu(self._engine.device, error)
                return layers_of(self._engine, waveform, padding)

    def _on_cpu(self, failed: devices.Device, error: Exception) -> WhisperModel:
        device = devices.fall_back(failed, error)
        self.fallback = device.note
        return WhisperModel(self._checkpoint, device)

    def _by_language(self, windows: list[Window], options: TranscriptionOptions) -> list[Window]:
        """The windows, those in which the language changes at a pause cut there."""
        if not options.several_languages or options.language != "auto":
            return windows
        return [part for window in windows for part in self._one_language_each(window, options)]

    def _one_language_each(self, window: Window, options: TranscriptionOptions) -> list[Window]:
        pieces = pieces_of(window)
        if len(pieces) == 1 or sound_of(window.samples).silent:
            return [window]
        length = padded_length(max(len(piece.samples) for piece in pieces), "own")
        states = self._engine.encode([piece.samples for piece in pieces], length, raise_quiet=True)
        parts = joined(pieces, self._engine.languages(states, {*COMMON, *options.likely}))
        return parts if len(parts) > 1 else [window]

    def _takes(self, windows: list[Window], options: TranscriptionOptions, report: Report) -> list[TranscribedWindow]:
        """Every window heard, in the order of `windows`; one in which the decoder is stuck becomes two."""
        done: dict[int, list[TranscribedWindow]] = {}
        report(0, len(windows), "Listening")
        for length, indices in batches(windows, options.padding, BATCH[self.device]):
            takes = self._batch([windows[index] for index in indices], length, options)
            self._lock.give_way()
            for index, take in zip(indices, takes, strict=True):
                stuck = take.stuck and take.window.can_be_halved and options.padding == "own"
                done[index] = self._takes(take.window.halves(), options, silent) if stuck else [take]
            report(len(done), len(windows), "Listening")
        return [take for index in range(len(windows)) for take in done[index]]

    def _batch(self, windows: list[Window], length: int, options: TranscriptionOptions) -> list[TranscribedWindow]:
        """Windows of one padded length: encoded together, decoded together, then each judged and put right."""
        exact = options.padding == "full"
        states = self._engine.encode([window.samples for window in windows], length, raise_quiet=not exact)
        takes = [TranscribedWindow(window, sound_of(window.samples), row, _kept(row, window.frames), reason=SILENT)
                 for window, row in zip(windows, states, strict=True)]
        self._lock.give_way()
        audible = [index for index, take in enumerate(takes) if not take.sound.silent]
        if not audible:
            return takes
        readings = self._engine.read(states[audible], [windows[index].seconds for index in audible],
                                     [options.language] * len(audible), exact=exact, patient=exact,
                                     watch=options.word_times,
                                     prior=[_prior(takes[index], options) for index in audible])
        for index, reading in zip(audible, readings, strict=True):
            self._lock.give_way()
            take = self._with(takes[index], reading, options)
            takes[index] = take if exact else self._second_thoughts(take, options)
        return self._translated(takes) if options.translate else takes

    def _with(self, take: TranscribedWindow, reading: DecodedWindow,
              options: TranscriptionOptions) -> TranscribedWindow:
        """The take with a reading, its text, and the reason if the text is not believed."""
        tokenizer = self._engine.tokenizer
        looped = not reading.decoded.finished
        reading = replace(reading, decoded=without_loop(reading.decoded) if looped else reading.decoded)
        text = tokenizer.decode([token for token in reading.decoded.tokens if token < tokenizer.eot]).strip()
        evidence = Evidence(text, reading.decoded.avg_logprob, reading.no_speech, looped)
        reason = why_empty(take.sound, evidence)
        doubtful = bool(reason) and options.keep_doubtful and is_worth_showing(take.sound, evidence)
        return replace(take, reading=reading, text=text, reason="" if doubtful else reason, doubtful=doubtful)

    def _second_thoughts(self, take: TranscribedWindow, options: TranscriptionOptions) -> TranscribedWindow:
        """The take, decoded in other languages where the language is in doubt, and again in full where the text is."""
        if options.keep_doubtful and take.sound.seconds < FEW_WORDS:
            return self._of_few_words(take, options)
        assert take.reading is not None
        found = take.reading.likely
        if options.language == "auto" and found[0][1] < SURE_OF_LANGUAGE:
            likely = options.likely if take.sound.seconds < SHORT else ()
            others = {"en", *likely} if found[0][0] in likely else {code for code, _ in found} | {"en"}
            for language in sorted(others - {take.reading.language}):
                take = _likelier(take, self._again(take, take.states, language, options, exact=False))
        assert take.reading is not None
        decoded = take.reading.decoded
        doubtful = (take.stuck or compression_ratio(take.text) > REPETITIVE
                    or (decoded.avg_logprob < UNLIKELY and not take.reason))
        if not doubtful:
            return take
        return replace(_likelier(take, self._padded(take, options)), redone=True)

    def _of_few_words(self, take: TranscribedWindow, options: TranscriptionOptions) -> TranscribedWindow:
        """The take of a query of a word or two: its language is told from 30 s, and the likelier of two texts wins."""
        assert take.reading is not None
        sure = take.reading.decoded.avg_logprob >= SURE_OF_WORDS and not (take.stuck or take.reason or take.doubtful)
        if sure and options.language != "auto":
            return take
        padded = self._padded(take, options)
        assert padded.reading is not None
        take = self._again(take, take.states, padded.reading.language, options, exact=True)  # compared as equals
        if bool(take.reason) != bool(padded.reason):
            chosen = padded if take.reason else take
        else:
            chosen = _likelier(take, padded)
        assert chosen.reading is not None
        told = replace(chosen.reading, alone=padded.reading.alone)
        return replace(chosen, reading=told, redone=True)

    def _padded(self, take: TranscribedWindow, options: TranscriptionOptions) -> TranscribedWindow:
        """The take decoded as openai-whisper would: padded to 30 s, in float32."""
        states = self._engine.encode([take.window.samples], LONGEST, raise_quiet=True)[0]
        return self._again(take, states, options.language, options, exact=True)

    def _again(self, take: TranscribedWindow, states: Tensor, language: str, options: TranscriptionOptions,
               exact: bool) -> TranscribedWindow:
        """The take decoded from other states or in another language. Where a loop can be cut in half, it is cut off."""
        reading, = self._engine.read(states[None], [take.window.seconds], [language], exact=exact,
                                     patient=exact and not take.window.can_be_halved, watch=options.word_times,
                                     prior=[_prior(take, options)])
        return self._with(replace(take, states=states), reading, options)

    def _translated(self, takes: list[TranscribedWindow]) -> list[TranscribedWindow]:
        """The takes, those in other languages with their English; it is decoded from the states that are there."""
        groups: dict[int, list[int]] = defaultdict(list)
        for index, take in enumerate(takes):
            if take.reading and not take.reason and take.reading.language != "en":
                groups[len(take.states)].append(index)
        translated = list(takes)
        for indices in groups.values():
            group = [takes[index] for index in indices]
            languages = [take.reading.language for take in group if take.reading]
            readings = self._engine.read(torch.stack([take.states for take in group]),
                                         [take.window.seconds for take in group], languages, "translate")
            for index, reading in zip(indices, readings, strict=True):
                text = self._with(takes[index], reading, TranscriptionOptions()).text
                translated[index] = replace(takes[index], translation=text)
        return translated

    def _heard(self, takes: list[TranscribedWindow], options: TranscriptionOptions) -> EncodedUtterance:
        """The windows of one recording, joined."""
        said = [take for take in takes if not take.reason and take.reading]
        decoded = [take.reading for take in takes if take.reading]
        language = _main_language(said)
        gap = "" if language in SPACELESS else " "
        original = gap.join(take.text for take in said)
        foreign = options.translate and any(take.translation for take in said)
        text = " ".join(take.translation or take.text for take in said) if foreign else original
        tokens = [len(reading.decoded.tokens) + 1 for reading in decoded]
        transcript = Transcript(
            text=text, language=language,
            words=tuple(word for take in said for word in self._words(take)) if options.word_times else (),
            avg_logprob=float(np.average([reading.decoded.avg_logprob for reading in decoded], weights=tokens))
            if decoded else 0.0,
            no_speech_probability=min((reading.no_speech for reading in decoded), default=1.0),
            compression_ratio=compression_ratio(original) if original else 0.0,
            original=original if foreign else "", reason="" if text else takes[0].reason,
            redone=any(take.redone for take in takes), doubtful=any(take.doubtful for take in said),
            notes=_notes(said, options))
        return EncodedUtterance(transcript, tuple(take.kept for take in takes))

    def _words(self, take: TranscribedWindow) -> list[Word]:
        """The words of a window that is believed, with times in the recording."""
        assert take.reading is not None
        tokenizer = self._engine.tokenizer_for(take.reading.language)
        decoded = take.reading.decoded
        decoded = decoded.keep([place for place, token in enumerate(decoded.tokens) if token < tokenizer.eot])
        if decoded.attention is None or not decoded.tokens:
            return []
        starts = align(decoded.attention, take.window.frames)
        if len(starts) == len(decoded.tokens):  # the end was never decoded
            starts = np.append(starts, take.window.seconds)
        pieces, tokens = tokenizer.split_to_word_tokens([*decoded.tokens, tokenizer.eot])
        offset = take.window.start / RATE
        found = words_of(pieces[:-1], [len(each) for each in tokens[:-1]], starts, decoded.logprobs,
                         take.reading.language not in SPACELESS)
        return [Word(text, round(offset + start, 2), round(offset + end, 2), round(probability, 4))
                for text, start, end, probability in found]


def load(path: Path, device: str = "auto") -> WhisperRecogniser:
    """The recogniser of a Whisper checkpoint (openai-whisper's format), on one of `devices.NAMES`.

    ModelError: missing, damaged, english_only, device.
    """
    chosen = devices.choose(device)
    return WhisperRecogniser(speech_checkpoint.read(path), chosen)


def _kept(states: Tensor, frames: int) -> np.ndarray:
    """(frames, width) float16."""
    kept: np.ndarray = states[:frames].to(torch.float16).cpu().numpy().copy()
    return kept


def _prior(take: TranscribedWindow, options: TranscriptionOptions) -> dict[str, float]:
    """What languages weigh in a window."""
    return prior(options.likely, take.sound.seconds)


def _likelier(first: TranscribedWindow, second: TranscribedWindow) -> TranscribedWindow:
    """The one with the likelier text; one that came to an end before one that did not, repeating itself worst."""
    def rank(take: TranscribedWindow) -> tuple[bool, bool, float]:
        assert take.reading is not None
        return not take.stuck, compression_ratio(take.text) <= REPETITIVE, take.reading.decoded.avg_logprob
    return max(first, second, key=rank)


def _notes(said: Sequence[TranscribedWindow], options: TranscriptionOptions) -> tuple[str, ...]:
    """That the language changes, or that it is a guess; for a person who asks and set no language."""
    readings = [take.reading for take in said if take.reading]
    if not readings or not options.likely or options.language != "auto":
        return ()
    spoken = [code for code, _ in groupby(reading.language for reading in readings)]
    if len(spoken) > 1:
        return (f"The language changes: {', then '.join(map(name_of, spoken))}. Each part was transcribed in its own.",)
    first = readings[0]
    if first.alone in (spoken[0], "") or first.alone not in COMMON:
        return ()
    return (f"The language is a guess: transcribed as {name_of(spoken[0])}, though it may be {name_of(first.alone)}. "
            "It can be set under Settings, Hearing.",)


def _main_language(takes: Sequence[TranscribedWindow]) -> str:
    """The language that is spoken longest; "" when nothing is said."""
    seconds: dict[str, float] = defaultdict(float)
    for take in takes:
        if take.reading:
            seconds[take.reading.language] += take.window.seconds
    return max(seconds, key=lambda code: seconds[code]) if seconds else ""
