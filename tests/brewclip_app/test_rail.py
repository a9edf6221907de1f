"""The rail and the status bar in little room."""

import pytest
from PySide6.QtCore import QSize
from PySide6.QtWidgets import QWidget

from brewclip_app.jobs import JobRunner
from brewclip_app.shell.rail import LOWEST, Rail
from brewclip_app.shell.status_strip import ElidedLink, StatusStrip
from brewclip_app.widgets.common import row


@pytest.fixture
def rail(qtbot):
    """A rail of nine panels and Help, in a window of its own."""
    window = QWidget()
    qtbot.addWidget(window)
    made = Rail(lambda key: None)
    for number in range(9):
        made.add(f"panel {number}", "search", f"Panel {number}", "", below=number == 8)
    made.add_action("help", "Help", "Help", lambda: None)
    window.setLayout(row(made, None))
    window.show()
    made.place = window
    return made


@pytest.mark.parametrize("height", [340, 420, 600])
def test_every_button_is_seen_where_icons_fit_in_any_size(rail, qtbot, height):
    """600 x 384 is what a screen of 1000 x 640 is to fonts of 167 %: about 340 are left to the rail."""
    rail.window().resize(600, height)
    buttons = (*rail.buttons.values(), rail.action_button)
    qtbot.waitUntil(lambda: all(each.visibleRegion().boundingRect() == each.rect() for each in buttons))
    assert rail.is_compact and rail.area.verticalScrollBar().maximum() == 0
    assert min(each.height() for each in buttons) >= LOWEST


def test_where_they_do_not_fit_a_scroll_bar_says_that_there_are_more(rail, qtbot):
    rail.window().resize(600, 240)
    qtbot.waitUntil(lambda: rail.area.verticalScrollBar().isVisible())
    rail.window().resize(QSize(1200, 800))
    qtbot.waitUntil(lambda: not rail.is_compact and not rail.area.verticalScrollBar().isVisible())


def test_a_link_is_shortened_not_clipped(qtbot):
    link = ElidedLink(lambda: None)
    qtbot.addWidget(link)
    link.setText("BrewCLIP mini, words & voice · Whisper base")
    whole = link.sizeHint()
    link.show()
    link.resize(whole)
    assert super(ElidedLink, link).text() == "BrewCLIP mini, words && voice · Whisper base"
    link.resize(whole.width() // 2, whole.height())
    assert super(ElidedLink, link).text().endswith("…") and link.text().endswith("Whisper base")
    assert link.minimumSizeHint().width() < whole.width() // 2


def test_the_models_give_way_to_a_running_job(qtbot):
    jobs = JobRunner()
    strip = StatusStrip(jobs, lambda: None, lambda key: None)
    qtbot.addWidget(strip)
    strip.models.setText("BrewCLIP mini, words and voice · Whisper base")
    for part in (strip.running, strip.bar, strip.stop):
        part.show()
    strip.running.setText("Transcribing the recordings of a dataset")
    strip.resize(560, 32)
    strip.show()
    qtbot.waitUntil(lambda: strip.models.geometry().right() <= strip.width())
    assert strip.models.x() > strip.bar.geometry().right()
    assert super(ElidedLink, strip.models).text().endswith("…")
