"""Facade over indexing, transcription and search, shared by window and command line."""

import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from core import audio, images, remote
from core.asr.transcript import EncodedUtterance, PartialTranscript, Transcript, TranscriptionOptions
from core.audio import Waveform
from core.errors import AudioError, QueryError, StoreError
from core.fingerprint import Fingerprint
from core.galleries import address_book
from core.galleries import copy as copying
from core.galleries.backends import open_gallery
from core.galleries.copy import CopyResult
from core.galleries.gallery import Gallery
from core.home import Home, expanded
from core.indexing.exclusions import Exclusions
from core.indexing.local import IndexResult, index_gallery, index_scans
from core.indexing.sources import is_list, scan_sources
from core.indexing.unfinished import UnfinishedRuns
from core.localisation import _
from core.models.multicrop import encode_views
from core.models.registry import ModelRegistry, ModelStatus
from core.progress import JobCancelled, Report, finishing, silent
from core.search import background, queries, scripts
from core.search.index_cache import IndexCache, LoadedIndex
from core.search.kept_search import KeptSearch
from core.search.queries import EncodedTerm, Floats, Hit
from core.search.terms import BY_KIND, QueryTerm, source_of, text_of
from core.search.transcription import (
    QueryTranscriber,
    SearchContext,
    StepTimer,
    query_options,
    required,
    transcription_options,
    warn_if_read_only,
)
from core.settings import Settings
from core.store.addresses import is_address
from core.store.records import Filter, GalleryRecord, QueryRecord, SavedSearch
from core.store.repository import comparison_key
from core.store.store import Store
from core.workspace import Workspace

if TYPE_CHECKING:  # torch takes seconds to import
    from core.asr.recogniser import Recogniser
    from core.models.retrieval import RetrievalModel
    from core.models.vision_language import VisionLanguage

__all__ = ["Explorer", "Filter", "ModelStatus", "QueryTerm", "SearchResult", "transcription_options"]

WORTH_EXPORTING = 500  # images to index: making an export takes as long as embedding about so many


@dataclass(frozen=True, eq=False)
class SearchResult:
    """Hits of a search, best first.

    `total` counts the pictures that were compared; `hidden_unindexed` those of the gallery that could not be, for they
    are not indexed with the present model. `transcript` and `utterance` are of the first spoken term, if any; the
    transcript is None when the term came with its text alone. `cut` counts the tokens of texts that were too long for
    the model. `timings_ms` has load (models), hear (read the recording), recognise, embed, search, and total.
    `approximate`: among very many pictures an index was asked, which may miss one; scores are right in any case.
    `model` and `revision` as in `KeptSearch`.
    `unread`: a sentence where a typed text is in a script that the model does not read, else "".
    """

    gallery: str
    hits: tuple[Hit, ...]
    total: int
    transcript: Transcript | None
    utterance: Waveform | None
    terms: tuple[EncodedTerm, ...]
    cut: int
    timings_ms: Mapping[str, float]
    hidden_unindexed: int
    approximate: bool = False
    model: str = ""
    revision: str = ""
    unread: str = ""


class Explorer:
    """Galleries, models and searches of one home, which is made its owner's alone.

    Any thread may call any method; all but `settings` may take long.
    """

    def __init__(self, home: Home, settings: Settings, models: ModelRegistry | None = None) -> None:
        home.protect()
        self.home = home
        self.unfinished = UnfinishedRuns(home.unfinished)
        self._settings = settings
        self.models = models or ModelRegistry(home)
        self._lock = threading.RLock()
        self._calibrating = threading.Lock()
        self._store: Store | None = None
        self._indexes = IndexCache(home.caches / "vectors")
        self._descriptions: dict[str, Floats] = {}
        self._transcriber = QueryTranscriber()

    @property
    def store(self) -> Store:
        """The store, opened at first use. StoreError when it cannot be."""
        with self._lock:
            if self._store is None:
                self._store = Store.open(self.home.store)
            return self._store

    @property
    def settings(self) -> Settings:
        """The settings in use."""
        return self._settings

    @property
    def workspace(self) -> Workspace:
        """Workspace of long work, under the settings in use. StoreError as `store`."""
        return Workspace(self.home, self._settings, self.models, self.store)

    def gallery(self, gallery: str | GalleryRecord, create: bool = False) -> Gallery:
        """The gallery of a name, an address or a record. StoreError ("no_gallery", ...)."""
        return open_gallery(self.store, gallery, create)

    def addresses(self) -> tuple[str, ...]:
        """The addresses of galleries that the window lists beside the store's."""
        return address_book.read(self.home.addresses)

    def open_address(self, address: str, create: bool = False) -> GalleryRecord:
        """Open a gallery by its address, made if there is none and `create`, and list it from now on.

        StoreError: `no_gallery`, `not_a_gallery`, and what opening an address may raise.
        """
        gallery = self.gallery(address, create)
        address_book.add(self.home.addresses, address)
        return gallery.info

    def close_address(self, address: str) -> None:
        """Take an address off the list; what lies there stays as it is."""
        address_book.remove(self.home.addresses, address)

    def use_settings(self, settings: Settings) -> None:
        """Use other settings from the next call on; models that no longer fit are given up."""
        self._settings = settings
        self.models.prune(settings)

    def close(self) -> None:
        """Drop models and vectors, close the store."""
        with self._lock:
            self.models.clear()
            self._indexes.clear()
            if self._store is not None:
                self._store.close()
                self._store = None

    def recogniser(self, report: Report = silent) -> "Recogniser":
        """The recogniser, loaded. WeightsError ("missing") says how to fetch it; ModelError."""
        return self.models.recogniser(self._settings, report)

    def backbone(self, report: Report = silent) -> "VisionLanguage":
        """The backbone of the settings, loaded. WeightsError ("missing"), ModelError."""
        return self.models.backbone(self._settings, report)

    def model(self, report: Report = silent) -> "RetrievalModel":
        """The model that indexes and searches: the trained one of the settings, or the backbone alone.

        WeightsError ("missing"), ModelError.
        """
        return self.models.model(self._settings, report)

    def fingerprint(self) -> Fingerprint:
        """The fingerprint that the settings ask for, without loading a model. WeightsError ("missing"), ModelError."""
        return self.models.fingerprint(self._settings)

    def query_digest(self) -> str:
        """Digest of all that decides a query's vectors, as `ModelRegistry.query_digest`."""
        return self.models.query_digest(self._settings)

    def status(self) -> ModelStatus:
        """The models in use, without loading one."""
        return self.models.status(self._settings)

    def warm_up(self, report: Report = silent) -> None:
        """Load both models and have each work once, so that the first query is as fast as the next ones."""
        model = self.model(report)
        model.encode_texts(["a picture"])
        self.recogniser(report).warm_up()
        self._described(model, self.fingerprint(), report)

    def transcribe(self, waveforms: Sequence[Waveform], report: Report = silent,
                   options: TranscriptionOptions | None = None) -> list[EncodedUtterance]:
        """Transcripts and encoder states of utterances; `options` of the settings. WeightsError, ModelError."""
        recogniser = self.recogniser(report)
        return recogniser.transcribe(waveforms, options or transcription_options(self._settings), report)

    def transcribe_query(self, waveform: Waveform, report: Report = silent) -> Transcript:
        """The transcript of an utterance; a stored one where it was transcribed before, if the history is kept."""
        return self._transcriber.transcribe(waveform, self._context(StepTimer(), report))

    def transcribe_ahead(self, waveform: Waveform) -> Transcript:
        """The transcript that `transcribe_query` gives for an utterance, computed before it is known to be complete.

        Nothing is stored. WeightsError, ModelError.
        """
        return self._transcriber.transcribe_ahead(waveform, self._context(StepTimer(), silent))

    def transcribe_partial(self, waveform: Waveform, previous: PartialTranscript | None = None, report: Report = silent
                           ) -> PartialTranscript:
        """The words so far of an utterance that is still being spoken, as a query uses them; nothing is stored.

        `previous`: the transcript of a shorter beginning, whose language is kept; it makes this one faster.
        WeightsError, ModelError.
        """
        recogniser = self.recogniser(report)
        known = previous is not None and bool(previous.language)
        options = (replace(transcription_options(self._settings), language=previous.language) if known and previous
                   else self.query_options())
        partial = recogniser.transcribe_partial(waveform.samples, options, previous)
        if not options.translate or partial.language in ("", "en"):
            return partial
        options = replace(options, language=partial.language, word_times=False, beam=1, several_languages=False)
        return replace(partial, text=recogniser.transcribe([waveform], options, report)[0].transcript.text.strip())

    def query_options(self) -> TranscriptionOptions:
        """Transcription options of a query under the settings and the history."""
        context = self._context(StepTimer(), silent)
        return query_options(context.settings, context.store)

    def index(self, folder: Path | Sequence[Path] | None, gallery: str, report: Report = silent, column: str = "",
              exclude: Sequence[str] = ()) -> IndexResult:
        """Index folders or pictures into a gallery, made if there is none; None: all folders of the gallery again.

        A folder may be an address, or a list with the paths in that `column`. `exclude` are patterns of what is left
        out, beside those of the settings. StoreError ("no_folder", "no_gallery", ...), DatasetError ("manifest"),
        WeightsError, ModelError. What was embedded stays when it stops; a gallery that nothing came into does not.
        """
        sources = () if folder is None else (folder,) if isinstance(folder, Path) else tuple(folder)
        for source in sources:
            remote.check_secrets(source)
            here = remote.local(source)
            if here is not None and not expanded(here).exists() and not is_list(source):
                raise StoreError(_("There is no folder {source}. Nothing was changed.").format(source=source),
                                 "no_folder")
        if not sources or is_address(gallery):  # before a model is loaded for nothing
            self._reachable(gallery, may_be_new=bool(sources))
        settings = self._settings
        left_out = Exclusions.of(settings["images.exclude"], exclude)
        report, after = finishing(report)
        crop, limit = self.models.crop(settings), settings["images.max_megapixels"]
        if not sources:
            target = self.gallery(gallery)
            model = self.models.model(settings, report)
            result = self.unfinished.run(target.info, lambda count: index_gallery(
                target, model, crop, limit, report, left_out, count))
        else:
            scans = scan_sources(sources, column, report, left_out)  # what fails here makes no gallery
            many = sum(len(scan.files) for scan in scans) >= WORTH_EXPORTING
            model = self.models.model(settings, report, export=many)
            with self.filled(gallery) as target:
                result = self.unfinished.run(target.info, lambda count: index_scans(
                    target, scans, model, crop, limit, report, count))
        with suppress(JobCancelled):  # the indexing is done and has a result
            target.optimize(after)
            self._described(model, model.fingerprint(crop), after)
        return result

    @contextmanager
    def filled(self, gallery: str) -> Iterator[Gallery]:
        """The gallery of a name or an address, made if there is none; a new one is deleted again when filling it fails
        before anything came into it.
        """
        known = is_address(gallery) or any(comparison_key(one.name) == comparison_key(gallery.strip())
                                           for one in self.store.galleries())
        target = self.gallery(gallery, create=True)
        try:
            yield target
        except JobCancelled:
            raise
        except Exception:
            state = target.state()
            if not known and not (state.images or state.failed or state.missing):
                target.delete()
            raise

    def copy_gallery(self, gallery: str, to: str, report: Report = silent) -> CopyResult:
        """Copy a gallery with all that it holds, from a name or an address to another; a stopped copy goes on.

        StoreError: `no_gallery`, `not_empty`, `same`, and what both places may raise.
        """
        source = self.gallery(gallery)
        if is_address(to):
            self._reachable(to, may_be_new=True)
        target = self.gallery(to, create=True)
        if target.id == source.id:
            raise StoreError(_("A gallery cannot be copied into itself."), "same")
        return copying.copy_gallery(source, target, report)

    def search(self, gallery: str, terms: Sequence[QueryTerm], top: int = 250, filter: Filter = Filter(),  # noqa: A002
               report: Report = silent, word_times: bool = True, exact: bool = False,
               all_copies: bool = False) -> SearchResult:
        """The `top` pictures of the gallery for the sum of the terms.

        `word_times` False leaves out the times of words, which takes a little less. `exact` compares every picture even
        where there is an index for very many (`SearchResult.approximate`). Of identical files the first is a hit
        (`Hit.copies`), or each of them with `all_copies`. QueryError kinds: no_gallery,
        empty_gallery, not_indexed, empty (no terms), nothing_heard, zero (terms take each other away), weight,
        not_finite. AudioError, ImageError, WeightsError, ModelError and StoreError pass through.
        """
        timer, settings = StepTimer(), self._settings
        context = self._context(timer, report)
        opened, fingerprint = self._gallery(gallery), self.models.fingerprint(settings)
        self._indexes.check(opened, fingerprint)
        terms = [self._transcriber.resolve(term, context, word_times) for term in terms]
        with timer.step("load"):
            model = self.models.model(settings, report)
            descriptions = self._described(model, fingerprint, report)
        with timer.step("search"):
            index = self._indexes.open(opened, fingerprint, model.dim)
        utterances = [self._transcriber.encode(term, model, context) for term in terms]
        with timer.step("embed"):
            encoded, cut = self._encode(terms, utterances, index, model, settings)
        with timer.step("search"):
            hits = index.find(encoded, top, filter, descriptions, exact, all_copies)
        spoken = next((term for term in terms if term.kind == "speech"), QueryTerm("speech"))
        return SearchResult(opened.name, hits.hits, hits.compared, spoken.transcript, spoken.waveform, encoded, cut,
                            timer.read(), max(0, index.images - len(index.index)), hits.approximate,
                            self.models.query_digest(settings), index.revision, self._unread(terms, settings))

    def repeat(self, kept: KeptSearch, gallery: str, top: int = 250, filter: Filter = Filter(),  # noqa: A002
               exact: bool = False, all_copies: bool = False) -> SearchResult | None:
        """`search` with terms that were encoded before: no model is loaded and nothing is transcribed.

        None where other models or settings decide the vectors now, or a model is needed for the significance of hits.
        Errors as in `search`, but those of recordings and images.
        """
        timer, settings = StepTimer(), self._settings
        opened, fingerprint = self._gallery(gallery), self.models.fingerprint(settings)
        self._indexes.check(opened, fingerprint)
        dim, model = len(kept.terms[0].vector), self.models.query_digest(settings)
        descriptions = background.kept_descriptions(dim, fingerprint.hash, self.home.caches / "strength")
        if descriptions is None or kept.model != model:
            return None
        with timer.step("search"):
            index = self._indexes.open(opened, fingerprint, dim)
            hits = index.find(kept.terms, top, filter, descriptions, exact, all_copies)
        return SearchResult(opened.name, hits.hits, hits.compared, None, None, kept.terms, 0, timer.read(),
                            max(0, index.images - len(index.index)), hits.approximate, model, index.revision)

    def _unread(self, terms: Sequence[QueryTerm], settings: Settings) -> str:
        """A sentence on the first typed text that the model does not read, else ""."""
        texts = [term.text for term in terms if term.kind == "text" and not term.text.isascii()]
        if not texts:
            return ""
        backbone = self.models.spec(settings).backbone
        return next(filter(None, (scripts.unread(text, backbone) for text in texts)), "")

    def remember(self, result: SearchResult, terms: str = "[]") -> QueryRecord | None:
        """Keep a query in the history, with its recording when it was spoken; None when the settings say not to.

        `terms` is JSON that whoever shows the history reads again. A recording that cannot be written is left out.
        """
        if not self._settings["search.keep_history"]:
            return None
        source = source_of(term.kind for term in result.terms)
        return self.store.add_query(result.gallery, text_of(result.terms), source, self._recorded(result.utterance),
                                    terms)

    def save_search(self, name: str, gallery: str, terms: Sequence[QueryTerm], kept: str) -> SavedSearch:
        """Save a search under a name, with the recordings of its spoken terms.

        `kept` is JSON that whoever shows it reads again. StoreError ("bad_name", "exists"). A recording that cannot be
        written is left out; the words of its term stay.
        """
        recordings = {at: path for at, term in enumerate(terms)
                      if (path := self._recorded(term.waveform)) is not None}
        return self.store.save_search(name, gallery, text_of(terms), source_of(term.kind for term in terms), kept,
                                      recordings)

    def _recorded(self, utterance: Waveform | None) -> Path | None:
        if utterance is None:
            return None
        path = self.home.recordings / f"{utterance.digest}.flac"
        try:
            if path.exists():
                os.utime(path)  # so that no sweep takes it for what a killed process left
            else:
                audio.write_flac(utterance, path)
        except (AudioError, OSError):
            return None
        return path

    def _reachable(self, gallery: str, may_be_new: bool) -> None:
        """StoreError when the gallery cannot be opened."""
        try:
            self.gallery(gallery)
        except StoreError as error:
            if error.kind != "no_gallery" or not may_be_new:
                raise

    def _gallery(self, name: str) -> Gallery:
        try:
            return self.gallery(name)
        except StoreError as error:
            if error.kind != "no_gallery":
                raise
            raise QueryError(str(error), "no_gallery") from error

    def _context(self, timer: StepTimer, report: Report) -> SearchContext:
        settings, store = self._settings, None
        with warn_if_read_only("Transcripts cannot be kept"):
            store = self.store
        return SearchContext(settings, store, lambda: self.models.recogniser(settings, report), timer, report)

    def _encode(self, terms: Sequence[QueryTerm], utterances: Sequence[EncodedUtterance | None], index: LoadedIndex,
                model: "RetrievalModel", settings: Settings) -> tuple[tuple[EncodedTerm, ...], int]:
        """The terms with their embeddings, in their order, and how many tokens were cut."""
        texts = [term.text for term, utterance in zip(terms, utterances, strict=True)
                 if term.kind != "image" and utterance is None]
        spoken = [utterance for utterance in utterances if utterance is not None]
        read = model.encode_texts(texts) if texts else None
        speech = model.encode_speech(spoken) if spoken else None
        of_texts = iter(read.vectors if read else ())
        of_speech = iter(zip(speech.vectors, speech.voice, strict=True) if speech else ())
        encoded = []
        for term, utterance in zip(terms, utterances, strict=True):
            if term.kind == "image":
                encoded.append(self._encode_image(term, index, model, settings))
            elif utterance is None:
                encoded.append(EncodedTerm(term.kind, term.text, queries.unit(next(of_texts)), term.weight))
            else:
                encoded.append(_encoded_speech(term, *next(of_speech)))
        return tuple(encoded), sum(read.cut if read else ()) + sum(speech.cut if speech else ())

    def _encode_image(self, term: QueryTerm, index: LoadedIndex, model: "RetrievalModel",
                      settings: Settings) -> EncodedTerm:
        """The stored embedding of an indexed picture; any other picture is embedded in the same way."""
        if term.image_id is not None and (term.image_id in index.index or term.path is None):
            vector = index.index.vectors_of([term.image_id])[0]
            names = [record.path.name for record in index.gallery.images([term.image_id])]
            label = names[0] if names else BY_KIND["image"].label
        else:
            picture = images.read(required(term.path), settings["images.max_megapixels"])
            views = images.looks(picture.rgb, self.models.crop(settings), model.image_size)
            vector, label = encode_views(model.encode_images, [views])[0], term.label
        return EncodedTerm("image", label, queries.unit(vector), term.weight)

    def _described(self, model: "RetrievalModel", fingerprint: Fingerprint, report: Report) -> Floats:
        """The background's descriptions under the fingerprint."""
        with self._calibrating:
            if fingerprint.hash not in self._descriptions:
                self._descriptions[fingerprint.hash] = background.descriptions(
                    model, model.dim, fingerprint.hash, self.home.caches / "strength", report)
            return self._descriptions[fingerprint.hash]


def _encoded_speech(term: QueryTerm, vector: Floats, voice: Floats) -> EncodedTerm:
    """The term of an utterance with its parts, all at the scale at which the whole has unit length."""
    whole = queries.unit(vector)
    length = float(np.linalg.norm(np.asarray(vector, np.float64)))
    part = whole if np.array_equal(vector, voice) else (voice / length).astype(np.float32)
    return EncodedTerm(term.kind, term.text, whole, term.weight, part)
