"""The picture that explains: everything is on it, whatever the query."""

import numpy as np
import pytest
from PIL import Image

from core.audio import RATE, from_samples
from core.explain.figure import CARD, WIDTH, FigureRow, bars, figure, tint
from core.explain.maps import draw
from core.explain.methods import method
from core.explain.observation import observe, typed
from core.explain.placement import place

PICTURE = Image.new("RGB", (640, 480), (90, 120, 60))
ROWS = [FigureRow("Score", "0.31"), FigureRow("Model", "BrewCLIP mini")]


def colours(picture: Image.Image) -> set[tuple[int, ...]]:
    return {colour for _, colour in picture.getcolors(picture.width * picture.height)}


@pytest.mark.slow
def test_a_spoken_query_has_orange_and_a_typed_one_has_none(make, heard, pixels):
    wave = from_samples(np.sin(np.arange(RATE) * 0.1).astype(np.float32), RATE)
    for query, voiced in ((heard(), True), (typed("a dog"), False)):
        maps = draw(observe(make("full"), pixels, query), "fused", method("gradient"))
        made = figure(PICTURE, place(640, 480, "centre"), maps, "a dog", ROWS, wave if voiced else None)
        assert made.width == WIDTH and made.mode == "RGB" and made.height > 300
        found = [colour for colour in colours(made) if colour[0] > 195 and 70 < colour[1] < 100 and colour[2] < 60]
        assert bool(found) == voiced
    blue = [colour for colour in colours(made) if colour[2] > 150 and colour[0] < 120]
    assert blue  # the words


@pytest.mark.slow
@pytest.mark.parametrize("text", ["dog " * 200, "x" * 300, "狗 собака كلب 🐕"])
def test_long_and_foreign_texts_fit(make, pixels, text):
    maps = draw(observe(make("zero-shot"), pixels, typed(text)), "fused", method("gradient"))
    made = figure(PICTURE, place(640, 480, "letterbox"), maps, text, ROWS * 20)
    assert made.width == WIDTH and 300 < made.height <= 4000


@pytest.mark.slow
def test_small_and_large_pictures_are_drawn_as_large(make, pixels):
    maps = draw(observe(make("zero-shot"), pixels, typed("a dog")), "fused", method("random"))
    small, large = (figure(Image.new("RGB", (side, side), "red"), place(side, side, "centre"), maps, "a dog", ROWS)
                    for side in (20, 2000))
    assert small.height == large.height


def test_bars_keep_the_place_of_the_relevance():
    samples = np.zeros(2 * RATE, np.float32)
    samples[RATE:] = 0.5
    frames = np.zeros(100, np.float32)
    frames[75:80] = 1
    heights, heats = bars(from_samples(samples, RATE), frames, 40)
    assert heights[:19].max() < 0.05 and heights[21:].min() > 0.9
    assert heats.argmax() in (30, 31) and heats[:29].max() == 0
    assert bars(from_samples(samples, RATE), np.zeros(0, np.float32), 7)[1].tolist() == [0] * 7


def test_tint_goes_from_nearly_white_to_the_colour():
    assert tint((22, 104, 184), 1) == (22, 104, 184) and tint((22, 104, 184), 9) == (22, 104, 184)
    assert all(part > 220 for part in tint((22, 104, 184), 0)) and tint((22, 104, 184), 0) != CARD
