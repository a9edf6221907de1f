"""Main window: rail, panels, banner and status bar. Panels are declared in a table and created when first shown."""

import logging
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QPoint, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QCloseEvent, QKeySequence, QPaintEvent, QShortcut, QShowEvent
from PySide6.QtWidgets import QApplication, QLineEdit, QMainWindow, QMenu, QPlainTextEdit, QTextEdit, QWidget

from brewclip_app import closing, theme
from brewclip_app.context import Context
from brewclip_app.help_menu import HelpMenu
from brewclip_app.jobs import Job
from brewclip_app.localisation import _
from brewclip_app.notifications import Notifier
from brewclip_app.other_window import OtherWindow
from brewclip_app.panels.base import Panel
from brewclip_app.panels.needs_torch import NeedsTorchPanel
from brewclip_app.services.downloads import DownloadsState
from brewclip_app.services.runs import KEY as TRAINING
from brewclip_app.shell.key_list import KeyList
from brewclip_app.shell.panel_stack import PanelStack
from brewclip_app.shell.rail import Rail
from brewclip_app.shell.status_strip import StatusStrip
from brewclip_app.tour.guide import TourGuide
from brewclip_app.widgets import file_dialogs
from brewclip_app.widgets.banner import Banner
from brewclip_app.widgets.common import column, look, row
from brewclip_app.widgets.preview.overlay import PreviewOverlay
from core.inference.accelerators import has_torch
from core.settings import INTERFACE

if TYPE_CHECKING:
    pass

SMALLEST = QSize(1000, 640)  # px, unless the screen has less: large fonts scale px, not the screen
FIRST_SIZE = QSize(1280, 800)
FRAME = QSize(4, 40)  # about what a desktop draws around a window
MODEL_CHOICES = ((_("Use the program's own model"), "auto"), (_("Use the backbone alone (zero-shot)"), "zero-shot"))
WAITING_MS = 1000  # after which closing says that it waits
WORTH_SAYING = 1.0  # s a job must have run before closing says what becomes of it
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class PanelEntry:
    """Declaration of a panel; its class is imported when it is first shown."""

    key: str
    title: str
    icon: str
    module: str
    name: str
    below: bool = False
    simple: bool = False  # shown in simple mode too
    needs_torch: bool = False
    on_demand: bool = False  # reached from other panels; its button is there while it is in front

    def make(self, context: Context) -> Panel:
        """The panel, or what says that it needs PyTorch where that is not installed."""
        if self.needs_torch and not has_torch():
            return NeedsTorchPanel(context, self.title, self.icon)
        panel: Panel = getattr(import_module(self.module), self.name)(context)
        return panel


PANELS: tuple[PanelEntry, ...] = (
    PanelEntry("search", _("Search"), "microphone", "brewclip_app.panels.search.panel", "SearchPanel", simple=True),
    PanelEntry("library", _("Library"), "library", "brewclip_app.panels.library.panel", "LibraryPanel", simple=True),
    PanelEntry("map", _("Map"), "map", "brewclip_app.panels.map.panel", "MapPanel"),
    PanelEntry("inspect", _("Inspect"), "inspect", "brewclip_app.panels.inspect.panel", "InspectPanel",
               needs_torch=True),
    PanelEntry("annotate", _("Annotate"), "annotate", "brewclip_app.panels.annotate.panel", "AnnotatePanel"),
    PanelEntry("train", _("Train"), "train", "brewclip_app.panels.train.panel", "TrainPanel",
               needs_torch=True),
    PanelEntry("evaluate", _("Evaluate"), "evaluate", "brewclip_app.panels.evaluate.panel", "EvaluatePanel",
               needs_torch=True),
    PanelEntry("failures", _("Failures"), "failures", "brewclip_app.panels.failures.panel", "FailuresPanel",
               needs_torch=True),
    PanelEntry("emotion", _("Emotion"), "emotion", "brewclip_app.panels.emotion.panel", "EmotionPanel",
               needs_torch=True),
    PanelEntry("settings", _("Settings"), "settings", "brewclip_app.panels.settings.panel", "SettingsPanel", below=True,
          simple=True),
    PanelEntry("duplicates", _("Duplicates"), "copy", "brewclip_app.panels.duplicates.panel", "DuplicatesPanel",
               simple=True, on_demand=True),
)


def keys_of(number: int) -> str:
    """Keys of the panel of a number from 1; the tenth has Ctrl+0."""
    return f"Ctrl+{number % 10}"


class MainWindow(QMainWindow):
    """Navigation, messages and running jobs; everything else is in the panels."""

    first_painted = Signal()
    closed = Signal()

    def __init__(self, context: Context, panels: tuple[PanelEntry, ...] = PANELS) -> None:
        super().__init__()
        self.context = context
        self.entries = {entry.key: entry for entry in panels}
        always = [entry.key for entry in panels if not entry.on_demand]
        self._keys = {key: keys_of(number) for number, key in enumerate(always, 1)}
        self.panels: dict[str, Panel] = {}
        self._texts: dict[str, str] = {}
        self._links: dict[str, tuple[str, str]] = {}
        self.first_panel = ""  # key of the panel to begin with; else the last one
        self._files = context.downloads.state.files
        self._theme = context.settings["appearance.theme"]
        self._painted = False
        self._closing = self._impatient = False
        self._names_jobs = False  # the banner names the jobs that closing waits for
        self._asked_training = False  # what becomes of runs that are training is settled
        self.is_over = False  # everything is kept, the window has gone
        file_dialogs.remember_in(context.state)
        self.setWindowTitle("BrewCLIP Explorer")
        self.rail = Rail(self.show_panel)
        self.stack = PanelStack()
        self.banner = Banner()
        self.strip = StatusStrip(context.jobs, self._open_models,
                                 lambda key: self.show_panel(key, context.gallery))
        self.other_window = OtherWindow(context.home, self, self.strip.show_other_window)
        self.keys = KeyList(self)
        self.notifier = Notifier(self, context.jobs)
        self.guide = TourGuide(self, context, self.banner, self.panels, self.show_panel)
        self.help = HelpMenu(self, context, self.guide.open, self.open_keys, lambda: self.strip.models.text())
        self._lay_out()
        self._connect()
        self._make_shortcuts()
        self._restore()
        self._show_screens()

    def current(self) -> Panel | None:
        """The panel in front."""
        shown = self.stack.current()
        return shown if isinstance(shown, Panel) else None

    def _current_key(self) -> str:
        shown = self.current()
        return next((key for key, panel in self.panels.items() if panel is shown), "")

    def show_panel(self, key: str, payload: object = None) -> None:
        """Bring a panel to the front and give it the payload of another panel."""
        before = self.current()
        panel = self.panels.get(key) or self._make(self.entries[key])
        if panel is not before:
            if before is not None:
                before.deactivated()
            self.stack.show_panel(panel)
            self._show_screens()
            self.rail.show_chosen(key)
            self.strip.leave_out(panel.own_jobs)
            self._show_words()
            self.context.state.set("panel", key)
            panel.setFocus()
            panel.activated()
            self._offer_all_panels(self.entries[key])
        if payload is not None:
            panel.receive(payload)

    def waits_for_jobs(self) -> bool:
        """Whether closing waits for jobs; not after a second close."""
        return not self._impatient

    def refresh_engine(self) -> None:
        """Read which models are in use and show them in the status bar."""
        self.context.jobs.submit(_("Asking for the models"), lambda report: self.context.explorer.status(),
                                 key="status",
                                 on_done=self.strip.show_engine, on_failed=lambda error: None, quiet=True)

    def open_keys(self) -> None:
        """Show the list of keys."""
        window = [(keys, self.entries[key].title) for key, keys in self._keys.items()
                  if self._in_interface(self.entries[key])]
        panel, preview = self.current(), self.findChild(PreviewOverlay)
        first = (panel.title, panel.shortcuts()) if panel else ("", [])
        self.keys.open([(_("Preview"), preview.key_list()) if preview is not None and preview.isVisible() else first,
                        (_("Everywhere"), [*window, ("F1", _("Help")), ("?", _("This list")), ("Ctrl+Q", _("Close"))])])

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if not self._painted:
            self._painted = True
            QTimer.singleShot(0, self.first_painted.emit)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self.current() is None:
            last = self.entries.get(self.context.state.get("panel", ""))
            key = last.key if last is not None and self._in_interface(last) else next(iter(self.entries))
            self.show_panel(self.first_panel if self.first_panel in self.entries else key)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.ActivationChange and self.isActiveWindow():
            self.notifier.window_active()

    def close_unasked(self) -> None:
        """Close without a question, for the system or a command."""
        self._asked_training = True
        self.close()

    def closeEvent(self, event: QCloseEvent) -> None:
        """Ask jobs to stop and wait for them without blocking; a second close does not wait."""
        if not self._asked_training and not self._closing and self._ask_about_training():
            event.ignore()
            return
        self._impatient = self._closing and not self.context.jobs.is_idle()
        if self._closing or self.context.jobs.is_idle():
            self._leave()
            event.accept()
            return
        self._closing = True
        event.ignore()
        for panel in self.panels.values():
            panel.closing()
        self._show_stopping(self.context.jobs.running())
        QTimer.singleShot(WAITING_MS, self._show_waiting)
        self.context.jobs.idle.connect(self.close)
        self.context.jobs.close_door()

    def _lay_out(self) -> None:
        for entry in self.entries.values():
            self.rail.add(entry.key, entry.icon, entry.title, self._keys.get(entry.key, ""), entry.below)
        self.rail.add_action("help", _("Help"), _("Help, keyboard shortcuts and version (F1)"), self._open_help)
        banner_place = column(self.banner)
        banner_place.setContentsMargins(20, 12, 20, 0)
        self._banner_place = QWidget()
        self._banner_place.setLayout(banner_place)
        self._banner_place.hide()
        right = column(self._banner_place, self.stack, self.strip, space=0)
        right.setStretch(1, 1)
        layout = row(self.rail, right, space=0)
        layout.setStretch(1, 1)
        centre = look(QWidget(), "ground")
        centre.setLayout(layout)
        self.setCentralWidget(centre)
        self.banner.shown_changed.connect(self._banner_place.setVisible)

    def _connect(self) -> None:
        self.context.failed.connect(self.banner.show_error)
        self.context.jobs.job_failed.connect(lambda job, error: self.banner.show_error(error))
        self.context.settings_changed.connect(self._apply_settings)
        self.context.downloads.changed.connect(self._follow_downloads)
        self.context.jobs.job_finished.connect(self._after_job)
        QApplication.instance().focusChanged.connect(self._keep_focus)  # type: ignore[union-attr]

    def _keep_focus(self, before: QWidget | None, now: QWidget | None) -> None:
        """Let the panel take the keyboard of a part that was hidden: Qt would give it to any next control."""
        panel = self.current()
        if (before is not None and now is not None and panel is not None and panel.isAncestorOf(before)
                and not before.isVisible() and panel.isVisible() and now.window() is self):
            panel.setFocus()

    def _make_shortcuts(self) -> None:
        for key, keys in self._keys.items():
            QShortcut(QKeySequence(keys), self, lambda key=key: self.show_panel(key))
        QShortcut(QKeySequence("Ctrl+Q"), self, self.close)
        QShortcut(QKeySequence("?"), self, self._ask_for_keys)
        QShortcut(QKeySequence("F1"), self, self._open_help)

    def _ask_for_keys(self) -> None:
        focus = QApplication.focusWidget()
        if isinstance(focus, QLineEdit | QPlainTextEdit | QTextEdit) and focus.isEnabled():
            _type(focus, "?")
        else:
            self.open_keys()

    def _open_help(self) -> None:
        place = self.rail.action_button
        self.help.popup(place.mapToGlobal(place.rect().topRight()))

    def _open_models(self) -> None:
        """Open the menu of models for indexing and search."""
        now, menu = self.context.settings["vision.model"], QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        for words, value in MODEL_CHOICES:
            action = menu.addAction(words)
            action.triggered.connect(partial(self._use_model, value))
            action.setCheckable(True)
            action.setChecked(now == value)
        menu.addSeparator()
        menu.addAction(_("Models in Settings…"), lambda: self.show_panel("settings"))
        corner = self.strip.models.mapToGlobal(QPoint(0, 0))
        menu.popup(corner - QPoint(0, menu.sizeHint().height()))

    def _use_model(self, value: str, checked: bool = True) -> None:
        self.context.change("vision.model", value)

    def _in_interface(self, entry: PanelEntry) -> bool:
        """Whether a panel is part of the interface: the simple one has a few."""
        return entry.simple or self.context.settings[INTERFACE] != "simple"

    def _show_screens(self) -> None:
        """Show the panels of the interface in the rail, and the one in front."""
        current = self._current_key()
        for entry in self.entries.values():
            self.rail.show_button(entry.key, entry.key == current
                                  or (not entry.on_demand and self._in_interface(entry)))

    def _offer_all_panels(self, entry: PanelEntry) -> None:
        """Say of a panel that the simple interface hides, opened by a link or a key, how to keep it in the rail."""
        if not self._in_interface(entry):
            self.banner.show_message(_("{title} is not part of the simple interface: it leaves the rail when another "
                                       "panel is opened.").format(title=entry.title), "note",
                                     action=_("Show all panels"),
                                     act=partial(self.context.change, INTERFACE, "all"))
        elif self.banner.property("kind") == "note":
            self.banner.dismiss()

    def _make(self, entry: PanelEntry) -> Panel:
        panel = entry.make(self.context)
        self.panels[entry.key] = panel
        panel.status_changed.connect(lambda text: self._set_status(entry.key, text))
        panel.status_link.connect(lambda words, to: self._set_status_link(entry.key, words, to))
        panel.go_to.connect(self.show_panel)
        panel.failed.connect(self.banner.show_error)
        self.stack.add(panel)
        panel.restore_state(self.context.state.panel(entry.key))
        return panel

    def _set_status(self, key: str, text: str) -> None:
        self._texts[key] = text
        self._show_words()

    def _set_status_link(self, key: str, words: str, to: str) -> None:
        self._links[key] = (words, to)
        self._show_words()

    def _show_words(self) -> None:
        key = self._current_key()
        if key:
            self.strip.show_words(self._texts.get(key, ""), *self._links.get(key, ("", "")))

    def _apply_settings(self) -> None:
        app, name = QApplication.instance(), self.context.settings["appearance.theme"]
        if isinstance(app, QApplication) and name != self._theme:  # else the command line's choice holds
            self._theme = name
            theme.apply(app, str(name))
        self._show_screens()
        if self.context.settings[INTERFACE] != "simple" and self.banner.property("kind") == "note":
            self.banner.dismiss()
        self.refresh_engine()

    def _follow_downloads(self, downloads: DownloadsState) -> None:
        """Refresh the models in the status bar: another file of weights may be there."""
        if downloads.files is not self._files:
            self._files = downloads.files
            self.refresh_engine()

    def _after_job(self, job: Job) -> None:
        """Refresh the models in the status bar: the first search or indexing loads them."""
        if not job.quiet:
            self.refresh_engine()

    def _ask_about_training(self) -> bool:
        """Ask the user about runs that are training; whether there are any."""
        app = QApplication.instance()
        runs = closing.trained(self.context.jobs.running())
        if not runs or (isinstance(app, QApplication) and app.isSavingSession()):
            return False
        if self.findChild(closing.TrainingQuestion) is None:
            records = [self.context.training.state.record(run) for run in runs]
            names = [record.name if record else run.name for record, run in zip(records, runs, strict=True)]
            closing.TrainingQuestion(self, names, self.close_unasked, self._stop_training).open()
        return True

    def _stop_training(self) -> None:
        """Let the runs save and stop, then close; closing once more does not wait."""
        self._asked_training = True
        self.banner.show_message(_("Training saves and stops; the window closes after it. Close again to leave at "
                                   "once."),
                                 "care")
        for run in closing.trained(self.context.jobs.running()):
            self.context.training.pause(run)
        self.context.jobs.job_finished.connect(self._close_after_training)

    def _close_after_training(self, job: Job) -> None:
        if not self._closing and not closing.trained(self.context.jobs.running()):
            QTimer.singleShot(0, self.close)  # its end is still being told

    def _show_stopping(self, jobs: list[Job]) -> None:
        """Name the long jobs that are being stopped. Indexing resumes at the next start; training is not stopped."""
        long = [job for job in jobs if job.seconds > WORTH_SAYING and not job.key.startswith(TRAINING)]
        self._names_jobs = bool(long)
        if long:
            indexing = any(job.key.startswith("index:") for job in long)
            goes_on = _(" Indexing goes on next time where it stood.") if indexing else ""
            self.banner.show_message(_("Stopping: {value}.{goes_on} Close again to leave without waiting.").format(
                value=", ".join(job.name for job in long), goes_on=goes_on), "care")

    def _show_waiting(self) -> None:
        """Say that closing waits: short and quiet jobs, such as loading a model, can take long on a busy computer."""
        if not self.is_over and not self._names_jobs:
            self.banner.show_message(_("The window closes when the current step has ended. Close again to leave "
                                       "without waiting."), "care")

    def _restore(self) -> None:
        room = self.screen().availableSize() - FRAME
        self.setMinimumSize(SMALLEST.boundedTo(room))
        if not self.restoreGeometry(self.context.state.bytes("geometry")):
            self.resize(FIRST_SIZE.boundedTo(room))
        self.context.set_gallery(str(self.context.state.get("gallery", "")))

    def _leave(self) -> None:
        """Save all state before the window closes."""
        state = self.context.state
        state.set_bytes("geometry", self.saveGeometry())
        state.set("gallery", self.context.gallery)
        for key, panel in self.panels.items():
            panel.closing()
            state.set_panel(key, panel.save_state())
        state.save()
        self.other_window.close()
        self.is_over = True
        self.closed.emit()


def _type(field: "QLineEdit | QPlainTextEdit | QTextEdit", text: str) -> None:
    if isinstance(field, QLineEdit):
        field.insert(text)
    else:
        field.insertPlainText(text)
