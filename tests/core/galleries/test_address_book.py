"""The list of addresses: kept, forgotten, without keys, and no reason to fail."""

import sys
import threading
from pathlib import Path

import pytest
from filelock import FileLock

from core.errors import StoreError
from core.galleries import address_book


def test_addresses_are_kept_once_and_forgotten(tmp_path: Path) -> None:
    path = tmp_path / "home" / "addresses.json"
    assert address_book.read(path) == ()
    address_book.add(path, "s3://archive/museum/")
    address_book.add(path, "s3://archive/museum")
    address_book.add(path, str(tmp_path / "x" / ".." / "a.lance"))
    assert address_book.read(path) == (str(tmp_path / "a.lance"), "s3://archive/museum")
    address_book.remove(path, "s3://archive/museum")
    assert address_book.read(path) == (str(tmp_path / "a.lance"),)
    assert set(path.parent.iterdir()) <= {path, path.with_suffix(".lock")}
    assert path.stat().st_mode & 0o077 == 0 or sys.platform == "win32"


def test_an_address_with_keys_is_not_kept(tmp_path: Path) -> None:
    path = tmp_path / "addresses.json"
    for address in ("s3://key:secret@bucket/x", "s3://bucket/x?AWSAccessKeyId=key"):
        with pytest.raises(StoreError, match="must not contain keys"):
            address_book.add(path, address)
    assert not path.exists()


@pytest.mark.parametrize("content", ["", "{", '{"a": 1}', "[1, null]"])
def test_a_damaged_list_is_as_good_as_none(tmp_path: Path, content: str) -> None:
    path = tmp_path / "addresses.json"
    path.write_text(content)
    assert address_book.read(path) == ()
    address_book.add(path, "s3://archive/museum")
    assert address_book.read(path) == ("s3://archive/museum",)


def test_a_list_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreError, match="could not be kept"):
        address_book.add(tmp_path / "file" / "addresses.json", "s3://archive/museum")


def test_windows_that_add_at_once_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "addresses.json"
    added = [f"s3://archive/{number}" for number in range(12)]
    threads = [threading.Thread(target=address_book.add, args=(path, each)) for each in added]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert set(address_book.read(path)) == set(added)


def test_a_list_that_another_holds_too_long_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "addresses.json"
    monkeypatch.setattr(address_book, "LOCK_SECONDS", 0.01)
    with FileLock(path.with_suffix(".lock")), pytest.raises(StoreError, match="could not be kept"):
        address_book.add(path, "s3://archive/museum")
