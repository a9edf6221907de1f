"""Where the model's square lies on the picture, held against what `core.images.pixels` shows of it."""

import numpy as np
import pytest
from PIL import Image

from core import images
from core.explain.placement import place, places


@pytest.mark.parametrize(("size", "crop", "box"), [
    ((640, 480), "centre", (80, 0, 560, 480)), ((480, 640), "centre", (0, 80, 480, 560)),
    ((640, 480), "squash", (0, 0, 640, 480)), ((640, 480), "letterbox", (0, -80, 640, 560)),
    ((480, 640), "letterbox", (-80, 0, 560, 640)), ((300, 300), "centre", (0, 0, 300, 300))])
def test_the_box_of_each_policy(size, crop, box):
    assert place(*size, crop).box == pytest.approx(box)


def test_what_is_cut_and_what_is_seen():
    centre, letterbox = place(640, 480, "centre"), place(640, 480, "letterbox")
    assert centre.cut == ((0, 0, 80, 480), (560, 0, 640, 480)) and centre.visible == centre.box
    assert letterbox.cut == () and letterbox.visible == (0, 0, 640, 480)
    assert place(480, 640, "centre").cut == ((0, 0, 480, 80), (0, 560, 480, 640))
    assert centre.scaled(320, 240).box == pytest.approx((40, 0, 280, 240))


@pytest.mark.parametrize("crop", images.CROP_POLICIES)
@pytest.mark.parametrize("size", [(640, 480), (300, 500), (224, 224)])
def test_a_spot_that_the_model_sees_in_a_cell_lies_there_on_the_picture(crop, size):
    """A red spot is painted where `cell` says; the pixels that the model gets have it in that cell."""
    placement = place(*size, crop)
    for row, column in ((2, 3), (3, 3), (4, 2)):
        picture = Image.new("RGB", size, "white")
        left, top, right, bottom = placement.cell(row, column, 7, 7)
        picture.paste((255, 0, 0), (round(left), round(top), round(right), round(bottom)))
        seen = images.pixels(picture, crop, 224)
        red = (seen[..., 0].astype(int) - seen[..., 1] > 128).reshape(7, 32, 7, 32).mean(axis=(1, 3))
        assert red[row, column] > 0.85 and np.delete(red.ravel(), row * 7 + column).max() < 0.15


@pytest.mark.parametrize("size", [(640, 480), (300, 500), (224, 224), (230, 224)])
def test_each_of_several_looks_lies_where_it_is_said_to(size):
    across, down = np.meshgrid(np.linspace(0, 255, size[0]), np.linspace(0, 255, size[1]))
    picture = Image.fromarray(np.stack([across, down, across * 0], axis=2).astype(np.uint8))  # colour tells the place
    shown, found = images.looks(picture, images.SEVERAL, 56), places(*size, images.SEVERAL)
    assert len(shown) == len(found) == (4 if max(size) > 1.1 * min(size) else 1)
    for pixels, placement in zip(shown, found, strict=True):
        left, top, right, bottom = (round(edge) for edge in placement.box)
        square = picture.crop((left, top, right, bottom))  # black where the bars are
        seen = np.asarray(square.resize((56, 56), Image.Resampling.BICUBIC), np.float64)
        there = np.asarray(Image.new("L", size, 255).crop((left, top, right, bottom)).resize((56, 56))) == 255
        assert np.abs(seen - pixels)[there].mean() < 2
    assert [each.box for each in places(*size, "centre")] == [place(*size, "centre").box]
