"""The options of commands that can run on a cluster (`--engine ray`), and `brewclip prepare`."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from core.cli import options
from core.cli.options import count, option, share
from core.cli.output import as_json, size, table
from core.cli.parts import OK, Arguments, Command, explorer, note, progress
from core.errors import ClusterError

if TYPE_CHECKING:
    from core.cluster.batches import WorkerShare
    from core.cluster.connection import ClusterOptions

ENGINES, GROUP = ("local", "ray"), "cluster"
ENGINE = (
    option("--engine", group=GROUP, choices=ENGINES, default="local", help="run in this process, or on Ray workers"),
    option("--address", group=GROUP, default="", metavar="HOST:PORT",
           help="address of a Ray cluster (default: start and stop workers on this computer)"),
    option("--workers", group=GROUP, type=count, default=0, metavar="N",
           help="number of workers (default: as many as fit)"),
    option("--cpus-per-worker", group=GROUP, type=share, default=1.0, metavar="F", help="CPUs for each worker"),
    option("--gpus-per-worker", group=GROUP, type=share, default=0.0, metavar="F",
           help="GPUs for each worker; a fraction lets several share one"))


def by_cluster(arguments: Arguments) -> bool:
    """Whether to run on Ray workers. ClusterError ("options") when cluster options are given without a cluster."""
    flags = [flag for flag, value in (("--address", arguments.address), ("--workers", arguments.workers),
                                      ("--gpus-per-worker", arguments.gpus_per_worker)) if value]
    if arguments.engine == "local" and flags:
        raise ClusterError(f"{' and '.join(flags)} needs a cluster: add --engine ray, or leave it out.", "options")
    return bool(arguments.engine == "ray")


def options_of(arguments: Arguments) -> "ClusterOptions":
    """The cluster options of the command line. ClusterError ("options")."""
    from core.cluster.connection import ClusterOptions

    if not arguments.cpus_per_worker and not arguments.gpus_per_worker:
        raise ClusterError("A worker needs a share of a CPU or of a GPU: --cpus-per-worker, --gpus-per-worker.",
                           "options")
    return ClusterOptions(arguments.address, arguments.workers, arguments.cpus_per_worker, arguments.gpus_per_worker)


def shares_json(shares: "Sequence[WorkerShare]") -> list[dict[str, Any]]:
    """The share of each worker as options.JSON."""
    return [{"worker": share.worker, "machine": share.machine, "process": share.process, "items": share.items,
             "seconds": round(share.seconds, 3), "died": share.died} for share in shares]


def shares_text(shares: "Sequence[WorkerShare]", noun: str) -> str:
    """The share of each worker as a table."""
    rows = [(str(share.worker), share.machine, str(share.process), str(share.items), f"{share.rate:.1f}",
             "it died" if share.died else "") for share in shares]
    return table(rows, ("worker", "machine", "process", noun, "a second", ""), right=(0, 2, 3, 4)) if rows else ""


PREPARE_OPTIONS = (
    options.DATASET, options.KIND,
    option("--split", action="append", default=[], metavar="S", help="split; repeatable (default: all with pairs)"),
    options.BACKBONE, options.CROP,
    option("--noise", default="", metavar="LIST", help="noise conditions as well, such as 10,babble:5 (dB)"),
    option("--no-states", action="store_true", help="transcripts only, for variants without an acoustic branch"),
    option("--max-cache-gb", type=share, default=100.0, metavar="GB", help="refuse to write more than this"),
    options.FOLLOW_LINKS, *options.SPEECH, *ENGINE, options.JSON)


def _prepare(arguments: Arguments) -> int:
    on_cluster = options_of(arguments) if by_cluster(arguments) else None
    from core.cluster.preparing import Preparation, PrepareRecipe

    recipe = PrepareRecipe(arguments.folder.absolute(), arguments.kind, tuple(arguments.split), arguments.backbone,
                           arguments.crop, arguments.noise, not arguments.no_states, arguments.max_cache_gb,
                           arguments.follow_links)
    with explorer(options.speech_settings(arguments)) as opened, progress() as report:
        preparation = Preparation(opened.workspace, recipe, report)
        cost = preparation.cost()
        preparation.check(cost)
        note(f"{', '.join(preparation.splits)}: {cost.recordings} recordings to transcribe; caches grow by "
             f"{size(cost.nbytes)}.")
        done = preparation.run(on_cluster, report)
    if arguments.json:
        print(as_json({"splits": preparation.splits, "recordings": done.recordings, "pictures": done.images,
                       "unreadable": [{"path": path, "reason": reason} for path, reason in done.unreadable],
                       "workers": shares_json(done.workers)}))
        return OK
    print(f"{done.recordings} recordings transcribed, {done.images} pictures prepared; the rest was cached.")
    if done.unreadable:
        print(table(list(done.unreadable)))
    if done.workers:
        print(shares_text(done.workers, "files"))
    return OK


PREPARE = Command("prepare", "compute a dataset's features ahead of training", PREPARE_OPTIONS, _prepare,
                  details="Runs here or on a cluster. Disk use is estimated up front.")
