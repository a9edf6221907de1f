"""Several processes on one batch: the gradients and the run of one process; stopped and gone on with together."""

import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
import torch

from core.training.distributed import Processes, together
from core.training.run_folder import RunFolder

pytestmark = pytest.mark.slow

REPOSITORY = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def world(little: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[list[str]]]:
    """The folder of all runs, and how the processes of each ended."""
    folder = tmp_path_factory.mktemp("shared")
    little.dataset(folder / "data")
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "OMP_NUM_THREADS": "1"}
    asked = (*little.SHARED, "pair_stopped", "look_stopped")  # the second time, they go on
    done = subprocess.run([sys.executable, str(Path(little.__file__)), str(folder), *asked], env=environment,
                          capture_output=True, text=True, timeout=500)
    ends = [line.split() for line in done.stdout.splitlines() if line.split()[0] in little.SHARED]
    assert done.returncode == 0, done.stderr
    codes = ["130" if name.endswith("stopped") and name not in asked[:place] else "0"
             for place, name in enumerate(asked)]
    assert ends == [[name, *[code] * little.SHARED[name]] for name, code in zip(asked, codes, strict=True)], done.stderr
    return folder, ends


@pytest.mark.parametrize(("one", "several", "count"), [
    ("alone", "pair", 2), ("alone", "three", 3), ("alone", "three_parts", 3), ("replicas_alone", "replicas", 3)])
def test_several_processes_get_the_gradients_of_one(world: tuple[Path, list[list[str]]], one: str, several: str,
                                                    count: int) -> None:
    """Three share a batch of 8 as 3, 3 and 2."""
    alone, *parts = (torch.load(world[0] / f"{name}.pt", weights_only=True)
                     for name in (f"{one}-0", *(f"{several}-{rank}" for rank in range(count))))
    assert [len(alone), *map(len, parts)] == [12] * (count + 1)
    assert sum(float(each.abs().sum()) for each in alone[0]) > 1
    for whole, *shared in zip(alone[0], *(part[0] for part in parts), strict=True):
        assert torch.allclose(shared[0], whole, atol=1e-5, rtol=1e-4)
        assert all(torch.equal(shared[0], each) for each in shared)


def test_two_processes_end_with_the_run_of_one(world: tuple[Path, list[list[str]]]) -> None:
    alone, pair = (RunFolder(world[0] / name) for name in ("alone", "pair"))
    losses = [[each["step"] for each in run.events() if each["event"] == "step"] for run in (alone, pair)]
    assert losses[0] == losses[1] == [5, 10, 12]
    means = [[each["loss"] for each in run.events() if each["event"] == "step"] for run in (alone, pair)]
    assert means[0] == pytest.approx(means[1], abs=1e-3)
    begins = [each["processes"] for run in (alone, pair) for each in run.events() if each["event"] == "begin"]
    assert begins == [1, 2]
    for name, one in alone.state().tensors.items():
        if name.startswith("parameter."):
            assert torch.allclose(one, pair.state().tensors[name], atol=5e-3), name


@pytest.mark.parametrize(("several", "count"), [("pair", 2), ("three", 3)])
def test_several_processes_encode_dev_to_the_bits_of_one(world: tuple[Path, list[list[str]]], several: str, count: int
                                                         ) -> None:
    """Of two batches of pictures the third process has none."""
    alone, *parts = (torch.load(world[0] / f"dev-{name}.pt", weights_only=True)
                     for name in ("alone-0", *(f"{several}-{rank}" for rank in range(count))))
    assert [len(rows) for rows in alone] == [4, 8] and all(torch.isfinite(rows).all() for rows in alone)
    for part in parts:
        assert all(torch.equal(rows, whole) for rows, whole in zip(part, alone, strict=True))
    looks = [[event["score"] for event in RunFolder(world[0] / name).events() if event["event"] == "dev"]
             for name in ("alone", several)]
    assert looks[0] == looks[1] and len(looks[0]) == 3


@pytest.mark.parametrize(("name", "unbroken"), [("pair_stopped", "pair"), ("look_stopped", "three")])
def test_stopped_by_one_of_them_they_go_on_together(world: tuple[Path, list[list[str]]], name: str, unbroken: str
                                                    ) -> None:
    """In a step, or in a validation."""
    whole, stopped = (RunFolder(world[0] / each).state() for each in (unbroken, name))
    assert whole.step == stopped.step == 12
    assert all(torch.equal(each, stopped.tensors[key]) for key, each in whole.tensors.items())


def test_one_process_needs_no_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RANK", raising=False)
    with together(gpu=False) as processes:
        assert processes == Processes(0, 1, 0) and processes.first
        processes.wait()
        assert processes.alike(5)
        assert [processes.any(mine) for mine in (True, False)] == [True, False]
    monkeypatch.setenv("RANK", "0")
    monkeypatch.setenv("WORLD_SIZE", "1")
    with together(gpu=False) as processes:
        assert processes.count == 1
