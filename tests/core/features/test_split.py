"""A split, ready to be used: everything in its place, what is broken too; and the vectors of it."""

from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch

from core import datasets
from core.errors import DatasetError
from core.explorer import Explorer
from core.features import encode
from core.features.prepared_split import MISSING, FeaturePreparer, Split
from core.models.brewclip import BrewCLIP


@pytest.fixture
def data(little: ModuleType, tmp_path: Path) -> Path:
    """Five pictures of training with two recordings each, three of dev."""
    return little.dataset(tmp_path / "data", train=5, dev=3)


def prepared(explorer: Explorer, data: Path, name: str = "train", states: bool = True) -> tuple[FeaturePreparer, Split]:
    preparing = FeaturePreparer(explorer.workspace, explorer.eyes, "centre", states)
    return preparing, preparing.prepare(datasets.load(data), name)


def damage(data: Path, little: ModuleType) -> None:
    """A picture and a recording broken, one of each missing, and one recording without words."""
    import soundfile

    (data / "0.png").write_bytes(b"no picture")
    (data / "1.png").unlink()
    (data / "2_0.wav").write_bytes(b"no recording")
    (data / "2_1.wav").unlink()
    soundfile.write(data / "3_0.wav", little.tone(3, peak=little.QUIET / 2), 16000)


@pytest.mark.slow
def test_a_split_has_all_in_the_order_of_the_lists(explorer: Explorer, data: Path) -> None:
    preparing, split = prepared(explorer, data)
    assert len(split.image_ids) == len(split.pictures) == 5
    assert len(split.utterances) == len(split.spoken) == 10
    assert [split.image_ids[place] for place in split.image_of] == [each.image_id for each in split.utterances]
    assert split.unreadable == ()
    assert preparing.cost(datasets.load(data), ("train",)).nbytes == 0  # all is there
    cost = preparing.cost(datasets.load(data), ("train", "dev"))
    assert cost.recordings == 6 and cost.states > 0 and cost.pictures == 3 * 32 * 32 * 3
    assert cost.nbytes == cost.states + cost.pictures


@pytest.mark.slow
def test_without_states_nothing_of_them_is_made(explorer: Explorer, data: Path) -> None:
    preparing = FeaturePreparer(explorer.workspace, explorer.eyes, "centre", states=False)
    assert preparing.cost(datasets.load(data), ("train",)).states == 0
    assert preparing.prepare(datasets.load(data), "train").spoken[0].states == ()


@pytest.mark.slow
def test_defects_stay_in_their_place_with_a_reason(explorer: Explorer, data: Path, little: ModuleType) -> None:
    damage(data, little)
    _, split = prepared(explorer, data)
    assert len(split.utterances) == 10
    reasons = dict(split.unreadable)
    assert len(reasons) == 4
    assert [bool(one.reason) for one in split.pictures] == [True, True, False, False, False]
    assert split.pictures[1].reason == MISSING
    assert [bool(one.reason) for one in split.spoken[4:6]] == [True, True]
    assert split.spoken[6].reason == "" and split.spoken[6].transcript.text == ""


@pytest.mark.slow
def test_vectors_of_what_is_broken_are_no_numbers(explorer: Explorer, data: Path, little: ModuleType) -> None:
    damage(data, little)
    preparing, split = prepared(explorer, data)
    torch.manual_seed(0)
    for variant in ("zero-shot", "prompted", "e2e", "full"):
        model = BrewCLIP(explorer.eyes.built, variant, little.MODEL, little.WIDTH).eval()
        seen = encode.encode_pictures(model, preparing.images, split)
        spoken = encode.encode_utterances(model, split)
        assert np.isnan(seen[:2]).all() and np.isfinite(seen[2:]).all()
        assert np.linalg.norm(seen[2:], axis=1) == pytest.approx(1, abs=1e-5)
        broken = [4, 5] if model.variant.acoustic else [4, 5, 6]  # nothing heard: no vector but by the voice
        assert np.flatnonzero(np.isnan(spoken.fused).any(axis=1)).tolist() == broken
        if variant == "full":
            assert spoken.text is not None and spoken.acoustic is not None
            assert np.nan_to_num(spoken.fused) == pytest.approx(np.nan_to_num(spoken.text + spoken.acoustic), abs=1e-6)
            assert not spoken.text[6].any() and spoken.acoustic[6].any()
        else:
            assert (spoken.text is None) == (variant == "e2e") and (spoken.acoustic is None) == (variant != "e2e")


@pytest.mark.slow
def test_vectors_are_the_models_own_and_captions_may_stand_for_transcripts(explorer: Explorer, data: Path,
                                                                         little: ModuleType) -> None:
    _, split = prepared(explorer, data)
    model = BrewCLIP(explorer.eyes.built, "full", little.MODEL, little.WIDTH).eval()
    with torch.inference_mode():
        one = split.spoken[3]
        own = model.encode_speech(model.collate([one.transcript], [one.states])).spoken[0].numpy()
    assert np.allclose(encode.encode_utterances(model, split).fused[3], own, atol=1e-5)
    told = encode.encode_utterances(model, split, captions=True)
    assert told.text is not None
    with torch.inference_mode():
        tokens, _ = model.tokens([split.utterances[3].caption])
        assert np.allclose(told.text[3], model.encode_tokens(tokens)[0].numpy(), atol=1e-5)


def test_a_split_that_is_not_there_or_empty_is_told(explorer: Explorer, data: Path, little: ModuleType) -> None:
    with pytest.raises(DatasetError, match="has no split 'test'; it has") as caught:
        prepared(explorer, data, "test")
    assert caught.value.kind == "no_split"
    little.picture(50).save(data / "lonely.png")
    with (data / "pairs.csv").open("a") as file:
        file.write("lonely.png,,a caption that nobody spoke,test\n")
    with pytest.raises(DatasetError, match="nothing to pair") as caught:
        prepared(explorer, data, "test")
    assert caught.value.kind == "no_pairs"
