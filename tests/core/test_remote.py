"""Files at addresses: a storage on the loopback, and every way in which it can refuse."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from core import remote
from core.errors import StoreError
from tests.core.galleries.storage import served

pytest.importorskip("pyarrow", reason="addresses need the extra: pip install .[scale]")
pytest.importorskip("moto.server", reason="the storage to test against is moto's: pip install .[dev]")
boto3 = pytest.importorskip("boto3", reason="the storage to test against is moto's: pip install .[dev]")

SECRET = "a-secret-that-nobody-may-read"


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    with served() as address:
        yield address


@pytest.fixture
def bucket(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "somebody")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    client = boto3.client("s3", endpoint_url=endpoint)
    client.create_bucket(Bucket="archive")
    for key, content in (("b.jpg", b"bb"), ("2024/a b.jpg", b"a"), ("2024/deep/c.jpg", b"ccc"), ("other/d.jpg", b"d")):
        client.put_object(Bucket="archive", Key=f"pictures/{key}", Body=content)
    return "s3://archive/pictures"


@pytest.mark.parametrize("text, address, here", [
    ("s3://bucket/key", True, None), ("s3:/bucket/key", True, None), ("file:///data/x", True, Path("/data/x")),
    ("gs://bucket/key", True, None), ("/data/x", False, Path("/data/x")), ("C:/data", False, Path("C:/data")),
    ("holidays", False, Path("holidays")), ("s3", False, Path("s3")),
])
def test_an_address_is_told_from_a_path(text: str, address: bool, here: Path | None) -> None:
    assert (remote.is_address(text), remote.local(text)) == (address, here)


def test_an_address_survives_pathlib() -> None:
    kept = remote.stored("s3://bucket/a b/c.jpg")
    assert kept == str(Path("s3://bucket/a b/c.jpg"))
    assert remote.is_address(kept)
    assert remote.shown(kept) == "s3://bucket/a b/c.jpg"
    assert remote.shown(Path("file:///x/y")) == "file:///x/y"


@pytest.mark.slow
def test_keys_with_an_empty_name_are_not_walked_for_ever(bucket: str, endpoint: str) -> None:
    client = boto3.client("s3", endpoint_url=endpoint)
    client.create_bucket(Bucket="odd")
    for key in ("a.jpg", "/b.jpg", "c//d.jpg", "c/e.jpg", "c//f//g.jpg"):
        client.put_object(Bucket="odd", Key=f"top/{key}", Body=b"x")
    skipped: dict[str, str] = {}
    assert [file.address for file in remote.list_files("s3://odd/top", skipped)] == [
        "s3://odd/top/a.jpg", "s3://odd/top/c/e.jpg"]
    assert list(skipped) == ["s3:/odd/top/(empty)", "s3:/odd/top/c/(empty)"]


def test_a_listing_goes_to_any_depth_and_keeps_to_its_folder(bucket: str) -> None:
    found = list(remote.list_files(bucket))
    assert {one.address: one.size for one in found} == {
        "s3://archive/pictures/b.jpg": 2, "s3://archive/pictures/2024/a b.jpg": 1,
        "s3://archive/pictures/2024/deep/c.jpg": 3, "s3://archive/pictures/other/d.jpg": 1}
    assert all(one.mtime_ns > 1_500_000_000 * 10 ** 9 for one in found)
    assert [one.address for one in remote.list_files(f"{bucket}/2024/deep/")] == [
        "s3://archive/pictures/2024/deep/c.jpg"]


def test_reading_works_from_both_forms_of_an_address(bucket: str) -> None:
    assert remote.read(f"{bucket}/2024/deep/c.jpg") == b"ccc"
    assert remote.read(remote.stored(f"{bucket}/2024/a b.jpg")) == b"a"
    with remote.open_input(f"{bucket}/2024/deep/c.jpg") as file:
        file.seek(1)
        assert file.read() == b"cc"


def test_the_stamp_is_that_of_the_listing(bucket: str) -> None:
    listed = next(remote.list_files(f"{bucket}/other"))
    assert remote.stamp(listed.address) == listed
    assert remote.stamp(f"{bucket}/none.jpg") is None
    assert remote.stamp(bucket) is None


def test_a_folder_of_this_computer_can_be_written_as_an_address(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "x.jpg").write_bytes(b"xy")
    expected = [(str(tmp_path / "sub" / "x.jpg"), 2, os.stat(tmp_path / "sub" / "x.jpg").st_mtime_ns)]
    assert list(remote.list_files(f"file://{tmp_path}")) == expected
    assert list(remote.list_files(tmp_path)) == expected
    assert remote.read(f"file://{tmp_path}/sub/x.jpg") == b"xy"


@pytest.mark.parametrize("place", ["s3://archive/nothing", "s3://no-such-bucket/x", "s3://"])
def test_what_is_not_there_is_told(bucket: str, place: str) -> None:
    with pytest.raises(StoreError) as told:
        list(remote.list_files(place))
    assert told.value.kind == "not_there"


@pytest.mark.parametrize("place", ["s3://archive/nothing.jpg", "s3://no-such-bucket/x.jpg", "s3://"])
def test_a_file_that_is_not_there_is_told(bucket: str, place: str) -> None:
    with pytest.raises(StoreError) as told:
        remote.read(place)
    assert told.value.kind == "not_there"


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="nothing at") as told:
        list(remote.list_files(tmp_path / "none"))
    assert told.value.kind == "not_there"


def test_without_keys_it_says_which_are_needed(bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(StoreError, match="AWS_SECRET_ACCESS_KEY") as told:
        remote.read(f"{bucket}/b.jpg")
    assert told.value.kind == "no_credentials"


@pytest.mark.slow
def test_a_storage_that_is_not_there_is_told(bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{free.getsockname()[1]}")
    with pytest.raises(StoreError, match="AWS_ENDPOINT_URL") as told:
        remote.read(f"{bucket}/b.jpg")
    assert told.value.kind == "unreachable"
    assert SECRET not in str(told.value)


@pytest.mark.parametrize("said, kind", [
    (f"When reading: AWS Error ACCESS_DENIED during HeadObject: key somebody/{SECRET}", "no_rights"),
    ("AWS Error UNKNOWN (HTTP status 403) during HeadObject operation: No response body.", "no_rights"),
    ("AWS Error PERMANENT_REDIRECT", "unreachable"), ("AWS Error NETWORK_CONNECTION: curlCode: 7", "unreachable"),
])
def test_what_a_storage_answers_never_reaches_the_user(said: str, kind: str) -> None:
    with pytest.raises(StoreError) as told, remote._store_errors("s3://archive/x"):
        raise OSError(said)
    assert told.value.kind == kind
    assert SECRET not in str(told.value) and told.value.__suppress_context__


def test_a_kind_of_address_that_is_not_read_is_told() -> None:
    with pytest.raises(StoreError, match="s3://") as told:
        remote.read("gs://bucket/x.jpg")
    assert told.value.kind == "scheme"


def test_without_the_extra_it_says_how_to_get_it(bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(StoreError, match=r"pip install .\[scale\]") as told:
        list(remote.list_files(bucket))
    assert told.value.kind == "no_extra"


def test_arrow_is_not_imported_for_nothing() -> None:
    code = "import sys; from core import remote; remote.is_address('s3://x/y'); assert 'pyarrow' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
