"""Evaluated queries of a figure: chosen by id, or drawn at random by a rule that the caption states."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from core import images
from core.errors import FigureError, ImageError
from core.evaluation.archive import Evaluation
from core.evaluation.records import Direction, EvaluatedQuery, UtteranceFacts
from core.models.variants import BY_NAME

AT_LEAST = 700  # px of a side that is read: a picture is printed at 2 inches at most
DIRECTION: Direction = "speech_to_image"
MODEL_COLOURS = {"zero-shot": "transcript", "prompted": "transcript", "e2e": "voice", "full": "main"}


@dataclass(frozen=True)
class QueryChoice:
    """Queries that a figure shows: `ids` of utterances, else `count` drawn with `seed` (0: the figure's own count).

    A query is found when its picture is among the first `at`.
    """

    ids: tuple[str, ...] = ()
    count: int = 0
    seed: int = 0
    at: int = 10


@dataclass(frozen=True, eq=False)
class QueryPool:
    """Rows of the queries that a rule allows; `rule` completes "drawn at random from the 7 utterances ..."."""

    rule: str
    rows: Sequence[int]


@dataclass(frozen=True, eq=False)
class ShownQuery:
    """One query of one evaluation, with what is drawn of it."""

    evaluation: Evaluation
    row: int

    @property
    def query(self) -> EvaluatedQuery:
        """The query and its outcome."""
        return self.evaluation.queries(DIRECTION)[self.row]

    @property
    def utterance(self) -> UtteranceFacts:
        """Transcript, caption and word error rate."""
        return self.evaluation.utterances[self.row]

    @property
    def rank(self) -> str:
        """The rank as words: "rank 3 of 200"."""
        rank, pictures = self.query.rank, len(self.evaluation.pictures)
        return f"rank {rank} of {pictures}" if 0 < rank <= pictures else "no rank"

    @property
    def is_first(self) -> bool:
        """Whether the best match is the right picture."""
        return self.query.rank == 1

    def picture(self) -> Image.Image | None:
        """The picture that was described; None where it cannot be read."""
        return read_picture(self.evaluation.pictures[self.query.picture].path)

    def best_match(self) -> Image.Image | None:
        """The picture that scores best; None where it cannot be read, or the query has no vector."""
        hits = self.evaluation.hits(DIRECTION, self.row)
        return read_picture(self.evaluation.pictures[hits[0].picture].path) if hits else None


def read_picture(path: Path | None) -> Image.Image | None:
    """A picture for print; None where there is no file, or it cannot be read."""
    if path is None:
        return None
    try:
        return images.read(path, at_least=AT_LEAST).rgb
    except ImageError:
        return None


def model_title(evaluation: Evaluation) -> str:
    """Title of the evaluated variant, with what differs from the usual setup."""
    setup = evaluation.record.setup
    parts = [BY_NAME[setup.variant].title if setup.variant in BY_NAME else setup.model]
    parts += ["on captions"] if setup.captions else []
    parts += [str(setup.condition)] if setup.condition.snr is not None else []
    parts += [setup.crop] if setup.crop != "centre" else []
    return ", ".join(parts)


def counted(evaluation: Evaluation) -> list[int]:
    """Rows of the queries that count: those that were dropped are left out."""
    return np.flatnonzero(evaluation.ranks(DIRECTION) > 0).tolist()


def rows_of(evaluation: Evaluation, ids: Sequence[str]) -> list[int]:
    """Rows of utterances by id. FigureError ("no_query")."""
    places = {utterance.utterance_id: row for row, utterance in enumerate(evaluation.utterances)}
    for name in ids:
        if name not in places:
            raise FigureError(f"{evaluation.record.setup.title} has no utterance {name!r}. Nothing was drawn; "
                              "`brewclip diagnose --json` lists the ids of its failures.", "no_query")
    return [places[name] for name in ids]


def number(count: int, noun: str = "utterance") -> str:
    """A count with its noun: "1 utterance", "7 pictures"."""
    return f"{count} {noun}{'' if count == 1 else 's'}"


def draw_rows(evaluation: Evaluation, pools: Sequence[QueryPool], choice: QueryChoice, count: int
              ) -> tuple[list[int], str]:
    """Rows of `choice.ids`, else up to `count` rows drawn from the pools in turn; with the rule in words.

    A row is drawn once; what a pool lacks is not made up for by queries that its rule does not allow. FigureError:
    "no_query", "nothing" (no pool has a row).
    """
    if choice.ids:
        return rows_of(evaluation, choice.ids), "chosen by id"
    random, rows = np.random.default_rng(choice.seed), list[int]()
    for turn in range(choice.count or count):
        free = [row for row in pools[turn % len(pools)].rows if row not in rows]
        if free:
            rows.append(int(random.choice(free)))
    if not rows:
        none = ", and none ".join(pool.rule for pool in pools)
        raise FigureError(f"{evaluation.record.setup.title} has no utterance {none}. Nothing was drawn; name "
                          "utterances to show, or change K.", "nothing")
    rules = ", and from ".join(f"the {number(len(pool.rows))} {pool.rule}" for pool in pools)
    return rows, f"drawn at random (seed {choice.seed}) from {rules}"
