"""Table model of the runs: tick, name, variant, changed options, recall, steps, state."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt

from brewclip_app import theme, wording
from brewclip_app.panels.train import words as training_words
from brewclip_app.plain_text import plain_tip
from core.training.options import changes_in_words

if TYPE_CHECKING:
    from core.training.runs import RunRecord

Index = QModelIndex | QPersistentModelIndex
Role = Qt.ItemDataRole
HEADS = ("Run", "Variant", "Backbone", "Changed", "Dev recall", "Steps", "State")
RUN, VARIANT, BACKBONE, CHANGED, RECALL, STEPS, STATE = range(len(HEADS))
FIGURES = (RECALL, STEPS)
SORT = int(Role.UserRole)
NO_REQUESTS: Mapping[Path, str] = {}
COLOURS = {"preparing": "main", "training": "main", "failed": "care_words"}
TIPS = {RECALL: "Mean of R@1, R@5 and R@10 in both directions on dev, at its best step",
        RUN: "Tick runs to plot their curves together and to compare them (Space)",
        CHANGED: "Options that differ from the paper"}


class RunsModel(QAbstractTableModel):
    """Table of `RunRecord`. `tick` is called with the ticked runs after a click on a tick."""

    def __init__(self, tick: "Callable[[frozenset[Path]], object]") -> None:
        super().__init__()
        self._tick = tick
        self._records: tuple[RunRecord, ...] = ()
        self._ticked: frozenset[Path] = frozenset()
        self._requests: Mapping[Path, str] = {}

    def show(self, records: "Sequence[RunRecord]", requests: "Mapping[Path, str]" = NO_REQUESTS,
             ticked: "frozenset[Path]" = frozenset()) -> None:
        """Show these runs; the same ones keep their place. `requests`: "pause" or "stop", of runs that are asked to."""
        self._requests, self._ticked = requests, ticked
        records = tuple(records)
        if [each.path for each in records] == [each.path for each in self._records]:
            self._records = records
            if records:
                self.dataChanged.emit(self.index(0, 0), self.index(len(records) - 1, len(HEADS) - 1))
            return
        self.beginResetModel()
        self._records = records
        self.endResetModel()

    def record(self, row: int) -> "RunRecord":
        """The run on a row."""
        return self._records[row]

    def row_of(self, path: Path | None) -> int:
        """The row of a run; -1 when it is not there."""
        return next((row for row, each in enumerate(self._records) if each.path == path), -1)

    def rowCount(self, parent: Index = QModelIndex()) -> int:
        return 0 if parent.isValid() else len(self._records)

    def columnCount(self, parent: Index = QModelIndex()) -> int:
        return 0 if parent.isValid() else len(HEADS)

    def flags(self, index: Index) -> Qt.ItemFlag:
        if not index.isValid():
            return Qt.ItemFlag.NoItemFlags
        flags = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable | Qt.ItemFlag.ItemNeverHasChildren
        return flags | Qt.ItemFlag.ItemIsUserCheckable if index.column() == RUN else flags

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Role.DisplayRole) -> Any:
        if orientation != Qt.Orientation.Horizontal:
            return None
        if role == Role.DisplayRole:
            return HEADS[section]
        if role == Role.ToolTipRole:
            return TIPS.get(section)
        return int(_side(section)) if role == Role.TextAlignmentRole else None

    def data(self, index: Index, role: int = Role.DisplayRole) -> Any:
        if not index.isValid():
            return None
        record, place = self._records[index.row()], index.column()
        if role == Role.DisplayRole:
            return self._text(record, place)
        if role == SORT:
            return _sorted_by(record, place) if place in (RUN, *FIGURES) else self._text(record, place)
        if role == Role.ToolTipRole:
            return plain_tip(self._tip(record, place) or "") or None
        if role == Role.TextAlignmentRole:
            return int(_side(place))
        if role == Role.CheckStateRole and place == RUN:
            return Qt.CheckState.Checked if record.path in self._ticked else Qt.CheckState.Unchecked
        if role == Role.ForegroundRole and place == STATE and record.state in COLOURS:
            return theme.colour(COLOURS[record.state])
        return None

    def setData(self, index: Index, value: Any, role: int = Role.EditRole) -> bool:
        if role != Role.CheckStateRole or not index.isValid() or index.column() != RUN:
            return False
        path = frozenset({self._records[index.row()].path})
        on = Qt.CheckState(value) == Qt.CheckState.Checked
        self._ticked = self._ticked | path if on else self._ticked - path
        self.dataChanged.emit(index, index, [Role.CheckStateRole])
        self._tick(self._ticked)
        return True

    def _text(self, record: "RunRecord", place: int) -> str:
        recipe = record.recipe
        if place == RUN:
            return record.path.name
        if place == STATE:
            return training_words.state(record, self._requests.get(record.path, ""))
        if recipe is None:
            return "–"
        if place == VARIANT:
            return recipe.variant
        if place == BACKBONE:
            return training_words.backbone(recipe.backbone)
        if place == CHANGED:
            return changes_in_words(recipe) or "–"
        if place == RECALL:
            return "–" if record.best is None else f"{record.best:.1f}"
        return wording.count(record.step)

    def _tip(self, record: "RunRecord", place: int) -> str | None:
        if place == RUN:
            return str(record.path)
        if place == STATE:
            return record.message or None
        if place == STEPS:
            return f"{wording.count(record.step)} of {wording.count(record.steps)}"
        return self._text(record, place) if place == CHANGED else None


def _side(place: int) -> Qt.AlignmentFlag:
    return (Qt.AlignmentFlag.AlignRight if place in FIGURES else Qt.AlignmentFlag.AlignLeft
            ) | Qt.AlignmentFlag.AlignVCenter


def _sorted_by(record: "RunRecord", place: int) -> float | str:
    if place == RECALL:
        return -1.0 if record.best is None else record.best
    if place == STEPS:
        return float(record.step)
    return record.path.name.zfill(12) if record.path.name.isdecimal() else record.path.name
