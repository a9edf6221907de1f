"""Every part that computes on a GPU, walked once there with the real models, and steps of the paper's size measured.

    python -m tests.benchmarks.device_check [--device cuda]

Trains a few steps, stops and resumes, evaluates, explains, probes emotion and indexes a folder; then measures steps of
the paper's size (ViT-L/14 with random weights, batch 32; on a CPU a small stand-in). Without the device, or
without the weights of brewclip-mini and Whisper base, it says so and has checked nothing. `--device cpu` tries the
script itself.
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import soundfile
from PIL import Image

from core import audio, devices
from core.emotion import experiment
from core.emotion.results import Options
from core.errors import WeightsError
from core.evaluation.evaluate import evaluate
from core.evaluation.records import DataChoice, Request
from core.explain import inspection
from core.explorer import Explorer
from core.home import Home
from core.models.spec import ModelSpec
from core.progress import JobCancelled, Progress, WorkStep
from core.settings import Settings
from core.training import run as job
from core.training.recipe import Recipe, TrainingOptions
from core.training.run_folder import RunFolder
from tests.benchmarks import paper_steps
from tests.benchmarks.common import own_home

STEPS, PICTURES = 8, 12
EMOTIONS, ACTORS = (1, 3, 4, 5), (1, 2, 19, 20)  # RAVDESS' codes
RATE = audio.RATE


def write_tone(path: Path, pitch: float, draw: np.random.Generator) -> None:
    """One second of a tone under noise."""
    path.parent.mkdir(parents=True, exist_ok=True)
    time_s = np.arange(RATE) / RATE
    soundfile.write(path, 0.3 * np.sin(2 * np.pi * pitch * time_s) + draw.normal(0, 0.01, RATE), RATE)


def write_pairs(folder: Path) -> Path:
    """Pictures of noise with a tone and a caption each; the last third is dev."""
    draw, rows = np.random.default_rng(0), ["image,recording,caption,split"]
    for number in range(PICTURES):
        write_tone(folder / f"{number}.wav", 200 + 50 * number, draw)
        Image.fromarray(draw.integers(0, 256, (64, 64, 3), np.uint8)).save(folder / f"{number}.png")
        split = "train" if number < PICTURES * 2 // 3 else "dev"
        rows.append(f"{number}.png,{number}.wav,picture number {number},{split}")
    (folder / "pairs.csv").write_text("\n".join(rows) + "\n")
    return folder


def write_acted(folder: Path) -> Path:
    """Tones that are named as RAVDESS names its recordings; the pitch is the emotion."""
    draw = np.random.default_rng(1)
    for actor in ACTORS:
        for emotion in EMOTIONS:
            for statement in (1, 2):
                name = f"03-01-{emotion:02d}-01-{statement:02d}-01-{actor:02d}.wav"
                write_tone(folder / f"Actor_{actor:02d}" / name, 120 * emotion + actor, draw)
    return folder


class Walk:
    """The parts, in their order; the run that is trained is what the later ones use."""

    def __init__(self, explorer: Explorer, device: str) -> None:
        self.explorer, self.device, root = explorer, device, explorer.home.root / "check"
        self.data, self.acted, self.run = write_pairs(root / "pairs"), write_acted(root / "acted"), root / "run"

    def train(self) -> str:
        """A run, stopped at the half."""
        job.begin(RunFolder(self.run), Recipe(self.data, training=TrainingOptions(
            steps=STEPS, batch=4, evaluate_every=STEPS // 2, device=self.device)))

        def stop(progress: Progress) -> None:
            if progress.step is WorkStep.TRAINING and progress.done > STEPS // 2:
                raise JobCancelled

        try:
            job.train(self.explorer.workspace, RunFolder(self.run), stop)
        except JobCancelled:
            return "stopped on purpose"
        raise AssertionError("the run was not stopped")

    def resume(self) -> str:
        """The run, to its end."""
        return f"step {job.train(self.explorer.workspace, RunFolder(self.run)).step}"

    def evaluate(self) -> str:
        """The trained model and the bare backbone on dev, under one crop and several."""
        models = ModelSpec(checkpoint=RunFolder(self.run).best), ModelSpec()
        request = Request(models, (DataChoice(self.data, "dev"),), crops=("centre", "multi-crop"))
        return f"{len(evaluate(self.explorer.workspace, request))} evaluations"

    def explain(self) -> str:
        """A picture and an utterance, with all maps and their faithfulness."""
        explorer = self.explorer
        spec = ModelSpec(checkpoint=RunFolder(self.run).best)
        model = inspection.load_model(explorer.models, explorer.settings, spec)
        utterance = inspection.transcribe(explorer.recogniser(), model, explorer.query_options(),
                                          audio.read(self.data / "0.wav"))
        picture = Image.open(self.data / "0.png").convert("RGB")
        explanation = inspection.explain(model, picture, utterance).occluded("fused")
        return f"{len(explanation.faithfulness('fused'))} methods"

    def emotion(self) -> str:
        """The branches, linear and fine-tuned."""
        found = [experiment.run(self.explorer.workspace,
                                Options(self.acted, mode=mode, features=("fused", "acoustic"), seeds=1,
                                        checkpoint=RunFolder(self.run).best))
                 for mode in ("linear", "fine-tuned")]
        return f"{sum(len(each.scores) for each in found)} scores"

    def index(self) -> str:
        """The pictures into a gallery."""
        self.explorer.index(self.data, "check")
        return f"on {self.explorer.backbone().device}"


def check(home: Home, device: str) -> None:
    """Walk all parts and print each; an exception ends it. AssertionError where a model fell back to another device."""
    explorer = Explorer(home, Settings().with_value("device", device))
    try:
        for model in (explorer.backbone(), explorer.recogniser()):
            assert model.device == device, model.fallback
    except WeightsError as error:
        print(f"Nothing was checked: {error}")
        return
    walk = Walk(explorer, device)
    parts: tuple[Callable[[], str], ...] = (walk.train, walk.resume, walk.evaluate, walk.explain, walk.emotion,
                                            walk.index)
    for part in parts:
        start = time.perf_counter()
        said = part()
        print(f"{part.__name__:10} {said} ({time.perf_counter() - start:.1f} s)", flush=True)
    for model in (explorer.backbone(), explorer.recogniser()):
        assert model.device == device, model.fallback
    explorer.close()
    print(f"all parts work on {device}", flush=True)
    if device == "cpu":
        paper_steps.compare("ViT-B-32", 2, device, steps=1, rows=("whole batch", "both"))
    else:
        paper_steps.compare("ViT-L-14", 32, device)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--device", default="cuda", choices=("cpu", "cuda", "mps"))
    device = parser.parse_args().device
    found = devices.choose(device)
    if found.name != device:
        print(f"Nothing was checked: {found.note}")
        return
    with own_home() as home:
        check(home, device)


if __name__ == "__main__":
    main()
