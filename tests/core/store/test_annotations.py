"""Speakers, takes and places: kept, changed, thrown away, and found again after their gallery went."""

import dataclasses
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from core.errors import StoreError
from core.fingerprint import Fingerprint
from core.galleries.backends import open_gallery
from core.galleries.gallery import Gallery
from core.store.records import AnnotatingRecord, IndexedFile, NewTake, TakeRecord
from core.store.store import Store

REPOSITORY = Path(__file__).resolve().parents[3]


def kind_of(work: Callable[[], object]) -> str:
    with pytest.raises(StoreError) as raised:
        work()
    return raised.value.kind


@pytest.fixture
def images(store: Store, gallery: Gallery, fingerprint: Fingerprint,
           entry: Callable[..., IndexedFile]) -> list[int]:
    gallery.record(fingerprint, [entry(f"{number}.jpg", number) for number in (1, 2, 3)])
    return [image.id for image in gallery.images()]


@pytest.fixture
def make_take(store: Store, images: list[int]) -> Callable[..., TakeRecord]:
    """Stores a take: which picture, which recording, anything else of NewTake."""

    def make(picture: int = 0, digest: str = "aa", speaker: str = "M.K.", **others: object) -> TakeRecord:
        who = store.ensure_speakers([speaker])[speaker]
        path = store.database.path.parent / "takes" / f"{digest}.flac"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"fLaC")
        made = NewTake(images[picture], who.id, others.pop("recording", path), digest, 2.0, **others)  # type: ignore[arg-type]
        return store.add_takes([made])[0]

    return make


def test_speakers_are_told_apart_by_name_in_any_case(store: Store) -> None:
    first = store.add_speaker("  M. K. ", "de", "signed on paper")
    assert (first.name, first.language, first.consent) == ("M. K.", "de", "signed on paper")
    assert kind_of(lambda: store.add_speaker("m. k.")) == "exists"
    for name in ("", " ", "x" * 101, "a\0b"):
        assert kind_of(lambda name=name: store.add_speaker(name)) == "bad_name"
    second = store.add_speaker("A.B.")
    assert store.speakers() == [second, first]
    store.change_speaker(second.id, "A.C.", "en", "")
    assert [one.name for one in store.speakers()] == ["A.C.", "M. K."]
    assert kind_of(lambda: store.change_speaker(second.id, "M. K.", "", "")) == "exists"


def test_speakers_of_a_dataset_are_made_once(store: Store) -> None:
    known = store.add_speaker("Voice 1", "en", "asked")
    found = store.ensure_speakers(["voice 1", "voice 2"])
    assert found["voice 1"] == known
    assert store.ensure_speakers(["voice 2"]) == {"voice 2": found["voice 2"]}
    assert store.ensure_speakers([]) == {}


def test_a_take_is_listed_with_its_picture_and_speaker(store: Store, gallery: Gallery, images: list[int],
                                                       make_take: Callable[..., TakeRecord]) -> None:
    first, second = make_take(0, "aa", text="a dog"), make_take(1, "bb", speaker="A.B.", warning="Too loud.")
    assert store.takes(gallery.id) == [first, second]
    assert store.takes(gallery.id, [images[1]]) == [second]
    assert (first.image_id, first.text, first.state, first.speaker.name) == (images[0], "a dog", "draft", "M.K.")
    assert (second.warning, second.heard, second.binned) == ("Too loud.", None, None)
    assert first.recording == store.database.path.parent / "takes" / "aa.flac"
    assert store.takes_by_id([second.id, 999]) == [second]


def test_recordings_move_with_the_stores_folder_and_the_users_own_stay(store: Store, tmp_path: Path, images: list[int],
                                                                      make_take: Callable[..., TakeRecord]) -> None:
    ours, theirs = make_take(0, "aa"), make_take(0, "bb", recording=Path("/data/caf\udce9.wav"))
    store.close()
    folder = store.database.path.parent.rename(tmp_path / "moved")
    found = {take.id: take.recording for take in Store.open(folder / "store.sqlite").takes_by_id([ours.id, theirs.id])}
    assert found == {ours.id: folder / "takes" / "aa.flac", theirs.id: Path("/data/caf\udce9.wav")}


def test_takes_are_stored_all_or_none(store: Store, gallery: Gallery, images: list[int]) -> None:
    speaker = store.add_speaker("M.K.")
    takes = [NewTake(images[0], speaker.id, Path("/a"), "a", 1.0), NewTake(999, speaker.id, Path("/b"), "b", 1.0)]
    assert kind_of(lambda: store.add_takes(takes)) == "no_picture"
    assert store.takes(gallery.id) == []
    assert store.add_takes([]) == []


def test_changes_are_kept_and_can_be_taken_back(store: Store, gallery: Gallery,
                                                make_take: Callable[..., TakeRecord]) -> None:
    before = make_take(0, "aa", text="a dock")
    after = dataclasses.replace(before, text="a dog \udcff", state="accepted")
    store.keep_takes([after])
    assert store.takes(gallery.id) == [dataclasses.replace(after, text="a dog ?")]
    store.keep_takes([before])
    assert store.takes(gallery.id) == [before]
    store.keep_takes([])


def test_what_was_heard_becomes_the_caption_unless_one_was_typed(store: Store, gallery: Gallery,
                                                                 make_take: Callable[..., TakeRecord]) -> None:
    empty, typed = make_take(0, "aa"), make_take(1, "bb", text="typed meanwhile")
    for take in (empty, typed):
        store.keep_heard(take.id, '{"text": "heard"}', "heard")
    assert [(take.text, take.heard) for take in store.takes(gallery.id)] == [
        ("heard", '{"text": "heard"}'), ("typed meanwhile", '{"text": "heard"}')]


def test_only_what_is_in_the_bin_is_erased_with_its_recording(store: Store, gallery: Gallery, tmp_path: Path,
                                                             make_take: Callable[..., TakeRecord]) -> None:
    own = tmp_path / "own.wav"
    own.touch()
    kept, thrown, imported = make_take(0, "aa"), make_take(1, "bb"), make_take(2, "cc", recording=own)
    now = datetime.now(UTC)
    store.keep_transcript("bb", "base", {"text": "said"})
    store.keep_takes([dataclasses.replace(take, binned=now) for take in (thrown, imported)])
    assert store.takes(gallery.id) == [kept]
    assert [take.id for take in store.takes(gallery.id, binned=True)] == [thrown.id, imported.id]
    assert store.erase_takes([kept.id, thrown.id, imported.id]) == 2
    assert store.takes_by_id([kept.id, thrown.id, imported.id]) == [kept]
    assert (kept.recording.exists(), thrown.recording.exists(), own.exists()) == (True, False, True)
    assert store.transcript("bb", "base") is None


def test_a_recording_that_another_take_has_is_not_erased(store: Store, make_take: Callable[..., TakeRecord]) -> None:
    first, second = make_take(0, "aa"), make_take(1, "aa")
    store.keep_takes([dataclasses.replace(first, binned=datetime.now(UTC))])
    store.erase_takes([first.id])
    assert second.recording.exists()


def test_nothing_of_an_erased_take_is_left_in_the_files_of_the_store(store: Store, gallery: Gallery,
                                                                     make_take: Callable[..., TakeRecord]) -> None:
    secret = "a very private caption"
    take = make_take(0, "aa", text=secret)
    store.keep_transcript("aa", "base", {"text": secret})
    store.keep_takes([dataclasses.replace(take, binned=datetime.now(UTC))])
    assert store.erase_takes([take.id]) == 1
    files = list(store.database.path.parent.glob("store.sqlite*"))
    assert files and not any(secret.encode() in path.read_bytes() for path in files)


def test_takes_outlive_their_gallery_and_come_back_with_the_pictures(
        store: Store, gallery: Gallery, fingerprint: Fingerprint, entry: Callable[..., IndexedFile],
        make_take: Callable[..., TakeRecord]) -> None:
    first, second = make_take(0, "aa"), make_take(1, "bb")
    gallery.delete()
    assert [take.image_id for take in store.takes_by_id([first.id, second.id])] == [None, None]
    again = open_gallery(store, "Again", create=True)
    again.add_folder(Path("/pictures"))
    again.record(fingerprint, [entry("renamed.jpg", 1)])
    assert store.adopt_takes(again.id) == 1
    assert store.adopt_takes(again.id) == 0
    [found] = store.takes(again.id)
    assert (found.id, found.image_id) == (first.id, again.images()[0].id)


def test_the_place_is_kept_by_gallery_and_forgets_pictures_that_go(store: Store, gallery: Gallery,
                                                                   images: list[int]) -> None:
    assert store.annotating(gallery.id) == AnnotatingRecord()
    speaker = store.add_speaker("M.K.")
    place = AnnotatingRecord("tag:beach", images[1], speaker.id)
    store.keep_annotating(gallery.id, dataclasses.replace(place, queue="all"))
    store.keep_annotating(gallery.id, place)
    assert store.annotating(gallery.id) == place
    assert kind_of(lambda: store.keep_annotating(gallery.id, AnnotatingRecord("all", 999))) == "no_picture"
    gallery.remove_folder(Path("/pictures"))
    assert store.annotating(gallery.id) == AnnotatingRecord("tag:beach", None, speaker.id)
    gallery.delete()
    assert kind_of(lambda: store.keep_annotating(gallery.id, place)) == "no_picture"


KILLED = """
import os, signal, sys
from pathlib import Path
from core.store.records import NewTake
from core.store.store import Store
store = Store.open(Path(sys.argv[1]))
store.add_takes([NewTake(int(sys.argv[2]), store.add_speaker("M.K.").id, Path("/a.flac"), "a", 1.0)])
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_stored_take_survives_a_kill_and_is_in_the_file_itself(store: Store, gallery: Gallery,
                                                                images: list[int]) -> None:
    path = store.database.path
    subprocess.run([sys.executable, "-c", KILLED, path, str(images[0])], cwd=REPOSITORY, check=False, timeout=60)
    copy = path.with_name("copy.sqlite")
    copy.write_bytes(path.read_bytes())  # without the WAL: what a checkpoint has written
    [take] = Store.open(copy).takes(gallery.id)
    assert (take.digest, take.image_id) == ("a", images[0])
