"""The little world, and runs in it."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest
import torch


def _load(path: Path) -> ModuleType:
    """The module of a file beside the tests, which are no package."""
    if path.stem not in sys.modules:
        spec = importlib.util.spec_from_file_location(path.stem, path)
        sys.modules[path.stem] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[path.stem])
    return sys.modules[path.stem]


@pytest.fixture(scope="session")
def little() -> ModuleType:
    """tests/core/training/little.py."""
    return _load(Path(__file__).with_name("little.py"))


@pytest.fixture
def explorer(little: ModuleType, tmp_path: Path):
    """An Explorer of the little world, with an empty home."""
    opened = little.LittleExplorer(tmp_path / "home")
    yield opened
    opened.close()


@pytest.fixture
def data(little: ModuleType, tmp_path: Path) -> Path:
    """A little dataset."""
    return little.dataset(tmp_path / "data")


@pytest.fixture(autouse=True)
def one_thread():
    """More than one thread is slower on things this small."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
