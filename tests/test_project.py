"""What holds for the project as a whole: pins, package data, words in the docs."""

import ast
import contextlib
import importlib.util
import re
import sys
import textwrap
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.metadata import distributions, packages_distributions
from pathlib import Path

import pytest
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
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [Requirement(line) for line in project["dependencies"] + project["optional-dependencies"]["dev"]]
    assert {plain(need.name) for need in wanted} <= set(pinned())
    for need in wanted:
        assert pinned()[plain(need.name)] in need.specifier


def test_a_new_file_in_resources_would_be_in_the_wheel():
    import fnmatch
    patterns = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["package-data"]["*"]
    for path in (ROOT / "resources").rglob("*"):
        if path.is_file() and path.suffix not in (".py", ".pyc"):
            assert any(fnmatch.fnmatch(path.name, pattern) for pattern in patterns), path


OURS = {"core", "brewclip_app", "resources", "tests"}
NOT_IMPORTED = {  # declared for another reason than an import
    "torchvision": "open_clip imports it; its build must fit torch's",
    "onnxscript": "torch.onnx.export needs it",
    "griffe": "packaging/api_page.py", "import-linter": "a command", "mypy": "a command", "ruff": "a command",
    "torchaudio": "mteb asks for it before it loads a model by name",
    "torchcodec": "datasets needs it to read an AudioFolder",
    "pytest-timeout": "a plugin of pytest",
    "pytest-xdist": "a plugin of pytest",
}
BROUGHT_ALONG = {"shiboken6": "PySide6"}  # the binding generator's module is one package with the bindings


def imported(folder: Path) -> Iterator[tuple[str, Path]]:
    """Top-level names of modules that are imported, with the file; relative and our own ones left out."""
    own = {path.stem for path in folder.rglob("*.py")} | OURS if folder.name == "tests" else OURS
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = ([alias.name for alias in node.names] if isinstance(node, ast.Import) else
                     [node.module] if isinstance(node, ast.ImportFrom) and node.module and not node.level else [])
            for name in names:
                top = name.partition(".")[0]
                if top not in sys.stdlib_module_names and top not in own:
                    yield top, path


def declared() -> dict[str, set[str]]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    return {part: {plain(Requirement(line).name) for line in lines}
            for part, lines in (("always", project["dependencies"]), *extras.items())}


@cache
def providers() -> Mapping[str, list[str]]:
    return packages_distributions()


def distributions_of(module: str) -> set[str]:
    return {plain(name) for name in providers().get(module, [module])}


@pytest.mark.parametrize(("folder", "parts"), [("core", ("always", "scale", "map", "mteb", "multilingual",
                                                         "tensorboard")),
                                               ("brewclip_app", ("always",)),
                                               ("tests", ("always", "scale", "multilingual", "dev"))])
def test_every_import_of_a_third_party_is_declared(folder, parts):
    known = set().union(*(declared()[part] for part in parts))
    missing = {f"{module} in {path.relative_to(ROOT)}" for module, path in imported(ROOT / folder)
               if not distributions_of(BROUGHT_ALONG.get(module, module)) & known}
    assert not missing


@pytest.mark.slow
def test_every_declared_dependency_is_used():
    used = {folder: set().union(*(distributions_of(module) for module, _ in imported(ROOT / folder)))
            for folder in ("core", "brewclip_app", "tests")}
    by_part = declared()
    ours = by_part["always"] | by_part["scale"] | by_part["formats"] | by_part["map"] | by_part["mteb"]
    unused = ours - used["core"] - used["brewclip_app"]
    assert unused | by_part["dev"] - used["tests"] == set(NOT_IMPORTED)


def embedded_programs() -> Iterator[tuple[str, ast.Module]]:
    """Programs that tests give to another Python as text, with where they stand; f-strings with a blank for a value."""
    for path in sorted((ROOT / "tests").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            parts = node.values if isinstance(node, ast.JoinedStr) else [node]
            text = "".join(str(part.value) if isinstance(part, ast.Constant) else "0" for part in parts)
            if isinstance(node, ast.JoinedStr | ast.Constant) and re.search(r"^\s*(from \S+ )?import ", text, re.M):
                with contextlib.suppress(SyntaxError):
                    yield f"{path.relative_to(ROOT)}:{node.lineno}", ast.parse(textwrap.dedent(text))


def missing_imports(program: ast.Module) -> Iterator[str]:
    """Names that a program imports from this project and that are not there."""
    for node in ast.walk(program):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in ("core", "brewclip_app", "tests"):
            module = importlib.import_module(node.module or "")
            for name in (alias.name for alias in node.names):
                if not hasattr(module, name) and importlib.util.find_spec(f"{node.module}.{name}") is None:
                    yield f"{node.module}.{name}"


def test_programs_inside_tests_import_what_is_there():
    programs = list(embedded_programs())
    assert len(programs) >= 10, "the search for embedded programs finds none"
    assert not [f"{where} imports {name}" for where, program in programs for name in missing_imports(program)]
