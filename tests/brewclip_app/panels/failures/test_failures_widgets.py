"""The widgets and records of the Failures panel by themselves."""

from types import SimpleNamespace

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QAbstractItemModelTester

from brewclip_app.panels.failures import misses
from brewclip_app.panels.failures.kind_chart import Bar, KindChart
from brewclip_app.panels.failures.label_bar import LabelBar
from brewclip_app.panels.failures.misses_model import ANY_LABEL, FailureLimits, MissesModel, MissesProxy, MissRow
from core.annotation.differences import Piece


def test_captions_in_capitals_are_no_differences():
    utterance = SimpleNamespace(transcript="A dog runs.", caption="A DOG RUNS")
    pieces = misses._pieces(utterance)
    assert [(each.change, each.text) for each in pieces] == [("same", "A dog runs.")]


@pytest.mark.parametrize(("caption", "reason"), [
    ("A DOG RUNS", "No words recognised. The caption is shown instead."), ("", "No words recognised.")])
def test_an_utterance_without_words_says_so_and_shows_its_caption_as_such(caption, reason):
    utterance = SimpleNamespace(transcript=" ", caption=caption, reason="")
    assert misses._pieces(utterance) == (Piece("added", "", caption.lower()),)
    assert misses._reason(utterance) == reason
    assert misses._title(SimpleNamespace(transcript="", caption=caption, reason="")) == "No words recognised"


def rows(count=6):
    wers = [0.0, 0.1, 0.2, None, 0.4, 0.5]
    return [MissRow(number, number + 2, f"words {number}", wers[number], "crop", "Centre crop",
                      "main", None, "heard" if number == 1 else "", "", "2" if number == 1 else "", "", "a", number)
            for number in range(count)]


def test_the_models_keep_qts_rules(qtbot):
    model = MissesModel()
    proxy = MissesProxy(model)
    testers = [QAbstractItemModelTester(each, QAbstractItemModelTester.FailureReportingMode.Fatal)
               for each in (model, proxy)]
    model.show(rows())
    proxy.limit(FailureLimits(label=ANY_LABEL))
    assert [row.number for row in proxy.rows()] == [1]
    proxy.limit(FailureLimits(wer=(0, 20)))
    assert [row.number for row in proxy.rows()] == [0, 1, 2]
    proxy.limit(FailureLimits())
    proxy.sort(2, Qt.SortOrder.DescendingOrder)
    assert [row.number for row in proxy.rows()] == [3, 5, 4, 2, 1, 0]
    changed = [*rows()[:2], *(MissRow(each.number, each.rank, "other words") for each in rows()[2:])]
    model.show(changed)
    assert proxy.row_at(proxy.line_of(4)).words == "other words"
    model.show(changed[:2])
    assert model.rowCount() == 2
    assert [each.model() for each in testers] == [model, proxy]


def test_the_chart_keeps_its_choice_when_counts_change(qtbot):
    chart = KindChart()
    qtbot.addWidget(chart)
    chart.show_bars([Bar("crop", "Centre crop", "main", 3), Bar("none", "Not explained", "line", 0)])
    with qtbot.waitSignal(chart.chosen) as chosen:
        chart._rows[0].click()
    assert chosen.args == ["crop"]
    chart.show_bars([Bar("crop", "Centre crop", "main", 2)])
    assert chart._rows[0].isChecked()
    with qtbot.waitSignal(chart.chosen) as chosen:
        chart._rows[0].click()
    assert chosen.args == [""]


def test_typing_a_note_is_not_undone_by_the_stores_answer(qtbot):
    bar = LabelBar([("crop", "Centre crop"), ("other", "Other")], lambda: None)
    qtbot.addWidget(bar)
    bar.show_label("one", "", "")
    qtbot.keyClicks(bar.note, "half a no")
    bar.show_label("one", "crop", "")
    assert bar.note.text() == "half a no" and bar.buttons["crop"].isChecked()
    with qtbot.waitSignal(bar.noted) as noted:
        bar.keep()
    assert noted.args == ["half a no"]
    bar.show_label("two", "", "another")
    assert bar.note.text() == "another"


def test_a_click_on_a_label_chooses_it_and_another_removes_it(qtbot):
    bar = LabelBar([("crop", "Centre crop"), ("other", "Other")], lambda: None)
    qtbot.addWidget(bar)
    bar.show()
    for expected in ("other", ""):
        with qtbot.waitSignal(bar.labelled) as chosen:
            qtbot.mouseClick(bar.buttons["other"], Qt.MouseButton.LeftButton, pos=QPoint(20, 10))
        assert chosen.args == [expected]
