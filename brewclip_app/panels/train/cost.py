"""What the next run would take, worked out anew after each change of what decides it."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer

from brewclip_app.panels.train import words as training_words
from brewclip_app.panels.train.dataset import DatasetChoice
from brewclip_app.panels.train.form import TrainForm
from brewclip_app.panels.train.words import CostFacts
from brewclip_app.services.runs import HEARING
from core.errors import BrewclipError
from core.progress import Report
from core.training.recipe import Recipe
from core.training.runs import pace_of

if TYPE_CHECKING:
    from brewclip_app.context import Context
    from core.training.run import Preview

WAIT_MS = 500
JOB = "train-cost"


class CostEstimate(QObject):
    """Says below the form what a start would do, and lets it begin when it can."""

    def __init__(self, context: "Context", form: TrainForm, dataset: DatasetChoice) -> None:
        super().__init__(form)
        self._context, self._form, self._dataset = context, form, dataset
        self.recipe: Recipe | None = None  # as it would be started; None while it cannot be
        self._previews: dict[tuple[object, ...], Preview] = {}
        self._later = QTimer(self, singleShot=True, interval=WAIT_MS)
        self._later.timeout.connect(self._look)
        self._devices_known = False
        form.changed.connect(self.follow)
        dataset.changed.connect(self._dataset_changed)
        context.training.ended.connect(lambda _: self._dataset_changed())  # what was heard need not be heard again
        self.follow()

    def follow(self) -> None:
        """The recipe or the dataset is another one."""
        self.recipe = None
        self._form.start_button.setEnabled(False)
        if self._dataset.folder is None:
            self._say("Choose a dataset first.")
        elif self._dataset.report is None:
            self._say("")
        elif self._form.problems():
            self._say("Put right what is marked, then the run can begin.", wrong=True)
        else:
            self._take_recipe()

    def look_for_devices(self) -> None:
        """Find out, once, what there is to compute on."""
        if self._devices_known:
            return
        self._devices_known = True
        self._context.jobs.submit("Looking for a GPU", _devices, key="train-devices", on_done=self._form.show_devices,
                                  on_failed=lambda error: None, quiet=True)

    def _dataset_changed(self) -> None:
        self._previews.clear()
        self.follow()

    def _take_recipe(self) -> None:
        assert self._dataset.folder is not None
        try:
            recipe = self._form.recipe(self._dataset.folder, self._dataset.kind, self._dataset.follow_links)
        except BrewclipError as error:
            self._say(str(error), wrong=True)
            return
        self.recipe = recipe
        known = self._previews.get(_decides(recipe))
        self._form.start_button.setEnabled(True)
        if known is not None:
            self._show(recipe, known)
        else:
            self._say("Working out what it takes…")
            self._later.start()

    def _look(self) -> None:
        recipe, home, settings = self.recipe, self._context.home, self._context.settings
        if recipe is None or _decides(recipe) in self._previews:
            return

        def work(report: Report) -> "Preview":
            from core.explorer import Explorer
            from core.training import run as job
            explorer = Explorer(home, settings)  # one of its own: the window's models stay as they are
            try:
                return job.preview(explorer, recipe, report)
            finally:
                explorer.close()

        self._context.jobs.submit("Working out what a run takes", work, key=JOB, quiet=True,
                                  on_done=lambda found: self._take(recipe, found),
                                  on_failed=lambda error: self._refuse(recipe, error))

    def _take(self, recipe: Recipe, preview: "Preview") -> None:
        self._previews[_decides(recipe)] = preview
        self.follow()

    def _refuse(self, recipe: Recipe, error: BaseException) -> None:
        if self.recipe is None or _decides(self.recipe) != _decides(recipe):
            return
        if isinstance(error, BrewclipError):
            self.recipe = None
            self._form.start_button.setEnabled(False)
            self._say(str(error), wrong=True)
        else:
            self._say("What it takes could not be worked out.")

    def _show(self, recipe: Recipe, preview: "Preview") -> None:
        over = preview.cost.nbytes - recipe.training.max_cache_gb * 1e9
        if over > 0:
            self.recipe = None
            self._form.start_button.setEnabled(False)
            self._say(f"{training_words.cost(preview, recipe, self._facts(recipe))} That is more than the largest "
                      "caches allow: allow more among the options.", wrong=True)
            return
        self._say(training_words.cost(preview, recipe, self._facts(recipe)))

    def _facts(self, recipe: Recipe) -> CostFacts:
        pace = pace_of(self._context.training.records, lambda each: each.recipe is not None and _alike(
            each.recipe, recipe))
        return CostFacts(pace, float(self._context.state.get(HEARING, 0.0)))

    def _say(self, words: str, wrong: bool = False) -> None:
        self._form.say_cost(words, wrong)


def _decides(recipe: Recipe) -> tuple[object, ...]:
    """What of a recipe decides what is heard, seen and written, and whether that is enough."""
    return (recipe.dataset, recipe.kind, recipe.variant, recipe.backbone, recipe.crop, recipe.train, recipe.dev,
            recipe.training.noise, recipe.training.seed, recipe.training.device, recipe.training.batch)


def _alike(one: Recipe, other: Recipe) -> bool:
    """Whether two recipes take about as long a pair."""
    known = "auto" not in (one.backbone, other.backbone)  # which is the best here, and so most likely the same
    return (not known or one.backbone == other.backbone) and (
        one.variant, one.training.batch, one.training.device, one.training.precision) == (
        other.variant, other.training.batch, other.training.device, other.training.precision)


def _devices(report: Report) -> tuple[tuple[str, str], ...]:
    """What there is to compute on, as (key, name): the fastest first."""
    import torch

    from core.devices import choose

    best = choose("auto").name
    found = [("cpu", "CPU")]
    if choose("cuda").name == "cuda":
        found.insert(0, ("cuda", torch.cuda.get_device_name(0)))
    if choose("mps").name == "mps":
        found.insert(0, ("mps", "Apple GPU"))
    return (("auto", f"The fastest there is ({dict(found)[best]})"), *found)
