"""Presets of a recipe, and runs that do as the authors' code does."""

import json
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from core.errors import TrainingError
from core.evaluation.ranks import AT, ranks, recall
from core.models.brewclip import BrewCLIP
from core.progress import silent
from core.training import options as option_table
from core.training import presets
from core.training import run as job
from core.training.recipe import Recipe, TrainingOptions
from core.training.run_folder import RunFolder
from core.training.validation import DevResult

PLAIN = Recipe(Path("/data/set"))


def train(explorer, recipe: Recipe, folder: Path) -> dict:
    """The `run.json` of a run from its beginning to its end."""
    run = RunFolder(folder)
    job.begin(run, recipe)
    job.train(explorer.workspace, run, silent)
    return json.loads((run.best / "run.json").read_text())


@pytest.mark.parametrize("preset", presets.PRESETS, ids=lambda preset: preset.name)
def test_a_preset_changes_what_it_lists_and_deviates_in_nothing_else(preset: presets.Preset) -> None:
    recipe = preset.apply(PLAIN)
    assert recipe.preset == preset.name
    assert option_table.changed(recipe) == dict(preset.values)
    assert presets.deviations(recipe) == preset.differences
    other = option_table.with_values(recipe, {"training.batch": 64, "training.device": "cpu"})
    assert presets.deviations(other) == ("batch 64", *preset.differences)
    assert Recipe.from_json(json.loads(json.dumps(other.to_json()))) == other


def test_the_authors_values_are_those_of_their_code() -> None:
    recipe = presets.preset("authors").apply(PLAIN)
    training, model = recipe.training, recipe.model
    assert (training.loss, training.replicas, training.select, training.clip) == ("authors", 3, "r1", 4.0)
    assert (model.inner_weight, model.learn_temperature, model.temperature) == (0.0, False, 0.07)
    assert any("test split" in text for text in presets.deviations(recipe))


def test_the_papers_preset_names_what_the_paper_leaves_open() -> None:
    facts = presets.to_json(presets.preset("paper").apply(PLAIN))
    assert facts["deviations"] == []
    assert {"Temperature", "Heads", "Seed", "Model selection"} <= set(facts["left_open"])
    assert "Inner loss α" not in facts["left_open"] and "Gate" not in facts["left_open"]
    assert presets.to_json(PLAIN) == {}


def test_an_unknown_preset_is_an_error() -> None:
    with pytest.raises(TrainingError, match="no preset 'thesis'"):
        presets.preset("thesis")


def test_without_new_options_the_files_are_those_of_earlier_releases() -> None:
    """So that checkpoints are read by releases that lack them."""
    assert not {"loss", "replicas", "select", "captions", "same_image_negatives"} & set(PLAIN.training.to_json())
    assert "preset" not in PLAIN.to_json()
    assert TrainingOptions(captions=True).to_json()["captions"] is True


def mean_r1_by_hand(spoken: np.ndarray, pictures: np.ndarray, image_of: np.ndarray) -> float:
    """The authors' criterion: the share of queries whose best item is a right one, mean of both directions, percent."""
    scores = [[float(said @ shown) / float(np.linalg.norm(said) * np.linalg.norm(shown)) for shown in pictures]
              for said in spoken.astype(np.float64)]
    to_image = [max(range(len(row)), key=row.__getitem__) == own for row, own in zip(scores, image_of, strict=True)]
    to_speech = []
    for picture in sorted(set(image_of.tolist())):
        column = [row[picture] for row in scores]
        to_speech.append(image_of[max(range(len(column)), key=column.__getitem__)] == picture)
    return 50 * (sum(to_image) / len(to_image) + sum(to_speech) / len(to_speech))


def test_model_selection_by_r1_is_the_authors_criterion() -> None:
    draw = np.random.default_rng(4)
    pictures, image_of = draw.normal(size=(30, 8)), np.repeat(np.arange(30), 5)
    spoken = pictures[image_of] + 1.5 * draw.normal(size=(150, 8))
    found = ranks(spoken.astype(np.float32), pictures.astype(np.float32), image_of)
    recalls = [tuple(100 * recall(each, at) for at in AT) for each in (found.speech_to_image, found.image_to_speech)]
    result = DevResult(*recalls, 1.0, at=AT[:1])
    assert 20 < result.score < 90
    assert result.score == pytest.approx(mean_r1_by_hand(spoken, pictures, image_of), abs=1e-5)


def test_model_selection_by_r1_reads_r1_alone() -> None:
    result = DevResult((10.0, 50.0, 90.0), (20.0, 60.0, 70.0), 1.0)
    assert result.score == pytest.approx(50.0)
    assert replace(result, at=AT[:1]).score == pytest.approx(15.0)


@pytest.mark.slow
def test_a_run_as_the_authors_records_how_it_was_made(explorer, data: Path, little: ModuleType, tmp_path: Path
                                                      ) -> None:
    recipe = presets.preset("authors").apply(little.recipe(data))
    recipe = option_table.with_values(recipe, {"training.batch": 6, "training.evaluate_every": 12})
    facts = train(explorer, recipe, tmp_path / "run")["metrics"]
    assert facts["preset"] == "authors"
    assert "batch 6" in facts["deviations"] and facts["training"]["loss"] == "authors"
    dev = facts["dev"]
    assert dev["score"] == pytest.approx((dev["speech_to_image"]["R@1"] + dev["image_to_speech"]["R@1"]) / 2, abs=0.01)


@pytest.mark.slow
def test_captions_are_learned_from_without_hearing_anything(explorer, data: Path, little: ModuleType, tmp_path: Path
                                                            ) -> None:
    lists = (data / "pairs.csv").read_text().replace("a red thing", "a dark red thing", 1)
    (data / "pairs.csv").write_text(lists)
    recipe = little.recipe(data, "prompted", captions=True)
    assert job.preview(explorer.workspace, recipe).cost.recordings == 0
    seen: list[str] = []
    original = BrewCLIP.collate

    def noting(self: BrewCLIP, transcripts, states=None):
        seen.extend(each.text for each in transcripts)
        return original(self, transcripts, states)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(BrewCLIP, "collate", noting)
        train(explorer, recipe, tmp_path / "run")
    assert "a dark red thing" in seen and not explorer.ears.heard


@pytest.mark.slow
def test_a_full_model_hears_the_voice_and_reads_the_captions(explorer, data: Path, little: ModuleType, tmp_path: Path
                                                             ) -> None:
    facts = train(explorer, little.recipe(data, captions=True), tmp_path / "run")
    assert facts["metrics"]["training"]["captions"] is True and explorer.ears.heard
    with pytest.raises(TrainingError, match="reads no text"):
        little.recipe(data, "e2e", captions=True)


def test_replicas_that_do_not_fit_the_batch_are_refused(explorer, data: Path, little: ModuleType) -> None:
    with pytest.raises(TrainingError, match="cannot be split into 3 replicas"):
        job.preview(explorer.workspace, little.recipe(data, replicas=3))
