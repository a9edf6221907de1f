"""The Failures panel on the real store with a small stored evaluation; models take no part."""

import hashlib
import threading

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QMessageBox, QScrollArea

from brewclip_app import tasks
from brewclip_app.panels.base import Inspection
from brewclip_app.panels.failures.confusion import ConfusionDialog
from brewclip_app.panels.failures.misses_model import LABEL, NO_LABEL
from brewclip_app.panels.failures.panel import FailuresPanel
from brewclip_app.shell.panel_stack import PanelStack
from brewclip_app.widgets.preview.overlay import PreviewOverlay
from core import audio
from core.evaluation import archive, diagnosis, labelling
from core.evaluation.failures import Reranking, conclude
from core.evaluation.records import IMPORTED
from core.features.noise import Condition, noisy
from core.fingerprint import Fingerprint
from core.galleries.backends import open_gallery
from core.models.spec import ModelSpec
from core.progress import Progress
from core.store.records import DecodedImageFacts, FileStamp, IndexedFile

pytestmark = pytest.mark.slow

WAIT = 20_000


@pytest.fixture
def context(store_context):
    return store_context


@pytest.fixture
def evaluation(context, make_evaluation):
    return make_evaluation(context.explorer.store)


def open_panel(context, qtbot):
    made = FailuresPanel(context)
    qtbot.addWidget(made)
    made.resize(1150, 720)
    made.controller.choose(at=1)
    made.show()
    made.activated()
    settle(context, qtbot)
    return made


@pytest.fixture
def panel(context, evaluation, qtbot):
    made = open_panel(context, qtbot)
    yield made
    made.closing()


def settle(context, qtbot):
    qtbot.waitUntil(lambda: context.jobs.is_idle() and not tasks._running, timeout=WAIT)


def press(panel, qtbot, key, modifier=Qt.KeyboardModifier.NoModifier):
    qtbot.keyClick(panel.table, key, modifier)


def kept(context, panel):
    return labelling.labels(context.explorer.store, panel.controller.state.misses.record.id)


def concluded(misses):
    """A diagnosis of every failure: in turn the crop, the transcript and nothing brings it back."""
    found = []
    for place, query in enumerate(misses):
        again = [Reranking("caption", 1 if place % 3 == 1 else query.rank),
                 Reranking("letterbox", 1 if place % 3 == 0 else 9),
                 Reranking("sentences", None, "nothing was cut off")]
        found.append(conclude(query.direction, query.number, query.query_id, query.rank, 1, again))
    return found


def keep_diagnosis(store, evaluation_id):
    opened = archive.open_evaluation(store, evaluation_id)
    found = [*concluded(opened.failures("speech_to_image", 1)), *concluded(opened.failures("image_to_speech", 1))]
    return archive.keep_diagnosis(store, evaluation_id, 1, found, "")


@pytest.fixture
def diagnosed(context, evaluation, qtbot):
    keep_diagnosis(context.explorer.store, evaluation.id)
    made = open_panel(context, qtbot)
    yield made
    made.closing()


def test_the_smallest_window_shows_the_verdict(diagnosed, qtbot):
    diagnosed.resize(916, 608)  # what 1000 x 640 leave
    again = diagnosed.case.counterfactuals
    qtbot.waitUntil(lambda: again.visibleRegion().boundingRect().height() == again.height() > 0)


def test_without_an_evaluation_it_leads_to_evaluate(context, qtbot):
    panel = open_panel(context, qtbot)
    assert panel.page.currentWidget() is panel.page.no_evaluation
    assert not panel.header.filter.isEnabled() and not panel.header.evaluations.isVisibleTo(panel)
    with qtbot.waitSignal(panel.go_to) as sent:
        panel.page.evaluate.click()
    assert sent.args[0] == "evaluate"
    panel.closing()


def test_the_list_has_every_query_beyond_the_first_k(panel, context, evaluation):
    expected = archive.open_evaluation(context.explorer.store, evaluation.id).failures("speech_to_image", 1)
    assert 0 < len(expected) < 20
    assert panel.page.proxy.rowCount() == len(expected)
    assert {row.number for row in panel.page.proxy.rows()} == {query.number for query in expected}
    assert panel.header.summary.text() == f"{len(expected)} of 20 utterances miss the top 1"
    ranks = [row.rank for row in panel.page.proxy.rows()]
    assert ranks == sorted(ranks)


def test_arrows_walk_the_cards_and_stop_at_the_ends(panel, qtbot):
    last = panel.page.proxy.rowCount() - 1
    press(panel, qtbot, Qt.Key.Key_Left)
    assert panel.table.line() == 0 and not panel.case.before.isEnabled()
    for _ in range(last + 3):
        press(panel, qtbot, Qt.Key.Key_Right)
    assert panel.table.line() == last and not panel.case.next.isEnabled()
    assert panel.case.count.text() == f"{last + 1} of {last + 1}"
    assert panel.case.case.query.number == panel.page.proxy.row_at(last).number


def test_home_and_end_go_to_the_first_and_the_last(panel, qtbot):
    press(panel, qtbot, Qt.Key.Key_End)
    assert panel.table.line() == panel.page.proxy.rowCount() - 1
    press(panel, qtbot, Qt.Key.Key_Home)
    assert panel.table.line() == 0


def test_the_card_shows_voice_words_and_both_pictures(panel, context, qtbot):
    line = next(place for place, row in enumerate(panel.page.proxy.rows()) if row.wer)
    panel.table.go(line)
    settle(context, qtbot)
    case = panel.case.case
    assert panel.case.waveform.bars()
    assert "<s>doll</s>" in panel.case.words.text() and "dog" in panel.case.words.text()
    assert panel.case.legend.isVisibleTo(panel)
    assert panel.case.picture.image.path == case.picture and panel.case.picture.cut
    assert panel.case.best.image.path == case.best != case.picture and not panel.case.best.cut
    assert panel.case.picture_title.text() == f"Right picture · rank {case.query.rank}"


def test_it_says_that_the_failures_are_read_and_why_that_failed(context, evaluation, qtbot, monkeypatch):
    with monkeypatch.context() as broken:
        broken.setattr(archive, "evaluations", lambda store: 1 / 0)
        panel = open_panel(context, qtbot)
    assert panel.page.currentWidget() is panel.page.reading
    assert panel.page.reading.title.text() == "The failures could not be read"
    panel.page.reading.again.click()
    assert panel.page.reading.title.text() == "Reading the failures…"
    settle(context, qtbot)
    assert panel.page.currentWidget() is panel.page.split
    panel.closing()


def test_a_recording_that_is_gone_is_said_and_the_next_one_plays(panel, context, qtbot):
    panel.case.case.recording.unlink()
    panel.table.step(1)
    panel.table.step(-1)
    settle(context, qtbot)
    assert panel.case.case.recording.name in panel.case.reason.text() and not panel.case.play.isEnabled()
    panel.table.step(1)
    settle(context, qtbot)
    assert panel.case.play.isEnabled() and panel.case.waveform.bars()
    assert not panel.case.reason.isVisibleTo(panel)


def test_number_keys_label_zero_takes_away_and_undo_goes_back_to_it(panel, context, qtbot):
    first = panel.case.case.query
    press(panel, qtbot, Qt.Key.Key_2)
    settle(context, qtbot)
    assert kept(context, panel)["speech_to_image", first.query_id].label == "heard"
    assert panel.page.proxy.index(0, LABEL).data() == "Heard wrongly"
    assert panel.table.line() == 1, "a number key labels and goes on to the next"
    press(panel, qtbot, Qt.Key.Key_Left)
    assert panel.case.labels.buttons["heard"].isChecked()
    press(panel, qtbot, Qt.Key.Key_Right)
    press(panel, qtbot, Qt.Key.Key_1)
    press(panel, qtbot, Qt.Key.Key_Left)
    press(panel, qtbot, Qt.Key.Key_0)
    settle(context, qtbot)
    assert [each.label for each in kept(context, panel).values()] == ["heard"]
    for _ in range(3):
        press(panel, qtbot, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
        settle(context, qtbot)
    assert kept(context, panel) == {} and panel.case.case.query.query_id == first.query_id
    press(panel, qtbot, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    settle(context, qtbot)
    assert panel.banner.message.text() == "Nothing to undo."


def test_what_was_undone_is_redone_until_something_else_is_kept(panel, context, qtbot):
    shift = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier
    for key in (Qt.Key.Key_2, Qt.Key.Key_1):
        press(panel, qtbot, key)
    settle(context, qtbot)
    given = {key: each.label for key, each in kept(context, panel).items()}
    for _ in range(2):
        press(panel, qtbot, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    press(panel, qtbot, Qt.Key.Key_Z, shift)
    settle(context, qtbot)
    assert [each.label for each in kept(context, panel).values()] == ["heard"]
    assert panel.table.line() == 0 and panel.case.labels.buttons["heard"].isChecked(), "it goes to what it was about"
    press(panel, qtbot, Qt.Key.Key_Y, Qt.KeyboardModifier.ControlModifier)
    settle(context, qtbot)
    assert {key: each.label for key, each in kept(context, panel).items()} == given and panel.table.line() == 1
    press(panel, qtbot, Qt.Key.Key_Y, Qt.KeyboardModifier.ControlModifier)
    settle(context, qtbot)
    assert panel.banner.message.text() == "Nothing to redo."
    press(panel, qtbot, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    press(panel, qtbot, Qt.Key.Key_2)
    press(panel, qtbot, Qt.Key.Key_Y, Qt.KeyboardModifier.ControlModifier)
    settle(context, qtbot)
    assert sorted(each.label for each in kept(context, panel).values()) == ["heard", "heard"]


def test_quick_labels_are_kept_in_the_order_given(panel, context, qtbot):
    for _ in range(5):
        for key in (Qt.Key.Key_1, Qt.Key.Key_2, Qt.Key.Key_3):
            press(panel, qtbot, key)
            press(panel, qtbot, Qt.Key.Key_Left)
    settle(context, qtbot)
    assert [each.label for each in kept(context, panel).values()] == ["ambiguous"]
    assert panel.page.proxy.row_at(0).label == "ambiguous"


def test_a_label_does_not_take_the_row_from_under_the_user(panel, context, qtbot):
    panel.filter.label.setCurrentIndex(panel.filter.label.findData(NO_LABEL))
    number = panel.page.proxy.rowCount()
    press(panel, qtbot, Qt.Key.Key_4)
    settle(context, qtbot)
    assert panel.page.proxy.rowCount() == number and panel.table.line() == 1
    panel.filter.reset()
    panel.filter.label.setCurrentIndex(panel.filter.label.findData(NO_LABEL))
    assert panel.page.proxy.rowCount() == number - 1


@pytest.mark.parametrize(("width", "height"), [(1195, 768), (915, 608)])
def test_the_card_is_never_cut_off_at_its_side(panel, qtbot, width, height):
    """Before a diagnosis too: the sizes are those of the panel in windows of 1280 x 800 and 1000 x 640."""
    panel.resize(width, height)
    area = panel.case.findChild(QScrollArea)
    qtbot.waitUntil(lambda: area.viewport().width() > 0 and panel.width() == width)
    panel.case.show_case(panel.case.case, None, "")
    assert area.horizontalScrollBar().maximum() == 0
    assert panel.case.inspect.mapTo(area.viewport(), panel.case.inspect.rect().topRight()).x() < area.viewport().width()


def test_with_a_large_font_the_pictures_are_seen_and_nothing_is_beside_the_window(diagnosed, qtbot):
    stack = PanelStack()
    qtbot.addWidget(stack)
    stack.add(diagnosed)
    stack.show_panel(diagnosed)
    stack.resize(711, 408)  # what 1280 x 800 leave where everything is 1.67 times as large
    stack.show()
    case = diagnosed.case
    qtbot.waitUntil(lambda: min(view.visibleRegion().boundingRect().height() for view in (case.picture, case.best))
                    >= 60)
    assert stack.horizontalScrollBar().maximum() == 0 and diagnosed.width() <= 711
    save = diagnosed.header.export
    assert save.visibleRegion().boundingRect().width() == save.width()
    diagnosed.setParent(None)


def test_the_labels_stay_in_view_where_the_card_is_high(diagnosed, qtbot):
    case = diagnosed.case
    area = case.findChild(QScrollArea)
    assert not area.isAncestorOf(case.labels)
    stack = PanelStack()
    qtbot.addWidget(stack)
    stack.add(diagnosed)
    stack.show_panel(diagnosed)
    stack.resize(711, 408)
    stack.show()
    qtbot.waitUntil(lambda: area.isAncestorOf(case.labels))
    stack.resize(1150, 720)
    qtbot.waitUntil(lambda: not area.isAncestorOf(case.labels))
    assert case.labels.isVisible()
    diagnosed.setParent(None)


def test_a_note_is_kept_when_one_goes_on(panel, context, qtbot):
    first = panel.case.case.query
    press(panel, qtbot, Qt.Key.Key_N)
    assert panel.focusWidget() is panel.case.labels.note
    qtbot.keyClicks(panel.case.labels.note, "5 dogs, not 2")
    qtbot.keyClick(panel.case.labels.note, Qt.Key.Key_Return)
    press(panel, qtbot, Qt.Key.Key_Right)
    settle(context, qtbot)
    found = kept(context, panel)
    assert [(each.query_id, each.label, each.note) for each in found.values()] == [(first.query_id, "",
                                                                                    "5 dogs, not 2")]
    assert panel.case.labels.note.text() == ""
    press(panel, qtbot, Qt.Key.Key_Left)
    assert panel.case.labels.note.text() == "5 dogs, not 2"


def test_labels_are_there_again_at_the_next_start(panel, context, qtbot):
    press(panel, qtbot, Qt.Key.Key_Right)
    press(panel, qtbot, Qt.Key.Key_5)
    press(panel, qtbot, Qt.Key.Key_Left)
    settle(context, qtbot)
    state = panel.save_state()
    again = FailuresPanel(context)
    qtbot.addWidget(again)
    again.restore_state(state)
    again.activated()
    settle(context, qtbot)
    assert (again.controller.state.at, again.table.line()) == (1, 1)
    assert again.case.labels.buttons["other"].isChecked()
    again.closing()


def test_without_a_diagnosis_it_is_offered_and_kinds_are_not_shown(panel):
    number = panel.page.proxy.rowCount()
    assert panel.kinds.start.isVisibleTo(panel) and panel.kinds.start.text() == f"Diagnose {number} failures"
    assert panel.table.isColumnHidden(3) and not panel.kinds.chart.isVisibleTo(panel)


def test_diagnosing_shows_how_far_it_is_and_then_the_kinds(panel, context, qtbot, monkeypatch):
    gate = threading.Event()

    def diagnose(workspace, evaluation_id, at, report):
        report(Progress(done=3, total=8, subject="Ranking again"))
        assert gate.wait(20)
        return keep_diagnosis(workspace.store, evaluation_id)

    monkeypatch.setattr(diagnosis, "diagnose", diagnose)
    panel.kinds.start.click()
    qtbot.waitUntil(lambda: panel.kinds.progress.detail.text() == "Ranking again · 3 of 8", timeout=WAIT)
    assert panel.kinds.progress.isVisibleTo(panel) and not panel.kinds.start.isVisibleTo(panel)
    gate.set()
    qtbot.waitUntil(lambda: panel.kinds.chart.isVisibleTo(panel), timeout=WAIT)
    assert sum(bar.count for bar in panel.kinds.chart.bars()) == panel.page.proxy.rowCount()
    assert not panel.table.isColumnHidden(3)


def test_a_stopped_diagnosis_changes_nothing(panel, context, qtbot, monkeypatch):
    def diagnose(workspace, evaluation_id, at, report):
        while True:
            report(Progress(done=1, total=8, subject="Ranking again"))

    monkeypatch.setattr(diagnosis, "diagnose", diagnose)
    panel.kinds.start.click()
    qtbot.waitUntil(lambda: panel.kinds.progress.detail.text() == "Ranking again · 1 of 8", timeout=WAIT)
    press(panel, qtbot, Qt.Key.Key_N)
    qtbot.keyClicks(panel.case.labels.note, "a note")
    qtbot.keyClick(panel.case.labels.note, Qt.Key.Key_Escape)  # leaves the field, no more
    assert panel.findChild(QMessageBox) is None and not panel.controller.job.cancelled
    press(panel, qtbot, Qt.Key.Key_Escape)
    box = panel.findChild(QMessageBox)
    assert box.text() == "Stop diagnosing failures?" and not panel.controller.job.cancelled
    next(button for button in box.buttons() if button.text() == "Stop").click()
    settle(context, qtbot)
    assert panel.kinds.start.isVisibleTo(panel) and not panel.kinds.progress.isVisibleTo(panel)
    assert archive.diagnosis(context.explorer.store, panel.controller.state.misses.record.id, 1) is None


def test_a_failed_diagnosis_is_said_with_what_is_safe(panel, context, qtbot, monkeypatch):
    def diagnose(workspace, evaluation_id, at, report):
        raise OSError("no space")

    monkeypatch.setattr(diagnosis, "diagnose", diagnose)
    with qtbot.waitSignal(panel.failed, timeout=WAIT) as failed:
        panel.kinds.start.click()
    assert "labels are kept" in failed.args[1]
    settle(context, qtbot)
    assert panel.kinds.start.isVisibleTo(panel)


def test_a_click_on_a_bar_shows_that_kind_alone(diagnosed, qtbot):
    bars = {bar.key: bar.count for bar in diagnosed.kinds.chart.bars()}
    whole = diagnosed.page.proxy.rowCount()
    row = next(line for line in diagnosed.kinds.chart._rows if line.bar.key == "crop")
    qtbot.mouseClick(row, Qt.MouseButton.LeftButton)
    assert {each.kind for each in diagnosed.page.proxy.rows()} == {"crop"}
    assert diagnosed.page.proxy.rowCount() == bars["crop"]
    assert diagnosed.header.filter.text() == f"Filter · {bars['crop']}"
    qtbot.mouseClick(row, Qt.MouseButton.LeftButton)
    assert diagnosed.page.proxy.rowCount() == whole and diagnosed.header.filter.text() == "Filter"


def test_the_card_says_what_each_change_did(diagnosed):
    line = next(place for place, row in enumerate(diagnosed.page.proxy.rows()) if row.kind == "crop")
    diagnosed.table.go(line)
    lines = {each.title: each for each in diagnosed.case.counterfactuals.lines}
    rank = diagnosed.case.case.query.rank
    assert diagnosed.case.counterfactuals.lines[0].helped, "what helped is seen first"
    assert lines["Whole picture instead of centre crop"].ranks == f"{rank} → 1"
    assert lines["Whole picture instead of centre crop"].verdict == "now in the top 1"
    assert lines["Caption instead of transcript"].verdict == "no change"
    assert diagnosed.case.not_tried.text() == "Not tried: Sentences pooled instead of cut (nothing was cut off)."
    assert diagnosed.page.proxy.row_at(line).then == 1


def test_diagnosis_and_labels_are_compared(diagnosed, context, qtbot):
    assert not diagnosed.kinds.compare.isEnabled()
    line = next(place for place, row in enumerate(diagnosed.page.proxy.rows()) if row.kind == "crop")
    diagnosed.table.go(line)
    press(diagnosed, qtbot, Qt.Key.Key_1)
    settle(context, qtbot)
    diagnosed.kinds.compare.click()
    dialog = diagnosed.findChild(ConfusionDialog)
    assert (dialog.table.rowCount(), dialog.table.columnCount()) == (1, 1)
    assert dialog.table.item(0, 0).text().startswith("1")
    assert "agrees on 1" in dialog.summary.text()
    dialog.reject()


def test_the_filter_lets_through_by_every_measure(panel, qtbot):
    rows = panel.page.model.records
    panel.header.filter.setChecked(True)
    assert panel.filter.isVisibleTo(panel)
    panel.filter.speaker.setCurrentIndex(panel.filter.speaker.findData("s1"))
    assert panel.page.proxy.rowCount() == sum(row.speaker == "s1" for row in rows)
    panel.filter.reset()
    panel.filter.rank.low.setValue(4)
    qtbot.waitUntil(lambda: panel.page.proxy.rowCount() == sum(row.rank >= 4 for row in rows), timeout=WAIT)
    panel.filter.rank.high.setValue(0)
    panel.filter.wer.low.setValue(1)
    panel.filter.rank.low.setValue(0)
    qtbot.waitUntil(lambda: panel.page.proxy.rowCount() == sum(bool(row.wer) for row in rows), timeout=WAIT)
    panel.filter.words.setText("no such words")
    qtbot.waitUntil(lambda: panel.page.proxy.rowCount() == 0, timeout=WAIT)
    assert panel.page.none_shown.isVisibleTo(panel) and not panel.case.isEnabled()
    qtbot.keyClick(panel.filter.words, Qt.Key.Key_Escape)
    assert panel.page.proxy.rowCount() == len(rows) and not panel.filter.isVisibleTo(panel)
    assert not panel.header.filter.isChecked()


def test_image_to_speech_has_pictures_for_queries(panel, context, qtbot):
    panel.header.directions.setCurrentIndex(1)
    panel.header.directions.activated.emit(1)
    settle(context, qtbot)
    case = panel.case.case
    assert case.query.direction == "image_to_speech"
    assert panel.page.proxy.row_at(0).words == case.picture.name
    assert panel.case.picture_title.text() == "Query picture"
    assert panel.case.best_words.text() and panel.case.play_best.isVisibleTo(panel)
    assert "pictures miss the top 1" in panel.header.summary.text()


def test_where_nothing_is_missed_it_says_so(panel, context, qtbot):
    panel.header.levels.addItem("top 50", 50)
    panel.controller.choose(at=50)
    panel.controller.read()
    settle(context, qtbot)
    assert panel.page.currentWidget() is panel.page.no_misses
    assert panel.page.no_misses.title.text() == "No query misses the top 50"
    assert not panel.header.export.isEnabled()


def test_export_writes_lists_and_pictures(diagnosed, context, qtbot, tmp_path):
    press(diagnosed, qtbot, Qt.Key.Key_3)
    diagnosed.export_to(tmp_path / "out")
    settle(context, qtbot)
    assert "ambiguous" in (tmp_path / "out" / "failures.csv").read_text().lower()
    assert list((tmp_path / "out" / "pictures").iterdir())
    assert (tmp_path / "out" / "failures.json").is_file()
    assert str(tmp_path / "out") in diagnosed.banner.message.text()


def test_inspect_is_given_the_query_and_its_picture(panel, qtbot):
    case = panel.case.case
    with qtbot.waitSignal(panel.go_to) as sent:
        press(panel, qtbot, Qt.Key.Key_I)
    key, asked = sent.args
    assert key == "inspect" and isinstance(asked, Inspection)
    assert (asked.path, asked.speech) == (case.picture, case.recording)
    assert asked.caption and asked.text and asked.crop == "centre"
    assert asked.model == ModelSpec("brewclip-mini", panel.controller.state.misses.record.setup.checkpoint)


def test_both_pictures_are_previewed(panel, qtbot):
    case = panel.case.case
    for act, path in ((lambda: press(panel, qtbot, Qt.Key.Key_V), case.picture),
                      (lambda: qtbot.mouseDClick(panel.case.best, Qt.MouseButton.LeftButton), case.best)):
        act()
        preview = panel.window().findChild(PreviewOverlay)
        qtbot.waitUntil(lambda preview=preview: preview.controller.state.picture is not None)
        assert preview.controller.state.image.path == path and preview.controller.state.total == 2
        qtbot.keyClick(preview.canvas, Qt.Key.Key_Escape)
        assert preview.isHidden() and panel.isAncestorOf(QApplication.focusWidget())


def test_noise_of_the_evaluation_is_inspected_too(context, qtbot, make_evaluation):
    condition = Condition("white", 0.0)
    make_evaluation(context.explorer.store, condition, checkpoint=None, variant="zero-shot", crop="multi-crop")
    panel = open_panel(context, qtbot)
    with qtbot.waitSignal(panel.go_to) as sent:
        press(panel, qtbot, Qt.Key.Key_I)
    _, asked = sent.args
    clean = audio.read(asked.speech)
    assert asked.waveform.digest == noisy(clean, condition).digest != clean.digest
    assert asked.model == ModelSpec("brewclip-mini")  # zero-shot, whatever the settings search with
    assert asked.crop == "multi-crop"
    panel.closing()


def test_imported_vectors_have_no_model_to_look_into(context, qtbot, make_evaluation):
    make_evaluation(context.explorer.store, checkpoint=None, variant=IMPORTED, backbone="", whisper="", crop="",
                    model="SpeechCLIP-P")
    panel = open_panel(context, qtbot)
    with qtbot.assertNotEmitted(panel.go_to):
        press(panel, qtbot, Qt.Key.Key_I)
        settle(context, qtbot)
    assert panel.banner.message.text() == "These vectors were imported: their model is not here to look into."
    panel.closing()


def test_inspect_waits_until_the_utterance_is_read(panel, context, qtbot):
    panel.table.step(1)
    assert panel.controller.state.waveform is None  # its job is on the way
    with qtbot.waitSignal(panel.go_to, timeout=WAIT) as sent:
        press(panel, qtbot, Qt.Key.Key_I)
    assert sent.args[1].waveform.digest == audio.read(panel.case.case.recording).digest


def test_an_utterance_that_cannot_be_read_goes_to_inspect_as_a_file(panel, context, qtbot):
    panel.table.step(1)
    settle(context, qtbot)
    panel.table.step(-1)
    settle(context, qtbot)
    panel.case.case.recording.write_bytes(b"no sound")
    panel.table.step(1)
    panel.table.step(-1)
    with qtbot.waitSignal(panel.go_to, timeout=WAIT) as sent:
        press(panel, qtbot, Qt.Key.Key_I)
    assert sent.args[1].waveform is None and sent.args[1].speech == panel.case.case.recording


def test_annotate_is_given_the_failures_in_a_gallery_that_has_them(panel, context, qtbot, evaluation, tmp_path):
    press(panel, qtbot, Qt.Key.Key_A)
    settle(context, qtbot)
    assert "No gallery has these pictures" in panel.banner.message.text()
    assert str(evaluation.setup.folder) in panel.banner.message.text()
    store = context.explorer.store
    for name, paths in (("Other", []), ("Here", sorted(tmp_path.glob("*.png")))):
        gallery = open_gallery(store, name, create=True)
        gallery.add_folder(tmp_path)
        gallery.record(Fingerprint.of({"backbone": "a"}), [
            IndexedFile(str(path), FileStamp(1, 1), hashlib.sha256(path.read_bytes()).digest(),
                        DecodedImageFacts(60, 40, None),
                  np.ones(1, np.float32)) for path in paths])
    context.set_gallery("Other")
    with qtbot.waitSignal(panel.go_to, timeout=WAIT) as sent:
        panel.header.annotate.click()
    assert sent.args == ["annotate", f"failures:{evaluation.id}/1"] and context.gallery == "Here"


def test_an_evaluation_that_was_deleted_meanwhile_is_said(panel, context, qtbot, evaluation):
    archive.delete(context.explorer.store, [evaluation.id])
    with qtbot.waitSignal(panel.failed, timeout=WAIT) as failed:
        panel.controller.read()
    assert failed.args[0].kind == "gone"
    settle(context, qtbot)
    assert panel.page.currentWidget() is panel.page.no_evaluation


def test_evaluate_sends_an_evaluation_here(panel, context, qtbot, make_evaluation):
    other = make_evaluation(context.explorer.store, seed=3)
    panel.receive(other.id)
    settle(context, qtbot)
    assert panel.controller.state.misses.record.id == other.id and panel.controller.state.evaluation == other.id


