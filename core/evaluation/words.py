"""Word errors of transcripts against captions.

Ours: after Whisper's own English normaliser on both sides. The authors': both sides in lower case, punctuation and
spellings as they are.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from core.evaluation.records import WordErrors

Counting = Literal["ours", "authors"]


@dataclass(frozen=True)
class WordErrorCount:
    """Word errors of one utterance, and the words of its caption; the rate may exceed 1."""

    errors: int
    words: int

    @property
    def rate(self) -> float:
        """The word error rate."""
        return self.errors / self.words


def compare(captions: Sequence[str], transcripts: Sequence[str], counting: Counting = "ours"
            ) -> list[WordErrorCount | None]:
    """Word errors of each utterance; None where the caption has no words."""
    import jiwer
    from whisper.normalizers import EnglishTextNormalizer

    clean: Callable[[str], str] = EnglishTextNormalizer() if counting == "ours" else str.lower
    counts: list[WordErrorCount | None] = []
    for caption, transcript in zip(captions, transcripts, strict=True):
        wanted = clean(caption).split()
        if not wanted:
            counts.append(None)
            continue
        counted = jiwer.process_words(" ".join(wanted), " ".join(clean(transcript).split()))
        counts.append(WordErrorCount(counted.substitutions + counted.deletions + counted.insertions, len(wanted)))
    return counts


def together(counts: Sequence[WordErrorCount | None]) -> WordErrors | None:
    """All utterances with a caption as one; None where there is none."""
    counted = [errors for errors in counts if errors is not None]
    if not counted:
        return None
    return WordErrors(sum(errors.errors for errors in counted), sum(errors.words for errors in counted), len(counted))
