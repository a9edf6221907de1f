"""A trained model in the place of its backbone: its vectors, the voice's part, and where no voice is listened to."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import open_clip
import pytest
import torch
from open_clip.model import CLIP, CLIPTextCfg, CLIPVisionCfg

from core import devices
from core.asr.transcript import EncodedUtterance, Transcript
from core.errors import ModelError
from core.models import backbones, checkpoints
from core.models.brewclip import BrewCLIP
from core.models.checkpoints import Run
from core.models.open_clip_models import Built
from core.models.trained import TrainedModel
from core.models.variants import BrewClipOptions
from core.models.vision_language import VisionLanguage

RUN = Run("full", BrewClipOptions(heads=4, feed_forward=32, acoustic_weight=0.5), "ViT-tiny-test/own", "ab" * 32,
          "Whisper base", 20, "own", "centre")
PIXELS = np.random.default_rng(0).integers(0, 255, (3, 32, 32, 3)).astype(np.uint8)
SAID = EncodedUtterance(Transcript("a brown dog runs", "en", (), -0.3, 0.01, 1.1),
             (np.random.default_rng(5).normal(size=(30, 20)).astype(np.float16),))


@pytest.fixture(scope="module")
def backbone() -> VisionLanguage:
    torch.manual_seed(0)
    clip = CLIP(32, CLIPVisionCfg(image_size=32, layers=1, width=64, head_width=32, patch_size=16),
                CLIPTextCfg(width=48, heads=2, layers=1))
    built = Built(clip.eval().requires_grad_(False), open_clip.SimpleTokenizer(), 77, 32, 32, (0.5,) * 3, (0.3,) * 3,
                  channels_last=False)
    return VisionLanguage("ViT-tiny-test/own", built, "ab" * 32, devices.CPU)


def trained(backbone: VisionLanguage, folder: Path, run: Run = RUN) -> tuple[TrainedModel, BrewCLIP]:
    torch.manual_seed(1)
    model = BrewCLIP(backbone.built, run.variant, run.options, run.speech_width).eval()
    checkpoints.save(folder, model, run)
    return TrainedModel(checkpoints.read(folder), backbone), model


@pytest.mark.slow
def test_its_vectors_are_those_of_the_trained_towers(backbone: VisionLanguage, tmp_path: Path) -> None:
    ours, model = trained(backbone, tmp_path / "run")
    with torch.no_grad():
        texts = model.encode_tokens(model.tokens(["a dog", "two cats"])[0]).numpy()
        pictures = model.encode_stem(model.image_stem(PIXELS)).numpy()
    assert np.allclose(ours.encode_texts(["a dog", "two cats"]).vectors, texts, atol=1e-5)
    assert np.allclose(ours.encode_images(PIXELS), pictures, atol=1e-5)
    assert not np.allclose(pictures, backbone.encode_images(PIXELS), atol=1e-3)
    assert (ours.dim, ours.image_size, ours.device, ours.uses_speech) == (32, 32, "cpu", True)


def test_the_voice_is_the_part_of_the_sum_that_the_words_are_not(backbone: VisionLanguage, tmp_path: Path) -> None:
    ours, model = trained(backbone, tmp_path / "run")
    found = ours.encode_speech([SAID, SAID])
    words = ours.encode_texts([SAID.transcript.text]).vectors[0]
    assert np.allclose(found.vectors[0] - found.voice[0], words, atol=1e-5)
    with torch.no_grad():
        features = model.encode_speech(model.collate([SAID.transcript], [SAID.states]))
    assert features.acoustic is not None
    assert np.allclose(found.voice[0], 0.5 * features.acoustic[0].numpy(), atol=1e-5)
    assert found.cut == (0, 0)


def test_without_words_in_use_the_voice_is_all(backbone: VisionLanguage, tmp_path: Path) -> None:
    ours, _ = trained(backbone, tmp_path / "run", replace(RUN, variant="e2e"))
    found = ours.encode_speech([SAID])
    assert np.array_equal(found.vectors, found.voice)
    assert not ours.uses_text


def test_prompts_take_room_from_the_words(backbone: VisionLanguage, tmp_path: Path) -> None:
    ours, _ = trained(backbone, tmp_path / "run")
    texts = ["dog " * 71, "dog " * 72]
    assert backbone.encode_texts(texts).cut == (0, 0)
    assert ours.encode_texts(texts).cut == (0, 1)
    assert ours.encode_speech([replace(SAID, transcript=replace(SAID.transcript, text=texts[1]))]).cut == (1,)


def test_the_fingerprint_is_known_without_loading_the_model(backbone: VisionLanguage, tmp_path: Path) -> None:
    ours, _ = trained(backbone, tmp_path / "run")
    assert checkpoints.fingerprint_of(tmp_path / "run", "squash") == ours.fingerprint("squash")
    assert ours.fingerprint("centre") != backbone.fingerprint("centre")
    (tmp_path / "run" / checkpoints.TENSORS).write_bytes(b"torn")
    with pytest.raises(ModelError, match="damaged"):
        checkpoints.fingerprint_of(tmp_path / "run", "centre")


def test_a_checkpoint_is_found_in_a_run_or_by_itself(backbone: VisionLanguage, tmp_path: Path) -> None:
    trained(backbone, tmp_path / "run" / checkpoints.BEST)
    best = tmp_path / "run" / checkpoints.BEST
    assert checkpoints.find(tmp_path / "run") == best == checkpoints.find(best)
    for path in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(ModelError, match="no trained model") as caught:
            checkpoints.find(path)
        assert caught.value.kind == "missing"


@pytest.mark.parametrize(("dev", "bare", "expected"), [
    ({"score": 62.1}, {"score": 62.1}, True), ({"score": 62.0}, {"score": 62.1}, False), ({}, {}, False),
    ({"score": 62.0}, None, False)])
def test_a_run_is_no_worse_only_when_it_says_so(dev: dict, bare: dict | None, expected: bool) -> None:
    metrics = {"dev": dev} if bare is None else {"dev": dev, "zero_shot": bare}
    assert checkpoints.no_worse(replace(RUN, metrics=metrics)) is expected


def test_titles_say_what_is_used() -> None:
    assert checkpoints.title(RUN) == f"{backbones.title(RUN.backbone)}, words and voice"
    assert checkpoints.title(replace(RUN, variant="e2e")).endswith("voice alone")
