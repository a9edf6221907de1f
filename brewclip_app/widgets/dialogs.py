"""Questions to the user. All open without blocking: `exec` would stop qasync's other tasks."""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from PySide6.QtCore import Qt
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import (
    QApplication,
    QLabel,
    QLineEdit,
    QMessageBox,
    QPlainTextEdit,
    QPushButton,
    QTextEdit,
    QWidget,
)

from brewclip_app.jobs import Job
from brewclip_app.localisation import _
from brewclip_app.widgets.common import look

T = TypeVar("T")
WORTH_ASKING = 10.0  # seconds of work; less is stopped without a question
KEPT_OF_JOBS = _("What is done is kept, and it goes on from there the next time.")
FEW_LINES = 5  # that a message shows at once
ASKS_ABOUT = "job"  # property of a question: number of the job that it asks about


def confirm(parent: QWidget, title: str, text: str, action: str, on_yes: Callable[[], object],
            danger: bool = True) -> QMessageBox:
    """Ask first; the button says what it does. `danger`: it cannot be undone, so Cancel is the default."""
    box = _message(parent, title, text)
    roles = QMessageBox.ButtonRole
    yes = box.addButton(action, roles.DestructiveRole if danger else roles.AcceptRole)
    look(yes, "danger" if danger else "main")
    cancel = _add_cancel(box)
    box.setDefaultButton(cancel if danger else yes)
    box.finished.connect(lambda _unused: on_yes() if box.clickedButton() is yes else None)
    box.open()
    return box


def ask_choice(parent: QWidget, title: str, text: str, choices: Mapping[str, T], take: Callable[[T], object]
               ) -> QMessageBox:
    """Ask for one of several choices by their words, the first by default; nothing is taken on Cancel."""
    box = _message(parent, title, text)
    buttons = {box.addButton(words, QMessageBox.ButtonRole.AcceptRole): value for words, value in choices.items()}
    _add_cancel(box)
    first = next(iter(buttons))
    look(first, "main")
    box.setDefaultButton(first)
    box.finished.connect(lambda _unused: [take(value) for button, value in buttons.items()
                                          if button is box.clickedButton()])
    box.open()
    return box


def show_lines(parent: QWidget, title: str, lines: Sequence[str]) -> QMessageBox:
    """Show a few lines, and all of a longer list behind a button; it can be selected and copied there."""
    more = _("\n… and {lines} more.").format(lines=len(lines) - FEW_LINES) if len(lines) > FEW_LINES else ""
    box = _message(parent, title, "\n".join(lines[:FEW_LINES]) + more)
    if more:
        box.setDetailedText("\n".join(lines))
    box.addButton(QMessageBox.StandardButton.Close).setIcon(QIcon())
    box.open()
    return box


def _message(parent: QWidget, title: str, text: str) -> QMessageBox:
    box = QMessageBox(QMessageBox.Icon.NoIcon, title, title, parent=parent)
    box.setInformativeText(text)
    for words in box.findChildren(QLabel):  # setTextFormat leaves the informative text as it is
        words.setTextFormat(Qt.TextFormat.PlainText)
    box.finished.connect(box.deleteLater)
    return box


def _add_cancel(box: QMessageBox) -> QPushButton:
    cancel = box.addButton(QMessageBox.StandardButton.Cancel)
    cancel.setIcon(QIcon())  # the desktop's own, which no other button has
    return cancel


def leave_field(panel: QWidget) -> bool:
    """Esc in a text field of the panel gives the keyboard back to the panel; whether it was in one."""
    focus = QApplication.focusWidget()
    if isinstance(focus, QLineEdit | QPlainTextEdit | QTextEdit) and panel.isAncestorOf(focus):
        focus.clearFocus()
        panel.setFocus()
        return True
    return False


def stop_job(parent: QWidget, job: Job | None, stop: Callable[[], object], kept: str = KEPT_OF_JOBS) -> None:
    """Stop a job; ask first when much work would be lost."""
    if job is None or job.cancelled:
        return
    if job.loss and job.seconds > WORTH_ASKING:
        ask_to_stop(parent, job, stop, kept)
    else:
        stop()


def ask_to_stop(parent: QWidget, job: Job | None, stop: Callable[[], object], kept: str = KEPT_OF_JOBS) -> None:
    """Ask whether to stop a running job, since a bare Esc never does. One question per job."""
    if job is None or job.cancelled or any(box.property(ASKS_ABOUT) == job.number for box in
                                           parent.findChildren(QMessageBox)):
        return
    box = confirm(parent, _("Stop {name}{name_2}?").format(name=job.name[:1].lower(), name_2=job.name[1:]), job.loss
                  or kept, _("Stop"), stop)
    box.setProperty(ASKS_ABOUT, job.number)
