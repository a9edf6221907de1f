"""`make screenshots`: the real window, every panel on the demo, light and dark, as PNG files for the docs."""

import os
import sys
import tempfile
from pathlib import Path

from brewclip_app.first_run import command, photograph
from brewclip_app.main_window import PANELS
from core import demo

THEMES = ("light", "dark")


def main() -> int:
    """Write the screenshots into the folder named on the command line; exit code."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "docs/screenshots")
    with tempfile.TemporaryDirectory() as home:  # neither the user's galleries nor the user's settings are in a picture
        weights = os.environ.get("BREWCLIP_HOME")
        os.environ.setdefault("BREWCLIP_MODELS", _fetched_weights(weights))
        os.environ["BREWCLIP_HOME"] = home
        first = _first_start(folder)
        return first or command("core.cli", "demo", "--build") or _panels(folder)


def _fetched_weights(home: str | None) -> str:
    from core.home import find_home

    return str((Path(home) if home else find_home().root) / "weights")


def _first_start(folder: Path) -> int:
    codes = [command("brewclip_app", "--theme", theme, "--size", "1280x800", "--screenshot",
                     str(folder / f"first-{theme}.png"), offscreen=True) for theme in THEMES]
    return max(codes)


def _panels(folder: Path) -> int:
    codes = [0]
    for theme in THEMES:
        look = ("--theme", theme, "--size", "1280x800")
        codes.append(photograph(folder / f"search-{theme}.png", *look))
        codes.append(photograph(folder / f"inspect-{theme}.png", *look, "--panel", "inspect", query=1))
        for entry in PANELS:
            if entry.key not in ("search", "inspect"):
                codes.append(command("brewclip_app", "--gallery", demo.GALLERY, "--panel", entry.key, *look,
                                     "--screenshot", str(folder / f"{entry.key}-{theme}.png"), offscreen=True))
    return max(codes)


if __name__ == "__main__":
    sys.exit(main())
