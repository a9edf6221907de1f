"""A gallery on object storage: a server on the loopback, keys, connections that are cut, and what is said of it."""

import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from core.errors import StoreError
from core.fingerprint import Fingerprint
from core.galleries import copy as copying
from core.galleries.backends import open_gallery
from core.galleries.lance import connection, write_lease
from core.galleries.lance.gallery import LanceGallery
from core.store.records import DecodedImageFacts, FileStamp, Filter, IndexedFile
from core.store.store import Store
from tests.core.galleries.storage import Door, served

pytestmark = pytest.mark.cluster

pytest.importorskip("lancedb", reason="addresses need the extra: pip install .[scale]")
pytest.importorskip("moto.server", reason="the storage to test against is moto's: pip install .[dev]")
boto3 = pytest.importorskip("boto3", reason="the storage to test against is moto's: pip install .[dev]")

KEY, SECRET = "the-key-of-somebody", "a-secret-that-nobody-may-read"
PRINT = Fingerprint.of({"backbone": "fake", "crop": "centre"})
ADDRESS = "s3://archive/museum/gallery"


@pytest.fixture(scope="module")
def storage() -> Iterator[str]:
    with served() as address:
        yield address


@pytest.fixture
def door(storage: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Door]:
    door = Door(storage)
    for name, value in (("AWS_ACCESS_KEY_ID", KEY), ("AWS_SECRET_ACCESS_KEY", SECRET), ("AWS_REGION", "us-east-1"),
                        ("AWS_ENDPOINT_URL", door.endpoint)):
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(connection, "RETRY_S", 2)
    client = boto3.client("s3", endpoint_url=storage)
    client.create_bucket(Bucket="archive")
    yield door
    for found in client.list_objects_v2(Bucket="archive").get("Contents", []):
        client.delete_object(Bucket="archive", Key=found["Key"])
    door.close()


def entries(start: int, count: int) -> list[IndexedFile]:
    vectors = np.eye(4, dtype=np.float32)
    return [IndexedFile(f"s3:/archive/pictures/{number}.jpg", FileStamp(10, 1), number.to_bytes(32, "big"),
                  DecodedImageFacts(4, 3, None), vectors[number % 4]) for number in range(start, start + count)]


@pytest.fixture
def place(door: Door) -> LanceGallery:
    place = LanceGallery.open(ADDRESS, create=True)
    place.add_folder(Path("s3://archive/pictures"))
    place.record(PRINT, entries(0, 20))
    return place


def refused(work: Callable[[], object]) -> StoreError:
    """The error of something that must not work; neither it nor its traceback holds a key."""
    with pytest.raises(StoreError) as raised:
        work()
    told = "".join(traceback.format_exception(raised.value)) + repr(raised.value.__dict__)
    assert SECRET not in told
    assert KEY not in told
    return raised.value


def test_a_gallery_on_object_storage(place: LanceGallery, tmp_path: Path) -> None:
    again = LanceGallery.open(ADDRESS + "/")
    assert again.info.folders == (Path("s3:/archive/pictures"),)
    assert len(again.images()) == 20
    assert len(again.filter_ids(Filter(folder=Path("s3://archive/pictures")))) == 20
    assert sum(len(ids) for ids, _ in again.vectors(PRINT.hash)) == 20
    again.add_tag([again.images()[0].id], "beach")
    again.optimize()
    assert place.tags() == [("beach", 1)]
    with_files = list(tmp_path.rglob("*"))
    assert with_files == []


def test_keys_are_nowhere_but_in_the_environment(place: LanceGallery, door: Door, tmp_path: Path) -> None:
    store = Store.open(tmp_path / "home" / "store.sqlite")
    copying.copy_gallery(open_gallery(store, ADDRESS), open_gallery(store, "here", create=True))
    copying.copy_gallery(open_gallery(store, "here"), open_gallery(store, str(tmp_path / "copy.lance"), create=True))
    shown = f"{place!r} {vars(place)!r} {store!r} {vars(store)!r} {place.info!r}"
    store.close()
    for secret in (KEY, SECRET):
        assert secret not in shown
        assert not [one for one in tmp_path.rglob("*") if one.is_file() and secret.encode() in one.read_bytes()]
    kept = boto3.client("s3", endpoint_url=f"http://{door.host}")
    for found in kept.list_objects_v2(Bucket="archive")["Contents"]:
        body = kept.get_object(Bucket="archive", Key=found["Key"])["Body"].read()
        assert SECRET.encode() not in body
        assert KEY.encode() not in body


def test_a_log_holds_no_key(place: LanceGallery) -> None:
    code = ("import sys, logging; logging.basicConfig(level=logging.DEBUG)\n"
            "from core.galleries.lance.gallery import LanceGallery\n"
            f"place = LanceGallery.open({ADDRESS!r}); print(len(place.images()))\n"
            "try: LanceGallery.open('s3://nowhere/x')\n"
            "except Exception: import traceback; traceback.print_exc()")
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "20"
    assert "There is no bucket" in ran.stderr
    assert not any(secret in ran.stdout + ran.stderr for secret in (KEY, SECRET))


def test_a_wrong_bucket_no_gallery_and_files_of_others(door: Door) -> None:
    error = refused(lambda: LanceGallery.open("s3://nowhere/gallery", create=True))
    assert error.kind == "not_there"
    assert str(error) == "There is no bucket for s3://nowhere/gallery. Is the address right?"
    assert refused(lambda: LanceGallery.open("s3://archive/nothing")).kind == "no_gallery"
    boto3.client("s3", endpoint_url=door.endpoint).put_object(Bucket="archive", Key="mine/a.txt", Body=b"mine")
    assert refused(lambda: LanceGallery.open("s3://archive/mine", create=True)).kind == "not_a_gallery"


def test_no_keys_and_no_rights(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    door.denies = True
    error = refused(lambda: LanceGallery.open(ADDRESS, create=True))
    assert error.kind == "no_rights"
    assert "AWS_ACCESS_KEY_ID" in str(error)
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    assert refused(lambda: LanceGallery.open(ADDRESS)).kind == "no_credentials"


def test_a_storage_that_does_not_answer(place: LanceGallery, door: Door) -> None:
    door.refuses = lambda method, path: True
    assert refused(lambda: place.images()).kind == "unreachable"
    assert refused(lambda: place.record(PRINT, entries(20, 5))).kind == "unreachable"
    assert refused(lambda: LanceGallery.open(ADDRESS)).kind == "unreachable"


@pytest.mark.parametrize("table, what", [("pictures", "data"), (f"vectors_{PRINT.hash}", "_versions"),
                                         ("gallery", "_versions")])
def test_a_connection_that_is_cut_in_the_middle_of_a_write(place: LanceGallery, door: Door, table: str,
                                                           what: str) -> None:
    """What was stored before stays, the same write again stores the rest, and nothing is there twice."""
    started = len(door.seen)

    def refuses(method: str, path: str) -> bool:
        return method in ("PUT", "POST") and f"/{table}.lance/{what}/" in path and len(door.seen) > started + 10

    door.refuses = refuses
    batch = entries(15, 20)
    while_cut = refused(lambda: place.record(PRINT, batch) and place.record(PRINT, entries(0, 3)))
    assert while_cut.kind == "unreachable"
    door.refuses = lambda method, path: False
    write_lease._own.clear()  # as in the next run, after this process is gone
    again = LanceGallery.open(ADDRESS)
    assert {one.path.name for one in again.images()} >= {f"{number}.jpg" for number in range(20)}
    again.record(PRINT, batch)
    assert sorted(int(one.path.stem) for one in again.images()) == list(range(35))
    assert all(one.embedded for one in again.known_images(PRINT.hash, Path("s3:/archive")).values())
