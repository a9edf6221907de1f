"""Similarity distillation (beyond the paper): text similarities supervise the acoustic branch.

A batch is a weak signal where there are a thousand recordings. So the similarities of F_A to many training captions are
trained to follow those of the transcript, as a student's follow its teacher's over a set of examples (Fang et al. 2021,
SEED). The teacher is the frozen text tower without prompts; its transcripts are those of clean speech.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from core.errors import TrainingError
from core.features import encode
from core.features.prepared_split import Split
from core.localisation import _
from core.models.brewclip import BrewCLIP
from core.progress import Report, silent

if TYPE_CHECKING:
    from core.models.open_clip_models import Built

MOST = 16_384  # captions


@dataclass(frozen=True, eq=False)
class TextDistillation:
    """Distillation loss: `captions` (c, dim) and `words` (m, dim), the transcripts of the split's utterances, both of
    unit length (zero without words). Similarity is the cosine over `temperature`.
    """

    captions: Tensor
    words: Tensor
    temperature: float

    @classmethod
    def of(cls, built: "Built", split: Split, temperature: float, seed: int,
           report: Report = silent) -> "TextDistillation":
        """The loss for a training split of clean speech; captions stand in for empty transcripts.

        TrainingError ("no_words") where no utterance has any words.
        """
        texts = [spoken.transcript.text or utterance.caption
                 for spoken, utterance in zip(split.spoken, split.utterances, strict=True)]
        written = sorted({each.caption for each in split.utterances if each.caption} or set(texts) - {""})
        if not written:
            raise TrainingError(_("No word was heard in what there is to learn from, and there are no captions: words "
                                  "cannot teach the voice. Begin a run without that (teach 0)."), "no_words")
        if len(written) > MOST:
            written = [written[place] for place in np.random.default_rng(seed).permutation(len(written))[:MOST]]
        bare = BrewCLIP(built, "zero-shot").to(built.model.logit_scale.device).eval()
        read = functional.normalize(encode.encode_texts(bare, [*written, *texts], report), dim=1)
        has_words = torch.tensor([bool(text) for text in texts], device=read.device)
        return cls(read[:len(written)], read[len(written):] * has_words[:, None], temperature)

    def loss(self, acoustic: Tensor, rows: Tensor) -> Tensor:
        """Mean Kullback-Leibler divergence of F_A's similarities (n, dim) from those of the transcripts.

        `rows` (n,) int64: which utterances of the split they are. Those without words count as 0.
        """
        words = self.words[rows]
        has_words = words.any(dim=1)
        with torch.autocast(acoustic.device.type, enabled=False):
            student = functional.normalize(acoustic.float(), dim=1) @ self.captions.T / self.temperature
            teacher = (words @ self.captions.T / self.temperature).softmax(dim=1)
            divergence = functional.kl_div(student.log_softmax(dim=1), teacher, reduction="none").sum(dim=1)
        return (divergence * has_words).mean()
