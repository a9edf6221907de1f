"""Datasets come in: pictures indexed in place, recordings referred to, nothing twice."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import soundfile
from PIL import Image

from core import datasets
from core.annotation.exports import ExportOptions
from core.annotation.imports import AT_ONCE
from core.errors import AnnotationError, DatasetError
from core.progress import JobCancelled, WorkStep
from core.store.records import NewTake
from tests.core.annotation.models import export_gallery, import_into
from tests.core.datasets import outside

pytestmark = pytest.mark.slow


@pytest.fixture
def spokencoco(tmp_path):
    """Four pictures, two captions each; one picture, one recording and one broken recording to miss."""
    root = tmp_path / "coco"
    (root / "images").mkdir(parents=True)
    (root / "wavs").mkdir()
    entries = []
    for number in range(4):
        if number:
            Image.new("RGB", (8, 8), (60 * number, 0, 0)).save(root / "images" / f"{number}.png")
        captions = []
        for which in range(2):
            name = f"{number}_{which}"
            sine = 0.3 * np.sin(np.arange(8000) * (number + which + 1) / 40)
            soundfile.write(root / "wavs" / f"{name}.wav", sine, 16_000)
            captions.append({"text": f"caption {name}", "speaker": f"s{which}", "uttid": name,
                             "wav": f"wavs/{name}.wav"})
        entries.append({"image": f"{number}.png", "captions": captions})
    (root / "wavs" / "1_0.wav").unlink()
    (root / "wavs" / "2_0.wav").write_bytes(b"RIFF broken")
    (root / "SpokenCOCO_val.json").write_text(json.dumps({"data": entries}))
    return root


def test_utterances_become_takes_like_those_made_here(explorer, spokencoco, home):
    result = import_into(explorer, spokencoco, "coco")
    assert (result.pictures, result.added, result.known, result.speakers) == (3, 4, 0, 2)
    assert (result.no_picture, result.no_recording, result.unspoken) == (2, 1, 0)
    [(broken, reason)] = result.failed
    assert broken == spokencoco / "wavs" / "2_0.wav" and reason
    gallery = explorer.store.gallery("coco")
    takes = explorer.store.takes(gallery.id)
    first = takes[0]
    assert (first.text, first.speaker.name, first.state, first.source) == (
        "caption 1_1", "SpokenCOCO s1", "done", "spokencoco")
    assert all(take.recording.parent == spokencoco / "wavs" and take.seconds == 0.5 for take in takes)
    assert not home.takes.exists(), "recordings stay where they are"


def test_importing_again_adds_only_what_is_new(explorer, spokencoco):
    import_into(explorer, spokencoco, "coco")
    soundfile.write(spokencoco / "wavs" / "1_0.wav", np.ones(8000) * 0.1, 16_000)
    again = import_into(explorer, spokencoco / ".." / "coco", "coco")
    assert (again.added, again.known) == (1, 4)
    assert len(explorer.store.takes(explorer.store.gallery("coco").id)) == 5


def test_takes_in_the_bin_do_not_come_back(explorer, spokencoco):
    from core.annotation.takes import Annotator

    import_into(explorer, spokencoco, "coco")
    takes = explorer.store.takes(explorer.store.gallery("coco").id)
    Annotator(explorer.store, explorer.home.takes).throw_away(takes[:1])
    assert import_into(explorer, spokencoco, "coco").added == 0


def test_a_stopped_import_goes_on_from_there(explorer, spokencoco, monkeypatch):
    monkeypatch.setattr("core.annotation.imports.AT_ONCE", 2)
    assert AT_ONCE > 2

    def stop(progress):
        if progress.step is WorkStep.READING_RECORDINGS and progress.done == 3:
            raise JobCancelled

    with pytest.raises(JobCancelled):
        import_into(explorer, spokencoco, "coco", report=stop)
    assert len(explorer.store.takes(explorer.store.gallery("coco").id)) == 1, "of the first two, one is broken"
    assert import_into(explorer, spokencoco, "coco").added == 3


def test_what_cannot_be_imported_says_why(explorer, tmp_path):
    with pytest.raises(DatasetError):
        import_into(explorer, tmp_path / "nowhere", "coco")
    (tmp_path / "pairs").mkdir()
    (tmp_path / "pairs" / "pairs.csv").write_text("image,caption,recording\nno.png,a dog,no.wav\n")
    with pytest.raises(AnnotationError) as raised:
        import_into(explorer, tmp_path / "pairs", "coco")
    assert raised.value.kind == "no_pictures"
    assert explorer.store.galleries() == []


@pytest.mark.parametrize("layout", ["spokencoco", "flickr8k"])
def test_what_came_in_goes_out_and_comes_in_again(explorer, spokencoco, tmp_path, layout):
    import_into(explorer, spokencoco, "coco")
    result = export_gallery(explorer, "coco", tmp_path / "out", ExportOptions(layout))
    assert (result.problems, result.left_out) == ((), ())
    assert import_into(explorer, tmp_path / "out", "again").added == 4
    assert {one.caption for one in datasets.load(tmp_path / "out").utterances} == {
        take.text for take in explorer.store.takes(explorer.store.gallery("again").id)}


@pytest.mark.data
def test_flickr8k_comes_in_and_goes_out_whole(explorer, development_data, tmp_path):
    """All of the development copy: its pictures are squashed, its speech is synthetic, its layout is the real one."""
    before = datasets.report(datasets.load(development_data / "flickr8k"))
    result = import_into(explorer, development_data / "flickr8k", "flickr")
    usable = sum(split.usable for split in before.splits)
    assert (result.added, result.failed) == (usable, ())
    exported = export_gallery(explorer, "flickr", tmp_path / "out", ExportOptions("flickr8k", by_speaker=True))
    assert exported.problems == ()
    loaded = datasets.load(tmp_path / "out")
    left = sum(one.count for one in exported.left_out)
    assert len(loaded.utterances) == usable - left and len({one.speaker for one in loaded.utterances}) == 13


def test_imports_at_the_same_time_store_each_take_once(explorer, spokencoco):
    import_into(explorer, spokencoco, "coco")  # pictures and speakers are there: the takes alone are raced for
    gallery = explorer.store.gallery("coco")
    takes = explorer.store.takes(gallery.id)
    new = [NewTake(take.image_id, take.speaker.id, spokencoco / "wavs" / f"more_{number}.wav", f"d{number}", 1.0)
           for take in takes for number in range(20)]
    ready = threading.Barrier(4)

    def store(_):
        ready.wait()
        return len(explorer.store.add_takes(new, once=True))

    with ThreadPoolExecutor(4) as pool:
        stored = list(pool.map(store, range(4)))
    assert sum(stored) == len({(take.image_id, take.recording) for take in new})
    kept = [(take.image_id, take.recording) for take in explorer.store.takes(gallery.id)]
    assert len(kept) == len(set(kept))


def test_an_import_that_another_one_overtook_counts_its_takes_as_known(explorer, spokencoco, monkeypatch):
    add = explorer.store.add_takes

    def overtaken(takes, once=False):
        add(takes, once=True)
        return add(takes, once=once)

    monkeypatch.setattr(explorer.store, "add_takes", overtaken)
    result = import_into(explorer, spokencoco, "coco")
    assert (result.added, result.known) == (0, 4)
    assert len(explorer.store.takes(explorer.store.gallery("coco").id)) == 4


def test_pictures_behind_links_are_said_and_followed_on_request(explorer, spokencoco, tmp_path):
    (spokencoco / "images").rename(tmp_path / "disk")
    (spokencoco / "images").symlink_to(tmp_path / "disk")
    with pytest.raises(AnnotationError, match=r"link.*Follow links") as error:
        import_into(explorer, spokencoco, "coco")
    assert error.value.kind == "links"
    assert import_into(explorer, spokencoco, "coco", follow_links=True).added == 4


def test_pictures_inside_of_tar_files_are_not_brought_in(explorer, tmp_path):
    root = outside.webdataset(tmp_path / "shards", outside.pairs())
    with pytest.raises(AnnotationError, match="lie inside of Parquet or tar files") as raised:
        import_into(explorer, root, "shards")
    assert raised.value.kind == "packed" and "shards" not in {one.name for one in explorer.store.galleries()}
