"""One query and one picture taken apart: what the Inspect panel shows, and the work behind it. No widgets here."""

import threading
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtGui import QImage

from brewclip_app.panels.base import Inspection
from brewclip_app.thumbnails import to_qimage
from core.errors import BrewclipError, QueryError
from core.progress import Report

if TYPE_CHECKING:
    import numpy as np
    from PIL.Image import Image

    from core.asr.transcript import EncodedUtterance
    from core.audio import Waveform
    from core.evaluation.records import ModelChoice
    from core.explain.faithfulness import Faithfulness
    from core.explain.inspection import ExplainModel, Explanation, GalleryRanking
    from core.explain.maps import Maps
    from core.explain.neighbours import Neighbour
    from core.explain.observation import Target, Tower
    from core.explain.shares import BranchRanks
    from core.explorer import Explorer
    from core.settings import Settings

    Judged = dict[str, dict[Tower, Faithfulness]]
    _Asked = tuple[ModelChoice | None, str]

SHOWN = 1400  # px, the longer side of the picture that is kept to be drawn
DRAWN = 640  # px, the longer side of heat and shade
WAITING = "waiting"  # in the place of a map's method
MIXES = tuple(place / 50 for place in range(51))


@dataclass(frozen=True, eq=False)
class Caption:
    """The reference text in place of what was heard: the score and the rank it would give."""

    text: str
    score: float
    rank: int | None


@dataclass(frozen=True, eq=False)
class InspectCase:
    """A subject that was looked at. `standing` is None without a gallery to rank in; `unranked` says why."""

    subject: Inspection
    sight: "Explanation"
    heard: "EncodedUtterance"  # as it was heard, before any edit
    waveform: "Waveform | None"
    picture: QImage
    path: Path
    shares: tuple[float, float, float]  # the score, what the transcript and what the voice add to it
    standing: "GalleryRanking | None"
    unranked: str
    curve: tuple[int, ...]
    ranks: "BranchRanks | None"
    caption: Caption | None
    tried: "dict[Target, Explanation]" = field(default_factory=dict)  # with the maps that take long, as they come

    @property
    def text(self) -> str:
        """The words that the model was given."""
        return self.sight.observation.heard.transcript.text

    @property
    def rank(self) -> int | None:
        """The picture's rank under the model's own sum."""
        return self.ranks.both if self.ranks else None

    def maps(self, target: "Target", method: str) -> "Maps":
        """The maps of a target, or of the whole score where this model lacks the target; at once.

        Blank, their method being `WAITING`, where they are still to be tried out (`Looker.judge`).
        """
        from core.explain.methods import method as by_name

        found: Target = target if target in self.sight.observation.scores else "fused"
        chosen, sight = by_name(method), self.tried.get(found, self.sight)
        if chosen.tried and not sight.is_occluded(found):
            return _blank(sight.maps(found, by_name("random")))
        return sight.maps(found, chosen)


def overlays(case: InspectCase, relevance: "np.ndarray") -> tuple[QImage, QImage]:
    """Heat (fully opaque where hottest) and shade over the case's picture."""
    from core.explain import drawing

    size = case.picture.size()
    scale = min(1.0, DRAWN / max(size.width(), size.height(), 1))
    fitted = case.sight.placement.scaled(max(1, round(size.width() * scale)), max(1, round(size.height() * scale)))
    return _rgba(drawing.heat(relevance, fitted, 1.0)), _rgba(drawing.shade(fitted))


def _blank(maps: "Maps") -> "Maps":
    """The same without any relevance."""
    words, sound = maps.words, maps.sound
    if words is not None:
        words = replace(words, words=tuple(replace(word, relevance=0.0) for word in words.words))
    if sound is not None:
        sound = replace(sound, frames=sound.frames * 0)
    return replace(maps, method=WAITING, picture=replace(maps.picture, relevance=maps.picture.relevance * 0),
                   words=words, sound=sound)


class Looker:
    """Works on jobs' threads and remembers the model and the utterance of the last case."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lens: tuple[_Asked, Settings, ExplainModel] | None = None
        self._heard: dict[tuple[str, str], EncodedUtterance] = {}  # by the recording's digest and the model's title

    def look_and_try(self, explorer: "Explorer", subject: Inspection, target: "Target", report: Report) -> InspectCase:
        """Take a subject apart, with the maps of a target that take long."""
        case = self.look(explorer, subject, report)
        if target in case.sight.observation.scores:
            case.tried[target] = case.sight.occluded(target, report)
        return case

    def look(self, explorer: "Explorer", subject: Inspection, report: Report) -> InspectCase:
        """Take a subject apart. All errors of reading, hearing and models pass through; ranks that cannot be had do not
        fail it.
        """
        from core import images
        from core.explain import inspection

        lens = self._lens_of(explorer, subject, report)
        waveform, heard = self._hear(explorer, lens, subject, report)
        asked = said(heard, subject.text)
        path, image_id = self._picture(explorer, lens, subject, asked)
        report(0, 0, "Looking")
        picture = images.read(path, explorer.settings["images.max_megapixels"]).rgb
        sight = inspection.look(lens, picture, asked)
        subject = replace(subject, path=path, image_id=image_id, waveform=waveform)
        standing, unranked = _stand(explorer, sight, subject)
        if standing is not None and standing.known:  # a dropped file may be one of the gallery
            subject = replace(subject, image_id=int(standing.mix.ids[standing.row]))
        return InspectCase(subject, sight, heard, waveform, _shown(picture), path, sight.shares, standing,
                    unranked, tuple(standing.mix.curve(standing.row, MIXES)) if standing else (),
                    standing.mix.branch_ranks(standing.row) if standing else None,
                    _caption(sight, heard, standing, subject.caption))

    def neighbours(self, explorer: "Explorer", case: InspectCase, t: float) -> "tuple[Neighbour, ...]":
        """The pictures around the case's under a mix; none without a gallery."""
        from core.explain.neighbours import neighbours

        return neighbours(explorer, case.standing, t) if case.standing else ()

    def judge(self, case: InspectCase, target: "Target", report: Report) -> "tuple[Explanation, Judged]":
        """The case's sight with the maps that have to be tried out, and how far each method's can be trusted."""
        found: Target = target if target in case.sight.observation.scores else "fused"
        sight = case.tried.get(found) or case.sight.occluded(found, report)
        return sight, sight.faithfulness(found, report=report)

    def _lens_of(self, explorer: "Explorer", subject: Inspection, report: Report) -> "ExplainModel":
        from core.explain import inspection

        with self._lock:
            kept, settings, asked = self._lens, explorer.settings, (subject.model, subject.crop)
            if kept is None or kept[0] != asked or kept[1] != settings:
                lens = (inspection.of_settings(explorer, report) if subject.model is None
                        else inspection.of_choice(explorer, subject.model, subject.crop, report))
                self._lens = kept = (asked, settings, lens)
            return kept[2]

    def _hear(self, explorer: "Explorer", lens: "ExplainModel", subject: Inspection, report: Report
              ) -> "tuple[Waveform | None, EncodedUtterance]":
        from core import audio
        from core.explain import inspection
        from core.explain.observation import typed

        waveform = subject.waveform
        if waveform is None and subject.speech is not None:
            waveform = audio.read(subject.speech)
        if waveform is None:
            return None, typed(subject.text)
        key = waveform.digest, lens.title
        with self._lock:
            heard = self._heard.get(key)
        if heard is None:
            report(0, 0, "Recognising the words")
            heard = inspection.hear(explorer, lens, waveform, report)
            with self._lock:
                self._heard = {key: heard}
        if not heard.transcript.text and not subject.text and not lens.model.variant.acoustic:
            raise QueryError(heard.transcript.reason or "Nothing was heard in the recording.", "nothing_heard")
        return waveform, heard

    def _picture(self, explorer: "Explorer", lens: "ExplainModel", subject: Inspection, heard: "EncodedUtterance"
                 ) -> tuple[Path, int | None]:
        """The subject's picture, or the gallery's best where it names none."""
        from core.explain.neighbours import best_match
        from core.galleries.protocol import open_gallery

        if subject.path is not None:
            return subject.path, subject.image_id
        if subject.image_id is not None and subject.gallery:
            place, record = open_gallery(explorer.store, subject.gallery)
            found = place.images(record.id, [subject.image_id])
            if found:
                return found[0].path, found[0].id
        if not subject.gallery:
            raise QueryError("Choose a picture: there is no gallery to take the best one from.", "no_picture")
        best = best_match(explorer, lens, subject.gallery, heard)
        return best.path, best.id


def said(heard: "EncodedUtterance", text: str) -> "EncodedUtterance":
    """What was heard, with the words edited: the voice and its word times stay as they are."""
    text = " ".join(text.split())
    if not text or text == heard.transcript.text:
        return heard
    return replace(heard, transcript=replace(heard.transcript, text=text))


def _stand(explorer: "Explorer", sight: "Explanation", subject: Inspection) -> "tuple[GalleryRanking | None, str]":
    from core.explain import inspection

    if not subject.gallery:
        return None, "No gallery is open, so there are no ranks."
    assert subject.path is not None
    try:
        return inspection.stand(explorer, sight, subject.gallery, subject.path, subject.image_id), ""
    except BrewclipError as error:
        return None, str(error)


def _caption(sight: "Explanation", heard: "EncodedUtterance", standing: "GalleryRanking | None",
             text: str) -> Caption | None:
    from core.explain.observation import branches_of, reads_words
    from core.explain.shares import shares

    lens = sight.lens
    if not text.strip() or not reads_words(lens.model, heard):
        return None
    branches = branches_of(lens.model, said(heard, text))
    score = float(shares(branches, sight.image[None]).score[0])
    return Caption(" ".join(text.split()), score, standing.rank_of(branches) if standing else None)


def _shown(picture: "Image") -> QImage:
    small = picture
    if max(picture.size) > SHOWN:
        small = picture.copy()
        small.thumbnail((SHOWN, SHOWN))
    return to_qimage(small)


def _rgba(pixels: "np.ndarray") -> QImage:
    height, width = pixels.shape[:2]
    return QImage(pixels.tobytes(), width, height, width * 4, QImage.Format.Format_RGBA8888).copy()
