"""Differences of an evaluation from the paper's protocol; only one without any is credited to the paper's method.

Sources: the paper, sections 3.3, 4.1 and 4.2, for splits, sizes, backbone and recipe; where it leaves a value open, the
defaults of `BrewClipOptions` (the authors' configuration) are taken as its own.
"""

from collections.abc import Mapping
from dataclasses import fields
from types import MappingProxyType
from typing import Any

from core.asr.recogniser import RECOGNISERS
from core.evaluation.published import BACKBONE, PICTURES, SPLITS, UTTERANCES, WHISPER, OwnModel
from core.evaluation.records import EvaluationRecord
from core.features.noise import CLEAN
from core.models.checkpoints import Run
from core.models.variants import BrewClipOptions

RECOGNISER = next(entry.title for entry in RECOGNISERS if entry.weights == WHISPER)  # as evaluations keep it
CROP = "centre"
TRAINING: Mapping[str, Any] = MappingProxyType({  # the paper's recipe; a test holds it to `TrainingOptions`
    "steps": 100_000, "batch": 32, "rate": 1e-4, "warmup": 0.05, "final_rate": 1e-8, "weight_decay": 1e-6, "clip": 4.0,
    "patience": 0, "noise": "", "teach": 0.0, "choose_weight": False, "fit_gate": False, "dev_noise": ""})


def belongs(record: EvaluationRecord, kind: str, ours: OwnModel) -> bool:
    """Whether an evaluation asks a row's question: its dataset, variant, words and training data, no noise."""
    setup = record.setup
    return (setup.kind == kind and setup.condition == CLEAN and setup.variant == ours.variant
            and (not setup.is_imported or setup.model.casefold() == ours.model.casefold())
            and setup.captions == ours.captions and (setup.checkpoint is None or setup.trained_on == ours.trained_on))


def differences(record: EvaluationRecord) -> tuple[str, ...]:
    """Differences from the paper's protocol, in words; () without any."""
    setup, kind = record.setup, record.setup.kind
    expected = (("split", setup.split, SPLITS.get(kind, "")), ("backbone", setup.backbone, BACKBONE),
                ("recogniser", setup.whisper, RECOGNISER), ("crop", setup.crop, CROP))
    differences = [f"{name} {value} (paper: {paper})" for name, value, paper in expected[:1 if setup.is_imported else 4]
                   if value != paper]
    if setup.checkpoint is not None:
        differences += ["options of the model not recorded"] if setup.deviations is None else setup.deviations
    return (*sizes(record), *differences)


def sizes(record: EvaluationRecord) -> tuple[str, ...]:
    """Numbers of pictures and utterances that are not the paper's: figures of other sizes cannot be compared."""
    pictures, utterances = PICTURES.get(record.setup.kind, 0), UTTERANCES.get(record.setup.kind, ())
    differences = [] if record.n_images == pictures else [f"{record.n_images} pictures (paper: {pictures})"]
    if record.n_utterances not in utterances:
        differences.append(f"{record.n_utterances} utterances (paper: {' or '.join(map(str, utterances))})")
    return tuple(differences)


def deviations(run: Run) -> tuple[str, ...]:
    """Differences of a trained model's options and recipe from the paper's."""
    default = BrewClipOptions()
    differences = [_differs(field.name, getattr(run.options, field.name), getattr(default, field.name))
                   for field in fields(default)]
    training = run.metrics.get("training", {})
    differences += [_differs(name, training.get(name, value), value) for name, value in TRAINING.items()]
    return tuple(filter(None, differences))


def _differs(name: str, value: Any, paper: Any) -> str:
    return "" if value == paper else f"{name.replace('_', ' ')} {value or 'none'} (paper: {paper or 'none'})"
