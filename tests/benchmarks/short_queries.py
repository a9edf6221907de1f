"""Queries of one or two words against plain openai-whisper at the same setting, in one run.

    OMP_NUM_THREADS=2 python -m tests.benchmarks.short_queries --data DIR --half test

DIR holds `ravdess/`; without it only synthetic words and noises are compared. The tables are in docs/transcription.md.
"""

import argparse
import json
import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import jiwer
import torch
import whisper
from numpy.typing import NDArray
from torch import Tensor, nn
from whisper.decoding import DecodingOptions
from whisper.normalizers import BasicTextNormalizer, EnglishTextNormalizer

from core import audio, weights
from core.asr import whisper as speech
from core.asr.transcript import TranscriptionOptions
from core.audio import Samples
from core.home import find_home
from core.models.registry import ModelRegistry
from core.settings import load
from tests.benchmarks import short_query_sounds as sounds
from tests.benchmarks.common import DATA
from tests.benchmarks.short_query_sounds import Spoken

SETTINGS = ("set", "auto", "auto, system en", "auto, system de", "auto, system as spoken")
K, V = TypeVar("K"), TypeVar("V")
LIKELY = {"auto, system en": ("en",), "auto, system de": ("de", "en")}
english, other = EnglishTextNormalizer(), BasicTextNormalizer()


@dataclass(frozen=True)
class Answer:
    """What one system made of one input. `setting`: "set" is the language of the speaker; noise is tried with "en"."""

    system: str
    setting: str
    group: str
    half: str
    said: str
    text: str
    language: str
    right_language: bool
    doubtful: bool = False

    @property
    def pair(self) -> tuple[str, str]:
        """What was said and what was understood, normalised."""
        normal = english if self.language_said == "en" else other
        return normal(self.said), normal(self.text)

    @property
    def language_said(self) -> str:
        """The language of the group: "de" of "word de"; human voices speak English."""
        return self.group.split()[-1] if self.group.startswith(("word", "phrase")) else "en"

    @property
    def exact(self) -> bool:
        """Whether the words are right, letter by letter after the normaliser."""
        said, text = self.pair
        return said == text


class Plain:
    """openai-whisper's `transcribe`. States, and decoding at temperature 0, are shared between its settings, which
    changes no answer.
    """

    def __init__(self, checkpoint: Path) -> None:
        self._model = whisper.load_model(str(checkpoint), device="cpu")
        encoder, decode = self._model.encoder, self._model.decode
        states: dict[bytes, Tensor] = {}
        decoded: dict[tuple[bytes, DecodingOptions], Any] = {}

        class Encoder(nn.Module):
            def forward(self, mel: Tensor) -> Tensor:
                return _known(states, mel.numpy().tobytes(), lambda: encoder(mel))

        def remembering(mel: Tensor, options: DecodingOptions) -> Any:
            if options.temperature:
                return decode(mel, options)
            key = (mel.numpy().tobytes(), replace(options, prompt=tuple(options.prompt or ())))
            return _known(decoded, key, lambda: decode(mel, options))

        self._model.encoder, self._model.decode = Encoder(), remembering  # type: ignore[assignment]

    def direction(self, **options: Any) -> "Transcribe":
        """To transcribe with these options of `transcribe`."""
        def work(spoken: Spoken, setting: str) -> tuple[str, str, bool]:
            torch.manual_seed(0)
            language = (spoken.language or "en") if setting == "set" else None
            found = self._model.transcribe(spoken.waveform.samples.copy(), fp16=False, language=language, **options)
            return str(found["text"]), str(found["language"]), False
        return work


def _known(answers: dict[K, V], key: K, make: Callable[[], V]) -> V:
    """The answer to a question; the last few are remembered."""
    if key not in answers:
        while len(answers) >= 4:
            del answers[next(iter(answers))]
        answers[key] = make()
    return answers[key]


Transcribe = Callable[[Spoken, str], tuple[str, str, bool]]  # (input, setting) -> text, language, whether doubtful


def ours(recogniser: speech.WhisperRecogniser, states: dict[tuple[bytes, int, bool], NDArray[Any]]
         ) -> Transcribe:
    """The recogniser as a query uses it; its settings share the encoder's states."""
    engine = recogniser._engine
    encode = engine.encode

    def remembering(windows: Sequence[Samples], length: int, raise_quiet: bool) -> NDArray[Any]:
        key = (b"".join(samples.tobytes() for samples in windows), length, raise_quiet)
        return _known(states, key, lambda: encode(windows, length, raise_quiet))

    engine.encode = remembering  # type: ignore[method-assign]

    def work(spoken: Spoken, setting: str) -> tuple[str, str, bool]:
        language = (spoken.language or "en") if setting == "set" else "auto"
        likely = (spoken.language, "en") if setting == SETTINGS[-1] else LIKELY.get(setting, ())
        options = TranscriptionOptions(language=language, translate=False, word_times=False, keep_doubtful=True,
                                 several_languages=True, likely=likely)
        found = recogniser.transcribe([spoken.waveform], options)[0].transcript
        return found.text, found.language, found.doubtful
    return work


class ExactOnly:
    """A runtime whose fast decoder is its exact one."""

    def __init__(self, runtime: object) -> None:
        self._runtime = runtime

    def __getattr__(self, name: str) -> Any:
        return getattr(self._runtime, "exact" if name == "fast" else name)


def systems_of(checkpoint: Path, loaded: Callable[[], speech.WhisperRecogniser], with_plain: bool
               ) -> dict[str, Transcribe]:
    """Plain Whisper greedy at temperature 0 and as it comes; ours with int8, where the processor has it, and float32.
    """
    fast, exact = loaded(), loaded()
    exact._engine.runtime = ExactOnly(exact._engine.runtime)  # type: ignore[assignment]
    states: dict[tuple[bytes, int, bool], NDArray[Any]] = {}
    own = {"ours, int8": ours(fast, states), "ours, float32": ours(exact, states)}
    if not with_plain:
        return own
    plain = Plain(checkpoint)
    return {"whisper, temperature 0": plain.direction(temperature=0.0), "whisper, default": plain.direction(), **own}


def answers(inputs: Sequence[Spoken], systems: dict[str, Transcribe]) -> Iterator[Answer]:
    """Every system and setting in turn on each input."""
    for number, spoken in enumerate(inputs):
        for name, work in systems.items():
            for setting in settings_of(name, spoken):
                text, language, doubtful = work(spoken, setting)
                yield Answer(name, setting, spoken.group, spoken.half, spoken.text, text, language,
                             language == spoken.language, doubtful)
        if number % 10 == 9:
            print(f"{number + 1} of {len(inputs)}", flush=True)


def settings_of(system: str, spoken: Spoken) -> tuple[str, ...]:
    """The settings that differ for a system: plain Whisper knows no system language, and English is always likely."""
    if system != "ours, int8":
        return SETTINGS[: 1 if system == "ours, float32" else 2]
    if not spoken.text:
        return SETTINGS[:3]
    return SETTINGS[:-1] if spoken.language in ("", "en") else SETTINGS


def table(rows: Sequence[Answer]) -> list[str]:
    """Markdown: one line a group, setting and system."""
    lines = ["| input | language setting | system | n | exact | WER | refused | doubtful | language |",
             "|---|---|---|---|---|---|---|---|---|"]
    for group in sorted({row.group for row in rows}):
        for setting in SETTINGS:
            for system in dict.fromkeys(row.system for row in rows):
                some = [row for row in rows if (row.group, row.setting, row.system) == (group, setting, system)]
                if some:
                    lines.append(f"| {group} | {setting} | {system} | {len(some)} | {_figures(some)} |")
    return lines


def _figures(some: Sequence[Answer]) -> str:
    refused, doubtful = _share(not row.text.strip() for row in some), _share(row.doubtful for row in some)
    if not some[0].said:
        return f"- | - | {refused} | {doubtful} | -"
    said, text = zip(*(row.pair for row in some), strict=True)
    return " | ".join([_share(row.exact for row in some), f"{100 * jiwer.wer(list(said), list(text)):.1f} %", refused,
                       doubtful, _share(row.right_language for row in some)])


def _share(values: Any) -> str:
    found = list(values)
    return f"{100 * sum(found) / len(found):.1f} %"


def inputs_of(data: Path, recogniser: speech.WhisperRecogniser, half: str) -> list[Spoken]:
    """All inputs of a half, or of both for "all"."""
    ravdess = data / "ravdess"
    voices = [audio.read(path) for path in sorted(ravdess.rglob("03-01-01-*.wav"))]
    human = sounds.human(ravdess, recogniser, half) if voices else []
    found = [*human, *sounds.synthetic(), *sounds.noises(voices)]
    return [spoken for spoken in found if half in ("all", spoken.half)]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA, metavar="DIR", help="the folder with ravdess/")
    parser.add_argument("--half", choices=("tune", "test", "all"), default="test", help="thresholds are set on tune")
    parser.add_argument("--limit", type=int, default=0, help="inputs, a random choice (0: all)")
    parser.add_argument("--group", nargs="+", default=[""], metavar="G", help='such as "human" "word en" "noise"')
    parser.add_argument("--inference", choices=("auto", "torch"), default="auto", help="as the setting of that name")
    parser.add_argument("--no-plain", action="store_true", help="leave plain Whisper out")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write every answer, one JSON object a line")
    chosen = parser.parse_args()
    checkpoint = weights.find("whisper-base", find_home())
    assert checkpoint, "run `make setup` first"
    start = time.perf_counter()
    settings = load(find_home().settings).with_value("inference", chosen.inference).with_value("device", "cpu")

    def loaded() -> speech.WhisperRecogniser:
        made = ModelRegistry(find_home()).recogniser(settings)
        assert isinstance(made, speech.WhisperRecogniser)
        return made

    ModelRegistry(find_home()).prepare("whisper-base", settings)
    inputs = inputs_of(chosen.data, loaded(), chosen.half)
    random.Random(0).shuffle(inputs)
    inputs = [spoken for spoken in inputs if spoken.group.startswith(tuple(chosen.group))]
    rows: list[Answer] = []
    with chosen.json.open("w") if chosen.json else nullcontext() as file:
        for row in answers(inputs[: chosen.limit or len(inputs)], systems_of(checkpoint, loaded, not chosen.no_plain)):
            rows.append(row)
            if file:
                print(json.dumps(asdict(row), ensure_ascii=False), file=file, flush=True)
    print("\n".join(table(rows)))
    minutes = (time.perf_counter() - start) / 60
    print(f"{loaded().device}, {torch.get_num_threads()} threads, half {chosen.half}, {minutes:.1f} minutes")


if __name__ == "__main__":
    main()
