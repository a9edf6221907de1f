"""One cluster of two nodes on the loopback for all tests here, two logical CPUs each; and a storage that it reaches."""

import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from core.cluster import pool
from core.cluster.connection import QUIET, ClusterOptions
from tests.core.galleries.storage import served

os.environ.update(QUIET)
HERE = str(Path(__file__).parent)
sys.path.insert(0, HERE)

NODE = {"num_cpus": 2, "include_dashboard": False, "object_store_memory": 100 << 20}
PATIENT = {  # on a busy machine Ray would take slow nodes for dead ones, and end workers when memory is short
    "RAY_health_check_timeout_ms": "120000", "RAY_health_check_initial_delay_ms": "60000",
    "RAY_memory_monitor_refresh_ms": "0", "RAY_worker_register_timeout_seconds": "600",
}
KEYS = {"AWS_ACCESS_KEY_ID": "somebody", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_REGION": "us-east-1"}


@pytest.fixture(scope="session")
def storage() -> Iterator[dict[str, str]]:
    """An object storage on the loopback: the environment of who may use it, {} where moto is not installed."""
    with ExitStack() as ending:
        try:
            found = {**KEYS, "AWS_ENDPOINT_URL": ending.enter_context(served())}
        except ImportError:
            found = {}
        yield found


@pytest.fixture(scope="session")
def nodes(storage: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The cluster; `add_node(**NODE)` and `remove_node` change it. Its workers have a home of their own."""
    pytest.importorskip("ray", reason="work on a cluster needs the extra: pip install .[scale]")
    from ray.cluster_utils import Cluster

    before = dict(os.environ)
    os.environ.update(storage, **PATIENT, PYTHONPATH=HERE, OMP_NUM_THREADS="1", RAY_worker_niceness="0",
                      BREWCLIP_HOME=str(tmp_path_factory.mktemp("node")))
    try:
        cluster = Cluster(initialize_head=True, head_node_args=NODE)
        cluster.add_node(**NODE)
        cluster.wait_for_nodes()
    finally:
        os.environ.clear()
        os.environ.update(before)
    yield cluster
    cluster.shutdown()


@pytest.fixture(autouse=True)
def patient_pools(monkeypatch: pytest.MonkeyPatch) -> None:
    """No pool gives up on workers that a busy machine starts slowly."""
    monkeypatch.setattr(pool, "START_S", 500.0)


@pytest.fixture
def options(nodes: Any) -> ClusterOptions:
    """Two workers on that cluster."""
    return ClusterOptions(nodes.address, workers=2)
