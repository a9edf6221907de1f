"""Whether a file can be what it says, from its first bytes: cheap enough for every file of a dataset."""

from contextlib import nullcontext
from pathlib import Path
from typing import Any

import av
import soundfile
from PIL import Image

from core.audio import CONTAINERS
from core.audio_lengths import Repaired, lengths_of
from core.images import PLAIN_FORMATS


def recording_faults(path: Path) -> tuple[str, ...]:
    """Problem kinds of a recording: empty_, truncated_ or unreadable_recording, stereo; () when its header is fine."""
    try:
        if not path.is_file():  # opening a pipe could wait for ever
            return ("unreadable_recording",)
        if path.stat().st_size == 0:
            return ("empty_recording",)
        channels, frames = _sound(path)
        lengths = lengths_of(path)
    except Exception:  # whatever a decoder makes of a hostile header, the file is listed and the rest goes on
        return ("unreadable_recording",)
    if lengths and lengths.cut_off:
        return ("truncated_recording",)
    if frames == 0:
        return ("empty_recording",)
    return ("stereo",) if channels > 1 else ()


def seconds(path: Path) -> float:
    """Length of a recording by its header, s; 0 where it is unknown."""
    try:
        return float(_info(path).duration)
    except (soundfile.LibsndfileError, OSError, RuntimeError, ValueError):
        return 0.0


def _sound(path: Path) -> tuple[int, int]:
    """Channels, and frames (1 where only a full decoding could tell)."""
    try:
        info = _info(path)
        return int(info.channels), int(info.frames)
    except soundfile.LibsndfileError:
        return _track(path), 1


def _info(path: Path) -> Any:
    """libsndfile's view of the header, with a length that is only a placeholder put right."""
    lengths = lengths_of(path)
    with Repaired(path, lengths.repairs) if lengths and lengths.repairs else nullcontext(str(path)) as source:
        return soundfile.info(source)


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
