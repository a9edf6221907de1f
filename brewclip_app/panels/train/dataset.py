"""The dataset in the head of the Train panel: a button with recent folders, and a summary of its report."""

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QCheckBox, QMenu, QWidget

from brewclip_app.localisation import _
from brewclip_app.panels.train import words
from brewclip_app.panels.train.dataset_report import ReportDialog
from brewclip_app.plain_text import plain_caption, plain_tip
from brewclip_app.widgets.common import ElidedLabel, button, label, look, row
from brewclip_app.widgets.file_dialogs import ask_folder

if TYPE_CHECKING:
    from brewclip_app.panels.train.controller import TrainController, TrainState

LINKS_TIP = _("Open symbolic links that lead out of the dataset's folder. Tick it only if you trust where they lead")


class DatasetChoice(QWidget):
    """Renders the dataset of the state and calls the controller."""

    def __init__(self, controller: "TrainController") -> None:
        super().__init__()
        self._controller = controller
        self.links = QCheckBox(_("Follow links"))
        self.links.setToolTip(LINKS_TIP)
        self.links.clicked.connect(lambda on: controller.read_again(follow_links=on))
        self.choose_button = button(_("Choose a dataset…"), icon="folder", tip=_("Choose the training data (Ctrl+O)"))
        self.choose_button.setAccessibleName(_("Dataset"))
        self.menu = QMenu(self.choose_button)
        self.menu.setToolTipsVisible(True)
        self.menu.aboutToShow.connect(self._fill_menu)
        self.choose_button.setMenu(self.menu)
        self.pill = label("", "pill")
        self.pill.setMinimumHeight(22)  # lower, its round ends would be drawn square
        self.words = ElidedLabel("", "quiet-body")
        self.link = button("", self.open_report, "quiet-link", tip=_("All findings in the folder (Ctrl+I)"))
        self.kinds = button(_("Choose the kind"), tip=_("The folder could be of several kinds"))
        self.kinds_menu = QMenu(self.kinds)
        self.kinds.setMenu(self.kinds_menu)
        self.setLayout(row(self.choose_button, self.pill, self.words, self.kinds, self.link, self.links, None))

    def ask(self) -> None:
        """Let the user choose a folder."""
        recent = self._controller.state.recent
        ask_folder(self, "dataset", _("Dataset folder"), self._controller.choose_folder,
                   recent[0].parent if recent else None)

    def open_report(self) -> None:
        """Show the whole report."""
        report = self._controller.state.report
        if report is not None:
            ReportDialog(self, report).open()

    def render_state(self, state: "TrainState") -> None:
        """Show the folder and the summary of its report, or how far reading it is."""
        folder, report = state.folder, state.report
        self.choose_button.setText(folder.name or str(folder) if folder else _("Choose a dataset…"))
        self.choose_button.setToolTip(plain_tip(str(folder) if folder else ""))
        self.links.setChecked(state.follow_links)
        self.links.setVisible(state.has_links)
        if state.several_kinds and not self.kinds_menu.actions():
            from core.datasets.kinds import KINDS

            for kind in KINDS:
                self.kinds_menu.addAction(kind.title, partial(self._controller.read_again, kind.name))
        self.kinds.setVisible(state.several_kinds)
        for part in (self.pill, self.link):
            part.setVisible(report is not None)
        look(self.words, "problem" if state.dataset_problem else "quiet-body")
        self.words.setText(f"{words.dataset(report, 'train')} ·" if report else state.dataset_text)
        self.words.setVisible(bool(self.words.text()))
        if report is not None:
            self.pill.setText(report.title)
            self.link.setText(words.problems(report))
            look(self.link, "care-link" if report.problems else "quiet-link")

    def _fill_menu(self) -> None:
        state = self._controller.state
        self.menu.clear()
        self.menu.addAction(_("Choose a folder…"), self.ask)
        self.menu.addSeparator()
        for folder in state.recent:
            if folder != state.folder:
                choose = partial(self._controller.choose_folder, folder)
                action = self.menu.addAction(plain_caption(folder.name or str(folder)), choose)
                action.setToolTip(plain_tip(str(folder)))
        if state.folder is not None:
            self.menu.addSeparator()
            self.menu.addAction(_("Read again"), self._controller.read_again)
