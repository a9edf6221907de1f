"""Runs that are killed or stopped and go on: they end with the weights of a run that was not, bit for bit."""

import os
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
import torch

from core.models import checkpoints
from core.training.run_folder import RunFolder
from core.training.runs import RunReader

pytestmark = pytest.mark.slow

REPOSITORY = Path(__file__).resolve().parents[3]
KILLED, STOPPED = "-9", "130"


@pytest.fixture(scope="module")
def world(little: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, list[str]]]:
    """The folder of all scenarios, and how the two processes of each ended."""
    folder = tmp_path_factory.mktemp("crashes")
    little.dataset(folder / "data")
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "OMP_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, str(Path(little.__file__)), str(folder), *little.SCENARIOS], env=environment,
                          capture_output=True, text=True, timeout=500)
    assert done.returncode == 0, done.stderr
    return folder, {line.split()[0]: line.split()[1:] for line in done.stdout.splitlines()}


@pytest.mark.parametrize(("scenario", "end"), [("step", KILLED), ("look", KILLED), ("save", KILLED), ("hear", KILLED),
                                               ("cancel", STOPPED), ("cancel_look", STOPPED)])
def test_a_run_that_was_ended_anywhere_ends_with_the_weights_of_one_that_was_not(
        world: tuple[Path, dict[str, list[str]]], scenario: str, end: str) -> None:
    folder, ends = world
    assert ends["whole"] == ["0", "0"]
    assert ends[scenario] == [end, "0"]
    wanted, found = RunFolder(folder / "whole"), RunFolder(folder / scenario)
    assert found.state().step == wanted.state().step == 24
    assert found.state().facts == wanted.state().facts
    assert found.state().tensors.keys() == wanted.state().tensors.keys()
    for name, tensor in wanted.state().tensors.items():
        assert torch.equal(tensor, found.state().tensors[name]), name
    best, other = checkpoints.read(wanted.best), checkpoints.read(found.best)
    assert best.run == other.run
    assert all(torch.equal(tensor, other.tensors[name]) for name, tensor in best.tensors.items())


@pytest.mark.parametrize("scenario", ["whole", "step", "look", "save", "cancel", "cancel_look"])
def test_the_log_of_a_run_that_went_on_tells_every_step_once(world: tuple[Path, dict[str, list[str]]], scenario: str
                                                           ) -> None:
    folder, _ = world
    events, whole = RunFolder(folder / scenario).events(), RunFolder(folder / "whole").events()
    looks = [(each["step"], each["score"]) for each in events if each["event"] == "dev"]
    assert looks == [(each["step"], each["score"]) for each in whole if each["event"] == "dev"]
    steps = [each["step"] for each in events if each["event"] == "step"]
    assert steps == [7, 10, 14, 20, 21, 24]
    assert RunReader(folder / scenario).read().state == "finished"


def test_preparing_goes_on_where_it_was_killed(world: tuple[Path, dict[str, list[str]]]) -> None:
    folder, _ = world
    texts = [each["text"] for each in RunFolder(folder / "hear").events() if each["event"] == "prepare"]
    heard = [int(counted[1]) for text in texts if (counted := re.search(r"Transcribing.* (\d+) of 24$", text))]
    assert heard == [0, 4, 8, 8, 16, 24]  # the second process began with the eight that the first one kept
