"""The review, export and import."""

import threading

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import Qt
from PySide6.QtTest import QAbstractItemModelTester
from PySide6.QtWidgets import QMessageBox

from brewclip_app.panels.annotate.exchange import ExportDialog
from core import datasets
from core.annotation.exports import ExportOptions
from core.audio import from_samples
from tests.brewclip_app.panels.annotate.steps import PICTURES, press, settle, speak, stored_takes, tone


@pytest.fixture
def reviewed(panel, qtbot):
    """The review with two takes to look at."""
    for number, says in enumerate(("a dog", "a cat by the see")):
        speak(panel, qtbot, says, peak=0.3 + 0.1 * number)
        press(panel, qtbot, Qt.Key.Key_Return)
    press(panel, qtbot, Qt.Key.Key_R, Qt.KeyboardModifier.ControlModifier)
    assert panel.pages.currentWidget() is panel.review and panel.review.model.rowCount() == 2
    return panel


def test_models_hold_qts_contract(reviewed):
    for model in (reviewed.review.model, reviewed.page.strip.images):
        QAbstractItemModelTester(model, QAbstractItemModelTester.FailureReportingMode.Fatal)


def test_takes_are_judged_by_keys_and_undone(reviewed, qtbot):
    press(reviewed, qtbot, Qt.Key.Key_A)
    press(reviewed, qtbot, Qt.Key.Key_X)
    assert [take.state for take in stored_takes(reviewed)] == ["accepted", "rejected"]
    press(reviewed, qtbot, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert [take.state for take in stored_takes(reviewed)] == ["accepted", "done"]
    press(reviewed, qtbot, Qt.Key.Key_Escape)
    assert reviewed.pages.currentWidget() is reviewed.page


def test_a_correction_in_the_review_is_marked(reviewed, qtbot):
    press(reviewed, qtbot, Qt.Key.Key_Down)
    press(reviewed, qtbot, Qt.Key.Key_E)
    qtbot.keyClicks(reviewed.review.detail.text, "a cat by the sea")
    press(reviewed, qtbot, Qt.Key.Key_Return)
    assert stored_takes(reviewed)[1].text == "a cat by the sea"
    assert "<s>see</s>" in reviewed.review.detail.transcript.text()
    assert "1 of 5 words corrected" in reviewed.review.detail.facts.text()


def test_what_is_thrown_away_is_in_the_bin_until_it_is_deleted(reviewed, qtbot, home):
    press(reviewed, qtbot, Qt.Key.Key_Delete)
    assert len(stored_takes(reviewed)) == 1 and len(list(home.takes.iterdir())) == 2
    review = reviewed.review
    review.states.setCurrentIndex(review.states.findData("bin"))
    review.states.activated.emit(0)
    settle(reviewed, qtbot)
    assert review.model.rowCount() == 1 and review.detail.bin.text() == "Restore"
    review.erase.click()
    [question] = reviewed.findChildren(QMessageBox)
    next(each for each in question.buttons() if each.text() == "Delete").click()
    settle(reviewed, qtbot)
    assert stored_takes(reviewed, binned=True) == [] and len(list(home.takes.iterdir())) == 1


def test_two_people_agree_or_not(reviewed, qtbot, context):
    store = context.explorer.store
    from core.annotation.takes import Annotator

    image, other = stored_takes(reviewed)[0].image_id, store.add_speaker("A.B.")
    annotator = Annotator(context.explorer.store, context.home.takes)
    take = annotator.record(image, other.id, from_samples(np.full(16_000, 0.2, np.float32), 16_000))
    annotator.confirm(take, "a dog on the sea")
    reviewed.activated()
    settle(reviewed, qtbot)
    press(reviewed, qtbot, Qt.Key.Key_R, Qt.KeyboardModifier.ControlModifier)
    press(reviewed, qtbot, Qt.Key.Key_R, Qt.KeyboardModifier.ControlModifier)
    assert "1 picture described by more than one speaker" in reviewed.review.detail.agreement.text()


# ---- in and out


@pytest.mark.slow
def test_an_export_from_the_panel_loads_again_without_a_problem(panel, qtbot, tmp_path):
    for number in range(PICTURES):
        speak(panel, qtbot, f"a dog number {number}", peak=0.2 + 0.1 * number)
        press(panel, qtbot, Qt.Key.Key_Return)
    press(panel, qtbot, Qt.Key.Key_E, Qt.KeyboardModifier.ControlModifier)
    [dialog] = panel.findChildren(ExportDialog)
    dialog.folder.setText(str(tmp_path / "out"))
    dialog.layouts.setCurrentIndex(1)
    dialog.export.click()
    settle(panel, qtbot)
    found = datasets.inspect(tmp_path / "out")
    assert found.kind == "flickr8k" and found.problems == () and sum(split.utterances for split in found.splits) == 4
    assert str(tmp_path / "out") in panel.bar.words.text() and panel.bar.isVisibleTo(panel)


def test_a_cancelled_export_leaves_nothing(panel, qtbot, tmp_path, monkeypatch):
    speak(panel, qtbot)
    press(panel, qtbot, Qt.Key.Key_Return)
    copying, clicked = threading.Event(), threading.Event()

    def copy(*_):
        copying.set()
        return clicked.wait(20)

    monkeypatch.setattr("core.annotation.exports._copy_picture", copy)
    panel.exchange.export("Holiday", tmp_path / "out", ExportOptions())
    qtbot.waitUntil(copying.is_set, timeout=20_000)
    panel.bar.progress.cancel.click()
    clicked.set()
    settle(panel, qtbot)
    assert not (tmp_path / "out").exists() and not panel.bar.isVisibleTo(panel)


def test_nothing_to_export_is_said(panel, qtbot, tmp_path):
    panel.exchange.export("Holiday", tmp_path / "out", ExportOptions())
    settle(panel, qtbot)
    assert "nothing to export" in str(panel.failures[0][0])


def test_a_dataset_comes_in_and_shows_like_what_was_recorded_here(panel, qtbot, tmp_path):
    folder = tmp_path / "pairs"
    folder.mkdir()
    Image.new("RGB", (40, 30), "red").save(folder / "x.png")
    tone(folder / "x.wav")
    (folder / "pairs.csv").write_text("image,audio,caption\nx.png,x.wav,a red thing\n")
    panel.exchange.import_dataset(folder, "Holiday")
    settle(panel, qtbot)
    assert panel.failures == [] and "1 spoken caption imported into Holiday" in panel.bar.words.text()
    assert [take.text for take in stored_takes(panel)] == ["a red thing"]
    press(panel, qtbot, Qt.Key.Key_R, Qt.KeyboardModifier.ControlModifier)
    assert panel.review.model.rowCount() == 1
