"""The demo: a small gallery from the first start on, and spoken queries with known answers."""

from dataclasses import dataclass
from importlib.resources import as_file, files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import TYPE_CHECKING

from core import demo_pictures, plain_json, private_files
from core.errors import StoreError
from core.localisation import _
from core.progress import Progress, Report, WorkStep, silent, steps

if TYPE_CHECKING:
    from core.explorer import Explorer, SearchResult
    from core.indexing.local import IndexResult

GALLERY = "demo"
RECORDINGS = files("resources") / "demo"


@dataclass(frozen=True)
class DemoQuery:
    """A recording that comes with the program, its words, and the file name of the picture it describes."""

    label: str
    path: Path
    language: str
    expected: str


@dataclass(frozen=True)
class DemoAnswer:
    """Result of a demo query; `rank` is the expected picture's, 0 when it is not among the hits."""

    query: DemoQuery
    result: "SearchResult"
    rank: int


def write_pictures(folder: Path, report: Report = silent) -> int:
    """Write the demo's pictures that are not in the folder yet; how many lie there then. StoreError when it cannot."""
    photographs = demo_pictures.photographs()
    total = len(photographs) + len(demo_pictures.DRAWN)
    try:
        private_files.make_folder(folder, private=False)
        for done, photograph in enumerate(photographs):
            report(Progress(WorkStep.WRITING_DEMO, done, total))
            if not (folder / photograph.name).exists():
                private_files.write_atomically(folder / photograph.name, photograph.read_bytes(), private=False,
                                               durable=False)
        for done, (name, drawing) in enumerate(demo_pictures.DRAWN, len(photographs)):
            report(Progress(WorkStep.DRAWING_DEMO, done, total))
            if not (folder / name).exists():
                with private_files.replacing(folder / name, private=False, durable=False) as file:
                    drawing().save(file, "PNG")
    except OSError as error:
        raise StoreError(_("The demo's pictures could not be written to {folder}: {strerror}.").format(
            folder=folder, strerror=error.strerror or error),
                         "disk") from error
    return sum(1 for path in folder.iterdir() if path.suffix in (".png", ".jpg"))


def build(explorer: "Explorer", report: Report = silent) -> "IndexResult":
    """Write the pictures and index them into the gallery `demo`; quick when that was done before."""
    folder = explorer.home.demo
    writing, indexing = steps(report, 1, 2)
    write_pictures(folder, writing)
    return explorer.index(folder, GALLERY, indexing)


def is_ready(explorer: "Explorer") -> bool:
    """Whether the gallery is whole under the present fingerprint; loads no model, so a second start is quick."""
    if not explorer.home.store.exists():
        return False
    names = demo_pictures.names()
    gallery = next((found for found in explorer.store.galleries() if found.name == GALLERY), None)
    if gallery is None or not all((explorer.home.demo / name).exists() for name in names):
        return False
    return explorer.gallery(gallery).state(explorer.fingerprint().hash).indexed >= len(names)


def queries() -> tuple[DemoQuery, ...]:
    """The spoken queries, as files on disk."""
    listed = plain_json.loads((RECORDINGS / "queries.json").read_bytes())
    return tuple(DemoQuery(entry["said"], _on_disk(RECORDINGS / entry["file"]), entry["language"], entry["expected"])
                 for entry in listed)


def _on_disk(resource: Traversable) -> Path:
    with as_file(resource) as path:  # an installed package is a folder, so the path outlives the block
        return path


def ask(explorer: "Explorer", query: DemoQuery, top: int = 5) -> DemoAnswer:
    """Search the demo gallery with a demo query, as with a recording from the microphone."""
    from core.search.terms import QueryTerm

    result = explorer.search(GALLERY, [QueryTerm("speech", path=query.path)], top=top)
    ranks = [hit.rank for hit in result.hits if hit.image.path.name == query.expected]
    return DemoAnswer(query, result, ranks[0] if ranks else 0)
