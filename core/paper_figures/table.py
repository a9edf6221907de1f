"""The table of the paper's figures. Command line, window and documents iterate over it; no torch here."""

from collections.abc import Mapping
from dataclasses import dataclass

from core.plots.style import Width

WER = "wer"


@dataclass(frozen=True)
class PaperFigure:
    """A figure of the paper: `fewest` to `most` evaluations, and by default `count` cases and a `width`."""

    number: str
    title: str
    about: str
    fewest: int
    most: int
    count: int
    width: Width = "page"


_CROPPED = "What the centre crop cuts off is dark; ranks with the centre crop and with the whole picture."
_DATASETS = "Successes as well as failures of speech-to-image retrieval on different datasets."
_VARIANTS = "Variants of the model side by side: relevance on the described picture, rank and best match."
FIGURES: Mapping[str, PaperFigure] = {figure.number: figure for figure in (
    PaperFigure("3", "Datasets compared", _DATASETS, 1, 3, 2),
    PaperFigure("4", "Variants compared", _VARIANTS, 1, 6, 2),
    PaperFigure("5", "Failed because of the centre crop", _CROPPED, 1, 1, 1, "column"),
    PaperFigure("6", "Datasets compared, more cases", _DATASETS, 1, 3, 4),
    PaperFigure("7", "Variants compared, more cases", _VARIANTS, 1, 6, 4),
    PaperFigure("8", "All utterances of one picture",
                "Utterances of one picture with transcripts, word error rates, ranks and best matches.", 1, 1, 1),
    PaperFigure("9", "Failed because of the centre crop, more cases", _CROPPED, 1, 1, 4),
    PaperFigure(WER, "Recall over word error rate",
                "Share of hits over the word error rate of the utterance: bins with Wilson's 95 % intervals, and a "
                "logistic fit with its 95 % band.", 1, 4, 0, "column"))}
