"""The profile of a speaker: a name or code, a language, a note on consent."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QComboBox, QDialog, QLineEdit, QPlainTextEdit, QWidget

from brewclip_app.widgets.common import button, column, label, row
from core.settings import BY_KEY
from core.store.addresses import name_fault

if TYPE_CHECKING:
    from brewclip_app.context import Context
    from brewclip_app.panels.annotate.session import AnnotateSession
    from core.store.records import SpeakerRecord

ABOUT = ("A code such as M.K. or S01 is enough. The name goes into exports; the language helps to recognise the words; "
         "the note on consent stays on this computer.")


class NameField(QLineEdit):
    """A name never begins with a blank: a Space that was held when the dialog came types none."""

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() != Qt.Key.Key_Space or self.text()[:self.selectionStart() if self.hasSelectedText()
                                                          else self.cursorPosition()].strip():
            super().keyPressEvent(event)


class SpeakerDialog(QDialog):
    """Asks for a profile; the button is dark until there is a name that nobody has."""

    def __init__(self, parent: QWidget, on_profile: Callable[[str, str, str], object], taken: frozenset[str],
                 speaker: "SpeakerRecord | None" = None) -> None:
        super().__init__(parent)
        title, action = ("Speaker", "Save") if speaker else ("Who speaks?", "Add speaker")
        self.setWindowTitle(title)
        self.setMinimumWidth(440)
        self._taken = {name.casefold() for name in taken} - ({speaker.name.casefold()} if speaker else set())
        self.name = NameField(speaker.name if speaker else "")
        self.name.setAccessibleName("Name or code")
        self.name.setPlaceholderText("Name or code")
        self.language = QComboBox()
        self.language.setAccessibleName("Language")
        for code, words in BY_KEY["speech.language"].choices:
            free = code == "auto"
            self.language.addItem("Found out for each recording" if free else words, "" if free else code)
        self.language.setCurrentIndex(max(0, self.language.findData(speaker.language if speaker else "")))
        self.consent = QPlainTextEdit(speaker.consent if speaker else "")
        self.consent.setAccessibleName("Note on consent")
        self.consent.setPlaceholderText("For example: agreed in writing on 3 May to training and to publication")
        self.consent.setTabChangesFocus(True)
        self.consent.setFixedHeight(70)
        self.problem = label("", "error", wrap=True)
        self.save = button(action, self.accept, "main")
        self.save.setDefault(True)
        box = column(label(title, "title"), label(ABOUT, "quiet", wrap=True), 2, label("Name or code", "heading"),
                     self.name, label("Language", "heading"), self.language, label("Consent", "heading"), self.consent,
                     self.problem, row(None, button("Cancel", self.reject), self.save))
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
        fault = "There is a speaker of this name." if taken else name_fault(name) if name else ""
        self.problem.setText(fault)
        self.save.setEnabled(bool(name) and not fault)


class Speakers(QObject):
    """Asks for profiles and keeps them; who was asked for speaks from then on."""

    def __init__(self, context: "Context", session: "AnnotateSession", owner: QWidget) -> None:
        super().__init__(owner)
        self._context, self._session, self._owner = context, session, owner

    def ask(self, edit: bool = False) -> SpeakerDialog:
        """Ask for a new profile, or for changes of the present one."""
        speaker = self._session.speaker if edit else None
        taken = frozenset(each.name for each in self._session.view.speakers)
        dialog = SpeakerDialog(self._owner, lambda *profile: self._keep(speaker, *profile), taken, speaker)
        dialog.open()
        return dialog

    def _keep(self, speaker: "SpeakerRecord | None", name: str, language: str, consent: str) -> None:
        def work() -> "SpeakerRecord":
            store = self._context.explorer.store
            if speaker is None:
                return store.add_speaker(name, language, consent)
            store.change_speaker(speaker.id, name, language, consent)
            return next(each for each in store.speakers() if each.id == speaker.id)

        self._session.line.add("Keeping the speaker", work, self._session.take_speaker)
