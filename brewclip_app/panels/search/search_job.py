"""Work of a search, for jobs: transcribe, search, remember. Nothing here touches the window."""

import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

from brewclip_app.localisation import _
from brewclip_app.panels.search.query import HitLimits, Query, from_history, to_history
from core.errors import AudioError, BrewclipError
from core.progress import Progress, Report, WorkStep

if TYPE_CHECKING:
    from brewclip_app.base_context import BaseContext
    from core.asr.transcript import Transcript
    from core.audio import Waveform
    from core.explorer import Explorer, Filter, SearchResult
    from core.store.records import QueryRecord, SavedSearch

MOST_QUERIES = 1000  # of the history
_history = threading.Lock()


def transcribe(context: "BaseContext", waveform: "Waveform", report: Report) -> "tuple[Transcript, float]":
    """Transcript of a recording, and the seconds it took without loading the recogniser."""
    explorer = context.explorer
    if not (status := explorer.status()).speech_loaded:  # another job may be loading it: that reports there
        report(Progress(WorkStep.LOADING, subject=status.speech or _("the recogniser")))
    explorer.recogniser(report)
    report(Progress(WorkStep.TRANSCRIBING))
    began = perf_counter()
    transcript = explorer.transcribe_query(waveform, report)
    return transcript, perf_counter() - began


def search(explorer: "Explorer", query: Query, gallery: str, top: int, limits: HitLimits, exact: bool,
           all_copies: bool, report: Report) -> "SearchResult":
    """Search a gallery; `exact` compares every image, `all_copies` makes each of several identical files a hit."""
    status = explorer.status()
    report(Progress(WorkStep.SEARCHING) if status.backbone_loaded else
           Progress(WorkStep.LOADING, subject=status.backbone))
    return explorer.search(gallery, query.terms(), top,
                           filter_of(limits), report, exact=exact, all_copies=all_copies)


def filter_of(limits: HitLimits) -> "Filter":
    """The filter of the limits that the panel shows."""
    from core.explorer import Filter

    return Filter(limits.tag, Path(limits.folder) if limits.folder else None, limits.name, *limits.taken,
                  limits.min_rating)


def remember(explorer: "Explorer", query: Query, gallery: str, result: "SearchResult",
             on_failed: Callable[[BrewclipError], object]) -> None:
    """Add a query to the history unless it is the latest there; a failure costs the history only."""
    with _history:
        try:
            terms = to_history(query)
            latest = explorer.store.queries(1)
            if not latest or (latest[0].terms, latest[0].gallery) != (terms, gallery):
                explorer.remember(result, terms)
        except BrewclipError as error:
            on_failed(error)


def read_recordings(record: "QueryRecord | SavedSearch") -> "dict[int, Waveform]":
    """Recordings of a query's spoken terms by their index, but those that are gone."""
    from core import audio

    waveforms = {}
    for at, path in record.recordings.items():
        with suppress(AudioError):
            waveforms[at] = audio.read(path)
    return waveforms


def restored(explorer: "Explorer", record: "QueryRecord | SavedSearch") -> Query:
    """A query of the history or a saved one with its recordings and transcripts, as far as they are kept.

    ValueError, TypeError, KeyError: it was kept by another version.
    """
    from core.asr.transcript import Transcript

    stored = [each for path in record.recordings.values() for each in explorer.store.transcripts_of(path.stem)]
    transcripts = [transcript for each in stored if (transcript := Transcript.kept(each)) is not None]
    return from_history(record.terms, read_recordings(record), transcripts)


def restored_last(explorer: "Explorer", terms: str, gallery: str) -> Query:
    """The latest query of the history with these terms, as `restored`; where there is none, its words."""
    records = explorer.store.queries(MOST_QUERIES)
    record = next((each for each in records if (each.terms, each.gallery) == (terms, gallery)), None)
    return restored(explorer, record) if record is not None else from_history(terms)
