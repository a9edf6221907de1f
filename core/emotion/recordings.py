"""RAVDESS as the probe takes it: the recordings of the wanted classes, and what is missing, in words."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from core import datasets
from core.datasets.ravdess import ACTORS, KIND, ActedUtterance
from core.emotion.classes import ClassSet
from core.errors import DatasetError
from core.localisation import _
from core.progress import Report, silent

NAMED = 3  # recordings that a note names, of those that were left out


@dataclass(frozen=True)
class ActedRecordings:
    """n recordings in the order of their names. `classes` are those that occur; `labels` (n,) are places in them.

    `notes` are sentences on what is missing or was left out.
    """

    folder: Path
    utterances: tuple[ActedUtterance, ...]
    classes: tuple[str, ...]
    labels: tuple[int, ...]
    notes: tuple[str, ...]

    @property
    def actors(self) -> tuple[int, ...]:
        """The actors that are there."""
        return tuple(sorted({utterance.actor for utterance in self.utterances}))


def load(folder: Path, classes: ClassSet, report: Report = silent, follow_links: bool = False) -> ActedRecordings:
    """The recordings of a RAVDESS folder, of the wanted classes.

    DatasetError: missing, not_a_folder, not_this_kind (no RAVDESS), too_few (fewer than two classes).
    """
    dataset = datasets.load(folder, KIND, report, follow_links)
    spoken = [utterance for utterance in dataset.utterances
              if isinstance(utterance, ActedUtterance) and utterance.recording is not None]
    chosen = sorted((utterance for utterance in spoken if utterance.emotion in classes.of),
                    key=lambda utterance: utterance.utterance_id)
    counts = Counter(classes.of[utterance.emotion] for utterance in chosen)
    names = tuple(name for name in classes.names if counts[name])
    if len(names) < 2:
        emotions = ", ".join(sorted({utterance.emotion for utterance in spoken})) or "none"
        raise DatasetError(_("{name} has recordings of too few emotions to tell apart ({emotions}). Choose the folder "
                             "with the whole of RAVDESS.").format(name=folder.name, emotions=emotions), "too_few")
    labels = tuple(names.index(classes.of[utterance.emotion]) for utterance in chosen)
    acted = ActedRecordings(folder, tuple(chosen), names, labels, ())
    return ActedRecordings(folder, acted.utterances, names, labels, tuple(_notes(acted, classes, dataset)))


def _notes(acted: ActedRecordings, classes: ClassSet, dataset: datasets.Dataset) -> list[str]:
    notes = []
    if len(acted.actors) < ACTORS:
        notes.append(f"{len(acted.actors)} of RAVDESS' {ACTORS} actors are here: the figures cannot be compared with "
                     "those of the whole.")
    lacking = [name for name in classes.names if name not in acted.classes]
    if lacking:
        notes.append(f"There is no recording of {', '.join(lacking)}: {len(acted.classes)} classes are told apart.")
    words = {problem.key: len(problem.items) for problem in dataset.problems}
    for key, says in (("nested", "nested copies were left out"), ("differing_copy", "differing copies were left out"),
                      ("missing_take", "recordings of these actors are missing"),
                      ("other_material", "files that are no speech of RAVDESS were left out")):
        if words.get(key):
            notes.append(f"{words[key]} {says}.")
    for key, says in (("missing_recording", "of the names lead to no file (a folder, a pipe, a broken link)"),
                      ("links_out", "recordings lie behind links out of the folder, which were not followed")):
        names = next((problem.items for problem in dataset.problems if problem.key == key), ())
        if names:
            notes.append(f"{len(names)} {says} and were left out: {'; '.join(names[:NAMED])}")
    return notes


def without(acted: ActedRecordings, unreadable: dict[int, str]) -> ActedRecordings:
    """The recordings without those at the places of `unreadable`, and a note that names them; classes of which nothing
    is left go too.
    """
    if not unreadable:
        return acted
    readable = [place for place in range(len(acted.utterances)) if place not in unreadable]
    names = [acted.classes[acted.labels[place]] for place in readable]
    classes = tuple(name for name in acted.classes if name in names)
    reasons = "; ".join(list(unreadable.values())[:NAMED])
    notes = [f"{len(unreadable)} recordings could not be read and were left out: {reasons}"]
    if len(classes) < len(acted.classes):
        lost = ", ".join(name for name in acted.classes if name not in classes)
        notes.append(f"No recording of {lost} could be read: {len(classes)} classes are told apart.")
    return ActedRecordings(acted.folder, tuple(acted.utterances[place] for place in readable), classes,
                 tuple(classes.index(name) for name in names), (*acted.notes, *notes))
