"""Facts of open_clip's architectures that are needed before open_clip is imported: configuration, preprocessing, files.

The configuration of an architecture is read from open_clip's own JSON, or from `open_clip_config.json` of a folder
("local-dir:FOLDER", open_clip's own layout: configuration, weights and tokenizer files in one folder). Some
architectures read texts with a tokenizer or a text tower of Hugging Face transformers. Their files lie in a folder
named after the weights (`files_folder`): `brewclip weights fetch` brings them, or a person puts them there.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from core import plain_json
from core.errors import ModelError
from core.home import Home, expanded, find_home
from core.localisation import _
from core.pretrained import weight_files

LOCAL = "local-dir:"
CONFIG = "open_clip_config.json"
VOCABULARIES = ("tokenizer.json", "spiece.model", "sentencepiece.bpe.model", "tokenizer.model", "vocab.json",
                "vocab.txt")  # one of them is enough
TEXT_FILES = (*VOCABULARIES, "merges.txt", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json",
              "config.json")
CHECKPOINTS = ("open_clip_model.safetensors", "open_clip_pytorch_model.safetensors", "open_clip_pytorch_model.bin",
               "open_clip_pytorch_model.pth", "model.safetensors", "pytorch_model.bin", "pytorch_model.pth",
               "model.pth")  # of a folder, in open_clip's order
OWN_CROPS = (  # of what is not seen in CLIP's centre crop; a test compares them with open_clip's records
    (re.compile(r".*SigLIP.*|nllb-clip-.*-siglip/.*"), "squash"),
    (re.compile(r".*-CLIPA.*|PE-Core-.*"), "squash-bilinear"),
    (re.compile(r"MobileCLIP(?!2-L-14).*"), "centre-bilinear"),
    (re.compile(r"ViT-H-14(-378)?(-quickgelu)?/dfn5b|.*-worldwide-378/.*"), "squash"))
ENGLISH = ("", "bert-base-uncased", "roberta-base", "timm/ViT-B-16-SigLIP")  # repositories of English tokenizers
CROPS = {"shortest": "centre", "squash": "squash", "longest": "longest"}  # by open_clip's resize mode


def is_local(name: str) -> bool:
    """Whether a name of weights is that of a folder of the user's own."""
    return name.startswith(LOCAL)


def folder_of(name: str) -> Path:
    """The folder that "local-dir:FOLDER" names."""
    return expanded(Path(name.removeprefix(LOCAL))).absolute()


def checkpoint_in(folder: Path) -> Path | None:
    """The file of weights in a folder that open_clip would load; None without one."""
    files = [path for suffix in (".safetensors", ".bin", ".pth") for path in sorted(folder.glob(f"*{suffix}"))]
    known = sorted((path for path in files if path.name in CHECKPOINTS), key=lambda path: CHECKPOINTS.index(path.name))
    return next(iter([*known, *files]), None)


def configuration(name: str) -> Mapping[str, Any] | None:
    """open_clip's record of an architecture or a folder: `embed_dim`, `vision_cfg`, `text_cfg`; None without one.

    ModelError ("damaged") where the file of a folder cannot be read.
    """
    if is_local(name):
        return _local_record(folder_of(name))["model_cfg"]  # type: ignore[no-any-return]
    return _built_in(name.partition("/")[0])


@lru_cache
def _built_in(architecture: str) -> Mapping[str, Any] | None:
    spec = find_spec("open_clip")  # does not import it
    for place in (spec.submodule_search_locations or ()) if spec else ():
        path = Path(place) / "model_configs" / f"{architecture}.json"
        if path.is_file():
            return plain_json.read_object(path)
    return None


def _local_record(folder: Path) -> Mapping[str, Any]:
    try:
        record = plain_json.read_object(folder / CONFIG)
        model = record["model_cfg"]
        if not all(isinstance(model[key], dict) for key in ("vision_cfg", "text_cfg")):
            raise ValueError(CONFIG)
        int(model["embed_dim"])
    except FileNotFoundError as error:
        raise ModelError(_("{folder} is no model of open_clip: it has no {config}. Nothing was changed. Put that file "
                           "beside the weights, as open_clip's own repositories have it.").format(folder=folder,
                                                                                                  config=CONFIG),
                         "missing") from error
    except (OSError, *plain_json.DAMAGE) as error:
        raise ModelError(_("{folder} cannot be read as a model of open_clip. Nothing was changed. Copy the file "
                           "again.").format(folder=folder / CONFIG), "damaged") from error
    return record


def preprocessing(name: str) -> Mapping[str, Any]:
    """The `preprocess_cfg` of a folder (mean, std, interpolation, resize_mode, ...); {} for another name."""
    return _local_record(folder_of(name)).get("preprocess_cfg") or {} if is_local(name) else {}


def own_crop(name: str) -> str:
    """The crop policy (`core.images`) that a model was trained with: "centre" for CLIP."""
    if is_local(name):
        own = preprocessing(name)
        filtered = "-bilinear" if own.get("interpolation") == "bilinear" else ""
        return CROPS.get(own.get("resize_mode") or "shortest", "centre") + filtered
    return next((crop for names, crop in OWN_CROPS if names.fullmatch(name)), "centre")


def text_repository(name: str) -> str:
    """Repository of the tokenizer, or text tower, that open_clip takes from the model hub; "" where it has its own."""
    text = (configuration(name) or {}).get("text_cfg", {})
    return str(text.get("hf_model_name") or text.get("hf_tokenizer_name") or "")


def reads_english_alone(name: str) -> bool:
    """Whether a model was trained on English texts, as far as its tokenizer tells."""
    return text_repository(name) in ENGLISH


def has_hub_tower(name: str) -> bool:
    """Whether the text tower is one of Hugging Face transformers, whose `config.json` is needed."""
    return bool((configuration(name) or {}).get("text_cfg", {}).get("hf_model_name"))


def files_folder(name: str, path: Path, home: Home | None = None) -> Path:
    """Folder of the tokenizer files of a model whose weights are `path`: beside them, else the program's own."""
    if is_local(name):
        return path.parent
    stem = name.replace("/", "-")
    beside = path.parent / stem
    return beside if beside.is_dir() else (home or find_home()).weights / stem


def missing_files(name: str, path: Path, home: Home | None = None) -> bool:
    """Whether files that the model's texts need are not there."""
    if not text_repository(name):
        return False
    folder = files_folder(name, path, home)
    here = any((folder / file).is_file() for file in VOCABULARIES)
    return not here or (has_hub_tower(name) and not (folder / "config.json").is_file())


def check_files(name: str, path: Path, home: Home | None = None) -> None:
    """ModelError ("no_tokenizer") where files that the model's texts need are not there."""
    if missing_files(name, path, home):
        folder, repository = files_folder(name, path, home), text_repository(name)
        tower = " and the config.json" if has_hub_tower(name) else ""
        remedy = "" if is_local(name) else f", or run `brewclip weights fetch {name}`"
        raise ModelError(_("{name} reads texts with the tokenizer{tower} of {repository}, which is not in {folder}. "
                           "Nothing was read or changed. Put tokenizer.json and tokenizer_config.json{tower} "
                           "there{remedy}.").format(name=name, tower=tower, repository=repository, folder=folder,
                                                    remedy=remedy), "no_tokenizer")


def digest(name: str, path: Path, home: Home | None = None) -> str:
    """Digest of all that decides a model's vectors beside crop and checkpoint.

    The SHA-256 of the weights where open_clip has all the rest; else of weights, tokenizer files, context length,
    normalisation and configuration together. ModelError ("no_tokenizer", "damaged").
    """
    sha256 = weight_files.sha256_of(path, home)
    if not (is_local(name) or text_repository(name)):
        return sha256
    check_files(name, path, home)
    folder = files_folder(name, path, home)
    files = {file: _file_digest(folder / file, name, home) for file in (*TEXT_FILES, CONFIG)
             if (folder / file).is_file()}
    facts = {"weights": sha256, "files": files, "configuration": configuration(name),
             "preprocessing": dict(preprocessing(name))}
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def _file_digest(path: Path, name: str, home: Home | None) -> str:
    measured = weight_files.facts(path, f"{name}/{path.name}", home or find_home())
    if measured is None:
        raise ModelError(_("{path} cannot be read. Nothing was changed.").format(path=path), "damaged")
    return measured.sha256
