"""One bad file of ten never costs an import the other nine."""

import csv
from pathlib import Path

import numpy as np
import pytest
import soundfile
from PIL import Image

from core.explorer import Explorer
from tests import bad_files
from tests.core.annotation.models import import_into

pytestmark = pytest.mark.slow


@pytest.fixture
def ten(tmp_path: Path) -> Path:
    """Ten pictures with a recording each."""
    root = tmp_path / "ten"
    root.mkdir()
    rows = [["image", "recording", "caption"]]
    for number in range(10):
        Image.new("RGB", (12, 10), (20 * number, 90, 10)).save(root / f"{number}.png")
        soundfile.write(root / f"{number}.wav", 0.3 * np.sin(np.arange(8000) * (number + 1) / 60), 16_000)
        rows.append([f"{number}.png", f"{number}.wav", f"caption {number}"])
    with (root / "pairs.csv").open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    return root


@pytest.mark.parametrize(("kind", "name"), bad_files.CASES)
def test_one_bad_file_of_ten_leaves_nine_takes(explorer: Explorer, ten: Path, monkeypatch: pytest.MonkeyPatch,
                                               kind: str, name: str) -> None:
    bad = ten / ("4.wav" if kind == "recording" else "4.png")
    bad_files.spoil(bad, kind, name, monkeypatch)
    result = import_into(explorer, ten, "ten")
    assert result.added == 9
    takes = explorer.store.takes(explorer.store.gallery("ten").id)
    assert {take.text for take in takes} == {f"caption {number}" for number in range(10) if number != 4}
    listed = [path for path, reason in result.failed if reason]
    if kind == "picture":
        assert (result.pictures, result.no_picture, listed) == (9, 1, [])
    else:
        assert (result.pictures, result.no_recording + len(listed)) == (10, 1)
        assert listed in ([], [bad])
    assert import_into(explorer, ten, "ten").added == 0
