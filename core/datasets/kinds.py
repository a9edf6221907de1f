"""The kinds of datasets, declared once, and which of them a folder is."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from core.datasets import flickr8k, folder, localized_narratives, ravdess, spokencoco
from core.datasets.records import Dataset
from core.datasets.tree import Tree, open_tree
from core.errors import DatasetError
from core.progress import Report, silent


@dataclass(frozen=True)
class Kind:
    """One kind of dataset: its name, its title for people, how it is known and how it is read.

    `language` is what is spoken in every dataset of the kind, "" where that is not known: then it need not be guessed.
    """

    name: str
    title: str
    signs: Callable[[Tree], tuple[str, ...]]
    load: Callable[[Tree, Report], Dataset]
    language: str = ""


KINDS: tuple[Kind, ...] = (
    Kind(flickr8k.KIND, "Flickr8k", flickr8k.signs, flickr8k.load, "en"),
    Kind(spokencoco.KIND, "SpokenCOCO", spokencoco.signs, spokencoco.load, "en"),
    Kind(localized_narratives.KIND, "Localized Narratives (COCO)", localized_narratives.signs,
         localized_narratives.load, "en"),
    Kind(ravdess.KIND, "RAVDESS", ravdess.signs, ravdess.load, "en"),
    Kind(folder.KIND, "Folder with a list of pairs", folder.signs, folder.load),
)


@dataclass(frozen=True)
class Detection:
    """Which kind a folder is, and the sentences that say why."""

    kind: str
    evidence: tuple[str, ...]


def kind_of(name: str) -> Kind:
    """The kind with this name; DatasetError ("unknown_kind")."""
    for kind in KINDS:
        if kind.name == name:
            return kind
    names = ", ".join(kind.name for kind in KINDS)
    raise DatasetError(f"There is no kind of dataset called {name}. There are: {names}.", "unknown_kind")


def detect(folder: Path) -> Detection:
    """The kind of dataset a folder holds. A list of pairs counts only where nothing else is known.

    DatasetError: missing, not_a_folder, unreadable, no_dataset (says where one is, if a subfolder has one),
    several_kinds.
    """
    tree = open_tree(folder)
    found = _found(tree)
    if not found:
        raise DatasetError(_nothing(tree), "no_dataset")
    if len(found) > 1:
        kinds = "; ".join(f"{kind.name}: {evidence[0]}" for kind, evidence in found)
        raise DatasetError(f"{tree.root.name} could be several kinds of dataset ({kinds}) Choose the kind.",
                           "several_kinds")
    kind, evidence = found[0]
    return Detection(kind.name, evidence)


def load(folder: Path, kind: str = "", report: Report = silent) -> Dataset:
    """The dataset in a folder, of the kind named or detected. Lists are read whole, files are only looked for.

    DatasetError: as `detect`; unknown_kind; not_this_kind; nothing_read; several_lists.
    """
    detection = detect(folder) if not kind else None
    chosen = kind_of(detection.kind if detection else kind)
    tree = open_tree(folder)
    if not detection and not chosen.signs(tree):
        raise DatasetError(f"{tree.root.name} does not look like {chosen.title}: none of its lists is there.",
                           "not_this_kind")
    return chosen.load(tree, report)


def _found(tree: Tree) -> list[tuple[Kind, tuple[str, ...]]]:
    known = [(kind, evidence) for kind in KINDS if kind.name != folder.KIND and (evidence := kind.signs(tree))]
    if known:
        return known
    evidence = folder.signs(tree)
    return [(kind_of(folder.KIND), evidence)] if evidence else []


def _nothing(tree: Tree) -> str:
    """What to say of a folder that is no dataset."""
    below = {name: found[0][0].title for name in tree.names()[:100]
             if tree.root.joinpath(name).is_dir() and (found := _found(Tree(tree.root / name)))}
    if below:
        places = ", ".join(f"{name} ({title})" for name, title in below.items())
        return f"{tree.root.name} is no dataset itself, but these folders in it are: {places}. Choose one of them."
    titles = ", ".join(kind.title for kind in KINDS[:-1])
    return (f"No dataset is known in {tree.root.name}: neither {titles}, nor a CSV, TSV or JSON-lines file with a "
            "column for pictures and one for captions or recordings.")
