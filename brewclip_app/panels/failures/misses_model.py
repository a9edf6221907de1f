"""Table model of the failures of an evaluation, and the filter over it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import (
    QAbstractTableModel,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QSortFilterProxyModel,
    Qt,
)

from brewclip_app.plain_text import plain_tip

Index = QModelIndex | QPersistentModelIndex
ROOT = QModelIndex()
ROW_ROLE = Qt.ItemDataRole.UserRole + 1
SORT_ROLE = Qt.ItemDataRole.UserRole + 2
COLUMNS = ("Rank", "Utterance", "WER", "Kind", "Then", "Label")
RANK, WORDS, WER, KIND, THEN, LABEL = range(len(COLUMNS))
TIPS = ("Rank of the right result", "", "Word error rate of the transcript",
        "The change that would have helped", "Rank with that change", "Your label")
NONE = "\N{EM DASH}"
LAST = 1e9  # sorts behind every number


@dataclass(frozen=True)
class MissRow:
    """One failure. `number` is the query's in the evaluation.

    `wer` is 0..1 and more, None without a transcript; `then` is the rank with the change that helped; `kind` and
    `label` are keys, with titles and colours beside them; `label_key`, the number on the keyboard, sorts them.
    """

    number: int
    rank: int
    words: str
    wer: float | None = None
    kind: str = ""
    kind_title: str = ""
    kind_colour: str = "line"
    then: int | None = None
    label: str = ""
    label_title: str = ""
    label_key: str = ""
    note: str = ""
    speaker: str = ""
    length: int = 0


class MissesModel(QAbstractTableModel):
    """Table of `MissRow`; replaced as a whole, or row by row when a label changes."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._rows: tuple[MissRow, ...] = ()
        self._second = COLUMNS[WORDS]

    def show(self, rows: Sequence[MissRow], words: str = COLUMNS[WORDS]) -> None:
        """Replace all rows; `words` is the title of the column that names the query."""
        self.beginResetModel()
        self._rows, self._second = tuple(rows), words
        self.endResetModel()

    def update(self, rows: Sequence[MissRow]) -> None:
        """Update labels and kinds of the same failures; selection and scroll position stay."""
        if [row.number for row in rows] != [row.number for row in self._rows]:
            self.show(rows, self._second)
            return
        before, self._rows = self._rows, tuple(rows)
        for line, (old, new) in enumerate(zip(before, self._rows, strict=True)):
            if old != new:
                self.dataChanged.emit(self.index(line, 0), self.index(line, len(COLUMNS) - 1))

    def rows(self) -> tuple[MissRow, ...]:
        """All rows, whatever the filter hides."""
        return self._rows

    def rowCount(self, parent: Index = ROOT) -> int:
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: Index = ROOT) -> int:
        return 0 if parent.isValid() else len(COLUMNS)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if orientation is not Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return self._second if section == WORDS else COLUMNS[section]
        if role == Qt.ItemDataRole.ToolTipRole:
            return TIPS[section]
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _alignment(section)
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not self.checkIndex(index, QAbstractTableModel.CheckIndexOption.IndexIsValid):
            return None
        row = self._rows[index.row()]
        if role == ROW_ROLE:
            return row
        if role == Qt.ItemDataRole.DisplayRole:
            return _texts(row)[index.column()]
        if role == SORT_ROLE:
            return _values(row)[index.column()]
        if role == Qt.ItemDataRole.ToolTipRole:
            return plain_tip(_tip(row, index.column()) or "") or None
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _alignment(index.column())
        return None


@dataclass(frozen=True)
class FailureLimits:
    """Limits of the filter; None and "" do not restrict. `wer` in percent, `length` in words of the caption."""

    text: str = ""
    kind: str = ""
    label: str = ""  # ANY_LABEL, NO_LABEL or a label's key
    speaker: str = ""
    rank: tuple[int | None, int | None] = (None, None)
    wer: tuple[int | None, int | None] = (None, None)
    length: tuple[int | None, int | None] = (None, None)

    def lets(self, row: MissRow) -> bool:
        """Whether a failure is within the limits."""
        labelled = {"": True, ANY_LABEL: bool(row.label), NO_LABEL: not row.label}.get(self.label,
                                                                                       row.label == self.label)
        wer = None if row.wer is None else 100 * row.wer
        return (labelled and self.kind in ("", row.kind) and self.speaker in ("", row.speaker)
                and _within(row.rank, self.rank) and _within(wer, self.wer) and _within(row.length, self.length)
                and self.text.casefold() in f"{row.words}\n{row.note}".casefold())


ANY_LABEL, NO_LABEL = "*", "-"


class MissesProxy(QSortFilterProxyModel):
    """Sorts by the values behind the texts and filters by `FailureLimits`."""

    def __init__(self, source: MissesModel, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.limits = FailureLimits()
        self.setSourceModel(source)
        self.setSortRole(SORT_ROLE)
        self.setDynamicSortFilter(False)  # a new label must not move the current row

    def limit(self, limits: FailureLimits) -> None:
        """Set the limits."""
        self.limits = limits
        self.invalidateFilter()

    def filterAcceptsRow(self, source_row: int, source_parent: Index) -> bool:
        source = self.sourceModel()
        assert isinstance(source, MissesModel)
        return self.limits.lets(source.rows()[source_row])

    def row_at(self, line: int) -> MissRow | None:
        """The failure on a line; None beyond the end."""
        row = self.index(line, 0).data(ROW_ROLE) if 0 <= line < self.rowCount() else None
        return row if isinstance(row, MissRow) else None

    def rows(self) -> list[MissRow]:
        """The rows that pass the filter, in order."""
        return [row for line in range(self.rowCount()) if (row := self.row_at(line)) is not None]

    def line_of(self, number: int) -> int:
        """The line of a query; -1 when it is not shown."""
        return next((line for line, row in enumerate(self.rows()) if row.number == number), -1)


def percent(wer: float | None) -> str:
    """ "20 %"; a dash where it is unknown."""
    return NONE if wer is None else f"{100 * wer:.0f} %"


def _texts(row: MissRow) -> tuple[str, ...]:
    return (str(row.rank), row.words or NONE, percent(row.wer), row.kind_title or NONE,
            NONE if row.then is None else str(row.then), row.label_title)


def _values(row: MissRow) -> tuple[float | str, ...]:
    return (row.rank, row.words.casefold(), LAST if row.wer is None else row.wer, row.kind_title or "\uffff",
            LAST if row.then is None else row.then, row.label_key or "\uffff")


def _tip(row: MissRow, column: int) -> str:
    if column == LABEL:
        return " · ".join(part for part in (row.label_title, row.note) if part)
    return row.words if column == WORDS else row.kind_title if column == KIND else ""


def _alignment(column: int) -> int:
    side = {RANK: Qt.AlignmentFlag.AlignRight, WER: Qt.AlignmentFlag.AlignRight, THEN: Qt.AlignmentFlag.AlignRight,
            }.get(column, Qt.AlignmentFlag.AlignLeft)
    return int(side | Qt.AlignmentFlag.AlignVCenter)


def _within(value: float | None, limits: tuple[int | None, int | None]) -> bool:
    low, high = limits
    if value is None:
        return low is None and high is None
    return (low is None or value >= low) and (high is None or value <= high)
