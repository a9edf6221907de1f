"""Pictures indexed a second, against the bare model on pictures that are already decoded.

    python -m tests.benchmarks.indexing [--rounds 3] [FOLDER]

Indexing reads, hashes, decodes, crops, embeds and stores; the bare pass only embeds, in the same batches. FOLDER is of
any pictures: the development data's Flickr8k where it is, else the demo's pictures.
"""

import argparse
import itertools
import statistics
from pathlib import Path

import numpy as np

from core import demo, images
from core.cli.output import table
from core.explorer import Explorer
from core.home import Home
from core.indexing.local import index_folder
from core.settings import Settings
from tests.benchmarks.common import DATA, in_turns, own_home

BATCH, MOST = 32, 240


def choose(folder: Path, home: Home) -> Path:
    """A folder of links to at most MOST of the pictures."""
    chosen = home.root / "chosen"
    chosen.mkdir(parents=True)
    found = (path for path in sorted(folder.rglob("*")) if path.suffix.lower() in images.IMAGE_SUFFIXES)
    for path in itertools.islice(found, MOST):
        (chosen / path.name).symlink_to(path)
    return chosen


def measure(explorer: Explorer, folder: Path, rounds: int) -> None:
    backbone = explorer.backbone()
    paths = sorted(folder.iterdir())
    pixels = np.stack([images.pixels(images.read(path).rgb, "centre", backbone.image_size) for path in paths])
    names = (f"round {number}" for number in itertools.count())

    def index() -> None:
        gallery = explorer.gallery(next(names), create=True)
        index_folder(gallery, folder, backbone, "centre")
        gallery.forget_fingerprint(explorer.fingerprint().hash)
        gallery.delete()

    def bare() -> None:
        for start in range(0, len(pixels), BATCH):
            backbone.encode_images(pixels[start:start + BATCH])

    ours, model = in_turns([index, bare], rounds)
    ratio = statistics.median(other / one for one, other in zip(ours, model, strict=True))
    rows = [(name, f"{len(paths) / statistics.median(spent):.1f}") for name, spent in
            (("indexing, from files to the store", ours), ("the bare model", model))]
    print(table(rows, (f"{len(paths)} pictures, {backbone.title}", "a second"), right=(1,)))
    print(f"indexing's rate by the bare model's, round by round: {ratio:.2f} (aim: at least 0.90)")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", nargs="?", type=Path, default=DATA / "flickr8k")
    parser.add_argument("--rounds", type=int, default=3)
    chosen = parser.parse_args()
    with own_home() as home:
        explorer = Explorer(home, Settings())
        folder = chosen.folder
        if not folder.is_dir():
            folder = home.demo
            demo.write_pictures(folder)
        measure(explorer, choose(folder, home), chosen.rounds)
        explorer.close()


if __name__ == "__main__":
    main()
