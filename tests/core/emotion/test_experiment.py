"""Experiments from end to end on small recordings: what they print, what they refuse, what they keep."""

import shutil
from dataclasses import replace

import numpy as np
import pytest

from core.emotion import experiment, probe, results
from core.emotion import learned_probes as learned
from core.emotion.branches import BranchEncoder, _digest
from core.emotion.results import Options
from core.errors import DatasetError
from core.models import checkpoints
from core.models.brewclip import BrewCLIP
from core.models.variants import BrewClipOptions
from core.progress import JobCancelled, WorkStep

pytestmark = pytest.mark.slow

RUN = checkpoints.Run("full", BrewClipOptions(), "tiny", "0", "Whisper fake", 16, "own", "centre")


@pytest.fixture
def one_strength(monkeypatch):
    """Nothing is chosen, which is most of the work."""
    monkeypatch.setattr(probe, "STRENGTHS", (1e-2,))


def test_the_paper_s_protocol_tells_pitches_apart_and_adds_up(listener, small_ravdess, monkeypatch):
    monkeypatch.setattr(learned, "COSTS", (30.0,))
    wish = Options(small_ravdess, features=("layers", "weighted", "attention"), seeds=2)
    result = experiment.run(listener.workspace, wish)
    told = results.to_json(result)
    assert told["classes"] == ["neutral", "happy", "sad", "angry"]
    assert (told["train_files"], told["test_files"]) == (80, 40)
    assert told["majority"] == 40.0 and told["chance"] == 25.0  # calm counts as neutral: two of five
    assert [one["feature"] for one in told["results"]] == ["layers", "weighted", "attention"]
    for one in told["results"]:
        counts = np.array(one["confusion"])
        assert counts.sum() == 40 * one["seeds"] and counts.sum(axis=1)[0] == 16 * one["seeds"]
        assert one["accuracy"] == pytest.approx(100 * np.trace(counts) / counts.sum(), abs=0.02)
        assert one["uar"] == pytest.approx(100 * np.mean(np.diag(counts) / counts.sum(axis=1)), abs=0.02)
        assert one["accuracy"] > (75 if one["feature"] == "layers" else 45)
        assert "C = " in one["folds"][0]["chosen"]
    assert "attention held at 30" in told["results"][2]["folds"][0]["chosen"]
    assert told["results"][0]["spread"]["accuracy"] == 0 and told["results"][0]["seeds"] == 1
    assert "6 of RAVDESS' 24 actors" in told["notes"][0]


def test_layers_are_chosen_among_the_training_speakers_alone(listener, small_ravdess, monkeypatch):
    seen = []
    choose = probe.choose
    monkeypatch.setattr(probe, "choose", lambda views, labels, groups, report: seen.append(set(groups))
                        or choose(views, labels, groups, report))
    result = experiment.run(listener.workspace, Options(small_ravdess, features=("layers",)))
    assert seen == [{1, 2, 3, 4}]
    assert "layer 0," not in result.scores[0].folds[0].chosen  # noise


def test_nothing_is_heard_twice(listener, small_ravdess, one_strength):
    experiment.run(listener.workspace, Options(small_ravdess, features=("layer-1",)))
    before = listener.ears.heard
    experiment.run(listener.workspace, Options(small_ravdess, protocol="speakers", features=("layer-1", "layer-2")))
    assert listener.ears.heard == before


def test_a_cancelled_run_goes_on_where_it_stood(explorer, small_ravdess):
    def stop(progress):
        if progress.step is WorkStep.READING_VOICES and progress.done >= 50:
            raise JobCancelled

    with pytest.raises(JobCancelled):
        experiment.run(explorer.workspace, Options(small_ravdess, features=("layer-1",)), stop)
    assert explorer.ears.heard == 50
    experiment.run(explorer.workspace, Options(small_ravdess, features=("layer-1",)))
    assert explorer.ears.heard == 120


def test_the_bar_follows_the_voices_that_are_heard(explorer, small_ravdess, one_strength):
    told = []

    def tell(progress):
        if progress.step is WorkStep.READING_VOICES and progress.total:
            told.append((progress.share, progress.done / progress.total))

    experiment.run(explorer.workspace, Options(small_ravdess, features=("layer-1",)), tell)
    assert len(told) > 50 and all(whole == pytest.approx(heard, abs=0.05) for whole, heard in told)


def test_every_recording_is_tested_once_over_the_folds(listener, small_ravdess, one_strength):
    for protocol, folds in (("speakers", 6), ("statement", 2), ("random", 5), ("folds", 4)):
        result = experiment.run(listener.workspace, Options(small_ravdess, protocol, features=("layer-1",), seeds=1))
        assert len(result.scores[0].folds) == folds
        assert (result.answers["layer-1"].predicted[0] >= 0).all()
        assert sum(fold.test for fold in result.scores[0].folds) == 120
        assert all(curve is not None for curve in result.answers["layer-1"].curves)


def test_protocols_that_leak_say_so(listener, small_ravdess, one_strength):
    random = experiment.run(listener.workspace, Options(small_ravdess, "random", features=("layer-1",), seeds=2))
    assert "same speakers" in random.leaking
    assert random.scores[0].seeds == 2 and random.scores[0].spread[0] > 0  # other parts by another seed
    assert experiment.run(listener.workspace, Options(small_ravdess, "speakers", features=("layer-1",))).leaking == ""


def test_the_features_tell_speakers_until_these_are_standardised(listener, small_ravdess):
    plain = experiment.run(listener.workspace, Options(small_ravdess, features=("layer-1",))).scores[0].leaks
    options = Options(small_ravdess, features=("layer-1",), speaker_statistics=True)
    even = experiment.run(listener.workspace, options).scores[0].leaks
    assert plain["speaker"].accuracy > 60 > plain["speaker"].chance
    assert even["speaker"].accuracy < plain["speaker"].accuracy / 2
    assert plain["speaker"].majority == pytest.approx(100 / 6, abs=0.1)


def test_branches_of_an_untrained_model(listener, small_ravdess, one_strength):
    options = Options(small_ravdess, features=("fused", "acoustic", "text", "paper", "paper-text"), seeds=2)
    found = {one.feature: one for one in experiment.run(listener.workspace, options).scores}
    assert all(one.seeds == 2 for one in found.values())
    assert found["acoustic"].score.accuracy > 60
    assert found["text"].score.accuracy <= 50  # the words are drawn by chance
    assert found["paper-text"].score.accuracy == 40.0  # the most frequent class
    again = {one.feature: one for one in experiment.run(listener.workspace, options).scores}
    assert found == again


def test_vectors_of_the_branches_are_made_once(explorer, small_ravdess, one_strength, monkeypatch):
    wish = Options(small_ravdess, features=("fused", "paper", "text-reference"), seeds=2)
    first = experiment.run(explorer.workspace, wish)

    def forbidden(*args):
        raise AssertionError("made again")

    monkeypatch.setattr(BranchEncoder, "_vectors", forbidden)
    again = experiment.run(explorer.workspace, wish)
    assert again.scores == first.scores
    assert all(np.array_equal(one[1], other[1]) for one, other in
               zip(again.answers["fused"].curves, first.answers["fused"].curves, strict=True) if one is not None)
    with pytest.raises(AssertionError, match="made again"):  # an untrained model of another seed is another model
        experiment.run(explorer.workspace, replace(wish, seeds=3))


def test_branches_of_another_model_have_other_fingerprints(listener, tiny_clip, tmp_path):
    seen = {BranchEncoder(listener.workspace, None).fingerprint(seed) for seed in range(2)}
    for _ in range(2):
        model = BrewCLIP(tiny_clip, "full", BrewClipOptions(), listener.ears.width)
        made = checkpoints.Checkpoint(RUN, {name: each.detach() for name, each in model.trained().items()})
        seen.add(_digest(made))
        assert _digest(made) == _digest(made)
    assert len(seen) == 4


def test_eight_classes_of_which_five_are_there(listener, small_ravdess):
    result = experiment.run(listener.workspace, Options(small_ravdess, classes=8, features=("layer-1",)))
    assert result.classes == ("neutral", "calm", "happy", "sad", "angry")
    assert any("fearful, disgust, surprised" in note for note in result.notes)


def test_wrong_wishes_are_told(listener, small_ravdess, tmp_path):
    for options, kind in ((Options(tmp_path / "nowhere"), "missing"), (Options(tmp_path), "not_this_kind"),
                          (Options(small_ravdess, "other"), "protocol"), (Options(small_ravdess, mode="other"), "mode"),
                          (Options(small_ravdess, classes=5), "classes"),
                          (Options(small_ravdess, features=("layer-6",)), "feature"),
                          (Options(small_ravdess, features=("nose",)), "feature"),
                          (Options(small_ravdess, mode="fine-tuned", features=("layer-1",)), "feature")):
        with pytest.raises(DatasetError) as error:
            experiment.run(listener.workspace, options)
        assert error.value.kind == kind and str(error.value).endswith((".", "?"))


def test_without_test_actors_the_paper_s_protocol_is_refused_in_words(explorer, take, tmp_path):
    for actor in (1, 2):
        for emotion in (1, 3):
            take(tmp_path, emotion, 1, 1, actor)
    with pytest.raises(DatasetError, match="19 to 24 to test, and there are actors 1, 2") as error:
        experiment.run(explorer.workspace, Options(tmp_path, features=("layer-1",)))
    assert error.value.kind == "too_few"
    result = experiment.run(explorer.workspace, Options(tmp_path, "speakers", features=("layer-1",)))
    assert result.classes == ("neutral", "happy") and result.test_files == 4
    assert result.scores[0].leaks == {}  # one sentence, one actor of each sex: nothing can be shown


def test_stereo_broken_and_doubled_files(explorer, take, tmp_path):
    for actor in (1, 2, 19, 20):
        for emotion in (1, 3, 5):
            for statement in (1, 2):
                take(tmp_path, emotion, statement, 1, actor, channels=2 if statement == 1 else 1)
    nested = tmp_path / "audio_speech_actors_01-24" / "Actor_01"
    shutil.copytree(tmp_path / "Actor_01", nested)
    broken = take(tmp_path, 4, 1, 1, 2)
    broken.write_bytes(broken.read_bytes()[:2000])
    result = experiment.run(explorer.workspace, Options(tmp_path, features=("layer-1", "acoustic"), seeds=1))
    assert result.train_files + result.test_files == 24
    assert any("1 recordings could not be read" in note and broken.name in note for note in result.notes)
    assert any("nested copies were left out" in note for note in result.notes)


def test_only_one_emotion_is_refused(explorer, take, tmp_path):
    take(tmp_path, 1, 1, 1, 1)
    take(tmp_path, 2, 1, 1, 19)
    with pytest.raises(DatasetError, match="too few emotions"):
        experiment.run(explorer.workspace, Options(tmp_path))
