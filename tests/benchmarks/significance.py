"""How often a strong, fair or weak hit is the captioned picture, on labelled galleries.

python -m tests.benchmarks.significance FOLDER:SPLIT [FOLDER:SPLIT ...] [--sizes 10,20,50] [--limit N]

Each split becomes a gallery and each of its captions a query, spoken and typed. `--sizes` also draws galleries of so
many pictures around each query, once with its picture among them and once without. Fitting pictures that carry other
captions count as wrong, so the figures are lower bounds.
"""

import argparse
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core import datasets
from core.cli.output import ProgressPrinter, table
from core.datasets.records import Dataset, Utterance
from core.errors import QueryError
from core.explorer import Explorer
from core.progress import Progress
from core.search.background import Background
from core.search.queries import EncodedTerm, Floats, Hit, Level, combine, units
from core.search.significance import significances
from core.search.terms import QueryTerm
from core.settings import Settings
from tests.benchmarks.common import own_home

TOP = 10
LEVELS: tuple[Level, ...] = ("strong", "fair", "weak")


@dataclass(frozen=True, eq=False)
class Answer:
    """One query and its hits: the ranks are those of the shown order."""

    terms: tuple[EncodedTerm, ...]
    right: str  # name of the captioned picture
    hits: tuple[Hit, ...]


def index(explorer: Explorer, part: Dataset, gallery: str, folder: Path) -> None:
    folder.mkdir()
    for image in part.images:
        (folder / image.path.name).symlink_to(image.path.resolve())
    explorer.index(folder, gallery, ProgressPrinter())


def ask(explorer: Explorer, gallery: str, part: Dataset, kind: str, limit: int | None) -> Iterator[Answer]:
    names = {image.image_id: image.path.name for image in part.images}
    progress = ProgressPrinter()
    for done, utterance in enumerate(part.utterances[:limit]):
        progress(Progress(done=done, total=len(part.utterances[:limit]), subject=f"Asking {gallery}"))
        query = _query(utterance, kind)
        if query is None:
            continue
        try:
            result = explorer.search(gallery, [query], TOP)
        except QueryError as error:
            if error.kind != "nothing_heard":
                raise
            continue
        yield Answer(result.terms, names[utterance.image_id], result.hits)
    progress.finish()


def _query(utterance: Utterance, kind: str) -> QueryTerm | None:
    if kind == "typed":
        return QueryTerm("text", utterance.caption)
    return QueryTerm("speech", path=utterance.recording) if utterance.recording else None


def rows_of(name: str, kind: str, pictures: int, answers: Sequence[Answer]) -> Iterator[tuple[str, ...]]:
    """One row a level: how many of the first hits have it, and how many hits of that level are right."""
    first = [(answer.hits[0].strength.level, answer.hits[0].image.path.name == answer.right) for answer in answers]
    every = [(hit.strength.level, hit.image.path.name == answer.right) for answer in answers for hit in answer.hits]
    for level in LEVELS:
        yield name, kind, str(pictures), level, *_counted(first, level), *_counted(every, level)


def _counted(hits: Sequence[tuple[Level, bool]], level: Level) -> tuple[str, str]:
    of_level = [right for each, right in hits if each == level]
    return f"{len(of_level)} of {len(hits)}", f"{100 * np.mean(of_level):.0f}" if of_level else "-"


def drawn(answers: Sequence[Answer], vectors: Floats, names: Sequence[str], descriptions: Floats, size: int
          ) -> tuple[str, ...]:
    """Galleries of `size` pictures around each query: levels of the first hit with its picture there, and without."""
    numbers = np.random.default_rng(0)
    with_it: list[tuple[Level, bool]] = []
    without: Counter[Level] = Counter()
    for answer in answers:
        own = names.index(answer.right)
        others = numbers.permutation(np.delete(np.arange(len(names)), own))
        for chosen in (np.append(others[:size - 1], own), others[:size]):
            scores = vectors[chosen] @ combine(answer.terms)
            best = int(scores.argmax())
            held_against = Background(descriptions, vectors[chosen], chosen.astype(np.int64))
            level = significances(answer.terms, scores[[best]], held_against, size)[0].level
            if chosen[-1] == own:
                with_it.append((level, chosen[best] == own))
            else:
                without[level] += 1
    right = [f"{_counted(with_it, level)[1]} ({_counted(with_it, level)[0]})" for level in LEVELS]
    return str(size), *right, *(f"{100 * without[level] / len(answers):.0f}" for level in LEVELS)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("splits", nargs="+", metavar="FOLDER:SPLIT")
    parser.add_argument("--sizes", default="", help="of drawn galleries, of the first split")
    parser.add_argument("--limit", type=int, help="only the first N captions")
    chosen = parser.parse_args()
    rows: list[tuple[str, ...]] = []
    small: list[tuple[str, ...]] = []
    with own_home() as home, tempfile.TemporaryDirectory() as pictures:
        settings = Settings().with_value("vision.backbone", "brewclip-mini").with_value("search.keep_history", False)
        explorer = Explorer(home, settings)
        for number, text in enumerate(chosen.splits):
            folder, _, split = text.rpartition(":")
            part, gallery = datasets.load(Path(folder)).of(split), f"{Path(folder).name} {split}"
            index(explorer, part, gallery, Path(pictures) / str(number))
            for kind in ("spoken", "typed"):
                answers = list(ask(explorer, gallery, part, kind, chosen.limit))
                rows += rows_of(gallery, kind, len(part.images), answers)
                if number == 0 and kind == "spoken":
                    small = [drawn(answers, *vectors_of(explorer, gallery), size)
                             for size in map(int, filter(None, chosen.sizes.split(",")))]
        explorer.close()
    print(table(rows, ("gallery", "query", "pictures", "level", "first hits", "right %", f"of the first {TOP}",
                       "right %"), right=(2, 4, 5, 6, 7)))
    if small:
        print("\nDrawn galleries, first hit: right % (how many) with the captioned picture there; share % without it")
        print(table(small, ("pictures", *LEVELS, *(f"{level}, not there" for level in LEVELS)), right=tuple(range(7))))


def vectors_of(explorer: Explorer, gallery: str) -> tuple[Floats, list[str], Floats]:
    """Vectors (n, dim) and names of the pictures, and the vectors of the background's descriptions."""
    record = explorer.gallery(gallery)
    ids, vectors = zip(*record.vectors(explorer.fingerprint().hash), strict=True)
    names = {each.id: each.path.name for each in record.images()}
    folder = explorer.home.caches / "strength"
    descriptions = np.load(next(folder.glob("*.npy")))
    return units(np.concatenate(vectors)), [names[each] for each in np.concatenate(ids).tolist()], descriptions


if __name__ == "__main__":
    main()
