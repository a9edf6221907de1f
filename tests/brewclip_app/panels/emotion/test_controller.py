"""The controllers of the Emotion screen without any widget."""

import threading
from types import SimpleNamespace

import numpy as np
import pytest

from brewclip_app import tasks
from brewclip_app.capture.push_to_talk import PushToTalk
from brewclip_app.capture.recording import Microphone
from brewclip_app.context import Context
from brewclip_app.panels.emotion.controller import FEATURES_KEPT, EmotionController
from brewclip_app.panels.emotion.own_voice_controller import ENOUGH, READY, OwnVoiceController
from core.audio import RATE, from_samples
from core.emotion import experiment, predict
from core.emotion.predict import Prediction
from core.emotion.results import Options
from core.emotion.run_store import Runs
from core.errors import DatasetError
from core.progress import JobCancelled
from tests.brewclip_app.panels.emotion.results import make_result

WAIT = 20_000
SPEECH = from_samples((0.4 * np.sin(np.arange(RATE) * 0.05)).astype(np.float32), RATE)


@pytest.fixture
def context(home, qtbot):
    made = Context(home)
    made._explorer = SimpleNamespace(close=lambda: None, workspace=None)
    yield made
    assert made.jobs.shutdown(20)
    made.close()


@pytest.fixture
def controller(context):
    made = EmotionController(context)
    made.failures = []
    made.failed.connect(lambda error, safe: made.failures.append((str(error), safe)))
    return made


@pytest.fixture
def own_voice(context, sound, direct_thread):
    voice = PushToTalk(context, None, Microphone(None, sound, direct_thread))
    yield OwnVoiceController(context, voice)
    voice.close()


def settle(qtbot):
    qtbot.waitUntil(tasks.is_idle, timeout=WAIT)


def test_the_newest_run_or_the_wanted_one_is_opened(controller, home, tmp_path, qtbot):
    first, second = (Runs(home).keep(make_result(tmp_path, ("layers",), seed=seed)) for seed in (0, 1))
    controller.reload()
    settle(qtbot)
    assert {run.name for run in controller.state.runs} == {first.name, second.name}
    assert controller.state.run.name == controller.state.runs[0].name
    oldest = controller.state.runs[-1].name
    controller.open(oldest)
    settle(qtbot)
    assert controller.state.run.name == oldest
    controller.delete(oldest)
    settle(qtbot)
    assert len(controller.state.runs) == 1 and controller.state.run.name == controller.state.runs[0].name != oldest


def test_an_experiment_is_stored_and_shown(controller, home, tmp_path, qtbot, monkeypatch):
    monkeypatch.setattr(experiment, "run", lambda explorer, options, report: make_result(tmp_path, ("layers",)))
    controller.start(None)
    assert not controller.state.probing
    controller.start(Options(tmp_path))
    assert controller.state.probing
    settle(qtbot)
    assert not controller.state.probing and controller.state.run in controller.state.runs
    assert [run.name for run in Runs(home).all()] == [controller.state.run.name]


@pytest.mark.parametrize(("error", "failures", "status"), [
    (DatasetError("There is no recording.", "empty"), [("There is no recording.", FEATURES_KEPT)], ""),
    (JobCancelled(), [], f"Stopped. {FEATURES_KEPT}")])
def test_an_experiment_that_ends_early_leaves_no_run(controller, home, tmp_path, qtbot, monkeypatch, error, failures,
                                                     status):
    def run(explorer, options, report):
        raise error

    monkeypatch.setattr(experiment, "run", run)
    controller.start(Options(tmp_path))
    settle(qtbot)
    assert not controller.state.probing and Runs(home).all() == []
    assert controller.failures == failures and controller.state.status == status


def test_a_recording_of_the_user_is_probed_and_kept(own_voice, home, tmp_path, qtbot, monkeypatch):
    prediction = Prediction(np.array([0.1, 0.7, 0.1, 0.1], np.float32), (np.zeros(1, np.float32), np.eye(4)[:1]))
    monkeypatch.setattr(predict, "ProbePredictor", lambda *made: SimpleNamespace(
        takes_sentences=False, predict=lambda waveform: prediction, warm_up=lambda: None))
    run = Runs(home).keep(make_result(tmp_path, ("layers",)))
    own_voice.take(SPEECH, "")
    assert own_voice.state.message == READY, "there is no probe yet"
    own_voice.use(run, "layers")
    own_voice.take(SPEECH, "")
    settle(qtbot)
    assert own_voice.state.message == "Happy, 70 %." and own_voice.state.prediction is prediction
    assert own_voice.state.kept == 1 and not own_voice.state.live
    own_voice.use(run, "text")
    assert own_voice.state.prediction is None and own_voice.state.waveform is None
    settle(qtbot)


def test_an_error_is_said_of_its_own_recording_alone(own_voice, home, tmp_path, qtbot, monkeypatch):
    gate = threading.Event()

    def fail(waveform):
        gate.wait(20)
        raise RuntimeError("the model is gone")

    monkeypatch.setattr(predict, "ProbePredictor", lambda *made: SimpleNamespace(
        takes_sentences=False, predict=fail, warm_up=lambda: None))
    own_voice.use(Runs(home).keep(make_result(tmp_path, ("layers",))), "layers")
    own_voice.take(SPEECH, "")
    own_voice._set(waveform=None, message=READY)  # as the next recording begins
    gate.set()
    settle(qtbot)
    assert own_voice.state.message == READY
    own_voice.take(SPEECH, "")
    settle(qtbot)
    assert own_voice.state.message == "the model is gone"


def test_sentences_to_standardise_by_make_another_probe(own_voice, home, tmp_path, qtbot):
    own_voice.use(Runs(home).keep(make_result(tmp_path, ("layers",), speaker_statistics=True)), "layers")
    before = own_voice.state.probe
    own_voice.collect(True)
    for number in range(ENOUGH):
        assert own_voice.state.collecting and len(own_voice.state.sentences) == number
        own_voice.take(SPEECH, "")
    assert not own_voice.state.collecting and len(own_voice.state.probe.sentences) == ENOUGH
    assert own_voice.state.probe is not before
    settle(qtbot)
