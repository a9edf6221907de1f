"""First page of the Search screen while there is no gallery: first steps and model weights."""

from typing import TYPE_CHECKING

from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QCheckBox, QWidget

from brewclip_app.capture.file_intake import folders_of
from brewclip_app.services.indexing import DEMO, IndexingState
from brewclip_app.widgets.common import EmptyState, button, column, row, scrolling
from brewclip_app.widgets.file_dialogs import ask_picture_folder
from brewclip_app.widgets.indexing_progress import IndexingProgress
from brewclip_app.widgets.weights_row import WeightsCard
from core.asr.recogniser import RECOGNISERS

if TYPE_CHECKING:
    from brewclip_app.context import Context

SHOWN = (RECOGNISERS[0].weights, "ViT-L-14/openai")
CARD_WIDTH = 560


class FirstStart(QWidget):
    """Choose a folder or open the demo; progress of the demo; weights to download."""

    def __init__(self, context: "Context") -> None:
        super().__init__()
        self._context = context
        self.setAcceptDrops(True)
        self.choose = button("Choose a folder…", lambda: ask_picture_folder(self, context.indexing.add_folder), "main")
        self.demo = button("Open the demo", context.indexing.make_demo)
        for large in (self.choose, self.demo):
            large.setProperty("large", True)
        self.words = EmptyState(
            "microphone", "Choose a folder of pictures and search it by speaking",
            "Everything stays on this computer. The included small model is ready to use; "
            "a larger one gives better results.", self.choose, self.demo)
        self.progress = IndexingProgress(context, DEMO)
        context.indexing.changed.connect(self._follow)
        self.research = QCheckBox("Show research screens (training, evaluation, emotion)")
        self.research.setToolTip("Can be changed in Settings under Screens")
        self.research.setChecked(context.settings["appearance.panels"] == "all")
        self.research.toggled.connect(lambda on: context.change("appearance.panels", "all" if on else "simple"))
        context.settings_changed.connect(
            lambda settings: self.research.setChecked(settings["appearance.panels"] == "all"))
        self.weights = WeightsCard(context, SHOWN, first_start=True)
        self.weights.setFixedWidth(CARD_WIDTH)
        inner = QWidget()
        inner.setLayout(column(None, self.words, 8, row(None, self.progress, None), 12,
                               row(None, self.research, None), 12,
                               row(None, self.weights, None), None, space=4))
        scroll = scrolling(inner)
        self.setLayout(column(scroll))

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
