"""Controller of the search while a query is spoken: what was said so far is transcribed and searched again and again.

Blocks of sound go into the microphone's queue as ever; transcribing and searching happen on a job's thread, one after
the other. Where the sound ends, be it between two words, the transcript of all until there is computed as if the
recording had ended: if no sound follows, it is the last one, and there when the key is released. The words are those
without search while speaking.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, TypeVar

from PySide6.QtCore import QObject

from brewclip_app import tasks
from brewclip_app.capture.recording import SoFar
from brewclip_app.controller import Controller
from brewclip_app.localisation import _
from brewclip_app.panels.search import search_job
from brewclip_app.panels.search.query import HitLimits, Query
from brewclip_app.panels.search.state import SearchAnswer
from core.errors import BrewclipError
from core.progress import Report

if TYPE_CHECKING:
    import numpy as np

    from brewclip_app.base_context import BaseContext
    from brewclip_app.capture.push_to_talk import PushToTalk
    from core.asr.transcript import PartialTranscript, Transcript

Spoken = TypeVar("Spoken", "PartialTranscript", "Transcript")
Searched = Callable[[str, Report], SearchAnswer]  # of words
KEY = "live-search"  # of the jobs
FIRST_S = 1.0  # seconds of sound before the first partial transcript
EVERY_S = 0.25  # at least, from one to the next
LOOK_S = 0.02  # from one look at the recording to the next
PAUSE_S = 1.2  # of silence after words, which ends a recording without hands
FRAME_S = 0.05
SILENT = 0.1  # of the loudest frame's level, below which a frame is silence


@dataclass(frozen=True, eq=False)
class LiveState:
    """Words of the recording so far, of which `sure` are as in the transcript before, and the answer to them."""

    words: str = ""
    sure: int = 0
    answer: SearchAnswer | None = None


class LiveSearch(Controller[LiveState]):
    """Follows one recording at a time, from `start` until it ends or `stop`; only with loaded models."""

    def __init__(self, context: "BaseContext", voice: "PushToTalk", parent: QObject | None = None) -> None:
        super().__init__(LiveState(), parent)
        self._context, self._voice = context, voice
        self._task: asyncio.Task[None] | None = None
        self._has_words = False  # in the latest transcript
        self._shown = -EVERY_S  # when hits were shown last

    def start(self, query_of: Callable[[str], Query], limits: HitLimits, all_copies: bool) -> None:
        """Follow the recording that has begun; `query_of` makes the query of its words."""
        self.stop()
        self._has_words = False
        settings = self._context.settings
        if settings["search.live"] or settings["search.hands_free"]:
            self._task = tasks.start(self._follow(query_of, limits, all_copies))

    def stop(self) -> None:
        """Follow no recording; the words so far are dropped."""
        if self._task is not None:
            self._task.cancel()
            self._task = None
        self.state = LiveState()

    async def _follow(self, query_of: Callable[[str], Query], limits: HitLimits, all_copies: bool) -> None:
        search = partial(_searched, self._context, query_of, limits, all_copies) if (
            self._context.settings["search.live"]) else None
        previous: PartialTranscript | None = None
        began, ended = -EVERY_S, None  # the latest partial transcript; the end of the sound that was transcribed
        while self._voice.is_recording():
            so_far = self._voice.microphone.so_far()
            if so_far is not None and so_far.seconds >= FIRST_S and self._is_loaded():
                if so_far.end not in (None, ended):
                    ended = so_far.end
                    await self._transcribe(partial(transcript_at_end, self._context, so_far), search)
                elif not so_far.ends_soon and monotonic() >= began + EVERY_S:
                    began = monotonic()
                    previous = await self._transcribe(
                        partial(partial_transcript, self._context, so_far, previous), search) or previous
                self._end_at_pause(so_far)
            await asyncio.sleep(LOOK_S)

    async def _transcribe(self, transcribe: Callable[[Report], Spoken], search: Searched | None) -> Spoken | None:
        """Show the words of a transcript and, if they are new, their answer; None where there is no transcript."""
        before = self.state.words

        def work(report: Report) -> tuple[Spoken, SearchAnswer | None]:
            transcript = transcribe(report)
            words = transcript.text.strip()
            return transcript, search(words, report) if search is not None and words not in ("", before) else None

        try:
            transcript, answer = await self._context.jobs.run(_("Searching while you speak"), work, key=KEY, quiet=True)
        except BrewclipError:  # shown when the whole recording is searched
            return None
        await asyncio.sleep(max(0.0, self._shown + EVERY_S - monotonic()) if answer is not None else 0.0)
        if self._voice.is_recording():
            words = transcript.text.strip()
            self._has_words = bool(words)
            if answer is not None:
                self._shown = monotonic()
                self._set(words=words, sure=_same_words(before, words), answer=answer)
        return transcript

    def _end_at_pause(self, so_far: SoFar) -> None:
        """End a recording without hands after a pause that follows words."""
        if (self._context.settings["search.hands_free"] and self._has_words and not self._voice.is_held
                and self._voice.is_recording() and pauses(so_far.samples, so_far.rate)):
            self._voice.microphone.stop()

    def _is_loaded(self) -> bool:
        status = self._context.explorer.status()
        return bool(status.speech_loaded and status.backbone_loaded)


def partial_transcript(context: "BaseContext", so_far: SoFar, previous: "PartialTranscript | None", report: Report
                       ) -> "PartialTranscript":
    """The words so far; `previous` are those of a shorter beginning."""
    from core import audio

    return context.explorer.transcribe_partial(audio.from_samples(so_far.samples, so_far.rate), previous, report)


def transcript_at_end(context: "BaseContext", so_far: SoFar, report: Report) -> "Transcript":
    """The transcript of a recording up to the end of its sound, which is the last one if no sound follows.

    The recogniser gives way to the recording that did end, where sound has followed.
    """
    from core import audio
    from core.priority import background

    with background():
        return context.explorer.transcribe_ahead(audio.from_samples(so_far.samples[:so_far.end], so_far.rate))


def _searched(context: "BaseContext", query_of: Callable[[str], Query], limits: HitLimits, all_copies: bool, words: str,
              report: Report) -> SearchAnswer:
    query, top = query_of(words), int(context.settings["search.top"])
    return SearchAnswer(query, search_job.search(context.explorer, query, context.gallery, top, limits, False,
                                                 all_copies, report))


def pauses(samples: "np.ndarray", rate: int) -> bool:
    """Whether the last `PAUSE_S` of a recording (n,) are silence, after something louder."""
    import numpy as np

    size = round(FRAME_S * rate)
    frames = samples[:len(samples) // size * size].reshape(-1, size)
    levels = np.sqrt(np.mean(np.square(frames, dtype=np.float64), axis=1))
    last = round(PAUSE_S / FRAME_S)
    return len(levels) > last and bool(levels[-last:].max() < SILENT * levels[:-last].max())


def _same_words(before: str, now: str) -> int:
    """Number of leading words that two transcripts share, case and punctuation apart."""
    pairs = zip(before.split(), now.split(), strict=False)
    return next((place for place, pair in enumerate(pairs) if _plain(pair[0]) != _plain(pair[1])),
                min(len(before.split()), len(now.split())))


def _plain(word: str) -> str:
    return word.casefold().strip(".,;:!?…")
