"""The Inspect panel on the real core, with a small model of random weights, its recogniser a fixture."""

import threading
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile
from PIL import Image
from PySide6.QtCore import QMimeData, QPoint, QPointF, QRect, Qt, QUrl
from PySide6.QtGui import QDropEvent
from PySide6.QtWidgets import QWidget

from brewclip_app import tasks
from brewclip_app.panels.base import Asked, Inspection
from brewclip_app.panels.inspect.drawings import mix_drawing, ranking_drawing
from brewclip_app.panels.inspect.head import InspectHead
from brewclip_app.panels.inspect.panel import InspectPanel
from brewclip_app.panels.inspect.parts import elsewhere_words
from brewclip_app.panels.inspect.state import InspectState
from brewclip_app.widgets.preview.overlay import PreviewOverlay
from core.explain import inspection
from core.explain.maps import Elsewhere
from core.explain.methods import METHODS
from core.models.spec import ModelSpec
from core.progress import Progress, WorkStep

WAIT = 60_000
COLOURS = ("red", "green", "blue", "yellow", "black", "white")
TEXT = "a brown dog runs"


def settle(panel, qtbot):
    qtbot.waitUntil(lambda: panel.context.jobs.is_idle() and not tasks._running
                    and not panel.controller._settled.isActive(), timeout=WAIT)


def open_case(panel, qtbot, **facts):
    panel.receive(Inspection(**facts))
    settle(panel, qtbot)


def rows(panel):
    return {row.name: row for row in panel.single.branches.table.rows}


def test_at_first_it_says_how_to_begin(panel):
    assert panel.pages.currentWidget() is panel.empty
    assert "press I" in panel.empty.state.sentence.text()
    assert not panel.head.export.isVisibleTo(panel) and not panel.head.methods.isVisibleTo(panel)


def test_a_spoken_hit_is_explained(panel, qtbot, gallery, folder, voice):
    open_case(panel, qtbot, waveform=voice, path=folder / "red.png", gallery=gallery, image_id=4, caption="a red ball")
    case = panel.controller.state.case
    assert panel.pages.currentWidget() is panel.single and TEXT in panel.head.about.text()
    shown = rows(panel)
    assert shown["Transcript"].share + shown["Voice"].share == pytest.approx(shown["Both"].share, abs=1e-6)
    assert shown["Both"].share == pytest.approx(case.explanation.observation.scores["fused"], abs=1e-6)
    assert [shown[name].rank for name in ("Transcript", "Both", "Voice")] == [case.curve[0], case.curve[25],
                                                                              case.curve[-1]]
    assert 1 <= shown["Caption instead"].rank <= len(COLOURS) and "a red ball" in shown["Caption instead"].tip
    assert [word.text for word in panel.single.words.words.words] == TEXT.split()
    assert max(word.heat for word in panel.single.words.words.words) == 1
    assert max(heat for _, heat in panel.single.voice.voice.bars()) == pytest.approx(1)
    assert not panel.single.picture.elsewhere.text(), "all of it is on the picture"
    assert "prompts" in panel.single.words.about.text()
    assert "cut off by the centre crop" in panel.single.picture.crop.text()
    assert len(panel.strip.rows) == len(COLOURS)
    assert "6 pictures of Shapes" in panel.single.branches.about.text()


def test_only_what_is_not_shown_is_named():
    prompts = np.array([0.1, 0.1], np.float32)
    assert elsewhere_words(Elsewhere(prompts, 0.3, 0.0), 0.5, "class token") == (
        "Not shown: prompts 20 %, class token 30 % of the relevance")
    assert elsewhere_words(Elsewhere(prompts, 0.0, 0.0), 0.8, "class token") == (
        "Not shown: prompts 20 % of the relevance")
    assert elsewhere_words(Elsewhere(0 * prompts, 0.001, 0.0), 0.999, "class token") == ""
    assert "empty" in elsewhere_words(Elsewhere(0 * prompts, 0.0, 0.0), 0.0, "class token")


def test_a_doubtful_transcript_is_marked(panel, qtbot, gallery, folder, voice):
    panel.context.explorer.transcript = replace(panel.context.explorer.transcript, doubtful=True)
    open_case(panel, qtbot, waveform=voice, path=folder / "red.png", gallery=gallery)
    assert "Doubtful: other words may have been said." in panel.single.words.about.text()


def test_typed_words_find_their_best_picture(panel, qtbot, gallery):
    panel.empty.words.setText("  a brown   dog ")
    qtbot.keyClick(panel.empty.words, Qt.Key.Key_Return)
    settle(panel, qtbot)
    assert panel.controller.state.case.text == "a brown dog" and panel.controller.state.case.rank == 1
    assert list(rows(panel)) == ["Transcript"]
    assert not panel.single.voice.isVisibleTo(panel) and "no voice" in panel.single.words.about.text()
    assert not panel.single.branches.mix.isVisibleTo(panel) and not panel.head.targets.isVisibleTo(panel)


def test_a_picture_waits_for_its_query(panel, qtbot, folder):
    panel.controller.set_picture(folder / "blue.png")
    assert panel.pages.currentWidget() is panel.empty and "blue.png" in panel.empty.state.sentence.text()
    panel.controller.set_text("a blue ball")
    settle(panel, qtbot)
    assert panel.controller.state.case.path.name == "blue.png" and panel.controller.state.case.rank is None
    assert "no ranks" in panel.single.branches.about.text()
    assert not panel.strip.isVisibleTo(panel)


def test_words_wait_for_a_picture_where_there_is_no_gallery(panel):
    panel.controller.set_text("a blue ball")
    assert panel.pages.currentWidget() is panel.empty
    assert "a blue ball" in panel.empty.state.sentence.text() and "picture" in panel.empty.state.sentence.text()


@pytest.mark.slow
def test_an_edit_is_followed_by_ranks_and_maps_and_the_voice_stays(panel, qtbot, gallery, folder, voice):
    open_case(panel, qtbot, waveform=voice, path=folder / "red.png", gallery=gallery)
    before, words = panel.controller.state.case, panel.single.words.words
    words.setFocus()
    words.selectAll()
    qtbot.keyClicks(words, "two white cats")
    assert panel.controller.state.case is before
    qtbot.keyClick(words, Qt.Key.Key_Return)
    settle(panel, qtbot)
    case = panel.controller.state.case
    assert case.text == "two white cats" and panel.context.explorer.heard == 1  # the recording is not heard again
    assert case.shares[1] != before.shares[1] and case.shares[0] == pytest.approx(sum(case.shares[1:]), abs=1e-6)
    assert [word.text for word in words.words] == ["two", "white", "cats"]
    assert case.utterance.transcript.text == TEXT and f"the transcript was “{TEXT}”" in panel.single.words.about.text()


def test_escape_takes_an_edit_back(panel, qtbot, gallery):
    open_case(panel, qtbot, text="a dog")
    words = panel.single.words.words
    words.setFocus()
    qtbot.keyClicks(words, "xyz")
    qtbot.keyClick(words, Qt.Key.Key_Escape)
    assert words.text() == "a dog"


def test_each_term_of_a_query_of_several_can_be_explained(panel, qtbot, gallery, folder, voice):
    terms = (Asked("a dog", "a dog"), Asked("spoken", "", voice))
    open_case(panel, qtbot, text="a dog", path=folder / "red.png", gallery=gallery, terms=terms)
    assert panel.head.terms.isVisibleTo(panel)
    assert [panel.head.terms.itemText(at) for at in range(2)] == ["Term: a dog", "Term: spoken"]
    panel.head.terms.setCurrentIndex(1)
    panel.head.terms.activated.emit(1)
    settle(panel, qtbot)
    case = panel.controller.state.case
    assert case.waveform is voice and case.text == TEXT and panel.head.terms.currentIndex() == 1
    panel.controller.edit("a cat")
    settle(panel, qtbot)
    assert panel.controller.state.subject.terms[1].text == "a cat" and panel.controller.state.case.waveform is voice
    panel.controller.set_text("something else")
    settle(panel, qtbot)
    assert panel.controller.state.subject.terms == () and not panel.head.terms.isVisibleTo(panel)


def test_the_slider_tells_the_rank_at_once_and_the_strip_follows(panel, qtbot, gallery, folder, voice):
    open_case(panel, qtbot, waveform=voice, path=folder / "green.png", gallery=gallery)
    mix, standing = panel.single.branches.mix, panel.controller.state.case.ranking
    for value in (0, 30, 100):
        mix.slider.setValue(value)
        rank = standing.mix.rank(standing.row, value / 100)
        assert mix.here.text().endswith(f"rank {rank}")
        settle(panel, qtbot)
        own = next(row for row in panel.strip.rows if row.image.path.name == "green.png")
        assert own.rank == rank
    qtbot.keyClick(panel, Qt.Key.Key_0)
    assert mix.slider.value() == 50 and mix.here.text().endswith(f"rank {panel.controller.state.case.rank}")


def test_keys_change_method_and_target_without_a_new_explanation(panel, qtbot, gallery, folder, voice):
    open_case(panel, qtbot, waveform=voice, path=folder / "red.png", gallery=gallery)
    case = panel.controller.state.case
    panel.setFocus()
    for method in (*[each.name for each in METHODS[1:]], METHODS[0].name):
        qtbot.keyClick(panel, Qt.Key.Key_M)
        assert panel.head.methods.currentData() == method
    qtbot.keyClick(panel, Qt.Key.Key_T)
    assert panel.head.targets.currentData() == "text"
    assert "does not depend on the voice" in panel.single.voice.about.text()
    qtbot.keyClick(panel, Qt.Key.Key_T)
    assert panel.head.targets.currentData() == "acoustic" and panel.single.words.words.words == ()
    assert "does not depend on the words" in panel.single.words.about.text()
    settle(panel, qtbot)
    assert panel.controller.state.case.explanation is case.explanation and panel.single.trust.rows()


@pytest.mark.parametrize(("variant", "choice", "words", "voiced"), [
    ("zero-shot", ModelSpec(), "the voice adds nothing", "Transcript"),
    ("e2e", ModelSpec(checkpoint=Path("/runs/e2e")), "the words add nothing", "Voice")])
def test_a_model_of_one_branch_says_so_in_words(panel, qtbot, gallery, folder, voice, variant, choice, words, voiced):
    open_case(panel, qtbot, waveform=voice, path=folder / "red.png", gallery=gallery, model=choice)
    assert list(rows(panel)) == [voiced]
    notes = panel.single.words.about.text() + panel.single.voice.about.text()
    assert words in notes and not panel.single.branches.mix.isVisibleTo(panel)
    assert panel.single.voice.isVisibleTo(panel) and panel.single.words.words.text() == TEXT
    assert variant in panel.controller.state.case.explanation.model.title


def test_words_that_the_model_does_not_read_are_struck_through(panel, qtbot, gallery):
    open_case(panel, qtbot, text="dog " * 90)
    shown = panel.single.words.words
    assert [word.read for word in shown.words] == [True] * 71 + [False] * 19  # 77 without start, end and four prompts
    assert "19 words were cut off" in panel.single.words.about.text()
    assert shown.height() < panel.height() / 2  # it scrolls


def test_maps_are_tested_in_the_background(panel, qtbot, gallery, folder, voice):
    open_case(panel, qtbot, waveform=voice, path=folder / "red.png", gallery=gallery)
    trust = panel.single.trust
    assert [method.name for method, _ in trust.rows()] == [each.name for each in METHODS]
    assert [trust.towers.itemData(at) for at in range(trust.towers.count())] == ["picture", "words", "sound"]
    on_picture = trust.rows()
    trust.towers.setCurrentIndex(2)
    trust.towers.activated.emit(2)
    assert panel.controller.state.tower == "sound" and trust.rows() != on_picture and trust.rows()[-1][0].baseline


def test_testing_can_be_stopped_and_begun_again(panel, qtbot, gallery, folder, monkeypatch):
    hold, entered = threading.Event(), threading.Event()
    plain = inspection.Explanation.faithfulness

    def slow(self, target, report=None, **rest):
        entered.set()
        while not hold.wait(0.01):
            report(Progress(WorkStep.TESTING_MAPS, 1, 8))
        return plain(self, target, report=report, **rest)

    monkeypatch.setattr(inspection.Explanation, "faithfulness", slow)
    panel.receive(Inspection(text="a dog", path=folder / "red.png"))
    qtbot.waitUntil(lambda: entered.is_set() and panel.single.trust.progress.isVisibleTo(panel), timeout=WAIT)
    panel.single.trust.progress.cancel.click()
    settle(panel, qtbot)
    assert panel.single.trust.again.isVisibleTo(panel) and not panel.single.trust.rows()
    hold.set()
    panel.single.trust.again.click()
    settle(panel, qtbot)
    assert panel.single.trust.rows()


def test_an_occlusion_map_comes_when_it_is_computed(panel, qtbot, gallery, folder, monkeypatch):
    hold, plain = threading.Event(), inspection.Explanation.occluded

    def slow(self, target, report=None):
        while not hold.wait(0.01):
            report(Progress(WorkStep.OCCLUDING, 1, 8))
        return plain(self, target, report)

    monkeypatch.setattr(inspection.Explanation, "occluded", slow)
    panel.head.methods.setCurrentIndex(panel.head.methods.findData("occlusion"))
    panel.receive(Inspection(text="a dog", path=folder / "red.png"))
    qtbot.waitUntil(lambda: panel.controller.state.case is not None, timeout=WAIT)
    assert "being computed" in panel.notice.text() and {word.heat for word in panel.single.words.words.words} == {0}
    hold.set()
    settle(panel, qtbot)
    assert not panel.notice.text() and max(word.heat for word in panel.single.words.words.words) == 1
    assert "occlusion" in [method.name for method, _ in panel.single.trust.rows()]


def test_the_latest_wins(panel, qtbot, gallery, folder, voice):
    panel.context.explorer.gate.clear()
    panel.receive(Inspection(waveform=voice, path=folder / "red.png", gallery=gallery))
    panel.receive(Inspection(text="a dog", path=folder / "blue.png", gallery=gallery))
    panel.context.explorer.gate.set()
    settle(panel, qtbot)
    assert panel.controller.state.case.path.name == "blue.png" and panel.controller.state.case.waveform is None


def test_escape_stops_an_explanation_and_keeps_what_is_shown(panel, qtbot, gallery, folder, voice):
    open_case(panel, qtbot, text="a dog", path=folder / "red.png")
    panel.context.explorer.gate.clear()
    panel.controller.set_waveform(voice)
    qtbot.waitUntil(panel.progress.isVisible, timeout=WAIT)
    panel.setFocus()
    qtbot.keyClick(panel, Qt.Key.Key_Escape)
    settle(panel, qtbot)
    assert not panel.progress.isVisible() and panel.controller.state.case.text == "a dog"


def test_two_hits_stand_side_by_side(panel, qtbot, gallery, folder, voice):
    open_case(panel, qtbot, waveform=voice, path=folder / "red.png", gallery=gallery)
    settle(panel, qtbot)
    first = panel.controller.state.case
    panel.setFocus()
    qtbot.keyClick(panel, Qt.Key.Key_C)
    settle(panel, qtbot)
    assert panel.pages.currentWidget() is panel.compare and panel.controller.state.case is first
    assert panel.controller.state.second.path != first.path and panel.controller.state.second.text == first.text
    other = next(row.image for row in panel.strip.rows
                 if row.image.path not in (first.path, panel.controller.state.second.path))
    panel.strip.chosen.emit(other)
    settle(panel, qtbot)
    assert panel.controller.state.second.path == other.path and other.path.name in panel.compare.second.name.text()
    qtbot.mouseDClick(panel.compare.second.picture.picture, Qt.MouseButton.LeftButton)
    preview = panel.window().findChild(PreviewOverlay)
    qtbot.waitUntil(lambda: preview.controller.state.picture is not None)
    assert preview.controller.state.image.path == other.path and preview.controller.state.total == 2
    preview.controller.close()
    assert panel.controller.state.case is first and panel.compare.first.picture.isVisibleTo(panel)
    for mix in (0.0, 1.0):
        panel.controller.set_mix(mix)
        settle(panel, qtbot)
        ranks = {row.image.path: row.rank for row in panel.strip.rows}
        for side, path in ((panel.compare.first, first.path), (panel.compare.second, other.path)):
            assert side.name.text() == f"Rank {ranks[path]} · {path.name}", "the strip and both sides say the same"
    qtbot.keyClick(panel, Qt.Key.Key_Escape)
    assert panel.pages.currentWidget() is panel.single and not panel.head.compare.isChecked()
    assert panel.strip.isVisibleTo(panel)
    qtbot.waitUntil(lambda: panel.strip.y() - panel.single.branches.geometry().bottom() == 13)  # right below it


@pytest.mark.slow
def test_arrows_walk_the_ranking(panel, qtbot, gallery):
    open_case(panel, qtbot, text="a dog")
    panel.setFocus()
    qtbot.keyClick(panel, Qt.Key.Key_Right)
    settle(panel, qtbot)
    assert panel.controller.state.case.rank == 2
    qtbot.keyClick(panel, Qt.Key.Key_Left)
    settle(panel, qtbot)
    qtbot.keyClick(panel, Qt.Key.Key_Left)  # there is none before the first
    settle(panel, qtbot)
    assert panel.controller.state.case.rank == 1


@pytest.mark.parametrize("content", [b"", b"\xff\xd8\xff nothing"])
def test_a_broken_picture_is_said_and_what_is_shown_stays(panel, qtbot, gallery, folder, tmp_path, content):
    open_case(panel, qtbot, text="a dog", path=folder / "red.png")
    (tmp_path / "broken.jpg").write_bytes(content)
    panel.controller.set_picture(tmp_path / "broken.jpg")
    settle(panel, qtbot)
    assert "broken.jpg" in panel.notice.text() and panel.controller.state.case.path.name == "red.png"
    panel.controller.set_text("a cat")
    settle(panel, qtbot)
    case = panel.controller.state.case
    assert case.path.name == "red.png" and case.text == "a cat" and not panel.notice.isVisibleTo(panel)


def test_silence_is_said_by_a_model_that_reads_words(panel, qtbot, gallery, folder, voice):
    panel.context.explorer.variant = "zero-shot"
    explorer = panel.context.explorer
    explorer.transcript = replace(explorer.transcript, text="", words=(), reason="Nothing was said.")
    open_case(panel, qtbot, waveform=voice, path=folder / "red.png", gallery=gallery)
    assert "Nothing was said." in panel.notice.text() and panel.pages.currentWidget() is panel.empty


def test_a_model_that_hears_explains_a_voice_without_words(panel, qtbot, gallery, folder, voice):
    explorer = panel.context.explorer
    explorer.transcript = replace(explorer.transcript, text="", words=(), reason="Nothing was said.")
    open_case(panel, qtbot, waveform=voice, path=folder / "red.png", gallery=gallery)
    assert list(rows(panel)) == ["Voice"] and "Nothing was said." in panel.single.words.about.text()


def test_a_gallery_of_another_model_has_no_ranks_but_maps(panel, qtbot, context, folder):
    context.explorer.store.ensure_gallery("Empty")
    open_case(panel, qtbot, text="a dog", path=folder / "red.png", gallery="Empty")
    assert panel.controller.state.case.rank is None and "indexed" in panel.single.branches.about.text()
    assert not panel.head.compare.isEnabled() and panel.single.words.words.words


def test_the_voice_plays_with_a_cursor_over_waveform_and_words(panel, qtbot, gallery, folder, voice):
    open_case(panel, qtbot, waveform=voice, path=folder / "red.png", gallery=gallery)
    panel.setFocus()
    qtbot.keyClick(panel, Qt.Key.Key_Space)
    assert panel.player.playing and panel.single.voice.play.text() == "Stop"
    panel.player._set(seconds=1.2)
    assert panel.single.voice.voice.cursor_seconds == 1.2
    start, end = panel.single.words.words._spoken
    assert TEXT[start:end] == "dog"
    panel.player.stop()
    assert panel.single.voice.voice.cursor_seconds is None and panel.single.words.words._spoken is None
    panel.single.voice.voice.sought.emit(0.7)
    assert panel.player.start == 0.7
    panel.deactivated()
    assert not panel.player.playing
    panel.player.broken = True
    qtbot.keyClick(panel, Qt.Key.Key_Space)
    assert "Nothing to play on" in panel.notice.text() and panel.single.voice.play.text() == "Play"


def test_a_recording_and_a_picture_can_be_dropped_together(panel, qtbot, folder, tmp_path):
    path = tmp_path / "said.wav"
    soundfile.write(path, 0.3 * np.sin(np.arange(16_000) * 0.1), 16_000)
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)), QUrl.fromLocalFile(str(folder / "white.png"))])
    panel.dropEvent(QDropEvent(QPointF(60, 200), Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton,
                               Qt.KeyboardModifier.NoModifier))
    settle(panel, qtbot)
    assert panel.controller.state.case.path.name == "white.png" and panel.controller.state.case.text == TEXT


def test_a_recording_that_is_none_is_said(panel, qtbot, folder, tmp_path):
    (tmp_path / "noise.wav").write_bytes(b"RIFF")
    panel.controller.set_picture(folder / "white.png")
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(tmp_path / "noise.wav"))])
    panel.handle_drop(data)
    settle(panel, qtbot)
    assert "noise.wav" in panel.notice.text() and panel.controller.state.case is None


def test_the_explanation_is_saved_as_a_picture(panel, qtbot, context, gallery, folder, voice, tmp_path):
    open_case(panel, qtbot, waveform=voice, path=folder / "red.png", gallery=gallery)
    panel.controller.compare()
    settle(panel, qtbot)
    for name, draw, size in (("why.png", panel._explanation(), 2070), ("mix.png", mix_drawing(panel._shown), 1005),
                             ("ranking.png", ranking_drawing(panel._shown), 2070)):
        tasks.start(panel.exporter.save(tmp_path / name, draw, "column" if name == "mix.png" else "page"))
        settle(panel, qtbot)
        assert Image.open(tmp_path / name).width == size
        assert name in panel.notice.text()
    with qtbot.waitSignal(context.failed) as failed:
        tasks.start(panel.exporter.save(tmp_path / "nowhere" / "why.png", panel._explanation(), "page"))
    assert failed.args[0].kind == "no_folder"


def test_nothing_is_exported_of_no_case(panel):
    assert panel._explanation() is None
    assert mix_drawing(panel._shown) is None
    assert ranking_drawing(panel._shown) is None


def test_the_state_comes_back(panel, qtbot, context):
    panel.head.methods.setCurrentIndex(2)
    panel.head.targets.setCurrentIndex(1)
    panel.single.picture.opacity.setValue(30)
    state = panel.save_state()
    again = InspectPanel(context, type(panel.player)())
    qtbot.addWidget(again)
    again.restore_state(state)
    assert {**again.save_state(), "split": 0} == {**state, "split": 0}
    assert again.single.picture.picture.opacity == pytest.approx(0.3)
    again.restore_state({"method": "gone", "target": 5, "opacity": "x", "split": [1]})
    assert again.head.methods.currentIndex() == 0
    again.closing()


@pytest.mark.parametrize(("more", "lines"), [(-1, 2), (60, 1)])
def test_nothing_in_the_head_overlaps(qtbot, more, lines):
    around = QWidget()
    qtbot.addWidget(around)
    around.resize(2000, 200)
    head = InspectHead()
    head.setParent(around)
    case = SimpleNamespace(text="a red balloon over green hills", path=Path("a long name of a picture.jpg"),
                           has_both=True, ranking=object())
    head.render_state(InspectState(Inspection(terms=(Asked("a red balloon"), Asked("sky"))), case))
    around.show()
    width = head._width_beside() + more
    head.resize(width, head.sizeHint().height())
    parts = (head.about, head.terms, head.targets, head.methods, head.compare, head.export)

    def places():
        head.resize(width, head.sizeHint().height())
        return [QRect(part.mapTo(head, QPoint(0, 0)), part.size()) for part in parts]

    qtbot.waitUntil(lambda: (head._below.indexOf(head._boxes) >= 0) == (lines == 2))
    qtbot.waitUntil(lambda: not any(one.intersects(other) for at, one in enumerate(places())
                                    for other in places()[at + 1:]))
    assert all(head.rect().contains(place) for place in places())
