"""Which pictures of an evaluated split a model has learnt from.

Datasets share pictures: Localized Narratives has COCO's split of 2017, SpokenCOCO that of 2014, so that a model trained
on one has seen pictures on which it is evaluated with the other.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from core import datasets, plain_json
from core.datasets import localized_narratives, spokencoco
from core.errors import DatasetError
from core.evaluation.records import Setup
from core.evaluation.subjects import Known

RECIPE = "recipe.json"  # in a run's folder, beside the checkpoint
FAMILIES: Mapping[str, str] = {spokencoco.KIND: "coco", localized_narratives.KIND: "coco"}  # kinds that share pictures


def learnt(known: Known, setup: Setup, image_ids: Sequence[str]) -> tuple[frozenset[str] | None, str]:
    """Ids of the pictures among these that the model was trained on; None and the reason where it is not known."""
    assert known.run is not None
    facts = known.run.dataset
    kind = str(facts.get("kind", ""))
    if kind and _family(kind) != _family(setup.kind):
        return frozenset(), ""
    if kind == setup.kind and facts.get("name") == setup.folder.name and facts.get("train") != setup.split:
        return frozenset(), ""  # the loaders give no picture to two splits
    found = _trained_on(known)
    if found is None:
        return None, ("It is not known which of these pictures the model has learnt from: its run's folder, or the "
                      "dataset it was trained on, is not there.")
    return found & frozenset(image_ids), ""


def _trained_on(known: Known) -> frozenset[str] | None:
    """The ids of all pictures of the training split, read again from the dataset that the run's recipe names."""
    recipe = _recipe(known)
    try:
        dataset = datasets.load(Path(recipe["dataset"]), recipe.get("kind", ""),
                                follow_links=bool(recipe.get("follow_links")))
        return frozenset(image.image_id for image in dataset.images if image.split == recipe["train"])
    except (DatasetError, KeyError, TypeError):
        return None


def _recipe(known: Known) -> dict[str, Any]:
    assert known.checkpoint is not None
    for folder in (known.checkpoint.parent, known.checkpoint):
        try:
            found = plain_json.read(folder / RECIPE)
        except (OSError, ValueError):
            continue
        if isinstance(found, dict):
            return found
    return {}


def _family(kind: str) -> str:
    return FAMILIES.get(kind, kind)
