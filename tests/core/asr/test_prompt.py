"""A vocabulary prompt, and models of every shape of openai-whisper, against openai-whisper itself."""

from pathlib import Path

import numpy as np
import pytest
import torch
import whisper
from whisper.model import ModelDimensions, Whisper

from core import devices
from core.asr import whisper as speech
from core.asr.checkpoint import WhisperCheckpoint
from core.asr.decoding import LONGEST
from core.asr.engine import MULTILINGUAL, WhisperModel
from core.asr.mel import log_mel
from core.asr.torch_runtime import CAPACITY, TorchWhisper
from core.asr.transcript import TranscriptionOptions
from core.asr.whisper import WhisperRecogniser
from core.audio import RATE
from core.home import Home
from core.inference import whisper_graphs
from core.inference.exports import ExportCache
from core.inference.whisper import OnnxWhisper, WhisperShape
from tests.core.asr.test_beam import decoded, noise, saved, tiny

NAMES = "Neuschwanstein, Rügen, Ayşe"
LONG = "Rügen, " * 300  # more tokens than half of the context


def read(engine: WhisperModel, seconds: float, prompt: str, **options):
    states = engine.encode([noise(seconds)], 30 * RATE, raise_quiet=False)
    reading, = engine.read(states, [seconds], ["en"], exact=True, patient=True, prompt=prompt, **options)
    return reading


@pytest.mark.parametrize("vocabulary", [MULTILINGUAL, MULTILINGUAL - 1])
@pytest.mark.parametrize("prompt", [NAMES, LONG])
def test_a_prompt_gives_the_tokens_of_openai_whispers_initial_prompt(vocabulary, prompt, tmp_path) -> None:
    model = tiny(vocabulary)
    engine = speech.load(saved(model, tmp_path / "tiny.pt"), "cpu")._engine
    tokens = engine.tokenizer.encode(" " + prompt.strip())
    assert len(tokens) > CAPACITY or prompt == NAMES
    theirs = decoded(model, noise(2), prompt=tokens)
    length = min(len(theirs.tokens), LONGEST - 5)  # theirs may write one token past the context
    ours = read(engine, 2, prompt).decoded.tokens
    assert ours[:length] == theirs.tokens[:length]
    assert ours != read(engine, 2, "").decoded.tokens, "the prompt changes nothing"
    assert read(engine, 2, "  \n ").decoded.tokens == read(engine, 2, "").decoded.tokens


def test_a_beam_search_reads_the_prompt_too(tmp_path) -> None:
    model = tiny(MULTILINGUAL)
    engine = speech.load(saved(model, tmp_path / "tiny.pt"), "cpu")._engine
    theirs = decoded(model, noise(7), beam_size=3, prompt=engine.tokenizer.encode(" " + NAMES))
    ours = read(engine, 7, NAMES, beam=3, watch=True)
    assert ours.decoded.tokens == theirs.tokens
    assert ours.decoded.attention is not None and ours.decoded.attention.shape[0] >= len(theirs.tokens)


def test_rows_of_a_batch_and_a_growing_utterance_read_the_same_prompt(tmp_path) -> None:
    engine = speech.load(saved(tiny(MULTILINGUAL), tmp_path / "tiny.pt"), "cpu")._engine
    states = engine.encode([noise(2), noise(5)], 30 * RATE, raise_quiet=False)
    together = engine.read(states, [2, 5], ["en", "de"], prompt=NAMES)
    apart = [engine.read(states[row:row + 1], [(2, 5)[row]], [("en", "de")[row]], prompt=NAMES)[0] for row in (0, 1)]
    assert [each.decoded.tokens for each in together] == [each.decoded.tokens for each in apart]
    language, first = engine.read_partial(states[:1], 2, "en", {}, (), NAMES)
    assert language == "en" and first.tokens == apart[0].decoded.tokens
    assert engine.read_partial(states[:1], 2, "en", {}, first.tokens, NAMES)[1].tokens == first.tokens


def test_the_language_is_detected_without_the_prompt(tmp_path) -> None:
    engine = speech.load(saved(tiny(MULTILINGUAL), tmp_path / "tiny.pt"), "cpu")._engine
    states = engine.encode([noise(2)], 30 * RATE, raise_quiet=False)
    with_prompt, without = (engine.read(states, [2], ["auto"], prompt=prompt)[0] for prompt in (NAMES, ""))
    assert with_prompt.likely == without.likely and with_prompt.no_speech == without.no_speech


def test_the_prompt_is_part_of_the_fingerprint_only_where_it_is_set(tmp_path) -> None:
    model = speech.load(saved(tiny(MULTILINGUAL), tmp_path / "tiny.pt"), "cpu")
    plain = model.fingerprint
    assert "prompt" not in plain.facts() and model.fingerprint_of(TranscriptionOptions(prompt="  ")) == plain
    asked = model.fingerprint_of(TranscriptionOptions(prompt=f" {NAMES} "))
    assert asked.facts()["prompt"] == NAMES and asked.hash != plain.hash


# Bands, layers of encoder and decoder, and vocabulary of every size, at the width of a toy.
SHAPES = {"tiny": (80, 4, 4, MULTILINGUAL), "tiny.en": (80, 4, 4, MULTILINGUAL - 1),
          "base": (80, 6, 6, MULTILINGUAL), "base.en": (80, 6, 6, MULTILINGUAL - 1),
          "small": (80, 12, 12, MULTILINGUAL), "small.en": (80, 12, 12, MULTILINGUAL - 1),
          "medium": (80, 24, 24, MULTILINGUAL), "medium.en": (80, 24, 24, MULTILINGUAL - 1),
          "large-v2": (80, 32, 32, MULTILINGUAL), "large-v3": (128, 32, 32, MULTILINGUAL + 1),
          "turbo": (128, 32, 4, MULTILINGUAL + 1)}
HEADS = {"tiny": 6, "base": 8, "small": 12, "medium": 16, "large": 20, "turbo": 20}


def of_shape(name: str) -> Whisper:
    """A Whisper with the layers, heads, bands and vocabulary of a size, narrow and with random weights."""
    bands, encoder, decoder, vocabulary = SHAPES[name]
    heads = HEADS[name.split(".")[0].split("-")[0]]
    torch.manual_seed(1)
    model = Whisper(ModelDimensions(bands, 1500, 2 * heads, heads, encoder, vocabulary, 448, 2 * heads, heads,
                                    decoder)).eval()
    with torch.no_grad():
        for parameter in model.decoder.parameters():
            parameter.normal_(0, 0.3)
        model.decoder.positional_embedding.normal_(0, 2)
    return model


def theirs_of(model: Whisper, prompt: list[int] | None = None) -> list[int]:
    mel = whisper.log_mel_spectrogram(whisper.pad_or_trim(noise(2)), model.dims.n_mels)
    options = whisper.DecodingOptions(language="en", without_timestamps=True, fp16=False, sample_len=30, prompt=prompt)
    return model.decode(mel, options).tokens


@pytest.mark.parametrize("name", SHAPES)
def test_a_model_of_every_size_decodes_as_openai_whisper(name: str, tmp_path) -> None:
    model = of_shape(name)
    loaded = speech.load(saved(model, tmp_path / "model.pt"), "cpu")
    assert loaded.name == f"Whisper {name}" and loaded.width == model.dims.n_audio_state
    prompt = loaded._engine.tokenizer.encode(" " + NAMES)
    assert read(loaded._engine, 2, "").decoded.tokens[:30] == theirs_of(model)
    assert read(loaded._engine, 2, NAMES).decoded.tokens[:30] == theirs_of(model, prompt)
    known = loaded._engine.tokenizer.all_language_codes if loaded._engine.multilingual else ()
    assert len(known) == {MULTILINGUAL - 1: 0, MULTILINGUAL: 99, MULTILINGUAL + 1: 100}[model.dims.n_vocab]


@pytest.mark.parametrize("name", ["tiny.en", "turbo"])
def test_an_export_of_other_shapes_reads_a_prompt_as_pytorch_does(name: str, tmp_path) -> None:
    model = of_shape(name).requires_grad_(False)
    dims = model.dims
    shape = WhisperShape(dims.n_mels, dims.n_audio_state, dims.n_audio_layer, dims.n_audio_head, dims.n_text_layer,
                         dims.n_text_head, dims.n_vocab, ((0, 1), (1, 0)))

    def write(folder: Path) -> dict[str, object]:
        whisper_graphs.write(folder, {key: each.numpy() for key, each in model.state_dict().items()}, shape)
        return {"name": name, "shape": shape.facts()}

    made = ExportCache(Home(tmp_path)).make(name, write, lambda export: 1.0)
    engines = [WhisperModel(TorchWhisper(WhisperCheckpoint(model, name, "0" * 64, shape.watched), devices.CPU)),
               WhisperModel(OnnxWhisper(made, log_mel))]
    for prompt in (NAMES, LONG):
        expected, exported = (read(engine, 2, prompt).decoded for engine in engines)
        assert exported.tokens[:30] == expected.tokens[:30]
        assert np.allclose(exported.logprobs[:30], expected.logprobs[:30], atol=1e-3)


@pytest.mark.slow
def test_a_prompt_mends_a_name(recogniser: WhisperRecogniser, speak) -> None:
    waveform = speak("the chalk cliffs of Rügen", "en-gb")
    plain, named = (recogniser.transcribe([waveform], TranscriptionOptions(language="en", prompt=prompt))[0].transcript
                    for prompt in ("", "Rügen."))
    assert "Rügen" not in plain.text and "Rügen" in named.text
    assert [word.text for word in named.words] == named.text.split()
