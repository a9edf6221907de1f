import re
from importlib import resources
from pathlib import Path

import pytest
from PySide6.QtGui import QColor, QPalette
from PySide6.QtWidgets import QPushButton

from brewclip_app import style_sheet, theme
from brewclip_app.widgets.common import button

READ_ON = [(words, ground) for words in ("words", "quiet", "good_words", "care_words", "voice_words", "record_words",
                                         "transcript", "main") for ground in ("card", "ground")]
READ_ON += [("on_main", "main"), ("words", "chosen"), ("words", "hover"), ("words", "track"), ("quiet", "track"),
            ("quiet", "chosen"), ("care_words", "minus")]
LOOK = {"transcript": ("#1668b8", "#5aa9f0"), "voice": ("#c8501e", "#f08a55"), "main": ("#5a4fcf", "#a79bff"),
        "record": ("#d92d20", "#ff5a4f"), "good": ("#2e8b57", "#5fc58b"), "care": ("#b7791f", "#e0a94a"),
        "ground": ("#f5f5f7", "#1c1c20"), "card": ("#ffffff", "#27272c"), "line": ("#dcdce1", "#3a3a42"),
        "words": ("#1b1b1f", "#ececf1"), "quiet": ("#6a6a73", "#9d9da8")}


def luminance(name: str) -> float:
    def linear(part: float) -> float:
        return part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4
    colour = QColor(name)
    return 0.2126 * linear(colour.redF()) + 0.7152 * linear(colour.greenF()) + 0.0722 * linear(colour.blueF())


def contrast(one: str, other: str) -> float:
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("side", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(("words", "ground"), READ_ON)
def test_words_can_be_read(words, ground, side):
    assert contrast(theme.COLOURS[words][side], theme.COLOURS[ground][side]) >= 4.5


@pytest.mark.parametrize("side", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(("sign", "ground"), [("main", "card"), ("record", "card"), ("on_record", "record"),
                                              ("main", "track")])
def test_signs_and_bars_can_be_told_from_their_ground(sign, ground, side):
    assert contrast(theme.COLOURS[sign][side], theme.COLOURS[ground][side]) >= 3


def test_the_one_language_of_colour_is_kept():
    assert {name: theme.COLOURS[name] for name in LOOK} == LOOK


def test_every_choice_dresses_the_application(qapp):
    try:
        theme.apply(qapp, "dark")
        assert theme.is_dark()
        assert qapp.palette().color(QPalette.ColorRole.Window) == QColor("#1c1c20")
        assert "#1c1c20" in qapp.styleSheet()
    finally:
        theme.apply(qapp, "light")
    assert qapp.palette().color(QPalette.ColorRole.Window) == QColor("#f5f5f7")


def test_the_style_sheet_leaves_no_name_unreplaced(qapp):
    theme.apply(qapp, "light")
    assert not re.search(r"[@$]|#size", qapp.styleSheet())
    assert all(Path(path).is_file() for path in re.findall(r"url\(([^)]*)\)", qapp.styleSheet()))


def test_longer_names_are_replaced_before_their_beginnings():
    made = style_sheet.style_sheet({**dict.fromkeys(theme.COLOURS, "x"), "good": "SHORT", "good_words": "LONG"},
                                   dict.fromkeys(theme.SIZES, "1pt"), dict.fromkeys(("chevron", "up", "check"), "f"))
    assert "LONG" in made and "SHORT_words" not in made


def test_changed_is_signalled_only_when_the_colours_are_others(qapp, qtbot):
    theme.apply(qapp, "light")
    with qtbot.waitSignal(theme.changed):
        theme.apply(qapp, "dark")
    with qtbot.assertNotEmitted(theme.changed):
        theme.apply(qapp, "dark")
    theme.apply(qapp, "light")


@pytest.mark.parametrize("name", sorted(entry.name.removesuffix(".svg") for entry in
                                        resources.files("resources").joinpath("icons").iterdir()))
def test_every_icon_draws_in_its_colour(qapp, name):
    image = theme.icon(name, "record").pixmap(48, 48).toImage()
    inks = [image.pixelColor(x, y) for x in range(image.width()) for y in range(image.height())
            if image.pixelColor(x, y).alpha() > 200]
    assert len(inks) > 20
    assert all(abs(ink.red() - theme.colour("record").red()) < 12 for ink in inks)


def test_an_icon_of_a_button_follows_the_theme(qapp, qtbot):
    theme.apply(qapp, "light")
    made = QPushButton()
    qtbot.addWidget(made)
    theme.set_icon(made, "stop", "words")
    before = made.icon().pixmap(24, 24).toImage().pixelColor(12, 12)
    theme.apply(qapp, "dark")
    after = made.icon().pixmap(24, 24).toImage().pixelColor(12, 12)
    theme.apply(qapp, "light")
    assert before.lightness() < 60 < 200 < after.lightness()


@pytest.mark.parametrize("look", ["", "main", "danger"])
def test_a_disabled_button_is_grey_whatever_its_look(qapp, qtbot, look):
    theme.apply(qapp, "light")
    made = button("Delete all", name=look)
    qtbot.addWidget(made)
    made.setEnabled(False)
    made.resize(made.sizeHint())
    image = made.grab().toImage()
    inks = [image.pixelColor(x, y) for x in range(image.width()) for y in range(image.height())]
    assert max(ink.saturation() for ink in inks) < 60


def test_sizes_follow_the_systems_font(qapp):
    theme.apply(qapp, "light")
    assert theme.points("title") / theme.points("body") == pytest.approx(18 / 13)
    assert theme.font("quiet").pointSizeF() < theme.font("body").pointSizeF() < theme.font("transcript").pointSizeF()


@pytest.mark.parametrize("mark", theme.MARKS)
@pytest.mark.parametrize("side", [0, 1])
def test_the_marks_of_the_style_sheet_are_the_icons_in_the_colours_of_the_table(mark, side):
    icon, role = theme.MARKS[mark]
    drawn = resources.files("resources").joinpath("icons", f"{icon}.svg").read_text()
    assert Path(theme._marks(side)[mark]).read_text() == drawn.replace("currentColor", theme.COLOURS[role][side])
