"""Results of a run: accuracy by feature beside the paper's figures, confounds, and single layers."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QColor, QIcon, QPainter, QPixmap, QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableWidget, QTableWidgetItem

from brewclip_app import theme
from brewclip_app.localisation import _
from brewclip_app.panels.emotion import words
from brewclip_app.panels.emotion.emotion_bars import ColumnBars
from brewclip_app.plain_text import plain_tip
from brewclip_app.widgets.common import Card, label
from brewclip_app.widgets.tables import of_lines

if TYPE_CHECKING:
    from core.emotion.results import Result

HEAD = (_("Feature"), _("Accuracy"), _("Recall"), "F1", _("Speaker"), _("Sex"), _("Paper"))
TIPS = ("", _("Correctly classified recordings, %; ± over folds and seeds"),
        _("Unweighted average recall (UAR) over the emotions, %; ± over folds and seeds"),
        _("Macro-averaged F1, %"),
        _("Confound: accuracy of identifying the speaker from another sentence, %"),
        _("Confound: accuracy of telling the sex of an unknown speaker, %"),
        _("Published in Table 3, for the paper's own model on all 24 actors"))
PAPER = len(HEAD) - 1
SHOWN_FROM = {3: 600, 5: 560, 4: 500}  # px: a narrower card leaves F1, sex, speaker out; they are in the export
KEY = Qt.ItemDataRole.UserRole
ROW = 31  # px
DOT = 10


class ProbeResultsCard(Card):
    """A table with a row for each feature; the panel follows its selection."""

    def __init__(self) -> None:
        super().__init__(margin=8, space=6)
        self._result: Result | None = None
        self.table = QTableWidget(0, len(HEAD))
        self.notes = label("", "quiet", wrap=True)
        self._set_up()
        self.body.addWidget(self.table)
        self.body.addWidget(self.notes)
        theme.changed.connect(self._fill)

    def show_result(self, result: "Result") -> None:
        """Show a run; the selected feature stays selected where the run has it."""
        before = self.feature()
        self._result = result
        self._fill()
        self.notes.setText(words.sentences(result))
        keys = [self._key(row) for row in range(self.table.rowCount())]
        self.table.setCurrentCell(keys.index(before) if before and before in keys else 0, 0)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        for column, least in SHOWN_FROM.items():
            self.table.setColumnHidden(column, self.width() < least)

    def feature(self) -> str:
        """The key of the selected feature; "" when there is none."""
        return self._key(self.table.currentRow())

    def _key(self, row: int) -> str:
        item = self.table.item(row, 0)
        return str(item.data(KEY)) if item is not None else ""

    def _set_up(self) -> None:
        table = self.table
        for place, (text, tip) in enumerate(zip(HEAD, TIPS, strict=True)):
            head = QTableWidgetItem(text)
            head.setToolTip(plain_tip(tip))
            head.setTextAlignment(Qt.AlignmentFlag.AlignLeft if place == 0 else Qt.AlignmentFlag.AlignRight)
            table.setHorizontalHeaderItem(place, head)
        of_lines(table, _("Results by feature"))
        table.setIconSize(QSize(DOT, DOT))
        table.verticalHeader().setDefaultSectionSize(ROW)
        table.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        header = table.horizontalHeader()
        header.setHighlightSections(False)
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        header.setMinimumSectionSize(44)

    def _fill(self) -> None:
        if self._result is None:
            return
        lines, current = words.lines(self._result), self.table.currentRow()
        self.table.blockSignals(True)
        self.table.setRowCount(len(lines))
        for row, line in enumerate(lines):
            for column, text in enumerate((line.title, *line.figures, line.paper)):
                self.table.setItem(row, column, self._item(line, column, text))
        self.table.setCurrentCell(max(0, current), 0)
        self.table.blockSignals(False)
        height = self.table.horizontalHeader().sizeHint().height() + ROW * len(lines) + 4
        self.table.setFixedHeight(height)

    def _item(self, line: words.ResultLine, column: int, text: str) -> QTableWidgetItem:
        item = QTableWidgetItem(text)
        item.setData(KEY, line.key)
        right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        item.setTextAlignment(right if column else Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        if column == PAPER or not line.key:
            item.setForeground(theme.colour("quiet"))
        if column == PAPER:
            item.setBackground(theme.colour("ground"))
        if column == 0 and line.tone:
            item.setIcon(_dot(theme.colour(line.tone)))
        if column == 0:
            item.setToolTip(plain_tip(line.title))
        if not line.key:
            item.setFlags(item.flags() & ~Qt.ItemFlag.ItemIsSelectable)
        return item


class LayersCard(Card):
    """One column for each layer of Whisper; hidden where single layers were not probed."""

    def __init__(self) -> None:
        super().__init__(_("By Whisper layer"), space=4)
        self.bars = ColumnBars()
        self.body.addWidget(self.bars, 1)
        self.about = label(_("Accuracy of a linear probe on a single layer; 0 is the input of the first block. "
                             "Dashed: the most frequent class."), "quiet", wrap=True)
        self.body.addWidget(self.about)

    def show_result(self, result: "Result") -> None:
        """Show a run's layers."""
        self.bars.show_bars(words.bars(result), result.majority)
        self.setVisible(words.has_bars(result))


def _dot(ink: QColor) -> QIcon:
    ratio = 2
    picture = QPixmap(DOT * ratio, DOT * ratio)
    picture.fill(Qt.GlobalColor.transparent)
    painter = QPainter(picture)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(ink)
    painter.drawEllipse(ratio, ratio, (DOT - 2) * ratio, (DOT - 2) * ratio)
    painter.end()
    picture.setDevicePixelRatio(ratio)
    return QIcon(picture)
