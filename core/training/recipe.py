"""The recipe of a run, declared: what is trained, on what, and how. The defaults are the paper's (section 3.3).

No torch here, so that the Train panel can show forms at once; `brewclip train` makes its arguments of the same fields.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from core import plain_json
from core.errors import TrainingError
from core.figures import plain
from core.models.variants import BrewClipOptions, variant

PRECISIONS = ("float32", "bfloat16", "float16")


def _option(default: Any, about: str, low: float = 0, high: float = 1, beyond: bool = False,
            choices: tuple[str, ...] = ()) -> Any:
    return field(default=default, metadata={"about": about, "low": low, "high": high, "beyond": beyond,
                                            "choices": choices})


@dataclass(frozen=True)
class TrainingOptions:
    """Training options; each field's metadata has its description, range, and whether the paper lacks it (`beyond`)."""

    steps: int = _option(100_000, "Number of training steps.", 1, 10_000_000)
    batch: int = _option(32, "Batch size: pairs of picture and utterance per step, over all processes.", 2, 65536)
    rate: float = _option(1e-4, "Peak learning rate.", 0, 1)
    warmup: float = _option(0.05, "Share of the steps in which the rate rises to its peak; it falls after that.", 0, 1)
    final_rate: float = _option(1e-8, "Learning rate of the last step.", 0, 1)
    weight_decay: float = _option(1e-6, "Weight decay of Adam.", 0, 1)
    clip: float = _option(4.0, "Maximum norm of the gradients; 0: no clipping.", 0, 1e6)
    precision: str = _option("float16", "Mixed precision: float16 (the paper; on an NVIDIA GPU, elsewhere float32), "
                             "bfloat16, or float32 for none.", choices=PRECISIONS)
    seed: int = _option(0, "Random seed; the same seed gives the same run.", 0, 2**31 - 1)
    evaluate_every: int = _option(500, "Steps between two validations on the dev split; the best model is kept.", 1,
                                  10_000_000)
    patience: int = _option(0, "Stop after this many validations without a better model; 0: never.", 0,
                            100_000, beyond=True)
    noise: str = _option("", "Train on the utterances under noise as well, such as 10,0,babble:5 (dB).", beyond=True)
    teach: float = _option(0.0, "Weight of distillation: similarities of the voice to captions follow those of its "
                           "transcript; 0: off.", 0, 1000, beyond=True)
    teach_temperature: float = _option(0.1, "Temperature of distillation; the lower, the fewer captions count.", 0.01,
                                       10, beyond=True)
    choose_weight: bool = _option(False, "Choose the weight of the acoustic branch in the sum on the dev split.",
                                  beyond=True)
    fit_gate: bool = _option(False, "Fit the gate on the dev split, where the branches are as accurate as in use.",
                             beyond=True)
    dev_noise: str = _option("", "Validate under these noise conditions as well, without training on them.",
                             beyond=True)
    drop_unheard: bool = _option(False, "Leave out utterances without recognised words, as the paper did; otherwise "
                                 "they train the acoustic branch.")
    device: str = _option("auto", "Compute device.", choices=("auto", "cpu", "cuda", "mps"))
    max_cache_gb: float = _option(100.0, "Refuse to start if the caches would grow by more (GB).", 0, 1e6)

    def __post_init__(self) -> None:
        for option in fields(self):
            check(option, getattr(self, option.name))

    def to_json(self) -> dict[str, Any]:
        """A plain dict of every option."""
        return asdict(self)

    def precision_on(self, device: str) -> str:
        """The precision that a device ("cpu", "cuda", ...) computes in: float16 needs an NVIDIA GPU."""
        return "float32" if self.precision == "float16" and device != "cuda" else self.precision


def check(option: Any, value: Any) -> None:
    """TrainingError ("options") when an option (a field of a record of options) cannot have that value."""
    kind, facts = type(option.default), option.metadata
    fits = type(value) is kind or (kind is float and type(value) is int)
    choices = facts.get("choices", ())
    if choices and value not in choices:
        raise TrainingError(f"{option.name} cannot be {value!r}; it is one of {', '.join(choices)}.", "options")
    if not fits or (kind in (int, float) and not facts["low"] <= value <= facts["high"]):
        raise TrainingError(f"{option.name} cannot be {value!r}; it goes from {plain(facts['low'])} to "
                            f"{plain(facts['high'])}.",
                            "options")


@dataclass(frozen=True)
class Recipe:
    """All that decides a run. `dev` "" takes the split of that use ("dev", else "val"), or part of the training's."""

    dataset: Path
    variant: str = "full"
    backbone: str = "auto"  # name of its weights; "auto" as in the settings
    crop: str = "centre"
    kind: str = ""  # of the dataset; "" finds out
    train: str = "train"
    dev: str = ""
    model: BrewClipOptions = field(default_factory=BrewClipOptions)
    training: TrainingOptions = field(default_factory=TrainingOptions)
    follow_links: bool = False  # out of the dataset's folder, as the user said

    def __post_init__(self) -> None:
        if not (variant(self.variant).prompts or variant(self.variant).acoustic):
            raise TrainingError(f"{self.variant} has nothing to train: it is the backbone as it came.", "variant")

    def to_json(self) -> dict[str, Any]:
        """A plain dict for `from_json`."""
        return {**asdict(self), "dataset": str(self.dataset), "model": self.model.to_json(),
                "training": self.training.to_json()}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "Recipe":
        """The recipe of `to_json`. TrainingError, ModelError: values that do not fit; `plain_json.DAMAGE`: damaged.
        """
        return plain_json.checked(cls(**{
            **stored, "dataset": Path(stored["dataset"]), "model": BrewClipOptions.from_json(stored["model"]),
            "training": TrainingOptions(**stored["training"])}))


def rate_at(step: int, options: TrainingOptions) -> float:
    """The learning rate of a step (from 0): linear to the peak, then linear to `final_rate` at the last step."""
    warm = round(options.warmup * options.steps)
    if step < warm:
        return options.rate * (step + 1) / warm
    left = (options.steps - 1 - step) / max(1, options.steps - 1 - warm)
    return options.final_rate + (options.rate - options.final_rate) * left
