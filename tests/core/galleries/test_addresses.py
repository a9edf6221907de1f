"""Galleries at addresses: what is refused and in which words, writers at once, and writes that are cut off."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.errors import StoreError
from core.fingerprint import Fingerprint
from core.galleries.backends import open_gallery
from core.galleries.lance import write_lease
from core.galleries.lance.connection import LanceTable
from core.galleries.lance.gallery import LanceGallery
from core.store.addresses import is_address
from core.store.records import DecodedImageFacts, FailedEntry, FileStamp, IndexedFile
from core.store.store import Store

lancedb = pytest.importorskip("lancedb", reason="addresses need the extra: pip install .[scale]")
pa = pytest.importorskip("pyarrow")

PRINT = Fingerprint.of({"backbone": "fake", "crop": "centre"})
FOLDER = Path("/pictures")


def entry(name: str, content: int, embedded: bool = True) -> IndexedFile:
    vector = np.zeros(4, np.float32)
    vector[content % 4] = 1
    return IndexedFile(f"/pictures/{name}", FileStamp(10, 1), content.to_bytes(32, "big"),
                       DecodedImageFacts(40, 30, None),
                 vector if embedded else None)


@pytest.fixture
def place(tmp_path: Path) -> LanceGallery:
    place = LanceGallery.open(str(tmp_path / "g.lance"), create=True)
    place.add_folder(FOLDER)
    return place


def kind_of(work: Callable[[], object]) -> str:
    with pytest.raises(StoreError) as raised:
        work()
    return raised.value.kind


@pytest.mark.parametrize("text, address", [
    ("folder.lance", True), ("/data/x.lance/", True), ("s3://bucket/path", True), ("file:///x/y", True),
    ("Holidays", False), ("a.lance.old", False), ("C:\\pictures", False), ("what: a day", False),
])
def test_an_address_is_told_from_a_name(text: str, address: bool) -> None:
    assert is_address(text) == address


@pytest.mark.slow
def test_nothing_of_the_extra_is_imported_before_an_address_is_used(tmp_path: Path) -> None:
    store = tmp_path / "store.sqlite"
    code = ("import sys; from pathlib import Path; import core.explorer, core.cli.commands\n"
            "from core.galleries.backends import open_gallery; from core.store.store import Store\n"
            f"store = Store.open(Path({str(store)!r})); place = open_gallery(store, 'a', True)\n"
            "place.optimize(); heavy = {'lancedb', 'pyarrow', 'ray'} & set(sys.modules); print(heavy)\n"
            f"open_gallery(store, {str(tmp_path / 'x.lance')!r}, True); print('lancedb' in sys.modules)")
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == ["set()", "True"]


def test_without_the_extra_one_sentence_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "lancedb", None)
    with pytest.raises(StoreError, match=r'pip install "brewclip-explorer\[scale\]"') as raised:
        LanceGallery.open(str(tmp_path / "g.lance"), create=True)
    assert raised.value.kind == "no_extra"


def test_what_is_not_there_is_not_made_by_looking(tmp_path: Path) -> None:
    address = tmp_path / "not there.lance"
    assert kind_of(lambda: LanceGallery.open(str(address))) == "no_gallery"
    assert not address.exists()
    assert kind_of(lambda: LanceGallery.open("nonsense://x/y", create=True)) == "scheme"
    assert kind_of(lambda: LanceGallery.open("s3://key:secret@bucket/x", create=True)) == "scheme"


def test_a_place_of_something_else_is_left_as_it_is(tmp_path: Path) -> None:
    others = tmp_path / "others.lance"
    lancedb.connect(others).create_table("things", pa.table({"a": [1]}))
    table = tmp_path / "db" / "single.lance"
    lancedb.connect(tmp_path / "db").create_table("single", pa.table({"a": [1]}))
    named = tmp_path / "named.lance"
    lancedb.connect(named).create_table("gallery", pa.table({"a": [1]}))
    files = tmp_path / "files.lance"
    files.mkdir()
    (files / "mine.txt").write_text("mine")
    for path in (others, table, named, files):
        before = sorted(str(one) for one in path.rglob("*"))
        for create in (True, False):
            assert kind_of(lambda path=path, create=create: LanceGallery.open(str(path), create)) == "not_a_gallery"
        assert sorted(str(one) for one in path.rglob("*")) == before


def test_a_later_format_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.galleries.lance.schema.FORMAT", 2)
    LanceGallery.open(str(tmp_path / "g.lance"), create=True)
    assert kind_of(lambda: LanceGallery.open(str(tmp_path / "g.lance"), create=True)) == "newer"


def test_a_damaged_table_says_so(place: LanceGallery) -> None:
    place.record(PRINT, [entry("a.jpg", 1)])
    for file in Path(place.address, "pictures.lance", "data").iterdir():
        file.write_bytes(b"x" * 100)
    again = LanceGallery.open(place.address)
    with pytest.raises(StoreError, match="damaged") as raised:
        again.images()
    assert raised.value.kind == "unreadable"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_not_be_written_to(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        assert kind_of(lambda: LanceGallery.open(str(tmp_path / "g.lance"), create=True)) == "no_rights"
    finally:
        tmp_path.chmod(0o700)


def test_a_gallery_stays_what_it_was_when_it_is_opened_again(place: LanceGallery, tmp_path: Path) -> None:
    place.record(PRINT, [entry("a.jpg", 1), entry("b.jpg", 2)], [
        FailedEntry("/pictures/c.jpg", FileStamp(1, 1), "empty", "It is empty.", 200)])
    store = Store.open(tmp_path / "store.sqlite")
    again = open_gallery(store, f"{tmp_path}/x/../g.lance/")
    assert again.info == place.reopened().info
    assert (again.id < 0, again.name, again.folders) == (True, str(tmp_path / "g.lance"), (FOLDER,))
    assert again.images() == place.images()
    assert again.failures() == place.failures()
    assert again.revision(PRINT.hash) == place.revision(PRINT.hash)
    assert open_gallery(store, str(tmp_path / "g.lance"))._connection is again._connection
    store.close()


def test_the_revision_changes_with_vectors_and_not_with_tags(place: LanceGallery) -> None:
    ids = [0]
    changes: list[Callable[[], object]] = [
        lambda: place.record(PRINT, [entry("a.jpg", 1), entry("b.jpg", 2)]),
        lambda: place.record(PRINT, [entry("a.jpg", 3)]),
        lambda: place.mark([one.id for one in place.images()][:1], missing=True),
        lambda: place.record(PRINT, [], [FailedEntry("/pictures/b.jpg", FileStamp(1, 2), "empty", "Empty.", 200)]),
        lambda: place.forget_fingerprint(PRINT.hash),
        lambda: place.remove_folder(FOLDER),
    ]
    seen = [place.revision(PRINT.hash)]
    for change in changes:
        change()
        seen.append(place.revision(PRINT.hash))
    assert len(set(seen)) == len(changes) + 1
    place.add_tag(ids, "beach")
    place.optimize()
    assert place.revision(PRINT.hash) == seen[-1]


# ---- writers at once, and writes that are cut off

WRITER = """
import sys, numpy as np
from core.galleries.lance.gallery import LanceGallery
from core.store.records import IndexedFile, FileStamp, DecodedImageFacts
from core.fingerprint import Fingerprint
place, own = LanceGallery.open(sys.argv[1]), int(sys.argv[2])
vectors = np.eye(4, dtype=np.float32)
def entry(name, content):
    facts = DecodedImageFacts(4, 3, None)
    return IndexedFile(f"/pictures/{name}", FileStamp(10, 1), content.to_bytes(32, "big"), facts, vectors[content % 4])
for step in range(int(sys.argv[3])):
    place.record(Fingerprint.of({"backbone": "fake", "crop": "centre"}),
                 [entry(f"{own}-{step}-{n}.jpg", 1000 * own + 10 * step + n) for n in range(5)]
                 + [entry(f"both-{step}.jpg", 50000 + step)])
    print(step, flush=True)
"""


def writer(place: LanceGallery, own: int, steps: int) -> "subprocess.Popen[str]":
    return subprocess.Popen([sys.executable, "-c", WRITER, place.address, str(own), str(steps)],
                            stdout=subprocess.PIPE, text=True)


def whole(place: LanceGallery) -> int:
    """How many pictures; each is there once, with the vector of its content."""
    images = place.images()
    assert len({one.path for one in images}) == len({one.id for one in images}) == len(images)
    vectors = {image_id: vector for ids, part in place.vectors(PRINT.hash)
               for image_id, vector in zip(ids.tolist(), part, strict=True)}
    contents = {one.id: int(one.content_hash, 16) % 4 for one in images}
    assert all(int(vector.argmax()) == contents[image_id] for image_id, vector in vectors.items())
    known = place.known_images(PRINT.hash, FOLDER)
    assert {one.id for one in known.values() if one.embedded and not one.missing} == vectors.keys()
    return len(images)


@pytest.mark.slow
def test_two_processes_write_at_once(place: LanceGallery) -> None:
    running = [writer(place, own, 4) for own in (1, 2)]
    assert [one.wait(120) for one in running] == [0, 0]
    assert whole(place) == 2 * 4 * 5 + 4
    assert place.state(PRINT.hash).indexed == 44


@pytest.mark.slow
def test_a_killed_writer_leaves_what_was_stored_and_holds_nobody_up(place: LanceGallery) -> None:
    running = writer(place, 1, 10_000)
    assert running.stdout is not None
    for _ in range(3):
        running.stdout.readline()
    time.sleep(0.03)  # into the fourth, wherever it is
    running.send_signal(signal.SIGKILL)
    running.wait()
    began = time.monotonic()
    place.record(PRINT, [entry("after.jpg", 7)])
    assert time.monotonic() - began < write_lease.LEASE / 2  # the turn of a dead process is taken at once
    assert whole(place) >= 3 * 6 + 1


class Cut(Exception):
    """The plug is pulled."""


WRITES = ("put", "change", "update", "delete")


@pytest.fixture
def cut_after(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[int], None]]:
    """Has the n-th write from now on, and all that follow, fail: as a process that dies leaves it."""

    def cut(number: int) -> None:
        left = [number]

        def wrap(method: Callable[..., Any]) -> Callable[..., Any]:
            def write(*args: Any, **options: Any) -> Any:
                left[0] -= 1
                if left[0] < 0:
                    raise Cut
                return method(*args, **options)

            return write

        for name in WRITES:
            monkeypatch.setattr(LanceTable, name, wrap(getattr(LanceTable, name)))

    yield cut
    monkeypatch.undo()


@pytest.mark.slow
@pytest.mark.parametrize("number", range(1, 12))
def test_a_write_that_is_cut_off_anywhere_leaves_a_gallery_that_heals(
        place: LanceGallery, number: int, cut_after: Callable[[int], None], monkeypatch: pytest.MonkeyPatch) -> None:
    place.record(PRINT, [entry("a.jpg", 1), entry("b.jpg", 2), entry("gone.jpg", 3), entry("c.jpg", 4)])
    place.add_tag([one.id for one in place.images()], "beach")
    place.mark([one.id for one in place.images() if one.path.name == "gone.jpg"], missing=True)
    batch = [entry("a.jpg", 5), entry("new.jpg", 6), entry("moved.jpg", 3)]  # edited, new, moved
    broken = [FailedEntry("/pictures/c.jpg", FileStamp(3, 3), "truncated", "It is cut off.", 200)]
    cut_after(number)
    try:
        place.record(PRINT, batch, broken)
        assert number >= 10  # more writes than there are
    except Cut:
        pass
    monkeypatch.undo()
    write_lease._own.clear()
    left = LanceGallery.open(place.address)
    assert 3 <= whole(left) <= 5
    left.record(PRINT, batch, broken)
    assert whole(left) == 4
    assert {one.path.name: one.tags for one in left.images()} == {
        "a.jpg": ("beach",), "b.jpg": ("beach",), "new.jpg": (), "moved.jpg": ("beach",)}
    assert [one.path.name for one in left.failures()] == ["c.jpg"]


def test_a_turn_of_another_computer_is_waited_for_and_then_taken(place: LanceGallery,
                                                                  monkeypatch: pytest.MonkeyPatch) -> None:
    table = place.tables()[3]
    table.update("key = 0", {"writer": "elsewhere:1:abc", "changing": True})
    monkeypatch.setattr(write_lease, "PATIENCE", 0.3)
    assert kind_of(lambda: place.record(PRINT, [entry("a.jpg", 1)])) == "busy"
    busy = place.revision(PRINT.hash)
    monkeypatch.setattr(write_lease, "LEASE", 0.2)
    place.record(PRINT, [entry("a.jpg", 1)])
    assert len(place.images()) == 1
    assert place.revision(PRINT.hash) != busy


def test_a_turn_that_was_taken_over_is_told(place: LanceGallery) -> None:
    with pytest.raises(StoreError, match="another program took over"), place._lease.held():
        place.tables()[3].update("key = 0", {"writer": "elsewhere:1:abc"})
