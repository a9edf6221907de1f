"""Place of a picture in a view: zoom, rotation, and the part in the middle."""

from dataclasses import dataclass, replace

LARGEST = 8.0  # device px for one px of the picture
MOST_ENLARGED = 4.0  # of a small picture that fills the view
STEP = 1.25  # factor of one step of the zoom

Size = tuple[int, int]
Point = tuple[float, float]


@dataclass(frozen=True)
class ViewGeometry:
    """Where a picture lies in its view. All sizes are device pixels, so that a zoom of 1 shows the picture's own.

    `picture` is upright (as its EXIF orientation says), `rotation` turns it clockwise by 0, 90, 180 or 270 degrees.
    `zoom` is None for the whole picture. `centre` is the point of the turned picture in the middle of the view, in
    fractions (0-1) of its width and height.
    """

    picture: Size = (0, 0)
    view: Size = (1, 1)
    rotation: int = 0
    zoom: float | None = None
    centre: Point = (0.5, 0.5)

    @property
    def turned(self) -> Size:
        """Width and height of the picture after the rotation."""
        width, height = self.picture
        return (height, width) if self.rotation % 180 else (width, height)

    @property
    def fit(self) -> float:
        """Scale at which the whole picture is seen; a small one is enlarged up to `MOST_ENLARGED`."""
        width, height = self.turned
        return min(self.view[0] / max(1, width), self.view[1] / max(1, height), MOST_ENLARGED)

    @property
    def bounds(self) -> tuple[float, float]:
        """Least and greatest scale."""
        return min(1.0, self.fit), max(LARGEST, self.fit)

    @property
    def scale(self) -> float:
        """Device pixels of the view for one pixel of the picture."""
        least, most = self.bounds
        return self.fit if self.zoom is None else min(most, max(least, self.zoom))

    @property
    def place(self) -> tuple[float, float, float, float]:
        """Left, top, width and height of the turned picture in the view."""
        (width, height), (x, y) = ((side * self.scale for side in self.turned), self._reachable(self.centre))
        return self.view[0] / 2 - x * width, self.view[1] / 2 - y * height, width, height

    @property
    def movable(self) -> bool:
        """Whether the picture is larger than the view."""
        return any(side * self.scale > room + 0.5 for side, room in zip(self.turned, self.view, strict=True))

    def zoomed(self, scale: float, at: Point | None = None) -> "ViewGeometry":
        """Zoom to a scale within the bounds; the point of the picture at `at` in the view (else its middle) stays."""
        least, most = self.bounds
        scale = min(most, max(least, scale))
        if abs(scale - self.fit) < 1e-6:
            return self.fitted()
        left, top, width, height = self.place
        x, y = at or (self.view[0] / 2, self.view[1] / 2)
        ratio = scale / self.scale
        centre = ((self.view[0] / 2 - x + (x - left) * ratio) / max(1e-9, width * ratio),
                  (self.view[1] / 2 - y + (y - top) * ratio) / max(1e-9, height * ratio))
        return replace(self, zoom=scale)._centred(centre)

    def stepped(self, steps: float, at: Point | None = None) -> "ViewGeometry":
        """Zoom by some steps, in (> 0) or out; the whole picture and 100 % are not passed over."""
        before = self.scale
        after = before * STEP ** steps
        low, high = sorted((before, after))
        stops = [stop for stop in (1.0, self.fit) if low * (1 + 1e-6) < stop < high * (1 - 1e-6)]
        if stops:
            after = min(stops, key=lambda stop: abs(stop - before))
        return self.zoomed(after, at)

    def fitted(self) -> "ViewGeometry":
        """Show the whole picture."""
        return replace(self, zoom=None, centre=(0.5, 0.5))

    def panned(self, right: float, down: float) -> "ViewGeometry":
        """Move the picture by device pixels, as far as it reaches over the view."""
        _, _, width, height = self.place
        x, y = self._reachable(self.centre)
        return self._centred((x - right / max(1e-9, width), y - down / max(1e-9, height)))

    def rotated(self, degrees: int) -> "ViewGeometry":
        """Turn the view of the picture clockwise by a multiple of 90 degrees, and show the whole of it."""
        return replace(self, rotation=(self.rotation + degrees) % 360).fitted()

    def _centred(self, centre: Point) -> "ViewGeometry":
        return replace(self, centre=self._reachable(centre))

    def _reachable(self, centre: Point) -> Point:
        """The centre, moved so that no side of the view stays empty that the picture could fill."""
        x, y = (_within(at, room / max(1e-9, side * self.scale))
                for at, room, side in zip(centre, self.view, self.turned, strict=True))
        return x, y


def _within(at: float, seen: float) -> float:
    """The middle of what is seen of one side, `seen` being the share of it that the view shows."""
    return 0.5 if seen >= 1 else min(1 - seen / 2, max(seen / 2, at))
