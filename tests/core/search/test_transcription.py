"""A model that uses the voice: shares of words and voice, corrections, cached utterances and stored transcripts."""

import threading
from argparse import ArgumentTypeError, Namespace
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core import audio
from core.asr.transcript import Transcript
from core.cli.options import language, speech_settings
from core.errors import ModelError, QueryError
from core.explorer import Explorer
from core.fingerprint import Fingerprint
from core.search.terms import QueryTerm
from core.search.transcription import last_language, query_options, transcription_options, vocabulary
from core.settings import Settings
from tests.fakes import FakeRegistry, VoiceModel


@pytest.fixture
def explorer(home, tmp_path):
    made = Explorer(home, Settings(), FakeRegistry(home, VoiceModel()))
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number in range(6):
        Image.new("RGB", (20, 16), (40 * number, 30, 200)).save(folder / f"{number}.png")
    made.index(folder, "pictures")
    yield made
    made.close()


@pytest.fixture
def model(explorer):
    return explorer.models.fake


@pytest.fixture
def parrot(explorer):
    return explorer.models.parrot


@pytest.fixture
def waveform(parrot):
    made = audio.from_samples(np.sin(np.arange(8000) * 0.1).astype(np.float32), 16_000)
    parrot.transcripts[made.digest] = Transcript("a brown dog", "en", (), -0.4, 0.02, 1.0)
    return made


def branches(result):
    return [tuple(share.branch for share in hit.shares) for hit in result.hits]


@pytest.mark.slow
def test_words_and_voice_have_a_share_each_which_add_up(explorer, model, waveform):
    terms = [QueryTerm("speech", waveform=waveform), QueryTerm("text", "cats", weight=-0.5)]
    result = explorer.search("pictures", terms)
    assert set(branches(result)) == {("text", "acoustic", "text")}
    for hit in result.hits:
        assert sum(share.value for share in hit.shares) == pytest.approx(hit.score, abs=1e-6)
    assert {round(hit.shares[1].value, 4) for hit in result.hits} != {0.0}
    assert result.cut == 1
    assert result.transcript.text == "a brown dog"
    assert model.utterances[0].transcript.avg_logprob == -0.4


@pytest.mark.slow
def test_the_score_is_that_of_the_sum(explorer, model, parrot, waveform):
    alone = explorer.search("pictures", [QueryTerm("speech", waveform=waveform)])
    voice = model.vector(parrot.made_states(waveform).tobytes())
    whole = 2 * model.vector(b"a brown dog") + voice
    asked = alone.terms[0]
    assert np.allclose(asked.vector, whole / np.linalg.norm(whole), atol=1e-6)
    assert np.allclose(asked.voice, voice / np.linalg.norm(whole), atol=1e-6)


@pytest.mark.slow
def test_the_note_of_a_file_goes_with_its_transcript_and_is_not_kept(explorer, waveform):
    assert explorer.transcribe_query(replace(waveform, note="Read to its end.")).notes == ("Read to its end.",)
    assert explorer.transcribe_query(waveform).notes == ()


def spoken(explorer, parrot, text, length, said="", **facts):
    """Search with a recording, as the window does, and keep it in the history."""
    made = audio.from_samples(np.sin(np.arange(length) * 0.1).astype(np.float32), 16_000)
    parrot.transcripts[made.digest] = Transcript(text, facts.pop("language", "de"), (), -0.4, 0.02, 1.0, **facts)
    explorer.transcribe_query(made)
    explorer.remember(explorer.search("pictures", [QueryTerm("speech", text=said or text, waveform=made)]))


@pytest.mark.slow
def test_the_last_language_used_is_likely_too(explorer, parrot, monkeypatch):
    monkeypatch.setattr("core.search.transcription.likely_languages", lambda: ("en",))
    settings = explorer.settings
    assert query_options(settings, explorer.store).likely == ("en",)
    spoken(explorer, parrot, "a brown dog", 8000)
    spoken(explorer, parrot, "a brown dog on grass", 8001, doubtful=True)
    spoken(explorer, parrot, "a brown dog on grass", 8002, said="a brown frog")
    assert query_options(settings, explorer.store).likely == ("en",), "too short, in doubt, and corrected"
    spoken(explorer, parrot, "a brown dog", 8003, original="ein brauner Hund im Gras")
    spoken(explorer, parrot, "dog", 8004, language="cy")
    assert query_options(settings, explorer.store).likely == ("de", "en")
    assert query_options(settings.with_value("speech.language", "fr"), explorer.store).likely == ("en",)
    spoken(explorer, parrot, "a brown dog on grass", 8005, language="en")
    assert query_options(settings, explorer.store).likely == ("en",)
    explorer.store.clear_queries()
    assert last_language(explorer.store) == last_language(None) == ""


@pytest.mark.parametrize(("words", "prompt"), [("", ""), (" \n", ""), ("Rügen,\n Ayşe ", "Rügen, Ayşe."),
                                               ("To Uluru!", "To Uluru!"), ("富士山", "富士山.")])
def test_the_vocabulary_of_the_settings_ends_a_sentence(words, prompt):
    settings = Settings().with_value("speech.prompt", words)
    assert vocabulary(settings) == transcription_options(settings).prompt == prompt
    assert query_options(settings, None).prompt == prompt


def test_options_of_a_command_become_settings():
    given = Namespace(recogniser=None, language=language("Catalan"), prompt="Montserrat", beam=None, padding=None)
    assert speech_settings(given) == {"speech.language": "ca", "speech.prompt": "Montserrat"}
    with pytest.raises(ArgumentTypeError, match="no language 'Klingon'"):
        language("Klingon")


@pytest.mark.slow
def test_another_recogniser_encodes_the_voice_again(explorer, parrot, waveform, monkeypatch):
    explorer.search("pictures", [QueryTerm("speech", waveform=waveform)])
    explorer.search("pictures", [QueryTerm("speech", waveform=waveform)])
    before = list(parrot.passes)
    monkeypatch.setattr(parrot, "fingerprint_of", lambda options: Fingerprint.of({"recogniser": "another"}))
    explorer.search("pictures", [QueryTerm("speech", waveform=waveform)])
    assert len(parrot.passes) == len(before) + 1, "the states of another recogniser are used"


def test_words_and_voice_come_from_one_pass(explorer, parrot, waveform):
    explorer.search("pictures", [QueryTerm("speech", waveform=waveform)])
    assert parrot.passes == ["transcribe"]
    explorer.search("pictures", [QueryTerm("speech", waveform=waveform)])
    assert parrot.passes == ["transcribe"], "a second search finds both at hand"


@pytest.mark.slow
def test_a_correction_keeps_the_voice_and_is_certain(explorer, model, parrot, waveform):
    explorer.transcribe_query(waveform)
    explorer.search("pictures", [QueryTerm("speech", text="a brown dog", waveform=waveform)])
    result = explorer.search("pictures", [QueryTerm("speech", text="a brown frog", waveform=waveform)])
    assert parrot.passes == ["transcribe"]
    unchanged, corrected = (one.transcript for one in model.utterances)
    assert (unchanged.text, unchanged.avg_logprob) == ("a brown dog", -0.4)
    assert (corrected.text, corrected.avg_logprob) == ("a brown frog", 0.0)
    assert result.transcript is None and set(branches(result)) == {("text", "acoustic")}


@pytest.mark.slow
def test_a_voice_of_long_ago_is_encoded_again_and_its_words_are_not_heard_again(explorer, model, parrot, waveform,
                                                                                home):
    explorer.search("pictures", [QueryTerm("speech", waveform=waveform)])
    later = Explorer(home, Settings(), FakeRegistry(home, VoiceModel()))
    result = later.search("pictures", [QueryTerm("speech", waveform=waveform)])
    assert later.models.parrot.passes == ["encode"]
    assert later.models.fake.utterances[0].transcript.avg_logprob == -0.4
    assert [hit.image.id for hit in result.hits] == [
        hit.image.id for hit in explorer.search("pictures", [QueryTerm("speech", waveform=waveform)]).hits]
    later.close()


@pytest.mark.slow
def test_only_so_many_voices_are_kept(explorer, parrot, monkeypatch):
    monkeypatch.setattr("core.search.transcription.CACHED_UTTERANCES", 2)
    made = [audio.from_samples(np.sin(np.arange(length) * 0.1).astype(np.float32), 16_000)
            for length in (8000, 8001, 8002)]
    for each in made:
        parrot.transcripts[each.digest] = Transcript(f"words {len(each.samples)}", "en", (), -0.4, 0.02, 1.0)
        explorer.search("pictures", [QueryTerm("speech", waveform=each)])
    explorer.search("pictures", [QueryTerm("speech", waveform=made[2])])
    assert parrot.passes == ["transcribe"] * 3
    explorer.search("pictures", [QueryTerm("speech", waveform=made[0])])
    assert parrot.passes == ["transcribe"] * 3 + ["encode"]


@pytest.mark.slow
def test_without_words_in_use_the_voice_is_all_and_a_correction_is_typed_text(explorer, model, waveform):
    model.uses_text = False
    assert set(branches(explorer.search("pictures", [QueryTerm("speech", waveform=waveform)]))) == {("acoustic",)}
    corrected = explorer.search("pictures", [QueryTerm("speech", text="a brown frog", waveform=waveform)])
    assert set(branches(corrected)) == {("text",)}
    typed = explorer.search("pictures", [QueryTerm("text", "a brown frog")])
    assert [hit.score for hit in corrected.hits] == [hit.score for hit in typed.hits]


@pytest.mark.slow
def test_typed_words_and_a_recording_without_words(explorer, model, parrot, waveform):
    assert set(branches(explorer.search("pictures", [QueryTerm("text", "a brown dog")]))) == {("text",)}
    assert not model.utterances
    parrot.transcripts[waveform.digest] = Transcript("", "", (), 0.0, 1.0, 0.0, reason="Only noise was heard.")
    with pytest.raises(QueryError, match="Only noise"):
        explorer.search("pictures", [QueryTerm("speech", waveform=waveform)])


@pytest.mark.slow
def test_another_way_of_hearing_than_it_has_learnt_is_told(explorer, waveform):
    explorer.use_settings(Settings().with_value("speech.padding", "full"))
    with pytest.raises(ModelError, match="was trained with") as caught:
        explorer.search("pictures", [QueryTerm("speech", waveform=waveform)])
    assert caught.value.kind == "wrong_speech"
    assert explorer.search("pictures", [QueryTerm("text", "cats")]).hits


@pytest.mark.slow
def test_a_file_that_is_gone_costs_nothing_else(explorer, waveform, tmp_path: Path):
    with pytest.raises(Exception, match="not there"):
        explorer.search("pictures", [QueryTerm("speech", path=tmp_path / "no.wav")])
    assert explorer.search("pictures", [QueryTerm("speech", waveform=waveform)]).hits


def test_a_transcript_computed_ahead_is_the_last_one(explorer, parrot, waveform, monkeypatch):
    passes, transcribe = [], type(parrot).transcribe
    monkeypatch.setattr(type(parrot), "transcribe", lambda self, waveforms, *rest: passes.append(waveforms) or
                        transcribe(self, waveforms, *rest))
    assert explorer.transcribe_ahead(waveform).text == "a brown dog"
    assert explorer.store.transcripts_of(waveform.digest) == [], "the recording may go on"
    assert explorer.transcribe_query(waveform).text == "a brown dog"
    assert len(passes) == 1 and len(explorer.store.transcripts_of(waveform.digest)) == 1
    other = audio.from_samples(np.sin(np.arange(9000) * 0.1).astype(np.float32), 16_000)
    parrot.transcripts[other.digest] = Transcript("a cat", "en", (), -0.4, 0.02, 1.0)
    assert explorer.transcribe_query(other).text == "a cat" and len(passes) == 2


def test_the_last_transcript_waits_for_the_one_computed_ahead(explorer, parrot, waveform, monkeypatch):
    started, may_end, transcribe = threading.Event(), threading.Event(), type(parrot).transcribe

    def slow(self, waveforms, *rest):
        started.set()
        assert may_end.wait(10)
        return transcribe(self, waveforms, *rest)

    monkeypatch.setattr(type(parrot), "transcribe", slow)
    with ThreadPoolExecutor() as pool:
        ahead = pool.submit(explorer.transcribe_ahead, waveform)
        assert started.wait(10)
        monkeypatch.setattr(type(parrot), "transcribe", lambda *arguments: pytest.fail("transcribed twice"))
        last = pool.submit(explorer.transcribe_query, waveform)
        may_end.set()
        assert last.result() == ahead.result()


def test_a_transcript_that_failed_ahead_is_computed_at_the_end(explorer, parrot, waveform, monkeypatch):
    def fails(*arguments):
        raise ModelError("It broke.", "broken")

    with monkeypatch.context() as patch:
        patch.setattr(type(parrot), "transcribe", fails)
        with pytest.raises(ModelError):
            explorer.transcribe_ahead(waveform)
    assert explorer.transcribe_query(waveform).text == "a brown dog"
