"""States of several layers side by side, for models that mix them."""

import numpy as np
import pytest

from core.asr.recogniser import stacked_states
from core.audio import from_samples
from core.errors import ModelError


class ThreeLayers:
    name = "Three"

    def layers(self, waveform, padding="own"):
        return np.stack([np.full((4, 2), layer, np.float32) for layer in range(3)])

    def states(self, waveform, padding="own"):
        return self.layers(waveform)[-1]


WAVE = from_samples(np.sin(np.arange(16000, dtype=np.float32)), 16000)


@pytest.mark.parametrize(("layers", "row"), [(0, [2, 2]), (1, [2, 2]), (2, [1, 1, 2, 2]), (3, [0, 0, 1, 1, 2, 2])])
def test_the_last_layers_are_side_by_side(layers, row):
    states = stacked_states(ThreeLayers(), WAVE, "own", layers)
    assert states.shape == (4, len(row)) and states[3].tolist() == row


@pytest.mark.parametrize(("padding", "layers"), [("own", 4), ("window", 3)])
def test_what_the_recogniser_does_not_have_is_refused(padding, layers):
    with pytest.raises(ModelError) as refused:
        stacked_states(ThreeLayers(), WAVE, padding, layers)
    assert refused.value.kind == "layers"
