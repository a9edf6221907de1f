"""Entry point of the bundle: the window, or as `brewclip` the command line; also Python for its own child processes."""

import contextlib
import json
import os
import runpy
import sys
from pathlib import Path

INSIDE = Path(sys.executable).parent / "_internal"


def main() -> int:
    """Run what the executable's name or `core.child_python.command` asks for; its exit code."""
    if sys.argv[1:3] == ["-P", "-m"]:
        module = sys.argv[3]
        sys.argv[1:4] = []
        runpy.run_module(module, run_name="__main__", alter_sys=True)
        return 0
    os.environ.setdefault("BREWCLIP_MODELS", str(INSIDE / "weights"))
    if not Path("/etc/fonts/fonts.conf").exists():
        os.environ.setdefault("FONTCONFIG_FILE", str(INSIDE / "fonts" / "fonts.conf"))
    stamp_weights()
    if Path(sys.executable).stem == "brewclip":
        from core.cli import main as command_line

        return command_line()
    from brewclip_app.application import main as window

    return window()


def stamp_weights() -> None:
    """Note in the home the facts of the bundle's weights, as the build measured them: that takes PyTorch."""
    from core.errors import SettingsError
    from core.home import find_home
    from core.pretrained.weight_files import Facts, read_stamp, write_stamp

    for shipped in (INSIDE / "weights").glob("*.json"):
        path = shipped.with_suffix("")
        facts = Facts(**{**json.loads(shipped.read_text()), "mtime_ns": path.stat().st_mtime_ns})
        with contextlib.suppress(SettingsError):  # the program itself says what is wrong with the home
            home = find_home()
            if read_stamp(path, home) != facts:
                home.protect()
                write_stamp(path, facts, home)


if __name__ == "__main__":
    sys.exit(main())
