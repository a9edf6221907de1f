"""A home of an earlier version opens, and formats stay: fingerprints, cache keys, checkpoints, CLI JSON, store rows."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import USERS_HOME
from tests.golden import session
from tests.golden.record import EXPECTED

pytestmark = pytest.mark.slow

LATER_SETTINGS = ("inference", "speech.recogniser", "speech.beam", "speech.prompt", "search.live", "search.hands_free",
                  "watch.mode", "watch.minutes", "appearance.language",
                  )  # which the release that made the home did not have
LATER_FIGURES = ("nDCG@10", "MRR", "wer_authors", "hit_on_wer_authors")  # of evaluations, likewise
LATER_HIT_FACTS = ("strength", "expected_by_chance", "shares", "tags", "rating", "size", "width", "height")
PARTS = json.loads(EXPECTED.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory, whisper_base: Path) -> Iterator[dict[str, Any]]:
    """What the session does in the old home, run once."""
    root = tmp_path_factory.mktemp("golden").resolve()
    home = session.unpack(root)
    (home / "weights").symlink_to(USERS_HOME.weights)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BREWCLIP_HOME", str(home))
        yield session.run(root)


CHOSEN = re.compile(r"; C = [\d.e-]+$")  # of two regularisations that are as good, the processor's rounding decides


def without_rounding(value: Any) -> Any:
    """The value without what the last bits of a float decide: digests of trained tensors, close choices of C."""
    if isinstance(value, dict):
        return {key: "a digest" if key == "tensors" and isinstance(inner, str) and len(inner) == 64
                else CHOSEN.sub("", inner) if key == "chosen" and isinstance(inner, str) else without_rounding(inner)
                for key, inner in value.items()}
    return [without_rounding(inner) for inner in value] if isinstance(value, list) else value


def without_later_figures(value: Any) -> Any:
    """The value without `LATER_FIGURES`, at any depth."""
    if isinstance(value, dict):
        return {key: without_later_figures(inner) for key, inner in value.items() if key not in LATER_FIGURES}
    return [without_later_figures(inner) for inner in value] if isinstance(value, list) else value


@pytest.mark.parametrize("command", session.COMMANDS)
def test_a_command_prints_what_it_did(outcome: dict[str, Any], command: str) -> None:
    printed = outcome["printed"][command]
    if command == "settings":
        printed = {key: value for key, value in printed.items() if key not in LATER_SETTINGS}
        assert printed["vision.crop"] == "auto"  # which is the centre crop for the home's model
        printed["vision.crop"] = "centre"
    elif command.startswith("search"):
        printed["hits"] = [{key: value for key, value in hit.items() if key not in LATER_HIT_FACTS}
                           for hit in printed["hits"]]
    expected = without_rounding(PARTS["printed"][command])
    assert not list(session.differences(expected, without_rounding(without_later_figures(printed))))


@pytest.mark.parametrize("table", PARTS["rows"])
def test_rows_of_the_store_are_the_same(outcome: dict[str, Any], table: str) -> None:
    assert not list(session.differences(PARTS["rows"][table], without_later_figures(outcome["rows"][table])))


@pytest.mark.parametrize("part", [part for part in PARTS if part not in ("printed", "rows")])
def test_files_are_the_same(outcome: dict[str, Any], part: str) -> None:
    level = without_rounding if part == "run" else lambda value: value  # the old run is as it was written
    assert not list(session.differences(level(PARTS[part]), level(outcome[part])))


def test_evaluations_have_the_later_figures(outcome: dict[str, Any]) -> None:
    for record in outcome["printed"]["evaluations"]:
        for direction in ("speech_to_image", "image_to_speech"):
            assert all(isinstance(record[direction][name], float) for name in LATER_FIGURES[:2])


def test_a_difference_is_seen() -> None:
    assert list(session.differences({"a": [1, 2.0], "b": "x"}, {"a": [1, 2.1], "c": "x"})) == [
        "/a/1: 2.0 expected, 2.1 found", "/b: missing", "/c: new"]
    assert list(session.differences({"avg_logprob": -0.03}, {"avg_logprob": -0.09}))
    assert not list(session.differences({"avg_logprob": -0.03}, {"avg_logprob": -0.06}))
    assert without_rounding({"tensors": "0" * 64, "chosen": "layer 3; C = 0.001"}) == {
        "tensors": "a digest", "chosen": "layer 3"}
