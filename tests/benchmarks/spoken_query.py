"""A spoken query to its hits over a gallery, against the plain stack: openai-whisper, the same backbone, numpy.

    python -m tests.benchmarks.spoken_query [--pictures 10000] [--queries 20]

Both begin with a recording in a file and end with ten ranked pictures. The gallery's vectors are made up: search does
not look at what is in them.
"""

import argparse
import statistics
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from core.cli.output import table
from core.explorer import Explorer
from core.fingerprint import Fingerprint
from core.home import Home
from core.indexing.local import index_folder
from core.search.terms import QueryTerm
from core.settings import Settings
from tests.benchmarks.common import in_turns, own_home, recordings

GALLERY, TOP = "made up", 10


class MadeUp:
    """A backbone that makes vectors up under another's fingerprint."""

    def __init__(self, dim: int, fingerprint: Fingerprint) -> None:
        self.dim, self.image_size = dim, 8
        self._fingerprint = fingerprint
        self._random = np.random.default_rng(0)

    def encode_images(self, pixels: np.ndarray) -> np.ndarray:
        return self._random.standard_normal((len(pixels), self.dim), np.float32)

    def fingerprint(self, crop: str) -> Fingerprint:
        return self._fingerprint


def fill(explorer: Explorer, home: Home, pictures: int) -> None:
    folder = home.root / "pictures"
    folder.mkdir(parents=True)
    for number in range(pictures):  # each of its own colours: equal files would be one content
        colour = (number % 256, number // 256 % 256, number // 65536)
        Image.new("RGB", (8, 8), colour).save(folder / f"{number:06}.png")
    made_up = MadeUp(explorer.backbone().dim, explorer.fingerprint())
    index_folder(explorer.gallery(GALLERY, create=True), folder, made_up, "centre")


class Plain:
    """The plain stack."""

    def __init__(self, explorer: Explorer, pictures: int) -> None:
        import whisper

        from core import weights

        self._whisper = whisper.load_model(str(weights.find("whisper-base", explorer.home)), device="cpu")
        self._clip = explorer.backbone()
        rows = np.random.default_rng(0).standard_normal((pictures, self._clip.dim), np.float32)
        self._rows = rows / np.linalg.norm(rows, axis=1, keepdims=True)

    def search(self, path: Path) -> np.ndarray:
        import soundfile  # openai-whisper would start an ffmpeg program for it

        samples, _ = soundfile.read(path, dtype="float32")
        text = str(self._whisper.transcribe(samples, fp16=False)["text"])
        vector = self._clip.encode_texts([text.strip()]).vectors[0]
        return np.argsort(-(self._rows @ (vector / np.linalg.norm(vector))))[:TOP]


def measure(explorer: Explorer, plain: Plain, paths: Sequence[Path]) -> None:
    asked = iter([paths[0], *paths])
    answered = iter([paths[0], *paths])
    ours, theirs = in_turns([lambda: explorer.search(GALLERY, [QueryTerm("speech", path=next(asked))], top=TOP),
                             lambda: plain.search(next(answered))], len(paths))
    ratio = statistics.median(one / other for one, other in zip(ours, theirs, strict=True))
    rows = [(name, f"{statistics.median(spent):.3f} s", f"{statistics.mean(spent):.3f} s", f"{max(spent):.3f} s")
            for name, spent in (("BrewCLIP Explorer", ours), ("whisper + backbone + numpy", theirs))]
    print(table(rows, ("", "median", "mean", "slowest"), right=(1, 2, 3)))
    print(f"ratio of the two, query by query: {ratio:.2f} (aim: at most 0.40)")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--pictures", type=int, default=10_000)
    parser.add_argument("--queries", type=int, default=20)
    chosen = parser.parse_args()
    with own_home() as home:
        explorer = Explorer(home, Settings().with_value("search.keep_history", False))
        fill(explorer, home, chosen.pictures)
        explorer.warm_up()
        paths = recordings(chosen.queries)
        print(f"{len(paths)} spoken queries over {chosen.pictures} pictures, in turns")
        measure(explorer, Plain(explorer, chosen.pictures), paths)
        explorer.close()


if __name__ == "__main__":
    main()
