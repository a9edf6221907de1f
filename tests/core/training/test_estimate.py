"""The cost of a run measured before it: on a few pairs, with its own options, without a run."""

import json
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest

from core.errors import TrainingError
from core.progress import JobCancelled, Progress, WorkStep, silent
from core.training import estimate as module
from core.training import process
from core.training import step as update
from core.training.estimate import estimate
from core.training.run_folder import RunFolder

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SAMPLE", 4)


def test_a_few_pairs_are_measured_and_the_rest_is_reckoned(explorer, data: Path, little: ModuleType) -> None:
    recipe = little.recipe(data, noise="10", batch=8, steps=1000, evaluate_every=300)
    found = estimate(explorer.workspace, recipe)
    assert len(explorer.ears.heard) == 4  # of 16 pictures with two recordings each
    assert (found.pairs, found.recordings, found.steps, found.validations) == (48, 64, 1000, 4)
    assert found.step_seconds > 0 and found.validation_seconds > 0 and found.preparing_seconds > 0
    assert found.memory > 50e6
    assert (found.device, found.precision, found.processes) == ("cpu", "float32", 1)
    assert found.seconds == pytest.approx(found.preparing_seconds + 1000 * found.step_seconds
                                          + 4 * found.validation_seconds)
    again = estimate(explorer.workspace, recipe)
    assert again.recordings == 60 and len(explorer.ears.heard) == 4  # they are kept


@pytest.mark.parametrize(("variant", "model", "options"), [
    ("full", {"prompts": 0, "gate": True}, {"teach": 1.0, "choose_weight": True, "fit_gate": True}),
    ("prompted", {}, {"micro_batch": 3, "activation_checkpointing": True, "captions": True}),
    ("e2e", {}, {"precision": "bfloat16", "select": "r1"})])
def test_steps_have_the_options_of_the_run(explorer, data: Path, little: ModuleType, variant: str, model: dict,
                                           options: dict, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[list[int]] = []
    real = update.TrainingStep.__call__

    def step(self, number, batches):
        sizes.append([len(batch.rows) for batch in batches])
        return real(self, number, batches)

    monkeypatch.setattr(update.TrainingStep, "__call__", step)
    recipe = little.recipe(data, variant, replace(little.MODEL, **model), batch=8, **options)
    found = estimate(explorer.workspace, recipe)
    assert len(sizes) == module.WARM_UP + module.MEASURED
    assert set(map(tuple, sizes)) == {(3, 3, 2) if "micro_batch" in options else (8,)}
    assert found.precision == options.get("precision", "float32")


def test_it_can_be_cancelled_and_leaves_no_run(explorer, data: Path, little: ModuleType, tmp_path: Path) -> None:
    def stop(progress: Progress) -> None:
        if progress.step is WorkStep.MEASURING_STEPS and progress.done == 3:
            raise JobCancelled

    with pytest.raises(JobCancelled):
        estimate(explorer.workspace, little.recipe(data), stop)
    assert not list(tmp_path.rglob("log.jsonl"))


def test_what_cannot_be_trained_is_not_measured(explorer, data: Path, little: ModuleType) -> None:
    with pytest.raises(TrainingError, match="24 pairs to learn from, which is less than a batch of 32"):
        estimate(explorer.workspace, little.recipe(data, batch=32))
    assert not explorer.ears.heard
    for path in data.glob("*.wav"):
        path.write_bytes(b"no recording")
    with pytest.raises(TrainingError, match="None of the pairs that were measured") as caught:
        estimate(explorer.workspace, little.recipe(data))
    assert caught.value.kind == "too_few"


def test_a_process_of_its_own_measures_it(little: ModuleType, data: Path, home) -> None:
    command = (sys.executable, str(Path(little.__file__).with_name("little_cli.py")))
    found = process.measure(little.recipe(data, steps=50), home, silent, command)
    assert found.steps == 50 and found.step_seconds > 0 and found.memory > 50e6
    for path in data.glob("*.wav"):
        path.write_bytes(b"no recording")
    with pytest.raises(TrainingError, match="could not be measured: None of the pairs") as caught:
        process.measure(little.recipe(data), home, silent, command)
    assert caught.value.kind == "crash"


def test_the_command_prints_it_and_begins_no_run(little: ModuleType, data: Path, tmp_path: Path, home,
                                                 monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
                                                 ) -> None:
    from core import cli

    monkeypatch.setattr("core.explorer.Explorer", lambda home, settings: little.LittleExplorer(home.root))
    options = ("--backbone", "little/random", "--batch", "4", "--steps", "8", "--device", "cpu", "--prompts", "2",
               "--heads", "4")
    assert cli.main(["train", str(data), "--estimate", *options]) == 0
    said = capsys.readouterr().out
    assert "a step of 8," in said and "No run was begun." in said and "peak memory of the process" in said
    run = RunFolder(tmp_path / "run")
    run.create(little.recipe(data, steps=50))
    assert cli.main(["train", "--resume", "--out", str(run.path), "--estimate", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["steps"] == 50 and found["seconds"] > 0 and found["memory"] > 0
    assert [path.name for path in run.path.iterdir()] == ["recipe.json"]
    assert cli.main(["train", str(data), *options]) == 2
    assert "Name the folder of the run with --out" in capsys.readouterr().err
