"""Transcripts as files of other programs: plain text, subtitles, tables, Praat's TextGrid.

Words and times are those of the language that was spoken; the times come from the recogniser's cross-attention.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from core.asr.transcript import Transcript, Word

LONGEST_LINE = 42  # characters, as broadcasters have it
MOST_LINES = 2
LONGEST_CUE = 7.0  # seconds
PAUSE = 0.8  # seconds between words, at which a cue ends


@dataclass(frozen=True)
class Cue:
    """Words that are shown together: seconds, and lines of text."""

    start: float
    end: float
    text: str


def cues(transcript: Transcript, seconds: float) -> tuple[Cue, ...]:
    """Cues of a transcript, in time; one over the whole recording where its words have no times."""
    if not transcript.words:
        text = " ".join((transcript.original or transcript.text).split())
        return (Cue(0.0, seconds, text),) if text else ()
    return tuple(Cue(words[0].start, max(words[-1].end, words[0].start), _lines(words))
                 for words in _groups(transcript.words))


def _groups(words: tuple[Word, ...]) -> Iterator[list[Word]]:
    group: list[Word] = []
    for word in words:
        if group and (len(_joined([*group, word])) > LONGEST_LINE * MOST_LINES or word.start - group[-1].end >= PAUSE
                      or word.end - group[0].start > LONGEST_CUE
                      or (group[-1].text.rstrip().endswith((".", "?", "!")) and len(_joined(group)) > LONGEST_LINE)):
            yield group
            group = []
        group.append(word)
    if group:
        yield group


def _joined(words: list[Word]) -> str:
    return " ".join(word.text.strip() for word in words)


def _lines(words: list[Word]) -> str:
    """The words in one line, or in two of about one length."""
    text = _joined(words)
    if len(text) <= LONGEST_LINE:
        return text
    breaks = [place for place, letter in enumerate(text) if letter == " "]
    middle = min(breaks, key=lambda place: abs(place - len(text) / 2), default=0)
    return f"{text[:middle]}\n{text[middle + 1:]}" if middle else text


def as_text(transcript: Transcript, seconds: float) -> str:
    """The words, as a query uses them."""
    return f"{transcript.text}\n" if transcript.text else ""


def as_srt(transcript: Transcript, seconds: float) -> str:
    """SubRip subtitles."""
    return "\n".join(f"{number}\n{_clock(cue.start, ',')} --> {_clock(cue.end, ',')}\n{cue.text}\n"
                     for number, cue in enumerate(cues(transcript, seconds), 1))


def as_vtt(transcript: Transcript, seconds: float) -> str:
    """WebVTT subtitles; what would be markup is escaped."""
    parts = [f"{_clock(cue.start, '.')} --> {_clock(cue.end, '.')}\n{_escaped(cue.text)}\n"
             for cue in cues(transcript, seconds)]
    return "\n".join(["WEBVTT\n", *parts])


def as_tsv(transcript: Transcript, seconds: float) -> str:
    """One cue a line, start and end in milliseconds, as openai-whisper writes it."""
    rows = [f"{round(cue.start * 1000)}\t{round(cue.end * 1000)}\t{_one_line(cue.text)}"
            for cue in cues(transcript, seconds)]
    return "\n".join(["start\tend\ttext", *rows]) + "\n"


def as_textgrid(transcript: Transcript, seconds: float) -> str:
    """Praat's TextGrid with two interval tiers, the cues and the words, both without gaps as Praat wants them."""
    tiers = (("cues", [(cue.start, cue.end, _one_line(cue.text)) for cue in cues(transcript, seconds)]),
             ("words", [(word.start, word.end, word.text.strip()) for word in transcript.words]))
    end = max(seconds, *(end for _, parts in tiers for _, end, _ in parts), 0.0)
    lines = ['File type = "ooTextFile"', 'Object class = "TextGrid"', "", "xmin = 0", f"xmax = {end:.3f}",
             "tiers? <exists>", f"size = {len(tiers)}", "item []:"]
    for number, (name, parts) in enumerate(tiers, 1):
        filled = _without_gaps(parts, end)
        lines += [f"    item [{number}]:", '        class = "IntervalTier"', f'        name = "{name}"',
                  "        xmin = 0", f"        xmax = {end:.3f}", f"        intervals: size = {len(filled)}"]
        for place, (start, stop, text) in enumerate(filled, 1):
            quoted = text.replace('"', '""')
            lines += [f"        intervals [{place}]:", f"            xmin = {start:.3f}",
                      f"            xmax = {stop:.3f}", f'            text = "{quoted}"']
    return "\n".join(lines) + "\n"


def _without_gaps(parts: list[tuple[float, float, str]], end: float) -> list[tuple[float, float, str]]:
    """Intervals that follow each other from 0 to the end; what overlaps or has no length is moved or left out."""
    filled: list[tuple[float, float, str]] = []
    now = 0.0
    for start, stop, text in parts:
        start, stop = round(max(start, now), 3), round(min(stop, end), 3)
        if stop <= start:
            continue
        if start > now:
            filled.append((now, start, ""))
        filled.append((start, stop, text))
        now = stop
    return [*filled, (now, end, "")] if now < round(end, 3) or not filled else filled


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _clock(seconds: float, point: str) -> str:
    milliseconds = round(seconds * 1000)
    hours, rest = divmod(milliseconds, 3_600_000)
    minutes, rest = divmod(rest, 60_000)
    return f"{hours:02}:{minutes:02}:{rest // 1000:02}{point}{rest % 1000:03}"


FORMATS: Mapping[str, Callable[[Transcript, float], str]] = {
    "txt": as_text, "srt": as_srt, "vtt": as_vtt, "tsv": as_tsv, "textgrid": as_textgrid}
