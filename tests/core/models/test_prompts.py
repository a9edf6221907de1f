"""Prompted towers: open_clip's own bits without prompts, the paper's equations in slow arithmetic with them."""

import math
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import open_clip
import pytest
import torch
from open_clip.model import CLIP, CLIPTextCfg, CLIPVisionCfg
from torch import Tensor, nn

from core.errors import ModelError
from core.models import open_clip_models, prompts
from core.models.open_clip_models import Built, build, prepare

pytestmark = pytest.mark.slow

MINI = Path(open_clip_models.__file__).parents[2] / "resources" / "models" / "brewclip-mini" / "model.safetensors"
CONTEXT = 77
TEXTS = ["a brown dog runs through the snow", "", "Zwölf Boxkämpfer!", "a cup of coffee " * 40]


def fill(model: Any) -> Any:
    """Small numbers from one random block, no two tensors alike: open_clip's own filling of ViT-L-14 takes 10 s."""
    block = torch.randn(1 << 20, generator=torch.Generator().manual_seed(1)) * 0.03
    for name, value in model.named_parameters():
        shift = zlib.crc32(name.encode()) % (1 << 19)
        for part in value.data.view(-1).split(1 << 19):
            part.copy_(block[shift:shift + part.numel()])
        if "ln_" in name and name.endswith("weight"):
            value.data += 1
    return model.eval().requires_grad_(False)


def tiny_built() -> Built:
    """All widths differ: text 48, vision 64, joint space 32."""
    torch.manual_seed(0)
    clip = CLIP(32, CLIPVisionCfg(image_size=32, layers=2, width=64, head_width=32, patch_size=16),
                CLIPTextCfg(width=48, heads=2, layers=2))
    return Built(clip.eval().requires_grad_(False), open_clip.SimpleTokenizer(), CONTEXT, 32, 32, (0.5, 0.4, 0.3),
                 (0.3, 0.2, 0.25), channels_last=False)


@pytest.fixture(scope="module")
def tiny() -> Built:
    return tiny_built()


@pytest.fixture(scope="module")
def mini() -> Built:
    return build("brewclip-mini", MINI)


def no_prompts(width: int) -> Tensor:
    return torch.empty(0, width)


def widths(clip: Any) -> tuple[int, int]:
    return clip.token_embedding.embedding_dim, clip.visual.class_embedding.shape[0]


def some_pixels(built: Built, count: int = 3) -> np.ndarray:
    side = built.image_size
    return np.random.default_rng(2).integers(0, 256, (count, side, side, 3), np.uint8)


# --- without prompts: open_clip's own -----------------------------------------------------------------------------

def both_ways(built: Built, texts: list[str]) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    clip, (text_width, vision_width) = built.model, widths(built.model)
    tokens, values = built.tokenizer(texts), prepare(built, some_pixels(built, 1))
    with torch.inference_mode():
        return (prompts.encode_text(clip, tokens, no_prompts(text_width)), clip.encode_text(tokens),
                prompts.encode_stem(clip, prompts.image_stem(clip, values), no_prompts(vision_width)),
                clip.encode_image(values))


def large() -> Built:
    with open_clip_models._Unfilled():
        clip = open_clip.create_model("ViT-L-14", force_quick_gelu=True)
    return Built(fill(clip), open_clip.SimpleTokenizer(), CONTEXT, 768, 224, open_clip.OPENAI_DATASET_MEAN,
                 open_clip.OPENAI_DATASET_STD, channels_last=False)


@pytest.mark.parametrize(("make", "texts"), [(tiny_built, TEXTS), (lambda: build("brewclip-mini", MINI), TEXTS),
                                             (large, TEXTS[:1])], ids=["tiny", "mini", "ViT-L-14"])
def test_without_prompts_the_vectors_are_open_clips_within_rounding(make: Any, texts: list[str]) -> None:
    text, own_text, image, own_image = both_ways(make(), texts)
    for ours, theirs in ((text, own_text), (image, own_image)):
        assert (ours - theirs).norm(dim=1).max() <= 1e-5 * theirs.norm(dim=1).min()
        assert torch.cosine_similarity(ours.double(), theirs.double()).min() >= 1 - 1e-6
    assert text.std() > 0 and image.std() > 0


def test_prepared_pixels_are_torchvisions(tiny: Built) -> None:
    pixels = some_pixels(tiny)
    wanted = torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 255
    mean, std = (torch.tensor(each).view(-1, 1, 1) for each in (tiny.mean, tiny.std))
    assert torch.allclose(prepare(tiny, pixels), (wanted - mean) / std, rtol=1e-5, atol=1e-6)


# --- with prompts: the equations, in loops -------------------------------------------------------------------------

def norm(x: Tensor, layer: Any) -> Tensor:
    rows = [(row - row.mean()) / torch.sqrt(((row - row.mean()) ** 2).mean() + layer.eps) for row in x]
    return torch.stack(rows) * layer.weight + layer.bias


def attention(x: Tensor, layer: nn.MultiheadAttention, causal: bool) -> Tensor:
    """x (tokens, width); one head and one token after the other."""
    length, width = x.shape
    size = width // layer.num_heads
    queries, keys, values = (x @ weight.T + bias for weight, bias in
                             zip(layer.in_proj_weight.chunk(3), layer.in_proj_bias.chunk(3), strict=True))
    out = torch.zeros(length, width)
    for head in range(layer.num_heads):
        part = slice(head * size, (head + 1) * size)
        for place in range(length):
            seen = place + 1 if causal else length
            scores = torch.tensor([float(queries[place, part] @ keys[other, part]) / math.sqrt(size)
                                   for other in range(seen)])
            shares = torch.exp(scores - scores.max())
            shares = shares / shares.sum()
            out[place, part] = sum(share * values[other, part] for other, share in enumerate(shares))
    return out @ layer.out_proj.weight.T + layer.out_proj.bias


def blocks(x: Tensor, transformer: Any, causal: bool) -> Tensor:
    for block in transformer.resblocks:
        x = x + attention(norm(x, block.ln_1), block.attn, causal)
        inner = norm(x, block.ln_2) @ block.mlp.c_fc.weight.T + block.mlp.c_fc.bias
        inner = inner * 0.5 * (1 + torch.erf(inner / math.sqrt(2)))  # GELU
        x = x + inner @ block.mlp.c_proj.weight.T + block.mlp.c_proj.bias
    return x


def slow_text(built: Built, text: str, learnt: Tensor) -> Tensor:
    """F_T = text tower([SOS, P_T, words, EOT]), the words cut so that all fit in 77."""
    clip, tokenizer = built.model, built.tokenizer
    words = tokenizer.encode(text)[:built.context - 2 - len(learnt)]
    table = clip.token_embedding.weight
    x = torch.stack([table[tokenizer.sot_token_id], *learnt, *(table[word] for word in words),
                     table[tokenizer.eot_token_id]])
    x = blocks(x + clip.positional_embedding[:len(x)], clip.transformer, causal=True)
    return norm(x[-1:], clip.ln_final)[0] @ clip.text_projection


def slow_image(built: Built, values: Tensor, learnt: Tensor) -> Tensor:
    """F_V = image tower([class, patches, P_V]) of one picture (3, size, size), P_V after the positions."""
    visual, side = built.model.visual, 16
    filters = visual.conv1.weight
    patches = [filters.flatten(1) @ values[:, top:top + side, left:left + side].flatten()
               for top in range(0, values.shape[1], side) for left in range(0, values.shape[2], side)]
    x = torch.stack([visual.class_embedding, *patches]) + visual.positional_embedding
    x = blocks(norm(torch.cat([x, learnt]), visual.ln_pre), visual.transformer, causal=False)
    return norm(x[:1], visual.ln_post)[0] @ visual.proj


def test_the_prompted_text_tower_is_the_papers(tiny: Built) -> None:
    learnt = torch.randn(4, 48) * 0.5
    tokens = prompts.make_room(tiny.tokenizer(TEXTS), 4, CONTEXT)
    ours = prompts.encode_text(tiny.model, tokens, learnt)
    for text, vector in zip(TEXTS, ours, strict=True):
        assert torch.allclose(vector, slow_text(tiny, text, learnt), atol=2e-5), text
    assert not torch.allclose(ours, tiny.model.encode_text(tiny.tokenizer(TEXTS)), atol=1e-2)


def test_the_prompted_image_tower_is_the_papers(tiny: Built) -> None:
    learnt = torch.randn(4, 64) * 0.5
    values = prepare(tiny, some_pixels(tiny))
    ours = prompts.encode_stem(tiny.model, prompts.image_stem(tiny.model, values), learnt)
    for picture, vector in zip(values, ours, strict=True):
        assert torch.allclose(vector, slow_image(tiny, picture, learnt), atol=2e-5)
    assert not torch.allclose(ours, tiny.model.encode_image(values), atol=1e-2)


def test_a_convolutional_stem_takes_prompts_too(mini: Built) -> None:
    visual, learnt = mini.model.visual, torch.randn(4, 384) * 0.5
    values = prepare(mini, some_pixels(mini, 1))
    stem = prompts.image_stem(mini.model, values)
    assert stem.shape == (1, 50, 384)
    ours = prompts.encode_stem(mini.model, stem, learnt)
    with torch.no_grad():
        patches = visual.conv1(values)[0].flatten(1).T
    x = torch.cat([torch.cat([visual.class_embedding[None], patches]) + visual.positional_embedding, learnt])
    x = norm(blocks(norm(x, visual.ln_pre), visual.transformer, causal=False)[:1], visual.ln_post)
    assert torch.allclose(ours, x @ visual.proj, atol=1e-4)


def test_a_stem_from_a_float16_cache_is_nearly_the_same(mini: Built) -> None:
    learnt = torch.randn(4, 384) * 0.02
    stem = prompts.image_stem(mini.model, prepare(mini, some_pixels(mini)))
    exact, cached = (prompts.encode_stem(mini.model, each, learnt) for each in (stem, stem.half()))
    assert cached.dtype == torch.float32
    assert torch.cosine_similarity(exact, cached).min() > 0.9999


# --- room for the prompts ------------------------------------------------------------------------------------------

@pytest.mark.parametrize("words", [0, 1, 69, 70, 71, 72, 74, 75, 76, 90])
def test_words_are_cut_so_that_prompts_fit(tiny: Built, words: int) -> None:
    tokenizer, text = tiny.tokenizer, " ".join(["dog"] * words)
    room = prompts.make_room(tokenizer([text]), 4, CONTEXT)
    kept = min(words, CONTEXT - 2 - 4)
    dog = tokenizer.encode("dog")[0]
    wanted = [tokenizer.sot_token_id, *[dog] * kept, tokenizer.eot_token_id]
    assert room.shape == (1, CONTEXT - 4)
    assert room[0].tolist() == wanted + [0] * (CONTEXT - 4 - len(wanted))
    assert prompts.trimmed(room).tolist() == [wanted]


def test_room_is_made_without_being_asked(tiny: Built) -> None:
    learnt, tokens = torch.randn(4, 48), tiny.tokenizer(TEXTS)
    asked = prompts.encode_text(tiny.model, prompts.make_room(tokens, 4, CONTEXT), learnt)
    assert torch.allclose(prompts.encode_text(tiny.model, tokens, learnt), asked, rtol=1e-5, atol=1e-6)
    assert tokens[3, -1] == tiny.tokenizer.eot_token_id  # and the tokens that were given are as they were
    assert tokens[3, 72] != tiny.tokenizer.eot_token_id


def test_neither_padding_nor_neighbours_change_a_vector(tiny: Built) -> None:
    learnt = torch.randn(4, 48)
    tokens = prompts.make_room(tiny.tokenizer(TEXTS), 4, CONTEXT)
    together = prompts.encode_text(tiny.model, tokens, learnt)
    for row, vector in zip(tokens, together, strict=True):
        alone = prompts.encode_text(tiny.model, prompts.trimmed(row[None]), learnt)
        assert torch.allclose(alone[0], vector, atol=1e-5)
    visual = torch.randn(4, 64)
    stem = prompts.image_stem(tiny.model, prepare(tiny, some_pixels(tiny)))
    together = prompts.encode_stem(tiny.model, stem, visual)
    assert torch.allclose(prompts.encode_stem(tiny.model, stem[1:2], visual), together[1:2], atol=1e-5)


# --- gradients -----------------------------------------------------------------------------------------------------

def test_gradients_reach_the_prompts_and_nothing_else(tiny: Built) -> None:
    learnt, visual = nn.Parameter(torch.randn(4, 48) * 0.1), nn.Parameter(torch.randn(4, 64) * 0.1)
    stem = prompts.image_stem(tiny.model, prepare(tiny, some_pixels(tiny)))
    assert not stem.requires_grad
    image = prompts.encode_stem(tiny.model, stem, visual)
    text = prompts.encode_text(tiny.model, tiny.tokenizer(TEXTS), learnt)
    (image.sum() + text.sum()).backward()
    for each in (learnt, visual):
        assert each.grad is not None
        assert each.grad.abs().sum(dim=1).min() > 0  # every prompt has a say
    assert all(each.grad is None for each in tiny.model.parameters())


# --- backbones without a place for prompts -------------------------------------------------------------------------

def test_other_backbones_are_refused(tiny: Built) -> None:
    prompts.check(tiny.model)
    text = CLIPTextCfg(width=16, heads=2, layers=1)
    resnet = CLIP(16, CLIPVisionCfg(layers=(1, 1, 1, 1), width=8, image_size=32), text)
    pooled = CLIP(16, CLIPVisionCfg(layers=1, width=16, head_width=8, image_size=32, pool_type="avg"), text)
    custom = open_clip.CustomTextCLIP(16, CLIPVisionCfg(layers=1, width=16, head_width=8, image_size=32), text)
    for model in (resnet, pooled, custom):
        with pytest.raises(ModelError, match="no place for prompts") as caught:
            prompts.check(model)
        assert caught.value.kind == "unsupported"
