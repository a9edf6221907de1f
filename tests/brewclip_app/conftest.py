"""What the tests of the Search panel share: drawn pictures, hits, and a sound system without hardware."""

import asyncio
import gc
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import soundfile
from PIL import Image, ImageDraw

from brewclip_app import qt_imports, tasks
from brewclip_app.capture.sound import SoundThread
from brewclip_app.context import Context
from core.audio import RATE, Waveform, from_samples
from core.evaluation import archive, evaluate
from core.evaluation.metrics import metrics
from core.evaluation.records import DIRECTIONS, EvaluationRecord, Setup, SplitImage, Summary, UtteranceFacts, WordErrors
from core.features.noise import CLEAN, Condition
from core.home import Home
from core.search.queries import Hit, MatchSignificance, ScoreShare
from core.store.records import ImageRecord
from core.store.store import Store

RATE_OF_DEVICE = 48_000


@pytest.fixture(scope="session", autouse=True)
def qt_modules(qapp: object) -> None:
    """Import Qt's modules before any job imports, as the application does: later the two can deadlock."""
    qt_imports.start()


@pytest.fixture(scope="module", autouse=True)
def collected_here() -> Iterator[None]:
    """Collect garbage between tests on this thread, as the application does: on a job's thread widgets would crash."""
    gc.disable()
    yield
    gc.collect()
    gc.enable()


@pytest.fixture(autouse=True)
def coroutines(qapp: object) -> Iterator[None]:
    """Let coroutines of the window run in this test, fail it when one fails, and leave asyncio free for other tests."""
    failed: list[dict[str, Any]] = []
    asyncio.events._set_running_loop(tasks.loop())
    tasks.loop().set_exception_handler(lambda loop, facts: failed.append(facts))
    yield
    tasks.abandon()
    asyncio.events._set_running_loop(None)
    gc.collect(1)
    assert not failed, failed


@pytest.fixture(autouse=True)
def no_export(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep windows from making an export of Whisper in the background, which takes a processor for half a minute."""
    monkeypatch.setattr("brewclip_app.panels.search.readiness.prepare_apart", lambda home, title, report: None)


@pytest.fixture
def store_context(home: Home, qapp: object) -> Iterator[Context]:
    """The window's context over a store alone: no model can be loaded."""
    store = Store.open(home.store)
    made = Context(home, SimpleNamespace(store=store, close=store.close, use_settings=lambda settings: None,
                                         workspace=SimpleNamespace(store=store)))
    yield made
    assert made.jobs.shutdown(20)
    made.close()


@pytest.fixture
def pictures(tmp_path: Path) -> list[Path]:
    """Three drawn pictures of different shapes and colours."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    paths = []
    for name, size, colour in (("red square.png", (300, 300), "red"), ("green wide.jpg", (400, 200), "green"),
                               ("blue high.png", (120, 360), "blue")):
        picture = Image.new("RGB", size, "white")
        ImageDraw.Draw(picture).rectangle((size[0] // 4, size[1] // 4, size[0] // 2, size[1] // 2), fill=colour)
        picture.save(folder / name)
        paths.append(folder / name)
    return paths


@pytest.fixture
def make_hit() -> Callable[..., Hit]:
    """Makes a hit: rank, path, level of strength."""

    def make(rank: int, path: Path | str = "", level: str = "strong", mtime: float | None = None,
             tags: tuple[str, ...] = ()) -> Hit:
        image = ImageRecord(rank, Path(path or f"/nowhere/picture {rank:03}.jpg"), 400, 300, 1000,
                            1e9 + rank if mtime is None else mtime, None, tags, f"hash{rank}")
        score = 0.5 / rank ** 0.2
        return Hit(rank, image, score, MatchSignificance(level, 0.002 * rank), (ScoreShare("a dog", "text", score),))  # type: ignore[arg-type]

    return make


@pytest.fixture
def tone() -> Waveform:
    """Two seconds of a sine."""
    return from_samples(0.4 * np.sin(np.arange(2 * RATE) * 0.05).astype(np.float32), RATE)


class FakeStream:
    """What sounddevice's InputStream is to the recorder; the test plays the hardware with `send`."""

    def __init__(self, sound: "FakeSound", channels: int, callback: Callable[..., None]) -> None:
        if channels not in sound.channels:
            raise sound.PortAudioError("Invalid number of channels")
        if sound.refuse:
            raise sound.PortAudioError("Device unavailable")
        self.latency, self.channels = 0.01, channels
        self.running = self.closed = False
        self._callback = callback
        sound.streams.append(self)

    def start(self) -> None:
        self.running = True

    def stop(self) -> None:
        self.running = False

    def close(self) -> None:
        self.closed = True

    def send(self, value: float, seconds: float = 0.1, overflow: bool = False) -> None:
        block = np.full((round(seconds * RATE_OF_DEVICE), self.channels), value, np.float32)
        self._callback(block, len(block), None, SimpleNamespace(input_overflow=overflow))
        block[:] = 9.0  # PortAudio uses its buffer again


class FakeSound:
    """What the sounddevice module is to the recorder."""

    class PortAudioError(Exception):
        """As sounddevice has it."""

    def __init__(self) -> None:
        self.streams: list[FakeStream] = []
        self.names = ["Built-in", "Headset"]
        self.channels = (1,)
        self.refuse = False
        self.started_again = 0
        self.default = SimpleNamespace(device=(0, 0))

    def __call__(self, again: bool = False) -> "FakeSound":
        return self

    def query_hostapis(self) -> list[dict[str, object]]:
        return [{"name": "ALSA"}]

    def query_devices(self) -> list[dict[str, object]]:
        rows = [{"name": name, "hostapi": 0, "default_samplerate": float(RATE_OF_DEVICE),
                 "max_input_channels": max(self.channels)} for name in self.names]
        return [*rows, {"name": "Loudspeaker", "hostapi": 0, "default_samplerate": 48000.0, "max_input_channels": 0}]

    def _terminate(self) -> None:
        assert all(stream.closed for stream in self.streams), "PortAudio must not be restarted under an open stream"

    def _initialize(self) -> None:
        self.started_again += 1

    def InputStream(self, *, samplerate: int, device: int, channels: int, dtype: str, latency: float,
                    callback: Callable[..., None]) -> FakeStream:
        assert samplerate == RATE_OF_DEVICE and dtype == "float32"
        stream = FakeStream(self, channels, callback)
        stream.device = device  # type: ignore[attr-defined]
        return stream


class DirectThread(SoundThread):
    """Runs at once, on the calling thread."""

    def call(self, work: Callable[[], object], then: Callable[[Future], None]) -> None:
        done: Future = Future()
        try:
            done.set_result(work())
        except Exception as error:
            done.set_exception(error)
        then(done)


@pytest.fixture
def sound() -> FakeSound:
    """A sound system with two microphones."""
    return FakeSound()


@pytest.fixture
def direct_thread(qapp: object) -> SoundThread:
    """A sound thread that is none."""
    return DirectThread()


@pytest.fixture
def make_evaluation(tmp_path: Path) -> Callable[..., object]:
    """Stores a small evaluation whose pictures and recordings are there: 10 pictures, two utterances of each."""

    def make(store: Store, condition: Condition = CLEAN, seed: int = 0, **setup: object) -> EvaluationRecord:
        draw = np.random.default_rng(seed)
        image_of = np.repeat(np.arange(10), 2)
        seen = draw.normal(size=(10, 6)).astype(np.float32)
        text = (seen[image_of] + draw.normal(scale=1.2, size=(20, 6))).astype(np.float32)
        voice = draw.normal(scale=0.4, size=(20, 6)).astype(np.float32)
        outcomes = evaluate.outcomes_of(SimpleNamespace(fused=text + voice, text=text, acoustic=voice), seen, image_of)
        figures = [metrics(outcomes[way].ranks, group) for way, group in zip(DIRECTIONS, (image_of, np.arange(10)),
                                                                             strict=True)]
        facts = {"folder": tmp_path / "flickr8k", "kind": "flickr8k", "split": "test", "model": "BrewCLIP (7)",
                 "variant": "full", "checkpoint": tmp_path / "run", "backbone": "brewclip-mini", "whisper": "base",
                 "crop": "centre", **setup}
        summary = Summary(Setup(**facts, condition=condition), *figures, WordErrors(9, 100, 20), 10, 20, 0, 0,
                                  None, "", 2.0)
        return archive.keep(store, summary, _drawn_pictures(tmp_path), _spoken(tmp_path), outcomes)

    return make


def _drawn_pictures(folder: Path) -> list[SplitImage]:
    found = []
    for number in range(10):
        path = folder / f"picture {number}.png"
        if not path.exists():
            Image.new("RGB", (60, 40), (20 * number, 90, 120)).save(path)
        found.append(SplitImage(f"image{number}", path))
    return found


def _spoken(folder: Path) -> list[UtteranceFacts]:
    found = []
    for number in range(20):
        path = folder / f"utterance {number}.wav"
        if not path.exists():
            soundfile.write(path, 0.1 * np.sin(np.arange(RATE // 4) * 0.1), RATE)
        caption = f"a dog runs over field number {number}" + " and further on" * (number % 3)
        heard = caption.replace("dog", "doll") if number % 4 == 0 else caption
        found.append(UtteranceFacts(f"utterance{number}", number // 2, f"s{number % 3}", caption, heard, path, 0.25,
                                    0.0 if heard == caption else 0.14, 0))
    return found
