"""The explorer with models of a few lines, and once with the real ones."""

import os
import shutil
import subprocess
import threading
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core import audio, demo_pictures
from core.asr.transcript import PartialTranscript, Transcript
from core.errors import AudioError, BrewclipError, ImageError, QueryError, StoreError, WeightsError
from core.explorer import Explorer, Filter
from core.search.kept_search import KeptSearch
from core.search.terms import QueryTerm
from core.settings import Settings
from tests.fakes import COLOURS, ColourModel, FakeRegistry

pytestmark = pytest.mark.slow


@pytest.fixture
def explorer(home):
    made = Explorer(home, Settings(), FakeRegistry(home, ColourModel()))
    yield made
    made.close()


@pytest.fixture
def folder(tmp_path):
    place = tmp_path / "pictures"
    (place / "deep").mkdir(parents=True)
    for name, colour in COLOURS.items():
        Image.new("RGB", (20, 16), colour).save(place / ("deep" if name == "violet" else "") / f"{name}.png")
    return place


@pytest.fixture(params=["a name", "an address"])
def gallery(explorer, folder, tmp_path, request):
    """The pictures indexed, under a name and at an address: whoever searches notices no difference."""
    if request.param == "an address":
        pytest.importorskip("lancedb", reason="addresses need the extra: pip install .[scale]")
    name = "colours" if request.param == "a name" else str(tmp_path / "colours.lance")
    assert explorer.index(folder, name).indexed == len(COLOURS)
    return name


def transcript(text, **others):
    return Transcript(text, "en", (), -0.2, 0.01, 1.0, **others)


def a_recording(explorer, text, **others):
    waveform = audio.from_samples(np.sin(np.arange(8000) * (0.1 + 0.01 * len(text))).astype(np.float32), 16_000)
    explorer.models.parrot.transcripts[waveform.digest] = transcript(text, **others)
    return waveform


def names(result):
    return [hit.image.path.stem for hit in result.hits]


def image_id(explorer, gallery, name):
    place = explorer.gallery(gallery)
    return next(one.id for one in place.images() if one.path.stem == name)


def kind_of(work, error=QueryError):
    with pytest.raises(error) as caught:
        work()
    return caught.value.kind


def test_a_typed_query(explorer, gallery):
    result = explorer.search(gallery, [QueryTerm("text", "  something \n blue ")])
    assert names(result)[0] == "blue"
    assert [hit.rank for hit in result.hits] == list(range(1, len(COLOURS) + 1))
    assert [hit.score for hit in result.hits] == sorted((hit.score for hit in result.hits), reverse=True)
    assert result.terms[0].label == "something blue"
    assert (result.total, result.hidden_unindexed, result.cut) == (len(COLOURS), 0, 0)
    assert (result.transcript, result.utterance) == (None, None)
    for hit in result.hits:
        assert sum(share.value for share in hit.shares) == pytest.approx(hit.score, abs=1e-6)


def test_a_spoken_query_and_its_steps(explorer, gallery):
    waveform = a_recording(explorer, "a red thing")
    result = explorer.search(gallery, [QueryTerm("speech", waveform=waveform)], top=2)
    assert names(result)[0] == "red"
    assert len(result.hits) == 2
    assert result.transcript.text == "a red thing"
    assert result.utterance is waveform
    assert set(result.timings_ms) == {"load", "hear", "recognise", "embed", "search", "total"}
    assert sum(spent for step, spent in result.timings_ms.items() if step != "total") <= result.timings_ms["total"]


def test_a_spoken_query_from_a_file(explorer, gallery, tmp_path):
    waveform = a_recording(explorer, "yellow")
    audio.write_flac(waveform, tmp_path / "said.flac")
    read = audio.read(tmp_path / "said.flac")
    explorer.models.parrot.transcripts[read.digest] = transcript("yellow")
    assert names(explorer.search(gallery, [QueryTerm("speech", path=tmp_path / "said.flac")]))[0] == "yellow"


def test_a_spoken_term_that_brings_its_text_is_not_heard_again(explorer, gallery):
    waveform = a_recording(explorer, "a red thing")
    result = explorer.search(gallery, [QueryTerm("speech", text="a green thing", waveform=waveform)])
    assert names(result)[0] == "green"
    assert explorer.models.parrot.transcribed == 0
    assert result.utterance is waveform
    assert result.terms[0].kind == "speech"


def test_an_utterance_is_recognised_once_unless_the_history_is_off(explorer, gallery):
    waveform = a_recording(explorer, "blue")
    for _ in range(2):
        explorer.search(gallery, [QueryTerm("speech", waveform=waveform)])
    assert explorer.transcribe_query(waveform).text == "blue"
    assert explorer.models.parrot.transcribed == 1
    explorer.use_settings(Settings().with_value("speech.language", "de"))
    explorer.transcribe_query(waveform)
    assert explorer.models.parrot.transcribed == 2
    explorer.use_settings(Settings().with_value("search.keep_history", False))
    for _ in range(2):
        explorer.transcribe_query(waveform)
    assert explorer.models.parrot.transcribed == 4


def test_what_was_said_so_far_keeps_its_language_and_is_translated(explorer, monkeypatch):
    waveform, parrot, asked = a_recording(explorer, "a red house"), explorer.models.parrot, []

    def partial(samples, options, previous):
        asked.append((options.language, previous))
        return PartialTranscript("ein rotes Haus", "de", (1, 2))

    assert explorer.transcribe_partial(waveform).text == "a red house" and parrot.passes == ["partial"]
    monkeypatch.setattr(parrot, "transcribe_partial", partial)
    first = explorer.transcribe_partial(waveform)
    assert first == PartialTranscript("a red house", "de", (1, 2)), "translated for the search"
    options = parrot.options[-1]
    assert (options.language, options.word_times, options.beam, options.translate) == ("de", False, 1, True)
    explorer.transcribe_partial(waveform, first)
    assert asked == [("auto", None), ("de", first)]
    explorer.use_settings(Settings().with_value("speech.translate", False))
    assert explorer.transcribe_partial(waveform).text == "ein rotes Haus"
    assert not explorer.store.queries(), "nothing of it is kept"


def test_a_recording_without_words_says_why(explorer, gallery):
    waveform = a_recording(explorer, "", reason="Only noise was heard.")
    with pytest.raises(QueryError, match=r"Only noise was heard\.") as caught:
        explorer.search(gallery, [QueryTerm("speech", waveform=waveform)])
    assert caught.value.kind == "nothing_heard"


def test_a_picture_of_the_gallery_is_the_first_hit_of_its_own_query_and_not_read_again(explorer, gallery):
    seen = explorer.models.fake.images
    result = explorer.search(gallery, [QueryTerm("image", image_id=image_id(explorer, gallery, "violet"))])
    assert names(result)[0] == "violet"
    assert result.hits[0].score == pytest.approx(1, abs=1e-6)
    assert result.terms[0].label == "violet.png"
    assert explorer.models.fake.images == seen


def test_a_picture_from_a_file_is_embedded_as_the_gallery_was(explorer, gallery, folder, tmp_path):
    shutil.copy(folder / "green.png", tmp_path / "mine.png")
    result = explorer.search(gallery, [QueryTerm("image", path=tmp_path / "mine.png")])
    assert (names(result)[0], result.terms[0].label) == ("green", "mine.png")
    assert result.hits[0].score == pytest.approx(1, abs=1e-6)
    strange = explorer.search(gallery, [QueryTerm("image", path=tmp_path / "mine.png", image_id=10_000)])
    assert names(strange)[0] == "green"


def test_under_several_crops_a_picture_from_a_file_is_embedded_as_the_gallery_was(explorer, folder, tmp_path):
    wide = np.zeros((20, 60, 3), np.uint8)
    wide[:, :20], wide[:, 20:40], wide[:, 40:] = COLOURS["red"], COLOURS["white"], COLOURS["blue"]
    Image.fromarray(wide).save(folder / "flag.png")
    explorer.use_settings(explorer.settings.with_value("vision.crop", "multi-crop"))
    before = explorer.models.fake.images
    explorer.index(folder, "Several")
    assert explorer.models.fake.images == before + 4 * (len(COLOURS) + 1)
    shutil.copy(folder / "flag.png", tmp_path / "mine.png")
    result = explorer.search("Several", [QueryTerm("image", path=tmp_path / "mine.png")])
    assert names(result)[0] == "flag" and result.hits[0].score == pytest.approx(1, abs=1e-6)
    centre = explorer.search("Several", [QueryTerm("text", "white")]).hits
    assert next(hit.score for hit in centre if hit.image.path.stem == "flag") < 0.9  # its ends count as well


def test_terms_are_added_and_taken_away(explorer, gallery):
    red_and_blue = [QueryTerm("text", "red"), QueryTerm("image", image_id=image_id(explorer, gallery, "blue"))]
    assert names(explorer.search(gallery, red_and_blue))[0] == "violet"
    without = explorer.search(gallery, [*red_and_blue, QueryTerm("text", "violet", weight=-2.0)])
    assert names(without)[-1] == "violet"
    assert [share.value < 0 for share in without.hits[-1].shares] == [False, False, True]
    heavier = explorer.search(gallery, [QueryTerm("text", "red", weight=5.0), QueryTerm("text", "blue", weight=0.2)])
    assert names(heavier)[0] == "red"


def test_queries_that_cannot_be_answered(explorer, gallery, tmp_path):
    def ask(*asks):
        return kind_of(lambda: explorer.search(gallery, asks))

    assert ask() == "empty"
    assert ask(QueryTerm("text", " \n")) == "empty"
    assert ask(QueryTerm("image")) == "empty"
    assert ask(QueryTerm("speech")) == "empty"
    assert ask(QueryTerm("text", "red"), QueryTerm("text", "red", weight=-1.0)) == "zero"
    assert ask(QueryTerm("text", "red", weight=float("nan"))) == "weight"
    assert ask(QueryTerm("image", image_id=10_000)) == "not_indexed"
    for kind, error in (("image", ImageError), ("speech", AudioError)):
        missing = QueryTerm(kind, path=tmp_path / "no")
        assert kind_of(lambda term=missing: explorer.search(gallery, [term]), error) == "missing"


def test_a_model_that_gives_no_numbers_is_told(explorer, gallery):
    explorer.models.fake.vectors_of = lambda colours: np.full((len(colours), 4), np.nan, np.float32)
    assert kind_of(lambda: explorer.search(gallery, [QueryTerm("text", "red")])) == "not_finite"


@pytest.mark.parametrize("nothing", [np.nan, 0.0])
@pytest.mark.parametrize("crop", ["centre", "multi-crop"])
def test_a_picture_that_the_model_makes_nothing_of_is_told(explorer, gallery, folder, tmp_path, nothing, crop):
    shutil.copy(folder / "green.png", tmp_path / "mine.png")
    explorer.use_settings(explorer.settings.with_value("vision.crop", crop))
    explorer.index(folder, "Again")
    explorer.models.fake.vectors_of = lambda colours: np.full((len(colours), 4), nothing, np.float32)
    assert kind_of(lambda: explorer.search("Again", [QueryTerm("image", path=tmp_path / "mine.png")])) == "not_finite"


def test_galleries_that_cannot_be_searched_say_what_to_do(explorer, gallery):
    with pytest.raises(QueryError, match=r"There is no gallery.*colours" if "/" not in gallery else "index a folder"):
        explorer.search("colour", [QueryTerm("text", "red")])
    assert kind_of(lambda: explorer.search("nothing like it", [QueryTerm("text", "red")])) == "no_gallery"
    explorer.store.create_gallery("bare")
    assert kind_of(lambda: explorer.search("bare", [QueryTerm("text", "red")])) == "empty_gallery"
    explorer.use_settings(Settings().with_value("vision.crop", "squash"))
    assert kind_of(lambda: explorer.search(gallery, [QueryTerm("text", "red")])) == "not_indexed"


def test_a_part_of_a_gallery(explorer, gallery, folder):
    def found(**filters):
        result = explorer.search(gallery, [QueryTerm("text", "red")], filter=Filter(**filters))
        assert result.total == len(result.hits)
        return sorted(names(result))

    mine = [image_id(explorer, gallery, name) for name in ("red", "blue")]
    explorer.gallery(gallery).add_tag(mine, "mine")
    assert found(tag="mine") == ["blue", "red"]
    assert found(folder=folder / "deep") == ["violet"]
    assert found(name="LL") == ["yellow"]
    assert found(tag="nobody's") == []


def test_more_hits_than_pictures_and_fewer_than_one(explorer, gallery):
    assert len(explorer.search(gallery, [QueryTerm("text", "red")], top=10_000).hits) == len(COLOURS)
    assert explorer.search(gallery, [QueryTerm("text", "red")], top=0).hits == ()


def test_a_text_beyond_the_model_is_cut_and_told(explorer, gallery):
    assert explorer.search(gallery, [QueryTerm("text", "red " * 25)]).cut == 5


def test_what_is_indexed_later_is_found_and_what_is_gone_is_not(explorer, gallery, folder):
    assert "pink" not in names(explorer.search(gallery, [QueryTerm("text", "red")]))
    Image.new("RGB", (20, 16), (250, 30, 40)).save(folder / "pink.png")
    (folder / "black.png").unlink()
    result = explorer.index(None, gallery)
    assert (result.indexed, result.missing) == (1, 1)
    found = names(explorer.search(gallery, [QueryTerm("text", "red")]))
    assert "pink" in found[:2]
    assert "black" not in found


def test_indexing_a_folder_that_is_not_there_makes_no_gallery(explorer, tmp_path):
    assert kind_of(lambda: explorer.index(tmp_path / "nowhere", "new"), StoreError) == "no_folder"
    assert kind_of(lambda: explorer.index(None, "new"), StoreError) == "no_gallery"
    assert explorer.store.galleries() == []


def test_the_history_keeps_the_query_and_its_voice(explorer, gallery, home):
    result = explorer.search(gallery, [QueryTerm("speech", waveform=a_recording(explorer, "a red thing")),
                                       QueryTerm("text", "blue", weight=-1.0)])
    kept = explorer.remember(result, '[{"kind": "speech"}]')
    assert explorer.store.queries() == [kept]
    assert (kept.text, kept.source, kept.gallery) == ("a red thing \N{MINUS SIGN} blue", "mixed", gallery)
    assert kept.recording.parent == home.recordings
    assert audio.read(kept.recording).seconds == result.utterance.seconds
    assert explorer.remember(explorer.search(gallery, [QueryTerm("text", "blue")])).source == "text"
    explorer.use_settings(Settings().with_value("search.keep_history", False))
    assert explorer.remember(result) is None
    assert len(explorer.store.queries()) == 2


def test_a_recording_that_cannot_be_kept_does_not_lose_the_query(explorer, gallery, home):
    home.recordings.write_text("in the way")
    result = explorer.search(gallery, [QueryTerm("speech", waveform=a_recording(explorer, "red"))])
    assert explorer.remember(result).recording is None


def test_searches_from_many_threads_agree(explorer, gallery):
    found, errors = [], []

    def work(colour):
        try:
            found.append((colour, names(explorer.search(gallery, [QueryTerm("text", colour)]))[0]))
        except Exception as error:  # told by the assertion below
            errors.append(error)

    threads = [threading.Thread(target=work, args=(colour,)) for colour in list(COLOURS) * 3]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert len(found) == len(threads)
    assert all(asked == first for asked, first in found)


def test_without_whisper_the_error_says_how_to_get_it(home, monkeypatch):
    monkeypatch.delenv("BREWCLIP_MODELS", raising=False)
    explorer = Explorer(home, Settings())
    with pytest.raises(WeightsError, match="brewclip weights fetch whisper-base") as caught:
        explorer.recogniser()
    assert caught.value.kind == "missing"
    assert explorer.status().speech == ""


def test_the_state_of_the_engine_and_its_fingerprint_need_no_model(home, monkeypatch, whisper_base):
    monkeypatch.setenv("BREWCLIP_MODELS", str(whisper_base.parent))
    explorer = Explorer(home, Settings().with_value("vision.backbone", "brewclip-mini"))
    before = explorer.fingerprint()
    status = explorer.status()
    assert (status.backbone_loaded, status.speech_loaded, status.speech) == (False, False, "Whisper base")
    assert status.note
    assert explorer.backbone().fingerprint("centre") == before
    assert explorer.backbone() is explorer.backbone()
    assert explorer.status().backbone_loaded
    explorer.use_settings(explorer.settings.with_value("vision.crop", "squash"))
    assert explorer.status().backbone_loaded
    assert explorer.fingerprint() != before
    explorer.use_settings(explorer.settings.with_value("device", "cpu"))
    assert not explorer.status().backbone_loaded
    explorer.close()


def test_for_real_a_spoken_query_finds_the_picture(home, monkeypatch, whisper_base, tmp_path):
    """Whisper base and brewclip-mini, the demo's photographs, a voice of espeak-ng."""
    monkeypatch.setenv("BREWCLIP_MODELS", str(whisper_base.parent))
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    for name in ("cat.png", "cup of coffee.png", "rocket.jpg", "brick wall.png", "photographer.png"):
        (pictures / name).write_bytes((demo_pictures.PHOTOGRAPHS / name).read_bytes())
    said = tmp_path / "said.wav"
    subprocess.run(["espeak-ng", "-v", "en-us", "-s", "140", "-w", said, "A cup of coffee with a spoon on the table."],
                   check=True)
    explorer = Explorer(home, Settings().with_value("vision.backbone", "brewclip-mini"))
    explorer.index(pictures, "photographs")
    result = explorer.search("photographs", [QueryTerm("speech", path=said)])
    assert "coffee with a spoon" in result.transcript.text.lower()
    assert result.hits[0].image.path.name == "cup of coffee.png"
    assert result.hits[0].strength.expected < result.hits[-1].strength.expected
    assert {share.branch for share in result.hits[0].shares} == {"text", "acoustic"}
    for hit in result.hits:
        assert sum(share.value for share in hit.shares) == pytest.approx(hit.score, abs=1e-6)
    explorer.use_settings(explorer.settings.with_value("vision.model", "zero-shot"))
    alone = explorer.search("photographs", [QueryTerm("speech", path=said)])
    typed = explorer.search("photographs", [QueryTerm("text", result.transcript.text)])
    assert [(hit.image.id, hit.score) for hit in typed.hits] == [(hit.image.id, hit.score) for hit in alone.hits]
    assert {share.branch for hit in alone.hits for share in hit.shares} == {"text"}
    explorer.close()


def test_a_command_that_fails_leaves_no_gallery(explorer, folder, tmp_path, monkeypatch):
    (tmp_path / "list.csv").write_text("path\nnone.jpg\n")
    (tmp_path / "notes.txt").write_text("x")
    for source in (tmp_path / "list.csv", tmp_path / "none", tmp_path / "notes.txt", tmp_path / "none.csv"):
        with pytest.raises(BrewclipError):
            explorer.index(source, "New")
    monkeypatch.setattr("core.galleries.sqlite.gallery.SqliteGallery.record",
                        lambda *given: (_ for _ in ()).throw(OSError("disk")))
    with pytest.raises(OSError, match="disk"):
        explorer.index(folder, "New")
    assert "New" not in [gallery.name for gallery in explorer.store.galleries()]


def test_a_folder_may_be_written_as_a_file_address(explorer, folder):
    assert explorer.index(Path(f"file://{folder}"), "By address").images > 0


def test_several_sources_are_one_run(explorer, folder):
    first, second = sorted(folder.rglob("*.png"))[:2]
    result = explorer.index([first, second], "Two")
    assert (result.images, result.indexed) == (2, 2)
    assert explorer.index(None, "Two").unchanged == 2


@pytest.mark.parametrize("where", ["a name", "an address"])
def test_identical_copies_are_one_hit_unless_all_are_asked_for(explorer, folder, tmp_path, where):
    if where == "an address":
        pytest.importorskip("lancedb", reason="addresses need the extra: pip install .[scale]")
    name = "copies" if where == "a name" else str(tmp_path / "copies.lance")
    for number in range(39):
        shutil.copy(folder / "red.png", folder / f"red {number:02}.png")
    explorer.index(folder, name)
    ask = [QueryTerm("image", path=folder / "red.png")]
    result = explorer.search(name, ask, top=3)
    assert [hit.rank for hit in result.hits] == [1, 2, 3]
    assert [hit.copies for hit in result.hits] == [40, 1, 1]
    assert len({hit.image.content_hash for hit in result.hits}) == 3
    assert {path.name for path in folder.glob("red*.png")} == {image.path.name for image in result.hits[0].files}
    every = explorer.search(name, ask, top=41, all_copies=True)
    assert {hit.copies for hit in every.hits[:40]} == {40}
    assert (result.hits[0].score, result.hits[1].score) == pytest.approx((every.hits[0].score, every.hits[40].score))
    assert explorer.search(name, ask, top=1).hits[0].copies == 40
    some = explorer.search(name, ask, top=3, all_copies=True)
    assert [hit.copies for hit in some.hits] == [40, 40, 40]
    assert len(explorer.search(name, ask, top=250).hits) == len(COLOURS)
    part = explorer.search(name, ask, top=5, filter=Filter(name="red 0"))
    assert [hit.copies for hit in part.hits] == [10]


def test_a_picture_has_one_date_that_filters_and_says_where_it_is_from(explorer, folder, gallery, tmp_path):
    exif = Image.Exif()
    exif[0x0132] = "2010:06:01 12:00:00"
    Image.new("RGB", (20, 16), "white").save(folder / "dated.jpg", exif=exif)
    os.utime(folder / "dated.jpg", (0, datetime(2022, 1, 1).timestamp()))
    os.utime(folder / "red.png", (0, datetime(2005, 12, 31, 23, 59).timestamp()))
    explorer.index(folder, gallery)
    place = explorer.gallery(gallery)
    by_name = {image.path.name: image for image in place.images()}
    assert by_name["dated.jpg"].dated == (datetime(2010, 6, 1, 12), "taken")
    assert by_name["red.png"].dated == (datetime(2005, 12, 31, 23, 59), "file")

    def within(since, until):
        ids = place.filter_ids(Filter(since=since, until=until))
        return {image.path.name for image in place.images(ids.tolist())}

    assert within(datetime(2005, 1, 1), datetime(2006, 1, 1)) == {"red.png"}
    assert within(datetime(2010, 6, 1), datetime(2010, 6, 2)) == {"dated.jpg"}
    assert within(datetime(2006, 1, 1), datetime(2010, 6, 1)) == set()
    found = explorer.search(gallery, [QueryTerm("text", text="red")],
                            filter=Filter(since=datetime(2005, 1, 1), until=datetime(2006, 1, 1)))
    assert [hit.image.path.name for hit in found.hits] == ["red.png"]


@pytest.mark.parametrize("kind", ["read_only", "disk_full"])
def test_where_nothing_can_be_kept_searching_and_hearing_answer(explorer, gallery, home, monkeypatch, caplog, kind):
    waveform = a_recording(explorer, "green")

    def refuse(*args, **kwargs):
        raise StoreError("It takes nothing.", kind)

    monkeypatch.setattr(explorer.store.database, "writing", refuse)
    shutil.rmtree(home.caches, ignore_errors=True)
    home.caches.write_text("in the way of the caches")
    assert names(explorer.search(gallery, [QueryTerm("speech", waveform=waveform)]))[0] == "green"
    assert explorer.transcribe_query(waveform).text == "green"
    assert names(explorer.search(gallery, [QueryTerm("text", "blue")]))[0] == "blue"
    assert "The transcript could not be kept: It takes nothing." in caplog.messages


def test_without_any_store_hearing_answers(explorer, monkeypatch, caplog):
    waveform = a_recording(explorer, "green")

    def refuse(path):
        raise StoreError("It may not be written to.", "read_only")

    monkeypatch.setattr("core.explorer.Store.open", refuse)
    assert explorer.transcribe_query(waveform).text == "green"
    assert caplog.messages == ["Transcripts cannot be kept: It may not be written to."]
    monkeypatch.setattr("core.explorer.Store.open", lambda path: (_ for _ in ()).throw(StoreError("x", "not_a_store")))
    with pytest.raises(StoreError):
        explorer.transcribe_query(waveform)


def test_a_search_is_repeated_with_the_terms_that_it_encoded(explorer, gallery, folder, monkeypatch):
    result = explorer.search(gallery, [QueryTerm("text", "red"), QueryTerm("text", "blue", weight=-0.5)])
    kept = KeptSearch.from_json(KeptSearch(result.terms, result.model, result.revision).to_json())
    monkeypatch.setattr(explorer.models, "model", None)  # nothing is loaded
    again = explorer.repeat(kept, gallery)
    assert [(hit.image.id, hit.score, hit.strength) for hit in again.hits] == [
        (hit.image.id, hit.score, hit.strength) for hit in result.hits]
    assert (again.revision, again.model) == (result.revision, result.model)
    monkeypatch.undo()
    Image.new("RGB", (20, 16), "white").save(folder / "white.png")
    explorer.index(folder, gallery)
    assert explorer.repeat(kept, gallery).revision != result.revision, "a changed gallery is told apart"


def test_a_search_is_not_repeated_with_vectors_of_another_model(explorer, gallery):
    result = explorer.search(gallery, [QueryTerm("text", "red")])
    kept = KeptSearch(result.terms, result.model, result.revision)
    explorer.use_settings(Settings().with_value("speech.padding", "full"))
    assert explorer.query_digest() != result.model and explorer.repeat(kept, gallery) is None


def test_a_search_is_not_repeated_where_its_significance_needs_a_model(explorer, gallery):
    result = explorer.search(gallery, [QueryTerm("text", "red")])
    shutil.rmtree(explorer.home.caches / "strength")
    assert explorer.repeat(KeptSearch(result.terms, result.model, result.revision), gallery) is None
