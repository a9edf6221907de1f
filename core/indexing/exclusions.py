"""Patterns of files and folders to leave out of indexing, such as `@eaDir` and `*.lrdata`.

A pattern is compared with the name of every folder and picture below the folder that is indexed, never with that
folder itself, without regard to case; `*` and `?` stand for anything. One with a `/` in it is compared with the whole
path from there. Patterns are separated by semicolons, since names may hold commas and blanks.
"""

import fnmatch
import re
from collections.abc import Iterable
from dataclasses import dataclass

SEPARATORS = re.compile(r"[;\n]")


@dataclass(frozen=True)
class Exclusions:
    """Exclusion patterns, as they were written."""

    patterns: tuple[str, ...] = ()

    @classmethod
    def of(cls, text: str, more: Iterable[str] = ()) -> "Exclusions":
        """Parse the patterns of a setting's text, and more."""
        written = [part.strip().rstrip("/") for part in (*SEPARATORS.split(text), *more)]
        return cls(tuple(dict.fromkeys(part for part in written if part)))

    def match(self, inside: str) -> str:
        """The first pattern for a path from the indexed folder on (with `/`), for its last name alone; "" for none."""
        lowered = inside.lower()
        name = lowered.rpartition("/")[2]
        return next((pattern for pattern in self.patterns
                     if fnmatch.fnmatchcase(lowered if "/" in pattern else name, pattern.lower())), "")

    def match_any(self, inside: str) -> str:
        """The same, for every folder on the way too."""
        steps = inside.split("/")
        return next(filter(None, (self.match("/".join(steps[:end])) for end in range(1, len(steps) + 1))), "")
