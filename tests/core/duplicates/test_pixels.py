"""Pixel comparison: variants of one image agree, and others do not."""

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter

from core.duplicates.pixels import agreement, outline


def scene(seed: int, size=(480, 320)):
    """A picture of soft shapes, different for each seed."""
    rng = np.random.default_rng(seed)
    picture = Image.new("RGB", size, tuple(rng.integers(60, 200, 3).tolist()))
    draw = ImageDraw.Draw(picture)
    for _ in range(40):
        x, y = rng.integers(0, size[0]), rng.integers(0, size[1])
        w, h = rng.integers(20, 120, 2)
        draw.ellipse((x - w, y - h, x + w, y + h), fill=tuple(rng.integers(0, 255, 3).tolist()))
    return picture.filter(ImageFilter.GaussianBlur(2))


@pytest.fixture
def compare(tmp_path):
    def of(first, second, suffix=".png", **options):
        first.save(tmp_path / "first.png")
        second.save(tmp_path / f"second{suffix}", **options)
        return agreement(outline(tmp_path / "first.png"), outline(tmp_path / f"second{suffix}"))

    return of


VARIANTS = {
    "smaller": (lambda image: image.resize((120, 80)), ".jpg", {"quality": 60}),
    "larger": (lambda image: image.resize((960, 640)), ".png", {}),
    "compressed": (lambda image: image, ".jpg", {"quality": 10}),
    "webp": (lambda image: image, ".webp", {"quality": 40}),
    "grey": (lambda image: image.convert("L"), ".png", {}),
    "squashed": (lambda image: image.resize((200, 200)), ".png", {}),
    "cropped a little": (lambda image: image.crop((10, 8, 470, 315)), ".png", {}),
    "corner": (lambda image: image.crop((120, 80, 480, 320)), ".jpg", {"quality": 80}),
    "middle square": (lambda image: image.crop((80, 0, 400, 320)), ".png", {}),
    "cropped and smaller": (lambda image: image.crop((40, 20, 440, 290)).resize((200, 135)), ".jpg", {"quality": 70}),
}


@pytest.mark.parametrize("name", VARIANTS)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_variant_is_the_same_image(compare, name, seed):
    change, suffix, options = VARIANTS[name]
    image = scene(seed)
    assert compare(image, change(image), suffix, **options).same
    assert compare(change(image), image).same  # in either order


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_others_are_not(compare, seed):
    assert not compare(scene(seed), scene(seed + 10)).same


@pytest.mark.parametrize("share", [0.25, 0.4])
def test_another_dog_on_the_same_meadow_is_another_image(compare, share):
    image = scene(1)
    other = image.copy()
    size = int(image.width * share), int(image.height * share)
    other.paste(scene(7).resize(size), (150, 120))
    agreed = compare(image, other)
    assert not agreed.same
    assert agreed.worst_block > 0.5  # whole images still correlate


def test_images_of_one_colour_are_never_compared(compare):
    assert not compare(Image.new("RGB", (300, 200), "navy"), Image.new("RGB", (300, 200), "navy")).same


def test_strips_and_tiny_images_are_compared(compare):
    assert compare(scene(3, (600, 40)), scene(3, (600, 40)).resize((300, 20))).same
    tiny = Image.fromarray(np.random.default_rng(0).integers(0, 255, (7, 9), np.uint8))
    assert compare(tiny, tiny).same
