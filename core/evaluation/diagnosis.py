"""Diagnosis by counterfactual: every failure is ranked again with one thing changed; `failures.CHANGES` lists them.

What a change does to the other items is part of it. Another crop is given to all pictures, since a gallery under two
crops would compare what must not be compared; in image to speech, where only one picture takes part in a query, to that
one. Other words are given to the utterance that asks; in image to speech to the picture's own utterances.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from PIL import Image

from core import images
from core.errors import BrewclipError, EvaluationError
from core.evaluation import alike, archive, ranks
from core.evaluation.failures import CHANGES, Diagnosis, DiagnosisRecord, Reranking, conclude
from core.evaluation.ranks import Floats, Ints, units
from core.evaluation.records import DIRECTIONS, Direction, EvaluatedQuery
from core.evaluation.reopened import Reopened, reopened
from core.evaluation.views import picture_vectors
from core.features.encode import encode_utterances
from core.localisation import _
from core.models.spec import ZERO_SHOT_CROP
from core.progress import Progress, Report, WorkStep, silent, steps
from core.workspace import Workspace

CROPS = tuple(change.key for change in CHANGES if change.kind == "crop")
CHANGE_COSTS = {"heard": 2.0, "crop": 10.0}  # about what trying a change takes; 1 for the others


def diagnose(workspace: Workspace, evaluation_id: int, at: int = 10, report: Report = silent) -> DiagnosisRecord:
    """Diagnose all failures of an evaluation both ways, and store the diagnoses in place of an earlier diagnosis.

    EvaluationError: gone, damaged, changed (the dataset or model is no longer what was evaluated), at. The errors of
    `evaluate` where something is missing.
    """
    if at < 1:
        raise EvaluationError(_("A failure lies beyond the first K hits: K must be 1 or more."), "at")
    evaluation = archive.open_evaluation(workspace.store, evaluation_id)
    beginning, *parts = steps(report, 3, 2, 2)
    bench = Counterfactuals(workspace, reopened(workspace, evaluation, beginning))
    diagnoses = [diagnosis for direction, part in zip(DIRECTIONS, parts, strict=True)
                 for diagnosis in bench.diagnose(direction, at, part)]
    return archive.keep_diagnosis(workspace.store, evaluation_id, at, diagnoses, bench.note)


def ranks_under_crop(workspace: Workspace, evaluation_id: int, crop: str, numbers: Sequence[int],
                     report: Report = silent) -> list[Reranking]:
    """Speech-to-image queries by number, ranked again with all pictures under another crop (of `CROPS`).

    EvaluationError: gone, damaged, changed. The errors of `evaluate` where something is missing.
    """
    if not numbers:
        return []
    evaluation = archive.open_evaluation(workspace.store, evaluation_id)
    return Counterfactuals(workspace, reopened(workspace, evaluation, report)).cropped(crop, numbers)


@dataclass(frozen=True, eq=False)
class _Ranked:
    """Ranks (k,) of k failures under one change, and for each why the change does not apply ("" where it does)."""

    ranks: Ints
    why: Sequence[str]

    def again(self, change: str, row: int) -> Reranking:
        """Outcome of one miss under every change."""
        return Reranking(change, None if self.why[row] else int(self.ranks[row]), self.why[row])


class Counterfactuals:
    """Misses of an evaluation, ranked again."""

    def __init__(self, workspace: Workspace, opened: Reopened) -> None:
        self._workspace, self._model, self._split = workspace, opened.model, opened.split
        self._report: Report = silent  # of the change that is tried
        self._evaluation, self._setup = opened.evaluation, opened.evaluation.record.setup
        self._images, self._spoken = opened.images, units(opened.spoken.fused)
        self._image_of = opened.split.image_of
        self._crops: dict[str, Floats] = {}

    @property
    def note(self) -> str:
        """Sentence on what the diagnosis had to leave out, or ""."""
        if self._setup.crop == ZERO_SHOT_CROP:
            return ""
        return (_("The pictures were seen with {crop}, not with the centre crop: no failure is looked at under "
                  "another crop.").format(crop=self._setup.crop))

    def diagnose(self, direction: Direction, at: int, report: Report = silent) -> Iterator[Diagnosis]:
        """The diagnoses of one direction's failures."""
        failed = self._evaluation.failures(direction, at)
        if not failed:
            return
        outcomes = {}
        costs = (CHANGE_COSTS.get(change.kind, 1.0) for change in CHANGES)
        for tried, part in zip(CHANGES, steps(report, *costs), strict=True):
            self._report = part
            outcomes[tried.key] = self._ranked(tried.key, direction, failed)
        for row, query in enumerate(failed):
            again = [ranked.again(change, row) for change, ranked in outcomes.items()]
            yield conclude(direction, query.number, query.query_id, query.rank, at, again, self._unreadable(query))

    def cropped(self, crop: str, numbers: Sequence[int]) -> list[Reranking]:
        """Speech-to-image queries by number, ranked again with all pictures under another crop."""
        queries = self._evaluation.queries("speech_to_image")
        ranked = self._cropped(crop, "speech_to_image", [queries[number] for number in numbers])
        return [ranked.again(crop, row) for row in range(len(numbers))]

    def _ranked(self, change: str, direction: Direction, failed: Sequence[EvaluatedQuery]) -> _Ranked:
        self._report(Progress(WorkStep.RANKING_AGAIN, subject=str(len(failed))))
        if change in CROPS:
            return self._cropped(change, direction, failed)
        if change in ("text", "acoustic"):
            return self._alone(change, failed)
        if change == "excused":
            return self._near_duplicates(direction, failed)
        return self._reworded(change, direction, failed)

    # ---- other words

    def _reworded(self, change: str, direction: Direction, failed: Sequence[EvaluatedQuery]) -> _Ranked:
        """Captions for transcripts, or sentences pooled that were cut."""
        reason = self._no_caption if change == "caption" else self._not_cut
        own = [self._own(query) for query in failed]
        why = [self._first([reason(row) for row in rows]) for rows in own]
        rows = sorted({row for own_row, blocked in zip(own, why, strict=True) if not blocked
                       for row in own_row if not reason(row)})
        if not rows:
            return _Ranked(np.zeros(len(failed), np.int64), why)
        changed = self._spoken.copy()
        changed[rows] = self._encoded(rows, change)
        places = np.array([query.picture for query in failed])
        if direction == "speech_to_image":
            said = changed[[query.number for query in failed]]
            return _Ranked(ranks.to_images(said, self._images, places), why)
        return _Ranked(ranks.to_utterances(self._images[places], places, self._spoken, self._image_of, changed), why)

    def _encoded(self, rows: list[int], change: str) -> Floats:
        """Unit vectors of utterances under other words."""
        part = replace(self._split, utterances=tuple(self._split.utterances[row] for row in rows),
                       spoken=tuple(self._split.spoken[row] for row in rows), image_of=self._image_of[rows])
        model = self._model.network
        if change == "sentences":
            model = model.with_options(pool_sentences=True)
        return units(encode_utterances(model, part, self._setup.captions or change == "caption", self._report).fused)

    def _no_caption(self, row: int) -> str:
        """Why a caption would change nothing in this utterance."""
        utterance = self._evaluation.utterances[row]
        if not self._model.spec.variant.text:
            return _("the model reads no words")
        if self._setup.captions:
            return _("the caption was used")
        if self._split.spoken[row].reason:
            return _("the recording could not be read")
        if utterance.wer is None:
            return _("there is no caption")
        return _("it was heard rightly") if utterance.wer == 0 else ""

    def _not_cut(self, row: int) -> str:
        """Why pooling sentences would change nothing in this utterance."""
        if not self._model.spec.variant.text:
            return _("the model reads no words")
        return ("" if self._evaluation.utterances[row].cut and not self._split.spoken[row].reason
                else _("nothing was cut"))

    # ---- other crops

    def _cropped(self, crop: str, direction: Direction, failed: Sequence[EvaluatedQuery]) -> _Ranked:
        why = [self._whole(query.picture) for query in failed]
        if all(why):
            return _Ranked(np.zeros(len(failed), np.int64), why)
        if crop not in self._crops:
            self._crops[crop] = units(picture_vectors(self._workspace, self._model, self._split, crop, self._report))
        places, images = np.array([query.picture for query in failed]), self._crops[crop]
        if direction == "image_to_speech":
            return _Ranked(ranks.to_utterances(images[places], places, self._spoken, self._image_of), why)
        return _Ranked(ranks.to_images(self._spoken[[query.number for query in failed]], images, places), why)

    def _whole(self, place: int) -> str:
        """Why another crop would show nothing new of a picture."""
        if self._setup.crop != ZERO_SHOT_CROP:
            return _("it was not seen with the centre crop")
        path = self._split.paths[place]
        if path is None or self._split.pictures[place].reason:
            return _("the picture could not be read")
        return "" if _longer(path) > images.NEARLY_SQUARE else _("the crop cut off next to nothing")

    # ---- one branch, look-alikes

    def _alone(self, branch: str, failed: Sequence[EvaluatedQuery]) -> _Ranked:
        """The ranks under one branch, which the evaluation has stored."""
        stored = [query.text_rank if branch == "text" else query.acoustic_rank for query in failed]
        worst = len(self._images) + 1 if failed[0].direction == "speech_to_image" else len(self._spoken) + 1
        silent_branch = _("nothing was heard") if branch == "text" else _("the voice has no vector")
        why = [_("the model has one branch") if rank is None else silent_branch if rank == worst else ""
               for rank in stored]
        return _Ranked(np.array([rank or 0 for rank in stored], np.int64), why)

    def _near_duplicates(self, direction: Direction, failed: Sequence[EvaluatedQuery]) -> _Ranked:
        places = np.array([query.picture for query in failed])
        if direction == "speech_to_image":
            said = self._spoken[[query.number for query in failed]]
            near = alike.to_images(said, self._images, places, self._report)
        else:
            near = alike.to_utterances(self._images[places], places, self._spoken, self._image_of, self._images,
                                       self._report)
        why = ["" if others else _("no picture looks like the best hit") for others in near.others.tolist()]
        unread = [self._unreadable(query) for query in failed]
        return _Ranked(near.ranks, [_("it has no vector") if gone else reason
                                    for gone, reason in zip(unread, why, strict=True)])

    # ---- what a query is made of

    @cached_property
    def _utterances_of(self) -> dict[int, list[int]]:
        rows_of: dict[int, list[int]] = {}
        for row, place in enumerate(self._image_of.tolist()):
            rows_of.setdefault(place, []).append(row)
        return rows_of

    def _own(self, query: EvaluatedQuery) -> list[int]:
        """The rows of the utterances whose words may be changed for a query."""
        return [query.number] if query.direction == "speech_to_image" else self._utterances_of.get(query.picture, [])

    def _unreadable(self, query: EvaluatedQuery) -> bool:
        """Whether the query or all that could answer it is a file that cannot be read."""
        spoken = [self._split.spoken[row] for row in self._own(query)]
        return bool(self._split.pictures[query.picture].reason) or all(bool(utterance.reason) for utterance in spoken)

    @staticmethod
    def _first(reasons: Sequence[str]) -> str:
        """The reason that holds for all; "" when a change applies to one of them at least."""
        return "" if not all(reasons) else reasons[0] if reasons else _("there is no utterance")


def _longer(path: Path) -> float:
    """Aspect ratio of an image, long side over short side; 1 when the header cannot be read."""
    try:
        with Image.open(path, formats=images.PLAIN_FORMATS) as picture:
            return max(picture.size) / max(1, min(picture.size))
    except (OSError, ValueError, Image.DecompressionBombError):
        pass  # HEIF and AVIF, whose header no cheap reader knows
    try:
        read = images.read(path)
        return max(read.width, read.height) / min(read.width, read.height)
    except BrewclipError:
        return 1.0
