"""Playing an utterance, with a loudspeaker that the test plays, and without one."""

from types import SimpleNamespace

import numpy as np
import pytest

from brewclip_app.capture import playback
from brewclip_app.capture.playback import NO_OUTPUT, Player
from core.audio import RATE


class Sink:
    """What QAudioSink is to the player: reads all at once."""

    def __init__(self, output, form, parent):
        self.rate, self.microseconds, self.problem = form.rate, 0, "none"
        self.stopped = False
        output.sinks.append(self)

    def start(self, buffer):
        self.samples = np.frombuffer(bytes(buffer.readAll().data()), np.int16)

    def processedUSecs(self):
        self.microseconds += 40_000
        return self.microseconds

    def error(self):
        return self.problem

    def state(self):
        return "idle" if self.microseconds >= 120_000 else "active"

    def stop(self):
        self.stopped = True

    def deleteLater(self):
        pass


class Form:
    SampleFormat = SimpleNamespace(Int16="int16")

    def setSampleRate(self, rate):
        self.rate = rate

    def setChannelCount(self, count):
        pass

    setSampleFormat = setChannelCount


class Output:
    def __init__(self):
        self.sinks, self.null, self.rates = [], False, (RATE, 48_000)

    def isNull(self):
        return self.null

    def isFormatSupported(self, form):
        return form.rate in self.rates

    def preferredFormat(self):
        return SimpleNamespace(sampleRate=lambda: 48_000)


@pytest.fixture
def output(monkeypatch):
    made = Output()
    monkeypatch.setattr(playback, "multimedia", SimpleNamespace(
        QAudioSink=Sink, QAudioFormat=Form, QMediaDevices=SimpleNamespace(defaultAudioOutput=lambda: made),
        QtAudio=SimpleNamespace(Error=SimpleNamespace(NoError="none", UnderrunError="underrun"),
                                State=SimpleNamespace(IdleState="idle"))))
    return made


@pytest.fixture
def player(qapp):
    made = Player()
    yield made
    made.stop()


def test_it_plays_to_the_end_and_tells_where_it_is(player, output, tone, qtbot):
    seen = []
    player.moved.connect(seen.append)
    with qtbot.waitSignal(player.finished):
        player.play(tone, 0.5)
    assert not player.playing and output.sinks[0].stopped
    assert len(output.sinks[0].samples) == round(1.5 * RATE)
    assert seen and seen[0] == pytest.approx(0.54)


def test_a_device_of_another_rate_gets_it_resampled(player, output, tone):
    output.rates = (48_000,)
    player.play(tone)
    assert output.sinks[0].rate == 48_000
    assert len(output.sinks[0].samples) == pytest.approx(2 * 48_000, abs=10)


def test_no_loudspeaker_is_said(player, output, tone, qtbot):
    output.null = True
    with qtbot.waitSignal(player.failed, check_params_cb=lambda why: why == NO_OUTPUT):
        player.play(tone)
    assert not player.playing


def test_a_loudspeaker_that_goes_away_is_said(player, output, tone, qtbot):
    player.play(tone)
    output.sinks[0].problem = "fatal"
    with qtbot.waitSignal(player.failed):
        pass
    assert not player.playing


def test_without_qtmultimedia_it_is_said(player, tone, monkeypatch, qtbot):
    monkeypatch.setattr(playback, "multimedia", None)
    with qtbot.waitSignal(player.failed):
        player.play(tone)


def test_playing_again_stops_the_first(player, output, tone):
    player.play(tone)
    player.play(tone)
    assert [sink.stopped for sink in output.sinks] == [True, False]
