"""Whisper base out of CTranslate2's file: the way to its weights where only a package index can be reached.

CTranslate2 binary, version 6, little endian: u32 version; string, name of the spec; u32 revision; u32 number of
variables; each variable: string name, u8 rank, u32 per dimension, u8 type, u32 bytes, data; u32 number of aliases, each
two strings. A string is a u16 length, which counts a closing zero byte, and that many bytes. CTranslate2 stacks the
projections of one attention: query, key and value, or key and value; the key has no bias of its own, its part is zero.
"""

import hashlib
import mmap
import struct
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from core.errors import WeightsError
from core.localisation import _

if TYPE_CHECKING:
    from torch import Tensor

Array = NDArray[Any]

VERSION = 6
TYPES: tuple[str, ...] = ("<f4", "<i1", "<i2", "<i4", "<f2")
MOST_VARIABLES = 100_000  # far above any model: a damaged count must not fill the memory
DIMS: Mapping[str, int] = {
    "n_mels": 80, "n_vocab": 51865, "n_audio_ctx": 1500, "n_audio_state": 512, "n_audio_head": 8, "n_audio_layer": 6,
    "n_text_ctx": 448, "n_text_state": 512, "n_text_head": 8, "n_text_layer": 6,
}
NAMES: Mapping[str, str] = {  # within a layer; stacked projections are in STACKED
    "self_attention/layer_norm": "attn_ln", "self_attention/linear_1": "attn.out",
    "attention/layer_norm": "cross_attn_ln", "attention/linear_0": "cross_attn.query",
    "attention/linear_2": "cross_attn.out",
    "ffn/layer_norm": "mlp_ln", "ffn/linear_0": "mlp.0", "ffn/linear_1": "mlp.2",
}
STACKED: Mapping[str, tuple[str, ...]] = {
    "self_attention/linear_0": ("attn.query", "attn.key", "attn.value"),
    "attention/linear_1": ("cross_attn.key", "cross_attn.value"),
}
ENDS: Mapping[str, str] = {
    "encoder/conv1": "encoder.conv1", "encoder/conv2": "encoder.conv2", "encoder/layer_norm": "encoder.ln_post",
    "decoder/layer_norm": "decoder.ln", "decoder/embeddings": "decoder.token_embedding",
}
POSITIONS: Mapping[str, str] = {
    "encoder/position_encodings/encodings": "encoder.positional_embedding",
    "decoder/position_encodings/encodings": "decoder.positional_embedding",
}
LEAVES: Mapping[str, str] = {"weight": "weight", "bias": "bias", "gamma": "weight", "beta": "bias"}


def read(path: Path) -> dict[str, Array]:
    """All variables of a CTranslate2 file by name, aliases too; WeightsError "damaged" when it is not such a file."""
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return _Reader(data).model()
    except (struct.error, ValueError, UnicodeDecodeError, KeyError, IndexError) as error:
        raise WeightsError(_("{name} is not a whole CTranslate2 file ({error}). Delete it and fetch it again.").format(
            name=path.name, error=error),
                           "damaged") from error


class _Reader:
    """Walks through the bytes of one file; every step is checked against its end."""

    def __init__(self, data: mmap.mmap) -> None:
        self.data = data
        self.at = 0

    def model(self) -> dict[str, Array]:
        version = self.number("I")
        if version != VERSION:
            raise ValueError(f"version {version}, {VERSION} is read")
        self.text()
        self.number("I")
        variables = dict(self.variable() for _unused in range(self.count()))
        aliases = [(self.text(), self.text()) for _unused in range(self.count())]
        if self.at != len(self.data):
            raise ValueError("bytes after its end")
        return variables | {alias: variables[name] for alias, name in aliases}

    def variable(self) -> tuple[str, Array]:
        name = self.text()
        shape = tuple(self.number("I") for _unused in range(self.number("B")))
        dtype = np.dtype(TYPES[self.number("B")])
        raw = self.take(self.number("I"))
        return name, np.frombuffer(raw, dtype).reshape(shape)

    def count(self) -> int:
        count = self.number("I")
        if count > MOST_VARIABLES:
            raise ValueError(f"{count} entries")
        return count

    def text(self) -> str:
        return self.take(self.number("H"))[:-1].decode("utf-8")

    def number(self, code: str) -> int:
        (value,) = struct.unpack("<" + code, self.take(struct.calcsize("<" + code)))
        return int(value)

    def take(self, size: int) -> bytes:
        if self.at + size > len(self.data):
            raise ValueError("it ends too early")
        self.at += size
        return self.data[self.at - size : self.at]


def whisper_state(variables: Mapping[str, Array]) -> dict[str, Array]:
    """The state of openai-whisper's model, by its own names; what is no weight (flags, head lists) is left out."""
    return {target: values for name in variables for target, values in _converted(name, variables[name])}


def _converted(name: str, values: Array) -> Iterator[tuple[str, Array]]:
    if name in POSITIONS:
        yield POSITIONS[name], values
        return
    stem, _unused, leaf = name.rpartition("/")
    if leaf not in LEAVES:
        return
    if stem in ENDS:
        yield f"{ENDS[stem]}.{LEAVES[leaf]}", values
        return
    side, layer, part = (*stem.split("/", 2), "", "")[:3]
    if not layer.startswith("layer_"):
        return
    block = f"{side}.blocks.{layer.removeprefix('layer_')}"
    if part in NAMES:
        yield f"{block}.{NAMES[part]}.{LEAVES[leaf]}", values
    elif part in STACKED:
        yield from _unstacked(block, STACKED[part], LEAVES[leaf], values)


def _unstacked(block: str, parts: tuple[str, ...], leaf: str, values: Array) -> Iterator[tuple[str, Array]]:
    for part, piece in zip(parts, np.split(values, len(parts)), strict=True):
        if leaf == "bias" and part.endswith(".key"):
            if piece.any():
                raise ValueError(f"{block}.{part} has a bias, which Whisper's has not")
            continue
        yield f"{block}.{part}.{leaf}", piece


def convert(source: Path, target: Path) -> str:
    """Write openai-whisper's checkpoint of a CTranslate2 file of Whisper base to `target` (not atomic: pass a staging
    file). Returns `tensors_digest` of what was written; WeightsError "damaged", or OSError from the disk.
    """
    import torch

    try:
        arrays = whisper_state(read(source))
    except ValueError as error:
        raise WeightsError(_("{name} does not hold Whisper: {error}.").format(name=source.name, error=error),
                           "damaged") from error
    state = {name: torch.from_numpy(arrays[name].copy()) for name in sorted(arrays)}
    with target.open("wb") as file:
        torch.save({"dims": dict(DIMS), "model_state_dict": state}, file)
    return tensors_digest(state)


def checkpoint_digest(path: Path) -> str:
    """`tensors_digest` of an openai-whisper checkpoint on disk; WeightsError "damaged" when it is none."""
    import torch

    try:
        checkpoint = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
        return tensors_digest(checkpoint["model_state_dict"])
    except Exception as error:  # torch raises many kinds on a file that is none of its own
        raise WeightsError(_("{name} is not a Whisper checkpoint.").format(name=path.name), "damaged") from error


def tensors_digest(state: "Mapping[str, Tensor]") -> str:
    """SHA-256 over names (sorted), types, shapes and values: the same however and by whomever the file was written."""
    digest = hashlib.sha256()
    for name in sorted(state):
        values = state[name].detach().contiguous().numpy()
        digest.update(f"{name}\0{values.dtype.str}\0{values.shape}\0".encode())
        digest.update(values.data if values.ndim else values.tobytes())
    return digest.hexdigest()
