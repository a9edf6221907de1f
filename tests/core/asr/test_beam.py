"""Beam search, English-only models and windows of 1500 frames, against openai-whisper itself."""

from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import torch
import whisper
from whisper.model import ModelDimensions, Whisper

from core import weights
from core.asr import whisper as speech
from core.asr.decoding import beam_search
from core.asr.engine import MULTILINGUAL
from core.asr.recogniser import RECOGNISERS, entry_of
from core.asr.transcript import TranscriptionOptions
from core.asr.whisper import WhisperRecogniser
from core.audio import RATE, Waveform
from core.errors import ModelError, WeightsError
from core.explorer import Explorer
from core.inference.exports import ExportCache
from core.settings import Settings

TEXTS = ("Two children are playing with a dog on the beach.", "Sunset over the sea.", "A child with a red balloon.")
SHORT = 20  # tokens


def tiny(vocabulary: int) -> Whisper:
    """A Whisper of random weights, large enough that its texts depend on the sound."""
    torch.manual_seed(3)
    model = Whisper(ModelDimensions(80, 1500, 32, 2, 2, vocabulary, 448, 32, 2, 2)).eval()
    with torch.no_grad():
        for parameter in model.decoder.parameters():
            parameter.normal_(0, 0.3)
        model.decoder.positional_embedding.normal_(0, 2)  # else a token follows itself
        model.decoder.token_embedding.weight.normal_(0, 0.5)
    return model


def saved(model: Whisper, path: Path) -> Path:
    """A checkpoint in openai-whisper's format."""
    torch.save({"dims": asdict(model.dims), "model_state_dict": model.state_dict()}, path)
    return path


def noise(seconds: float) -> np.ndarray:
    """White noise (n,)."""
    return np.random.default_rng(0).normal(0, 0.1, int(seconds * RATE)).astype(np.float32)


def decoded(model: Whisper, samples: np.ndarray, **options) -> whisper.DecodingResult:
    """openai-whisper's own decoding in English."""
    mel = whisper.log_mel_spectrogram(whisper.pad_or_trim(samples.copy()))
    return model.decode(mel, whisper.DecodingOptions(language="en", without_timestamps=True, fp16=False, **options))


@pytest.mark.parametrize("vocabulary", [MULTILINGUAL, MULTILINGUAL - 1])
def test_random_weights_give_the_tokens_of_openai_whispers_beam(vocabulary, tmp_path) -> None:
    model = tiny(vocabulary)
    engine = speech.load(saved(model, tmp_path / "tiny.pt"), "cpu")._engine
    prompt = np.array(engine.tokenizer.sot_sequence_including_notimestamps)
    found = {}
    for seconds, size in ((2, 2), (2, 5), (7, 5)):
        states = engine.encode([noise(seconds)], 30 * RATE, raise_quiet=False)
        decoder = engine.runtime.exact
        ours = beam_search(decoder, decoder.begin(states), prompt, engine.exact_rules, SHORT, size)
        theirs = decoded(model, noise(seconds), beam_size=size, sample_len=SHORT)
        assert ours.tokens == theirs.tokens
        assert ours.avg_logprob == pytest.approx(theirs.avg_logprob, abs=1e-4)
        found[seconds, size] = ours.avg_logprob, decoded(model, noise(seconds), sample_len=SHORT).avg_logprob
    assert all(found[key][0] > found[key][1] for key in ((2, 5), (7, 5))), "it finds no more than greedy decoding"


@pytest.mark.slow
def test_whisper_base_gives_the_texts_of_openai_whispers_beam(recogniser: WhisperRecogniser, whisper_base: Path, speak,
                                                              tmp_path) -> None:
    waveforms = [speak(text) for text in TEXTS]
    options = TranscriptionOptions(padding="full", language="en", beam=5)
    ours = recogniser.transcribe(waveforms, options)
    model = whisper.load_model(str(whisper_base), device="cpu")
    for waveform, utterance in zip(waveforms, ours, strict=True):
        theirs = decoded(model, waveform.samples, beam_size=5)
        assert utterance.transcript.text == theirs.text
        assert utterance.transcript.avg_logprob == pytest.approx(theirs.avg_logprob, abs=1e-3)
        words = [word.text for word in utterance.transcript.words]
        assert " ".join(words) == theirs.text and utterance.transcript.words[-1].end <= waveform.seconds + 0.1


@pytest.mark.slow
def test_an_export_searches_as_pytorch_does(recogniser: WhisperRecogniser, whisper_base: Path, speak, home) -> None:
    exports, digest = ExportCache(home), weights.sha256_of(whisper_base, home)
    speech.export(whisper_base, exports, digest)
    exported = speech.load(whisper_base, "cpu", exports, digest)
    waveform, options = speak(TEXTS[0]), TranscriptionOptions(beam=3)
    texts = [each.transcribe([waveform], options)[0].transcript.text for each in (recogniser, exported)]
    assert texts[0] == texts[1] and exported.runtime is not recogniser.runtime
    assert type(exported.runtime).__name__ == "OnnxWhisper"


def test_the_beam_is_part_of_the_fingerprint_only_where_it_is_set(tmp_path) -> None:
    model = speech.load(saved(tiny(MULTILINGUAL), tmp_path / "tiny.pt"), "cpu")
    greedy, searched = model.fingerprint.facts(), model.fingerprint_of(TranscriptionOptions(beam=5)).facts()
    assert "beam" not in greedy and searched["beam"] == 5
    assert searched["decoding"] == "float32"


def test_an_english_only_model_knows_english_alone(tmp_path) -> None:
    model = speech.load(saved(tiny(MULTILINGUAL - 1), tmp_path / "tiny.pt"), "cpu")
    options = TranscriptionOptions(word_times=False, several_languages=True, likely=("de",))
    utterance, = model.transcribe([Waveform(noise(3))], options)
    assert utterance.transcript.language in ("en", "") and not utterance.transcript.original
    assert model.fingerprint_of(options) == model.fingerprint_of(TranscriptionOptions(
        word_times=False, language="en", translate=False))
    with pytest.raises(ModelError, match="'de'") as caught:
        model.transcribe([Waveform(noise(1))], TranscriptionOptions(language="de"))
    assert caught.value.kind == "language"


def test_a_window_holds_all_frames_of_the_first_thirty_seconds(tmp_path) -> None:
    model = tiny(MULTILINGUAL - 1)
    recogniser = speech.load(saved(model, tmp_path / "tiny.pt"), "cpu")
    options = TranscriptionOptions(padding="window", word_times=False)
    for seconds in (2, 31):
        states, = recogniser.transcribe([Waveform(noise(seconds))], options)[0].states
        mel = whisper.log_mel_spectrogram(whisper.pad_or_trim(noise(seconds)))
        theirs = model.embed_audio(mel[None]).detach().numpy()[0]
        assert states.shape == (1500, 32)
        assert np.abs(states - theirs).max() < 0.02  # float16
        assert np.abs(recogniser.states(Waveform(noise(seconds)), "window") - theirs).max() < 1e-4


def test_the_settings_name_a_recogniser_or_its_file(home, tmp_path) -> None:
    settings = Settings()
    assert entry_of("auto") is RECOGNISERS[0] and entry_of("whisper-base.en").title == "Whisper base.en"
    path = saved(tiny(MULTILINGUAL - 1), tmp_path / "own.pt")
    opened = Explorer(home, settings.with_value("speech.recogniser", str(path)).with_value("inference", "torch"))
    assert opened.recogniser().name == "Whisper of your own" and opened.recogniser().width == 32
    assert not opened.models.lacks_export(opened.settings)
    opened.use_settings(settings.with_value("speech.recogniser", "whisper-base.en"))
    with pytest.raises(WeightsError, match=r"brewclip weights fetch whisper-base\.en"):
        opened.recogniser()
    opened.use_settings(settings.with_value("speech.recogniser", str(tmp_path / "gone.pt")))
    with pytest.raises(WeightsError, match="There is no file"):
        opened.recogniser()
    opened.close()
