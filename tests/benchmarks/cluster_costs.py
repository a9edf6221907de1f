"""What one picture costs to index, part by part: the factors of the sums in docs/scale.md.

    OMP_NUM_THREADS=1 python -m tests.benchmarks.cluster_costs [--made 50000] [FOLDER]

Seconds of one core, on one thread, for pictures of FOLDER (the development data's SpokenCOCO, 640 x 480, where it is,
else the demo's); what the driver of a cluster spends on each picture that the workers give it, and holds of each that
it knows; bytes on disk.
"""

import argparse
import hashlib
import os
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from core import audio, demo, images
from core.cli.output import table
from core.explorer import Explorer
from core.galleries.backends import open_gallery
from core.indexing.reader import Reader
from core.indexing.scan import scan
from core.search.transcription import transcription_options
from core.settings import Settings
from core.store.file_stamps import stamp_of
from core.store.records import DecodedImageFacts, FileStamp, IndexedFile
from tests.benchmarks.common import DATA, own_home, recordings

BATCH, MOST, ROUNDS, WRITTEN_AT_ONCE = 32, 96, 3, 256
HEARD = 24  # recordings
SHARD = "/archive/shards/000123/"  # of a path of usual length


def seconds_a_picture(work: Callable[[], object], pictures: int) -> float:
    """Of one core, the least of some rounds: what else the machine does only adds."""
    found = []
    for _ in range(ROUNDS):
        start = time.process_time()
        work()
        found.append((time.process_time() - start) / pictures)
    return min(found)


def measure_worker(explorer: Explorer, folder: Path) -> list[tuple[str, str]]:
    model = explorer.model()
    paths = [str(path) for path in sorted(folder.rglob("*")) if path.suffix.lower() in images.IMAGE_SUFFIXES][:MOST]
    reader = Reader("centre", model.image_size, 200, lambda hashes: set(), 1)
    pixels = np.stack([one.pixels for one in reader.read(paths)])
    size = float(np.mean([Path(path).stat().st_size for path in paths]))

    def hashed() -> None:
        for path in paths:
            hashlib.sha256(Path(path).read_bytes()).digest()

    def embedded() -> None:
        for start in range(0, len(pixels), BATCH):
            model.encode_images(pixels[start:start + BATCH])

    read = seconds_a_picture(hashed, len(paths))
    whole = seconds_a_picture(lambda: reader.read(paths), len(paths))
    embed = seconds_a_picture(embedded, len(paths))
    found = seconds_a_picture(lambda: scan(folder), len(paths))
    rows = [("found in a folder (driver)", found), ("read and hashed", read), ("decoded and cropped", whole - read),
            (f"embedded ({model.title})", embed), ("a worker's whole", whole + embed)]
    return [(f"pictures, bytes on average ({len(paths)} of {folder.name})", f"{size:,.0f}"),
            *((f"{name}, ms of one core", f"{spent * 1e3:.2f}") for name, spent in rows)]


def made(number: int, dim: int, draw: np.random.Generator) -> list[IndexedFile]:
    vectors = draw.standard_normal((number, dim), np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return [IndexedFile(f"{SHARD}{os.urandom(12).hex()}.jpg", FileStamp(100_000, 1_700_000_000_000_000_000 + row),
                  os.urandom(32), DecodedImageFacts(640, 480, None), vector) for row, vector in enumerate(vectors)]


def measure_driver(explorer: Explorer, number: int) -> list[tuple[str, str]]:
    store, model = explorer.store, explorer.model()
    fingerprint = model.fingerprint("centre")
    record = open_gallery(store, "made", create=True)
    record.add_folder(Path(SHARD))
    draw, spent = np.random.default_rng(0), 0.0
    for _ in range(0, number, WRITTEN_AT_ONCE):
        entries = made(WRITTEN_AT_ONCE, model.dim, draw)
        start = time.process_time()
        record.record(fingerprint, entries)
        spent += time.process_time() - start
    written = len(range(0, number, WRITTEN_AT_ONCE)) * WRITTEN_AT_ONCE
    tracemalloc.start()
    listed = {f"{SHARD}{row:024x}.jpg": FileStamp(100_000, 1_700_000_000_000_000_000 + row) for row in range(written)}
    of_listed = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    tracemalloc.start()
    known = record.known_images(fingerprint.hash, Path(SHARD))
    held = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    start = time.process_time()
    record.known_images(fingerprint.hash, Path(SHARD))
    asked = time.process_time() - start
    on_disk = sum(path.stat().st_size for path in explorer.home.root.glob("store.sqlite*"))
    assert len(known) == written
    return [(f"stored by the driver (SQLite, {WRITTEN_AT_ONCE} at once), ms of one core",
             f"{spent / written * 1e3:.3f}"),
            ("compared by the driver, ms of one core", f"{asked / written * 1e3:.4f}"),
            ("held by the driver of a listed picture, bytes", f"{of_listed / len(listed):.0f}"),
            ("held by the driver of a known picture, bytes", f"{held / written:.0f}"),
            (f"bytes in the store, {model.dim} dimensions", f"{on_disk / written:.0f}"),
            ("bytes in memory to search exactly", f"{model.dim * 4}")]


def measure_hearing(explorer: Explorer) -> list[tuple[str, str]]:
    waves = [audio.read(path) for path in recordings(HEARD)]
    spoken = sum(len(wave.samples) for wave in waves) / audio.RATE
    recogniser = explorer.recogniser()
    options = transcription_options(explorer.settings, word_times=False)
    recogniser.transcribe(waves[:2], options)
    start = time.process_time()
    heard = recogniser.transcribe(waves, options)
    spent = time.process_time() - start
    kept = sum(states.nbytes for one in heard for states in one.states)
    about = f"{recogniser.name}, {len(waves)} recordings of {spoken / len(waves):.1f} s"
    return [(f"a second of speech heard ({about}), seconds of one core", f"{spent / spoken:.3f}"),
            ("states of a second of speech, bytes", f"{kept / spoken:,.0f}")]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", nargs="?", type=Path, default=DATA / "spokencoco")
    parser.add_argument("--made", type=int, default=50_000)
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    with own_home() as home:
        explorer = Explorer(home, Settings())
        folder = chosen.folder
        if not folder.is_dir():
            folder = home.demo
            demo.write_pictures(folder)
        assert stamp_of(str(next(folder.rglob("*.*")))) is not None
        print(table([*measure_worker(explorer, folder), *measure_driver(explorer, chosen.made),
                     *measure_hearing(explorer)], ("one picture", ""), right=(1,)))
        explorer.close()


if __name__ == "__main__":
    main()
