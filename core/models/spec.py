"""Specification of a retrieval model. No torch here."""

from dataclasses import dataclass, field
from pathlib import Path

from core.models import backbones, checkpoints
from core.models.variants import BY_NAME, Variant

ZERO_SHOT_CROP = "centre"  # the evaluation protocol's, whatever the settings index images with


@dataclass(frozen=True)
class ModelSpec:
    """A retrieval model: name of the backbone's weights, folder of the checkpoint, crop policy.

    `checkpoint` None is the backbone alone (zero-shot). As asked for, `backbone` may be "auto" (a checkpoint's own, or
    that of the settings), `checkpoint` a run's folder, and `crop` "" (the one the model was made for):
    `ModelRegistry.resolve` fills them in, with the `run` of the checkpoint.
    """

    backbone: str = "auto"
    checkpoint: Path | None = None
    crop: str = ""
    run: checkpoints.Run | None = field(default=None, compare=False, repr=False)

    @property
    def variant(self) -> Variant:
        """The variant of the checkpoint's run; zero-shot without one."""
        return BY_NAME[self.run.variant if self.run else "zero-shot"]

    @property
    def layers(self) -> int:
        """Layers of the recogniser's encoder that the acoustic branch mixes; 0: the last alone."""
        return self.run.options.layers if self.run and self.variant.acoustic else 0

    @property
    def title(self) -> str:
        """Variant, run and its preset, or backbone and "zero-shot", for people."""
        if self.run is None or self.checkpoint is None:
            return f"{backbones.title(self.backbone)}, zero-shot"
        preset = self.run.metrics.get("preset")
        return f"{self.variant.title} ({checkpoints.name_of(self.checkpoint)}{f', as {preset}' if preset else ''})"
