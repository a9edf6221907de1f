"""State of the Search panel: the query, its results, and the messages. The controller replaces it, the view renders it.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from brewclip_app import wording
from brewclip_app.localisation import _
from brewclip_app.panels.search.gallery_status import GalleryStatus
from brewclip_app.panels.search.notices import Notice
from brewclip_app.panels.search.query import HitLimits, Query
from brewclip_app.panels.search.readiness import SpeechSupport
from core.progress import Progress

if TYPE_CHECKING:
    from core.audio import Waveform
    from core.explorer import SearchResult
    from core.search.queries import Hit


@dataclass(frozen=True, eq=False)
class Message:
    """One line under the transcript, with one action at most."""

    text: str = ""
    kind: Literal["quiet", "care"] = "quiet"
    action: str = ""
    act: Callable[[], object] | None = None


@dataclass(frozen=True, eq=False)
class SearchAnswer:
    """Result of a search. `query` has the transcripts; `spoken` (of the recordings), `transcribing` and `searching`
    (without loading models and encoding) are seconds, 0 for a step that was not needed. `restored`: it is that of the
    last start; `note` says what has changed since.
    """

    query: Query
    result: "SearchResult"
    spoken: float = 0.0
    transcribing: float = 0.0
    searching: float = 0.0
    restored: bool = False
    note: str = ""

    @property
    def hits(self) -> "tuple[Hit, ...]":
        """Hits, best first."""
        return self.result.hits

    @property
    def summary(self) -> str:
        """ "2.4 s of speech · transcribed in 0.8 s · searched 8 091 in 3 ms"."""
        parts = []
        if self.spoken:
            parts = [_("{spoken} of speech").format(spoken=wording.duration(self.spoken)),
                     _("transcribed in {transcribing}").format(transcribing=wording.duration(self.transcribing))]
        milliseconds = self.searching * 1000
        took = (_("{max} ms").format(max=max(1, round(milliseconds))) if milliseconds < 1000
                else wording.duration(self.searching))
        parts.append(_("searched {total} in {took}").format(total=wording.count(self.result.total), took=took))
        line = " · ".join(parts)
        line = line[:1].upper() + line[1:]
        return f"{line} · approximately" if self.result.approximate else line


@dataclass(frozen=True, eq=False)
class SearchState:
    """State of the Search panel."""

    query: Query = field(default_factory=Query)
    answer: SearchAnswer | None = None  # its hits are in the grid, below a `notice` if there is one
    follows: SearchAnswer | None = None  # the answer that this one refines or corrects: hits move from there
    notice: Notice | None = None  # in the place of the hits
    stale: bool = False  # the hits answer an earlier query
    searching: bool = False
    progress: Progress | None = None  # of a search that takes a while
    partial: str = ""  # words of a recording so far, in place of the main term's until they are known
    sure: int = 0  # leading words of them that the last partial transcript only repeated
    recording: bool = False  # a new main term is being spoken: the transcript is empty
    playing: bool = False
    message: Message = Message()
    limits: HitLimits = field(default_factory=HitLimits)
    all_copies: bool = False  # identical files are hits of their own
    speech: SpeechSupport = field(default_factory=SpeechSupport)
    microphone: bool = True  # there is one, as far as is known
    gallery: GalleryStatus | None = None  # None until the galleries were read
    first_start: bool = False  # there is no gallery; before they were read, as far as can be said without them
    loading: str = ""  # step of loading models ahead
    summary: str = ""  # of the last search

    @property
    def can_speak(self) -> bool:
        """Whether a query can be spoken: there are a recogniser and a microphone."""
        return self.speech.available and self.microphone

    @property
    def waveform(self) -> "Waveform | None":
        """The recording of the main term."""
        return self.query.main.waveform if self.query.main is not None else None

    @property
    def status(self) -> str:
        """Text of the window's status bar."""
        loading = f"{self.loading}…" if self.loading else ""
        gallery = self.gallery.summary if self.gallery is not None else ""
        return "     ".join(filter(None, (loading, self.summary, gallery)))
