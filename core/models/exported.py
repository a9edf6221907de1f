"""A retrieval model that runs from its exports: the same vectors as in PyTorch, within rounding, and no torch.

`core.models.towers` makes the exports. The acoustic branch has an export of its own, for its backbone's stays when
another branch is trained.
"""

import threading
from collections.abc import Sequence
from typing import Any

import numpy as np

from core.asr.transcript import EncodedUtterance
from core.errors import ModelError
from core.fingerprint import Fingerprint
from core.inference.clip_tokenizer import ClipTokenizer
from core.inference.exports import Export, ExportCache, export_key
from core.inference.sessions import Session
from core.localisation import _
from core.models import backbones, checkpoints, sentences
from core.models.gate_inputs import gate_inputs
from core.models.retrieval import Floats, SpeechFeatures, TextFeatures
from core.models.spec import ModelSpec

IMAGES_AT_ONCE = 32  # in one run of the graph, so that memory is bounded whatever is handed over
TEXTS_AT_ONCE = 64


class ExportedModel:
    """A `RetrievalModel` from exports, on the CPU. Any thread may call any method.

    `voice` is the export of the acoustic branch, None where the variant has none. ModelError ("damaged") when a graph
    cannot be loaded.
    """

    device, fallback, precision = "cpu", "", backbones.PRECISION
    layers = 0  # a model that mixes several runs in PyTorch

    def __init__(self, spec: ModelSpec, sha256: str, checkpoint: str, towers: Export, voice: Export | None) -> None:
        self.spec, self.run = spec, spec.run
        self.name, self.note = spec.backbone, backbones.note(spec.backbone)
        self.title = checkpoints.title(spec.run) if spec.run else backbones.title(spec.backbone)
        self.dim: int = towers.facts["dim"]
        self.image_size: int = towers.facts["image_size"]
        self.uses_text, self.uses_speech = spec.variant.text, spec.variant.acoustic
        self._tokenizer = ClipTokenizer(towers.facts["context"])
        self._places: int = towers.facts["context"] - towers.facts["prompts"]
        self._pools = spec.run is not None and spec.run.options.pool_sentences
        self._sha256, self._checkpoint = sha256, checkpoint
        self._exports = {"image": towers, "text": towers, **({"voice": voice} if voice else {})}
        self._sessions: dict[str, Session] = {}
        self._opening = threading.Lock()

    def fingerprint(self, crop: str) -> Fingerprint:
        """Fingerprint of this model's embeddings of images under a crop policy."""
        return backbones.fingerprint(self.name, self._sha256, crop, self._checkpoint)

    def check_recogniser(self, name: str, padding: str) -> None:
        """ModelError ("wrong_speech") where the acoustic branch was trained on other encoder states."""
        if self.run is not None:
            checkpoints.check_recogniser(self.run, name, padding)

    def encode_images(self, pixels: np.ndarray) -> np.ndarray:
        """F_V (n, dim) float32 of pixels (n, size, size, 3) uint8. ValueError on another shape or type."""
        side = self.image_size
        if pixels.shape[1:] != (side, side, 3) or pixels.dtype != np.uint8:
            raise ValueError(f"pixels are {pixels.shape} {pixels.dtype}, not (n, {side}, {side}, 3) uint8")
        parts = [self._run("image", pixels=np.ascontiguousarray(pixels[start:start + IMAGES_AT_ONCE]))[0]
                 for start in range(0, len(pixels), IMAGES_AT_ONCE)]
        return np.concatenate(parts) if parts else np.empty((0, self.dim), np.float32)

    def encode_texts(self, texts: Sequence[str]) -> TextFeatures:
        """F_T of texts, and how many tokens of each were beyond what the prompts leave of the context."""
        excess = self._excess(texts)
        if not (self._pools and any(excess)):
            return TextFeatures(self._encode(texts), (0,) * len(texts) if self._pools else excess)
        pieces = [sentences.pieces(text, self._length, self._places - 2) for text in texts]
        vectors = iter(self._encode([piece for parts in pieces for piece in parts]))
        means = [np.mean([next(vectors) for _unused in parts], axis=0) for parts in pieces]
        return TextFeatures(np.stack(means).astype(np.float32), (0,) * len(texts))

    def encode_speech(self, utterances: Sequence[EncodedUtterance]) -> SpeechFeatures:
        """F_L of utterances from the recogniser of the run. ValueError without an acoustic branch."""
        if "voice" not in self._exports:
            raise ValueError("a model without an acoustic branch reads no speech")
        transcripts = [utterance.transcript for utterance in utterances]
        texts = [transcript.text for transcript in transcripts]
        read = self.encode_texts(texts) if self.uses_text else None
        joined = [np.concatenate(utterance.states) for utterance in utterances]
        lengths = np.array([len(each) for each in joined], np.int64)
        states = np.zeros((len(joined), lengths.max(), joined[0].shape[1]), np.float16)
        for row, each in zip(states, joined, strict=True):
            row[:len(each)] = each
        inputs = {"states": states, "lengths": lengths}
        if read is not None:
            lengths_of_texts = (self._length(text) + 2 for text in texts)
            inputs |= {"text": read.vectors, "signals": gate_inputs(transcripts, read.cut, lengths_of_texts),
                       "has_text": np.array([bool(text) for text in texts])}
        spoken, voice = self._run("voice", **inputs)
        return SpeechFeatures(spoken, voice, read.cut if read is not None else (0,) * len(texts))

    def _length(self, text: str) -> int:
        return len(self._tokenizer.encode(text))

    def _excess(self, texts: Sequence[str]) -> tuple[int, ...]:
        return tuple(max(0, self._length(text) + 2 - self._places) for text in texts)

    def _encode(self, texts: Sequence[str]) -> Floats:
        """F_T (n, dim) of texts, cut to the context."""
        parts = [self._run("text", tokens=self._tokenizer(texts[start:start + TEXTS_AT_ONCE], self._places))[0]
                 for start in range(0, len(texts), TEXTS_AT_ONCE)]
        return np.concatenate(parts) if parts else np.empty((0, self.dim), np.float32)

    def _run(self, graph: str, **inputs: Any) -> tuple[np.ndarray, ...]:
        with self._opening:
            if graph not in self._sessions:
                try:
                    self._sessions[graph] = self._exports[graph].session(graph, quick=graph != "image")
                except Exception as error:  # ONNX Runtime has its own exceptions
                    raise ModelError(_("{title} could not be loaded: {splitlines} Nothing was changed. `brewclip "
                                       "settings set inference torch` does without ONNX Runtime.").format(
                                           title=self.title, splitlines=str(error).splitlines()[0]),
                                     "damaged") from error
            session = self._sessions[graph]
        return session(**inputs)


def towers_key(name: str, sha256: str, checkpoint: str, words: bool) -> str:
    """Key of the towers' export: backbone, its weights, the prompts, and whether they stand before the words."""
    return export_key("towers", {**backbones.fingerprint(name, sha256, "", checkpoint).facts(), "words": words})


def voice_key(digest: str) -> str:
    """Key of the acoustic branch's export, of the digest of its checkpoint (`checkpoints.digest_of`)."""
    return export_key("voice", {"checkpoint": digest})


def find(cache: ExportCache, spec: ModelSpec, sha256: str) -> ExportedModel | None:
    """The model of a resolved spec, whose backbone's weights have that digest, if there are usable exports.

    ModelError as in `checkpoints.read_run`.
    """
    checkpoint, voice = backbones.ZERO_SHOT, None
    if spec.run is not None and spec.checkpoint is not None:
        if spec.run.backbone != spec.backbone or spec.run.backbone_sha256 != sha256:
            return None  # PyTorch's loader says what is wrong
        if spec.layers > 1:
            return None  # the exported recogniser gives the last layer alone: all of the model runs in PyTorch
        facts = checkpoints.fingerprint_of(spec.checkpoint, spec.crop).facts()
        checkpoint = str(facts["checkpoint"])
        if spec.variant.acoustic:
            voice = cache.find(voice_key(checkpoints.digest_of(spec.checkpoint)))
            if voice is None or not voice.usable:
                return None
    towers = cache.find(towers_key(spec.backbone, sha256, checkpoint, spec.variant.text))
    if towers is None or not towers.usable:
        return None
    return ExportedModel(spec, sha256, checkpoint, towers, voice)
