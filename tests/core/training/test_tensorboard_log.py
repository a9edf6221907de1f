"""Curves for TensorBoard, read back by the real library."""

import json
from pathlib import Path

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from core import cli
from core.errors import TrainingError
from core.progress import JobCancelled, Progress
from core.training import tensorboard_log
from core.training.tensorboard_log import curves, scalars

STEP = {"event": "step", "time": 10.0, "step": 1, "loss": 2.5, "rate": 1e-4}
DEV = {"event": "dev", "time": 11.0, "step": 2, "best": True, "score": 40.0,
       "speech_to_image": {"R@1": 30.0, "R@5": 60.0}}


def read(run: Path) -> dict[str, list[tuple[int, float]]]:
    """Steps and values by tag, by TensorBoard's own reader."""
    events = EventAccumulator(str(run / "tensorboard"))
    events.Reload()
    return {tag: [(event.step, round(event.value, 4)) for event in events.Scalars(tag)]
            for tag in events.Tags()["scalars"]}


def log(run: Path, *events: dict, mode: str = "a") -> None:
    with (run / "log.jsonl").open(mode) as file:
        file.writelines(json.dumps(event) + "\n" for event in events)


@pytest.mark.parametrize(("event", "tags"), [
    (STEP, {"step/loss": 2.5, "step/rate": 1e-4}),
    (DEV, {"dev/score": 40.0, "dev/speech_to_image/R@1": 30.0, "dev/speech_to_image/R@5": 60.0}),
    ({"event": "begin", "time": 1.0, "pairs": 5}, {}), ({"event": "end", "why": "finished", "step": 9}, {}),
    ({**STEP, "loss": float("nan"), "rate": "fast"}, {})])
def test_scalars_of_an_event(event, tags):
    assert dict(scalars(event)) == tags


def test_curves_follow_the_log_and_begin_anew_where_it_was_cut(tmp_path):
    log(tmp_path, STEP)
    with curves(tmp_path, lambda progress: None) as report:
        report(Progress())
        assert read(tmp_path) == {"step/loss": [(1, 2.5)], "step/rate": [(1, 1e-4)]}
        log(tmp_path, DEV)
        report(Progress())
        assert read(tmp_path)["dev/speech_to_image/R@1"] == [(2, 30.0)]
        log(tmp_path, {**STEP, "loss": 2.0}, mode="w")
        report(Progress())
        assert read(tmp_path) == {"step/loss": [(1, 2.0)], "step/rate": [(1, 1e-4)]}
        log(tmp_path, {**STEP, "step": 3})
    assert read(tmp_path)["step/loss"] == [(1, 2.0), (3, 2.5)]


def test_without_a_log_there_is_nothing_to_write(tmp_path):
    with curves(tmp_path, lambda progress: None) as report:
        report(Progress())
    assert not (tmp_path / "tensorboard").exists()


def test_cancelling_passes_through_and_what_was_logged_is_written(tmp_path):
    def stop(progress: Progress) -> None:
        raise JobCancelled

    log(tmp_path, STEP)
    with pytest.raises(JobCancelled), curves(tmp_path, stop) as report:
        report(Progress())
    assert read(tmp_path)["step/loss"] == [(1, 2.5)]


def test_a_missing_library_is_said_before_a_run_begins(tmp_path, home, monkeypatch, capsys):
    monkeypatch.setattr(tensorboard_log, "find_spec", lambda name: None)
    with pytest.raises(TrainingError) as error:
        tensorboard_log.check_installed()
    assert error.value.kind == "no_tensorboard"
    assert cli.main(["train", str(tmp_path), "--out", str(tmp_path / "run"), "--tensorboard"]) == 2
    assert "pip install tensorboard" in capsys.readouterr().err and not (tmp_path / "run").exists()
