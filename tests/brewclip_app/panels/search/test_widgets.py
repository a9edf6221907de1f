"""The parts around the grid: chips, detail pane, filter, history."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from unittest.mock import Mock, create_autospec

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QApplication, QLabel

from brewclip_app import theme
from brewclip_app.panels.search.actions import HitActions
from brewclip_app.panels.search.detail_pane import DetailPane
from brewclip_app.panels.search.filter_bar import FilterBar
from brewclip_app.panels.search.history import QueryHistory
from brewclip_app.panels.search.history_menu import HistoryMenu, when_words
from brewclip_app.panels.search.query import HitLimits
from brewclip_app.panels.search.query_chips import SIDE, SIGN, ChipFace, QueryChips
from brewclip_app.thumbnails import Thumbnails
from brewclip_app.widgets.picture_facts import breakable
from brewclip_app.widgets.picture_grid.model import PictureModel
from brewclip_app.widgets.score_shares import ShareRow, rounded_parts, strength_words
from core.search.queries import MatchSignificance, ScoreShare
from core.search.terms import QueryTerm
from core.store.records import QueryRecord


class Terms(Mock):
    """What the chips call of the controller and the intake; notes the changed terms."""

    def __init__(self, **facts):
        super().__init__(**facts)
        self.changed = []

    def _get_child_mock(self, **facts):
        return Mock(**facts)

    def change_term(self, index, change):
        self.changed.append((index, change(QueryTerm("text", "people"))))


@pytest.fixture
def terms():
    return Terms()


@pytest.fixture
def chips(qtbot, terms):
    made = QueryChips(terms, terms)
    qtbot.addWidget(made)
    made.resize(700, 60)
    with qtbot.waitExposed(made):
        made.show()
    return made


FACES = (ChipFace("spoken query", 1.0, first=True, removable=False), ChipFace("people", -1.0), ChipFace("snow", 1.5))


def test_chips_say_what_each_term_does_and_its_weight(chips):
    chips.show_faces((*FACES, ChipFace("IMG.jpg", 1.0, "image"), ChipFace("IMG.jpg", -2.0, "image")))
    assert [chip.face.words for chip in chips.chips] == [
        "spoken query", "without: people", "also: snow · 1.5×", "like this picture", "unlike this picture · 2×"]
    assert [chip.accessibleName() for chip in chips.chips[1:4]] == [
        "without: people, weight 1", "also: snow, weight 1.5", "like IMG.jpg, weight 1"]


def test_a_minus_has_a_ground_and_a_sign_of_its_own(chips):
    chips.show_faces((ChipFace("people", 1.0), ChipFace("people", -1.0)))
    plus, minus = (chip.grab().toImage() for chip in chips.chips)
    grounds = [image.pixelColor(image.width() // 2, 2).name() for image in (plus, minus)]
    assert grounds == [theme.colour("track").name(), theme.colour("minus").name()]
    sign = minus.pixelColor(SIDE - 5 + SIGN // 2, minus.height() // 2 - SIGN // 2 + 2).name()
    assert sign == theme.colour("care_words").name()


def test_the_same_faces_are_not_made_again(chips):
    chips.show_faces(FACES)
    before = list(chips.chips)
    chips.show_faces(FACES)
    assert chips.chips == before


def test_a_click_turns_the_sign_and_the_cross_takes_out(chips, terms, qtbot):
    chips.show_faces(FACES)
    people = chips.chips[1]
    qtbot.mouseClick(people, Qt.MouseButton.LeftButton, pos=QPoint(12, 10))
    [(index, term)] = terms.changed
    assert index == 1 and term.weight == -1
    qtbot.mouseClick(people, Qt.MouseButton.LeftButton, pos=QPoint(people.width() - 8, 10))
    qtbot.keyClick(chips.chips[2], Qt.Key.Key_Delete)
    assert terms.changed[1:] == [(1, None), (2, None)]


def test_a_chip_that_cannot_be_removed_has_no_cross(chips, terms, qtbot):
    chips.show_faces(FACES)
    qtbot.keyClick(chips.chips[0], Qt.Key.Key_Delete)
    qtbot.mouseClick(chips.chips[0], Qt.MouseButton.LeftButton, pos=QPoint(chips.chips[0].width() - 5, 10))
    assert [term.weight for _, term in terms.changed] == [-1], "the click was beside any cross"


def test_the_wheel_weighs(chips, terms, qtbot):
    chips.show_faces(FACES)
    event = QWheelEvent(QPointF(5, 5), QPointF(5, 5), QPoint(), QPoint(0, -120), Qt.MouseButton.NoButton,
                        Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False)
    QApplication.sendEvent(chips.chips[1], event)
    assert [(index, term.weight) for index, term in terms.changed] == [(1, 0.75)]


def test_words_are_typed_in_place(chips, qtbot):
    chips.open_field("- ")
    qtbot.keyClicks(chips.field, "people")
    with qtbot.waitSignal(chips.words_added) as added:
        qtbot.keyClick(chips.field, Qt.Key.Key_Return)
    assert added.args == ["- people"] and chips.field.isHidden() and chips.add.isVisible()


def test_esc_gives_up_typing(chips, qtbot):
    chips.open_field()
    qtbot.keyClicks(chips.field, "people")
    with qtbot.assertNotEmitted(chips.words_added):
        qtbot.keyClick(chips.field, Qt.Key.Key_Escape)
    assert chips.field.isHidden() and chips.add.hasFocus()


def test_many_chips_flow_into_lines(chips):
    chips.show_faces([ChipFace(f"a long term number {number}", 1.0) for number in range(12)])
    QApplication.processEvents()
    assert chips.heightForWidth(700) > chips.heightForWidth(4000)
    assert all(chip.width() <= 240 for chip in chips.chips)


# ---- detail pane


@pytest.fixture
def actions():
    return create_autospec(HitActions)


@pytest.fixture
def pane(qtbot, tmp_path, actions):
    thumbnails = Thumbnails(tmp_path / "thumbnails")
    made = DetailPane(thumbnails, actions)
    qtbot.addWidget(made)
    made.resize(270, 560)
    made.show()
    yield made
    thumbnails.close()


@pytest.mark.parametrize(("level", "expected", "words"), [
    ("strong", 0.0001, "By chance, fewer than 1 in 1\N{NO-BREAK SPACE}000 such searches would show a picture that "
     "scores this high."),
    ("strong", 0.05, "By chance, only about 1 in 20 such searches would show a picture that scores this high."),
    ("fair", 0.7, "About 0.7 pictures of this gallery are expected to score this high by chance."),
    ("weak", 1.2, "About 1 picture of this gallery is expected to score this high by chance."),
    ("weak", 1234, "About 1\N{THIN SPACE}234 pictures of this gallery are expected to score this high by chance.")])
def test_significance_in_words(level, expected, words):
    assert strength_words(MatchSignificance(level, expected)) == words


@pytest.mark.parametrize(("values", "total", "shown_figures"), [
    ((0.511, 0.027), 0.539, [0.51, 0.03]), ((0.333, 0.333, 0.334), 1.0, [0.33, 0.33, 0.34]),
    ((0.505, -0.105), 0.4, [0.51, -0.11]), ((), 0.0, [])])
def test_rounded_shares_add_up_to_the_rounded_score(values, total, shown_figures):
    found = rounded_parts(values, total)
    assert sum(found) == pytest.approx(round(total, 2))
    assert found == pytest.approx(shown_figures)


def test_a_minus_term_is_told_apart_and_says_which_way_it_pulls(pane, make_hit):
    pane.names = {"people": "\N{MINUS SIGN} people"}
    for value, words in ((-0.1, "lowers"), (0.0, "stays"), (0.1, "raises")):
        pane.show_hit(replace(make_hit(1), score=0.4 + value, shares=(ScoreShare("a dog", "text", 0.4),
                                                                      ScoreShare("people", "acoustic", value))))
        plus, minus = pane.findChildren(ShareRow)[-2:]
        assert words in minus.toolTip() and not plus.toolTip()
        zero = plus.bar.bar().left()
        assert minus.bar.bar().width() == pytest.approx(abs(value) / 0.4 * plus.bar.bar().width())
        assert minus.bar.bar().right() == pytest.approx(zero) if value < 0 else minus.bar.bar().left() == zero


@pytest.mark.parametrize("height", [530, 440, 240])
def test_the_picture_gives_way_to_score_and_explanation(pane, make_hit, qtbot, height):
    hit = replace(make_hit(1), shares=(ScoreShare("a man takes a photograph with a camera", "text", 0.4),
                                       ScoreShare("people", "text", 0.1)))
    pane.resize(270, height)
    pane.show_hit(hit)
    score = next(words for words in pane.findChildren(QLabel) if words.text() == "Score")
    for part in (score, *([pane.strength] if height > 240 else [])):
        qtbot.waitUntil(lambda part=part: part.visibleRegion().boundingRect().height() == part.height() > 0)
    assert pane.picture.height() <= 0.4 * height or not pane.picture.isVisible()


def test_the_pane_shows_a_hit_and_acts_on_it(pane, actions, make_hit, pictures, qtbot):
    hit = make_hit(1, pictures[0], tags=("holiday",))
    pane.names = {"a dog": "Transcript"}
    pane.show_hit(hit)
    assert pane.name.text().replace("\N{ZERO WIDTH SPACE}", "") == "red square.png"
    assert "400\N{NO-BREAK SPACE}×\N{NO-BREAK SPACE}300" in pane.facts.text() and "holiday" in pane.tags.text()
    assert "Strong match" in pane.strength.text()
    assert {row.accessibleName() for row in pane.findChildren(ShareRow)} == {"Transcript: 0.50"}
    for button, action in ((pane.more, "more_like"), (pane.folder, "show_in_folder"), (pane.open, "open")):
        qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
        getattr(actions, action).assert_called_once_with([hit.image])


def test_words_and_voice_have_a_row_each_and_a_second_voice_is_told_apart(pane, make_hit):
    hit = replace(make_hit(1), score=0.42,
                  shares=(ScoreShare("a dog", "text", 0.3), ScoreShare("a dog", "acoustic", 0.1),
                                                   ScoreShare("a cat", "text", 0.04),
                                                   ScoreShare("a cat", "acoustic", -0.02)))
    pane.names = {"a dog": "Transcript", "a cat": "\N{MINUS SIGN} a cat"}
    pane.show_hit(hit)
    assert [row.accessibleName() for row in pane.findChildren(ShareRow)] == [
        "Transcript: 0.30", "Voice: 0.10", "\N{MINUS SIGN} a cat: 0.04", "Voice of \N{MINUS SIGN} a cat: -0.02"]


def test_a_hit_says_what_words_and_voice_gave_where_a_voice_was_listened_to(make_hit, qtbot):
    model = PictureModel()
    spoken = replace(make_hit(1), shares=(ScoreShare("a dog", "text", 0.3), ScoreShare("a dog", "acoustic", 0.1)))
    model.set_hits((spoken, make_hit(2)))
    tips = [model.index(row).data(Qt.ItemDataRole.ToolTipRole) for row in (0, 1)]
    assert "Words 0.30 · voice 0.10" in tips[0] and "voice" not in tips[1]


def test_an_empty_pane_has_nothing_to_press(pane, qtbot):
    pane.show_hit(None)
    assert not pane.more.isVisible() and not pane.name.isVisible()


def test_long_names_can_break(pane):
    assert "\N{ZERO WIDTH SPACE}" in breakable(Path("/x/IMG_2024-01-01_long.name.jpg"))


# ---- filter


@pytest.fixture
def bar(qtbot):
    made = FilterBar()
    qtbot.addWidget(made)
    made.offer((("holiday", 3), ("work", 1)), (Path("/a"), Path("/a/b")))
    made.show()
    return made


def test_a_filter_tells_name_tag_and_folder(bar, qtbot):
    with qtbot.waitSignal(bar.changed, check_params_cb=lambda limits: limits == HitLimits(tag="holiday")):
        bar.tag.setCurrentIndex(1)
    with qtbot.waitSignal(bar.changed, check_params_cb=lambda limits: limits.folder == str(Path("/a/b"))):
        bar.folder.setCurrentIndex(2)
    with qtbot.waitSignal(bar.changed, check_params_cb=lambda limits: limits.name == "IMG"):
        qtbot.keyClicks(bar.name, "IMG")
    assert bar.limits().any and bar.folder.itemText(2) == "a / b"


def test_a_filter_tells_when_pictures_were_taken_and_marks_what_is_no_time(bar, qtbot):
    with qtbot.waitSignal(bar.changed, check_params_cb=lambda limits: limits.taken == (datetime(2024, 5, 1),
                                                                                       datetime(2024, 6, 1))):
        qtbot.keyClicks(bar.taken, "2024-05")
    with qtbot.waitSignal(bar.changed, check_params_cb=lambda limits: not limits.any):
        qtbot.keyClicks(bar.taken, "-99")
    assert bar.taken.property("look") == "wrong"
    assert "Write 2024, 2024-05" in bar.problem.text()
    bar.taken.clear()
    assert bar.taken.property("look") == ""
    assert bar.problem.isHidden()


def test_esc_closes_and_lets_all_through(bar, qtbot):
    bar.taken.setText("2024")
    bar.tag.setCurrentIndex(1)
    with qtbot.waitSignals([bar.changed, bar.closed]):
        qtbot.keyClick(bar, Qt.Key.Key_Escape)
    assert not bar.limits().any and bar.isHidden()


def test_new_offers_keep_the_choice_where_it_still_exists(bar, qtbot):
    bar.tag.setCurrentIndex(2)
    with qtbot.assertNotEmitted(bar.changed):
        bar.offer((("work", 2), ("new", 1)), ())
    assert bar.limits().tag == "work"
    bar.offer((), ())
    assert bar.limits().tag == ""


# ---- history

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)


def records():
    return [QueryRecord(2, NOW, "Flickr", "a dog", "speech", Path("/r.flac"), "[]"),
            QueryRecord(1, datetime(2026, 1, 2, 3, 4, tzinfo=UTC), "Flickr", "snow − people", "mixed", None, "[]")]


@pytest.fixture
def history():
    made = create_autospec(QueryHistory)
    made.records.return_value = []
    return made


@pytest.fixture
def menu(qtbot, history):
    made = HistoryMenu(history)
    qtbot.addWidget(made)
    made.show_records(records(), NOW)
    return made


def acted(qtbot, action):
    """The ids of the queries that an action was called with."""
    qtbot.waitUntil(lambda: action.await_count)
    return [call.args[0].id for call in action.await_args_list]


def test_history_lists_and_asks_again(menu, history, qtbot):
    assert menu.list.count() == 2 and "a dog" in menu.list.item(0).text()
    menu.list.setCurrentRow(1)
    assert not menu.play.isEnabled(), "nothing was kept to play"
    menu.again.click()
    assert acted(qtbot, history.open) == [1]
    qtbot.keyClick(menu, Qt.Key.Key_Delete)
    assert acted(qtbot, history.delete) == [1]


def test_clearing_asks_first(menu, history, qtbot):
    menu.clear.click()
    assert "Delete all 2" in menu.clear.text() and not history.clear.called
    menu.clear.click()
    qtbot.waitUntil(lambda: history.records.await_count == 1)
    assert history.clear.await_count == 1


def shown(menu):
    return [menu.list.item(at).text().split("   ")[1] for at in range(menu.list.count())
            if not menu.list.item(at).isHidden()]


def test_the_history_is_filtered_as_one_types(menu, history, qtbot):
    menu.open_at(QPoint(500, 100))
    assert menu.focusWidget() is menu.search
    qtbot.keyClicks(menu.search, "PEOPLE sno")
    assert shown(menu) == ["snow − people"] and menu.record().id == 1
    qtbot.keyClick(menu.search, Qt.Key.Key_Return)
    assert acted(qtbot, history.open) == [1]
    menu.open_at(QPoint(500, 100))
    assert shown(menu) == ["a dog", "snow − people"], "it opens with all of them"
    qtbot.keyClicks(menu.search, "flickr")
    assert len(shown(menu)) == 2, "the gallery's name counts"


def test_the_history_without_a_match_says_so_and_does_nothing(menu, history, qtbot):
    menu.open_at(QPoint(500, 100))
    qtbot.keyClicks(menu.search, "zebra")
    assert shown(menu) == [] and menu.list.isHidden() and menu.empty.text() == "No query matches."
    assert not (menu.again.isEnabled() or menu.delete.isEnabled() or menu.play.isEnabled())
    qtbot.keyClick(menu.search, Qt.Key.Key_Return)
    assert not history.open.called
    qtbot.keyClick(menu.search, Qt.Key.Key_Escape)
    assert menu.isVisible() and len(shown(menu)) == 2, "Esc empties the field first"


def test_the_list_is_walked_from_the_search_field(menu, history, qtbot):
    menu.open_at(QPoint(500, 100))
    qtbot.keyClick(menu.search, Qt.Key.Key_Down)
    assert menu.record().id == 1 and menu.focusWidget() is menu.search
    qtbot.keyClick(menu.search, Qt.Key.Key_Delete)
    assert acted(qtbot, history.delete) == [1]
    qtbot.waitUntil(lambda: menu.list.count() == 0)
    menu.show_records(records(), NOW)
    menu.search.setFocus()
    qtbot.keyClicks(menu.search, "dog")
    qtbot.keyClick(menu.search, Qt.Key.Key_Home)
    qtbot.keyClick(menu.search, Qt.Key.Key_Delete)
    assert menu.search.text() == "og", "with words in it, Delete edits them"
    assert history.delete.call_count == 1


def test_a_filter_stays_when_a_query_was_forgotten(menu, qtbot):
    menu.search.setText("dog")
    menu.show_records(records()[::-1], NOW)
    assert shown(menu) == ["a dog"]


def test_an_empty_history_says_so(menu):
    menu.show_records([], NOW)
    assert menu.search.isHidden() and menu.empty.text() == "No query yet."
    assert not menu.empty.isHidden() and menu.list.isHidden()
    assert not any(each.isEnabled() for each in (menu.again, menu.play, menu.delete, menu.clear))


def test_times_are_short():
    assert when_words(datetime(2026, 1, 2, 12, 0, tzinfo=UTC), NOW).endswith("2026")
    assert ":" in when_words(NOW, NOW.astimezone())
