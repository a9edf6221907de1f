"""Colours, fonts and icons: one table gives the palette, the style sheet and the icons."""

from collections.abc import Callable, Mapping
from importlib import resources
from math import ceil
from pathlib import Path
from types import MappingProxyType

from PySide6.QtCore import QByteArray, QObject, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFont,
    QFontInfo,
    QFontMetrics,
    QIcon,
    QImage,
    QPainter,
    QPalette,
    QPixmap,
    QTextLayout,
)
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QAbstractButton, QApplication, QLabel

from brewclip_app.style_sheet import style_sheet
from core.plots import style

DARK: Mapping[str, str] = MappingProxyType({  # the colours of `core.plots.style` on a dark ground
    "transcript": "#5aa9f0", "voice": "#f08a55", "main": "#a79bff", "record": "#ff5a4f", "good": "#5fc58b",
    "care": "#e0a94a", "ground": "#1c1c20", "card": "#27272c", "line": "#3a3a42", "words": "#ececf1",
    "quiet": "#9d9da8",
})
COLOURS: Mapping[str, tuple[str, str]] = MappingProxyType({  # name: (light, dark)
    **{name: (style.COLOURS[name], dark) for name, dark in DARK.items()},
    # made from those above, for places that they do not reach
    "good_words": ("#1f6e43", "#5fc58b"),  # as text: 4.5 to 1 on ground and card
    "care_words": ("#8a5710", "#e0a94a"),
    "voice_words": ("#b3441a", "#f08a55"),
    "record_words": ("#c42318", "#ff7a70"),
    "on_main": ("#ffffff", "#1b1b1f"),     # text on `main`
    "on_record": ("#ffffff", "#ffffff"),   # signs on `record`
    "track": ("#ebebef", "#34343b"),       # what is not filled yet: bars, chips, mats around pictures
    "hover": ("#f0f0f3", "#303036"),
    "chosen": ("#efedfc", "#34315a"),      # the chosen row of a table: `main`, faint
    "minus": ("#f3e6cd", "#42361f"),       # ground of a term that takes away
    "main_hover": ("#4c42b8", "#b8aeff"),
})
SIZES: Mapping[str, float] = MappingProxyType({  # of the body's size
    "body": 1.0, "quiet": 11.5 / 13, "heading": 1.0, "title": 18 / 13, "transcript": 21 / 13})
SMALLEST_BODY = 13  # px; desktops that say nothing give Qt 12
SCRIPTS = "\u00c5gj 日本語 简体 한국어 ไทยที่ป้ ہندی हिन्दी"  # what names of files are written in
_line_heights: dict[str, int] = {}
_ICON_SIZES = (16, 20, 24, 32, 48, 64)
_LIGHT, _DARK = 0, 1


MARKS: Mapping[str, tuple[str, str]] = {  # in the style sheet: name -> (icon, colour); drawn in `resources/marks`
    "chevron": ("chevron-down", "quiet"), "up": ("chevron-up", "quiet"), "check": ("check", "on_main"),
    "dash": ("minus", "on_main"), "right": ("chevron-right", "quiet")}


class Theme(QObject):
    """Theme of the process; `changed` is emitted when the colours change."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.choice = "system"
        self.side = _LIGHT
        self.system_point_size = 0.0
        self._icons: dict[tuple[str, str, int], QIcon] = {}

    def icon(self, name: str, role: str) -> QIcon:
        """The icon in a colour of the table, drawn once for each side."""
        key = (name, role, self.side)
        if key not in self._icons:
            self._icons[key] = _draw_icon(name, colour(role), colour("line" if role == "quiet" else "quiet"))
        return self._icons[key]


theme = Theme()
changed = theme.changed


def apply(app: QApplication, choice: str) -> None:
    """Apply a theme ("system", "light", "dark") to the application; call again when the choice changes."""
    first = theme.system_point_size == 0
    theme.choice = choice
    if first:
        theme.system_point_size = _system_point_size(app)
        app.setStyle("Fusion")
        app.styleHints().colorSchemeChanged.connect(lambda _: _follow_system(app))
    _set_up(app, _side_of(app, choice), first)


def colour(name: str) -> QColor:
    """Colour of the table in the current theme."""
    return QColor(COLOURS[name][theme.side])


def is_dark() -> bool:
    """Whether the dark side of the table is shown."""
    return theme.side == _DARK


def font(look: str = "body", bold: bool = False) -> QFont:
    """The system's font at the size of a look: body, quiet, heading, title, transcript."""
    font = QFont(QApplication.font())
    font.setPointSizeF(points(look))
    font.setBold(bold or look in ("heading", "title"))
    return font


def line_height(made: QFont) -> int:
    """Height of a line of text in a font, px, in any script: the fonts that stand in for missing letters are taller."""
    key = made.key()
    if key not in _line_heights:
        layout = QTextLayout(SCRIPTS, made)
        layout.beginLayout()
        line = layout.createLine()
        layout.endLayout()
        _line_heights[key] = max(QFontMetrics(made).height(), ceil(line.height()))
    return _line_heights[key]


def points(look: str) -> float:
    """The point size of a look; before `apply`, of Qt's own font."""
    return (theme.system_point_size or QApplication.font().pointSizeF()) * SIZES[look]


def icon(name: str, role: str = "words") -> QIcon:
    """An icon of `resources/icons` in a colour of the table. It keeps its colour: see `set_icon`."""
    return theme.icon(name, role)


def set_icon(button: QAbstractButton, name: str, role: str = "words") -> None:
    """Give a button an icon that follows the theme (button properties `icon_name`, `icon_role`)."""
    before = button.property("icon_name")
    button.setProperty("icon_name", name)
    button.setProperty("icon_role", role)
    button.setIcon(icon(name, role))
    if before is None:
        _Follower(button, lambda: button.setIcon(icon(button.property("icon_name"), button.property("icon_role"))))


def set_picture(label: QLabel, name: str, side: int, role: str = "quiet") -> None:
    """Show an icon in a label, `side` px wide, in a colour that follows the theme."""
    def draw() -> None:
        label.setPixmap(icon(name, role).pixmap(QSize(side, side), label.devicePixelRatioF()))
    draw()
    _Follower(label, draw)


class _Follower(QObject):
    """Redraws its owner whenever the colours change. A child, so it goes when the owner goes."""

    def __init__(self, owner: QObject, redraw: Callable[[], object]) -> None:
        super().__init__(owner)
        self._redraw = redraw
        changed.connect(self._take)

    def _take(self) -> None:
        self._redraw()


def _follow_system(app: QApplication) -> None:
    if theme.choice == "system":
        _set_up(app, _side_of(app, "system"), False)


def _side_of(app: QApplication, choice: str) -> int:
    if choice == "system":
        return _DARK if app.styleHints().colorScheme() == Qt.ColorScheme.Dark else _LIGHT
    return _DARK if choice == "dark" else _LIGHT


def _set_up(app: QApplication, side: int, first: bool) -> None:
    if side == theme.side and not first:
        return
    theme.side = side
    body = QFont(app.font())
    body.setPointSizeF(theme.system_point_size)
    app.setFont(body)
    app.setPalette(_palette())
    table = {name: both[side] for name, both in COLOURS.items()}
    sizes = {look: f"{points(look):.2f}pt" for look in SIZES}
    app.setStyleSheet("")  # Qt replaces a sheet by another five times as slowly as it takes one away and sets one
    app.setStyleSheet(style_sheet(table, sizes, _marks(side)))
    changed.emit()


def _system_point_size(app: QApplication) -> float:
    """The system font's size in points, at least what gives a body of 13 px."""
    system = app.font()
    pixels = QFontInfo(system).pixelSize()
    size = system.pointSizeF() if system.pointSizeF() > 0 else pixels * 0.75
    return size * max(1.0, SMALLEST_BODY / max(1, pixels))


def _palette() -> QPalette:
    role, palette = QPalette.ColorRole, QPalette()
    for place, name in ((role.Window, "ground"), (role.WindowText, "words"), (role.Base, "card"), (role.Text, "words"),
                        (role.AlternateBase, "ground"), (role.Button, "card"), (role.ButtonText, "words"),
                        (role.ToolTipBase, "card"), (role.ToolTipText, "words"), (role.PlaceholderText, "quiet"),
                        (role.Highlight, "main"), (role.HighlightedText, "on_main"), (role.Link, "transcript"),
                        (role.LinkVisited, "transcript"), (role.Mid, "line"), (role.Dark, "line"),
                        (role.BrightText, "record"), (role.Accent, "main"), (role.Light, "card"),
                        (role.Midlight, "line"), (role.Shadow, "line")):
        palette.setColor(place, colour(name))
    for place in (role.WindowText, role.Text, role.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, place, colour("quiet"))
    return palette


def _svg(name: str, tint: QColor) -> bytes:
    text = resources.files("resources").joinpath("icons", f"{name}.svg").read_text(encoding="utf-8")
    return text.replace("currentColor", tint.name()).encode()


def _marks(side: int) -> Mapping[str, str]:
    """Files of the marks that a style sheet can only take from files, by name."""
    folder = Path(str(resources.files("resources").joinpath("marks")))
    return {mark: (folder / f"{mark}-{('light', 'dark')[side]}.svg").as_posix() for mark in MARKS}


def _draw_icon(name: str, tint: QColor, faded: QColor) -> QIcon:
    icon = QIcon()
    for mode, ink in ((QIcon.Mode.Normal, tint), (QIcon.Mode.Disabled, faded)):
        renderer = QSvgRenderer(QByteArray(_svg(name, ink)))
        for size in _ICON_SIZES:
            icon.addPixmap(_draw(renderer, size), mode)
            icon.addPixmap(_draw(renderer, size, ratio=2), mode)
    return icon


def _draw(renderer: QSvgRenderer, size: int, ratio: int = 1) -> QPixmap:
    image = QImage(size * ratio, size * ratio, QImage.Format.Format_ARGB32_Premultiplied)
    image.fill(0)
    painter = QPainter(image)
    renderer.render(painter, QRectF(0, 0, size * ratio, size * ratio))
    painter.end()
    image.setDevicePixelRatio(ratio)
    return QPixmap.fromImage(image)
