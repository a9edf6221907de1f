"""`brewclip evaluate` and `brewclip diagnose`: metrics of models on datasets, and why queries fail."""

import textwrap
from dataclasses import asdict
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.cli import options
from core.cli.options import count, option, output_folder
from core.cli.output import as_json, duration, table
from core.cli.parts import OK, Arguments, Command, explorer, note, progress
from core.errors import EvaluationError
from core.models.variants import BY_NAME

if TYPE_CHECKING:
    from collections.abc import Sequence

    from core.evaluation.archive import Evaluation
    from core.evaluation.failures import DiagnosisRecord
    from core.evaluation.metrics import Figure, Metrics
    from core.evaluation.records import DataChoice, EvaluationRecord, Request
    from core.evaluation.tables import ResultTable
    from core.evaluation.words import Counting
    from core.explorer import Explorer
    from core.progress import Report

ZERO_SHOT = "zero-shot"
EXPORTS = ("csv", "parquet", "trec", "embeddings")  # of core.evaluation.query_exports
COUNTINGS: "tuple[Counting, ...]" = ("ours", "authors")
TABLES, FORMATS = (1, 2, 4, 5), ("csv", "markdown", "latex")
DATA = (
    option("folders", nargs="*", type=Path, metavar="DIR", help="dataset folder; several are compared"),
    option("--split", default="test", metavar="SPLIT", help="split to evaluate on"),
    options.KIND, options.FOLLOW_LINKS,
    option("--variant", choices=tuple(BY_NAME), help="zero-shot needs no checkpoint; the others need one of theirs"),
    option("--checkpoint", type=Path, action="append", default=[], metavar="RUN",
           help="folder of a run or checkpoint; repeat to compare models"),
    options.BACKBONE,
    option("--captions", action="store_true", help="use the reference captions instead of the transcripts"),
    option("--noise", default="", metavar="LIST",
           help="noise conditions, separated by commas: clean,10,babble:0 (dB; white noise by default)"),
    option("--crop", choices=options.CROPS, action="append", default=[],
           help="image crop; repeat to compare (default: the model's)"),
    option("--drop-unreadable", action="store_true",
           help="leave out files that cannot be read, instead of counting them as misses"),
    *options.SPEECH)
EVALUATE_OPTIONS = (
    *DATA,
    option("--table", type=int, choices=TABLES, help="print a table of the paper, filled from stored evaluations"),
    option("--seeds-as-one", action="store_true",
           help="in --table and --stored: runs that differ only in the seed as one row, mean and standard deviation"),
    option("--wer", choices=(*COUNTINGS, "both"), default="both",
           help="word error rate: ours (Whisper's normaliser), as the authors count it (lower case alone), or both"),
    option("--items", type=Path, metavar="FILE",
           help="write ids and files of the split as JSON, for a program that computes --embeddings"),
    option("--embeddings", type=Path, metavar="DIR",
           help="rank vectors of another program: images.npy, utterances.npy and a .json of ids beside each"),
    option("--name", default="", metavar="MODEL", help="name of the model of --embeddings, such as SpeechCLIP-P"),
    option("--stored", action="store_true", help="list the stored evaluations"),
    option("--compare", type=int, nargs=2, metavar=("N", "M"),
           help="compare two stored evaluations of the same queries: differences with intervals and p-values"),
    option("--export", choices=EXPORTS, action="append", default=[],
           help="write all queries as a table, TREC run and qrels files, or embeddings into --out; repeatable"),
    option("--evaluation", type=int, action="append", default=[], metavar="N",
           help="stored evaluation to export, instead of a dataset folder; repeatable"),
    option("--out", type=output_folder, metavar="DIR", help="folder of --export"),
    option("--delete", type=int, action="append", default=[], metavar="N", help="delete a stored evaluation"),
    option("--format", choices=FORMATS, default="", help="format of a table (default: aligned text)"),
    options.JSON)


def _evaluate(arguments: Arguments) -> int:
    if bool(arguments.export) != bool(arguments.out) or (arguments.evaluation and not arguments.export):
        raise EvaluationError("An export needs --export and --out: the form, and the folder to write to.", "no_folder")
    if bool(arguments.embeddings) != bool(arguments.name.strip()):
        raise EvaluationError("Imported vectors need --embeddings and --name: their folder, and the model's name.",
                              "no_name")
    if arguments.embeddings and (arguments.captions or arguments.noise or arguments.checkpoint or arguments.crop
                                 or arguments.variant or arguments.backbone != "auto" or arguments.drop_unreadable):
        raise EvaluationError("--embeddings are ranked as they are: no model, crop, caption or noise can be chosen for "
                              "them. Nothing was evaluated.", "imported")
    if arguments.items:
        return _write_items(arguments)
    with explorer(options.speech_settings(arguments)) as opened, progress() as report:
        from core.evaluation import archive

        if arguments.delete:
            return _delete(opened, arguments.delete)
        if arguments.compare:
            print(_comparison(opened, arguments, report))
            return OK
        if arguments.table or arguments.stored:
            print(_tables(arguments, archive.evaluations(opened.store)))
            for evaluation_id in archive.damaged(opened.store):
                note(f"The evaluation {evaluation_id} is damaged and left out; --delete {evaluation_id} deletes it.")
            return OK
        if arguments.evaluation:
            _export(opened, arguments.evaluation, arguments, report)
            return OK
        records = (_imported(opened, arguments, report) if arguments.embeddings else
                   evaluated(opened, request_of(opened, arguments), report))
        _export(opened, [record.id for record in records], arguments, report)
        evaluations = [archive.open_evaluation(opened.store, record.id) for record in records]
    countings: tuple[Counting, ...] = COUNTINGS if arguments.wer == "both" else (arguments.wer,)
    if arguments.json:
        shown = [{**to_json(evaluation.record), **_quality_json(evaluation, countings)} for evaluation in evaluations]
        print(as_json(shown[0] if len(shown) == 1 else {"evaluations": shown}))
    else:
        print("\n\n".join(_text(evaluation, countings) for evaluation in evaluations))
    return OK


def _write_items(arguments: Arguments) -> int:
    from core.evaluation.imported import write_items

    write_items(_only_data(arguments), arguments.items)
    note(f"Written: {arguments.items}")
    return OK


def _imported(opened: "Explorer", arguments: Arguments, report: "Report") -> "list[EvaluationRecord]":
    from core.evaluation.imported import evaluate_imported

    record = evaluate_imported(opened.workspace, _only_data(arguments), arguments.embeddings, arguments.name.strip(),
                               report)
    if record.unreadable:
        note(f"{record.setup.title}: {record.unreadable} pictures or utterances have no vector; they count as misses.")
    return [record]


def _only_data(arguments: Arguments) -> "DataChoice":
    """The one split that was named. EvaluationError ("no_dataset")."""
    from core.evaluation.records import DataChoice

    if len(arguments.folders) != 1:
        raise EvaluationError("Name one dataset folder: vectors and ids are of one split.", "no_dataset")
    return DataChoice(arguments.folders[0], arguments.split, arguments.kind, arguments.follow_links)


def _export(opened: "Explorer", ids: list[int], arguments: Arguments, report: "Report") -> None:
    from core.evaluation.query_exports import export_evaluation

    for evaluation_id in ids:
        for form in arguments.export:
            for path in export_evaluation(opened.workspace, evaluation_id, form, arguments.out, report):
                note(f"Written: {path}")


def evaluated(opened: "Explorer", request: "Request", report: "Report") -> "list[EvaluationRecord]":
    """Evaluate what a request names; what could not be read is noted."""
    from core.evaluation.evaluate import evaluate

    records = evaluate(opened.workspace, request, report)
    for record in records:
        if record.unreadable:
            note(f"{record.setup.title}: {record.unreadable} pictures or recordings could not be read; they "
                 f"{'were left out' if record.setup.drop_unreadable else 'count as misses'}.")
    return records


def request_of(opened: "Explorer", arguments: Arguments) -> "Request":
    """The request of the options `DATA`. EvaluationError: no_dataset, no_checkpoint, variant."""
    from core.evaluation.records import DataChoice, Request
    from core.features.noise import CLEAN, Condition
    from core.models.spec import ModelSpec

    if not arguments.folders:
        raise EvaluationError("Name the dataset folder to evaluate on.", "no_dataset")
    if not arguments.checkpoint and arguments.variant not in (None, ZERO_SHOT):
        raise EvaluationError(f"The variant {arguments.variant} is trained: name the run with --checkpoint RUN.",
                              "no_checkpoint")
    models = tuple(ModelSpec(checkpoint=checkpoint) for checkpoint in arguments.checkpoint)
    if not models or arguments.variant == ZERO_SHOT:
        models = (ModelSpec(backbone=arguments.backbone), *models)
    _check_variant(arguments)
    conditions = tuple(map(Condition.of, arguments.noise.split(","))) if arguments.noise else (CLEAN,)
    data = tuple(DataChoice(folder, arguments.split, arguments.kind, arguments.follow_links)
                 for folder in arguments.folders)
    return Request(models, data, (arguments.captions,),
                   tuple(dict.fromkeys(conditions)), tuple(arguments.crop) or ("",), arguments.drop_unreadable)


def _check_variant(arguments: Arguments) -> None:
    """EvaluationError ("variant") when a checkpoint is of another variant than --variant."""
    from core.models import checkpoints

    for checkpoint in arguments.checkpoint if arguments.variant not in (None, ZERO_SHOT) else []:
        variant = checkpoints.read_run(checkpoints.find(checkpoint)).variant
        if variant != arguments.variant:
            raise EvaluationError(f"{checkpoint} holds a model of the variant {variant}, not {arguments.variant}.",
                                  "variant")


def _delete(opened: "Explorer", ids: list[int]) -> int:
    from core.evaluation import archive

    stored = {*(record.id for record in archive.evaluations(opened.store)), *archive.damaged(opened.store)}
    gone = [evaluation_id for evaluation_id in ids if evaluation_id not in stored]
    if gone:
        raise EvaluationError(f"There is no evaluation {gone[0]}; nothing was deleted. --stored lists them.", "gone")
    archive.delete(opened.store, ids)
    print(f"{len(ids)} deleted")
    return OK


def _comparison(opened: "Explorer", arguments: Arguments, report: "Report") -> str:
    from core.evaluation import archive
    from core.evaluation.metrics import NO_INTERVAL
    from core.evaluation.paired import NOT_CORRECTED, compare
    from core.evaluation.records import DIRECTION_TITLES

    first, second = (archive.open_evaluation(opened.store, number) for number in arguments.compare)
    comparison = compare(first, second, report=report)
    if arguments.json:
        return as_json({
            "first": {"evaluation": first.record.id, "title": first.record.setup.title},
            "second": {"evaluation": second.record.id, "title": second.record.setup.title},
            "pictures": comparison.pictures, **{direction: [{
                "figure": each.name, "first": each.first, "second": each.second,
                "difference": each.difference.value, "p": each.p if isfinite(each.p) else None,
                "interval": [each.difference.low, each.difference.high] if each.difference.has_interval else None,
                "better": (None, first.record.id, second.record.id)[each.better]} for each in differences]
                for direction, differences in comparison.differences.items()}})
    parts = [f"first: {first.record.setup.title} (evaluation {first.record.id})\n"
             f"second: {second.record.setup.title} (evaluation {second.record.id})"]
    heads = ("", "first", "second", "second - first", "95 % interval", "p", "")
    outcomes = ("no difference shown", f"{first.record.id} is better", f"{second.record.id} is better")
    for direction, differences in comparison.differences.items():
        rows = [(each.name.replace("_", " "), f"{each.first:.1f}", f"{each.second:.1f}",
                 f"{each.difference.value:+.1f}", each.interval_text, each.p_text, outcomes[each.better])
                for each in differences]
        parts.append(f"{DIRECTION_TITLES[direction]}\n{table(rows, heads, right=(1, 2, 3, 4, 5))}")
    whole = comparison.differences["speech_to_image"][0].difference.has_interval
    return "\n\n".join([*parts, NOT_CORRECTED if whole else NO_INTERVAL])


def _tables(arguments: Arguments, records: "list[EvaluationRecord]") -> str:
    from core.evaluation import table_formats, tables

    as_one = arguments.seeds_as_one
    if arguments.json and not arguments.table and not as_one:
        return as_json([to_json(record) for record in records])
    made = tables.fill(arguments.table, records, as_one) if arguments.table else tables.metrics_table(records, as_one)
    if arguments.json:
        return as_json({"title": made.title, "about": made.about, "published": made.published, "ours": made.ours,
                        "rows": [asdict(row) for row in made.rows]})
    if arguments.format:
        return table_formats.export(made, arguments.format).rstrip("\n")
    if as_one and not arguments.table:
        return _over_seeds(made)
    if not arguments.table:
        heads = ("", "evaluation", "speech to image R@1/5/10", "image to speech R@1/5/10", "WER", "pictures")
        rows = [_row(record) for record in records]
        return table(rows, heads, right=(0, 4, 5)) if rows else "There are no stored evaluations."
    return _compact(made)


def _over_seeds(made: "ResultTable") -> str:
    """Recalls, nDCG and MRR of evaluations, one line for each that stands for all its seeds."""
    from core.evaluation.table_formats import figure_cells

    wanted = [place for place, name in enumerate(made.ours) if not name.endswith(" rank")]
    heads = ("evaluation", *(made.ours[place].replace("Speech to image", "s2i").replace("Image to speech", "i2s")
                             for place in wanted))
    rows = [(row.labels[0], *(f"{cells[place].value} {cells[place].beside if row.spreads[place] else ''}".rstrip()
                              for place in wanted)) for row, cells in zip(made.rows, figure_cells(made), strict=True)]
    return (f"{made.about} s2i: speech to image, i2s: image to speech.\n{table(rows, heads)}" if rows else
            "There are no stored evaluations.")


def _compact(made: "ResultTable") -> str:
    """A table of the paper that fits a terminal: the recalls of one direction in one column."""
    size = 3 if len(made.published) == 6 else 1
    groups = [(f"{name.split(' R@')[0]}{', unseen' if 'unseen' in name else ''} ({whose})", offset + start)
              for names, whose, offset in ((made.published, "paper", 0), (made.ours, "ours", len(made.published)))
              for start, name in list(enumerate(names))[::size]]
    rows = []
    for row in made.rows:
        figures = [*row.published, *row.ours]
        spreads = [*(None for _ in row.published), *(row.spreads or (None for _ in row.ours))]
        texts = ["-" if figure is None else f"{figure:.1f}" + ("" if spread is None else f" ± {spread:.1f}")
                 for figure, spread in zip(figures, spreads, strict=True)]
        cells = [" / ".join(texts[start:start + size]) for _, start in groups]
        model = f"{row.model}, {row.images} pictures" if row.evaluation_id is not None else ""
        if row.differs:
            model += f" ({row.note.split(';')[0]})"
        rows.append((*row.labels, *("-" if set(cell) <= set("-/ ") else cell for cell in cells), model))
    recalls = "R@1 / R@5 / R@10" if size == 3 else "R@5"
    return (f"{textwrap.fill(f'{made.title}. {made.about} {recalls} in percent.', 120)}\n"
            f"{table(rows, (*made.labels, *(name for name, _ in groups), 'our model'))}")


def _row(record: "EvaluationRecord") -> tuple[str, ...]:
    return (str(record.id), record.setup.title, _recalls(record.speech_to_image), _recalls(record.image_to_speech),
            f"{100 * record.words.rate:.1f} %" if record.words else "", str(record.n_images))


def _recalls(metrics: "Metrics") -> str:
    return " / ".join(f"{metrics[f'R@{at}'].value:.1f}" for at in (1, 5, 10))


def to_json(record: "EvaluationRecord") -> dict[str, Any]:
    """An evaluation as options.JSON: recall in percent, WER as a share."""
    setup, unseen = record.setup, record.unseen
    return {
        "speech_to_image": record.speech_to_image.to_json(), "image_to_speech": record.image_to_speech.to_json(),
        "wer": round(record.words.rate, 4) if record.words else None, "n_images": record.n_images,
        "n_utterances": record.n_utterances, "unreadable": record.unreadable, "nothing_heard": record.nothing_heard,
        "unseen": {"speech_to_image": unseen.speech_to_image.to_json(),
                   "image_to_speech": unseen.image_to_speech.to_json(), "n_images": unseen.images} if unseen else None,
        "unseen_note": record.unseen_note, "evaluation": record.id, "created": record.created.isoformat(),
        "seconds": record.seconds, "dataset": str(setup.folder), "split": setup.split, "variant": setup.variant,
        "model": setup.model, "checkpoint": str(setup.checkpoint) if setup.checkpoint else None,
        "backbone": setup.backbone, "recogniser": setup.whisper, "crop": setup.crop,
        "condition": str(setup.condition), "captions": setup.captions, "drop_unreadable": setup.drop_unreadable}


def _quality_json(evaluation: "Evaluation", countings: "Sequence[Counting]") -> dict[str, Any]:
    """Cost of transcription errors: hits over WER (fit and bins), by speaker and by length; `wer_authors`."""
    from core.evaluation import quality
    from core.evaluation.ranks import AT as LEVELS

    fits = {counting: [quality.fit(evaluation, at, counting) for at in LEVELS] for counting in countings}
    curves = {"hit_on_wer" if counting == "ours" else "hit_on_wer_authors": {
        f"R@{fit.at}": {"slope_per_0.1": _slope_json(fit.slope), "note": fit.note,
                        "bins": [asdict(group) for group in fit.bins]} for fit in fits[counting]}
        for counting in countings}
    errors = quality.authors_words(evaluation) if "authors" in countings else None
    return {**({"wer_authors": round(errors.rate, 4)} if errors else {}), "quality": {
        **curves, "by_speaker": [asdict(group) for group in quality.by_speaker(evaluation)],
        "by_length": [asdict(group) for group in quality.by_length(evaluation)]}}


def _slope_json(slope: "Figure | None") -> dict[str, float] | None:
    if slope is None:
        return None
    return asdict(slope) if slope.has_interval else {"value": slope.value}


def _text(evaluation: "Evaluation", countings: "Sequence[Counting]") -> str:
    from core.evaluation import quality
    from core.evaluation.metrics import NAMES, NO_INTERVAL
    from core.evaluation.records import DIRECTION_TITLES, DIRECTIONS

    record = evaluation.record
    rows = [(name.replace("_", " "), *(_metric_text(record.metrics(direction), name) for direction in DIRECTIONS))
            for name in NAMES]
    rates = {"ours": record.words, "authors": quality.authors_words(evaluation) if "authors" in countings else None}
    errors = "".join(f"WER{' as the authors count it' if counting == 'authors' else ''} {100 * words.rate:.1f} %; "
                     for counting in countings if (words := rates[counting]))
    intervals = ("95 % intervals over pictures in brackets." if record.speech_to_image["R@1"].has_interval else
                 NO_INTERVAL)
    heard = "" if record.setup.is_imported else f", no speech in {record.nothing_heard}"
    return (f"{record.setup.title} (evaluation {record.id})\n"
            f"{table(rows, ('', *(title.lower() for title in DIRECTION_TITLES.values())))}\n"
            f"{errors}{record.n_images} pictures, {record.n_utterances} utterances{heard}; "
            f"{duration(record.seconds)}. {intervals}")


def _metric_text(metrics: "Metrics", name: str) -> str:
    figure = metrics[name]
    if not isfinite(figure.value):
        return "-"
    return f"{figure.value:.1f} [{figure.low:.1f}, {figure.high:.1f}]" if figure.has_interval else f"{figure.value:.1f}"


# ---- diagnose

DIAGNOSE_OPTIONS = (
    *DATA,
    option("--evaluation", type=int, metavar="N", help="stored evaluation, instead of a dataset folder"),
    option("--at", type=count, default=10, metavar="K", help="a miss is not among the first K"),
    option("--out", type=output_folder, metavar="DIR", help="write failures.csv, failures.json and the pictures here"),
    options.JSON)


def _diagnose(arguments: Arguments) -> int:
    if bool(arguments.folders) == (arguments.evaluation is not None):
        raise EvaluationError("Name what to diagnose: a dataset folder, or --evaluation N.", "no_dataset")
    with explorer(options.speech_settings(arguments)) as opened, progress() as report:
        from core.evaluation import archive, exports
        from core.evaluation.diagnosis import diagnose

        request = request_of(opened, arguments) if arguments.folders else None
        if arguments.out and request and len(request) > 1:
            raise EvaluationError("Misses of several evaluations cannot share a folder: give one dataset, model, crop "
                                  "and condition.", "several")
        ids = [record.id for record in evaluated(opened, request, report)] if request else [arguments.evaluation]
        diagnoses = [(archive.open_evaluation(opened.store, evaluation_id),
                      diagnose(opened.workspace, evaluation_id, arguments.at, report)) for evaluation_id in ids]
        if arguments.out:
            written = exports.export_failures(opened.store, ids[0], arguments.at, arguments.out, report)
            note(f"{written} failures are in {arguments.out}.")
    if arguments.json:
        shown = [_diagnosis_json(*pair) for pair in diagnoses]
        print(as_json(shown[0] if len(shown) == 1 else {"diagnoses": shown}))
    else:
        print("\n\n".join(_diagnosis_text(*pair) for pair in diagnoses))
    return OK


def _diagnosis_json(evaluation: Any, record: "DiagnosisRecord") -> dict[str, Any]:
    from core.evaluation.exports import entry_of
    from core.evaluation.failures import counts
    from core.evaluation.records import DIRECTIONS

    failures = [{**entry_of(evaluation, evaluation.queries(diagnosis.direction)[diagnosis.number]),
                 "kind": diagnosis.kind,
                 "kinds": list(diagnosis.kinds), "then": diagnosis.then, "gain": diagnosis.gain,
                 "again": {retry.change: {"rank": retry.rank, "why": retry.why} for retry in diagnosis.again}}
                for diagnosis in record.diagnoses]
    return {"evaluation": record.evaluation_id, "title": evaluation.record.setup.title, "at": record.at,
            "counts": {direction: counts(diagnosis for diagnosis in record.diagnoses
                                         if diagnosis.direction == direction) for direction in DIRECTIONS},
            "failures": failures, "note": record.note}


def _diagnosis_text(evaluation: Any, record: "DiagnosisRecord") -> str:
    from core.evaluation.failures import CHANGES, KINDS, counts
    from core.evaluation.records import DIRECTION_TITLES, DIRECTIONS

    by_direction = [[diagnosis for diagnosis in record.diagnoses if diagnosis.direction == direction]
                    for direction in DIRECTIONS]
    of_kind = [counts(diagnoses) for diagnoses in by_direction]
    kinds = [(kind.title, *(str(numbers[kind.key]) for numbers in of_kind), kind.about) for kind in KINDS]
    changes = [(change.title, *(f"{_recovered(diagnoses, change.key, record.at)}" for diagnoses in by_direction))
               for change in CHANGES]
    directions = tuple(DIRECTION_TITLES[direction].lower() for direction in DIRECTIONS)
    lines = [f"{evaluation.record.setup.title} (evaluation {record.evaluation_id}): beyond the first {record.at} are "
             + ", ".join(f"{len(diagnoses)} of {evaluation.record.metrics(direction).queries} "
                         f"{DIRECTION_TITLES[direction].lower()}"
                         for direction, diagnoses in zip(DIRECTIONS, by_direction, strict=True)),
             table(kinds, ("kind", *directions, ""), right=(1, 2)), "",
             table(changes, ("brought back, of those it applies to", *directions), right=(1, 2))]
    return "\n".join([*lines, *([record.note] if record.note else [])])


def _recovered(diagnoses: Any, change: str, at: int) -> str:
    tried = [again.rank for diagnosis in diagnoses for again in diagnosis.again
             if again.change == change and again.rank]
    return f"{sum(rank <= at for rank in tried)} of {len(tried)}"


EVALUATE = Command("evaluate", "measure recall and word error rate on a dataset", EVALUATE_OPTIONS, _evaluate,
                   details="Results are stored, and fill the tables of the paper.")
DIAGNOSE = Command("diagnose", "explain misses: rank each again with one thing changed", DIAGNOSE_OPTIONS, _diagnose)
