"""The strength of hits: calibrated chances, fair backgrounds, and what small galleries do."""

import math

import numpy as np
import pytest

from core.progress import JobCancelled
from core.search import background
from core.search.background import Background, descriptions, pictures, sentences
from core.search.queries import Term, combine, units
from core.search.strength import chances, level, strengths
from core.search.vector_index import ExactIndex

DIM = 32


def random_units(count, seed):
    return units(np.random.default_rng(seed).standard_normal((count, DIM)))


def a_background(count=0, texts=600):
    return Background(random_units(texts, 1), random_units(count, 2), np.arange(count, dtype=np.int64))


def measure(terms, vectors, ids, held_against):
    return strengths(terms, ids, vectors, vectors @ combine(terms), held_against)


def test_the_sentences_are_many_and_all_different():
    lines = sentences()
    assert len(lines) > 500
    assert len(set(lines)) == len(lines)
    assert all(line == line.strip() and len(line) > 3 for line in lines)


def test_chances_are_right_for_scores_from_the_background_itself():
    numbers = np.random.default_rng(3)
    found = chances(numbers.standard_normal(4000).astype(np.float32),
                    numbers.standard_normal((4000, 500)).astype(np.float32))
    for chance in (0.5, 0.2, 0.05, 0.01, 0.002):
        assert (found <= chance).mean() == pytest.approx(chance, abs=3 * math.sqrt(chance / 4000) + 0.003)


def test_a_higher_score_never_has_a_higher_chance_and_the_tail_goes_on_falling():
    held_against = np.broadcast_to(np.random.default_rng(3).standard_normal(500).astype(np.float32), (300, 500))
    found = chances(np.linspace(-6, 9, 300).astype(np.float32), held_against)
    # counting and the tail through the highest tenth meet with a small step
    assert (np.diff(found) <= 2e-3).all()
    assert found[0] == 1
    assert found[-1] < 1e-4
    assert len(set(found[-50:])) == 50


@pytest.mark.parametrize("held_against", [np.zeros((2, 400)), np.full((2, 400), -np.inf), np.zeros((2, 0)),
                                          np.zeros((2, 1)), np.zeros((2, 2))])
def test_backgrounds_that_tell_nothing_give_no_strong_hit_by_accident(held_against):
    found = chances(np.zeros(2, np.float32), held_against.astype(np.float32))
    assert found.tolist() == [1, 1]


def test_levels():
    assert [level(chance) for chance in (0, 0.003, 0.0031, 0.03, 0.031, 1)] == [
        "strong", "strong", "fair", "fair", "weak", "weak"]


def test_a_fitting_picture_is_strong_and_another_is_not():
    asked = random_units(1, 5)[0]
    vectors = np.stack([units((asked + 0.1 * random_units(1, 6)[0])[None])[0], random_units(1, 7)[0]])
    found = measure([Term("text", "x", asked)], vectors, np.array([1, 2]), a_background())
    assert found[0].level == "strong"
    assert found[1].chance > 0.03


def test_descriptions_that_say_the_same_as_the_query_do_not_count_against_it():
    asked = random_units(1, 5)[0]
    alike = units(asked + 0.2 * random_units(6, 8))
    held_against = a_background()
    crowded = Background(np.concatenate([held_against.descriptions[:594], alike]), *(held_against.pictures,
                                                                                  held_against.picture_ids))
    found = measure([Term("text", "x", asked)], units(asked + 0.2 * random_units(1, 9)), np.array([1]), crowded)
    assert found[0].level == "strong"


@pytest.mark.parametrize("count", [8, 40, 150])
def test_the_picture_itself_is_the_strongest_for_an_image_query(count):
    held_against = a_background(count)
    found = measure([Term("image", "x", held_against.pictures[1])], held_against.pictures, held_against.picture_ids,
                    held_against)
    assert min(found, key=lambda each: each.chance) is found[1]
    assert count < 40 or found[1].level == "strong"
    assert np.median([each.chance for each in found]) > 0.2


def test_pictures_are_held_against_pictures_even_when_these_all_look_alike():
    """Cosines of two pictures lie higher than those of text and picture: that alone must not make a hit strong."""
    held_against = a_background(200)
    shifted = units(held_against.pictures + 3 * random_units(1, 11))
    other = Background(held_against.descriptions, shifted, held_against.picture_ids)
    found = measure([Term("image", "x", units(random_units(1, 12) + 3 * random_units(1, 11))[0])], shifted,
                    held_against.picture_ids, other)
    assert np.mean([each.level == "strong" for each in found]) < 0.02


@pytest.mark.parametrize("count", [0, 1, 2])
def test_without_pictures_to_compare_with_the_descriptions_stand_in(count):
    found = measure([Term("image", "x", random_units(1, 5)[0])], random_units(2, 6), np.array([1, 2]),
                    a_background(count))
    assert all(0 < each.chance <= 1 for each in found)


def test_a_sum_of_terms_is_held_against_sums_of_the_same_form():
    terms = [Term("text", "a", random_units(1, 5)[0]), Term("image", "b", random_units(1, 6)[0], 0.5),
             Term("text", "c", random_units(1, 7)[0], -1.0)]
    vectors = random_units(2000, 8)
    found = measure(terms, vectors, np.arange(5000, 7000), a_background(200))
    for chance in (0.5, 0.1, 0.02):
        assert np.mean([each.chance <= chance for each in found]) == pytest.approx(chance, abs=0.035)


def test_no_hits_have_no_strengths():
    empty = np.empty((0, DIM), np.float32)
    for kind in ("text", "image"):
        assert measure([Term(kind, "x", random_units(1, 5)[0])], empty, np.empty(0, np.int64), a_background(5)) == []


class Tower:
    """A text tower that counts its calls."""

    def __init__(self):
        self.texts = 0

    def encode_texts(self, texts):
        self.texts += len(texts)
        return type("Features", (), {"vectors": np.random.default_rng(len(texts)).standard_normal((len(texts), DIM))})


def test_descriptions_are_embedded_once_per_fingerprint(tmp_path):
    tower, heard = Tower(), []
    first = descriptions(tower, DIM, "f1", tmp_path / "new", lambda *step: heard.append(step))
    again = descriptions(tower, DIM, "f1", tmp_path / "new")
    assert tower.texts == len(sentences()) == heard[-1][0]
    assert np.array_equal(first, again)
    assert np.allclose(np.linalg.norm(first, axis=1), 1)
    descriptions(tower, DIM, "f2", tmp_path / "new")
    assert tower.texts == 2 * len(sentences())


@pytest.mark.parametrize("damage", [b"", b"\x93NUMPY\x01", b"not one"])
def test_a_damaged_cache_of_descriptions_is_made_again(tmp_path, damage):
    tower = Tower()
    descriptions(tower, DIM, "f", tmp_path)
    path = next(tmp_path.iterdir())
    path.write_bytes(damage)
    descriptions(tower, DIM, "f", tmp_path)
    assert tower.texts == 2 * len(sentences())
    assert np.load(path).shape == (len(sentences()), DIM)


def test_a_cache_that_cannot_be_kept_is_no_error(tmp_path):
    (tmp_path / "file").write_text("")
    assert descriptions(Tower(), DIM, "f", tmp_path / "file" / "folder").shape == (len(sentences()), DIM)


def test_embedding_the_descriptions_can_be_stopped(tmp_path):
    def stop(done, total, text):
        raise JobCancelled

    with pytest.raises(JobCancelled):
        descriptions(Tower(), DIM, "f", tmp_path, stop)
    assert list(tmp_path.iterdir()) == []


def test_the_pictures_of_the_background_are_a_fixed_sample():
    index = ExactIndex(random_units(1200, 1), np.arange(1200, dtype=np.int64) * 2)
    vectors, ids = pictures(index)
    assert len(ids) == background.PICTURES == len(set(ids.tolist()))
    assert np.array_equal(index.vectors_of(ids), vectors)
    assert np.array_equal(pictures(index)[1], ids)
