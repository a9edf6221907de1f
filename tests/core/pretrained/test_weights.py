"""Finding and verifying weights: small files that are made here."""

import dataclasses
import json
import os
from pathlib import Path

import pytest

from core import weights
from core.errors import WeightsError
from core.home import Home
from core.pretrained import weight_files, weight_sources
from core.pretrained.weight_sources import OpenClip, Url
from core.pretrained.weight_table import Weights
from tests.core.pretrained.fake_sources import (
    CLIP,
    CLIP_FILE,
    EMBEDDING,
    FakePip,
    checkpoint,
    model_bin,
    put,
    registered,
    sha256,
    states,
    tensors,
)

# The table

def test_the_table_offers_what_it_should_in_order() -> None:
    names = [each.name for each in weights.WEIGHTS]
    assert names[0] == "whisper-base"
    assert next(name for name in names if "/" in name) == "ViT-L-14/openai"
    assert len(set(names)) == len(names)
    assert all(each.title and each.about and each.licence and each.size for each in weights.WEIGHTS)


def test_the_tables_addresses_and_hashes_are_those_of_the_libraries() -> None:
    import open_clip
    import whisper

    base = weights.record("whisper-base")
    assert isinstance(base.sources[0], Url)
    assert base.sources[0].url == whisper._MODELS["base"]
    assert base.sources[0].sha256 == base.sha256 == base.sources[0].url.split("/")[-2]
    for each in (entry for entry in weights.WEIGHTS if entry.kind == "speech"):
        assert isinstance(each.sources[0], Url)
        assert each.sources[0].url == whisper._MODELS[each.name.removeprefix("whisper-")]
        assert each.sources[0].sha256 == each.sha256 == each.sources[0].url.split("/")[-2]
    assert {entry.name.removeprefix("whisper-") for entry in weights.WEIGHTS if entry.kind == "speech"} == (
        set(whisper._MODELS) - {"large", "large-v3-turbo"}), "other names of large-v3 and turbo"
    for each in weights.WEIGHTS:
        for source in each.sources:
            if isinstance(source, OpenClip):
                config = weight_sources.open_clip_config(source)
                assert each.sha256 == weight_sources.sha256_in(config.get("url") or "//")
    assert weights.record("RN50/cc12m").sources == (OpenClip("RN50", "cc12m"),)
    assert ("RN50", "cc12m") in open_clip.list_pretrained()


@pytest.mark.parametrize(("url", "digits"), [
    ("https://h/w/" + "ab" * 32 + "/base.pt", "ab" * 32), ("https://h/v0.2/vit_b_32-laion-46683a32.pt", "46683a32"),
    ("https://h/MMPT/metaclip/b32_400m.pt", ""), ("https://h/a/vit-large.pt", "")])
def test_the_hash_in_an_address(url: str, digits: str) -> None:
    assert weight_sources.sha256_in(url) == digits


@pytest.mark.parametrize("name", ["nothing", "../etc", "a/b/c", "/abs", "ViT-B-32/../x", "", "ViT/"])
def test_an_impossible_name_is_unknown_everywhere(home: Home, name: str) -> None:
    for ask in (weights.find, weights.fetch, weights.verify):
        with pytest.raises(WeightsError, match="There are no weights") as caught:
            ask(name, home)
        assert caught.value.kind == "unknown"


# Finding

def test_the_small_backbone_comes_with_the_program(home: Home) -> None:
    path = weights.find("brewclip-mini", home)
    assert path is not None
    assert weights.fetch("brewclip-mini", home) == weights.verify("brewclip-mini", home) == path
    assert states(home)["brewclip-mini"] == "bundled"
    assert not home.root.exists()  # looking writes nothing


def test_folders_are_looked_in_by_their_order(home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    at_home = put(home.weights / CLIP_FILE, tensors(1))
    assert weights.find(CLIP, home) == at_home
    named = put(tmp_path / "variable" / CLIP_FILE, tensors(2))
    monkeypatch.setenv("BREWCLIP_MODELS", str(named.parent))
    assert weights.find(CLIP, home) == named
    chosen = put(tmp_path / "setting" / CLIP_FILE, tensors(3))
    assert weights.find(CLIP, home, str(chosen.parent)) == chosen
    assert weights.find(CLIP, home, str(tmp_path / "nowhere")) == named
    assert weights.sha256_of(chosen, home) == sha256(tensors(3))


@pytest.mark.parametrize("suffix", [".safetensors", ".pt", ".bin"])
def test_half_a_file_is_not_found(home: Home, tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"RN50-cc12m{suffix}"
    path = put(path, tensors()) if suffix == ".safetensors" else checkpoint(path)
    whole = path.read_bytes()
    assert weights.find("RN50/cc12m", home, str(tmp_path)) == path
    for part in (whole[: len(whole) // 2], whole[:-40], whole[:6], b""):
        path.write_bytes(part)
        assert weights.find("RN50/cc12m", home, str(tmp_path)) is None


def test_a_program_is_not_taken_for_weights(home: Home, tmp_path: Path) -> None:
    import torch

    torch.jit.script(torch.nn.Linear(2, 2)).save(str(tmp_path / "RN50-cc12m.pt"))
    assert weights.find("RN50/cc12m", home, str(tmp_path)) is None


def test_a_file_is_measured_once(home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = put(tmp_path / CLIP_FILE, tensors())
    measured: list[Path] = []
    examine = weight_files.examine
    monkeypatch.setattr(weight_files, "examine", lambda path, *rest: measured.append(path) or examine(path, *rest))
    for _ in range(3):
        assert weights.find(CLIP, home, str(tmp_path)) == path
    assert measured == [path]
    assert [each.name for each in tmp_path.iterdir() if each.is_file()] == [CLIP_FILE]  # a user's folder stays as it is
    path.write_bytes(tensors(2))
    os.utime(path, (1, 1))
    assert weights.find(CLIP, home, str(tmp_path)) == path
    assert len(measured) == 2


def test_nothing_can_be_written_and_weights_are_found_all_the_same(home: Home, tmp_path: Path) -> None:
    put(home.root, b"a file where the folder should be")
    path = put(tmp_path / "models" / CLIP_FILE, tensors())
    assert weights.find(CLIP, home, str(path.parent)) == path


@pytest.mark.parametrize("name", ["small.pt", "small-whisper.pt"])
def test_whisper_is_known_by_its_tensors_whoever_wrote_the_file(home: Home, tmp_path: Path, small: Weights,
                                                                name: str) -> None:
    path = checkpoint(tmp_path / name)
    assert weights.find(small.name, home, str(tmp_path)) == path
    checkpoint(path, scale=0.5)
    assert weights.find(small.name, home, str(tmp_path)) is None
    with pytest.raises(WeightsError, match="was left where it is") as caught:
        weights.verify(small.name, home, str(tmp_path))
    assert caught.value.kind == "damaged"
    assert path.exists()


def test_an_original_in_a_folder_is_converted_and_left(home: Home, tmp_path: Path, small: Weights) -> None:
    original = put(tmp_path / "model.bin", model_bin())
    assert weights.find(small.name, home, str(tmp_path)) == home.weights / "small-whisper.pt"
    assert original.read_bytes() == model_bin()
    assert weights.find(small.name, home) == home.weights / "small-whisper.pt"
    assert weights.verify(small.name, home) == home.weights / "small-whisper.pt"


def test_another_model_bin_is_not_converted(home: Home, tmp_path: Path, small: Weights) -> None:
    put(tmp_path / "model.bin", model_bin() + b"x")
    assert weights.find(small.name, home, str(tmp_path)) is None


def test_openais_own_clip_file_is_converted_when_it_is_the_one_in_the_table(
        home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    torch.jit.script(torch.nn.Linear(2, 2)).save(str(tmp_path / "ViT-B-32.pt"))
    assert weights.find("ViT-B-32/openai", home, str(tmp_path)) is None
    known = sha256((tmp_path / "ViT-B-32.pt").read_bytes())
    record = weights.record("ViT-B-32/openai")
    registered(monkeypatch, dataclasses.replace(record, sha256=known, originals=(("ViT-B-32.pt", known),)))
    assert weights.find("ViT-B-32/openai", home, str(tmp_path)) == home.weights / "ViT-B-32-openai.safetensors"
    assert (tmp_path / "ViT-B-32.pt").exists()


def test_the_default_backbone_is_the_best_that_is_here(home: Home) -> None:
    assert weights.default_backbone(home) == "brewclip-mini"
    put(home.weights / "RN50-cc12m.safetensors", tensors())
    weights.find("RN50/cc12m", home)
    assert weights.default_backbone(home) == "RN50/cc12m"
    for name in ("ViT-B-32/openai", CLIP, "ViT-L-14/openai"):
        put(home.weights / f"{name.replace('/', '-')}.safetensors", tensors())
        assert weights.default_backbone(home) == name
    assert states(home)["RN50/cc12m"] == "on disk"


# Damage

def test_bytes_that_changed_at_home_are_damaged_and_moved_aside(home: Home, small: Weights, pip: FakePip) -> None:
    path = weights.fetch(small.name, home)
    data = bytearray(path.read_bytes())
    data[data.index(EMBEDDING.tobytes()) + 5] ^= 1
    path.write_bytes(data)
    assert weights.find(small.name, home) is None
    with pytest.raises(WeightsError, match="moved aside") as caught:
        weights.verify(small.name, home)
    assert caught.value.kind == "damaged"
    assert not path.exists()
    assert path.with_name("small-whisper.pt.damaged").exists()
    assert weights.fetch(small.name, home) == path
    assert weights.verify(small.name, home) == path


def test_verify_sees_what_size_and_time_hide(home: Home, tmp_path: Path) -> None:
    for place, folder in ((home.weights, ""), (tmp_path / "models", str(tmp_path / "models"))):
        path = put(place / CLIP_FILE, tensors(1))
        assert weights.find(CLIP, home, folder) == path
        status = path.stat()
        path.write_bytes(tensors(2))
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
        assert weights.find(CLIP, home, folder) == path  # trusted unread: that is what a stamp is for
        with pytest.raises(WeightsError) as caught:
            weights.verify(CLIP, home, folder)
        assert caught.value.kind == "damaged"


def test_a_changed_file_without_a_known_hash_is_not_trusted_at_home_but_is_in_the_users_folder(
        home: Home, tmp_path: Path) -> None:
    for place, folder, found in ((home.weights, "", False), (tmp_path / "m", str(tmp_path / "m"), True)):
        path = put(place / CLIP_FILE, tensors(1))
        weights.find(CLIP, home, folder)
        path.write_bytes(tensors(2))
        os.utime(path, (1, 1))
        assert (weights.find(CLIP, home, folder) is not None) == found
        path.unlink()


def test_a_touched_file_is_still_good(home: Home, small: Weights, pip: FakePip) -> None:
    path = weights.fetch(small.name, home)
    os.utime(path, (1, 1))
    assert weights.find(small.name, home) == path == weights.verify(small.name, home)


def test_a_stamp_that_is_no_stamp_is_passed_over(home: Home, small: Weights, pip: FakePip) -> None:
    path = weights.fetch(small.name, home)
    for junk in ("", "[]", '{"name": 1}', "\0"):
        path.with_name(path.name + ".stamp").write_text(junk)
        assert weights.find(small.name, home) == path


def test_what_is_not_here_cannot_be_verified(home: Home) -> None:
    with pytest.raises(WeightsError) as caught:
        weights.verify(CLIP, home)
    assert caught.value.kind == "not_here"


def test_listing_says_damaged_of_half_a_file(home: Home) -> None:
    put(home.weights / CLIP_FILE, tensors()[:-10])
    assert states(home)[CLIP] == "damaged"
    assert states(home)["ViT-L-14/openai"] == "not here"


def test_a_stamp_with_any_damage_is_passed_over(home: Home, tmp_path: Path, damaged_values) -> None:
    path = tmp_path / "a.pt"
    path.write_bytes(b"x")
    found = weight_files.facts(path, "a", home)
    stamp = weight_files.stamp_path(path, home)
    for case in damaged_values(json.loads(stamp.read_text())):
        stamp.write_text(json.dumps(case))
        again = weight_files.facts(path, "a", home)
        assert again is not None and isinstance(again.sha256, str) and again.size == found.size
