"""Transcripts as subtitles, tables and TextGrid, read back by other readers."""

import itertools
import re

import av
import pytest

from core.asr.transcript import Transcript, Word
from core.asr.transcript_formats import FORMATS, LONGEST_LINE, as_srt, as_textgrid, as_tsv, as_vtt, cues


def spoken(*words, text="", original=""):
    made = tuple(Word(word, start, end, 0.9) for word, start, end in words)
    return Transcript(text or " ".join(word.text for word in made), "en", made, -0.2, 0.0, 1.0, original=original)


LONG = spoken(*((f"word{number}", number * 0.4, number * 0.4 + 0.35) for number in range(40)))
PAUSES = spoken(("Two", 0.2, 0.4), ("dogs.", 0.5, 0.9), ("A", 4.0, 4.1), ("<cat>", 4.2, 4.8))


def test_cues_end_at_pauses_and_never_grow_too_long():
    assert [(cue.start, cue.end, cue.text) for cue in cues(PAUSES, 5)] == [
        (0.2, 0.9, "Two dogs."), (4.0, 4.8, "A <cat>")]
    for cue in cues(LONG, 16):
        assert cue.end - cue.start <= 7 and cue.text.count("\n") <= 1
        assert all(len(line) <= LONGEST_LINE + 8 for line in cue.text.split("\n"))
    assert " ".join(cue.text.replace("\n", " ") for cue in cues(LONG, 16)) == LONG.text


def test_without_times_the_words_stand_over_the_whole_recording():
    translated = Transcript("a red house", "de", (), -0.2, 0.0, 1.0, original="ein rotes Haus")
    assert as_tsv(translated, 2.5) == "start\tend\ttext\n0\t2500\tein rotes Haus\n"
    silent = Transcript("", "", (), 0.0, 1.0, 0.0, reason="Nothing was said.")
    assert as_srt(silent, 1.0) == "" and as_vtt(silent, 1.0) == "WEBVTT\n" and cues(silent, 1.0) == ()


@pytest.mark.parametrize("form", ["srt", "vtt"])
@pytest.mark.parametrize("transcript", [PAUSES, LONG], ids=["pauses", "long"])
def test_subtitles_are_read_by_ffmpeg(tmp_path, form, transcript):
    path = tmp_path / f"a.{form}"
    path.write_text(FORMATS[form](transcript, 20.0), encoding="utf-8")
    with av.open(str(path)) as container:
        packets = [packet for packet in container.demux(subtitles=0) if packet.size]
    read = [(float(packet.pts * packet.time_base), float(packet.duration * packet.time_base),
             bytes(packet).decode().replace("&lt;", "<").replace("&gt;", ">")) for packet in packets]
    assert read == [(pytest.approx(cue.start), pytest.approx(cue.end - cue.start, abs=2e-3), cue.text)
                    for cue in cues(transcript, 20.0)]


def test_an_hour_has_its_place():
    assert as_srt(spoken(("late", 3661.5, 3662.0)), 4000).startswith("1\n01:01:01,500 --> 01:01:02,000\nlate")


@pytest.mark.parametrize("transcript", [PAUSES, LONG, spoken(("a", 0.0, 0.5), ("b", 0.4, 0.4), ("c", 0.3, 0.9)),
                                        spoken(('say "hi"', 0.0, 1.0))], ids=["pauses", "long", "overlap", "quotes"])
def test_the_intervals_of_a_textgrid_fill_the_recording(transcript):
    text = as_textgrid(transcript, 20.0)
    for tier in text.split("    item [")[1:]:
        times = [(float(start), float(end)) for start, end in re.findall(r"xmin = (\S+)\s+xmax = (\S+)\s+text", tier)]
        assert len(times) == int(re.search(r"intervals: size = (\d+)", tier)[1])
        assert times[0][0] == 0 and times[-1][1] == 20.0
        assert all(before[1] == after[0] and before[0] < before[1] for before, after in itertools.pairwise(times))
    words = re.findall(r'text = "((?:[^"]|"")*)"', text.split("    item [2]")[1])
    assert next(word.replace('""', '"') for word in words if word) == transcript.words[0].text
