"""Model card: valid front matter, measured figures alone, and a folder that loads here as it was pushed."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from open_clip.pretrained import get_pretrained_cfg

from core import cli
from core.models import checkpoints, model_card
from core.settings import load
from tests.core.models.test_checkpoints import RUN, backbone, model, vectors

DEV = {"speech_to_image": {"R@1": 41.25, "R@5": 70.0}, "image_to_speech": {"R@1": 50.0}, "score": 53.75}
MEASURED = replace(RUN, metrics={"dev": DEV, "zero_shot": {"speech_to_image": {"R@1": 40.0}}},
                   dataset={"kind": "flickr8k", "name": "my: \"pairs\"", "dev": "held out", "pairs": 918,
                            "image_digests": "c2VjcmV0"})


def front_matter(text: str) -> dict:
    _, head, body = text.split("---\n", 2)
    assert body.startswith("\n# BrewCLIP full")
    return yaml.safe_load(head)


def test_front_matter_holds_measured_recall_and_nothing_else():
    fields = front_matter(model_card.card(MEASURED))
    values = {metric["name"]: metric["value"] for result in fields["model-index"][0]["results"]
              for metric in result["metrics"]}
    assert values == {"R@1 speech to image": 41.25, "R@5 speech to image": 70.0, "R@1 image to speech": 50.0}
    assert fields["datasets"] == ["my: \"pairs\""] and fields["license"] == "other" and "brewclip" in fields["tags"]
    assert {result["dataset"]["split"] for result in fields["model-index"][0]["results"]} == {"held out"}


def test_the_hubs_own_reader_takes_the_card():
    from huggingface_hub import ModelCard

    data = ModelCard(model_card.card(MEASURED), ignore_metadata_errors=False).data
    assert {(result.metric_name, result.metric_value) for result in data.eval_results} >= {
        ("R@1 speech to image", 41.25)}
    assert data.library_name == "brewclip-explorer" and data.pipeline_tag == model_card.TASK


@pytest.mark.parametrize(("name", "hub"), [
    ("brewclip-mini", None), ("ViT-tiny-test/own", None),
    ("ViT-L-14/openai", get_pretrained_cfg("ViT-L-14", "openai")["hf_hub"].rstrip("/"))])
def test_the_base_model_is_named_as_open_clip_knows_it(name, hub):
    assert front_matter(model_card.card(replace(MEASURED, backbone=name))).get("base_model") == hub


@pytest.mark.parametrize("metrics", [{}, {"dev": None}, {"dev": {"speech_to_image": 3}},
                                     {"dev": {"speech_to_image": {"R@1": "high", "other": 2}}}])
def test_without_figures_the_card_says_so(metrics):
    text = model_card.card(replace(RUN, metrics=metrics))
    assert "model-index" not in front_matter(text) and "Nothing was measured" in text


def test_the_backbones_figures_stand_beside_the_models():
    body = model_card.card(MEASURED)
    assert "| this model | speech to image | R@1 | 41.25 % |" in body
    assert "| the backbone alone | speech to image | R@1 | 40.00 % |" in body


def test_digests_of_training_pictures_are_in_run_json_alone():
    assert "c2VjcmV0" not in json.dumps(model_card.config(MEASURED)) + model_card.card(MEASURED)


def test_a_pushed_folder_loads_here(tmp_path: Path, home):
    """Only what a hub would hold: the files of `best/` in a folder of another name."""
    seeing = backbone()
    saved = model(seeing)
    checkpoints.save(tmp_path / "run" / "best", saved, MEASURED)
    names = {path.name for path in (tmp_path / "run" / "best").iterdir()}
    assert names == {"model.safetensors", "run.json", "README.md", "config.json"}
    pushed = shutil.copytree(tmp_path / "run" / "best", tmp_path / "snapshots" / "1a2b")
    loaded = checkpoints.load(pushed, seeing)
    for ours, theirs in zip(vectors(loaded), vectors(saved), strict=True):
        assert ours.equal(theirs)
    config = json.loads((pushed / "config.json").read_text())
    assert config["model_type"] == "brewclip" and config["options"] == MEASURED.options.to_json()
    assert cli.main(["settings", "set", "vision.model", str(pushed)]) == 0
    assert load(home.settings)["vision.model"] == str(pushed)


def test_a_damaged_card_does_not_matter_to_loading(tmp_path: Path):
    checkpoints.save(tmp_path / "best", model(backbone()), MEASURED)
    for name in ("README.md", "config.json"):
        (tmp_path / "best" / name).write_bytes(b"\xff\xfe")
    assert checkpoints.read_run(tmp_path / "best").variant == "full"
