"""Disk and time before a plan starts, and its command on the command line."""

from pathlib import Path
from types import ModuleType

import pytest

from core.cli.reproduce import REPRODUCE
from core.errors import ReproductionError
from core.reproduce import estimates, runner
from core.reproduce.graph import Choices, StepGraph, build
from core.reproduce.plans import FLICKR8K
from core.training.estimate import RunEstimate


@pytest.fixture
def opened(tiny: ModuleType, place: Path):
    made = tiny.TinyExplorer(place / "home")
    yield made
    made.close()


@pytest.fixture
def steps(opened, tiny: ModuleType, place: Path) -> StepGraph:
    return build(opened.workspace, tiny.PLAN, Choices({FLICKR8K: place / "data"}, backbone=tiny.NAME), place / "out")


def test_disk_is_that_of_features_and_checkpoints(opened, steps: StepGraph, place: Path) -> None:
    known = estimates.estimated(opened.workspace, steps, place / "out")

    by_kind = {task.step.kind: task.step for task in known.tasks}
    assert by_kind["prepare"].nbytes > 22 * 3 * 32 * 32  # pixels of each picture at least
    assert by_kind["train"].nbytes > 0
    assert by_kind["train"].seconds is None
    needs = estimates.needed(opened.workspace, known, runner.begun(opened.workspace, known, place / "out"),
                             place / "out")
    assert needs.steps == needs.not_measured == len(known.tasks)
    assert needs.total_bytes == sum(task.step.nbytes for task in known.tasks)
    assert len(needs.nbytes) == 1, "home and results are on one file system"


def test_measured_steps_tell_the_time_of_training_and_preparing(opened, steps: StepGraph, place: Path,
                                                                monkeypatch: pytest.MonkeyPatch) -> None:
    measured: list[str] = []

    def estimate(workspace, recipe, report):
        measured.append(recipe.variant)
        return RunEstimate(2.0, 8, 3.0, 2, 11.0, 0, 0, 22, 12, "cpu", "float32", 1)

    monkeypatch.setattr(estimates, "estimate", estimate)
    known = estimates.estimated(opened.workspace, steps, place / "out", measure=True)

    assert measured == ["full"], "two seeds take as long as each other"
    seconds = {task.step.kind: task.step.seconds for task in known.tasks}
    assert seconds["train"] == 8 * 2.0 + 2 * 3.0
    assert seconds["prepare"] == pytest.approx(11.0)


def test_a_disk_that_is_too_small_is_refused_before_anything_begins(place: Path) -> None:
    with pytest.raises(ReproductionError) as error:
        estimates.check_disk(estimates.Needs(1, {place / "out" / "deep": 10**18}, 0.0, 0))

    assert error.value.kind == "full"
    assert "Nothing was begun" in str(error.value)
    estimates.check_disk(estimates.Needs(1, {place: 1}, 0.0, 0))


def test_the_command_offers_every_dataset() -> None:
    flags = {flag for option in REPRODUCE.options for flag in option.flags}
    assert {"--flickr8k", "--spokencoco", "--localized-narratives", "--ravdess", "--dry-run", "--seeds"} <= flags
