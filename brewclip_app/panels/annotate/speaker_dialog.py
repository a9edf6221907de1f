"""Dialog for the profile of a speaker: a name or code, a language, a note on consent."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QComboBox, QDialog, QLineEdit, QPlainTextEdit, QWidget

from brewclip_app.localisation import _, as_shown
from brewclip_app.widgets.common import button, column, label, row
from core.settings import BY_KEY
from core.store.addresses import name_fault

if TYPE_CHECKING:
    from core.store.records import SpeakerRecord

ABOUT = (_("A code such as M.K. or S01 is enough. The name goes into exports, the language helps transcription, and "
           "the note on consent stays on this computer."))


class NameField(QLineEdit):
    """A field without leading blanks: a Space that was held when the dialog opened types none."""

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() != Qt.Key.Key_Space or self.text()[:self.selectionStart() if self.hasSelectedText()
                                                          else self.cursorPosition()].strip():
            super().keyPressEvent(event)


class SpeakerDialog(QDialog):
    """Asks for a profile; the button is disabled until the name is valid and new."""

    def __init__(self, parent: QWidget, on_profile: Callable[[str, str, str], object], taken: frozenset[str],
                 speaker: "SpeakerRecord | None" = None) -> None:
        super().__init__(parent)
        title, action = (_("Edit speaker"), _("Save")) if speaker else (_("New speaker"), _("Add speaker"))
        self.setWindowTitle(as_shown(title))
        self.setMinimumWidth(440)
        self._taken = {name.casefold() for name in taken} - ({speaker.name.casefold()} if speaker else set())
        self.name = NameField(speaker.name if speaker else "")
        self.name.setAccessibleName(_("Name or code"))
        self.name.setPlaceholderText(_("Name or code"))
        self.language = QComboBox()
        self.language.setAccessibleName(_("Language"))
        for code, language in BY_KEY["speech.language"].choices:
            auto = code == "auto"
            self.language.addItem(_("Detect automatically") if auto else language, "" if auto else code)
        self.language.setCurrentIndex(max(0, self.language.findData(speaker.language if speaker else "")))
        self.consent = QPlainTextEdit(speaker.consent if speaker else "")
        self.consent.setAccessibleName(_("Note on consent"))
        self.consent.setPlaceholderText(_("For example: agreed in writing on 3 May to training and publication"))
        self.consent.setTabChangesFocus(True)
        self.consent.setFixedHeight(70)
        self.problem = label("", "error", wrap=True)
        self.save = button(action, self.accept, "main")
        self.save.setDefault(True)
        box = column(label(title, "title"), label(ABOUT, "quiet", wrap=True), 2, label(_("Name or code"), "heading"),
                     self.name, label(_("Language"), "heading"), self.language, label(_("Consent"), "heading"),
                     self.consent,
                     self.problem, row(None, button(_("Cancel"), self.reject), self.save))
        box.setContentsMargins(20, 18, 20, 16)
        self.setLayout(box)
        self.name.textChanged.connect(self._check)
        self.accepted.connect(lambda: on_profile(self.name.text().strip(), self.language.currentData(),
                                                 self.consent.toPlainText().strip()))
        self.finished.connect(self.deleteLater)
        self._check(self.name.text())

    def _check(self, text: str) -> None:
        name = " ".join(text.split())
        taken = name.casefold() in self._taken
        fault = _("A speaker of this name exists already.") if taken else name_fault(name) if name else ""
        self.problem.setText(fault)
        self.save.setEnabled(bool(name) and not fault)
