"""`brewclip evaluate` and `brewclip diagnose`: figures of models on datasets, and why queries failed."""

import argparse
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.cli.output import as_json, duration, table
from core.cli.parts import CROPS, OK, Arguments, Command, explorer, json_argument, links_argument, note, progress
from core.errors import EvaluationError
from core.models.variants import BY_NAME

if TYPE_CHECKING:
    from core.evaluation.failures import DiagnosisRecord
    from core.evaluation.metrics import Metrics
    from core.evaluation.records import EvaluationRecord, Request
    from core.evaluation.tables import ResultTable
    from core.explorer import Explorer
    from core.progress import Report

ZERO_SHOT = "zero-shot"
TABLES, FORMATS = (1, 2, 4, 5), ("csv", "markdown", "latex")
AT = 10


def _data_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folders", nargs="*", type=Path, metavar="DIR", help="a dataset's folder; several to compare")
    parser.add_argument("--split", default="test", help="evaluated on (test)")
    parser.add_argument("--kind", default="", help="of the dataset, where the folder could be of several")
    links_argument(parser)
    parser.add_argument("--variant", choices=tuple(BY_NAME), default=None,
                        help="zero-shot needs nothing more, the others a checkpoint of theirs")
    parser.add_argument("--checkpoint", type=Path, action="append", default=[], metavar="RUN",
                        help="folder of a run or checkpoint; once for each model to compare")
    parser.add_argument("--backbone", default="auto", metavar="NAME", help="for zero-shot, as `brewclip weights list`")
    parser.add_argument("--captions", action="store_true", help="give the captions in place of what was heard")
    parser.add_argument("--noise", default="", metavar="LIST",
                        help="conditions with commas between, as in clean,10,babble:0 (dB; white unless told)")
    parser.add_argument("--crop", choices=CROPS, action="append", default=[],
                        help="in place of the model's own; once for each to compare")
    parser.add_argument("--drop-unreadable", action="store_true",
                        help="leave out what cannot be read; else it counts as missed")


def _evaluate_arguments(parser: argparse.ArgumentParser) -> None:
    _data_arguments(parser)
    parser.add_argument("--table", type=int, choices=TABLES, help="print a table of the paper with stored evaluations")
    parser.add_argument("--stored", action="store_true", help="print all stored evaluations")
    parser.add_argument("--delete", type=int, action="append", default=[], metavar="N", help="delete a stored one")
    parser.add_argument("--format", choices=FORMATS, default="", help="of a table (aligned text unless told)")
    json_argument(parser)


def _evaluate(arguments: Arguments) -> int:
    with explorer() as opened, progress() as report:
        from core.evaluation import archive

        if arguments.delete:
            return _deleted(opened, arguments.delete)
        if arguments.table or arguments.stored:
            print(_tables(arguments, archive.evaluations(opened.store)))
            for each in archive.damaged(opened.store):
                note(f"The evaluation {each} is damaged and left out; --delete {each} deletes it.")
            return OK
        found = _evaluated(opened, arguments, report)
        quality = [_quality_json(opened, each.id) for each in found] if arguments.json else []
    if arguments.json:
        shown = [{**to_json(each), "quality": one} for each, one in zip(found, quality, strict=True)]
        print(as_json(shown[0] if len(shown) == 1 else {"evaluations": shown}))
    else:
        print("\n\n".join(_text(each) for each in found))
    return OK


def _evaluated(opened: "Explorer", arguments: Arguments, report: "Report") -> "list[EvaluationRecord]":
    from core.evaluation.evaluate import evaluate

    request = _request(opened, arguments)
    found = evaluate(opened, request, report)
    for each in found:
        if each.unreadable:
            note(f"{each.setup.title}: {each.unreadable} pictures or recordings could not be read; they "
                 f"{'were left out' if each.setup.drop_unreadable else 'count as missed'}.")
    return found


def _request(opened: "Explorer", arguments: Arguments) -> "Request":
    from core.evaluation.records import DataChoice, ModelChoice, Request
    from core.features.noise import CLEAN, Condition

    if not arguments.folders:
        raise EvaluationError("Say which dataset to evaluate on: its folder.", "no_dataset")
    if not arguments.checkpoint and arguments.variant not in (None, ZERO_SHOT):
        raise EvaluationError(f"The variant {arguments.variant} is trained: name the run with --checkpoint RUN.",
                              "no_checkpoint")
    models = tuple(ModelChoice(checkpoint=each) for each in arguments.checkpoint)
    if not models or arguments.variant == ZERO_SHOT:
        models = (ModelChoice(backbone=arguments.backbone), *models)
    _check_variant(arguments)
    conditions = tuple(Condition.of(each) for each in arguments.noise.split(",")) if arguments.noise else (CLEAN,)
    data = tuple(DataChoice(each, arguments.split, arguments.kind, arguments.follow_links)
                 for each in arguments.folders)
    return Request(models, data, (arguments.captions,),
                   tuple(dict.fromkeys(conditions)), tuple(arguments.crop) or ("",), arguments.drop_unreadable)


def _check_variant(arguments: Arguments) -> None:
    """EvaluationError ("variant") when a checkpoint is of another variant than the one that was asked for."""
    from core.models import checkpoints

    for each in arguments.checkpoint if arguments.variant not in (None, ZERO_SHOT) else []:
        found = checkpoints.read_run(checkpoints.find(each)).variant
        if found != arguments.variant:
            raise EvaluationError(f"{each} holds a model of the variant {found}, not {arguments.variant}.", "variant")


def _deleted(opened: "Explorer", ids: list[int]) -> int:
    from core.evaluation import archive

    known = {*(each.id for each in archive.evaluations(opened.store)), *archive.damaged(opened.store)}
    gone = [each for each in ids if each not in known]
    if gone:
        raise EvaluationError(f"There is no evaluation {gone[0]}; nothing was deleted. --stored lists them.", "gone")
    archive.delete(opened.store, ids)
    print(f"{len(ids)} deleted")
    return OK


def _tables(arguments: Arguments, records: "list[EvaluationRecord]") -> str:
    from core.evaluation import tables

    if arguments.json and not arguments.table:
        return as_json([to_json(each) for each in records])
    made = tables.fill(arguments.table, records) if arguments.table else tables.metrics_table(records)
    if arguments.json:
        return as_json({"title": made.title, "about": made.about, "published": made.published, "ours": made.ours,
                        "rows": [asdict(row) for row in made.rows]})
    if arguments.format:
        return tables.export(made, arguments.format).rstrip("\n")
    if not arguments.table:
        return table([_row(each) for each in records], ("", "evaluation", "speech to image R@1/5/10",
                     "image to speech R@1/5/10", "WER", "pictures"), right=(0, 4, 5)) if records else "None is stored."
    return _compact(made)


def _compact(made: "ResultTable") -> str:
    """A table of the paper within a terminal's width: the recalls of one direction in one column."""
    size = 3 if len(made.published) == 6 else 1
    groups = [(f"{name.split(' R@')[0]}{', unseen' if 'unseen' in name else ''} ({whose})", offset + start)
              for names, whose, offset in ((made.published, "paper", 0), (made.ours, "ours", len(made.published)))
              for start, name in list(enumerate(names))[::size]]
    rows = []
    for row in made.rows:
        figures = [*row.published, *row.ours]
        cells = [" / ".join("-" if each is None else f"{each:.1f}" for each in figures[start:start + size])
                 for _, start in groups]
        model = f"{row.model}, {row.images} pictures" if row.evaluation_id is not None else ""
        if row.differs:
            model += f" ({row.note.split(';')[0]})"
        rows.append((*row.labels, *("-" if set(cell) <= set("-/ ") else cell for cell in cells), model))
    recalls = "R@1 / R@5 / R@10" if size == 3 else "R@5"
    return (f"{made.title}. {made.about} {recalls} in percent.\n"
            f"{table(rows, (*made.labels, *(name for name, _ in groups), 'our model'))}")


def _row(record: "EvaluationRecord") -> tuple[str, ...]:
    return (str(record.id), record.setup.title, _recalls(record.speech_to_image), _recalls(record.image_to_speech),
            f"{100 * record.words.rate:.1f} %" if record.words else "", str(record.n_images))


def _recalls(metrics: "Metrics") -> str:
    return " / ".join(f"{metrics[f'R@{at}'].value:.1f}" for at in (1, 5, 10))


def to_json(record: "EvaluationRecord") -> dict[str, Any]:
    """An evaluation for programs; recall and WER: recall in percent, WER as a share."""
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


def _quality_json(opened: "Explorer", evaluation_id: int) -> dict[str, Any]:
    """What transcription costs: hits over WER (fit and bins), and groups of speakers and lengths."""
    from core.evaluation import archive, quality
    from core.evaluation.ranks import AT as LEVELS

    evaluation = archive.open_evaluation(opened.store, evaluation_id)
    fits = [quality.fit(evaluation, at) for at in LEVELS]
    return {"hit_on_wer": {f"R@{fit.at}": {"slope_per_0.1": asdict(fit.slope) if fit.slope else None, "note": fit.note,
                                           "bins": [asdict(each) for each in fit.bins]} for fit in fits},
            "by_speaker": [asdict(each) for each in quality.by_speaker(evaluation)],
            "by_length": [asdict(each) for each in quality.by_length(evaluation)]}


def _text(record: "EvaluationRecord") -> str:
    from core.evaluation.metrics import NO_INTERVAL

    names = tuple(record.speech_to_image.figures)
    rows = [(title, *(_figure(metrics, name) for name in names))
            for title, metrics in (("speech to image", record.speech_to_image),
                                   ("image to speech", record.image_to_speech))]
    errors = f"WER {100 * record.words.rate:.1f} %; " if record.words else ""
    intervals = ("In brackets 95 % intervals over pictures." if record.speech_to_image["R@1"].has_interval else
                 NO_INTERVAL)
    return (f"{record.setup.title} (evaluation {record.id})\n"
            f"{table(rows, ('', *(name.replace('_', ' ') for name in names)))}\n"
            f"{errors}{record.n_images} pictures, {record.n_utterances} utterances, nothing heard in "
            f"{record.nothing_heard}; {duration(record.seconds)}. {intervals}")


def _figure(metrics: "Metrics", name: str) -> str:
    one = metrics[name]
    return f"{one.value:.1f} [{one.low:.1f}, {one.high:.1f}]" if one.has_interval else f"{one.value:.1f}"


# ---- diagnose

def _diagnose_arguments(parser: argparse.ArgumentParser) -> None:
    _data_arguments(parser)
    parser.add_argument("--evaluation", type=int, metavar="N", help="a stored one, in place of a dataset's folder")
    parser.add_argument("--at", type=int, default=AT, metavar="K",
                        help=f"a failure is what is not among the first K ({AT})")
    parser.add_argument("--out", type=Path, metavar="DIR",
                        help="write failures.csv, failures.json and the pictures into this folder")
    json_argument(parser)


def _diagnose(arguments: Arguments) -> int:
    if bool(arguments.folders) == (arguments.evaluation is not None):
        raise EvaluationError("Say what to diagnose: a dataset's folder, or --evaluation N.", "no_dataset")
    with explorer() as opened, progress() as report:
        from core.evaluation import archive, exports
        from core.evaluation.diagnosis import diagnose

        ids = ([arguments.evaluation] if arguments.evaluation is not None else
               [each.id for each in _evaluated(opened, arguments, report)])
        if arguments.out and len(ids) > 1:
            raise EvaluationError("Failures of several evaluations do not go into one folder: give one model, crop "
                                  "and condition.", "several")
        found = [(archive.open_evaluation(opened.store, each), diagnose(opened, each, arguments.at, report))
                 for each in ids]
        if arguments.out:
            written = exports.export_failures(opened.store, ids[0], arguments.at, arguments.out, report)
            note(f"{written} failures are in {arguments.out}.")
    if arguments.json:
        shown = [_diagnosis_json(*each) for each in found]
        print(as_json(shown[0] if len(shown) == 1 else {"diagnoses": shown}))
    else:
        print("\n\n".join(_diagnosis_text(*each) for each in found))
    return OK


def _diagnosis_json(evaluation: Any, found: "DiagnosisRecord") -> dict[str, Any]:
    from core.evaluation.exports import entry_of
    from core.evaluation.failures import counts
    from core.evaluation.records import WAYS

    failures = [{**entry_of(evaluation, evaluation.queries(each.way)[each.number]), "kind": each.kind,
                 "kinds": list(each.kinds), "then": each.then, "gain": each.gain,
                 "again": {one.change: {"rank": one.rank, "why": one.why} for one in each.again}}
                for each in found.found]
    return {"evaluation": found.evaluation_id, "title": evaluation.record.setup.title, "at": found.at,
            "counts": {way: counts(each for each in found.found if each.way == way) for way in WAYS},
            "failures": failures, "note": found.note}


def _diagnosis_text(evaluation: Any, found: "DiagnosisRecord") -> str:
    from core.evaluation.failures import CHANGES, KINDS, counts
    from core.evaluation.records import WAY_TITLES, WAYS

    by_way = {way: [each for each in found.found if each.way == way] for way in WAYS}
    of_kind = {way: counts(by_way[way]) for way in WAYS}
    kinds = [(kind.title, *(str(of_kind[way][kind.key]) for way in WAYS), kind.about) for kind in KINDS]
    changes = [(change.title, *(f"{_back(by_way[way], change.key, found.at)}" for way in WAYS)) for change in CHANGES]
    ways = tuple(WAY_TITLES[way].lower() for way in WAYS)
    lines = [f"{evaluation.record.setup.title} (evaluation {found.evaluation_id}): beyond the first {found.at} are "
             + ", ".join(f"{len(by_way[way])} of {evaluation.record.metrics(way).queries} {WAY_TITLES[way].lower()}"
                         for way in WAYS),
             table(kinds, ("kind", *ways, ""), right=(1, 2)), "",
             table(changes, ("brought back, of those it applies to", *ways), right=(1, 2))]
    return "\n".join([*lines, *([found.note] if found.note else [])])


def _back(diagnoses: Any, change: str, at: int) -> str:
    tried = [again.rank for each in diagnoses for again in each.again if again.change == change and again.rank]
    return f"{sum(rank <= at for rank in tried)} of {len(tried)}"


EVALUATE = Command("evaluate", "recall both ways and word errors of models on a dataset, kept and as tables",
                   _evaluate_arguments, _evaluate)
DIAGNOSE = Command("diagnose", "why queries fail: each failure ranked again with one thing changed",
                   _diagnose_arguments, _diagnose)
