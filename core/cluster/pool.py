"""Pool of cluster workers that replaces workers which die; each holds a model and processes batches.

A worker that dies, or leaves with its node, gives its batches back and another takes its place. A batch over which two
workers died is parted until the item is found that ends them; that one is given up, and told.

Kinds of ClusterError: no_resources, workers_die, store_full, no_program, and those of the workers.
"""

import math
import time
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from core import __version__
from core.cluster.batches import LostItem, WorkBatch, WorkerShare
from core.cluster.connection import ClusterOptions
from core.cluster.workers import Worker, WorkerStart
from core.errors import BrewclipError, ClusterError

AHEAD = 2  # batches that a worker has: the one it does, and the next
TICK_S = 0.5  # how often whoever waits is asked whether to go on
START_S = 120.0  # how long no worker at all may be there
START_DEATHS = 3  # workers in a row that die before they can work


@dataclass
class _Member:
    """The driver's view of a worker. `starting` is set until it has loaded its model."""

    number: int
    actor: Any
    starting: Any  # reference to what it does before it can work; None then
    begun: WorkerStart | None = None
    queue: "deque[tuple[Any, WorkBatch]]" = field(default_factory=deque)
    since: float = 0.0
    until: float = 0.0
    items: int = 0
    died: bool = False

    def share(self) -> WorkerShare:
        where = self.begun or WorkerStart("", 0, ())
        seconds = max(0.0, self.until - self.since)
        return WorkerShare(self.number, where.machine, where.process, self.items, seconds, self.died)


class Pool:
    """Workers of one kind on a cluster; `ray` is connected. Use it as a context: at its end no worker is left."""

    def __init__(self, ray: Any, kind: type[Worker], job: Any, options: ClusterOptions) -> None:
        self._ray, self._kind, self._job, self._options = ray, kind, job, options
        self._members: list[_Member] = []
        self._gone: list[_Member] = []
        self._contents: dict[str, Any] = {}
        self._start_deaths = 0
        self._asked = time.monotonic()  # since when no worker is there

    def __enter__(self) -> "Pool":
        self._size = self._wanted = self._options.workers or self._all_that_fit()
        return self

    def __exit__(self, *error: object) -> None:
        for member in self._members:
            self._ray.kill(member.actor)
        self._gone += self._members
        self._members = []

    def shares(self) -> tuple[WorkerShare, ...]:
        """Share of each worker that did anything, dead workers included."""
        shares = [member.share() for member in (*self._gone, *self._members)]
        return tuple(sorted((share for share in shares if share.items or share.died), key=lambda share: share.worker))

    def pace(self) -> str:
        """Rates of the workers: "worker 1: 20, worker 2: 21 a second"; of many the slowest and the fastest."""
        rates = [(share.worker, share.rate) for share in self.shares() if not share.died and share.rate > 0]
        if not rates:
            waiting = sum(member.starting is not None for member in self._members)
            return f"{waiting} workers are starting" if waiting > 1 else "a worker is starting" if waiting else ""
        if len(rates) <= 4:
            return ", ".join(f"worker {number}: {rate:.1f}" for number, rate in rates) + " a second"
        slow, fast = min(rate for _, rate in rates), max(rate for _, rate in rates)
        return f"{len(rates)} workers, {slow:.1f} to {fast:.1f} a second each"

    def run(self, batches: Iterable[Sequence[Any]], count: int = 0) -> Iterator[list[Any]]:
        """The results of the workers for these batches, in the order in which they come, each in a list; `LostItem` for
        items that end workers. Every TICK_S at the latest there is a list, if need be an empty one.

        `count` of the batches, where it is known, spares starting workers that would have none.
        """
        self._wanted = min(self._size, count or self._size)
        coming, again = iter(batches), deque[WorkBatch]()
        while self._hand_out(coming, again):
            self._keep_size()
            self._check_there()
            refs = [ref for member in self._members for ref in self._refs(member)]
            ready, _ = self._ray.wait(refs, num_returns=1, timeout=TICK_S) if refs else ([], [])
            results: list[Any] = []
            for ref in ready:
                results += self._taken(ref, again)
            yield results

    def _hand_out(self, coming: Iterator[Sequence[Any]], again: "deque[WorkBatch]") -> bool:
        """Give batches to workers that have room; whether there is anything left to wait for."""
        for depth in range(1, AHEAD + 1):  # first every worker has one
            for member in self._members:
                if member.starting is None and len(member.queue) < depth:
                    batch = again.popleft() if again else _next(coming)
                    if batch is None:
                        return any(member.queue for member in self._members)
                    member.since = member.since or time.monotonic()
                    member.queue.append((member.actor.work.remote(batch.items), batch))
        return True

    def _refs(self, member: _Member) -> list[Any]:
        return [member.starting] if member.starting is not None else [ref for ref, _ in member.queue]

    def _taken(self, ref: Any, again: "deque[WorkBatch]") -> list[Any]:
        """Results of a reference that is ready."""
        member = next(candidate for candidate in self._members if ref in self._refs(candidate))
        try:
            value = self._get(ref)
        except self._ray.exceptions.RayActorError as error:
            return self._died(member, again, error)
        except self._ray.exceptions.ObjectLostError:  # the result went with its node, and the worker with it or not
            return self._died(member, again, None)
        if member.starting is not None:
            self._started(member, value)
            return []
        return [self._done(member, ref, value)]

    def _done(self, member: _Member, ref: Any, value: Any) -> Any:
        batch = next(batch for reference, batch in member.queue if reference == ref)
        member.queue = deque(item for item in member.queue if item[0] != ref)
        member.items += len(batch.items)
        member.until = time.monotonic()
        return value

    def _started(self, member: _Member, value: Any) -> None:
        """Advance a starting worker: it reports missing files, then loads its model, then works."""
        if isinstance(value, WorkerStart):
            member.begun = value
            member.starting = member.actor.load.remote({key: self._content(key) for key in value.lacking})
            return
        member.starting = None
        self._start_deaths = 0

    def _content(self, key: str) -> Any:
        """A reference to the bytes of a set of files, put into the object store once."""
        if key not in self._contents:
            files = next(file_set for file_set in self._job.sets if file_set.key == key)
            try:
                self._contents[key] = self._ray.put(files.contents())
            except (self._ray.exceptions.ObjectStoreFullError, self._ray.exceptions.OutOfDiskError) as error:
                raise _store_full() from error
        return self._contents[key]

    def _died(self, member: _Member, again: "deque[WorkBatch]", error: Exception | None) -> list[Any]:
        """Results that a dead worker still gave, and `LostItem` items; its other batches are tried again."""
        self._members.remove(member)
        self._gone.append(member)
        self._ray.kill(member.actor)
        member.died = True
        if member.starting is not None:
            self._start_deaths += 1
            if self._start_deaths >= START_DEATHS:
                raise _workers_die(error)
            return []
        results, suspect = [], True
        for ref, batch in tuple(member.queue):
            try:
                results.append(self._done(member, ref, self._get(ref)))
            except (self._ray.exceptions.RayActorError, self._ray.exceptions.ObjectLostError):
                parts = batch.after_death() if suspect else [batch]
                suspect = False  # those behind it were not begun
                again.extend(parts)
                results += [[LostItem(batch.items[0])]] if not parts else []
        return results

    def _get(self, ref: Any) -> Any:
        """The value of a reference that is ready. What a worker raised is raised here; Ray's own errors pass."""
        errors = self._ray.exceptions
        try:
            return self._ray.get(ref)
        except errors.RayTaskError as error:
            cause = error.cause
            if isinstance(cause, BrewclipError):
                raise cause from None
            if isinstance(cause, errors.ObjectStoreFullError | errors.OutOfDiskError):
                raise _store_full() from error
            if isinstance(cause, ModuleNotFoundError):
                raise _no_program() from error
            raise
        except (errors.ObjectStoreFullError, errors.OutOfDiskError) as error:
            raise _store_full() from error

    def _keep_size(self) -> None:
        """Start workers until there are as many as wanted, replacing those that died."""
        while len(self._members) < self._wanted:
            number = len(self._members) + len(self._gone) + 1
            actor = self._ray.remote(self._kind).options(
                num_cpus=self._options.cpus, num_gpus=self._options.gpus, max_restarts=0, max_task_retries=0,
                scheduling_strategy="SPREAD").remote(self._job)
            self._members.append(_Member(number, actor, actor.begin.remote(__version__)))

    def _check_there(self) -> None:
        """Raise ClusterError ("no_resources") when there was no worker for long, or none can ever start."""
        if any(member.begun is not None for member in self._members):
            self._asked = time.monotonic()
        waited = time.monotonic() - self._asked
        if waited > START_S or (waited > TICK_S * 4 and not any(map(self._fits, self._nodes()))):
            raise self._no_resources(waited)

    def _all_that_fit(self) -> int:
        count = sum(self._fits(node) for node in self._nodes())
        if not count:
            raise self._no_resources(0)
        return count

    def _fits(self, resources: Mapping[str, float]) -> int:
        """Number of workers that fit on an empty node."""
        wanted = [(name, share) for name, share in (("CPU", self._options.cpus), ("GPU", self._options.gpus)) if share]
        return min((math.floor(resources.get(name, 0) / share + 1e-9) for name, share in wanted), default=1)

    def _nodes(self) -> list[Mapping[str, float]]:
        return [node["Resources"] for node in self._ray.nodes() if node["Alive"]]

    def _no_resources(self, waited: float) -> ClusterError:
        gpus = f" and {self._options.gpus:g} GPUs" if self._options.gpus else ""
        total = self._ray.cluster_resources()
        has = f"{total.get('CPU', 0):g} CPUs and {total.get('GPU', 0):g} GPUs in all"
        why = (f"no worker has started for {waited:.0f} s: its nodes are busy, or gone" if waited > START_S
               else "none of its nodes has as much free for one worker")
        return ClusterError(f"A worker needs {self._options.cpus:g} CPUs{gpus}; the cluster has {has}, and {why}. What "
                            "was stored is kept.", "no_resources")


def _next(coming: Iterator[Sequence[Any]]) -> WorkBatch | None:
    items = next(coming, None)
    return None if items is None else WorkBatch(list(items))


def _store_full() -> ClusterError:
    return ClusterError("The object store of the cluster is full. Give its nodes more (`ray start "
                        "--object-store-memory`), or put the model's files onto each node; what was stored is kept.",
                        "store_full")


def _no_program() -> ClusterError:
    return ClusterError("A node of the cluster does not have BrewCLIP Explorer. Install the same release on each node.",
                        "no_program")


def _workers_die(error: Exception | None) -> ClusterError:
    if "ModuleNotFoundError" in str(error):
        return _no_program()
    return ClusterError(f"{START_DEATHS} workers in a row died as they started: the nodes may have too little memory "
                        "for the model. What was stored is kept; ask for fewer workers on each node (more CPUs a "
                        "worker).", "workers_die")
