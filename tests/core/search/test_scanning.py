"""Finding pictures: hidden ones, links and loops, odd names, unreadable folders."""

import os
from pathlib import Path

import pytest

from core.search.scanning import scan


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
    told: list[tuple[int, int, str]] = []
    scan(tmp_path, lambda *step: told.append(step))
    assert told == [(0, 0, "Looking for pictures: 1 found")]
