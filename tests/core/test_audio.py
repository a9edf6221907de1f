import io
import os
import socket
import struct
from contextlib import suppress
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from core import audio
from core.datasets.headers import recording_faults
from core.errors import AudioError


def tone(rate: int = 16_000, seconds: float = 1.0, peak: float = 0.5) -> np.ndarray:
    times = np.arange(int(rate * seconds)) / rate
    return (peak * np.sin(2 * np.pi * 440 * times)).astype(np.float32)


def pitch(waveform: audio.Waveform) -> float:
    spectrum = np.abs(np.fft.rfft(waveform.samples))
    return float(spectrum.argmax() / waveform.seconds)


def kind_of(path: Path) -> str:
    with pytest.raises(AudioError) as caught:
        audio.read(path)
    assert path.name in str(caught.value)
    return caught.value.kind


def encode(path: Path, codec: str, video: bool = False) -> Path:
    """A second of the tone in one of FFmpeg's formats."""
    with av.open(str(path), "w") as container:
        sound = container.add_stream(codec, rate=48_000)
        if video:
            pictures = container.add_stream("mpeg4", rate=10, width=64, height=64, pix_fmt="yuv420p")
            for _ in range(10):
                container.mux(pictures.encode(av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8))))
            container.mux(pictures.encode())
        samples = tone(48_000, 2.0)
        for start in range(0, len(samples), 1024):
            frame = av.AudioFrame.from_ndarray(samples[None, start : start + 1024], format="flt", layout="mono")
            frame.rate, frame.pts = 48_000, start
            container.mux(sound.encode(frame))
        container.mux(sound.encode())
    return path


@pytest.mark.parametrize(("suffix", "subtype"), [
    ("wav", "PCM_U8"), ("wav", "PCM_16"), ("wav", "PCM_24"), ("wav", "PCM_32"), ("wav", "FLOAT"), ("wav", "DOUBLE"),
    ("wav", "ULAW"), ("flac", "PCM_24"), ("ogg", "VORBIS"), ("ogg", "OPUS"), ("mp3", "MPEG_LAYER_III"),
    ("aiff", "PCM_16"), ("caf", "PCM_16"), ("au", "PCM_16")])
@pytest.mark.parametrize("rate", [8_000, 48_000])
def test_soundfile_formats_and_rates(tmp_path: Path, suffix: str, subtype: str, rate: int) -> None:
    path = tmp_path / f"tone.{suffix}"
    soundfile.write(path, tone(rate), rate, subtype=subtype)
    waveform = audio.read(path)
    assert waveform.seconds == pytest.approx(1.0, abs=0.06)
    assert pitch(waveform) == pytest.approx(440, abs=2)
    assert np.abs(waveform.samples).max() == pytest.approx(0.5, abs=0.08)
    assert waveform.samples.dtype == np.float32
    assert waveform.samples.flags.c_contiguous and not waveform.samples.flags.writeable


@pytest.mark.parametrize(("name", "codec", "video"), [
    ("a.m4a", "aac", False), ("a.mp4", "aac", True), ("a.webm", "libopus", False), ("a.mkv", "flac", True),
    ("a.mov", "pcm_s16le", True), ("a.aac", "aac", False)])
def test_containers_of_video_and_phones(tmp_path: Path, name: str, codec: str, video: bool) -> None:
    waveform = audio.read(encode(tmp_path / name, codec, video))
    assert waveform.seconds == pytest.approx(2.0, abs=0.06)
    assert pitch(waveform) == pytest.approx(440, abs=2)


@pytest.mark.parametrize("channels", [1, 2, 3, 6])
def test_channels_become_one(tmp_path: Path, channels: int) -> None:
    path = tmp_path / "a.wav"
    soundfile.write(path, np.stack([tone()] * channels, axis=1), 16_000, subtype="FLOAT")
    assert np.allclose(audio.read(path).samples, tone(), atol=1e-6)


def test_channels_that_cancel_out_leave_the_loudest() -> None:
    waveform = audio.from_samples(np.stack([tone(), -tone()], axis=1), 16_000)
    assert np.abs(waveform.samples).max() == pytest.approx(0.5, abs=0.01)


def test_files_that_cannot_be_used(tmp_path: Path) -> None:
    (tmp_path / "nothing.wav").write_bytes(b"")
    (tmp_path / "words.wav").write_text("a dog runs on the beach " * 50)
    (tmp_path / "random.mp3").write_bytes(np.random.default_rng(0).bytes(5000))
    (tmp_path / "list.m3u8").write_text(f"#EXTM3U\n#EXTINF:1,\n{tmp_path / 'a.aac'}\n#EXT-X-ENDLIST\n")
    encode(tmp_path / "a.aac", "aac")
    soundfile.write(tmp_path / "nan.wav", np.where(np.arange(16_000) == 99, np.nan, tone()), 16_000, subtype="FLOAT")
    soundfile.write(tmp_path / "muted.wav", np.zeros(16_000), 16_000)
    soundfile.write(tmp_path / "hardly.wav", tone(peak=5e-5), 16_000, subtype="FLOAT")
    soundfile.write(tmp_path / "header.wav", np.zeros(0), 16_000)
    soundfile.write(tmp_path / "blip.wav", tone(seconds=0.1), 16_000)
    assert {path.name: kind_of(path) for path in [*sorted(tmp_path.glob("*.wav")), tmp_path / "gone.wav"]} == {
        "blip.wav": "too_short", "gone.wav": "missing", "hardly.wav": "silent", "header.wav": "empty",
        "muted.wav": "silent", "nan.wav": "not_finite", "nothing.wav": "empty", "words.wav": "not_audio"}
    assert kind_of(tmp_path / "random.mp3") == "not_audio"
    assert kind_of(tmp_path / "list.m3u8") == "not_audio"  # it would make FFmpeg open what it names
    assert kind_of(tmp_path) == "not_audio"


def test_a_picture_and_a_video_without_sound_are_no_recordings(tmp_path: Path) -> None:
    with av.open(str(tmp_path / "mute.mp4"), "w") as container:
        pictures = container.add_stream("mpeg4", rate=10, width=64, height=64, pix_fmt="yuv420p")
        container.mux(pictures.encode(av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8))))
        container.mux(pictures.encode())
    assert kind_of(tmp_path / "mute.mp4") == "not_audio"


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_no_permission(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    soundfile.write(path, tone(), 16_000)
    path.chmod(0)
    assert kind_of(path) == "unreadable"


@pytest.mark.parametrize("name", ["a.wav", "a.flac", "a.aiff", "a.ogg", "a.mp3", "a.mp4", "a.webm", "a.mkv"])
@pytest.mark.parametrize("share", [0.2, 0.5, 0.9])
def test_broken_off_copies_are_told(tmp_path: Path, name: str, share: float) -> None:
    path = tmp_path / name
    codecs = {".mp4": "aac", ".webm": "libopus", ".mkv": "flac"}
    if path.suffix in codecs:
        encode(path, codecs[path.suffix])
    else:
        soundfile.write(path, tone(44_100, 4.0), 44_100)
    whole = path.read_bytes()
    assert audio.read(path).seconds > 1.9
    path.write_bytes(whole[: int(len(whole) * share)])
    assert kind_of(path) == "truncated"


def test_wav_header_of_a_pipe_promises_nothing(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    soundfile.write(buffer, tone(), 16_000, format="WAV")
    content = bytearray(buffer.getvalue())
    at = content.index(b"data") + 4
    content[at : at + 4] = struct.pack("<I", 0xFFFFFFFF)
    (tmp_path / "pipe.wav").write_bytes(content)
    assert audio.read(tmp_path / "pipe.wav").seconds == pytest.approx(1.0, abs=0.01)


# Where each kind of file keeps the length of its sound, after the name of the chunk, and how.
PLACES = {"WAV": (b"data", 4, "<I"), "AIFF": (b"SSND", 4, ">I"), "CAF": (b"data", 4, ">q"),
          "RF64": (b"ds64", 16, "<q"), "W64": (b"data", 16, "<q")}


def with_length(kind: str, length: int | None, path: Path) -> Path:
    """A second of the tone, whose header says that the sound has `length` bytes; None for the largest number."""
    buffer = io.BytesIO()
    soundfile.write(buffer, tone(), 16_000, format=kind, subtype="PCM_16")
    content = bytearray(buffer.getvalue())
    name, offset, number = PLACES[kind]
    at = content.index(name, 0 if kind != "W64" else 60) + offset
    largest = b"\xff" * struct.calcsize(number)
    content[at : at + len(largest)] = largest if length is None else struct.pack(number, length)
    if kind == "AIFF" and length is not None:
        at = content.index(b"COMM") + 10
        content[at : at + 4] = struct.pack(">I", max(0, length - 8) // 2)
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("kind", PLACES)
@pytest.mark.parametrize("length", [0, 8000, 0x7FFFFFFF, None])
def test_a_length_that_is_a_placeholder_means_to_the_end_of_the_file(tmp_path: Path, kind: str,
                                                                     length: int | None) -> None:
    path = with_length(kind, length, tmp_path / "a.sound")
    whole = path.read_bytes()
    waveform = audio.read(path)
    assert waveform.seconds == pytest.approx(1.0, abs=0.01)
    assert pitch(waveform) == pytest.approx(440, abs=2)
    assert waveform.note == "The file's header gives no length; it was read to its end."
    assert recording_faults(path) == ()
    assert path.read_bytes() == whole


@pytest.mark.parametrize("after", [b"LIST\xff\xff\0\0INFO", b"TAG" + bytes(500), b"note\x90\1\0\0" + b"\x99" * 400])
def test_what_follows_the_sound_is_no_sound(tmp_path: Path, after: bytes) -> None:
    path = tmp_path / "a.wav"
    soundfile.write(path, tone(), 16_000)
    path.write_bytes(path.read_bytes() + after)
    assert len(audio.read(path).samples) == 16_000
    assert audio.read(path).note == ""


def test_a_coding_without_a_decoder_is_told(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    soundfile.write(path, tone(), 16_000)
    content = bytearray(path.read_bytes())
    content[20:22] = struct.pack("<H", 0xFF02)
    path.write_bytes(content)
    with pytest.raises(AudioError, match="a coding that cannot be read here") as caught:
        audio.read(path)
    assert caught.value.kind == "not_audio"


@pytest.mark.parametrize(("error", "kind"), [
    (AttributeError("'NoneType' object"), "not_audio"), (RecursionError(), "not_audio"), (MemoryError(), "not_audio"),
    (OSError(5, "Input/output error"), "unreadable")])
def test_whatever_a_decoder_raises_is_told_of_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                                       error: Exception, kind: str) -> None:
    def fail(*arguments: object) -> None:
        raise error

    soundfile.write(tmp_path / "a.wav", tone(), 16_000)
    monkeypatch.setattr(audio, "_read_soundfile", fail)
    assert kind_of(tmp_path / "a.wav") == kind


def test_pipes_devices_and_sockets_are_refused_without_opening_them(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.wav")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "s.wav"))
        for path in (tmp_path / "pipe.wav", tmp_path / "s.wav", Path("/dev/zero")):
            assert kind_of(path) == "not_audio"
            assert recording_faults(path) == ("unreadable_recording",)


def test_a_rate_too_low_for_words_is_told_before_anything_is_decoded(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.zeros(4 * 3600 * 1000, np.int16), 1000, subtype="PCM_U8")
    with pytest.raises(AudioError, match="1000 samples a second"):
        audio.read(tmp_path / "a.wav")


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(kind=st.sampled_from(sorted(PLACES)), changes=st.dictionaries(st.integers(0, 119), st.integers(0, 255),
                                                                     min_size=1, max_size=6), cut=st.integers(0, 4000))
def test_no_header_raises_anything_but_an_audio_error(tmp_path_factory: pytest.TempPathFactory, kind: str,
                                                      changes: dict[int, int], cut: int) -> None:
    path = with_length(kind, 32_000, tmp_path_factory.mktemp("mutated") / "a.sound")
    content = bytearray(path.read_bytes())
    for place, value in changes.items():
        content[place] = value
    path.write_bytes(content[: len(content) - cut])
    with suppress(AudioError):
        audio.read(path)
    recording_faults(path)


def test_too_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audio, "LONGEST_SECONDS", 0.5)
    soundfile.write(tmp_path / "a.flac", tone(), 16_000)
    assert kind_of(tmp_path / "a.flac") == "too_long"


@pytest.mark.parametrize("dtype", [np.int16, np.int32, np.uint8, np.float32, np.float64])
def test_arrays_of_every_type(dtype: type) -> None:
    samples = tone(peak=0.9)
    if np.issubdtype(dtype, np.integer):
        limits = np.iinfo(dtype)
        middle = 128 if dtype is np.uint8 else 0
        samples = np.round(samples * limits.max / (2 if middle else 1) + middle)
    waveform = audio.from_samples(samples.astype(dtype), 16_000)
    assert np.allclose(waveform.samples, tone(peak=0.9), atol=0.01)


def test_arrays_that_cannot_be_used() -> None:
    def kind(samples: np.ndarray, rate: int = 16_000) -> str:
        with pytest.raises(AudioError) as caught:
            audio.from_samples(samples, rate)
        return caught.value.kind

    assert kind(np.zeros(0)) == "empty"
    assert kind(np.zeros(16_000)) == "silent"
    assert kind(tone(seconds=0.1)) == "too_short"
    assert kind(np.full(16_000, np.inf)) == "not_finite"
    assert kind(np.array(["a"])) == kind(np.zeros((2, 2, 2))) == kind(tone(), rate=0) == "not_audio"


def test_too_loud_floats_are_scaled_down() -> None:
    assert np.abs(audio.from_samples(tone(peak=3.0), 16_000).samples).max() == pytest.approx(1.0)


@settings(max_examples=25, deadline=None)
@given(rate=st.integers(4_000, 192_000), seconds=st.floats(0.3, 3.0), channels=st.integers(1, 4))
def test_length_and_range_survive_any_rate(rate: int, seconds: float, channels: int) -> None:
    waveform = audio.from_samples(np.stack([tone(rate, seconds)] * channels, axis=1), rate)
    assert waveform.seconds == pytest.approx(seconds, abs=0.01)
    assert np.abs(waveform.samples).max() <= 1


def test_flac_keeps_16_bit_recordings_exactly(tmp_path: Path) -> None:
    waveform = audio.from_samples((tone() * 32767).astype(np.int16), 16_000)
    audio.write_flac(waveform, tmp_path / "kept" / "a.flac")
    again = audio.read(tmp_path / "kept" / "a.flac")
    assert again.digest == waveform.digest
    assert [path.name for path in (tmp_path / "kept").iterdir()] == ["a.flac"]


def test_flac_that_cannot_be_written_leaves_the_old_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.flac"
    path.write_bytes(b"old")

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(soundfile, "write", full)
    with pytest.raises(AudioError, match="No space left") as caught:
        audio.write_flac(audio.from_samples(tone(), 16_000), path)
    assert caught.value.kind == "not_saved"
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_peaks_have_one_value_a_bin() -> None:
    waveform = audio.from_samples(np.concatenate([tone(peak=0.2), tone(peak=0.8)]), 16_000)
    assert np.allclose(audio.peaks(waveform, 4), [0.2, 0.2, 0.8, 0.8], atol=0.01)
    assert audio.peaks(waveform, 50_000).shape == (50_000,)


def test_digest_tells_recordings_apart() -> None:
    assert audio.from_samples(tone(), 16_000).digest == audio.from_samples(tone(), 16_000).digest
    assert audio.from_samples(tone(), 16_000).digest != audio.from_samples(tone(peak=0.4), 16_000).digest
