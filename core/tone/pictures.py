"""Pictures of the tone set: a door, a subject and a large face with the mood, on a coloured ground; 224 x 224 pixels.

The face is 70 % of the width and the subject 40 %: with a smaller face the mood is lost on small backbones. Ground and
layout are drawn from the picture's name alone, so they say nothing of the mood, and the same name gives the same bytes.
"""

import hashlib
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass

from core.datasets.tone import MOODS, SUBJECTS
from core.tone.emoji import DOOR, FACES, FIGURES, EmojiSet, Icon

SIDE = 224
FACE, FIGURE, BACK = 0.70, 0.40, 0.42  # of the side: face, subject, door
GROUNDS = ("#f4d9a8", "#cfe3b4", "#b9d9ea", "#d8c8ea", "#f0c4c0", "#c9c9c9", "#f2ead9", "#a9cfc4")
DRAWS = 2  # pictures of each style, face and subject, of other ground and layout
NAME = re.compile(r'(\bid="|url\(#|href="#)')


@dataclass(frozen=True)
class Scene:
    """Content of a picture: style, mood and its face, subject and its figure, and the number of the draw."""

    style: str
    mood: str
    face: str
    subject: str
    figure: str
    draw: int

    @property
    def name(self) -> str:
        """Its id, and the file's name without its suffix."""
        return f"{self.style}-{self.mood}-{self.subject}-{self.face}-{self.figure}-{self.draw}"


def scenes(style: str) -> Iterator[Scene]:
    """All scenes of a style, in a fixed order."""
    for mood in MOODS:
        for face in FACES[mood]:
            for subject in SUBJECTS:
                for figure in FIGURES[subject]:
                    for draw in range(DRAWS):
                        yield Scene(style, mood, face, subject, figure, draw)


def held_out(scene: Scene, styles: tuple[str, ...]) -> bool:
    """Whether a scene of one of the trained `styles` belongs to the test: a third, others in each style.

    Each combination of face and figure is held out in some styles and trained on in others.
    """
    place = FACES[scene.mood].index(scene.face) + FIGURES[scene.subject].index(scene.figure)
    return (place + styles.index(scene.style)) % len(FACES[scene.mood]) == 0


def png(scene: Scene, emoji: EmojiSet) -> bytes:
    """The picture as a PNG file; the same bytes for the same scene and set."""
    import resvg_py

    return bytes(resvg_py.svg_to_bytes(svg_string=svg(scene, emoji), width=SIDE, height=SIDE, skip_system_fonts=True))


def svg(scene: Scene, emoji: EmojiSet) -> str:
    """The picture as an SVG document."""
    draw = random.Random(hashlib.sha256(scene.name.encode()).digest())
    ground, mirrored, low = draw.choice(GROUNDS), draw.random() < 0.5, draw.random() < 0.5
    jitter = [draw.uniform(-0.02, 0.02) * SIDE for _ in range(2)]
    face, figure, back = FACE * SIDE, FIGURE * SIDE, BACK * SIDE
    face_x, face_y = SIDE - face - 6 + jitter[0], (SIDE - face - 6 if low else 6) + jitter[1]
    figure_y = 4 if low else SIDE - figure - 4
    parts = [(DOOR, (2.0, SIDE - back - 4 if low else 4.0, back)), (scene.face, (face_x, face_y, face)),
             (scene.figure, (4.0, figure_y, figure))]
    drawn = "".join(_placed(emoji.icons[name], f"{place}-", SIDE - x - size if mirrored else x, y, size)
                    for place, (name, (x, y, size)) in enumerate(parts))
    return (f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="{SIDE}" '
            f'height="{SIDE}" viewBox="0 0 {SIDE} {SIDE}"><rect width="{SIDE}" height="{SIDE}" fill="{ground}"/>'
            f"{drawn}</svg>")


def _placed(icon: Icon, prefix: str, x: float, y: float, size: float) -> str:
    """An icon in a square; `prefix` keeps its names apart from those of the others."""
    body = NAME.sub(lambda match: match[1] + prefix, icon.body)
    return (f'<svg x="{x:.2f}" y="{y:.2f}" width="{size:.2f}" height="{size:.2f}" '
            f'viewBox="{icon.left:g} {icon.top:g} {icon.width:g} {icon.height:g}">{body}</svg>')
