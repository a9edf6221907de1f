"""How far each kind of map can be trusted: deletion and insertion over many pairs, beside chance, with intervals.

python -m tests.benchmarks.faithfulness DIR [--split test] [--limit 60] [--checkpoint RUN] [--target fused]

Each utterance is held against its own picture. "Gain" is what a method's insertion less its deletion is above that of
random orders on the same pair; a method whose interval does not lie above 0 is no better than chance.
"""

import argparse
from collections import defaultdict
from pathlib import Path

import numpy as np

from core import datasets, images
from core.asr.transcript import EncodedUtterance
from core.cli.output import table
from core.cli.parts import explorer, progress
from core.explain import inspection
from core.explain.methods import BY_NAME
from core.explain.observation import Tower
from core.features.prepared_split import FeaturePreparer
from core.models.spec import ModelSpec
from core.progress import Progress, WorkStep

DRAWS = 2000  # of the bootstrap
Areas = dict[tuple[Tower, str], list[tuple[float, float]]]  # tower, method -> (deletion, insertion) of each pair


def measured(arguments: argparse.Namespace) -> Areas:
    """The areas of every method, tower and pair."""
    found: Areas = defaultdict(list)
    with explorer() as opened, progress() as report:
        lens = inspection.load_model(opened.models, opened.settings, ModelSpec(checkpoint=arguments.checkpoint),
                                     report)
        preparing = FeaturePreparer(opened.workspace, opened.backbone(report), lens.crop)
        split = preparing.prepare(datasets.load(arguments.folder), arguments.split, report=report)
        limit = opened.settings["images.max_megapixels"]
        firsts = np.unique(split.image_of, return_index=True)[1][:arguments.limit]  # one utterance a picture
        for done, row in enumerate(firsts.tolist()):
            report(Progress(WorkStep.TESTING_MAPS, done, len(firsts)))
            path, spoken = split.paths[split.image_of[row]], split.spoken[row]
            if path is None or not spoken.transcript.text:
                continue
            sight = inspection.explain(lens, images.read(path, limit).rgb,
                                    EncodedUtterance(spoken.transcript, spoken.states))
            judged = sight.occluded(arguments.target).faithfulness(arguments.target)
            for name, towers in judged.items():
                for tower, each in towers.items():
                    found[tower, name].append((each.deletion, each.insertion))
    return found


def rows(found: Areas) -> list[tuple[str, ...]]:
    """Lines of the table: means, and the mean gain over chance with its 95 % interval over pairs."""
    random = np.random.default_rng(0)
    lines = []
    for (tower, name), values in found.items():
        areas, chance = np.array(values), np.array(found[tower, "random"])
        gains = (areas[:, 1] - areas[:, 0]) - (chance[:, 1] - chance[:, 0])
        means = gains[random.integers(len(gains), size=(DRAWS, len(gains)))].mean(axis=1)
        low, high = np.percentile(means, (2.5, 97.5))
        gain = "" if name == "random" else f"{gains.mean():+.3f} ({low:+.3f} to {high:+.3f})"
        lines.append((tower, BY_NAME[name].title, f"{areas[:, 0].mean():.3f}", f"{areas[:, 1].mean():.3f}", gain,
                      str(len(gains))))
    return sorted(lines, key=lambda line: line[0])


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--split", default="test")
    parser.add_argument("--limit", type=int, default=60, help="pictures")
    parser.add_argument("--checkpoint", type=Path)
    parser.add_argument("--target", default="fused", choices=("fused", "text", "acoustic"))
    print(table(rows(measured(parser.parse_args())), ("map", "method", "deletion", "insertion", "gain over chance",
                                                      "pairs"), right=(2, 3, 4, 5)))


if __name__ == "__main__":
    main()
