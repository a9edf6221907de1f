"""The controller of the Search panel, without widgets."""

import pytest

from brewclip_app.capture.push_to_talk import PushToTalk
from brewclip_app.capture.recording import Microphone
from brewclip_app.panels.base import Question
from brewclip_app.panels.search import notices
from brewclip_app.panels.search.controller import SearchController
from brewclip_app.panels.search.query import HitLimits
from core.errors import QueryError
from core.search.terms import QueryTerm
from tests.brewclip_app.panels.search.helpers import SILENT


@pytest.fixture
def controller(qtbot, context, sound, direct_thread):
    microphone = Microphone(sound=sound, thread=direct_thread)
    made = SearchController(context, PushToTalk(context, microphone=microphone))
    made.states = []
    made.changed.connect(made.states.append)
    yield made
    made.close()


def answered(qtbot, controller):
    qtbot.waitUntil(lambda: not controller.state.searching)
    return controller.state


def texts(controller):
    return [state.query.text for state in controller.states if state.searching]


def test_a_query_is_built_and_undone(controller, tone, make_hit, qtbot):
    controller.type_text("beach")
    controller.add_text("- people")
    controller.add_recording(tone, -1)
    assert controller.state.query.text == "beach − people − spoken query"
    controller.change_term(1, lambda term: None)
    assert controller.state.query.text == "beach − spoken query"
    controller.undo()
    controller.undo()
    assert controller.state.query.text == "beach − people"
    controller.more_like([make_hit(3).image])
    assert controller.state.query.text == "picture 003.jpg" and controller.state.query.main is None
    controller.undo()
    assert answered(qtbot, controller).query.text == "beach − people"


def test_undo_ends_at_no_query(controller, qtbot):
    assert not controller.undo()
    controller.type_text("beach")
    answered(qtbot, controller)
    assert controller.undo() and controller.state.query.terms() == () and controller.state.answer is None
    assert not controller.undo()


def test_removing_the_last_term_leaves_no_results(controller, make_hit, qtbot):
    controller.more_like([make_hit(1).image])
    assert answered(qtbot, controller).answer.hits
    controller.change_term(0, lambda term: None)
    assert controller.state.answer is None and controller.state.summary == ""
    controller.change_term(0, QueryTerm.flipped)
    assert not controller.state.searching, "there is no term to change"


def test_a_recording_replaces_the_main_term_only(controller, tone, qtbot):
    controller.type_text("beach")
    controller.add_text("snow")
    controller.add_recording(tone)
    assert controller.state.waveform is tone and len(controller.state.query.extras) == 1
    state = answered(qtbot, controller)
    assert state.query.text == "a brown dog + snow" and state.query is state.answer.query


def test_the_transcript_is_shown_before_the_results(controller, explorer, tone, qtbot):
    transcribe = explorer.transcribe_query

    def transcribe_and_hold_the_search(waveform, report):
        transcript = transcribe(waveform, report)
        explorer.gate.clear()
        return transcript

    explorer.transcribe_query = transcribe_and_hold_the_search
    controller.add_recording(tone)
    qtbot.waitUntil(lambda: controller.state.query.text == "a brown dog")
    assert controller.state.searching and controller.state.answer is None
    explorer.gate.set()
    assert answered(qtbot, controller).summary.startswith("2.0 s of speech")


def test_a_recording_without_words_restores_the_query_before(controller, explorer, tone, qtbot):
    controller.type_text("beach")
    before = answered(qtbot, controller)
    explorer.transcript = SILENT
    controller.add_recording(tone)
    state = answered(qtbot, controller)
    assert state.query is before.query and state.answer is before.answer and not state.stale
    assert state.message.text == SILENT.reason and len(explorer.asked) == 1
    controller.undo()
    assert controller.state.query.text == ""


def test_only_the_latest_of_several_queries_is_answered(controller, explorer, qtbot):
    explorer.gate.clear()
    controller.type_text("first")
    qtbot.waitUntil(lambda: bool(explorer.asked))
    for text in ("second one", "a third query"):
        controller.type_text(text)
    explorer.gate.set()
    assert answered(qtbot, controller).answer.query.text == "a third query"
    answers = {state.answer.query.text for state in controller.states if state.answer is not None}
    assert answers == {"a third query"}


def test_a_search_is_stopped_before_its_job_has_begun_and_after(controller, explorer, context, qtbot):
    assert not controller.stop()
    controller.type_text("dogs")
    assert controller.stop() and controller.state.notice is notices.STOPPED
    explorer.gate.clear()
    controller.search()
    qtbot.waitUntil(lambda: bool(explorer.asked))
    assert controller.stop() and not controller.state.searching
    qtbot.waitUntil(context.jobs.is_idle)
    assert controller.state.answer is None and len(explorer.asked) == 1


def test_a_search_stopped_elsewhere_ends(controller, explorer, context, qtbot):
    explorer.gate.clear()
    controller.type_text("dogs")
    qtbot.waitUntil(lambda: bool(explorer.asked))
    context.jobs.of_key("search").cancel()
    assert answered(qtbot, controller).notice is notices.STOPPED


def test_errors_drop_the_results_of_an_earlier_query(controller, explorer, qtbot):
    controller.type_text("dogs")
    assert answered(qtbot, controller).answer.hits
    explorer.error = QueryError("None of the 8 pictures are indexed.", "not_indexed")
    controller.search()
    state = answered(qtbot, controller)
    assert state.answer is None and state.notice.sentence == str(explorer.error) == state.message.text
    assert state.message.action == "Index now"
    explorer.error = ZeroDivisionError("oops")
    with qtbot.waitSignal(controller.failed) as failed:
        controller.search()
    assert failed.args[0] is explorer.error and controller.state.message.text == ""


def test_limits_search_again_without_history(controller, explorer, qtbot):
    controller.set_limits(HitLimits(name="IMG"))
    assert not controller.state.searching, "there is no query yet"
    controller.type_text("dogs")
    answered(qtbot, controller)
    controller.set_limits(HitLimits(tag="holiday"))
    answered(qtbot, controller)
    assert [limits.name or limits.tag for _, _, limits in explorer.asked] == ["IMG", "holiday"]
    assert len(explorer.store.history) == 1


def test_a_question_waits_for_the_galleries(controller, explorer, qtbot):
    controller.ask(Question(text="dogs"))
    assert not controller.state.searching
    controller.refresh_gallery()
    qtbot.waitUntil(lambda: controller.state.answer is not None)
    assert controller.state.query.text == "dogs" and controller.state.gallery.names == ("Flickr", "Holidays")


def test_pictures_of_the_command_line_are_a_query(controller, explorer, pictures, qtbot):
    controller.refresh_gallery()
    controller.ask(Question(pictures=tuple(pictures[:2])))
    qtbot.waitUntil(lambda: controller.state.answer is not None)
    assert [term.path for term in controller.state.query.extras] == pictures[:2]
    assert controller.state.query.main is None


def test_a_gallery_that_is_gone_gives_way_to_the_first(controller, context, qtbot):
    context.set_gallery("gone")
    qtbot.waitUntil(lambda: controller.state.gallery is not None and controller.state.gallery.state is not None)
    assert context.gallery == "Flickr"


def test_a_recording_marks_the_results_until_it_is_dropped(controller, sound, qtbot):
    controller.type_text("dogs")
    answered(qtbot, controller)
    controller.press()
    assert controller.state.recording and controller.state.stale
    assert controller.silence() and not controller.state.recording and not controller.state.stale
    controller.record_term(-1)
    assert controller.voice.is_recording() and not controller.state.recording and not controller.state.stale
    assert controller.silence() and not controller.silence()
