"""Occlusion: the loss of score without each part of the input (Zeiler and Fergus 2014).

It assumes nothing about the model, so it localises even where a model's layers have mixed the places. It costs a pass
for each part: windows of a picture of 3 x 3 places where there are 7 x 7 of them, words one by one, a voice in pieces.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from core.explain.faithfulness import Judge, Order
from core.explain.methods import Floats
from core.explain.observation import Observation, Target, Tower, TowerObservation
from core.models.brewclip import BrewCLIP
from core.progress import Progress, Report, WorkStep, silent

CENTRES = 7  # windows in a row and in a column, at most
PIECES = 25  # of a voice, at most
AT_ONCE = 16


def occlude(model: BrewCLIP, pixels: np.ndarray, observation: Observation, target: Target, report: Report = silent
          ) -> Observation:
    """The observation with `drops` in the target's readings. `pixels` and the model are those of the observation."""
    judge = Judge(model, pixels, observation, target)
    groups = {tower: _groups(judge, tower, observation) for tower in judge.towers}
    total, done = sum(map(len, groups.values())), 0
    towers = dict(observation.towers)
    for tower, parts in groups.items():
        lost: list[Floats] = []
        for start in range(0, len(parts), AT_ONCE):
            report(Progress(WorkStep.OCCLUDING, done + start, total))
            lost.append(observation.scores[target] - judge.without(tower, parts[start:start + AT_ONCE]))
        done += len(parts)
        observed = observation.towers[tower]
        drops = _tokens(tower, np.concatenate(lost), parts, observation, observed, target)
        readings = {**observed.readings, target: replace(observed.readings[target], drops=drops)}
        towers[tower] = replace(observed, readings=readings)
    return replace(observation, towers=towers)


def _groups(judge: Judge, tower: Tower, observation: Observation) -> list[Order]:
    if tower == "words":
        return [np.array([place]) for place in range(judge.count(tower))]
    if tower == "sound":
        return [piece for piece in np.array_split(np.arange(judge.count(tower)), PIECES) if len(piece)]
    (rows, tall), (columns, wide) = (_windows(count) for count in observation.grid)
    cells = np.arange(judge.count(tower)).reshape(observation.grid)
    return [cells[max(0, row - tall):row + tall + 1, max(0, column - wide):column + wide + 1].ravel()
            for row in rows for column in columns]


def _windows(count: int) -> tuple[list[int], int]:
    """The middles of windows along `count` places, and how far they reach to each side."""
    middles = np.unique(np.linspace(0, count - 1, min(count, CENTRES)).round().astype(int))
    return middles.tolist(), max(1, round(count / CENTRES)) if count > 2 else 0


def _tokens(tower: Tower, lost: Floats, parts: Sequence[Order], observation: Observation, observed: TowerObservation,
            target: Target) -> Floats:
    """Loss of score per token of a tower; 0 for tokens that are no input."""
    drops = np.zeros(len(observed.readings[target].entrance), np.float32)
    inside = drops[observed.painted]
    if tower == "picture":
        inside[:] = _spread(lost, observation.grid).ravel()
    elif tower == "sound":
        for drop, piece in zip(lost, parts, strict=True):
            inside[piece] = drop / len(piece)
    else:
        read = [(span.start, min(span.stop, observation.kept)) for span in observation.spans
                if span.start < min(span.stop, observation.kept)]
        for drop, (start, stop) in zip(lost, read, strict=True):
            inside[start:stop] = drop / (stop - start)
    return drops


def _spread(lost: Floats, grid: tuple[int, int]) -> Floats:
    """Interpolation from the windows' centres to all places of the grid (rows, columns)."""
    rows, columns = (_windows(count)[0] for count in grid)
    table = lost.reshape(len(rows), len(columns))
    wide = np.stack([np.interp(np.arange(grid[1]), columns, line) for line in table])
    spread = np.stack([np.interp(np.arange(grid[0]), rows, line) for line in wide.T], axis=1)
    return spread.astype(np.float32)
