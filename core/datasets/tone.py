"""The tone set (`brewclip tone build`): drawn pictures of a subject and a mood, paired with RAVDESS' recordings.

Two sentences are said in four moods that the words do not tell. A picture is right for a recording when it shows the
same subject in the same mood: its relevance class (`Dataset.relevance`). `tone.json` lists pictures, recordings and
splits.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from core.datasets.draft import Draft
from core.datasets.lists import document
from core.datasets.ravdess import STATEMENTS
from core.datasets.records import Dataset, Utterance
from core.datasets.tree import Tree
from core.errors import DatasetError
from core.localisation import _
from core.progress import Progress, Report, WorkStep, silent

KIND = "tone"
LIST = "tone.json"
FORMAT = 1
MOODS = ("neutral", "happy", "sad", "angry")
MOOD_OF = {"neutral": "neutral", "calm": "neutral", "happy": "happy", "sad": "sad", "angry": "angry"}  # by emotion
SUBJECTS = ("kids", "dogs")  # of RAVDESS' statements 1 and 2
SEEN, UNSEEN = "test-seen-style", "test-unseen-style"
SPLITS = ("train", "dev", SEEN, UNSEEN)


@dataclass(frozen=True, slots=True)
class ToneUtterance(Utterance):
    """One recording beside one of its right pictures: its actor, mood, and subject."""

    actor: int
    mood: str
    subject: str


def class_of(subject: str, mood: str) -> str:
    """Relevance class: "angry dogs"."""
    return f"{mood} {subject}"


def parts_of(relevance_class: str) -> tuple[str, str]:
    """Subject and mood of a relevance class. ValueError where it is none."""
    mood, subject = relevance_class.split(" ")
    return subject, mood


def signs(tree: Tree) -> tuple[str, ...]:
    """Evidence that a folder is a tone set, in sentences; () without any."""
    return (f"{LIST} lists drawn pictures by mood.",) if LIST in tree.names() else ()


def load(tree: Tree, report: Report = silent) -> Dataset:
    """The tone set of a folder. DatasetError: damaged (its list is no list of this program), newer."""
    report(Progress(WorkStep.READING_DATASET, subject=LIST))
    draft = Draft(tree)
    listed = _listed(draft)
    relevance = {}
    try:
        for picture in listed["pictures"]:
            image_id = picture["id"]
            draft.image(image_id, (picture["file"],), picture["split"])
            relevance[image_id] = class_of(picture["subject"], picture["mood"])
            parts_of(relevance[image_id])
        for record, file in _utterances(listed):
            draft.utterance(record, file)
        if not listed["pairs"]:
            for caption in _captions(listed):
                draft.unspoken(caption)
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        raise _damaged(tree) from error
    draft.notes.append("Any picture of the right subject in the right mood is a right one.")
    return draft.finish(KIND, relevance)


def _listed(draft: Draft) -> Mapping[str, Any]:
    path = draft.tree.find(LIST)
    listed = document(path, draft.problems) if path else None
    if not isinstance(listed, dict) or not isinstance(listed.get("format"), int):
        raise _damaged(draft.tree)
    if listed["format"] > FORMAT:
        raise DatasetError(_("{list} in {name} was written by a later release. Build the set again with this one, or "
                             "install a later BrewCLIP Explorer.").format(list=LIST, name=draft.tree.root.name),
                           "newer")
    return listed


def _utterances(listed: Mapping[str, Any]) -> Iterator[tuple[ToneUtterance, str]]:
    recordings = {recording["id"]: recording for recording in listed["recordings"]}
    for pair in listed["pairs"]:
        recording = recordings[pair["recording"]]
        actor, mood, subject = recording["actor"], recording["mood"], recording["subject"]
        yield ToneUtterance(pair["id"], pair["picture"], f"{actor:02d}", STATEMENTS[SUBJECTS.index(subject)], None,
                            pair["split"], actor, mood, subject), recording["file"]


def _captions(listed: Mapping[str, Any]) -> Iterator[Utterance]:
    """The sentence of each picture, in a set that was built without recordings."""
    for picture in listed["pictures"]:
        caption = STATEMENTS[SUBJECTS.index(picture["subject"])]
        yield Utterance(picture["id"], picture["id"], "", caption, None, picture["split"])


def _damaged(tree: Tree) -> DatasetError:
    return DatasetError(_("{list} in {name} is damaged. Build the set again with `brewclip tone build`; nothing else "
                          "was changed.").format(list=LIST, name=tree.root.name), "damaged")
