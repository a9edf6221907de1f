"""Finding pictures: hidden ones, links and loops, odd names, unreadable folders."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from core.indexing.scan import scan
from core.progress import Progress, WorkStep
from core.store.file_stamps import file_stamp


def put(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"picture")
    return path


def found(folder: Path) -> list[str]:
    return sorted(str(Path(path).relative_to(folder)) for path in scan(folder).files)


def test_pictures_are_found_at_any_depth_by_their_suffix(tmp_path: Path) -> None:
    for name in ("a.jpg", "b/c.PNG", "b/d/e.heic", "b/notes.txt", "f.jpg.part", ".hidden.jpg", ".cache/g.jpg"):
        put(tmp_path / name)
    os.mkfifo(tmp_path / "pipe.jpg")
    (tmp_path / "folder.jpg").mkdir()
    put(tmp_path / "folder.jpg" / "h.webp")
    assert found(tmp_path) == ["a.jpg", "b/c.PNG", "b/d/e.heic", "folder.jpg/h.webp"]
    stamp = scan(tmp_path).files[str(tmp_path / "a.jpg")]
    assert stamp == (7, (tmp_path / "a.jpg").stat().st_mtime_ns)


def test_links_are_followed_once_and_never_in_a_circle(tmp_path: Path) -> None:
    top = tmp_path / "top"
    put(top / "z" / "a.jpg")
    put(tmp_path / "elsewhere" / "b.jpg")
    for name, target in (("again", top / "z"), ("loop", top), ("up", tmp_path), ("other", tmp_path / "elsewhere"),
                         ("z/loop", top / "z"), ("broken", tmp_path / "nothing"), ("broken.jpg", tmp_path / "nothing")):
        (top / name).symlink_to(target)
    (top / "c.jpg").symlink_to(tmp_path / "elsewhere" / "b.jpg")
    assert found(top) == ["c.jpg", "other/b.jpg", "z/a.jpg"]


def test_the_folder_itself_may_be_a_link_or_hidden(tmp_path: Path) -> None:
    put(tmp_path / ".hidden" / "a.jpg")
    (tmp_path / "link").symlink_to(tmp_path / ".hidden")
    assert found(tmp_path / "link") == found(tmp_path / ".hidden") == ["a.jpg"]


def test_folders_that_cannot_be_looked_into_are_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path / "open" / "a.jpg")
    put(tmp_path / "locked" / "b.jpg")
    look = os.scandir

    def refuse(path: str) -> object:  # root may look into any folder
        if path.endswith("locked"):
            raise PermissionError(13, "Permission denied", path)
        return look(path)

    monkeypatch.setattr(os, "scandir", refuse)
    result = scan(tmp_path)
    assert [Path(one).name for one in result.files] == ["a.jpg"]
    assert result.unread == {str(tmp_path / "locked"): "Permission denied"}
    assert list(scan(tmp_path / "gone").unread) == [str(tmp_path / "gone")]


def test_progress_is_told_while_looking(tmp_path: Path) -> None:
    put(tmp_path / "a.jpg")
    reports: list[Progress] = []
    scan(tmp_path, reports.append)
    assert reports == [Progress(WorkStep.SCANNING, 1)]


def test_a_loop_of_links_and_a_locked_link_do_not_end_a_scan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path / "a.jpg")
    put(tmp_path / "b" / "c.jpg")
    for name in ("self", "self.jpg"):
        (tmp_path / "b" / name).symlink_to(tmp_path / "b" / name)
    for name, target in (("one", "two"), ("two", "one")):
        (tmp_path / name).symlink_to(tmp_path / target)
    result = scan(tmp_path)
    assert found(tmp_path) == ["a.jpg", "b/c.jpg"]
    assert sorted(Path(path).name for path in result.unread) == ["one", "self", "self.jpg", "two"]
    assert "symbolic links" in result.unread[str(tmp_path / "one")]


@pytest.mark.parametrize("number", [errno.EACCES, errno.EIO, errno.ESTALE, errno.ELOOP])
def test_an_entry_that_cannot_be_reached_is_listed_and_the_rest_found(tmp_path: Path, number: int,
                                                                      monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a.jpg", "bad.jpg", "c.jpg"):
        put(tmp_path / name)
    look = os.scandir

    class Entry:
        def __init__(self, entry: "os.DirEntry[str]") -> None:
            self.name, self.path, self.is_symlink, self.stat = entry.name, entry.path, entry.is_symlink, entry.stat

        def is_dir(self) -> bool:
            if self.name == "bad.jpg":
                raise OSError(number, os.strerror(number))
            return False

    @contextmanager
    def failing(path: str) -> Iterator[Iterator[Entry]]:
        with look(path) as entries:
            yield map(Entry, entries)

    monkeypatch.setattr(os, "scandir", failing)
    result = scan(tmp_path)
    assert sorted(result.files) == [str(tmp_path / "a.jpg"), str(tmp_path / "c.jpg")]
    assert result.unread == {str(tmp_path / "bad.jpg"): os.strerror(number)}


def test_a_folder_that_goes_away_half_way_keeps_what_was_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path / "a.jpg")
    look = os.scandir

    @contextmanager
    def breaking(path: str) -> Iterator[Iterator["os.DirEntry[str]"]]:
        def entries() -> Iterator["os.DirEntry[str]"]:
            with look(path) as those:
                yield from those
            raise OSError(errno.ESTALE, "Stale file handle")
        yield entries()

    monkeypatch.setattr(os, "scandir", breaking)
    result = scan(tmp_path)
    assert list(result.files) == [str(tmp_path / "a.jpg")]
    assert result.unread == {str(tmp_path): "Stale file handle"}


@pytest.mark.parametrize("moment", [-(2**63) * 10, -1, 0, 2**63, 13_600_000_000 * 10**9])
def test_times_of_any_year_become_a_stamp_that_a_store_holds(moment: int) -> None:
    assert abs(file_stamp(1, moment).mtime_ns) < 2**63
