"""The caption of a take, and how far it is: also of takes that were confirmed before their words were there."""

from typing import Literal

from core import plain_json
from core.asr.transcript import Transcript
from core.store.records import TakeRecord

Stage = Literal["draft", "awaited", "late", "done", "accepted", "rejected"]


def tidy(text: str) -> str:
    """A caption on one line, without needless blanks."""
    return " ".join(text.split())


def transcript_of(take: TakeRecord) -> Transcript | None:
    """The transcript of a take; None until it was transcribed, or when it is damaged."""
    try:
        return None if take.heard is None else Transcript.kept(plain_json.loads(take.heard))
    except ValueError:
        return None


def heard_words(take: TakeRecord) -> str:
    """The words that were recognised, on one line; "" when there are none, or none yet."""
    transcript = transcript_of(take)
    return tidy(transcript.text) if transcript else ""


def caption_of(take: TakeRecord) -> str:
    """The words to show: the caption, else what was recognised and nobody confirmed yet."""
    return take.text or heard_words(take)


def stage_of(take: TakeRecord) -> Stage:
    """Stage of a take: its state, except for takes that were confirmed before their transcript existed.

    Those are stored as "done" without a text. "awaited": the words are still to be recognised; "late": they were
    recognised since, and a person has to confirm them. No words at all make it a draft.
    """
    if take.state != "done" or take.text:
        return take.state
    if transcript_of(take) is None:
        return "awaited"
    return "late" if heard_words(take) else "draft"
