"""BrewCLIP: its variants, the acoustic branch against PyTorch's own layer, fusion, precisions, the paper's sizes."""

from dataclasses import replace
from typing import Any

import numpy as np
import open_clip
import pytest
import torch
from open_clip.model import CLIP, CLIPTextCfg, CLIPVisionCfg
from torch import Tensor, nn

from core.asr.transcript import Transcript
from core.errors import ModelError
from core.models.acoustic import AcousticBranch, pad
from core.models.brewclip import BrewCLIP, SpokenBatch
from core.models.open_clip_models import Built
from core.models.variants import VARIANTS, BrewClipOptions

SMALL = BrewClipOptions(heads=4, feed_forward=32)
SPEECH_WIDTH = 20
SAID = Transcript("a brown dog runs", "en", (), -0.3, 0.01, 1.1)
TRANSCRIPTS = [SAID, replace(SAID, text="two children play football in the wet grass", avg_logprob=-0.9),
               replace(SAID, text="a cup " * 60, no_speech_probability=0.4)]


def build(embed: int, vision: CLIPVisionCfg, text: CLIPTextCfg) -> Built:
    clip = CLIP(embed, vision, text).eval().requires_grad_(False)
    return Built(clip, open_clip.SimpleTokenizer(), 77, embed, vision.image_size, (0.5, 0.4, 0.3), (0.3, 0.2, 0.25),
                 channels_last=False)


@pytest.fixture(scope="module")
def tiny() -> Built:
    """All widths differ: text 48, vision 64, joint space 32."""
    torch.manual_seed(0)
    return build(32, CLIPVisionCfg(image_size=32, layers=2, width=64, head_width=32, patch_size=16),
                 CLIPTextCfg(width=48, heads=2, layers=2))


def model(built: Built, variant: str = "full", **options: Any) -> BrewCLIP:
    torch.manual_seed(1)
    return BrewCLIP(built, variant, replace(SMALL, **options), SPEECH_WIDTH).eval()


def states(*lengths: int) -> list[tuple[np.ndarray, ...]]:
    random = np.random.default_rng(5)
    return [(random.normal(size=(length, SPEECH_WIDTH)).astype(np.float16),) for length in lengths]


def pixels(count: int) -> np.ndarray:
    return np.random.default_rng(2).integers(0, 256, (count, 32, 32, 3), np.uint8)


def batch(ours: BrewCLIP) -> SpokenBatch:
    return ours.collate(TRANSCRIPTS, states(40, 7, 90))


# --- the acoustic branch -------------------------------------------------------------------------------------------

def branch(**options: Any) -> AcousticBranch:
    torch.manual_seed(3)
    ours = AcousticBranch(SPEECH_WIDTH, 48, 32, replace(SMALL, **options))
    for name, each in ours.named_parameters():  # PyTorch starts the biases at zero, which would hide a lost one
        if "bias" in name:
            nn.init.normal_(each, std=0.3)
    return ours


def stock(ours: AcousticBranch, padded: Tensor, lengths: Tensor, prompts: Tensor) -> Tensor:
    """Section 3.3 as it stands: the whole layer over [CLS, P_T, Linear(Z_A)], every frame of it, then CLS' output."""
    projected = ours.project(padded.float())
    own = torch.cat([ours.cls[None], prompts]).expand(len(projected), -1, -1)
    absent = torch.arange(padded.shape[1]) >= lengths[:, None]
    absent = torch.cat([torch.zeros(len(padded), own.shape[1], dtype=torch.bool), absent], dim=1)
    return ours.output(ours.layer(torch.cat([own, projected], dim=1), src_key_padding_mask=absent)[:, 0])


@pytest.mark.parametrize("count", [0, 4])
def test_the_acoustic_branch_is_pytorchs_layer_and_so_are_its_gradients(count: int) -> None:
    ours, prompts = branch(dropout=0.0), nn.Parameter(torch.randn(count, 48))
    padded, lengths = pad(states(40, 7, 90))
    weights = torch.randn(3, 32)
    results = []
    for compute in (ours, lambda *arguments: stock(ours, *arguments)):
        ours.zero_grad()
        prompts.grad = None
        features = compute(padded, lengths, prompts)
        (features * weights).sum().backward()
        results.append((features.detach(), [prompts.grad, *(each.grad for each in ours.parameters())]))
    (features, gradients), (wanted, wanted_gradients) = results
    assert torch.allclose(features, wanted, atol=1e-5)
    assert features.std() > 0.1
    for name, gradient, other in zip(["prompts", *dict(ours.named_parameters())], gradients, wanted_gradients,
                                     strict=True):
        assert gradient is not None and other is not None, name
        assert torch.allclose(gradient, other, atol=2e-4, rtol=1e-3), name


@pytest.mark.slow
def test_dropout_is_on_in_training_alone_and_without_bias() -> None:
    ours = branch(dropout=0.4)
    own, (padded, lengths) = torch.randn(5, 48), pad(states(40, 7, 90))
    with torch.no_grad():
        ours.eval()
        exact = ours._attend(own, padded.float(), lengths)
        assert torch.equal(exact, ours._attend(own, padded.float(), lengths))
        ours.train()
        draws = torch.stack([ours._attend(own, padded.float(), lengths) for _ in range(600)])
    assert draws.std(dim=0).min() > 0.001
    assert ((draws.mean(dim=0) - exact).abs() < 5 * draws.std(dim=0) / 600 ** 0.5 + 1e-4).all()


def test_padding_and_neighbours_change_nothing() -> None:
    ours, prompts = branch().eval(), torch.randn(4, 48)
    sounds = states(40, 7, 90)
    padded, lengths = pad(sounds)
    together = ours(padded, lengths, prompts)
    for sound, wanted in zip(sounds, together, strict=True):
        assert torch.allclose(ours(*pad([sound]), prompts)[0], wanted, atol=1e-5)
    padded[1, 7:] = 99
    assert torch.equal(ours(padded, lengths, prompts), together)


def test_all_windows_of_a_long_utterance_are_heard() -> None:
    ours, prompts = branch().eval(), torch.randn(4, 48)
    whole, = states(120)[0]
    windows = (whole[:50], whole[50:80], whole[80:])
    assert torch.equal(ours(*pad([windows]), prompts), ours(*pad([(whole,)]), prompts))
    assert not torch.allclose(ours(*pad([windows]), prompts), ours(*pad([windows[:1]]), prompts), atol=1e-3)


def test_an_utterance_without_states_is_refused() -> None:
    with pytest.raises(ValueError, match="without encoder states"):
        pad([(np.zeros((0, 20), np.float16),)])


# --- variants ------------------------------------------------------------------------------------------------------

TEXT_SIDE = {"prompts", "to_image.weight", "to_image.bias", "log_scale"}


def test_each_variant_trains_its_own_parts_and_no_backbone(tiny: Built) -> None:
    names = {each.name: set(model(tiny, each.name).trained()) for each in VARIANTS}
    assert names["zero-shot"] == set()
    assert names["prompted"] == TEXT_SIDE
    assert names["e2e"] == names["full"]
    assert names["full"] > TEXT_SIDE
    assert {name.split(".")[0] for name in names["full"] - TEXT_SIDE} == {"acoustic"}
    assert set(model(tiny, learn_temperature=False).trained()) == names["full"] - {"log_scale"}
    assert set(model(tiny, gate=True).trained()) == names["full"] | {"gate.weigh.weight", "gate.weigh.bias"}


def test_every_trained_parameter_gets_a_gradient_and_nothing_else(tiny: Built) -> None:
    for name in ("prompted", "e2e", "full"):
        ours = model(tiny, name, gate=True, dropout=0.0).train()
        losses = ours.loss(ours(ours.image_stem(pixels(3)), batch(ours)), torch.tensor([1, 2, 3]))
        losses.total.backward()
        for parameter, each in ours.named_parameters():
            assert (each.grad is not None) == (parameter in ours.trained()), (name, parameter)
        assert float(ours.prompts.grad.abs().sum()) > 0  # type: ignore[union-attr]
        assert (losses.inner.item() > 0) == (name == "full")


def test_the_backbone_never_trains(tiny: Built) -> None:
    ours = model(tiny).train()
    assert ours.training and ours.acoustic is not None and ours.acoustic.training
    assert not any(each.training for each in ours.backbone.modules())
    assert not any(each.requires_grad for each in ours.backbone.parameters())


def test_variants_are_what_they_say(tiny: Built) -> None:
    with torch.no_grad():
        found = {each.name: (ours := model(tiny, each.name), ours.encode_speech(batch(ours))) for each in VARIANTS}
        full, speech = found["full"]
        assert speech.text is not None and speech.acoustic is not None
        plain_sum = speech.text + speech.acoustic  # not normalised before
        assert torch.allclose(speech.spoken, plain_sum, rtol=1e-5, atol=1e-6)
        assert torch.equal(found["prompted"][1].spoken, speech.text)
        assert torch.equal(found["e2e"][1].spoken, speech.acoustic)
        assert found["e2e"][1].text is None and found["prompted"][1].acoustic is None
        plain = found["zero-shot"][0]
        tokens = tiny.tokenizer([each.text for each in TRANSCRIPTS])
        assert torch.allclose(found["zero-shot"][1].spoken, tiny.model.encode_text(tokens), rtol=1e-5, atol=1e-5)
        stem = plain.image_stem(pixels(2))
        assert torch.equal(model(tiny, "full", prompts=0).encode_stem(stem), plain.encode_stem(stem))
        assert not torch.allclose(full.encode_stem(stem), plain.encode_stem(stem), atol=1e-3)


def test_typed_words_need_no_voice(tiny: Built) -> None:
    texts = [each.text for each in TRANSCRIPTS]
    with torch.no_grad():
        full, e2e = model(tiny), model(tiny, "e2e")
        tokens, cut = full.tokens(texts)
        assert tokens.shape[1] == 73
        assert cut.tolist() == pytest.approx([0, 0, (120 + 2 + 4 - 77) / 122])
        assert torch.equal(full.encode_tokens(tokens), full.encode_speech(batch(full)).text)
        own = tiny.model.encode_text(tiny.tokenizer(texts))
        assert torch.allclose(e2e.encode_tokens(e2e.tokens(texts)[0]), own, rtol=1e-5, atol=1e-5)


def test_who_hears_needs_states(tiny: Built) -> None:
    with pytest.raises(ValueError, match="needs the encoder's states"):
        model(tiny).collate(TRANSCRIPTS)
    assert model(tiny, "prompted").collate(TRANSCRIPTS, states(1, 2, 3)).states is None


# --- fusion --------------------------------------------------------------------------------------------------------

def test_where_no_words_were_heard_the_voice_stands_alone(tiny: Built) -> None:
    ours = model(tiny, gate=True)
    silent = replace(SAID, text="", reason="No speech.", no_speech_probability=0.9)
    with torch.no_grad():
        speech = ours.encode_speech(ours.collate([SAID, silent], states(30, 30)))
    assert speech.acoustic is not None
    assert speech.has_text.tolist() == [True, False]
    assert torch.equal(speech.spoken[1], speech.acoustic[1])
    assert not torch.allclose(speech.spoken[0], speech.acoustic[0])


def test_the_gate_begins_as_plain_addition_and_learns_from_confidence(tiny: Built) -> None:
    ours, plain = model(tiny, gate=True), model(tiny)
    assert ours.gate is not None
    spoken = batch(ours)
    with torch.no_grad():
        assert torch.allclose(ours.encode_speech(spoken).spoken, plain.encode_speech(spoken).spoken, atol=1e-6)
        for place, sign in enumerate((-1, 1, 1)):  # less likely, less speech, more cut: listen to the voice
            ours.gate.weigh.weight[0, place] = 50 * sign
        spoken.signals[:] = torch.tensor([[0.0, 0, 0], [-2, 0, 0], [0, 1, 1]])
        speech = ours.encode_speech(spoken)
        assert speech.text is not None and speech.acoustic is not None
        assert torch.allclose(speech.spoken[0], speech.text[0] + speech.acoustic[0], atol=1e-6)
        assert torch.allclose(speech.spoken[1:], 2 * speech.acoustic[1:], atol=1e-6)
        ours.gate.weigh.weight[0] = torch.tensor([0.0, 0, 0, 9])
        share = ours.gate(speech.text, speech.acoustic, spoken.signals)[:, 0]
        assert torch.allclose(share, torch.sigmoid(9 * torch.cosine_similarity(speech.text, speech.acoustic)))


def test_a_fusion_weight_weighs_the_voice(tiny: Built) -> None:
    with torch.no_grad():
        ours = model(tiny, acoustic_weight=0.25)
        speech = ours.encode_speech(batch(ours))
        assert speech.text is not None and speech.acoustic is not None
        assert torch.equal(speech.spoken, speech.text + 0.25 * speech.acoustic)
        assert torch.equal(model(tiny, acoustic_weight=0).encode_speech(batch(ours)).spoken, speech.text)


# --- precision and batches -----------------------------------------------------------------------------------------

@pytest.mark.parametrize("precision", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("training", [True, False])
def test_half_precision_gives_nearly_the_same(tiny: Built, precision: torch.dtype, training: bool) -> None:
    ours = model(tiny, gate=True, dropout=0.0)
    stem, spoken, ids = ours.image_stem(pixels(3)), batch(ours), torch.tensor([1, 2, 3])
    gradients = []
    for enabled in (False, True):
        ours.zero_grad()
        with torch.set_grad_enabled(training), torch.autocast("cpu", precision, enabled=enabled):
            features = ours(stem, spoken)
            losses = ours.loss(features, ids)
        vectors = (features.image, features.speech.spoken, features.speech.text, features.speech.acoustic)
        assert all(each.dtype == torch.float32 and torch.isfinite(each).all() for each in vectors)
        if training:
            losses.total.backward()
            assert all(torch.isfinite(each.grad).all() for each in ours.trained().values())  # type: ignore[arg-type]
        gradients.append((vectors, None if ours.prompts.grad is None else ours.prompts.grad.clone()))
    (exact, gradient), (rounded, other) = gradients
    for left, right in zip(exact, rounded, strict=True):
        assert torch.cosine_similarity(left, right).min() > 0.999
        assert not torch.equal(left, right)
    if training:
        assert torch.cosine_similarity(gradient.flatten(), other.flatten(), dim=0) > 0.98


def test_a_pair_has_the_same_vectors_in_every_batch(tiny: Built) -> None:
    ours = model(tiny)
    with torch.no_grad():
        together = ours(ours.image_stem(pixels(3)), batch(ours))
        alone = ours(ours.image_stem(pixels(3)[1:2]), ours.collate(TRANSCRIPTS[1:2], states(40, 7, 90)[1:2]))
    assert torch.allclose(alone.image, together.image[1:2], atol=1e-5)
    assert torch.allclose(alone.speech.spoken, together.speech.spoken[1:2], atol=1e-5)


def test_the_same_seed_begins_with_the_same_numbers(tiny: Built) -> None:
    first, second = model(tiny).trained(), model(tiny).trained()
    assert all(torch.equal(first[name], second[name]) for name in first)
    prompts = model(tiny, prompts=32).prompts
    assert prompts.std().item() == pytest.approx(0.02, rel=0.1)


def test_the_temperature_is_learnt_within_bounds(tiny: Built) -> None:
    ours = model(tiny)
    assert ours.scale.item() == pytest.approx(1 / 0.07)
    ours.log_scale.data.fill_(20)
    assert ours.scale.item() == pytest.approx(100)


# --- the paper's size ----------------------------------------------------------------------------------------------

@pytest.fixture
def paper_sized() -> BrewCLIP:
    """Whisper base over CLIP ViT-L/14, without memory."""
    with torch.device("meta"):
        built = build(768, CLIPVisionCfg(image_size=224, layers=24, width=1024, patch_size=14),
                      CLIPTextCfg(width=768, heads=12, layers=12))
        return BrewCLIP(built, "full").eval()


def test_the_papers_parameter_counts(paper_sized: BrewCLIP) -> None:
    counts: dict[str, int] = {}
    for name, each in paper_sized.trained().items():
        part = ".".join(name.split(".")[:2])
        counts[part] = counts.get(part, 0) + each.numel()
    assert counts == {
        "prompts": 4 * 768, "to_image.weight": 1024 * 768, "to_image.bias": 1024, "log_scale": 1,
        "acoustic.cls": 768, "acoustic.project": 512 * 768 + 768, "acoustic.output": 768 * 768 + 768,
        "acoustic.layer": 4 * (768 * 768 + 768) + 768 * 4096 + 4096 + 4096 * 768 + 768 + 2 * 2 * 768,
    }
    assert sum(counts.values()) == 10_437_633
    assert sum(each.numel() for each in paper_sized.backbone.parameters()) == 427_616_513  # "427M"


@pytest.mark.slow
def test_the_papers_shapes(paper_sized: BrewCLIP) -> None:
    stem = paper_sized.image_stem(np.zeros((2, 224, 224, 3), np.uint8))
    assert stem.shape == (2, 257, 1024)
    silence = (np.zeros((1500, 512), np.float16),)
    spoken = paper_sized.collate(TRANSCRIPTS[:2], [silence, (*silence, *silence)])
    assert spoken.states is not None and spoken.states.shape == (2, 3000, 512)
    features = paper_sized(stem, spoken.to("meta"))
    assert features.image.shape == features.speech.spoken.shape == (2, 768)
    layer = paper_sized.acoustic.layer  # type: ignore[union-attr]
    assert (layer.self_attn.num_heads, layer.dropout.p, layer.norm_first) == (8, 0.1, False)


def test_the_options_defaults_are_the_papers() -> None:
    options = BrewClipOptions()
    assert (options.prompts, options.prompt_std, options.heads, options.feed_forward, options.dropout) == (
        4, 0.02, 8, 4096, 0.1)
    assert (options.temperature, options.learn_temperature, options.inner_weight) == (0.07, True, 0.1)
    assert (options.gate, options.acoustic_weight) == (False, 1.0)


def test_options_come_back_from_json_and_wrong_ones_are_refused(tiny: Built) -> None:
    options = BrewClipOptions(prompts=8, gate=True)
    assert BrewClipOptions.from_json(options.to_json()) == options
    assert BrewClipOptions.from_json({}) == BrewClipOptions()
    kinds = {"options": [{"prompts": -1}, {"prompts": 2.5}, {"dropout": 1.0}, {"gate": 1}, {"temperature": "0.07"},
                         {"inner_weight": float("nan")}], "newer": [{"telepathy": True}]}
    for kind, wrong in kinds.items():
        for each in wrong:
            with pytest.raises(ModelError) as caught:
                BrewClipOptions.from_json(each)
            assert caught.value.kind == kind, each
    for arguments, kind in ((("full", replace(SMALL, heads=5)), "options"), (("half", SMALL), "unknown")):
        with pytest.raises(ModelError) as caught:
            BrewCLIP(tiny, *arguments)
        assert caught.value.kind == kind
