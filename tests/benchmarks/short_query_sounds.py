"""Inputs of `short_queries`: cut human words, synthetic words in four languages, and noises; all made at run time."""

import io
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import soundfile
from whisper.normalizers import EnglishTextNormalizer

from core import audio, datasets
from core.asr.recogniser import Recogniser
from core.asr.transcript import TranscriptionOptions, Word
from core.audio import RATE, Samples, Waveform
from core.datasets.ravdess import ActedUtterance

Half = Literal["tune", "test"]
HALVES: tuple[Half, Half] = ("tune", "test")

NOUNS = {
    "en": """giraffe elephant dog cat bird horse duck rabbit butterfly lion tiger bear sheep cow owl crow pigeon bee
        spider snake turtle dolphin whale shark flower rose tree forest mountain river lake beach sunset snow cloud
        rainbow bridge castle church tower window door street car bicycle train boat airplane bus truck motorcycle
        child baby woman wedding dancer soldier football guitar piano book chair table lamp clock coffee pizza
        apple banana bread cake""",
    "de": """Hund Katze Pferd Vogel Schmetterling Blume Baum Berg Fluss Strand Fahrrad Kirche Haus Kind Apfel""",
    "es": """perro gato caballo mariposa flor árbol montaña río playa puente iglesia niño coche manzana rojo""",
    "fr": """chien chat cheval papillon fleur arbre montagne rivière plage pont église enfant voiture pomme neige""",
}
PHRASES = {
    "en": ("red flower", "black dog", "white horse", "old bridge", "blue car", "green tree", "small boat", "big cat",
           "yellow bird", "snowy mountain", "two children", "three ducks", "wooden table", "empty street",
           "night sky", "ducks, ducks", "a giraffe", "a red flower", "no, no, no", "happy baby"),
    "de": ("roter Apfel", "kleiner Hund", "alte Kirche", "blaues Auto", "zwei Kinder"),
    "es": ("perro negro", "flor roja", "casa blanca", "dos niños", "coche azul"),
    "fr": ("chat noir", "fleur rouge", "maison blanche", "deux enfants", "voiture bleue"),
}
VOICES = {"en": ("en-us", "en-gb", "en-us+f3", "en-gb+m3"), "de": ("de", "de+f3"), "es": ("es", "es-419+f3"),
          "fr": ("fr", "fr+f3")}
SPEED = 145  # words a minute
CONTENT = ({"kids", "talking", "door"}, {"dogs", "sitting", "door"})  # what one would search for, by RAVDESS' statement
# Seconds around the aligner's times in which a cut is made, where it is quietest; the ends of words come early.
START, END = (-0.06, 0.04), (-0.02, 0.1)
LEVELS = (-10, -35)  # dB of noises' peaks, in turns
PAD = 0.15  # seconds of the recording's own room before and after a cut
FADE = RATE // 100
plain = EnglishTextNormalizer()


@dataclass(frozen=True, eq=False)
class Spoken:
    """One input. `text` is "" for noise; thresholds are chosen on the half "tune" and reported on "test"."""

    group: str
    language: str
    text: str
    half: Half
    waveform: Waveform


def human(folder: Path, recogniser: Recogniser, half: str = "all") -> list[Spoken]:
    """Two words and a pair of words of each neutral or calm recording of RAVDESS, cut by word times.

    The second repetition of a sentence is left out, and so is a recording that is not transcribed word by word.
    """
    rows = [row for row in datasets.load(folder, "ravdess").utterances if isinstance(row, ActedUtterance)
            and row.emotion in ("neutral", "calm") and row.repetition == 1 and half in ("all", _half(row))]
    rows.sort(key=lambda row: row.utterance_id)
    waves = [audio.read(row.recording) for row in rows if row.recording]
    heard = recogniser.transcribe(waves, TranscriptionOptions(language="en", translate=False))
    cut: list[Spoken] = []
    for number, (row, wave, one) in enumerate(zip(rows, waves, heard, strict=True)):
        words = one.transcript.words
        if [plain(word.text) for word in words] != plain(row.caption).split():
            continue
        places = [at for at, word in enumerate(words) if plain(word.text) in CONTENT[row.statement - 1]]
        del places[number % 3]
        cut += [_cut("human word", _half(row), wave, words, (place,)) for place in places]
        first = number % (len(words) - 1)
        cut.append(_cut("human pair", _half(row), wave, words, (first, first + 1)))
    return cut


def _half(row: ActedUtterance) -> Half:
    """By the actor: two women and two men of the eight in each."""
    return HALVES[row.actor // 2 % 2]


def _cut(group: str, half: Half, wave: Waveform, words: Sequence[Word], places: Sequence[int]) -> Spoken:
    """The words at neighbouring places, cut where it is quietest near their times, in the room of the recording."""
    samples, first, last = wave.samples, places[0], places[-1]
    start = _quietest(samples, words[first].start, START) if first else _onset(samples)
    stop = _quietest(samples, words[last].end, END)
    sound = samples[start:stop].copy()
    sound[:FADE] *= np.linspace(0, 1, FADE, dtype=np.float32)
    sound[-FADE:] *= np.linspace(1, 0, FADE, dtype=np.float32)
    room = samples[: round(PAD * RATE)]
    text = plain(" ".join(words[place].text for place in places))
    return Spoken(group, "en", text, half, Waveform(np.concatenate([room, sound, room])))


def _quietest(samples: Samples, seconds: float, within: tuple[float, float]) -> int:
    """The middle of the quietest 20 ms around a time."""
    width = RATE // 50
    low, high = (round((seconds + side) * RATE) - width // 2 for side in within)
    starts = range(max(0, low), max(1, min(len(samples) - width, high)), width // 4)
    return min(starts, key=lambda at: float(np.square(samples[at : at + width]).sum())) + width // 2


def _onset(samples: Samples) -> int:
    """Where the voice begins: the first word's time reaches back into the silence before it."""
    loud = np.flatnonzero(np.abs(samples) > 0.03 * np.abs(samples).max())
    return max(0, int(loud[0]) - RATE // 20)


def synthetic() -> list[Spoken]:
    """Single nouns and phrases by espeak-ng, its voices in turn."""
    made = []
    for language, nouns in NOUNS.items():
        for group, texts in (("word", nouns.split()), ("phrase", PHRASES[language])):
            for at, text in enumerate(texts):
                voice = VOICES[language][at // 2 % len(VOICES[language])]
                made.append(Spoken(f"{group} {language}", language, text, HALVES[at % 2], say(text, voice)))
    return made


def say(text: str, voice: str) -> Waveform:
    """The text, spoken by a voice of espeak-ng."""
    wav = subprocess.run(["espeak-ng", "-v", voice, "-s", str(SPEED), "--stdout", text], capture_output=True,
                         check=True).stdout
    samples, rate = soundfile.read(io.BytesIO(wav))
    return audio.from_samples(samples, rate)


def noises(voices: Sequence[Waveform]) -> list[Spoken]:
    """Sounds without words, short as a query is, loud and quiet; `voices` are mixed to babble."""
    found = []
    for seed, half in enumerate(HALVES):
        for seconds in (0.7, 2.0):
            for name, sound in _noises(np.random.default_rng(seed), round(seconds * RATE), voices):
                scaled = 10 ** (LEVELS[len(found) % 2] / 20) * sound / max(1e-9, float(np.abs(sound).max()))
                kind = "babble" if name == "babble" else "noise"
                found.append(Spoken(kind, "", "", half, Waveform(scaled.astype(np.float32))))
    return found


def _noises(random: np.random.Generator, length: int, voices: Sequence[Waveform]) -> Iterator[tuple[str, Samples]]:
    times = np.arange(length) / RATE
    white = random.standard_normal(length)
    spectrum = np.fft.rfft(white)
    hertz = np.fft.rfftfreq(length, 1 / RATE)
    yield "white", white.astype(np.float32)
    yield "pink", np.fft.irfft(spectrum / np.sqrt(hertz + 20), length).astype(np.float32)
    yield "room", np.fft.irfft(spectrum / (hertz + 60), length).astype(np.float32)
    clicks = np.zeros(length, np.float32)
    clicks[random.integers(0, length, 5)] = 1
    yield "clicks", clicks + np.float32(1e-4) * white.astype(np.float32)
    start = length // 5
    after = np.clip(times - times[start], 0, None)
    modes = sum(np.sin(2 * np.pi * pitch * after + random.uniform(0, 6)) for pitch in random.uniform(60, 260, 6))
    thud = np.fft.irfft(spectrum / (1 + (hertz / 400) ** 2), length)
    slam = (modes * np.exp(-9 * after) + 4 * thud * np.exp(-25 * after)) * (times >= times[start])
    yield "door slam", (slam + 1e-3 * white).astype(np.float32)
    yield "hum", (np.sin(2 * np.pi * 50 * times) + 0.3 * np.sin(2 * np.pi * 150 * times)).astype(np.float32)
    yield "breath", (white * np.sin(np.pi * times / times[-1]) ** 4).astype(np.float32)
    knocks = sum(np.exp(-60 * np.clip(times - at, 0, None)) * (times >= at) for at in np.arange(0.1, times[-1], 0.25))
    yield "knocks", (knocks * thud).astype(np.float32)
    if len(voices) >= 8:
        chosen = [voices[at].samples for at in random.choice(len(voices), 8, replace=False)]
        # from within the sentence, each at a place of its own
        yield "babble", np.sum([np.resize(one[RATE + random.integers(0, RATE // 2) : 3 * RATE], length)
                                for one in chosen], axis=0, dtype=np.float32)
