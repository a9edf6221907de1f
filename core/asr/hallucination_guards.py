"""Guards against hallucinated text: Whisper answers noise with "you" or "Thank you." (it learned from subtitles).

The thresholds were set between noises, hums, tones, clicks and music at -60 to -6 dB (no-speech probability 0.47 to
0.96, mean logprob mostly under -0.85) and speech, clear, emotional, quiet and in noise down to 5 dB (0 to 0.52, over
-0.6); where one of the two overlaps the other tells them apart.
"""

from dataclasses import dataclass

import numpy as np

from core.audio import RATE, Samples

SILENT = "Nothing can be heard in the recording. Is the microphone muted?"
NO_SPEECH = "Only noise was heard, no words. Speak closer to the microphone."
NOT_WORDS = "Something was heard, but no words could be made out. Try once more, a little slower."

# Whisper's texts where nobody speaks, in lower case and without punctuation.
PHANTOMS = frozenset({
    "applause", "beep", "bye bye", "bye", "hmm", "i", "ill see you next time", "im sorry", "music", "oh", "okay",
    "please subscribe", "see you in the next video", "see you next time", "silence", "so", "subscribe",
    "subtitles by the amaraorg community", "thank you for listening", "thank you for watching", "thank you so much",
    "thank you very much", "thank you", "thanks for listening", "thanks for watching", "thanks", "the",
    "untertitel der amaraorg community", "you", "ご視聴ありがとうございました", "시청해 주셔서 감사합니다", "谢谢观看",
})

FRAME = RATE // 50  # samples
QUIETEST_VOICE = -90.0  # dB: under it even the loudest frames hold nothing that could be made out
STEADY = 4.0  # dB between loud and quiet frames; speech, even in as much noise, has more
PITCHES = (70, 400)  # Hz that voices have
PERIODIC = 0.6  # autocorrelation of a frame that has a pitch
VOICED = 0.25  # share of the loud frames with a pitch, over which a sound may be a voice

# A clear voice, sure: what the noises, hums, tones and melodies that were tried never are all at once.
CLEAR_LEVEL = -55.0  # dB
CLEAR_SPREAD = 12.0  # dB; syllables rise from a room
CLEAR_VOICED = 0.15  # share of the loud frames: "ducks, ducks" is mostly consonants
CLEAR_SECONDS = 0.1  # with a pitch: a short vowel
# A likely voice: a word of a person who speaks softly, or one of consonants ("kids", "sitting"). Clicks, breath and
# knocks have no pitch at all; a door that slams has one, and texts of which Whisper itself is less sure.
LIKELY_LEVEL = -72.0  # dB
LIKELY_SPREAD = 18.0  # dB
LIKELY_PITCH_SECONDS = 0.02
LIKELY_SECONDS = 0.15
LIKELY_DOUBTED = 0.6
LIKELY_DOUBTED_PHANTOM = 0.25
LIKELY_GIBBERISH = -1.7
DOUBTED = 0.65  # no-speech probability over which even a clear voice is taken for a melody; melodies have 0.74
DOUBTED_PHANTOM = 0.4  # the same where the text is one of those that Whisper invents
GIBBERISH = -2.5  # mean log probability under which no word of a text is right


@dataclass(frozen=True)
class Sound:
    """Features of the waveform alone.

    `level` is that of its loud frames and `spread` reaches from those to the quiet ones, in dB; `voiced` is the share
    of the loud frames that have the pitch of a voice, 0..1. `seconds`: the loud frames together.
    """

    level: float
    spread: float
    voiced: float
    seconds: float = 1.0

    @property
    def silent(self) -> bool:
        """Nothing is audible: digital silence, a constant, or the noise of the converter alone."""
        return self.level < QUIETEST_VOICE

    @property
    def steady(self) -> bool:
        """Whether the level is steady, as of noise and hum, unlike voices."""
        return self.spread < STEADY

    @property
    def like_a_voice(self) -> bool:
        """Whether it may be a voice or a melody: no noise, hum or click."""
        return self.voiced >= VOICED and not self.steady

    @property
    def clear_voice(self) -> bool:
        """Whether it is speech: loud enough, in syllables, with a pitch, and at least as long as a vowel."""
        return (self.level >= CLEAR_LEVEL and self.spread >= CLEAR_SPREAD and self.voiced >= CLEAR_VOICED
                and self.voiced * self.seconds >= CLEAR_SECONDS)

    @property
    def likely_voice(self) -> bool:
        """Whether it may be a voice: quiet, or with little pitch, but neither noise nor a click."""
        return (self.level >= LIKELY_LEVEL and self.spread >= LIKELY_SPREAD and self.seconds >= LIKELY_SECONDS
                and self.voiced * self.seconds >= LIKELY_PITCH_SECONDS)


@dataclass(frozen=True)
class Evidence:
    """Features of one window's decoding. `looped`: it did not end by itself."""

    text: str
    avg_logprob: float
    no_speech: float
    looped: bool


def sound_of(samples: Samples) -> Sound:
    """Levels of (n,) samples in frames of 20 ms, low tones and constants filtered out."""
    bright = samples[1:] - np.float32(0.97) * samples[:-1]
    if len(bright) < 2 * FRAME:
        return Sound(-120.0, 0.0, 0.0)
    frames = np.lib.stride_tricks.sliding_window_view(bright, 2 * FRAME)[::FRAME]  # 40 ms: three periods of a low voice
    power = 10 * np.log10(np.square(frames).mean(axis=1) + 1e-12)
    low, high = np.percentile(power, (10, 95))
    loud = frames[power > high - 20]
    return Sound(float(high), float(high - low), _voiced(loud), len(loud) * FRAME / RATE)


def _voiced(frames: Samples) -> float:
    """The share of (frames, samples) that repeat themselves at the pitch of a voice."""
    length = frames.shape[1]
    spectrum = np.fft.rfft(frames * np.hanning(length), 2 * length)
    window = np.fft.irfft(np.square(np.abs(np.fft.rfft(np.hanning(length), 2 * length))))
    alike = np.fft.irfft(np.square(np.abs(spectrum))) / window.clip(min=1e-9)
    lags = alike[:, RATE // PITCHES[1] : RATE // PITCHES[0]]
    return float((lags.max(axis=1) > PERIODIC * alike[:, 0].clip(min=1e-15)).mean())


def why_empty(sound: Sound, evidence: Evidence) -> str:
    """"" when the text can be believed, else the sentence that says why it cannot."""
    plain = _plain(evidence.text)
    if not plain.replace(" ", ""):
        return NO_SPEECH
    unlikely, doubted = evidence.avg_logprob, evidence.no_speech
    lenient = sound.like_a_voice and doubted < 0.6  # short words of a real voice are unlikely too
    believable = 0.7 * doubted - (1.05 if lenient else 0.75)
    if doubted >= 0.4 and unlikely < believable:
        return NO_SPEECH
    if sound.steady and doubted >= 0.25 and unlikely < -0.3:
        return NO_SPEECH
    if plain in PHANTOMS and (doubted >= 0.3 or unlikely < -0.7):
        return NO_SPEECH
    if unlikely < -1.3 or (evidence.looped and doubted >= 0.25):
        return NOT_WORDS
    return ""


def is_worth_showing(sound: Sound, evidence: Evidence) -> bool:
    """Whether a text that `why_empty` refuses is still the best guess at the words of a voice."""
    plain = _plain(evidence.text)
    if not plain.replace(" ", ""):
        return False
    phantom = plain in PHANTOMS
    clear = (sound.clear_voice and evidence.no_speech < (DOUBTED_PHANTOM if phantom else DOUBTED)
             and evidence.avg_logprob > GIBBERISH)
    return clear or (sound.likely_voice and evidence.avg_logprob > LIKELY_GIBBERISH
                     and evidence.no_speech < (LIKELY_DOUBTED_PHANTOM if phantom else LIKELY_DOUBTED))


def _plain(text: str) -> str:
    """Lower case, letters, digits and spaces alone."""
    return "".join(letter for letter in text.lower() if letter.isalnum() or letter == " ").strip()
