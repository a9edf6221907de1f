"""Transcription in ONNX Runtime and in PyTorch against plain openai-whisper, in one run.

Word errors and seconds of an utterance, by the clock and of processor time; a recording of three minutes; partial
transcripts of growing sound; then the encoder alone, and the floor of the 8-bit decoder: the bytes of weights that a
token reads over the measured bandwidth of memory.

    python -m tests.benchmarks.hearing --limit 100

faster-whisper (int8) takes part where it is installed and BREWCLIP_FASTER_WHISPER names the folder of Whisper base in
CTranslate2's format (model.bin, config.json, tokenizer.json, vocabulary.txt).

The utterances are those of the Flickr8k test split in the development data (BREWCLIP_TEST_DATA or ../shared/data).
One by one, all take turns, so that what else the machine does falls on both.
"""

import argparse
import os
import random
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import jiwer
import numpy as np
import torch
import whisper
from whisper.normalizers import EnglishTextNormalizer

from core import audio, weights
from core.asr.engine import Runtime
from core.asr.recogniser import Recogniser
from core.asr.transcript import TranscriptionOptions
from core.asr.whisper import WhisperRecogniser
from core.audio import RATE, Waveform
from core.home import find_home
from core.inference.whisper import OnnxWhisper
from core.models.registry import ModelRegistry
from core.settings import Settings
from tests.benchmarks.common import test_split

LONG_S = 180

normal = EnglishTextNormalizer()


@dataclass
class Row:
    """One line of the table."""

    name: str
    texts: list[str] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    redone: int = 0

    def print(self, captions: Sequence[str]) -> None:
        wer = jiwer.wer([normal(caption) for caption in captions], [normal(text) for text in self.texts])
        print(f"{self.name:<44}{len(self.texts):>6}{100 * wer:>9.2f} %{statistics.mean(self.seconds):>10.3f} s"
              f"{statistics.median(self.seconds):>10.3f} s"
              f"{statistics.mean(self.cpu):>10.3f} s{self.redone:>8}", flush=True)


def utterances(limit: int) -> list[tuple[Waveform, str]]:
    """Recordings of the test split with their captions; a fixed random choice of `limit`, all of them for 0."""
    rows = [spoken for spoken in test_split().utterances if spoken.recording]
    random.Random(0).shuffle(rows)
    return [(audio.read(row.recording), row.caption) for row in rows[: limit or len(rows)]]


def timed(row: Row, work: Callable[[], str]) -> None:
    start, cpu = time.perf_counter(), time.process_time()
    row.texts.append(work())
    row.seconds.append(time.perf_counter() - start)
    row.cpu.append(time.process_time() - cpu)


def faster_whisper() -> Callable[[np.ndarray], str] | None:
    """Transcription by faster-whisper in int8, greedy; None, with a line that says so, where it cannot be measured."""
    folder = os.environ.get("BREWCLIP_FASTER_WHISPER", "")
    if not folder or find_spec("faster_whisper") is None:
        print("not measured: no faster-whisper model")
        return None
    model: Any = import_module("faster_whisper").WhisperModel(folder, "cpu", compute_type="int8",
                                                              cpu_threads=torch.get_num_threads())
    return lambda samples: "".join(segment.text for segment in model.transcribe(samples, beam_size=1)[0])


def one_by_one(found: Sequence[tuple[Waveform, str]], checkpoint: Path, recogniser: Recogniser,
               in_torch: Recogniser, faster: Callable[[np.ndarray], str] | None) -> list[Row]:
    """Plain whisper, ours in PyTorch, ours, and ours without what plain whisper does not do either, in turn on each
    utterance.
    """
    model = whisper.load_model(str(checkpoint), device="cpu")
    plain, other = Row("whisper.transcribe"), Row("faster-whisper int8, greedy")
    rows = ((Row("transcribe, inference = torch, with word times"), in_torch, TranscriptionOptions()),
            (Row("transcribe, one by one, with word times"), recogniser, TranscriptionOptions()),
            (Row("transcribe, without times"), recogniser, TranscriptionOptions(word_times=False)))
    model.transcribe(found[0][0].samples.copy(), fp16=False)  # all warm
    if faster:
        faster(found[0][0].samples)
    recogniser.warm_up()
    in_torch.warm_up()
    for waveform, _ in found:
        timed(plain, lambda waveform=waveform: model.transcribe(waveform.samples.copy(), fp16=False)["text"])
        if faster:
            timed(other, lambda waveform=waveform: faster(waveform.samples))
        for row, ours, options in rows:
            def transcribe(waveform: Waveform = waveform, options: TranscriptionOptions = options,
                           row: Row = row, ours: Recogniser = ours) -> str:
                transcript = ours.transcribe([waveform], options)[0].transcript
                row.redone += transcript.redone
                return transcript.text
            timed(row, transcribe)
    return [plain, *([other] if faster else []), *(row for row, _, _ in rows)]


def long_recording(found: Sequence[tuple[Waveform, str]], works: Sequence[tuple[str, Callable[[np.ndarray], str]]]
                   ) -> None:
    """Print the time of each for three minutes, put together from utterances with pauses, in turns."""
    pause, parts, words = np.zeros(RATE // 2, np.float32), [], []
    for waveform, caption in found:
        if sum(map(len, parts)) < LONG_S * RATE:
            parts += [waveform.samples, pause]
            words.append(caption)
    samples, caption = np.concatenate(parts), " ".join(words)
    print(f"one recording of {len(samples) / RATE:.0f} s")
    rows = [Row(name) for name, _ in works]
    for _ in range(2):
        for row, (_, work) in zip(rows, works, strict=True):
            timed(row, lambda work=work: work(samples.copy()))
    for row in rows:
        row.print([caption] * len(row.texts))


def growing(found: Sequence[tuple[Waveform, str]], recogniser: WhisperRecogniser) -> None:
    """Print the time of partial transcripts of sound that grows to ten seconds, four a second."""
    samples = np.concatenate([waveform.samples for waveform, _ in found])[:10 * RATE]
    previous, rows = None, []
    for length in range(RATE, len(samples) + 1, RATE // 4):
        start, cpu = time.perf_counter(), time.process_time()
        previous = recogniser.transcribe_partial(samples[:length], previous=previous)
        rows.append((length / RATE, time.perf_counter() - start, time.process_time() - cpu))
    for seconds, spent, cpu in rows[7::8]:
        print(f"partial transcript of {seconds:5.2f} s: {spent:.3f} s, {cpu:.3f} s of processor time")


def seconds_of(work: Callable[[], object], times: int = 5) -> float:
    """Median seconds of some work."""
    work()
    spent = []
    for _ in range(times):
        start = time.perf_counter()
        work()
        spent.append(time.perf_counter() - start)
    return statistics.median(spent)


def bounds(runtimes: Sequence[tuple[str, Runtime]]) -> None:
    """Print the time of each encoder for 10 s, and the floor of a token's time."""
    samples = np.random.default_rng(0).standard_normal((1, 10 * RATE)).astype(np.float32)
    for name, runtime in runtimes:
        print(f"encoder alone, 10 s padded, {name}: "
              f"{seconds_of(lambda runtime=runtime: runtime.encode(samples)):.3f} s")
        if isinstance(runtime, OnnxWhisper):
            read = runtime.bytes_of_a_token
            block = np.ones(1 << 28, np.uint8)
            bandwidth = block.nbytes / seconds_of(block.max)
            print(f"floor of a token: {read / 1e6:.0f} MB of weights at {bandwidth / 1e9:.1f} GB/s: "
                  f"{1e3 * read / bandwidth:.1f} ms")


def batched(found: Sequence[tuple[Waveform, str]], recogniser: Recogniser,
            options: TranscriptionOptions) -> Row:
    """All utterances in one call."""
    start, cpu = time.perf_counter(), time.process_time()
    heard = [one.transcript for one in recogniser.transcribe([waveform for waveform, _ in found], options)]
    each, cpu = (time.perf_counter() - start) / len(found), (time.process_time() - cpu) / len(found)
    return Row(f"transcribe, all in one call, padding {options.padding}", [one.text for one in heard],
               [each] * len(found), [cpu] * len(found), sum(one.redone for one in heard))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--limit", type=int, default=100, help="utterances of the comparison one by one (0: all)")
    parser.add_argument("--batch-limit", type=int, default=0, help="utterances of the batches (0: all)")
    parser.add_argument("--full", action="store_true", help="also all in one call padded to 30 s (ten minutes)")
    chosen = parser.parse_args()
    home = find_home()
    checkpoint = weights.find("whisper-base", home)
    assert checkpoint, "run `make setup` first"
    settings, registry = Settings().with_value("device", "cpu"), ModelRegistry(home)
    registry.prepare("whisper-base", settings)
    recogniser = registry.recogniser(settings)
    in_torch = ModelRegistry(home).recogniser(settings.with_value("inference", "torch"))
    assert isinstance(recogniser, WhisperRecogniser) and isinstance(in_torch, WhisperRecogniser)
    print(f"{recogniser.name}, {torch.get_num_threads()} threads, Flickr8k test split, synthetic voices\n"
          f"{'':<44}{'n':>6}{'WER':>11}{'mean':>12}{'median':>12}{'CPU':>12}{'redone':>8}")
    few, many = utterances(chosen.limit), utterances(chosen.batch_limit)
    faster = faster_whisper()
    for row in one_by_one(few, checkpoint, recogniser, in_torch, faster):
        row.print([caption for _, caption in few])
    long_recording(many, [("transcribe, without times", lambda samples: recogniser.transcribe(
        [Waveform(samples)], TranscriptionOptions(word_times=False))[0].transcript.text)]
        + ([("faster-whisper int8, greedy", faster)] if faster else []))
    growing(many, recogniser)
    bounds((("PyTorch", in_torch.runtime), ("ONNX Runtime", recogniser.runtime)))
    for padding in ("own", "full") if chosen.full else ("own",):
        batched(many, recogniser, TranscriptionOptions(padding=padding)).print([caption for _, caption in many])


if __name__ == "__main__":
    main()
