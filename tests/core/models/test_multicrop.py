"""Several looks at a picture: which, and what becomes of their vectors."""

import numpy as np
from PIL import Image

from core import images
from core.models.multicrop import encode_views


def colours(pixels: np.ndarray) -> np.ndarray:
    """The mean colour as a vector."""
    return pixels.reshape(len(pixels), -1, 3).mean(axis=1).astype(np.float32)


def two_halves(width: int, height: int) -> Image.Image:
    picture = Image.new("RGB", (width, height), (200, 0, 0))
    picture.paste((0, 0, 200), (width // 2, 0, width, height) if width > height else (0, height // 2, width, height))
    return picture


def test_a_square_has_its_centre_crop_alone() -> None:
    picture = two_halves(108, 100)
    seen = images.views(picture, 16)
    assert seen.shape == (1, 16, 16, 3)
    assert np.array_equal(seen[0], images.pixels(picture, "centre", 16))


def test_a_long_picture_is_seen_at_both_ends_and_whole() -> None:
    for size in ((60, 20), (20, 60)):
        seen = images.views(two_halves(*size), 16)
        assert seen.shape == (4, 16, 16, 3)
        assert np.array_equal(seen[3], images.pixels(two_halves(*size), "letterbox", 16))
        assert [each.mean(axis=(0, 1)).round().tolist() for each in seen[1:3]] == [[200, 0, 0], [0, 0, 200]]


def test_each_picture_has_one_unit_vector_to_which_its_views_add_the_same() -> None:
    red, blue = np.zeros((1, 4, 4, 3), np.uint8), np.zeros((1, 4, 4, 3), np.uint8)
    red[..., 0], blue[..., 2] = 200, 50  # a brighter view counts no more
    found = encode_views(colours, [np.concatenate([red, blue]), blue])
    assert np.allclose(found, [[0.5**0.5, 0, 0.5**0.5], [0, 0, 1]], atol=1e-6)
    assert found.dtype == np.float32
