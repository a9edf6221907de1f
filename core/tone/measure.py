"""Figures of models on a tone set: whether the best picture is of the right class, mood and subject.

Every figure is the mean over the true moods, which have unequal numbers of recordings: a model that uses the words
alone reaches 25 % of the classes at most, whatever mood it shows. Intervals are a bootstrap over actors.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core import datasets
from core.datasets.records import Dataset
from core.datasets.tone import KIND, MOODS, SEEN, SUBJECTS, UNSEEN, ToneUtterance, parts_of
from core.errors import EvaluationError
from core.evaluation import models
from core.evaluation.evaluate import prepare
from core.evaluation.models import EvaluatedModel
from core.evaluation.ranks import Floats, Ints, between, to_classes, units
from core.features.encode import encode_pictures, encode_utterances
from core.features.image_cache import ImageFeatureCache
from core.features.noise import CLEAN
from core.features.prepared_split import Split
from core.localisation import _
from core.models.spec import ModelSpec
from core.progress import Report, silent, steps
from core.workspace import Workspace

Bools = NDArray[np.bool_]
CHANCE: Mapping[str, float] = {"class": 12.5, "mood": 25.0, "subject": 50.0}  # in percent
WORDS_ALONE: Mapping[str, float] = {"class": 25.0, "mood": 25.0, "subject": 100.0}  # the most that words can reach
DRAWS = 1000
FEWEST_ACTORS = 3  # for an interval: a bootstrap over fewer says nothing


@dataclass(frozen=True)
class ToneFigure:
    """R@1 in percent, mean over the moods; `low` and `high` its 95 % interval over actors, None below three."""

    value: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class ToneFigures:
    """Figures by name ("class", "mood", "subject"), the class by actor, and the confusion of moods.

    `confusion` has a row for each true mood and a column for the mood of the best picture, in the order of `MOODS`.
    """

    figures: Mapping[str, ToneFigure]
    by_actor: Mapping[str, float]
    confusion: tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class VoiceSwap:
    """Utterances with the voice of the same actor saying the same words in another mood, in percent of `pairs`.

    `follows`: the best picture has the mood of the voice; `stays`: that of the words' own recording.
    """

    pairs: int
    follows: float
    stays: float


@dataclass(frozen=True)
class ToneResult:
    """One model on one split. `statement`: with the statement in place of the transcript; `swap` None without a voice.

    `words`, `voice`: with the part of one branch alone, where there are two.
    """

    model: str
    split: str
    pictures: int
    utterances: int
    actors: tuple[int, ...]
    whole: ToneFigures
    statement: ToneFigures | None
    words: ToneFigures | None
    voice: ToneFigures | None
    swap: VoiceSwap | None

    def to_json(self) -> dict[str, Any]:
        """A plain dict of all fields, with chance and what words alone can reach."""
        return {**asdict(self), "chance": dict(CHANCE), "words_alone": dict(WORDS_ALONE)}


def measure(workspace: Workspace, folder: Path, asked: Sequence[ModelSpec], splits: Sequence[str] = (SEEN, UNSEEN),
            report: Report = silent) -> list[ToneResult]:
    """Figures of models on splits of a tone set. EvaluationError ("not_tone"); the errors of `evaluate`."""
    dataset = datasets.load(folder, report=report)
    if dataset.kind != KIND:
        raise EvaluationError(_("{name} is no tone set. `brewclip tone build` makes one.").format(name=folder.name),
                              "not_tone")
    specs = [workspace.models.resolve(spec, workspace.settings) for spec in asked]
    for spec in specs:
        models.check(workspace, spec)
    results = []
    for spec, part in zip(specs, steps(report, *(1 for _unused in specs)), strict=True):
        model = models.load(workspace, spec, part)
        results += [_measured(workspace, model, dataset, split, part) for split in splits]
    return results


def _measured(workspace: Workspace, model: EvaluatedModel, dataset: Dataset, name: str, report: Report) -> ToneResult:
    split = prepare(workspace, model, dataset, name, model.spec.crop, CLEAN, report)
    cache = ImageFeatureCache(workspace, model.backbone, model.spec.crop)
    gallery = ToneGallery.of(encode_pictures(model.network, cache, split, report), split, dataset)
    spoken = encode_utterances(model.network, split, report=report)
    two = spoken.text is not None and spoken.acoustic is not None
    with_statement = (encode_utterances(model.network, split, captions=True, report=report)
                      if model.spec.variant.text else None)
    utterances = _utterances(split)
    return ToneResult(
        model.spec.title, name, len(split.pictures), len(utterances),
        tuple(sorted({utterance.actor for utterance in utterances})), gallery.figures(spoken.fused, utterances),
        gallery.figures(with_statement.fused, utterances) if with_statement else None,
        gallery.figures(spoken.text, utterances) if two and spoken.text is not None else None,
        gallery.figures(spoken.acoustic, utterances) if two and spoken.acoustic is not None else None,
        swap(model, split, gallery) if spoken.acoustic is not None else None)


def _utterances(split: Split) -> list[ToneUtterance]:
    return [utterance for utterance in split.utterances if isinstance(utterance, ToneUtterance)]


@dataclass(frozen=True, eq=False)
class ToneGallery:
    """Pictures of a split: unit vectors (n, dim), and places (n,) of their moods and subjects in the tables."""

    vectors: Floats
    moods: Ints
    subjects: Ints

    @classmethod
    def of(cls, vectors: Floats, split: Split, dataset: Dataset) -> "ToneGallery":
        """The pictures of a split."""
        parts = [parts_of(dataset.relevance[image_id]) for image_id in split.image_ids]
        return cls(units(vectors), np.array([MOODS.index(mood) for _unused, mood in parts]),
                   np.array([SUBJECTS.index(subject) for subject, _unused in parts]))

    def figures(self, vectors: Floats, utterances: Sequence[ToneUtterance]) -> ToneFigures:
        """Figures of utterances with the vectors (m, dim). A vector of NaN or zeros is a miss."""
        spoken = units(np.where(np.any(vectors != 0, axis=1, keepdims=True), vectors, np.nan))
        moods = np.array([MOODS.index(utterance.mood) for utterance in utterances])
        subjects = np.array([SUBJECTS.index(utterance.subject) for utterance in utterances])
        hits = {"class": to_classes(spoken, self.vectors, moods * 2 + subjects, self.moods * 2 + self.subjects) == 1,
                "mood": to_classes(spoken, self.vectors, moods, self.moods) == 1,
                "subject": to_classes(spoken, self.vectors, subjects, self.subjects) == 1}
        actors = np.array([utterance.actor for utterance in utterances])
        confusion = np.zeros((len(MOODS), len(MOODS)), int)
        np.add.at(confusion, (moods, self.shown_moods(spoken)), 1)
        return ToneFigures({name: figure(hit, moods, actors) for name, hit in hits.items()},
                           {f"{actor:02d}": over_moods(hits["class"][actors == actor], moods[actors == actor])
                            for actor in np.unique(actors)},
                           tuple(tuple(row) for row in confusion.tolist()))

    def shown_moods(self, spoken: Floats) -> Ints:
        """Places (m,) of the moods of the best pictures for unit vectors (m, dim)."""
        moods: Ints = self.moods[np.argmax(between(spoken, self.vectors), axis=1)]
        return moods


def over_moods(hits: Bools, moods: Ints) -> float:
    """Share of hits in percent, mean over the moods that occur."""
    return float(100 * np.mean([hits[moods == mood].mean() for mood in np.unique(moods)]))


def figure(hits: Bools, moods: Ints, actors: Ints) -> ToneFigure:
    """The mean over moods and its interval: a bootstrap over actors, with all their utterances."""
    names = np.unique(actors)
    value = over_moods(hits, moods)
    if len(names) < FEWEST_ACTORS:
        return ToneFigure(value, None, None)
    draw = np.random.default_rng(0)
    rows = {name: np.flatnonzero(actors == name) for name in names}
    drawn = []
    for _unused in range(DRAWS):
        chosen = np.concatenate([rows[name] for name in draw.choice(names, len(names))])
        drawn.append(over_moods(hits[chosen], moods[chosen]))
    low, high = np.percentile(drawn, [2.5, 97.5]).tolist()
    return ToneFigure(value, low, high)


def swap(model: EvaluatedModel, split: Split, gallery: ToneGallery) -> VoiceSwap:
    """Each utterance's words with the voice of the same actor and sentence in each other mood."""
    utterances = _utterances(split)
    pairs = [(words, voice) for words, one in enumerate(utterances) for voice, other in enumerate(utterances)
             if (one.actor, one.subject) == (other.actor, other.subject) and one.mood != other.mood
             and one.utterance_id[9:17] == other.utterance_id[9:17]]  # same intensity, statement and repetition
    if not pairs:
        return VoiceSwap(0, 0.0, 0.0)
    spoken = tuple(replace(split.spoken[voice], transcript=split.spoken[words].transcript) for words, voice in pairs)
    swapped = replace(split, spoken=spoken, utterances=tuple(split.utterances[words] for words, _unused in pairs))
    shown = gallery.shown_moods(units(encode_utterances(model.network, swapped).fused))
    moods = np.array([MOODS.index(utterance.mood) for utterance in utterances])
    of_words, of_voice = (moods[list(rows)] for rows in zip(*pairs, strict=True))
    return VoiceSwap(len(pairs), float(100 * np.mean(shown == of_voice)), float(100 * np.mean(shown == of_words)))
