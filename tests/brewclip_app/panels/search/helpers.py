"""What the tests of the Search panel share: an explorer that answers at once, and hands for the panel."""

import threading
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import numpy as np
from PySide6.QtCore import QItemSelectionModel, QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent

from core.asr.transcript import PartialTranscript, Transcript, Word
from core.errors import StoreError
from core.explorer import ModelStatus, SearchResult
from core.fingerprint import Fingerprint
from core.galleries.listing import listing_of
from core.progress import Progress
from core.search.queries import EncodedTerm
from core.search.terms import text_of
from core.store.records import GalleryRecord, GalleryState, QueryRecord, SavedSearch

HEARD = Transcript("a brown dog", "en", (Word("a", 0, 0.1, 0.99), Word("brown", 0.1, 0.5, 0.4),
                                         Word("dog", 0.5, 0.8, 0.97)), -0.1, 0.01, 1.0)
SILENT = Transcript("", "", (), 0.0, 0.9, 0.0, reason="Nothing was said: the recording is silent.")


def made_listing(count):
    """Pictures of two years in three folders, the first the newest."""
    taken = [datetime(2024, 12, 31) - timedelta(days=730 * at / max(count, 1)) for at in range(count)]
    paths = [f"/nowhere/{at % 3}/picture {at:03}.jpg" for at in range(count)]
    contents = [b"%d" % at for at in range(count)]
    return listing_of((range(1, count + 1), paths, [1000] * count, [0] * count, [400] * count, [300] * count, taken,
                       contents, [0] * count), {})


class FakeStore:
    def __init__(self):
        self.records = {name: GalleryRecord(at, name, datetime.now(UTC), (Path("/nowhere"),))
                        for at, name in enumerate(("Flickr", "Holidays"), 1)}
        self.counts = {"Flickr": (8, 8, 0), "Holidays": (5, 5, 0)}
        self.fingerprints = ()
        self.history, self.saved, self.tagged, self.rated = [], [], [], []
        self.listing, self.chosen = made_listing(0), None

    def galleries(self):
        return list(self.records.values())

    def queries(self, limit=200):
        return self.history[::-1][:limit]

    def transcripts_of(self, digest):
        return [SILENT.to_json(), HEARD.to_json()]

    def delete_query(self, query_id):
        self.history = [record for record in self.history if record.id != query_id]

    def clear_queries(self):
        self.history.clear()

    def saved_searches(self):
        return sorted(self.saved, key=lambda each: each.name)

    def rename_search(self, search_id, name):
        self.saved = [replace(each, name=name) if each.id == search_id else each for each in self.saved]

    def delete_search(self, search_id):
        self.saved = [each for each in self.saved if each.id != search_id]


class FakeGallery:
    def __init__(self, store, info):
        self.store, self.info = store, info

    def state(self, fingerprint=""):
        images, indexed, failed = self.store.counts[self.info.name]
        return GalleryState(self.info, images, indexed, failed, 0, self.store.fingerprints)

    def listing(self, chosen):
        self.store.chosen = chosen
        return self.store.listing

    def tags(self):
        return [("holiday", 2)]

    def add_tag(self, ids, tag):
        self.store.tagged.append((tuple(ids), tag))

    def rate(self, ids, stars):
        self.store.rated.append((tuple(ids), stars))

    def images(self, ids=None):
        return [record for record in self.store.listing.records() if ids is None or record.id in ids]


class FakeExplorer:
    """Answers like `core.explorer.Explorer`; `gate` holds a search up, `error` makes it fail."""

    def __init__(self, make_hit):
        self.store, self.make_hit = FakeStore(), make_hit
        self.asked, self.transcript, self.error, self.cut = [], HEARD, None, 0
        self.digest, self.revision, self.repeated = "model 1", "revision 1", []
        self.exact, self.large = [], False  # whether each search was to be exact; whether an index answers
        self.partials, self.partly_heard = [], []  # words of partial transcripts; language and seconds of each
        self.ahead, self.spoken = [], []  # recordings transcribed before they ended, and after
        self.levels = ("strong",) * 3 + ("weak",) * 17
        self.unfinished, self.run = SimpleNamespace(of=lambda gallery: self.run), None
        self.gate = threading.Event()
        self.gate.set()

    def warm_up(self, report):
        return None

    recogniser = warm_up

    def fingerprint(self):
        return Fingerprint.of({"backbone": "fake"})

    def query_digest(self):
        return self.digest

    def status(self):
        return ModelStatus("fake", "", "Whisper base", "cpu", "", True, True)

    def use_settings(self, settings):
        pass

    def transcribe_query(self, waveform, report):
        self.spoken.append(waveform)
        self.wait(report)
        return self.transcript

    def transcribe_ahead(self, waveform):
        self.ahead.append(waveform)
        return self.transcript

    def transcribe_partial(self, waveform, previous, report):
        self.partly_heard.append((previous.language if previous else "", waveform.seconds))
        words = self.partials.pop(0) if len(self.partials) > 1 else "".join(self.partials)
        return PartialTranscript(words, "en" if words else "")

    def wait(self, report):
        while not self.gate.wait(0.01):
            report(Progress(subject="Waiting"))

    def addresses(self):
        return ()

    def gallery(self, gallery):
        return FakeGallery(self.store, self.store.records[gallery])

    def search(self, gallery, asks, top, limits, report, exact=False, all_copies=False):
        self.asked.append((gallery, asks, limits))
        self.all_copies = all_copies
        self.exact.append(exact)
        self.wait(report)
        if self.error:
            raise self.error
        hits = tuple(self.make_hit(rank, level=level) for rank, level in enumerate(self.levels, 1))
        vector = np.ones(4, np.float32) / 2
        terms = tuple(EncodedTerm(ask.kind, ask.text, vector, ask.weight) for ask in asks)
        return SearchResult(gallery, hits, len(hits), None, None, terms, self.cut, {"search": 3.2}, 0,
                            self.large and not exact, self.digest, self.revision)

    def repeat(self, kept, gallery, top, limits, exact=False, all_copies=False):
        self.repeated.append((gallery, kept, limits, all_copies))
        if kept.model != self.digest:
            return None
        hits = tuple(self.make_hit(rank, level=level) for rank, level in enumerate(self.levels, 1))
        return SearchResult(gallery, hits, len(hits), None, None, kept.terms, 0, {"search": 3.2}, 0, False, self.digest,
                            self.revision)

    def remember(self, result, terms="[]"):
        number = len(self.store.history) + 1
        kinds = {term.kind for term in result.terms}
        self.store.history.append(QueryRecord(number, datetime.now(UTC), result.gallery, result.terms[0].label,
                                              kinds.pop() if len(kinds) == 1 else "mixed", None, terms))

    def save_search(self, name, gallery, terms, kept):
        if any(each.name == name for each in self.store.saved):
            raise StoreError(f"There is a saved search named {name}.", "exists")
        self.store.saved.append(SavedSearch(len(self.store.saved) + 1, name, datetime.now(UTC), gallery,
                                            text_of(terms), "text", kept, {}))
        return self.store.saved[-1]

    def close(self):
        pass


def wait_for_hits(qtbot, panel, explorer, count=1):
    qtbot.waitUntil(lambda: (len(explorer.asked) + len(explorer.repeated) >= count
                             and not panel.controller.state.searching))
    return panel.results.grid.pictures.hits()


def ask(qtbot, panel, explorer, text="a dog"):
    panel.header.transcript.setFocus()
    panel.header.transcript.setPlainText(text)
    before = len(explorer.asked)
    qtbot.keyClick(panel.header.transcript, Qt.Key.Key_Return)
    return wait_for_hits(qtbot, panel, explorer, before + 1)


def speak(panel, sound, seconds=1.0, level=0.3):
    """Hold Space (its time is given to `PushToTalk` by the test), speak, let go."""
    stream = sound.streams[-1]
    stream.send(level, seconds)
    panel.voice.microphone.drain()
    panel.voice._pressed_at -= seconds
    panel.voice.microphone._pressed -= seconds


@contextmanager
def new_status(qtbot, panel):
    """Wait until the gallery was read again."""
    before = panel.controller.state.gallery
    yield
    qtbot.waitUntil(lambda: panel.controller.state.gallery is not before)


def end_recording(qtbot, panel, sound, level=0.3):
    microphone = panel.voice.microphone

    def over():
        if microphone.state == "stopping":
            sound.streams[-1].send(level, 0.1)
            microphone.drain()
        return microphone.state in ("ready", "off")

    qtbot.waitUntil(over)


def drop(panel, *paths, text=""):
    data = QMimeData()
    if paths:
        data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    if text:
        data.setText(text)
    panel.dropEvent(QDropEvent(QPointF(5, 5), Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton,
                               Qt.KeyboardModifier.NoModifier))


def select(panel, rows):
    for row in rows:
        index = panel.results.grid.pictures.index(row)
        panel.results.grid.selectionModel().select(index, QItemSelectionModel.SelectionFlag.Select)
