"""Basic widgets and layouts of all panels."""

from collections.abc import Callable
from typing import TypeVar

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QFontMetrics, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QLayout,
    QProgressBar,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from brewclip_app import theme
from brewclip_app.localisation import _, as_shown
from brewclip_app.plain_text import plain_caption, plain_tip

W = TypeVar("W", bound=QWidget)
SIDE_BY_SIDE = 2  # steps of an empty state; more of them stand below each other


def look(widget: W, name: str) -> W:
    """Give a widget a look of the style sheet ("quiet", "title", "main", "card", ...); works at any time."""
    widget.setProperty("look", name)
    repolish(widget)
    return widget


def repolish(widget: QWidget) -> None:
    """Apply the style sheet again after a dynamic property changed."""
    widget.style().unpolish(widget)
    widget.style().polish(widget)
    widget.update()


class PlainLabel(QLabel):
    """Label that shows texts of core in the language of the window."""

    def __init__(self, text: str) -> None:
        super().__init__(as_shown(text))

    def setText(self, text: str) -> None:
        super().setText(as_shown(text))


def label(text: str = "", name: str = "", wrap: bool = False) -> QLabel:
    """Label of plain text: file names with < or & are shown as they are."""
    words = PlainLabel(text)
    words.setTextFormat(Qt.TextFormat.PlainText)
    words.setWordWrap(wrap)
    if wrap:  # without it a wrapped label asks for the height of its narrowest form
        words.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Minimum)
    if name == "pill":
        words.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Maximum)
    return look(words, name) if name else words


class WholeLabel(QLabel):
    """Wrapped plain text that is never cut, for places whose layout asks for no height by width, such as splitters."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setWordWrap(True)
        self.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Minimum)
        look(self, name)

    def setText(self, text: str) -> None:
        super().setText(as_shown(text))
        self._keep_height()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._keep_height()

    def _keep_height(self) -> None:
        self.setMinimumHeight(max(0, self.heightForWidth(self.width())))


class PlainButton(QPushButton):
    """A button that shows its text letter by letter, an & of a name included."""

    def __init__(self, text: str) -> None:
        super().__init__(plain_caption(text))

    def setText(self, text: str) -> None:
        super().setText(plain_caption(text))

    def text(self) -> str:
        return super().text().replace("&&", "&")


def button(text: str, on: Callable[[], object] | None = None, name: str = "", icon: str = "", tip: str = "",
           ) -> QPushButton:
    """A button that says what it does. `name` is its look: "main", "danger", "large", "link", "quiet-link", "chip"."""
    text_button = PlainButton(text)
    if name:
        look(text_button, name)
    if icon:
        theme.set_icon(text_button, icon, "on_main" if name == "main" else "words")
    text_button.setToolTip(plain_tip(tip))
    text_button.setAutoDefault(False)
    if name in ("link", "quiet-link"):
        text_button.setCursor(Qt.CursorShape.PointingHandCursor)
        text_button.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        text_button.setFlat(True)
    if on is not None:
        text_button.clicked.connect(lambda: on())
    return text_button


def icon_button(icon: str, says: str, on: Callable[[], object] | None = None, side: int = 18) -> QToolButton:
    """Button with an icon only; `says` is its tool tip and accessible name."""
    tool_button = QToolButton()
    theme.set_icon(tool_button, icon)
    tool_button.setIconSize(QSize(side, side))
    tool_button.setToolTip(plain_tip(says))
    tool_button.setAccessibleName(as_shown(says))
    tool_button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    if on is not None:
        tool_button.clicked.connect(lambda: on())
    return tool_button


def panel_title(text: str) -> QLabel:
    """A panel's title, as high as a button, so that all titles stand at the same height whatever is beside them."""
    heading = label(text, "title")
    heading.setMinimumHeight(button("X").sizeHint().height())
    return heading


def row(*parts: "QWidget | QLayout | int | None", space: int = 8) -> QHBoxLayout:
    """Parts from left to right; None stretches, a number is a fixed gap in px."""
    return _fill(QHBoxLayout(), parts, space)


def column(*parts: "QWidget | QLayout | int | None", space: int = 8) -> QVBoxLayout:
    """Parts from top to bottom; None stretches, a number is a fixed gap in px."""
    return _fill(QVBoxLayout(), parts, space)


B = TypeVar("B", QHBoxLayout, QVBoxLayout)


def _fill(box: B, parts: "tuple[QWidget | QLayout | int | None, ...]", space: int) -> B:
    box.setContentsMargins(0, 0, 0, 0)
    box.setSpacing(space)
    for part in parts:
        if part is None:
            box.addStretch(1)
        elif isinstance(part, int):
            box.addSpacing(part)
        elif isinstance(part, QLayout):
            box.addLayout(part)
        else:
            box.addWidget(part)
    return box


def tab_before(anchor: QWidget, *parts: QWidget) -> None:
    """Put `parts` and their children before `anchor` in the Tab order; widgets created later come last otherwise."""
    stops = [widget for part in parts for widget in (part, *part.findChildren(QWidget))
             if widget.focusPolicy() & Qt.FocusPolicy.TabFocus]
    for first, second in zip((anchor, *stops), (*stops, anchor), strict=True):
        if first is not second:
            QWidget.setTabOrder(first, second)


def clear(layout: QLayout) -> None:
    """Remove and delete everything in a layout."""
    while (item := layout.takeAt(0)) is not None:
        widget, inner = item.widget(), item.layout()
        if widget is not None:
            widget.hide()
            widget.deleteLater()
        elif inner is not None:
            clear(inner)


def rule() -> QFrame:
    """A horizontal line of 1 px."""
    return look(QFrame(), "rule")


class Card(QFrame):
    """A card with rounded corners; put things into `body`."""

    def __init__(self, title: str = "", margin: int = 14, space: int = 8) -> None:
        super().__init__()
        look(self, "card")
        self.body = QVBoxLayout(self)
        self.body.setContentsMargins(margin, margin - 2, margin, margin)
        self.body.setSpacing(space)
        self.heading = label(title, "heading")
        if title:
            self.body.addWidget(self.heading)


class ElidedLabel(QLabel):
    """One line of plain text, shortened in its middle (or where asked) when there is no room; the tip has it all."""

    def __init__(self, text: str = "", name: str = "", mode: Qt.TextElideMode = Qt.TextElideMode.ElideMiddle) -> None:
        super().__init__()
        self.setTextFormat(Qt.TextFormat.PlainText)
        self._mode = mode
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        if name:
            look(self, name)
        self.setText(text)

    def setText(self, text: str) -> None:
        super().setText(as_shown(text))
        self._update_tip()

    def minimumSizeHint(self) -> QSize:
        return QSize(self.fontMetrics().averageCharWidth() * 4, super().minimumSizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._update_tip()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        place = self.contentsRect()
        text = self.fontMetrics().elidedText(self.text(), self._mode, place.width())
        painter.drawText(place, int(self.alignment() | Qt.TextFlag.TextSingleLine), text)
        painter.end()

    def _update_tip(self) -> None:
        fits = self.fontMetrics().horizontalAdvance(self.text()) <= self.contentsRect().width()
        self.setToolTip(plain_tip("" if fits else self.text()))


class ProgressRow(QWidget):
    """Progress of a job: title, detail, bar and Cancel."""

    cancelled = Signal()

    def __init__(self, title: str = "", about: str = "") -> None:
        super().__init__()
        self.title, self.about = label(title, "strong"), ElidedLabel(about, "quiet-body", Qt.TextElideMode.ElideRight)
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setAccessibleName(as_shown(title) or _("Progress"))
        self.detail = label("", "quiet")
        self.cancel = button(_("Cancel"), self.cancelled.emit)
        self.cancel.setAccessibleName(_("Cancel: {title}").format(title=title) if title else _("Cancel"))
        head = row(self.title, self.about, space=6)
        head.setStretch(1, 1)
        words = column(head, self.bar, self.detail, space=6)
        layout = row(words, self.cancel, space=10)
        layout.setStretch(0, 1)
        self.setLayout(layout)

    def set_progress(self, done: int, total: int, detail: str = "") -> None:
        """Show progress; a total of 0 is unknown."""
        self.bar.setRange(0, 1000 if total > 0 else 0)
        if total > 0:
            self.bar.setValue(round(1000 * min(done, total) / total))
        self.detail.setText(detail)
        self.detail.setVisible(bool(detail))


class EmptyState(QWidget):
    """Placeholder: what goes here, and the first step."""

    def __init__(self, icon: str, title: str, sentence: str = "", *steps: QWidget) -> None:
        super().__init__()
        self.icon = look(QLabel(), "round")
        self.icon.setFixedSize(60, 60)
        self.icon.setAlignment(Qt.AlignmentFlag.AlignCenter)
        theme.set_picture(self.icon, icon, 24)
        self.title = label(title, "title", wrap=True)
        self.sentence = label(sentence, "quiet-body", wrap=True)
        for words in (self.title, self.sentence):
            words.setAlignment(Qt.AlignmentFlag.AlignHCenter)
            words.setMaximumWidth(600)
        if not sentence:  # never show a part that has no parent yet: it would flash as a window and take the focus
            self.sentence.hide()
        lines = [steps] if len(steps) <= SIDE_BY_SIDE else [(step,) for step in steps]
        ways = column(*(row(None, *line, None, space=10) for line in lines), space=8)
        box = column(None, row(None, self.icon, None), 10, self._middle(self.title), self._middle(self.sentence), 4,
                     ways, None)
        self.setLayout(box)

    def _middle(self, words: QLabel) -> QHBoxLayout:
        box = row(None, words, None)
        box.setStretch(1, 1000)
        return box


class KeyCap(QLabel):
    """A key of the keyboard, drawn as one."""

    def __init__(self, keys: str) -> None:
        super().__init__(keys)
        self.setTextFormat(Qt.TextFormat.PlainText)
        look(self, "key")
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)


def width_of(text: str, widget: QWidget) -> int:
    """Width of a text in a widget's font, px."""
    return QFontMetrics(widget.font()).horizontalAdvance(text)


def scrolling(inside: QWidget) -> QScrollArea:
    """Scroll area over a widget that is as wide as there is room; scrolls sideways only below its minimum width."""
    area = QScrollArea()
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setWidgetResizable(True)
    area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    area.setWidget(inside)
    return area


def show_play_button(play: QPushButton, playing: bool) -> None:
    """Turn a Play button into Stop and back."""
    play.setText(_("Stop") if playing else _("Play"))
    theme.set_icon(play, "stop" if playing else "play")
