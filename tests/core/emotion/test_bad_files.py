"""One bad recording of an actor's never costs the others: it is named and left out."""

import pytest

from core.emotion import experiment, probe
from core.emotion.results import Options
from tests import bad_files


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in bad_files.SOUNDS if name != "gone"])  # nothing lists it
def test_one_bad_recording_of_ten_leaves_nine(explorer, take, tmp_path, monkeypatch, name):
    monkeypatch.setattr(probe, "STRENGTHS", (1e-2,))
    paths = [take(tmp_path / "ten", emotion, 1, 1, actor) for actor in (1, 2, 3, 4, 19) for emotion in (1, 3)]
    bad_files.spoil(paths[3], "recording", name, monkeypatch)
    result = experiment.run(explorer.workspace, Options(tmp_path / "ten", features=("layer-1", "acoustic"), seeds=1))
    assert result.train_files + result.test_files == 9
    assert {each.feature for each in result.scores} == {"layer-1", "acoustic"}
    assert {each.path for each in result.recordings} == {*paths} - {paths[3]}
    [note] = [note for note in result.notes if "left out: " in note]
    assert note.startswith("1 ") and paths[3].name in note


@pytest.mark.slow
def test_a_class_of_which_nothing_can_be_read_is_none(explorer, take, tmp_path, monkeypatch):
    monkeypatch.setattr(probe, "STRENGTHS", (1e-2,))
    paths = [take(tmp_path / "few", emotion, 1, 1, actor) for actor in (1, 2, 19) for emotion in (1, 5)]
    bad_files.unknown_coding(take(tmp_path / "few", 3, 1, 1, 2))
    result = experiment.run(explorer.workspace, Options(tmp_path / "few", features=("layer-1",)))
    assert (result.classes, result.chance) == (("neutral", "angry"), 50.0)
    assert {each.path: each.label for each in result.recordings} == {
        path: number % 2 for number, path in enumerate(paths)}
    assert any("No recording of happy could be read" in note for note in result.notes)
