"""Datasets whose files lie behind links, are spelled otherwise, or lie one folder deeper."""

import numpy as np
import pytest
import soundfile
from PIL import Image

from core import datasets
from core.datasets.tree import LinkLeavesFolder, Tree
from core.errors import DatasetError

ROWS = ("val2017/000000000001.jpg", "val2017/000000000002.jpg")


def _picture(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (8, 8), "red").save(path, format="JPEG")


def _recording(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, np.zeros(1600, np.float32), 16000)


@pytest.fixture
def folder(tmp_path):
    """A list of two pairs with recordings; pictures are for each test to place."""
    made = tmp_path / "dataset"
    made.mkdir()
    rows = [f"{name},a red thing,wavs/{number}.wav" for number, name in enumerate(ROWS)]
    (made / "list.csv").write_text("\n".join(["image,caption,audio", *rows]))
    for number in range(len(ROWS)):
        _recording(made / "wavs" / f"{number}.wav")
    return made


def _keys(found):
    return {problem.key: problem.count for problem in found.problems}


def _usable(found):
    return sum(split.usable for split in found.splits)


@pytest.fixture
def linked(folder, tmp_path):
    for name in ROWS:
        _picture(tmp_path / "disk" / name)
    (folder / "val2017").symlink_to(tmp_path / "disk" / "val2017")
    return folder


def test_the_report_says_link_and_what_to_do(linked):
    found = datasets.inspect(linked)
    words = "\n".join(datasets.describe(found))
    assert _usable(found) == 0 and _keys(found)["links_out"] >= 2 and "leaves" not in _keys(found)
    assert "symbolic link" in words and "Follow links" in words


def test_followed_links_are_opened_and_the_choice_is_kept(linked):
    found = datasets.inspect(linked, follow_links=True)
    assert _usable(found) == 2 and "links_out" not in _keys(found)
    assert datasets.load(linked, follow_links=True).follow_links and not datasets.load(linked).follow_links


def test_following_links_opens_no_name_that_climbs_out(linked, tmp_path):
    _picture(tmp_path / "secret.jpg")
    (linked / "list.csv").write_text(f"image,caption,audio\n../secret.jpg,a,wavs/0.wav\n{tmp_path}/secret.jpg,b,x.wav")
    found = datasets.load(linked, follow_links=True)
    assert _keys(found)["leaves"] == 2 and all(image.path is None for image in found.images)


@pytest.mark.parametrize("name", ["Flickr8k.token.txt", "SpokenCOCO_test.json",
                                  "coco_val_localized_narratives.jsonl", "list.csv", "Actor_01"])
def test_a_list_behind_a_link_is_named_as_such(name, tmp_path):
    made, disk = tmp_path / "made", tmp_path / "disk"
    made.mkdir()
    disk.mkdir()
    (disk / name).mkdir() if name == "Actor_01" else (disk / name).write_text("image,caption\na.jpg,a dog\n")
    (made / name).symlink_to(disk / name)
    with pytest.raises(DatasetError, match=r"link.*Follow links"):
        datasets.load(made)


def test_a_loop_of_links_is_a_missing_file(folder):
    (folder / "val2017").symlink_to(folder / "val2017")
    for follow in (False, True):
        assert _usable(datasets.inspect(folder, follow_links=follow)) == 0


def test_a_link_within_the_folder_is_no_finding(folder):
    for name in ROWS:
        _picture(folder / "pictures" / name.split("/")[1])
    (folder / "val2017").symlink_to("pictures")
    assert _usable(datasets.inspect(folder)) == 2


@pytest.mark.parametrize(("place", "key"), [("val2017/{stem}.JPG", "other_spelling"),
                                            ("Val2017/{stem}.jpg", "other_spelling"),
                                            ("val2017/val2017/{stem}.jpg", "doubled_folder")])
def test_files_spelled_otherwise_or_one_folder_deeper_are_found_and_listed(folder, place, key):
    for name in ROWS:
        _picture(folder / place.format(stem=name.split("/")[1][:-4]))
    found = datasets.inspect(folder)
    assert _usable(found) == 2 and _keys(found)[key] == 2
    assert "missing_picture" not in _keys(found)


def test_a_spelling_that_two_files_share_is_not_guessed(folder):
    for ending in ("JPG", "Jpg"):
        _picture(folder / "val2017" / f"000000000001.{ending}")
    found = datasets.load(folder)
    assert _keys(found)["missing_picture"] == 2


def test_a_tree_tells_links_from_climbing(linked):
    with pytest.raises(LinkLeavesFolder):
        Tree(linked).find(ROWS[0])
    assert Tree(linked, follow_links=True).find(ROWS[0]) == linked / ROWS[0]
