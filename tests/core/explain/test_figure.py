"""The picture that explains: everything is on it, whatever the query."""

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex
from matplotlib.patches import Rectangle
from PIL import Image

from core.audio import RATE, from_samples
from core.explain.figure import ExplainedPair, FigureRow, bars, draw_explanations, tint
from core.explain.maps import draw
from core.explain.methods import method
from core.explain.observation import observe, typed
from core.explain.placement import place
from core.plots import style

PICTURE = Image.new("RGB", (640, 480), (90, 120, 60))
ROWS = [FigureRow("Score", "0.31"), FigureRow("Model", "BrewCLIP mini")]


def texts(figure) -> list[str]:
    return [text.get_text() for text in figure.texts]


def fills(figure) -> list[str]:
    return [to_hex(patch.get_facecolor()) for patch in figure.findobj(Rectangle) if patch.get_facecolor()[3]]


def check_inside(figure) -> None:
    FigureCanvasAgg(figure).draw()
    for text in figure.texts:
        box = text.get_window_extent()
        assert box.x0 >= 0
        assert box.x1 <= figure.bbox.width + 1
        assert 0 <= box.y0 < box.y1 <= figure.bbox.height


@pytest.mark.slow
def test_a_spoken_query_has_orange_and_a_typed_one_has_none(make, heard, pixels):
    wave = from_samples(np.sin(np.arange(RATE) * 0.1).astype(np.float32), RATE)
    for query, voiced in ((heard(), True), (typed("a dog"), False)):
        maps = draw(observe(make("full"), pixels, query), "fused", method("gradient"))
        made = draw_explanations([ExplainedPair(PICTURE, place(640, 480, "centre"), maps, "a dog", ROWS,
                                                wave if voiced else None)])
        assert ("Voice" in texts(made)) == voiced
        assert (tint("voice", 1.0) in fills(made)) == voiced
        assert tint("transcript", 1.0) in fills(made)
        assert {"Score", "0.31", "Model", "BrewCLIP mini", "Dark: cut off by the crop"} <= set(texts(made))
        check_inside(made)


@pytest.mark.slow
@pytest.mark.parametrize("width", ["page", "column"])
@pytest.mark.parametrize("text", ["dog " * 200, "x" * 300, "狗 собака كلب 🐕"])
def test_long_and_foreign_texts_fit(make, pixels, text, width):
    maps = draw(observe(make("zero-shot"), pixels, typed(text)), "fused", method("gradient"))
    pair = ExplainedPair(PICTURE, place(640, 480, "letterbox"), maps, text, ROWS * 20)
    check_inside(draw_explanations([pair, pair], width))


@pytest.mark.slow
def test_small_and_large_pictures_are_drawn_as_large(make, pixels):
    maps = draw(observe(make("zero-shot"), pixels, typed("a dog")), "fused", method("random"))
    small, large = (draw_explanations([ExplainedPair(Image.new("RGB", (side, side), "red"),
                                                     place(side, side, "centre"), maps, "a dog", ROWS)])
                    for side in (20, 2000))
    assert small.get_figheight() == large.get_figheight()


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
    assert tint("transcript", 1) == tint("transcript", 9) == style.COLOURS["transcript"]
    assert all(int(tint("transcript", 0)[place:place + 2], 16) > 220 for place in (1, 3, 5))
    assert tint("transcript", 0) != "#ffffff"
