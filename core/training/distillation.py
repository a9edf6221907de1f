"""What the words teach the voice (beyond the paper): how like an utterance is to each of many captions.

Pictures and the words of the other utterances in a batch say little to a voice of which there are a thousand
recordings. The text tower says more: the voice's likeness to every training caption is to follow that of its words, as
a student's follows its teacher's over a set of examples (Fang et al. 2021, SEED). The teacher is the frozen tower
without prompts, and its words are those heard without noise.
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
from core.models.brewclip import BrewCLIP
from core.progress import Report, silent

if TYPE_CHECKING:
    from core.models.open_clip_models import Built

MOST = 16_384  # captions that a lesson is made of


@dataclass(frozen=True, eq=False)
class TextDistillation:
    """`captions` (c, dim) of unit length, and `words` (m, dim) of each utterance of the split, zero where it has none.

    Likeness is the cosine over `temperature`.
    """

    captions: Tensor
    words: Tensor
    temperature: float

    @classmethod
    def of(cls, built: "Built", split: Split, temperature: float, seed: int,
           report: Report = silent) -> "TextDistillation":
        """The lesson of a training split, as it is heard without noise; captions where nothing was heard.

        TrainingError ("no_words") where no utterance has any words.
        """
        texts = [one.transcript.text or utterance.caption
                 for one, utterance in zip(split.spoken, split.utterances, strict=True)]
        written = sorted({each.caption for each in split.utterances if each.caption} or set(texts) - {""})
        if not written:
            raise TrainingError("No word was heard in what there is to learn from, and there are no captions: words "
                                "cannot teach the voice. Begin a run without that (teach 0).", "no_words")
        if len(written) > MOST:
            written = [written[place] for place in np.random.default_rng(seed).permutation(len(written))[:MOST]]
        bare = BrewCLIP(built, "zero-shot").to(built.model.logit_scale.device).eval()
        read = functional.normalize(encode.encode_texts(bare, [*written, *texts], report), dim=1)
        said = torch.tensor([bool(text) for text in texts], device=read.device)
        return cls(read[:len(written)], read[len(written):] * said[:, None], temperature)

    def loss(self, acoustic: Tensor, rows: Tensor) -> Tensor:
        """The mean over n utterances of the divergence of F_A's likenesses (n, dim) from those of their words.

        `rows` (n,) int64: which utterances of the split they are. Those without words count as 0.
        """
        words = self.words[rows]
        taught = words.any(dim=1)
        with torch.autocast(acoustic.device.type, enabled=False):
            voice = functional.normalize(acoustic.float(), dim=1) @ self.captions.T / self.temperature
            wanted = (words @ self.captions.T / self.temperature).softmax(dim=1)
            apart = functional.kl_div(voice.log_softmax(dim=1), wanted, reduction="none").sum(dim=1)
        return (apart * taught).mean()
