"""Whisper on one device: samples to encoder states, states to tokens."""

from collections import deque
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional
from whisper.audio import log_mel_spectrogram
from whisper.model import AudioEncoder
from whisper.tokenizer import Tokenizer, get_tokenizer

from core.asr.checkpoint import WhisperCheckpoint
from core.asr.decoding import LONGEST, Decoded, Decoder, Rules, greedy
from core.asr.windows import padded_length, windows_of
from core.audio import Samples, Waveform
from core.devices import Device

FASTEST_SPEECH = 20  # tokens a second; a decoder that says more is in a loop
FEW = 2  # rows that one thread decodes as soon as several do
QUIET, LOUD = 0.05, 0.25  # peaks: quieter sounds are raised, or the mel spectrogram's floor swallows their consonants


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
    """The model of a checkpoint, moved to a device. Not thread-safe."""

    def __init__(self, checkpoint: WhisperCheckpoint, device: Device) -> None:
        self.device = device
        self.model = checkpoint.model.to(device.torch_device)
        self.exact = Decoder(self.model, checkpoint.heads, device.precision, exact=True)
        self.fast = self._fast(checkpoint) or self.exact
        self.tokenizer = self.tokenizer_for("en")
        self.rules = self._rules(strict=True)
        self.exact_rules = self._rules(strict=False)

    def tokenizer_for(self, language: str, task: str = "transcribe") -> Tokenizer:
        """Whisper's tokenizer, with the prompt of a language and a task ("transcribe" or "translate")."""
        return get_tokenizer(True, num_languages=self.model.num_languages, language=language, task=task)

    @torch.inference_mode()
    def encode(self, windows: Sequence[Samples], length: int, raise_quiet: bool) -> Tensor:
        """(rows, frames, width) states of windows that are padded with silence to `length` samples."""
        mels = [self.mel(samples, length, raise_quiet) for samples in windows]
        return encode(self.model.encoder, torch.stack(mels).to(self.device.precision))

    @torch.inference_mode()
    def layers(self, waveform: Waveform, padding: str) -> NDArray[np.float32]:
        """(layers, frames, width) encoder states of a recording, 50 frames a second, as long as its sound.

        Layer 0 is the input of the first block, the last one Z_A: 7 layers for Whisper base. `padding` as in
        `TranscriptionOptions`; the last layer equals the states of `Recogniser.transcribe` under the same padding.
        """
        parts = []
        for window in windows_of([waveform]):
            mel = self.mel(window.samples, padded_length(len(window.samples), padding), raise_quiet=padding != "full")
            layers = encoder_layers(self.model.encoder, mel[None].to(self.device.precision))
            parts.append(torch.cat([states[:, :window.frames].float() for states in layers]))
        joined: NDArray[np.float32] = torch.cat(parts, dim=1).cpu().numpy()
        return joined

    @torch.inference_mode()
    def read(self, states: Tensor, seconds: Sequence[float], languages: Sequence[str], task: str = "transcribe",
             exact: bool = False, patient: bool = False, watch: bool = False,
             prior: Sequence[Mapping[str, float]] = ()) -> list[DecodedWindow]:
        """Decode states (rows, frames, width). `languages` (rows,): codes, "auto" to detect them from the same states.

        `exact`: as openai-whisper decodes. `patient`: to the end even if it seems to loop. `watch`: for word times.
        `prior` (rows,): added to the logits of languages when they are detected, by code; () for none.
        """
        decoder = self.exact if exact else self.fast
        with _threads_for(decoder, len(states)):
            return self._read(decoder, states, seconds, languages, task, exact, patient, watch, prior)

    def _read(self, decoder: Decoder, states: Tensor, seconds: Sequence[float], languages: Sequence[str], task: str,
              exact: bool, patient: bool, watch: bool, prior: Sequence[Mapping[str, float]]
              ) -> list[DecodedWindow]:
        cache = decoder.begin(states)
        tokenizer = self.tokenizer
        start = torch.full((len(states), 1), tokenizer.sot, device=states.device)
        logits = decoder.logits(decoder.step(start, cache)[:, -1])
        no_speech = logits.softmax(dim=-1)[:, tokenizer.no_speech].tolist()
        likely, alone = self._languages(logits, prior), [codes[0][0] for codes in self._languages(logits, ())]
        chosen = [codes[0][0] if code == "auto" else code for code, codes in zip(languages, likely, strict=True)]
        prompts = torch.tensor([self._prompt(code, task) for code in chosen], device=states.device)
        rules = replace(self.exact_rules if exact else self.rules, stop_at_loops=not patient)
        limits = [LONGEST if patient else min(LONGEST, 30 + int(FASTEST_SPEECH * each)) for each in seconds]
        decoded = greedy(decoder, cache, prompts, rules, limits, watch)
        return [DecodedWindow(*row) for row in zip(chosen, likely, no_speech, decoded, alone, strict=True)]

    @torch.inference_mode()
    def languages(self, states: Tensor, among: Collection[str]) -> list[tuple[str, float]]:
        """The most probable language of each row of states (rows, frames, width) among some codes, and how probable it
        is there.
        """
        decoder, tokenizer = self.fast, self.tokenizer
        cache = decoder.begin(states)
        start = torch.full((len(states), 1), tokenizer.sot, device=states.device)
        logits = decoder.logits(decoder.step(start, cache)[:, -1])
        codes = [code for code in tokenizer.all_language_codes if code in among]
        values, places = logits[:, [tokenizer.to_language_token(code) for code in codes]].softmax(dim=-1).max(dim=-1)
        return [(codes[place], value) for place, value in zip(places.tolist(), values.tolist(), strict=True)]

    def mel(self, samples: Samples, length: int, raise_quiet: bool) -> Tensor:
        """(bands, length / 160) log mel spectrogram of samples that are padded with silence to `length`."""
        peak = float(np.abs(samples).max())
        gain = LOUD / peak if raise_quiet and 0 < peak < QUIET else 1.0
        padded = np.zeros(length, np.float32)
        padded[: len(samples)] = samples * np.float32(gain)
        mel: Tensor = log_mel_spectrogram(padded, self.model.dims.n_mels, device=self.device.torch_device)
        return mel

    def _fast(self, checkpoint: WhisperCheckpoint) -> Decoder | None:
        """The int8 decoder, where this processor's PyTorch can run one and it helps: on a CPU."""
        if self.device.name != "cpu":
            return None
        try:
            with torch.inference_mode():
                decoder = Decoder(self.model, checkpoint.heads, self.device.precision, exact=False)
                decoder.logits(torch.zeros(1, self.model.dims.n_text_state))
        except (RuntimeError, AttributeError, NotImplementedError):
            return None
        return decoder

    def _languages(self, logits: Tensor, prior: Sequence[Mapping[str, float]]) -> list[tuple[tuple[str, float], ...]]:
        """The two most probable languages of each row of (rows, vocabulary) at the start of the transcript."""
        tokens = list(self.tokenizer.all_language_tokens)
        codes = self.tokenizer.all_language_codes
        among = logits[:, tokens]
        if prior:
            among = among + among.new_tensor([[row.get(code, 0.0) for code in codes] for row in prior])
        values, places = among.softmax(dim=-1).topk(2, dim=-1)
        return [tuple((codes[place], value) for place, value in zip(*row, strict=True))
                for row in zip(places.tolist(), values.tolist(), strict=True)]

    def _prompt(self, language: str, task: str) -> list[int]:
        """The tokens after <|startoftranscript|>: language, task, no timestamps."""
        return list(self.tokenizer_for(language, task).sot_sequence_including_notimestamps[1:])

    def _rules(self, strict: bool) -> Rules:
        """openai-whisper's forbidden tokens; `strict` adds every token that is no text."""
        tokenizer = self.tokenizer
        markers = [tokenizer.transcribe, tokenizer.translate, tokenizer.sot, tokenizer.sot_prev, tokenizer.sot_lm,
                   tokenizer.no_speech]
        forbidden = torch.zeros(self.model.dims.n_vocab)
        forbidden[[*tokenizer.non_speech_tokens, *markers]] = -torch.inf
        if strict:
            forbidden[tokenizer.eot + 1 :] = -torch.inf
        first = forbidden.clone()
        first[[*tokenizer.encode(" "), tokenizer.eot]] = -torch.inf
        device = self.device.torch_device
        return Rules(tokenizer.eot, forbidden.to(device), first.to(device))


@contextmanager
def _threads_for(decoder: Decoder, rows: int) -> Iterator[None]:
    """One thread for an int8 decoder with a row or two: its steps are so short that threads only wait for each other,
    twice as long as the work takes where other programs use the processor too."""
    before = torch.get_num_threads()
    if not (decoder.int8 and rows <= FEW):
        yield
        return
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def encode(encoder: AudioEncoder, mel: Tensor) -> Tensor:
    """(rows, frames / 2, width) from (rows, bands, frames), for any number of frames; else as in openai-whisper."""
    return deque(encoder_layers(encoder, mel), maxlen=1).pop()


def encoder_layers(encoder: AudioEncoder, mel: Tensor) -> Iterator[Tensor]:
    """The layers (rows, frames / 2, width) of `encode`, one by one, from the first block's input to the output."""
    x = functional.gelu(encoder.conv1(mel))
    x = functional.gelu(encoder.conv2(x)).permute(0, 2, 1)
    x = (x + encoder.positional_embedding[: x.shape[1]]).to(x.dtype)
    for block in encoder.blocks:
        yield x
        x = block(x)
    yield encoder.ln_post(x)
