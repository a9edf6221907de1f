"""The table of plans and datasets, for the command line's options. No import takes long here."""

from collections.abc import Mapping
from types import MappingProxyType

DATASETS: Mapping[str, str] = MappingProxyType({  # kinds of datasets and their titles
    "flickr8k": "Flickr8k", "spokencoco": "SpokenCOCO", "localized_narratives": "LN-COCO", "ravdess": "RAVDESS"})
ABOUT: Mapping[str, str] = MappingProxyType({  # what each plan makes
    "table1": "Retrieval on three datasets.",
    "table2": "What each branch adds, and captions.",
    "table3": "Emotion on RAVDESS, probed and fine-tuned.",
    "table4": "Zero-shot, on transcripts and on captions.",
    "table5": "Across datasets.",
    "figures": "The figures, and the evaluations that they show.",
    "all": "The whole paper.",
    "small": "All parts of the paper on small datasets, with the included model and few steps: it shows that "
             "everything works, not what the paper found."})
