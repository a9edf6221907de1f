"""Where pictures come from: folders, addresses, and lists good and bad."""

import logging
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core import remote
from core.errors import DatasetError, StoreError
from core.indexing.exclusions import Exclusions
from core.indexing.reader import Reader, ReadFile, UnreadFile
from core.indexing.reconcile import RETRIED
from core.indexing.sources import scan_folder, scan_source
from core.store.records import FailedEntry, FileStamp
from core.store.repository import is_in_folder

pa = pytest.importorskip("pyarrow", reason="lists and addresses need the extra: pip install .[scale]")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    top = tmp_path / "pictures"
    for number, name in enumerate(("a.png", "sub/b.png", "sub/deep/c.png")):
        path = top / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((20, 30, 3), number * 40, np.uint8)).save(path)
    return top


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    moto_server = pytest.importorskip("moto.server", reason="the storage to test against is moto's: pip install .[dev]")
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = moto_server.ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    yield "http://{}:{}".format(*server.get_host_and_port())
    server.stop()


@pytest.fixture
def bucket(endpoint: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    boto3 = pytest.importorskip("boto3", reason="the storage to test against is moto's: pip install .[dev]")
    for name, value in (("ACCESS_KEY_ID", "a"), ("SECRET_ACCESS_KEY", "b"), ("ENDPOINT_URL", endpoint),
                        ("REGION", "us-east-1")):
        monkeypatch.setenv(f"AWS_{name}", value)
    client = boto3.client("s3", endpoint_url=endpoint)
    client.create_bucket(Bucket="archive")
    for path in folder.rglob("*.png"):
        client.put_object(Bucket="archive", Key=f"p/{path.relative_to(folder)}", Body=path.read_bytes())
    for key in ("p/.hidden/x.png", "p/notes.txt", "other/y.png"):
        client.put_object(Bucket="archive", Key=key, Body=b"x")
    return "s3://archive/p"


def csv(folder: Path, text: str) -> Path:
    path = folder / "list.csv"
    path.write_text(text, encoding="utf-8")
    return path


def stamp(path: Path) -> FileStamp:
    return FileStamp(path.stat().st_size, path.stat().st_mtime_ns)


def test_a_folder_is_looked_through_whether_path_or_address(folder: Path) -> None:
    (found,) = scan_source(folder)
    assert found.files == {str(path): stamp(path) for path in folder.rglob("*.png")} and found.whole
    assert scan_source(f"file://{folder}") == [found]


def test_an_address_is_looked_through(bucket: str, folder: Path) -> None:
    (found,) = scan_source(bucket)
    assert found.folder == "s3:/archive/p"
    assert {path: one.size for path, one in found.files.items()} == {
        f"s3:/archive/p/{path.relative_to(folder)}": path.stat().st_size for path in folder.rglob("*.png")}


def test_keys_with_an_empty_part_are_told_and_the_rest_of_their_folder_stays_known(bucket: str, endpoint: str) -> None:
    import boto3

    boto3.client("s3", endpoint_url=endpoint).put_object(Bucket="archive", Key="p/sub//x.png", Body=b"x")
    (scan,) = scan_source(bucket)
    assert list(scan.unread) == [f"{remote.stored(bucket)}/sub/(empty)"]
    assert f"{remote.stored(bucket)}/sub/b.png" in scan.files
    assert not any(is_in_folder(path, place) for path in scan.files for place in scan.unread)
    boto3.client("s3", endpoint_url=endpoint).delete_object(Bucket="archive", Key="p/sub//x.png")


def test_an_address_without_anything_is_unread(bucket: str) -> None:
    found = scan_folder(Path("s3://archive/none"))
    assert found.files == {} and "nothing at s3://archive/none" in found.unread[found.folder]
    with pytest.raises(StoreError, match="nothing at s3://archive/none") as told:
        scan_source("s3://archive/none")
    assert told.value.kind == "no_folder"


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="There is no folder") as told:
        scan_source(tmp_path / "none")
    assert told.value.kind == "no_folder"


def test_a_csv_names_paths_from_where_it_lies(folder: Path) -> None:
    (found,) = scan_source(csv(
        folder, f"id,path\n1,a.png\n2,sub/b.png\n3,{folder}/sub/deep/c.png\n4,sub/../a.png\n5,\n"))
    assert found.files == {str(path): stamp(path) for path in folder.rglob("*.png")}
    assert (found.folder, found.whole, found.absent) == (str(folder), False, ())


def test_a_parquet_file_with_stamps_spares_asking(folder: Path, bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from pyarrow import parquet

    parquet.write_table(pa.table({"url": ["s3://archive/p/a.png", "s3://archive/other/z.png"], "size": [3, 4],
                                  "mtime_ns": [5, 6]}), folder / "list.parquet")
    monkeypatch.setattr(remote, "stamp", lambda place: pytest.fail("the storage was asked"))
    (found,) = scan_source(folder / "list.parquet")
    assert found.files == {"s3:/archive/p/a.png": FileStamp(3, 5), "s3:/archive/other/z.png": FileStamp(4, 6)}
    assert found.folder == "s3:/archive"


def test_a_list_may_lie_at_an_address_and_names_what_is_beside_it(bucket: str, folder: Path, endpoint: str) -> None:
    import boto3

    boto3.client("s3", endpoint_url=endpoint).put_object(Bucket="archive", Key="p/list.csv", Body=b"file\na.png\n")
    (found,) = scan_source(f"{bucket}/list.csv")
    assert list(found.files) == ["s3:/archive/p/a.png"]


def test_files_that_a_list_names_in_vain_are_told(folder: Path) -> None:
    (found,) = scan_source(csv(folder, "path\na.png\nnone.png\n"))
    assert list(found.files) == [str(folder / "a.png")]
    assert found.absent == (str(folder / "none.png"),)
    with pytest.raises(DatasetError, match="None of the 1 pictures that the list") as told:
        scan_source(csv(folder, "path\nnone.png\n"))
    assert told.value.kind == "manifest"


@pytest.mark.parametrize("content", [
    b"path;note\r\na.png;x\r\nsub/b.png;y\r\nsub/deep/c.png;\r\n",
    b"note\tPath\nx\ta.png\ny\tsub/b.png\nz\tsub/deep/c.png\n",
    b"file|n\na.png|1\nsub/b.png|2\nsub/deep/c.png|3\n",
    b"a.png\nsub/b.png\nsub/deep/c.png\n", b"1,a.png\n2,sub/b.png\n3,sub/deep/c.png\n",
    b"id;picture\n1;a.png\n2;sub/b.png\n3;sub/deep/c.png\n",
    b"path\na.png\nsub\\b.png\nsub\\deep\\c.png\n",
    b"path\nC:\\Users\\me\\pictures\\a.png\nC:\\Users\\me\\pictures\\sub\\b.png\nD:\\sub\\deep\\c.png\n",
    "path;note\na.png;\xfcber\nsub/b.png;\nsub/deep/c.png;x\n".encode("latin-1"),
    "path;note\na.png;\xfcber\nsub/b.png;\nsub/deep/c.png;x\n".encode("utf-16"),
    "path\na.png\nsub/b.png\nsub/deep/c.png\n".encode("utf-16-le"),
    "path\na.png\nsub/b.png\nsub/deep/c.png".encode("utf-8-sig"),
    b'"path","note"\n"a.png","one, two"\n"sub/b.png",""\n"sub/deep/c.png","x\ny"\n',
    b"path,size,mtime_ns\na.png,inf,1\nsub/b.png,,\nsub/deep/c.png,x,y\n"])
def test_lists_as_spreadsheets_and_scripts_write_them_are_read(folder: Path, content: bytes,
                                                               monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)  # a list in CSV needs no extra
    path = folder / "list.csv"
    path.write_bytes(content)
    (found,) = scan_source(path)
    assert found.files == {str(path): stamp(path) for path in folder.rglob("*.png")}
    assert found.absent == ()


def test_names_with_umlauts_are_found_from_any_encoding(folder: Path) -> None:
    name = "gr\xfcn.png"
    (folder / "a.png").rename(folder / name)
    for encoding in ("utf-8", "utf-16", "cp1252"):
        (folder / "list.csv").write_bytes(f"path;note\n{name};x\n".encode(encoding))
        (found,) = scan_source(folder / "list.csv")
        assert list(found.files) == [str(folder / name)]


def test_one_picture_is_a_source_and_another_file_is_none(folder: Path) -> None:
    (found,) = scan_source(folder / "a.png")
    assert found.files == {str(folder / "a.png"): stamp(folder / "a.png")}
    (folder / "notes.txt").write_text("x")
    with pytest.raises(StoreError, match="neither a folder, nor a picture"):
        scan_source(folder / "notes.txt")


def test_what_is_passed_over_and_left_out_is_counted(folder: Path) -> None:
    for name in ("a.DNG", "sub/b.cr2", "sub/c.cr2", "@eaDir/a.png/x.jpg", "sub/node_modules/y.png", "sub/a_small.png"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"x")
    (found,) = scan_source(folder, exclude=Exclusions.of("@eadir; node_modules", ["*_small.*", "sub/deep"]))
    assert sorted(Path(path).name for path in found.files) == ["a.png", "b.png"]
    assert found.passed == {".cr2": 2, ".dng": 1}
    assert found.excluded == {"@eadir": 1, "node_modules": 1, "*_small.*": 1, "sub/deep": 1}
    (inner,) = scan_source(folder / "@eaDir", exclude=Exclusions.of("@eaDir"))  # chosen by name: never left out
    assert len(inner.files) == 1


def test_patterns_hold_at_an_address_too(bucket: str) -> None:
    (found,) = scan_source(bucket, exclude=Exclusions.of("deep"))
    assert [Path(path).name for path in found.files] == ["a.png", "b.png"]
    assert found.excluded == {"deep": 1}


@pytest.mark.parametrize("address", [
    "s3://KEY:HUSH@archive/p", "s3:/KEY:HUSH@archive/p", "s3://KEY:HU/SH@archive/p", "s3://archive/p#HUSH",
    "s3://archive/p?X-Amz-Signature=HUSH", "https://host/p.png?Signature=HUSH", "gs://archive/p?token=HUSH",
    "s3://HUSH@archive/p"])
def test_keys_in_an_address_are_refused_and_shown_nowhere(address: str) -> None:
    with pytest.raises(StoreError) as told:
        scan_source(address)
    assert told.value.kind == "scheme"
    assert "HU" not in str(told.value) and "SH" not in str(told.value)
    assert "AWS_ACCESS_KEY_ID" in str(told.value)
    if "#" not in address:
        assert "HU" not in remote.shown(address)


def test_keys_in_a_list_are_refused_and_odd_names_are_not(folder: Path, bucket: str) -> None:
    with pytest.raises(StoreError) as told:
        scan_source(csv(folder, "url\ns3://KEY:HUSH@archive/p/a.png\n"))
    assert "HUSH" not in str(told.value)
    (folder / "a#1?.png").write_bytes(b"x")
    (found,) = scan_source(csv(folder, "path\na#1?.png\n"))
    assert len(found.files) == 1


@pytest.mark.parametrize("source", ["s3://archive/p", "s3://archive/list.csv", "list.parquet"])
def test_without_the_extra_addresses_are_one_sentence(folder: Path, source: str,
                                                      monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "list.parquet").write_bytes(b"PAR1")
    monkeypatch.chdir(folder)
    for name in ("pyarrow", "pyarrow.fs", "pyarrow.parquet"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(StoreError, match="Arrow, which is not installed") as told:
        scan_source(source)
    assert told.value.kind == "no_extra"


def test_pictures_that_lie_apart_get_folders_apart(folder: Path, bucket: str) -> None:
    found = scan_source(csv(folder, f"path\n{folder}/a.png\ns3://archive/p/a.png\n"))
    assert [one.folder for one in found] == [str(folder), "s3:/archive/p"]


@pytest.mark.parametrize("text, said", [
    ("a,b\n1,2\n", "no column of paths that could be told by its name; it has a, b"),
    ("path\n", "names no picture"), ("path,size\n,3\n", "names no picture"), ("", "cannot be read"),
    ("\x00\x01\x02\x03 no text", "cannot be read"),
])
def test_a_list_that_is_none_is_told(folder: Path, text: str, said: str) -> None:
    with pytest.raises(DatasetError, match=said) as told:
        scan_source(csv(folder, text))
    assert told.value.kind == "manifest"


def test_a_column_can_be_named_and_must_be_there(folder: Path) -> None:
    path = csv(folder, "a,b\nx,a.png\n")
    assert list(scan_source(path, "b")[0].files) == [str(folder / "a.png")]
    with pytest.raises(DatasetError, match="no column 'c'; it has a, b"):
        scan_source(path, "c")


@pytest.mark.parametrize("content", [b"", b"no parquet", b"PAR1 cut off"])
def test_a_damaged_parquet_file_is_told(folder: Path, content: bytes) -> None:
    (folder / "list.parquet").write_bytes(content)
    with pytest.raises(DatasetError, match="cannot be read") as told:
        scan_source(folder / "list.parquet")
    assert told.value.kind == "manifest"


def test_a_column_of_numbers_holds_no_paths(folder: Path) -> None:
    from pyarrow import parquet

    parquet.write_table(pa.table({"path": [1, 2]}), folder / "list.parquet")
    with pytest.raises(DatasetError, match="int64 in its column 'path'"):
        scan_source(folder / "list.parquet")


def test_a_list_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="There is no list"):
        scan_source(tmp_path / "none.csv")


def test_a_folder_named_like_a_list_is_a_folder(folder: Path) -> None:
    (folder / "odd.csv").mkdir()
    assert scan_source(folder / "odd.csv")[0].whole


def reader(**more: object) -> Reader:
    return Reader("centre", 8, 200, lambda hashes: set(), **more)


def test_a_picture_at_an_address_is_read_once(bucket: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    real = remote.read
    monkeypatch.setattr(remote, "read", lambda place: asked.append(str(place)) or real(place))
    addresses = ["s3:/archive/p/a.png", "s3:/archive/p/sub/b.png"]
    here = reader().read([str(folder / "a.png"), str(folder / "sub/b.png")])
    there = reader().read(addresses)
    assert asked == addresses
    for one, other in zip(here, there, strict=True):
        assert isinstance(one, ReadFile) and isinstance(other, ReadFile)
        assert (one.content_hash, one.facts, other.content) == (other.content_hash, other.facts, None)
        np.testing.assert_array_equal(one.pixels, other.pixels)


def test_what_an_address_lacks_or_holds_broken_costs_nothing_else(bucket: str, endpoint: str) -> None:
    import boto3

    client = boto3.client("s3", endpoint_url=endpoint)
    client.put_object(Bucket="archive", Key="p/empty.png", Body=b"")
    client.put_object(Bucket="archive", Key="p/text.png", Body=b"no picture at all")
    gone, empty, text, good = reader().read([f"s3:/archive/p/{name}.png" for name in ("none", "empty", "text", "a")])
    assert gone == UnreadFile("s3:/archive/p/none.png", vanished=True)
    assert isinstance(empty, FailedEntry) and isinstance(text, FailedEntry) and isinstance(good, ReadFile)
    assert (empty.kind, text.kind) == ("empty", "not_an_image")


def test_an_object_that_changes_while_it_is_read_is_left_to_the_next_run(bucket: str, monkeypatch: pytest.MonkeyPatch
                                                                         ) -> None:
    monkeypatch.setattr(remote, "read", lambda place: b"another one")
    assert reader().read(["s3:/archive/p/a.png"]) == [UnreadFile("s3:/archive/p/a.png", vanished=False)]


def test_a_storage_that_fails_in_the_middle_is_a_failure_that_is_tried_again(bucket: str,
                                                                             monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(place: str) -> bytes:
        raise StoreError("It does not answer.", "unreachable")

    monkeypatch.setattr(remote, "read", fail)
    (found,) = reader().read(["s3:/archive/p/a.png"])
    assert isinstance(found, FailedEntry)
    assert found.kind == "unreadable" and found.kind in RETRIED


def test_without_keys_the_run_ends_and_no_picture_is_blamed(bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    with pytest.raises(StoreError) as told:
        reader().read(["s3:/archive/p/a.png"])
    assert told.value.kind == "no_credentials"
