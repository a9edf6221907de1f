"""SigLIP 2 and XLM-R on random weights, from a folder: indexed, searched; and what is refused in words."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.cli import main
from core.errors import ModelError
from core.explorer import Explorer
from core.home import Home
from core.models import open_clip_models
from core.models.brewclip import BrewCLIP
from core.models.registry import ModelRegistry
from core.models.towers import make
from core.search.terms import QueryTerm
from core.settings import Settings
from tests.core.models.families import FAMILIES, write

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", params=["SigLIP 2", "XLM-R"])
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a model."""
    return write(FAMILIES[request.param], tmp_path_factory.mktemp("models") / "model")


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    folder, random = tmp_path / "pictures", np.random.default_rng(2)
    folder.mkdir()
    for number in range(6):
        coarse = Image.fromarray(random.integers(0, 256, (4, 5, 3), np.uint8))
        coarse.resize((120, 90 + 10 * number)).save(folder / f"{number}.png")
    return folder


def settings_of(model: Path) -> Settings:
    return Settings().with_value("vision.backbone", f"local-dir:{model}").with_value("device", "cpu")


def test_a_folder_indexes_and_searches(home: Home, model: Path, pictures: Path) -> None:
    explorer = Explorer(home, settings_of(model))
    result = explorer.index(pictures, "own")
    assert result.embedded == 6
    found = explorer.search("own", [QueryTerm("text", "собака бежит по снегу")])
    assert len(found.hits) == 6 and not found.unread, "a multilingual model reads it"
    assert all(-1 <= hit.score <= 1 for hit in found.hits)
    same = explorer.search("own", [QueryTerm("image", path=pictures / "3.png")])
    assert same.hits[0].image.path.name == "3.png" and same.hits[0].score == pytest.approx(1, abs=1e-5)


def test_another_tokenizer_is_another_fingerprint_and_another_place_is_not(home: Home, model: Path,
                                                                           tmp_path: Path) -> None:
    registry = ModelRegistry(home)
    first = registry.fingerprint(settings_of(model))
    moved = shutil.copytree(model, tmp_path / "elsewhere" / model.name)
    assert registry.fingerprint(settings_of(moved)) == first
    assert registry.backbone(settings_of(moved)).fingerprint(registry.crop(settings_of(moved))) == first
    path = moved / "tokenizer_config.json"
    path.write_text(path.read_text() + "\n")
    assert registry.fingerprint(settings_of(moved)) != first


def test_a_missing_tokenizer_ends_it_before_a_picture_is_read(home: Home, model: Path, pictures: Path, tmp_path: Path,
                                                              monkeypatch: pytest.MonkeyPatch) -> None:
    bare = shutil.copytree(model, tmp_path / "bare")
    for name in ("tokenizer.json", "spiece.model", "sentencepiece.bpe.model"):
        (bare / name).unlink(missing_ok=True)
    monkeypatch.setattr("core.images._open", lambda path: pytest.fail(f"{path} was read"))
    with pytest.raises(ModelError, match=r"Put tokenizer\.json and tokenizer_config\.json") as caught:
        Explorer(home, settings_of(bare)).index(pictures, "own")
    assert caught.value.kind == "no_tokenizer"


def test_damaged_tokenizer_files_are_a_clear_error(home: Home, model: Path, tmp_path: Path) -> None:
    damaged = shutil.copytree(model, tmp_path / "damaged")
    (damaged / "tokenizer.json").write_text("{")
    with pytest.raises(ModelError, match="cannot be loaded") as caught:
        open_clip_models.build(f"local-dir:{damaged}", damaged / "open_clip_model.safetensors")
    assert caught.value.kind == "no_tokenizer"


def test_a_computer_without_transformers_is_told(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(open_clip_models, "find_spec", lambda name: None)
    with pytest.raises(ModelError, match=r"brewclip-explorer\[multilingual\]") as caught:
        open_clip_models.build(f"local-dir:{model}", model / "open_clip_model.safetensors")
    assert caught.value.kind == "no_package"


def test_training_and_export_are_refused_in_words(home: Home, model: Path) -> None:
    backbone = ModelRegistry(home).backbone(settings_of(model))
    with pytest.raises(ModelError, match=r"no place for prompts.*zero-shot.*ViT-L-14/openai"):
        BrewCLIP(backbone.built, "full")
    with pytest.raises(ModelError, match="run in ONNX Runtime"):
        make(ModelRegistry(home)._exports, backbone)


def test_the_command_line_indexes_and_searches(home: Home, model: Path, pictures: Path,
                                               capsys: pytest.CaptureFixture[str]) -> None:
    def run(*words: str) -> str:
        assert main(list(words)) == 0
        return capsys.readouterr().out

    run("settings", "set", "vision.backbone", f"local-dir:{model}")
    run("index", str(pictures), "--gallery", "own")
    hits = json.loads(run("search", "ein", "Hund", "--gallery", "own", "--json", "--top", "3"))["hits"]
    assert len(hits) == 3
    listing = run("weights", "path", f"local-dir:{model}")
    assert listing.strip() == str(model / "open_clip_model.safetensors")
