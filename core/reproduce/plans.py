"""Plans that reproduce the paper, declared: which tables and figures, how models are trained, which probes are fitted.

What a table needs follows from its rows (`core.evaluation.published`); no torch here, so that the window shows plans at
once.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from core.datasets import ravdess
from core.emotion.features import AS_AUTHORS, AUTHORS_STEPS
from core.errors import ReproductionError
from core.evaluation.published import FLICKR8K, NARRATIVES, SPOKENCOCO, OwnModel
from core.localisation import _
from core.models.variants import BY_NAME as BY_VARIANT
from core.reproduce.table import ABOUT

RAVDESS = ravdess.KIND
EMOTION_TABLE = 3
Value = str | int | float | bool


@dataclass(frozen=True)
class FigurePlan:
    """A figure of the paper: how many `datasets` it shows, of `kinds` in order of preference, and the models on them.
    """

    name: str
    title: str
    kinds: tuple[str, ...]
    variants: tuple[str, ...] = ("full",)
    datasets: int = 1


_UNSCRIPTED_FIRST, _SCRIPTED_FIRST = (NARRATIVES, SPOKENCOCO, FLICKR8K), (SPOKENCOCO, FLICKR8K, NARRATIVES)
FIGURES: tuple[FigurePlan, ...] = (
    FigurePlan("3", "Scripted and unscripted descriptions", _UNSCRIPTED_FIRST, datasets=2),
    FigurePlan("4", "Variants side by side", _UNSCRIPTED_FIRST, tuple(BY_VARIANT)),
    FigurePlan("5", "A miss of the centre crop", _SCRIPTED_FIRST),
    FigurePlan("6", "Scripted and unscripted descriptions, more queries", _UNSCRIPTED_FIRST, datasets=2),
    FigurePlan("7", "Variants side by side, more queries", _UNSCRIPTED_FIRST, tuple(BY_VARIANT)),
    FigurePlan("8", "All descriptions of one picture", _SCRIPTED_FIRST),
    FigurePlan("9", "Misses of the centre crop", _SCRIPTED_FIRST),
    FigurePlan("wer", "Recall over word error rate", _UNSCRIPTED_FIRST),
)


@dataclass(frozen=True)
class Probing:
    """One experiment on RAVDESS, with the branches of the full model; `steps` of the authors' probe."""

    mode: str = "linear"
    protocol: str = "paper"
    features: tuple[str, ...] = ()
    seeds: int = 3
    steps: int = AUTHORS_STEPS


@dataclass(frozen=True)
class ReproductionPlan:
    """Tables and figures to make.

    `preset` is that of training and `seeds` its seeds, unless asked otherwise; `training` has options by variant that
    differ from the preset, by key; `trained` are the variants that are trained (those of the rows that are left out
    have no figures of ours).
    """

    name: str
    title: str
    about: str
    tables: tuple[int, ...] = ()
    figures: tuple[str, ...] = ()
    preset: str = "paper"
    seeds: tuple[int, ...] = (0, 1, 2)
    training: Mapping[str, Mapping[str, Value]] = field(default_factory=dict)
    trained: tuple[str, ...] = ("prompted", "e2e", "full")
    extra: tuple[tuple[str, OwnModel], ...] = ()  # (kind, model): evaluations that no table asks for
    probing: tuple[Probing, ...] = ()


_PROBING = (Probing(features=AS_AUTHORS), Probing("fine-tuned"))
_SMALL: Mapping[str, Value] = MappingProxyType({"training.steps": 300, "training.evaluate_every": 100})
PLANS: tuple[ReproductionPlan, ...] = (
    *(ReproductionPlan(f"table{number}", _("Table {number}").format(number=number),
                       ABOUT[f"table{number}"], (number,)) for number in (1, 2)),
    ReproductionPlan("table3", _("Table 3"), ABOUT["table3"], (EMOTION_TABLE,), trained=("full",), probing=_PROBING),
    *(ReproductionPlan(f"table{number}", _("Table {number}").format(number=number),
                       ABOUT[f"table{number}"], (number,)) for number in (4, 5)),
    ReproductionPlan("figures", _("Figures 3 to 9"), ABOUT["figures"],
                     figures=tuple(figure.name for figure in FIGURES)),
    ReproductionPlan("all", _("Tables 1 to 5 and figures 3 to 9"), ABOUT["all"], (1, 2, 3, 4, 5),
                     tuple(figure.name for figure in FIGURES), probing=_PROBING),
    ReproductionPlan(
        "small", _("Small"), ABOUT["small"], (1, 2, 3, 4, 5), ("3", "4", "5", "8", "wer"), "small-data", (0, 1),
        MappingProxyType({
            "full": _SMALL, "e2e": _SMALL,
            "prompted": {"training.steps": 60, "training.evaluate_every": 30, "model.prompts": 4}}),
        extra=((FLICKR8K, OwnModel("e2e", FLICKR8K)), (FLICKR8K, OwnModel("zero-shot", captions=True))),
        probing=(Probing(features=AS_AUTHORS, seeds=2, steps=1000),)),
)
BY_NAME: Mapping[str, ReproductionPlan] = MappingProxyType({plan.name: plan for plan in PLANS})


def plan(name: str) -> ReproductionPlan:
    """The plan of that name. ReproductionError ("plan")."""
    if name not in BY_NAME:
        raise ReproductionError(_("There is no plan {name!r}; choose one of {by_name}.").format(name=name,
                                                                                                by_name=", ".join(
                                                                                                    BY_NAME)), "plan")
    return BY_NAME[name]
