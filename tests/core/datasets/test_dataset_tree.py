import pytest

from core import datasets
from core.datasets.tree import LeavesFolder, Tree


@pytest.fixture
def tree(made, tmp_path):
    made.text("in/a.txt", "a")
    (tmp_path / "secret.txt").write_text("secret")
    (tmp_path / "dataset-beside").mkdir()
    (tmp_path / "dataset-beside/b.txt").write_text("b")
    return Tree(made.root)


@pytest.mark.parametrize("name", ["in/a.txt", "in\\a.txt", "./in//a.txt", "in/../in/a.txt", "x/../in/a.txt",
                                  " in/a.txt "])
def test_names_that_stay_inside(tree, name):
    assert tree.find(name) == tree.root / "in/a.txt"


@pytest.mark.parametrize("name", ["../secret.txt", "in/../../secret.txt", "/etc/passwd", "C:\\x.txt", "c:x",
                                  "..\\secret.txt", "\\\\host\\share\\x", "../dataset/in/a.txt",
                                  "../dataset-beside/b.txt"])
def test_names_that_leave(tree, name):
    with pytest.raises(LeavesFolder):
        tree.find(name)


@pytest.mark.parametrize("name", ["", "  ", "in", "in/b.txt", "in/a.txt/b", "a\0b", "x" * 5000, "\ud800.txt", ".",
                                  "~/x"])
def test_names_that_find_nothing(tree, name):
    assert tree.find(name) is None


def test_links_are_followed_inside_and_never_outside(tree, tmp_path):
    (tree.root / "good.txt").symlink_to(tree.root / "in/a.txt")
    (tree.root / "bad.txt").symlink_to(tmp_path / "secret.txt")
    (tree.root / "gone.txt").symlink_to(tmp_path / "nowhere.txt")
    (tree.root / "beside").symlink_to(tmp_path / "dataset-beside")
    (tree.root / "loop").symlink_to(tree.root / "loop")
    (tree.root / "broken.txt").symlink_to(tree.root / "in/none.txt")
    assert tree.find("good.txt") == tree.root / "good.txt"
    assert tree.find("loop") is None and tree.find("broken.txt") is None
    for name in ("bad.txt", "gone.txt", "beside/b.txt"):
        with pytest.raises(LeavesFolder):
            tree.find(name)
    assert list(tree.walk("beside", frozenset((".txt",)))) == []
    assert tree.names("beside") == []


def test_a_dataset_reached_through_a_link_is_whole(made, tmp_path):
    made.flickr8k()
    (tmp_path / "link").symlink_to(made.root)
    dataset = datasets.load(tmp_path / "link")
    assert dataset.problems == () and len(dataset.utterances) == 6


def test_a_record_whose_file_lies_outside_stays_without_it(made, found, tmp_path):
    made.flickr8k()
    wav = made.root / "flickr_audio/wavs/a_0.wav"
    wav.rename(tmp_path / "a_0.wav")
    wav.symlink_to(tmp_path / "a_0.wav")
    made.append("flickr_audio/wav2capt.txt", "../../../x.wav b.jpg #0\n/etc/hosts c.jpg #0\n")
    made.append("Flickr8k_text/Flickr_8k.trainImages.txt", "../../../etc/passwd.jpg\n")
    dataset = datasets.load(made.root)
    assert set(found(dataset)["paths that leave the folder"]) == {
        "../../../x.wav", "/etc/hosts", "../../../etc/passwd.jpg"}
    assert set(found(dataset)["symbolic links that lead out of the folder"]) == {"a_0.wav"}
    assert {u.utterance_id for u in dataset.utterances if u.recording is None} == {"a_0", "x", "hosts"}
    assert "missing recordings" not in found(dataset)
    assert datasets.report(dataset).splits[0].images == 2


def test_what_archives_leave_behind_is_no_file_of_the_dataset(made):
    made.flickr8k()
    made.text("Flicker8k_Dataset/._a.jpg", "junk")
    made.text("Flicker8k_Dataset/__MACOSX/x.jpg", "junk")
    assert datasets.load(made.root).problems == ()
