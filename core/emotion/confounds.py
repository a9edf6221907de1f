"""Confounds of a feature, by the same kind of probe: the speaker, and the sex of strangers."""

from collections.abc import Mapping, Sequence

import numpy as np

from core.datasets.ravdess import ActedUtterance
from core.emotion import probe, scores
from core.emotion.layer_cache import Floats
from core.emotion.probe import INNER_FOLDS, STRENGTHS, Labels
from core.emotion.scores import Leak

STRENGTH = STRENGTHS[len(STRENGTHS) // 2]
TITLES: Mapping[str, str] = {"speaker": "Tells the speaker", "sex": "Tells a stranger's sex"}


def all_leaks(vectors: Floats, utterances: Sequence[ActedUtterance]) -> dict[str, Leak]:
    """Leaks by name (`TITLES`) of vectors (n, d); one that these recordings cannot show is missing."""
    leaks = {}
    speakers = [utterance.actor for utterance in utterances]
    by_sentence = _numbered([utterance.statement for utterance in utterances])
    if len(set(speakers)) > 1 and len(set(by_sentence.tolist())) > 1:
        leaks["speaker"] = _leak(vectors, _numbered(speakers), by_sentence)
    sexes = _numbered([utterance.sex for utterance in utterances])
    groups = _groups(speakers, sexes)
    if groups is not None:
        leaks["sex"] = _leak(vectors, sexes, groups)
    return leaks


def _leak(vectors: Floats, labels: Labels, groups: Labels) -> Leak:
    """Accuracy on each group of a probe learned from the other groups."""
    classes, right = int(labels.max()) + 1, np.zeros(len(labels), bool)
    for group in set(groups.tolist()):
        test = groups == group
        fitted = probe.fit(vectors[~test], labels[~test], classes, STRENGTH)
        right[test] = fitted.predict_proba(vectors[test]).argmax(axis=1) == labels[test]
    return Leak(round(100 * float(right.mean()), 2), scores.majority(labels.tolist()), round(100 / classes, 2))


def _groups(speakers: Sequence[int], sexes: Labels) -> Labels | None:
    """(n,) parts of whole speakers with both sexes in the rest of each; None where there are too few speakers."""
    order = {speaker: number for number, speaker in enumerate(sorted(set(speakers)))}
    of_sex = {sex: sorted({speaker for speaker, own in zip(speakers, sexes.tolist(), strict=True) if own == sex})
              for sex in set(sexes.tolist())}
    if len(of_sex) < 2 or min(len(same_sex) for same_sex in of_sex.values()) < 2:
        return None
    parts = min(INNER_FOLDS, min(len(same_sex) for same_sex in of_sex.values()))
    place = {speaker: number % parts for same_sex in of_sex.values() for number, speaker in enumerate(same_sex)}
    assert len(place) == len(order)
    return np.array([place[speaker] for speaker in speakers], np.int64)


def _numbered(values: Sequence[int] | Sequence[str]) -> Labels:
    names = sorted(set(values))  # type: ignore[type-var]
    return np.array([names.index(value) for value in values], np.int64)
