"""The two towers of an open_clip CLIP with prompts at their inputs. With no prompts they give open_clip's own bits.

Text: [SOS, P_T, words, EOT], cut to the context; the positional embeddings and the causal mask are those of the longer
sequence. Image: P_V follows the patches, after class token and positional embeddings, and passes `ln_pre` with them, as
in the authors' code. `ln_pre` looks at one token at a time, so the picture's own tokens never depend on the prompts:
`image_stem` computes all that comes before them (for brewclip-mini its whole convolutional trunk) and can be cached.

Functions on a frozen CLIP; only what is given as `prompts` receives gradients.
"""

from typing import Any

import torch
from open_clip.model import CLIP
from open_clip.transformer import VisionTransformer
from torch import Tensor, nn

from core.errors import ModelError
from core.localisation import _


def takes(model: Any) -> bool:
    """Whether both towers have a place for prompts: text read at EOT under a causal mask, image read at its class."""
    return (isinstance(model, CLIP) and model.text_pool_type == "argmax" and model.attn_mask is not None
            and isinstance(model.visual, VisionTransformer) and model.visual.attn_pool is None
            and model.visual.pool_type == "tok")


def check(model: Any) -> None:
    """ModelError ("unsupported") where prompts have no place (`takes`)."""
    if not takes(model):
        raise ModelError(_("This backbone has no place for prompts: it is no CLIP with vision transformer as OpenAI "
                           "built it. It searches and is evaluated zero-shot. To train, choose another, such as "
                           "ViT-L-14/openai."), "unsupported")


def check_export(model: Any) -> None:
    """ModelError ("unsupported") where the towers are not CLIP's own, which alone are exported to ONNX."""
    if not takes(model):
        raise ModelError(_("Only the towers of CLIP as OpenAI built it run in ONNX Runtime."), "unsupported")


def widths(model: Any) -> tuple[int, int]:
    """Widths of the text tower and the image tower's tokens; 0 where prompts have no place."""
    if not takes(model):
        return 0, 0
    return model.token_embedding.embedding_dim, model.visual.class_embedding.shape[0]


def make_room(tokens: Tensor, prompts: int, context: int) -> Tensor:
    """Tokens that leave room for prompts: (n, k) int64 -> (n, min(k, context - prompts)).

    Words are cut at the end; EOT, the largest token, stays the last. What follows EOT is padding (0).
    """
    words = tokens[:, :context - prompts].clone()
    end = tokens.amax(dim=1)
    words[:, -1] = torch.where(words.amax(dim=1) == end, words[:, -1], end)
    return words


def trimmed(tokens: Tensor) -> Tensor:
    """Tokens up to the batch's last EOT: (n, k) -> (n, longest). Under the causal mask nothing after EOT is seen."""
    return tokens[:, :int(tokens.argmax(dim=1).max()) + 1]


def encode_text(clip: Any, tokens: Tensor, prompts: Tensor) -> Tensor:
    """F_T of tokens (n, k) int64 with prompts P_T (m, text width), 0 of them for plain CLIP: (n, dim), not normalised.

    k + m may exceed the context (77): the words are cut then (`make_room`). Without a place for prompts m is 0, and
    the vectors are the backbone's own.
    """
    if not takes(clip):
        own_features: Tensor = clip.encode_text(tokens)
        return own_features
    context, count = clip.attn_mask.shape[0], len(prompts)
    if tokens.shape[1] + count > context:
        tokens = make_room(tokens, count, context)
    words = clip.token_embedding(tokens).to(clip.transformer.get_cast_dtype())
    own = prompts.to(words.dtype).expand(words.shape[0], -1, -1)
    x = torch.cat([words[:, :1], own, words[:, 1:]], dim=1)
    length = x.shape[1]
    x = x + clip.positional_embedding[:length].to(x.dtype)
    x = clip.ln_final(clip.transformer(x, attn_mask=clip.attn_mask[:length, :length]))
    ends = tokens.argmax(dim=1) + count
    x = x[torch.arange(x.shape[0], device=x.device), ends]
    projection = clip.text_projection
    features: Tensor = projection(x) if isinstance(projection, nn.Linear) else x @ projection
    return features


@torch.no_grad()
def image_stem(clip: Any, values: Tensor) -> Tensor:
    """The tokens of pictures before the prompts enter: (n, 3, size, size), prepared -> (n, 1 + patches, vision width).

    Class token first; positional embeddings and `ln_pre` are in. Without a place for prompts: the pictures themselves.
    """
    if not takes(clip):
        return values
    visual = clip.visual
    patches = visual.conv1(values).flatten(2).permute(0, 2, 1)
    first = visual.class_embedding.to(patches.dtype).expand(patches.shape[0], 1, -1)
    tokens: Tensor = visual.ln_pre(torch.cat([first, patches], dim=1) + visual.positional_embedding.to(patches.dtype))
    return tokens


def encode_stem(clip: Any, stem: Tensor, prompts: Tensor) -> Tensor:
    """F_V of `image_stem`'s tokens with prompts P_V (m, vision width), m may be 0: (n, dim), not normalised.

    The stem may come from a cache in float16: it is brought to the tower's precision.
    """
    if not takes(clip):
        own_features: Tensor = clip.encode_image(stem)
        return own_features
    visual = clip.visual
    x = stem.to(visual.proj.dtype)
    own = visual.ln_pre(prompts.to(x.dtype)).expand(x.shape[0], -1, -1)
    x = visual.transformer(torch.cat([x, own], dim=1))
    features: Tensor = visual.ln_post(x[:, 0]) @ visual.proj
    return features
