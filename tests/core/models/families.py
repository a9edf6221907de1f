"""Image-text models of open_clip's families: shrunk, with random weights and the smallest real tokenizers, in folders.

A folder has open_clip's own layout: `open_clip_config.json`, `open_clip_model.safetensors`, tokenizer files. Each text
tower is small; image towers are the smallest of their kind in timm.
"""

import json
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import open_clip
import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer, models, pre_tokenizers, trainers

CORPUS = ["a brown dog runs through the snow", "zwei kinder spielen am strand", "un chien brun court dans la neige",
          "собака бежит по снегу", "一只棕色的狗在雪地里奔跑", "a cup of coffee on a table",
          "two people on a beach, 3 cats! dogs, surfers and a child in red"] * 4
SIGLIP = {"mean": [0.5] * 3, "std": [0.5] * 3, "interpolation": "bicubic", "resize_mode": "squash"}
BILINEAR = {"interpolation": "bilinear"}
SMALL_TEXT = {"width": 64, "heads": 2, "layers": 2}
SMALL_VIT = {"image_size": 64, "layers": 2, "width": 64, "head_width": 32, "patch_size": 16}
SIGLIP_TEXT = {**SMALL_TEXT, "context_length": 64, "vocab_size": 300, "no_causal_mask": True, "proj_bias": True,
               "pool_type": "last", "norm_kwargs": {"eps": 1e-6}, "tokenizer_kwargs": {"clean": "canonicalize"}}


def unigram(special: list[str]) -> list[tuple[str, float]]:
    """Vocabulary of a sentencepiece unigram model with these first, from `CORPUS`."""
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.train_from_iterator(CORPUS, trainers.UnigramTrainer(
        vocab_size=250, special_tokens=special, unk_token="<unk>", show_progress=False))
    return [(piece, score) for piece, score in json.loads(tokenizer.to_str())["model"]["vocab"]]


def byte_pairs(special: list[str]) -> tuple[dict[str, int], list[tuple[str, str]]]:
    """Vocabulary and merges of a byte-pair encoding with these first, from `CORPUS`."""
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.train_from_iterator(CORPUS, trainers.BpeTrainer(vocab_size=280, special_tokens=special,
                                                              show_progress=False))
    model = json.loads(tokenizer.to_str())["model"]
    return model["vocab"], [tuple(pair) for pair in model["merges"]]


def t5(folder: Path) -> None:
    """SigLIP's and mT5's."""
    from transformers import T5Tokenizer

    T5Tokenizer(vocab=unigram(["<pad>", "</s>", "<unk>"]), extra_ids=0).save_pretrained(folder)


def gemma(folder: Path) -> None:
    """SigLIP 2's."""
    from transformers import GemmaTokenizer

    vocabulary, merges = byte_pairs(["<pad>", "<eos>", "<bos>", "<unk>", "<mask>"])
    GemmaTokenizer(vocab=vocabulary, merges=merges, padding_side="right", add_bos_token=False,
                   add_eos_token=True).save_pretrained(folder)


def xlm_roberta(folder: Path) -> None:
    """XLM-R's and XLM-V's."""
    from transformers import XLMRobertaTokenizer

    XLMRobertaTokenizer(vocab=unigram(["<s>", "<pad>", "</s>", "<unk>"])).save_pretrained(folder)


def nllb(folder: Path) -> None:
    """NLLB's."""
    from transformers import NllbTokenizer

    vocabulary, merges = byte_pairs(["<s>", "<pad>", "</s>", "<unk>"])
    NllbTokenizer(vocab=vocabulary, merges=merges, src_lang="eng_Latn").save_pretrained(folder)


def bert(folder: Path) -> None:
    """CLIPA's."""
    from transformers import BertTokenizer

    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.train_from_iterator(CORPUS, trainers.WordPieceTrainer(
        vocab_size=250, special_tokens=["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"], show_progress=False))
    BertTokenizer(vocab=tokenizer.get_vocab()).save_pretrained(folder)


def xlm_tower(folder: Path) -> None:
    """Configuration of a small XLM-R, as its repository has it."""
    from transformers import XLMRobertaConfig

    XLMRobertaConfig(vocab_size=300, hidden_size=64, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64,
                     max_position_embeddings=90, type_vocab_size=1).save_pretrained(folder)


def nllb_tower(folder: Path) -> None:
    """Configuration of a small NLLB, which is of the kind M2M-100."""
    from transformers import M2M100Config

    M2M100Config(vocab_size=600, d_model=64, encoder_layers=2, decoder_layers=1, encoder_attention_heads=2,
                 decoder_attention_heads=2, encoder_ffn_dim=64, decoder_ffn_dim=64,
                 max_position_embeddings=128).save_pretrained(folder)


def mt5_tower(folder: Path) -> None:
    """Configuration of a small mT5."""
    from transformers import MT5Config

    MT5Config(vocab_size=300, d_model=64, d_kv=32, d_ff=64, num_layers=2, num_heads=2).save_pretrained(folder)


@dataclass(frozen=True)
class Family:
    """A family's model: open_clip's configuration, its preprocessing, and what writes its tokenizer and text tower."""

    model: Mapping[str, Any]
    preprocessing: Mapping[str, Any] = field(default_factory=dict)
    writers: tuple[Callable[[Path], None], ...] = ()
    crop: str = "centre"


def _timm(name: str, size: int, **keywords: Any) -> dict[str, Any]:
    return {"timm_model_name": name, "timm_model_pretrained": False, "timm_pool": "", "timm_proj": "none",
            "image_size": size, **keywords}


def _clip_text(context: int, **keywords: Any) -> dict[str, Any]:
    return {**SMALL_TEXT, "context_length": context, "vocab_size": 49408, **keywords}


def _hub_text(name: str, pooler: str, **keywords: Any) -> dict[str, Any]:
    return {"hf_model_name": name, "hf_tokenizer_name": name, "hf_pooler_type": pooler, **keywords}


SIGLIP_IMAGE = _timm("vit_base_patch16_siglip_224", 224, timm_pool="map")
SIGMOID = {"init_logit_bias": -10, "custom_text": True}
FAMILIES: dict[str, Family] = {
    "SigLIP": Family({"embed_dim": 768, **SIGMOID, "vision_cfg": SIGLIP_IMAGE, "text_cfg": {
        **SIGLIP_TEXT, "hf_tokenizer_name": "timm/ViT-B-16-SigLIP", "context_length": 16}}, SIGLIP, (t5,), "squash"),
    "SigLIP 2": Family({"embed_dim": 768, **SIGMOID, "vision_cfg": SIGLIP_IMAGE, "text_cfg": {
        **SIGLIP_TEXT, "hf_tokenizer_name": "timm/ViT-B-16-SigLIP2", "act_kwargs": {"approximate": "tanh"}}},
        SIGLIP, (gemma,), "squash"),
    "PE-Core": Family({"embed_dim": 512, "custom_text": True, "vision_cfg": _timm(
        "vit_pe_core_tiny_patch16_384", 384, timm_pool="map", timm_proj=None),
                       "text_cfg": _clip_text(32)},
                      {**SIGLIP, **BILINEAR}, (), "squash-bilinear"),
    "MobileCLIP 2": Family({"embed_dim": 512, "custom_text": True,
                            "vision_cfg": _timm("fastvit_mci0", 256, timm_pool="avg", timm_proj=None),
                            "text_cfg": _clip_text(77, no_causal_mask=True)},
                           {"mean": [0.0] * 3, "std": [1.0] * 3, **BILINEAR}, (), "centre-bilinear"),
    "EVA02": Family({"embed_dim": 32, "custom_text": True, "text_cfg": _clip_text(77),
                     "vision_cfg": _timm("eva02_tiny_patch14_224", 224, timm_pool="token", timm_proj=None)}),
    "CoCa": Family({"embed_dim": 32, "custom_text": True, "multimodal_cfg": {
        "context_length": 76, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 1, "attn_pooler_heads": 2},
        "vision_cfg": {**SMALL_VIT, "attentional_pool": True, "attn_pooler_heads": 2, "output_tokens": True},
        "text_cfg": _clip_text(76, embed_cls=True, output_tokens=True)}),
    "NLLB": Family({"embed_dim": 32, **SIGMOID, "vision_cfg": SMALL_VIT, "text_cfg": _hub_text(
        "facebook/nllb-200-distilled-600M", "cls_pooler", hf_proj_type="linear")}, SIGLIP, (nllb, nllb_tower),
        "squash"),
    "XLM-R": Family({"embed_dim": 32, "vision_cfg": SMALL_VIT, "text_cfg": _hub_text(
        "xlm-roberta-base", "mean_pooler", hf_proj_type="mlp")}, {}, (xlm_roberta, xlm_tower)),
    "mT5": Family({"embed_dim": 32, "vision_cfg": SMALL_VIT, "text_cfg": _hub_text(
        "google/mt5-base", "mean_pooler", hf_proj_type="linear")}, {}, (t5, mt5_tower)),
    "CLIPA": Family({"embed_dim": 32, "vision_cfg": {**SMALL_VIT, "pool_type": "avg", "no_ln_pre": True}, "text_cfg": {
        **SMALL_TEXT, "context_length": 32, "vocab_size": 300, "hf_tokenizer_name": "bert-base-uncased",
        "tokenizer_kwargs": {"strip_sep_token": True}, "pool_type": "last", "no_causal_mask": True}},
        {"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225], "resize_mode": "squash", **BILINEAR}, (bert,),
        "squash-bilinear"),
    "MetaCLIP 2": Family({"embed_dim": 32, "vision_cfg": SMALL_VIT, "text_cfg": {
        **SMALL_TEXT, "context_length": 77, "vocab_size": 300, "hf_tokenizer_name": "facebook/xlm-v-base",
        "pool_type": "eos", "eos_id": 2}}, {"resize_mode": "longest"}, (xlm_roberta,), "longest"),
}


def fill(model: torch.nn.Module) -> None:
    """Small numbers in all parameters, no two tensors alike; norms stay near 1."""
    block = torch.randn(1 << 20, generator=torch.Generator().manual_seed(1)) * 0.05
    for name, value in model.named_parameters():
        shift = zlib.crc32(name.encode()) % (1 << 19)
        for part in value.data.view(-1).split(1 << 19):
            part.copy_(block[shift:shift + part.numel()])
        if "norm" in name.lower() or "ln_" in name:
            value.data += 1.0 if name.endswith("weight") else 0.0
    if model.logit_bias is not None:
        model.logit_bias.data.fill_(-16.0)
    model.logit_scale.data.fill_(float(np.log(100)))


def write(family: Family, folder: Path) -> Path:
    """Write a family's folder; returns it."""
    folder.mkdir(parents=True, exist_ok=True)
    for writer in family.writers:
        writer(folder)
    record = {"model_cfg": family.model, "preprocess_cfg": family.preprocessing}
    (folder / "open_clip_config.json").write_text(json.dumps(record))
    model = theirs(folder, weights=False)
    fill(model)
    save_file({name: value.contiguous() for name, value in model.state_dict().items()},
              folder / "open_clip_model.safetensors")
    return folder


def theirs(folder: Path, weights: bool = True) -> Any:
    """open_clip's own model of a folder, in eval mode."""
    record = json.loads((folder / "open_clip_config.json").read_text())
    changed = {}
    if record["model_cfg"]["text_cfg"].get("hf_model_name"):
        changed["text_cfg"] = {**record["model_cfg"]["text_cfg"], "hf_model_name": str(folder),
                               "hf_model_pretrained": False}
    return open_clip.create_model(f"local-dir:{folder}", load_weights=weights, pretrained_text=False, **changed).eval()
