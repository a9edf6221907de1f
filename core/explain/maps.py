"""Relevance maps of an observation: on the picture's patches, on the words, on the voice. No torch here."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from core.asr.transcript import Word
from core.explain.methods import Floats, Method, Place

if TYPE_CHECKING:  # torch takes seconds to import
    from core.explain.observation import Observation, Target, TowerObservation

FRAMES_A_SECOND = 50
SHOWN = 1e-12  # a map whose largest relevance is no larger is empty


@dataclass(frozen=True, eq=False)
class Elsewhere:
    """Relevance beside the input: on the prompts (m,), on the readout token itself, on the token that starts a text."""

    prompts: Floats
    readout: float
    start: float


@dataclass(frozen=True, eq=False)
class PictureMap:
    """`relevance` (rows, columns), 0 or more, over the square that the model saw, top row first."""

    relevance: Floats
    elsewhere: Elsewhere
    layer: str  # where it was read, for people


@dataclass(frozen=True)
class WordRelevance:
    """A word of the text. `cut`: some of its tokens were beyond what the model reads; `read` False: all of them."""

    text: str
    relevance: float
    cut: bool
    read: bool


@dataclass(frozen=True, eq=False)
class WordsMap:
    """The words of the text in their order, relevance of a word being the sum over its tokens.

    `tokens` (k,): relevance of each token that was read; `spans`, for each word, are its tokens (start, stop).
    """

    words: tuple[WordRelevance, ...]
    tokens: Floats
    spans: tuple[tuple[int, int], ...]
    elsewhere: Elsewhere
    layer: str


@dataclass(frozen=True)
class SpokenWord:
    """A word as it was spoken, `start` to `end` in seconds, with the sum of relevance over its frames."""

    text: str
    start: float
    end: float
    relevance: float


@dataclass(frozen=True, eq=False)
class SoundMap:
    """`frames` (n,): relevance, 50 a second from the start of the utterance. `words` are empty without word times."""

    frames: Floats
    words: tuple[SpokenWord, ...]
    elsewhere: Elsewhere
    layer: str


@dataclass(frozen=True, eq=False)
class Maps:
    """The maps of one target by one method; None where the target has no part in it."""

    target: "Target"
    method: str
    picture: PictureMap
    words: WordsMap | None
    sound: SoundMap | None


def draw(observation: "Observation", target: "Target", method: Method) -> Maps:
    """The maps of a target. KeyError when the observation lacks it (`observation.scores` has those it has)."""
    picture = _picture(observation, target, method)
    words = observation.towers.get("words")
    sound = observation.towers.get("sound")
    return Maps(target, method.name, picture,
                _words(observation, words, target, method) if words and target in words.readings else None,
                _sound(observation, sound, target, method) if sound and target in sound.readings else None)


def spread(relevance: Floats) -> Floats:
    """Relevance as 0..1 of its largest value, for drawing; an empty map stays all 0."""
    high = float(relevance.max(initial=0.0))
    return np.zeros_like(relevance) if high <= SHOWN else relevance / high


def per_word(frames: Floats, words: Sequence[Word]) -> tuple[SpokenWord, ...]:
    """Relevance (n,) of frames added up for each word; a frame that two words share counts in proportion to each's
    part.

    A word so short that it lies within one frame gets its part of it.
    """
    total = np.concatenate([[0.0], np.cumsum(frames, dtype=np.float64)])
    edges = np.arange(len(total)) / FRAMES_A_SECOND
    timed = []
    for word in words:
        before, after = np.interp([word.start, max(word.start, word.end)], edges, total)
        timed.append(SpokenWord(word.text, word.start, word.end, float(after - before)))
    return tuple(timed)


def _picture(observation: "Observation", target: "Target", method: Method) -> PictureMap:
    tower = observation.towers["picture"]
    tokens, layer = _tokens(tower, target, method)
    return PictureMap(tokens[tower.painted].reshape(observation.grid), _elsewhere(tower, tokens, 0.0), layer)


def _words(observation: "Observation", tower: "TowerObservation", target: "Target", method: Method) -> WordsMap:
    tokens, layer = _tokens(tower, target, method)
    read = tokens[tower.painted]
    kept = observation.kept
    words = tuple(WordRelevance(span.text, float(read[span.start:span.stop].sum()), span.stop > max(kept, span.start),
                                span.start < kept) for span in observation.spans)
    return WordsMap(words, read, tuple((span.start, span.stop) for span in observation.spans),
                    _elsewhere(tower, tokens, float(tokens[0])), layer)


def _sound(observation: "Observation", tower: "TowerObservation", target: "Target", method: Method) -> SoundMap:
    tokens, layer = _tokens(tower, target, method)
    frames = tokens[tower.painted]
    words = per_word(frames, observation.utterance.transcript.words)
    return SoundMap(frames, words, _elsewhere(tower, tokens, 0.0), layer)


def _tokens(tower: "TowerObservation", target: "Target", method: Method) -> tuple[Floats, str]:
    """Relevance of all tokens of a tower, and where it was read."""
    relevance = method.relevance(tower.readings[target], tower.painted)
    return np.asarray(relevance, np.float32), _where(tower.layers, method.place)


def _where(layers: int, place: Place) -> str:
    if place in ("entrance", "input"):
        return "where it enters" if place == "entrance" else "the input itself"
    if layers == 1:
        return "the only layer"
    return f"layer {layers - 1 if place == 'penultimate' else layers} of {layers}"


def _elsewhere(tower: "TowerObservation", tokens: Floats, start: float) -> Elsewhere:
    return Elsewhere(tokens[tower.prompts], float(tokens[tower.own]), start)
