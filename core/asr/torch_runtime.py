"""Whisper in PyTorch: encoder, and decoders whose key-value cache is laid out once.

openai-whisper's own loop grows its cache by concatenation through hooks and reads 200 MB of float32 weights for every
token, which is most of what a short query costs on a CPU. Here the weights may be int8 (a scale for each row), and the
choice among the best `RESCORED` tokens is made again in float32. `exact=True` computes as openai-whisper does.
"""

import warnings
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional
from whisper.audio import log_mel_spectrogram
from whisper.model import AudioEncoder, ResidualAttentionBlock, Whisper

from core import devices
from core.asr.checkpoint import WhisperCheckpoint
from core.asr.decoding import LONGEST
from core.asr.engine import GPU_FAILURES, padded
from core.asr.windows import padded_length, windows_of
from core.audio import Waveform
from core.devices import Device
from core.inference.whisper import FEW, RESCORED

Linear = Callable[[Tensor], Tensor]

CAPACITY = LONGEST + 4  # tokens that a cache has room for at first: a transcript and what begins it


class TorchWhisper:
    """The model of a checkpoint, moved to a device: a `Runtime`. Not thread-safe."""

    def __init__(self, checkpoint: WhisperCheckpoint, device: Device) -> None:
        self._device, self._checkpoint = device, checkpoint
        self.model = checkpoint.model.to(device.torch_device)

    @property
    def device(self) -> str:
        """Device in use: "cpu", "cuda" or "mps"."""
        return self._device.name

    @property
    def precision(self) -> str:
        """Precision of the states: "float32" or "float16"."""
        return self._device.precision_name

    @property
    def vocabulary(self) -> int:
        """Number of tokens."""
        return int(self.model.dims.n_vocab)

    @cached_property
    def exact(self) -> "TorchDecoder":
        """The decoder that computes as openai-whisper does."""
        return TorchDecoder(self.model, self._checkpoint.heads, self._device.precision, exact=True)

    @cached_property
    def fast(self) -> "TorchDecoder":
        """The int8 decoder, where this processor's PyTorch can run one and it helps: on a CPU; else the exact one."""
        if self.device != "cpu":
            return self.exact
        try:
            with torch.inference_mode():
                decoder = TorchDecoder(self.model, self._checkpoint.heads, self._device.precision, exact=False)
                decoder.logits_of(torch.zeros(1, self.model.dims.n_text_state))
        except (RuntimeError, AttributeError, NotImplementedError):
            return self.exact
        return decoder

    @torch.inference_mode()
    def encode(self, samples: NDArray[np.float32]) -> NDArray[Any]:
        """(rows, frames, width) states of padded samples (rows, n)."""
        states: NDArray[Any] = encode(self.model.encoder, self._mels(samples)).cpu().numpy()
        return states

    @torch.inference_mode()
    def layers(self, waveform: Waveform, padding: str) -> NDArray[np.float32]:
        """(layers, frames, width) encoder states of a recording, 50 frames a second, as long as its sound.

        Layer 0 is the input of the first block, the last one Z_A: 7 layers for Whisper base. `padding` "own" or "full"
        as in `TranscriptionOptions`: the last layer equals the states of `Recogniser.transcribe` under it.
        """
        parts = []
        for window in windows_of([waveform]):
            samples = padded(window.samples, padded_length(len(window.samples), padding), padding == "own")
            layers = encoder_layers(self.model.encoder, self._mels(samples[None]))
            parts.append(torch.cat([states[:, :window.frames].float() for states in layers]))
        joined: NDArray[np.float32] = torch.cat(parts, dim=1).cpu().numpy()
        return joined

    def fall_back(self, error: Exception) -> "tuple[TorchWhisper, str]":
        """The model on the CPU after its GPU failed, and a note that says so."""
        device = devices.fall_back(self._device, error)
        return TorchWhisper(self._checkpoint, device), device.note

    def _mels(self, samples: NDArray[np.float32]) -> Tensor:
        """(rows, bands, n / 160) log-mel spectrograms of padded samples (rows, n)."""
        mels = [log_mel_spectrogram(row, self.model.dims.n_mels, device=self._device.torch_device) for row in samples]
        return torch.stack(mels).to(self._device.precision)


def start(checkpoint: WhisperCheckpoint, device: Device) -> tuple[TorchWhisper, str]:
    """The model on a device, or where that fails on the CPU; and a note that says why it is not the one asked for."""
    try:
        return TorchWhisper(checkpoint, device), device.note
    except GPU_FAILURES as error:
        if device.name == "cpu":
            raise
        device = devices.fall_back(device, error)
        return TorchWhisper(checkpoint, device), device.note


@dataclass(frozen=True)
class Layer:
    """One decoder block. `query_key_value` and `cross_key_value` are stacked, as they read the same input."""

    block: ResidualAttentionBlock
    query_key_value: Linear
    out: Linear
    cross_query: Linear
    cross_key_value: Linear
    cross_out: Linear
    up: Linear
    down: Linear


@dataclass
class TorchCache:
    """Keys and values of one batch.

    own: (rows, heads, capacity, size) a layer;
    cross: (rows, heads, frames, size).
    """

    cross: list[tuple[Tensor, Tensor]]
    own: list[tuple[Tensor, Tensor]]
    length: int = 0

    def make_room(self, length: int) -> None:
        """Have room for `length` tokens, where a vocabulary prompt needs more than `CAPACITY`."""
        missing = length - self.own[0][0].shape[2]
        if missing > 0:
            longer = (0, 0, 0, max(missing, CAPACITY))
            self.own = [(functional.pad(key, longer), functional.pad(value, longer)) for key, value in self.own]

    def keep(self, rows: Sequence[int]) -> None:
        """Drop the rows that are not among `rows`."""
        kept = torch.tensor(rows, dtype=torch.long, device=self.own[0][0].device)
        self.cross = [(key[kept], value[kept]) for key, value in self.cross]
        self.own = [(key[kept], value[kept]) for key, value in self.own]

    def truncate(self, length: int) -> None:
        """Forget the tokens read after the first `length`."""
        self.length = length

    def reorder(self, rows: Sequence[int]) -> None:
        """Take the tokens read from `rows`, one for each row; all rows are of one window."""
        taken = torch.tensor(rows, dtype=torch.long, device=self.own[0][0].device)
        self.own = [(key[taken], value[taken]) for key, value in self.own]
        if len(rows) != len(self.cross[0][0]):
            self.cross = [(key[:1].expand(len(rows), -1, -1, -1), value[:1].expand(len(rows), -1, -1, -1))
                          for key, value in self.cross]


class TorchDecoder:
    """The decoder of one Whisper model; its layers keep the model's modules and their own copies of the weights.

    `heads`: (layer, head) of the cross-attention heads that follow the words. `dtype` is the precision of the exact
    decoder; with `exact` False the weights are int8 (CPU only). Not thread-safe.
    """

    def __init__(self, model: Whisper, heads: Sequence[tuple[int, int]], dtype: torch.dtype, exact: bool) -> None:
        self.text = model.decoder
        self.heads = model.dims.n_text_head
        linear = exact_linear(dtype) if exact else int8_linear
        self.layers = [_layer(block, linear) for block in model.decoder.blocks]
        self.embedding = model.decoder.token_embedding.weight
        self.int8 = not exact
        self.device = self.embedding.device
        self._forbidden: tuple[NDArray[np.float32], Tensor] | None = None  # the latest, here and on the device
        self.logits_of = linear(self.embedding, None)
        self.watched = {layer: [h for at, h in heads if at == layer] for layer, _ in heads}

    @torch.inference_mode()
    def begin(self, states: NDArray[Any]) -> TorchCache:
        """The cache for encoder states (rows, frames, width): every layer's cross keys and values, computed once."""
        with self._threads(len(states)):
            return self._begin(torch.from_numpy(states).to(self.device))

    @torch.inference_mode()
    def logits(self, tokens: NDArray[np.int64], cache: TorchCache) -> NDArray[np.float32]:
        """(rows, vocabulary) after the tokens."""
        with self._threads(len(tokens)):
            hidden = self._step(torch.from_numpy(tokens).to(self.device), cache)[:, -1]
            logits: NDArray[np.float32] = self._logits(hidden).cpu().numpy()
        return logits

    @torch.inference_mode()
    def best(self, tokens: NDArray[np.int64], cache: TorchCache, forbidden: NDArray[np.float32],
             watch: bool) -> tuple[list[int], list[float], NDArray[np.float32] | None]:
        """See `decoding.Decoder`."""
        if self._forbidden is None or self._forbidden[0] is not forbidden:
            self._forbidden = forbidden, torch.from_numpy(forbidden).to(self.device)
        scores: list[Tensor] | None = [] if watch else None
        with self._threads(len(tokens)):
            hidden = self._step(torch.from_numpy(tokens).to(self.device), cache, scores)[:, -1]
            token, logprob = self._best(hidden, self._forbidden[1])
        last = scores[0][:, :, -1].cpu().numpy() if scores else None
        return token.tolist(), logprob.tolist(), last

    @torch.inference_mode()
    def best_of_each(self, tokens: NDArray[np.int64], cache: TorchCache, forbidden: NDArray[np.float32]
                     ) -> tuple[list[int], list[float]]:
        """See `decoding.Decoder`."""
        with self._threads(len(tokens)):
            hidden = self._step(torch.from_numpy(tokens).to(self.device), cache)[0]
            token, logprob = self._best(hidden, torch.from_numpy(forbidden).to(self.device))
        return token.tolist(), logprob.tolist()

    def _begin(self, states: Tensor) -> TorchCache:
        cross = []
        for layer in self.layers:
            key, value = self._split(layer.cross_key_value(states), 2)
            cross.append((key.contiguous(), value.contiguous()))
        shape = (len(states), self.heads, CAPACITY, states.shape[2] // self.heads)
        own = [(states.new_empty(shape), states.new_empty(shape)) for _ in self.layers]
        return TorchCache(cross, own)

    def _step(self, tokens: Tensor, cache: TorchCache, seen: list[Tensor] | None = None) -> Tensor:
        """(rows, tokens, width) after reading `tokens` (rows, tokens); the watched heads' scores are put on `seen`.

        Scores are (rows, watched heads, tokens, frames), before softmax, scaled.
        """
        start, end = cache.length, cache.length + tokens.shape[1]
        cache.make_room(end)
        x = self.text.token_embedding(tokens) + self.text.positional_embedding[start:end]
        x = x.to(cache.own[0][0].dtype)
        attend = functional.scaled_dot_product_attention
        causal = None
        if end - start > 1:
            causal = torch.ones(end - start, end, dtype=torch.bool, device=x.device).tril(start)
        scores = []
        for index, layer in enumerate(self.layers):
            block = layer.block
            query, key, value = self._split(layer.query_key_value(block.attn_ln(x)), 3)
            keys, values = cache.own[index]
            keys[:, :, start:end], values[:, :, start:end] = key, value
            x = x + layer.out(_join(attend(query, keys[:, :, :end], values[:, :, :end], attn_mask=causal)))
            (query,) = self._split(layer.cross_query(block.cross_attn_ln(x)), 1)
            keys, values = cache.cross[index]
            if seen is not None and index in self.watched:
                watched = query @ keys.transpose(2, 3) * query.shape[-1] ** -0.5
                scores.append(watched[:, self.watched[index]].float())
                attended = watched.softmax(dim=-1) @ values
            else:
                attended = attend(query, keys, values)
            x = x + layer.cross_out(_join(attended))
            x = x + layer.down(functional.gelu(layer.up(block.mlp_ln(x))))
        cache.length = end
        if seen is not None:
            seen.append(torch.cat(scores, dim=1))
        hidden: Tensor = self.text.ln(x)
        return hidden

    def _logits(self, hidden: Tensor) -> Tensor:
        """(rows, vocabulary) float32 from (rows, width)."""
        return self.logits_of(hidden).float()

    def _best(self, hidden: Tensor, forbidden: Tensor) -> tuple[Tensor, Tensor]:
        """(rows,) tokens and (rows,) log probabilities; `forbidden` (vocabulary,) is 0 or -inf."""
        logits = self._logits(hidden) + forbidden
        if self.int8:
            candidates = logits.topk(RESCORED, dim=-1).indices
            exact = torch.einsum("rw,rcw->rc", hidden, self.embedding[candidates]) + forbidden[candidates]
            logits.scatter_(1, candidates, exact)
        value, token = logits.max(dim=-1)
        return token, value - logits.logsumexp(dim=-1)

    @contextmanager
    def _threads(self, rows: int) -> Iterator[None]:
        """One thread for an int8 decoder with a row or two: its steps are so short that threads only wait for each
        other, twice as long as the work takes where other programs use the processor too."""
        before = torch.get_num_threads()
        if not (self.int8 and rows <= FEW):
            yield
            return
        torch.set_num_threads(1)
        try:
            yield
        finally:
            torch.set_num_threads(before)

    def _split(self, x: Tensor, parts: int) -> tuple[Tensor, ...]:
        """(rows, tokens, parts * width) -> `parts` tensors of (rows, heads, tokens, width / heads)."""
        rows, tokens, width = x.shape
        return x.view(rows, tokens, parts, self.heads, width // parts // self.heads).permute(2, 0, 3, 1, 4).unbind(0)


def exact_linear(dtype: torch.dtype) -> Callable[[Tensor, Tensor | None], Linear]:
    """Makes linear layers that compute in `dtype`."""

    def make(weight: Tensor, bias: Tensor | None) -> Linear:
        weight, bias = weight.to(dtype), None if bias is None else bias.to(dtype)
        return lambda x: functional.linear(x, weight, bias)

    return make


def int8_linear(weight: Tensor, bias: Tensor | None) -> Linear:
    """A linear layer with int8 weights, a scale for each output, and inputs quantised as they come. CPU only.

    PyTorch quantises all rows of the input by one scale, and a row would depend on its neighbours in the batch. So each
    row is brought to -1..1 first, and a row that spans just that range goes along.
    """
    scales = (weight.abs().amax(dim=1) / 127).clamp(min=1e-12).double()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PyTorch means to move quantisation to another package
        zeros = torch.zeros(len(weight), dtype=torch.long)
        quantised = torch.quantize_per_channel(weight.detach().float(), scales, zeros, 0, torch.qint8)
        packed = torch.ops.quantized.linear_prepack(quantised, None)
    # Without VNNI two products of 8 by 8 bits overflow 16: there the inputs get 7 bits.
    narrow = not torch.cpu._is_vnni_supported()
    span = torch.zeros(1, weight.shape[1])
    span[0, :2] = torch.tensor([-1.0, 1.0])

    def linear(x: Tensor) -> Tensor:
        rows = x.reshape(-1, x.shape[-1])
        largest = rows.abs().amax(dim=1, keepdim=True).clamp(min=1e-12)
        product = torch.ops.quantized.linear_dynamic(torch.cat([rows / largest, span]), packed, narrow)[:-1]
        product = product * largest if bias is None else torch.addcmul(bias, product, largest)
        return product.view(*x.shape[:-1], -1)

    return linear


def _layer(block: ResidualAttentionBlock, linear: Callable[[Tensor, Tensor | None], Linear]) -> Layer:
    own, cross = block.attn, block.cross_attn
    no_bias = torch.zeros_like(own.query.bias)  # keys have none
    return Layer(
        block,
        linear(torch.cat([own.query.weight, own.key.weight, own.value.weight]),
               torch.cat([own.query.bias, no_bias, own.value.bias])),
        linear(own.out.weight, own.out.bias),
        linear(cross.query.weight, cross.query.bias),
        linear(torch.cat([cross.key.weight, cross.value.weight]), torch.cat([no_bias, cross.value.bias])),
        linear(cross.out.weight, cross.out.bias),
        linear(block.mlp[0].weight, block.mlp[0].bias),
        linear(block.mlp[2].weight, block.mlp[2].bias),
    )


def _join(x: Tensor) -> Tensor:
    """(rows, heads, tokens, size) -> (rows, tokens, heads * size)."""
    return x.permute(0, 2, 1, 3).flatten(2)


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
