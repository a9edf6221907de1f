"""Vectors of a prepared split under a model, in batches. What has none is a row of NaN: it is never found."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from core.features.image_cache import ImageFeatureCache
from core.features.prepared_split import Split
from core.progress import Progress, Report, WorkStep, silent

if TYPE_CHECKING:
    from core.models.brewclip import BrewCLIP, SpokenBatch

Floats = NDArray[np.float32]
AT_ONCE = 64
ALL = slice(None)  # batches


@dataclass(frozen=True, eq=False)
class SpokenVectors:
    """Vectors of m utterances, (m, dim) float32, not normalised: F_L, and the parts of it that add up to it.

    `text` and `acoustic` are the branches as they enter the sum (weighted where the model weighs them); None where the
    variant has no such branch. A part is zero where it takes no part (nothing was transcribed).
    """

    fused: Floats
    text: Floats | None
    acoustic: Floats | None


@torch.inference_mode()
def encode_pictures(model: "BrewCLIP", images: ImageFeatureCache, split: Split, report: Report = silent,
                    batches: slice = ALL) -> Floats:
    """F_V of the split's pictures: (n, dim) float32 of unit length; NaN where a picture could not be read, and outside
    of `batches`.
    """
    device = model.log_scale.device
    vectors = np.full((len(split.pictures), model.built.dim), np.nan, np.float32)
    rows = [number for number, image in enumerate(split.pictures) if not image.reason]
    for part in _parts(rows, report, WorkStep.EMBEDDING_PICTURES, batches):
        stems = images.stems(model, [split.pictures[row].array for row in part], device)
        vectors[part] = unit_pictures(model, stems).cpu().numpy()
    return vectors


def unit_pictures(model: "BrewCLIP", stems: torch.Tensor) -> torch.Tensor:
    """F_V (n, dim) of unit length, of stems on the model's device; no value is read."""
    return torch.nn.functional.normalize(model.encode_stem(stems), dim=-1)


@torch.inference_mode()
def encode_utterances(model: "BrewCLIP", split: Split, captions: bool = False, report: Report = silent,
                      batches: slice = ALL) -> SpokenVectors:
    """F_L of the split's utterances and its parts; `captions` takes the reference in place of the transcript ("GT").

    Without an acoustic branch an utterance in which nothing was heard has no vector. Rows outside of `batches` are NaN.
    """
    device = model.log_scale.device
    spoken = [replace(encoded.transcript, text=utterance.caption) if captions else encoded.transcript
              for encoded, utterance in zip(split.spoken, split.utterances, strict=True)]
    present = {"fused": True, "text": model.variant.text, "acoustic": model.variant.acoustic}
    by_branch: dict[str, Any] = {kind: np.full((len(spoken), model.built.dim), np.nan, np.float32) if has else None
                                 for kind, has in present.items()}
    rows = [number for number, encoded in enumerate(split.spoken)
            if not encoded.reason and (model.variant.acoustic or spoken[number].text)]
    for part in _parts(rows, report, WorkStep.EMBEDDING_UTTERANCES, batches):
        states = [split.spoken[row].states for row in part] if model.variant.acoustic else None
        batch = model.collate([spoken[row] for row in part], states).to(device)
        for kind, vectors in zip(present, speech_vectors(model, batch), strict=True):
            if vectors is not None:
                by_branch[kind][part] = vectors.float().cpu().numpy()
    return SpokenVectors(**by_branch)


def speech_vectors(model: "BrewCLIP", batch: "SpokenBatch"
                   ) -> tuple[torch.Tensor, torch.Tensor | None, torch.Tensor | None]:
    """F_L (n, dim) and its parts, as `SpokenVectors`, of a batch on the model's device; no value is read."""
    features = model.encode_speech(batch)
    return features.spoken, *model.parts(features, batch)


@torch.no_grad()  # not inference mode: what is learnt from them may be saved for backward
def encode_texts(model: "BrewCLIP", texts: Sequence[str], report: Report = silent) -> torch.Tensor:
    """F_T of texts: (n, dim) on the model's device, not normalised, without gradients."""
    parts = [model.encode_texts([texts[row] for row in part])
             for part in _parts(range(len(texts)), report, WorkStep.EMBEDDING_TEXTS)]
    return torch.cat(parts)


def _parts(rows: Sequence[int], report: Report, step: WorkStep, batches: slice = ALL) -> Any:
    for start in range(0, len(rows), AT_ONCE)[batches]:
        report(Progress(step, start, len(rows)))
        yield list(rows[start:start + AT_ONCE])
    report(Progress(step, len(rows), len(rows)))
