"""Voices for the tests of hearing: espeak-ng, which the set-up installs."""

import io
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import soundfile

from core import audio
from core.asr import whisper as speech

Speak = Callable[..., audio.Waveform]


@pytest.fixture(scope="session")
def speak() -> Speak:
    """speak(text, voice="en-us", speed=150) -> the words as a Waveform."""
    def say(text: str, voice: str = "en-us", speed: int = 150) -> audio.Waveform:
        wav = subprocess.run(["espeak-ng", "-v", voice, "-s", str(speed), "--stdout", text], capture_output=True,
                             check=True).stdout
        samples, rate = soundfile.read(io.BytesIO(wav))
        return audio.from_samples(samples, rate)

    return say


@pytest.fixture(scope="session")
def recogniser(whisper_base: Path) -> speech.WhisperRecogniser:
    """Whisper base on the CPU."""
    return speech.load(whisper_base, "cpu")
