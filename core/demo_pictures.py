"""The demo's pictures: sample photographs (their licences: resources/NOTICE), and scenes drawn here."""

import math
import random
from collections.abc import Callable
from importlib.resources import files
from importlib.resources.abc import Traversable

from PIL import Image, ImageDraw, ImageFilter

Colour = tuple[int, int, int]
WIDTH, HEIGHT, FINE = 640, 480, 2  # drawn at FINE times the size, then reduced: smooth edges


PHOTOGRAPHS = files("resources") / "demo" / "photographs"


def photographs() -> tuple[Traversable, ...]:
    """The sample photographs that are part of the program, by name."""
    return tuple(sorted(PHOTOGRAPHS.iterdir(), key=lambda file: file.name))


class _Scene:
    """A picture being drawn; coordinates are fractions of its width and height, (0, 0) at the top left."""

    def __init__(self, top: Colour, bottom: Colour) -> None:
        column = Image.new("RGB", (1, 256))
        column.putdata([_mix(top, bottom, row / 255) for row in range(256)])
        self.image = column.resize((WIDTH * FINE, HEIGHT * FINE), Image.Resampling.BILINEAR)
        self.draw = ImageDraw.Draw(self.image)

    def _at(self, *points: tuple[float, float]) -> list[tuple[float, float]]:
        return [(x * WIDTH * FINE, y * HEIGHT * FINE) for x, y in points]

    def shape(self, colour: Colour, *points: tuple[float, float]) -> None:
        self.draw.polygon(self._at(*points), fill=colour)

    def line(self, colour: Colour, width: float, *points: tuple[float, float]) -> None:
        self.draw.line(self._at(*points), fill=colour, width=max(1, round(width * WIDTH * FINE)), joint="curve")

    def disc(self, colour: Colour, x: float, y: float, radius: float) -> None:
        tall = radius * WIDTH / HEIGHT
        self.draw.ellipse(self._at((x - radius, y - tall), (x + radius, y + tall)), fill=colour)

    def ground(self, colour: Colour, level: float, waves: float = 0.0, seed: int = 0) -> None:
        """Everything below a wavy line, with the texture of grass, sand or water."""
        edge = [(i / 60, level + waves * math.sin(i / 60 * 7 + seed)) for i in range(61)]
        self.shape(colour, (0, 1), *edge, (1, 1))
        dice = random.Random(seed)
        for _ in range(1500):
            x, depth = dice.random(), dice.random()
            y = level + waves + (1 - level) * depth
            self.line(_mix(colour, (255, 255, 255), dice.random() * 0.16), 0.001, (x, y), (x + 0.01 + 0.02 * depth, y))

    def finished(self) -> Image.Image:
        soft = self.image.filter(ImageFilter.GaussianBlur(FINE * 0.6))
        return soft.resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS)


def _mix(first: Colour, second: Colour, share: float) -> Colour:
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(first, second, strict=True))
    return red, green, blue


def sailing_boat() -> Image.Image:
    """A white sailing boat on blue water."""
    scene = _Scene((96, 164, 224), (214, 232, 244))
    scene.disc((255, 244, 200), 0.82, 0.18, 0.05)
    scene.ground((28, 92, 148), 0.56, 0.004, 3)
    scene.shape((120, 60, 30), (0.34, 0.62), (0.68, 0.62), (0.62, 0.70), (0.40, 0.70))
    scene.line((90, 50, 30), 0.007, (0.52, 0.14), (0.52, 0.62))
    scene.shape((250, 250, 246), (0.53, 0.15), (0.53, 0.59), (0.71, 0.59))
    scene.shape((236, 236, 228), (0.51, 0.19), (0.51, 0.59), (0.37, 0.59))
    return scene.finished()


def snowy_mountains() -> Image.Image:
    """Mountains under snow with fir trees before them."""
    scene = _Scene((120, 170, 220), (226, 236, 246))
    for x, top, width in ((0.22, 0.24, 0.34), (0.78, 0.30, 0.36), (0.50, 0.12, 0.42)):
        scene.shape((112, 122, 140), (x - width, 0.8), (x, top), (x + width, 0.8))
        scene.shape((250, 252, 255), (x, top), (x - width * 0.42, top + 0.27), (x - width * 0.18, top + 0.22),
                    (x, top + 0.3), (x + width * 0.2, top + 0.21), (x + width * 0.42, top + 0.27))
    scene.ground((240, 246, 252), 0.74, 0.02, 5)
    for index in range(9):
        x, foot = 0.05 + index * 0.115, 0.86 + 0.05 * math.sin(index * 2.3)
        for tier in range(3):
            half, base = 0.045 - tier * 0.010, foot - tier * 0.06
            scene.shape((26, 74, 52), (x - half, base), (x, base - 0.11), (x + half, base))
    return scene.finished()


def hot_air_balloon() -> Image.Image:
    """A red hot-air balloon over green hills."""
    scene = _Scene((84, 150, 222), (220, 236, 248))
    scene.ground((110, 160, 80), 0.80, 0.03, 1)
    scene.ground((72, 132, 58), 0.88, 0.02, 8)
    for step in range(7):
        share = step / 6
        scene.disc(_mix((200, 24, 30), (250, 190, 40), share % 0.5 * 1.4), 0.5, 0.34, 0.19 * (1 - share * 0.8))
    scene.shape((200, 24, 30), (0.34, 0.46), (0.66, 0.46), (0.54, 0.63), (0.46, 0.63))
    scene.line((70, 50, 40), 0.003, (0.46, 0.62), (0.475, 0.70))
    scene.line((70, 50, 40), 0.003, (0.54, 0.62), (0.525, 0.70))
    scene.shape((130, 84, 44), (0.465, 0.70), (0.535, 0.70), (0.525, 0.76), (0.475, 0.76))
    return scene.finished()


def house_with_garden() -> Image.Image:
    """A house with a red roof and a tree beside it."""
    scene = _Scene((130, 186, 236), (230, 240, 248))
    scene.ground((98, 158, 70), 0.70, 0.006, 2)
    scene.shape((236, 222, 196), (0.26, 0.42), (0.62, 0.42), (0.62, 0.78), (0.26, 0.78))
    scene.shape((176, 52, 40), (0.21, 0.43), (0.44, 0.20), (0.67, 0.43))
    scene.shape((104, 66, 40), (0.40, 0.58), (0.48, 0.58), (0.48, 0.78), (0.40, 0.78))
    for x in (0.29, 0.52):
        scene.shape((120, 160, 190), (x, 0.50), (x + 0.07, 0.50), (x + 0.07, 0.60), (x, 0.60))
    scene.shape((96, 64, 40), (0.795, 0.55), (0.825, 0.55), (0.83, 0.78), (0.79, 0.78))
    for x, y in ((0.76, 0.44), (0.86, 0.44), (0.81, 0.36), (0.81, 0.48)):
        scene.disc((50, 118, 54), x, y, 0.075)
    return scene.finished()


def beach_at_sunset() -> Image.Image:
    """The sun going down behind the sea, sand before it."""
    scene = _Scene((70, 60, 120), (255, 170, 80))
    scene.disc((255, 226, 130), 0.5, 0.50, 0.09)
    scene.ground((150, 84, 90), 0.54, 0.003, 4)
    for row in range(14):
        half = 0.02 + row * 0.006
        scene.line((255, 196, 120), 0.004, (0.5 - half, 0.56 + row * 0.017), (0.5 + half, 0.56 + row * 0.017))
    scene.ground((196, 150, 104), 0.80, 0.012, 6)
    return scene.finished()


def city_at_night() -> Image.Image:
    """Lit windows of tall buildings at night."""
    scene = _Scene((8, 10, 32), (40, 40, 84))
    dice = random.Random(7)
    for _ in range(90):
        scene.disc((220, 224, 240), dice.random(), dice.random() * 0.5, 0.0012)
    left = 0.0
    while left < 1:
        width, top = 0.07 + dice.random() * 0.07, 0.28 + dice.random() * 0.4
        scene.shape((20, 20, 34), (left, top), (left + width, top), (left + width, 1), (left, 1))
        for row in range(int((1 - top) / 0.045)):
            for column in range(int(width / 0.02)):
                if dice.random() < 0.55:
                    x, y = left + 0.006 + column * 0.02, top + 0.02 + row * 0.045
                    scene.shape((255, 214, 120), (x, y), (x + 0.01, y), (x + 0.01, y + 0.024), (x, y + 0.024))
        left += width + 0.004
    return scene.finished()


DRAWN: tuple[tuple[str, Callable[[], Image.Image]], ...] = (
    ("sailing boat.png", sailing_boat),
    ("snowy mountains.png", snowy_mountains),
    ("balloon.png", hot_air_balloon),
    ("house.png", house_with_garden),
    ("beach at sunset.png", beach_at_sunset),
    ("city at night.png", city_at_night),
)


def names() -> frozenset[str]:
    """File names of all the demo's pictures."""
    return frozenset((*(file.name for file in photographs()), *(name for name, _ in DRAWN)))
