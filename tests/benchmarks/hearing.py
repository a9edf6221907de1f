"""Hearing against plain openai-whisper, in one run: word errors and seconds an utterance.

    python -m tests.benchmarks.hearing --limit 100

The utterances are those of the Flickr8k test split in the development data (BREWCLIP_TEST_DATA or ../shared/data).
One by one, the two take turns, so that what else the machine does falls on both.
"""

import argparse
import random
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import jiwer
import torch
import whisper
from whisper.normalizers import EnglishTextNormalizer

from core import audio, weights
from core.asr import whisper as speech
from core.asr.transcript import TranscriptionOptions
from core.audio import Waveform
from core.home import find_home
from tests.benchmarks.common import test_split

normal = EnglishTextNormalizer()


@dataclass
class Row:
    """One line of the table."""

    name: str
    texts: list[str] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    redone: int = 0

    def print(self, captions: Sequence[str]) -> None:
        wer = jiwer.wer([normal(caption) for caption in captions], [normal(text) for text in self.texts])
        print(f"{self.name:<44}{len(self.texts):>6}{100 * wer:>9.2f} %{statistics.mean(self.seconds):>10.3f} s"
              f"{statistics.median(self.seconds):>10.3f} s{self.redone:>8}", flush=True)


def utterances(limit: int) -> list[tuple[Waveform, str]]:
    """Recordings of the test split with their captions; a fixed random choice of `limit`, all of them for 0."""
    rows = [spoken for spoken in test_split().utterances if spoken.recording]
    random.Random(0).shuffle(rows)
    return [(audio.read(row.recording), row.caption) for row in rows[: limit or len(rows)]]


def timed(row: Row, work: Callable[[], str]) -> None:
    start = time.perf_counter()
    row.texts.append(work())
    row.seconds.append(time.perf_counter() - start)


def one_by_one(found: Sequence[tuple[Waveform, str]], checkpoint: Path,
               recogniser: speech.WhisperRecogniser) -> list[Row]:
    """Plain whisper, ours, and ours without what plain whisper does not do either, in turn on each utterance."""
    model = whisper.load_model(str(checkpoint), device="cpu")
    plain = Row("whisper.transcribe")
    own, bare = Row("transcribe, one by one, with word times"), Row("transcribe, without times")
    model.transcribe(found[0][0].samples.copy(), fp16=False)  # both warm
    recogniser.warm_up()
    for waveform, _ in found:
        timed(plain, lambda waveform=waveform: model.transcribe(waveform.samples.copy(), fp16=False)["text"])
        for row, options in ((own, TranscriptionOptions()), (bare, TranscriptionOptions(word_times=False))):
            def transcribe(waveform: Waveform = waveform, options: TranscriptionOptions = options,
                           row: Row = row) -> str:
                transcript = recogniser.transcribe([waveform], options)[0].transcript
                row.redone += transcript.redone
                return transcript.text
            timed(row, transcribe)
    return [plain, own, bare]


def batched(found: Sequence[tuple[Waveform, str]], recogniser: speech.WhisperRecogniser,
            options: TranscriptionOptions) -> Row:
    """All utterances in one call."""
    start = time.perf_counter()
    heard = [one.transcript for one in recogniser.transcribe([waveform for waveform, _ in found], options)]
    each = (time.perf_counter() - start) / len(found)
    return Row(f"transcribe, all in one call, padding {options.padding}", [one.text for one in heard],
               [each] * len(found), sum(one.redone for one in heard))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--limit", type=int, default=100, help="utterances of the comparison one by one (0: all)")
    parser.add_argument("--batch-limit", type=int, default=0, help="utterances of the batches (0: all)")
    parser.add_argument("--full", action="store_true", help="also all in one call padded to 30 s (ten minutes)")
    chosen = parser.parse_args()
    checkpoint = weights.find("whisper-base", find_home())
    assert checkpoint, "run `make setup` first"
    recogniser = speech.load(checkpoint, "cpu")
    print(f"{recogniser.name}, {torch.get_num_threads()} threads, Flickr8k test split, synthetic voices\n"
          f"{'':<44}{'n':>6}{'WER':>11}{'mean':>12}{'median':>12}{'redone':>8}")
    few, many = utterances(chosen.limit), utterances(chosen.batch_limit)
    for row in one_by_one(few, checkpoint, recogniser):
        row.print([caption for _, caption in few])
    for padding in ("own", "full") if chosen.full else ("own",):
        batched(many, recogniser, TranscriptionOptions(padding=padding)).print([caption for _, caption in many])


if __name__ == "__main__":
    main()
