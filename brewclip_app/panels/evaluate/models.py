"""The list of models in the Evaluate options: zero-shot, the included one, runs, any folder."""

from typing import TYPE_CHECKING

from PySide6.QtWidgets import QCheckBox, QVBoxLayout, QWidget

from brewclip_app.panels.evaluate.choices import EvaluateOptions, ModelOption
from brewclip_app.plain_text import plain_caption, plain_tip
from brewclip_app.widgets.common import button, clear, column, label, row, tab_before
from brewclip_app.widgets.file_dialogs import ask_folder

if TYPE_CHECKING:
    from brewclip_app.panels.evaluate.controller import EvaluateController

LONGEST = 34  # characters of a title


class ModelChoices(QWidget):
    """Renders the models of the options and calls the controller."""

    def __init__(self, controller: "EvaluateController") -> None:
        super().__init__()
        self._controller = controller
        self._boxes: dict[str, QCheckBox] = {}
        self._models: tuple[ModelOption, ...] = ()
        self.rows = QVBoxLayout()
        self.rows.setSpacing(4)
        self._add_button = button("Add a model folder…", self._ask, icon="plus")
        self.setLayout(column(self.rows, row(self._add_button, None), space=6))

    def render_options(self, options: EvaluateOptions) -> None:
        """Show the models and which are ticked."""
        if options.models != self._models:
            self._models, self._boxes = options.models, {}
            clear(self.rows)
            rows = [self._row(model) for model in options.models]
            for part in rows:
                self.rows.addWidget(part)
            tab_before(self._add_button, *rows)
        for model in options.models:
            self._boxes[model.key].setChecked(model.key in options.ticked and not model.problem)

    def _ask(self) -> None:
        ask_folder(self, "model", "Folder of a run or a checkpoint", self._controller.add_model)

    def _row(self, model: ModelOption) -> QWidget:
        title = model.title if len(model.title) <= LONGEST else f"{model.title[:LONGEST - 1]}\N{HORIZONTAL ELLIPSIS}"
        box = self._boxes[model.key] = QCheckBox(plain_caption(title))
        box.setAccessibleName(f"{model.title}, {model.about}")
        box.setToolTip(plain_tip(model.checkpoint or model.title))
        box.setEnabled(not model.problem)
        box.clicked.connect(lambda on: self._controller.tick_model(model.key, on))
        about = label(model.problem or model.about, "care" if model.problem else "quiet", wrap=True)
        about.setContentsMargins(26, 0, 0, 0)
        made = QWidget()
        made.setLayout(column(box, about, space=0))
        about.setVisible(bool(about.text()))  # once it has a parent: it would flash as a window and take the focus
        return made
