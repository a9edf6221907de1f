"""Probing emotion with a backbone on a device that is not the CPU: linear, fine-tuned, and listening with what is kept.

The device is pretended (tests/core/pretend_device.py).
"""

import importlib.util
import sys
from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core import audio
from core.emotion import experiment
from core.emotion import finetune as tuning
from core.emotion import predict as listening
from core.emotion.results import Options
from core.emotion.run_store import Runs
from core.fingerprint import Fingerprint
from core.home import Home

pytestmark = pytest.mark.slow


@pytest.fixture(scope="session")
def pretend():
    """tests/core/pretend_device.py."""
    path = Path(__file__).parents[1] / "pretend_device.py"
    spec = importlib.util.spec_from_file_location(path.stem, path)
    sys.modules[path.stem] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(sys.modules[path.stem])
    return sys.modules[path.stem]


@pytest.fixture
def away(pretend, listener, tiny_clip, tmp_path, monkeypatch):
    """The pretended device; the listener's backbone is there."""
    monkeypatch.setattr(tuning, "RECIPES", {key: replace(one, epochs=1) for key, one in tuning.RECIPES.items()})
    with pretend.pretending() as device:
        listener.models.eyes.built = replace(tiny_clip, model=deepcopy(tiny_clip.model).to(device))
        listener.models.eyes.fingerprint = lambda crop: own_print(device, crop)
        yield device


def own_print(device, crop):
    """A fingerprint that shares no cache with the CPU's tests."""
    return Fingerprint.of({"backbone": f"tiny on {device}", "crop": crop})


@pytest.mark.parametrize(("mode", "features"), [
    ("linear", ("fused", "acoustic", "text", "text-reference", "paper")),
    ("fine-tuned", ("fused", "acoustic", "text", "text-reference", "layers"))])
def test_branches_are_probed_there_and_listened_with(listener, away, small_ravdess, tmp_path, mode, features):
    result = experiment.run(listener.workspace, Options(small_ravdess, mode=mode, features=features, seeds=1))
    assert {one.feature for one in result.scores} == set(features)
    assert all(np.isfinite(each.probabilities).all() for each in result.answers.values())
    runs = Runs(Home(tmp_path / "home"))
    run = runs.read(runs.keep(result).name)
    place = next(number for number, one in enumerate(result.recordings) if one.actor == 20)
    takes_a_voice = [key for key in features if key != "text-reference"]
    for key in takes_a_voice:
        told = listening.ProbePredictor(listener.workspace, run, key).predict(audio.read(result.recordings[place].path))
        assert np.isfinite(told.probabilities).all() and np.isfinite(told.curve[1]).all(), key
        assert told.probabilities == pytest.approx(result.answers[key].probabilities[place], abs=5e-3), key
    assert {each.device for each in listener.backbone().built.model.parameters()} == {away}
