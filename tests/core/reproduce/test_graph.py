"""Steps of plans: shared, ordered, left out where data is missing; each command does what its step does."""

import shlex
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import soundfile

from core.cli import build_parser
from core.cli.commands import COMMANDS
from core.cli.emotion import _options as emotion_options
from core.cli.training import _recipe
from core.errors import ReproductionError
from core.evaluation import published
from core.reproduce.graph import Choices, EvaluateWork, ProbeWork, StepGraph, build
from core.reproduce.plans import FIGURES, FLICKR8K, PLANS, RAVDESS, SPOKENCOCO, ReproductionPlan, plan
from core.reproduce.runner import Runner
from core.reproduce.table import ABOUT, DATASETS
from core.training.dataset import HELD_OUT
from core.training.recipe import Recipe


@pytest.fixture
def graph_of(tiny: ModuleType, place: Path):
    """A function that makes the graph of a plan on the tiny Flickr8k and other datasets."""
    opened = tiny.TinyExplorer(place / "home")

    def make(chosen: ReproductionPlan | str, others: dict[str, Path] | None = None, **more: object) -> StepGraph:
        chosen = plan(chosen) if isinstance(chosen, str) else chosen
        return build(opened.workspace, chosen, Choices({FLICKR8K: place / "data", **(others or {})},
                                                       backbone=tiny.NAME, **more), place / "out")
    yield make
    opened.close()


def keys(graph: StepGraph, kind: str) -> list[str]:
    return [task.step.key for task in graph.tasks if task.step.kind == kind]


def test_every_step_comes_after_those_that_it_needs(graph_of, tiny: ModuleType, tmp_path: Path) -> None:
    graph = graph_of("all", {SPOKENCOCO: tiny.spokencoco(tmp_path / "coco", train=6, val=3, test=3)})

    before: set[str] = set()
    for task in graph.tasks:
        assert before.issuperset(task.step.needs), task.step
        before.add(task.step.key)
    assert len(before) == len(graph.tasks) > 20


def test_plans_share_what_they_have_in_common(graph_of) -> None:
    first, fifth, both = (graph_of(name) for name in ("table1", "table5", "all"))

    assert set(keys(fifth, "train")) < set(keys(first, "train")) <= set(keys(both, "train"))
    assert len(keys(fifth, "train")) == 3  # one for each seed
    assert set(keys(fifth, "evaluate")) < set(keys(first, "evaluate")) <= set(keys(both, "evaluate"))


def test_a_key_follows_from_all_that_decides_the_step(graph_of, place: Path) -> None:
    before = graph_of("table1", seeds=(0,))
    assert keys(graph_of("table1", seeds=(0,)), "train") == keys(before, "train")
    assert set(keys(graph_of("table1", seeds=(0, 7)), "train")) > set(keys(before, "train"))
    assert not set(keys(graph_of("table1", seeds=(0,), preset="authors"), "train")) & set(keys(before, "train"))

    captions = place / "data/Flickr8k_text/Flickr8k.token.txt"
    captions.write_text(captions.read_text().replace("a red thing", "a scarlet thing"))
    after = graph_of("table1", seeds=(0,))
    for kind in ("prepare", "train", "evaluate", "table"):
        assert not set(keys(after, kind)) & set(keys(before, kind))


def test_what_cannot_be_made_is_left_out_and_said(graph_of) -> None:
    graph = graph_of("all")

    assert [task.step.number for task in graph.tasks if task.step.kind == "table"] == [1, 5]
    assert "RAVDESS was not given: what needs it is left out." in graph.deviations
    assert any(sentence.startswith("Table 2 is left out") for sentence in graph.deviations)
    with pytest.raises(ReproductionError) as error:
        graph_of("table4")
    assert error.value.kind == "nothing"
    assert "SpokenCOCO was not given" in str(error.value)


def test_a_model_is_never_chosen_on_the_split_that_it_is_evaluated_on(graph_of, tiny: ModuleType, tmp_path: Path
                                                                      ) -> None:
    without_test = {SPOKENCOCO: tiny.spokencoco(tmp_path / "coco", train=6, val=3)}
    graph = graph_of("table1", without_test, seeds=(0,))

    devs = {task.work.kind: task.work.dev for task in graph.tasks if isinstance(task.work, Recipe)}
    assert devs == {FLICKR8K: "", SPOKENCOCO: HELD_OUT}
    assert {task.work.data.split for task in graph.tasks if isinstance(task.work, EvaluateWork)} == {"test", "val"}
    assert "SpokenCOCO is evaluated on val (paper: test)." in graph.deviations


def test_models_are_evaluated_with_the_recogniser_that_they_are_trained_with(graph_of, tiny: ModuleType, place: Path,
                                                                             tmp_path: Path) -> None:
    graph = graph_of("table1", seeds=(0,), preset="authors")
    opened = tiny.TinyExplorer(tmp_path / "home")
    runner = Runner(opened.workspace, graph, tmp_path / "out")
    for task in graph.tasks:
        if isinstance(task.work, Recipe):
            wanted = task.work.training.speech_settings()
            assert wanted == {"speech.beam": 5, "speech.padding": "window"}
            assert {key: runner.workspace.settings[key] for key in wanted} == wanted
        if task.step.kind in ("evaluate", "prepare"):
            assert "--beam 5 --padding window" in task.step.command
    other = Runner(opened.workspace, graph_of("table1"), tmp_path / "out")
    assert other.workspace.settings == opened.workspace.settings
    opened.close()


@pytest.mark.parametrize("preset", ["paper", "authors", "small-data"])
def test_the_command_of_a_training_step_makes_its_recipe(graph_of, preset: str) -> None:
    graph = graph_of("small", preset=preset)

    trained = [task for task in graph.tasks if isinstance(task.work, Recipe)]
    assert len({task.work.variant for task in trained}) == 3
    for task in trained:
        parsed = build_parser(COMMANDS).parse_args(shlex.split(task.step.command)[1:])
        assert _recipe(parsed) == task.work
        assert parsed.out.name == task.step.key


def test_every_command_is_one_that_the_program_has(graph_of, tiny: ModuleType, tmp_path: Path) -> None:
    graph = graph_of("all", {SPOKENCOCO: tiny.spokencoco(tmp_path / "coco", train=6, val=3, test=3)})

    for task in graph.tasks:
        if task.step.command:
            build_parser(COMMANDS).parse_args(shlex.split(task.step.command)[1:])


def test_the_command_of_an_experiment_probes_the_same(graph_of, tmp_path: Path) -> None:
    ravdess = tmp_path / "ravdess"
    (ravdess / "Actor_01").mkdir(parents=True)
    soundfile.write(ravdess / "Actor_01" / "03-01-01-01-01-01-01.wav", np.zeros(1600), 16000)
    graph = graph_of("table3", {RAVDESS: ravdess})

    probed = [task for task in graph.tasks if isinstance(task.work, ProbeWork)]
    assert [task.work.options.mode for task in probed] == ["linear", "fine-tuned"]
    for task in probed:
        options = emotion_options(build_parser(COMMANDS).parse_args(shlex.split(task.step.command)[1:]))
        assert options.checkpoint.name == task.work.model
        assert replace(options, checkpoint=None) == task.work.options


def test_the_light_table_has_all_plans_and_datasets() -> None:
    assert list(ABOUT) == [plan.name for plan in PLANS]
    assert dict(DATASETS) == {**published.DATASETS, RAVDESS: "RAVDESS"}


def test_plans_name_what_there_is() -> None:
    numbers = {figure.name for figure in FIGURES}
    for each in PLANS:
        assert numbers.issuperset(each.figures)
        assert set(each.training) <= set(each.trained)
    for figure in FIGURES:
        assert DATASETS.keys() > set(figure.kinds)
        assert figure.datasets <= len(figure.kinds)
    with pytest.raises(ReproductionError) as error:
        plan("table9")
    assert error.value.kind == "plan"
