"""Closing the window during training: runs continue without it unless the user stops them."""

from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QMessageBox, QWidget

from brewclip_app.jobs import Job
from brewclip_app.localisation import _, ngettext
from brewclip_app.services.runs import KEY
from brewclip_app.widgets.common import look


def trained(jobs: Sequence[Job]) -> list[Path]:
    """Folders of the runs that jobs follow."""
    return [Path(job.key.removeprefix(KEY)) for job in jobs if job.key.startswith(KEY)]


class TrainingQuestion(QMessageBox):
    """Question whether runs continue; Esc keeps the window open. Does not block."""

    def __init__(self, parent: QWidget, names: Sequence[str], on_close: Callable[[], object],
                 on_stop: Callable[[], object]) -> None:
        title = ngettext("Training is going on", "{names} runs are training", len(names)).format(names=len(names))
        super().__init__(QMessageBox.Icon.NoIcon, title, title, parent=parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setInformativeText(_("{names}: training needs no window. It goes on after closing and is shown again at "
                                  "the next start. If it is stopped, it saves first and can be "
                                  "continued later.").format(names=", ".join(names)))
        for words in self.findChildren(QLabel):
            words.setTextFormat(Qt.TextFormat.PlainText)
        roles = QMessageBox.ButtonRole
        self.goes_on = look(self.addButton(_("Close, training goes on"), roles.AcceptRole), "main")
        self.stops = look(self.addButton(_("Stop training and close"), roles.DestructiveRole), "danger")
        self.stay = self.addButton(_("Stay"), roles.RejectRole)
        self.setDefaultButton(self.goes_on)
        self.setEscapeButton(self.stay)
        self.finished.connect(lambda _unused: self._act(on_close, on_stop))

    def _act(self, on_close: Callable[[], object], on_stop: Callable[[], object]) -> None:
        if self.clickedButton() is self.goes_on:
            on_close()
        elif self.clickedButton() is self.stops:
            on_stop()
