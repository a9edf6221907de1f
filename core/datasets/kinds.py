"""The kinds of datasets, declared once, and which of them a folder is."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from core.datasets import (
    beir,
    coco_captions,
    flickr8k,
    folder,
    hf_folder,
    lhotse_manifests,
    localized_narratives,
    packed,
    ravdess,
    spokencoco,
    tone,
)
from core.datasets.records import Dataset
from core.datasets.tree import LeavesFolder, Tree, open_tree
from core.errors import DatasetError
from core.localisation import _
from core.progress import Report, silent


@dataclass(frozen=True)
class DatasetKind:
    """One kind of dataset: its name, its title for people, how it is known and how it is read.

    `language` is what is spoken in every dataset of the kind, "" where that is not known: then it need not be guessed.
    `last_resort`: the kind counts only where none of the table before it is known, since its files (a list, a tar file)
    may lie beside any dataset.
    """

    name: str
    title: str
    signs: Callable[[Tree], tuple[str, ...]]
    load: Callable[[Tree, Report], Dataset]
    language: str = ""
    last_resort: bool = False


KINDS: tuple[DatasetKind, ...] = (
    DatasetKind(flickr8k.KIND, _("Flickr8k"), flickr8k.signs, flickr8k.load, "en"),
    DatasetKind(spokencoco.KIND, "SpokenCOCO", spokencoco.signs, spokencoco.load, "en"),
    DatasetKind(localized_narratives.KIND, _("Localized Narratives (COCO)"), localized_narratives.signs,
         localized_narratives.load, "en"),
    DatasetKind(ravdess.KIND, "RAVDESS", ravdess.signs, ravdess.load, "en"),
    DatasetKind(tone.KIND, _("Tone set"), tone.signs, tone.load, "en"),
    DatasetKind(hf_folder.KIND, _("Hugging Face folder (AudioFolder, ImageFolder)"), hf_folder.signs, hf_folder.load,
                last_resort=True),
    DatasetKind(beir.KIND, _("BEIR Parquet (corpus, queries, qrels)"), beir.signs, beir.load, last_resort=True),
    DatasetKind(lhotse_manifests.KIND, _("Lhotse manifests"), lhotse_manifests.signs, lhotse_manifests.load,
                last_resort=True),
    DatasetKind(coco_captions.KIND, _("COCO captions"), coco_captions.signs, coco_captions.load, "en",
                last_resort=True),
    DatasetKind(folder.KIND, _("Folder with a list of pairs"), folder.signs, folder.load, last_resort=True),
    DatasetKind(packed.HF_PARQUET, _("Hugging Face Parquet"), packed.parquet_signs, packed.load_parquet,
                last_resort=True),
    DatasetKind(packed.WEBDATASET, _("webdataset shards"), packed.webdataset_signs, packed.load_webdataset,
                last_resort=True),
)


@dataclass(frozen=True)
class Detection:
    """Which kind a folder is, and the sentences that say why."""

    kind: str
    evidence: tuple[str, ...]


def kind_of(name: str) -> DatasetKind:
    """The kind with this name; DatasetError ("unknown_kind")."""
    for kind in KINDS:
        if kind.name == name:
            return kind
    names = ", ".join(kind.name for kind in KINDS)
    raise DatasetError(_("There is no kind of dataset called {name}. There are: {names}.").format(name=name,
                                                                                                  names=names),
                       "unknown_kind")


def detect(folder: Path, follow_links: bool = False) -> Detection:
    """The kind of dataset a folder holds. Kinds of last resort count only where no other is known.

    DatasetError: missing, not_a_folder, unreadable, no_dataset (says where one is, if a subfolder has one),
    several_kinds, links.
    """
    tree = open_tree(folder, follow_links)
    with _links_told(tree):
        matches = _found(tree)
    if not matches:
        raise DatasetError(_nothing(tree), "no_dataset")
    if len(matches) > 1:
        kinds = "; ".join(f"{kind.name}: {evidence[0]}" for kind, evidence in matches)
        raise DatasetError(_("{name} could be several kinds of dataset ({kinds}) Choose the kind.").format(
            name=tree.root.name, kinds=kinds),
                           "several_kinds")
    kind, evidence = matches[0]
    return Detection(kind.name, evidence)


def load(folder: Path, kind: str = "", report: Report = silent, follow_links: bool = False) -> Dataset:
    """The dataset in a folder, of the kind named or detected. Lists are read whole, files are only looked for.

    `follow_links`: symbolic links may lead out of the folder, as the user said.

    DatasetError: as `detect`; unknown_kind; not_this_kind; nothing_read; several_lists.
    """
    detection = detect(folder, follow_links) if not kind else None
    chosen = kind_of(detection.kind if detection else kind)
    tree = open_tree(folder, follow_links)
    with _links_told(tree):
        if not detection and not chosen.signs(tree):
            if links := _links(tree):
                raise _closed(tree, links[0])
            raise DatasetError(_("{name} does not look like {title}: none of its lists is there.").format(
                name=tree.root.name, title=chosen.title),
                               "not_this_kind")
        return chosen.load(tree, report)


@contextmanager
def _links_told(tree: Tree) -> Iterator[None]:
    """DatasetError ("links") when a list itself lies behind a link that leads out of the folder."""
    try:
        yield
    except LeavesFolder as error:
        raise _closed(tree, str(error)) from error


def _closed(tree: Tree, link: str) -> DatasetError:
    return DatasetError(_("{link} in {name} is a link that leads out of the dataset's folder, and was not opened. If "
                          "you trust where it leads, allow it with Follow links.").format(link=link,
                                                                                          name=tree.root.name),
                        "links")


def _links(tree: Tree) -> list[str]:
    """The links at the top of a folder that lead out of it."""
    if tree.follow_links:
        return []
    inside = tree.root.resolve()
    return [name for name in tree.names() if tree.root.joinpath(name).is_symlink()
            and not tree.root.joinpath(name).resolve().is_relative_to(inside)]


def _found(tree: Tree) -> list[tuple[DatasetKind, tuple[str, ...]]]:
    matches = [(kind, evidence) for kind in KINDS if not kind.last_resort and (evidence := kind.signs(tree))]
    if matches:
        return matches
    return next(([(kind, evidence)] for kind in KINDS if kind.last_resort and (evidence := kind.signs(tree))), [])


def _nothing(tree: Tree) -> str:
    """Message for a folder that is no dataset."""
    below = {name: matches[0][0].title for name in tree.names()[:100]
             if tree.root.joinpath(name).is_dir() and (matches := _found(Tree(tree.root / name)))}
    if below:
        places = ", ".join(f"{name} ({title})" for name, title in below.items())
        return _("{name} is no dataset itself, but these folders in it are: {places}. Choose one of them.").format(
            name=tree.root.name, places=places)
    links = _links(tree)
    if links:
        return str(_closed(tree, links[0]))
    titles = ", ".join(kind.title for kind in KINDS if kind.name != folder.KIND)
    return (_("No dataset is known in {name}: neither {titles}, nor a CSV, TSV or JSON-lines file with a column for "
              "pictures and one for captions or recordings.").format(name=tree.root.name, titles=titles))
