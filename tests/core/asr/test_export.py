"""Whisper's export against PyTorch: a small one of random weights, and Whisper base."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from whisper.model import ModelDimensions, Whisper

from core import audio, devices, weights
from core.asr import checkpoint, exported
from core.asr import whisper as speech
from core.asr.checkpoint import MULTILINGUAL, WhisperCheckpoint
from core.asr.decoding import Decoder, greedy, greedy_after
from core.asr.engine import WhisperModel
from core.asr.mel import log_mel
from core.asr.torch_runtime import TorchWhisper
from core.asr.transcript import PartialTranscript, TranscriptionOptions
from core.errors import ModelError
from core.explorer import Explorer
from core.home import Home
from core.inference import whisper_graphs
from core.inference.exporting import least_cosine
from core.inference.exports import ExportCache
from core.inference.whisper import OnnxWhisper, WhisperShape
from core.models.registry import ModelRegistry
from core.settings import Settings
from tests.conftest import REPOSITORY
from tests.core.test_cold_start import HEAVY, PROGRAM

SHAPE = WhisperShape(80, 64, 2, 2, 2, 2, MULTILINGUAL, ((0, 1), (1, 0), (1, 1)))
SOUND = np.random.default_rng(0).standard_normal((3, 32_000)).astype(np.float32)


@pytest.fixture(scope="module")
def runtimes(tmp_path_factory: pytest.TempPathFactory) -> tuple[TorchWhisper, OnnxWhisper]:
    """The same model in PyTorch and in ONNX Runtime."""
    torch.manual_seed(0)
    model = Whisper(ModelDimensions(80, 1500, 64, 2, 2, MULTILINGUAL, 448, 64, 2, 2)).eval().requires_grad_(False)
    torch.nn.init.normal_(model.decoder.positional_embedding, std=0.1)  # which openai-whisper leaves as it finds it
    read = WhisperCheckpoint(model, "", "0" * 64, SHAPE.watched)

    def write(folder: Path) -> dict[str, object]:
        whisper_graphs.write(folder, {name: each.numpy() for name, each in model.state_dict().items()}, SHAPE)
        return {"name": "", "shape": SHAPE.facts()}

    made = ExportCache(Home(tmp_path_factory.mktemp("home"))).make("little", write, lambda export: 1.0)
    return TorchWhisper(read, devices.CPU), OnnxWhisper(made, log_mel)


def test_encoder_states_are_those_of_pytorch(runtimes) -> None:
    expected, computed = (runtime.encode(SOUND) for runtime in runtimes)
    assert computed.shape == (3, 100, 64)
    assert least_cosine([expected], [computed]) > 0.999999


@pytest.mark.parametrize("exact", [True, False])
def test_the_decoder_is_that_of_pytorch(runtimes, exact: bool) -> None:
    states, prompt = runtimes[0].encode(SOUND), np.array([[50_259, 50_359, 50_363]] * 3)
    allowed = np.zeros(MULTILINGUAL, np.float32)
    results = []
    for runtime in runtimes:
        decoder = runtime.exact if exact else runtime.fast
        cache = decoder.begin(states)
        first = decoder.logits(np.full((3, 1), 50_258), cache)
        _, logprobs, scores = decoder.best(prompt, cache, allowed, watch=True)
        cache.keep([0, 2])
        later = decoder.logits(np.array([[11], [12]]), cache)
        results.append((first, np.array(logprobs), scores, later))
    for expected, computed in zip(*results, strict=True):
        assert computed.shape == expected.shape
        assert np.abs(computed - expected).max() < (1e-4 if exact else 0.1 * np.abs(expected).max() + 0.01)
    assert results[1][2].shape == (3, 3, 100)


def test_what_is_forbidden_is_never_the_best(runtimes) -> None:
    decoder = runtimes[1].fast
    states, start = runtimes[1].encode(SOUND[:1]), np.array([[50_258]])
    best, _, _ = decoder.best(start, decoder.begin(states), np.zeros(MULTILINGUAL, np.float32), watch=False)
    forbidden = np.zeros(MULTILINGUAL, np.float32)
    forbidden[best[0]] = -np.inf
    other, _, scores = decoder.best(start, decoder.begin(states), forbidden, watch=False)
    assert other != best and scores is None


def test_a_row_does_not_depend_on_its_neighbours(runtimes) -> None:
    decoder, states = runtimes[1].fast, runtimes[1].encode(SOUND * np.array([[1], [0.01], [1]], np.float32))
    together = decoder.logits(np.full((3, 1), 50_258), decoder.begin(states))
    alone = decoder.logits(np.full((1, 1), 50_258), decoder.begin(states[1:2]))
    assert np.abs(together[1] - alone[0]).max() < 1e-4


@pytest.mark.parametrize("kind", [0, 1])
def test_a_guess_changes_nothing(runtimes, kind: int) -> None:
    model = WhisperModel(runtimes[kind])
    states, prompt = runtimes[0].encode(SOUND[:1]), np.array([50_259, 50_359, 50_363])
    rules = model.rules
    plain, = greedy(model.runtime.fast, model.runtime.fast.begin(states), prompt[None], rules, [12], watch=False)
    tokens, other = plain.tokens, plain.tokens[4] + 1
    assert len(tokens) > 6
    for guess in ((), tokens, tokens[:3], (*tokens[:4], other, *tokens[5:]), (tokens[0] + 1, *tokens[1:])):
        decoder = Counted(model.runtime.fast)
        decoded = greedy_after(guess, decoder, decoder.begin(states), prompt, rules, 12)
        assert decoded.tokens == tokens and decoded.finished == plain.finished
        assert decoded.logprobs == pytest.approx(plain.logprobs, abs=0.02)
        agreed = next((at for at, (one, two) in enumerate(zip(guess, tokens, strict=False)) if one != two), len(guess))
        assert decoder.steps == len(plain.logprobs) - min(agreed, len(plain.logprobs) - 1)


class Counted:
    """A decoder that counts the tokens read one by one."""

    def __init__(self, decoder: Decoder) -> None:
        self._decoder, self.steps = decoder, 0
        self.begin, self.best_of_each = decoder.begin, decoder.best_of_each

    def best(self, *arguments: Any, **options: Any) -> Any:
        self.steps += 1
        return self._decoder.best(*arguments, **options)


def test_a_checkpoint_that_cannot_be_read_gives_no_export(tmp_path: Path) -> None:
    path, exports = tmp_path / "text.pt", ExportCache(Home(tmp_path))
    path.write_text("hello")
    assert not exported.make(path, "1" * 64, exports).usable
    assert exported.find("1" * 64, exports) is None


@pytest.fixture(scope="module")
def prepared(whisper_base: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Home, Settings]:
    """A home with the export of Whisper base."""
    home = Home(tmp_path_factory.mktemp("home"))
    settings = Settings().with_value("weights.folder", str(whisper_base.parent)).with_value("device", "cpu")
    ModelRegistry(home).prepare("whisper-base", settings)
    return home, settings


@pytest.mark.slow
def test_both_runtimes_give_the_same_words(prepared, whisper_base: Path) -> None:
    home, settings = prepared
    ours = ModelRegistry(home).recogniser(settings)
    other = ModelRegistry(home).recogniser(settings.with_value("inference", "torch"))
    assert isinstance(ours, speech.WhisperRecogniser) and isinstance(ours._engine.runtime, OnnxWhisper)
    assert ours.fingerprint == other.fingerprint and ours.name == other.name
    for name in ("coffee", "gato"):
        waveform = audio.read(Path("resources/demo") / f"{name}.flac")
        one, two = (recogniser.transcribe([waveform])[0] for recogniser in (ours, other))
        assert one.transcript.text.rstrip(".") == two.transcript.text.rstrip("."), "but for roundings of 8 bits"
        words, others = one.transcript.words, two.transcript.words
        assert words and [word.text for word in words] == [word.text for word in others]
        assert max(abs(word.end - other.end) for word, other in zip(words, others, strict=True)) < 0.1
        assert least_cosine(one.states, two.states) > 0.9999  # float16
        assert least_cosine([ours.states(waveform)], [ours.layers(waveform)[-1]]) > 0.99999


@pytest.mark.slow
def test_a_growing_utterance_is_transcribed_as_far_as_it_goes(prepared) -> None:
    home, settings = prepared
    recogniser = ModelRegistry(home).recogniser(settings)
    for name in ("coffee", "photographer", "gato"):
        waveform, previous = audio.read(Path("resources/demo") / f"{name}.flac"), None
        for part in (0.4, 0.6, 0.8, 0.9, 1.0):
            samples = waveform.samples[:int(part * len(waveform.samples))]
            alone = recogniser.transcribe_partial(samples)
            previous = recogniser.transcribe_partial(samples, previous=previous)
            assert previous == alone
        final = recogniser.transcribe([waveform], TranscriptionOptions(translate=False))[0].transcript
        assert previous is not None and previous.text.rstrip(".") == final.text.rstrip(".")
        assert previous.language == final.language
    assert recogniser.transcribe_partial(np.zeros(16_000, np.float32)) == PartialTranscript("")
    with pytest.raises(ModelError, match="language"):
        recogniser.transcribe_partial(samples, TranscriptionOptions(language="xx"))


@pytest.mark.slow
def test_transcribing_imports_no_torch(prepared) -> None:
    home, settings = prepared
    code = f"""
import sys
from pathlib import Path
from core import audio
from core.home import Home
from core.models.registry import ModelRegistry
from core.settings import Settings
settings = Settings().with_value("weights.folder", {settings["weights.folder"]!r}).with_value("device", "cpu")
recogniser = ModelRegistry(Home(Path({str(home.root)!r}))).recogniser(settings)
print(recogniser.transcribe([audio.read(Path("resources/demo/coffee.flac"))])[0].transcript.text)
print(sorted({{"torch", "whisper", "scipy", "torchaudio", "numba", "onnx"}} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    text, modules = done.stdout.splitlines()
    assert "coffee" in text and modules == "[]"


@pytest.mark.slow
def test_a_spoken_search_on_the_command_line_imports_nothing_heavy(prepared, tmp_path: Path) -> None:
    home, settings = prepared
    explorer = Explorer(home, settings)
    explorer.index(REPOSITORY / "resources" / "demo" / "photographs", "photographs")
    explorer.close()
    home.settings.write_text(json.dumps(dict(settings.changed)))
    spoken = REPOSITORY / "resources" / "demo" / "coffee.flac"
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path / "modules"), "search", "--gallery", "photographs", "--speech",
         str(spoken), "--json"], env={**os.environ, "PYTHONPATH": str(REPOSITORY), **home.environment},
        capture_output=True, text=True)
    assert done.returncode == 0 and "coffee" in json.loads(done.stdout)["transcript"], done.stderr
    assert not set(json.loads((tmp_path / "modules").read_text())) & set(HEAVY)


@pytest.mark.slow
def test_an_engine_of_an_export_counts_languages(prepared, whisper_base: Path) -> None:
    home, _ = prepared
    runtime = exported.find(weights.sha256_of(whisper_base, home), ExportCache(home))
    assert runtime is not None
    assert len(WhisperModel(runtime).tokenizer.all_language_codes) == checkpoint.read(whisper_base).model.num_languages
