"""Records of a reproduction: kept and read again, refused when damaged or newer."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from core.errors import ReproductionError
from core.reproduce.records import FILE, PlanStep, Reproduction, StepRecord, load

STEPS = (PlanStep("train-full-1-ab", "Train full, seed 1", "train", ("prepare-cd",), "brewclip train d --seed 1", 1,
              nbytes=10, seconds=2.5),
         PlanStep("table-1-ef", "Table 1", "table", ("train-full-1-ab",), number=1))
MADE = Reproduction("small", "Small", tuple(map(StepRecord, STEPS)), {"flickr8k": "/data"}, "Little", "small-data",
                    (0, 1), "/home", "2026-01-01T00:00:00+00:00", {"Python": "3.11"}, ("short",))


def test_what_is_saved_is_read_again_and_readable_by_its_owner_alone(tmp_path: Path) -> None:
    done = replace(MADE.records[0], state="done", seconds=3.0, outputs=("a.json",), evaluations=(4,), run="runs/x")
    changed = MADE.with_record(done)

    changed.save(tmp_path / "out")

    assert load(tmp_path / "out") == changed
    assert changed.record("train-full-1-ab") == done
    assert changed.of_kind("table") == (MADE.records[1],)
    assert (tmp_path / "out" / FILE).stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(("change", "kind"), [
    ({"format": 99}, "newer"), ({"plan": 3}, "damaged"), ({"records": [{}]}, "damaged"), ({"more": 1}, "damaged")])
def test_another_file_is_refused(tmp_path: Path, change: dict, kind: str) -> None:
    MADE.save(tmp_path)
    (tmp_path / FILE).write_text(json.dumps({**json.loads((tmp_path / FILE).read_text()), **change}))

    with pytest.raises(ReproductionError) as error:
        load(tmp_path)

    assert error.value.kind == kind


def test_a_folder_without_one_is_said(tmp_path: Path) -> None:
    with pytest.raises(ReproductionError) as error:
        load(tmp_path)

    assert error.value.kind == "none"
