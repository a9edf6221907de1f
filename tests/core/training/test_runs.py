"""Runs as records: the state, the curves and the end are what the log says, whatever it lacks."""

import json
import shutil
import threading
from pathlib import Path

import pytest

from core.training import runs
from core.training.recipe import Recipe, TrainingOptions
from core.training.run_folder import RunFolder
from core.training.runs import RunReader, RunShelf, new_folder

RECIPE = Recipe(Path("/data"), training=TrainingOptions(steps=100))


def begun(path: Path, *events: tuple[str, dict[str, object]]) -> RunFolder:
    folder = RunFolder(path)
    folder.create(RECIPE)
    for name, facts in events:
        folder.log(name, **facts)
    return folder


BEGIN = ("begin", {"step": 0, "device": "cpu", "pairs": 24, "parameters": 99, "fallback": "No GPU."})
PREPARE = ("prepare", {"done": 3, "total": 9, "text": "Hearing recordings (clean)"})


def step(number: int, **facts: object) -> tuple[str, dict[str, object]]:
    return "step", {"step": number, "loss": 1 / number, "rate": 1e-4, "pairs_per_second": 10.0 + number, **facts}


def dev(number: int, score: float, best: bool = False) -> tuple[str, dict[str, object]]:
    return "dev", {"step": number, "score": score, "best": best, "speech_to_image": {"R@1": score / 2},
                   "image_to_speech": {"R@1": None}}


def end(why: str, message: str = "") -> tuple[str, dict[str, object]]:
    return "end", {"why": why, "message": message}


@pytest.mark.parametrize(("events", "alive", "state", "message"), [
    ((), False, "paused", runs.NEVER_BEGUN), ((), True, "preparing", ""), ((PREPARE,), True, "preparing", ""),
    ((PREPARE,), False, "failed", runs.LOST), ((BEGIN, step(10)), True, "training", ""),
    ((BEGIN, step(10)), False, "failed", runs.LOST), ((BEGIN, end("stopped", "It can go on.")), False, "paused",
                                                     "It can go on."),
    ((BEGIN, end("finished")), False, "finished", ""), ((BEGIN, end("patience")), False, "finished", ""),
    ((BEGIN, end("error", "The disk is full.")), False, "failed", "The disk is full."),
    ((BEGIN, end("cancelled")), False, "stopped", ""), ((BEGIN, end("stopped"), PREPARE), True, "preparing", ""),
    ((BEGIN, end("stopped"), BEGIN, step(10)), True, "training", "")])
def test_the_state_of_a_run(tmp_path: Path, events: tuple, alive: bool, state: str, message: str) -> None:
    begun(tmp_path / "1", *events)
    record = RunReader(tmp_path / "1").read(alive)
    assert (record.state, record.message, record.live) == (state, message, alive)


@pytest.mark.parametrize(("events", "failure"), [
    ((BEGIN, ("end", {"why": "error", "kind": "memory", "message": "Too little."})), "memory"),
    ((BEGIN, end("error", "Too little.")), ""), ((BEGIN, step(10)), ""),
    ((BEGIN, ("end", {"why": "error", "kind": "memory", "message": ""}), BEGIN, step(10)), "")])
def test_the_kind_of_the_error_that_ended_a_run(tmp_path: Path, events: tuple, failure: str) -> None:
    begun(tmp_path / "1", *events)
    assert RunReader(tmp_path / "1").read(False).failure == failure


def test_a_record_tells_what_the_log_does(tmp_path: Path) -> None:
    folder = begun(tmp_path / "7", PREPARE, BEGIN, step(10), step(20, memory=2_000_000_000), dev(20, 40.0, best=True),
                   step(30), dev(40, 35.0), ("note", {"text": "a.wav: It is empty."}))
    record = RunReader(folder.path).read(True)
    assert (record.name, record.step, record.steps, record.best, record.best_step) == ("run 7", 40, 100, 40.0, 20)
    assert (record.device, record.pairs, record.parameters, record.fallback) == ("cpu", 24, 99, "No GPU.")
    assert record.notes == ("a.wav: It is empty.",)
    assert record.curve("loss").steps == (10, 20, 30)
    assert record.curve("loss").last == pytest.approx(1 / 30)
    assert record.curve("memory").values == (2.0,)  # GB
    assert record.curve("speech_to_image.R@1").values == (20.0, 17.5)
    assert "image_to_speech.R@1" not in record.curves and record.curve("weight").last is None
    assert not record.usable
    folder.best.mkdir()
    assert RunReader(folder.path).read(True).usable


def test_what_is_being_prepared_is_told(tmp_path: Path) -> None:
    begun(tmp_path / "1", PREPARE)
    assert RunReader(tmp_path / "1").read(True).prepared == (3, 9, "Hearing recordings (clean)")
    assert RunReader(tmp_path / "1").read(False).prepared == (0, 0, "")


def test_the_time_left_is_reckoned_from_the_present_process(tmp_path: Path) -> None:
    folder = begun(tmp_path / "1")
    lines = [{"event": "step", "time": 0.0, "step": 10}, {"event": "begin", "time": 1000.0, "step": 10},
             {"event": "step", "time": 1010.0, "step": 20}, {"event": "step", "time": 1030.0, "step": 40}]
    (folder.path / "log.jsonl").write_text("".join(json.dumps(each) + "\n" for each in lines))
    assert RunReader(folder.path).read(True).seconds_left == pytest.approx(60)
    assert RunReader(folder.path).read(False).seconds_left is None
    (folder.path / "log.jsonl").write_text("".join(json.dumps(each) + "\n" for each in lines[:3]))
    assert RunReader(folder.path).read(True).seconds_left is None


def test_a_reader_reads_on_and_notices_a_rewound_log(tmp_path: Path) -> None:
    folder = begun(tmp_path / "1", BEGIN, step(10), step(20))
    reader = RunReader(folder.path)
    first = reader.read(True)
    assert reader.read(True) is first  # nothing is new
    folder.log("step", step=30, loss=0.1)
    assert reader.read(True).curve("loss").steps == (10, 20, 30)
    folder.rewind(10)
    assert reader.read(True).curve("loss").steps == (10,)
    folder.log("step", step=20, loss=0.2)
    assert reader.read(True).curve("loss").steps == (10, 20)
    shutil.rmtree(folder.path)
    assert reader.read(False).curve("loss").steps == ()


def test_a_damaged_run_is_a_record_too(tmp_path: Path) -> None:
    folder = begun(tmp_path / "1", BEGIN, step(10), ("step", {"step": 20, "loss": float("nan")}))
    (folder.path / "recipe.json").write_text("{")
    record = RunReader(folder.path).read()
    assert record.state == "failed" and record.recipe is None and "is damaged" in record.message
    assert record.curve("loss").steps == (10,) and record.steps == 0


def test_the_shelf_has_all_runs_newest_first(tmp_path: Path) -> None:
    assert RunShelf(tmp_path / "none").read() == ()
    for name in ("2", "10", "mine"):
        begun(tmp_path / name, BEGIN)
    (tmp_path / "11").mkdir()  # no run yet
    (tmp_path / "note.txt").write_text("x")
    shelf = RunShelf(tmp_path)
    assert [each.name for each in shelf.read()] == ["run 10", "run 2", "mine"]
    assert [each.state for each in shelf.read({tmp_path / "2"})] == ["failed", "training", "failed"]
    shutil.rmtree(tmp_path / "10")
    assert [each.name for each in shelf.read()] == ["run 2", "mine"]


def test_a_new_folder_has_the_next_number_and_nobody_gets_one_twice(tmp_path: Path) -> None:
    (tmp_path / "runs" / "9").mkdir(parents=True)
    (tmp_path / "runs" / "mine").mkdir()
    found: list[Path] = []
    threads = [threading.Thread(target=lambda: found.append(new_folder(tmp_path / "runs"))) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert sorted(int(each.name) for each in found) == list(range(10, 18))


def test_the_pace_is_that_of_the_newest_run_like_it(tmp_path: Path) -> None:
    begun(tmp_path / "1", BEGIN, step(10), step(20), step(30))
    begun(tmp_path / "2", BEGIN)
    records = RunShelf(tmp_path).read()
    assert runs.pace_of(records, lambda record: record.device == "cpu") == 30.0
    assert runs.pace_of(records, lambda record: record.device == "cuda") is None


def log_of(folder: Path, *lines: str) -> None:
    (folder / "log.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")


@pytest.mark.slow
def test_a_run_with_damaged_events_is_listed_beside_the_good_ones(tmp_path: Path, damaged_values) -> None:
    begun(tmp_path / "1", BEGIN, step(10))
    good = [{"event": name, "time": 5.0 + place, **facts} for place, (name, facts) in enumerate(
        (PREPARE, BEGIN, step(10), step(20), dev(20, 40.0, best=True), ("note", {"text": "a"}), end("finished")))]
    odd = ['{"event":"step","step":null}', '{"event":"dev","best":true,"step":1}', '{"event":"step","step":1e999}',
           '{"event":[]}', '{"event":"step","step":' + "9" * 400 + "}", "[]", "null", "{", "\N{SUPERSCRIPT TWO}"]
    cases = [[*map(json.dumps, good[:place]), json.dumps(bad), *map(json.dumps, good[place + 1:])]
             for place in range(len(good)) for bad in damaged_values(good[place])] + [[each] for each in odd]
    begun(tmp_path / "2")
    for lines in cases:
        log_of(tmp_path / "2", *lines)
        for alive in ((), {tmp_path / "2"}):
            second, first = RunShelf(tmp_path).read(alive)
            assert first.curve("loss").steps == (10,)
            assert second.name == "run 2" and second.step < 2**53 and second.message is not None
            assert not second.message.startswith("The run's folder could not"), lines  # the events themselves are sound
        RunFolder(tmp_path / "2").rewind(15)


@pytest.mark.slow
def test_a_run_with_a_damaged_recipe_is_listed_beside_the_good_ones(tmp_path: Path, damaged_values) -> None:
    begun(tmp_path / "1", BEGIN, step(10))
    begun(tmp_path / "2", BEGIN)
    for bad in damaged_values(RECIPE.to_json()):
        (tmp_path / "2" / "recipe.json").write_text(json.dumps(bad))
        second, first = RunShelf(tmp_path).read()
        assert first.recipe == RECIPE
        assert second.recipe is not None or (second.state == "failed" and second.message)


def test_folders_with_names_that_look_like_numbers_are_listed_by_name(tmp_path: Path) -> None:
    for name in ("\N{SUPERSCRIPT TWO}", "3", "\N{CIRCLED DIGIT ONE}"):
        begun(tmp_path / name, BEGIN)
    assert {each.name for each in RunShelf(tmp_path).read()} == {
        "\N{SUPERSCRIPT TWO}", "run 3", "\N{CIRCLED DIGIT ONE}"}
    assert new_folder(tmp_path).name == "4"


def test_a_folder_that_cannot_be_read_is_listed_with_the_reason(tmp_path: Path,
                                                                monkeypatch: pytest.MonkeyPatch) -> None:
    begun(tmp_path / "1", BEGIN, step(10))
    begun(tmp_path / "2", BEGIN)
    real = Path.stat

    def stat(path: Path, **options: object):
        if (tmp_path / "2") in path.parents:
            raise PermissionError(13, "Permission denied")
        return real(path, **options)

    monkeypatch.setattr(Path, "stat", stat)
    second, first = RunShelf(tmp_path).read()
    assert first.step == 10
    assert second.state == "failed" and "Permission denied" in second.message
