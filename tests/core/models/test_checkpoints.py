"""Checkpoints: what is in the folder, what survives a crash, and what is said when something does not fit."""

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import open_clip
import pytest
import torch
from open_clip.model import CLIP, CLIPTextCfg, CLIPVisionCfg
from safetensors.torch import load_file, save_file

from core import __version__, devices
from core.asr.transcript import Transcript
from core.errors import ModelError
from core.models import backbones, checkpoints
from core.models.brewclip import BrewCLIP
from core.models.checkpoints import Run
from core.models.open_clip_models import Built
from core.models.variants import BrewClipOptions
from core.models.vision_language import VisionLanguage

OPTIONS = BrewClipOptions(heads=4, feed_forward=32, gate=True)
RUN = Run("full", OPTIONS, "ViT-tiny-test/own", "ab" * 32, "Whisper base", 20, "own", "centre",
          {"kind": "flickr8k", "train": 918}, {"dev": {"R@1": 47.5}}, seed=3)
SAID = Transcript("a brown dog runs", "en", (), -0.3, 0.01, 1.1)


def backbone(sha256: str = "ab" * 32, name: str = "ViT-tiny-test/own", width: int = 64) -> VisionLanguage:
    torch.manual_seed(0)
    clip = CLIP(32, CLIPVisionCfg(image_size=32, layers=1, width=width, head_width=32, patch_size=16),
                CLIPTextCfg(width=48, heads=2, layers=1))
    built = Built(clip.eval().requires_grad_(False), open_clip.SimpleTokenizer(), 77, 32, 32, (0.5,) * 3, (0.3,) * 3,
                  channels_last=False)
    return VisionLanguage(name, built, sha256, devices.CPU)


@pytest.fixture(scope="module")
def seeing() -> VisionLanguage:
    return backbone()


def model(seeing: VisionLanguage, run: Run = RUN, seed: int = 1) -> BrewCLIP:
    torch.manual_seed(seed)
    return BrewCLIP(seeing.built, run.variant, run.options, run.speech_width).eval()


def vectors(ours: BrewCLIP) -> list[torch.Tensor]:
    """Of a picture and an utterance; the picture with prompts depends on them, the utterance on all else."""
    states = [(np.random.default_rng(5).normal(size=(30, 20)).astype(np.float16),)]
    with torch.no_grad():
        features = ours(ours.image_stem(np.full((1, 32, 32, 3), 90, np.uint8)), ours.collate([SAID], states))
    return [features.image, features.speech.spoken, features.scale]


def kind_of(work: Callable[[], Any]) -> str:
    with pytest.raises(ModelError) as caught:
        work()
    assert str(caught.value).endswith(".")
    return caught.value.kind


# --- there and back ------------------------------------------------------------------------------------------------

@pytest.mark.slow
@pytest.mark.parametrize("variant", ["zero-shot", "prompted", "e2e", "full"])
def test_a_model_comes_back_as_it_was(tmp_path: Path, seeing: VisionLanguage, variant: str) -> None:
    run = replace(RUN, variant=variant)
    saved = model(seeing, run)
    for each in saved.trained().values():
        each.data += 0.01
    checkpoints.save(tmp_path / "run", saved, run)
    torch.manual_seed(9)
    loaded = checkpoints.load(tmp_path / "run", backbone())
    assert all(torch.equal(ours, theirs) for ours, theirs in zip(vectors(loaded), vectors(saved), strict=True))
    assert not loaded.training
    assert checkpoints.read_run(tmp_path / "run") == run


def test_the_folder_holds_the_trained_tensors_alone(tmp_path: Path, seeing: VisionLanguage) -> None:
    saved = model(seeing)
    checkpoints.save(tmp_path / "run", saved, RUN)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["run"]
    assert sorted(each.name for each in (tmp_path / "run").iterdir()) == [
        "README.md", "config.json", "model.safetensors", "run.json"]
    assert set(load_file(tmp_path / "run" / "model.safetensors")) == set(saved.trained())
    facts = json.loads((tmp_path / "run" / "run.json").read_text())
    assert facts["options"]["gate"] is True
    assert (facts["backbone"], facts["dataset"]["train"], facts["metrics"]["dev"]["R@1"], facts["seed"],
            facts["version"]) == ("ViT-tiny-test/own", 918, 47.5, 3, __version__)


def test_a_run_that_is_not_the_models_is_refused(tmp_path: Path, seeing: VisionLanguage) -> None:
    with pytest.raises(ValueError, match="another model"):
        checkpoints.save(tmp_path / "run", model(seeing), replace(RUN, variant="e2e"))
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_runs_are_listed_without_torch(tmp_path: Path, seeing: VisionLanguage) -> None:
    checkpoints.save(tmp_path / "run", model(seeing), RUN)
    code = ("import sys; from pathlib import Path; from core.models import checkpoints; "
            f"print(checkpoints.read_run(Path({str(tmp_path / 'run')!r})).variant, 'torch' in sys.modules)")
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True,
                          cwd=Path(checkpoints.__file__).parents[2]).stdout.split() == ["full", "False"]


# --- crashes -------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("survived", [0, 1])
def test_a_crash_while_saving_keeps_the_last_good_one(tmp_path: Path, seeing: VisionLanguage,
                                                      monkeypatch: pytest.MonkeyPatch, survived: int) -> None:
    """The machine stops before the first, or between the two renames."""
    folder, first, second = tmp_path / "run", model(seeing, seed=1), model(seeing, seed=2)
    checkpoints.save(folder, first, RUN)
    rename, done = Path.replace, []

    def stop(path: Path, target: Path) -> Path:
        if len(done) == survived:
            raise KeyboardInterrupt
        done.append(path)
        return rename(path, target)

    monkeypatch.setattr(Path, "replace", stop)
    with pytest.raises(KeyboardInterrupt):
        checkpoints.save(folder, second, RUN)
    assert torch.equal(checkpoints.read(folder).tensors["prompts"], first.prompts)  # and reading moves nothing
    monkeypatch.undo()
    checkpoints.save(folder, second, replace(RUN, seed=4))
    assert torch.equal(checkpoints.read(folder).tensors["prompts"], second.prompts)
    assert checkpoints.read_run(folder).seed == 4
    assert [each.name for each in tmp_path.iterdir()] == ["run"]


def test_a_full_disk_leaves_the_old_one(tmp_path: Path, seeing: VisionLanguage,
                                        monkeypatch: pytest.MonkeyPatch) -> None:
    folder, first = tmp_path / "run", model(seeing, seed=1)
    checkpoints.save(folder, first, RUN)

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(checkpoints, "_write", full)
    with pytest.raises(OSError, match="No space"):
        checkpoints.save(folder, model(seeing, seed=2), RUN)
    assert torch.equal(checkpoints.read(folder).tensors["prompts"], first.prompts)
    assert [each.name for each in tmp_path.iterdir()] == ["run"]


def test_a_save_between_the_two_reads_is_noticed(tmp_path: Path, seeing: VisionLanguage,
                                                 monkeypatch: pytest.MonkeyPatch) -> None:
    folder, second = tmp_path / "run", model(seeing, seed=2)
    checkpoints.save(folder, model(seeing, seed=1), RUN)
    read, looks = checkpoints._read, []

    def meanwhile(place: Path, name: str) -> bytes:
        looks.append(name)
        if len(looks) == 2:
            checkpoints.save(folder, second, replace(RUN, seed=8))
        return read(place, name)

    monkeypatch.setattr(checkpoints, "_read", meanwhile)
    found = checkpoints.read(folder)
    assert found.run.seed == 8
    assert torch.equal(found.tensors["prompts"], second.prompts)


# --- what does not fit ---------------------------------------------------------------------------------------------

def test_folders_that_are_no_model_are_told_apart(tmp_path: Path, seeing: VisionLanguage) -> None:
    folder = tmp_path / "run"
    assert kind_of(lambda: checkpoints.read(folder)) == "missing"
    folder.mkdir()
    assert kind_of(lambda: checkpoints.read(folder)) == "missing"
    checkpoints.save(folder, model(seeing), RUN)
    tensors, facts = (folder / "model.safetensors").read_bytes(), json.loads((folder / "run.json").read_text())
    (folder / "model.safetensors").write_bytes(tensors[:-8])
    assert kind_of(lambda: checkpoints.read(folder)) == "damaged"
    (folder / "model.safetensors").unlink()
    assert kind_of(lambda: checkpoints.read(folder)) == "missing"
    (folder / "model.safetensors").write_bytes(tensors)
    for changed, kind in (({"format": 2}, "newer"), ({"options": {"telepathy": 1}}, "newer"),
                          ({"options": {"heads": 0}}, "options"), ({"variant": "half"}, "unknown"), ([], "damaged")):
        (folder / "run.json").write_text(json.dumps(changed and {**facts, **changed}))
        assert kind_of(lambda: checkpoints.read(folder)) == kind, changed
    (folder / "run.json").write_text("{")
    assert kind_of(lambda: checkpoints.read_run(folder)) == "damaged"


@pytest.mark.slow
def test_another_backbone_is_refused(tmp_path: Path, seeing: VisionLanguage) -> None:
    checkpoints.save(tmp_path / "run", model(seeing), RUN)
    for other, words in ((backbone(sha256="cd" * 32), "other weights"),
                         (backbone(name="ViT-L-14/openai"), "was trained on CLIP ViT-tiny-test")):
        with pytest.raises(ModelError, match=words) as caught:
            checkpoints.load(tmp_path / "run", other)
        assert caught.value.kind == "wrong_backbone"


def test_tensors_that_do_not_fit_are_named(tmp_path: Path, seeing: VisionLanguage) -> None:
    folder = tmp_path / "run"
    checkpoints.save(folder, model(seeing), RUN)
    kept, facts = load_file(folder / "model.safetensors"), json.loads((folder / "run.json").read_text())

    def says(tensors: dict[str, torch.Tensor]) -> str:
        save_file(tensors, folder / "model.safetensors")
        digest = checkpoints.hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()
        (folder / "run.json").write_text(json.dumps({**facts, "tensors": digest}))
        with pytest.raises(ModelError) as caught:
            checkpoints.load(folder, seeing)
        assert caught.value.kind == "wrong_tensors"
        return str(caught.value)

    assert "gate.weigh.bias is missing" in says({name: each for name, each in kept.items() if name[:6] != "gate.w"
                                                 or name != "gate.weigh.bias"})
    assert "extra is not of this model" in says({**kept, "extra": torch.zeros(1)})
    assert "prompts is [2, 48], not [4, 48]" in says({**kept, "prompts": kept["prompts"][:2].clone()})
    assert "and 1 more" in says({name: each for name, each in kept.items() if "norm" not in name})


def test_an_acoustic_branch_wants_the_states_it_has_learnt() -> None:
    checkpoints.check_recogniser(RUN, "Whisper base", "own")
    checkpoints.check_recogniser(replace(RUN, variant="prompted"), "Whisper small", "full")
    for whisper, padding in (("Whisper small", "own"), ("Whisper base", "full")):
        with pytest.raises(ModelError) as caught:
            checkpoints.check_recogniser(RUN, whisper, padding)
        assert caught.value.kind == "wrong_speech"


# --- fingerprints --------------------------------------------------------------------------------------------------

def test_fingerprints_follow_what_decides_pictures(tmp_path: Path, seeing: VisionLanguage) -> None:
    def mark(seed: int = 1, crop: str = "", change: str = "", run: Run = RUN) -> str:
        saved = model(seeing, run, seed)
        if change:
            saved.trained()[change].data += 0.01
        checkpoints.save(tmp_path / "run", saved, run)
        return checkpoints.fingerprint(checkpoints.read(tmp_path / "run"), crop).hash

    first = mark()
    assert first == mark()
    assert len({first, mark(seed=2), mark(crop="squash"), mark(change="prompts"), mark(change="to_image.bias"),
                seeing.fingerprint("centre").hash}) == 6
    assert mark(change="acoustic.cls") == first  # the gallery need not be embedded again
    assert mark(run=replace(RUN, variant="zero-shot")) == seeing.fingerprint("centre").hash
    facts = checkpoints.fingerprint(checkpoints.read(tmp_path / "run")).facts()
    assert facts["checkpoint"] == backbones.ZERO_SHOT
