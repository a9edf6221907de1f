"""A search on the command line: what it may import, in a Python of its own."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from core.cli import commands_for
from core.cli.commands import COMMANDS
from core.explorer import Explorer
from core.home import Home
from core.settings import Settings
from tests.conftest import REPOSITORY

PHOTOGRAPHS = REPOSITORY / "resources" / "demo" / "photographs"
HEAVY = ("torch", "open_clip", "whisper", "torchvision", "timm", "sklearn", "scipy", "onnx", "alembic", "pyarrow",
         "ftfy")
PROGRAM = """
import json, sys
from core.cli import main
code = main(sys.argv[2:])
open(sys.argv[1], "w").write(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})))
sys.exit(code)
"""


@pytest.fixture
def photographs(home: Home, tmp_path: Path) -> Path:
    """One of the demo's photographs, in a gallery that was indexed and searched before."""
    folder = tmp_path / "photographs"
    folder.mkdir()
    picture = next(path for path in sorted(PHOTOGRAPHS.iterdir()) if path.suffix in (".jpg", ".png"))
    (folder / picture.name).write_bytes(picture.read_bytes())
    explorer = Explorer(home, Settings())
    explorer.index(folder, "photographs")
    explorer.close()
    return folder / picture.name


@pytest.mark.parametrize("kind", ["text", "image"])
def test_a_search_imports_nothing_heavy(home: Home, photographs: Path, tmp_path: Path, kind: str) -> None:
    value = "a picture" if kind == "text" else str(photographs)
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path / "modules"), "search", "--gallery", "photographs", f"--{kind}",
         value, "--json"], env={**os.environ, "PYTHONPATH": str(REPOSITORY)}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert len(json.loads(done.stdout)["hits"]) == 1
    modules = set(json.loads((tmp_path / "modules").read_text()))
    assert "onnxruntime" in modules
    assert not modules & set(HEAVY)


def test_search_has_a_parser_of_its_own() -> None:
    declared = next(command for command in COMMANDS if command.name == "search")
    assert commands_for(["search", "--help"]) == (declared,)
    assert commands_for(["--debug", "search"]) == commands_for([]) == COMMANDS
