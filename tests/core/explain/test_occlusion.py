"""What the score loses without each part: the parts that count are found, and nothing else changes."""

import io

import numpy as np
import pytest
import torch
from PIL import Image
from torch.nn import functional

from core import demo_pictures, images
from core.explain.faithfulness import Judge
from core.explain.maps import draw
from core.explain.methods import METHODS, method
from core.explain.observation import observe, typed
from core.explain.occlusion import occlude
from core.progress import JobCancelled, Progress, WorkStep

pytestmark = pytest.mark.slow

OCCLUSION = method("occlusion")
WORDS = ["red", "brown", "dog", "runs", "far"]


def score(model, pixels, text):
    with torch.no_grad():
        return float(functional.cosine_similarity(model.encode_stem(model.image_stem(pixels[None])),
                                                  model.encode_texts([text])))


def test_a_word_counts_what_the_text_loses_without_it(make, pixels):
    model = make("zero-shot")
    found = occlude(model, pixels, observe(model, pixels, typed(" ".join(WORDS))), "fused")
    drops = [score(model, pixels, " ".join(WORDS)) - score(model, pixels, " ".join(WORDS[:at] + WORDS[at + 1:]))
             for at in range(5)]
    words = draw(found, "fused", OCCLUSION).words.words
    assert [word.relevance for word in words] == pytest.approx(np.maximum(drops, 0), abs=1e-5)
    assert max(drops) > 1e-4


def test_a_place_counts_what_the_picture_loses_under_its_window(make, pixels):
    model = make("zero-shot")
    found = occlude(model, pixels, observe(model, pixels, typed("a dog")), "fused")
    covered = pixels.copy()
    covered[8:32, 0:16] = np.round(np.array([0.5, 0.4, 0.3]) * 255)  # around row 2, column 0 of 4 x 4
    drop = score(model, pixels, "a dog") - score(model, covered, "a dog")
    reading = found.towers["picture"].readings["fused"]
    assert reading.drops[1:].reshape(4, 4)[2, 0] == pytest.approx(drop, abs=1e-5) and reading.drops[0] == 0


@pytest.mark.parametrize(("target", "towers"), [
    ("fused", {"picture", "words", "sound"}), ("text", {"picture", "words"}), ("acoustic", {"picture", "sound"})])
def test_only_what_the_target_reads_is_tried(make, heard, pixels, target, towers):
    model = make("full")
    before = observe(model, pixels, heard())
    found = occlude(model, pixels, before, target)
    for name, tower in found.towers.items():
        for each, readings in tower.readings.items():
            assert (readings.drops is not None) == (each == target and name in towers)
    maps = draw(found, target, OCCLUSION)
    assert maps.picture.elsewhere.readout == 0 and not maps.picture.elsewhere.prompts.any()
    assert before.towers["picture"].readings[target].drops is None
    with pytest.raises(ValueError, match="was not computed"):
        draw(before, target, OCCLUSION)


def test_it_tells_how_far_it_is_and_can_be_stopped(make, pixels):
    model = make("zero-shot")
    seen, told = observe(model, pixels, typed("a red dog")), []
    occlude(model, pixels, seen, "fused", told.append)
    assert told[0] == Progress(WorkStep.OCCLUDING, 0, 16 + 3) and told[-1].done == 16

    def stop(progress):
        raise JobCancelled

    with pytest.raises(JobCancelled):
        occlude(model, pixels, seen, "fused", stop)


# --- the bundled backbone ---

SIDE, PLACE = 224, 112


def photograph(name: str) -> Image.Image:
    return Image.open(io.BytesIO((demo_pictures.PHOTOGRAPHS / name).read_bytes()))


def made(thing: np.ndarray, quadrant: int) -> np.ndarray:
    """A photograph of one thing in a quadrant of an even sky."""
    sky = np.linspace([120, 170, 230], [220, 230, 240], SIDE)[:, None].astype(np.uint8)
    picture = Image.fromarray(np.ascontiguousarray(np.broadcast_to(sky, (SIDE, SIDE, 3))))
    row, column = divmod(quadrant, 2)
    small = Image.fromarray(np.ascontiguousarray(thing)).resize((104, 104))
    picture.paste(small, (column * PLACE + 4, row * PLACE + 4))
    return np.asarray(picture)


def in_quadrant(relevance: np.ndarray, quadrant: int) -> float:
    """The share of relevance (7, 7) that lies in a quadrant; the middle row and column count half on each side."""
    fine = np.kron(relevance, np.ones((2, 2)))
    row, column = divmod(quadrant, 2)
    return float(fine[row * 7:row * 7 + 7, column * 7:column * 7 + 7].sum() / fine.sum())


@pytest.mark.parametrize(("text", "name", "left"), [
    ("a cup of coffee", "cup of coffee.png", 100), ("a cat", "cat.png", 75)], ids=["cup", "cat"])
@pytest.mark.parametrize("quadrant", [0, 3])
def test_the_map_points_at_the_one_thing_in_the_picture(mini, text, name, left, quadrant):
    whole = photograph(name)
    pixels = made(np.asarray(whole)[:, left:left + whole.height], quadrant)
    found = occlude(mini, pixels, observe(mini, pixels, typed(text)), "fused")
    relevance = draw(found, "fused", OCCLUSION).picture.relevance
    row, column = np.unravel_index(relevance.argmax(), relevance.shape)
    assert (row > 3, column > 3) == (quadrant // 2 == 1, quadrant % 2 == 1) or 3 in (row, column)
    assert in_quadrant(relevance, quadrant) > 0.4  # chance: 0.25


PHOTOGRAPHS = (("a cat looks at you", "cat.png"), ("a cup of coffee with a spoon", "cup of coffee.png"),
               ("an astronaut in an orange suit", "astronaut.png"))


def test_on_photographs_the_maps_are_more_faithful_than_chance(mini):
    """Averages over the photographs: of the picture by occlusion, of the words by the paper's method too."""
    found = {}
    for text, name in PHOTOGRAPHS:
        pixels = images.pixels(photograph(name), "centre", SIDE)
        seen = occlude(mini, pixels, observe(mini, pixels, typed(text)), "fused")
        judge = Judge(mini, pixels, seen, "fused")
        for tower in judge.towers:
            for each in METHODS:
                judged = judge.chance(tower, 5) if each.baseline else judge.judge(
                    tower, judge.relevance(draw(seen, "fused", each), tower), 5)
                found.setdefault((tower, each.name), []).append((judged.deletion, judged.insertion))
    mean = {key: np.mean(values, axis=0) for key, values in found.items()}
    print({key: values.round(3).tolist() for key, values in mean.items()})
    for tower, name in (("picture", "occlusion"), ("words", "occlusion"), ("words", "gradient")):
        deletion, insertion = mean[tower, name]
        assert deletion < mean[tower, "random"][0], (tower, name)
        assert insertion > mean[tower, "random"][1], (tower, name)
