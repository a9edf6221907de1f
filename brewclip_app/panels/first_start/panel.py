"""What the Search panel shows while there is no gallery: one sentence, two buttons, the weights."""

from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QCheckBox, QWidget

from brewclip_app.services.indexing import DEMO
from brewclip_app.widgets.common import EmptyState, button, column, row, scrolling
from brewclip_app.widgets.drops import folders_of
from brewclip_app.widgets.indexing_progress import IndexingProgress
from brewclip_app.widgets.weights_row import WeightsCard
from core.asr.recogniser import RECOGNISERS

if TYPE_CHECKING:
    from brewclip_app.context import Context

SHOWN = (RECOGNISERS[0].weights, "ViT-L-14/openai")
CARD_WIDTH = 560


class FirstStart(QWidget):
    """Tells what to do first. Connect the signals to `context.indexing.choose_folder(self)` and `.make_demo()`."""

    choose_folder = Signal()
    open_demo = Signal()

    def __init__(self, context: "Context") -> None:
        super().__init__()
        self._context = context
        self.setAcceptDrops(True)
        self.choose = button("Choose a folder…", self.choose_folder.emit, "main")
        self.demo = button("Look around in the demo", self.open_demo.emit)
        for large in (self.choose, self.demo):
            large.setProperty("large", True)
        self.words = EmptyState(
            "microphone", "Choose a folder of pictures, then say what you look for",
            "Everything stays on this computer. The small model that comes with the program is ready; "
            "a larger one finds more.", self.choose, self.demo)
        self.progress = IndexingProgress(context, DEMO)
        context.indexing.changed.connect(self._follow)
        self.research = QCheckBox("Show research screens too (training, evaluation, emotion)")
        self.research.setToolTip("Settings, Screens, changes it at any time")
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

    def _follow(self, gallery: str) -> None:
        """While the demo is built, nothing else begins here."""
        building = self._context.indexing.job(DEMO) is not None
        for begin in (self.choose, self.demo):
            begin.setEnabled(not building)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if folders_of(event.mimeData()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        for folder in folders_of(event.mimeData()):
            self._context.indexing.add_folder(folder)
        event.acceptProposedAction()
