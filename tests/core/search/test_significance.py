"""Significance of hits: calibrated, in the order of the scores, fair to small and to one-sided galleries."""

import numpy as np
import pytest

from core.progress import JobCancelled
from core.search import background
from core.search.background import Background, descriptions, pictures, sentences
from core.search.queries import EncodedTerm, QueryScorer, units
from core.search.significance import level, significances, tail
from core.search.vector_index import ExactIndex

DIM = 32


def random_units(count, seed):
    return units(np.random.default_rng(seed).standard_normal((count, DIM)))


def a_background(count=0, texts=600):
    return Background(random_units(texts, 1), random_units(count, 2), np.arange(count, dtype=np.int64))


def measure(terms, vectors, held_against, compared=None):
    scores = QueryScorer(terms, held_against.pictures).scores(vectors)
    return significances(terms, scores, held_against, len(vectors) if compared is None else compared)


def test_the_sentences_are_many_and_all_different():
    lines = sentences()
    assert len(lines) > 500
    assert len(set(lines)) == len(lines)
    assert all(line == line.strip() and len(line) > 3 for line in lines)


def test_the_tail_is_right_for_values_of_the_same_distribution():
    numbers = np.random.default_rng(3)
    chances = tail(numbers.standard_normal(40_000), numbers.standard_normal(100_000))
    for chance in (0.5, 0.05, 0.01, 0.002, 0.0005):
        assert (chances <= chance).mean() == pytest.approx(chance, rel=0.25)


def test_a_higher_value_never_has_a_higher_chance_and_the_tail_goes_on_falling():
    chances = tail(np.linspace(-6, 9, 3000), np.random.default_rng(3).standard_normal(20_000))
    assert (np.diff(chances) <= 0).all()
    assert chances[0] == 1 and chances[-1] < 1e-8
    assert len(set(chances[-50:])) == 50


@pytest.mark.parametrize("sample", [np.zeros(400), np.zeros(0), np.zeros(1), np.zeros(2)])
def test_samples_that_tell_nothing_make_nothing_significant(sample):
    assert tail(np.zeros(2), sample).tolist() == [1, 1]


def test_levels():
    assert [level(expected) for expected in (0, 0.1, 0.11, 1, 1.01, 500)] == [
        "strong", "strong", "fair", "fair", "weak", "weak"]


@pytest.mark.parametrize("count", [1, 2, 3, 12, 40, 300])
@pytest.mark.parametrize("kinds", [("text",), ("image",), ("text", "image", "text")])
def test_significance_follows_the_order_of_the_scores(count, kinds):
    """No hit is called stronger than one that is shown before it."""
    held_against = a_background(count)
    terms = [EncodedTerm(kind, str(number), random_units(1, 20 + number)[0], 1 - 0.7 * number)
             for number, kind in enumerate(kinds)]
    vectors = units(random_units(50, 8) + 0.3 * random_units(1, 9))
    vectors = vectors[np.argsort(-QueryScorer(terms, held_against.pictures).scores(vectors))]
    expected = [each.expected for each in measure(terms, vectors, held_against)]
    assert expected == sorted(expected)


@pytest.mark.parametrize(("weight", "levels"), [(1.0, ["fair", "weak", "weak"]), (-1.0, ["fair", "fair", "fair"])])
def test_a_score_of_0_or_less_is_no_match_unless_nothing_is_asked_for(weight, levels):
    """Compared with one picture alone, even a score about the mean is no surprise."""
    term = EncodedTerm("text", "x", random_units(1, 5)[0], weight)
    found = significances([term], np.array([0.02, 0.0, -0.02], np.float32), a_background(40), 1)
    assert [each.level for each in found] == levels
    assert [each.expected for each in found] == sorted(each.expected for each in found)


def test_a_fitting_picture_is_strong_and_another_is_not():
    asked = random_units(1, 5)[0]
    others = random_units(39, 7)
    gallery = np.concatenate([units(asked + 0.1 * random_units(1, 6)), others])
    held_against = Background(random_units(600, 1), gallery, np.arange(40))
    found = measure([EncodedTerm("text", "x", asked)], gallery, held_against)
    assert found[0].level == "strong"
    assert [each.level for each in found[1:]].count("strong") == 0


def test_the_same_score_means_less_in_a_larger_gallery():
    asked = EncodedTerm("text", "x", random_units(1, 5)[0])
    vectors = units(asked.vector + 0.8 * random_units(1, 6))
    small, large = (measure([asked], vectors, a_background(200), compared)[0] for compared in (200, 200_000))
    assert large.expected == pytest.approx(1000 * small.expected)


def test_a_gallery_all_on_one_subject_fits_a_query_for_it():
    """Nothing stands out among pictures that all show what is asked for; none of them is there by chance."""
    subject = random_units(1, 5)[0]
    gallery = units(subject + 0.15 * random_units(60, 6))
    held_against = Background(random_units(600, 1), gallery, np.arange(60))
    assert {each.level for each in measure([EncodedTerm("text", "x", subject)], gallery, held_against)} == {"strong"}
    unlike = measure([EncodedTerm("text", "x", random_units(1, 30)[0])], gallery, held_against)
    assert [each.level for each in unlike].count("strong") <= 1


def test_descriptions_that_say_the_same_as_the_query_do_not_count_against_it():
    asked = random_units(1, 5)[0]
    alike = units(asked + 0.2 * random_units(6, 8))
    pictures_ = np.concatenate([units(asked + 0.2 * random_units(1, 9)), random_units(80, 2)])
    crowded = Background(np.concatenate([random_units(594, 1), alike]), pictures_, np.arange(81))
    assert measure([EncodedTerm("text", "x", asked)], pictures_[:1], crowded, 81)[0].level == "strong"


@pytest.mark.parametrize("count", [8, 40, 150])
def test_the_picture_itself_is_the_strongest_for_an_image_query(count):
    held_against = a_background(count)
    found = measure([EncodedTerm("image", "x", held_against.pictures[1])], held_against.pictures, held_against)
    assert min(found, key=lambda each: each.expected) is found[1]
    assert found[1].level == "strong"
    assert np.median([each.expected for each in found]) > 0.2 * count


def test_pictures_are_held_against_pictures_even_when_these_all_look_alike():
    """Cosines of two pictures lie higher than those of text and picture: that alone must not make a hit strong."""
    held_against = a_background(200)
    shifted = units(held_against.pictures + 3 * random_units(1, 11))
    other = Background(held_against.descriptions, shifted, held_against.picture_ids)
    found = measure([EncodedTerm("image", "x", units(random_units(1, 12) + 3 * random_units(1, 11))[0])], shifted,
                    other)
    assert np.mean([each.level == "strong" for each in found]) < 0.02


@pytest.mark.parametrize("count", [1, 2])
def test_with_hardly_a_picture_to_compare_with_the_descriptions_stand_in(count):
    found = measure([EncodedTerm("image", "x", random_units(1, 5)[0])], random_units(2, 6), a_background(count))
    assert all(0 < each.expected <= 2 for each in found)


def test_a_sum_of_terms_is_held_against_sums_of_the_same_form():
    expected = []
    for seed in range(8):
        plus, image, minus = random_units(3, 500 + seed)
        terms = [EncodedTerm("text", "a", plus), EncodedTerm("image", "b", image, 0.5),
                 EncodedTerm("text", "c", minus, -1.0)]
        expected += [each.expected for each in measure(terms, random_units(500, 600 + seed), a_background(200), 1)]
    for chance in (0.5, 0.1, 0.02):
        assert np.mean(np.array(expected) <= chance) == pytest.approx(chance, abs=0.035)


def test_no_hits_have_no_strengths():
    empty = np.empty((0, DIM), np.float32)
    for kind in ("text", "image"):
        assert measure([EncodedTerm(kind, "x", random_units(1, 5)[0])], empty, a_background(5)) == []


class Tower:
    """A text tower that counts its calls."""

    def __init__(self):
        self.texts = 0

    def encode_texts(self, texts):
        self.texts += len(texts)
        return type("Features", (), {"vectors": np.random.default_rng(len(texts)).standard_normal((len(texts), DIM))})


def test_descriptions_are_embedded_once_per_fingerprint(tmp_path):
    tower, heard = Tower(), []
    first = descriptions(tower, DIM, "f1", tmp_path / "new", heard.append)
    again = descriptions(tower, DIM, "f1", tmp_path / "new")
    assert tower.texts == len(sentences()) == heard[-1].done
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
    def stop(progress):
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


def test_a_sigmoid_models_low_cosines_are_judged_as_higher_ones_are():
    """SigLIP's cosines lie about zero, and a good one is 0.1: only their spread counts, not their size."""
    def lowered(vectors, text):
        rest = np.zeros((len(vectors), 2), np.float32)
        rest[:, 0 if text else 1] = np.sqrt(0.9)  # texts and pictures share a tenth of their squared lengths
        return np.concatenate([vectors * np.float32(np.sqrt(0.1)), rest], axis=1)

    texts, images = random_units(600, 1), random_units(300, 2)
    query = random_units(1, 5)
    hits = units(np.concatenate([0.8 * query + 0.6 * images[:1], images[:20]]))
    usual = measure([EncodedTerm("text", "a dog", query[0], 1.0)], hits,
                    Background(texts, images, np.arange(300)), 300)
    low = measure([EncodedTerm("text", "a dog", lowered(query, True)[0], 1.0)], lowered(hits, False),
                  Background(lowered(texts, True), lowered(images, False), np.arange(300)), 300)
    assert [one.level for one in low] == [one.level for one in usual]
    assert usual[0].level == "strong" and "weak" in {one.level for one in low}
    assert [one.expected for one in low] == pytest.approx([one.expected for one in usual], rel=1e-3)
