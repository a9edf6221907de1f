"""Fetching tokenizer files with the weights, from a hub on this machine."""

from pathlib import Path

import pytest

from core import weights
from core.errors import WeightsError
from core.home import Home
from core.pretrained import weight_sources
from tests.core.pretrained.fake_sources import FakeHub, Shop, Shopkeeper, sha256, tensors

SIGLIP = "ViT-B-16-SigLIP2/webli"
FOLDER = "ViT-B-16-SigLIP2-webli"


def writes(files: dict[str, str]) -> object:
    """A stand-in for `text_files` that brings these."""
    def bring(repository: str, folder: Path, *_: object) -> list[Path]:
        assert repository == "timm/ViT-B-16-SigLIP2"
        for name, text in files.items():
            (folder / name).write_text(text)
        return [folder / name for name in files]
    return bring


def test_the_tokenizer_comes_with_the_weights(home: Home, hub: FakeHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weight_sources, "text_files", writes({"tokenizer.json": "{}", "tokenizer_config.json": "1"}))
    path = weights.fetch(SIGLIP, home)
    assert path == home.weights / f"{FOLDER}.safetensors"
    assert {file.name for file in (home.weights / FOLDER).iterdir()} == {"tokenizer.json", "tokenizer_config.json"}
    assert not (home.weights / "fetching" / FOLDER).exists()
    monkeypatch.setattr(weight_sources, "text_files", lambda *_: pytest.fail("fetched again"))
    assert weights.fetch(SIGLIP, home) == path


def test_weights_that_are_here_without_their_tokenizer_get_it(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    home.weights.mkdir(parents=True, exist_ok=True)
    (home.weights / f"{FOLDER}.safetensors").write_bytes(tensors())
    monkeypatch.setattr(weight_sources, "text_files", writes({"tokenizer.json": "{}"}))
    weights.fetch(SIGLIP, home)
    assert (home.weights / FOLDER / "tokenizer.json").read_text() == "{}"


def test_a_hub_that_is_not_reached_or_has_no_tokenizer_is_said(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    home.weights.mkdir(parents=True, exist_ok=True)
    (home.weights / f"{FOLDER}.safetensors").write_bytes(tensors())

    def refuse(*_: object) -> None:
        raise WeightsError("hub.invalid could not be reached: no network.", "unreachable")

    monkeypatch.setattr(weight_sources, "text_files", refuse)
    with pytest.raises(WeightsError, match=r"put tokenizer\.json and tokenizer_config\.json into") as caught:
        weights.fetch(SIGLIP, home)
    assert caught.value.kind == "unreachable" and "hub.invalid" in str(caught.value)
    monkeypatch.setattr(weight_sources, "text_files", writes({"config.json": "{}"}))
    with pytest.raises(WeightsError, match="has no tokenizer") as caught:
        weights.fetch(SIGLIP, home)
    assert caught.value.kind == "refused" and weights.find(SIGLIP, home)


FILES = {"open_clip_model.safetensors": tensors(), "tokenizer.json": b'{"model": 1}', "spiece.model": b"large",
         "tokenizer_config.json": b'{"tokenizer_class": "T5Tokenizer"}'}


class _HubKeeper(Shopkeeper):
    """Speaks as the model hub does, for the files of two repositories."""

    def do_HEAD(self) -> None:
        self.answer()

    def do_GET(self) -> None:
        self.wfile.write(self.answer())

    def answer(self) -> bytes:
        self.server.served += 1
        body = FILES.get(self.path.rpartition("/")[2]) if "/resolve/main/" in self.path else None
        self.send_response(200 if body is not None else 404)
        if body is None and "/resolve/" in self.path:
            self.send_header("X-Error-Code", "EntryNotFound")
        self.send_header("Content-Length", str(len(body or b"")))
        self.send_header("ETag", f'"{sha256(body or b"")}"')
        self.send_header("X-Repo-Commit", "1" * 40)
        self.end_headers()
        return body or b""


@pytest.mark.slow
def test_the_hubs_own_client_brings_both(home: Home, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    shop.RequestHandlerClass = _HubKeeper
    shop.body = b""
    monkeypatch.setenv("HF_ENDPOINT", shop.url("").rstrip("/"))
    monkeypatch.setattr(constants, "ENDPOINT", shop.url(""))
    assert weights.fetch(SIGLIP, home).read_bytes() == tensors()
    files = {file.name: file.read_bytes() for file in (home.weights / FOLDER).iterdir()}
    assert files == {name: FILES[name] for name in ("tokenizer.json", "tokenizer_config.json")}, (
        "a tokenizer.json makes the sentencepiece model needless")
    assert not any(file.is_symlink() for file in (home.weights / FOLDER).iterdir())
