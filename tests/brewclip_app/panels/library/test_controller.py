"""The controller of the Library screen without any widget."""

import pytest

from brewclip_app.panels.library.controller import LibraryController
from core.galleries import removal
from tests.brewclip_app.panels.library.steps import index, indexed, settle


@pytest.fixture
def controller(context, qtbot, pictures):
    index(context, qtbot, pictures)
    made = LibraryController(context)
    made.failures = []
    made.failed.connect(lambda error, safe: made.failures.append((str(error), safe)))
    made.reload()
    settle(context, qtbot)
    return made


def test_the_first_gallery_is_shown_with_its_failures(controller, pictures):
    state = controller.state
    assert state.chosen == "Holiday" and state.gallery.indexed == 5 and state.names == {"Holiday"}
    assert [failure.path.name for failure in state.failures] == ["broken.jpg"]
    assert state.unfinished is None and state.refusal == ""


def test_choosing_reads_the_failures_of_that_gallery(controller, context, qtbot):
    context.explorer.store.create_gallery("Empty")
    controller.show_when_read("Empty")
    settle(context, qtbot)
    assert controller.state.chosen == "Empty" and controller.state.failures == ()
    controller.choose("no such gallery")
    assert controller.state.chosen == "Empty"
    controller.choose("Holiday")
    settle(context, qtbot)
    assert controller.state.chosen == "Holiday" and len(controller.state.failures) == 1


def test_a_copy_is_shown_with_a_summary_and_an_impossible_one_is_reported(controller, context, qtbot):
    controller.copy("Second")
    settle(context, qtbot)
    assert controller.state.chosen == "Second" and controller.state.summaries["Second"] == "Copied: 5 pictures."
    controller.copy("a\x00c")
    settle(context, qtbot)
    [(error, safe)] = controller.failures
    assert error and "copied is kept" in safe


def test_deleting_the_current_gallery_leaves_none(controller, context, qtbot):
    context.set_gallery("Holiday")
    controller.delete()
    settle(context, qtbot)
    assert controller.state.galleries == () and controller.state.chosen == "" and context.gallery == ""


def test_removing_a_folder_forgets_the_summary_of_the_last_run(controller, context, qtbot, pictures):
    with indexed(context, qtbot):
        controller.index_again()
    settle(context, qtbot)
    assert controller.state.summaries["Holiday"].startswith("Last run:")
    controller.remove_folder(pictures)
    settle(context, qtbot)
    assert controller.state.summaries["Holiday"] == "" and controller.state.gallery.images == 0


def test_removed_pictures_are_counted_and_taken_back(panel, context, qtbot, pictures):
    index(context, qtbot, pictures)
    gallery = context.explorer.gallery("Holiday")
    detail = panel.detail
    assert not detail.restore_action.isVisible()
    removal.remove(gallery, gallery.images()[:2])
    context.galleries_changed.emit()
    qtbot.waitUntil(lambda: "2 removed" in detail.state_words.text())
    assert detail.restore_action.text() == "Take back 2 removed pictures"
    detail.restore_action.trigger()
    settle(context, qtbot)
    qtbot.waitUntil(lambda: not detail.restore_action.isVisible())
    assert len(gallery.images()) == 5 and "removed" not in detail.state_words.text().split("\n")[0]
