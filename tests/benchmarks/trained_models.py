"""The table of docs/results.md: recall of trained models and of their branches alone, under noise, with intervals.

python -m tests.benchmarks.trained_models DIR [--split test] [--noise clean,0] [NAME=RUN ...]

RUN is the folder of a run or of a checkpoint. The bare backbone (zero-shot) is measured first. Recordings and pictures
that `brewclip train` or `brewclip evaluate` knows are not heard and seen again.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from core import datasets
from core.cli.parts import explorer, progress
from core.evaluation.metrics import Figure, metrics
from core.evaluation.ranks import AT, Floats, ranks
from core.explorer import Explorer
from core.features import encode
from core.features.noise import Condition
from core.features.prepared_split import FeaturePreparer, Split
from core.models import checkpoints
from core.models.brewclip import BrewCLIP
from core.progress import Report


def splits_of(opened: Explorer, arguments: argparse.Namespace, report: Report) -> tuple[FeaturePreparer, list[Split]]:
    """The split under every condition."""
    opened.use_settings(opened.settings.with_value("vision.model", "zero-shot"))
    dataset = datasets.load(arguments.folder)
    preparing = FeaturePreparer(opened.workspace, opened.backbone(report), "centre")
    conditions = [Condition.of(each) for each in arguments.noise.split(",")]
    return preparing, [preparing.prepare(dataset, arguments.split, each, report) for each in conditions]


def vectors(name: str, model: BrewCLIP, split: Split) -> Iterator[tuple[str, Floats]]:
    """What is measured of a model: its sum, and each of two branches alone."""
    found = encode.encode_utterances(model, split)
    yield name, found.fused
    if found.text is not None and found.acoustic is not None:
        yield f"{name}: its words alone", found.text
        yield f"{name}: its voice alone", found.acoustic


def row(name: str, condition: Condition, spoken: Floats, seen: Floats, image_of: np.ndarray) -> str:
    """A line of the table: both directions at each K, with intervals."""
    found = ranks(spoken, seen, image_of)
    directions = (metrics(found.speech_to_image, image_of), metrics(found.image_to_speech, np.arange(len(seen))))
    cells = [" / ".join(_cell(direction[f"R@{at}"]) for at in AT) for direction in directions]
    return f"| {condition} | {name} | {cells[0]} | {cells[1]} |"


def _cell(figure: Figure) -> str:
    return f"{figure.value:.1f} ({figure.low:.0f}-{figure.high:.0f})"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("models", nargs="*", metavar="NAME=RUN")
    parser.add_argument("--split", default="test")
    parser.add_argument("--noise", default="clean")
    arguments = parser.parse_intermixed_args()
    with explorer() as opened, progress() as report:
        preparing, splits = splits_of(opened, arguments, report)
        backbone = opened.backbone()
        models = {"zero-shot": BrewCLIP(backbone.built, "zero-shot").eval()}
        for each in arguments.models:
            name, _, folder = each.partition("=")
            models[name] = checkpoints.load(checkpoints.find(Path(folder)), backbone)
        print("| speech | model | speech to image, R@1 / 5 / 10 | image to speech, R@1 / 5 / 10 |\n|---|---|---|---|")
        seen = {name: encode.encode_pictures(model, preparing.images, splits[0]) for name, model in models.items()}
        for split in splits:
            for name, model in models.items():
                for title, spoken in vectors(name, model, split):
                    print(row(title, split.condition, spoken, seen[name], split.image_of), flush=True)
        print(f"\n{len(splits[0].image_ids)} pictures, {len(splits[0].utterances)} utterances of {arguments.split}.")


if __name__ == "__main__":
    main()
