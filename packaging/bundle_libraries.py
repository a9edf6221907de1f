"""PyInstaller's start hook: libraries that Python packages look for by name are found in the bundle first."""

import ctypes.util
import sys
from pathlib import Path

_find = ctypes.util.find_library


def _find_in_bundle(name: str) -> str | None:
    bundled = sorted(Path(getattr(sys, "_MEIPASS", "")).glob(f"lib{name}.so*"))
    return str(bundled[0]) if bundled else _find(name)


ctypes.util.find_library = _find_in_bundle
