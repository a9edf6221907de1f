"""Runs on disk, other voices under their probes, and tables."""

import csv
import json
from dataclasses import fields

import numpy as np
import pytest

from core import audio
from core.emotion import experiment, results, run_store, tables
from core.emotion import learned_probes as learned
from core.emotion import predict as listening
from core.emotion.results import Options, Result
from core.emotion.run_store import Runs
from core.errors import AudioError, StoreError

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def result(make_explorer, small_ravdess):
    explorer = make_explorer()
    features = ("layers", "attention", "fused", "layer-1")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(learned, "COSTS", (30.0,))
        patch.setattr(learned, "STRENGTHS", (1e-2,))
        found = experiment.run(explorer.workspace, Options(small_ravdess, features=features, seeds=2))
    explorer.close()
    return found


@pytest.fixture
def runs(tmp_path):
    from core.home import Home

    return Runs(Home(tmp_path / "home"))


def test_a_run_comes_back_as_it_was_kept(runs, result):
    kept = runs.keep(result)
    found = runs.read(kept.name)
    for each in fields(Result):
        if each.name != "answers":
            assert getattr(found.result, each.name) == getattr(result, each.name), each.name
    for key, answers in result.answers.items():
        again = found.result.answers[key]
        assert np.array_equal(again.predicted, answers.predicted)
        assert np.array_equal(again.probabilities, answers.probabilities)
        for one, other in zip(again.curves, answers.curves, strict=True):
            assert (one is None) == (other is None)
            assert one is None or (np.array_equal(one[0], other[0]) and np.array_equal(one[1], other[1]))
        assert all(np.array_equal(again.probe[name], array) for name, array in answers.probe.items())
    assert [one.name for one in runs.all()] == [kept.name]
    assert json.loads((kept.folder / run_store.RUN).read_text())["results"] == results.to_json(result)["results"]


def test_a_full_disk_leaves_no_half_run(runs, result, monkeypatch):
    def full(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(run_store.np, "savez", full)
    with pytest.raises(StoreError, match="make room") as error:
        runs.keep(result)
    assert error.value.kind == "full" and runs.all() == [] and not list(runs.folder.iterdir())


def test_damaged_and_half_written_runs_are_passed_over(runs, result):
    first, second = runs.keep(result), runs.keep(result)
    (first.folder / run_store.RUN).write_text("{")
    (runs.folder / ".half").mkdir()
    assert [one.name for one in runs.all()] == [second.name]
    with pytest.raises(StoreError) as error:
        runs.read(first.name)
    assert error.value.kind == "damaged"
    (second.folder / run_store.ANSWERS).write_bytes(b"nothing")
    with pytest.raises(StoreError) as error:
        runs.read(second.name)
    assert error.value.kind == "damaged"


def test_deleting_takes_a_run_and_nothing_else(runs, result, tmp_path):
    one, two = runs.keep(result), runs.keep(result)
    runs.delete(one.name)
    assert [each.name for each in runs.all()] == [two.name]
    (tmp_path / "mine").mkdir()
    for name in (one.name, "", "../mine", "/"):
        with pytest.raises(StoreError) as error:
            runs.delete(name)
        assert error.value.kind == "no_run"
    assert (tmp_path / "mine").is_dir()


def test_a_later_release_s_run_is_told(runs, result):
    kept = runs.keep(result)
    facts = json.loads((kept.folder / run_store.RUN).read_text())
    (kept.folder / run_store.RUN).write_text(json.dumps({**facts, "format": 99}))
    with pytest.raises(StoreError, match="later release"):
        runs.read(kept.name)


def test_other_voices_hear_what_the_experiment_heard(listener, runs, result):
    run = runs.read(runs.keep(result).name)
    place = next(number for number, one in enumerate(result.recordings) if one.actor == 20)
    waveform = audio.read(result.recordings[place].path)
    for key in result.answers:
        asked = listening.ProbePredictor(listener.workspace, run, key)
        asked.warm_up()
        told = asked.predict(waveform)
        assert told.probabilities == pytest.approx(result.answers[key].probabilities[place], abs=2e-3), key
        assert told.curve[1] == pytest.approx(result.answers[key].curves[place][1], abs=2e-3), key
        assert told.probabilities.sum() == pytest.approx(1, abs=1e-4)


def test_silence_far_from_the_voice_is_left_out():
    time = np.arange(audio.RATE) / audio.RATE
    voice = (0.3 * np.sin(2 * np.pi * 300 * time)).astype(np.float32)
    quiet = np.zeros(5 * audio.RATE, np.float32)
    start, cut = listening.voiced_part(audio.from_samples(np.concatenate([quiet, voice, quiet]), audio.RATE))
    assert start == pytest.approx(4, abs=0.1) and cut.seconds == pytest.approx(3, abs=0.2)
    whole = audio.from_samples(voice, audio.RATE)
    assert listening.voiced_part(whole) == (0.0, whole)


def test_what_one_says_is_kept_with_the_run(listener, runs, result):
    run = runs.keep(result)
    waveform = audio.read(result.recordings[0].path)
    told = listening.ProbePredictor(listener.workspace, run, "layers").predict(waveform)
    made = listening.keep(run, "layers", waveform, told)
    assert listening.trials(run) == [made]
    assert audio.read(made.path).samples == pytest.approx(waveform.samples, abs=1e-3)
    with (run.folder / "tries" / listening.LIST).open("a") as file:
        file.write('{"path": "half')
    assert listening.trials(run) == [made]


def test_sentences_of_one_s_own_bring_a_voice_to_where_speakers_were(listener, runs, small_ravdess):
    options = Options(small_ravdess, features=("layer-1", "acoustic"), speaker_statistics=True)
    found = experiment.run(listener.workspace, options)
    run = runs.read(runs.keep(found).name)
    own = [audio.read(one.path) for one in found.recordings if one.actor == 19]
    places = [number for number, one in enumerate(found.recordings) if one.actor == 19]
    for key in ("layer-1", "acoustic"):
        ear = listening.ProbePredictor(listener.workspace, run, key)
        assert ear.takes_sentences
        with pytest.raises(AudioError, match="at least 3"):
            ear.standardise_by(own[:2])
        ear.predict(own[0])  # without sentences: the average speaker
        ear.standardise_by(own)
        got = np.stack([ear.predict(one).probabilities for one in own])
        assert got == pytest.approx(found.answers[key].probabilities[places], abs=0.02), key
    plain = runs.read(runs.keep(experiment.run(listener.workspace, Options(small_ravdess, features=("layer-1",)))).name)
    assert not listening.ProbePredictor(listener.workspace, plain, "layer-1").takes_sentences


def test_tables(result, tmp_path):
    tables.save(result, tmp_path / "table.csv")
    with (tmp_path / "table.csv").open() as file:
        rows = list(csv.reader(file))
    assert rows[0] == list(tables.HEAD)
    assert rows[1][0] == "Layers, chosen" and rows[1][1] == f"{result.scores[0].score.accuracy:.1f}"
    assert next(row for row in rows if row[0] == "Both branches")[-1] == "56"
    assert [row[0] for row in rows[-2:]] == ["Most frequent class", "Chance"]
    tables.save(result, tmp_path / "table.md")
    text = (tmp_path / "table.md").read_text()
    assert text.count("|") % (len(tables.HEAD) + 1) == 0 and "6 of RAVDESS' 24 actors" in text
    with pytest.raises(StoreError) as error:
        tables.save(result, tmp_path / "table.xls")
    assert error.value.kind == "kind"
    with pytest.raises(StoreError) as error:
        tables.save(result, tmp_path / "none" / "table.md")
    assert error.value.kind == "not_written"


def test_a_run_with_any_damage_is_passed_over_beside_the_good_one(runs, result, damaged_values):
    good, bad = runs.keep(result), runs.keep(result)
    whole = json.loads((bad.folder / run_store.RUN).read_text())
    whole["recordings"], whole["results"] = whole["recordings"][:1], whole["results"][:1]
    whole["results"][0]["folds"] = whole["results"][0]["folds"][:1]
    for case in damaged_values(whole):
        (bad.folder / run_store.RUN).write_text(json.dumps(case))
        listed = runs.all()
        assert good.name in [one.name for one in listed]
        for one in listed:
            results.to_json(one.result)
