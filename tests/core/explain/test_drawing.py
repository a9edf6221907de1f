"""Heat lies where the model looked, shade where it did not."""

import numpy as np
import pytest
from PIL import Image

from core.explain.drawing import COLOURS, heat, heat_colours, painted, shade
from core.explain.placement import place

HOT = np.zeros((7, 7), np.float32)
HOT[1, 5] = 1


def test_colours_run_from_blue_over_yellow_to_red():
    found = heat_colours(np.array([0.0, 0.5, 1.0, np.nan]), 1.0)
    assert [tuple(each[:3]) for each in found[:3].tolist()] == [*COLOURS]
    assert found[:, 3].tolist() == [0, 255, 255, 0]  # what is cold, or no number, stays clear


@pytest.mark.slow
def test_the_hottest_place_is_in_its_cell_under_every_crop():
    for size in ((640, 480), (300, 500), (224, 224)):
        for crop in ("centre", "squash", "letterbox"):
            placement = place(*size, crop)
            over = heat(HOT, placement, 1.0)
            assert over.shape == (size[1], size[0], 4)
            if not over[..., 3].any():
                continue  # in a letterbox' bar
            red = over[..., 0].astype(int) - over[..., 1] - over[..., 2]
            y, x = np.unravel_index(red.argmax(), red.shape)
            left, top, right, bottom = placement.cell(1, 5, 7, 7)
            assert left <= x + 1 and x <= right + 1 and top <= y + 1 and y <= bottom + 1, (size, crop)


def test_heat_and_shade_share_the_picture_between_them():
    placement = place(640, 480, "centre")
    warm, dark = heat(np.ones((7, 7), np.float32), placement, 1.0), shade(placement)
    assert not warm[:, :80, 3].any() and not warm[:, 560:, 3].any() and warm[:, 80:560, 3].all()
    assert dark[:, :80, 3].all() and not dark[:, 90:550, 3].any()
    assert set(dark[:, 80, 3].tolist()) == {0, 220}  # a dashed line where it was cut
    assert not shade(place(300, 300, "centre")).any()


def test_an_empty_map_changes_nothing():
    picture = Image.new("RGB", (60, 40), (10, 200, 30))
    assert np.array_equal(painted(picture, np.zeros((7, 7), np.float32), place(60, 40, "squash")), np.asarray(picture))
    marked = np.asarray(painted(picture, HOT, place(600, 400, "centre")))  # the placement of a larger copy
    assert marked.shape == (40, 60, 3) and (marked[20, 2] < 110).all()
