"""Figure 8: all utterances of one picture, with transcripts, word error rates, ranks and best matches."""

import numpy as np

from core.errors import FigureError
from core.evaluation.archive import Evaluation
from core.paper_figures.blocks import GAP, draw_picture, draw_texts
from core.paper_figures.inputs import FigureInputs
from core.paper_figures.queries import DIRECTION, QueryChoice, ShownQuery, counted, number, read_picture
from core.plots.sheet import Box
from core.plots.style import SMALL

BEST = 0.72  # inches, width of a best match
MOST_LINES = 3


def draw_utterances(inputs: FigureInputs, count: int) -> str:
    """Draw `count` pictures with all their utterances; the rule by which they were drawn."""
    evaluation, sheet = inputs.evaluations[0], inputs.sheet
    places, rule = _pictures(evaluation, inputs.choice, count)
    top = 0.0
    for place in places:
        page = sheet.name == "page"
        own = sheet.width * (0.3 if page else 0.6)
        name = evaluation.pictures[place].image_id
        below = draw_picture(sheet, 0.0, top, own, read_picture(evaluation.pictures[place].path), name)
        left, line = (own + GAP, top) if page else (0.0, below + GAP)
        for row in _rows(evaluation, place):
            line = _draw_line(inputs, left, line, ShownQuery(evaluation, row)) + 0.06
        top = max(below, line) + GAP
    return f"Picture{'' if len(places) == 1 else 's'}: {rule}."


def _draw_line(inputs: FigureInputs, left: float, top: float, shown: ShownQuery) -> float:
    """One utterance: its best match at the left, the words beside it, the rank above them."""
    sheet, x = inputs.sheet, left + BEST + GAP
    wide = sheet.width - x
    sheet.picture(Box(left, top, BEST, 0.75 * BEST), shown.best_match(), "none",
                  "good" if shown.is_first else "care", 1.2)
    speaker = f" · speaker {shown.utterance.speaker}" if shown.utterance.speaker else ""
    right = "best match: right" if shown.is_first else "best match: wrong"
    below = sheet.text(x, top, f"{shown.rank.capitalize()} · {right}{speaker}", wide, points=SMALL,
                       colour="good" if shown.is_first else "care", bold=True)
    return max(draw_texts(sheet, x, below, wide, shown, MOST_LINES), top + 0.75 * BEST)


def _rows(evaluation: Evaluation, picture: int) -> list[int]:
    return [row for row in counted(evaluation) if evaluation.utterances[row].picture == picture]


def _pictures(evaluation: Evaluation, choice: QueryChoice, count: int) -> tuple[list[int], str]:
    """Places of the pictures, with the rule. Ids may be those of pictures or utterances. FigureError."""
    if choice.ids:
        places = {picture.image_id: place for place, picture in enumerate(evaluation.pictures)}
        places |= {utterance.utterance_id: utterance.picture for utterance in evaluation.utterances}
        for name in choice.ids:
            if name not in places:
                raise FigureError(f"{evaluation.record.setup.title} has neither a picture nor an utterance {name!r}. "
                                  "Nothing was drawn.", "no_query")
        return list(dict.fromkeys(places[name] for name in choice.ids)), "chosen by id"
    ranks = evaluation.ranks(DIRECTION)
    of_picture: dict[int, list[int]] = {}
    for row in counted(evaluation):
        of_picture.setdefault(evaluation.utterances[row].picture, []).append(int(ranks[row]))
    if not of_picture:
        raise FigureError(f"{evaluation.record.setup.title} has no query that counts, so there is nothing to draw.",
                          "nothing")
    most = max(map(len, of_picture.values()))
    pool = [place for place, own in of_picture.items() if len(own) == most and min(own) <= choice.at < max(own)]
    rule = f"with {number(most)} of which some find it among the first {choice.at} and some do not"
    if not pool:
        pool = [place for place, own in of_picture.items() if len(own) == most]
        rule = f"with {number(most)}"
    drawn = np.random.default_rng(choice.seed).choice(pool, min(choice.count or count, len(pool)), replace=False)
    return drawn.tolist(), f"drawn at random (seed {choice.seed}) from the {number(len(pool), 'picture')} {rule}"
