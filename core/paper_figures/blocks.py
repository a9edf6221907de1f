"""Blocks that several figures share: texts of an utterance, a picture with its caption line."""

from PIL import Image

from core.paper_figures.queries import ShownQuery
from core.plots.sheet import Box, Sheet
from core.plots.style import SMALL

GAP = 0.12  # inches between blocks
RATIO = 0.75  # height of a picture's box by its width


def draw_texts(sheet: Sheet, left: float, top: float, wide: float, shown: ShownQuery, most: int = 5) -> float:
    """Write transcript, reference and word error rate, each in up to `most` lines; the place below them."""
    utterance = shown.utterance
    top = sheet.text(left, top, "Transcript", wide, points=SMALL, colour="quiet")
    top = sheet.text(left, top, utterance.transcript or utterance.reason or "nothing was recognised", wide, most,
                     colour="transcript" if utterance.transcript else "care")
    if utterance.wer is None or utterance.wer == 0:
        return top if utterance.wer is None else sheet.text(left, top + 0.02, "as the reference", wide, points=SMALL,
                                                            colour="quiet")
    top = sheet.text(left, top + 0.04, f"Reference · WER {100 * utterance.wer:.0f} %", wide, points=SMALL,
                     colour="quiet")
    return sheet.text(left, top, utterance.caption, wide, most)


def draw_picture(sheet: Sheet, left: float, top: float, wide: float, image: Image.Image | None, line: str,
                 good: bool | None = None, missing: str = "not read") -> float:
    """Put a picture into a box with a line of text below it; the place below. `good`: right, wrong, or neither."""
    edge = "line" if good is None else "good" if good else "care"
    place = sheet.picture(Box(left, top, wide, RATIO * wide), image, missing, edge, 0.6 if good is None else 1.2)
    return sheet.text(left, place.bottom + 0.03, line, wide, 2, SMALL, "quiet" if good is None else edge)


def draw_best(sheet: Sheet, left: float, top: float, wide: float, shown: ShownQuery) -> float:
    """Put the best match, with whether it is the right picture."""
    return draw_picture(sheet, left, top, wide, shown.best_match(),
                        "best match: right" if shown.is_first else "best match: wrong", shown.is_first, "none")
