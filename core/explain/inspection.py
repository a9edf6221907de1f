"""The way from a query and a picture to an explanation: which model, what it hears and sees, where the picture ranks.

What the command line and the window's Inspect panel both call.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from core import images, remote
from core.asr.transcript import EncodedUtterance
from core.audio import Waveform
from core.errors import QueryError
from core.evaluation import models as subjects
from core.evaluation.records import ModelChoice
from core.explain import placement
from core.explain.faithfulness import Faithfulness, Judge, judge_all
from core.explain.maps import Maps, draw
from core.explain.methods import METHODS, Method
from core.explain.observation import Observation, Target, Tower, branches_of, observe
from core.explain.occlusion import occlude
from core.explain.placement import Placement
from core.explain.shares import BranchVectors, Mix, mix, shares
from core.explorer import Explorer
from core.fingerprint import Fingerprint
from core.galleries.backends import open_gallery
from core.galleries.gallery import Gallery
from core.models import backbones, checkpoints
from core.models.brewclip import BrewCLIP
from core.models.multicrop import mean_views
from core.progress import Report, silent
from core.search import queries, vector_index
from core.search.transcription import query_options, warn_if_read_only
from core.search.vector_file import Ids

RANKED_UP_TO = 4_000_000  # pictures of a gallery whose vectors are brought here for the ranks: 6 GB of 384 numbers

@dataclass(frozen=True, eq=False)
class ExplainModel:
    """A model to look through: `crop` its crop policy, `fingerprint` that of the vectors of pictures it makes.

    `run` is None for the backbone alone (zero-shot).
    """

    model: BrewCLIP
    title: str
    crop: str
    fingerprint: Fingerprint
    run: checkpoints.Run | None = None


@dataclass(frozen=True, eq=False)
class Explanation:
    """One pair seen through a lens: where the square lies on the picture, its pixels, and what was observed.

    `image` (dim,): the picture's unit vector as galleries have it. Under several crops that is the mean of `looks`
    looks, and what is observed is the one of them that fits the query best.
    """

    lens: ExplainModel
    placement: Placement
    pixels: np.ndarray  # (size, size, 3) uint8
    observation: Observation
    image: queries.Floats
    looks: int = 1

    @property
    def shares(self) -> tuple[float, float, float]:
        """The score, and what of it the text and the acoustic branch give; a branch that is not there gives 0."""
        found = shares(self.observation.branches, self.image[None])
        return float(found.score[0]), float(found.text[0]), float(found.acoustic[0])

    def maps(self, target: Target, method: Method) -> Maps:
        """The maps of a target that is in `observation.scores`; at once."""
        return draw(self.observation, target, method)

    def occluded(self, target: Target, report: Report = silent) -> "Explanation":
        """The same with what a target's score loses without each part: maps that are tried out need it. Seconds."""
        return replace(self, observation=occlude(self.lens.model, self.pixels, self.observation, target, report))

    def faithfulness(self, target: Target, methods: tuple[Method, ...] = METHODS, report: Report = silent
                     ) -> dict[str, dict[Tower, Faithfulness]]:
        """How far each method's maps can be trusted, by the method's name and the tower; seconds each.

        Those that are tried out are left out where that was not done.
        """
        judge = Judge(self.lens.model, self.pixels, self.observation, target)
        known = [each for each in methods if not each.occludes or self.is_occluded(target)]
        return judge_all(judge, [(each, self.maps(target, each)) for each in known], report)

    def is_occluded(self, target: Target) -> bool:
        """Whether maps of this target that are tried out can be drawn."""
        return self.observation.towers["picture"].readings[target].drops is not None


@dataclass(frozen=True, eq=False)
class GalleryRanking:
    """A gallery's pictures under every mix of the branches, and the row of the picture that is explained.

    `known`: whether that picture is one of the gallery; else it was added to it, as its last row.
    """

    gallery: str
    mix: Mix
    row: int
    known: bool
    vectors: queries.Floats  # (n, dim), of unit length, in the mix's order

    def rank_of(self, branches: BranchVectors) -> int:
        """The picture's rank under another query, such as its caption."""
        return mix(branches, self.vectors, self.mix.ids).rank(self.row, 0.5)


def zero_shot(explorer: Explorer, report: Report = silent) -> ExplainModel:
    """The backbone of the settings as it came. WeightsError, ModelError ("unsupported" where it has no maps)."""
    backbone = explorer.backbone(report)
    model = BrewCLIP(backbone.built, "zero-shot").to(backbone.built.model.logit_scale.device).eval()
    crop = explorer.settings["vision.crop"]
    return ExplainModel(model, backbone.title, crop, backbone.fingerprint(crop))


def of_settings(explorer: Explorer, report: Report = silent) -> ExplainModel:
    """What the settings search with: their trained model, or the backbone alone. WeightsError, ModelError."""
    from core.models.trained import TrainedModel

    found = explorer.model(report)
    if not isinstance(found, TrainedModel):
        return zero_shot(explorer, report)
    crop = explorer.settings["vision.crop"]
    model = checkpoints.assemble(found.checkpoint, explorer.backbone(report))
    return ExplainModel(model, found.title, crop, found.fingerprint(crop), found.run)


def of_choice(explorer: Explorer, choice: ModelChoice, crop: str = "", report: Report = silent) -> ExplainModel:
    """A model as evaluations name it: a run's or checkpoint's, or a backbone alone; `crop` "": what it was made for.

    ModelError as in `checkpoints.load`, WeightsError ("missing") without its backbone.
    """
    known = subjects.know(explorer, choice)
    subject = subjects.load(explorer, known, report, listens=False)  # `hear` checks the recogniser
    crop = crop or known.crop
    title = known.title if known.run is None else f"{known.title} over {backbones.title(known.backbone)}"
    return ExplainModel(subject.model, title, crop, subject.fingerprint(crop), known.run)


def transcribe(explorer: Explorer, lens: ExplainModel, waveform: Waveform, report: Report = silent) -> EncodedUtterance:
    """The utterance as the lens' model has learnt to hear it. ModelError ("wrong_speech"), WeightsError."""
    settings = explorer.settings
    padding: Any = lens.run.padding if lens.run and lens.model.variant.acoustic else settings["speech.padding"]
    recogniser = explorer.recogniser(report)
    if lens.run is not None:
        checkpoints.check_recogniser(lens.run, recogniser.name, padding)
    store = None
    with warn_if_read_only("The history cannot be read"):
        store = explorer.store
    options = replace(query_options(settings, store), padding=padding)
    return recogniser.transcribe([waveform], options, report)[0]


def look(lens: ExplainModel, picture: Image.Image, heard: EncodedUtterance) -> Explanation:
    """Observe an RGB picture with a query. QueryError ("empty") where the query says nothing to this model."""
    looks = images.looks(picture, lens.crop, lens.model.built.image_size)
    at, image = (0, None) if len(looks) == 1 else _best(lens.model, looks, heard)
    observation = observe(lens.model, looks[at], heard)
    return Explanation(lens, placement.places(*picture.size, lens.crop)[at], looks[at], observation,
                 queries.unit(observation.image) if image is None else image, len(looks))


def _best(model: BrewCLIP, looks: np.ndarray, heard: EncodedUtterance) -> tuple[int, queries.Floats]:
    """Which of several looks fits a query best, and the unit vector (dim,) of all. QueryError ("empty")."""
    with torch.inference_mode():
        vectors = model.encode_stem(model.image_stem(looks)).cpu().numpy()
    fits = shares(branches_of(model, heard), np.stack([queries.unit(each) for each in vectors])).score
    return int(np.argmax(fits)), mean_views(vectors, [len(looks)])[0]


def stand(explorer: Explorer, sight: Explanation, gallery: str, path: Path,
          image_id: int | None = None) -> GalleryRanking:
    """Where the picture of that file, or of that id, stands in a gallery indexed with the sight's model.

    StoreError ("no_gallery"); QueryError ("not_indexed") when none of its pictures are indexed with this model.
    """
    opened, index = open_index(explorer, sight.lens, gallery)
    branches = sight.observation.branches
    known = image_id if image_id is not None else _id_of(opened, path)
    if known is not None and known in index:
        return GalleryRanking(opened.name, mix(branches, index.matrix, index.ids),
                        int(np.flatnonzero(index.ids == known)[0]), True, index.matrix)
    vectors, ids = _added(index, sight.image)
    return GalleryRanking(opened.name, mix(branches, vectors, ids), len(index), False, vectors)


def open_index(explorer: Explorer, lens: ExplainModel, gallery: str
               ) -> tuple[Gallery, vector_index.ExactIndex]:
    """A gallery and its vectors under the lens; StoreError, QueryError as `stand`, and "too_large"."""
    opened = open_gallery(explorer.store, gallery)
    table = opened.vector_table(lens.fingerprint.hash)
    if table is not None and table.count() > RANKED_UP_TO:
        raise QueryError(f"{opened.name} has more than {RANKED_UP_TO} pictures, too many to rank all of them here. "
                         "Leave the gallery out; the rest of the explanation needs none.", "too_large")
    index = vector_index.open_index(opened, lens.fingerprint.hash, lens.model.built.dim,
                                    explorer.home.caches / "vectors")
    if not len(index):
        raise QueryError(f"No picture of {opened.name} is indexed with {lens.title}, so there are no ranks. Index the "
                         "gallery with this model, or leave the gallery out.", "not_indexed")
    return opened, index


def _id_of(gallery: Gallery, path: Path) -> int | None:
    wanted = Path(remote.stored(path)) if remote.is_remote(path) else path.resolve()
    return next((each.id for each in gallery.images() if each.path == wanted), None)


def _added(index: vector_index.ExactIndex, own: queries.Floats) -> tuple[queries.Floats, Ids]:
    """The vectors and ids of an index with one more picture (dim,) as the last row; among equals it ranks last."""
    return np.concatenate([index.matrix, own[None]]), np.append(index.ids, index.ids.max(initial=0) + 1)

