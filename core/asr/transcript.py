"""Transcripts, encoded utterances and the options of transcription. No torch here."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from core import plain_json


@dataclass(frozen=True)
class Word:
    """One word as it was spoken: `start` and `end` in seconds of the utterance, `probability` 0..1."""

    text: str
    start: float
    end: float
    probability: float


@dataclass(frozen=True)
class Transcript:
    """The transcript of one utterance. The words and their times are those of the language that was spoken."""

    text: str  # as a query uses it: English when it was translated, "" without words
    language: str  # "en", "de", ...; "" when unknown
    words: tuple[Word, ...]
    avg_logprob: float  # mean over the tokens, <= 0
    no_speech_probability: float  # 0..1
    compression_ratio: float  # over 2.4 the text repeats itself
    original: str = ""  # the words in the spoken language, when `text` is a translation
    reason: str = ""  # a sentence that says why `text` is empty
    redone: bool = False  # decoded a second time, padded to 30 s, since the first result was in doubt
    doubtful: bool = False  # there was a voice, but the words may be others
    notes: tuple[str, ...] = ()  # sentences about the recording or its languages, for the user

    def to_json(self) -> dict[str, Any]:
        """A plain dict for `from_json`, with every field."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "Transcript":
        """The transcript that `to_json` gave; fields of later releases are left out. KeyError, TypeError if damaged."""
        names = {field.name for field in fields(cls)}
        kept = {key: value for key, value in values.items() if key in names}
        words = tuple(Word(**word) for word in values["words"])
        return cls(**{**kept, "words": words, "notes": tuple(values.get("notes", ()))})

    @classmethod
    def kept(cls, values: Any) -> "Transcript | None":
        """The transcript of `to_json`; None where none is stored, or it is damaged."""
        try:
            return None if values is None else plain_json.checked(cls.from_json(values))
        except plain_json.DAMAGE:
            return None


@dataclass(frozen=True)
class PartialTranscript:
    """The words so far of an utterance that is still being spoken, unchecked. `tokens` speed up the next one."""

    text: str
    language: str = ""
    tokens: tuple[int, ...] = ()


@dataclass(frozen=True, eq=False)
class EncodedUtterance:
    """A transcript and the encoder's states it was made from.

    `states`: for each window of the utterance (frames, width) float16, 50 frames a second, as long as the sound; this
    is the paper's Z_A. Under padding "full" they equal the paper's states over the same frames. Under "own" the encoder
    attends to 6 s of silence after the sound and not to all that is missing to 30 s, so that they differ a little:
    never mix the two in one acoustic branch. Under "window" they are all 1500 frames of the first 30 s, silence
    included. () where none are wanted.

    `reason` says why the recording of a dataset could not be read, and is "" for all others: it then has neither words
    nor states.
    """

    transcript: Transcript
    states: tuple[NDArray[np.float16], ...] = ()
    reason: str = ""

    @classmethod
    def unreadable(cls, reason: str) -> "EncodedUtterance":
        """A recording that could not be read."""
        return cls(Transcript("", "", (), 0.0, 1.0, 0.0), reason=reason)


@dataclass(frozen=True)
class TranscriptionOptions:
    """Options of transcription. `language` is "auto" or a code such as "de"; `translate` adds the English.

    `padding`: the encoder sees 6 s of silence after the sound ("own") or a window of 30 s ("full", "window"); see
    `EncodedUtterance.states`. `beam`: hypotheses of the decoder's beam search; 1: greedy.
    `prompt`: words that are likely to be said, as openai-whisper's `initial_prompt`, before every window of 30 s.
    The last three are for queries, not for recordings of a dataset. `likely` are codes of languages that weigh more in
    short utterances. `keep_doubtful` keeps the words of a clear voice, marked, that would otherwise be refused.
    `several_languages`: a recording may change its language at a pause.
    `layers`: number of the encoder's last layers that the states have side by side, (frames, layers * width), for a
    model that mixes them; 0 and 1: the last alone. It changes no transcript.
    """

    padding: Literal["own", "full", "window"] = "own"
    language: str = "auto"
    translate: bool = True
    word_times: bool = True
    beam: int = 1
    prompt: str = ""
    likely: tuple[str, ...] = ()
    keep_doubtful: bool = False
    several_languages: bool = False
    layers: int = 0
