"""The guided tour over the real window and Search panel: steps, keys, screen readers, and when it is offered."""

import pytest
from PySide6.QtCore import QRect, Qt
from PySide6.QtWidgets import QApplication

from brewclip_app.context import Context
from brewclip_app.main_window import PANELS, MainWindow
from brewclip_app.tour.guide import NO_GALLERY, OFFER, OFFERED
from brewclip_app.tour.steps import STEPS, TourFacts, facts_of
from tests.brewclip_app.panels.search.helpers import FakeExplorer, made_listing

SEARCH = tuple(entry for entry in PANELS if entry.key in ("search", "library", "settings"))


@pytest.fixture
def explorer(make_hit):
    made = FakeExplorer(make_hit)
    made.store.listing = made_listing(40)
    return made


@pytest.fixture
def context(home, qapp, explorer):
    made = Context(home, explorer)
    yield made
    made.jobs.shutdown(20)


@pytest.fixture
def window(context, qtbot):
    made = MainWindow(context, SEARCH)
    qtbot.addWidget(made, before_close_func=lambda widget: context.jobs.shutdown(10))
    made.resize(1180, 740)
    made.show()
    made.activateWindow()
    qtbot.waitUntil(lambda: made.panels["search"].results.grid.pictures.rowCount() == 40)
    return made


@pytest.fixture
def tour(window, qtbot):
    window.guide.open()
    qtbot.waitUntil(window.guide.tour.isVisible)
    return window.guide.tour


def test_each_step_points_at_a_control_that_is_seen_and_leaves_it_free(window, tour):
    panel = window.panels["search"]
    for place, step in enumerate(STEPS):
        tour.go(place)
        control = step.target(panel)
        assert control.isVisible() and tour.title.text() == step.title
        target, card = tour.target(), tour.card.geometry()
        assert target.width() >= min(control.width(), 20) and tour.rect().contains(card)
        free = QRect(target)
        assert (free & card).width() * (free & card).height() < 0.5 * target.width() * target.height()
    assert tour.next.text() == "Done"


def test_the_keys_go_on_and_back_and_the_focus_returns(window, tour, qtbot):
    field = window.panels["search"].header.transcript
    tour.hide()
    field.setFocus()
    window.guide.open()
    qtbot.keyClick(tour, Qt.Key.Key_Right)
    qtbot.keyClick(tour, Qt.Key.Key_Return)
    assert tour.place == 2
    qtbot.keyClick(tour, Qt.Key.Key_Left)
    assert tour.place == 1
    for _ in range(len(STEPS)):
        qtbot.keyClick(tour, Qt.Key.Key_Return)
    assert tour.isHidden() and QApplication.focusWidget() is field


@pytest.mark.parametrize("place", range(len(STEPS)))
def test_esc_leaves_at_any_step(tour, qtbot, place):
    tour.go(place)
    qtbot.keyClick(tour, Qt.Key.Key_Escape)
    assert tour.isHidden()


def test_tab_stays_in_the_card_and_no_key_reaches_the_panel(window, tour, qtbot, explorer):
    tour.go(1)
    stops = set()
    for _ in range(6):
        qtbot.keyClick(QApplication.focusWidget(), Qt.Key.Key_Tab)
        stops.add(QApplication.focusWidget())
    assert stops == {tour.end, tour.back, tour.next}
    qtbot.keyClick(tour, Qt.Key.Key_N, Qt.KeyboardModifier.ControlModifier)
    assert tour.isVisible() and not window.panels["search"].voice.is_recording() and not explorer.asked


def test_a_screen_reader_is_told_each_step(tour):
    for place, step in enumerate(STEPS):
        tour.go(place)
        said = tour.next.accessibleDescription()
        assert said.startswith(f"{place + 1} of {len(STEPS)}: {step.title}") and tour.words.text() in said


def test_the_texts_are_true_of_the_window():
    spoken = STEPS[1].words(TourFacts())
    silent = STEPS[1].words(TourFacts("No microphone was found."))
    assert spoken.startswith("Hold Space") and silent.startswith("No microphone was found.")
    assert "all pictures" in STEPS[2].words(TourFacts()) and "best match" in STEPS[2].words(TourFacts(results=True))
    assert "simple interface" in STEPS[3].words(TourFacts(simple=True))
    assert "simple interface" not in STEPS[3].words(TourFacts())


def test_the_facts_are_those_of_the_panel(window, explorer):
    panel = window.panels["search"]
    panel.controller._set(microphone=False)
    assert facts_of(panel, True).no_speech and facts_of(panel, True).simple and not facts_of(panel, False).results
    panel.controller._set(microphone=True)
    assert bool(facts_of(panel, False).no_speech) is not panel.controller.state.can_speak


def test_it_follows_the_size_of_the_window(window, tour, qtbot):
    tour.go(4)
    window.resize(1000, 640)
    qtbot.waitUntil(lambda: tour.size() == window.size())
    assert tour.rect().contains(tour.card.geometry())


def test_the_demo_of_a_first_start_offers_it_once(window, context, explorer, qtbot):
    panel = window.panels["search"]
    context.set_gallery("Holidays")
    panel.controller._set(first_start=True)
    explorer.store.records["demo"] = explorer.store.records["Flickr"]
    explorer.store.counts["demo"] = explorer.store.counts["Flickr"]
    context.set_gallery("demo")
    message = panel.controller.state.message
    assert (message.text, message.action) == (OFFER, "Show me around") and context.state.get(OFFERED)
    panel.controller._set(first_start=False)
    message.act()
    assert window.guide.tour.isVisible() and not panel.controller.state.message.text
    panel.controller._set(first_start=True)
    context.set_gallery("Flickr")
    context.set_gallery("demo")
    assert not panel.controller.state.message.text, "it was offered before"


def test_without_a_gallery_help_says_what_is_needed(window):
    window.panels["search"].controller._set(first_start=True)
    window.help.tour.trigger()
    assert window.guide.tour is None and window.banner.message.text() == NO_GALLERY
