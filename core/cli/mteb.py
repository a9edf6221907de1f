"""`brewclip mteb`: models on MTEB's tasks between recordings and pictures."""

from pathlib import Path
from typing import TYPE_CHECKING

from core.cli import options
from core.cli.options import count, option, output_folder
from core.cli.output import as_json, table
from core.cli.parts import OK, Arguments, Command, explorer, note, progress
from core.errors import EvaluationError

if TYPE_CHECKING:
    from core.evaluation.mteb_runs import MtebResult

OPTIONS = (
    option("--tasks", default="", metavar="LIST", help="names of MTEB's tasks, separated by commas (default: Flickr "
           "audio, SpokenCOCO and SpeechCoco, both ways)"),
    option("--list", action="store_true", help="list the tasks of the installed MTEB between recordings and pictures"),
    option("--data", type=Path, metavar="DIR", help="dataset folder to make both tasks of, in place of MTEB's"),
    option("--split", default="test", metavar="SPLIT", help="split of --data"),
    options.KIND, options.FOLLOW_LINKS,
    option("--checkpoint", type=Path, metavar="RUN", help="folder of a run or checkpoint (default: zero-shot)"),
    options.BACKBONE,
    option("--crop", choices=options.CROPS, default="", help="image crop (default: the model's)"),
    option("--limit", type=count, default=None, metavar="N",
           help="first N queries alone, with the documents that fit them: for a trial, not comparable"),
    option("--out", type=output_folder, default=Path("mteb-results"), metavar="DIR", help="folder of MTEB's results"),
    *options.SPEECH, options.JSON)


def _mteb(arguments: Arguments) -> int:
    from core.evaluation import mteb_runs

    mteb_runs.check_installed()
    from core.evaluation import mteb_tasks

    if arguments.list:
        print(as_json(mteb_tasks.available()) if arguments.json else "\n".join(mteb_tasks.available()))
        return OK
    if arguments.data and arguments.tasks:
        raise EvaluationError("--tasks are MTEB's own, and --data makes tasks of a folder: choose one of them.",
                              "two_sources")
    from core import datasets
    from core.models.spec import ModelSpec

    names = tuple(filter(None, (name.strip() for name in arguments.tasks.split(","))))
    with explorer(options.speech_settings(arguments)) as opened, progress() as report:
        tasks = (mteb_tasks.local(datasets.load(arguments.data, arguments.kind, report, arguments.follow_links),
                                  arguments.split)
                 if arguments.data else mteb_tasks.published(names or mteb_tasks.NAMES))
        results = mteb_runs.run(opened.workspace, ModelSpec(arguments.backbone, arguments.checkpoint, arguments.crop),
                                tasks, arguments.out, arguments.limit or 0, report)
    _print(results, arguments)
    return OK


def _print(results: "list[MtebResult]", arguments: Arguments) -> None:
    if arguments.json:
        print(as_json([{"task": result.task, "split": result.split, "unreadable": result.unreadable,
                        "path": str(result.path), **result.figures} for result in results]))
    else:
        rows = [(result.task, result.split, *(f"{100 * result.figures[f'hit_rate_at_{k}']:.1f}" for k in (1, 5, 10)),
                 f"{100 * result.figures['ndcg_at_10']:.1f}", str(result.unreadable)) for result in results]
        print(table(rows, ("task", "split", "R@1", "R@5", "R@10", "nDCG@10", "unreadable"), right=(2, 3, 4, 5, 6)))
    for result in results:
        note(f"Written: {result.path}")
    if arguments.limit:
        note(f"Limited to {arguments.limit} queries: these figures are not comparable with others.")


MTEB = Command("mteb", "evaluate on MTEB's tasks between recordings and pictures", OPTIONS, _mteb,
               details="R@K counts a query whose first K hits hold one that fits, as `evaluate` does.")
