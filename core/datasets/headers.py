"""Whether a file can be what it says, from its first bytes: cheap enough for every file of a dataset."""

import struct
from pathlib import Path
from typing import Any

import av
import soundfile
from PIL import Image

from core.audio import CONTAINERS
from core.images import PLAIN_FORMATS

SLACK = 1600  # bytes that a WAV may fall short of its header: broken off in the last 0.05 s is not worth a word
UNKNOWN_SIZE = 0x7FFFF000  # programs that write into a pipe put the largest size there is


def recording_faults(path: Path) -> tuple[str, ...]:
    """Problem kinds of a recording: empty_, truncated_ or unreadable_recording, stereo; () when its header is fine."""
    try:
        size = path.stat().st_size
        if size == 0:
            return ("empty_recording",)
        with path.open("rb") as file:
            head = file.read(12)
        channels, frames = _sound(path)
    except Exception:  # whatever a decoder makes of a hostile header, the file is listed and the rest goes on
        return ("unreadable_recording",)
    if head[:4] == b"RIFF":
        promised = struct.unpack("<I", head[4:8])[0] + 8
        if size + SLACK < promised < UNKNOWN_SIZE:
            return ("truncated_recording",)
    if frames == 0:
        return ("empty_recording",)
    return ("stereo",) if channels > 1 else ()


def seconds(path: Path) -> float:
    """How long a recording is by its header; 0 where the header does not say, or there is none."""
    try:
        return float(soundfile.info(str(path)).duration)
    except (soundfile.LibsndfileError, OSError, RuntimeError):
        return 0.0


def _sound(path: Path) -> tuple[int, int]:
    """Channels, and frames (1 where only a full decoding could tell)."""
    try:
        info = soundfile.info(str(path))
        return int(info.channels), int(info.frames)
    except soundfile.LibsndfileError:
        return _track(path), 1


def _track(path: Path) -> int:
    """Channels of the first sound track of a container that libsndfile does not know."""
    options = {"format_whitelist": CONTAINERS, "protocol_whitelist": "file"}
    with av.open(str(path), options=options) as container:
        stream: Any = container.streams.audio[0]
        return int(stream.codec_context.channels)


def picture_faults(path: Path) -> tuple[str, ...]:
    """Problem kinds of a picture: empty_picture, unreadable_picture; () when its header is fine."""
    try:
        with path.open("rb") as file:
            head = file.read(12)
            if not head:
                return ("empty_picture",)
            if head[4:8] != b"ftyp":  # AVIF and HEIF, whose header no cheap reader knows
                Image.open(file, formats=PLAIN_FORMATS).close()
    except Exception:  # as for recordings
        return ("unreadable_picture",)
    return ()
