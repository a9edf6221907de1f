"""Telling addresses of galleries from names; nothing else is imported for it."""

import re

SUFFIX = ".lance"
SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")


def is_address(gallery: str) -> bool:
    """Whether a gallery is named by its address, not by a name in the store."""
    return gallery.strip().rstrip("/").endswith(SUFFIX) or SCHEME.match(gallery.strip()) is not None
