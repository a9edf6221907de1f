"""Connection to a Ray cluster; Ray's errors become one sentence each.

Kinds of ClusterError here: no_extra, no_cluster, refused, other_version, no_start.
"""

import contextlib
import os
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from core import child_python
from core.errors import ClusterError
from core.progress import Progress, Report, WorkStep, silent

LOCAL_STORE = 256 << 20  # bytes of Ray's object store on one machine: batches and, once, a model
KNOCK_S = 5.0
VERSIONS = re.compile(r"Ray: (\S+)\s+Python: (\S+)")
QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",  # nothing leaves the machine
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_DEDUP_LOGS_SKIP_REGEX": ".",  # it tells of dead workers on stdout, where JSON may be expected
    "RAY_raylet_start_wait_time_s": "60",  # a busy machine takes longer than the 30 that are usual
    "RAY_agent_register_timeout_ms": "60000",
}


@dataclass(frozen=True)
class ClusterOptions:
    """Address of the cluster and number of workers. `address` "": a temporary cluster on this machine.

    `workers` 0: as many as the cluster's CPUs (or GPUs) allow. `cpus` and `gpus` are for each of them; several share a
    GPU when it is a fraction.
    """

    address: str = ""
    workers: int = 0
    cpus: float = 1
    gpus: float = 0


def ray_module() -> Any:
    """Import Ray. ClusterError ("no_extra")."""
    os.environ.update(QUIET)
    try:
        import ray
    except ImportError as error:
        raise ClusterError("Work on a cluster needs Ray, which is not installed. `pip install .[scale]` brings it.",
                           "no_extra") from error
    return ray


@contextmanager
def connected(options: ClusterOptions, report: Report = silent) -> Iterator[Any]:
    """Connect Ray to the cluster. At the end a cluster of this machine is shut down, another one is disconnected."""
    ray = ray_module()
    report(Progress(WorkStep.CONNECTING if options.address else WorkStep.STARTING_WORKERS))
    if ray.is_initialized():
        raise ClusterError("This process works on a cluster already; wait until that is done.", "no_start")
    if options.address:
        _knock(options.address)
    try:
        with contextlib.chdir(child_python.ROOT):  # Ray puts the working folder on its workers' import path
            _start(ray, options)
    except ConnectionError as error:  # somebody answered the knock
        raise _refused(options.address) from error
    except (RuntimeError, ValueError, OSError) as error:
        raise _told(error, options.address) from error
    try:
        yield ray
    finally:
        ray.shutdown()


def _start(ray: Any, options: ClusterOptions) -> None:
    if options.address:
        ray.init(address=options.address, log_to_driver=False, logging_level="ERROR")
        return
    workers = options.workers or max(1, int((os.cpu_count() or 1) / max(options.cpus, 0.01)))
    ray.init(address="local", num_cpus=max(1, round(workers * options.cpus + 0.499)), include_dashboard=False,
             object_store_memory=LOCAL_STORE, log_to_driver=False, logging_level="ERROR")


def _knock(address: str) -> None:
    """Raise ClusterError ("no_cluster") when nothing answers: Ray itself would try for a minute."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not port.isdigit():
        if address != "auto":
            raise ClusterError(f"{address} is no address of a cluster; write host:port, such as 10.0.0.1:6379.",
                               "no_cluster")
        return
    try:
        with socket.create_connection((host.strip("[]"), int(port)), KNOCK_S):
            return
    except OSError as error:
        raise ClusterError(f"There is no cluster at {address}. Start one with `ray start --head`, or look at the "
                           "address and the network; nothing was changed.", "no_cluster") from error


def _refused(address: str) -> ClusterError:
    return ClusterError(f"What answers at {address} lets this computer into no cluster. If the cluster asks for a "
                        "token, set RAY_AUTH_MODE=token here and have its ~/.ray/auth_token; else it is no Ray "
                        "cluster, or one of another version. Nothing was changed.", "refused")


def _told(error: Exception, address: str) -> ClusterError:
    said = str(error)
    versions = VERSIONS.findall(said)
    if "ersion mismatch" in said and len(versions) >= 2:
        theirs, ours = versions[:2]
        return ClusterError(f"The cluster runs Ray {theirs[0]} on Python {theirs[1]}, this computer Ray {ours[0]} on "
                            f"Python {ours[1]}; both must be the same. Nothing was changed.", "other_version")
    if address:
        return _refused(address)
    first = next((line.strip() for line in said.splitlines() if line.strip()), type(error).__name__)
    return ClusterError(f"Ray does not start on this machine: {first}", "no_start")
