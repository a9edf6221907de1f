"""Duplicates of a gallery: groups, the proposed best, resumption, extension."""

import csv
import io
import json
import shutil

import numpy as np
import pytest

from core import cli
from core.duplicates import find
from core.duplicates.candidates import MOST, near_pairs
from core.duplicates.find import find_duplicates, known_duplicates
from core.progress import JobCancelled


def smaller(image):
    return image.resize((240, 160))


@pytest.fixture
def several(drawn):
    """Two identical files of scene 1 with a smaller one, two sizes of scene 2, scene 3 once."""
    first = drawn.add("one.png", 1)
    drawn.copy(first, "a copy of one.png", 1)
    drawn.add("one small.jpg", 1, smaller)
    drawn.add("two small.jpg", 2, smaller)
    drawn.add("two.png", 2)
    drawn.add("three.png", 3)
    return drawn


def test_files_of_one_image_form_groups_the_best_first(several, home):
    result = find_duplicates(several.gallery, home.caches)
    assert sorted(several.names(result)) == [["one.png", "a copy of one.png", "one small.jpg"],
                                             ["two.png", "two small.jpg"]]
    assert (result.images, result.compared, result.unread, result.spare) == (6, 6, 0, 3)
    assert result.spare_bytes == sum(group.spare_bytes for group in result.groups) > 0
    assert several.names(result.exact) == [["one.png", "a copy of one.png"]]
    assert result.near == result  # both have files that differ
    stacks = result.stacks()
    assert {best: len(ids) for best, ids in stacks.items()} == {
        group.best.id: len(group.images) for group in result.groups}
    assert all(ids[0] == best for best, ids in stacks.items())


def test_identical_files_alone_need_no_embedding(several, home, monkeypatch):
    monkeypatch.setattr(find, "outline", None)
    result = find_duplicates(several.gallery, home.caches, near=False)
    assert several.names(result) == [["one.png", "a copy of one.png"]]
    assert result.groups[0].exact
    assert not result.near.groups


def test_a_near_embedding_is_no_duplicate_of_other_pixels(drawn, home):
    drawn.add("dog.png", 1)
    drawn.add("another dog.png", 2, like=1)
    assert not find_duplicates(drawn.gallery, home.caches).groups


def test_only_new_pictures_are_compared_again(several, home, monkeypatch):
    first = find_duplicates(several.gallery, home.caches)
    read = []
    monkeypatch.setattr(find, "outline", lambda path, limit, outline=find.outline: read.append(path.name) or
                        outline(path, limit))
    assert find_duplicates(several.gallery, home.caches).groups == first.groups
    assert known_duplicates(several.gallery, home.caches).groups == first.groups
    assert not read
    several.add("three small.jpg", 3, smaller)
    assert ["three.png", "three small.jpg"] in several.names(find_duplicates(several.gallery, home.caches))
    assert sorted(read) == ["three small.jpg", "three.png"]


def test_a_stopped_search_goes_on_where_it_stood(several, home, monkeypatch):
    monkeypatch.setattr(find, "BLOCK", 2)
    whole = find_duplicates(several.gallery, home.caches).groups
    shutil.rmtree(home.caches / "duplicates")
    seen = []

    def stop(progress):
        seen.append(progress.done)
        if progress.done >= 4:
            raise JobCancelled

    with pytest.raises(JobCancelled):
        find_duplicates(several.gallery, home.caches, stop)
    seen.clear()
    assert find_duplicates(several.gallery, home.caches, lambda progress: seen.append(progress.total)).groups == whole
    assert max(seen) == 1  # of five contents four were done


@pytest.mark.parametrize("damage", [b"", b"no archive", b"PK\x03\x04"])
def test_a_damaged_cache_is_made_again(several, home, damage):
    whole = find_duplicates(several.gallery, home.caches).groups
    file, = (home.caches / "duplicates").iterdir()
    file.write_bytes(damage)
    assert find_duplicates(several.gallery, home.caches).groups == whole


def test_a_file_that_cannot_be_read_is_counted_and_tried_again(several, home):
    kept = (several.folder / "two small.jpg").read_bytes()
    (several.folder / "two small.jpg").unlink()
    result = find_duplicates(several.gallery, home.caches)
    assert result.unread == 1
    assert len(result.groups) == 1
    (several.folder / "two small.jpg").write_bytes(kept)
    assert len(find_duplicates(several.gallery, home.caches).groups) == 2


def test_an_empty_gallery_has_none(drawn, home):
    assert find_duplicates(drawn.gallery, home.caches).groups == ()


def test_pairs_are_found_once_and_in_every_block():
    rng = np.random.default_rng(0)
    matrix = rng.standard_normal((90, 32), np.float32)
    matrix[60:] = matrix[:30] + 0.05 * matrix[60:]
    matrix /= np.linalg.norm(matrix, axis=1, keepdims=True)
    order = rng.permutation(90)
    found = [tuple(sorted(order[list(pair)].tolist())) for start in range(0, 90, 20)
             for pair in near_pairs(matrix, order, start, min(start + 20, 90), 0.9).tolist()]
    assert sorted(found) == [(row, row + 60) for row in range(30)]


def test_of_a_thousand_of_one_kind_each_has_few_pairs(monkeypatch):
    monkeypatch.setattr("core.duplicates.candidates.COLUMNS", 64)
    matrix = np.ones((300, 4), np.float32) / 2
    pairs = near_pairs(matrix, np.arange(300), 200, 300, 0.9)
    assert len(pairs) == 100 * MOST
    assert (pairs[:, 1] < pairs[:, 0]).all()


def test_the_command_lists_groups_for_people_and_programs(several, capsys):
    assert cli.main(["duplicates", "drawn"]) == 0
    out = capsys.readouterr().out
    assert "drawn: 2 groups, 0 of identical files; 3 files beyond the best of each" in out
    assert cli.main(["duplicates", "--exact", "--json"]) == 0
    gallery, = json.loads(capsys.readouterr().out)
    group, = gallery["groups"]
    assert (gallery["gallery"], group["identical"]) == ("drawn", True)
    assert [file["best"] for file in group["files"]] == [True, False]
    assert cli.main(["duplicates", "drawn", "--csv", "--near"]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert len(rows) == 5
    assert {row["identical"] for row in rows} == {"False"}
