"""Lists of pictures as CSV and JSON."""

import csv
import json
from datetime import datetime
from pathlib import Path

import pytest

from core.errors import ImageError
from core.indexing import lists
from core.search.picture_lists import COLUMNS, write_list
from core.search.queries import Hit, MatchSignificance, ScoreShare
from core.store.records import ImageRecord

IMAGE = ImageRecord(1, Path("/p/=cmd().jpg"), 40, 30, 1234, 0.0, datetime(2024, 5, 1, 12), ("beach", "=sum(a)"),
                    "00", 4)
HIT = Hit(1, IMAGE, 0.75, MatchSignificance("strong", 0.01),
          (ScoreShare("a dog", "text", 0.5), ScoreShare("a dog", "acoustic", 0.125),
           ScoreShare("x.jpg", "text", 0.125)))


def test_a_csv_list_is_safe_in_a_spreadsheet_and_can_be_indexed(tmp_path: Path) -> None:
    target = tmp_path / "list.csv"
    formula = ImageRecord(2, Path("=cmd.jpg"), 1, 1, 1, 0.0, datetime(2024, 1, 1), ("=1+1", "+x"), "00")
    write_list(target, [(IMAGE, HIT), (formula, None)])
    first, second = csv.DictReader(target.open(encoding="utf-8"))
    assert list(first) == list(COLUMNS)
    assert first == {
        "path": "/p/=cmd().jpg", "rank": "1", "score": "0.75", "strength": "strong", "expected_by_chance": "0.01",
        "words": "0.625", "voice": "0.125", "date": "2024-05-01T12:00:00", "date_source": "taken",
        "tags": "beach; =sum(a)", "rating": "4", "size": "1234", "width": "40", "height": "30"}
    assert second["path"] == "'=cmd.jpg" and second["tags"] == "'=1+1; +x"
    assert [second[name] for name in ("rank", "score", "strength", "words", "voice")] == [""] * 5
    with target.open("rb") as file:
        assert next(path for path, _ in lists.rows(file, "")) == "/p/=cmd().jpg"


def test_a_json_list_has_numbers_and_names_of_any_bytes(tmp_path: Path) -> None:
    odd = ImageRecord(2, Path("/p/caf\udce9.jpg"), 1, 1, 1, 0.0, None, (), "00")
    for target in (tmp_path / "list.JSON", tmp_path / "list.csv"):
        write_list(target, [(IMAGE, HIT), (odd, None)])
    first, second = json.loads((tmp_path / "list.JSON").read_text())
    assert (first["rank"], first["score"], first["tags"], first["rating"]) == (1, 0.75, ["beach", "=sum(a)"], 4)
    assert (second["rank"], second["voice"], second["date_source"]) == (None, None, "file")
    assert b"caf" in (tmp_path / "list.csv").read_bytes()


def test_a_list_that_cannot_be_written_leaves_the_old_one(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="Choose another place") as raised:
        write_list(tmp_path / "nowhere" / "list.csv", [])
    assert raised.value.kind == "not_written"
