"""`brewclip train`, as its user types it: what it prints, how it is stopped, how it goes on, what it refuses."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import ModuleType

import pytest
import torch

from core import cli
from core.home import Home
from core.training import options as option_table
from core.training.run_folder import RunFolder
from core.training.validation import DevResult

pytestmark = pytest.mark.slow

REPOSITORY = Path(__file__).resolve().parents[3]
PROGRAM = Path(__file__).with_name("little_cli.py")
QUICK = ("--backbone", "little/random", "--batch", "4", "--steps", "8", "--evaluate-every", "4", "--rate", "0.003",
         "--prompts", "2", "--heads", "4", "--feed-forward", "32", "--device", "cpu")


@pytest.fixture
def brewclip(little: ModuleType, home: Home, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """brewclip("train", ...) -> exit code, stdout, stderr; in this process, over the little models."""
    monkeypatch.setattr("core.explorer.Explorer", lambda home, settings: little.LittleExplorer(home.root))

    def run(*arguments: object) -> tuple[int, str, str]:
        try:
            code = cli.main([str(each) for each in arguments])
        except SystemExit as ended:
            code = ended.code
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


def child(home: Path, *arguments: object, launcher: tuple[str, ...] = ()) -> subprocess.Popen[str]:
    environment = {**os.environ, "BREWCLIP_HOME": str(home), "PYTHONPATH": str(REPOSITORY), "OMP_NUM_THREADS": "1",
                   "GLOO_SOCKET_IFNAME": "lo"}
    return subprocess.Popen([sys.executable, *launcher, str(PROGRAM), *map(str, arguments)], env=environment,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_a_run_from_beginning_to_end(brewclip, data: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    code, out, err = brewclip("train", data, "--out", run, *QUICK)
    assert code == 0, err
    assert out.startswith("8 steps (finished); best at step") and out.rstrip().endswith(f"{run / 'best'}")
    assert "24 pairs, model chosen on dev; 32 recordings to transcribe; caches grow by" in err
    assert "Transcribing recordings" in err and "Training" in err
    recipe = RunFolder(run).recipe()
    assert recipe.training.steps == 8 and recipe.model.feed_forward == 32 and recipe.dataset == data
    for line in (run / "log.jsonl").read_text().splitlines():
        assert json.loads(line)["event"]
    code, out, _ = brewclip("train", "--resume", "--out", run, "--json")
    assert code == 0
    assert json.loads(out).keys() == {"run", "why", "steps", "best_step", "score"}
    assert json.loads(out)["steps"] == 8 and json.loads(out)["run"] == str(run)


def test_mistakes_are_told_in_a_sentence(brewclip, data: Path, tmp_path: Path) -> None:
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.tex").write_text("x")
    for arguments, sentence in (
            (("--out", tmp_path / "a"), "Name the dataset folder to train on"),
            (("--resume", "--out", tmp_path / "a"), "There is no run in"),
            ((tmp_path / "nowhere", "--out", tmp_path / "a"), "nowhere"),
            ((data, "--out", tmp_path / "thesis", *QUICK), "is not empty"),
            ((data, "--out", tmp_path / "a", *QUICK, "--train-split", "training"), "has no split 'training'"),
            ((data, "--out", tmp_path / "a", *QUICK, "--noise", "loud"), "is no condition"),
            ((data, "--out", tmp_path / "a", "--steps", "0"), "steps cannot be 0"),
            ((data, "--out", tmp_path / "a", "--dropout", "2"), "dropout cannot be 2.0"),
            ((data, "--out", tmp_path / "c", *QUICK, "--max-cache-gb", "0"), "that are allowed"),
            ((data, "--out", tmp_path / "b", *QUICK, "--batch", "32"), "less than a batch of 32"),
            ((data, "--out", tmp_path / "a", "--variant", "zero-shot"), "invalid choice"),
            ((data, "--resume", "--out", tmp_path / "c", "--steps", "9"), "leave out --steps"),
            ((data, "--resume", "--out", tmp_path / "c", "--as", "paper"), "leave out --as"),
            ((data, "--out", tmp_path / "a", "--as", "thesis"), "invalid choice")):
        code, out, err = brewclip("train", *arguments)
        last = err.strip().splitlines()[-1]
        assert code == 2 and not out, arguments
        assert last.startswith("brewclip: ") and sentence in last, (arguments, err)
    assert not (tmp_path / "a").exists()  # nothing was begun
    assert brewclip("train", data, "--out", tmp_path / "c", *QUICK)[0] == 0  # what never began may be begun anew


def test_options_change_a_preset_even_to_the_default(brewclip, data: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    assert brewclip("train", data, "--out", run, "--as", "small-data", "--dropout", "0.1", *QUICK)[0] == 0
    recipe = RunFolder(run).recipe()
    assert recipe.preset == "small-data" and recipe.model.dropout == 0.1 and recipe.training.teach == 30.0


def test_a_limit_on_dev_is_told_wherever_its_score_is(brewclip, data: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    code, out, err = brewclip("train", data, "--out", run, "--dev-limit", "2", *QUICK)
    assert code == 0 and "mean recall on dev (at most 2 pictures)" in out
    assert "model chosen on dev (at most 2 pictures); 28 recordings to transcribe" in err
    metrics = json.loads((run / "best" / "run.json").read_text())["metrics"]
    assert metrics["dev"]["limit"] == metrics["zero_shot"]["limit"] == metrics["training"]["dev_limit"] == 2
    assert {event["limit"] for event in RunFolder(run).events() if event["event"] == "dev"} == {2}
    assert "limit" not in json.dumps(DevResult((0.0,) * 3, (0.0,) * 3, 1.0).to_json())


def test_every_option_is_an_argument(brewclip) -> None:
    _, out, _ = brewclip("train", "--help")
    for option in option_table.OPTIONS:
        assert option.flag in out


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_asked_to_stop_it_saves_and_can_go_on(brewclip, data: Path, tmp_path: Path, number: signal.Signals) -> None:
    run = tmp_path / "run"
    process = child(tmp_path / "home", "train", data, "--out", run, *QUICK, "--steps", "100000")
    while not any(each["event"] == "dev" for each in RunFolder(run).events()):
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)
    process.send_signal(number)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 130
    assert "what was done is kept" in errors
    assert RunFolder(run).events()[-1]["why"] == "stopped"
    assert RunFolder(run).state().step >= 4 and not RunFolder(run).busy


def test_torchrun_with_three_processes_finishes(data: Path, tmp_path: Path) -> None:
    run, launcher = tmp_path / "run", ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "3")
    process = child(tmp_path / "home", "train", data, "--out", run, *QUICK, "--json", launcher=launcher)
    out, errors = process.communicate(timeout=500)
    assert process.returncode == 0, errors
    assert json.loads(out)["steps"] == 8  # said once
    events = RunFolder(run).events()
    assert [each["processes"] for each in events if each["event"] == "begin"] == [3]
    assert [each["step"] for each in events if each["event"] == "dev"] == [4, 8]
    assert (run / "best" / "model.safetensors").exists()
    assert all(torch.isfinite(each).all() for each in RunFolder(run).state().tensors.values())
