"""`--engine ray`: what commands share that can have a cluster work for them; and `brewclip prepare`."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.cli.output import as_json, size, table
from core.cli.parts import (
    OK,
    ONE_LOOK,
    Arguments,
    Command,
    count,
    explorer,
    json_argument,
    links_argument,
    note,
    progress,
)
from core.errors import ClusterError

if TYPE_CHECKING:
    from core.cluster.batches import WorkerShare
    from core.cluster.connection import ClusterOptions

ENGINES = ("local", "ray")


def add_engine(parser: argparse.ArgumentParser) -> None:
    """Have the command take where the work is done."""
    group = parser.add_argument_group("a cluster")
    group.add_argument("--engine", choices=ENGINES, default="local", help="who works: this process, or Ray's workers")
    group.add_argument("--address", default="", metavar="HOST:PORT",
                       help="of a Ray cluster; without it workers of this machine's own are started, and ended")
    group.add_argument("--workers", type=count, default=0, metavar="N", help="as many as fit unless told")
    group.add_argument("--cpus-per-worker", type=_share, default=1.0, metavar="F", help="1 unless told")
    group.add_argument("--gpus-per-worker", type=_share, default=0.0, metavar="F",
                       help="a fraction lets several workers share a GPU (0)")


def _share(text: str) -> float:
    """An argument that is a number from 0. ValueError, which argparse explains."""
    value = float(text)
    if not 0 <= value < float("inf"):
        raise ValueError(text)
    return value


def by_cluster(arguments: Arguments) -> bool:
    """Whether Ray's workers are to do it. ClusterError ("options") when only a cluster makes sense of what is given."""
    given = [flag for flag, value in (("--address", arguments.address), ("--workers", arguments.workers),
                                      ("--gpus-per-worker", arguments.gpus_per_worker)) if value]
    if arguments.engine == "local" and given:
        raise ClusterError(f"{' and '.join(given)} is for a cluster: add --engine ray, or leave it out.", "options")
    return bool(arguments.engine == "ray")


def options_of(arguments: Arguments) -> "ClusterOptions":
    """The options of the cluster that the command line gives. ClusterError ("options")."""
    from core.cluster.connection import ClusterOptions

    if not arguments.cpus_per_worker and not arguments.gpus_per_worker:
        raise ClusterError("A worker needs a share of a CPU or of a GPU: --cpus-per-worker, --gpus-per-worker.",
                           "options")
    return ClusterOptions(arguments.address, arguments.workers, arguments.cpus_per_worker, arguments.gpus_per_worker)


def shares_json(shares: "Sequence[WorkerShare]") -> list[dict[str, Any]]:
    """What each worker did, for programs."""
    return [{"worker": one.worker, "machine": one.machine, "process": one.process, "items": one.items,
             "seconds": round(one.seconds, 3), "died": one.died} for one in shares]


def shares_text(shares: "Sequence[WorkerShare]", noun: str) -> str:
    """What each worker did, as a table."""
    rows = [(str(one.worker), one.machine, str(one.process), str(one.items), f"{one.rate:.1f}",
             "it died" if one.died else "") for one in shares]
    return table(rows, ("worker", "machine", "process", noun, "a second", ""), right=(0, 2, 3, 4)) if rows else ""


def _prepare_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", type=Path, metavar="DIR", help="the dataset's folder")
    parser.add_argument("--kind", default="", help="of the dataset, where the folder could be of several")
    parser.add_argument("--split", action="append", default=[], metavar="S", help="may be given again (all with pairs)")
    parser.add_argument("--backbone", default="auto", metavar="NAME", help="as `brewclip weights list` names it")
    parser.add_argument("--crop", choices=ONE_LOOK, default="centre", help="what of a picture is seen (centre)")
    parser.add_argument("--noise", default="", metavar="N", help="also under noise, such as 10,babble:5 (dB)")
    parser.add_argument("--no-states", action="store_true", help="words alone, for variants without an acoustic branch")
    parser.add_argument("--max-cache-gb", type=_share, default=100.0, metavar="GB", help="refuse to write more (100)")
    links_argument(parser)
    add_engine(parser)
    json_argument(parser)


def _prepare(arguments: Arguments) -> int:
    options = options_of(arguments) if by_cluster(arguments) else None
    from core.cluster.preparing import Preparation, PrepareRecipe

    recipe = PrepareRecipe(arguments.folder.absolute(), arguments.kind, tuple(arguments.split), arguments.backbone,
                           arguments.crop, arguments.noise, not arguments.no_states, arguments.max_cache_gb,
                           arguments.follow_links)
    with explorer() as opened, progress() as report:
        preparation = Preparation(opened, recipe, report)
        cost = preparation.cost()
        preparation.check(cost)
        note(f"{', '.join(preparation.splits)}: {cost.recordings} recordings to hear, caches grow by "
             f"{size(cost.nbytes)}.")
        done = preparation.run(options, report)
    if arguments.json:
        print(as_json({"splits": preparation.splits, "recordings": done.heard, "pictures": done.seen,
                       "unreadable": [{"path": path, "reason": reason} for path, reason in done.unreadable],
                       "workers": shares_json(done.workers)}))
        return OK
    print(f"{done.heard} recordings heard, {done.seen} pictures seen; the rest was there.")
    if done.unreadable:
        print(table(list(done.unreadable)))
    if done.workers:
        print(shares_text(done.workers, "files"))
    return OK


PREPARE = Command("prepare", "hear and see a dataset ahead of training, here or by a cluster", _prepare_arguments,
                  _prepare)
