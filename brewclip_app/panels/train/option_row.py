"""One option of a recipe: name, control, the value that it differs from, and what is wrong with it."""

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QSignalBlocker, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QCheckBox, QComboBox, QHBoxLayout, QLineEdit, QSizePolicy, QWidget

from brewclip_app import wording
from brewclip_app.localisation import _, as_shown, localised
from brewclip_app.plain_text import plain_tip
from brewclip_app.widgets.common import column, icon_button, label, look, row
from core.errors import BrewclipError
from core.figures import plain
from core.models.variants import SOURCES, Source

Value = str | int | float | bool
NAME_WIDTH = 104  # px at a body of 13 px


@dataclass(frozen=True)
class Field:
    """The option of a row. `default` None: it has none to go back to; `read` parses a text, or raises."""

    key: str
    title: str
    about: str
    default: Value | None
    first: Value
    choices: tuple[tuple[Value, str], ...] = ()
    source: Source = "ours"  # of the default
    read: Callable[[str], Value] = str


def display(value: Value, choices: tuple[tuple[Value, str], ...] = ()) -> str:
    """Display text of a value; long numbers in groups of three digits."""
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, int):
        return wording.count(value)
    if isinstance(value, float):
        return plain(value)
    return dict(choices).get(value, str(value)) or "none"


class OptionRow(QWidget):
    """Holds one value. `changed` is called with the field's key after every edit, valid or not."""

    def __init__(self, field: Field, changed: Callable[[str], object]) -> None:
        super().__init__()
        self.field, self._changed = field, changed
        self.problem = ""
        self._value = field.first
        self.reference, self._origin = field.default, SOURCES[field.source]
        self.name = label(field.title, wrap=True)
        self.name.setFixedWidth(NAME_WIDTH)
        self.name.setToolTip(plain_tip(field.about))
        self.control = self._make_control()
        self.control.setAccessibleName(as_shown(field.title))
        self.control.setAccessibleDescription(as_shown(field.about))
        self.control.setToolTip(plain_tip(field.about))
        self.name.setBuddy(self.control)
        self.reset = icon_button("refresh", "", self.back, side=13)
        self.below = label("", "quiet", wrap=True)
        box = QHBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(10)
        box.addLayout(column(7, self.name, None, space=0))
        line = row(self.below, self.reset, space=2)
        line.setStretch(0, 1)
        box.addLayout(column(self.control, line, space=3), 1)
        self._show_state()

    @property
    def value(self) -> Value:
        """The value; the last valid one while there is a problem."""
        return self._value

    @property
    def is_changed(self) -> bool:
        """Whether it differs from the reference: the default, or the value of a preset."""
        return self.reference is not None and self._value != self.reference

    def set_value(self, value: Value) -> None:
        """Set the value, without calling `changed`."""
        self._value, self.problem = value, ""
        blocker = QSignalBlocker(self.control)
        if isinstance(self.control, QCheckBox):
            self.control.setChecked(bool(value))
        elif isinstance(self.control, QComboBox):
            self._choose(value)
        elif isinstance(self.control, QLineEdit):
            self.control.setText("" if value == "" else display(value))
        blocker.unblock()
        self._show_state()

    def set_reference(self, value: Value | None, origin: str = "") -> None:
        """Compare with the value of a preset, named by `origin`; "": with the default."""
        self.reference, self._origin = value, origin or SOURCES[self.field.source]
        self._show_state()

    def set_choices(self, choices: tuple[tuple[Value, str], ...]) -> None:
        """Offer other choices; a value that is none of them stays, with nothing selected."""
        assert isinstance(self.control, QComboBox)
        blocker = QSignalBlocker(self.control)
        self.control.clear()
        for value, words in choices:
            self.control.addItem(as_shown(words), value)
        self.control.setCurrentIndex(self.control.findData(self._value))
        blocker.unblock()

    def set_problem(self, problem: str) -> None:
        """Show what is wrong with the value; "" nothing."""
        self.problem = problem
        self._show_state()

    def back(self) -> None:
        """Reset to the reference."""
        if self.reference is not None:
            self.set_value(self.reference)
            self._changed(self.field.key)

    def _make_control(self) -> QWidget:
        if isinstance(self.field.first, bool):
            flag = QCheckBox(_("On"))
            flag.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)  # begins where fields begin
            flag.toggled.connect(self._take)
            return flag
        if self.field.choices:
            combo = _Combo()
            for value, words in self.field.choices:
                combo.addItem(as_shown(words), value)
            self.control = combo
            self._choose(self.field.first)
            combo.currentIndexChanged.connect(lambda _unused: self._take(combo.currentData()))
            return combo
        field = QLineEdit("" if self.field.first == "" else display(self.field.first))
        field.setPlaceholderText(_("none") if self.field.first == "" else "")
        field.textEdited.connect(self._read)
        field.editingFinished.connect(self._tidy)
        return field

    def _choose(self, value: Value) -> None:
        assert isinstance(self.control, QComboBox)
        place = self.control.findData(value)
        if place < 0 and value != "":  # a value of an earlier release
            self.control.addItem(str(value), value)
            place = self.control.count() - 1
        self.control.setCurrentIndex(place)

    def _read(self, text: str) -> None:
        try:
            self._value, self.problem = self.field.read(text), ""
        except BrewclipError as error:
            self.problem = localised(error)
        self._show_state()
        self._changed(self.field.key)

    def _tidy(self) -> None:
        if not self.problem:
            self.set_value(self._value)

    def _take(self, value: Value) -> None:
        self._value, self.problem = value, ""
        self._show_state()
        self._changed(self.field.key)

    def _show_state(self) -> None:
        reference = "" if self.reference is None else display(self.reference, self.field.choices)
        look(self.name, "changed" if self.is_changed else "quiet-body")
        if not isinstance(self.control, QCheckBox):
            look(self.control, "wrong" if self.problem else "changed" if self.is_changed else "")
        self.reset.setVisible(self.is_changed)
        self.reset.setToolTip(plain_tip(_("Reset to {reference} ({origin})").format(reference=reference,
                                                                                    origin=self._origin)))
        self.reset.setAccessibleName(_("{title}: reset to {reference}").format(title=self.field.title,
                                                                               reference=reference))
        self.below.setText(self.problem or (f"{self._origin}: {reference}" if self.is_changed else ""))
        look(self.below, "problem" if self.problem else "quiet")
        self.below.setVisible(bool(self.below.text()))


class _Combo(QComboBox):
    """Combo box that can be narrow; the wheel scrolls the form unless it has the focus."""

    def __init__(self) -> None:
        super().__init__()
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(6)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    def wheelEvent(self, event: QWheelEvent) -> None:
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()
