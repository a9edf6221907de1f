"""Every path of training and of what its models are used for, on a device that is not the CPU.

With real values on a pretended device (tests/core/pretend_device.py): whole runs with backward pass and optimiser. And
under PyTorch's own FakeTensorMode: forward pass, loss and optimiser as "cuda"; steps with a backward pass, which for
"cuda" wants a GPU's thread, as "lazy", the one device without hardware that it can do all of it for.
"""

import importlib.util
import sys
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode
from whisper.model import ModelDimensions, Whisper

from core import audio, images
from core.asr import checkpoint as speech_checkpoint
from core.asr.checkpoint import MULTILINGUAL
from core.asr.engine import WhisperModel
from core.asr.torch_runtime import TorchWhisper
from core.asr.transcript import TranscriptionOptions
from core.evaluation import models as subjects
from core.evaluation.diagnosis import diagnose
from core.evaluation.evaluate import evaluate
from core.evaluation.records import DataChoice, Request
from core.explain import observation
from core.explain.faithfulness import Judge
from core.explain.maps import draw
from core.explain.methods import METHODS
from core.explain.occlusion import occlude
from core.features import encode
from core.features.noise import CLEAN
from core.features.prepared_split import FeaturePreparer
from core.models import checkpoints, multicrop
from core.models.brewclip import BrewCLIP
from core.models.spec import ModelSpec
from core.models.trained import TrainedModel
from core.progress import JobCancelled, Progress, WorkStep, silent
from core.training import run as job
from core.training import trainer
from core.training.dataset import PairDataset
from core.training.distillation import TextDistillation
from core.training.distributed import Processes
from core.training.run_folder import RunFolder
from core.training.step import TrainingStep

pytestmark = pytest.mark.slow

VARIANTS = ("zero-shot", "prompted", "e2e", "full")


@pytest.fixture(scope="session")
def pretend() -> ModuleType:
    """tests/core/pretend_device.py."""
    path = Path(__file__).parents[1] / "pretend_device.py"
    spec = importlib.util.spec_from_file_location(path.stem, path)
    sys.modules[path.stem] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(sys.modules[path.stem])
    return sys.modules[path.stem]


@pytest.fixture
def away(pretend: ModuleType, explorer):
    """The pretended device; the explorer's backbone is there."""
    with pretend.pretending() as device:
        explorer.eyes._place(pretend.PRETENDED)
        assert explorer.eyes.device == "pretended", explorer.eyes.fallback
        yield device


def trained(explorer, path: Path, recipe, report=silent) -> RunFolder:
    folder = RunFolder(path)
    job.begin(folder, recipe)
    job.train(explorer.workspace, folder, report)
    return folder


def test_the_pretended_device_complains_as_a_gpu_does(away: torch.device) -> None:
    layer, x = torch.nn.Linear(4, 2).to(away), torch.randn(3, 4)
    with pytest.raises(RuntimeError, match="on the same device"):
        layer(x)
    with pytest.raises(RuntimeError, match="numpy"):
        layer(x.to(away)).detach().numpy()
    with pytest.raises(RuntimeError, match="generator"):
        torch.randn(2, device=away, generator=torch.Generator())
    assert layer(x.to(away)).detach().cpu().numpy().std() > 0


@pytest.mark.parametrize(("variant", "options", "model"), [
    ("full", {}, {}), ("prompted", {}, {}), ("e2e", {}, {"learn_words": True}),
    ("full", {"choose_weight": True, "fit_gate": True, "teach": 1.0, "noise": "0"}, {"gate": True, "mask_states": 0.5}),
    ("full", {"teach": 1.0}, {"prompts": 0}), ("full", {}, {"pool_sentences": True})])
def test_a_run_learns_stops_and_goes_on_there(explorer, away: torch.device, data: Path, little: ModuleType,
                                              tmp_path: Path, variant: str, options: dict, model: dict) -> None:
    recipe = little.recipe(data, variant, replace(little.MODEL, **model), steps=8, evaluate_every=4, **options)
    stopped = RunFolder(tmp_path / "stopped")

    def stop(progress: Progress) -> None:
        if progress.step is WorkStep.TRAINING and progress.done == 5:
            raise JobCancelled

    with pytest.raises(JobCancelled):
        trained(explorer, stopped.path, recipe, stop)
    assert job.train(explorer.workspace, stopped).step == 8
    whole = trained(explorer, tmp_path / "whole", recipe).state().tensors
    again = stopped.state().tensors
    assert whole and all(torch.equal(each, again[name]) for name, each in whole.items())
    found = checkpoints.load(stopped.best, explorer.eyes)
    assert {each.device for each in found.parameters()} == {away}


@pytest.mark.parametrize("variant", VARIANTS)
def test_evaluation_and_search_encode_there(explorer, away: torch.device, data: Path, little: ModuleType,
                                            tmp_path: Path, variant: str) -> None:
    model = BrewCLIP(explorer.eyes.built, variant, little.MODEL, little.WIDTH).to(away).eval()
    preparing = FeaturePreparer(explorer.workspace, explorer.eyes, "centre", True)
    split = preparing.prepare(job.datasets.load(data), "dev", CLEAN)
    assert np.isfinite(encode.encode_pictures(model, preparing.images, split)).all()
    assert np.isfinite(encode.encode_utterances(model, split).fused).all()


def test_a_trained_model_searches_there(explorer, away: torch.device, data: Path, little: ModuleType, tmp_path: Path
                                        ) -> None:
    folder = trained(explorer, tmp_path / "run", little.recipe(data, steps=4, evaluate_every=4))
    found = TrainedModel(checkpoints.read(folder.best), explorer.eyes)
    said = explorer.ears.transcribe([heard_tone(little)], TranscriptionOptions())
    assert np.isfinite(found.encode_speech(said).vectors).all()
    assert np.isfinite(found.encode_texts(["a red thing"]).vectors).all()
    assert np.isfinite(found.encode_images(np.zeros((2, 32, 32, 3), np.uint8))).all()
    assert found.device == "pretended", found.fallback


@pytest.mark.parametrize("variant", VARIANTS)
def test_an_evaluation_is_kept_and_diagnosed_there(explorer, away: torch.device, data: Path, little: ModuleType,
                                                   tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variant: str
                                                   ) -> None:
    monkeypatch.setattr(subjects, "check", lambda workspace, known: None)
    chosen = ModelSpec(backbone="little/random")
    if variant != "zero-shot":
        model = replace(little.MODEL, gate=variant == "full")
        run = trained(explorer, tmp_path / "run", little.recipe(data, variant, model, steps=2))
        chosen = ModelSpec(checkpoint=run.best)
    request = Request((chosen,), (DataChoice(data, "dev"),), captions=(False, True), crops=("centre", images.SEVERAL))
    records = evaluate(explorer.workspace, request)
    assert len(records) == (2 if variant == "e2e" else 4)  # captions are for models of words
    for record in records:
        assert diagnose(explorer.workspace, record.id, at=1).evaluation_id == record.id
    assert explorer.eyes.device == "pretended", explorer.eyes.fallback


def test_several_looks_at_a_picture_are_embedded_there(explorer, away: torch.device) -> None:
    views = [np.full((count, 32, 32, 3), 50 * count, np.uint8) for count in (1, 3)]
    assert np.isfinite(multicrop.encode_views(explorer.eyes.encode_images, views)).all()
    assert explorer.eyes.device == "pretended", explorer.eyes.fallback


def test_whisper_hears_and_writes_there(pretend: ModuleType, little: ModuleType) -> None:
    whisper = Whisper(ModelDimensions(80, 1500, 16, 2, 2, MULTILINGUAL, 448, 16, 2, 2)).eval().requires_grad_(False)
    checkpoint = speech_checkpoint.WhisperCheckpoint(whisper, "", "0" * 64, ((1, 0), (1, 1)))
    with pretend.pretending() as device:
        engine = WhisperModel(TorchWhisper(checkpoint, pretend.PRETENDED))
        assert next(engine.runtime.model.parameters()).device == device
        states = engine.encode([little.tone(1), little.tone(2)], 16_000, raise_quiet=True)
        for exact in (False, True):
            read = engine.read(states, [0.4, 0.4], ["auto", "en"], exact=exact, watch=True)
            assert [each.language for each in read][1] == "en" and len(read) == 2


def heard_tone(little: ModuleType) -> audio.Waveform:
    return audio.from_samples(little.tone(1), little.RATE)


@pytest.mark.parametrize("variant", VARIANTS)
def test_inspect_looks_there(explorer, away: torch.device, little: ModuleType, variant: str) -> None:
    model = BrewCLIP(explorer.eyes.built, variant, little.MODEL, little.WIDTH).to(away).eval()
    heard, = explorer.ears.transcribe([heard_tone(little)], TranscriptionOptions())
    pixels = np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8)
    seen = occlude(model, pixels, observation.observe(model, pixels, heard), "fused")
    judge = Judge(model, pixels, seen, "fused")
    for method in METHODS:
        maps = draw(seen, "fused", method)
        assert maps is not None
    assert np.isfinite(judge.judge("picture", np.arange(4, dtype=np.float32), steps=2).deleted).all()
    if "sound" in seen.towers:
        count = seen.towers["sound"].painted.stop - seen.towers["sound"].painted.start
        assert np.isfinite(judge.judge("sound", np.arange(count, dtype=np.float32), steps=2).deleted).all()


# --- PyTorch's own fake tensors ------------------------------------------------------------------------------------

LAZY = "lazy:0"  # with its number, which moves to "lazy" leave out
BRANCHES = [("zero-shot", {}), ("prompted", {}), ("e2e", {"learn_words": True}), ("full", {}),
            ("full", {"gate": True, "mask_states": 0.5}), ("full", {"pool_sentences": True}), ("full", {"prompts": 0}),
            ("e2e", {"mask_states": 0.9})]


def fake_on_cuda(model: torch.nn.Module, mode: FakeTensorMode, device: str = "cuda") -> None:
    """What `to("cuda")` would do; that cannot swap fake parameters."""
    for module in model.modules():
        for name, each in module._parameters.items():
            if each is not None:
                fake = mode.from_tensor(each.detach().clone()).to(device)
                module._parameters[name] = torch.nn.Parameter(fake, requires_grad=each.requires_grad)
        for name, each in module._buffers.items():
            module._buffers[name] = None if each is None else mode.from_tensor(each.clone()).to(device)


@pytest.mark.parametrize(("variant", "options"), BRANCHES)
def test_forward_and_loss_fit_one_device_under_fake_tensors(explorer, little: ModuleType, variant: str, options: dict
                                                            ) -> None:
    heard = explorer.ears.transcribe([heard_tone(little)] * 3, TranscriptionOptions())
    pixels = np.zeros((3, 32, 32, 3), np.uint8)
    model = BrewCLIP(explorer.eyes.built, variant, replace(little.MODEL, **options), little.WIDTH).train()
    batch = model.collate([each.transcript for each in heard], [each.states for each in heard])
    with FakeTensorMode(allow_non_fake_inputs=True) as mode:
        fake_on_cuda(model, mode)
        features = model(model.image_stem(pixels), batch.to("cuda"))
        losses = model.loss(features, torch.tensor([0, 1, 1]).to("cuda"))
    assert losses.total.device.type == features.image.device.type == features.speech.spoken.device.type == "cuda"


@pytest.mark.parametrize("optimiser", [torch.optim.Adam, torch.optim.AdamW])
def test_optimisers_step_on_one_device_under_fake_tensors(explorer, little: ModuleType, optimiser: type) -> None:
    model = BrewCLIP(explorer.eyes.built, "full", little.MODEL, little.WIDTH).train()
    with FakeTensorMode(allow_non_fake_inputs=True) as mode:
        fake_on_cuda(model, mode)
        parameters = list(model.trained().values())
        steps = optimiser(parameters, lr=1e-3)
        for each in parameters:
            each.grad = torch.zeros_like(each)
        assert torch.nn.utils.clip_grad_norm_(parameters, 1.0).device.type == "cuda"
        steps.step()
    assert {value.device.type for each in parameters for name, value in steps.state[each].items()
            if name != "step"} == {"cuda"}


@pytest.fixture
def lazily(monkeypatch: pytest.MonkeyPatch) -> None:
    """Autocast that is off can be asked for on "lazy" too, of which PyTorch knows no precision."""
    real = torch.autocast
    monkeypatch.setattr(torch, "autocast", lambda kind, *args, **more: real("cpu", *args, **more))


class AtOnce:
    """An executor without threads: fake tensors are for one."""

    def submit(self, work: Callable[..., object], *args: object) -> Future:
        done: Future = Future()
        done.set_result(work(*args))
        return done


@pytest.mark.parametrize(("variant", "options"), [each for each in BRANCHES if each[0] != "zero-shot"])
def test_whole_steps_stay_on_one_device_under_fake_tensors(explorer, lazily: None, data: Path, little: ModuleType,
                                                           tmp_path: Path, variant: str, options: dict) -> None:
    """The trainer's own steps: batch, forward pass, lesson, backward pass, clipping, optimiser."""
    model = BrewCLIP(explorer.eyes.built, variant, replace(little.MODEL, **options), little.WIDTH)
    recipe = little.recipe(data, variant, teach=float(model.variant.acoustic))
    preparing = FeaturePreparer(explorer.workspace, explorer.eyes, "centre", True)
    split = preparing.prepare(job.datasets.load(data), "dev", CLEAN)
    corpus = PairDataset([split], preparing.images, model, 4, 0, False)
    taught = TextDistillation.of(explorer.eyes.built, split, 0.1, 0) if model.variant.acoustic else None
    pool = AtOnce()
    with FakeTensorMode(allow_non_fake_inputs=True) as mode:
        fake_on_cuda(model, mode, LAZY)
        if taught is not None:
            taught = TextDistillation(mode.from_tensor(taught.captions).to(LAZY),
                                      mode.from_tensor(taught.words).to(LAZY), 0.1)
        update = TrainingStep(model, corpus, recipe.training, Processes(), taught)
        steps = trainer.Trainer(model, update, None, RunFolder(tmp_path / "run"), recipe.training, Processes(), None)
        ahead = steps._ahead(pool, 0)
        for number in range(2):
            ahead = steps._step(number, ahead, pool)
    for name, each in model.trained().items():
        assert each.grad is not None and each.grad.device == torch.device(LAZY), name
        assert {kind: value.device.type for kind, value in update.optimiser.state[each].items() if kind != "step"} == {
            "exp_avg": "lazy", "exp_avg_sq": "lazy"}


@pytest.mark.parametrize("variant", VARIANTS)
def test_evaluation_encodes_on_one_device_under_fake_tensors(explorer, little: ModuleType, variant: str) -> None:
    heard = explorer.ears.transcribe([heard_tone(little)] * 3, TranscriptionOptions())
    options = replace(little.MODEL, pool_sentences=True)
    model = BrewCLIP(explorer.eyes.built, variant, options, little.WIDTH).eval()
    long = [replace(each.transcript, text="one two three. " * 20) for each in heard]
    with FakeTensorMode(allow_non_fake_inputs=True) as mode, torch.no_grad():
        fake_on_cuda(model, mode)
        pictures = encode.unit_pictures(model, model.image_stem(np.zeros((3, 32, 32, 3), np.uint8)))
        spoken = encode.speech_vectors(model, model.collate(long, [each.states for each in heard]).to("cuda"))
        texts = encode.encode_texts(model, ["a red thing", "one two three. " * 20])
    found = [pictures, texts, *(each for each in spoken if each is not None)]
    assert {each.device.type for each in found} == {"cuda"}
    assert [len(each) for each in found] == [3, 2, *[3] * (len(found) - 2)]


@pytest.mark.parametrize("variant", VARIANTS)
def test_inspect_looks_on_one_device_under_fake_tensors(explorer, little: ModuleType, variant: str) -> None:
    """The gradients come below: PyTorch's backward pass wants a GPU's thread for "cuda"."""
    model = BrewCLIP(explorer.eyes.built, variant, little.MODEL, little.WIDTH).eval()
    heard, = explorer.ears.transcribe([heard_tone(little)], TranscriptionOptions())
    pixels = np.zeros((32, 32, 3), np.uint8)
    seen = observation.observe(model, pixels, heard)
    with FakeTensorMode(allow_non_fake_inputs=True) as mode, torch.enable_grad():
        fake_on_cuda(model, mode)
        looked = observation.forward_with_attention(model, pixels, heard)
        judge = Judge(model, pixels, seen, "fused")
        left = {tower: judge.left(tower, [np.array([0]), np.array([], np.int64)]) for tower in judge.towers}
    assert {*looked.passes} == {*seen.towers} and {*looked.scores} == {*seen.scores}
    assert {each.device.type for each in (*looked.scores.values(), *left.values())} == {"cuda"}
    assert {each.shape for each in left.values()} == {(2,)}


@pytest.mark.parametrize("variant", VARIANTS)
def test_gradients_of_inspect_stay_on_one_device_under_fake_tensors(explorer, lazily: None, little: ModuleType,
                                                                    variant: str) -> None:
    model = BrewCLIP(explorer.eyes.built, variant, little.MODEL, little.WIDTH).eval()
    heard, = explorer.ears.transcribe([heard_tone(little)], TranscriptionOptions())
    with FakeTensorMode(allow_non_fake_inputs=True) as mode, torch.enable_grad():
        fake_on_cuda(model, mode, LAZY)
        looked = observation.forward_with_attention(model, np.zeros((32, 32, 3), np.uint8), heard)
        found = [observation.gradients(score, each) for score in looked.scores.values()
                 for each in looked.passes.values()]
    assert {each.device.type for row in found for each in row if each is not None} == {"lazy"}


# --- a loss scaler -------------------------------------------------------------------------------------------------

def test_a_run_stopped_while_the_scaler_skipped_steps_goes_on(explorer, data: Path, little: ModuleType, tmp_path: Path,
                                                              monkeypatch: pytest.MonkeyPatch) -> None:
    real, steps = torch.amp.GradScaler, []

    class Scaler(real):
        """A scaler whose scale is far too large for the first five steps."""

        def __init__(self, device: str, enabled: bool) -> None:
            super().__init__(device, enabled=True)

        def step(self, optimiser: torch.optim.Optimizer) -> None:
            steps.append(1)
            if len(steps) > 5:
                super().step(optimiser)

    monkeypatch.setattr(trainer.torch.amp, "GradScaler", Scaler)
    folder, recipe = RunFolder(tmp_path / "run"), little.recipe(data, steps=8, evaluate_every=8)

    def stop(progress: Progress) -> None:
        if progress.step is WorkStep.TRAINING and progress.done == 3:
            raise JobCancelled

    with pytest.raises(JobCancelled):
        trained(explorer, folder.path, recipe, stop)
    assert not any(name.startswith("adam") for name in folder.state().tensors)
    assert job.train(explorer.workspace, folder).step == 8
    assert any(name.startswith("adam.exp_avg.") for name in folder.state().tensors)
