"""Options beyond the paper: each does what it says, in training or in use, and nothing when it is off."""

from dataclasses import replace
from typing import Any

import numpy as np
import open_clip
import pytest
import torch
from open_clip.model import CLIP, CLIPTextCfg, CLIPVisionCfg

from core.asr.transcript import Transcript
from core.models import acoustic
from core.models.acoustic import SPAN, hidden
from core.models.acoustic import _draws as bound
from core.models.brewclip import BrewCLIP
from core.models.open_clip_models import Built
from core.models.variants import BrewClipOptions

LONG = " ".join(f"a dog runs after ball number {number}." for number in range(20))
SAID = [Transcript(text, "en", (), -0.3, 0.01, 1.1) for text in (LONG, "two cats", "")]
STATES = [(np.random.default_rng(5).normal(size=(length, 20)).astype(np.float16),) for length in (40, 90, 20)]


@pytest.fixture(scope="module")
def tiny() -> Built:
    torch.manual_seed(0)
    clip = CLIP(32, CLIPVisionCfg(image_size=32, layers=1, width=64, head_width=32, patch_size=16),
                CLIPTextCfg(width=48, heads=2, layers=1))
    return Built(clip.eval().requires_grad_(False), open_clip.SimpleTokenizer(), 77, 32, 32, (0.5,) * 3, (0.3,) * 3,
                 channels_last=False)


def model(built: Built, variant: str = "full", **options: Any) -> BrewCLIP:
    torch.manual_seed(1)
    return BrewCLIP(built, variant, BrewClipOptions(heads=4, feed_forward=32, dropout=0.0, **options), 20).eval()


# --- sentences -----------------------------------------------------------------------------------------------------

@pytest.mark.slow
@pytest.mark.parametrize("variant", ["zero-shot", "full"])
@torch.no_grad()
def test_long_texts_are_the_mean_of_their_pieces_and_short_ones_untouched(tiny: Built, variant: str) -> None:
    cut, pooled = model(tiny, variant), model(tiny, variant, pool_sentences=True)
    found = pooled.encode_speech(pooled.collate(SAID, STATES)).text
    plain = cut.encode_speech(cut.collate(SAID, STATES)).text
    assert found is not None and plain is not None
    pieces, owners = pooled.pieces([LONG])
    assert owners is not None and len(pieces) > 1
    assert all(not cut.cut([piece])[0] for piece in pieces)
    mean = torch.cat([cut.encode_texts([piece]) for piece in pieces]).mean(dim=0)
    assert torch.allclose(found[0], mean, atol=1e-5)
    assert not torch.allclose(found[0], plain[0], atol=1e-2)
    assert torch.allclose(found[1], plain[1], atol=1e-5)
    assert torch.allclose(pooled.encode_texts([LONG, "two cats"]), found[:2], atol=1e-5)


def test_what_is_pooled_is_not_cut(tiny: Built) -> None:
    cut, pooled = model(tiny), model(tiny, pool_sentences=True)
    assert cut.cut([LONG, "two cats"])[0] > 50 and cut.cut([LONG, "two cats"])[1] == 0
    assert pooled.cut([LONG, "two cats"]) == (0, 0)
    assert cut.collate(SAID, STATES).signals[0, 2] > 0.3 and pooled.collate(SAID, STATES).signals[0, 2] == 0


@torch.no_grad()
def test_texts_that_fit_are_the_same_bits(tiny: Built) -> None:
    cut, pooled = model(tiny), model(tiny, pool_sentences=True)
    batches = [each.collate(SAID[1:], STATES[1:]) for each in (cut, pooled)]
    assert batches[1].owners is None
    assert torch.equal(cut.encode_speech(batches[0]).spoken, pooled.encode_speech(batches[1]).spoken)


# --- hidden frames -------------------------------------------------------------------------------------------------

def test_frames_are_hidden_in_spans_up_to_the_share() -> None:
    torch.manual_seed(0)
    lengths = torch.tensor([300] * 200 + [8])
    found = hidden(lengths, 320, 0.5)
    shares = found[:200, :300].float().mean(dim=1)
    assert shares.min() + 0.01 > 0 and shares.max() <= 0.5 and 0.1 < shares.mean() < 0.3
    assert not found[200].any(), "an utterance shorter than a span is left whole"
    edges = torch.nn.functional.pad(found[:200].int(), (1, 1)).diff(dim=1)
    runs = torch.nonzero(edges == -1)[:, 1] - torch.nonzero(edges == 1)[:, 1]
    assert int(runs.min()) >= SPAN


@pytest.mark.parametrize("most", [0.05, 0.5, 0.99])
def test_a_gpu_hides_the_same_frames_without_reading_how_many(monkeypatch: pytest.MonkeyPatch, most: float) -> None:
    lengths = torch.tensor([300, 8, 0, 200, 15, 16])
    largest = []
    for seed in range(20):
        torch.manual_seed(seed)
        known = hidden(lengths, 320, most)
        with monkeypatch.context() as patch:
            patch.setattr(acoustic, "_draws", lambda spans, frames, share: largest.append(
                (int(spans.max()), bound(spans.to("meta"), frames, share))) or largest[-1][1])
            torch.manual_seed(seed)
            assert torch.equal(hidden(lengths, 320, most), known)
    assert all(drawn <= allowed for drawn, allowed in largest) and len(largest) == 20


def test_frames_are_hidden_in_training_alone(tiny: Built) -> None:
    ours, plain = model(tiny, mask_states=0.8), model(tiny)
    batch = ours.collate(SAID, STATES)
    with torch.no_grad():
        exact = plain.encode_speech(batch).acoustic
        assert exact is not None and torch.equal(ours.encode_speech(batch).acoustic, exact)
        torch.manual_seed(3)
        first = ours.train().encode_speech(batch).acoustic
        second = ours.encode_speech(batch).acoustic
        torch.manual_seed(3)
        again = ours.encode_speech(batch).acoustic
        assert torch.equal(plain.train().encode_speech(batch).acoustic, exact)
    assert torch.isfinite(first).all() and torch.equal(first, again)
    assert not torch.equal(first, second)


# --- words as teachers ---------------------------------------------------------------------------------------------

def test_end_to_end_learns_from_words_but_never_uses_them(tiny: Built) -> None:
    ours, plain = model(tiny, "e2e", learn_words=True, inner_weight=0.5), model(tiny, "e2e", inner_weight=0.5)
    other = [replace(each, text="something else") for each in SAID]
    assert torch.equal(ours.encode_speech(ours.collate(SAID, STATES)).spoken,
                       ours.encode_speech(ours.collate(other, STATES)).spoken)
    assert ours.encode_speech(ours.collate(SAID, STATES)).text is None
    ids, stem = torch.arange(3), plain.image_stem(np.full((3, 32, 32, 3), 90, np.uint8))
    losses = [each.train().loss(each(stem, each.collate(said, STATES)), ids)
              for each, said in ((plain, SAID), (ours, SAID), (ours, other))]
    assert float(losses[0].inner) == 0 and float(losses[1].inner) > 0
    assert float(losses[1].outer) == pytest.approx(float(losses[0].outer), abs=1e-5)
    assert float(losses[1].inner) != pytest.approx(float(losses[2].inner), abs=1e-4)
    losses[1].inner.backward()
    assert ours.acoustic is not None and ours.acoustic.output.weight.grad is not None
    assert all(each.grad is None for each in ours.backbone.parameters())


# --- views under other options ---------------------------------------------------------------------------------------

@torch.no_grad()
def test_a_view_under_other_options_shares_the_parameters_and_leaves_the_model(tiny: Built) -> None:
    ours = model(tiny, gate=True, acoustic_weight=0.5)
    before = ours.encode_speech(ours.collate(SAID, STATES)).spoken
    view = ours.with_options(acoustic_weight=1.0, gate=False, pool_sentences=True)
    batch = view.collate(SAID, STATES)
    found = view.encode_speech(batch)
    assert view.gate is None and found.text is not None and found.acoustic is not None
    assert torch.allclose(found.spoken[:2], (found.text + found.acoustic)[:2])
    assert torch.equal(found.spoken[2], found.acoustic[2]), "nothing was transcribed"
    assert view.acoustic is ours.acoustic and view.prompts is ours.prompts
    assert ours.gate is not None and ours.options.acoustic_weight == 0.5
    assert torch.equal(ours.encode_speech(ours.collate(SAID, STATES)).spoken, before)
