"""The recipe: the paper's values, bounds, files, the learning rate; and the table of all options."""

import itertools
import json
from dataclasses import fields, replace
from pathlib import Path

import pytest

from core.errors import ModelError, TrainingError
from core.models.variants import BrewClipOptions
from core.training import options as option_table
from core.training import presets
from core.training.options import BY_KEY, OPTIONS
from core.training.recipe import Recipe, TrainingOptions, rate_at

PAPER = Recipe(Path("/data/flickr8k"))
SMALL_DATA = presets.preset("small-data").values
OTHER = Recipe(Path("/data/é"), "e2e", "ViT-L-14/openai", "letterbox", "flickr8k", "all", "val",
               BrewClipOptions(prompts=8, gate=True), TrainingOptions(steps=10, noise="10,babble:0", device="cpu"))


def test_the_defaults_are_the_papers_where_it_has_them() -> None:
    training, model = PAPER.training, PAPER.model
    assert (training.steps, training.batch, training.weight_decay, training.clip) == (100_000, 32, 1e-6, 4.0)
    assert [rate_at(step, training) for step in (4_999, 5_000, 99_999)] == [1e-4, 1e-4, 1e-8]
    assert training.precision == "float16"
    assert not any((training.patience, training.noise, training.teach, training.choose_weight, training.fit_gate,
                    training.dev_noise, training.replicas, training.captions))
    assert (model.prompts, model.feed_forward, model.heads, model.dropout, model.inner_weight) == (4, 4096, 8, 0.1, 0.1)
    assert PAPER.variant == "full" and not model.gate and model.acoustic_weight == 1


def test_the_rate_rises_and_falls_in_straight_lines() -> None:
    options = TrainingOptions(steps=100, rate=1.0, warmup=0.2, final_rate=0.1)
    rates = [rate_at(step, options) for step in range(100)]
    assert rates[:20] == pytest.approx([(step + 1) / 20 for step in range(20)])
    assert rates[20] == pytest.approx(1.0)
    assert rates[99] == pytest.approx(0.1)
    falls = [before - after for before, after in itertools.pairwise(rates[20:])]
    assert falls == pytest.approx([0.9 / 79] * 79)


@pytest.mark.parametrize(("warmup", "steps"), [(0.0, 5), (1.0, 5), (0.5, 1), (0.0, 1), (0.01, 3)])
def test_every_step_has_a_rate(warmup: float, steps: int) -> None:
    options = TrainingOptions(steps=steps, warmup=warmup, rate=1e-3)
    assert all(0 < rate_at(step, options) <= 1e-3 for step in range(steps))


def test_float16_needs_a_gpu() -> None:
    assert [TrainingOptions().precision_on(device) for device in ("cuda", "cpu", "mps")] == ["float16", "float32",
                                                                                            "float32"]
    assert TrainingOptions(precision="bfloat16").precision_on("cpu") == "bfloat16"


@pytest.mark.parametrize("recipe", [PAPER, OTHER])
def test_a_recipe_goes_through_its_file(recipe: Recipe) -> None:
    assert Recipe.from_json(json.loads(json.dumps(recipe.to_json()))) == recipe


def test_a_file_of_an_older_release_has_the_other_options_at_their_defaults() -> None:
    found = OTHER.to_json()
    del found["training"]["noise"], found["model"]["gate"]
    assert Recipe.from_json(found) == replace(OTHER, training=replace(OTHER.training, noise=""),
                                              model=BrewClipOptions(prompts=8))


@pytest.mark.parametrize(("name", "value"), [
    ("steps", 0), ("steps", 1.5), ("steps", True), ("batch", 1), ("rate", -1.0), ("rate", float("nan")),
    ("rate", "fast"), ("precision", "int8"), ("device", "tpu"), ("seed", 2**31), ("noise", 3), ("choose_weight", 1)])
def test_a_value_out_of_its_range_or_kind_is_told(name: str, value: object) -> None:
    with pytest.raises(TrainingError, match=f"^{name} cannot be {value!r}") as caught:
        TrainingOptions(**{name: value})
    assert caught.value.kind == "options"


def test_zero_shot_has_nothing_to_train() -> None:
    with pytest.raises(TrainingError, match="nothing to train"):
        Recipe(Path("x"), "zero-shot")
    with pytest.raises(ModelError, match="no variant"):
        Recipe(Path("x"), "large")


# --- the table -------------------------------------------------------------------------------------------------------

def test_every_option_is_in_the_table_once_with_words_for_people() -> None:
    names = [each.name for record in (TrainingOptions, BrewClipOptions) for each in fields(record)]
    assert [each.name for each in OPTIONS] == names and len(set(names)) == len(names)
    assert len({each.title for each in OPTIONS}) == len(OPTIONS)
    for each in OPTIONS:
        assert each.about.endswith(".") and each.title[0].isupper(), each.key
        assert each.flag.startswith("--") and "_" not in each.flag
        each.check(each.default)
    assert set(option_table.FIRST) | set(option_table.APART) | set(SMALL_DATA) <= set(BY_KEY)


def test_a_text_is_read_as_the_option_has_it() -> None:
    read = {key: BY_KEY[key].read(text) for key, text in
            {"training.steps": " 100 000 ", "training.rate": "1e-3", "training.noise": " 10, babble:5 ",
             "training.precision": "bfloat16"}.items()}
    assert read == {"training.steps": 100_000, "training.rate": 1e-3, "training.noise": "10, babble:5",
                    "training.precision": "bfloat16"}
    for key, text in (("training.steps", "many"), ("training.steps", "1.5"), ("training.rate", "2"),
                      ("training.precision", "int8"), ("model.dropout", "")):
        with pytest.raises(TrainingError):
            BY_KEY[key].read(text)


def test_options_are_changed_by_key_and_told_in_words() -> None:
    changed = option_table.with_values(PAPER, SMALL_DATA)
    assert option_table.changed(changed) == SMALL_DATA
    assert option_table.values_of(changed)["model.feed_forward"] == 1024
    assert option_table.changed(PAPER) == {}
    elsewhere = option_table.with_values(PAPER, {"training.device": "cpu"})
    assert option_table.changed(elsewhere) == {}  # of the machine, not of the recipe
    assert presets.in_short(OTHER) == "letterbox, steps 10, noise 10,babble:0, prompts 8, gate on"
    assert presets.in_short(PAPER) == ""
    with pytest.raises(TrainingError):
        option_table.with_values(PAPER, {"training.steps": -1})
    with pytest.raises(TrainingError):
        option_table.with_values(PAPER, {"model.dropout": 2.0})


def test_recipes_are_compared_by_what_differs() -> None:
    found = dict(option_table.differences([PAPER, OTHER]))
    assert found["Variant"] == ("full", "e2e")
    assert found["Gate"] == ("off", "on")
    assert found["Backbone"] == ("automatic" if PAPER.backbone == "" else "auto", "ViT-L-14/openai")
    assert "Batch" not in found
    assert option_table.differences([PAPER]) == option_table.differences([PAPER, PAPER]) == []
