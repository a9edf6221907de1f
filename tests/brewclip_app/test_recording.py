"""The microphone: pre-roll, tail, levels, and everything that can be wrong with it."""

import numpy as np
import pytest

from brewclip_app.capture import push_to_talk, recording
from brewclip_app.capture.recording import PRE_ROLL, TAIL, Microphone, Recording, fault, warning
from brewclip_app.capture.sound import DEFAULT, SoundThread, portaudio
from brewclip_app.capture.sound_end import KEPT_S

RATE = 48_000


@pytest.fixture
def microphone(sound, direct_thread):
    made = Microphone(sound=sound, thread=direct_thread)
    made.heard, made.troubles = [], []
    made.finished.connect(made.heard.append)
    made.failed.connect(lambda kind, sentence: made.troubles.append((kind, sentence)))
    yield made
    made.close()


@pytest.fixture
def ready(microphone, sound):
    """A microphone that is kept ready and has delivered."""
    microphone.refresh()
    microphone.set_ready(True)
    sound.streams[-1].send(0.1)
    microphone.drain()
    assert microphone.state == "ready"
    return microphone


def finish(microphone, sound):
    """Release, and let the hardware deliver the tail."""
    microphone.stop()
    while microphone.state == "stopping":
        sound.streams[-1].send(0.3, 0.05)
        microphone.drain()


def test_devices_are_listed_default_first_and_loudspeakers_left_out(microphone, sound):
    microphone.refresh()
    assert [device.name for device in microphone.devices] == ["Default microphone", "Built-in", "Headset"]
    assert microphone.devices[0].id == DEFAULT and microphone.device.index == 0
    assert microphone.problem == ""


def test_what_was_said_just_before_the_press_is_kept(ready, sound):
    stream = sound.streams[-1]
    for value in (0.11, 0.12, 0.13, 0.14, 0.15, 0.16):
        stream.send(value)
    ready.drain()
    ready.start()
    stream.send(0.2)
    ready.drain()
    finish(ready, sound)
    [heard] = ready.heard
    values = dict.fromkeys(np.round(heard.samples, 3).tolist())
    assert [value for value in values if value < 0.2] == pytest.approx([0.13, 0.14, 0.15, 0.16]), "0.4 s of pre-roll"
    assert len(heard.samples) >= PRE_ROLL * RATE


def test_the_last_word_after_the_release_is_taken(ready, sound):
    stream = sound.streams[-1]
    ready.start()
    stream.send(0.2, 1.0)
    ready.stop()
    ready.drain()
    assert ready.state == "stopping" and not ready.heard, "the tail is still to come"
    stream.send(0.25, TAIL)
    stream.send(0.26, 0.05)
    ready.drain()
    assert len(ready.heard) == 1
    assert ready.heard[0].samples[-1] == pytest.approx(0.26)
    assert ready.state == "ready" and not stream.closed


def test_a_recording_may_end_with_its_sound(ready, sound):
    ready.ends_with_sound = True
    stream = sound.streams[-1]
    ready.start()
    stream.send(0.2, 1.0)
    stream.send(0.0, 0.5)
    ready.stop()
    stream.send(0.0, 0.005)
    ready.drain()
    assert ready.state == "stopping", "what the device still had at the release was said before it"
    while ready.state == "stopping":
        stream.send(0.0, 0.01)
        ready.drain()
    [heard] = ready.heard
    silence = len(heard.samples) - 1 - np.flatnonzero(heard.samples > 0.15)[-1]
    assert silence == pytest.approx(KEPT_S * RATE, abs=0.03 * RATE), "the rest of the silence is left out"


def test_a_word_after_the_release_is_waited_for(ready, sound):
    ready.ends_with_sound = True
    ready.start()
    sound.streams[-1].send(0.2, 1.0)
    finish(ready, sound)
    assert ready.heard[0].samples[-1] == pytest.approx(0.3), "sound until the end: the whole tail"


def test_a_recording_in_progress_knows_where_its_sound_ended(ready, sound):
    ready.start()
    stream = sound.streams[-1]
    stream.send(0.2, 1.0)
    ready.drain()
    assert ready.so_far().end is None and not ready.so_far().ends_soon
    stream.send(0.0, 0.1)
    ready.drain()
    assert ready.so_far().end is None and ready.so_far().ends_soon
    stream.send(0.0, 0.1)
    ready.drain()
    end = ready.so_far().end
    assert end is not None
    stream.send(0.001, 1.0)
    ready.drain()
    assert ready.so_far().end == end, "silence moves it no further"
    stream.send(0.2, 0.1)
    ready.drain()
    assert ready.so_far().end is None


def test_blocks_are_copied_since_portaudio_uses_its_buffer_again(ready, sound):
    ready.start()
    finish(ready, sound)
    assert ready.heard[0].samples.max() < 1


def test_without_keeping_ready_the_device_is_opened_at_the_press_and_let_go(microphone, sound):
    microphone.refresh()
    assert not sound.streams
    microphone.start()
    assert microphone.state == "opening"
    sound.streams[-1].send(0.3, 0.5)
    microphone.drain()
    assert microphone.state == "recording"
    finish(microphone, sound)
    assert microphone.state == "off" and sound.streams[-1].closed
    assert microphone.heard[0].seconds == pytest.approx(0.5 + TAIL, abs=0.1)


def test_a_press_before_the_devices_are_listed_records(microphone, sound):
    microphone.start()
    sound.streams[-1].send(0.3)
    microphone.drain()
    assert microphone.state == "recording"


def test_release_before_the_device_is_open_says_so(microphone):
    microphone.refresh()
    microphone.start()
    microphone.stop()
    assert microphone.state == "off"
    assert microphone.troubles[0][0] == "too_short"


def test_cancel_forgets(ready, sound):
    ready.start()
    sound.streams[-1].send(0.5)
    ready.drain()
    ready.cancel()
    assert ready.state == "ready" and not ready.heard


def test_looking_again_waits_until_the_recording_is_over(ready, sound):
    ready.start()
    sound.names.append("USB")
    ready.refresh()
    assert sound.started_again == 0, "PortAudio is not restarted while recording"
    sound.streams[-1].send(0.3, 0.5)
    ready.drain()
    finish(ready, sound)
    assert len(ready.heard) == 1
    assert sound.started_again == 1 and "USB" in [device.name for device in ready.devices]
    assert len(sound.streams) == 2 and sound.streams[0].closed and not sound.streams[1].closed, "ready again"


def test_choosing_another_microphone_moves_the_open_stream(ready, sound):
    headset = next(device for device in ready.devices if device.name == "Headset")
    ready.choose(headset.id)
    assert sound.streams[0].closed and sound.streams[1].device == 1


def test_a_chosen_microphone_that_is_gone_gives_way_to_the_default(ready, sound):
    ready.choose("Unknown (ALSA)")
    assert ready.device.id == DEFAULT


def test_no_microphone_is_said(microphone, sound):
    sound.names.clear()
    microphone.refresh()
    assert "No microphone found" in microphone.problem
    microphone.start()
    assert microphone.troubles == [("no_microphone", microphone.problem)] and microphone.state == "off"


def test_missing_portaudio_is_said(direct_thread):
    def missing(again):
        raise OSError("PortAudio library not found")

    microphone = Microphone(sound=missing, thread=direct_thread)
    microphone.refresh()
    assert "PortAudio" in microphone.problem and microphone.devices == ()


def test_a_device_that_cannot_be_opened_is_said(microphone, sound):
    microphone.refresh()
    sound.refuse = True
    microphone.start()
    assert microphone.state == "off"
    assert microphone.troubles[0][0] == "no_microphone" and "cannot be opened" in microphone.troubles[0][1]


def test_a_device_that_only_has_stereo_is_mixed_down(microphone, sound):
    sound.channels = (2,)
    microphone.refresh()
    microphone.start()
    sound.streams[-1].send(0.3, 0.5)
    microphone.drain()
    finish(microphone, sound)
    assert microphone.heard[0].samples.ndim == 1 and microphone.heard[0].samples[0] == pytest.approx(0.3)


def test_a_device_that_sends_nothing_is_given_up(microphone, monkeypatch):
    microphone.refresh()
    microphone.start()
    monkeypatch.setattr(recording, "SLOWEST_OPENING", -1.0)
    microphone.drain()
    assert microphone.troubles[0][0] == "no_microphone" and microphone.state == "off"


def test_pulled_out_while_recording_keeps_what_was_said(ready, sound, monkeypatch):
    ready.start()
    sound.streams[-1].send(0.3, 1.0)
    ready.drain()
    monkeypatch.setattr(recording, "LONGEST_SILENCE", -1.0)
    ready.drain()
    [heard] = ready.heard
    assert heard.cut_short and "stopped sending" in warning(heard)
    assert sound.started_again == 1


def test_levels_follow_the_sound(ready, sound, qtbot):
    ready.start()
    with qtbot.waitSignal(ready.level, check_params_cb=lambda peak: peak == pytest.approx(0.7)):
        sound.streams[-1].send(-0.7)


def test_lost_blocks_are_counted(ready, sound):
    ready.start()
    sound.streams[-1].send(0.3, 0.6, overflow=True)
    ready.drain()
    finish(ready, sound)
    assert ready.heard[0].gaps == 1 and "lost a moment" in warning(ready.heard[0])


@pytest.mark.parametrize(("peak", "held", "kind"), [(0.5, 0.1, "too_short"), (0.0, 2.0, "muted"),
                                                   (0.004, 2.0, "too_quiet"), (0.3, 2.0, None)])
def test_faults(peak, held, kind):
    found = fault(Recording(np.full(RATE, peak, np.float32), RATE, held))
    assert (found[0] if found else None) == kind


def test_clipping_is_a_warning_only():
    loud = Recording(np.ones(RATE, np.float32), RATE, 2.0)
    assert fault(loud) is None and "clipped" in warning(loud)
    assert warning(Recording(np.full(RATE, 0.5, np.float32), RATE, 2.0)) == ""


def test_the_sound_thread_answers_on_the_windows_thread(qtbot):
    import threading
    thread, seen = SoundThread(), []
    thread.call(threading.get_ident, lambda done: seen.append((done.result(), threading.get_ident())))
    qtbot.waitUntil(lambda: bool(seen))
    thread.close()
    assert seen[0][0] != threading.get_ident() and seen[0][1] == threading.get_ident()


def test_sounddevice_is_there_or_says_why():
    try:
        assert hasattr(portaudio(), "InputStream")
    except OSError as error:
        assert "PortAudio" in str(error)


def test_a_stream_that_has_not_delivered_yet_is_let_go_too(microphone, sound):
    microphone.refresh()
    microphone.set_ready(True)
    microphone.set_ready(False)
    assert sound.streams[-1].closed and microphone.state == "off"


def test_looking_for_microphones_leaves_another_panels_recording_alone(ready, sound, direct_thread):
    """Starting PortAudio again would pull the open stream away; FakeSound asserts that it does not happen."""
    other = Microphone(sound=sound, thread=direct_thread)
    other.refresh()
    other.refresh()
    assert sound.started_again == 0 and ready.state == "ready"
    ready.set_ready(False)
    other.refresh()
    assert sound.started_again == 1


def test_a_microphone_that_is_plugged_in_is_listed(sound, direct_thread, qtbot, monkeypatch, tmp_path):
    """The first one too: until then there is no folder of sound devices."""
    monkeypatch.setattr(push_to_talk, "DEVICES", tmp_path / "snd")
    monkeypatch.setattr(push_to_talk, "PLUGGED_MS", 0)
    voice = push_to_talk.PushToTalk(None, microphone=Microphone(sound=sound, thread=direct_thread))
    voice.watch()
    for device in (tmp_path / "snd", tmp_path / "snd" / "pcmC0D0c", tmp_path / "snd" / "pcmC1D0c"):
        sound.names.append(device.name)
        device.mkdir()
        qtbot.waitUntil(lambda name=device.name: name in [each.name for each in voice.microphone.devices])
    voice.close()
