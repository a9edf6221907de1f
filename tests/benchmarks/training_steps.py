"""Training steps from caches against a plain loop that runs Whisper and CLIP in every step, on the same batches.

    python -m tests.benchmarks.training_steps --rounds 3

Both update the same model in the same way; only where its input comes from differs. The plain loop reads recordings and
pictures, has openai-whisper encode 30 s windows and transcribe them, and runs the whole image tower. Its second row is
spared what could be kept without caches of numbers: the transcripts are known. The loops take turns, round by round.
"""

import argparse
import statistics
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
import whisper
from torch import nn

from core import audio, datasets, images, weights
from core.asr.transcript import Transcript
from core.datasets import Dataset
from core.explorer import Explorer
from core.features.prepared_split import FeaturePreparer, Split
from core.home import Home
from core.models.brewclip import BrewCLIP
from core.settings import Settings
from core.training.dataset import PairDataset
from core.training.recipe import TrainingOptions
from tests.benchmarks.common import DATA, in_turns, own_home

OPTIONS = TrainingOptions()
HEARD = whisper.DecodingOptions(language="en", fp16=False, without_timestamps=True)


def some_pairs(count: int) -> Dataset:
    """The first pairs of Flickr8k's training split."""
    whole = datasets.load(DATA / "flickr8k").of("train")
    utterances = tuple(each for each in whole.utterances if each.recording)[:count]
    named = {each.image_id for each in utterances}
    return replace(whole, utterances=utterances, images=tuple(each for each in whole.images if each.image_id in named))


class Loops:
    """One variant with its optimiser, fed from caches or from the files."""

    def __init__(self, explorer: Explorer, preparing: FeaturePreparer, split: Split, variant: str, batch: int,
                 hears: Any) -> None:
        torch.manual_seed(0)
        self.split, self.whisper, self.backbone = split, hears, explorer.backbone()
        self.model = BrewCLIP(self.backbone.built, variant).train()
        self.corpus = PairDataset([split], preparing.images, self.model, batch, 0, drop_unheard=False)
        self.optimiser = torch.optim.Adam(self.model.trained().values(), 1e-4, weight_decay=OPTIONS.weight_decay)
        self.steps = dict.fromkeys(("cached", "plain", "known"), 0)
        self.feeding: list[float] = []  # shares of a cached step's time

    def update(self, stems: torch.Tensor, speech: Any, ids: torch.Tensor) -> None:
        """One step of the recipe."""
        losses = self.model.loss(self.model(stems, speech), ids)
        self.optimiser.zero_grad(set_to_none=True)
        losses.total.backward()
        nn.utils.clip_grad_norm_(self.model.trained().values(), OPTIONS.clip)
        self.optimiser.step()

    def _step(self, loop: str) -> int:
        self.steps[loop] += 1
        return self.steps[loop] - 1

    def cached(self) -> None:
        """A step from caches; the batch is not even read ahead, as the trainer does."""
        began = time.perf_counter()
        batch = self.corpus.batches(self._step("cached"))[0]
        read = time.perf_counter()
        self.update(self.corpus.stems(batch, torch.device("cpu")), batch.speech, batch.image_ids)
        self.feeding.append((read - began) / (time.perf_counter() - began))

    def plain(self) -> None:
        """A step that hears and sees everything anew."""
        self._from_files("plain", transcribes=True)

    def known(self) -> None:
        """As `plain`, but the words are known."""
        self._from_files("known", transcribes=False)

    def _from_files(self, loop: str, transcribes: bool) -> None:
        rows = [row for _, row in self.corpus.chosen(self._step(loop))]
        waves = [audio.read(self.split.utterances[row].recording) for row in rows]
        transcripts = [self.split.spoken[row].transcript for row in rows]
        states = None
        if transcribes or self.model.variant.acoustic:
            transcripts, states = self._heard([each.samples for each in waves], transcripts, transcribes)
        places = [int(self.split.image_of[row]) for row in rows]
        pixels = np.stack([images.pixels(images.read(self.split.paths[place]).rgb, "centre", self.backbone.image_size)
                           for place in places])
        speech = self.model.collate(transcripts, states if self.model.variant.acoustic else None)
        self.update(self.model.image_stem(pixels), speech, torch.tensor(places))

    @torch.inference_mode()
    def _heard(self, waves: Sequence[np.ndarray], transcripts: list[Transcript], transcribes: bool
               ) -> tuple[list[Transcript], list[tuple[np.ndarray, ...]]]:
        """Words and states by openai-whisper alone."""
        mel = torch.stack([whisper.log_mel_spectrogram(whisper.pad_or_trim(each)) for each in waves])
        encoded = self.whisper.encoder(mel)
        if transcribes:
            found = whisper.decode(self.whisper, encoded, HEARD)
            transcripts = [replace(known, text=each.text) for known, each in zip(transcripts, found, strict=True)]
        return transcripts, [(one[: max(1, len(wave) // 320)].half().numpy(),) for one, wave in
                             zip(encoded, waves, strict=True)]


def compare(explorer: Explorer, preparing: FeaturePreparer, split: Split, hears: Any, batch: int, rounds: int) -> None:
    """Print the table of both variants."""
    print(f"{'variant':<10}{'loop':<64}{'s a step':>10}{'steps/s':>9}{'slower':>11}{'outside':>9}", flush=True)
    for variant in ("full", "prompted"):
        loops = Loops(explorer, preparing, split, variant, batch, hears)
        cached, plain, known = in_turns((loops.cached, loops.plain, loops.known), rounds)
        what = "Whisper's encoder, CLIP" if variant == "full" else "CLIP"
        for name, times in (("from caches", cached), ("plain: Whisper transcribes, CLIP, every step", plain),
                            (f"plain, transcripts known: {what}, every step", known)):
            ratio = statistics.median(other / own for other, own in zip(times, cached, strict=True))
            outside = f"{100 * statistics.median(loops.feeding):.1f} %" if times is cached else ""
            quicker = "" if times is cached else f"{ratio:.1f} x"
            print(f"{variant:<10}{name:<64}{statistics.median(times):>10.2f}{1 / statistics.median(times):>9.3f}"
                  f"{quicker:>11}{outside:>9}", flush=True)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=3, help="after one that is not counted")
    parser.add_argument("--pairs", type=int, default=128, help="pairs that the batches are drawn from")
    _compare(parser.parse_args())


def _compare(chosen: argparse.Namespace) -> None:
    with own_home() as home:
        explorer = Explorer(Home(home.root), Settings().with_value("device", "cpu")
                            .with_value("vision.backbone", "brewclip-mini").with_value("vision.model", "zero-shot"))
        checkpoint = weights.find("whisper-base", home)
        assert checkpoint, "run `make setup` first"
        preparing = FeaturePreparer(explorer.workspace, explorer.backbone(), "centre")
        began = time.perf_counter()
        split = preparing.prepare(some_pairs(chosen.pairs), "train")
        print(f"brewclip-mini, Whisper base, {torch.get_num_threads()} threads, batch {chosen.batch}; caches of "
              f"{len(split.utterances)} utterances and {len(split.pictures)} pictures made in "
              f"{time.perf_counter() - began:.0f} s", flush=True)
        hears = whisper.load_model(str(checkpoint), device="cpu").eval()
        compare(explorer, preparing, split, hears, chosen.batch, chosen.rounds)
        explorer.close()


if __name__ == "__main__":
    main()
