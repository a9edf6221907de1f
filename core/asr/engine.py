"""Whisper over any runtime: samples to encoder states, states to tokens."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from core.asr import windows
from core.asr.decoding import LONGEST, Decoded, Decoder, Rules, attention_to, beam_search, greedy, greedy_after
from core.asr.tokenizer import tokenizer_for
from core.asr.windows import padded_length, windows_of
from core.audio import Samples, Waveform

if TYPE_CHECKING:
    from whisper.tokenizer import Tokenizer

FASTEST_SPEECH = 20  # tokens a second; a decoder that says more is in a loop
QUIET, LOUD = 0.05, 0.25  # peaks: quieter sounds are raised, or the mel spectrogram's floor swallows their consonants
GPU_FAILURES = (RuntimeError, AssertionError)  # the second: a PyTorch that was built without the GPU's library
MULTILINGUAL = 51_865  # tokens; English-only models have fewer
NOT_LANGUAGES = 51_765  # tokens of an English-only vocabulary that stand for no language
CONTEXT = 2 * LONGEST  # tokens that a decoder reads at most


class Runtime(Protocol):
    """A Whisper on one device: its encoder and its decoders. Not thread-safe."""

    @property
    def device(self) -> str:
        """Device in use: "cpu", "cuda" or "mps"."""

    @property
    def precision(self) -> str:
        """Precision of the states: "float32" or "float16"."""

    @property
    def vocabulary(self) -> int:
        """Number of tokens."""

    @property
    def exact(self) -> Decoder:
        """The decoder that computes as openai-whisper does."""

    @property
    def fast(self) -> Decoder:
        """The decoder with int8 weights; `exact` where there is none."""

    def encode(self, samples: NDArray[np.float32]) -> NDArray[Any]:
        """(rows, frames, width) states of padded samples (rows, n)."""


@dataclass(frozen=True, eq=False)
class DecodedWindow:
    """The decoder's result for one window; `likely` are the most probable languages, best first, and `alone` is the
    most probable one without a prior.
    """

    language: str
    likely: tuple[tuple[str, float], ...]
    no_speech: float
    decoded: Decoded
    alone: str = ""


class WhisperModel:
    """Encoding and decoding of windows with one runtime. Not thread-safe."""

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime
        self.multilingual = runtime.vocabulary >= MULTILINGUAL
        self.tokenizer = self.tokenizer_for("en")
        self.rules = self._rules(strict=True)
        self.exact_rules = self._rules(strict=False)

    def tokenizer_for(self, language: str, task: str = "transcribe") -> "Tokenizer":
        """Whisper's tokenizer, with the prompt of a language and a task ("transcribe" or "translate")."""
        count = self.runtime.vocabulary - NOT_LANGUAGES - self.multilingual
        return tokenizer_for(count, language, task, self.multilingual)

    def encode(self, windows: Sequence[Samples], length: int, raise_quiet: bool) -> NDArray[Any]:
        """(rows, frames, width) states of windows that are padded with silence to `length` samples."""
        return self.runtime.encode(np.stack([padded(samples, length, raise_quiet) for samples in windows]))

    def states(self, waveform: Waveform, padding: str) -> NDArray[np.float32]:
        """(frames, width) encoder states of a recording, 50 frames a second, as long as its sound.

        Under padding "window" all 1500 of its first 30 s.
        """
        if padding == "window":
            first, = self.encode([waveform.samples[:windows.LONGEST]], windows.LONGEST, raise_quiet=False)
            return np.asarray(first, np.float32)
        parts = []
        for window in windows_of([waveform]):
            length = padded_length(len(window.samples), padding)
            states, = self.encode([window.samples], length, raise_quiet=padding == "own")
            parts.append(states[: window.frames].astype(np.float32))
        return np.concatenate(parts)

    def read(self, states: NDArray[Any], seconds: Sequence[float], languages: Sequence[str], task: str = "transcribe",
             exact: bool = False, patient: bool = False, watch: bool = False,
             prior: Sequence[Mapping[str, float]] = (), beam: int = 1, prompt: str = "") -> list[DecodedWindow]:
        """Decode states (rows, frames, width). `languages` (rows,): codes, "auto" to detect them from the same states.

        `exact`: as openai-whisper decodes. `patient`: to the end even if it seems to loop. `watch`: for word times.
        `prior` (rows,): added to the logits of languages when they are detected, by code; () for none.
        `beam`: hypotheses of a beam search, which reads with the exact decoder; 1: greedy. `prompt`: words that are
        likely to be said; the language and the no-speech probability are those without it.
        """
        decoder, tokenizer = self.runtime.exact if exact or beam > 1 else self.runtime.fast, self.tokenizer
        cache = decoder.begin(states)
        logits = decoder.logits(np.full((len(states), 1), tokenizer.sot), cache)
        no_speech = softmax(logits)[:, tokenizer.no_speech].tolist()
        likely, alone = self._languages(logits, prior), [codes[0][0] for codes in self._languages(logits, ())]
        chosen = [codes[0][0] if code == "auto" else code for code, codes in zip(languages, likely, strict=True)]
        context = self._context(prompt)
        prompts = np.array([[*context, *self._prompt(code, task)] for code in chosen])
        rules = replace(self.exact_rules if exact else self.rules, stop_at_loops=not patient)
        room = min(LONGEST, CONTEXT - prompts.shape[1])
        limits = [room if patient else min(room, 30 + int(FASTEST_SPEECH * each)) for each in seconds]
        if beam > 1:
            decoded = [self._searched(states[row:row + 1], prompts[row], rules, limits[row], beam, watch)
                       for row in range(len(states))]
        else:
            decoded = greedy(decoder, _before(context, cache), prompts, rules, limits, watch)
        return [DecodedWindow(*row) for row in zip(chosen, likely, no_speech, decoded, alone, strict=True)]

    def read_partial(self, states: NDArray[Any], seconds: float, language: str, likely: Mapping[str, float],
                     guess: Sequence[int], prompt: str = "") -> tuple[str, Decoded]:
        """Language and greedy transcript of one window's states (1, frames, width), without word times.

        `language` "auto": detected, with `likely` added to the logits of languages by code. `guess`: tokens with which
        the transcript probably begins; they change the result by rounding at most. `prompt` as in `read`.
        """
        decoder = self.runtime.fast
        cache = decoder.begin(states)
        logits = decoder.logits(np.array([[self.tokenizer.sot]]), cache)
        chosen = self._languages(logits, [likely])[0][0][0] if language == "auto" else language
        context = self._context(prompt)
        whole = np.array([*context, *self._prompt(chosen, "transcribe")])
        limit = min(LONGEST, CONTEXT - len(whole), 30 + int(FASTEST_SPEECH * seconds))
        rules = replace(self.rules, stop_at_loops=True)
        return chosen, greedy_after(guess, decoder, _before(context, cache), whole, rules, limit)

    def _searched(self, states: NDArray[Any], prompt: NDArray[np.int64], rules: Rules, limit: int, beam: int,
                  watch: bool) -> Decoded:
        """The result of a beam search for one window (1, frames, width)."""
        decoder, sot = self.runtime.exact, self.tokenizer.sot
        prompt = prompt if sot in prompt else np.array([sot, *prompt])
        decoded = beam_search(decoder, decoder.begin(states), prompt, rules, limit, beam)
        if watch:
            seen = attention_to(decoded.tokens, decoder, decoder.begin(states), prompt, rules)
            decoded.attention = seen if decoded.finished else seen[:-1]
        return decoded

    def languages(self, states: NDArray[Any], among: Collection[str]) -> list[tuple[str, float]]:
        """The most probable language of each row of states (rows, frames, width) among some codes, and how probable it
        is there.
        """
        decoder, tokenizer = self.runtime.fast, self.tokenizer
        logits = decoder.logits(np.full((len(states), 1), tokenizer.sot), decoder.begin(states))
        codes = [code for code in tokenizer.all_language_codes if code in among]
        shares = softmax(logits[:, [tokenizer.to_language_token(code) for code in codes]])
        return [(codes[int(row.argmax())], float(row.max())) for row in shares]

    def _languages(self, logits: NDArray[np.float32],
                   prior: Sequence[Mapping[str, float]]) -> list[tuple[tuple[str, float], ...]]:
        """The two most probable languages of each row of (rows, vocabulary) at the start of the transcript."""
        if not self.multilingual:
            return [(("en", 1.0),)] * len(logits)
        codes = self.tokenizer.all_language_codes
        among = logits[:, list(self.tokenizer.all_language_tokens)]
        if prior:
            among = among + np.array([[row.get(code, 0.0) for code in codes] for row in prior], np.float32)
        return [tuple((codes[place], float(row[place])) for place in np.argsort(-row, kind="stable")[:2])
                for row in softmax(among)]

    def _context(self, prompt: str) -> list[int]:
        """The tokens of a vocabulary prompt up to <|startoftranscript|>, as openai-whisper puts them; [] without one.

        Of a long prompt the last 223 tokens, half of the decoder's context.
        """
        if not prompt.strip():
            return []
        tokens = self.tokenizer.encode(" " + prompt.strip())
        return [self.tokenizer.sot_prev, *tokens[1 - LONGEST:], self.tokenizer.sot]

    def _prompt(self, language: str, task: str) -> list[int]:
        """The tokens after <|startoftranscript|>: language, task, no timestamps."""
        return list(self.tokenizer_for(language, task).sot_sequence_including_notimestamps[1:])

    def _rules(self, strict: bool) -> Rules:
        """openai-whisper's forbidden tokens; `strict` adds every token that is no text."""
        tokenizer = self.tokenizer
        markers = [tokenizer.transcribe, tokenizer.translate, tokenizer.sot, tokenizer.sot_prev, tokenizer.sot_lm,
                   tokenizer.no_speech]
        forbidden = np.zeros(self.runtime.vocabulary, np.float32)
        forbidden[[*tokenizer.non_speech_tokens, *markers]] = -np.inf
        if strict:
            forbidden[tokenizer.eot + 1 :] = -np.inf
        first = forbidden.copy()
        first[[*tokenizer.encode(" "), tokenizer.eot]] = -np.inf
        return Rules(tokenizer.eot, forbidden, first)


def _before(context: Sequence[int], cache: Any) -> Any:
    """The cache, which has read <|startoftranscript|>; emptied where a context goes before that."""
    if context:
        cache.truncate(0)
    return cache


def padded(samples: Samples, length: int, raise_quiet: bool) -> NDArray[np.float32]:
    """(length,) samples, padded with silence; quiet ones are raised on request."""
    peak = float(np.abs(samples).max())
    gain = LOUD / peak if raise_quiet and 0 < peak < QUIET else 1.0
    whole = np.zeros(length, np.float32)
    whole[: len(samples)] = samples * np.float32(gain)
    return whole


def softmax(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """Softmax along the last axis."""
    shares = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(shares / shares.sum(axis=-1, keepdims=True), np.float32)
