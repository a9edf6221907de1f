"""Utterances played into the window's microphone: hits while speaking, hits after the last word, samples.

    python -m tests.benchmarks.spoken_window [--utterances 100] [--first 5] [--busy 2]

Needs PulseAudio with a sink whose monitor is the default source. Space is held, an utterance is played, and Space is
let go when it has ended. `--busy`: processes that keep the cores busy meanwhile. Printed are

- when the right picture is among the first hits while one speaks, and when it would be there without that: the same
  recording, transcribed and searched from its end on, by an explorer that heard nothing of it before;
- the time from the last word, and from the release of the key, to the paint of the last results;
- recordings with other final words or hits than that explorer gives;
- samples lost: how far the second half of the recording lies from where the first half says it must.
"""

import argparse
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from brewclip_app.panels.search.state import SearchState
from core import audio
from core.audio import RATE
from core.cli.output import table
from core.datasets import Utterance
from core.explorer import Explorer
from core.home import Home
from core.search.terms import QueryTerm
from core.settings import Settings
from tests.benchmarks.common import own_home, test_split
from tests.benchmarks.driven_window import DrivenWindow

GALLERY, TOP, LOUD = "flickr8k", 250, 0.03


@dataclass(frozen=True)
class Played:
    """One utterance; times in seconds from the end of its last word, None where the picture is not found."""

    live: float | None  # the right picture is first among the first hits
    waiting: float | None  # without search while speaking
    final: float  # the last results are painted
    released: float  # the key is let go
    same: bool  # words and hits of the end are those without search while speaking
    shift: int  # samples between the halves of the recording and of what was played
    gaps: int
    likeness: float  # correlation of the recording with what was played


def play(window: DrivenWindow, plain: Explorer, utterance: Utterance, first: int) -> Played:
    """Speak one utterance."""
    assert utterance.recording is not None
    spoken, panel = audio.read(utterance.recording), window.panel
    seen, clock = list[float](), list[float]()

    def look(state: SearchState) -> None:
        if state.recording and state.partial and state.answer is not None and _is_there(state.answer.hits, utterance,
                                                                                        first):
            seen.append(time.monotonic())

    def measure(peak: float) -> None:
        so_far = panel.voice.microphone.so_far()
        if so_far is not None:
            clock.append(time.monotonic() - so_far.seconds)

    panel.controller.changed.connect(look)
    panel.voice.microphone.level.connect(measure)
    window.press()
    window.play(utterance.recording)
    released = window.release()
    painted = window.until_answered()
    panel.controller.changed.disconnect(look)
    panel.voice.microphone.level.disconnect(measure)
    recording, state = window.recordings[-1], panel.controller.state
    waveform = audio.from_samples(recording.samples, recording.rate)
    lag, likeness = aligned(waveform.samples, spoken.samples)
    last_word = min(clock) + lag / RATE + last_sound(spoken.samples) / RATE
    began = time.perf_counter()
    transcript = plain.transcribe_query(waveform)
    term = QueryTerm("speech", transcript.text, waveform=waveform, transcript=transcript)
    result = plain.search(GALLERY, [term], TOP)
    computed = time.perf_counter() - began
    assert state.answer is not None
    same = (state.answer.query.text == transcript.text
            and [hit.image.id for hit in state.answer.hits] == [hit.image.id for hit in result.hits])
    waiting = released - last_word + computed if _is_there(result.hits, utterance, first) else None
    return Played(seen[0] - last_word if seen else None, waiting, painted - last_word, released - last_word, same,
                  _shift(waveform.samples, spoken.samples, lag), recording.gaps, likeness)


def aligned(recorded: NDArray[np.float32], played: NDArray[np.float32]) -> tuple[int, float]:
    """Sample of a recording (n,) where a played one (m,) begins, and their correlation there, -1..1."""
    length = 1 << (len(recorded) + len(played)).bit_length()
    products = np.fft.irfft(np.fft.rfft(recorded, length) * np.conj(np.fft.rfft(played, length)), length)
    lag = int(products[:len(recorded)].argmax())
    part = recorded[lag:lag + len(played)]
    other = played[:len(part)]
    return lag, float(part @ other / max(np.linalg.norm(part) * np.linalg.norm(other), 1e-9))


def _shift(recorded: NDArray[np.float32], played: NDArray[np.float32], lag: int) -> int:
    """Samples that are missing (or too many) between the middle of each half."""
    middle, end = len(played) // 2, last_sound(played)
    first, _ = aligned(recorded[:lag + middle], played[:middle])
    second, _ = aligned(recorded[lag + middle - RATE // 10:], played[middle:end])
    return lag + middle - RATE // 10 + second - middle - first


def last_sound(samples: NDArray[np.float32]) -> int:
    """Sample after the last frame of 20 ms that is louder than -30 dB of the loudest."""
    frames = samples[:len(samples) // 320 * 320].reshape(-1, 320)
    levels = np.sqrt(np.mean(np.square(frames), axis=1))
    return (int(np.flatnonzero(levels > LOUD * levels.max())[-1]) + 1) * 320


def _is_there(hits: Sequence[object], utterance: Utterance, first: int) -> bool:
    return any(hit.image.path.name == utterance.image_id for hit in hits[:first])  # type: ignore[attr-defined]


@contextmanager
def busy(processes: int) -> Iterator[None]:
    """Keep cores busy meanwhile."""
    works = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(processes)]
    try:
        yield
    finally:
        for work in works:
            work.kill()


def opened(home: Home, settings: Settings, pictures: Sequence[Path] = ()) -> Explorer:
    """An explorer with loaded models and the pictures in its gallery."""
    explorer = Explorer(home, settings)
    explorer.models.prepare(explorer.models.entry(settings).weights, settings)  # the export, as on a usual home
    if pictures:
        explorer.index(list(pictures), GALLERY)
    explorer.warm_up()
    return explorer


def main() -> None:
    """Print the table."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--utterances", type=int, default=100)
    options.add_argument("--first", type=int, default=5)
    options.add_argument("--busy", type=int, default=0)
    chosen = options.parse_args()
    split = test_split()
    utterances = [each for each in split.utterances if each.recording][:chosen.utterances]
    with own_home() as home:
        settings = Settings({"search.keep_history": False})
        explorer = opened(home, settings, [image.path for image in split.images if image.path])
        plain = opened(home, settings)
        with DrivenWindow(explorer, GALLERY) as window, busy(chosen.busy):
            play(window, plain, utterances[0], chosen.first)
            played = [play(window, plain, each, chosen.first) for each in utterances]
    show(played, chosen.first)


def show(played: Sequence[Played], first: int) -> None:
    """Print what was measured."""
    rows = [(name, str(len(known)), *_quartiles(known)) for name, known in (
        (f"while speaking: right picture among the first {first}", _known(played, "live")),
        ("waiting for the end: the same", _known(played, "waiting")),
        ("last results painted", _known(played, "final")), ("key released", _known(played, "released")),
        ("last results painted, from the release on", [each.final - each.released for each in played]))]
    print(table(rows, ("seconds from the end of the last word", "of", "quartile", "median", "quartile"),
                right=(1, 2, 3, 4)))
    print(f"{len(played)} utterances; other words or hits than without: {sum(not each.same for each in played)}; "
          f"recordings with lost or added samples: {sum(abs(each.shift) > 1 for each in played)} (gaps reported: "
          f"{sum(each.gaps for each in played)}, largest shift {max(abs(each.shift) for each in played)} samples); "
          f"least correlation with what was played: {min(each.likeness for each in played):.3f}")


def _known(played: Sequence[Played], name: str) -> list[float]:
    return [value for each in played if (value := getattr(each, name)) is not None]


def _quartiles(values: Sequence[float]) -> tuple[str, str, str]:
    if len(values) < 2:
        return "-", "-", "-"
    low, middle, high = statistics.quantiles(values, n=4)
    return f"{low:.2f}", f"{middle:.2f}", f"{high:.2f}"


if __name__ == "__main__":
    main()
