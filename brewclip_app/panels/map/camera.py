"""Camera of the map: which part of the plane is seen, and where a position is on the screen."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

LEAST, MOST = 0.5, 4000.0  # magnification
EDGE = 0.92  # of the smaller side that the whole map fills


@dataclass(frozen=True)
class Camera:
    """`x`, `y`: the position in the middle of a view of `width` x `height` px; `zoom` 1 shows the whole map."""

    x: float = 0.0
    y: float = 0.0
    zoom: float = 1.0
    width: int = 1
    height: int = 1

    @property
    def scale(self) -> float:
        """Px a unit of the plane; the map reaches from -1 to 1."""
        return self.zoom * EDGE * max(1, min(self.width, self.height)) / 2

    def places(self, positions: NDArray[np.floating]) -> NDArray[np.float32]:
        """Px (n, 2) of positions (n, 2); y of the plane points up."""
        scale, middle = np.float32(self.scale), np.array([self.width / 2, self.height / 2], np.float32)
        shifted = (positions - np.array([self.x, self.y], np.float32)).astype(np.float32)
        placed: NDArray[np.float32] = shifted * np.array([scale, -scale]) + middle
        return placed

    def positions(self, places: NDArray[np.floating]) -> NDArray[np.float64]:
        """Positions (n, 2) of px (n, 2)."""
        scale = self.scale
        return ((np.asarray(places, np.float64) - (self.width / 2, self.height / 2)) / (scale, -scale)
                + (self.x, self.y))

    def moved(self, dx: float, dy: float) -> "Camera":
        """The camera after the map was dragged by so many px."""
        return replace(self, x=self.x - dx / self.scale, y=self.y + dy / self.scale)

    def zoomed(self, factor: float, at: tuple[float, float] | None = None) -> "Camera":
        """The camera at another magnification; the position under `at` (px, else the middle) stays where it is."""
        zoom = float(np.clip(self.zoom * factor, LEAST, MOST))
        at = at or (self.width / 2, self.height / 2)
        fixed = self.positions(np.array([at]))[0]
        other = replace(self, zoom=zoom)
        moved = other.positions(np.array([at]))[0]
        return replace(other, x=self.x + float(fixed[0] - moved[0]), y=self.y + float(fixed[1] - moved[1]))
