"""Evaluations for other programs: a table of all queries, TREC run and qrels files, and embeddings.

    evaluation-N-queries.csv, .parquet         one row a query, both ways, with its ranks, gains and texts
    evaluation-N-speech_to_image.run, .qrels   for trec_eval; likewise image_to_speech
    evaluation-N-images.npy, -utterances.npy   unit vectors, float32, NaN where there is none; the .json names rows
"""

import io
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np

from core import private_files
from core.errors import EvaluationError
from core.evaluation import archive
from core.evaluation.archive import Evaluation
from core.evaluation.exports import as_csv, entry_of
from core.evaluation.ranks import Floats, units
from core.evaluation.records import DIRECTIONS, Direction
from core.localisation import _
from core.progress import Progress, Report, WorkStep, silent
from core.workspace import Workspace

UNSAFE = re.compile(r"[\s%\ud800-\udfff]")  # in a field of a TREC file, which spaces end
NUMBERS = ("rank", "text_rank", "acoustic_rank")  # whole numbers of a query's row
SHARES = ("score", "seconds", "wer", "best_score", "ndcg_10", "reciprocal_rank")

Content = tuple[str, bytes]  # the rest of a file's name, and what is in it


@dataclass(frozen=True)
class QueryExport:
    """One form of export: its key on the command line, its title in menus, and what makes its files."""

    key: str
    title: str
    make: Callable[[Workspace, Evaluation, Report], Iterator[Content]]


def export_evaluation(workspace: Workspace, evaluation_id: int, form: str, folder: Path, report: Report = silent
                      ) -> list[Path]:
    """Write an evaluation in a form of `QUERY_EXPORTS` into a folder, made if need be; the files written.

    Each is put in place whole. EvaluationError: form, gone, damaged, no_arrow, not_written; for embeddings the errors
    of `reopened`.
    """
    chosen = next((export for export in QUERY_EXPORTS if export.key == form), None)
    if chosen is None:
        raise EvaluationError(_("There is no export {form!r}; there are {value}.").format(
            form=form, value=", ".join(export.key for export in QUERY_EXPORTS)), "form")
    evaluation = archive.open_evaluation(workspace.store, evaluation_id)
    written = []
    for name, content in chosen.make(workspace, evaluation, report):
        path = folder / f"evaluation-{evaluation_id}-{name}"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            private_files.write_atomically(path, content, private=False, durable=False)
        except OSError as error:
            raise EvaluationError(_("{path} could not be written: {strerror}. A file that was there is unchanged; "
                                    "choose another folder or make room.").format(path=path, strerror=error.strerror
                                                                                  or error), "not_written") from error
        written.append(path)
    return written


def query_rows(evaluation: Evaluation, report: Report = silent) -> list[dict[str, Any]]:
    """All queries of both directions as plain values, with nDCG@10 and the reciprocal rank, 0..1."""
    rows = []
    for direction in DIRECTIONS:
        gains = evaluation.gains[direction]
        queries = evaluation.queries(direction)
        for query, ndcg, reciprocal in zip(queries, gains.ndcg.tolist(), gains.reciprocal.tolist(), strict=True):
            if not query.number % 1000:
                report(Progress(WorkStep.EXPORTING, query.number, len(queries)))
            rows.append({**entry_of(evaluation, query), "ndcg_10": ndcg, "reciprocal_rank": reciprocal})
    return rows


def _csv(workspace: Workspace, evaluation: Evaluation, report: Report) -> Iterator[Content]:
    yield "queries.csv", as_csv(query_rows(evaluation, report)).encode("utf-8", "surrogateescape")


def _parquet(workspace: Workspace, evaluation: Evaluation, report: Report) -> Iterator[Content]:
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError as error:
        raise EvaluationError(_("Parquet files need Arrow, which is not installed. `pip install .[scale]` brings it; "
                                "CSV holds the same. Nothing was written."), "no_arrow") from error
    rows = query_rows(evaluation, report)
    kinds = {**dict.fromkeys(NUMBERS, pyarrow.int64()), **dict.fromkeys(SHARES, pyarrow.float64())}
    names = list(rows[0]) if rows else []
    schema = pyarrow.schema([(name, kinds.get(name, pyarrow.string())) for name in names])
    table = pyarrow.Table.from_pylist([{name: _unicode(value) for name, value in row.items()} for row in rows], schema)
    out = io.BytesIO()
    parquet.write_table(table, out)
    yield "queries.parquet", out.getvalue()


def _unicode(value: Any) -> Any:
    """The value, with bytes of a name that are no text replaced: Arrow's texts are UTF-8."""
    return value.encode("utf-8", "surrogateescape").decode("utf-8", "replace") if isinstance(value, str) else value


def _trec(workspace: Workspace, evaluation: Evaluation, report: Report) -> Iterator[Content]:
    """The ten best hits that are stored: trec_eval's recall_5, recall_10 and ndcg_cut_10 hold, its recip_rank is at 10.

    Queries that do not count, and utterances that were left out, are in neither file.
    """
    counted = evaluation.ranks("speech_to_image") > 0
    for direction in DIRECTIONS:
        report(Progress(WorkStep.EXPORTING))
        yield f"{direction}.run", "".join(_run_lines(evaluation, direction)).encode()
        yield f"{direction}.qrels", "".join(_qrels(evaluation, direction, counted)).encode()


def _run_lines(evaluation: Evaluation, direction: Direction) -> Iterator[str]:
    """ "query Q0 document rank score tag"; scores fall strictly, since trec_eval sorts by them alone."""
    for query in evaluation.queries(direction):
        last = np.float32(np.inf)
        for hit in evaluation.hits(direction, query.number) if query.rank else ():
            document = (evaluation.pictures[hit.picture].image_id if direction == "speech_to_image" else
                        evaluation.utterances[hit.utterance].utterance_id)
            last = min(np.float32(hit.score), np.nextafter(last, np.float32(-np.inf)))
            yield (f"{_field(query.query_id)} Q0 {_field(document)} {hit.rank} {last:.9g} "
                   f"brewclip-{evaluation.record.id}\n")


def _qrels(evaluation: Evaluation, direction: Direction, counted: "np.ndarray[tuple[int, ...], np.dtype[np.bool_]]"
           ) -> Iterator[str]:
    """ "query 0 document 1" for each right item of a query that counts."""
    asked = evaluation.ranks(direction) > 0
    for number, utterance in enumerate(evaluation.utterances):
        names = utterance.utterance_id, evaluation.pictures[utterance.picture].image_id
        query, document = map(_field, names if direction == "speech_to_image" else names[::-1])
        if counted[number] and asked[number if direction == "speech_to_image" else utterance.picture]:
            yield f"{query} 0 {document} 1\n"


def _field(name: str) -> str:
    """A name as one field: spaces and bytes that are no text become %XX, which `urllib.parse.unquote` turns back."""
    return UNSAFE.sub(lambda found: quote(found[0], errors="surrogateescape"), name) or "%"


def _embeddings(workspace: Workspace, evaluation: Evaluation, report: Report) -> Iterator[Content]:
    from core.evaluation.reopened import reopened

    opened = reopened(workspace, evaluation, report)
    pictures = [{"id": picture.image_id, "reason": picture.reason} for picture in evaluation.pictures]
    utterances = [{"id": spoken.utterance_id, "image": evaluation.pictures[spoken.picture].image_id,
                   "reason": spoken.reason} for spoken in evaluation.utterances]
    yield from _vectors(evaluation, "images", opened.images, pictures)
    yield from _vectors(evaluation, "utterances", units(opened.spoken.fused), utterances)


def _vectors(evaluation: Evaluation, name: str, vectors: Floats, rows: list[dict[str, str]]) -> Iterator[Content]:
    out = io.BytesIO()
    np.save(out, vectors, allow_pickle=False)
    yield f"{name}.npy", out.getvalue()
    setup = evaluation.record.setup
    facts: Mapping[str, Any] = {"evaluation": setup.title, "model": setup.model, "backbone": setup.backbone,
                                "shape": list(vectors.shape), "rows": rows}
    yield f"{name}.json", json.dumps(facts, indent=1).encode()


QUERY_EXPORTS = (
    QueryExport("csv", "Queries as CSV", _csv), QueryExport("parquet", "Queries as Parquet", _parquet),
    QueryExport("trec", "TREC run and qrels", _trec), QueryExport("embeddings", "Embeddings (.npy)", _embeddings))
