"""Table model of the failures of an evaluation, and the filter over it."""

from dataclasses import dataclass, replace

from PySide6.QtCore import QObject, QSortFilterProxyModel, Qt

from brewclip_app.localisation import _, as_shown
from brewclip_app.widgets.record_table import RECORD_ROLE, SORT_ROLE, Index, RecordTable, TableColumn

DASH = "\N{EM DASH}"
LAST = 1e9  # sorts behind every number
BEHIND = "\uffff"  # sorts behind every text


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


def percent(wer: float | None) -> str:
    """ "20 %"; a dash where it is unknown."""
    return DASH if wer is None else f"{100 * wer:.0f} %"


COLUMNS: tuple[TableColumn[MissRow], ...] = (
    TableColumn(_("Rank"), lambda row: str(row.rank), _("Rank of the right result"), True, lambda row: row.rank),
    TableColumn(_("Utterance"), lambda row: row.words or DASH, sort=lambda row: row.words.casefold(),
                tip=lambda row: row.words),
    TableColumn("WER", lambda row: percent(row.wer), _("Word error rate of the transcript"), True,
                lambda row: LAST if row.wer is None else row.wer),
    TableColumn(_("Kind"), lambda row: row.kind_title or DASH, _("The change that would have helped"),
                sort=lambda row: row.kind_title or BEHIND, tip=lambda row: row.kind_title),
    TableColumn(_("Then"), lambda row: DASH if row.then is None else str(row.then), _("Rank with that change"), True,
                lambda row: LAST if row.then is None else row.then),
    TableColumn(_("Label"), lambda row: row.label_title, _("Your label"), sort=lambda row: row.label_key or BEHIND,
                tip=lambda row: " · ".join(part for part in (row.label_title, row.note) if part)))
RANK, WORDS, WER, KIND, THEN, LABEL = range(len(COLUMNS))


class MissesModel(RecordTable[MissRow]):
    """Table of `MissRow`."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(COLUMNS, lambda row: row.number, parent)

    def name_queries(self, title: str) -> None:
        """Set the title of the column that names the query: utterance or picture."""
        self.columns = (COLUMNS[RANK], replace(COLUMNS[WORDS], title=title), *COLUMNS[WER:])
        self.headerDataChanged.emit(Qt.Orientation.Horizontal, WORDS, WORDS)


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
                and self.text.casefold() in f"{as_shown(row.words)}\n{row.note}".casefold())


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
        return self.limits.lets(source.records[source_row])

    def row_at(self, line: int) -> MissRow | None:
        """The failure on a line; None beyond the end."""
        row = self.index(line, 0).data(RECORD_ROLE) if 0 <= line < self.rowCount() else None
        return row if isinstance(row, MissRow) else None

    def rows(self) -> list[MissRow]:
        """The rows that pass the filter, in order."""
        return [row for line in range(self.rowCount()) if (row := self.row_at(line)) is not None]

    def line_of(self, number: int) -> int:
        """The line of a query; -1 when it is not shown."""
        return next((line for line, row in enumerate(self.rows()) if row.number == number), -1)


def _within(value: float | None, limits: tuple[int | None, int | None]) -> bool:
    low, high = limits
    if value is None:
        return low is None and high is None
    return (low is None or value >= low) and (high is None or value <= high)
