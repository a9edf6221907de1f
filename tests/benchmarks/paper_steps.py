"""Training steps of the paper's size without its data: CLIP with random weights, random pictures, 4 s of speech.

    python -m tests.benchmarks.paper_steps --device cuda                               # ViT-L/14, batch 32
    python -m tests.benchmarks.paper_steps --architecture ViT-B-32 --batch 8           # what a CPU can do

The steps are the program's own (core/training/step.py), batch and copies to the device included. Each row is measured
in a process of its own, so that its peak memory is its own: of the GPU's allocator, or resident on a CPU.
"""

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

SPEECH_FRAMES = 200
ROWS: Mapping[str, Mapping[str, Any]] = {
    "whole batch": {},
    "micro-batches of a quarter": {"micro_batch": 0.25},
    "activation checkpointing": {"activation_checkpointing": True},
    "both": {"micro_batch": 0.25, "activation_checkpointing": True},
    "whole batch, float32": {"precision": "float32"},
    "whole batch, compiled": {"compile": "on"},
}
CPU_ROWS = tuple(ROWS)[:4]  # float16 is float32 there, and compiling takes minutes


class RandomPairs:
    """Stands in for `PairDataset`: the same n random pairs in every step."""

    def __init__(self, model: Any, count: int) -> None:
        from core.asr.transcript import Transcript

        draw = np.random.default_rng(0)
        self._model, self._pixels = model, draw.integers(0, 256, (count, 224, 224, 3), np.uint8)
        self._states = [(draw.normal(size=(SPEECH_FRAMES, 512)).astype(np.float16),) for _ in range(count)]
        self._transcript = Transcript("a dog runs on the grass", "en", (), -0.3, 0.0, 1.0)

    def batches(self, step: int, rank: int, processes: int, micro: int) -> tuple[Any, ...]:
        """All pairs, in micro-batches."""
        import torch

        from core.training.dataset import PairBatch

        count, found = len(self._states), []
        for start in range(0, count, micro or count):
            rows = torch.arange(count)[start:start + (micro or count)]
            speech = self._model.collate([self._transcript] * len(rows), [self._states[row] for row in rows])
            found.append(PairBatch(self._pixels[start:start + len(rows)], speech, rows, rows))
        return tuple(found)

    def stems(self, batch: Any, device: Any) -> Any:
        """The pictures as the image tower takes them."""
        return self._model.image_stem(batch.pictures)


def measure(architecture: str, batch: int, device: str, warm_up: int, steps: int, values: Mapping[str, Any]
            ) -> dict[str, float]:
    """Median seconds of a step, and peak bytes, in this process."""
    import open_clip
    import torch

    from core.models.brewclip import BrewCLIP
    from core.models.open_clip_models import Built
    from core.training.distributed import Processes
    from core.training.estimate import forget_peak, peak_memory
    from core.training.recipe import TrainingOptions
    from core.training.step import TrainingStep

    torch.manual_seed(0)
    clip = open_clip.create_model(architecture, pretrained=None).eval().requires_grad_(False)
    built = Built(clip, open_clip.get_tokenizer(architecture), 77, clip.visual.output_dim, 224, (0.5,) * 3, (0.25,) * 3,
                  channels_last=False)
    model = BrewCLIP(built, "full").to(device)
    options = TrainingOptions(batch=batch, **{**values, "micro_batch": round(batch * values.get("micro_batch", 0))})
    update, times = TrainingStep(model, RandomPairs(model, batch), options, Processes()), []  # type: ignore[arg-type]
    for step in range(warm_up + steps):
        if step == warm_up:
            forget_peak(update.device)
        start = time.perf_counter()
        update(step, update.batches(step)).total.item()
        times.append(time.perf_counter() - start)
    return {"seconds": statistics.median(times[warm_up:]), "memory": peak_memory(update.device)}


def compare(architecture: str, batch: int, device: str, warm_up: int = 1, steps: int = 3, rows: Sequence[str] = ()
            ) -> None:
    """Print the table."""
    print(f"{architecture} (random weights), full, batch {batch}, {device}: median of {steps} steps after {warm_up}")
    print(f"{'':<30}{'s a step':>10}{'pictures/s':>12}{'peak memory':>14}")
    for row in rows or (CPU_ROWS if device == "cpu" else tuple(ROWS)):
        asked = (architecture, str(batch), device, str(warm_up), str(steps), json.dumps(ROWS[row]))
        done = subprocess.run([sys.executable, "-m", "tests.benchmarks.paper_steps", "--measure", *asked],
                              capture_output=True, text=True)
        if done.returncode:
            print(f"{row:<30}  failed: {done.stderr.strip().splitlines()[-1][:120]}", flush=True)
            continue
        found = json.loads(done.stdout.splitlines()[-1])
        print(f"{row:<30}{found['seconds']:>10.2f}{batch / found['seconds']:>12.2f}{found['memory'] / 1e9:>11.2f} GB",
              flush=True)


def main() -> None:
    """Print the table, or measure one row of it."""
    if sys.argv[1:2] == ["--measure"]:
        architecture, batch, device, warm_up, steps, values = sys.argv[2:]
        print(json.dumps(measure(architecture, int(batch), device, int(warm_up), int(steps), json.loads(values))))
        return
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cpu", choices=("cpu", "cuda", "mps"))
    parser.add_argument("--architecture", help="of open_clip (default: ViT-L-14 on a GPU, ViT-B-32 on a CPU)")
    parser.add_argument("--batch", type=int, help="default: 32 on a GPU, 8 on a CPU")
    parser.add_argument("--warm-up", type=int, default=1)
    parser.add_argument("--steps", type=int, default=3)
    parser.add_argument("--rows", nargs="*", choices=ROWS, default=())
    chosen = parser.parse_args()
    small = chosen.device == "cpu"
    compare(chosen.architecture or ("ViT-B-32" if small else "ViT-L-14"), chosen.batch or (8 if small else 32),
            chosen.device, chosen.warm_up, chosen.steps, chosen.rows)


if __name__ == "__main__":
    main()
