"""Building of the tone set: pictures of all styles, copies of the recordings, and the list that pairs them.

Splits are by actor and by style: no actor and no picture of a test is trained on, and the pictures of dev are of a
style that neither training nor the tests have.
"""

import hashlib
import json
import shutil
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core import datasets, private_files
from core.datasets import ravdess
from core.datasets.ravdess import ACTORS, ActedUtterance
from core.datasets.tone import FORMAT, LIST, MOOD_OF, SEEN, SPLITS, SUBJECTS, UNSEEN, class_of
from core.errors import DatasetError
from core.localisation import _
from core.progress import Progress, Report, WorkStep, silent, steps
from core.tone import card, emoji, pictures
from core.tone.emoji import EmojiSet
from core.tone.pictures import Scene

DEV_ACTORS = (6, 11, 17)
TEST_ACTORS = (19, 20, 21, 22, 23, 24)  # those of the paper's protocol on RAVDESS
PICTURES, RECORDINGS = "pictures", "recordings"
OWN = {LIST, card.FILE, PICTURES, RECORDINGS}  # what a set's folder holds


@dataclass(frozen=True)
class BuildOptions:
    """Options of `build`. `ravdess` None: pictures alone; `emoji`: folders of further sets, for test-unseen-style.

    All actors that are neither of dev nor of the test are trained on.
    """

    ravdess: Path | None = None
    emoji: tuple[Path, ...] = ()
    dev_actors: tuple[int, ...] = DEV_ACTORS
    test_actors: tuple[int, ...] = TEST_ACTORS


@dataclass(frozen=True)
class BuiltSet:
    """A set that was built: pictures and utterances of each split, and sentences on what is missing."""

    folder: Path
    pictures: dict[str, int]
    utterances: dict[str, int]
    notes: tuple[str, ...]


def build(folder: Path, options: BuildOptions = BuildOptions(), report: Report = silent) -> BuiltSet:
    """Build the set in a folder; what is there of an earlier build is replaced. The same options give the same files.

    DatasetError: not_empty, overlap, actors, too_few, disk; of RAVDESS as `datasets.load`; of sets as
    `emoji.in_folder`. Nothing is written before all of it is checked.
    """
    _check_folder(folder)
    _check_actors(options)
    sets = _sets(options.emoji)
    reading, drawing, copying = steps(report, 1, 10, 5)
    spoken = _spoken(options.ravdess, reading)
    try:
        private_files.make_folder(folder / PICTURES, private=False)
        drawn = _draw(folder, sets, drawing)
        recordings = _copied(folder, spoken, copying)
        pairs = list(_pairs(drawn, recordings, options))
        listed = {"format": FORMAT, "pictures": drawn, "recordings": recordings, "pairs": pairs}
        _remove_strays(folder, listed)
        private_files.write_atomically(folder / LIST, json.dumps(listed, indent=0).encode(), private=False)
        built = BuiltSet(folder, _counts(drawn), _counts(pairs), tuple(_notes(recordings, options)))
        about = card.text(built.pictures, built.utterances, built.notes, list(sets.values()), options.dev_actors,
                          options.test_actors)
        private_files.write_atomically(folder / card.FILE, about.encode(), private=False)
    except OSError as error:
        raise DatasetError(_("The set could not be written to {folder}: {strerror}. Build it again when there is "
                             "room; a set without its list is not read.").format(folder=folder, strerror=error.strerror
                                                                                 or error), "disk") from error
    return built


def _check_folder(folder: Path) -> None:
    if folder.exists() and not folder.is_dir():
        raise DatasetError(_("{folder} is a file. Name a folder for the set.").format(folder=folder), "not_empty")
    strange = {path.name for path in folder.iterdir()} - OWN if folder.is_dir() else set()
    if strange:
        raise DatasetError(_("{folder} holds other files ({sorted}). Nothing was written; name a new folder, or that "
                             "of an earlier set.").format(folder=folder, sorted=", ".join(sorted(strange)[:3])),
                           "not_empty")


def _check_actors(options: BuildOptions) -> None:
    both = set(options.dev_actors) & set(options.test_actors)
    if both:
        raise DatasetError(_("Actors {map} cannot be both of dev and of the test.").format(
            map=", ".join(map(str, sorted(both)))),
                           "actors")
    wrong = [actor for actor in (*options.dev_actors, *options.test_actors) if not 1 <= actor <= ACTORS]
    if wrong:
        raise DatasetError(_("There is no actor {wrong} in RAVDESS; they go from 1 to {actors}.").format(wrong=wrong[0],
                                                                                                         actors=ACTORS),
                           "actors")


def _sets(folders: Sequence[Path]) -> dict[str, EmojiSet]:
    """The sets by name, those of `folders` last."""
    sets = {name: emoji.bundled(name) for name in emoji.BUNDLED}
    for folder in folders:
        added = emoji.in_folder(folder)
        if added.name in sets:
            raise DatasetError(_("The emoji set {name} is in the tone set already. Leave {folder} out.").format(
                name=added.name, folder=folder), "overlap")
        sets[added.name] = added
    return sets


def _spoken(folder: Path | None, report: Report) -> list[ActedUtterance]:
    """RAVDESS' recordings of the four moods, by name. DatasetError ("too_few") without any."""
    if folder is None:
        return []
    dataset = datasets.load(folder, ravdess.KIND, report)
    spoken = [utterance for utterance in dataset.utterances
              if isinstance(utterance, ActedUtterance) and utterance.recording and utterance.emotion in MOOD_OF]
    if not spoken:
        raise DatasetError(_("{folder} has no recording that is neutral, calm, happy, sad or angry. Nothing was "
                             "written.").format(folder=folder), "too_few")
    return sorted(spoken, key=lambda utterance: utterance.utterance_id)


def _draw(folder: Path, sets: dict[str, EmojiSet], report: Report) -> list[dict[str, Any]]:
    """Draw all pictures and list them."""
    scenes = [scene for name in sets for scene in pictures.scenes(name)]
    drawn = []
    for done, scene in enumerate(scenes):
        report(Progress(WorkStep.DRAWING_TONE, done, len(scenes)))
        content, file = pictures.png(scene, sets[scene.style]), f"{PICTURES}/{scene.name}.png"
        if not _holds(folder / file, content):
            private_files.write_atomically(folder / file, content, private=False, durable=False)
        drawn.append({"id": scene.name, "file": file, "split": _split(scene), "style": scene.style, "mood": scene.mood,
                      "subject": scene.subject, "sha256": hashlib.sha256(content).hexdigest()})
    report(Progress(WorkStep.DRAWING_TONE, len(scenes), len(scenes)))
    return drawn


def _holds(path: Path, content: bytes) -> bool:
    return path.is_file() and path.read_bytes() == content


def _split(scene: Scene) -> str:
    if scene.style in emoji.TRAINED:
        return SEEN if pictures.held_out(scene, emoji.TRAINED) else "train"
    return "dev" if scene.style == emoji.DEV else UNSEEN


def _copied(folder: Path, spoken: Sequence[ActedUtterance], report: Report) -> list[dict[str, Any]]:
    """Copy the recordings and list them: a dataset's files lie in its own folder."""
    if spoken:
        private_files.make_folder(folder / RECORDINGS, private=False)
    listed = []
    for done, utterance in enumerate(spoken):
        report(Progress(WorkStep.COPYING_RECORDINGS, done, len(spoken)))
        assert utterance.recording is not None
        file = f"{RECORDINGS}/{utterance.utterance_id}.wav"
        if not _holds(folder / file, utterance.recording.read_bytes()):
            shutil.copyfile(utterance.recording, folder / file)
        listed.append({"id": utterance.utterance_id, "file": file, "actor": utterance.actor, "sex": utterance.sex,
                       "emotion": utterance.emotion, "intensity": utterance.intensity,
                       "mood": MOOD_OF[utterance.emotion], "subject": SUBJECTS[utterance.statement - 1]})
    return listed


def _pairs(drawn: Sequence[dict[str, Any]], recordings: Sequence[dict[str, Any]], options: BuildOptions
           ) -> Iterator[dict[str, Any]]:
    """Each recording with one of its right pictures, in turn; a test recording once in each test split."""
    right = defaultdict(list)
    for picture in drawn:
        right[picture["split"], class_of(picture["subject"], picture["mood"])].append(picture["id"])
    turns: Counter[tuple[str, str]] = Counter()
    for recording in recordings:
        for split in _splits_of(recording["actor"], options):
            key = split, class_of(recording["subject"], recording["mood"])
            suffix = f"-{split.removeprefix('test-')}" if split.startswith("test-") else ""
            yield {"id": recording["id"] + suffix, "recording": recording["id"],
                   "picture": right[key][turns[key] % len(right[key])], "split": split}
            turns[key] += 1


def _splits_of(actor: int, options: BuildOptions) -> tuple[str, ...]:
    if actor in options.test_actors:
        return SEEN, UNSEEN
    return ("dev",) if actor in options.dev_actors else ("train",)


def _remove_strays(folder: Path, listed: dict[str, Any]) -> None:
    """Remove pictures and recordings of an earlier build that the new list does not name."""
    named = {entry["file"] for key in ("pictures", "recordings") for entry in listed[key]}
    for part in (PICTURES, RECORDINGS):
        for path in (folder / part).glob("*"):
            if path.is_file() and f"{part}/{path.name}" not in named and path.suffix in (".png", ".wav"):
                path.unlink()


def _counts(entries: Sequence[dict[str, Any]]) -> dict[str, int]:
    counts = Counter(entry["split"] for entry in entries)
    return {split: counts[split] for split in SPLITS}


def _notes(recordings: Sequence[dict[str, Any]], options: BuildOptions) -> Iterator[str]:
    """What is missing, in sentences."""
    if not recordings:
        yield "There are no recordings: give the folder of RAVDESS to pair the pictures with voices."
        return
    actors = {recording["actor"] for recording in recordings}
    if len(actors) < ACTORS:
        yield (f"{len(actors)} of RAVDESS' {ACTORS} actors are here ({', '.join(map(str, sorted(actors)))}): figures "
               "cannot be compared with those of the whole.")
    for split, there in (("train", actors - {*options.dev_actors, *options.test_actors}),
                         ("dev", actors & {*options.dev_actors}), ("the tests", actors & {*options.test_actors})):
        if not there:
            yield f"No actor of {split} is here: choose others with --dev-actors and --test-actors."
