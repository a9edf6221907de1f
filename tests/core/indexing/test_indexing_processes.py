"""Indexing in child processes: killed in the middle, two at once on one store, and on a disk that takes no more."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.galleries.backends import open_gallery
from core.store.store import Store

pytestmark = pytest.mark.slow

REPOSITORY = Path(__file__).resolve().parents[3]
IMAGES = 200

CHILD = '''
import sys, time
from pathlib import Path
import numpy as np
from core.errors import StoreError
from core.fingerprint import Fingerprint
from core.galleries.backends import open_gallery
from core.indexing.local import index_folder
from core.store.store import Store

class Slow:
    dim, image_size = 48, 16
    def fingerprint(self, crop):
        return Fingerprint.of({"backbone": "slow", "crop": crop})
    def encode_images(self, pixels):
        time.sleep(float(sys.argv[4]))
        print("seen", len(pixels), flush=True)
        return pixels.reshape(len(pixels), -1)[:, :48].astype(np.float32) + 1

store = Store.open(Path(sys.argv[1]))
if len(sys.argv) > 5:
    import resource, signal
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[5]), resource.RLIM_INFINITY))
try:
    result = index_folder(open_gallery(store, sys.argv[3], create=True), Path(sys.argv[2]), Slow(), "centre")
    print("result", result.images, result.indexed, result.unchanged, len(result.failed))
except StoreError as error:
    print("error", error.kind)
'''


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    top = tmp_path_factory.mktemp("pictures")
    for number in range(IMAGES):
        pixels = np.random.default_rng(number).integers(0, 255, (16, 16, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(top / f"{number:03}.png")
    return top


@pytest.fixture
def path(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "store.sqlite"
    store = Store.open(tmp_path / "store.sqlite")  # whatever a test did to it, the file is whole
    with store.database.reading() as connection:
        assert connection.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"
        assert connection.exec_driver_sql("PRAGMA foreign_key_check").all() == []
    store.close()


def index(path: Path, folder: Path, gallery: str, seconds: float = 0, limit: int = 0) -> "subprocess.Popen[str]":
    """Index in a child; it prints "seen N" for every batch of its model, which takes `seconds`, then its result."""
    arguments = [str(path), str(folder), gallery, str(seconds)] + ([str(limit)] if limit else [])
    return subprocess.Popen([sys.executable, "-c", CHILD, *arguments], cwd=REPOSITORY, text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def lines(child: "subprocess.Popen[str]") -> list[str]:
    out, err = child.communicate(timeout=120)
    assert child.returncode == 0, err
    return out.splitlines()


def seen(said: list[str]) -> int:
    return sum(int(line.split()[1]) for line in said if line.startswith("seen"))


def vectors(path: Path, gallery: str) -> np.ndarray:
    """The gallery's vectors by path; each picture must be there exactly once."""
    store = Store.open(path)
    record = open_gallery(store, gallery)
    [(fingerprint, count)] = record.state().fingerprints
    found = list(record.vectors(fingerprint.hash))
    ids = np.concatenate([one for one, _ in found])
    images = {one.id: one for one in record.images()}
    assert ids.tolist() == sorted(images)
    assert count == len(images) == len({one.path for one in images.values()})
    order = np.argsort([str(images[one].path) for one in ids.tolist()])
    store.close()
    return np.concatenate([one for _, one in found])[order]


def test_a_killed_run_goes_on_where_it_stood(path: Path, folder: Path) -> None:
    child = index(path, folder, "Holidays", seconds=0.05)
    assert child.stdout is not None
    for _ in range(3):  # the third batch has been through the model and is about to be stored
        child.stdout.readline()
    child.send_signal(signal.SIGKILL)
    child.wait()
    store = Store.open(path)
    stored = open_gallery(store, "Holidays").state().images
    store.close()
    assert 64 <= stored < IMAGES
    said = lines(index(path, folder, "Holidays"))
    assert said[-1] == f"result {IMAGES} {IMAGES - stored} {stored} 0"
    assert seen(said) == IMAGES - stored
    assert len(vectors(path, "Holidays")) == IMAGES


def test_two_processes_index_different_galleries_at_once(path: Path, folder: Path) -> None:
    children = [index(path, folder, name) for name in ("One", "Two")]
    for child in children:
        assert lines(child)[-1].startswith(f"result {IMAGES} ")
    np.testing.assert_array_equal(vectors(path, "One"), vectors(path, "Two"))


def test_two_processes_index_the_same_gallery_at_once(path: Path, folder: Path) -> None:
    children = [index(path, folder, "Holidays", seconds=0.02) for _ in range(2)]
    for child in children:
        assert lines(child)[-1].startswith(f"result {IMAGES} ")
    alone = lines(index(path.with_name("alone.sqlite"), folder, "Holidays"))
    assert seen(alone) == IMAGES
    np.testing.assert_array_equal(vectors(path, "Holidays"), vectors(path.with_name("alone.sqlite"), "Holidays"))


@pytest.mark.skipif(sys.platform == "win32", reason="no file size limits")
def test_a_disk_that_fills_up_keeps_what_was_stored(path: Path, folder: Path) -> None:
    said = lines(index(path, folder, "Holidays", limit=600_000))
    assert said[-1] == "error disk_full"
    stored = len(vectors(path, "Holidays"))
    assert 0 < stored < IMAGES
    said = lines(index(path, folder, "Holidays"))
    assert said[-1] == f"result {IMAGES} {IMAGES - stored} {stored} 0"
    assert len(vectors(path, "Holidays")) == IMAGES
