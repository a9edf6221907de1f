"""From a query to what is seen of it: asks the flow, and shows transcript, hits, messages and timings."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtWidgets import QPushButton

from brewclip_app import wording
from brewclip_app.panels.search.detail_pane import TRANSCRIPT
from brewclip_app.panels.search.flow import SearchAnswer, SearchFlow
from brewclip_app.panels.search.header import QueryHeader
from brewclip_app.panels.search.query import Query
from brewclip_app.panels.search.query_chips import ChipFace
from brewclip_app.panels.search.results import SearchResults
from brewclip_app.panels.search.session import SearchSession
from brewclip_app.thumbnails import Thumbnails, record_of
from brewclip_app.widgets.common import button
from core.errors import BrewclipError
from core.progress import Progress
from core.search.terms import BY_KIND, MINUS, QueryTerm

if TYPE_CHECKING:
    from brewclip_app.context import Context
    from core.audio import Waveform

WHISPER = "whisper-base"
SLOW_MS = 400  # a search that takes longer shows how far it is
CHIP_PICTURE = 96  # px, more than a chip needs on any screen


class Conductor(QObject):
    """The latest query is the one that is shown."""

    said = Signal()  # `words` are others
    failed = Signal(object, str)  # for the window's banner
    play_wanted = Signal(object)  # Waveform
    index_wanted = Signal()

    def __init__(self, context: "Context", session: SearchSession, flow: SearchFlow, header: QueryHeader,
                 results: SearchResults, thumbnails: Thumbnails) -> None:
        super().__init__(header)
        self._context, self._session, self._flow = context, session, flow
        self._header, self._results, self._thumbnails = header, results, thumbnails
        self.words = ""  # what the last search took
        self._answered = ""  # the query that the hits in the grid answer
        self.all_copies = False  # identical files are hits of their own, in this query
        self._note = ""  # a warning of the recording, said with the results
        self._slow = QTimer(self, singleShot=True, interval=SLOW_MS)
        self._slow.timeout.connect(self._show_slow)
        session.asked.connect(lambda query: self.ask(query))
        session.emptied.connect(self._empty)
        flow.began.connect(self._began)
        flow.progressed.connect(results.show_progress)
        flow.heard.connect(self._take_heard)
        flow.found.connect(self._show_answer)
        flow.nothing_heard.connect(self._nothing_heard)
        flow.failed.connect(self._fail)
        flow.stopped.connect(self._stopped)
        session.replaced.connect(self._say_replaced)
        header.weights_wanted.connect(lambda: context.downloads.start(WHISPER))
        flow.ended.connect(self._ended)
        results.filter.changed.connect(lambda limits: self.ask_again())
        thumbnails.ready.connect(lambda _: self._show_chips() if self._has_pictures() else None)

    @property
    def utterance(self) -> "Waveform | None":
        """The voice that the waveform shows."""
        main = self._session.query.main
        return main.waveform if main is not None else None

    def _ask_exactly(self) -> None:
        """The same query again, every picture compared."""
        self._header.say("")
        self._flow.ask(self._session.query, self._results.filter.limits(), keep=False, exact=True)

    def show_copies(self, shown: bool) -> None:
        """The same query again, each of several identical files a hit, or one of them alone."""
        self.all_copies = shown
        self._header.say("")
        self._flow.ask(self._session.query, self._results.filter.limits(), keep=False, all_copies=shown)

    def hear(self, waveform: "Waveform", sign: int, note: str = "") -> None:
        """A recording came; `note` is a warning about it."""
        self._note = note
        self._session.say(waveform, sign)

    def ask(self, query: Query, keep: bool = True) -> None:
        """Search for a query in the current gallery."""
        self._header.say("")
        self.all_copies = False
        self.show_query(query)
        self._flow.ask(query, self._results.filter.limits(), keep)

    def ask_again(self) -> None:
        """The same query: the gallery or the filter is another."""
        query = self._session.query
        if query.terms():
            self.ask(query, keep=False)

    def change(self, at: int, make: Callable[[QueryTerm], QueryTerm]) -> None:
        """Change one term of the query."""
        terms = self._session.query.terms()
        if at < len(terms):
            self._session.change(at, make(terms[at]))

    def show_query(self, query: Query) -> None:
        """Show voice, words and chips of a query."""
        header, main = self._header, query.main
        if main is not None and main.waveform is not None:
            header.show_utterance(main.waveform)
        else:
            header.show_idle()
        heard = main.transcript if main is not None else None
        if main is None or heard is None or main.edited:
            header.show_transcript(main.text if main is not None else "")
        else:
            header.show_transcript(heard.text, heard.words, heard.language, heard.original, heard.doubtful,
                                   heard.notes)
        self._show_chips()

    def set_aside(self) -> None:
        """A new query is being said: its words are not there yet, and the hits are those of the query before."""
        self._header.show_transcript("")
        self._results.mark_stale(self._answered)

    def take_back(self) -> None:
        """Nothing new came of it: the query before is shown again, with its hits."""
        self.show_query(self._session.query)
        if self._session.query.text == self._answered:
            self._results.mark_stale("")

    def show_error(self, error: BaseException) -> None:
        """Known errors under the transcript with what can be done, anything else in the window's banner."""
        kind = getattr(error, "kind", "")
        if not isinstance(error, BrewclipError):
            self.failed.emit(error, "")
        elif kind == "not_indexed":
            self._header.say(str(error), "care", "Index now", self.index_wanted.emit)
        else:
            self._header.say(str(error), "care")

    def show_weights(self) -> None:
        """Without Whisper nothing is heard: say so beside the button, and offer it. Typing works meanwhile."""
        downloads = self._context.downloads
        if not downloads.is_known():
            return
        job, here = downloads.job(WHISPER), downloads.path(WHISPER) is not None
        self._header.record.setEnabled(here)
        self._results.offer_speech(here)
        if here:
            self._header.show_missing_speech("")
        elif job is not None:
            far = downloads.far(WHISPER)
            far = f": {far}" if far else ""
            self._header.show_missing_speech(f"Whisper base is on its way{far}. You can type meanwhile.")
        else:
            weights = next(each for each in downloads.table() if each.name == WHISPER)
            why = downloads.errors.get(WHISPER)
            lead = f"{why} " if why is not None else ""
            self._header.show_missing_speech(
                f"{lead}To hear you, the program needs {weights.title} ({wording.size(weights.size)}). You can type "
                "meanwhile.", "Try again" if lead else "Get it")

    # ---- answers

    def _show_slow(self) -> None:
        self._results.progress.setVisible(self._flow.busy())
        if self._session.query.text != self._answered:
            self._results.mark_stale(self._answered)

    def _fail(self, error: BaseException) -> None:
        """The hits of an earlier query are taken away: they do not answer this one."""
        self._drop("This search found nothing to show", str(error) if isinstance(error, BrewclipError) else "")
        self.show_error(error)

    def _stopped(self) -> None:
        query = self._session.query
        if query.terms() and query.text != self._answered:
            self._drop("The search was stopped", "", button("Search again", lambda: self.ask(query), "main"))
        else:
            self._results.mark_stale("")

    def _drop(self, title: str, sentence: str, *steps: QPushButton) -> None:
        self._answered = ""
        self._results.drop_hits()
        self._results.show_notice("search", title, sentence, *steps)

    def _say_replaced(self, kept: Query) -> None:
        """New words began a new search; the recording and the terms before are one click away."""
        self._header.say("New search: what was asked before was left behind.", "quiet", "Keep it",
                         lambda: self._session.open(kept))

    def _began(self) -> None:
        self._results.show_progress(Progress())
        self._slow.start()

    def _ended(self) -> None:
        self._slow.stop()
        self._results.progress.hide()

    def _take_heard(self, query: Query) -> None:
        self._session.take(query)
        self.show_query(query)

    def _show_answer(self, answer: SearchAnswer) -> None:
        self._session.take(answer.query)
        self.words = answer.words
        result = answer.result
        self._answered = answer.query.text
        if result.hits:
            self._results.show_hits(result.hits, _share_names(answer.query))
        elif self._results.filter.limits().any:
            self._results.show_notice("filter", "No picture passes the filter", "Change it, or clear it.")
        else:
            self._results.show_notice("library", "There is nothing to search in yet")
        self._say_notes(answer)
        self.said.emit()

    def _say_notes(self, answer: SearchAnswer) -> None:
        result, note = answer.result, self._note
        self._note = ""
        if result.cut:
            self._header.say(f"Too long for the model: the last {result.cut} word parts were not used.", "care")
        elif note:
            self._header.say(note, "care")
        elif result.approximate:
            self._header.say("Among so many pictures the gallery's index was asked. It may have missed one.", "quiet",
                             "Compare them all", self._ask_exactly)
        elif self.all_copies:
            self._header.say("Each of several identical files is shown as a result of its own.", "quiet",
                             "Show one of them", lambda: self.show_copies(False))
        elif result.hidden_unindexed:
            self._header.say(f"{wording.pictures(result.hidden_unindexed)} of this gallery are not indexed with this "
                             "model yet and were not looked at.", "quiet", "Index them", self.index_wanted.emit)

    def _nothing_heard(self, query: Query, reason: str) -> None:
        """The query before stays, with its hits; the recording can still be heard."""
        spoken = next((term.waveform for term in query.terms() if not term.ready), None)
        self._session.give_up()
        self.take_back()
        self._header.say(reason, "care", "Hear the recording", lambda: self.play_wanted.emit(spoken))

    def _empty(self) -> None:
        self.words = ""
        self._flow.cancel()
        self._header.say("")
        self.show_query(Query())
        self._answered = ""
        self._results.drop_hits()
        self.said.emit()

    # ---- chips

    def _has_pictures(self) -> bool:
        return any(term.kind == "image" for term in self._session.query.terms())

    def _show_chips(self) -> None:
        query = self._session.query
        self._header.show_new(bool(query.terms()))
        self._results.chips.show_faces([self._face(term, term is query.main) for term in query.terms()])

    def _face(self, term: QueryTerm, main: bool) -> ChipFace:
        if main:
            return ChipFace(BY_KIND["speech"].label if term.kind == "speech" else term.label, term.weight)
        picture = None
        if term.kind == "image" and term.path is not None:
            picture = self._thumbnails.get(record_of(term.path), CHIP_PICTURE)
        return ChipFace(term.label, term.weight, picture=picture)


def _share_names(query: Query) -> dict[str, str]:
    """What the detail pane calls the shares of the terms."""
    names = {term.label: f"{MINUS} {term.label}" for term in query.extras if term.weight < 0}
    if query.main is not None and query.main.kind == "speech":
        names[query.main.label] = TRANSCRIPT
    return names
