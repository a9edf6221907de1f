"""Fine-tuning on small recordings: it learns, the same way each time, and can be taken up again from what is kept."""

import os
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional

from core.asr.transcript import Transcript
from core.emotion import experiment
from core.emotion import finetune as tuning
from core.emotion import fold_cache as kept_folds
from core.emotion import predict as listening
from core.emotion.augment import CHANGES
from core.emotion.finetune_heads import BranchHead, Ensemble, LayerMixHead, text_batch
from core.emotion.probe import LinearProbe
from core.emotion.results import Options
from core.emotion.run_store import Runs
from core.errors import StoreError
from core.models.brewclip import BrewCLIP
from core.models.variants import BrewClipOptions
from core.progress import JobCancelled

pytestmark = pytest.mark.slow

REPOSITORY = Path(__file__).resolve().parents[3]


@pytest.fixture(autouse=True)
def few_epochs(monkeypatch):
    monkeypatch.setattr(tuning, "RECIPES", {key: replace(one, epochs=4) for key, one in tuning.RECIPES.items()})


def options(folder, *features, **more):
    return Options(folder, mode="fine-tuned", features=features, seeds=1, **more)


def test_it_learns_from_what_whisper_hears_and_repeats_itself(listener, small_ravdess):
    wish = options(small_ravdess, "layers", "text")
    first = experiment.run(listener.workspace, wish)
    found = {one.feature: one for one in first.scores}
    assert found["layers"].score.accuracy > 70
    assert found["text"].score.accuracy < 60  # the words say nothing here
    shutil.rmtree(listener.home.caches / "emotion-folds")
    again = experiment.run(listener.workspace, wish)
    assert again.scores == first.scores
    assert np.array_equal(again.answers["layers"].probabilities, first.answers["layers"].probabilities)
    assert {one.fold for one in found["layers"].folds} == {"actors 19 to 24"}


def test_only_prompts_and_acoustic_layer_change(listener, small_ravdess):
    model = listener.backbone().built.model
    before = {name: each.clone() for name, each in model.state_dict().items()}
    experiment.run(listener.workspace, options(small_ravdess, "fused"))
    assert all((before[name] == each).all() for name, each in model.state_dict().items())
    assert not any(each.requires_grad for each in model.parameters())


def test_stopped_training_costs_only_the_training(explorer, small_ravdess):
    def stop(progress):
        if progress.title.startswith("Layers, chosen") and explorer.ears.heard == 360:
            raise JobCancelled

    with pytest.raises(JobCancelled):
        experiment.run(explorer.workspace, options(small_ravdess, "layers"), stop)
    heard = explorer.ears.heard
    assert heard == 360  # 120 recordings, and three copies of the 80 that are learned from
    experiment.run(explorer.workspace, options(small_ravdess, "layers"))
    assert explorer.ears.heard == heard


def trained_folds(monkeypatch):
    """The seeds of folds that are trained from now on, by feature."""
    trained, fit = [], tuning.FineTunedProbe.fit

    def counted(self, places, seed, report):
        trained.append((self._kind, seed))
        return fit(self, places, seed, report)

    monkeypatch.setattr(tuning.FineTunedProbe, "fit", counted)
    return trained


def test_a_stopped_fine_tuning_goes_on_with_the_fold_it_stood_at(explorer, small_ravdess, monkeypatch):
    monkeypatch.setattr(tuning, "RECIPES", {key: replace(one, epochs=1) for key, one in tuning.RECIPES.items()})
    wish = options(small_ravdess, "acoustic", protocol="folds")
    trained = trained_folds(monkeypatch)

    def stop(progress):
        if "Fine-tuning" in progress.text() and len(trained) == 2:
            raise JobCancelled

    with pytest.raises(JobCancelled):
        experiment.run(explorer.workspace, wish, stop)
    trained.clear()
    result = experiment.run(explorer.workspace, wish)
    assert len(trained) == 3  # one of four was there
    trained.clear()
    again = experiment.run(explorer.workspace, wish)
    assert trained == [] and again.scores == result.scores
    for one, other in zip(again.answers["acoustic"].curves, result.answers["acoustic"].curves, strict=True):
        assert np.array_equal(one[1], other[1])
    assert again.answers["acoustic"].probe.keys() == result.answers["acoustic"].probe.keys()
    experiment.run(explorer.workspace, replace(wish, speaker_statistics=True))
    assert len(trained) == 4  # another experiment has folds of its own


# a fine-tuning whose process is killed in the second fold
KILLED = """
import os, runpy, signal, sys
from dataclasses import replace
from pathlib import Path
from core.emotion import experiment, finetune as tuning
from core.emotion.results import Options
from core.home import Home

made = runpy.run_path(sys.argv[1])  # conftest.py
tuning.RECIPES = {key: replace(one, epochs=1) for key, one in tuning.RECIPES.items()}
fit, trained = tuning.FineTunedProbe.fit, []

def counted(self, places, seed, report):
    trained.append(seed)
    return fit(self, places, seed, report)

def killed(progress):
    if "Fine-tuning" in progress.text() and len(trained) == 2:
        os.kill(os.getpid(), signal.SIGKILL)

tuning.FineTunedProbe.fit = counted
wish = Options(Path(sys.argv[3]), "folds", "fine-tuned", features=("layers",), seeds=1)
experiment.run(made["FakeExplorer"](Home(Path(sys.argv[2])), None).workspace, wish, killed)
"""


def test_a_killed_fine_tuning_ends_as_one_that_was_not(explorer, make_explorer, small_ravdess, monkeypatch):
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", KILLED, str(Path(__file__).with_name("conftest.py")), str(explorer.home.root),
               str(small_ravdess)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == -signal.SIGKILL, done.stderr
    monkeypatch.setattr(tuning, "RECIPES", {key: replace(one, epochs=1) for key, one in tuning.RECIPES.items()})
    trained, wish = trained_folds(monkeypatch), options(small_ravdess, "layers", protocol="folds")
    result = experiment.run(explorer.workspace, wish)
    assert len(trained) == 3  # one of four was kept
    other = make_explorer()
    whole = experiment.run(other.workspace, wish)
    other.close()
    assert len(trained) == 7 and result.scores == whole.scores
    for one, same in zip(result.answers["layers"].curves, whole.answers["layers"].curves, strict=True):
        assert np.array_equal(one[1], same[1])


def test_a_damaged_fold_is_learned_again(explorer, small_ravdess, monkeypatch):
    wish = options(small_ravdess, "acoustic", "text-reference")
    experiment.run(explorer.workspace, wish)
    trained = trained_folds(monkeypatch)
    damaged, = (explorer.home.caches / "emotion-folds").rglob("acoustic-*.npz")
    damaged.write_bytes(damaged.read_bytes()[:500])
    experiment.run(explorer.workspace, wish)
    assert trained == [("acoustic", 0)]


def test_a_full_disk_is_told_and_leaves_no_half_fold(explorer, small_ravdess, monkeypatch):
    def full(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(kept_folds.np, "savez", full)
    with pytest.raises(StoreError, match="make room") as error:
        experiment.run(explorer.workspace, options(small_ravdess, "text-reference"))
    assert error.value.kind == "full" and not list((explorer.home.caches / "emotion-folds").rglob("*.n*"))


def test_folds_of_the_last_experiments_alone_are_kept(explorer, small_ravdess):
    place = explorer.home.caches / "emotion-folds"
    for number in range(6):
        (place / f"old {number}").mkdir(parents=True)
    experiment.run(explorer.workspace, options(small_ravdess, "text-reference"))
    assert len(list(place.iterdir())) == kept_folds.EXPERIMENTS


def test_words_that_are_the_same_in_all_emotions_tell_nothing(listener, small_ravdess):
    for mode in ("linear", "fine-tuned"):
        wish = replace(options(small_ravdess, "text-reference"), mode=mode)
        score = experiment.run(listener.workspace, wish).scores[0]
        assert score.score.accuracy == 40.0 and score.score.uar == 25.0  # all are heard as neutral
        assert all(row[1:] == (0, 0, 0) for row in score.confusion)


def test_the_branches_are_added_as_the_model_adds_them(tiny_clip):
    torch.manual_seed(1)
    model = BrewCLIP(tiny_clip, "full", BrewClipOptions(gate=True, acoustic_weight=0.4), 16).eval()
    torch.nn.init.normal_(model.gate.weigh.weight)
    said = [Transcript("Kids are talking", "en", (), -0.9, 0.1, 1.0), Transcript("", "", (), -4.0, 0.9, 1.0),
            Transcript("Dogs are sitting by the door", "en", (), -0.1, 0.0, 1.0)]
    states = [np.random.default_rng(place).normal(size=(6, 16)).astype(np.float16) for place in range(3)]
    wanted = model.encode_speech(model.collate(said, [[one] for one in states])).spoken
    head = BranchHead(model, "fused", 4).eval()
    found = head.features(torch.from_numpy(np.stack(states)).float(), torch.ones(3, 6), text_batch(model, said))
    assert torch.allclose(found, functional.normalize(wanted, dim=1), atol=1e-4)
    assert not any(name.startswith("gate") for name in head.state_dict())


def test_a_kept_ear_says_the_same_of_a_recording(listener, small_ravdess):
    from core import audio

    result = experiment.run(listener.workspace, options(small_ravdess, "layers", "fused"))
    run = Runs(listener.home).read(Runs(listener.home).keep(result).name)
    place = next(number for number, one in enumerate(result.recordings) if one.actor == 19)
    waveform = audio.read(result.recordings[place].path)
    for key in ("layers", "fused"):
        told = listening.ProbePredictor(listener.workspace, run, key).predict(waveform)
        assert told.probabilities == pytest.approx(result.answers[key].probabilities[place], abs=2e-3)
        assert told.curve[1] == pytest.approx(result.answers[key].curves[place][1], abs=2e-3)


def test_layers_of_speakers_that_are_standardised_are_tuned_as_well(listener, small_ravdess):
    result = experiment.run(listener.workspace, options(small_ravdess, "layers", speaker_statistics=True))
    found, = result.scores
    assert found.score.accuracy > 70 and 0 < found.leaks["speaker"].accuracy <= 100
    assert {"typical", "usual"} <= result.answers["layers"].probe.keys()


def test_a_run_from_when_one_learned_alone_is_still_read(listener, small_ravdess):
    kept = experiment.run(listener.workspace, options(small_ravdess, "layers")).answers["layers"].probe
    alone = {name.replace("members.0.", ""): array for name, array in kept.items() if "members.0." in name}
    assert 0 < len(alone) < len(kept)
    one = tuning.restore("layers", None, {**alone, "mean": kept["mean"], "scale": kept["scale"]}, 4)
    three = tuning.restore("layers", None, kept, 4)
    assert (len(one.head.members), len(three.head.members)) == (1, 3)
    assert all(torch.equal(mine, its) for mine, its in zip(one.head.parameters(),
                                                          three.head.members[0].parameters(), strict=True))


def test_members_that_learn_together_learn_each_for_themselves():
    torch.manual_seed(0)
    start = LinearProbe(np.zeros((3, 8), np.float32), np.zeros(3, np.float32))
    members = [LayerMixHead(start, 2, 4, BrewClipOptions(heads=2, feed_forward=8)).eval() for _ in range(2)]
    for each in members:
        torch.nn.init.normal_(each.head.weight)
    states, share, targets = torch.randn(5, 2, 6, 4), torch.ones(5, 6), torch.tensor([0, 1, 2, 0, 1])
    together = Ensemble(members)
    together.loss(states, share, None, targets).backward()
    shared = [one.grad.clone() for one in members[1].parameters()]
    members[1].zero_grad()
    members[1].loss(states, share, None, targets).backward()
    assert all(torch.equal(one.grad, before) for one, before in zip(members[1].parameters(), shared, strict=True))
    said = torch.stack([each(states, share, None).log_softmax(1) for each in members]).mean(0)
    assert torch.allclose(together(states, share, None), said)


def test_a_voice_is_moved_to_a_blend_of_the_speakers_learned_from():
    draw = np.random.default_rng(0)
    voiced = draw.normal(size=(6, 2, 3)).astype(np.float32)
    speakers = tuning.SpeakerMeans.of(voiced, [7, 7, 9, 9, 9, 4])
    assert speakers.means[1] == pytest.approx(voiced[:2].mean(axis=0)) and speakers.which == [1, 1, 2, 2, 2, 0]
    moved = np.stack([speakers.to_others(0, draw) + speakers.means[1] for _ in range(50)])
    low, high = speakers.means.min(axis=0), speakers.means.max(axis=0)
    assert (moved >= low - 1e-5).all() and (moved <= high + 1e-5).all() and moved.std(axis=0).min() > 0
    alone = tuning.SpeakerMeans.of(voiced, [1] * 6)
    assert alone.to_others(3, draw) == pytest.approx(0, abs=1e-6)


def test_the_changes_of_a_recording(tone):
    pitch_of = {}
    for name, change in CHANGES.items():
        changed = change(tone)
        assert np.array_equal(change(tone).samples, changed.samples)
        assert 0.8 < changed.seconds / tone.seconds < 1.25
        spectrum = np.abs(np.fft.rfft(changed.samples * np.hanning(len(changed.samples))))
        pitch_of[name] = spectrum.argmax() / changed.seconds
    assert pitch_of["noise"] == pytest.approx(200, abs=1) and pitch_of["stretch"] == pytest.approx(200, abs=3)
    assert 178 < pitch_of["pitch"] < 225 and abs(pitch_of["pitch"] - 200) > 1
    assert CHANGES["stretch"](tone).seconds != pytest.approx(tone.seconds, abs=0.01)


@pytest.fixture
def tone():
    from core.audio import RATE, from_samples

    time = np.arange(2 * RATE) / RATE
    return from_samples((0.3 * np.sin(2 * np.pi * 200 * time)).astype(np.float32), RATE)
