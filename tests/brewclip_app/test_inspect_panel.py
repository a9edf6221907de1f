"""The Inspect panel on the real core, with a small model of random weights, its ear a fixture."""

import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import open_clip
import pytest
import soundfile
import torch
from open_clip.model import CLIP, CLIPTextCfg, CLIPVisionCfg
from PIL import Image, ImageDraw
from PySide6.QtCore import QMimeData, QObject, QPoint, QPointF, QRect, Qt, QUrl, Signal
from PySide6.QtGui import QDropEvent
from PySide6.QtTest import QAbstractItemModelTester
from PySide6.QtWidgets import QWidget

from brewclip_app.context import Context
from brewclip_app.panels.base import Asked, Inspection
from brewclip_app.panels.inspect.head import InspectHead
from brewclip_app.panels.inspect.neighbours_model import NeighboursModel
from brewclip_app.panels.inspect.panel import InspectPanel
from brewclip_app.panels.inspect.save import explanation
from core.asr.transcript import EncodedUtterance, Transcript, Word
from core.audio import RATE, from_samples
from core.evaluation.records import ModelChoice
from core.explain import inspection
from core.explain.inspection import ExplainModel
from core.explain.methods import METHODS
from core.fingerprint import Fingerprint
from core.indexing.local import index_folder
from core.models.brewclip import BrewCLIP
from core.models.open_clip_models import Built
from core.models.variants import BrewClipOptions
from core.settings import Settings
from core.store.store import Store

WAIT = 60_000
PRINT = Fingerprint.of({"backbone": "tiny"})
COLOURS = ("red", "green", "blue", "yellow", "black", "white")
TEXT = "a brown dog runs"
HEARD = Transcript(TEXT, "en", tuple(Word(word, place / 2, place / 2 + 0.5, 0.9)
                                     for place, word in enumerate(TEXT.split())), -0.3, 0.02, 1.1)


@pytest.fixture(scope="session")
def built():
    torch.manual_seed(0)
    clip = CLIP(32, CLIPVisionCfg(image_size=32, layers=2, width=64, head_width=32, patch_size=8),
                CLIPTextCfg(width=48, heads=2, layers=2)).eval().requires_grad_(False)
    return Built(clip, open_clip.SimpleTokenizer(), 77, 32, 32, (0.5, 0.4, 0.3), (0.3, 0.2, 0.25), channels_last=False)


class Explorer:
    """What the panel uses of `core.explorer.Explorer`, without pretrained weights. `gate` holds hearing up."""

    def __init__(self, home, built):
        self.home, self.settings, self.store = home, Settings(), Store.open(home.store)
        self.built, self.transcript, self.variant, self.heard = built, HEARD, "full", 0
        self.lenses = {}
        self.gate = threading.Event()
        self.gate.set()

    def lens(self, name=""):
        name = name or self.variant
        if name not in self.lenses:
            torch.manual_seed(1)
            model = BrewCLIP(self.built, name, BrewClipOptions(heads=4, feed_forward=32), 20).eval()
            self.lenses[name] = ExplainModel(model, f"Tiny {name}", "centre", PRINT)
        return self.lenses[name]

    def hear(self, waveform, report):
        while not self.gate.wait(0.01):
            report(0, 0, "Waiting")
        self.heard += 1
        states = np.random.default_rng(len(waveform.samples)).normal(size=(round(waveform.seconds * 50), 20))
        return EncodedUtterance(self.transcript, (states.astype(np.float16),))

    # what indexing wants of a model
    dim, image_size, name = 32, 32, "tiny"

    def encode_pixels(self, pixels):
        model = self.lens().model
        with torch.no_grad():
            return model.encode_stem(model.image_stem(pixels)).numpy()

    def fingerprint(self, crop=""):
        return PRINT

    def use_settings(self, settings):
        self.settings = settings

    def close(self):
        self.store.close()


class Player(QObject):
    """A loudspeaker that plays when it is told to."""

    moved, finished, failed = Signal(float), Signal(), Signal(str)

    def __init__(self):
        super().__init__()
        self.playing, self.broken, self.start = False, False, None

    def play(self, waveform, start=0.0):
        self.start, self.playing = start, not self.broken
        if self.broken:
            self.failed.emit("Nothing to play on.")

    def stop(self):
        self.playing = False


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "shapes"
    made.mkdir()
    for number, colour in enumerate(COLOURS):
        picture = Image.new("RGB", (60, 40), "grey")
        ImageDraw.Draw(picture).ellipse((10 + number, 5, 40, 35), fill=colour)
        picture.save(made / f"{colour}.png")
    return made


@pytest.fixture
def context(home, qtbot, built, monkeypatch):
    explorer = Explorer(home, built)
    monkeypatch.setattr(inspection, "of_settings", lambda opened, report: opened.lens())
    monkeypatch.setattr(inspection, "of_choice", lambda opened, choice, crop, report: opened.lens(
        choice.checkpoint.name if choice.checkpoint else "zero-shot"))
    monkeypatch.setattr(inspection, "hear", lambda opened, lens, waveform, report: opened.hear(waveform, report))
    made = Context(home, explorer)
    yield made
    explorer.gate.set()
    assert made.jobs.shutdown(60)
    made.close()


@pytest.fixture
def gallery(context, folder):
    store = context.explorer.store
    index_folder(store, store.ensure_gallery("Shapes").id, folder, context.explorer, "centre")
    context.set_gallery("Shapes")
    return "Shapes"


@pytest.fixture
def panel(context, qtbot):
    made = InspectPanel(context, Player())
    qtbot.addWidget(made)
    made.resize(1190, 760)
    made.show()
    yield made
    made.closing()


@pytest.fixture
def voice():
    return from_samples(0.4 * np.sin(np.arange(2 * RATE) * 0.05).astype(np.float32), RATE)


def settle(panel, qtbot):
    qtbot.waitUntil(lambda: panel.context.jobs.is_idle() and not panel.flow._settled.isActive(), timeout=WAIT)


def open_case(panel, qtbot, **facts):
    panel.receive(Inspection(**facts))
    settle(panel, qtbot)


def rows(panel):
    return {row.name: row for row in panel.single.branches.table.rows}


def test_at_first_it_says_how_to_begin(panel):
    assert panel.pages.currentWidget() is panel.empty
    assert "press I" in panel.empty.state.sentence.text()
    assert not panel.head.save.isVisibleTo(panel) and not panel.head.methods.isVisibleTo(panel)


def test_a_spoken_hit_is_taken_apart(panel, qtbot, gallery, folder, voice):
    open_case(panel, qtbot, waveform=voice, path=folder / "red.png", gallery=gallery, image_id=4, caption="a red ball")
    case = panel.case
    assert panel.pages.currentWidget() is panel.single and TEXT in panel.head.about.text()
    shown = rows(panel)
    assert shown["Transcript"].share + shown["Voice"].share == pytest.approx(shown["Both"].share, abs=1e-6)
    assert shown["Both"].share == pytest.approx(case.sight.observation.scores["fused"], abs=1e-6)
    assert [shown[name].rank for name in ("Transcript", "Both", "Voice")] == [case.curve[0], case.curve[25],
                                                                              case.curve[-1]]
    assert 1 <= shown["Caption instead"].rank <= len(COLOURS) and "a red ball" in shown["Caption instead"].tip
    assert [word.text for word in panel.single.words.words.words] == TEXT.split()
    assert max(word.heat for word in panel.single.words.words.words) == 1
    assert max(heat for _, heat in panel.single.voice.voice.bars()) == pytest.approx(1)
    assert "prompts" in panel.single.picture.elsewhere.text() and "prompts" in panel.single.words.about.text()
    assert "cut off by the centre crop" in panel.single.picture.crop.text()
    assert len(panel.strip.neighbours.rows) == len(COLOURS)
    assert "6 pictures of Shapes" in panel.single.branches.about.text()


def test_doubtful_words_are_said_to_be_in_inspect_too(panel, qtbot, gallery, folder, voice):
    panel.context.explorer.transcript = replace(HEARD, doubtful=True)
    open_case(panel, qtbot, waveform=voice, path=folder / "red.png", gallery=gallery)
    assert "Doubtful: other words may have been said." in panel.single.words.about.text()


def test_typed_words_find_their_best_picture(panel, qtbot, gallery):
    panel.empty.words.setText("  a brown   dog ")
    qtbot.keyClick(panel.empty.words, Qt.Key.Key_Return)
    settle(panel, qtbot)
    assert panel.case.text == "a brown dog" and panel.case.rank == 1
    assert list(rows(panel)) == ["Transcript"]
    assert not panel.single.voice.isVisibleTo(panel) and "no voice" in panel.single.words.about.text()
    assert not panel.single.branches.mix.isVisibleTo(panel) and not panel.head.targets.isVisibleTo(panel)


def test_a_picture_waits_for_its_query(panel, qtbot, folder):
    panel.take_picture(folder / "blue.png")
    assert panel.pages.currentWidget() is panel.empty and "blue.png" in panel.empty.state.sentence.text()
    panel.take_words("a blue ball")
    settle(panel, qtbot)
    assert panel.case.path.name == "blue.png" and panel.case.rank is None
    assert "no ranks" in panel.single.branches.about.text()
    assert not panel.strip.isVisibleTo(panel)


def test_words_wait_for_a_picture_where_there_is_no_gallery(panel):
    panel.take_words("a blue ball")
    assert panel.pages.currentWidget() is panel.empty
    assert "a blue ball" in panel.empty.state.sentence.text() and "picture" in panel.empty.state.sentence.text()


def test_an_edit_is_followed_by_ranks_and_maps_and_the_voice_stays(panel, qtbot, gallery, folder, voice):
    open_case(panel, qtbot, waveform=voice, path=folder / "red.png", gallery=gallery)
    before, words = panel.case, panel.single.words.words
    words.setFocus()
    words.selectAll()
    qtbot.keyClicks(words, "two white cats")
    assert panel.case is before
    qtbot.keyClick(words, Qt.Key.Key_Return)
    settle(panel, qtbot)
    case = panel.case
    assert case.text == "two white cats" and panel.context.explorer.heard == 1  # the recording is not heard again
    assert case.shares[1] != before.shares[1] and case.shares[0] == pytest.approx(sum(case.shares[1:]), abs=1e-6)
    assert [word.text for word in words.words] == ["two", "white", "cats"]
    assert case.heard.transcript.text == TEXT and f"heard was “{TEXT}”" in panel.single.words.about.text()


def test_escape_takes_an_edit_back(panel, qtbot, gallery):
    open_case(panel, qtbot, text="a dog")
    words = panel.single.words.words
    words.setFocus()
    qtbot.keyClicks(words, "xyz")
    qtbot.keyClick(words, Qt.Key.Key_Escape)
    assert words.text() == "a dog"


def test_of_a_query_of_several_terms_each_can_be_taken_apart(panel, qtbot, gallery, folder, voice):
    terms = (Asked("a dog", "a dog"), Asked("what was said", "", voice))
    open_case(panel, qtbot, text="a dog", path=folder / "red.png", gallery=gallery, terms=terms)
    assert panel.head.terms.isVisibleTo(panel)
    assert [panel.head.terms.itemText(at) for at in range(2)] == ["Term: a dog", "Term: what was said"]
    panel.head.terms.setCurrentIndex(1)
    panel.head.terms.activated.emit(1)
    settle(panel, qtbot)
    assert panel.case.waveform is voice and panel.case.text == TEXT and panel.head.terms.currentIndex() == 1
    panel._edit("a cat")
    settle(panel, qtbot)
    assert panel.subject.terms[1].text == "a cat" and panel.case.waveform is voice
    panel.take_words("something else")
    settle(panel, qtbot)
    assert panel.subject.terms == () and not panel.head.terms.isVisibleTo(panel)


def test_the_slider_tells_the_rank_at_once_and_the_strip_follows(panel, qtbot, gallery, folder, voice):
    open_case(panel, qtbot, waveform=voice, path=folder / "green.png", gallery=gallery)
    mix, standing = panel.single.branches.mix, panel.case.standing
    for value in (0, 30, 100):
        mix.slider.setValue(value)
        rank = standing.mix.rank(standing.row, value / 100)
        assert mix.here.text().endswith(f"rank {rank}")
        settle(panel, qtbot)
        own = next(row for row in panel.strip.neighbours.rows if row.image.path.name == "green.png")
        assert own.rank == rank
    qtbot.keyClick(panel, Qt.Key.Key_0)
    assert mix.slider.value() == 50 and mix.here.text().endswith(f"rank {panel.case.rank}")


def test_keys_change_method_and_target_without_a_new_look(panel, qtbot, gallery, folder, voice):
    open_case(panel, qtbot, waveform=voice, path=folder / "red.png", gallery=gallery)
    case = panel.case
    panel.setFocus()
    for method in (*[each.name for each in METHODS[1:]], METHODS[0].name):
        qtbot.keyClick(panel, Qt.Key.Key_M)
        assert panel.head.methods.currentData() == method
    qtbot.keyClick(panel, Qt.Key.Key_T)
    assert panel.head.targets.currentData() == "text"
    assert "owes nothing to the voice" in panel.single.voice.about.text()
    qtbot.keyClick(panel, Qt.Key.Key_T)
    assert panel.head.targets.currentData() == "acoustic" and panel.single.words.words.words == ()
    assert "owes nothing to the words" in panel.single.words.about.text()
    settle(panel, qtbot)
    assert panel.case is case and panel.single.trust.rows()


@pytest.mark.parametrize(("variant", "choice", "words", "voiced"), [
    ("zero-shot", ModelChoice(), "the voice itself adds nothing", "Transcript"),
    ("e2e", ModelChoice(Path("/runs/e2e")), "the words add nothing", "Voice")])
def test_a_model_of_one_branch_says_so_in_words(panel, qtbot, gallery, folder, voice, variant, choice, words, voiced):
    open_case(panel, qtbot, waveform=voice, path=folder / "red.png", gallery=gallery, model=choice)
    assert list(rows(panel)) == [voiced]
    said = panel.single.words.about.text() + panel.single.voice.about.text()
    assert words in said and not panel.single.branches.mix.isVisibleTo(panel)
    assert panel.single.voice.isVisibleTo(panel) and panel.single.words.words.text() == TEXT
    assert variant in panel.case.sight.lens.title


def test_words_that_the_model_does_not_read_are_struck_through(panel, qtbot, gallery):
    open_case(panel, qtbot, text="dog " * 90)
    shown = panel.single.words.words
    assert [word.read for word in shown.words] == [True] * 71 + [False] * 19  # 77 without start, end and four prompts
    assert "19 words were cut off" in panel.single.words.about.text()
    assert shown.height() < panel.height() / 2  # it scrolls


def test_maps_are_judged_in_the_background(panel, qtbot, gallery, folder, voice):
    open_case(panel, qtbot, waveform=voice, path=folder / "red.png", gallery=gallery)
    trust = panel.single.trust
    assert [row.method for row in trust.rows()] == [each.name for each in METHODS]
    assert [trust.towers.itemData(at) for at in range(trust.towers.count())] == ["picture", "words", "sound"]
    trust.choose("sound")
    assert trust.rows() != trust._rows["picture"] and trust.rows()[-1].quiet


def test_judging_can_be_stopped_and_begun_again(panel, qtbot, gallery, folder, monkeypatch):
    hold, entered = threading.Event(), threading.Event()
    plain = inspection.Explanation.faithfulness

    def slow(self, target, report=None, **rest):
        entered.set()
        while not hold.wait(0.01):
            report(1, 8, "Testing the maps")
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


def test_a_map_that_is_tried_out_comes_when_it_is_ready(panel, qtbot, gallery, folder, monkeypatch):
    hold, plain = threading.Event(), inspection.Explanation.occluded

    def slow(self, target, report=None):
        while not hold.wait(0.01):
            report(1, 8, "Covering parts")
        return plain(self, target, report)

    monkeypatch.setattr(inspection.Explanation, "occluded", slow)
    panel.head.methods.setCurrentIndex(panel.head.methods.findData("occlusion"))
    panel.receive(Inspection(text="a dog", path=folder / "red.png"))
    qtbot.waitUntil(lambda: panel.case is not None, timeout=WAIT)
    assert "tried out" in panel.notice.text() and {word.heat for word in panel.single.words.words.words} == {0}
    hold.set()
    settle(panel, qtbot)
    assert not panel.notice.text() and max(word.heat for word in panel.single.words.words.words) == 1
    assert "occlusion" in [row.method for row in panel.single.trust.rows()]


def test_the_latest_wins(panel, qtbot, gallery, folder, voice):
    panel.context.explorer.gate.clear()
    panel.receive(Inspection(waveform=voice, path=folder / "red.png", gallery=gallery))
    panel.receive(Inspection(text="a dog", path=folder / "blue.png", gallery=gallery))
    panel.context.explorer.gate.set()
    settle(panel, qtbot)
    assert panel.case.path.name == "blue.png" and panel.case.waveform is None


def test_escape_stops_a_look_and_keeps_what_is_shown(panel, qtbot, gallery, folder, voice):
    open_case(panel, qtbot, text="a dog", path=folder / "red.png")
    panel.context.explorer.gate.clear()
    panel.take_voice(voice)
    qtbot.waitUntil(panel.progress.isVisible, timeout=WAIT)
    panel.setFocus()
    qtbot.keyClick(panel, Qt.Key.Key_Escape)
    settle(panel, qtbot)
    assert not panel.progress.isVisible() and panel.case.text == "a dog"


def test_two_hits_stand_side_by_side(panel, qtbot, gallery, folder, voice):
    open_case(panel, qtbot, waveform=voice, path=folder / "red.png", gallery=gallery)
    settle(panel, qtbot)
    first = panel.case
    panel.setFocus()
    qtbot.keyClick(panel, Qt.Key.Key_C)
    settle(panel, qtbot)
    assert panel.pages.currentWidget() is panel.compare and panel.compare.cases == (first, panel.second)
    assert panel.second.path != first.path and panel.second.text == first.text
    other = next(row.image for row in panel.strip.neighbours.rows
                 if row.image.path not in (first.path, panel.second.path))
    panel.strip.chosen.emit(other)
    settle(panel, qtbot)
    assert panel.second.path == other.path and other.path.name in panel.compare.second.name.text()
    assert panel.case is first and panel.compare.first.picture.isVisibleTo(panel)
    qtbot.keyClick(panel, Qt.Key.Key_Escape)
    assert panel.pages.currentWidget() is panel.single and not panel.head.compare.isChecked()
    assert panel.strip.isVisibleTo(panel)


def test_arrows_walk_the_ranking(panel, qtbot, gallery):
    open_case(panel, qtbot, text="a dog")
    panel.setFocus()
    qtbot.keyClick(panel, Qt.Key.Key_Right)
    settle(panel, qtbot)
    assert panel.case.rank == 2
    qtbot.keyClick(panel, Qt.Key.Key_Left)
    settle(panel, qtbot)
    qtbot.keyClick(panel, Qt.Key.Key_Left)  # there is none before the first
    settle(panel, qtbot)
    assert panel.case.rank == 1


@pytest.mark.parametrize("content", [b"", b"\xff\xd8\xff nothing"])
def test_a_broken_picture_is_said_and_what_is_shown_stays(panel, qtbot, gallery, folder, tmp_path, content):
    open_case(panel, qtbot, text="a dog", path=folder / "red.png")
    (tmp_path / "broken.jpg").write_bytes(content)
    panel.take_picture(tmp_path / "broken.jpg")
    settle(panel, qtbot)
    assert "broken.jpg" in panel.notice.text() and panel.case.path.name == "red.png"
    panel.take_words("a cat")
    settle(panel, qtbot)
    assert panel.case.path.name == "red.png" and panel.case.text == "a cat" and not panel.notice.isVisibleTo(panel)


def test_silence_is_said_by_a_model_that_reads_words(panel, qtbot, gallery, folder, voice):
    panel.context.explorer.variant = "zero-shot"
    panel.context.explorer.transcript = replace(HEARD, text="", words=(), reason="Nothing was said.")
    open_case(panel, qtbot, waveform=voice, path=folder / "red.png", gallery=gallery)
    assert "Nothing was said." in panel.notice.text() and panel.pages.currentWidget() is panel.empty


def test_a_model_that_hears_explains_a_voice_without_words(panel, qtbot, gallery, folder, voice):
    panel.context.explorer.transcript = replace(HEARD, text="", words=(), reason="Nothing was said.")
    open_case(panel, qtbot, waveform=voice, path=folder / "red.png", gallery=gallery)
    assert list(rows(panel)) == ["Voice"] and "Nothing was said." in panel.single.words.about.text()


def test_a_gallery_of_another_model_has_no_ranks_but_maps(panel, qtbot, context, folder):
    context.explorer.store.ensure_gallery("Empty")
    open_case(panel, qtbot, text="a dog", path=folder / "red.png", gallery="Empty")
    assert panel.case.rank is None and "indexed" in panel.single.branches.about.text()
    assert not panel.head.compare.isEnabled() and panel.single.words.words.words


def test_the_voice_plays_with_a_cursor_over_waveform_and_words(panel, qtbot, gallery, folder, voice):
    open_case(panel, qtbot, waveform=voice, path=folder / "red.png", gallery=gallery)
    panel.setFocus()
    qtbot.keyClick(panel, Qt.Key.Key_Space)
    assert panel.player.playing and panel.single.voice.play.text() == "Stop"
    panel.player.moved.emit(1.2)
    assert panel.single.voice.voice.cursor_seconds == 1.2
    start, end = panel.single.words.words._spoken
    assert TEXT[start:end] == "dog"
    panel.player.finished.emit()
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
    assert panel.case.path.name == "white.png" and panel.case.text == TEXT


def test_a_recording_that_is_none_is_said(panel, qtbot, folder, tmp_path):
    (tmp_path / "noise.wav").write_bytes(b"RIFF")
    panel.take_picture(folder / "white.png")
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(tmp_path / "noise.wav"))])
    panel.take_drop(data)
    settle(panel, qtbot)
    assert "noise.wav" in panel.notice.text() and panel.case is None


def test_the_explanation_is_saved_as_a_picture(panel, qtbot, gallery, folder, voice, tmp_path):
    open_case(panel, qtbot, waveform=voice, path=folder / "red.png", gallery=gallery)
    draw = lambda: explanation([panel.case, panel.case], "fused", "gradient", {"Random": (0.1, 0.2)}, 200)  # noqa: E731
    target = tmp_path / "why.png"
    panel.saver.save(draw, target)
    settle(panel, qtbot)
    assert Image.open(target).width == 2200 and "why.png" in panel.notice.text()
    panel.saver.save(draw, tmp_path / "nowhere" / "why.png")
    settle(panel, qtbot)
    assert "was not written: No such file" in panel.notice.text()


def test_the_state_comes_back(panel, qtbot, context):
    panel.head.methods.setCurrentIndex(2)
    panel.head.targets.setCurrentIndex(1)
    panel.single.picture.opacity.setValue(30)
    state = panel.save_state()
    again = InspectPanel(context, Player())
    qtbot.addWidget(again)
    again.restore_state(state)
    assert {**again.save_state(), "split": 0} == {**state, "split": 0}
    assert again.single.picture.picture.opacity == pytest.approx(0.3)
    again.restore_state({"method": "gone", "target": 5, "opacity": "x", "split": [1]})
    assert again.head.methods.currentIndex() == 0
    again.closing()


def test_the_model_of_neighbours_keeps_qts_rules(panel, qtbot, gallery):
    open_case(panel, qtbot, text="a dog")
    model = NeighboursModel()
    tester = QAbstractItemModelTester(model, QAbstractItemModelTester.FailureReportingMode.Fatal)
    model.show(panel.strip.neighbours.rows)
    assert model.index(0, 0).data().startswith("1 · ") and tester.model() is model




@pytest.mark.parametrize(("more", "lines"), [(-1, 2), (60, 1)])
def test_nothing_in_the_head_overlaps(qtbot, more, lines):
    around = QWidget()
    qtbot.addWidget(around)
    around.resize(2000, 200)
    head = InspectHead()
    head.setParent(around)
    head.offer_terms(["a red balloon", "sky"], 0)
    head.enable(True, True, True)
    head.about.setText("“a red balloon over green hills” → a long name of a picture.jpg")
    around.show()
    width = head._width_beside() + more
    head.resize(width, head.sizeHint().height())
    parts = (head.about, head.terms, head.targets, head.methods, head.compare, head.save)

    def places():
        head.resize(width, head.sizeHint().height())
        return [QRect(part.mapTo(head, QPoint(0, 0)), part.size()) for part in parts]

    qtbot.waitUntil(lambda: (head._below.indexOf(head._boxes) >= 0) == (lines == 2))
    qtbot.waitUntil(lambda: not any(one.intersects(other) for at, one in enumerate(places())
                                    for other in places()[at + 1:]))
    assert all(head.rect().contains(place) for place in places())
