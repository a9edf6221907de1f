"""Structure of the code: no import circles, one class a name, the facade for window and command line alone."""

import ast
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FACADE_IS_FOR = ("core.explorer", "core.cli", "core.demo", "core.doctor", "core.api")


@cache
def modules() -> dict[str, ast.Module]:
    """Syntax trees of core and window by module name."""
    paths = [path for folder in ("core", "brewclip_app") for path in sorted((ROOT / folder).rglob("*.py"))]
    names = (".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__") for path in paths)
    return {name: ast.parse(path.read_text()) for name, path in zip(names, paths, strict=True)}


def imports_of(tree: ast.Module) -> Iterator[str]:
    """Modules of this project that a module imports anywhere in it, for type checking too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in modules())
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                name = f"{node.module}.{alias.name}"
                yield from (each for each in (name if name in modules() else node.module,) if each in modules())


def test_no_imports_go_in_a_circle():
    graph = {name: set(imports_of(tree)) for name, tree in modules().items()}
    assert sum(map(len, graph.values())) > 1000, "the search for imports finds hardly any"
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" <- ".join(error.args[1]))


def test_a_class_name_exists_once():
    places = defaultdict(list)
    for name, tree in modules().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                places[node.name].append(name)
    assert not {name: found for name, found in places.items() if len(found) > 1}


def test_the_core_does_without_the_facade():
    assert not [name for name, tree in modules().items()
                if name.startswith("core.") and not name.startswith(FACADE_IS_FOR)
                and "core.explorer" in imports_of(tree)]


def test_the_theme_calls_no_lambda():
    """Qt takes a widget's own methods off a signal when it deletes the widget, and no lambda."""
    connected = [(name, node.lineno, type(node.args[0])) for name, tree in modules().items() for node in ast.walk(tree)
                 if isinstance(node, ast.Call) and ast.unparse(node.func) == "theme.changed.connect"]
    assert connected and not [place for place in connected if place[2] is ast.Lambda]
