"""The loop in one process: it learns, it stops when told or when it is enough, and it never keeps nonsense."""

from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest
import soundfile
import torch

from core.errors import ModelError, TrainingError
from core.models import checkpoints
from core.models.brewclip import BrewCLIP
from core.progress import JobCancelled, Progress, WorkStep, silent
from core.training import run as job
from core.training import run_folder, trainer
from core.training import step as update
from core.training.dataset import PairDataset
from core.training.recipe import Recipe
from core.training.run_folder import RunFolder
from core.training.runs import RunReader
from core.training.trainer import TrainingResult

pytestmark = pytest.mark.slow


@pytest.fixture
def train(explorer, tmp_path: Path):
    """train(recipe, name="run") -> the folder of a run, and its outcome."""
    def run(recipe: Recipe, name: str = "run", report=silent) -> tuple[RunFolder, TrainingResult]:
        folder = RunFolder(tmp_path / name)
        job.begin(folder, recipe)
        return folder, job.train(explorer.workspace, folder, report)

    return run


def of_kind(folder: RunFolder, kind: str) -> list[dict]:
    return [each for each in folder.events() if each["event"] == kind]


@pytest.mark.parametrize("variant", ["prompted", "e2e", "full"])
def test_the_loss_falls_and_the_best_model_is_kept(train, explorer, data: Path, little: ModuleType, variant: str
                                                   ) -> None:
    folder, outcome = train(little.recipe(data, variant, steps=60, rate=1e-2, evaluate_every=20))
    losses = [each["loss"] for each in of_kind(folder, "step")]
    assert sum(losses[-2:]) < 0.9 * sum(losses[:2]), losses
    assert (outcome.why, outcome.step) == ("finished", 60)
    looks = of_kind(folder, "dev")
    assert outcome.best == pytest.approx(max(each["score"] for each in looks), abs=1e-3)
    assert next(each["step"] for each in looks if each["score"] == max(one["score"] for one in looks)
                ) == outcome.best_step
    checkpoint = checkpoints.read(folder.best)
    assert checkpoint.run.metrics["step"] == outcome.best_step
    assert checkpoint.run.dataset["pairs"] == 24 and checkpoint.run.whisper == "Little"
    model = checkpoints.load(folder.best, explorer.eyes)
    assert isinstance(model, BrewCLIP) and model.variant.name == variant
    start = BrewCLIP(explorer.eyes.built, variant, little.MODEL, little.WIDTH)
    torch.manual_seed(0)
    assert all(not torch.equal(each, model.trained()[name]) for name, each in start.trained().items()
               if name != "log_scale")


def test_the_log_tells_what_the_loop_did(train, data: Path, little: ModuleType) -> None:
    folder, _ = train(little.recipe(data, steps=20, evaluate_every=20))
    begin, = of_kind(folder, "begin")
    assert (begin["pairs"], begin["steps"], begin["device"], begin["precision"]) == (24, 20, "cpu", "float32")
    steps = of_kind(folder, "step")
    assert [each["step"] for each in steps] == [10, 20]
    assert steps[1]["rate"] == pytest.approx(1e-8)
    for each in steps:
        assert each["loss"] == pytest.approx(0.1 * each["inner"] + 0.9 * each["outer"], abs=1e-4)
        assert each["pairs_per_second"] > 0 and 0 <= each["outside"] <= 1 and each["temperature"] > 0
    assert of_kind(folder, "end")[-1]["why"] == "finished"


def test_the_same_seed_gives_the_same_run_and_another_another(train, data: Path, little: ModuleType) -> None:
    states = [train(little.recipe(data, seed=seed, steps=8), str(number))[0].state().tensors["parameter.acoustic.cls"]
              for number, seed in enumerate((2**31 - 1, 2**31 - 1, 5))]
    assert torch.equal(states[0], states[1])
    assert not torch.allclose(states[0], states[2], atol=1e-2)


def test_dropout_is_drawn_anew_in_every_step(train, data: Path, little: ModuleType, monkeypatch: pytest.MonkeyPatch
                                             ) -> None:
    drawn: list[float] = []
    real = trainer.Trainer._step

    def step(self, *arguments):
        result = real(self, *arguments)
        drawn.append(float(torch.rand(1)))
        return result

    monkeypatch.setattr(trainer.Trainer, "_step", step)
    train(little.recipe(data, steps=10))
    assert len(set(drawn)) == 10


@pytest.mark.parametrize("place", ["loss", "update"])
def test_what_is_no_number_stops_the_run_with_the_last_good_state(train, data: Path, little: ModuleType, place: str,
                                                                  monkeypatch: pytest.MonkeyPatch, tmp_path: Path
                                                                  ) -> None:
    real = update.rate_at
    if place == "update":  # the loss is a number, the parameters after it are not
        monkeypatch.setattr(update, "rate_at", lambda step, options: float("nan") if step == 13 else
                            real(step, options))
    else:
        loss = BrewCLIP.loss
        calls: list[int] = []

        def broken(self, features, image_ids, objective):
            calls.append(1)
            found = loss(self, features, image_ids, objective)
            return found if len(calls) != 13 else type(found)(found.total * float("nan"), found.outer, found.inner)

        monkeypatch.setattr(BrewCLIP, "loss", broken)
    with pytest.raises(TrainingError, match=r"no longer made of numbers \(between step 10 and 14\)") as caught:
        train(little.recipe(data))
    assert caught.value.kind == "not_finite"
    folder = RunFolder(tmp_path / "run")
    assert folder.state().step == 7
    assert all(torch.isfinite(each).all() for each in folder.state().tensors.values())
    assert checkpoints.read(folder.best).run.metrics["step"] == 7
    record = RunReader(folder.path).read()
    assert record.state == "failed" and "lower learning rate" in record.message


def test_patience_ends_a_run_that_gets_no_better(train, explorer, data: Path, little: ModuleType) -> None:
    folder, outcome = train(little.recipe(data, steps=500, rate=0.0, warmup=0.0, final_rate=0.0, evaluate_every=2,
                                          patience=3))
    assert (outcome.why, outcome.step, outcome.best_step) == ("patience", 8, 2)
    again = job.train(explorer.workspace, folder)  # going on with it changes nothing
    assert (again.why, again.step) == ("patience", 8)
    assert folder.state().step == 8


def test_going_on_with_a_finished_run_changes_nothing(train, explorer, data: Path, little: ModuleType) -> None:
    folder, outcome = train(little.recipe(data))
    before = folder.state()
    assert job.train(explorer.workspace, folder) == outcome
    assert all(torch.equal(each, folder.state().tensors[name]) for name, each in before.tensors.items())
    assert len(of_kind(folder, "dev")) == 4


def test_bfloat16_learns_on_a_cpu(train, data: Path, little: ModuleType) -> None:
    folder, _ = train(little.recipe(data, steps=20, rate=1e-2, evaluate_every=20, precision="bfloat16"))
    losses = [each["loss"] for each in of_kind(folder, "step")]
    assert losses[-1] < losses[0]
    assert of_kind(folder, "begin")[0]["precision"] == "bfloat16"
    exact, _ = train(little.recipe(data, steps=20, rate=1e-2, evaluate_every=20), "exact")
    assert of_kind(exact, "step")[0]["loss"] == pytest.approx(losses[0], rel=0.02)
    assert of_kind(exact, "step")[0]["loss"] != losses[0]  # it was another precision


def test_the_gate_and_the_chosen_weight_are_in_the_checkpoint(train, explorer, data: Path, little: ModuleType) -> None:
    folder, _ = train(little.recipe(data, steps=8, model=replace(little.MODEL, gate=True), choose_weight=True))
    run = checkpoints.read(folder.best).run
    assert run.options.gate
    assert run.options.acoustic_weight == run.metrics["dev"]["acoustic_weight"]
    assert checkpoints.load(folder.best, explorer.eyes).options == run.options


def test_gradients_are_clipped(train, data: Path, little: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    longest: list[float] = []
    real = torch.optim.Adam.step

    def step(self, *arguments, **more):
        gradients = [each.grad for group in self.param_groups for each in group["params"]]
        longest.append(float(torch.nn.utils.get_total_norm(gradients)))
        return real(self, *arguments, **more)

    monkeypatch.setattr(torch.optim.Adam, "step", step)
    train(little.recipe(data, steps=5, clip=0.01))
    assert max(longest) <= 0.0101
    longest.clear()
    train(little.recipe(data, steps=5, clip=0.0), "unclipped")
    assert max(longest) > 0.05


# --- what may go wrong around it -------------------------------------------------------------------------------------

@pytest.mark.parametrize("writes", [2, 4, 6])  # the log, the checkpoint's tensors, the state after the look at dev
def test_a_full_disk_leaves_a_run_that_goes_on(explorer, data: Path, little: ModuleType, tmp_path: Path, writes: int,
                                               monkeypatch: pytest.MonkeyPatch) -> None:
    recipe, folder, real = little.recipe(data, steps=10), RunFolder(tmp_path / "run"), run_folder.os.fsync
    job.preview(explorer.workspace, recipe)
    for name in ("train", "dev"):  # the caches are there
        job.FeaturePreparer(explorer.workspace, explorer.eyes, "centre").prepare(job.datasets.load(data), name)
    job.begin(folder, recipe)
    done: list[int] = []

    def full(descriptor: int) -> None:
        done.append(descriptor)
        if len(done) > writes:
            raise OSError(28, "No space left on device")
        real(descriptor)

    monkeypatch.setattr(run_folder.os, "fsync", full)
    with pytest.raises(TrainingError, match="No space left") as caught:
        job.train(explorer.workspace, folder)
    assert caught.value.kind == "full"
    monkeypatch.undo()
    assert RunReader(folder.path).read().state == "failed"
    assert job.train(explorer.workspace, folder).step == 10
    assert checkpoints.read(folder.best).run.metrics["step"] in (7, 10)


def test_a_checkpoint_that_cannot_be_written_is_told(train, data: Path, little: ModuleType,
                                                     monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(checkpoints, "save", full)
    with pytest.raises(TrainingError) as caught:
        train(little.recipe(data))
    assert caught.value.kind == "full"


@pytest.mark.parametrize("error", [RuntimeError("CUDA out of memory. Tried to allocate 20 GiB"), MemoryError(),
                                   RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory")])
def test_too_little_memory_is_explained(train, data: Path, little: ModuleType, monkeypatch: pytest.MonkeyPatch,
                                        error: Exception, tmp_path: Path) -> None:
    def fail(*arguments: object) -> None:
        raise error

    monkeypatch.setattr(BrewCLIP, "forward", fail)
    with pytest.raises(TrainingError, match="not enough memory") as caught:
        train(little.recipe(data))
    assert caught.value.kind == "memory"
    assert "smaller batch" in RunReader(tmp_path / "run").read().message


def test_another_error_is_in_the_log_too(train, data: Path, little: ModuleType, monkeypatch: pytest.MonkeyPatch,
                                         tmp_path: Path) -> None:
    def fail(*arguments: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(BrewCLIP, "forward", fail)
    with pytest.raises(RuntimeError, match="a bug"):
        train(little.recipe(data))
    assert RunReader(tmp_path / "run").read().message == "RuntimeError: a bug"


def test_the_caches_have_a_cap(train, explorer, data: Path, little: ModuleType, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="more than the 1e-06 GB that are allowed") as caught:
        train(little.recipe(data, max_cache_gb=1e-6))
    assert caught.value.kind == "cache_cap"
    assert explorer.ears.heard == []  # nothing was begun
    found = job.preview(explorer.workspace, little.recipe(data, noise="10"))
    assert (found.pairs, found.dev, found.cost.recordings) == (48, "dev", 64)
    (data / "0.png").unlink()
    (data / "1_0.wav").unlink()
    assert job.preview(explorer.workspace, little.recipe(data)).pairs == 21
    folder, _ = train(little.recipe(data), "allowed")
    assert job.preview(explorer.workspace, folder.recipe()).cost.nbytes == 0


def test_defects_are_told_and_counted(train, data: Path, little: ModuleType) -> None:
    (data / "0.png").write_bytes(b"no picture")
    (data / "1_0.wav").write_bytes(b"no recording")
    soundfile.write(data / "2_0.wav", little.tone(2, peak=little.QUIET / 2), 16000)
    for drop, pairs in ((False, 21), (True, 20)):
        folder, _ = train(little.recipe(data, drop_unheard=drop), str(drop))
        assert sum("is not a recording" in each["text"] or "no picture" in each["text"] or "0.png" in each["text"]
                   for each in of_kind(folder, "note")) == 2
        said = checkpoints.read(folder.best).run.dataset
        assert (said["pairs"], said["unreadable"], said["nothing_heard"]) == (pairs, 2, 1)
        assert said["dropped_unheard"] is drop


def test_a_state_of_another_model_is_refused(train, explorer, data: Path, little: ModuleType) -> None:
    folder, _ = train(little.recipe(data, steps=8))
    other = RunFolder(folder.path.with_name("other"))
    job.begin(other, little.recipe(data, model=replace(little.MODEL, feed_forward=64)))
    (other.path / "state.safetensors").write_bytes((folder.path / "state.safetensors").read_bytes())
    with pytest.raises(TrainingError, match="of another model") as caught:
        job.train(explorer.workspace, other)
    assert caught.value.kind == "damaged"


def test_too_few_pairs_are_told_before_anything_is_heard(explorer, data: Path, little: ModuleType, tmp_path: Path
                                                         ) -> None:
    recipe = little.recipe(data, batch=32)
    for refused in (lambda: job.begin(RunFolder(tmp_path / "run"), recipe),
                    lambda: job.preview(explorer.workspace, recipe)):
        with pytest.raises(TrainingError, match="24 pairs to learn from, which is less than a batch of 32") as caught:
            refused()
        assert caught.value.kind == "too_few"
    assert not (tmp_path / "run").exists() and not explorer.ears.heard


@pytest.mark.parametrize(("variant", "options"), [("full", {}), ("e2e", {"learn_words": True, "inner_weight": 0.5})])
def test_without_prompts_the_frozen_towers_are_asked_once_and_it_is_the_same_run(
        train, data: Path, little: ModuleType, variant: str, options: dict, monkeypatch: pytest.MonkeyPatch) -> None:
    model = replace(little.MODEL, prompts=0, dropout=0.0, **options)
    recipe = little.recipe(data, variant, model, steps=8, evaluate_every=4, noise="0", clip=0.0)
    settled, asked = train(recipe, "settled"), []
    real = BrewCLIP.encode_stem
    monkeypatch.setattr(PairDataset, "settle", lambda self, report: None)
    monkeypatch.setattr(BrewCLIP, "encode_stem", lambda self, stem: (asked.append(self.training), real(self, stem))[1])
    plain = train(recipe, "plain")
    assert asked.count(True) == 8  # of the plain run, in its steps
    ours, theirs = (folder.state().tensors for folder, _ in (settled, plain))
    assert ours.keys() == theirs.keys()
    for name, each in ours.items():
        assert torch.allclose(each, theirs[name], atol=1e-4), name


def test_without_prompts_a_stopped_run_ends_with_the_same_bits(train, explorer, data: Path, little: ModuleType,
                                                               tmp_path: Path) -> None:
    recipe = little.recipe(data, model=replace(little.MODEL, prompts=0), steps=12, evaluate_every=5, teach=1.0)
    whole, _ = train(recipe, "whole")
    stopped = RunFolder(tmp_path / "stopped")
    job.begin(stopped, recipe)

    def stop(progress: Progress) -> None:
        if progress.step is WorkStep.TRAINING and progress.done == 7:
            raise JobCancelled

    with pytest.raises(JobCancelled):
        job.train(explorer.workspace, stopped, stop)
    job.train(explorer.workspace, stopped, silent)
    ours, theirs = whole.state().tensors, stopped.state().tensors
    assert all(torch.equal(each, theirs[name]) for name, each in ours.items())


def test_options_that_do_not_fit_the_backbone_are_told_before_hearing(explorer, data: Path, little: ModuleType,
                                                                     tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    job.begin(folder, little.recipe(data, model=replace(little.MODEL, heads=5)))
    with pytest.raises(ModelError, match="5 heads do not divide"):
        job.train(explorer.workspace, folder)
    assert not explorer.ears.heard
