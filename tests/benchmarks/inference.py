"""Exported models against PyTorch: the image tower, indexing from files to the store, and a cold search.

    python -m tests.benchmarks.inference [--rounds 3] [--images 120] [FOLDER]

Everything is timed in turns in one run. The floor of the image tower is its floating-point operations over the measured
peak of `numpy @`; that of a cold search is the CPU time of `import torch, open_clip`, which the other path begins with.
FOLDER is of any images: the development data's Flickr8k where it is, else the demo's.
"""

import argparse
import itertools
import os
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from torch.utils.flop_counter import FlopCounterMode

from core import demo, images
from core.cli.output import table
from core.explorer import Explorer
from core.home import Home
from core.indexing.local import index_folder
from core.models.registry import ModelRegistry
from core.settings import Settings
from tests.benchmarks.common import DATA, in_turns, own_home

SETTINGS = Settings({"device": "cpu"})
PYTORCH = SETTINGS.with_value("inference", "torch")
SIDE = 1536  # of the matrices that measure the peak


def peak() -> float:
    """Floating-point operations a second of `numpy @`, the best of five."""
    matrix = np.ones((SIDE, SIDE), np.float32)
    spent = []
    for _ in range(5):
        start = time.perf_counter()
        matrix @ matrix
        spent.append(time.perf_counter() - start)
    return float(2 * SIDE**3 / min(spent))


def cpu_seconds(*arguments: str) -> float:
    """CPU time of another Python."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, *arguments], check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def linked(folder: Path, home: Home, count: int) -> Path:
    """A folder of links to the first images."""
    chosen = home.root / "chosen"
    chosen.mkdir(parents=True)
    found = (path for path in sorted(folder.rglob("*")) if path.suffix.lower() in images.IMAGE_SUFFIXES)
    for path in itertools.islice(found, count):
        (chosen / path.name).symlink_to(path.resolve())
    return chosen


def measure(home: Home, folder: Path, rounds: int) -> None:
    registry = ModelRegistry(home)
    exported, loaded = registry.model(SETTINGS), registry.model(PYTORCH)
    explorer, names = Explorer(home, SETTINGS, registry), map(str, itertools.count())
    paths = sorted(folder.iterdir())
    pixels = np.stack([images.pixels(images.read(path).rgb, "centre", exported.image_size) for path in paths])
    with FlopCounterMode(display=False) as counter:
        loaded.encode_images(pixels[:1])
    floor = counter.get_total_flops() * len(pixels) / peak()

    def index(model: object) -> None:
        gallery = explorer.gallery(next(names), create=True)
        index_folder(gallery, folder, model, "centre")
        gallery.forget_fingerprint(explorer.fingerprint().hash)
        gallery.delete()

    works = (("image tower, exported", lambda: exported.encode_images(pixels)),
             ("image tower, PyTorch", lambda: loaded.encode_images(pixels)),
             ("indexing, exported", lambda: index(exported)), ("indexing, PyTorch", lambda: index(loaded)))
    spent = in_turns([work for _, work in works], rounds)
    rows = [(name, f"{len(paths) / statistics.median(times):.1f}")
            for (name, _), times in zip(works, spent, strict=True)]
    print(table([*rows, ("floor of the image tower", f"{len(paths) / floor:.1f}")],
                (f"{len(paths)} images", "a second"), right=(1,)))
    for name, ours, theirs in (("image tower", spent[0], spent[1]), ("indexing", spent[2], spent[3])):
        ratio = statistics.median(other / one for one, other in zip(ours, theirs, strict=True))
        print(f"{name}, exported by PyTorch, round by round: {ratio:.2f}")
    explorer.index(folder, "cold")
    explorer.close()
    search = ("-m", "core.cli", "search", "--gallery", "cold", "--text", "a brown dog")
    rounds_of_cpu = [(cpu_seconds(*search), cpu_seconds("-c", "import torch, open_clip")) for _ in range(rounds + 1)]
    ours, theirs = (statistics.median(times) for times in zip(*rounds_of_cpu[1:], strict=True))
    print(f"cold search by text: {ours:.2f} s of CPU time; import torch, open_clip: {theirs:.2f} s")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", nargs="?", type=Path, default=DATA / "flickr8k")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--images", type=int, default=120)
    arguments = parser.parse_args()
    with own_home() as home:
        os.environ["BREWCLIP_HOME"] = str(home.root)
        source = arguments.folder
        if not source.is_dir():
            source = home.demo
            demo.write_pictures(source)
        measure(home, linked(source, home, arguments.images), arguments.rounds)


if __name__ == "__main__":
    main()
