"""Options of an experiment: folder, protocol, mode, classes, features, model; buttons to start and export."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QAction, QResizeEvent
from PySide6.QtWidgets import QCheckBox, QComboBox, QMenu, QPushButton, QWidget

from brewclip_app.localisation import _, as_shown
from brewclip_app.panels.emotion.words import CLASSES, MODES, PRESETS, PROTOCOLS, in_folder
from brewclip_app.panels.train.dataset import LINKS_TIP
from brewclip_app.plain_text import plain_tip
from brewclip_app.widgets.common import button, column, panel_title, row
from brewclip_app.widgets.file_dialogs import ask_folder
from brewclip_app.widgets.flow_layout import FlowLayout
from core.models.registry import SHIPPED

if TYPE_CHECKING:
    from core.emotion.results import Options

TUNED = ("layers", "fused", "acoustic", "text", "text-reference")  # of core.emotion.finetune, which imports torch
FOLDER_WIDTH = 230


class OptionsBar(QWidget):
    """Bar of options; the panel connects its buttons."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.folder: Path | None = None
        self.checkpoint: Path | None = None
        self.folder_button = button(_("Choose a folder…"), self.choose_folder, icon="folder",
                                    tip=_("RAVDESS folder"))
        self.folder_button.setMaximumWidth(FOLDER_WIDTH)
        self.protocol = _choice(PROTOCOLS, _("Protocol: which recordings are for training and for testing"))
        self.preset = _choice(PRESETS,
                              _("Preset. As the authors: their protocol and probe (100 000 steps, minutes for each "
                                "seed), chosen on the test actors as in their code, beside ours"))
        self.preset.activated.connect(lambda _unused: self._take_preset())
        self.mode = _choice(MODES, _("Mode: frozen features, or fine-tuned ones"))
        self.classes = _choice(CLASSES, _("Classes: neutral with calm, happy, sad, angry; or all eight emotions"))
        self.features = _menu_button(_("Features"))
        self.model = _menu_button(_("Untrained model"))
        self.own = QCheckBox(_("Standardise each speaker"))
        self.own.setToolTip(_("Standardises the features by speaker. No labels are used, but several recordings of a "
                              "speaker are needed."))
        self.links = QCheckBox(_("Follow links"))
        self.links.setToolTip(LINKS_TIP)
        self.links.toggled.connect(lambda _unused: self.changed.emit())
        self.runs = button(_("Runs"), tip=_("Compare stored runs"))
        self.runs.setCheckable(True)
        self.export = _menu_button(_("Export"))
        self.start = button(_("Start"), name="main", tip=_("Probe the recordings (Ctrl+Return)"))
        self._actions: dict[str, QAction] = {}
        self._lay_out()
        self._fill_features()
        self._fill_model()
        for box in (self.protocol, self.mode, self.classes):
            box.currentIndexChanged.connect(lambda _unused: self._follow_change())
        self.own.toggled.connect(lambda _unused: self.changed.emit())
        self.show_folder(None)

    def options(self) -> "Options | None":
        """The chosen options; None without a folder."""
        from core.emotion.results import Options

        if self.folder is None:
            return None
        return Options(self.folder, self.protocol.currentData(), self.mode.currentData(), self.classes.currentData(),
                       self.chosen_features(), self.checkpoint, self.own.isChecked(),
                       follow_links=self.links.isChecked())

    def chosen_features(self) -> tuple[str, ...]:
        """Keys of the checked features that can be probed in this mode."""
        return tuple(key for key, action in self._actions.items() if action.isChecked() and action.isVisible())

    def show_folder(self, folder: Path | None) -> None:
        """Set the folder to probe."""
        self.folder = folder
        name = in_folder(folder) if folder else _("Choose a folder…")
        self.folder_button.setText(self.folder_button.fontMetrics().elidedText(
            name, Qt.TextElideMode.ElideMiddle, FOLDER_WIDTH - 54))
        self.folder_button.setToolTip(plain_tip(str(folder) if folder else _("RAVDESS folder")))
        self._enable()

    def show_checkpoint(self, folder: Path | None) -> None:
        """Set the model to that of a run's folder; None is the untrained one."""
        self.checkpoint = folder
        self.model.setText(in_folder(folder) if folder else _("Untrained model"))
        self.model.setToolTip(plain_tip(_("Branches of {folder}").format(folder=folder) if folder else
                                        _("Untrained branches, initialised for each seed")))
        self.changed.emit()

    def set_busy(self, busy: bool) -> None:
        """Disable Start while an experiment runs."""
        self._busy = busy
        self._enable()

    def choose_folder(self) -> None:
        """Ask for the RAVDESS folder."""
        ask_folder(self, "emotion", _("RAVDESS folder"), self._set_folder, self.folder)

    def save(self) -> dict[str, Any]:
        """The options as plain values."""
        return {"folder": str(self.folder or ""), "protocol": self.protocol.currentData(),
                "mode": self.mode.currentData(), "classes": self.classes.currentData(), "own": self.own.isChecked(),
                "links": self.links.isChecked(),
                "features": [key for key, action in self._actions.items() if action.isChecked()],
                "checkpoint": str(self.checkpoint or "")}

    def restore(self, state: dict[str, Any]) -> None:
        """Restore what `save` gave, or any part of it."""
        for box, key in ((self.protocol, "protocol"), (self.mode, "mode"), (self.classes, "classes")):
            place = box.findData(state.get(key))
            box.setCurrentIndex(max(0, place))
        self.own.setChecked(bool(state.get("own")))
        self.links.setChecked(bool(state.get("links")))
        checked = state.get("features")
        if isinstance(checked, list) and checked:
            for key, action in self._actions.items():
                action.setChecked(key in checked)
        if state.get("folder"):
            self.show_folder(Path(str(state["folder"])))
        if state.get("checkpoint"):
            self.show_checkpoint(Path(str(state["checkpoint"])))
        self._follow_change()

    def _follow_preset(self) -> None:
        """Show the preset whose features are checked; none where ours and other features of the authors are."""
        from core.emotion.features import AS_AUTHORS, AUTHORS

        checked = {key for key, action in self._actions.items() if action.isChecked()}
        preset = "authors" if checked == set(AS_AUTHORS) else None if checked & set(AUTHORS) else ""
        self.preset.setCurrentIndex(self.preset.findData(preset))

    def minimumSizeHint(self) -> QSize:
        """Height of the wrapped lines; in a narrow window the protocol stands among them."""
        least = super().minimumSizeHint()
        width = least.width() - (self._width_of_protocol() if self._first.indexOf(self.protocol) >= 0 else 0)
        return QSize(width, max(least.height(), self.heightForWidth(self.width())))

    def resizeEvent(self, event: QResizeEvent) -> None:
        within = self._first.indexOf(self.protocol) >= 0
        width = self._first.minimumSize().width() + (0 if within else self._width_of_protocol())
        if within and self.width() < width:
            self._flow.addWidget(self.protocol)
        elif not within and self.width() >= width:
            self._first.insertWidget(self._first.indexOf(self.folder_button) + 1, self.protocol)
        super().resizeEvent(event)
        self._flow.invalidate()
        self._below.updateGeometry()
        self.updateGeometry()

    def _width_of_protocol(self) -> int:
        return self.protocol.minimumSizeHint().width() + self._first.spacing()

    _busy = False

    def _lay_out(self) -> None:
        self._first = row(panel_title(_("Emotion")), 4, self.folder_button, self.protocol, None, self.runs,
                          self.export, self.start)
        self._below = QWidget()
        self._flow = FlowLayout(self._below)
        for control in (self.preset, self.mode, self.classes, self.features, self.model, self.own, self.links):
            self._flow.addWidget(control)
        self.setLayout(column(self._first, self._below, space=8))
        self.export.setEnabled(False)
        self.runs.setEnabled(False)

    def _fill_features(self) -> None:
        from core.emotion.features import AUTHORS, FEATURES

        menu = _StayingMenu(self.features)
        for feature in FEATURES:
            action = menu.addAction(feature.title)
            action.setCheckable(True)
            action.setChecked(feature.key not in AUTHORS)
            action.setToolTip(plain_tip(feature.about))
            action.toggled.connect(lambda _unused: self._follow_change())
            self._actions[feature.key] = action
        menu.setToolTipsVisible(True)
        self.features.setMenu(menu)

    def _take_preset(self) -> None:
        """Set protocol, mode, classes and features to those of the preset."""
        from core.emotion.features import AS_AUTHORS, AUTHORS

        ours = [key for key in self._actions if key not in AUTHORS]
        self.restore({**self.save(), "protocol": "paper", "mode": "linear", "classes": 4, "own": False,
                      "features": list(AS_AUTHORS) if self.preset.currentData() == "authors" else ours})

    def _fill_model(self) -> None:
        menu = QMenu(self.model)
        menu.addAction(_("Untrained model"), lambda: self.show_checkpoint(None))
        if (SHIPPED / "run.json").is_file():
            menu.addAction(_("Included model"), lambda: self.show_checkpoint(SHIPPED))
        menu.addAction(_("Choose a trained run…"), self._choose_checkpoint)
        self.model.setMenu(menu)

    def _choose_checkpoint(self) -> None:
        ask_folder(self, "model", _("Folder of a trained run"), self.show_checkpoint, self.checkpoint)

    def _set_folder(self, folder: Path) -> None:
        self.show_folder(folder)
        self.start.setFocus()
        self.changed.emit()

    def _follow_change(self) -> None:
        tuned = self.mode.currentData() != "linear"
        for key, action in self._actions.items():
            action.setVisible(not tuned or key in TUNED)
        available = sum(action.isVisible() for action in self._actions.values())
        self._follow_preset()
        self.features.setText(_("{chosen_features} of {available} features").format(
            chosen_features=len(self.chosen_features()), available=available))
        self._enable()
        self.changed.emit()

    def _enable(self) -> None:
        chosen = bool(self.chosen_features())
        self.start.setEnabled(self.folder is not None and chosen and not self._busy)
        self.start.setToolTip(_("Probe the recordings (Ctrl+Return)") if self.start.isEnabled() else
                              _("An experiment is running") if self._busy else
                              _("Choose the RAVDESS folder first") if chosen else _("Select at least one feature"))


class _StayingMenu(QMenu):
    """A menu that stays open while its actions are checked."""

    def mouseReleaseEvent(self, event: Any) -> None:
        action = self.activeAction()
        if action is not None and action.isCheckable():
            action.toggle()
            return
        super().mouseReleaseEvent(event)


def _choice(choices: Any, tip: str) -> QComboBox:
    combo = QComboBox()
    for value, title in choices:
        combo.addItem(as_shown(title), value)
    combo.setAccessibleName(as_shown(tip))
    combo.setToolTip(plain_tip(tip))
    combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    combo.setMinimumContentsLength(max(len(title) for _unused, title in choices) - 4)
    return combo


def _menu_button(text: str) -> QPushButton:
    return button(text, icon="chevron-down")
