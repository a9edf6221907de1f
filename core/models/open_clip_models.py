"""Backbones as open_clip builds them, from a file on this machine: nothing here ever asks a network.

Two kinds of file: one of open_clip's own models ("ARCHITECTURE/TAG"), and a folder of ours, whose `config.json` beside
the weights describes an open_clip CLIP with a convolutional stem under its image tower (the bundled brewclip-mini).
"""

import pickle
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import open_clip
import timm
import torch
from open_clip.model import CLIP, CLIPTextCfg, CLIPVisionCfg
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval
from torch.overrides import TorchFunctionMode

from core import plain_json
from core.errors import ModelError
from core.localisation import _
from core.pretrained.torchscript import is_program

RANDOM_FILLS = frozenset((
    nn.init.kaiming_normal_, nn.init.kaiming_uniform_, nn.init.normal_, nn.init.trunc_normal_, nn.init.uniform_,
    nn.init.xavier_normal_, nn.init.xavier_uniform_, torch.Tensor.erfinv_, torch.Tensor.normal_, torch.Tensor.uniform_))


@dataclass(frozen=True)
class Built:
    """A backbone on the CPU, in float32, in eval mode and frozen, and how it wants to be fed."""

    model: Any  # CLIP, CustomTextCLIP or CoCa: encode_image, encode_text, logit_scale
    tokenizer: Any  # open_clip's; __call__(texts) -> (n, context) int64, .encode(text) -> token ids
    context: int  # tokens a text may have, start and end included
    dim: int
    image_size: int
    mean: tuple[float, ...]  # of red, green, blue in 0-1
    std: tuple[float, ...]
    channels_last: bool  # whether the image tower wants its colours innermost in memory


def prepare(built: Built, pixels: np.ndarray, device: torch.device | str = "cpu") -> torch.Tensor:
    """Input of the image tower: pixels (n, size, size, 3) uint8 -> (n, 3, size, size) float32, normalised."""
    layout = torch.channels_last if built.channels_last else torch.contiguous_format
    batch = torch.from_numpy(np.require(pixels, requirements=["C", "W"])).to(device, non_blocking=True)
    values = batch.permute(0, 3, 1, 2).to(torch.float32, memory_format=layout).div_(255)
    # The same operations in the same order as torchvision's, or the last bits would differ.
    mean, std = (torch.tensor(each, dtype=torch.float32, device=device).view(-1, 1, 1)
                 for each in (built.mean, built.std))
    return values.sub_(mean).div_(std)


def build(name: str, path: Path) -> Built:
    """The backbone of that name with the weights in `path`.

    ModelError: missing, unknown (no such model, or one that needs files from elsewhere), damaged, wrong_weights (they
    belong to another model), program (TorchScript, which is not run).
    """
    if not path.is_file():
        raise ModelError(_("The weights of {name} are not at {path}.").format(name=name, path=path), "missing")
    if is_program(path):
        raise ModelError(_("{name} is a program (TorchScript), which is not run here; `brewclip weights fetch "
                           "{name_2}` takes the weights out of it.").format(name=path.name, name_2=name), "program")
    try:
        with _Unfilled():
            built = _native(name, path) if "/" in name else _hybrid(name, path)
    except (AssertionError, RuntimeError) as error:  # RuntimeError: also what torch says of half a file
        if isinstance(error, AssertionError) or "loading state_dict" in str(error):
            raise ModelError(_("{name} holds the weights of another model than {name_2}.").format(name=path.name,
                                                                                                  name_2=name),
                             "wrong_weights") from error
        raise _damaged(name) from error
    except (SafetensorError, pickle.UnpicklingError, EOFError, OSError, ValueError, TypeError, KeyError) as error:
        raise _damaged(name) from error
    built.model.eval().requires_grad_(False)
    return built


class _Unfilled(TorchFunctionMode):
    """New parameters stay as the memory is: all of them are read from the file, and random numbers take seconds."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func in RANDOM_FILLS:
            return args[0] if args else kwargs["tensor"]
        return func(*args, **(kwargs or {}))


def _damaged(name: str) -> ModelError:
    return ModelError(_("The weights of {name} are damaged; `brewclip weights verify {name}` checks them.").format(
        name=name), "damaged")


def _native(name: str, path: Path) -> Built:
    """One of open_clip's own; the activation and the colours' mean follow the tag, as open_clip does by itself."""
    architecture, _unused, tag = name.partition("/")
    config = open_clip.get_model_config(architecture)
    if config is None:
        raise ModelError(_("open_clip has no model {architecture}.").format(architecture=architecture), "unknown")
    if any(key.startswith("hf_") and value for key, value in config["text_cfg"].items()):
        raise ModelError(_("{name} reads text with another library's model, which would have to be downloaded. Choose "
                           "one of open_clip's own, such as ViT-L-14/openai.").format(name=name), "unknown")
    pretrained = open_clip.get_pretrained_cfg(architecture, tag)
    model = open_clip.create_model(architecture, pretrained=str(path), weights_only=True,
                                   force_quick_gelu=pretrained.get("quick_gelu", False))
    tokenizer = open_clip.get_tokenizer(architecture)
    return Built(model, tokenizer, tokenizer.context_length, config["embed_dim"], _side(name, model.visual.image_size),
                 tuple(pretrained.get("mean", open_clip.OPENAI_DATASET_MEAN)),
                 tuple(pretrained.get("std", open_clip.OPENAI_DATASET_STD)), channels_last=False)


def _side(name: str, size: int | tuple[int, int]) -> int:
    height, width = (size, size) if isinstance(size, int) else size
    if height != width:
        raise ModelError(_("{name} sees pictures of {width} x {height}; only square ones are made here.").format(
            name=name, width=width, height=height), "unknown")
    return height


def _hybrid(name: str, path: Path) -> Built:
    """An open_clip CLIP whose patches come from a convolutional trunk of timm and a 1x1 convolution."""
    config = plain_json.read(path.parent / "config.json")
    vision, text = CLIPVisionCfg(**config["vision_cfg"]), CLIPTextCfg(**config["text_cfg"])
    model = CLIP(config["embed_dim"], vision, text)
    trunk: Any = timm.create_model(config["stem"], pretrained=False, num_classes=0, global_pool="")
    model.visual.conv1 = nn.Sequential(trunk, nn.Conv2d(trunk.num_features, vision.width, 1))
    model.load_state_dict(load_file(path))
    _fold_batch_norms(trunk.eval())
    model.visual.conv1.to(memory_format=torch.channels_last)
    preprocessing: Mapping[str, Any] = config["preprocess_cfg"]
    return Built(model, open_clip.SimpleTokenizer(context_length=text.context_length), text.context_length,
                 config["embed_dim"], preprocessing["size"], tuple(preprocessing["mean"]), tuple(preprocessing["std"]),
                 channels_last=True)


def _fold_batch_norms(module: nn.Module) -> None:
    """Put each batch norm, a fixed scaling once training is over, into the convolution before it; keep what follows."""
    before: tuple[str, nn.Conv2d] | None = None
    for name, child in module.named_children():
        if isinstance(child, nn.Conv2d):
            before = name, child
        elif isinstance(child, nn.BatchNorm2d) and before is not None:
            setattr(module, before[0], fuse_conv_bn_eval(before[1], child))
            setattr(module, name, getattr(child, "act", nn.Identity()))  # timm's batch norm holds its activation
            before = None
        else:
            _fold_batch_norms(child)
