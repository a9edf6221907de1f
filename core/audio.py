"""Decode audio files and arrays to `Waveform`, or raise `AudioError`.

soundfile reads first; PyAV reads what it cannot (video containers, m4a, webm). Blocks are mixed down and resampled as
they come, so that a long file never lies in memory at its own rate.
"""

import hashlib
import stat
from collections.abc import Iterator, Mapping
from contextlib import nullcontext, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from core import private_files
from core.audio_lengths import Lengths, Repaired, lengths_of
from core.errors import AudioError
from core.localisation import _

Samples = NDArray[np.float32]

RATE = 16_000
LONGEST_SECONDS = 4 * 3600
SHORTEST_SECONDS = 0.2
SILENCE = 10 ** (-80 / 20)  # peak; three steps of a 16-bit recording
RATES = (4_000, 768_000)  # rates in Hz that recordings of speech have; under it no words are left
BLOCK_FRAMES = 1 << 16
NO_LENGTH = _("The file's header gives no length; it was read to its end.")

# What libsndfile reads well. It guesses at everything else, and its MP3 decoder talks to stderr while it guesses.
SNDFILE_MAGICS = (b"RIFF", b"riff", b"RF64", b"FORM", b"fLaC", b"OggS", b".snd", b"caff")
# A file that opens with one of these is a recording, even when no reader can make sense of the rest.
AV_MAGICS = ((0, b"ID3"), (4, b"ftyp"), (0, b"\x1aE\xdf\xa3"))  # the last is Matroska and WebM
# FFmpeg also opens playlists, which may name other files and hosts: only these containers are let in.
CONTAINERS = ("aac,ac3,aiff,amr,ape,asf,au,avi,caf,dts,flac,flv,matroska,webm,mov,mp4,m4a,3gp,3g2,mj2,mp3,mpc,mpeg,"
              "mpegts,ogg,tta,w64,wav,wv")


@dataclass(frozen=True, eq=False)
class Waveform:
    """One recording. `samples` are (n,) float32 in -1..1 at 16 kHz, mono, C-contiguous and read-only.

    `note` is a sentence about how the file was read, "" when there is nothing to say.
    """

    samples: Samples
    note: str = ""

    @property
    def seconds(self) -> float:
        """Duration in seconds."""
        return len(self.samples) / RATE

    @property
    def digest(self) -> str:
        """SHA-256 of the samples in hex; key of its transcript and recording in the store."""
        return hashlib.sha256(self.samples.tobytes()).hexdigest()


def read(path: Path) -> Waveform:
    """Read a recording of any format, sample rate and channel count that soundfile or PyAV supports.

    Where the header of a recording that was never finished does not know its length, it is read to the end of the file,
    and `note` says so.
    AudioError: missing, unreadable (permission, a failing disk), empty, not_audio (also an unknown coding, a pipe, a
    device), truncated (the file promises more than it holds, or breaks off), not_finite, silent (peak below -80 dB),
    too_short (< 0.2 s), too_long (> 4 h). No other error comes out of it, whatever a decoder makes of the file.
    """
    head = _head(path)
    try:
        lengths = lengths_of(path)
        waveform = _checked(_decoded(path, head, lengths), path.name)
        return replace(waveform, note=NO_LENGTH) if lengths and lengths.repairs else waveform
    except OSError as error:
        raise AudioError(_("{name} cannot be read: {strerror}.").format(name=path.name, strerror=error.strerror
                                                                        or error), "unreadable") from error
    except AudioError:
        raise
    except Exception as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise AudioError(_("{name} cannot be decoded ({reason}). Convert it to WAV or FLAC.").format(name=path.name,
                                                                                                     reason=reason[
                                                                                                         :200]),
                         "not_audio") from error


def from_samples(samples: NDArray[Any], rate: int) -> Waveform:
    """Make a recording of an array, (n,) or (n, channels): floats in -1..1, or integers over their whole range.

    `rate` in Hz. Floats beyond -1..1 are scaled down. AudioError: as `read`, without those about files.
    """
    name = _("The recording")
    array = np.asarray(samples)
    if array.ndim not in (1, 2) or array.dtype.kind not in "iuf":
        raise AudioError(_("{name} is not a row of samples.").format(name=name), "not_audio")
    if array.size == 0:
        raise AudioError(_("{name} is empty.").format(name=name), "empty")
    frames = array.reshape(len(array), -1)
    blocks = (_as_float(frames[start : start + BLOCK_FRAMES]) for start in range(0, len(frames), BLOCK_FRAMES))
    return _checked(_collect(blocks, rate, name), name)


def write_flac(waveform: Waveform, path: Path) -> None:
    """Write a recording as FLAC, 16 bit, readable by its owner alone; an old file is whole until it is replaced.

    AudioError ("not_saved") when it cannot be written.
    """
    try:
        private_files.make_folder(path.parent)
        with private_files.replacing(path) as file:
            soundfile.write(file, waveform.samples, RATE, format="FLAC", subtype="PCM_16")
    except (OSError, soundfile.LibsndfileError) as error:
        reason = getattr(error, "strerror", None) or error
        raise AudioError(_("The recording could not be saved as {name}: {reason}.").format(name=path.name,
                                                                                           reason=reason),
                         "not_saved") from error


def peaks(waveform: Waveform, bins: int) -> Samples:
    """(bins,) the largest |sample| of each of `bins` (>= 1) equal stretches, 0..1, for drawing a waveform."""
    edges = np.linspace(0, len(waveform.samples), bins, endpoint=False).astype(np.int64)
    return np.maximum.reduceat(np.abs(waveform.samples), edges).astype(np.float32)


def _decoded(path: Path, head: bytes, lengths: Lengths | None) -> Samples:
    """Decode to (n,) 16 kHz mono with the first reader that can."""
    if (lengths and lengths.cut_off) or (head[:4] == b"OggS" and _lacks_page_end(path)):
        raise _truncated(path.name)
    if head[:4] in SNDFILE_MAGICS:
        with suppress(soundfile.LibsndfileError):
            return _read_soundfile(path, lengths.repairs if lengths else {})
    return _read_av(path, head)


def _head(path: Path) -> bytes:
    """First 12 bytes of a file. AudioError: missing, unreadable, empty, not a regular file."""
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            raise AudioError(_("{name} is a folder, not a recording.").format(name=path.name), "not_audio")
        if not stat.S_ISREG(mode):  # opening it could wait for ever
            raise AudioError(_("{name} is a pipe or a device, not a file with a recording.").format(name=path.name),
                             "not_audio")
        with path.open("rb") as file:
            head = file.read(12)
    except FileNotFoundError as error:
        raise AudioError(_("{name} is not there any more. Was it moved or deleted?").format(name=path.name),
                         "missing") from error
    except (OSError, ValueError) as error:  # the second: a name that no file can have
        reason = getattr(error, "strerror", None) or error
        raise AudioError(_("{name} cannot be opened: {reason}.").format(name=path.name, reason=reason),
                         "unreadable") from error
    if not head:
        raise AudioError(_("{name} is empty: the file has no bytes.").format(name=path.name), "empty")
    return head


def _lacks_page_end(path: Path) -> bool:
    """Whether an Ogg file ends inside a page: the only sign of truncation, since Ogg headers have no length."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - 2 * 65_307))  # the longest page
        tail = file.read()
    page = tail[tail.rfind(b"OggS") :]
    return len(page) < 27 or len(page) < 27 + page[26] + sum(page[27 : 27 + page[26]])


def _read_soundfile(path: Path, repairs: Mapping[int, bytes]) -> Samples:
    """(n,) 16 kHz mono. LibsndfileError when the file cannot be opened by libsndfile at all."""
    with Repaired(path, repairs) if repairs else nullcontext(path) as source, soundfile.SoundFile(source) as file:
        promised = file.frames / file.samplerate
        if file.frames == 0:
            raise AudioError(_("{name} is empty: it holds no sound.").format(name=path.name), "empty")
        samples = _collect(_soundfile_blocks(file), file.samplerate, path.name)
    _check_whole(len(samples) / RATE, promised, path.name)
    return samples


def _soundfile_blocks(file: soundfile.SoundFile) -> Iterator[Samples]:
    """(frames, channels) blocks, up to the end or to the first place that cannot be decoded."""
    with suppress(soundfile.LibsndfileError):
        while len(block := file.read(BLOCK_FRAMES, dtype="float32", always_2d=True)):
            yield block


def _read_av(path: Path, head: bytes) -> Samples:
    """(n,) 16 kHz mono of the first sound track, with FFmpeg's decoders."""
    import av

    options = {"format_whitelist": CONTAINERS, "protocol_whitelist": "file"}
    try:
        with av.open(str(path), options=options) as container:
            if not container.streams.audio:
                raise AudioError(_("{name} has no sound in it.").format(name=path.name), "not_audio")
            stream = container.streams.audio[0]
            if stream.codec_context is None:  # FFmpeg has no decoder for it
                raise AudioError(_("{name} is in a coding that cannot be read here. Convert it to WAV or FLAC.").format(
                    name=path.name),
                                 "not_audio")
            promised = float((stream.duration or 0) * (stream.time_base or 0)) or (container.duration or 0) / 1e6
            rate = int(stream.rate or 0)
            samples = _collect(_av_blocks(container, stream), rate, path.name)
    except (av.error.FFmpegError, ValueError) as error:
        if head[:4] in SNDFILE_MAGICS or any(head[start:].startswith(magic) for start, magic in AV_MAGICS):
            raise _truncated(path.name) from error
        raise AudioError(_("{name} is not a recording, or of a kind that cannot be read.").format(name=path.name),
                         "not_audio") from error
    _check_whole(len(samples) / RATE, promised, path.name)
    return samples


def _av_blocks(container: Any, stream: Any) -> Iterator[Samples]:
    """(frames, channels) blocks, up to the end or to the first place that cannot be decoded."""
    import av

    as_float = av.AudioResampler(format="fltp")  # the rate stays: soxr resamples better
    with suppress(av.error.FFmpegError):
        for frame in container.decode(stream):
            for converted in as_float.resample(frame):
                yield np.ascontiguousarray(converted.to_ndarray().T)


def _collect(blocks: Iterator[Samples], rate: int, name: str) -> Samples:
    """(n,) 16 kHz mono from (frames, channels) blocks at `rate` Hz."""
    if not RATES[0] <= rate <= RATES[1]:
        raise AudioError(_("{name} says that it has {rate} samples a second. Recordings of speech have {rates} to "
                           "{rates_2}: record it again at 16000.").format(name=name, rate=rate, rates=RATES[0],
                                                                          rates_2=RATES[1]), "not_audio")
    resampler = soxr.ResampleStream(rate, RATE, 1, dtype="float32") if rate != RATE else None
    parts: list[Samples] = []
    frames = 0
    for block in blocks:
        frames += len(block)
        if frames > LONGEST_SECONDS * rate:
            raise AudioError(_("{name} is longer than {longest_seconds} hours. Cut it into parts.").format(
                name=name, longest_seconds=LONGEST_SECONDS // 3600), "too_long")
        if not np.isfinite(block).all():
            raise AudioError(_("{name} holds values that are not numbers (NaN or infinite): it is damaged.").format(
                name=name),
                             "not_finite")
        mono = _mono(block)
        parts.append(resampler.resample_chunk(mono) if resampler else mono)
    if resampler and frames:
        parts.append(resampler.resample_chunk(np.zeros(0, np.float32), last=True))
    return _joined(parts)


def _joined(parts: list[Samples]) -> Samples:
    """Concatenate the parts, emptying `parts` on the way so that hours of sound are never in memory twice."""
    whole = np.empty(sum(len(part) for part in parts), np.float32)
    end = len(whole)
    while parts:
        part = parts.pop()
        whole[end - len(part) : end] = part
        end -= len(part)
    return whole


def _mono(block: Samples) -> Samples:
    """(n,) the mean of (n, channels); the loudest channel where the channels cancel each other out."""
    if block.shape[1] == 1:
        return block[:, 0]
    mean = block.mean(axis=1, dtype=np.float32)
    power = np.square(block).mean(axis=0)
    return mean if np.square(mean).mean() > 1e-4 * power.max() else block[:, power.argmax()]


def _as_float(block: NDArray[Any]) -> Samples:
    """Integers scaled by the range of their type to -1..1; floats unchanged."""
    if block.dtype.kind == "f":
        return block.astype(np.float32)
    limits = np.iinfo(block.dtype)
    half = (float(limits.max) - float(limits.min) + 1) / 2
    middle = half if block.dtype.kind == "u" else 0.0
    return ((block.astype(np.float64) - middle) / half).astype(np.float32)


def _check_whole(seconds: float, promised: float, name: str) -> None:
    """AudioError when noticeably less could be decoded than the header promises; containers round, so 2 % pass."""
    if 0 < promised < 2 * LONGEST_SECONDS and promised - seconds > max(0.1, 0.02 * promised):
        raise _truncated(name, seconds, promised)


def _truncated(name: str, seconds: float = 0.0, promised: float = 0.0) -> AudioError:
    found = (_(" ({seconds:.1f} s of {promised:.1f} s can be read)").format(seconds=seconds, promised=promised)
             if seconds else "")
    return AudioError(_("{name} breaks off before its end{found}. Copy or record it again.").format(name=name,
                                                                                                    found=found),
                      "truncated")


def _checked(samples: Samples, name: str) -> Waveform:
    """Make a waveform of samples (owned by it). AudioError: empty, too_short, silent."""
    if len(samples) == 0:
        raise AudioError(_("{name} is empty: it holds no sound.").format(name=name), "empty")
    if len(samples) < SHORTEST_SECONDS * RATE:
        raise AudioError(_("{name} is too short ({samples:.2f} s) to hold a word.").format(name=name,
                                                                                           samples=len(samples) / RATE),
                         "too_short")
    peak = float(max(samples.max(), -samples.min()))
    if peak < SILENCE:
        raise AudioError(_("{name} is silent. Is the microphone muted?").format(name=name), "silent")
    if peak > 1:
        samples /= peak
    samples.flags.writeable = False
    return Waveform(samples)
