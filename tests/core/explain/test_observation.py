"""What is read of a pair: held against PyTorch's own attention, finite differences and the model's own vectors."""

from contextlib import contextmanager

import numpy as np
import pytest
import torch
from torch.nn import functional

from core.errors import ModelError, QueryError
from core.explain.observation import branches_of, observe, typed

pytestmark = pytest.mark.slow

LONG = "dog " * 100


@contextmanager
def scaled_attention(block, own):
    """The block's attention computed from PyTorch's weights, each of the readout's row times a leaf of ones."""
    attention, plain, kept = block.attn, block.attn.forward, {}

    def forward(query, key, value, need_weights=False, attn_mask=None, **rest):
        _, weights = plain(query, key, value, need_weights=True, average_attn_weights=False, attn_mask=attn_mask)
        ones = torch.ones(weights.shape[1], weights.shape[3], requires_grad=True)
        kept["scale"] = ones
        row = weights[:, :, own] * ones
        weights = torch.cat([weights[:, :, :own], row[:, :, None], weights[:, :, own + 1:]], dim=2)
        width = query.shape[2]
        values = functional.linear(value, attention.in_proj_weight[2 * width:], attention.in_proj_bias[2 * width:])
        heads = values.unflatten(2, (attention.num_heads, -1)).transpose(1, 2)
        return functional.linear((weights @ heads).transpose(1, 2).flatten(2), attention.out_proj.weight,
                                 attention.out_proj.bias), None

    attention.forward = forward
    try:
        yield kept
    finally:
        del attention.forward


@pytest.mark.parametrize("place", [-1, -2])
@pytest.mark.parametrize("variant", ["zero-shot", "prompted"])
def test_gradient_times_attention_of_the_image_tower_is_pytorchs(make, pixels, variant, place):
    model = make(variant)
    found = observe(model, pixels, typed("a brown dog"))
    readings = found.towers["picture"].readings["fused"]
    reading = readings.last if place == -1 else readings.penultimate
    with torch.enable_grad(), scaled_attention(model.backbone.visual.transformer.resblocks[place], 0) as kept:
        vector = model.encode_stem(model.image_stem(pixels[None]))
        text = torch.from_numpy(found.branches.text).float()
        score = functional.cosine_similarity(vector, text[None])[0]
        wanted, = torch.autograd.grad(score, [kept["scale"]])
    assert np.abs(wanted.numpy()).max() > 1e-6
    assert reading.gradient * reading.attention == pytest.approx(wanted.numpy(), abs=1e-6)


def test_gradient_times_input_is_a_finite_difference(make, pixels):
    model = make("zero-shot")
    found = observe(model, pixels, typed("a brown dog"))
    stem, text = model.image_stem(pixels[None]).double(), torch.from_numpy(found.branches.text)[None]
    model.double()
    try:
        for token in (1, 7, 16):
            scores = []
            for step in (-1e-4, 1e-4):
                moved = stem.clone()
                moved[0, token] *= 1 + step
                with torch.no_grad():
                    scores.append(float(functional.cosine_similarity(model.encode_stem(moved).double(), text)))
            wanted = (scores[1] - scores[0]) / 2e-4
            entrance = found.towers["picture"].readings["fused"].entrance[token]
            assert entrance == pytest.approx(wanted, abs=2e-4)
    finally:
        model.float()


@pytest.mark.parametrize(("variant", "towers", "targets"), [
    ("zero-shot", {"picture", "words"}, {"fused", "text"}), ("prompted", {"picture", "words"}, {"fused", "text"}),
    ("e2e", {"picture", "sound"}, {"fused", "acoustic"}),
    ("full", {"picture", "words", "sound"}, {"fused", "text", "acoustic"})])
def test_a_variant_shows_what_it_reads(make, heard, pixels, variant, towers, targets):
    found = observe(make(variant), pixels, heard())
    assert set(found.towers) == towers and set(found.scores) == targets
    assert set(found.towers["picture"].readings) == targets
    if variant == "full":
        assert set(found.towers["words"].readings) == {"fused", "text"}
        assert set(found.towers["sound"].readings) == {"fused", "acoustic"}
    for tower in found.towers.values():
        tokens = len(next(iter(tower.readings.values())).entrance)
        prompts = range(tokens)[tower.prompts]
        assert tower.own not in range(tokens)[tower.painted] and not set(prompts) & set(range(tokens)[tower.painted])
        for readings in tower.readings.values():
            assert readings.last.attention.sum(axis=1) == pytest.approx(1, abs=1e-4)


def test_a_long_text_is_read_as_far_as_the_model_reads(make, pixels):
    zero_shot, prompted = (observe(make(variant), pixels, typed(LONG)) for variant in ("zero-shot", "prompted"))
    assert len(zero_shot.spans) == 100
    assert zero_shot.kept == 75 and prompted.kept == 75 - 4  # of 77, without start, end and prompts


@pytest.mark.parametrize("variant", ["zero-shot", "prompted", "e2e", "full"])
def test_the_branches_alone_are_those_that_were_observed(make, heard, pixels, variant):
    model = make(variant)
    seen, alone = observe(model, pixels, heard()).branches, branches_of(model, heard())
    for one, other in ((seen.text, alone.text), (seen.acoustic, alone.acoustic)):
        assert (one is None) == (other is None)
        if one is not None:
            assert other == pytest.approx(one, abs=1e-5)
    assert (alone.text_weight, alone.acoustic_weight) == (seen.text_weight, seen.acoustic_weight)


def test_nothing_said_is_an_error_in_words(make, heard, pixels):
    for variant, query in (("zero-shot", typed(" ")), ("e2e", typed("")), ("zero-shot", heard(""))):
        with pytest.raises(QueryError) as caught:
            observe(make(variant), pixels, query)
        assert caught.value.kind == "empty"


def test_a_voice_without_words_is_explained_by_the_voice(make, heard, pixels):
    found = observe(make("full"), pixels, heard(""))
    assert set(found.towers) == {"picture", "sound"} and set(found.scores) == {"fused", "acoustic"}


def test_attention_that_cannot_be_read_is_said(make, pixels):
    model = make("zero-shot")
    block = model.backbone.visual.transformer.resblocks[-1]

    class Other(torch.nn.MultiheadAttention):
        """Another kind of attention."""

    own, block.attn = block.attn, Other(64, 2)
    try:
        with pytest.raises(ModelError) as caught:
            observe(model, pixels, typed("a dog"))
    finally:
        block.attn = own  # the fixture is the session's
    assert caught.value.kind == "unsupported"


def test_the_model_is_left_as_it_was(make, heard, pixels):
    model = make("full")
    flags = {name: (each.requires_grad, each.grad) for name, each in model.named_parameters()}
    with torch.inference_mode():  # as in a worker that searches
        first = observe(model, pixels, heard())
    again = observe(model, pixels, heard())
    assert first.scores == pytest.approx(again.scores)
    assert {name: (each.requires_grad, each.grad) for name, each in model.named_parameters()} == flags
