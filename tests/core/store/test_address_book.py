"""The list of addresses: kept, forgotten, without keys, and no reason to fail."""

from pathlib import Path

import pytest

from core.errors import StoreError
from core.store import address_book


def test_addresses_are_kept_once_and_forgotten(tmp_path: Path) -> None:
    path = tmp_path / "home" / "addresses.json"
    assert address_book.read(path) == ()
    address_book.add(path, "s3://archive/museum/")
    address_book.add(path, "s3://archive/museum")
    address_book.add(path, str(tmp_path / "x" / ".." / "a.lance"))
    assert address_book.read(path) == (str(tmp_path / "a.lance"), "s3://archive/museum")
    address_book.remove(path, "s3://archive/museum")
    assert address_book.read(path) == (str(tmp_path / "a.lance"),)
    assert list(path.parent.iterdir()) == [path]


def test_an_address_with_keys_is_not_kept(tmp_path: Path) -> None:
    path = tmp_path / "addresses.json"
    for address in ("s3://key:secret@bucket/x", "s3://bucket/x?AWSAccessKeyId=key"):
        with pytest.raises(StoreError, match="holds no keys"):
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
