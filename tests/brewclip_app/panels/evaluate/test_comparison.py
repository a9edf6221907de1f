"""Two ticked evaluations are compared, seeds are one row on request, and queries are exported."""

import csv

from PySide6.QtWidgets import QLabel

from brewclip_app import tasks
from core.evaluation import archive, paired

from .conftest import WAIT, settle


def texts(card):
    return [each.text() for each in card.table.findChildren(QLabel) if not each.isHidden()]


def test_two_ticked_evaluations_are_compared_in_words(filled, three, context, qtbot):
    card, open_it = filled.results.comparison, filled.results.compare
    assert not open_it.isEnabled()
    filled.results.model.tick([three[0].id, three[2].id])
    settle(context, qtbot)
    qtbot.waitUntil(open_it.isEnabled, timeout=WAIT)
    open_it.click()
    assert card.isVisible() and [title.text() for title in card.titles] == [
        f"{number}: {record.setup.title} (evaluation {record.id})"
        for number, record in ((1, three[0]), (2, three[2]))]
    store = context.explorer.store
    expected = paired.compare(*(archive.open_evaluation(store, three[place].id) for place in (0, 2)))
    first = expected.differences["speech_to_image"][0]
    shown = texts(card)
    assert f"{first.difference.value:+.1f}" in shown and first.interval_text in shown and first.p_text in shown
    assert {"none shown", "1", "2"} & set(shown), "in words, not by colour"
    assert card.note.text() == paired.NOT_CORRECTED
    filled.results.model.tick([each.id for each in three])
    settle(context, qtbot)
    assert not card.isVisible() and not open_it.isEnabled()


def test_evaluations_of_other_queries_are_refused_in_words(filled, three, context, qtbot, monkeypatch):
    opened = archive.open_evaluation

    def changed(store, evaluation_id):
        evaluation = opened(store, evaluation_id)
        if evaluation_id == three[1].id:
            evaluation.pictures = evaluation.pictures[:-1]
        return evaluation

    monkeypatch.setattr(archive, "open_evaluation", changed)
    filled.results.model.tick([three[0].id, three[1].id])
    settle(context, qtbot)
    card = filled.results.comparison
    qtbot.waitUntil(filled.results.compare.isEnabled, timeout=WAIT)
    filled.results.compare.click()
    assert "have different queries" in card.note.text() and card.table.isHidden()


def test_queries_are_exported_from_the_menu(filled, three, context, qtbot, tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr("brewclip_app.panels.evaluate.panel.ask_folder",
                        lambda parent, kind, title, take: asked.append(take))
    filled.results.table.go_to(three[0].id)
    for action in filled.results.queries:
        action.trigger()
    for take in asked[:3]:
        take(tmp_path / "out")
        settle(context, qtbot)
    assert len(list((tmp_path / "out").iterdir())) == 6
    with (tmp_path / "out" / f"evaluation-{three[0].id}-queries.csv").open(newline="") as file:
        assert len(list(csv.DictReader(file))) == 30
    assert "Written to" in filled.banner.message.text()
    asked[3](tmp_path)  # there is no model here to compute embeddings with
    with qtbot.waitSignal(filled.failed, timeout=WAIT):
        pass
    settle(context, qtbot)


def test_seeds_as_one_is_kept_and_changes_the_tables(filled, three, context, qtbot):
    filled.results.as_one.setChecked(True)
    assert filled.controller.state.as_one and filled.save_state()["as_one"]
    assert "standard deviation over seeds" in filled.controller.state.result_table().about
    assert not tasks._running


def test_names_stay_readable_in_a_narrow_table(filled, qtbot):
    table = filled.results.table
    spare = [place for place, column in enumerate(table.cells.columns()) if column.spare]
    for width, hidden in ((1900, False), (1000, True), (1900, False)):
        filled.resize(width, 800)
        qtbot.waitUntil(lambda hidden=hidden: [table.isColumnHidden(place) for place in spare] == [hidden] * 4)
        assert table.columnWidth(0) >= 200
