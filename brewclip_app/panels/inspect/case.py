"""A query and a picture explained: the record that the Inspect panel shows, and the work behind it. No widgets here."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtGui import QImage

from brewclip_app.localisation import _, localised
from brewclip_app.panels.base import Inspection
from brewclip_app.thumbnails import to_qimage
from core.errors import BrewclipError, QueryError
from core.progress import Progress, Report, WorkStep

if TYPE_CHECKING:
    import numpy as np

    from core.asr.transcript import EncodedUtterance
    from core.audio import Waveform
    from core.explain.faithfulness import Faithfulness
    from core.explain.inspection import ExplainModel, Explanation, GalleryRanking
    from core.explain.maps import Maps
    from core.explain.observation import Target, Tower
    from core.explain.shares import BranchRanks
    from core.explorer import Explorer
    from core.models.spec import ModelSpec
    from core.settings import Settings

    FaithfulnessByMethod = dict[str, dict[Tower, Faithfulness]]
    _ModelKey = tuple[ModelSpec | None, str, Settings]

DISPLAY_SIDE = 1400  # px, the longer side of the picture that is kept to be drawn
OVERLAY_SIDE = 640  # px, the longer side of heat and shade
PENDING = "pending"  # in the place of a map's method
MIXES = tuple(step / 50 for step in range(51))


@dataclass(frozen=True, eq=False)
class CaptionScore:
    """Score and rank of the picture with the reference text in place of the transcript."""

    text: str
    score: float
    rank: int | None


@dataclass(frozen=True, eq=False)
class InspectCase:
    """A subject with its explanation. `ranking` is None without a gallery to rank in; `unranked` says why."""

    subject: Inspection
    explanation: "Explanation"
    utterance: "EncodedUtterance"  # as it was transcribed, before any edit
    waveform: "Waveform | None"
    image: QImage
    path: Path
    shares: tuple[float, float, float]  # the score, and what the transcript and the voice add to it
    ranking: "GalleryRanking | None"
    unranked: str
    curve: tuple[int, ...]  # ranks along `MIXES`
    ranks: "BranchRanks | None"
    caption: CaptionScore | None
    occluded: "Mapping[Target, Explanation]" = field(default_factory=dict)  # with the maps that take long to compute

    @property
    def text(self) -> str:
        """The words that the model was given."""
        return self.explanation.observation.utterance.transcript.text

    @property
    def rank(self) -> int | None:
        """The picture's rank under the model's own sum of both branches."""
        return self.ranks.both if self.ranks else None

    def rank_at(self, mix: float) -> int | None:
        """The picture's rank at a mix of transcript (0) and voice (1); None without a gallery to rank in."""
        return self.ranking.mix.rank(self.ranking.row, mix if self.has_both else 0.5) if self.ranking else None

    @property
    def has_both(self) -> bool:
        """Whether the query has a transcript and a voice for this model."""
        return {"text", "acoustic"} <= set(self.explanation.observation.scores)

    def maps(self, target: "Target", method: str) -> "Maps":
        """The maps of a target, or of the whole score where this model lacks the target; at once.

        Blank, their method being `PENDING`, where occlusion was not computed yet.
        """
        from core.explain.methods import method as by_name

        offered: Target = target if target in self.explanation.observation.scores else "fused"
        chosen, explanation = by_name(method), self.occluded.get(offered, self.explanation)
        if chosen.occludes and not explanation.is_occluded(offered):
            return _blank(explanation.maps(offered, by_name("random")))
        return explanation.maps(offered, chosen)


def overlays(case: InspectCase, relevance: "np.ndarray") -> tuple[QImage, QImage]:
    """Heat (fully opaque at the maximum) and shade over the case's picture."""
    from core.explain import drawing

    size = case.image.size()
    scale = min(1.0, OVERLAY_SIDE / max(size.width(), size.height(), 1))
    fitted = case.explanation.placement.scaled(max(1, round(size.width() * scale)),
                                               max(1, round(size.height() * scale)))
    return _rgba(drawing.heat(relevance, fitted, 1.0)), _rgba(drawing.shade(fitted))


def edit_transcript(utterance: "EncodedUtterance", text: str) -> "EncodedUtterance":
    """An utterance with other words; encoder states and word times stay as they are."""
    text = " ".join(text.split())
    if not text or text == utterance.transcript.text:
        return utterance
    return replace(utterance, transcript=replace(utterance.transcript, text=text))


class Explainer:
    """Explains subjects on the threads of jobs; caches the model and the utterance of the last case."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._model: tuple[_ModelKey, ExplainModel] | None = None
        self._utterances: dict[tuple[str, str], EncodedUtterance] = {}  # by the recording's digest, the model's title

    def explain(self, explorer: "Explorer", subject: Inspection, report: Report,
                occluded: "Target | None" = None) -> InspectCase:
        """Explain a subject, with the occlusion maps of a target where asked.

        Errors of reading, recognition and models pass through; ranks that cannot be had do not fail it.
        """
        from core import images
        from core.explain import inspection

        model = self._load_model(explorer, subject, report)
        waveform, utterance = self._transcribe(explorer, model, subject, report)
        query = edit_transcript(utterance, subject.text)
        path, image_id = _picture(explorer, model, subject, query)
        report(Progress(WorkStep.EXPLAINING))
        image = images.read(path, explorer.settings["images.max_megapixels"]).rgb
        explanation = inspection.explain(model, image, query)
        subject = replace(subject, path=path, image_id=image_id, waveform=waveform)
        ranking, unranked = _rank(explorer, explanation, subject, path)
        if ranking is not None and ranking.in_gallery:  # a dropped file may be one of the gallery
            subject = replace(subject, image_id=int(ranking.mix.ids[ranking.row]))
        maps: dict[Target, Explanation] = {}
        if occluded is not None and occluded in explanation.observation.scores:
            maps[occluded] = explanation.occluded(occluded, report)
        image.thumbnail((DISPLAY_SIDE, DISPLAY_SIDE))
        return InspectCase(
            subject, explanation, utterance, waveform, to_qimage(image), path, explanation.shares, ranking, unranked,
            tuple(ranking.mix.curve(ranking.row, MIXES)) if ranking else (),
            ranking.mix.branch_ranks(ranking.row) if ranking else None,
            _caption(explanation, utterance, ranking, subject.caption), maps)

    def _load_model(self, explorer: "Explorer", subject: Inspection, report: Report) -> "ExplainModel":
        from core.explain import inspection
        from core.models.spec import ModelSpec

        key = subject.model, subject.crop, explorer.settings
        with self._lock:
            if self._model is None or self._model[0] != key:
                spec = None
                if subject.model is not None:
                    spec = ModelSpec(subject.model.backbone, subject.model.checkpoint, subject.crop)
                self._model = key, inspection.load_model(explorer.models, explorer.settings, spec, report)
            return self._model[1]

    def _transcribe(self, explorer: "Explorer", model: "ExplainModel", subject: Inspection, report: Report
                    ) -> "tuple[Waveform | None, EncodedUtterance]":
        from core import audio
        from core.explain import inspection
        from core.explain.observation import typed

        waveform = subject.waveform
        if waveform is None and subject.speech is not None:
            waveform = audio.read(subject.speech)
        if waveform is None:
            return None, typed(subject.text)
        key = waveform.digest, model.title
        with self._lock:
            utterance = self._utterances.get(key)
        if utterance is None:
            report(Progress(WorkStep.TRANSCRIBING))
            utterance = inspection.transcribe(explorer.recogniser(report), model, explorer.query_options(), waveform,
                                              report)
            with self._lock:
                self._utterances = {key: utterance}
        if not utterance.transcript.text and not subject.text and not model.network.variant.acoustic:
            raise QueryError(utterance.transcript.reason or _("No speech was recognised in the recording."),
                             "nothing_heard")
        return waveform, utterance


def _picture(explorer: "Explorer", model: "ExplainModel", subject: Inspection, query: "EncodedUtterance"
             ) -> tuple[Path, int | None]:
    """The subject's picture, or the gallery's best match where it names none. QueryError ("no_picture")."""
    from core.explain.neighbours import best_match
    from core.galleries.backends import open_gallery

    if subject.path is not None:
        return subject.path, subject.image_id
    if subject.image_id is not None and subject.gallery:
        images = open_gallery(explorer.store, subject.gallery).images([subject.image_id])
        if images:
            return images[0].path, images[0].id
    if not subject.gallery:
        raise QueryError(_("Choose a picture: there is no gallery to take the best one from."), "no_picture")
    best = best_match(model, open_gallery(explorer.store, subject.gallery), explorer.home.caches, query)
    return best.path, best.id


def _rank(explorer: "Explorer", explanation: "Explanation", subject: Inspection, path: Path
          ) -> "tuple[GalleryRanking | None, str]":
    from core.explain import inspection
    from core.galleries.backends import open_gallery

    if not subject.gallery:
        return None, _("No gallery is open, so there are no ranks.")
    try:
        gallery = open_gallery(explorer.store, subject.gallery)
        return inspection.rank_in_gallery(explanation, gallery, explorer.home.caches, path, subject.image_id), ""
    except BrewclipError as error:
        return None, localised(error)


def _caption(explanation: "Explanation", utterance: "EncodedUtterance", ranking: "GalleryRanking | None",
             text: str) -> CaptionScore | None:
    from core.explain.observation import branches_of, reads_words
    from core.explain.shares import shares

    model = explanation.model.network
    if not text.strip() or not reads_words(model, utterance):
        return None
    branches = branches_of(model, edit_transcript(utterance, text))
    score = float(shares(branches, explanation.image[None]).score[0])
    return CaptionScore(" ".join(text.split()), score, ranking.rank_of(branches) if ranking else None)


def _blank(maps: "Maps") -> "Maps":
    """Maps of the same shape without any relevance."""
    words, sound = maps.words, maps.sound
    if words is not None:
        words = replace(words, words=tuple(replace(word, relevance=0.0) for word in words.words))
    if sound is not None:
        sound = replace(sound, frames=sound.frames * 0)
    return replace(maps, method=PENDING, picture=replace(maps.picture, relevance=maps.picture.relevance * 0),
                   words=words, sound=sound)


def _rgba(pixels: "np.ndarray") -> QImage:
    height, width = pixels.shape[:2]
    return QImage(pixels.tobytes(), width, height, width * 4, QImage.Format.Format_RGBA8888).copy()
