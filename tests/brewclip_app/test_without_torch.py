"""The window where PyTorch is not installed, as in the bundle."""

import os
import subprocess
import sys

import pytest

from brewclip_app.main_window import PANELS
from tests.conftest import REPOSITORY

NOT_IN_THE_BUNDLE = ("torch", "torchvision", "open_clip", "timm", "whisper", "sklearn", "scipy")
START = f"""
import sys
for name in {NOT_IN_THE_BUNDLE!r}:
    sys.modules[name] = None
"""
WINDOW = START + """
from PySide6.QtCore import QTimer
from brewclip_app import application
from brewclip_app.main_window import MainWindow
from brewclip_app.panels.needs_torch import NeedsTorchPanel
def look():
    window = next(widget for widget in application.QApplication.topLevelWidgets() if isinstance(widget, MainWindow))
    for key in window.entries:
        window.show_panel(key)
        print(key, isinstance(window.current(), NeedsTorchPanel))
    window.close_unasked()
QTimer.singleShot(0, look)
sys.exit(application.main([]))
"""


def without_torch(program):
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen", "PYTHONPATH": str(REPOSITORY)}
    ended = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True,
                           timeout=300)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


@pytest.mark.slow
def test_screens_that_need_it_say_so_and_the_others_open(home):
    opened = dict(line.split() for line in without_torch(WINDOW).splitlines())
    assert opened == {entry.key: str(entry.needs_torch) for entry in PANELS}
    assert [key for key in opened if opened[key] == "False"] == ["search", "library", "annotate", "settings"]
    assert not home.log.exists(), home.log.read_text()
