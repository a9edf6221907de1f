"""What holds for the project as a whole: pins, package data, words in the docs."""

import re
from importlib.metadata import distributions
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[1]


def plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def pinned() -> dict[str, str]:
    lines = (line.split("==") for line in (ROOT / "constraints.txt").read_text().split())
    return {plain(name): version for name, version in lines}


def test_what_is_installed_is_what_is_pinned():
    installed = {plain(found.metadata["Name"]): found.version for found in distributions()}
    wrong = {name: (version, installed[name]) for name, version in pinned().items()
             if name in installed and installed[name] != version}
    assert not wrong


def test_every_dependency_of_ours_is_pinned():
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [Requirement(line) for line in project["dependencies"] + project["optional-dependencies"]["dev"]]
    assert {plain(need.name) for need in wanted} <= set(pinned())
    for need in wanted:
        assert pinned()[plain(need.name)] in need.specifier


def test_a_new_file_in_resources_would_be_in_the_wheel():
    import fnmatch
    import tomllib

    patterns = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["package-data"]["*"]
    for path in (ROOT / "resources").rglob("*"):
        if path.is_file() and path.suffix not in (".py", ".pyc"):
            assert any(fnmatch.fnmatch(path.name, pattern) for pattern in patterns), path
