"""The registry: which model the settings mean, its specification, and what the status says of it."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from core.errors import ModelError
from core.models import backbones, checkpoints
from core.models import registry as registry_module
from core.models.brewclip import BrewCLIP
from core.models.checkpoints import Run
from core.models.registry import ModelRegistry
from core.models.spec import ModelSpec
from core.models.trained import TrainedModel
from core.models.variants import BrewClipOptions
from core.settings import Settings

PIXELS = np.random.default_rng(0).integers(0, 255, (2, 224, 224, 3)).astype(np.uint8)


@pytest.fixture
def registry(home, monkeypatch):
    monkeypatch.delenv("BREWCLIP_MODELS", raising=False)
    return ModelRegistry(home)


def settings(model: str, **others: str) -> Settings:
    made = Settings({"vision.backbone": "brewclip-mini", "vision.model": model, "inference": "torch"})
    for key, value in others.items():
        made = made.with_value(key.replace("_", ".", 1), value)
    return made


def trained(registry: ModelRegistry, folder: Path, seed: int = 1, **metrics: dict) -> Path:
    bare = registry.backbone(settings("zero-shot"))
    options = BrewClipOptions(heads=4, feed_forward=32)
    torch.manual_seed(seed)
    model = BrewCLIP(bare.built, "full", options)
    sha256 = str(bare.fingerprint("centre").facts()["weights"])
    run = Run("full", options, bare.name, sha256, "Whisper base", 512, "own", "centre", metrics=metrics)
    checkpoints.save(folder, model, run)
    return folder


@pytest.fixture
def shipped(registry, tmp_path, monkeypatch):
    """Puts another model in the place of the one that ships."""
    def put(dev: float, bare: float) -> Path:
        folder = trained(registry, tmp_path / "shipped", dev={"score": dev}, zero_shot={"score": bare})
        monkeypatch.setattr(registry_module, "SHIPPED", folder)
        return folder

    monkeypatch.setattr(registry_module, "SHIPPED", tmp_path / "nothing")
    return put


@pytest.mark.slow
def test_zero_shot_is_the_backbone_itself(registry):
    chosen = settings("zero-shot")
    assert registry.model(chosen) is registry.backbone(chosen)
    assert registry.fingerprint(chosen) == registry.backbone(chosen).fingerprint("centre")
    assert registry.status(chosen).backbone == backbones.title("brewclip-mini")


@pytest.mark.slow
def test_the_shipped_model_is_used_when_it_is_no_worse_on_dev(registry, shipped):
    assert registry.model(settings("auto")) is registry.backbone(settings("auto")), "none ships"
    shipped(dev=61.0, bare=62.0)
    assert registry.model(settings("auto")) is registry.backbone(settings("auto")), "it finds less"
    shipped(dev=62.0, bare=62.0)
    model = registry.model(settings("auto"))
    assert isinstance(model, TrainedModel) and model.uses_speech
    assert registry.fingerprint(settings("auto")) == model.fingerprint("centre")
    assert registry.fingerprint(settings("auto")) != registry.fingerprint(settings("zero-shot"))
    assert registry.model(settings("auto")) is model
    assert registry.status(settings("auto")).backbone == checkpoints.title(model.run)
    assert not np.allclose(model.encode_images(PIXELS), registry.backbone(settings("auto")).encode_images(PIXELS))


@pytest.mark.slow
def test_other_weights_of_the_backbone_are_searched_without_it(registry, shipped):
    folder = shipped(dev=62.0, bare=60.0)
    facts = json.loads((folder / checkpoints.RUN).read_text())
    (folder / checkpoints.RUN).write_text(json.dumps({**facts, "backbone_sha256": "ab" * 32}))
    assert registry.model(settings("auto")) is registry.backbone(settings("auto"))


@pytest.mark.slow
def test_a_run_of_ones_own(registry, shipped, tmp_path):
    trained(registry, tmp_path / "run" / "best", seed=5)
    chosen = settings(str(tmp_path / "run"))
    print_before, model = registry.fingerprint(chosen), registry.model(chosen)
    assert isinstance(model, TrainedModel) and model.fingerprint("centre") == print_before
    assert registry.model(chosen) is model
    trained(registry, tmp_path / "run" / "best", seed=6)  # trained on
    assert registry.fingerprint(chosen) != print_before
    assert registry.model(chosen) is not model
    assert registry.model(chosen).fingerprint("centre") == registry.fingerprint(chosen)
    registry.prune(settings("zero-shot"))
    assert registry.model(settings("zero-shot")) is registry.backbone(settings("zero-shot"))


@pytest.mark.slow
def test_with_the_backbone_left_open_it_is_that_of_the_run(registry, tmp_path, monkeypatch):
    folder = trained(registry, tmp_path / "run")
    monkeypatch.setattr("core.weights.default_backbone", lambda home, place: "ViT-L-14/openai")
    chosen = Settings().with_value("vision.model", str(folder))
    assert isinstance(registry.model(chosen), TrainedModel)
    assert registry.backbone(chosen).name == "brewclip-mini"


@pytest.mark.slow
@pytest.mark.parametrize("what", ["gone", "torn"])
def test_a_model_that_cannot_be_read_is_told_and_the_status_stays(registry, tmp_path, what):
    folder = trained(registry, tmp_path / "run")
    chosen = settings(str(folder))
    if what == "gone":
        shutil.rmtree(folder)
    else:
        (folder / checkpoints.TENSORS).write_bytes(b"torn")
    kind = {"gone": "missing", "torn": "damaged"}[what]
    for work in (registry.fingerprint, registry.model):
        with pytest.raises(ModelError) as caught:
            work(chosen)
        assert caught.value.kind == kind
    assert backbones.title("brewclip-mini") in registry.status(chosen).backbone


@pytest.mark.slow
def test_the_status_names_the_run_and_warns_of_one_below_its_backbone(registry, tmp_path):
    folder = trained(registry, tmp_path / "my run" / "best")
    assert registry.status(settings(str(folder))).backbone.startswith("my run: BrewCLIP mini")
    facts = json.loads((folder / checkpoints.RUN).read_text())
    for dev, warned in ((93.3, True), (95.0, False)):
        facts["metrics"] = {"dev": {"score": dev}, "zero_shot": {"score": 95.0}}
        (folder / checkpoints.RUN).write_text(json.dumps(facts))
        assert bool(registry.status(settings(str(folder))).warning) is warned
    assert registry.status(settings("auto")).warning == ""


def test_a_specification_is_resolved_and_loaded_beside_the_model_of_the_settings(registry, tmp_path):
    run = trained(registry, tmp_path / "run" / "best", seed=3).parent
    zero_shot = settings("zero-shot")
    spec = registry.resolve(ModelSpec(checkpoint=run), zero_shot)
    assert (spec.backbone, spec.checkpoint, spec.crop) == ("brewclip-mini", run / "best", "centre")
    assert spec.title == "BrewCLIP (run)" and spec.variant.acoustic
    assert spec.run is not None
    as_authors = replace(spec, run=replace(spec.run, metrics={"preset": "authors"}))
    assert as_authors.title == "BrewCLIP (run, as authors)"
    model = registry.load(spec, zero_shot)
    assert isinstance(model, TrainedModel) and model.network.variant.name == "full"
    assert model.backbone is registry.backbone(zero_shot)
    assert registry.model(zero_shot) is registry.backbone(zero_shot), "the settings keep their own"
    assert registry.load(registry.spec(settings(str(run))), settings(str(run))) is registry.model(settings(str(run)))


def test_a_backbone_alone_is_resolved_to_that_of_the_settings(registry):
    chosen = settings("zero-shot")
    spec = registry.resolve(ModelSpec(), chosen)
    assert (spec.backbone, spec.checkpoint, spec.crop) == ("brewclip-mini", None, "centre")
    assert spec.title == "BrewCLIP mini, zero-shot" and not spec.variant.acoustic
    model = registry.load(spec, chosen)
    assert model is registry.backbone(chosen) and model.network.variant.name == "zero-shot"
    assert not model.uses_speech
    with pytest.raises(ModelError) as caught:
        registry.resolve(ModelSpec(checkpoint=Path("/nowhere")), chosen)
    assert caught.value.kind == "missing"
