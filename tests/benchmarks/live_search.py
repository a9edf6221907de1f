"""Search while speaking against waiting for the end: when is the right picture among the first hits?

    python -m tests.benchmarks.live_search [--utterances 100] [--first 5]

Utterances of Flickr8k's test split are "spoken" in a clock of their own, as the window follows them: partial
transcripts from `FIRST_S` on, one after the other, at most one in `EVERY_S`, each on the sound there is when it begins
and shown when its computation, which is measured, has ended. The gallery has the split's pictures. The recordings end
as ever: tail, transcription and search of the whole.
"""

import argparse
import statistics
import time
from dataclasses import dataclass

from brewclip_app.capture.recording import TAIL
from brewclip_app.panels.search.live import EVERY_S, FIRST_S
from core import audio
from core.audio import RATE, Waveform
from core.cli.output import table
from core.datasets import Utterance
from core.explorer import Explorer, SearchResult
from core.search.terms import QueryTerm
from core.settings import Settings
from tests.benchmarks.common import own_home, test_split

GALLERY, TOP = "flickr8k", 250


@dataclass(frozen=True)
class Spoken:
    """Times of one utterance in seconds from its end, negative before it; None where the picture is not found."""

    seconds: float
    live: float | None  # the right picture is first seen among the first hits
    stays: float | None  # and stays there from then on
    waiting: float | None  # without partial transcripts
    final: float  # the end's own results are there
    partial: float  # median of computing a partial answer
    same: bool  # the last partial words are those of the end


def speak(explorer: Explorer, utterance: Utterance, first: int) -> Spoken:
    """Follow one utterance."""
    assert utterance.recording is not None
    waveform = audio.read(utterance.recording)
    now, previous, words = FIRST_S, None, ""
    costs, seen = [], []
    while now < waveform.seconds:
        so_far = audio.from_samples(waveform.samples[:round(now * RATE)], RATE)
        began = time.perf_counter()
        previous = explorer.transcribe_partial(so_far, previous)
        if previous.text and previous.text != words:
            words = previous.text
            result = explorer.search(GALLERY, [QueryTerm("text", words)], TOP)
            costs.append(time.perf_counter() - began)
            seen.append((now + costs[-1] - waveform.seconds, _is_there(result, utterance, first)))
        now = max(now + time.perf_counter() - began, now + EVERY_S)
    final, result, text = _end(explorer, waveform)
    ended = (final, _is_there(result, utterance, first))
    by_time = [*seen, ended]
    found = [when for when, right in by_time if right]
    lost = max((place for place, (_, right) in enumerate(by_time) if not right), default=-1)
    return Spoken(waveform.seconds, min(found, default=None), by_time[lost + 1][0] if lost + 1 < len(by_time) else None,
                  final if ended[1] else None, final, statistics.median(costs) if costs else 0.0, words == text)


def _end(explorer: Explorer, waveform: Waveform) -> tuple[float, SearchResult, str]:
    """Seconds from the end of the utterance to its results, the tail of the recording included."""
    began = time.perf_counter()
    transcript = explorer.transcribe_query(waveform)
    result = explorer.search(GALLERY, [QueryTerm("speech", transcript.text, waveform=waveform, transcript=transcript)],
                             TOP)
    return TAIL + time.perf_counter() - began, result, transcript.text


def _is_there(result: SearchResult, utterance: Utterance, first: int) -> bool:
    return any(hit.image.path.name == utterance.image_id for hit in result.hits[:first])


def main() -> None:
    """Print the table."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--utterances", type=int, default=100)
    options.add_argument("--first", type=int, default=5)
    chosen = options.parse_args()
    split = test_split()
    with own_home() as home:
        settings = Settings({"search.keep_history": False})
        explorer = Explorer(home, settings)
        explorer.models.prepare(explorer.models.entry(settings).weights, settings)  # the export, as on a usual home
        folder = next(image.path for image in split.images if image.path).parent
        explorer.index([image.path for image in split.images if image.path], GALLERY)
        explorer.warm_up()
        utterances = [each for each in split.utterances if each.recording][:chosen.utterances]
        speak(explorer, utterances[0], chosen.first)
        spoken = [speak(explorer, each, chosen.first) for each in utterances]
        explorer.close()
    print(f"{len(spoken)} utterances of {folder.parent.name}, median {_median([each.seconds for each in spoken])} s, "
          f"{len(split.images)} pictures; found: among the first {chosen.first}")
    rows = [(name, str(len(known)), _median(known), str(sum(value < 0 for value in known)))
            for name, known in (("while speaking, first seen", _known(spoken, "live")),
                                ("while speaking, there to stay", _known(spoken, "stays")),
                                ("waiting for the end", _known(spoken, "waiting")))]
    print(table(rows, ("", "found", "median s from the end", "before the end"), right=(1, 2, 3)))
    print(f"a partial answer {_median([each.partial for each in spoken])} s, results after the end "
          f"{_median([each.final for each in spoken])} s (tail of {TAIL} s included); last partial words as at the end "
          f"in {sum(each.same for each in spoken)}")


def _known(spoken: list[Spoken], name: str) -> list[float]:
    return [value for each in spoken if (value := getattr(each, name)) is not None]


def _median(values: list[float]) -> str:
    return f"{statistics.median(values):.2f}" if values else "-"


if __name__ == "__main__":
    main()
