"""The paper's figures over a world of colours: which queries are drawn, what the figures say, errors."""

import re
from contextlib import contextmanager

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import PathCollection
from matplotlib.colors import to_hex
from matplotlib.text import Text
from PIL import Image

from core.cli import figures as figure_command
from core.cli import main
from core.errors import FigureError
from core.evaluation import archive
from core.evaluation.evaluate import evaluate
from core.evaluation.records import DataChoice, Request
from core.models.spec import ModelSpec
from core.paper_figures import variants
from core.paper_figures.figures import draw
from core.paper_figures.queries import QueryChoice, QueryPool, draw_rows, rows_of
from core.plots import style
from tests.core.evaluation.conftest import Said, use, voice

PICTURES = {f"{name}.png": (name,) for name in ("red", "green", "blue", "yellow", "black", "pink", "cyan", "brown",
                                                "olive", "orange")}
PICTURES["wide.png"] = ("purple", "white", "purple")  # the centre crop sees white alone
LONG = "the person in the red and black uniform has a ball above her head " * 2 + (
    "\N{ARABIC LETTER MEEM}\N{ARABIC LETTER NOON} " * 40)


def said():
    """Each colour is named; "green" is heard as "blue" and the voice knows better; "wide" is named by its sides."""
    utterances = [Said(picture, picture[:-4], picture[:-4], voice(**{picture[:-4]: 0.5}))
                  for picture in PICTURES if picture not in ("green.png", "wide.png")]
    return [*utterances, Said("green.png", "blue", "green", voice(green=3.0), "7"),
            Said("green.png", LONG, LONG[::-1], voice(red=4.0), "\N{CJK UNIFIED IDEOGRAPH-56FE}" * 30),
            Said("wide.png", "purple", "purple", voice())]


def ids(made, *names: str, crop: str = "") -> list[int]:
    numbers = []
    for name in names:
        use(made, name)
        numbers += [record.id for record in evaluate(made.explorer.workspace, Request(
            (ModelSpec(),), (DataChoice(made.folder),), crops=(crop,)))]
    return numbers


@pytest.fixture
def made(world):
    return world(PICTURES, said())


def texts(figure) -> list[str]:
    return [text.get_text() for text in figure.findobj(Text) if text.get_text()]


def check_layout(figure) -> None:
    """Texts lie inside the figure and on no other text or picture."""
    FigureCanvasAgg(figure).draw()
    drawn = [text.get_window_extent() for text in figure.texts]
    pictures = [axes.get_window_extent() for axes in figure.axes]
    for place, box in enumerate(drawn):
        assert box.x0 >= 0 and box.x1 <= figure.bbox.width + 1
        assert box.y0 >= 0 and box.y1 <= figure.bbox.height
        for other in (*drawn[place + 1:], *pictures):
            overlap_x = min(box.x1, other.x1) - max(box.x0, other.x0)
            overlap_y = min(box.y1, other.y1) - max(box.y0, other.y0)
            assert overlap_x < 1 or overlap_y < 9, "two parts overlap"  # px; lines of letters may touch


@pytest.mark.parametrize("width", ["page", "column"])
def test_figure_3_draws_a_success_and_a_failure_of_each_dataset(made, width):
    full, zero_shot = ids(made, "full", "zero-shot")
    drawn = draw(made.explorer.workspace, "3", [zero_shot, full], QueryChoice(at=1), width=width)
    assert texts(drawn.figure).count("colours test") == 2
    assert sum("rank 1 of 11" in text for text in texts(drawn.figure)) == 2
    assert re.search(r"of colours drawn at random \(seed 0\) from the 9 utterances whose picture ranks first, and from "
                     r"the 3 utterances whose picture is not among the first 1;", drawn.caption)
    check_layout(drawn.figure)
    again = draw(made.explorer.workspace, "3", [zero_shot, full], QueryChoice(at=1), width=width)
    assert style.rendered(again.figure, ".png") == style.rendered(drawn.figure, ".png")


@pytest.fixture
def maps(monkeypatch):
    """A picture in a plain colour in place of the relevance map: the colours' model has no towers."""
    monkeypatch.setattr(variants, "relevance_maps", lambda inputs, evaluation, rows, report: [
        Image.new("RGB", (40, 30), "white") for _ in rows])


@pytest.mark.parametrize("width", ["page", "column"])
def test_figure_4_has_the_variants_in_their_order_with_their_ranks(made, maps, width):
    full, zero_shot, e2e = ids(made, "full", "zero-shot", "e2e")
    drawn = draw(made.explorer.workspace, "4", [full, e2e, zero_shot], width=width)
    titles = [text for text in texts(drawn.figure) if text in ("Zero-shot", "End to end", "BrewCLIP")]
    assert titles == ["Zero-shot", "End to end", "BrewCLIP"]  # one query alone fits either rule
    assert "from the 1 utterance whose picture BrewCLIP ranks first and another model does not" in drawn.caption
    assert "with a word error rate of 30 % or more" in drawn.caption
    assert "Maps: Gradient × attention (paper)." in drawn.caption
    green = archive.open_evaluation(made.explorer.store, zero_shot).queries("speech_to_image")[9]
    assert f"rank {green.rank} of 11" in texts(drawn.figure)
    assert green.rank > 1
    check_layout(drawn.figure)


def test_evaluations_of_other_data_do_not_stand_side_by_side(made, maps):
    full, = ids(made, "full")
    (made.folder / "pairs.csv").write_text("image,audio,caption,speaker,split,id\nred.png,0.wav,red,,test,u0\n")
    other, = ids(made, "full")
    with pytest.raises(FigureError) as caught:
        draw(made.explorer.workspace, "4", [full, other])
    assert caught.value.kind == "not_same"


def test_figure_5_shows_the_rank_with_the_whole_picture(made):
    full, = ids(made, "full")
    drawn = draw(made.explorer.workspace, "5", [full], QueryChoice(at=5))
    shown = texts(drawn.figure)
    before = archive.open_evaluation(made.explorer.store, full).queries("speech_to_image")[11].rank
    assert before > 5
    assert shown[shown.index("Centre crop") + 1] == f"rank {before} of 11"
    assert shown[shown.index("Whole picture") + 1] == "rank 1 of 11"
    assert "the 1 utterance whose picture is not among the first 5 under the centre crop" in drawn.caption
    assert drawn.figure.get_figwidth() == style.WIDTHS["column"]
    check_layout(drawn.figure)


def test_figure_5_is_not_drawn_where_no_miss_ranks_better_whole(made):
    full, = ids(made, "full")
    with pytest.raises(FigureError, match="no utterance whose picture is not among the first 11") as caught:
        draw(made.explorer.workspace, "5", [full], QueryChoice(at=11))
    assert caught.value.kind == "nothing"


def test_figure_9_takes_chosen_queries_and_says_why_a_crop_changes_nothing(made):
    full, = ids(made, "full")
    drawn = draw(made.explorer.workspace, "9", [full], QueryChoice(("u11", "u0")))
    shown = texts(drawn.figure)
    assert shown.count("Whole picture") == 2
    assert " ".join(shown).count("the crop cut off next to") == 1
    assert "--query u11 --query u0" in drawn.caption
    check_layout(drawn.figure)


def test_figure_5_needs_the_centre_crop(made):
    squashed, = ids(made, "full", crop="squash")
    with pytest.raises(FigureError) as caught:
        draw(made.explorer.workspace, "5", [squashed])
    assert caught.value.kind == "not_centre"


@pytest.mark.parametrize("width", ["page", "column"])
def test_figure_8_shows_all_utterances_of_a_picture(made, width):
    full, = ids(made, "full")
    drawn = draw(made.explorer.workspace, "8", [full], QueryChoice(at=1), width=width)
    shown = texts(drawn.figure)
    assert "green.png" in shown
    assert sum("best match" in text for text in shown) == 2
    assert shown.count("Transcript") == 2
    assert "from the 1 picture with 2 utterances of which some find it" in drawn.caption
    check_layout(drawn.figure)
    by_id = draw(made.explorer.workspace, "8", [full], QueryChoice(("u9",)), width=width)
    assert "green.png" in texts(by_id.figure)
    assert "chosen by id" in by_id.caption


def test_the_curve_is_drawn_in_a_column(made):
    full, = ids(made, "full")
    drawn = draw(made.explorer.workspace, "wer", [full], QueryChoice(at=1))
    assert drawn.figure.axes[0].get_ylabel() == "hits, %"
    assert drawn.figure.get_figwidth() == style.WIDTHS["column"]
    assert "A hit is among the first 1." in drawn.caption


def test_the_curves_of_variants_have_their_colours_and_their_dots_stand_aside(made):
    e2e, zero_shot = ids(made, "e2e", "zero-shot")
    drawn = draw(made.explorer.workspace, "wer", [e2e, zero_shot], QueryChoice(at=1))
    legend, = drawn.figure.legends
    assert [line.get_color() for line in legend.get_lines()] == [style.COLOURS["voice"], style.COLOURS["transcript"]]
    first, second = (part for part in drawn.figure.axes[0].collections if isinstance(part, PathCollection))
    for part, colour in ((first, "voice"), (second, "transcript")):
        assert to_hex(part.get_facecolor()[0]) == style.COLOURS[colour]
    places = [part.get_offset_transform().transform((0, 0))[0] for part in (first, second)]
    assert places[0] < places[1]


def test_captions_name_data_evaluations_and_the_command(made):
    full, = ids(made, "full")
    caption = draw(made.explorer.workspace, "8", [full], QueryChoice(count=2, seed=3), width="column").caption
    assert "Data: colours test (11 pictures, 12 utterances)." in caption
    assert f"(evaluation {full})" in caption
    assert caption.endswith(f"brewclip figure 8 --evaluation {full} --count 2 --seed 3 --width column --out "
                            "figure-8.pdf")


def test_wrong_requests_are_explained(made):
    full, = ids(made, "full")
    for number, evaluations, choice, kind in (
            ("2", [full], QueryChoice(), "unknown"), ("5", [full, full], QueryChoice(), "evaluations"),
            ("3", [], QueryChoice(), "evaluations"), ("8", [full], QueryChoice(("nobody",)), "no_query"),
            ("9", [full], QueryChoice(("nobody",)), "no_query")):
        with pytest.raises(FigureError) as caught:
            draw(made.explorer.workspace, number, evaluations, choice)
        assert caught.value.kind == kind


def test_queries_are_drawn_from_the_pools_in_turn_and_once(made):
    full, = ids(made, "full")
    evaluation = archive.open_evaluation(made.explorer.store, full)
    rows, rule = draw_rows(evaluation, [QueryPool("that are even", [0, 2]), QueryPool("that are odd", [1])],
                           QueryChoice(), 4)
    assert rows in ([0, 1, 2], [2, 1, 0])  # of four turns the last finds no odd one
    assert rule == "drawn at random (seed 0) from the 2 utterances that are even, and from the 1 utterance that are odd"
    assert len(draw_rows(evaluation, [QueryPool("", range(12))], QueryChoice(count=3), 5)[0]) == 3
    with pytest.raises(FigureError, match="no utterance that is lost") as caught:
        draw_rows(evaluation, [QueryPool("that is lost", [])], QueryChoice(), 2)
    assert caught.value.kind == "nothing"
    drawn = {tuple(draw_rows(evaluation, [QueryPool("", range(12))], QueryChoice(seed=seed), 2)[0])
             for seed in range(5)}
    assert len(drawn) > 1
    assert rows_of(evaluation, ["u2", "u0"]) == [2, 0]


def test_the_command_writes_the_figure_and_prints_its_caption(made, tmp_path, monkeypatch, capsys):
    @contextmanager
    def opened(changes=None):
        yield made.explorer

    full, = ids(made, "full")
    monkeypatch.setattr(figure_command, "explorer", opened)
    out = tmp_path / "a.png"
    assert main(["figure", "8", "--evaluation", str(full), "--query", "u9", "--out", str(out)]) == 0
    printed = capsys.readouterr()
    assert "All utterances of one picture." in printed.out
    assert str(out) in printed.err
    with Image.open(out) as image:
        assert image.width == 2070
        assert np.asarray(image.convert("L")).std() > 10
        assert "brewclip figure 8" in image.text["Description"]
    assert main(["figure", "8", "--evaluation", str(full), "--out", str(tmp_path / "a.gif")]) != 0
    assert "Give it the ending" in capsys.readouterr().err


def test_pictures_that_are_gone_leave_a_grey_place(made):
    full, = ids(made, "full")
    for picture in made.folder.glob("*.png"):
        picture.unlink()
    drawn = draw(made.explorer.workspace, "8", [full], QueryChoice(("u9",)))
    assert "not read" in texts(drawn.figure)
