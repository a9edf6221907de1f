"""RAVDESS (Livingstone and Russo 2018): acted emotional speech, all said in the files' names.

`03-01-EE-II-SS-RR-AA.wav`: sound alone, speech, emotion, intensity, statement, repetition, actor (even: female).
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from core.datasets.draft import RECORDING_SUFFIXES, Draft
from core.datasets.records import WHOLE, Dataset, Utterance
from core.datasets.tree import Tree
from core.progress import Progress, Report, WorkStep, silent

KIND = "ravdess"
EMOTIONS = ("neutral", "calm", "happy", "sad", "angry", "fearful", "disgust", "surprised")  # codes 01 to 08
INTENSITIES = ("normal", "strong")
STATEMENTS = ("Kids are talking by the door", "Dogs are sitting by the door")
ACTORS = 24
NAME = re.compile(r"(\d\d)-(\d\d)-(\d\d)-(\d\d)-(\d\d)-(\d\d)-(\d\d)\.(wav|mp4)", re.IGNORECASE)
ACTOR_FOLDER = re.compile(r"Actor_(\d\d)")
NESTED_FOLDER = re.compile(r"audio_(?:speech|song)_actors_\d\d-\d\d", re.IGNORECASE)  # what the archive unpacks to
SOUND_OF_SPEECH = (3, 1)


@dataclass(frozen=True, slots=True)
class ActedUtterance(Utterance):
    """One recording: `statement` 1 or 2, `repetition` 1 or 2, `actor` 1 to 24, `sex` "female" or "male"."""

    emotion: str
    intensity: str
    statement: int
    repetition: int
    actor: int
    sex: str


def signs(tree: Tree) -> tuple[str, ...]:
    """Evidence that a folder is RAVDESS, in sentences; () without any."""
    counts: Counter[str] = Counter()
    for folder in _folders(tree):
        place = folder.rpartition("/")[0] or tree.root.name
        counts[place] += sum(bool(NAME.fullmatch(name)) for name in tree.names(folder))
    return tuple(f"{place} holds {count} recordings named as in RAVDESS." for place, count in counts.items() if count)


def load(tree: Tree, report: Report = silent) -> Dataset:
    """RAVDESS with the actors that are there; it has no split of its own, so all is in one."""
    draft = Draft(tree)
    paths: dict[str, str] = {}
    folders = _folders(tree)
    for done, folder in enumerate(folders):
        report(Progress(WorkStep.READING_DATASET, done, len(folders), str(folder)))
        for path in _recordings(tree, folder):
            name = path.rsplit("/", 1)[-1]
            if name in paths:
                draft.problems.add("nested" if _same_size(tree, paths[name], path) else "differing_copy", path)
            elif record := _record(draft, path):
                paths[name] = path
                draft.utterance(record, path)
    _note_gaps(draft, set(paths))
    return draft.finish(KIND)


def _folders(tree: Tree) -> list[str]:
    """Folders of recordings, outer ones first: the root, its `Actor_XX`, and those in the archive's own folder."""
    top = tree.names()
    outer = [name for name in top if ACTOR_FOLDER.fullmatch(name)]
    inner = [f"{name}/{below}" for name in top if NESTED_FOLDER.fullmatch(name)
             for below in tree.names(name) if ACTOR_FOLDER.fullmatch(below)]
    return ["", *outer, *inner]


def _recordings(tree: Tree, folder: str) -> Iterator[str]:
    for name in tree.names(folder):
        if name.lower().endswith(tuple(RECORDING_SUFFIXES)):
            yield f"{folder}/{name}" if folder else name


def _same_size(tree: Tree, first: str, second: str) -> bool:
    try:
        return tree.root.joinpath(first).stat().st_size == tree.root.joinpath(second).stat().st_size
    except OSError:
        return False


def _record(draft: Draft, path: str) -> ActedUtterance | None:
    """Facts encoded in a file name; None, with the problem noted, when it is no RAVDESS speech."""
    name = path.rsplit("/", 1)[-1]
    match = NAME.fullmatch(name)
    if match is None:
        draft.problems.add("odd_id", path)
        return None
    modality, channel, emotion, intensity, statement, repetition, actor = (int(code) for code in match.groups()[:7])
    if (modality, channel) != SOUND_OF_SPEECH or match[8].lower() != "wav":
        draft.problems.add("other_material", path)
        return None
    if not (1 <= emotion <= len(EMOTIONS) and {intensity, statement, repetition} <= {1, 2} and 1 <= actor <= ACTORS):
        draft.problems.add("odd_id", path)
        return None
    folder = ACTOR_FOLDER.search(path)
    if folder and int(folder[1]) != actor:
        draft.problems.add("odd_id", f"{path}: the name says actor {actor:02d}")
    return ActedUtterance(name[:-4], "", f"{actor:02d}", STATEMENTS[statement - 1], None, WHOLE, EMOTIONS[emotion - 1],
                          INTENSITIES[intensity - 1], statement, repetition, actor, "male" if actor % 2 else "female")


def _expected(actor: int) -> Iterator[str]:
    """The names of an actor's 60 recordings; neutral is spoken at normal intensity alone."""
    for emotion in range(1, len(EMOTIONS) + 1):
        for intensity in (1,) if emotion == 1 else (1, 2):
            for statement in (1, 2):
                for repetition in (1, 2):
                    yield f"03-01-{emotion:02d}-{intensity:02d}-{statement:02d}-{repetition:02d}-{actor:02d}.wav"


def _note_gaps(draft: Draft, names: set[str]) -> None:
    """Actors and emotions that are wholly absent are named as such; other gaps file by file."""
    lower = {name.lower() for name in names}
    actors = {int(name[18:20]) for name in lower}
    emotions = {int(name[6:8]) for name in lower}
    for actor in range(1, ACTORS + 1):
        if actor not in actors:
            draft.problems.add("missing_actor", f"Actor_{actor:02d}")
    for code, emotion in enumerate(EMOTIONS, 1):
        if code not in emotions:
            draft.problems.add("missing_emotion", emotion)
    for actor in sorted(actors):
        for name in _expected(actor):
            if int(name[6:8]) in emotions and name not in lower:
                draft.problems.add("missing_take", f"Actor_{actor:02d}/{name}")
