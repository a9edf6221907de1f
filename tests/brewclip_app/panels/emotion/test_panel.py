"""The Emotion panel on made-up results; the experiment itself has tests of its own."""

import threading

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QMessageBox

from brewclip_app import tasks
from brewclip_app.capture import recording
from brewclip_app.capture.push_to_talk import PushToTalk
from brewclip_app.capture.recording import Microphone
from brewclip_app.context import Context
from brewclip_app.panels.emotion import export as emotion_export
from brewclip_app.panels.emotion.cell import cell_to_show, entries
from brewclip_app.panels.emotion.controller import JOB
from brewclip_app.panels.emotion.panel import EmotionPanel
from brewclip_app.shell.panel_stack import PanelStack
from core.audio import RATE, from_samples
from core.emotion import experiment, predict
from core.emotion.predict import Prediction
from core.emotion.run_store import Runs
from core.errors import DatasetError
from core.progress import Progress
from tests.brewclip_app.panels.emotion.results import make_result

pytestmark = pytest.mark.slow

WAIT = 20_000


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "ravdess"
    made.mkdir()
    return made


@pytest.fixture
def context(home, qtbot):
    made = Context(home)
    made._explorer = Explorer()
    yield made
    assert made.jobs.shutdown(20)
    made.close()


class Explorer:
    """Nothing of it is used: experiments and predict are made up."""

    workspace = None

    def close(self):
        """As the real one."""


@pytest.fixture
def make_panel(context, qtbot, sound, direct_thread):
    def build():
        voice = PushToTalk(context, None, Microphone(None, sound, direct_thread))
        panel = EmotionPanel(context, voice)
        qtbot.addWidget(panel, before_close_func=close)
        panel.resize(1196, 770)
        panel.show()
        qtbot.waitUntil(lambda: context.jobs.is_idle() and tasks.is_idle(), timeout=WAIT)
        return panel

    def close(panel):
        panel.closing()
        context.jobs.cancel_all()
        settle(context, qtbot)

    return build


@pytest.fixture
def kept(home, folder):
    return Runs(home).keep(make_result(folder))


@pytest.fixture
def panel(kept, make_panel):
    return make_panel()


def settle(context, qtbot):
    qtbot.waitUntil(lambda: context.jobs.is_idle() and tasks.is_idle(), timeout=WAIT)


def test_without_a_run_it_says_what_goes_there_and_asks_for_the_folder(make_panel, folder):
    panel = make_panel()
    assert panel.pages.currentWidget() is panel.empty and "RAVDESS" in panel.empty.sentence.text()
    assert not panel.options.start.isEnabled() and not panel.options.runs.isEnabled()
    panel.options._set_folder(folder)
    assert panel.options.start.isEnabled() and "press Start" in panel.empty.sentence.text()
    assert panel.window().focusWidget() is panel.options.start and not panel._choose.isVisibleTo(panel)


def test_start_runs_keeps_and_shows(make_panel, context, qtbot, folder, monkeypatch):
    asked = []
    monkeypatch.setattr(experiment, "run", lambda explorer, options, report: asked.append(options)
                        or make_result(folder, ("layers",)))
    panel = make_panel()
    panel.options.show_folder(folder)
    panel.options.classes.setCurrentIndex(1)
    panel.options.own.setChecked(True)
    panel.options.start.click()
    assert not panel.options.start.isEnabled()
    settle(context, qtbot)
    assert asked[0].classes == 8 and asked[0].speaker_statistics and asked[0].protocol == "paper"
    assert panel.pages.currentWidget() is panel.shown and panel.options.start.isEnabled()
    assert len(Runs(context.home).all()) == 1
    assert not panel.layers.isVisibleTo(panel)  # one feature alone


def test_while_probing_the_page_says_so(make_panel, context, qtbot, folder, monkeypatch):
    go_on = threading.Event()
    monkeypatch.setattr(experiment, "run", lambda explorer, options, report: go_on.wait(20)
                        and make_result(folder, ("layers",)))
    panel = make_panel()
    panel.options.show_folder(folder)
    panel.options.changed.emit()
    assert panel.empty.title.text() == "Ready to probe"
    panel.options.start.setFocus()
    panel.options.start.click()
    assert panel.window().focusWidget() is panel, "not the control beside the button"
    assert panel.empty.title.text() == "Probing the recordings" and "press Start" not in panel.empty.sentence.text()
    go_on.set()
    settle(context, qtbot)
    assert panel.pages.currentWidget() is panel.shown


def test_trying_ones_own_voice_is_seen_without_scrolling(panel, qtbot):
    panel.resize(1195, 730)  # what 1280 x 800 leaves
    qtbot.waitUntil(lambda: panel.own_voice.record.isVisible())
    view = panel._right.viewport()
    for part in (panel.own_voice.record, panel.own_voice.bars):
        bottom = part.mapTo(view, QPoint(0, part.height())).y()
        assert 0 < bottom <= view.height()


def test_with_a_large_font_start_is_in_the_window(make_panel, folder, qtbot):
    panel = make_panel()
    panel.options._set_folder(folder)
    stack = PanelStack()
    qtbot.addWidget(stack)
    stack.add(panel)
    stack.show_panel(panel)
    stack.resize(711, 408)  # what 1280 x 800 leave where everything is 1.67 times as large
    stack.show()
    start, links = panel.options.start, panel.options.links
    qtbot.waitUntil(lambda: panel.width() <= 711)
    for part in (start, links, panel.options.protocol):
        qtbot.waitUntil(lambda part=part: part.visibleRegion().boundingRect().size() == part.size())
    assert stack.horizontalScrollBar().maximum() == 0
    panel.options.resize(1155, 90)
    assert panel.options._first.indexOf(panel.options.protocol) >= 0
    panel.setParent(None)


def test_cancel_stops_and_keeps_nothing_half(make_panel, context, qtbot, folder, monkeypatch):
    begun = threading.Event()

    def run(explorer, options, report):
        for step in range(10_000):
            report(Progress(done=step, total=10_000, subject="Encoding recordings"))
            begun.set()
            threading.Event().wait(0.002)
        raise AssertionError("it was not stopped")

    monkeypatch.setattr(experiment, "run", run)
    panel = make_panel()
    panel.options.show_folder(folder)
    panel.options.start.click()
    qtbot.waitUntil(begun.is_set, timeout=WAIT)
    qtbot.waitUntil(lambda: " of 10" in panel.progress.detail.text(), timeout=WAIT)
    panel.progress.cancel.click()
    settle(context, qtbot)
    assert context.jobs.of_key(JOB) is None and panel.options.start.isEnabled()
    assert not panel._progress_card.isVisibleTo(panel) and Runs(context.home).all() == []


def test_a_wrong_folder_is_said_and_what_was_shown_stays(panel, context, qtbot, folder, monkeypatch):
    def run(explorer, options, report):
        raise DatasetError("There is no recording named as in RAVDESS.", "not_this_kind")

    monkeypatch.setattr(experiment, "run", run)
    panel.options.show_folder(folder)
    with qtbot.waitSignal(panel.failed, timeout=WAIT) as failed:
        panel.options.start.click()
    assert failed.args[0].kind == "not_this_kind"
    assert panel.pages.currentWidget() is panel.shown and panel.options.start.isEnabled()


def test_the_table_stands_beside_the_paper_s_figures(panel):
    table = panel.results.table
    columns = range(table.columnCount())
    rows = [[table.item(row, column).text() for column in columns] for row in range(table.rowCount())]
    assert [row[0] for row in rows] == ["Layers, chosen", "Both branches", "Acoustic branch",
                                        "Transcript alone", "Most frequent class", "Chance"]
    assert [row[-1] for row in rows] == ["–", "56", "–", "33", "–", "–"]
    assert rows[0][4:6] == ["80", "97"]
    assert "8 of RAVDESS' 24 actors" in panel.results.notes.text()
    assert panel.layers.isVisibleTo(panel) and len(panel.layers.bars._bars) == 8  # seven layers and F_A


def test_what_the_transcript_tells_beyond_nothing_is_explained(folder):
    from brewclip_app.panels.emotion import words

    result = make_result(folder, ("text", "text-reference"))
    assert result.scores[0].score.accuracy > result.majority
    written = f"(caption alone: {result.scores[1].score.accuracy:.1f} %)"
    assert written in words.sentences(result) and "exclamation marks" in words.sentences(result)
    assert "caption alone" not in words.sentences(make_result(folder, ("text",)))
    assert "sentences;" not in words.sentences(make_result(folder, ("layers",)))


def test_a_cell_shows_its_recordings_over_time(panel, context, qtbot, kept):
    settle(context, qtbot)
    matrix = panel.matrix.matrix
    count = kept.result.scores[0].confusion[1][1]
    matrix.choose((1, 1))
    settle(context, qtbot)
    assert panel.cell.list.count() == count and f"{count} recordings" in panel.cell.title.text()
    assert panel.cell.waveform.bars() and panel.cell.curves._shares is not None
    QTest.keyClick(matrix, Qt.Key.Key_Left)
    assert matrix.cell == (1, 0)
    place = matrix._grid().cell(0, 3).center().toPoint()
    QTest.mouseClick(matrix, Qt.MouseButton.LeftButton, pos=place)
    assert matrix.cell == (0, 3) and "neutral predicted as angry" in panel.cell.title.text()
    QTest.mouseClick(matrix, Qt.MouseButton.LeftButton, pos=QPoint(1, 1))
    assert matrix.cell == (0, 3)  # beside the cells


def test_space_in_the_list_plays_and_records_nothing(panel, context, qtbot, sound, monkeypatch):
    settle(context, qtbot)
    played = []
    monkeypatch.setattr(panel.cell.player, "play", lambda waveform, start: played.append(waveform.seconds))
    QTest.keyClick(panel.cell.list, Qt.Key.Key_Space)
    assert played == [2.0] and sound.streams == []


def test_the_surest_recordings_come_first(kept):
    found = entries(kept.result, "layers", 2, 2)
    assert [one.share for one in found] == sorted((one.share for one in found), reverse=True)
    assert all(one.acting.emotion == "sad" for one in found)


def test_a_feature_without_the_chosen_error_shows_where_it_errs_itself(panel, context, qtbot, kept):
    counts = kept.result.scores[2].confusion
    assert cell_to_show(kept.result, "acoustic", (9, 9)) == cell_to_show(kept.result, "acoustic", None)
    chosen = cell_to_show(kept.result, "acoustic", None)
    assert counts[chosen[0]][chosen[1]] == max(count for row, line in enumerate(counts)
                                               for column, count in enumerate(line) if row != column)
    assert cell_to_show(kept.result, "acoustic", (1, 1)) == (1, 1)
    settle(context, qtbot)
    empty = next((row, column) for row, line in enumerate(counts) for column, count in enumerate(line) if not count)
    panel.cell.show_cell(kept.result, "acoustic", *empty)
    assert panel.cell.nothing.isVisibleTo(panel) and panel.cell.nothing.text().startswith("No ")
    assert not panel.cell.list.isVisibleTo(panel)


def test_a_recording_that_is_gone_is_said_in_its_place(panel, context, qtbot, folder):
    for path in folder.rglob("*.wav"):
        path.unlink()
    panel.matrix.matrix.choose((3, 3))
    settle(context, qtbot)
    assert panel.cell.problem.isVisibleTo(panel) and panel.cell.problem.text()


def test_another_feature_has_its_own_matrix(panel, context, qtbot, kept):
    panel.results.table.setCurrentCell(2, 0)
    settle(context, qtbot)
    assert panel.results.feature() == "acoustic" and "Acoustic branch" in panel.matrix.title.text()
    assert panel.matrix.matrix._counts == kept.result.scores[2].confusion


def test_the_models_are_at_hand_before_something_is_said(context, qtbot, kept, monkeypatch):
    warmed = []

    class Predictor:
        takes_sentences = False

        def __init__(self, explorer, run, key, report):
            self.asked = run.name, key

        def warm_up(self):
            warmed.append(self.asked)

    monkeypatch.setattr(predict, "ProbePredictor", Predictor)
    panel = EmotionPanel(context)
    qtbot.addWidget(panel)
    settle(context, qtbot)
    assert panel.controller.state.run is not None and warmed == []  # nobody looks
    panel.show()
    settle(context, qtbot)
    assert warmed == [(kept.name, panel.results.feature())]
    panel.closing()


def test_one_s_own_voice_is_put_to_the_probe_and_kept(panel, context, qtbot, kept, monkeypatch):
    asked = []

    class Predictor:
        takes_sentences = False

        def __init__(self, explorer, run, key, report):
            asked.append((run.name, key))

        def warm_up(self):
            pass

        def predict(self, waveform):
            curve = np.array([0.5, 0.7], np.float32), np.array([[0.1, 0.7, 0.1, 0.1]] * 2, np.float32)
            return Prediction(np.array([0.1, 0.7, 0.1, 0.1], np.float32), curve)

    monkeypatch.setattr(predict, "ProbePredictor", Predictor)
    for seconds in (2, 3):
        wave = from_samples((0.4 * np.sin(np.arange(seconds * RATE) * 0.05)).astype(np.float32), RATE)
        panel.own_voice.voice.spoken.emit(wave, "")
        settle(context, qtbot)
    assert asked == [(kept.name, "layers")]  # the models are loaded once
    assert panel.own_voice.bars.shares()[1] == ("happy", pytest.approx(0.7))
    assert panel.own_voice.message.text() == "Happy, 70 %."
    assert "3 actors" in panel.own_voice.about.text()
    assert len(predict.trials(kept)) == 2 and "2 recordings of yours" in panel.own_voice.kept.text()


def test_the_bars_move_while_one_speaks(panel, sound, context, qtbot, kept, monkeypatch):
    class Predictor:
        takes_sentences = False

        def __init__(self, explorer, run, key, report):
            pass

        def warm_up(self):
            pass

        def predict(self, waveform):
            shares = np.array([0.1, 0.1, 0.7, 0.1] if waveform.seconds > 1.5 else [0.1, 0.7, 0.1, 0.1], np.float32)
            return Prediction(shares, (np.array([0.5], np.float32), shares[None]))

    monkeypatch.setattr(predict, "ProbePredictor", Predictor)
    monkeypatch.setattr(recording, "LONGEST_SILENCE", 1000.0)  # nothing is sent while this waits
    monkeypatch.setattr(recording, "SHORTEST", 0.0)  # two seconds are sent in no time
    panel.own_voice.controller.live.timer.setInterval(10)
    microphone = panel.own_voice.voice.microphone
    microphone.refresh()
    panel.setFocus()
    QTest.keyClick(panel, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: len(sound.streams) > 0, timeout=WAIT)
    sound.streams[-1].send(0.3, 1.0)
    qtbot.waitUntil(lambda: panel.own_voice.message.text() == "Recording… So far happy.", timeout=WAIT)
    sound.streams[-1].send(0.3, 1.0)
    qtbot.waitUntil(lambda: panel.own_voice.message.text() == "Recording… So far sad.", timeout=WAIT)
    assert panel.own_voice.bars.shares()[2] == ("sad", pytest.approx(0.7)) and predict.trials(kept) == []
    QTest.keyClick(panel, Qt.Key.Key_Space)
    sound.streams[-1].send(0.3, 0.6)
    qtbot.waitUntil(lambda: panel.own_voice.message.text() == "Sad, 70 %.", timeout=WAIT)
    settle(context, qtbot)
    assert len(predict.trials(kept)) == 1 and not panel.own_voice.controller.live.timer.isActive()


def test_space_records_with_the_microphone(panel, sound, qtbot, monkeypatch):
    monkeypatch.setattr(recording, "LONGEST_SILENCE", 1000.0)  # a busy computer is no pulled plug
    spoken = []
    panel.own_voice.voice.spoken.disconnect(panel.own_voice.controller.take)
    panel.own_voice.voice.spoken.connect(lambda wave, warning: spoken.append(wave))
    panel.own_voice.voice.microphone.refresh()
    panel.setFocus()
    QTest.keyClick(panel, Qt.Key.Key_Space)  # a tap: until the next one
    qtbot.waitUntil(lambda: len(sound.streams) > 0, timeout=WAIT)
    sound.streams[-1].send(0.3, 0.6)
    qtbot.waitUntil(lambda: panel.own_voice.voice.microphone.state == "recording", timeout=WAIT)
    QTest.keyClick(panel, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: panel.own_voice.voice.microphone.state in ("off", "ready"), timeout=WAIT)
    assert spoken == []


def test_own_sentences_are_collected_where_speakers_were_standardised(make_panel, context, qtbot, home, folder):
    Runs(home).keep(make_result(folder, ("layers",), speaker_statistics=True))
    panel = make_panel()
    assert panel.own_voice._own_row.isVisibleTo(panel)
    panel.own_voice.own.click()
    wave = from_samples((0.4 * np.sin(np.arange(RATE) * 0.05)).astype(np.float32), RATE)
    for number in range(3):
        assert f"{number} of 3" in panel.own_voice.own_words.text()
        panel.own_voice.controller.take(wave, "")
    assert not panel.own_voice.own.isChecked() and "3 sentences of yours" in panel.own_voice.own_words.text()


def test_runs_are_listed_shown_and_deleted(make_panel, context, qtbot, home, folder, kept):
    other = Runs(home).keep(make_result(folder, ("layers", "text"), seed=1, protocol="random"))
    panel = make_panel()
    panel.options.runs.click()
    assert panel.pages.currentWidget() is panel.runs and panel.runs.table.rowCount() == 2
    row = next(row for row in range(2) if panel.runs.table.item(row, 0).data(Qt.ItemDataRole.UserRole) == other.name)
    panel.runs.table.setCurrentCell(row, 0)
    panel.runs.show_button.click()
    settle(context, qtbot)
    assert panel.controller.state.run.name == other.name and panel.pages.currentWidget() is panel.shown
    panel.options.runs.click()
    panel.runs.table.setCurrentCell(row, 0)
    panel.runs.delete_button.click()
    box = panel.findChild(QMessageBox)
    next(button for button in box.buttons() if button.text() == "Delete run").click()
    settle(context, qtbot)
    assert panel.controller.state.run.name == kept.name
    assert [one.name for one in Runs(home).all()] == [kept.name]


def test_table_and_figure_are_exported(panel, tmp_path):
    for kind, _ in emotion_export.KINDS:
        path = tmp_path / f"run.{kind}"
        panel._save(path)
        assert path.stat().st_size > 300
    assert (tmp_path / "run.png").read_bytes()[:4] == b"\x89PNG"
    assert "<svg" in (tmp_path / "run.svg").read_text() and "neutral" in (tmp_path / "run.svg").read_text()


def test_an_export_that_cannot_be_written_is_said(panel, qtbot, tmp_path):
    for kind, _ in emotion_export.KINDS:
        with qtbot.waitSignal(panel.failed, timeout=WAIT):
            panel._save(tmp_path / "nowhere" / f"run.{kind}")


def test_the_state_comes_back(panel, make_panel, kept, folder):
    panel.options.show_folder(folder)
    panel.options.protocol.setCurrentIndex(2)
    panel.options.mode.setCurrentIndex(1)
    panel.options._actions["text"].setChecked(False)
    state = panel.save_state()
    again = make_panel()
    again.restore_state(state)
    options = again.options.options()
    assert (options.folder, options.protocol, options.mode) == (folder, "speakers", "fine-tuned")
    assert options.features == ("layers", "fused", "acoustic", "text-reference")  # of those that can be fine-tuned
    again.restore_state({"protocol": "gone", "features": "x", "classes": None})
    assert again.options.options().protocol == "paper"


def test_words_of_the_panel_and_the_core_agree():
    from brewclip_app.panels.emotion import options, own_voice_controller, words
    from core.emotion import features, finetune

    assert tuple(key for key, _ in words.PROTOCOLS) == features.PROTOCOL_KEYS
    assert tuple(key for key, _ in words.MODES) == features.MODES
    assert options.TUNED == finetune.TUNED and own_voice_controller.ENOUGH == predict.ENOUGH

def test_percentages_of_the_classes_add_up(panel):
    panel.own_voice.bars.show_shares(("a", "b", "c"), (0.335, 0.335, 0.33))
    said = panel.own_voice.bars.accessibleName()
    assert sum(int(part.split()[1]) for part in said.split(", ")) == 100
