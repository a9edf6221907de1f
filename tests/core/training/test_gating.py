"""The gate that is fitted on dev: it leans on the branch that is right, and is only in the checkpoint."""

from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from torch import Tensor

from core import datasets
from core.explorer import Explorer
from core.features.encode import SpokenVectors
from core.features.prepared_split import FeaturePreparer
from core.models.brewclip import BrewCLIP, Gate
from core.training import gate_fit as gating
from core.training.dataset import conditions
from core.training.gate_fit import GateBatch
from core.training.recipe import TrainingOptions
from core.training.validation import Validator, as_chosen


def unit(values: Tensor) -> Tensor:
    return torch.nn.functional.normalize(values, dim=1)


@pytest.fixture
def pictures() -> np.ndarray:
    return unit(torch.randn(40, 16, generator=torch.Generator().manual_seed(0))).numpy()


def heard(pictures: np.ndarray, words_right: bool, logprob: float, seed: int) -> GateBatch:
    """40 utterances: one branch says the picture, the other nothing that matters."""
    random = torch.Generator().manual_seed(seed)
    right = torch.from_numpy(pictures) + 0.2 * torch.randn(40, 16, generator=random)
    noise = torch.randn(40, 16, generator=random)
    text, acoustic = (right, noise) if words_right else (noise, right)
    return GateBatch(text, acoustic, torch.tensor([[logprob, 0.0, 0.0]]).expand(40, 3), torch.arange(40))


def found(gate: Gate, one: GateBatch, pictures: np.ndarray) -> float:
    with torch.no_grad():
        scores = unit(gating.fused(gate, one)) @ torch.from_numpy(pictures).T
    return float((scores.argmax(dim=1) == one.image_of).float().mean())


def test_it_leans_on_the_words_when_they_are_sure_and_on_the_voice_when_they_are_not(pictures: np.ndarray) -> None:
    sure, unsure = heard(pictures, True, -0.1, 1), heard(pictures, False, -2.0, 2)
    gate, plain = Gate(), Gate()
    gating.put(gate, gating.fit([sure, unsure], pictures, 20.0))
    for one in (sure, unsure):
        assert found(gate, one, pictures) > max(0.9, found(plain, one, pictures))


def test_vectors_under_the_gate_are_those_of_the_model_and_parts_add_up(pictures: np.ndarray) -> None:
    one = heard(pictures, True, -0.4, 3)
    values = (0.5, -1.0, 0.2, 0.7, -0.3)
    text, acoustic = one.text.numpy().copy(), one.acoustic.numpy().copy()
    text[5] = 0  # where nothing was heard, the voice stands alone
    text[7] = acoustic[7] = np.nan  # what could not be read stays without a vector
    under = gating.under(values, SpokenVectors(text + acoustic, text, acoustic), one.signals)
    assert under.text is not None and under.acoustic is not None
    rest = [row for row in range(40) if row != 7]
    assert np.allclose(under.fused[rest], (under.text + under.acoustic)[rest], atol=1e-5)
    assert np.array_equal(under.fused[5], acoustic[5]) and np.isnan(under.fused[7]).all()
    gate = Gate()
    gating.put(gate, values)
    with torch.no_grad():
        assert np.allclose(under.fused[:5], gating.fused(gate, one).numpy()[:5], atol=1e-5)


def test_rows_without_words_or_vectors_take_no_part(pictures: np.ndarray) -> None:
    one = heard(pictures, True, -0.4, 3)
    text, acoustic = one.text.numpy().copy(), one.acoustic.numpy().copy()
    text[5], acoustic[7] = 0, np.nan
    kept = GateBatch.of(text, acoustic, one.signals, one.image_of.numpy())
    assert len(kept.text) == len(kept.acoustic) == len(kept.signals) == 38
    assert 5 not in kept.image_of.tolist() and 7 not in kept.image_of.tolist()
    nothing = GateBatch.of(np.zeros_like(text), acoustic, one.signals, one.image_of.numpy())
    assert all(np.isfinite(each) for each in gating.fit([nothing], pictures, 20.0))


def test_the_numbers_of_a_gate_come_back() -> None:
    gate, values = Gate(), (0.5, -1.0, 0.25, 0.75, -0.5)
    gating.put(gate, values)
    assert gating.numbers(gate) == values


@pytest.mark.slow
@pytest.mark.parametrize("choose", [False, True])
def test_a_look_fits_the_gate_and_leaves_the_model_alone(explorer: Explorer, data: Path, little: ModuleType,
                                                         choose: bool) -> None:
    preparing = FeaturePreparer(explorer.workspace, explorer.eyes, "centre")
    splits = [preparing.prepare(datasets.load(data), "train", each) for each in conditions("0")]
    torch.manual_seed(3)
    ours = BrewCLIP(explorer.eyes.built, "full", replace(little.MODEL, gate=True), little.WIDTH).train()
    assert ours.gate is not None
    gating.put(ours.gate, own := (0.5, 0.0, 0.0, 0.0, 1.0))
    result = Validator(splits, preparing.images, TrainingOptions(choose_weight=choose, fit_gate=True)).evaluate(ours)
    assert gating.numbers(ours.gate) == own and ours.training
    assert len(result.gate) == 5 and result.to_json()["gate"]
    as_it_is = as_chosen(ours, result)
    assert gating.numbers(as_it_is.gate) == pytest.approx(result.gate)
    assert as_it_is.options.acoustic_weight == result.weight
    again = Validator(splits, preparing.images, TrainingOptions()).evaluate(as_it_is)
    assert again.score == pytest.approx(result.score, abs=1e-6)
    assert gating.numbers(ours.gate) == own and ours.options.acoustic_weight == little.MODEL.acoustic_weight


@pytest.mark.slow
def test_without_a_gate_nothing_is_fitted(explorer: Explorer, data: Path, little: ModuleType) -> None:
    preparing = FeaturePreparer(explorer.workspace, explorer.eyes, "centre")
    splits = [preparing.prepare(datasets.load(data), "train")]
    for variant in ("prompted", "full"):
        ours = BrewCLIP(explorer.eyes.built, variant, little.MODEL, little.WIDTH)
        assert Validator(splits, preparing.images, TrainingOptions(fit_gate=True)).evaluate(ours).gate == ()
