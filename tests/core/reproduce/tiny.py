"""A plan that is done in seconds over the little models of the training tests, in processes that can be killed.

`python tiny.py FOLDER` makes the whole plan; `python tiny.py train ...` is what it trains with.
"""

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "training"))

import little
import soundfile

from core import explorer
from core.audio import RATE
from core.cli import main
from core.home import Home
from core.reproduce import graph
from core.reproduce.plans import FLICKR8K, ReproductionPlan
from core.reproduce.records import Reproduction
from core.reproduce.runner import Runner
from core.settings import Settings

NAME = "brewclip-mini"  # bundled weights, which the little backbone stands for
OPTIONS = {"training.steps": 8, "training.batch": 4, "training.evaluate_every": 4, "training.rate": 3e-3,
           "training.device": "cpu", "training.teach": 0.0, "model.heads": 4, "model.feed_forward": 32}
PLAN = ReproductionPlan("tiny", "Tiny", "For tests.", (1,), ("4", "8", "wer"), "small-data", (0, 1),
                        {"full": OPTIONS}, ("full",))
TRAIN = (sys.executable, __file__)


class TinyExplorer(little.LittleExplorer):
    """The little world under the name of weights that are always there."""

    def __init__(self, home: Path) -> None:
        super().__init__(home)
        self.eyes.name = NAME


class Opened(TinyExplorer):
    """The same in the home and under the settings of the command line."""

    def __init__(self, home: Home, settings: Settings) -> None:
        super().__init__(home.root)


def flickr8k(folder: Path, splits: tuple[tuple[str, int], ...] = (("train", 12), ("dev", 4), ("test", 6))) -> Path:
    """A small Flickr8k: coloured pictures, each with a tone that names the colour."""
    for name in ("Flickr8k_text", "Flicker8k_Dataset", "flickr_audio/wavs"):
        (folder / name).mkdir(parents=True)
    captions, pairs, number = [], [], 0
    for split, count in splits:
        names = [f"{number + place}.jpg" for place in range(count)]
        (folder / f"Flickr8k_text/Flickr_8k.{split}Images.txt").write_text("".join(f"{name}\n" for name in names))
        for name in names:
            little.picture(number).save(folder / "Flicker8k_Dataset" / name)
            soundfile.write(folder / f"flickr_audio/wavs/{number}_0.wav", little.tone(number), RATE)
            captions.append(f"{name}#0\ta {little.WORDS[number % 8]} thing\n")
            pairs.append(f"{number}_0.wav {name} #0\n")
            number += 1
    (folder / "Flickr8k_text/Flickr8k.token.txt").write_text("".join(captions))
    (folder / "flickr_audio/wav2capt.txt").write_text("".join(pairs))
    return folder


def spokencoco(folder: Path, **splits: int) -> Path:
    """A small SpokenCOCO with pictures in each of the splits."""
    number = 20
    for split, count in splits.items():
        entries = []
        for _ in range(count):
            image, wav = f"{split}2014/COCO_{split}2014_{number:012}.jpg", f"wavs/{split}/{number}.wav"
            for path in (image, wav):
                (folder / path).parent.mkdir(parents=True, exist_ok=True)
            little.picture(number).save(folder / image)
            soundfile.write(folder / wav, little.tone(number), RATE)
            entries.append({"image": image, "captions": [{
                "text": f"A {little.WORDS[number % 8].upper()} THING", "speaker": "s", "uttid": f"u{number}",
                "wav": wav}]})
            number += 1
        (folder / f"SpokenCOCO_{split}.json").write_text(json.dumps({"data": entries}))
    return folder


def runner(folder: Path, devices: tuple[str, ...] = ("",), plan: ReproductionPlan = PLAN, **more: object) -> Runner:
    """A runner of the plan: datasets in `folder`/data, home and results beside them."""
    opened = TinyExplorer(folder / "home")
    choices = graph.Choices({FLICKR8K: folder / "data"}, backbone=NAME)
    steps = graph.build(opened.workspace, plan, choices, folder / "out")
    return Runner(opened.workspace, steps, folder / "out", devices, train_command=TRAIN, **more)


if __name__ == "__main__":
    if sys.argv[1] == "train":
        explorer.Explorer = Opened
        sys.exit(main())
    state: Reproduction = runner(Path(sys.argv[1])).run()
    print(json.dumps({record.step.title: record.state for record in state.records}))
