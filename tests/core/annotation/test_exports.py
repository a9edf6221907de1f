"""Exports load again without a problem, whatever the gallery was; a folder is whole or not there."""

import json
import os
import shutil

import numpy as np
import pytest
import soundfile
from filelock import FileLock
from PIL import Image

from core import datasets
from core.annotation.exports import ExportOptions
from core.annotation.layouts import LAYOUTS
from core.annotation.selection import REASONS, plain_name
from core.annotation.takes import Annotator
from core.errors import AnnotationError
from core.progress import JobCancelled
from tests.core.annotation.models import export_gallery, transcribe_take

pytestmark = pytest.mark.slow

KINDS = [layout.kind for layout in LAYOUTS]


def kind_of(work):
    with pytest.raises(AnnotationError) as raised:
        work()
    return raised.value.kind


def left_out(result):
    return {one.reason: one.count for one in result.left_out}


@pytest.fixture
def target(tmp_path):
    return tmp_path / "deep" / "export"


@pytest.fixture
def described(describe):
    """Ten pictures, each by one of two speakers, the first also by the other."""
    made = [describe(picture, f"Caption {picture}: a dog, “wet” & happy", f"Speaker {picture % 2}")
            for picture in range(10)]
    return [*made, describe(0, "the same dog again", "Speaker 1")]


@pytest.mark.parametrize("layout", KINDS)
def test_an_export_loads_again_with_everything_and_no_problem(explorer, gallery, described, target, layout):
    result = export_gallery(explorer, "holidays", target, ExportOptions(layout))
    assert (result.problems, result.left_out, result.gallery) == ((), (), "Holidays")
    loaded = datasets.load(target)
    report = datasets.report(loaded)
    assert (loaded.kind, report.problems, loaded.unspoken) == (layout, (), ())
    assert {(one.caption, one.speaker) for one in loaded.utterances} == {
        (take.text, take.speaker.name.replace(" ", "-")) for take in described}
    assert {split.name: split.usable for split in report.splits} == {
        split.name: split.utterances for split in result.splits}
    assert sum(split.utterances for split in report.splits) == 11
    assert len(report.splits) == 3 and all(split.images for split in report.splits)
    assert [path.name for path in target.parent.iterdir()] == ["export"], "nothing staged is left"


@pytest.mark.parametrize("layout", KINDS)
def test_recordings_are_the_same_samples_and_pictures_the_same_bytes(explorer, folder, described, target, layout):
    export_gallery(explorer, "Holidays", target, ExportOptions(layout))
    by_caption = {one.caption: one for one in datasets.load(target).utterances}
    for take in described:
        assert np.array_equal(soundfile.read(by_caption[take.text].recording, dtype="int16")[0],
                              soundfile.read(take.recording, dtype="int16")[0])
    pictures = sorted(image.path.read_bytes() for image in datasets.load(target).images)
    assert pictures == sorted(path.read_bytes() for path in folder.iterdir())


def test_splits_are_the_same_for_the_same_seed_in_both_layouts(explorer, described, tmp_path):
    def splits(name, **options):
        export_gallery(explorer, "Holidays", tmp_path / name, ExportOptions(**options))
        return {image.image_id: image.split.replace("dev", "val") for image in datasets.load(tmp_path / name).images}

    first = splits("1", layout="spokencoco")
    assert splits("2", layout="flickr8k") == first
    assert any(splits(f"3{seed}", seed=seed) != first for seed in range(1, 4))


def test_no_speaker_is_in_two_splits_where_asked(explorer, described, target):
    result = export_gallery(explorer, "Holidays", target, ExportOptions("flickr8k", by_speaker=True))
    loaded = datasets.load(target)
    of_speaker = {}
    for one in loaded.utterances:
        assert of_speaker.setdefault(one.speaker, one.split) == one.split
    assert len(set(of_speaker.values())) == 2
    assert left_out(result) == {"crossing": 1}
    assert result.problems == ()
    assert json.loads((target / "about.json").read_text())["splits"] == "by picture and speaker"


def test_one_speaker_cannot_be_kept_apart(explorer, describe, target):
    describe(0)
    options = ExportOptions(by_speaker=True)
    assert kind_of(lambda: export_gallery(explorer, "Holidays", target, options)) == "one_speaker"
    assert not target.exists()


def test_what_is_not_confirmed_rejected_or_gone_is_left_out_with_its_reason(explorer, describe, ids, folder, target):
    describe(0, "kept")
    describe(1, "accepted in the review", state="accepted")
    describe(2, "rejected", state="rejected")
    describe(3, text="")
    describe(4, "its picture will be gone")
    describe(5, "its recording will be gone").recording.unlink()
    Annotator(explorer.store, explorer.home.takes).throw_away([describe(6, "in the bin")])
    describe(7, "its picture will be broken")
    (folder / "e.png").unlink()
    (folder / "h.png").write_bytes(b"no picture")
    result = export_gallery(explorer, "Holidays", target)
    assert left_out(result) == {"draft": 1, "rejected": 1, "no_picture": 2, "no_recording": 1}
    assert {one.caption for one in datasets.load(target).utterances} == {"kept", "accepted in the review"}
    assert result.problems == ()
    assert all(one.what == REASONS[one.reason] for one in result.left_out)
    reviewed = export_gallery(explorer, "Holidays", target.with_name("reviewed"), ExportOptions(reviewed=True))
    assert [split.utterances for split in reviewed.splits] == [1]
    assert left_out(reviewed)["unreviewed"] == 4


def test_what_was_confirmed_before_its_words_is_left_out_until_they_are_confirmed(explorer, describe, ids, a_voice,
                                                                                target):
    annotator, kept = Annotator(explorer.store, explorer.home.takes), describe(0, "kept")
    awaited, late = (annotator.confirm_unheard(annotator.record(ids[at], kept.speaker.id, a_voice(50 + at)))
                     for at in (1, 2))
    late = transcribe_take(explorer, late)
    result = export_gallery(explorer, "Holidays", target)
    assert left_out(result) == {"awaited": 1, "late": 1}
    assert [one.caption for one in datasets.load(target).utterances] == ["kept"]
    assert "words are still awaited" in REASONS["awaited"] and "not confirmed" in REASONS["late"]
    annotator.judge([late], "done")
    annotator.confirm(awaited, "typed")
    again = export_gallery(explorer, "Holidays", target.with_name("again"))
    assert left_out(again) == {}
    assert {one.caption for one in datasets.load(target.with_name("again")).utterances} == {"kept", "typed", "a dog"}


def test_nothing_to_export_leaves_nothing(explorer, gallery, describe, target):
    assert kind_of(lambda: export_gallery(explorer, "Holidays", target)) == "nothing"
    describe(0, "a dog").recording.unlink()
    assert kind_of(lambda: export_gallery(explorer, "Holidays", target)) == "nothing"
    assert list(target.parent.iterdir()) == []


def test_a_folder_with_something_in_it_is_never_touched(explorer, described, tmp_path):
    full, file, empty = tmp_path / "full", tmp_path / "file", tmp_path / "empty"
    full.mkdir()
    (full / "mine.txt").write_text("mine")
    file.write_text("mine")
    empty.mkdir()
    assert kind_of(lambda: export_gallery(explorer, "Holidays", full)) == "not_empty"
    assert kind_of(lambda: export_gallery(explorer, "Holidays", file)) == "not_a_folder"
    assert [path.name for path in full.iterdir()] == ["mine.txt"]
    assert export_gallery(explorer, "Holidays", empty).problems == ()
    assert kind_of(lambda: export_gallery(explorer, "Holidays", empty, ExportOptions("parquet"))) == "unknown_layout"


@pytest.mark.parametrize(("code", "kind"), [(28, "full"), (5, "not_written")])
def test_a_disk_that_fails_leaves_nothing_behind(explorer, described, target, monkeypatch, code, kind):
    from pathlib import Path

    write = Path.write_bytes

    def fail(path, data):
        if path.suffix == ".wav" and path.name.startswith("e"):
            raise OSError(code, os.strerror(code))
        return write(path, data)

    monkeypatch.setattr(Path, "write_bytes", fail)
    assert kind_of(lambda: export_gallery(explorer, "Holidays", target)) == kind
    assert list(target.parent.iterdir()) == []


def test_a_cancel_leaves_nothing_behind(explorer, described, target):
    def report(progress):
        if progress.done == 5:
            raise JobCancelled

    with pytest.raises(JobCancelled):
        export_gallery(explorer, "Holidays", target, report=report)
    assert list(target.parent.iterdir()) == []


@pytest.mark.parametrize("layout", KINDS)
def test_names_that_lists_cannot_hold_become_others(explorer, describe, ids, speaker, tmp_path, layout):
    place = tmp_path / "odd"
    place.mkdir()
    names = ["a b#1.png", "日本.png", "É.PNG", "same.png", "same.jpg", "Same.webp", "000000000139.jpg",
             "COCO_val2014_000000000139.jpg", os.fsdecode(b"caf\xe9.png"), "-.png"]
    for number, name in enumerate(names):
        Image.new("RGB", (8, 8), (number * 20, 0, 0)).save(place / "x.png")
        (place / "x.png").rename(place / name)
    shutil.copy(place / names[0], place / "copy of the first.png")
    explorer.index(place, "odd")
    annotator, people = Annotator(explorer.store, explorer.home.takes), ["Åsa Ö.", "Asa O.", "日本", "M K"]
    speakers = explorer.store.ensure_speakers(people)
    from core import audio

    for number, image in enumerate(explorer.gallery("odd").images()):
        voice = audio.from_samples(np.sin(np.arange(8000) * (0.05 + number / 100)), 16_000)
        take = annotator.record(image.id, speakers[people[number % 4]].id, voice)
        annotator.confirm(take, f"caption\t{number} #2 \N{LINE SEPARATOR} é")
    result = export_gallery(explorer, "odd", tmp_path / "export", ExportOptions(layout))
    assert (result.problems, result.left_out) == ((), ())
    loaded = datasets.load(tmp_path / "export")
    assert len(loaded.images) == 10, "the same picture twice is one"
    assert len({one.caption for one in loaded.utterances}) == 11
    assert len({one.speaker for one in loaded.utterances}) == 4


def test_plain_names():
    assert plain_name("Åsa Öberg (2)") == "Asa-Oberg-2"
    assert plain_name("../../etc") == "etc"
    assert plain_name("日本") == ""


@pytest.mark.parametrize("layout", KINDS)
def test_a_picture_with_a_very_long_name_stops_no_export(explorer, folder, describe, target, layout):
    name = "n" * 247 + ".png"
    describe(0, "a dog")
    (folder / "a.png").rename(folder / name)
    explorer.index(folder, "Holidays")
    result = export_gallery(explorer, "Holidays", target.with_name("t" * 240), ExportOptions(layout))
    assert sum(split.utterances for split in result.splits) == 1 and result.problems == ()


def test_what_a_killed_export_left_is_swept_and_a_running_one_is_not(explorer, describe, target):
    describe(0, "a dog")
    left, running = (target.parent / f".brewclip-export-{name}.partial" for name in ("killed", "running"))
    for each in (left, running):
        (each / "images").mkdir(parents=True)
    left.with_suffix(".lock").touch()
    with FileLock(running.with_suffix(".lock")):
        export_gallery(explorer, "Holidays", target)
        assert running.exists() and not left.exists() and not left.with_suffix(".lock").exists()
    assert target.exists()
