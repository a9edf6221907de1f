"""The interface of a speech recogniser, and the table of those that there are.

A recogniser is a module with `load(path, device, exports, sha256) -> Recogniser` and `export(path, exports, sha256)`, a
row of `RECOGNISERS` and a row of the weights table.
No torch here: the module is imported when it is loaded.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast

from core.errors import ModelError
from core.localisation import _

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from core.asr.transcript import EncodedUtterance, PartialTranscript, TranscriptionOptions
    from core.audio import Samples, Waveform
    from core.fingerprint import Fingerprint
    from core.inference.exports import ExportCache
    from core.progress import Report


class Recogniser(Protocol):
    """A loaded recogniser. Any thread may call any method."""

    @property
    def name(self) -> str:
        """Identifier in fingerprints and checkpoints, such as "Whisper base"."""

    @property
    def device(self) -> str:
        """Device in use: "cpu", "cuda" or "mps"."""

    @property
    def fallback(self) -> str:
        """A sentence that says why it does not compute where it was asked to; else ""."""

    @property
    def precision(self) -> str:
        """Precision of the encoder states: "float32" or "float16"."""

    @property
    def width(self) -> int:
        """Width of the encoder states."""

    @property
    def fingerprint(self) -> "Fingerprint":
        """Fingerprint of transcripts under the default options."""

    def fingerprint_of(self, options: "TranscriptionOptions") -> "Fingerprint":
        """Fingerprint of all that decides a transcript: weights, precision and options."""

    def transcribe(self, waveforms: "Sequence[Waveform]", options: "TranscriptionOptions" = ...,
                   report: "Report" = ...) -> "list[EncodedUtterance]":
        """Transcripts and encoder states of utterances. One without words has an empty text and a reason.

        ModelError ("language") on a language that the recogniser does not know.
        """

    def transcribe_partial(self, samples: "Samples", options: "TranscriptionOptions" = ...,
                           previous: "PartialTranscript | None" = ...) -> "PartialTranscript":
        """The words so far of an utterance that is still being spoken, of at most 30 s; of more the last 30 s.

        No word times, no translation, no check for hallucinated text, no second decoding: for display and for a first
        search. `previous`, of a shorter beginning, makes it faster; the words are the
        same but for rounding.
        """

    def states(self, waveform: "Waveform", padding: str = "own") -> "NDArray[np.float32]":
        """Encoder states of an utterance, (frames, width); those of `transcribe` under the same padding."""

    def layers(self, waveform: "Waveform", padding: str = "own") -> "NDArray[np.float32]":
        """Encoder states of an utterance by layer, (layers, frames, width); the last are those of `transcribe`."""

    def warm_up(self) -> None:
        """Compute once, so that the first query is as fast as the next ones."""


def stacked_states(recogniser: Recogniser, waveform: "Waveform", padding: str, layers: int) -> "NDArray[np.float32]":
    """Encoder states of the last `layers` layers side by side, (frames, layers * width); the last alone for 0 and 1.

    ModelError ("layers") where the encoder has fewer, and under padding "window", of which layers have no silence.
    """
    if layers <= 1:
        return recogniser.states(waveform, padding)
    if padding == "window":
        raise ModelError(_("A model that mixes layers of the recogniser reads recordings under padding own or full. "
                           "Nothing was computed; change Settings, Speech."), "layers")
    states = recogniser.layers(waveform, padding)
    if layers > len(states):
        raise ModelError(_("The model reads {layers} layers of the recogniser's encoder; {name} has {states}. Choose "
                           "another recogniser, or fewer layers.").format(layers=layers, name=recogniser.name,
                                                                          states=len(states)), "layers")
    return states[-layers:].transpose(1, 0, 2).reshape(states.shape[1], -1)


@dataclass(frozen=True)
class RecogniserEntry:
    """A recogniser that there is: the name of its weights, its title, and the module that loads it."""

    weights: str
    title: str
    module: str

    def load(self, path: Path, device: str = "auto", exports: "ExportCache | None" = None,
             sha256: str = "") -> Recogniser:
        """The recogniser of a file of weights on one of `devices.NAMES`. ModelError: missing, damaged, device, ...

        With `exports` and the file's SHA-256 it may run an export that is there.
        """
        return cast(Recogniser, import_module(self.module).load(path, device, exports, sha256))

    def is_exported(self, exports: "ExportCache", sha256: str) -> bool:
        """Whether no export of a file of weights is to be made: there is one, usable or not, or it has none."""
        find = getattr(import_module(self.module), "is_exported", None)
        return find is None or bool(find(sha256, exports))

    def export(self, path: Path, exports: "ExportCache", sha256: str) -> None:
        """Make the export of a file of weights, unless there is one. OSError: it cannot be written."""
        import_module(self.module).export(path, exports, sha256)


SIZES = ("base", "base.en", "tiny", "tiny.en", "small", "small.en", "medium", "medium.en", "large-v1", "large-v2",
         "large-v3", "turbo")  # of openai-whisper; the first is the default
RECOGNISERS = tuple(RecogniserEntry(f"whisper-{name}", f"Whisper {name}", "core.asr.whisper") for name in SIZES)


def entry_of(name: str, default: RecogniserEntry = RECOGNISERS[0]) -> RecogniserEntry:
    """The recogniser of a setting: "auto", a name of weights, or the path of a Whisper checkpoint."""
    if name == "auto":
        return default
    known = {entry.weights: entry for entry in (default, *RECOGNISERS)}
    return known.get(name) or RecogniserEntry(name, f"the recogniser {Path(name).name}", default.module)
