"""Which model indexes and searches: the choice of the setting, what it falls back to, and what is said of it."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from core.errors import ModelError
from core.models import backbones, checkpoints
from core.models import registry as engine_module
from core.models.brewclip import BrewCLIP
from core.models.checkpoints import Run
from core.models.registry import ModelRegistry
from core.models.trained import TrainedModel
from core.models.variants import BrewClipOptions
from core.settings import Settings

PIXELS = np.random.default_rng(0).integers(0, 255, (2, 224, 224, 3)).astype(np.uint8)


@pytest.fixture
def engine(home, monkeypatch):
    monkeypatch.delenv("BREWCLIP_MODELS", raising=False)
    return ModelRegistry(home)


def settings(model: str, **others: str) -> Settings:
    made = Settings().with_value("vision.backbone", "brewclip-mini").with_value("vision.model", model)
    for key, value in others.items():
        made = made.with_value(key.replace("_", ".", 1), value)
    return made


def trained(engine: ModelRegistry, folder: Path, seed: int = 1, **metrics: dict) -> Path:
    bare = engine.backbone(settings("zero-shot"))
    options = BrewClipOptions(heads=4, feed_forward=32)
    torch.manual_seed(seed)
    model = BrewCLIP(bare.built, "full", options)
    sha256 = str(bare.fingerprint("centre").facts()["weights"])
    run = Run("full", options, bare.name, sha256, "Whisper base", 512, "own", "centre", metrics=metrics)
    checkpoints.save(folder, model, run)
    return folder


@pytest.fixture
def shipped(engine, tmp_path, monkeypatch):
    """Puts another model in the place of the one that ships."""
    def put(dev: float, bare: float) -> Path:
        folder = trained(engine, tmp_path / "shipped", dev={"score": dev}, zero_shot={"score": bare})
        monkeypatch.setattr(engine_module, "SHIPPED", folder)
        return folder

    monkeypatch.setattr(engine_module, "SHIPPED", tmp_path / "nothing")
    return put


def test_zero_shot_is_the_backbone_itself(engine):
    chosen = settings("zero-shot")
    assert engine.model(chosen) is engine.backbone(chosen)
    assert engine.fingerprint(chosen) == engine.backbone(chosen).fingerprint("centre")
    assert engine.status(chosen).backbone == backbones.title("brewclip-mini")


def test_the_shipped_model_is_used_when_it_is_no_worse_on_dev(engine, shipped):
    assert engine.model(settings("auto")) is engine.backbone(settings("auto")), "none ships"
    shipped(dev=61.0, bare=62.0)
    assert engine.model(settings("auto")) is engine.backbone(settings("auto")), "it finds less"
    shipped(dev=62.0, bare=62.0)
    model = engine.model(settings("auto"))
    assert isinstance(model, TrainedModel) and model.uses_speech
    assert engine.fingerprint(settings("auto")) == model.fingerprint("centre")
    assert engine.fingerprint(settings("auto")) != engine.fingerprint(settings("zero-shot"))
    assert engine.model(settings("auto")) is model
    assert engine.status(settings("auto")).backbone == checkpoints.title(model.run)
    assert not np.allclose(model.encode_images(PIXELS), engine.backbone(settings("auto")).encode_images(PIXELS))


def test_other_weights_of_the_backbone_are_searched_without_it(engine, shipped):
    folder = shipped(dev=62.0, bare=60.0)
    facts = json.loads((folder / checkpoints.RUN).read_text())
    (folder / checkpoints.RUN).write_text(json.dumps({**facts, "backbone_sha256": "ab" * 32}))
    assert engine.model(settings("auto")) is engine.backbone(settings("auto"))


def test_a_run_of_ones_own(engine, shipped, tmp_path):
    trained(engine, tmp_path / "run" / "best", seed=5)
    chosen = settings(str(tmp_path / "run"))
    print_before, model = engine.fingerprint(chosen), engine.model(chosen)
    assert isinstance(model, TrainedModel) and model.fingerprint("centre") == print_before
    assert engine.model(chosen) is model
    trained(engine, tmp_path / "run" / "best", seed=6)  # trained on
    assert engine.fingerprint(chosen) != print_before
    assert engine.model(chosen) is not model
    assert engine.model(chosen).fingerprint("centre") == engine.fingerprint(chosen)
    engine.prune(settings("zero-shot"))
    assert engine.model(settings("zero-shot")) is engine.backbone(settings("zero-shot"))


def test_with_the_backbone_left_open_it_is_that_of_the_run(engine, tmp_path, monkeypatch):
    folder = trained(engine, tmp_path / "run")
    monkeypatch.setattr("core.weights.default_backbone", lambda home, place: "ViT-L-14/openai")
    chosen = Settings().with_value("vision.model", str(folder))
    assert isinstance(engine.model(chosen), TrainedModel)
    assert engine.backbone(chosen).name == "brewclip-mini"


@pytest.mark.parametrize("what", ["gone", "torn"])
def test_a_model_that_cannot_be_read_is_told_and_the_status_stays(engine, tmp_path, what):
    folder = trained(engine, tmp_path / "run")
    chosen = settings(str(folder))
    if what == "gone":
        shutil.rmtree(folder)
    else:
        (folder / checkpoints.TENSORS).write_bytes(b"torn")
    kind = {"gone": "missing", "torn": "damaged"}[what]
    for work in (engine.fingerprint, engine.model):
        with pytest.raises(ModelError) as caught:
            work(chosen)
        assert caught.value.kind == kind
    assert backbones.title("brewclip-mini") in engine.status(chosen).backbone


def test_the_status_names_the_run_and_warns_of_one_below_its_backbone(engine, tmp_path):
    folder = trained(engine, tmp_path / "my run" / "best")
    assert engine.status(settings(str(folder))).backbone.startswith("my run: BrewCLIP mini")
    facts = json.loads((folder / checkpoints.RUN).read_text())
    for dev, warned in ((93.3, True), (95.0, False)):
        facts["metrics"] = {"dev": {"score": dev}, "zero_shot": {"score": 95.0}}
        (folder / checkpoints.RUN).write_text(json.dumps(facts))
        assert bool(engine.status(settings(str(folder))).warning) is warned
    assert engine.status(settings("auto")).warning == ""
