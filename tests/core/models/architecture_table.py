"""Table of open_clip's architectures, each built on PyTorch's meta device.

`python -m tests.core.models.architecture_table` writes `resources/models/architectures.json` and the table of
`docs/models.md` anew, for another version of open_clip. Text towers of the model hub are built from their published
dimensions.
"""

import json
import logging
import tempfile
import warnings
from pathlib import Path
from typing import Any

import open_clip
import torch

from core.models import prompts
from core.pretrained import architectures

ROOT = Path(__file__).parents[3]
TABLE = ROOT / "resources" / "models" / "architectures.json"
PAGE = ROOT / "docs" / "models.md"
BEGIN, END = "<!-- table: begin -->\n", "<!-- table: end -->\n"


def hub_configurations() -> dict[str, Any]:
    """Configurations of the text towers of the hub, by repository, with the dimensions that were published."""
    from transformers import M2M100Config, MT5Config, RobertaConfig, XLMRobertaConfig

    xlm = {"vocab_size": 250002, "max_position_embeddings": 514, "type_vocab_size": 1}
    return {
        "xlm-roberta-base": XLMRobertaConfig(**xlm),
        "xlm-roberta-large": XLMRobertaConfig(**xlm, hidden_size=1024, num_hidden_layers=24, num_attention_heads=16,
                                              intermediate_size=4096),
        "roberta-base": RobertaConfig(vocab_size=50265, max_position_embeddings=514, type_vocab_size=1),
        "google/mt5-base": MT5Config(d_model=768, d_ff=2048, num_heads=12, num_layers=12, vocab_size=250112),
        "google/mt5-xl": MT5Config(d_model=2048, d_ff=5120, num_heads=32, num_layers=24, vocab_size=250112),
        "facebook/nllb-200-distilled-600M": M2M100Config(d_model=1024, encoder_layers=12, decoder_layers=12,
                                                         vocab_size=256206),
        "facebook/nllb-200-distilled-1.3B": M2M100Config(d_model=1024, encoder_layers=24, decoder_layers=24,
                                                         encoder_ffn_dim=8192, decoder_ffn_dim=8192,
                                                         vocab_size=256206)}


def built_on_meta(architecture: str, folder: Path) -> Any:
    """An architecture on the meta device, without weights."""
    text, changed = open_clip.get_model_config(architecture)["text_cfg"], {}
    if repository := text.get("hf_model_name"):
        hub_configurations()[repository].save_pretrained(folder)
        changed["text_cfg"] = {**text, "hf_model_name": str(folder), "hf_model_pretrained": False}
    with torch.device("meta"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return open_clip.create_model(architecture, load_weights=False, pretrained_text=False, device="meta",
                                      **changed).eval()


def row(architecture: str) -> dict[str, Any]:
    """Facts of one architecture; `error` is "" where it was built."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            model = built_on_meta(architecture, Path(folder))
            side = model.visual.image_size
            side = side if isinstance(side, int) else side[0]
            context = (open_clip.get_model_config(architecture)["text_cfg"]).get("context_length", 77)
        except Exception as problem:
            return {"name": architecture, "error": f"{type(problem).__name__}: {str(problem).splitlines()[0]}"}
    takes = prompts.takes(model)
    return {"name": architecture, "error": "", "parameters": sum(p.numel() for p in model.parameters()) // 10**6,
            "size": side, "context": context, "tokenizer": architectures.text_repository(f"{architecture}/x"),
            "prompts": takes, "onnx": takes, "sigmoid": model.logit_bias is not None}


def rows() -> list[dict[str, Any]]:
    """Facts of all architectures, in open_clip's order."""
    return [row(architecture) for architecture in open_clip.list_models()]


def page(table: list[dict[str, Any]]) -> str:
    """The table of docs/models.md."""
    lines = ["| architecture | million parameters | picture | context | tokenizer | search, evaluation | "
             "training (prompts) | ONNX Runtime |", "|---|---|---|---|---|---|---|---|"]
    for facts in table:
        if facts["error"]:
            lines.append(f"| {facts['name']} | | | | | no: {facts['error']} | no | no |")
            continue
        yes = ["yes" if facts[key] else "no" for key in ("prompts", "onnx")]
        lines.append(f"| {facts['name']} | {facts['parameters']} | {facts['size']} | {facts['context']} | "
                     f"{facts['tokenizer'] or 'CLIP'} | yes | {yes[0]} | {yes[1]} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Write table and page."""
    logging.disable(logging.CRITICAL)
    table = rows()
    TABLE.write_text(json.dumps({"open_clip": open_clip.__version__, "architectures": table}, indent=1) + "\n")
    text = PAGE.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    PAGE.write_text(before + BEGIN + page(table) + END + rest.partition(END)[2], encoding="utf-8")


if __name__ == "__main__":
    main()
