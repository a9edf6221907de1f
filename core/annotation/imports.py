"""Importing a dataset's recordings and captions into a gallery, as takes.

Pictures and recordings stay where they are: pictures are indexed in place, recordings are read once and referred to.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from core import audio, datasets
from core.annotation.captions import tidy
from core.datasets.kinds import kind_of
from core.errors import AnnotationError, AudioError
from core.galleries.backends import open_gallery
from core.galleries.gallery import Gallery
from core.localisation import _
from core.progress import Progress, Report, WorkStep, silent, steps
from core.store.addresses import is_address
from core.store.records import NewTake, SpeakerRecord
from core.store.repository import absolute_path

if TYPE_CHECKING:
    from core.datasets import Dataset, Utterance
    from core.store.store import Store

AT_ONCE = 100  # takes in one transaction; what a stop may cost
NOBODY = "unknown speaker"


@dataclass(frozen=True)
class ImportResult:
    """Result of an import. `known` were there already; `failed` are unusable recordings, each with its reason.

    `no_picture` and `no_recording` count utterances whose file is missing; `unspoken` captions that nobody recorded.
    """

    gallery: str
    kind: str
    pictures: int
    added: int
    known: int
    no_picture: int
    no_recording: int
    unspoken: int
    failed: tuple[tuple[Path, str], ...]
    speakers: int
    links: int = 0  # files behind links out of the folder, which were not followed


def import_dataset(store: "Store", folder: Path, gallery: str, index: Callable[[Path, str, Report], object],
                   kind: str = "", report: Report = silent, follow_links: bool = False) -> ImportResult:
    """Index the dataset's pictures into the gallery (made if there is none) and add its utterances as takes.

    `index` indexes a folder into the gallery of a name, as `Explorer.index`. Stopped half-way, what came in stays, and
    the next import goes on from there. DatasetError as `datasets.load`; AnnotationError ("no_pictures", "links",
    "packed"); StoreError ("elsewhere"); whatever indexing raises.
    """
    if is_address(gallery):
        store.gallery(gallery)  # StoreError ("elsewhere"), before its pictures are indexed
    dataset = datasets.load(Path(absolute_path(folder)), kind, report, follow_links)
    places = sorted({image.path.parent for image in dataset.images if image.path})
    if not places:
        links = _links_out(dataset)
        why = (f": {links} of its files lie behind symbolic links that lead out of the folder. If you trust them, "
               "allow it with Follow links") if links else ""
        raise AnnotationError(_("{title} in {name} has no pictures that could be described{why}.").format(
            title=kind_of(dataset.kind).title, name=dataset.folder.name, why=why), "links" if links else "no_pictures")
    if not all(place.is_relative_to(dataset.folder) for place in places):  # a gallery outlives the caches
        raise AnnotationError(_("The pictures of {name} lie inside of Parquet or tar files, and a gallery needs files "
                                "of its own. Nothing was imported; save the dataset as a folder of files (such as "
                                "Hugging Face's AudioFolder), and import that.").format(name=dataset.folder.name),
                              "packed")
    *indexing, reading = steps(report, *(1 for _unused in places), len(places))
    for place, part in zip(places, indexing, strict=True):
        index(place, gallery, part)
    return _Import(store, dataset, open_gallery(store, store.gallery(gallery))).run(reading)


def _links_out(dataset: "Dataset") -> int:
    return sum(problem.count for problem in dataset.problems if problem.key == "links_out")


class _Import:
    """The steps of one import, once its pictures are indexed."""

    def __init__(self, store: "Store", dataset: "Dataset", gallery: Gallery) -> None:
        self._store, self._dataset, self._gallery = store, dataset, gallery
        self._title = kind_of(dataset.kind).title
        ids = {str(image.path): image.id for image in self._gallery.images()}
        self._ids = {image.image_id: ids.get(str(image.path)) for image in dataset.images if image.path}
        self._known = {(take.image_id, take.recording)
                       for binned in (False, True) for take in self._store.takes(self._gallery.id, binned=binned)}
        self._count: Counter[str] = Counter()
        self._failed: list[tuple[Path, str]] = []

    def run(self, report: Report) -> ImportResult:
        """Add what is new, batch by batch."""
        requests = list(self._wanted())
        speakers = self._speakers(requests)
        for start in range(0, len(requests), AT_ONCE):
            takes = []
            for done, (utterance, image_id, recording) in enumerate(requests[start:start + AT_ONCE], start):
                report(Progress(WorkStep.READING_RECORDINGS, done, len(requests)))
                takes += self._take(utterance, image_id, recording, speakers[self._name(utterance)])
            added = len(self._store.add_takes(takes, once=True))
            self._count["added"] += added
            self._count["known"] += len(takes) - added  # stored meanwhile by another import
        count = self._count
        return ImportResult(self._gallery.name, self._dataset.kind, sum(one is not None for one in self._ids.values()),
                            count["added"], count["known"], count["no_picture"], count["no_recording"],
                            len(self._dataset.unspoken), tuple(self._failed), len(speakers),
                            _links_out(self._dataset))

    def _wanted(self) -> "Iterator[tuple[Utterance, int, Path]]":
        """The utterances with picture and recording that are not there yet; the others are counted."""
        for utterance in self._dataset.utterances:
            image_id = self._ids.get(utterance.image_id)
            if utterance.recording is None:
                self._count["no_recording"] += 1
            elif image_id is None:
                self._count["no_picture"] += 1
            elif (image_id, utterance.recording) in self._known:
                self._count["known"] += 1
            else:
                yield utterance, image_id, utterance.recording

    def _speakers(self, requests: "Sequence[tuple[Utterance, int, Path]]") -> dict[str, SpeakerRecord]:
        names = dict.fromkeys(self._name(utterance) for utterance, _image_id, _recording in requests)
        return self._store.ensure_speakers(names, self._dataset.kind, f"As published with {self._title}.")

    def _name(self, utterance: "Utterance") -> str:
        """Speakers of different datasets are different people, whatever their numbers."""
        return f"{self._title} {utterance.speaker or NOBODY}"

    def _take(self, utterance: "Utterance", image_id: int, recording: Path, speaker: SpeakerRecord) -> list[NewTake]:
        try:
            waveform = audio.read(recording)
        except AudioError as error:
            self._failed.append((recording, str(error)))
            return []
        text = tidy(utterance.caption)
        return [NewTake(image_id, speaker.id, recording, waveform.digest, waveform.seconds, text=text,
                        state="done" if text else "draft", source=self._dataset.kind)]
