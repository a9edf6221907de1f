"""`--engine ray`: what commands share that can have a cluster work for them; and `brewclip prepare`."""

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from core.cli.output import table
from core.cli.parts import Arguments, count
from core.errors import ClusterError

if TYPE_CHECKING:
    from core.cluster.connection import ClusterOptions
    from core.cluster.pool import Share

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


def shares_json(shares: "Sequence[Share]") -> list[dict[str, Any]]:
    """What each worker did, for programs."""
    return [{"worker": one.worker, "machine": one.machine, "process": one.process, "items": one.items,
             "seconds": round(one.seconds, 3), "died": one.died} for one in shares]


def shares_text(shares: "Sequence[Share]", noun: str) -> str:
    """What each worker did, as a table."""
    rows = [(str(one.worker), one.machine, str(one.process), str(one.items), f"{one.rate:.1f}",
             "it died" if one.died else "") for one in shares]
    return table(rows, ("worker", "machine", "process", noun, "a second", ""), right=(0, 2, 3, 4)) if rows else ""
