"""Evaluations, the diagnoses of their failures, and what people called those.

What an evaluation found is in one row, so that there is never half of one: a summary in JSON, which lists read, and all
queries with their ranks and hits as one compressed blob, which opens them. `core.evaluation.archive` reads both.
"""

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.dialects.sqlite import insert as upsert
from sqlalchemy.exc import IntegrityError

from core import plain_json
from core.errors import StoreError
from core.localisation import _
from core.store.records import FailureLabel, KeptDiagnosis, KeptEvaluation
from core.store.repository import Repository, select_ids, storable
from core.store.schema import DiagnosisRow, EvaluationRow, FailureLabelRow

LONGEST_NOTE = 10_000


class Evaluations(Repository):
    """The store's methods for evaluations. StoreError ("no_evaluation") where one was deleted meanwhile."""

    def add_evaluation(self, summary: Mapping[str, Any], queries: bytes) -> KeptEvaluation:
        """Keep an evaluation, whole or not at all."""
        created, text = datetime.now(UTC), json.dumps(summary)
        with self.database.writing() as connection:
            added = connection.execute(insert(EvaluationRow).values(created=created, summary=text, queries=queries)
                                       .returning(EvaluationRow.id)).scalar_one()
        return KeptEvaluation(added, created, plain_json.loads(text))

    def evaluations(self) -> list[KeptEvaluation]:
        """All evaluations, newest first, without their queries; the summary of a damaged one is {}."""
        with self.database.reading() as connection:
            rows = connection.execute(select(EvaluationRow.id, EvaluationRow.created, EvaluationRow.summary)
                                      .order_by(EvaluationRow.id.desc())).all()
        return [KeptEvaluation(row.id, row.created, _summary(row.summary)) for row in rows]

    def evaluation(self, evaluation_id: int) -> tuple[KeptEvaluation, bytes]:
        """One evaluation with its queries; the summary of a damaged one is {}. StoreError ("no_evaluation")."""
        with self.database.reading() as connection:
            row = connection.execute(select(EvaluationRow.id, EvaluationRow.created, EvaluationRow.summary,
                                            EvaluationRow.queries).where(EvaluationRow.id == evaluation_id)).first()
        if row is None:
            raise _no_evaluation()
        return KeptEvaluation(row.id, row.created, _summary(row.summary)), row.queries

    def replace_summary(self, evaluation_id: int, summary: Mapping[str, Any]) -> None:
        """Replace the summary of an evaluation, if it is still there."""
        with self.database.writing() as connection:
            connection.execute(update(EvaluationRow).where(EvaluationRow.id == evaluation_id)
                               .values(summary=json.dumps(summary)))

    def delete_evaluations(self, ids: Iterable[int]) -> None:
        """Delete evaluations with their diagnoses and labels."""
        with self.database.deleting(erase=False) as connection:
            connection.execute(delete(EvaluationRow).where(EvaluationRow.id.in_(select_ids(ids))))

    def keep_diagnosis(self, evaluation_id: int, at: int, body: bytes) -> datetime:
        """Keep the diagnosis of the failures beyond `at`, in place of an earlier one; when it was kept."""
        statement, created = upsert(DiagnosisRow), datetime.now(UTC)
        statement = statement.on_conflict_do_update(set_={
            "body": statement.excluded.body, "created": statement.excluded.created})
        with self.database.writing() as connection:
            try:
                connection.execute(statement, {"evaluation_id": evaluation_id, "at": at, "created": created,
                                               "body": body})
            except IntegrityError as error:
                raise _no_evaluation() from error
        return created

    def diagnosis(self, evaluation_id: int, at: int) -> KeptDiagnosis | None:
        """The diagnosis that was kept; None when there is none."""
        with self.database.reading() as connection:
            row = connection.execute(select(DiagnosisRow.created, DiagnosisRow.body).where(
                DiagnosisRow.evaluation_id == evaluation_id, DiagnosisRow.at == at)).first()
        return None if row is None else KeptDiagnosis(row.created, row.body)

    def label_failure(self, evaluation_id: int, direction: str, query_id: str, label: str, note: str) -> FailureLabel:
        """Label a failure; the label before stays stored, for `undo_label`."""
        changed, text = datetime.now(UTC), storable(note)[:LONGEST_NOTE]
        with self.database.writing() as connection:
            try:
                connection.execute(insert(FailureLabelRow).values(
                    evaluation_id=evaluation_id, way=direction, query=query_id, label=label, note=text,
                    changed=changed))
            except IntegrityError as error:
                raise _no_evaluation() from error
        return FailureLabel(evaluation_id, direction, query_id, label, text, changed)

    def failure_labels(self, evaluation_id: int) -> list[FailureLabel]:
        """Current labels of an evaluation's misses, in the order of their last change."""
        last = select(func.max(FailureLabelRow.id)).where(FailureLabelRow.evaluation_id == evaluation_id).group_by(
            FailureLabelRow.way, FailureLabelRow.query)
        with self.database.reading() as connection:
            rows = connection.execute(select(
                FailureLabelRow.way, FailureLabelRow.query, FailureLabelRow.label, FailureLabelRow.note,
                FailureLabelRow.changed).where(FailureLabelRow.id.in_(last)).order_by(FailureLabelRow.id)).all()
        return [FailureLabel(evaluation_id, row.way, row.query, row.label, row.note, row.changed) for row in rows]

    def undo_label(self, evaluation_id: int) -> FailureLabel | None:
        """Undo the newest change of a label or note and return it; None without any."""
        newest = select(func.max(FailureLabelRow.id)).where(FailureLabelRow.evaluation_id == evaluation_id)
        with self.database.writing() as connection:
            row = connection.execute(delete(FailureLabelRow).where(FailureLabelRow.id == newest.scalar_subquery())
                                     .returning(FailureLabelRow.way, FailureLabelRow.query, FailureLabelRow.label,
                                                FailureLabelRow.note, FailureLabelRow.changed)).first()
        return None if row is None else FailureLabel(evaluation_id, row.way, row.query, row.label, row.note,
                                                     row.changed)


def _summary(text: str) -> dict[str, Any]:
    try:
        return plain_json.loads_object(text)
    except ValueError:
        return {}


def _no_evaluation() -> StoreError:
    return StoreError(_("There is no such evaluation, or it was deleted. `brewclip evaluate --stored` lists those "
                        "there are."), "no_evaluation")
