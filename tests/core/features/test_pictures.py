"""Seeing a dataset: what is kept is what the model computes itself, within rounding."""

import shutil
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch

from core import weights
from core.errors import StoreError
from core.explorer import Explorer
from core.features import array_store as arrays
from core.features import image_cache as pictures
from core.features.image_cache import ImageFeatureCache
from core.home import find_home
from core.models import vision_language
from core.models.brewclip import BrewCLIP
from core.models.vision_language import VisionLanguage


@pytest.fixture
def paths(little: ModuleType, tmp_path: Path) -> list[Path]:
    """Five pictures."""
    found = [tmp_path / f"{number}.png" for number in range(5)]
    for number, path in enumerate(found):
        little.picture(number).save(path)
    return found


@pytest.fixture(scope="session")
def mini() -> VisionLanguage:
    """The bundled backbone."""
    path = weights.find("brewclip-mini", find_home())
    assert path is not None
    return vision_language.load("brewclip-mini", path, "cpu")


def pixels(seeing: ImageFeatureCache, path: Path) -> np.ndarray:
    picture = pictures.images.read(path)
    return pictures.images.pixels(picture.rgb, seeing._crop, seeing._backbone.image_size)


@pytest.mark.slow
@pytest.mark.parametrize("native", [True, False])
def test_stems_equal_the_models_own_within_rounding(explorer: Explorer, paths: list[Path], mini: VisionLanguage,
                                                native: bool, little: ModuleType) -> None:
    backbone = explorer.eyes if native else mini
    seeing = ImageFeatureCache(explorer.workspace, backbone, "centre")
    seen = [one.array for one in seeing.load(paths)]
    model = BrewCLIP(backbone.built, "prompted", little.MODEL, little.WIDTH)
    with torch.inference_mode():
        own = model.image_stem(np.stack([pixels(seeing, path) for path in paths]))
        kept = seeing.stems(model, seen)
    assert kept.dtype == torch.float32
    assert torch.allclose(kept, own, rtol=1e-5, atol=1e-5)
    assert seen[0].dtype == (np.uint8 if native else np.float32)
    assert torch.allclose(seeing.stems(model, np.stack(seen)), own, rtol=1e-5, atol=1e-5)


@pytest.mark.slow
def test_stems_do_not_depend_on_who_else_was_seen_then(explorer: Explorer, paths: list[Path], mini: VisionLanguage
                                                       ) -> None:
    together = ImageFeatureCache(explorer.workspace, mini, "centre").load(paths)
    shutil.rmtree(explorer.home.caches)
    alone = ImageFeatureCache(explorer.workspace, mini, "centre").load(paths[3:4])[0]
    assert np.allclose(alone.array, together[3].array, atol=1e-4)


def test_nothing_is_seen_twice_and_the_size_is_told_beforehand(explorer: Explorer, paths: list[Path],
                                                               monkeypatch: pytest.MonkeyPatch) -> None:
    seeing = ImageFeatureCache(explorer.workspace, explorer.eyes, "centre")
    told = seeing.nbytes(paths)
    seeing.load(paths)
    store = arrays.ArrayStore(next((explorer.home.caches / "pixels").iterdir()))
    assert told == store.nbytes == 5 * 32 * 32 * 3
    assert seeing.nbytes(paths) == 0
    moved = [Path(shutil.move(path, path.with_name(f"moved {path.name}"))) for path in paths]
    monkeypatch.setattr(pictures.images, "pixels", None)  # decoding again would fail
    again = ImageFeatureCache(explorer.workspace, explorer.eyes, "centre").load(moved)
    assert [one.reason for one in again] == [""] * 5


def test_each_crop_policy_has_its_own(explorer: Explorer, paths: list[Path]) -> None:
    centre, letterbox = (ImageFeatureCache(explorer.workspace, explorer.eyes, crop).load(paths[:1])[0].array for crop in
                         ("centre", "letterbox"))
    assert not np.array_equal(centre, letterbox)


def test_one_that_cannot_be_read_has_its_reason(explorer: Explorer, paths: list[Path]) -> None:
    paths[0].write_bytes(paths[0].read_bytes()[:200])
    paths[1].write_bytes(b"")
    paths[2].unlink()
    seen = ImageFeatureCache(explorer.workspace, explorer.eyes, "centre").load(paths)
    assert all(one.reason for one in seen[:3])
    assert [one.array.size for one in seen[:3]] == [0, 0, 0]
    assert [one.array.shape for one in seen[3:]] == [(32, 32, 3)] * 2


def test_a_full_disk_is_told(explorer: Explorer, paths: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    def full(number: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(arrays.os, "fsync", full)
    with pytest.raises(StoreError) as caught:
        ImageFeatureCache(explorer.workspace, explorer.eyes, "centre").load(paths)
    assert caught.value.kind == "full"
    monkeypatch.undo()
    assert len(ImageFeatureCache(explorer.workspace, explorer.eyes, "centre").load(paths)) == 5
