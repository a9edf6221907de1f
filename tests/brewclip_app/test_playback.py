"""Playing an utterance, with a loudspeaker that the test plays, and without one."""

from types import SimpleNamespace

import numpy as np
import pytest

from brewclip_app.capture.playback import NO_OUTPUT, OutputStream, Player, PlayerState
from core.audio import RATE


class PortAudioError(Exception):
    pass


class CallbackStop(Exception):
    pass


class FakeOutput:
    """What sounddevice's OutputStream is to the player; the test is the device and asks for samples with `request`."""

    def __init__(self, loudspeaker, samplerate, channels, callback):
        self.rate, self.channels, self.callback = samplerate, channels, callback
        self.latency, self.active, self.closed = 0.01, False, False
        self.blocks = []
        loudspeaker.streams.append(self)

    def start(self):
        self.active = True

    def request(self, seconds):
        block = np.full((round(seconds * self.rate), self.channels), 9, np.float32)
        try:
            self.callback(block, len(block), None, None)
        except CallbackStop:
            self.active = False
        self.blocks.append(block)

    def stop(self):
        self.active = False

    def close(self):
        self.closed = True


class Loudspeaker:
    """What the sounddevice module is to the player."""

    PortAudioError, CallbackStop = PortAudioError, CallbackStop

    def __init__(self):
        self.streams, self.formats, self.missing = [], {(RATE, 1)}, False

    def __call__(self, again):
        return self

    def query_devices(self, kind):
        if self.missing:
            raise PortAudioError("Error querying device -1")
        return {"default_samplerate": 48_000.0}

    def check_output_settings(self, samplerate, channels, dtype):
        if (samplerate, channels) not in self.formats:
            raise PortAudioError("Invalid sample rate")

    def OutputStream(self, *, samplerate, channels, dtype, latency, callback):
        return FakeOutput(self, samplerate, channels, callback)


@pytest.fixture
def loudspeaker():
    return Loudspeaker()


@pytest.fixture
def player(loudspeaker, direct_thread):
    made = Player(sound=loudspeaker, thread=direct_thread)
    yield made
    made.stop()


def test_it_plays_to_the_end_and_emits_its_position(player, loudspeaker, tone, qtbot):
    player.play(tone, 0.5)
    stream = loudspeaker.streams[0]
    assert player.state == PlayerState(0.5)
    stream.request(0.51)
    qtbot.waitUntil(lambda: player.state.seconds == pytest.approx(1.0))
    assert player.playing
    stream.request(1.5)
    qtbot.waitUntil(lambda: player.state == PlayerState())
    assert not player.playing and stream.closed
    played = np.concatenate(stream.blocks)[:, 0]
    assert np.array_equal(played[:round(1.5 * RATE)], tone.samples[RATE // 2:])
    assert not played[round(1.5 * RATE):].any(), "silence behind the last sample"


@pytest.mark.parametrize("form", [(RATE, 2), (48_000, 1), (48_000, 2)])
def test_a_device_gets_the_format_it_takes(player, loudspeaker, tone, form):
    loudspeaker.formats = {form}
    player.play(tone)
    stream = loudspeaker.streams[0]
    assert (stream.rate, stream.channels) == form
    stream.request(2.0)
    assert not stream.active, "all samples fit into two seconds"
    assert np.array_equal(stream.blocks[0][:, 0], stream.blocks[0][:, -1])
    assert np.abs(stream.blocks[0]).max() == pytest.approx(0.4, abs=0.02)


def test_no_loudspeaker_is_reported(player, loudspeaker, tone):
    loudspeaker.missing = True
    player.play(tone)
    assert player.state.problem.startswith(NO_OUTPUT) and player.state.seconds is None
    assert not player.playing
    loudspeaker.missing = False
    player.toggle(tone)
    assert player.state == PlayerState(0.0) and player.playing
    player.toggle(tone)
    assert player.state == PlayerState() and not player.playing


def test_a_sound_system_that_is_missing_is_reported(direct_thread, tone):
    def missing(again):
        raise OSError("PortAudio library not found")

    player = Player(sound=missing, thread=direct_thread)
    player.play(tone)
    assert "PortAudio library not found" in player.state.problem
    assert not player.playing


def test_a_loudspeaker_that_stops_early_is_reported(player, loudspeaker, tone, qtbot):
    player.play(tone)
    loudspeaker.streams[0].active = False
    qtbot.waitUntil(lambda: player.state.problem == NO_OUTPUT)
    assert not player.playing and loudspeaker.streams[0].closed


def test_a_loudspeaker_that_asks_for_nothing_is_reported(player, loudspeaker, tone, qtbot):
    player.play(tone)
    player._stream.last_request -= 10
    qtbot.waitUntil(lambda: player.state.problem == NO_OUTPUT)
    assert not player.playing


def test_playing_again_stops_the_first(player, loudspeaker, tone):
    player.play(tone)
    player.play(tone)
    assert [stream.closed for stream in loudspeaker.streams] == [True, False]
    assert player.playing


def test_stopping_while_the_device_opens_plays_nothing(loudspeaker, tone, qapp):
    waiting = []
    player = Player(sound=loudspeaker, thread=SimpleNamespace(call=lambda work, then: waiting.append((work, then))))
    player.play(tone)
    _open, then = waiting.pop()
    player.stop()
    stream = OutputStream(loudspeaker, tone, 0.0)
    then(SimpleNamespace(exception=lambda: None, result=lambda: stream))
    assert not player.playing
    assert [closing[0] for closing in waiting] == [stream.close]
