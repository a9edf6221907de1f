"""Attention weights are taken without a change to what the model computes."""

import threading

import numpy as np
import pytest
import torch
from torch.nn import functional

from core.explain.attention import Watch, WatchSoftmax
from core.models import prompts
from core.models.brewclip import BrewCLIP


@pytest.mark.parametrize("place", [0, 1, 2])
def test_the_towers_give_the_same_and_the_weights_are_pytorchs(make, pixels, place):
    model = make("full")
    for transformer, run in _towers(model, pixels):
        block = transformer.resblocks[place]
        inputs = []
        handle = block.attn.register_forward_hook(lambda module, given, kept, keep=inputs: keep.append(given[0]))
        with torch.no_grad():
            plain = run()
            with Watch([block.attn]) as watch:
                watched = run()
            again = run()
        handle.remove()
        assert torch.allclose(plain, watched, atol=1e-5) and plain.abs().max() > 0.1
        assert torch.equal(plain, again)  # nothing of the watch stays behind
        mask = model.backbone.attn_mask if transformer is model.backbone.transformer else None
        length = inputs[0].shape[1]
        _, wanted = block.attn(*[inputs[0]] * 3, need_weights=True, average_attn_weights=False,
                               attn_mask=None if mask is None else mask[:length, :length])
        assert torch.allclose(watch.seen[0].weights, wanted, atol=1e-5)
        assert torch.allclose(watch.seen[0].weights.sum(dim=3), torch.ones(()), atol=1e-5)


def _towers(model: BrewCLIP, pixels: np.ndarray):
    stem = model.image_stem(pixels[None])
    tokens = prompts.trimmed(model.tokens(["a brown dog runs"])[0])
    return [(model.backbone.visual.transformer, lambda: model.encode_stem(stem)),
            (model.backbone.transformer, lambda: model.encode_tokens(tokens))]


def test_the_bundled_backbone_gives_the_same(mini):
    picture = np.random.default_rng(0).integers(0, 256, (1, 224, 224, 3), np.uint8)
    transformer = mini.backbone.visual.transformer
    with torch.no_grad():
        stem = mini.image_stem(picture)
        plain = mini.encode_stem(stem)
        with Watch([block.attn for block in transformer.resblocks]) as watch:
            watched = mini.encode_stem(stem)
    assert len(watch.seen) == 3
    assert float(functional.cosine_similarity(plain, watched)) == pytest.approx(1, abs=1e-6)


def test_the_acoustic_branch_gives_the_same_and_its_weights_are_those_of_pytorchs_layer(make, heard):
    model = make("full")
    batch = model.collate([heard().transcript], [heard().states])
    with torch.no_grad():
        plain = model.acoustic(batch.states, batch.lengths, model.prompts)
        with WatchSoftmax() as watch:
            watched = model.acoustic(batch.states, batch.lengths, model.prompts)
        assert torch.equal(plain, watched)
        tokens = torch.cat([model.acoustic.cls[None], model.prompts, model.acoustic.project(batch.states[0].float())])
        _, wanted = model.acoustic.layer.self_attn(*[tokens[None]] * 3, need_weights=True, average_attn_weights=False)
    assert len(watch.seen) == 1
    assert torch.allclose(watch.seen[0][0], wanted[0, :, 0], atol=1e-5)


def test_weights_have_a_gradient_though_nothing_is_trained(make, pixels):
    model = make("zero-shot")
    stem = model.image_stem(pixels[None])
    with Watch([model.backbone.visual.transformer.resblocks[1].attn]) as watch:
        vector = model.encode_stem(stem)
    gradient, = torch.autograd.grad(vector[0, 0], [watch.seen[0].weights])
    assert gradient[0, :, 0].abs().max() > 0


def test_another_thread_is_not_watched(make, pixels):
    model = make("zero-shot")
    stem = model.image_stem(pixels[None])
    with torch.no_grad():
        plain = model.encode_stem(stem)
    found = []

    def other() -> None:
        with torch.no_grad():
            found.append(model.encode_stem(stem))

    with Watch([model.backbone.visual.transformer.resblocks[1].attn]) as watch:
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
    torch.testing.assert_close(found[0], plain, rtol=1e-5, atol=1e-6)  # it may have another number of threads
    with pytest.raises(KeyError):
        assert watch.seen
