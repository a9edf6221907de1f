"""A run's folder: what a crash leaves is whole, one process holds it, and defects are told in a sentence."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from core.errors import TrainingError
from core.training import run_folder
from core.training.recipe import Recipe, TrainingOptions
from core.training.run_folder import RunFolder, RunState, read_events

RECIPE = Recipe(Path("/data"), training=TrainingOptions(steps=10))
STATE = RunState(7, {"parameter.a": torch.arange(6.0).reshape(2, 3).T, "adam.step.a": torch.tensor(7.0)},
              {"best": {"score": 12.5}, "look": True})


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    """A run that has begun."""
    folder = RunFolder(tmp_path / "run")
    folder.create(RECIPE)
    return folder


def full(number: int) -> None:
    raise OSError(28, "No space left on device")


def kind_of(work, *arguments: object) -> str:
    with pytest.raises(TrainingError) as caught:
        work(*arguments)
    assert str(caught.value).endswith(".")
    return caught.value.kind


def test_recipe_and_state_come_back(run: RunFolder) -> None:
    assert run.recipe() == RECIPE
    assert run.state().step == 0
    run.save(STATE)
    found = run.state()
    assert (found.step, found.facts) == (7, STATE.facts)
    assert all(torch.equal(found.tensors[name], each) for name, each in STATE.tensors.items())


def test_a_folder_with_anything_in_it_is_left_alone(tmp_path: Path, run: RunFolder) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thesis.tex").write_text("x")
    assert kind_of(RunFolder(tmp_path / "other").create, RECIPE) == "exists"
    (tmp_path / "file").write_text("x")
    assert kind_of(RunFolder(tmp_path / "file").create, RECIPE) == "exists"
    run.save(STATE)
    assert kind_of(run.create, RECIPE) == "exists"
    assert run.state().step == 7


def test_a_run_that_never_saved_may_be_begun_anew(run: RunFolder) -> None:
    run.log("note", text="of the first try")
    run.create(Recipe(Path("/elsewhere")))
    assert run.recipe().dataset == Path("/elsewhere") and run.events() == []
    with run.hold():
        assert kind_of(RunFolder(run.path).create, RECIPE) == "busy"


def test_what_is_missing_or_damaged_is_told(tmp_path: Path, run: RunFolder) -> None:
    assert kind_of(RunFolder(tmp_path / "none").recipe) == "no_run"
    for content in (b"{", b"[]", b"{}", b'{"dataset": 3}', json.dumps({**RECIPE.to_json(), "new": 1}).encode(),
                    b"\xff\xfe"):
        (run.path / "recipe.json").write_bytes(content)
        assert kind_of(run.recipe) == "damaged"
    run.save(STATE)
    whole = (run.path / "state.safetensors").read_bytes()
    for content in (b"", whole[:10], whole[:-4], b"x" * len(whole), b"\x02" + b"\0" * 7 + b"{}"):
        (run.path / "state.safetensors").write_bytes(content)
        assert kind_of(run.state) == "damaged"


@pytest.mark.slow
@pytest.mark.parametrize("place", ["write", "rename"])
def test_killed_while_saving_the_state_before_stays(run: RunFolder, place: str) -> None:
    run.save(STATE)
    child = os.fork()
    if child == 0:
        def die(*arguments: object) -> None:
            os.kill(os.getpid(), signal.SIGKILL)
        if place == "write":
            run_folder.os.fsync = die
        else:
            Path.replace = die
        run.save(RunState(8, {"parameter.a": torch.zeros(5)}))
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    assert run.state().step == 7
    run.save(RunState(9))
    assert run.state().step == 9
    assert not list(run.path.glob(".*.new"))


def test_on_a_full_disk_the_state_before_stays(run: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    run.save(STATE)
    monkeypatch.setattr(run_folder.os, "fsync", full)
    assert kind_of(run.save, RunState(8)) == "full"
    assert run.state().step == 7
    assert not list(run.path.glob(".*.new"))


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    folder = RunFolder(tmp_path / "file" / "run")
    assert kind_of(folder.create, RECIPE) == "not_written"
    assert kind_of(folder.save, STATE) == "not_written"
    assert kind_of(lambda: folder.log("note", text="x")) == "not_written"
    with pytest.raises(TrainingError) as caught, folder.hold():
        pass
    assert caught.value.kind == "not_written"


# --- the lock --------------------------------------------------------------------------------------------------------

def test_one_process_holds_a_run_and_then_lets_it_go(run: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_folder, "PATIENCE", 0.05)
    other = RunFolder(run.path)
    assert not other.busy and other.process is None
    with run.hold():
        assert run.busy and other.busy
        assert other.process == os.getpid()
        with pytest.raises(TrainingError, match="Another process") as caught, other.hold():
            pass
        assert caught.value.kind == "busy"
    assert not other.busy and not run.busy
    with other.hold():
        assert run.busy


def test_a_lock_is_free_when_its_process_was_killed(run: RunFolder) -> None:
    code = ("import sys, time; from pathlib import Path; from core.training.run_folder import RunFolder\n"
            "with RunFolder(Path(sys.argv[1])).hold():\n    print('held', flush=True)\n    time.sleep(600)")
    child = subprocess.Popen([sys.executable, "-c", code, str(run.path)], stdout=subprocess.PIPE,
                             cwd=Path(__file__).resolve().parents[3])
    assert child.stdout is not None and child.stdout.readline() == b"held\n"
    assert run.busy and run.process == child.pid
    child.kill()
    child.wait()
    child.stdout.close()
    assert not run.busy and run.process is None


def test_a_run_of_another_computer_has_no_process_here(run: RunFolder) -> None:
    with run.hold():
        (run.path / "process.json").write_text('{"process": 1, "computer": "elsewhere"}')
        assert run.busy and run.process is None
        (run.path / "process.json").write_text("{")
        assert run.process is None


# --- the log ---------------------------------------------------------------------------------------------------------

def test_the_log_is_one_object_a_line_and_a_torn_line_costs_itself_alone(run: RunFolder) -> None:
    run.log("step", step=10, loss=1.5)
    with (run.path / "log.jsonl").open("ab") as file:
        file.write(b'{"event": "step", "step": 2')
    run.log("end", why="stopped", message="")
    with (run.path / "log.jsonl").open("ab") as file:
        file.write(b'\xff\n7\n{"event": "unknown"}\n{"event": "note"')
    assert [each["event"] for each in run.events()] == ["step", "end"]
    assert [json.loads(line)["event"] for line in (run.path / "log.jsonl").read_bytes().splitlines()[::2][:2]] == [
        "step", "end"]


def test_a_log_is_read_on_from_where_it_was(run: RunFolder) -> None:
    log = run.path / "log.jsonl"
    assert read_events(log, 0) == ([], 0)
    run.log("step", step=1)
    first, offset = read_events(log, 0)
    run.log("step", step=2)
    second, _ = read_events(log, offset)
    assert [each["step"] for each in first + second] == [1, 2]


def test_a_rewound_log_lacks_what_will_happen_again(run: RunFolder) -> None:
    for event, step in (("begin", 0), ("step", 5), ("dev", 5), ("step", 10), ("dev", 10), ("step", 15)):
        run.log(event, step=step)
    run.log("note", text="no step")
    run.rewind(10)
    assert [(each["event"], each.get("step")) for each in run.events()] == [
        ("begin", 0), ("step", 5), ("dev", 5), ("step", 10), ("dev", 10), ("note", None)]
    run.rewind(10, look=True)
    assert [each["step"] for each in run.events() if each["event"] == "dev"] == [5]
