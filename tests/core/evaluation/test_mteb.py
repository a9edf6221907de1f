"""The real MTEB over the world of colours: its figures are those of `brewclip evaluate` on the same pairs."""

import io
import json
import sys
from dataclasses import replace

import datasets as hf
import mteb
import numpy as np
import pytest
from PIL import Image

from core import cli, datasets
from core.errors import EvaluationError
from core.evaluation import mteb_model, mteb_runs, mteb_tasks
from core.evaluation.evaluate import evaluate
from core.evaluation.records import DataChoice, Request
from core.models.spec import ModelSpec

from .conftest import COLOURS, Said, voice

pytestmark = pytest.mark.slow

NAMES = list(COLOURS)
PICTURES = {f"{first}.png": (first, f"{first}+{NAMES[(place + 1) % 12]}") for place, first in enumerate(NAMES)}
NOISE = np.random.default_rng(5)  # voices beside the words, so that no two scores are the same
SAID = [Said(f"{name}.png", " ".join([name] * (1 + place % 3) + [NAMES[(place + 2 + number) % 12]] * (1 + number)),
             f"{name} picture", voice(**dict(zip(NAMES, 0.9 * NOISE.random(12), strict=True))))
        for place, name in enumerate(NAMES) for number in range(2)]


@pytest.fixture
def made(world):
    return world(PICTURES, SAID)


@pytest.fixture
def results(made, tmp_path):
    tasks = mteb_tasks.local(datasets.load(made.folder), "test")
    return mteb_runs.run(made.explorer.workspace, ModelSpec(), tasks, tmp_path / "results")


def test_the_figures_are_those_of_evaluate(made, results):
    [record] = evaluate(made.explorer.workspace, Request((ModelSpec(),), (DataChoice(made.folder),)))
    assert 0 < record.speech_to_image["R@1"].value < 100, "the models are neither blind nor perfect"
    for ours, theirs in zip((record.speech_to_image, record.image_to_speech), results, strict=True):
        for k in (1, 5, 10):
            assert theirs.figures[f"hit_rate_at_{k}"] * 100 == pytest.approx(ours[f"R@{k}"].value, abs=0.01), k
        assert theirs.figures["ndcg_at_10"] * 100 == pytest.approx(ours["nDCG@10"].value, abs=0.01)
    to_image = results[0].figures
    assert to_image["recall_at_5"] == to_image["hit_rate_at_5"], "one picture fits each recording"


def test_mteb_s_own_result_file(results, tmp_path):
    assert [result.task for result in results] == ["LocalSpeechToImageRetrieval", "LocalImageToSpeechRetrieval"]
    for result in results:
        content = json.loads(result.path.read_text())
        assert result.path.is_relative_to(tmp_path / "results") and content["task_name"] == result.task
        assert content["scores"]["test"][0]["hit_rate_at_5"] == pytest.approx(result.figures["hit_rate_at_5"], abs=1e-4)
        assert result.unreadable == 0


def test_what_cannot_be_read_is_counted(made, tmp_path):
    (made.folder / "3.wav").write_bytes(b"RIFF broken")
    tasks = mteb_tasks.local(datasets.load(made.folder), "test")
    [to_image, _] = mteb_runs.run(made.explorer.workspace, ModelSpec(), tasks, tmp_path / "results")
    assert to_image.unreadable == 1


def test_the_first_queries_alone(made, tmp_path):
    tasks = mteb_tasks.local(datasets.load(made.folder), "test")[:1]
    mteb_runs.run(made.explorer.workspace, ModelSpec(), tasks, tmp_path / "results", limit=3)
    data = tasks[0].dataset["default"]["test"]
    assert list(data["queries"]["id"]) == ["u0", "u1", "u2"]
    assert sorted(data["corpus"]["id"]) == ["green.png", "red.png"]


def test_pictures_of_a_class_fit_all_its_recordings(made):
    dataset = replace(datasets.load(made.folder), relevance={"red.png": "warm", "orange.png": "warm"})
    to_image, to_speech = (task._content["default"]["test"]["relevant_docs"]
                           for task in mteb_tasks.local(dataset, "test"))
    assert to_image["u0"] == {"red.png": 1, "orange.png": 1} and to_image["u2"] == {"green.png": 1}
    assert set(to_speech["red.png"]) == set(to_speech["orange.png"]) == {"u0", "u1", "u14", "u15"}


def embedded(made, column, names):
    """A data loader as MTEB makes it, of files whose bytes are embedded."""
    rows = [{"path": None, "bytes": (made.folder / name).read_bytes()} for name in names]
    feature = hf.Audio(decode=False) if column == "audio" else hf.Image()
    table = hf.Dataset.from_dict({column: rows}).cast(hf.Features({column: feature}))
    return type("Loader", (), {"dataset": table})()


def test_embedded_files_are_the_files(made):
    encoder = mteb_model.encoder(made.explorer.workspace, ModelSpec(), mteb_model.meta_of())
    pictures = encoder.encode(embedded(made, "image", ["red.png", "blue.png"]))
    sounds = encoder.encode(embedded(made, "audio", ["0.wav", "4.wav"]))
    assert np.allclose(np.linalg.norm(pictures, axis=1), 1, atol=1e-6)
    assert encoder.similarity(sounds, pictures).shape == (2, 2)
    assert np.allclose(pictures[0, :3], [0.949, 0.316, 0], atol=0.01), "three quarters red, one quarter green"
    assert np.allclose(encoder.similarity_pairwise(sounds, pictures), np.diag(encoder.similarity(sounds, pictures)))
    assert Image.open(io.BytesIO((made.folder / "red.png").read_bytes())).size


def test_texts_are_refused(made):
    encoder = mteb_model.encoder(made.explorer.workspace, ModelSpec(), mteb_model.meta_of())
    loader = type("Loader", (), {"dataset": hf.Dataset.from_dict({"text": ["a dog"]})})()
    with pytest.raises(EvaluationError, match="Only recordings or pictures") as caught:
        encoder.encode(loader)
    assert caught.value.kind == "modality"


def test_the_published_tasks_are_those_of_mteb():
    assert [task.metadata.name for task in mteb_tasks.published()] == list(mteb_tasks.NAMES)
    assert set(mteb_tasks.NAMES) <= set(mteb_tasks.available())
    with pytest.raises(EvaluationError, match="has no task Nothing") as caught:
        mteb_tasks.published(("Nothing",))
    assert caught.value.kind == "no_task"


def test_mteb_finds_models_by_name(made, monkeypatch):
    monkeypatch.setenv("BREWCLIP_HOME", str(made.explorer.home.root))
    monkeypatch.setattr(mteb_model, "ModelRegistry", lambda home: made.models)
    assert isinstance(mteb.get_model(mteb_model.ZERO_SHOT), mteb_model.BrewclipEncoder)
    mteb_model.register(mteb_model.meta_of("lab/our-run", crop="squash"))
    model = mteb.get_model("lab/our-run")
    assert model.mteb_model_meta.name == "lab/our-run" and isinstance(model, mteb.EncoderProtocol)


@pytest.fixture
def run(made, monkeypatch, home, capsys):
    monkeypatch.setattr("core.explorer.Explorer", lambda home, settings: made.explorer)

    def run(*arguments):
        code = cli.main(["mteb", *map(str, arguments)])
        return code, *capsys.readouterr()

    return run


def test_the_command(run, made, tmp_path):
    code, out, err = run("--data", made.folder, "--out", tmp_path / "out", "--json")
    first, second = json.loads(out)
    assert code == 0 and first["task"] == "LocalSpeechToImageRetrieval" and second["hit_rate_at_10"] <= 1
    assert err.count("Written: ") == 2 and (tmp_path / "out").is_dir()


def test_the_command_in_words(run, made, tmp_path):
    _, out, err = run("--data", made.folder, "--out", tmp_path / "out", "--limit", 2)
    assert "nDCG@10" in out and "LocalImageToSpeechRetrieval" in out
    assert "Limited to 2 queries: these figures are not comparable" in err
    assert "SpokenCOCOA2IRetrieval" in run("--list")[1].split()


def test_two_sources_are_refused(run, made):
    code, _, err = run("--data", made.folder, "--tasks", "SpokenCOCOA2IRetrieval")
    assert code == 2 and "choose one of them" in err


def test_data_that_cannot_be_fetched(made, tmp_path, monkeypatch):
    [task] = mteb_tasks.published(("SpokenCOCOA2IRetrieval",))
    monkeypatch.setattr(task, "load_data", lambda **_: (_ for _ in ()).throw(ConnectionError("no network")))
    with pytest.raises(EvaluationError, match=r"A2IRetrieval are not on this computer .*no network") as caught:
        mteb_runs.run(made.explorer.workspace, ModelSpec(), [task], tmp_path / "out")
    assert caught.value.kind == "no_data"


def test_without_mteb(run, made, monkeypatch):
    monkeypatch.setitem(sys.modules, "mteb", None)
    code, _, err = run("--list")
    assert code == 2 and "pip install .[mteb]" in err
