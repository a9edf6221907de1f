"""The tiny plan and its world."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest
import torch


@pytest.fixture(scope="session")
def tiny() -> ModuleType:
    """tests/core/reproduce/tiny.py, which is run as a program too."""
    if "tiny" not in sys.modules:
        spec = importlib.util.spec_from_file_location("tiny", Path(__file__).with_name("tiny.py"))
        sys.modules["tiny"] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules["tiny"])
    return sys.modules["tiny"]


@pytest.fixture
def place(tiny: ModuleType, tmp_path: Path) -> Path:
    """A folder with the datasets of the tiny plan."""
    tiny.flickr8k(tmp_path / "data")
    return tmp_path


@pytest.fixture(autouse=True)
def one_thread():
    """More than one thread is slower on things this small."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
