"""The preview over the window: bar, picture and information; keys, full screen and menu."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, QPoint, QRect, Qt, QTimer
from PySide6.QtGui import (
    QAction,
    QContextMenuEvent,
    QHideEvent,
    QKeyEvent,
    QKeySequence,
    QMouseEvent,
    QResizeEvent,
    QShortcut,
)
from PySide6.QtWidgets import QApplication, QMenu, QWidget
from shiboken6 import isValid

from brewclip_app import wording
from brewclip_app.base_context import BaseContext
from brewclip_app.capture.held_key import HeldKey
from brewclip_app.localisation import _
from brewclip_app.thumbnails import Thumbnail
from brewclip_app.widgets.common import icon_button, label, look
from brewclip_app.widgets.preview.bar import PreviewBar
from brewclip_app.widgets.preview.canvas import PictureCanvas
from brewclip_app.widgets.preview.controller import INTERVALS, PreviewController
from brewclip_app.widgets.preview.information import InformationPane
from brewclip_app.widgets.preview.sequence import PictureSequence
from brewclip_app.widgets.preview.state import PreviewState

if TYPE_CHECKING:
    from core.store.records import ImageRecord

AWAKE_MS = 2500  # the bar stays so long after the mouse moved, in full screen
MESSAGE_MS = 5000
PAN_SHARE = 0.15  # of the view, that a key moves the picture
LAID_OUT = ("opened", "total", "information", "slide_show")  # parts of the state that decide what is where
EDGE = 12  # px beside the buttons on the picture
Key = Qt.Key
PLAIN, SHIFT = Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ShiftModifier
KEYS = [("\N{LEFTWARDS ARROW} \N{RIGHTWARDS ARROW}", _("Previous picture, next")),
        ("Home End", _("First picture, last")),
        ("Esc", _("Back to the pictures; end the slide show")), ("Space", _("Back; pause the slide show, or go on")),
        (_("Wheel"), _("Zoom in, out; also with + and -")),
        ("1 0", _("Actual size, whole picture; also with a double click")),
        ("\N{UPWARDS ARROW} \N{DOWNWARDS ARROW}", _("Move an enlarged picture; Shift and an arrow in all directions")),
        ("R", _("Rotate right; with Shift left (the file stays as it is)")), ("I", _("Information")),
        ("F", _("Full screen")),
        ("F5", _("Slide show"))]


def _nothing(image_id: int) -> None:
    return None


@dataclass(frozen=True, eq=False)
class PreviewActions:
    """Actions of a panel on its pictures. `leave` gets the id in front when the preview closes; `keys` are actions on
    the picture in front with their words, by key ("Ctrl+Enter"); `menu` makes a context menu; `explain` goes to
    Inspect; `thumbnail` stands in for a picture that is being read; `share_names` are the names of terms by their
    labels.
    """

    leave: Callable[[int], object] = _nothing
    keys: "Mapping[str, tuple[str, Callable[[ImageRecord], object]]]" = field(default_factory=dict)
    menu: "Callable[[ImageRecord], QMenu] | None" = None
    explain: "Callable[[ImageRecord], object] | None" = None
    thumbnail: Callable[[int], Thumbnail | None] = _nothing
    share_names: Mapping[str, str] = field(default_factory=dict)


def open_preview(context: BaseContext, owner: QWidget, sequence: PictureSequence, position: int,
                 actions: PreviewActions = PreviewActions()) -> "PreviewOverlay":
    """Show one picture of a sequence over the window of a panel, until the user leaves it or the panel is hidden."""
    window = owner.window()
    preview = window.findChild(PreviewOverlay) or PreviewOverlay(context, window)
    preview.open(owner, sequence, position, actions)
    return preview


class PreviewOverlay(QWidget):
    """Covers the window; renders the state of its controller."""

    def __init__(self, context: BaseContext, window: QWidget) -> None:
        super().__init__(window)
        look(self, "ground")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setAccessibleName(_("Preview"))
        self.controller = PreviewController(context, self)
        self._window = window
        self.setMouseTracking(True)
        self._owner: QWidget | None = None
        self._before: QWidget | None = None  # had the focus
        self._actions = PreviewActions()
        self._shown = self.controller.state
        self._made_full_screen = False
        self._awake = True  # the bar is shown in full screen as well
        self.canvas = PictureCanvas(self.controller)
        self.information = InformationPane()
        self.space = HeldKey(self, lambda: None, lambda late: self._take_space())
        self.message = label("", "toast", wrap=True)
        self._make_steps()
        self.bar = PreviewBar(self.controller, self._toggle_slide_show, self.toggle_full_screen, self._open_menu)
        for part in (self.canvas, self.information, self.before, self.next, self.bar, self.message):
            part.setParent(self)
        self.message.hide()
        self._sleep, self._forget = (QTimer(self, singleShot=True, interval=ms) for ms in (AWAKE_MS, MESSAGE_MS))
        self._sleep.timeout.connect(self._fall_asleep)
        self._forget.timeout.connect(self.message.hide)
        self.controller.changed.connect(self._render)
        self.controller.closed.connect(self._leave)
        self.controller.failed.connect(lambda error, safe: self.show_message(f"{error} {safe}"))
        self.information.explain.connect(self._explain)
        self._keys = self._key_table()
        self.hide()

    def _make_steps(self) -> None:
        """The buttons that lie on the picture."""
        self.before, self.next = (look(icon_button(icon, words, partial(self.controller.step, step), side=24), "step")
                                  for icon, words, step in (
            ("chevron-left", _("Previous picture (\N{LEFTWARDS ARROW})"), -1),
            ("chevron-right", _("Next picture (\N{RIGHTWARDS ARROW})"), 1)))
        for part in (self.before, self.next):
            part.setFocusPolicy(Qt.FocusPolicy.TabFocus)  # a click leaves the keyboard with the picture

    def _key_table(self) -> dict[tuple[Qt.KeyboardModifier, int], Callable[[], object]]:
        """Actions by key. Shift is not looked at where a key has no row with it: + needs it on many keyboards."""
        controller = self.controller
        table: dict[tuple[Qt.KeyboardModifier, int], Callable[[], object]] = {
            (PLAIN, Key.Key_Home): partial(controller.go_to, 0), (PLAIN, Key.Key_End): controller.go_to_end,
            (PLAIN, Key.Key_Minus): partial(controller.zoom, -1), (PLAIN, Key.Key_1): controller.show_actual_size,
            (PLAIN, Key.Key_0): controller.fit, (PLAIN, Key.Key_R): partial(controller.rotate, 90),
            (SHIFT, Key.Key_R): partial(controller.rotate, -90), (PLAIN, Key.Key_I): controller.toggle_information,
            (PLAIN, Key.Key_F5): self._toggle_slide_show, (PLAIN, Key.Key_Escape): self._escape}
        for key, step in ((Key.Key_Left, -1), (Key.Key_PageUp, -1), (Key.Key_Right, 1), (Key.Key_PageDown, 1)):
            table[PLAIN, key] = partial(controller.step, step)
        for key, right, down in ((Key.Key_Left, 1, 0), (Key.Key_Right, -1, 0), (Key.Key_Up, 0, 1),
                                 (Key.Key_Down, 0, -1)):
            table[SHIFT, key] = partial(self._pan, right, down)
        table |= {(PLAIN, key): table[SHIFT, key] for key in (Key.Key_Up, Key.Key_Down)}
        table |= {(PLAIN, key): partial(controller.zoom, 1) for key in (Key.Key_Plus, Key.Key_Equal)}
        table |= {(PLAIN, key): self.toggle_full_screen for key in (Key.Key_F, Key.Key_F11)}
        return table

    def open(self, owner: QWidget, sequence: PictureSequence, position: int, actions: PreviewActions) -> None:
        """Show one picture of a sequence; `owner` is the panel it belongs to."""
        if self._owner is not None:
            self._owner.removeEventFilter(self)
        self._owner, self._actions, self._before = owner, actions, QApplication.focusWidget()
        for watched in (self._window, owner):
            watched.installEventFilter(self)
        self.canvas.stand_in = actions.thumbnail
        self.information.names, self.information.can_explain = actions.share_names, actions.explain is not None
        self._awake = True
        self.setGeometry(self._window.rect())
        self._place()
        self.show()
        self.raise_()
        self.controller.open(sequence, position)
        self.canvas.setFocus()

    def key_list(self) -> list[tuple[str, str]]:
        """Keys of the preview and of the panel's actions, for the list that `?` shows."""
        return [*KEYS, *((name, words) for name, (words, _unused) in self._actions.keys.items())]

    def show_message(self, text: str) -> None:
        """Show a sentence at the lower edge for some seconds; "" for none."""
        self.message.setText(text)
        self.message.setVisible(bool(text))
        if text:
            self._place_message()
            self._forget.start()

    # ---- rendering

    def _render(self, state: PreviewState) -> None:
        before, self._shown = self._shown, state
        if not state.opened:
            return
        image = state.image
        name, place = image.path.name if image is not None else "", state.place_words
        if (name, place) != (self.bar.name.text(), self.bar.count.text()):
            self.canvas.setAccessibleName(_("{name}, picture {place}").format(name=name, place=place))
        self.bar.render_state(state, name)
        self.before.setEnabled(state.position > 0)
        self.next.setEnabled(state.position < state.total - 1)
        self.canvas.render_state(state)
        if state.picture is not before.picture or state.hit is not before.hit:
            self.canvas.setAccessibleDescription(state.picture.problem if state.picture is not None else "")
            self.information.render_state(state)
        if state.slide_show != before.slide_show:
            self._awake = state.slide_show != "running"
            self._sleep.start()
            if state.slide_show == "off":
                self._leave_full_screen()
        if any(getattr(state, name) != getattr(before, name) for name in LAID_OUT):
            self._place()

    def _place(self) -> None:
        """Lay out the parts: the bar lies over the picture in full screen, and goes when nothing moves."""
        state, width, height = self._shown, self.width(), self.height()
        running, full = state.slide_show == "running", self._window.isFullScreen()
        bar = self.bar.sizeHint().height()
        side = self.information.width_in(width) if state.information and not running else 0
        top = 0 if full or running else bar
        self.bar.setGeometry(0, 0, width, bar)
        self.bar.setVisible(self._awake or not (full or running))
        self.information.setGeometry(width - side, bar, side, height - bar)
        self.information.setVisible(side > 0)
        self.canvas.setGeometry(0, top, width - side, height - top)
        several = state.total > 1 and self.bar.isVisibleTo(self)
        for part, left in ((self.before, EDGE), (self.next, width - side - EDGE - self.next.sizeHint().width())):
            size = part.sizeHint()
            part.setGeometry(QRect(QPoint(left, (bar + height - size.height()) // 2), size))
            part.setVisible(several)
        for above in (self.bar, self.information, self.before, self.next, self.message):
            above.raise_()
        self.canvas.show_cursor(self.bar.isVisibleTo(self))
        self._place_message()

    def _place_message(self) -> None:
        width = min(self.message.sizeHint().width(), self.canvas.width() - 2 * EDGE)
        height = self.message.heightForWidth(width)
        self.message.setGeometry((self.canvas.width() - width) // 2, self.height() - height - 2 * EDGE, width, height)

    # ---- keys

    def event(self, event: QEvent) -> bool:
        """Take keys before any shortcut of the panel behind; those of the window itself work here as well."""
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent) and (
                self._action(event) is not None or not self._is_of_window(event)):
            event.accept()
            return True
        return super().event(event)

    def _is_of_window(self, event: QKeyEvent) -> bool:
        """Whether a key is a shortcut of the window: it is its child. A sign such as ? may need Shift."""
        pressed = QKeySequence(event.modifiers().value | event.key())
        unshifted = QKeySequence((event.modifiers() & ~SHIFT).value | event.key())
        own = self._window.findChildren(QShortcut, options=Qt.FindChildOption.FindDirectChildrenOnly)
        return self._owner is not self._window and any(
            shortcut.key() in (pressed, unshifted) for shortcut in own)

    def _action(self, event: QKeyEvent) -> Callable[[], object] | None:
        held, key = event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier, event.key()
        pressed = QKeySequence(held.value | (Key.Key_Enter if key == Key.Key_Return else key))
        for name, (_unused, act) in self._actions.keys.items():
            if QKeySequence(name) == pressed:
                return partial(self._act_on_picture, act)
        return self._keys.get((held, key)) or (self._keys.get((PLAIN, key)) if held == SHIFT else None)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        action = self._action(event)
        if self.space.is_it(event):
            self.space.down(event)
        elif action is not None:
            action()
        else:
            super().keyPressEvent(event)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        if not self.space.up(event):
            super().keyReleaseEvent(event)

    def focusNextPrevChild(self, forward: bool) -> bool:
        """Tab stays within the preview. Qt moves the focus this way too, when what has it is hidden."""
        if not self.controller.state.opened:
            return super().focusNextPrevChild(forward)
        self._wake()
        parts: list[QWidget] = [self.canvas, self.before, self.next, *self.bar.buttons, self.information.area,
                                self.information.why]
        stops = [part for part in parts if part.isVisible() and part.isEnabled()]
        focus = QApplication.focusWidget()
        at = stops.index(focus) if focus in stops else -1
        stops[(at + (1 if forward else -1)) % len(stops)].setFocus(Qt.FocusReason.TabFocusReason)
        return True

    def _take_space(self) -> None:
        """A tap of Space: it opened the preview and closes it; in a slide show it is the pause."""
        state = self.controller.state
        if state.slide_show == "running":
            self.controller.pause_slide_show()
        elif state.slide_show == "paused":
            self.controller.start_slide_show()
        else:
            self.controller.close()

    def _escape(self) -> None:
        """Leave what is in front: the slide show, full screen, the preview."""
        if self.controller.state.slide_show != "off":
            self.controller.stop_slide_show()
        elif self._made_full_screen:
            self._leave_full_screen()
        else:
            self.controller.close()

    def _pan(self, right: int, down: int) -> None:
        width, height = self.controller.state.view.view
        self.controller.pan(right * PAN_SHARE * width, down * PAN_SHARE * height)

    # ---- actions

    def _toggle_slide_show(self) -> None:
        if self.controller.state.slide_show == "running":
            self.controller.pause_slide_show()
            return
        self.canvas.setFocus()
        self.controller.start_slide_show()
        self._enter_full_screen()

    def toggle_full_screen(self) -> None:
        """Show the window over the whole screen, or as it was before."""
        if self._window.isFullScreen():
            self._leave_full_screen()
        else:
            self._enter_full_screen()

    def _enter_full_screen(self) -> None:
        if not self._window.isFullScreen():
            self._made_full_screen = True
            self._window.setWindowState(self._window.windowState() | Qt.WindowState.WindowFullScreen)
            self._sleep.start()

    def _leave_full_screen(self) -> None:
        if self._window.isFullScreen():
            self._window.setWindowState(self._window.windowState() & ~Qt.WindowState.WindowFullScreen)
        self._made_full_screen, self._awake = False, True
        self._place()

    def _explain(self) -> None:
        image = self.controller.state.image
        if image is not None and self._actions.explain is not None:
            self._actions.explain(image)

    def _act_on_picture(self, act: "Callable[[ImageRecord], object]") -> None:
        image = self.controller.state.image
        if image is not None:
            self.controller.pause_slide_show()
            act(image)

    def menu(self) -> QMenu:
        """Actions of the preview, and those of the panel on the picture in front."""
        state, image = self.controller.state, self.controller.state.image
        menu = self._actions.menu(image) if image is not None and self._actions.menu is not None else QMenu(self)
        for action in menu.actions():
            action.setText(action.text().split("\t")[0])  # keys of the panel, which mean something else here
        first = menu.actions()[0] if menu.actions() else None
        intervals = QMenu(_("Interval of the slide show"), menu)
        for seconds in INTERVALS:
            choice = intervals.addAction(wording.duration(seconds), partial(self.controller.set_interval, seconds))
            choice.setCheckable(True)
            choice.setChecked(seconds == state.interval)
        own: list[tuple[str, Callable[[], object]]] = [
            (_("Slide show\tF5"), self._toggle_slide_show), (_("Full screen\tF"), self.toggle_full_screen),
            (_("Rotate right\tR"), partial(self.controller.rotate, 90)),
            (_("Rotate left\tShift+R"), partial(self.controller.rotate, -90)),
            (_("Actual size\t1"), self.controller.show_actual_size), (_("Whole picture\t0"), self.controller.fit)]
        actions = []
        for text, act in own:
            action = QAction(text, menu)
            action.triggered.connect(lambda checked=False, act=act: act())
            actions.append(action)
        separator = QAction(menu)
        separator.setSeparator(True)
        menu.insertActions(first,  # type: ignore[arg-type]
                           [actions[0], intervals.menuAction(), *actions[1:], separator])
        return menu

    def _open_menu(self, at: QPoint) -> None:
        self.controller.pause_slide_show()
        menu = self.menu()
        menu.aboutToHide.connect(menu.deleteLater)
        menu.popup(at)

    # ---- mouse

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        self._open_menu(event.globalPos())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._wake()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        event.accept()  # nothing of the window below is clicked

    def _wake(self) -> None:
        """Show the bar."""
        self._sleep.start()
        if not self._awake:
            self._awake = True
            self._place()

    def _fall_asleep(self) -> None:
        walked = (*self.bar.buttons, self.before, self.next)  # with Tab
        if self._window.isFullScreen() and QApplication.focusWidget() not in walked:
            self._awake = False
            self._place()

    # ---- the window

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        kind = event.type()
        if watched is self._window and kind == QEvent.Type.Resize and self.isVisible():
            self.setGeometry(self._window.rect())
        elif (watched is self._window and kind == QEvent.Type.Close) or (
                watched is self._owner and kind == QEvent.Type.Hide and self._window.isVisible()):
            self.controller.close()
        return False

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._place()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        if QWidget.keyboardGrabber() is self:
            self.releaseKeyboard()

    def _leave(self, image_id: int) -> None:
        """Go back to the panel, at the picture that was in front."""
        if self._made_full_screen:
            self._leave_full_screen()
        before, self._before = self._before, None
        if before is not None and isValid(before) and before.isVisible():
            before.setFocus(Qt.FocusReason.PopupFocusReason)
        self.hide()
        self.show_message("")
        self._actions.leave(image_id)
