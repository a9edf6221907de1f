import json

import pytest

from core import demo, demo_pictures
from core.errors import StoreError
from core.explorer import Explorer
from core.settings import Settings
from tests.conftest import REPOSITORY

pytestmark = pytest.mark.slow


def test_pictures_are_written_once_and_are_pictures(tmp_path):
    from core import images

    assert demo.write_pictures(tmp_path) == 23 == len(demo_pictures.names())
    before = {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    assert demo.write_pictures(tmp_path) == len(before)
    assert {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == before
    assert all(min(images.read(path).rgb.size) >= 128 for path in tmp_path.iterdir())


def test_drawing_gives_the_same_picture_each_time():
    for name, drawing in demo_pictures.DRAWN:
        assert drawing().tobytes() == drawing().tobytes(), name


def test_every_query_has_its_recording_and_its_picture():
    names = demo_pictures.names()
    for query in demo.queries():
        assert query.path.is_file()
        assert query.expected in names
    shipped = {entry.name for entry in demo.RECORDINGS.iterdir() if entry.name.endswith(".flac")}
    assert shipped == {entry["file"] for entry in json.loads((demo.RECORDINGS / "queries.json").read_text())}


def test_each_photograph_has_its_licence_in_the_notice():
    notice = (REPOSITORY / "resources" / "NOTICE").read_text()
    assert {file.name for file in demo_pictures.photographs() if f"\n{file.name}: " not in notice} == set()


def test_a_folder_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreError, match="could not be written"):
        demo.write_pictures(tmp_path / "file" / "demo")


def test_it_is_ready_only_when_all_of_it_is_indexed(home):
    explorer = Explorer(home, Settings())
    assert not demo.is_ready(explorer)
    demo.build(explorer)
    assert demo.is_ready(explorer)
    (home.demo / "house.png").unlink()
    assert not demo.is_ready(explorer)
    explorer.close()
