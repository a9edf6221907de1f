"""One bad file of ten is left out of a run's data, and counted; it is trained from the other nine."""

from pathlib import Path
from types import ModuleType

import pytest

from core.models import checkpoints
from core.training import run as job
from core.training.run_folder import RunFolder
from tests import bad_files

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(("kind", "name"), bad_files.CASES)
def test_a_run_learns_from_nine_of_ten(explorer, little: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                       kind: str, name: str) -> None:
    data = little.dataset(tmp_path / "data", train=10, dev=4, takes=1)
    bad_files.spoil(data / ("4_0.wav" if kind == "recording" else "4.png"), kind, name, monkeypatch)
    folder = RunFolder(tmp_path / "run")
    job.begin(folder, little.recipe(data, steps=2, evaluate_every=2, noise="babble:0"))
    outcome = job.train(explorer.workspace, folder)
    assert outcome.step == 2
    facts = checkpoints.read_run(checkpoints.find(folder.path)).dataset
    assert (facts["pairs"], facts["unreadable"]) == (2 * 9, 1)
    notes = " ".join(event["text"] for event in folder.events() if event["event"] == "note")
    assert ("4_0" if kind == "recording" else "4.png") in notes


@pytest.mark.parametrize(("kind", "name"), [each for each in bad_files.CASES if each[1] not in ("empty", "loop")])
def test_a_look_at_dev_goes_on_with_nine_of_ten(explorer, little: ModuleType, tmp_path: Path,
                                                monkeypatch: pytest.MonkeyPatch, kind: str, name: str) -> None:
    data = little.dataset(tmp_path / "data", train=6, dev=10, takes=1)
    bad_files.spoil(data / ("8_0.wav" if kind == "recording" else "8.png"), kind, name, monkeypatch)
    folder = RunFolder(tmp_path / "run")
    job.begin(folder, little.recipe(data, steps=2, evaluate_every=2))
    assert job.train(explorer.workspace, folder).step == 2
