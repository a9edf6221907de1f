"""Texts measured, shortened and broken into lines."""

from core.plots import text
from core.plots.style import new_figure

CHINESE = "\N{CJK UNIFIED IDEOGRAPH-56FE}" * 40


def setup_function():
    new_figure()  # sets the fonts


def test_a_width_is_that_of_the_drawn_text():
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    figure = new_figure()
    drawn = figure.text(0, 0, "a brown dog rolls", fontsize=9)
    canvas = FigureCanvasAgg(figure)
    inches = drawn.get_window_extent(canvas.get_renderer()).width / figure.dpi
    assert 0 < text.width("a brown dog rolls", 9) - inches < 0.04


def test_a_long_text_loses_its_middle_and_fits():
    name = "the first words of a title \N{MIDDLE DOT} " + "x" * 200 + " the end"
    short = text.shortened(name, 2.0)
    assert text.width(short) <= 2.0 < text.width(short + "xxx")
    assert short.startswith("the first")
    assert short.endswith("the end")
    assert text.shortened("short", 2.0) == "short"


def test_lines_fit_and_keep_all_words():
    words = "a brown dog with a ball rolls over the grass in front of a white house"
    broken = text.lines(words, 1.0, 20)
    assert " ".join(broken) == words
    assert all(text.width(line) <= 1.0 for line in broken)
    assert len(broken) > 2


def test_the_last_line_is_cut_where_there_are_too_many():
    broken = text.lines("word " * 100, 1.0, 3)
    assert len(broken) == 3
    assert broken[-1].endswith(text.ELLIPSIS)
    assert all(text.width(line) <= 1.0 for line in broken)


def test_texts_without_spaces_break_anywhere():
    broken = text.lines(CHINESE, 1.0, 20)
    assert "".join(broken) == CHINESE
    assert all(text.width(line) <= 1.0 for line in broken)
