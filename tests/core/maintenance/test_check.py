"""The check of a home: each kind of damage is found, and the finding says what to do."""

import json

import numpy as np
import pytest

from core import cli
from core.doctor import Finding
from core.galleries.backends import open_gallery
from core.home import Home
from core.inference import exports
from core.maintenance.check import check, vector_fault
from core.progress import JobCancelled, Progress
from core.search import vector_file
from core.store.database import PAGE_BYTES
from tests.core.galleries.entries import FINGERPRINT


def by_name(findings: tuple[Finding, ...]) -> dict[str, Finding]:
    return {finding.name: finding for finding in findings}


def spoil(used, statement: str, *values: object) -> None:
    with used.store.database.writing() as connection:
        connection.exec_driver_sql(statement, values)


def test_a_sound_home_has_nothing_to_say(used, capsys):
    findings = check(used.home)
    assert {finding.state for finding in findings} == {"ok"}
    assert [finding.name for finding in findings] == [
        "store", "references", "vectors", "pictures", "recordings", "caches"]
    assert cli.main(["check"]) == 0
    assert "5 vectors are whole" in capsys.readouterr().out


def test_an_empty_home_is_no_fault_and_stays_empty(home: Home, capsys):
    assert cli.main(["check"]) == 0
    assert "There is no store" in capsys.readouterr().out and not home.store.exists()


@pytest.mark.parametrize(("vector", "fault"), [
    (np.array([1, 0, 0, 0], "<f4").tobytes(), None),
    (np.array([1, 0, 0], "<f4").tobytes(), "size"),
    (np.array([1, np.nan, 0, 0], "<f4").tobytes(), "finite"),
    (np.array([0.5, 0, 0, 0], "<f4").tobytes(), "norm"),
    (b"", "size"), ("text", "size"), (None, "size")])
def test_faults_of_a_vector(vector, fault):
    assert vector_fault(vector, 4) == fault


def test_bad_vectors_are_deleted_by_repair_alone_and_caches_are_outdated(used, capsys):
    gallery = open_gallery(used.store, "Holidays")
    before = gallery.revision(FINGERPRINT.hash)
    spoil(used, "UPDATE embedding SET vector = ? WHERE id = 1", np.full(4, np.nan, "<f4").tobytes())
    spoil(used, "UPDATE embedding SET vector = ? WHERE id = 2", b"xy")
    assert cli.main(["check"]) == 1
    printed = capsys.readouterr().out
    assert "2 of 5 vectors cannot be used" in printed and "check --repair" in printed
    assert gallery.revision(FINGERPRINT.hash) == before
    assert cli.main(["check", "--repair"]) == 0
    assert "Index the galleries again" in capsys.readouterr().out
    assert gallery.revision(FINGERPRINT.hash) != before
    assert by_name(check(used.home))["vectors"].text == "3 vectors are whole"


def test_rows_without_what_they_refer_to(used):
    import sqlite3

    with sqlite3.connect(used.home.store) as connection:
        connection.execute("INSERT INTO tag VALUES (999, 'lost')")
    finding = by_name(check(used.home))["references"]
    assert finding.state == "bad" and "1 rows of tag name rows of image" in finding.text


def test_pictures_that_are_gone_are_counted_by_gallery(used, capsys):
    (used.pictures / "3.png").unlink()
    assert cli.main(["check"]) == 0  # a disk that is not connected is no damage
    assert "Holidays: 1 of 5 files are not where they were" in capsys.readouterr().out


def test_recordings_that_are_gone_or_damaged(used, capsys):
    used.query.unlink()
    used.take.write_bytes(used.query.name.encode())
    assert cli.main(["check"]) == 1
    printed = capsys.readouterr().out
    assert "1 of 2 recordings are gone" in printed and "1 of 2 recordings are damaged" in printed


def test_a_take_with_the_samples_of_another(used):
    used.take.write_bytes(used.query.read_bytes())
    assert "1 of 2 recordings are damaged" in by_name(check(used.home))["recordings"].text


@pytest.mark.parametrize("bytes_at", [0, 3 * PAGE_BYTES])
def test_a_damaged_file_is_a_finding_and_is_left_alone(used, bytes_at, capsys):
    used.store.close()
    content = bytearray(used.home.store.read_bytes())
    content[bytes_at:bytes_at + PAGE_BYTES] = b"\xee" * PAGE_BYTES
    used.home.store.write_bytes(content)
    assert cli.main(["check", "--json"]) == 1
    findings = json.loads(capsys.readouterr().out)
    assert findings[0]["name"] == "store" and findings[0]["state"] == "bad"
    assert "restore a backup" in findings[0]["text"]
    assert used.home.store.read_bytes() == bytes(content)


def test_damaged_caches_are_named(used):
    export = used.home.caches / exports.CACHE / "image-1"
    export.mkdir(parents=True)
    (export / "image.onnx").write_bytes(b"graph")
    exports.describe(export, "image-1", {}, 1.0, ["image.onnx"])
    vectors = used.home.caches / "vectors" / "a.vectors"
    vectors.parent.mkdir()
    vector_file.write(vectors, [(np.arange(3), np.eye(3, 4, dtype=np.float32))], "r", 4)
    assert by_name(check(used.home))["caches"].state == "ok"
    (export / "image.onnx").write_bytes(b"other")
    vectors.write_bytes(vectors.read_bytes()[:-1])
    finding = by_name(check(used.home))["caches"]
    assert finding.state == "note" and finding.text.startswith("2 damaged") and "caches clear" in finding.text


def test_it_reports_progress_and_can_be_cancelled(used):
    subjects: list[str] = []

    def collect(progress: Progress) -> None:
        subjects.append(progress.title)

    check(used.home, collect)
    assert {"Checking store.sqlite", "Checking vectors", "Checking recordings", "Checking caches"} <= set(subjects)
    for title in set(subjects):
        def stop(progress: Progress, title: str = title) -> None:
            if progress.title == title:
                raise JobCancelled

        with pytest.raises(JobCancelled):
            check(used.home, stop)
