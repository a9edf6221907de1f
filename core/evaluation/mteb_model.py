"""Models of this program for MTEB (Muennighoff et al. 2023): an encoder of recordings and pictures, and its metadata.

`import core.evaluation.mteb_model` registers the zero-shot pipeline as `brewclip/zero-shot`, so that `mteb.get_model`
and MTEB's own command know it; `register` adds runs. Recordings and pictures take the way of `brewclip evaluate`: the
same decoding, transcripts, crops and caches.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from mteb.models.model_implementations import MODEL_REGISTRY
from mteb.models.model_meta import ModelMeta, ScoringFunction

from core.asr.transcript import EncodedUtterance
from core.datasets.records import Utterance
from core.datasets.unpacking import KIND, PackedFile, keep
from core.errors import EvaluationError
from core.evaluation import models
from core.evaluation.models import EvaluatedModel
from core.evaluation.ranks import Bools, Floats, units
from core.evaluation.views import picture_vectors
from core.features.encode import encode_utterances
from core.features.image_cache import ImageFeature
from core.features.noise import CLEAN
from core.features.prepared_split import Split
from core.features.speech_cache import SpeechFeatureCache
from core.home import find_home
from core.models.registry import ModelRegistry
from core.models.spec import ModelSpec
from core.private_files import make_folder
from core.progress import Report, silent
from core.settings import load as load_settings
from core.store.store import Store
from core.workspace import Workspace

if TYPE_CHECKING:
    from datasets import Dataset as HfDataset

ZERO_SHOT = "brewclip/zero-shot"
LANGUAGES: Mapping[str, str] = {"eng": "en"}  # of a task whose recordings need no detection of their language
NOT_READ = ImageFeature.unreadable("It is read when it is embedded.")


class BrewclipEncoder:
    """MTEB's `EncoderProtocol` over a model. What cannot be read or has no words is a row of zeros: below any match."""

    def __init__(self, workspace: Workspace, model: EvaluatedModel, meta: ModelMeta, crop: str = "",
                 report: Report = silent) -> None:
        self.mteb_model_meta = meta
        self.report = report
        self.unreadable = 0
        self._workspace, self._model, self._crop = workspace, model, crop or model.spec.crop

    def encode(self, inputs: Any, *, task_metadata: Any = None, hf_split: str = "", hf_subset: str = "",
               prompt_type: Any = None, **kwargs: Any) -> Floats:
        """Unit vectors (n, dim) float32 of the rows of a data loader, which hold recordings or pictures.

        EvaluationError ("modality") for texts and for rows of both; the errors of `brewclip evaluate`.
        """
        kinds = [name for name in ("audio", "image") if name in inputs.dataset.column_names]
        if len(kinds) != 1:
            raise EvaluationError("Only recordings or pictures can be embedded for MTEB; this task has "
                                  f"{' and '.join(kinds) or 'neither'}.", "modality")
        paths = self._files(inputs.dataset, kinds[0])
        languages = list(getattr(task_metadata, "languages", None) or ())
        vectors = self._spoken(paths, languages) if kinds[0] == "audio" else self._pictures(paths)
        absent: Bools = np.asarray(~np.isfinite(vectors).all(axis=1))
        self.unreadable += int(absent.sum())
        return np.asarray(np.where(absent[:, None], np.float32(0), units(vectors)), np.float32)

    def similarity(self, embeddings1: Any, embeddings2: Any) -> torch.Tensor:
        """Cosines (n, m) of unit vectors."""
        return torch.as_tensor(embeddings1) @ torch.as_tensor(embeddings2).T

    def similarity_pairwise(self, embeddings1: Any, embeddings2: Any) -> torch.Tensor:
        """Cosines (n,) of unit vectors of the same rows."""
        return (torch.as_tensor(embeddings1) * torch.as_tensor(embeddings2)).sum(-1)

    def _files(self, rows: "HfDataset", column: str) -> list[Path]:
        """The rows' recordings or pictures as files: their own, or in the caches where their bytes are embedded."""
        import datasets as hf

        feature = hf.Audio(decode=False) if column == "audio" else hf.Image(decode=False)
        folder = self._workspace.home.caches / KIND / "mteb"
        make_folder(folder)
        paths = []
        for row in rows.select_columns(column).cast_column(column, feature):
            value = row[column]
            paths.append(Path(value["path"]) if value["bytes"] is None else
                         keep(PackedFile(value["path"] or "", value["bytes"]), folder))
        return paths

    def _spoken(self, paths: Sequence[Path], languages: Sequence[str]) -> Floats:
        language = LANGUAGES.get(languages[0], "") if len(languages) == 1 else ""
        cache = SpeechFeatureCache(self._workspace, language)
        encoded = cache.load(paths, self._model.spec.variant.acoustic, CLEAN, self.report)
        return encode_utterances(self._model.network, _split(paths, (), encoded), report=self.report).fused

    def _pictures(self, paths: Sequence[Path]) -> Floats:
        return picture_vectors(self._workspace, self._model, _split((), paths, ()), self._crop, self.report)


def _split(recordings: Sequence[Path], pictures: Sequence[Path], encoded: Sequence[EncodedUtterance]) -> Split:
    """Recordings or pictures as a split of a dataset."""
    return Split("mteb", CLEAN, tuple(map(str, pictures)), tuple(pictures), (NOT_READ,) * len(pictures),
                 tuple(Utterance(str(path), "", "", "", path, "mteb") for path in recordings), tuple(encoded),
                 np.zeros(len(recordings), np.int64), np.arange(len(pictures), dtype=np.int64))


def meta_of(name: str = ZERO_SHOT, checkpoint: Path | None = None, backbone: str = "auto", crop: str = "",
            dim: int | None = None) -> ModelMeta:
    """MTEB's metadata of a model: the backbone's zero-shot pipeline, or a run. `name` is "owner/name"."""
    return ModelMeta(
        loader=load, loader_kwargs={"checkpoint": checkpoint, "backbone": backbone, "crop": crop}, name=name,
        revision="1", release_date=None, languages=["eng-Latn"], n_parameters=None, memory_usage_mb=None,
        max_tokens=None, embed_dim=dim, license=None, open_weights=True, public_training_code=None,
        public_training_data=None, framework=["PyTorch"], similarity_fn_name=ScoringFunction.COSINE,
        use_instructions=False, training_datasets=None, modalities=["audio", "image"])


def register(meta: ModelMeta) -> None:
    """Make a model known to `mteb.get_model`, and to MTEB's own command in this process."""
    assert meta.name is not None
    MODEL_REGISTRY[meta.name] = meta


def load(model_name: str, revision: str | None = None, device: str | None = None, checkpoint: Path | None = None,
         backbone: str = "auto", crop: str = "", **kwargs: Any) -> BrewclipEncoder:
    """The encoder of a model in the home of this process, as MTEB loads it; the device is that of the settings.

    EvaluationError ("weights"), ModelError, WeightsError, StoreError, SettingsError.
    """
    home = find_home()
    workspace = Workspace(home, load_settings(home.settings), ModelRegistry(home), Store.open(home.store))
    return encoder(workspace, ModelSpec(backbone, checkpoint, crop), meta_of(model_name, checkpoint, backbone, crop))


def encoder(workspace: Workspace, asked: ModelSpec, meta: ModelMeta, report: Report = silent) -> BrewclipEncoder:
    """The encoder of a model in a workspace. The errors of `load`."""
    spec = workspace.models.resolve(asked, workspace.settings)
    models.check(workspace, spec)
    return BrewclipEncoder(workspace, models.load(workspace, spec, report), meta, asked.crop, report)


register(meta_of())
