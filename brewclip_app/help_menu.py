"""Help of the window: guided tour, keys, documentation, log file, the interface, versions."""

import platform
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import PySide6
from PySide6.QtCore import QUrl, qVersion
from PySide6.QtGui import QDesktopServices, QGuiApplication
from PySide6.QtWidgets import QDialog, QGridLayout, QMenu, QWidget

import core
from brewclip_app.base_context import BaseContext
from brewclip_app.localisation import _
from brewclip_app.widgets.common import Card, ElidedLabel, button, column, label, row
from core.home import Home
from core.settings import INTERFACE

DOCUMENTATION = Path(core.__file__).resolve().parents[1] / "docs"  # of a checkout; an installed program has none
ABOUT = (_('Speak a description and see the matching pictures, offline. A workbench for the paper "BrewCLIP: A '
           'Bifurcated Representation Learning Framework for Audio-Visual Retrieval" by Lu and Sethi.'))


class HelpMenu(QMenu):
    """Menu of the rail's Help button; `open_tour` begins the guided tour, `open_keys` shows the list of keys, `models`
    names the models in use.
    """

    def __init__(self, parent: QWidget, context: BaseContext, open_tour: Callable[[], object],
                 open_keys: Callable[[], object], models: Callable[[], str]) -> None:
        super().__init__(parent)
        self._window, self._context, self._models = parent, context, models
        home = context.home
        self.tour = self.addAction(_("Guided tour"), open_tour)
        self.keys = self.addAction(_("Keyboard shortcuts\t?"), open_keys)
        self.documentation = self.addAction(_("Documentation"), lambda: _open(DOCUMENTATION))
        self.documentation.setVisible(DOCUMENTATION.is_dir())
        self.addSeparator()
        self.all_panels = self.addAction(_("Show all panels"))
        self.all_panels.setCheckable(True)
        self.all_panels.triggered.connect(lambda on: context.change(INTERFACE, "all" if on else "simple"))
        self.addSeparator()
        self.log = self.addAction(_("Open log file"), lambda: _open(home.log))
        self.folder = self.addAction(_("Open data folder"), lambda: _open(home.root))
        self.addSeparator()
        self.about = self.addAction(_("About BrewCLIP Explorer"), self._show_about)
        self.aboutToShow.connect(self._follow)

    def _follow(self) -> None:
        """Show the interface in use, and whether there is a log: one is written with the first warning."""
        has_log = self._context.home.log.is_file()
        self.log.setEnabled(has_log)
        self.log.setText(_("Open log file") if has_log else _("Open log file (nothing logged)"))
        self.all_panels.setChecked(self._context.settings[INTERFACE] == "all")

    def _show_about(self) -> None:
        AboutDialog(self._window, self._context.home, self._models()).open()


def versions(models: str) -> dict[str, str]:
    """Facts for a report of an error: versions of the program and what it runs on, and the models in use."""
    return {_("Program"): core.__version__, _("Models"): models or _("none loaded yet"),
            "Python": platform.python_version(),
            "Qt": _("{qversion}, PySide6 {version}").format(qversion=qVersion(), version=PySide6.__version__),
            "PyTorch": _installed("torch"),
            "ONNX Runtime": _installed("onnxruntime"), _("System"): platform.platform(terse=True)}


class AboutDialog(QDialog):
    """Versions, paper, licence, and where things are kept."""

    def __init__(self, parent: QWidget, home: Home, models: str) -> None:
        super().__init__(parent)
        self.setWindowTitle(_("About BrewCLIP Explorer"))
        self.setMinimumWidth(500)
        self._versions = versions(models)
        facts, grid = Card(), QGridLayout()
        for line, (name, value) in enumerate((
                *self._versions.items(), *((name, str(path)) for name, path in home.places.items()),
                (_("Licence"), _("MIT; models and pictures: resources/NOTICE")))):
            grid.addWidget(label(name, "quiet-body"), line, 0)
            grid.addWidget(ElidedLabel(value), line, 1)
        grid.setColumnStretch(1, 1)
        grid.setHorizontalSpacing(16)
        facts.body.addLayout(grid)
        self.copy = button(_("Copy versions"), self._copy, icon="copy", tip=_("For a report of an error"))
        close = button(_("Close"), self.accept, "main")
        close.setDefault(True)
        box = column(label("BrewCLIP Explorer", "title"), label(ABOUT, wrap=True), facts,
                     label(_("Nothing leaves this computer except downloads that you start."), "quiet", wrap=True),
                     row(self.copy, None, close), space=12)
        box.setContentsMargins(20, 18, 20, 16)
        self.setLayout(box)
        self.finished.connect(self.deleteLater)

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText("\n".join(f"{name}: {value}" for name, value in self._versions.items()))
        self.copy.setText(_("Copied"))


def _installed(package: str) -> str:
    """The version of a package, without importing it."""
    try:
        return version(package)
    except PackageNotFoundError:
        return _("not installed")


def _open(path: Path) -> None:
    QDesktopServices.openUrl(QUrl.fromLocalFile(str(path)))
