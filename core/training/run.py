"""Training run: prepare the dataset, build and train the model, keep its best checkpoint."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core import datasets
from core.datasets.records import Dataset, Utterance
from core.errors import BrewclipError, TrainingError
from core.evaluation import unseen
from core.features.content_hashes import Digests
from core.features.noise import Condition
from core.features.prepared_split import Cost, FeaturePreparer, Split
from core.localisation import _
from core.models.checkpoints import Run
from core.models.variants import variant
from core.progress import JobCancelled, Progress, Report, WorkStep, silent, steps
from core.training import presets
from core.training.dataset import PairDataset, check_enough, conditions, with_dev
from core.training.distributed import Processes, together
from core.training.recipe import Recipe
from core.training.run_folder import RunFolder
from core.workspace import Workspace

if TYPE_CHECKING:
    from core.models.brewclip import BrewCLIP
    from core.models.vision_language import VisionLanguage
    from core.training.distillation import TextDistillation
    from core.training.trainer import TrainingResult
    from core.training.validation import DevResult, Validator


STANDARDISED = 256  # utterances whose frames tell mean and variance of the layers
NOTED = 20  # defects that the log names; the checkpoint counts all


@dataclass(frozen=True)
class Preview:
    """Preview of a run: `pairs` with both files, under each of the `conditions`; dev split; growth of caches."""

    pairs: int
    conditions: tuple[Condition, ...]
    dev: str
    cost: Cost


def begin(folder: RunFolder, recipe: Recipe) -> None:
    """Create a new run. TrainingError: exists, busy, no_split, too_few; DatasetError: unreadable dataset."""
    under = conditions(recipe.training.noise)
    loaded = datasets.load(recipe.dataset, recipe.kind, follow_links=recipe.follow_links)
    dataset, _unused = with_dev(loaded, recipe.train, recipe.dev, recipe.training.seed)
    # before hours of transcribing
    check_enough(len(under) * len(paired(dataset.of(recipe.train))), recipe.training.batch, dataset=loaded)
    folder.create(recipe)


def preview(workspace: Workspace, recipe: Recipe, report: Report = silent) -> Preview:
    """Preview of `train`. The errors of `train` that come before its first step."""
    return TrainingJob(workspace, recipe, Processes()).preview(report)


def train(workspace: Workspace, folder: RunFolder, report: Report = silent,
          recipe: Recipe | None = None) -> "TrainingResult":
    """Train the run of a folder, from where it stands. Started by torchrun, the processes share each batch.

    `recipe` spares reading it from the folder, where the first of several processes may not have written it yet.

    JobCancelled by `report` leaves a run to go on with. TrainingError: busy, no_run, damaged, too_few, no_split,
    cache_cap, not_finite, memory, batch, full, not_written. DatasetError, WeightsError, ModelError, StoreError.
    """
    recipe = recipe or folder.recipe()
    with together(wants_gpu(recipe)) as processes:
        if not processes.first:
            return TrainingJob(workspace, recipe, processes).train(folder, report)
        with folder.hold():
            return _logging_end(folder, lambda: TrainingJob(workspace, recipe, processes).train(folder, report))


def _logging_end(folder: RunFolder, work: Any) -> "TrainingResult":
    """Result of the work, or its error, with the end in the log."""
    try:
        outcome: TrainingResult = work()
    except JobCancelled:
        folder.log("end", why="stopped", message="It was stopped and can go on.")
        raise
    except BrewclipError as error:
        if error.kind not in ("full", "not_written"):
            folder.log("end", why="error", kind=error.kind, message=str(error))
        raise
    except (RuntimeError, MemoryError) as error:
        if not is_memory(error):
            folder.log("end", why="error", message=f"{type(error).__name__}: {error}")
            raise
        short = TrainingError(_("There was not enough memory for the run. What was saved before is kept; begin a run "
                                "with micro-batches or a smaller batch, in float16 or bfloat16, or on the CPU."),
                              "memory")
        folder.log("end", why="error", kind=short.kind, message=str(short))
        raise short from error
    folder.log("end", why=outcome.why, step=outcome.step, best_step=outcome.best_step, message="")
    return outcome


def is_memory(error: Exception) -> bool:
    """Whether memory ran out."""
    message = str(error)
    return isinstance(error, MemoryError) or "out of memory" in message.lower() or "DefaultCPUAllocator" in message


def paired(part: Dataset) -> tuple[Utterance, ...]:
    """Utterances of a split of which both files are there."""
    readable = {image.image_id for image in part.images if image.path}
    return tuple(utterance for utterance in part.utterances
                 if utterance.recording is not None and utterance.image_id in readable)


def wants_gpu(recipe: Recipe) -> bool:
    """Whether the processes of a run meet over NCCL."""
    if recipe.training.device in ("cpu", "mps"):
        return False
    import torch

    return torch.cuda.is_available()


class TrainingJob:
    """This process' part of a run: `dataset` with its split `dev`, trained under `conditions`, validated under those
    `looked_at`.
    """

    def __init__(self, workspace: Workspace, recipe: Recipe, processes: Processes) -> None:
        self._recipe, self.processes = recipe, processes
        self._bare: dict[str, Any] = {}  # scores of the backbone alone on the development split
        self.workspace = workspace.with_settings({
            "device": recipe.training.device, "vision.backbone": recipe.backbone, "vision.model": "zero-shot",
            "vision.crop": recipe.crop, **recipe.training.speech_settings()})
        loaded = datasets.load(recipe.dataset, recipe.kind, follow_links=recipe.follow_links)
        self.dataset, self.dev = with_dev(loaded, recipe.train, recipe.dev, recipe.training.seed,
                                          recipe.training.dev_limit)
        self.conditions = conditions(recipe.training.noise)
        self.looked_at = tuple(dict.fromkeys((*self.conditions, *conditions(recipe.training.dev_noise))))
        options = recipe.training
        if options.batch < processes.count:
            raise TrainingError(_("A batch of {batch} cannot be shared by {count} processes: choose a larger batch or "
                                  "fewer processes.").format(batch=options.batch, count=processes.count), "batch")
        if options.replicas % processes.count or options.replicas > options.batch // 2:
            raise TrainingError(_("A batch of {batch} in {count} processes cannot be split into {replicas} replicas "
                                  "of two pairs or more.").format(batch=options.batch, count=processes.count,
                                                                  replicas=options.replicas), "batch")

    def preview(self, report: Report) -> Preview:
        """See `preview`."""
        preparing = self.preparing(self.workspace.backbone(report))
        pairs = len(self.conditions) * len(paired(self.dataset.of(self._recipe.train)))
        check_enough(pairs, self._recipe.training.batch)
        return Preview(pairs, self.conditions, self.dev, self.cost(preparing))

    def train(self, folder: RunFolder, report: Report) -> "TrainingResult":
        """See `train`."""
        backbone = self.workspace.backbone(report)
        model = self.model(backbone)  # before hours of transcribing: its options may not fit the backbone
        preparing = self.preparing(backbone)
        self._check_cap(preparing)
        splits = self._prepared(preparing, folder, report)
        return self._trained(backbone, model, preparing, splits, folder, report)

    def model(self, backbone: "VisionLanguage") -> "BrewCLIP":
        """The model as the seed makes it. ModelError ("options", "unsupported")."""
        import torch

        from core.models.brewclip import BrewCLIP

        torch.manual_seed(self._recipe.training.seed)
        model = BrewCLIP(backbone.built, self._recipe.variant, self._recipe.model, self.workspace.recogniser().width)
        return model.to(backbone.built.model.logit_scale.device)

    def preparing(self, backbone: "VisionLanguage") -> FeaturePreparer:
        """The preparer of all features that the variant reads."""
        return FeaturePreparer(self.workspace, backbone, self._recipe.crop, variant(self._recipe.variant).acoustic,
                               self._recipe.training.captions, self._recipe.model.layers)

    def cost(self, preparing: FeaturePreparer) -> Cost:
        """Growth of the caches under all conditions."""
        both, dev = (self._recipe.train, self.dev), (self.dev,)
        parts = [preparing.cost(self.dataset, both if each in self.conditions else dev, each)
                 for each in self.looked_at]
        return Cost(sum(each.recordings for each in parts), sum(each.states for each in parts), parts[0].pictures)

    def _check_cap(self, preparing: FeaturePreparer) -> None:
        """TrainingError ("cache_cap") when the caches would grow beyond what is allowed."""
        cost, cap = self.cost(preparing), self._recipe.training.max_cache_gb
        if cost.nbytes > cap * 1e9:
            raise TrainingError(_("Hearing and seeing this dataset writes {nbytes:.1f} GB, more than the {cap:g} GB "
                                  "that are allowed. Allow more (max_cache_gb), or choose a smaller "
                                  "part of it.").format(nbytes=cost.nbytes / 1000000000.0, cap=cap), "cache_cap")

    def _prepared(self, preparing: FeaturePreparer, folder: RunFolder, report: Report) -> tuple[list[Split],
                                                                                                list[Split]]:
        """Training and dev split under every condition. One process of each machine does the work, the others read."""
        if self.processes.local:
            self.processes.wait()

        def logged(progress: Progress) -> None:
            if self.processes.first:
                done, total = progress.bar
                transcribing = progress.step is WorkStep.TRANSCRIBING_RECORDINGS
                folder.log("prepare", done=done, total=total, text=progress.text(),
                           hearing=[progress.done, progress.total] if transcribing else [0, 0])
            report(progress)

        requests = [(self._recipe.train, self.conditions), (self.dev, self.looked_at)]
        parts = iter(steps(logged, *(len(self.dataset.of(name).utterances)
                                     for name, under in requests for _unused in under)))
        features = [[preparing.prepare(self.dataset, name, condition, next(parts)) for condition in under]
                    for name, under in requests]
        if not self.processes.local:
            self.processes.wait()
        return features[0], features[1]

    def _trained(self, backbone: "VisionLanguage", model: "BrewCLIP", preparing: FeaturePreparer,
                 splits: tuple[list[Split], list[Split]], folder: RunFolder, report: Report) -> "TrainingResult":
        from core.models.brewclip import BrewCLIP
        from core.training.step import TrainingStep
        from core.training.trainer import Trainer

        options = self._recipe.training
        corpus = PairDataset(splits[0], preparing.images, model, options.batch, options.seed, options.drop_unheard)
        corpus.settle(report)
        if model.acoustic is not None:
            model.acoustic.standardise([states for utterance in splits[0][0].spoken[:STANDARDISED]
                                        for states in utterance.states])
        if self.processes.first:
            self._begun(folder, model, corpus, splits, backbone)
        dev = self.validator(splits[1], preparing)
        self._bare = dev.evaluate(BrewCLIP(backbone.built, "zero-shot").to(model.log_scale.device)).to_json()
        facts = self._facts(splits, corpus)
        lesson = self.lesson(backbone, splits[0][0], report)
        trainer = Trainer(model, TrainingStep(model, corpus, options, self.processes, lesson), dev, folder, options,
                          self.processes, lambda step, result: self._run(backbone, step, result, facts))
        return trainer.run(report)

    def validator(self, splits: list[Split], preparing: FeaturePreparer) -> "Validator":
        """The validation on prepared splits."""
        from core.training.validation import Validator

        return Validator(splits, preparing.images, self._recipe.training, self.processes)

    def lesson(self, backbone: "VisionLanguage", split: Split, report: Report = silent) -> "TextDistillation | None":
        """The distillation from a training split of clean speech; None where there is none."""
        from core.training.distillation import TextDistillation

        options = self._recipe.training
        if not options.teach or not variant(self._recipe.variant).acoustic:
            return None
        return TextDistillation.of(backbone.built, split, options.teach_temperature, options.seed, report)

    def _begun(self, folder: RunFolder, model: "BrewCLIP", corpus: PairDataset, splits: tuple[list[Split], list[Split]],
               backbone: "VisionLanguage") -> None:
        """Rewind the log to the state, and log the beginning."""
        state = folder.state()
        folder.rewind(state.step, bool(state.facts.get("look")))
        options = self._recipe.training
        for name, reason in splits[0][0].unreadable[:NOTED]:
            folder.log("note", text=f"{name}: {reason}")
        folder.log("begin", step=state.step, device=backbone.device, pairs=len(corpus), steps=options.steps,
                   parameters=sum(parameter.numel() for parameter in model.trained().values()),
                   processes=self.processes.count, dev=self.dev, fallback=backbone.fallback,
                   precision=options.precision_on(model.log_scale.device.type))

    def _facts(self, splits: tuple[list[Split], list[Split]], corpus: PairDataset) -> Mapping[str, Any]:
        """Facts of the data for the checkpoint."""
        train = splits[0][0]
        return {"kind": self.dataset.kind, "name": self.dataset.folder.name, "train": self._recipe.train,
                "dev": self.dev, "images": len(train.image_ids), "utterances": len(train.utterances),
                "pairs": len(corpus), "conditions": [str(condition) for condition in self.conditions],
                "unreadable": len(train.unreadable), "nothing_heard": corpus.unheard,
                "dropped_unheard": self._recipe.training.drop_unheard,
                unseen.DIGESTS: unseen.packed(unseen.digests_of(
                    (path for split in splits for path in split[0].paths),
                    Digests(self.workspace.home.caches / "pictures")))}

    def _run(self, backbone: "VisionLanguage", step: int, result: "DevResult", facts: Mapping[str, Any]) -> Run:
        recogniser, settings = self.workspace.recogniser(), self.workspace.settings
        beam, prompt = settings["speech.beam"], settings["speech.prompt"].strip()
        return Run(self._recipe.variant, self._recipe.model, backbone.name,
                   str(backbone.fingerprint(self._recipe.crop).facts()["weights"]), recogniser.name, recogniser.width,
                   settings["speech.padding"], self._recipe.crop, facts,
                   {"step": step, "dev": result.to_json(), "zero_shot": self._bare,
                    "training": self._recipe.training.to_json(),
                    **({"beam": beam} if beam > 1 else {}), **({"prompt": prompt} if prompt else {}),
                    **presets.to_json(self._recipe)},
                   self._recipe.training.seed)


def checkpoint_of(path: Path) -> Path:
    """The folder of a checkpoint: the path itself, or the best of the run that it is."""
    best = RunFolder(path).best
    return best if best.is_dir() and not (path / "run.json").exists() else path
