"""The bundle's entry point; that a built bundle starts and searches is checked by hand: `make bundle`."""

import json
import sys
from dataclasses import asdict
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import numpy as np
import pytest
from PySide6 import QtCore

from core.pretrained import weight_files
from tests.conftest import REPOSITORY


def load(name):
    """A module of packaging/, which is no package."""
    spec = spec_from_file_location(name, REPOSITORY / "packaging" / f"{name}.py")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def bundle(tmp_path, monkeypatch):
    """The entry point as a module, as if its executable lay in tmp_path."""
    monkeypatch.setattr(sys, "executable", str(tmp_path / "brewclip"))
    return load("bundle")


def test_licence_texts_of_what_is_inside_are_collected(tmp_path):
    bundle_licences = load("bundle_licences")
    found = bundle_licences.entries([np.__file__], [Path(QtCore.__file__)])
    names = [entry.name.partition(" ")[0] for entry in found]
    assert names == ["numpy", "PySide6_Essentials", "Python"], "those alone"
    copies = bundle_licences.collect(found, tmp_path / "work")
    targets = [str(Path(folder, Path(source).name)) for source, folder in copies]
    assert len(targets) == len(set(targets)), "numpy has many files of one name"
    assert all(Path(source).is_file() for source, _ in copies)
    listed = (tmp_path / "work" / "README.txt").read_text()
    assert f"numpy {np.__version__}: BSD-3-Clause" in listed and "LGPL-3.0-only" in listed


def test_it_is_python_for_the_programs_own_child_processes(bundle, tmp_path, monkeypatch):
    (tmp_path / "child.py").write_text("import sys; print(__name__, sys.argv[1:], file=open(sys.argv[1], 'w'))")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "argv", ["brewclip", "-P", "-m", "child", str(tmp_path / "out"), "--json"])
    assert bundle.main() == 0
    assert (tmp_path / "out").read_text().split() == ["__main__", f"['{tmp_path / 'out'}',", "'--json']"]


def test_as_brewclip_it_is_the_command_line(bundle, home, monkeypatch, capsys):
    for name in ("BREWCLIP_MODELS", "FONTCONFIG_FILE"):
        monkeypatch.setenv(name, "")  # what it sets is gone after the test
    monkeypatch.setattr(sys, "argv", ["brewclip", "gallery", "list", "--json"])
    assert bundle.main() == 0
    assert json.loads(capsys.readouterr().out) == []


def test_its_weights_are_known_without_reading_them(bundle, home, tmp_path):
    folder = tmp_path / "_internal" / "weights"
    folder.mkdir(parents=True)
    path = folder / "base.pt"
    path.write_bytes(b"weights")
    shipped = weight_files.Facts("whisper-base", 7, 1, "as built", True, "as built")
    path.with_name("base.pt.json").write_text(json.dumps(asdict(shipped)))
    bundle.stamp_weights()
    assert weight_files.facts(path, "whisper-base", home).sha256 == "as built"
    path.write_bytes(b"changed weights")
    bundle.stamp_weights()
    assert weight_files.facts(path, "whisper-base", home).sha256 != "as built", "another file is measured"
