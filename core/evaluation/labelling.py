"""Labels and notes of misses; every change can be undone, also after a restart."""

from typing import cast

from core.errors import EvaluationError, StoreError
from core.evaluation.failures import LABEL_TITLES
from core.evaluation.records import Direction
from core.localisation import _
from core.store.records import FailureLabel
from core.store.store import Store


def labels(store: Store, evaluation_id: int) -> dict[tuple[Direction, str], FailureLabel]:
    """Labels and notes of an evaluation, by direction and query."""
    return {(cast(Direction, row.direction), row.query_id): row for row in store.failure_labels(evaluation_id)
            if row.label or row.note}


def label(store: Store, evaluation_id: int, direction: Direction, query_id: str, label: str = "", note: str = ""
          ) -> FailureLabel:
    """Label or annotate a failure; "" removes the label or the note. EvaluationError: unknown_label, gone."""
    if label and label not in LABEL_TITLES:
        raise EvaluationError(_("There is no label {label!r}; there are {label_titles}.").format(
            label=label, label_titles=", ".join(LABEL_TITLES)), "unknown_label")
    try:
        return store.label_failure(evaluation_id, direction, query_id, label, note)
    except StoreError as error:
        if error.kind != "no_evaluation":
            raise
        raise EvaluationError(str(error), "gone") from error


def undo(store: Store, evaluation_id: int) -> FailureLabel | None:
    """Undo the newest change and return it; None when there is nothing to undo. `label` with it does it again."""
    return store.undo_label(evaluation_id)
