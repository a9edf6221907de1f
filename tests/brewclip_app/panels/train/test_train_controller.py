"""The controller of the Train screen, without widgets."""

import numpy as np
import pytest
import soundfile
from PIL import Image

from brewclip_app import tasks
from brewclip_app.context import Context
from brewclip_app.panels.train.controller import TrainController
from core.errors import WeightsError
from core.features.prepared_split import Cost
from core.training import run as job
from core.training.options import OPTIONS
from tests.brewclip_app.training_runs import make_run

WAIT = 20_000
VALUES = {"preset": "", "variant": "full", "backbone": "auto", "crop": "centre", "train": "train", "dev": "",
          **{option.key: option.default for option in OPTIONS}}


@pytest.fixture
def context(home, qtbot):
    made = Context(home)
    yield made
    assert made.jobs.shutdown(20)
    made.close()


@pytest.fixture
def dataset(tmp_path):
    """A picture with a recording for training, and one for dev."""
    folder = tmp_path / "data"
    folder.mkdir()
    for name in ("a", "b"):
        soundfile.write(folder / f"{name}.wav", np.zeros(1600, np.float32), 16_000)
        Image.new("RGB", (40, 40), "red").save(folder / f"{name}.png")
    (folder / "pairs.csv").write_text("image,recording,caption,split\na.png,a.wav,a,train\nb.png,b.wav,b,dev\n")
    return folder


@pytest.fixture
def controller(context, monkeypatch):
    monkeypatch.setattr(job, "preview", lambda explorer, recipe, report: job.Preview(3, (), "dev", Cost(4, 10, 10)))
    made = TrainController(context)
    made.set_form(VALUES, [], "cpu")
    return made


def settle(controller, qtbot):
    qtbot.waitUntil(lambda: not tasks._running and not controller._later.isActive()
                    and controller._jobs.is_idle(), timeout=WAIT)


def test_a_dataset_makes_a_recipe_with_its_cost(controller, qtbot, dataset):
    assert controller.state.cost == "Choose a dataset first." and controller.state.recipe is None
    controller.choose_folder(dataset)
    settle(controller, qtbot)
    state = controller.state
    assert state.report is not None and state.recent == (dataset,) and "transcribed" in state.cost
    assert state.recipe.dataset == dataset and state.recipe.training.device == "cpu"


def test_problems_of_the_form_keep_a_run_from_beginning(controller, qtbot, dataset):
    controller.choose_folder(dataset)
    settle(controller, qtbot)
    controller.set_form(VALUES, ["Not a number."], "cpu")
    assert controller.state.recipe is None and controller.state.cost_problem
    controller.set_form(VALUES, [], "cpu")
    assert controller.state.recipe is not None  # its cost is known


def test_a_folder_without_a_dataset_says_so(controller, qtbot, tmp_path):
    (tmp_path / "empty").mkdir()
    controller.choose_folder(tmp_path / "empty")
    settle(controller, qtbot)
    assert controller.state.dataset_problem and controller.state.recent == () and controller.state.recipe is None


def test_missing_weights_are_the_cost(controller, qtbot, dataset, monkeypatch):
    def refuse(explorer, recipe, report):
        raise WeightsError("Whisper base is not here.", "not_here")

    monkeypatch.setattr(job, "preview", refuse)
    controller.choose_folder(dataset)
    settle(controller, qtbot)
    assert controller.state.cost == "Whisper base is not here." and controller.state.cost_problem
    assert controller.state.recipe is None


def test_the_first_run_is_current_and_ticked_ones_are_drawn(controller, context, qtbot):
    first, second = (make_run(context.home.runs, name) for name in ("1", "2"))
    context.training.reload()
    settle(controller, qtbot)
    state = controller.state
    assert {run.path for run in state.records} == {first, second} and state.run is state.records[0]
    assert state.drawn_runs == [state.run]
    controller.tick(frozenset({first, second}))
    assert len(controller.state.drawn_runs) == 2
    controller.choose_run(first)
    controller.use_in_search()
    assert controller.state.search_model == str(first / "best") and controller.state.status[2] == "library"
