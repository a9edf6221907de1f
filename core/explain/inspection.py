"""Explanation of a query and a picture: model, utterance, maps, and the picture's rank in a gallery.

Both the command line and the window's Inspect panel use this.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from core import images, remote
from core.asr.recogniser import Recogniser
from core.asr.transcript import EncodedUtterance, TranscriptionOptions
from core.audio import Waveform
from core.errors import QueryError
from core.explain import placement
from core.explain.faithfulness import Faithfulness, Judge, judge_all
from core.explain.maps import Maps, draw
from core.explain.methods import METHODS, Method
from core.explain.observation import Observation, Target, Tower, branches_of, observe
from core.explain.occlusion import occlude
from core.explain.placement import Placement
from core.explain.shares import BranchVectors, Mix, mix, shares
from core.fingerprint import Fingerprint
from core.galleries.gallery import Gallery
from core.localisation import _
from core.models import backbones, checkpoints
from core.models.brewclip import BrewCLIP
from core.models.multicrop import mean_views
from core.models.registry import ModelRegistry
from core.models.spec import ModelSpec
from core.progress import Report, silent
from core.search import queries, vector_index
from core.settings import Settings

RANKED_UP_TO = 4_000_000  # pictures of a gallery whose vectors are read into memory for the ranks: 6 GB of 384 numbers


@dataclass(frozen=True, eq=False)
class ExplainModel:
    """A model with the crop policy of its images; `fingerprint` is that of their embeddings.

    `run` is None for the backbone alone (zero-shot).
    """

    network: BrewCLIP
    title: str
    crop: str
    fingerprint: Fingerprint
    run: checkpoints.Run | None = None


@dataclass(frozen=True, eq=False)
class Explanation:
    """Explanation of one pair: where the model's square lies on the picture, its pixels, and the observation.

    `image` (dim,): the picture's unit vector as galleries have it. Under several crops that is the mean of `looks`
    crops, and the observation is of the one that fits the query best.
    """

    model: ExplainModel
    placement: Placement
    pixels: np.ndarray  # (size, size, 3) uint8
    observation: Observation
    image: queries.Floats
    looks: int = 1

    @property
    def shares(self) -> tuple[float, float, float]:
        """The score and its shares from the text and the acoustic branch; 0 from a branch that is not there."""
        parts = shares(self.observation.branches, self.image[None])
        return float(parts.score[0]), float(parts.text[0]), float(parts.acoustic[0])

    def maps(self, target: Target, method: Method) -> Maps:
        """The maps of a target that is in `observation.scores`; at once."""
        return draw(self.observation, target, method)

    def occluded(self, target: Target, report: Report = silent) -> "Explanation":
        """The same with the occlusion of a target, which takes seconds; maps of methods that occlude need it."""
        return replace(self, observation=occlude(self.model.network, self.pixels, self.observation, target, report))

    def faithfulness(self, target: Target, methods: tuple[Method, ...] = METHODS, report: Report = silent
                     ) -> dict[str, dict[Tower, Faithfulness]]:
        """Faithfulness of each method's maps, by the method's name and the tower; seconds each.

        Methods that occlude are left out before `occluded`.
        """
        judge = Judge(self.model.network, self.pixels, self.observation, target)
        possible = [method for method in methods if not method.occludes or self.is_occluded(target)]
        return judge_all(judge, [(method, self.maps(target, method)) for method in possible], report)

    def is_occluded(self, target: Target) -> bool:
        """Whether the occlusion of this target was computed."""
        return self.observation.towers["picture"].readings[target].drops is not None


@dataclass(frozen=True, eq=False)
class GalleryRanking:
    """A gallery's pictures under every mix of the branches, and the row of the explained picture.

    `in_gallery`: whether that picture is one of the gallery; else it was added to it, as its last row.
    """

    gallery: str
    mix: Mix
    row: int
    in_gallery: bool
    vectors: queries.Floats  # (n, dim), of unit length, in the mix's order

    def rank_of(self, branches: BranchVectors) -> int:
        """The picture's rank under another query, such as its caption."""
        return mix(branches, self.vectors, self.mix.ids).rank(self.row, 0.5)


def load_model(models: ModelRegistry, settings: Settings, spec: ModelSpec | None = None,
               report: Report = silent) -> ExplainModel:
    """The model of a specification, else the one that the settings search with.

    WeightsError ("missing"); ModelError as in `ModelRegistry.load`, and "unsupported" where it has no maps.
    """
    resolved = models.spec(settings) if spec is None else models.resolve(spec, settings)
    model = models.load(resolved, settings, report)
    title = model.title
    if spec is not None:
        title = resolved.title + (f" over {backbones.title(resolved.backbone)}" if resolved.run is not None else "")
    return ExplainModel(model.network, title, resolved.crop, model.fingerprint(resolved.crop), resolved.run)


def transcribe(recogniser: Recogniser, model: ExplainModel, options: TranscriptionOptions, waveform: Waveform,
               report: Report = silent) -> EncodedUtterance:
    """The utterance, encoded as the model was trained. ModelError ("wrong_speech")."""
    if model.run is not None:
        if model.network.variant.acoustic:
            options = replace(options, padding=model.run.padding)  # type: ignore[arg-type]
            options = replace(options, layers=model.run.options.layers)
        checkpoints.check_recogniser(model.run, recogniser.name, options.padding)
    return recogniser.transcribe([waveform], options, report)[0]


def explain(model: ExplainModel, picture: Image.Image, utterance: EncodedUtterance) -> Explanation:
    """Explain an RGB picture and a query. QueryError ("empty") where the model uses nothing of the query."""
    crops = images.looks(picture, model.crop, model.network.built.image_size)
    at, image = (0, None) if len(crops) == 1 else _best_crop(model.network, crops, utterance)
    observation = observe(model.network, crops[at], utterance)
    return Explanation(model, placement.places(*picture.size, model.crop)[at], crops[at], observation,
                       queries.unit(observation.image) if image is None else image, len(crops))


def _best_crop(network: BrewCLIP, crops: np.ndarray, utterance: EncodedUtterance) -> tuple[int, queries.Floats]:
    """Index of the crop that fits a query best, and the unit vector (dim,) of all. QueryError ("empty")."""
    with torch.inference_mode():
        vectors = network.encode_stem(network.image_stem(crops)).cpu().numpy()
    scores = shares(branches_of(network, utterance), np.stack([queries.unit(vector) for vector in vectors])).score
    return int(np.argmax(scores)), mean_views(vectors, [len(crops)])[0]


def rank_in_gallery(explanation: Explanation, gallery: Gallery, caches: Path, path: Path,
                    image_id: int | None = None) -> GalleryRanking:
    """Rank the picture of that file, or of that id, in a gallery indexed with the explanation's model.

    QueryError: "not_indexed" when none of its pictures are indexed with this model, "too_large". StoreError.
    """
    index = open_index(explanation.model, gallery, caches)
    branches = explanation.observation.branches
    if image_id is None:
        stored = Path(remote.stored(path)) if remote.is_remote(path) else path.resolve()
        image_id = next((image.id for image in gallery.images() if image.path == stored), None)
    if image_id is not None and image_id in index:
        return GalleryRanking(gallery.name, mix(branches, index.matrix, index.ids),
                              int(np.flatnonzero(index.ids == image_id)[0]), True, index.matrix)
    vectors = np.concatenate([index.matrix, explanation.image[None]])
    ids = np.append(index.ids, index.ids.max(initial=0) + 1)  # among equals the added picture ranks last
    return GalleryRanking(gallery.name, mix(branches, vectors, ids), len(index), False, vectors)


def open_index(model: ExplainModel, gallery: Gallery, caches: Path) -> vector_index.ExactIndex:
    """A gallery's embeddings under the model; errors as in `rank_in_gallery`. `caches`: the home's folder of caches."""
    table = gallery.vector_table(model.fingerprint.hash)
    if table is not None and table.count() > RANKED_UP_TO:
        raise QueryError(_("{name} has more than {ranked_up_to} pictures, too many to rank all of them here. Leave "
                           "the gallery out; the rest of the explanation needs none.").format(
                           name=gallery.name, ranked_up_to=RANKED_UP_TO), "too_large")
    index = vector_index.open_index(gallery, model.fingerprint.hash, model.network.built.dim, caches / "vectors")
    if not len(index):
        raise QueryError(_("No picture of {name} is indexed with {title}, so there are no ranks. Index the gallery "
                           "with this model, or leave the gallery out.").format(name=gallery.name, title=model.title),
                         "not_indexed")
    return index
