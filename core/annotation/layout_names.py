"""Names and titles of the layouts of an export, without the imports that writing them takes."""

from collections.abc import Mapping
from types import MappingProxyType

from core.localisation import _

LAYOUT_TITLES: Mapping[str, str] = MappingProxyType({
    "spokencoco": _("SpokenCOCO (JSON lists)"),
    "flickr8k": _("Flickr8k (text lists)"),
    "hf_folder": _("Hugging Face AudioFolder (metadata.jsonl)"),
    "hf_parquet": _("Hugging Face Parquet (embedded files)"),
    "beir": _("BEIR Parquet (corpus, queries, qrels)"),
    "webdataset": _("webdataset (tar files)"),
    "lhotse": _("Lhotse manifests (JSON lines)"),
    "coco_captions": _("COCO captions (JSON)"),
})
