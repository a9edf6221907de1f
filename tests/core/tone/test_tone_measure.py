from pathlib import Path

import numpy as np
import pytest

from core.datasets.records import ImageEntry
from core.datasets.tone import MOODS, SUBJECTS, ToneUtterance, class_of, parts_of
from core.evaluation.ranks import ranks, to_classes
from core.tone.measure import ToneGallery, figure, over_moods

CLASSES = [(subject, mood) for subject in SUBJECTS for mood in MOODS]


def _gallery(copies=2):
    """Eight classes along eight axes, `copies` pictures of each, a little apart."""
    vectors = np.repeat(np.eye(8, dtype=np.float32), copies, axis=0)
    vectors[::copies] *= 3  # length says nothing
    return ToneGallery(vectors / np.linalg.norm(vectors, axis=1, keepdims=True),
                   np.repeat([MOODS.index(mood) for _, mood in CLASSES], copies),
                   np.repeat([SUBJECTS.index(subject) for subject, _ in CLASSES], copies))


def _utterances(classes, actors=None):
    return [ToneUtterance(f"03-01-01-01-01-01-01-{row}", "", "01", "", Path("a.wav"), "train", actor, mood, subject)
            for row, ((subject, mood), actor) in enumerate(zip(classes, actors or [1] * len(classes), strict=True))]


def test_any_picture_of_the_class_is_right():
    result = _gallery().figures(np.eye(8, dtype=np.float32), _utterances(CLASSES))
    assert {name: each.value for name, each in result.figures.items()} == {"class": 100, "mood": 100, "subject": 100}
    assert result.confusion == tuple(tuple(2 * int(row == column) for column in range(4)) for row in range(4))
    assert result.by_actor == {"01": 100}


def test_right_mood_with_the_wrong_subject_counts_for_the_mood_alone():
    vectors = np.roll(np.eye(8, dtype=np.float32), 4, axis=1)  # the other subject's, same mood
    figures = _gallery().figures(vectors, _utterances(CLASSES)).figures
    assert (figures["class"].value, figures["mood"].value, figures["subject"].value) == (0, 100, 0)


def test_words_alone_reach_a_quarter_whatever_they_show():
    """All kids' utterances find happy kids: neutral recordings being twice as many changes nothing."""
    classes = [("kids", mood) for mood in ("neutral", "neutral", "happy", "sad", "angry")]
    vectors = np.tile(np.eye(8, dtype=np.float32)[1], (5, 1))
    assert _gallery().figures(vectors, _utterances(classes)).figures["class"].value == 25


def test_ties_between_classes_and_missing_vectors_are_misses():
    vectors = np.ones((2, 8), np.float32)
    vectors[1] = 0
    figures = _gallery().figures(vectors, _utterances([("kids", "happy"), ("kids", "sad")])).figures
    assert figures["class"].value == 0


def test_figures_by_actor_and_their_interval():
    hits, moods = np.array([True, True, False, False, True, False]), np.zeros(6, int)
    actors = np.array([1, 1, 2, 2, 3, 3])
    measured = figure(hits, moods, actors)
    assert measured.value == 50 and 0 <= measured.low < 50 < measured.high <= 100
    assert figure(hits, moods, actors) == measured
    few = figure(hits[:4], moods[:4], actors[:4])
    assert (few.value, few.low, few.high) == (50, None, None)


def test_mean_over_the_moods_that_occur():
    assert over_moods(np.array([True, True, True, False]), np.array([0, 0, 0, 2])) == 50


def test_classes_in_ranks_of_both_directions():
    pictures = np.array([[1, 0], [0.9, 0.1], [0, 1]], np.float32)
    speech = np.array([[1, 0.05], [1, 0]], np.float32)
    both = ranks(speech, pictures, np.array([1, 2]), np.array([0, 0, 1]))
    assert both.speech_to_image.tolist() == [1, 3]
    assert ranks(speech, pictures, np.array([1, 2])).speech_to_image.tolist() == [2, 3]


def test_an_item_without_a_vector_ranks_behind_everything():
    queries = np.array([[np.nan, np.nan], [1, 0]], np.float32)
    items = np.array([[1, 0], [np.nan, np.nan]], np.float32)
    assert to_classes(queries, items, np.array([0, 1]), np.array([0, 1])).tolist() == [11, 11]


def test_a_gallery_is_read_from_the_datasets_classes():
    entries = [ImageEntry(f"{number}", None, "train") for number in range(8)]
    relevance = {entry.image_id: class_of(*pair) for entry, pair in zip(entries, CLASSES, strict=True)}
    assert [parts_of(relevance[entry.image_id]) for entry in entries] == CLASSES
    with pytest.raises(ValueError):
        parts_of("happy")
