"""Help of the window: keys, documentation, log file, version."""

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QDialog, QMenu, QWidget

import core
from brewclip_app.widgets.common import Card, ElidedLabel, button, column, label, row
from core.home import Home

DOCUMENTATION = Path(core.__file__).resolve().parents[1] / "docs"  # of a checkout; an installed program has none
ABOUT = ("Speak a description and see the matching pictures, offline. A workbench for the paper \"BrewCLIP: A "
         "Bifurcated Representation Learning Framework for Audio-Visual Retrieval\" by Lu and Sethi.")


class HelpMenu(QMenu):
    """Menu of the rail's Help button; `open_keys` shows the list of keys."""

    def __init__(self, parent: QWidget, home: Home, open_keys: Callable[[], object]) -> None:
        super().__init__(parent)
        self._window, self._home = parent, home
        self.keys = self.addAction("Keyboard shortcuts\t?", open_keys)
        self.documentation = self.addAction("Documentation", lambda: _open(DOCUMENTATION))
        self.documentation.setVisible(DOCUMENTATION.is_dir())
        self.addSeparator()
        self.log = self.addAction("Open log file", lambda: _open(home.log))
        self.folder = self.addAction("Open data folder", lambda: _open(home.root))
        self.addSeparator()
        self.about = self.addAction("About BrewCLIP Explorer", self._show_about)
        self.aboutToShow.connect(self._follow_files)

    def _follow_files(self) -> None:
        """A log is written with the first warning."""
        has_log = self._home.log.is_file()
        self.log.setEnabled(has_log)
        self.log.setText("Open log file" if has_log else "Open log file (nothing logged)")

    def _show_about(self) -> None:
        AboutDialog(self._window, self._home).open()


class AboutDialog(QDialog):
    """Version, paper, licence, and where things are kept."""

    def __init__(self, parent: QWidget, home: Home) -> None:
        super().__init__(parent)
        self.setWindowTitle("About BrewCLIP Explorer")
        self.setMinimumWidth(460)
        facts = Card(space=6)
        for name, value in (("Version", core.__version__), *((name, str(path)) for name, path in home.places.items()),
                            ("Licence", "MIT; models and pictures: resources/NOTICE")):
            line = row(label(name, "quiet-body"), ElidedLabel(value))
            line.setStretch(1, 1)
            facts.body.addLayout(line)
        close = button("Close", self.accept, "main")
        close.setDefault(True)
        box = column(label("BrewCLIP Explorer", "title"), label(ABOUT, wrap=True), facts,
                     label("Nothing leaves this computer except downloads that you start.", "quiet", wrap=True),
                     row(None, close), space=12)
        box.setContentsMargins(20, 18, 20, 16)
        self.setLayout(box)
        self.finished.connect(self.deleteLater)


def _open(path: Path) -> None:
    QDesktopServices.openUrl(QUrl.fromLocalFile(str(path)))
