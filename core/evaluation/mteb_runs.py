"""Evaluation in MTEB: a model on tasks, with MTEB's own result files."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import EvaluationError
from core.models import checkpoints
from core.models.spec import ModelSpec
from core.progress import Progress, Report, WorkStep, silent, steps
from core.workspace import Workspace

if TYPE_CHECKING:
    from mteb.abstasks.retrieval import AbsTaskRetrieval

FIGURES = ("recall_at_1", "recall_at_5", "recall_at_10", "hit_rate_at_1", "hit_rate_at_5", "hit_rate_at_10",
           "ndcg_at_10")


@dataclass(frozen=True)
class MtebResult:
    """Figures of one split of a task, as fractions, under MTEB's names; `path` is MTEB's own result file."""

    task: str
    split: str
    figures: dict[str, float]
    unreadable: int
    path: Path


def check_installed() -> None:
    """EvaluationError ("no_mteb") where MTEB is not installed."""
    try:
        import datasets
        import mteb
    except ImportError as error:
        raise EvaluationError("MTEB is not installed. `pip install .[mteb]` brings it.", "no_mteb") from error
    assert datasets and mteb


def run(workspace: Workspace, asked: ModelSpec, tasks: "Sequence[AbsTaskRetrieval]", folder: Path, limit: int = 0,
        report: Report = silent) -> list[MtebResult]:
    """Evaluate a model on tasks; each result is in MTEB's folders below `folder` when its task is done.

    `limit`: the first queries alone, with the documents that fit them (for a trial). EvaluationError: no_data (the
    task's dataset is not on this computer and cannot be fetched), the errors of `mteb_model.encoder`.
    """
    import mteb
    from huggingface_hub.errors import HfHubHTTPError

    from core.evaluation import mteb_model, mteb_tasks

    name = f"brewclip/{checkpoints.name_of(asked.checkpoint) if asked.checkpoint else 'zero-shot'}"
    loading, *parts = steps(report, 1, *(10 for _ in tasks))
    encoder = mteb_model.encoder(workspace, asked, mteb_model.meta_of(
        name.replace(" ", "-"), asked.checkpoint, asked.backbone, asked.crop), loading)
    results = []
    for task, part in zip(tasks, parts, strict=True):
        own = task.metadata.name
        part(Progress(WorkStep.READING_DATASET, subject=own))
        encoder.report, encoder.unreadable = part, 0
        try:
            if limit:
                mteb_tasks.limited(task, limit)
            else:
                task.load_data()
        except (OSError, ValueError, HfHubHTTPError) as error:
            raise EvaluationError(f"The data of {own} are not on this computer and could not be fetched "
                                  f"({str(error).splitlines()[0][:200]}). Results of tasks before it are in {folder}; "
                                  "--data DIR evaluates on a dataset folder.", "no_data") from error
        cache = mteb.ResultCache(cache_path=folder)
        outcome = mteb.evaluate(encoder, task, cache=cache, overwrite_strategy="always", show_progress_bar=False)
        path = cache.get_task_result_path(own, encoder.mteb_model_meta)
        results += [MtebResult(own, split, {figure: float(scores[figure]) for figure in FIGURES}, encoder.unreadable,
                               Path(path))
                    for split, subsets in outcome.task_results[0].scores.items() for scores in subsets]
    return results
