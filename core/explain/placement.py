"""Placement of the model's square on the picture, in the picture's own pixels. No torch here."""

from dataclasses import dataclass

from core import images

Box = tuple[float, float, float, float]  # left, top, right, bottom


@dataclass(frozen=True)
class Placement:
    """A picture's size in pixels and the box that the model's square covers.

    For a letterbox the box reaches beyond the picture: there are the bars. For a centre crop the picture reaches beyond
    the box: that is `cut`.
    """

    width: int
    height: int
    box: Box

    @property
    def visible(self) -> Box:
        """The part of the picture that the model saw."""
        left, top, right, bottom = self.box
        return max(left, 0.0), max(top, 0.0), min(right, float(self.width)), min(bottom, float(self.height))

    @property
    def cut(self) -> tuple[Box, ...]:
        """The parts of the picture that the model did not see: none, or one at each of two opposite sides."""
        left, top, right, bottom = self.visible
        wide, high = float(self.width), float(self.height)
        sides = (0.0, 0.0, left, high), (right, 0.0, wide, high), (0.0, 0.0, wide, top), (0.0, bottom, wide, high)
        return tuple(side for side in sides if side[2] > side[0] and side[3] > side[1])

    def scaled(self, width: int, height: int) -> "Placement":
        """The same on a copy of the picture of another size."""
        x, y = width / self.width, height / self.height
        left, top, right, bottom = self.box
        return Placement(width, height, (left * x, top * y, right * x, bottom * y))

    def cell(self, row: int, column: int, rows: int, columns: int) -> Box:
        """Box of one cell of a grid over the square; a part of it may lie outside the picture."""
        left, top, right, bottom = self.box
        wide, high = (right - left) / columns, (bottom - top) / rows
        return (left + column * wide, top + row * high, left + (column + 1) * wide, top + (row + 1) * high)


def places(width: int, height: int, crop: str) -> tuple[Placement, ...]:
    """Placements of the crops of `core.images.looks` on a picture of that size, in their order."""
    if crop != images.SEVERAL:
        return (place(width, height, crop),)
    ends = tuple(Placement(width, height, box) for box in images.ends(width, height))
    return place(width, height, "centre"), *ends, *((place(width, height, "letterbox"),) if ends else ())


def place(width: int, height: int, crop: str) -> Placement:
    """Placement under a crop policy (`core.images.CROP_POLICIES`) on a picture of that size.

    Exact but for the rounding to whole pixels of the model's square, less than one of these.
    """
    if images.shape_of(crop) in ("letterbox", "longest"):
        side = max(width, height)
        left, top = (width - side) / 2, (height - side) / 2
        return Placement(width, height, (left, top, left + side, top + side))
    left, top, right, bottom = images.crop_box(width, height, crop)
    return Placement(width, height, (left * width, top * height, right * width, bottom * height))
