"""The failures of an evaluation for other programs: a list with diagnoses, labels and notes, and the pictures to it.

    failures.csv  failures.json   one entry a failure, both ways
    pictures/                     the described picture and the best hit of each, as files of their own
"""

import csv
import hashlib
import io
import json
import os
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from core import private_files
from core.errors import EvaluationError
from core.evaluation import archive, labelling
from core.evaluation.archive import Evaluation
from core.evaluation.failures import CHANGES
from core.evaluation.records import DIRECTIONS, Direction, EvaluatedQuery
from core.file_names import safe_name
from core.localisation import _
from core.progress import Progress, Report, WorkStep, silent
from core.spreadsheet import plain_cells
from core.store.records import FailureLabel
from core.store.store import Store

CSV, JSON, PICTURES = "failures.csv", "failures.json", "pictures"
Labels = Mapping[tuple[Direction, str], FailureLabel]


def export_failures(store: Store, evaluation_id: int, at: int, folder: Path, report: Report = silent) -> int:
    """Write all failures beyond the first `at` into a folder, made if need be; how many there are.

    Pictures come first and the lists last, each put in place whole. EvaluationError: gone, damaged, not_written (the
    folder cannot be written to; what is there is whole).
    """
    evaluation = archive.open_evaluation(store, evaluation_id)
    diagnosed = archive.diagnosis(store, evaluation_id, at)
    diagnoses = ({(diagnosis.direction, diagnosis.number): diagnosis for diagnosis in diagnosed.diagnoses}
                 if diagnosed else {})
    given = labelling.labels(store, evaluation_id)
    entries = []
    try:
        (folder / PICTURES).mkdir(parents=True, exist_ok=True)
        failed = [query for direction in DIRECTIONS for query in evaluation.failures(direction, at)]
        for done, query in enumerate(failed):
            report(Progress(WorkStep.EXPORTING_FAILURES, done, len(failed)))
            entry = _entry(evaluation, query, diagnoses.get((query.direction, query.number)), given, at)
            entry["picture_file"] = _copied(evaluation.pictures[query.picture].path, folder)
            hits = evaluation.hits(query.direction, query.number)
            entry["best_hit_file"] = _copied(evaluation.pictures[hits[0].picture].path, folder) if hits else ""
            entries.append(entry)
        _write(folder / JSON, json.dumps({"evaluation": evaluation.record.setup.title, "at": at, "failures": entries},
                                         indent=1).encode())
        _write(folder / CSV, as_csv(entries).encode("utf-8", "surrogateescape"))
    except OSError as error:
        raise EvaluationError(_("{folder} could not be written to: {strerror}. Nothing else was changed; choose "
                                "another folder or make room.").format(folder=folder, strerror=error.strerror or error),
                              "not_written") from error
    report(Progress(WorkStep.EXPORTING_FAILURES, len(entries), len(entries)))
    return len(entries)


def as_csv(entries: Iterable[Mapping[str, Any]]) -> str:
    """Entries as CSV; what a spreadsheet would take for a formula is marked as text."""
    rows = list(entries)
    out = io.StringIO()
    columns = list(rows[0]) if rows else ["way", "query"]
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(plain_cells(row[column] for column in columns) for row in rows)
    return out.getvalue()


def entry_of(evaluation: Evaluation, query: EvaluatedQuery) -> dict[str, Any]:
    """A query and its outcome as plain values."""
    spoken = evaluation.utterances[query.utterance] if query.utterance >= 0 else None
    hits = evaluation.hits(query.direction, query.number)
    return {"way": query.direction, "query": query.query_id, "rank": query.rank, "text_rank": query.text_rank,
            "acoustic_rank": query.acoustic_rank, "score": query.score,
            "image": evaluation.pictures[query.picture].image_id,
            "utterance": spoken.utterance_id if spoken else "", "speaker": spoken.speaker if spoken else "",
            "seconds": spoken.seconds if spoken else None, "wer": spoken.wer if spoken else None,
            "caption": spoken.caption if spoken else "", "transcript": spoken.transcript if spoken else "",
            "best_hit": evaluation.pictures[hits[0].picture].image_id if hits else "",
            "best_score": hits[0].score if hits else None, "reason": query.reason}


def _entry(evaluation: Evaluation, query: EvaluatedQuery, diagnosis: Any, given: Labels, at: int) -> dict[str, Any]:
    label = given.get((query.direction, query.query_id))
    again = {retry.change: retry.rank for retry in diagnosis.again} if diagnosis else {}
    return {**entry_of(evaluation, query), "at": at, "kind": diagnosis.kind if diagnosis else "",
            "kinds": " ".join(diagnosis.kinds) if diagnosis else "", "then": diagnosis.then if diagnosis else None,
            **{f"rank_{change.key}": again.get(change.key) for change in CHANGES},
            "label": label.label if label else "", "note": label.note if label else ""}


def _copied(path: Path | None, folder: Path) -> str:
    """A copy of a picture below the folder, as a relative name; "" where there is none. Named by place and content."""
    if path is None or not path.is_file():
        return ""
    place = hashlib.sha256(os.fsencode(path)).hexdigest()[:8]
    name = f"{PICTURES}/{place}-{safe_name(path.name)}"
    target = folder / name
    if not target.exists() or target.stat().st_size != path.stat().st_size:
        with path.open("rb") as source, private_files.replacing(target, private=False, durable=False) as file:
            shutil.copyfileobj(source, file)
    return name


def _write(path: Path, content: bytes) -> None:
    private_files.write_atomically(path, content, private=False, durable=False)

