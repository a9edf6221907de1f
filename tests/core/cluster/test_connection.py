"""To a cluster and away: each trouble is one sentence, and nothing of Ray is imported for nothing."""

import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from core import child_python, cli
from core.cluster.connection import ClusterOptions, _told, connected
from core.errors import ClusterError
from core.home import Home

pytestmark = pytest.mark.cluster

MISMATCH = """Version mismatch: The cluster was started with:
    Ray: 2.44.1
    Python: 3.12.3
This process on node 10.0.0.7 was started with:
    Ray: 2.60.0
    Python: 3.11.7
"""


def test_nothing_of_ray_is_imported_before_it_is_asked_for() -> None:
    code = ("import sys; from core.cli.commands import COMMANDS; import core.cluster.indexing, core.cluster.preparing; "
            "assert not {'ray', 'pyarrow', 'torch'} & set(sys.modules)")
    subprocess.run([sys.executable, "-c", code], check=True)


def test_without_the_extra_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ClusterError, match=r"pip install .\[scale\]") as told, connected(ClusterOptions()):
        pass
    assert told.value.kind == "no_extra"


def test_ray_tells_nobody_of_its_use() -> None:
    pytest.importorskip("ray", reason="work on a cluster needs the extra: pip install .[scale]")
    code = ("import os; os.environ.pop('RAY_USAGE_STATS_ENABLED', None); from core.cluster import connection; "
            "connection.ray_module(); from ray._common.usage import usage_lib; "
            "assert not usage_lib.usage_stats_enabled()")
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("address", ["127.0.0.1:{port}", "ray://127.0.0.1:{port}", "nowhere", "[::1]:{port}"])
def test_no_cluster_at_the_address_is_told_at_once(address: str) -> None:
    pytest.importorskip("ray", reason="work on a cluster needs the extra: pip install .[scale]")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = address.format(port=free.getsockname()[1])
    with pytest.raises(ClusterError, match=r"no cluster at|no address of a cluster") as told, (
            connected(ClusterOptions(address))):
        pass
    assert told.value.kind == "no_cluster"


def test_what_answers_and_is_no_cluster_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    ray = pytest.importorskip("ray", reason="work on a cluster needs the extra: pip install .[scale]")

    def refuse(**options: object) -> None:  # what it raises after a while for a wrong token, or another protocol
        raise ConnectionError("Failed to connect to Ray cluster")

    monkeypatch.setattr(ray, "init", refuse)
    with socket.socket() as open_port:
        open_port.bind(("127.0.0.1", 0))
        open_port.listen()
        address = f"127.0.0.1:{open_port.getsockname()[1]}"
        with pytest.raises(ClusterError, match="RAY_AUTH_MODE=token") as told, connected(ClusterOptions(address)):
            pass
    assert told.value.kind == "refused"


def test_another_version_is_told_with_both() -> None:
    told = _told(RuntimeError(MISMATCH), "10.0.0.1:6379")
    assert told.kind == "other_version"
    assert "Ray 2.44.1 on Python 3.12.3, this computer Ray 2.60.0 on Python 3.11.7" in str(told)


def test_a_cluster_of_another_version_is_told(nodes: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    import ray

    real = ray.__version__
    monkeypatch.setattr(ray, "__version__", "2.0.0")
    with pytest.raises(ClusterError, match=f"Ray {real} on Python .*, this computer Ray 2.0.0") as told, (
            connected(ClusterOptions(nodes.address))):
        pass
    assert told.value.kind == "other_version"
    assert not ray.is_initialized()


def test_no_cluster_at_the_address_changes_nothing(home: Home, tmp_path: Path, capsys: pytest.CaptureFixture[str]
                                                   ) -> None:
    pytest.importorskip("ray", reason="work on a cluster needs the extra: pip install .[scale]")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    assert cli.main(["index", str(tmp_path), "--gallery", "g", "--engine", "ray", "--address", address]) == 2
    assert f"no cluster at {address}" in capsys.readouterr().err
    assert not home.store.exists()


def test_workers_of_this_machine_import_nothing_of_the_working_folder(tmp_path: Path) -> None:
    pytest.importorskip("ray", reason="work on a cluster needs the extra: pip install .[scale]")
    folder, mark = tmp_path / "hostile", tmp_path / "mark"
    folder.mkdir()
    for name in ("numpy", "psutil", "yaml", "msgpack", "torch", "PIL"):
        (folder / f"{name}.py").write_text(f"open({str(mark)!r}, 'w')")
    code = """
from core.cluster.connection import ClusterOptions, connected

def imports():
    import os, sys
    import numpy, PIL, psutil, yaml
    return [os.path.abspath(entry) for entry in (*sys.path, os.getcwd())]

with connected(ClusterOptions(workers=1)) as ray:
    print("\\n".join(ray.get(ray.remote(imports).remote())))
"""
    found = subprocess.run(child_python.command("-c", code), env=child_python.environment(), cwd=folder,
                           capture_output=True, text=True)
    assert found.returncode == 0, found.stderr
    places = found.stdout.split()
    assert str(child_python.ROOT) in places and str(folder) not in places
    assert not mark.exists()


def test_a_second_job_in_one_process_is_told(nodes: Any) -> None:
    with connected(ClusterOptions(nodes.address)), pytest.raises(ClusterError) as told, (
            connected(ClusterOptions(nodes.address))):
        pass
    assert told.value.kind == "no_start"


@pytest.mark.parametrize("more, said", [
    (["--workers", "2"], "--workers needs a cluster: add --engine ray"),
    (["--address", "10.0.0.1:6379", "--gpus-per-worker", "0.5"], "--address and --gpus-per-worker"),
    (["--engine", "ray", "--cpus-per-worker", "0"], "share of a CPU or of a GPU"),
])
def test_options_that_make_no_sense_are_told(home: Home, tmp_path: Path, more: list[str], said: str,
                                             capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["index", str(tmp_path), "--gallery", "g", *more]) == 2
    assert said in capsys.readouterr().err
