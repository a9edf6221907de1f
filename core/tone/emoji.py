"""Emoji sets that the tone set's pictures are drawn from: those that ship, and others in Iconify's JSON form.

The bundled sets (resources/tone, licences in resources/NOTICE) are subsets of the npm packages `@iconify-json/*`. A
folder of such a package (`icons.json` and, for its licence, `info.json`) is another set.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from core import plain_json
from core.datasets.tone import MOODS
from core.errors import DatasetError
from core.localisation import _

RESOURCES = files("resources") / "tone"
TRAINED = ("fluent-emoji", "fluent-emoji-flat", "noto", "emojione")  # styles of train and of test-seen-style
DEV = "noto-v1"  # the style of dev: models are chosen on a style that they were not trained on
UNSEEN = "twemoji"  # the style of test-unseen-style
BUNDLED = (*TRAINED, DEV, UNSEEN)
FACES: Mapping[str, tuple[str, ...]] = {
    "neutral": ("neutral-face", "expressionless-face", "face-without-mouth"),
    "happy": ("grinning-face-with-big-eyes", "beaming-face-with-smiling-eyes", "smiling-face-with-smiling-eyes"),
    "sad": ("crying-face", "loudly-crying-face", "slightly-frowning-face"),
    "angry": ("angry-face", "pouting-face", "face-with-steam-from-nose"),
}
FIGURES: Mapping[str, tuple[str, ...]] = {"kids": ("boy", "girl", "baby"), "dogs": ("dog-face", "dog", "poodle")}
DOOR = "door"
NEEDED = (*(face for mood in MOODS for face in FACES[mood]), *(name for names in FIGURES.values() for name in names),
          DOOR)


@dataclass(frozen=True)
class Icon:
    """One SVG drawing: its elements, and the box that they fill."""

    body: str
    left: float
    top: float
    width: float
    height: float


@dataclass(frozen=True)
class EmojiSet:
    """Icons of one style by name, with author and licence."""

    name: str
    author: str
    licence: str
    icons: Mapping[str, Icon]


def bundled(name: str) -> EmojiSet:
    """A set that ships; KeyError where there is none of that name."""
    if name not in BUNDLED:
        raise KeyError(name)
    listed = plain_json.loads((RESOURCES / f"{name}.json").read_bytes())
    return _emoji_set(listed, listed["info"])


def in_folder(folder: Path) -> EmojiSet:
    """The set in the folder of an Iconify package. DatasetError: missing, damaged, incomplete (icons that it lacks)."""
    path = folder / "icons.json"
    if not path.is_file():
        raise DatasetError(_("{folder} holds no icons.json. Give the folder of an unpacked package of emoji in "
                             "Iconify's form, such as @iconify-json/openmoji.").format(folder=folder), "missing")
    try:
        info = folder / "info.json"
        return _emoji_set(plain_json.loads(path.read_bytes()),
                          plain_json.loads(info.read_bytes()) if info.is_file() else {})
    except plain_json.DAMAGE as error:
        raise DatasetError(_("{path} cannot be read as a set of icons. Nothing was drawn; unpack the "
                             "package again.").format(path=path),
                           "damaged") from error


def _emoji_set(listed: Mapping[str, Any], info: Mapping[str, Any]) -> EmojiSet:
    """The needed icons of an Iconify set; its format: https://iconify.design/docs/types/iconify-json.html."""
    icons, aliases = listed["icons"], listed.get("aliases", {})
    sources = {name: icons.get(name) or icons.get(aliases.get(name, {}).get("parent", "")) for name in NEEDED}
    lacking = [name for name, icon in sources.items() if icon is None]
    if lacking:
        raise DatasetError(_("The emoji set {prefix} lacks {lacking}. Nothing was drawn; leave it out, or choose "
                             "another.").format(prefix=listed["prefix"], lacking=", ".join(lacking)), "incomplete")
    return EmojiSet(str(listed["prefix"]), str(info.get("author", {}).get("name", "unknown")),
                    str(info.get("license", {}).get("title", "unknown")),
                    {name: _icon(icon, listed) for name, icon in sources.items() if icon is not None})


def _icon(icon: Mapping[str, Any], listed: Mapping[str, Any]) -> Icon:
    left, top, width, height = (float(icon.get(key, listed.get(key, default)))
                                for key, default in (("left", 0), ("top", 0), ("width", 16), ("height", 16)))
    return Icon(str(icon["body"]), left, top, width, height)
