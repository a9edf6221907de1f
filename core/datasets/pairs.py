"""Pairs of a picture and a caption, as lists and packed files of any naming hold them: columns, splits, records."""

from collections import Counter
from collections.abc import Iterable, Mapping

from core.datasets.draft import Draft
from core.datasets.records import Utterance
from core.datasets.unpacking import UnpackedFile

# Purposes of columns, and the names they may have; where several are there, the first of these counts.
COLUMNS: Mapping[str, tuple[str, ...]] = {
    "image": ("image", "image_path", "image_file", "picture", "photo", "img", "file_name", "filename", "image_name"),
    "recording": ("recording", "audio", "audio_path", "audio_file", "wav", "wav_path", "speech", "sound",
                  "voice_recording"),
    "caption": ("caption", "text", "sentence", "description", "transcript", "transcription"),
    "speaker": ("speaker", "speaker_id", "spk", "voice", "annotator", "annotator_id"),
    "split": ("split", "subset", "partition", "set"),
    "image_id": ("image_id", "picture_id"),
    "utterance_id": ("utterance_id", "utt_id", "uttid", "id"),
}
SPLIT_NAMES = {"training": "train", "validation": "val", "valid": "val", "testing": "test", "evaluation": "test"}
NO_FILES: Mapping[str, UnpackedFile] = {}


def purposes(names: Iterable[str]) -> dict[str, str]:
    """The column that is read for each purpose."""
    lower = {name.lower().replace(" ", "_").replace("-", "_"): name for name in reversed(list(names))}
    columns = {}
    for purpose, aliases in COLUMNS.items():
        column = next((lower[alias] for alias in aliases if alias in lower), None)
        if column is not None:
            columns[purpose] = column
    return columns


def split_name(name: str) -> str:
    """A split's name as this program writes it: "validation" is "val"."""
    return SPLIT_NAMES.get(name.strip().lower(), name.strip().lower())


class Pairs:
    """Adds pairs to a draft and gives ids to those that name none.

    A picture without an id is known by its name in the list; one that was unpacked, by its content, since packed files
    repeat a picture for each of its captions. An utterance is known by its recording's name.
    """

    def __init__(self, draft: Draft) -> None:
        self._draft = draft
        self._numbers: Counter[str] = Counter()
        self._owners: dict[str, str] = {}  # id: name of the unpacked file that has it
        self._ids: dict[str, str] = {}  # name of an unpacked picture: its id

    def add(self, values: Mapping[str, str], split: str, where: str,
            files: Mapping[str, UnpackedFile] = NO_FILES) -> None:
        """Add one pair. `values` are texts by purpose; `files` hold what was unpacked as "image" and "recording".

        `split` counts where the values have none. `where` names the row in problems.
        """
        picture = files.get("image")
        name = values.get("image", "").strip()
        if not picture and not name:
            self._draft.problems.add("malformed", f"{where}: no picture")
            return
        split = split_name(values["split"]) if "split" in values else split
        image_id = values.get("image_id", "").strip() or (self._picture_id(picture) if picture
                                                          else name.replace("\\", "/"))
        number = self._numbers[image_id]
        self._numbers[image_id] += 1
        if picture:
            self._draft.image(image_id, (picture.path.name,), split, picture.path)
        else:
            self._draft.image(image_id, (name,), split)
        self._add_caption(values, image_id, number, split, files.get("recording"))

    def _add_caption(self, values: Mapping[str, str], image_id: str, number: int, split: str,
                     sound: UnpackedFile | None) -> None:
        recording = values.get("recording", "").strip()
        stem = self._own_id(sound) if sound else recording.replace("\\", "/").rsplit(".", 1)[0]
        utterance_id = values.get("utterance_id", "").strip() or stem or f"{image_id}#{number}"
        text = values.get("caption")
        caption = self._draft.caption(None if text is None else text.strip(), utterance_id)
        record = Utterance(utterance_id, image_id, values.get("speaker", "").strip(), caption, None, split)
        if sound:
            self._draft.utterance(record, sound.path.name, sound.path)
        elif recording:
            self._draft.utterance(record, recording)
        elif caption:
            self._draft.unspoken(record)

    def _picture_id(self, picture: UnpackedFile) -> str:
        content = picture.path.name
        if content not in self._ids:
            self._ids[content] = self._own_id(picture, keep_suffix=True)
        return self._ids[content]

    def _own_id(self, file: UnpackedFile, keep_suffix: bool = False) -> str:
        """The file's name in its container; with a piece of its content's hash where another file has that name."""
        name = file.name.replace("\\", "/").removeprefix("./") or file.path.name
        own = name if keep_suffix else name.rsplit(".", 1)[0]
        if self._owners.setdefault(own, file.path.name) != file.path.name:
            own = f"{own}#{file.path.stem[:8]}"
        return own
