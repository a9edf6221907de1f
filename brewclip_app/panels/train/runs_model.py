"""Table model of the runs: tick, name, variant, changed options, recall, steps, state."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt

from brewclip_app import wording
from brewclip_app.localisation import _
from brewclip_app.panels.train import words
from brewclip_app.widgets.record_table import SORT_ROLE, Index, RecordTable, Role, TableColumn
from core.training.presets import in_short

if TYPE_CHECKING:
    from core.training.recipe import Recipe
    from core.training.runs import RunRecord

DASH = "\N{EN DASH}"
SORT = SORT_ROLE
COLOURS = {"preparing": "main", "training": "main", "failed": "care_words"}
RUN, VARIANT, BACKBONE, CHANGED, RECALL, STEPS, STATE = range(7)
NO_REQUESTS: Mapping[Path, str] = {}


class RunsModel(RecordTable["RunRecord"]):
    """Table of `RunRecord`. `tick` is called with the ticked runs after a click on a tick."""

    def __init__(self, tick: "Callable[[frozenset[Path]], object]") -> None:
        super().__init__((
            TableColumn(_("Run"), lambda run: run.path.name,
                        _("Tick runs to plot their curves together and to compare them (Space)"), sort=_by_name,
                        tip=lambda run: str(run.path)),
            TableColumn(_("Variant"), lambda run: _of_recipe(run, lambda recipe: recipe.variant)),
            TableColumn(_("Backbone"), lambda run: _of_recipe(run, lambda recipe: words.backbone(recipe.backbone))),
            TableColumn(_("Changed"), lambda run: _of_recipe(run, in_short),
                        _("Preset, and options that differ from it or from the defaults"),
                        tip=lambda run: _of_recipe(run, in_short)),
            TableColumn(_("Dev recall"), _dev_recall,
                        _("Model-selection score on dev at its best step: mean of R@1, R@5 and R@10, or R@1 alone; *: "
                          "on a part of dev"), True,
                        lambda run: -1.0 if run.best is None else run.best,
                        tip=lambda run: "" if run.best is None else _("Measured on {dev}").format(dev=words.dev(run))),
            TableColumn(_("Steps"), lambda run: _of_recipe(run, lambda _unused: wording.count(run.step)), number=True,
                        sort=lambda run: float(run.step),
                        tip=lambda run: _("{step} of {steps}").format(step=wording.count(run.step),
                                                                      steps=wording.count(run.steps))),
            TableColumn(_("State"), lambda run: words.state(run, self._requests.get(run.path, "")),
                        tip=lambda run: run.message, colour=lambda run: COLOURS.get(run.state, ""))),
            lambda run: run.path)
        self._tick = tick
        self._ticked: frozenset[Path] = frozenset()
        self._requests: Mapping[Path, str] = {}

    def show(self, records: "Sequence[RunRecord]", requests: Mapping[Path, str] = NO_REQUESTS,
             ticked: frozenset[Path] = frozenset()) -> None:
        """Show these runs. `requests`: "pause" or "stop", of runs that are asked to."""
        changed = (requests, ticked) != (self._requests, self._ticked)
        self._requests, self._ticked = requests, ticked
        super().show(records)
        if changed and self.records:
            self.dataChanged.emit(self.index(0, 0), self.index(len(self.records) - 1, STATE))

    def flags(self, index: Index) -> Qt.ItemFlag:
        flags = super().flags(index)
        return flags | Qt.ItemFlag.ItemIsUserCheckable if index.isValid() and index.column() == RUN else flags

    def data(self, index: Index, role: int = Role.DisplayRole) -> Any:
        if role == Role.CheckStateRole and index.isValid() and index.column() == RUN:
            ticked = self.records[index.row()].path in self._ticked
            return Qt.CheckState.Checked if ticked else Qt.CheckState.Unchecked
        return super().data(index, role)

    def setData(self, index: Index, value: Any, role: int = Role.EditRole) -> bool:
        if role != Role.CheckStateRole or not index.isValid() or index.column() != RUN:
            return False
        path = frozenset({self.records[index.row()].path})
        on = Qt.CheckState(value) == Qt.CheckState.Checked
        self._ticked = self._ticked | path if on else self._ticked - path
        self.dataChanged.emit(index, index, [Role.CheckStateRole])
        self._tick(self._ticked)
        return True


def _of_recipe(run: "RunRecord", text: "Callable[[Recipe], str]") -> str:
    return DASH if run.recipe is None else text(run.recipe) or DASH


def _dev_recall(run: "RunRecord") -> str:
    return DASH if run.best is None else f"{run.best:.1f}{'' if words.dev(run) == 'dev' else '*'}"


def _by_name(run: "RunRecord") -> str:
    return run.path.name.zfill(12) if run.path.name.isdecimal() else run.path.name
