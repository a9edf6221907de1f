"""Whisper in ONNX Runtime: the graphs of `whisper_graphs`, opened when they are first needed."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.inference.exports import Export
from core.inference.sessions import Session

Floats = NDArray[np.float32]
Mel = Callable[[Floats, int], Floats]  # samples (n,), bands -> (bands, n / 160)

FEW = 2  # rows that one thread decodes as soon as several do: the operators are so short that threads only wait
RESCORED = 32  # tokens whose 8-bit logits are computed again in float32
EMBEDDING, POSITIONS = "embedding.npy", "positions.npy"


@dataclass(frozen=True)
class WhisperShape:
    """Sizes of a Whisper, and `watched`: the (layer, head) of cross-attention heads that follow the words."""

    bands: int
    width: int
    encoder_layers: int
    encoder_heads: int
    decoder_layers: int
    decoder_heads: int
    vocabulary: int
    watched: tuple[tuple[int, int], ...]

    def facts(self) -> dict[str, Any]:
        """The shape as JSON."""
        return asdict(self)

    @classmethod
    def of(cls, facts: dict[str, Any]) -> "WhisperShape":
        """The shape that `facts` gave."""
        return cls(**{**facts, "watched": tuple((layer, head) for layer, head in facts["watched"])})


class OnnxWhisper:
    """The export of a Whisper: a `Runtime` on the CPU. Not thread-safe."""

    device, precision = "cpu", "float32"

    def __init__(self, export: Export, mel: Mel) -> None:
        self.name = str(export.facts["name"])
        self.shape = WhisperShape.of(export.facts["shape"])
        self.vocabulary = self.shape.vocabulary
        self._mel, self._folder = mel, export.folder
        self._encoder = export.session("encoder", spin=False)
        self.exact = OnnxDecoder(export, self.shape, exact=True)
        self.fast = OnnxDecoder(export, self.shape, exact=False)

    @property
    def bytes_of_a_token(self) -> int:
        """Bytes of weights that the 8-bit decoder reads for each token, which bound its speed."""
        return sum((self._folder / f"{name}.onnx").stat().st_size for name in ("step_8bit", "logits_8bit"))

    def encode(self, samples: Floats) -> Floats:
        """(rows, frames, width) states of padded samples (rows, n)."""
        states: Floats
        states, = self._encoder(mel=np.stack([self._mel(row, self.shape.bands) for row in samples]))
        return states


@dataclass
class OnnxCache:
    """Keys and values of a batch, by the names of the step's inputs; `length`: tokens that were read."""

    arrays: dict[str, Floats]
    length: int = 0

    def keep(self, rows: Sequence[int]) -> None:
        """Drop the rows that are not among `rows`."""
        self.arrays = {name: array[rows] for name, array in self.arrays.items()}

    def truncate(self, length: int) -> None:
        """Forget the tokens read after the first `length`."""
        for name, array in self.arrays.items():
            if name.startswith("past"):
                kept = array[:, :, :, :length] if "key" in name else array[:, :, :length]
                self.arrays[name] = np.ascontiguousarray(kept)
        self.length = length

    def reorder(self, rows: Sequence[int]) -> None:
        """Take the tokens read from `rows`, one for each row; all rows are of one window."""
        count = len(next(iter(self.arrays.values())))
        self.arrays = {name: array if name.startswith("cross") and len(rows) == count else
                       array[[0] * len(rows) if name.startswith("cross") else rows]
                       for name, array in self.arrays.items()}


class OnnxDecoder:
    """A decoder of an export, in float32 (`exact`) or with 8-bit weights. Not thread-safe."""

    def __init__(self, export: Export, shape: WhisperShape, exact: bool) -> None:
        self._export, self._shape, self._exact = export, shape, exact
        self._kind = "exact" if exact else "8bit"
        self._layers = range(shape.decoder_layers)
        self._embedding = _stored(export.folder / EMBEDDING)
        self._positions = _stored(export.folder / POSITIONS)

    def begin(self, states: Floats) -> OnnxCache:
        """The cache for encoder states (rows, frames, width), with every layer's cross keys and values."""
        cross = self._cross(states=states)
        heads, size = self._shape.decoder_heads, self._shape.width // self._shape.decoder_heads
        arrays = {}
        for layer in self._layers:
            arrays[f"cross_key_{layer}"], arrays[f"cross_value_{layer}"] = cross[2 * layer : 2 * layer + 2]
            arrays[f"past_key_{layer}"] = np.zeros((len(states), heads, size, 0), np.float32)
            arrays[f"past_value_{layer}"] = np.zeros((len(states), heads, 0, size), np.float32)
        return OnnxCache(arrays)

    def logits(self, tokens: NDArray[np.int64], cache: OnnxCache) -> Floats:
        """(rows, vocabulary) after the tokens."""
        return self._logits(self._step(tokens, cache)[0][:, -1])

    def best(self, tokens: NDArray[np.int64], cache: OnnxCache, forbidden: Floats,
             watch: bool) -> tuple[list[int], list[float], Floats | None]:
        """The best next token of each row and its log probability; with `watch` the watched heads' scores as well."""
        hidden, scores = self._step(tokens, cache)
        return *self._best(hidden[:, -1], forbidden), scores if watch else None

    def best_of_each(self, tokens: NDArray[np.int64], cache: OnnxCache, forbidden: Floats
                     ) -> tuple[list[int], list[float]]:
        """See `core.asr.decoding.Decoder`."""
        return self._best(self._step(tokens, cache)[0][0], forbidden)

    def _best(self, hidden: Floats, forbidden: Floats) -> tuple[list[int], list[float]]:
        """The best token for each row of (rows, width) and its log probability."""
        logits = self._logits(hidden) + forbidden
        if not self._exact:
            candidates = np.argpartition(logits, -RESCORED, axis=1)[:, -RESCORED:]
            exact = np.einsum("rw,rcw->rc", hidden, self._embedding[candidates].astype(np.float32))
            np.put_along_axis(logits, candidates, exact + forbidden[candidates], axis=1)
        best = logits.argmax(axis=1)
        value = np.take_along_axis(logits, best[:, None], axis=1)
        logprob = -np.log(np.exp(logits - value).sum(axis=1))
        return best.tolist(), logprob.tolist()

    def _step(self, tokens: NDArray[np.int64], cache: OnnxCache) -> tuple[Floats, Floats]:
        """Read the tokens; hidden (rows, tokens, width), and scores (rows, watched heads, frames) of the last."""
        rows, count = tokens.shape
        length = cache.length + count
        x = self._embedding[tokens].astype(np.float32) + self._positions[cache.length : length].astype(np.float32)
        mask = np.triu(np.full((count, length), -np.inf, np.float32), cache.length + 1)
        session = self._step_alone if rows <= FEW and not self._exact else self._step_together
        hidden, scores, *own = session(x=x, mask=mask, **cache.arrays)
        for layer in self._layers:
            cache.arrays[f"past_key_{layer}"], cache.arrays[f"past_value_{layer}"] = own[2 * layer : 2 * layer + 2]
        cache.length = length
        return hidden, scores

    def _logits(self, hidden: Floats) -> Floats:
        """(rows, vocabulary) from (rows, width)."""
        logits: Floats = hidden @ self._widened.T if self._exact else self._vocabulary(hidden=hidden)[0]
        return logits

    @cached_property
    def _widened(self) -> Floats:
        """The token embedding in float32."""
        return self._embedding.astype(np.float32)

    @cached_property
    def _vocabulary(self) -> Session:
        return self._export.session("logits_8bit", spin=False)

    @cached_property
    def _cross(self) -> Session:
        return self._export.session(f"cross_{self._kind}", spin=False)

    @cached_property
    def _step_alone(self) -> Session:
        return self._export.session(f"step_{self._kind}", threads=1)

    @cached_property
    def _step_together(self) -> Session:
        return self._export.session(f"step_{self._kind}", spin=False)


def _stored(path: Path) -> NDArray[np.floating[Any]]:
    """A table in float16 or float32, mapped into memory."""
    table: NDArray[np.floating[Any]] = np.load(path, mmap_mode="r")
    return table
