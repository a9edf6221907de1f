"""The map: points, thumbnails, lines and outlines, moved by mouse and keys. Renders a `MapState`."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPoint, QPointF, QRect, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import (
    QColor,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPolygonF,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from brewclip_app import theme
from brewclip_app.localisation import _, as_shown
from brewclip_app.panels.map import raster
from brewclip_app.panels.map.camera import Camera
from brewclip_app.panels.map.colours import GROUPS, draw_number, group_colour
from brewclip_app.panels.map.state import MapState
from brewclip_app.thumbnails import Thumbnails, draw_fitted
from core.mapping.groups import NOTHING

MARGIN = 0.25  # of the view's sides, drawn beyond its edges: dragging moves that picture and draws no point
REACH = 12.0  # px from the pointer to the point under it
THUMBNAIL = 52  # px
SHARPEN_MS = 90  # after the last step of the wheel: until then the picture that is there is drawn larger or smaller
MOST_CANDIDATES = 5000  # pictures in view that thumbnails are chosen from; of more, evenly spaced ones
ROOM = (230, 78)  # px a side that one thumbnail has to itself, of the whole map and zoomed in
ZOOMED_IN = 12.0  # magnification at which thumbnails stand closest
PAIRS = 300  # lines between utterances and their pictures at most; of more none is drawn
LINES_FROM = 2.0  # magnification at which they are drawn
WHEEL_STEP = 1.2
PAUSE_MS = 250  # that the pointer rests on an utterance before it plays
REPAINT_MS = 30  # thumbnails that come within this time are painted together
TOOLS = {"lasso": _("Lasso"), "rectangle": _("Rectangle"), "move": _("Move")}
ARROWS = {Qt.Key.Key_Left: (-1, 0), Qt.Key.Key_Right: (1, 0), Qt.Key.Key_Up: (0, -1), Qt.Key.Key_Down: (0, 1)}


@dataclass(frozen=True, eq=False)
class _Drawn:
    """The picture of all points with margins around the view of a camera, with the rows of its thumbnails, and those
    of utterances with a line to their picture.
    """

    camera: Camera
    picture: QImage
    thumbnails: list[int]
    pairs: list[int]


class MapView(QWidget):
    """Shows the points. Arrows go from point to point; Enter, a double click activate; a drag is as the tool says."""

    current_changed = Signal(int)  # row of the point under the pointer or the keyboard; -1: none
    rested = Signal(int)  # the pointer rests on an utterance
    outlined = Signal(object, bool)  # positions (m, 2) of an outline, whether it adds to the selection; None: nothing
    activated = Signal(int)
    moved = Signal()  # another part of the map is seen

    def __init__(self, thumbnails: Thumbnails) -> None:
        super().__init__()
        self._thumbnails = thumbnails
        self.state = MapState()
        self.camera = Camera()
        self.tool = "lasso"
        self.current = -1
        self._drawn: _Drawn | None = None
        self._number_rows: list[tuple[int, int]] | None = None  # group and the row that its number stands at
        self._inks: NDArray[np.uint32] | None = None
        self._drag: QPointF | None = None
        self._outline: list[QPointF] = []
        self._kept_outline: NDArray[np.float64] | None = None  # positions
        self._adding = False
        self._has_rested = False  # on the current point: it has been heard
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName(_("Map"))
        self._rest = QTimer(self, singleShot=True, interval=PAUSE_MS)
        self._rest.timeout.connect(self._tell_rest)
        self._repaint_later = QTimer(self, singleShot=True, interval=REPAINT_MS)
        self._repaint_later.timeout.connect(self.update)
        self._sharpen = QTimer(self, singleShot=True, interval=SHARPEN_MS)
        self._sharpen.timeout.connect(self.update)
        thumbnails.ready.connect(lambda _unused: self._repaint_later.isActive() or self._repaint_later.start())
        theme.changed.connect(self._forget)

    def sizeHint(self) -> QSize:
        return QSize(640, 480)

    def minimumSizeHint(self) -> QSize:
        return QSize(220, 180)

    # ---- what is shown

    def render_state(self, state: MapState) -> None:
        """Show another state; another map is shown whole."""
        before, self.state = self.state, state
        if state.points is not before.points:
            self._kept_outline = None
            self._set_current(-1)
            self.camera = replace(self.camera, x=0.0, y=0.0, zoom=1.0)
            count = 0 if state.points is None else len(state.points)
            self.setAccessibleName(_("Map of {count} points").format(count=count) if count else _("Map"))
        if not state.selected or state.projection is not before.projection:
            self._kept_outline = None
        if any(getattr(state, name) is not getattr(before, name)
               for name in ("points", "projection", "shown", "hidden", "selected", "grouping")):
            self._forget()
        self.update()

    def set_tool(self, tool: str) -> None:
        """Effect of a drag: one of `TOOLS`."""
        self.tool = tool
        self.setCursor(Qt.CursorShape.OpenHandCursor if tool == "move" else Qt.CursorShape.CrossCursor)

    def show_whole(self) -> None:
        """Show the whole map."""
        self._look(replace(self.camera, x=0.0, y=0.0, zoom=1.0))

    def zoom(self, factor: float, at: tuple[float, float] | None = None) -> None:
        """Zoom in or out, about `at` (px) or the middle."""
        self._sharpen.start()
        self._look(self.camera.zoomed(factor, at))

    def go_to(self, row: int) -> None:
        """Make a point the current one and bring it into view."""
        if self.state.projection is None:
            return
        position = self.state.projection.positions[row]
        if not self.rect().adjusted(20, 20, -20, -20).contains(self._point(position).toPoint()):
            self._look(replace(self.camera, x=float(position[0]), y=float(position[1])))
        self._set_current(row)

    def _look(self, camera: Camera) -> None:
        if camera != self.camera:
            self.camera = camera
            self.update()
            self.moved.emit()

    def _forget(self) -> None:
        self._drawn = self._inks = self._number_rows = None
        self.update()

    def _set_current(self, row: int) -> None:
        if row != self.current:
            self.current = row
            self._rest.stop()
            self._has_rested = False
            points = self.state.points
            self.setAccessibleDescription(points.items[row].text or points.items[row].name
                                          if points is not None and row >= 0 else "")
            self.current_changed.emit(row)
            self.update()

    # ---- painting

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), theme.colour("card"))
        if self.state.projection is not None and self.state.points is not None:
            drawn = self._draw_points(painter)
            painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
            self._draw_pairs(painter, drawn.pairs)
            self._draw_thumbnails(painter, drawn.thumbnails)
            self._draw_numbers(painter)
            self._draw_query(painter)
            if self.current >= 0:
                painter.setPen(QPen(theme.colour("words"), 2))
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.drawEllipse(self._at(self.current), 8, 8)
            self._draw_outline(painter)
        if self.hasFocus():
            painter.setPen(theme.colour("main"))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(self.rect().adjusted(0, 0, -1, -1))
        painter.end()

    def _draw_points(self, painter: QPainter) -> _Drawn:
        """Draw the picture of all points at its place; make it anew where what is seen is not all in it, or where it is
        of another magnification and nobody is zooming.
        """
        margin = QPoint(round(self.width() * MARGIN), round(self.height() * MARGIN))
        drawn, camera = self._drawn, self.camera
        if drawn is None or (drawn.camera.width, drawn.camera.height) != (camera.width, camera.height):
            drawn = self._drawn = self._made(margin)
        scale = camera.scale / drawn.camera.scale
        shift = QPointF((drawn.camera.x - camera.x) * camera.scale, (camera.y - drawn.camera.y) * camera.scale)
        beyond = abs(shift.x()) > margin.x() or abs(shift.y()) > margin.y()
        if (beyond and scale == 1) or (scale != 1 and not self._sharpen.isActive()):
            drawn = self._drawn = self._made(margin)
            scale, shift = 1.0, QPointF(0, 0)
        if scale == 1:
            painter.drawImage(shift - QPointF(margin), drawn.picture)
        else:
            place = QRectF(0, 0, (self.width() + 2 * margin.x()) * scale, (self.height() + 2 * margin.y()) * scale)
            place.moveCenter(QPointF(self.width() / 2, self.height() / 2) + shift)
            painter.drawImage(place, drawn.picture)
        return drawn

    def _made(self, margin: QPoint) -> _Drawn:
        assert self.state.projection is not None
        places = self.camera.places(self.state.projection.positions)
        return _Drawn(self.camera, self._made_picture(margin), self.thumbnail_rows(places), self._pair_rows(places))

    def _made_picture(self, margin: QPoint) -> QImage:
        state, ratio = self.state, self.devicePixelRatioF()
        assert state.points is not None and state.projection is not None
        width, height = (round((side + 2 * edge) * ratio) for side, edge in
                         ((self.width(), margin.x()), (self.height(), margin.y())))
        visible = state.visible
        edges = np.array([margin.x(), margin.y()], np.float32)
        places = (self.camera.places(state.projection.positions[visible]) + edges) * ratio
        in_view = int(((places >= 0) & (places < (width, height))).all(axis=1).sum())
        canvas = raster.draw_points((width, height), places, self._colours()[visible], state.points.spoken[visible],
                                    raster.radius_of(in_view) * ratio, theme.colour("card").rgba())
        lines = np.ascontiguousarray(canvas)
        picture = QImage(lines.data, width, height, 4 * width, QImage.Format.Format_RGB32).copy()
        picture.setDevicePixelRatio(ratio)
        return picture

    def _colours(self) -> NDArray[np.uint32]:
        """0xAARRGGBB of each point; while some are selected the others are pale."""
        if self._inks is None:
            state = self.state
            assert state.points is not None
            groups = state.groups
            table = np.array([group_colour(number).rgba() for number in (*range(len(GROUPS)), NOTHING)], np.uint32)
            inks = table[groups.group_of] if groups is not None else np.full(len(state.points), table[0])
            if state.selected:
                chosen = np.zeros(len(inks), bool)
                chosen[list(state.selected)] = True
                ground = np.uint32(theme.colour("card").rgba())
                inks = np.where(chosen, inks, raster.mixed(raster.mixed(inks, ground), ground))
            self._inks = inks
        return self._inks

    def _pair_rows(self, places: NDArray[np.float32]) -> list[int]:
        """Rows of utterances in view with a line to their picture: all of them where they are few."""
        points, visible = self.state.points, self.state.visible
        assert points is not None
        pairs = points.pair_of
        if self.camera.zoom < LINES_FROM and len(pairs) > PAIRS:
            return []
        rows = (self._in_view(places) & visible & (pairs >= 0)).nonzero()[0]
        rows = rows[visible[pairs[rows]]]
        return rows.tolist() if len(rows) <= PAIRS else []

    def _draw_pairs(self, painter: QPainter, rows: list[int]) -> None:
        """Lines from utterances to their pictures, those of the current point too."""
        points = self.state.points
        assert points is not None
        own: list[int] = []
        if self.current >= 0:
            own = ([self.current] if points.pair_of[self.current] >= 0 else
                   (points.pair_of == self.current).nonzero()[0].tolist())
        painter.setPen(QPen(theme.colour("quiet"), 0.6))
        for row in rows:
            painter.drawLine(self._at(row), self._at(points.pair_of[row]))
        painter.setPen(QPen(theme.colour("words"), 1))
        for row in own:
            painter.drawLine(self._at(row), self._at(points.pair_of[row]))

    def _in_view(self, places: NDArray[np.float32]) -> NDArray[np.bool_]:
        return np.asarray(((places >= 0) & (places < (self.width(), self.height()))).all(axis=1))

    def thumbnail_rows(self, places: NDArray[np.float32]) -> list[int]:
        """Rows of pictures with a thumbnail: one in each cell of a grid that moves with the map, none over another."""
        points = self.state.points
        assert points is not None
        rows = (self._in_view(places) & self.state.visible & ~points.spoken).nonzero()[0]
        rows = rows[::max(1, len(rows) // MOST_CANDIDATES)]
        closeness = min(1.0, float(np.log(max(1.0, self.camera.zoom)) / np.log(ZOOMED_IN)))
        room = ROOM[0] + (ROOM[1] - ROOM[0]) * closeness
        origin = self.camera.places(np.zeros((1, 2), np.float32))[0]
        cells = np.floor((places[rows] - origin) / room).astype(np.int64)
        middles = (cells + 0.5) * room + origin
        order = np.argsort(np.abs(places[rows] - middles).max(axis=1), kind="stable")
        _unused, first = np.unique(cells[order], axis=0, return_index=True)
        chosen: list[int] = []
        for row in rows[order[np.sort(first)]].tolist():
            if all(np.abs(places[row] - places[other]).max() > THUMBNAIL + 4 for other in chosen):
                chosen.append(row)
        return chosen

    def _draw_thumbnails(self, painter: QPainter, rows: list[int]) -> None:
        points = self.state.points
        assert points is not None
        for row in rows:
            image = points.items[row].image
            assert image is not None
            small = self._thumbnails.get(image, round(THUMBNAIL * self.devicePixelRatioF()))
            if small is not None and small.pixmap is not None:
                place = QRect(0, 0, THUMBNAIL, THUMBNAIL)
                place.moveCenter(self._at(row).toPoint())
                draw_fitted(painter, place, small)

    def _draw_numbers(self, painter: QPainter) -> None:
        """The number of each group at its point nearest to the group's median, so that colour is not alone."""
        groups = self.state.groups
        if groups is None or self.state.projection is None:
            return
        if self._number_rows is None:
            self._number_rows, positions = [], self.state.projection.positions
            for number in range(len(groups.names)):
                rows = (self.state.visible & (groups.group_of == number)).nonzero()[0]
                if len(rows):
                    away = np.abs(positions[rows] - np.median(positions[rows], axis=0)).sum(axis=1)
                    self._number_rows.append((number, int(rows[away.argmin()])))
        for number, row in self._number_rows:
            draw_number(painter, self._at(row), number)

    def _draw_query(self, painter: QPainter) -> None:
        query = self.state.query
        if query is None:
            return
        at = self._point(query.position)
        painter.setPen(QPen(theme.colour("words"), 1))
        for row in query.hits.tolist():
            if self.state.visible[row]:
                painter.drawLine(at, self._at(row))
        painter.setBrush(theme.colour("main"))
        painter.drawEllipse(at, 6, 6)
        words = f"“{as_shown(query.label)}”"
        painter.setFont(theme.font("body", bold=True))
        room = painter.fontMetrics().boundingRect(words).adjusted(-4, -1, 4, 1)
        room.moveTopLeft((at + QPointF(10, -room.height() - 4)).toPoint())
        ground = theme.colour("card")
        ground.setAlpha(215)
        painter.fillRect(room, ground)
        painter.setPen(theme.colour("words"))
        painter.drawText(room, Qt.AlignmentFlag.AlignCenter, words)

    def _draw_outline(self, painter: QPainter) -> None:
        outline = self._outline
        if not outline and self._kept_outline is not None:
            outline = [QPointF(*place) for place in self.camera.places(self._kept_outline).tolist()]
        if len(outline) > 1:
            fill = QColor(theme.colour("main"))
            fill.setAlpha(40)
            painter.setBrush(fill)
            painter.setPen(QPen(theme.colour("main"), 1.5, Qt.PenStyle.DashLine))
            painter.drawPolygon(QPolygonF(outline))

    def _point(self, position: NDArray[np.floating]) -> QPointF:
        return QPointF(*self.camera.places(position[None])[0].tolist())

    def _at(self, row: int) -> QPointF:
        """Place of a point, px."""
        assert self.state.projection is not None
        return self._point(self.state.projection.positions[row])

    # ---- mouse

    def point_at(self, at: QPointF) -> int:
        """Row of the shown point nearest to a place (px) within reach; -1 without one."""
        if self.state.projection is None:
            return -1
        places = self.camera.places(self.state.projection.positions)
        distances = np.hypot(places[:, 0] - at.x(), places[:, 1] - at.y())
        distances[~self.state.visible] = np.inf
        row = int(distances.argmin())
        return row if distances[row] <= REACH else -1

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.setFocus(Qt.FocusReason.MouseFocusReason)
        if self.state.projection is None:
            return
        moves = self.tool == "move" or event.button() == Qt.MouseButton.MiddleButton
        if moves:
            self._drag = event.position()
            self.setCursor(Qt.CursorShape.ClosedHandCursor)
        elif event.button() == Qt.MouseButton.LeftButton:
            self._adding = bool(event.modifiers() & (Qt.KeyboardModifier.ShiftModifier
                                                     | Qt.KeyboardModifier.ControlModifier))
            self._outline = [event.position()]

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._drag is not None:
            by = event.position() - self._drag
            self._drag = event.position()
            self._look(self.camera.moved(by.x(), by.y()))
        elif self._outline:
            start, end = self._outline[0], event.position()
            if self.tool == "rectangle":
                box = QRectF(start, end)
                self._outline = [start, QPointF(box.right(), box.top()), end, QPointF(box.left(), box.bottom())]
            else:
                self._outline.append(end)
            self.update()
        else:
            self._set_current(self.point_at(event.position()))
            points = self.state.points
            spoken = self.current >= 0 and points is not None and points.spoken[self.current]
            if spoken and not self._has_rested and not self._rest.isActive():
                self._rest.start()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if self._drag is not None:
            self._drag = None
            self.set_tool(self.tool)
        elif self._outline:
            outline, self._outline = self._outline, []
            area = QPolygonF(outline).boundingRect()
            if max(area.width(), area.height()) > 4:
                self._kept_outline = self.camera.positions(np.array([point.toTuple() for point in outline]))
                self.outlined.emit(self._kept_outline, self._adding)
            else:  # a click
                self._kept_outline = None
                self._set_current(self.point_at(event.position()))
                self.outlined.emit(None, False)
            self.update()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        row = self.point_at(event.position())
        if row >= 0:
            self.activated.emit(row)

    def leaveEvent(self, event: object) -> None:
        if not self.hasFocus():
            self._set_current(-1)

    def wheelEvent(self, event: QWheelEvent) -> None:
        place = event.position()
        self.zoom(WHEEL_STEP ** (event.angleDelta().y() / 120), (place.x(), place.y()))
        event.accept()

    def _tell_rest(self) -> None:
        if self.current >= 0:
            self._has_rested = True
            self.rested.emit(self.current)

    # ---- keys

    def keyPressEvent(self, event: QKeyEvent) -> None:
        step = ARROWS.get(Qt.Key(event.key()))
        keys: dict[int, Callable[[], None]] = {
            Qt.Key.Key_Plus: lambda: self.zoom(WHEEL_STEP ** 2), Qt.Key.Key_Equal: lambda: self.zoom(WHEEL_STEP ** 2),
            Qt.Key.Key_Minus: lambda: self.zoom(WHEEL_STEP ** -2), Qt.Key.Key_Home: self.show_whole}
        if step is not None:
            self._walk(step)
        elif event.key() in keys:
            keys[event.key()]()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.current >= 0:
            self.activated.emit(self.current)
        else:
            super().keyPressEvent(event)

    def _walk(self, step: tuple[int, int]) -> None:
        """Go to the nearest shown point in a direction, within 45 degrees of it; the first time, to the middle one."""
        if self.state.projection is None or not self.state.visible.any():
            return
        places = self.camera.places(self.state.projection.positions)
        start = places[self.current] if self.current >= 0 else np.array([self.width() / 2, self.height() / 2])
        along = (places - start) @ np.array(step, np.float32)
        across = np.abs((places - start) @ np.array(step[::-1], np.float32))
        distances = np.where(self.state.visible & (along > 1e-3) & (across <= along), np.hypot(along, across), np.inf)
        if self.current < 0:
            distances = np.where(self.state.visible, np.hypot(*(places - start).T), np.inf)
        row = int(distances.argmin())
        if np.isfinite(distances[row]):
            self.go_to(row)

    def resizeEvent(self, event: QResizeEvent) -> None:
        self.camera = replace(self.camera, width=max(1, self.width()), height=max(1, self.height()))
        super().resizeEvent(event)

