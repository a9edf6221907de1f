"""Failures of an evaluation as a table, and which of them are shown."""

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
TIPS = ("Where the right one stands", "", "Words heard wrongly, of the caption's",
        "What would have brought it back", "Its rank with that one thing changed", "What you said of it")
NONE = "\N{EM DASH}"
LAST = 1e9  # sorts behind every number


@dataclass(frozen=True)
class MissedRow:
    """One failure: its place in the evaluation's list, and what the table says of it.

    `wer` is 0..1 and more, None where nothing was heard of it; `then` the rank with one thing changed; `kind` and
    `label` are keys with their titles and colours beside them; `label_key`, the number on the keyboard, sorts them.
    """

    place: int
    rank: int
    words: str
    wer: float | None = None
    kind: str = ""
    kind_title: str = ""
    kind_ink: str = "line"
    then: int | None = None
    label: str = ""
    label_title: str = ""
    label_key: str = ""
    note: str = ""
    speaker: str = ""
    length: int = 0


class MissedModel(QAbstractTableModel):
    """Rows over frozen records; replaced as a whole, or one at a time when a label changes."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._rows: tuple[MissedRow, ...] = ()
        self._second = COLUMNS[WORDS]

    def show(self, rows: Sequence[MissedRow], words: str = COLUMNS[WORDS]) -> None:
        """Show other failures; `words` is the title of the column that says which they are."""
        self.beginResetModel()
        self._rows, self._second = tuple(rows), words
        self.endResetModel()

    def update(self, rows: Sequence[MissedRow]) -> None:
        """Show the same failures with other labels or kinds: what is chosen and where it is scrolled stays."""
        if [row.place for row in rows] != [row.place for row in self._rows]:
            self.show(rows, self._second)
            return
        before, self._rows = self._rows, tuple(rows)
        for line, (old, new) in enumerate(zip(before, self._rows, strict=True)):
            if old != new:
                self.dataChanged.emit(self.index(line, 0), self.index(line, len(COLUMNS) - 1))

    def rows(self) -> tuple[MissedRow, ...]:
        """All that could be shown."""
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
    """What is let through; None and "" let all through. `wer` in percent, `length` in words of the caption."""

    text: str = ""
    kind: str = ""
    label: str = ""  # ANY_LABEL, NO_LABEL or a label's key
    speaker: str = ""
    rank: tuple[int | None, int | None] = (None, None)
    wer: tuple[int | None, int | None] = (None, None)
    length: tuple[int | None, int | None] = (None, None)

    def lets(self, row: MissedRow) -> bool:
        """Whether a failure is shown."""
        labelled = {"": True, ANY_LABEL: bool(row.label), NO_LABEL: not row.label}.get(self.label,
                                                                                       row.label == self.label)
        wer = None if row.wer is None else 100 * row.wer
        return (labelled and self.kind in ("", row.kind) and self.speaker in ("", row.speaker)
                and _within(row.rank, self.rank) and _within(wer, self.wer) and _within(row.length, self.length)
                and self.text.casefold() in f"{row.words}\n{row.note}".casefold())


ANY_LABEL, NO_LABEL = "*", "-"


class MissedProxy(QSortFilterProxyModel):
    """Sorted by the values behind the words; shows what the limits let through."""

    def __init__(self, source: MissedModel, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.limits = FailureLimits()
        self.setSourceModel(source)
        self.setSortRole(SORT_ROLE)
        self.setDynamicSortFilter(False)  # a label that is just given must not take the row from under the user

    def limit(self, limits: FailureLimits) -> None:
        """Let other failures through."""
        self.limits = limits
        self.invalidateFilter()

    def filterAcceptsRow(self, source_row: int, source_parent: Index) -> bool:
        source = self.sourceModel()
        assert isinstance(source, MissedModel)
        return self.limits.lets(source.rows()[source_row])

    def row_at(self, line: int) -> MissedRow | None:
        """The failure of a line; None beyond the end."""
        found = self.index(line, 0).data(ROW_ROLE) if 0 <= line < self.rowCount() else None
        return found if isinstance(found, MissedRow) else None

    def rows(self) -> list[MissedRow]:
        """What is shown, in the order shown."""
        return [row for line in range(self.rowCount()) if (row := self.row_at(line)) is not None]

    def line_of(self, place: int) -> int:
        """The line of a failure; -1 when it is not shown."""
        return next((line for line, row in enumerate(self.rows()) if row.place == place), -1)


def percent(wer: float | None) -> str:
    """ "20 %"; a dash where nobody knows."""
    return NONE if wer is None else f"{100 * wer:.0f} %"


def _texts(row: MissedRow) -> tuple[str, ...]:
    return (str(row.rank), row.words or NONE, percent(row.wer), row.kind_title or NONE,
            NONE if row.then is None else str(row.then), row.label_title)


def _values(row: MissedRow) -> tuple[float | str, ...]:
    return (row.rank, row.words.casefold(), LAST if row.wer is None else row.wer, row.kind_title or "\uffff",
            LAST if row.then is None else row.then, row.label_key or "\uffff")


def _tip(row: MissedRow, column: int) -> str:
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
