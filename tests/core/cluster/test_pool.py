"""The pool of workers: what dies is replaced, nothing is lost, nothing comes twice, and what kills is found."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from cluster_processes import none_left
from cluster_toys import Elsewhere, Toy, ToyJob

from core.cluster import pool as pools
from core.cluster.batches import LostItem, WorkBatch
from core.cluster.connection import ClusterOptions, connected
from core.cluster.pool import Pool
from core.errors import ClusterError

pytestmark = pytest.mark.cluster


@pytest.fixture(scope="module")
def ray(nodes: Any) -> Iterator[Any]:
    with connected(ClusterOptions(nodes.address)) as ray:
        yield ray


@pytest.fixture
def job(tmp_path: Path) -> ToyJob:
    return ToyJob(tmp_path / "diary")


def results(ray: Any, job: ToyJob, options: ClusterOptions, batches: Sequence[Sequence[str]]) -> list[Any]:
    with Pool(ray, Toy, job, options) as pool:
        return [one for found in pool.run(batches) for result in found for one in result]


def test_a_batch_is_parted_until_the_item_is_alone() -> None:
    first = WorkBatch(list("abcd"))
    (again,) = first.after_death()
    assert again.items == list("abcd")  # its worker may have died of something else
    left, right = again.after_death()
    assert (left.items, right.items) == (["a", "b"], ["c", "d"])
    alone, _ = left.after_death()
    assert alone.items == ["a"]
    (once_more,) = alone.after_death()
    assert once_more.after_death() == []


def test_all_that_is_asked_comes_back_once(ray: Any, job: ToyJob, options: ClusterOptions) -> None:
    batches = [[f"{number}-{each}" for each in range(3)] for number in range(20)]
    found = results(ray, job, options, batches)
    assert Counter(found) == Counter(f"done {item}" for batch in batches for item in batch)
    assert none_left("Toy")


def test_nothing_to_do_is_done_at_once(ray: Any, job: ToyJob, options: ClusterOptions) -> None:
    assert results(ray, job, options, []) == []


def test_items_that_kill_their_worker_are_found_and_all_others_done_once(ray: Any, job: ToyJob,
                                                                          options: ClusterOptions) -> None:
    batches = [["a", "kill 1", "b"], ["d", "e"], ["kill 2"], ["f"]]
    found = results(ray, job, options, batches)
    assert {one.item for one in found if isinstance(one, LostItem)} == {"kill 1", "kill 2"}
    assert Counter(one for one in found if not isinstance(one, LostItem)) == Counter(f"done {item}" for item in "abdef")
    begun = Counter(job.diary.read_text().splitlines())
    assert begun["begin kill 2"] == 2  # once could have been something else


def test_the_batch_behind_the_one_that_kills_has_no_part_in_it(ray: Any, job: ToyJob, options: ClusterOptions) -> None:
    one = replace(options, workers=1)
    found = results(ray, job, one, [["kill"], ["a"]])
    assert found == [LostItem("kill"), "done a"] or found == ["done a", LostItem("kill")]


def test_the_pool_is_lazy_and_gives_up_its_workers_when_it_is_left(ray: Any, job: ToyJob,
                                                                   options: ClusterOptions) -> None:
    asked = []

    def batches() -> Iterator[list[str]]:
        for number in range(1000):
            asked.append(number)
            yield [str(number)]

    with Pool(ray, Toy, replace(job, seconds=0.05), options) as pool:
        first = list(islice((one for found in pool.run(batches()) for one in found), 2))
        assert len(first) == 2
        assert len(asked) <= 2 + 3 * options.workers  # back pressure: what is in flight is bounded
        assert {share.worker for share in pool.shares()} <= {1, 2}
    assert none_left("Toy")


def test_a_model_that_a_node_lacks_comes_from_the_driver_once_a_node(ray: Any, job: ToyJob, options: ClusterOptions,
                                                                     tmp_path: Path) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "weights.bin").write_bytes(b"weights")
    files = Elsewhere.of(folder, ("weights.bin",))
    elsewhere = Elsewhere(files.folder, files.digests)
    found = results(ray, replace(job, sets=(elsewhere,)), options, [["a"], ["b"]])
    assert Counter(found) == Counter(["done a", "done b"])
    assert "model ['weights.bin']" in job.diary.read_text()


@pytest.mark.parametrize("wanted", [{"cpus": 64}, {"gpus": 1}])
def test_a_worker_that_no_node_has_room_for_is_told(ray: Any, job: ToyJob, options: ClusterOptions,
                                                    wanted: dict[str, Any]) -> None:
    for workers in (0, 1):
        with pytest.raises(ClusterError, match="the cluster has 4 CPUs") as told:
            results(ray, job, replace(options, workers=workers, **wanted), [["a"]])
        assert told.value.kind == "no_resources"


def test_busy_nodes_are_waited_for_and_then_told(ray: Any, job: ToyJob, options: ClusterOptions,
                                                 monkeypatch: pytest.MonkeyPatch) -> None:
    holders = [ray.remote(Toy).options(num_cpus=1).remote(job) for _ in range(4)]
    ray.get([holder.work.remote([]) for holder in holders])  # now the cluster has no CPU left
    monkeypatch.setattr(pools, "START_S", 2.0)
    try:
        with pytest.raises(ClusterError, match="busy") as told:
            results(ray, job, options, [["a"]])
    finally:
        for holder in holders:
            ray.kill(holder)
    assert told.value.kind == "no_resources"


def test_workers_that_die_as_they_start_are_told(ray: Any, job: ToyJob, options: ClusterOptions) -> None:
    with pytest.raises(ClusterError, match="as they started") as told:
        results(ray, replace(job, dies_at_start=True), options, [["a"]])
    assert told.value.kind == "workers_die"


def test_a_node_without_the_program_is_told(ray: Any, job: ToyJob, options: ClusterOptions) -> None:
    with pytest.raises(ClusterError, match="same release") as told:
        results(ray, job, options, [["raise"]])
    assert told.value.kind == "no_program"


def test_a_node_with_another_release_is_told(ray: Any, job: ToyJob, options: ClusterOptions,
                                             monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pools, "__version__", "0.0.1")
    with pytest.raises(ClusterError, match=r"this computer 0\.0\.1") as told:
        results(ray, job, options, [["a"]])
    assert told.value.kind == "other_version"


def test_a_full_object_store_is_told(ray: Any, job: ToyJob, options: ClusterOptions, tmp_path: Path,
                                     monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "weights.bin").write_bytes(b"weights that no node has")
    files = Elsewhere.of(tmp_path, ("weights.bin",))

    def put(content: object) -> None:
        raise ray.exceptions.ObjectStoreFullError

    monkeypatch.setattr(ray, "put", put)
    with pytest.raises(ClusterError, match="object store") as told:
        results(ray, replace(job, sets=(Elsewhere(files.folder, files.digests),)), options, [["a"]])
    assert told.value.kind == "store_full"
