"""`make run`: build the demo and open the window on it; without a screen, do the same job in print and in a picture.

Everything is done by the two commands that users have, so what a first start shows is what they would get.
"""

import os
import subprocess
import sys
from pathlib import Path

from core import child_python, demo

PICTURE = Path("out") / "brewclip-app.png"


def main() -> int:
    """Run all commands; exit code of the first that failed, else 0."""
    if has_screen():
        return command("core.cli", "demo", "--build") or command("brewclip_app", "--gallery", demo.GALLERY)
    print("There is no screen here: the demo's spoken queries are answered in print.", flush=True)
    return command("core.cli", "demo") or photograph(PICTURE)


def has_screen() -> bool:
    """Whether a window can be shown."""
    if sys.platform != "linux":
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def photograph(picture: Path, *options: str, query: int = 0) -> int:
    """Save a picture of the real window, drawn offscreen, with the answer to one demo query in it; the exit code."""
    spoken = demo.queries()[query].path
    code = command("brewclip_app", "--gallery", demo.GALLERY, "--speech", str(spoken), "--screenshot", str(picture),
                   *(options or ("--size", "1280x800")), offscreen=True)
    if code == 0:
        print(f"The window with the answer in it: {picture}", flush=True)
    return code


def command(module: str, *arguments: str, offscreen: bool = False) -> int:
    """Run one of our commands with this Python; its exit code."""
    environment = child_python.environment({"QT_QPA_PLATFORM": "offscreen"} if offscreen else {})
    return subprocess.run(child_python.command("-m", module, *arguments), env=environment, check=False).returncode  # noqa: S603  (our own modules)


if __name__ == "__main__":
    sys.exit(main())
