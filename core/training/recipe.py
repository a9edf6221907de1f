"""The recipe of a run, declared: what is trained, on what, and how. Each default names its source (docs/paper.md).

No torch here, so that the Train panel can show forms at once; `brewclip train` makes its arguments of the same fields.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from core import plain_json
from core.errors import TrainingError
from core.figures import plain
from core.localisation import _
from core.models.variants import BrewClipOptions, declare, stored, variant

PRECISIONS = ("float32", "bfloat16", "float16")
LOSSES = ("paper", "authors")
SELECTIONS = ("mean", "r1")
COMPILED = ("off", "auto", "on")
AS_SET = "settings"  # the value of an option that is as in the settings


@dataclass(frozen=True)
class TrainingOptions:
    """Training options; each field's metadata has its description, range and source."""

    steps: int = declare(100_000, _("Number of training steps."), 1, 10_000_000)
    batch: int = declare(32, _("Batch size: pairs of picture and utterance per step, over all processes."), 2, 65536,
                         prepares=True)
    rate: float = declare(1e-4, _("Peak learning rate."), 0, 1)
    warmup: float = declare(0.05, _("Share of the steps in which the rate rises to its peak; it falls after that."), 0,
                            1)
    final_rate: float = declare(1e-8, _("Learning rate of the last step."), 0, 1)
    weight_decay: float = declare(1e-6, _("Weight decay of Adam."), 0, 1)
    clip: float = declare(4.0, _("Maximum norm of the gradients; 0: no clipping."), 0, 1e6, source="authors")
    precision: str = declare("float16",
                             _("Mixed precision: float16 (on an NVIDIA GPU, elsewhere float32), bfloat16, or float32 "
                               "for none."), source="authors", choices=PRECISIONS)
    seed: int = declare(0, _("Random seed; the same seed gives the same run."), 0, 2**31 - 1, source="ours",
                        prepares=True)
    evaluate_every: int = declare(500, _("Steps between two validations on the dev split; the best model is kept."), 1,
                                  10_000_000, source="ours")
    patience: int = declare(0, _("Stop after this many validations without a better model; 0: never."), 0,
                            100_000, source="ours")
    noise: str = declare("", _("Train on the utterances under noise as well, such as 10,0,babble:5 (dB)."),
                         source="ours",
                         prepares=True)
    teach: float = declare(0.0,
                           _("Weight of distillation: similarities of the voice to captions follow those of its "
                             "transcript; 0: off."), 0, 1000, source="ours")
    teach_temperature: float = declare(0.1, _("Temperature of distillation; the lower, the fewer captions count."),
                                       0.01,
                                       10, source="ours")
    choose_weight: bool = declare(False, _("Choose the weight of the acoustic branch in the sum on the dev split."),
                                  source="ours")
    fit_gate: bool = declare(False, _("Fit the gate on the dev split, where the branches are as accurate as in use."),
                             source="ours")
    dev_noise: str = declare("", _("Validate under these noise conditions as well, without training on them."),
                             source="ours", prepares=True)
    drop_unheard: bool = declare(False,
                                 _("Leave out utterances without recognised words, as the paper did; otherwise they "
                                   "train the acoustic branch."), source="ours")
    device: str = declare("auto", _("Compute device."), source="ours", choices=("auto", "cpu", "cuda", "mps"),
                          prepares=True)
    max_cache_gb: float = declare(100.0, _("Refuse to start if the caches would grow by more (GB)."), 0, 1e6,
                                  source="ours")
    loss: str = declare("paper",
                        _("Form of the loss: paper (sum of both directions, normalised vectors), or authors (mean of "
                          "both directions; inner loss on vectors as they are, counted twice)."),
                        choices=LOSSES, later=True)
    same_image_negatives: bool = declare(False,
                                         _("Count other pairs of the same picture as negatives (equation 1); "
                                           "otherwise they are masked."), source="authors", later=True)
    replicas: int = declare(0,
                            _("Split each batch into so many parts with negatives of their own, as data-parallel "
                              "replicas have them; 0: all pairs are negatives of each other."), 0, 1024, later=True)
    select: str = declare("mean",
                          _("Model selection on the dev split: mean of R@1, R@5 and R@10, or r1 for R@1 alone; both "
                            "directions."), source="ours", choices=SELECTIONS, later=True)
    captions: bool = declare(False, _("Train and validate on the captions in place of the transcripts."), later=True,
                             prepares=True)
    dev_limit: int = declare(0, _("Validate on so many pictures of the dev split, always the same ones; 0: on all."), 0,
                             10_000_000, source="ours", later=True, prepares=True)
    micro_batch: int = declare(0,
                               _("Compute so many pairs at a time in each process: the same loss of the whole batch "
                                 "in less memory and more time; 0: all at once."), 0, 65536, source="ours", later=True)
    compile: str = declare("off",
                           _("Compile the image tower's blocks (torch.compile): on, auto for an NVIDIA GPU with "
                             "Triton alone, or off; each run begins with minutes of compiling."), source="ours",
                           choices=COMPILED, later=True)
    activation_checkpointing: bool = declare(False,
                                             _("Compute activations of the frozen towers again for the backward pass: "
                                               "the same gradients in less memory and more time."), source="ours",
                                             later=True)
    recogniser: str = declare(AS_SET, _("Recogniser: a name of weights, or a file; settings: that of the settings."),
                              source="ours", later=True)
    beam: int = declare(0, "Beam size of the recogniser; 1: greedy; 0: as in the settings.", 0, 20, source="ours",
                        later=True)
    padding: str = declare(AS_SET,
                           _("Padding of recordings: own, full (30 s), or window (30 s, of which the acoustic branch "
                             "attends to all frames)."), source="ours", choices=(AS_SET, "own", "full", "window"),
                           later=True)

    def __post_init__(self) -> None:
        for option in fields(self):
            check(option, getattr(self, option.name))

    def to_json(self) -> dict[str, Any]:
        """A plain dict of every option."""
        return stored(self)

    @property
    def dev_in_words(self) -> str:
        """The development split for texts: "dev", or "dev (at most 500 pictures)"."""
        return _("dev (at most {dev_limit} pictures)").format(dev_limit=self.dev_limit) if self.dev_limit else "dev"

    def speech_settings(self) -> dict[str, str | int]:
        """The settings of the recogniser that the options change, by key."""
        return {f"speech.{name}": value for name, value in (
            ("recogniser", self.recogniser), ("beam", self.beam), ("padding", self.padding))
            if value not in (AS_SET, 0)}

    def precision_on(self, device: str) -> str:
        """The precision that a device ("cpu", "cuda", ...) computes in: float16 needs an NVIDIA GPU."""
        return "float32" if self.precision == "float16" and device != "cuda" else self.precision


def check(option: Any, value: Any) -> None:
    """TrainingError ("options") when an option (a field of a record of options) cannot have that value."""
    kind, facts = type(option.default), option.metadata
    fits = type(value) is kind or (kind is float and type(value) is int)
    choices = facts.get("choices", ())
    if choices and value not in choices:
        raise TrainingError(_("{name} cannot be {value!r}; it is one of {choices}.").format(name=option.name,
                                                                                            value=value,
                                                                                            choices=", ".join(choices)),
                            "options")
    if not fits or (kind in (int, float) and not facts["low"] <= value <= facts["high"]):
        raise TrainingError(_("{name} cannot be {value!r}; it goes from {low} to {high}.").format(name=option.name,
                                                                                                  value=value,
                                                                                                  low=plain(facts[
                                                                                                      "low"]),
                                                                                                  high=plain(facts[
                                                                                                      "high"])),
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
    preset: str = ""  # name of the preset that it was begun from, one of `core.training.presets`

    def __post_init__(self) -> None:
        if not (variant(self.variant).prompts or variant(self.variant).acoustic):
            raise TrainingError(_("{variant} has nothing to train: it is the backbone as it came.").format(
                variant=self.variant), "variant")
        if self.training.captions and not (variant(self.variant).text or self.model.learn_words):
            raise TrainingError(_("{variant} reads no text: it cannot be trained on captions.").format(
                variant=self.variant), "options")

    def to_json(self) -> dict[str, Any]:
        """A plain dict for `from_json`."""
        values = {**asdict(self), "dataset": str(self.dataset), "model": self.model.to_json(),
                  "training": self.training.to_json()}
        return values if self.preset else {key: value for key, value in values.items() if key != "preset"}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "Recipe":
        """The recipe of `to_json`. TrainingError, ModelError: values that do not fit; `plain_json.DAMAGE`: damaged.
        """
        return plain_json.checked(cls(**{
            **values, "dataset": Path(values["dataset"]), "model": BrewClipOptions.from_json(values["model"]),
            "training": TrainingOptions(**values["training"])}))


def rate_at(step: int, options: TrainingOptions) -> float:
    """The learning rate of a step (from 0): linear to the peak, then linear to `final_rate` at the last step."""
    warm = round(options.warmup * options.steps)
    if step < warm:
        return options.rate * (step + 1) / warm
    left = (options.steps - 1 - step) / max(1, options.steps - 1 - warm)
    return options.final_rate + (options.rate - options.final_rate) * left
