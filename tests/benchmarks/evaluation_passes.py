"""One `evaluate` of zero-shot and full together against one of full alone: both read each recording once.

    python -m tests.benchmarks.evaluation_passes [--utterances 60] [--rounds 5]

The first utterances of Flickr8k's test split with their pictures, copied to a folder of their own. Each call is a
`brewclip evaluate` in a process and an empty home of its own, from its start to its end. The two calls take turns, and
every second round begins with the other one. The full model is untrained, which costs the same. Where other programs
use the machine, the processor's seconds (user and system, of all threads) tell more than the clock's.
"""

import argparse
import csv
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch

from core.cli.output import table
from core.explorer import Explorer
from core.models import checkpoints
from core.models.brewclip import BrewCLIP
from core.settings import Settings
from tests.benchmarks.common import own_home, test_split

MOST = 1.15  # of full alone, that both may cost
ALONE, BOTH = "full alone", "zero-shot and full"


def write_data(folder: Path, count: int) -> Path:
    """The first utterances of the test split with their pictures."""
    folder.mkdir()
    split = test_split()
    pictures = {image.image_id: image.path for image in split.images if image.path}
    chosen = [each for each in split.utterances if each.recording and each.image_id in pictures][:count]
    rows = [("image", "recording", "caption", "split")]
    for each in chosen:
        assert each.recording is not None
        shutil.copy(each.recording, folder)
        shutil.copy(pictures[each.image_id], folder)
        rows.append((pictures[each.image_id].name, each.recording.name, each.caption, "test"))
    with (folder / "pairs.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)
    return folder


def write_full(explorer: Explorer, folder: Path) -> Path:
    """An untrained model with both branches over the backbone in use."""
    backbone, recogniser = explorer.backbone(), explorer.recogniser()
    torch.manual_seed(0)
    model = BrewCLIP(backbone.built, "full", speech_width=recogniser.width)
    digest, padding = str(backbone.fingerprint("").facts()["weights"]), explorer.settings["speech.padding"]
    checkpoints.save(folder, model, checkpoints.Run("full", model.options, backbone.name, digest, recogniser.name,
                                                    recogniser.width, padding, "centre"))
    return folder


def cost_of(models: Sequence[str], data: Path) -> tuple[float, float]:
    """Seconds of one call: by the clock, and of the processor in all threads."""
    command = [sys.executable, "-m", "core.cli", "evaluate", str(data), *models]
    with tempfile.TemporaryDirectory() as home:
        before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        subprocess.run(command, env={**os.environ, "BREWCLIP_HOME": home}, check=True, capture_output=True)
        after, end = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    return end - start, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def say(what: str, spent: Mapping[str, Sequence[float]]) -> None:
    """A table of one kind of seconds, and the ratio of both to full alone, round by round."""
    rounds = range(1, len(spent[ALONE]) + 1)
    print(table([(name, *(f"{each:.1f}" for each in times), f"{statistics.median(times):.1f}")
                 for name, times in spent.items()],
                (what, *(f"round {number}" for number in rounds), "median"), right=range(1, len(rounds) + 2)))
    ratios = [both / alone for alone, both in zip(spent[ALONE], spent[BOTH], strict=True)]
    ratio = statistics.median(ratios)
    print(f"both / full alone: {ratio:.3f} (rounds {min(ratios):.3f} to {max(ratios):.3f}), at most {MOST} wanted: "
          f"{'yes' if ratio <= MOST else 'no'}\n")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--utterances", type=int, default=60)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    with own_home() as home:
        explorer = Explorer(home, Settings())
        data, full = write_data(home.root / "data", arguments.utterances), write_full(explorer, home.root / "full")
        explorer.close()
        works = {ALONE: ("--checkpoint", str(full)), BOTH: ("--variant", "zero-shot", "--checkpoint", str(full))}
        spent: dict[str, list[tuple[float, float]]] = {name: [] for name in works}
        for number in range(arguments.rounds):
            for name in (list(works) if number % 2 == 0 else list(reversed(works))):
                spent[name].append(cost_of(works[name], data))
    for place, what in enumerate(("seconds of a call", "processor's seconds")):
        say(what, {name: [each[place] for each in rows] for name, rows in spent.items()})


if __name__ == "__main__":
    main()
