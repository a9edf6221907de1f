"""Controller of the preview, without widgets: the sequence, reading ahead, and the slide show on a fake clock."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from brewclip_app.widgets.preview.controller import AHEAD, INTERVALS, PreviewController
from brewclip_app.widgets.preview.loading import load
from brewclip_app.widgets.preview.sequence import PictureSequence, sequence_of_files
from core.errors import StoreError
from tests.bad_files import cut_picture, empty, folder

VIEW = (200, 150)


class Clock:
    """Puts calls off until the test lets time pass."""

    def __init__(self):
        self.calls = []

    def __call__(self, seconds, call):
        timer = FakeTimer(seconds, call, self)
        self.calls.append(timer)
        return timer

    def ring(self):
        [timer] = self.calls
        self.calls.clear()
        timer.call()


class FakeTimer:
    def __init__(self, seconds, call, clock):
        self.seconds, self.call, self._clock = seconds, call, clock

    def cancel(self):
        if self in self._clock.calls:
            self._clock.calls.remove(self)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def controller(store_context, clock):
    made = PreviewController(store_context, later=clock)
    made.resize(VIEW)
    yield made
    made.close()


@pytest.fixture
def files(tmp_path):
    """Ten pictures of 300 x 200 pixels, each in a colour of its own."""
    paths = []
    for number in range(10):
        path = tmp_path / f"{number}.png"
        Image.new("RGB", (300, 200), (25 * number, 0, 0)).save(path)
        paths.append(path)
    return paths


@pytest.fixture
def shows(controller, qtbot):
    """Waits until a picture is in front and read."""
    def wait(name):
        qtbot.waitUntil(lambda: controller.state.image is not None and controller.state.image.path.name == name)
    return wait


def test_the_sequence_ends_at_its_ends(controller, files, shows):
    controller.open(sequence_of_files(files), 8)
    shows("8.png")
    assert (controller.state.place_words, controller.current_id) == ("9 of 10", 8)
    controller.step(1)
    controller.step(1)
    shows("9.png")
    controller.go_to(0)
    controller.step(-1)
    shows("0.png")
    controller.go_to_end()
    shows("9.png")


def test_only_pictures_near_the_one_in_front_are_read(controller, files, shows, qtbot):
    read = []

    def record(at):
        read.append(at)
        return sequence_of_files(files).read(at % len(files))

    controller.open(PictureSequence(range(100_000), record), 50_000)
    qtbot.waitUntil(lambda: set(read) == {50_000, 50_001, 49_999, 50_002} and not controller._loading)
    controller.step(-1)
    qtbot.waitUntil(lambda: {49_998, 49_997} <= set(read) and not controller._loading)
    assert len(controller._pictures) <= 2 * AHEAD + 1 and len(read) == len(set(read)) == 6
    controller.go_to_end()
    qtbot.waitUntil(lambda: controller.state.picture is not None and not controller._loading)
    assert max(read) == 99_999 and len(controller._pictures) == 2


def test_the_next_picture_is_there_at_once(controller, files, shows, qtbot):
    controller.open(sequence_of_files(files), 0)
    qtbot.waitUntil(lambda: len(controller._pictures) == 3 and not controller._loading)
    controller.step(1)
    assert controller.state.image.path.name == "1.png"


def test_closing_says_which_picture_was_in_front(controller, files, qtbot):
    controller.open(sequence_of_files(files), 3)
    controller.step(2)
    with qtbot.waitSignal(controller.closed) as closed:
        controller.close()
    assert closed.args == [5] and not controller.state.opened
    controller.close()


def test_a_picture_of_an_earlier_sequence_is_dropped(controller, files, shows):
    controller.open(sequence_of_files(files[:5]), 0)
    controller.open(sequence_of_files(files[5:]), 0)
    shows("5.png")
    assert controller.state.total == 5


@pytest.mark.parametrize(("spoil", "words"), [
    (empty, "is empty"), (cut_picture, "damaged or cut off"), (folder, "not a picture"),
    (lambda path: None, "is not there any more")])
def test_what_cannot_be_shown_is_said_and_the_sequence_goes_on(controller, files, shows, qtbot, spoil, words):
    files[1].unlink()
    spoil(files[1])
    controller.open(sequence_of_files(files), 0)
    shows("0.png")
    controller.step(1)
    qtbot.waitUntil(lambda: controller.state.picture is not None)
    assert words in controller.state.picture.problem and controller.state.zoom_words == ""
    for act in (controller.show_actual_size, lambda: controller.zoom(3), lambda: controller.rotate(90)):
        act()
    controller.step(1)
    shows("2.png")
    assert not controller.state.picture.problem


def test_a_picture_that_left_its_gallery_or_a_store_that_fails_is_said(files):
    assert "not in the gallery any more" in load(PictureSequence((7,), lambda at: None), 7, VIEW, False, 120).problem

    def broken(at):
        raise StoreError("The database is locked. Try again.")

    assert "locked" in load(PictureSequence((7,), broken), 7, VIEW, False, 120).problem


def test_a_programming_error_is_reported_and_shown(controller, qtbot):
    failed = []
    controller.failed.connect(lambda error, safe: failed.append(error))
    controller.open(PictureSequence((1, 2), lambda at: 1 / 0), 0)
    qtbot.waitUntil(lambda: controller.state.picture is not None)
    assert controller.state.picture.problem and isinstance(failed[0], ZeroDivisionError)


def test_all_pixels_are_read_once_they_can_be_seen(controller, tmp_path, qtbot):
    path = tmp_path / "large.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (2000, 3000, 3), np.uint8)).save(path)
    controller.open(sequence_of_files([path]), 0)
    qtbot.waitUntil(lambda: controller.state.picture is not None)
    first = controller.state.picture
    assert first.size == (3000, 2000) and first.levels[0].width() == VIEW[0] and not first.whole
    assert (first.image.width, first.image.size) == (3000, path.stat().st_size), "of a file in no gallery"
    controller.show_actual_size((10.0, 10.0))
    place = controller.state.view.place
    qtbot.waitUntil(lambda: controller.state.picture.whole)
    assert controller.state.view.place == place and controller.state.zoom_words == "100 %"
    levels = controller.state.picture.levels
    assert [level.width() for level in levels] == [3000, 1500]
    assert controller.state.picture.trimmed(0.1).levels == levels[1:]
    assert controller.state.picture.level(0.5) == 1 and controller.state.picture.level(0.51) == 0


def test_a_picture_too_large_for_the_settings_is_said(files):
    assert "megapixels" in load(sequence_of_files(files), 0, VIEW, False, 0.01).problem


def test_orientation_and_deep_pixels_are_as_everywhere(tmp_path):
    turned, deep = tmp_path / "turned.jpg", tmp_path / "deep.png"
    exif = Image.Exif()
    exif[274] = 6
    Image.new("RGB", (300, 200), "red").save(turned, exif=exif)
    Image.fromarray(np.full((40, 60), 40_000, np.uint16)).save(deep)
    assert load(sequence_of_files([turned]), 0, VIEW, True, 120).size == (200, 300)
    grey = load(sequence_of_files([deep]), 0, VIEW, True, 120)
    assert grey.size == (60, 40) and 0 < grey.levels[0].pixelColor(5, 5).red() < 255


def test_rotation_belongs_to_a_picture_and_zoom_to_the_moment(controller, files, shows):
    controller.open(sequence_of_files(files), 0)
    shows("0.png")
    controller.rotate(90)
    controller.zoom(3)
    controller.step(1)
    shows("1.png")
    assert controller.state.view.rotation == 0 and controller.state.view.zoom is None
    controller.step(-1)
    assert controller.state.view.rotation == 90 and controller.state.zoom_words.startswith("Fit")
    controller.toggle_actual_size()
    assert controller.state.zoom_words == "100 %"
    controller.toggle_actual_size()
    assert controller.state.view.zoom is None


def test_pictures_that_left_the_gallery_leave_the_sequence(controller, files, shows, qtbot):
    closed = []
    controller.closed.connect(closed.append)
    controller.open(sequence_of_files(files), 4)
    shows("4.png")
    controller.rotate(90)
    controller.leave_out({2, 4, 77})
    shows("5.png")
    assert controller.state.place_words == "4 of 8" and controller.state.view.rotation == 0
    controller.go_to_end()
    controller.leave_out({9})
    shows("8.png")
    controller.leave_out({77})
    assert controller.state.total == 7
    controller.leave_out(set(range(10)))
    assert closed == [8] and not controller.state.opened
    controller.leave_out({1})


def test_changed_records_are_taken_over(controller, files, shows):
    controller.open(PictureSequence(range(10), lambda at: replace(sequence_of_files(files).read(at), id=at)), 3)
    shows("3.png")
    controller.replace_images([replace(controller.state.image, tags=("holiday",)), replace(
        controller.state.image, id=77)])
    assert controller.state.image.tags == ("holiday",) and controller.state.picture.levels


def test_a_slide_show_goes_to_the_end_and_stops(controller, files, shows, clock, qtbot):
    controller.open(sequence_of_files(files), 7)
    shows("7.png")
    controller.start_slide_show()
    assert [timer.seconds for timer in clock.calls] == [controller.state.interval]
    for name in ("8.png", "9.png"):
        clock.ring()
        shows(name)
        qtbot.waitUntil(lambda: len(clock.calls) == 1)
    assert controller.state.slide_show == "running"
    clock.ring()
    assert controller.state.slide_show == "off" and controller.state.position == 9 and not clock.calls
    controller.start_slide_show()
    assert controller.state.position == 0, "at the end it begins again"


def test_the_clock_of_a_slide_show_waits_for_the_picture(controller, files, clock, qtbot):
    controller.open(sequence_of_files(files), 0)
    controller.start_slide_show()
    assert controller.state.picture is None and not clock.calls
    qtbot.waitUntil(lambda: len(clock.calls) == 1)
    assert controller.state.picture is not None


@pytest.mark.parametrize("act", [
    lambda made: made.step(1), lambda made: made.zoom(1), lambda made: made.rotate(90), lambda made: made.pan(3, 3),
    lambda made: made.fit(), lambda made: made.go_to(0)])
def test_whatever_moves_the_picture_pauses_a_slide_show(controller, files, shows, clock, act):
    controller.open(sequence_of_files(files), 0)
    shows("0.png")
    controller.start_slide_show()
    act(controller)
    assert controller.state.slide_show == "paused" and not clock.calls
    controller.start_slide_show()
    assert controller.state.slide_show == "running"
    controller.close()
    assert controller.state.slide_show == "off" and not clock.calls


def test_another_interval_holds_at_once_and_at_the_next_start(controller, files, shows, clock, store_context):
    controller.open(sequence_of_files(files), 0)
    shows("0.png")
    controller.start_slide_show()
    controller.set_interval(INTERVALS[-1])
    assert [timer.seconds for timer in clock.calls] == [INTERVALS[-1]]
    controller.toggle_information()
    later = PreviewController(store_context).state
    assert later.interval == INTERVALS[-1] and later.information
    for nonsense in (3, [], {"interval": "x", "information": 0}):
        store_context.state.set("preview", nonsense)
        assert PreviewController(store_context).state.interval in INTERVALS
