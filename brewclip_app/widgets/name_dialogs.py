"""Dialogs for a name or an address. They close once it is accepted; else the reason is shown under the field."""

from collections.abc import Callable, Sequence
from typing import TypeVar

import shiboken6
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QCompleter, QDialog, QLineEdit, QVBoxLayout, QWidget

from brewclip_app import tasks
from brewclip_app.jobs import JobRunner
from brewclip_app.localisation import _, as_shown
from brewclip_app.widgets.common import button, label, row
from core.progress import JobCancelled, Report
from core.store.addresses import is_address, name_fault

T = TypeVar("T")
KEYS_WORDS = (_("Keys and the place of a storage are read from the environment (AWS_ACCESS_KEY_ID, "
                "AWS_SECRET_ACCESS_KEY, AWS_ENDPOINT_URL) and kept nowhere."))


class SaveDialog(QDialog):
    """Fields, a reason why they cannot be taken, two buttons. `save` does the work; what fails keeps the dialog open.

    Subclasses put their fields into `body`, the first with `begin_in`, and call `check` when one changes; `fault` is ""
    when they can be taken.
    """

    def __init__(self, parent: QWidget, title: str, action: str) -> None:
        super().__init__(parent)
        self.setWindowTitle(as_shown(title))
        self.problem = label("", "error", wrap=True)
        self.accept_button = button(action, self._take, "main")
        self.accept_button.setDefault(True)
        self._saving = False
        box = QVBoxLayout(self)
        box.setContentsMargins(20, 18, 20, 16)
        box.setSpacing(10)
        box.addWidget(label(title, "title", wrap=True))
        self.body = QVBoxLayout()
        self.body.setSpacing(8)
        box.addLayout(self.body)
        box.addWidget(self.problem)
        self._cancel_button = button(_("Cancel"), self.reject)
        box.addLayout(row(None, self._cancel_button, self.accept_button))
        self.finished.connect(self.deleteLater)

    def begin_in(self, field: QWidget) -> None:
        """Give the keyboard to a field that is in `body`; Tab leads from it to the buttons, which were made before."""
        QWidget.setTabOrder(field, self._cancel_button)
        QWidget.setTabOrder(self._cancel_button, self.accept_button)
        field.setFocus()

    def fault(self) -> str:
        """Why the fields cannot be taken; "" when they can."""
        return ""

    def ready(self) -> bool:
        """Whether there is something to take; an empty field needs no reason."""
        return True

    def take(self) -> None:
        """The button was pressed: have it done, with `save` or else by `accept`."""
        self.accept()

    def check(self) -> None:
        """A field changed."""
        fault = self.fault() if self.ready() else ""
        self._say(fault)
        self.accept_button.setEnabled(self.ready() and not fault and not self._saving)

    def refuse(self, reason: str) -> None:
        """Show why it failed; the dialog stays as it was filled in."""
        self._saving = False
        self.check()
        self._say(reason)

    def save(self, jobs: JobRunner, name: str, work: Callable[[Report], T], then: Callable[[T], object],
             on_failed: "Callable[[BaseException], bool] | None" = None) -> None:
        """Do `work` in a job; then close and call `then`. `on_failed` may take an error as its own, with True."""
        self._saving = True
        self.check()

        async def save() -> None:
            try:
                result = await jobs.run(name, work, quiet=True)
            except JobCancelled:
                self._failed(None)
            except Exception as error:
                self._failed(error, on_failed)
            else:
                self._close()
                then(result)

        tasks.start(save())

    def _take(self) -> None:
        if self.accept_button.isEnabled():
            self.take()

    def _close(self) -> None:
        if shiboken6.isValid(self):  # the user may have closed it meanwhile
            self.accept()

    def _failed(self, error: BaseException | None, mine: "Callable[[BaseException], bool] | None" = None) -> None:
        is_open = shiboken6.isValid(self) and self.isVisible()
        if is_open:
            self.refuse(str(error) if error is not None else "")
        if error is not None and mine is not None and mine(error) and is_open:
            self.accept()

    def _say(self, reason: str) -> None:
        self.problem.setText(reason)
        self.problem.setVisible(bool(reason))


class NameDialog(SaveDialog):
    """Asks for a name. `on_name` gets it and the dialog, which stays open until that closes it (`save`, `accept`);
    `known` names are offered to complete what is typed.
    """

    def __init__(self, parent: QWidget, title: str, action: str, on_name: "Callable[[str, NameDialog], object]",
                 initial: str = "", taken: frozenset[str] = frozenset(), holder: str = "gallery",
                 known: Sequence[str] = ()) -> None:
        super().__init__(parent, title, action)
        self._on_name, self._holder = on_name, holder
        self._taken = {name.casefold() for name in taken} - {initial.casefold()}
        self.field = name_field(initial)
        self.field.selectAll()
        if known:
            completer = QCompleter(known, self)
            completer.setCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
            completer.setFilterMode(Qt.MatchFlag.MatchContains)
            self.field.setCompleter(completer)
        self.body.addWidget(self.field)
        self.begin_in(self.field)
        self.field.textChanged.connect(lambda _unused: self.check())
        self.check()

    def ready(self) -> bool:
        return bool(self.field.text().strip())

    def fault(self) -> str:
        return gallery_fault(self.field.text(), self._taken) if self._holder == "gallery" else name_fault(
            self.field.text())

    def take(self) -> None:
        self._on_name(" ".join(self.field.text().split()), self)


class PlaceDialog(SaveDialog):
    """Asks where a gallery lies or shall lie: at an address, or, where it may be `named`, under a name here."""

    def __init__(self, parent: QWidget, title: str, action: str, on_place: "Callable[[str, PlaceDialog], object]",
                 named: bool = False) -> None:
        super().__init__(parent, title, action)
        self._on_place, self._named = on_place, named
        self.field = QLineEdit()
        self.field.setAccessibleName(_("Name or address") if named else _("Address"))
        self.field.setPlaceholderText((_("A name, ") if named else "") + _("s3://bucket/path or /folder/name.lance"))
        self.field.setMinimumWidth(420)
        self.body.addWidget(self.field)
        self.body.addWidget(label(KEYS_WORDS, "quiet", wrap=True))
        self.begin_in(self.field)
        self.field.textChanged.connect(lambda _unused: self.check())
        self.check()

    def ready(self) -> bool:
        text = self.field.text()
        return bool(text.strip()) if self._named else is_address(text)

    def fault(self) -> str:
        text = self.field.text()
        return "" if is_address(text) else name_fault(text)

    def take(self) -> None:
        self._on_place(self.field.text().strip(), self)


def name_field(initial: str = "") -> QLineEdit:
    """A field for a name; it takes any length, so that what is pasted can be shortened by hand."""
    field = QLineEdit(initial)
    field.setAccessibleName(_("Name"))
    field.setMinimumWidth(340)
    return field


def gallery_fault(name: str, taken: "frozenset[str] | set[str]") -> str:
    """Why a gallery cannot have this name; `taken` are the others' names, case folded. "" when it can."""
    if is_address(name):
        return _("This is an address. A gallery at an address is opened from the menu beside Add a folder.")
    exists = " ".join(name.split()).casefold() in taken
    return _("There is a gallery of this name.") if exists else name_fault(name)
