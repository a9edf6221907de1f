"""The gradients of a step: micro-batches and recomputed activations change the memory, and nothing else."""

import weakref
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest
import torch

from core import datasets
from core.errors import TrainingError
from core.features.prepared_split import FeaturePreparer
from core.models.brewclip import BranchFeatures, BrewCLIP, Features
from core.progress import JobCancelled, Progress, WorkStep
from core.training import run as job
from core.training import step as module
from core.training.dataset import PairDataset
from core.training.distillation import TextDistillation
from core.training.distributed import Processes
from core.training.run_folder import RunFolder
from core.training.step import TrainingStep

pytestmark = pytest.mark.slow
Made = Callable[..., TrainingStep]


@pytest.fixture
def made(explorer, data: Path, little: ModuleType) -> Made:
    """made(variant, model options, **training options) -> a step at a rate of 0 on new parameters."""
    preparing = FeaturePreparer(explorer.workspace, explorer.eyes, "centre")
    split = preparing.prepare(datasets.load(data), "train")

    def make(variant: str = "full", model: dict | None = None, **options: object) -> TrainingStep:
        recipe = little.recipe(data, variant, replace(little.MODEL, **(model or {})), batch=8, rate=0.0, final_rate=0.0,
                               clip=0.0, **options)
        torch.manual_seed(0)
        network = BrewCLIP(explorer.eyes.built, variant, recipe.model, little.WIDTH)
        corpus = PairDataset([split], preparing.images, network, 8, 0, False)
        corpus.settle()
        lesson = (TextDistillation.of(explorer.eyes.built, split, 0.1, 0)
                  if recipe.training.teach and network.variant.acoustic else None)
        return TrainingStep(network, corpus, recipe.training, Processes(), lesson)

    return make


def gradients(step: TrainingStep) -> dict[str, torch.Tensor]:
    losses = step(3, step.batches(3))
    assert torch.isfinite(losses.total)
    return {name: each.grad for name, each in step._model.trained().items()}


def alike(ours: dict[str, torch.Tensor], theirs: dict[str, torch.Tensor]) -> None:
    assert ours.keys() == theirs.keys() and sum(float(each.abs().sum()) for each in theirs.values()) > 0.1
    for name, each in theirs.items():
        assert float((ours[name] - each).abs().max()) <= 1e-4 * float(each.abs().max()) + 1e-6, name


@pytest.mark.parametrize(("variant", "model", "options"), [
    ("full", {}, {}), ("prompted", {}, {}), ("e2e", {"learn_words": True, "inner_weight": 0.5}, {}),
    ("full", {"gate": True, "inner_weight": 0.5}, {"loss": "authors", "replicas": 3, "teach": 2.0}),
    ("full", {"prompts": 0}, {"teach": 2.0, "same_image_negatives": True})])
def test_micro_batches_have_the_gradients_of_the_whole_batch(made: Made, variant: str, model: dict, options: dict
                                                             ) -> None:
    model = {"dropout": 0.0, **model}
    whole = gradients(made(variant, model, **options))
    parts = made(variant, model, micro_batch=3, **options)
    assert [len(batch.rows) for batch in parts.batches(3)] == [3, 3, 2]
    alike(gradients(parts), whole)
    alone = gradients(made(variant, model, micro_batch=1, **options))
    alike(alone, whole)


def test_micro_batches_draw_the_same_dropout_in_both_passes(made: Made) -> None:
    """Against the same micro-batches in one graph, in which each is computed once."""
    step, expected = (made("full", {"dropout": 0.5, "mask_states": 0.5, "inner_weight": 0.5}, micro_batch=3)
                      for _ in range(2))
    batches, model = expected.batches(3), expected._model
    model.train()
    parts = [expected._features(3, number, batch) for number, batch in enumerate(batches)]
    speech = BranchFeatures(*(torch.cat([getattr(part.speech, name) for part in parts])
                              for name in ("spoken", "text", "acoustic", "has_text")))
    joined = Features(torch.cat([part.image for part in parts]), speech, model.scale)
    expected._losses(joined, batches).total.backward()
    ours = gradients(step)
    alike(ours, {name: each.grad for name, each in model.trained().items()})
    undrawn = gradients(made("full", {"dropout": 0.0, "inner_weight": 0.5}, micro_batch=3))
    assert not torch.allclose(ours["acoustic.cls"], undrawn["acoustic.cls"], rtol=1e-2)


def test_micro_batches_in_bfloat16_reach_every_parameter(made: Made) -> None:
    whole, parts = (gradients(made("full", {"dropout": 0.0}, precision="bfloat16", micro_batch=micro))
                    for micro in (0, 3))
    for name, each in whole.items():
        assert float(parts[name].abs().sum()) > 0, name
        assert torch.nn.functional.cosine_similarity(parts[name].flatten(), each.flatten(), dim=0) > 0.98, name


def held_bytes(step: TrainingStep) -> int:
    """Most bytes that the graphs of a step hold at once, parameters and inputs left out."""
    batches, held, most = step.batches(3), 0, 0
    kept = {each.untyped_storage().data_ptr() for each in step._model.parameters()}

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        nonlocal held, most
        if tensor.untyped_storage().data_ptr() in kept:
            return tensor
        size, copy = tensor.numel() * tensor.element_size(), tensor.detach()
        held += size
        most = max(most, held)

        def release() -> None:
            nonlocal held
            held -= size

        weakref.finalize(copy, release)
        return copy

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda copy: copy):
        step(3, batches)
    return most


def test_micro_batches_and_recomputed_activations_hold_less_memory(made: Made) -> None:
    whole, parts, recomputed, both = (
        held_bytes(made("full", micro_batch=micro, activation_checkpointing=again))
        for micro, again in ((0, False), (2, False), (0, True), (2, True)))
    assert parts < 0.4 * whole  # a quarter of the pairs, and the embeddings of all
    assert recomputed < 0.5 * whole
    assert both < 0.5 * parts


@pytest.mark.parametrize("micro", [0, 3])
def test_recomputed_activations_have_the_same_gradients(made: Made, micro: int) -> None:
    kept, again = (gradients(made("full", micro_batch=micro, activation_checkpointing=active))
                   for active in (False, True))
    assert all(torch.equal(each, again[name]) for name, each in kept.items())


@pytest.fixture
def compiler(monkeypatch: pytest.MonkeyPatch) -> list[torch.nn.Module]:
    """Compiled modules; without a C++ compiler, as PyTorch's own operators."""
    compiled, real = [], torch.compile

    def compile_module(module: torch.nn.Module, **options: object) -> torch.nn.Module:
        compiled.append(module)
        return real(module, backend="aot_eager", **options)

    monkeypatch.setattr(torch, "compile", compile_module)
    return compiled


@pytest.mark.parametrize("options", [{}, {"micro_batch": 4, "activation_checkpointing": True}])
def test_a_compiled_tower_has_the_same_gradients(made: Made, compiler: list[torch.nn.Module], options: dict) -> None:
    step = made("full", compile="on", **options)
    own = step._model.backbone.visual.transformer
    alike(gradients(step), gradients(made("full", **options)))
    assert compiler == [own] and step._model.backbone.visual.transformer is own


def test_only_a_tower_that_steps_run_is_compiled(made: Made, compiler: list[torch.nn.Module],
                                                 monkeypatch: pytest.MonkeyPatch) -> None:
    for model, asked in (({}, "off"), ({}, "auto"), ({"prompts": 0}, "on")):  # "auto": this is no GPU
        made("full", model, compile=asked)
    assert not compiler
    monkeypatch.setattr(module, "which", lambda name: None)
    with pytest.raises(TrainingError, match="cannot be compiled here") as caught:
        made("full", compile="on")
    assert caught.value.kind == "compile"


def test_activations_are_kept_outside_of_a_step(made: Made) -> None:
    step = made("full", activation_checkpointing=True)
    gradients(step)
    assert not step._model.backbone.transformer.grad_checkpointing
    assert not step._model.backbone.visual.transformer.grad_checkpointing


@pytest.mark.parametrize("options", [{"micro_batch": 3}, {"activation_checkpointing": True, "precision": "bfloat16"},
                                     {"compile": "on", "dev_limit": 3}])
def test_a_stopped_run_ends_with_the_same_bits(explorer, data: Path, little: ModuleType, tmp_path: Path, options: dict,
                                               compiler: list[torch.nn.Module]) -> None:
    recipe = little.recipe(data, steps=12, evaluate_every=5, teach=1.0, **options)
    whole, stopped = RunFolder(tmp_path / "whole"), RunFolder(tmp_path / "stopped")
    job.begin(whole, recipe)
    job.train(explorer.workspace, whole)

    def stop(progress: Progress) -> None:
        if progress.step is WorkStep.TRAINING and progress.done == 7:
            raise JobCancelled

    job.begin(stopped, recipe)
    with pytest.raises(JobCancelled):
        job.train(explorer.workspace, stopped, stop)
    job.train(explorer.workspace, stopped)
    ours, theirs = whole.state().tensors, stopped.state().tensors
    assert all(torch.equal(each, theirs[name]) for name, each in ours.items())
