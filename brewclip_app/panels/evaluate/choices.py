"""Choices of the Evaluate screen: datasets, models and options, and the request that they make."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from brewclip_app.localisation import _, localised

if TYPE_CHECKING:
    from core.evaluation.records import Request
    from core.home import Home

FIRST = ("test", "val", "dev")  # the split that is ticked in a new folder
WORDS = (("transcripts", _("Transcripts"), (False,)), ("captions", _("Captions instead of transcripts"), (True,)),
         ("both", _("Both, one after the other"), (False, True)))
RATIOS = (20, 10, 5, 0, -5)  # dB
NOISES = (("white", "white"), ("pink", "pink"), ("babble", "babble"))
ZERO_SHOT = "zero-shot:auto"


@dataclass(frozen=True)
class ModelOption:
    """A model that can be evaluated: a checkpoint's folder, or "" and a backbone for zero-shot."""

    title: str
    about: str
    checkpoint: str = ""
    backbone: str = "auto"
    problem: str = ""

    @property
    def key(self) -> str:
        """Its name in the saved state."""
        return self.checkpoint or f"zero-shot:{self.backbone}"


@dataclass(frozen=True)
class DataOption:
    """A dataset's folder with the splits that can be evaluated: (name, pictures, utterances)."""

    folder: Path
    kind: str
    title: str
    splits: tuple[tuple[str, int, int], ...]
    problem: str = ""
    has_links: bool = False  # out of the folder; followed or not


@dataclass(frozen=True)
class EvaluateOptions:
    """All choices. A dataset is None while its folder is read; `splits` are the ticked (folder, split)."""

    datasets: Mapping[Path, DataOption | None] = field(default_factory=dict)
    splits: frozenset[tuple[str, str]] = frozenset()
    linked: frozenset[Path] = frozenset()  # folders whose links may lead out
    models: tuple[ModelOption, ...] = ()
    ticked: frozenset[str] = frozenset({ZERO_SHOT})  # keys of models
    others: tuple[str, ...] = ()  # folders of models that the user added
    words: str = WORDS[0][0]
    noise: str = NOISES[0][0]
    clean: bool = True
    ratios: frozenset[int] = frozenset()
    crops: frozenset[str] = frozenset({""})
    drop: bool = False

    @property
    def chosen_models(self) -> list[ModelOption]:
        """The ticked models that can be used."""
        return [model for model in self.models if model.key in self.ticked and not model.problem]

    @property
    def chosen_splits(self) -> list[tuple[Path, str, str]]:
        """(folder, split, kind) of the ticked splits that are there."""
        return [(folder, split, data.kind) for folder, data in self.datasets.items() if data
                for split, _unused, _unused in data.splits if (str(folder), split) in self.splits]

    def request(self) -> "Request | None":
        """The request that the choices make; None while it is empty."""
        from core.evaluation.records import DataChoice, Request
        from core.features.noise import CLEAN, Condition
        from core.models.spec import ModelSpec

        models = tuple(ModelSpec(model.backbone, Path(model.checkpoint) if model.checkpoint else None)
                       for model in self.chosen_models)
        data = tuple(DataChoice(folder, split, kind, folder in self.linked)
                     for folder, split, kind in self.chosen_splits)
        conditions = (*([CLEAN] if self.clean else []),
                      *(Condition(self.noise, float(ratio)) for ratio in RATIOS if ratio in self.ratios))
        captions = next(values for key, _unused, values in WORDS if key == self.words)
        request = Request(models, data, captions, conditions, tuple(sorted(self.crops, key=_crop_order)), self.drop)
        return request if len(request) else None

    def missing(self) -> str:
        """A sentence that says what is still to be chosen; "" when nothing is."""
        if not self.datasets:
            return _("Add a dataset to begin.")
        for chosen, name in ((self.chosen_splits, _("a split")), (self.chosen_models, _("a model")),
                             (self.request(), _("at least one noise level and one crop"))):
            if not chosen:
                return _("Tick {name}.").format(name=name)
        return ""

    def to_json(self) -> dict[str, Any]:
        """Plain values for the saved state."""
        return {"folders": [str(folder) for folder in self.datasets], "splits": [list(row) for row in
                                                                                  sorted(self.splits)],
                "linked": sorted(map(str, self.linked)), "models": sorted(self.ticked), "others": list(self.others),
                "words": self.words, "noise": self.noise, "clean": self.clean, "drop": self.drop,
                "ratios": [ratio for ratio in RATIOS if ratio in self.ratios], "crops": sorted(self.crops)}

    @classmethod
    def of_json(cls, state: Mapping[str, Any]) -> "EvaluateOptions":
        """The choices of a saved state, or of any part of it; its folders are still to be read."""
        words, noise = state.get("words"), state.get("noise")
        return cls(
            splits=frozenset((str(row[0]), str(row[1])) for row in state.get("splits", []) if len(row) == 2),
            linked=frozenset(map(Path, state.get("linked", []))),
            ticked=frozenset(map(str, state.get("models", []))) or frozenset({ZERO_SHOT}),
            others=tuple(map(str, state.get("others", []))),
            words=words if words in [key for key, *_unused in WORDS] else WORDS[0][0],
            noise=noise if noise in dict(NOISES) else NOISES[0][0],
            clean=bool(state.get("clean", True)), drop=bool(state.get("drop", False)),
            ratios=frozenset(ratio for ratio in RATIOS if ratio in state.get("ratios", [])),
            crops=frozenset(map(str, state.get("crops", [""]))))


def read_models(home: "Home", others: Sequence[str]) -> list[ModelOption]:
    """Zero-shot, the model that comes with the program, the runs of Train, and folders that the user added."""
    from core.models.checkpoints import RUN
    from core.models.registry import SHIPPED
    from core.training.runs import RunShelf

    options = [ModelOption(_("Zero-shot"), _("transcript only, not trained"))]
    if (SHIPPED / RUN).is_file():
        options.append(_model_in(SHIPPED, "included"))
    options += [_model_in(run.path, run.name) for run in RunShelf(home.runs).read() if run.usable]
    listed = {option.checkpoint for option in options}
    return [*options, *(_model_in(Path(folder), Path(folder).name) for folder in others if folder not in listed)]


def still_ticked(ticked: frozenset[str], models: Sequence[ModelOption]) -> frozenset[str]:
    """The ticked keys, those of a home or a program that has moved in their new form.

    The key of a model that is not in the list gives way to the only one whose path has the same last two names.
    """
    keys = {model.key for model in models}

    def new_key(key: str) -> str:
        moved = [model.key for model in models if model.checkpoint
                 and Path(model.checkpoint).parts[-2:] == Path(key).parts[-2:]]
        return moved[0] if key not in keys and len(moved) == 1 else key

    return frozenset(map(new_key, ticked))


def read_dataset(folder: Path, kind: str = "", follow_links: bool = False) -> DataOption:
    """Read a folder as a dataset; `problem` says why that failed."""
    from core import datasets
    from core.datasets.kinds import kind_of
    from core.errors import BrewclipError

    try:
        dataset = datasets.load(folder, kind, follow_links=follow_links)
    except BrewclipError as error:
        return DataOption(folder, kind, "", (), localised(error), follow_links or error.kind == "links")
    parts = ((split, dataset.of(split)) for split in dataset.splits)
    splits = tuple((split, len(part.images), len(part.utterances)) for split, part in parts
                   if part.images and part.utterances)
    problem = "" if splits else _("{name} has no split with pictures and recordings.").format(name=folder.name)
    links = follow_links or any(problem.key == "links_out" for problem in dataset.problems)
    return DataOption(folder, dataset.kind, kind_of(dataset.kind).title, splits, problem, links)


def _model_in(folder: Path, name: str) -> ModelOption:
    from core.errors import BrewclipError
    from core.models import checkpoints
    from core.models.variants import BY_NAME

    try:
        run = checkpoints.read_run(checkpoints.find(folder))
    except BrewclipError as error:
        return ModelOption(name, "", str(folder), problem=localised(error))
    return ModelOption(BY_NAME[run.variant].title, f"{name} · {run.backbone}", str(folder))


def _crop_order(key: str) -> int:
    from brewclip_app.panels.evaluate.cells import CROP_TITLES

    return ("", *CROP_TITLES).index(key)
