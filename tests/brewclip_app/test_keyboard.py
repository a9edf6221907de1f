"""Tab goes through every panel in reading order; Esc closes what lies over a panel, and nothing else."""

import threading
from itertools import pairwise
from unittest.mock import Mock

import pytest
from PySide6.QtCore import QEvent, QObject, QPoint, QRect, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QComboBox,
    QLineEdit,
    QPushButton,
    QRadioButton,
    QScrollArea,
    QToolButton,
    QWidget,
)

from brewclip_app import tasks
from brewclip_app.context import Context
from brewclip_app.main_window import PANELS, MainWindow
from brewclip_app.panels.emotion.controller import JOB as PROBING
from brewclip_app.panels.evaluate.controller import EVALUATE
from brewclip_app.panels.failures.controller import DIAGNOSE
from brewclip_app.panels.search.query_chips import ChipFace, QueryChips
from brewclip_app.widgets.common import button, column, tab_before
from brewclip_app.widgets.dialogs import confirm
from core.progress import Progress
from core.store.store import Store
from tests.brewclip_app.training_runs import make_run

pytestmark = pytest.mark.slow

WAIT = 30_000
SLACK = 12  # px by which what stands in one line may differ
FAR = 150  # stops of Tab, after which it must have come round


@pytest.fixture
def window(home, qtbot, make_evaluation):
    """The real panels on a home with evaluations and runs."""
    store = Store.open(home.store)
    make_evaluation(store)
    store.close()
    make_run(home.runs, "1")
    make_run(home.runs, "2", end="paused")
    context = Context(home)
    made = MainWindow(context)
    qtbot.addWidget(made)
    made.setMinimumSize(0, 0)
    made.resize(1280, 800)
    made.show()
    made.activateWindow()
    qtbot.waitUntil(made.isActiveWindow)
    yield made
    for panel in made.panels.values():
        panel.closing()
    assert context.jobs.shutdown(30)
    context.close()


def bring(window, key, qtbot):
    window.show_panel(key)
    qtbot.waitUntil(lambda: window.context.jobs.is_idle() and tasks.is_idle(), timeout=WAIT)
    window.current().setFocus()
    assert QApplication.focusWidget() is not None
    return window.current()


class Windows(QObject):
    """Notes what is shown as a window of its own."""

    def __init__(self):
        super().__init__()
        self.shown = []

    def eventFilter(self, watched, event):
        if event.type() == QEvent.Type.Show and isinstance(watched, QWidget) and watched.isWindow():
            self.shown.append(named(watched))
        return False


def test_no_part_of_a_panel_flashes_as_a_window_and_takes_the_focus(window, qtbot):
    """What is shown before it has a parent does."""
    windows = Windows()
    QApplication.instance().installEventFilter(windows)
    try:
        for entry in PANELS:
            bring(window, entry.key, qtbot)
            assert window.isActiveWindow() and QApplication.focusWidget() is not None
        probe = QWidget()
        qtbot.addWidget(probe)
        probe.show()
        assert windows.shown == ["QWidget ''"], "the one that is shown here, and no other"
    finally:
        QApplication.instance().removeEventFilter(windows)


def can_be_reached(widget):
    return (widget.isVisible() and widget.isEnabled() and widget.focusPolicy() & Qt.FocusPolicy.TabFocus
            and widget.focusProxy() is None and not isinstance(widget.parentWidget(), QComboBox)
            and not (isinstance(widget, QRadioButton) and not widget.isChecked())
            and not (isinstance(widget, QAbstractButton) and widget.group() is not None
                     and widget.group().exclusive() and not widget.isChecked()))


def press_tab():
    """What has the focus after Tab."""
    assert QApplication.focusWidget() is not None
    QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_Tab)
    assert QApplication.focusWidget() is not None
    return QApplication.focusWidget()


def stops(panel):
    """What Tab visits in the panel, in order, until it leaves it."""
    found = []
    for _ in range(FAR):
        now = press_tab()
        if now in found or not panel.isAncestorOf(now):
            return found
        found.append(now)
    pytest.fail(f"Tab never leaves {panel.title}: {found[-3:]}")


def area_of(widget, panel):
    """The scroll area of the panel that a widget is in; None where there is none."""
    around = widget.parentWidget()
    while around is not panel and not (isinstance(around, QScrollArea) and around.widget().isAncestorOf(widget)):
        around = around.parentWidget()
    return None if around is panel else around


def places(one, other, panel):
    """Where two widgets are seen; what is scrolled out of sight is at the edge of an area that the other is not in."""
    found = []
    for widget in (one, other):
        seen, area = QRect(widget.mapTo(panel, QPoint(0, 0)), widget.size()), area_of(widget, panel)
        if area is not None and area is not area_of(one if widget is other else other, panel):
            port = QRect(area.viewport().mapTo(panel, QPoint(0, 0)), area.viewport().size())
            seen.moveTop(min(max(seen.top(), port.top()), port.bottom()))
        found.append(seen)
    return found


def follows(first, second):
    """Whether a reader comes to `second` after `first`: below, to the right in its line, or in a column further on."""
    return (second.top() >= first.bottom() - SLACK or second.left() >= first.right() - SLACK
            or (abs(second.center().y() - first.center().y()) <= SLACK and second.left() >= first.left())
            or (second.top() >= first.top() and second.left() >= first.left()))


def named(widget):
    text = widget.accessibleName() or (widget.text() if isinstance(widget, QAbstractButton | QLineEdit) else "")
    return f"{type(widget).__name__} {text!r}"


@pytest.mark.parametrize("key", [entry.key for entry in PANELS])
def test_tab_visits_every_control_of_a_panel_in_reading_order(window, qtbot, key):
    panel = bring(window, key, qtbot)
    first = [panel] if QApplication.focusWidget() is panel else [QApplication.focusWidget()]
    found = [*(each for each in first if each is not panel), *stops(panel)]
    wanted = [each for each in panel.findChildren(QWidget) if can_be_reached(each)]
    assert found and {named(each) for each in wanted} - {named(each) for each in found} == set()
    wrong = [f"{named(one)} before {named(other)}: {places(one, other, panel)}" for one, other in pairwise(found)
             if not follows(*places(one, other, panel))]
    assert wrong == []


def test_what_is_made_later_is_reached_where_it_stands(qtbot):
    before, anchor, after = QLineEdit(), button("Add"), QLineEdit()
    inner = QWidget()
    whole = QWidget()
    whole.setLayout(column(before, inner, anchor, after))
    qtbot.addWidget(whole)
    parts = [QLineEdit(), QLineEdit()]
    inner.setLayout(column(*parts))
    tab_before(anchor, inner)
    whole.show()
    whole.activateWindow()
    qtbot.waitUntil(whole.isActiveWindow)
    before.setFocus()
    for wanted in (*parts, anchor, after, before):
        assert press_tab() is wanted


def test_the_chips_of_a_query_are_reached_before_the_way_to_add_one(qtbot):
    whole, chips, after = QWidget(), QueryChips(Mock(), Mock()), QLineEdit()
    whole.setLayout(column(chips, after))
    qtbot.addWidget(whole)
    whole.show()
    whole.activateWindow()
    qtbot.waitUntil(whole.isActiveWindow)
    chips.show_faces([ChipFace("a dog", 1.0), ChipFace("people", -1.0)])
    chips.chips[0].setFocus()
    for wanted in (chips.chips[1], chips.add, after):
        assert press_tab() is wanted


# ---- Esc


@pytest.fixture
def busy(window, qtbot):
    """A job of minutes for each panel that has one."""
    gate, started, jobs = threading.Event(), [], []

    def begin(panel):
        bring(window, panel, qtbot)
        keys = {"library": f"index:{window.context.gallery}", "evaluate": EVALUATE, "failures": DIAGNOSE,
                "emotion": PROBING, "train": "train:/runs/1"}

        def work(report):
            started.append(1)
            while not gate.wait(0.01):
                report(Progress(done=1, total=100, subject="Hearing"))

        jobs.append(window.context.jobs.submit("Working for minutes", work, key=keys.get(panel, "work"),
                                               loss="All of it."))
        qtbot.waitUntil(lambda: len(started) == len(jobs))
        return jobs[-1]

    yield begin
    gate.set()


def top():
    """What the next key goes to."""
    asked = QApplication.activeModalWidget()
    return QApplication.activePopupWidget() or (asked and (asked.focusWidget() or asked)) or QApplication.focusWidget()


def overlays(window, panel):
    """(name, open, is open) of what can lie over a panel."""
    question = []
    yield "key list", window.open_keys, window.keys.isVisible
    yield "help", window._open_help, window.help.isVisible
    yield ("question", lambda: question.append(confirm(panel, "Delete?", "It is gone then.", "Delete", lambda: None)),
           lambda: question[-1].isVisible())
    for each in [*panel.findChildren(QPushButton), *panel.findChildren(QToolButton)]:
        if each.isVisible() and each.isEnabled() and each.menu() is not None:
            menu = each.menu()
            yield named(each), lambda each=each, menu=menu: menu.popup(each.mapToGlobal(QPoint(0, 0))), menu.isVisible
    for each in panel.findChildren(QComboBox):
        if each.isVisible() and each.isEnabled() and each.count():
            yield named(each), each.showPopup, lambda each=each: each.view().isVisible()


@pytest.mark.parametrize("key", [entry.key for entry in PANELS])
def test_esc_closes_what_lies_over_a_panel_and_stops_no_job(window, qtbot, busy, key):
    job = busy(key)
    panel = window.current()
    panel.setFocus()
    before = press_tab()
    for name, open_it, is_open in overlays(window, panel):
        before.setFocus()
        open_it()
        qtbot.waitUntil(is_open)
        assert top() is not None, name
        QTest.keyClick(top(), Qt.Key.Key_Escape)
        qtbot.waitUntil(lambda is_open=is_open: not is_open())
        qtbot.waitUntil(lambda: QApplication.focusWidget() is before)
        assert not job.cancelled and panel is window.current(), name
    panel.setFocus()
    QTest.keyClick(panel, Qt.Key.Key_Escape)
    assert not job.cancelled, "a bare Esc asks"
