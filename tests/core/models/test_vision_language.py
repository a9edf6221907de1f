"""Backbones: exactly open_clip's vectors, the bundled one's reference, threads, falling back, files that are wrong."""

import json
import shutil
import socket
import subprocess
import sys
import threading
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import open_clip
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from core import devices, images
from core.errors import ModelError
from core.models import backbones, open_clip_models, vision_language
from core.models.vision_language import VisionLanguage, load
from core.weights import WEIGHTS

pytestmark = pytest.mark.slow

MINI = Path(open_clip_models.__file__).parents[2] / "resources" / "models" / "brewclip-mini" / "model.safetensors"
TEXTS = ["a brown dog runs through the snow", "", "Zwölf Boxkämpfer!", "a cup of coffee " * 40]

TINY = {  # an open_clip model of its own architecture, small enough to build in every test
    "embed_dim": 32,
    "vision_cfg": {"image_size": 64, "layers": 2, "width": 64, "head_width": 32, "patch_size": 16},
    "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 2},
}


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing in this file may ask a hub, not even for a name's address."""
    def refuse(*arguments: Any, **_: Any) -> None:
        raise AssertionError(f"the network was asked: {arguments}")
    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


@pytest.fixture(scope="module")
def mini() -> VisionLanguage:
    return load("brewclip-mini", MINI, "cpu")


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Random weights of a model that open_clip knows as ViT-tiny-test."""
    folder = tmp_path_factory.mktemp("tiny")
    (folder / "ViT-tiny-test.json").write_text(json.dumps(TINY))
    open_clip.add_model_config(folder / "ViT-tiny-test.json")
    torch.manual_seed(0)
    save_file(open_clip.create_model("ViT-tiny-test").state_dict(), folder / "tiny.safetensors")
    yield folder / "tiny.safetensors"
    open_clip.factory._MODEL_CONFIG_PATHS.remove(folder / "ViT-tiny-test.json")
    del open_clip.factory._MODEL_CONFIGS["ViT-tiny-test"]


def unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def squares(count: int, size: int) -> np.ndarray:
    """Pictures with large shapes and noise, as `images.pixels` gives them."""
    random = np.random.default_rng(3)
    coarse = random.integers(0, 256, (count, 4, 4, 3), np.uint8)
    smooth = [np.asarray(Image.fromarray(one).resize((size, size), Image.Resampling.BICUBIC)) for one in coarse]
    return np.stack(smooth) // 2 + random.integers(0, 128, (count, size, size, 3), np.uint8)


# --- exactly open_clip's -----------------------------------------------------------------------------------------

def random_model(architecture: str, quick_gelu: bool) -> torch.nn.Module:
    """open_clip's model with small numbers from one random block: its own filling of ViT-L-14 takes ten seconds."""
    with open_clip_models._Unfilled():
        model = open_clip.create_model(architecture, force_quick_gelu=quick_gelu).eval()
    block = torch.randn(1 << 20, generator=torch.Generator().manual_seed(1)) * 0.03
    for name, value in model.named_parameters():
        shift = zlib.crc32(name.encode()) % (1 << 19)  # no two tensors alike
        for part in value.data.view(-1).split(1 << 19):
            part.copy_(block[shift:shift + part.numel()])
        if "ln_" in name and name.endswith("weight"):
            value.data += 1
    model.logit_scale.data.fill_(np.log(1 / 0.07))
    return model


def assert_within_rounding(ours: np.ndarray, theirs: np.ndarray) -> None:
    """Equal bits would hold for one processor and shape alone."""
    assert np.linalg.norm(ours - theirs, axis=1).max() <= 1e-5 * np.linalg.norm(theirs, axis=1).min()
    assert (unit(ours) * unit(theirs)).sum(axis=1).min() >= 1 - 1e-6


@pytest.mark.parametrize(("name", "count"), [("ViT-B-32/laion2b_s34b_b79k", 3), ("ViT-L-14/openai", 2)])
def test_vectors_are_open_clips_own_within_rounding(tmp_path: Path, name: str, count: int) -> None:
    architecture, _, tag = name.partition("/")
    theirs = random_model(architecture, quick_gelu=tag == "openai")
    preprocess = open_clip.image_transform(224, is_train=False)
    pictures = [Image.fromarray(one) for one in squares(count, 300)]
    with torch.inference_mode():
        expected_images = theirs.encode_image(torch.stack([preprocess(picture) for picture in pictures])).numpy()
        expected_texts = theirs.encode_text(open_clip.get_tokenizer(architecture)(TEXTS)).numpy()
    save_file(theirs.state_dict(), tmp_path / "model.safetensors")
    del theirs  # 1.7 GB for ViT-L-14

    ours = load(name, tmp_path / "model.safetensors", "cpu")
    seen = np.stack([images.pixels(picture, "centre", ours.image_size) for picture in pictures])
    assert_within_rounding(ours.encode_images(seen), expected_images)
    assert_within_rounding(ours.encode_texts(TEXTS).vectors, expected_texts)
    assert (ours.dim, ours.image_size) == (expected_images.shape[1], 224)
    assert unit(expected_images).std(axis=0).max() > 1e-3  # different pictures are told apart at all
    assert ours.logit_scale == pytest.approx(1 / 0.07, rel=1e-6)
    (tmp_path / "model.safetensors").unlink()


def test_another_activation_gives_other_vectors(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """OpenAI's models were trained with QuickGELU; which one is used comes with the tag, not with the architecture."""
    plain = load("ViT-tiny-test/own", tiny, "cpu").encode_texts(["a dog"]).vectors
    monkeypatch.setattr(open_clip, "get_pretrained_cfg", lambda *_: {"quick_gelu": True, "mean": (0.5,) * 3})
    quick = load("ViT-tiny-test/openai", tiny, "cpu")
    assert quick.built.mean == (0.5, 0.5, 0.5)
    assert not np.allclose(quick.encode_texts(["a dog"]).vectors, plain)


def test_checkpoints_of_training_and_plain_states_load_too(tiny: Path, tmp_path: Path) -> None:
    state = load_file(tiny)
    torch.save({"epoch": 3, "state_dict": {f"module.{key}": value for key, value in state.items()}}, tmp_path / "a.pt")
    torch.save(state, tmp_path / "b.bin")
    expected = load("ViT-tiny-test/own", tiny, "cpu").encode_texts(TEXTS).vectors
    for name in ("a.pt", "b.bin"):
        assert np.array_equal(load("ViT-tiny-test/own", tmp_path / name, "cpu").encode_texts(TEXTS).vectors, expected)


def test_no_parameter_is_left_as_the_memory_was(tiny: Path) -> None:
    """Building skips the random numbers, so each tensor has to come from the file."""
    ours = load("ViT-tiny-test/own", tiny, "cpu").built.model
    stored = load_file(tiny)
    assert {name for name, _ in ours.named_parameters()} == set(stored)
    assert all(torch.equal(value, stored[name]) for name, value in ours.state_dict().items())
    assert not any(value.requires_grad for value in ours.parameters())
    assert torch.equal(ours.attn_mask, torch.full((77, 77), float("-inf")).triu(1))


# --- the bundled one ---------------------------------------------------------------------------------------------

def reference_images() -> torch.Tensor:
    """The three made pictures of reference.json, already normalised: (3, 3, 224, 224)."""
    y, x = torch.meshgrid(torch.linspace(-1, 1, 224), torch.linspace(-1, 1, 224), indexing="ij")
    disc = torch.where(x * x + y * y < 0.3, 1.0, -1.0)
    return torch.stack([torch.stack([x, y, x * y]), torch.stack([disc] * 3), torch.zeros(3, 224, 224)])


def test_the_bundled_backbone_gives_its_reference_vectors(mini: VisionLanguage) -> None:
    reference = json.loads((MINI.parent / "reference.json").read_text())
    with torch.inference_mode():
        seen = unit(mini.built.model.encode_image(reference_images()).numpy())
    read = unit(mini.encode_texts(reference["texts"]).vectors)
    assert np.abs(seen[:, :8] - reference["image_vectors_first8"]).max() < 1e-4
    assert np.abs(read[:, :8] - reference["text_vectors_first8"]).max() < 1e-4
    assert mini.logit_scale == pytest.approx(reference["logit_scale"], abs=1e-3)
    assert (mini.dim, mini.image_size) == (384, 224)


def test_folding_the_batch_norms_changes_nothing(mini: VisionLanguage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(open_clip_models, "_fold_batch_norms", lambda _: None)
    plain = load("brewclip-mini", MINI, "cpu")
    norms = [part for part in plain.built.model.modules() if isinstance(part, torch.nn.BatchNorm2d)]
    assert len(norms) > 40
    assert not any(isinstance(part, torch.nn.BatchNorm2d) for part in mini.built.model.modules())
    pixels = squares(3, 224)
    assert np.abs(unit(mini.encode_images(pixels)) - unit(plain.encode_images(pixels))).max() < 1e-5


def test_a_picture_gets_the_same_vector_in_every_batch(mini: VisionLanguage, monkeypatch: pytest.MonkeyPatch) -> None:
    pixels = squares(7, 224)
    together = mini.encode_images(pixels)
    alone = np.concatenate([mini.encode_images(pixels[at:at + 1]) for at in range(7)])
    monkeypatch.setattr(vision_language, "PICTURES_AT_ONCE", 3)
    assert np.abs(unit(together) - unit(alone)).max() < 1e-5
    assert np.abs(unit(together) - unit(mini.encode_images(pixels))).max() < 1e-5


def test_what_the_interface_says_of_it(mini: VisionLanguage) -> None:
    assert mini.title == "BrewCLIP mini"
    assert "not CLIP" in mini.note
    assert "brewclip weights fetch ViT-L-14/openai" in mini.note
    seeing = [weights for weights in WEIGHTS if weights.kind == "vision-language"]
    assert [backbones.title(weights.name) for weights in seeing] == [weights.title for weights in seeing]
    assert [weights.name for weights in seeing if backbones.note(weights.name)] == ["brewclip-mini"]
    assert (mini.device, mini.precision, mini.fallback) == ("cpu", "float32", "")


def test_what_is_known_before_loading_needs_no_torch() -> None:
    code = "import sys, core.images, core.models.backbones; print({'torch', 'pi_heif'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True,
                          cwd=Path(open_clip_models.__file__).parents[2])
    assert done.stdout.strip() == "set()"


def test_the_fingerprint_tells_apart_what_decides_a_vector(mini: VisionLanguage, tiny: Path) -> None:
    facts = mini.fingerprint("centre").facts()
    sha256 = "f0f10a7f8e350fd0e73cc736ef8235f26acda6e7bfac6ab3722e42a0e89469d4"
    assert facts == {"backbone": "brewclip-mini", "weights": sha256, "checkpoint": "none", "crop": "centre",
                     "precision": "float32"}
    assert mini.fingerprint("centre") == backbones.fingerprint("brewclip-mini", sha256, "centre")
    others = [mini.fingerprint("squash"), load("ViT-tiny-test/own", tiny, "cpu").fingerprint("centre")]
    assert len({one.hash for one in [mini.fingerprint("centre"), *others]}) == 3


# --- use ---------------------------------------------------------------------------------------------------------

def test_tokens_that_do_not_fit_are_counted(mini: VisionLanguage) -> None:
    features = mini.encode_texts(["dog " * 75, "dog " * 76, "dog " * 100, "", "dog"])
    assert features.cut == (0, 1, 25, 0, 0)
    cut_off = mini.encode_texts(["dog " * 75]).vectors
    assert np.abs(features.vectors[1:3] - cut_off).max() < 1e-4


def test_nothing_in_gives_nothing_out(mini: VisionLanguage) -> None:
    texts = mini.encode_texts([])
    assert (texts.vectors.shape, texts.vectors.dtype, texts.cut) == ((0, 384), np.float32, ())
    assert mini.encode_images(np.empty((0, 224, 224, 3), np.uint8)).shape == (0, 384)


def test_vectors_are_not_normalised(mini: VisionLanguage) -> None:
    assert np.linalg.norm(mini.encode_texts(["a dog"]).vectors) > 2
    assert mini.encode_images(squares(1, 224)).dtype == np.float32


@pytest.mark.parametrize("pixels", [np.zeros((1, 3, 224, 224), np.uint8), np.zeros((1, 224, 224, 3), np.float32),
                                    np.zeros((224, 224, 3), np.uint8)])
def test_pixels_of_another_kind_are_refused(mini: VisionLanguage, pixels: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"not \(n, 224, 224, 3\) uint8"):
        mini.encode_images(pixels)


def test_read_only_and_turned_arrays_are_read(mini: VisionLanguage, recwarn: pytest.WarningsRecorder) -> None:
    pixels = squares(2, 224)
    expected = mini.encode_images(pixels)
    pixels.setflags(write=False)
    assert np.array_equal(mini.encode_images(pixels), expected)
    turned = np.ascontiguousarray(pixels.transpose(0, 2, 1, 3)).transpose(0, 2, 1, 3)
    assert_within_rounding(mini.encode_images(turned), expected)
    assert not recwarn.list


def test_many_threads_get_what_one_gets(mini: VisionLanguage) -> None:
    texts, pixels = [f"a picture of {number} dogs" for number in range(12)], squares(12, 224)
    alone = [(mini.encode_texts([text]).vectors, mini.encode_images(one[None]))
             for text, one in zip(texts, pixels, strict=True)]
    gate = threading.Barrier(4)

    def work(start: int) -> bool:
        gate.wait()
        return all(np.allclose(mini.encode_texts([texts[at]]).vectors, alone[at][0], atol=1e-4)
                   and np.allclose(mini.encode_images(pixels[at:at + 1]), alone[at][1], atol=1e-4)
                   for at in range(start, 12, 4))

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(work, range(4)))


# --- devices -----------------------------------------------------------------------------------------------------

def test_a_gpu_that_fails_at_once_leaves_the_cpu(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = devices.Device("cuda", torch.device("cuda", 99), torch.float16)
    monkeypatch.setattr(devices, "choose", lambda _: broken)
    ours = load("ViT-tiny-test/own", tiny, "cuda")
    assert ours.device == "cpu"
    assert ours.fallback.endswith("using the CPU.")
    monkeypatch.undo()
    assert np.array_equal(ours.encode_texts(TEXTS).vectors, load("ViT-tiny-test/own", tiny, "cpu").encode_texts(
        TEXTS).vectors)


def test_a_gpu_that_fails_later_costs_no_vector(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pretended = devices.Device("cuda", torch.device("cpu"), torch.float16)
    monkeypatch.setattr(devices, "choose", lambda _: pretended)
    ours = load("ViT-tiny-test/own", tiny, "auto")
    assert (ours.device, ours.fallback) == ("cuda", "")
    working, calls = ours.built.model.encode_image, []

    def out_of_memory(values: torch.Tensor) -> torch.Tensor:
        calls.append(ours.device)
        if ours.device == "cuda":
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20 GiB")
        return working(values)

    monkeypatch.setattr(ours.built.model, "encode_image", out_of_memory)
    vectors = ours.encode_images(squares(2, 64))
    assert calls == ["cuda", "cpu"]
    assert (ours.device, ours.precision, vectors.shape) == ("cpu", "float32", (2, 32))
    assert "CUDA out of memory" in ours.fallback


def test_a_failure_on_the_cpu_is_not_hidden(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ours = load("ViT-tiny-test/own", tiny, "cpu")
    monkeypatch.setattr(ours.built.model, "encode_text", lambda _: (_ for _ in ()).throw(RuntimeError("no memory")))
    with pytest.raises(RuntimeError, match="no memory"):
        ours.encode_texts(["a dog"])


# --- files that are wrong ----------------------------------------------------------------------------------------

def kind_of(name: str, path: Path) -> str:
    with pytest.raises(ModelError) as caught:
        load(name, path, "cpu")
    assert str(caught.value).endswith(".")
    return caught.value.kind


def test_wrong_files_and_names_are_told_apart(tiny: Path, tmp_path: Path) -> None:
    whole = tiny.read_bytes()
    for name in ("cut.safetensors", "cut.pt"):
        (tmp_path / name).write_bytes(whole[:len(whole) // 2])
        assert kind_of("ViT-tiny-test/own", tmp_path / name) == "damaged"
    (tmp_path / "text.pt").write_text("not found")
    assert kind_of("ViT-tiny-test/own", tmp_path / "text.pt") == "damaged"
    assert kind_of("ViT-tiny-test/own", tmp_path / "gone.pt") == "missing"
    assert kind_of("ViT-B-32/openai", tiny) == "wrong_weights"
    assert kind_of("ViT-nonsense/openai", tiny) == "unknown"
    assert kind_of("xlm-roberta-base-ViT-B-32/laion5b_s13b_b90k", tiny) == "no_tokenizer"
    assert kind_of("brewclip-mini", tiny) == "damaged"  # no config.json beside it


def test_a_hybrid_with_the_weights_of_another(tiny: Path, tmp_path: Path) -> None:
    shutil.copy(MINI.parent / "config.json", tmp_path)
    shutil.copy(tiny, tmp_path / "model.safetensors")
    assert kind_of("brewclip-mini", tmp_path / "model.safetensors") == "wrong_weights"


def test_programs_are_not_run(tmp_path: Path, tiny: Path) -> None:
    torch.jit.script(torch.nn.Linear(2, 2)).save(str(tmp_path / "program.pt"))
    assert kind_of("ViT-tiny-test/openai", tmp_path / "program.pt") == "program"

    class Payload:
        def __reduce__(self) -> tuple[Any, ...]:
            return (Path.touch, (tmp_path / "was_run",))

    torch.save({"state_dict": Payload()}, tmp_path / "evil.pt")
    assert kind_of("ViT-tiny-test/openai", tmp_path / "evil.pt") == "damaged"
    assert not (tmp_path / "was_run").exists()


def test_an_unknown_device_is_refused(tiny: Path) -> None:
    with pytest.raises(ModelError, match="no device 'tpu'"):
        load("ViT-tiny-test/own", tiny, "tpu")


# --- real pictures -----------------------------------------------------------------------------------------------

def recall(ranks: np.ndarray) -> tuple[float, ...]:
    return tuple(round(100 * float(np.mean(ranks < top)), 1) for top in (1, 5, 10))


def spoken_captions(folder: Path) -> tuple[list[str], list[str], np.ndarray]:
    """The test split's picture names, the captions that have a recording, and for each its picture's place."""
    names = (folder / "Flickr8k_text" / "Flickr_8k.testImages.txt").read_text().split()
    lines = (folder / "Flickr8k_text" / "Flickr8k.token.txt").read_text(encoding="utf-8").splitlines()
    captions = dict(line.split("\t") for line in lines if line)
    recorded = [line.split() for line in (folder / "flickr_audio" / "wav2capt.txt").read_text().splitlines()]
    keys = [(name, name + number) for _, name, number in recorded if name in set(names)]
    return names, [captions[key] for _, key in keys], np.array([names.index(name) for name, _ in keys])


@pytest.mark.data
def test_captions_find_their_pictures(mini: VisionLanguage, development_data: Path) -> None:
    names, captions, wanted = spoken_captions(development_data / "flickr8k")
    folder = development_data / "flickr8k" / "Flicker8k_Dataset"
    seen = np.stack([images.pixels(images.read(folder / name).rgb, "centre", 224) for name in names])
    pictures = unit(mini.encode_images(seen))
    cosines = unit(mini.encode_texts(captions).vectors) @ pictures.T
    to_image = (cosines > cosines[np.arange(len(captions)), wanted][:, None]).sum(axis=1)
    own = wanted[None, :] == np.arange(len(names))[:, None]
    best = np.where(own, cosines.T, -np.inf).max(axis=1)
    to_text = ((best[:, None] < cosines.T) & ~own).sum(axis=1)
    print(f"captions to pictures {recall(to_image)}, pictures to captions {recall(to_text)}, {len(captions)} captions")
    assert len(captions) == 396
    assert all(np.array(recall(to_image)) >= (43, 75, 85))
    assert all(np.array(recall(to_text)) >= (50, 78, 88))
