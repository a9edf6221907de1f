import threading
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
import whisper

from core import audio
from core.asr import checkpoint as speech_checkpoint
from core.asr import torch_runtime
from core.asr import whisper as speech
from core.asr.hallucination_guards import NO_SPEECH, SILENT
from core.asr.transcript import EncodedUtterance, Transcript, TranscriptionOptions, Word
from core.asr.whisper import WhisperIdentity, WhisperRecogniser
from core.audio import RATE, Waveform
from core.devices import Device
from core.errors import ModelError
from core.progress import JobCancelled, Progress

pytestmark = pytest.mark.slow

BEACH = "Two dogs are running along the beach beside the sea."


def plain(text: str) -> list[str]:
    return "".join(letter for letter in text.lower() if letter.isalnum() or letter == " ").split()


def sounds() -> dict[str, np.ndarray]:
    """What is no speech, 3 s each, at -20 and -45 dB."""
    rng, times = np.random.default_rng(0), np.arange(3 * RATE) / RATE
    spectrum = np.fft.rfft(rng.standard_normal(len(times)))
    pink = np.fft.irfft(spectrum / np.sqrt(np.arange(1, len(spectrum) + 1)), len(times))
    brown = np.fft.irfft(spectrum / np.arange(1, len(spectrum) + 1), len(times))
    decay = np.exp(-3 * (times % 0.5))
    chords = sum(np.sin(2 * np.pi * np.array([220, 175, 262, 196, 220, 262])[(times * 2).astype(int)] * ratio * times)
                 for ratio in (1, 1.25, 1.5, 2)) * decay
    clicks = np.zeros(len(times))
    clicks[rng.integers(0, len(times), 9)] = 1
    kinds = {"white": rng.standard_normal(len(times)), "pink": pink, "brown": brown, "chords": chords,
             "clicks": clicks, "hum": np.sin(2 * np.pi * 50 * times) + 0.3 * np.sin(2 * np.pi * 150 * times),
             "sine": np.sin(2 * np.pi * 1000 * times), "sweep": np.sin(2 * np.pi * (200 + 300 * times) * times),
             "breath": rng.standard_normal(len(times)) * np.sin(2 * np.pi * 0.3 * times) ** 4}
    return {f"{name} {level}": (10 ** (level / 20) * sound / np.abs(sound).max()).astype(np.float32)
            for name, sound in kinds.items() for level in (-20, -45)}


@pytest.fixture(scope="module")
def beach(recogniser: WhisperRecogniser, speak) -> EncodedUtterance:
    heard, = recogniser.transcribe([speak(BEACH)])
    return heard


def test_words_are_heard_with_times(beach: EncodedUtterance, speak) -> None:
    transcript = beach.transcript
    assert len(set(plain(BEACH)) & set(plain(transcript.text))) >= 7
    assert (transcript.language, transcript.reason, transcript.original) == ("en", "", "")
    assert " ".join(word.text for word in transcript.words) == transcript.text
    assert all(0 <= word.start <= word.end <= speak(BEACH).seconds + 0.02 for word in transcript.words)
    assert all(before.end <= after.start + 1e-6 for before, after in pairwise(transcript.words))
    assert all(0 < word.probability <= 1 for word in transcript.words)
    assert transcript.avg_logprob < 0 and transcript.no_speech_probability < 0.4


def test_states_are_as_long_as_the_sound(beach: EncodedUtterance, speak) -> None:
    states, = beach.states
    assert states.shape == (int(np.ceil(speak(BEACH).seconds * 50)), 512)
    assert states.dtype == np.float16


def test_transcript_survives_json(beach: EncodedUtterance) -> None:
    assert Transcript.from_json(beach.transcript.to_json()) == beach.transcript
    assert isinstance(beach.transcript.words[0], Word)
    assert Transcript.from_json({**beach.transcript.to_json(), "added_later": 1}) == beach.transcript


def test_word_times_equal_openai_whispers(recogniser: WhisperRecogniser, whisper_base: Path, speak) -> None:
    waveform = speak(BEACH)
    model = whisper.load_model(str(whisper_base), device="cpu")
    model.set_alignment_heads(whisper._ALIGNMENT_HEADS["base"])
    expected = model.transcribe(waveform.samples.copy(), fp16=False, word_timestamps=True, language="en")
    theirs = [word for segment in expected["segments"] for word in segment["words"]]
    ours = recogniser.transcribe([waveform], TranscriptionOptions(padding="full"))[0].transcript.words
    if [plain(word["word"]) for word in theirs] == [plain(word.text) for word in ours]:
        apart = [abs(word["end"] - own.end) for word, own in zip(theirs, ours, strict=True)]
        assert np.median(apart) <= 0.1
    else:
        assert abs(theirs[-1]["end"] - ours[-1].end) < 0.5


def test_full_padding_is_openai_whispers_greedy_decoding(recogniser: WhisperRecogniser, whisper_base: Path,
                                                         speak) -> None:
    waveforms = [speak(text) for text in (BEACH, "Sunset over the sea.", "A child with a red balloon.")]
    ours = recogniser.transcribe(waveforms, TranscriptionOptions(padding="full"))
    model = whisper.load_model(str(whisper_base), device="cpu")
    options = whisper.DecodingOptions(without_timestamps=True, fp16=False)
    for waveform, heard in zip(waveforms, ours, strict=True):
        mel = whisper.log_mel_spectrogram(whisper.pad_or_trim(waveform.samples.copy()))
        theirs = model.decode(mel, options)
        assert heard.transcript.text == theirs.text
        assert heard.transcript.avg_logprob == pytest.approx(theirs.avg_logprob, abs=1e-3)
        assert heard.transcript.no_speech_probability == pytest.approx(theirs.no_speech_prob, abs=1e-3)
        states = theirs.audio_features[: len(heard.states[0])].numpy()
        assert np.abs(heard.states[0] - states).max() < 0.02  # float16


def test_own_padding_leaves_the_words_and_nearly_the_states(beach: EncodedUtterance, recogniser: WhisperRecogniser,
                                                            speak) -> None:
    full, = recogniser.transcribe([speak(BEACH)], TranscriptionOptions(padding="full"))
    assert plain(full.transcript.text) == plain(beach.transcript.text)
    own, padded = (heard.states[0].astype(np.float32) for heard in (beach, full))
    cosines = (own * padded).sum(1) / np.linalg.norm(own, axis=1) / np.linalg.norm(padded, axis=1)
    assert np.median(cosines) > 0.9


def test_a_batch_gives_what_one_by_one_gives(recogniser: WhisperRecogniser, speak) -> None:
    texts = ("A dog.", BEACH, "Sunset over the sea.", "A red car.", "A child with a red balloon in the park.", "Snow.")
    waveforms = [speak(text) for text in texts]
    reports: list[Progress] = []
    together = recogniser.transcribe(waveforms, report=reports.append)
    alone = [recogniser.transcribe([waveform])[0] for waveform in waveforms]
    assert [heard.transcript.text for heard in together] == [heard.transcript.text for heard in alone]
    assert all(np.abs(one.states[0] - other.states[0]).max() < 0.02
               for one, other in zip(together, alone, strict=True))
    assert reports[0].bar == (0, 6) and reports[-1].bar == (6, 6)


def test_beyond_30_seconds_nothing_is_dropped(recogniser: WhisperRecogniser, speak) -> None:
    said = ["Two dogs are running along the beach.", "A woman rides a horse in the park.", "The sun sets over the sea.",
            "Three children are playing in the garden.", "A train crosses the bridge.", "Snow lies on the mountain.",
            "An old man reads a newspaper in the park.", "A boat sails across the lake.", "People walk in the park."]
    gap = np.zeros(2 * RATE, np.float32)
    waveform = Waveform(np.concatenate([part for text in said for part in (speak(text).samples, gap)]))
    assert waveform.seconds > 31
    heard, = recogniser.transcribe([waveform])
    assert len(heard.states) >= 2
    assert sum(len(states) for states in heard.states) == pytest.approx(waveform.seconds * 50, abs=2)
    assert heard.transcript.text.lower().count("park") == 3
    words = heard.transcript.words
    assert words[-1].end > waveform.seconds - 3
    assert all(before.start <= after.start for before, after in pairwise(words))


def test_no_words_are_invented(recogniser: WhisperRecogniser) -> None:
    names, samples = zip(*sounds().items(), strict=True)
    heard = recogniser.transcribe([Waveform(sound) for sound in samples])
    assert {name: one.transcript.text for name, one in zip(names, heard, strict=True) if one.transcript.text} == {}
    assert all(one.transcript.reason for one in heard)
    assert all(len(one.states[0]) == 150 for one in heard)
    assert all(one.transcript.language == "" and one.transcript.words == () for one in heard)


@pytest.mark.parametrize("padding", ["own", "full"])
def test_silence(recogniser: WhisperRecogniser, padding) -> None:
    waveforms = [Waveform(np.zeros(2 * RATE, np.float32)), Waveform(np.full(40 * RATE, 1e-3, np.float32))]
    quiet, constant = recogniser.transcribe(waveforms, TranscriptionOptions(padding=padding))
    assert quiet.transcript.reason == SILENT
    assert constant.transcript.reason in (SILENT, NO_SPEECH)


def test_full_padding_invents_nothing_either(recogniser: WhisperRecogniser) -> None:
    chosen = [sound for name, sound in sounds().items() if name in ("pink -20", "clicks -20", "hum -45")]
    heard = recogniser.transcribe([Waveform(sound) for sound in chosen], TranscriptionOptions(padding="full"))
    assert [one.transcript.text for one in heard] == ["", "", ""]


def test_a_very_quiet_voice_is_heard(recogniser: WhisperRecogniser, beach: EncodedUtterance, speak) -> None:
    quiet, = recogniser.transcribe([Waveform(speak(BEACH).samples / np.float32(100))])
    assert len(set(plain(BEACH)) & set(plain(quiet.transcript.text))) >= 7


def test_another_language_is_translated_and_kept(recogniser: WhisperRecogniser, speak) -> None:
    german = speak("Guten Morgen. Eine Frau fährt mit dem Fahrrad durch die Stadt.", "de", 140)
    found, = recogniser.transcribe([german])
    assert found.transcript.language == "de"
    assert "fahrrad" in found.transcript.original.lower()
    assert "woman" in found.transcript.text.lower()
    assert "fahrrad" in " ".join(word.text for word in found.transcript.words).lower()
    kept, = recogniser.transcribe([german], TranscriptionOptions(language="de", translate=False, word_times=False))
    assert "fahrrad" in kept.transcript.text.lower()
    assert (kept.transcript.original, kept.transcript.words) == ("", ())


def test_a_loop_is_noticed_and_decoded_again(recogniser: WhisperRecogniser, beach: EncodedUtterance, speak,
                                             monkeypatch) -> None:
    monkeypatch.setattr("core.asr.whisper.SURE_OF_LANGUAGE", 0.0)
    engine = recogniser._engine
    read = engine.read

    def looping(states, *args, **kwargs):
        readings = read(states, *args, **kwargs)
        if not kwargs.get("exact"):
            for reading in readings:
                reading.decoded.finished = False
        return readings

    monkeypatch.setattr(engine, "read", looping)
    again, = recogniser.transcribe([speak(BEACH)])
    assert again.transcript.redone and not beach.transcript.redone
    assert plain(again.transcript.text) == plain(beach.transcript.text)
    assert again.states[0].shape == beach.states[0].shape


def test_a_decoder_that_is_stuck_gets_half_of_the_window(recogniser: WhisperRecogniser, speak, monkeypatch) -> None:
    engine, read, gap = recogniser._engine, recogniser._engine.read, np.zeros(2 * RATE, np.float32)

    def stuck(states, seconds, *args, **kwargs):
        readings = read(states, seconds, *args, **kwargs)
        for reading, length in zip(readings, seconds, strict=True):
            reading.decoded.finished &= length < 10
        return readings

    monkeypatch.setattr(engine, "read", stuck)
    parts = [speak(BEACH, speed=120).samples, gap, gap, speak("A train crosses the bridge.", speed=120).samples, gap]
    heard, = recogniser.transcribe([Waveform(np.concatenate(parts))])
    assert len(heard.states) == 2
    assert {"dogs", "train"} <= set(plain(heard.transcript.text))
    assert next(word for word in heard.transcript.words if "train" in word.text.lower()).start > 7


def test_fingerprint_follows_the_options(recogniser: WhisperRecogniser) -> None:
    full = recogniser.fingerprint_of(TranscriptionOptions(padding="full"))
    assert recogniser.fingerprint == recogniser.fingerprint_of(TranscriptionOptions()) != full
    assert full.facts()["decoding"] == "float32"
    assert len(str(full.facts()["weights"])) == 64


def test_what_a_person_asked_for_has_a_fingerprint_of_its_own_and_a_dataset_keeps_its_old(recogniser) -> None:
    assert set(recogniser.fingerprint.facts()) == {"recogniser", "weights", "precision", "decoding", "padding",
                                                   "language", "translate", "words"}
    asked = [TranscriptionOptions(likely=("en",)), TranscriptionOptions(likely=("de", "en")),
             TranscriptionOptions(keep_doubtful=True), TranscriptionOptions(several_languages=True)]
    assert len({recogniser.fingerprint_of(options) for options in (TranscriptionOptions(), *asked)}) == 5
    fixed, likely = TranscriptionOptions(language="de"), TranscriptionOptions(language="de", likely=("en",))
    assert recogniser.fingerprint_of(fixed) == recogniser.fingerprint_of(likely)


@pytest.fixture
def unsure(recogniser: WhisperRecogniser, monkeypatch):
    """unsure(code, share): the languages as if Whisper gave `code` that share, English a fifth and Welsh the rest."""
    engine = recogniser._engine
    languages = engine._languages

    def make(code: str, share: float) -> None:
        def found(logits, prior):
            shares = np.full_like(logits, -30.0)
            for each, value in ((code, share), ("en", 0.2), ("cy", 0.8 - share)):
                shares[:, engine.tokenizer.to_language_token(each)] = float(np.log(max(value, 1e-9)))
            return languages(shares, prior)

        monkeypatch.setattr(engine, "_languages", found)

    return make


def test_the_likely_languages_weigh_more_in_a_word_or_two(recogniser: WhisperRecogniser, speak, unsure) -> None:
    unsure("de", 0.3)
    word = speak("bird")
    options = TranscriptionOptions(word_times=False, translate=False)
    assert recogniser.transcribe([word], replace(options, likely=("en",)))[0].transcript.language == "en"
    assert recogniser.transcribe([word], replace(options, likely=("en",), language="de"))[0].transcript.language == "de"
    assert recogniser.transcribe([word], replace(options, likely=("xx", "en")))[0].transcript.language == "en"


def test_enough_words_are_heard_in_their_language_wherever_the_computer_is(recogniser: WhisperRecogniser,
                                                                          speak) -> None:
    german = speak("Guten Morgen. Eine Frau fährt mit dem Fahrrad durch die Stadt.", "de", 120)
    assert recogniser.transcribe([german], TranscriptionOptions(likely=("en",)))[0].transcript.language == "de"


def test_a_language_that_the_prior_decided_is_called_a_guess(recogniser: WhisperRecogniser, speak, unsure) -> None:
    unsure("de", 0.5)
    word, options = speak("bird"), TranscriptionOptions(likely=("en",), translate=False, word_times=False)
    transcript = recogniser.transcribe([word], options)[0].transcript
    assert transcript.language == "en"
    assert transcript.notes == ("The language is a guess: transcribed as English, though it may be German. "
                                "It can be set under Settings, Speech.",)
    assert recogniser.transcribe([word], replace(options, language="en"))[0].transcript.notes == ()
    assert recogniser.transcribe([word], replace(options, likely=("de", "en")))[0].transcript.notes == ()
    assert recogniser.transcribe([word], replace(options, likely=()))[0].transcript.notes == ()


def test_a_recording_in_two_languages_is_transcribed_in_both(recogniser: WhisperRecogniser, speak) -> None:
    pause = np.zeros(RATE // 2, np.float32)
    german, english = speak("Guten Morgen. Eine Frau fährt mit dem Fahrrad durch die Stadt.", "de", 140), speak(BEACH)
    both = Waveform(np.concatenate([german.samples, pause, english.samples]))
    options = TranscriptionOptions(likely=("en",), several_languages=True, keep_doubtful=True)
    transcript = recogniser.transcribe([both], options)[0].transcript
    assert transcript.notes == ("The language changes: German, then English. Each part was transcribed in its own.",)
    assert "fahrrad" in transcript.original.lower() and "beach" in transcript.original
    assert "woman" in transcript.text.lower() and "beach" in transcript.text
    starts = [word.start for word in transcript.words]
    assert starts == sorted(starts)
    assert recogniser.transcribe([both], replace(options, language="en"))[0].transcript.notes == ()
    twice = Waveform(np.concatenate([english.samples, pause, english.samples]))
    assert recogniser.transcribe([twice], options)[0].transcript.notes == ()


def test_a_query_of_few_words_is_decoded_padded_too(recogniser: WhisperRecogniser, speak, monkeypatch) -> None:
    monkeypatch.setattr("core.asr.whisper.SURE_OF_WORDS", 0.0)
    word, options = speak("bird"), TranscriptionOptions(language="en", keep_doubtful=True)
    own, asked = (recogniser.transcribe([word], each)[0] for each in (TranscriptionOptions(language="en"), options))
    full, = recogniser.transcribe([word], TranscriptionOptions(language="en", padding="full"))
    assert asked.transcript.redone and not own.transcript.redone
    likelier = max((own.transcript, full.transcript), key=lambda each: each.avg_logprob)
    assert asked.transcript.text == likelier.text
    assert np.array_equal(asked.states[0], own.states[0]), "the voice stays as the model has learnt to read it"
    assert not recogniser.transcribe([speak(BEACH)], options)[0].transcript.redone


def test_no_words_are_invented_for_a_person_who_asks_either(recogniser: WhisperRecogniser) -> None:
    heard = recogniser.transcribe([Waveform(sound) for sound in sounds().values()],
                            TranscriptionOptions(likely=("en",), keep_doubtful=True))
    assert [one.transcript.text for one in heard] == [""] * len(heard)
    assert not any(one.transcript.doubtful for one in heard)


def test_a_clear_voice_is_shown_in_doubt(recogniser: WhisperRecogniser, speak, monkeypatch) -> None:
    monkeypatch.setattr("core.asr.whisper.why_empty", lambda sound, evidence: NO_SPEECH)
    refused, = recogniser.transcribe([speak("bird, bird, bird")])
    shown, = recogniser.transcribe([speak("bird, bird, bird")], TranscriptionOptions(keep_doubtful=True))
    assert (refused.transcript.text, refused.transcript.doubtful) == ("", False)
    assert shown.transcript.doubtful and shown.transcript.reason == ""
    assert "bird" in shown.transcript.text.lower()
    assert shown.transcript.words
    old = {key: value for key, value in shown.transcript.to_json().items() if key != "doubtful"}
    assert not Transcript.from_json(old).doubtful


def test_cancelling_leaves_a_recogniser_that_works(recogniser: WhisperRecogniser, speak) -> None:
    def cancel(progress: Progress) -> None:
        if progress.done:
            raise JobCancelled

    with pytest.raises(JobCancelled):
        recogniser.transcribe([speak("A dog."), speak(BEACH)], report=cancel)
    assert recogniser.transcribe([speak(BEACH)])[0].transcript.text


def test_two_threads_hear_their_own(recogniser: WhisperRecogniser, speak) -> None:
    texts = ("Sunset over the sea.", BEACH)
    heard: dict[str, str] = {}

    def hear(text: str) -> None:
        heard[text] = recogniser.transcribe([speak(text)])[0].transcript.text

    threads = [threading.Thread(target=hear, args=[text]) for text in texts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert "sea" in plain(heard[texts[0]]) and "dogs" in plain(heard[BEACH])


IDENTITY = WhisperIdentity("base", "0" * 64, 512)


def on_cuda(path: Path, precision: torch.dtype) -> WhisperRecogniser:
    """On a device that is called a GPU, and is the CPU."""
    device = Device("cuda", torch.device("cpu"), precision)
    return WhisperRecogniser(path, IDENTITY, torch_runtime.TorchWhisper(speech_checkpoint.read(path), device))


def test_a_gpu_that_fails_at_load_gives_the_cpu(whisper_base: Path) -> None:
    if torch.cuda.is_available():
        pytest.skip("the GPU here does not fail")
    checkpoint = speech_checkpoint.read(whisper_base)
    runtime, note = torch_runtime.start(checkpoint, Device("cuda", torch.device("cuda"), torch.float16))
    found = WhisperRecogniser(whisper_base, IDENTITY, runtime, note)
    assert (found.device, found.precision) == ("cpu", "float32")
    assert "using the CPU" in found.fallback


def test_a_gpu_that_fails_while_hearing_gives_the_cpu(whisper_base: Path, speak, monkeypatch) -> None:
    found = on_cuda(whisper_base, torch.float32)
    assert (found.device, found.fallback) == ("cuda", "")

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("CUDA error: out of memory")

    monkeypatch.setattr(found._engine, "encode", fail)
    heard, = found.transcribe([speak("Sunset over the sea.")])
    assert "sea" in plain(heard.transcript.text)
    assert found.device == "cpu"
    assert found.fallback == "The NVIDIA GPU failed (CUDA error: out of memory); using the CPU."


def test_half_precision_hears_the_same(whisper_base: Path, beach: EncodedUtterance, speak) -> None:
    half = on_cuda(whisper_base, torch.float16)
    assert half.precision == "float16"
    heard, = half.transcribe([speak(BEACH)])
    assert plain(heard.transcript.text) == plain(beach.transcript.text)


def test_nothing_to_hear(recogniser: WhisperRecogniser) -> None:
    assert recogniser.transcribe([]) == []
    with pytest.raises(ModelError, match="xx"):
        recogniser.transcribe([Waveform(np.zeros(RATE, np.float32))], TranscriptionOptions(language="xx"))


def test_files_that_are_no_checkpoint(tmp_path: Path) -> None:
    def kind(path: Path) -> str:
        with pytest.raises(ModelError) as caught:
            speech.load(path, "cpu")
        return caught.value.kind

    assert kind(tmp_path / "gone.pt") == "missing"
    (tmp_path / "text.pt").write_text("hello")
    (tmp_path / "empty.pt").write_bytes(b"")
    torch.save({"dims": {"n_mels": 80}, "model_state_dict": {}}, tmp_path / "half.pt")
    torch.save([1, 2], tmp_path / "list.pt")
    assert [kind(tmp_path / f"{name}.pt") for name in ("text", "empty", "half", "list")] == ["damaged"] * 4


@pytest.mark.data
def test_word_errors_on_real_captions(recogniser: WhisperRecogniser, development_data: Path) -> None:
    import jiwer
    from whisper.normalizers import EnglishTextNormalizer

    folder = development_data / "flickr8k"
    captions = dict(line.split("\t") for line in (folder / "Flickr8k_text/Flickr8k.token.txt").read_text().splitlines())
    rows = [line.split() for line in (folder / "flickr_audio/wav2capt.txt").read_text().splitlines()][:30:2]
    heard = recogniser.transcribe([audio.read(folder / "flickr_audio/wavs" / wav) for wav, _, _ in rows])
    normal = EnglishTextNormalizer()
    assert jiwer.wer([normal(captions[image + number]) for _, image, number in rows],
                     [normal(one.transcript.text) for one in heard]) < 0.08
