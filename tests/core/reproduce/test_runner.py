"""A reproduction: done whole, killed and continued, stopped, with failures, on several devices."""

import json
import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest
from filelock import FileLock

from core.errors import FigureError, ReproductionError
from core.evaluation import archive
from core.progress import JobCancelled, Progress
from core.reproduce import records, work
from core.reproduce.records import Reproduction
from core.reproduce.runner import LOCK
from core.training.run_folder import RunFolder
from core.training.runs import RunReader
from tests.conftest import REPOSITORY

WAIT = 240  # seconds


def started(tiny: ModuleType, place: Path) -> subprocess.Popen:
    """The program that makes the tiny plan."""
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "OMP_NUM_THREADS": "1"}
    return subprocess.Popen([sys.executable, tiny.__file__, str(place)], env=environment, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, text=True)


def until(condition) -> None:
    end = time.monotonic() + WAIT
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def steps_of(place: Path, kind: str) -> tuple:
    try:
        return records.load(place / "out").of_kind(kind)
    except ReproductionError:
        return ()


@pytest.mark.slow
def test_a_plan_that_is_killed_goes_on_and_makes_nothing_twice(tiny: ModuleType, place: Path) -> None:
    first = started(tiny, place)
    until(lambda: any(record.state == "running" and (place / "out/runs" / record.step.key / "log.jsonl").exists()
                      for record in steps_of(place, "train")))
    first.kill()  # its training run goes on by itself
    first.wait()
    assert "running" in [record.state for record in steps_of(place, "train")]

    second = started(tiny, place)
    until(lambda: any(record.state == "done" for record in steps_of(place, "evaluate")))
    second.kill()
    second.wait()
    made = {record.step.key: record.evaluations for record in steps_of(place, "evaluate") if record.state == "done"}

    output, errors = started(tiny, place).communicate(timeout=WAIT)
    assert set(json.loads(output).values()) == {"done"}, errors
    state = records.load(place / "out")
    for record in state.of_kind("train"):
        assert RunReader(place / "out" / record.run).read().state == "finished"
        begun = [event["step"] for event in RunFolder(place / "out" / record.run).events() if event["event"] == "begin"]
        assert begun == [0]
    assert {key: state.record(key).evaluations for key in made} == made
    opened = tiny.TinyExplorer(place / "home")
    stored = [record.id for record in archive.evaluations(opened.store)]
    opened.close()
    assert sorted(stored) == sorted(number for record in state.of_kind("evaluate") for number in record.evaluations)
    table = (place / "out/tables/table-1.csv").read_text()
    assert '"BrewCLIP, 2 seeds"' in table
    for name in tiny.PLAN.figures:
        assert "</svg>" in (place / f"out/figures/figure-{name}.svg").read_text()
    for record in state.of_kind("figure"):
        numbers = [str(number) for number in record.evaluations]
        assert [part for part in record.step.command.split() if part in numbers] == numbers
    assert "BrewCLIP" in (place / "out/report.html").read_text()
    assert (place / "out/report.pdf").read_bytes().startswith(b"%PDF")


@pytest.mark.slow
def test_ctrl_c_pauses_the_training_run(tiny: ModuleType, place: Path) -> None:
    stopping: list[bool] = []

    def report(progress: Progress) -> None:
        if any((path / "log.jsonl").exists() for path in (place / "out/runs").glob("*")):
            stopping.append(True)
            raise JobCancelled

    runner = tiny.runner(place)
    with pytest.raises(JobCancelled):
        runner.run(report)

    assert stopping
    (run,) = (place / "out/runs").iterdir()
    assert not RunFolder(run).busy
    assert records.load(place / "out").record(run.name).state == "waiting"


@pytest.fixture
def done_at_once(monkeypatch: pytest.MonkeyPatch):
    """Work that takes no time: a list of what was done, by which device, and titles that fail."""
    done: list[tuple[str, str]] = []
    failing: set[str] = set()

    def do(bench: work.Bench, task, record, report):
        report(Progress())
        done.append((task.step.title, bench.device))
        if task.step.title in failing and task.step.kind == "figure":
            raise FigureError("No query is missed.", "nothing")
        if task.step.title in failing:
            raise ReproductionError("It broke.", "broken")
        return record

    monkeypatch.setattr(work, "do", do)
    return done, failing


def test_a_failed_step_ends_those_that_need_it_alone(tiny: ModuleType, place: Path, done_at_once) -> None:
    done, failing = done_at_once
    failing.add("Train BrewCLIP on Flickr8k, seed 0")

    state = tiny.runner(place).run()

    by_title = {record.step.title: record for record in state.records}
    assert by_title["Train BrewCLIP on Flickr8k, seed 0"].message == "It broke."
    skipped = by_title["Evaluate BrewCLIP on Flickr8k test, trained on Flickr8k, seed 0"]
    assert (skipped.state, skipped.message) == ("skipped", "It needs “Train BrewCLIP on Flickr8k, seed 0”, which "
                                                           "failed.")
    assert by_title["Table 1"].state == "skipped"
    assert by_title["Evaluate BrewCLIP on Flickr8k test, trained on Flickr8k, seed 1"].state == "done"

    failing.clear()
    done.clear()
    again = tiny.runner(place).run()
    assert {record.state for record in again.records} == {"done"}
    assert [title for title, _ in done if not title.startswith("Figure")] == [
        "Train BrewCLIP on Flickr8k, seed 0", "Evaluate BrewCLIP on Flickr8k test, trained on Flickr8k, seed 0",
        "Table 1"]


def test_a_figure_without_anything_to_show_is_skipped_and_told(tiny: ModuleType, place: Path, done_at_once) -> None:
    _, failing = done_at_once
    failing.add("Figure 8: All descriptions of one picture")

    state = tiny.runner(place).run()

    assert [(record.state, record.message) for record in state.records if record.state != "done"] == [
        ("skipped", "No query is missed.")]


def test_another_plan_in_the_same_folder_takes_over_what_both_need(tiny: ModuleType, place: Path, done_at_once) -> None:
    done, _ = done_at_once
    tiny.runner(place, plan=replace(tiny.PLAN, figures=())).run()
    done.clear()
    state = tiny.runner(place, plan=replace(tiny.PLAN, tables=(), seeds=(0, 1, 2))).run()

    assert {title.split(":")[0] for title, _ in done} == {"Figure 4", "Figure 8", "Figure wer"}
    assert {record.state for record in state.records} == {"done"}


def test_several_devices_train_one_run_each(tiny: ModuleType, place: Path, done_at_once) -> None:
    done, _ = done_at_once
    tiny.runner(place, ("0", "1"), replace(tiny.PLAN, seeds=(0, 1, 2, 3))).run()

    trained = [device for title, device in done if title.startswith("Train")]
    assert len(trained) == 4
    assert set(trained) <= {"0", "1"}


def test_the_share_of_the_whole_never_falls_and_ends_at_one(tiny: ModuleType, place: Path, done_at_once) -> None:
    told: list[Progress] = []
    states: list[Reproduction] = []
    tiny.runner(place, tell=states.append).run(told.append)

    shares = [progress.share for progress in told]
    assert shares == sorted(shares)
    assert told[-1].number == told[-1].steps == len(states[-1].records)
    assert states[-1].ended
    assert [record.state for record in states[-1].records] == ["done"] * len(states[-1].records)


def test_two_processes_never_work_in_one_folder(tiny: ModuleType, place: Path, done_at_once) -> None:
    (place / "out").mkdir()
    with FileLock(place / "out" / LOCK), pytest.raises(ReproductionError) as error:
        tiny.runner(place).run()

    assert error.value.kind == "busy"
    assert not done_at_once[0]
