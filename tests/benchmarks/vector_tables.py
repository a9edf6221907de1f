"""A gallery at an address among very many pictures: the engine's index against exact search, in the same run.

    python -m tests.benchmarks.vector_tables [--pictures 1000000] [--real 720] [--queries 100] [--folder DIR]

The vectors are made: mixtures of two real pictures' vectors and as much noise as makes two of one picture as unlike as
two views of one scene (cosine about 0.8). The queries are the descriptions that strength is measured by. They are
written as indexing writes them, in the tables' own folder; what is measured needs no model.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from core.cli.output import size, table
from core.explorer import Explorer
from core.fingerprint import Fingerprint
from core.galleries.lance.gallery import LanceGallery
from core.search import background, table_index
from core.search.queries import units
from core.search.table_index import TableIndex
from core.search.vector_index import ExactIndex, open_index
from core.settings import Settings
from core.store.records import DecodedImageFacts, FileStamp, Filter, IndexedFile
from tests.benchmarks.common import DATA, in_turns, medians, own_home

BATCH, TOP, NOISE = 5000, 10, 0.6
MADE = Fingerprint.of({"backbone": "made for a benchmark"})


def real(pictures: int) -> tuple[np.ndarray, np.ndarray]:
    """Vectors of real pictures, the development data's or the demo's, and of descriptions (queries)."""
    from core import demo

    with own_home() as home:
        explorer = Explorer(home, Settings({}))
        folder = DATA / "flickr8k" / "Flicker8k_Dataset"
        if folder.is_dir():
            explorer.index(folder, "real")
        else:
            demo.build(explorer)
        place = explorer.gallery("real" if folder.is_dir() else demo.GALLERY)
        vectors = np.concatenate([part for _, part in place.vectors(explorer.fingerprint().hash)])
        queries = units(explorer.model().encode_texts(background.sentences()).vectors)
        explorer.close()
    return vectors[:pictures], queries


def made(around: np.ndarray, count: int, seed: int) -> np.ndarray:
    """Unit vectors around real ones."""
    random = np.random.default_rng(seed)
    first, second = (around[random.integers(0, len(around), count)] for _ in range(2))
    share = random.uniform(0, 0.5, (count, 1)).astype(np.float32)
    noise = random.standard_normal((count, around.shape[1]), np.float32) * np.float32(NOISE / around.shape[1] ** 0.5)
    return units(first * (1 - share) + second * share + noise)


def entries(around: np.ndarray, start: int, count: int) -> Iterator[IndexedFile]:
    for number, vector in enumerate(made(around, count, start), start):
        yield IndexedFile(f"/made/{number % 100:02}/{number:09}.jpg", FileStamp(1, 1), number.to_bytes(32, "big"),
                    DecodedImageFacts(640, 480, None), vector)


def fill(address: Path, around: np.ndarray, pictures: int) -> LanceGallery:
    place = LanceGallery.open(str(address), create=True)
    place.add_folder(Path("/made"))
    for start in range(0, pictures, BATCH):
        place.record(MADE, list(entries(around, start, min(BATCH, pictures - start))))
        if start % 100_000 == 0:
            print(f"  {start} written", file=sys.stderr, flush=True)
    return place


def first_query(address: Path, query: np.ndarray, exact: bool) -> float:
    """Seconds from opening the address to the first hits, in a process of its own, without importing the library."""
    np.save(address.parent / "query.npy", query)
    code = (
        "import sys, time, numpy, lancedb; from core.galleries.lance.gallery import LanceGallery\n"
        "from core.search.table_index import TableIndex\n"
        "query = numpy.load(sys.argv[2]); began = time.perf_counter()\n"
        "index = TableIndex(LanceGallery.open(sys.argv[1]).vector_table(0, sys.argv[3]))\n"
        "index.search(query, 10, exact=sys.argv[4] == 'exact'); print(time.perf_counter() - began)")
    ran = subprocess.run([sys.executable, "-c", code, str(address), str(address.parent / "query.npy"), MADE.hash,
                          "exact" if exact else ""], check=True, capture_output=True, text=True)
    return float(ran.stdout)


def best(exact: ExactIndex, queries: np.ndarray, allowed: np.ndarray | None) -> list[set[int]]:
    """The best TOP of each query."""
    return [set(exact.search(query, TOP, allowed)[0].tolist()) for query in queries]


def recall(index: TableIndex, queries: np.ndarray, right: list[set[int]], probes: int, chosen: Filter) -> float:
    """The share of the best that a search with so many probes finds."""
    table_index.PROBES = probes
    found = sum(len(wanted & set(index.search(query, TOP, chosen)[0].tolist()))
                for query, wanted in zip(queries, right, strict=False))
    return found / (TOP * len(right))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--pictures", type=int, default=1_000_000)
    parser.add_argument("--real", type=int, default=720)
    parser.add_argument("--queries", type=int, default=100)
    parser.add_argument("--folder", type=Path, help="where the tables are made (else a temporary folder)")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=chosen.folder) as folder:
        measure(chosen, Path(folder))


def measure(chosen: argparse.Namespace, folder: Path) -> None:
    around, descriptions = real(chosen.real)
    queries = descriptions[np.random.default_rng(1).permutation(len(descriptions))[:chosen.queries]]
    began = time.perf_counter()
    place = fill(folder / "made.lance", around, chosen.pictures)
    written = time.perf_counter() - began
    vectors = place.vector_table(MADE.hash)
    assert vectors is not None
    index = TableIndex(vectors)
    flat = first_query(folder / "made.lance", queries[0], exact=True)
    began = time.perf_counter()
    place.optimize(lambda progress: print(f"  {progress.text()}", file=sys.stderr, flush=True))
    ordered = time.perf_counter() - began
    began = time.perf_counter()
    exact = open_index(place, MADE.hash, around.shape[1], folder / "cache")
    brought = time.perf_counter() - began
    kept = sum(file.stat().st_size for file in (folder / "made.lance").rglob("*") if file.is_file())
    print(f"{chosen.pictures} vectors of {around.shape[1]} numbers around {len(around)} real ones; written in "
          f"{written:.0f} s, put in order and indexed in {ordered:.0f} s ({vectors.indexed} in the index), brought "
          f"here for exact search in {brought:.1f} s; {size(kept)} on disk")
    part = Filter(folder=Path("/made/07"))
    among = place.filter_ids(Filter(folder=part.folder))
    default = table_index.PROBES
    of_all, of_part = best(exact, queries, None), best(exact, queries[:30], among)
    rows = []
    for probes in sorted({8, 16, 32, 64, 128, default}):
        rows.append((f"{probes}{' (default)' if probes == default else ''}",
                     f"{recall(index, queries, of_all, probes, Filter()):.3f}",
                     f"{recall(index, queries, of_part, probes, part):.3f}",
                     f"{medians(in_turns([lambda: index.search(queries[3], TOP)], 15))[0] * 1e3:.1f}"))
    table_index.PROBES = default
    print(table(rows, ("probes", "recall@10", "in a folder (1 %)", "ms"), right=(1, 2, 3)))
    each = iter(range(10 ** 9))

    def query() -> np.ndarray:
        return queries[next(each) % len(queries)]

    spent = medians(in_turns([
        lambda: index.search(query(), TOP), lambda: index.search(query(), 250),
        lambda: index.search(query(), TOP, part), lambda: index.search(query(), TOP, exact=True),
        lambda: exact.search(query(), TOP)], 15))
    names = ("the index, 10 hits", "the index, 250 hits", "the index, 10 hits in a folder with 1 %",
             "exact where they lie, 10 hits", "exact, brought here (memory map)")
    print(table([(name, f"{seconds * 1e3:.1f}") for name, seconds in zip(names, spent, strict=True)],
                ("a query, median of 15 in turns", "ms"), right=(1,)))
    indexed = first_query(folder / "made.lance", queries[0], exact=False)
    print(f"from opening to the first hits: {indexed * 1e3:.0f} ms with the index, {flat * 1e3:.0f} ms exact where "
          f"they lie, {brought * 1e3:.0f} ms to bring them here")


if __name__ == "__main__":
    main()
