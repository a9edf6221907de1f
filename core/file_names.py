"""Safe file names from arbitrary text: short, without forbidden characters or reserved names."""

import hashlib
import os
import re
from pathlib import Path

LONGEST = 150  # bytes; file systems take 255, and staged files and numbers get some more around the name
LONGEST_SUFFIX = 16  # bytes; a longer one is part of the name
DIGEST = 8  # hexadecimal digits
FORBIDDEN = re.compile(r'[\x00-\x1f\x7f<>:"/\\|?*]')
SURROGATE = re.compile("[\ud800-\udfff]")  # how Python holds a byte of a name that is not UTF-8
RESERVED = frozenset({"CON", "PRN", "AUX", "NUL", *(f"{port}{number}" for port in ("COM", "LPT")
                                                    for number in range(1, 10))})


def safe_name(name: str, longest: int = LONGEST) -> str:
    """A name that every file system accepts: forbidden characters become "-", reserved names get "_" in front.

    A name of more than `longest` bytes is cut and ends in a digest of the whole, so that two long names stay two.
    """
    safe = FORBIDDEN.sub("-", name).strip(" ").rstrip(". ") or "_"
    if safe.split(".")[0].strip().upper() in RESERVED:
        safe = f"_{safe}"
    return safe if len(os.fsencode(safe)) <= longest else _shortened(safe, name, longest)


def readable_name(name: str) -> str:
    """A name that is valid UTF-8: a byte that is none becomes "_", and a digest of the name keeps two such names two.
    """
    plain = SURROGATE.sub("_", name)
    if plain == name:
        return name
    digest = hashlib.sha256(name.encode(errors="surrogateescape")).hexdigest()[:DIGEST]
    return f"{Path(plain).stem}-{digest}{Path(plain).suffix}"


def _shortened(made: str, whole: str, longest: int) -> str:
    suffix = Path(made).suffix
    if len(os.fsencode(suffix)) > LONGEST_SUFFIX:
        suffix = ""
    digest = hashlib.sha256(os.fsencode(whole)).hexdigest()[:DIGEST]
    room = longest - len(os.fsencode(suffix)) - DIGEST - 1
    stem = os.fsencode(made.removesuffix(suffix))[:room].decode(errors="ignore").rstrip(". ")
    return f"{stem}-{digest}{suffix}"
