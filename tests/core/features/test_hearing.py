"""Hearing a dataset: once, whatever is moved, killed or broken meanwhile."""

import shutil
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import soundfile

from core.asr.transcript import EncodedUtterance
from core.audio import RATE
from core.errors import StoreError
from core.explorer import Explorer
from core.features import array_store as arrays
from core.features import feature_cache
from core.features import speech_cache as hearing
from core.features.noise import Condition
from core.features.speech_cache import SpeechFeatureCache
from core.progress import JobCancelled, Progress

pytestmark = pytest.mark.slow


@pytest.fixture
def recordings(little: ModuleType, tmp_path: Path) -> list[Path]:
    """Six recordings of six colours."""
    paths = [tmp_path / f"{number}.wav" for number in range(6)]
    for number, path in enumerate(paths):
        soundfile.write(path, little.tone(number, seconds=0.3 + 0.1 * number), RATE)
    return paths


def texts(heard: list[EncodedUtterance]) -> list[str]:
    return [one.transcript.text for one in heard]


def test_every_recording_has_words_and_states_in_float16_at_its_length(explorer: Explorer, recordings: list[Path]
                                                                       ) -> None:
    heard = SpeechFeatureCache(explorer.workspace).load(recordings)
    assert texts(heard) == [f"a {word} thing" for word in ("red", "green", "blue", "yellow", "white", "black")]
    assert [sum(map(len, one.states)) for one in heard] == [15, 20, 25, 30, 35, 40]
    assert all(window.dtype == np.float16 for one in heard for window in one.states)
    assert [len(one.states) for one in heard] == [2] * 6  # windows stay apart
    whole = explorer.transcribe([hearing.audio.read(recordings[3])])[0]
    assert all(np.array_equal(kept, made) for kept, made in zip(heard[3].states, whole.states, strict=True))


def test_nothing_is_heard_twice(explorer: Explorer, recordings: list[Path], little: ModuleType) -> None:
    first = SpeechFeatureCache(explorer.workspace).load(recordings)
    again = SpeechFeatureCache(explorer.workspace).load(recordings[::-1])
    assert len(explorer.ears.heard) == 6
    assert texts(again) == texts(first)[::-1]
    assert SpeechFeatureCache(explorer.workspace).size(recordings, little.WIDTH) == hearing.Size(6, 0, 0)


def test_the_size_is_told_beforehand(explorer: Explorer, recordings: list[Path], little: ModuleType) -> None:
    told = SpeechFeatureCache(explorer.workspace).size(recordings, little.WIDTH)
    SpeechFeatureCache(explorer.workspace).load(recordings)
    states = arrays.ArrayStore(next((explorer.home.caches / "states").iterdir()))
    assert (told.total, told.new) == (6, 6)
    assert told.nbytes == sum(window.nbytes for key in states._places for window in states.get(key))
    assert states.nbytes <= told.nbytes + 6 * 2 * arrays.ALIGNED
    without = SpeechFeatureCache(explorer.workspace, "en").size(recordings, little.WIDTH,
                                                      states=False)  # another language: new again
    assert (without.new, without.nbytes) == (6, 0)


def test_states_are_kept_only_where_they_are_wanted(explorer: Explorer, recordings: list[Path]) -> None:
    heard = SpeechFeatureCache(explorer.workspace).load(recordings, states=False)
    assert texts(heard)[0] == "a red thing" and heard[0].states == ()
    assert not (explorer.home.caches / "states").exists()
    assert len(SpeechFeatureCache(explorer.workspace).load(recordings)[0].states) == 2


def test_a_moved_recording_is_known_by_its_content(explorer: Explorer, recordings: list[Path], tmp_path: Path) -> None:
    SpeechFeatureCache(explorer.workspace).load(recordings)
    (tmp_path / "elsewhere").mkdir()
    moved = [shutil.move(path, tmp_path / "elsewhere" / f"x{path.name}") for path in recordings]
    copy = shutil.copy(moved[0], tmp_path / "copy.wav")
    assert texts(SpeechFeatureCache(explorer.workspace).load([*moved, copy]))[-1] == "a red thing"
    assert len(explorer.ears.heard) == 6


def test_a_changed_recording_is_heard_again(explorer: Explorer, recordings: list[Path], little: ModuleType) -> None:
    SpeechFeatureCache(explorer.workspace).load(recordings)
    soundfile.write(recordings[0], little.tone(5, seconds=0.5), RATE)
    assert texts(SpeechFeatureCache(explorer.workspace).load(recordings))[0] == "a black thing"
    assert len(explorer.ears.heard) == 7


def test_one_that_cannot_be_read_has_its_reason_and_costs_nothing_else(explorer: Explorer, recordings: list[Path]
                                                                       ) -> None:
    recordings[0].write_bytes(b"nonsense" * 200)
    recordings[1].write_bytes(b"")
    recordings[2].unlink()
    whole = recordings[3].read_bytes()
    recordings[3].write_bytes(whole[: len(whole) // 2])
    soundfile.write(recordings[4], np.zeros(4000), RATE)
    heard = SpeechFeatureCache(explorer.workspace).load(recordings)
    for one, reason in zip(heard, ("is not a recording", "no bytes", "not there any more", "breaks off", "silent"),
                           strict=False):
        assert reason in one.reason
        assert one.transcript.text == "" and one.states == ()
    assert heard[5].reason == "" and heard[5].transcript.text == "a black thing"


def test_a_recording_without_words_is_kept_without_a_reason(explorer: Explorer, recordings: list[Path],
                                                            little: ModuleType) -> None:
    soundfile.write(recordings[0], little.tone(0, peak=little.QUIET / 2), RATE)
    one = SpeechFeatureCache(explorer.workspace).load(recordings[:1])[0]
    assert one.reason == "" and one.transcript.text == "" and sum(map(len, one.states)) == 20


def test_a_stop_keeps_what_was_heard(explorer: Explorer, recordings: list[Path], monkeypatch: pytest.MonkeyPatch
                                     ) -> None:
    monkeypatch.setattr(hearing, "AT_ONCE", 2)

    def report(progress: Progress) -> None:
        if progress.done == 4:
            raise JobCancelled

    with pytest.raises(JobCancelled):
        SpeechFeatureCache(explorer.workspace).load(recordings, report=report)
    told: list[int] = []
    cache = SpeechFeatureCache(explorer.workspace)
    assert len(cache.load(recordings, report=lambda progress: told.append(progress.done))) == 6
    assert told == [4, 6]
    assert len(set(explorer.ears.heard)) == len(explorer.ears.heard) == 6


def test_a_full_disk_keeps_what_was_heard(explorer: Explorer, recordings: list[Path],
                                          monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hearing, "AT_ONCE", 3)
    monkeypatch.setattr(feature_cache, "FLUSH_EVERY", 3)
    real, calls = arrays.Writer.flush, []

    def flush(self: arrays.Writer) -> None:
        calls.append(self)
        if len(calls) > 2:  # states and digests of the first part
            raise StoreError("The cache could not be written: No space left on device.", "full")
        real(self)

    monkeypatch.setattr(arrays.Writer, "flush", flush)
    with pytest.raises(StoreError) as caught:
        SpeechFeatureCache(explorer.workspace).load(recordings)
    assert caught.value.kind == "full"
    monkeypatch.setattr(arrays.Writer, "flush", real)
    heard = SpeechFeatureCache(explorer.workspace).load(recordings)
    assert all(one.states and one.transcript.text for one in heard)
    assert len(explorer.ears.heard) == 9  # the second part was heard again, the first was not


def test_deleted_caches_are_made_again(explorer: Explorer, recordings: list[Path]) -> None:
    SpeechFeatureCache(explorer.workspace).load(recordings)
    shutil.rmtree(explorer.home.caches)
    assert all(one.states for one in SpeechFeatureCache(explorer.workspace).load(recordings))


def test_under_noise_a_recording_is_another_one(explorer: Explorer, recordings: list[Path]) -> None:
    clean = SpeechFeatureCache(explorer.workspace).load(recordings)
    noisy = SpeechFeatureCache(explorer.workspace).load(recordings, condition=Condition("babble", 0.0))
    assert len(explorer.ears.heard) == 12
    assert not np.array_equal(clean[0].states[0], noisy[0].states[0])
    again = SpeechFeatureCache(explorer.workspace).load(recordings, condition=Condition("babble", 0.0))
    assert len(explorer.ears.heard) == 12
    assert np.array_equal(noisy[0].states[0], again[0].states[0])
    assert SpeechFeatureCache(explorer.workspace).size(recordings, 16, Condition("babble", 5.0)).new == 6


@pytest.mark.parametrize("text", ["clean", "0", "babble:0"])
def test_a_recording_sounds_to_people_as_it_was_heard(explorer: Explorer, recordings: list[Path], text: str,
                                                      monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[str] = []
    listen = explorer.ears.transcribe
    monkeypatch.setattr(explorer.ears, "transcribe", lambda waves, *rest, **more: (
        heard.extend(wave.digest for wave in waves), listen(waves, *rest, **more))[1])
    SpeechFeatureCache(explorer.workspace).load(recordings, condition=Condition.of(text))
    assert sorted(heard) == sorted(hearing.read_under(path, Condition.of(text), recordings).digest
                                   for path in recordings)


def test_groups_are_of_one_length_and_the_longest_come_first(explorer: Explorer, recordings: list[Path],
                                                             little: ModuleType, monkeypatch: pytest.MonkeyPatch
                                                             ) -> None:
    for number, seconds in enumerate((0.5, 2.0, 1.0, 0.5, 2.0, 1.0)):
        soundfile.write(recordings[number], np.resize(little.tone(number), round(seconds * RATE)), RATE)
    monkeypatch.setattr(hearing, "AT_ONCE", 2)
    groups: list[list[float]] = []
    transcribe = explorer.ears.transcribe
    monkeypatch.setattr(explorer.ears, "transcribe", lambda waves, *rest, **more: (
        groups.append([wave.seconds for wave in waves]), transcribe(waves, *rest, **more))[1])
    SpeechFeatureCache(explorer.workspace).load(recordings)
    assert groups == [[2.0, 2.0], [1.0, 1.0], [0.5, 0.5]]
