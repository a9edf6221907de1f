"""Controller of the Search panel: builds the query, searches, follows the gallery, records and plays. No widgets."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from PySide6.QtCore import QObject, Signal

from brewclip_app import tasks, wording
from brewclip_app.capture.file_intake import read_recording
from brewclip_app.capture.playback import PlayerState
from brewclip_app.capture.push_to_talk import PushToTalk
from brewclip_app.controller import Controller
from brewclip_app.localisation import _, as_shown, localised
from brewclip_app.panels.base import Asked, Inspection, MapQuery, Question
from brewclip_app.panels.search import notices, search_job
from brewclip_app.panels.search.gallery_status import gallery_status
from brewclip_app.panels.search.last_search import LastSearch, repeated
from brewclip_app.panels.search.live import LiveSearch, LiveState
from brewclip_app.panels.search.query import HitLimits, Query, from_history, is_spoken, typed
from brewclip_app.panels.search.readiness import NO_SPEECH, Readiness, ReadinessState
from brewclip_app.panels.search.refining import example, refined
from brewclip_app.panels.search.state import Message, SearchAnswer, SearchState
from brewclip_app.taking_away import Undo
from core.errors import BrewclipError
from core.progress import JobCancelled, Progress, Report
from core.search.terms import QueryTerm

if TYPE_CHECKING:
    import asyncio

    from brewclip_app.context import Context
    from core.audio import Waveform
    from core.search.queries import Hit
    from core.store.records import ImageRecord

T = TypeVar("T")
KEY = "search"  # of the jobs
EMPTY = "no_galleries"  # key in the window's state: there was no gallery at the last start
MODEL_SETTINGS = ("vision.backbone", "vision.model", "vision.crop", "speech.recogniser", "device", "weights.folder")
MOST_UNDO = 50
SLOW_S = 0.4  # a search that takes longer shows its progress


class SearchController(Controller[SearchState]):
    """Holds the state. The latest query wins: the result of an earlier one is never shown."""

    go_to = Signal(str, object)  # another panel: its key, and its payload

    def __init__(self, context: "Context", voice: PushToTalk | None = None, parent: QObject | None = None) -> None:
        first = not context.gallery and (not context.home.store.exists() or bool(context.state.get(EMPTY, False)))
        super().__init__(SearchState(first_start=first), parent)
        self._context = context
        self.voice = voice or PushToTalk(context, self)
        self.voice.microphone.ends_with_sound = True
        self._before: tuple[Query | Undo, ...] = ()  # earlier queries and changes of pictures, for undo
        self._search_task: asyncio.Task[None] | None = None
        self._sign = 0  # of the term that is being spoken; 0 for the main term
        self._question: Question | None = None  # asked before the galleries were read
        self._restored = False  # the query of the last start waits for the galleries
        self._last: LastSearch | None = None  # until it was searched
        self._models = self._model_settings()
        self.readiness = Readiness(context, self)
        self.live = LiveSearch(context, self.voice, self)
        self._answer_before: SearchAnswer | None = None  # what was shown when the recording began
        self._refining = False  # the recording refines the query
        self._refined: SearchAnswer | None = None  # the answer that a refinement follows, until its own is there
        self._chosen: ImageRecord | None = None  # selected then
        self._connect()

    def _connect(self) -> None:
        context, voice = self._context, self.voice
        voice.started.connect(self._recording_started)
        voice.spoken.connect(self._recorded)
        voice.problem.connect(self._recording_failed)
        voice.player.changed.connect(self._follow_player)
        voice.microphone.devices_changed.connect(self._follow_microphones)
        context.gallery_changed.connect(self._gallery_changed)
        context.galleries_changed.connect(self.refresh_gallery)
        context.settings_changed.connect(self._settings_changed)
        context.indexing.changed.connect(self._show_notice)
        self.readiness.changed.connect(self._follow_readiness)
        self.live.changed.connect(self._follow_live)

    def close(self) -> None:
        """Let go of the microphone; nothing is shown any more."""
        self.live.stop()
        self.voice.close()
        self.blockSignals(True)

    def show_message(self, text: str, kind: Literal["quiet", "care"] = "quiet", action: str = "",
                     act: Callable[[], object] | None = None) -> None:
        """Show a message under the transcript; "" for none."""
        self._set(message=Message(text, kind, action, act))

    # ---- the query

    def type_text(self, text: str) -> None:
        """Text of the transcript's line: a correction keeps the recording and the other terms, another text does not.
        """
        query = self.state.query
        left_behind = bool(query.extras) or self.state.waveform is not None
        if left_behind and not query.is_corrected_by(text):
            self.open(Query(QueryTerm("text", text)))
            self.show_message(_("New search: the earlier query was replaced."), "quiet", _("Keep it"),
                              lambda: self.open(query.with_text(text)))
        elif (changed := query.with_text(text)) is not query:
            self.open(changed)
        else:
            self.search()

    def add_text(self, text: str) -> None:
        """Add a text to the query; a leading minus excludes it."""
        term = typed(text)
        if term is not None:
            self.open(self.state.query.plus(term))

    def add_recording(self, waveform: "Waveform", sign: int = 0, warning: str = "") -> None:
        """A recording: the main term (sign 0), or one more that is included (+1) or excluded (-1)."""
        query = self.state.query
        if sign:
            self.open(query.plus(QueryTerm("speech", waveform=waveform, weight=float(sign))), warning)
        else:
            self.open(replace(query, main=QueryTerm("speech", waveform=waveform)), warning)

    def add_image(self, path: Path, image_id: int | None = None, sign: int = 1) -> None:
        """Add an image of the gallery, or any file, to the query."""
        self.open(self.state.query.plus(QueryTerm("image", path=path, image_id=image_id, weight=float(sign))))

    def add_images(self, images: "Sequence[ImageRecord]") -> None:
        """Add images of the gallery to the query."""
        query = self.state.query
        self.open(replace(query, extras=(*query.extras, *map(example, images))))

    def more_like(self, images: "Sequence[ImageRecord]") -> None:
        """A new query of these images alone."""
        self.open(Query(None, tuple(map(example, images))))

    def drop_recording(self) -> None:
        """Keep the text of the main term alone."""
        query = self.state.query.without_voice()
        if query is not self.state.query:
            self.open(query)

    def change_term(self, index: int, change: Callable[[QueryTerm], QueryTerm | None]) -> None:
        """Change one term of the query; None takes it out."""
        terms = self.state.query.terms()
        if index < len(terms):
            self.open(self.state.query.with_term(index, change(terms[index])))

    def open(self, query: Query, warning: str = "") -> None:
        """Search with another query; one without terms clears the panel. `warning` is shown with the results."""
        self._before = (*self._before, self.state.query)[-MOST_UNDO:]
        self._replace(query, warning)

    def clear(self) -> None:
        """Begin a new query: no terms, no limits, nothing is recorded or played."""
        self.silence()
        self._set(limits=HitLimits())
        self.open(Query())

    def undo(self) -> bool:
        """Undo the latest change of pictures or, where it is newer, of the query; False when there is none."""
        if not self._before:
            return False
        *before, step = self._before
        self._before = tuple(before)
        if isinstance(step, Query):
            self._replace(step)
        else:
            step()
        return True

    def add_undo(self, words: str, undo: Undo) -> None:
        """Remember how a change of pictures is undone; `words`, if any, are shown and offer it."""
        def act() -> None:
            if undo in self._before:  # else it was undone by its key
                self._before = tuple(step for step in self._before if step is not undo)
                self.show_message("")
                undo()

        self._before = (*self._before, undo)[-MOST_UNDO:]
        if words:
            self.show_message(words, "quiet", _("Undo"), act)

    def leave_out(self, image_ids: frozenset[int]) -> None:
        """Leave pictures that are no longer in the gallery out of the answer."""
        if self.state.answer is not None:
            result = self.state.answer.result
            hits = tuple(hit for hit in result.hits if hit.image.id not in image_ids)
            self._set(answer=replace(self.state.answer, result=replace(result, hits=hits)))

    def _replace(self, query: Query, warning: str = "") -> None:
        self._last = None  # another query
        self._set(query=query)
        if query.terms():
            self.search(warning=warning)
        else:
            self._stop_search()
            self._set(answer=None, stale=False, summary="", message=Message(), all_copies=False)
            self._show_notice()

    # ---- the search

    def search(self, *, keep: bool = True, exact: bool = False, all_copies: bool = False, warning: str = "") -> None:
        """Search for the query in the current gallery.

        `keep` adds the query to the history, `exact` compares every image, `all_copies` makes each of several identical
        files a hit, `warning` is shown with the results.
        """
        if self._search_task is not None:
            self._search_task.cancel()
        self._set(searching=True, message=Message(), all_copies=all_copies)
        self._search_task = tasks.start(self._search(keep, exact, warning))

    def search_again(self) -> None:
        """Search for the same query: the gallery, the model or the limits have changed."""
        if self.state.query.terms():
            self.search(keep=False)

    def stop(self) -> bool:
        """Stop the search; whether there was one."""
        if not self.state.searching:
            return False
        self._stop_search()
        self._search_stopped()
        return True

    def show_copies(self, shown: bool) -> None:
        """Search again: each of several identical files is a hit, or one of them alone."""
        self.search(keep=False, all_copies=shown)

    def set_limits(self, limits: HitLimits) -> None:
        """Search a part of the gallery."""
        self._set(limits=limits)
        self.search_again()

    async def _search(self, keep: bool, exact: bool, warning: str) -> None:
        slow = tasks.loop().call_later(SLOW_S, self._show_slow)
        try:
            outcome = await self._answer(keep, exact)
        except JobCancelled:
            self._search_stopped()
        except Exception as error:
            self._search_failed(error)
        else:
            if outcome is not None:
                self._show_answer(outcome, warning)
        finally:
            slow.cancel()

    async def _answer(self, keep: bool, exact: bool) -> SearchAnswer | None:
        """Transcribe what is not yet transcribed, then search; None when a recording has no words."""
        context, state, gallery, spoken, transcribing = self._context, self.state, self._context.gallery, 0.0, 0.0
        query = state.query
        for index, term in enumerate(query.terms()):
            if term.ready or term.waveform is None:
                continue
            waveform = term.waveform
            transcript, seconds = await self._job(partial(search_job.transcribe, context, waveform))
            if not transcript.text:
                self._nothing_heard(waveform, transcript.reason or _("No words were found in the recording."))
                return None
            spoken, transcribing = spoken + waveform.seconds, transcribing + seconds
            query = query.with_term(index, replace(term, text=transcript.text, transcript=transcript))
            self._set(query=query)
        top, last = int(context.settings["search.top"]), self._last
        self._last = None

        def work(report: Report) -> SearchAnswer:
            note = ""
            if last is not None and last.gallery == gallery:
                answer, note = repeated(context.explorer, last, query, top, state.limits, state.all_copies)
                if answer is not None:
                    return answer
            result = search_job.search(context.explorer, query, gallery, top, state.limits, exact, state.all_copies,
                                       report)
            if keep:
                search_job.remember(context.explorer, query, gallery, result, lambda error: self.failed.emit(
                    error, _("The search itself went well; only the history misses it.")))
            return SearchAnswer(query, result, spoken, transcribing, result.timings_ms.get("search", 0.0) / 1000,
                                last is not None, note)

        return await self._job(work)

    async def _job(self, work: Callable[[Report], T]) -> T:
        return await self._context.jobs.run(_("Searching"), work, key=KEY, on_progress=self._show_progress)

    def _show_progress(self, progress: Progress) -> None:
        if self.state.progress is not None:
            self._set(progress=progress)

    def _show_slow(self) -> None:
        job, answer = self._context.jobs.of_key(KEY), self.state.answer
        stale = self.state.stale or (answer is not None and not self.state.partial
                                     and answer.query.text != self.state.query.text)
        self._set(progress=job.progress if job is not None else Progress(), stale=stale)

    def _show_answer(self, answer: SearchAnswer, warning: str) -> None:
        notice, follows = None, self._refined or (self.state.answer if self.state.partial else None)
        self._refined = None
        if not answer.hits:
            notice = notices.FILTERED if self.state.limits.any else notices.NO_PICTURES
        self._set(query=answer.query, answer=answer, follows=follows, notice=notice, stale=False, searching=False,
                  summary=answer.summary, progress=None, partial="", message=self._remark(answer, warning))
        if self._context.gallery in self._context.indexing.state.running:
            self.refresh_gallery()  # the counts of searched and indexed images are shown side by side

    def _remark(self, answer: SearchAnswer, warning: str) -> Message:
        result = answer.result
        if result.unread:
            return Message(result.unread, "care")
        if result.cut:
            return Message(_("Too long for the model: the last {cut} word parts were not used.").format(cut=result.cut),
                           "care")
        if warning or answer.note:
            return Message(warning or answer.note, "care" if warning else "quiet")
        if result.approximate:
            return Message(_("Approximate search was used; some results may be missing."), "quiet", _("Search exactly"),
                           lambda: self.search(keep=False, exact=True))
        if self.state.all_copies:
            return Message(_("Each of several identical files is shown as a result of its own."), "quiet",
                           _("Show one of them"), lambda: self.show_copies(False))
        if result.hidden_unindexed:
            return Message(_("{pictures} of this gallery are not indexed with this model yet and were not "
                             "searched.").format(pictures=wording.pictures(result.hidden_unindexed)), "quiet",
                           _("Index them"), self.index)
        return self.state.message

    def _nothing_heard(self, waveform: "Waveform", reason: str) -> None:
        """The query before stays, with its hits; the recording can be played."""
        query = next((step for step in reversed(self._before) if isinstance(step, Query)), Query())
        self._before = tuple(step for step in self._before if step is not query)
        partly_heard = bool(self.state.partial)
        self._set(query=query)
        if partly_heard:  # the hits shown are of words that are none
            self._bring_back()
        self._set(searching=False, progress=None, stale=self._is_stale(query), partial="",
                     message=Message(reason, "care", _("Play the recording"), lambda: self.play(waveform)))

    def _search_failed(self, error: Exception) -> None:
        """Drop the hits of an earlier query, which do not answer this one; show known errors under the transcript."""
        self._refined = None
        sentence = localised(error) if isinstance(error, BrewclipError) else ""
        message = Message(sentence, "care")
        if getattr(error, "kind", "") == "not_indexed":
            message = Message(sentence, "care", _("Index now"), self.index)
        self._set(answer=None, notice=replace(notices.FAILED, sentence=sentence), stale=False, searching=False,
                     progress=None, partial="", message=message)
        if not sentence:
            self.failed.emit(error, "")

    def _stop_search(self) -> None:
        if self._search_task is not None:
            self._search_task.cancel()
        self._set(searching=False, progress=None)

    def _search_stopped(self) -> None:
        query, self._refined = self.state.query, None
        if query.terms() and self._is_stale(query):
            self._set(answer=None, notice=notices.STOPPED, stale=False, searching=False, progress=None, partial="")
        else:
            self._set(stale=False, searching=False, progress=None, partial="")

    def _is_stale(self, query: Query) -> bool:
        """Whether the hits do not answer a query."""
        return self.state.answer is None or self.state.answer.query.text != query.text

    # ---- hits

    def inspect(self, image: "ImageRecord") -> None:
        """Explain an image in the Inspect panel, where the query has text or speech."""
        query = self.state.query
        terms = tuple(Asked(term.label, term.text if term.kind == "text" or term.edited else "", term.waveform)
                      for term in query.terms() if term.kind != "image" and term.ready)
        if not terms:
            self.show_message(_("Only text and speech can be explained, and this query has neither."), "care")
            return
        note = _("One term of the query at a time: score and ranks here are of this one alone.") if query.extras else ""
        self.go_to.emit("inspect", Inspection(terms[0].text, waveform=terms[0].waveform, path=image.path, note=note,
                                              terms=terms, gallery=self._context.gallery, image_id=image.id))

    def show_on_map(self) -> None:
        """Show the query with lines to its pictures in the Map panel."""
        from core.search.queries import combine
        from core.search.terms import text_of

        if self.state.answer is not None:
            result = self.state.answer.result
            self.go_to.emit("map", MapQuery(result.gallery, text_of(result.terms), combine(result.terms)))

    def show_library(self) -> None:
        """Go to the Library panel."""
        self.go_to.emit("library", None)

    def offer_folder(self, folder: Path) -> None:
        """Offer to index a dropped folder; it may be large."""
        def index() -> None:
            self.show_message("")
            self._context.indexing.add_folder(folder)
            self.show_library()

        self.show_message(_("Index the pictures in {name}, to search them too?").format(name=folder.name), "quiet",
                          _("Index the folder"),
                          index)

    # ---- the gallery

    def refresh_gallery(self) -> None:
        """Read the status of the current gallery."""
        tasks.start_when_painted(self._refresh_gallery)

    async def _refresh_gallery(self) -> None:
        context, name = self._context, self._context.gallery
        try:
            status = await context.jobs.run(_("Reading the gallery"),
                                            lambda report: gallery_status(context.explorer, name),
                                            key="search-gallery", quiet=True)
        except JobCancelled:
            return
        except Exception as error:
            self.failed.emit(error, "")
            return
        context.state.set(EMPTY, not status.names)
        self._set(gallery=status, first_start=not status.names)
        if status.names and context.gallery not in status.names:
            context.set_gallery(status.names[0])
            return
        self._show_notice()
        if status.names:
            self.readiness.load_models()
        self._ask_waiting()

    def choose_gallery(self, name: str) -> None:
        """Make another gallery the current one."""
        self._context.set_gallery(name)

    def index(self) -> None:
        """Index the current gallery again."""
        self._context.indexing.start(self._context.gallery)

    def _show_notice(self) -> None:
        """Say what goes in the place of the hits while no query is entered."""
        status = self.state.gallery
        if status is not None and not self.state.query.terms():
            indexing = self._context.gallery in self._context.indexing.state.running
            self._set(notice=notices.notice_for(status, indexing, self.state.can_speak))

    def _follow_microphones(self) -> None:
        """Invite to speak only where there is a microphone."""
        self._set(microphone=not self.voice.microphone.problem)
        self._show_notice()

    def _gallery_changed(self) -> None:
        self._set(answer=None, stale=False)
        self.refresh_gallery()
        self.search_again()

    def _model_settings(self) -> tuple[object, ...]:
        return tuple(self._context.settings[key] for key in MODEL_SETTINGS)

    def _settings_changed(self) -> None:
        if self._model_settings() != self._models:
            self._models = self._model_settings()
            self.readiness.settings_changed()
            self.refresh_gallery()
            self.search_again()

    # ---- models

    def _follow_readiness(self, ready: ReadinessState) -> None:
        message = self.state.message
        if ready.speech.available and message.text.endswith(NO_SPEECH):
            message = Message()
        self._set(speech=ready.speech, loading=ready.loading, message=message)
        if not self.state.query.terms() and self.state.answer is None:
            self._show_notice()

    def show_missing_speech(self) -> None:
        """Answer a press of the record button that can do nothing yet."""
        if not self.state.speech.available:
            text = f"{as_shown(self.readiness.recogniser.title)} {NO_SPEECH}"
            self.show_message(text, "care", self.state.speech.action, self.readiness.get_speech)

    # ---- recording and playing

    def press(self, refine: bool = False, chosen: "ImageRecord | None" = None) -> None:
        """The record key or button went down; `refine`: what is said is added to the query. `chosen`: "this" in it."""
        if not self.state.speech.available:
            self.show_missing_speech()
            return
        if not self.voice.is_recording():
            self._sign, self._refining, self._chosen = 0, refine and bool(self.state.query.terms()), chosen
        self.voice.press()

    def record_term(self, sign: int) -> None:
        """Record one more term until the next press; a sign of -1 excludes it."""
        self._sign, self._refining = sign, False
        self.voice.start()

    def silence(self) -> bool:
        """Stop recording and playing; whether there was anything to stop."""
        recording = self.voice.microphone.state in ("opening", "recording", "stopping")
        busy = self.voice.cancel() or recording
        if recording:
            self._take_back()
        return busy

    def play(self, waveform: "Waveform | None", seconds: float = 0.0) -> None:
        """Play a recording from `seconds` on."""
        if waveform is not None and not self.voice.is_recording():
            self.voice.player.play(waveform, seconds)

    def toggle_play(self) -> None:
        """Play the recording of the main term, or stop it."""
        if not self.voice.is_recording():
            self.voice.player.toggle(self.state.waveform)

    def _follow_player(self, player: PlayerState) -> None:
        if player.problem:
            self.show_message(player.problem, "care")
        if self.state.playing != (player.seconds is not None):
            self._set(playing=player.seconds is not None)

    def _recording_started(self) -> None:
        """The hits are those of an earlier query from now on, unless a further term is recorded."""
        self._set(message=Message())
        self._answer_before = self.state.answer
        query, sign, hits, chosen = self.state.query, self._sign, self._hits, self._chosen
        if not sign and not self._refining:
            self._set(recording=True, stale=self.state.answer is not None)
        self.live.start((lambda words: refined(query, words, hits, chosen)[0]) if self._refining else
                        partial(_with_words, query, sign), self.state.limits, self.state.all_copies)

    def _follow_live(self, live: LiveState) -> None:
        """Show the words so far and their hits."""
        follows = self._answer_before if self._refining else self.state.answer if self.state.partial else None
        self._set(partial=live.words if self.state.recording else "", sure=live.sure, answer=live.answer, notice=None,
                  stale=False, follows=follows)
        if self._refining:
            self.show_message(_("Refining: “{words}”…").format(words=live.words))

    @property
    def _hits(self) -> "tuple[Hit, ...]":
        """The hits that were shown when the recording began, best first."""
        return self._answer_before.hits if self._answer_before is not None else ()

    def _recorded(self, waveform: "Waveform", warning: str) -> None:
        self.live.stop()
        sign, self._sign = self._sign, 0
        self._set(recording=False)
        if self._refining:
            tasks.start(self._refine(waveform, warning))
        else:
            self.add_recording(waveform, sign, warning)

    async def _refine(self, waveform: "Waveform", warning: str) -> None:
        """Add what a recording says to the query."""
        self._set(searching=True)
        try:
            transcript, _unused = await self._job(partial(search_job.transcribe, self._context, waveform))
        except JobCancelled:
            self._search_stopped()
        except Exception as error:
            self._search_failed(error)
        else:
            query, problem = refined(self.state.query, transcript.text, self._hits, self._chosen)
            if query is not self.state.query:
                self._refined = self._answer_before
                self.open(query, problem or warning)
            else:
                self._set(answer=self._answer_before, searching=False, progress=None)
                self.show_message(problem or transcript.reason or _("No words were found in the recording."), "care")

    def _recording_failed(self, kind: str, sentence: str) -> None:
        self._take_back()
        if self.state.waveform is not None or self.voice.microphone.problem != sentence:  # else the hint says it
            self.show_message(sentence, "care")

    def _take_back(self) -> None:
        """The recording is dropped: show the query before."""
        self.live.stop()
        self._sign = 0
        followed = self.state.answer is not self._answer_before  # hits of what was said until then
        self._bring_back()
        self._set(recording=False, partial="")
        self._set(stale=(followed or self.state.stale) and self._is_stale(self.state.query))

    def _bring_back(self) -> None:
        """Show the hits from before the recording again, or what stood in their place."""
        self._set(answer=self._answer_before, follows=None)
        if self._answer_before is None:
            self._show_notice()

    # ---- the last start, other panels

    def saved_query(self) -> dict[str, Any]:
        """The search for the next start, unless queries are not to be kept; the history keeps a recording."""
        if not self.state.query.terms() or not self._context.settings["search.keep_history"]:
            return {}
        return (self._last or LastSearch.of(self.state, self._context.gallery)).to_json()

    def restore_query(self, state: dict[str, Any], limits: HitLimits) -> None:
        """Show the query of the last start; it is searched once the galleries, and its recording, were read."""
        with suppress(ValueError, TypeError, KeyError):  # written by another version
            last = LastSearch.from_json(state)
            query = from_history(last.terms)
            if all(term.ready for term in query.terms()):
                self._set(query=query, limits=limits, all_copies=last.all_copies)
                self._last, self._restored = last, not is_spoken(last.terms)
                if not self._restored:
                    tasks.start_when_painted(partial(self._restore_recording, query, last.terms, last.gallery))

    async def _restore_recording(self, shown: Query, terms: str, gallery: str) -> None:
        query = from_history(terms)
        with suppress(BrewclipError):
            query = await self._context.jobs.run(
                _("Reading the recording"),
                lambda report: search_job.restored_last(self._context.explorer, terms, gallery),
                key="restored-voice", quiet=True)
        if self.state.query is shown:  # else another query was entered meanwhile
            self._set(query=query)
            self._restored = True
            self._ask_waiting()

    def ask(self, question: Question) -> None:
        """Search with what another panel or the command line sent."""
        self._question = question
        self._ask_waiting()

    def _ask_waiting(self) -> None:
        """Search with what waited for the galleries: another panel's question, else the last start's query."""
        if self.state.gallery is None or self.state.first_start:
            return
        question, self._question = self._question, None
        restored, self._restored = self._restored, False
        if question is not None and question.speech is not None:
            self.read_recording(question.speech)
        elif question is not None and question.text:
            self.type_text(question.text)
        elif question is not None and question.pictures:
            self.open(Query(None, tuple(QueryTerm("image", path=path) for path in question.pictures)))
        elif restored:
            status = self.state.gallery.state
            if status is not None and status.indexed:
                self.search(keep=False, all_copies=self.state.all_copies)
            else:
                self._set(notice=notices.notice_for(self.state.gallery, False, self.state.can_speak))

    # ---- files

    def read_recording(self, path: Path, sign: int = 0) -> None:
        """Search with a recording from a file."""
        tasks.start(self._read_recording(path, sign))

    async def _read_recording(self, path: Path, sign: int) -> None:
        try:
            self.add_recording(await read_recording(self._context.jobs, path), sign)
        except BrewclipError as error:
            self.show_message(localised(error), "care")

    def open_suggestion(self, path: Path, text: str) -> None:
        """Search with a recording whose text is known: with the text where nothing can be transcribed."""
        if self.state.speech.available:
            self.read_recording(path)
        else:
            self.open(Query(QueryTerm("text", text)))
            self.show_message(_("Searched with the text of this recording; to use the recording itself, {title} is "
                                "needed.").format(title=self.readiness.recogniser.title))


def _with_words(query: Query, sign: int, words: str) -> Query:
    """The query with spoken words as its main term (sign 0), or as one more that is included or excluded."""
    term = QueryTerm("text", words, weight=float(sign or 1))
    return query.plus(term) if sign else replace(query, main=term)
