"""Takes: on disk and in the store at once, heard, changed, undone; what fails costs nothing else."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from core import audio
from core.annotation.captions import caption_of, stage_of, transcript_of
from core.annotation.takes import Annotator, write
from core.errors import AnnotationError, AudioError, StoreError
from core.search.transcription import query_options
from core.store.store import Store
from tests.core.annotation.models import transcribe_take

REPOSITORY = Path(__file__).resolve().parents[3]


@pytest.fixture
def annotator(explorer):
    return Annotator(explorer.store, explorer.home.takes)


def takes(explorer, gallery, **which):
    return explorer.store.takes(gallery.id, **which)


def test_a_take_is_a_flac_named_by_what_is_in_it(explorer, gallery, ids, speaker, annotator, home, a_voice):
    take = annotator.record(ids[0], speaker.id, a_voice(), "Too loud.")
    assert take.recording == home.takes / f"{take.digest}.flac"
    read = audio.read(take.recording)
    assert (read.digest, read.seconds) == (take.digest, take.seconds)
    assert np.abs(read.samples - a_voice().samples).max() < 1e-4
    assert (take.state, take.text, take.heard, take.warning) == ("draft", "", None, "Too loud.")
    assert takes(explorer, gallery) == [take]
    assert [path.name for path in home.takes.iterdir()] == [take.recording.name]


def test_a_folder_that_cannot_be_written_is_said_and_nothing_is_stored(explorer, gallery, ids, speaker, annotator,
                                                                       home, a_voice):
    home.takes.write_text("in the way")
    with pytest.raises(AudioError) as raised:
        annotator.record(ids[0], speaker.id, a_voice())
    assert raised.value.kind == "not_saved"
    assert takes(explorer, gallery) == []
    assert annotator.undo() is None


def test_a_full_disk_leaves_no_half_a_file(tmp_path, monkeypatch, a_voice):
    def no_room(handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("core.private_files.os.fsync", no_room)
    with pytest.raises(AudioError) as raised:
        write(a_voice(), tmp_path)
    assert raised.value.kind == "not_saved"
    assert list(tmp_path.iterdir()) == []


def test_a_picture_that_left_the_gallery_meanwhile_keeps_the_recordings_file(explorer, gallery, ids, speaker,
                                                                             annotator, home, a_voice):
    gallery.delete()
    with pytest.raises(StoreError) as raised:
        annotator.record(ids[0], speaker.id, a_voice())
    assert raised.value.kind == "no_picture" and str(home.takes) in str(raised.value)
    assert len(list(home.takes.iterdir())) == 1


def test_what_is_heard_becomes_the_caption(explorer, ids, speaker, annotator, a_voice):
    explorer.models.parrot.says = ["A  dog\nby the sea"]
    take = transcribe_take(explorer, annotator.record(ids[0], speaker.id, a_voice()))
    assert take.text == "A dog by the sea"
    assert transcript_of(take).text == "A  dog\nby the sea"
    assert transcript_of(annotator.record(ids[0], speaker.id, a_voice(1))) is None


def test_it_is_heard_in_the_speakers_language_and_not_translated(explorer, ids, annotator, a_voice):
    for language, expected in (("de", "de"), ("", "auto")):
        who = explorer.store.add_speaker(f"speaks {language}", language)
        transcribe_take(explorer, annotator.record(ids[0], who.id, a_voice()))
        options = explorer.models.parrot.options[-1]
        assert (options.language, options.translate) == (expected, False)


def test_words_of_a_clear_voice_are_kept_as_doubtful_as_in_search(explorer, ids, annotator, speaker, a_voice):
    explorer.models.parrot.says = ["?ducks ducks"]
    take = transcribe_take(explorer, annotator.record(ids[0], speaker.id, a_voice()))
    asked = query_options(explorer.settings, explorer.store)
    options = explorer.models.parrot.options[-1]
    assert options.keep_doubtful and options.likely == asked.likely and options.padding == asked.padding
    assert (take.state, take.text, transcript_of(take).doubtful) == ("draft", "ducks ducks", True)


def test_words_that_were_typed_before_it_was_heard_stay(explorer, ids, speaker, annotator, a_voice):
    take = annotator.record(ids[0], speaker.id, a_voice())
    annotator.confirm(take, "typed")
    explorer.models.parrot.says = ["heard"]
    found = transcribe_take(explorer, take)
    assert (found.text, transcript_of(found).text, found.state) == ("typed", "heard", "done")


def test_a_take_without_words_cannot_be_confirmed(explorer, gallery, ids, speaker, annotator, a_voice):
    explorer.models.parrot.says = [""]
    take = transcribe_take(explorer, annotator.record(ids[0], speaker.id, a_voice()))
    assert transcript_of(take).reason == "Only noise was heard."
    with pytest.raises(AnnotationError) as raised:
        annotator.confirm(take, " \n ")
    assert raised.value.kind == "no_words"
    annotator.judge([take], "accepted")
    assert takes(explorer, gallery)[0].state == "draft"


def test_a_recording_that_is_gone_says_so(explorer, ids, speaker, annotator, a_voice):
    take = annotator.record(ids[0], speaker.id, a_voice())
    take.recording.unlink()
    with pytest.raises(AudioError) as raised:
        transcribe_take(explorer, take)
    assert raised.value.kind == "missing"


def test_every_step_can_be_undone(explorer, gallery, ids, speaker, annotator, a_voice):
    def state():
        return [(take.text, take.state, take.binned is None) for take in explorer.store.takes_by_id(range(100))]

    take = annotator.record(ids[0], speaker.id, a_voice())
    explorer.store.keep_heard(take.id, "{}", "a dock")
    seen = [state()]
    for do in (lambda: annotator.confirm(take, "a dog"), lambda: annotator.judge([take], "rejected"),
               lambda: annotator.throw_away([take]), lambda: annotator.bring_back([take])):
        do()
        seen.append(state())
    assert len({str(each) for each in seen}) == 4, "bringing back is like before"
    annotator.judge(takes(explorer, gallery), "accepted")
    while seen:
        assert annotator.undo() is not None
        assert state() == seen.pop()
    assert annotator.undo().made == (take.id,)
    assert takes(explorer, gallery) == []
    assert [each.id for each in takes(explorer, gallery, binned=True)] == [take.id], "undone recordings go to the bin"
    assert annotator.undo() is None


def test_redoing_puts_the_first_take_into_the_bin_and_undo_swaps_them(explorer, gallery, ids, speaker, annotator,
                                                                      a_voice):
    first = annotator.record(ids[0], speaker.id, a_voice(0))
    second = annotator.record(ids[0], speaker.id, a_voice(1), instead_of=first)
    assert [take.id for take in takes(explorer, gallery)] == [second.id]
    assert first.recording.exists()
    step = annotator.undo()
    assert step.image_id == ids[0]
    assert [take.id for take in takes(explorer, gallery)] == [first.id]


def test_undoing_a_confirmation_keeps_words_that_were_heard_meanwhile(explorer, gallery, ids, speaker, annotator,
                                                                      a_voice):
    take = annotator.record(ids[0], speaker.id, a_voice())
    annotator.throw_away([take])
    explorer.store.keep_heard(take.id, json.dumps({}), "heard meanwhile")
    annotator.undo()
    [found] = takes(explorer, gallery)
    assert (found.text, found.binned) == ("heard meanwhile", None)


def test_undoing_a_skip_names_its_picture(annotator, ids):
    annotator.skipped(ids[4])
    assert annotator.undo().image_id == ids[4]


def test_a_take_that_was_erased_meanwhile_is_told(explorer, ids, speaker, annotator, a_voice):
    take = annotator.record(ids[0], speaker.id, a_voice())
    annotator.throw_away([take])
    explorer.store.erase_takes([take.id])
    with pytest.raises(AnnotationError) as raised:
        annotator.confirm(take, "a dog")
    assert raised.value.kind == "gone"
    for _ in range(3):
        annotator.undo()


# ---- confirmed before the words are there


@pytest.fixture
def unheard(ids, speaker, annotator, a_voice):
    """A take that was confirmed before its words were there."""
    return annotator.confirm_unheard(annotator.record(ids[0], speaker.id, a_voice()))


def stored(explorer, take):
    [found] = explorer.store.takes_by_id([take.id])
    return found


def test_a_take_may_be_confirmed_before_its_words_and_they_wait_for_a_person(explorer, unheard, annotator):
    assert (unheard.state, unheard.text, stage_of(unheard), caption_of(unheard)) == ("done", "", "awaited", "")
    explorer.models.parrot.says = [" a dog\n by the sea"]
    late = transcribe_take(explorer, unheard)
    assert (late.state, late.text, stage_of(late), caption_of(late)) == ("done", "", "late", "a dog by the sea")
    annotator.confirm(late, caption_of(late))
    assert stage_of(stored(explorer, late)) == "done"


def test_no_words_make_it_a_draft_again(explorer, unheard, annotator):
    explorer.models.parrot.says = [""]
    take = transcribe_take(explorer, unheard)
    assert (take.state, take.text, stage_of(take)) == ("draft", "", "draft")


def test_words_that_cannot_be_had_make_it_a_draft_again_but_not_what_was_heard_or_typed(explorer, unheard, annotator):
    assert annotator.return_unheard(unheard) and stored(explorer, unheard).state == "draft"
    assert not annotator.return_unheard(unheard), "it is a draft already"
    annotator.confirm_unheard(unheard)
    late = transcribe_take(explorer, unheard)
    assert not annotator.return_unheard(late) and stored(explorer, late).state == "done"


def test_heard_just_before_enter_it_is_for_the_review_and_a_draft_without_words(explorer, ids, speaker, annotator,
                                                                              a_voice):
    explorer.models.parrot.says = ["a dog", ""]
    spoken, noise = (annotator.record(ids[at], speaker.id, a_voice(at)) for at in (0, 1))
    for take in (spoken, noise):
        transcribe_take(explorer, take)
    assert stage_of(annotator.confirm_unheard(spoken)) == "late", "nobody has seen these words"
    assert annotator.confirm_unheard(noise).state == "draft"
    assert annotator.undo().before[0].id == spoken.id, "nothing was done with the other"


def test_undoing_the_confirmation_brings_the_draft_back_with_the_words_that_came(explorer, unheard, annotator):
    explorer.models.parrot.says = ["a dog"]
    transcribe_take(explorer, unheard)
    annotator.undo()
    take = stored(explorer, unheard)
    assert (take.state, take.text) == ("draft", "a dog")
    annotator.redo()
    assert stage_of(stored(explorer, unheard)) == "late"


def test_words_that_come_after_the_undo_are_the_drafts(explorer, unheard, annotator):
    annotator.undo()
    assert stored(explorer, unheard).state == "draft"
    take = transcribe_take(explorer, unheard)
    assert (take.state, take.text) == ("draft", "a dog")
    annotator.redo()
    assert stage_of(stored(explorer, unheard)) == "late", "confirmed before they were there: to be looked at"


def test_redoing_a_confirmation_that_has_no_words_by_now_leaves_a_draft(explorer, unheard, annotator):
    annotator.undo()
    explorer.models.parrot.says = [""]
    transcribe_take(explorer, unheard)
    annotator.redo()
    assert stored(explorer, unheard).state == "draft"


@pytest.mark.parametrize("state", ["done", "accepted"])
def test_the_review_makes_words_that_came_the_caption_and_undo_takes_that_back(explorer, unheard, annotator, state):
    annotator.judge([unheard], state)
    assert stage_of(stored(explorer, unheard)) == "awaited", "there is nothing to accept yet"
    late = transcribe_take(explorer, unheard)
    annotator.judge([late], state)
    assert (stored(explorer, late).text, stored(explorer, late).state) == ("a dog", state)
    annotator.undo()
    assert stage_of(stored(explorer, late)) == "late"


def test_rejected_before_its_words_it_stays_rejected(explorer, unheard, annotator):
    annotator.judge([unheard], "rejected")
    take = transcribe_take(explorer, unheard)
    assert (take.state, take.text, caption_of(take)) == ("rejected", "", "a dog")
    annotator.undo()
    assert stage_of(stored(explorer, take)) == "late"


def test_damaged_words_are_awaited_again(explorer, unheard, annotator):
    explorer.store.keep_heard(unheard.id, "{", "a dog")
    assert stage_of(stored(explorer, unheard)) == "awaited"
    assert stage_of(transcribe_take(explorer, unheard)) == "late"


# ---- redo


def test_every_step_can_be_redone_until_something_else_is_done(explorer, gallery, ids, speaker, annotator, a_voice):
    def state():
        return [(take.text, take.state, take.binned is None) for take in explorer.store.takes_by_id(range(100))]

    first = annotator.record(ids[0], speaker.id, a_voice(0))
    explorer.store.keep_heard(first.id, "{}", "a dock")
    annotator.judge([annotator.confirm(first, "a dog")], "accepted")
    seen = [state()]
    annotator.record(ids[0], speaker.id, a_voice(1), instead_of=first)
    seen.append(state())
    for _ in range(4):
        annotator.undo()
    assert [kept for *_, kept in state()] == [False, False]
    for _ in range(3):
        annotator.redo()
    assert state() == [seen[0][0], ("", "draft", False)]
    assert annotator.redo().what == "the recording" and state() == seen[1]
    assert annotator.redo() is None
    annotator.undo()
    annotator.skipped(ids[3])
    assert annotator.redo() is None, "something else was done"
    assert annotator.undo().skips and annotator.redo().skips


def test_a_step_that_cannot_be_written_can_be_undone_later(explorer, ids, speaker, annotator, a_voice, monkeypatch):
    take = annotator.record(ids[0], speaker.id, a_voice())
    with monkeypatch.context() as full:
        full.setattr(explorer.store, "keep_takes", lambda takes: (_ for _ in ()).throw(StoreError("Full.", "full")))
        with pytest.raises(StoreError):
            annotator.undo()
    assert annotator.undo().made == (take.id,)


def test_what_was_erased_meanwhile_is_no_longer_redone(explorer, gallery, ids, speaker, annotator, a_voice):
    take = annotator.record(ids[0], speaker.id, a_voice())
    annotator.undo()
    explorer.store.erase_takes([take.id])
    assert annotator.redo().made == (take.id,)
    assert takes(explorer, gallery) == []


KILLED = """
import os, signal, sys
from core.annotation.takes import Annotator
from core.explorer import Explorer
from core.home import find_home
from core.settings import Settings
from core import audio
explorer = Explorer(find_home(), Settings())
waveform = audio.from_samples([0.1, -0.1, 0.3, -0.2] * 2000, 16_000)
Annotator(explorer.store, explorer.home.takes).record(int(sys.argv[1]), int(sys.argv[2]), waveform)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.slow
def test_a_kill_right_after_recording_loses_nothing(explorer, gallery, ids, speaker, home):
    child = subprocess.run([sys.executable, "-c", KILLED, str(ids[2]), str(speaker.id)], cwd=REPOSITORY, timeout=60,
                           check=False)
    assert child.returncode == -signal.SIGKILL
    [take] = Store.open(home.store).takes(gallery.id)
    assert take.image_id == ids[2]
    assert audio.read(take.recording).digest == take.digest
