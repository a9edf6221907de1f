"""Fine-tuning on small recordings: it learns, the same way each time, and can be taken up again from what is kept."""

import numpy as np
import pytest

from core.emotion import experiment, listening, tuning
from core.emotion.augment import CHANGES
from core.emotion.experiment import Options
from core.emotion.run_store import Runs
from core.progress import JobCancelled


@pytest.fixture(autouse=True)
def few_epochs(monkeypatch):
    monkeypatch.setattr(tuning, "EPOCHS", 4)


def options(folder, *features, **more):
    return Options(folder, mode="fine-tuned", features=features, seeds=1, **more)


def test_it_learns_from_what_whisper_hears_and_repeats_itself(listener, small_ravdess):
    wish = options(small_ravdess, "layers", "text")
    first = experiment.run(listener, wish)
    found = {one.feature: one for one in first.scores}
    assert found["layers"].score.accuracy > 70
    assert found["text"].score.accuracy < 60  # the words say nothing here
    again = experiment.run(listener, wish)
    assert again.scores == first.scores
    assert np.array_equal(again.answers["layers"].probabilities, first.answers["layers"].probabilities)
    assert {one.fold for one in found["layers"].folds} == {"actors 19 to 24"}


def test_only_prompts_and_acoustic_layer_change(listener, small_ravdess):
    model = listener.backbone().built.model
    before = {name: each.clone() for name, each in model.state_dict().items()}
    experiment.run(listener, options(small_ravdess, "fused"))
    assert all((before[name] == each).all() for name, each in model.state_dict().items())
    assert not any(each.requires_grad for each in model.parameters())


def test_stopped_training_costs_only_the_training(explorer, small_ravdess):
    def stop(done, total, text):
        if text.startswith("Layers, chosen") and explorer.ears.heard == 360:
            raise JobCancelled

    with pytest.raises(JobCancelled):
        experiment.run(explorer, options(small_ravdess, "layers"), stop)
    heard = explorer.ears.heard
    assert heard == 360  # 120 recordings, and three copies of the 80 that are learned from
    experiment.run(explorer, options(small_ravdess, "layers"))
    assert explorer.ears.heard == heard


def test_a_kept_ear_says_the_same_of_a_recording(listener, small_ravdess):
    from core import audio

    result = experiment.run(listener, options(small_ravdess, "layers", "fused"))
    run = Runs(listener.home).read(Runs(listener.home).keep(result).name)
    place = next(number for number, one in enumerate(result.recordings) if one.actor == 19)
    waveform = audio.read(result.recordings[place].path)
    for key in ("layers", "fused"):
        told = listening.Listener(listener, run, key).listen(waveform)
        assert told.probabilities == pytest.approx(result.answers[key].probabilities[place], abs=2e-3)
        assert told.curve[1] == pytest.approx(result.answers[key].curves[place][1], abs=2e-3)


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
