"""Controller of the search while a query is spoken: what was said so far is transcribed and searched again and again.

Blocks of sound go into the microphone's queue as ever; transcribing and searching happen on a job's thread, one after
the other. The recording that ends is transcribed and searched as without it.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from brewclip_app import tasks
from brewclip_app.capture.recording import SoFar
from brewclip_app.controller import Controller
from brewclip_app.panels.search import search_job
from brewclip_app.panels.search.query import HitLimits, Query
from brewclip_app.panels.search.state import SearchAnswer
from core.errors import BrewclipError
from core.progress import JobCancelled, Report

if TYPE_CHECKING:
    import numpy as np

    from brewclip_app.base_context import BaseContext
    from brewclip_app.capture.push_to_talk import PushToTalk
    from core.asr.transcript import PartialTranscript

KEY = "live-search"  # of the jobs
FIRST_S = 1.0  # seconds of sound before the first partial transcript
EVERY_S = 0.25  # at least, from one to the next
PAUSE_S = 1.2  # of silence after words, which ends a recording without hands
FRAME_S = 0.05
SILENT = 0.1  # of the loudest frame's level, below which a frame is silence


@dataclass(frozen=True, eq=False)
class LiveState:
    """Words of the recording so far, of which `sure` are as in the transcript before, and the answer to them."""

    words: str = ""
    sure: int = 0
    answer: SearchAnswer | None = None


@dataclass(frozen=True, eq=False)
class PartialAnswer:
    """Outcome of one partial transcript; `answer` is None where its words are those of the one before."""

    transcript: "PartialTranscript"
    answer: SearchAnswer | None
    paused: bool


class LiveSearch(Controller[LiveState]):
    """Follows one recording at a time, from `start` until it ends or `stop`; only with loaded models."""

    def __init__(self, context: "BaseContext", voice: "PushToTalk", parent: QObject | None = None) -> None:
        super().__init__(LiveState(), parent)
        self._context, self._voice = context, voice
        self._task: asyncio.Task[None] | None = None

    def start(self, query_of: Callable[[str], Query], limits: HitLimits, all_copies: bool) -> None:
        """Follow the recording that has begun; `query_of` makes the query of its words."""
        self.stop()
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
        previous: PartialTranscript | None = None
        follows = bool(self._context.settings["search.live"])
        while self._voice.is_recording():
            began = monotonic()
            so_far = self._voice.microphone.so_far()
            if so_far is not None and so_far.seconds >= FIRST_S and self._is_loaded():
                try:
                    heard = await self._context.jobs.run("Searching while you speak", partial(
                        partial_answer, self._context, so_far, previous, self.state.words,
                        query_of if follows else None, limits, all_copies), key=KEY, quiet=True)
                except BrewclipError:  # told when the whole recording is searched
                    heard = None
                except JobCancelled:
                    return
                if heard is not None and self._voice.is_recording():
                    previous, words = heard.transcript, heard.transcript.text
                    if heard.answer is not None:
                        self._set(words=words, sure=_same_words(self.state.words, words), answer=heard.answer)
                    if heard.paused and self._context.settings["search.hands_free"] and not self._voice.is_held:
                        self._voice.microphone.stop()
            await asyncio.sleep(max(0.0, began + EVERY_S - monotonic()))

    def _is_loaded(self) -> bool:
        status = self._context.explorer.status()
        return bool(status.speech_loaded and status.backbone_loaded)


def partial_answer(context: "BaseContext", so_far: SoFar, previous: "PartialTranscript | None", before: str,
                   query_of: Callable[[str], Query] | None, limits: HitLimits, all_copies: bool, report: Report
                   ) -> PartialAnswer:
    """Transcribe a recording in progress, and search with its words unless they are those `before`.

    Without `query_of` nothing is searched.
    """
    from core import audio

    samples = so_far.samples
    transcript = context.explorer.transcribe_partial(audio.from_samples(samples, so_far.rate), previous, report)
    words, answer = transcript.text, None
    paused = bool(words) and pauses(samples, so_far.rate)
    if words and words != before and query_of is not None:
        query = query_of(words)
        top = int(context.settings["search.top"])
        answer = SearchAnswer(query, search_job.search(context.explorer, query, context.gallery, top, limits, False,
                                                       all_copies, report))
    return PartialAnswer(transcript, answer, paused)


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
