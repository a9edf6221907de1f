"""Pictures of which any of a class is right: drawn in training, no negatives of each other, and all right on dev."""

from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from core import datasets
from core.explorer import Explorer
from core.features.prepared_split import FeaturePreparer, Split
from core.features.speech_cache import SpeechFeatureCache
from core.models.brewclip import BrewCLIP
from core.training.dataset import PairDataset

pytestmark = pytest.mark.slow


@pytest.fixture
def preparing(explorer: Explorer) -> FeaturePreparer:
    return FeaturePreparer(explorer.workspace, explorer.eyes, "centre")


def _split(preparing: FeaturePreparer, data: Path, classes: int) -> Split:
    split = preparing.prepare(datasets.load(data), "train")
    return replace(split, relevance=np.arange(len(split.pictures)) % classes)


def _corpus(explorer: Explorer, preparing: FeaturePreparer, split: Split, little: ModuleType) -> PairDataset:
    model = BrewCLIP(explorer.eyes.built, "full", little.MODEL, little.WIDTH)
    return PairDataset([split], preparing.images, model, 4, 0, False)


def test_a_split_without_classes_has_each_picture_as_its_own(preparing: FeaturePreparer, data: Path) -> None:
    split = preparing.prepare(datasets.load(data), "train")
    assert split.relevance.tolist() == list(range(len(split.pictures)))


def test_classes_come_from_the_dataset(preparing: FeaturePreparer, data: Path) -> None:
    dataset = datasets.load(data)
    names = [image.image_id for image in dataset.images]
    relevance = {name: ("sad", "happy")[place % 2] for place, name in enumerate(names)}
    split = preparing.prepare(replace(dataset, relevance=relevance), "train")
    assert [("happy", "sad")[number] for number in split.relevance] == [relevance[name] for name in split.image_ids]


def test_a_pair_has_any_picture_of_the_class_of_its_own(explorer: Explorer, preparing: FeaturePreparer, data: Path,
                                                       little: ModuleType) -> None:
    split = _split(preparing, data, 3)
    corpus, again = (_corpus(explorer, preparing, split, little) for _ in range(2))
    others = 0
    for step in range(12):
        batch, chosen = corpus.batches(step)[0], corpus.chosen(step)
        places = corpus._places(step)
        own = [int(split.image_of[row]) for _, row in chosen]
        assert batch.image_ids.tolist() == split.relevance[own].tolist() == split.relevance[places].tolist()
        assert places == again._places(step)
        for picture, place in zip(batch.pictures, places, strict=True):
            assert np.array_equal(picture, split.pictures[place].array)
        others += sum(place != mine for place, mine in zip(places, own, strict=True))
    assert others > 12


def test_micro_batches_have_the_pictures_of_the_whole(explorer: Explorer, preparing: FeaturePreparer, data: Path,
                                                      little: ModuleType) -> None:
    corpus = _corpus(explorer, preparing, _split(preparing, data, 2), little)
    whole, parts = corpus.batches(5)[0], corpus.batches(5, micro=2)
    assert np.array_equal(whole.pictures, np.concatenate([part.pictures for part in parts]))


def test_states_of_several_layers_are_kept_apart(explorer: Explorer, data: Path) -> None:
    recordings = [record.recording for record in datasets.load(data).utterances if record.recording][:2]
    for layers in (0, 1, 3):
        SpeechFeatureCache(explorer.workspace, layers=layers).load(recordings)
    folders = sorted(path.name for path in (explorer.home.caches / "states").iterdir())
    assert len(folders) == 2 and folders[1] == f"{folders[0]}-3-layers"
