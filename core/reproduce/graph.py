"""Steps of a plan on the datasets that were given: their order, the work of each, and what is left out."""

import hashlib
import json
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, get_args

from core import datasets
from core.cluster.preparing import PrepareRecipe
from core.datasets.records import Dataset
from core.emotion import protocols
from core.emotion.results import Options as ProbeOptions
from core.errors import DatasetError, ReproductionError
from core.evaluation.published import (
    BACKBONE,
    FLICKR8K,
    NARRATIVES,
    SPLITS,
    SPOKENCOCO,
    TABLES,
    OwnModel,
)
from core.evaluation.records import IMPORTED, DataChoice
from core.features.prepared_split import checked_split
from core.fingerprint import Fingerprint
from core.localisation import _
from core.models.spec import ModelSpec
from core.models.variants import variant
from core.reproduce.plans import EMOTION_TABLE, FIGURES, RAVDESS, ReproductionPlan
from core.reproduce.records import RUNS, Kind, PlanStep
from core.reproduce.table import DATASETS
from core.settings import SETTINGS
from core.training import presets
from core.training.dataset import HELD_OUT, with_dev
from core.training.options import OPTIONS, values_of, with_values
from core.training.recipe import Recipe
from core.workspace import Workspace

TRAIN = "train"
TEST_SPLITS = ("test", "val", "dev")  # where the paper's is missing, the first that is there
DROPPING = ("paper", "authors")  # presets whose source leaves unreadable recordings out of the figures
PROBED_FIRST = (NARRATIVES, SPOKENCOCO, FLICKR8K)  # the authors probe the model of the first


@dataclass(frozen=True)
class Choices:
    """Choices of the user: dataset folders by kind; preset "" and seeds () are the plan's."""

    datasets: Mapping[str, Path]
    preset: str = ""
    seeds: tuple[int, ...] = ()
    backbone: str = "auto"
    follow_links: bool = False


@dataclass(frozen=True)
class EvaluateWork:
    """One evaluation. `model` is the key of the step that trains it, "" for zero-shot."""

    model: str
    backbone: str
    data: DataChoice
    captions: bool
    drop_unreadable: bool


@dataclass(frozen=True)
class ProbeWork:
    """One experiment on RAVDESS. `model` is the key of the step that trains the model whose branches are probed."""

    model: str
    options: ProbeOptions


@dataclass(frozen=True)
class TableWork:
    """A table of the paper, filled from the evaluations that its step needs."""

    number: int


@dataclass(frozen=True)
class FigureWork:
    """A figure of the paper, drawn from the evaluations that its step needs; `name` as in `brewclip figure`."""

    name: str


Work = PrepareRecipe | Recipe | EvaluateWork | ProbeWork | TableWork | FigureWork


@dataclass(frozen=True)
class PlanTask:
    """A step with its work."""

    step: PlanStep
    work: Work


@dataclass(frozen=True)
class StepGraph:
    """All steps of a plan, each after those that it needs. `deviations` are sentences; `backbone` names weights."""

    plan: ReproductionPlan
    preset: str
    seeds: tuple[int, ...]
    datasets: Mapping[str, Path]
    backbone: str
    tasks: tuple[PlanTask, ...]
    deviations: tuple[str, ...]
    follow_links: bool = False


def build(workspace: Workspace, plan: ReproductionPlan, choices: Choices, folder: Path) -> StepGraph:
    """The steps of a plan. Reads the lists of the datasets; loads no model.

    ReproductionError ("nothing": none of its tables and figures can be made of these datasets); DatasetError,
    TrainingError, ModelError.
    """
    return _Builder(workspace, plan, choices, folder).graph()


def under_preset(workspace: Workspace, preset: str) -> Workspace:
    """The workspace with the recogniser settings of a preset of training: its models are evaluated with those alone."""
    return workspace.with_settings(_speech_of(presets.preset(preset)))


def _speech_of(preset: presets.Preset) -> dict[str, str | int]:
    """The recogniser settings that a preset of training changes, by key."""
    return preset.apply(Recipe(Path(), "full", "")).training.speech_settings()


class _Builder:
    """Adds each step once, however many tables and figures need it."""

    def __init__(self, workspace: Workspace, plan: ReproductionPlan, choices: Choices, folder: Path) -> None:
        self._plan, self._choices, self._folder = plan, choices, folder
        self._preset = presets.preset(choices.preset or plan.preset)
        workspace = under_preset(workspace, self._preset.name)
        self._recognition = [part for key, value in _speech_of(self._preset).items()
                             for part in (f"--{key.removeprefix('speech.')}", str(value))]
        self._seeds = choices.seeds or plan.seeds
        self._backbone = workspace.models.resolve(ModelSpec(choices.backbone), workspace.settings).backbone
        self._speech = {setting.key: value for setting in SETTINGS if setting.key.startswith("speech.")
                        and (value := workspace.settings[setting.key]) != setting.default}
        self._datasets = {kind: datasets.load(path.absolute(), kind, follow_links=choices.follow_links)
                          for kind, path in choices.datasets.items()}
        self._digests: dict[str, str] = {}
        self._tasks: dict[str, PlanTask] = {}
        self._deviations: dict[str, None] = {}

    def graph(self) -> StepGraph:
        """All steps, sorted by kind: a step needs steps of earlier kinds alone."""
        if self._backbone != BACKBONE:
            self._deviate(f"The backbone is {self._backbone} (paper: {BACKBONE}).")
        for number in self._plan.tables:
            self._table(number)
        for kind, model in self._plan.extra:
            self._evaluated(kind, model)
        for name in self._plan.figures:
            self._figure(name)
        if not any(isinstance(task.work, TableWork | FigureWork) for task in self._tasks.values()):
            raise ReproductionError(_("None of the tables and figures of {name} can be made of these datasets. "
                                      "{deviations} Give a folder of each dataset that it needs.").format(
                                          name=self._plan.name, deviations=" ".join(self._deviations)), "nothing")
        order: tuple[Kind, ...] = get_args(Kind)
        return StepGraph(self._plan, self._preset.name, self._seeds, self._choices.datasets, self._backbone,
                         tuple(sorted(self._tasks.values(), key=lambda task: order.index(task.step.kind))),
                         tuple(self._deviations), self._choices.follow_links)

    # ---- datasets

    def _deviate(self, sentence: str) -> None:
        self._deviations.setdefault(sentence)

    def _there(self, kind: str) -> bool:
        if kind not in self._datasets:
            self._deviate(f"{DATASETS[kind]} was not given: what needs it is left out.")
        return kind in self._datasets

    def _has_pairs(self, kind: str, split: str) -> bool:
        try:
            checked_split(self._datasets[kind], split)
        except DatasetError as error:
            if error.kind not in ("no_split", "no_pairs"):
                raise
            return False
        return True

    def _trainable(self, kind: str) -> bool:
        if self._has_pairs(kind, TRAIN):
            return True
        self._deviate(f"{DATASETS[kind]} has no training split here: models trained on it are left out.")
        return False

    def _test_split(self, kind: str) -> str:
        """The paper's split, else the first of TEST_SPLITS. DatasetError ("no_split") where there is none."""
        split = next((name for name in (SPLITS[kind], *TEST_SPLITS) if self._has_pairs(kind, name)), SPLITS[kind])
        checked_split(self._datasets[kind], split)
        if split != SPLITS[kind]:
            self._deviate(f"{DATASETS[kind]} is evaluated on {split} (paper: {SPLITS[kind]}).")
        return split

    def _dev_split(self, kind: str) -> str:
        """"" for the usual one; pictures held out of training where that is the one of the evaluations."""
        usual = with_dev(self._datasets[kind], TRAIN, "", 0)[1]
        return HELD_OUT if usual == self._test_split(kind) else ""

    def _content(self, kind: str) -> str:
        """Digest of a dataset's lists."""
        if kind not in self._digests:
            self._digests[kind] = _digest_of(self._datasets[kind])
        return self._digests[kind]

    # ---- steps

    def _add(self, kind: Kind, name: str, title: str, facts: Mapping[str, Any], work: Work, command: Sequence[str],
             **more: Any) -> str:
        digest = Fingerprint.of({"facts": json.dumps(facts, sort_keys=True), **self._speech}).hash[:10]
        key = f"{kind}-{name}-{digest}"
        if key not in self._tasks:
            line = shlex.join(["brewclip", *(part.replace("KEY", key) for part in command)]) if command else ""
            self._tasks[key] = PlanTask(PlanStep(key, title, kind, command=line, **more), work)
        return key

    @cached_property
    def _states(self) -> bool:
        """Whether a model of the plan reads encoder states."""
        models = [model for _unused, model in (*self._plan.extra, *(pair for number in self._plan.tables
                                                              for pair in _models_of(number)))]
        names = {model.variant for model in models} | {
            name for figure in FIGURES if figure.name in self._plan.figures for name in figure.variants}
        names |= {"full"} if EMOTION_TABLE in self._plan.tables else set()
        return any(variant(name).acoustic for name in names & set(self._plan.trained))

    def _prepared(self, kind: str) -> str:
        dataset = self._datasets[kind]
        trained = self._has_pairs(kind, TRAIN) and any(
            name in self._plan.trained for name in ("prompted", "e2e", "full"))
        named = (TRAIN, with_dev(dataset, TRAIN, "", 0)[1]) if trained else ()
        splits = tuple(dict.fromkeys(name for name in (*named, self._test_split(kind)) if name != HELD_OUT))
        recipe = PrepareRecipe(dataset.folder, kind, splits, self._backbone, states=self._states,
                               max_cache_gb=float("inf"), follow_links=self._choices.follow_links)
        return self._add("prepare", kind,
                         _("Prepare {datasets} ({splits})").format(datasets=DATASETS[kind], splits=", ".join(splits)),
                         {"data": self._content(kind), "splits": splits, "backbone": self._backbone,
                          "states": self._states}, recipe,
                         ["prepare", str(dataset.folder), "--kind", kind, *(part for split in splits
                                                                            for part in ("--split", split)),
                          "--backbone", self._backbone, *([] if self._states else ["--no-states"]),
                          *self._recognition, *self._links])

    @property
    def _links(self) -> list[str]:
        return ["--follow-links"] if self._choices.follow_links else []

    def _trained(self, model: OwnModel, seed: int) -> str:
        """The step that trains a model with one seed."""
        kind, name = model.trained_on, model.variant
        captions = model.captions and self._preset.name == "authors"
        values = {**self._plan.training.get(name, {}), "training.seed": seed,
                  **({"training.captions": True} if captions else {})}
        recipe = with_values(self._preset.apply(Recipe(
            self._datasets[kind].folder, name, self._backbone, kind=kind, dev=self._dev_split(kind),
            follow_links=self._choices.follow_links)), values)
        if differs := presets.deviations(replace(recipe, training=replace(recipe.training, seed=0))):
            self._deviate(f"{variant(name).title} is trained with the preset {self._preset.title}, but for: "
                          f"{', '.join(differs)}.")
        words = " on captions" if captions else ""
        stored = {**recipe.to_json(), "dataset": self._content(kind)}
        return self._add("train", f"{name}-{kind}-{seed}",
                         _("Train {title} on {datasets}{words}, seed {seed}").format(title=variant(name).title,
                                                                                     datasets=DATASETS[kind],
                                                                                     words=words, seed=seed), stored,
                         recipe,
                         _train_command(recipe, self._preset, self._folder / RUNS / "KEY"),
                         needs=(self._prepared(kind),), seed=seed)

    def _evaluated(self, kind: str, model: OwnModel, seeds: tuple[int, ...] = ()) -> tuple[str, ...]:
        """The steps that evaluate a model on a dataset, one for each seed; () where it cannot be had."""
        if not self._there(kind):
            return ()
        if not model.trained_on:
            return (self._one_evaluated(kind, model, "", None),)
        if model.variant not in self._plan.trained or not self._there(model.trained_on) or not self._trainable(
                model.trained_on):
            return ()
        return tuple(self._one_evaluated(kind, model, self._trained(model, seed), seed)
                     for seed in seeds or self._seeds)

    def _one_evaluated(self, kind: str, model: OwnModel, trained: str, seed: int | None) -> str:
        folder, split = self._datasets[kind].folder, self._test_split(kind)
        drop = self._preset.name in DROPPING
        work = EvaluateWork(trained, self._backbone, DataChoice(folder, split, kind, self._choices.follow_links),
                            model.captions, drop)
        trained_on = f", trained on {DATASETS[model.trained_on]}, seed {seed}" if trained else ""
        words = " with captions" if model.captions else ""
        which = ["--checkpoint", str(self._folder / RUNS / trained)] if trained else ["--backbone", self._backbone]
        return self._add(
            "evaluate", f"{model.variant}-{kind}{'' if seed is None else f'-{seed}'}",
            _("Evaluate {title} on {datasets} {split}{words}{trained_on}").format(title=variant(model.variant).title,
                                                                                  datasets=DATASETS[kind], split=split,
                                                                                  words=words, trained_on=trained_on),
            {"model": trained or self._backbone, "data": self._content(kind), "split": split,
             "captions": model.captions, "drop": drop}, work,
            ["evaluate", str(folder), "--kind", kind, "--split", split, *which, *(["--captions"] * model.captions),
             *(["--drop-unreadable"] * drop), *self._recognition, *self._links],
            needs=(self._prepared(kind), *([trained] if trained else [])), seed=seed)

    def _table(self, number: int) -> None:
        needs = (self._probed() if number == EMOTION_TABLE else
                 tuple(dict.fromkeys(key for kind, model in _models_of(number)
                                     for key in self._evaluated(kind, model))))
        if not needs:
            self._deviate(f"Table {number} is left out: none of its rows can be computed from these datasets.")
            return
        command = ["evaluate", "--table", str(number)] if number != EMOTION_TABLE else []
        self._add("table", str(number), _("Table {number}").format(number=number), {"number": number, "needs": needs},
                  TableWork(number),
                  command, needs=needs, number=number)

    def _probed(self) -> tuple[str, ...]:
        """The experiments of Table 3 on the full model of the first seed."""
        trained = next((kind for kind in PROBED_FIRST if kind in self._datasets and self._trainable(kind)), "")
        if not self._there(RAVDESS) or not trained:
            return ()
        model, folder = self._trained(OwnModel("full", trained), self._seeds[0]), self._datasets[RAVDESS].folder
        keys = []
        for probing in self._plan.probing:
            options = ProbeOptions(folder, probing.protocol, probing.mode, features=probing.features,
                                   seeds=probing.seeds, follow_links=self._choices.follow_links, steps=probing.steps)
            facts = {**options.to_json(), "folder": self._content(RAVDESS), "model": model}
            keys.append(self._add(
                "emotion", f"{probing.protocol}-{probing.mode}",
                _("Emotion, {mode}: {title}").format(mode=probing.mode,
                                                     title=protocols.protocol(probing.protocol).title), facts,
                ProbeWork(model, options),
                ["emotion", str(folder), "--protocol", probing.protocol, "--mode", probing.mode,
                 *(part for feature in probing.features for part in ("--feature", feature)), "--seeds",
                 str(probing.seeds), "--steps", str(probing.steps), "--checkpoint", str(self._folder / RUNS / model),
                 *self._recognition, *self._links], needs=(model,)))
        return tuple(keys)

    def _figure(self, name: str) -> None:
        figure = next(figure for figure in FIGURES if figure.name == name)
        kinds = [kind for kind in figure.kinds if kind in self._datasets][:figure.datasets]
        needs = self._shown(kinds, figure.variants) if len(kinds) == figure.datasets else ()
        if not needs:
            self._deviate(f"Figure {name} is left out: too few datasets and models for it.")
            return
        self._add("figure", name, _("Figure {name}: {title}").format(name=name, title=figure.title),
                  {"name": name, "needs": needs}, FigureWork(name),
                  [], needs=needs,
                  number=int(name) if name.isdecimal() else None)

    def _shown(self, kinds: Iterable[str], variants: Iterable[str]) -> tuple[str, ...]:
        """Evaluations of the first seed's models on datasets; those trained on the dataset, else on another."""
        needs: list[str] = []
        for kind in kinds:
            sources = [source for source in (kind, *PROBED_FIRST)
                       if source in self._datasets and self._has_pairs(source, TRAIN)]
            for name in variants:
                if name == "zero-shot" or sources:
                    model = OwnModel(name, "" if name == "zero-shot" else sources[0])
                    needs += self._evaluated(kind, model, self._seeds[:1])
        return tuple(dict.fromkeys(needs))


def _models_of(number: int) -> list[tuple[str, OwnModel]]:
    """Evaluations beside the rows of a table: dataset and model; those that can be made here."""
    return [(row.kind, row.ours) for table in TABLES if table.number == number for row in table.rows
            if row.ours and row.ours.variant != IMPORTED]


def _train_command(recipe: Recipe, preset: presets.Preset, run: Path) -> list[str]:
    """The command that trains by a recipe: the preset, and the options that differ from it."""
    changed = []
    for option, value in ((option, values_of(recipe)[option.key]) for option in OPTIONS):
        if value != preset.value(option.key):
            changed += ([option.flag if value else f"--no-{option.flag[2:]}"] if isinstance(value, bool)
                        else [option.flag, str(value)])
    return ["train", str(recipe.dataset), "--as", preset.name, "--variant", recipe.variant, "--kind", recipe.kind,
            "--backbone", recipe.backbone, *(["--dev-split", recipe.dev] if recipe.dev else []), *changed,
            *(["--follow-links"] if recipe.follow_links else []), "--out", str(run)]


def _digest_of(dataset: Dataset) -> str:
    """Digest of ids, captions, splits and names of files; their contents are not read."""
    digest = hashlib.sha256(dataset.kind.encode())
    for image in dataset.images:
        digest.update(repr((image.image_id, image.split, image.path and image.path.name)).encode())
    for utterance in dataset.utterances:
        recording = utterance.recording and utterance.recording.name
        digest.update(repr((utterance.utterance_id, utterance.image_id, utterance.caption, utterance.split,
                            recording)).encode())
    return digest.hexdigest()[:16]
