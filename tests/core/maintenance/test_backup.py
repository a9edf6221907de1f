"""Backup while the store is in use, and restoring: whole, private, never over what is there unsaid."""

import json
import sqlite3
import stat
import tarfile
import threading
from pathlib import Path

import pytest

from core import cli
from core.errors import StoreError
from core.home import Home
from core.maintenance import backup as backups
from core.maintenance.backup import back_up, verify
from core.maintenance.restore import is_allowed, restore
from core.progress import JobCancelled, Progress, WorkStep
from core.store.database import PAGE_BYTES
from core.store.store import Store


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "mine.brewclip"


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.setenv("BREWCLIP_HOME", str(tmp_path / "elsewhere"))
    return Home(tmp_path / "elsewhere")


def names_in(file: Path) -> set[str]:
    with tarfile.open(file) as archive:
        return set(archive.getnames())


def test_what_is_in_a_backup_and_what_is_not(used, file):
    for folder in ("caches", "weights", "runs/first"):
        (used.home.root / folder).mkdir(parents=True)
        (used.home.root / folder / "file").write_bytes(b"x")
    stray = used.home.recordings / "stray.flac"
    stray.write_bytes(b"of no query")
    backup = back_up(used.home, file)
    assert names_in(file) == {"store.sqlite", "settings.json", "backup.json", f"recordings/{used.query.name}",
                              f"takes/{used.take.name}"}
    assert (backup.recordings, backup.absent, backup.nbytes) == (2, (), file.stat().st_size)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [path.name for path in file.parent.iterdir() if path.name.startswith(".brewclip")] == []
    back_up(used.home, file.with_name("second"), with_runs=True)
    assert names_in(file.with_name("second")) - names_in(file) == {"runs/first/file"}


def test_there_and_back(used, file, empty, capsys):
    back_up(used.home, file)
    assert cli.main(["restore", str(file)]) == 0
    assert "1 gallery" in capsys.readouterr().out
    restored = Store.open(empty.store)
    assert [gallery.name for gallery in restored.galleries()] == ["Holidays"]
    assert [query.recording for query in restored.queries()] == [empty.recordings / used.query.name]
    restored.close()
    assert (empty.takes / used.take.name).read_bytes() == used.take.read_bytes()
    assert empty.settings.read_text() == '{"search.top": 7}'
    assert stat.S_IMODE(empty.store.stat().st_mode) == 0o600
    assert not list(empty.root.glob("restore-*")) and cli.main(["check"]) == 0


@pytest.mark.slow
def test_one_moment_of_a_store_that_is_being_written(used, file):
    """Each transaction adds two queries; a copy between transactions has an even number of them, and is whole."""
    stop = threading.Event()

    statement = ("INSERT INTO query (created, gallery, text, source, terms) "
                 "VALUES (0, 'x', hex(randomblob(9000)), 'text', '[]')")

    def write() -> None:
        with sqlite3.connect(used.home.store, timeout=30, isolation_level=None) as connection:
            while not stop.is_set():
                connection.execute("BEGIN IMMEDIATE")
                for _ in range(2):
                    connection.execute(statement)
                connection.execute("COMMIT")

    rounds = []

    def wait_for_writes(progress: Progress) -> None:
        if progress.step is WorkStep.BACKING_UP and progress.subject == "the store":
            rounds.append(count(used.home.store))
            while progress.done < progress.total and count(used.home.store) <= rounds[-1] and writer.is_alive():
                pass

    def count(path: Path) -> int:
        with sqlite3.connect(path, timeout=30) as connection:
            return int(connection.execute("SELECT count(*) FROM query WHERE gallery = 'x'").fetchone()[0])

    writer = threading.Thread(target=write)
    writer.start()
    try:
        while count(used.home.store) < 1000:
            assert writer.is_alive()
        back_up(used.home, file, wait_for_writes)
    finally:
        stop.set()
        writer.join()
    assert len(rounds) > 1 and rounds[-1] > rounds[0]  # it was written while it was copied
    with tarfile.open(file) as archive:
        archive.extract("store.sqlite", file.parent / "out", filter="data")
    copied = count(file.parent / "out" / "store.sqlite")
    assert copied % 2 == 0 and copied <= rounds[0]


def test_a_recording_that_is_gone_is_said(used, file, capsys):
    used.query.unlink()
    assert cli.main(["backup", str(file)]) == 1
    printed = capsys.readouterr()
    assert "1 recording, 1 were not there" in printed.out and used.query.name in printed.err


def test_a_file_that_is_there_is_left_alone(used, file, capsys):
    file.write_text("mine")
    assert cli.main(["backup", str(file)]) == 2
    assert "exists and was left as it is" in capsys.readouterr().err and file.read_text() == "mine"


def test_without_a_store_nothing_is_written(home, file, capsys):
    assert cli.main(["backup", str(file)]) == 2
    assert "no store" in capsys.readouterr().err and not file.exists()


def test_a_damaged_store_is_not_backed_up(used, file):
    used.store.close()
    content = bytearray(used.home.store.read_bytes())
    content[3 * PAGE_BYTES:4 * PAGE_BYTES] = b"\xee" * PAGE_BYTES
    used.home.store.write_bytes(content)
    with pytest.raises(StoreError) as error:
        back_up(used.home, file)
    assert error.value.kind == "not_a_store" and not file.exists()


@pytest.mark.parametrize("title", ["Backing up the store", "Checking the copy", "Backing up files",
                                   "Checking the backup"])
def test_a_cancelled_backup_leaves_nothing(used, file, title):
    def stop(progress: Progress) -> None:
        if progress.title == title:
            raise JobCancelled

    with pytest.raises(JobCancelled):
        back_up(used.home, file, stop)
    assert not [path for path in file.parent.iterdir() if path.name not in ("home", "pictures")]


def test_a_backup_that_does_not_read_back_is_an_error(used, file, monkeypatch):
    monkeypatch.setattr(backups, "verify", lambda path, digests, report: verify(
        path, {**digests, "store.sqlite": "0"}, report))
    with pytest.raises(StoreError) as error:
        back_up(used.home, file)
    assert error.value.kind == "damaged_backup" and not file.exists()


def test_a_full_disk_is_a_sentence(used, file, monkeypatch):
    def full(*arguments: object) -> dict[str, str]:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(backups, "_write", full)
    with pytest.raises(StoreError) as error:
        back_up(used.home, file)
    assert error.value.kind == "not_written" and "No space left" in str(error.value) and not file.exists()


def test_a_store_that_is_there_is_never_overwritten_unsaid(used, file, capsys):
    back_up(used.home, file)
    used.store.add_query("Holidays", "later", "text")
    assert cli.main(["restore", str(file)]) == 2
    assert "--replace" in capsys.readouterr().err
    assert [query.text for query in used.store.queries()] == ["later", "a red boat"]
    assert cli.main(["restore", str(file), "--replace"]) == 2
    assert "in use" in capsys.readouterr().err
    used.store.close()
    assert cli.main(["restore", str(file), "--replace"]) == 0
    printed = capsys.readouterr()
    (before,) = used.home.root.glob("replaced-*")
    assert str(before) in printed.err and stat.S_IMODE(before.stat().st_mode) == 0o700
    for path, texts in ((before / "store.sqlite", ["later", "a red boat"]), (used.home.store, ["a red boat"])):
        opened = Store.open(path)
        assert [query.text for query in opened.queries()] == texts
        opened.close()


def test_a_damaged_store_is_replaced(used, file):
    back_up(used.home, file)
    used.store.close()
    used.home.store.write_bytes(b"no store at all" * 1000)
    before = restore(used.home, file, replace=True).before
    assert before is not None and (before / "store.sqlite").read_bytes().startswith(b"no store")
    assert cli.main(["check"]) == 0


@pytest.mark.parametrize(("name", "allowed"), [
    ("store.sqlite", True), ("takes/a.flac", True), ("runs/a/best/b.json", True), ("../store.sqlite", False),
    ("/etc/passwd", False), ("takes/../../a", False), ("window.ini", False), ("weights/a.pt", False), ("", False),
    ("takes\\..\\a", False), ("recordings", False)])
def test_names_that_a_backup_may_hold(name, allowed):
    assert is_allowed(name) is allowed


def forged(file: Path, change) -> Path:
    """A copy of a backup whose members and manifest were changed."""
    target = file.with_name("forged")
    with tarfile.open(file) as source, tarfile.open(target, "w") as archive:
        members = {entry.name: (entry, source.extractfile(entry).read()) for entry in source}
        manifest = json.loads(members.pop("backup.json")[1])
        change(members, manifest)
        body = json.dumps(manifest).encode()
        for entry, content in (*members.values(), (tarfile.TarInfo("backup.json"), body)):
            import io

            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return target


def other_bytes(members, manifest):
    entry, content = members["settings.json"]
    members["settings.json"] = entry, content + b" "


def outside(members, manifest):
    members["x"] = tarfile.TarInfo("../outside"), b"x"
    manifest["files"]["../outside"] = "0"


def link(members, manifest):
    entry = tarfile.TarInfo("settings.json")
    entry.type, entry.linkname = tarfile.SYMTYPE, "/etc/passwd"
    members["settings.json"] = entry, b""


def without_store(members, manifest):
    del members["store.sqlite"], manifest["files"]["store.sqlite"]


def member_missing(members, manifest):
    del members["settings.json"]


def later_format(members, manifest):
    manifest["format"] = 99


@pytest.mark.parametrize(("change", "kind"), [
    (other_bytes, "damaged_backup"), (outside, "damaged_backup"), (link, "damaged_backup"),
    (without_store, "damaged_backup"), (member_missing, "damaged_backup"), (later_format, "newer")])
def test_a_forged_backup_changes_nothing(used, file, empty, change, kind):
    back_up(used.home, file)
    with pytest.raises(StoreError) as error:
        restore(empty, forged(file, change))
    assert error.value.kind == kind and not empty.store.exists() and not (empty.root.parent / "outside").exists()


@pytest.mark.parametrize("content", [b"", b"not a tar", b"\0" * 4096])
def test_what_is_no_backup(empty, file, content, capsys):
    file.write_bytes(content)
    assert cli.main(["restore", str(file)]) == 2
    assert "not a backup" in capsys.readouterr().err and not empty.store.exists()


def test_a_cancelled_restore_leaves_the_home_as_it_was(used, file, empty):
    back_up(used.home, file)

    def stop(progress: Progress) -> None:
        if progress.step is WorkStep.RESTORING:
            raise JobCancelled

    with pytest.raises(JobCancelled):
        restore(empty, file, stop)
    assert list(empty.root.iterdir()) == []
