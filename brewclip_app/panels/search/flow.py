"""The jobs of the Search panel: hear, search, know the gallery, load models ahead. Nothing here draws."""

import threading
from dataclasses import dataclass, field, replace
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal, Slot

from brewclip_app import wording
from brewclip_app.panels.search.filter_bar import HitLimits
from brewclip_app.panels.search.query import Query, to_history
from core.errors import BrewclipError
from core.progress import Progress, Report, WorkStep
from core.remote import is_remote
from core.search.terms import QueryTerm

if TYPE_CHECKING:
    from brewclip_app.context import Context
    from core.explorer import Explorer, Filter, SearchResult
    from core.store.records import GalleryState

KEY = "search"
MOST_FOLDERS = 60


@dataclass(frozen=True, eq=False)
class SearchAnswer:
    """What a search gave. `query` has the transcripts filled in; seconds are 0 where nothing was done."""

    query: Query
    result: "SearchResult"
    heard: float = 0.0  # seconds of voice
    recognising: float = 0.0
    searching: float = 0.0  # without loading models and embedding

    @property
    def words(self) -> str:
        """ "Heard 2.4 s · recognised in 0.8 s · searched 8 091 in 3 ms"."""
        parts = []
        if self.heard:
            parts = [f"Heard {wording.duration(self.heard)}", f"recognised in {wording.duration(self.recognising)}"]
        milliseconds = self.searching * 1000
        took = f"{max(1, round(milliseconds))} ms" if milliseconds < 1000 else wording.duration(self.searching)
        parts.append(f"searched {wording.count(self.result.total)} in {took}")
        line = " · ".join(parts)
        line = line[:1].upper() + line[1:]
        return f"{line} · approximately" if self.result.approximate else line


@dataclass(frozen=True)
class GalleryView:
    """What the panel knows of the galleries; `state` is of the current one, None when there is none."""

    names: tuple[str, ...] = ()
    state: "GalleryState | None" = None
    tags: tuple[tuple[str, int], ...] = ()
    folders: tuple[Path, ...] = ()
    found: int = 0  # pictures that the gallery will have once the indexing run that has not ended is over

    @property
    def words(self) -> str:
        """ "Gallery Holiday pictures · 8 091 of 8 094 indexed"."""
        if self.state is None:
            return "No gallery yet" if not self.names else ""
        state = self.state
        return (f"Gallery {state.gallery.name} · {wording.count(state.indexed)} of "
                f"{wording.count(max(state.images + state.failed, self.found))} indexed")

    @property
    def unread(self) -> str:
        """ "3 could not be read"; "" when all could."""
        failed = self.state.failed if self.state is not None else 0
        return f"{wording.count(failed)} could not be read" if failed else ""

    @property
    def other_model(self) -> bool:
        """Whether its pictures have vectors, but none under the model that is chosen now."""
        return self.state is not None and self.state.indexed == 0 and bool(self.state.fingerprints)


@dataclass
class _Run:
    """One search on its way."""

    number: int
    query: Query
    gallery: str
    limits: HitLimits
    keep: bool  # in the history
    exact: bool = False  # compare every picture
    all_copies: bool = False  # identical files are hits of their own
    heard: float = 0.0
    recognising: float = 0.0
    terms: list[QueryTerm] = field(default_factory=list)


class SearchFlow(QObject):
    """Latest wins: what an older search finds is never shown."""

    began = Signal()
    progressed = Signal(object)  # Progress
    heard = Signal(object)  # Query with the transcript in it; results follow
    nothing_heard = Signal(object, str)  # Query, why
    found = Signal(object)  # Answer
    failed = Signal(object)
    stopped = Signal()  # by the user, before it found anything
    ended = Signal()
    gallery_known = Signal(object)  # GalleryView
    loading = Signal(str)  # what is loaded ahead; "" when all is there
    _recognised = Signal(int, object)

    def __init__(self, context: "Context", parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._context = context
        self._number = 0
        self._history_lock = threading.Lock()
        self._recognised.connect(self._tell_heard)

    def ask(self, query: Query, limits: HitLimits, keep: bool = True, exact: bool = False, all_copies: bool = False,
            ) -> None:
        """Search the current gallery; `keep` puts the query into the history, `exact` compares every picture,
        `all_copies` makes each of several identical files a hit.
        """
        self._number += 1
        run = _Run(self._number, query, self._context.gallery, limits, keep, exact, all_copies)
        self.began.emit()
        self._context.jobs.submit(
            "Searching", lambda report: self._work(run, report), key=KEY, on_done=self._done, on_failed=self._fail,
            on_progress=self.progressed.emit, on_cancelled=self._stop)

    def busy(self) -> bool:
        """Whether a search is on its way."""
        return self._context.jobs.of_key(KEY) is not None

    def cancel(self) -> bool:
        """Stop the search; whether there was one."""
        job = self._context.jobs.of_key(KEY)
        if job is not None:
            job.cancel()
        return job is not None

    def refresh_gallery(self) -> None:
        """Ask how the current gallery stands; `gallery_known` follows."""
        name = self._context.gallery
        self._context.jobs.submit("Looking at the gallery", lambda report: look_at(self._context.explorer, name),
                                  key="search-gallery", on_done=self.gallery_known.emit,
                                  on_failed=lambda error: self._context.failed.emit(error, ""), quiet=True)

    def preload(self) -> None:
        """Load the models before they are needed; what fails here is said when it is needed."""
        def load(report: Report) -> None:
            self._context.explorer.warm_up(report)

        self._context.jobs.submit("Loading models", load, key="preload", quiet=True,
                                  on_progress=lambda progress: self.loading.emit(progress.title),
                                  on_done=lambda _: self.loading.emit(""), on_cancelled=lambda: self.loading.emit(""),
                                  on_failed=lambda error: self.loading.emit(""))

    # ---- on a worker's thread

    def _work(self, run: _Run, report: Report) -> SearchAnswer | tuple[Query, str]:
        explorer = self._context.explorer
        run.terms = list(run.query.terms())
        for at, term in enumerate(run.terms):
            if not term.ready:
                reason = self._recognise(explorer, run, at, term, report)
                if reason:
                    return run.query, reason
        status = explorer.status()
        report(Progress(WorkStep.SEARCHING) if status.backbone_loaded else
               Progress(WorkStep.LOADING, subject=status.backbone))
        result = explorer.search(run.gallery, run.terms,
                                 int(self._context.settings["search.top"]), _filter(run.limits), report,
                                 exact=run.exact, all_copies=run.all_copies)
        answer = SearchAnswer(run.query, result, run.heard, run.recognising,
                              result.timings_ms.get("search", 0.0) / 1000)
        if run.keep:
            self._remember(explorer, run, result)
        return answer

    def _recognise(self, explorer: "Explorer", run: _Run, at: int, term: QueryTerm, report: Report) -> str:
        """Fill in a term's words; why there are none when there are none."""
        assert term.waveform is not None
        if not (status := explorer.status()).speech_loaded:  # another job may be loading it: that reports there
            report(Progress(WorkStep.LOADING, subject=status.speech or "the recogniser"))
        explorer.recogniser(report)  # loading it is not recognising
        report(Progress(WorkStep.TRANSCRIBING))
        began = perf_counter()
        transcript = explorer.transcribe_query(term.waveform, report)
        run.recognising += perf_counter() - began
        run.heard += term.waveform.seconds
        heard = replace(term, text=transcript.text, transcript=transcript)
        run.query = run.query.with_term(at, heard)
        run.terms[at] = heard
        self._recognised.emit(run.number, run.query)
        return "" if transcript.text else transcript.reason or "No words were found in the recording."

    def _remember(self, explorer: "Explorer", run: _Run, result: "SearchResult") -> None:
        """Into the history, once; what fails there costs the history only."""
        with self._history_lock:
            try:
                terms = to_history(run.query)
                latest = explorer.store.queries(1)
                if not latest or (latest[0].terms, latest[0].gallery) != (terms, run.gallery):
                    explorer.remember(result, terms)
            except BrewclipError as error:
                self._context.failed.emit(error, "The search itself went well; only the history misses it.")

    # ---- on the window's thread

    @Slot(int, object)
    def _tell_heard(self, number: int, query: Query) -> None:
        if number == self._number and self.busy():
            self.heard.emit(query)

    def _done(self, outcome: "SearchAnswer | tuple[Query, str]") -> None:
        self.ended.emit()
        if isinstance(outcome, SearchAnswer):
            self.found.emit(outcome)
            if self._context.indexing.job(self._context.gallery) is not None:
                self.refresh_gallery()  # what was searched and what is indexed stand side by side
        else:
            self.nothing_heard.emit(*outcome)

    def _stop(self) -> None:
        self.ended.emit()
        self.stopped.emit()

    def _fail(self, error: BaseException) -> None:
        self.ended.emit()
        self.failed.emit(error)


def look_at(explorer: "Explorer", name: str) -> GalleryView:
    """How the gallery of a name stands; of the first one when there is none of that name. In a job."""
    names = (*(gallery.name for gallery in explorer.store.galleries()), *explorer.addresses())
    if name not in names:
        return GalleryView(names)
    gallery = explorer.gallery(name)
    state = gallery.state(explorer.fingerprint().hash)
    unfinished = explorer.unfinished.of(gallery.info)
    return GalleryView(names, state, tuple(gallery.tags()), folders_of(state.gallery.folders),
                       unfinished.found if unfinished is not None else 0)


def folders_of(roots: tuple[Path, ...]) -> tuple[Path, ...]:
    """The folders of a gallery and those directly below them, as far as they can be read."""
    found: list[Path] = []
    for root in roots:
        found.append(root)
        if is_remote(root):
            continue
        try:
            found += sorted(path for path in root.iterdir() if path.is_dir() and not path.name.startswith("."))
        except OSError:  # a disk that is not plugged in: its pictures are still found by the gallery
            continue
    return tuple(found[:MOST_FOLDERS])


def _filter(limits: HitLimits) -> "Filter":
    from core.explorer import Filter
    return Filter(limits.tag, Path(limits.folder) if limits.folder else None, limits.name, *limits.taken)
