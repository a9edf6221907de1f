"""Fetching weights by open_clip, from a hub on this machine."""

import json
import os
from pathlib import Path

import pytest

from core import weights
from core.errors import WeightsError
from core.home import Home
from core.pretrained import pins, weight_files, weight_sources
from core.progress import Progress
from tests.core.pretrained.fake_sources import CLIP, FakeHub, Shop, Shopkeeper, sha256, states, tensors

# Fetching by open_clip

def test_a_model_of_open_clip_comes_by_its_own_download(home: Home, hub: FakeHub) -> None:
    said: list[Progress] = []
    path = weights.fetch("RN50/cc12m", home, report=said.append)
    assert path == home.weights / "RN50-cc12m.safetensors"
    assert path.read_bytes() == hub.data
    assert not path.is_symlink()
    assert weights.find("RN50/cc12m", home) == path == weights.verify("RN50/cc12m", home)
    assert states(home)["RN50/cc12m"] == "on disk"
    assert "CLIP RN50 (cc12m) from open_clip's model hub" in {progress.subject for progress in said}


def test_a_hub_file_of_an_old_kind_is_trusted_by_its_hash(home: Home, hub: FakeHub) -> None:
    hub.data, hub.file = b"\x80\x02 a pickle of old", "open_clip_pytorch_model.bin"
    path = weights.fetch(CLIP, home)
    assert path.suffix == ".bin"
    os.utime(path, (1, 1))
    assert weights.find(CLIP, home) == path


def test_other_bytes_than_the_first_time_are_refused_and_both_are_kept(home: Home, hub: FakeHub) -> None:
    first, hub_sent_first = weights.fetch(CLIP, home), hub.data
    assert pins.read(CLIP, home) == pins.Pin(sha256(hub.data), "the model hub", pins.read(CLIP, home).day)
    first.write_bytes(b"damaged")  # the next fetch downloads again
    hub.data = tensors(2.0)
    with pytest.raises(WeightsError, match="--trust-new") as caught:
        weights.fetch(CLIP, home)
    assert caught.value.kind == "changed" and sha256(hub.data)[:12] in str(caught.value)
    assert first.read_bytes() == b"damaged" and pins.refused(first).read_bytes() == hub.data
    assert weights.find(CLIP, home) is None, "what was refused is not used"
    hub.data = hub_sent_first
    assert weights.fetch(CLIP, home).read_bytes() == hub_sent_first


def test_a_person_may_trust_what_was_refused(home: Home, hub: FakeHub, monkeypatch: pytest.MonkeyPatch) -> None:
    path = weights.fetch(CLIP, home)
    path.unlink()
    hub.data = new = tensors(2.0)
    with pytest.raises(WeightsError):
        weights.fetch(CLIP, home)
    monkeypatch.setattr(weight_sources, "_open_clip", lambda *_: pytest.fail("downloaded again"))
    assert weights.fetch(CLIP, home, trust_new=True).read_bytes() == new
    assert not pins.refused(path).exists() and pins.read(CLIP, home).sha256 == sha256(new)


def test_to_trust_what_comes_next_forgets_what_came_first(home: Home, hub: FakeHub) -> None:
    weights.fetch(CLIP, home).unlink()
    hub.data = tensors(2.0)
    assert weights.fetch(CLIP, home, trust_new=True).read_bytes() == hub.data
    assert pins.read(CLIP, home).sha256 == sha256(hub.data)


def test_names_have_digests_of_their_own_and_a_damaged_list_trusts_nothing(home: Home, hub: FakeHub) -> None:
    weights.fetch(CLIP, home)
    hub.data = tensors(3.0)
    weights.fetch("RN50/cc12m", home)
    assert pins.read(CLIP, home).sha256 != pins.read("RN50/cc12m", home).sha256
    for found in (None, [], {CLIP: 3}, {CLIP: {"sha256": 3, "source": "", "day": ""}}, {CLIP: {}}):
        (home.weights / "digests.json").write_text(json.dumps(found))
        with pytest.raises(WeightsError) as raised:
            pins.read(CLIP, home)
        assert raised.value.kind == "pins" and "--trust-new" in str(raised.value)
    pins.forget(CLIP, home)
    (home.weights / "digests.json").write_text("[")
    pins.forget(CLIP, home)
    assert pins.read(CLIP, home) is None and (home.weights / "digests.damaged").read_text() == "["
    pins.keep(CLIP, "00", "here", home)
    assert pins.read(CLIP, home).sha256 == "00"
    pins.keep(CLIP, "11", "there", home)
    assert pins.read(CLIP, home).sha256 == "00", "the first stays"


def test_a_pin_comes_back_when_nothing_came_to_trust(home: Home) -> None:
    pins.keep(CLIP, "00", "here", home)
    with pytest.raises(WeightsError), pins.forgotten(CLIP, home):
        assert pins.read(CLIP, home) is None
        raise WeightsError("The hub is not reached.", "offline")
    assert pins.read(CLIP, home).sha256 == "00"


def test_a_file_that_is_replaced_while_it_is_loaded_is_not_used(tmp_path: Path) -> None:
    path, other = tmp_path / "a.safetensors", tmp_path / "b.safetensors"
    for each in (path, other):
        each.write_bytes(tensors())
    with weight_files.unchanged(path):
        path.read_bytes()
    for change in (lambda: other.replace(path), lambda: path.write_bytes(tensors(2.0)), path.unlink):
        with pytest.raises(WeightsError) as caught, weight_files.unchanged(path):
            change()
        assert caught.value.kind == "changed"
    path.write_bytes(tensors())
    status = path.stat()
    with pytest.raises(WeightsError), weight_files.unchanged(path):
        path.write_bytes(tensors(3.0))
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))  # the time of change is set back


def test_a_backbone_that_is_replaced_while_it_is_loaded_is_not_used(tmp_path: Path,
                                                                    monkeypatch: pytest.MonkeyPatch) -> None:
    from core.models import vision_language

    path = tmp_path / "a.safetensors"
    path.write_bytes(tensors())
    monkeypatch.setattr(vision_language, "build", lambda name, path: path.write_bytes(tensors(2.0)))
    monkeypatch.setattr(vision_language, "VisionLanguage", lambda *parts: parts)
    with pytest.raises(WeightsError) as caught:
        vision_language.load("RN50/x", path, "cpu")
    assert caught.value.kind == "changed"


def test_other_bytes_than_the_hub_promised_are_refused(home: Home, hub: FakeHub) -> None:
    hub.promised = "0" * 64
    with pytest.raises(WeightsError, match="other bytes than it promised") as caught:
        weights.fetch(CLIP, home)
    assert caught.value.kind == "wrong_bytes"
    assert weights.find(CLIP, home) is None


def test_a_program_from_the_web_is_converted_where_the_hub_is_not_reached(
        home: Home, tmp_path: Path, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    torch.jit.script(torch.nn.Linear(2, 2)).save(str(tmp_path / "program.pt"))
    shop.body = (tmp_path / "program.pt").read_bytes()
    config = {"url": shop.url(f"{sha256(shop.body)}/ViT-L-14.pt"), "hf_hub": "x/"}
    monkeypatch.setattr(weight_sources, "open_clip_config", lambda source: config)
    monkeypatch.setattr(weight_sources, "_hub", refuses)
    path = weights.fetch("ViT-L-14/openai", home)
    assert path == home.weights / "ViT-L-14-openai.safetensors"
    assert weights.default_backbone(home) == "ViT-L-14/openai"


def refuses(*_: object) -> None:
    raise WeightsError("hub.invalid could not be reached: no network.", "unreachable")


def test_a_program_that_nobody_vouches_for_is_never_opened(home: Home, tmp_path: Path, shop: Shop,
                                                           monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    torch.jit.script(torch.nn.Linear(2, 2)).save(str(tmp_path / "program.pt"))
    shop.body = (tmp_path / "program.pt").read_bytes()
    monkeypatch.setattr(weight_sources, "open_clip_config", lambda source: {"url": shop.url("model.pt")})
    with pytest.raises(WeightsError, match="is not opened"):
        weights.fetch("RN50/cc12m", home)


def test_both_ways_of_open_clip_are_told_when_both_fail(home: Home, shop: Shop,
                                                        monkeypatch: pytest.MonkeyPatch) -> None:
    config = {"url": shop.url(f"{'0' * 64}/ViT-L-14.pt"), "hf_hub": "x/"}
    monkeypatch.setattr(weight_sources, "open_clip_config", lambda source: config)
    monkeypatch.setattr(weight_sources, "_hub", refuses)
    with pytest.raises(WeightsError) as caught:
        weights.fetch("ViT-L-14/openai", home)
    assert "hub.invalid could not be reached" in str(caught.value)
    assert "answered 404" in str(caught.value)
    assert "ViT-L-14-openai.safetensors" in str(caught.value)


def test_what_open_clip_has_not_is_unknown(home: Home) -> None:
    with pytest.raises(WeightsError, match="Near it are ViT-L-14/openai") as caught:
        weights.fetch("ViT-L-14/openia", home)
    assert caught.value.kind == "unknown"


class _HubKeeper(Shopkeeper):
    """Speaks as the model hub does: a large file's ETag is its SHA-256."""

    def do_HEAD(self) -> None:
        self.answer()

    def do_GET(self) -> None:
        self.server.served += 1
        self.answer()
        self.wfile.write(self.server.body or b"")

    def answer(self) -> None:
        body = self.server.body or b""
        self.send_response(200 if self.path.endswith("/resolve/main/open_clip_model.safetensors") else 404)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("ETag", f'"{sha256(body)}"')
        self.send_header("X-Repo-Commit", "1" * 40)
        self.end_headers()


@pytest.mark.slow
def test_open_clips_own_client_and_the_hubs_talk_to_a_hub_on_this_machine(
        home: Home, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    shop.RequestHandlerClass = _HubKeeper
    shop.body = tensors()
    monkeypatch.setenv("HF_ENDPOINT", shop.url("").rstrip("/"))
    monkeypatch.setattr(constants, "ENDPOINT", shop.url(""))
    path = weights.fetch(CLIP, home)
    assert path.read_bytes() == shop.body
    known = weight_files.read_stamp(path, home)
    assert known is not None
    assert known.sha256 == sha256(shop.body)
    assert not (home.weights / "fetching" / "ViT-B-32-laion2b_s34b_b79k").exists()
