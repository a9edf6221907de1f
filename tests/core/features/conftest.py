"""The little world of tests/core/training."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

LITTLE = Path(__file__).resolve().parents[1] / "training" / "little.py"


@pytest.fixture(scope="session")
def little() -> ModuleType:
    """tests/core/training/little.py."""
    if LITTLE.stem not in sys.modules:
        spec = importlib.util.spec_from_file_location(LITTLE.stem, LITTLE)
        sys.modules[LITTLE.stem] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[LITTLE.stem])
    return sys.modules[LITTLE.stem]


@pytest.fixture
def explorer(little: ModuleType, tmp_path: Path):
    """An Explorer of the little world, with an empty home."""
    opened = little.LittleExplorer(tmp_path / "home")
    yield opened
    opened.close()
