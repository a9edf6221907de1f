"""The whole way with the program's own models: Whisper hears, the bundled backbone sees, a checkpoint is read."""

import csv
import shutil

import pytest
import torch

from core import demo
from core.errors import ModelError
from core.evaluation import archive
from core.evaluation.diagnosis import diagnose
from core.evaluation.evaluate import evaluate
from core.evaluation.records import DataChoice, Request
from core.explorer import Explorer
from core.home import Home
from core.models import checkpoints
from core.models.brewclip import BrewCLIP
from core.models.spec import ModelSpec
from core.models.variants import BrewClipOptions
from core.settings import Settings

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def spoken(tmp_path_factory, whisper_base):
    """An explorer, and three of the demo's pictures with their spoken descriptions as a dataset."""
    root = tmp_path_factory.mktemp("real")
    demo.write_pictures(root / "data")
    rows = []
    for query in demo.queries()[:3]:
        shutil.copy(query.path, root / "data" / query.path.name)
        rows.append((query.expected, query.path.name, query.label, "test"))
    with (root / "data" / "pairs.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("image", "audio", "caption", "split"), *rows])
    settings = Settings().with_value("vision.backbone", "brewclip-mini").with_value("weights.folder",
                                                                                    str(whisper_base.parent))
    explorer = Explorer(Home(root / "home"), settings.with_value("device", "cpu"))
    yield explorer, root / "data"
    explorer.close()


def save_model(explorer, folder, whisper="Whisper base"):
    """A checkpoint of the full model, as it is before any training."""
    torch.manual_seed(0)
    backbone, options = explorer.backbone(), BrewClipOptions(feed_forward=16)
    model = BrewCLIP(backbone.built, "full", options, 512)
    weights = str(backbone.fingerprint("centre").facts()["weights"])
    checkpoints.save(folder, model, checkpoints.Run("full", options, backbone.name, weights, whisper, 512, "own",
                                                    "centre", {"kind": "spokencoco", "name": "x", "train": "train"}))


def test_a_dataset_from_its_recordings_to_its_failures(spoken, tmp_path):
    explorer, folder = spoken
    save_model(explorer, tmp_path / "runs" / "a" / "best")
    asked = Request((ModelSpec(), ModelSpec(checkpoint=tmp_path / "runs" / "a")), (DataChoice(folder),), (False, True))
    zero, captions, full, _ = found = evaluate(explorer.workspace, asked)
    assert [each.setup.variant for each in found] == ["zero-shot", "zero-shot", "full", "full"]
    assert zero.speech_to_image["R@1"].value == captions.speech_to_image["R@1"].value == 100
    assert zero.words.rate < 0.2
    assert (full.setup.model, full.setup.trained_on) == ("BrewCLIP (a)", "spokencoco")
    assert full.unseen is None and "not known" in full.unseen_note, "its checkpoint keeps no digests"
    opened = archive.open_evaluation(explorer.store, full.id)
    assert all(query.text_rank and query.acoustic_rank for query in opened.queries("speech_to_image"))
    hits = opened.hits("speech_to_image", 0)
    assert [hit.rank for hit in hits] == [1, 2, 3]
    assert max(hit.score for hit in hits if hit.own) == pytest.approx(opened.queries("speech_to_image")[0].score)
    made = diagnose(explorer.workspace, full.id, at=1)
    assert len(made.diagnoses) == sum(len(opened.failures(direction, 1))
                                  for direction in ("speech_to_image", "image_to_speech"))
    for each in made.diagnoses:
        alone = {again.change: again.rank for again in each.again}
        query = opened.queries(each.direction)[each.number]
        assert (alone["text"], alone["acoustic"]) == (query.text_rank, query.acoustic_rank)


def test_a_model_that_hears_otherwise_is_refused(spoken, tmp_path):
    explorer, folder = spoken
    save_model(explorer, tmp_path / "best", "Whisper large")
    with pytest.raises(ModelError, match="trained with Whisper large"):
        evaluate(explorer.workspace, Request((ModelSpec(checkpoint=tmp_path / "best"),), (DataChoice(folder),)))
