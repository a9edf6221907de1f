"""A little world to train in: coloured pictures, tones that name the colour, a random CLIP and a recogniser by rule.

Run as a program, it trains in processes that die where they are told to (`python little.py FOLDER SCENARIO...`).
"""

import csv
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import open_clip
import soundfile
import torch
from open_clip.model import CLIP, CLIPTextCfg, CLIPVisionCfg
from PIL import Image

from core import devices
from core.asr.transcript import EncodedUtterance, Transcript, TranscriptionOptions
from core.audio import RATE, Waveform
from core.explorer import Explorer
from core.features import encode
from core.fingerprint import Fingerprint
from core.home import Home
from core.models import checkpoints
from core.models.open_clip_models import Built
from core.models.registry import ModelRegistry
from core.models.spec import ModelSpec
from core.models.trained import LoadedModel, TrainedModel
from core.models.variants import BrewClipOptions
from core.models.vision_language import VisionLanguage
from core.progress import JobCancelled, Progress, Report, WorkStep, silent
from core.settings import Settings
from core.training import run as job
from core.training.recipe import Recipe, TrainingOptions
from core.training.run_folder import RunFolder
from core.training.validation import DevVectors, Validator

WORDS = ("red", "green", "blue", "yellow", "white", "black", "pink", "brown")
WIDTH = 16  # of the recogniser's states
QUIET = 0.05  # peak under which the recogniser hears no words
MODEL = BrewClipOptions(prompts=2, heads=4, feed_forward=32, dropout=0.1)


def tone(number: int, take: int = 0, seconds: float = 0.4, peak: float = 0.5) -> np.ndarray:
    """The tone that names colour `number`."""
    time = np.arange(int(seconds * RATE)) / RATE
    return (peak * np.sin(2 * np.pi * (200 + 150 * number + 10 * take) * time)).astype(np.float32)


def picture(number: int) -> Image.Image:
    """A picture of colour `number` that is no other's."""
    noise = np.random.default_rng(number).integers(0, 60, (36, 44, 3))
    base = np.random.default_rng(99 - number % len(WORDS)).integers(0, 190, 3)
    return Image.fromarray((noise + base).astype(np.uint8))


def dataset(folder: Path, train: int = 12, dev: int = 4, takes: int = 2) -> Path:
    """A folder with a list: `train` and `dev` pictures, each with `takes` recordings."""
    folder.mkdir(parents=True)
    with (folder / "pairs.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(("image", "recording", "caption", "split"))
        for number in range(train + dev):
            picture(number).save(folder / f"{number}.png")
            for take in range(takes):
                soundfile.write(folder / f"{number}_{take}.wav", tone(number, take), RATE)
                table.writerow((f"{number}.png", f"{number}_{take}.wav", f"a {WORDS[number % len(WORDS)]} thing",
                                "train" if number < train else "dev"))
    return folder


class Recogniser:
    """Names a tone's colour; a quiet one has no words. The states are the spectrum, 50 frames a second."""

    name, width, device, fallback, precision = "Little", WIDTH, "cpu", "", "float32"

    def __init__(self) -> None:
        self.heard: list[str] = []  # digests, in order

    def fingerprint_of(self, options: TranscriptionOptions) -> Fingerprint:
        return Fingerprint.of({"recogniser": "little", "language": options.language})

    def transcribe(self, waveforms: Sequence[Waveform], options: TranscriptionOptions,
             report: object = silent) -> list[EncodedUtterance]:
        self.heard += [each.digest for each in waveforms]
        return [self._one(each.samples) for each in waveforms]

    def _one(self, samples: np.ndarray) -> EncodedUtterance:
        frames = samples[: len(samples) // 320 * 320].reshape(-1, 320) * np.hanning(320)
        spectrum = np.abs(np.fft.rfft(frames, axis=1))[:, 1:1 + 4 * WIDTH].reshape(len(frames), WIDTH, 4).sum(axis=2)
        hertz = float(np.abs(np.fft.rfft(samples[:RATE])).argmax()) * RATE / min(RATE, len(samples))
        word = WORDS[int(max(0, hertz - 200) // 150) % len(WORDS)]
        text = f"a {word} thing" if np.abs(samples).max() > QUIET else ""
        half, states = len(frames) // 2, np.log1p(spectrum).astype(np.float16)
        return EncodedUtterance(Transcript(text, "en", (), -0.2, 0.01, 1.0), (states[:half], states[half:]))


def backbone() -> VisionLanguage:
    """A random CLIP of native kind; text, vision and joint width all differ."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        clip = CLIP(32, CLIPVisionCfg(image_size=32, layers=2, width=64, head_width=32, patch_size=16),
                    CLIPTextCfg(width=48, heads=2, layers=2)).eval().requires_grad_(False)
    built = Built(clip, open_clip.SimpleTokenizer(), 77, 32, 32, (0.5, 0.4, 0.3), (0.3, 0.2, 0.25), channels_last=False)
    return VisionLanguage("little/random", built, "0" * 64, devices.choose("cpu"))


class LittleModels(ModelRegistry):
    """The little models, whatever the settings say."""

    def __init__(self, home: Home) -> None:
        super().__init__(home)
        self.ears, self.eyes = Recogniser(), backbone()

    def recogniser(self, settings: Settings, report: object = silent) -> Recogniser:
        return self.ears

    def backbone(self, settings: Settings, report: object = silent) -> VisionLanguage:
        return self.eyes

    def load(self, spec: ModelSpec, settings: Settings, report: object = silent) -> LoadedModel:
        return self.eyes if spec.checkpoint is None else TrainedModel(checkpoints.read(spec.checkpoint), self.eyes)


class LittleExplorer(Explorer):
    """An Explorer whose models are the little ones."""

    def __init__(self, home: Path) -> None:
        models = LittleModels(Home(home))
        super().__init__(Home(home), Settings(), models)
        self.ears, self.eyes = models.ears, models.eyes


def recipe(folder: Path, variant: str = "full", model: BrewClipOptions = MODEL, **options: object) -> Recipe:
    """A recipe that is done in a second."""
    known = {"steps": 24, "batch": 4, "rate": 3e-3, "warmup": 0.1, "evaluate_every": 7, "device": "cpu", **options}
    return Recipe(folder, variant, "little/random", model=model, training=TrainingOptions(**known))


# --- processes that die ----------------------------------------------------------------------------------------------

def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _at(place: int, step: WorkStep, done: Callable[[], None] = _die) -> Report:
    """A report that ends the process, or what else `done` does, at a place of a step."""
    def report(progress: Progress) -> None:
        if progress.done == place and progress.step is step:
            done()
    return report


def _cancel() -> None:
    raise JobCancelled


def _before_the_nth_rename(nth: int) -> None:
    """Die when the state is written and not yet in its place, the nth time."""
    real, count = Path.replace, [0]

    def replace(self: Path, target: Path) -> Path:
        if Path(target).name == "state.safetensors":
            count[0] += 1
            if count[0] == nth:
                _die()
        return real(self, target)
    Path.replace = replace


SCENARIOS = ("whole", "step", "look", "save", "cancel", "cancel_look", "hear")


def _train(folder: Path, scenario: str) -> None:
    """One process of a scenario: it begins the run, or goes on with it; the first one dies, the second does not."""
    torch.set_num_threads(1)
    run, first = RunFolder(folder / scenario), not (folder / scenario).exists()
    # without a cache of its own, `hear` would have nothing to hear
    explorer = LittleExplorer(folder / ("home_of_hear" if scenario == "hear" else "home"))
    if first:
        job.begin(run, recipe(folder / "data", teach=1.0))
    report = silent
    if first and scenario == "hear":
        from core.features import speech_cache as hearing
        hearing.AT_ONCE = 4
        report = _at(8, WorkStep.TRANSCRIBING_RECORDINGS)
    elif first and scenario == "save":
        _before_the_nth_rename(3)
    elif first:
        report = {"step": _at(17, WorkStep.TRAINING), "look": _at(14, WorkStep.VALIDATING), "whole": silent,
                  "cancel": _at(11, WorkStep.TRAINING, _cancel),
                  "cancel_look": _at(14, WorkStep.VALIDATING, _cancel)}[scenario]
    job.train(explorer.workspace, run, report)


SHARED = {"alone": 1, "pair": 2, "pair_stopped": 2, "look_stopped": 3, "three": 3,
          "three_parts": 3, "replicas": 3, "replicas_alone": 1}


def _share(folder: Path, scenario: str, rank: int, port: int) -> None:
    """One of several processes that train together; what its gradients were goes into SCENARIO-RANK.pt."""
    torch.set_num_threads(1)
    count = SHARED[scenario]
    os.environ.update(RANK=str(rank), LOCAL_RANK=str(rank), WORLD_SIZE=str(count), MASTER_ADDR="127.0.0.1",
                      MASTER_PORT=str(port), GLOO_SOCKET_IFNAME="lo")
    run, gradients, real = RunFolder(folder / scenario), [], torch.optim.Adam.step

    def step(self: torch.optim.Adam, *arguments: object, **more: object) -> object:
        gradients.append([each.grad.clone() for group in self.param_groups for each in group["params"]])
        return real(self, *arguments, **more)

    torch.optim.Adam.step = step
    encode.AT_ONCE = 3  # of 4 pictures and 8 utterances of dev: two batches and three
    embed, embedded = Validator.embed, []

    def recorded(self: Validator, *arguments: object) -> DevVectors:
        embedded.append(embed(self, *arguments))
        return embedded[-1]

    Validator.embed = recorded
    options = {"three_parts": {"micro_batch": 1, "activation_checkpointing": True}}.get(scenario, {})
    asked = recipe(folder / "data", model=replace(MODEL, dropout=0.0), steps=12, evaluate_every=5, clip=0.0, batch=8,
                   teach=1.0, **({"replicas": 3} if scenario.startswith("replicas") else options))
    stopped = scenario.endswith("stopped") and not (run.path / "state.safetensors").exists()
    if rank == 0 and not run.path.exists():
        job.begin(run, asked)
    at = _at(10, WorkStep.VALIDATING, _cancel) if scenario == "look_stopped" else _at(8, WorkStep.TRAINING, _cancel)
    report = at if stopped and rank == 1 else silent
    job.train(LittleExplorer(folder / "home").workspace, run, report, asked)
    torch.save(gradients, folder / f"{scenario}-{rank}.pt")
    zero_shot = embedded[0]  # before the first step
    torch.save([torch.from_numpy(each) for each in (zero_shot.pictures, zero_shot.spoken[0].fused)],
               folder / f"dev-{scenario}-{rank}.pt")


def _begun(work: Callable[[], None]) -> int:
    """A child that does the work."""
    child = os.fork()
    if child == 0:
        try:
            work()
        except JobCancelled:
            os._exit(130)
        except BaseException:
            import traceback
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    return child


def _code(child: int) -> int:
    """Its exit code; a signal is negative."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def main(place: Path, asked: Sequence[str]) -> None:
    """Print for each scenario the exit codes of its processes."""
    assert threading.active_count() == 1  # or a fork would be unsafe
    for each in asked:
        if each in SHARED:
            port = _free_port()
            children = [_begun(lambda rank=rank, each=each, port=port: _share(place, each, rank, port))
                        for rank in range(SHARED[each])]
            print(each, *map(_code, children), flush=True)
        else:
            print(each, *(_code(_begun(lambda each=each: _train(place, each))) for _ in range(2)), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
