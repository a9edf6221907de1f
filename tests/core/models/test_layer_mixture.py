"""The acoustic branch over a mixture of the recogniser's layers."""

import numpy as np
import pytest
import torch

from core.models.acoustic import AcousticBranch
from core.models.variants import BrewClipOptions

WIDTH, LAYERS = 6, 3


def _branch(layers=LAYERS):
    torch.manual_seed(0)
    return AcousticBranch(WIDTH, 8, 4, BrewClipOptions(heads=2, feed_forward=16, layers=layers)).eval()


def _states(frames=12, layers=LAYERS):
    return torch.from_numpy(np.random.default_rng(1).normal(size=(2, frames, layers * WIDTH)).astype(np.float32))


def _output(branch, states, lengths=(12, 5)):
    with torch.no_grad():
        return branch(states, torch.tensor(lengths), torch.zeros(0, 8))


def test_one_layer_has_the_tensors_of_the_paper():
    assert {name for name, _ in _branch(0).named_parameters()} == {name for name, _ in _branch(1).named_parameters()}
    assert {name for name, _ in _branch().named_parameters()} - {name for name, _ in _branch(0).named_parameters()} == {
        "mixture", "shift", "spread"}


def test_a_mixture_of_one_layer_is_that_layer():
    mixed, alone, states = _branch(), _branch(0), _states()
    alone.load_state_dict({name: tensor for name, tensor in mixed.state_dict().items()
                           if name not in ("mixture", "shift", "spread")})
    with torch.no_grad():
        mixed.mixture.copy_(torch.tensor([-50.0, 50.0, -50.0]))
    assert torch.allclose(_output(mixed, states), _output(alone, states[..., WIDTH:2 * WIDTH]), atol=1e-5)


def test_weights_of_the_layers_get_gradients():
    branch = _branch()
    branch(_states(), torch.tensor([12, 12]), torch.zeros(0, 8)).sum().backward()
    assert branch.mixture.grad.abs().sum() > 0 and branch.spread.grad.abs().sum() > 0


def test_frames_beyond_the_length_change_nothing():
    branch, states = _branch(), _states()
    other = states.clone()
    other[1, 5:] = 99
    assert torch.allclose(_output(branch, states), _output(branch, other))


def test_standardised_layers_have_no_mean_and_unit_variance():
    branch = _branch()
    frames = (np.random.default_rng(2).normal(size=(40, LAYERS * WIDTH)) * 30 + 100).astype(np.float16)
    branch.standardise([frames[:15], frames[15:]])
    layers = (torch.from_numpy(frames.astype(np.float32)).unflatten(1, (LAYERS, WIDTH)) - branch.shift) * branch.spread
    assert torch.allclose(layers.mean(dim=0), torch.zeros(LAYERS, WIDTH), atol=1e-3)
    assert torch.allclose(layers.std(dim=0), torch.ones(LAYERS, WIDTH), atol=1e-3)
    single = _branch(0)
    single.standardise([frames])  # nothing to do
    assert single.shift is None


def test_options_store_layers_only_where_they_are_used():
    assert "layers" not in BrewClipOptions().to_json()
    assert BrewClipOptions.from_json(BrewClipOptions(layers=7).to_json()).layers == 7


@pytest.mark.parametrize("layers", [-1, 65])
def test_an_impossible_number_of_layers_is_refused(layers):
    from core.errors import ModelError

    with pytest.raises(ModelError):
        BrewClipOptions(layers=layers)
