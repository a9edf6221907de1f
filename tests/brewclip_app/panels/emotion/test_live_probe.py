"""Live predictions: when they are made, when not, and that the recording does not suffer from them."""

import threading
from types import SimpleNamespace

import numpy as np
import pytest

from brewclip_app import tasks
from brewclip_app.capture.recording import TAIL, Microphone
from brewclip_app.context import Context
from brewclip_app.panels.emotion.live_probe import LEAST, ChosenProbe, LiveProbe, ProbeRunner
from core.emotion import predict
from core.emotion.predict import Prediction
from core.errors import ModelError

WAIT = 20_000
DEVICE = 48_000
PREDICTION = Prediction(np.array([0.1, 0.9], np.float32), (np.zeros(1, np.float32), np.zeros((1, 2), np.float32)))


class SlowRunner:
    """Remembers how many seconds it was asked about; thinks while `free` is not set."""

    def __init__(self):
        self.seconds, self.free, self.error = [], threading.Event(), None
        self.free.set()

    def predict(self, probe, waveform, report):
        self.seconds.append(waveform.seconds)
        assert self.free.wait(20)
        if self.error is not None:
            raise self.error
        return PREDICTION


@pytest.fixture
def context(home, qtbot):
    made = Context(home)
    yield made
    assert made.jobs.shutdown(20)
    made.close()


@pytest.fixture
def microphone(sound, direct_thread):
    made = Microphone(sound=sound, thread=direct_thread)
    made.heard = []
    made.finished.connect(made.heard.append)
    made.refresh()
    made.set_ready(True)
    sound.streams[-1].send(0.0)
    made.drain()
    yield made
    made.close()


@pytest.fixture
def live(context, microphone):
    predictions = []
    made = LiveProbe(context, microphone, SlowRunner(), predictions.append)
    made.answers = predictions
    microphone.start()
    made.start(ChosenProbe(None, "layers"))
    made.timer.setInterval(1_000_000)  # the tests say when
    yield made
    made._runner.free.set()


def speak(microphone, sound, seconds, value=0.3):
    sound.streams[-1].send(value, seconds)
    microphone.drain()


def settle(context, qtbot):
    qtbot.waitUntil(lambda: context.jobs.is_idle() and tasks.is_idle(), timeout=WAIT)


def test_what_is_heard_so_far_is_asked_about_again_and_again(live, context, microphone, sound, qtbot):
    for seconds in (1.0, 1.0):
        speak(microphone, sound, seconds)
        live.predict()
        settle(context, qtbot)
    assert live._runner.seconds == pytest.approx([1.1, 2.1], abs=0.01)  # with the block before the press
    assert live.answers == [PREDICTION, PREDICTION]


def test_while_it_thinks_nothing_is_queued_and_then_the_newest_is_asked(live, context, microphone, sound, qtbot):
    live._runner.free.clear()
    speak(microphone, sound, 1.0)
    for _ in range(5):
        live.predict()
        speak(microphone, sound, 0.5)
    qtbot.waitUntil(lambda: len(live._runner.seconds) == 1, timeout=WAIT)
    live._runner.free.set()
    settle(context, qtbot)
    live.predict()
    settle(context, qtbot)
    assert live._runner.seconds == pytest.approx([1.1, 3.6], abs=0.01)


def test_a_probe_that_thinks_costs_the_recording_nothing(live, microphone, sound, context, qtbot):
    live._runner.free.clear()
    speak(microphone, sound, 1.0)
    live.predict()
    speak(microphone, sound, 2.0, 0.4)
    live.stop()
    microphone.stop()
    while microphone.state == "stopping":
        speak(microphone, sound, 0.05, 0.5)
    recording, = microphone.heard
    assert recording.seconds == pytest.approx(0.1 + 3.0 + TAIL, abs=0.1) and recording.gaps == 0
    assert np.unique(recording.samples) == pytest.approx([0.0, 0.3, 0.4, 0.5])
    live._runner.free.set()
    settle(context, qtbot)
    assert live.answers == []  # it came too late


def test_silence_and_a_first_moment_are_not_asked_about(live, microphone, sound):
    speak(microphone, sound, LEAST - 0.2)
    live.predict()
    live.start(ChosenProbe(None, "layers"))
    speak(microphone, sound, 2.0, 0.001)
    live.predict()
    assert live._runner.seconds == []


def test_nothing_is_asked_when_nothing_is_recorded(live, microphone):
    microphone.cancel()
    assert microphone.so_far() is None
    live.predict()
    assert live._runner.seconds == []


def test_a_failure_on_the_way_is_not_the_end(live, context, microphone, sound, qtbot):
    live._runner.error = ModelError("The recogniser is gone.", "damaged")
    speak(microphone, sound, 1.0)
    live.predict()
    settle(context, qtbot)
    live._runner.error = None
    live.predict()
    settle(context, qtbot)
    assert len(live._runner.seconds) == 2 and live.answers == [PREDICTION]


def test_what_is_recorded_so_far_stays_as_it_was(microphone, sound):
    microphone.start()
    speak(microphone, sound, 0.5, 0.2)
    found = microphone.so_far()
    speak(microphone, sound, 0.5, 0.7)
    assert found.seconds == pytest.approx(0.6) and found.samples.max() == pytest.approx(0.2)
    assert microphone.so_far().samples.max() == pytest.approx(0.7)


def test_the_runner_loads_a_probe_once_and_standardises_it_once(context, monkeypatch):
    made, by, warmed = [], [], []

    class Predictor:
        takes_sentences = True

        def __init__(self, explorer, run, feature, report):
            made.append(feature)

        def standardise_by(self, sentences):
            by.append(len(sentences))

        def warm_up(self):
            warmed.append(made[-1])

        def predict(self, waveform):
            return PREDICTION

    context._explorer = SimpleNamespace(close=lambda: None, workspace=None)
    monkeypatch.setattr(predict, "ProbePredictor", Predictor)
    runner, first = ProbeRunner(context), ChosenProbe(None, "layers", ("a", "b", "c"))
    runner.warm_up(first, None)
    for probe in (first, first, ChosenProbe(None, "text", ("a",))):
        assert runner.predict(probe, None, None) is PREDICTION
    assert made == ["layers", "text"] and by == [3] and warmed == ["layers"]
