"""Models that run from their exports: their vectors are PyTorch's, and the registry takes them where it should."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from core.asr.transcript import EncodedUtterance, Transcript
from core.errors import ModelError
from core.home import Home
from core.inference import exporting
from core.inference.exports import LEAST_COSINE, Export, ExportCache, export_key
from core.models import checkpoints, exported, towers, vision_language
from core.models.brewclip import BrewCLIP
from core.models.checkpoints import Run
from core.models.exported import ExportedModel
from core.models.registry import SHIPPED, ModelRegistry
from core.models.spec import ModelSpec
from core.models.trained import TrainedModel
from core.models.variants import BrewClipOptions
from core.models.vision_language import VisionLanguage
from core.search.background import sentences
from core.settings import Settings

MINI = SHIPPED.parent / "brewclip-mini" / "model.safetensors"
CPU = Settings().with_value("device", "cpu")
TORCH = CPU.with_value("inference", "torch")
TEXTS = (*sentences()[:40], "", "word " * 100, "\N{DOG FACE} caf\N{LATIN SMALL LETTER E WITH ACUTE}")
OPTIONS = BrewClipOptions(prompts=3, feed_forward=16, heads=4, pool_sentences=True)


@pytest.fixture(scope="module")
def pixels() -> np.ndarray:
    noise = np.random.default_rng(3)
    coarse = noise.integers(0, 256, (5, 32, 32, 3), dtype=np.uint8)
    return np.ascontiguousarray(coarse.repeat(7, axis=1).repeat(7, axis=2))


@pytest.fixture(scope="module")
def backbone() -> VisionLanguage:
    return vision_language.load("brewclip-mini", MINI, "cpu")


def utterances() -> list[EncodedUtterance]:
    noise = np.random.default_rng(4)
    said = [Transcript("a brown dog", "en", (), -0.3, 0.02, 1.0), Transcript("", "", (), 0.0, 1.0, 0.0),
            Transcript("word " * 90, "en", (), -9.0, 0.1, 2.0)]
    return [EncodedUtterance(each, (noise.normal(size=(frames, 512)).astype(np.float16),))
            for each, frames in zip(said, (60, 25, 200), strict=True)]


def assert_equal(model: ExportedModel, loaded: VisionLanguage | TrainedModel, pixels: np.ndarray) -> None:
    assert model.fingerprint("squash") == loaded.fingerprint("squash")
    for name in ("dim", "image_size", "title", "note", "uses_text", "uses_speech", "device", "fallback"):
        assert getattr(model, name) == getattr(loaded, name), name
    ours, theirs = model.encode_texts(TEXTS), loaded.encode_texts(TEXTS)
    assert ours.cut == theirs.cut
    pairs = [(ours.vectors, theirs.vectors), (model.encode_images(pixels), loaded.encode_images(pixels))]
    if loaded.uses_speech:
        spoken, expected = model.encode_speech(utterances()), loaded.encode_speech(utterances())
        assert spoken.cut == expected.cut
        pairs += [(spoken.vectors, expected.vectors), (spoken.voice, expected.voice)]
    for one, other in pairs:
        assert one.dtype == np.float32
        assert exporting.least_cosine([other], [one]) >= LEAST_COSINE


@pytest.mark.parametrize("chosen", ["auto", "zero-shot"])
def test_the_bundled_models_ship_as_exports_with_the_same_vectors(home: Home, chosen: str, pixels: np.ndarray) -> None:
    registry = ModelRegistry(home)
    model = registry.model(CPU.with_value("vision.model", chosen))
    assert isinstance(model, ExportedModel)
    loaded = registry.model(TORCH.with_value("vision.model", chosen))
    assert not isinstance(loaded, ExportedModel)
    assert_equal(model, loaded, pixels)
    assert registry.model(CPU.with_value("vision.model", chosen)) is not loaded


def test_the_status_knows_of_a_model_that_was_opened_from_exports(home: Home) -> None:
    registry = ModelRegistry(home)
    assert not registry.status(CPU).backbone_loaded
    model = registry.model(CPU)
    assert registry.model(CPU) is model
    status = registry.status(CPU)
    assert status.backbone_loaded
    assert status.device == "cpu"
    registry.clear()
    assert not registry.status(CPU).backbone_loaded


def test_that_there_is_no_export_is_found_out_once(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading a checkpoint's tensors at each search would cost more than the search."""
    calls: list[ModelSpec] = []
    monkeypatch.setattr(exported, "find", lambda cache, spec, sha256: calls.append(spec))
    registry = ModelRegistry(home)
    loaded = [registry.model(CPU) for _ in range(2)]
    assert loaded[0] is loaded[1] and isinstance(loaded[0], TrainedModel) and len(calls) == 1


def test_other_pixels_are_refused(home: Home) -> None:
    model = ModelRegistry(home).model(CPU)
    with pytest.raises(ValueError, match="not \\(n, 224, 224, 3\\) uint8"):
        model.encode_images(np.zeros((1, 200, 224, 3), np.uint8))
    assert model.encode_images(np.zeros((0, 224, 224, 3), np.uint8)).shape == (0, model.dim)
    assert model.encode_texts([]).vectors.shape == (0, model.dim)


def trained(folder: Path, backbone: VisionLanguage, variant: str) -> Path:
    torch.manual_seed(2)
    network = BrewCLIP(backbone.built, variant, OPTIONS).eval()
    digest = str(backbone.fingerprint("centre").facts()["weights"])
    run = Run(variant, OPTIONS, backbone.name, digest, "Whisper base", 512, "own", "centre")
    checkpoints.save(folder, network, run)
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("variant", ["full", "e2e"])
def test_a_model_of_ones_own_is_exported_when_that_is_worth_it(
        home: Home, tmp_path: Path, backbone: VisionLanguage, variant: str, pixels: np.ndarray) -> None:
    folder = trained(tmp_path / "run", backbone, variant)
    settings = CPU.with_value("vision.model", str(folder))
    assert isinstance(ModelRegistry(home).model(settings), TrainedModel), "not for a few images"
    model = ModelRegistry(home).model(settings, export=True)
    assert isinstance(model, ExportedModel)
    loaded = ModelRegistry(home).model(settings.with_value("inference", "torch"))
    assert isinstance(loaded, TrainedModel)
    assert_equal(model, loaded, pixels)
    assert isinstance(ModelRegistry(home).model(settings), ExportedModel), "it was kept"


@pytest.fixture
def unusable(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """A function that has each export fail in a way: no graph, or other vectors."""
    def fail(how: str) -> None:
        if how == "error":
            def raising(*args: object) -> None:
                raise NotImplementedError("aten::nonsense")

            monkeypatch.setattr(exporting, "export", raising)
        else:
            monkeypatch.setattr(towers, "write_towers", lambda network, folder: {})
            monkeypatch.setattr(towers, "_towers_cosine", lambda network, export: 0.99)

    return fail


@pytest.mark.parametrize("how", ["error", "other vectors"])
def test_a_model_whose_export_fails_stays_in_pytorch(home: Home, tmp_path: Path, backbone: VisionLanguage, how: str,
                                                     unusable: Callable[[str], None]) -> None:
    unusable(how)
    settings = CPU.with_value("vision.model", str(trained(tmp_path / "run", backbone, "prompted")))
    for _ in range(2):
        assert isinstance(ModelRegistry(home).model(settings, export=True), TrainedModel)


def test_a_graph_that_cannot_be_loaded_says_what_to_do(home: Home, tmp_path: Path) -> None:
    (tmp_path / "image.onnx").write_bytes(b"no graph")
    (tmp_path / "text.onnx").write_bytes(b"no graph")
    export = Export(tmp_path, 1.0, {"dim": 4, "image_size": 8, "context": 77, "prompts": 0})
    model = ExportedModel(ModelSpec("brewclip-mini"), "0" * 64, "none", export, None)
    with pytest.raises(ModelError, match="inference torch") as raised:
        model.encode_texts(["a dog"])
    assert raised.value.kind == "damaged"
    with pytest.raises(ValueError, match="acoustic branch"):
        model.encode_speech(utterances())


def test_a_run_on_other_weights_is_left_to_the_loader_that_says_so(home: Home, tmp_path: Path,
                                                                   backbone: VisionLanguage) -> None:
    folder = trained(tmp_path / "run", backbone, "prompted")
    spec = ModelSpec("brewclip-mini", folder, "centre", checkpoints.read_run(folder))
    assert exported.find(ExportCache(home), spec, "0" * 64) is None


def test_keys_change_with_all_that_decides_a_graph() -> None:
    keys = {exported.towers_key(name, sha256, checkpoint, words) for name in "ab" for sha256 in "cd"
            for checkpoint in "ef" for words in (True, False)}
    assert len({*keys, exported.voice_key("c"), exported.voice_key("d"), export_key("voice", {})}) == 19
