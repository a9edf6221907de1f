"""The dataset card that is written beside a tone set."""

from collections.abc import Mapping, Sequence

from core.datasets.tone import SPLITS
from core.tone.emoji import DEV, TRAINED, EmojiSet
from core.tone.pictures import SIDE

FILE = "README.md"


def text(pictures: Mapping[str, int], utterances: Mapping[str, int], notes: Sequence[str], sets: Sequence[EmojiSet],
         dev: Sequence[int], test: Sequence[int]) -> str:
    """The card in Markdown; `pictures` and `utterances` by split, `dev` and `test` the actors of these splits."""
    counts = "\n".join(f"| {split} | {_styles(split, sets)} | {pictures[split]} | {utterances[split]} |"
                       for split in SPLITS)
    licences = "\n".join(f"| {each.name} | {each.author} | {each.licence} |" for each in sets)
    return CARD.format(side=SIDE, counts=counts, licences=licences, notes="".join(f"- {note}\n" for note in notes),
                       dev=", ".join(map(str, dev)), test=", ".join(map(str, test)))


def _styles(split: str, sets: Sequence[EmojiSet]) -> str:
    if split in ("train", "test-seen-style"):
        return ", ".join(TRAINED)
    if split == "dev":
        return DEV
    return ", ".join(each.name for each in sets if each.name not in (*TRAINED, DEV))


CARD = """# Tone set

Pictures and recordings of which the tone of voice decides the match: RAVDESS' actors say two sentences in four moods
that the words do not tell, and each picture shows the subject of a sentence in one of the moods. Built by
`brewclip tone build`.

| split | styles of the pictures | pictures | utterances |
|---|---|---:|---:|
{counts}

- **Right** for a recording is every picture of its subject (kids, dogs) in its mood (neutral, happy, sad, angry):
  eight classes of equal size. Words alone can find the subject, and one mood in four by chance.
- **Splits**: actors {dev} are of dev, {test} of both tests, all others of train. Pictures of
  test-seen-style have combinations of face, figure and style that are not in train.
  The style of dev is in no other split.
- **Moods**: neutral is RAVDESS' neutral and calm; fearful, disgust and surprised are left out. Both intensities are in.
- **Pictures**: {side} x {side} pixels; a face with the mood (70 % of the width), the subject (40 %) and a door on a
  ground whose colour and layout are drawn from the picture's name. The same bytes on every build.
{notes}
## Licences

| emoji set | author | licence |
|---|---|---|
{licences}

The pictures are adapted from these sets (several drawings put together). Recordings: RAVDESS, Livingstone and Russo
2018, CC BY-NC-SA 4.0, copied as they are; do not pass this folder on under other terms.

## Limits

Acted voices, drawn faces, two English sentences: a result here says that tone was used, not that feelings are
understood.
"""
