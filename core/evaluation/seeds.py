"""Evaluations of runs that differ only in their seed, as one: mean and sample standard deviation of each figure."""

import json
import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace

from core.errors import ModelError
from core.evaluation.records import EvaluationRecord
from core.models import checkpoints
from core.models.variants import BY_NAME

SAME_DATA = ("kind", "name", "train", "pairs", "conditions", "dropped_unheard")  # facts of a run's dataset

Group = tuple[EvaluationRecord, ...]


def groups(records: Iterable[EvaluationRecord]) -> list[Group]:
    """Records by all but their runs' seeds, in the order given; of several evaluations of a seed the first stays.

    Zero-shot evaluations, and those whose checkpoint cannot be read, stay alone.
    """
    by_key: dict[str, dict[int, EvaluationRecord]] = {}
    for record in records:
        key, seed = _key(record)
        by_key.setdefault(key, {}).setdefault(seed, record)
    return [tuple(by_seed.values()) for by_seed in by_key.values()]


def _key(record: EvaluationRecord) -> tuple[str, int]:
    """All that decides an evaluation apart from the seed, as a text, and the seed."""
    if record.setup.checkpoint is None:
        return f"evaluation {record.id}", 0
    try:
        run = checkpoints.read_run(record.setup.checkpoint)
    except ModelError:
        return f"evaluation {record.id}", 0
    options = replace(run.options, acoustic_weight=1.0) if run.metrics.get("training", {}).get("choose_weight") else (
        run.options)  # a weight that was chosen on dev is an outcome of the run
    facts = asdict(replace(run, options=options, dataset={}, metrics={}, seed=0, version=""))
    training = {name: value for name, value in run.metrics.get("training", {}).items() if name != "seed"}
    data = {name: run.dataset.get(name) for name in SAME_DATA}
    setup = replace(record.setup, checkpoint=None, model="", deviations=None).to_json()
    return json.dumps([facts, training, data, setup, record.n_images, record.n_utterances], sort_keys=True), run.seed


def title(group: Sequence[EvaluationRecord]) -> str:
    """The model of a group: as it is, or "BrewCLIP, 3 seeds"."""
    setup = group[0].setup
    return setup.model if len(group) == 1 else f"{BY_NAME[setup.variant].title}, {len(group)} seeds"


def mean_and_spread(values: Sequence[float | None]) -> tuple[float | None, float | None]:
    """Mean and sample standard deviation; None where a value is missing, the second for a single value."""
    numbers = [value for value in values if value is not None and math.isfinite(value)]
    if len(numbers) < len(values):
        return None, None
    return statistics.fmean(numbers), statistics.stdev(numbers) if len(numbers) > 1 else None
