"""A gallery that a cluster fills is the gallery that this computer fills, whatever dies on the way."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cluster_processes import none_left, workers_of
from conftest import NODE
from PIL import Image

from core import settings
from core.cluster.connection import ClusterOptions
from core.cluster.indexing import ClusterResult, index
from core.errors import StoreError
from core.explorer import Explorer
from core.galleries.backends import open_gallery
from core.home import Home
from core.progress import JobCancelled, Progress, Report, WorkStep, silent
from core.store.store import Store

pytestmark = pytest.mark.cluster

COUNT = 80


def draw(path: Path, seed: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 255, (24, 30, 3), dtype=np.uint8)
    Image.fromarray(pixels).resize((90, 72)).save(path)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eighty pictures, one of them twice, and a broken one."""
    top = tmp_path_factory.mktemp("pictures")
    for number in range(COUNT):
        draw(top / f"{number % 7}" / f"{number:03}.png", number)
    draw(top / "copy of 4.png", 4)
    (top / "broken.png").write_bytes((top / "0" / "000.png").read_bytes()[:300])
    return top


Gallery = dict[str, tuple[str, np.ndarray]]


def gallery_of(store: Store, name: str) -> Gallery:
    """The pictures by path: what is known of each, and its vector."""
    place = open_gallery(store, name)
    fingerprint = place.state().fingerprints[0][0].hash
    vectors = {id_: vector for ids, part in place.vectors(fingerprint)
               for id_, vector in zip(ids.tolist(), part, strict=True)}
    images = place.images()
    assert len({image.path for image in images}) == len(images) == len(vectors)
    return {str(image.path): (f"{image.content_hash} {image.width} {image.height} {image.size} {image.mtime}",
                              vectors[image.id]) for image in images}


def assert_same(one: Gallery, other: Gallery) -> None:
    assert one.keys() == other.keys()
    for path, (facts, vector) in one.items():
        assert facts == other[path][0]
        np.testing.assert_allclose(vector, other[path][1], atol=2e-6, err_msg=path)


@pytest.fixture(scope="module")
def local(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Gallery:
    """The gallery as this computer fills it."""
    explorer = Explorer(Home(tmp_path_factory.mktemp("local")), settings.Settings())
    explorer.index(folder, "g")
    found = gallery_of(explorer.store, "g")
    explorer.close()
    return found


@pytest.fixture
def explorer(tmp_path: Path) -> Iterator[Explorer]:
    opened = Explorer(Home(tmp_path / "home"), settings.Settings())
    yield opened
    opened.close()


def index_all(explorer: Explorer, source: str, options: ClusterOptions, report: Report = silent) -> ClusterResult:
    return index(explorer.filled("g"), [source], explorer.models, explorer.settings, explorer.unfinished, options,
                 report=report)


def run(explorer: Explorer, folder: Path, options: ClusterOptions, report: Report = silent) -> ClusterResult:
    return index_all(explorer, str(folder), options, report)


def test_workers_killed_in_the_middle_cost_nothing(explorer: Explorer, folder: Path, local: Gallery,
                                                   options: ClusterOptions,
                                                   capsys: pytest.CaptureFixture[str]) -> None:
    killed: list[int] = []
    told: list[str] = []

    def report(progress: Progress) -> None:
        told.append(progress.text())
        if progress.step is WorkStep.INDEXING and progress.done and not killed:  # the others are in flight
            for process in workers_of("PictureWorker"):
                killed.append(process)
                os.kill(process, signal.SIGKILL)

    found = run(explorer, folder, options, report)
    assert killed
    assert_same(gallery_of(explorer.store, "g"), local)
    assert (found.index.images, found.index.indexed) == (COUNT + 1, COUNT + 1)
    assert [failure.path.name for failure in found.index.failed] == ["broken.png"]
    dead = [share for share in found.workers if share.died]
    assert dead and {share.process for share in dead} <= set(killed)
    assert sum(share.items for share in found.workers) == COUNT + 2  # each file was asked for and came once
    assert any("pictures/s" in text for text in told)
    assert none_left("PictureWorker")
    assert capsys.readouterr().out == ""  # Ray would tell of the dead worker where JSON may be expected
    again = run(explorer, folder, options)
    assert (again.index.unchanged, again.index.indexed, again.workers) == (COUNT + 1, 0, ())


def test_a_run_that_is_stopped_goes_on(explorer: Explorer, folder: Path, local: Gallery, options: ClusterOptions
                                       ) -> None:
    def report(progress: Progress) -> None:
        if 0 < progress.done < progress.total:
            raise JobCancelled

    with pytest.raises(JobCancelled):
        run(explorer, folder, options, report)
    assert none_left("PictureWorker")
    kept = explorer.gallery("g").state().images
    assert 0 < kept < COUNT
    found = run(explorer, folder, options)
    assert (found.index.unchanged, found.index.indexed) == (kept, COUNT + 1 - kept)
    assert_same(gallery_of(explorer.store, "g"), local)


def test_a_node_that_leaves_takes_nothing_with_it(nodes: Any, explorer: Explorer, folder: Path, local: Gallery,
                                                  options: ClusterOptions) -> None:
    leaving = nodes.add_node(**NODE)
    left: list[bool] = []

    def report(progress: Progress) -> None:
        if progress.done > 0 and not left:
            left.append(True)
            nodes.remove_node(leaving, allow_graceful=False)

    found = run(explorer, folder, replace(options, workers=3), report)
    assert left
    assert found.index.indexed == COUNT + 1
    assert_same(gallery_of(explorer.store, "g"), local)


@pytest.fixture
def bucket(storage: dict[str, str], folder: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    boto3 = pytest.importorskip("boto3", reason="the storage to test against is moto's: pip install .[dev]")
    if not storage:
        pytest.skip("the storage to test against is moto's: pip install .[dev]")
    for name, value in storage.items():
        monkeypatch.setenv(name, value)
    client = boto3.client("s3", endpoint_url=storage["AWS_ENDPOINT_URL"])
    client.create_bucket(Bucket="archive")
    for path in [*sorted((folder / "0").glob("*.png")), folder / "broken.png"]:
        client.put_object(Bucket="archive", Key=f"2024/{path.name}", Body=path.read_bytes())
    return "s3://archive/2024"


def test_pictures_on_object_storage(explorer: Explorer, bucket: str, folder: Path, local: Gallery,
                                    options: ClusterOptions) -> None:
    found = index_all(explorer, bucket, options)
    gallery = gallery_of(explorer.store, "g")
    names = {path.name: str(path) for path in (folder / "0").glob("*.png")}
    assert {Path(path).name for path in gallery} == names.keys()
    for path, (_, vector) in gallery.items():
        np.testing.assert_allclose(vector, local[names[Path(path).name]][1], atol=2e-6)
    assert [failure.kind for failure in found.index.failed] == ["truncated"]
    here = explorer.index(None, "g")  # the folder is the gallery's now, and this computer finds all as it was
    assert (here.unchanged, here.indexed, len(here.failed)) == (len(names), 0, 1)
    secret = os.environ["AWS_SECRET_ACCESS_KEY"].encode()
    assert not any(secret in path.read_bytes() for path in explorer.home.root.rglob("*") if path.is_file())


def test_a_folder_that_is_not_there_changes_nothing(explorer: Explorer, tmp_path: Path, options: ClusterOptions
                                                    ) -> None:
    with pytest.raises(StoreError) as told:
        run(explorer, tmp_path / "none", options)
    assert told.value.kind == "no_folder"
    assert explorer.store.galleries() == []


def test_a_cluster_of_this_machine_fills_a_gallery_at_an_address(home: Home, folder: Path, local: Gallery,
                                                                 tmp_path: Path) -> None:
    pytest.importorskip("lancedb", reason="galleries at an address need the extra: pip install .[scale]")
    part = {path: found for path, found in local.items() if Path(path).parent.name == "0"}
    gallery = str(tmp_path / "gallery.lance")
    command = [sys.executable, "-m", "core.cli", "index", str(folder / "0"), "--gallery", gallery, "--engine", "ray",
               "--workers", "1", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    told = json.loads(done.stdout)
    assert (told["images"], [one["items"] for one in told["workers"]]) == (len(part), [len(part)])
    assert_same(gallery_of(Store.open(home.store), gallery), part)
    assert none_left("PictureWorker")
