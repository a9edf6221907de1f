"""The window where PyTorch is not installed, as in the bundle."""

import json
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
    assert [key for key in opened if opened[key] == "False"] == ["search", "library", "map", "annotate", "settings",
                                                                 "duplicates"]
    assert not home.log.exists(), home.log.read_text()


SEARCH = START + """
from core.cli import main
codes = [main(["demo", "--build"]), main(["search", "--gallery", "demo", "--text", "a cup of coffee", "--json"])]
from core.errors import ModelError
from core.home import find_home
from core.models.registry import ModelRegistry
from core.settings import Settings
try:
    ModelRegistry(find_home()).backbone(Settings())
except ModelError as error:
    print(error.kind)
sys.exit(codes != [0, 0])
"""


@pytest.mark.slow
def test_the_included_model_indexes_and_searches_and_pytorchs_are_refused(home):
    printed = without_torch(SEARCH)
    found = json.loads(printed[printed.index("{"):printed.rindex("}") + 1])
    assert found["hits"][0]["path"].endswith("cup of coffee.png")
    assert printed.splitlines()[-1] == "no_torch"
