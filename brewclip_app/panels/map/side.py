"""Beside the map: the selected pictures and utterances, and what is under the pointer."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import (
    QAbstractListModel,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QPoint,
    QRect,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QFrame, QListView, QSizePolicy, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from brewclip_app import theme, wording
from brewclip_app.localisation import _, ngettext
from brewclip_app.panels.map.state import MapState
from brewclip_app.plain_text import plain_tip
from brewclip_app.shortcuts import add_shortcut
from brewclip_app.thumbnails import Thumbnails, draw_fitted
from brewclip_app.widgets.common import Card, ElidedLabel, WholeLabel, button, label, row, show_play_button
from brewclip_app.widgets.waveform import WaveformView

if TYPE_CHECKING:
    from core.mapping.points import MapItem, MapPoints

ROW_ROLE = Qt.ItemDataRole.UserRole + 1
TILE = QSize(76, 68)  # px, of the selection
PICTURE = 150  # px high, under the pointer
Index = QModelIndex | QPersistentModelIndex
HINT = _("Drag around points to select them; Shift adds to the selection.")


class SelectedModel(QAbstractListModel):
    """Selected points of a map, in their order."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.points: MapPoints | None = None
        self._rows: tuple[int, ...] = ()

    def show_rows(self, points: "MapPoints | None", rows: tuple[int, ...]) -> None:
        """Show these points."""
        self.beginResetModel()
        self.points, self._rows = points, rows if points is not None else ()
        self.endResetModel()

    def rowCount(self, parent: Index = QModelIndex()) -> int:
        return 0 if parent.isValid() else len(self._rows)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if self.points is None or not self.checkIndex(index, QAbstractListModel.CheckIndexOption.IndexIsValid):
            return None
        at = self._rows[index.row()]
        if role == ROW_ROLE:
            return at
        words = words_of(self.points.items[at])
        if role == Qt.ItemDataRole.ToolTipRole:
            return plain_tip(words)
        return words if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole) else None


class _TileDelegate(QStyledItemDelegate):
    """Paints a picture as its thumbnail, an utterance as its words."""

    def __init__(self, thumbnails: Thumbnails, parent: QWidget) -> None:
        super().__init__(parent)
        self._thumbnails = thumbnails

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return TILE

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        model = index.model()
        assert isinstance(model, SelectedModel) and model.points is not None
        item = model.points.items[index.data(ROW_ROLE)]
        place = option.rect.adjusted(3, 3, -3, -3)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.fillRect(place, theme.colour("track"))
        if item.image is not None:
            draw_fitted(painter, place, self._thumbnails.get(
                item.image, round(TILE.width() * painter.device().devicePixelRatioF())))
        else:
            painter.setFont(theme.font("quiet"))
            painter.setPen(theme.colour("voice_words"))
            painter.drawText(place.adjusted(4, 2, -4, -2), Qt.AlignmentFlag.AlignLeft | Qt.TextFlag.TextWordWrap,
                             item.text or item.name)
        if option.state & (QStyle.StateFlag.State_Selected | QStyle.StateFlag.State_HasFocus):
            painter.setPen(theme.colour("main"))
            painter.drawRect(place.adjusted(-1, -1, 0, 0))
        painter.restore()


class SelectedGrid(QListView):
    """Tiles of the selected points. Arrows walk; a click or Enter shows the point on the map, a double click or V the
    preview of the pictures.
    """

    chosen = Signal(int)  # row of the point
    previewed = Signal(int)  # row of a picture
    menu_wanted = Signal(QPoint)  # on the screen

    def __init__(self, thumbnails: Thumbnails) -> None:
        super().__init__()
        self.rows = SelectedModel(self)
        self.setModel(self.rows)
        self.setItemDelegate(_TileDelegate(thumbnails, self))
        self.setViewMode(QListView.ViewMode.IconMode)
        self.setMovement(QListView.Movement.Static)
        self.setResizeMode(QListView.ResizeMode.Adjust)
        self.setUniformItemSizes(True)  # with setGridSize: else every tile is asked for its size
        self.setGridSize(TILE)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setAccessibleName(_("Selected pictures and utterances"))
        self.clicked.connect(lambda index: self.chosen.emit(index.data(ROW_ROLE)))
        self.activated.connect(lambda index: self.chosen.emit(index.data(ROW_ROLE)))
        self.doubleClicked.connect(self._preview)
        add_shortcut(self, "V", lambda: self._preview(self.currentIndex()), alone=True)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.customContextMenuRequested.connect(
            lambda at: self.menu_wanted.emit(self.viewport().mapToGlobal(at)) if self.rows.rowCount() else None)
        thumbnails.ready.connect(lambda _unused: self.viewport().update())


    def _preview(self, index: Index) -> None:
        points = self.rows.points
        if points is not None and index.isValid() and points.items[index.data(ROW_ROLE)].image is not None:
            self.previewed.emit(index.data(ROW_ROLE))


class PicturePlace(QWidget):
    """One picture, as large as there is room."""

    def __init__(self, thumbnails: Thumbnails) -> None:
        super().__init__()
        self._thumbnails = thumbnails
        self._item: MapItem | None = None
        self.setFixedHeight(PICTURE)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        thumbnails.ready.connect(lambda _unused: self.update())

    def show_item(self, item: "MapItem | None") -> None:
        """Show the picture of an item; None: nothing."""
        self._item = item
        self.setAccessibleName(item.name if item is not None else "")
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        if self._item is not None and self._item.image is not None:
            painter = QPainter(self)
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            side = round(max(self.width(), self.height()) * self.devicePixelRatioF())
            draw_fitted(painter, QRect(0, 0, self.width(), self.height()), self._thumbnails.get(self._item.image, side))
            painter.end()


class MapSide(Card):
    """The selection above, the point under the pointer below."""

    def __init__(self, thumbnails: Thumbnails) -> None:
        super().__init__(margin=12)
        self.count = label(HINT, "strong", wrap=True)
        self.grid = SelectedGrid(thumbnails)
        self.pictures = button(_("Pictures…"), tip=_("Copy, export, tag, rate or remove the selected pictures"))
        self.clear = button(_("Clear the selection"))
        self.under = label(_("Under the pointer"), "quiet")
        self.picture = PicturePlace(thumbnails)
        self.words = WholeLabel("")
        self.facts = ElidedLabel("", "quiet")
        self.waveform = WaveformView()
        self.play = button(_("Play"), icon="play")
        self.inspect = button(_("Inspect"), tip=_("Open in Inspect (Enter)"))
        self.selection_actions = QWidget()
        self.selection_actions.setLayout(row(self.clear, self.pictures, None))
        self.point_actions = QWidget()
        self.point_actions.setLayout(row(self.play, self.inspect, None))
        self.body.addWidget(self.count)
        self.body.addWidget(self.grid, 1)
        for part in (self.selection_actions, self.under, self.picture, self.waveform, self.words, self.facts,
                     self.point_actions):
            self.body.addWidget(part)
        self.setMinimumWidth(240)
        self.setAccessibleName(_("Selection"))
        self.show_point(None, -1)

    def render_state(self, state: MapState, before: MapState) -> None:
        """Show the selection of another state."""
        if state.selected is not before.selected or state.points is not before.points:
            points = state.points
            spoken = sum(bool(points.spoken[one]) for one in state.selected) if points is not None else 0
            self.count.setText(selection_words(len(state.selected) - spoken, spoken))
            self.grid.rows.show_rows(points, state.selected)
            self.selection_actions.setVisible(bool(state.selected))
            self.pictures.setVisible(points is not None and bool(points.gallery) and spoken < len(state.selected))

    def show_point(self, points: "MapPoints | None", at: int) -> None:
        """Show the point under the pointer or the keyboard; -1: none."""
        item = points.items[at] if points is not None and at >= 0 else None
        pair = points.items[points.pair_of[at]] if points is not None and at >= 0 and points.pair_of[at] >= 0 else None
        shown = item if item is not None and item.image is not None else pair
        spoken = item is not None and item.image is None
        self.picture.show_item(shown)
        self.picture.setVisible(shown is not None)
        self.waveform.clear()
        self.waveform.setVisible(spoken)
        self.words.setText("" if item is None else f"“{item.text}”" if item.text else item.name)
        self.words.setVisible(item is not None)
        facts = [] if item is None else [_("speaker {speaker}").format(speaker=item.speaker) if item.speaker else "",
                                         _("heard “{transcript}”").format(transcript=item.transcript) if spoken else ""]
        self.facts.setText(" · ".join(filter(None, facts)))
        self.facts.setVisible(bool(self.facts.text()))
        self.under.setVisible(item is not None)
        self.point_actions.setVisible(item is not None)
        self.play.setVisible(spoken and item is not None and item.recording is not None)

    def show_playing(self, seconds: float | None) -> None:
        """Show the position of playback; None: nothing plays."""
        self.waveform.set_cursor(seconds)
        show_play_button(self.play, seconds is not None)


def words_of(item: "MapItem") -> str:
    """A point in words: the caption of an utterance, the name of a picture."""
    return item.name if item.image is not None or not item.text else f"“{item.text}”"


def selection_words(pictures: int, utterances: int) -> str:
    """ "41 pictures, 38 utterances selected"; the hint where nothing is."""
    if not pictures and not utterances:
        return HINT
    spoken = ngettext("{utterances} utterance", "{utterances} utterances",
                      utterances).format(utterances=wording.count(utterances))
    parts: Sequence[str] = [wording.pictures(pictures) if pictures else "", spoken if utterances else ""]
    return _("{filter} selected").format(filter=", ".join(filter(None, parts)))
