"""Backbones as open_clip builds them, from a file on this machine: nothing here ever asks a network.

Three kinds: one of open_clip's own models ("ARCHITECTURE/TAG"); a folder in open_clip's layout ("local-dir:FOLDER");
and a folder of ours, whose `config.json` beside the weights describes an open_clip CLIP with a convolutional stem under
its image tower (the bundled brewclip-mini).
"""

import pickle
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
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
from core.pretrained import architectures
from core.pretrained.torchscript import is_program

RANDOM_FILLS = frozenset((
    nn.init.kaiming_normal_, nn.init.kaiming_uniform_, nn.init.normal_, nn.init.trunc_normal_, nn.init.uniform_,
    nn.init.xavier_normal_, nn.init.xavier_uniform_, torch.Tensor.erfinv_, torch.Tensor.normal_, torch.Tensor.uniform_))


@dataclass(frozen=True)
class Built:
    """A backbone on the CPU, in float32, in eval mode and frozen, and how it wants to be fed."""

    model: Any  # CLIP, CustomTextCLIP or CoCa: encode_image, encode_text, logit_scale
    tokenizer: Any  # open_clip's: __call__(texts) -> (n, context) int64
    context: int  # tokens a text may have, start and end included
    dim: int
    image_size: int
    mean: tuple[float, ...]  # of red, green, blue in 0-1
    std: tuple[float, ...]
    channels_last: bool  # whether the image tower wants its colours innermost in memory

    def length(self, text: str) -> int:
        """Tokens of a text, start and end included, of any number: more than `context` are cut."""
        if isinstance(self.tokenizer, open_clip.SimpleTokenizer):
            return len(self.tokenizer.encode(text)) + 2
        adds = self.tokenizer.tokenizer_mode != "clips"  # that mode has a start, an end and a class token of its own
        ids = self.tokenizer.tokenizer(self.tokenizer.clean_fn(text), add_special_tokens=adds).input_ids
        return len(ids) + (0 if adds else 3)


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

    ModelError: missing, unknown (no such model), no_tokenizer (files of its tokenizer or text tower are missing),
    no_package (transformers is not installed), damaged, wrong_weights (they belong to another model), program
    (TorchScript, which is not run).
    """
    if not path.is_file():
        raise ModelError(_("The weights of {name} are not at {path}.").format(name=name, path=path), "missing")
    if is_program(path):
        raise ModelError(_("{name} is a program (TorchScript), which is not run here; `brewclip weights fetch "
                           "{name_2}` takes the weights out of it.").format(name=path.name, name_2=name), "program")
    try:
        with _Unfilled():
            built = _native(name, path) if "/" in name or architectures.is_local(name) else _hybrid(name, path)
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
    """One of open_clip's own, or of a folder; activation and preprocessing follow the tag, as open_clip does itself."""
    local = architectures.is_local(name)
    architecture, _unused, tag = name.partition("/")
    config = architectures.configuration(name) if local else open_clip.get_model_config(architecture)
    if config is None:
        raise ModelError(_("open_clip has no model {architecture}.").format(architecture=architecture), "unknown")
    architectures.check_files(name, path)
    text, changed = config["text_cfg"], {}
    if any(text.get(key) for key in ("hf_model_name", "hf_tokenizer_name")):
        _check_transformers(name)
        if text.get("hf_model_name"):  # its config.json is on this computer: the hub is never asked
            folder = str(architectures.files_folder(name, path))
            changed["text_cfg"] = {**text, "hf_model_name": folder, "hf_model_pretrained": False}
    pretrained = architectures.preprocessing(name) if local else open_clip.get_pretrained_cfg(architecture, tag)
    if local:
        source, quick = f"{architectures.LOCAL}{path.parent}", False
    else:
        source, quick = architecture, pretrained.get("quick_gelu", False)
    model = open_clip.create_model(source, pretrained=None if local else str(path), weights_only=True,
                                   force_quick_gelu=quick, **changed)
    tokenizer = _tokenizer(name, path, text)
    return Built(model, tokenizer, tokenizer.context_length, config["embed_dim"], _side(name, model.visual.image_size),
                 tuple(pretrained.get("mean", open_clip.OPENAI_DATASET_MEAN)),
                 tuple(pretrained.get("std", open_clip.OPENAI_DATASET_STD)), channels_last=False)


def _tokenizer(name: str, path: Path, text: Mapping[str, Any]) -> Any:
    """open_clip's tokenizer of a text configuration, from files on this computer. ModelError ("no_tokenizer")."""
    context, keywords = text.get("context_length", open_clip.tokenizer.DEFAULT_CONTEXT_LENGTH), dict(
        text.get("tokenizer_kwargs", {}))
    if not text.get("hf_tokenizer_name"):
        return open_clip.SimpleTokenizer(context_length=context, **keywords)
    folder = architectures.files_folder(name, path)
    try:
        return open_clip.tokenizer.HFTokenizer(str(folder), context_length=context,
                                               tokenizer_mode=text.get("tokenizer_mode"), local_files_only=True,
                                               **keywords)
    except Exception as error:  # transformers raises of every kind on damaged files
        raise ModelError(_("The tokenizer of {name} in {folder} cannot be loaded: {splitlines} Nothing was changed. "
                           "Fetch or copy its files again.").format(name=name, folder=folder,
                                                                    splitlines=str(error).splitlines()[0]),
                         "no_tokenizer") from error


def _check_transformers(name: str) -> None:
    if find_spec("transformers") is None:
        raise ModelError(_("{name} reads texts with the package transformers, which is not installed. Nothing was "
                           "changed. Install it with `pip install 'brewclip-explorer[multilingual]'`.").format(
                               name=name), "no_package")


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
