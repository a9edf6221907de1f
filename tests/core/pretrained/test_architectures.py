"""Facts of open_clip's architectures without open_clip, digests with tokenizer files, folders of the user's own."""

import json
import subprocess
import sys
from pathlib import Path

import open_clip
import pytest

from core import weights
from core.errors import ModelError, WeightsError
from core.home import Home
from core.pretrained import architectures
from tests.core.pretrained.fake_sources import sha256, tensors

SIGLIP = "ViT-B-16-SigLIP2/webli"
CONFIG = {"model_cfg": {"embed_dim": 8, "vision_cfg": {}, "text_cfg": {"hf_tokenizer_name": "timm/some"}},
          "preprocess_cfg": {"resize_mode": "squash", "interpolation": "bilinear"}}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder in open_clip's layout."""
    place = tmp_path / "own model"
    place.mkdir()
    (place / "open_clip_config.json").write_text(json.dumps(CONFIG))
    (place / "open_clip_model.safetensors").write_bytes(tensors())
    (place / "tokenizer.json").write_text("{}")
    return place


@pytest.mark.parametrize(("architecture", "tag"), open_clip.list_pretrained())
def test_the_crop_is_that_of_open_clips_record(architecture: str, tag: str) -> None:
    record = open_clip.get_pretrained_cfg(architecture, tag)
    expected = {"shortest": "centre", "squash": "squash"}[record["resize_mode"]]
    expected += "-bilinear" if record["interpolation"] == "bilinear" else ""
    assert architectures.own_crop(f"{architecture}/{tag}") == expected


@pytest.mark.parametrize("architecture", open_clip.list_models())
def test_configurations_are_open_clips_own(architecture: str) -> None:
    assert architectures.configuration(f"{architecture}/x") == open_clip.get_model_config(architecture)


def test_open_clip_is_not_imported_for_a_fact() -> None:
    code = ("import sys; from core.pretrained.architectures import text_repository as of; "
            "print(of('ViT-B-16-SigLIP2/webli'), of('brewclip-mini') == '', 'open_clip' in sys.modules)")
    lines = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert lines.stdout.split() == ["timm/ViT-B-16-SigLIP2", "True", "False"]


@pytest.mark.parametrize(("name", "english"), [
    ("ViT-L-14/openai", True), ("brewclip-mini", True), ("ViT-B-16-SigLIP/webli", True), (SIGLIP, False),
    ("xlm-roberta-base-ViT-B-32/laion5b_s13b_b90k", False), ("nllb-clip-base/v1", False),
    ("ViT-L-14-CLIPA/datacomp1b", True), ("ViT-H-14-worldwide/metaclip2_worldwide", False)])
def test_the_tokenizer_tells_whether_a_model_reads_english_alone(name: str, english: bool) -> None:
    assert architectures.reads_english_alone(name) is english


def test_the_digest_of_a_clip_is_that_of_its_file(home: Home) -> None:
    path = home.weights / "RN50-cc12m.safetensors"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(tensors())
    assert architectures.digest("RN50/cc12m", path, home) == sha256(tensors())


def test_the_digest_holds_the_tokenizer(home: Home) -> None:
    path = home.weights / "ViT-B-16-SigLIP2-webli.safetensors"
    texts = home.weights / "ViT-B-16-SigLIP2-webli"
    texts.mkdir(parents=True)
    path.write_bytes(tensors())
    with pytest.raises(ModelError, match="weights fetch ViT-B-16-SigLIP2/webli") as caught:
        architectures.digest(SIGLIP, path, home)
    assert caught.value.kind == "no_tokenizer" and str(texts) in str(caught.value)
    (texts / "tokenizer.json").write_text("one")
    first = architectures.digest(SIGLIP, path, home)
    assert first != sha256(tensors()) and first == architectures.digest(SIGLIP, path, home)
    (texts / "tokenizer.json").write_text("other")
    second = architectures.digest(SIGLIP, path, home)
    (texts / "special_tokens_map.json").write_text("{}")
    assert len({first, second, architectures.digest(SIGLIP, path, home)}) == 3


def test_a_text_tower_of_the_hub_needs_its_configuration(home: Home) -> None:
    name = "xlm-roberta-base-ViT-B-32/laion5b_s13b_b90k"
    path = home.weights / "xlm-roberta-base-ViT-B-32-laion5b_s13b_b90k.safetensors"
    texts = architectures.files_folder(name, path, home)
    texts.mkdir(parents=True)
    (texts / "tokenizer.json").write_text("{}")
    assert architectures.missing_files(name, path, home)
    (texts / "config.json").write_text("{}")
    assert not architectures.missing_files(name, path, home)


def test_a_model_without_its_tokenizer_is_not_chosen_by_itself(home: Home) -> None:
    home.weights.mkdir(parents=True, exist_ok=True)
    (home.weights / "ViT-B-16-SigLIP2-webli.safetensors").write_bytes(tensors())
    assert weights.find(SIGLIP, home) and weights.default_backbone(home) == "brewclip-mini"
    (home.weights / "ViT-B-16-SigLIP2-webli").mkdir()
    (home.weights / "ViT-B-16-SigLIP2-webli" / "tokenizer.json").write_text("{}")
    assert weights.default_backbone(home) == SIGLIP


# Folders of the user's own

def test_a_folder_is_found_by_its_name(home: Home, folder: Path) -> None:
    name = f"local-dir:{folder}"
    assert weights.find(name, home) == folder / "open_clip_model.safetensors" == weights.fetch(name, home)
    assert weights.record(name).title == "own model (own folder)"
    assert architectures.own_crop(name) == "squash-bilinear"
    assert architectures.files_folder(name, folder / "open_clip_model.safetensors", home) == folder


def test_its_configuration_belongs_to_the_digest(home: Home, folder: Path) -> None:
    name, path = f"local-dir:{folder}", folder / "open_clip_model.safetensors"
    first = architectures.digest(name, path, home)
    changed = {**CONFIG, "preprocess_cfg": {"mean": [0.1, 0.1, 0.1]}}
    (folder / "open_clip_config.json").write_text(json.dumps(changed))
    assert architectures.digest(name, path, home) != first


def test_of_several_files_the_one_is_taken_that_open_clip_takes(folder: Path) -> None:
    for name in ("zzz.safetensors", "pytorch_model.bin", "aaa.safetensors", "open_clip_pytorch_model.bin"):
        (folder / name).write_bytes(b"")
        assert str(architectures.checkpoint_in(folder)) == open_clip.factory._find_checkpoint_in_dir(folder)
    (folder / "open_clip_model.safetensors").unlink()
    assert str(architectures.checkpoint_in(folder)) == open_clip.factory._find_checkpoint_in_dir(folder)
    assert architectures.checkpoint_in(folder / "none") is None


@pytest.mark.parametrize("content", ["", "[", "[]", "{}", '{"model_cfg": 3}', '{"model_cfg": {"vision_cfg": {}}}',
                                     '{"model_cfg": {"vision_cfg": {}, "text_cfg": {}, "embed_dim": "x"}}'])
def test_a_damaged_configuration_is_a_clear_error(folder: Path, content: str) -> None:
    (folder / "open_clip_config.json").write_text(content)
    with pytest.raises(ModelError, match="cannot be read as a model of open_clip") as caught:
        architectures.configuration(f"local-dir:{folder}")
    assert caught.value.kind == "damaged"


def test_a_folder_without_configuration_or_weights_is_a_clear_error(home: Home, folder: Path) -> None:
    (folder / "open_clip_config.json").unlink()
    with pytest.raises(ModelError, match=r"has no open_clip_config\.json"):
        architectures.configuration(f"local-dir:{folder}")
    (folder / "open_clip_model.safetensors").write_bytes(b"half")
    assert weights.find(f"local-dir:{folder}", home) is None
    with pytest.raises(WeightsError, match="no whole weights") as caught:
        weights.fetch(f"local-dir:{folder}", home)
    assert caught.value.kind == "not_here"
