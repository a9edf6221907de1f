"""Names and addresses of galleries; imports nothing else."""

import re

SUFFIX = ".lance"
LONGEST_NAME = 100  # characters of a gallery's name, a speaker's, a tag
SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")


def is_address(gallery: str) -> bool:
    """Whether a gallery is named by its address, not by a name in the store."""
    return gallery.strip().rstrip("/").endswith(SUFFIX) or SCHEME.match(gallery.strip()) is not None


def name_fault(name: str) -> str:
    """Why a text cannot be a name, as a sentence; "" when it can. Blanks around it do not count."""
    name = " ".join(name.split())
    if not name:
        return "A name is needed."
    if len(name) > LONGEST_NAME:
        return f"A name has at most {LONGEST_NAME} characters; this one has {len(name)}."
    hidden = next((letter for letter in name if not letter.isprintable()), "")
    return f"A character in it cannot be seen (U+{ord(hidden):04X})." if hidden else ""
