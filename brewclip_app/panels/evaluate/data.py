"""The list of datasets in the Evaluate options: folders with a tick for each split."""

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QCheckBox, QVBoxLayout, QWidget

from brewclip_app import wording
from brewclip_app.localisation import _, ngettext
from brewclip_app.panels.evaluate.choices import DataOption, EvaluateOptions
from brewclip_app.panels.train.dataset import LINKS_TIP
from brewclip_app.plain_text import plain_caption, plain_tip
from brewclip_app.widgets.common import ElidedLabel, button, clear, column, icon_button, label, row, tab_before
from brewclip_app.widgets.file_dialogs import ask_folder

if TYPE_CHECKING:
    from brewclip_app.panels.evaluate.controller import EvaluateController


class DataChoices(QWidget):
    """Renders the datasets of the options and calls the controller."""

    def __init__(self, controller: "EvaluateController") -> None:
        super().__init__()
        self._controller = controller
        self._shown: tuple[object, ...] = ()
        self.rows = QVBoxLayout()
        self.rows.setSpacing(4)
        self._add_button = button(_("Add a dataset folder…"), self.ask, icon="plus")
        self.setLayout(column(self.rows, row(self._add_button, None), space=6))

    def ask(self) -> None:
        """Let the user choose a folder."""
        ask_folder(self, "dataset", _("Dataset folder"), self._controller.add_folder)

    def render_options(self, options: EvaluateOptions) -> None:
        """Show the datasets; a tick alone does not rebuild the list."""
        contents = dict(options.datasets), options.linked
        if contents == self._shown:
            for box in self.findChildren(QCheckBox):
                if box.property("split"):
                    box.setChecked(tuple(box.property("split")) in options.splits)
            return
        self._shown = contents
        clear(self.rows)
        rows = [self._row(folder, data, options) for folder, data in options.datasets.items()]
        for part in rows:
            self.rows.addWidget(part)
        tab_before(self._add_button, *rows)
        if not rows:
            self.rows.addWidget(label(_("Flickr8k, SpokenCOCO, Localized Narratives, Hugging Face, BEIR, webdataset, "
                                        "Lhotse, or a folder with a list."), "quiet", wrap=True))

    def _row(self, folder: Path, data: DataOption | None, options: EvaluateOptions) -> QWidget:
        name = ElidedLabel(folder.name or str(folder), "strong")
        name.setToolTip(plain_tip(str(folder)))
        remove = icon_button("close", _("Remove {name}").format(name=folder.name),
                             lambda: self._controller.remove_folder(folder), 12)
        head = row(name, remove, space=2)
        head.setStretch(0, 1)
        widget = QWidget()
        box = column(head, space=4)
        if data is None:
            box.addWidget(label(_("Reading…"), "quiet"))
        elif data.problem:
            box.addWidget(label(data.problem, "care", wrap=True))
        else:
            for split, pictures, utterances in data.splits:
                box.addWidget(self._split(str(folder), split, pictures, utterances, options))
        if data is not None and data.has_links:
            links = QCheckBox(_("Follow links"))
            links.setToolTip(LINKS_TIP)
            links.setChecked(folder in options.linked)
            links.toggled.connect(lambda on: self._controller.follow_links(folder, on))
            box.addWidget(links)
        widget.setLayout(box)
        return widget

    def _split(self, folder: str, split: str, pictures: int, utterances: int, options: EvaluateOptions) -> QCheckBox:
        number = ngettext("{utterances} utterance", "{utterances} utterances",
                          utterances).format(utterances=wording.count(utterances))
        box = QCheckBox(plain_caption(f"{split} · {number}"))
        box.setToolTip(plain_tip(_("{number} of {pictures}").format(number=number,
                                                                    pictures=wording.pictures(pictures))))
        box.setProperty("split", [folder, split])
        box.setChecked((folder, split) in options.splits)
        box.toggled.connect(lambda on: self._controller.tick_split(folder, split, on))
        return box
