"""Saved figures: formats, sizes, determinism, errors."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from core.errors import FigureError
from core.plots import style
from tests.conftest import REPOSITORY


def figure(width: style.Width = "column"):
    made = style.new_figure(width, 1.0)
    made.text(0.1, 0.5, "recall of $x$ and \N{ARABIC LETTER MEEM}\N{CJK UNIFIED IDEOGRAPH-56FE}")
    made.add_axes((0.5, 0.2, 0.4, 0.6)).plot([0, 1], [1, 0])
    return made


@pytest.mark.parametrize(("width", "pixels"), [("column", 1005), ("page", 2070)])
def test_a_png_is_as_wide_as_a_column_or_a_page_at_300_dots_an_inch(tmp_path: Path, width: style.Width, pixels: int):
    style.save(figure(width), tmp_path / "a.png")
    with Image.open(tmp_path / "a.png") as image:
        assert image.size == (pixels, 300)
        assert round(image.info["dpi"][0]) == 300


def test_text_stays_text_and_a_dollar_is_no_formula(tmp_path: Path):
    style.save(figure(), tmp_path / "a.svg")
    assert "recall of $x$" in (tmp_path / "a.svg").read_text()
    style.save(figure(), tmp_path / "a.pdf")
    assert b"/FontFile2" in (tmp_path / "a.pdf").read_bytes()
    assert b"/Type3" not in (tmp_path / "a.pdf").read_bytes()


@pytest.mark.parametrize("suffix", style.FORMATS)
def test_equal_figures_give_equal_files_without_dates(suffix: str):
    one, other = style.rendered(figure(), suffix), style.rendered(figure(), suffix)
    assert one == other
    assert not re.search(rb"CreationDate|<dc:date>|tEXtSoftware", one)


def test_a_file_of_that_name_is_replaced_whole(tmp_path: Path):
    path = tmp_path / "a.PNG"
    path.write_bytes(b"before")
    style.save(figure(), path)
    assert path.read_bytes().startswith(b"\x89PNG")
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.PNG"]


def test_errors_name_what_happened_and_leave_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for name, kind in (("a.jpeg", "suffix"), ("a", "suffix"), ("none/a.png", "no_folder")):
        with pytest.raises(FigureError) as caught:
            style.save(figure(), tmp_path / name)
        assert caught.value.kind == kind

    def full(*arguments, **keywords):
        raise OSError(28, "No space left on device")

    path = tmp_path / "a.svg"
    path.write_text("before")
    monkeypatch.setattr(style.private_files, "write_atomically", full)
    with pytest.raises(FigureError, match="No space left") as caught:
        style.save(figure(), path)
    assert (caught.value.kind, path.read_text()) == ("not_written", "before")


def test_names_lose_line_breaks_and_bytes_that_are_no_text():
    assert style.clean("a\n b\udce9\x07") == "a b??"


def test_matplotlib_is_imported_for_a_figure_alone():
    program = ("import sys\nimport core.plots.charts, brewclip_app.theme\nassert 'matplotlib' not in sys.modules\n"
               "from core.plots.style import new_figure\nnew_figure()\nassert 'matplotlib' in sys.modules\n"
               "assert 'matplotlib.pyplot' not in sys.modules")
    subprocess.run([sys.executable, "-c", program], check=True, cwd=REPOSITORY)


def test_a_missing_matplotlib_is_explained(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    style._set_style.cache_clear()
    with pytest.raises(FigureError) as caught:
        style.new_figure()
    assert caught.value.kind == "missing"
