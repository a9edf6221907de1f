"""Names from outside as names of files, and cells from outside as cells of spreadsheets."""

import os

import pytest

from core.file_names import LONGEST, readable_name, safe_name
from core.spreadsheet import plain_cell


@pytest.mark.parametrize("name", ["a" * 255, "é" * 127 + ".jpg", "x." + "b" * 250, "日" * 85, "a" * 251 + ".png"])
def test_a_long_name_is_cut_and_stays_its_own(name, tmp_path):
    made, other = safe_name(name), safe_name(f"{name[:-6]}other{name[-1]}")
    assert len(os.fsencode(made)) <= LONGEST and made != other
    (tmp_path / f"12345678-{made}.new").touch()


def test_the_suffix_of_a_picture_stays():
    assert safe_name("a" * 251 + ".png").endswith(".png")


@pytest.mark.parametrize("name", ["CON", "con.jpg", "nul.tar.gz", "COM1.wav", "a/b", "a\\b", "a:b", "line\nbreak", "..",
                                  "dots..", "", " "])
def test_reserved_and_forbidden_names_become_plain_ones(name):
    made = safe_name(name)
    assert made and not set(made) & set('<>:"/\\|?*\n') and made.strip(". ") == made.rstrip(". ") != ""
    assert made.split(".")[0].upper() not in ("CON", "NUL", "COM1")


@pytest.mark.parametrize("name", ["picture.jpg", "blue high (2).png", "Ünïcode.webp", ".hidden"])
def test_an_ordinary_name_stays(name):
    assert safe_name(name) == name


@pytest.mark.parametrize("text", ["=1+1", "@SUM(A1)", "+cmd", "-2+3", "\tx", " =1+1"])
def test_a_formula_is_marked_as_text(text):
    assert plain_cell(text) == f"'{text}"


@pytest.mark.parametrize("value", ["-3.5", "+2", "text", 4, -1.5, "1e-6"])
def test_numbers_and_words_stay(value):
    assert plain_cell(value) == value


def test_every_csv_writer_marks_formulas():
    from pathlib import Path

    root = Path(__file__).parents[2]
    for path in [*root.joinpath("core").rglob("*.py"), *root.joinpath("brewclip_app").rglob("*.py")]:
        if "csv.writer(" in (text := path.read_text(encoding="utf-8")):
            assert "plain_cell" in text, path


def test_a_name_that_is_not_utf8_gets_one_that_other_programs_read():
    one, other = readable_name("caf\udce9.jpg"), readable_name("caf\udcea.jpg")
    assert one.encode() and one.startswith("caf_-") and one.endswith(".jpg") and one != other
    assert readable_name("café.jpg") == "café.jpg"
    assert readable_name("\udce9") != readable_name("\udcea")
