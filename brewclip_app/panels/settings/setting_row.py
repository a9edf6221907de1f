"""Row of a setting: name, a control for its kind, help, and a button to reset it."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, QSignalBlocker, Qt
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QHBoxLayout,
    QLineEdit,
    QSizePolicy,
    QWidget,
)

from brewclip_app.localisation import _, as_shown
from brewclip_app.plain_text import plain_tip
from brewclip_app.widgets.common import button, column, icon_button, label, look, row
from brewclip_app.widgets.file_dialogs import ask_folder
from core.asr.recogniser import RECOGNISERS
from core.errors import SettingsError
from core.models import checkpoints
from core.settings import Setting, Settings, Value

if TYPE_CHECKING:
    from brewclip_app.context import Context

NAME_WIDTH = 150   # px at a body of 13 px
REEMBEDS = _("After a change, pictures are embedded again once you start that in the Library.")
Show = Callable[[Value], None]


class SettingRow(QWidget):
    """Writes each change to the context, and follows the context's settings."""

    def __init__(self, setting: Setting, context: "Context") -> None:
        super().__init__()
        self.setting, self._context = setting, context
        self.name = label(setting.label, wrap=True)
        self.name.setFixedWidth(NAME_WIDTH)
        self.control, self._show = _MAKERS[setting.kind](self)
        target = self.control.focusProxy() or self.control
        target.setAccessibleName(as_shown(setting.label))
        target.setAccessibleDescription(as_shown(setting.help))
        self.name.setBuddy(target)
        self.reset = icon_button("refresh", _("Reset to {in_words}").format(in_words=self._in_words(setting.default)),
                                 lambda: self.change(setting.default), side=14)
        policy = self.reset.sizePolicy()
        policy.setRetainSizeWhenHidden(True)
        self.reset.setSizePolicy(policy)
        self.help = label(setting.help, "quiet", wrap=True)
        self.warning = label(REEMBEDS, "quiet", wrap=True)
        narrow = setting.kind in ("number", "flag")
        field = row(self.control, *([self.reset, None] if narrow else [self.reset]), space=4)
        if not narrow:
            field.setStretch(0, 1)
        words = column(field, self.help, space=4)
        if setting.reembeds:
            words.addWidget(self.warning)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(12)
        layout.addLayout(column(7, self.name, None, space=0))
        layout.addLayout(words, 1)

    def change(self, value: Value) -> None:
        """Set a value; an invalid one is refused, and the control shows the old one again."""
        try:
            self._context.change(self.setting.key, value)
        except SettingsError as error:
            self._context.failed.emit(error, _("The old value is kept."))
            self.show_value(self._context.settings)

    def show_value(self, settings: Settings) -> None:
        """Show the value and whether it differs from the default."""
        blocker = QSignalBlocker(self.control.focusProxy() or self.control)
        self._show(settings[self.setting.key])
        blocker.unblock()
        changed = self.setting.key in settings.changed
        look(self.name, "changed" if changed else "")
        self.reset.setVisible(changed)

    def folder(self) -> str:
        """The present value, as the start of a folder dialog."""
        return str(self._context.settings[self.setting.key])

    @property
    def context(self) -> "Context":
        """The window's shared state."""
        return self._context

    def _in_words(self, value: Value) -> str:
        if isinstance(value, bool):
            return "on" if value else "off"
        if value == "" or self.setting.kind == "backbone":
            return "none" if value == "" else AUTO
        if value == 0 and self.setting.zero:
            return f"“{as_shown(self.setting.zero)}”"
        return f"“{dict(self.setting.choices).get(str(value), str(value))}”"


class _Wheelless(QObject):
    """Event filter: the wheel scrolls the page unless the control has the focus."""

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Wheel and isinstance(watched, QWidget) and not watched.hasFocus():
            event.ignore()
            return True
        return False


AUTO = _("Best available")


def _without_wheel(widget: QWidget) -> None:
    widget.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    widget.installEventFilter(_Wheelless(widget))


def _combo() -> QComboBox:
    combo = QComboBox()
    combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    combo.setMinimumContentsLength(12)
    combo.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
    _without_wheel(combo)
    return combo


def _choice(line: SettingRow) -> tuple[QWidget, Show]:
    combo = _combo()
    for value, words in line.setting.choices:
        combo.addItem(as_shown(words), value)
    combo.currentIndexChanged.connect(lambda _unused: line.change(str(combo.currentData())))
    return combo, lambda value: combo.setCurrentIndex(combo.findData(value))


def _flag(line: SettingRow) -> tuple[QWidget, Show]:
    box = QCheckBox(_("On"))
    box.toggled.connect(line.change)

    def show(value: Value) -> None:
        box.setChecked(bool(value))

    return box, show


def _number(line: SettingRow) -> tuple[QWidget, Show]:
    setting, is_integer = line.setting, isinstance(line.setting.default, int)
    spin_box = QDoubleSpinBox()
    spin_box.setDecimals(0 if is_integer else 2)
    spin_box.setRange(setting.low, setting.high)
    spin_box.setSpecialValueText(as_shown(setting.zero))
    spin_box.setSuffix(f" {as_shown(setting.unit)}" if setting.unit else "")
    spin_box.setKeyboardTracking(False)
    spin_box.setFixedWidth(160)
    spin_box.lineEdit().setTextMargins(8, 0, 0, 0)
    _without_wheel(spin_box)
    spin_box.valueChanged.connect(line.change)
    return spin_box, lambda value: spin_box.setValue(float(value))


def _text_field(line: SettingRow) -> QLineEdit:
    field = QLineEdit()
    field.setPlaceholderText(_("None"))
    field.setMinimumWidth(80)
    field.editingFinished.connect(lambda: line.change(field.text().strip()))
    return field


def _folder(line: SettingRow) -> tuple[QWidget, Show]:
    field = _text_field(line)

    def choose() -> None:
        ask_folder(line, line.setting.key, line.setting.label, lambda folder: line.change(str(folder)),
                   Path(line.folder()))

    widget = QWidget()
    box = row(field, button(_("Choose…"), choose))
    box.setStretch(0, 1)
    widget.setLayout(box)
    widget.setFocusProxy(field)
    return widget, lambda value: field.setText(str(value))


def _plain_text(line: SettingRow) -> tuple[QWidget, Show]:
    field = _text_field(line)

    def show(value: Value) -> None:
        field.setText(str(value))
        field.setCursorPosition(0)

    return field, show


def _weights(line: SettingRow) -> tuple[QWidget, Show]:
    """Control for pretrained weights: those of the table, downloaded or not, and the setting's value."""
    kind = "speech" if line.setting.kind == "recogniser" else "vision-language"
    combo = _combo()
    downloads = line.context.downloads

    def fill() -> None:
        blocker = QSignalBlocker(combo)
        combo.clear()
        combo.addItem(as_shown(dict(line.setting.choices).get("auto", AUTO)), "auto")
        for weights in downloads.table():
            if weights.kind == kind and weights.name != RECOGNISERS[0].weights:
                is_local = weights.bundled or downloads.state.path(weights.name) is not None
                combo.addItem(weights.title if is_local else _("{title} · not downloaded").format(title=weights.title),
                              weights.name)
        show(line.context.settings[line.setting.key])
        blocker.unblock()

    def show(value: Value) -> None:
        if combo.findData(value) < 0:  # a native open_clip model that is not in the table, or a file
            combo.addItem(Path(str(value)).name if kind == "speech" else str(value), value)
        combo.setCurrentIndex(combo.findData(value))

    fill()
    combo.currentIndexChanged.connect(lambda _unused: line.change(str(combo.currentData())))
    downloads.changed.connect(lambda state: fill() if not state.running else None)
    return combo, show


def _model(line: SettingRow) -> tuple[QWidget, Show]:
    """Control for a trained model: the setting's choices, own runs, any other folder."""
    combo = _combo()
    for value, words in line.setting.choices:
        combo.addItem(as_shown(words), value)
    for folder in _runs(line.context.home.runs):
        combo.addItem(_("Run {name}").format(name=folder.name), str(folder))

    def show(value: Value) -> None:
        if combo.findData(value) < 0:
            combo.addItem(as_shown(Path(str(value)).name), value)
        combo.setCurrentIndex(combo.findData(value))
        combo.setToolTip(plain_tip("" if value in dict(line.setting.choices) else str(value)))

    def choose() -> None:
        ask_folder(line, "model", _("Folder of a run or of its model"), lambda folder: line.change(str(folder)),
                   line.context.home.runs)

    combo.currentIndexChanged.connect(lambda _unused: line.change(str(combo.currentData())))
    widget = QWidget()
    box = row(combo, button(_("Choose…"), choose))
    box.setStretch(0, 1)
    widget.setLayout(box)
    widget.setFocusProxy(combo)
    return widget, show


def _runs(folder: Path) -> list[Path]:
    """Folders of runs with a trained model, newest first."""
    runs = []
    for path in folder.glob(f"*/{checkpoints.BEST}/{checkpoints.RUN}"):
        with suppress(OSError):  # deleted meanwhile, or not readable
            runs.append((path.parent.stat().st_mtime, path.parent.parent))
    return [run for _unused, run in sorted(runs, reverse=True)]


_MAKERS: dict[str, Callable[[SettingRow], tuple[QWidget, Show]]] = {
    "choice": _choice, "flag": _flag, "number": _number, "folder": _folder, "backbone": _weights,
    "recogniser": _weights, "model": _model, "patterns": _plain_text, "text": _plain_text}
