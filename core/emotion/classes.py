"""Which emotions are told apart."""

from collections.abc import Mapping
from dataclasses import dataclass

from core.datasets.ravdess import EMOTIONS
from core.errors import DatasetError
from core.localisation import _


@dataclass(frozen=True)
class ClassSet:
    """`of` gives the class of an emotion; emotions that are not in it are left out."""

    count: int
    title: str
    of: Mapping[str, str]

    @property
    def names(self) -> tuple[str, ...]:
        """The classes, in the order of the emotions' codes."""
        return tuple(dict.fromkeys(self.of.values()))


FOUR = ClassSet(4, "Four classes, calm counted as neutral (the paper)",
                {"neutral": "neutral", "calm": "neutral", "happy": "happy", "sad": "sad", "angry": "angry"})
EIGHT = ClassSet(8, "All eight emotions", {emotion: emotion for emotion in EMOTIONS})
CLASS_SETS: Mapping[int, ClassSet] = {each.count: each for each in (FOUR, EIGHT)}


def class_set(count: int) -> ClassSet:
    """The set with so many classes; DatasetError ("classes")."""
    if count not in CLASS_SETS:
        raise DatasetError(_("There is no set of {count} classes; choose 4 (the paper) or 8.").format(count=count),
                           "classes")
    return CLASS_SETS[count]
