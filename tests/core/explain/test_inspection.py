"""From a query and a picture to an explanation, with a gallery's ranks; small models, a real store."""

import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image, ImageDraw

from core import cli
from core.asr.transcript import TranscriptionOptions
from core.audio import from_samples
from core.errors import ModelError, QueryError, StoreError
from core.explain import inspection
from core.explain.inspection import ExplainModel, explain, rank_in_gallery
from core.explain.methods import METHODS, method
from core.explain.neighbours import best_match, neighbours
from core.explain.observation import branches_of, typed
from core.fingerprint import Fingerprint
from core.galleries.backends import open_gallery
from core.indexing.local import index_folder
from core.models import checkpoints
from core.models.spec import ModelSpec
from core.models.variants import BrewClipOptions
from core.settings import Settings
from core.store.store import Store
from tests.fakes import FakeRecogniser

pytestmark = pytest.mark.slow

PRINT = Fingerprint.of({"backbone": "tiny", "weights": "0", "checkpoint": "none", "crop": "centre"})
SEVERAL = Fingerprint.of({"backbone": "tiny", "weights": "0", "checkpoint": "none", "crop": "multi-crop"})
COLOURS = ("red", "green", "blue", "yellow", "black", "white", "orange", "purple")


class Indexer:
    """What indexing wants of a model."""

    def __init__(self, model):
        self.model, self.dim, self.image_size, self.name = model, 32, 32, "tiny"

    def encode_images(self, pixels):
        import torch

        with torch.no_grad():
            return self.model.encode_stem(self.model.image_stem(pixels)).numpy()

    def fingerprint(self, crop):
        return PRINT if crop == "centre" else SEVERAL


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "pictures"
    made.mkdir()
    for number, colour in enumerate(COLOURS):
        picture = Image.new("RGB", (60, 40), "grey")
        ImageDraw.Draw(picture).ellipse((10 + number, 5, 40, 35), fill=colour)
        picture.save(made / f"{colour}.png")
    return made


@pytest.fixture
def lens(make):
    return ExplainModel(make("full"), "Tiny", "centre", PRINT)


@pytest.fixture
def explorer(home, folder, lens):
    """A store with the pictures indexed under the lens' fingerprint."""
    store = Store.open(home.store)
    index_folder(open_gallery(store, "Shapes", create=True), folder, Indexer(lens.network), "centre")
    yield SimpleNamespace(store=store, home=home, settings=Settings())
    store.close()


def rank(explorer, explanation, gallery, path, image_id=None):
    return rank_in_gallery(explanation, open_gallery(explorer.store, gallery), explorer.home.caches, path, image_id)


def picture(folder, name="red"):
    return Image.open(folder / f"{name}.png").convert("RGB")


def test_a_picture_of_the_gallery_stands_where_a_naive_count_puts_it(explorer, folder, lens, heard):
    sight = explain(lens, picture(folder), heard())
    assert sight.placement.cut
    assert sight.maps("text", method("gradient")).sound is None
    standing = rank(explorer, sight, "shapes", folder / "red.png")
    assert standing.in_gallery and standing.gallery == "Shapes"
    scores = {}
    for name in COLOURS:
        scores[name] = explain(lens, picture(folder, name), heard()).observation.scores["fused"]
    order = sorted(COLOURS, key=lambda name: -scores[name])
    ranks = standing.mix.branch_ranks(standing.row)
    assert ranks.both == order.index("red") + 1
    assert float(standing.mix.scores(0.5)[standing.row]) == pytest.approx(scores["red"], abs=1e-5)
    by_id = rank(explorer, sight, "Shapes", folder / "nowhere.png",
                  next(each.id for each in open_gallery(explorer.store, "Shapes").images()
                       if each.path.name == "red.png"))
    assert by_id.row == standing.row
    assert best_match(lens, open_gallery(explorer.store, "Shapes"), explorer.home.caches, heard()).path.stem == order[0]


def test_a_picture_from_elsewhere_is_ranked_among_them_but_is_no_neighbour(explorer, folder, lens, heard, tmp_path):
    sight = explain(lens, Image.new("RGB", (50, 70), "pink"), heard())
    standing = rank(explorer, sight, "Shapes", tmp_path / "pink.png")
    assert not standing.in_gallery and len(standing.mix.ids) == len(COLOURS) + 1
    rows = neighbours(standing, open_gallery(explorer.store, standing.gallery))
    assert {each.image.path.stem for each in rows} == set(COLOURS)
    own = standing.mix.rank(standing.row, 0.5)
    assert [each.rank for each in rows] == [rank for rank in range(1, 10) if rank != own]


@pytest.mark.parametrize("t", [0.0, 0.5, 1.0])
def test_neighbours_are_the_best_and_those_beside(explorer, folder, lens, heard, t):
    sight = explain(lens, picture(folder), heard())
    standing = rank(explorer, sight, "Shapes", folder / "red.png")
    own = standing.mix.rank(standing.row, t)
    rows = neighbours(standing, open_gallery(explorer.store, standing.gallery), t, best=2, beside=1)
    assert [each.rank for each in rows] == sorted({1, 2} | {max(1, own - 1), own, min(8, own + 1)})
    assert [each.score for each in rows] == sorted((each.score for each in rows), reverse=True)
    assert next(each.image.path.stem for each in rows if each.rank == own) == "red"


def test_another_query_has_its_own_rank_there(explorer, folder, lens, heard):
    sight = explain(lens, picture(folder), heard())
    standing = rank(explorer, sight, "Shapes", folder / "red.png")
    same, other = (standing.rank_of(branches_of(lens.network, query)) for query in (heard(), typed("blue whale")))
    assert same == standing.mix.branch_ranks(standing.row).both
    assert other == rank(explorer, explain(lens, picture(folder), typed("blue whale")), "Shapes",
                          folder / "red.png").mix.branch_ranks(standing.row).both


def test_under_several_crops_the_score_is_of_all_and_the_map_of_the_best(explorer, folder, lens, heard):
    index_folder(open_gallery(explorer.store, "Several", create=True), folder, Indexer(lens.network), "multi-crop")
    wide = replace(lens, crop="multi-crop", fingerprint=SEVERAL)
    sight = explain(wide, picture(folder), heard())
    alone = [explain(replace(lens, crop=crop), picture(folder), heard()) for crop in ("centre", "letterbox")]
    assert sight.looks == 4 and [round(edge) for edge in sight.placement.box] in (
        [0, 0, 40, 40], [10, 0, 50, 40], [20, 0, 60, 40], [0, -10, 60, 50])
    assert sight.observation.scores["fused"] >= max(each.observation.scores["fused"] for each in alone) - 1e-6
    standing = rank(explorer, sight, "Several", folder / "red.png")
    assert standing.in_gallery and standing.vectors[standing.row] == pytest.approx(sight.image, abs=1e-6)
    assert np.linalg.norm(sight.image) == pytest.approx(1) and alone[0].looks == 1
    assert not np.allclose(sight.image, alone[0].image, atol=1e-3)
    outside = rank(explorer, sight, "Several", folder / "not there.png")
    assert not outside.in_gallery and outside.mix.scores(0.5)[outside.row] == pytest.approx(
        standing.mix.scores(0.5)[standing.row], abs=1e-6)
    square = explain(wide, Image.new("RGB", (50, 50), "pink"), heard())
    assert square.looks == 1 and square.image == pytest.approx(explain(lens, Image.new("RGB", (50, 50), "pink"),
                                                                    heard()).image)


def test_a_gallery_that_is_not_there_or_not_indexed_is_said(explorer, folder, lens, heard):
    seen = explain(lens, picture(folder), heard())
    with pytest.raises(StoreError, match="no gallery"):
        rank(explorer, seen, "Nowhere", folder / "red.png")
    other = ExplainModel(lens.network, "Other", "centre", Fingerprint.of({"backbone": "other"}))
    with pytest.raises(QueryError, match="indexed with Other") as caught:
        rank(explorer, replace(seen, model=other), "Shapes", folder / "red.png")
    assert caught.value.kind == "not_indexed"
    with pytest.raises(QueryError):
        best_match(other, open_gallery(explorer.store, "Shapes"), explorer.home.caches, heard())


def test_a_trained_model_is_put_together_from_its_folder(home, tmp_path, mini, monkeypatch):
    from core.explorer import Explorer
    from core.models.brewclip import BrewCLIP

    explorer = Explorer(home, Settings())
    backbone = explorer.backbone()
    options = BrewClipOptions(feed_forward=32)
    model = BrewCLIP(backbone.built, "full", options, 512).eval()
    sha = backbone.fingerprint("centre").facts()["weights"]
    run = checkpoints.Run("full", options, backbone.name, sha, "Whisper base", 512, "own", "letterbox")
    checkpoints.save(tmp_path / "a run" / "best", model, run)
    for folder in (tmp_path / "a run", tmp_path / "a run" / "best"):
        lens = inspection.load_model(explorer.models, explorer.settings, ModelSpec(checkpoint=folder))
        assert lens.crop == "letterbox" and lens.network.variant.name == "full" and lens.title.startswith("BrewCLIP (")
        assert lens.fingerprint.hash != explorer.fingerprint().hash
    zero_shot = explorer.settings.with_value("vision.model", "zero-shot")
    own = inspection.load_model(explorer.models, zero_shot)
    assert own.fingerprint.hash == backbone.fingerprint("centre").hash and own.title == backbone.title
    bare = inspection.load_model(explorer.models, explorer.settings, ModelSpec(crop="squash"))
    assert (bare.network.variant.name, bare.crop) == ("zero-shot", "squash") and bare.title.endswith("zero-shot")
    assert bare.fingerprint.hash == backbone.fingerprint("squash").hash
    with pytest.raises(ModelError) as caught:
        inspection.load_model(explorer.models, explorer.settings, ModelSpec(checkpoint=tmp_path))
    assert caught.value.kind == "missing"
    explorer.close()


# --- the command line ---

@pytest.fixture
def command(home, folder, explorer, lens, monkeypatch, heard):
    """explain(arguments...) on the small model, its recogniser a fixture."""
    load = inspection.load_model
    monkeypatch.setattr(inspection, "load_model", lambda models, settings, spec, report: (
        lens if spec is None else load(models, settings, spec, report)))
    monkeypatch.setattr("core.explorer.Explorer.recogniser", lambda self, report: None)
    monkeypatch.setattr(inspection, "transcribe", lambda recogniser, lens, options, waveform, report: heard())
    return lambda *arguments: cli.main(["explain", *map(str, arguments)])


@pytest.fixture
def recording(tmp_path):
    import soundfile

    path = tmp_path / "query.wav"
    soundfile.write(path, 0.3 * np.sin(np.arange(16_000) * 0.1), 16_000)
    return path


def test_explain_prints_shares_that_add_up_and_every_map(command, folder, recording, capsys):
    assert command("--speech", recording, "--image", folder / "red.png", "--gallery", "Shapes", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["shares"]["text"] + found["shares"]["acoustic"] == pytest.approx(found["score"], abs=1e-9)
    assert found["score"] == pytest.approx(found["cosines"]["fused"], abs=1e-6)
    assert found["ranks"]["pictures"] == 8 and found["ranks"]["in_gallery"] and len(found["ranks"]["mix"]) == 21
    assert np.shape(found["picture"]["relevance"]) == (4, 4)
    assert found["picture"]["box"] == pytest.approx([10, 0, 50, 40])
    assert [word["text"] for word in found["words"]["words"]] == ["a", "brown", "dog's", "ball", "rolls"]
    assert len(found["voice"]["frames"]) == 50 and len(found["voice"]["words"]) == 5
    assert set(found["faithfulness"]) == {each.name for each in METHODS}
    assert set(found["faithfulness"]["gradient"]) == {"picture", "words", "sound"}


def test_explain_tells_people_and_draws(command, folder, recording, tmp_path, capsys):
    target = tmp_path / "why.png"
    assert command("--speech", recording, "--image", folder / "red.png", "--method", "grad-eclip", "--figure",
                   target) == 0
    said = capsys.readouterr()
    for words in ("transcript", "voice", "score", "dog's", "The centre crop cuts off", "deletion (lower is better)"):
        assert words in said.out
    assert str(target) in said.err and Image.open(target).width == 2070
    assert command("--text", "a red ball", "--image", folder / "red.png", "--gallery", "Shapes") == 0
    assert "voice" not in capsys.readouterr().out.replace("voice)", "")


@pytest.mark.parametrize(("arguments", "words"), [
    (["--text", " "], "text is empty"), (["--text", "a dog", "--method", "legrad"], "no method"),
    (["--text", "a dog", "--gallery", "Nowhere"], "no gallery"),
    (["--text", "a dog", "--checkpoint", "/nowhere"], "no trained model")])
def test_explain_says_what_is_wrong_in_a_sentence(command, folder, arguments, words, capsys):
    assert command("--image", folder / "red.png", *arguments) == 2
    assert words in capsys.readouterr().err


def test_a_broken_picture_is_said(command, tmp_path, capsys):
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8\xff nothing")
    assert command("--text", "a dog", "--image", tmp_path / "broken.jpg") == 2
    assert "broken.jpg" in capsys.readouterr().err


def test_an_utterance_is_transcribed_with_the_padding_of_the_run(lens, heard):
    recogniser, waveform = FakeRecogniser(), from_samples(np.ones(8000, np.float32), 16_000)
    options = TranscriptionOptions(keep_doubtful=True)
    inspection.transcribe(recogniser, lens, options, waveform)
    run = checkpoints.Run("full", BrewClipOptions(), "tiny", "", recogniser.name, 4, "full", "centre")
    inspection.transcribe(recogniser, replace(lens, run=run), options, waveform)
    assert recogniser.options == [options, replace(options, padding="full")]
    with pytest.raises(ModelError) as caught:
        inspection.transcribe(recogniser, replace(lens, run=replace(run, whisper="Another")), options, waveform)
    assert caught.value.kind == "wrong_speech"
