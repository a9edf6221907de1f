"""How a node comes to a model's files: its own where they are the same, else the driver's, checked."""

from dataclasses import replace
from pathlib import Path

import pytest

from core import weights
from core.cluster.model_files import FileSet, keep, located
from core.errors import ClusterError
from core.home import Home
from core.pretrained.weight_table import MINI


@pytest.fixture
def files(tmp_path: Path) -> FileSet:
    folder = tmp_path / "driver"
    folder.mkdir()
    (folder / "a.bin").write_bytes(b"a")
    (folder / "b.json").write_bytes(b"b")
    return FileSet.of(folder, ("a.bin", "b.json"))


@pytest.fixture
def elsewhere(files: FileSet) -> FileSet:
    """The same files, as a node sees them that has not the driver's folder."""
    return replace(files, folder=Path("/nowhere"))


def test_the_same_files_in_the_same_place_are_used(files: FileSet, home: Home) -> None:
    assert located(files, home) == files.folder
    (files.folder / "a.bin").write_bytes(b"other weights")
    assert located(files, home) is None


def test_what_the_driver_sends_is_kept_and_found_again(files: FileSet, elsewhere: FileSet, home: Home) -> None:
    assert located(elsewhere, home) is None
    kept = keep(elsewhere, files.contents(), home)
    assert located(elsewhere, home) == kept
    assert (kept / "a.bin").read_bytes() == b"a"
    assert kept.is_relative_to(home.caches)


def test_what_is_kept_and_was_damaged_since_is_written_anew(files: FileSet, elsewhere: FileSet, home: Home) -> None:
    kept = keep(elsewhere, files.contents(), home)
    (kept / "a.bin").write_bytes(b"damaged")
    assert located(elsewhere, home) is None
    keep(elsewhere, files.contents(), home)
    assert located(elsewhere, home) == kept


def test_bytes_that_are_not_those_that_were_named_are_refused(files: FileSet, elsewhere: FileSet, home: Home) -> None:
    with pytest.raises(ClusterError, match=r"a\.bin came damaged") as told:
        keep(elsewhere, {**files.contents(), "a.bin": b"evil"}, home)
    assert told.value.kind == "damaged"
    assert located(elsewhere, home) is None


def test_a_node_whose_disk_refuses_is_told(files: FileSet, elsewhere: FileSet, home: Home,
                                           monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("core.private_files.os.fsync", full)
    with pytest.raises(ClusterError, match="No space left") as told:
        keep(elsewhere, files.contents(), home)
    assert told.value.kind == "node_disk"
    assert not [path for path in home.caches.rglob("*") if path.suffix != ".lock" and path.is_file()]


@pytest.mark.slow
def test_weights_are_found_where_the_node_has_them(home: Home) -> None:
    own = weights.find(MINI, home)
    assert own is not None
    of_driver = FileSet.of(own.parent, (own.name,), MINI)
    assert located(replace(of_driver, folder=Path("/nowhere")), home) == own.parent
    other = replace(of_driver, folder=Path("/nowhere"), digests=((own.name, "0" * 64),))
    assert located(other, home) is None
