"""First page of the Search screen while there is no gallery: first steps and model weights."""

from typing import TYPE_CHECKING

from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QButtonGroup, QWidget

from brewclip_app.capture.file_intake import folders_of
from brewclip_app.localisation import _
from brewclip_app.services.indexing import DEMO, IndexingState
from brewclip_app.widgets.common import EmptyState, button, column, label, row, scrolling
from brewclip_app.widgets.file_dialogs import ask_picture_folder
from brewclip_app.widgets.indexing_progress import IndexingProgress
from brewclip_app.widgets.weights_row import WeightsCard
from core.asr.recogniser import RECOGNISERS
from core.settings import INTERFACE, Settings

if TYPE_CHECKING:
    from brewclip_app.context import Context

SHOWN = (RECOGNISERS[0].weights, "ViT-L-14/openai")
CARD_WIDTH = 560
ANY_TIME = _("Help and Settings change it at any time.")
UNDECIDED = _("Photographs need few panels; research needs all. {any_time}").format(any_time=ANY_TIME)
SIMPLE = _("Shown are Search, Library and Settings.")
FULL = _("Shown are all panels: explaining, annotating, training, evaluation.")


class FirstStart(QWidget):
    """Choose a folder or open the demo; what the program is used for; progress of the demo; weights to download."""

    def __init__(self, context: "Context") -> None:
        super().__init__()
        self._context = context
        self.setAcceptDrops(True)
        self.choose = button(_("Choose a folder…"), lambda: ask_picture_folder(self, context.indexing.add_folder),
                             "main")
        self.demo = button(_("Open the demo"), context.indexing.make_demo)
        for large in (self.choose, self.demo):
            large.setProperty("large", True)
        self.words = EmptyState(
            "microphone", _("Choose a folder of pictures and search it by speaking"),
            _("Everything stays on this computer. The included small model is ready to use; a larger one gives better "
              "results."), self.choose, self.demo)
        self.progress = IndexingProgress(context, DEMO)
        context.indexing.changed.connect(self._follow)
        self.photographs = button(_("I have photographs"), lambda: context.change(INTERFACE, "simple"))
        self.research = button(_("I do research or annotate"), lambda: context.change(INTERFACE, "all"))
        self.uses = QButtonGroup(self)
        for use in (self.photographs, self.research):
            use.setCheckable(True)
            self.uses.addButton(use)
        self.photographs.setChecked(context.settings[INTERFACE] == "simple")
        self.shown = label(UNDECIDED, "quiet")
        self.uses.buttonToggled.connect(lambda use, on: self._show_use())
        self._show_use()
        context.settings_changed.connect(self._follow_settings)
        self.weights = WeightsCard(context, SHOWN, first_start=True)
        self.weights.setFixedWidth(CARD_WIDTH)
        inner = QWidget()
        inner.setLayout(column(None, self.words, 8, row(None, self.progress, None), 12,
                               row(None, self.photographs, self.research, None), row(None, self.shown, None), 12,
                               row(None, self.weights, None), None, space=4))
        scroll = scrolling(inner)
        self.setLayout(column(scroll))

    def _follow_settings(self, settings: Settings) -> None:
        """Follow the choice of another place, such as Help."""
        use = self.photographs if settings[INTERFACE] == "simple" else self.research
        if settings[INTERFACE] == "simple" or self.photographs.isChecked():
            use.setChecked(True)

    def _show_use(self) -> None:
        chosen = self.uses.checkedButton()
        self.shown.setText(UNDECIDED if chosen is None else
                           f"{SIMPLE if chosen is self.photographs else FULL} {ANY_TIME}")

    def _follow(self, indexing: IndexingState) -> None:
        """Disable the first steps while the demo is built."""
        for step in (self.choose, self.demo):
            step.setEnabled(DEMO not in indexing.running)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if folders_of(event.mimeData()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        for folder in folders_of(event.mimeData()):
            self._context.indexing.add_folder(folder)
        event.acceptProposedAction()
