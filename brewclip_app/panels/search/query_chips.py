"""Chips that say what each term does: click to include or exclude, wheel for the weight, × to remove."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from operator import methodcaller

from PySide6.QtCore import QEvent, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QContextMenuEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QWheelEvent
from PySide6.QtWidgets import QLineEdit, QMenu, QSizePolicy, QToolButton, QWidget

from brewclip_app import theme
from brewclip_app.capture.file_intake import Intake
from brewclip_app.localisation import _, as_shown
from brewclip_app.panels.search.controller import SearchController
from brewclip_app.plain_text import plain_tip
from brewclip_app.thumbnails import Thumbnail
from brewclip_app.widgets.common import look, tab_before
from brewclip_app.widgets.flow_layout import FlowLayout
from core.search.terms import Kind, QueryTerm

HEIGHT = 24
SIDE = 11  # px from the chip's edge to its words
CROSS = 18  # px of the chip's right end that take it out
PICTURE = 20
SIGN = 14
WIDEST = 240
WEIGHT_NAMES = {0.25: _("A quarter"), 0.5: _("Half"), 0.75: _("Three quarters"), 1.0: _("As the others"),
                1.5: _("One and a half"),
                2.0: _("Twice")}


@dataclass(frozen=True)
class ChipFace:
    """Content of one chip; `first`: the term that the others are added to or taken from."""

    label: str
    weight: float
    kind: Kind = "text"
    first: bool = False
    removable: bool = True
    picture: Thumbnail | None = None

    @property
    def words(self) -> str:
        """Effect of the term on the query: "also: red", "without: people", "like this picture"."""
        heavy = "" if abs(self.weight) == 1 else f" · {abs(self.weight):g}×"
        return f"{self._doing('this picture')}{heavy}"

    @property
    def spoken_words(self) -> str:
        """The same for a screen reader, with the name of a picture."""
        return _("{doing}, weight {weight:g}").format(doing=self._doing(self.label), weight=abs(self.weight))

    def _doing(self, picture: str) -> str:
        if self.kind == "image":
            return f"{'like' if self.weight > 0 else 'unlike'} {picture}"
        if self.weight < 0:
            return _("without: {label}").format(label=self.label)
        return self.label if self.first else _("also: {label}").format(label=self.label)


Change = Callable[[QueryTerm], QueryTerm | None]


def _remove(term: QueryTerm) -> None:
    return None


class Chip(QToolButton):
    """Chip of one term."""

    def __init__(self, face: ChipFace, change: "Callable[[Change], object]") -> None:
        super().__init__()
        self.face, self._change = face, change
        self.setFont(theme.font("quiet"))
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(as_shown(face.spoken_words))
        remove = _(", Delete or × to remove it") if face.removable else ""
        turn = _("exclude it") if face.weight > 0 else _("include it")
        self.setToolTip(plain_tip(_("{label}\nClick to {turn}, wheel for its weight{remove}").format(label=face.label,
                                                                                                     turn=turn,
                                                                                                     remove=remove)))
        self.clicked.connect(lambda: change(QueryTerm.flipped))

    def sizeHint(self) -> QSize:
        words = self.fontMetrics().horizontalAdvance(self.face.words)
        extra = ((CROSS - 4 if self.face.removable else 0) + (PICTURE + 4 if self.face.picture else 0)
                 + (SIGN + 5 if self.face.weight < 0 else 0))
        return QSize(min(WIDEST, words + 2 * SIDE + extra), max(HEIGHT, theme.line_height(self.font()) + 6))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        on_cross = self.face.removable and event.position().x() >= self.width() - CROSS - 3
        if on_cross and event.button() == Qt.MouseButton.LeftButton:
            self._change(_remove)
            return
        super().mousePressEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace) and self.face.removable:
            self._change(_remove)
        elif event.key() in (Qt.Key.Key_Up, Qt.Key.Key_Down):
            self._step(1 if event.key() == Qt.Key.Key_Up else -1)
        else:
            super().keyPressEvent(event)

    def wheelEvent(self, event: QWheelEvent) -> None:
        self._step(1 if event.angleDelta().y() > 0 else -1)
        event.accept()

    def _step(self, steps: int) -> None:
        self._change(methodcaller("stepped", steps))

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.addAction(_("Exclude") if self.face.weight > 0 else _("Include"), partial(self._change, QueryTerm.flipped))
        weights = menu.addMenu(_("Weight"))
        for size, name in WEIGHT_NAMES.items():
            action = weights.addAction(name, partial(self._change, methodcaller("weighing", size)))
            action.setCheckable(True)
            action.setChecked(abs(self.face.weight) == size)
        if self.face.removable:
            menu.addAction(_("Remove"), partial(self._change, _remove))
        menu.popup(event.globalPos())

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        marked, minus = self.hasFocus() or self.underMouse(), self.face.weight < 0
        painter.setPen(QPen(theme.colour("main"), 1) if marked else Qt.PenStyle.NoPen)
        painter.setBrush(theme.colour("minus" if minus else "track"))
        place = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        painter.drawRoundedRect(place, place.height() / 2, place.height() / 2)
        left = SIDE
        if minus:
            self._draw_minus(painter, left - 5)
            left += SIGN
        if self.face.picture is not None and self.face.picture.pixmap is not None:
            self._draw_picture(painter, left - 6)
            left += PICTURE
        painter.setPen(theme.colour("care_words" if minus else "words"))
        right = CROSS + 2 if self.face.removable else SIDE
        room = QRect(left, 0, self.width() - left - right, self.height())
        words = self.fontMetrics().elidedText(self.face.words, Qt.TextElideMode.ElideMiddle, room.width() + 2)
        painter.drawText(room, Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextSingleLine, words)
        if self.face.removable:
            painter.setPen(theme.colour("care_words" if minus else "quiet"))
            cross = QRect(self.width() - CROSS - 3, 0, CROSS, self.height())
            painter.drawText(cross, Qt.AlignmentFlag.AlignCenter, "×")
        painter.end()

    def _draw_minus(self, painter: QPainter, left: int) -> None:
        """A minus in a disc: a term that takes away has a sign and a ground of its own."""
        disc = QRectF(left, (self.height() - SIGN) / 2, SIGN, SIGN)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.colour("care_words"))
        painter.drawEllipse(disc)
        painter.fillRect(QRectF(disc.left() + 3.5, disc.center().y() - 1, SIGN - 7, 2), theme.colour("minus"))

    def _draw_picture(self, painter: QPainter, left: int) -> None:
        assert self.face.picture is not None and self.face.picture.pixmap is not None
        place = QRect(left, (self.height() - PICTURE) // 2, PICTURE, PICTURE)
        pixmap = self.face.picture.pixmap
        side = min(pixmap.width(), pixmap.height())
        middle = QRect((pixmap.width() - side) // 2, (pixmap.height() - side) // 2, side, side)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.drawPixmap(place, pixmap, middle)


class AddField(QLineEdit):
    """Field for a text to add; a leading minus excludes it."""

    def __init__(self, close: Callable[[], object]) -> None:
        super().__init__()
        self._close = close
        self.setPlaceholderText(_("text, or - text to exclude"))
        self.setAccessibleName(_("Text to add to the query; a leading minus excludes it"))
        self.setFont(theme.font("quiet"))
        self.setFixedHeight(max(HEIGHT, self.fontMetrics().height() + 8))
        self.setFixedWidth(220)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self._close()
            return
        super().keyPressEvent(event)

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.FocusOut and not self.text():
            self._close()
        return super().event(event)


class QueryChips(QWidget):
    """The chips and the way to add more."""

    words_added = Signal(str)

    def __init__(self, controller: SearchController, intake: Intake) -> None:
        super().__init__()
        self._controller = controller
        self._flow = FlowLayout(self)
        self.chips: list[Chip] = []
        self.field = AddField(self._close_field)
        self.field.returnPressed.connect(self._add_words)
        self.add = look(QToolButton(), "chip-add")
        self.add.setText(_("+ Add text, picture or speech"))
        self.add.setAccessibleName(_("Add text, a picture or speech to the query"))
        self.add.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.add.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.add.setMenu(self._menu(intake))
        self._flow.addWidget(self.add)
        self._flow.addWidget(self.field)
        self.field.hide()
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Minimum)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        theme.changed.connect(self._set_up)
        self._set_up()

    def show_faces(self, faces: Sequence[ChipFace]) -> None:
        """Show terms; nothing is rebuilt when they are the same."""
        if [chip.face for chip in self.chips] == list(faces):
            return
        focused = next((at for at, chip in enumerate(self.chips) if chip.hasFocus()), None)
        for chip in self.chips:
            self._flow.removeWidget(chip)
            chip.hide()
            chip.deleteLater()
        self.chips = [self._make(at, face) for at, face in enumerate(faces)]
        for fixed in (self.add, self.field):
            self._flow.removeWidget(fixed)
            self._flow.addWidget(fixed)
        tab_before(self.add, *self.chips)
        if focused is not None and self.chips:
            self.chips[min(focused, len(self.chips) - 1)].setFocus()
        self.updateGeometry()

    def open_field(self, text: str = "") -> None:
        """Let the user type a term."""
        self.add.hide()
        self.field.setText(text)
        self.field.show()
        self.field.setFocus()
        self.updateGeometry()

    def _make(self, at: int, face: ChipFace) -> Chip:
        chip = Chip(face, partial(self._controller.change_term, at))
        self._flow.addWidget(chip)
        chip.show()
        return chip

    def _menu(self, intake: Intake) -> QMenu:
        menu, record = QMenu(self), self._controller.record_term
        rows: tuple[tuple[str, Callable[[], object]] | None, ...] = (
            (_("Text"), self.open_field), (_("Picture…"), partial(intake.choose_picture, 1)),
            (_("Speech: record now"), partial(record, 1)),
            (_("Recording…"), partial(intake.choose_recording, 1)), None,
            (_("Text to exclude"), partial(self.open_field, "- ")),
            (_("Picture to exclude…"), partial(intake.choose_picture, -1)),
            (_("Speech to exclude: record now"), partial(record, -1)))
        for row in rows:
            if row is None:
                menu.addSeparator()
            else:
                menu.addAction(row[0], row[1])
        return menu

    def _add_words(self) -> None:
        text = self.field.text()
        self._close_field()
        self.words_added.emit(text)

    def _close_field(self) -> None:
        if self.field.isHidden():
            return
        self.field.clear()
        self.add.show()
        if self.field.hasFocus():  # else the focus would fall to the next part of the window
            self.add.setFocus()
        self.field.hide()
        self.updateGeometry()

    def _set_up(self) -> None:
        ink, ground, line = (theme.colour(name).name() for name in ("quiet", "track", "main"))
        size = f"font-size: {theme.points('quiet'):.2f}pt;"
        self.field.setStyleSheet(f"padding: 1px 8px; border-radius: 11px; {size}")
        self.add.setStyleSheet(f"QToolButton {{ background: {ground}; color: {ink}; border: 1px solid transparent;"
                               f" border-radius: 11px; padding: 3px 10px; {size} }}"
                               f"QToolButton:hover, QToolButton:focus {{ border: 1px solid {line}; }}")
        for chip in self.chips:
            chip.update()
