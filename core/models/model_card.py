"""Model card and configuration of a checkpoint, so that its folder can be pushed to a model hub as it is.

`README.md` has the hub's YAML front matter; its metrics are those that the trainer measured on the development split,
and nothing else. `config.json` repeats `run.json` without the digests of the training pictures.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Protocol

from core.models import backbones
from core.models.variants import variant

CARD, CONFIG = "README.md", "config.json"
MODEL_TYPE = "brewclip"
TASK = "zero-shot-image-classification"  # the hub's nearest name for retrieval between pictures and descriptions
DIRECTIONS = {"speech_to_image": "speech to image", "image_to_speech": "image to speech"}
LEFT_OUT = ("image_digests",)  # of run.json: long, and of use here alone
MODELS = {"dev": "this model", "zero_shot": "the backbone alone"}  # of a run's metrics


class PublishedRun(Protocol):
    """The part of `core.models.checkpoints.Run` that is published."""

    @property
    def variant(self) -> str:
        """Key of the variant."""

    @property
    def backbone(self) -> str:
        """Name of the backbone's weights."""

    @property
    def backbone_sha256(self) -> str:
        """SHA-256 of the backbone's weights."""

    @property
    def whisper(self) -> str:
        """Name of the recogniser."""

    @property
    def padding(self) -> str:
        """Padding of recordings."""

    @property
    def crop(self) -> str:
        """Crop policy of pictures."""

    @property
    def dataset(self) -> Mapping[str, Any]:
        """Facts of the dataset."""

    @property
    def metrics(self) -> Mapping[str, Any]:
        """Recall of the model ("dev") and of the backbone alone ("zero_shot")."""

    @property
    def seed(self) -> int:
        """Seed of the run."""

    @property
    def version(self) -> str:
        """Version of the program."""

    def to_json(self) -> dict[str, Any]:
        """A plain dict."""


def config(run: PublishedRun) -> dict[str, Any]:
    """Contents of `config.json`."""
    facts = run.to_json()
    dataset = {key: value for key, value in facts["dataset"].items() if key not in LEFT_OUT}
    return {"model_type": MODEL_TYPE, "architectures": ["BrewCLIP"], **facts, "dataset": dataset}


def card(run: PublishedRun) -> str:
    """Contents of `README.md`."""
    front = "\n".join(f"{key}: {json.dumps(value, ensure_ascii=False)}" for key, value in _front_matter(run).items())
    return f"---\n{front}\n---\n\n{_body(run)}"


def _front_matter(run: PublishedRun) -> dict[str, Any]:
    """The hub's fields; each value is written as JSON, which YAML reads."""
    name = str(run.dataset.get("name") or run.dataset.get("kind") or "")
    fields: dict[str, Any] = {
        "license": "other", "license_name": "to-be-chosen", "library_name": "brewclip-explorer", "pipeline_tag": TASK,
        "tags": ["brewclip", run.variant, "speech-image-retrieval", "clip", "whisper"],
        **({"base_model": hub} if (hub := _on_the_hub(run.backbone)) else {}), "datasets": [name] if name else []}
    if results := [_result(direction, recall, value, name, str(run.dataset.get("dev", "")))
                   for direction, recall, value in _recalls(run.metrics.get("dev"))]:
        fields["metrics"] = ["recall"]
        fields["model-index"] = [{"name": f"BrewCLIP {run.variant}", "results": results}]
    return fields


def _on_the_hub(backbone: str) -> str:
    """The hub's name of a backbone by open_clip's table; "" for one that is not in it."""
    architecture, _, tag = backbone.partition("/")
    if not tag:
        return ""
    from open_clip.pretrained import get_pretrained_cfg

    return str(get_pretrained_cfg(architecture, tag).get("hf_hub", "")).rstrip("/")


def _recalls(metrics: Any) -> Iterator[tuple[str, str, float]]:
    """Direction, name and percent of each recall in a part of a run's metrics."""
    for direction in DIRECTIONS:
        values = metrics.get(direction) if isinstance(metrics, Mapping) else None
        for name, value in values.items() if isinstance(values, Mapping) else ():
            if name.startswith("R@") and isinstance(value, int | float):
                yield direction, name, float(value)


def _result(direction: str, recall: str, value: float, dataset: str, split: str) -> dict[str, Any]:
    return {"task": {"type": TASK, "name": DIRECTIONS[direction]},
            "dataset": {"name": dataset or "unknown", "type": dataset or "unknown", "split": split},
            "metrics": [{"type": "recall", "name": f"{recall} {DIRECTIONS[direction]}", "value": value}]}


def _body(run: PublishedRun) -> str:
    parts, facts = variant(run.variant), run.dataset
    inputs = " and ".join(filter(None, ("the transcript" * parts.text, "the voice" * parts.acoustic)))
    counts = ", ".join(f"{facts[key]} {key}" for key in ("images", "utterances", "pairs") if key in facts)
    return f"""# BrewCLIP {run.variant} on {backbones.title(run.backbone)}

Spoken descriptions and pictures in one space: the query's vector is made from {inputs or "the transcript"}.
Trained with BrewCLIP Explorer {run.version} after Lu and Sethi, *BrewCLIP: A Bifurcated Representation Learning
Framework for Audio-Visual Retrieval*. The folder holds the trained tensors alone (`model.safetensors`); the backbone
`{run.backbone}` (SHA-256 `{run.backbone_sha256}`) and the recogniser {run.whisper} are loaded beside it.

## Use

```
brewclip settings set vision.model FOLDER
brewclip index PICTURES --gallery NAME
brewclip search --speech query.wav --gallery NAME
```

## Training

Dataset {facts.get("name") or "unknown"} ({facts.get("kind") or "unknown"}), split {facts.get("train") or "unknown"}; \
{counts or "counts unknown"}. Image crop {run.crop}; recordings padded to "{run.padding}" length; seed {run.seed}. All
options are in `config.json`.

## Measured

{_measured(run)}
## Licence

No licence was chosen by the program. The trained tensors depend on the backbone, the recogniser and the dataset: check
their terms, then set `license` above.
"""


def _measured(run: PublishedRun) -> str:
    """A table of recall on the development split, with the command that measures the test split."""
    rows = [f"| {MODELS[key]} | {DIRECTIONS[direction]} | {name} | {value:.2f} % |"
            for key in MODELS for direction, name, value in _recalls(run.metrics.get(key))]
    command = "Measured by the trainer on the split that the model was chosen on, so it favours this model. The test " \
              "split: `brewclip evaluate DATASET --split test --checkpoint FOLDER`.\n"
    if not rows:
        return "Nothing was measured. `brewclip evaluate DATASET --split test --checkpoint FOLDER` does it.\n"
    return "\n".join((f"Development split `{run.dataset.get('dev', '')}`:", "",
                      "| model | direction | recall | value |", "|---|---|---|---|", *rows, "", command))
