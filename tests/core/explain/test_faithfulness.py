"""Deletion and insertion, held against scores computed another way."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from core.explain.faithfulness import Judge, judge_all
from core.explain.maps import draw
from core.explain.methods import METHODS, method
from core.explain.observation import observe, typed
from core.progress import JobCancelled, Progress

READ = [each for each in METHODS if not each.occludes]
WORDS = ["red", "brown", "dog", "runs", "far"]


def cosine(one, other) -> float:
    return float(functional.cosine_similarity(torch.as_tensor(one, dtype=torch.float32).reshape(1, -1),
                                              torch.as_tensor(other, dtype=torch.float32).reshape(1, -1)))


@pytest.fixture
def judge(make, pixels):
    """A judge of a typed query."""
    model = make("zero-shot")
    found = observe(model, pixels, typed(" ".join(WORDS)))
    return Judge(model, pixels, found, "fused")


def test_words_are_taken_and_brought_back_as_in_the_text_itself(make, judge, pixels):
    relevance = np.array([0.1, 0.5, 0.9, 0.3, 0.2], np.float32)  # dog, brown, runs, far, red
    found = judge.judge("words", relevance, steps=5)
    model, order = make("zero-shot"), [2, 1, 3, 4, 0]
    image = observe(model, pixels, typed("x")).image
    for count in range(6):
        gone, back = set(order[:count]), set(order[:count])
        left = " ".join(word for place, word in enumerate(WORDS) if place not in gone)
        brought = " ".join(word for place, word in enumerate(WORDS) if place in back)
        with torch.no_grad():
            assert found.deleted[count] == pytest.approx(cosine(model.encode_texts([left])[0], image), abs=1e-5)
            assert found.inserted[count] == pytest.approx(cosine(model.encode_texts([brought])[0], image), abs=1e-5)
    assert found.deletion == pytest.approx(float(np.trapezoid(found.deleted, dx=0.2)), abs=1e-6)


def test_patches_become_the_mean_colour_and_come_back_from_a_blur(make, judge, pixels):
    relevance = np.zeros(16, np.float32)
    relevance[6] = 1  # row 1, column 2 of 4
    found = judge.judge("picture", relevance, steps=16)
    model, text = make("zero-shot"), None
    with torch.no_grad():
        text = model.encode_texts([" ".join(WORDS)])[0]
        holed = pixels.copy()
        holed[8:16, 16:24] = np.round(np.array([0.5, 0.4, 0.3]) * 255)
        grey = np.broadcast_to(np.round(np.array([0.5, 0.4, 0.3]) * 255).astype(np.uint8), pixels.shape)
        encoded = model.encode_stem(model.image_stem(np.stack([pixels, holed, grey])))
    assert found.deleted[0] == pytest.approx(cosine(encoded[0], text), abs=1e-5)
    assert found.inserted[-1] == pytest.approx(cosine(encoded[0], text), abs=1e-5)
    assert found.deleted[1] == pytest.approx(cosine(encoded[1], text), abs=1e-5)
    assert found.deleted[-1] == pytest.approx(cosine(encoded[2], text), abs=1e-5)
    assert found.inserted[0] != pytest.approx(found.inserted[-1], abs=1e-4)


def test_frames_are_left_out_of_the_acoustic_branch(make, heard, pixels):
    model, utterance = make("e2e"), heard(frames=10)
    found = observe(model, pixels, utterance)
    judged = Judge(model, pixels, found, "fused").judge("sound", np.arange(10, dtype=np.float32), steps=5)
    states = torch.from_numpy(utterance.states[0]).float()
    for place, count in enumerate((0, 2, 4, 6, 8)):
        with torch.no_grad():
            left = model.acoustic(states[None, :10 - count], torch.tensor([10 - count]), model.prompts)
        assert judged.deleted[place] == pytest.approx(cosine(left, found.image), abs=1e-5)


def test_the_best_order_of_words_is_more_faithful_than_the_worst_and_than_chance(judge):
    """Words ranked by what each alone scores: a map that knows the model beats chance, its opposite does not."""
    alone = np.array([judge.judge("words", np.eye(5, dtype=np.float32)[place], steps=5).inserted[1]
                      for place in range(5)], np.float32)
    best, worst, chance = judge.judge("words", alone), judge.judge("words", -alone), judge.chance("words")
    assert best.insertion > chance.insertion > worst.insertion


@pytest.mark.parametrize(("target", "towers"), [
    ("fused", ("picture", "words", "sound")), ("text", ("picture", "words")), ("acoustic", ("picture", "sound"))])
def test_only_what_the_target_reads_is_judged(make, heard, pixels, target, towers):
    model = make("full", gate=True)
    found = observe(model, pixels, heard())
    judged = Judge(model, pixels, found, target)
    assert judged.towers == towers
    for tower in towers:
        relevance = judged.relevance(draw(found, target, method("gradient")), tower)
        one = judged.judge(tower, relevance)
        assert one.deleted[0] == pytest.approx(found.scores[target], abs=1e-5)
        assert one.inserted[-1] == pytest.approx(found.scores[target], abs=1e-5)


def test_words_that_were_cut_are_no_part(make, pixels):
    model = make("zero-shot")
    found = observe(model, pixels, typed("dog " * 100))
    judged = Judge(model, pixels, found, "fused")
    assert judged.relevance(draw(found, "fused", method("gradient")), "words").shape == (75,)


def test_random_is_the_same_at_each_call_and_wrong_shapes_are_refused(judge):
    assert judge.chance("words").deletion == judge.chance("words").deletion
    with pytest.raises(ValueError, match=r"not \(16,\)"):
        judge.judge("picture", np.zeros(5, np.float32))


@pytest.mark.slow
def test_all_methods_are_judged_with_progress_and_can_be_stopped(make, judge, pixels):
    found = observe(make("zero-shot"), pixels, typed(" ".join(WORDS)))
    drawn = [(each, draw(found, "fused", each)) for each in READ]
    told = []
    judged = judge_all(judge, drawn, told.append)
    assert list(judged) == [each.name for each in READ]
    assert all(set(each) == {"picture", "words"} for each in judged.values())
    assert [progress.bar for progress in told] == [(step, 2 * len(READ)) for step in range(2 * len(READ))]
    assert judged["random"]["words"].deletion == judge.chance("words").deletion

    def stop(progress: Progress) -> None:
        if progress.done == 3:
            raise JobCancelled

    with pytest.raises(JobCancelled):
        judge_all(judge, drawn, stop)
