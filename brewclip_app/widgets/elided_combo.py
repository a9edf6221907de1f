"""Combo box that shortens its text with an ellipsis; Qt's own cuts it off."""

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtGui import QPaintEvent
from PySide6.QtWidgets import QComboBox, QSizePolicy, QStyle, QStyleOptionComboBox, QStylePainter

from brewclip_app.localisation import as_shown

EDGE = 2  # px that styles keep beside the text


class ElidedCombo(QComboBox):
    """Combo box that shortens its text to the room; its list shows the whole text.

    `items` are titles and data. With `characters` it is at least so wide, and takes the room that there is.
    """

    def __init__(self, name: str, items: Sequence[tuple[str, Any]] = (), characters: int = 0) -> None:
        super().__init__()
        self.setAccessibleName(as_shown(name))
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        if characters:
            self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
            self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
            self.setMinimumContentsLength(characters)
        for title, value in items:
            self.addItem(as_shown(title), value)

    def shown_text(self) -> str:
        """The current text as far as there is room."""
        option = self._option()
        return option.fontMetrics.elidedText(option.currentText, Qt.TextElideMode.ElideRight, self._room(option))

    def paintEvent(self, event: QPaintEvent) -> None:
        painter, option = QStylePainter(self), self._option()
        painter.drawComplexControl(QStyle.ComplexControl.CC_ComboBox, option)
        option.currentText = self.shown_text()
        painter.drawControl(QStyle.ControlElement.CE_ComboBoxLabel, option)

    def _option(self) -> QStyleOptionComboBox:
        option = QStyleOptionComboBox()
        self.initStyleOption(option)
        return option

    def _room(self, option: QStyleOptionComboBox) -> int:
        field = self.style().subControlRect(QStyle.ComplexControl.CC_ComboBox, option,
                                            QStyle.SubControl.SC_ComboBoxEditField, self)
        return field.width() - EDGE
